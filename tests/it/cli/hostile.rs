//! Names of everything that has one hold characters that move a cursor, start a line or turn the direction of
//! writing: none of them reaches a terminal raw, by any command in any format, and no name makes a line of its own.

use super::scripts::run_script;
use crate::support::*;
use orgsweep::engine::{literal, quote};
use serde_json::Value;

/// Organizations 1 and 2 have a user each, and what the user wrote protects them; a trigger lets none of
/// organization 3's go.
fn hostile(db: &TestDatabase) {
    let [t, p, q] = ["t", "p", "q"].map(|name| quote(&evil(name)));
    let [id, fk, name, x] = ["id", "fk", "name", "x"].map(|name| quote(&evil(name)));
    let schema = match db.backend {
        Backend::Postgres => {
            let schema = quote(&evil("s"));
            db.execute(&format!("CREATE SCHEMA {schema}"));
            format!("{schema}.")
        }
        _ => String::new(),
    };
    let constraint = |name: &str| format!("CONSTRAINT {} FOREIGN KEY", quote(&evil(name)));
    db.execute(&format!(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text);
         CREATE TABLE {schema}{t} ({id} integer PRIMARY KEY, {fk} integer, {name} text,
             {} ({fk}) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE {p} (id integer PRIMARY KEY, {x} integer,
             {} ({x}) REFERENCES {schema}{t} ({id}) ON DELETE RESTRICT);
         CREATE TABLE {q} (id integer PRIMARY KEY, {x} integer,
             {} ({x}) REFERENCES {schema}{t} ({id}) ON DELETE SET NULL);",
        constraint("c"),
        constraint("r"),
        constraint("n"),
    ));
    for org in [1, 2, 3] {
        let (name, label) = (literal(&evil(&format!("o{org}"))), literal(&evil("ann")));
        db.execute(&format!(
            "INSERT INTO organizations VALUES ({org}, {name});
             INSERT INTO {schema}{t} VALUES ({org}, {org}, {label});
             INSERT INTO {q} VALUES ({org}, {org})"
        ));
        if org < 3 {
            db.execute(&format!("INSERT INTO {p} VALUES ({org}, {org})"));
        }
    }
    let (trigger, says) = (quote(&evil("tr")), literal(&evil("no")));
    match db.backend {
        Backend::Sqlite => db.execute(&format!(
            "CREATE TRIGGER {trigger} BEFORE DELETE ON {t} WHEN OLD.{id} = 3 BEGIN SELECT RAISE(ABORT, {says}); END"
        )),
        Backend::Postgres => db.execute(&format!(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF OLD.{id} = 3 THEN RAISE EXCEPTION '%', {says} USING HINT = {says}, DETAIL = {says}; END IF; \
             RETURN OLD; END $$; \
             CREATE TRIGGER {trigger} BEFORE DELETE ON {schema}{t} FOR EACH ROW EXECUTE FUNCTION no()"
        )),
        Backend::Mysql => db.with(|connection| {
            let create = format!(
                "CREATE TRIGGER {trigger} BEFORE DELETE ON {t} FOR EACH ROW \
                 IF OLD.{id} = 3 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = {says}; END IF"
            );
            connection.run(&create).expect("the trigger");
        }),
    }
}

/// Every format of a command, in a narrow terminal, and with logs in JSON.
fn in_every_way(db: &TestDatabase, command: &[&str], formats: &[&str]) {
    db.orgsweep(&[command, &["--log-format", "json"]].concat()).shows_nothing_raw();
    db.command(command).env("COLUMNS", "40").run().shows_nothing_raw();
    for format in formats {
        db.orgsweep(&[command, &["--format", format]].concat()).shows_nothing_raw();
    }
}

each_backend! {
    fn nothing_that_looks_shows_them_raw(db: TestDatabase) {
        hostile(&db);
        let table = if db.backend == Backend::Postgres { format!("{}.{}", evil("s"), evil("t")) } else { evil("t") };
        let root = ["--root", &table, "--name-column", &evil("name")];
        let previews = ["json", "markdown", "csv", "sql", "html"];
        in_every_way(&db, &["preview", "--org-id", "1"], &previews);
        in_every_way(&db, &["preview", "--org-id", "1", "--force"], &previews);
        in_every_way(&db, &[&["preview", "--org-name", &evil("ann"), "--force"][..], &root].concat(), &previews);
        in_every_way(&db, &["preview", "--org-like", "o*", "--per-org"], &["json"]);
        in_every_way(&db, &["graph"], &["dot", "mermaid", "json"]);
        in_every_way(&db, &["graph", "--org-id", "1"], &["dot", "mermaid", "json"]);
        let plain = ["json"];
        in_every_way(&db, &["verify", "--org-id", "1"], &plain);
        in_every_way(&db, &["doctor"], &plain);
        for org in ["1", "2"] {
            in_every_way(&db, &["explain", &table, "1", "--org-id", org], &plain);
            in_every_way(&db, &["explain", &evil("q"), "1", "--org-id", org], &plain);
        }
        in_every_way(&db, &["policy", "init"], &[]);
        in_every_way(&db, &[&["policy", "init"][..], &root[..2]].concat(), &[]);
    }

    fn nothing_that_deletes_and_restores_shows_them_raw(db: TestDatabase) {
        hostile(&db);
        let plain = ["json"];
        in_every_way(&db, &["clean", "--org-id", "1"], &plain);
        in_every_way(&db, &["clean", "--org-id", "1", "--yes"], &plain);
        in_every_way(&db, &["clean", "--org-id", "3", "--yes"], &plain);
        in_every_way(&db, &["clean", "--org-id", "3", "--yes", "--per-org"], &plain);
        let kept = ["--archive-dir", "archives"];
        let clean = ["clean", "--org-id", "1", "--yes", "--force", "--format", "json"];
        let clean = db.orgsweep(&[&clean[..], &kept].concat()).exits(0).shows_nothing_raw();
        let json = clean.json();
        let archive = json["archives"][0].as_str().expect("an archive");
        in_every_way(&db, &[&["archives"][..], &kept].concat(), &plain);
        in_every_way(&db, &["archives", "show", archive], &plain);
        in_every_way(&db, &[&["history"][..], &kept].concat(), &plain);
        in_every_way(&db, &[&["history", "show", "latest"][..], &kept].concat(), &["json", "html"]);
        in_every_way(&db, &["restore", archive, "--dry-run"], &plain);
        db.orgsweep(&["restore", archive]).exits(0).shows_nothing_raw();
        in_every_way(&db, &["restore", archive], &plain);
        in_every_way(&db, &["clean", "--org-like", "o*", "--yes", "--force", "--per-org"], &plain);
    }

    fn nor_does_a_command_line_or_a_file_that_holds_them(db: TestDatabase) {
        hostile(&db);
        let (name, url) = (evil("x"), evil("sqlite:"));
        for wrong in [
            &["preview", "--org-name", &name][..],
            &["preview", "--org-name", &name, "--require-match"],
            &["preview", "--org-id", &name],
            &["preview", "--org-id", "1", "--root", &name],
            &["preview", "--org-id", "1", "--name-column", &name],
            &["preview", "--org-id", "1", "--format", &name],
            &["preview", "--org-id", "1", "--lock-timeout", &name],
            &["preview", "--org-id", "1", &format!("--force={name}")],
            &["preview", "--org-id", "1", &format!("--force=p.{name}")],
            &["preview", "--org-id", "1", "--foreign", &name],
            &["preview", "--org-id", "1", &format!("--{name}")],
            &["preview", "--org-id", "1", "--config", &name],
            &["preview", "--org-id", "1", "--save-plan", &format!("{name}/x")],
            &["clean", "--plan", &name],
            &["clean", "--org-id", "1", "--yes", "--archive-dir", &format!("/dev/null/{name}")],
            &["explain", &name, "1", "--org-id", "1"],
            &["explain", "organizations", &name, "--org-id", "1"],
            &["restore", &name],
            &["archives", "show", &name],
            &["archives", "--archive-dir", &name],
            &["policy", "check", "--config", &name],
            &[&name],
        ] {
            for more in [&[][..], &["--log-format", "json", "--format", "json"]] {
                db.orgsweep(&[wrong, more].concat()).shows_nothing_raw();
            }
        }
        orgsweep(&["--database-url", &url, "preview", "--org-id", "1"]).shows_nothing_raw();
        db.command(&["preview", "--org-id", "1"]).env("ORGSWEEP_LOCK_TIMEOUT", &name).run().shows_nothing_raw();
        for policy in [
            "[\"\\u001b\\nforged\"]\n".to_owned(),
            format!("[root]\ntable = {}\n", serde_json::json!(name)),
            format!("[guards]\nforbidden-organizations = [{}, \"o*\"]\n", serde_json::json!(name)),
            format!("[[caveats]]\nmodel = {0}\nwhat = {0}\n", serde_json::json!(name)),
        ] {
            let policy = policy.replace("\\u007f", "\u{7f}");
            std::fs::write(db.directory().join("orgsweep.toml"), policy).expect("a policy");
            for command in [&["preview", "--org-id", "1"][..], &["policy", "check"]] {
                db.orgsweep(command).shows_nothing_raw();
            }
        }
    }

    /// JSON gives the names as they are, and a drafted policy means them.
    fn machines_read_them_as_they_are(db: TestDatabase) {
        hostile(&db);
        let json = db.orgsweep(&["preview", "--org-id", "1", "--force", "--format", "json"]).exits(0).json();
        assert_eq!(json["organizations"][0]["name"], evil("o1"));
        let tables: Vec<&Value> = json["steps"].as_array().expect("steps").iter().map(|step| &step["table"]).collect();
        assert!(tables.contains(&&Value::from(evil("p"))), "{tables:?}");
        let table = if db.backend == Backend::Postgres { format!("{}.{}", evil("s"), evil("t")) } else { evil("t") };
        let draft = db.orgsweep(&["policy", "init", "--root", &table]).exits(0).stdout;
        let policy: toml::Table = draft.parse().expect("TOML");
        assert_eq!(policy["root"]["table"].as_str(), Some(table.as_str()), "{draft}");
    }

    /// A script in which nothing is hidden deletes what has such names; sqlite3 has no way to write them.
    fn a_script_means_them(db: TestDatabase) {
        hostile(&db);
        let before = db.dump();
        let preview = ["preview", "--org-id", "1", "--force", "--format", "sql"];
        let outcome = db.orgsweep(&preview).shows_nothing_raw();
        assert_eq!(outcome.code, if db.is_sqlite() { 3 } else { 0 }, "{outcome}");
        let Some(ended) = run_script(&db, &outcome.stdout) else { return };
        assert_eq!(ended.status.success(), !db.is_sqlite(), "{ended:?}\n{outcome}");
        let changed = changes(&before, &db.dump());
        if db.is_sqlite() {
            changed.assert_none();
        } else {
            assert_eq!(changed.gone.values().map(Vec::len).sum::<usize>(), 4, "{changed}");
        }
    }
}
