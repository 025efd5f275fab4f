//! `export`: what a clean would archive, and nothing is deleted.

use super::*;
use std::os::unix::fs::PermissionsExt;

/// A deal protects the user who made it, a visit only names one, and another organization's deal names Apex's user.
const SCHEMA: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(40) NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY,
    organization_id integer NOT NULL, FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
CREATE TABLE deals (id integer PRIMARY KEY, organization_id integer NOT NULL, created_by integer,
    FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE RESTRICT);
CREATE TABLE visits (id integer PRIMARY KEY, user_id integer,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO users VALUES (10, 1), (11, 1), (20, 2);
INSERT INTO deals VALUES (100, 1, 10), (200, 2, 20);
INSERT INTO visits VALUES (1, 10), (2, 20);
";

fn export(db: &TestDatabase, flags: &[&str]) -> (std::path::PathBuf, Outcome) {
    let file = db.directory().join("apex.tar.zst");
    let path = file.display().to_string();
    let export = ["export", "--org-name", "Apex", "--output", &path];
    (file, db.orgsweep(&[&export[..], flags].concat()))
}

each_backend! {
    fn an_export_deletes_nothing_and_comes_back_once_its_rows_are_gone(db: TestDatabase) {
        db.execute(SCHEMA);
        let before = contents(&db);
        let (file, outcome) = export(&db, &[]);
        outcome.exits(0).says(&["4 rows of 3 tables", "what 1 row of others", "Apex (key 1)", "nothing was deleted"]);
        changes(&before, &contents(&db)).assert_none();
        assert_eq!(file.metadata().expect("the file").permissions().mode() & 0o777, 0o600);
        assert!(files(db.directory(), "apex.tar.zst.").is_empty());
        assert_eq!(restore(&db, &file, &[]).exits(3).json()["already_back"], true);
        // It is no deletion.
        in_archives(&db, &["undo", "--yes"]).exits(2).says(&["there is no archive"]);
        in_archives(&db, &["clean", "--org-name", "Apex", "--force", "--yes", "--no-archive"]).exits(0);
        restore(&db, &file, &[]).exits(0);
        changes(&before, &contents(&db)).assert_none();
        export(&db, &[]).1.exits(2).says(&["is there already"]);
    }

    fn rows_of_others_are_exported_by_consent_alone(db: TestDatabase) {
        db.execute(SCHEMA);
        db.execute("INSERT INTO deals VALUES (201, 2, 11)");
        let (file, outcome) = export(&db, &[]);
        outcome.exits(3).says(&["deals.created_by", "Global"]);
        assert!(!file.exists());
        assert!(files(db.directory(), ".partial").is_empty());
        export(&db, &["--foreign", "unlink=deals.created_by"]).1.exits(0).says(&["4 rows of 3 tables", "what 2 rows of others"]);
        std::fs::remove_file(&file).expect("the file");
        export(&db, &["--foreign", "delete=deals.created_by"]).1.exits(0).says(&["5 rows of 3 tables"]);
    }

    /// Nothing goes, and they are the organization's.
    fn rows_that_a_policy_keeps_are_exported(db: TestDatabase) {
        db.execute(SCHEMA);
        let keep = "[tables.deals]\nkeep = { where = \"id = 100\", references = \"null\" }\n";
        std::fs::write(db.directory().join("orgsweep.toml"), keep).expect("a policy");
        export(&db, &[]).1.exits(0).says(&["4 rows of 3 tables", "what 1 row of others"]);
    }

    fn what_only_a_change_would_meet_refuses_no_export(db: TestDatabase) {
        db.execute(SCHEMA);
        db.execute("CREATE TABLE seats (id integer PRIMARY KEY, user_id integer NOT NULL)");
        let policy = "[[references]]\nfrom = \"seats.user_id\"\nto = \"users.id\"\non-delete = \"set null\"\n";
        std::fs::write(db.directory().join("orgsweep.toml"), policy).expect("a policy");
        db.execute("INSERT INTO seats VALUES (1, 10)");
        db.orgsweep(&["preview", "--org-name", "Apex", "--force"]).exits(3).says(&["seats.user_id"]);
        export(&db, &[]).1.exits(0).says(&["4 rows of 3 tables", "what 2 rows of others"]);
    }

    fn rows_of_json_lose_nothing(db: TestDatabase) {
        let bytes = db.pick("BLOB", "bytea", "varbinary(9)");
        let values = db.pick("X'00FF'", "'\\x00ff'", "X'00FF'");
        db.execute(&format!(
            "CREATE TABLE organizations (id bigint PRIMARY KEY, name varchar(40) NOT NULL);
             CREATE TABLE things (id bigint PRIMARY KEY, organization_id bigint, t varchar(40), b {bytes}, d decimal(5, 2), f double precision,
                 FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO things VALUES (9007199254740992, 1, 'it''s', {values}, 1.10, 0.5), (9007199254740993, 1, NULL, NULL, NULL, NULL),
                 (3, 2, 'x', NULL, 1, 1)"
        ));
        let folder = db.directory().join("apex");
        let path = folder.display().to_string();
        let export = ["export", "--org-name", "Apex", "--format", "jsonl", "--output", &path];
        db.orgsweep(&export).exits(0).says(&["3 rows of 2 tables"]);
        let names = files(&folder, "").into_iter().map(|it| it.file_name().unwrap().to_string_lossy().into_owned());
        let names: Vec<String> = names.collect();
        assert_eq!(names.len(), 3, "{names:?}");
        let things = names.iter().find(|name| name.ends_with("-things.jsonl")).expect("things");
        let text = std::fs::read_to_string(folder.join(things)).expect("a file");
        let mut rows: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        rows.sort_by_key(|row| row["t"].is_null());
        // SQLite keeps a DECIMAL as a floating-point number.
        let decimal = if db.is_sqlite() { serde_json::json!(1.1) } else { serde_json::json!("1.10") };
        assert_eq!(
            rows,
            [
                serde_json::json!({ "id": 9_007_199_254_740_992_i64, "organization_id": 1, "t": "it's", "b": { "hex": "00ff" }, "d": decimal, "f": 0.5 }),
                serde_json::json!({ "id": "9007199254740993", "organization_id": 1, "t": null, "b": null, "d": null, "f": null }),
            ]
        );
        db.orgsweep(&export).exits(2).says(&["is there already"]);
        let nobody = db.directory().join("nobody").display().to_string();
        db.orgsweep(&["export", "--org-name", "Nobody", "--format", "jsonl", "--output", &nobody]).exits(3);
        assert!(!db.directory().join("nobody").exists());
    }

    fn of_no_organization_there_is_no_export(db: TestDatabase) {
        db.execute(SCHEMA);
        let path = db.directory().join("none.tar.zst");
        let export = ["export", "--org-name", "Nobody", "--output", &path.display().to_string()];
        db.orgsweep(&export).exits(3).says(&["nothing was written"]);
        assert!(!path.exists());
        db.orgsweep(&[&export[..], &["--per-org"]].concat()).exits(2);
    }
}
