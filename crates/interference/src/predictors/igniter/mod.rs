//! iGniter's analytic model: latency from kernels, cache and clock, fitted to models alone.
//!
//! Xu et al., *iGniter: Interference-Aware GPU Resource Provisioning for Predictable DNN Inference in the Cloud*, TPDS 2022,
//! and its repository. The latency of a batch is `t_load + t_gpu + t_feedback`: transfers over PCIe, and the time on the GPU,
//! `(t_sched + t_active) / (f / F)`. Of `n` inferences side by side, each kernel is scheduled `a_s n + b_s` later; active
//! times grow with the L2 utilisation of the others; beyond the power limit the clock falls. Nothing is learned from pairs.
//! A model without coefficients has its solo latency, and adds nothing to others.

mod coefficients;

use rtmm_workload::parameters::{Choice, Declared, Real, Schema};

use crate::linear::unordered_sum;
use crate::{
    CoRun, FitError, Inference, Overlap, Prediction, Predictor, PredictorRow, Query, QueryKind, Running,
};
use coefficients::{Gpu, ModelCoefficients};

const NAME: &str = "igniter";

const SCHEDULING_SLOPE: Real = Real::new(
    "scheduling_slope_us",
    "delay of each kernel for each inference beside others",
    4.751,
    0.0..=1000.0,
)
.in_unit("us");
const SCHEDULING_OFFSET: Real = Real::new(
    "scheduling_offset_us",
    "delay of each kernel that does not depend on their number",
    -9.022,
    -1000.0..=1000.0,
)
.in_unit("us");
const CLOCK_SLOPE: Real =
    Real::new("clock_slope_mhz", "change of the clock for each watt above the limit", -1.0254, -1000.0..=0.0)
        .in_unit("MHz/W");

/// Latency that the interference is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Analytic,
    Measured,
}

const BASE: Choice<Base> = Choice::new(
    "base",
    "latency alone: that of the model, with its own error, or the measured one",
    Base::Analytic,
    &[("analytic", Base::Analytic), ("measured", Base::Measured)],
);

/// The fitted model.
#[derive(Clone, Debug)]
struct Igniter {
    gpu: Gpu,
    base: Base,
    /// Delay of a kernel in milliseconds: for each inference, and for all.
    scheduling: [f64; 2],
    clock_slope: f64,
    models: Vec<Option<ModelCoefficients>>,
}

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    let declared: &[&dyn Declared] = &[&BASE, &SCHEDULING_SLOPE, &SCHEDULING_OFFSET, &CLOCK_SLOPE];
    PredictorRow::new(NAME, Schema::of(&[declared]), &[QueryKind::CoRun], |parameters, training| {
        let measurements = training.measurements;
        let gpu = Gpu::of(measurements)?;
        // In the order of their keys.
        let of = |name| {
            let key = measurements.names.find(name);
            key.map(|key| ModelCoefficients::fit(measurements, key, &gpu)).transpose().map(Option::flatten)
        };
        let models: Result<Vec<_>, FitError> = measurements.names.iter().map(of).collect();
        Ok(Box::new(Igniter {
            gpu,
            base: parameters.read(&BASE),
            scheduling: [parameters.read(&SCHEDULING_SLOPE) / 1e3, parameters.read(&SCHEDULING_OFFSET) / 1e3],
            clock_slope: parameters.read(&CLOCK_SLOPE),
            models: models?,
        }))
    })
    .with_summary(
        "analytic: kernel scheduling, L2 contention, power and clock, fitted to models alone; static",
    )
    .with_source("Xu et al., iGniter, TPDS 2022")
    .calibrated()
}

impl Igniter {
    fn of(&self, inference: &Inference) -> Option<&ModelCoefficients> {
        self.models.get(inference.model.index())?.as_ref()
    }

    /// Latency in milliseconds beside the co-runners of a steady interval; none for a model without coefficients.
    fn latency_ms(&self, query: &CoRun<'_>, running: Running) -> Option<f64> {
        let own = self.of(&query.own)?;
        let beside = || {
            let is_beside = |(position, _): &(usize, &Inference)| running.has(*position);
            query.others.iter().enumerate().filter(is_beside).map(|(_, other)| other)
        };
        let known = || beside().filter_map(|other| Some((self.of(other)?, other)));
        let count = beside().count() as f64;
        let active = own.active_ms(&query.own);
        let l2 = unordered_sum(known().map(|(model, other)| model.l2(other)));
        let power = self.gpu.idle_power_w
            + own.power_w(&query.own)
            + unordered_sum(known().map(|(model, other)| model.power_w(other)));
        let excess = (power - self.gpu.max_power_w).max(0.0);
        let clock = ((self.gpu.max_clock_mhz + self.clock_slope * excess) / self.gpu.max_clock_mhz).max(0.1);
        let [slope, offset] = self.scheduling;
        let delay = if count > 0.0 { (slope * (count + 1.0) + offset).max(0.0) } else { 0.0 };
        let scheduled = own.idle_ms + own.kernels * delay;
        let transfers = f64::from(query.own.batch) * own.bytes / self.gpu.bytes_per_ms;
        Some(transfers + (scheduled + active * (1.0 + own.cache * l2)) / clock)
    }

    /// The same in microseconds, on the base that is asked for.
    fn steady_us(&self, query: &CoRun<'_>, running: Running) -> f64 {
        let is_alone = (0..query.others.len()).all(|other| !running.has(other));
        let Some(beside) = self.latency_ms(query, running).filter(|_| !is_alone) else {
            return query.own.solo_us;
        };
        match self.base {
            Base::Analytic => 1e3 * beside,
            Base::Measured => {
                let alone = self.latency_ms(query, Running::NONE).unwrap_or(beside);
                query.own.solo_us * beside / alone
            }
        }
    }
}

impl Predictor for Igniter {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let Query::CoRun(query) = query else { return None };
        if query.is_alone() {
            return Some(Prediction::exactly(query.own.solo_us));
        }
        let time = match query.overlap {
            Overlap::Whole => self.steady_us(query, Running::first(query.others.len())),
            Overlap::Intervals(intervals) => {
                let total: f64 = intervals.iter().map(|interval| interval.wall_us).sum();
                let part = |interval: &crate::Interval| {
                    self.steady_us(query, interval.running) * interval.wall_us / total
                };
                intervals.iter().map(part).sum()
            }
        };
        Some(Prediction::exactly(time))
    }

    fn observe(&mut self, _: &Query<'_>, _: f64) {}

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
