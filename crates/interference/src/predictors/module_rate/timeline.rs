//! The walk over the modules of concurrent segments.
//!
//! Each segment works through its modules in order. A module alone takes the longer of the time to launch its kernels and
//! the time that they keep the GPU busy; beside others the busy time stretches and the launch time does not. Between two
//! ends of modules every rate is constant, so the walk steps from one end to the next.

/// Softness of [`longer`] where both times are alike: a module whose launches take as long as its kernels takes 10 %
/// longer than either. Launches and kernels alternate within a module, so neither is hidden wholly.
pub(super) const SOFTNESS: f64 = 0.1;

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
    /// The [`spread`] of its launch time and its work.
    pub spread: f64,
}

impl Module {
    /// Its time alone, in microseconds.
    pub(super) fn alone(&self) -> f64 {
        longer(self.launch, self.work, self.spread)
    }

    /// Work beside a pressure, in microseconds.
    pub(super) fn stretched(&self, pressure: f64) -> f64 {
        self.work * (1.0 + self.yields * pressure)
    }

    /// Beside a pressure: the spread of its launch time and its work, and the time that it takes.
    fn beside(&self, pressure: f64) -> (f64, f64) {
        let stretched = self.stretched(pressure);
        let spread = spread(self.launch, stretched);
        (spread, longer(self.launch, stretched, spread))
    }
}

/// The longer of two times above 0 with a spread, smoothly: homogeneous, and differentiable where both are alike.
pub(super) fn longer(one: f64, other: f64, spread: f64) -> f64 {
    0.5 * (one + other + spread)
}

/// The difference of two times, smoothly: above 0 also where both are alike.
pub(super) fn spread(one: f64, other: f64) -> f64 {
    let between = one - other;
    (between * between + 4.0 * SOFTNESS * SOFTNESS * one * other).sqrt()
}

/// Segment in a walk: the modules that are left to it and the part of the first that is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    segment: usize,
    module: usize,
    end: usize,
    left: f64,
    /// Time that the whole module would take beside those that run now.
    takes: f64,
}

/// Module in progress in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Progress {
    /// The position of its segment in the group.
    pub segment: usize,
    /// Its position among the modules of the group.
    pub module: usize,
    /// The part of it that is left when the step begins.
    pub left: f64,
    /// The pressure of the others.
    pub pressure: f64,
    /// The [`spread`] of its launch time and its work beside them.
    pub spread: f64,
    /// Time that the whole module would take beside them.
    pub takes: f64,
}

/// Notes of a walk for its derivatives.
pub(super) trait Notes {
    /// A module in progress in the step that begins.
    fn progress(&mut self, progress: Progress);
    /// The end of the step: its length and which of the modules in progress has ended.
    fn end(&mut self, length: f64, ended: usize);
}

struct Nothing;

impl Notes for Nothing {
    fn progress(&mut self, _: Progress) {}
    fn end(&mut self, _: f64, _: usize) {}
}

/// Time until all segments have ended, in microseconds. `ends` has for each segment the position in `modules` behind its
/// last one; the first begins at 0 and each next one where the one before ends. `lanes` is a buffer.
pub(super) fn time(ends: &[usize], modules: &[Module], lanes: &mut Vec<Lane>) -> f64 {
    walk(ends, modules, lanes, &mut Nothing)
}

/// The same, with notes of its steps.
pub(super) fn walk(ends: &[usize], modules: &[Module], lanes: &mut Vec<Lane>, notes: &mut impl Notes) -> f64 {
    enter(ends, lanes);
    let mut time = 0.0;
    loop {
        let ended = match lanes.as_mut_slice() {
            [] => return time,
            [lane] => {
                one(lane, modules, &mut time, notes);
                0
            }
            [first, second] => two(first, second, modules, &mut time, notes),
            many => step(many, modules, &mut time, notes),
        };
        let lane = &lanes[ended];
        if lane.module == lane.end {
            lanes.remove(ended);
        }
    }
}

/// All segments that have modules, at their begin.
fn enter(ends: &[usize], lanes: &mut Vec<Lane>) {
    lanes.clear();
    let mut begin = 0;
    for (segment, &end) in ends.iter().enumerate() {
        if begin < end {
            lanes.push(Lane { segment, module: begin, end, left: 1.0, takes: 0.0 });
        }
        begin = end;
    }
}

/// Step of any number of segments from one end of a module to the next; the position of the segment whose module ended.
fn step(lanes: &mut [Lane], modules: &[Module], time: &mut f64, notes: &mut impl Notes) -> usize {
    let (mut ended, mut length) = (0, f64::INFINITY);
    for position in 0..lanes.len() {
        let mut pressure = 0.0;
        for (other, lane) in lanes.iter().enumerate() {
            if other != position {
                pressure += modules[lane.module].presses;
            }
        }
        let lane = &mut lanes[position];
        let (spread, takes) = modules[lane.module].beside(pressure);
        lane.takes = takes;
        let &mut Lane { segment, module, left, .. } = lane;
        notes.progress(Progress { segment, module, left, pressure, spread, takes });
        let until_end = left * takes;
        if until_end < length {
            (ended, length) = (position, until_end);
        }
    }
    notes.end(length, ended);
    *time += length;
    for (position, lane) in lanes.iter_mut().enumerate() {
        if position != ended {
            lane.left = (lane.left - length / lane.takes).max(0.0);
        }
    }
    let lane = &mut lanes[ended];
    lane.module += 1;
    lane.left = 1.0;
    ended
}

/// Steps of two segments, as [`step`] takes them, until one of them has ended; which one.
fn two(
    first: &mut Lane,
    second: &mut Lane,
    modules: &[Module],
    time: &mut f64,
    notes: &mut impl Notes,
) -> usize {
    let (mut one, mut other) = (first.module, second.module);
    let (mut left_one, mut left_other) = (first.left, second.left);
    let ended = loop {
        let (module, beside) = (&modules[one], &modules[other]);
        let (spread_one, takes_one) = module.beside(beside.presses);
        let (spread_other, takes_other) = beside.beside(module.presses);
        notes.progress(Progress {
            segment: first.segment,
            module: one,
            left: left_one,
            pressure: beside.presses,
            spread: spread_one,
            takes: takes_one,
        });
        notes.progress(Progress {
            segment: second.segment,
            module: other,
            left: left_other,
            pressure: module.presses,
            spread: spread_other,
            takes: takes_other,
        });
        let (until_one, until_other) = (left_one * takes_one, left_other * takes_other);
        if until_other < until_one {
            notes.end(until_other, 1);
            *time += until_other;
            left_one = (left_one - until_other / takes_one).max(0.0);
            left_other = 1.0;
            other += 1;
            if other == second.end {
                break 1;
            }
        } else {
            notes.end(until_one, 0);
            *time += until_one;
            left_other = (left_other - until_one / takes_other).max(0.0);
            left_one = 1.0;
            one += 1;
            if one == first.end {
                break 0;
            }
        }
    };
    (first.module, first.left) = (one, left_one);
    (second.module, second.left) = (other, left_other);
    ended
}

/// Steps of the last segment to its end.
fn one(lane: &mut Lane, modules: &[Module], time: &mut f64, notes: &mut impl Notes) {
    for (module, alone) in modules[lane.module..lane.end].iter().enumerate() {
        let (left, takes) = (lane.left, alone.alone());
        let module = lane.module + module;
        notes.progress(Progress {
            segment: lane.segment,
            module,
            left,
            pressure: 0.0,
            spread: alone.spread,
            takes,
        });
        notes.end(left * takes, 0);
        *time += left * takes;
        lane.left = 1.0;
    }
    lane.module = lane.end;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(launch: f64, work: f64, yields: f64, presses: f64) -> Module {
        Module { launch, work, yields, presses, spread: spread(launch, work) }
    }

    fn time(ends: &[usize], modules: &[Module]) -> f64 {
        super::time(ends, modules, &mut Vec::new())
    }

    #[test]
    fn modules_alone_take_the_longer_of_launch_and_work() {
        assert!((time(&[1], &[of(100.0, 1.0, 1.0, 1.0)]) - 100.0).abs() < 0.02);
        assert!((time(&[0, 1], &[of(1.0, 100.0, 1.0, 1.0)]) - 100.0).abs() < 0.02);
        assert_eq!(time(&[0, 0], &[]), 0.0);
    }

    #[test]
    fn two_that_share_fairly_take_twice_as_long_while_both_run() {
        let module = |work| of(1e-6, work, 1.0, 1.0);
        // 10 beside 20 for 20, then 10 alone.
        assert!((time(&[1, 2], &[module(10.0), module(20.0)]) - 30.0).abs() < 1e-3);
    }

    #[derive(Debug, Default, PartialEq)]
    struct All(Vec<Progress>, Vec<(f64, usize)>);

    impl Notes for All {
        fn progress(&mut self, progress: Progress) {
            self.0.push(progress);
        }

        fn end(&mut self, length: f64, ended: usize) {
            self.1.push((length, ended));
        }
    }

    /// The walk by nothing but [`step`], which knows no number of segments.
    fn plain(ends: &[usize], modules: &[Module], notes: &mut impl Notes) -> f64 {
        let (mut lanes, mut time) = (Vec::new(), 0.0);
        enter(ends, &mut lanes);
        while !lanes.is_empty() {
            let ended = step(&mut lanes, modules, &mut time, notes);
            if lanes[ended].module == lanes[ended].end {
                lanes.remove(ended);
            }
        }
        time
    }

    fn module() -> impl Strategy<Value = Module> {
        // Equal times are among them: then the first of the segments ends.
        let time = || prop_oneof![0.01..100.0_f64, Just(5.0)];
        (time(), time(), 0.0..1.0_f64, prop_oneof![0.0..3.0_f64, Just(0.5)])
            .prop_map(|(launch, work, yields, presses)| of(launch, work, yields, presses))
    }

    proptest! {
        #[test]
        fn one_and_two_segments_walk_as_any_number_does(segments in prop::collection::vec(prop::collection::vec(module(), 0..8), 0..5)) {
            let modules = segments.concat();
            let ends: Vec<usize> = (1..=segments.len()).map(|count| segments[..count].concat().len()).collect();
            let (mut fast, mut slow) = (All::default(), All::default());
            let walked = walk(&ends, &modules, &mut Vec::new(), &mut fast);
            prop_assert_eq!(walked.to_bits(), plain(&ends, &modules, &mut slow).to_bits());
            prop_assert_eq!(walked.to_bits(), time(&ends, &modules).to_bits());
            prop_assert_eq!(fast, slow);
        }
    }
}
