//! A `.env`: what it may say, and what is not its business.
//!
//! It is read without setting the process's environment, so that nothing of it reaches libpq, OpenSSL or a child.

use crate::exit::Problem;
use crate::files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The variables of [`crate::cli`] that choose organizations or narrow what may happen. The others name another
/// policy, where to write, or what to remove: those are the user's to say, not the directory's.
const SETTINGS: [&str; 9] = [
    "ORGSWEEP_ROOT",
    "ORGSWEEP_KEY_COLUMN",
    "ORGSWEEP_NAME_COLUMN",
    "ORGSWEEP_CREATED_COLUMN",
    "ORGSWEEP_MAX_ROWS",
    "ORGSWEEP_LOCK_TIMEOUT",
    "ORGSWEEP_DEADLINE",
    "ORGSWEEP_REQUIRE_POLICY",
    "ORGSWEEP_LOG_FORMAT",
];

/// No `.env` is larger.
const LARGEST: u64 = 1 << 20;

pub const WAY_OUT: &str =
    "--no-env does without it; what it should say can be said by flags or the environment";

/// What a `.env` says to orgsweep.
#[derive(Debug, Clone, Default)]
pub struct EnvFile {
    pub path: PathBuf,
    pub database_url: Option<String>,
    /// Variables that it may set.
    pub settings: BTreeMap<String, String>,
    /// `ORGSWEEP_*` variables that it may not set.
    pub refused: Vec<String>,
}

impl EnvFile {
    /// # Errors
    /// It cannot be read or parsed.
    pub fn read(path: &Path) -> Result<EnvFile, Problem> {
        let shown = path.display();
        let text = files::read_text(path, LARGEST).map_err(|error| {
            Problem::usage(format!("{shown} cannot be read: {error}")).hint(WAY_OUT)
        })?;
        let mut file = EnvFile { path: path.to_owned(), ..EnvFile::default() };
        for pair in dotenvy::from_read_iter(text.trim_start_matches('\u{feff}').as_bytes()) {
            match pair {
                Ok((name, value)) => file.say(name, value),
                // The error would quote the line, and with it a password.
                Err(dotenvy::Error::LineParse(_, position)) => {
                    let problem = format!("{shown} cannot be parsed near character {position}");
                    let hint = format!("quote values that hold spaces or #; {WAY_OUT}");
                    return Err(Problem::usage(problem).hint(hint));
                }
                Err(error) => {
                    let problem = format!("{shown} cannot be read: {error}");
                    return Err(Problem::usage(problem).hint(WAY_OUT));
                }
            }
        }
        Ok(file)
    }

    /// Of two values of one name the first counts.
    fn say(&mut self, name: String, value: String) {
        match name.as_str() {
            "DATABASE_URL" => drop(self.database_url.get_or_insert(value)),
            known if SETTINGS.contains(&known) => drop(self.settings.entry(name).or_insert(value)),
            other if other.starts_with("ORGSWEEP_") => self.refused.push(name),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_chooses_and_narrows_and_nothing_else() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join(".env");
        let text = "\u{feff}DATABASE_URL=sqlite:a.db\nDATABASE_URL=sqlite:b.db\nPGHOST=elsewhere\nORGSWEEP_MAX_ROWS=1\n\
                    ORGSWEEP_CONFIG=empty.toml\nORGSWEEP_MAXROWS=2\n";
        fs::write(&path, text).unwrap();
        let file = EnvFile::read(&path).unwrap();
        assert_eq!(file.database_url.as_deref(), Some("sqlite:a.db"));
        assert_eq!(file.settings, BTreeMap::from([("ORGSWEEP_MAX_ROWS".into(), "1".into())]));
        assert_eq!(file.refused, ["ORGSWEEP_CONFIG", "ORGSWEEP_MAXROWS"]);
        assert_eq!(std::env::var("ORGSWEEP_MAX_ROWS").ok(), None);
        fs::write(&path, "DATABASE_URL=postgres://a:hunter2 b\n").unwrap();
        let problem = EnvFile::read(&path).unwrap_err().to_string();
        assert!(
            problem.contains(".env cannot be parsed") && !problem.contains("hunter2"),
            "{problem}"
        );
    }
}
