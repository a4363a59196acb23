//! What the end of a layer or of a segment brings: progress, energy, completion.

use rtmm_hardware::AcceleratorId;
use rtmm_scheduler::{JobState, Notice, Progress, Segment};
use rtmm_workload::ModelId;

use super::Simulation;
use super::state::State;
use crate::execution::{Completed, Execution, Step};
use crate::observer::{DropCause, Observer, SegmentRecord};

impl<E: Execution, O: Observer> Simulation<'_, E, O> {
    /// Takes the event of an accelerator.
    pub(super) fn step(&mut self, accelerator: AcceleratorId) {
        match self.execution.step(self.system, accelerator, self.state.now) {
            Step::Internal => {}
            Step::Layer(completed) => self.complete_layer(accelerator, &completed),
            Step::Ended { to, last } => {
                if let Some(completed) = &last {
                    self.complete_layer(accelerator, completed);
                }
                self.end_segment(accelerator, to);
            }
        }
    }

    /// Books a layer, and tells of it whoever wants to know.
    pub(super) fn complete_layer(&mut self, accelerator: AcceleratorId, completed: &Completed) {
        let Some(segment) = &self.state.accelerators[accelerator.index()].segment else { return };
        let Segment { job, model, .. } = *segment;
        let Completed { layer, began, stretch } = *completed;
        let to = Progress::at(layer.index() as u32 + 1);
        self.spend(job.slot(), accelerator, model, to, stretch);
        if self.interests.layers {
            self.is_news = true;
            let latency = self.state.now.saturating_since(began);
            let row = self.state.realisations[job.slot()].row as usize;
            let samples = self.system.models[model.index()].samples.as_ref();
            let sparsity = samples.map(|samples| samples.sparsity(row, layer.index()));
            self.notify(Notice::LayerCompleted { job, model, layer, accelerator, latency, sparsity });
        }
    }

    /// Books a segment that is over, and lets its job go on, end, or be given up.
    pub(super) fn end_segment(&mut self, accelerator: AcceleratorId, to: Progress) {
        self.is_news = true;
        let index = accelerator.index();
        let Some(segment) = self.state.accelerators[index].segment.take() else { return };
        let at = self.state.idle.partition_point(|idle| *idle < accelerator);
        self.state.idle.insert(at, accelerator);
        let now = self.state.now;
        let took = now.saturating_since(segment.dispatched);
        self.state.busy[index] = self.state.busy[index].saturating_add(took);
        let slot = segment.job.slot();
        self.spend(slot, accelerator, segment.model, to, 1.0);
        self.show_energy(slot);
        self.state.accelerators[index].last_layer =
            self.system.last_layer(segment.model, &self.state.realisations[slot], to);
        // What is skipped next shows now, and is behind the job.
        let next = self.system.next_layer(segment.model, &self.state.realisations[slot], to.layer);
        let to = if next == to.layer { to } else { Progress::at(next) };
        self.state.hidden[slot].booked = to;
        let job = &mut self.state.jobs[slot];
        job.progress = to;
        job.last_ran = now;
        let switched = self.state.hidden[slot].switched;
        let record = SegmentRecord { accelerator, segment: &segment, job, to, switched };
        self.observer.segment_ended(now, &record);
        if to.layer >= self.state.realisations[slot].end {
            self.complete(slot);
        } else if self.state.hidden[slot].is_doomed {
            job.state = JobState::Waiting;
            self.drop_job(slot, DropCause::Policy);
        } else {
            job.state = JobState::Ready;
            State::insert(&mut self.state.ready, &self.state.jobs, slot as u32);
        }
    }

    /// Adds the energy of what a job has done since it was last booked: layer by layer in order, so
    /// that how layers are grouped into segments changes no digit. Layers that took `stretch` times
    /// as long as in isolation spent as much more of what flows whether anything happens or not.
    pub(super) fn spend(
        &mut self,
        slot: usize,
        accelerator: AcceleratorId,
        model: ModelId,
        to: Progress,
        stretch: f64,
    ) {
        let system = self.system;
        let column = system.profile.column(accelerator);
        let hidden = &mut self.state.hidden[slot];
        // What of a step is done where steps are smaller counts for nothing where it is done again.
        let booked = std::mem::replace(&mut hidden.booked, to);
        let from = if to == booked { to } else { system.in_steps_of(model, column, booked) };
        let is_whole = from == Progress::default() && to.quantum == 0 && stretch == 1.0;
        if is_whole && system.is_alike[model.index()] {
            hidden.energy = *system.energy_before(model, to.layer, column);
        } else {
            let realisation = &self.state.realisations[slot];
            let mut layer = system.next_layer(model, realisation, from.layer);
            while layer < to.layer || (layer == to.layer && to.quantum > 0) {
                let mut energy = system.layer_energy(model, realisation, layer, accelerator);
                let share = |progress: Progress| match progress.quantum {
                    done if done > 0 && progress.layer == layer => {
                        f64::from(done) / f64::from(progress.quanta)
                    }
                    _ => 0.0,
                };
                let until = if layer == to.layer { share(to) } else { 1.0 };
                let part = until - share(from);
                if part != 1.0 || stretch != 1.0 {
                    energy = energy.scaled(part);
                    energy.r#static *= stretch;
                }
                hidden.energy += energy;
                layer = system.next_layer(model, realisation, layer + 1);
            }
        }
    }

    /// Shows what a job has spent, now that a segment of it is over.
    pub(super) fn show_energy(&mut self, slot: usize) {
        let hidden = &self.state.hidden[slot];
        let job = &mut self.state.jobs[slot];
        let spent = hidden.energy.total() + hidden.switch_energy_pj;
        self.state.counters[job.task.index()].energy_pj += spent - job.energy_pj;
        job.energy_pj = spent;
    }
}
