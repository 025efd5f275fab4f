//! A damaged archive is refused, wherever the damage is; a forged one does no harm.

use super::*;
use orgsweep::archive::verify;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A database without Apex, and its archive.
fn cleaned(backend: Backend) -> Option<(TestDatabase, PathBuf)> {
    let db = TestDatabase::fresh(backend)?;
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id integer PRIMARY KEY, name text,
             organization_id integer REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE notes (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE SET NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO users WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
             SELECT i, 'user ' || (i * 7919 % 1000), 1 + i % 2 FROM n;
         INSERT INTO notes SELECT id, id FROM users",
    );
    clean(&db, &["--org-name", "Apex"]).exits(0);
    let archive = only_archive(&db);
    Some((db, archive))
}

fn sqlite() -> (TestDatabase, PathBuf) {
    cleaned(Backend::Sqlite).expect("a file")
}

/// What is in the archive, member by member.
fn members(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut tar = tar::Archive::new(zstd::Decoder::new(archive).expect("a frame"));
    let entries = tar.entries().expect("entries");
    let member = |entry: std::io::Result<tar::Entry<_>>| {
        let mut entry: tar::Entry<_> = entry.expect("an entry");
        let name = entry.path().expect("a name").to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("its content");
        (name, content)
    };
    entries.map(member).collect()
}

/// An archive of these members.
fn packed(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, &content[..]).expect("a member");
    }
    zstd::encode_all(&tar.into_inner().expect("a tar")[..], 1).expect("compressed")
}

/// The archive with its manifest, and with the rows of `users`, changed, all checksums right.
fn forged(
    archive: &[u8],
    manifest: impl Fn(&mut serde_json::Value),
    rows: impl Fn(String) -> String,
) -> Vec<u8> {
    let mut members = members(archive);
    let mut sums = Vec::new();
    for (name, content) in &mut members {
        if name.contains("-users/") {
            let text = rows(String::from_utf8(content.clone()).expect("text"));
            *content = text.into_bytes();
            let hash: String =
                Sha256::digest(&content[..]).iter().map(|byte| format!("{byte:02x}")).collect();
            sums.push((name.rsplit_once('/').expect("a folder").0.to_owned(), hash));
        }
        if name == "manifest.json" {
            let mut json: serde_json::Value = serde_json::from_slice(content).expect("JSON");
            for section in json["sections"].as_array_mut().expect("sections") {
                for (directory, hash) in &sums {
                    if section["directory"] == directory.as_str() {
                        section["sha256"] = hash.as_str().into();
                    }
                }
            }
            manifest(&mut json);
            *content = serde_json::to_vec(&json).expect("JSON");
        }
    }
    packed(&members)
}

#[track_caller]
fn refused(db: &TestDatabase, bytes: &[u8], why: &[&str]) {
    let file = db.directory().join("forged");
    std::fs::write(&file, bytes).expect("a file");
    let before = contents(db);
    restore(db, &file, &[]).exits(3).says(why);
    changes(&before, &contents(db)).assert_none();
}

#[test]
fn cut_off_anywhere() {
    let (db, archive) = sqlite();
    let bytes = std::fs::read(&archive).expect("the archive");
    for part in 0..20 {
        refused(&db, &bytes[..bytes.len() * part / 20], &["nothing was written"]);
    }
    // By any number of bytes.
    let file = db.directory().join("cut");
    for length in 0..bytes.len() {
        std::fs::write(&file, &bytes[..length]).expect("a file");
        assert!(verify(&file).is_err(), "{length} of {} bytes", bytes.len());
    }
    restore(&db, &archive, &[]).exits(0);
}

/// Refused, or without any meaning: zstd's own headers have bits that say nothing.
#[test]
fn a_bit_flipped_anywhere() {
    let (db, archive) = sqlite();
    let bytes = std::fs::read(&archive).expect("the archive");
    let whole = members(&bytes);
    let file = db.directory().join("flipped");
    let (mut harmless, mut shown) = (0, 0);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&file, &flipped).expect("a file");
        match verify(&file) {
            Ok(_) => {
                assert!(members(&flipped) == whole, "bit {bit} of {}", bytes.len() * 8);
                harmless += 1;
            }
            Err(_) if bit % 997 == 0 => {
                refused(&db, &flipped, &["nothing was written"]);
                shown += 1;
            }
            Err(_) => {}
        }
    }
    assert!(
        harmless * 100 < bytes.len() * 8 && shown > 10,
        "{harmless} bits do no harm, {shown} were shown"
    );
    restore(&db, &archive, &[]).exits(0);
}

#[test]
fn more_than_one_archive_in_a_file() {
    let (db, archive) = sqlite();
    let bytes = std::fs::read(&archive).expect("the archive");
    let empty = zstd::encode_all(&b""[..], 1).expect("a frame of nothing");
    let zeros = zstd::encode_all(&[0; 512][..], 1).expect("a frame of zeros");
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    for more in [&b"more"[..], b"\0", &bytes, &empty, &zeros, &skipped] {
        refused(&db, &[&bytes[..], more].concat(), &["damaged", "nothing was written"]);
        refused(&db, &[more, &bytes[..]].concat(), &["nothing was written"]);
    }
    restore(&db, &archive, &[]).exits(0);
}

#[test]
fn members_that_do_not_belong_there() {
    let (db, archive) = sqlite();
    let bytes = std::fs::read(&archive).expect("the archive");
    let sound = members(&bytes);
    restore(&db, &archive, &["--dry-run"]).exits(0);
    let with = |name: &str, at: usize| {
        let mut members = sound.clone();
        members.insert(at, (name.to_owned(), b"1\tx\t1\n".to_vec()));
        packed(&members)
    };
    refused(&db, &with("rows/999-users/000001.tsv", 1), &["does not know"]);
    refused(&db, &with("evil", 1), &["which no archive holds"]);
    refused(&db, &with("rows/999-users/000001.tsv", sound.len()), &["after the manifest"]);
    for missing in 0..sound.len() {
        let mut members = sound.clone();
        let (name, _) = members.remove(missing);
        if name != "README.txt" && name != "orgsweep.json" {
            refused(&db, &packed(&members), &["nothing was written"]);
        }
    }
}

/// Some kilobytes can say that gigabytes follow: what no archive has is refused by its header alone.
#[test]
fn members_of_any_size() {
    let (db, archive) = sqlite();
    let bytes = std::fs::read(&archive).expect("the archive");
    let tar = zstd::decode_all(&bytes[..]).expect("an archive");
    let beginning = |kind: u8, name: &str, size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).expect("a name");
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_size(size);
        header.set_cksum();
        zstd::encode_all(&[&header.as_bytes()[..], &tar].concat()[..], 1).expect("compressed")
    };
    for (kind, name) in [
        (b'L', "././@LongLink"),
        (b'K', "././@LongLink"),
        (b'x', "././@PaxHeader"),
        (b'g', "././@PaxHeader"),
        (b'S', "rows/000-users/000001.tsv"),
        (b'2', "rows/000-users/000001.tsv"),
    ] {
        refused(&db, &beginning(kind, name, 3 << 30), &["which no archive has"]);
        refused(&db, &beginning(kind, name, 512), &["which no archive has"]);
    }
    let row = beginning(b'0', "rows/000-users/000001.tsv", 3 << 30);
    refused(&db, &row, &["which no piece of an archive has"]);
    // An end that does not end.
    let endless = [&tar[..], &[0; 100_000]].concat();
    refused(&db, &zstd::encode_all(&endless[..], 1).expect("compressed"), &["after its end"]);
    restore(&db, &archive, &[]).exits(0);
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let (db, _) = sqlite();
    let fifo = db.directory().join("fifo.tar.zst");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs");
    assert!(made.success());
    let before = contents(&db);
    for (path, kind) in [(fifo.as_path(), "a FIFO"), (Path::new("/dev/zero"), "a device")] {
        restore(&db, path, &[]).exits(3).says(&[kind, "nothing was written"]);
        orgsweep(&["archives", "show", &path.to_string_lossy()]).exits(3).says(&[kind]);
    }
    let plan = ["clean", "--plan", &fifo.to_string_lossy(), "--yes"];
    db.orgsweep(&plan).exits(2).says(&["nobody writes to it"]);
    changes(&before, &contents(&db)).assert_none();
}

#[test]
fn of_a_newer_format() {
    let (db, archive) = sqlite();
    let bytes = std::fs::read(&archive).expect("the archive");
    let newer = |json: &mut serde_json::Value| {
        json["format"] = 2.into();
        json["sections"] = "not what it was".into();
    };
    refused(&db, &forged(&bytes, newer, |rows| rows), &["its format is 2, this orgsweep reads 1"]);
}

/// SQLite's values become part of a statement: whoever can write the archive must not thereby run SQL.
#[test]
fn values_that_are_sql() {
    let (db, archive) = sqlite();
    let bytes = std::fs::read(&archive).expect("the archive");
    for value in [
        "(SELECT 1)",
        "'a'||'b'",
        "1); DROP TABLE notes; --",
        "x",
        "'a' 'b",
        "1 1",
        "X'0'",
        "load_extension('x')",
        "''''''' ",
    ] {
        let tampered = forged(
            &bytes,
            |_| {},
            |text| {
                let rest = text.split_once('\n').expect("rows").1.to_owned();
                format!("2\t{value}\t1\n{rest}")
            },
        );
        refused(&db, &tampered, &["none of its column's type", "nothing was written"]);
    }
    // The same way of forging, with a value that is one.
    let other = forged(&bytes, |_| {}, |text| text.replacen("'user", "'new", 1));
    let file = db.directory().join("forged");
    std::fs::write(&file, other).expect("a file");
    restore(&db, &file, &[]).exits(0);
    assert_eq!(db.count("users WHERE name LIKE 'new%'"), 1);
}

/// Names and types that an archive makes up are those of no table.
#[test]
fn names_and_types_that_are_sql() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let Some((db, archive)) = cleaned(backend) else { return };
        let bytes = std::fs::read(&archive).expect("the archive");
        let changed = |field: &'static str, value: &'static str| {
            forged(
                &bytes,
                move |json| {
                    for section in json["sections"].as_array_mut().expect("sections") {
                        section["columns"][0][field] = value.into();
                    }
                },
                |rows| rows,
            )
        };
        refused(
            &db,
            &changed("type", "integer); DROP TABLE notes; --"),
            &["it was integer); DROP"],
        );
        refused(&db, &changed("name", "id\") ; DROP TABLE notes; --"), &["there is no column"]);
        let wide = forged(&bytes, |_| {}, |text| text.replacen('\t', "\t1\t", 1));
        refused(&db, &wide, &["is no row of it"]);
    }
}

/// Makes every text in it, but for those that are read as something else, one that would forge output.
fn poison(value: &mut serde_json::Value) {
    const READ: [&str; 11] = [
        "kind",
        "dialect",
        "made_at",
        "started_at",
        "archive_until",
        "sha256",
        "directory",
        "schema",
        "identity",
        "outcome",
        "archive",
    ];
    match value {
        serde_json::Value::String(text) => *text = evil(text),
        serde_json::Value::Array(values) => values.iter_mut().for_each(poison),
        serde_json::Value::Object(fields) => {
            let meant = |(name, _): &(&String, _)| !READ.contains(&name.as_str());
            fields.iter_mut().filter(meant).for_each(|(_, value)| poison(value));
        }
        _ => {}
    }
}

/// An archive and a receipt come from wherever somebody took them: what they say is shown, and no more.
#[test]
fn texts_that_would_forge_output() {
    let (db, archive) = sqlite();
    let bytes = std::fs::read(&archive).expect("the archive");
    let file = db.directory().join(evil("forged.tar.zst"));
    let url = ["--database-url", db.url()];
    for other in [false, true] {
        let manifest = |manifest: &mut serde_json::Value| {
            poison(manifest);
            if other {
                manifest["identity"] = evil("other").into();
            }
        };
        std::fs::write(&file, forged(&bytes, manifest, |rows| rows)).expect("a file");
        let path = file.to_string_lossy();
        for flags in [&[][..], &["--format", "json"], &["--log-format", "json"]] {
            orgsweep(&[&["archives", "show", &path], flags].concat()).exits(0).shows_nothing_raw();
            for more in [&[][..], &["--dry-run"], &["--other-database"]] {
                let restore = [&url, &["restore", &path][..], flags, more].concat();
                orgsweep(&restore).exits(3).shows_nothing_raw();
            }
        }
    }
    let archive_dir = archive_dir(&db);
    std::fs::rename(&file, archive_dir.join(evil("kept").replace('/', "") + ".tar.zst"))
        .expect("its name");
    for receipt in files(&archive_dir, ".receipt.json") {
        let text = std::fs::read(&receipt).expect("a receipt");
        let mut json = serde_json::from_slice(&text).expect("JSON");
        poison(&mut json);
        std::fs::write(&receipt, json.to_string()).expect("a receipt");
    }
    let archive_dir = ["--archive-dir", &archive_dir.to_string_lossy()];
    for flags in [&[][..], &["--format", "json"]] {
        let told = orgsweep(&[&["history"], &archive_dir[..], flags].concat()).exits(0);
        told.shows_nothing_raw().says(&["cleaned"]);
        orgsweep(&[&["archives"], &archive_dir[..], flags].concat()).exits(0).shows_nothing_raw();
        orgsweep(&[&["history", "--verify"], &archive_dir[..], flags].concat())
            .exits(3)
            .shows_nothing_raw();
        orgsweep(&[&["history", "show", "latest"], &archive_dir[..], flags].concat())
            .exits(0)
            .shows_nothing_raw();
    }
    let prune = ["archives", "prune", "--older-than", "0s"];
    orgsweep(&[&archive_dir[..], &prune].concat()).shows_nothing_raw();
    orgsweep(&[&prune[..1], &archive_dir, &prune[1..]].concat()).exits(0).shows_nothing_raw();
}
