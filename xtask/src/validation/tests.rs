//! The simulator held to what a feasibility study recorded on a machine, and to what that study computed.

#![expect(clippy::disallowed_methods, reason = "changes measurements in a folder of the test")]

use super::compare::{Comparison, Quantity};
use super::predict::{MAIN, PLAIN, VARYING};
use super::session::{ALL, Session};
use super::verdict::{Band, findings};
use super::*;

fn recorded() -> Session {
    Session::read(&project_root().join(MEASUREMENTS).join("epyc_2_cores")).unwrap()
}

/// Mean and largest error of the miss rates of all jobs at a load, in points.
fn misses(comparison: &Comparison<'_>, predictor: &str, load: &str) -> String {
    let place = comparison.place(predictor);
    let cells = comparison.cells.iter().filter(|compared| compared.cell.load == load);
    let errors: Vec<f64> = cells.map(|compared| compared.overall(place).unwrap().error).collect();
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    format!("{mean:.2}/{:.2}", errors.iter().copied().fold(0.0, f64::max))
}

/// The numbers are those that the study computed of the same measurements with another simulator of the same schedule, and with
/// this one by its command line. No run enters a prediction but by the one time of a decision.
#[test]
fn errors_are_those_of_the_recorded_study() {
    let session = recorded();
    let comparison = Comparison::new(&session).unwrap();
    let of = |predictor| ["0.40", "0.70", "0.95"].map(|load| misses(&comparison, predictor, load));
    assert_eq!(of("tight loop"), ["0.17/1.06", "1.27/4.90", "13.37/44.26"]);
    assert_eq!(of(PLAIN), ["0.08/0.45", "0.22/0.76", "3.02/15.12"]);
    assert_eq!(of(MAIN), ["0.07/0.39", "0.25/0.68", "2.20/12.64"]);
    assert_eq!(of("both cores busy, overhead"), ["0.05/0.17", "0.28/2.03", "2.84/7.51"]);
    // Cells that were known to be calm beforehand are calm, and sensitive ones sensitive.
    for compared in &comparison.cells {
        let (now, before) = (compared.sensitivity, compared.cell.sensitivity);
        assert!(before >= 1.0 || now < 1.02, "{}: {now}", compared.cell.title());
        assert!(before < 3.0 || now > 3.0, "{}: {now}", compared.cell.title());
    }
}

#[test]
fn policies_are_ordered_as_the_machine_orders_them() {
    let session = recorded();
    let comparison = Comparison::new(&session).unwrap();
    for predictor in [PLAIN, MAIN, "both cores busy, overhead"] {
        assert_eq!(comparison.orderings(comparison.place(predictor)), (29, Vec::new()), "{predictor}");
    }
    let (count, wrong) = comparison.orderings(comparison.place("tight loop"));
    assert_eq!((count, wrong.len()), (29, 2), "a loop of one model is no profile");
}

#[test]
fn every_target_is_met() {
    let session = recorded();
    let comparison = Comparison::new(&session).unwrap();
    let findings = findings(&comparison, comparison.place(MAIN));
    assert_eq!(findings.len(), 12);
    for finding in &findings {
        assert_eq!(finding.is_met, Some(true), "{} {}: {}", finding.band, finding.quantity, finding.found);
    }
    let in_band = |band| comparison.cells.iter().filter(|compared| Band::of(compared) == band).count();
    assert_eq!(Band::ALL.map(in_band), [21, 6, 9]);
}

/// A target that is not met names what is beyond it, with the repeats that show it.
#[test]
fn a_loop_of_one_model_fails_and_the_page_says_where() {
    let session = recorded();
    let comparison = Comparison::new(&session).unwrap();
    let findings = findings(&comparison, comparison.place("tight loop"));
    let failed: Vec<_> = findings.iter().filter(|finding| finding.is_met == Some(false)).collect();
    assert!(failed.len() >= 6, "{}", failed.len());
    let overall = failed.iter().find(|finding| finding.quantity == "misses of all jobs").unwrap();
    assert_eq!(overall.found, "at most 2.43 points in 21 cells");
    assert_eq!(
        overall.beyond[1],
        "poisson 0.70 edf: measured 4.86 [3.85, 5.10] %, simulated 2.43, off by 2.4 points; repeats differ by 1.2 points at most: \
         the simulator is off"
    );
}

#[test]
fn repeats_are_held_to_each_other() {
    let session = recorded();
    let comparison = Comparison::new(&session).unwrap();
    let cell = comparison.cells.iter().find(|compared| compared.cell.title() == "mixed 0.95 edf").unwrap();
    let beside = cell.overall(comparison.place(MAIN)).unwrap();
    // Three clean runs of one cell: 11.86, 25.92 and 34.68 %.
    assert_eq!(
        format!("{:.2} {:.2} {:.2}", beside.range.0, beside.measured, beside.range.1),
        "11.86 25.92 34.68"
    );
    assert_eq!(format!("{:.2} {:.2}", beside.floor.unwrap(), beside.widest), "15.21 22.82");
    // Fewer than 300 jobs have no 99th percentile.
    assert!(cell.beside(0, "read", Quantity::Percentile(2)).is_none());
    assert!(cell.beside(0, ALL, Quantity::Percentile(2)).is_some());
}

#[test]
fn bad_folders_are_told_with_their_place() {
    let good = project_root().join(MEASUREMENTS).join("epyc_2_cores");
    let folder = tempfile::tempdir().unwrap();
    let told = || Session::read(folder.path()).err().unwrap().to_string();
    assert!(told().contains("machine.csv") && told().contains("validation/README.md"), "{}", told());
    let names =
        ["machine.csv", "models.csv", "samples.csv", "tight.csv", "pairs.csv", "cells.csv", "runs.csv"];
    for name in names {
        std::fs::copy(good.join(name), folder.path().join(name)).unwrap();
    }
    assert!(Session::read(folder.path()).is_ok());
    for (name, from, to, wanted) in [
        ("pairs.csv", "1.0098", "fast", "pairs.csv:2: the cell in column `slowdown` is no finite number"),
        ("pairs.csv", "yolo,yolo", "lost,yolo", "no model `lost`"),
        ("cells.csv", "mixed,0.40,edf,", "mixed,0.40,rr,", "`mixed 0.40 edf` is no cell of cells.csv"),
        ("samples.csv", "wall_us", "wall", "no column `wall_us`: it has condition, repeat,"),
        ("tight.csv", "vad,", "vat,", "tight.csv has no row of `vad`"),
    ] {
        let text = std::fs::read_to_string(good.join(name)).unwrap();
        std::fs::write(folder.path().join(name), text.replace(from, to)).unwrap();
        assert!(told().contains(wanted), "{}", told());
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let runs = std::fs::read_to_string(good.join("runs.csv")).unwrap();
    let header = runs.lines().next().unwrap();
    std::fs::write(folder.path().join("runs.csv"), header).unwrap();
    assert!(told().contains("no cell of cells.csv has a run"), "{}", told());
}

/// Statements of the page on the study that was measured after its targets were fixed.
#[test]
fn the_fresh_study_orders_policies_rightly_and_its_times_vary() {
    let session =
        Session::read(&project_root().join(MEASUREMENTS).join("epyc_2_cores_eight_models")).unwrap();
    let comparison = Comparison::new(&session).unwrap();
    assert_eq!(comparison.orderings(comparison.place(MAIN)), (12, Vec::new()));
    let of = |predictor| misses(&comparison, predictor, "0.70");
    assert_eq!([of(MAIN), of(VARYING)], ["0.62/1.22", "0.33/1.19"]);
    let named = |compared: &&compare::Compared<'_>| compared.cell.title() == "memory 0.70 edf+drop";
    let failed = comparison.cells.iter().find(named).unwrap();
    let is_within = |predictor: &str| {
        let beside = failed.overall(comparison.place(predictor)).unwrap();
        (beside.range.0..=beside.range.1).contains(&beside.simulated)
    };
    assert_eq!([MAIN, VARYING].map(is_within), [false, true]);
    let most = session.pairs.iter().map(|pair| pair.slowdown).fold(0.0, f64::max);
    assert!(most < 1.0 + 1.0 / 9.0, "{most}");
}
