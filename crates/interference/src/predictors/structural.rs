//! Costs of modules without rates: a group takes its longest segment, and a part of the rest.
//!
//! ```text
//! A = sum of c over the modules of a segment      T = c0 + max A + g (sum of A - max A)
//! ```
//!
//! A module has a cost `c` for each batch and length of sequence that it was measured at; all of them, the part `g` that does not
//! overlap and the fixed time `c0` are fitted to the groups together, in the logarithm of the time. With `g = 1` segments run one
//! after the other, with `g = 0` they hide each other. What it leaves over is what `boosted-residual` and `module-rate` are about.
//! The form is that of an analysis of the same measurements, whose fit has about 8 % on unseen pairs; the fit is our own.

use std::collections::BTreeMap;
use std::sync::Arc;

use libm::{exp, log};
use rtmm_workload::parameters::{Declared, Integer, Schema};

use super::descent::{MAX_PARAMETERS, descend};
use crate::{FitError, Group, ModelKey, Prediction, Predictor, PredictorRow, Query, QueryKind, Segment};

const NAME: &str = "structural";

/// Relative error from which on the loss grows linearly.
const HUBER: f64 = 0.03;
/// The least number of passes times groups: small tables are gone over more often.
const MIN_ROWS: usize = 100_000;
/// The part that does not overlap at the start.
const PART: f64 = 0.2;
/// Bounds of times in microseconds, for their logarithms.
const BOUNDS_US: (f64, f64) = (1e-3, 1e12);

const PASSES: Integer<u32> =
    Integer::new("passes", "passes over the groups that are fitted to", 15, 1..=1000);

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    let declared: &[&dyn Declared] = &[&PASSES];
    PredictorRow::new(NAME, Schema::of(&[declared]), &[QueryKind::Group], |parameters, training| {
        let measured = training.measurements.groups.iter();
        let groups: Vec<&Group> = measured.filter(|group| group.observed_us.is_some()).collect();
        if groups.is_empty() {
            return Err(FitError::NoRows { predictor: NAME, wants: QueryKind::Group.rows() });
        }
        let models = models(&groups);
        let has: usize = models.values().map(|model| model.modules.saturating_mul(model.sizes.len())).sum();
        if has > MAX_PARAMETERS {
            return Err(FitError::TooManyModules { predictor: NAME, most: MAX_PARAMETERS, has });
        }
        let costs = Costs::fit(models, &groups, parameters.read(&PASSES) as usize);
        Ok(Box::new(Structural(Arc::new(costs))))
    })
    .with_summary("costs of modules: the longest segment, and a part of the rest; static")
    .calibrated()
}

/// A fitted predictor.
#[derive(Clone, Debug)]
struct Structural(Arc<Costs>);

/// Inputs of a segment: batch and tokens.
type Size = (u32, u32);

/// The number of inputs, tokens counted one by one.
fn inputs((batch, sequence): Size) -> f64 {
    f64::from(batch.max(1)) * f64::from(sequence.max(1))
}

/// The costs of a model.
#[derive(Clone, Debug, Default)]
struct Model {
    /// The number of modules.
    modules: usize,
    /// By size: the place of the cost of the first module.
    sizes: BTreeMap<Size, usize>,
}

/// The modules of a segment, as places of costs.
#[derive(Clone, Copy, Debug)]
struct Modules {
    first: usize,
    count: usize,
    /// Modules behind them, which count as the last.
    repeats: usize,
    /// Of a size that was not measured: the multiple of the costs of the nearest that was.
    scale: f64,
}

/// All costs, as logarithms of microseconds; behind them those of the part, of the fixed time, and of the mean module.
#[derive(Clone, Debug)]
struct Costs {
    models: BTreeMap<ModelKey, Model>,
    logarithms: Vec<f64>,
    /// The same as times.
    times: Vec<f64>,
}

/// The models of some groups, without places yet.
fn models(groups: &[&Group]) -> BTreeMap<ModelKey, Model> {
    let mut models: BTreeMap<ModelKey, Model> = BTreeMap::new();
    for segment in groups.iter().flat_map(|group| &group.segments).filter(|one| one.start < one.end) {
        let model = models.entry(segment.model).or_default();
        model.modules = model.modules.max(segment.end as usize);
        model.sizes.insert((segment.batch, segment.sequence), 0);
    }
    models
}

impl Costs {
    fn fit(mut models: BTreeMap<ModelKey, Model>, groups: &[&Group], passes: usize) -> Self {
        let mut places = 0;
        for model in models.values_mut() {
            for first in model.sizes.values_mut() {
                *first = places;
                places += model.modules;
            }
        }
        let (mut time, mut modules, mut least) = (0.0, 0.0, f64::INFINITY);
        for group in groups {
            let observed = group.observed_us.unwrap_or(0.0);
            let longest = group.segments.iter().map(|segment| segment.end - segment.start).max();
            (time, modules) = (time + observed, modules + longest.map_or(0.0, f64::from));
            least = observed.min(least);
        }
        let bounded = |us: f64| log(us.clamp(BOUNDS_US.0, BOUNDS_US.1));
        let mut logarithms = vec![bounded(time / f64::max(modules, 1.0)); places + 3];
        (logarithms[places], logarithms[places + 1]) = (log(PART), bounded(0.5 * least));
        let mut costs = Self { models, times: logarithms.iter().map(|one| exp(*one)).collect(), logarithms };
        costs.descend(groups, passes.max(MIN_ROWS.div_ceil(groups.len())));
        // A model that was never seen has modules like the others'.
        let mean = costs.logarithms[..places].iter().sum::<f64>() / places.max(1) as f64;
        if places > 0 {
            (costs.logarithms[places + 2], costs.times[places + 2]) = (mean, exp(mean));
        }
        costs
    }

    fn descend(&mut self, groups: &[&Group], passes: usize) {
        let mut logarithms = std::mem::take(&mut self.logarithms);
        descend(&mut logarithms, groups.len(), passes, NAME, |logarithms, batch, slopes| {
            self.times.iter_mut().zip(logarithms).for_each(|(time, logarithm)| *time = exp(*logarithm));
            slopes.fill(0.0);
            for &index in batch {
                self.add_slopes(groups[index], slopes);
            }
            slopes.iter_mut().for_each(|slope| *slope /= batch.len() as f64);
        });
        self.times.iter_mut().zip(&logarithms).for_each(|(time, logarithm)| *time = exp(*logarithm));
        self.logarithms = logarithms;
    }

    /// The place of the part that does not overlap; the fixed time and the mean module stand behind it.
    fn part(&self) -> usize {
        self.times.len() - 3
    }

    /// The modules of a segment; none where it has none.
    fn modules(&self, segment: &Segment) -> Option<Modules> {
        let all = segment.end.checked_sub(segment.start).filter(|all| *all > 0)? as usize;
        let size = (segment.batch, segment.sequence);
        let Some(model) = self.models.get(&segment.model) else {
            return Some(Modules { first: self.part() + 2, count: 1, repeats: all - 1, scale: 1.0 });
        };
        let (first, scale) = match model.sizes.get(&size) {
            Some(first) => (*first, 1.0),
            None => {
                // The nearest in inputs; the work grows in proportion to them, and does not shrink.
                let distance = |of: Size| log(inputs(size) / inputs(of)).abs();
                let near = model
                    .sizes
                    .iter()
                    .min_by(|(one, _), (other, _)| distance(**one).total_cmp(&distance(**other)));
                near.map_or((self.part() + 2, 1.0), |(of, first)| {
                    (*first, (inputs(size) / inputs(*of)).max(1.0))
                })
            }
        };
        let start = (segment.start as usize).min(model.modules - 1);
        let count = all.min(model.modules - start);
        Some(Modules { first: first + start, count, repeats: all - count, scale })
    }

    fn time(&self, of: &Modules) -> f64 {
        let times = &self.times[of.first..of.first + of.count];
        let last = times.last().copied().unwrap_or(0.0);
        of.scale * (times.iter().sum::<f64>() + of.repeats as f64 * last)
    }

    /// The time of a group. The order of segments changes no bit.
    fn predict(&self, segments: &[Segment]) -> f64 {
        let of_segment = |segment| self.modules(segment).map_or(0.0, |modules| self.time(&modules));
        let mut times: Vec<f64> = segments.iter().map(of_segment).collect();
        times.sort_unstable_by(f64::total_cmp);
        let longest = times.pop().unwrap_or(0.0);
        let part = self.part();
        self.times[part + 1] + longest + self.times[part] * times.iter().sum::<f64>()
    }

    /// Adds the derivatives of the loss of a group.
    fn add_slopes(&self, group: &Group, slopes: &mut [f64]) {
        let Some(observed) = group.observed_us else { return };
        let modules: Vec<Modules> =
            group.segments.iter().filter_map(|segment| self.modules(segment)).collect();
        let times: Vec<f64> = modules.iter().map(|of| self.time(of)).collect();
        let longest = (0..times.len()).max_by(|one, other| times[*one].total_cmp(&times[*other]));
        let part = self.part();
        let (overlapped, fixed) = (self.times[part], self.times[part + 1]);
        let most = longest.map_or(0.0, |at| times[at]);
        let rest = times.iter().sum::<f64>() - most;
        let time = fixed + most + overlapped * rest;
        let error = log(time / observed) / HUBER;
        let by_time = error / (1.0 + error * error).sqrt() / time;
        for (at, of) in modules.iter().enumerate() {
            let by_cost = by_time * of.scale * if Some(at) == longest { 1.0 } else { overlapped };
            let places = of.first..of.first + of.count;
            for (slope, time) in slopes[places.clone()].iter_mut().zip(&self.times[places]) {
                *slope += by_cost * time;
            }
            let last = of.first + of.count - 1;
            slopes[last] += by_cost * of.repeats as f64 * self.times[last];
        }
        slopes[part] += by_time * overlapped * rest;
        slopes[part + 1] += by_time * fixed;
    }
}

impl Predictor for Structural {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let Query::Group(segments) = query else { return None };
        Some(Prediction::exactly(self.0.predict(segments)))
    }

    fn observe(&mut self, _: &Query<'_>, _: f64) {}

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
