//! The axes of sweeps as a table.

use rtmm_sweep::axes::AXES;

use super::table;

pub(super) fn part() -> String {
    let row = |axis: &rtmm_sweep::axes::AxisRow| {
        vec![
            format!("`{}`", axis.name),
            format!("`{}`", axis.key),
            axis.unit.to_owned(),
            axis.meaning.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = AXES.iter().map(row).collect();
    table(&["axis", "key of a sweep file", "unit", "meaning"], &rows)
}
