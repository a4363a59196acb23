//! Settings of a run beside its policy: warm-up, end, windows, classes of priorities, and the constants of scores.

use std::num::NonZeroU32;

use rtmm_sim::metrics::{PriorityClasses, XrbenchConstants};
use rtmm_sim::{EndOfRun, MetricsOptions};
use rtmm_workload::Duration;
use rtmm_workload::parameters::{Choice, Declared, Integer, Parameters, Real, Schema, Span, Switch};
use thiserror::Error;

const LONGEST_WARM_UP: Duration = Duration::from_picoseconds(1_000_000_000_000_000_000);

/// The most windows of a run: more are no figure, and cost memory.
const MAX_WINDOWS: u64 = 100_000;

const WARM_UP: Span = Span::new(
    "warm_up",
    "jobs that arrive before are not judged",
    Duration::ZERO,
    Duration::ZERO..=LONGEST_WARM_UP,
);
const END_OF_RUN: Choice<EndOfRun> = Choice::new(
    "end_of_run",
    "cut: at the scenario's duration; drain: when every job that arrived by then is over",
    EndOfRun::Cut,
    &[("cut", EndOfRun::Cut), ("drain", EndOfRun::Drain)],
);
const K_PER_MS: Real =
    Real::new("k_per_ms", "slope of XRBench's real-time score", 15.0, 1e-6..=1e6).in_unit("1/ms");
const ENERGY_MAX_MJ: Real =
    Real::new("energy_max_mj", "energy of a job whose XRBench energy score is zero", 1_500.0, 1e-6..=1e12)
        .in_unit("mJ");
const ACCURACY_TARGET: Real = Real::new(
    "accuracy_target",
    "accuracy from which on XRBench's accuracy score is 1; 0: it always is",
    0.0,
    0.0..=1.0,
);
const WINDOW: Span = Span::new(
    "window",
    "length of the windows in which series over time are recorded; 0: none are",
    Duration::ZERO,
    Duration::ZERO..=LONGEST_WARM_UP,
);
const CLAMP_ENERGY: Switch = Switch::new("clamp_energy", "no XRBench energy score below zero", false);
const DROPS_COUNT_TWICE: Switch =
    Switch::new("drops_count_twice", "XRBench's QoE factor on top of the mean over dropped jobs", true);
const COUNT_OVERDUE: Switch =
    Switch::new("count_overdue", "jobs that are overdue at the end score zero in XRBench's scores", true);
const PRIORITY_MID_FROM: Integer<i32> = Integer::new(
    "priority_mid_from",
    "the least priority that counts as middle; all below are low",
    3,
    i32::MIN..=i32::MAX,
);
const PRIORITY_HIGH_FROM: Integer<i32> = Integer::new(
    "priority_high_from",
    "the least priority that counts as high; where it is that of the middle none is middle",
    9,
    i32::MIN..=i32::MAX,
);
const FIRM_WINDOW: Integer<u32> = Integer::new(
    "firm_window",
    "consecutive jobs of a task of which the least number in time is reported, with its longest run of misses; 0: neither is",
    0,
    0..=1_000_000,
)
.unstated_at_default();
const BOUNDS: Switch = Switch::new(
    "bounds",
    "of cells of sweeps: the fewest late jobs and the least energy of any policy beside those of the run; takes time",
    false,
)
.unstated_at_default();
const ALL: &[&dyn Declared] = &[
    &WARM_UP,
    &END_OF_RUN,
    &K_PER_MS,
    &ENERGY_MAX_MJ,
    &ACCURACY_TARGET,
    &WINDOW,
    &CLAMP_ENERGY,
    &DROPS_COUNT_TWICE,
    &COUNT_OVERDUE,
    &PRIORITY_MID_FROM,
    &PRIORITY_HIGH_FROM,
    &FIRM_WINDOW,
    &BOUNDS,
];

/// The settings of a run, for sweep files and `--set`.
pub(super) fn schema() -> Schema {
    Schema::of(&[ALL])
}

/// The settings of a run, decoded.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunSettings {
    /// Warm-up, and the constants of scores.
    pub metrics: MetricsOptions,
    /// End of the run.
    pub end: EndOfRun,
    /// Length of windows; zero records none.
    pub window: Duration,
    /// True if bounds of all policies stand beside the run; cells of sweeps have them, single runs do not.
    pub bounds: bool,
}

impl RunSettings {
    /// The settings with these values.
    #[must_use]
    pub fn of(settings: &Parameters) -> Self {
        let accuracy_target = settings.read(&ACCURACY_TARGET);
        let xrbench = XrbenchConstants {
            k_per_ms: settings.read(&K_PER_MS),
            energy_max_mj: settings.read(&ENERGY_MAX_MJ),
            accuracy_target: (accuracy_target > 0.0).then_some(accuracy_target),
            clamp_energy: settings.read(&CLAMP_ENERGY),
            drops_count_twice: settings.read(&DROPS_COUNT_TWICE),
            count_overdue: settings.read(&COUNT_OVERDUE),
        };
        let priority_classes = PriorityClasses {
            priority_mid_from: settings.read(&PRIORITY_MID_FROM),
            priority_high_from: settings.read(&PRIORITY_HIGH_FROM),
        };
        let firm_window = NonZeroU32::new(settings.read(&FIRM_WINDOW));
        Self {
            metrics: MetricsOptions {
                warm_up: settings.read(&WARM_UP),
                priority_classes,
                xrbench,
                firm_window,
            },
            end: settings.read(&END_OF_RUN),
            window: settings.read(&WINDOW),
            bounds: settings.read(&BOUNDS),
        }
    }

    /// Holds the settings to the duration of a run.
    ///
    /// # Errors
    /// [`SettingsError`] where the warm-up takes all of it, windows make too many, or classes of priorities overlap.
    pub fn check(&self, duration: Duration) -> Result<(), SettingsError> {
        let (warm_up, window) = (self.metrics.warm_up, self.window);
        if warm_up >= duration {
            return Err(SettingsError::WarmUp { warm_up, duration });
        }
        let windows = duration.picoseconds().div_ceil(window.picoseconds().max(1));
        if !window.is_zero() && windows > MAX_WINDOWS {
            return Err(SettingsError::Windows { window, windows, duration });
        }
        let PriorityClasses { priority_mid_from, priority_high_from } = self.metrics.priority_classes;
        if priority_mid_from > priority_high_from {
            return Err(SettingsError::PriorityClasses { priority_mid_from, priority_high_from });
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
    /// High priorities would begin below those of the middle.
    #[error(
        "`priority_mid_from` is {priority_mid_from} and `priority_high_from` {priority_high_from}, which is less"
    )]
    PriorityClasses {
        /// The least priority of the middle.
        priority_mid_from: i32,
        /// The least high priority.
        priority_high_from: i32,
    },
    /// More windows than a run can have.
    #[error("windows of {window} make {windows} of a run of {duration}; {MAX_WINDOWS} are the most")]
    Windows {
        /// Length of a window.
        window: Duration,
        /// Number of windows.
        windows: u64,
        /// Duration of the scenario.
        duration: Duration,
    },
}

#[cfg(test)]
mod tests {
    use rtmm_workload::parameters::ParameterValue;

    use super::*;

    #[test]
    fn defaults_are_those_of_the_metrics() {
        let settings = RunSettings::of(&Parameters::defaults(&schema()));
        assert_eq!((settings.metrics, settings.end), (MetricsOptions::default(), EndOfRun::Cut));
        assert_eq!(schema().value_fault(), None);
    }

    #[test]
    fn every_setting_changes_something() {
        let plain = format!("{:?}", RunSettings::default());
        let mut parameters = Parameters::defaults(&schema());
        for (name, value) in parameters.clone().assignments() {
            let other = match value {
                ParameterValue::Boolean(value) => ParameterValue::Boolean(!value),
                ParameterValue::Duration(_) => ParameterValue::Duration(Duration::from_picoseconds(1)),
                ParameterValue::Integer(value) => ParameterValue::Integer(value + 1),
                ParameterValue::Choice(_) => ParameterValue::Choice("drain".into()),
                _ => ParameterValue::Real(0.5),
            };
            parameters.set(name, other).unwrap();
            assert_ne!(format!("{:?}", RunSettings::of(&parameters)), plain, "{name}");
            parameters.set(name, value.clone()).unwrap();
        }
    }

    #[test]
    fn high_priorities_begin_at_or_above_the_middle() {
        let check = |priority_mid_from, priority_high_from| {
            let priority_classes = PriorityClasses { priority_mid_from, priority_high_from };
            let metrics = MetricsOptions { priority_classes, ..MetricsOptions::default() };
            RunSettings { metrics, ..RunSettings::default() }.check(Duration::from_picoseconds(1))
        };
        assert_eq!((check(-2, 7), check(7, 7)), (Ok(()), Ok(())));
        let error = check(8, 7).unwrap_err();
        assert_eq!(error.to_string(), "`priority_mid_from` is 8 and `priority_high_from` 7, which is less");
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
