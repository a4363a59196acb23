//! Decisions: those that the policy took in the engine are followed.

use rtmm_hardware::{AcceleratorId, ActivationMoves, Bandwidth, Energy, Share};
use rtmm_scheduler::Preemption;
use rtmm_sim::DropCause;
use rtmm_testkit::random_systems::policies::next_quantum;
use rtmm_testkit::random_systems::record::{Event, Name, Said};

use super::{Fate, Last, Member, Oracle, Seg};

impl Oracle<'_> {
    pub(super) fn obey(&mut self, said: Said) {
        match said {
            Said::Dispatch { jobs, variant, accelerator, units, layers } => {
                self.dispatch(&jobs, variant, accelerator, units, layers);
            }
            Said::Preempt { job, mode } => {
                // Preempting what ends at its next boundary anyway changes nothing.
                let slot = self.slot_of(job);
                self.segment(slot).mode = Some(mode);
                self.segment(slot).is_ending = true;
                self.preempt(slot, mode);
            }
            Said::Resize { job, units } => self.want(job, units),
            Said::Drop { job } => {
                let one = self.find(job);
                if let Fate::Running(slot) = self.ones[one].fate {
                    self.ones[one].drops_at_boundary = true;
                    if self.segment(slot).members.len() > 1 {
                        self.drop_of_batch(slot);
                    } else {
                        self.segment(slot).mode = None;
                        self.preempt(slot, Preemption::Layer);
                    }
                } else {
                    self.drop(one, DropCause::Policy);
                }
            }
            Said::Share { job, millionths } => {
                let slot = self.slot_of(job);
                let share = Share::from_millionths(millionths).expect("a share");
                let counter = self.counter(share);
                let segment = self.segment(slot);
                segment.share = share;
                if let Some(throttle) = segment.running.as_mut().and_then(|running| running.throttle.as_mut())
                    && let Some(counter) = counter
                {
                    *throttle = counter;
                }
            }
            Said::Timer { at, tag } => self.timers.push((at, tag)),
            Said::Point { unit, point } => self.set_point(unit, point),
            Said::Gate { accelerator } => self.gate(accelerator),
        }
    }

    /// A segment is to have another number of units.
    pub(super) fn want(&mut self, job: Name, units: u32) {
        let slot = self.slot_of(job);
        let (accelerator, held) = (self.segment(slot).accelerator, self.segment(slot).units.len());
        let gained: Vec<u32> =
            self.free_units(accelerator).into_iter().take((units as usize).saturating_sub(held)).collect();
        assert_eq!(gained.len(), (units as usize).saturating_sub(held), "too few units are free");
        if !gained.is_empty() {
            self.count_busy(slot);
            let segment = self.segment(slot);
            segment.units.extend(gained);
            segment.units.sort_unstable();
            let units = segment.units.clone();
            self.tell(Event::Reserved { job, units });
        }
        // A batch that goes on after its next boundary in any case changes there.
        let stops = self.cut(slot, Preemption::Quantum);
        let segment = self.segment(slot);
        segment.stops_to_resize = stops;
        if stops || segment.members.len() > 1 {
            segment.next = Some(units);
        }
    }

    /// A job of a batch is to leave at the next layer: the others go on from there, as they would have.
    fn drop_of_batch(&mut self, slot: usize) {
        let segment = self.segments[slot].clone().expect("it runs");
        if segment.is_ending {
            return;
        }
        self.preempt(slot, Preemption::Layer);
        let is_over = segment.members.iter().all(|member| self.ones[member.one].drops_at_boundary);
        let changed = self.segment(slot);
        changed.is_ending = is_over;
        changed.next = segment.next.filter(|_| !is_over);
    }

    pub(super) fn dispatch(
        &mut self,
        jobs: &[Name],
        variant: Option<usize>,
        accelerator: usize,
        count: u32,
        layers: Option<u32>,
    ) {
        let ones: Vec<usize> = jobs.iter().map(|job| self.find(*job)).collect();
        let variant_of = |one: usize| {
            let variants = &self.built.scenario.tasks[self.ones[one].task].variants;
            variant.map_or(self.ones[one].model, |variant| variants[variant].index())
        };
        let model = variant_of(ones[0]);
        for one in &ones {
            assert_eq!(self.ones[*one].fate, Fate::Ready, "the engine accepted a job that is not ready");
            assert!(!self.ones[*one].is_started || self.ones[*one].model == model, "the network is fixed");
            assert!(
                !self.ones[*one].is_started || jobs.len() == 1,
                "a batch is of jobs that have not started"
            );
            assert_eq!(variant_of(*one), model, "a batch is of one network");
        }
        let most = self.built.platform.accelerators[accelerator].max_batch as usize;
        assert!(jobs.len() <= most, "the batch is too large");
        let units: Vec<u32> = self.free_units(accelerator).into_iter().take(count as usize).collect();
        assert_eq!(units.len(), count as usize, "the engine accepted a busy accelerator");
        let task = self.ones[ones[0]].task;
        let first_layer = self.ones[ones[0]].reached.0;
        assert!(
            self.runs(task, accelerator, model, first_layer),
            "the engine accepted a layer that does not run there"
        );
        let members: Vec<Member> = (ones.iter())
            .map(|one| Member { one: *one, realisation: self.realise(&self.ones[*one], model) })
            .collect();
        self.scheduler_free = self.scheduler_free.max(self.now) + self.decision_time;
        let first = self.first_unit(accelerator);
        let written = units.iter().map(|unit| self.written[first + *unit as usize]).max().expect("units");
        let mut started = self.scheduler_free.max(written) + self.wake(accelerator);
        started = started.max(self.stalled_until(accelerator));
        let lasts = units.iter().filter_map(|unit| self.last[first + *unit as usize]);
        let others: Vec<Last> = lasts.filter(|(last, ..)| *last != model).collect();
        let switched = !others.is_empty();
        let from = self.ones[ones[0]].reached;
        if switched {
            let switch = self.built.platform.accelerators[accelerator].context_switch;
            started += switch.time.picoseconds();
            let mut energy = Energy::from_picojoules(switch.energy_pj);
            if let Some(moves) = switch.activations {
                // What goes out is what each unit holds; what comes in is the input of the next layer of each job.
                let models = &self.built.models;
                let input = models[model].layers[from.0 as usize].input_elements();
                let mut all = [input * jobs.len() as u64, 0];
                for (last, layer, held_by, of_jobs) in others {
                    let left = layer.map_or([0, 0], |layer| self.left(last, layer));
                    for (sum, all) in all.iter_mut().zip(left) {
                        *sum += (all * of_jobs).div_ceil(u64::from(held_by));
                    }
                }
                let (time, of_moves) = moved(all, moves);
                started += time;
                energy += of_moves;
            }
            self.pay(&members, energy);
        }
        for one in &ones {
            let context = std::mem::take(&mut self.ones[*one].context);
            if context != [0, 0] {
                let moves = self.built.platform.accelerators[accelerator].context_switch.activations;
                let (time, energy) = moved(context, moves.expect("the engine accepted it"));
                started += time;
                self.ones[*one].spent.switches += energy;
            }
        }
        for one in &ones {
            started += self.move_job(*one, model, accelerator);
        }
        let all = self.built.models[model].layers.len() as u32;
        let slot = first + units[0] as usize;
        for one in &ones {
            let one = &mut self.ones[*one];
            (one.model, one.is_started) = (model, true);
            one.fate = Fate::Running(slot);
        }
        let platform = &self.built.platform.accelerators[accelerator];
        let (_, configuration) = platform.configurations().find(|(of, _)| *of == count).expect("it exists");
        let mut segment = Seg {
            members,
            model,
            accelerator,
            units: units.clone(),
            since: self.now,
            stands: 0,
            used: count,
            configuration: configuration.index(),
            share: self.own_share(accelerator, count),
            next: None,
            stops_to_resize: false,
            from,
            started,
            switched,
            stop: all,
            end: all,
            is_ending: false,
            running: None,
            previous: None,
            cut: None,
            mode: None,
        };
        let next = self.next_layer(&segment, from.0);
        let stop = layers.map_or(all, |layers| all.min(next + layers));
        // Before the first layer that the accelerator does not run the job goes on elsewhere.
        let lacking = (from.0..all).find(|layer| !self.runs(task, accelerator, model, *layer));
        let stop = stop.min(lacking.unwrap_or(all));
        let ends = segment.members.iter().map(|member| member.realisation.end).min().expect("a job");
        (segment.stop, segment.end) = (stop, stop.min(ends));
        self.segments[slot] = Some(segment);
        self.tell(Event::Dispatched { job: jobs[0], accelerator, units, model, from, stop, started });
        for job in &jobs[1..] {
            self.tell(Event::Joined { job: *job });
        }
    }

    /// Has a job pay for its activations if it goes on elsewhere; the time that this takes.
    fn move_job(&mut self, one: usize, model: usize, to: usize) -> u64 {
        let Some(transfers) = &self.built.platform.transfers else { return 0 };
        let Some((from, is_written)) = self.ones[one].place.filter(|(from, _)| *from != to) else { return 0 };
        let (layer, quantum, quanta) = self.ones[one].reached;
        let complete = self.ones[one].completed;
        let mut moved = complete.map_or([0, 0], |layer| self.left(model, layer));
        let is_inside = quantum > 0 && !is_written;
        if is_inside {
            // The least numbers that are at least the part that is computed.
            let computed =
                self.left(model, layer).map(|all| (all * u64::from(quantum)).div_ceil(u64::from(quanta)));
            moved = [moved[0] + computed[0], moved[1] + computed[1]];
        }
        if complete.is_none() && !is_inside {
            return 0;
        }
        let link = *transfers.between(AcceleratorId::new(from), AcceleratorId::new(to));
        let bytes = moved[0] * transfers.element_bytes + moved[1];
        let mut time = link.latency.picoseconds();
        for _ in 0..link.crossings {
            let mut crossed = 0_u128;
            while crossed < u128::from(bytes) << 30 {
                crossed += u128::from(link.bandwidth.bytes_per_window());
                time += 1;
            }
        }
        let spent = &mut self.ones[one].spent;
        spent.moves += Energy::from_picojoules(link.pj_per_byte * (bytes * u64::from(link.crossings)) as f64);
        (spent.move_count, spent.move_time) = (spent.move_count + 1, spent.move_time + time);
        time
    }

    /// What a layer leaves behind: elements of its output, or bytes if the model states them.
    pub(super) fn left(&self, model: usize, layer: u32) -> [u64; 2] {
        let layer = &self.built.models[model].layers[layer as usize];
        match layer.live_bytes {
            Some(bytes) => [0, bytes],
            None => [layer.output_elements().expect("it has dimensions"), 0],
        }
    }

    /// Ends a segment at its next boundary, not before it has run a layer, or a quantum. A resize that is
    /// still to come does not.
    pub(super) fn preempt(&mut self, slot: usize, mode: Preemption) {
        let segment = self.segment(slot);
        segment.next = None;
        if std::mem::take(&mut segment.stops_to_resize) {
            // A boundary between layers at which it stands is one for either reason, and so is the quantum that it was told.
            let stands_there = matches!(segment.cut, Some(((_, 0, _), Some(_))));
            if mode != Preemption::Layer || stands_there {
                return;
            }
            segment.cut = None;
        }
        self.cut(slot, mode);
    }

    /// Has a segment stop at its next boundary; whether that is before its end anyway.
    pub(super) fn cut(&mut self, slot: usize, mode: Preemption) -> bool {
        let Some(segment) = self.segments[slot].clone() else { return false };
        // A segment that is about to begin stands at its first layer.
        let now = self.now.max(segment.started);
        let of_layer = |layer: u32| self.steps(&segment, layer);
        let (layer, began, quantum) = match segment.running {
            Some(running) => (running.layer, running.began, running.quantum),
            None => {
                let layer = self.next_layer(&segment, segment.from.0);
                if layer >= segment.end {
                    return false;
                }
                let (of, quantum, of_quanta) = segment.from;
                let quantum = (quantum * of_layer(layer)).checked_div(of_quanta).unwrap_or(0);
                (layer, segment.started, if of == layer { quantum } else { 0 })
            }
        };
        let quanta = of_layer(layer);
        let cut = match segment.previous {
            // A layer begins now, or after a stall, so that this is a boundary: it stops here, or when it would go on.
            Some(previous) if began >= self.now => ((previous + 1, 0, 0), Some(self.now.max(segment.stands))),
            _ if mode != Preemption::Layer && self.is_shared() => {
                // The first that is not done.
                let is_done =
                    |one: u32| segment.running.is_some_and(|running| self.is_reached(&running, one, quanta));
                let next = (quantum + 1..quanta).find(|one| !is_done(*one));
                next.map_or(((layer + 1, 0, 0), None), |one| ((layer, one, quanta), None))
            }
            _ => {
                let latency = self.isolated(&segment, layer).latency().picoseconds();
                // Where it stands now, or will when it goes on, and the first step from there on.
                let from = now.max(segment.stands);
                let until = |step: u32| latency * u64::from(step) / u64::from(quanta);
                let done = match segment.running {
                    Some(running) => latency.saturating_sub(running.end.saturating_sub(from)),
                    None => until(quantum),
                };
                let elapsed = done.saturating_sub(until(quantum));
                let within = (mode != Preemption::Layer)
                    .then(|| next_quantum(latency, quantum, quanta, elapsed))
                    .flatten();
                match within {
                    Some((step, _)) => ((layer, step, quanta), Some(from + until(step) - done)),
                    None => ((layer + 1, 0, 0), None),
                }
            }
        };
        let planned = segment.cut.map_or((segment.end, 0, 0), |(to, _)| to);
        if cut.0 >= planned {
            return false;
        }
        self.segment(slot).cut = Some(cut);
        true
    }
}

/// The time and the energy of moving elements, and bytes as they are stated.
pub(super) fn moved([elements, stated]: [u64; 2], moves: ActivationMoves) -> (u64, Energy) {
    let bytes = if moves.element_bytes == 0 { 0 } else { elements * moves.element_bytes + stated };
    // Picosecond by picosecond, until all of it is moved.
    let (mut time, mut moved) = (0_u64, 0_u128);
    let speed = moves.bandwidth;
    while speed != Bandwidth::UNLIMITED && moved < u128::from(bytes) << 30 {
        moved += u128::from(speed.bytes_per_window());
        time += 1;
    }
    (time, Energy::from_picojoules(moves.pj_per_byte * bytes as f64))
}
