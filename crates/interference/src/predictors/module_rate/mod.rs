//! Rates by module: each segment works through its modules, and each module slows down by who is beside it at that time.
//!
//! Module `m` of a model has a time `l` to launch its kernels, which does not depend on its input, and a time `w` that they
//! keep the whole GPU busy, which does. Alone it takes `d = max(l, w)`, smoothly, and keeps the GPU busy for a part
//! `u = w / d` of it. It presses on others with `q = δ √u / (1 - u + u / γ)`: one that waits for launches takes what it
//! needs and leaves `1 - u`, one that is always busy shares, to a limit `γ`; `δ` is what is the module's own. Beside
//! others it takes `max(l, w (1 + u Σ q))`: launches hide the delay of a module that is seldom busy. The group takes a fixed time
//! and the walk over all modules, see `timeline`.
//!
//! `l`, `w`, `δ` of each module, `γ` and the fixed time are fitted to groups alone, with no term that names a pair: a
//! mix that was never measured is predicted from what its members did in others. The form is our own.

mod buffers;
mod costs;
mod derivatives;
mod device;
mod fit;
mod residual;
mod tables;
mod timeline;

use std::sync::Arc;

use libm::log;
use rtmm_workload::parameters::{Declared, Integer, Schema};

use self::buffers::Buffers;
use self::costs::Costs;
use self::device::{Adaptation, StateSlopes};
use self::fit::Effort;
use self::residual::Residual;
use self::tables::Layout;
use super::descent::MAX_PARAMETERS;
use super::margin::{Margin, score};
use crate::score::quantile;
use crate::{Device, FitError, Group, Prediction, Predictor, PredictorRow, Query, QueryKind, Segment};

/// The least number of steps of a fit.
const MIN_STEPS: usize = 2_000;
/// Parts that the combinations are divided into for the upper bound. Their fits are a third as long: they want the spread of
/// errors, not the least error.
const FOLDS: usize = 3;
/// The least standard deviation of a prediction's logarithm: no measurement is repeated more exactly.
const MIN_DEVIATION: f64 = 0.01;
/// The standard deviation of a normal distribution over its median absolute deviation.
const NORMAL: f64 = 1.4826;

const PASSES: Integer<u32> =
    Integer::new("passes", "passes over the groups that are fitted to", 15, 1..=1000);

/// The rows of the registry: without and with a learned correction.
pub(super) fn rows() -> [PredictorRow; 2] {
    [
        row("module-rate", false)
            .with_summary("launch and work of each module, slowed down by the modules that run beside it"),
        row("boosted-residual", true)
            .with_summary("`module-rate`, corrected by boosted trees on features that name no model"),
    ]
}

/// The row that `best` is for segment groups.
pub(super) fn recommended() -> PredictorRow {
    let [_, boosted] = rows();
    boosted
}

fn row(name: &'static str, corrected: bool) -> PredictorRow {
    let schema = Schema::of(&[&[&PASSES as &dyn Declared]]);
    PredictorRow::new(name, schema, &[QueryKind::Group], move |parameters, training| {
        let measured = training.measurements.groups.iter();
        let groups: Vec<&Group> = measured.filter(|group| group.observed_us.is_some()).collect();
        if groups.is_empty() {
            return Err(FitError::NoRows { predictor: name, wants: QueryKind::Group.rows() });
        }
        let models = training.measurements.names.len();
        let has = Layout::of(groups.iter().flat_map(|group| group.segments.iter())).len();
        if has > MAX_PARAMETERS {
            return Err(FitError::TooManyModules { predictor: name, most: MAX_PARAMETERS, has });
        }
        let effort = Effort { passes: parameters.read(&PASSES) as usize, min_steps: MIN_STEPS };
        // What is left over on one device says nothing of another.
        let corrected = corrected && training.device == Device::Same;
        Ok(Box::new(ModuleRate::fit(&groups, effort, corrected, training.device, models)))
    })
}

/// A fitted predictor.
#[derive(Clone, Debug)]
struct ModuleRate {
    fitted: Arc<Fitted>,
    device: Adaptation,
    /// Standard deviation of a prediction's logarithm on the device of the fit.
    deviation: f64,
    margin: Margin,
}

/// Costs that a fit found, which no observation changes.
#[derive(Debug)]
struct Fitted {
    layout: Layout,
    costs: Costs,
    residual: Option<Residual>,
}

impl Fitted {
    fn to(groups: &[&Group], effort: Effort, corrected: bool, models: usize) -> Self {
        let layout = Layout::of(groups.iter().flat_map(|group| group.segments.iter()));
        let parameters = fit::fit(&layout, groups, effort);
        let mut fitted = Self { costs: Costs::of(&parameters), layout, residual: None };
        if corrected {
            let device = Adaptation::of(Device::Same, models);
            let (mut rows, mut errors) = (Vec::new(), Vec::new());
            for group in groups {
                let Some(observed) = group.observed_us else { continue };
                buffers::with(|buffers| {
                    fitted.fill(&group.segments, &device, buffers);
                    let fixed = fitted.fixed_us(&device);
                    let time = fixed + buffers.time();
                    rows.push(buffers.features(time, fixed));
                    errors.push(log(observed / time));
                });
            }
            fitted.residual = Some(Residual::fit(&rows, &errors));
        }
        fitted
    }

    /// Writes the segments in an order of their own, so that the order in which they are given changes no bit, and their
    /// modules.
    fn fill(&self, segments: &[Segment], device: &Adaptation, buffers: &mut Buffers) {
        buffers.start(segments);
        let Buffers { segments, ends, modules, .. } = buffers;
        for segment in segments {
            self.costs.append(&self.layout, segment, &device.scale(segment.model), modules);
            ends.push(modules.len());
        }
    }

    fn fixed_us(&self, device: &Adaptation) -> f64 {
        self.costs.fixed_us(&self.layout) * device.fixed()
    }

    /// Factor of a time by the walk, of which a part is fixed.
    fn correction(&self, buffers: &Buffers, time: f64, fixed: f64) -> f64 {
        self.residual.as_ref().map_or(1.0, |residual| residual.factor(&buffers.features(time, fixed)))
    }

    fn time_us(&self, segments: &[Segment], device: &Adaptation) -> f64 {
        buffers::with(|buffers| {
            self.fill(segments, device, buffers);
            let fixed = self.fixed_us(device);
            let time = fixed + buffers.time();
            time * self.correction(buffers, time, fixed)
        })
    }
}

impl ModuleRate {
    fn fit(groups: &[&Group], effort: Effort, corrected: bool, device: Device, models: usize) -> Self {
        let less = Effort { passes: effort.passes.div_ceil(FOLDS), min_steps: effort.min_steps / FOLDS };
        let ratios = held_out(groups, less, corrected, models);
        let mut errors: Vec<f64> = ratios.iter().map(|ratio| log(*ratio).abs()).collect();
        errors.sort_by(f64::total_cmp);
        let deviation = (NORMAL * quantile(&errors, 0.5)).max(MIN_DEVIATION);
        let margin = Margin::of_scores(ratios.iter().map(|ratio| score(1.0, deviation, *ratio)).collect());
        let fitted = Arc::new(Fitted::to(groups, effort, corrected, models));
        Self { fitted, device: Adaptation::of(device, models), deviation, margin }
    }

    /// Standard deviation of the logarithm of a prediction: that of the fit, and what is not yet known of the device.
    fn deviation(&self, segments: &[Segment]) -> f64 {
        let device = segments.iter().map(|segment| self.device.deviation(segment.model)).fold(0.0, f64::max);
        (self.deviation * self.deviation + device * device).sqrt()
    }

    fn learn(&mut self, segments: &[Segment], observed_us: f64) {
        let Self { fitted, device, .. } = self;
        let (layout, costs) = (&fitted.layout, &fitted.costs);
        let fixed = fitted.fixed_us(device);
        let mut slopes = StateSlopes::of(device.models());
        let predicted = buffers::with(|buffers| {
            fitted.fill(segments, device, buffers);
            let time = fixed + buffers.derive();
            let mut begin = 0;
            for (segment, &end) in buffers.segments.iter().zip(&buffers.ends) {
                let scale = device.scale(segment.model);
                let range = begin..end;
                begin = end;
                for (module, by) in buffers.modules[range.clone()].iter().zip(&buffers.slopes()[range]) {
                    let of_scale = costs.scale_slopes(layout, module, &scale, by);
                    slopes.add(segment.model, of_scale.map(|slope| slope / time));
                }
            }
            slopes.add_fixed(fixed / time);
            time * fitted.correction(buffers, time, fixed)
        });
        self.margin.observe(predicted, self.deviation(segments), observed_us);
        self.device.observe(&slopes, log(observed_us / predicted));
    }
}

/// Observed over predicted times, of each group by a fit to other combinations of models; where there are fewer
/// combinations than parts, to other groups.
fn held_out(groups: &[&Group], effort: Effort, corrected: bool, models: usize) -> Vec<f64> {
    let mut combinations: Vec<_> = groups.iter().map(|group| group.models()).collect();
    combinations.sort_unstable();
    combinations.dedup();
    let by_combination = combinations.len() >= FOLDS;
    let fold = |position: usize, group: &Group| {
        let key =
            if by_combination { combinations.binary_search(&group.models()).unwrap_or(0) } else { position };
        key % FOLDS
    };
    let folds: Vec<usize> =
        groups.iter().enumerate().map(|(position, group)| fold(position, group)).collect();
    let device = Adaptation::of(Device::Same, models);
    let mut ratios = Vec::with_capacity(groups.len());
    for part in 0..FOLDS {
        let of = |held: bool| {
            let groups = groups.iter().zip(&folds).filter(move |(_, fold)| (**fold == part) == held);
            groups.map(|(group, _)| *group).collect::<Vec<&Group>>()
        };
        let (fitted, held) = (of(false), of(true));
        if fitted.is_empty() {
            continue;
        }
        let fitted = Fitted::to(&fitted, effort, corrected, models);
        ratios.extend(held.iter().filter_map(|group| {
            group.observed_us.map(|observed| observed / fitted.time_us(&group.segments, &device))
        }));
    }
    ratios
}

impl Predictor for ModuleRate {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let Query::Group(segments) = query else { return None };
        let mean = self.fitted.time_us(segments, &self.device);
        Some(Prediction::new(mean, self.margin.upper(mean, self.deviation(segments))))
    }

    fn observe(&mut self, query: &Query<'_>, observed_us: f64) {
        if let Query::Group(segments) = query
            && observed_us.is_finite()
            && observed_us > 0.0
        {
            self.learn(segments, observed_us);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
