//! Modules from parameters, and derivatives by parameters from those by modules.

use libm::exp;

use super::derivatives::{Slopes, longer_slopes};
use super::tables::{Layout, Place, Row};
use super::timeline::{Module, longer, spread};
use crate::Segment;

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

/// Modules that are made together.
const BLOCK: usize = 4;

impl Module {
    fn of(launch: f64, work: f64, deviation: f64, limit: f64) -> Self {
        let spread = spread(launch, work);
        let busy = work / longer(launch, work, spread);
        let presses = deviation * busy.sqrt() / idle(busy, limit);
        Self { launch, work, yields: busy, presses, spread }
    }

    /// The same as [`Module::of`] for each of a block, in steps that a processor takes for several at once.
    #[inline]
    fn block(launch: [f64; BLOCK], work: [f64; BLOCK], deviation: [f64; BLOCK], limit: f64) -> [Self; BLOCK] {
        let spread = zipped(launch, work, spread);
        let alone = zipped(zipped(launch, work, |one, other| one + other), spread, |sum, spread| {
            0.5 * (sum + spread)
        });
        let busy = zipped(work, alone, |work, alone| work / alone);
        let pressure = zipped(deviation, busy, |deviation, busy| deviation * busy.sqrt());
        let presses = zipped(pressure, busy, |pressure, busy| pressure / idle(busy, limit));
        std::array::from_fn(|at| Self {
            launch: launch[at],
            work: work[at],
            yields: busy[at],
            presses: presses[at],
            spread: spread[at],
        })
    }

    /// Derivatives by the logarithms of launch time, work, deviation and limit.
    fn slopes(&self, limit: f64, by: &Slopes) -> [f64; 4] {
        let &Self { launch, work, yields: busy, presses, spread } = self;
        let idle = idle(busy, limit);
        let alone = self.alone();
        let (by_launch, by_work) = longer_slopes(launch, work, spread);
        let by_busy = by.yields + by.presses * presses * (0.5 / busy + (1.0 - 1.0 / limit) / idle);
        let by_alone = -by_busy * busy / alone;
        [
            (by.launch + by_alone * by_launch) * launch,
            (by.work + by_busy / alone + by_alone * by_work) * work,
            by.presses * presses,
            by.presses * presses * busy / limit / idle,
        ]
    }
}

/// One less the part of its time alone that a module keeps the GPU busy, at the limit of the pressure.
fn idle(busy: f64, limit: f64) -> f64 {
    1.0 - busy + busy / limit
}

fn zipped<const N: usize>(one: [f64; N], other: [f64; N], of: impl Fn(f64, f64) -> f64) -> [f64; N] {
    std::array::from_fn(|at| of(one[at], other[at]))
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

    fn limit(&self, layout: &Layout, scale: &Scale) -> f64 {
        self.values[layout.limit()] * scale.limit
    }

    /// A value that is known at two sizes, between them.
    fn between(&self, place: &Place, index: impl Fn(usize) -> usize) -> f64 {
        let low = self.values[index(place.low)];
        if place.part == 0.0 { low } else { low + place.part * (self.values[index(place.high)] - low) }
    }

    /// The module at a place.
    pub(super) fn module(&self, layout: &Layout, place: &Place, scale: &Scale) -> Module {
        let launch = self.values[place.launch] * scale.launch;
        let work = self.between(place, |index| layout.work(index)) * place.beyond * scale.work;
        let deviation = self.between(place, |index| layout.deviation(index));
        Module::of(launch, work, deviation, self.limit(layout, scale))
    }

    /// Appends the modules of a segment: those at its places, to the bit, from the rows that hold them side by side.
    pub(super) fn append(
        &self,
        layout: &Layout,
        segment: &Segment,
        scale: &Scale,
        modules: &mut Vec<Module>,
    ) {
        let Some(Row { first, count, repeats }) = layout.row(segment) else { return };
        let limit = self.limit(layout, scale);
        let row = |from: usize| self.values[from..from + count].as_chunks::<BLOCK>();
        let (launches, rest) = row(first.launch);
        let (work_low, _) = row(layout.work(first.low));
        let (work_high, _) = row(layout.work(first.high));
        let (deviation_low, _) = row(layout.deviation(first.low));
        let (deviation_high, _) = row(layout.deviation(first.high));
        // Nothing of the way between two sizes is the value at the lower one, exactly.
        let between = |low: &[f64; BLOCK], high: &[f64; BLOCK]| {
            zipped(*low, *high, |low, high| low + first.part * (high - low))
        };
        for ((((launch, work_low), work_high), deviation_low), deviation_high) in
            launches.iter().zip(work_low).zip(work_high).zip(deviation_low).zip(deviation_high)
        {
            modules.extend_from_slice(&Module::block(
                launch.map(|launch| launch * scale.launch),
                between(work_low, work_high).map(|work| work * first.beyond * scale.work),
                between(deviation_low, deviation_high),
                limit,
            ));
        }
        for module in count - rest.len()..count {
            modules.push(self.module(layout, &first.next(module), scale));
        }
        if let Some(last) = modules.last().copied() {
            modules.extend(std::iter::repeat_n(last, repeats));
        }
    }

    /// Adds derivatives by a module to those by the parameters that it comes from.
    pub(super) fn add_slopes(&self, layout: &Layout, place: &Place, by: &Slopes, slopes: &mut [f64]) {
        let module = self.module(layout, place, &Scale::SAME);
        let [by_launch, by_work, by_deviation, by_limit] =
            module.slopes(self.limit(layout, &Scale::SAME), by);
        slopes[place.launch] += by_launch;
        slopes[layout.limit()] += by_limit;
        let deviation = self.between(place, |index| layout.deviation(index));
        for (index, whole, by) in [
            (Layout::work as fn(&Layout, usize) -> usize, module.work / place.beyond, by_work),
            (Layout::deviation, deviation, by_deviation),
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
        module: &Module,
        scale: &Scale,
        by: &Slopes,
    ) -> [f64; 3] {
        let [by_launch, by_work, _, by_limit] = module.slopes(self.limit(layout, scale), by);
        [by_launch, by_work, by_limit]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ModelKey, Names};

    fn segment(model: ModelKey, start: u32, length: u32, batch: u32) -> Segment {
        Segment { model, start, end: start + length, batch, sequence: 0 }
    }

    /// Keys of two models that were seen and of one that was not.
    fn keys() -> [ModelKey; 3] {
        let mut names = Names::default();
        ["one", "other", "unseen"].map(|name| names.key(name))
    }

    proptest! {
        #[test]
        fn rows_are_the_modules_at_their_places_to_the_bit(
            logarithms in prop::collection::vec(-3.0..3.0_f64, 200),
            model in 0..3_usize,
            (start, length) in (0_u32..14, 0_u32..14),
            batch in 1_u32..80,
            (launch, work, limit) in (0.1..10.0_f64, 0.1..10.0_f64, 0.5..2.0_f64),
        ) {
            let [one, other, _] = keys();
            let seen = [segment(one, 0, 11, 2), segment(one, 0, 9, 16), segment(other, 0, 3, 4)];
            let layout = Layout::of(seen.iter());
            let costs = Costs::of(&logarithms[..layout.len()]);
            let segment = segment(keys()[model], start, length, batch);
            let scale = Scale { launch, work, limit };
            let mut modules = vec![Module::default()];
            costs.append(&layout, &segment, &scale, &mut modules);
            let places = layout.places(&segment).map(|place| costs.module(&layout, &place, &scale));
            prop_assert_eq!(&modules[1..], places.collect::<Vec<_>>());
        }
    }
}
