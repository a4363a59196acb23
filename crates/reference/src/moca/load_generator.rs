//! The load generator: what arrives, when, and how it is due.
//!
//! Four interleaved streams of tasks: in each, a task follows the one before it by its isolated latency, stretched, less
//! a random part. The arithmetic is of 32-bit floats, fused where the program's compiler fused it.

use super::nets::Net;
use super::scheduler::Task;

/// Tasks of a run.
pub const TASKS: usize = 250;
/// Tasks behind the last that take part in the sorting.
const SPARE: usize = 8;
const STREAMS: usize = 4;
/// Cycles from one stream to the next.
const STREAM_OFFSET_CYCLES: u64 = 50_000;
/// One step of the random part of an interval, in cycles.
const JITTER_CYCLES: f32 = 45_000.0;
const JITTER_STEPS: u32 = 20;
const SEED: u32 = 777;
/// Priorities with their weights.
pub const PRIORITY_WEIGHTS: [(u32, u32); 8] =
    [(0, 15), (1, 18), (2, 10), (4, 15), (6, 15), (8, 15), (9, 10), (11, 10)];

/// The nets of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkloadSet {
    /// Light nets.
    A,
    /// Heavy nets.
    B,
    /// All nets.
    C,
}

impl WorkloadSet {
    /// All sets.
    pub const ALL: [Self; 3] = [Self::A, Self::B, Self::C];

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        }
    }

    /// Its nets, in the order in which they are drawn.
    #[must_use]
    pub const fn nets(self) -> &'static [Net] {
        match self {
            Self::A => &[Net::Squeezenet, Net::Kws, Net::YoloLite],
            Self::B => &[Net::Resnet50, Net::Alexnet, Net::Googlenet, Net::Yolov2],
            Self::C => &Net::ALL,
        }
    }

    /// Stretch of intervals.
    #[must_use]
    pub const fn stretch(self) -> f32 {
        match self {
            Self::A => 0.92,
            Self::B => 1.42,
            Self::C => 1.22,
        }
    }
}

/// Quality of service: targets are loose or tight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// Loose targets.
    Low,
    /// The targets of the nets.
    Medium,
    /// Tight targets.
    High,
}

impl Qos {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "L",
            Self::Medium => "M",
            Self::High => "H",
        }
    }

    /// Factor of targets.
    #[must_use]
    pub const fn scale(self) -> f32 {
        match self {
            Self::Low => 1.2,
            Self::Medium => 1.0,
            Self::High => 0.8,
        }
    }

    /// The target of a net, in cycles from its dispatch.
    #[must_use]
    pub fn target_cycles(self, net: Net) -> u64 {
        (net.facts().target_cycles * self.scale()) as u64
    }
}

/// The program's generator of random numbers.
struct Random(u32);

impl Random {
    /// The upper eight bits of the next number, by `range`.
    fn below(&mut self, range: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 24) % range
    }

    /// One of the values, by its weight.
    fn weighted<T: Copy>(&mut self, values: impl Iterator<Item = (T, u32)> + Clone) -> Option<T> {
        let total = values.clone().map(|(_, weight)| weight).sum::<u32>().max(1);
        let mut draw = self.below(total);
        for (value, weight) in values {
            match draw.checked_sub(weight) {
                Some(rest) => draw = rest,
                None => return Some(value),
            }
        }
        None
    }
}

/// The tasks of a run, in the order in which they are dispatched. They do not depend on how tight targets are.
#[must_use]
pub fn tasks(set: WorkloadSet) -> Vec<Task> {
    let count = (TASKS + SPARE).next_multiple_of(STREAMS);
    let (mut choices, mut jitter) = (Random(SEED), Random(SEED));
    let weights = set.nets().iter().map(|net| (*net, net.facts().draw_weight));
    let mut tasks: Vec<Task> = Vec::with_capacity(count);
    while tasks.len() < count {
        let (Some(net), Some(priority)) =
            (choices.weighted(weights.clone()), choices.weighted(PRIORITY_WEIGHTS.into_iter()))
        else {
            break;
        };
        let dispatch_cycle = match tasks.len().checked_sub(STREAMS) {
            None => STREAM_OFFSET_CYCLES * tasks.len() as u64,
            Some(before) => next_dispatch(set, &tasks[before], jitter.below(JITTER_STEPS)),
        };
        tasks.push(Task { net, priority, dispatch_cycle });
    }
    tasks.truncate(TASKS + SPARE);
    // The program sorts by exchanging, which does not keep the order of equals.
    for first in 0..TASKS.min(tasks.len()) {
        for second in first + 1..tasks.len() {
            if tasks[first].dispatch_cycle > tasks[second].dispatch_cycle {
                tasks.swap(first, second);
            }
        }
    }
    tasks.truncate(TASKS);
    tasks
}

/// When the task behind `before` is dispatched, in the same stream.
fn next_dispatch(set: WorkloadSet, before: &Task, jitter: u32) -> u64 {
    let (spacing, dispatch) = (before.net.facts().spacing_cycles, before.dispatch_cycle as f32);
    let jitter = JITTER_CYCLES * jitter as f32;
    let next = match set {
        WorkloadSet::A | WorkloadSet::B => libm::fmaf(spacing, set.stretch(), dispatch) - jitter,
        // The compiler took the random part off first.
        WorkloadSet::C => libm::fmaf(spacing, set.stretch(), dispatch - jitter),
    };
    next as u64
}
