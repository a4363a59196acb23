//! Branching: where the relaxation leaves open whether a job is late, both cases are looked into.

use super::master::{Aim, Fixed, Solved};
use super::{Master, Rules};

/// Part of a job that is as good as nothing of it.
const NOTHING: f64 = 1e-5;

/// The least weight of late jobs, as far as it was proved.
#[derive(Clone, Debug)]
pub(crate) struct LateBound {
    /// No schedule is below it.
    pub least: u64,
    /// The best solution in which no job is late in part, or else the first: it may help to find a schedule.
    pub hint: Option<Hint>,
    /// Sets of decided jobs that were looked into.
    pub branches: u32,
    /// True if more of them were left than may be looked into.
    pub is_cut: bool,
}

/// Patterns of a solution in which no job is late in part, by job: the one that takes the greatest part.
pub(crate) type Hint = Vec<Option<usize>>;

/// A set of decisions.
struct Branch {
    fixed: Vec<Fixed>,
    bound: u64,
}

/// Bounds the weight of late jobs from below, until `enough` is reached.
pub(crate) fn least_late(
    master: &mut Master<'_>,
    jobs: usize,
    enough: u64,
    (branches, rounds): (u32, u32),
    stop: &dyn Fn() -> bool,
) -> LateBound {
    let mut found = LateBound { least: 0, hint: None, branches: 0, is_cut: false };
    let mut open = vec![Branch { fixed: vec![Fixed::Open; jobs], bound: 0 }];
    // The least of the branches that no decision divides any more.
    let mut least_whole = enough;
    while let Some(next) = least(&open) {
        let Branch { fixed, bound } = open.swap_remove(next);
        if bound >= least_whole {
            break;
        }
        if found.branches >= branches || stop() {
            found.is_cut = true;
            least_whole = least_whole.min(bound);
            break;
        }
        found.branches += 1;
        let rules = Rules { fixed, aim: Aim::Late };
        let solved = master.solve(&rules, rounds, least_whole, stop);
        let bound = bound.max(solved.bound);
        if found.hint.is_none() {
            found.hint = Some(solved.hints.clone());
        }
        if bound >= least_whole {
            continue;
        }
        let Rules { fixed, .. } = rules;
        match divided(&solved, &fixed) {
            Some(job) => open.extend([Fixed::InTime, Fixed::Late].map(|decision| {
                let mut fixed = fixed.clone();
                fixed[job] = decision;
                Branch { fixed, bound }
            })),
            None => {
                least_whole = bound;
                found.hint = Some(solved.hints);
            }
        }
    }
    found.least = open.iter().map(|branch| branch.bound).fold(least_whole, u64::min);
    found
}

/// The branch of the least bound, of equal ones the newest.
fn least(open: &[Branch]) -> Option<usize> {
    (0..open.len()).rev().min_by_key(|index| open[*index].bound)
}

/// The open job that is nearest to being half late; none where all are late or not.
fn divided(solved: &Solved, fixed: &[Fixed]) -> Option<usize> {
    let parts = solved.late.as_ref()?.iter().zip(fixed).enumerate();
    let divided = parts
        .filter(|(_, (part, fixed))| **fixed == Fixed::Open && (NOTHING..=1.0 - NOTHING).contains(*part));
    let distance = |part: f64| (part - 0.5).abs();
    divided.min_by(|one, other| distance(*one.1.0).total_cmp(&distance(*other.1.0))).map(|(job, _)| job)
}
