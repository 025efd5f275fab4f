//! The built-in CRM, series of organizations, consented unlinks and triggers: all of it comes back.

use super::*;

const APEX: [&str; 3] = ["--org-name", "Apex", "--force"];

each_backend! {
    fn the_crm(db: TestDatabase) {
        db.orgsweep(&["migrate"]).exits(0);
        db.orgsweep(&["seed", "--organizations", "3"]).exits(0);
        round_trip(&db, &["--org-name", "Apex Innovations Inc.", "--force"]);
        round_trip(&db, &["--org-like", "*o*", "--force", "--foreign", "delete"]);
    }

    /// Each organization has an archive of its own. What the first deletion unlinked in the second
    /// organization went with that, so the second comes back first.
    fn a_series_comes_back_in_reverse_order(db: TestDatabase) {
        db.execute(COMPANIES);
        for checks in CHECKS {
            let copy = db.copy();
            let before = contents(&copy);
            let flags = ["--org-id", "1", "--org-id", "2", "--per-org", "--force", "--foreign", "unlink", "--reference-checks", checks];
            let outcome = clean(&copy, &flags).exits(0);
            let archives = files(&archive_dir(&copy), ".tar.zst");
            assert_eq!(archives.len(), 2, "{outcome}");
            let named = |name: &str| archives.iter().find(|path| path.to_string_lossy().contains(name));
            let (apex, global) = (named("apex").expect("Apex"), named("global").expect("Global"));
            restore(&copy, global, &[]).exits(0);
            restore(&copy, apex, &[]).exits(0);
            changes(&before, &contents(&copy)).assert_none();
        }
    }

    fn consented_unlinks_are_linked_again(db: TestDatabase) {
        db.execute(COMPANIES);
        for consent in ["unlink=deals.created_by", "reassign=deals.created_by:30"] {
            let restored = round_trip(&db, &[&APEX[..], &["--foreign", consent]].concat());
            assert_eq!(restored.json()["totals"]["relinked"], 3, "{restored}");
        }
    }

    /// What an unlink took of a row that went, it gives up before that comes back.
    fn a_value_that_an_unlink_took_comes_back_to_both(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("no index of InnoDB is of some rows only");
        }
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text);
             CREATE TABLE users (id integer PRIMARY KEY, organization_id integer NOT NULL REFERENCES organizations ON DELETE CASCADE);
             CREATE TABLE seats (id integer PRIMARY KEY, user_id integer REFERENCES users ON DELETE SET NULL,
                 owner_id integer REFERENCES users ON DELETE CASCADE, place text);
             CREATE UNIQUE INDEX free_places ON seats (place) WHERE user_id IS NULL;
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users VALUES (10, 1), (20, 2);
             INSERT INTO seats VALUES (1, 10, 20, 'window'), (2, NULL, 10, 'window')",
        );
        round_trip(&db, &["--org-name", "Apex"]);
    }

    /// Every batch has an archive of its own: restored from the last to the first, all of it is back.
    fn batches_come_back_in_reverse_order(db: TestDatabase) {
        db.execute(&COMPANIES.replace("ON DELETE RESTRICT", "ON DELETE SET NULL"));
        let before = contents(&db);
        let outcome = clean(&db, &["--org-name", "Apex", "--batch-rows", "1"]).exits(0);
        let archives = files(&archive_dir(&db), ".tar.zst");
        assert!(archives.len() > 1 && before != contents(&db), "{archives:?}\n{outcome}");
        for archive in archives.iter().rev() {
            restore(&db, archive, &[]).exits(0);
        }
        changes(&before, &contents(&db)).assert_none();
    }

    /// What its trigger wrote elsewhere when rows went stays; when they come back it keeps still, or is in the way.
    fn an_audit_trigger_keeps_still(db: TestDatabase) {
        audited(&db);
        let before = contents(&db);
        clean(&db, &[&APEX[..], &["--foreign", "unlink"]].concat()).exits(0);
        let after = contents(&db);
        let archive = only_archive(&db);
        let name = db.pick("come", "noted", "come");
        for flags in [&["--dry-run"][..], &[]] {
            let outcome = restore(&db, &archive, flags).says(&[name, "--fire-triggers"]);
            if db.backend == Backend::Mysql {
                outcome.exits(3).says(&["drop it"]);
                changes(&after, &contents(&db)).assert_none();
            } else {
                outcome.exits(0).says(&["do not fire", "what triggers did"]);
            }
        }
        if db.backend != Backend::Mysql {
            let changed = changes(&before, &contents(&db));
            let new: Vec<&str> = changed.new.keys().map(String::as_str).collect();
            assert_eq!((new, changed.gone.len(), db.count("audit")), (vec!["audit"], 0, 2), "{changed}");
        }
    }

    fn an_audit_trigger_fires_where_it_shall(db: TestDatabase) {
        audited(&db);
        let before = contents(&db);
        clean(&db, &[&APEX[..], &["--foreign", "unlink"]].concat()).exits(0);
        let told = ["whatever they do elsewhere", db.pick("come", "noted", "come")];
        let outcome = restore(&db, &only_archive(&db), &["--fire-triggers"]).exits(0).says(&told);
        let changed = changes(&before, &contents(&db));
        assert_eq!(changed.gone.len(), 0, "{changed}\n{outcome}");
        let new: Vec<&str> = changed.new.keys().map(String::as_str).collect();
        assert_eq!((new, db.count("audit")), (vec!["audit"], 4), "{changed}\n{outcome}");
        assert_eq!(outcome.json()["altered"].as_array().map(Vec::len), Some(0), "{outcome}");
    }

    /// A row that its table's trigger changes on the way in comes back as it was; let fire, that is told.
    fn rows_that_a_trigger_changes_are_told(db: TestDatabase) {
        db.execute(COMPANIES);
        db.execute(db.pick(
            "CREATE TRIGGER touch AFTER INSERT ON users BEGIN UPDATE users SET email = 'now' WHERE id = new.id; END",
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 new.email := 'now'; RETURN new; END $$;
             CREATE TRIGGER touch BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION touch()",
            "CREATE TRIGGER touch BEFORE INSERT ON users BEGIN SET NEW.email = 'now'; END",
        ));
        if db.backend != Backend::Mysql {
            comes_back(&db.copy(), &[&APEX[..], &["--foreign", "unlink"]].concat());
        }
        clean(&db, &[&APEX[..], &["--foreign", "unlink"]].concat()).exits(0);
        let outcome = restore(&db, &only_archive(&db), &["--fire-triggers"]).exits(0).says(&["a trigger changed them"]);
        assert_eq!(outcome.json()["altered"][0]["table"], "users", "{outcome}");
        assert_eq!(outcome.json()["altered"][0]["rows"], 2, "{outcome}");
        assert_eq!(db.count("users WHERE email = 'now'"), 2, "{outcome}");
    }

    /// Let fire, a trigger that keeps rows out makes the restore fail as a whole.
    fn a_trigger_that_keeps_rows_out_stops_the_restore(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("MariaDB's triggers cannot skip a row");
        }
        db.execute(COMPANIES);
        db.execute(db.either(
            "CREATE TRIGGER no BEFORE INSERT ON users WHEN new.id = 11 BEGIN SELECT RAISE(IGNORE); END",
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
             CREATE TRIGGER no BEFORE INSERT ON users FOR EACH ROW WHEN (new.id = 11) EXECUTE FUNCTION no()",
        ));
        let before = contents(&db);
        clean(&db, &[&APEX[..], &["--foreign", "unlink"]].concat()).exits(0);
        let after = contents(&db);
        let archive = only_archive(&db);
        restore(&db, &archive, &["--fire-triggers"]).exits(6).says(&["1 of 2 rows of users", "rolled back"]);
        changes(&after, &contents(&db)).assert_none();
        restore(&db, &archive, &[]).exits(0);
        changes(&before, &contents(&db)).assert_none();
    }

    /// An UPDATE fires triggers everywhere but on SQLite. What was linked again is looked at: an UPDATE that
    /// counts a row need not have changed it.
    fn a_trigger_that_unlinks_again_stops_the_restore(db: TestDatabase) {
        db.execute(COMPANIES);
        let before = contents(&db);
        clean(&db, &[&APEX[..], &["--foreign", "unlink"]].concat()).exits(0);
        db.execute(db.pick(
            "CREATE TRIGGER back AFTER UPDATE ON deals WHEN new.id = 200 BEGIN
                 UPDATE deals SET created_by = old.created_by WHERE id = new.id; END",
            "CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 new.created_by := old.created_by; RETURN new; END $$;
             CREATE TRIGGER back BEFORE UPDATE ON deals FOR EACH ROW WHEN (new.id = 200) EXECUTE FUNCTION back()",
            "CREATE TRIGGER back BEFORE UPDATE ON deals BEGIN
                 IF NEW.id = 200 THEN SET NEW.created_by = OLD.created_by; END IF; END",
        ));
        let after = contents(&db);
        let archive = only_archive(&db);
        let told = ["2 of 3 rows of deals were linked again", "rolled back"];
        restore(&db, &archive, &["--fire-triggers"]).exits(6).says(&told);
        changes(&after, &contents(&db)).assert_none();
        if db.is_sqlite() {
            restore(&db, &archive, &[]).exits(0);
            changes(&before, &contents(&db)).assert_none();
        } else {
            restore(&db, &archive, &[]).exits(3).says(&["back of deals", "UPDATE", "--fire-triggers"]);
            changes(&after, &contents(&db)).assert_none();
        }
    }

    /// What somebody else has written into an unlinked row since is theirs.
    fn a_value_changed_since_is_left_alone_and_counted(db: TestDatabase) {
        db.execute(COMPANIES);
        clean(&db, &[&APEX[..], &["--foreign", "unlink"]].concat()).exits(0);
        db.execute("UPDATE deals SET created_by = 30 WHERE id = 200; DELETE FROM deals WHERE id = 201");
        let outcome = restore(&db, &only_archive(&db), &[]).exits(0).says(&["left alone"]);
        let link = &outcome.json()["links"][0];
        assert_eq!((&link["rows"], &link["left_alone"]), (&1.into(), &2.into()), "{outcome}");
        assert_eq!(db.value("SELECT created_by FROM deals WHERE id = 200"), "30");
        assert_eq!(db.value("SELECT created_by FROM deals WHERE id = 202"), "10");
    }
}

/// The companies, and a table to which triggers write whatever happens to users.
fn audited(db: &TestDatabase) {
    db.execute(COMPANIES);
    db.execute("CREATE TABLE audit (what text)");
    db.execute(db.pick(
        "CREATE TRIGGER gone AFTER DELETE ON users BEGIN INSERT INTO audit VALUES ('gone ' || old.id); END;
         CREATE TRIGGER come AFTER INSERT ON users BEGIN INSERT INTO audit VALUES ('come ' || new.id); END",
        "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF TG_OP = 'DELETE' THEN INSERT INTO audit VALUES ('gone ' || old.id);
             ELSE INSERT INTO audit VALUES ('come ' || new.id); END IF; RETURN NULL; END $$;
         CREATE TRIGGER noted AFTER INSERT OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION noted()",
        "CREATE TRIGGER gone AFTER DELETE ON users BEGIN INSERT INTO audit VALUES (concat('gone ', old.id)); END;
         CREATE TRIGGER come AFTER INSERT ON users BEGIN INSERT INTO audit VALUES (concat('come ', new.id)); END",
    ));
}

/// Apex has two users; three deals of others were created by one of them.
const COMPANIES: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE,
    email text NOT NULL
);
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    created_by integer REFERENCES users (id) ON DELETE RESTRICT
);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'), (3, 'Third');
INSERT INTO users VALUES (10, 1, 'ann'), (11, 1, 'al'), (20, 2, 'gil'), (30, 3, 'tim');
INSERT INTO deals VALUES (100, 1, 10), (101, 1, NULL), (200, 2, 10), (201, 2, 10), (202, 3, 10), (203, 3, 30);
";
