//! What the environment says: `.env`, `DATABASE_URL`, terminal width. The only reader of
//! the environment; libpq reads its own `PG*` and `.pgpass`.

use crate::database::Target;
use crate::exit::Problem;
use std::env;

/// The environment, read once at the start.
#[derive(Debug, Clone)]
pub struct Settings {
    database_url: Option<(String, &'static str)>,
    /// `COLUMNS`, for those who have no terminal.
    pub columns: Option<u16>,
}

impl Settings {
    /// Reads `.env` (in this folder or above) and the environment, which wins.
    ///
    /// # Errors
    /// A `.env` that cannot be read or parsed.
    pub fn load() -> Result<Settings, Problem> {
        let own = env::var("DATABASE_URL").ok();
        match dotenvy::dotenv() {
            Ok(_) => {}
            Err(error) if error.not_found() => {}
            // The error would quote the line, and with it a password.
            Err(dotenvy::Error::LineParse(_, position)) => {
                return Err(Problem::usage(format!(
                    ".env cannot be parsed near character {position}"
                ))
                .hint("quote values that hold spaces or #"));
            }
            Err(error) => return Err(Problem::usage(format!(".env cannot be read: {error}"))),
        }
        let database_url = match own {
            Some(url) => Some((url, "DATABASE_URL")),
            None => env::var("DATABASE_URL").ok().map(|url| (url, "DATABASE_URL in .env")),
        };
        let columns = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        Ok(Settings { database_url, columns })
    }

    /// The database that is meant: the flag before the environment.
    ///
    /// # Errors
    /// None is named, or its URL is malformed.
    pub fn target(&self, flag: Option<&str>) -> Result<Target, Problem> {
        let (url, source) = match (flag, &self.database_url) {
            (Some(url), _) => (url, "--database-url"),
            (None, Some((url, source))) => (url.as_str(), *source),
            (None, None) => {
                return Err(Problem::usage("no database is named").hint(
                    "pass --database-url sqlite:PATH or postgres://…, or set DATABASE_URL (a .env will do)",
                ));
            }
        };
        Target::parse(url).map_err(|error| Problem::usage(format!("{source}: {error}")))
    }
}
