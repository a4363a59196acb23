//! Digests of texts that are too many to be kept and read.
//!
//! A table of digests is a committed file with a line a case: its name, a comma, and the BLAKE3 hash of its text.

#![expect(clippy::disallowed_methods, reason = "reads and updates tables of digests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Asserts that the texts of `cases`, each with a name, have the digests of the table at `path`; with
/// `INSTA_UPDATE=always`, as for snapshots, writes the table instead.
///
/// # Panics
/// A text has another digest, a case is missing or new, or the file cannot be read or written. The message has every
/// text whose digest differs.
#[track_caller]
pub fn assert_digests(path: &Path, cases: &[(String, String)]) {
    let found: BTreeMap<&str, &str> =
        cases.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(found.len(), cases.len(), "two cases have one name");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        let table = found.iter().fold(String::new(), |mut table, (name, text)| {
            let _ = writeln!(table, "{name},{}", digest(text));
            table
        });
        fs::write(path, table).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let table = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let problems = differences(&table, &found);
    assert!(
        problems.is_empty(),
        "{problems}{} differs. If the new texts are right, run the test with INSTA_UPDATE=always, and say in the commit \
         why they are",
        path.display()
    );
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Every text whose digest is not that of the table, and every name that only one of the two has.
fn differences(table: &str, found: &BTreeMap<&str, &str>) -> String {
    let kept: BTreeMap<&str, &str> = table.lines().filter_map(|line| line.rsplit_once(',')).collect();
    let mut problems = String::new();
    for (name, text) in found {
        let problem = match kept.get(name) {
            Some(kept) if *kept == digest(text) => continue,
            Some(_) => "another digest",
            None => "no digest",
        };
        let _ = writeln!(problems, "{name}: {problem}\n{text}");
    }
    for name in kept.keys().filter(|name| !found.contains_key(*name)) {
        let _ = writeln!(problems, "{name}: there is no such case any more");
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_other_digests_are_shown() {
        let table = format!("a, b,{}\nc,{}\nold,{}\n", digest("one"), digest("two"), digest("three"));
        let case = |texts: [&'static str; 2]| {
            differences(&table, &BTreeMap::from([("a, b", texts[0]), ("c", texts[1])]))
        };
        assert_eq!(case(["one", "two"]), "old: there is no such case any more\n");
        assert!(case(["one", "other"]).starts_with("c: another digest\nother\n"));
        let new = BTreeMap::from([("d", "new text")]);
        assert!(differences("", &new).starts_with("d: no digest\nnew text\n"));
    }
}
