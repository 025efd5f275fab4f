//! Rows that SET NULL leaves without an organization: shown, recorded, and taken along by `--cascade`.

use super::*;

const MEMBERS: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE SET NULL
);
CREATE TABLE clients (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE TABLE deals (
    id integer PRIMARY KEY,
    client_id integer REFERENCES clients (id) ON DELETE CASCADE,
    referred_by integer REFERENCES organizations (id) ON DELETE SET NULL
);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO users VALUES (10, 1), (11, 1), (20, 2);
INSERT INTO clients VALUES (100, 1), (200, 2);
";

each_backend! {
    fn they_are_shown_with_the_flag_that_takes_them(db: TestDatabase) {
        db.execute(MEMBERS);
        db.orgsweep(&["preview", "--org-name", "Apex"])
            .exits(0)
            .says(&["2 rows of users without another owner stay behind", "--cascade users.organization_id takes them along"]);
        for checks in ["engine", "set"] {
            let copy = db.copy();
            let flags = ["--cascade", "users.organization_id", "--reference-checks", checks];
            copy.orgsweep(&[&APEX[..], &flags].concat()).exits(0).hides("stay behind");
            assert_eq!((copy.count("users"), copy.count("organizations")), (1, 1));
        }
    }

    /// What it says is what the record says; the rows themselves name nobody any more.
    fn verify_recalls_them_from_the_record(db: TestDatabase) {
        db.execute(MEMBERS);
        let records = db.directory().join("records").display().to_string();
        let verify = ["verify", "--org-id", "1", "--archive-dir", &records];
        db.orgsweep(&[&APEX[..], &["--archive-dir", &records]].concat()).exits(0);
        db.orgsweep(&verify).exits(0).says(&["2 rows of users stayed when 1 went", "unlinked by users.organization_id"]);
        let json = db.orgsweep(&[&verify[..], &["--format", "json"]].concat()).exits(0).json();
        assert_eq!(json["stranded"][0]["rows"], 2, "{json}");
        assert_eq!(json["stranded"][0]["organizations"][0], "1", "{json}");
        let elsewhere = db.directory().join("elsewhere").display().to_string();
        db.orgsweep(&["verify", "--org-id", "1", "--archive-dir", &elsewhere])
            .exits(0)
            .says(&["but not which rows", "users.organization_id", "no record of such a deletion"])
            .hides("stayed when");
    }

    /// Whose a row is does not hang on what is followed.
    fn a_cascade_for_one_run_takes_nobody_elses_rows(db: TestDatabase) {
        db.execute(MEMBERS);
        db.execute("INSERT INTO deals VALUES (1, 200, 1), (2, 100, 2)");
        let copy = db.copy();
        copy.orgsweep(&[&APEX[..], &["--cascade", "users.organization_id"]].concat()).exits(0);
        assert_eq!(copy.query("SELECT id, referred_by FROM deals"), [[Some("1".to_owned()), None]]);
        let before = db.dump();
        db.orgsweep(&[&APEX[..], &["--cascade", "deals.referred_by"]].concat())
            .exits(3)
            .says(&["belong to other organizations", "Global"]);
        changes(&before, &db.dump()).assert_none();
    }

    fn a_saved_plan_and_the_next_command_carry_it(db: TestDatabase) {
        db.execute(MEMBERS);
        let plan = db.directory().join("plan.json").display().to_string();
        let preview = ["preview", "--org-name", "Apex", "--cascade", "users.organization_id"];
        db.orgsweep(&preview).exits(0).says(&["next: orgsweep clean --org-name Apex --cascade users.organization_id"]);
        db.orgsweep(&[&preview[..], &["--save-plan", &plan]].concat()).exits(0);
        db.orgsweep(&["clean", "--plan", &plan, "--yes"]).exits(0);
        assert_eq!(db.count("users"), 1);
    }
}
