//! Case files: what is read of them, and random damage.
//!
//! `RTMM_CASES` sets the number of damaged files.

use crate::planaria_cases;

use planaria_cases::recordings;
use rtmm_reference::mersenne_twister::MersenneTwister;
use rtmm_reference::planaria::{Fixes, Parameters, case_file, run};
use rtmm_testkit::cases::at_least;
use rtmm_workload::input::Source;

/// Texts that mean something to a reader, or trip it; numbers at the edges of what is taken.
const TEXTS: [&str; 22] = [
    "0",
    "-1",
    "1",
    "3.5",
    "1e999",
    "16",
    "17",
    "1025",
    "9007199254740992",
    "9007199254740993",
    "18446744073709551616",
    "null",
    "\"net0\"",
    "\"\"",
    "[]",
    "{}",
    "{",
    "]",
    ",",
    ":",
    "\"",
    "\\",
];

#[test]
fn damaged_files_are_read_or_refused() {
    let recordings = recordings();
    let (mut read, mut refused) = (0, 0);
    for seed in 0..at_least(2_000) {
        let mut random = MersenneTwister::new(seed);
        let mut below = |bound: usize| random.below(bound as u32) as usize;
        let mut text = recordings[below(recordings.len())].text.clone();
        let end = text.find("\"finish\"").unwrap_or(text.len());
        for _ in 0..=below(2) {
            let number = |c: char| c.is_ascii_digit();
            let mut start = below(end.min(text.len()));
            // Half of the damage is to a whole number of the file.
            let is_number = below(2) == 0;
            if is_number {
                start += text[start..].find(number).unwrap_or(0);
            }
            let length = match is_number {
                true => text[start..].find(|c| !number(c)).unwrap_or(0),
                false => below(12).min(text.len() - start),
            };
            text.replace_range(start..start + length, TEXTS[below(TEXTS.len())]);
        }
        match case_file::read(&Source::new("damaged.json", text)) {
            Ok(case) => {
                read += 1;
                for fixes in [Fixes::default(), Fixes::all()] {
                    let _ = run(&case, &Parameters { fixes, seed });
                }
            }
            Err(problems) => {
                refused += 1;
                assert!(!problems.is_empty() && problems.iter().all(|problem| problem.place().is_some()));
            }
        }
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}

#[test]
fn rows_may_come_in_any_order_and_line_breaks_change_nothing() {
    let recording = &recordings()[0];
    let rows = |on: u32| {
        let start = recording.text.find(&format!("{{\"subarrays\":{on},")).unwrap_or(0);
        let length = recording.text[start..].find('}').unwrap_or(0) + 1;
        recording.text[start..start + length].to_owned()
    };
    let swapped = recording.text.replacen(&rows(1), "ROW", 1).replacen(&rows(2), &rows(1), 1).replacen(
        "ROW",
        &rows(2),
        1,
    );
    assert_ne!(swapped, recording.text);
    for text in [swapped, recording.text.replace("},", "} ,\r\n\t")] {
        let case =
            case_file::read(&Source::new("case.json", text)).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(case, recording.case);
    }
}
