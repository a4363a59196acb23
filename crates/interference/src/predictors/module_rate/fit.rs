//! Fit of the parameters to groups.

use libm::log;

use super::costs::{Costs, Scale};
use super::derivatives::{Derivatives, Slopes};
use super::tables::Layout;
use super::timeline::Module;
use crate::Group;
use crate::predictors::descent::{BATCH, descend};

/// Relative error from which on the loss grows linearly: that of a repeated measurement.
const HUBER: f64 = 0.03;
/// Weight of the difference between neighbours.
const ALIKE: f64 = 1e-6;
/// Weight of a pressure's deviation.
const DEVIATION: f64 = 1e-5;
/// The limit of the pressure at the start: beside a module that is always busy, half of the GPU and some loss.
const LIMIT: f64 = 1.5;

/// Length of a fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Passes over the groups.
    pub passes: usize,
    /// The least number of steps, however few groups there are.
    pub min_steps: usize,
}

/// Fits the parameters of a layout to groups that were measured.
pub(super) fn fit(layout: &Layout, groups: &[&Group], effort: Effort) -> Vec<f64> {
    let mut parameters = start(layout, groups);
    let neighbours = layout.neighbours();
    let batches = groups.len().div_ceil(BATCH);
    let passes = effort.passes.max(effort.min_steps.div_ceil(batches.max(1)));
    let mut gradient = Gradient::of(layout, &parameters);
    descend(&mut parameters, groups.len(), passes, "module-rate", |parameters, batch, slopes| {
        gradient.start(parameters);
        for &index in batch {
            gradient.add(layout, groups[index]);
        }
        slopes.copy_from_slice(&gradient.slopes);
        slopes.iter_mut().for_each(|slope| *slope /= batch.len() as f64);
        for &(one, other, larger) in &neighbours {
            let difference = ALIKE * (parameters[other] - parameters[one] - larger);
            slopes[other] += difference;
            slopes[one] -= difference;
        }
        for deviation in layout.deviation(0)..layout.limit() {
            slopes[deviation] += DEVIATION * parameters[deviation];
        }
    });
    layout.fill_typical(&mut parameters);
    parameters
}

/// Parameters to start from: every module launches as long as the mean one, and works as long at the largest size.
fn start(layout: &Layout, groups: &[&Group]) -> Vec<f64> {
    let (mut time, mut modules, mut least) = (0.0, 0.0, f64::INFINITY);
    for group in groups {
        let Some(observed) = group.observed_us else { continue };
        time += observed;
        modules +=
            group.segments.iter().map(|segment| segment.end - segment.start).max().map_or(0.0, f64::from);
        least = observed.min(least);
    }
    let mean = log((time / f64::max(modules, 1.0)).clamp(1e-3, 1e12));
    let mut parameters = vec![0.0; layout.len()];
    parameters[..layout.deviation(0)].fill(mean);
    layout.halve_work(&mut parameters);
    parameters[layout.limit()] = log(LIMIT);
    parameters[layout.fixed()] = log(0.5 * least.clamp(1e-3, 1e12));
    parameters
}

/// Derivatives of the loss of a batch by the parameters.
struct Gradient {
    costs: Costs,
    slopes: Vec<f64>,
    places: Vec<super::tables::Place>,
    modules: Vec<Module>,
    ends: Vec<usize>,
    derivatives: Derivatives,
}

impl Gradient {
    fn of(layout: &Layout, parameters: &[f64]) -> Self {
        Self {
            costs: Costs::of(parameters),
            slopes: vec![0.0; layout.len()],
            places: Vec::new(),
            modules: Vec::new(),
            ends: Vec::new(),
            derivatives: Derivatives::default(),
        }
    }

    fn start(&mut self, parameters: &[f64]) {
        self.costs.update(parameters);
        self.slopes.fill(0.0);
    }

    /// Adds those of one group.
    fn add(&mut self, layout: &Layout, group: &Group) {
        let Some(observed) = group.observed_us else { return };
        self.places.clear();
        self.ends.clear();
        for segment in &group.segments {
            self.places.extend(layout.places(segment));
            self.ends.push(self.places.len());
        }
        self.modules.clear();
        let (costs, places) = (&self.costs, &self.places);
        self.modules.extend(places.iter().map(|place| costs.module(layout, place, &Scale::SAME)));
        let fixed = costs.fixed_us(layout);
        let time = fixed + self.derivatives.of(&self.ends, &self.modules);
        let error = log(time / observed);
        let part = error / HUBER;
        let by_time = part / (1.0 + part * part).sqrt() / time;
        for (place, by) in places.iter().zip(&self.derivatives.modules) {
            let by = Slopes {
                launch: by_time * by.launch,
                work: by_time * by.work,
                yields: by_time * by.yields,
                presses: by_time * by.presses,
            };
            costs.add_slopes(layout, place, &by, &mut self.slopes);
        }
        self.slopes[layout.fixed()] += by_time * fixed;
    }
}
