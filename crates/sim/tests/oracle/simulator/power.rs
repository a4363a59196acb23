//! Operating points and power gating: clocks of everything as they are now, and what a change does to what runs.

use rtmm_hardware::{Available, Bandwidth, Isolated, PowerStates, Share, Work};
use rtmm_testkit::random_systems::record::{Event, PowerChange};
use rtmm_workload::Duration;

use super::{Oracle, Running, Seg};

/// The memory, beside the positions of accelerators.
pub(super) const MEMORY: usize = usize::MAX;

/// The operating point of an accelerator, or of the memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub point: usize,
    /// The point to come, and when.
    pub change: Option<(usize, u64)>,
}

/// Where a layer stands before a change.
#[derive(Clone, Copy, Debug)]
struct Standing {
    latency: u64,
    rest: u64,
}

impl Oracle<'_> {
    pub(super) fn states(&self, unit: usize) -> Option<&PowerStates> {
        let platform = &self.built.platform;
        if unit == MEMORY { platform.power.dram.as_ref() } else { platform.accelerators[unit].power.as_ref() }
    }

    fn clock(&self, unit: usize) -> Clock {
        if unit == MEMORY { self.memory_clock } else { self.clocks[unit] }
    }

    fn clock_mut(&mut self, unit: usize) -> &mut Clock {
        if unit == MEMORY { &mut self.memory_clock } else { &mut self.clocks[unit] }
    }

    /// Frequencies, now and at the point that costs are of.
    fn hertz(&self, unit: usize) -> (u128, u128) {
        self.states(unit).map_or((1, 1), |states| {
            let of = |point: usize| u128::from(states.points[point].hertz);
            (of(self.clock(unit).point), of(states.nominal.index()))
        })
    }

    /// The square of the voltage over the nominal one.
    fn volts(&self, unit: usize) -> f64 {
        self.states(unit).map_or(1.0, |states| {
            let of = |point: usize| states.points[point].microvolts as f64;
            (of(self.clock(unit).point) / of(states.nominal.index())).powi(2)
        })
    }

    fn longer(&self, unit: usize, time: Duration) -> Duration {
        let (now, nominal) = self.hertz(unit);
        let time = u128::from(time.picoseconds()) * nominal;
        Duration::from_picoseconds(u64::try_from(time.div_ceil(now)).expect("a short time"))
    }

    /// The work of a layer at the points in force.
    pub(super) fn at_points(&self, accelerator: usize, work: Work) -> Work {
        let (own, memory) = (self.volts(accelerator), self.volts(MEMORY));
        let mut energy = work.energy;
        (energy.mac, energy.l1, energy.l2) = (energy.mac * own, energy.l1 * own, energy.l2 * own);
        energy.dram *= memory;
        let exposed = self.longer(accelerator, work.exposed).max(self.longer(MEMORY, work.exposed));
        Work {
            compute: self.longer(accelerator, work.compute),
            transfer: self.longer(MEMORY, work.transfer),
            exposed,
            energy,
            ..work
        }
    }

    /// The bandwidth of the memory now.
    pub(super) fn bandwidth(&self) -> Option<Bandwidth> {
        let (now, nominal) = self.hertz(MEMORY);
        self.built.platform.shared_dram.map(|dram| {
            let units = u128::from(dram.bandwidth.bytes_per_window()) * now / nominal;
            Bandwidth::from_bytes_per_window(u64::try_from(units).expect("a bandwidth").max(1))
        })
    }

    /// The bandwidth that a run can have with a share now, if no other runs.
    pub(super) fn available_now(&self, share: Share) -> Available {
        let dram = self.bandwidth().map_or(Bandwidth::UNLIMITED, |bandwidth| {
            if self.rule() == "static" { bandwidth.part(share) } else { bandwidth }
        });
        Available { dram, cache: self.built.platform.shared_cache }
    }

    pub(super) fn set_point(&mut self, unit: usize, to: usize) {
        let switch = self.states(unit).expect("the engine accepted it").switch;
        let at = self.now + switch.time.picoseconds();
        self.tell(Event::Power { unit, change: PowerChange::Changes { to, at } });
        if at > self.now {
            self.clock_mut(unit).change = Some((to, at));
        }
        if at == self.now || switch.stalls {
            self.enforce(unit, to, at);
        }
    }

    /// Changes that are complete now.
    pub(super) fn points_change(&mut self) {
        for unit in (0..self.clocks.len()).chain([MEMORY]) {
            let Clock { point, change } = self.clock(unit);
            if let Some((to, at)) = change
                && at == self.now
            {
                self.clock_mut(unit).change = None;
                self.must_decide = true;
                if to != point {
                    self.enforce(unit, to, self.now);
                }
                // What is faster now may be where it stops.
                self.segments_end();
            }
        }
    }

    fn enforce(&mut self, unit: usize, to: usize, resumes: u64) {
        let is_of = |segment: &Seg| unit == MEMORY || segment.accelerator == unit;
        let slots: Vec<usize> = (0..self.segments.len())
            .filter(|slot| self.segments[*slot].as_ref().is_some_and(is_of))
            .collect();
        let standings: Vec<Option<Standing>> = slots.iter().map(|slot| self.stand(*slot)).collect();
        self.clock_mut(unit).point = to;
        for (slot, standing) in slots.into_iter().zip(standings) {
            self.rescale(slot, standing, resumes, unit == MEMORY);
        }
        self.tell(Event::Power { unit, change: PowerChange::InForce { point: to } });
    }

    /// Books what is done of the layer that runs.
    fn stand(&mut self, slot: usize) -> Option<Standing> {
        let segment = self.segments[slot].clone().expect("it runs");
        let running = segment.running.filter(|running| running.began < self.now)?;
        let latency = self.isolated(&segment, running.layer).latency().picoseconds();
        let rest = running.end.saturating_sub(self.now.max(segment.stands));
        let (compute, traffic) = if self.is_shared() {
            let of = |all: u128, left: u128| ((all - left) << 32).checked_div(all);
            let compute = of(running.all_compute, running.compute);
            let traffic = of(running.all_traffic, running.traffic);
            (compute.or(traffic).unwrap_or(0), traffic.or(compute).unwrap_or(0))
        } else {
            let part = (u128::from(latency - rest) << 32).checked_div(u128::from(latency)).unwrap_or(0);
            (part, part)
        };
        self.spend(slot, running.layer, running.quantum, (compute, traffic));
        let running = self.segment(slot).running.as_mut().expect("it runs");
        running.counted = Some((compute, traffic));
        Some(Standing { latency, rest })
    }

    /// Has a segment go on at the points in force, not before `resumes`.
    fn rescale(&mut self, slot: usize, standing: Option<Standing>, resumes: u64, is_memory: bool) {
        let before = self.segments[slot].clone().expect("it runs");
        let stands = before.stands.max(resumes);
        self.segment(slot).stands = stands;
        let from = self.now.max(stands);
        if let (Some(running), None) = (before.running, standing) {
            // A layer of which nothing has run begins when it goes on.
            let throttle = running.throttle;
            let anew = self.at_its_start(&before, running.layer, from);
            let throttle = if is_memory { throttle.and(anew.throttle) } else { throttle };
            self.segment(slot).running = Some(Running { throttle, ..anew });
        } else if let (Some(running), Some(Standing { latency, rest })) = (before.running, standing) {
            let isolated = self.isolated(&before, running.layer);
            let whole = isolated.latency().picoseconds();
            let scaled = |amount: u128, before: u128, after: u128| match before {
                0 => 0,
                _ => (amount * after).div_ceil(before),
            };
            let rest = scaled(rest.into(), latency.into(), whole.into()) as u64;
            let counter = self.counter(before.share);
            let (all_compute, all_traffic) = super::segments::amounts(&isolated);
            let alone = self.alone_latency(&before, running.layer);
            let exposed = (u128::from(running.exposed), u128::from(running.all_exposed));
            let all_exposed = isolated.exposed.picoseconds();
            let part = running.counted.map_or(0, |(compute, _)| compute);
            let changed = Running {
                end: from + rest,
                compute: scaled(running.compute, running.all_compute, all_compute),
                traffic: scaled(running.traffic, running.all_traffic, all_traffic),
                exposed: scaled(exposed.0, exposed.1, all_exposed.into()) as u64,
                all_compute,
                all_traffic,
                all_exposed,
                demand: isolated.demand.bytes_per_window(),
                cache_demand: isolated.cache_demand.bytes_per_window(),
                throttle: if is_memory { running.throttle.and(counter) } else { running.throttle },
                paced: (from, Some(((u128::from(alone) * part) >> 32) as u64)),
                ..running
            };
            self.segment(slot).running = Some(changed);
        }
        // A boundary that was to be at an instant is at another one.
        let segment = self.segments[slot].clone().expect("it runs");
        if let Some((to, Some(_))) = segment.cut {
            let at = if to.1 == 0 {
                from
            } else {
                let latency = self.isolated(&segment, to.0).latency().picoseconds();
                let until = latency * u64::from(to.1) / u64::from(to.2);
                match segment.running {
                    Some(running) => from + until.saturating_sub(latency - (running.end - from)),
                    None => {
                        let (of, quantum, quanta) = segment.from;
                        let steps = (quantum * to.2).checked_div(quanta).filter(|_| of == to.0).unwrap_or(0);
                        from.max(segment.started) + until - latency * u64::from(steps) / u64::from(to.2)
                    }
                }
            };
            self.segment(slot).cut = Some((to, Some(at)));
        }
    }

    /// The end of changes under way that stall an accelerator or the memory.
    pub(super) fn stalled_until(&self, accelerator: usize) -> u64 {
        let of = |unit: usize| {
            let stalls = self.states(unit).is_some_and(|states| states.switch.stalls);
            self.clock(unit).change.filter(|_| stalls).map_or(0, |(_, at)| at)
        };
        of(accelerator).max(of(MEMORY))
    }

    pub(super) fn gate(&mut self, accelerator: usize) {
        assert!(!std::mem::replace(&mut self.gated[accelerator], true), "the engine gated it twice");
        self.tell(Event::Power { unit: accelerator, change: PowerChange::Gated });
    }

    /// Wakes an accelerator if it is gated; the time that this takes.
    pub(super) fn wake(&mut self, accelerator: usize) -> u64 {
        if !std::mem::replace(&mut self.gated[accelerator], false) {
            return 0;
        }
        self.tell(Event::Power { unit: accelerator, change: PowerChange::Wakes });
        let gating = self.states(accelerator).and_then(|states| states.gating);
        gating.expect("the engine accepted it").wake_time.picoseconds()
    }

    /// The latency of a layer alone, with the share that its units come with.
    pub(super) fn alone_latency(&self, segment: &Seg, layer: u32) -> u64 {
        let share = self.own_share(segment.accelerator, segment.used);
        let work = self.at_points(segment.accelerator, self.work_of(segment, layer).0);
        Isolated::of(&work, self.available_now(share)).latency().picoseconds()
    }
}
