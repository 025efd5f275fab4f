//! A hot standby of PostgreSQL: what reads without keeping anything works there, the rest says where to go.

use super::company::Company;
use super::server::Server;
use super::support::*;

#[test]
fn a_standby_serves_what_keeps_nothing_and_refuses_the_rest_with_the_way_out() {
    let Some(server) = Server::start() else { return };
    let company = Company::fresh(TestDatabase::on(&server.url()));
    let standby = server.standby();
    let name = company.db.name();
    let url = standby.url();
    let url = format!("{}/{name}", url.strip_suffix("/postgres").expect("the default database"));
    let there = |arguments: &[&str]| {
        let arguments = [&["--database-url", &url], arguments].concat();
        orgsweep(&arguments)
    };
    there(&["verify", "--org-id", "1"]).exits(3).says(&["still there: Apex"]);
    there(&["verify", "--org-id", "77"]).exits(0).says(&["nothing is left"]);
    there(&["doctor"]).exits(0);
    there(&["graph"]).exits(0).says(&["users"]);
    let before = company.db.dump();
    let refused: [&[&str]; 3] = [
        &["preview", "--org-id", "1", "--force"],
        &["clean", "--org-id", "1", "--force", "--yes"],
        &["explain", "users", "1", "--org-id", "1"],
    ];
    for command in refused {
        there(command).exits(3).says(&["this server is a standby", "on the primary"]);
    }
    assert_eq!(company.db.dump(), before);
}
