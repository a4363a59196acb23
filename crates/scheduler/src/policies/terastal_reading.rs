//! A reading of Terastal: layers and their variants on unlike accelerators, each within a budget of its job's deadline, at an
//! accuracy that every inference must keep.
//!
//! Source: *Terastal*, RTCSA 2026 (arXiv 2606.06818), of whose text the abstract is known; of its artifact
//! (noiper/terastal-layer-versioning, commit 52d1bab) the networks, their layer variants and the accuracy of every set of them.
//! The abstract names three parts: variants that narrow the gap on accelerators which do not suit a layer, virtual budgets that
//! are assigned offline with regard to heterogeneity, and an online scheduler that picks accelerator and variant jointly under
//! timing and accuracy. How budgets follow, what is done when one cannot be met, who is served first, whether variants run on
//! a suited accelerator, and the limit of accuracy are not public.
//!
//! Ours, and parameters of it:
//!
//! ```text
//! order      : jobs by the virtual deadline of their next layer, of equal ones the one released first   (budgets)
//! end(v, a)  = when a is idle + context switch + move + latency of the layer as v on a
//! 1. the layer itself on the idle accelerator where it ends first, if that is within its budget
//! 2. with `wait_within_budget`: the job waits if the layer would end within its budget on a busy accelerator
//! 3. its variant on the idle accelerator where that ends first, if that is within its budget, and
//!    accuracy of (variants run so far + this one) >= accuracy_limit x accuracy without variants
//! 4. whichever of both ends first
//! ```
//!
//! `layer_variants = wherever-allowed` takes whichever ends first at once, without regard to budgets; `never` is the policy
//! without variants. Of equal ends the layer itself comes first, then the accelerator that the platform states first. The limit
//! is of each inference and of the very set that it ran: an unmeasured set is not allowed. Layers are dispatched one by one and
//! never stopped. Nothing is dropped unless `drop` says so, which judges a job by the model that it ran as last.
//!
//! Not modelled: what the rearrangement of a variant's input and output takes, which is free here.
//!
//! A round looks at every ready job, and at every accelerator for those that come first. Nothing is allocated once warm.

mod budgets;

use rtmm_hardware::AcceleratorId;
use rtmm_workload::parameters::{Choice, Declared, Parameters, Real, Schema, Switch};
use rtmm_workload::{Duration, ModelId, TaskId, Time, VariantSet};

use crate::decision::{Decision, Decisions, Extent, VariantId};
use crate::ids::JobId;
use crate::job::Job;
use crate::parts::{DecisionTime, DropRule, Queue, VariantChoice, VariantRule};
use crate::policies::terastal_reading::budgets::{BUDGETS, Budgets};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::truth::Truth;
use crate::view::View;

/// When layers run as their variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Never,
    AsNeeded,
    WhereverAllowed,
}

const USE: Choice<Use> = Choice::new(
    "layer_variants",
    "when a layer runs as its variant: where it does not end within its budget itself, or wherever that ends first",
    Use::AsNeeded,
    &[("never", Use::Never), ("as-needed", Use::AsNeeded), ("wherever-allowed", Use::WhereverAllowed)],
);

const LIMIT: Real = Real::new(
    "accuracy_limit",
    "the least accuracy of an inference, as a part of that without variants; 0: any",
    0.95,
    0.0..=1.0,
);

/// Accuracies have fewer decimals: a set at the limit is not below it for how numbers are stored.
const EXACT: f64 = 1e-9;

const WAIT: Switch = Switch::new(
    "wait_within_budget",
    "whether a job waits for a busy accelerator where its layer ends within its budget, if it does so on no idle one",
    false,
);

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    let own: &[&dyn Declared] = &[&USE, &LIMIT, &BUDGETS, &WAIT];
    Schema::of(&[own, DropRule::PARAMETERS, DecisionTime::PARAMETERS])
}

/// True if a job may wait while an accelerator is idle.
#[must_use]
pub fn waits(parameters: &Parameters) -> bool {
    parameters.read(&WAIT)
}

/// The policy.
#[derive(Clone, Debug)]
pub struct TerastalReading {
    layer_variants: Use,
    limit: f64,
    budgets: Budgets,
    waits: bool,
    drop: DropRule,
    variants: VariantChoice,
    decision_time: DecisionTime,
    /// By task.
    versions: Vec<Versions>,
    /// The model that each task runs without variants.
    originals: Vec<ModelId>,
    /// By slot: the job that was dispatched there last, and the layer variants that it has run.
    ran: Vec<Option<(JobId, VariantSet)>>,
}

/// The two models of a task whose layers have variants.
#[derive(Clone, Copy, Debug, Default)]
struct Versions {
    original: Option<VariantId>,
    versioned: Option<(VariantId, ModelId)>,
}

/// A layer as it could run.
#[derive(Clone, Copy, Debug)]
struct Version {
    variant: Option<VariantId>,
    model: ModelId,
    /// The variants that the job has run then.
    ran: VariantSet,
}

/// A dispatch that is considered.
#[derive(Clone, Copy, Debug)]
struct Offer {
    end: Time,
    on: AcceleratorId,
    version: Version,
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(TerastalReading {
        layer_variants: parameters.read(&USE),
        limit: parameters.read(&LIMIT),
        budgets: Budgets::new(parameters.read(&BUDGETS)),
        waits: waits(parameters),
        drop: DropRule::read(parameters),
        variants: VariantChoice::new(VariantRule::Default, Queue::None),
        decision_time: DecisionTime::read(parameters),
        versions: Vec::new(),
        originals: Vec::new(),
        ran: Vec::new(),
    })
}

impl TerastalReading {
    /// Learns of the tasks, at the first look at them.
    fn begin(&mut self, view: &View<'_>) {
        self.drop.begin(view);
        if self.versions.len() == view.tasks() {
            return;
        }
        for task in (0..view.tasks()).map(TaskId::new) {
            let of_task = view.task(task);
            let find = |runs_all: bool| {
                let mut all = of_task.variants.iter().enumerate();
                let is_wanted =
                    |model| view.profile.layer_variants(model).is_some_and(|of| of.runs_all == runs_all);
                let (index, model) = all.find(|(_, model)| is_wanted(**model))?;
                Some((VariantId::new(index), *model))
            };
            let original = find(false);
            self.versions.push(Versions {
                original: original.map(|(variant, _)| variant),
                // Without the layers themselves there is nothing to choose.
                versioned: find(true).filter(|_| original.is_some()),
            });
            self.originals.push(original.map_or(of_task.model, |(_, model)| model));
        }
        self.budgets.begin(view, &self.originals);
    }

    /// The layer variants that a job has run.
    fn ran(&self, job: &Job) -> VariantSet {
        let known = self.ran.get(job.id.slot()).copied().flatten();
        known.filter(|(of, _)| *of == job.id).map_or(VariantSet::EMPTY, |(_, ran)| ran)
    }

    /// The next layer of a job as it is.
    fn layer(&self, job: &Job) -> Version {
        let (index, ran) = (job.task.index(), self.ran(job));
        match self.versions[index].original {
            Some(variant) => Version { variant: Some(variant), model: self.originals[index], ran },
            None => Version { variant: None, model: job.model, ran },
        }
    }

    /// The variant of the next layer of a job, if it has one that keeps the accuracy.
    fn variant(&self, view: &View<'_>, job: &Job) -> Option<Version> {
        if self.layer_variants == Use::Never {
            return None;
        }
        let (variant, model) = self.versions[job.task.index()].versioned?;
        let of = view.profile.layer_variants(model)?;
        let ran = self.ran(job).with(of.position(job.progress.layer)?);
        let (accuracy, without) = (of.accuracy(ran)?, of.accuracy(VariantSet::EMPTY)?);
        (accuracy + EXACT >= self.limit * without).then_some(Version { variant: Some(variant), model, ran })
    }

    /// The end of a layer on an accelerator.
    fn end(&self, view: &View<'_>, job: &Job, version: &Version, on: AcceleratorId) -> Time {
        let runs = view.runs().filter(|run| run.accelerator == on);
        let free = runs.map(|run| run.expected_end).max().unwrap_or(view.now).max(view.now);
        let layer = job.progress.layer;
        let switch = view.switch_time(version.model, layer, on);
        let moved = view.transfer(job, on).map_or(Duration::ZERO, |(time, _)| time);
        let latency = view.profile.latency(version.model, layer, view.whole(on));
        free.saturating_add(switch).saturating_add(moved).saturating_add(latency)
    }

    /// The accelerator among those that are idle, or among the others, where a layer ends first.
    fn first_end(&self, view: &View<'_>, job: &Job, version: Version, idle: bool) -> Option<Offer> {
        let all = (0..view.accelerators.len()).map(AcceleratorId::new);
        let of_kind = all.filter(|on| view.accelerators[on.index()].is_idle() == idle);
        let running = of_kind.filter(|on| view.profile.runs(version.model, job.progress.layer, *on));
        let offers = running.map(|on| Offer { end: self.end(view, job, &version, on), on, version });
        offers.min_by_key(|offer| offer.end)
    }

    /// The dispatch of a job's next layer; none where no idle accelerator runs it, or the job waits.
    fn offer(&self, view: &View<'_>, job: &Job) -> Option<Offer> {
        let due = self.budgets.due(job);
        let own = self.first_end(view, job, self.layer(job), true);
        let of_variant = || {
            let version = self.variant(view, job)?;
            self.first_end(view, job, version, true)
        };
        let is_in_time = |offer: &Offer| offer.end <= due;
        if self.layer_variants != Use::WhereverAllowed {
            if own.as_ref().is_some_and(is_in_time) {
                return own;
            }
            if self.waits
                && self.first_end(view, job, self.layer(job), false).as_ref().is_some_and(is_in_time)
            {
                return None;
            }
        }
        match (own, of_variant()) {
            (Some(own), Some(other)) if own.end <= other.end => Some(own),
            (own, other) => other.or(own),
        }
    }

    /// The first job that has a dispatch, with it.
    fn choose<'v>(&self, view: &View<'v>) -> Option<(&'v Job, Offer)> {
        let mut last = None;
        loop {
            let key = |job: &Job| (self.budgets.due(job), job.sequence);
            let left = view.ready().filter(|job| last.is_none_or(|last| key(job) > last));
            let next = left.min_by_key(|job| key(job))?;
            if let Some(offer) = self.offer(view, next) {
                return Some((next, offer));
            }
            last = Some(key(next));
        }
    }
}

impl Policy for TerastalReading {
    fn decide(
        &mut self,
        view: &View<'_>,
        _truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.begin(view);
        if let Some(job) = self.drop.next(view, &self.variants) {
            out.push(Decision::Drop { job });
            return Ok(());
        }
        if view.is_stuck() {
            return Ok(());
        }
        let Some((job, Offer { on, version, .. })) = self.choose(view) else { return Ok(()) };
        let slot = job.id.slot();
        if self.ran.len() <= slot {
            self.ran.resize(slot + 1, None);
        }
        self.ran[slot] = Some((job.id, version.ran));
        out.push(Decision::dispatch(job.id, version.variant, on, Extent::LAYER));
        Ok(())
    }

    fn interests(&self) -> Interests {
        Interests { jobs: true, ..Interests::default() }
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        self.drop.notify(notice, view);
        Ok(())
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(self.decision_time.of(view))
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
    use crate::policies::{check, policy};

    /// Two layers that suit accelerator 0 and have variants; accuracies of none, the first, the second, both.
    fn task() -> TaskSketch {
        let versions: &[(usize, &[u64])] = &[(0, &[3, 6]), (1, &[3, 6])];
        TaskSketch::new("a", &[&[4, 20], &[4, 20]]).layer_variants(versions, &[0.8, 0.79, 0.77, 0.6])
    }

    #[test]
    fn the_layer_itself_runs_where_it_ends_within_its_budget() {
        let mut fixture = Fixture::new(&[task()]).unwrap();
        // Half of 16 for each layer: 4 on accelerator 0.
        let job = fixture.ready(0, 0, 16);
        check(&fixture, "terastal-reading", "", "a0/0>0:1");
        // Whichever ends first is the variant.
        check(&fixture, "terastal-reading", "layer_variants=wherever-allowed", "a0/1>0:1");
        // At 5 it would end at 9: the variant at 8.
        fixture.set_now(5);
        check(&fixture, "terastal-reading", "", "a0/1>0:1");
        check(&fixture, "terastal-reading", "layer_variants=never", "a0/0>0:1");
        // Neither is in time at 6: the variant ends first.
        fixture.set_now(6);
        check(&fixture, "terastal-reading", "", "a0/1>0:1");
        // Due with its job, the layer is in time.
        check(&fixture, "terastal-reading", "budgets=none", "a0/0>0:1");
        fixture.change(job, |job| job.progress = Progress::at(1));
        check(&fixture, "terastal-reading", "", "a0/0>0:1");
    }

    #[test]
    fn a_variant_narrows_the_gap_on_the_other_accelerator() {
        let mut fixture = Fixture::new(&[task(), TaskSketch::new("r", &[&[9, 90]])]).unwrap();
        let running = fixture.ready(1, 0, 90);
        fixture.run(running, 0, Extent::Rest);
        fixture.ready(0, 0, 16);
        // 20 there, or 6; due at 8. Accelerator 0 would be done at 13.
        check(&fixture, "terastal-reading", "", "a0/1>1:1");
        check(&fixture, "terastal-reading", "layer_variants=never", "a0/0>1:1");
        // Waiting would be too late, too; due at 13 it is not.
        check(&fixture, "terastal-reading", "layer_variants=never wait_within_budget=true", "a0/0>1:1");
        let mut relaxed = Fixture::new(&[task(), TaskSketch::new("r", &[&[9, 90]])]).unwrap();
        let running = relaxed.ready(1, 0, 90);
        relaxed.run(running, 0, Extent::Rest);
        relaxed.ready(0, 0, 26);
        check(&relaxed, "terastal-reading", "wait_within_budget=true", "");
        check(&relaxed, "terastal-reading", "", "a0/1>1:1");
    }

    #[test]
    fn the_limit_is_of_the_very_set_that_the_job_has_run() {
        let mut fixture = Fixture::new(&[task()]).unwrap();
        let job = fixture.ready(0, 0, 1);
        for (limit, first, second) in [
            // 0.79 of 0.8, then 0.6.
            ("0.95", "a0/1>0:1", "a0/0>0:1"),
            ("0.75", "a0/1>0:1", "a0/1>0:1"),
            ("0", "a0/1>0:1", "a0/1>0:1"),
            // 0.79 is too little: the second alone would be, too.
            ("0.99", "a0/0>0:1", "a0/0>0:1"),
        ] {
            let mut fixture = fixture.clone();
            let mut terastal = policy("terastal-reading", &format!("accuracy_limit={limit}"));
            assert_eq!(fixture.settle(terastal.as_mut()), first, "{limit}");
            fixture.set_now(3);
            fixture.stop(0, 1);
            assert_eq!(fixture.settle(terastal.as_mut()), second, "{limit}");
        }
        // The second alone is 0.77, 96 % of it.
        fixture.change(job, |job| job.progress = Progress::at(1));
        check(&fixture, "terastal-reading", "accuracy_limit=0.96", "a0/1>0:1");
        check(&fixture, "terastal-reading", "accuracy_limit=0.97", "a0/0>0:1");
    }

    #[test]
    fn jobs_go_by_virtual_deadlines() {
        // b is due later, and its first layer earlier: 1 of 10 parts of 40 against half of 16.
        let tasks = [TaskSketch::new("a", &[&[4], &[4]]), TaskSketch::new("b", &[&[1], &[9]])];
        let mut fixture = Fixture::new(&tasks).unwrap();
        fixture.ready(0, 0, 16);
        let second = fixture.ready(1, 0, 40);
        check(&fixture, "terastal-reading", "", "b0>0:1");
        check(&fixture, "terastal-reading", "budgets=none", "a0>0:1");
        fixture.change(second, |job| job.progress = Progress::at(1));
        check(&fixture, "terastal-reading", "", "a0>0:1");
    }

    #[test]
    fn budgets_are_in_proportion_to_a_latency() {
        // Of 60, the first layer of a has 2/4 by the fastest, 11/13 in the mean.
        // By load: accelerator 0 is asked for 4 of 2 a period, twice what it has: half of each layer is elsewhere,
        // (2 + 20) / 2 of (2 + 20 + 2 + 2) / 2.
        let a = TaskSketch::new("a", &[&[2, 20], &[2, 2]]).every(2);
        let mut fixture = Fixture::new(&[a, TaskSketch::new("b", &[&[1, 1]])]).unwrap();
        fixture.ready(0, 0, 60);
        fixture.ready(1, 0, 40);
        for (budgets, expected) in [
            // a0 is due at 30, b0 at 40.
            ("fastest", "a0>0:1 b0>1:1"),
            // At 50: 22/26 of 60.
            ("mean", "b0>0:1 a0>1:1"),
            ("by-load", "b0>0:1 a0>1:1"),
        ] {
            check(&fixture, "terastal-reading", &format!("budgets={budgets}"), expected);
        }
        // By load: b asks for a hundredth of accelerator 0 besides, of 2.01. There the first layer counts for
        // 2 / 2.01 + 20 x 1.01 / 2.01 = 11.05, and the second one for 2: it is due at 50.8.
        for (due_b, expected) in [(50, "b0>0:1 a0>1:1"), (52, "a0>0:1 b0>1:1")] {
            let a = TaskSketch::new("a", &[&[2, 20], &[2, 2]]).every(2);
            let mut fixture = Fixture::new(&[a, TaskSketch::new("b", &[&[1, 1]])]).unwrap();
            fixture.ready(0, 0, 60);
            fixture.ready(1, 0, due_b);
            check(&fixture, "terastal-reading", "budgets=by-load", expected);
        }
    }
}
