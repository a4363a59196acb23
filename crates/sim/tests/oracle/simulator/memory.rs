//! Costs of layers, and the memory bandwidth that running layers are granted.

use rtmm_hardware::{Available, Bandwidth, Condition, Isolated, LayerOf, Share, Work};
use rtmm_testkit::random_systems::neighbours::{Neighbour, quarters};
use rtmm_workload::Duration;
use rtmm_workload::random::{Draws, Stream};

use super::{Member, One, Oracle, Running, Seg};

impl Oracle<'_> {
    pub(super) fn is_shared(&self) -> bool {
        self.built.platform.shared_dram.is_some()
            || self.built.platform.shared_cache.is_some()
            || self.built.platform.accelerators.iter().any(|one| one.co_location.is_some())
    }

    /// The work of a layer of a job as it is stated, or of a batch of so many.
    pub(super) fn stated(
        &self,
        configuration: usize,
        model: usize,
        sample: u32,
        layer: u32,
        jobs: u32,
    ) -> Work {
        if jobs == 1 {
            let work = self.work[model][sample as usize][layer as usize][configuration];
            return work.expect("the layer runs there");
        }
        let models = &self.built.models;
        let of = LayerOf { model: &models[model].name, layer: &models[model].layers[layer as usize] };
        let cost_model = self.built.platform.configurations[configuration].cost_model.as_ref();
        cost_model.work_of_batch(of, jobs, Condition::Profile).expect("a cost")
    }

    /// The work of a layer of so many jobs, with the time that one of them drew.
    pub(super) fn work(
        &self,
        one: usize,
        configuration: usize,
        model: usize,
        sample: u32,
        layer: u32,
        jobs: u32,
    ) -> Work {
        let work = self.stated(configuration, model, sample, layer, jobs);
        let models = &self.built.models;
        let cost_model = self.built.platform.configurations[configuration].cost_model.as_ref();
        let of = LayerOf { model: &models[model].name, layer: &models[model].layers[layer as usize] };
        let is_sampled = models[model].samples.is_some() && cost_model.depends_on_input();
        let Some(variation) = cost_model.variation().filter(|_| !is_sampled) else { return work };
        let Some(quantiles) = variation.quantiles(of, jobs) else { return work };
        let One { task, frame, .. } = &self.ones[one];
        let name = &self.built.scenario.tasks[*task].name;
        let draws = Draws::new(self.options.seed, Stream::Latency, name);
        let (job, own) = (draws.normal(frame.index, 0), draws.normal(frame.index, u64::from(layer) + 1));
        let correlation = variation.correlation().value();
        let number = correlation.sqrt() * job + (1.0 - correlation).sqrt() * own;
        let part = 0.5 * libm::erfc(-number / std::f64::consts::SQRT_2);
        Work { compute: Duration::from_picoseconds(on_the_lines(&quantiles.values(), part)), ..work }
    }

    /// Whether an accelerator runs a layer of a task: with all of its units and with each number of them that there is, for
    /// every sample, and where the task may go.
    pub(super) fn runs(&self, task: usize, accelerator: usize, model: usize, layer: u32) -> bool {
        let one = &self.built.platform.accelerators[accelerator];
        let has_cost = |configuration: usize| {
            self.work[model].iter().all(|sample| sample[layer as usize][configuration].is_some())
        };
        self.built.scenario.tasks[task].pins.allow(&one.name, &one.kind.word)
            && one.configurations().all(|(_, configuration)| has_cost(configuration.index()))
    }

    /// The steps that a layer of so many jobs has on a configuration: as many as every sample of it has.
    pub(super) fn quanta(&self, configuration: usize, model: usize, layer: u32, jobs: u32) -> u32 {
        if jobs > 1 {
            return self.stated(configuration, model, 0, layer, jobs).quanta;
        }
        let samples = 0..self.work[model].len() as u32;
        let of = samples.map(|sample| self.stated(configuration, model, sample, layer, 1).quanta);
        of.min().expect("a row")
    }

    pub(super) fn rule(&self) -> &'static str {
        self.built.platform.shared_dram.map_or("none", |dram| dram.sharing.name())
    }

    /// The share of the memory that so many units of an accelerator come with.
    pub(super) fn own_share(&self, accelerator: usize, units: u32) -> Share {
        let one = &self.built.platform.accelerators[accelerator];
        match self.rule() {
            "static" | "weighted" => {
                let part = u64::from(one.dram_share.millionths()) * u64::from(units) / u64::from(one.units());
                Share::from_millionths(part as u32).expect("a share")
            }
            "capped" | "throttle" => one.dram_share,
            _ => Share::WHOLE,
        }
    }

    /// The bandwidth that a run can have with a share, if no other runs.
    pub(super) fn available(&self, share: Share) -> Available {
        let dram = match self.built.platform.shared_dram {
            None => Bandwidth::UNLIMITED,
            Some(dram) if self.rule() == "static" => dram.bandwidth.part(share),
            Some(dram) => dram.bandwidth,
        };
        Available { dram, cache: self.built.platform.shared_cache }
    }

    /// The jobs of a segment that run a layer.
    pub(super) fn of_layer(&self, segment: &Seg, layer: u32) -> Vec<Member> {
        let model = &self.built.models[segment.model];
        let runs = |member: &&Member| {
            layer < member.realisation.end && model.next_layer(&member.realisation, layer) == layer
        };
        segment.members.iter().filter(runs).copied().collect()
    }

    /// The first layer at or after another that any job of a segment runs.
    pub(super) fn next_layer(&self, segment: &Seg, layer: u32) -> u32 {
        let model = &self.built.models[segment.model];
        let next = |member: &Member| model.next_layer(&member.realisation, layer);
        segment.members.iter().map(next).min().expect("a job")
    }

    /// The steps of a layer that jobs of a segment run.
    pub(super) fn steps(&self, segment: &Seg, layer: u32) -> u32 {
        let jobs = self.of_layer(segment, layer).len().max(1) as u32;
        self.quanta(segment.configuration, segment.model, layer, jobs)
    }

    /// The work of a layer of a segment: of its jobs that run it, the one that alone with the others would take longest,
    /// and of these the first, says what it costs. With that job.
    pub(super) fn work_of(&self, segment: &Seg, layer: u32) -> (Work, Member) {
        let share = self.own_share(segment.accelerator, segment.used);
        let jobs = self.of_layer(segment, layer);
        let (configuration, model) = (segment.configuration, segment.model);
        let work = |member: &Member| {
            let (row, count) = (member.realisation.row, jobs.len() as u32);
            self.work(member.one, configuration, model, row, layer, count)
        };
        let latency = |member: &Member| {
            let work = self.at_points(segment.accelerator, work(member));
            Isolated::of(&work, self.available_now(share)).latency()
        };
        let longest = jobs.iter().map(latency).max().expect("a job runs it");
        let slowest = jobs.iter().find(|member| latency(member) == longest).expect("one takes longest");
        (work(slowest), *slowest)
    }

    /// A layer that has everything to itself.
    pub(super) fn isolated(&self, segment: &Seg, layer: u32) -> Isolated {
        let work = self.at_points(segment.accelerator, self.work_of(segment, layer).0);
        Isolated::of(&work, self.available_now(segment.share))
    }

    /// What is done between this picosecond and the next, in competition.
    pub(super) fn pass_a_picosecond(&mut self) {
        if !self.is_shared() {
            return;
        }
        let (grants, paces, now) = (self.grants(), self.paces(), self.now);
        for ((segment, grant), pace) in self.segments.iter_mut().zip(grants).zip(paces) {
            if segment.as_ref().is_some_and(|segment| segment.stands > now) {
                continue;
            }
            let Some(running) = segment.as_mut().and_then(|segment| segment.running.as_mut()) else {
                continue;
            };
            if (running.compute, running.traffic) == (0, 0) {
                running.exposed = running.exposed.saturating_sub(1);
            }
            running.compute = running.compute.saturating_sub(pace);
            running.traffic = running.traffic.saturating_sub(u128::from(grant));
            if let Some(throttle) = &mut running.throttle {
                throttle.pass(grant);
            }
        }
    }

    /// The pace of each segment's compute now, in 2^-20: that of kernels beside those of others on the accelerator, and that of
    /// copies beside those that go the same way.
    fn paces(&self) -> Vec<u128> {
        let slots = 0..self.segments.len();
        let running =
            |slot: usize| Some((self.segments[slot].as_ref()?, self.moving(self.segments[slot].as_ref())?));
        let way = |slot: usize| {
            let (segment, running) = running(slot)?;
            let copies =
                self.built.platform.accelerators[segment.accelerator].co_location.as_ref()?.copies.as_ref();
            let name = &self.built.models[segment.model].layers[running.layer as usize].name;
            let is = |word: fn(&rtmm_hardware::Copies) -> &String| {
                copies.is_some_and(|copies| word(copies) == name)
            };
            Some((segment.accelerator, is(|copies| &copies.to_device), is(|copies| &copies.from_device)))
        };
        let neighbour = |slot: usize| -> Option<Neighbour> {
            let (segment, running) = running(slot)?;
            let jobs = self.of_layer(segment, running.layer).len() as u32;
            Some((segment.model, running.layer as usize, segment.used, jobs))
        };
        let pace = |slot: usize| {
            let (Some(own), Some((segment, now))) = (way(slot), running(slot)) else { return 1 << 20 };
            let alike: Vec<usize> = slots.clone().filter(|other| way(*other) == Some(own)).collect();
            let copies = self.built.platform.accelerators[segment.accelerator].co_location.as_ref();
            if (own.1, own.2) == (false, false) {
                let others = alike.into_iter().filter(|other| *other != slot).filter_map(neighbour);
                let slowdown =
                    u128::from(quarters(self.built.co_location, neighbour(slot).expect("it runs"), others));
                // 2^20 times four over the quarters, to the nearest.
                return ((1 << 23) + slowdown) / (2 * slowdown);
            }
            match copies.and_then(|of| of.copies.as_ref()).expect("it is a copy").order {
                rtmm_hardware::CopyOrder::Share => (1 << 20) / alike.len() as u128,
                rtmm_hardware::CopyOrder::Fifo => {
                    let is_ahead = |other: &usize| {
                        let began = running(*other).map_or(u64::MAX, |(_, running)| running.began);
                        (began, *other) < (now.began, slot)
                    };
                    if alike.iter().any(is_ahead) { 0 } else { 1 << 20 }
                }
                rtmm_hardware::CopyOrder::Priority => {
                    let key = |slot: &usize| {
                        let (segment, running) = running(*slot).expect("it copies");
                        let quanta = u128::from(self.steps(segment, running.layer));
                        let before = running.all_compute * u128::from(running.quantum) / quanta;
                        let is_fresh = running.compute == running.all_compute - before;
                        let of = |member: &Member| self.ones[member.one].frame.priority;
                        let priority = segment.members.iter().map(of).max().expect("a job");
                        (is_fresh, std::cmp::Reverse(priority), running.began, *slot)
                    };
                    if alike.iter().map(key).min() == Some(key(&slot)) { 1 << 20 } else { 0 }
                }
            }
        };
        slots.clone().map(pace).collect()
    }

    /// The pace of each segment's traffic now: the slower of what both levels grant it.
    pub(super) fn grants(&self) -> Vec<u64> {
        let of_memory = self.grants_of_memory();
        let Some(cache) = self.built.platform.shared_cache else { return of_memory };
        let running = |segment: &Option<Seg>| self.moving(segment.as_ref());
        let moving: Vec<Option<Running>> = self.segments.iter().map(running).collect();
        let moving: Vec<Option<Running>> = moving.into_iter().map(|one| one.filter(Running::moves)).collect();
        let demands: Vec<u64> =
            moving.iter().map(|running| running.map_or(0, |running| running.cache_demand)).collect();
        let of_cache = filled(cache.bytes_per_window(), &demands);
        (0..moving.len())
            .map(|slot| {
                let Some(running) = moving[slot] else { return 0 };
                if running.demand == 0 {
                    return of_cache[slot];
                }
                // The memory's pace at which the cache passes what it grants, rounded down, but at least the slowest one.
                let mut pace = of_memory[slot];
                if running.cache_demand > 0 {
                    let (of, all) = (u128::from(of_cache[slot]), u128::from(running.cache_demand));
                    let of_cache = (u128::from(running.demand) * of / all) as u64;
                    pace = pace.min(of_cache.max(u64::from(of > 0)));
                }
                pace
            })
            .collect()
    }

    /// The bandwidth of the memory that each segment is granted now, by filling.
    fn grants_of_memory(&self) -> Vec<u64> {
        let running = |segment: &Option<Seg>| self.moving(segment.as_ref());
        let demands: Vec<u64> = self
            .segments
            .iter()
            .map(running)
            .map(|running| running.filter(Running::moves).map_or(0, |running| running.demand))
            .collect();
        let Some(bandwidth) = self.bandwidth() else { return demands };
        let part = |share: Share| bandwidth.part(share).bytes_per_window();
        let of_runs = |of: &dyn Fn(Share) -> u64| -> Vec<u64> {
            self.segments
                .iter()
                .map(|segment| segment.as_ref().map_or(0, |segment| of(segment.share)))
                .collect()
        };
        let demands: Vec<u64> = match self.rule() {
            "static" | "capped" => {
                demands.iter().zip(of_runs(&part)).map(|(demand, part)| *demand.min(&part)).collect()
            }
            _ => demands,
        };
        if self.rule() == "static" {
            return demands;
        }
        if self.rule() == "weighted" {
            let weights = of_runs(&|share| u64::from(share.millionths().max(1)));
            return weighted(bandwidth.bytes_per_window(), &demands, &weights);
        }
        filled(bandwidth.bytes_per_window(), &demands)
    }

    /// The layer of a segment that does not stand still.
    fn moving(&self, segment: Option<&Seg>) -> Option<Running> {
        segment.filter(|segment| segment.stands <= self.now)?.running
    }
}

impl Running {
    /// Whether it has traffic left, and is not held back.
    fn moves(&self) -> bool {
        self.traffic > 0 && !self.throttle.is_some_and(|throttle| throttle.pauses())
    }
}

/// The time that a part of all jobs does not exceed: on the line between the quantiles beside it.
fn on_the_lines(quantiles: &[Duration; 5], part: f64) -> u64 {
    let parts = [0.0, 0.5, 0.9, 0.99, 1.0];
    let piece = (0..4).find(|piece| part <= parts[piece + 1]).unwrap_or(3);
    let [from, to] = [0, 1].map(|end| quantiles[piece + end].picoseconds() as f64);
    (from + (to - from) * (part - parts[piece]) / (parts[piece + 1] - parts[piece])).round() as u64
}

/// Grants of a bandwidth by filling.
fn filled(whole: u64, demands: &[u64]) -> Vec<u64> {
    let sum = |level: u64| -> u128 { demands.iter().map(|demand| u128::from(*demand.min(&level))).sum() };
    // The largest level for which the grants fit, bit by bit from above.
    let mut level = 0;
    for bit in (0..u64::BITS).rev() {
        if sum(level | 1 << bit) <= u128::from(whole) {
            level |= 1 << bit;
        }
    }
    demands.iter().map(|demand| *demand.min(&level)).collect()
}

/// Grants by weight, in rounds: all that want no more than their parts of what is left have it, until none
/// does; the others have their parts.
fn weighted(whole: u64, demands: &[u64], weights: &[u64]) -> Vec<u64> {
    let mut granted = vec![None; demands.len()];
    let mut left = whole;
    loop {
        let open: Vec<usize> =
            (0..demands.len()).filter(|one| granted[*one].is_none() && demands[*one] > 0).collect();
        let sum: u128 = open.iter().map(|one| u128::from(weights[*one])).sum();
        let part = |one: usize| u128::from(left) * u128::from(weights[one]);
        let met: Vec<usize> =
            open.iter().copied().filter(|one| u128::from(demands[*one]) * sum <= part(*one)).collect();
        if met.is_empty() {
            for one in open {
                granted[one] = Some((part(one) / sum) as u64);
            }
            return granted.into_iter().map(|grant| grant.unwrap_or(0)).collect();
        }
        for one in met {
            granted[one] = Some(demands[one]);
            left -= demands[one];
        }
    }
}
