//! The test infrastructure itself: what every other test relies on.

use crate::support::*;

each_backend! {
    fn a_dump_shows_what_changed(db: TestDatabase) {
        db.execute(
            "CREATE TABLE \"Odd name\" (id integer, t text); \
             INSERT INTO \"Odd name\" VALUES (1, 'a'), (2, NULL), (2, NULL), (3, 'it''s')",
        );
        let before = db.dump();
        changes(&before, &db.dump()).assert_none();

        let copy = db.copy();
        copy.execute("DELETE FROM \"Odd name\" WHERE id = 1; UPDATE \"Odd name\" SET t = '' WHERE id = 3");
        let changed = changes(&before, &copy.dump());
        assert_eq!(changed.gone["Odd name"].len(), 2, "{changed}");
        assert_eq!(changed.new["Odd name"].len(), 1, "{changed}");
        assert_eq!(changed.deleted("Odd name"), 1);
        assert_ne!(db.fingerprint(), copy.fingerprint());
        assert_eq!(db.fingerprint()["Odd name"].0, 4);
    }

    fn a_query_gives_text_whatever_the_type(db: TestDatabase) {
        let rows = db.query("SELECT 1 AS a, 'x' AS b, NULL AS c, 2.5 AS d UNION ALL SELECT 2, '', NULL, 0.5;");
        let text = |value: &str| Some(value.to_owned());
        assert_eq!(rows[0], [text("1"), text("x"), None, text("2.5")]);
        assert_eq!(rows[1], [text("2"), text(""), None, text("0.5")]);
    }
}

#[test]
fn a_role_needs_its_password() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let role = db.role();
    let target = |url: &str| orgsweep::database::Target::parse(url).unwrap();
    let mut session = orgsweep::database::Database::connect(&target(&role.url), false).unwrap();
    session.run("SELECT 1").unwrap();
    let wrong = role.url.replace(&role.password, "wrong");
    if orgsweep::database::Database::connect(&target(&wrong), false).is_ok() {
        skip("this server asks for no passwords");
    }
}
