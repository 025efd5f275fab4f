//! What `--version` says beyond the number.

use crate::database::{engines, tls};

/// The number, the commit where it is known, and what is compiled in.
pub fn long() -> String {
    let commit = match option_env!("ORGSWEEP_COMMIT") {
        Some(commit) => format!("commit: {commit}\n"),
        None => String::new(),
    };
    format!("{}\n{commit}engines: {}\nTLS: {}", env!("CARGO_PKG_VERSION"), engines(), tls())
}
