//! `horizon`: a plan of all live jobs and of the frames that are expected, of which each decision carries out the next step.
//!
//! Source: this project. What it is made of is older: deadlines that leave time for what follows (Kao and Garcia-Molina,
//! *Deadline Assignment in a Distributed Soft Real-Time System*, IEEE TPDS 8(12), 1997), list scheduling on machines that are not
//! alike (Topcuoglu et al., HEFT, IEEE TPDS 13(3), 2002), and the job to leave out where not all are in time (Moore, *An n job,
//! one machine sequencing algorithm for minimizing the number of late jobs*, Management Science 15(1), 1968).
//!
//! 1. A job is dropped by the drop rule: where it is late even if each layer runs at once where it is fastest.
//! 2. `pieces`: what is left of live jobs, jobs that they may trigger, and frames of periodic tasks that are expected before
//!    the last deadline, in the order of virtual deadlines (`tasks`).
//! 3. `plan`: each of them on the accelerator that takes least energy for all that is left, of those that end it in time behind
//!    what is planned; as a lighter variant where there is none; by `repair` where there is none either.
//! 4. `dispatch`: the next segment of the first planned job of each idle accelerator. One may stay idle for a job that comes.
//!
//! Ties go to the earliest deadline, then to the earliest release, then to the accelerator that the platform states first.
//!
//! A plan is for accelerators as a whole: at operating points that are part of it (`clocks`), or at those of now under a governor.
//! What others on a shared memory cost is learned by `pace`, which stretches latencies of jobs by themselves. What comes at random
//! instants is not expected.

mod arrivals;
mod batches;
mod clocks;
mod dispatch;
mod improve;
mod layer_rule;
#[cfg(test)]
mod on_busy;
mod pace;
mod pieces;
mod plan;
mod points;
mod repair;
mod roam;
mod settings;
mod split;
mod tasks;
mod timeline;
mod ways;

use rtmm_hardware::Units;
use rtmm_workload::parameters::{Parameters, Schema};
use rtmm_workload::{Duration, Time};

use self::arrivals::Arrivals;
use self::clocks::{Clocks, Planned};
use self::dispatch::{Dispatch, Segment};
use self::pace::Pace;
use self::pieces::{Known, Pieces};
use self::plan::Plan;
use self::settings::{Replan, Settings};
use self::tasks::TaskFacts;
use self::ways::{Costs, Ways};
use crate::decision::{Decision, Decisions, Extent};
use crate::ids::JobId;
use crate::job::Job;
use crate::parts::Granularity;
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::terms;
use crate::truth::Truth;
use crate::view::View;

/// Tag of its timers.
const TAG: u64 = u64::MAX;

/// Defaults that differ from those of the parts: batches form where the platform has costs of them, as far as all jobs are in time.
pub const DEFAULTS: &[(&str, &str)] = &[("drop", "late"), ("batching", "deadline-aware")];

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Settings::schema()
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(Horizon::new(Settings::read(parameters)))
}

/// A policy that plans.
#[derive(Clone, Debug)]
struct Horizon {
    settings: Settings,
    facts: Vec<TaskFacts>,
    arrivals: Arrivals,
    pace: Pace,
    pieces: Pieces,
    plan: Plan,
    clocks: Clocks,
    /// When the plan was made; none if it has to be made anew.
    planned: Option<Time>,
    /// The last timer that was set.
    timer: Option<Time>,
}

impl Horizon {
    fn new(settings: Settings) -> Self {
        let (facts, arrivals) = (Vec::new(), Arrivals::default());
        let (pace, pieces, plan, clocks) = <(Pace, Pieces, Plan, Clocks)>::default();
        Self { settings, facts, arrivals, pace, pieces, plan, clocks, planned: None, timer: None }
    }

    /// Learns of the tasks, at the first look at them.
    fn begin(&mut self, view: &View<'_>) {
        self.settings.drop.begin(view);
        if self.facts.len() != view.tasks() {
            self.settings.variants.begin(view);
            self.settings.plans_clocks &= points::are_stated(view);
            self.facts = tasks::facts(view, &self.settings);
            // A segment of several layers stays where it is.
            let Settings { roams, layer_energy, layer_rule, granularity, plans_clocks: held, .. } =
                self.settings;
            if (roams || layer_energy || layer_rule) && granularity == Granularity::Layer {
                self.pieces.ways = Ways::new(Costs { view, held });
            }
        }
    }

    /// The next job to drop.
    fn lost(&self, view: &View<'_>) -> Option<JobId> {
        let Settings { drop, variants, .. } = &self.settings;
        if !self.settings.drops_what_is_lost() {
            return drop.next(view, variants);
        }
        let is_lost = |job: &&Job| {
            let model = variants.lightest(job);
            let least = view.profile.fastest_remaining(model, job.progress);
            let spread = view.profile.fastest_spread(model, job.progress).picoseconds();
            let hoped = Duration::from_picoseconds(self.settings.hoped(spread));
            !terms::is_feasible(job.deadline, view.now, least.saturating_sub(hoped))
        };
        view.ready().chain(view.waiting()).find(is_lost).map(|job| job.id)
    }

    /// Makes the plan, where the one that there is no longer holds.
    fn update_plan(&mut self, view: &View<'_>) {
        let holds = match self.settings.replan {
            // Where accelerators do not run all layers, a job moves on between events, and where models skip, times change.
            Replan::Event if !view.profile.is_partial() && !self.pieces.is_uncertain() => {
                self.planned.is_some()
            }
            Replan::Layer | Replan::Event => self.planned == Some(view.now),
        };
        if !holds {
            let (settings, facts, pace) = (&self.settings, &self.facts, &self.pace);
            let known = Known { view, settings, facts, pace, points: None };
            if settings.plans_clocks {
                let (plan, pieces, arrivals) = (&mut self.plan, &mut self.pieces, &mut self.arrivals);
                let planned = Planned { plan, pieces, arrivals, known };
                self.clocks.plan(planned, self.planned.is_none());
            } else {
                self.pieces.gather(known, &mut self.arrivals);
                self.plan.make(&mut self.pieces, known);
            }
            self.planned = Some(view.now);
        }
    }
}

impl Policy for Horizon {
    fn decide(
        &mut self,
        view: &View<'_>,
        _truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.begin(view);
        if self.settings.learns_pace {
            self.pace.look(view);
        }
        if let Some(change) = self.settings.governor.next(view) {
            out.push(change);
            return Ok(());
        }
        if let Some(job) = self.lost(view) {
            out.push(Decision::Drop { job });
            return Ok(());
        }
        if view.is_stuck() && !self.settings.plans_clocks {
            return Ok(());
        }
        self.update_plan(view);
        if let Some(change) = self.clocks.next(view) {
            out.push(change);
            return Ok(());
        }
        if view.is_stuck() {
            out.extend(self.clocks.gate(view));
            return Ok(());
        }
        let (settings, pieces, plan) = (&self.settings, &self.pieces, &self.plan);
        let (pace, facts) = (&self.pace, self.facts.as_slice());
        let dispatch = Dispatch { view, settings, pieces, plan, pace, facts };
        match dispatch.next() {
            Ok(segment) => {
                let Segment { job, variant, on, extent, .. } = segment;
                let (jobs, extent) = match dispatch.batch(&segment) {
                    0 | 1 => (job.id.into(), extent),
                    size => {
                        let others = dispatch.alike(&segment).take(size - 1).map(|(job, ..)| job.id);
                        (out.batch(std::iter::once(job.id).chain(others)), Extent::Rest)
                    }
                };
                out.push(Decision::Dispatch { jobs, variant, on, units: Units::All, extent });
            }
            // What was expected may not come: then nothing else would ask.
            Err(Some(at)) if at > view.now && self.timer != Some(at) => {
                self.timer = Some(at);
                out.push(Decision::SetTimer { at, tag: TAG });
            }
            Err(_) => out.extend(self.clocks.gate(view)),
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        Interests { jobs: true, layers: false, times: true }
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        match *notice {
            Notice::Released(job) => {
                if let Some(job) = view.job(job) {
                    self.arrivals.observe(job);
                }
                self.planned = None;
            }
            Notice::Completed(job) => {
                self.pace.complete(job, view.now);
                self.planned = None;
            }
            Notice::InputsReady(_) | Notice::Dropped(_) | Notice::Timer(_) => self.planned = None,
            Notice::PhaseChanged(_) => {
                self.arrivals.begin_phase();
                self.planned = None;
            }
            _ => {}
        }
        self.settings.drop.notify(notice, view);
        self.settings.governor.notify(notice, view);
        Ok(())
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(self.settings.decision_time.of(view))
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use rtmm_workload::{Dependency, DependencyKind, TaskId};

    use crate::decision::Extent;
    use crate::fixture::{Fixture, NONE, TaskSketch};
    use crate::policies::check;

    /// `a` takes 4 on the first accelerator and 6 on the second, for half the energy; `b` 9 and 4.
    fn two() -> Fixture {
        let a = TaskSketch::new("a", &[&[4, 6]]).energy_pj(&[&[2.0, 1.0]]);
        let b = TaskSketch::new("b", &[&[9, 4]]).energy_pj(&[&[1.0, 1.0]]);
        Fixture::new(&[a, b]).unwrap()
    }

    #[test]
    fn of_accelerators_that_are_in_time_the_one_that_takes_least_energy() {
        for (due_us, expected) in [(7, "a0>1:1"), (6, "a0>0:1"), (4, "a0>0:1"), (3, "drop a0")] {
            let mut fixture = two();
            fixture.ready(0, 0, due_us);
            check(&fixture, "horizon", "", expected);
        }
        let mut fixture = two();
        fixture.ready(0, 0, 90);
        check(&fixture, "horizon", "choice=earliest-end improve=false", "a0>0:1");
        check(&fixture, "horizon", "choice=least-latency improve=false", "a0>0:1");
        check(&fixture, "horizon", "choice=least-latency", "a0>1:1");
        // With a margin of a fifth it would take 7.2.
        let mut fixture = two();
        fixture.ready(0, 0, 7);
        check(&fixture, "horizon", "margin=0.1", "a0>1:1");
        check(&fixture, "horizon", "margin=0.2", "a0>0:1");
    }

    #[test]
    fn one_moves_or_goes_where_two_are_in_each_others_way() {
        // b is in time on the second accelerator alone, by 4; a is before it there, until 6.
        let mut fixture = two();
        fixture.ready(0, 0, 7);
        fixture.ready(1, 0, 8);
        check(&fixture, "horizon", "", "a0>0:1 b0>1:1");
        // Without spill the longer one goes, which is a, on the second accelerator, and finds room on the first one.
        check(&fixture, "horizon", "spill=false plans=1", "a0>0:1 b0>1:1");
        // Or nothing goes, and b runs late on the first one.
        check(&fixture, "horizon", "spill=false plans=1 sacrifice=none", "b0>0:1 a0>1:1");
        // By the earliest end a is on the first one from the beginning.
        check(&fixture, "horizon", "spill=false", "a0>0:1 b0>1:1");
        check(&fixture, "horizon", "budget=0", "a0>0:1 b0>1:1");
    }

    #[test]
    fn what_goes_frees_most_time_per_unit_of_weight() {
        // One accelerator; by 10 there is time for one of the two.
        let sketch = |name, period_us| {
            TaskSketch::new(name, &[&[if period_us > 50 { 8 } else { 5 }]]).every(period_us)
        };
        let mut fixture = Fixture::new(&[sketch("long", 100), sketch("short", 50)]).unwrap();
        fixture.ready(0, 0, 10);
        fixture.ready(1, 0, 10);
        // 8 for a weight of 2 against 5 for 1; without weights the longer one.
        check(&fixture, "horizon", "sacrifice=period", "long0>0:1");
        check(&fixture, "horizon", "", "short0>0:1");
        // 8 / 1.41 is more than 5.
        check(&fixture, "horizon", "sacrifice=root-period", "short0>0:1");
    }

    #[test]
    fn work_that_others_follow_is_due_earlier() {
        // b follows a and takes 7: of 20, a has 13. c is due at 15.
        let sketch = |name, latency_us: u64| TaskSketch::new(name, &[&[latency_us]]);
        let mut fixture = Fixture::new(&[sketch("a", 3), sketch("b", 7), sketch("c", 3)]).unwrap();
        let kind = DependencyKind::Control { probability: 0.5, probability_after_exit: Vec::new() };
        fixture.change_task(1, |task| task.depends_on.push(Dependency { task: TaskId::new(0), kind }));
        fixture.ready(0, 0, 20);
        fixture.ready(2, 0, 15);
        check(&fixture, "horizon", "", "a0>0:1");
        check(&fixture, "horizon", "virtual_deadlines=false", "c0>0:1");
    }

    #[test]
    fn an_accelerator_waits_for_a_frame_that_is_expected() {
        // A frame of b, of which one runs, comes at 5 and is due at 10: on the first accelerator, where it costs less, it has to
        // begin by 6.
        for (layer_us, due_us, settings, expected) in [
            (6, 40, "", "a0>0:1"),
            (7, 40, "", "timer 5"),
            (7, 40, "wait=false", "a0>0:1"),
            (7, 40, "lookahead=0", "a0>0:1"),
            // Between the frames it would end at 11, behind a wait until 5 at 16: it matters more than a frame of b.
            (7, 15, "sacrifice=period", "a0>0:1"),
            (7, 15, "", "timer 5"),
        ] {
            let b = TaskSketch::new("b", &[&[4, 1]]).energy_pj(&[&[1.0, 9.0]]).every(5);
            let tasks = [TaskSketch::new("a", &[&[layer_us, NONE]]), b];
            let mut fixture = Fixture::new(&tasks).unwrap();
            let b0 = fixture.ready(1, 0, 5);
            fixture.run(b0, 1, Extent::Rest);
            fixture.ready(0, 0, due_us);
            check(&fixture, "horizon", settings, expected);
        }
    }

    #[test]
    fn a_job_goes_once_it_is_late_even_if_it_skips_more_than_expected() {
        // 4 and, behind an exit that half of the jobs take, 8 more: 8 in the mean, with a standard deviation of 4.
        for (due_us, settings, expected) in [
            (8, "hope=0", "a0>0:1"),
            (7, "hope=0", "drop a0"),
            (7, "hope=0.5", "a0>0:1"),
            (5, "hope=0.5", "drop a0"),
            (4, "hope=1", "a0>0:1"),
            (3, "hope=1", "drop a0"),
        ] {
            let task = TaskSketch::new("a", &[&[4], &[8]]).exit(0, 0.5);
            let mut fixture = Fixture::new(&[task]).unwrap();
            fixture.ready(0, 0, due_us);
            check(&fixture, "horizon", settings, expected);
        }
    }

    #[test]
    fn a_lighter_variant_runs_where_the_largest_is_not_in_time() {
        let light = TaskSketch::new("light", &[&[2]]);
        for (due_us, expected) in [(7, "a0/0>0:1"), (5, "a0/1>0:1"), (1, "drop a0")] {
            let task = TaskSketch::new("a", &[&[6]]).variant(light.clone());
            let mut fixture = Fixture::new(&[task]).unwrap();
            fixture.ready(0, 0, due_us);
            check(&fixture, "horizon", "", expected);
        }
    }

    #[test]
    fn a_batch_waits_for_one_more_job_for_half_of_the_time_that_there_is() {
        // One takes 4 and two take 6, for the energy of one.
        for (jobs, due_us, settings, expected) in [
            (1, 40, "", "timer 14"),
            (1, 12, "", "a0>0:1"),
            (1, 40, "wait=false", "a0>0:1"),
            (1, 40, "batching=up-to-n", "a0>0:1"),
            (1, 40, "batch_limit=1", "a0>0:1"),
            // A batch of three takes 8.
            (2, 40, "", "timer 12"),
            (2, 40, "batch_limit=2", "a0+a1>0"),
            // One of two is lost for the other.
            (2, 5, "", "a0>0:1"),
        ] {
            let mut fixture =
                Fixture::batching(&[TaskSketch::new("a", &[&[4]]).energy_pj(&[&[1.0]])], 8).unwrap();
            for _ in 0..jobs {
                fixture.ready(0, 0, due_us);
            }
            check(&fixture, "horizon", settings, expected);
        }
        // What others follow waits for nothing.
        let tasks = ["a", "b"].map(|name| TaskSketch::new(name, &[&[4]]).energy_pj(&[&[1.0]]));
        let mut fixture = Fixture::batching(&tasks, 8).unwrap();
        let kind = DependencyKind::Control { probability: 0.1, probability_after_exit: Vec::new() };
        fixture.change_task(1, |task| task.depends_on.push(Dependency { task: TaskId::new(0), kind }));
        fixture.ready(0, 0, 40);
        check(&fixture, "horizon", "", "a0>0:1");
        // What else is planned there has half of its time, too: c is planned until 34.
        for (due_us, expected) in [(80, "timer 4"), (76, "timer 4"), (72, "timer 2"), (60, "a0>0:1")] {
            let tasks = [TaskSketch::new("a", &[&[4]]), TaskSketch::new("c", &[&[30]])];
            let mut fixture = Fixture::batching(&tasks.map(|task| task.energy_pj(&[&[1.0]])), 8).unwrap();
            fixture.ready(0, 0, 20);
            fixture.ready(1, 0, due_us);
            check(&fixture, "horizon", "margin=0 batch_limit=2", expected);
        }
    }

    #[test]
    fn a_batch_is_in_the_way_of_nothing_that_is_planned() {
        // Two of a take 6 and give way to nothing, b takes 3 and is due between them.
        for (due_us, expected) in [(9, "a0+a1>0"), (8, "a0>0:1")] {
            let tasks = [TaskSketch::new("a", &[&[4]]), TaskSketch::new("b", &[&[3]])];
            let mut fixture = Fixture::batching(&tasks, 8).unwrap();
            for (task, due_us) in [(0, 7), (0, 40), (1, due_us)] {
                fixture.ready(task, 0, due_us);
            }
            check(&fixture, "horizon", "batching=up-to-n", expected);
        }
    }

    #[test]
    fn layers_go_to_accelerators_that_run_them() {
        let task = TaskSketch::new("a", &[&[2, NONE], &[NONE, 3]]);
        let mut fixture = Fixture::new(&[task]).unwrap();
        let a0 = fixture.ready(0, 0, 20);
        check(&fixture, "horizon", "", "a0>0:1");
        fixture.change(a0, |job| job.progress = crate::job::Progress::at(1));
        check(&fixture, "horizon", "", "a0>1:1");
    }

    #[test]
    fn a_job_waits_for_the_accelerator_that_it_is_planned_on() {
        // On the first one alone a is in time, behind what runs there until 3.
        let tasks = [TaskSketch::new("a", &[&[2, 9]]), TaskSketch::new("r", &[&[3, 3]])];
        let mut fixture = Fixture::new(&tasks).unwrap();
        let running = fixture.ready(1, 0, 90);
        fixture.run(running, 0, Extent::Rest);
        fixture.ready(0, 0, 6);
        check(&fixture, "horizon", "", "");
        check(&fixture, "horizon", "wait=false", "a0>1:1");
    }

    #[test]
    fn jobs_that_are_lost_run_where_nothing_else_does() {
        let mut fixture = two();
        fixture.ready(0, 0, 3);
        check(&fixture, "horizon", "drop=never", "a0>0:1");
        let of_three = TaskSketch::new("a", &[&[5]]);
        let mut fixture = Fixture::new(&[of_three]).unwrap();
        for due_us in [6, 7] {
            fixture.ready(0, 0, due_us);
        }
        // One of two that take 5 has to go, and does not run.
        check(&fixture, "horizon", "", "a0>0:1");
    }

    #[test]
    fn time_where_energy_is_least_goes_to_the_piece_that_saves_most_there() {
        // By 10 and 11 the second accelerator has time for one of the two. a is due first, and saves 1 there; b saves 45.
        let a = TaskSketch::new("a", &[&[4, 8]]).energy_pj(&[&[8.0, 7.0]]);
        let b = TaskSketch::new("b", &[&[4, 8]]).energy_pj(&[&[60.0, 15.0]]);
        let mut fixture = Fixture::new(&[a, b]).unwrap();
        fixture.ready(0, 0, 10);
        fixture.ready(1, 0, 11);
        check(&fixture, "horizon", "improve=false", "b0>0:1 a0>1:1");
        check(&fixture, "horizon", "", "a0>0:1 b0>1:1");
    }

    #[test]
    fn layers_go_where_they_take_least_energy_if_half_of_the_time_is_enough() {
        // On either accelerator both layers take 8 and 10 pJ; each on its own one 8 and 2.
        let sketch = TaskSketch::new("a", &[&[4, 4], &[4, 4]]).energy_pj(&[&[9.0, 1.0], &[1.0, 9.0]]);
        for (due_us, settings, expected) in
            [(16, "", "a0>1:1"), (15, "", "a0>0:1"), (16, "layer_energy=false", "a0>0:1")]
        {
            let mut fixture = Fixture::new(std::slice::from_ref(&sketch)).unwrap();
            fixture.ready(0, 0, due_us);
            check(&fixture, "horizon", settings, expected);
        }
    }

    #[test]
    fn a_rule_for_layers_is_followed_where_it_has_all_in_time_and_no_plan_has() {
        // Two accelerators that are alike have time for 14 by 7: for 13 of layers, and for two of the jobs whole.
        let sketch = |name, last_us: u64| TaskSketch::new(name, &[&[2, 2], &[last_us, last_us]]);
        let mut fixture = Fixture::new(&[sketch("a", 2), sketch("b", 2), sketch("c", 3)]).unwrap();
        for task in 0..3 {
            fixture.ready(task, 0, 7);
        }
        // c has least slack.
        check(&fixture, "horizon", "", "c0>0:1 a0>1:1");
        check(&fixture, "horizon", "layer_rule=false", "a0>0:1 b0>1:1");
        check(&fixture, "horizon", "budget=5", "a0>0:1 b0>1:1");
    }

    #[test]
    fn jobs_of_one_model_run_as_a_batch_as_far_as_all_are_in_time() {
        // A batch of n takes (n + 1) / 2 times 4.
        for (settings, expected) in
            [("batching=none", "a2>0:1"), ("", "a2+a0>0"), ("batch_limit=1", "a2>0:1")]
        {
            let mut fixture = Fixture::batching(&[TaskSketch::new("a", &[&[4]])], 8).unwrap();
            for due_us in [20, 20, 12] {
                fixture.ready(0, 0, due_us);
            }
            // Two of them take 6, by 11; three would take 8.
            fixture.set_now(5);
            check(&fixture, "horizon", settings, expected);
        }
    }
}
