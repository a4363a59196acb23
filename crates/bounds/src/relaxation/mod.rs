//! Lower bounds by a relaxation, in which layers are divided among accelerators at will.
//!
//! Of a schedule the relaxation keeps this, for each job that is complete by an instant (its deadline, or the one by which a job
//! that needs it must begin): every layer runs, in parts anywhere; a layer lies between what must come before it and what must
//! come after it; between any two instants, accelerators of a kind do no more than their time ([`Interval`]); and the layers
//! of a job take no more time than the job has. A job in time needs those that it depends on in time for it.
//!
//! Ways to run a job are columns ([`Pattern`]) of a linear program ([`master`]), made as prices ask for them. For any
//! prices of time that are not negative, what each job costs at the least at these prices, less what all capacity is worth,
//! is below what every schedule costs (Lagrangian duality; Geoffrion, Lagrangean relaxation for integer programming, 1974).
//! That sum is computed in integers ([`prices`]), so that no rounding of the solver makes a bound wrong: bad prices only make
//! it small. Where the program leaves open which jobs are late, `branch` looks into both cases.

mod branch;
mod kinds;
mod master;
mod pattern;
mod prices;

use crate::window::{Window, deadline_of, picoseconds};
use kinds::Kinds;

pub(crate) use branch::{Hint, LateBound, least_late};
pub(crate) use master::{Aim, Fixed, Master, Rules};
pub(crate) use pattern::Pattern;

/// The most instants by which a job may have to be complete; links to jobs that need it by others are left out.
const MAX_TARGETS: usize = 12;
/// Instants at which intervals begin, and as many at which they end, beyond which releases and targets are enough.
const MAX_INSTANTS: usize = 320;
/// Of them, the most inside of a job.
const MAX_INNER: usize = 7;
/// Stands for no deadline.
const NEVER: u64 = u64::MAX;

/// A window as the relaxation sees it.
#[derive(Clone, Debug)]
pub(crate) struct Relaxation {
    pub kinds: Kinds,
    pub jobs: Vec<RelaxedJob>,
    pub links: Vec<Link>,
    /// Instants, ascending, at which intervals may begin, and at which they may end.
    pub starts: Vec<u64>,
    pub ends: Vec<u64>,
    /// The span from the first release to the last deadline, at least 1: the unit of time of linear programs.
    pub span: u64,
}

/// A job as the relaxation sees it; times in picoseconds.
#[derive(Clone, Debug)]
pub(crate) struct RelaxedJob {
    pub weight: u64,
    /// The first instant at which it can begin: behind what it needs.
    pub release: u64,
    /// Instants by which it may have to be complete, ascending.
    pub targets: Vec<u64>,
    /// The position of its deadline among them: complete by an earlier one, it is in time.
    pub own: usize,
    pub chains: Vec<RelaxedChain>,
}

/// A chain as the relaxation sees it.
#[derive(Clone, Debug)]
pub(crate) struct RelaxedChain {
    pub layers: usize,
    /// By layer, then kind: time and energy.
    pub costs: Vec<Option<(u64, u64)>>,
    /// By layer: the least time of the layers before it, and of those behind it.
    pub head: Vec<u64>,
    pub tail: Vec<u64>,
    /// The least time of all.
    pub least: u64,
}

/// A dependency: if job `by` is complete by its target `by_target`, job `of` is by its target `of_target`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub of: usize,
    pub of_target: usize,
    pub by: usize,
    pub by_target: usize,
}

/// Time of the accelerators of a kind between two instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interval {
    pub from: u64,
    pub to: u64,
    pub kind: usize,
}

impl RelaxedJob {
    /// Least time over its chains.
    fn least(&self) -> u64 {
        self.chains.iter().map(|chain| chain.least).min().unwrap_or(0)
    }

    /// The span in which it runs, if it is complete by a target; none where there is no limit.
    pub(crate) fn span(&self, target: usize) -> Option<u64> {
        let target = self.targets[target];
        (target != NEVER).then(|| target.saturating_sub(self.release))
    }

    /// True if a chain can be complete by a target.
    pub(crate) fn fits(&self, chain: usize, target: usize) -> bool {
        self.release.saturating_add(self.chains[chain].least) <= self.targets[target]
    }
}

impl RelaxedChain {
    /// The first layer that begins no earlier than an instant, if the job is released when it says.
    fn first_from(&self, release: u64, from: u64) -> usize {
        self.head.partition_point(|head| release.saturating_add(*head) < from)
    }

    /// The layer behind the last that must be over by an instant, if the job must be by a target.
    fn behind_by(&self, target: u64, to: u64) -> usize {
        // Tails fall: the layers whose latest end is no later than `to` come first.
        if target == NEVER { 0 } else { self.tail.partition_point(|tail| target.saturating_sub(*tail) <= to) }
    }

    /// The layers, first and behind the last, that must run between two instants if the job is released and complete when it
    /// says.
    fn layers_within(&self, (release, target): (u64, u64), (from, to): (u64, u64)) -> (usize, usize) {
        let first = self.first_from(release, from);
        (first, self.behind_by(target, to).max(first))
    }
}

impl Relaxation {
    pub(crate) fn new(window: &Window) -> Self {
        let kinds = Kinds::of(window);
        let mut jobs: Vec<RelaxedJob> = Vec::with_capacity(window.jobs().len());
        for job in window.jobs() {
            let behind = job.needs.iter().map(|needed| {
                let needed: &RelaxedJob = &jobs[needed.index()];
                needed.release.saturating_add(needed.least())
            });
            let release = behind.fold(picoseconds(job.release), u64::max);
            let chains = job.chains.iter().map(|chain| kinds.chain(chain)).collect();
            let targets = vec![deadline_of(job).unwrap_or(NEVER)];
            jobs.push(RelaxedJob { weight: job.weight.into(), release, targets, own: 0, chains });
        }
        let links = add_links(window, &mut jobs);
        let (starts, ends) = instants(&jobs);
        let span = match (starts.first(), ends.last()) {
            (Some(first), Some(last)) => last.saturating_sub(*first).max(1),
            _ => 1,
        };
        Self { kinds, jobs, links, starts, ends, span }
    }
}

/// Instants at which intervals may begin, and at which they may end: releases and targets, and as far as there is room for them
/// instants behind and before which some layers of a job must run.
fn instants(jobs: &[RelaxedJob]) -> (Vec<u64>, Vec<u64>) {
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    let inner = (MAX_INSTANTS / jobs.len().max(1)).saturating_sub(1).min(MAX_INNER);
    for job in jobs {
        starts.push(job.release);
        for chain in &job.chains {
            starts.extend(
                inner_layers(chain, inner).map(|layer| job.release.saturating_add(chain.head[layer])),
            );
        }
        for target in job.targets.iter().copied().filter(|target| *target != NEVER) {
            ends.push(target);
            for chain in &job.chains {
                let before =
                    inner_layers(chain, inner).map(|layer| target.saturating_sub(chain.tail[layer - 1]));
                ends.extend(before);
            }
        }
    }
    for instants in [&mut starts, &mut ends] {
        instants.sort_unstable();
        instants.dedup();
    }
    (starts, ends)
}

/// At most so many layers of a chain, evenly, without the first.
fn inner_layers(chain: &RelaxedChain, most: usize) -> impl Iterator<Item = usize> {
    let (layers, parts) = (chain.layers, most.min(chain.layers.saturating_sub(1)) + 1);
    (1..parts).map(move |part| (part * layers / parts).max(1))
}

/// Gives each job the instants by which others need it, and says which go together.
fn add_links(window: &Window, jobs: &mut [RelaxedJob]) -> Vec<Link> {
    // By job: those that need it, with their targets.
    let mut wanted: Vec<Vec<(usize, u64, u64)>> = vec![Vec::new(); jobs.len()];
    for index in (0..jobs.len()).rev() {
        let own = jobs[index].targets[0];
        let mut targets: Vec<u64> = wanted[index].iter().map(|(_, _, latest)| *latest).collect();
        targets.push(own);
        targets.sort_unstable();
        targets.dedup();
        if targets.len() > MAX_TARGETS {
            targets.truncate(MAX_TARGETS);
            if !targets.contains(&own) {
                targets.push(own);
                targets.sort_unstable();
            }
        }
        jobs[index].own = targets.iter().position(|target| *target == own).unwrap_or(0);
        jobs[index].targets = targets;
        let least = jobs[index].least();
        for needed in &window.jobs()[index].needs {
            for &target in &jobs[index].targets {
                // Before it is to be complete, its own layers run.
                let latest = if target == NEVER { NEVER } else { target.saturating_sub(least) };
                wanted[needed.index()].push((index, target, latest));
            }
        }
    }
    let mut links = Vec::new();
    for (of, wanted) in wanted.iter().enumerate() {
        for (by, by_target, latest) in wanted {
            let position = |job: &RelaxedJob, instant: u64| job.targets.binary_search(&instant).ok();
            if let (Some(of_target), Some(by_target)) =
                (position(&jobs[of], *latest), position(&jobs[*by], *by_target))
            {
                links.push(Link { of, of_target, by: *by, by_target });
            }
        }
    }
    links
}
