//! MySQL's JSON values. Their text does not tell all of them: a DECIMAL in one reads as a DOUBLE again, a DATETIME or bytes
//! as a string. Of a value that holds such scalars an archive has, before its text, where they are and of which types.

use super::Family;
use crate::engine::Dialect;

/// Types of scalars of which the text is enough.
const TEXTUAL: &str =
    "'OBJECT','ARRAY','STRING','INTEGER','UNSIGNED INTEGER','DOUBLE','BOOLEAN','NULL'";
/// What a list of scalars begins with; no text of a value does.
const LISTED: char = ' ';
/// What it ends with; in a value's text it is escaped.
const END: char = '\n';
/// Columns of one JSON_TABLE, whose rows end at 65535 bytes.
const MOST: usize = 100;

/// A value as an archive keeps it: its text, or ` [[PATH, TYPE, TEXT], …]`, a line break, and its text.
pub(super) fn archived(value: &str) -> String {
    let step = "IF(JSON_TYPE(n.v) = 'ARRAY', concat('[', i.n - 1, ']'), concat('.', i.k))";
    let scalars = format!(
        "WITH RECURSIVE n AS (SELECT CAST('$' AS CHAR(16383)) AS p, {value} AS v UNION ALL \
         SELECT concat(n.p, {step}), JSON_EXTRACT(n.v, concat('$', {step})) FROM n JOIN \
         JSON_TABLE(IF(JSON_TYPE(n.v) = 'ARRAY', n.v, JSON_KEYS(n.v)), '$[*]' \
         COLUMNS (n FOR ORDINALITY, k JSON PATH '$')) i WHERE JSON_TYPE(n.v) IN ('OBJECT', 'ARRAY')) \
         SELECT JSON_ARRAYAGG(JSON_ARRAY(n.p, JSON_TYPE(n.v), JSON_UNQUOTE(n.v))) FROM n \
         WHERE JSON_TYPE(n.v) NOT IN ({TEXTUAL})"
    );
    format!(
        "CASE WHEN EXISTS (SELECT 1 FROM JSON_TABLE({value}, '$**[0]' COLUMNS (v JSON PATH '$')) i \
         WHERE JSON_TYPE(i.v) NOT IN ({TEXTUAL})) \
         THEN concat('{LISTED}', ({scalars}), char(10), {value}) ELSE concat({value}) END"
    )
}

/// A value's text, and the scalars of which it does not tell all.
pub(super) struct Parts<'t> {
    pub text: &'t str,
    scalars: Vec<(String, String, String)>,
}

/// Of an archived value. `None`: it is none.
pub(super) fn parts(archived: &str) -> Option<Parts<'_>> {
    let Some(listed) = archived.strip_prefix(LISTED) else {
        return Some(Parts { text: archived, scalars: Vec::new() });
    };
    let (list, text) = listed.split_once(END)?;
    Some(Parts { text, scalars: serde_json::from_str(list).ok()? })
}

impl Parts<'_> {
    /// The value, made of `text`, an expression for its text. What MySQL makes of an expression is bytes of one type;
    /// only a column of a JSON_TABLE has the type that it shall have.
    pub fn value(&self, text: String, dialect: Dialect) -> Option<String> {
        let literal = |text: &str| dialect.literal(text);
        if self.scalars.is_empty() {
            return Some(text);
        }
        let mut value = format!("CAST({text} AS JSON)");
        for some in self.scalars.chunks(MOST) {
            let (mut sources, mut columns, mut set) = (Vec::new(), Vec::new(), Vec::new());
            for (n, (path, kind, text)) in some.iter().enumerate() {
                let (source, type_name) = typed(kind, text, dialect)?;
                set.push(match type_name {
                    Some(type_name) => {
                        columns.push(format!("b{n} {type_name} PATH '$[{}]'", sources.len()));
                        sources.push(source);
                        format!("{}, x.b{n}", literal(path))
                    }
                    None => format!("{}, {source}", literal(path)),
                });
            }
            value = format!("JSON_SET({value}, {})", set.join(", "));
            if !columns.is_empty() {
                value = format!(
                    "(SELECT {value} FROM JSON_TABLE(JSON_ARRAY({}), '$' COLUMNS ({})) x)",
                    sources.join(", "),
                    columns.join(", ")
                );
            }
        }
        Some(value)
    }
}

/// An expression for a scalar, and the type of the column that it has to go through.
fn typed(kind: &str, text: &str, dialect: Dialect) -> Option<(String, Option<String>)> {
    let literal = dialect.literal(text);
    let column = |type_name: &str| Some((literal.clone(), Some(type_name.to_owned())));
    match kind {
        "DECIMAL" => {
            let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            Family::Decimal.reads(text).then_some(())?;
            column(&format!("DECIMAL(65, {scale})"))
        }
        "DATE" => column("DATE"),
        "TIME" => column("TIME(6)"),
        "DATETIME" => column("DATETIME(6)"),
        "TIMESTAMP" => column("TIMESTAMP(6)"),
        _ => {
            let (number, base64) = text.strip_prefix("base64:type")?.split_once(':')?;
            let digits = base64.bytes().filter(|byte| !byte.is_ascii_whitespace()).count();
            let padding = base64.bytes().filter(|byte| *byte == b'=').count();
            let length = (digits / 4 * 3).checked_sub(padding)?;
            let bytes = format!("FROM_BASE64({})", dialect.literal(base64));
            let type_name = match number {
                "15" | "253" => return Some((format!("CAST({bytes} AS BINARY({length}))"), None)),
                "16" => {
                    let number = format!("CAST(CONV(HEX({bytes}), 16, 10) AS UNSIGNED)");
                    return Some((number, Some(format!("BIT({})", length * 8))));
                }
                "249" => "TINYBLOB".to_owned(),
                "250" => "MEDIUMBLOB".to_owned(),
                "251" => "LONGBLOB".to_owned(),
                "252" => "BLOB".to_owned(),
                "254" => format!("BINARY({length})"),
                _ => return None,
            };
            Some((bytes, Some(type_name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_scalars_becomes_values_of_their_types_and_nothing_else() {
        let value = |archived: &str| {
            let parts = parts(archived)?;
            parts.value(Dialect::MYSQL.literal(parts.text), Dialect::MYSQL)
        };
        assert_eq!(value(r#"{"a": 1.5}"#).as_deref(), Some(r#"'{"a": 1.5}'"#));
        let listed = " [[\"$.\\\"a\\\"\", \"DECIMAL\", \"1.50\"]]\n{\"a\": 1.50}";
        assert_eq!(
            value(listed).as_deref(),
            Some(
                r#"(SELECT JSON_SET(CAST('{"a": 1.50}' AS JSON), '$."a"', x.b0) FROM JSON_TABLE(JSON_ARRAY('1.50'), '$' COLUMNS (b0 DECIMAL(65, 2) PATH '$[0]')) x)"#
            )
        );
        for other in [
            " {}",
            " []{}",
            " [[\"$\", \"DECIMAL\", \"1; DROP\"]]\n1",
            " [[\"$\", \"BLOB\", \"AP8=\"]]\n1",
            " [[\"$\", \"OPAQUE\", \"base64:type255:AP8=\"]]\n1",
        ] {
            assert_eq!(value(other), None, "{other}");
        }
    }
}
