//! Repair: a search among lists, each a list of jobs with a rule for each, that begins where jobs were late.
//!
//! A step moves a late job forward, what it needs before it, changes rules or exchanges neighbours, and makes the list
//! schedule again. It is kept if no more is late, and of as much what is late is nearer to being in time; now and then also if
//! not.

use super::list::{RULES, make};
use super::plan::{Draft, Plan};

/// Steps without a better schedule after which the best list is taken up again.
const PATIENCE: u32 = 150;
/// One step of so many that are worse is kept.
const WORSE: usize = 24;

/// Jobs in the order in which they are placed, and the rules of each, by job.
#[derive(Clone)]
struct List {
    order: Vec<usize>,
    rules: Vec<usize>,
}

/// Searches from an order of jobs until a schedule has no more late than `enough`. Keeps the best.
pub(crate) fn repair(
    plan: &Plan<'_>,
    best: &mut Draft,
    order: Vec<usize>,
    (enough, steps): (u64, u32),
    stop: &dyn Fn() -> bool,
) {
    let mut noise = Noise(0);
    let mut draft = Draft::new(plan);
    let mut current = List { rules: vec![0; order.len()], order };
    let (mut least, mut at_least) = ((u64::MAX, u64::MAX), current.clone());
    let (mut now, mut since) = (least, 0);
    for _ in 0..steps {
        if best.late(plan) <= enough || stop() {
            return;
        }
        let next = step(plan, &draft, &current, &mut noise);
        make(plan, &mut draft, &next.order, |job| &RULES[next.rules[job]], stop);
        let value = (draft.late(plan), draft.shortfall(plan));
        if value.0 < best.late(plan) {
            best.clone_from(&draft);
        }
        since += 1;
        if value <= now || noise.below(WORSE) == 0 {
            (now, current) = (value, next);
        }
        if value < least {
            (least, at_least, since) = (value, current.clone(), 0);
        }
        if since > PATIENCE {
            (now, current, since) = (least, at_least.clone(), 0);
        }
    }
}

/// A list near to the current one, whose schedule, or that of one near to it, is `draft`.
fn step(plan: &Plan<'_>, draft: &Draft, current: &List, noise: &mut Noise) -> List {
    let mut next = current.clone();
    let jobs = next.order.len();
    if jobs == 0 {
        return next;
    }
    let late: Vec<usize> = next.order.iter().copied().filter(|job| draft.is_late(plan, *job)).collect();
    if !late.is_empty() && noise.below(4) > 0 {
        let job = late[noise.below(late.len())];
        forward(plan, &mut next.order, job, noise);
        if noise.below(2) == 0 {
            next.rules[job] = noise.below(RULES.len());
        }
    }
    // Some other jobs make room.
    for _ in 0..=noise.below(3) {
        let job = noise.below(jobs);
        match noise.below(3) {
            0 => next.rules[job] = noise.below(RULES.len()),
            1 if job + 1 < jobs => next.order.swap(job, job + 1),
            _ => {
                let moved = next.order.remove(job);
                next.order.insert(noise.below(jobs), moved);
            }
        }
    }
    next
}

/// Moves a job forward by a part of the way, and what it needs with it.
fn forward(plan: &Plan<'_>, order: &mut Vec<usize>, job: usize, noise: &mut Noise) {
    let mut moved = vec![job];
    let mut at = 0;
    while let Some(next) = moved.get(at).copied() {
        let new: Vec<usize> =
            plan.jobs[next].needs.iter().copied().filter(|needed| !moved.contains(needed)).collect();
        moved.extend(new);
        at += 1;
    }
    let Some(position) = order.iter().position(|other| *other == job) else { return };
    let to = noise.below(position + 1);
    for job in moved {
        if let Some(position) = order.iter().position(|other| *other == job).filter(|from| *from > to) {
            order.remove(position);
            order.insert(to, job);
        }
    }
}

/// Numbers without order, the same every time (Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014).
struct Noise(u64);

impl Noise {
    /// A number below `count`, which is at least 1.
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % count.max(1) as u64) as usize
    }
}
