//! Estimates and settings of throttles against the program: every recorded number, to the integer.

use crate::moca_cases;

use rtmm_reference::moca::contention::Setting;
use rtmm_reference::moca::layer_file::{self, COST_COLUMNS, SETTING_COLUMNS};
use rtmm_reference::moca::{Estimate, Fixes};

#[test]
fn every_recorded_estimate_is_the_programs() {
    let table = layer_file::read(&moca_cases::source("layers.csv.gz")).expect("a table");
    let recorded = moca_cases::columns("layers.csv.gz", &COST_COLUMNS);
    assert_eq!((table.rows.len(), recorded.len()), (1_348, 1_348), "as the page says");
    assert!(!table.sets_throttles);
    let fixes = Fixes::default();
    for (row, recorded) in table.rows.iter().zip(&recorded) {
        let estimate = Estimate::of(&row.layer, row.split, &fixes).expect("an estimate");
        assert_eq!(
            &layer_file::cost_cells(&estimate),
            recorded,
            "{} {:?} {:?}",
            row.case,
            row.layer,
            row.split
        );
    }
}

#[test]
fn every_recorded_setting_is_the_programs() {
    let table = layer_file::read(&moca_cases::source("throttle.csv.gz")).expect("a table");
    let recorded = moca_cases::columns("throttle.csv.gz", &SETTING_COLUMNS);
    assert_eq!((table.rows.len(), recorded.len()), (491, 491), "as the page says");
    assert!(table.sets_throttles);
    let fixes = Fixes::default();
    for (row, recorded) in table.rows.iter().zip(&recorded) {
        let estimate = Estimate::of(&row.layer, row.split, &fixes).expect("an estimate");
        let query = row.query.expect("a query");
        let setting = Setting::of(&row.layer, row.split, &estimate, &query, &fixes);
        let found = layer_file::setting_cells(&setting, query.group);
        assert_eq!(&found, recorded, "{} {:?} {:?} {query:?}", row.case, row.layer, row.split);
    }
}
