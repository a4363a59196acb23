//! A check of what the engine tells: conservation of jobs, time, progress and energy.
//!
//! It knows nothing of how the engine works. Whatever a correct run of anything would tell, it
//! accepts.

use std::sync::Arc;

use rtmm_hardware::{AcceleratorId, Energy, PointId, PowerUnit, UnitSet};
use rtmm_scheduler::{Job, JobId, Preemption, Profile, Progress, Run, RunId};
use rtmm_workload::{Duration, TaskId, Time};

use crate::observer::{DropCause, EndRecord, JobRecord, Observer, PowerEvent, ResizeRecord, SegmentRecord};
use crate::system::System;

/// Violations of which the text is kept.
const KEPT: usize = 32;

/// Checks a run as it goes:
///
/// - time never falls;
/// - of each task, released = completed + dropped + in flight;
/// - a unit is held by one run at a time, and a job is in one run at a time;
/// - layers run where their accelerator has a cost for them, and where the task of their job is pinned;
/// - only live jobs run, none before its release, and the three instants of a segment are in order;
/// - the jobs of a batch have not begun before it, and each leaves it once;
/// - a segment goes on where its job stood, and no progress or energy falls, but for the layer of a killed run;
/// - points come into force that changes brought, one change at a time, and no gated accelerator is held;
/// - the engine's own busy times are those of the segments, and no longer than the run;
/// - nothing is told after the end.
#[derive(Clone, Debug)]
pub struct Audit {
    profile: Arc<Profile>,
    now: Time,
    has_ended: bool,
    /// By slot.
    live: Vec<Option<Live>>,
    accelerators: Vec<Watched>,
    /// By accelerator, then the memory: the change of a point that is under way.
    changes: Vec<Option<(PointId, Time)>>,
    /// By slot.
    runs: Vec<Option<Running>>,
    tasks: Vec<Balance>,
    violations: Vec<String>,
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Live {
    id: JobId,
    release: Time,
    progress: Progress,
    energy: Energy,
    runs_as: Option<RunId>,
}

#[derive(Clone, Copy, Debug)]
struct Watched {
    units: u32,
    held: UnitSet,
    /// Time in runs times the units that they held, in picoseconds.
    busy: u128,
    is_gated: bool,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    id: RunId,
    accelerator: AcceleratorId,
    /// The number of jobs that are in it.
    jobs: u32,
    dispatched: Time,
    units: UnitSet,
    /// Since when it has held these units.
    since: Time,
}

#[derive(Clone, Copy, Debug, Default)]
struct Balance {
    released: u64,
    over: u64,
}

impl Audit {
    /// An audit of a run that is about to start.
    #[must_use]
    pub fn new(system: &System) -> Self {
        Self {
            profile: Arc::clone(&system.profile),
            now: Time::ZERO,
            has_ended: false,
            live: Vec::new(),
            accelerators: (system.platform.accelerators.iter())
                .map(|one| Watched { units: one.units(), held: UnitSet::EMPTY, busy: 0, is_gated: false })
                .collect(),
            changes: vec![None; system.platform.accelerators.len() + 1],
            runs: Vec::new(),
            tasks: vec![Balance::default(); system.scenario.tasks.len()],
            violations: Vec::new(),
            count: 0,
        }
    }

    /// Faults, the first few; each begins with its instant.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Number of faults in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Records what is wrong unless `holds`. The text is made only then.
    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if holds {
            return;
        }
        self.count += 1;
        if self.violations.len() < KEPT {
            self.violations.push(format!("{} ps: {}", self.now.picoseconds(), what()));
        }
    }

    fn at(&mut self, now: Time) {
        let (before, has_ended) = (self.now, self.has_ended);
        self.now = now;
        self.check(now >= before, || format!("time fell from {} ps", before.picoseconds()));
        self.check(!has_ended, || "something was told after the end".to_owned());
    }

    /// State of a job, if that is live.
    fn live(&mut self, id: JobId, what: &str) -> Option<Live> {
        let live = self.live.get(id.slot()).copied().flatten().filter(|live| live.id == id);
        self.check(live.is_some(), || format!("{what} of {id:?}, which is not live"));
        live
    }

    fn put(&mut self, live: Live) {
        self.live[live.id.slot()] = Some(live);
    }

    /// A job is over, or the run is.
    fn over(&mut self, now: Time, record: &JobRecord<'_>, what: &str) {
        self.at(now);
        let job = record.job;
        self.tasks[job.task.index()].over += 1;
        let Some(live) = self.live(job.id, what) else { return };
        self.live[job.id.slot()] = None;
        self.check(live.runs_as.is_none(), || format!("{what} of {:?} while a segment of it runs", job.id));
        self.check(now >= live.release, || format!("{what} of {:?} before its release", job.id));
        let spent = record.spent();
        self.check(spent == job.energy, || {
            format!("parts of the energy of {:?} add up to {spent:?}, not to {:?}", job.id, job.energy)
        });
        self.progress(&live, job.progress, job.energy);
    }

    /// Units of an accelerator are held from now on.
    fn hold(&mut self, accelerator: AcceleratorId, units: UnitSet) {
        let Watched { units: all, held, is_gated, .. } = self.accelerators[accelerator.index()];
        self.check(!is_gated, || format!("{accelerator:?} is held and gated"));
        self.check(units.without(UnitSet::first(all).without(held)).is_empty(), || {
            format!("{accelerator:?} has {held:?} held and gives {units:?}")
        });
        self.accelerators[accelerator.index()].held = held.union(units);
    }

    fn release(&mut self, accelerator: AcceleratorId, units: UnitSet) {
        let watched = &mut self.accelerators[accelerator.index()];
        watched.held = watched.held.without(units);
    }

    fn count_busy(&mut self, now: Time, accelerator: AcceleratorId, units: UnitSet, since: Time) {
        let took = u128::from(now.saturating_since(since).picoseconds());
        self.accelerators[accelerator.index()].busy += took * u128::from(units.count());
    }

    /// A run holds other units than before.
    fn change(&mut self, now: Time, run: &Run, before: UnitSet) {
        let known = self.runs.get(run.id.slot()).copied().flatten();
        let is_known = known.is_some_and(|known| known.id == run.id && known.units == before);
        self.check(is_known, || format!("{:?} did not hold {before:?}", run.id));
        if let Some(known) = known {
            self.count_busy(now, run.accelerator, before, known.since);
            self.runs[run.id.slot()] = Some(Running { units: run.units, since: now, ..known });
        }
    }

    /// A job is in a run from now on.
    fn join(&mut self, now: Time, run: &Run, job: &Job) {
        let mut jobs = 0;
        if let Some(running) = self.runs.get_mut(run.id.slot()).and_then(Option::as_mut) {
            running.jobs += 1;
            jobs = running.jobs;
        }
        self.check((1..=run.jobs.count()).contains(&jobs), || format!("{jobs} jobs are in {:?}", run.jobs));
        let Some(live) = self.live(job.id, "a segment") else { return };
        self.check(live.runs_as.is_none(), || format!("{:?} is in two segments", job.id));
        self.check(now >= live.release, || format!("{:?} runs before its release", job.id));
        self.check(run.from == live.progress, || {
            format!("{:?} stood at {:?} and goes on at {:?}", job.id, live.progress, run.from)
        });
        let is_fresh = run.from == Progress::default() && live.energy == Energy::ZERO;
        self.check(run.jobs.count() == 1 || is_fresh, || format!("{:?} began before its batch", job.id));
        self.put(Live { runs_as: Some(run.id), ..live });
    }

    /// A job is in its run no more.
    fn leave(&mut self, record: &SegmentRecord<'_>) {
        let SegmentRecord { run, job, to, stopped, .. } = *record;
        if let Some(running) = self.runs.get_mut(run.id.slot()).and_then(Option::as_mut) {
            running.jobs = running.jobs.saturating_sub(1);
        }
        let Some(live) = self.live(job.id, "the end of a segment") else { return };
        self.check(live.runs_as == Some(run.id), || format!("{:?} ran elsewhere", job.id));
        // A killed run loses all that was done of the layer that it was stopped in, and no more.
        let is_lost = stopped == Some(Preemption::Kill) && to == Progress::at(live.progress.layer);
        self.progress(&live, if is_lost { live.progress } else { to }, job.energy);
        self.put(Live { progress: to, energy: job.energy, runs_as: None, ..live });
    }

    /// Neither progress nor energy of a job fall.
    fn progress(&mut self, before: &Live, progress: Progress, energy: Energy) {
        self.check(!is_behind(progress, before.progress), || {
            format!("{:?} went back from {:?} to {progress:?}", before.id, before.progress)
        });
        self.check(energy >= before.energy, || {
            format!("energy of {:?} fell from {:?} to {energy:?}", before.id, before.energy)
        });
    }
}

/// True if one progress is less than another. Shares of a layer are compared, since another
/// accelerator may divide it into other steps.
fn is_behind(progress: Progress, before: Progress) -> bool {
    let done = |of: Progress, other: Progress| u64::from(of.quantum) * u64::from(other.quanta.max(1));
    (progress.layer, done(progress, before)) < (before.layer, done(before, progress))
}

impl Observer for Audit {
    fn not_triggered(&mut self, now: Time, _task: TaskId, arrival: Time) {
        self.at(now);
        self.check(arrival <= now, || "a frame was settled as not triggered before it arrived".to_owned());
    }

    fn released(&mut self, now: Time, job: &Job) {
        self.at(now);
        self.tasks[job.task.index()].released += 1;
        let Job { id, arrival, release, .. } = *job;
        self.check(arrival <= release && release <= now, || {
            format!("{id:?} arrives at {arrival:?}, is released at {release:?}")
        });
        if id.slot() >= self.live.len() {
            self.live.resize(id.slot() + 1, None);
        }
        let is_free = self.live[id.slot()].is_none();
        self.check(is_free, || format!("{id:?} was released in the slot of a live job"));
        let (progress, energy) = (job.progress, job.energy);
        self.put(Live { id, release, progress, energy, runs_as: None });
    }

    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        self.at(now);
        self.check(run.jobs.first() == Some(job.id), || {
            format!("a segment of {:?} belongs to {:?}", run.jobs, job.id)
        });
        self.check(run.dispatched == now && run.started >= now, || {
            format!("a segment of {:?} starts at {:?}", job.id, run.started)
        });
        let until = self.profile.supported_until(run.model, run.from.layer, run.class);
        self.check(until >= run.stop, || {
            format!("{:?} is to run up to layer {} in a class that runs up to {until}", job.id, run.stop)
        });
        self.hold(run.accelerator, run.units);
        let slot = run.id.slot();
        if slot >= self.runs.len() {
            self.runs.resize(slot + 1, None);
        }
        let Run { id, accelerator, units, .. } = *run;
        let running = Running { id, accelerator, jobs: 0, dispatched: now, units, since: now };
        let other = self.runs[slot].replace(running);
        self.check(other.is_none(), || format!("{id:?} has the slot of {other:?}"));
        self.join(now, run, job);
    }

    fn joined(&mut self, now: Time, run: &Run, job: &Job) {
        self.at(now);
        self.join(now, run, job);
    }

    fn left(&mut self, now: Time, record: &SegmentRecord<'_>) {
        self.at(now);
        self.leave(record);
    }

    fn units_reserved(&mut self, now: Time, run: &Run, before: UnitSet) {
        self.at(now);
        self.hold(run.accelerator, run.units.without(before));
        self.change(now, run, before);
    }

    fn resized(&mut self, now: Time, record: &ResizeRecord<'_>) {
        self.at(now);
        let ResizeRecord { run, before, to } = *record;
        self.check(run.units.without(before).is_empty(), || format!("{:?} gained units in between", run.id));
        self.release(run.accelerator, before.without(run.units));
        self.change(now, run, before);
        let of_run = |live: &&Live| live.runs_as == Some(run.id);
        let jobs: Vec<Live> = self.live.iter().flatten().filter(of_run).copied().collect();
        self.check(jobs.len() == run.jobs.count() as usize, || {
            format!("{} jobs are in {:?}, which has {:?}", jobs.len(), run.id, run.jobs)
        });
        for live in jobs {
            self.progress(&live, to, live.energy);
            self.put(Live { progress: to, ..live });
        }
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        self.at(now);
        let (run, job) = (record.run, record.job);
        self.leave(record);
        let running = self.runs.get_mut(run.id.slot()).and_then(Option::take);
        let is_known = running.is_some_and(|running| {
            let Running { id, accelerator, jobs, dispatched, units, .. } = running;
            (id, accelerator, jobs, dispatched, units)
                == (run.id, run.accelerator, 0, run.dispatched, run.units)
        });
        self.check(is_known, || format!("a segment of {:?} ended as {:?} and never began", job.id, run.id));
        if let Some(Running { since, units, accelerator, .. }) = running {
            self.count_busy(now, accelerator, units, since);
            self.release(accelerator, units);
        }
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        self.over(now, record, "the completion");
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, _cause: DropCause) {
        self.over(now, record, "the drop");
    }

    fn power_changed(&mut self, now: Time, event: PowerEvent) {
        self.at(now);
        let place = |on: PowerUnit, accelerators: usize| match on {
            PowerUnit::Accelerator(accelerator) => accelerator.index(),
            PowerUnit::Dram => accelerators,
        };
        let count = self.accelerators.len();
        match event {
            PowerEvent::Changes { on, to, at } => {
                let before = self.changes[place(on, count)].replace((to, at));
                // A change that stalls is in force before it is complete.
                let is_over = before.is_none_or(|(_, complete)| complete <= now);
                self.check(is_over && at >= now, || format!("{on:?} changes its point while it does"));
            }
            PowerEvent::InForce { on, point } => {
                let change = self.changes[place(on, count)];
                self.check(change.is_some_and(|(to, _)| to == point), || {
                    format!("{on:?} is at {point:?} without a change")
                });
            }
            PowerEvent::Gated { on } => {
                let Watched { held, is_gated, .. } = self.accelerators[on.index()];
                self.check(held.is_empty() && !is_gated, || format!("{on:?} is gated while it is held"));
                self.accelerators[on.index()].is_gated = true;
            }
            PowerEvent::Wakes { on } => {
                let is_gated = std::mem::replace(&mut self.accelerators[on.index()].is_gated, false);
                self.check(is_gated, || format!("{on:?} wakes and was awake"));
            }
        }
    }

    fn phase_changed(&mut self, now: Time, _phase: usize) {
        self.at(now);
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        self.over(now, record, "the cut");
    }

    fn ended(&mut self, now: Time, record: &EndRecord<'_>) {
        self.at(now);
        self.has_ended = true;
        for (task, balance) in self.tasks.clone().iter().enumerate() {
            let Balance { released, over } = *balance;
            self.check(released == over, || format!("task {task}: {released} jobs released, {over} over"));
        }
        let elapsed = now.saturating_since(Time::ZERO);
        let told = record.accelerators_busy.len();
        let expected = self.accelerators.len();
        self.check(told == expected, || format!("busy times of {told} accelerators of {expected}"));
        for (index, told) in record.accelerators_busy.iter().enumerate().take(expected) {
            let Watched { units, held, busy, .. } = self.accelerators[index];
            self.check(held.is_empty(), || format!("units {held:?} of accelerator {index} are still held"));
            let mean = Duration::from_picoseconds((busy / u128::from(units.max(1))) as u64);
            self.check(mean == *told && *told <= elapsed, || {
                format!("accelerator {index} was busy for {mean} of {elapsed}, told as {told}")
            });
        }
    }
}
