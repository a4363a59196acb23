//! The walk over the modules of concurrent segments, and its derivatives.
//!
//! Each segment works through its modules in order. A module alone takes the longer of the time to launch its kernels and
//! the time that they keep the GPU busy; beside others the busy time stretches and the launch time does not. Between two
//! ends of modules every rate is constant, so the walk steps from one end to the next.

/// Softness of [`longer`] where both times are alike: a module whose launches take as long as its kernels takes 10 %
/// longer than either. Launches and kernels alternate within a module, so neither is hidden wholly.
const SOFTNESS: f64 = 0.1;

/// Module of a segment as the walk needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Module {
    /// Time to launch its kernels, in microseconds.
    pub launch: f64,
    /// Time that they keep the GPU busy when alone, in microseconds.
    pub work: f64,
    /// Part of the pressure of others that stretches its work.
    pub yields: f64,
    /// Pressure on the work of others.
    pub presses: f64,
}

impl Module {
    /// Work beside a pressure, in microseconds.
    fn stretched(&self, pressure: f64) -> f64 {
        self.work * (1.0 + self.yields * pressure)
    }
}

/// The longer of two times above 0, smoothly: homogeneous, and differentiable where both are alike.
pub(super) fn longer(one: f64, other: f64) -> f64 {
    0.5 * (one + other + spread(one, other))
}

/// Derivatives of [`longer`] by its two arguments.
pub(super) fn longer_slopes(one: f64, other: f64) -> (f64, f64) {
    let (spread, soft) = (spread(one, other), 2.0 * SOFTNESS * SOFTNESS);
    (0.5 * (1.0 + (one - other + soft * other) / spread), 0.5 * (1.0 + (other - one + soft * one) / spread))
}

fn spread(one: f64, other: f64) -> f64 {
    let between = one - other;
    (between * between + 4.0 * SOFTNESS * SOFTNESS * one * other).sqrt()
}

/// Segment in a walk: the modules that are left to it and the part of the first that is left.
#[derive(Clone, Copy, Debug)]
struct Lane {
    segment: usize,
    module: usize,
    end: usize,
    left: f64,
    /// Time that the whole module would take beside those that run now.
    takes: f64,
}

/// Notes of a walk for its derivatives.
trait Notes {
    /// A module in progress in the step that begins.
    fn progress(&mut self, lane: &Lane, pressure: f64, takes: f64);
    /// The end of the step: its length and which of the modules in progress has ended.
    fn end(&mut self, length: f64, ended: usize);
}

struct Nothing;

impl Notes for Nothing {
    fn progress(&mut self, _: &Lane, _: f64, _: f64) {}
    fn end(&mut self, _: f64, _: usize) {}
}

/// Time until all segments have ended, in microseconds. `ends` has for each segment the position in `modules` behind its
/// last one; the first begins at 0 and each next one where the one before ends.
pub(super) fn time(ends: &[usize], modules: &[Module]) -> f64 {
    walk(ends, modules, &mut Nothing)
}

fn walk(ends: &[usize], modules: &[Module], notes: &mut impl Notes) -> f64 {
    let mut lanes = Vec::with_capacity(ends.len());
    let mut begin = 0;
    for (segment, &end) in ends.iter().enumerate() {
        if begin < end {
            lanes.push(Lane { segment, module: begin, end, left: 1.0, takes: 0.0 });
        }
        begin = end;
    }
    let mut time = 0.0;
    while !lanes.is_empty() {
        let (mut ended, mut length) = (0, f64::INFINITY);
        for position in 0..lanes.len() {
            let mut pressure = 0.0;
            for (other, lane) in lanes.iter().enumerate() {
                if other != position {
                    pressure += modules[lane.module].presses;
                }
            }
            let lane = &mut lanes[position];
            let module = &modules[lane.module];
            lane.takes = longer(module.launch, module.stretched(pressure));
            notes.progress(lane, pressure, lane.takes);
            let until_end = lane.left * lane.takes;
            if until_end < length {
                (ended, length) = (position, until_end);
            }
        }
        notes.end(length, ended);
        time += length;
        for (position, lane) in lanes.iter_mut().enumerate() {
            if position != ended {
                lane.left = (lane.left - length / lane.takes).max(0.0);
            }
        }
        let lane = &mut lanes[ended];
        lane.module += 1;
        lane.left = 1.0;
        if lane.module == lane.end {
            lanes.remove(ended);
        }
    }
    time
}

/// Module in progress in a step.
#[derive(Clone, Copy, Debug)]
struct Progress {
    segment: usize,
    module: usize,
    left: f64,
    pressure: f64,
    takes: f64,
}

/// Step from one end of a module to the next.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// The first of its modules in progress, in [`Derivatives::progress`].
    first: usize,
    /// The number of them.
    count: usize,
    /// The one that ended, counted from the first.
    ended: usize,
    length: f64,
}

/// Derivatives of the time by what the modules are, by reverse accumulation. The buffers are kept from one group to the
/// next.
#[derive(Debug, Default)]
pub(super) struct Derivatives {
    progress: Vec<Progress>,
    steps: Vec<Step>,
    left: Vec<f64>,
    /// Derivatives by each module of the group, in the order in which they were given.
    pub modules: Vec<Module>,
}

impl Notes for Derivatives {
    fn progress(&mut self, lane: &Lane, pressure: f64, takes: f64) {
        let &Lane { segment, module, left, .. } = lane;
        self.progress.push(Progress { segment, module, left, pressure, takes });
    }

    fn end(&mut self, length: f64, ended: usize) {
        let first = self.steps.last().map_or(0, |step| step.first + step.count);
        let count = self.progress.len() - first;
        self.steps.push(Step { first, count, ended, length });
    }
}

impl Derivatives {
    /// Time until all segments have ended, as [`time`] has it, and its derivatives in [`Self::modules`].
    pub(super) fn of(&mut self, ends: &[usize], modules: &[Module]) -> f64 {
        self.progress.clear();
        self.steps.clear();
        let time = walk(ends, modules, self);
        self.modules.clear();
        self.modules.resize(modules.len(), Module::default());
        self.left.clear();
        self.left.resize(ends.len(), 0.0);
        for step in self.steps.iter().rev() {
            let in_progress = &self.progress[step.first..step.first + step.count];
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
                    longer_slopes(module.launch, module.stretched(progress.pressure));
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
    use super::*;

    const ENDS: [usize; 3] = [2, 3, 5];

    fn modules() -> Vec<Module> {
        let of = |launch, work, yields, presses| Module { launch, work, yields, presses };
        vec![
            of(3.0, 1.0, 0.2, 0.5),
            of(2.0, 4.0, 0.9, 1.2),
            of(5.0, 5.5, 0.7, 0.8),
            of(1.0, 0.3, 0.1, 0.1),
            of(2.5, 2.0, 0.6, 0.9),
        ]
    }

    #[test]
    fn modules_alone_take_the_longer_of_launch_and_work() {
        let module = Module { launch: 100.0, work: 1.0, yields: 1.0, presses: 1.0 };
        assert!((time(&[1], &[module]) - 100.0).abs() < 0.02);
        let module = Module { launch: 1.0, work: 100.0, ..module };
        assert!((time(&[0, 1], &[module]) - 100.0).abs() < 0.02);
        assert_eq!(time(&[0, 0], &[]), 0.0);
    }

    #[test]
    fn two_that_share_fairly_take_twice_as_long_while_both_run() {
        let module = |work| Module { launch: 1e-6, work, yields: 1.0, presses: 1.0 };
        // 10 beside 20 for 20, then 10 alone.
        assert!((time(&[1, 2], &[module(10.0), module(20.0)]) - 30.0).abs() < 1e-3);
    }

    #[test]
    fn derivatives_are_those_of_small_differences() {
        let modules = modules();
        let mut derivatives = Derivatives::default();
        assert_eq!(derivatives.of(&ENDS, &modules), time(&ENDS, &modules));
        let fields: [fn(&mut Module) -> &mut f64; 4] =
            [|m| &mut m.launch, |m| &mut m.work, |m| &mut m.yields, |m| &mut m.presses];
        for position in 0..modules.len() {
            for field in fields {
                let shifted = |by: f64| {
                    let mut modules = modules.clone();
                    *field(&mut modules[position]) += by;
                    time(&ENDS, &modules)
                };
                let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                let exact = *field(&mut derivatives.modules[position]);
                assert!((numeric - exact).abs() < 1e-6, "{position}: {numeric} for {exact}");
            }
        }
    }
}
