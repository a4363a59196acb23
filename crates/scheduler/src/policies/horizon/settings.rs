//! Parameters of `horizon`: each part of the plan can be taken out.

use rtmm_workload::parameters::{Choice, Declared, Integer, Parameters, Real, Schema, Switch};

use crate::parts::{
    Batching, Blocking, DecisionTime, DropRule, Governor, Granularity, Queue, VariantChoice, VariantRule,
};

/// The most frames of a task that are predicted.
const MAX_FRAMES: u32 = 64;

/// The order in which work is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// By virtual deadline.
    Deadline,
    /// By virtual deadline less the least latency of what is left.
    Slack,
}

/// Choice among the accelerators on which work would be in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// The least energy of all that is left, then the earliest end.
    Energy,
    /// The earliest end, then the least energy.
    End,
    /// The least latency, then the earliest end.
    Latency,
}

/// Weight of a job that cannot be in time beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Nothing is sacrificed: it is planned where it ends first, however late.
    None,
    /// All jobs weigh the same.
    Job,
    /// The square root of the task's share of a job.
    Root,
    /// The inverse of the number of the task's jobs in a given time.
    Period,
}

/// When a plan is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replan {
    /// At every decision.
    Layer,
    /// When jobs are released, get their inputs, end or are dropped.
    Event,
}

/// Latencies that a plan counts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Estimate {
    /// Expected ones.
    Expected,
    /// Those of inferences that skip nothing and do not exit.
    Worst,
}

/// The parameters of the policy.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub order: Order,
    pub virtual_deadlines: bool,
    pub aim: Aim,
    pub plans: u32,
    pub spill: bool,
    pub splits: bool,
    pub roams: bool,
    pub layer_energy: bool,
    pub layer_rule: bool,
    pub gives_up: bool,
    pub hope: f64,
    pub weight: Weight,
    pub lookahead: u32,
    pub least_probability: f64,
    pub waits: bool,
    pub replan: Replan,
    pub salvages: bool,
    pub improves: bool,
    pub estimate: Estimate,
    pub learns_pace: bool,
    pub margin: f64,
    pub budget: u32,
    pub granularity: Granularity,
    pub drop: DropRule,
    pub variant_rule: VariantRule,
    pub variants: VariantChoice,
    pub batching: Batching,
    pub decision_time: DecisionTime,
    pub governor: Governor,
    pub plans_clocks: bool,
}

impl Settings {
    const ORDER: Choice<Order> = Choice::new(
        "order",
        "the order in which work is planned: by virtual deadline, or by that less what is left at the least",
        Order::Deadline,
        &[("deadline", Order::Deadline), ("slack", Order::Slack)],
    );
    const VIRTUAL_DEADLINES: Switch = Switch::new(
        "virtual_deadlines",
        "whether work is planned by the deadline that leaves time for what follows it in a cascade",
        true,
    );
    const CHOICE: Choice<Aim> = Choice::new(
        "choice",
        "which of the accelerators that are in time is taken",
        Aim::Energy,
        &[("least-energy", Aim::Energy), ("earliest-end", Aim::End), ("least-latency", Aim::Latency)],
    );
    const PLANS: Integer<u32> = Integer::new(
        "plans",
        "the most plans that are made where the first leaves work out: by `order` and `choice`, then by others",
        6,
        1..=6,
    );
    const SPILL: Switch = Switch::new(
        "spill",
        "whether work that is planned is moved elsewhere so that both that and what comes behind it are in time",
        true,
    );
    const SPLIT: Switch = Switch::new(
        "split",
        "whether work that is in time on no accelerator is planned to go on with another one from some layer on",
        true,
    );
    const ROAM: Switch = Switch::new(
        "roam",
        "whether work that is in time on no one or two accelerators may run each layer where it is fastest",
        true,
    );
    const LAYER_ENERGY: Switch = Switch::new(
        "layer_energy",
        "whether work that has time to spare may run each layer where it takes least energy",
        true,
    );
    const LAYER_RULE: Switch = Switch::new(
        "layer_rule",
        "whether a rule for single layers is followed where it has all in time and no plan has",
        true,
    );
    const GIVE_UP: Switch = Switch::new(
        "give_up",
        "drop = late: whether a job goes as soon as it is late even if each layer runs at once where it is fastest",
        true,
    );
    const HOPE: Real = Real::new(
        "hope",
        "give_up: standard deviations of what a job takes, for what it may skip, by which it may take less than expected",
        1.0,
        0.0..=10.0,
    );
    const SACRIFICE: Choice<Weight> = Choice::new(
        "sacrifice",
        "the weight of work where not all of it can be in time: none, and it is planned late; one a job; the time between the \
         jobs of a task; or the root of that",
        Weight::Job,
        &[
            ("none", Weight::None),
            ("job", Weight::Job),
            ("root-period", Weight::Root),
            ("period", Weight::Period),
        ],
    );
    const LOOKAHEAD: Integer<u32> = Integer::new(
        "lookahead",
        "the most frames of a periodic task that are planned before they come",
        4,
        0..=MAX_FRAMES,
    );
    const CASCADES: Real = Real::new(
        "lookahead_probability",
        "the least probability with which a job must follow another to be planned before it is known",
        0.5,
        0.0..=1.0,
    );
    const WAIT: Switch =
        Switch::new("wait", "whether a job waits for the accelerator that it is planned on", true);
    const REPLAN: Choice<Replan> = Choice::new(
        "replan",
        "when a plan is made: at every decision, or when jobs come, get their inputs or end",
        Replan::Event,
        &[("layer", Replan::Layer), ("event", Replan::Event)],
    );
    const SALVAGE: Switch = Switch::new(
        "salvage",
        "whether an accelerator that has nothing to do goes on with a job that no plan has in time",
        false,
    );
    const IMPROVE: Switch = Switch::new(
        "improve",
        "whether planned work is moved where it takes less energy, as far as all stays in time",
        true,
    );
    const ESTIMATE: Choice<Estimate> = Choice::new(
        "estimate",
        "the latencies of what is left: expected, or with nothing skipped and no exit taken",
        Estimate::Expected,
        &[("expected", Estimate::Expected), ("worst", Estimate::Worst)],
    );
    const PACE: Switch = Switch::new(
        "learn_pace",
        "whether latencies are stretched by how much longer segments took than estimated on the same accelerator",
        true,
    );
    const MARGIN: Real = Real::new(
        "margin",
        "by how much later than planned work may end, as a share of its latency: places where it is in time even so come first",
        0.05,
        0.0..=1.0,
    );
    const BUDGET: Integer<u32> = Integer::new(
        "budget",
        "the most steps that changes of a plan take, of which each one tried takes a step a piece, before it is taken as it is",
        4096,
        0..=1_000_000,
    );
    const CLOCKS: Switch = Switch::new(
        "plan_clocks",
        "whether accelerators are slowed down and gated as the plan allows, for the energy of the platform; without a governor",
        true,
    );
    const VARIANTS: Choice<VariantRule> = Choice::new(
        "variants",
        "which network of a supernet a job runs as, settled at its first dispatch",
        VariantRule::LargestThatFits,
        &[
            ("default", VariantRule::Default),
            ("largest-that-fits", VariantRule::LargestThatFits),
            ("lightest", VariantRule::Lightest),
        ],
    );
    const OWN: &[&dyn Declared] = &[
        &Self::ORDER,
        &Self::VIRTUAL_DEADLINES,
        &Self::CHOICE,
        &Self::PLANS,
        &Self::SPILL,
        &Self::SPLIT,
        &Self::ROAM,
        &Self::LAYER_ENERGY,
        &Self::LAYER_RULE,
        &Self::GIVE_UP,
        &Self::HOPE,
        &Self::SACRIFICE,
        &Self::LOOKAHEAD,
        &Self::CASCADES,
        &Self::WAIT,
        &Self::REPLAN,
        &Self::SALVAGE,
        &Self::IMPROVE,
        &Self::ESTIMATE,
        &Self::PACE,
        &Self::MARGIN,
        &Self::BUDGET,
        &Self::CLOCKS,
        &Self::VARIANTS,
    ];

    /// All parameters.
    pub(super) fn schema() -> Schema {
        Schema::of(&[
            Self::OWN,
            Granularity::PARAMETERS,
            DropRule::PARAMETERS,
            Batching::PARAMETERS,
            DecisionTime::PARAMETERS,
            Governor::PARAMETERS,
        ])
    }

    /// True if a job goes as soon as it is late however it runs.
    pub(super) fn drops_what_is_lost(&self) -> bool {
        self.gives_up
    }

    /// The time by which something that varies by a standard deviation is hoped to take less than expected.
    pub(super) fn hoped(&self, spread_ps: u64) -> u64 {
        if spread_ps == 0 { 0 } else { (spread_ps as f64 * self.hope) as u64 }
    }

    /// Reads them.
    pub(super) fn read(parameters: &Parameters) -> Self {
        let granularity = Granularity::read(parameters);
        let blocking = if granularity == Granularity::Layer { Blocking::Layer } else { Blocking::Model };
        let governor = Governor::read(parameters, blocking);
        let variant_rule = parameters.read(&Self::VARIANTS);
        // What another parameter switches off is as at nothing, so that it is known to change nothing.
        let drop = DropRule::read(parameters);
        let gives_up = drop == DropRule::Late && parameters.read(&Self::GIVE_UP);
        let lookahead = parameters.read(&Self::LOOKAHEAD);
        Self {
            order: parameters.read(&Self::ORDER),
            virtual_deadlines: parameters.read(&Self::VIRTUAL_DEADLINES),
            aim: parameters.read(&Self::CHOICE),
            plans: parameters.read(&Self::PLANS),
            spill: parameters.read(&Self::SPILL),
            splits: parameters.read(&Self::SPLIT),
            roams: parameters.read(&Self::ROAM),
            layer_energy: parameters.read(&Self::LAYER_ENERGY)
                && parameters.read(&Self::CHOICE) == Aim::Energy,
            layer_rule: parameters.read(&Self::LAYER_RULE),
            gives_up,
            hope: if gives_up { parameters.read(&Self::HOPE) } else { 0.0 },
            weight: parameters.read(&Self::SACRIFICE),
            lookahead,
            least_probability: if lookahead > 0 { parameters.read(&Self::CASCADES) } else { 0.0 },
            waits: parameters.read(&Self::WAIT),
            replan: parameters.read(&Self::REPLAN),
            salvages: parameters.read(&Self::SALVAGE),
            improves: parameters.read(&Self::IMPROVE),
            estimate: parameters.read(&Self::ESTIMATE),
            learns_pace: parameters.read(&Self::PACE),
            margin: parameters.read(&Self::MARGIN),
            budget: parameters.read(&Self::BUDGET),
            granularity,
            drop,
            variant_rule,
            variants: VariantChoice::new(variant_rule, Queue::None),
            batching: Batching::read(parameters),
            decision_time: DecisionTime::read(parameters),
            plans_clocks: !governor.is_some() && parameters.read(&Self::CLOCKS),
            governor,
        }
    }
}

#[cfg(test)]
impl Settings {
    /// The defaults, but for what a text such as `spill=false plans=1` states.
    pub(super) fn of(text: &str) -> Self {
        let mut parameters = Parameters::defaults(&Self::schema());
        for setting in text.split_whitespace() {
            let (key, value) = setting.split_once('=').unwrap();
            parameters.set_text(key, value).unwrap();
        }
        Self::read(&parameters)
    }
}
