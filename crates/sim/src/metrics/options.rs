//! Options of a run's metrics, and the constants of their scores.

use std::num::NonZeroU32;

use rtmm_workload::Duration;
use serde::Serialize;
use thiserror::Error;

use crate::metrics::classes::PriorityClasses;
use crate::metrics::xrbench::XrbenchConstants;

/// Options of [`crate::Metrics`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MetricsOptions {
    /// Jobs that arrive before this much time has passed are not judged, and accelerators are not
    /// watched until then. Zero judges everything.
    pub warm_up: Duration,
    /// Bounds of the classes of priorities.
    #[serde(flatten)]
    pub priority_classes: PriorityClasses,
    /// Of the XRBench scores.
    pub xrbench: XrbenchConstants,
    /// Number of consecutive jobs of a task of which the least number in time is reported, with the longest run of misses;
    /// none where neither is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firm_window: Option<NonZeroU32>,
}

/// An option outside of its range.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("`{name}` is {value}; it must be a finite number above zero")]
pub struct OptionsError {
    /// The option.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
}

impl MetricsOptions {
    /// Checks that every score will be a number.
    ///
    /// # Errors
    /// [`OptionsError`] with the first constant that is not finite and above zero.
    pub fn validate(&self) -> Result<(), OptionsError> {
        let XrbenchConstants { k_per_ms, energy_max_mj, accuracy_target, .. } = self.xrbench;
        let constants = [
            ("k_per_ms", Some(k_per_ms)),
            ("energy_max_mj", Some(energy_max_mj)),
            ("accuracy_target", accuracy_target),
        ];
        for (name, value) in constants {
            if let Some(value) = value
                && !(value.is_finite() && value > 0.0)
            {
                return Err(OptionsError { name, value });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_that_give_no_score_are_refused() {
        assert_eq!(MetricsOptions::default().validate(), Ok(()));
        for bad in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            let constants = [
                XrbenchConstants { k_per_ms: bad, ..XrbenchConstants::default() },
                XrbenchConstants { energy_max_mj: bad, ..XrbenchConstants::default() },
                XrbenchConstants { accuracy_target: Some(bad), ..XrbenchConstants::default() },
            ];
            for xrbench in constants {
                let options = MetricsOptions { xrbench, ..MetricsOptions::default() };
                assert!(options.validate().is_err(), "{xrbench:?}");
            }
        }
    }
}
