//! `include = ["django.toml"]`: a policy in several files, of which the one that includes counts most.

use super::*;
use std::os::unix::fs::chown;

fn file(db: &TestDatabase, name: &str, text: &str) {
    let path = db.directory().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    std::fs::write(path, text).expect("a file");
}

fn check(db: &TestDatabase) -> Outcome {
    db.orgsweep(&["policy", "check"])
}

const WRITTEN: &str = "\
[root]
table = \"organizations\"
[[references]]
from = \"users.organization_id\"
on-delete = \"set null\"
[tables.users]
label = [\"email\"]
[guards]
forbidden-organizations = [\"Third\"]
max-rows = 1
[[caveats]]
model = \"crm.User\"
what = \"signals\"
";

each_backend! {
    fn what_is_written_anew_is_included_and_one_s_own_file_counts_more(db: TestDatabase) {
        db.execute(PEOPLE);
        file(&db, "policies/django.toml", WRITTEN);
        policy(&db, "include = [\"policies/django.toml\"]\n");
        apex(&db, "preview", &[]).exits(0);
        assert_eq!(apex(&db, "preview", &[]).rows("unlink")["users"], 1);
        policy(
            &db,
            "include = [\"policies/django.toml\"]\n[guards]\nmax-rows = 9\n[[references]]\n\
             from = \"users.organization_id\"\non-delete = \"cascade\"\n",
        );
        check(&db).exits(0).says(&["cascade", "not expressed: crm.User: signals", "with policies/django.toml"]);
        assert_eq!(apex(&db, "preview", &[]).rows("delete")["users"], 1);
        // What is forbidden anywhere is forbidden.
        of(&db, "clean", &["--org-name", "Third"]).exits(3).says(&["policies/django.toml:9", "forbidden"]);
        policy(&db, "include = [\"policies/django.toml\"]\n[tables.users]\nkeep = \"refuse\"\n");
        apex(&db, "clean", &[]).exits(3).says(&["the policy keeps them"]);
        policy(&db, "include = [\"policies/django.toml\"]\n[guards]\nmax-rows = 9\n");
        apex(&db, "clean", &[]).exits(0);
        assert_eq!(db.count("users WHERE organization_id IS NULL"), 1);
    }
}

#[test]
fn of_two_files_the_later_one_counts_and_each_is_read_once() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    db.execute(PEOPLE);
    let says = |action: &str| {
        format!(
            "include = [\"base.toml\"]\n[[references]]\nfrom = \"users.organization_id\"\non-delete = \"{action}\"\n"
        )
    };
    file(&db, "base.toml", "[selections.all]\nwhere = \"1 = 1\"\n");
    file(&db, "one.toml", &says("restrict"));
    file(&db, "two.toml", &says("set null"));
    policy(&db, "include = [\"one.toml\", \"two.toml\"]\n");
    check(&db).exits(0).says(&["set null", "--select all"]).hides("restrict");
    // Of one file it is a mistake, as ever.
    file(
        &db,
        "two.toml",
        &says("set null").repeat(2).replacen("include = [\"base.toml\"]\n", "", 2),
    );
    check(&db)
        .exits(2)
        .says(&["two.toml:5: users.organization_id has been spoken of in two.toml:2"]);
}

#[test]
fn mistakes_are_told_with_the_file_and_the_line_where_they_are() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    db.execute(PEOPLE);
    policy(&db, "\ninclude = [\"gone.toml\"]\n");
    check(&db).exits(2).says(&["orgsweep.toml:2: gone.toml cannot be read"]);
    policy(&db, "include = [\"a.toml\"]\n");
    file(&db, "a.toml", "\n\ninclude = [\"b/b.toml\"]\n");
    file(&db, "b/b.toml", "include = [\"../a.toml\"]\n");
    check(&db).exits(2).says(&["b/b.toml:1: b/../a.toml includes itself by this"]);
    file(&db, "b/b.toml", "include = [\"../orgsweep.toml\"]\n");
    check(&db).exits(2).says(&["b/b.toml:1:", "includes itself by this"]);
    file(&db, "b/b.toml", "[root]\nkey = 3\n");
    check(&db).exits(2).says(&["b/b.toml:2: invalid type"]);
    file(&db, "b/b.toml", "\n[tables.people]\nlabel = [\"name\"]\n");
    check(&db).exits(2).says(&["b/b.toml:2: there is no table people"]);
    file(&db, "b/b.toml", "\n[tables.users]\nlabel = [\"nam\"]\n");
    check(&db).exits(2).says(&["b/b.toml:3: users has no column nam"]);
    policy(&db, "include = [\".\"]\n");
    check(&db).exits(2).says(&["orgsweep.toml:1: . is no regular file"]);
    policy(&db, "include = \"a.toml\"\n");
    check(&db).exits(2).says(&["orgsweep.toml:1: invalid type"]);
}

/// A saved plan is of all files.
#[test]
fn a_plan_is_stale_where_an_included_file_has_changed() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    db.execute(PEOPLE);
    file(&db, "more.toml", "");
    policy(&db, "include = [\"more.toml\"]\n");
    let plan = db.directory().join("plan.json").display().to_string();
    db.orgsweep(&["preview", "--org-name", "Apex", "--save-plan", &plan]).exits(0);
    file(&db, "more.toml", "[guards]\nmax-rows = 7\n");
    db.orgsweep(&["clean", "--plan", &plan, "--yes"]).exits(3).says(&["the policy changed"]);
}

#[test]
fn whose_an_included_file_is_counts_as_for_the_policy() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    db.execute(PEOPLE);
    file(&db, "theirs.toml", "");
    policy(&db, "include = [\"theirs.toml\"]\n");
    if chown(db.directory().join("theirs.toml"), Some(65534), None).is_err() {
        return skip("only root gives files away");
    }
    check(&db).exits(2).says(&["theirs.toml belongs to user 65534"]);
    db.orgsweep(&["policy", "check", "--config", "orgsweep.toml"]).exits(0);
}
