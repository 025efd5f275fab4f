//! MariaDB shows a user only what it holds a privilege on: what it may not see is never taken for what is
//! not there.

use crate::support::*;

const ORGANIZATIONS: &str =
    "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
    INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
    CREATE TABLE users (id int PRIMARY KEY, organization_id int NOT NULL,
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
    INSERT INTO users VALUES (10, 1), (20, 2);
    CREATE TABLE deals (id int PRIMARY KEY, created_by int NOT NULL, note int,
        FOREIGN KEY (created_by) REFERENCES users (id));
    INSERT INTO deals VALUES (100, 10, 1), (200, 20, 2);
    CREATE TABLE notes (id int PRIMARY KEY, deal_id int, user_id int,
        FOREIGN KEY (deal_id) REFERENCES deals (id) ON DELETE SET NULL ON UPDATE CASCADE,
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL);
    INSERT INTO notes VALUES (1, 100, 20), (2, 200, 10);";

struct User<'a> {
    db: &'a TestDatabase,
    role: Role,
}

impl User<'_> {
    fn new(db: &TestDatabase) -> User<'_> {
        User { db, role: db.role() }
    }

    /// `{db}` is the database.
    fn granted(self, privileges: &str) -> Self {
        let grant = privileges.replace("{db}", self.db.name());
        self.db.execute(&format!("GRANT {grant} TO {}", self.role.name));
        self
    }

    fn orgsweep(&self, arguments: &[&str]) -> Outcome {
        orgsweep(&[&["--database-url", &self.role.url], arguments].concat())
    }
}

const CLEAN: [&str; 4] = ["clean", "--org-id", "1", "--yes"];

fn forced<'a>(flags: &[&'a str]) -> Vec<&'a str> {
    [&CLEAN[..], &["--force"], flags].concat()
}

/// It refuses where the engine does, and takes along what it takes.
fn knows_every_reference(user: &User) {
    let before = user.db.dump();
    user.orgsweep(&CLEAN).exits(3).says(&["deals.created_by"]);
    assert_eq!(user.db.dump(), before);
    user.orgsweep(&forced(&[])).exits(0).says(&["committed; proven, except"]);
    assert!(user.db.dangling().is_empty(), "{:?}", user.db.dangling());
    let rows = ["organizations", "users", "deals", "notes"].map(|table| user.db.count(table));
    assert_eq!(rows, [1, 1, 1, 2]);
    user.orgsweep(&["verify", "--org-id", "1"]).exits(0);
}

/// information_schema has no rule of theirs then.
#[test]
fn references_are_seen_by_privileges_on_each_table() {
    let layouts: [&[&str]; 5] = [
        &[
            "CREATE TEMPORARY TABLES ON {db}.*",
            "ALL ON {db}.organizations",
            "ALL ON {db}.users",
            "ALL ON {db}.deals",
            "ALL ON {db}.notes",
        ],
        &[
            "SELECT, CREATE TEMPORARY TABLES ON {db}.*",
            "UPDATE, DELETE, TRIGGER ON {db}.organizations",
            "UPDATE, DELETE, TRIGGER ON {db}.users",
            "UPDATE, DELETE, TRIGGER ON {db}.deals",
            "UPDATE, TRIGGER ON {db}.notes",
        ],
        &[
            "SELECT, PROCESS, TRIGGER ON *.*",
            "CREATE TEMPORARY TABLES ON {db}.*",
            "UPDATE, DELETE ON {db}.organizations",
            "UPDATE, DELETE ON {db}.users",
            "UPDATE, DELETE ON {db}.deals",
            "UPDATE (deal_id, user_id) ON {db}.notes",
        ],
        // Rows of a table from which only DELETE is held are locked all the same.
        &[
            "SELECT, DELETE, TRIGGER, CREATE TEMPORARY TABLES ON {db}.*",
            "UPDATE (deal_id, user_id) ON {db}.notes",
        ],
        &["ALL ON {db}.*"],
    ];
    for layout in layouts {
        let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
        db.execute(ORGANIZATIONS);
        let user = layout.iter().fold(User::new(&db), |user, grant| user.granted(grant));
        knows_every_reference(&user);
    }
}

#[test]
fn privileges_of_a_role_count() {
    let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
    db.execute(ORGANIZATIONS);
    let user = User::new(&db);
    let role = format!("{}_r", user.role.name);
    let whose = if db.is_mysql_itself() { "TO" } else { "FOR" };
    db.execute(&format!(
        "CREATE ROLE {role}; GRANT ALL ON {}.* TO {role}; GRANT {role} TO {name}; SET DEFAULT ROLE {role} {whose} {name}",
        db.name(), name = user.role.name
    ));
    knows_every_reference(&user);
    db.execute(&format!("DROP ROLE {role}"));
}

#[test]
fn who_may_keep_no_temporary_tables_is_told_by_the_doctor() {
    let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
    db.execute(ORGANIZATIONS);
    let user = User::new(&db).granted("SELECT, UPDATE, DELETE, TRIGGER ON {db}.*");
    user.orgsweep(&CLEAN).exits(3).says(&["orgsweep doctor names what is missing"]);
    let json = user.orgsweep(&["doctor", "--format", "json"]).exits(3).json();
    let cure = json["findings"][0]["cure"].as_str().expect("a cure").to_owned();
    assert!(cure.contains("CREATE TEMPORARY TABLES"), "{json:#}");
    mysql::client(db.name(), cure.as_bytes());
    knows_every_reference(&user);
}

/// Another database has a row of ours that this user may not see.
fn hidden(action: &str) -> Option<(TestDatabase, TestDatabase)> {
    let db = TestDatabase::fresh(Backend::Mysql)?;
    let other = TestDatabase::fresh(Backend::Mysql)?;
    db.execute(ORGANIZATIONS);
    other.execute(&format!(
        "CREATE TABLE badges (id int PRIMARY KEY, user_id int,
             FOREIGN KEY (user_id) REFERENCES {}.users (id) {action}); INSERT INTO badges VALUES (1, 10), (2, 20);",
        db.name()
    ));
    Some((db, other))
}

fn dangling(db: &TestDatabase, other: &TestDatabase) -> i64 {
    db.count(&format!(
        "{}.badges b LEFT JOIN users u ON u.id = b.user_id WHERE b.user_id IS NOT NULL AND u.id IS NULL",
        other.name()
    ))
}

#[test]
fn where_references_may_be_hidden_the_engine_checks() {
    let Some((db, other)) = hidden("ON DELETE RESTRICT") else { return };
    let user = User::new(&db).granted("ALL ON {db}.*");
    let (before, badges) = (db.dump(), other.dump());
    user.orgsweep(&["doctor"])
        .exits(0)
        .says(&["this user may not see every reference", "GRANT PROCESS ON *.* TO"]);
    user.orgsweep(&forced(&["--reference-checks", "set"]))
        .exits(3)
        .says(&["may not see every reference"]);
    // MySQL does not tell what this user may not see.
    let named = if db.is_mysql_itself() { "a foreign key constraint fails" } else { "badges" };
    user.orgsweep(&forced(&[])).exits(1).says(&[named]);
    assert_eq!((db.dump(), other.dump()), (before, badges));
    other.execute("DELETE FROM badges WHERE user_id = 10");
    user.orgsweep(&forced(&[])).exits(0).says(&["reference checks: engine"]);
    assert_eq!(dangling(&db, &other), 0);
}

#[test]
fn who_may_read_the_dictionary_is_told_what_is_missing() {
    for action in ["ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE RESTRICT"] {
        let Some((db, other)) = hidden(action) else { return };
        let user = User::new(&db).granted("ALL ON {db}.*").granted("PROCESS ON *.*");
        let (before, badges) = (db.dump(), other.dump());
        for command in ["preview", "clean"] {
            let arguments = [&[command][..], &forced(&[])[1..]].concat();
            let arguments: Vec<&str> = arguments
                .into_iter()
                .filter(|flag| command == "clean" || *flag != "--yes")
                .collect();
            user.orgsweep(&arguments).exits(3).says(&["lacks SELECT", "badges"]);
        }
        user.orgsweep(&["doctor"]).exits(3).says(&["badges: this role lacks SELECT"]);
        assert_eq!((db.dump(), other.dump()), (before, badges), "{action}");
        other.execute(&format!(
            "GRANT SELECT, UPDATE, DELETE, TRIGGER ON badges TO {}",
            user.role.name
        ));
        user.orgsweep(&forced(&[])).exits(0).says(&["reference checks: set"]);
        assert_eq!(dangling(&db, &other), 0, "{action}");
    }
}

/// The server lists no table, and no column, on which a user holds nothing: that none is left in these, nobody says.
#[test]
fn what_the_server_does_not_list_is_not_said_to_be_empty() {
    let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
    db.execute(ORGANIZATIONS);
    db.execute(
        "CREATE TABLE visits (id int PRIMARY KEY, organization_id int); INSERT INTO visits VALUES (1, 3);
         CREATE TABLE pages (id int PRIMARY KEY, organization_id int); INSERT INTO pages VALUES (1, 3)",
    );
    let user = User::new(&db)
        .granted("SELECT ON {db}.organizations")
        .granted("SELECT ON {db}.users")
        .granted("SELECT (id) ON {db}.pages");
    let verify = ["verify", "--org-id", "3"];
    user.orgsweep(&verify).exits(0).says(&[
        "nothing is left of what was looked for",
        "but not tables and columns on which this user holds no SELECT",
    ]);
    let cure = format!("GRANT SELECT ON `{}`.* TO", db.name());
    user.orgsweep(&["doctor"]).says(&["the server does not list", &cure]);
    let user = user.granted("SELECT ON {db}.*");
    user.orgsweep(&verify).exits(3).says(&["visits.organization_id", "pages.organization_id"]);
}
