//! What a Django project says of itself: `policy/django.py`, run in it with its own Python.

use crate::cli::DjangoArgs;
use crate::database::Target;
use crate::exit::Problem;
use crate::policy::django::READER;
use anyhow::Result;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What the project is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Question {
    Models,
    /// The URL of its database, with the password in it.
    Address,
}

/// The database of the project's settings. `None` where no project is named.
///
/// # Errors
/// A database named twice, or by its alias alone; settings that cannot be read, or name nothing that is read here.
pub(super) fn target(args: &DjangoArgs, url: Option<&str>) -> Result<Option<Target>> {
    if args.manage.is_none() {
        return match &args.database {
            None => Ok(None),
            Some(_) => {
                let problem = "--database is the alias of a Django project's database, and no project is named";
                Err(Problem::usage(problem)
                    .hint("--database-url names a database by its URL, --manage a project")
                    .into())
            }
        };
    }
    if url.is_some() {
        let problem = "--database-url and --manage each name a database: leave one out";
        return Err(Problem::usage(problem).into());
    }
    let told = ask(args, Question::Address)?;
    let told: Value = serde_json::from_str(&told)?;
    let unusable = |error: anyhow::Error| {
        Problem::usage(format!("{}: its database: {error}", manage(args).display()))
            .hint("--database-url names it by its URL")
    };
    Ok(Some(Target::parse(told["url"].as_str().unwrap_or_default()).map_err(unusable)?))
}

/// Where `manage.py` is, unless somebody says otherwise.
pub(super) fn manage(args: &DjangoArgs) -> &Path {
    args.manage.as_deref().unwrap_or(Path::new("manage.py"))
}

/// The reader's JSON.
///
/// # Errors
/// No such project or Python; whatever the project fails with.
pub(super) fn ask(args: &DjangoArgs, question: Question) -> Result<String> {
    let output = run(args, question)?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    Err(failure(args, &printed, &String::from_utf8_lossy(&output.stderr)).into())
}

fn run(args: &DjangoArgs, question: Question) -> Result<Output> {
    let python = args.python.display();
    let manage = manage(args);
    let manage = manage.canonicalize().map_err(|error| {
        Problem::usage(format!("{} cannot be read: {error}", manage.display()))
            .hint("--manage names the project's manage.py")
    })?;
    let mut command = Command::new(program(&args.python)?);
    command.arg("-").arg(&manage);
    // With `-`, Python finds modules in the working directory first: those shall be the project's.
    command.current_dir(manage.parent().unwrap_or(&manage));
    if let Some(alias) = &args.database {
        command.args(["--database", alias]);
    }
    if question == Question::Address {
        command.arg("--address");
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

/// A Python that is told by its path keeps its place, whatever the working directory.
fn program(python: &Path) -> std::io::Result<PathBuf> {
    match python.components().count() {
        1 => Ok(python.to_owned()),
        _ => std::path::absolute(python),
    }
}

/// The reader tells in JSON why it failed; Python itself only on stderr.
fn failure(args: &DjangoArgs, printed: &str, stderr: &str) -> Problem {
    let told: Option<Value> =
        printed.lines().next_back().and_then(|line| serde_json::from_str(line).ok());
    let field = |name: &str| Some(told.as_ref()?[name].as_str()?.to_owned());
    let last = || stderr.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
    let why = field("error").or_else(last).unwrap_or_else(|| "it says nothing".into());
    let hint = match field("kind").as_deref() {
        Some("django-missing") => "--python names the project's Python, where Django is installed",
        Some("address") => "--database-url names the database by its URL",
        _ => "python MANAGE.PY check shows the same with its traceback",
    };
    Problem::usage(format!("{} cannot be read: {why}", manage(args).display())).hint(hint)
}
