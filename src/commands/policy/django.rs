//! `orgsweep policy django`: the policy of a Django project, read through its own Python.

use super::write;
use crate::cli::PolicyDjango;
use crate::exit::{Exit, Problem};
use crate::label::toml_text;
use crate::policy::django::{READER, custom_actions, draft, mark_stranding};
use crate::render::policy::grouped_caveats;
use crate::ui::Ui;
use anyhow::Result;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};

pub fn run(args: &PolicyDjango, ui: &mut Ui) -> Result<Exit> {
    let output = read_project(args)?;
    let printed = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(failure(args, &printed, &String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut draft = draft(&printed).map_err(|error| {
        let problem =
            format!("{} told something unexpected of the project: {error}", args.python.display());
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
    for (from, function) in custom_actions(&draft) {
        ui.note(&format!(
            "{}{from}: {function}() decides, in Python: \"ignore\" stops the deletion where rows are concerned; say there, \
             or in a policy that includes this one, what it does",
            place(&from),
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

fn read_project(args: &PolicyDjango) -> Result<Output> {
    let python = args.python.display();
    let manage = args.manage.canonicalize().map_err(|error| {
        Problem::usage(format!("{} cannot be read: {error}", args.manage.display()))
            .hint("--manage names the project's manage.py")
    })?;
    // A Python that is told by its path keeps its place, whatever the working directory.
    let program = match args.python.components().count() {
        1 => args.python.clone(),
        _ => std::path::absolute(&args.python)?,
    };
    let mut command = Command::new(program);
    command.arg("-").arg(&manage);
    // With `-`, Python finds modules in the working directory first: those shall be the project's.
    command.current_dir(manage.parent().unwrap_or(&manage));
    if let Some(alias) = &args.database {
        command.args(["--database", alias]);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        Problem::usage(format!("{python} cannot be run: {error}"))
            .hint("--python names the project's Python: venv/bin/python")
    })?;
    // A Python that ends early closes the pipe; what it says is then the error.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(READER.as_bytes()));
    Ok(child.wait_with_output()?)
}

/// The reader tells in JSON why it failed; Python itself only on stderr.
fn failure(args: &PolicyDjango, printed: &str, stderr: &str) -> Problem {
    let told: Option<Value> =
        printed.lines().next_back().and_then(|line| serde_json::from_str(line).ok());
    let field = |name: &str| Some(told.as_ref()?[name].as_str()?.to_owned());
    let last = || stderr.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
    let why = field("error").or_else(last).unwrap_or_else(|| "it says nothing".into());
    let hint = match field("kind").as_deref() {
        Some("django-missing") => "--python names the project's Python, where Django is installed",
        _ => "python MANAGE.PY check shows the same with its traceback",
    };
    Problem::usage(format!("{} cannot be read: {why}", args.manage.display())).hint(hint)
}
