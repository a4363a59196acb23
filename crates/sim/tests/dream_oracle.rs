//! DREAM against a second implementation that shares nothing with it but the definitions: it computes every
//! sum over layers and accelerators afresh, looks at all jobs and all frames that ever ended, and remembers no
//! more than a definition names. It is slow, and so literal that one can check it by reading.
//!
//! A policy under judgement runs; whatever it says is compared with what the definitions admit. Systems are
//! such that times are exact (`by_hand/worlds.rs`); scores are quotients, and what lies closer to the greatest
//! than rounding can tell is admitted too, and counted: there must be hardly any.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::{Arc, Mutex};

use rtmm_hardware::{AcceleratorId, EnergyTotal, Units};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Interests, Job, JobId, JobState, Notice, Parameters, Policy, PolicyError,
    Run, TaskCounters, Truth, TuningWindow, View,
};
use rtmm_sim::{EndOfRun, RunOptions};
use rtmm_testkit::by_hand::worlds::{Dice, Kind, world};
use rtmm_testkit::by_hand::{ByHand, policy};
use rtmm_testkit::cases::at_least;
use rtmm_testkit::simulate;
use rtmm_workload::parameters::ParameterValue;
use rtmm_workload::{Duration, Model, ModelId, TaskId, Time};

// ---------------------------------------------------------------------------------------------
// The definitions.

/// Scores that are closer to each other than this are not told apart.
const ROUNDING: f64 = 1e-9;

fn ps(time: Time) -> f64 {
    time.picoseconds() as f64
}

/// A quotient, 0 where there is nothing to divide.
fn over(part: f64, whole: f64) -> f64 {
    if part == 0.0 { 0.0 } else { part / whole }
}

fn is_near(one: f64, other: f64) -> bool {
    one == other || (one - other).abs() <= ROUNDING * one.abs().max(other.abs()).max(1.0)
}

/// All that is known, and what was heard.
#[derive(Clone, Debug)]
struct Definitions {
    models: Vec<Model>,
    parameters: Parameters,
    /// By task, oldest first: whether its frames that ended were given up.
    ended: Vec<Vec<bool>>,
}

impl Definitions {
    fn is(&self, parameter: &str, word: &str) -> bool {
        self.parameters.get(parameter).and_then(ParameterValue::word) == Some(word)
    }

    fn real(&self, parameter: &str) -> f64 {
        self.parameters.get(parameter).and_then(ParameterValue::real).expect("a number")
    }

    fn yes(&self, parameter: &str) -> bool {
        self.parameters.get(parameter).and_then(ParameterValue::boolean).expect("yes or no")
    }

    // Sums over accelerators and layers.

    fn accelerators(view: &View<'_>) -> Vec<AcceleratorId> {
        (0..view.accelerators.len()).map(AcceleratorId::new).collect()
    }

    fn latency(view: &View<'_>, model: ModelId, layer: usize, on: AcceleratorId) -> f64 {
        view.profile.latency(model, layer as u32, view.profile.whole(on)).picoseconds() as f64
    }

    fn energy(view: &View<'_>, model: ModelId, layer: usize, on: AcceleratorId) -> f64 {
        view.profile.energy(model, layer as u32, view.profile.whole(on)).total().picojoules()
    }

    fn sum(view: &View<'_>, of: impl Fn(AcceleratorId) -> f64) -> f64 {
        Self::accelerators(view).into_iter().map(of).sum()
    }

    fn mean_latency(view: &View<'_>, model: ModelId, layer: usize) -> f64 {
        Self::sum(view, |on| Self::latency(view, model, layer, on)) / view.accelerators.len() as f64
    }

    fn least_latency(view: &View<'_>, model: ModelId, layer: usize) -> f64 {
        let all = Self::accelerators(view).into_iter().map(|on| Self::latency(view, model, layer, on));
        all.fold(f64::INFINITY, f64::min)
    }

    /// What is expected of a model from a layer on: blocks may be skipped and exits taken.
    fn expected(&self, model: ModelId, layer: usize, latency: &dyn Fn(usize) -> f64) -> f64 {
        let network = &self.models[model.index()];
        if layer >= network.layers.len() {
            return 0.0;
        }
        let leaves = network
            .exits
            .iter()
            .find(|exit| exit.after.index() == layer)
            .map_or(0.0, |exit| exit.probability);
        let runs = latency(layer) + (1.0 - leaves) * self.expected(model, layer + 1, latency);
        match network.blocks.iter().find(|block| block.first.index() == layer) {
            Some(block) => {
                let skipped = self.expected(model, block.last.index() + 1, latency);
                block.skip_probability * skipped + (1.0 - block.skip_probability) * runs
            }
            None => runs,
        }
    }

    /// ToGo in the mean over accelerators.
    fn to_go(&self, view: &View<'_>, model: ModelId, layer: u32) -> f64 {
        self.expected(model, layer as usize, &|layer| Self::mean_latency(view, model, layer))
    }

    /// ToGo where each layer runs where it is fastest.
    fn fastest_to_go(&self, view: &View<'_>, model: ModelId, layer: u32) -> f64 {
        self.expected(model, layer as usize, &|layer| Self::least_latency(view, model, layer))
    }

    fn time_left(view: &View<'_>, job: &Job) -> f64 {
        ps(job.deadline) - ps(view.now)
    }

    /// When a segment that runs is expected to end: not before now.
    fn end(view: &View<'_>, run: &Run) -> f64 {
        ps(run.expected_end).max(ps(view.now))
    }

    /// How long a live job is expected to take from now on: the segment that runs as it is known, all else
    /// in the mean over accelerators.
    fn expected_time(&self, view: &View<'_>, job: &Job) -> f64 {
        let running = view.running().find(|(_, other)| other.id == job.id);
        match running {
            Some((run, _)) => Self::end(view, run) - ps(view.now) + self.to_go(view, job.model, run.stop),
            None => self.to_go(view, job.model, job.progress.layer),
        }
    }

    fn live<'v>(view: &View<'v>) -> Vec<&'v Job> {
        view.ready().chain(view.waiting()).chain(view.running().map(|(_, job)| job)).collect()
    }

    // MapScore.

    fn stated_to_go(&self, view: &View<'_>, job: &Job) -> f64 {
        if self.is("to_go", "least") {
            self.fastest_to_go(view, job.model, job.progress.layer)
        } else {
            self.to_go(view, job.model, job.progress.layer)
        }
    }

    fn starvation_unit(&self, view: &View<'_>, job: &Job) -> f64 {
        if self.is("starvation_unit", "deadline") {
            ps(job.deadline) - ps(job.arrival)
        } else if self.is("starvation_unit", "isolated") {
            self.to_go(view, job.model, 0)
        } else if self.is("starvation_unit", "to-go") {
            self.stated_to_go(view, job)
        } else {
            Self::mean_latency(view, job.model, job.progress.layer as usize)
        }
    }

    fn urgency(&self, view: &View<'_>, job: &Job) -> f64 {
        let to_go = self.stated_to_go(view, job);
        let (left, cap) = (Self::time_left(view, job), self.real("urgency_cap"));
        if left > 0.0 || self.is("late_urgency", "negative") {
            over(to_go, left).min(cap)
        } else if self.is("late_urgency", "zero") {
            0.0
        } else {
            cap
        }
    }

    fn score(&self, view: &View<'_>, job: &Job, on: AcceleratorId, weights: (f64, f64)) -> f64 {
        let (model, layer) = (job.model, job.progress.layer as usize);
        let latency = |on| Self::latency(view, model, layer, on);
        let energy = |on| Self::energy(view, model, layer, on);
        let latency_preference =
            if self.yes("latency_preference") { over(Self::sum(view, latency), latency(on)) } else { 1.0 };
        let starvation = over(ps(view.now) - ps(job.last_ran), self.starvation_unit(view, job));
        let energy_preference = over(Self::sum(view, energy), energy(on));
        let switch = view.switch_energy(model, layer as u32, on).picojoules();
        let switch_cost = if self.yes("switch_cost") { over(switch, energy(on)) } else { 0.0 };
        let (alpha, beta) = weights;
        self.urgency(view, job) * latency_preference
            + alpha * starvation
            + beta * (energy_preference - switch_cost)
    }

    /// Whether a job would be done with its next layer sooner on an accelerator that is busy.
    fn waits(&self, view: &View<'_>, job: &Job, on: AcceleratorId) -> bool {
        let latency = |on| Self::latency(view, job.model, job.progress.layer as usize, on);
        let here = ps(view.now) + latency(on);
        self.yes("wait") && view.runs().any(|run| Self::end(view, run) + latency(run.accelerator) < here)
    }

    /// The pairs whose scores rounding does not tell from the greatest, the first of the greatest first.
    fn pairs(&self, view: &View<'_>, weights: (f64, f64)) -> Vec<(JobId, AcceleratorId)> {
        let mut all = Vec::new();
        let mut ready: Vec<&Job> = view.ready().collect();
        ready.sort_by_key(|job| (job.release, job.sequence));
        for job in ready {
            for on in view.free.iter().filter(|on| !self.waits(view, job, **on)) {
                all.push((self.score(view, job, *on, weights), job.id, *on));
            }
        }
        let greatest = all.iter().map(|(score, ..)| *score).fold(f64::NEG_INFINITY, f64::max);
        let (first, near): (Vec<_>, Vec<_>) = all
            .into_iter()
            .filter(|(score, ..)| is_near(*score, greatest))
            .partition(|(score, ..)| *score == greatest);
        first.into_iter().chain(near).map(|(_, job, on)| (job, on)).collect()
    }

    // Smart drop.

    /// The networks that a job may still run as, the largest first; of equal ones the one that is stated
    /// first.
    fn networks(&self, view: &View<'_>, job: &Job) -> Vec<ModelId> {
        if job.started || self.is("variants", "default") {
            return vec![job.model];
        }
        let mut networks = view.task(job.task).variants.to_vec();
        networks.sort_by(|one, other| self.to_go(view, *other, 0).total_cmp(&self.to_go(view, *one, 0)));
        networks
    }

    fn is_lost(&self, view: &View<'_>, job: &Job) -> bool {
        let lightest = *self.networks(view, job).last().expect("a network");
        let least = self.fastest_to_go(view, lightest, job.progress.layer);
        ps(view.now) + least > ps(job.deadline)
    }

    fn is_expected_to_miss(&self, view: &View<'_>, job: &Job) -> bool {
        ps(view.now) + self.expected_time(view, job) > ps(job.deadline)
    }

    fn may_be_dropped(&self, task: TaskId) -> bool {
        let window =
            self.parameters.get("drop_window").and_then(ParameterValue::integer).expect("a number") as usize;
        let cap =
            self.parameters.get("drop_cap").and_then(ParameterValue::integer).expect("a number") as usize;
        let given_up = self.ended[task.index()].iter().rev().take(window - 1).filter(|given_up| **given_up);
        given_up.count() < cap
    }

    fn is_needed(&self, view: &View<'_>, job: &Job) -> bool {
        let depends = |task: TaskId| view.task(task).depends_on.iter().any(|on| on.task == job.task);
        if self.is("drop_upstream", "never") {
            return (0..view.tasks()).map(TaskId::new).any(depends);
        }
        view.waiting().filter(|consumer| depends(consumer.task)).any(|consumer| {
            // It needs the latest frame that came no later than itself.
            let came = Self::live(view).into_iter().filter(|of| of.task == job.task);
            let latest = came.filter(|of| of.arrival <= consumer.arrival).max_by_key(|of| of.arrival);
            latest.is_some_and(|latest| latest.id == job.id)
        })
    }

    /// The frames to give up now: the first of those with the greatest excess first, then all that
    /// rounding does not tell from it.
    fn drops(&self, view: &View<'_>) -> Vec<JobId> {
        if !self.is("drop", "smart") {
            return Vec::new();
        }
        let excess = |job: &Job| {
            let expected = self.to_go(view, job.model, job.progress.layer);
            match Self::time_left(view, job) {
                left if self.is("drop_excess", "difference") => expected - left,
                left if left > 0.0 => expected / left,
                _ => f64::INFINITY,
            }
        };
        let live = Self::live(view);
        let helps =
            |job: &Job| live.iter().any(|other| other.id != job.id && self.is_expected_to_miss(view, other));
        let mut lost: Vec<(f64, &Job)> = live
            .iter()
            .filter(|job| !matches!(job.state, JobState::Running(_)))
            .filter(|job| self.is_lost(view, job) && helps(job))
            .filter(|job| self.may_be_dropped(job.task) && !self.is_needed(view, job))
            .map(|job| (excess(job), *job))
            .collect();
        lost.sort_by_key(|(_, job)| (job.state == JobState::Waiting, job.sequence));
        let greatest = lost.iter().map(|(excess, _)| *excess).fold(f64::NEG_INFINITY, f64::max);
        let (first, near): (Vec<_>, Vec<_>) = lost
            .into_iter()
            .filter(|(excess, _)| is_near(*excess, greatest))
            .partition(|(excess, _)| *excess == greatest);
        first.into_iter().chain(near).map(|(_, job)| job.id).collect()
    }

    // Supernets.

    fn network(&self, view: &View<'_>, job: &Job) -> ModelId {
        let networks = self.networks(view, job);
        let is_before = |other: &&Job| match () {
            () if other.id == job.id || self.is("variant_queue", "none") => false,
            () if self.is("variant_queue", "all") => true,
            () => other.deadline <= job.deadline,
        };
        // Who waits for the output of another comes after it.
        let others = view.ready().chain(view.running().map(|(_, job)| job));
        let queue: f64 = others.filter(is_before).map(|of| self.expected_time(view, of)).sum();
        let accelerators = view.accelerators.len() as f64;
        let fits = |model: &ModelId| {
            queue <= accelerators * (Self::time_left(view, job) - self.to_go(view, *model, 0))
        };
        let lightest = *networks.last().expect("a network");
        if self.is("variants", "lightest") {
            return lightest;
        }
        networks.into_iter().find(|model| fits(model)).unwrap_or(lightest)
    }

    fn extent(&self, job: &Job, model: ModelId) -> Extent {
        let layers =
            |count: usize| Extent::Layers(std::num::NonZeroU32::new(count as u32).expect("at least one"));
        let (network, layer) = (&self.models[model.index()], job.progress.layer as usize);
        let group =
            self.parameters.get("block_layers").and_then(ParameterValue::integer).expect("a number") as usize;
        match self.parameters.get("granularity").and_then(ParameterValue::word).expect("a word") {
            "layer" => layers(1),
            "model" => Extent::Rest,
            _ if network.blocks.is_empty() => layers(group - layer % group),
            _ => {
                let is_in = |first: usize, last: usize| (first..=last).contains(&layer);
                let block = network.blocks.iter().find(|of| is_in(of.first.index(), of.last.index()));
                layers(block.map_or(1, |block| block.last.index() + 1 - layer))
            }
        }
    }

    fn hear(&mut self, notice: &Notice, view: &View<'_>) {
        match notice {
            Notice::Completed(id) | Notice::Dropped(id) => {
                let job = view.job(*id).expect("a job is shown for the last time");
                self.ended[job.task.index()].push(matches!(notice, Notice::Dropped(_)));
            }
            _ => {}
        }
    }
}

/// UXCost of what ended between two counts; none where nothing has.
fn cost(from: &[TaskCounters], to: &[TaskCounters]) -> Option<f64> {
    let ended = |of: &TaskCounters| of.completed + of.dropped;
    let (mut violations, mut energies, mut is_empty) = (0.0, 0.0, true);
    for (from, to) in from.iter().zip(to) {
        let count = (ended(to) - ended(from)) as f64;
        if count > 0.0 {
            is_empty = false;
            let bad = (to.late + to.dropped - from.late - from.dropped) as f64;
            violations += if bad > 0.0 { bad / count } else { 1.0 / (2.0 * count) };
            let less = |to: EnergyTotal, from| to.saturating_sub(from).picojoules();
            energies += less(to.energy, from.energy) / less(to.worst_energy, from.worst_energy);
        }
    }
    (!is_empty).then_some(violations * energies)
}

// ---------------------------------------------------------------------------------------------
// The judge.

/// What was judged, so that a test says something.
#[derive(Debug, Default)]
struct Tally {
    dispatches: usize,
    drops: usize,
    /// Decisions that rounding alone explains.
    near: usize,
    /// Dispatches as another network than the default.
    lighter: usize,
    /// Windows that ended, and those of them that the workload cut short.
    windows: usize,
    restarts: usize,
    searches: usize,
}

/// Windows as they should be.
#[derive(Clone, Debug)]
struct Open {
    from: Time,
    counters: Vec<TaskCounters>,
    /// The work that the first window of the search brought; none before its end.
    usual: Option<f64>,
}

/// A policy that is judged at every decision.
#[derive(Debug)]
struct Judge {
    inner: Box<dyn Policy>,
    definitions: Definitions,
    open: Option<Open>,
    has_phase_changed: bool,
    /// Windows that it had.
    known: Vec<TuningWindow>,
    tally: Arc<Mutex<Tally>>,
    kept: Arc<Mutex<Vec<TuningWindow>>>,
    case: String,
}

impl Judge {
    /// The work of the jobs that came between two counts.
    fn work(&self, view: &View<'_>, from: &[TaskCounters]) -> f64 {
        let of_task = |task: usize| {
            let count = view.counters[task].released - from[task].released;
            count as f64 * self.definitions.to_go(view, view.task(TaskId::new(task)).model, 0)
        };
        (0..view.tasks()).map(of_task).sum()
    }

    /// Follows the windows of a policy that tunes itself, and gives back the weights that are in force.
    fn weights(&mut self, view: &View<'_>) -> (f64, f64) {
        let windows = self.inner.tuning().to_vec();
        let Some(last) = windows.last().copied() else {
            return (self.definitions.real("alpha"), self.definitions.real("beta"));
        };
        let case = || format!("{} at {} ps: {windows:#?}", self.case, view.now.picoseconds());
        let length = self
            .definitions
            .parameters
            .get("search_window")
            .and_then(ParameterValue::duration)
            .expect("a span");
        let is_over = self.known.last().is_some_and(|window| window.is_result);
        let by_phase = self.definitions.is("search_restart", "phase") && self.has_phase_changed;
        let by_load = self.definitions.is("search_restart", "load");
        self.has_phase_changed = false;
        let mut expected = self.known.clone();
        let mut tally = self.tally.lock().expect("no other thread");
        // What the window in force comes to now: the work that the next one is compared with.
        let next = match (&self.open, expected.last_mut()) {
            (Some(open), Some(window)) => {
                let cost = cost(&open.counters, &view.counters);
                let is_full = view.now >= open.from.saturating_add(length) && (!is_over || by_load);
                let work = self.work(view, &open.counters);
                let usual = open.usual.unwrap_or(work);
                let has_changed = by_load && (work > 1.5 * usual || work < usual / 1.5);
                match cost {
                    _ if by_phase => {
                        (window.to, tally.restarts) = (Some(view.now), tally.restarts + 1);
                        Some((None, true))
                    }
                    Some(_) if is_full && has_changed => {
                        (window.to, tally.restarts) = (Some(view.now), tally.restarts + 1);
                        Some((None, true))
                    }
                    Some(cost) if is_full => {
                        if !is_over {
                            let found = windows[self.known.len() - 1].cost;
                            assert!(found.is_some_and(|found| is_near(found, cost)), "{cost}: {}", case());
                            (window.to, window.cost) = (Some(view.now), found);
                            tally.windows += 1;
                        }
                        Some((Some(usual), !is_over))
                    }
                    _ => None,
                }
            }
            _ => Some((None, true)),
        };
        if let Some((usual, is_told)) = next {
            let from = view.now;
            self.open = Some(Open { from, counters: view.counters.to_vec(), usual });
            // A result stands in one window.
            if is_told {
                expected.push(TuningWindow { from, to: None, cost: None, ..last });
            }
        }
        assert_eq!(windows, expected, "{}", case());
        self.known = windows;
        self.kept.lock().expect("no other thread").clone_from(&self.known);
        (last.alpha, last.beta)
    }

    fn judge(&self, view: &View<'_>, weights: (f64, f64), said: Option<&Decision>) {
        let mut tally = self.tally.lock().expect("no other thread");
        let definitions = &self.definitions;
        let case = || format!("{} at {} ps: {said:?}", self.case, view.now.picoseconds());
        let drops = definitions.drops(view);
        if !drops.is_empty() {
            let Some(Decision::Drop { job }) = said else { panic!("{drops:?} should go, {}", case()) };
            // Excesses are exact, but for quotients.
            let near = if self.definitions.is("drop_excess", "ratio") { &drops[..] } else { &drops[..1] };
            assert!(near.contains(job), "{drops:?} should go, {}", case());
            tally.drops += 1;
            tally.near += usize::from(drops[0] != *job);
            return;
        }
        let pairs = definitions.pairs(view, weights);
        match said {
            None => assert!(pairs.is_empty(), "{pairs:?} should run, {}", case()),
            Some(Decision::Dispatch { jobs, variant, on, units: Units::All, extent }) => {
                let job = jobs.single().expect("one job");
                assert!(pairs.contains(&(job, *on)), "{pairs:?} should run, {}", case());
                let job = view.job(job).expect("a job");
                let model = variant.map_or(job.model, |index| view.task(job.task).variants[index.index()]);
                assert_eq!(model, definitions.network(view, job), "{job:?} {}", case());
                assert_eq!(*extent, definitions.extent(job, model), "{}", case());
                tally.dispatches += 1;
                tally.near += usize::from(pairs[0] != (job.id, *on));
                tally.lighter += usize::from(model != view.task(job.task).model);
            }
            Some(_) => panic!("{pairs:?} should run, {}", case()),
        }
    }
}

impl Policy for Judge {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.inner.decide(view, truth, out)?;
        assert!(out.len() < 2, "a round says one thing: {out:?}");
        let weights = self.weights(view);
        self.judge(view, weights, out.first());
        Ok(())
    }

    fn interests(&self) -> Interests {
        Interests { jobs: true, times: true, ..self.inner.interests() }
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        self.definitions.hear(notice, view);
        let Interests { times, .. } = self.inner.interests();
        if let Notice::PhaseChanged(_) = notice {
            self.has_phase_changed = true;
            if !times {
                return Ok(());
            }
        }
        self.inner.notify(notice, view)
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        self.inner.decision_time(view)
    }

    fn tuning(&self) -> &[TuningWindow] {
        self.inner.tuning()
    }
}

// ---------------------------------------------------------------------------------------------
// The search.

type Pair = (f64, f64);

fn is_same(one: Pair, other: Pair) -> bool {
    (one.0 - other.0).abs() < 1e-12 && (one.1 - other.1).abs() < 1e-12
}

/// Adds those that are not there.
fn add(to: &mut Vec<Pair>, pairs: impl IntoIterator<Item = Pair>) {
    for pair in pairs {
        if !to.iter().any(|known| is_same(*known, pair)) {
            to.push(pair);
        }
    }
}

/// The pairs of a window that measured something, and what it cost.
fn trials(windows: &[TuningWindow]) -> Vec<(u32, Pair, f64)> {
    windows.iter().filter_map(|of| Some((of.step, (of.alpha, of.beta), of.cost?))).collect()
}

/// Follows a search in the order in which it tried things: every window must be one that the definition
/// has now.
fn follow_neighbours(parameters: &Parameters, windows: &[TuningWindow], case: &str) {
    let real = |name: &str| parameters.get(name).and_then(ParameterValue::real).expect("a number");
    let (start, greatest) = ((real("alpha"), real("beta")), real("search_greatest"));
    let steps = parameters.get("search_steps").and_then(ParameterValue::integer).expect("a number") as u32;
    let clip = |value: f64| value.clamp(0.0, greatest);
    let neighbours = |(alpha, beta): Pair, radius: f64| {
        [(alpha - radius, beta), (alpha + radius, beta), (alpha, beta - radius), (alpha, beta + radius)]
            .map(|(alpha, beta)| (clip(alpha), clip(beta)))
    };
    let mut radius = real("search_radius");
    let mut step = 0;
    let mut best: Option<(f64, Pair)> = None;
    let mut tried: Vec<Pair> = Vec::new();
    let mut pending = Vec::new();
    if steps > 0 {
        add(&mut pending, [(clip(start.0), clip(start.1))]);
        add(&mut pending, neighbours((clip(start.0), clip(start.1)), radius));
    }
    for window in windows {
        while pending.is_empty() && step + 1 < steps {
            step += 1;
            radius *= real("search_shrink");
            let (_, pair) = best.expect("a trial");
            let untried = neighbours(pair, radius)
                .into_iter()
                .filter(|pair| !tried.iter().any(|of| is_same(*of, *pair)));
            add(&mut pending, untried);
        }
        let pair = (window.alpha, window.beta);
        if pending.is_empty() {
            assert!(window.is_result, "the search is over: {window:?} of {windows:#?}\n{case}");
            assert!(is_same(pair, best.map_or(start, |best| best.1)), "{window:?} of {windows:#?}\n{case}");
            continue;
        }
        assert!(!window.is_result && window.step == step, "{step}: {window:?} of {windows:#?}\n{case}");
        let position = pending.iter().position(|of| is_same(*of, pair));
        let position = position.unwrap_or_else(|| panic!("{pending:?}: {window:?} of {windows:#?}\n{case}"));
        if let Some(cost) = window.cost {
            tried.push(pending.swap_remove(position));
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, pair));
            }
        }
    }
}

/// Checks the trials of each step of successive halving.
fn follow_halving(parameters: &Parameters, windows: &[TuningWindow], case: &str) {
    let real = |name: &str| parameters.get(name).and_then(ParameterValue::real).expect("a number");
    let (start, greatest) = ((real("alpha"), real("beta")), real("search_greatest"));
    let steps = parameters.get("search_steps").and_then(ParameterValue::integer).expect("a number") as u32;
    let radius = real("search_radius");
    let clip = |value: f64| value.clamp(0.0, greatest);
    let side = [-radius, 0.0, radius];
    let mut lattice = Vec::new();
    let centre = (clip(start.0), clip(start.1));
    let points = side.iter().flat_map(|one| side.map(|other| (clip(centre.0 + one), clip(centre.1 + other))));
    add(&mut lattice, points);
    let trials = trials(windows);
    let costs = |pair: Pair, until: u32| -> Vec<f64> {
        let of_pair = |(step, of, _): &&(u32, Pair, f64)| *step < until && is_same(*of, pair);
        trials.iter().filter(of_pair).map(|(.., cost)| *cost).collect()
    };
    let mean = |pair: Pair, until: u32| {
        let costs = costs(pair, until);
        costs.iter().sum::<f64>() / costs.len() as f64
    };
    let mut alive = lattice;
    let last = windows.last().expect("a window");
    for step in 0..steps {
        let of_step: Vec<Pair> = windows
            .iter()
            .filter(|of| of.step == step && !of.is_result)
            .map(|of| (of.alpha, of.beta))
            .collect();
        if of_step.is_empty() || alive.len() == 1 {
            break;
        }
        let mut stay = Vec::new();
        add(&mut stay, of_step);
        assert!(
            stay.iter().all(|pair| alive.iter().any(|of| is_same(*of, *pair))),
            "step {step} of {windows:#?}\n{case}"
        );
        let is_complete = windows.iter().any(|of| of.step > step || of.is_result);
        if step > 0 {
            for (stays, goes) in stay.iter().flat_map(|stays| alive.iter().map(move |goes| (*stays, *goes))) {
                let is_out = !stay.iter().any(|of| is_same(*of, goes));
                let is_better = mean(stays, step) <= mean(goes, step) + ROUNDING;
                assert!(
                    !is_complete || !is_out || is_better,
                    "{stays:?} {goes:?} in step {step} of {windows:#?}\n{case}"
                );
            }
        }
        if !is_complete {
            return;
        }
        assert_eq!(
            stay.len(),
            if step == 0 { alive.len() } else { alive.len().div_ceil(2) },
            "step {step} of {windows:#?}\n{case}"
        );
        for pair in &stay {
            let (before, after) = (costs(*pair, step).len(), costs(*pair, step + 1).len());
            assert_eq!(
                after,
                if step == 0 { 1 } else { 2 * before },
                "{pair:?} in step {step} of {windows:#?}\n{case}"
            );
        }
        alive = stay;
    }
    if last.is_result && steps > 0 {
        let end = u32::MAX;
        let result = (last.alpha, last.beta);
        for pair in &alive {
            assert!(
                mean(result, end) <= mean(*pair, end) + ROUNDING,
                "{pair:?} is better in {windows:#?}\n{case}"
            );
        }
    }
}

fn follow_searches(parameters: &Parameters, windows: &[TuningWindow], case: &str) -> usize {
    let searches = windows.chunk_by(|one, other| one.search == other.search);
    for (index, windows) in searches.clone().enumerate() {
        assert!(windows.iter().all(|of| of.search as usize == index), "{windows:#?}\n{case}");
        if parameters.get("search").and_then(ParameterValue::word) == Some("neighbours") {
            follow_neighbours(parameters, windows, case);
        } else {
            follow_halving(parameters, windows, case);
        }
    }
    searches.count()
}

// ---------------------------------------------------------------------------------------------
// The tests.

fn judge(text: &str, policy_text: &str, tally: &mut Tally) {
    let by_hand = ByHand::parse(text);
    let system = by_hand.system();
    let (row, parameters) = policy(policy_text);
    let case = format!("{policy_text} on\n{text}\n");
    let kept = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::new(Mutex::new(std::mem::take(tally)));
    let judge = Judge {
        inner: row.build(&parameters).expect("parameters of this policy"),
        definitions: Definitions {
            models: by_hand.models.clone(),
            parameters: parameters.clone(),
            ended: vec![Vec::new(); by_hand.scenario.tasks.len()],
        },
        open: None,
        has_phase_changed: false,
        known: Vec::new(),
        tally: Arc::clone(&shared),
        kept: Arc::clone(&kept),
        case: case.clone(),
    };
    let options = RunOptions { seed: 5, end: EndOfRun::Drain, oracle: false };
    simulate(&system, &row.name, Box::new(judge), (), options).expect("only legal decisions");
    *tally = std::mem::take(&mut *shared.lock().expect("no other thread"));
    let windows = kept.lock().expect("no other thread").clone();
    if !windows.is_empty() {
        tally.searches += follow_searches(&parameters, &windows, &case);
    }
}

/// All kinds of systems in turn, each under one of the settings.
fn judge_all(policy_name: &str, settings: &[&str], by_default: u64) -> Tally {
    let mut tally = Tally::default();
    for index in 0..at_least(by_default) {
        let mut dice = Dice::new("kinds", index);
        let kind = Kind {
            accelerators: None,
            ease: dice.one_of(&[1, 1, 1, 2, 4]),
            is_dynamic: !dice.once_in(4),
            has_variants: !dice.once_in(4),
        };
        let setting = settings[index as usize % settings.len()];
        judge(&world(index, kind), &format!("{policy_name} {setting}"), &mut tally);
    }
    // What rounding explains is rare.
    assert!(tally.near * 500 < tally.dispatches, "{tally:?}");
    tally
}

#[test]
fn dream_full_decides_by_the_definitions() {
    let settings = [
        "",
        "alpha=0 beta=0 urgency_cap=100",
        "to_go=least drop_excess=ratio",
        "late_urgency=zero drop_upstream=without-consumers variant_queue=all",
        "late_urgency=greatest granularity=block block_layers=2",
        "granularity=model variant_queue=none drop_cap=1 drop_window=3",
        "wait=true beta=0.25",
        "latency_preference=false alpha=0.5 variants=lightest",
        "switch_cost=false drop_cap=10 urgency_cap=4",
        "granularity=block drop_excess=ratio drop_upstream=without-consumers wait=true",
        "variants=default drop_window=4",
        "starvation_unit=deadline urgency_cap=1000",
        "starvation_unit=to-go to_go=least",
        "starvation_unit=isolated alpha=3 beta=0",
    ];
    let tally = judge_all("dream-full", &settings, 1_000);
    assert!(tally.dispatches > 10_000 && tally.drops > 200 && tally.lighter > 500, "{tally:?}");
}

#[test]
fn sdrm3_decides_by_the_definitions() {
    let settings = [
        "",
        "beta=0 urgency_cap=1000",
        "variants=largest-that-fits",
        "late_urgency=greatest to_go=least",
        "drop=smart switch_cost=true",
        "granularity=model wait=true variants=lightest",
        "starvation_unit=deadline beta=0",
    ];
    let tally = judge_all("sdrm3", &settings, 600);
    assert!(tally.dispatches > 5_000 && tally.drops > 20 && tally.lighter > 100, "{tally:?}");
}

#[test]
fn searches_by_neighbours_go_by_the_definitions() {
    let settings = [
        "search_window=2ms",
        "search_window=500us search_steps=3 search_radius=1 search_restart=never",
        "search_window=5ms search_steps=1 search_greatest=1",
        "search_window=1ms search_shrink=1 alpha=0 beta=2",
        "search_window=1ms search_steps=2 search_restart=load",
        "search_window=2ms search_steps=0",
        "search_window=1ms search_shrink=0 alpha=0.25 search_steps=4",
    ];
    let tally = judge_all("dream-adaptive", &settings, 600);
    assert!(tally.windows > 1_000 && tally.restarts > 20 && tally.searches > 150, "{tally:?}");
}

#[test]
fn searches_by_halving_go_by_the_definitions() {
    let settings = [
        "search_window=1ms",
        "search_window=500us search_steps=3 search_radius=1 search_restart=never",
        "search_window=2ms search_steps=2 search_greatest=1",
        "search_window=1ms alpha=0 beta=2",
        "search_window=500us search_restart=load",
    ];
    let tally = judge_all("dream-halving", &settings, 500);
    assert!(tally.windows > 1_000 && tally.restarts > 10, "{tally:?}");
}
