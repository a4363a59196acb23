//! The policies by name: one row each, from which reading, listing and documentation follow.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};

use rtmm_workload::parameters::{ParameterError, Parameters, Schema};
use rtmm_workload::{Registered, Registry};

use crate::estimator::Estimator;
use crate::parts::{MappedParts, Parts, PreemptionRule, Server, ServingRule};
use crate::policies::abacus_reading::AbacusReading;
use crate::policies::deadline_batching::{self, DeadlineBatching};
use crate::policies::strait_reading::StraitReading;
use crate::policies::{
    dream, dysta, dysta_hardware, edf, fcfs, fixed_priority, heft, horizon, latency_greedy, least_slack,
    moca, planaria, prema, round_robin, sdrm3, sjf, sjf_oracle, terastal_reading, veltair,
};
use crate::policy::Policy;

/// Policies by name. [`Registry::built_in`] has those of this project, [`Registry::with`] adds one.
pub type PolicyRegistry = Registry<PolicyRow>;

/// One row of the registry.
#[derive(Clone)]
pub struct PolicyRow {
    /// The name that sweep files use.
    pub name: Cow<'static, str>,
    /// One line.
    pub summary: Cow<'static, str>,
    /// The publication or book that the policy is from.
    pub source: Cow<'static, str>,
    /// True for an oracle, which is handed the truth.
    pub oracle: bool,
    /// Its parameters.
    pub parameters: Schema,
    /// Bytes that tell two versions of a policy apart that have one name and one schema: part of what stored results
    /// are found by. Empty for built-in policies, whose versions are those of the engine's results.
    pub identity: Cow<'static, [u8]>,
    behaviour: Arc<Describe>,
    granted: Arc<Grant>,
    build: Arc<Build>,
}

type Build = dyn Fn(&Parameters) -> Result<Box<dyn Policy>, ParameterError> + Send + Sync;
type Grant = dyn Fn(&Parameters) -> Option<NonZeroU32> + Send + Sync;
type Describe = dyn Fn(&Parameters) -> Behaviour + Send + Sync;

/// Properties of a policy with its parameters that are known without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// It is handed the truth: no real scheduler could be it.
    pub oracle: bool,
    /// It may leave an accelerator idle that a ready job could use.
    pub idles: bool,
    /// It may end segments early.
    pub preempts: bool,
    /// No job waits without end that is neither dropped nor waits for another, as long as segments end.
    pub starvation_free: bool,
}

/// Behaviour of a policy with some parameters: [`Capabilities`] without those that its row states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// It may leave an accelerator idle that a ready job could use.
    pub idles: bool,
    /// It may end segments early.
    pub preempts: bool,
    /// No job waits without end that is neither dropped nor waits for another, as long as segments end.
    pub starvation_free: bool,
}

impl Default for Behaviour {
    /// The behaviour of a policy of which nothing is promised.
    fn default() -> Self {
        Self { idles: true, preempts: true, starvation_free: false }
    }
}

impl Behaviour {
    /// Behaviour of a composed policy, which follows from its parts.
    #[must_use]
    pub fn of_parts(parameters: &Parameters, starvation_free: bool) -> Self {
        let parts = Parts::read(parameters);
        let preempts = parts.preemption != PreemptionRule::Never;
        let idles = parts.placement.waits() || parts.batching.waits() || parts.serial.is_on();
        Self { idles, preempts, starvation_free }
    }

    /// Behaviour of a mapped policy, which follows from its parts. Under an overload that never ends, short layers
    /// that wait can hold back a long one without end, whatever starvation counts.
    #[must_use]
    pub fn of_mapped(parameters: &Parameters) -> Self {
        let parts = MappedParts::read(parameters);
        let idles = parts.waits || parts.batching.waits();
        Self { idles, preempts: false, starvation_free: false }
    }
}

impl PolicyRow {
    /// A policy with its parameters and what builds it from their values. `build` may hold state; what it builds
    /// from equal values must decide alike. It may refuse values that are allowed one by one and not together.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        parameters: Schema,
        build: impl Fn(&Parameters) -> Result<Box<dyn Policy>, ParameterError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            summary: Cow::Borrowed(""),
            source: Cow::Borrowed(""),
            oracle: false,
            parameters,
            identity: Cow::Borrowed(&[]),
            behaviour: Arc::new(|_| Behaviour::default()),
            granted: Arc::new(|_| None),
            build: Arc::new(build),
        }
    }

    /// The row with other defaults.
    ///
    /// # Errors
    /// [`ParameterError`] for the first value that its parameters do not allow.
    pub fn with_defaults(self, values: &[(&str, &str)]) -> Result<Self, ParameterError> {
        Ok(Self { parameters: self.parameters.with_defaults(values)?, ..self })
    }

    /// A preset of this policy: the same under another name and with other defaults.
    ///
    /// # Errors
    /// [`ParameterError`] for the first value that its parameters do not allow.
    pub fn preset(
        &self,
        name: impl Into<Cow<'static, str>>,
        values: &[(&str, &str)],
    ) -> Result<Self, ParameterError> {
        Self { name: name.into(), ..self.clone() }.with_defaults(values)
    }

    /// The row with one line on what the policy does.
    #[must_use]
    pub fn with_summary(self, summary: impl Into<Cow<'static, str>>) -> Self {
        Self { summary: summary.into(), ..self }
    }

    /// The row with the publication or book that the policy is from.
    #[must_use]
    pub fn with_source(self, source: impl Into<Cow<'static, str>>) -> Self {
        Self { source: source.into(), ..self }
    }

    /// The row of a policy that is handed the truth.
    #[must_use]
    pub fn as_oracle(self) -> Self {
        Self { oracle: true, ..self }
    }

    /// The row with what the policy may do with given parameters; without it nothing is promised.
    #[must_use]
    pub fn with_behaviour(
        self,
        behaviour: impl Fn(&Parameters) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        Self { behaviour: Arc::new(behaviour), ..self }
    }

    /// The row with [`PolicyRow::granted_units`].
    #[must_use]
    pub fn with_granted_units(
        self,
        granted: impl Fn(&Parameters) -> Option<NonZeroU32> + Send + Sync + 'static,
    ) -> Self {
        Self { granted: Arc::new(granted), ..self }
    }

    /// The row with [`PolicyRow::identity`].
    #[must_use]
    pub fn with_identity(self, identity: impl Into<Cow<'static, [u8]>>) -> Self {
        Self { identity: identity.into(), ..self }
    }

    /// Every parameter at its default.
    #[must_use]
    pub fn defaults(&self) -> Parameters {
        Parameters::defaults(&self.parameters)
    }

    /// The policy with these parameters.
    ///
    /// # Errors
    /// [`ParameterError`] where they are those of another schema than [`PolicyRow::parameters`], or refused.
    pub fn build(&self, parameters: &Parameters) -> Result<Box<dyn Policy>, ParameterError> {
        self.check(parameters)?;
        (self.build)(parameters)
    }

    /// Properties of the policy with these parameters.
    ///
    /// # Errors
    /// [`ParameterError`] where they are those of another schema than [`PolicyRow::parameters`].
    pub fn capabilities(&self, parameters: &Parameters) -> Result<Capabilities, ParameterError> {
        self.check(parameters)?;
        let Behaviour { idles, preempts, starvation_free } = (self.behaviour)(parameters);
        Ok(Capabilities { oracle: self.oracle, idles, preempts, starvation_free })
    }

    /// The units that the policy with these parameters is to find on platforms which divide no accelerator, in all, because
    /// it needs hardware that can be split; none where it takes platforms as they are. The system of a run is to be made
    /// of a platform that is divided so.
    ///
    /// # Errors
    /// [`ParameterError`] where they are those of another schema than [`PolicyRow::parameters`].
    pub fn granted_units(&self, parameters: &Parameters) -> Result<Option<NonZeroU32>, ParameterError> {
        self.check(parameters)?;
        Ok((self.granted)(parameters))
    }

    fn check(&self, parameters: &Parameters) -> Result<(), ParameterError> {
        // Presets differ in their defaults alone: the values of one are values of the other.
        let is_of = parameters.schema().has_same_values(&self.parameters);
        if is_of { Ok(()) } else { Err(ParameterError::OtherSchema) }
    }
}

impl fmt::Debug for PolicyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, summary, source, oracle, parameters, identity, .. } = self;
        f.debug_struct("PolicyRow")
            .field("name", name)
            .field("summary", summary)
            .field("source", source)
            .field("oracle", oracle)
            .field("parameters", parameters)
            .field("identity", identity)
            .finish_non_exhaustive()
    }
}

impl Registered for PolicyRow {
    const KIND: &'static str = "policy";

    fn name(&self) -> &str {
        &self.name
    }

    fn fault(&self) -> Option<String> {
        self.parameters.value_fault()
    }

    fn built_in() -> &'static PolicyRegistry {
        #[expect(clippy::expect_used, reason = "the table is constant, and every test builds it")]
        static BUILT_IN: LazyLock<PolicyRegistry> =
            LazyLock::new(|| Registry::of_rows(built_in_rows().expect("presets of their bases")));
        &BUILT_IN
    }
}

/// The row of a built-in policy.
#[must_use]
pub fn policy(name: &str) -> Option<&'static PolicyRow> {
    PolicyRegistry::built_in().get(name)
}

/// A row of a policy that can be built with all values that its schema allows.
fn row(name: &'static str, parameters: Schema, build: fn(&Parameters) -> Box<dyn Policy>) -> PolicyRow {
    PolicyRow::new(name, parameters, move |parameters| Ok(build(parameters)))
}

/// Behaviour of a composed policy, from its parts.
fn composed(starvation_free: bool) -> impl Fn(&Parameters) -> Behaviour {
    move |parameters| Behaviour::of_parts(parameters, starvation_free)
}

/// A policy of batches beside each other, by a rule: it waits while an accelerator is idle, and stops nothing.
fn served<R: ServingRule>(name: &'static str) -> PolicyRow {
    row(name, Server::<R>::schema(), Server::<R>::build).with_behaviour(BESIDE)
}

/// The same with true slowdowns.
fn oracle_of<R: ServingRule>(name: &'static str) -> PolicyRow {
    row(name, Server::<R>::oracle_schema(), Server::<R>::build_oracle).as_oracle().with_behaviour(BESIDE)
}

const BESIDE: fn(&Parameters) -> Behaviour =
    |_| Behaviour { idles: true, preempts: false, starvation_free: false };

/// The built-in policies. A preset names its base and the values that differ from it.
fn built_in_rows() -> Result<Vec<PolicyRow>, ParameterError> {
    const DREAM: &str = "Kim et al., DREAM, ASPLOS 2023";
    const DYSTA: &str = "Fan et al., Sparse-DySta, MICRO 2023";
    const SPARSE: &[(&str, &str)] = Estimator::SPARSE;

    let moca = row("moca", moca::schema(), moca::build)
        .with_summary(
            "groups of tiles, memory-intensive jobs beside others, caps of bandwidth where demands exceed it",
        )
        .with_source("Kim et al., MoCA, HPCA 2023")
        .with_behaviour(|_| Behaviour { idles: false, preempts: false, starvation_free: false });
    let heft = row("heft", heft::schema(), heft::build)
        .with_defaults(heft::DEFAULTS)?
        .with_summary(
            "the job whose earliest finish is the latest, where it has that finish, though it waits for it",
        )
        .with_source("Jeong et al., Band, MobiSys 2022, after Topcuoglu et al., HEFT, IEEE TPDS 2002")
        .with_behaviour(|_| Behaviour { idles: true, preempts: false, starvation_free: false });
    let mapscore = row("dream-mapscore", dream::schema(), dream::build)
        .with_summary("MapScore: urgency, latency preference, starvation, energy preference, switch cost")
        .with_source(DREAM)
        .with_behaviour(Behaviour::of_mapped);
    let adaptive = row("dream-adaptive", dream::adaptive_schema(), dream::build_adaptive)
        .with_defaults(dream::FULL)?
        .with_summary("DREAM with weights searched online, window by window, by the publication's search")
        .with_source(DREAM)
        .with_behaviour(Behaviour::of_mapped);
    let dysta = row("dysta", dysta::schema(), dysta::build)
        .with_defaults(SPARSE)?
        .with_summary("what is left, corrected by measured sparsity, and slack; knows patterns")
        .with_source(DYSTA)
        .with_behaviour(composed(false));
    let prema = row("prema", prema::schema(), prema::build)
        .with_summary("tokens grow with waiting and priority; the shortest of those with enough runs")
        .with_source("Choi and Rhu, PREMA, HPCA 2020, as in Fan et al., MICRO 2023")
        .with_behaviour(|parameters| {
            let preempts = prema::preempts(parameters);
            Behaviour { preempts, ..Behaviour::of_parts(parameters, false) }
        });
    let sdrm3 = row("sdrm3", sdrm3::schema(), sdrm3::build)
        .with_defaults(sdrm3::DEFAULTS)?
        .with_summary("DREAM's first version: urgency by latency preference, fairness, energy preference")
        .with_source("Kim et al., SDRM3, 2022; on one accelerator as in Fan et al., MICRO 2023")
        .with_behaviour(Behaviour::of_mapped);
    let sjf = row("sjf", sjf::schema(), sjf::build)
        .with_defaults(sjf::DEFAULTS)?
        .with_summary("shortest job first: least expected remaining latency in the mean over accelerators")
        .with_source("Silberschatz et al., Operating System Concepts; Schrage, Operations Research 1968")
        .with_behaviour(composed(false));

    const PREDICTED: &str = "this project, after Gujarati et al., Clockwork, OSDI 2020";
    const ABACUS: &str = "a reading of Cui et al., Abacus, SC 2021";
    const STRAIT: &str =
        "a reading of Zhao and Georgantas, Strait, 2026, of whose text the abstract is known";
    let batching = served::<DeadlineBatching>("deadline-batching")
        .with_summary(
            "batches beside each other, as large as predicted ends allow, the earliest deadline first",
        )
        .with_source(PREDICTED);

    Ok(vec![
        served::<AbacusReading>("abacus-reading")
            .with_summary("groups of batches that begin together, within the tightest deadline of the group")
            .with_source(ABACUS),
        oracle_of::<AbacusReading>("abacus-reading-oracle")
            .with_summary("the same with true slowdowns")
            .with_source(ABACUS),
        batching
            .preset("time-sharing", deadline_batching::TIME_SHARING)?
            .with_summary("one batch at a time, as large as deadlines allow, the earliest deadline first")
            .with_source("Gujarati et al., Clockwork, OSDI 2020"),
        batching,
        oracle_of::<DeadlineBatching>("deadline-batching-oracle")
            .with_summary("deadline-batching with true slowdowns")
            .with_source(PREDICTED),
        served::<StraitReading>("strait-reading")
            .with_summary("two priorities, with predicted ends of copies and kernels")
            .with_source(STRAIT),
        oracle_of::<StraitReading>("strait-reading-oracle")
            .with_summary("the same with true slowdowns")
            .with_source(STRAIT),
        mapscore.preset("dream-drop", dream::DROP)?.with_summary("MapScore and smart frame drop"),
        mapscore
            .preset("dream-full", dream::FULL)?
            .with_summary("MapScore, smart frame drop and supernet switching"),
        mapscore,
        adaptive
            .preset("dream-halving", dream::HALVING)?
            .with_summary("DREAM with weights searched online by successive halving of a lattice")
            .with_source("this project, after Kim et al., DREAM, ASPLOS 2023, and Karnin et al., ICML 2013"),
        adaptive,
        dysta
            .preset("dysta-corrected", dysta::CORRECTED)?
            .with_summary("Dysta that scales what depends on density, and lets jobs out of reach go last")
            .with_source("this project, after Fan et al., Sparse-DySta, MICRO 2023"),
        dysta
            .preset("dysta-naive", dysta::NAIVE)?
            .with_summary("Dysta's score without patterns and without measuring"),
        dysta,
        row("dysta-hardware", dysta_hardware::schema(), dysta_hardware::build)
            .with_summary("Dysta as its hardware computes it: in few bits, and in time")
            .with_source("Fan et al., Sparse-DySta, MICRO 2023, RTL")
            .with_behaviour(composed(false)),
        row("dysta-oracle", dysta::oracle_schema(), dysta::build_oracle)
            .with_summary("Dysta's score on the truth: what better predictors could bring at most")
            .with_source(DYSTA)
            .as_oracle()
            .with_behaviour(composed(false)),
        row("edf", edf::schema(), edf::build)
            .with_summary("earliest deadline first")
            .with_source("Liu and Layland, JACM 1973")
            // Deadlines grow with time: only so many jobs can come that are due before a given one.
            .with_behaviour(composed(true)),
        row("fcfs", fcfs::schema(), fcfs::build)
            .with_defaults(fcfs::DEFAULTS)?
            .with_summary("first come, first served: jobs in the order of release")
            .with_source("Silberschatz et al., Operating System Concepts")
            .with_behaviour(composed(true)),
        row("fixed-priority", fixed_priority::schema(), fixed_priority::build)
            .with_summary("fixed priorities of tasks: rate-monotonic, deadline-monotonic, declared, by order")
            .with_source("Liu and Layland, JACM 1973; Leung and Whitehead, Performance Evaluation 1982")
            .with_behaviour(composed(false)),
        heft.preset("heft-reserved", heft::RESERVED)?
            .with_summary("heft that keeps the accelerator of a job's next part for it"),
        heft,
        row("horizon", horizon::schema(), horizon::build)
            .with_defaults(horizon::DEFAULTS)?
            .with_summary("a plan of live and expected jobs: in time at the least energy, and the least lost where not all are")
            .with_source("this project, after Kao and Garcia-Molina, 1997, Topcuoglu et al., 2002, and Moore, 1968")
            .with_behaviour(BESIDE),
        row("latency-greedy", latency_greedy::schema(), latency_greedy::build)
            .with_defaults(latency_greedy::DEFAULTS)?
            .with_summary(
                "XRBench's dispatcher: whole models on the fastest idle accelerator, late jobs dropped",
            )
            .with_source("Kwon et al., XRBench, MLSys 2023")
            .with_behaviour(|parameters| {
                Behaviour::of_parts(parameters, latency_greedy::is_starvation_free(parameters))
            }),
        row("least-slack", least_slack::schema(), least_slack::build)
            .with_summary("least slack (laxity) first: deadline less now less what remains")
            .with_source("Mok, PhD thesis, MIT 1983")
            // The slack of a job that does not run falls without bound; that of a new job does not.
            .with_behaviour(composed(true)),
        moca.preset("static-partition", moca::STATIC_PARTITION)?
            .with_summary(
                "groups of tiles, jobs by priority and waiting time: moca without pairing and throttle",
            )
            .with_source("a baseline of Kim et al., MoCA, HPCA 2023"),
        moca,
        row("planaria", planaria::schema(), planaria::build)
            .with_summary(
                "Planaria: accelerators divided among all jobs by need; on whole ones its score alone",
            )
            .with_source("Ghodrati et al., Planaria, MICRO 2020; score alone as in Fan et al., MICRO 2023")
            // A late job of high priority has the least score of all, and a late job gets no units.
            .with_behaviour(|parameters| {
                let waits = planaria::is_by_fission(parameters);
                let Behaviour { idles, preempts, .. } = Behaviour::of_parts(parameters, false);
                Behaviour { idles: idles || waits, preempts: preempts || waits, starvation_free: false }
            })
            .with_granted_units(planaria::granted_units),
        prema
            .preset("prema-sparse", SPARSE)?
            .with_summary("prema that knows patterns and measures sparsity")
            .with_source(DYSTA),
        prema,
        row("round-robin", round_robin::schema(), round_robin::build)
            .with_summary("tasks take turns, one segment each")
            .with_source("Silberschatz et al., Operating System Concepts")
            .with_behaviour(composed(true)),
        sdrm3
            .preset("sdrm3-sparse", SPARSE)?
            .with_summary("sdrm3 that knows patterns and measures sparsity")
            .with_source(DYSTA),
        sdrm3,
        row("sjf-oracle", sjf_oracle::schema(), sjf_oracle::build)
            .with_defaults(sjf_oracle::DEFAULTS)?
            .with_summary("shortest job first on the truth: what better estimates could bring at most")
            .with_source("as sjf; oracles of this kind in Fan et al., Dysta, MICRO 2023")
            .as_oracle()
            .with_behaviour(composed(false)),
        sjf.preset("sjf-sparse", sjf::SPARSE)?
            .with_summary("sjf that knows patterns and measures sparsity")
            .with_source(DYSTA),
        sjf,
        row("terastal-reading", terastal_reading::schema(), terastal_reading::build)
            .with_summary("layers or their variants within budgets of the deadline, at a limit of accuracy")
            .with_source("a reading of Terastal, RTCSA 2026, of whose text the abstract is known")
            // Virtual deadlines grow with time, and a job waits no longer than its own.
            .with_behaviour(|parameters| {
                let idles = terastal_reading::waits(parameters);
                Behaviour { idles, preempts: false, starvation_free: true }
            }),
        row("veltair", veltair::schema(), veltair::build)
            .with_summary("Veltair's blocks of layers, first come, first served, on whole accelerators")
            .with_source("Liu et al., VELTAIR, ASPLOS 2022, as in Kim et al., DREAM, ASPLOS 2023")
            .with_behaviour(composed(true)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use rtmm_workload::parameters::{Allowed, ParameterValue};

    fn is_plain(c: char) -> bool {
        c.is_ascii_lowercase() || c.is_ascii_digit()
    }

    fn is_kebab(name: &str) -> bool {
        name.split('-').all(|part| !part.is_empty() && part.chars().all(is_plain))
    }

    fn is_snake(name: &str) -> bool {
        name.split('_').all(|part| !part.is_empty() && part.chars().all(is_plain))
    }

    #[test]
    fn names_are_unique_sorted_and_in_one_style() {
        assert!(PolicyRegistry::built_in().iter().is_sorted_by(|one, other| one.name < other.name));
        for row in PolicyRegistry::built_in() {
            assert!(is_kebab(&row.name), "{}", row.name);
            assert!(!row.summary.is_empty() && !row.source.is_empty(), "{}", row.name);
            assert_eq!(row.fault(), None, "{}", row.name);
            for parameter in row.parameters.iter() {
                let of = format!("{} {}", row.name, parameter.name);
                assert!(is_snake(&parameter.name), "{of}");
                assert!(!parameter.meaning.is_empty(), "{of}");
                if let Allowed::Choice(words) = &parameter.allowed {
                    assert!(words.iter().all(|word| is_kebab(word)), "{of}");
                }
            }
        }
        assert!(policy("edf").is_some_and(|row| row.name == "edf"));
        assert!(policy("sjf-").is_none());
    }

    /// The least and the greatest value of a parameter, or all words.
    fn values(allowed: &Allowed) -> Vec<ParameterValue> {
        match *allowed {
            Allowed::Real(low, high) => vec![ParameterValue::Real(low), ParameterValue::Real(high)],
            Allowed::Integer(low, high) => vec![ParameterValue::Integer(low), ParameterValue::Integer(high)],
            Allowed::Decimal(low, high) => vec![ParameterValue::Decimal(low), ParameterValue::Decimal(high)],
            Allowed::Written(_) => Vec::new(),
            Allowed::Boolean => vec![ParameterValue::Boolean(false), ParameterValue::Boolean(true)],
            Allowed::Choice(ref words) => {
                words.iter().map(|word| ParameterValue::Choice(word.clone())).collect()
            }
            Allowed::Duration(low, high) => {
                vec![ParameterValue::Duration(low), ParameterValue::Duration(high)]
            }
        }
    }

    #[test]
    fn every_allowed_value_builds_a_policy_that_decides_and_matters() {
        for row in PolicyRegistry::built_in() {
            assert!(
                row.build(&Parameters::defaults(&Schema::default())).is_err(),
                "{} needs its parameters",
                row.name
            );
            for parameter in row.parameters.iter() {
                let mut built = Vec::new();
                for value in values(&parameter.allowed) {
                    let mut parameters = row.defaults();
                    // Some say how another one is meant.
                    let meant = match parameter.name.as_ref() {
                        "block_layers" => Some(("granularity", "block")),
                        name if name.starts_with("drop_") => Some(("drop", "smart")),
                        "batch_limit" => Some(("batching", "up-to-n")),
                        "variant_queue" => Some(("variants", "largest-that-fits")),
                        "governor_point" => Some(("governor", "fixed")),
                        "governor_dram" => Some(("governor", "max")),
                        "scheduling_period" => Some(("preemption_mechanism", "kill")),
                        _ => None,
                    };
                    if let Some((other, word)) = meant {
                        parameters.set_text(other, word).unwrap();
                    }
                    parameters.set(&parameter.name, value).unwrap();
                    let mut policy = row.build(&parameters).unwrap();
                    built.push(format!("{policy:?}"));
                    row.capabilities(&parameters).unwrap();
                    assert_ne!(busy().settle(policy.as_mut()), "", "{} {parameters}", row.name);
                    assert_eq!(format!("{:?}", policy.boxed_clone().unwrap()), format!("{policy:?}"));
                }
                built.dedup();
                assert!(built.len() > 1, "{} takes no notice of {}", row.name, parameter.name);
            }
        }
    }

    /// Two accelerators, one of which runs a job; two jobs are ready and one waits.
    fn busy() -> Fixture {
        let sketch = |name| TaskSketch::new(name, &[&[2, 3], &[2, 3], &[2, 3]]);
        let mut fixture = Fixture::new(&[sketch("a"), sketch("b")]).unwrap();
        let running = fixture.ready(0, 0, 50);
        fixture.run(running, 1, Extent::Rest);
        for task in [0, 1] {
            fixture.ready(task, 0, 40);
        }
        fixture.waiting(1, 0, 40);
        fixture
    }

    #[test]
    fn no_policy_says_anything_where_nothing_can_be_done() {
        let empty = Fixture::new(&[TaskSketch::new("a", &[&[1, 1]])]).unwrap();
        let mut full = busy();
        let job = full.ready(1, 0, 60);
        full.run(job, 0, Extent::Rest);
        for row in PolicyRegistry::built_in() {
            for fixture in [&empty, &full] {
                let mut policy = row.build(&row.defaults()).unwrap();
                assert_eq!(fixture.clone().settle(policy.as_mut()), "", "{}", row.name);
            }
        }
    }

    #[test]
    fn what_dream_cannot_mean_is_refused() {
        let real = "allowed: numbers from 0 to 1000000";
        let cases = [
            ("alpha", "-0.5", real),
            ("beta", "-1", real),
            ("beta", "inf", real),
            ("alpha", "nan", real),
            ("urgency_cap", "-1", real),
            ("late_urgency", "worst", "allowed: negative, zero, greatest"),
            ("to_go", "best", "allowed: mean, least"),
            ("starvation_unit", "layer", "allowed: next-layer, to-go, isolated, deadline"),
            ("latency_preference", "1", "allowed: true, false"),
            ("switch_cost", "free", "allowed: true, false"),
            ("wait", "yes", "allowed: true, false"),
            ("drop", "wise", "allowed: never, late, infeasible, smart"),
            ("drop_window", "0", "allowed: whole numbers from 1 to 64"),
            ("drop_window", "65", "allowed: whole numbers from 1 to 64"),
            ("drop_cap", "-1", "allowed: whole numbers from 0 to 64"),
            ("drop_excess", "sum", "allowed: difference, ratio"),
            ("drop_upstream", "always", "allowed: never, without-consumers"),
            ("variants", "largest", "allowed: default, largest-that-fits, lightest"),
            ("variant_queue", "some", "allowed: none, earlier-deadlines, all"),
            ("search", "gradient", "allowed: neighbours, halving"),
            ("search_window", "0ms", "allowed: durations from 1us"),
            ("search_window", "999ns", "allowed: durations from 1us"),
            ("search_window", "5", "allowed: durations from 1us"),
            ("search_steps", "-1", "allowed: whole numbers from 0 to 100"),
            ("search_steps", "2.5", "allowed: whole numbers from 0 to 100"),
            ("search_radius", "0", "allowed: numbers from 0.000001 to 1000"),
            ("search_shrink", "1.5", "allowed: numbers from 0 to 1"),
            ("search_greatest", "-2", real),
            ("search_restart", "always", "allowed: never, phase, load"),
            ("serach_window", "1ms", "did you mean `search_window`?"),
            ("placement", "fastest", "there are "),
            ("preemption", "layer", "there are "),
        ];
        for name in ["dream-adaptive", "dream-halving"] {
            let row = policy(name).unwrap();
            for (key, text, way_out) in cases {
                let mut parameters = row.defaults();
                let help = parameters.set_text(key, text).unwrap_err().help();
                assert!(help.starts_with(way_out), "{key}={text}: {help}");
                assert_eq!(parameters, row.defaults(), "{key}={text}");
            }
        }
        // Who does not search has nothing to say of searches.
        let row = policy("dream-full").unwrap();
        assert!(row.defaults().set_text("search_window", "1ms").is_err());
        let row = policy("veltair").unwrap();
        assert!(row.defaults().set_text("block_growth", "-1").is_err());
        assert!(row.defaults().set_text("granularity", "layer").is_err());
    }

    #[test]
    fn a_program_adds_policies_of_its_own_that_hold_state() {
        let built = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counter = Arc::clone(&built);
        let row = PolicyRow::new(String::from("mine"), edf::schema(), move |parameters| {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(edf::build(parameters))
        })
        .with_identity(b"version 2".as_slice());
        let registry = PolicyRegistry::built_in().with(row).unwrap();
        let mine = registry.find("mine").unwrap();
        assert_eq!(*mine.identity, *b"version 2");
        let mut policy = mine.build(&mine.defaults()).unwrap();
        assert_ne!(busy().settle(policy.as_mut()), "");
        assert_eq!(built.load(std::sync::atomic::Ordering::Relaxed), 1);
        // Nothing is promised of it.
        let able = mine.capabilities(&mine.defaults()).unwrap();
        assert_eq!(
            (able.oracle, able.idles, able.preempts, able.starvation_free),
            (false, true, true, false)
        );
        assert!(PolicyRegistry::built_in().iter().all(|row| row.identity.is_empty()));
    }

    #[test]
    fn capabilities_follow_from_parameters() {
        let all = |name: &str, key: &str, text: &str| {
            let row = policy(name).unwrap();
            let mut parameters = row.defaults();
            parameters.set_text(key, text).unwrap();
            let Capabilities { oracle, idles, preempts, starvation_free } =
                row.capabilities(&parameters).unwrap();
            [oracle, idles, preempts, starvation_free]
        };
        let cases = [
            ("edf", "placement", "fastest-idle", [false, false, false, true]),
            ("edf", "placement", "fastest", [false, true, false, true]),
            ("sjf", "preemption", "layer", [false, false, true, false]),
            ("sjf-oracle", "drop", "late", [true, false, false, false]),
            ("latency-greedy", "order", "release", [false, false, false, true]),
            ("latency-greedy", "order", "task-order", [false, false, false, false]),
        ];
        for (name, key, text, expected) in cases {
            assert_eq!(all(name, key, text), expected, "{name} {key}={text}");
        }
    }
}
