//! Who says yes to a deletion: a flag, or a person at the terminal.

use crate::cli::Clean;
use crate::exit::{Exit, Problem};
use crate::findings::Organization;
use crate::label::printable;
use crate::render::counted;
use crate::ui::Ui;
use anyhow::Result;

/// `--yes` is consent; so is `--force` where nobody can be asked (the original tool's CI usage).
pub fn consents(args: &Clean, ui: &Ui, forced: bool) -> bool {
    args.yes || (forced && !ui.is_interactive())
}

/// No transaction is open while the person thinks. `about`: the database, and how many rows would go.
///
/// # Errors
/// [`Exit::NotConfirmed`] for a wrong answer, and where nobody is there to answer.
pub fn confirm(
    ui: &mut Ui,
    args: &Clean,
    organizations: &[Organization],
    (database, rows): (&str, u64),
) -> Result<()> {
    if !ui.is_interactive() {
        let problem = "clean deletes rows, and nobody is there to confirm it";
        return Err(Problem::new(Exit::NotConfirmed, problem)
            .hint("--yes confirms; the preview above shows what would go")
            .into());
    }
    let keep = args.delete.keep_organization;
    let verb = if keep { "empty" } else { "delete" };
    let (question, expected) = match organizations {
        [organization] => {
            let name = organization.name.as_deref().filter(|name| !name.trim().is_empty());
            let expected = printable(name.unwrap_or(&organization.key).trim());
            (format!("To {verb} it, type its name: {expected}"), expected)
        }
        [] => ("To delete the orphans, type: delete orphans".into(), "delete orphans".into()),
        several => {
            let expected = format!("{verb} {} organizations", several.len());
            (format!("To {verb} them, type: {expected}"), expected)
        }
    };
    let lasting = if args.record.no_archive {
        "no archive is kept, so that nothing brings them back"
    } else {
        "only the archive brings them back"
    };
    let whose = match organizations.len() as u64 {
        0 => "the orphans".to_owned(),
        1 if keep => "an organization, which stays itself,".to_owned(),
        several if keep => format!("{}, which stay themselves,", counted(several, "organization")),
        several => counted(several, "organization"),
    };
    let rows = counted(rows, "row");
    let danger = format!("{rows} of {whose} will be deleted from {database}; {lasting}.");
    Ok(ui.confirm(&danger, &question, &expected, args.confirm_timeout)?)
}
