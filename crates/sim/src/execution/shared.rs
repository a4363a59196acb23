//! Segments that compete for the memory bandwidth of their platform.
//!
//! A running layer has two things to do at once: compute, and move its off-chip traffic. When both
//! are done follows what overlaps with nothing. While it moves data it demands the bandwidth that it
//! would use alone; a contention model says how much it is granted. Traffic moves as early as it is
//! granted bandwidth, so a layer that has moved all of it demands nothing while it computes on.
//!
//! Everything is counted in whole picoseconds and whole units of bandwidth, so that the fluid is
//! exact: a layer that is always granted what it demands takes its isolated latency to the
//! picosecond. Rates change when a layer begins, when it has moved its traffic, when a segment ends
//! and when shares change; those are the events.
//!
//! A change of share holds for the layers that begin after it. A running layer is held to a smaller
//! share at once; a larger one does not speed it up.
//!
//! An event takes a step a running segment, and so does finding the next one.

use rtmm_hardware::{AcceleratorId, Contention, Isolated, Rates, Running, Share, Speed};
use rtmm_scheduler::{Preemption, Progress};
use rtmm_workload::{Duration, LayerId, Time};

use crate::error::Illegal;
use crate::execution::{Completed, Course, Execution, Instants, Step};
use crate::system::System;

/// Accelerators that compete under a contention model.
#[derive(Clone, Debug)]
pub struct Shared<C> {
    contention: C,
    events: Instants,
    runs: Vec<Option<Run>>,
    shares: Vec<Share>,
    /// Whether bandwidth is divided by shares.
    has_shares: bool,
    /// What the contention model is shown, and what it says: used again and again.
    running: Vec<Running>,
    rates: Vec<Rates>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    course: Course,
    /// The layer that runs; none before the segment's first one begins.
    layer: Option<u32>,
    /// When it began.
    began: Time,
    /// The last layer of the segment that is complete.
    previous: Option<u32>,
    /// It ends now, between two layers.
    is_cut: bool,
    /// Up to when the amounts below are counted.
    since: Time,
    /// Compute that is left, in picoseconds at full speed and 2^-20 of them.
    compute: u128,
    /// Traffic that is left, in units of bandwidth times picoseconds.
    transfer: u128,
    /// What is left of that which follows when both are done.
    exposed: Duration,
    /// What it demands while it has traffic left.
    demand: rtmm_hardware::Bandwidth,
    rates: Rates,
    /// What it would take alone, with the share that the platform gives its accelerator.
    alone: Duration,
}

impl Run {
    fn demand(&self) -> rtmm_hardware::Bandwidth {
        if self.transfer > 0 { self.demand } else { rtmm_hardware::Bandwidth::ZERO }
    }

    /// Counts what was done since the amounts were last counted.
    fn settle(&mut self, now: Time) {
        let elapsed = now.saturating_since(self.since).picoseconds();
        self.since = self.since.max(now);
        // What follows when both are done has run since then.
        let both = steps(self.compute, self.rates.compute.parts().into())
            .max(steps(self.transfer, self.rates.dram.bytes_per_window()));
        let followed = elapsed.saturating_sub(both);
        self.exposed = Duration::from_picoseconds(self.exposed.picoseconds().saturating_sub(followed));
        let elapsed = u128::from(elapsed);
        self.compute = self.compute.saturating_sub(elapsed * u128::from(self.rates.compute.parts()));
        let moved = elapsed * u128::from(self.rates.dram.bytes_per_window());
        self.transfer = self.transfer.saturating_sub(moved);
    }

    /// When its traffic is moved, or without traffic, when the layer ends.
    fn event(&self) -> Time {
        if self.transfer > 0 {
            return after(self.since, steps(self.transfer, self.rates.dram.bytes_per_window()));
        }
        after(self.since, steps(self.compute, self.rates.compute.parts().into())).saturating_add(self.exposed)
    }
}

/// How many steps of `speed` an amount takes; all of time if it never moves.
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

fn after(time: Time, picoseconds: u64) -> Time {
    time.saturating_add(Duration::from_picoseconds(picoseconds))
}

impl<C: Contention> Shared<C> {
    /// Idle accelerators, each with its share.
    #[must_use]
    pub fn new(contention: C, shares: Vec<Share>, has_shares: bool) -> Self {
        Self {
            contention,
            events: Instants::new(shares.len()),
            runs: vec![None; shares.len()],
            running: Vec::with_capacity(shares.len()),
            rates: Vec::with_capacity(shares.len()),
            shares,
            has_shares,
        }
    }

    /// Begins the next layer of a run at or after `layer`; false if there is none.
    fn begin_layer(&mut self, system: &System<'_>, index: usize, layer: u32, now: Time) -> bool {
        let Some(run) = &mut self.runs[index] else { return false };
        let course = &run.course;
        let layer = system.next_layer(course.model, &course.realisation, layer);
        if layer >= course.end() {
            return false;
        }
        let Isolated { compute, transfer, exposed, demand, .. } =
            system.isolated(AcceleratorId::new(index), course, layer, self.shares[index]);
        // Energies are for the platform's own share.
        let alone = Duration::from_picoseconds(system.layer_latency(
            course.model,
            &course.realisation,
            layer,
            course.column,
        ));
        (run.layer, run.alone) = (Some(layer), alone);
        (run.began, run.since) = (now, now);
        run.compute = u128::from(compute.picoseconds()) * u128::from(Speed::FULL.parts());
        run.transfer = u128::from(transfer.picoseconds()) * u128::from(demand.bytes_per_window());
        (run.exposed, run.demand) = (exposed, demand);
        // Without traffic the two may still differ: a transfer that takes time takes it.
        if run.transfer == 0 {
            run.compute =
                run.compute.max(u128::from(transfer.picoseconds()) * u128::from(Speed::FULL.parts()));
        }
        run.rates = Rates::default();
        true
    }

    /// Asks for the rates of what runs now, and finds the events that move with them.
    fn share_out(&mut self, now: Time) {
        self.running.clear();
        for (index, run) in self.runs.iter().enumerate() {
            let Some((run, layer)) = run.as_ref().and_then(|run| Some((run, run.layer?))) else { continue };
            let mut running = Running {
                accelerator: AcceleratorId::new(index),
                model: run.course.model,
                layer: LayerId::new(layer as usize),
                configuration: run.course.configuration,
                demand: run.demand(),
                share: self.shares[index],
            };
            if run.since < now {
                let mut settled = *run;
                settled.settle(now);
                running.demand = settled.demand();
            }
            self.running.push(running);
        }
        self.rates.clear();
        self.rates.resize(self.running.len(), Rates::default());
        self.contention.rates(&self.running, &mut self.rates);
        for (running, rates) in self.running.iter().zip(&self.rates) {
            let index = running.accelerator.index();
            let Some(run) = &mut self.runs[index] else { continue };
            if run.rates != *rates {
                run.settle(now);
                run.rates = *rates;
                let at = run.event();
                self.events.set(index, at);
            }
        }
    }
}

impl<C: Contention + Clone> Execution for Shared<C> {
    /// All layers are told of: each is an event in any case.
    fn tell_layers(&mut self, _tell: bool) {}

    fn begin(&mut self, _system: &System<'_>, accelerator: AcceleratorId, course: &Course) {
        let index = accelerator.index();
        self.runs[index] = Some(Run {
            course: *course,
            layer: None,
            began: course.start,
            previous: None,
            is_cut: false,
            since: course.start,
            compute: 0,
            transfer: 0,
            exposed: Duration::ZERO,
            demand: rtmm_hardware::Bandwidth::ZERO,
            rates: Rates::default(),
            alone: Duration::ZERO,
        });
        // The first layer begins with an event of its own, so that segments that are dispatched at
        // one instant share from its beginning.
        self.events.set(index, course.start);
    }

    fn next(&self) -> Option<(Time, AcceleratorId)> {
        self.events.first()
    }

    fn step(&mut self, system: &System<'_>, accelerator: AcceleratorId, now: Time) -> Step {
        let index = accelerator.index();
        let Some(run) = &mut self.runs[index] else { return Step::Internal };
        if run.is_cut {
            return self.end(index, None, now);
        }
        let Some(layer) = run.layer else {
            let from = run.course.from.layer;
            if self.begin_layer(system, index, from, now) {
                self.share_out(now);
                return Step::Internal;
            }
            return self.end(index, None, now);
        };
        run.settle(now);
        if run.event() > now {
            // It has moved its traffic; the bandwidth is free for others.
            self.share_out(now);
            if let Some(run) = &self.runs[index] {
                let at = run.event();
                self.events.set(index, at);
            }
            return Step::Internal;
        }
        let took = now.saturating_since(run.began);
        let stretch = if took == run.alone || run.alone.is_zero() {
            1.0
        } else {
            took.picoseconds() as f64 / run.alone.picoseconds() as f64
        };
        let completed = Completed { layer: LayerId::new(layer as usize), began: run.began, stretch };
        run.previous = Some(layer);
        if self.begin_layer(system, index, layer + 1, now) {
            self.share_out(now);
            return Step::Layer(completed);
        }
        self.end(index, Some(completed), now)
    }

    fn preempt(&mut self, system: &System<'_>, accelerator: AcceleratorId, now: Time, _mode: Preemption) {
        let Some(run) = &mut self.runs[accelerator.index()] else { return };
        let course = &run.course;
        // Between two layers: the boundary is now.
        if let Some(previous) = run.previous.filter(|_| run.began == now) {
            run.is_cut = true;
            (run.course.stop, run.layer) = (previous.saturating_add(1), None);
            self.events.set(accelerator.index(), now);
            return;
        }
        let first = system.next_layer(course.model, &course.realisation, course.from.layer);
        let stop = run.layer.unwrap_or(first).saturating_add(1);
        run.course.stop = run.course.stop.min(stop);
    }

    fn halt(&mut self, _system: &System<'_>, accelerator: AcceleratorId, _now: Time) -> Option<Progress> {
        let index = accelerator.index();
        let run = self.runs[index].take()?;
        self.events.set(index, Time::MAX);
        Some(run.previous.map_or(run.course.from, |layer| Progress::at(layer + 1)))
    }

    fn set_share(&mut self, now: Time, accelerator: AcceleratorId, share: Share) -> Result<(), Illegal> {
        if !self.has_shares {
            return Err(Illegal::NoShares);
        }
        if share == Share::ZERO {
            return Err(Illegal::EmptyShare);
        }
        let others: u64 = (self.shares.iter().enumerate())
            .filter(|(index, _)| *index != accelerator.index())
            .map(|(_, share)| u64::from(share.millionths()))
            .sum();
        if others + u64::from(share.millionths()) > u64::from(Share::WHOLE.millionths()) {
            return Err(Illegal::SharesAboveWhole);
        }
        self.shares[accelerator.index()] = share;
        self.share_out(now);
        Ok(())
    }
}

impl<C: Contention> Shared<C> {
    fn end(&mut self, index: usize, last: Option<Completed>, now: Time) -> Step {
        let Some(run) = self.runs[index].take() else { return Step::Internal };
        self.events.set(index, Time::MAX);
        self.share_out(now);
        Step::Ended { to: Progress::at(run.course.end()), last }
    }
}
