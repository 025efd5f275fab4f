//! What the environment says: `.env`, `DATABASE_URL`, terminal width, the policy file. The only
//! reader of the environment besides `cli`, whose `ORGSWEEP_*` variables clap reads; libpq reads its
//! own `PG*` and `.pgpass`.

use crate::archive::Actor;
use crate::database::Target;
use crate::exit::Problem;
use crate::policy::Policy;
use etcetera::BaseStrategy;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The environment, read once at the start.
#[derive(Debug, Clone)]
pub struct Settings {
    database_url: Option<(String, &'static str)>,
    /// `COLUMNS`, for those who have no terminal.
    pub columns: Option<u16>,
    /// `CI`: nobody is there to answer, whatever terminals there are.
    pub unattended: bool,
}

impl Settings {
    /// Reads `.env` (in this folder or above) and the environment, which wins.
    ///
    /// # Errors
    /// A `.env` that cannot be read or parsed.
    pub fn load() -> Result<Settings, Problem> {
        let own = env::var("DATABASE_URL").ok();
        // As those write it who say that it is not: `CI=false npm run build`.
        let unattended =
            env::var_os("CI").is_some_and(|ci| !["", "0", "false"].iter().any(|no| ci == *no));
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
        Ok(Settings { database_url, columns, unattended })
    }

    /// The policy: the file that is named, else `orgsweep.toml` in the working directory.
    ///
    /// # Errors
    /// A file that is named and missing, or that cannot be read as a policy.
    pub fn policy(&self, named: Option<&Path>) -> Result<Policy, Problem> {
        const DEFAULT: &str = "orgsweep.toml";
        let path = named.unwrap_or(Path::new(DEFAULT));
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => {
                return Ok(Policy::default());
            }
            Err(error) => {
                let problem = format!("the policy {} cannot be read: {error}", path.display());
                return Err(Problem::usage(problem).hint("orgsweep policy init writes a first one"));
            }
        };
        Policy::parse(&path.display().to_string(), &text).map_err(|fault| {
            let problem = Problem::usage(fault.to_string());
            Problem { hint: fault.hint, ..problem }
        })
    }

    /// Where archives are kept unless somebody says otherwise: `orgsweep` in the user's state directory;
    /// nowhere for a user without a home.
    pub fn state_directory(&self) -> Option<PathBuf> {
        etcetera::choose_base_strategy().ok()?.state_dir().map(|state| state.join("orgsweep"))
    }

    /// Who runs this, and where.
    pub fn actor(&self) -> Actor {
        let unknown = || "unknown".to_owned();
        Actor {
            user: whoami::username().unwrap_or_else(|_| unknown()),
            host: whoami::hostname().unwrap_or_else(|_| unknown()),
        }
    }

    /// Somebody says which database is meant.
    pub fn names_database(&self, flag: Option<&str>) -> bool {
        flag.is_some() || self.database_url.is_some()
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
                    "pass --database-url sqlite:PATH, postgres://… or mysql://…, or set DATABASE_URL (a .env will do)",
                ));
            }
        };
        Target::parse(url).map_err(|error| Problem::usage(format!("{source}: {error}")))
    }
}
