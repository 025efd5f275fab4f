//! A command line that makes no sense, told without what nobody shall see: the password of a URL that was put
//! in the wrong place, characters that move the cursor.

use super::Cli;
use crate::database::shown_word;
use crate::label::printable;
use clap::Parser;
use clap::error::{ContextValue, Error};
use std::ffi::OsString;

/// clap's error about `words`, with its own words about words that can be shown.
pub fn shown(error: Error, words: impl Iterator<Item = OsString>) -> Error {
    let shown = |word: &str| printable(&shown_word(word));
    let masked: Vec<String> = words.map(|word| shown(&word.to_string_lossy())).collect();
    let mut error = match Cli::try_parse_from(masked) {
        Err(again) if again.kind() == error.kind() => again,
        _ => error,
    };
    // Values of variables are in it, too.
    let values: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in values {
        if let ContextValue::String(text) = value {
            error.insert(kind, ContextValue::String(shown(&text)));
        }
    }
    error
}
