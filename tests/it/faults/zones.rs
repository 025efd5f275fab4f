//! MariaDB in a time zone of its own, which is a setting of the whole server.

use super::server::Server;
use crate::support::*;

#[test]
fn a_datetime_is_one_of_the_server_s_time_zone() {
    let Some(server) = Server::start(Backend::Mysql) else { return };
    let db = server.database();
    db.execute("SET GLOBAL time_zone = '-05:00'");
    let older = |created: &str, age: &str| {
        db.execute(&format!(
            "DROP TABLE IF EXISTS organizations; \
             CREATE TABLE organizations (id int PRIMARY KEY, name varchar(30), created_at {created}); \
             SET time_zone = '-05:00'; \
             INSERT INTO organizations VALUES (1, 'e2e-1', now()), (2, 'e2e-2', now() - interval 3 hour)"
        ));
        let preview = ["preview", "--org-like", "e2e-*", "--older-than", age, "--format", "json"];
        let shown = db.orgsweep(&preview).exits(0).json();
        let keys = shown["organizations"].as_array().into_iter().flatten();
        keys.filter_map(|one| one["key"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    for created in ["datetime", "datetime(6)", "timestamp NULL"] {
        assert_eq!(older(created, "1h"), ["2"], "{created}");
        assert_eq!(older(created, "4h"), [""; 0], "{created}");
    }
}
