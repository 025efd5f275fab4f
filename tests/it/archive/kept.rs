//! What is kept: lists, contents, receipts and history, and for how long.

use super::*;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Three organizations; one of the first protects a deal of the second.
const SCHEMA: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
CREATE TABLE deals (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE RESTRICT);
CREATE TABLE notes (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE SET NULL);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'), (3, 'Third');
INSERT INTO users VALUES (10, 1), (20, 2), (30, 3);
INSERT INTO deals VALUES (1, 20);
INSERT INTO notes VALUES (1, 10), (2, 30);
";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `archives …` or `history …`.
fn asked(db: &TestDatabase, words: &[&str]) -> Outcome {
    let archive_dir = archive_dir(db);
    orgsweep(&[words, &["--archive-dir", &archive_dir.to_string_lossy()]].concat()).exits(0)
}

/// The only receipt that there is; it goes.
fn receipt(db: &TestDatabase) -> Value {
    let receipts = files(&archive_dir(db), ".receipt.json");
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    let text = std::fs::read_to_string(&receipts[0]).expect("a receipt");
    std::fs::remove_file(&receipts[0]).expect("it goes");
    serde_json::from_str(&text).expect("JSON")
}

fn age(path: &Path, days: u32) {
    let file = std::fs::File::options().append(true).open(path).expect("a file");
    file.set_modified(SystemTime::now() - days * DAY).expect("an age");
}

each_backend! {
    fn a_receipt_for_every_end(db: TestDatabase) {
        db.execute(SCHEMA);
        clean(&db, &["--org-name", "Apex"]).exits(0);
        let cleaned = receipt(&db);
        let part = &cleaned["parts"][0];
        assert_eq!((&cleaned["exit"], &cleaned["command"]), (&0.into(), &"clean".into()), "{cleaned:#}");
        assert_eq!((&part["outcome"], &part["deleted"], &part["unlinked"]), (&"cleaned".into(), &2.into(), &1.into()));
        assert_eq!(part["tables"], serde_json::json!({ "organizations": 1, "users": 1 }), "{cleaned:#}");
        assert_eq!(part["organizations"][0]["name"], "Apex", "{cleaned:#}");
        assert_eq!(part["archive"], only_archive(&db).file_name().unwrap().to_string_lossy().as_ref());
        assert_eq!(part["digests"].as_object().map(|digests| digests.len()), Some(3), "{cleaned:#}");

        restore(&db, &only_archive(&db), &["--dry-run"]).exits(0);
        assert_eq!(files(&archive_dir(&db), ".receipt.json").len(), 0);
        restore(&db, &only_archive(&db), &[]).exits(0);
        let restored = receipt(&db);
        assert_eq!((&restored["command"], &restored["parts"][0]["outcome"]), (&"restore".into(), &"restored".into()));
        restore(&db, &only_archive(&db), &[]).exits(3);
        let refused = receipt(&db);
        assert_eq!((&refused["exit"], &refused["parts"][0]["outcome"]), (&3.into(), &"refused".into()), "{refused:#}");

        clean(&db, &["--org-name", "Global"]).exits(3);
        let refused = receipt(&db);
        assert_eq!((&refused["exit"], &refused["parts"][0]["outcome"]), (&3.into(), &"refused".into()), "{refused:#}");
        clean(&db, &["--org-name", "Nobody"]).exits(0);
        assert_eq!(receipt(&db)["exit"], 0);

        db.execute(db.pick(
            "CREATE TRIGGER no BEFORE DELETE ON organizations WHEN old.id = 3 BEGIN SELECT RAISE(ABORT, 'not today'); END",
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;
             CREATE TRIGGER no BEFORE DELETE ON organizations FOR EACH ROW WHEN (old.id = 3) EXECUTE FUNCTION no()",
            "CREATE TRIGGER refuses BEFORE DELETE ON organizations BEGIN
                 IF OLD.id = 3 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'; END IF; END",
        ));
        clean(&db, &["--org-name", "Third"]).exits(1);
        let failed = receipt(&db);
        assert_eq!((&failed["exit"], &failed["error"]), (&1.into(), &failed["parts"][0]["error"]), "{failed:#}");
        assert_eq!(failed["parts"][0]["outcome"], "failed", "{failed:#}");

        clean(&db, &["--org-id", "1", "--org-id", "3", "--per-org"]).exits(8);
        let series = receipt(&db);
        let outcomes: Vec<&Value> = series["parts"].as_array().expect("parts").iter().map(|part| &part["outcome"]).collect();
        assert_eq!((&series["exit"], outcomes), (&8.into(), vec![&Value::from("cleaned"), &Value::from("failed")]), "{series:#}");
        assert_eq!(files(&archive_dir(&db), ".tar.zst").len(), 2);
    }

    fn a_receipt_elsewhere(db: TestDatabase) {
        db.execute(SCHEMA);
        let before = contents(&db);
        let file = db.directory().join("receipt.json");
        for unwritable in ["/proc/receipt", "/no/such/directory/receipt", "/proc/self"] {
            clean(&db, &["--org-name", "Apex", "--receipt", unwritable]).exits(2).says(&["--receipt", "cannot be written"]);
        }
        changes(&before, &contents(&db)).assert_none();
        assert_eq!(files(&archive_dir(&db), "").len(), 0);

        // Without an archive, and with no place for one.
        let path = file.to_string_lossy().into_owned();
        let flags = ["clean", "--org-name", "Apex", "--yes", "--no-archive", "--archive-dir", "/proc/no", "--receipt", &path];
        db.orgsweep(&flags).exits(0);
        let text = std::fs::read_to_string(&file).expect("a receipt");
        let json: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&json["parts"][0]["outcome"], &json["parts"][0]["archive"]), (&"cleaned".into(), &Value::Null), "{json:#}");
        // Written anew, not at its end.
        clean(&db, &["--org-name", "Third", "--no-archive", "--receipt", &path]).exits(0);
        let json: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect("a receipt")).expect("JSON");
        assert_eq!(json["selection"].as_str().map(|text| text.contains("Third")), Some(true), "{json:#}");
        assert_eq!(files(&archive_dir(&db), ".tar").len(), 0);
    }

    fn archives_and_history_are_listed(db: TestDatabase) {
        db.execute(SCHEMA);
        asked(&db, &["archives"]).says(&["no archives"]);
        asked(&db, &["history"]).says(&["no runs"]);
        clean(&db, &["--org-name", "Apex"]).exits(0);
        let archive = only_archive(&db);
        let name = archive.file_name().unwrap().to_string_lossy().into_owned();
        clean(&db, &["--org-name", "Global"]).exits(3);
        let archive_dir = archive_dir(&db);
        std::fs::write(archive_dir.join("x.tar.zst.partial"), "").expect("a file");
        std::fs::copy(&archive, archive_dir.join("y.tar.zst.pending")).expect("a copy");
        std::fs::write(archive_dir.join("somebody's.txt"), "").expect("a file");

        asked(&db, &["archives"]).says(&[&name, "Apex", "complete", "pending", "partial", "3 archives"]).hides("somebody");
        let json = asked(&db, &["archives", "--format", "json"]).json();
        let states: Vec<&str> = json["archives"].as_array().expect("archives").iter().filter_map(|a| a["state"].as_str()).collect();
        assert_eq!(states, ["complete", "partial", "pending"], "{json:#}");
        assert_eq!(json["archives"][0]["run"]["deleted"], 2, "{json:#}");

        asked(&db, &["archives", "show", &name]).says(&["Apex", "notes", "unlinked: user_id", "2 rows deleted, 1 row unlinked"]);
        let json = asked(&db, &["archives", "show", &archive.to_string_lossy(), "--format", "json"]).json();
        assert_eq!(json["manifest"]["sections"].as_array().map(Vec::len), Some(3), "{json:#}");
        orgsweep(&["archives", "show", "x.tar.zst.partial", "--archive-dir", &archive_dir.to_string_lossy()]).exits(3);

        asked(&db, &["history"]).says(&["clean", "Apex", "cleaned", "Global", "refused"]);
        asked(&db, &["history", "--last", "1"]).says(&["Global"]).hides("Apex");
        let json = asked(&db, &["history", "--format", "json"]).json();
        let exits: Vec<&Value> = json["runs"].as_array().expect("runs").iter().map(|run| &run["exit"]).collect();
        assert_eq!(exits, [&Value::from(0), &Value::from(3)], "{json:#}");
    }

    fn archives_are_pruned_by_hand(db: TestDatabase) {
        db.execute(SCHEMA);
        clean(&db, &["--org-name", "Apex"]).exits(0);
        let old = only_archive(&db);
        clean(&db, &["--org-name", "Third"]).exits(0);
        let young = files(&archive_dir(&db), "third").into_iter().find(|path| path.extension() == Some("zst".as_ref()));
        let young = young.expect("an archive");
        age(&old, 20);
        let prune = ["archives", "prune", "--older-than", "10d"];
        asked(&db, &[&prune[..], &["--dry-run"]].concat()).says(&["would be removed", &old.to_string_lossy()]).hides("third");
        assert!(old.exists() && young.exists());
        let json = asked(&db, &[&prune[..], &["--format", "json"]].concat()).json();
        assert_eq!(json["archives"].as_array().map(Vec::len), Some(1), "{json:#}");
        assert!(!old.exists() && young.exists());
        asked(&db, &prune).says(&["0 archives removed"]);
        assert_eq!(files(&archive_dir(&db), ".receipt.json").len(), 2);
    }

    /// Later runs remove what was kept long enough, and nothing else.
    fn archives_are_pruned_by_later_runs(db: TestDatabase) {
        db.execute(SCHEMA);
        let other = db.copy();
        clean(&db, &["--org-name", "Apex"]).exits(0);
        let (archive_dir, own) = (archive_dir(&db), only_archive(&db));
        let elsewhere = cleaning(archive_dir.to_str().expect("a path"), &["--org-name", "Third"]);
        other.orgsweep(&elsewhere).exits(0);
        let third = files(&archive_dir, "third-").into_iter().find(|path| path.extension() == Some("zst".as_ref()));
        let third = third.expect("another database's archive");
        let named = |hex: &str, ending: &str| archive_dir.join(format!("20260101T000000.000Z-x-{hex}.tar.zst{ending}"));
        let copied = |hex: &str, ending: &str, days: u32| {
            std::fs::copy(&own, named(hex, ending)).expect("a copy");
            age(&named(hex, ending), days);
            named(hex, ending)
        };
        let old = copied("00000001", "", 31);
        let left = copied("00000002", ".partial", 32);
        let receipt = archive_dir.join("20250101T000000.000Z-x-00000003.receipt.json");
        std::fs::copy(own.to_string_lossy().replace(".tar.zst", ".receipt.json"), &receipt).expect("a copy");
        let stays = [
            copied("00000004", "", 29),
            copied("00000005", ".pending", 60),
            copied("00000006", ".partial", 0),
            named("00000007", ""),
            archive_dir.join("backup.tar.zst"),
            archive_dir.join("mine.receipt.json"),
            archive_dir.join("mine.txt"),
            third,
        ];
        std::fs::write(&stays[3], "no archive").expect("a file");
        std::fs::copy(&own, &stays[4]).expect("a copy under a name of its own");
        std::fs::write(&stays[5], "{}").expect("a file");
        std::fs::write(&stays[6], "mine").expect("a file");
        for path in [&stays[3], &stays[4], &stays[5], &stays[6], &stays[7], &receipt] {
            age(path, 500);
        }
        // Neither who only looks nor who fails.
        clean(&db, &["--org-name", "Third", "--dry-run"]).exits(0);
        clean(&db, &["--org-name", "Global"]).exits(3);
        clean(&db, &["--org-name", "Nobody", "--require-match"]).exits(3);
        for path in stays.iter().chain([&old, &left, &receipt]) {
            assert!(path.exists(), "{}", path.display());
        }
        let pruned = clean(&db, &["--org-name", "Nobody"]).exits(0).says(&["kept long enough, removed", "00000001", "00000002", "00000003"]);
        for path in &stays {
            assert!(path.exists(), "{}\n{pruned}", path.display());
        }
        assert!(!old.exists() && !left.exists() && !receipt.exists(), "{pruned}");

        // Not what the run itself has made, however little is to be kept.
        clean(&db, &["--org-name", "Third", "--archive-keep", "0s"]).exits(0);
        assert!(!own.exists() && !stays[0].exists());
        assert_eq!(files(&archive_dir, "third-").len(), 4);
    }

    fn archives_of_one_database_are_pruned_by_hand(db: TestDatabase) {
        db.execute(SCHEMA);
        let other = db.copy();
        let archive_dir = archive_dir(&db);
        let shelf_name = archive_dir.to_str().expect("a path");
        for db in [&db, &other] {
            db.orgsweep(&cleaning(shelf_name, &["--org-name", "Apex"])).exits(0);
        }
        std::fs::write(archive_dir.join("20260101T000000.000Z-x-00000000.tar.zst"), "no archive").expect("a file");
        let prune = ["archives", "prune", "--older-than", "0s", "--archive-dir", shelf_name];
        db.orgsweep(&prune).exits(0).says(&["1 archive removed"]);
        orgsweep(&prune).exits(0).says(&["1 archive removed"]);
        assert_eq!(files(&archive_dir, ".tar.zst").len(), 1);
    }

    /// What is being written is locked, however long that takes.
    fn a_run_under_way_keeps_its_archive(db: TestDatabase) {
        db.execute(SCHEMA);
        clean(&db, &["--org-name", "Apex"]).exits(0);
        let partial = archive_dir(&db).join("20260101T000000.000Z-x-00000000.tar.zst.partial");
        std::fs::copy(only_archive(&db), &partial).expect("a copy");
        age(&partial, 60);
        let writer = std::fs::File::open(&partial).expect("a file");
        rustix::fs::flock(&writer, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
        clean(&db, &["--org-name", "Nobody"]).exits(0);
        assert!(partial.exists());
        drop(writer);
        clean(&db, &["--org-name", "Nobody"]).exits(0);
        assert!(!partial.exists());
    }

    fn a_directory_of_others_is_told(db: TestDatabase) {
        use std::os::unix::fs::PermissionsExt;
        db.execute(SCHEMA);
        clean(&db, &["--org-name", "Apex"]).exits(0).hides("chmod");
        let mode = |mode| std::fs::set_permissions(archive_dir(&db), std::fs::Permissions::from_mode(mode)).expect("a mode");
        mode(0o755);
        let directory = archive_dir(&db).display().to_string();
        clean(&db, &["--org-name", "Third"]).exits(0).says(&["warning", &format!("chmod 700 '{directory}'")]);
        mode(0o700);
        clean(&db, &["--org-name", "Nobody"]).exits(0).hides("chmod");
    }
}

/// Nothing that is written holds the password, however the run ends.
#[test]
fn no_password_is_kept() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(SCHEMA);
    let role = db.role();
    db.execute(&format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
        role.name
    ));
    let archive_dir = archive_dir(&db).to_string_lossy().into_owned();
    let run =
        |flags: &[&str]| Invocation::new(&[&["--database-url", &role.url], flags].concat()).run();
    run(&cleaning(&archive_dir, &["--org-name", "Apex"])).exits(0).hides(&role.password);
    let archive = only_archive(&db).to_string_lossy().into_owned();
    run(&["restore", &archive, "--archive-dir", &archive_dir]).exits(0).hides(&role.password);
    run(&["restore", &archive, "--archive-dir", &archive_dir]).exits(3).hides(&role.password);
    let wrong = role.url.replace("S3cret", "S3cret-wr0ng");
    let failed = Invocation::new(
        &[&["--database-url", &wrong], &cleaning(&archive_dir, &["--org-name", "Apex"])[..]]
            .concat(),
    );
    failed.run().exits(1).hides("S3cret");
    let kept = files(std::path::Path::new(&archive_dir), "");
    assert!(kept.len() >= 4, "{kept:?}");
    for path in kept {
        let bytes = std::fs::read(&path).expect("a file");
        let text = if path.to_string_lossy().ends_with(".zst") {
            zstd::decode_all(&bytes[..]).expect("an archive")
        } else {
            bytes
        };
        assert!(!String::from_utf8_lossy(&text).contains("S3cret"), "{}", path.display());
    }
}
