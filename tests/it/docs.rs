//! What README and docs/ say is so: links lead somewhere, commands are such, and the tour is what the program prints.

use crate::support::*;
use clap::Parser;
use orgsweep::cli::Cli;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and the pages of docs/, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let listed = fs::read_dir(root().join("docs")).expect("docs");
    let listed = listed.map(|entry| entry.expect("an entry").path());
    let pages = listed.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let pages = pages.chain([root().join("README.md")]);
    pages.map(|path| (path.clone(), fs::read_to_string(path).expect("a page"))).collect()
}

/// The lines of a page's code blocks, by block, with their kinds.
fn blocks(page: &str) -> Vec<(&str, Vec<&str>)> {
    let parts = page.split("\n```").skip(1).step_by(2);
    parts
        .filter_map(|part| part.split_once('\n'))
        .map(|(kind, text)| (kind, text.lines().collect()))
        .collect()
}

/// The words of a shell's line, as bash reads them.
fn words(line: &str) -> Vec<String> {
    let script = format!("printf '%s\\0' {line}");
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash runs");
    let text = String::from_utf8(output.stdout).expect("words");
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn links_lead_somewhere() {
    for (path, text) in pages() {
        for link in text.split("](").skip(1).filter_map(|part| part.split_once(')')) {
            let file = link.0.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") {
                let target = path.parent().expect("a folder").join(file);
                assert!(target.exists(), "{} links to {}", path.display(), link.0);
            }
        }
    }
}

#[test]
fn the_readme_is_short() {
    let lines = fs::read_to_string(root().join("README.md")).expect("the README").lines().count();
    assert!(lines <= 200, "{lines} lines");
}

#[test]
fn commands_are_such() {
    let mut seen = 0;
    for (path, text) in pages() {
        for (kind, lines) in blocks(&text) {
            let prompt = if kind == "console" { "$ orgsweep " } else { "orgsweep " };
            if !["console", "sh"].contains(&kind) {
                continue;
            }
            let commands = lines.join("\n").replace("\\\n", " ");
            for line in commands.lines().filter(|line| line.starts_with(prompt)) {
                let line = line.trim_start_matches("$ ");
                let line = line.split(['|', '>', '…']).next().unwrap_or_default();
                let words = words(line);
                seen += 1;
                if let Err(error) = Cli::try_parse_from(&words)
                    && error.use_stderr()
                {
                    panic!("{}: {line}\n{error}", path.display());
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} commands were found");
}

/// What is said, word for word: without lines of tables, times, ages and names of archives.
fn said(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with("receipt "));
    let words: Vec<&str> = lines
        .flat_map(|line| line.split([' ', '│', '┆']))
        .filter(|word| word.contains(|c: char| c.is_alphanumeric() || "→⚠…".contains(c)))
        .collect();
    let word = |(n, word): (usize, &&str)| match words.get(n + 1) {
        Some(unit) if ["ms", "days", "days)"].contains(&unit.trim_end_matches([',', ';'])) => {
            "0".to_owned()
        }
        _ if word.contains(".tar.zst") => "ARCHIVE".to_owned(),
        _ => (*word).to_owned(),
    };
    words.iter().enumerate().map(word).collect()
}

#[test]
fn the_tour_is_what_the_program_prints() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    let orgsweep = |words: &[&str]| {
        let invocation = Invocation::new(words).directory(db.directory()).env("COLUMNS", "100");
        let archives = db.directory().join("archives").display().to_string();
        let invocation = invocation.env("ORGSWEEP_ARCHIVE_DIR", &archives);
        invocation.env("DATABASE_URL", "sqlite:orgsweep-demo.db").run()
    };
    orgsweep(&["migrate"]).exits(0);
    orgsweep(&["seed"]).exits(0);
    let tour = fs::read_to_string(root().join("docs/tour.md")).expect("the tour");
    let mut compared = 0;
    for (_, lines) in blocks(&tour).iter().filter(|(kind, _)| *kind == "console") {
        let text = lines.join("\n");
        for scene in text.split("$ orgsweep ").skip(1) {
            let (command, shown) = scene.split_once('\n').unwrap_or((scene, ""));
            let archive =
                fs::read_dir(db.directory().join("archives")).into_iter().flatten().flatten();
            let archive = archive.map(|it| it.file_name().to_string_lossy().into_owned());
            let archive =
                archive.filter(|name| name.ends_with(".tar.zst")).last().unwrap_or_default();
            let typed = words(command).into_iter();
            let typed: Vec<String> = typed
                .map(|word| if word.ends_with(".tar.zst") { archive.clone() } else { word })
                .collect();
            let outcome = orgsweep(&typed.iter().map(String::as_str).collect::<Vec<_>>());
            if !shown.trim().is_empty() {
                // With what is said beside the result, or without.
                let whole = format!(
                    "{}
{}",
                    outcome.stderr, outcome.stdout
                );
                let printed = [said(&outcome.stdout), said(&whole)];
                assert!(
                    printed.contains(&said(shown)),
                    "docs/tour.md is not this:
{outcome}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 4, "only {compared} scenes were found");
}
