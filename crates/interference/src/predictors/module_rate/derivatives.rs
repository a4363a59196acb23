//! Derivatives of the time of a walk, see `timeline`.

use super::timeline::{Lane, Module, Notes, Progress, SOFTNESS, walk};

/// Derivatives of a time by what a module is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Slopes {
    pub launch: f64,
    pub work: f64,
    pub yields: f64,
    pub presses: f64,
}

/// Derivatives of [`longer`](super::timeline::longer) by the two times.
pub(super) fn longer_slopes(one: f64, other: f64, spread: f64) -> (f64, f64) {
    let soft = 2.0 * SOFTNESS * SOFTNESS;
    (0.5 * (1.0 + (one - other + soft * other) / spread), 0.5 * (1.0 + (other - one + soft * one) / spread))
}

/// Step from one end of a module to the next.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// The first of its modules in progress, in [`Derivatives::progress`].
    first: usize,
    /// The one that ended, counted from the first.
    ended: usize,
    length: f64,
}

/// Derivatives of the time by what the modules are, by reverse accumulation. The buffers are kept from one group to the
/// next.
#[derive(Debug, Default)]
pub(super) struct Derivatives {
    lanes: Vec<Lane>,
    progress: Vec<Progress>,
    steps: Vec<Step>,
    left: Vec<f64>,
    /// Derivatives by each module of the group, in the order in which they were given.
    pub modules: Vec<Slopes>,
}

/// Notes in the buffers of derivatives.
struct Kept<'d> {
    progress: &'d mut Vec<Progress>,
    steps: &'d mut Vec<Step>,
    first: usize,
}

impl Notes for Kept<'_> {
    fn progress(&mut self, progress: Progress) {
        self.progress.push(progress);
    }

    fn end(&mut self, length: f64, ended: usize) {
        self.steps.push(Step { first: self.first, ended, length });
        self.first = self.progress.len();
    }
}

impl Derivatives {
    /// Time until all segments have ended, as [`time`](super::timeline::time) has it, and its derivatives in
    /// [`Self::modules`].
    pub(super) fn of(&mut self, ends: &[usize], modules: &[Module]) -> f64 {
        self.progress.clear();
        self.steps.clear();
        let mut notes = Kept { progress: &mut self.progress, steps: &mut self.steps, first: 0 };
        let time = walk(ends, modules, &mut self.lanes, &mut notes);
        self.modules.clear();
        self.modules.resize(modules.len(), Slopes::default());
        self.left.clear();
        self.left.resize(ends.len(), 0.0);
        let mut behind = self.progress.len();
        for step in self.steps.iter().rev() {
            let in_progress = &self.progress[step.first..behind];
            behind = step.first;
            // What a longer step is worth: itself, less what it takes off the modules that go on.
            let mut by_length = 1.0;
            for (position, module) in in_progress.iter().enumerate() {
                if position != step.ended {
                    by_length -= self.left[module.segment] / module.takes;
                }
            }
            for (position, progress) in in_progress.iter().enumerate() {
                let by_takes = if position == step.ended {
                    self.left[progress.segment] = by_length * progress.takes;
                    by_length * progress.left
                } else {
                    self.left[progress.segment] * step.length / (progress.takes * progress.takes)
                };
                let module = &modules[progress.module];
                let (by_launch, by_stretched) =
                    longer_slopes(module.launch, module.stretched(progress.pressure), progress.spread);
                let by_stretched = by_takes * by_stretched;
                let slopes = &mut self.modules[progress.module];
                slopes.launch += by_takes * by_launch;
                slopes.work += by_stretched * (1.0 + module.yields * progress.pressure);
                slopes.yields += by_stretched * module.work * progress.pressure;
                let by_pressure = by_stretched * module.work * module.yields;
                for (other, beside) in in_progress.iter().enumerate() {
                    if other != position {
                        self.modules[beside.module].presses += by_pressure;
                    }
                }
            }
        }
        time
    }
}

#[cfg(test)]
mod tests {
    use super::super::timeline::{spread, time};
    use super::*;

    const ENDS: [usize; 3] = [2, 3, 5];

    /// Modules by launch time, work, what they yield and what they press.
    const MODULES: [[f64; 4]; 5] = [
        [3.0, 1.0, 0.2, 0.5],
        [2.0, 4.0, 0.9, 1.2],
        [5.0, 5.5, 0.7, 0.8],
        [1.0, 0.3, 0.1, 0.1],
        [2.5, 2.0, 0.6, 0.9],
    ];

    fn modules(of: &[[f64; 4]]) -> Vec<Module> {
        let module = |&[launch, work, yields, presses]: &[f64; 4]| Module {
            launch,
            work,
            yields,
            presses,
            spread: spread(launch, work),
        };
        of.iter().map(module).collect()
    }

    #[test]
    fn derivatives_are_those_of_small_differences() {
        let time = |of: &[[f64; 4]]| time(&ENDS, &modules(of), &mut Vec::new());
        let mut derivatives = Derivatives::default();
        assert_eq!(derivatives.of(&ENDS, &modules(&MODULES)), time(&MODULES));
        for (position, by) in derivatives.modules.iter().enumerate() {
            for (field, exact) in [by.launch, by.work, by.yields, by.presses].into_iter().enumerate() {
                let shifted = |by: f64| {
                    let mut of = MODULES;
                    of[position][field] += by;
                    time(&of)
                };
                let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                assert!((numeric - exact).abs() < 1e-6, "{position}: {numeric} for {exact}");
            }
        }
    }
}
