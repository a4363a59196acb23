//! Predictors, one file each, and the table of them.
//!
//! To add one: write its file with a function `row`, and name it in [`built_in_rows`].

mod best;
mod constant;
mod none;
mod pair_table;

use crate::PredictorRow;

/// The built-in predictors.
pub(crate) fn built_in_rows() -> Vec<PredictorRow> {
    vec![best::row(), constant::row(), none::row(), pair_table::row()]
}
