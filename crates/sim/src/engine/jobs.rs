//! From frames to jobs, and to their ends: what is released when, what waits for what, and what becomes
//! of jobs whose inputs never come.

use rtmm_hardware::Energy;
use rtmm_scheduler::{Job, JobId, JobState, Notice, Progress};
use rtmm_workload::{Frame, ModelId, Realisation, TaskId, Time};

use super::Simulation;
use super::state::HiddenJob;
use crate::execution::Execution;
use crate::frames::{Fate, Linked};
use crate::observer::{DropCause, JobRecord, Observer};

impl<E: Execution, O: Observer> Simulation<'_, E, O> {
    /// Takes the next frame of the source that is due.
    pub(super) fn arrive(&mut self) {
        let Some(rank) = self.events.due_source() else { return };
        let task = self.system.order[rank];
        let source = &mut self.sources[task.index()];
        let frame = source.next_frame();
        self.events.replace_source(source.peek());
        // A follower has a copy of its leader's source, and so a place of its own among the tasks.
        let frame = match &self.followers[task.index()] {
            Some(follower) => frame.and_then(|frame| follower.frame(&frame)),
            None => frame,
        };
        if let Some(frame) = frame {
            self.take_frame(task, frame);
        }
    }

    /// Takes in a frame: looks up what it needs, and shows its job if that is known by now.
    pub(super) fn take_frame(&mut self, task: TaskId, frame: Frame) {
        let system = self.system;
        let depends_on = &system.scenario.tasks[task.index()].depends_on;
        let links = &system.tasks[task.index()];
        let released = frame.release <= self.state.now;
        // A table holds frames without a gap, so that none that follows one in it can pass it by.
        let is_apart = depends_on.is_empty()
            && links.dependents.is_empty()
            && self.frames[task.index()].latest().is_none();
        if is_apart && released {
            if frame.triggered {
                let slot = self.show(task, &frame, JobState::Ready);
                self.tell_released(slot);
            } else {
                self.observer.not_triggered(self.state.now, task, frame.arrival);
            }
            return;
        }
        let mut linked = Linked {
            frame,
            fate: Fate::Hidden,
            unknown_left: 0,
            data_left: 0,
            dropped_upstream: false,
            ready: frame.arrival,
            is_queued: false,
        };
        let mut exists = frame.triggered;
        self.needs.clear();
        for (position, (dependency, control)) in depends_on.iter().zip(&links.control).enumerate() {
            let table = &self.frames[dependency.task.index()];
            let needed = table.latest();
            self.needs.push(needed.unwrap_or(u64::MAX));
            let fate = needed.and_then(|index| table.get(index)).map(|upstream| upstream.fate);
            match (fate, control) {
                // Before the first frame of the other task there is nothing to work on.
                (None | Some(Fate::NotTriggered), _) => exists = false,
                (Some(Fate::Completed { model, exit } | Fate::Dropped { model, exit }), Some(table)) => {
                    exists &= self.happens(task, frame.index, position, table.probability(model, exit));
                }
                (Some(Fate::Completed { .. } | Fate::Dropped { .. }), None) => {}
                (Some(Fate::Live(_)), None) => linked.data_left += 1,
                // Whether there will be an output is not known either.
                (Some(Fate::Hidden), None) => {
                    linked.data_left += 1;
                    linked.unknown_left += 1;
                }
                (Some(Fate::Hidden | Fate::Live(_)), Some(_)) => linked.unknown_left += 1,
            }
            linked.dropped_upstream |= matches!(fate, Some(Fate::Dropped { .. }));
        }
        linked.is_queued = exists && !released;
        self.frames[task.index()].push(linked, self.needs.iter().copied());
        if !exists {
            self.settle_not_triggered(task, frame.index);
        } else {
            if !released {
                self.events.add_release(frame.release, links.rank, frame.index);
            }
            self.show_if_known(task, frame.index);
        }
        self.frames[task.index()].forget();
    }

    /// The frame whose jitter has passed.
    pub(super) fn release_hidden(&mut self) {
        let Some((rank, index)) = self.events.take_release() else { return };
        let task = self.system.order[rank];
        if self.frames[task.index()].get(index).is_some_and(|linked| !linked.fate.is_settled()) {
            self.events.await_no_more();
        }
        self.show_if_known(task, index);
        self.frames[task.index()].forget();
    }

    /// Shows the job of a hidden frame once its outcomes and its release are there. One that will never
    /// have what it needs is dropped at once: it counts, but no policy learns of it before its release.
    pub(super) fn show_if_known(&mut self, task: TaskId, index: u64) {
        let Some(linked) = self.frames[task.index()].get(index) else { return };
        if linked.fate != Fate::Hidden || linked.unknown_left > 0 || linked.frame.release > self.state.now {
            return;
        }
        let (frame, dropped_upstream, ready) = (linked.frame, linked.dropped_upstream, linked.ready);
        let waits = linked.data_left > 0 || dropped_upstream;
        let slot = self.show(task, &frame, if waits { JobState::Waiting } else { JobState::Ready });
        self.hidden.jobs[slot].ready = ready;
        let id = self.state.jobs[slot].id;
        self.tell_released(slot);
        self.settle(task, index, Fate::Live(id));
        if dropped_upstream {
            self.drop_job(slot, DropCause::Upstream);
        }
    }

    /// Makes the job of a frame, in a free slot.
    pub(super) fn show(&mut self, task: TaskId, frame: &Frame, state: JobState) -> usize {
        let system = self.system;
        let model = system.scenario.tasks[task.index()].model;
        let slot = match self.hidden.vacant.pop() {
            Some(slot) => slot,
            None => self.state.jobs.len() as u32,
        };
        let generation =
            self.state.jobs.get(slot as usize).map_or(0, |job| job.id.generation().wrapping_add(1));
        let job = Job {
            id: JobId::new(slot, generation),
            task,
            frame: frame.index,
            arrival: frame.arrival,
            release: self.state.now,
            deadline: frame.deadline,
            priority: frame.priority,
            model,
            started: false,
            progress: Progress::default(),
            state,
            sequence: self.next_sequence,
            last_ran: self.state.now,
            place: None,
            energy: Energy::ZERO,
        };
        self.next_sequence += 1;
        let Frame { sample, is_recorded, arrival, .. } = *frame;
        let hidden = HiddenJob { sample, is_recorded, ready: arrival, ..HiddenJob::default() };
        let realisation = self.realise(task, model, sample, is_recorded);
        match self.hidden.jobs.get_mut(slot as usize) {
            Some(place) => {
                *place = hidden;
                self.hidden.realisations[slot as usize] = realisation;
            }
            None => {
                self.hidden.jobs.push(hidden);
                self.hidden.realisations.push(realisation);
            }
        }
        self.draw_ranks(slot as usize, task, model, frame.index);
        self.state.release(job);
        slot as usize
    }

    pub(super) fn realise(
        &self,
        task: TaskId,
        model: ModelId,
        sample: u64,
        is_recorded: bool,
    ) -> Realisation {
        let model = &self.system.models[model.index()];
        let row = model.sample_row(self.sample_draws[task.index()], sample, is_recorded);
        Realisation { row, ..model.realise(self.path_draws[task.index()], sample) }
    }

    /// Draws what the layers of a job take where that varies.
    #[inline]
    pub(super) fn draw_ranks(&mut self, slot: usize, task: TaskId, model: ModelId, frame: u64) {
        let costs = &self.system.costs;
        if costs.varies(model) {
            costs.draw(model, self.latency_draws[task.index()], frame, self.hidden.ranks.of_mut(slot));
        }
    }

    pub(super) fn tell_released(&mut self, slot: usize) {
        self.must_decide = true;
        let job = self.state.jobs[slot];
        self.state.counters[job.task.index()].released += 1;
        self.observer.released(self.state.now, &job);
        if self.interests.jobs {
            self.notify(Notice::Released(job.id));
        }
    }

    /// True if the outcome of another job triggers a frame, by the position of the dependency: each
    /// has a draw of its own.
    pub(super) fn happens(&self, task: TaskId, frame: u64, position: usize, probability: f64) -> bool {
        self.control_draws[task.index()].happens(frame, position as u64, probability)
    }

    /// There is no job for a frame.
    pub(super) fn settle_not_triggered(&mut self, task: TaskId, index: u64) {
        let Some(linked) = self.frames[task.index()].get(index) else { return };
        let frame = linked.frame;
        if linked.is_queued && frame.release > self.state.now {
            self.events.await_no_more();
        }
        self.observer.not_triggered(self.state.now, task, frame.arrival);
        self.settle(task, index, Fate::NotTriggered);
    }

    /// Records the fate of a frame, and passes it on to the frames that need it.
    pub(super) fn settle(&mut self, task: TaskId, index: u64, fate: Fate) {
        let Some(linked) = self.frames[task.index()].get_mut(index) else { return };
        linked.fate = fate;
        let system = self.system;
        for &(dependent, position) in &system.tasks[task.index()].dependents {
            let mut from = 0;
            while let Some(found) = self.frames[dependent.index()].dependent(position, index, from) {
                self.pass_on(dependent, found, position, fate);
                from = found + 1;
            }
            self.frames[dependent.index()].forget();
        }
        self.frames[task.index()].forget();
    }

    /// Tells a frame what became of one that it needs.
    pub(super) fn pass_on(&mut self, task: TaskId, index: u64, position: usize, fate: Fate) {
        let control = self.system.tasks[task.index()].control[position].as_ref();
        if let Fate::Live(_) = fate {
            // Its output will be there; its outcome is not.
            if control.is_none()
                && let Some(linked) = self.frames[task.index()].get_mut(index)
            {
                linked.unknown_left = linked.unknown_left.saturating_sub(1);
                self.show_if_known(task, index);
            }
            return;
        }
        let triggers = match (control, fate) {
            // A job that was dropped triggers what it would have triggered.
            (Some(table), Fate::Completed { model, exit } | Fate::Dropped { model, exit }) => {
                self.happens(task, index, position, table.probability(model, exit))
            }
            _ => true,
        };
        let Some(linked) = self.frames[task.index()].get_mut(index) else { return };
        if control.is_some() {
            linked.unknown_left = linked.unknown_left.saturating_sub(1);
        } else {
            linked.data_left = linked.data_left.saturating_sub(1);
        }
        linked.dropped_upstream |= matches!(fate, Fate::Dropped { .. });
        if matches!(fate, Fate::Completed { .. }) {
            linked.ready = self.state.now;
        }
        let (own, data_left, ready) = (linked.fate, linked.data_left, linked.ready);
        if let Fate::Live(id) = own {
            self.hidden.jobs[id.slot()].ready = ready;
        }
        match (fate, own) {
            (Fate::Dropped { .. } | Fate::NotTriggered, Fate::Live(id)) => {
                self.drop_job(id.slot(), DropCause::Upstream)
            }
            (Fate::NotTriggered, _) => self.settle_not_triggered(task, index),
            _ if !triggers => self.settle_not_triggered(task, index),
            (_, Fate::Live(id)) if data_left == 0 => self.become_ready(id),
            (_, Fate::Live(_)) => {}
            (_, _) => self.show_if_known(task, index),
        }
    }

    pub(super) fn become_ready(&mut self, id: JobId) {
        self.must_decide = true;
        self.state.set_job_state(id.slot(), JobState::Ready);
        if self.interests.jobs {
            self.notify(Notice::InputsReady(id));
        }
    }

    pub(super) fn complete(&mut self, slot: usize) {
        let job = self.state.jobs[slot];
        let counters = &mut self.state.counters[job.task.index()];
        counters.completed += 1;
        counters.late += u64::from(self.state.now > job.deadline);
        counters.worst_energy += self.system.profile.worst_energy(self.system.original(job.model));
        self.tell(slot, |observer, now, record| observer.completed(now, record));
        if self.interests.jobs {
            self.notify(Notice::Completed(job.id));
        }
        self.free(slot);
        let exit = self.hidden.realisations[slot].exit;
        self.settle(job.task, job.frame, Fate::Completed { model: job.model, exit });
    }

    /// Drops a job that does not run.
    pub(super) fn drop_job(&mut self, slot: usize, cause: DropCause) {
        self.must_decide = true;
        let job = self.state.jobs[slot];
        if matches!(job.state, JobState::Running(_) | JobState::Over) {
            return;
        }
        self.state.withdraw(slot);
        let counters = &mut self.state.counters[job.task.index()];
        counters.dropped += 1;
        counters.worst_energy += self.system.profile.worst_energy(self.system.original(job.model));
        self.tell(slot, |observer, now, record| observer.dropped(now, record, cause));
        if self.interests.jobs {
            self.notify(Notice::Dropped(job.id));
        }
        self.free(slot);
        if cause == DropCause::Upstream {
            self.dropped_upstream.push(job.id);
        }
        let exit = self.hidden.realisations[slot].exit;
        self.settle(job.task, job.frame, Fate::Dropped { model: job.model, exit });
    }

    pub(super) fn tell(&mut self, slot: usize, tell: impl FnOnce(&mut O, Time, &JobRecord<'_>)) {
        let job = &self.state.jobs[slot];
        let hidden = &self.hidden.jobs[slot];
        let model = &self.system.models[job.model.index()];
        let judged = self.system.original(job.model);
        let exit = self.hidden.realisations[slot].exit.and_then(|exit| model.exits.get(usize::from(exit)));
        let record = JobRecord {
            job,
            ready: hidden.ready,
            energy: &hidden.energy,
            switch_energy: hidden.switch_energy,
            moves: hidden.moves,
            accuracy: match &model.layer_variants {
                // Of the set that it ran, if that was measured.
                Some(variants) => variants.accuracy(hidden.variants),
                None => exit.and_then(|exit| exit.accuracy).or(model.accuracy),
            },
            worst_energy: self.system.profile.worst_energy(judged),
            isolated: self.system.isolated_latency(
                judged,
                &self.hidden.realisations[slot],
                self.hidden.outcome(slot),
            ),
        };
        tell(&mut self.observer, self.state.now, &record);
    }

    /// Makes a slot free: its id names nothing from now on.
    pub(super) fn free(&mut self, slot: usize) {
        self.state.set_job_state(slot, JobState::Over);
        self.hidden.vacant.push(slot as u32);
    }
}
