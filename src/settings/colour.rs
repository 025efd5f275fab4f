//! Whether a stream is painted: what was asked for, and what the environment says (<https://no-color.org>,
//! <https://bixense.com/clicolors>).

use clap::ValueEnum;
use std::env;
use std::ffi::OsStr;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// At a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb say otherwise; CLICOLOR_FORCE=1 everywhere
    #[default]
    Auto,
    Always,
    Never,
}

impl Colour {
    /// Of a stream that is a terminal, or none.
    pub fn paints(self, terminal: bool) -> bool {
        let is =
            |name: &str, value: &str| env::var_os(name).is_some_and(|it| it == *OsStr::new(value));
        let says = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto if says("NO_COLOR") => false,
            Colour::Auto if says("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") => true,
            Colour::Auto => terminal && !is("CLICOLOR", "0") && !is("TERM", "dumb"),
        }
    }
}
