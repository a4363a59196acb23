//! What a run is told beside its policy: how it begins and ends, and the constants of its scores.

use std::borrow::Cow;

use rtmm_sim::{EndOfRun, MetricsOptions};
use rtmm_sweep::runner::{Allowed, Assignment, Parameter, ParameterValue};
use rtmm_workload::Duration;
use thiserror::Error;

const LONGEST_WARM_UP: Duration = Duration::from_picoseconds(1_000_000_000_000_000_000);

/// The most windows of a run: more are no figure, and cost memory.
const MAX_WINDOWS: u64 = 100_000;

const fn switch(name: &'static str, meaning: &'static str, default: bool) -> Parameter {
    Parameter { name, meaning, default: ParameterValue::Boolean(default), allowed: Allowed::Boolean }
}

/// The settings of a run, for sweep files and `--set`.
pub(super) const SETTINGS: &[Parameter] = &[
    Parameter {
        name: "warm_up",
        meaning: "jobs that arrive before are not judged",
        default: ParameterValue::Duration(Duration::ZERO),
        allowed: Allowed::Duration(Duration::ZERO, LONGEST_WARM_UP),
    },
    Parameter {
        name: "end_of_run",
        meaning: "cut: at the scenario's duration; drain: when every job that arrived by then is over",
        default: ParameterValue::Choice(Cow::Borrowed("cut")),
        allowed: Allowed::Choice(&["cut", "drain"]),
    },
    Parameter {
        name: "k_per_ms",
        meaning: "slope of XRBench's real-time score",
        default: ParameterValue::Real(15.0),
        allowed: Allowed::Real(1e-6, 1e6),
    },
    Parameter {
        name: "energy_max_mj",
        meaning: "energy of a job whose XRBench energy score is zero",
        default: ParameterValue::Real(1_500.0),
        allowed: Allowed::Real(1e-6, 1e12),
    },
    Parameter {
        name: "accuracy_target",
        meaning: "accuracy from which on XRBench's accuracy score is 1; 0: it always is",
        default: ParameterValue::Real(0.0),
        allowed: Allowed::Real(0.0, 1.0),
    },
    Parameter {
        name: "window",
        meaning: "length of the windows in which series over time are recorded; 0: none are",
        default: ParameterValue::Duration(Duration::ZERO),
        allowed: Allowed::Duration(Duration::ZERO, LONGEST_WARM_UP),
    },
    switch("clamp_energy", "no XRBench energy score below zero", false),
    switch("drops_count_twice", "XRBench's QoE factor on top of the mean over dropped jobs", true),
    switch("count_overdue", "jobs that are overdue at the end score zero in XRBench's scores", true),
];

/// The settings of a run, decoded.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunSettings {
    /// Warm-up, and the constants of scores.
    pub metrics: MetricsOptions,
    /// How the run ends.
    pub end: EndOfRun,
    /// Length of windows; zero records none.
    pub window: Duration,
}

impl RunSettings {
    /// The settings that complete assignments state.
    pub fn of(assignments: &[Assignment]) -> Self {
        let mut settings = Self::default();
        for (name, value) in assignments {
            let xrbench = &mut settings.metrics.xrbench;
            match (*name, value) {
                ("warm_up", ParameterValue::Duration(value)) => settings.metrics.warm_up = *value,
                ("window", ParameterValue::Duration(value)) => settings.window = *value,
                ("end_of_run", ParameterValue::Choice(value)) if value == "drain" => {
                    settings.end = EndOfRun::Drain;
                }
                ("k_per_ms", ParameterValue::Real(value)) => xrbench.k_per_ms = *value,
                ("energy_max_mj", ParameterValue::Real(value)) => xrbench.energy_max_mj = *value,
                ("accuracy_target", ParameterValue::Real(value)) => {
                    xrbench.accuracy_target = (*value > 0.0).then_some(*value);
                }
                ("clamp_energy", ParameterValue::Boolean(value)) => xrbench.clamp_energy = *value,
                ("drops_count_twice", ParameterValue::Boolean(value)) => xrbench.drops_count_twice = *value,
                ("count_overdue", ParameterValue::Boolean(value)) => xrbench.count_overdue = *value,
                _ => {}
            }
        }
        settings
    }

    /// Holds the settings to the duration of a run.
    ///
    /// # Errors
    /// [`SettingsError`] where the warm-up takes all of it, or windows make too many.
    pub fn check(&self, duration: Duration) -> Result<(), SettingsError> {
        let (warm_up, window) = (self.metrics.warm_up, self.window);
        if warm_up >= duration {
            return Err(SettingsError::WarmUp { warm_up, duration });
        }
        let windows = duration.picoseconds().div_ceil(window.picoseconds().max(1));
        if !window.is_zero() && windows > MAX_WINDOWS {
            return Err(SettingsError::Windows { window, windows, duration });
        }
        Ok(())
    }
}

/// Why settings do not fit a run.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// No job is judged.
    #[error("a warm-up of {warm_up} leaves nothing of a run of {duration}")]
    WarmUp {
        /// The warm-up.
        warm_up: Duration,
        /// Duration of the scenario.
        duration: Duration,
    },
    /// More windows than a run can have.
    #[error("windows of {window} make {windows} of a run of {duration}; {MAX_WINDOWS} are the most")]
    Windows {
        /// Length of a window.
        window: Duration,
        /// How many windows there would be.
        windows: u64,
        /// Duration of the scenario.
        duration: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_metrics() {
        let settings = RunSettings::of(&rtmm_sweep::runner::defaults(SETTINGS));
        assert_eq!((settings.metrics, settings.end), (MetricsOptions::default(), EndOfRun::Cut));
    }

    #[test]
    fn every_setting_changes_something() {
        let plain = format!("{:?}", RunSettings::default());
        for setting in SETTINGS {
            let value = match &setting.default {
                ParameterValue::Boolean(value) => ParameterValue::Boolean(!value),
                ParameterValue::Duration(_) => ParameterValue::Duration(Duration::from_picoseconds(1)),
                ParameterValue::Choice(_) => ParameterValue::Choice(Cow::Borrowed("drain")),
                _ => ParameterValue::Real(0.5),
            };
            assert!(setting.allowed.admits(&value), "{}", setting.name);
            let changed = RunSettings::of(&[(setting.name, value)]);
            assert_ne!(format!("{changed:?}"), plain, "{}", setting.name);
        }
    }

    #[test]
    fn far_too_many_windows_are_refused() {
        let ms = |count| Duration::from_milliseconds(count).unwrap_or_default();
        let check = |window| RunSettings { window, ..RunSettings::default() }.check(ms(1_000));
        assert_eq!(check(ms(10)), Ok(()));
        let error = check(Duration::from_picoseconds(1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "windows of 1ps make 1000000000000 of a run of 1s; 100000 are the most"
        );
    }
}
