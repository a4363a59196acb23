//! Segments: they begin, go from layer to layer, are resized and end.

use rtmm_hardware::{Energy, EnergyParts, Isolated, Share};
use rtmm_scheduler::Preemption;
use rtmm_sim::DropCause;
use rtmm_testkit::random_systems::record::{Event, Heard, Name, Reached};

use super::decisions::moved;
use super::{Fate, Member, Oracle, Running, Seg};

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
        let layer = self.next_layer(&segment, layer);
        if layer >= segment.end {
            return false;
        }
        let running = self.at_its_start(&segment, layer, self.now);
        self.segment(slot).running = Some(running);
        true
    }

    /// A layer of a segment that begins at an instant, or goes on at the step that was done before.
    pub(super) fn at_its_start(&self, segment: &Seg, layer: u32, began: u64) -> Running {
        let isolated = self.isolated(segment, layer);
        let latency = isolated.latency().picoseconds();
        let quanta = self.steps(segment, layer);
        // Progress inside the layer, in the steps that it has here, rounded down.
        let (of, quantum, of_quanta) = segment.from;
        let quantum = if of == layer { (quantum * quanta).checked_div(of_quanta).unwrap_or(0) } else { 0 };
        let done = latency * u64::from(quantum) / u64::from(quanta);
        let off_chip = isolated.demand.bytes_per_window();
        let (all_compute, all_traffic) = amounts(&isolated);
        let rest = |all: u128| all - all * u128::from(quantum) / u128::from(quanta);
        Running {
            layer,
            began,
            quantum,
            end: began + latency - done,
            all_compute,
            all_traffic,
            compute: rest(all_compute),
            traffic: rest(all_traffic),
            exposed: isolated.exposed.picoseconds(),
            all_exposed: isolated.exposed.picoseconds(),
            demand: off_chip,
            cache_demand: isolated.cache_demand.bytes_per_window(),
            throttle: self.counter(segment.share).filter(|_| off_chip > 0),
            counted: None,
            paced: (began, None),
        }
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
        if segment.started > self.now || segment.stands > self.now {
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
        let quanta = self.steps(&segment, running.layer);
        self.spend(slot, running.layer, quanta, (1 << 32, 1 << 32));
        for member in self.of_layer(&segment, running.layer) {
            self.ones[member.one].last_layer = Some(running.layer);
            self.ones[member.one].completed = Some(running.layer);
            let job = self.name(member.one);
            let samples = self.built.models[segment.model].samples.as_ref();
            let row = member.realisation.row as usize;
            let sparsity = samples.map(|samples| samples.sparsity(row, running.layer as usize));
            self.hear(Heard::Layer {
                job,
                model: segment.model,
                layer: running.layer as usize,
                accelerator: segment.accelerator,
                latency: self.now - running.began,
                sparsity,
            });
        }
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

    /// Books the energy of the layer that runs up to a step, or up to parts of its compute and its traffic in 2^-32,
    /// whichever is further on.
    pub(super) fn spend(&mut self, slot: usize, layer: u32, until: u32, parts: (u128, u128)) {
        let segment = self.segments[slot].clone().expect("it runs");
        let (work, slowest) = self.work_of(&segment, layer);
        let jobs = self.of_layer(&segment, layer);
        let quanta = self.steps(&segment, layer);
        // Static energy is stated for the mean, and accrues as long as the layer takes.
        let (row, count) = (slowest.realisation.row, jobs.len() as u32);
        let stated = self.stated(segment.configuration, segment.model, row, layer, count);
        let mut steady = work.energy.static_energy;
        let alone = self.alone_latency(&segment, layer);
        let own = stated.latency().picoseconds();
        if own > 0 {
            steady *= alone as f64 / own as f64;
        }
        let begun = segment.running.map_or(0, |running| running.quantum);
        let stretch = match segment.running {
            Some(running) if self.is_shared() => {
                let before = |quantum: u32| alone * u64::from(quantum) / u64::from(quanta);
                let (since, done) = running.paced;
                let done = done.unwrap_or_else(|| before(begun));
                let by_parts = until == begun && parts != (0, 0);
                let to = if by_parts { ((u128::from(alone) * parts.0) >> 32) as u64 } else { before(until) };
                let alone = to.saturating_sub(done);
                let took = self.now.saturating_sub(since);
                if alone == 0 { 1.0 } else { took as f64 / alone as f64 }
            }
            _ => 1.0,
        };
        let counted = segment.running.and_then(|running| running.counted).unwrap_or((0, 0));
        // Whole femtojoules a part of the layer's energy, and floors of them at the steps.
        let between = |picojoules: f64, part: u128, counted: u128| -> u64 {
            let whole = (picojoules * 1e3).round() as u128;
            let at = |step: u32, part: u128| {
                (whole * u128::from(step) / u128::from(quanta)).max((whole * part) >> 32)
            };
            let spent = at(until, part).saturating_sub(at(begun, counted));
            u64::try_from(spent).expect("a small energy")
        };
        let EnergyParts { mac, l1, l2, dram, .. } = self.at_points(segment.accelerator, work).energy;
        let steady = (between(steady, parts.0, counted.0) as f64 * stretch).round() as u64;
        let of_compute = |one: f64| between(one, parts.0, counted.0);
        let of_dram = between(dram, parts.1, counted.1);
        let spent = [of_compute(mac), of_compute(l1), of_compute(l2), of_dram, steady];
        for (position, member) in jobs.iter().enumerate() {
            let own = spent.iter().map(|part| split(*part, position, jobs.len())).sum();
            self.ones[member.one].spent.layers += Energy::from_femtojoules(own);
        }
    }

    /// Says of units what ran on them last.
    pub(super) fn leave(&mut self, slot: usize, units: &[u32]) {
        let segment = self.segments[slot].clone().expect("it runs");
        let first = self.first_unit(segment.accelerator);
        let layer = segment.members.iter().filter_map(|member| self.ones[member.one].last_layer).max();
        let jobs = segment.members.len() as u64;
        for unit in units {
            self.last[first + *unit as usize] = Some((segment.model, layer, segment.used, jobs));
        }
    }

    /// A segment has got to where it ends, or where it is resized.
    pub(super) fn stop(&mut self, slot: usize, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        if let (Some(running), true) = (segment.running, to.1 > 0) {
            self.spend(slot, running.layer, to.1, (0, 0));
            for member in self.of_layer(&segment, running.layer) {
                self.ones[member.one].last_layer = Some(running.layer);
            }
        }
        self.must_decide = true;
        self.count_busy(slot);
        // A job by itself that is dropped leaves nothing behind.
        let is_kept = segment.members.len() > 1 || !self.ones[segment.members[0].one].drops_at_boundary;
        if to.1 > 0 && is_kept {
            match segment.mode {
                Some(Preemption::Checkpoint) => self.write_contexts(slot, carried(segment.from, to)),
                Some(Preemption::Kill) => {
                    for member in &segment.members {
                        self.ones[member.one].last_layer = None;
                    }
                    return self.end(slot, (to.0, 0, 0));
                }
                _ => {}
            }
        }
        let carried = carried(segment.from, to);
        if segment.members.len() > 1 {
            let stays = |member: &&Member| to.1 > 0 || !self.is_over(member, to.0);
            let has_more = to.1 > 0 || to.0 < segment.stop;
            if !segment.is_ending && has_more && segment.members.iter().any(|member| stays(&member)) {
                return self.go_on(slot, carried);
            }
            return self.end(slot, carried);
        }
        match segment.next {
            Some(units) if to.0 < segment.end => self.resize(slot, units, carried),
            _ => self.end(slot, carried),
        }
    }

    /// Whether a job of a batch leaves it before a layer.
    fn is_over(&self, member: &Member, layer: u32) -> bool {
        layer >= member.realisation.end || self.ones[member.one].drops_at_boundary
    }

    /// A batch goes on without its jobs that are over, on other units if it was to be resized.
    fn go_on(&mut self, slot: usize, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        let (gone, staying): (Vec<Member>, Vec<Member>) =
            segment.members.iter().partition(|member| to.1 == 0 && self.is_over(member, to.0));
        let before = segment.members.clone();
        for member in &gone {
            let next = self.built.models[segment.model].next_layer(&member.realisation, to.0);
            self.ones[member.one].reached = (next, 0, 0);
            self.tell(Event::Left { job: self.name(member.one), to: (next, 0, 0) });
        }
        match segment.next {
            Some(units) => {
                // What is left on units that it loses is that of all jobs.
                let kept = self.kept(slot, units);
                let lost: Vec<u32> =
                    segment.units.iter().copied().filter(|unit| !kept.contains(unit)).collect();
                self.leave(slot, &lost);
                self.segment(slot).members = staying.clone();
                self.change_units(slot, units, kept, to);
            }
            None => {
                let now = self.now;
                let changed = self.segment(slot);
                changed.members = staying.clone();
                (changed.from, changed.started) = (to, now);
                (changed.running, changed.previous, changed.cut) = (None, None, None);
                changed.stops_to_resize = false;
            }
        }
        let ends = staying.iter().map(|member| member.realisation.end).min().expect("one stays");
        self.segment(slot).end = segment.stop.min(ends);
        if to.1 > 0 && before.iter().any(|member| self.ones[member.one].drops_at_boundary) {
            self.preempt(slot, Preemption::Layer);
        }
        for member in gone {
            self.settle_job(member, to.0);
        }
    }

    /// What becomes of a job that left its segment before a layer.
    fn settle_job(&mut self, member: Member, layer: u32) {
        let one = member.one;
        if layer >= member.realisation.end {
            self.complete(one);
        } else if self.ones[one].drops_at_boundary {
            self.drop(one, DropCause::Policy);
        } else {
            self.ones[one].fate = Fate::Ready;
        }
    }

    /// What has been computed of a layer's output goes to memory for each job that ran it and goes on, one after the other,
    /// and nothing of it is left on the units.
    fn write_contexts(&mut self, slot: usize, (layer, quantum, quanta): Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        // The least numbers that are at least the part.
        let part = |all: u64| {
            (0..=all).find(|some| some * u64::from(quanta) >= all * u64::from(quantum)).expect("all of it")
        };
        let context = self.left(segment.model, layer).map(part);
        let moves = self.built.platform.accelerators[segment.accelerator].context_switch.activations;
        let moves = moves.expect("the engine accepted it");
        let mut all = [0, 0];
        for member in self.of_layer(&segment, layer) {
            let one = &mut self.ones[member.one];
            if !one.drops_at_boundary {
                one.context = context;
                one.spent.switches += moved(context, moves).1;
                all = [all[0] + context[0], all[1] + context[1]];
            }
        }
        let time = moved(all, moves).0;
        let first = self.first_unit(segment.accelerator);
        for unit in &segment.units {
            self.written[first + *unit as usize] = self.now + time;
        }
        for member in &segment.members {
            self.ones[member.one].last_layer = None;
        }
    }

    pub(super) fn resize(&mut self, slot: usize, units: u32, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        let kept = self.kept(slot, units);
        let lost: Vec<u32> = segment.units.iter().copied().filter(|unit| !kept.contains(unit)).collect();
        self.leave(slot, &lost);
        self.change_units(slot, units, kept, to);
    }

    /// The units that a segment keeps of its own: the lowest stay, and the one that it was dispatched on.
    fn kept(&self, slot: usize, units: u32) -> Vec<u32> {
        let segment = self.segments[slot].as_ref().expect("it runs");
        let home = (slot - self.first_unit(segment.accelerator)) as u32;
        let others = segment.units.iter().copied().filter(|unit| *unit != home);
        let mut kept: Vec<u32> = others.take(units as usize - 1).chain([home]).collect();
        kept.sort_unstable();
        kept
    }

    /// A segment goes on with other units.
    fn change_units(&mut self, slot: usize, units: u32, kept: Vec<u32>, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        let one = &self.built.platform.accelerators[segment.accelerator];
        let (_, configuration) = one.configurations().find(|(count, _)| *count == units).expect("it exists");
        let migration = one.migration();
        self.pay(&segment.members, Energy::from_picojoules(migration.energy_pj));
        let started = (self.now + migration.time.picoseconds()).max(self.stalled_until(segment.accelerator));
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
        changed.stops_to_resize = false;
        self.tell(Event::Resized { job: self.name(segment.members[0].one), to, units: kept, started });
    }

    /// Jobs pay for something together.
    pub(super) fn pay(&mut self, members: &[Member], energy: Energy) {
        for (position, member) in members.iter().enumerate() {
            let own = split(energy.femtojoules(), position, members.len());
            self.ones[member.one].spent.switches += Energy::from_femtojoules(own);
        }
    }

    pub(super) fn end(&mut self, slot: usize, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        self.leave(slot, &segment.units);
        self.segments[slot] = None;
        for (position, member) in segment.members.iter().enumerate() {
            let is_written =
                self.ones[member.one].context != [0, 0] || segment.mode == Some(Preemption::Checkpoint);
            self.ones[member.one].place = Some((segment.accelerator, is_written));
            // What is skipped next shows now.
            let next = self.built.models[segment.model].next_layer(&member.realisation, to.0);
            let to = if next == to.0 { to } else { (next, 0, 0) };
            self.ones[member.one].reached = to;
            let job = self.name(member.one);
            if position + 1 < segment.members.len() {
                self.tell(Event::Left { job, to });
                continue;
            }
            self.tell(Event::Ended {
                job,
                accelerator: segment.accelerator,
                to,
                switched: segment.switched,
                started: segment.started,
            });
        }
        for member in segment.members {
            let (layer, ..) = self.ones[member.one].reached;
            self.settle_job(member, layer);
        }
    }
}

/// The part of a whole that the one at a position has of so many: floors of equal parts, and what they leave.
pub(super) fn split(whole: u64, position: usize, of: usize) -> u64 {
    let before = |parts: usize| u128::from(whole) * parts as u128 / of as u128;
    (before(position + 1) - before(position)) as u64
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

/// The compute and the traffic of a layer. Traffic that stays on the chip is counted as the cache counts it.
pub(super) fn amounts(isolated: &Isolated) -> (u128, u128) {
    let off_chip = isolated.demand.bytes_per_window();
    let units = u128::from(if off_chip > 0 { off_chip } else { isolated.cache_demand.bytes_per_window() });
    let compute = u128::from(isolated.compute.picoseconds()) << 20;
    (compute, units * u128::from(isolated.transfer.picoseconds()))
}
