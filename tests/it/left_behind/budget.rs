//! Counting takes so long and no longer; what was not counted is not known, and that is no all-clear.

use super::*;

/// So many rows are more than is read without an index in a tenth of this time.
const SHORT: [&str; 2] = ["--scope-timeout", "3s"];

/// `rows` more rows in `table` that name this organization, and the planner knows it: InnoDB guesses from 20 pages, by up
/// to a quarter too little, unless it is told to read more.
fn grow(db: &TestDatabase, table: &str, rows: u32, organization: u32) {
    let numbers = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 999)";
    let in_full = format!("ALTER TABLE {table} STATS_SAMPLE_PAGES = 10000; ANALYZE TABLE {table}");
    let analyze = db.pick("ANALYZE", "ANALYZE", &in_full);
    db.execute(&format!(
        "CREATE TABLE numbers AS {numbers} SELECT n FROM n; \
         INSERT INTO {table} SELECT a.n * 1000 + b.n, {organization}, 'x' FROM numbers a JOIN numbers b \
            ON a.n * 1000 + b.n < {rows}; \
         DROP TABLE numbers; {analyze}"
    ));
}

fn unknown(outcome: &Outcome) -> Vec<String> {
    let refusals = outcome.refusals("uncounted");
    refusals.iter().map(|it| it["message"].as_str().unwrap_or_default().to_owned()).collect()
}

each_backend! {
    fn a_large_table_without_an_index_is_not_read(db: TestDatabase) {
        db.execute(VISITS);
        grow(&db, "visits", 200_000, 2);
        let preview = ["preview", "--org-name", "Third", "--format", "json"];
        let outcome = db.orgsweep(&[&preview[..], &SHORT].concat()).exits(3);
        let [message] = &unknown(&outcome)[..] else { panic!("{outcome}") };
        assert!(message.contains("rows, and no index over organization_id"), "{message}");
        db.orgsweep(&[&["clean", "--org-name", "Third", "--yes"], &SHORT[..]].concat())
            .exits(3)
            .says(&["is not known", "--scope-timeout 5m counts for longer"]);
        db.orgsweep(&[&preview[..], &SHORT, &["--leave-behind=visits.organization_id"]].concat()).exits(0);
        // Who waits for longer has it read.
        db.orgsweep(&preview).exits(0);
        db.execute("CREATE INDEX visits_of ON visits (organization_id)");
        db.orgsweep(&[&preview[..], &SHORT].concat()).exits(0);
    }

    /// A statement that is stopped breaks no transaction: the deletion goes on.
    fn a_count_that_takes_too_long_is_stopped_and_nothing_else(db: TestDatabase) {
        db.execute(VISITS);
        db.execute("CREATE INDEX logs_of ON logs (organization_id)");
        grow(&db, "logs", 900_000, 3);
        let short = ["--scope-timeout", "100ms"];
        let preview = ["preview", "--org-name", "Third", "--format", "json"];
        let outcome = db.orgsweep(&[&preview[..], &short].concat()).exits(3);
        let told = unknown(&outcome);
        let late = |it: &String| it.contains("of logs would be left") && it.contains("not counted within 0.01 s");
        assert!(told.iter().any(late), "{outcome}");
        let agreed = ["clean", "--org-name", "Third", "--yes", "--leave-behind"];
        db.orgsweep(&[&agreed[..], &short].concat()).exits(0).says(&["is not known, as --leave-behind says"]);
        assert_eq!((db.count("organizations"), db.count("users")), (2, 2));
        let verify = ["verify", "--org-id", "3"];
        db.orgsweep(&[&verify[..], &short].concat()).exits(3).says(&["not known: whether rows"]);
        let patient = ["--scope-timeout", "30m"];
        db.orgsweep(&[&verify[..], &patient].concat()).exits(3).says(&["left behind: 898,"]);
    }

    /// One answer for all of a series.
    fn what_is_not_known_of_one_of_a_series_is_not_known_of_any(db: TestDatabase) {
        db.execute(VISITS);
        grow(&db, "visits", 200_000, 2);
        let series = ["clean", "--org-like", "*i*", "--per-org", "--yes"];
        let before = left(&db);
        db.orgsweep(&[&series[..], &SHORT].concat()).exits(3).says(&["is not known"]);
        assert_eq!(left(&db), before);
    }
}

#[test]
fn what_this_role_may_not_see_is_not_known() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(VISITS);
    let role = db.role();
    db.execute(&format!(
        "GRANT SELECT, UPDATE, DELETE ON organizations, users, logs TO {}",
        role.name
    ));
    let preview = ["--database-url", &role.url, "preview", "--org-name", "Third"];
    orgsweep(&preview).exits(3).says(&["is not known", "this role lacks SELECT"]);
    db.execute(&format!(
        "GRANT SELECT ON visits TO {}; ALTER TABLE visits ENABLE ROW LEVEL SECURITY",
        role.name
    ));
    orgsweep(&preview).exits(3).says(&["row-level security hides rows"]);
    orgsweep(&[&preview[..], &["--leave-behind=visits.organization_id"]].concat()).exits(0);
}
