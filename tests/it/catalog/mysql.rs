use crate::catalog::shown::shown;
use crate::catalog::{check_fingerprint, loaded};
use crate::support::*;

/// In the client's own words: nothing is translated.
fn database(schema: &str) -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Mysql)?;
    mysql::client(db.name(), schema.as_bytes());
    Some(db)
}

#[test]
fn tables_keys_and_references() {
    let Some(db) = database(include_str!("mysql.sql")) else { return };
    let mut catalog = loaded(&mut db.connect());
    // InnoDB guesses.
    catalog.tables.iter_mut().for_each(|table| table.estimated_rows = None);
    expect_test::expect![[r#"
        Invoice(Tenant int(11)!, No int(11)!, User bigint(20) unsigned, total decimal(30,10), doubled decimal(31,10) generated, next int(11) generated, kind enum('a','it''s')~ = 'a' collate utf8mb4_general_ci)
          key PRIMARY(Tenant, No) primary not null
          check no refunds: "Tenant" <> 3 or "total" > 0 []
          check total: "total" >= 0 []
          Tenant -> tenants(id) restrict by PRIMARY named Invoice_ibfk_1
          Tenant, User -> users(tenant_id, id) restrict by inv user named inv user
        cache(id int(11)!)
          key PRIMARY(id) primary not null
        counters(id int(11)!, n int(11))
          key PRIMARY(id) primary not null
        history(id int(11)!, tenant_id int(11))
          keeps history
          key PRIMARY(id) primary not null
          tenant_id -> tenants(id) restrict by tenant_id named history_ibfk_1
        hits(id int(11)!, year int(11)!)
          Partitioned
          key PRIMARY(id, year) primary not null
        logs(what varchar(20)~ collate utf8mb4_nopad_bin, amount double, flags bit(3), data longtext~ collate utf8mb4_bin)
          check data: json_valid("data") []
          trigger logs_gone on delete
          trigger logs_moved on update
          trigger logs_new on insert
        odd `quoted` "table"(id int(11)!, tenant;id int(11), parent int(11), position point)
          key PRIMARY(id) primary not null
          tenant;id -> tenants(id) restrict by tenant;id named odd `quoted` "table"_ibfk_1
          parent -> odd `quoted` "table"(id) cascade by parent named odd `quoted` "table"_ibfk_2
        tenants(id int(11)!, slug varchar(40)!~ collate utf8mb4_general_ci, title text~ collate utf8mb4_general_ci, owner_id bigint(20) unsigned, created timestamp(3)! = current_timestamp(3))
          key PRIMARY(id) primary not null
          key slug(slug) not null
          apart beginning: for the engine to ask [title]
          owner_id -> users(id) restrict by owner named owner
        users(tenant_id int(11)!, id bigint(20) unsigned!, email varchar(90)~ collate utf8mb4_bin, manager_id bigint(20) unsigned, tenant_slug varchar(40)~ = 'none' collate utf8mb4_general_ci, secret varbinary(16))
          key PRIMARY(id) primary not null
          key tenant_id(tenant_id, id) not null
          manager_id -> users(id) set null (manager_id) by boss named boss
          tenant_id -> tenants(id) cascade by tenant_id named users_ibfk_1
          tenant_slug -> tenants(slug) restrict by tenant_slug named users_ibfk_2"#]].assert_eq(&shown(&catalog));
    let lasting = catalog.tables.iter().filter(|table| table.lasting_engine.is_some());
    let lasting: Vec<&str> = lasting.map(|table| table.name.name.as_str()).collect();
    assert_eq!(lasting, ["cache", "counters"]);
}

#[test]
fn databases_that_references_lead_to_are_part_of_it() {
    let (Some(db), Some(other)) = (database(""), database("")) else { return };
    let (here, there) = (db.name(), other.name());
    mysql::client(
        here,
        format!(
            "CREATE TABLE organizations (id int PRIMARY KEY);
             CREATE TABLE {there}.users (id int PRIMARY KEY, organization_id int,
                 FOREIGN KEY (organization_id) REFERENCES {here}.organizations (id));
             CREATE TABLE {there}.alone (id int PRIMARY KEY);"
        )
        .as_bytes(),
    );
    let names = |db: &TestDatabase| {
        let catalog = loaded(&mut db.connect());
        let names = catalog.tables.iter().map(|table| table.name.to_string());
        names.map(|name| name.replace(there, "there").replace(here, "here")).collect::<Vec<_>>()
    };
    assert_eq!(names(&db), ["organizations", "there.alone", "there.users"]);
    assert_eq!(names(&other), ["here.organizations", "alone", "users"]);
    mysql::client(there, b"DROP TABLE users");
}

#[test]
fn the_fingerprint_follows_the_schema() {
    let Some(db) =
        database("CREATE TABLE p (id int PRIMARY KEY, a int); CREATE TABLE lone (id int)")
    else {
        return;
    };
    check_fingerprint(
        &mut db.connect(),
        &[
            "CREATE TABLE c (p_id int, FOREIGN KEY (p_id) REFERENCES p (id))",
            "ALTER TABLE c ADD COLUMN n int",
            "ALTER TABLE c MODIFY n bigint",
            "CREATE UNIQUE INDEX one ON c (n)",
            "CREATE TRIGGER t AFTER DELETE ON p FOR EACH ROW SET @a = 1",
            "ALTER TABLE p ENGINE = InnoDB, ADD CHECK (a > 0)",
            "ALTER TABLE lone ENGINE = MyISAM",
            "DROP TABLE c",
        ],
        &[
            "INSERT INTO p VALUES (1, 1)",
            "CREATE TEMPORARY TABLE tmp (id int)",
            "CREATE INDEX plain ON p (a)",
            "ANALYZE TABLE p",
        ],
    );
}
