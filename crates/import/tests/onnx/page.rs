//! The page of the import, held to the code.

use rtmm_import::onnx::{MAX_DEPTH, MAX_EXECUTED, MAX_FIELDS, MAX_STRUCTURE, NEWEST, OLDEST, operators};
use rtmm_testkit::pages::number;

const PAGE: &str = include_str!("../../../../docs/import.md");

#[test]
fn every_operator_stands_on_the_page_and_no_other() {
    let section =
        PAGE.split("## What is read").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let list = section.split("\n- ").skip(1).collect::<Vec<_>>().join("\n");
    let list = list.split("\n\n").next().expect("a list");
    let mut named: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    named.sort_unstable();
    named.dedup();
    assert_eq!(named, operators());
}

#[test]
fn limits_of_the_page_are_those_of_the_code() {
    assert!(PAGE.contains(&format!("Operator sets {OLDEST} to {NEWEST} of ONNX")));
    assert!(PAGE.contains(&format!("messages nest more than {MAX_DEPTH} deep")));
    let behind = |text: &str| {
        let word = PAGE.split(text).nth(1).and_then(|rest| rest.split_whitespace().next());
        number(word.expect("a number"))
    };
    assert_eq!(behind("executes more than "), MAX_EXECUTED as u64);
    assert_eq!(behind("that has more than ") << 20, MAX_STRUCTURE as u64);
    assert_eq!(behind("MiB or "), MAX_FIELDS);
}
