//! Recordings of the program, and how they are read.
#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use rtmm_workload::input::Source;

/// The text of a recording.
#[expect(clippy::disallowed_methods, reason = "tests read their recordings")]
pub fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/moca").join(name);
    let mut text = String::new();
    GzDecoder::new(File::open(path).expect("a recording")).read_to_string(&mut text).expect("a text");
    text
}

/// A recording as input.
pub fn source(name: &str) -> Source {
    Source::new(name, text(name))
}

/// The rows of a table, as cells by the columns that are asked for.
pub fn columns(name: &str, wanted: &[&str]) -> Vec<Vec<String>> {
    let text = text(name);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let positions: Vec<usize> =
        wanted.iter().map(|name| header.iter().position(|known| known == *name).expect(name)).collect();
    let row =
        |record: csv::StringRecord| positions.iter().map(|position| record[*position].to_owned()).collect();
    reader.records().map(|record| row(record.expect("a row"))).collect()
}
