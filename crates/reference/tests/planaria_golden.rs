//! The loop against the published scheduler: every decision and every finish cycle.
//!
//! `golden/planaria/` holds the recordings; its README says from where.

use crate::planaria_cases;

use planaria_cases::recordings;
use rtmm_reference::planaria::{Fired, Fixes};

#[test]
fn every_decision_and_every_end_is_the_programs() {
    let (mut decisions, mut ends) = (0, 0);
    let recordings = recordings();
    for recording in &recordings {
        let name = &recording.name;
        let outcome = recording.run(Fixes::default());
        assert_eq!(recording.ends_of(&outcome), recording.ends(), "{name}");
        assert_eq!(recording.timeline_of(&outcome, true), recording.timeline(true), "{name}");
        (decisions, ends) = (decisions + outcome.timeline.len(), ends + outcome.ends.len());
    }
    assert_eq!((recordings.len(), decisions, ends), (25, 243, 134), "as the pages say");
}

/// How often quirks fire, counted by a second replica of the program: 1, 2, 3, 4, 6, 7, 8, twice 9, 10 and 13, then how
/// often subarrays were taken back and handed to the highest priority.
const FIRED: [(&str, [u64; 13]); 25] = [
    ("clean_mix_1445", [2, 0, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0]),
    ("clean_mix_1449", [3, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0]),
    ("clean_mix_tiles_1445", [2, 0, 0, 0, 0, 0, 0, 2, 0, 0, 3, 0, 0]),
    ("clean_over_1001", [1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0]),
    ("clean_over_1016", [4, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1]),
    ("clean_tight_1042", [4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
    ("clean_tight_1086", [4, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]),
    ("clean_tight_1130", [2, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]),
    ("equalprio_31", [2, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
    ("equalprio_54", [3, 2, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0]),
    ("fit_109", [1, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0]),
    ("fit_134", [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]),
    ("fit_21", [3, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 2]),
    ("mix_105", [3, 3, 0, 0, 0, 3, 0, 1, 5, 0, 0, 0, 2]),
    ("mix_273", [4, 0, 2, 1, 0, 0, 0, 3, 0, 0, 0, 0, 2]),
    ("mix_tiles_188", [3, 7, 2, 3, 1, 3, 0, 0, 0, 0, 0, 2, 0]),
    ("mix_tiles_45", [4, 4, 1, 1, 1, 1, 0, 0, 0, 0, 1, 2, 0]),
    ("over_21", [3, 3, 0, 0, 0, 0, 1, 14, 5, 0, 0, 0, 0]),
    ("over_57", [4, 0, 1, 0, 0, 0, 0, 10, 0, 1, 0, 1, 1]),
    ("over_73", [4, 0, 0, 0, 0, 0, 0, 10, 2, 0, 0, 0, 0]),
    ("tight_21", [5, 0, 1, 1, 0, 0, 0, 11, 13, 0, 0, 0, 0]),
    ("tight_273", [3, 1, 2, 1, 0, 1, 0, 5, 3, 0, 0, 0, 1]),
    ("tight_tiles_21", [2, 3, 1, 0, 0, 0, 0, 5, 3, 0, 6, 0, 1]),
    ("tight_tiles_232", [3, 0, 1, 0, 1, 0, 0, 4, 0, 0, 0, 0, 1]),
    ("tight_tiles_45", [4, 0, 1, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0]),
];

#[test]
fn quirks_fire_as_often_as_a_second_replica_counts() {
    for (recording, (name, counts)) in recordings().iter().zip(FIRED) {
        let [q1, q2, q3, q4, q6, q7, q8, starved, short, q10, q13, back, top] = counts;
        let expected = Fired {
            late_ends: q1,
            waiting_finished: q2,
            past_arrivals: q3,
            undone: q4,
            excess: q6,
            finished_scores: q7,
            idle_rests: q8,
            starved,
            short,
            spare_to_late: q10,
            slowed: q13,
            taken_back: back,
            topped_up: top,
            // Numbers of tiles are powers of two, and the queue is never empty.
            inexact: 0,
            draws: 0,
            empty_queues: 0,
        };
        let fired = recording.run(Fixes::default()).fired;
        assert_eq!((recording.name.as_str(), fired), (name, expected));
        assert_eq!(fired.is_clean(), recording.name.starts_with("clean_") || CLEAN.contains(&name), "{name}");
    }
}

/// Recordings that are clean of defects but the first, too, beside those that are called so.
const CLEAN: [&str; 2] = ["fit_134", "over_73"];

/// A job, its own end, and how much earlier that is than the recorded barrier.
type OwnEnd = (u64, i64, i64);

/// Ends of jobs without any defect, where they differ.
const OWN_ENDS: [(&str, &[OwnEnd]); 10] = [
    ("clean_mix_1445", &[(0, 83_538, 1_761), (3, 51_831, 846)]),
    ("clean_mix_1449", &[(0, 136_382, 4_738), (1, 190_240, 11_540), (2, 212_452, 8_707)]),
    ("clean_mix_tiles_1445", &[(0, 70_207, 2_649), (2, 49_698, 11_374)]),
    ("clean_over_1001", &[(1, 140_758, 3_875)]),
    ("clean_over_1016", &[(0, 177_190, 2_956), (2, 151_848, 3_953), (4, 279_580, 687), (5, 307_576, 1_753)]),
    ("clean_tight_1042", &[(0, 79_664, 896), (1, 189_880, 2_876), (2, 220_656, 244), (3, 106_138, 3_206)]),
    (
        "clean_tight_1086",
        &[(0, 262_364, 15_431), (1, 65_685, 13_458), (2, 87_725, 6_896), (4, 222_095, 24_782)],
    ),
    ("clean_tight_1130", &[(1, 73_871, 18_105), (2, 391_758, 7_282)]),
    (
        "fit_134",
        &[
            (0, 186_578, 4_695),
            (1, 109_629, 17_015),
            (2, 142_992, 3_307),
            (3, 193_484, 6_333),
            (4, 154_297, 9_029),
        ],
    ),
    ("over_73", &[(1, 160_407, 8_765), (2, 252_485, 11_825), (3, 296_095, 1_699), (4, 266_822, 19_257)]),
];

#[test]
fn without_defects_clean_cases_have_the_same_decisions_and_ends_of_their_own() {
    let mut seen = 0;
    for recording in recordings() {
        let name = recording.name.as_str();
        let outcome = recording.run(Fixes::all());
        let same_decisions = recording.timeline_of(&outcome, false) == recording.timeline(false);
        let own_ends = OWN_ENDS.iter().find(|(known, _)| *known == name);
        assert_eq!(same_decisions, own_ends.is_some(), "{name}");
        let Some((_, own_ends)) = own_ends else {
            assert!(!recording.run(Fixes::default()).fired.is_clean(), "{name}");
            continue;
        };
        let mut recorded = recording.ends();
        recorded.sort_unstable();
        let mut ends = recording.ends_of(&outcome);
        ends.sort_unstable();
        let differences: Vec<OwnEnd> = ends
            .iter()
            .zip(&recorded)
            .filter(|(own, barrier)| own != barrier)
            .map(|(own, barrier)| (own.0, own.1, barrier.1 - own.1))
            .collect();
        assert_eq!(&differences, own_ends, "{name}");
        // The first quirk alone makes the difference.
        let barrier = Fixes { own_ends: false, ..Fixes::all() };
        assert_eq!(recording.ends_of(&recording.run(barrier)), recording.ends(), "{name}");
        let own = Fixes { own_ends: true, ..Fixes::default() };
        let mut ends_alone = recording.ends_of(&recording.run(own));
        ends_alone.sort_unstable();
        assert_eq!(ends_alone, ends, "{name}");
        seen += 1;
    }
    assert_eq!(seen, OWN_ENDS.len());
}
