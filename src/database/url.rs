//! A server's URL, taken apart before any driver sees it. What a driver cannot read it would print, and a
//! password that was not percent-encoded ends up in any part of a URL: so nothing of a URL that is not
//! well-formed is ever shown, and of one that is only the pieces that are no secret.

use anyhow::{Result, bail};
use percent_encoding::percent_decode_str;

/// The pieces, nothing decoded.
#[derive(Debug, PartialEq)]
pub(super) struct Pieces<'a> {
    account: Option<Account<'a>>,
    server: &'a str,
    database: Option<&'a str>,
    parameters: Vec<(&'a str, &'a str)>,
}

#[derive(Debug, PartialEq)]
struct Account<'a> {
    user: &'a str,
    password: Option<&'a str>,
}

const AMBIGUOUS: &str = "the password in the database URL, or another part of it, holds one of @ / ? # or a blank: \
                         percent-encode it (%40 %2F %3F %23 %20)";

/// What stands in the place of a secret where a URL is printed.
const MASK: &str = "***";

const MASKED: &str = "the database URL has *** where the password, or another secret, was left out as it was printed: \
                      write the real one";

/// Parameters whose value may be secret, or hold something that is.
const SECRET: [&str; 6] = [
    "password",
    "sslpassword",
    "scram_client_key",
    "scram_server_key",
    "oauth_client_secret",
    "options",
];

impl Pieces<'_> {
    /// Takes apart what comes after `scheme://`. Stricter than libpq, whose errors quote what they do not
    /// understand (conninfo_uri_parse_options in fe-connect.c).
    ///
    /// # Errors
    /// A character that ends a piece where none ends; a port or a parameter that is none.
    pub(super) fn of(rest: &str) -> Result<Pieces<'_>> {
        if rest.contains(|c: char| c == '#' || c.is_whitespace() || c.is_control()) {
            bail!(AMBIGUOUS);
        }
        let encoded = |(at, _): (usize, &str)| {
            let digits = rest.as_bytes().get(at + 1..at + 3);
            digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit) && two != b"00")
        };
        if !rest.match_indices('%').all(encoded) {
            bail!(
                "a % in the database URL is followed by no two digits: percent-encode it, too (%25)"
            );
        }
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = match address.split_once('/') {
            Some((authority, database)) => (authority, Some(database)),
            None => (address, None),
        };
        let (account, server) = match authority.split_once('@') {
            Some((account, server)) => (Some(account), server),
            None => (None, authority),
        };
        let elsewhere = [server, database.unwrap_or_default(), query];
        if elsewhere.iter().any(|piece| piece.contains('@'))
            || database.is_some_and(|name| name.contains('/'))
        {
            bail!(AMBIGUOUS);
        }
        if !server.split(',').all(is_host) {
            bail!("the port in the database URL is no number");
        }
        let account = account.map(|account| match account.split_once(':') {
            Some((user, password)) => Account { user, password: Some(password) },
            None => Account { user: account, password: None },
        });
        if account.as_ref().is_some_and(|account| account.password == Some(MASK)) {
            bail!(MASKED);
        }
        let mut parameters = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some((name, MASK)) if is_secret(name) => bail!(MASKED),
                Some(pair) => parameters.push(pair),
                None => {
                    bail!("the parameters of a database URL are NAME=VALUE, with & between two")
                }
            }
        }
        Ok(Pieces { account, server, database, parameters })
    }

    /// # Errors
    /// A parameter that is not among `known`; it is not named, since it may be the end of a password.
    pub(super) fn expect_known(&self, known: &[&str]) -> Result<()> {
        let unknown = |(name, _): &(&str, &str)| !known.contains(&decoded(name).as_str());
        match self.parameters.iter().position(unknown) {
            None => Ok(()),
            Some(n) => bail!(
                "parameter {} of the database URL is none that there is (a & in a password is written %26)",
                n + 1
            ),
        }
    }

    /// The URL as it may be printed.
    pub(super) fn shown(&self, scheme: &str) -> String {
        let mut shown = format!("{scheme}://");
        if let Some(Account { user, password }) = self.account {
            let password = password.map(|_| format!(":{MASK}")).unwrap_or_default();
            shown += &format!("{user}{password}@");
        }
        shown += self.server;
        if let Some(database) = self.database {
            shown += &format!("/{database}");
        }
        for (n, (name, value)) in self.parameters.iter().enumerate() {
            let value = if is_secret(name) { MASK } else { value };
            shown += &format!("{}{name}={value}", if n == 0 { '?' } else { '&' });
        }
        shown
    }
}

fn is_secret(parameter: &str) -> bool {
    SECRET.contains(&decoded(parameter).as_str())
}

fn decoded(name: &str) -> String {
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

/// `db`, `db:5432`, `[::1]:5432`, or nothing.
fn is_host(server: &str) -> bool {
    let port = match server.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((_, "")) => Some(""),
            Some((_, port)) => port.strip_prefix(':'),
            None => None,
        },
        None => Some(server.split_once(':').map_or("", |(_, port)| port)),
    };
    port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A word of the command line as an error about it may show it: without what may be the password of a
/// database URL or of a connection string.
pub fn shown_word(word: &str) -> String {
    const ASSIGNED: [&str; 6] = ["password=", "passwd=", "pwd=", "passphrase=", "secret=", "key="];
    let squeezed = word.to_ascii_lowercase().replace(' ', "");
    let assigns = ASSIGNED.iter().any(|name| squeezed.contains(name));
    let has_account = word.split_once('@').is_some_and(|(account, _)| account.contains(':'));
    match word.split_once("://") {
        Some((before, _)) if !before.contains(char::is_whitespace) => format!("{before}://***"),
        None if !assigns && !has_account => word.to_owned(),
        _ => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shown(rest: &str) -> String {
        Pieces::of(rest).expect("a sound URL").shown("x")
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for plain in
            ["", "/", "h", "u@h:5432/d", "u@[::1]:5432,b/d", "/d?host=%2Frun%2Fpg&sslmode=require"]
        {
            assert_eq!(shown(plain), format!("x://{plain}"));
        }
        assert_eq!(shown("h/d?host=/run/pg"), "x://h/d?host=/run/pg");
    }

    #[test]
    fn a_password_is_masked_where_it_stands_and_nowhere_else() {
        assert_eq!(shown("d:d@d/d"), "x://d:***@d/d");
        assert_eq!(shown("u:@h/d"), "x://u:***@h/d");
        assert_eq!(shown(":p:q@h/d"), "x://:***@h/d");
        assert_eq!(shown("h/d?password=a&user=a"), "x://h/d?password=***&user=a");
        assert_eq!(shown("h/d?pass%77ord=a=b"), "x://h/d?pass%77ord=***");
        assert_eq!(shown("h/d?options=-c%20x.y=z"), "x://h/d?options=***");
    }

    #[test]
    fn a_password_that_nobody_can_tell_from_the_rest_is_refused() {
        for url in [
            "u:s@cret@h/d",
            "u:s/cret@h/d",
            "u:s?cret@h/d",
            "u:s#cret@h/d",
            "u:s cret@h/d",
            "u:1?cr=et@h/d",
            "u:1/cr?e=t@h/d",
            "u:s%cret@h/d",
            "u:cret%0@h/d",
            "u:cret%00@h/d",
            "u@h:cret/d",
            "u@[::1/d",
            "u:p@h/d?cret",
        ] {
            let error = Pieces::of(url).expect_err(url).to_string();
            assert!(!error.contains("cret"), "{url}: {error}");
        }
    }

    #[test]
    fn an_unknown_parameter_is_counted_not_named() {
        let pieces = Pieces::of("h/d?password=a&cret=b").expect("a sound URL");
        let error = pieces.expect_known(&["password"]).expect_err("unknown").to_string();
        assert!(error.starts_with("parameter 2") && !error.contains("cret"), "{error}");
        pieces.expect_known(&["password", "cret"]).expect("both are known");
    }

    #[test]
    fn words_of_the_command_line_lose_their_passwords() {
        for (word, wanted) in [
            ("clean", "clean"),
            ("--org-name=x", "--org-name=x"),
            ("postgres://u:p@h/d", "postgres://***"),
            ("--database-url=mysql://u:p@h", "--database-url=mysql://***"),
            ("host=h Password = p", "***"),
            ("a p://x", "***"),
            ("u:p@h/d", "***"),
            ("ann@apex.test", "ann@apex.test"),
        ] {
            assert_eq!(shown_word(word), wanted);
        }
    }
}
