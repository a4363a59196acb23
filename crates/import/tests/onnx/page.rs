//! The page of the import, held to the code.

use rtmm_import::onnx::{MAX_DEPTH, MAX_EXECUTED, NEWEST, OLDEST, operators};
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
    let nodes =
        PAGE.split("executes more than ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a number");
    assert_eq!(number(nodes), MAX_EXECUTED as u64);
}
