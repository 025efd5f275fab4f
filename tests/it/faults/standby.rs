//! A hot standby of PostgreSQL: what reads without keeping anything works there, the rest says where to go.

use super::company::Company;
use super::server::Server;
use crate::support::*;
use serde_json::Value;
use std::collections::BTreeMap;

#[test]
fn a_standby_serves_what_keeps_nothing_and_refuses_the_rest_with_the_way_out() {
    let Some(server) = Server::start(Backend::Postgres) else { return };
    let company = Company::fresh(server.database());
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
    let refused: [&[&str]; 5] = [
        &["preview", "--org-id", "1", "--foreign", "delete"],
        &["preview", "--org-id", "1", "--save-plan", "plan.json"],
        &["preview", "--org-id", "1", "--format", "sql"],
        &["clean", "--org-id", "1", "--force", "--yes"],
        &["explain", "users", "1", "--org-id", "1"],
    ];
    for command in refused {
        there(command).exits(3).says(&["this server is a standby", "primary"]);
    }
    assert_eq!(company.db.dump(), before);
}

/// Rows by table and rank, and unlinks, of a JSON preview.
fn counts(outcome: &Outcome) -> BTreeMap<String, u64> {
    let json = outcome.json();
    let mut counts = BTreeMap::new();
    for step in json["steps"].as_array().expect("steps") {
        let mut add = |what: String, rows: &Value| {
            *counts.entry(what).or_default() += rows.as_u64().expect("a number");
        };
        let (action, table) = (&step["action"], &step["table"]);
        add(format!("{action} {table} {}", step["reference"]), &step["rows"]);
        for reached in step["reached_by"].as_array().expect("a list") {
            add(format!("{table} forced {}", reached["needs_force"]), &reached["rows"]);
        }
    }
    counts
}

#[test]
fn a_preview_on_a_standby_counts_what_it_counts_on_the_primary() {
    let Some(server) = Server::start(Backend::Postgres) else { return };
    let db = server.database();
    db.execute(SHAPES);
    let standby = server.standby();
    let url =
        format!("{}/{}", standby.url().strip_suffix("/postgres").expect("as made"), db.name());
    for flags in
        [&["--org-name", "Apex"][..], &["--org-name", "Apex", "--force"], &["--org-id", "2"]]
    {
        let preview = [&["preview", "--format", "json"], flags].concat();
        let there = orgsweep(&[&["--database-url", &url], &preview[..]].concat()).exits(3);
        assert_eq!(counts(&there), counts(&db.orgsweep(&preview)), "{flags:?}\n{there}");
    }
    let there = ["--database-url", &url, "preview", "--org-id", "1"];
    orgsweep(&there).exits(3).says(&["rows are only counted here", "needs --force"]);
    let nobody = ["--database-url", &url, "preview", "--org-name", "Nobody"];
    orgsweep(&nobody).exits(0).says(&["nothing to clean up"]);
}

/// A tree, a cycle, two ways to one row, a key that is not the primary one, partitions, a row without a key.
const SHAPES: &str = r#"
CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL, code text UNIQUE);
CREATE TABLE users (id int PRIMARY KEY, organization_id int REFERENCES organizations ON DELETE CASCADE,
    boss int REFERENCES users ON DELETE SET NULL, team int);
CREATE TABLE teams (id int PRIMARY KEY, lead int REFERENCES users ON DELETE CASCADE,
    organization_code text REFERENCES organizations (code) ON DELETE CASCADE);
ALTER TABLE users ADD FOREIGN KEY (team) REFERENCES teams ON DELETE CASCADE;
CREATE TABLE folders (id int PRIMARY KEY, parent int REFERENCES folders ON DELETE CASCADE,
    owner int REFERENCES users ON DELETE CASCADE);
CREATE TABLE deals (id int, month int, created_by int REFERENCES users ON DELETE RESTRICT,
    folder int REFERENCES folders ON DELETE CASCADE, PRIMARY KEY (id, month)) PARTITION BY LIST (month);
CREATE TABLE deals_1 PARTITION OF deals FOR VALUES IN (1);
CREATE TABLE deals_2 PARTITION OF deals FOR VALUES IN (2);
CREATE TABLE notes (deal int, month int, seen_by int REFERENCES users ON DELETE SET NULL, text text,
    FOREIGN KEY (deal, month) REFERENCES deals ON DELETE CASCADE);
INSERT INTO organizations VALUES (1, 'Apex', 'A'), (2, 'Beta', 'B');
INSERT INTO users SELECT n, 1 + n % 2, nullif(n / 2, 0), NULL FROM generate_series(1, 60) n;
INSERT INTO teams SELECT n, n * 3, CASE WHEN n < 4 THEN 'B' END FROM generate_series(1, 15) n;
UPDATE users SET team = id % 15 + 1 WHERE id % 2 = 1 AND (id % 15 + 1) * 3 % 2 = 1;
INSERT INTO folders SELECT n, nullif(n / 2, 0), CASE WHEN n < 8 THEN n * 2 END FROM generate_series(1, 40) n;
INSERT INTO deals SELECT n, 1 + n % 2, 1 + n % 60, CASE WHEN n % 3 = 0 THEN 1 + n % 40 END FROM generate_series(1, 300) n;
INSERT INTO notes SELECT 1 + n % 300, 1 + (1 + n % 300) % 2, 1 + n % 59, 'same' FROM generate_series(1, 500) n;
"#;
