//! `cargo xtask equal OLD NEW`: whether two builds of `rtmm` give the same values.
//!
//! Both programs run every built-in sweep, shortened, and many single runs, and state the costs of every model. Every
//! value of results, series and job rows that the old one writes must be there in what the new one writes, and so
//! must every cell identity, unless the version of results has risen; names that have changed are in `equal/names.csv`. Tables, pages and listings for
//! people are not compared, nor is what only the new program writes.

#![expect(clippy::disallowed_methods, reason = "reads what the programs wrote")]

mod calls;
mod programs;
mod tables;

use std::path::Path;
use std::process::ExitCode;

use programs::Programs;
use tables::{Names, Tally};

/// Compares two programs in all cases whose name holds `filter`; says what was compared, a line a case.
pub(crate) fn run(old: &Path, new: &Path, filter: &str) -> ExitCode {
    match compare(old, new, filter) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

/// True if all values are equal.
fn compare(old: &Path, new: &Path, filter: &str) -> Result<bool, String> {
    let names = Names::read(include_str!("equal/names.csv"))?;
    let folder = tempfile::tempdir().map_err(|error| format!("no folder for outputs: {error}"))?;
    let programs = Programs::new([old, new], folder.path())?;
    let cases = calls::all().into_iter().filter(|case| case.name.contains(filter));
    let (mut compared, mut different, mut values) = (0, 0, 0);
    for case in cases {
        compared += 1;
        match case.compare(&programs, &names) {
            Ok(tally) => {
                values += tally.values;
                println!("{:30} {}", case.name, described(&tally));
            }
            Err(difference) => {
                different += 1;
                println!("{:30} DIFFERENT: {difference}", case.name);
            }
        }
    }
    if compared == 0 {
        return Err(format!("no case has `{filter}` in its name"));
    }
    println!("{} of {compared} cases equal, {values} values", compared - different);
    if different > 0 {
        println!("outputs are kept in {}", folder.keep().display());
    }
    Ok(different == 0)
}

fn described(tally: &Tally) -> String {
    let mut text = format!("{:5} runs, {:7} values equal", tally.runs, tally.values);
    if tally.refused > 0 {
        text.push_str(&format!("; {} calls refused by the old program", tally.refused));
    }
    if !tally.added.is_empty() {
        let added: Vec<&str> = tally.added.iter().map(String::as_str).collect();
        text.push_str(&format!("; new: {}", added.join(", ")));
    }
    text
}
