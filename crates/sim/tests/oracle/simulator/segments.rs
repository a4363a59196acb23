//! Segments: they begin, go from layer to layer, are resized and end.

use rtmm_hardware::{Energy, EnergyParts, Isolated, Share};
use rtmm_scheduler::Preemption;
use rtmm_sim::DropCause;
use rtmm_testkit::random_systems::record::{Event, Heard, Name, Reached};

use super::{Fate, Oracle, Running, Seg};

impl Oracle<'_> {
    /// The slot of a job's segment.
    pub(super) fn slot_of(&self, job: Name) -> usize {
        match self.ones[self.find(job)].fate {
            Fate::Running(slot) => slot,
            other => panic!("{job:?} does not run but is {other:?}"),
        }
    }

    pub(super) fn segment(&mut self, slot: usize) -> &mut Seg {
        self.segments[slot].as_mut().expect("it runs")
    }

    /// The first unit of an accelerator among all units.
    pub(super) fn first_unit(&self, accelerator: usize) -> usize {
        let before = &self.built.platform.accelerators[..accelerator];
        before.iter().map(|one| one.units() as usize).sum()
    }

    /// The units of an accelerator that nothing holds, ascending.
    pub(super) fn free_units(&self, accelerator: usize) -> Vec<u32> {
        let all = 0..self.built.platform.accelerators[accelerator].units();
        let holds = |unit: &u32| {
            self.segments.iter().flatten().any(|of| of.accelerator == accelerator && of.units.contains(unit))
        };
        all.filter(|unit| !holds(unit)).collect()
    }

    /// Counts the time that a segment has held its units.
    pub(super) fn count_busy(&mut self, slot: usize) {
        let now = self.now;
        let segment = self.segment(slot);
        let (accelerator, held) = (segment.accelerator, segment.units.len() as u64);
        let took = now - std::mem::replace(&mut segment.since, now);
        self.busy[accelerator] += took * held;
    }

    /// Begins the next layer of a segment at or after `layer` now; false if there is none.
    pub(super) fn begin(&mut self, slot: usize, layer: u32) -> bool {
        let segment = self.segments[slot].clone().expect("a segment begins");
        let layer = self.built.models[segment.model].next_layer(&segment.realisation, layer);
        if layer >= segment.end {
            return false;
        }
        let isolated = self.isolated(&segment, layer);
        let latency = isolated.latency().picoseconds();
        let quanta = self.quanta(segment.configuration, segment.model, layer);
        // Progress inside the layer, in the steps that it has here, rounded down.
        let (of, quantum, of_quanta) = segment.from;
        let quantum = if of == layer { (quantum * quanta).checked_div(of_quanta).unwrap_or(0) } else { 0 };
        let done = latency * u64::from(quantum) / u64::from(quanta);
        // Traffic that stays on the chip is counted as the cache counts it.
        let off_chip = isolated.demand.bytes_per_window();
        let units =
            u128::from(if off_chip > 0 { off_chip } else { isolated.cache_demand.bytes_per_window() });
        let all_compute = u128::from(isolated.compute.picoseconds()) << 20;
        let all_traffic = units * u128::from(isolated.transfer.picoseconds());
        let rest = |all: u128| all - all * u128::from(quantum) / u128::from(quanta);
        let began = self.now;
        self.segment(slot).running = Some(Running {
            layer,
            began,
            quantum,
            end: began + latency - done,
            all_compute,
            all_traffic,
            compute: rest(all_compute),
            traffic: rest(all_traffic),
            exposed: isolated.exposed.picoseconds(),
            demand: isolated.demand.bytes_per_window(),
            cache_demand: isolated.cache_demand.bytes_per_window(),
            throttle: self.counter(segment.share).filter(|_| off_chip > 0),
        });
        true
    }

    pub(super) fn segments_end(&mut self) {
        for slot in 0..self.segments.len() {
            while self.step(slot) {}
        }
    }

    /// Whether so many quanta of a layer are done, in competition.
    pub(super) fn is_reached(&self, running: &Running, quantum: u32, quanta: u32) -> bool {
        let is_done = |all: u128, left: u128| all - left >= all * u128::from(quantum) / u128::from(quanta);
        is_done(running.all_compute, running.compute) && is_done(running.all_traffic, running.traffic)
    }

    /// What happens to a segment now; whether anything did.
    pub(super) fn step(&mut self, slot: usize) -> bool {
        let Some(segment) = self.segments[slot].clone() else { return false };
        if segment.started > self.now {
            return false;
        }
        let Some(running) = segment.running else {
            if !self.begin(slot, segment.from.0) {
                self.stop(slot, (segment.end, 0, 0));
            }
            return true;
        };
        let is_cut = match segment.cut {
            Some((_, Some(at))) => at == self.now,
            Some(((_, quantum, quanta), None)) if quantum > 0 => self.is_reached(&running, quantum, quanta),
            _ => false,
        };
        if let (true, Some((to, _))) = (is_cut, segment.cut) {
            self.stop(slot, to);
            return true;
        }
        let is_done = if self.is_shared() {
            (running.compute, running.traffic, running.exposed) == (0, 0, 0)
        } else {
            running.end == self.now
        };
        if !is_done {
            return false;
        }
        let quanta = self.quanta(segment.configuration, segment.model, running.layer);
        self.spend(slot, running.layer, quanta - running.quantum);
        self.ones[segment.one].last_layer = Some(running.layer);
        let job = self.name(segment.one);
        let samples = self.built.models[segment.model].samples.as_ref();
        let row = segment.realisation.row as usize;
        let sparsity = samples.map(|samples| samples.sparsity(row, running.layer as usize));
        self.hear(Heard::Layer {
            job,
            model: segment.model,
            layer: running.layer as usize,
            accelerator: segment.accelerator,
            latency: self.now - running.began,
            sparsity,
        });
        self.must_decide |= self.interests.layers;
        self.segment(slot).previous = Some(running.layer);
        let after = (running.layer + 1, 0, 0);
        if segment.cut.is_some_and(|(to, _)| to == after) {
            self.stop(slot, after);
        } else if !self.begin(slot, running.layer + 1) {
            let end = segment.end;
            self.stop(slot, (end, 0, 0));
        }
        true
    }

    /// Books the energy of some steps of the layer that runs.
    pub(super) fn spend(&mut self, slot: usize, layer: u32, steps: u32) {
        let segment = self.segments[slot].clone().expect("it runs");
        let row = segment.realisation.row;
        let work = self.work(segment.one, segment.configuration, segment.model, row, layer);
        let quanta = self.quanta(segment.configuration, segment.model, layer);
        // Static energy is stated for the mean, and accrues as long as the layer takes.
        let stated = &self.work[segment.model][row as usize][layer as usize][segment.configuration];
        let mut steady = work.energy.static_energy;
        let share = self.own_share(segment.accelerator, segment.used);
        let alone = Isolated::of(&work, self.available(share)).latency().picoseconds();
        let own = stated.latency().picoseconds();
        if own > 0 {
            steady *= alone as f64 / own as f64;
        }
        let stretch = match segment.running {
            Some(running) if self.is_shared() => {
                let before = |quantum: u32| alone * u64::from(quantum) / u64::from(quanta);
                let alone = before(running.quantum + steps) - before(running.quantum);
                if alone == 0 { 1.0 } else { (self.now - running.began) as f64 / alone as f64 }
            }
            _ => 1.0,
        };
        let begun = segment.running.map_or(0, |running| running.quantum);
        // Whole femtojoules a part of the layer's energy, and floors of them at the steps.
        let of_steps = |picojoules: f64| -> u64 {
            let whole = (picojoules * 1e3).round() as u128;
            let before = |step: u32| whole * u128::from(step) / u128::from(quanta);
            u64::try_from(before(begun + steps) - before(begun)).expect("a small energy")
        };
        let EnergyParts { mac, l1, l2, dram, .. } = work.energy;
        let dynamic: u64 = [mac, l1, l2, dram].into_iter().map(of_steps).sum();
        let steady = (of_steps(steady) as f64 * stretch).round() as u64;
        self.ones[segment.one].spent.layers += Energy::from_femtojoules(dynamic + steady);
    }

    /// Says of units what ran on them last.
    pub(super) fn leave(&mut self, slot: usize, units: &[u32]) {
        let segment = self.segments[slot].clone().expect("it runs");
        let first = self.first_unit(segment.accelerator);
        for unit in units {
            self.last[first + *unit as usize] =
                Some((segment.model, self.ones[segment.one].last_layer, segment.used));
        }
    }

    /// A segment has got to where it ends, or where it is resized.
    pub(super) fn stop(&mut self, slot: usize, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        if let (Some(running), true) = (segment.running, to.1 > 0) {
            self.spend(slot, running.layer, to.1 - running.quantum);
            self.ones[segment.one].last_layer = Some(running.layer);
        }
        if to.1 > 0 && !self.ones[segment.one].drops_at_boundary {
            match segment.mode {
                Some(Preemption::Checkpoint) => self.write_context(slot, carried(segment.from, to)),
                Some(Preemption::Kill) => {
                    self.ones[segment.one].last_layer = None;
                    self.must_decide = true;
                    self.count_busy(slot);
                    return self.end(slot, (to.0, 0, 0));
                }
                _ => {}
            }
        }
        let to = carried(segment.from, to);
        self.must_decide = true;
        self.count_busy(slot);
        match segment.next {
            Some(units) if to.0 < segment.end => self.resize(slot, units, to),
            _ => self.end(slot, to),
        }
    }

    /// What has been computed of a layer's output goes to memory, and nothing of it is left on the units.
    fn write_context(&mut self, slot: usize, (layer, quantum, quanta): Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        // The least numbers that are at least the part.
        let part = |all: u64| {
            (0..=all).find(|some| some * u64::from(quanta) >= all * u64::from(quantum)).expect("all of it")
        };
        let context = self.left(segment.model, layer).map(part);
        let moves = self.built.platform.accelerators[segment.accelerator].context_switch.activations;
        let time = self.move_activations(segment.one, context, moves.expect("the engine accepted it"));
        let first = self.first_unit(segment.accelerator);
        for unit in &segment.units {
            self.written[first + *unit as usize] = self.now + time;
        }
        self.ones[segment.one].context = context;
        self.ones[segment.one].last_layer = None;
    }

    pub(super) fn resize(&mut self, slot: usize, units: u32, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        let one = &self.built.platform.accelerators[segment.accelerator];
        let (_, configuration) = one.configurations().find(|(count, _)| *count == units).expect("it exists");
        let migration = one.migration();
        // The lowest stay, and the one that it was dispatched on.
        let home = (slot - self.first_unit(segment.accelerator)) as u32;
        let others = segment.units.iter().copied().filter(|unit| *unit != home);
        let mut kept: Vec<u32> = others.take(units as usize - 1).chain([home]).collect();
        kept.sort_unstable();
        let lost: Vec<u32> = segment.units.iter().copied().filter(|unit| !kept.contains(unit)).collect();
        self.leave(slot, &lost);
        self.ones[segment.one].spent.switches += Energy::from_picojoules(migration.energy_pj);
        let started = self.now + migration.time.picoseconds();
        // More units bring more bandwidth, if others have left it, and fewer take it away.
        let others: u32 = (0..self.segments.len())
            .filter(|other| *other != slot)
            .filter_map(|other| self.segments[other].as_ref())
            .map(|other| other.share.millionths())
            .sum();
        let own = self.own_share(segment.accelerator, units).millionths();
        let current = segment.share.millionths();
        let share = match self.rule() {
            "static" if segment.used < units => current.max(own.min(1_000_000 - others)),
            "static" => current.min(own),
            "weighted" => own,
            _ => current,
        };
        let share = Share::from_millionths(share).expect("a share");
        let changed = self.segment(slot);
        (changed.units, changed.used, changed.configuration) = (kept.clone(), units, configuration.index());
        (changed.share, changed.next, changed.from, changed.started) = (share, None, to, started);
        (changed.running, changed.previous, changed.cut) = (None, None, None);
        self.tell(Event::Resized { job: self.name(segment.one), to, units: kept, started });
    }

    pub(super) fn end(&mut self, slot: usize, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        self.leave(slot, &segment.units);
        self.segments[slot] = None;
        let one = segment.one;
        // What is skipped next shows now.
        let next = self.built.models[segment.model].next_layer(&segment.realisation, to.0);
        let to = if next == to.0 { to } else { (next, 0, 0) };
        self.ones[one].reached = to;
        self.tell(Event::Ended {
            job: self.name(one),
            accelerator: segment.accelerator,
            to,
            switched: segment.switched,
            started: segment.started,
        });
        if to.0 >= segment.realisation.end {
            self.complete(one);
        } else if self.ones[one].drops_at_boundary {
            self.drop(one, DropCause::Policy);
        } else {
            self.ones[one].fate = Fate::Ready;
        }
    }
}

/// Where a job stands that a segment took from one part of a layer to another: whole steps of its own, from the last of them
/// that was done before it, and besides what had been done of the next one.
fn carried(from: Reached, to: Reached) -> Reached {
    let ((layer, before, of), (_, stop, steps)) = (from, to);
    if layer != to.0 || before == 0 || stop == 0 {
        return to;
    }
    let common =
        (1..=of).map(|times| times * steps).find(|multiple| multiple.is_multiple_of(of)).expect("a multiple");
    let begun = (0..=steps).rfind(|step| step * of <= before * steps).expect("at least none");
    let done = before * (common / of) + (stop - begun) * (common / steps);
    // As few parts as will do; the segment's own steps, if they do.
    let in_parts = |parts: &u32| (done * parts).is_multiple_of(common);
    let parts = Some(steps).filter(in_parts).or_else(|| (1..=common).find(in_parts)).expect("all of them");
    (layer, done * parts / common, parts)
}
