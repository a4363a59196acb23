//! Arguments that take a built-in name or something of the user's own: shells complete the built-in names.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};
use rtmm_interference::PredictorRegistry;
use rtmm_runners::engine::Engine;
use rtmm_sweep::runner::CellRunner;
use rtmm_workload::load::{Kind, built_in_names};

/// A parser that takes any text, and knows the built-in names for completions.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names {
    BuiltIn(Kind),
    Policies,
    Predictors,
    Publications,
}

impl Names {
    /// Names of built-in files of a kind.
    pub(crate) const fn of(kind: Kind) -> Self {
        Self::BuiltIn(kind)
    }

    /// Names of the engine's policies.
    pub(crate) const fn policies() -> Self {
        Self::Policies
    }

    /// Names of publications with claims, and the word that lists them.
    pub(crate) const fn publications() -> Self {
        Self::Publications
    }

    fn list(self) -> Vec<String> {
        match self {
            Self::BuiltIn(kind) => built_in_names(kind),
            Self::Policies => {
                Engine::built_in().spec().policies.iter().map(|policy| policy.name.to_string()).collect()
            }
            Self::Predictors => {
                PredictorRegistry::built_in().iter().map(|row| row.name.to_string()).collect()
            }
            Self::Publications => {
                rtmm_claims::built_in::names().iter().chain(&["list"]).map(ToString::to_string).collect()
            }
        }
    }
}

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.list().into_iter().map(PossibleValue::new)))
    }
}
