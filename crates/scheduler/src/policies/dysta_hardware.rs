//! Dysta as its hardware computes it: in few bits, and in time.
//!
//! Source: the RTL of Sparse-DySta (Fan et al., MICRO 2023). A scheduler beside the accelerator holds a
//! table of requests. When a layer completes it scores all of them, then compares one a cycle:
//!
//! ```text
//! rate    = density of the last layer / its mean                                        floating point
//! urgency = max(0, deadline - now) + (now - last ran) (1 / isolated)                    fixed point
//! score   = rate x remaining + beta x urgency                                           floating point
//! decision time = (cycles_per_request n + cycles_base) / clock                          before every segment
//! ```
//!
//! Against `dysta`: slack is not reduced by what remains, the penalty is not divided by the number of
//! jobs, and the sparsity is that of the last layer alone. Times are counted in `time_unit`; the penalty is
//! a bare number, so that the unit weighs it against times. Formats are in [`crate::number_format`].
//!
//! Deviations from the RTL: it cannot work as published (its selection never finds a request, and beta
//! is an integer wire of 0), so this is what it is meant to do. Its 32-bit counter of cycles, which wraps
//! after 21 s, is not modelled: times keep their meaning however long the run is, and what does not fit
//! the format stays at its end. Jobs beyond the `2^depth` that the table holds wait, unseen, in the order
//! of release. A job that was just released is scored at the next decision like all others; the RTL has
//! software score it. What is left is the mean over accelerators, as in `dysta`.

use rtmm_workload::Duration;
use rtmm_workload::parameters::{Choice, Declared, Integer, Parameters, Real, Schema, Span};

use crate::estimator::{Estimator, Predictor, seconds};
use crate::expectations::Knowledge;
use crate::job::Job;
use crate::number_format::NumberFormat;
use crate::parts::{Composed, Parts, Ranking};
use crate::policy::{Interests, Notice, Policy};
use crate::terms::{self, Score};
use crate::truth::Truth;
use crate::view::View;

const SECOND: Duration = Duration::from_picoseconds(1_000_000_000_000);

const BETA: Real = Real::new("beta", "weight of slack and penalty against what is left", 0.01, 0.0..=1e6);
const FORMAT: Choice<NumberFormat> = Choice::new(
    "format",
    "numbers: FP16 and Q7.8, FP32 and Q13.18, double precision",
    NumberFormat::Half,
    &[("fp16", NumberFormat::Half), ("fp32", NumberFormat::Single), ("exact", NumberFormat::Exact)],
);
const TIME_UNIT: Span = Span::new(
    "time_unit",
    "the time that is 1 in fixed point and in scores",
    Duration::from_picoseconds(1_000_000_000),
    Duration::from_picoseconds(1_000_000)..=SECOND,
);
const DEPTH: Integer<u32> =
    Integer::new("depth", "the table holds two to the power of this many requests", 9, 0..=16);
const CLOCK_MHZ: Real = Real::new("clock_mhz", "clock of the scheduler", 200.0, 1e-3..=1e5).in_unit("MHz");
const CYCLES_BASE: Integer<u64> = Integer::new(
    "cycles_base",
    "cycles of a decision apart from requests: table reads, pipelines",
    40,
    0..=1_000_000,
);
const CYCLES_PER_REQUEST: Integer<u64> = Integer::new(
    "cycles_per_request",
    "cycles of a decision for each request in the table: scored, then compared",
    2,
    0..=1_000_000,
);
const OWN: &[&dyn Declared] =
    &[&BETA, &FORMAT, &TIME_UNIT, &DEPTH, &CLOCK_MHZ, &CYCLES_BASE, &CYCLES_PER_REQUEST];

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema_of_ranking(&[OWN])
}

/// The order of the hardware's scores.
#[derive(Clone, Debug)]
pub struct DystaHardware {
    estimator: Estimator,
    beta: f64,
    format: NumberFormat,
    time_unit_s: f64,
    depth: u32,
    clock_hz: f64,
    cycles_base: u64,
    cycles_per_request: u64,
    /// The first job that the table does not hold, by its place in the order of releases.
    unseen_from: u64,
}

/// The scheduler's storage, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Of all requests that it can hold: score, model, deadline, last execution, rate, and a place in the
    /// queue.
    pub requests: u64,
    /// Of the tables of latencies, densities and reciprocals, 1,024 entries each, and of output shapes.
    pub tables: u64,
}

impl Storage {
    /// The storage of a scheduler for `2^depth` requests: `2^depth (4 W + 16 + depth)` and
    /// `3 x 1024 W + 128 x 16` bits, with `W` the bits of a score.
    #[must_use]
    pub fn of(depth: u32, format: NumberFormat) -> Self {
        let width = u64::from(format.bits());
        let requests = (1_u64 << depth.min(32)) * (4 * width + 16 + u64::from(depth));
        Self { requests, tables: 3 * 1024 * width + 128 * 16 }
    }
}

impl Ranking for DystaHardware {
    /// True for a job that the table does not hold; then the score.
    type Key = (bool, Score);

    fn interests(&self) -> Interests {
        self.estimator.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        self.estimator.notify(notice, view);
    }

    fn begin(&mut self, view: &View<'_>) {
        let holds = 1_usize << self.depth;
        self.unseen_from = view.ready().nth(holds).map_or(u64::MAX, |job| job.sequence);
    }

    fn key(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        let Self { format, time_unit_s, .. } = *self;
        let expectations = view.profile.expectations(Knowledge::Pattern);
        let units = |span_s: f64| span_s / time_unit_s;
        let remaining = units(seconds(expectations.mean_remaining(job.model, job.progress)));
        let isolated = units(self.estimator.isolated_s(view, job));
        // Clocks count from anywhere: differences are what the format must hold.
        let slack = format.to_fixed(units(terms::time_left_s(job.deadline, view.now))).at_least_zero();
        let waited = format.to_fixed(units(seconds(view.now.saturating_since(job.last_ran))));
        let reciprocal = format.to_fixed(terms::ratio(1.0, isolated).min(f64::MAX));
        let urgency = slack.plus(waited.times(reciprocal)).to_float();
        let rate = format.round(self.estimator.gamma(job));
        let latency = format.multiply(rate, format.round(remaining));
        let score = format.add(latency, format.multiply(format.round(self.beta), urgency));
        (job.sequence >= self.unseen_from, Score(score))
    }

    fn decision_time(&self, view: &View<'_>) -> Duration {
        let held = view.ready().len().min(1 << self.depth) as u64;
        let cycles = self.cycles_base + self.cycles_per_request * held;
        Duration::from_picoseconds((cycles as f64 / self.clock_hz * 1e12).round() as u64)
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    let hardware = DystaHardware {
        estimator: Estimator::new(Knowledge::Pattern, Predictor::LastOne, 1),
        beta: parameters.read(&BETA),
        format: parameters.read(&FORMAT),
        time_unit_s: seconds(parameters.read(&TIME_UNIT)),
        depth: parameters.read(&DEPTH),
        clock_hz: parameters.read(&CLOCK_MHZ) * 1e6,
        cycles_base: parameters.read(&CYCLES_BASE),
        cycles_per_request: parameters.read(&CYCLES_PER_REQUEST),
        unseen_from: u64::MAX,
    };
    Composed::boxed(hardware, parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::{check, policy};

    #[test]
    fn storage_is_that_of_the_rtl() {
        for (depth, format, requests, tables) in [
            (9, NumberFormat::Half, 45_568, 51_200),
            (9, NumberFormat::Single, 78_336, 100_352),
            (6, NumberFormat::Half, 5_504, 51_200),
            (6, NumberFormat::Single, 9_600, 100_352),
        ] {
            assert_eq!(Storage::of(depth, format), Storage { requests, tables });
        }
    }

    #[test]
    fn a_decision_takes_cycles_for_every_request_that_the_table_holds() {
        let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[10]])]).unwrap();
        for _ in 0..8 {
            fixture.ready(0, 0, 100);
        }
        // 40 cycles and 2 for each of 8 at 200 MHz; or of the 4 that the table holds.
        for (settings, nanoseconds) in
            [("", 280), ("depth=2", 240), ("clock_mhz=100", 560), ("cycles_per_request=0", 200)]
        {
            let time = policy("dysta-hardware", settings).decision_time(&fixture.view()).unwrap();
            assert_eq!(time.picoseconds(), nanoseconds * 1_000, "{settings}");
        }
    }

    #[test]
    fn few_bits_make_equals_of_what_is_not() {
        // 10.001 and 10.000 ms: one in 2^13, which a half of eleven digits does not tell apart.
        let sketches = [TaskSketch::new("a", &[&[10_001]]), TaskSketch::new("b", &[&[10_000]])];
        for (format, expected) in [("fp16", "a0>0:1"), ("fp32", "b0>0:1"), ("exact", "b0>0:1")] {
            let mut fixture = Fixture::new(&sketches).unwrap();
            fixture.ready(0, 0, 30_000);
            fixture.ready(1, 0, 30_000);
            check(&fixture, "dysta-hardware", &format!("format={format}"), expected);
        }
    }

    #[test]
    fn what_the_table_does_not_hold_waits() {
        let sketches = [TaskSketch::new("long", &[&[90]]), TaskSketch::new("short", &[&[5]])];
        let mut fixture = Fixture::new(&sketches).unwrap();
        fixture.ready(0, 0, 1_000);
        fixture.ready(0, 0, 1_000);
        fixture.ready(1, 0, 1_000);
        check(&fixture, "dysta-hardware", "depth=1", "long0>0:1");
        check(&fixture, "dysta-hardware", "depth=2", "short0>0:1");
    }

    #[test]
    fn slack_and_penalty_count_as_the_rtl_has_them() {
        // In milliseconds: 10 + 0.1 (100 + 20 / 10) against 12 + 0.1 (60 + 0).
        let sketches = [TaskSketch::new("a", &[&[10_000]]), TaskSketch::new("b", &[&[12_000]])];
        for (format, due_b, expected) in
            [("exact", 80, "b0>0:1"), ("fp32", 80, "b0>0:1"), ("fp16", 80, "b0>0:1"), ("fp32", 105, "a0>0:1")]
        {
            let mut fixture = Fixture::new(&sketches).unwrap();
            fixture.ready(0, 0, 120_000);
            fixture.ready(1, 20_000, due_b * 1_000);
            fixture.set_now(20_000);
            check(&fixture, "dysta-hardware", &format!("beta=0.1 format={format}"), expected);
        }
    }
}
