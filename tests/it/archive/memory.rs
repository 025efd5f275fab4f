//! However many rows there are, the process needs the same memory.

use super::*;
use std::time::Duration;

/// Peak resident memory in kB of a run, from its own `/proc/PID/status`.
fn peak(run: Running) -> u64 {
    let status = format!("/proc/{}/status", run.child.id());
    let (mut peak, mut run) = (0, run);
    while run.child.try_wait().expect("the process can be waited for").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = number.unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    run.finish().exits(0);
    peak
}

/// Peaks of a clean and of a restore of so many rows.
fn peaks(rows: u32) -> Option<[u64; 2]> {
    let db = TestDatabase::fresh(Backend::Postgres)?;
    db.execute(&format!(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE logs (id integer PRIMARY KEY, what text, more text,
             organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO logs SELECT n, repeat(md5(n::text), 4), 'row ' || n, 1 FROM generate_series(1, {rows}) n"
    ));
    let directory = archive_dir(&db).to_string_lossy().into_owned();
    let cleaned = peak(db.command(&cleaning(&directory, &["--org-name", "Apex"])).start());
    let archive = only_archive(&db).to_string_lossy().into_owned();
    let restored = peak(db.command(&["restore", &archive, "--archive-dir", &directory]).start());
    assert_eq!(db.count("logs"), i64::from(rows));
    Some([cleaned, restored])
}

#[test]
fn memory_is_flat() {
    let Some(few) = peaks(3_000) else { return };
    let many = peaks(300_000).expect("it was there before");
    for (what, few, many) in [("clean", few[0], many[0]), ("restore", few[1], many[1])] {
        let shown = format!("{what}: {few} kB for 3,000 rows, {many} kB for 300,000");
        assert!(few > 0 && many < 50 * 1024, "{shown}");
        assert!(many < few + 25 * 1024, "{shown}");
        eprintln!("{shown}");
    }
}
