//! The best schedule of a small window by exhaustive search over all schedules of layers, none preempted.
//!
//! Layers are started in the order of their starts, each as early as it can: every schedule can be put into such an order
//! without any job ending later. Of each set of jobs that are to be in time, the least weight of the others first, it is
//! searched whether it can be.

use std::collections::BTreeSet;

use rtmm_bounds::{Chain, Window};
use rtmm_workload::Time;

/// The least weight of late jobs.
pub(crate) fn least_late(window: &Window) -> u64 {
    let jobs = window.jobs().len();
    let mut sets: Vec<(u64, u32)> = (0..1_u32 << jobs)
        .map(|in_time| {
            let late = (0..jobs).filter(|job| in_time & (1 << job) == 0);
            (late.map(|job| u64::from(window.jobs()[job].weight)).sum(), in_time)
        })
        .collect();
    sets.sort_unstable();
    let feasible = sets.into_iter().find(|(_, in_time)| Search::of(window, *in_time).is_feasible());
    // Nothing in time is always feasible.
    feasible.map_or(0, |(late, _)| late)
}

/// The least energy of all jobs in time; none where they cannot be. Chains are few and short: all are tried.
pub(crate) fn least_energy_of_all(window: &Window) -> Option<u64> {
    let all = (1_u32 << window.jobs().len()) - 1;
    let mut search = Search::of(window, all);
    search.least_energy = Some(u64::MAX);
    search.is_feasible();
    search.least_energy.filter(|energy| *energy < u64::MAX)
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// By accelerator.
    free: Vec<u64>,
    /// By job: the chain, layers that are done, and when the last one ends.
    jobs: Vec<(usize, usize, u64)>,
    energy: u64,
}

struct Search<'w> {
    window: &'w Window,
    in_time: u32,
    seen: BTreeSet<State>,
    /// None while one schedule is enough.
    least_energy: Option<u64>,
}

fn picoseconds(time: Time) -> u64 {
    time.saturating_since(Time::ZERO).picoseconds()
}

impl<'w> Search<'w> {
    fn of(window: &'w Window, in_time: u32) -> Self {
        Self { window, in_time, seen: BTreeSet::new(), least_energy: None }
    }

    /// True if all jobs of the set can be in time; those that they need run with them, by whenever it takes.
    fn is_feasible(&mut self) -> bool {
        let jobs = self.window.jobs().len();
        // All that jobs of the set need, too.
        let mut run = self.in_time;
        for job in (0..jobs).rev().filter(|job| self.in_time & (1 << job) != 0) {
            self.window.jobs()[job].needs.iter().for_each(|needed| run |= 1 << needed.index());
        }
        for job in (0..jobs).rev() {
            if run & (1 << job) != 0 {
                self.window.jobs()[job].needs.iter().for_each(|needed| run |= 1 << needed.index());
            }
        }
        let start = State {
            free: vec![0; self.window.accelerators().len()],
            jobs: self.window.jobs().iter().map(|job| (0, 0, picoseconds(job.release))).collect(),
            energy: 0,
        };
        self.choose_chains(start, run, 0)
    }

    fn choose_chains(&mut self, state: State, run: u32, job: usize) -> bool {
        if job == self.window.jobs().len() {
            return self.go_on(state, run, 0);
        }
        (0..self.window.jobs()[job].chains.len()).any(|chain| {
            let mut state = state.clone();
            state.jobs[job].0 = chain;
            self.choose_chains(state, run, job + 1)
        })
    }

    fn chain(&self, state: &State, job: usize) -> &'w Chain {
        &self.window.jobs()[job].chains[state.jobs[job].0]
    }

    fn is_over(&self, state: &State, job: usize) -> bool {
        state.jobs[job].1 == self.chain(state, job).layers.len()
    }

    fn go_on(&mut self, state: State, run: u32, last: u64) -> bool {
        let jobs = || (0..self.window.jobs().len()).filter(|job| run & (1 << job) != 0);
        if jobs().all(|job| self.is_over(&state, job)) {
            // A job of which everything is skipped ends when what it needs does.
            let is_in_time = |job: usize| {
                let of = &self.window.jobs()[job];
                let ends = of.needs.iter().map(|needed| state.jobs[needed.index()].2);
                let end = ends.fold(state.jobs[job].2, u64::max);
                self.in_time & (1 << job) == 0 || end <= picoseconds(of.deadline)
            };
            if !jobs().all(is_in_time) {
                return false;
            }
            if let Some(least) = &mut self.least_energy {
                *least = (*least).min(state.energy);
                return false;
            }
            return true;
        }
        if self.least_energy.is_some_and(|least| state.energy >= least) || !self.seen.insert(state.clone()) {
            return false;
        }
        let open: Vec<usize> = jobs().filter(|job| !self.is_over(&state, *job)).collect();
        for job in open {
            let of = &self.window.jobs()[job];
            if of.needs.iter().any(|needed| !self.is_over(&state, needed.index())) {
                continue;
            }
            let ready = of.needs.iter().map(|needed| state.jobs[needed.index()].2).max().unwrap_or(0);
            let (_, done, free) = state.jobs[job];
            for (on, cost) in self.chain(&state, job).layers[done].on.iter().enumerate() {
                let Some(cost) = cost else { continue };
                let start = ready.max(free).max(state.free[on]);
                let end = start + cost.time.picoseconds();
                let rest = self.chain(&state, job).layers[done + 1..].iter().map(|layer| {
                    layer.on.iter().flatten().map(|cost| cost.time.picoseconds()).min().unwrap_or(0)
                });
                let is_late =
                    self.in_time & (1 << job) != 0 && end + rest.sum::<u64>() > picoseconds(of.deadline);
                if start < last || is_late {
                    continue;
                }
                let mut next = state.clone();
                next.free[on] = end;
                next.jobs[job] = (next.jobs[job].0, done + 1, end);
                next.energy += cost.energy.femtojoules();
                if self.go_on(next, run, start) {
                    return true;
                }
            }
        }
        false
    }
}
