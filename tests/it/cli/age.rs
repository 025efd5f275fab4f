//! `--older-than`: which organizations are old enough, and by what.

use crate::support::*;
use std::time::Duration;

/// The organizations that a preview selects.
fn older(db: &TestDatabase, flags: &[&str]) -> Vec<String> {
    let preview = ["preview", "--org-like", "e2e-*", "--format", "json", "--older-than"];
    let outcome = db.orgsweep(&[&preview[..], flags].concat()).exits(0);
    let organizations = outcome.json()["organizations"].as_array().cloned().unwrap_or_default();
    organizations.iter().map(|one| one["key"].as_str().unwrap_or_default().to_owned()).collect()
}

/// An organization for each value of a column of this type, numbered from 1.
fn made(db: &TestDatabase, column: &str, values: &[&str]) {
    let row = |(n, value): (usize, &&str)| format!("({0}, 'e2e-{0}', {value})", n + 1);
    let rows: Vec<_> = values.iter().enumerate().map(row).collect();
    db.execute(&format!(
        "DROP TABLE IF EXISTS organizations; \
         CREATE TABLE organizations (id integer PRIMARY KEY, name text, created_at {column}); \
         INSERT INTO organizations VALUES {}",
        rows.join(", ")
    ));
}

/// SQL for a time so many minutes ago, or so many seconds since 1970.
fn ago(db: &TestDatabase, minutes: i64, number: bool) -> String {
    match (db.backend, number) {
        (Backend::Sqlite, false) => format!("datetime('now', '-{minutes} minutes')"),
        (Backend::Postgres, false) => format!("now() - interval '{minutes} minutes'"),
        (Backend::Mysql, false) => format!("now() - interval {minutes} minute"),
        (Backend::Mysql, true) => format!("unix_timestamp() - 60 * ({minutes})"),
        (Backend::Sqlite, true) => {
            format!("CAST(strftime('%s', 'now', '-{minutes} minutes') AS INTEGER)")
        }
        (Backend::Postgres, true) => {
            format!("extract(epoch FROM now() - interval '{minutes} minutes')")
        }
    }
}

const DAY: i64 = 24 * 60;

each_backend! {
    fn every_kind_of_column_tells_it(db: TestDatabase) {
        let times: &[&str] = match db.backend {
            Backend::Sqlite => &["text", "timestamp", "datetime", "varchar(40)", ""],
            Backend::Postgres => &["timestamp", "timestamptz", "timestamp(3)", "timestamptz(0)"],
            Backend::Mysql => &["timestamp NULL", "datetime", "datetime(6)"],
        };
        let numbers: &[&str] = match db.backend {
            Backend::Sqlite => &["integer", "real", "numeric", "bigint", ""],
            Backend::Postgres => &["integer", "bigint", "real", "double precision", "numeric(20,3)"],
            Backend::Mysql => &["integer", "bigint unsigned", "double", "decimal(20,3)"],
        };
        for (column, number) in times.iter().map(|c| (c, false)).chain(numbers.iter().map(|c| (c, true))) {
            // A real of PostgreSQL tells minutes, not seconds.
            let values = [2 * DAY, DAY + 5, DAY - 5, 0, -DAY].map(|minutes| ago(&db, minutes, number));
            let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
            values.push("NULL");
            made(&db, column, &values);
            assert_eq!(older(&db, &["1d"]), ["1", "2"], "{column}");
            assert_eq!(older(&db, &["24h 10m"]), ["1"], "{column}");
            assert_eq!(older(&db, &["3d"]), [""; 0], "{column}");
        }
    }

    fn a_day_begins_at_midnight(db: TestDatabase) {
        let day = |days: i64| match db.backend {
            Backend::Sqlite => format!("date('now', '-{days} days')"),
            Backend::Postgres => format!("current_date - {days}"),
            Backend::Mysql => format!("current_date - interval {days} day"),
        };
        made(&db, "date", &[&day(3), &day(1), &day(0), &day(-1)]);
        assert_eq!(older(&db, &["2d"]), ["1"]);
        assert_eq!(older(&db, &["1d"]), ["1", "2"]);
    }

    /// Whatever is no time, or a placeholder for one, must not pass for an old organization.
    fn what_tells_no_time_is_never_older(db: TestDatabase) {
        let kinds: &[(&str, &[&str])] = match db.backend {
            Backend::Sqlite => &[
                ("text", &["''", "'2020'", "'12:30'", "'12:30:00'", "'now'", "'soon'", "'2020-13-45'", "'2460000.5'",
                    "'0001-01-01'", "'1970-01-01 00:00:00'", "'1577836800'", "X'323032302d30312d3031'", "NULL"]),
                // A year, a day, nothing, Julian days, milliseconds.
                ("", &["2020", "20200101", "0", "-1", "2460000.5", "1577836800000", "9e999", "'2020'"]),
                ("timestamp", &["'2020'", "'20200101'", "0", "2460000.5"]),
            ],
            Backend::Postgres => &[
                ("timestamptz", &["'-infinity'", "'infinity'", "'0001-01-01'", "'1970-01-01'", "'4000-01-01 BC'", "NULL"]),
                ("timestamp", &["'-infinity'", "'infinity'", "'0001-01-01'"]),
                ("date", &["'-infinity'", "'infinity'", "'0001-01-01'", "'5874897-12-31'"]),
                ("double precision", &["'NaN'", "'Infinity'", "'-Infinity'", "0", "2460000.5", "1577836800000"]),
                ("bigint", &["0", "-1", "2020", "20200101", "1577836800000"]),
                ("numeric", &["'NaN'", "0"]),
            ],
            Backend::Mysql => &[
                ("datetime", &["'0000-00-00'", "'0001-01-01'", "'1970-01-01'", "NULL"]),
                ("date", &["'0000-00-00'", "'2020-00-00'", "'0001-01-01'"]),
                ("timestamp NULL", &["'0000-00-00'", "'1970-01-02'"]),
                ("double", &["0", "2460000.5", "1577836800000"]),
                ("bigint", &["0", "-1", "2020", "20200101", "1577836800000"]),
            ],
        };
        for (column, values) in kinds {
            made(&db, column, values);
            assert_eq!(older(&db, &["1s"]), [""; 0], "{column}");
            let all = values.len().to_string();
            let said = db.orgsweep(&["preview", "--org-like", "e2e-*", "--older-than", "1s"]).exits(0);
            said.says(&["nothing matches --org-like 'e2e-*' --older-than 1s", &all, "never older than anything"]);
            // It does not keep them from being selected otherwise.
            db.orgsweep(&["preview", "--org-like", "e2e-*"]).exits(0).says(&["e2e-1 (key 1)"]);
        }
    }

    fn it_only_filters_what_is_selected(db: TestDatabase) {
        made(&db, "timestamp", &["'2020-01-01'"]);
        let before = db.dump();
        for command in [&["clean", "--yes"][..], &["preview"], &["verify"], &["graph"]] {
            let alone = db.orgsweep(&[command, &["--older-than", "1d"]].concat()).exits(2);
            alone.says(&["no organization is selected", "only filters"]);
        }
        db.orgsweep(&["preview", "--org-id", "1", "--older-than", "soon"]).exits(2);
        let others = ["clean", "--yes", "--org-id", "1", "--org-name", "e2e-1", "--older-than", "20000d"];
        db.orgsweep(&others).exits(0).says(&["othing to clean up"]);
        changes(&before, &db.dump()).assert_none();
        db.orgsweep(&["clean", "--yes", "--org-id", "1", "--older-than", "1d"]).exits(0);
        assert_eq!(db.count("organizations"), 0);
    }

    fn it_needs_a_column_that_tells_the_time(db: TestDatabase) {
        db.execute("CREATE TABLE organizations (id integer PRIMARY KEY, name text, born timestamp); \
            INSERT INTO organizations VALUES (1, 'e2e-1', '2020-01-01')");
        for command in [&["clean", "--yes"][..], &["preview", "--per-org"], &["verify"], &["graph"]] {
            let run = |flags: &[&str]| db.orgsweep(&[command, &["--org-id", "1", "--older-than", "1d"], flags].concat());
            run(&[]).exits(2).says(&["--created-column"]);
            run(&["--created-column", "bron"]).exits(2).says(&["no column bron", "born"]);
            if !db.is_sqlite() {
                run(&["--created-column", "name"]).exits(2).says(&["name is no time", "--created-column"]);
            }
        }
        assert_eq!(older(&db, &["1d", "--created-column", "born"]), ["1"]);
        let policy = "[root]\ntable = \"organizations\"\ncreated-at = \"born\"\n";
        std::fs::write(db.directory().join("orgsweep.toml"), policy).expect("a policy");
        assert_eq!(older(&db, &["1d"]), ["1"]);
    }

    fn verify_looks_at_what_it_selects(db: TestDatabase) {
        made(&db, "timestamp", &["'2020-01-01'", &ago(&db, 0, false)]);
        let nightly = ["--org-like", "e2e-*", "--older-than", "1d"];
        db.orgsweep(&[&["verify"][..], &nightly].concat()).exits(3).says(&["e2e-1"]).hides("e2e-2");
        db.orgsweep(&[&["clean", "--yes", "--per-org"][..], &nightly].concat()).exits(0);
        db.orgsweep(&[&["verify"][..], &nightly].concat()).exits(0);
        db.orgsweep(&["verify", "--org-like", "e2e-*"]).exits(3).says(&["e2e-2"]);
    }

    fn what_to_type_next_keeps_the_filter_and_the_guard(db: TestDatabase) {
        made(&db, "timestamp", &["'2020-01-01'"]);
        let preview = ["preview", "--org-like", "e2e-*", "--older-than", "36h", "--created-column", "created_at",
            "--max-orgs", "5"];
        db.orgsweep(&preview).exits(0).says(&[
            "next: orgsweep clean --org-like 'e2e-*' --older-than 36h --created-column created_at --max-orgs 5",
        ]);
    }

    /// An organization that is made anew, or touched, while the clean waits for it.
    fn the_age_is_looked_at_again_under_the_lock(db: TestDatabase) {
        for per_org in [&["--per-org"][..], &[]] {
            made(&db, "timestamp", &["'2020-01-01'"]);
            let mut other = db.connect();
            other.run(db.either("BEGIN IMMEDIATE", "BEGIN")).expect("a transaction");
            let now = ago(&db, 0, false);
            other.run(&format!("UPDATE organizations SET created_at = {now}")).expect("an update");
            let clean = ["clean", "--org-like", "e2e-*", "--older-than", "1d", "--yes", "--lock-timeout", "60s"];
            let running = db.command(&[&clean[..], per_org].concat()).start();
            std::thread::sleep(Duration::from_millis(700));
            other.run("COMMIT").expect("a commit");
            running.finish().exits(0);
            assert_eq!(db.count("organizations"), 1);
        }
    }
}

/// What was made a moment ago, and three hours ago, by somebody in the database's own time zone.
fn made_in(db: &TestDatabase, column: &str, local: &str) {
    let hours = |hours: i64| match db.backend {
        Backend::Mysql => format!("({local}) - interval {hours} hour"),
        _ => format!("({local}) - interval '{hours} hours'"),
    };
    made(db, column, &[&hours(0), &hours(3)]);
}

/// Whatever zone a driver sets: hours west of UTC, what was made just now would be hours old.
#[test]
fn a_time_without_a_zone_is_one_of_the_database_s_own() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(&format!("ALTER DATABASE {} SET timezone = 'America/New_York'", db.name()));
    let local = "now() AT TIME ZONE 'America/New_York'";
    for column in ["timestamp", "timestamp(0)"] {
        made_in(&db, column, local);
        assert_eq!(older(&db, &["1h"]), ["2"], "{column}");
        assert_eq!(older(&db, &["4h"]), [""; 0], "{column}");
    }
    made_in(&db, "timestamptz", "now()");
    assert_eq!(older(&db, &["1h"]), ["2"]);
    // The URL's zone comes before the database's.
    made_in(&db, "timestamp", "now() AT TIME ZONE 'Asia/Tokyo'");
    let url = format!("{}?options=-ctimezone%3DAsia/Tokyo", db.url());
    let preview = [
        "--database-url",
        &url,
        "preview",
        "--org-like",
        "e2e-*",
        "--older-than",
        "1h",
        "--format",
        "json",
    ];
    let shown = orgsweep(&preview).exits(0).json();
    assert_eq!(shown["organizations"].as_array().map(Vec::len), Some(1), "{shown}");
    assert_eq!(shown["organizations"][0]["key"], "2");
}
