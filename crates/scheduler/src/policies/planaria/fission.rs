//! Planaria by fission: an accelerator's units are divided among its jobs anew whenever one comes or ends.
//!
//! When a job becomes ready or is complete, every run of its accelerator goes on to its first tile end, a quantum of its
//! layer, at or after that instant, and waits there for the others. Runs that end before, end when they do. When the last has
//! stopped, the decision is taken for all jobs that are there by then, and each job with units runs on, for
//! all that is left of it, until the next decision. Jobs without units wait.
//!
//! Each accelerator is by itself. A job goes to one when it becomes ready and stays there to its end: to the one that
//! is expected to be through soonest with all work that it then has, of those that the placement admits. An accelerator
//! that runs do not divide has one unit.
//!
//! A decision takes a step a job and number of units, and sorts the jobs. Nothing is allocated once warm.

use rtmm_hardware::{AcceleratorId, ClassId, Units};
use rtmm_workload::{Duration, Time};

use super::allocation::{Allocator, Candidate};
use crate::decision::{Decision, Decisions, Extent, Preemption, VariantId};
use crate::ids::JobId;
use crate::job::Job;
use crate::parts::Parts;
use crate::policy::Notice;
use crate::run::Run;
use crate::terms;
use crate::view::View;

/// Division of accelerators among jobs.
#[derive(Clone, Debug)]
pub struct Fission {
    parts: Parts,
    /// By slot of jobs: the accelerator of each that has one.
    places: Vec<Option<(JobId, AcceleratorId)>>,
    /// By accelerator: true from when a job comes or ends there until its units are divided anew.
    is_due: Vec<bool>,
    /// Jobs of a decision, and what the allocation is told of each.
    jobs: Vec<(JobId, Option<VariantId>)>,
    candidates: Vec<Candidate>,
    allocator: Allocator,
}

impl Fission {
    /// Division by the parts of a policy: of these it has the placement, the drop rule, the choice of variants.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            places: Vec::new(),
            is_due: Vec::new(),
            jobs: Vec::new(),
            candidates: Vec::new(),
            allocator: Allocator::default(),
        }
    }

    /// Says what should be done now: drops one job, or else stops all runs of accelerators that are to be divided anew, and
    /// divides those on which none is left.
    pub fn decide(&mut self, view: &View<'_>, out: &mut Decisions) {
        self.parts.begin(view);
        if let Some(job) = self.parts.drop.next(view, &self.parts.variants) {
            out.push(Decision::Drop { job });
            return;
        }
        self.is_due.resize(view.accelerators.len(), false);
        for job in view.ready() {
            let place = self.place_of(job.id);
            if place.is_none_or(|place| !self.can_run(view, job, place)) {
                // Where it was others may have more of the units.
                place.iter().for_each(|left| self.is_due[left.index()] = true);
                let accelerator = self.choose(view, job);
                self.settle(job.id, accelerator);
            }
        }
        for accelerator in (0..view.accelerators.len()).map(AcceleratorId::new) {
            if !self.is_due[accelerator.index()] {
                continue;
            }
            let mut is_idle = true;
            for run in view.runs().filter(|run| run.accelerator == accelerator) {
                is_idle = false;
                if !run.is_ending {
                    out.push(Decision::Preempt { run: run.id, mode: Preemption::Quantum });
                }
            }
            if is_idle {
                self.is_due[accelerator.index()] = false;
                self.divide(view, accelerator, out);
            }
        }
    }

    /// Hears of jobs that are over.
    pub fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        if let Notice::Completed(job) | Notice::Dropped(job) = notice
            && let Some(accelerator) = self.place_of(*job)
        {
            self.places[job.slot()] = None;
            // Only jobs without units are dropped: no other gains by it.
            self.is_due[accelerator.index()] |= matches!(notice, Notice::Completed(_));
        }
        self.parts.drop.notify(notice, view);
    }

    fn place_of(&self, job: JobId) -> Option<AcceleratorId> {
        let (of, accelerator) = (*self.places.get(job.slot())?)?;
        (of == job).then_some(accelerator)
    }

    /// Lets a job have its place on an accelerator, which is to be divided anew.
    fn settle(&mut self, job: JobId, accelerator: AcceleratorId) {
        if self.places.len() <= job.slot() {
            self.places.resize(job.slot() + 1, None);
        }
        self.places[job.slot()] = Some((job, accelerator));
        self.is_due[accelerator.index()] = true;
    }

    /// True if an accelerator runs the next layer of a job, as the variant that it would run as.
    fn can_run(&self, view: &View<'_>, job: &Job, accelerator: AcceleratorId) -> bool {
        !view.profile.is_partial() || view.can_run(&self.parts.as_chosen(view, job).1, accelerator)
    }

    /// The accelerator for a job that has none yet, or whose own does not run its next layer; of equal ones the one that the platform states first.
    fn choose(&self, view: &View<'_>, job: &Job) -> AcceleratorId {
        let (_, job) = self.parts.as_chosen(view, job);
        let through = |accelerator: &AcceleratorId| {
            let is_admitted = self.parts.placement.admits(view, &job, *accelerator);
            let work = self.work(view, *accelerator).saturating_add(view.remaining(&job, *accelerator));
            (!is_admitted, work)
        };
        let accelerators = (0..view.accelerators.len()).map(AcceleratorId::new);
        let accelerators = accelerators.filter(|accelerator| view.can_run(&job, *accelerator));
        let only = AcceleratorId::new(0);
        if view.accelerators.len() == 1 { only } else { accelerators.min_by_key(through).unwrap_or(only) }
    }

    /// The time that an accelerator would take with all of its units for the jobs that it has.
    fn work(&self, view: &View<'_>, accelerator: AcceleratorId) -> Duration {
        let is_here = |job: &&Job| self.place_of(job.id) == Some(accelerator);
        let waiting = view.ready().filter(is_here).map(|job| view.remaining(job, accelerator));
        let here = view.runs().filter(|run| run.accelerator == accelerator);
        let running = here.map(|run| rest_of_run(view, run));
        waiting.chain(running).fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Divides an accelerator on which nothing runs among its jobs.
    fn divide(&mut self, view: &View<'_>, accelerator: AcceleratorId, out: &mut Decisions) {
        self.jobs.clear();
        self.candidates.clear();
        let classes = view.profile.classes_of(accelerator);
        let units_of = |class: &ClassId| view.profile.class(*class).units;
        for job in view.ready() {
            if self.place_of(job.id) != Some(accelerator) {
                continue;
            }
            let (variant, job) = self.parts.as_chosen(view, job);
            let estimate = |class: &ClassId| {
                let remaining = view.profile.remaining(job.model, job.progress, *class);
                (units_of(class), remaining.picoseconds())
            };
            let slack = terms::slack_ps(job.deadline, view.now, Duration::ZERO);
            self.jobs.push((job.id, variant));
            self.candidates.push(Candidate::new(job.priority, slack, classes.iter().map(estimate)));
        }
        let all = view.accelerators[accelerator.index()].units;
        self.allocator.allocate(&self.candidates, all);
        let largest = |units: u32| classes.iter().map(units_of).take_while(|of| *of <= units).last();
        let allocation =
            self.allocator.in_stated_numbers(&self.candidates, all, |units| largest(units).unwrap_or(0));
        for ((job, variant), units) in self.jobs.iter().zip(allocation) {
            if let Some(units) = Units::exactly(*units) {
                let (variant, on, extent) = (*variant, accelerator, Extent::Rest);
                out.push(Decision::Dispatch { jobs: (*job).into(), variant, on, units, extent });
            }
        }
    }
}

/// The time that is left of a run, were it on all units of its accelerator: as much of what it took over as its units are
/// expected to have left.
fn rest_of_run(view: &View<'_>, run: &Run) -> Duration {
    let span = |from: Time| u128::from(run.expected_end.saturating_since(from).picoseconds());
    let whole = view.profile.remaining(run.model, run.from, view.profile.whole(run.accelerator));
    let (left, all) = (span(view.now.max(run.started)), span(run.started));
    let rest = u128::from(whole.picoseconds()) * left / all.max(1);
    Duration::from_picoseconds(u64::try_from(rest).unwrap_or(u64::MAX))
}
