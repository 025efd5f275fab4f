//! What only MariaDB has: engines without transactions, references across databases, columns that move by
//! themselves, and cascades that stop too early.

use crate::support::*;

const CLEAN: [&str; 5] = ["clean", "--org-id", "1", "--force", "--yes"];

fn database() -> Option<TestDatabase> {
    TestDatabase::fresh(Backend::Mysql)
}

#[test]
fn a_table_that_cannot_roll_back_is_refused_by_name() {
    let Some(db) = database() else { return };
    // MyISAM has no foreign keys: the policy declares what the application means.
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         CREATE TABLE users (id int PRIMARY KEY, organization_id int NOT NULL,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE hits (id int PRIMARY KEY, user_id int, KEY (user_id)) ENGINE = MyISAM;
         CREATE TABLE clicks (id int PRIMARY KEY, user_id int, KEY (user_id)) ENGINE = Aria TRANSACTIONAL = 1;
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
         INSERT INTO users VALUES (10, 1), (20, 2);
         INSERT INTO hits VALUES (1, 10), (2, 20);
         INSERT INTO clicks VALUES (1, 10), (2, 20);",
    );
    let policy = "\
        [[references]]\nfrom = \"hits.user_id\"\nto = \"users.id\"\non-delete = \"cascade\"\n\
        [[references]]\nfrom = \"clicks.user_id\"\nto = \"users.id\"\non-delete = \"set null\"\n";
    let path = db.directory().join("policy.toml");
    std::fs::write(&path, policy).expect("a policy file");
    let path = path.to_string_lossy();
    let before = db.dump();
    for command in [&CLEAN[..], &["preview", "--org-id", "1", "--force"]] {
        let with_policy = [command, &["--config", &path]].concat();
        db.orgsweep(&with_policy).exits(3).says(&[
            "hits is kept by MyISAM, whose rows no ROLLBACK brings back",
            "clicks is kept by Aria, whose rows no ROLLBACK brings back",
            "ALTER TABLE `hits` ENGINE = InnoDB",
        ]);
    }
    assert_eq!(db.dump(), before);
}

#[test]
fn a_foreign_key_by_a_column_that_is_gone_is_named_and_not_followed() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         CREATE TABLE codes (id int PRIMARY KEY, code int UNIQUE, organization_id int NOT NULL,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE notes (id int PRIMARY KEY, code int,
             FOREIGN KEY (code) REFERENCES codes (code) ON DELETE CASCADE);
         CREATE TABLE strays (id int PRIMARY KEY, code int);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
         INSERT INTO notes VALUES (1, NULL);
         SET foreign_key_checks = 0;
         INSERT INTO notes VALUES (2, 5);
         DROP TABLE codes;
         CREATE TABLE codes (id int PRIMARY KEY, organization_id int NOT NULL,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
         ALTER TABLE strays ADD FOREIGN KEY (code) REFERENCES nowhere (id) ON DELETE CASCADE;
         INSERT INTO strays VALUES (1, 5);
         INSERT INTO codes VALUES (10, 1), (20, 2);
         SET foreign_key_checks = 1;",
    );
    db.orgsweep(&["doctor"]).exits(0).says(&["notes.code → codes (code) names no column"]);
    for (id, checks) in [("1", "engine"), ("2", "set")] {
        let flags = ["--org-id", id, "--reference-checks", checks];
        db.orgsweep(&[&["preview"], &flags[..]].concat()).exits(0);
        db.orgsweep(&[&["clean", "--yes"], &flags[..]].concat()).exits(0);
    }
    assert_eq!((db.count("codes"), db.count("notes"), db.count("strays")), (0, 2, 1));
}

#[test]
fn references_lead_into_other_databases_and_back() {
    let (Some(db), Some(other)) = (database(), database()) else { return };
    let (here, there) = (db.name(), other.name());
    db.execute(&format!(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         CREATE TABLE {there}.users (id int PRIMARY KEY, organization_id int NOT NULL,
             FOREIGN KEY (organization_id) REFERENCES {here}.organizations (id) ON DELETE CASCADE);
         CREATE TABLE deals (id int PRIMARY KEY, created_by int NOT NULL,
             FOREIGN KEY (created_by) REFERENCES {there}.users (id));
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
         INSERT INTO {there}.users VALUES (10, 1), (20, 2);
         INSERT INTO deals VALUES (100, 10), (200, 20);"
    ));
    let users = format!("{there}.users");
    db.orgsweep(&["preview", "--org-id", "1"]).exits(3).says(&["protects", &users]);
    db.orgsweep(&CLEAN).exits(0).says(&[&users, "deals"]);
    let left = format!(
        "SELECT concat_ws(' ', (SELECT group_concat(id) FROM organizations), \
         (SELECT group_concat(id) FROM {there}.users), (SELECT group_concat(id) FROM deals))"
    );
    assert_eq!(db.value(&left), "2 20 200");
    // Neither database could be dropped with references to it.
    db.execute(&format!("DROP TABLE deals, {there}.users"));
}

/// InnoDB's own cascades end at 15 levels (error 1451), and never take a row that another row of the same
/// statement still names.
#[test]
fn a_tree_of_forty_levels_goes() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         CREATE TABLE folders (id int PRIMARY KEY, organization_id int, parent int,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
             FOREIGN KEY (parent) REFERENCES folders (id) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex');
         INSERT INTO folders SELECT seq, if(seq = 1, 1, NULL), if(seq = 1, NULL, seq - 1) FROM seq_1_to_40;",
    );
    for checks in ["set", "engine"] {
        let copy = db.copy();
        copy.orgsweep(&[&CLEAN[..], &["--reference-checks", checks]].concat()).exits(0);
        assert_eq!(copy.count("folders"), 0, "{checks}");
    }
}

/// An UPDATE moves it, the engine's own SET NULL does not.
#[test]
fn unlinking_does_not_move_a_column_that_moves_by_itself() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         CREATE TABLE notes (id int PRIMARY KEY, organization_id int,
             changed timestamp NOT NULL DEFAULT '2001-02-03 04:05:06' ON UPDATE CURRENT_TIMESTAMP,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE SET NULL);
         INSERT INTO organizations VALUES (1, 'Apex');
         INSERT INTO notes (id, organization_id) VALUES (1, 1), (2, NULL);",
    );
    let moved = "SELECT count(*) FROM notes WHERE changed <> '2001-02-03 04:05:06'";
    for checks in ["set", "engine"] {
        let copy = db.copy();
        copy.orgsweep(&[&CLEAN[..], &["--reference-checks", checks]].concat()).exits(0);
        assert_eq!(copy.count("notes WHERE organization_id IS NULL"), 2, "{checks}");
        assert_eq!(copy.value(moved), "0", "{checks}");
    }
}

/// A hash keeps them unique, which no index of ours could.
#[test]
fn long_unique_keys_do_not_get_in_the_way() {
    let keys = [
        "a text NOT NULL, UNIQUE (a)",
        "a varchar(3000) NOT NULL UNIQUE",
        "a varchar(700) NOT NULL, b varchar(700) NOT NULL DEFAULT 'b', UNIQUE (a, b)",
    ];
    for key in keys {
        let Some(db) = database() else { return };
        db.execute(&format!(
            "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
             CREATE TABLE notes (organization_id int, {key},
                 FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE) CHARSET utf8mb4;
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
             INSERT INTO notes (organization_id, a) VALUES (1, 'one'), (1, 'two'), (2, 'three');"
        ));
        let before = db.dump();
        let kept = db.directory().display().to_string();
        for checks in ["set", "engine"] {
            db.orgsweep(&["preview", "--org-id", "1"]).exits(0);
            let flags = ["--format", "json", "--reference-checks", checks, "--archive-dir", &kept];
            let outcome = db.orgsweep(&[&CLEAN[..], &flags].concat()).exits(0).json();
            assert_eq!(db.count("notes"), 1, "{key}");
            let archive = outcome["archives"][0].as_str().expect("an archive");
            db.orgsweep(&["restore", archive]).exits(0);
            assert_eq!(db.dump(), before, "{key}");
        }
    }
}

/// A temporary table hides whatever has its name.
#[test]
fn tables_and_views_that_are_named_as_ours_are_like_any_other() {
    let Some(db) = database() else { return };
    let tables = (0..6).map(|n| {
        format!(
            "CREATE TABLE orgsweep_k{n} (c0 int PRIMARY KEY, c1 int, gen int,
                 FOREIGN KEY (c1) REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE OrgSweep1_h{n} (c0 int PRIMARY KEY, k int,
                 FOREIGN KEY (k) REFERENCES orgsweep_k{n} (c0) ON DELETE SET NULL);
             INSERT INTO orgsweep_k{n} VALUES (1, 1, 0), (2, 2, 1), (3, 1, 2);
             INSERT INTO OrgSweep1_h{n} VALUES (1, 1), (2, 2), (3, 3);"
        )
    });
    db.execute(&format!(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta'); {}
         CREATE TABLE audit (what int);
         CREATE VIEW orgsweep2_h0 AS SELECT count(*) AS c0 FROM organizations;
         CREATE TRIGGER audit AFTER DELETE ON orgsweep_k1 FOR EACH ROW INSERT INTO audit SELECT c0 FROM orgsweep2_h0",
        tables.collect::<String>()
    ));
    let engine = db.copy();
    engine.execute("DROP TRIGGER audit; DELETE FROM organizations WHERE id = 1");
    let before = db.dump();
    let kept = db.directory().display().to_string();
    db.orgsweep(&["preview", "--org-id", "1"]).exits(0);
    assert_eq!(db.dump(), before);
    let clean = [&CLEAN[..], &["--format", "json", "--archive-dir", &kept]].concat();
    let cleaned = db.orgsweep(&clean).exits(0).json();
    assert_eq!(db.count("audit"), 2);
    db.execute("DELETE FROM audit");
    assert_eq!(db.dump(), engine.dump());
    db.orgsweep(&["restore", cleaned["archives"][0].as_str().expect("an archive")]).exits(0);
    assert_eq!(db.dump(), before);
}

/// Nothing is left of them but what the engine keeps on purpose.
#[test]
fn the_doctor_tells_of_system_versioned_tables() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL) WITH SYSTEM VERSIONING;
         INSERT INTO organizations VALUES (1, 'Apex');",
    );
    db.orgsweep(&["doctor"]).exits(0).says(&["organizations: it is system-versioned"]);
    db.orgsweep(&CLEAN).exits(0);
    assert_eq!((db.count("organizations"), db.count("organizations FOR SYSTEM_TIME ALL")), (0, 1));
}

/// With the client's own settings, in which a double quote makes no name.
#[test]
fn what_the_doctor_finds_is_cured_by_the_statements_shown() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         CREATE TABLE `odd \"hits` (n int, organization_id int NOT NULL, KEY (organization_id)) ENGINE = MyISAM;
         CREATE TABLE logs (what text, organization_id int,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TRIGGER history AFTER DELETE ON logs FOR EACH ROW SET @gone = OLD.what;
         INSERT INTO organizations VALUES (1, 'Apex');",
    );
    let policy = "[[references]]\nfrom = \"odd \\\"hits.organization_id\"\nto = \"organizations.id\"\non-delete = \"cascade\"\n";
    let path = db.directory().join("policy.toml");
    std::fs::write(&path, policy).expect("a policy file");
    let role = db.role();
    db.execute(&format!("GRANT SELECT, UPDATE ON {}.* TO {}", db.name(), role.name));
    let examine = |code| {
        let config = path.to_string_lossy();
        let doctor =
            ["doctor", "--format", "json", "--config", &config, "--database-url", &role.url];
        let json = db.orgsweep(&doctor).exits(code).json();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let one = |found: &serde_json::Value| {
            (format!("{} {}", text(&found["table"]), text(&found["kind"])), text(&found["cure"]))
        };
        json["findings"].as_array().expect("findings").iter().map(one).collect::<Vec<_>>()
    };
    let found = examine(3);
    let kinds: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    let expected = [
        " privilege",
        "logs privilege",
        "odd \"hits privilege",
        "organizations privilege",
        "odd \"hits engine",
        "logs trigger",
        "odd \"hits trigger",
        "organizations trigger",
        " hidden",
        "logs restore_trigger",
        "odd \"hits restore_trigger",
        "organizations restore_trigger",
        "logs no_key",
        "odd \"hits no_key",
    ];
    assert_eq!(kinds, expected, "{found:?}");
    let cures: String = found.iter().map(|(_, cure)| format!("{cure};\n")).collect();
    mysql::client(db.name(), cures.replace("\n;", "\n").as_bytes());
    assert_eq!(
        examine(0).iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(),
        ["logs trigger"]
    );
}

/// InnoDB checks each row as it goes, so that a script would fail whenever it is run.
#[test]
fn rows_that_name_each_other_are_in_no_script_mysql() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(20));
         CREATE TABLE a (id int PRIMARY KEY, org int, b int NOT NULL, FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL, FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'); INSERT INTO a VALUES (1, 1, 1); INSERT INTO b VALUES (1, 1);
         ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)",
    );
    let preview = ["preview", "--org-id", "1", "--force", "--format", "sql"];
    db.orgsweep(&preview).exits(3).says(&[
        "no script can be written",
        "a.b → b",
        "orgsweep clean does without one",
    ]);
    db.orgsweep(&CLEAN).exits(0);
    assert_eq!((db.count("a"), db.count("b")), (0, 0));
}
