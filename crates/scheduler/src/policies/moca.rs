//! MoCA: jobs on groups of tiles by priority and waiting time, memory-hungry jobs beside others, and runs held
//! below a cap of the memory bandwidth where together they would ask too much of it.
//!
//! Source: Kim et al., *MoCA: Memory-Centric, Adaptive Execution for Multi-Tenant Deep Neural Networks*, HPCA
//! 2023 (arXiv 2305.05843), sections III and IV; its artifact (ucb-bar/MoCA, ucb-bar/gemmini-rocc-tests).
//!
//! ```text
//! order     = priority + waited / isolated                                largest first   (Algorithm 3)
//! pairing   : beside a memory-intensive run, the first ready job that is not; intensive = its average demand is
//!             above `intensive` of the memory bandwidth
//! demand  u = 100 x off-chip bytes / (latency x bandwidth)                of a layer      (Algorithm 1)
//! score     = priority + rest / slack
//! excess  e = u + sum of others' u - `demand_limit`
//! cap       = max(`least_cap`, u - e W / (score u + W)),  W = sum over others of score u  (Algorithm 2)
//! ```
//!
//! A cap is set when a layer begins, on platforms whose memory has caps (`sharing = "capped"`) or throttles
//! (`sharing = "throttle"`, which take it as a threshold), for layers of `throttled_quanta` steps or more; anywhere else nothing is throttled. `static-partition` is the same policy
//! without pairing and throttle.
//!
//! `scores = artifact` has the scores of the artifact's runtime in the throttle: whole numbers, and a run's own
//! score for every other run, so that they cancel and the excess is split by demand alone. The engine's caps are
//! rates that hold at once; the artifact's hardware counts rows in windows (`rtmm run --compat moca`).
//!
//! Sure: the order, the throttle's form and its constants (150 and 25 percent). Less so: how a running
//! memory-intensive job and the head of the queue make a pair; priorities below zero count as zero.

use rtmm_hardware::{AcceleratorId, Bandwidth, ClassId, DRAM, Share, Units};
use rtmm_workload::parameters::{Choice, Declared, Integer, Parameters, Real, Schema, Switch};
use rtmm_workload::{Duration, ModelId};

use crate::decision::{Decision, Decisions, Extent};
use crate::estimator::seconds;
use crate::ids::RunId;
use crate::job::{Job, Progress};
use crate::parts::{DecisionTime, DropRule, VariantChoice};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::run::Run;
use crate::terms::{self, Score};
use crate::truth::Truth;
use crate::view::View;

const TILES: Integer<u32> = Integer::new("tiles", "units of an accelerator that a job runs on", 2, 1..=64);

const PAIRING: Switch =
    Switch::new("pairing", "whether a memory-intensive run is given a job beside it that is not", true);

const INTENSIVE: Real = Real::new(
    "intensive",
    "the part of the memory bandwidth above which a job's average demand is memory-intensive",
    0.5,
    0.0..=1.0,
);

const THROTTLE: Switch = Switch::new(
    "throttle",
    "whether runs are held below caps of the memory bandwidth; the memory must have caps or throttles",
    true,
);

const DEMAND_LIMIT: Real = Real::new(
    "demand_limit",
    "the sum of demands, in percent of the memory bandwidth, up to which no run is held back",
    150.0,
    0.0..=1e9,
);

const MIN_CAP: Real = Real::new(
    "least_cap",
    "the least that a run is held to, in percent of the memory bandwidth",
    25.0,
    0.0001..=100.0,
);

const THROTTLED_QUANTA: Integer<u32> =
    Integer::new("throttled_quanta", "the least steps of a layer that is held back", 4, 1..=1_000_000);

/// Forms of the throttle's scores.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scores {
    Paper,
    Artifact,
}

const SCORES: Choice<Scores> = Choice::new(
    "scores",
    "whose scores split what demands exceed the limit by",
    Scores::Paper,
    &[("paper", Scores::Paper), ("artifact", Scores::Artifact)],
);

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    let own: &[&dyn Declared] =
        &[&TILES, &PAIRING, &INTENSIVE, &THROTTLE, &DEMAND_LIMIT, &MIN_CAP, &THROTTLED_QUANTA, &SCORES];
    Schema::of(&[own, DropRule::PARAMETERS, VariantChoice::PARAMETERS, DecisionTime::PARAMETERS])
}

/// Defaults that differ in `static-partition`.
pub const STATIC_PARTITION: &[(&str, &str)] = &[("pairing", "false"), ("throttle", "false")];

/// The policy.
#[derive(Clone, Debug)]
pub struct Moca {
    tiles: u32,
    pairing: bool,
    intensive: f64,
    throttle: bool,
    demand_limit: f64,
    least_cap: f64,
    throttled_quanta: u32,
    scores: Scores,
    drop: DropRule,
    variants: VariantChoice,
    decision_time: DecisionTime,
    /// By slot of runs: the run and the layer that it is in, where that is not its first.
    layers: Vec<Option<(RunId, u32)>>,
    /// By slot of runs: the run and the layer for which its cap was set.
    capped: Vec<Option<(RunId, u32)>>,
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(Moca {
        tiles: parameters.read(&TILES),
        pairing: parameters.read(&PAIRING),
        intensive: parameters.read(&INTENSIVE),
        throttle: parameters.read(&THROTTLE),
        demand_limit: parameters.read(&DEMAND_LIMIT),
        least_cap: parameters.read(&MIN_CAP),
        throttled_quanta: parameters.read(&THROTTLED_QUANTA),
        scores: parameters.read(&SCORES),
        drop: DropRule::read(parameters),
        variants: VariantChoice::read(parameters),
        decision_time: DecisionTime::read(parameters),
        layers: Vec::new(),
        capped: Vec::new(),
    })
}

/// A priority as a weight.
fn weight(priority: i32) -> f64 {
    f64::from(priority.max(0))
}

/// The average demand of layers from one on, as a part of the memory bandwidth; nothing where memory is not
/// shared.
fn average_demand(view: &View<'_>, model: ModelId, from: u32, class: ClassId) -> f64 {
    let layers = from..view.profile.layers(model);
    let bytes = layers.map(|layer| view.profile.traffic(model, layer, class)[DRAM]);
    demand(view, bytes.fold(0, u64::saturating_add), view.profile.remaining(model, from, class))
}

/// Bytes over a time, as a part of the memory bandwidth.
fn demand(view: &View<'_>, bytes: u64, over: Duration) -> f64 {
    let Some(bandwidth) = view.profile.shared_bandwidth() else { return 0.0 };
    if over.is_zero() {
        return 0.0;
    }
    let demand = Bandwidth::of(bytes, over).bytes_per_window() as f64;
    terms::ratio(demand, bandwidth.bytes_per_window() as f64)
}

impl Moca {
    /// The units of an accelerator for a job, and the class that they form; none where too few are free. One that runs
    /// cannot divide is a group by itself.
    fn room(
        &self,
        view: &View<'_>,
        accelerator: AcceleratorId,
    ) -> Result<Option<(Units, ClassId)>, PolicyError> {
        let state = view.accelerators[accelerator.index()];
        let units = if state.units == 1 { 1 } else { self.tiles };
        let Some(class) = view.profile.class_with(accelerator, units) else {
            return Err(self.no_group(view, accelerator));
        };
        let of_group = if units == state.units { Some(Units::All) } else { Units::exactly(units) };
        Ok(of_group.filter(|_| units <= state.free.count()).map(|units| (units, class)))
    }

    /// The next job with the first free group that runs its next layer.
    fn pair<'v>(&self, view: &View<'v>) -> Result<Option<(&'v Job, AcceleratorId, Units)>, PolicyError> {
        for on in view.free.iter().copied() {
            let Some((units, class)) = self.room(view, on)? else { continue };
            let next = self.next(view, on, class);
            // Where all groups run all layers, a job that this one has no use for is none.
            if next.is_some() || !view.profile.is_partial() {
                return Ok(next.map(|job| (job, on, units)));
            }
        }
        Ok(None)
    }

    /// True if a job, as the variant that it would run as, could be dispatched on an accelerator.
    fn can_run(&self, view: &View<'_>, job: &Job, on: AcceleratorId) -> bool {
        if !view.profile.is_partial() {
            return true;
        }
        let chosen = self.variants.choose(view, job).map_or(job.model, |(_, model)| model);
        view.can_run(&Job { model: chosen, ..*job }, on)
    }

    /// The failure of a platform that has no such group.
    #[cold]
    fn no_group(&self, view: &View<'_>, accelerator: AcceleratorId) -> PolicyError {
        let (tiles, units) = (self.tiles, view.accelerators[accelerator.index()].units);
        let classes = view.profile.classes_of(accelerator).iter();
        let stated: Vec<String> = classes.map(|class| view.profile.class(*class).units.to_string()).collect();
        let reason = if tiles > units {
            format!("accelerator {} has {units} units, fewer than a group of {tiles}", accelerator.index())
        } else {
            format!(
                "the platform does not state what {tiles} of the {units} units of accelerator {} are",
                accelerator.index()
            )
        };
        PolicyError::new(format!("{reason}; set `tiles` to one of: {}", stated.join(", ")))
    }

    /// The ready job to dispatch next in a class of an accelerator.
    fn next<'v>(&self, view: &View<'v>, on: AcceleratorId, class: ClassId) -> Option<&'v Job> {
        let is_intensive = |model, layer, class| average_demand(view, model, layer, class) > self.intensive;
        let beside_intensive =
            self.pairing && view.runs().any(|run| is_intensive(run.model, run.from.layer, run.class));
        let mut head: Option<(Score, &Job)> = None;
        let mut partner: Option<(Score, &Job)> = None;
        for job in view.ready().filter(|job| self.can_run(view, job, on)) {
            let waited = seconds(view.now.saturating_since(job.arrival));
            let isolated = seconds(view.profile.remaining(job.model, 0, class));
            // Negated: the smallest comes first, and of equal ones that which was released first.
            let key = Score(-(weight(job.priority) + terms::ratio(waited, isolated)));
            if head.is_none_or(|(of_head, _)| key < of_head) {
                head = Some((key, job));
            }
            if beside_intensive
                && partner.is_none_or(|(of_partner, _)| key < of_partner)
                && !is_intensive(job.model, job.progress.layer, class)
            {
                partner = Some((key, job));
            }
        }
        partner.or(head).map(|(_, job)| job)
    }

    /// The layer that a run is in.
    fn layer(&self, run: &Run) -> u32 {
        match self.layers.get(run.id.slot()) {
            Some(Some((id, layer))) if *id == run.id => *layer,
            _ => run.from.layer,
        }
    }

    /// The demand of the layer that a run is in, in percent of the memory bandwidth.
    fn demand_percent(&self, view: &View<'_>, run: &Run) -> f64 {
        let layer = self.layer(run);
        if layer >= view.profile.layers(run.model) {
            return 0.0;
        }
        let bytes = view.profile.traffic(run.model, layer, run.class)[DRAM];
        100.0 * demand(view, bytes, view.profile.latency(run.model, layer, run.class))
    }

    /// The weight of a run in the throttle: above zero.
    fn score(&self, view: &View<'_>, run: &Run, job: &Job) -> f64 {
        let rest = seconds(view.profile.remaining(run.model, Progress::at(self.layer(run)), run.class));
        let slack = terms::time_left_s(job.deadline, view.now).max(1e-9);
        match self.scores {
            Scores::Paper => (weight(job.priority) + rest / slack).max(f64::MIN_POSITIVE),
            Scores::Artifact => {
                let of_priority = ((1.0 + weight(job.priority)) / 4.0).floor();
                of_priority + (10.0 * rest / slack).round().max(1.0)
            }
        }
    }

    /// The cap of a run whose layer has begun.
    fn cap(&self, view: &View<'_>, run: &Run, job: &Job) -> Share {
        let own = self.demand_percent(view, run);
        let others = || view.running().filter(|(other, _)| other.id != run.id);
        let demanded: f64 = others().map(|(other, _)| self.demand_percent(view, other)).sum();
        let excess = own + demanded - self.demand_limit;
        let layer = self.layer(run);
        let is_long = layer < view.profile.layers(run.model)
            && view.profile.quanta(run.model, layer, run.class) >= self.throttled_quanta;
        if excess <= 0.0 || !is_long {
            return Share::WHOLE;
        }
        let score = self.score(view, run, job);
        let weighed: f64 = others()
            .map(|(other, of_other)| {
                let weight = match self.scores {
                    Scores::Paper => self.score(view, other, of_other),
                    Scores::Artifact => score,
                };
                weight * self.demand_percent(view, other)
            })
            .sum();
        let held = own - excess * terms::ratio(weighed, score * own + weighed);
        let percent = held.max(self.least_cap);
        if percent >= own {
            return Share::WHOLE;
        }
        let millionths = (percent * 1e4).round().clamp(1.0, 1e6);
        Share::from_millionths(millionths as u32).unwrap_or(Share::WHOLE)
    }

    /// Sets the caps of runs whose layers have begun.
    fn set_caps(&mut self, view: &View<'_>, out: &mut Decisions) {
        if !self.throttle || !view.profile.shares().are_limits() {
            return;
        }
        for (run, job) in view.running() {
            let of_layer = Some((run.id, self.layer(run)));
            let slot = run.id.slot();
            if self.capped.len() <= slot {
                self.capped.resize(slot + 1, None);
            }
            if self.capped[slot] == of_layer {
                continue;
            }
            self.capped[slot] = of_layer;
            let share = self.cap(view, run, job);
            if share != run.share {
                out.push(Decision::SetShare { run: run.id, share });
            }
        }
    }
}

impl Policy for Moca {
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
        if let Some((job, on, units)) = self.pair(view)? {
            let variant = self.variants.choose(view, job).map(|(variant, _)| variant);
            out.push(Decision::Dispatch { jobs: job.id.into(), variant, on, units, extent: Extent::Rest });
            return Ok(());
        }
        self.set_caps(view, out);
        Ok(())
    }

    fn interests(&self) -> Interests {
        Interests { jobs: true, layers: self.throttle, times: false }
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        self.drop.notify(notice, view);
        if let Notice::LayerCompleted { layer, run, .. } = notice {
            if self.layers.len() <= run.slot() {
                self.layers.resize(run.slot() + 1, None);
            }
            self.layers[run.slot()] = Some((*run, layer.index() as u32 + 1));
        }
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
    use crate::decision::Decisions;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::{check, policy};

    #[test]
    fn jobs_go_by_priority_and_by_how_long_they_waited_for_their_length() {
        // 10 us on one unit of four, 5 on two, 3 on all.
        let sketch = |name, priority| TaskSketch::new(name, &[&[10, 5, 3]]).priority(priority);
        let mut fixture = Fixture::divided(&[sketch("a", 3), sketch("b", 5)], &[1, 2, 4]).unwrap();
        fixture.ready(0, 0, 900);
        fixture.ready(1, 0, 900);
        // Two groups of two units.
        check(&fixture, "static-partition", "", "b0>0[2] a0>0[2]");
        check(&fixture, "moca", "", "b0>0[2] a0>0[2]");
        check(&fixture, "moca", "tiles=1", "b0>0[1] a0>0[1]");
        check(&fixture, "moca", "tiles=4", "b0>0");
        // Sizes that the platform does not state.
        for (tiles, reason) in [
            (3, "the platform does not state what 3 of the 4 units of accelerator 0 are"),
            (5, "accelerator 0 has 4 units, fewer than a group of 5"),
        ] {
            let mut policy = policy("static-partition", &format!("tiles={tiles}"));
            let decided = policy.decide(&fixture.view(), None, &mut Decisions::default());
            let told = decided.expect_err("no such group").to_string();
            assert_eq!(told, format!("{reason}; set `tiles` to one of: 1, 2, 4"));
        }
        // 15 us later a0 has waited three times its 5 us: 3 + 3 against 5 + 0.
        let mut fixture = Fixture::divided(&[sketch("a", 3), sketch("b", 5)], &[1, 2, 4]).unwrap();
        fixture.set_now(15);
        fixture.ready(0, 0, 900);
        fixture.ready(1, 15, 900);
        check(&fixture, "moca", "", "a0>0[2] b0>0[2]");
    }
}
