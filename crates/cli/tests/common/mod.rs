//! A directory of its own for each test, and the binary run in it.
//!
//! Commands run inside the directory and are given relative paths, so that what they print is the
//! same on every machine.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests write their inputs and read what was written")]

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

/// Every file of a results directory and of the folders in it but the store, by path: the store keeps cells in the order
/// in which they finished.
pub fn final_files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).expect("the directory can be read");
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(
                final_files(&path).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)),
            );
        } else if !name.contains(".sqlite") {
            files.push((name, fs::read(path).expect("the file can be read")));
        }
    }
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

/// An ONNX file of one product of an input `x` of `N` rows by weights of 4 x 3, whose data are elsewhere.
pub fn onnx_product() -> Vec<u8> {
    onnx_of("MatMul", &["x", "w"])
}

/// An ONNX model of one node from the inputs to `y`, of which there are `x[N,4]` and weights `w[4,3]`, whose data are elsewhere.
pub fn onnx_of(operator: &str, inputs: &[&str]) -> Vec<u8> {
    // A field of a protobuf message: its key and its length, which are below 128 here, and its bytes.
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let number = |field: u8, value: u8| vec![field << 3, value];
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
    let node = [inputs, field(2, b"y"), field(4, operator.as_bytes())].concat();
    let weights = [number(1, 4), number(1, 3), number(2, 1), field(8, b"w"), number(14, 1)].concat();
    let dims = [field(1, &field(2, b"N")), field(1, &number(1, 4))].concat();
    let tensor = [number(1, 1), field(2, &dims)].concat();
    let input = [field(1, b"x"), field(2, &field(1, &tensor))].concat();
    let graph = [field(1, &node), field(5, &weights), field(11, &input), field(12, &field(1, b"y"))].concat();
    [number(1, 8), field(2, b"a test"), field(7, &graph), field(8, &number(2, 17))].concat()
}
