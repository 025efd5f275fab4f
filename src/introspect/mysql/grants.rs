//! What a user holds, read from SHOW GRANTS: information_schema does not tell what comes through a role.

/// The privileges of one GRANT, and where they hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// In capitals. One of some columns alone counts where it is UPDATE: they may be those of a reference.
    privileges: Vec<String>,
    /// A pattern of databases (`crm\_%`).
    schema: String,
    /// `None`: every table of them.
    table: Option<String>,
    /// MySQL's partial revokes: of what holds on the whole server, these do not in one database.
    revoked: bool,
}

/// Reads one line: ``GRANT SELECT, UPDATE (`a`) ON `crm`.`users` TO `ann`@`%` ``. `None` where it grants no
/// privilege on tables: a role, a procedure, a proxy.
pub fn read(line: &str) -> Option<Grant> {
    let words = words(line);
    let mut words = words.iter().map(String::as_str).peekable();
    let verb = words.next().filter(|word| matches!(*word, "GRANT" | "REVOKE"))?;
    let mut privileges = vec![String::new()];
    loop {
        match words.next()? {
            "ON" => break,
            "TO" => return None,
            "," => privileges.push(String::new()),
            "(" => {
                while words.next()? != ")" {}
                if let Some(privilege) = privileges.last_mut().filter(|name| *name != "UPDATE") {
                    privilege.push_str(" of columns");
                }
            }
            word => {
                let privilege = privileges.last_mut()?;
                *privilege += if privilege.is_empty() { "" } else { " " };
                *privilege += word;
            }
        }
    }
    words.next_if_eq(&"TABLE");
    let schema = words.next()?;
    words.next().filter(|word| *word == ".")?;
    let table = words.next()?;
    Some(Grant {
        privileges,
        schema: if schema == "*" { "%".into() } else { unquoted(schema) },
        table: Some(table).filter(|name| *name != "*").map(unquoted),
        revoked: verb == "REVOKE",
    })
}

/// `privilege` holds on this table.
pub fn hold(grants: &[Grant], (schema, table): &(String, String), privilege: &str) -> bool {
    let revoked = grants.iter().any(|it| it.revoked && it.schema == *schema && it.has(privilege));
    grants.iter().any(|grant| {
        grant.has(privilege)
            && !grant.revoked
            && !(revoked && grant.schema == "%" && grant.table.is_none())
            && match &grant.table {
                Some(name) => grant.schema == *schema && name == table,
                None => is_like(schema.as_bytes(), grant.schema.as_bytes()),
            }
    })
}

/// `privilege` holds on every table of the server.
pub fn hold_everywhere(grants: &[Grant], privilege: &str) -> bool {
    let everywhere = |grant: &Grant| grant.schema == "%" && grant.table.is_none();
    let revoked = grants.iter().any(|grant| grant.revoked && grant.has(privilege));
    !revoked && grants.iter().any(|grant| everywhere(grant) && grant.has(privilege))
}

impl Grant {
    fn has(&self, privilege: &str) -> bool {
        self.privileges.iter().any(|held| held == privilege || held.starts_with("ALL PRIVILEGES"))
    }
}

/// Words, quoted names (with their quotes) and signs.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '`' | '"' | '\'' => quoted(rest, first),
            '_' | 'A'..='Z' | 'a'..='z' => {
                rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len())
            }
            sign => sign.len_utf8(),
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    words
}

/// The length of the quoted name that `text` begins with; a quote in it is doubled.
fn quoted(text: &str, quote: char) -> usize {
    let mut end = 1;
    while let Some(next) = text[end..].find(quote) {
        end += next + 1;
        if !text[end..].starts_with(quote) {
            return end;
        }
        end += 1;
    }
    text.len()
}

fn unquoted(name: &str) -> String {
    match name.chars().next() {
        Some(quote @ ('`' | '"')) => {
            name[1..name.len() - 1].replace(&format!("{quote}{quote}"), &quote.to_string())
        }
        _ => name.to_owned(),
    }
}

/// SQL's LIKE, with a backslash as the escape.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'%', rest @ ..] => (0..=text.len()).any(|n| is_like(&text[n..], rest)),
        [b'_', rest @ ..] => !text.is_empty() && is_like(&text[1..], rest),
        [b'\\', escaped, rest @ ..] | [escaped, rest @ ..] => {
            text.first() == Some(escaped) && is_like(&text[1..], rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(schema: &str, table: &str) -> (String, String) {
        (schema.into(), table.into())
    }

    #[test]
    fn grants_are_read_as_the_server_writes_them() {
        let lines = [
            "GRANT \"rr\" TO \"lim\"@\"127.0.0.1\"",
            "GRANT USAGE ON *.* TO \"o'brien\"@\"%\" IDENTIFIED BY PASSWORD '*0 ON \"x\".* TO'",
            "GRANT ALL PRIVILEGES ON \"crm\\_%\".* TO \"rr\" WITH GRANT OPTION",
            "GRANT SELECT, DELETE HISTORY, INSERT (`a`), UPDATE (\"a ON\", \"b)\"), CREATE TEMPORARY TABLES ON `odd``one`.`t.1` TO `x`@`%`",
            "GRANT EXECUTE ON PROCEDURE `crm`.`p` TO `x`@`%`",
            "GRANT PROCESS ON *.* TO `x`@`%`",
        ];
        let grants: Vec<Grant> = lines.iter().filter_map(|line| read(line)).collect();
        assert_eq!(grants.len(), 4, "{grants:#?}");
        assert!(hold(&grants, &place("crm_1", "users"), "TRIGGER"));
        assert!(!hold(&grants, &place("crm1", "users"), "TRIGGER"));
        let odd = place("odd`one", "t.1");
        let held = ["SELECT", "UPDATE", "CREATE TEMPORARY TABLES", "DELETE", "INSERT"];
        assert_eq!(held.map(|name| hold(&grants, &odd, name)), [true, true, true, false, false]);
        assert!(hold_everywhere(&grants, "PROCESS") && !hold_everywhere(&grants, "SELECT"));
    }

    #[test]
    fn a_partial_revoke_takes_from_what_holds_everywhere() {
        let lines = [
            "GRANT SELECT, DELETE ON *.* TO `x`@`%`",
            "GRANT DELETE ON `own`.* TO `x`@`%`",
            "REVOKE SELECT, DELETE ON `own`.* FROM `x`@`%`",
        ];
        let grants: Vec<Grant> = lines.iter().filter_map(|line| read(line)).collect();
        assert!(hold(&grants, &place("crm", "users"), "SELECT"));
        assert!(!hold(&grants, &place("own", "users"), "SELECT"));
        assert!(hold(&grants, &place("own", "users"), "DELETE"));
        assert!(!hold_everywhere(&grants, "SELECT"));
    }

    #[test]
    fn a_grant_on_a_pattern_covers_what_it_is_like() {
        let like = |text: &str, pattern: &str| is_like(text.as_bytes(), pattern.as_bytes());
        assert!(like("crm", "%") && like("crm", "c_m") && like("crm_1", "crm\\_%"));
        assert!(!like("crm1", "crm\\_%") && !like("crm", "cr") && !like("cr", "crm"));
    }
}
