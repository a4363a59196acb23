//! The policies by name: one row each, from which reading, listing and documentation follow.

use crate::parameters::{Parameter, ParameterError, Parameters};
use crate::parts::{MappedParts, Parts, PlacementRule, PreemptionRule};
use crate::policies::{
    dream, dysta, dysta_hardware, edf, fcfs, fixed_priority, latency_greedy, least_slack, planaria, prema,
    round_robin, sdrm3, sjf, sjf_oracle, veltair,
};
use crate::policy::Policy;

/// One row of the registry.
#[derive(Clone, Copy, Debug)]
pub struct PolicyRow {
    /// The name that sweep files use.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// Whether it is handed the truth.
    pub oracle: bool,
    /// What can be set.
    pub parameters: &'static [Parameter],
    traits: fn(&Parameters) -> Result<Traits, ParameterError>,
    make: fn(&Parameters) -> Result<Box<dyn Policy>, ParameterError>,
}

/// What can be said of a policy with its parameters without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// It is handed the truth: no real scheduler could be it.
    pub oracle: bool,
    /// It may leave an accelerator idle that a ready job could use.
    pub idles: bool,
    /// It may end segments early.
    pub preempts: bool,
    /// No job waits for ever that is neither given up nor waits for another, as long as segments
    /// end.
    pub starvation_free: bool,
}

/// [`Capabilities`] but for what the row says.
struct Traits {
    idles: bool,
    preempts: bool,
    starvation_free: bool,
}

impl Traits {
    /// What follows from the parts of a composed policy.
    fn of_parts(parameters: &Parameters, starvation_free: bool) -> Result<Self, ParameterError> {
        let parts = Parts::read(parameters)?;
        let preempts = parts.preemption != PreemptionRule::Never;
        Ok(Self { idles: parts.placement.waits(), preempts, starvation_free })
    }

    /// What follows from the parts of a mapped policy. Under an overload that never ends, short layers
    /// that wait can hold back a long one for ever, whatever starvation counts.
    fn of_mapped(parameters: &Parameters) -> Result<Self, ParameterError> {
        let parts = MappedParts::read(parameters)?;
        Ok(Self { idles: parts.waits, preempts: false, starvation_free: false })
    }
}

impl PolicyRow {
    /// Every parameter at its default.
    #[must_use]
    pub fn defaults(&self) -> Parameters {
        Parameters::defaults(self.parameters)
    }

    /// The policy with these parameters.
    ///
    /// # Errors
    /// [`ParameterError`] where they are not what [`PolicyRow::parameters`] says.
    pub fn build(&self, parameters: &Parameters) -> Result<Box<dyn Policy>, ParameterError> {
        parameters.check(self.parameters)?;
        (self.make)(parameters)
    }

    /// What can be said of the policy with these parameters.
    ///
    /// # Errors
    /// [`ParameterError`] where they are not what [`PolicyRow::parameters`] says.
    pub fn capabilities(&self, parameters: &Parameters) -> Result<Capabilities, ParameterError> {
        parameters.check(self.parameters)?;
        let Traits { idles, preempts, starvation_free } = (self.traits)(parameters)?;
        Ok(Capabilities { oracle: self.oracle, idles, preempts, starvation_free })
    }
}

/// All policies, by name.
pub const POLICIES: &[PolicyRow] = &[
    PolicyRow {
        name: "dream-adaptive",
        summary: "DREAM with weights searched online, window by window, by the publication's search",
        source: "Kim et al., DREAM, ASPLOS 2023",
        oracle: false,
        parameters: dream::ADAPTIVE_PARAMETERS,
        traits: Traits::of_mapped,
        make: dream::build_adaptive,
    },
    PolicyRow {
        name: "dream-drop",
        summary: "MapScore and smart frame drop",
        source: "Kim et al., DREAM, ASPLOS 2023",
        oracle: false,
        parameters: dream::DROP_PARAMETERS,
        traits: Traits::of_mapped,
        make: dream::build,
    },
    PolicyRow {
        name: "dream-full",
        summary: "MapScore, smart frame drop and supernet switching",
        source: "Kim et al., DREAM, ASPLOS 2023",
        oracle: false,
        parameters: dream::FULL_PARAMETERS,
        traits: Traits::of_mapped,
        make: dream::build,
    },
    PolicyRow {
        name: "dream-halving",
        summary: "DREAM with weights searched online by successive halving of a lattice",
        source: "this project, after Kim et al., DREAM, ASPLOS 2023, and Karnin et al., ICML 2013",
        oracle: false,
        parameters: dream::HALVING_PARAMETERS,
        traits: Traits::of_mapped,
        make: dream::build_adaptive,
    },
    PolicyRow {
        name: "dream-mapscore",
        summary: "MapScore: urgency, latency preference, starvation, energy preference, switch cost",
        source: "Kim et al., DREAM, ASPLOS 2023",
        oracle: false,
        parameters: dream::MAPSCORE_PARAMETERS,
        traits: Traits::of_mapped,
        make: dream::build,
    },
    PolicyRow {
        name: "dysta",
        summary: "what is left, corrected by measured sparsity, and slack; knows patterns",
        source: "Fan et al., Sparse-DySta, MICRO 2023",
        oracle: false,
        parameters: dysta::PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: dysta::build,
    },
    PolicyRow {
        name: "dysta-corrected",
        summary: "Dysta that scales what depends on density, and lets jobs out of reach go last",
        source: "this project, after Fan et al., Sparse-DySta, MICRO 2023",
        oracle: false,
        parameters: dysta::CORRECTED_PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: dysta::build,
    },
    PolicyRow {
        name: "dysta-hardware",
        summary: "Dysta as its hardware computes it: in few bits, and in time",
        source: "Fan et al., Sparse-DySta, MICRO 2023, RTL",
        oracle: false,
        parameters: dysta_hardware::PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: dysta_hardware::build,
    },
    PolicyRow {
        name: "dysta-naive",
        summary: "Dysta's score without patterns and without measuring",
        source: "Fan et al., Sparse-DySta, MICRO 2023",
        oracle: false,
        parameters: dysta::NAIVE_PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: dysta::build,
    },
    PolicyRow {
        name: "dysta-oracle",
        summary: "Dysta's score on the truth: what better predictors could bring at most",
        source: "Fan et al., Sparse-DySta, MICRO 2023",
        oracle: true,
        parameters: dysta::ORACLE_PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: dysta::build_oracle,
    },
    PolicyRow {
        name: "edf",
        summary: "earliest deadline first",
        source: "Liu and Layland, JACM 1973",
        oracle: false,
        parameters: edf::PARAMETERS,
        // Deadlines grow with time: only so many jobs can come that are due before a given one.
        traits: |parameters| Traits::of_parts(parameters, true),
        make: edf::build,
    },
    PolicyRow {
        name: "fcfs",
        summary: "first come, first served: jobs in the order of release",
        source: "Silberschatz et al., Operating System Concepts",
        oracle: false,
        parameters: fcfs::PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, true),
        make: fcfs::build,
    },
    PolicyRow {
        name: "fixed-priority",
        summary: "fixed priorities of tasks: rate-monotonic, deadline-monotonic, declared, by order",
        source: "Liu and Layland, JACM 1973; Leung and Whitehead, Performance Evaluation 1982",
        oracle: false,
        parameters: fixed_priority::PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: fixed_priority::build,
    },
    PolicyRow {
        name: "latency-greedy",
        summary: "XRBench's dispatcher: whole models on the fastest idle accelerator, late jobs dropped",
        source: "Kwon et al., XRBench, MLSys 2023",
        oracle: false,
        parameters: latency_greedy::PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, parameters.choice("order")? == "release"),
        make: latency_greedy::build,
    },
    PolicyRow {
        name: "least-slack",
        summary: "least slack (laxity) first: deadline less now less what remains",
        source: "Mok, PhD thesis, MIT 1983",
        oracle: false,
        parameters: least_slack::PARAMETERS,
        // The slack of a job that does not run falls without bound; that of a new job does not.
        traits: |parameters| Traits::of_parts(parameters, true),
        make: least_slack::build,
    },
    PolicyRow {
        name: "planaria",
        summary: "Planaria's score alone, on whole accelerators: most priority for its slack first",
        source: "Ghodrati et al., Planaria, MICRO 2020, as in Fan et al., MICRO 2023",
        oracle: false,
        parameters: planaria::PARAMETERS,
        // A late job of high priority has the least score of all.
        traits: |parameters| Traits::of_parts(parameters, false),
        make: planaria::build,
    },
    PolicyRow {
        name: "prema",
        summary: "tokens grow with waiting and priority; the shortest of those with enough runs",
        source: "Choi and Rhu, PREMA, HPCA 2020, as in Fan et al., MICRO 2023",
        oracle: false,
        parameters: prema::PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: prema::build,
    },
    PolicyRow {
        name: "prema-sparse",
        summary: "prema that knows patterns and measures sparsity",
        source: "Fan et al., Sparse-DySta, MICRO 2023",
        oracle: false,
        parameters: prema::SPARSE_PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: prema::build,
    },
    PolicyRow {
        name: "round-robin",
        summary: "tasks take turns, one segment each",
        source: "Silberschatz et al., Operating System Concepts",
        oracle: false,
        parameters: round_robin::PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, true),
        make: round_robin::build,
    },
    PolicyRow {
        name: "sdrm3",
        summary: "DREAM's first version: urgency by latency preference, fairness, energy preference",
        source: "Kim et al., SDRM3, 2022; on one accelerator as in Fan et al., MICRO 2023",
        oracle: false,
        parameters: sdrm3::PARAMETERS,
        traits: Traits::of_mapped,
        make: sdrm3::build,
    },
    PolicyRow {
        name: "sdrm3-sparse",
        summary: "sdrm3 that knows patterns and measures sparsity",
        source: "Fan et al., Sparse-DySta, MICRO 2023",
        oracle: false,
        parameters: sdrm3::SPARSE_PARAMETERS,
        traits: Traits::of_mapped,
        make: sdrm3::build,
    },
    PolicyRow {
        name: "sjf",
        summary: "shortest job first: least expected remaining latency in the mean over accelerators",
        source: "Silberschatz et al., Operating System Concepts; Schrage, Operations Research 1968",
        oracle: false,
        parameters: sjf::PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: sjf::build,
    },
    PolicyRow {
        name: "sjf-oracle",
        summary: "shortest job first on the truth: what better estimates could bring at most",
        source: "as sjf; oracles of this kind in Fan et al., Dysta, MICRO 2023",
        oracle: true,
        parameters: sjf_oracle::PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: sjf_oracle::build,
    },
    PolicyRow {
        name: "sjf-sparse",
        summary: "sjf that knows patterns and measures sparsity",
        source: "Fan et al., Sparse-DySta, MICRO 2023",
        oracle: false,
        parameters: sjf::SPARSE_PARAMETERS,
        traits: |parameters| Traits::of_parts(parameters, false),
        make: sjf::build,
    },
    PolicyRow {
        name: "veltair",
        summary: "Veltair's blocks of layers, first come, first served, on whole accelerators",
        source: "Liu et al., VELTAIR, ASPLOS 2022, as in Kim et al., DREAM, ASPLOS 2023",
        oracle: false,
        parameters: veltair::PARAMETERS,
        traits: |parameters| {
            let idles = PlacementRule::read(parameters)?.waits();
            let preempts = PreemptionRule::read(parameters)? != PreemptionRule::Never;
            Ok(Traits { idles, preempts, starvation_free: true })
        },
        make: veltair::build,
    },
];

/// The row of a policy.
#[must_use]
pub fn policy(name: &str) -> Option<&'static PolicyRow> {
    POLICIES.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::parameters::{Allowed, ParameterValue};

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
        assert!(POLICIES.is_sorted_by(|one, other| one.name < other.name));
        for row in POLICIES {
            assert!(is_kebab(row.name), "{}", row.name);
            assert!(!row.summary.is_empty() && !row.source.is_empty(), "{}", row.name);
            for (position, parameter) in row.parameters.iter().enumerate() {
                let of = format!("{} {}", row.name, parameter.name);
                assert!(is_snake(parameter.name), "{of}");
                assert!(row.parameters[..position].iter().all(|other| other.name != parameter.name), "{of}");
                assert!(parameter.allowed.admits(&parameter.default), "{of}");
                assert!(!parameter.meaning.is_empty(), "{of}");
                if let Allowed::Choice(words) = parameter.allowed {
                    assert!(words.iter().all(|word| is_kebab(word)), "{of}");
                }
            }
        }
        assert!(policy("edf").is_some_and(|row| row.name == "edf"));
        assert!(policy("sjf-").is_none());
    }

    /// The least and the greatest value of a parameter, or all words.
    fn values(allowed: Allowed) -> Vec<ParameterValue> {
        match allowed {
            Allowed::Real(low, high) => vec![ParameterValue::Real(low), ParameterValue::Real(high)],
            Allowed::Integer(low, high) => vec![ParameterValue::Integer(low), ParameterValue::Integer(high)],
            Allowed::Boolean => vec![ParameterValue::Boolean(false), ParameterValue::Boolean(true)],
            Allowed::Choice(words) => {
                words.iter().map(|word| ParameterValue::Choice((*word).into())).collect()
            }
            Allowed::Duration(low, high) => {
                vec![ParameterValue::Duration(low), ParameterValue::Duration(high)]
            }
        }
    }

    #[test]
    fn every_allowed_value_builds_a_policy_that_decides_and_matters() {
        for row in POLICIES {
            assert!(row.build(&Parameters::default()).is_err(), "{} needs its parameters", row.name);
            for parameter in row.parameters {
                let mut built = Vec::new();
                for value in values(parameter.allowed) {
                    let mut parameters = row.defaults();
                    // Some say how another one is meant.
                    let meant = match parameter.name {
                        "block_layers" => Some(("granularity", "block")),
                        name if name.starts_with("drop_") => Some(("drop", "smart")),
                        "variant_queue" => Some(("variants", "largest-that-fits")),
                        _ => None,
                    };
                    if let Some((other, word)) = meant {
                        parameters.set_text(row.parameters, other, word).unwrap();
                    }
                    parameters.set(row.parameters, parameter.name, value).unwrap();
                    let mut policy = row.build(&parameters).unwrap();
                    built.push(format!("{policy:?}"));
                    row.capabilities(&parameters).unwrap();
                    assert_ne!(busy().settle(policy.as_mut()), "", "{} {parameters}", row.name);
                    assert_eq!(format!("{:?}", policy.boxed_clone()), format!("{policy:?}"));
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
        for row in POLICIES {
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
                let help = parameters.set_text(row.parameters, key, text).unwrap_err().help();
                assert!(help.starts_with(way_out), "{key}={text}: {help}");
                assert_eq!(parameters, row.defaults(), "{key}={text}");
            }
        }
        // Who does not search has nothing to say of searches.
        let row = policy("dream-full").unwrap();
        assert!(row.defaults().set_text(row.parameters, "search_window", "1ms").is_err());
        let row = policy("veltair").unwrap();
        assert!(row.defaults().set_text(row.parameters, "block_growth", "-1").is_err());
        assert!(row.defaults().set_text(row.parameters, "granularity", "layer").is_err());
    }

    #[test]
    fn capabilities_follow_from_parameters() {
        let all = |name: &str, key: &str, text: &str| {
            let row = policy(name).unwrap();
            let mut parameters = row.defaults();
            parameters.set_text(row.parameters, key, text).unwrap();
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
