//! Two programs, each in a folder of its own, that are called alike.

use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// The old program and the new one.
pub(super) struct Programs([Program; 2]);

struct Program {
    binary: PathBuf,
    folder: PathBuf,
}

impl Programs {
    /// The binaries of both, which work in folders under `folder`.
    ///
    /// # Errors
    /// Folders that cannot be made, paths that lead nowhere, and programs that are something else.
    pub(super) fn new(binaries: [&Path; 2], folder: &Path) -> Result<Self, String> {
        let program = |binary: &Path, name: &str| -> Result<Program, String> {
            let path = binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
            let version = Command::new(&path).arg("--version").output();
            let version = version.map_err(|error| format!("{}: {error}", binary.display()))?;
            if !version.stdout.starts_with(b"rtmm ") {
                let help =
                    "name the program that `cargo build --release -p rtmm-cli` makes, target/release/rtmm";
                return Err(format!("{}: this is no build of `rtmm`; {help}", binary.display()));
            }
            let folder = folder.join(name);
            std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            Ok(Program { binary: path, folder })
        };
        Ok(Self([program(binaries[0], "old")?, program(binaries[1], "new")?]))
    }

    /// Standard output of both; nothing where the old program refuses, so that there is nothing to compare.
    ///
    /// # Errors
    /// Message of the new program that fails where the old one does not.
    pub(super) fn call(&self, arguments: &[&str]) -> Result<Option<[String; 2]>, String> {
        let [old, new] = self.each(|program| program.call(arguments))?;
        match (old, new) {
            (Ok(old), Ok(new)) => Ok(Some([old, new])),
            (Err(_), _) => Ok(None),
            (Ok(_), Err(message)) => Err(format!("the new program fails: {message}")),
        }
    }

    /// Writes a file into both folders.
    ///
    /// # Errors
    /// Reason that the system gives.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), String> {
        self.each(|program| {
            let path = program.folder.join(name);
            let parent = path.parent().unwrap_or(&program.folder);
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(&path, text))
                .map_err(|error| format!("{}: {error}", path.display()))
        })?;
        Ok(())
    }

    /// A file of both, or nothing where neither has it.
    ///
    /// # Errors
    /// A file that only one of them has.
    pub(super) fn files(&self, name: &str) -> Result<Option<[String; 2]>, String> {
        let [old, new] = self.each(|program| Ok(std::fs::read_to_string(program.folder.join(name)).ok()))?;
        match (old, new) {
            (Some(old), Some(new)) => Ok(Some([old, new])),
            (None, None) => Ok(None),
            (Some(_), None) => Err(format!("the new program wrote no {name}")),
            (None, Some(_)) => Err(format!("the old program wrote no {name}")),
        }
    }

    /// Removes a file of an earlier call, where there is one.
    pub(super) fn forget(&self, name: &str) {
        for program in &self.0 {
            // Where it cannot be removed, the next call overwrites it or fails.
            let _ = std::fs::remove_file(program.folder.join(name));
        }
    }

    /// The identities of all cells in a store, sorted.
    ///
    /// # Errors
    /// Reason that SQLite gives.
    pub(super) fn identities(&self, store: &str) -> Result<[Vec<String>; 2], String> {
        self.each(|program| {
            let path = program.folder.join(store);
            if !path.is_file() {
                return Err(format!("{} gave no store, {store}", program.binary.display()));
            }
            identities(&path).map_err(|error| format!("{store}: {error}"))
        })
    }

    /// The rows of a query on a store, as CSV with numbers in the shortest form that reads back equal; nothing where the
    /// old program's store lacks the table, or neither has rows.
    ///
    /// # Errors
    /// Reason that SQLite gives.
    pub(super) fn rows(&self, store: &str, table: &str, query: &str) -> Result<Option<[String; 2]>, String> {
        let failed = |error: rusqlite::Error| format!("{store}: {error}");
        let [old, new] = self.each(|program| {
            let store = program.folder.join(store);
            let connection =
                Connection::open_with_flags(&store, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
            let has = "SELECT count(*) FROM sqlite_schema WHERE name = ?";
            let has: i64 = connection.query_row(has, [table], |row| row.get(0)).map_err(failed)?;
            if has == 0 { Ok(None) } else { rows(&connection, query).map(Some).map_err(failed) }
        })?;
        Ok(old.zip(new).filter(|(old, new)| old.1 + new.1 > 0).map(|(old, new)| [old.0, new.0]))
    }

    fn each<T>(&self, of: impl Fn(&Program) -> Result<T, String>) -> Result<[T; 2], String> {
        let [old, new] = &self.0;
        Ok([of(old)?, of(new)?])
    }
}

impl Program {
    /// Standard output, or the first line of the message of a program that fails.
    fn call(&self, arguments: &[&str]) -> Result<Result<String, String>, String> {
        let output = Command::new(&self.binary).args(arguments).current_dir(&self.folder).output();
        let output = output.map_err(|error| format!("{}: {error}", self.binary.display()))?;
        if output.status.success() {
            let text =
                String::from_utf8(output.stdout).map_err(|error| format!("standard output: {error}"))?;
            return Ok(Ok(text));
        }
        let message = String::from_utf8_lossy(&output.stderr);
        Ok(Err(message.lines().next().unwrap_or_default().to_owned()))
    }
}

fn identities(store: &Path) -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare("SELECT hex(identity) FROM cells ORDER BY identity")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// The rows of a query as CSV without `cell`, the number of a cell in its store, and their count.
fn rows(connection: &Connection, query: &str) -> rusqlite::Result<(String, usize)> {
    let mut statement = connection.prepare(query)?;
    let kept: Vec<usize> = (0..statement.column_count())
        .filter(|column| statement.column_name(*column).is_ok_and(|name| name != "cell"))
        .collect();
    let names = kept.iter().map(|column| statement.column_name(*column).map(str::to_owned));
    let mut text = names.collect::<rusqlite::Result<Vec<String>>>()?.join(",");
    let mut rows = statement.raw_query();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        text.push('\n');
        for (position, column) in kept.iter().enumerate() {
            if position > 0 {
                text.push(',');
            }
            match row.get_ref(*column)? {
                ValueRef::Null => {}
                ValueRef::Integer(value) => text.push_str(&value.to_string()),
                ValueRef::Real(value) => text.push_str(&format!("{value:?}")),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    let quoted = String::from_utf8_lossy(bytes).replace('"', "\"\"");
                    text.push_str(&format!("\"{quoted}\""));
                }
            }
        }
    }
    Ok((text, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn other_programs_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let program = Path::new("/bin/true");
        let told = Programs::new([program, program], folder.path()).err().unwrap();
        assert!(told.starts_with("/bin/true: this is no build of `rtmm`; name the program"), "{told}");
    }
}
