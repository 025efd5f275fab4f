//! The binary, or another program, as a process: clean environment, no terminal, a time limit.

use orgsweep::label::is_hidden;
use serde_json::Value;
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Runs `orgsweep` with these arguments in an empty directory.
pub fn orgsweep(arguments: &[&str]) -> Outcome {
    Invocation::new(arguments).run()
}

/// A run about to start.
pub struct Invocation {
    command: Command,
    stdin: Option<String>,
    timeout: Duration,
    shown: String,
    stdout: Option<Stdio>,
    /// The empty working directory, with a copy of the binary where another user must reach it.
    directory: TempDir,
}

impl Invocation {
    /// Of the binary.
    pub fn new(arguments: &[&str]) -> Invocation {
        Invocation::of(Path::new(env!("CARGO_BIN_EXE_orgsweep")), arguments)
    }

    pub fn of(program: &Path, arguments: &[&str]) -> Invocation {
        let directory = TempDir::new().expect("a temporary directory");
        let mut command = Command::new(program);
        command.args(arguments).current_dir(directory.path());
        // Not the terminal's foreground process group, where somebody would be asked.
        command.process_group(0);
        // Nothing of the developer's environment (DATABASE_URL, PG*, ~/.pgpass) reaches the test.
        command.env_clear().env("HOME", directory.path());
        command.env("NO_COLOR", "1").env("COLUMNS", "120").env("LC_ALL", "C.UTF-8");
        for kept in ["PATH", "TMPDIR"] {
            std::env::var_os(kept).map(|value| command.env(kept, value));
        }
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let shown = format!("{name} {}", arguments.join(" "));
        let timeout = Duration::from_secs(120);
        Invocation { command, stdin: None, timeout, shown, stdout: None, directory }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// What is typed into a pipe; without it stdin is `/dev/null`.
    pub fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// After this long the process counts as hung: it is killed and the test fails.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub fn directory(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    /// The reader of stdout has left before the process starts.
    pub fn closed_stdout(mut self) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        self.stdout = Some(writer.into());
        self
    }

    pub fn stdout(mut self, file: impl Into<Stdio>) -> Self {
        self.stdout = Some(file.into());
        self
    }

    /// As `nobody` where the tests run as root, whom no file mode stops.
    pub fn unprivileged(mut self) -> Self {
        const NOBODY: u32 = 65534;
        let own = std::fs::metadata(self.directory.path()).expect("the directory").uid();
        if own == 0 {
            let binary = self.directory.path().join("orgsweep");
            std::fs::copy(self.command.get_program(), &binary).expect("a copy of the binary");
            let mode = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(self.directory.path(), mode).expect("its own home");
            let mut command = Command::new(binary);
            command.process_group(0);
            command.args(self.command.get_args()).uid(NOBODY).gid(NOBODY).env_clear();
            for (name, value) in self.command.get_envs() {
                value.map(|value| command.env(name, value));
            }
            self.command.get_current_dir().map(|path| command.current_dir(path));
            self.command = command;
        }
        self
    }

    /// Starts without waiting: for signals, closed pipes and races.
    pub fn start(mut self) -> Running {
        let stdin = if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        let stdout = self.stdout.take().unwrap_or_else(Stdio::piped);
        self.command.stdin(stdin).stdout(stdout).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program starts");
        if let (Some(text), Some(mut pipe)) = (self.stdin, child.stdin.take()) {
            // It may end without reading.
            let _ = pipe.write_all(text.as_bytes());
        }
        let stderr = collect(child.stderr.take());
        let deadline = Instant::now() + self.timeout;
        Running { child, stderr, deadline, shown: self.shown, _directory: self.directory }
    }

    pub fn run(self) -> Outcome {
        self.start().finish()
    }
}

/// A started process.
pub struct Running {
    pub child: Child,
    stderr: JoinHandle<String>,
    deadline: Instant,
    shown: String,
    _directory: TempDir,
}

impl Running {
    /// Sends a signal: `INT`, `TERM`, …
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.expect("kill runs").success(), "no process to signal: {}", self.shown);
    }

    /// Waits for the end. Panics when the time limit passes.
    pub fn finish(mut self) -> Outcome {
        let stdout = collect(self.child.stdout.take());
        let status = self.wait();
        let text = |thread: JoinHandle<String>| thread.join().expect("output was read");
        let (stdout, stderr) = (text(stdout), text(self.stderr));
        Outcome { code: exit_code(status), stdout, stderr, shown: self.shown }
    }

    fn wait(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be waited for") {
                return status;
            }
            if Instant::now() > self.deadline {
                let _ = self.child.kill();
                panic!("hung: {}", self.shown);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// As a shell shows it: 128 and the signal's number for a process that a signal ended.
fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// How a run ended.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    shown: String,
}

/// The whole run, as failing tests show it.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}\nexit {}", self.shown, self.code)?;
        write!(f, "--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr)
    }
}

impl Outcome {
    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Outcome {
        assert_eq!(self.code, code, "exit code\n{self}");
        self
    }

    /// Asserts that stdout or stderr holds every one of `parts`.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Outcome {
        for part in parts {
            assert!(self.text().contains(part), "{part:?} is missing\n{self}");
        }
        self
    }

    /// Asserts that neither stdout nor stderr holds `part`.
    #[track_caller]
    pub fn hides(self, part: &str) -> Outcome {
        assert!(!self.text().contains(part), "{part:?} must not be shown\n{self}");
        self
    }

    /// Asserts that no character is hidden and that no line is a name's own: one that begins with "forged".
    #[track_caller]
    pub fn shows_nothing_raw(self) -> Outcome {
        assert!(!matches!(self.code, 70 | 101), "{self}");
        for text in [&self.stdout, &self.stderr] {
            let raw = text.chars().find(|c| is_hidden(*c) && *c != '\n');
            assert!(raw.is_none(), "{raw:?} is raw in {text:?}\n{self}");
            assert!(
                !text.lines().any(|line| line.starts_with("forged")),
                "a line is forged\n{self}"
            );
        }
        self
    }

    /// stdout and stderr together.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("stdout is not JSON: {error}\n{self}"),
        }
    }

    /// Rows of the JSON's steps with this action, by table.
    #[track_caller]
    pub fn rows(&self, action: &str) -> std::collections::BTreeMap<String, u64> {
        let mut rows = std::collections::BTreeMap::new();
        let json = self.json();
        for step in json["steps"].as_array().into_iter().flatten() {
            if step["action"] == action {
                let table = step["table"].as_str().unwrap_or_default().to_owned();
                *rows.entry(table).or_default() += step["rows"].as_u64().unwrap_or_default();
            }
        }
        rows
    }

    /// The JSON's refusals of this kind.
    #[track_caller]
    pub fn refusals(&self, kind: &str) -> Vec<Value> {
        let json = self.json();
        let refusals = json["refusals"].as_array().cloned().unwrap_or_default();
        refusals.into_iter().filter(|refusal| refusal["kind"] == kind).collect()
    }
}

/// A name with ESC, CR, LF, RTL override, zero-width space, BEL, backspace, tab, DEL, a C1 control and a line
/// separator in it.
pub fn evil(name: &str) -> String {
    format!(
        "{name}\u{1b}[31m\r\nforged: {name}\u{202e}\u{200b}\u{7}\u{8}\t\u{7f}\u{9b}\u{2028}forged"
    )
}
