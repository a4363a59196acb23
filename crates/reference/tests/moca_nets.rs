//! The offline tables, and how the driver throttles each call, against the program.

use crate::moca_cases;

use rtmm_reference::moca::contention::Mode;
use rtmm_reference::moca::{Fixes, Layer, Net, OfflineTable};

const COLUMNS: [&str; 9] = [
    "net",
    "kind",
    "table_index",
    "table_prediction",
    "table_from_dram",
    "table_rows",
    "isolated_1tile",
    "isolated_2tile",
    "throttle_mode",
];

#[test]
fn every_entry_of_the_tables_is_the_programs() {
    let recorded = moca_cases::columns("nets.csv.gz", &COLUMNS);
    let (mut calls, mut entries) = (0, 0);
    for net in Net::ALL {
        let table = OfflineTable::of(net, &Fixes::default()).expect("a table");
        let isolated = [table.isolated_one_core, table.isolated_two_cores].map(|cycles| cycles.to_string());
        let rows: Vec<&[String]> =
            recorded.iter().filter(|row| row[0] == net.name()).map(Vec::as_slice).collect();
        assert_eq!(rows.len(), net.facts().layers.len(), "{}", net.name());
        let mut index = 0;
        for (call, (row, layer)) in rows.iter().zip(net.facts().layers).enumerate() {
            assert_eq!((row[1].as_str(), &row[6..8]), (layer.kind(), &isolated[..]), "{} {call}", net.name());
            calls += 1;
            if let Layer::Convolution(_) | Layer::Product(_) = layer {
                let entry = table.entry(index);
                let found = [index as u64, entry.prediction, entry.from_dram, entry.rows];
                assert_eq!(found.map(|number| number.to_string()), row[2..6], "{} {call}", net.name());
                let mode = row[8].parse().map(Mode::of_number);
                assert_eq!(Ok(net.mode(call)), mode, "{} {call}", net.name());
                (index, entries) = (index + 1, entries + 1);
            }
        }
        assert_eq!(table.entries.len(), index, "{}", net.name());
    }
    assert_eq!((calls, entries), (245, 199), "as the page says");
}

/// AlexNet's products of two calls: predictions are halves, the other columns are those of whole products.
#[test]
fn the_columns_of_alexnet_are_of_different_calls() {
    let quirky = OfflineTable::of(Net::Alexnet, &Fixes::default()).expect("a table");
    let fixed = OfflineTable::of(Net::Alexnet, &Fixes { split_entries: true, ..Fixes::default() });
    let fixed = fixed.expect("a table");
    let column = |table: &OfflineTable| -> Vec<u64> {
        table.entries[5..].iter().map(|entry| entry.from_dram).collect()
    };
    assert_eq!(column(&quirky), [2_361_152, 1_050_112, 262_720, 0, 0]);
    assert_eq!(column(&fixed), [1_180_576, 1_180_576, 525_056, 525_056, 262_720]);
    assert_eq!(quirky.entry(10), Default::default());
    let predictions =
        |table: &OfflineTable| -> Vec<u64> { table.entries.iter().map(|entry| entry.prediction).collect() };
    assert_eq!(predictions(&quirky), predictions(&fixed));
}
