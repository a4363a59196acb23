//! Protocols of evaluation: which rows a predictor is fitted to, which it predicts, and what it sees in between.
//!
//! Every split is a function of the measurements and a seed. Combinations of models are told apart by their models alone,
//! whatever their order, so that no row of a left-out combination is ever fitted to.

mod split;
mod stream;

pub use split::{
    Split, at_batches_from, leave_one_combination_out, leave_one_model_out, of_combination, random_folds,
    shuffled_labels,
};
pub(crate) use split::{combinations, partition};
pub use stream::{Streamed, after, stream};

use crate::replay::{self, Answer};
use crate::{FitError, Parameters, PredictorRow, Rows, Training};

/// Fits a predictor to what each split leaves, and predicts what it left out.
///
/// # Errors
/// [`FitError`] of the first split that cannot be fitted to.
pub fn predict_left_out(
    splits: &[Split],
    row: &PredictorRow,
    parameters: &Parameters,
) -> Result<Vec<Vec<Answer>>, FitError> {
    let of = |split: &Split| {
        let predictor = row.fit(parameters, &Training::of(&split.fit))?;
        let pairs = replay::predict(predictor.as_ref(), &Rows::Pairs(split.left_out.pairs.clone()));
        let groups = replay::predict(predictor.as_ref(), &Rows::Groups(split.left_out.groups.clone()));
        Ok(pairs.into_iter().chain(groups).flatten().collect())
    };
    splits.iter().map(of).collect()
}
