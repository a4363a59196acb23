//! Predictors, one file each, and the table of them.
//!
//! To add one: write its file with a function `row`, and name it in [`built_in_rows`].

mod best;
mod constant;
mod descent;
mod feature_model;
mod gpulet;
mod gpulet_online;
mod group_linear;
mod group_table;
mod igniter;
mod margin;
mod module_rate;
mod none;
mod pair_posterior;
mod pair_table;
mod rate;
mod strait_reading;
mod structural;
mod trees;

use crate::PredictorRow;

/// The built-in predictors.
pub(crate) fn built_in_rows() -> Vec<PredictorRow> {
    let mut rows = vec![
        best::row(),
        constant::row(),
        gpulet::row(),
        group_linear::row(),
        group_table::row(),
        igniter::row(),
        none::row(),
        pair_posterior::row(),
        pair_table::row(),
        rate::row(),
        strait_reading::row(),
        structural::row(),
    ];
    rows.extend(gpulet_online::rows());
    rows.extend(module_rate::rows());
    rows
}
