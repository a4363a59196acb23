//! Frames: when they arrive, become jobs and trigger others; phases and timers.

use rtmm_hardware::Isolated;
use rtmm_sim::DropCause;
use rtmm_testkit::random_systems::record::{Event, Heard};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{DependencyKind, Realisation};

use super::{Fate, One, Oracle};

impl Oracle<'_> {
    pub(super) fn frames_arrive(&mut self) {
        for task in self.order.clone() {
            for one in 0..self.ones.len() {
                let is_due = self.ones[one].frame.arrival.picoseconds() == self.now;
                if self.ones[one].task == task && self.ones[one].fate == Fate::Future && is_due {
                    self.arrive(one);
                }
            }
        }
    }

    /// The latest frame of a task that arrived by now.
    pub(super) fn latest(&self, task: usize) -> Option<usize> {
        (0..self.ones.len())
            .filter(|one| self.ones[*one].task == task)
            .filter(|one| self.ones[*one].frame.arrival.picoseconds() <= self.now)
            .max_by_key(|one| self.ones[*one].frame.index)
    }

    pub(super) fn arrive(&mut self, one: usize) {
        self.ones[one].fate = Fate::Hidden;
        let task = &self.built.scenario.tasks[self.ones[one].task];
        let needs: Vec<Option<usize>> =
            task.depends_on.iter().map(|on| self.latest(on.task.index())).collect();
        let mut exists = self.ones[one].frame.triggered && needs.iter().all(Option::is_some);
        self.ones[one].needs = needs.into_iter().flatten().collect();
        if exists {
            for position in 0..self.ones[one].needs.len() {
                exists &= self.outcome(one, position) != Some(false);
            }
        }
        self.ones[one].open = (0..self.ones[one].needs.len()).map(|need| self.is_open(one, need)).collect();
        self.ones[one].is_lost =
            self.ones[one].needs.iter().any(|need| self.ones[*need].fate == Fate::Dropped);
        if !exists {
            self.void(one);
        } else {
            self.show_if_known(one);
        }
    }

    /// Whether a dependency makes that there is a job; none while that is open.
    pub(super) fn outcome(&self, one: usize, position: usize) -> Option<bool> {
        let need = &self.ones[self.ones[one].needs[position]];
        let task = &self.built.scenario.tasks[self.ones[one].task];
        let kind = &task.depends_on[position].kind;
        match (need.fate, kind) {
            (Fate::NotTriggered, _) => Some(false),
            (Fate::Completed | Fate::Dropped, DependencyKind::Data) => Some(true),
            (Fate::Completed | Fate::Dropped, DependencyKind::Control { .. }) => {
                Some(self.would_trigger(one, position))
            }
            _ => None,
        }
    }

    /// Whether the outcome of a dependency triggers a job. A job that was given up triggers what it would have.
    pub(super) fn would_trigger(&self, one: usize, position: usize) -> bool {
        let need = &self.ones[self.ones[one].needs[position]];
        let task = &self.built.scenario.tasks[self.ones[one].task];
        let DependencyKind::Control { probability, probability_after_exit } = &task.depends_on[position].kind
        else {
            return true;
        };
        let model = need.model;
        let taken = self.realise(need, model).exit;
        let exit = taken.map(|exit| &self.built.models[model].exits[usize::from(exit)].name);
        let stated = probability_after_exit.iter().find(|(name, _)| Some(name) == exit);
        let probability = stated.map_or(*probability, |(_, probability)| *probability);
        let draws = Draws::new(self.options.seed, Stream::Control, &task.name);
        draws.happens(self.ones[one].frame.index, position as u64, probability)
    }

    pub(super) fn realise(&self, one: &One, model: usize) -> Realisation {
        let name = &self.built.scenario.tasks[one.task].name;
        let draws = Draws::new(self.options.seed, Stream::Path, name);
        let row = self.row(one, model);
        Realisation { row, ..self.built.models[model].realise(draws, one.frame.sample) }
    }

    /// The recorded sample that a frame brings: the one that its request names, else one by a draw.
    pub(super) fn row(&self, one: &One, model: usize) -> u32 {
        let Some(samples) = &self.built.models[model].samples else { return 0 };
        let count = samples.len() as u64;
        if one.frame.is_recorded && one.frame.sample < count {
            return one.frame.sample as u32;
        }
        let name = &self.built.scenario.tasks[one.task].name;
        let draws = Draws::new(self.options.seed, Stream::Sample, name);
        draws.below(one.frame.sample, 0, count) as u32
    }

    /// What a job takes by itself where it is fastest: the layers that it runs, one after the other; those that the
    /// accelerator does not run where they are fastest.
    pub(super) fn alone(&self, one: usize) -> u64 {
        let (model, task) = (self.ones[one].model, self.ones[one].task);
        let realisation = self.realise(&self.ones[one], model);
        let latency = |(accelerator, units, configuration): (usize, u32, usize), layer: u32| -> u64 {
            let available = self.available(self.own_share(accelerator, units));
            let work = self.work(one, configuration, model, realisation.row, layer, 1);
            Isolated::of(&work, available).latency().picoseconds()
        };
        let runs = |accelerator: usize, layer: u32| self.runs(task, accelerator, model, layer);
        let accelerators = || self.built.platform.accelerators.iter().enumerate();
        let least = |layer: u32| {
            let running = accelerators().filter(|(index, _)| runs(*index, layer));
            let ways = running.flat_map(|(index, one)| {
                one.configurations().map(move |(units, configuration)| (index, units, configuration.index()))
            });
            ways.map(|way| latency(way, layer)).min().expect("an accelerator that runs it")
        };
        let layers: Vec<u32> = (0..realisation.end)
            .filter(|layer| self.built.models[model].next_layer(&realisation, *layer) == *layer)
            .collect();
        let on = |way: (usize, u32, usize)| -> u64 {
            let of = |layer: &u32| if runs(way.0, *layer) { latency(way, *layer) } else { least(*layer) };
            layers.iter().map(of).sum()
        };
        let some = accelerators().filter(|(index, _)| layers.iter().any(|layer| runs(*index, *layer)));
        let ways = some.map(|(index, one)| (index, one.units(), one.configuration.index()));
        // All of it may be skipped.
        ways.map(on).min().unwrap_or(0)
    }

    pub(super) fn frames_show(&mut self) {
        for task in self.order.clone() {
            for one in 0..self.ones.len() {
                let of = &self.ones[one];
                let is_due =
                    of.frame.release.picoseconds() == self.now && of.frame.arrival < of.frame.release;
                if of.task == task && is_due {
                    self.show_if_known(one);
                }
            }
        }
    }

    pub(super) fn is_open(&self, one: usize, position: usize) -> bool {
        let of = &self.ones[one];
        match self.built.scenario.tasks[of.task].depends_on[position].kind {
            // What is not known itself makes what needs it unknown.
            DependencyKind::Data => matches!(self.ones[of.needs[position]].fate, Fate::Future | Fate::Hidden),
            DependencyKind::Control { .. } => self.outcome(one, position).is_none(),
        }
    }

    /// Shows a job that is visible by now, and that exists by all that is known.
    pub(super) fn show_if_known(&mut self, one: usize) {
        let of = &self.ones[one];
        if of.fate != Fate::Hidden || of.frame.release.picoseconds() > self.now {
            return;
        }
        if of.open.contains(&true) {
            return;
        }
        let fate = if self.has_inputs(one) { Fate::Ready } else { Fate::Waiting };
        let is_lost = self.ones[one].is_lost;
        self.show(one, if is_lost { Fate::Waiting } else { fate });
        self.tell_dependents(one);
        // It will never have what it needs.
        if is_lost {
            self.drop(one, DropCause::Upstream);
        }
    }

    pub(super) fn has_inputs(&self, one: usize) -> bool {
        self.ones[one].needs.iter().all(|need| self.ones[*need].fate == Fate::Completed)
    }

    pub(super) fn show(&mut self, one: usize, fate: Fate) {
        self.must_decide = true;
        self.ones[one].fate = fate;
        let job = self.name(one);
        let frame = self.ones[one].frame;
        self.tell(Event::Released {
            job,
            arrival: frame.arrival.picoseconds(),
            deadline: frame.deadline.picoseconds(),
            priority: frame.priority,
            is_waiting: fate == Fate::Waiting,
        });
        self.hear(Heard::Released(job));
    }

    pub(super) fn void(&mut self, one: usize) {
        self.ones[one].fate = Fate::NotTriggered;
        self.tell(Event::NotTriggered { task: self.ones[one].task });
        self.tell_dependents(one);
    }

    pub(super) fn complete(&mut self, one: usize) {
        self.ones[one].fate = Fate::Completed;
        let (job, spent, isolated) = (self.name(one), self.ones[one].spent, self.alone(one));
        self.tell(Event::Completed { job, spent, isolated });
        self.hear(Heard::Completed(job));
        self.tell_dependents(one);
    }

    pub(super) fn drop(&mut self, one: usize, cause: DropCause) {
        self.must_decide = true;
        self.ones[one].fate = Fate::Dropped;
        let (job, spent) = (self.name(one), self.ones[one].spent);
        self.tell(Event::Dropped { job, cause, spent });
        self.hear(Heard::Dropped(job));
        self.tell_dependents(one);
    }

    /// Tells the frames that need one of its fate: that it is known, or what became of it.
    pub(super) fn tell_dependents(&mut self, one: usize) {
        for task in self.order.clone() {
            for other in 0..self.ones.len() {
                for position in 0..self.ones[other].needs.len() {
                    if self.ones[other].task == task && self.ones[other].needs[position] == one {
                        self.settled(other, position);
                    }
                }
            }
        }
    }

    pub(super) fn settled(&mut self, one: usize, position: usize) {
        self.ones[one].open[position] = self.is_open(one, position);
        self.ones[one].is_lost |= self.ones[self.ones[one].needs[position]].fate == Fate::Dropped;
        let need = self.ones[self.ones[one].needs[position]].fate;
        match self.ones[one].fate {
            Fate::Hidden => {
                if self.outcome(one, position) == Some(false) {
                    self.void(one);
                } else {
                    self.show_if_known(one);
                }
            }
            Fate::Waiting if matches!(need, Fate::NotTriggered | Fate::Dropped) => {
                self.drop(one, DropCause::Upstream)
            }
            Fate::Waiting if self.has_inputs(one) => {
                self.must_decide = true;
                self.ones[one].fate = Fate::Ready;
                self.hear(Heard::InputsReady(self.name(one)));
            }
            _ => {}
        }
    }

    pub(super) fn phases_begin(&mut self) {
        for phase in 0..self.built.scenario.phases.len() {
            if self.built.scenario.phases[phase].start.picoseconds() == self.now {
                self.must_decide = true;
                self.tell(Event::Phase { phase });
                self.hear(Heard::Phase(phase));
            }
        }
    }

    pub(super) fn timers_ring(&mut self) {
        for (at, tag) in self.timers.clone() {
            if at == self.now {
                self.must_decide = true;
                self.hear(Heard::Timer(tag));
            }
        }
    }
}
