//! Jobs in pieces, ways to place them, and what is placed so far.

use std::sync::Arc;

use rtmm_hardware::AcceleratorId;
use rtmm_workload::Time;

use super::blocks::{Piece, PieceCost, pieces};
use super::timeline::Timeline;
use super::{Block, Schedule};
use crate::window::{Chain, JobIndex, Window, deadline_of, picoseconds};

/// A window's jobs in pieces.
#[derive(Debug)]
pub(crate) struct Plan<'w> {
    pub(super) window: &'w Window,
    pub(super) jobs: Vec<PlannedJob>,
}

/// A job in pieces; times in picoseconds.
#[derive(Debug)]
pub(super) struct PlannedJob {
    pub release: u64,
    /// The last instant at which it may end, of all time if it has no deadline.
    pub latest: u64,
    /// The same with what needs it in mind.
    pub virtual_latest: u64,
    /// The last instant at which it may end for some job that needs it to be in time, though it be late itself; 0 if none
    /// needs it.
    pub needed_by: u64,
    pub least: u64,
    pub weight: u64,
    pub needs: Vec<usize>,
    /// By chain.
    pub chains: Vec<Arc<Vec<Piece>>>,
    /// Chain and accelerators, by piece, that the relaxation would use.
    pub hint: Option<(usize, Vec<Vec<AcceleratorId>>)>,
}

/// A rule that chooses an accelerator for each piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Where it ends first.
    Earliest,
    /// Where it takes the least time, if the job can still be in time.
    LeastTime,
    /// Where its end and its time together are least.
    Between,
    /// Where it takes the least energy, if the job can still be in time.
    LeastEnergy,
    /// Where the relaxation would have it.
    Hint,
    /// On one accelerator, as far as that runs it.
    On(AcceleratorId),
}

/// A piece that is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    on: AcceleratorId,
    start: u64,
    end: u64,
}

/// A job that is placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    chain: usize,
    steps: Vec<Step>,
    pub end: u64,
}

/// Jobs that are placed so far. They end in time, or for others that need them to be.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    timeline: Timeline,
    /// By job.
    pub(super) placed: Vec<Option<Placed>>,
}

impl<'w> Plan<'w> {
    pub(crate) fn new(window: &'w Window, blocks: usize) -> Self {
        let mut known: Vec<(Arc<Chain>, Arc<Vec<Piece>>)> = Vec::new();
        let mut in_pieces = |chain: &Arc<Chain>| {
            // Jobs of a task mostly share their chain.
            if let Some((_, pieces)) = known.iter().find(|(other, _)| Arc::ptr_eq(other, chain)) {
                return Arc::clone(pieces);
            }
            let made = Arc::new(pieces(window, chain, blocks));
            known.push((Arc::clone(chain), Arc::clone(&made)));
            made
        };
        let mut jobs: Vec<PlannedJob> = Vec::with_capacity(window.jobs().len());
        for job in window.jobs() {
            let latest = deadline_of(job).unwrap_or(u64::MAX);
            let chains: Vec<Arc<Vec<Piece>>> = job.chains.iter().map(&mut in_pieces).collect();
            let least =
                |pieces: &Arc<Vec<Piece>>| pieces.first().map_or(0, |first| first.least() + first.tail);
            jobs.push(PlannedJob {
                release: picoseconds(job.release),
                latest,
                virtual_latest: latest,
                needed_by: 0,
                least: chains.iter().map(least).min().unwrap_or(0),
                weight: job.weight.into(),
                needs: job.needs.iter().map(|needed| needed.index()).collect(),
                chains,
                hint: None,
            });
        }
        for index in (0..jobs.len()).rev() {
            let PlannedJob { latest, virtual_latest, needed_by, least, .. } = jobs[index];
            for needed in jobs[index].needs.clone() {
                let needed = &mut jobs[needed];
                needed.virtual_latest = needed.virtual_latest.min(virtual_latest.saturating_sub(least));
                needed.needed_by = needed.needed_by.max(latest.max(needed_by).saturating_sub(least));
            }
        }
        Self { window, jobs }
    }

    /// Tells where a job's layers had best run, by layer of a chain.
    pub(crate) fn hint(&mut self, job: usize, chain: usize, layers: &[&[AcceleratorId]]) {
        let pieces = &self.jobs[job].chains[chain];
        let of_piece = |piece: &Piece| {
            // The accelerators that most of its layers would be on.
            let own = &layers[piece.first..piece.behind];
            let votes = |one: &[AcceleratorId]| own.iter().filter(|other| **other == one).count();
            own.iter().max_by_key(|one| votes(one)).map_or_else(Vec::new, |one| one.to_vec())
        };
        self.jobs[job].hint = Some((chain, pieces.iter().map(of_piece).collect()));
    }

    /// Forgets all hints.
    pub(crate) fn clear_hints(&mut self) {
        self.jobs.iter_mut().for_each(|job| job.hint = None);
    }

    /// Rules that a job can be placed by.
    pub(super) fn rules(&self) -> impl Iterator<Item = Rule> + use<> {
        let on = self.window.accelerator_ids().map(Rule::On);
        [Rule::LeastTime, Rule::Hint, Rule::Earliest, Rule::Between, Rule::LeastEnergy].into_iter().chain(on)
    }
}

impl Draft {
    pub(crate) fn new(plan: &Plan<'_>) -> Self {
        Self { timeline: Timeline::new(plan.window), placed: vec![None; plan.jobs.len()] }
    }

    pub(super) fn clear(&mut self) {
        self.timeline.clear();
        self.placed.fill(None);
    }

    /// The weight of the jobs that are not placed.
    pub(crate) fn late(&self, plan: &Plan<'_>) -> u64 {
        let late = (0..plan.jobs.len()).filter(|job| self.is_late(plan, *job));
        // One without a deadline is not late, wherever it runs.
        late.map(|job| &plan.jobs[job]).filter(|job| job.latest != u64::MAX).map(|job| job.weight).sum()
    }

    /// The time by which jobs that are late could not be in time as things are, all together.
    pub(super) fn shortfall(&self, plan: &Plan<'_>) -> u64 {
        let late = (0..plan.jobs.len()).filter(|job| self.is_late(plan, *job));
        let missing = |job: usize| {
            // One that waits for a late one is as late as can be.
            let of = &plan.jobs[job];
            let limit = of.latest.saturating_mul(2).saturating_sub(of.release);
            self.earliest_end(plan, job, limit).unwrap_or(limit).saturating_sub(of.latest)
        };
        late.map(missing).fold(0, u64::saturating_add)
    }

    /// True if a job is not placed, or ends late.
    pub(super) fn is_late(&self, plan: &Plan<'_>, job: usize) -> bool {
        self.placed[job].as_ref().is_none_or(|placed| placed.end > plan.jobs[job].latest)
    }

    /// When all is there that a job waits for; none while something that it needs is not placed.
    pub(super) fn ready(&self, plan: &Plan<'_>, job: usize) -> Option<u64> {
        let of = &plan.jobs[job];
        of.needs
            .iter()
            .try_fold(of.release, |ready, needed| Some(ready.max(self.placed[*needed].as_ref()?.end)))
    }

    /// Places a job by a rule, if it can be over by an instant so; true if it is placed.
    pub(super) fn place(
        &mut self,
        plan: &Plan<'_>,
        job: usize,
        (chain, rule): (usize, Rule),
        latest: u64,
    ) -> bool {
        let Some(mut ready) = self.ready(plan, job) else { return false };
        let of = &plan.jobs[job];
        let mut placed = Placed { chain, steps: Vec::with_capacity(of.chains[chain].len()), end: ready };
        for (index, piece) in of.chains[chain].iter().enumerate() {
            let latest_end = latest.saturating_sub(piece.tail);
            let hint =
                of.hint.as_ref().filter(|(of, _)| *of == chain).and_then(|(_, pieces)| pieces.get(index));
            let hint = hint.map_or(&[][..], Vec::as_slice);
            let found = self.choose(piece, (rule, hint), ready, latest_end);
            let Some((on, cost, start)) = found.filter(|(_, cost, start)| start + cost.time <= latest_end)
            else {
                self.take_back(plan, job, &placed);
                return false;
            };
            self.timeline.put(on, piece, &cost, (start, ready));
            ready = start + cost.time;
            placed.steps.push(Step { on, start, end: ready });
            placed.end = ready;
        }
        // A chain without layers ends when it is ready.
        let is_over = placed.end <= latest;
        self.placed[job] = Some(placed).filter(|_| is_over);
        is_over
    }

    /// Takes out the job that was placed last.
    pub(super) fn unplace(&mut self, plan: &Plan<'_>, job: usize) {
        if let Some(placed) = self.placed[job].take() {
            self.take_back(plan, job, &placed);
        }
    }

    fn take_back(&mut self, plan: &Plan<'_>, job: usize, placed: &Placed) {
        let pieces = &plan.jobs[job].chains[placed.chain];
        for (piece, step) in pieces.iter().zip(&placed.steps).rev() {
            if let Some(cost) = &piece.on[step.on.index()] {
                self.timeline.take(step.on, piece, cost, step.start);
            }
        }
    }

    /// The accelerator of a piece, with its cost there and its beginning: one where it is over by an instant, if there is one.
    fn choose(
        &self,
        piece: &Piece,
        (rule, hint): (Rule, &[AcceleratorId]),
        ready: u64,
        latest_end: u64,
    ) -> Option<(AcceleratorId, PieceCost, u64)> {
        let places = piece.places().map(|(on, cost)| {
            let start = self.timeline.earliest(on, (piece.network, &cost), ready, latest_end);
            (on, cost, start)
        });
        places.min_by_key(|(on, cost, start)| {
            let end = start + cost.time;
            let is_late = end > latest_end;
            let preference = match rule {
                Rule::Earliest => end,
                Rule::LeastTime => cost.time,
                Rule::Between => end.saturating_add(cost.time),
                Rule::LeastEnergy => cost.energy,
                Rule::Hint => u64::from(!hint.contains(on)),
                Rule::On(wanted) => u64::from(*on != wanted),
            };
            (is_late, preference, end, cost.time, *on)
        })
    }

    /// The first instant at which a job could end as things are, or one behind `limit` where it cannot end by then; none while
    /// something that it needs is not placed.
    pub(super) fn earliest_end(&self, plan: &Plan<'_>, job: usize, limit: u64) -> Option<u64> {
        let ready = self.ready(plan, job)?;
        let of = &plan.jobs[job];
        let end = |pieces: &Arc<Vec<Piece>>| {
            pieces.iter().fold(ready, |ready, piece| {
                let ends = piece.places().map(|(on, cost)| {
                    self.timeline.earliest(on, (piece.network, &cost), ready, limit) + cost.time
                });
                ends.min().unwrap_or(ready)
            })
        };
        of.chains.iter().map(end).min()
    }

    /// The schedule of what is placed.
    pub(crate) fn schedule(&self, plan: &Plan<'_>) -> Schedule {
        let mut blocks = Vec::new();
        for (job, placed) in self.placed.iter().enumerate() {
            let Some(placed) = placed else { continue };
            for (piece, step) in plan.jobs[job].chains[placed.chain].iter().zip(&placed.steps) {
                blocks.push(Block {
                    job: JobIndex::new(job),
                    chain: placed.chain,
                    first: piece.first,
                    behind: piece.behind,
                    on: step.on,
                    start: Time::from_picoseconds(step.start),
                });
            }
        }
        Schedule { blocks }
    }
}
