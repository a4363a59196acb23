//! A policy that gives the pair of a job and an accelerator with the greatest score what it asks for.
//!
//! A round says one thing: give a frame up, or dispatch the best pair of a ready job and an idle
//! accelerator; the engine asks until nothing more is said. Of equal scores the earliest release wins, then
//! the accelerator that the platform states first.
//!
//! A round computes a score for every ready job on every idle accelerator, each in constant time: the order
//! of cost of a decision is their product, and with a tuner one comparison more. Where many jobs are ready they are
//! kept in a tournament, which leaves out those that cannot have the greatest score. Nothing is allocated once
//! warm but the tuner's record of its windows.

use rtmm_hardware::{AcceleratorId, Units};
use rtmm_workload::Duration;
use rtmm_workload::parameters::{Declared, Parameters, Schema, Switch};

use crate::decision::{Decision, Decisions, Extent, VariantId};
use crate::ids::JobId;
use crate::job::{Job, Progress};
use crate::parts::batching::{Candidates, Offer, Size, Waits};
use crate::parts::map_score::{MapScore, MapScoreSpan, MapScoreTerms};
use crate::parts::tournament::{Contest, Tournament};
use crate::parts::{Batching, Blocking, DecisionTime, DropRule, Governor, Granularity, Tuner, VariantChoice};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::terms::Score;
use crate::truth::Truth;
use crate::tuning::TuningWindow;
use crate::view::View;

/// The parts of a mapped policy beside its score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedParts {
    /// The part of a job that is dispatched at once.
    pub granularity: Granularity,
    /// When it is dropped.
    pub drop: DropRule,
    /// As which variant of a supernet it runs.
    pub variants: VariantChoice,
    /// True if a job waits for an accelerator that is busy, where its next layer would end sooner there than
    /// on the one that it is offered.
    pub waits: bool,
    /// With which other jobs it runs.
    pub batching: Batching,
    /// The time that a decision takes.
    pub decision_time: DecisionTime,
    /// The operating points of accelerators.
    pub governor: Governor,
}

impl MappedParts {
    /// `wait`.
    const WAIT: Switch = Switch::new(
        "wait",
        "whether a job waits for a busy accelerator where its next layer would end sooner",
        false,
    );

    /// The parameters of a policy: those of its score, then of its own, then those of all parts.
    #[must_use]
    pub fn schema(own: &[&[&dyn Declared]]) -> Schema {
        let parts: [&[&dyn Declared]; 7] = [
            &[&Self::WAIT],
            Granularity::PARAMETERS,
            DropRule::PARAMETERS,
            VariantChoice::PARAMETERS,
            Batching::PARAMETERS,
            DecisionTime::PARAMETERS,
            Governor::PARAMETERS,
        ];
        Schema::of(&[&[MapScore::PARAMETERS], own, &parts].concat())
    }

    /// Reads the parameters of all parts.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        let granularity = Granularity::read(parameters);
        let blocking = if granularity == Granularity::Layer { Blocking::Layer } else { Blocking::Model };
        Self {
            granularity,
            drop: DropRule::read(parameters),
            variants: VariantChoice::read(parameters),
            waits: parameters.read(&Self::WAIT),
            batching: Batching::read(parameters),
            decision_time: DecisionTime::read(parameters),
            governor: Governor::read(parameters, blocking),
        }
    }
}

/// A policy of a score over pairs.
#[derive(Clone, Debug)]
pub struct Mapped {
    score: MapScore,
    parts: MappedParts,
    tuner: Option<Tuner>,
    /// By slot: what was computed of the job that was seen there last.
    terms: Vec<Option<MapScoreTerms>>,
    waiting: Tournament<MapScoreSpan>,
    /// By scores with the sign changed.
    candidates: Candidates<Score>,
    waits: Waits,
    remembers: bool,
}

impl Mapped {
    /// A policy of its parts.
    #[must_use]
    pub fn new(score: MapScore, parts: MappedParts, tuner: Option<Tuner>) -> Self {
        Self {
            score,
            parts,
            tuner,
            terms: Vec::new(),
            waiting: Tournament::default(),
            candidates: Candidates::default(),
            waits: Waits::default(),
            remembers: true,
        }
    }

    /// The same that computes everything anew at every decision: slower, and the same in all that it decides.
    #[must_use]
    pub fn forgetful(self) -> Self {
        Self { remembers: false, ..self }
    }

    /// The terms of a job, from before if nothing of it has changed.
    fn terms(&mut self, view: &View<'_>, job: &Job) -> MapScoreTerms {
        let slot = job.id.slot();
        if self.terms.len() <= slot {
            self.terms.resize(slot + 1, None);
        }
        match self.terms[slot] {
            Some(terms) if self.remembers && terms.is_of(job) => terms,
            _ => *self.terms[slot].insert(self.score.terms(view, job)),
        }
    }

    /// The pair with the greatest score.
    fn best<'v>(&mut self, view: &View<'v>) -> Option<(&'v Job, AcceleratorId)> {
        let mut best = None;
        if self.remembers && self.update_waiting(view) {
            let mut contest = BestPair { policy: self, view, best: None };
            self.waiting.search(&mut contest);
            best = contest.best;
        } else {
            for job in view.ready() {
                let terms = self.terms(view, job);
                self.compare(view, job, &terms, &mut best);
            }
        }
        best.map(|Best { job, accelerator, .. }| (job, accelerator))
    }

    /// Dispatches the best pair that neither waits nor is in the way of one that does, with the jobs that run with it.
    fn dispatch_batch(&mut self, view: &View<'_>, out: &mut Decisions) {
        self.waits.begin();
        while let Some((job, on)) = self.best_left(view) {
            let started = job.started;
            let chosen = self.parts.variants.choose(view, job);
            let variant = chosen.map(|(variant, _)| variant);
            let job = Job { model: chosen.map_or(job.model, |(_, model)| model), ..*job };
            let class = view.profile.whole(on);
            let decision = self.parts.decision_time.of(view);
            let offer = Offer { view, model: job.model, on, class, decision };
            let most = if started { 1 } else { self.parts.batching.most(&offer) };
            let mut candidates = std::mem::take(&mut self.candidates);
            candidates.gather(view, &job, most, |other| self.key_in_batch(view, &job, variant, on, other));
            self.candidates = candidates;
            let size = match self.parts.batching.size(&offer, self.candidates.deadlines(), most) {
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
            for id in out.jobs_of(&jobs).unwrap_or_default() {
                self.waiting.take_out(*id);
                self.waiting.put_aside(*id);
            }
            let extent = if size > 1 { Extent::Rest } else { self.parts.granularity.extent(view, &job) };
            out.push(Decision::Dispatch { jobs, variant, on, units: Units::All, extent });
            return;
        }
        self.waits.set_timer(out);
    }

    /// The pair with the greatest score of jobs that were not looked at.
    fn best_left<'v>(&mut self, view: &View<'v>) -> Option<(&'v Job, AcceleratorId)> {
        let mut best = None;
        for job in view.ready() {
            let chosen = self.parts.variants.choose(view, job).map_or(job.model, |(_, model)| model);
            if !self.waits.has_passed(chosen, job.started) {
                let terms = self.terms(view, job);
                self.compare(view, job, &terms, &mut best);
            }
        }
        best.map(|Best { job, accelerator, .. }| (job, accelerator))
    }

    /// The key of a job that could be in a batch on an accelerator with another one, which runs as a variant: its score with the
    /// sign changed; none where it would run as another model.
    fn key_in_batch(
        &mut self,
        view: &View<'_>,
        first: &Job,
        variant: Option<VariantId>,
        on: AcceleratorId,
        job: &Job,
    ) -> Option<Score> {
        let chosen = self.parts.variants.choose(view, job);
        let model = chosen.map_or(job.model, |(_, model)| model);
        if (chosen.map(|(variant, _)| variant), model) != (variant, first.model) {
            return None;
        }
        let terms = self.terms(view, job);
        let common = self.score.common(view.now, job, &terms);
        let score = self.score.score_from(view, &terms, common, on, None);
        Some(Score(-score.unwrap_or(f64::NEG_INFINITY)))
    }

    /// Brings the tournament of ready jobs up to date; false where they are few.
    fn update_waiting(&mut self, view: &View<'_>) -> bool {
        if !self.waiting.is_worth(view) {
            return false;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        let is_kept = waiting.update(view, |job| {
            // Jobs of one task that have not begun are much alike.
            let tree = 2 * job.task.index() + usize::from(job.progress != Progress::default());
            Some((tree, MapScoreSpan::of(job, &self.terms(view, job))))
        });
        self.waiting = waiting;
        is_kept
    }

    /// A job as the variant that it is to run as, if it was dispatched now.
    fn as_chosen(&self, view: &View<'_>, job: &Job) -> Job {
        let chosen = self.parts.variants.choose(view, job);
        Job { model: chosen.map_or(job.model, |(_, model)| model), ..*job }
    }

    /// Takes the pairs of a job where they are better than the best so far.
    fn compare<'v>(&self, view: &View<'v>, job: &'v Job, terms: &MapScoreTerms, best: &mut Option<Best<'v>>) {
        let common = self.score.common(view.now, job, terms);
        let is_divided = view.is_divided();
        // It runs as the variant that it would be dispatched as now.
        let is_partial = view.profile.is_partial();
        let as_chosen = if is_partial { self.as_chosen(view, job) } else { *job };
        for accelerator in view.free.iter().copied() {
            if is_partial && !view.can_run(&as_chosen, accelerator) {
                continue;
            }
            // A pair is of a job and all of an accelerator.
            if is_divided && !view.accelerators[accelerator.index()].is_idle() {
                continue;
            }
            let floor = best.as_ref().map(|best| best.score);
            let Some(score) = self.score.score_from(view, terms, common, accelerator, floor) else {
                continue;
            };
            let is_better = match best {
                // Of equal scores the earliest release, then the first accelerator.
                Some(best) => score > best.score || job.sequence < best.job.sequence,
                None => true,
            };
            if is_better && !(self.parts.waits && ends_sooner_elsewhere(view, job, accelerator)) {
                *best = Some(Best { score, job, accelerator });
            }
        }
    }
}

/// A search for the pair with the greatest score.
struct BestPair<'c, 'v> {
    policy: &'c Mapped,
    view: &'c View<'v>,
    best: Option<Best<'v>>,
}

impl Contest<MapScoreSpan> for BestPair<'_, '_> {
    /// The score with its sign changed.
    type Key = Score;

    fn bound(&self, span: &MapScoreSpan) -> Score {
        Score(-self.policy.score.bound(self.view.now, span))
    }

    fn is_beaten(&self, Score(bound): Score, earliest: u64) -> bool {
        self.best
            .as_ref()
            .is_some_and(|best| -bound < best.score || (-bound == best.score && earliest > best.job.sequence))
    }

    fn enter(&mut self, job: JobId, _span: &MapScoreSpan) {
        let terms = self.policy.terms.get(job.slot()).copied().flatten();
        if let (Some(job), Some(terms)) = (self.view.job(job), terms) {
            self.policy.compare(self.view, job, &terms, &mut self.best);
        }
    }
}

/// The best pair so far.
#[derive(Clone, Copy, Debug)]
struct Best<'v> {
    score: f64,
    job: &'v Job,
    accelerator: AcceleratorId,
}

/// True if the next layer of a job would end sooner on an accelerator that is busy now than on an idle one.
fn ends_sooner_elsewhere(view: &View<'_>, job: &Job, idle: AcceleratorId) -> bool {
    let here = view.now.saturating_add(view.next_layer(job, idle));
    view.runs().filter(|run| view.can_run(job, run.accelerator)).any(|run| {
        run.expected_end.max(view.now).saturating_add(view.next_layer(job, run.accelerator)) < here
    })
}

impl Policy for Mapped {
    fn decide(
        &mut self,
        view: &View<'_>,
        _truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        if let Some(tuner) = &mut self.tuner {
            self.score.weights = tuner.weights(view);
        }
        self.parts.drop.begin(view);
        self.parts.variants.begin(view);
        if let Some(change) = self.parts.governor.next(view) {
            out.push(change);
            return Ok(());
        }
        if let Some(job) = self.parts.drop.next(view, &self.parts.variants) {
            out.push(Decision::Drop { job });
            return Ok(());
        }
        if view.is_stuck() {
            return Ok(());
        }
        if self.parts.batching.is_on(view) {
            self.dispatch_batch(view, out);
            return Ok(());
        }
        let Some((job, accelerator)) = self.best(view) else { return Ok(()) };
        let chosen = self.parts.variants.choose(view, job);
        let as_chosen = Job { model: chosen.map_or(job.model, |(_, model)| model), ..*job };
        self.waiting.take_out(job.id);
        self.waiting.put_aside(job.id);
        let variant = chosen.map(|(variant, _)| variant);
        let extent = self.parts.granularity.extent(view, &as_chosen);
        out.push(Decision::dispatch(job.id, variant, accelerator, extent));
        Ok(())
    }

    fn interests(&self) -> Interests {
        let Interests { layers, .. } = self.score.estimator.interests();
        Interests { jobs: true, layers, times: self.tuner.is_some() }
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        match *notice {
            Notice::Released(job) | Notice::InputsReady(job) => self.waiting.put_aside(job),
            Notice::Completed(job) | Notice::Dropped(job) => self.waiting.take_out(job),
            _ => {}
        }
        self.score.estimator.notify(notice, view);
        self.parts.drop.notify(notice, view);
        self.parts.governor.notify(notice, view);
        if let Some(tuner) = &mut self.tuner {
            tuner.notify(notice, view);
        }
        Ok(())
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(self.parts.decision_time.of(view))
    }

    fn tuning(&self) -> &[TuningWindow] {
        self.tuner.as_ref().map_or(&[], Tuner::windows)
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
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::job::Progress;
    use crate::policies::check;

    #[test]
    fn pairs_go_by_their_scores_until_nobody_or_nothing_is_left() {
        // a suits the second accelerator (8/6 and 4), b neither (2), c the first (4 and 4/3).
        let tasks = [
            TaskSketch::new("a", &[&[6, 2]]),
            TaskSketch::new("b", &[&[4, 4]]),
            TaskSketch::new("c", &[&[2, 6]]),
        ];
        let mut fixture = Fixture::new(&tasks).unwrap();
        fixture.ready(0, 0, 40);
        fixture.ready(1, 0, 16);
        fixture.ready(2, 0, 20);
        // All have a mean of 4: urgencies 1/10, 1/4 and 1/5.
        // a 2/15, 2/5; b 1/2, 1/2; c 4/5, 4/15: c is first, on 0. Then b has 1/2 on 1, a 2/5.
        check(&fixture, "dream-mapscore", "alpha=0 beta=0", "c0>0:1 b0>1:1");
        // By urgency alone b is first, on the first accelerator, then c.
        check(&fixture, "dream-mapscore", "alpha=0 beta=0 latency_preference=false", "b0>0:1 c0>1:1");
        // With one accelerator busy there is one pair to choose.
        let busy = fixture.ready(0, 0, 40);
        fixture.run(busy, 0, Extent::Rest);
        check(&fixture, "dream-mapscore", "alpha=0 beta=0", "b0>1:1");
    }

    #[test]
    fn ties_go_to_the_earliest_release_and_the_first_accelerator() {
        let task = |name| TaskSketch::new(name, &[&[4, 4, 4], &[4, 4, 4]]);
        let mut fixture = Fixture::new(&[task("a"), task("b")]).unwrap();
        fixture.ready(1, 0, 40);
        fixture.ready(0, 0, 40);
        fixture.ready(1, 0, 40);
        fixture.ready(0, 0, 40);
        for settings in ["", "alpha=0 beta=0", "latency_preference=false beta=2"] {
            check(&fixture, "dream-mapscore", settings, "b0>0:1 a0>1:1 b1>2:1");
        }
    }

    #[test]
    fn a_job_that_may_wait_does_where_a_busy_accelerator_would_be_done_sooner() {
        // a takes 6 on the first accelerator and 2 on the second, which runs r for so long.
        for (busy_us, now_us, waiting) in [(3, 0, true), (4, 0, false), (5, 0, false), (5, 2, true)] {
            let tasks = [
                TaskSketch::new("a", &[&[6, 2]]),
                TaskSketch::new("b", &[&[5, 5]]),
                TaskSketch::new("r", &[&[9, busy_us]]),
            ];
            let mut fixture = Fixture::new(&tasks).unwrap();
            let running = fixture.ready(2, 0, 90);
            fixture.run(running, 1, Extent::Rest);
            fixture.set_now(now_us);
            fixture.ready(0, now_us, 90);
            check(&fixture, "dream-mapscore", "", "a0>0:1");
            let expected = if waiting { "" } else { "a0>0:1" };
            check(&fixture, "dream-mapscore", "wait=true", expected);
            // Another job takes the accelerator that a does not want, however much later it is due.
            fixture.ready(1, now_us, 5_000);
            let expected = if waiting { "b0>0:1" } else { "a0>0:1" };
            check(&fixture, "dream-mapscore", "wait=true alpha=0 beta=0", expected);
        }
        // What should have ended by now is not waited for as if it had: 7 + 2 is sooner than 7 + 6, though.
        let tasks = [TaskSketch::new("a", &[&[6, 2]]), TaskSketch::new("r", &[&[9, 3]])];
        let mut fixture = Fixture::new(&tasks).unwrap();
        let running = fixture.ready(1, 0, 90);
        fixture.run(running, 1, Extent::Rest);
        fixture.set_now(7);
        fixture.ready(0, 7, 90);
        check(&fixture, "dream-mapscore", "wait=true", "");
        let alike = [TaskSketch::new("a", &[&[2, 2]]), TaskSketch::new("r", &[&[9, 3]])];
        let mut fixture = Fixture::new(&alike).unwrap();
        let running = fixture.ready(1, 0, 90);
        fixture.run(running, 1, Extent::Rest);
        fixture.set_now(7);
        fixture.ready(0, 7, 90);
        check(&fixture, "dream-mapscore", "wait=true", "a0>0:1");
    }

    #[test]
    fn a_dispatch_is_a_layer_a_block_or_the_rest() {
        let task = TaskSketch::new("a", &[&[2], &[2], &[2], &[2], &[2]]).blocks(&[(1, 3)]);
        let mut fixture = Fixture::new(&[task]).unwrap();
        let job = fixture.ready(0, 0, 90);
        for (layer, granularity, expected) in [
            (0, "layer", "a0>0:1"),
            (0, "block", "a0>0:1"),
            (1, "block", "a0>0:3"),
            (2, "block", "a0>0:2"),
            (2, "model", "a0>0"),
        ] {
            fixture.change(job, |job| job.progress = Progress::at(layer));
            check(&fixture, "dream-mapscore", &format!("granularity={granularity}"), expected);
        }
    }

    #[test]
    fn a_frame_is_given_up_before_anything_is_dispatched() {
        // At 8 neither can be done by 10: a0 is the more so. b0 then has no other job to help.
        let tasks = [TaskSketch::new("a", &[&[6]]), TaskSketch::new("b", &[&[4]])];
        let mut fixture = Fixture::new(&tasks).unwrap();
        fixture.ready(1, 0, 10);
        fixture.ready(0, 0, 10);
        fixture.set_now(8);
        check(&fixture, "dream-drop", "", "drop a0 b0>0:1");
        check(&fixture, "dream-mapscore", "", "b0>0:1");
        check(&fixture, "dream-mapscore", "drop=infeasible", "drop b0 drop a0");
    }

    #[test]
    fn a_job_runs_as_the_network_that_is_chosen() {
        let light = TaskSketch::new("light", &[&[2], &[2]]);
        let task = TaskSketch::new("a", &[&[4], &[4], &[4]]).variant(light);
        let mut fixture = Fixture::new(&[task]).unwrap();
        fixture.ready(0, 0, 12);
        check(&fixture, "dream-full", "", "a0/0>0:1");
        check(&fixture, "dream-mapscore", "", "a0>0:1");
        fixture.set_now(1);
        // 1 + 12 is too late.
        check(&fixture, "dream-full", "", "a0/1>0:1");
        check(&fixture, "dream-full", "granularity=model", "a0/1>0");
        check(&fixture, "dream-full", "variants=lightest granularity=block block_layers=2", "a0/1>0:2");
    }
}
