//! The same question in every way to delete.

use super::*;

each_backend! {
    /// Each table is asked once for all of them.
    fn of_a_series_only_those_concerned_are_refused(db: TestDatabase) {
        db.execute(VISITS);
        let series = ["clean", "--org-like", "*e*", "--org-name", "Third", "--per-org", "--yes", "--format", "json"];
        let outcome = db.orgsweep(&series).exits(8);
        let each = outcome.json()["per_organization"].as_array().cloned().unwrap_or_default();
        let fared: Vec<_> = each.iter().map(|it| (it["name"].as_str(), it["outcome"].as_str())).collect();
        let expected = [("Apex", "refused"), ("Third", "cleaned")];
        assert_eq!(fared, expected.map(|(name, how)| (Some(name), Some(how))), "{outcome}");
        assert_eq!(left(&db), [2, 2, 4, 3]);
        let scoped = [&series[..], &["--scope-column", "organization_id"]].concat();
        db.orgsweep(&scoped).exits(0);
        assert_eq!(left(&db), [1, 1, 2, 2]);
    }

    fn in_batches_it_is_asked_before_the_first(db: TestDatabase) {
        db.execute(VISITS);
        db.execute("INSERT INTO users VALUES (11, 1), (12, 1), (13, 1), (14, 1)");
        let batches = [&APEX[..], &["--batch-rows", "2"]].concat();
        db.orgsweep(&batches).exits(3).says(&["2 rows of visits would be left behind"]);
        assert_eq!(left(&db), [3, 7, 4, 3]);
        let agreed = [&batches[..], &["--leave-behind=visits.organization_id", "--leave-behind=logs.organization_id"]];
        db.copy().orgsweep(&agreed.concat()).exits(0).says(&["2 rows of visits are left behind"]);
        db.orgsweep(&[&batches[..], &["--scope-column", "organization_id"]].concat()).exits(0);
        assert_eq!(left(&db), [2, 2, 2, 2]);
    }

    fn a_saved_plan_carries_it(db: TestDatabase) {
        db.execute(VISITS);
        let plan = db.directory().join("plan.json").display().to_string();
        let save = ["preview", "--org-name", "Apex", "--save-plan", &plan];
        db.orgsweep(&save).exits(3);
        let flags = ["--scope-column", "visits.organization_id", "--leave-behind=logs.organization_id"];
        db.orgsweep(&[&save[..], &flags].concat()).exits(0);
        db.orgsweep(&["clean", "--plan", &plan, "--yes"]).exits(0).says(&["1 row of logs is left behind"]);
        assert_eq!(left(&db), [2, 2, 2, 3]);
    }

    fn what_is_left_behind_by_a_saved_plan_is_no_more_than_was_seen(db: TestDatabase) {
        db.execute(VISITS);
        let plan = db.directory().join("plan.json").display().to_string();
        let left_behind = ["preview", "--org-name", "Apex", "--leave-behind", "--save-plan", &plan];
        db.orgsweep(&left_behind).exits(0);
        let notes = ["note: 2 rows of visits are left behind", "note: 1 row of logs is left behind"];
        db.orgsweep(&["plan", "show", &plan]).exits(0).says(&notes);
        db.execute("INSERT INTO logs VALUES (9, 1, 'late')");
        db.orgsweep(&["clean", "--plan", &plan, "--yes"]).exits(3).says(&["+1 left behind by logs.organization_id"]);
        db.execute("DELETE FROM logs WHERE id IN (1, 9)");
        db.orgsweep(&["clean", "--plan", &plan, "--yes"]).exits(0);
    }

    fn what_went_by_a_scope_column_can_be_put_back(db: TestDatabase) {
        db.execute(VISITS);
        let before = db.dump();
        let archives = db.directory().join("archives").display().to_string();
        let flags = ["--scope-column", "organization_id", "--archive-dir", &archives];
        db.orgsweep(&[&APEX[..], &flags].concat()).exits(0);
        let files = std::fs::read_dir(&archives).unwrap().flatten().map(|file| file.path());
        let archive = files.map(|path| path.display().to_string()).find(|path| path.ends_with(".tar.zst"));
        db.orgsweep(&["restore", &archive.expect("an archive")]).exits(0);
        changes(&before, &db.dump()).assert_none();
    }

    fn without_an_archive_and_by_the_engines_cascades_it_is_asked_too(db: TestDatabase) {
        db.execute(VISITS);
        for flags in [&["--no-archive"][..], &["--engine-cascade"], &["--org-name", "Global"]] {
            db.orgsweep(&[&APEX[..], flags].concat()).exits(3).says(&["of visits would be left behind"]);
        }
        assert_eq!(left(&db), [3, 3, 4, 3]);
    }

    fn markdown_and_a_script_name_them(db: TestDatabase) {
        db.execute(VISITS);
        let preview = |format: &str| db.orgsweep(&["preview", "--org-name", "Apex", "--format", format]).exits(3);
        preview("markdown").says(&["- **refused**: 2 rows of visits would be left behind"]);
        preview("sql").says(&["-- REFUSED by orgsweep clean: 2 rows of visits would be left behind"]);
    }
}
