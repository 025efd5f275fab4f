//! `orgsweep policy django`: the policy of a Django project, read through its own Python.

use super::write;
use crate::cli::{DjangoArgs, PolicyDjango};
use crate::commands::django::{Question, ask};
use crate::exit::{Exit, Problem};
use crate::label::toml_text;
use crate::policy::django::{draft, mark_stranding};
use crate::render::policy::grouped_caveats;
use crate::ui::Ui;
use anyhow::Result;

pub fn run(project: &DjangoArgs, args: &PolicyDjango, ui: &mut Ui) -> Result<Exit> {
    let mut draft = draft(&ask(project, Question::Models)?).map_err(|error| {
        let python = project.python.display();
        let problem = format!("{python} told something unexpected of the project: {error}");
        Problem::new(Exit::Failed, problem)
    })?;
    draft.root.extend(args.root.clone().map(|table| ("table", table)));
    let stranding = mark_stranding(&mut draft, args.root.as_deref());
    let text = draft.text();
    write(ui, args.output.as_deref(), args.overwrite, &text)?;
    let place = |from: &str| {
        let place = line_of(&text, from).map(|line| match &args.output {
            Some(path) => format!("{}:{line}: ", path.display()),
            None => format!("line {line}: "),
        });
        place.unwrap_or_default()
    };
    for from in stranding {
        ui.note(&format!(
            "{}{from} is set null: these rows stay without an organization; on-delete = \"cascade\" there, or in a \
             policy that includes this one, takes them along",
            place(&from),
        ));
    }
    for entry in &draft.entries {
        let (from, Some(function)) = (&entry.from, &entry.function) else { continue };
        ui.note(&format!(
            "{}{from}: {function}() decides, in Python: \"ignore\" stops the deletion where rows are concerned; say there, \
             or in a policy that includes this one, what it does",
            place(from),
        ));
    }
    for caveat in grouped_caveats(&draft.caveats) {
        ui.note(&format!("not expressed: {caveat}"));
    }
    Ok(Exit::Done)
}

/// Where the action of the reference `from` stands.
fn line_of(text: &str, from: &str) -> Option<usize> {
    let from = format!("from = {}", toml_text(from));
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| *line != from);
    let (n, _) = lines.find(|(_, line)| line.starts_with("on-delete"))?;
    Some(n + 1)
}
