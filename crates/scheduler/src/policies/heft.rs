//! HEFT on a queue of jobs: the one whose earliest finish is the latest goes first, where it finishes the earliest, and
//! waits for that accelerator while it is busy.
//!
//! Source: Jeong et al., *Band: Coordinated Multi-DNN Inference on Heterogeneous Mobile Processors*, MobiSys 2022, in its
//! program (mrsnu/band, commit 8600d49: `heterogeneous_earliest_finish_time_scheduler.cc`, `engine.cc`, `planner.cc`);
//! after Topcuoglu et al., HEFT, IEEE TPDS 2002, whose graph of tasks is there the list of jobs that wait.
//!
//! ```text
//! f(u, a)   = max(wait(a), f(u - 1)) + latency(u, a)     units u of a job in their order; f = 0 before its next one
//! f(u)      = least over accelerators a that run u; of equal ones the last
//! finish(j) = f(last unit of j)
//! wait(a)   = expected rest of what runs on a
//!           + units of jobs that were passed over in this round and would begin on a
//!           + reservations of other jobs on a                                          (heft-reserved)
//! ```
//!
//! A round looks at the first `schedule_window` jobs of the queue, of those that are alike (one model, one progress) at the first. The
//! one with the greatest `finish`, of equal ones the first, is dispatched for its next unit where its plan has that unit. If
//! that accelerator is busy the job is passed over: its unit counts there as waiting time, and the others are looked at
//! again. With reservation, a dispatch reserves the accelerator of the unit after it, for as long as that takes, until the
//! job is dispatched again. The queue is in the order in which jobs came to it; a job that goes on comes to it anew, before
//! those that are released in the same instant.
//!
//! A unit is a layer, a block or the model (`granularity`), and ends where the accelerators change that run the layers, as
//! Band's subgraphs do: what it calls a unit subgraph is `granularity = model`, the default.
//!
//! Deviations:
//!
//! - Band prepares joined units as subgraphs of their own, which its profiles know to be faster than their parts. Here parts
//!   take as long as the whole, and of equal plans Band takes the one with the most parts: units are dispatched one by one.
//! - Band drops a job with a deadline when its turn comes and the deadline has passed; here `drop = late` does so at the first
//!   look after it. (Its test is of the expected end, but reads that of the unit before, which is none.)
//! - Band's window shrinks with each dispatch until it is woken again; here it is of the jobs that are left.
//! - Reservations of jobs that are over end with them; Band keeps them.
//! - Expected latencies are the profile's; Band's are moving averages of what it measured.
//! - Every layer counts, as if none was skipped and no exit taken; Band knows no models that do so.
//!
//! A round costs the product of the distinct jobs in the window, the layers that they have left and the accelerators, once
//! more for each job that is passed over. Nothing is allocated once warm.

use std::num::NonZeroU32;

use rtmm_hardware::AcceleratorId;
use rtmm_workload::parameters::{Declared, Integer, Parameters, Schema, Switch};
use rtmm_workload::{Duration, ModelId};

use crate::decision::{Decision, Decisions, Extent};
use crate::ids::JobId;
use crate::job::{Job, Progress};
use crate::parts::{DecisionTime, DropRule, Granularity, VariantChoice};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::truth::Truth;
use crate::view::View;

const WINDOW: Integer<u32> = Integer::new(
    "schedule_window",
    "jobs that are looked at, from the head of the queue; 0: all of them",
    0,
    0..=1_000_000,
);

const RESERVE: Switch = Switch::new(
    "reserve",
    "whether the accelerator of the part after the one that is dispatched is kept for the job",
    false,
);

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    let own: &[&dyn Declared] = &[&WINDOW, &RESERVE];
    Schema::of(&[
        own,
        Granularity::PARAMETERS,
        DropRule::PARAMETERS,
        VariantChoice::PARAMETERS,
        DecisionTime::PARAMETERS,
    ])
}

/// Defaults that differ from those of the parts.
pub const DEFAULTS: &[(&str, &str)] = &[("granularity", "model"), ("drop", "late")];

/// Defaults that differ in `heft-reserved`.
pub const RESERVED: &[(&str, &str)] = &[("reserve", "true")];

/// The policy.
#[derive(Clone, Debug)]
pub struct Heft {
    window: u32,
    reserve: bool,
    granularity: Granularity,
    drop: DropRule,
    variants: VariantChoice,
    decision_time: DecisionTime,
    queue: Queue,
    reservations: Vec<Reservation>,
    round: Round,
}

/// Ready jobs in the order in which they came to the queue.
#[derive(Clone, Debug, Default)]
struct Queue {
    jobs: Vec<JobId>,
    /// By slot: the job that is in the queue.
    listed: Vec<Option<JobId>>,
}

/// An accelerator that is kept for a job that has begun.
#[derive(Clone, Copy, Debug)]
struct Reservation {
    job: JobId,
    unit: Planned,
}

/// A unit where a plan has it.
#[derive(Clone, Copy, Debug)]
struct Planned {
    on: AcceleratorId,
    latency: Duration,
}

/// A job's plan.
#[derive(Clone, Copy, Debug)]
struct Plan {
    finish: Duration,
    next: Planned,
    /// The layer that the next unit ends before.
    end: u32,
    after: Option<Planned>,
}

/// Lists of one round, kept for the next one.
#[derive(Clone, Debug, Default)]
struct Round {
    /// By accelerator, without reservations.
    waits: Vec<Duration>,
    /// By accelerator, for the job that is looked at.
    waits_of_job: Vec<Duration>,
    /// By place in the queue.
    passed: Vec<bool>,
    searched: Vec<(ModelId, Progress)>,
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(Heft {
        window: parameters.read(&WINDOW),
        reserve: parameters.read(&RESERVE),
        granularity: Granularity::read(parameters),
        drop: DropRule::read(parameters),
        variants: VariantChoice::read(parameters),
        decision_time: DecisionTime::read(parameters),
        queue: Queue::default(),
        reservations: Vec::new(),
        round: Round::default(),
    })
}

impl Queue {
    /// Takes jobs out that are not ready, and lists those that have become so.
    fn update(&mut self, view: &View<'_>) {
        let Self { jobs, listed } = self;
        jobs.retain(|id| {
            let stays = view.job(*id).is_some_and(|job| view.is_ready(job));
            if !stays {
                listed[id.slot()] = None;
            }
            stays
        });
        if jobs.len() == view.ready().len() {
            return;
        }
        for goes_on in [true, false] {
            for job in view.ready().filter(|job| job.started == goes_on) {
                let slot = job.id.slot();
                if listed.len() <= slot {
                    listed.resize(slot + 1, None);
                }
                if listed[slot] != Some(job.id) {
                    listed[slot] = Some(job.id);
                    jobs.push(job.id);
                }
            }
        }
    }
}

impl Round {
    /// Waiting times of accelerators by what runs there, and no job passed over.
    fn begin(&mut self, view: &View<'_>, window: usize) {
        self.waits.clear();
        self.waits.resize(view.accelerators.len(), Duration::ZERO);
        for run in view.runs() {
            let wait = &mut self.waits[run.accelerator.index()];
            *wait = (*wait).max(run.expected_end.saturating_since(view.now));
        }
        self.passed.clear();
        self.passed.resize(window, false);
    }

    /// Waiting times for a job: with reservations of others.
    fn look_at(&mut self, job: JobId, reservations: &[Reservation]) {
        self.waits_of_job.clone_from(&self.waits);
        for Reservation { unit, .. } in reservations.iter().filter(|other| other.job != job) {
            let wait = &mut self.waits_of_job[unit.on.index()];
            *wait = wait.saturating_add(unit.latency);
        }
    }
}

/// Positions of accelerators that run a layer of a model.
fn running(view: &View<'_>, model: ModelId, layer: u32) -> impl Iterator<Item = AcceleratorId> {
    let profile = view.profile;
    let all = (0..profile.accelerators()).map(AcceleratorId::new);
    all.filter(move |accelerator| profile.runs(model, layer, *accelerator))
}

impl Heft {
    /// The layer that a job's next unit ends before.
    fn unit_end(&self, view: &View<'_>, job: &Job) -> u32 {
        let (model, from, layers) = (job.model, job.progress.layer, view.profile.layers(job.model));
        let end = match self.granularity.extent(view, job) {
            Extent::Layers(count) => from.saturating_add(count.get()).min(layers),
            Extent::Rest => layers,
        };
        if !view.profile.is_partial() {
            return end;
        }
        let is_alike = |layer: &u32| running(view, model, *layer).eq(running(view, model, from));
        (from + 1..end).find(|layer| !is_alike(layer)).unwrap_or(end)
    }

    /// The plan of a job with the waiting times of the round; none where it has nothing left that runs anywhere.
    fn plan(&self, view: &View<'_>, job: &Job) -> Option<Plan> {
        let (mut job, layers) = (*job, view.profile.layers(job.model));
        let mut plan: Option<Plan> = None;
        while job.progress.layer < layers {
            let finish = plan.map_or(Duration::ZERO, |plan| plan.finish);
            let end = self.unit_end(view, &job);
            let mut best: Option<(Duration, Planned)> = None;
            for on in running(view, job.model, job.progress.layer) {
                let class = view.whole(on);
                let rest = view.profile.rest_of_layer(job.model, job.progress, class);
                let others =
                    (job.progress.layer + 1..end).map(|layer| view.profile.latency(job.model, layer, class));
                let latency = others.fold(rest, Duration::saturating_add);
                let total = self.round.waits_of_job[on.index()].max(finish).saturating_add(latency);
                if best.is_none_or(|(least, _)| total <= least) {
                    best = Some((total, Planned { on, latency }));
                }
            }
            let (finish, unit) = best?;
            plan = Some(match plan {
                None => Plan { finish, next: unit, end, after: None },
                Some(Plan { next, end, after, .. }) => {
                    Plan { finish, next, end, after: after.or(Some(unit)) }
                }
            });
            job.progress = Progress::at(end);
        }
        plan
    }

    /// The job to dispatch, with its plan and its place in the queue.
    fn choose<'v>(&mut self, view: &View<'v>) -> Option<(&'v Job, Plan)> {
        let all = self.queue.jobs.len();
        let window = if self.window == 0 { all } else { all.min(self.window as usize) };
        self.round.begin(view, window);
        loop {
            let mut best: Option<(usize, &Job, Plan)> = None;
            self.round.searched.clear();
            for place in 0..window {
                let Some(job) = view.job(self.queue.jobs[place]) else { continue };
                if self.round.passed[place] {
                    continue;
                }
                let chosen = self.as_chosen(view, job);
                let kind = (chosen.model, chosen.progress);
                if self.round.searched.contains(&kind) {
                    continue;
                }
                self.round.searched.push(kind);
                self.round.look_at(job.id, &self.reservations);
                let Some(plan) = self.plan(view, &chosen) else { continue };
                if best.is_none_or(|(_, _, greatest)| plan.finish > greatest.finish) {
                    best = Some((place, job, plan));
                }
            }
            let (place, job, plan) = best?;
            let Planned { on, latency } = plan.next;
            if view.accelerators[on.index()].is_idle() {
                return Some((job, plan));
            }
            let wait = &mut self.round.waits[on.index()];
            *wait = wait.saturating_add(latency);
            self.round.passed[place] = true;
        }
    }

    /// A job as the variant that it is to run as, if it was dispatched now.
    fn as_chosen(&self, view: &View<'_>, job: &Job) -> Job {
        let model = self.variants.choose(view, job).map_or(job.model, |(_, model)| model);
        Job { model, ..*job }
    }

    /// Keeps the accelerator of the unit after the one that is dispatched.
    fn keep(&mut self, job: JobId, after: Option<Planned>) {
        self.reservations.retain(|kept| kept.job != job);
        if let Some(unit) = after.filter(|_| self.reserve) {
            self.reservations.push(Reservation { job, unit });
        }
    }
}

impl Policy for Heft {
    fn decide(
        &mut self,
        view: &View<'_>,
        _truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.drop.begin(view);
        self.variants.begin(view);
        if let Some(job) = self.drop.next(view, &self.variants) {
            out.push(Decision::Drop { job });
            return Ok(());
        }
        self.queue.update(view);
        if view.is_stuck() {
            return Ok(());
        }
        self.reservations.retain(|kept| view.job(kept.job).is_some());
        let Some((job, plan)) = self.choose(view) else { return Ok(()) };
        self.keep(job.id, plan.after);
        let variant = self.variants.choose(view, job).map(|(variant, _)| variant);
        let layers = plan.end.saturating_sub(job.progress.layer);
        let extent = match NonZeroU32::new(layers) {
            Some(layers) if plan.after.is_some() => Extent::Layers(layers),
            _ => Extent::Rest,
        };
        out.push(Decision::dispatch(job.id, variant, plan.next.on, extent));
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
    use crate::fixture::{Fixture, NONE, TaskSketch};
    use crate::job::Progress;
    use crate::policies::{check, policy};

    #[test]
    fn the_job_with_the_latest_earliest_finish_goes_first() {
        // a finishes at 4 at the earliest, b at 6, c at 5, each on accelerator 0.
        let tasks = [
            TaskSketch::new("a", &[&[4, 9]]),
            TaskSketch::new("b", &[&[6, 8]]),
            TaskSketch::new("c", &[&[5, 5]]),
        ];
        let mut fixture = Fixture::new(&tasks).unwrap();
        for task in [0, 1, 2] {
            fixture.ready(task, 0, 90);
        }
        // b takes 0. Then a would finish at 9 on 1 and at 10 on 0; c at 5 on 1. a is first, and c finds nothing idle.
        check(&fixture, "heft", "", "b0>0 a0>1");
    }

    #[test]
    fn a_job_waits_for_the_accelerator_where_it_finishes_the_earliest() {
        // r holds accelerator 0 for 3 more. a: 3 + 2 there, 6 on the other; b: 3 + 4, and 4.
        let tasks = [
            TaskSketch::new("a", &[&[2, 6]]),
            TaskSketch::new("b", &[&[4, 4]]),
            TaskSketch::new("r", &[&[3, 3]]),
        ];
        let mut fixture = Fixture::new(&tasks).unwrap();
        let running = fixture.ready(2, 0, 90);
        fixture.run(running, 0, Extent::Rest);
        fixture.ready(0, 0, 90);
        check(&fixture, "heft", "", "");
        // Passed over, a makes 0 wait until 5. A second a would finish at 7 there: at 6 on the other.
        let mut alike = fixture.clone();
        alike.ready(0, 0, 90);
        check(&alike, "heft", "", "a1>1");
        // b takes the idle one, though a comes first: of 5 and 4, a is the greater and is passed over.
        fixture.ready(1, 0, 90);
        check(&fixture, "heft", "", "b0>1");
        // At the head of a window of one there is a, which waits.
        check(&fixture, "heft", "schedule_window=1", "");
        check(&fixture, "heft", "schedule_window=2", "b0>1");
    }

    #[test]
    fn of_equal_finishes_the_last_accelerator_and_the_first_of_the_queue() {
        let task = |name| TaskSketch::new(name, &[&[4, 4, 4]]);
        let mut fixture = Fixture::new(&[task("a"), task("b")]).unwrap();
        for task in [1, 0, 1] {
            fixture.ready(task, 0, 90);
        }
        check(&fixture, "heft", "", "b0>2 a0>1 b1>0");
    }

    #[test]
    fn a_plan_changes_accelerators_between_units() {
        // One layer suits the first accelerator, the other the second: 2 + 1 against 2 + 8 and 9 + 1.
        let task = TaskSketch::new("a", &[&[2, 9], &[8, 1]]);
        let mut fixture = Fixture::new(&[task.clone(), TaskSketch::new("b", &[&[2, 4]])]).unwrap();
        let job = fixture.ready(0, 0, 90);
        check(&fixture, "heft", "", "a0>1");
        check(&fixture, "heft", "granularity=layer", "a0>0:1");
        fixture.change(job, |job| job.progress = Progress::at(1));
        check(&fixture, "heft", "granularity=layer", "a0>1");
        check(&fixture, "heft", "granularity=block block_layers=2", "a0>1");
    }

    #[test]
    fn a_unit_ends_where_the_accelerators_change_that_run_it() {
        // The first two layers run on accelerator 0 alone; the last takes 5 there and 1 on the other.
        let task = TaskSketch::new("a", &[&[2, NONE], &[2, NONE], &[5, 1]]);
        let mut fixture = Fixture::new(&[task]).unwrap();
        let job = fixture.ready(0, 0, 90);
        check(&fixture, "heft", "", "a0>0:2");
        check(&fixture, "heft", "granularity=layer", "a0>0:1");
        fixture.change(job, |job| job.progress = Progress::at(2));
        check(&fixture, "heft", "", "a0>1");
    }

    #[test]
    fn a_reservation_keeps_others_off_until_the_job_goes_on() {
        // Both layers of a suit accelerator 0. With 0 busy for 4, b finishes at 7 there and at 9 on the other; with 0 kept for 4
        // more, at 11 there.
        let tasks = [TaskSketch::new("a", &[&[4, 8], &[4, 8]]), TaskSketch::new("b", &[&[3, 9]])];
        let mut fixture = Fixture::new(&tasks).unwrap();
        fixture.ready(0, 0, 90);
        fixture.ready(1, 0, 90);
        check(&fixture, "heft", "granularity=layer", "a0>0:1");
        check(&fixture, "heft-reserved", "granularity=layer", "a0>0:1 b0>1");
        // The job itself is not kept off. Once it has gone on with its last layer, nothing is kept.
        let mut reserved = policy("heft-reserved", "granularity=layer");
        let mut alone = Fixture::new(&tasks).unwrap();
        alone.ready(0, 0, 90);
        assert_eq!(alone.settle(reserved.as_mut()), "a0>0:1");
        alone.set_now(4);
        alone.stop(0, 1);
        assert_eq!(alone.settle(reserved.as_mut()), "a0>0");
        alone.ready(1, 4, 90);
        assert_eq!(alone.settle(reserved.as_mut()), "");
    }

    #[test]
    fn a_job_that_goes_on_comes_to_the_queue_anew() {
        // Each has 4 left once a0 has run its first layer. It then stands behind b0, which came meanwhile.
        let tasks = [TaskSketch::new("a", &[&[4], &[4]]), TaskSketch::new("b", &[&[4]])];
        let mut fixture = Fixture::new(&tasks).unwrap();
        fixture.ready(0, 0, 90);
        let mut heft = policy("heft", "granularity=layer");
        assert_eq!(fixture.settle(heft.as_mut()), "a0>0:1");
        fixture.set_now(2);
        fixture.ready(1, 2, 90);
        assert_eq!(fixture.settle(heft.as_mut()), "");
        fixture.set_now(4);
        fixture.stop(0, 1);
        assert_eq!(fixture.clone().settle(heft.as_mut()), "b0>0");
        // Had both come now, it would be the first.
        let mut fresh = policy("heft", "granularity=layer");
        assert_eq!(fixture.settle(fresh.as_mut()), "a0>0");
    }

    #[test]
    fn late_jobs_are_dropped_and_networks_of_a_supernet_have_plans_of_their_own() {
        let light = TaskSketch::new("light", &[&[9, 3]]);
        let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[4, 9]]).variant(light)]).unwrap();
        fixture.ready(0, 0, 10);
        check(&fixture, "heft", "", "a0>0");
        check(&fixture, "heft", "variants=lightest", "a0/1>1");
        fixture.set_now(11);
        check(&fixture, "heft", "", "drop a0");
        check(&fixture, "heft", "drop=never", "a0>0");
    }
}
