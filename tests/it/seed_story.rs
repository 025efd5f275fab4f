//! The story of the built-in CRM: seed, refusal, forced clean-up, and all of it again.

use crate::support::*;

const APEX: &str = "Apex Innovations Inc.";

/// What belongs to an organization, table by table: conditions where `{org}` is its key.
const OWNED: [(&str, &str); 15] = [
    ("organizations", "id = {org}"),
    ("roles", "organization_id = {org}"),
    ("role_permissions", "role_id IN (SELECT id FROM roles WHERE organization_id = {org})"),
    ("users", "organization_id = {org}"),
    ("user_sessions", "user_id IN {users}"),
    ("notifications", "user_id IN {users}"),
    ("clients", "organization_id = {org}"),
    ("deals", "organization_id = {org}"),
    ("payments", "deal_id IN {deals}"),
    ("activity_logs", "deal_id IN {deals}"),
    ("commissions", "deal_id IN {deals}"),
    ("teams", "organization_id = {org}"),
    ("team_members", "team_id IN (SELECT id FROM teams WHERE organization_id = {org})"),
    ("projects", "organization_id = {org}"),
    ("team_projects", "team_id IN (SELECT id FROM teams WHERE organization_id = {org})"),
];

fn key_of(db: &TestDatabase, name: &str) -> String {
    db.value(&format!("SELECT id FROM organizations WHERE name = '{name}'"))
}

/// The rows of every table that belong to the organization.
fn owned(db: &TestDatabase, key: &str) -> Vec<(String, i64)> {
    let count = |(table, condition): &(&str, &str)| {
        let condition = condition
            .replace("{users}", "(SELECT id FROM users WHERE organization_id = {org})")
            .replace("{deals}", "(SELECT id FROM deals WHERE organization_id = {org})")
            .replace("{org}", key);
        (table.to_string(), db.count(&format!("{table} WHERE {condition}")))
    };
    OWNED.iter().map(count).filter(|(_, rows)| *rows > 0).collect()
}

fn seeded(db: &TestDatabase) {
    db.orgsweep(&["migrate"]).exits(0);
    db.orgsweep(&["seed"]).exits(0);
}

/// `seed` gives every table a row of `Apex`: otherwise the story proves less than it says.
fn assert_seeded(db: &TestDatabase) -> String {
    let key = key_of(db, APEX);
    let tables: Vec<_> = owned(db, &key).into_iter().map(|(table, _)| table).collect();
    assert_eq!(tables, OWNED.map(|(table, _)| table), "tables with rows of {APEX}");
    key
}

each_backend! {
    fn without_force_the_deals_protect_their_creators(db: TestDatabase) {
        seeded(&db);
        assert_seeded(&db);
        let before = db.dump();
        for command in [&["preview"][..], &["clean", "--yes"], &["clean"], &["clean", "--dry-run"]] {
            let arguments = [command, &["--org-name", APEX]].concat();
            // Only a refusal that no consent could change comes before the question for consent.
            let outcome = db.orgsweep(&arguments).exits(3);
            outcome.says(&["deals", "created_by", "users", "DLID0001 - Global Corp", "--force"]);
            let outcome = db.orgsweep(&[&arguments[..], &["--format", "json"]].concat()).exits(3);
            let refusals = outcome.refusals("protected");
            let deals = refusals.iter().find(|refusal| refusal["reference"] == "deals.created_by");
            let deals = deals.unwrap_or_else(|| panic!("deals.created_by is missing\n{outcome}"));
            assert_eq!((&deals["table"], &deals["parent"]), (&"deals".into(), &"users".into()));
            assert!(deals["rows"].as_u64() > Some(0), "{outcome}");
            let samples = deals["samples"].to_string();
            assert!(samples.contains("DLID0001 - Global Corp"), "{outcome}");
        }
        changes(&before, &db.dump()).assert_none();
    }

    fn forced_everything_of_apex_goes_and_nothing_else(db: TestDatabase) {
        seeded(&db);
        for round in 0..3 {
            let key = assert_seeded(&db);
            let owned_before = owned(&db, &key);
            let before = db.dump();
            let clean = ["clean", "--org-name", APEX, "--force", "--yes", "--format", "json"];
            let outcome = db.orgsweep(&clean).exits(0);

            let changed = changes(&before, &db.dump());
            let gone = owned_before.iter().map(|(table, _)| (table.clone(), changed.deleted(table) as i64));
            assert_eq!(gone.collect::<Vec<_>>(), owned_before, "round {round}\n{changed}");
            assert_eq!(owned(&db, &key), [], "round {round}: left behind");
            assert!(changed.new.is_empty(), "round {round}: other rows changed\n{changed}");
            let reported: Vec<_> = outcome.rows("delete").into_iter().collect();
            let mut wanted: Vec<_> = owned_before.into_iter().map(|(t, n)| (t, n as u64)).collect();
            wanted.sort();
            assert_eq!(reported, wanted, "round {round}\n{outcome}");

            db.orgsweep(&["verify", "--org-name", APEX]).exits(0);
            db.orgsweep(&clean).exits(0).says(&["nothing"]);
            db.orgsweep(&["seed"]).exits(0);
        }
    }

    fn migrate_and_seed_can_be_repeated(db: TestDatabase) {
        seeded(&db);
        let schema_before: Vec<_> = db.dump().into_keys().collect();
        db.orgsweep(&["migrate"]).exits(0);
        assert_eq!(db.dump().into_keys().collect::<Vec<_>>(), schema_before);
        db.orgsweep(&["seed"]).exits(0);
    }

    fn seed_is_deterministic(db: TestDatabase) {
        db.orgsweep(&["migrate"]).exits(0);
        let other = db.copy();
        let seed = ["seed", "--organizations", "3", "--rows", "500", "--seed", "42"];
        db.orgsweep(&seed).exits(0);
        other.orgsweep(&seed).exits(0);
        let names = |db: &TestDatabase| db.query("SELECT id, name FROM organizations ORDER BY id");
        assert_eq!(names(&db), names(&other));
        let deals = |db: &TestDatabase| {
            db.query("SELECT id, organization_id, client_id, created_by, deal_id, name FROM deals ORDER BY id")
        };
        assert_eq!(deals(&db), deals(&other));
    }

    fn the_graph_of_the_crm_marks_the_protected_reference(db: TestDatabase) {
        db.orgsweep(&["migrate"]).exits(0);
        db.orgsweep(&["graph"]).exits(0).says(&["organizations", "deals", "created_by", "payments"]);
        let json = db.orgsweep(&["graph", "--format", "json"]).exits(0);
        json.json();
    }
}

#[test]
fn migrate_and_seed_create_the_sqlite_file_that_nobody_else_creates() {
    let directory = tempfile::TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        let arguments = [&["--database-url", "sqlite:crm.db"], arguments].concat();
        Invocation::new(&arguments).directory(directory.path()).run()
    };
    run(&["migrate"]).exits(0);
    run(&["seed"]).exits(0);
    run(&["preview", "--org-name", APEX]).exits(3);
}

#[test]
fn the_demo_tells_the_whole_story_in_an_empty_directory() {
    let directory = tempfile::TempDir::new().unwrap();
    for _ in 0..2 {
        let outcome = Invocation::new(&["demo"]).directory(directory.path()).run().exits(0);
        outcome.says(&[
            APEX,
            "deals",
            "created_by",
            "DLID0001 - Global Corp",
            "--force",
            "put back",
        ]);
    }
    let files = std::fs::read_dir(directory.path()).unwrap().flatten();
    let files: Vec<_> = files.map(|file| file.file_name().into_string().unwrap()).collect();
    assert_eq!(files.len(), 2, "the database and its archives: {files:?}");
}
