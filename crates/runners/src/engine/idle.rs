//! Parameters that change nothing: others switch off the part of the policy that they are of.
//!
//! Nothing is declared of them. A parameter is idle where the policy that is built with it is the one that is built with its
//! default; policies are told apart by their debug form, which has all that they are made of.

use std::fmt;

use rtmm_scheduler::PolicyRow;
use rtmm_workload::parameters::{Allowed, DefaultValue, Parameter, ParameterValue, Parameters};

/// A parameter whose value changes nothing, as the others are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleParameter {
    /// The name.
    pub name: String,
    /// The value, as commands and files write it.
    pub value: String,
    /// Another parameter with a value under which this one has an effect, as `key=value`; `None` where no single one is
    /// enough.
    pub remedy: Option<String>,
}

impl fmt::Display for IdleParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}={}` has no effect", self.name, self.value)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; it has one with `{remedy}`"))
    }
}

/// The idle ones among the parameters that are not at their defaults.
pub(super) fn of(row: &PolicyRow, parameters: &Parameters) -> Vec<IdleParameter> {
    let Some(built) = form(row, parameters) else { return Vec::new() };
    let mut idle = Vec::new();
    for (name, value) in parameters.assignments() {
        let default = row.parameters.get(name).map(|declared| &declared.default);
        let Some(DefaultValue::Value(default)) = default else { continue };
        let plain = with(parameters, name, default).filter(|_| default != value);
        let Some(plain) = plain.filter(|plain| form(row, plain).as_ref() == Some(&built)) else { continue };
        let remedy = remedy(row, name, parameters, &plain);
        idle.push(IdleParameter { name: name.to_string(), value: value.to_string(), remedy });
    }
    idle
}

/// The debug form of a policy; none of parameters that are refused.
fn form(row: &PolicyRow, parameters: &Parameters) -> Option<String> {
    row.build(parameters).ok().map(|policy| format!("{policy:?}"))
}

fn with(parameters: &Parameters, name: &str, value: &ParameterValue) -> Option<Parameters> {
    let mut changed = parameters.clone();
    changed.set(name, value.clone()).ok()?;
    Some(changed)
}

/// The first word of another parameter under which the policies that two lists of parameters build differ.
fn remedy(row: &PolicyRow, name: &str, stated: &Parameters, plain: &Parameters) -> Option<String> {
    let others = row.parameters.iter().filter(|other| other.name != name);
    let words = |other: &Parameter| -> Vec<ParameterValue> {
        match (&other.allowed, &other.default) {
            (Allowed::Choice(words), _) => words.iter().cloned().map(ParameterValue::Choice).collect(),
            (Allowed::Boolean, _) => [true, false].map(ParameterValue::Boolean).to_vec(),
            // Of numbers, the default is the one that is known to make sense.
            (_, DefaultValue::Value(default)) => vec![default.clone()],
            _ => Vec::new(),
        }
    };
    others
        .flat_map(|other| words(other).into_iter().map(move |word| (&other.name, word)))
        .find(|(other, word)| {
            let built = |parameters: &Parameters| form(row, &with(parameters, other, word)?);
            matches!((built(stated), built(plain)), (Some(stated), Some(plain)) if stated != plain)
        })
        .map(|(other, word)| format!("{other}={word}"))
}

#[cfg(test)]
mod tests {
    use rtmm_scheduler::PolicyRegistry;

    use super::*;

    #[track_caller]
    fn said(policy: &str, set: &[(&str, &str)]) -> Vec<String> {
        let row = PolicyRegistry::built_in().find(policy).unwrap();
        let mut parameters = row.defaults();
        for (key, value) in set {
            parameters.set_text(key, value).unwrap();
        }
        of(row, &parameters).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn parameters_of_parts_that_are_off_have_no_effect() {
        assert_eq!(
            said("edf", &[("block_layers", "8"), ("drop_cap", "1"), ("variant_queue", "none")]),
            [
                "`block_layers=8` has no effect; it has one with `granularity=block`",
                "`drop_cap=1` has no effect; it has one with `drop=smart`",
                "`variant_queue=none` has no effect; it has one with `variants=largest-that-fits`",
            ]
        );
        assert_eq!(
            said(
                "horizon",
                &[("lookahead", "0"), ("lookahead_probability", "0.9"), ("drop", "never"), ("hope", "2")]
            ),
            [
                "`hope=2` has no effect; it has one with `drop=late`",
                "`lookahead_probability=0.9` has no effect; it has one with `lookahead=4`",
            ]
        );
        assert_eq!(
            said("horizon", &[("drop", "infeasible"), ("give_up", "false")]),
            ["`give_up=false` has no effect; it has one with `drop=late`"]
        );
        assert!(said("edf", &[("block_layers", "8"), ("granularity", "block")]).is_empty());
        assert!(said("edf", &[("block_layers", "4")]).is_empty(), "a default asks for nothing");
        assert!(said("dream-full", &[("drop_cap", "1")]).is_empty(), "its drop rule is the smart one");
    }

    #[test]
    fn defaults_are_never_idle() {
        for row in PolicyRegistry::built_in() {
            assert_eq!(of(row, &row.defaults()), [], "{}", row.name);
        }
    }
}
