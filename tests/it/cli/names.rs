//! What tables and references are called: a name means one thing, in every place that takes one.

use super::small;
use crate::support::*;

/// `users` twice, in the default schema and in `billing`: each user has a boss, by a reference that protects him.
const NAMESAKES: &str = "\
CREATE TABLE organizations (id int PRIMARY KEY, name text);
CREATE TABLE users (id int PRIMARY KEY, org int REFERENCES organizations ON DELETE CASCADE, boss int REFERENCES users ON DELETE RESTRICT);
CREATE SCHEMA billing;
CREATE TABLE billing.users (id int PRIMARY KEY, org int REFERENCES organizations ON DELETE CASCADE, boss int REFERENCES billing.users ON DELETE RESTRICT);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO users VALUES (1, 1, NULL), (2, 1, 1), (3, 2, NULL);
INSERT INTO billing.users VALUES (1, 1, NULL), (2, 1, 1), (3, 2, NULL)";

fn namesakes() -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Postgres)?;
    db.execute(NAMESAKES);
    Some(db)
}

fn policy(db: &TestDatabase, text: &str) {
    std::fs::write(db.directory().join("orgsweep.toml"), text).expect("a policy");
}

fn clean(db: &TestDatabase, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&["clean", "--org-name", "Apex", "--yes"][..], flags].concat())
}

#[test]
fn force_passes_the_reference_that_it_names_and_no_namesake() {
    let Some(db) = namesakes() else { return };
    let before = db.dump();
    for flag in ["--force=users.boss", "--force=public.users.boss"] {
        let outcome = clean(&db, &[flag, "--format", "json"]).exits(3);
        let protected = outcome.refusals("protected");
        assert!(protected.iter().all(|it| it["reference"] == "billing.users.boss"), "{outcome}");
    }
    let outcome = clean(&db, &["--force=billing.users.boss", "--format", "json"]).exits(3);
    assert_eq!(outcome.refusals("protected")[0]["reference"], "users.boss", "{outcome}");
    changes(&before, &db.dump()).assert_none();
    clean(&db, &["--force=public.users.boss", "--force=billing.users.boss"]).exits(0);
    assert_eq!((db.count("users"), db.count("billing.users")), (1, 1));
}

/// Both constraints are called `users_boss_fkey`: PostgreSQL's names are unique in their table only.
#[test]
fn a_name_of_several_references_is_refused_with_names_of_one() {
    let Some(db) = namesakes() else { return };
    let before = db.dump();
    let told =
        ["several references are called users_boss_fkey", "billing.users.boss or users.boss"];
    for flag in ["--force=users_boss_fkey", "--foreign=unlink=users_boss_fkey"] {
        clean(&db, &[flag]).exits(2).says(&told);
    }
    changes(&before, &db.dump()).assert_none();
    clean(&db, &["--force=billing.users.users_boss_fkey", "--force=users.users_boss_fkey"])
        .exits(0);
}

#[test]
fn a_policy_speaks_of_one_of_two_namesakes() {
    let Some(db) = namesakes() else { return };
    policy(
        &db,
        "[root]\ntable = \"public.organizations\"\n\
        [[references]]\nfrom = \"public.users.boss\"\non-delete = \"cascade\"\n",
    );
    let outcome = clean(&db, &["--format", "json"]).exits(3);
    assert_eq!(outcome.refusals("protected")[0]["reference"], "billing.users.boss", "{outcome}");
    policy(
        &db,
        "[[references]]\nfrom = \"users.boss\"\non-delete = \"cascade\"\n\
        [tables.\"billing.users\"]\nkeep = \"unlink\"\n",
    );
    clean(&db, &[]).exits(0);
    assert_eq!((db.count("users"), db.count("billing.users")), (1, 3));
    policy(&db, "[[references]]\nfrom = \"users_boss_fkey\"\non-delete = \"cascade\"\n");
    let told =
        ["orgsweep.toml:2", "several references are called users_boss_fkey", "billing.users.boss"];
    clean(&db, &[]).exits(2).says(&told);
}

#[test]
fn explain_takes_a_schema_and_the_default_schemas_table_without() {
    let Some(db) = namesakes() else { return };
    db.execute("INSERT INTO users VALUES (9, 1, NULL)");
    for table in ["users", "public.users"] {
        db.orgsweep(&["explain", table, "9", "--org-name", "Apex"]).exits(0);
    }
    for table in ["billing.users", "crm.users"] {
        let outcome = db.orgsweep(&["explain", table, "9", "--org-name", "Apex"]);
        assert_ne!(outcome.code, 0, "{table}: {outcome}");
    }
}

#[test]
fn the_root_of_the_default_schema_is_found_and_each_is_named() {
    let Some(db) = namesakes() else { return };
    db.execute(
        "CREATE TABLE billing.organizations (id int PRIMARY KEY, name text); \
        INSERT INTO billing.organizations VALUES (1, 'Apex'), (2, 'Global')",
    );
    for root in [&[][..], &["--root", "organizations"], &["--root", "public.organizations"]] {
        let outcome = db
            .orgsweep(&[&["preview", "--org-name", "Apex", "--force"][..], root].concat())
            .exits(0);
        outcome.says(&["organizations in organizations.name"]);
    }
    clean(&db, &["--root", "billing.organizations"]).exits(0);
    assert_eq!((db.count("organizations"), db.count("billing.organizations")), (2, 1));
    db.execute("CREATE SCHEMA crm; CREATE TABLE crm.firms (id int PRIMARY KEY); CREATE TABLE billing.firms (id int PRIMARY KEY)");
    let told = ["several tables are called firms", "--root billing.firms or --root crm.firms"];
    db.orgsweep(&["preview", "--org-id", "1", "--root", "firms"]).exits(2).says(&told);
}

each_backend! {
    /// The others too: in refusals they are called by the column that was named, unless the policy's label says otherwise.
    fn organizations_are_called_by_the_name_column(db: TestDatabase) {
        db.execute("CREATE TABLE teams (id integer PRIMARY KEY, title varchar(20), slug varchar(20)); \
            CREATE TABLE projects (id integer PRIMARY KEY, team_id integer NOT NULL, FOREIGN KEY (team_id) REFERENCES teams (id) ON DELETE CASCADE); \
            CREATE TABLE links (id integer PRIMARY KEY, project_id integer NOT NULL, other_id integer, \
                FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE, FOREIGN KEY (other_id) REFERENCES projects (id)); \
            INSERT INTO teams VALUES (1, 'Shiny', 'acme'), (2, 'Other one', 'globex'); \
            INSERT INTO projects VALUES (1, 1), (2, 2); INSERT INTO links VALUES (1, 2, 1)");
        let clean = ["clean", "--root", "teams", "--force", "--yes", "--name-column"];
        let by_slug = db.orgsweep(&[&clean[..], &["slug", "--org-name", "acme"]].concat()).exits(3);
        by_slug.says(&["globex"]).hides("Other one");
        let by_title = db.orgsweep(&[&clean[..], &["title", "--org-name", "Shiny"]].concat()).exits(3);
        by_title.says(&["Other one"]).hides("globex");
        policy(&db, "[tables.teams]\nlabel = [\"title\", \"slug\"]\n");
        let labelled = db.orgsweep(&[&clean[..], &["slug", "--org-name", "acme"]].concat()).exits(3);
        labelled.says(&["Other one", "globex"]);
    }

    /// `main` is SQLite's default schema, the database MariaDB's.
    fn the_default_schema_may_be_said(db: TestDatabase) {
        small(&db);
        let schema = match db.backend {
            Backend::Sqlite => "main".to_owned(),
            Backend::Postgres => "public".to_owned(),
            Backend::Mysql => db.name().to_owned(),
        };
        let (root, force) = (format!("{schema}.organizations"), format!("--force={schema}.deals.created_by"));
        db.orgsweep(&["preview", "--org-name", "Apex", "--root", &root, &force]).exits(0);
        let table = format!("{schema}.users");
        db.orgsweep(&["explain", &table, "10", "--org-name", "Apex", &force]).exits(0);
        db.orgsweep(&["preview", "--org-name", "Apex", "--root", "elsewhere.organizations"]).exits(2);
    }

    fn links_of_organizations_are_not_taken_for_them(db: TestDatabase) {
        small(&db);
        db.execute("CREATE TABLE users_organizations (user_id integer REFERENCES users (id) ON DELETE CASCADE, \
            organization_id integer REFERENCES organizations (id) ON DELETE CASCADE, PRIMARY KEY (user_id, organization_id))");
        db.orgsweep(&["preview", "--org-name", "Apex", "--force"]).exits(0);
    }

    /// With what tells them apart: how many rows each has, and how much refers to it.
    fn tables_that_could_be_the_root_are_described(db: TestDatabase) {
        small(&db);
        db.execute("CREATE TABLE tenants (id integer PRIMARY KEY, name text)");
        db.execute("CREATE TABLE sites (id integer PRIMARY KEY, tenant_id integer, FOREIGN KEY (tenant_id) REFERENCES tenants (id))");
        let outcome = db.orgsweep(&["preview", "--org-name", "Apex"]).exits(2);
        outcome.says(&["organizations (2 rows, ", "tenants (0 rows, 1 reference)", "--root organizations or --root tenants"]);
        db.execute("DROP TABLE sites");
        db.orgsweep(&["preview", "--org-name", "Apex", "--force"]).exits(0).says(&["organizations in organizations.name"]);
    }
}
