//! Schemas that keep references to themselves, as docs/without-foreign-keys.md cleans them: what is said before anything is
//! known, and an exact clean by a policy.

use crate::support::*;

struct Shape {
    schema: &'static str,
    policy: &'static str,
    /// What the first preview names.
    left_behind: &'static [&'static str],
    /// What is there when Acme is gone.
    rows: &'static [(&'static str, i64)],
}

/// Polymorphic comments name a class.
const RAILS: Shape = Shape {
    schema: "CREATE TABLE accounts (id integer PRIMARY KEY, name varchar(60));
         CREATE TABLE users (id integer PRIMARY KEY, account_id bigint NOT NULL, email varchar(60));
         CREATE TABLE projects (id integer PRIMARY KEY, account_id bigint NOT NULL, title varchar(60));
         CREATE TABLE tasks (id integer PRIMARY KEY, project_id bigint NOT NULL, assignee_id bigint, title varchar(60));
         CREATE TABLE comments (id integer PRIMARY KEY, commentable_type varchar(60) NOT NULL,
             commentable_id bigint NOT NULL, user_id bigint, body varchar(60));
         INSERT INTO accounts VALUES (1, 'Acme'), (2, 'Globex');
         INSERT INTO users VALUES (1, 1, 'a@acme'), (2, 1, 'b@acme'), (3, 2, 'c@globex');
         INSERT INTO projects VALUES (1, 1, 'Rockets'), (2, 2, 'Hammocks');
         INSERT INTO tasks VALUES (1, 1, 1, 'Fuel'), (2, 1, NULL, 'Launch'), (3, 2, 3, 'Weave');
         INSERT INTO comments VALUES (1, 'Task', 1, 2, 'soon'), (2, 'Project', 1, 1, 'big'),
             (3, 'Task', 3, 3, 'slow'), (4, 'Project', 2, 3, 'nice')",
    policy: r#"
        [root]
        table = "accounts"
        scope-columns = ["account_id"]
        [[references]]
        from = "tasks.project_id"
        to = "projects.id"
        on-delete = "cascade"
        [[references]]
        from = "tasks.assignee_id"
        to = "users.id"
        on-delete = "set null"
        [[references]]
        from = "comments.user_id"
        to = "users.id"
        on-delete = "cascade"
        [[references]]
        from = "comments.commentable_id"
        to = "projects.id"
        type = { column = "commentable_type", is = "Project" }
        on-delete = "cascade"
        [[references]]
        from = "comments.commentable_id"
        to = "tasks.id"
        type = { column = "commentable_type", is = "Task" }
        on-delete = "cascade"
    "#,
    left_behind: &["projects.account_id", "users.account_id", "--scope-column account_id"],
    rows: &[("accounts", 1), ("users", 1), ("projects", 1), ("tasks", 1), ("comments", 2)],
};

/// Classes have a namespace, and what is soft-deleted goes like everything else.
const LARAVEL: Shape = Shape {
    schema: "CREATE TABLE companies (id integer PRIMARY KEY, name varchar(60), deleted_at varchar(30));
         CREATE TABLE users (id integer PRIMARY KEY, company_id bigint, email varchar(60));
         CREATE TABLE posts (id integer PRIMARY KEY, user_id bigint NOT NULL, title varchar(60), deleted_at varchar(30));
         CREATE TABLE images (id integer PRIMARY KEY, imageable_type varchar(60) NOT NULL,
             imageable_id bigint NOT NULL, path varchar(60));
         INSERT INTO companies VALUES (1, 'Acme', NULL), (2, 'Globex', NULL);
         INSERT INTO users VALUES (1, 1, 'a@acme'), (2, 2, 'b@globex'), (3, NULL, 'root');
         INSERT INTO posts VALUES (1, 1, 'one', NULL), (2, 1, 'two', '2026-01-01'), (3, 2, 'three', NULL);
         INSERT INTO images VALUES (1, 'Post', 2, 'a.png'), (2, 'User', 1, 'b.png'), (3, 'Post', 3, 'c.png'),
             (4, 'User', 3, 'd.png')",
    policy: r#"
        [root]
        table = "companies"
        scope-columns = ["company_id"]
        [[references]]
        from = "posts.user_id"
        to = "users.id"
        on-delete = "cascade"
        [[references]]
        from = "images.imageable_id"
        to = "posts.id"
        type = { column = "imageable_type", is = "Post" }
        on-delete = "cascade"
        [[references]]
        from = "images.imageable_id"
        to = "users.id"
        type = { column = "imageable_type", is = "User" }
        on-delete = "cascade"
    "#,
    left_behind: &["users.company_id", "--scope-column company_id"],
    rows: &[("companies", 1), ("users", 2), ("posts", 1), ("images", 2)],
};

/// `relationMode = "prisma"`: names in camel case, keys that are texts.
const PRISMA: Shape = Shape {
    schema: r#"CREATE TABLE "Organization" (id varchar(30) PRIMARY KEY, name varchar(60));
         CREATE TABLE "User" (id varchar(30) PRIMARY KEY, "organizationId" varchar(30) NOT NULL, email varchar(60));
         CREATE TABLE "Post" (id varchar(30) PRIMARY KEY, "authorId" varchar(30) NOT NULL, title varchar(60));
         INSERT INTO "Organization" VALUES ('org_a', 'Acme'), ('org_b', 'Globex');
         INSERT INTO "User" VALUES ('u1', 'org_a', 'a@acme'), ('u2', 'org_b', 'b@globex');
         INSERT INTO "Post" VALUES ('p1', 'u1', 'one'), ('p2', 'u1', 'two'), ('p3', 'u2', 'three')"#,
    policy: r#"
        [root]
        table = "Organization"
        scope-columns = ["organizationId"]
        [[references]]
        from = "Post.authorId"
        to = "User.id"
        on-delete = "cascade"
    "#,
    left_behind: &["User.organizationId", "--scope-column organizationId"],
    rows: &[("Organization", 1), ("User", 1), ("Post", 1)],
};

/// Without a policy nothing goes, and what would stay is named; with it all of Acme goes, and nothing of Globex.
fn cleaned(db: &TestDatabase, shape: &Shape) {
    db.execute(shape.schema);
    let before = db.dump();
    let refused = db.orgsweep(&["clean", "--org-name", "Acme", "--force", "--yes"]).exits(3);
    refused.says(shape.left_behind);
    changes(&before, &db.dump()).assert_none();
    std::fs::write(db.directory().join("orgsweep.toml"), shape.policy).expect("a policy");
    db.orgsweep(&["policy", "check"]).exits(0);
    db.orgsweep(&["clean", "--org-name", "Acme", "--yes"]).exits(0).says(&["committed", "proven"]);
    for (table, rows) in shape.rows {
        assert_eq!(db.count(&format!("\"{table}\"")), *rows, "{table}");
    }
    db.orgsweep(&["verify", "--org-name", "Acme"]).exits(0);
}

each_backend! {
    fn rails_with_polymorphic_comments(db: TestDatabase) {
        cleaned(&db, &RAILS);
    }

    fn laravel_with_morphs(db: TestDatabase) {
        cleaned(&db, &LARAVEL);
    }

    fn prisma_in_its_own_relation_mode(db: TestDatabase) {
        cleaned(&db, &PRISMA);
    }
}
