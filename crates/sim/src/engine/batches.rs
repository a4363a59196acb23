//! Runs of several jobs of one model: their dispatch, their layers, and what becomes of their jobs.
//!
//! A batch forms of jobs that have not started. All of them stand at one progress while it runs. A job whose inference is over,
//! or that is dropped, leaves at the next boundary between layers, and the rest go on from there as a smaller batch: in what
//! follows of the run, nothing is left of it. Where the run ends, be it preempted or not, the batch dissolves into ready jobs.
//! The energy of a layer is split among the jobs that run it, and that of a switch among all, in equal parts.

use rtmm_hardware::{AcceleratorId, ClassId, Energy, Moved};
use rtmm_scheduler::{Job, JobId, JobState, Notice, Place, Preemption, Progress, Run, RunId, UnitState};
use rtmm_workload::{LayerId, ModelId, Time};

use super::Simulation;
use super::decisions::{Dispatch, is_ready, run_of, stop_of, supported_stop};
use super::segments::{energy_between, is_between};
use super::state::{Anchor, HiddenJob};
use crate::error::Illegal;
use crate::execution::{Batch, Completed, Execution, LayerOfBatch, Reach, Stop};
use crate::observer::{ContextSwitchRecord, DropCause, LayerRecord, Observer, ResizeRecord, SegmentRecord};

impl<E: Execution, O: Observer> Simulation<'_, E, O> {
    /// The class of so many jobs of a model, in place of one of a single job.
    pub(super) fn class_of_batch(
        &self,
        model: ModelId,
        accelerator: AcceleratorId,
        class: ClassId,
        jobs: u32,
    ) -> Result<ClassId, Illegal> {
        let profile = &self.system.profile;
        if jobs <= 1 {
            return Ok(class);
        }
        let is_offered = jobs <= profile.largest_batch(model, accelerator, class);
        profile.in_batch(class, jobs).filter(|_| is_offered).ok_or(Illegal::BatchTooLarge)
    }

    /// Starts a run of several jobs.
    #[cold]
    pub(super) fn dispatch_batch(&mut self, jobs: &[JobId], dispatch: Dispatch) -> Result<(), Illegal> {
        let system = self.system;
        let count = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
        let first = *jobs.first().ok_or(Illegal::EmptyBatch)?;
        let model = self.model_of_batch(jobs, &dispatch)?;
        let mut place = self.place(&dispatch)?;
        place.class = self.class_of_batch(model, place.accelerator, place.class, count)?;
        self.check_support(&place, model, 0)?;
        self.check_share(place.class)?;
        for id in jobs {
            let Job { task, frame, model: current, .. } = self.state.jobs[id.slot()];
            if model != current {
                let HiddenJob { sample, is_recorded, .. } = self.hidden.jobs[id.slot()];
                self.hidden.realisations[id.slot()] = self.realise(task, model, sample, is_recorded);
                self.draw_ranks(id.slot(), task, model, frame);
            }
        }

        let mut start = self.take_decision_time(&place);
        let from = Progress::default();
        let switched = self.switched(&place, model, from.layer, count);
        let switched = switched.map(|moved| {
            let (time, energy) = system.profile.switch_cost(place.accelerator, moved);
            start = start.saturating_add(time);
            self.share_switch_energy(jobs.iter().copied(), count, energy);
            ContextSwitchRecord { time, energy, moved }
        });
        let begun = self.hidden.batch(jobs).next_layer(system, model, from.layer);
        let stop = stop_of(system, model, begun, dispatch.extent);
        let stop = supported_stop(system, &place, model, from.layer, stop);
        let run_id = self.take_slot(&place, from, start, switched.is_some());
        self.occupy(&place, model, stop, count);
        for id in jobs {
            if system.has_layer_variants() {
                self.hidden.run_variants(system, id.slot(), model, from.layer..stop);
            }
            self.state.start_job(id.slot(), run_id, model);
        }
        let run = run_of(system, self.state.now, &place, model, (from, stop), start);
        self.state.runs.begin_batch(Run { id: run_id, ..run }, jobs);
        self.begin(place.home as usize);
        let Some(run) = self.state.runs.at(place.home as usize) else { return Ok(()) };
        let now = self.state.now;
        self.observer.dispatched(now, run, &self.state.jobs[first.slot()]);
        for id in &jobs[1..] {
            self.observer.joined(now, run, &self.state.jobs[id.slot()]);
        }
        if let Some(switch) = &switched {
            self.observer.context_switched(now, run, switch);
        }
        Ok(())
    }

    /// The model that all jobs of a batch are to run as, if it may be one.
    fn model_of_batch(&self, jobs: &[JobId], dispatch: &Dispatch) -> Result<ModelId, Illegal> {
        let mut model = None;
        for (index, id) in jobs.iter().enumerate() {
            let Job { task, model: current, started, state, .. } = self.state.jobs[self.slot(*id)?];
            is_ready(state)?;
            if started {
                return Err(Illegal::BatchOfStarted);
            }
            if jobs[..index].contains(id) {
                return Err(Illegal::TwiceInBatch);
            }
            let own = match dispatch.variant {
                None => current,
                Some(variant) => self.variant(task, variant)?,
            };
            if *model.get_or_insert(own) != own {
                return Err(Illegal::UnlikeModels);
            }
        }
        model.ok_or(Illegal::EmptyBatch)
    }

    /// Has the execution begin the run in a slot, or go on with it.
    fn begin(&mut self, slot: usize) {
        if let Some(segment) = self.hidden.segment(&self.state, slot) {
            self.execution.begin(self.system, slot, &segment);
        }
    }

    /// Drops a job that runs in a batch, if it does: at the next layer boundary, while the others go on.
    pub(super) fn drop_of_batch(&mut self, id: RunId) -> bool {
        let Some(run) = self.state.runs.get(id).copied().filter(|run| run.jobs.count() > 1) else {
            return false;
        };
        let mut jobs = self.state.runs.jobs_of(&run).iter();
        let is_over = jobs.all(|job| self.hidden.jobs[job.slot()].drops_at_boundary);
        if is_over && let Some(run) = self.state.runs.get_mut(id) {
            (run.is_ending, run.next_class) = (true, None);
        }
        // A run that ends in any case does so where it was told to.
        if !run.is_ending {
            self.stop_at_layer(id.slot());
        }
        true
    }

    /// Has a run stop at its next layer boundary.
    fn stop_at_layer(&mut self, slot: usize) {
        if let Some(segment) = self.hidden.segment(&self.state, slot) {
            let now = self.state.now;
            self.execution.preempt(self.system, slot, now, &segment, Preemption::Layer);
        }
    }

    /// Splits the energy of a switch or a migration among so many jobs.
    fn share_switch_energy(&mut self, jobs: impl Iterator<Item = JobId>, count: u32, energy: Energy) {
        for (position, job) in (0..).zip(jobs) {
            self.hidden.jobs[job.slot()].switch_energy += share(energy, position, count);
        }
    }

    /// Books a layer of a batch, and tells of it: the observer once, the policy of each job that ran it.
    pub(super) fn complete_layer_of_batch(&mut self, slot: usize, completed: &Completed) {
        let Some(run) = self.state.runs.at(slot).copied() else { return };
        let Completed { layer, began, stretch } = *completed;
        let (index, now) = (layer.index() as u32, self.state.now);
        self.spend_batch(slot, Reach { stretch, ..Reach::at(Progress::at(index + 1)) });
        if self.observes_layers {
            self.tell_layer_of_batch(&run, index, began, now);
        }
        if self.interests.layers {
            self.must_decide = true;
            let latency = now.saturating_since(began);
            let samples = self.system.models[run.model.index()].samples.as_ref();
            for position in 0..run.jobs.count() as usize {
                let Some(job) = self.state.runs.jobs_of(&run).get(position).copied() else { return };
                let batch = self.hidden.batch(self.state.runs.jobs_of(&run));
                if batch.runs(self.system, run.model, job, index) {
                    let row = self.hidden.realisations[job.slot()].row as usize;
                    let sparsity = samples.map(|samples| samples.sparsity(row, layer.index()));
                    let (model, run) = (run.model, run.id);
                    self.notify(Notice::LayerCompleted { job, model, layer, run, latency, sparsity });
                }
            }
        }
    }

    /// Tells the observer of a layer of a batch, in the class of as many jobs as ran it; `job` is the first of them.
    fn tell_layer_of_batch(&mut self, run: &Run, layer: u32, began: Time, ended: Time) {
        let (system, model) = (self.system, run.model);
        let batch = self.hidden.batch(self.state.runs.jobs_of(run));
        let LayerOfBatch { class, .. } = batch.layer(system, model, run.class, layer);
        let Some(job) = batch.of_layer(system, model, layer).next() else { return };
        let layer = LayerId::new(layer as usize);
        let record = LayerRecord { run: run.id, job, model, layer, class, began, ended };
        self.observer.layer_completed(self.state.now, &record);
    }

    /// Reports the layers that a batch completed before it stopped at `to`, where the execution told of none.
    pub(super) fn report_layers_of_batch(&mut self, slot: usize, to: Progress) {
        let Some(run) = self.state.runs.at(slot).copied() else { return };
        let system = self.system;
        let Anchor { from, mut began, at, rest } = self.hidden.runs[slot].anchor;
        // The layer at the anchor may have begun before it.
        let mut goes_on = at;
        let Some(segment) = self.hidden.segment(&self.state, slot) else { return };
        let mut layer = segment.next_layer(system, from.layer);
        while layer < to.layer {
            let Some(segment) = self.hidden.segment(&self.state, slot) else { return };
            let latency = segment.layer_latency(system, layer);
            let is_first = layer == from.layer;
            let done = if is_first { segment.next_from(system, from) } else { layer.into() };
            let next = segment.next_layer(system, layer + 1);
            let rest = rest.filter(|_| is_first).unwrap_or_else(|| latency - done.done_of(latency));
            let ended = Time::from_picoseconds(goes_on.picoseconds().saturating_add(rest));
            self.tell_layer_of_batch(&run, layer, began, ended);
            (began, goes_on, layer) = (ended, ended, next);
        }
    }

    /// Adds the energy of what a batch has done since it was last booked, layer by layer, in equal parts to the jobs that ran
    /// each.
    pub(super) fn spend_batch(&mut self, slot: usize, reach: Reach) {
        let Reach { to, part, stretch } = reach;
        let (system, hidden) = (self.system, &mut self.hidden);
        let Some(run) = self.state.runs.at(slot) else { return };
        let (model, jobs) = (run.model, self.state.runs.jobs_of(run));
        let Some(first) = jobs.first() else { return };
        let HiddenJob { booked, booked_part, .. } = hidden.jobs[first.slot()];
        let is_there = (to, part) == (booked, booked_part);
        let spent = &mut hidden.jobs;
        let batch = Batch { jobs, realisations: &hidden.realisations, ranks: &hidden.ranks };
        let mut layer = batch.next_layer(system, model, booked.layer);
        while !is_there && (layer < to.layer || (layer == to.layer && !is_between(to, part))) {
            let LayerOfBatch { count, class, outcome } = batch.layer(system, model, run.class, layer);
            let whole = system.costs.true_energy(model, outcome, layer, class);
            let from = system.in_steps_of(model, class, booked);
            let mut energy = energy_between(whole, layer, (from, booked_part), (to, part));
            energy.static_energy = energy.static_energy.scaled(stretch);
            for (position, job) in (0..).zip(batch.of_layer(system, model, layer)) {
                spent[job.slot()].energy += energy.map(|part| share(part, position, count));
            }
            layer = batch.next_layer(system, model, layer + 1);
        }
        for job in jobs {
            let hidden = &mut spent[job.slot()];
            (hidden.booked, hidden.booked_part) = (to, part);
        }
    }

    /// Books a batch that stopped, all of whose layers were told of. Where it was to be resized, or has more to do than its jobs that are over, the rest go on;
    /// else all of them are ready again, complete or dropped.
    pub(super) fn stop_batch(&mut self, slot: usize, stop: &Stop, resizes: bool) {
        self.spend_batch(slot, Reach { stretch: stop.stretch, ..Reach::at(stop.to) });
        let Some(run) = self.state.runs.at(slot).copied() else { return };
        let mut jobs = std::mem::take(&mut self.members);
        jobs.clear();
        jobs.extend_from_slice(self.state.runs.jobs_of(&run));
        let goes_on = resizes || (!run.is_ending && stop.to.layer < run.stop);
        if goes_on && jobs.iter().any(|job| !self.is_over(*job, stop.to)) {
            self.go_on_without(slot, &jobs, stop.to);
        } else {
            self.end_batch(slot, &jobs, stop.to);
        }
        self.members = jobs;
    }

    /// True if a job of a batch leaves it at a progress: between layers, with its inference over or dropped.
    fn is_over(&self, job: JobId, to: Progress) -> bool {
        let hidden = &self.hidden.jobs[job.slot()];
        to.quantum == 0 && (to.layer >= self.hidden.realisations[job.slot()].end || hidden.drops_at_boundary)
    }

    /// Has a batch go on without those of its jobs that are over, on other units where it was to be resized.
    fn go_on_without(&mut self, slot: usize, jobs: &[JobId], to: Progress) {
        let system = self.system;
        let Some(mut run) = self.state.runs.at(slot).copied() else { return };
        let (before, mut started) = (run.units, self.state.now);
        let carried = run.from.carried_to(to);
        jobs.iter().for_each(|job| self.hidden.jobs[job.slot()].booked = carried);
        let stays = |job: &&JobId| !self.is_over(**job, to);
        let staying = jobs.iter().filter(stays).count() as u32;
        let resizes = run.next_class.is_some();
        let next = run.next_class.unwrap_or(run.class);
        let class = system.costs.in_batch(next, staying).unwrap_or(next);
        if resizes {
            let last_layer = self.hidden.batch(jobs).last_layer(system, run.model, carried);
            self.change_units(&mut run, class, last_layer);
            let migration = system.platform.accelerators[run.accelerator.index()].migration();
            started = started.saturating_add(migration.time);
            let energy = Energy::from_picojoules(migration.energy_pj);
            let mut position = 0;
            for job in jobs {
                if !self.is_over(*job, to) {
                    self.hidden.jobs[job.slot()].switch_energy += share(energy, position, staying);
                    position += 1;
                }
            }
        }
        self.go_on(&mut run, class, carried, started);
        self.state.runs.begin_batch(run, jobs);
        for job in jobs {
            if self.is_over(*job, to) {
                self.state.runs.remove_job(slot, *job);
                self.tell_left(slot, *job, to, None);
            }
        }
        self.begin(slot);
        if resizes && let Some(run) = self.state.runs.at(slot) {
            let record = ResizeRecord { run, before, to: carried };
            self.observer.resized(self.state.now, &record);
        }
        // One that is dropped leaves at the end of the layer, whatever happens inside of it.
        let drops = |job: &&JobId| self.hidden.jobs[job.slot()].drops_at_boundary;
        if to.quantum > 0 && jobs.iter().any(|job| drops(&job)) {
            self.stop_at_layer(slot);
        }
        for job in jobs.iter().filter(|_| to.quantum == 0) {
            self.settle_job(job.slot(), to.layer);
        }
    }

    /// Moves a job to where it stands, and tells the observer that it leaves its batch.
    fn tell_left(&mut self, slot: usize, id: JobId, to: Progress, stopped: Option<Preemption>) {
        let now = self.state.now;
        self.show_energy(id.slot());
        let Some(run) = self.state.runs.at(slot) else { return };
        let realisation = &self.hidden.realisations[id.slot()];
        let next = self.system.next_layer(run.model, realisation, to.layer);
        let mut progress = Progress::at(next);
        if to.quantum > 0 && next == to.layer && stopped != Some(Preemption::Kill) {
            progress = run.from.carried_to(to);
        }
        self.hidden.jobs[id.slot()].booked = progress;
        let job = &mut self.state.jobs[id.slot()];
        (job.progress, job.last_ran) = (progress, now);
        if self.system.profile.has_transfers() {
            let layer = self.system.last_layer(run.model, realisation, Progress::at(to.layer));
            let is_written = stopped == Some(Preemption::Checkpoint);
            job.place = Some(Place { accelerator: run.accelerator, layer, is_written });
        }
        let switched = self.hidden.runs[slot].switched;
        let record = SegmentRecord { run, job, to: progress, switched, stopped };
        if run.jobs.single() == Some(id) {
            self.observer.segment_ended(now, &record);
        } else {
            self.observer.left(now, &record);
        }
    }

    /// Completes a job that left its batch before a layer, drops it, or lets it be ready; nothing for one that runs on.
    fn settle_job(&mut self, job: usize, layer: u32) {
        if layer >= self.hidden.realisations[job].end {
            self.complete(job);
        } else if self.hidden.jobs[job].drops_at_boundary {
            self.state.set_job_state(job, JobState::Waiting);
            self.drop_job(job, DropCause::Policy);
        }
    }

    /// Ends the run of a batch, which dissolves.
    fn end_batch(&mut self, slot: usize, jobs: &[JobId], to: Progress) {
        let (system, now) = (self.system, self.state.now);
        let Some(run) = self.state.runs.at(slot).copied() else { return };
        self.state.free_units(run.accelerator, run.units);
        self.hidden.count_busy(slot, run.accelerator, now);
        let stopped = if to.quantum > 0 { self.hidden.runs[slot].mode } else { None };
        if stopped == Some(Preemption::Checkpoint) {
            self.write_contexts(slot, jobs, to);
        }
        // A context that is written or lost leaves nothing to be moved.
        let is_left = matches!(stopped, Some(Preemption::Checkpoint | Preemption::Kill));
        let last_layer =
            if is_left { None } else { self.hidden.batch(jobs).last_layer(system, run.model, to) };
        let last = UnitState {
            last_model: Some(system.costs.held(run.model)),
            last_layer,
            last_units: system.costs.class(run.class).units,
            last_jobs: run.jobs.count(),
        };
        self.state.mark_units(run.accelerator, run.units, last);
        for job in jobs {
            self.tell_left(slot, *job, to, stopped);
            self.state.runs.remove_job(slot, *job);
        }
        self.state.runs.end(slot);
        for job in jobs {
            let layer = self.state.jobs[job.slot()].progress.layer;
            let is_over = layer >= self.hidden.realisations[job.slot()].end;
            if !is_over && !self.hidden.jobs[job.slot()].drops_at_boundary {
                self.state.set_job_state(job.slot(), JobState::Ready);
            }
        }
        for job in jobs {
            let layer = self.state.jobs[job.slot()].progress.layer;
            self.settle_job(job.slot(), layer);
        }
    }

    /// Has the units of a batch that stopped inside a layer write what there is of what it leaves for each job that ran it,
    /// one after the other. Nothing is written for jobs that are dropped.
    #[cold]
    fn write_contexts(&mut self, slot: usize, jobs: &[JobId], stop: Progress) {
        let Some(run) = self.state.runs.at(slot).copied() else { return };
        let profile = &self.system.profile;
        let context = profile.context(run.model, run.from.carried_to(stop));
        let mut all = Moved::default();
        for job in jobs {
            let runs = self.hidden.batch(jobs).runs(self.system, run.model, *job, stop.layer);
            let hidden = &mut self.hidden.jobs[job.slot()];
            if runs && !hidden.drops_at_boundary {
                hidden.written = context;
                hidden.switch_energy += profile.context_move(run.accelerator, context).1;
                all = all.plus(context);
            }
        }
        let written = self.state.now.saturating_add(profile.context_move(run.accelerator, all).0);
        let first = self.state.accelerators[run.accelerator.index()].first_unit;
        for unit in run.units.iter() {
            self.hidden.written[(first + unit) as usize] = written;
        }
    }

    /// Ends the run of a batch at once: the simulation is over.
    pub(super) fn halt_batch(&mut self, slot: usize, to: Progress) {
        let Some(run) = self.state.runs.at(slot).copied() else { return };
        let jobs = self.state.runs.jobs_of(&run).to_vec();
        self.hidden.count_busy(slot, run.accelerator, self.state.now);
        // What was booked of a layer that is not complete, where an operating point changed, stays booked, and nothing of it
        // has been done since that counts.
        let booked = jobs.first().map(|job| self.hidden.jobs[job.slot()].booked);
        if booked.is_some_and(|booked| to.layer > booked.layer) {
            self.spend_batch(slot, Reach::at(to));
        }
        for job in &jobs {
            self.show_energy(job.slot());
            let Some(run) = self.state.runs.at(slot) else { return };
            let shown = &mut self.state.jobs[job.slot()];
            shown.progress = to;
            let switched = self.hidden.runs[slot].switched;
            let record = SegmentRecord { run, job: shown, to, switched, stopped: None };
            if run.jobs.count() > 1 {
                self.observer.left(self.state.now, &record);
            } else {
                self.observer.segment_ended(self.state.now, &record);
            }
            self.state.runs.remove_job(slot, *job);
            self.state.set_job_state(job.slot(), JobState::Waiting);
        }
        self.state.runs.end(slot);
    }
}

/// The part of the job at a position of `count` jobs that share an energy: parts are equal but for rounding, and add up to it.
fn share(energy: Energy, position: u32, count: u32) -> Energy {
    let before = |jobs: u32| energy.before(jobs.into(), count.into());
    before(position + 1).saturating_sub(if position == 0 { Energy::ZERO } else { before(position) })
}
