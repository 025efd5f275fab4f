//! What is set for a whole MariaDB server changes nothing of what is found, kept and deleted.

use super::server::Server;
use crate::support::*;

fn fresh(server: &Server) -> TestDatabase {
    let db = TestDatabase::on_mysql(&server.url());
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');",
    );
    db
}

fn archive(db: &TestDatabase, flags: &[&str]) -> Outcome {
    let kept = db.directory().display().to_string();
    let clean = ["clean", "--org-id", "1", "--yes", "--format", "json", "--archive-dir", &kept];
    db.orgsweep(&[&clean[..], flags].concat())
}

fn put_back(db: &TestDatabase, cleaned: &Outcome) {
    let archive = cleaned.json()["archives"][0].as_str().expect("an archive").to_owned();
    db.orgsweep(&["restore", &archive]).exits(0);
}

#[test]
fn settings_of_the_server_cut_nothing_off() {
    let Some(server) = Server::start(Backend::Mysql) else { return };
    let db = fresh(&server);
    db.execute(
        "CREATE TABLE users (id int PRIMARY KEY, o int, m int,
             FOREIGN KEY (o) REFERENCES organizations (id) ON DELETE CASCADE,
             FOREIGN KEY (m) REFERENCES users (id) ON DELETE SET NULL);
         CREATE TABLE deals (id int PRIMARY KEY, u int, FOREIGN KEY (u) REFERENCES users (id));
         INSERT INTO users SELECT seq, 1 + seq % 2, IF(seq > 2, seq - 2, NULL) FROM seq_1_to_20;
         INSERT INTO deals SELECT seq, seq FROM seq_1_to_20;",
    );
    let before = db.dump();
    for setting in [
        "sql_select_limit = 1",
        "max_error_count = 0",
        "group_concat_max_len = 4",
        "max_join_size = 1",
        "sql_safe_updates = 1",
        "lc_messages = 'de_DE'",
    ] {
        db.execute(&format!("SET GLOBAL {setting}"));
        let cleaned = archive(&db, &["--force"]).exits(0);
        assert_eq!(cleaned.json()["totals"]["deleted"], 21, "{setting}");
        put_back(&db, &cleaned);
        assert_eq!(db.dump(), before, "{setting}");
    }
    large_values(&server);
    time_limit(&server);
}

/// Values that were written while the server took longer ones.
fn large_values(server: &Server) {
    fresh(server).execute("SET GLOBAL max_allowed_packet = 67108864");
    let db = fresh(server);
    db.execute(
        "CREATE TABLE files (id int PRIMARY KEY, o int, data longblob NOT NULL,
             FOREIGN KEY (o) REFERENCES organizations (id) ON DELETE CASCADE);
         INSERT INTO files VALUES (1, 1, repeat('x', 20000000)), (2, 2, 'y')",
    );
    let before = db.query("SELECT id, sha2(data, 256) FROM files");
    // Longer than the protocol's packets are.
    let cleaned = archive(&db, &[]).exits(0);
    put_back(&db, &cleaned);
    assert_eq!(db.query("SELECT id, sha2(data, 256) FROM files"), before);
    for longest in [16777216, 1048576] {
        db.execute(&format!("SET GLOBAL max_allowed_packet = {longest}"));
        archive(&db, &[])
            .exits(1)
            .says(&["a value of files is 20000000 bytes long", "max_allowed_packet"]);
        assert_eq!(db.query("SELECT id, sha2(data, 256) FROM files"), before);
        db.execute("UPDATE files SET data = repeat('z', 900000)");
        let shorter = db.query("SELECT id, sha2(data, 256) FROM files");
        let cleaned = archive(&db, &[]).exits(0);
        put_back(&db, &cleaned);
        assert_eq!(db.query("SELECT id, sha2(data, 256) FROM files"), shorter);
        db.execute("SET GLOBAL max_allowed_packet = 67108864");
        db.close();
        db.execute("UPDATE files SET data = IF(id = 1, repeat('x', 20000000), 'y')");
    }
}

/// A limit of the user's is none of the session's.
fn time_limit(server: &Server) {
    let db = fresh(server);
    db.execute(
        "CREATE TABLE logs (id int AUTO_INCREMENT PRIMARY KEY, o int, t char(200),
             FOREIGN KEY (o) REFERENCES organizations (id) ON DELETE CASCADE);
         INSERT INTO logs (o, t) SELECT 1, seq FROM seq_1_to_100000",
    );
    let role = db.role();
    db.execute(&format!(
        "GRANT ALL ON *.* TO {0}; ALTER USER {0} WITH MAX_STATEMENT_TIME 0.01",
        role.name
    ));
    archive(&db, &["--database-url", &role.url]).exits(0);
    assert_eq!(db.count("logs"), 0);
}
