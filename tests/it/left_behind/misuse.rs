//! What names nothing, or cannot mean what is asked for, is answered before anything is looked at.

use super::*;

each_backend! {
    fn a_scope_column_that_no_table_has_is_answered_with_those_that_are_nearest(db: TestDatabase) {
        db.execute(VISITS);
        let clean = |flag: &str| db.orgsweep(&[&APEX[..], &["--scope-column", flag]].concat());
        clean("organisation_id")
            .exits(2)
            .says(&["no table has a column organisation_id", "did you mean organization_id?"]);
    }

    fn a_scope_column_of_another_type_can_name_no_organization(db: TestDatabase) {
        db.execute(VISITS);
        db.execute("CREATE TABLE days (id integer PRIMARY KEY, organization_day date)");
        let clean = |flag: &str| db.orgsweep(&[&APEX[..], &["--scope-column", flag]].concat());
        clean("organization_day").exits(2).says(&["days.organization_day is date", "organizations.id is "]);
        clean("days.organization_day").exits(2);
        assert_eq!(left(&db), [3, 3, 4, 3]);
    }

    fn what_a_foreign_key_says_already_needs_no_scope_column(db: TestDatabase) {
        db.execute(VISITS);
        db.execute("DROP TABLE visits; DROP TABLE logs");
        db.orgsweep(&[&APEX[..], &["--scope-column", "organization_id"]].concat()).exits(0);
        assert_eq!(db.count("users"), 2);
    }

    fn leaving_behind_what_there_is_not_is_a_mistake(db: TestDatabase) {
        db.execute(VISITS);
        for name in ["visit.organization_id", "users.organization_id", "visits"] {
            let flag = format!("--leave-behind={name}");
            let near = if name.starts_with("users") { "organization_id" } else { "visits.organization_id" };
            db.orgsweep(&[&APEX[..], &[&flag]].concat()).exits(2).says(&[&flag, "did you mean", near]);
            db.orgsweep(&["verify", "--org-id", "1", &flag]).exits(2);
        }
        assert_eq!(left(&db), [3, 3, 4, 3]);
    }

    fn a_cascade_by_what_is_no_reference_is_a_mistake(db: TestDatabase) {
        db.execute(VISITS);
        let cascade = |name: &str| db.orgsweep(&[&APEX[..], &["--cascade", name]].concat());
        cascade("user.organization_id").exits(2).says(&["there is no reference", "users.organization_id"]);
        cascade("visits.path").exits(2);
        cascade("visits.organization_id").exits(2).says(&["--scope-column visits.organization_id makes it a reference"]);
        assert_eq!(left(&db), [3, 3, 4, 3]);
    }

    fn what_the_policy_keeps_is_no_scope_column(db: TestDatabase) {
        db.execute(VISITS);
        let policy = "[tables.visits]\nkeep = \"refuse\"\n[tables.logs]\nkeep = \"ignore\"\n";
        std::fs::write(db.directory().join("orgsweep.toml"), policy).unwrap();
        let named = [&APEX[..], &["--scope-column", "visits.organization_id"]].concat();
        db.orgsweep(&named).exits(2).says(&["the policy keeps visits"]);
        db.orgsweep(&APEX).exits(0);
        assert_eq!(left(&db), [2, 2, 4, 3]);
    }
}
