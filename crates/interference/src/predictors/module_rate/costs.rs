//! Modules from parameters, and derivatives by parameters from those by modules.

use libm::exp;

use super::tables::{Layout, Place};
use super::timeline::{Module, longer, longer_slopes};

/// Parameters as they are used: exponentials of the logarithms that are fitted.
#[derive(Clone, Debug)]
pub(super) struct Costs {
    values: Vec<f64>,
}

/// Factors of another device; 1 for that of the measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// Of launch times.
    pub launch: f64,
    /// Of work.
    pub work: f64,
    /// Of the limit of the pressure.
    pub limit: f64,
}

impl Scale {
    pub(super) const SAME: Self = Self { launch: 1.0, work: 1.0, limit: 1.0 };
}

/// A module with what its parameters come from.
#[derive(Clone, Copy, Debug)]
struct Parts {
    module: Module,
    deviation: f64,
    /// The part of its time alone that it keeps the GPU busy.
    busy: f64,
    /// One less that part, at the limit of the pressure.
    idle: f64,
    limit: f64,
}

impl Parts {
    fn of(launch: f64, work: f64, deviation: f64, limit: f64) -> Self {
        let busy = work / longer(launch, work);
        let idle = 1.0 - busy + busy / limit;
        let module = Module { launch, work, yields: busy, presses: deviation * busy.sqrt() / idle };
        Self { module, deviation, busy, idle, limit }
    }

    /// Derivatives by the logarithms of launch time, work, deviation and limit.
    fn slopes(&self, by: &Module) -> [f64; 4] {
        let Module { launch, work, presses, .. } = self.module;
        let alone = longer(launch, work);
        let (by_launch, by_work) = longer_slopes(launch, work);
        let by_busy =
            by.yields + by.presses * presses * (0.5 / self.busy + (1.0 - 1.0 / self.limit) / self.idle);
        let by_alone = -by_busy * self.busy / alone;
        [
            (by.launch + by_alone * by_launch) * launch,
            (by.work + by_busy / alone + by_alone * by_work) * work,
            by.presses * presses,
            by.presses * presses * self.busy / self.limit / self.idle,
        ]
    }
}

impl Costs {
    pub(super) fn of(parameters: &[f64]) -> Self {
        Self { values: parameters.iter().map(|logarithm| exp(*logarithm)).collect() }
    }

    /// The same for changed parameters, in place.
    pub(super) fn update(&mut self, parameters: &[f64]) {
        for (value, logarithm) in self.values.iter_mut().zip(parameters) {
            *value = exp(*logarithm);
        }
    }

    /// The fixed time of a group, in microseconds.
    pub(super) fn fixed_us(&self, layout: &Layout) -> f64 {
        self.values[layout.fixed()]
    }

    fn parts(&self, layout: &Layout, place: &Place, scale: &Scale) -> Parts {
        let launch = self.values[place.launch] * scale.launch;
        let between = |index: fn(&Layout, usize) -> usize| {
            let low = self.values[index(layout, place.low)];
            if place.part == 0.0 {
                low
            } else {
                low + place.part * (self.values[index(layout, place.high)] - low)
            }
        };
        let work = between(Layout::work) * place.beyond * scale.work;
        Parts::of(launch, work, between(Layout::deviation), self.values[layout.limit()] * scale.limit)
    }

    /// The module at a place.
    pub(super) fn module(&self, layout: &Layout, place: &Place, scale: &Scale) -> Module {
        self.parts(layout, place, scale).module
    }

    /// Adds derivatives by a module to those by the parameters that it comes from.
    pub(super) fn add_slopes(&self, layout: &Layout, place: &Place, by: &Module, slopes: &mut [f64]) {
        let parts = self.parts(layout, place, &Scale::SAME);
        let [by_launch, by_work, by_deviation, by_limit] = parts.slopes(by);
        slopes[place.launch] += by_launch;
        slopes[layout.limit()] += by_limit;
        for (index, whole, by) in [
            (Layout::work as fn(&Layout, usize) -> usize, parts.module.work / place.beyond, by_work),
            (Layout::deviation, parts.deviation, by_deviation),
        ] {
            if place.part == 0.0 {
                slopes[index(layout, place.low)] += by;
            } else {
                // The derivative by the logarithm of an end of a line is that by its value at the end, times its share.
                let at = |place| self.values[index(layout, place)] / whole;
                slopes[index(layout, place.low)] += by * (1.0 - place.part) * at(place.low);
                slopes[index(layout, place.high)] += by * place.part * at(place.high);
            }
        }
    }

    /// Derivatives by the logarithms of a device's factors, of launch time, work and limit, from those by a module.
    pub(super) fn scale_slopes(
        &self,
        layout: &Layout,
        place: &Place,
        scale: &Scale,
        by: &Module,
    ) -> [f64; 3] {
        let [by_launch, by_work, _, by_limit] = self.parts(layout, place, scale).slopes(by);
        [by_launch, by_work, by_limit]
    }
}
