//! Consequences of the end of a layer or of a run: progress, energy, other units, completion.

use rtmm_hardware::{Class, ClassId, Energy, EnergyParts, Outcome, Shares, UnitSet};
use rtmm_scheduler::{JobState, Notice, Pace, Place, Preemption, Progress, Run, UnitState, before_quantum};
use rtmm_workload::{Duration, LayerId, ModelId, Time};

use super::Simulation;
use super::decisions::expected_latency;
use super::state::Anchor;
use crate::execution::{Completed, Execution, LayerPart, Reach, Segment, Step, Stop};
use crate::observer::{DropCause, LayerRecord, Observer, ResizeRecord, SegmentRecord};

impl<E: Execution, O: Observer> Simulation<'_, E, O> {
    /// Takes the event of a run.
    pub(super) fn step(&mut self, slot: usize) {
        let Some(segment) = self.hidden.segment(&self.state, slot) else { return };
        match self.execution.step(self.system, slot, self.state.now, &segment) {
            Step::Internal => {}
            Step::Layer(completed) => self.complete_layer(slot, &completed),
            Step::Ended(stop) => self.end_run(slot, &stop),
            Step::Resizes(stop) => self.resize_run(slot, &stop),
        }
    }

    /// Books a layer, and notifies the policy and the observer if they ask for layers.
    pub(super) fn complete_layer(&mut self, slot: usize, completed: &Completed) {
        let Some(run) = self.state.runs.at(slot) else { return };
        let (id, class, model) = (run.id, run.class, run.model);
        let Some(job) = run.jobs.single() else { return self.complete_layer_of_batch(slot, completed) };
        let Completed { layer, began, stretch } = *completed;
        let to = Progress::at(layer.index() as u32 + 1);
        self.spend(job.slot(), class, model, Reach { stretch, ..Reach::at(to) });
        if self.observes_layers {
            let ended = self.state.now;
            let record = LayerRecord { run: id, job, model, layer, class, began, ended };
            self.observer.layer_completed(ended, &record);
        }
        if self.interests.layers {
            self.must_decide = true;
            let latency = self.state.now.saturating_since(began);
            let row = self.hidden.realisations[job.slot()].row as usize;
            let samples = self.system.models[model.index()].samples.as_ref();
            let sparsity = samples.map(|samples| samples.sparsity(row, layer.index()));
            self.notify(Notice::LayerCompleted { job, model, layer, run: id, latency, sparsity });
        }
    }

    /// Reports the layers that a run completed before it stopped at `to`, where the execution told of none:
    /// each took as long as in isolation.
    pub(super) fn report_layers(&mut self, slot: usize, to: Progress) {
        let Some(run) = self.state.runs.at(slot) else { return };
        let Some(job) = run.jobs.single() else { return self.report_layers_of_batch(slot, to) };
        let (system, now) = (self.system, self.state.now);
        let Run { id, class, model, .. } = *run;
        let Anchor { from, mut began, at, rest } = self.hidden.runs[slot].anchor;
        let realisation = self.hidden.realisations[job.slot()];
        // The layer at the anchor may have begun before it.
        let mut goes_on = at;
        let mut layer = system.next_layer(model, &realisation, from.layer);
        while layer < to.layer {
            let latency = system.costs.true_latency(model, self.hidden.outcome(job.slot()), layer, class);
            let rest = match rest.filter(|_| layer == from.layer) {
                Some(rest) => rest,
                None => {
                    let is_first = layer == from.layer;
                    let done =
                        if is_first { system.in_steps_of(model, class, from) } else { Progress::at(layer) };
                    latency - before_quantum(latency, done.quantum, done.quanta)
                }
            };
            let ended = goes_on.saturating_add(Duration::from_picoseconds(rest));
            let of_run =
                LayerRecord { run: id, job, model, layer: LayerId::new(layer as usize), class, began, ended };
            self.observer.layer_completed(now, &of_run);
            (began, goes_on) = (ended, ended);
            layer = system.next_layer(model, &realisation, layer + 1);
        }
    }

    /// Books a run that is over, and lets its job go on, end, or be dropped.
    pub(super) fn end_run(&mut self, slot: usize, stop: &Stop) {
        if let Some(completed) = &stop.last {
            self.complete_layer(slot, completed);
        }
        self.must_decide = true;
        if self.observes_layers && !self.execution.tells_layers() {
            self.report_layers(slot, stop.to);
        }
        let Some(run) = self.state.runs.at(slot) else { return };
        let Some(id) = run.jobs.single() else { return self.stop_batch(slot, stop, false) };
        let (accelerator, units, class, model) = (run.accelerator, run.units, run.class, run.model);
        self.state.free_units(accelerator, units);
        self.hidden.count_busy(slot, accelerator, self.state.now);
        let now = self.state.now;
        let (of_job, to) = (id.slot(), stop.to);
        self.spend(of_job, class, model, Reach { stretch: stop.stretch, ..Reach::at(to) });
        let stopped = if to.quantum > 0 { self.hidden.runs[slot].mode } else { None };
        let is_left = matches!(stopped, Some(Preemption::Checkpoint | Preemption::Kill));
        if stopped == Some(Preemption::Checkpoint) {
            self.write_context(slot, to);
        }
        self.show_energy(of_job);
        // A context that is written or lost leaves nothing to be moved.
        let last_layer =
            if is_left { None } else { self.system.last_layer(model, &self.hidden.realisations[of_job], to) };
        if self.hidden.runs[slot].held == 1 {
            self.state.set_last_layer(accelerator, units, last_layer);
        } else {
            // Some may have been held for a change of units that never came.
            let last_units = self.system.costs.class(class).units;
            let last_model = Some(self.system.costs.held(model));
            let last = UnitState { last_model, last_layer, last_units, last_jobs: 1 };
            self.state.mark_units(accelerator, units, last);
        }
        // What is skipped next shows now, and is behind the job.
        let next = self.system.next_layer(model, &self.hidden.realisations[of_job], to.layer);
        let Some(run) = self.state.runs.at(slot) else { return };
        let (mut quantum, mut quanta) = if next == to.layer { (to.quantum, to.quanta) } else { (0, 0) };
        if quantum > 0 {
            let carried = run.from.carried_to(to);
            (quantum, quanta) = (carried.quantum, carried.quanta);
        }
        if stopped == Some(Preemption::Kill) {
            (quantum, quanta) = (0, 0);
        }
        let to = Progress { layer: next, quantum, quanta };
        let hidden = &mut self.hidden.jobs[of_job];
        (hidden.booked, hidden.booked_part) = (to, LayerPart::NONE);
        let drops_at_boundary = hidden.drops_at_boundary;
        let job = &mut self.state.jobs[of_job];
        // Field by field: a copy of what was just put together would have to wait for it.
        (job.progress.layer, job.progress.quantum, job.progress.quanta) = (next, quantum, quanta);
        job.last_ran = now;
        if self.system.profile.has_transfers() {
            let at = Progress::at(stop.to.layer);
            let layer = self.system.last_layer(model, &self.hidden.realisations[of_job], at);
            let is_written = stopped == Some(Preemption::Checkpoint);
            job.place = Some(Place { accelerator, layer, is_written });
        }
        let switched = self.hidden.runs[slot].switched;
        self.observer.segment_ended(now, &SegmentRecord { run, job, to, switched, stopped });
        self.state.runs.end(slot);
        if to.layer >= self.hidden.realisations[of_job].end {
            self.complete(of_job);
        } else if drops_at_boundary {
            self.state.set_job_state(of_job, JobState::Waiting);
            self.drop_job(of_job, DropCause::Policy);
        } else {
            self.state.set_job_state(of_job, JobState::Ready);
        }
    }

    /// Has the units of a run that stopped inside a layer write what there is of what it leaves, for which the job
    /// pays. For a job that is dropped nothing is written.
    #[cold]
    fn write_context(&mut self, slot: usize, stop: Progress) {
        let Some(run) = self.state.runs.at(slot) else { return };
        let Some(job) = run.jobs.single() else { return };
        let profile = &self.system.profile;
        let context = profile.context(run.model, run.from.carried_to(stop));
        let hidden = &mut self.hidden.jobs[job.slot()];
        let (time, energy) = profile.context_move(run.accelerator, context);
        if hidden.drops_at_boundary {
            return;
        }
        hidden.written = context;
        hidden.switch_energy += energy;
        let written = self.state.now.saturating_add(time);
        let first = self.state.accelerators[run.accelerator.index()].first_unit;
        for unit in run.units.iter() {
            self.hidden.written[(first + unit) as usize] = written;
        }
    }

    /// Books what a run has done in its class, and lets it go on in the next one.
    fn resize_run(&mut self, slot: usize, stop: &Stop) {
        if let Some(completed) = &stop.last {
            self.complete_layer(slot, completed);
        }
        if self.observes_layers && !self.execution.tells_layers() {
            self.report_layers(slot, stop.to);
        }
        self.must_decide = true;
        let system = self.system;
        let Some(mut run) = self.state.runs.at(slot).copied() else { return };
        let Some(id) = run.jobs.single() else { return self.stop_batch(slot, stop, true) };
        let Some(class) = run.next_class else { return };
        let (of_job, now) = (id.slot(), self.state.now);
        self.spend(of_job, run.class, run.model, Reach { stretch: stop.stretch, ..Reach::at(stop.to) });
        let to = run.from.carried_to(stop.to);
        self.hidden.jobs[of_job].booked = to;
        let before = run.units;
        let last_layer = system.last_layer(run.model, &self.hidden.realisations[of_job], to);
        self.change_units(&mut run, class, last_layer);
        let migration = system.platform.accelerators[run.accelerator.index()].migration();
        self.hidden.jobs[of_job].switch_energy += Energy::from_picojoules(migration.energy_pj);
        self.go_on(&mut run, class, to, now.saturating_add(migration.time));
        let run = self.state.runs.begin(run);
        let (realisation, ranks) = (&self.hidden.realisations[of_job], self.hidden.ranks.of(of_job));
        let segment = Segment { run, realisation, ranks, batch: None, jobs: &self.state.jobs };
        self.execution.begin(system, slot, &segment);
        let record = ResizeRecord { run, before, to };
        self.observer.resized(now, &record);
    }

    /// Gives a run the units and the share of another class. Units that it loses hold what `last_layer` left.
    pub(super) fn change_units(&mut self, run: &mut Run, class: ClassId, last_layer: Option<u32>) {
        let (system, slot, before) = (self.system, run.id.slot(), run.units);
        self.hidden.count_busy(slot, run.accelerator, self.state.now);
        // Units to gain are held already. Those to lose are the highest, but never the one that names the
        // slot of the run.
        let home = UnitSet::only(slot as u32 - self.state.accelerators[run.accelerator.index()].first_unit);
        let before_units = system.costs.class(run.class).units;
        let kept = system.costs.class(class).units;
        run.units = home.union(before.without(home).lowest_of(kept.saturating_sub(1)));
        self.state.set_last_layer(run.accelerator, before.without(run.units), last_layer);
        self.state.free_units(run.accelerator, before.without(run.units));
        // More units come with more bandwidth as far as other runs leave it, fewer with less; a cap or a threshold stays.
        let own = system.share_of(class);
        run.share = match system.costs.shares() {
            Shares::Parts if kept > before_units => run.share.max(own.min(self.share_left(Some(run.id)))),
            Shares::Parts => run.share.min(own),
            Shares::Weights => own,
            Shares::Caps | Shares::Thresholds | Shares::None => run.share,
        };
        self.hidden.runs[slot].held = kept;
    }

    /// Has a run that stands at `to` go on in a class, from an instant on, or from the end of a stall.
    pub(super) fn go_on(&mut self, run: &mut Run, class: ClassId, to: Progress, started: Time) {
        let system = self.system;
        let started = if system.profile.has_points() {
            started.max(self.stalled_until(run.accelerator))
        } else {
            started
        };
        (run.class, run.next_class, run.from, run.started) = (class, None, to, started);
        run.pace = Pace::from(started);
        self.hidden.runs[run.id.slot()].anchor = Anchor::of(to, started);
        let from = system.in_steps_of(run.model, class, to);
        let expected = expected_latency(system, run.model, from, run.stop, class);
        run.expected_end = started.saturating_add(expected);
        let Class { units, batch, .. } = *system.costs.class(class);
        let last_layer = run.stop.checked_sub(1);
        let last_model = Some(system.costs.held(run.model));
        let last = UnitState { last_model, last_layer, last_units: units, last_jobs: batch };
        self.state.mark_units(run.accelerator, run.units, last);
    }

    /// Adds the energy of what a job has done since it was last booked. Parts of a layer are differences of floors, so that how
    /// layers are grouped into segments, and how they are cut, changes no total. Layers that took `stretch` times as long as in
    /// isolation spent as much more static energy.
    pub(super) fn spend(&mut self, slot: usize, class: ClassId, model: ModelId, reach: Reach) {
        let system = self.system;
        let hidden = &mut self.hidden.jobs[slot];
        let Reach { to, part, stretch } = reach;
        let booked_part = std::mem::replace(&mut hidden.booked_part, part);
        // What of a step is done where steps are smaller counts for nothing where it is done again.
        let booked = std::mem::replace(&mut hidden.booked, to);
        let from = if to == booked { to } else { system.in_steps_of(model, class, booked) };
        let is_whole = is_between(from, booked_part) && is_between(to, part);
        if is_whole && stretch == 1.0 && system.is_alike[model.index()] {
            let before = |layer| system.costs.energy_before(model, layer, class);
            hidden.energy += before(to.layer).saturating_sub(before(from.layer));
            return;
        }
        let realisation = &self.hidden.realisations[slot];
        let outcome = Outcome { row: realisation.row, ranks: self.hidden.ranks.of(slot) };
        let mut layer = system.next_layer(model, realisation, from.layer);
        while layer < to.layer || (layer == to.layer && !is_between(to, part)) {
            let whole = system.costs.true_energy(model, outcome, layer, class);
            let mut energy = energy_between(whole, layer, (from, booked_part), (to, part));
            energy.static_energy = energy.static_energy.scaled(stretch);
            hidden.energy += energy;
            layer = system.next_layer(model, realisation, layer + 1);
        }
    }

    /// Shows what a job has spent, now that a segment of it is over.
    #[inline]
    pub(super) fn show_energy(&mut self, slot: usize) {
        let hidden = &self.hidden.jobs[slot];
        let job = &mut self.state.jobs[slot];
        let spent = hidden.energy.total() + hidden.switch_energy + hidden.moves.energy;
        self.state.counters[job.task.index()].energy += spent.saturating_sub(job.energy);
        job.energy = spent;
    }
}

/// True if a place is between two layers.
pub(super) fn is_between(at: Progress, part: LayerPart) -> bool {
    at.quantum == 0 && part == LayerPart::NONE
}

/// The part of a layer's energy between two places, each of which may be inside of it.
pub(super) fn energy_between(
    whole: EnergyParts<Energy>,
    layer: u32,
    from: (Progress, LayerPart),
    to: (Progress, LayerPart),
) -> EnergyParts<Energy> {
    let up_to = |(at, part): (Progress, LayerPart)| {
        let is_cut = at.layer == layer && !is_between(at, part);
        is_cut.then(|| energy_until(whole, at, part))
    };
    match (up_to(from), up_to(to)) {
        (None, until) => until.unwrap_or(whole),
        (Some(before), until) => until.unwrap_or(whole).saturating_sub(&before),
    }
}

/// The energy of a layer up to a place in it, which is told in quanta, as a part of its compute and its traffic, or as both: then
/// the one that is further on counts.
fn energy_until(energy: EnergyParts<Energy>, at: Progress, part: LayerPart) -> EnergyParts<Energy> {
    let of = |energy: Energy, part: u64| {
        let in_quanta =
            if at.quantum > 0 { energy.before(at.quantum.into(), at.quanta.into()) } else { Energy::ZERO };
        in_quanta.max(energy.before(part, LayerPart::WHOLE))
    };
    let EnergyParts { mac, l1, l2, dram, static_energy } = energy;
    EnergyParts {
        mac: of(mac, part.compute),
        l1: of(l1, part.compute),
        l2: of(l2, part.compute),
        dram: of(dram, part.traffic),
        static_energy: of(static_energy, part.compute),
    }
}
