//! Runs that compete for the memory bandwidth of their platform.
//!
//! A running layer has two things to do at once: compute, and move its off-chip traffic. When both
//! are done follows what overlaps with nothing. While it moves data it demands the bandwidth that it
//! would use alone; a contention model says how much it is granted. Traffic moves as early as it is
//! granted bandwidth, so a layer that has moved all of it demands nothing while it computes on.
//!
//! Everything is counted in whole picoseconds and whole units of bandwidth, so that the fluid is
//! exact: a layer that is always granted what it demands takes its isolated latency to the
//! picosecond. Rates change when a layer begins, when it has moved its traffic, when a run ends
//! and when shares change; those are the events.
//!
//! A quantum is an equal part of a layer's compute and of its traffic, each rounded down: quantum `k` of
//! `n` is done when `k / n` of both are. What overlaps with nothing comes after the last one. A run that is
//! to stop at a quantum stops when the one is done that it is in; what it did of the next one is lost.
//!
//! A change of share holds for the layers that begin after it. A running layer is held to a smaller
//! share at once; a larger one does not speed it up. A cap or a threshold holds from the change on, either way.
//!
//! Where runs have throttles, a run that pauses is one without demand: the beginning and the end of a pause are events, the
//! windows between them are none.
//!
//! An event takes a step a run, and so does finding the next one.

use rtmm_hardware::{
    AcceleratorId, Bandwidth, ClassId, Contention, Isolated, Meter, Rates, Running, Share, Speed,
};
use rtmm_scheduler::{Preemption, Progress, before_quantum};
use rtmm_workload::{Duration, LayerId, ModelId, Time};

use crate::execution::{
    Completed, Execution, Instants, LayerPart, MemoryUse, Reach, Segment, Standing, Step, Stop, rescaled,
};
use crate::system::System;

/// Runs that compete under a contention model.
#[derive(Clone, Debug)]
pub struct Shared<C> {
    contention: C,
    events: Instants,
    /// By slot. What a slot without a run holds has no meaning: runs are large, and are written in place.
    runs: Vec<Run>,
    /// By slot.
    accelerators: Vec<AcceleratorId>,
    /// Layers that run, by rising slot, as the contention model is shown them; kept up to date as layers
    /// begin, move the last of their traffic and end.
    running: Vec<Running>,
    /// Of each of them: its slot, the rates that it has, and whether its throttle holds it back.
    slots: Vec<usize>,
    rates: Vec<Rates>,
    paused: Vec<bool>,
    /// Answers of the contention model, used again and again.
    answers: Vec<Rates>,
    /// True if runs have throttles.
    has_throttles: bool,
    /// True if rates depend on priorities.
    has_priorities: bool,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    is_live: bool,
    model: ModelId,
    /// Where it begins, where its inference ends, and the layer that it ends before: that of the dispatch, or
    /// an earlier one once it is to stop.
    from: Progress,
    inference_end: u32,
    stop: u32,
    share: Share,
    /// The highest of its jobs, where rates depend on it.
    priority: i32,
    /// The layer that runs; none before the first one begins.
    layer: Option<u32>,
    /// The class that it runs in.
    class: ClassId,
    /// When it began.
    began: Time,
    /// The last layer of the run that is complete.
    previous: Option<u32>,
    /// True if it ends now, between two layers.
    is_cut: bool,
    /// True if it ends with the quantum that it begins with.
    ends_with_quantum: bool,
    /// True if it stops to be resized.
    resizes: bool,
    /// The quantum that the layer began with, and how many it has.
    quantum: u32,
    quanta: u32,
    /// The quantum that it stops before; none for one that goes to the end of its layer.
    target: Option<u32>,
    /// Up to when the amounts below are counted.
    since: Time,
    /// The compute and the traffic of the whole layer, in the units of what is left of them.
    whole: Amounts,
    /// Compute and traffic that is left.
    left: Amounts,
    /// That which follows when both are done, and the rest of it.
    whole_exposed: Duration,
    exposed: Duration,
    /// Its demand while it has traffic left.
    demand: Bandwidth,
    /// The same of the shared cache.
    cache_demand: Bandwidth,
    rates: Rates,
    /// The throttle of its off-chip traffic, if it has one, as of `since`.
    meter: Option<Meter>,
    /// Latency of the whole layer alone, with the share that the platform gives it.
    alone: u64,
    /// Since when its slowdown counts, and what of that latency was done then: from the beginning of the layer, or of the
    /// quantum that it began with, unless an operating point has changed since.
    paced: Time,
    paced_from: Option<u64>,
    /// When it goes on, while a change of an operating point has it stand still.
    resumes: Option<Time>,
}

/// Amounts of work.
#[derive(Clone, Copy, Debug, Default)]
struct Amounts {
    /// In picoseconds at full speed and 2^-20 of them.
    compute: u128,
    /// In units of bandwidth times picoseconds.
    transfer: u128,
}

impl Amounts {
    /// The first `quantum` of `quanta` equal parts, rounded down.
    fn part(self, quantum: u32, quanta: u32) -> Self {
        let (quantum, quanta) = (u128::from(quantum), u128::from(quanta.max(1)));
        // In two steps, so that no product is too large.
        let part = |whole: u128| whole / quanta * quantum + whole % quanta * quantum / quanta;
        Self { compute: part(self.compute), transfer: part(self.transfer) }
    }

    fn less(self, other: Self) -> Self {
        Self {
            compute: self.compute.saturating_sub(other.compute),
            transfer: self.transfer.saturating_sub(other.transfer),
        }
    }

    fn covers(self, other: Self) -> bool {
        self.compute >= other.compute && self.transfer >= other.transfer
    }

    /// Time that both take at these rates.
    fn time_at(self, rates: Rates) -> u64 {
        steps(self.compute, rates.compute.parts().into())
            .max(steps(self.transfer, rates.transfer.bytes_per_window()))
    }
}

impl Run {
    /// The content of a slot before its first run.
    const NONE: Self = Self {
        is_live: false,
        model: ModelId::new(0),
        from: Progress::at(0),
        inference_end: 0,
        stop: 0,
        share: Share::ZERO,
        priority: 0,
        layer: None,
        class: ClassId::new(0),
        began: Time::ZERO,
        previous: None,
        is_cut: false,
        ends_with_quantum: false,
        resizes: false,
        quantum: 0,
        quanta: 1,
        target: None,
        since: Time::ZERO,
        whole: Amounts { compute: 0, transfer: 0 },
        left: Amounts { compute: 0, transfer: 0 },
        whole_exposed: Duration::ZERO,
        exposed: Duration::ZERO,
        demand: Bandwidth::ZERO,
        cache_demand: Bandwidth::ZERO,
        rates: Rates { compute: Speed::FULL, transfer: Bandwidth::ZERO },
        meter: None,
        alone: 0,
        paced: Time::ZERO,
        paced_from: None,
        resumes: None,
    };

    /// The layer before which it really ends.
    fn end(&self) -> u32 {
        self.stop.min(self.inference_end).max(self.from.layer)
    }

    /// True if it has traffic left at an instant up to which its rates hold.
    fn moves_at(&self, now: Time) -> bool {
        let elapsed = u128::from(now.saturating_since(self.since).picoseconds());
        let moved = elapsed * u128::from(self.rates.transfer.bytes_per_window());
        self.left.transfer > moved
    }

    /// True if its throttle holds it back at an instant up to which its rates hold; its next event is at `event`.
    #[inline]
    fn is_paused_at(&self, now: Time, event: Time) -> bool {
        self.meter
            .is_some_and(|meter| if event > now { meter.is_paused() } else { self.pauses_by(now, meter) })
    }

    /// True if its throttle has come to a pause by an instant.
    #[cold]
    fn pauses_by(&self, now: Time, mut meter: Meter) -> bool {
        meter.advance(self.rates.transfer, now.saturating_since(self.since));
        meter.is_paused()
    }

    /// True if some of the compute of its layer is done at an instant up to which its rates hold.
    fn is_underway(&self, now: Time) -> bool {
        let begun = match self.quantum {
            0 => self.whole,
            quantum => self.whole.less(self.whole.part(quantum, self.quanta)),
        };
        let goes = self.left.compute > 0 && self.rates.compute > Speed::ZERO && now > self.since;
        goes || self.left.compute < begun.compute
    }

    /// Counts what was done since the amounts were last counted.
    fn settle(&mut self, now: Time) {
        let elapsed = now.saturating_since(self.since).picoseconds();
        self.since = self.since.max(now);
        if let Some(meter) = &mut self.meter {
            meter.advance(self.rates.transfer, Duration::from_picoseconds(elapsed));
        }
        // What follows when both are done has run since then.
        if self.exposed > Duration::ZERO {
            let followed = elapsed.saturating_sub(self.left.time_at(self.rates));
            self.exposed = Duration::from_picoseconds(self.exposed.picoseconds().saturating_sub(followed));
        }
        let elapsed = u128::from(elapsed);
        self.left = self.left.less(Amounts {
            compute: elapsed * u128::from(self.rates.compute.parts()),
            transfer: elapsed * u128::from(self.rates.transfer.bytes_per_window()),
        });
    }

    /// The rest up to the quantum that it stops before.
    fn left_to_target(&self, target: u32) -> Amounts {
        self.left.less(self.whole.less(self.whole.part(target, self.quanta)))
    }

    /// When its traffic is moved, or without traffic, when the layer ends; sooner if it stops sooner, or if its throttle
    /// begins or ends a pause.
    #[inline(always)]
    fn event(&self) -> Time {
        if let Some(resumes) = self.resumes {
            return resumes;
        }
        let by_traffic = if self.left.transfer > 0 {
            let moved = after(self.since, steps(self.left.transfer, self.rates.transfer.bytes_per_window()));
            match &self.meter {
                None => moved,
                Some(meter) => moved.min(self.since.saturating_add(meter.until_change(self.rates.transfer))),
            }
        } else {
            after(self.since, steps(self.left.compute, self.rates.compute.parts().into()))
                .saturating_add(self.exposed)
        };
        // Few runs stop inside a layer.
        match self.target {
            None => by_traffic,
            Some(target) => by_traffic.min(self.target_event(target)),
        }
    }

    /// When the quantum is done that it stops before.
    #[cold]
    fn target_event(&self, target: u32) -> Time {
        after(self.since, self.left_to_target(target).time_at(self.rates))
    }

    /// Has the run stop with a quantum of its layer, or with the layer where that is the last; false if
    /// that is where it ends anyway.
    fn stop_with(&mut self, layer: u32, quantum: u32) -> bool {
        let end = self.end();
        if quantum + 1 < self.quanta {
            self.target = Some(quantum + 1);
            self.stop = layer;
            return true;
        }
        self.stop = self.stop.min(layer.saturating_add(1));
        self.end() < end
    }

    /// The quantum that it is in: the first that is not done.
    fn current_quantum(&self) -> u32 {
        let done = self.whole.less(self.left);
        let (mut low, mut high) = (self.quantum, self.quanta.saturating_sub(1).max(self.quantum));
        while low < high {
            let middle = low + (high - low) / 2;
            if done.covers(self.whole.part(middle + 1, self.quanta)) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low
    }

    /// Slowdown of the layer relative to isolation up to `now`, from the quantum that it began with to
    /// the one that it stops before.
    fn stretch(&self, now: Time) -> f64 {
        self.stretch_to(now, self.target.map_or(self.alone, |target| self.alone_before(target)))
    }

    /// The same up to where `until` of its latency alone is done.
    fn stretch_to(&self, now: Time, until: u64) -> f64 {
        let took = now.saturating_since(self.paced).picoseconds();
        let from = self.paced_from.unwrap_or_else(|| self.alone_before(self.quantum));
        let alone = until.saturating_sub(from);
        if took == alone || alone == 0 { 1.0 } else { took as f64 / alone as f64 }
    }

    /// Its latency alone up to a quantum.
    fn alone_before(&self, quantum: u32) -> u64 {
        match quantum {
            0 => 0,
            _ => before_quantum(self.alone, quantum, self.quanta),
        }
    }

    /// Takes the amounts and the demands of the whole layer.
    fn take_whole(&mut self, isolated: &Isolated) {
        let Isolated { compute, transfer, exposed, demand, cache_demand } = *isolated;
        self.whole = Amounts {
            compute: u128::from(compute.picoseconds()) * u128::from(Speed::FULL.parts()),
            transfer: u128::from(transfer.picoseconds())
                * u128::from(pace(demand, cache_demand).bytes_per_window()),
        };
        (self.whole_exposed, self.demand, self.cache_demand) = (exposed, demand, cache_demand);
        // Without traffic the two may still differ: a transfer that takes time takes it.
        if self.whole.transfer == 0 {
            let transfer = u128::from(transfer.picoseconds()) * u128::from(Speed::FULL.parts());
            self.whole.compute = self.whole.compute.max(transfer);
        }
    }

    /// Has its layer begin, at an instant and at the quantum that it begins with.
    fn begin_anew(&mut self, at: Time) {
        (self.began, self.paced, self.paced_from) = (at, at, None);
        self.exposed = self.whole_exposed;
        self.left = self.whole;
        if self.quantum > 0 {
            self.left = self.whole.less(self.whole.part(self.quantum, self.quanta));
        }
    }

    /// Has the rest of its layer go on in another class, of which the whole is taken: before, it was `whole` and `exposed`.
    fn rescale(&mut self, whole: Amounts, exposed: Duration, part: LayerPart) {
        self.left = Amounts {
            compute: rescaled(self.left.compute, whole.compute, self.whole.compute),
            transfer: rescaled(self.left.transfer, whole.transfer, self.whole.transfer),
        };
        let [left, before, after] = [self.exposed, exposed, self.whole_exposed].map(Duration::picoseconds);
        let left = rescaled(u128::from(left), u128::from(before), u128::from(after));
        self.exposed = Duration::from_picoseconds(u64::try_from(left).unwrap_or(after));
        self.paced_from = Some(part_of(self.alone, part.compute));
    }

    /// The part of the layer that is done.
    fn part(&self) -> LayerPart {
        let done = self.whole.less(self.left);
        // A layer has compute, traffic or neither: what it lacks is done as far as the other is.
        let of = |done: u128, whole: u128| (whole > 0).then(|| LayerPart::ratio(done, whole));
        let (compute, traffic) =
            (of(done.compute, self.whole.compute), of(done.transfer, self.whole.transfer));
        LayerPart {
            compute: compute.or(traffic).unwrap_or_default(),
            traffic: traffic.or(compute).unwrap_or_default(),
        }
    }
}

/// Units in which traffic is counted: of the memory, or of the cache where none of it goes beyond.
fn pace(demand: Bandwidth, cache_demand: Bandwidth) -> Bandwidth {
    if demand == Bandwidth::ZERO { cache_demand } else { demand }
}

/// Number of steps of `speed` that an amount takes; all of time if it never moves.
#[inline(always)]
fn steps(amount: u128, speed: u64) -> u64 {
    match (amount, speed) {
        (0, _) => 0,
        (_, 0) => u64::MAX,
        _ => match u64::try_from(amount) {
            Ok(amount) => amount.div_ceil(speed),
            Err(_) => u64::try_from(amount.div_ceil(u128::from(speed))).unwrap_or(u64::MAX),
        },
    }
}

/// So many 2^-32 of a time, rounded down.
fn part_of(time: u64, part: u64) -> u64 {
    u64::try_from((u128::from(time) * u128::from(part)) >> 32).unwrap_or(time)
}

fn after(time: Time, picoseconds: u64) -> Time {
    time.saturating_add(Duration::from_picoseconds(picoseconds))
}

impl<C: Contention> Shared<C> {
    /// No runs, in as many slots as the platform has units; `accelerators` says whose unit each is.
    #[must_use]
    pub fn new(contention: C, accelerators: Vec<AcceleratorId>) -> Self {
        let slots = accelerators.len();
        Self {
            has_throttles: contention.meter(Share::ZERO).is_some(),
            has_priorities: contention.has_priorities(),
            contention,
            events: Instants::new(slots),
            runs: vec![Run::NONE; slots],
            accelerators,
            running: Vec::with_capacity(slots),
            slots: Vec::with_capacity(slots),
            rates: Vec::with_capacity(slots),
            answers: Vec::with_capacity(slots),
            paused: Vec::with_capacity(slots),
        }
    }

    fn run_mut(&mut self, slot: usize) -> Option<&mut Run> {
        self.runs.get_mut(slot).filter(|run| run.is_live)
    }

    /// Begins the next layer of a run at or after `from`; false if there is none.
    fn begin_layer(
        &mut self,
        system: &System,
        slot: usize,
        from: Progress,
        now: Time,
        segment: &Segment<'_>,
    ) -> bool {
        let accelerator = self.accelerators[slot];
        let Some(run) = self.runs.get_mut(slot).filter(|run| run.is_live) else { return false };
        let model = run.model;
        let at = segment.next_from(system, from);
        let layer = at.layer;
        if layer >= run.end() {
            return false;
        }
        let (class, outcome) = segment.layer(system, layer);
        let isolated = system.costs.true_parts(model, outcome, layer, class, run.share);
        let Isolated { demand, cache_demand, .. } = isolated;
        (run.layer, run.began, run.since) = (Some(layer), now, now);
        (run.class, run.paced, run.paced_from) = (class, now, None);
        (run.quantum, run.quanta) = (at.quantum, system.costs.quanta(model, layer, class));
        // Energies are for the platform's own share.
        run.alone = system.costs.true_latency(model, outcome, layer, class);
        run.take_whole(&isolated);
        run.begin_anew(now);
        // Traffic that stays on the chip is not throttled.
        run.meter = self.contention.meter(run.share).filter(|_| demand > Bandwidth::ZERO);
        if std::mem::replace(&mut run.ends_with_quantum, false) && !run.stop_with(layer, at.quantum) {
            run.resizes = false;
        }
        let moves = run.left.transfer > 0;
        let shown = Running {
            accelerator,
            model,
            layer: LayerId::new(layer as usize),
            class,
            demand: if moves { demand } else { Bandwidth::ZERO },
            cache_demand: if moves { cache_demand } else { Bandwidth::ZERO },
            share: run.share,
            began: run.began,
            priority: run.priority,
            is_underway: false,
        };
        self.put_in(slot, shown);
        true
    }

    /// Lists a layer among those that run, without rates yet.
    #[inline(always)]
    fn put_in(&mut self, slot: usize, shown: Running) {
        self.runs[slot].rates = Rates::default();
        let at = self.place_of(slot);
        if self.slots.get(at) == Some(&slot) {
            (self.running[at], self.rates[at], self.paused[at]) = (shown, Rates::default(), false);
        } else {
            self.running.insert(at, shown);
            self.slots.insert(at, slot);
            self.rates.insert(at, Rates::default());
            self.paused.insert(at, false);
        }
    }

    /// Lists a layer that has begun, as it is now.
    fn put_back(&mut self, slot: usize) {
        let run = &self.runs[slot];
        let Some(layer) = run.layer else { return };
        let demands = if run.left.transfer > 0 { (run.demand, run.cache_demand) } else { Default::default() };
        let shown = Running {
            accelerator: self.accelerators[slot],
            model: run.model,
            layer: LayerId::new(layer as usize),
            class: run.class,
            demand: demands.0,
            cache_demand: demands.1,
            share: run.share,
            began: run.began,
            priority: run.priority,
            is_underway: false,
        };
        self.put_in(slot, shown);
    }

    /// Place of the layer that runs in a slot among those that run, or the place that it would have.
    fn place_of(&self, slot: usize) -> usize {
        // Few run: they are searched in order.
        self.slots.iter().position(|other| *other >= slot).unwrap_or(self.slots.len())
    }

    /// Takes out the layer that runs in a slot, if one does.
    fn take_out(&mut self, slot: usize) {
        let at = self.place_of(slot);
        if self.slots.get(at) == Some(&slot) {
            self.running.remove(at);
            self.slots.remove(at);
            self.rates.remove(at);
            self.paused.remove(at);
        }
    }

    /// Shows what a layer demands at an instant up to which its rates hold: nothing once its traffic is moved, and
    /// while its throttle holds it back.
    fn show(&mut self, at: usize, now: Time) {
        let slot = self.slots[at];
        let run = &self.runs[slot];
        let moves = run.moves_at(now);
        self.paused[at] = moves && run.is_paused_at(now, self.events.events[slot]);
        let demands =
            if moves && !self.paused[at] { (run.demand, run.cache_demand) } else { Default::default() };
        let running = &mut self.running[at];
        (running.demand, running.cache_demand) = demands;
    }

    /// Asks for the rates of what runs now, and finds the events that move with them.
    fn share_out(&mut self, now: Time) {
        for at in 0..self.slots.len() {
            // Until its event, a layer demands what it did.
            if self.events.events[self.slots[at]] <= now {
                self.show(at, now);
            }
        }
        if self.has_priorities {
            for (slot, running) in self.slots.iter().zip(&mut self.running) {
                running.is_underway = self.runs[*slot].is_underway(now);
            }
        }
        self.answers.clear();
        self.answers.resize(self.running.len(), Rates::default());
        self.contention.rates(now, &self.running, &mut self.answers);
        for ((slot, rates), answer) in self.slots.iter().zip(&mut self.rates).zip(&self.answers) {
            if *rates != *answer {
                let run = &mut self.runs[*slot];
                run.settle(now);
                (run.rates, *rates) = (*answer, *answer);
                let at = run.event();
                self.events.set(*slot, at);
            }
        }
    }

    /// Has a run stop at its next boundary: at a quantum where `mode` says so.
    fn stop(
        &mut self,
        system: &System,
        slot: usize,
        now: Time,
        segment: &Segment<'_>,
        mode: Preemption,
    ) -> bool {
        let Some(run) = self.run_mut(slot) else { return false };
        // It stops at a boundary already, perhaps not before it would go on.
        if run.is_cut {
            return true;
        }
        // Between two layers: the boundary is now. A run that stands still there stops when it would go on.
        if let Some(previous) = run.previous.filter(|_| run.began >= now) {
            run.is_cut = true;
            (run.stop, run.layer) = (previous.saturating_add(1), None);
            let at = run.resumes.take().unwrap_or(now);
            self.take_out(slot);
            self.events.set(slot, at);
            return true;
        }
        match (mode.is_inside_layers(), run.layer) {
            (true, None) => {
                run.ends_with_quantum = true;
                true
            }
            (true, Some(_)) if run.target.is_some() => true,
            (true, Some(layer)) => {
                let mut settled = *run;
                settled.settle(now);
                let stops = run.stop_with(layer, settled.current_quantum());
                let at = run.event();
                self.events.set(slot, at);
                stops
            }
            (false, layer) => {
                let first = || segment.next_layer(system, run.from.layer);
                let (end, stop) = (run.end(), layer.unwrap_or_else(first).saturating_add(1));
                run.stop = run.stop.min(stop);
                run.end() < end
            }
        }
    }

    fn end(&mut self, slot: usize, last: Option<Completed>, now: Time) -> Step {
        let Some(run) = self.run_mut(slot) else { return Step::Internal };
        run.is_live = false;
        self.take_out(slot);
        self.events.set(slot, Time::MAX);
        self.share_out(now);
        let run = &self.runs[slot];
        let (mut to, mut stretch) = (Progress::at(run.end()), 1.0);
        if let (Some(layer), Some(target)) = (run.layer, run.target) {
            to = Progress { layer, quantum: target, quanta: run.quanta };
            stretch = run.stretch(now);
        }
        let stop = Stop { to, last, stretch };
        if run.resizes { Step::Resizes(stop) } else { Step::Ended(stop) }
    }
}

impl<C: Contention + Clone> Execution for Shared<C> {
    /// All layers are told of: each is an event in any case.
    fn tell_layers(&mut self, _tell: bool) {}

    fn tells_layers(&self) -> bool {
        true
    }

    fn begin(&mut self, _system: &System, slot: usize, segment: &Segment<'_>) {
        let run = segment.run;
        let own = &mut self.runs[slot];
        (own.is_live, own.model) = (true, run.model);
        own.from = run.from;
        (own.inference_end, own.stop) = (segment.inference_end(), run.stop);
        own.share = run.share;
        own.priority = if self.has_priorities { segment.priority() } else { 0 };
        (own.layer, own.previous, own.target, own.meter) = (None, None, None, None);
        (own.began, own.since) = (run.started, run.started);
        (own.is_cut, own.ends_with_quantum, own.resizes) = (false, false, false);
        own.resumes = None;
        // The first layer begins with an event of its own, so that runs that are dispatched at one
        // instant share from its beginning.
        self.events.set(slot, run.started);
    }

    fn next(&self) -> Option<(Time, usize)> {
        self.events.first()
    }

    fn step(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>) -> Step {
        let Some(run) = self.run_mut(slot) else { return Step::Internal };
        if run.is_cut {
            return self.end(slot, None, now);
        }
        let Some(layer) = run.layer else {
            let from = run.from;
            if self.begin_layer(system, slot, from, now, segment) {
                self.share_out(now);
                return Step::Internal;
            }
            // Nothing is left to run in another class.
            self.runs[slot].resizes = false;
            return self.end(slot, None, now);
        };
        if run.resumes.take().is_some() {
            self.put_back(slot);
            self.share_out(now);
            let at = self.runs[slot].event();
            self.events.set(slot, at);
            return Step::Internal;
        }
        run.settle(now);
        if run.event() > now {
            // It has moved its traffic; the bandwidth is free for others.
            self.share_out(now);
            let at = self.runs[slot].event();
            self.events.set(slot, at);
            return Step::Internal;
        }
        if run.target.is_some() {
            return self.end(slot, None, now);
        }
        let stretch = run.stretch(now);
        let completed = Completed { layer: LayerId::new(layer as usize), began: run.began, stretch };
        run.previous = Some(layer);
        if self.begin_layer(system, slot, Progress::at(layer + 1), now, segment) {
            self.share_out(now);
            return Step::Layer(completed);
        }
        self.end(slot, Some(completed), now)
    }

    fn preempt(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>, mode: Preemption) {
        if let Some(run) = self.runs.get_mut(slot).filter(|run| run.is_live)
            && std::mem::replace(&mut run.resizes, false)
        {
            // It was to stop at its next boundary for another reason.
            if run.is_cut || mode.is_inside_layers() {
                return;
            }
            run.stop = segment.run.stop;
            (run.target, run.ends_with_quantum) = (None, false);
            if run.layer.is_some() {
                let at = run.event();
                self.events.set(slot, at);
            }
        }
        self.stop(system, slot, now, segment, mode);
    }

    fn resize(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>) {
        let stops = self.stop(system, slot, now, segment, Preemption::Quantum);
        self.runs[slot].resizes = stops;
    }

    fn halt(
        &mut self,
        _system: &System,
        slot: usize,
        _now: Time,
        _segment: &Segment<'_>,
    ) -> Option<Progress> {
        let run = self.runs.get_mut(slot).filter(|run| run.is_live)?;
        run.is_live = false;
        let reached = run.previous.map_or(run.from, |layer| Progress::at(layer + 1));
        self.take_out(slot);
        self.events.set(slot, Time::MAX);
        Some(reached)
    }

    fn stand(
        &mut self,
        _system: &System,
        slot: usize,
        now: Time,
        _segment: &Segment<'_>,
    ) -> Option<Standing> {
        let run = self.runs.get_mut(slot).filter(|run| run.is_live)?;
        let layer = run.layer?;
        run.settle(now);
        // Of a layer that begins now nothing has to be booked.
        let part = if run.began < now { run.part() } else { LayerPart::NONE };
        // What is done of its latency alone is told by its compute.
        let done = part_of(run.alone, part.compute);
        let stretch = run.stretch_to(now, done);
        let quantum = if run.quantum > 0 { (run.quantum, run.quanta) } else { (0, 0) };
        let to = Progress { layer, quantum: quantum.0, quanta: quantum.1 };
        let (whole, rest) = (run.alone, run.alone.saturating_sub(done));
        let boundary = Progress::at(layer);
        let began = Some(run.began).filter(|began| *began < now);
        Some(Standing { reach: Reach { to, part, stretch }, boundary, began, whole, rest })
    }

    fn rescale(
        &mut self,
        system: &System,
        slot: usize,
        resumes: Time,
        segment: &Segment<'_>,
        standing: Option<&Standing>,
    ) -> Option<u64> {
        let run = self.runs.get_mut(slot).filter(|run| run.is_live)?;
        let (Some(layer), Some(standing)) = (run.layer, standing) else {
            // Its first layer has not begun, or it ends between two.
            let at = self.events.events[slot].max(resumes);
            self.events.set(slot, at);
            return None;
        };
        let model = run.model;
        let (class, outcome) = segment.layer(system, layer);
        let memory = |class| system.costs.class(class).memory;
        let bandwidth_changes = memory(run.class) != memory(class);
        run.class = class;
        let (whole, exposed) = (run.whole, run.whole_exposed);
        run.take_whole(&system.costs.true_parts(model, outcome, layer, class, run.share));
        run.alone = system.costs.true_latency(model, outcome, layer, class);
        (run.since, run.paced) = (resumes, resumes);
        if standing.began.is_none() {
            run.begin_anew(resumes);
        } else {
            run.rescale(whole, exposed, standing.reach.part);
        }
        if bandwidth_changes && run.meter.is_some() {
            // A threshold is a part of the bandwidth: what was counted against another one is forgotten.
            run.meter = self.contention.meter(run.share).filter(|_| run.demand > Bandwidth::ZERO);
        }
        run.resumes = Some(resumes);
        self.take_out(slot);
        self.events.set(slot, resumes);
        None
    }

    fn set_bandwidth(&mut self, bandwidth: Bandwidth) {
        self.contention.set_bandwidth(bandwidth);
    }

    /// Runs that do not stand still go on at once.
    fn go_on(&mut self, now: Time) {
        for slot in 0..self.runs.len() {
            if self.runs[slot].is_live && self.runs[slot].resumes.is_some_and(|resumes| resumes <= now) {
                self.runs[slot].resumes = None;
                self.put_back(slot);
            }
        }
        self.share_out(now);
    }

    fn memory_use(&self) -> Option<MemoryUse> {
        let paused = self.paused.iter().filter(|paused| **paused).count() as u32;
        let mut used = MemoryUse { throttled: paused, ..MemoryUse::default() };
        let mut granted = 0_u64;
        for (run, rates) in self.running.iter().zip(&self.rates) {
            // A layer without off-chip traffic moves what it has at the cache.
            let demand = if run.demand == Bandwidth::ZERO {
                run.cache_demand
            } else {
                granted = granted.saturating_add(rates.transfer.bytes_per_window());
                run.demand
            };
            used.throttled += u32::from(rates.transfer < demand);
        }
        used.granted = Bandwidth::from_bytes_per_window(granted);
        Some(used)
    }

    fn set_share(&mut self, now: Time, slot: usize, share: Share) {
        if let Some(run) = self.runs.get_mut(slot).filter(|run| run.is_live) {
            run.share = share;
            if self.has_throttles && run.layer.is_some() && run.demand > Bandwidth::ZERO {
                // A new setting of the throttle: what it counted is forgotten.
                run.settle(now);
                run.meter = self.contention.meter(share);
                let at = run.event();
                self.events.set(slot, at);
            }
        }
        let at = self.place_of(slot);
        if self.slots.get(at) == Some(&slot) {
            self.running[at].share = share;
            self.show(at, now);
        }
        self.share_out(now);
    }
}
