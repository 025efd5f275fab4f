//! Results that go to a file instead of stdout.

use super::run_record::destination;
use crate::cli::OutputArgs;
use crate::exit::Problem;
use crate::files::Destination;
use crate::ui::Ui;
use anyhow::Result;
use std::path::Path;

/// Where a result goes; found out before anything else is done.
pub struct Output<'a> {
    file: Option<(&'a Path, Destination)>,
}

impl<'a> Output<'a> {
    /// # Errors
    /// The file cannot be written.
    pub fn open(args: &'a OutputArgs) -> Result<Output<'a>> {
        let path = args.output.as_deref();
        Ok(Output { file: path.zip(destination("--output", path, 0o600)?) })
    }

    /// Writes the whole result.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(self, text: &str, ui: &mut Ui) -> Result<()> {
        let Some((path, file)) = self.file else {
            ui.result(text);
            return Ok(());
        };
        let end = if text.ends_with('\n') { "" } else { "\n" };
        file.write(format!("{}{end}", ui.shown(text)).as_bytes()).map_err(|error| {
            Problem::usage(format!("--output {} cannot be written: {error}", path.display()))
        })?;
        ui.note(&format!("written: {}", path.display()));
        Ok(())
    }
}
