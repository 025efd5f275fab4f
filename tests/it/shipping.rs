//! What a release is made of, as far as it can be tried without making one: the action's script on a release of its own,
//! what a crate holds, and that every file that names a version names this one.

use crate::support::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A release in a folder, and a database with two organizations.
struct Job {
    folder: TempDir,
}

impl Job {
    fn new() -> Job {
        let folder = TempDir::new().expect("a temporary directory");
        let target = match std::env::consts::OS {
            "macos" => format!("{}-apple-darwin", std::env::consts::ARCH),
            _ => format!("{}-unknown-linux-musl", std::env::consts::ARCH),
        };
        let name = format!("orgsweep-v{VERSION}-{target}");
        fs::create_dir(folder.path().join(&name)).expect("a folder");
        let binary = Path::new(env!("CARGO_BIN_EXE_orgsweep"));
        fs::copy(binary, folder.path().join(&name).join("orgsweep")).expect("the binary");
        let pack =
            format!("GZIP=-1 tar -czf {name}.tar.gz {name} && sha256sum {name}.tar.gz >SHA256SUMS");
        let packed = Command::new("sh").args(["-c", &pack]).current_dir(folder.path()).status();
        assert!(packed.expect("a shell").success());
        let job = Job { folder };
        let database = format!("sqlite:{}", job.path("crm.db").display());
        orgsweep(&["migrate", "--database-url", &database]).exits(0);
        orgsweep(&["seed", "--organizations", "2", "--database-url", &database]).exits(0);
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the step with these inputs.
    fn step(&self, inputs: &[(&str, &str)]) -> Outcome {
        let releases = format!("file://{}", self.folder.path().display());
        let database = format!("sqlite:{}", self.path("crm.db").display());
        let script = Invocation::of(&repository("packaging/action/run"), &[])
            .directory(self.folder.path())
            .env("RUNNER_TEMP", &self.folder.path().display().to_string())
            .env("DATABASE_URL", &database)
            .env("CI", "true")
            .env("INPUT_VERSION", VERSION)
            .env("INPUT_RELEASES", &releases);
        let files = ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_PATH"];
        let script = files.iter().fold(script, |script, name| {
            fs::write(self.path(name), "").expect("an empty file");
            script.env(name, &self.path(name).display().to_string())
        });
        inputs.iter().fold(script, |script, (name, value)| script.env(name, value)).run()
    }

    fn written(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect(name)
    }

    fn organizations(&self) -> usize {
        let database = format!("sqlite:{}", self.path("crm.db").display());
        let listed = orgsweep(&["organizations", "--format", "json", "--database-url", &database]);
        let listed = listed.exits(0).json();
        listed["organizations"].as_array().map_or(0, Vec::len)
    }
}

#[test]
fn the_action_shows_what_goes_and_does_it() {
    let job = Job::new();
    let arguments = "--org-name=Apex Innovations Inc.\n--force\n\n--archive-dir=kept\n";
    let done = job.step(&[("INPUT_COMMAND", "clean"), ("INPUT_ARGUMENTS", arguments)]);
    done.exits(0).says(&["Apex Innovations Inc."]);
    assert!(job.written("GITHUB_STEP_SUMMARY").contains("| delete | organizations | 1 |"));
    assert_eq!(job.written("GITHUB_OUTPUT"), "exit-code=0\n");
    assert!(!job.written("GITHUB_PATH").is_empty());
    assert_eq!(job.organizations(), 1);
    assert!(job.path("kept").is_dir());
}

#[test]
fn the_action_ends_as_orgsweep_does() {
    let job = Job::new();
    let refused =
        [("INPUT_COMMAND", "clean"), ("INPUT_ARGUMENTS", "--org-name=Apex Innovations Inc.")];
    job.step(&refused).exits(3).says(&["::error", "ended with 3"]);
    assert!(job.written("GITHUB_STEP_SUMMARY").contains("**refused**"));
    assert_eq!(job.written("GITHUB_OUTPUT"), "exit-code=3\n");
    job.step(&[("INPUT_COMMAND", "policy check")]).exits(2).says(&["no policy"]);
    job.step(&[("INPUT_COMMAND", "drop")]).exits(2);
    // Arguments are words, not a script.
    let clever = "--org-name=$(touch clever)`touch clever`; touch clever";
    job.step(&[("INPUT_COMMAND", "preview"), ("INPUT_ARGUMENTS", clever)]);
    assert!(!job.path("clever").exists());
    assert_eq!(job.organizations(), 2);
}

#[test]
fn the_action_runs_nothing_that_its_checksum_does_not_know() {
    let job = Job::new();
    let preview =
        [("INPUT_COMMAND", "preview"), ("INPUT_ARGUMENTS", "--org-id=1"), ("INPUT_SHA256", "0123")];
    job.step(&preview).exits(2).says(&["checksum"]);
    fs::write(job.path("SHA256SUMS"), "").expect("no checksums");
    job.step(&preview[..2]).exits(2).says(&["checksum"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "sha256sum orgsweep-v*.tar.gz | cut -d' ' -f1"]);
    let digest = shell.current_dir(job.folder.path()).output().expect("a digest").stdout;
    let digest = String::from_utf8(digest).expect("a digest");
    job.step(&[preview[0], preview[1], ("INPUT_SHA256", digest.trim())]).exits(3);
}

/// GitLab's template, but for what it installs of Debian's.
#[test]
fn gitlab_installs_what_its_checksum_knows() {
    let job = Job::new();
    symlink(".", job.path(&format!("v{VERSION}"))).expect("the releases' folder");
    for folder in ["local/bin", "project"] {
        fs::create_dir_all(job.path(folder)).expect("a folder");
    }
    let template = text("packaging/gitlab/orgsweep.yml");
    let script: String = template
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("file="))
        .take_while(|line| !line.starts_with("  #"))
        .map(|line| format!("{}\n", line.trim_start()))
        .collect();
    let script = script.replace("/usr/local", &job.path("local").display().to_string());
    let install = |digest: &str| {
        Command::new("sh")
            .args(["-euc", &script])
            .env("ORGSWEEP_VERSION", VERSION)
            .env("ORGSWEEP_SHA256", digest)
            .env("ORGSWEEP_RELEASES", format!("file://{}", job.folder.path().display()))
            .env("CI_PROJECT_DIR", job.path("project"))
            .env("TMPDIR", job.folder.path())
            .output()
            .expect("a shell")
    };
    assert!(!install(&"0".repeat(64)).status.success());
    assert!(!job.path("local/bin/orgsweep").exists());
    let installed = install("");
    assert!(installed.status.success(), "{installed:?}");
    Invocation::of(&job.path("local/bin/orgsweep"), &["--version"]).run().exits(0);
}

#[test]
fn every_file_names_this_version() {
    for (path, words) in [
        ("CHANGELOG.md", format!("\n## [{VERSION}]")),
        ("action.yml", format!("default: {VERSION}\n")),
        ("packaging/gitlab/orgsweep.yml", format!("ORGSWEEP_VERSION: {VERSION}\n")),
        ("packaging/container/compose.yaml", format!("orgsweep:{VERSION}\n")),
        ("packaging/kubernetes/cronjob.yaml", format!("orgsweep:{VERSION}\n")),
        ("packaging/homebrew/orgsweep.rb", format!("version \"{VERSION}\"")),
    ] {
        assert!(text(path).contains(&words), "{path} does not say {words:?}");
    }
}

/// It is built, and runs its demo, in .github/workflows/ci.yml.
#[test]
fn a_crate_holds_what_it_needs_and_nothing_else() {
    let listed = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .current_dir(repository("."))
        .output()
        .expect("cargo");
    let listed = String::from_utf8(listed.stdout).expect("paths");
    let files: Vec<&str> = listed.lines().collect();
    for needed in [
        "Cargo.lock",
        "build.rs",
        "src/main.rs",
        "src/policy/django.py",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "CHANGELOG.md",
        "docs/policy.md",
    ] {
        assert!(files.contains(&needed), "{needed} is missing from {files:?}");
    }
    assert!(files.iter().any(|file| file.starts_with("migrations/")), "{files:?}");
    let ours = ["tests/", "benches/", ".ci", ".github/", "packaging/"];
    assert!(!files.iter().any(|file| ours.iter().any(|it| file.starts_with(it))), "{files:?}");
}

#[test]
fn the_units_are_what_systemd_takes() {
    let units =
        ["packaging/systemd/orgsweep.service", "packaging/systemd/orgsweep.timer"].map(repository);
    // The program is not installed here.
    let folder = TempDir::new().expect("a temporary directory");
    let copies = units.map(|unit| {
        let copy = folder.path().join(unit.file_name().expect("a name"));
        let text = fs::read_to_string(unit).expect("a unit");
        fs::write(&copy, text.replace("/usr/bin/orgsweep", "/bin/true")).expect("a copy");
        copy
    });
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).args(copies).output() {
        Ok(said) => assert!(said.status.success() && said.stderr.is_empty(), "{said:?}"),
        Err(_) => skip("no systemd here"),
    }
}
