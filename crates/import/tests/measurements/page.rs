//! The page of measurements, held to the code.

use rtmm_import::measurements::{FORMATS, MAX_EVENTS, MAX_OPEN, MAX_ROWS, MAX_TEXT_BYTES};
use rtmm_testkit::pages::number;

const PAGE: &str = include_str!("../../../../docs/measurements.md");

#[test]
fn every_format_stands_on_the_page_and_no_other() {
    let table = PAGE.split("| format | file |").nth(1).and_then(|rest| rest.split("\n\n").next());
    let rows = table.expect("a table of formats").lines().filter(|line| line.starts_with("| `"));
    let named: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    assert_eq!(named, FORMATS.iter().map(|format| format.name).collect::<Vec<_>>());
}

#[test]
fn limits_of_the_page_are_those_of_the_code() {
    let behind = |text: &str| {
        let word = PAGE.split(text).nth(1).and_then(|rest| rest.split_whitespace().next());
        number(word.expect("a number"))
    };
    assert_eq!(behind("ONNX Runtime has at most "), MAX_EVENTS as u64);
    assert_eq!(behind("each of 1 MiB, with "), MAX_OPEN as u64);
    assert_eq!(behind("a table at most "), MAX_ROWS as u64);
    assert_eq!(behind("every other file ") << 20, MAX_TEXT_BYTES);
}
