//! Tells the program which commit it was built from: of a clone by git, of a packaged crate by what `cargo package` wrote
//! into it. Not when, where or by whom: the same source gives the same bytes.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Only of what is shipped: a commit alone would compile everything anew otherwise.
    if env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    for path in ["Cargo.lock", "Cargo.toml", "migrations", "src"] {
        println!("cargo:rerun-if-changed={path}");
    }
    if let Some(commit) = packaged().or_else(cloned) {
        println!("cargo:rustc-env=ORGSWEEP_COMMIT={commit}");
    }
}

/// As `cargo package` writes it: `{"git": {"sha1": "…", "dirty": true}, …}`.
fn packaged() -> Option<String> {
    let text = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let hash = text.split_once("\"sha1\"")?.1.split('"').nth(1)?;
    let dirty = if text.contains("\"dirty\": true") { "-dirty" } else { "" };
    Some(format!("{}{dirty}", hash.get(..12)?))
}

fn cloned() -> Option<String> {
    // Of a crate that was unpacked inside somebody else's repository git would tell of that one.
    if !Path::new(".git").exists() {
        return None;
    }
    let head = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&head).exists() {
        println!("cargo:rerun-if-changed={head}");
    }
    git(&["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
