//! What SQLite tells nowhere but in the text of CREATE TABLE and CREATE TRIGGER: collations,
//! checks, the names and deferral of foreign keys, a trigger's event. (Its C interface knows the
//! collations, sqlite3_table_column_metadata, but Diesel does not hand out the connection.)

use crate::engine::token::{Kind, Token, tokens};

/// The clauses of a CREATE TABLE.
#[derive(Debug, Default, PartialEq)]
pub struct Declared {
    /// Column and collation, as written.
    pub collations: Vec<(String, String)>,
    /// Generated columns and their expressions.
    pub generations: Vec<(String, String)>,
    pub checks: Vec<DeclaredCheck>,
    /// In the order of the text.
    pub references: Vec<DeclaredReference>,
}

/// The clauses of a CREATE INDEX.
#[derive(Debug, Default, PartialEq)]
pub struct DeclaredIndex {
    /// Columns and expressions with their collations, without their order.
    pub parts: Vec<String>,
    pub predicate: Option<String>,
}

#[derive(Debug, PartialEq)]
pub struct DeclaredCheck {
    /// The constraint's name or, as in SQLite's own messages, the expression.
    pub name: String,
    pub expression: String,
}

#[derive(Debug, PartialEq)]
pub struct DeclaredReference {
    pub name: Option<String>,
    /// DEFERRABLE INITIALLY DEFERRED; SQLite treats everything else as immediate.
    pub deferred: bool,
}

/// Reads a CREATE TABLE as SQLite stores it.
pub fn declared(sql: &str) -> Declared {
    let tokens = tokens(sql);
    // Of nested parentheses only the outside matters: an expression holds no clauses.
    let clauses: Vec<Token> = tokens.into_iter().filter(|token| token.depth == 1).collect();
    let elements = || clauses.split(|token| token.kind == Kind::Comma);
    Declared {
        collations: elements().filter_map(collation).collect(),
        generations: elements().filter_map(|element| generation(sql, element)).collect(),
        checks: elements().flat_map(|element| checks(sql, element)).collect(),
        references: elements().flat_map(references).collect(),
    }
}

/// Whether a CREATE TRIGGER is for INSERT, for DELETE, for UPDATE. Its event is the first of these words:
/// they are reserved, so no plain name before it can be one.
pub fn trigger_events(sql: &str) -> [bool; 3] {
    const EVENTS: [&str; 3] = ["INSERT", "DELETE", "UPDATE"];
    let tokens = tokens(sql);
    let event = tokens.iter().find(|token| EVENTS.iter().any(|event| token.is(event)));
    EVENTS.map(|keyword| event.is_some_and(|token| token.is(keyword)))
}

/// The columns of an `UPDATE OF`; none: of any.
pub fn update_of(sql: &str) -> Vec<String> {
    let tokens = tokens(sql);
    let Some(update) = tokens.iter().position(|token| token.is("UPDATE")) else {
        return Vec::new();
    };
    match tokens.get(update + 1) {
        Some(of) if of.is("OF") => {
            let listed = tokens[update + 2..].iter().take_while(|token| !token.is("ON"));
            listed.filter(|token| token.kind != Kind::Comma).map(Token::name).collect()
        }
        _ => Vec::new(),
    }
}

/// Reads a CREATE INDEX as SQLite stores it.
pub fn declared_index(sql: &str) -> DeclaredIndex {
    let tokens = tokens(sql);
    let outside = |kind: Kind| tokens.iter().position(|it| it.depth == 0 && it.kind == kind);
    let (Some(open), Some(close)) = (outside(Kind::Open), outside(Kind::Close)) else {
        return DeclaredIndex::default();
    };
    let parts = tokens[open + 1..close].split(|it| it.depth == 1 && it.kind == Kind::Comma);
    let part = |part: &[Token]| {
        let ordered = part.last().is_some_and(|it| it.is("ASC") || it.is("DESC"));
        let part = &part[..part.len() - usize::from(ordered)];
        Some(sql[part.first()?.start..part.last()?.end()].to_owned())
    };
    let rest = tokens.get(close + 1).filter(|token| token.is("WHERE"));
    DeclaredIndex {
        parts: parts.filter_map(part).collect(),
        predicate: rest.map(|token| sql[token.end()..].trim().to_owned()),
    }
}

/// `[GENERATED ALWAYS] AS (…)` of a column. Outside of parentheses no other clause of one has an AS.
fn generation(sql: &str, element: &[Token]) -> Option<(String, String)> {
    let place = element.iter().position(|token| token.is("AS"))?;
    match element.get(place + 1..place + 3)? {
        [open, close] if open.kind == Kind::Open => {
            Some((element.first()?.name(), sql[open.end()..close.start].trim().to_owned()))
        }
        _ => None,
    }
}

/// The last COLLATE of a column wins. A table constraint has none outside of its parentheses.
fn collation(element: &[Token]) -> Option<(String, String)> {
    let place = element.iter().rposition(|token| token.is("COLLATE"))?;
    Some((element.first()?.name(), element.get(place + 1)?.name()))
}

fn checks(sql: &str, element: &[Token]) -> Vec<DeclaredCheck> {
    let check = |(place, clause): (usize, &[Token])| match clause {
        [check, open, close] if check.is("CHECK") && open.kind == Kind::Open => {
            let expression = sql[open.end()..close.start].trim().to_owned();
            let name = name_before(element, place).unwrap_or_else(|| expression.clone());
            Some(DeclaredCheck { name, expression })
        }
        _ => None,
    };
    element.windows(3).enumerate().filter_map(check).collect()
}

fn references(element: &[Token]) -> Vec<DeclaredReference> {
    let places = element.iter().enumerate().filter(|(_, token)| token.is("REFERENCES"));
    let reference = |(place, _): (usize, &Token)| {
        let rest = &element[place + 1..];
        let next = rest.iter().position(|token| token.is("REFERENCES")).unwrap_or(rest.len());
        DeclaredReference {
            name: name_before(element, constraint_start(element, place)),
            deferred: is_deferred(&rest[..next]),
        }
    };
    places.map(reference).collect()
}

/// A table's reference begins with FOREIGN KEY (…), a column's with REFERENCES itself.
fn constraint_start(element: &[Token], references: usize) -> usize {
    let foreign_key = references.checked_sub(4);
    foreign_key.filter(|place| element[*place].is("FOREIGN")).unwrap_or(references)
}

/// The name in `CONSTRAINT name`, where that stands right before `place`.
fn name_before(element: &[Token], place: usize) -> Option<String> {
    let constraint = place.checked_sub(2)?;
    element[constraint].is("CONSTRAINT").then(|| element[place - 1].name())
}

fn is_deferred(clause: &[Token]) -> bool {
    let place = clause.windows(3).position(|words| {
        words[0].is("DEFERRABLE") && words[1].is("INITIALLY") && words[2].is("DEFERRED")
    });
    place.is_some_and(|place| place == 0 || !clause[place - 1].is("NOT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, collations: &[&str], checks: &[&str], references: &[&str]) {
        let declared = declared(sql);
        let pair = |(column, collation): &(String, String)| format!("{column} {collation}");
        let shown: Vec<String> = declared.collations.iter().map(pair).collect();
        assert_eq!(shown, collations);
        let pair = |it: &DeclaredCheck| format!("{}: {}", it.name, it.expression);
        let shown: Vec<String> = declared.checks.iter().map(pair).collect();
        assert_eq!(shown, checks);
        let shown = declared.references.iter().map(|it| {
            let name = it.name.as_deref().unwrap_or("-");
            if it.deferred { format!("{name} deferred") } else { name.to_owned() }
        });
        assert_eq!(shown.collect::<Vec<_>>(), references);
    }

    #[test]
    fn collations_belong_to_columns() {
        check(
            r#"CREATE TABLE t(a TEXT COLLATE NOCASE, "b,c" TEXT DEFAULT ('x' COLLATE rtrim) NOT NULL,
               'd' VARCHAR(10,2) COLLATE "RTRIM" UNIQUE, [e] COLLATE NOCASE COLLATE binary,
               f AS (a COLLATE nocase), UNIQUE (f COLLATE NOCASE))"#,
            &["a NOCASE", "d RTRIM", "e binary"],
            &[],
            &[],
        );
    }

    #[test]
    fn checks_keep_their_text() {
        check(
            "CREATE TABLE t(a INT CHECK (a > 0 AND (a < 9)), -- CHECK (no)
             b INT CONSTRAINT \"b check\" check( b <> ')' ) NOT NULL CHECK(b),
             CONSTRAINT u UNIQUE (a), CONSTRAINT both CHECK (a < b) CHECK (b IN (1, 2))) STRICT",
            &[],
            &[
                "a > 0 AND (a < 9): a > 0 AND (a < 9)",
                "b check: b <> ')'",
                "b: b",
                "both: a < b",
                "b IN (1, 2): b IN (1, 2)",
            ],
            &[],
        );
    }

    #[test]
    fn references_have_names_and_deferral() {
        check(
            "CREATE TABLE t(a INT REFERENCES p(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
             b INT CONSTRAINT named REFERENCES p NOT DEFERRABLE INITIALLY DEFERRED,
             c INT REFERENCES p DEFERRABLE INITIALLY IMMEDIATE CHECK (c),
             CONSTRAINT \"two of them\" FOREIGN KEY (a, b) REFERENCES q(x, y) DEFERRABLE
             FOREIGN KEY (c) REFERENCES r MATCH FULL DEFERRABLE INITIALLY DEFERRED) WITHOUT ROWID",
            &[],
            &["c: c"],
            &["- deferred", "named", "-", "two of them", "- deferred"],
        );
    }

    #[test]
    fn triggers_tell_their_event() {
        for (sql, events) in [
            (
                "CREATE TRIGGER x AFTER DELETE ON t BEGIN UPDATE u SET a = 1; END",
                [false, true, false],
            ),
            (
                "CREATE TRIGGER \"delete\" BEFORE UPDATE OF a, b ON t BEGIN SELECT 1; END",
                [false, false, true],
            ),
            (
                "CREATE TRIGGER [update] /* DELETE */ INSERT ON t BEGIN DELETE FROM u; END",
                [true, false, false],
            ),
        ] {
            assert_eq!(trigger_events(sql), events, "{sql}");
        }
    }

    #[test]
    fn triggers_tell_the_columns_of_an_update() {
        for (sql, columns) in [
            (
                "CREATE TRIGGER x AFTER UPDATE OF a, \"on\" ON t BEGIN SELECT 1; END",
                &["a", "on"][..],
            ),
            ("CREATE TRIGGER x AFTER UPDATE ON t BEGIN SELECT 1; END", &[]),
            ("CREATE TRIGGER \"update\" DELETE ON t BEGIN UPDATE u SET a = 1; END", &[]),
        ] {
            assert_eq!(update_of(sql), columns, "{sql}");
        }
    }

    #[test]
    fn indexes_have_parts_and_a_condition() {
        let sql = "CREATE UNIQUE INDEX \"i (\" ON t (a COLLATE nocase DESC, lower(b || ',') , [c] asc) -- x\n WHERE a > (1)";
        let declared = declared_index(sql);
        assert_eq!(declared.parts, ["a COLLATE nocase", "lower(b || ',')", "[c]"]);
        assert_eq!(declared.predicate.as_deref(), Some("a > (1)"));
        assert_eq!(declared_index("CREATE INDEX i ON t(a)").predicate, None);
    }

    #[test]
    fn generated_columns_have_expressions() {
        let sql = "CREATE TABLE t(a INT CHECK (CAST(a AS INT)), b INT GENERATED ALWAYS AS (a + (1)) STORED, \"c\" AS ( b ))";
        let expected = [("b", "a + (1)"), ("c", "b")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(declared(sql).generations, expected);
    }
}
