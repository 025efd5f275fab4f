//! What the environment and the working directory say: `DATABASE_URL`, `.env`, terminal width, the policy file.
//! The only reader of the environment besides `cli`, whose `ORGSWEEP_*` variables clap reads; libpq reads its
//! own `PG*` and `.pgpass`, of which those that lead to another server are looked at here, too.

mod colour;
mod discovery;
mod env_file;
mod includes;

pub use colour::Colour;
pub use env_file::{EnvFile, WAY_OUT};

use crate::archive::Actor;
use crate::database::{LibpqVariables, Target};
use crate::exit::{Exit, Problem};
use crate::files;
use crate::policy::Policy;
use discovery::{Wanted, nearest};
use etcetera::BaseStrategy;
use includes::Includes;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// No policy is larger.
const LARGEST_POLICY: u64 = 16 << 20;

/// The environment, read once at the start, and the `.env` that counts.
#[derive(Debug, Clone)]
pub struct Settings {
    database_url: Option<String>,
    env_file: Option<EnvFile>,
    /// The `.env`, where something that it says is used.
    pub used_env_file: Option<PathBuf>,
    /// `COLUMNS`, for those who have no terminal.
    pub columns: Option<u16>,
    pub libpq: LibpqVariables,
    /// `CI`: nobody is there to answer, whatever terminals there are.
    pub unattended: bool,
}

/// Which policy is meant.
#[derive(Debug, Clone, Copy)]
pub enum PolicyChoice<'a> {
    /// `orgsweep.toml` in the working directory or above.
    Nearest,
    File(&'a Path),
    None,
}

impl Settings {
    /// The environment alone.
    pub fn new() -> Settings {
        let read = |name: &str| env::var(name).ok();
        // As those write it who say that it is not: `CI=false npm run build`.
        let unattended =
            env::var_os("CI").is_some_and(|ci| !["", "0", "false"].iter().any(|no| ci == *no));
        Settings {
            database_url: read("DATABASE_URL"),
            env_file: None,
            used_env_file: None,
            columns: read("COLUMNS").and_then(|columns| columns.parse().ok()),
            libpq: LibpqVariables {
                host: read("PGHOST"),
                hostaddr: read("PGHOSTADDR"),
                database: read("PGDATABASE"),
                service: read("PGSERVICE"),
                sslmode: read("PGSSLMODE"),
            },
            unattended,
        }
    }

    /// With the `.env` in the working directory or above.
    ///
    /// # Errors
    /// One that cannot be read or parsed, or that is somebody else's.
    pub fn with_env_file(self) -> Result<Settings, Problem> {
        const WANTED: Wanted = Wanted { name: ".env", not_directory: true, way_out: WAY_OUT };
        let env_file = match found(&WANTED)? {
            Some(path) => Some(EnvFile::read(&path)?),
            None => None,
        };
        Ok(Settings { env_file, ..self })
    }

    pub fn env_file(&self) -> Option<&EnvFile> {
        self.env_file.as_ref()
    }

    /// Something that this `.env` says counts.
    pub fn using(self, env_file: &Path) -> Settings {
        Settings { used_env_file: Some(env_file.to_owned()), ..self }
    }

    /// The database's URL is the one of the `.env`, where no flag names another.
    pub fn takes_database_from_file(&self) -> bool {
        let file = self.env_file.as_ref();
        self.database_url.is_none() && file.is_some_and(|file| file.database_url.is_some())
    }

    /// The policy that is meant.
    ///
    /// # Errors
    /// A file that is named and missing, that cannot be read as a policy, or that is somebody else's; none where
    /// one is `required`.
    pub fn policy(&self, choice: PolicyChoice, required: bool) -> Result<Policy, Problem> {
        const WANTED: Wanted = Wanted {
            name: "orgsweep.toml",
            not_directory: false,
            way_out: "--config FILE takes a policy wherever it stands; --no-config does without one",
        };
        let path = match choice {
            PolicyChoice::File(path) => Some(path.to_owned()),
            PolicyChoice::Nearest => found(&WANTED)?,
            PolicyChoice::None => None,
        };
        let Some(path) = path else {
            return if required {
                Err(Problem::new(
                    Exit::Refused,
                    "a policy is required, and there is none; nothing was changed",
                )
                .code("policy_required")
                .hint("--config FILE names one; orgsweep policy init writes a first one"))
            } else {
                Ok(Policy::default())
            };
        };
        let text = files::read_text(&path, LARGEST_POLICY).map_err(|error| {
            let problem = format!("the policy {} cannot be read: {error}", path.display());
            Problem::usage(problem).hint("orgsweep policy init writes a first one")
        })?;
        let trust = matches!(choice, PolicyChoice::Nearest).then_some(&WANTED);
        Includes::new(trust).read(&path, &text)
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

    /// The database that is meant: the flag before the environment before the `.env`.
    ///
    /// # Errors
    /// None is named, or its URL is malformed; a `.env` whose URL says more than which database.
    pub fn target(&self, flag: Option<&str>) -> Result<Target, Problem> {
        let malformed =
            |source: &str, error: anyhow::Error| Problem::usage(format!("{source}: {error}"));
        if let Some(url) = flag {
            return Target::parse(url).map_err(|error| malformed("--database-url", error));
        }
        if let Some(url) = &self.database_url {
            return Target::parse(url).map_err(|error| malformed("DATABASE_URL", error));
        }
        let file = self.env_file.as_ref();
        let Some((file, url)) = file.and_then(|file| Some((file, file.database_url.as_ref()?)))
        else {
            return Err(Problem::usage("no database is named").code("no_database").hint(
                "pass --database-url sqlite:PATH, postgres://… or mysql://…, or set DATABASE_URL (a .env will do)",
            ));
        };
        let source = format!("DATABASE_URL in {}", file.path.display());
        let target = Target::parse(url).map_err(|error| malformed(&source, error))?;
        match target.overreach(&self.libpq) {
            None => Ok(target),
            Some(parameter) => Err(Problem::usage(format!(
                "{source}: {parameter} is not for a .env to say: it chooses a database, and neither files nor weaker TLS"
            ))
            .hint("pass the whole URL as --database-url, or set DATABASE_URL in the environment")),
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings::new()
    }
}

/// The nearest file of that name; in the working directory by its bare name.
fn found(wanted: &Wanted) -> Result<Option<PathBuf>, Problem> {
    let here = env::current_dir()
        .map_err(|error| Problem::usage(format!("there is no working directory: {error}")))?;
    let home = etcetera::home_dir().ok().and_then(|home| fs::canonicalize(home).ok());
    let found = nearest(wanted, &here, home.as_deref())?;
    Ok(found
        .map(|path| if path.parent() == Some(&here) { PathBuf::from(wanted.name) } else { path }))
}
