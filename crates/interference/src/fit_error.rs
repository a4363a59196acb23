//! Reasons why a predictor cannot be fitted.

use rtmm_workload::parameters::ParameterError;
use thiserror::Error;

use crate::QueryKind;

/// Why a predictor cannot be fitted to measurements.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FitError {
    /// The measurements have no rows of the kind that the predictor learns from.
    #[error("predictor `{predictor}` learns from {wants}, and no file has any")]
    NoRows {
        /// The predictor's name.
        predictor: &'static str,
        /// Noun for the rows.
        wants: &'static str,
    },
    /// There are fewer rows than the fit has unknowns.
    #[error("predictor `{predictor}` needs at least {needs} {wants}, and the files have {has}")]
    TooFew {
        /// The predictor's name.
        predictor: &'static str,
        /// Noun for the rows.
        wants: &'static str,
        /// The least number of rows.
        needs: usize,
        /// The number of rows that there are.
        has: usize,
    },
    /// The measurements have more modules than a fit comes to an end with.
    #[error("predictor `{predictor}` fits at most {most} costs of modules, and these groups have {has}")]
    TooManyModules {
        /// The predictor's name.
        predictor: &'static str,
        /// The most costs.
        most: usize,
        /// Modules of all models, each by the sizes of its input.
        has: usize,
    },
    /// The predictor does not answer this kind of query.
    #[error("predictor `{predictor}` does not predict {}", .kind.rows())]
    NotThis {
        /// The predictor's name.
        predictor: String,
        /// The kind of the rows to predict.
        kind: QueryKind,
        /// Predictors that do.
        others: Vec<String>,
    },
    /// A fact that the predictor needs and that no file states.
    #[error("predictor `{predictor}` needs {what}")]
    Missing {
        /// The predictor's name.
        predictor: &'static str,
        /// The fact.
        what: String,
        /// A way out.
        help: String,
    },
    /// Parameters that are refused.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
}

impl FitError {
    /// A way out.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoRows { wants, .. } => {
                format!("give a file of {wants} to fit to, or choose another predictor")
            }
            Self::TooFew { .. } => {
                "measure more, or choose a predictor with fewer unknowns, such as `constant`".to_owned()
            }
            Self::TooManyModules { .. } => {
                "number the modules of each model from 0 on, and fit to fewer models or sizes of inputs"
                    .to_owned()
            }
            Self::NotThis { others, .. } => format!("choose one that does: {}", others.join(", ")),
            Self::Missing { help, .. } => help.clone(),
            Self::Parameters(error) => error.help(),
        }
    }
}
