//! `rtmm reproduce`: a published number, its forms, and what is said of bad input.

use crate::common::Workspace;

const SCORE: [&str; 6] = ["reproduce", "xrbench", "--claim", "1", "--reading", "artifact"];

#[test]
fn a_published_score_comes_out_in_every_form() {
    let workspace = Workspace::new();
    let table = workspace.rtmm(&SCORE).success();
    assert!(table.contains("86.466141 %") && table.contains("(holds)"), "{table}");
    assert!(table.ends_with("xrbench: 1 holds\n"), "{table}");
    let in_form = |form: &str| workspace.rtmm(&[&SCORE[..], &["--format", form]].concat()).success();
    let csv = in_form("csv");
    assert!(
        csv.lines().nth(1).is_some_and(|row| row.starts_with("xrbench,1,") && row.contains(",holds,")),
        "{csv}"
    );
    let json = in_form("json");
    assert!(json.contains("\"format\": \"rtmm-rows\"") && json.contains("\"verdict\": \"holds\""), "{json}");
    assert!(in_form("markdown").contains("| xrbench 1 |"));
    // The store is that of the sweep, and nothing was run twice.
    let outcome = workspace.rtmm(&SCORE);
    assert!(
        outcome.stderr.contains("1 of 6992 cells, 0 run, 1 reused from results/xrbench"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn publications_are_listed() {
    let listed = Workspace::new().rtmm(&["reproduce", "list", "--format", "csv"]).success();
    let names: Vec<&str> = listed.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(names, rtmm_claims::built_in::names());
}

#[test]
fn what_there_is_not_is_refused_with_a_way_out() {
    let workspace = Workspace::new();
    let cases: [(&[&str], &str); 6] = [
        (&["reproduce", "draem"], "there is no publication `draem`"),
        (&["reproduce", "no_file.toml"], "no_file.toml"),
        (&["reproduce", "dream", "--claim", "99"], "`dream` has no claim 99"),
        (&["reproduce", "dream", "--reading", "refrence"], "`dream` has no reading `refrence`"),
        (
            &["reproduce", "dream", "--claim", "15", "--reading", "reference"],
            "none of these claims is measured",
        ),
        (&["reproduce", "list", "--claim", "1"], "a list has neither claims nor readings"),
    ];
    for (arguments, expected) in cases {
        let outcome = workspace.rtmm(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(expected) && outcome.stderr.contains("help"), "{}", outcome.stderr);
    }
}
