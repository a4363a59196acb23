//! A directory of its own for each test, and the binary run in it.
//!
//! Commands run inside the directory and are given relative paths, so that what they print is the
//! same on every machine.
#![allow(dead_code, reason = "each test file is a program of its own and uses what it needs")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rtmm_sweep::runner::{CellRunner, RunnerSpec};
use tempfile::TempDir;

/// A directory that goes away with the value.
pub struct Workspace(TempDir);

/// What a command left behind.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Workspace {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("files can be written");
    }

    /// The binary with its arguments, in this directory and undisturbed by the environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmm"));
        command.current_dir(self.0.path()).args(arguments).env("RUST_BACKTRACE", "0");
        for name in ["RUST_LOG", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the binary. No input may make it panic, whatever else it does.
    #[track_caller]
    pub fn rtmm(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&self.command(arguments).output().expect("rtmm starts"), arguments)
    }
}

impl Outcome {
    #[track_caller]
    pub fn of(output: &Output, arguments: &[&str]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("rtmm prints UTF-8");
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let code = output.status.code();
        assert!(!stderr.contains("panicked"), "rtmm {arguments:?}\n{stderr}");
        assert!(matches!(code, Some(0..=2)), "rtmm {arguments:?} ended with {:?}\n{stderr}", output.status);
        Self { code: code.unwrap_or(-1), stdout, stderr }
    }

    /// Standard output of a command that must succeed.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self.stdout
    }
}

/// Every file of a results directory but the store, by name: the store keeps cells in the order in
/// which they finished.
pub fn final_files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).expect("the directory can be read");
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path))
        .filter(|(name, _)| !name.contains(".sqlite"))
        .map(|(name, path)| (name, fs::read(path).expect("the file can be read")))
        .collect();
    files.sort();
    files
}

/// Compares two results directories by name and content, without printing megabytes.
#[track_caller]
pub fn assert_same_files(expected: &[(String, Vec<u8>)], found: &[(String, Vec<u8>)], what: &str) {
    let names =
        |files: &[(String, Vec<u8>)]| -> Vec<String> { files.iter().map(|(name, _)| name.clone()).collect() };
    assert_eq!(names(expected), names(found), "{what}");
    for ((name, expected), (_, found)) in expected.iter().zip(found) {
        assert!(expected == found, "{what}: {name} differs");
    }
}

/// What the built-in runner of this name is.
pub fn runner(name: &str) -> &'static RunnerSpec {
    let found = rtmm_runners::Runners::built_in().list().into_iter().map(CellRunner::spec);
    found.into_iter().find(|spec| spec.name == name).unwrap_or_else(|| panic!("there is no runner `{name}`"))
}
