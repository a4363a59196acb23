//! A policy made of a ranking and parts.
//!
//! A round says one thing: give a job up, or dispatch the first job that has room, or preempt one
//! segment; the engine asks until nothing more is said. A round looks at every ready job once; one
//! that may preempt looks at every ready job for every running segment, and at the layers of those
//! segments. Nothing is allocated.
//!
//! Where many jobs wait, those of rankings that can say how early a job comes at the most are kept in a tournament
//! ([`Ranking::least_key`], [`Ranking::staying_key`]): a round looks at those that can come first.
//!
//! On one accelerator most decisions let the job go on that ran last. Where the ranking knows how far
//! the keys of jobs that wait can have fallen ([`Ranking::floor`]), one that is still below all of them is
//! dispatched without a look at the others: a decision then costs the same however many jobs there are.

use rtmm_hardware::{AcceleratorId, ClassId};
use rtmm_workload::parameters::{Declared, Parameters, Schema};
use rtmm_workload::{Duration, ModelId, Time};

use crate::decision::{Decision, Decisions, Extent, Preemption, VariantId};
use crate::ids::{JobId, RunId};
use crate::job::Job;
use crate::parts::batching::{Candidates, Offer, Size, Waits};
use crate::parts::tournament::MANY;
use crate::parts::waiting_jobs::WaitingJobs;
use crate::parts::{
    Batching, Blocking, DecisionTime, DeclaredTies, DropRule, Governor, Granularity, Placement,
    PreemptionRule, Ranking, ScoreTerms, SerialTasks, Ties, UnitRule, VariantChoice, next_boundary,
};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::run::Run;
use crate::truth::Truth;
use crate::view::View;

/// The parts of a composed policy beside its ranking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The part of a job that is dispatched at once.
    pub granularity: Granularity,
    /// Where it runs.
    pub placement: Placement,
    /// The number of units of an accelerator that it runs on.
    pub units: UnitRule,
    /// When it is dropped.
    pub drop: DropRule,
    /// As which variant of a supernet it runs.
    pub variants: VariantChoice,
    /// When it makes room for another.
    pub preemption: PreemptionRule,
    /// With which other jobs it runs.
    pub batching: Batching,
    /// The time that a decision takes.
    pub decision_time: DecisionTime,
    /// The operating points of accelerators.
    pub governor: Governor,
    /// The rule by which jobs of a task run one after the other.
    pub serial: SerialTasks,
}

impl Parts {
    /// The parameters of a policy that is an order of jobs and nothing else ([`Composed::boxed`]): those of
    /// [`Parts::schema`], and what decides between equal jobs and between those of one task.
    #[must_use]
    pub fn schema_of_ranking(own: &[&[&dyn Declared]]) -> Schema {
        Self::schema_with(own, UnitRule::PARAMETERS, &[Ties::PARAMETERS, SerialTasks::PARAMETERS])
    }

    /// The parameters of a policy: those of its own, then those of all parts.
    #[must_use]
    pub fn schema(own: &[&[&dyn Declared]]) -> Schema {
        Self::schema_with_units(own, UnitRule::PARAMETERS)
    }

    /// The same with `units` in place of the parameters of the unit rule.
    #[must_use]
    pub fn schema_with_units(own: &[&[&dyn Declared]], units: &[&dyn Declared]) -> Schema {
        Self::schema_with(own, units, &[])
    }

    fn schema_with(own: &[&[&dyn Declared]], units: &[&dyn Declared], last: &[&[&dyn Declared]]) -> Schema {
        let parts = [
            Granularity::PARAMETERS,
            Placement::PARAMETERS,
            units,
            DropRule::PARAMETERS,
            VariantChoice::PARAMETERS,
            PreemptionRule::PARAMETERS,
            Batching::PARAMETERS,
            DecisionTime::PARAMETERS,
            Governor::PARAMETERS,
        ];
        Schema::of(&[own, &parts, last].concat())
    }

    /// Reads the parameters of all parts.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        let (granularity, preemption) = (Granularity::read(parameters), PreemptionRule::read(parameters));
        let blocking = match (preemption, &granularity) {
            (PreemptionRule::Quantum, _) => Blocking::Quantum,
            (PreemptionRule::Layer, _) | (_, Granularity::Layer) => Blocking::Layer,
            (PreemptionRule::Never, _) => Blocking::Model,
        };
        Self {
            granularity,
            placement: Placement::read(parameters),
            units: UnitRule::read(parameters),
            drop: DropRule::read(parameters),
            variants: VariantChoice::read(parameters),
            preemption,
            batching: Batching::read(parameters),
            decision_time: DecisionTime::read(parameters),
            governor: Governor::read(parameters, blocking),
            serial: SerialTasks::read(parameters),
        }
    }

    /// A job as the variant that it is to run as, if it was dispatched now.
    #[inline(always)]
    pub(crate) fn as_chosen(&self, view: &View<'_>, job: &Job) -> (Option<VariantId>, Job) {
        match self.variants.choose(view, job) {
            Some((variant, model)) => (Some(variant), Job { model, ..*job }),
            None => (None, *job),
        }
    }

    /// True if a job may have no room although an accelerator is idle.
    #[inline(always)]
    fn may_lack_room(&self, view: &View<'_>) -> bool {
        self.placement.waits() || view.profile.is_partial() || self.serial.is_on()
    }

    /// True if any accelerator has as many free units as a job takes at the least.
    fn has_any_room(&self, view: &View<'_>) -> bool {
        if !view.is_divided() {
            return !view.free.is_empty();
        }
        view.free.iter().any(|accelerator| self.units.has_room(view, *accelerator))
    }

    /// True if one of those that have room is for the job, as the variant that it is to run as.
    #[inline(always)]
    fn has_room(&self, view: &View<'_>, job: &Job) -> bool {
        // Without waiting, and where all accelerators run all layers, any of them does for any variant.
        !self.may_lack_room(view) || {
            let (_, chosen) = self.as_chosen(view, job);
            self.serial.admits(job) && self.placement.has_room(view, &chosen, self.units)
        }
    }

    /// Learns of the tasks, at the first look at them.
    pub(crate) fn begin(&mut self, view: &View<'_>) {
        self.placement.begin(view);
        self.drop.begin(view);
        self.variants.begin(view);
        self.serial.begin(view);
    }
}

/// A policy made of a ranking and parts.
#[derive(Clone, Debug)]
pub struct Composed<R: Ranking> {
    ranking: R,
    parts: Parts,
    /// The result of the last look at all jobs.
    memory: Option<Memory<R::Key>>,
    /// The terms of all ready jobs, in their order; empty where they are not known.
    table: Vec<(JobId, ScoreTerms)>,
    /// Where the job stands in it that was dispatched last.
    dispatched: Option<usize>,
    waiting: WaitingJobs<R::Key>,
    candidates: Candidates<R::Key>,
    waits: Waits,
    remembers: bool,
}

/// A run that can make room for a ready job.
#[derive(Clone, Copy, Debug)]
struct Preempted<K> {
    /// The key of its job, then the order of release.
    place: (K, u64),
    run: RunId,
    /// The ready job that comes first.
    first: JobId,
    mode: Preemption,
}

/// A look at all jobs.
#[derive(Clone, Copy, Debug)]
struct Memory<K> {
    at: Time,
    /// The job that came first.
    first: JobId,
    /// The least key of all others; none where there were none.
    second: Option<K>,
    /// The number of ready jobs.
    ready: usize,
}

impl<R: Ranking> Composed<R> {
    /// A policy of its parts.
    #[must_use]
    pub fn new(ranking: R, parts: Parts) -> Self {
        let (memory, table, dispatched, waiting) = (None, Vec::new(), None, WaitingJobs::default());
        let (candidates, waits) = (Candidates::default(), Waits::default());
        Self { ranking, parts, memory, table, dispatched, waiting, candidates, waits, remembers: true }
    }

    /// The same that looks at all jobs at every decision: slower, and the same in all that it decides.
    #[must_use]
    pub fn forgetful(self) -> Self {
        Self { remembers: false, ..self }
    }

    /// A ranking with the parts that parameters state, as policies' constructors return it.
    #[must_use]
    pub fn boxed(ranking: R, parameters: &Parameters) -> Box<dyn Policy> {
        let parts = Parts::read(parameters);
        match parameters.read(&Ties::WORD) {
            Ties::Release => Box::new(Self::new(ranking, parts)),
            Ties::Declared => Box::new(Composed::new(DeclaredTies(ranking), parts)),
        }
    }

    /// The ready job that comes first among those that an idle accelerator has room for.
    fn first<'v>(&mut self, view: &View<'v>, truth: Option<&Truth<'_>>) -> Option<&'v Job> {
        if !self.parts.has_any_room(view) {
            return None;
        }
        if let Some(job) = self.remembered(view, truth) {
            return Some(job);
        }
        self.update_waiting(view, truth);
        if self.waiting.is_kept() {
            self.memory = None;
            let has_room = |job: &Job| self.parts.has_room(view, job);
            return self.waiting.first(&self.ranking, view, truth, has_room).map(|(_, job)| job);
        }
        if self.can_remember(view) && self.update_table(view, truth) {
            return self.first_of_table(view);
        }
        let mut first: Option<(R::Key, &Job)> = None;
        let mut second: Option<R::Key> = None;
        for job in view.ready() {
            let key = self.ranking.key(view, truth, job);
            let is_first = first.is_none_or(|(of_first, _)| key < of_first);
            if is_first && self.parts.has_room(view, job) {
                second = first.map(|(of_first, _)| of_first);
                first = Some((key, job));
            } else if second.is_none_or(|of_second| key < of_second) {
                second = Some(key);
            }
        }
        let (_, job) = first?;
        if self.can_remember(view) {
            let ready = view.ready().len();
            self.memory = Some(Memory { at: view.now, first: job.id, second, ready });
        }
        Some(job)
    }

    /// Brings the terms of all ready jobs up to date; false where the ranking has none.
    fn update_table(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>) -> bool {
        if !self.table.is_empty()
            && self.table.len() == view.ready().len()
            && let Some(position) = self.dispatched
            && let Some(job) = view.job(self.table[position].0).filter(|job| view.is_ready(job))
            && let Some(terms) = self.ranking.terms(view, truth, job)
        {
            self.table[position].1 = terms;
            return true;
        }
        self.dispatched = None;
        self.table.clear();
        let terms = |job: &Job| Some((job.id, self.ranking.terms(view, truth, job)?));
        self.table.extend(view.ready().map_while(terms));
        !self.table.is_empty() && self.table.len() == view.ready().len()
    }

    /// The same as a look at all jobs, from their terms.
    fn first_of_table<'v>(&mut self, view: &View<'v>) -> Option<&'v Job> {
        let mut first: Option<(R::Key, usize)> = None;
        let mut second: Option<R::Key> = None;
        for (position, (_, terms)) in self.table.iter().enumerate() {
            let key = self.ranking.key_of(view.now, terms)?;
            match first {
                Some((of_first, _)) if key >= of_first => {
                    if second.is_none_or(|of_second| key < of_second) {
                        second = Some(key);
                    }
                }
                _ => {
                    second = first.map(|(of_first, _)| of_first);
                    first = Some((key, position));
                }
            }
        }
        let (_, position) = first?;
        let job = view.job(self.table[position].0)?;
        self.dispatched = Some(position);
        self.memory = Some(Memory { at: view.now, first: job.id, second, ready: self.table.len() });
        Some(job)
    }

    /// Brings the tournament of ready jobs up to date.
    #[inline(always)]
    fn update_waiting(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>) {
        // Where a job may wait for one accelerator while others are idle, the first job may have no room.
        let is_worth = self.waiting.is_kept() || view.ready().len() >= MANY;
        let may_pass = self.parts.placement.waits() || self.parts.serial.is_on();
        if is_worth && self.remembers && !may_pass {
            self.waiting.update(&self.ranking, view, truth);
        }
    }

    /// True if all that changes between two decisions is the job that ran, or is told of.
    fn can_remember(&self, view: &View<'_>) -> bool {
        // A job that waits for another of its task is passed over, and not for what its key says.
        self.remembers && view.accelerators.len() == 1 && !self.parts.serial.is_on()
    }

    /// The job that came first at the last look at all of them, if it certainly does still.
    fn remembered<'v>(&self, view: &View<'v>, truth: Option<&Truth<'_>>) -> Option<&'v Job> {
        let memory = self.memory.as_ref()?;
        let job = view.job(memory.first).filter(|job| view.is_ready(job))?;
        if memory.ready != view.ready().len() {
            return None;
        }
        let is_first = match memory.second {
            None => true,
            Some(second) => {
                let floor = self.ranking.floor(second, view.now.saturating_since(memory.at))?;
                self.ranking.key(view, truth, job) < floor
            }
        };
        is_first.then_some(job)
    }

    /// The run to preempt: of those that more ready jobs rank before than runs are ending already, the one
    /// whose job comes last.
    fn last(
        &self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        mode: Preemption,
    ) -> Option<Preempted<R::Key>> {
        let mut last: Option<Preempted<R::Key>> = None;
        // The key of the ready job that comes first, where that is known without a look at all.
        let first_key = self.waiting.first(&self.ranking, view, truth, |_| true).map(|(key, _)| key);
        for (run, job) in view.running() {
            if run.is_ending {
                continue;
            }
            let Some(progress) = next_boundary(view, run, mode) else { continue };
            // It is compared as what it will be when it can make room.
            let running = Job { progress, ..*job };
            let key = self.ranking.key(view, truth, &running);
            if first_key.is_some_and(|first| first >= key) {
                continue;
            }
            // Of equal keys the job comes last that was released last.
            let place = (key, job.sequence);
            let is_last = last.is_none_or(|last| place > last.place);
            let rivals = || self.rivals(view, truth, run.accelerator, key);
            let ending = self.ending(view, run, rivals);
            if is_last
                && rivals().nth(ending).is_some()
                && let Some(first) = rivals().min_by_key(|job| self.ranking.key(view, truth, job))
                && let Some(mode) = self.ranking.preemption(view, run, &running, first, mode)
            {
                last = Some(Preempted { place, run: run.id, first: first.id, mode });
            }
        }
        last
    }

    /// Ready jobs that rank before a key and could run on an accelerator.
    fn rivals<'v>(
        &self,
        view: &View<'v>,
        truth: Option<&Truth<'_>>,
        accelerator: AcceleratorId,
        key: R::Key,
    ) -> impl Iterator<Item = &'v Job> {
        view.ready().filter(move |job| {
            self.ranking.key(view, truth, job) < key
                && self.parts.serial.admits(job)
                && self.parts.placement.admits(view, job, accelerator)
        })
    }

    /// The number of runs that were told to end and whose units the jobs wait for that could run in place
    /// of another run: `rivals`.
    fn ending<'v, I: Iterator<Item = &'v Job>>(
        &self,
        view: &View<'v>,
        run: &Run,
        rivals: impl Fn() -> I,
    ) -> usize {
        let class = view.profile.whole(run.accelerator);
        let serves = |other: &Run| {
            let is_free_to_choose = !self.parts.placement.waits();
            if is_free_to_choose && view.profile.is_partial() {
                return rivals().any(|job| view.can_run(job, other.accelerator));
            }
            is_free_to_choose || view.profile.whole(other.accelerator) == class
        };
        let counts = |other: &&Run| other.is_ending && serves(other);
        view.runs().filter(counts).count()
    }

    /// Dispatches the first job that neither waits nor is in the way of one that does, with those that run with it; false if
    /// nothing can be said.
    fn dispatch_batch(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>, out: &mut Decisions) -> bool {
        self.waits.begin();
        while self.parts.has_any_room(view)
            && let Some(head) = self.head(view, truth)
        {
            let started = head.started;
            let (variant, job) = self.parts.as_chosen(view, head);
            let of_ranking = self.ranking.extent(view, &job);
            let extent = of_ranking.unwrap_or_else(|| self.parts.granularity.extent(view, &job));
            let placed = self.parts.placement.place(view, &job, extent, self.parts.units);
            let placed = placed.and_then(|(on, units)| {
                let count = units.of(view.accelerators[on.index()].units);
                Some((on, units, view.profile.class_with(on, count)?))
            });
            let Some((on, units, class)) = placed else { break };
            let offer = self.offer(view, job.model, on, class);
            let size = match self.size(&offer, truth, &job, variant) {
                Size::Wait(until) => {
                    self.waits.wait(job.model, until);
                    continue;
                }
                Size::Run(size) => size,
            };
            if !self.waits.leaves_room(view, offer.end_of(&job, size)) {
                self.waits.pass(job.model, started);
                continue;
            }
            let jobs = out.batch(std::iter::once(job.id).chain(self.candidates.others_of(size)));
            let extent = if size > 1 { Extent::Rest } else { extent };
            for id in out.jobs_of(&jobs).unwrap_or_default() {
                if let Some(member) = view.job(*id) {
                    self.ranking.dispatched(view, &Job { model: job.model, ..*member });
                }
                self.waiting.dispatch(*id);
            }
            out.push(Decision::Dispatch { jobs, variant, on, units, extent });
            return true;
        }
        self.waits.set_timer(out);
        self.waits.is_waiting()
    }

    /// A batch of a model that begins now on an accelerator.
    fn offer<'o, 'v>(
        &self,
        view: &'o View<'v>,
        model: ModelId,
        on: AcceleratorId,
        class: ClassId,
    ) -> Offer<'o, 'v> {
        let decision = self.parts.decision_time.of(view).saturating_add(self.ranking.decision_time(view));
        Offer { view, model, on, class, decision }
    }

    /// The number of jobs that run now with a job, which are gathered, or until when they wait for more.
    fn size(
        &mut self,
        offer: &Offer<'_, '_>,
        truth: Option<&Truth<'_>>,
        job: &Job,
        variant: Option<VariantId>,
    ) -> Size {
        let view = offer.view;
        let most = if job.started { 1 } else { self.parts.batching.most(offer) };
        let (parts, ranking) = (&self.parts, &self.ranking);
        self.candidates.gather(view, job, most, |other| {
            let (as_variant, chosen) = parts.as_chosen(view, other);
            let is_alike = (as_variant, chosen.model) == (variant, job.model);
            (is_alike && parts.serial.admits(other) && parts.placement.admits(view, &chosen, offer.on))
                .then(|| ranking.key(view, truth, other))
        });
        self.parts.batching.size(offer, self.candidates.deadlines(), most)
    }

    /// Until when a job would wait for others of its model, were a run to make room for it; none where it would run at once.
    fn waits_in_place_of(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        first: JobId,
        run: RunId,
    ) -> Option<(ModelId, Time)> {
        if !self.parts.batching.is_on(view) {
            return None;
        }
        let (variant, job) = self.parts.as_chosen(view, view.job(first)?);
        let run = view.run(run)?;
        let class = view.profile.class_with(run.accelerator, run.units.count())?;
        let offer = self.offer(view, job.model, run.accelerator, class);
        match self.size(&offer, truth, &job, variant) {
            Size::Wait(until) => Some((job.model, until)),
            Size::Run(_) => None,
        }
    }

    /// The ready job that comes first of those that have room, and were not looked at.
    fn head<'v>(&self, view: &View<'v>, truth: Option<&Truth<'_>>) -> Option<&'v Job> {
        let is_left = |job: &&Job| {
            let (_, chosen) = self.parts.as_chosen(view, job);
            !self.waits.has_passed(chosen.model, job.started) && self.parts.has_room(view, job)
        };
        view.ready().filter(is_left).min_by_key(|job| self.ranking.key(view, truth, job))
    }

    fn preempt(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>, mode: Preemption, out: &mut Decisions) {
        self.update_waiting(view, truth);
        let Some(Preempted { run, first, mode, .. }) = self.last(view, truth, mode) else { return };
        if let Some((model, until)) = self.waits_in_place_of(view, truth, first, run) {
            // A batch that waits needs no room before it begins.
            self.waits.begin();
            self.waits.wait(model, until);
            self.waits.set_timer(out);
        } else {
            out.push(Decision::Preempt { run, mode });
        }
    }
}

impl<R: Ranking> Policy for Composed<R> {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.parts.begin(view);
        if let Some(change) = self.parts.governor.next(view) {
            out.push(change);
            return Ok(());
        }
        if let Some(job) = self.parts.drop.next(view, &self.parts.variants) {
            out.push(Decision::Drop { job });
            return Ok(());
        }
        let mode = self.parts.preemption.mode();
        if view.ready().len() == 0 || (view.free.is_empty() && mode.is_none()) {
            return Ok(());
        }
        self.ranking.begin(view);
        if self.parts.batching.is_on(view) {
            if !self.dispatch_batch(view, truth, out)
                && let Some(mode) = mode
            {
                self.preempt(view, truth, mode, out);
            }
        } else if let Some(job) = self.first(view, truth) {
            let (variant, job) = self.parts.as_chosen(view, job);
            let of_ranking = self.ranking.extent(view, &job);
            let extent = of_ranking.unwrap_or_else(|| self.parts.granularity.extent(view, &job));
            let Some((on, units)) = self.parts.placement.place(view, &job, extent, self.parts.units) else {
                return Ok(());
            };
            self.ranking.dispatched(view, &job);
            self.waiting.dispatch(job.id);
            out.push(Decision::Dispatch { jobs: job.id.into(), variant, on, units, extent });
        } else if let Some(mode) = mode {
            self.preempt(view, truth, mode, out);
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        Interests { jobs: true, ..self.ranking.interests() }
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        let of_first = match (notice, &self.memory) {
            (Notice::LayerCompleted { job, .. }, Some(memory)) => *job == memory.first,
            _ => false,
        };
        if !of_first {
            self.memory = None;
            self.table.clear();
        }
        self.waiting.notify(notice);
        self.parts.drop.notify(notice, view);
        self.parts.governor.notify(notice, view);
        self.ranking.notify(notice, view);
        Ok(())
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(self.parts.decision_time.of(view).saturating_add(self.ranking.decision_time(view)))
    }

    fn without_memory(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone().forgetful()))
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::registry;

    fn edf(settings: &[(&str, &str)]) -> Box<dyn Policy> {
        let row = registry::policy("edf").unwrap();
        let mut parameters = row.defaults();
        for (key, text) in [("granularity", "model"), ("preemption", "layer")].iter().chain(settings) {
            parameters.set_text(key, text).unwrap();
        }
        row.build(&parameters).unwrap()
    }

    /// Three accelerators run jobs that are due at 50, 70 and 60.
    fn busy(latency_us: &[u64]) -> Fixture {
        let sketch = |name| TaskSketch::new(name, &[latency_us; 3]);
        let mut fixture = Fixture::new(&[sketch("a"), sketch("b")]).unwrap();
        for (accelerator, deadline_us) in [50, 70, 60].into_iter().enumerate() {
            let job = fixture.ready(0, 0, deadline_us);
            fixture.run(job, accelerator, Extent::Rest);
        }
        fixture
    }

    #[test]
    fn as_many_segments_are_preempted_as_jobs_rank_before_them() {
        for (deadlines_us, expected) in [
            (&[80][..], ""),
            (&[70], ""),
            (&[65], "preempt 1"),
            (&[65, 66, 67], "preempt 1"),
            (&[40, 65], "preempt 1"),
            (&[40, 55], "preempt 1 preempt 2"),
            (&[40, 41, 42, 43], "preempt 1 preempt 2 preempt 0"),
        ] {
            let mut fixture = busy(&[5, 5, 5]);
            for deadline_us in deadlines_us {
                fixture.ready(1, 0, *deadline_us);
            }
            let mut policy = edf(&[]);
            assert_eq!(fixture.settle(policy.as_mut()), expected, "{deadlines_us:?}");
            // Those that are ending are not told again.
            assert_eq!(fixture.settle(policy.as_mut()), "", "{deadlines_us:?}");
        }
    }

    #[test]
    fn what_was_preempted_goes_on_and_can_be_preempted_again() {
        let mut fixture = busy(&[5, 5, 5]);
        fixture.ready(1, 0, 65);
        let mut policy = edf(&[]);
        assert_eq!(fixture.settle(policy.as_mut()), "preempt 1");
        fixture.set_now(5);
        fixture.stop(1, 1);
        assert_eq!(fixture.settle(policy.as_mut()), "b0>1");
        fixture.set_now(6);
        fixture.ready(1, 6, 10);
        assert_eq!(fixture.settle(policy.as_mut()), "preempt 1");
    }

    #[test]
    fn a_job_that_waits_for_the_fastest_accelerator_stops_only_that_one() {
        let mut fixture = busy(&[5, 9, 9]);
        fixture.ready(1, 0, 40);
        fixture.ready(1, 0, 41);
        let mut policy = edf(&[("placement", "fastest")]);
        assert_eq!(fixture.settle(policy.as_mut()), "preempt 0");
        fixture.stop(2, 1);
        assert_eq!(fixture.settle(policy.as_mut()), "", "accelerator 2 stays idle");
    }

    #[test]
    fn a_job_waits_for_the_fastest_accelerator_of_the_network_that_it_is_to_run_as() {
        // `a` is fastest on accelerator 0, the variant that it is to run as on accelerator 1, which is busy.
        let light = TaskSketch::new("light", &[&[3, 1]]);
        let sketches = [TaskSketch::new("a", &[&[4, 9]]).variant(light), TaskSketch::new("b", &[&[2, 8]])];
        let mut fixture = Fixture::new(&sketches).unwrap();
        let running = fixture.ready(1, 0, 90);
        fixture.run(running, 1, Extent::Rest);
        fixture.ready(0, 0, 10);
        fixture.ready(1, 0, 20);
        let settings = [("placement", "fastest"), ("variants", "lightest"), ("preemption", "never")];
        assert_eq!(fixture.settle(edf(&settings).as_mut()), "b1>0");
    }

    #[test]
    fn one_thing_is_said_a_round() {
        let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[1, 1]])]).unwrap();
        for _ in 0..3 {
            fixture.ready(0, 0, 10);
        }
        let mut out = Decisions::new();
        edf(&[]).decide(&fixture.view(), None, &mut out).unwrap();
        assert_eq!(out.len(), 1);
    }
}
