//! From frames to jobs, and to their ends: what is released when, what waits for what, and what becomes
//! of jobs whose inputs never come.

use rtmm_scheduler::{Job, JobId, JobState, Notice, Progress};
use rtmm_workload::{Frame, ModelId, Realisation, TaskId, Time};

use super::Simulation;
use super::state::{Hidden, State};
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
        let mut linked = Linked { frame, fate: Fate::Hidden, unknown_left: 0, data_left: 0 };
        let mut exists = frame.triggered;
        let mut fails = false;
        self.needs.clear();
        for (position, (dependency, control)) in depends_on.iter().zip(&links.control).enumerate() {
            let table = &self.frames[dependency.task.index()];
            let needed = table.latest();
            self.needs.push(needed.unwrap_or(u64::MAX));
            let upstream = needed.and_then(|index| table.get(index));
            match (upstream.map(|upstream| (upstream.fate, upstream.frame)), control) {
                // Before the first frame of the other task there is nothing to work on.
                (None | Some((Fate::Void, _)), _) => exists = false,
                (Some((Fate::Completed { .. }, _)), None) => {}
                (Some((Fate::Completed { model, exit }, _)), Some(table)) => {
                    exists &= self.happens(task, frame.index, position, table.probability(model, exit));
                }
                (Some((Fate::Failed, _)), _) => fails = true,
                (Some((Fate::Live(_), _)), None) => linked.data_left += 1,
                // Whether there will be an output is not known either.
                (Some((Fate::Hidden, _)), None) => {
                    linked.data_left += 1;
                    linked.unknown_left += 1;
                }
                (Some((Fate::Hidden | Fate::Live(_), _)), Some(_)) => linked.unknown_left += 1,
            }
        }
        self.frames[task.index()].push(linked, self.needs.iter().copied());
        if !released {
            self.events.add_release(frame.release, links.rank, frame.index);
        }
        if !exists {
            self.void(task, frame.index);
        } else if fails {
            self.fail(task, frame.index);
        } else {
            self.show_if_known(task, frame.index);
        }
        self.frames[task.index()].forget();
    }

    /// The frame whose jitter has passed.
    pub(super) fn release_hidden(&mut self) {
        let Some((rank, index)) = self.events.take_release() else { return };
        let task = self.system.order[rank];
        self.show_if_known(task, index);
        self.frames[task.index()].forget();
    }

    /// Shows the job of a hidden frame once its outcomes and its release are there.
    pub(super) fn show_if_known(&mut self, task: TaskId, index: u64) {
        let Some(linked) = self.frames[task.index()].get(index) else { return };
        if linked.fate != Fate::Hidden || linked.unknown_left > 0 || linked.frame.release > self.state.now {
            return;
        }
        let (frame, state) =
            (linked.frame, if linked.data_left > 0 { JobState::Waiting } else { JobState::Ready });
        let slot = self.show(task, &frame, state);
        self.tell_released(slot);
        self.settle(task, index, Fate::Live(self.state.jobs[slot].id));
    }

    /// Makes the job of a frame, in a free slot.
    pub(super) fn show(&mut self, task: TaskId, frame: &Frame, state: JobState) -> usize {
        let system = self.system;
        let model = system.scenario.tasks[task.index()].model;
        let slot = match self.state.free.pop() {
            Some(slot) => slot,
            None => self.state.jobs.len() as u32,
        };
        let generation = self.state.jobs.get(slot as usize).map_or(0, |job| job.id.generation());
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
            energy_pj: 0.0,
        };
        self.next_sequence += 1;
        let hidden = Hidden { sample: frame.sample, ..Hidden::default() };
        let realisation = self.realise(task, model, frame.sample);
        if (slot as usize) < self.state.jobs.len() {
            self.state.jobs[slot as usize] = job;
            self.state.hidden[slot as usize] = hidden;
            self.state.realisations[slot as usize] = realisation;
        } else {
            self.state.jobs.push(job);
            self.state.hidden.push(hidden);
            self.state.realisations.push(realisation);
        }
        let list = if state == JobState::Ready { &mut self.state.ready } else { &mut self.state.waiting };
        list.push(slot);
        slot as usize
    }

    pub(super) fn realise(&self, task: TaskId, model: ModelId, sample: u64) -> Realisation {
        self.system.models[model.index()].realise(self.path_draws[task.index()], sample)
    }

    pub(super) fn tell_released(&mut self, slot: usize) {
        self.is_news = true;
        let job = self.state.jobs[slot];
        self.state.counters[job.task.index()].released += 1;
        self.observer.released(self.state.now, &job);
        if self.interests.jobs {
            self.notify(Notice::Released(job.id));
        }
    }

    /// Whether the outcome of another job triggers a frame, by the position of the dependency: each
    /// has a draw of its own.
    pub(super) fn happens(&self, task: TaskId, frame: u64, position: usize, probability: f64) -> bool {
        self.control_draws[task.index()].happens(frame, position as u64, probability)
    }

    /// Whether all outcomes that a frame needs would have triggered it, had the jobs that it needs
    /// been run: so that what is released does not depend on what a policy gives up.
    pub(super) fn would_exist(&self, task: TaskId, index: u64) -> bool {
        let system = self.system;
        let depends_on = &system.scenario.tasks[task.index()].depends_on;
        depends_on.iter().zip(&system.tasks[task.index()].control).enumerate().all(
            |(position, (dependency, control))| {
                let table = &self.frames[dependency.task.index()];
                let needed =
                    self.frames[task.index()].needed(index, position).and_then(|index| table.get(index));
                // A frame that is forgotten did trigger this one, or it would not be here.
                let (Some(control), Some(needed)) = (control, needed) else { return true };
                let (model, exit) = match needed.fate {
                    Fate::Completed { model, exit } => (model, exit),
                    _ => self.would_be(dependency.task, &needed.frame),
                };
                self.happens(task, index, position, control.probability(model, exit))
            },
        )
    }

    /// How an inference that never ended would have ended.
    pub(super) fn would_be(&self, task: TaskId, frame: &Frame) -> (ModelId, Option<u8>) {
        let model = self.system.scenario.tasks[task.index()].model;
        (model, self.realise(task, model, frame.sample).exit)
    }

    /// There is no job for a frame.
    pub(super) fn void(&mut self, task: TaskId, index: u64) {
        let Some(linked) = self.frames[task.index()].get(index) else { return };
        self.observer.not_triggered(self.state.now, task, linked.frame.arrival);
        self.settle(task, index, Fate::Void);
    }

    /// A job will never have what it needs. One that is not shown yet is shown and given up at once,
    /// so that it counts, if it would ever have been.
    pub(super) fn fail(&mut self, task: TaskId, index: u64) {
        let Some(linked) = self.frames[task.index()].get(index) else { return };
        let frame = linked.frame;
        if let Fate::Live(id) = linked.fate {
            self.drop_job(id.slot(), DropCause::Upstream);
            return;
        }
        if !self.would_exist(task, index) {
            self.void(task, index);
            return;
        }
        let slot = self.show(task, &frame, JobState::Waiting);
        self.tell_released(slot);
        self.drop_job(slot, DropCause::Upstream);
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
            (Some(table), Fate::Completed { model, exit }) => {
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
        let (own, data_left) = (linked.fate, linked.data_left);
        match (fate, own) {
            (Fate::Failed, _) | (Fate::Void, Fate::Live(_)) => self.fail(task, index),
            (Fate::Void, _) => self.void(task, index),
            _ if !triggers => self.void(task, index),
            (_, Fate::Live(id)) if data_left == 0 => self.become_ready(id),
            (_, Fate::Live(_)) => {}
            (_, _) => self.show_if_known(task, index),
        }
    }

    pub(super) fn become_ready(&mut self, id: JobId) {
        self.is_news = true;
        let slot = id.slot() as u32;
        State::remove(&mut self.state.waiting, slot);
        self.state.jobs[id.slot()].state = JobState::Ready;
        State::insert(&mut self.state.ready, &self.state.jobs, slot);
        if self.interests.jobs {
            self.notify(Notice::InputsReady(id));
        }
    }

    pub(super) fn complete(&mut self, slot: usize) {
        let job = self.state.jobs[slot];
        let counters = &mut self.state.counters[job.task.index()];
        counters.completed += 1;
        counters.late += u64::from(self.state.now > job.deadline);
        counters.worst_energy_pj += self.system.profile.worst_energy_pj(job.model);
        self.tell(slot, |observer, now, record| observer.completed(now, record));
        if self.interests.jobs {
            self.notify(Notice::Completed(job.id));
        }
        self.free(slot);
        let exit = self.state.realisations[slot].exit;
        self.settle(job.task, job.frame, Fate::Completed { model: job.model, exit });
    }

    /// Gives up a job that does not run.
    pub(super) fn drop_job(&mut self, slot: usize, cause: DropCause) {
        self.is_news = true;
        let job = self.state.jobs[slot];
        match job.state {
            JobState::Ready => State::remove(&mut self.state.ready, slot as u32),
            JobState::Waiting => State::remove(&mut self.state.waiting, slot as u32),
            JobState::Running(_) => return,
        }
        let counters = &mut self.state.counters[job.task.index()];
        counters.dropped += 1;
        counters.worst_energy_pj += self.system.profile.worst_energy_pj(job.model);
        self.tell(slot, |observer, now, record| observer.dropped(now, record, cause));
        if self.interests.jobs {
            self.notify(Notice::Dropped(job.id));
        }
        self.free(slot);
        if cause == DropCause::Upstream {
            self.gone.push(job.id);
        }
        self.settle(job.task, job.frame, Fate::Failed);
    }

    pub(super) fn tell(&mut self, slot: usize, tell: impl FnOnce(&mut O, Time, &JobRecord<'_>)) {
        let job = &self.state.jobs[slot];
        let hidden = &self.state.hidden[slot];
        let model = &self.system.models[job.model.index()];
        let exit = self.state.realisations[slot].exit.and_then(|exit| model.exits.get(usize::from(exit)));
        let record = JobRecord {
            job,
            energy: &hidden.energy,
            switch_energy_pj: hidden.switch_energy_pj,
            accuracy: exit.and_then(|exit| exit.accuracy).or(model.accuracy),
            worst_energy_pj: self.system.profile.worst_energy_pj(job.model),
        };
        tell(&mut self.observer, self.state.now, &record);
    }

    /// Makes a slot free: its id names nothing from now on.
    pub(super) fn free(&mut self, slot: usize) {
        let id = self.state.jobs[slot].id;
        self.state.jobs[slot].id = JobId::new(id.slot() as u32, id.generation().wrapping_add(1));
        self.state.free.push(slot as u32);
    }
}
