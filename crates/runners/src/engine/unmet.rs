//! Parameters that change nothing on a platform: it does not have what the part of the policy works on.

use std::fmt;

use rtmm_hardware::{Accelerator, ContextSwitch, Platform, PowerStates};
use rtmm_scheduler::PolicyRow;
use rtmm_workload::parameters::{DefaultValue, ParameterValue, Parameters};

/// A parameter that is not at its default, and that changes nothing on a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmetParameter {
    /// The name.
    pub name: String,
    /// The value, as commands and files write it.
    pub value: String,
    /// The lack of the platform.
    pub lack: String,
}

impl fmt::Display for UnmetParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}={}` asks for what the platform does not have: {}", self.name, self.value, self.lack)
    }
}

/// The lack of a platform for a value of a parameter; none where it has all.
type Lack = fn(&Platform, &ParameterValue) -> Option<String>;

/// The parameters that need something of platforms.
const NEEDS: [(&str, Lack); 7] = [
    ("governor", |platform, _| lacks_clocks(platform)),
    ("plan_clocks", |platform, _| lacks_clocks(platform)),
    ("governor_dram", |platform, _| {
        let has_points = platform.power.dram.as_ref().is_some_and(|states| states.points.len() > 1);
        lacks(has_points, "the memory has no operating points to choose from")
    }),
    ("batching", |platform, _| lacks(platform.has_batches(), "no accelerator states `max_batch`")),
    ("units", |platform, _| lacks(most_units(platform) > 1, "no accelerator states a `division`")),
    ("count_switches", |platform, _| {
        let pays = |one: &Accelerator| one.context_switch != ContextSwitch::default();
        let pays = platform.transfers.is_some() || platform.accelerators.iter().any(pays);
        lacks(pays, "neither moves nor context switches cost anything")
    }),
    ("stream_units", |platform, value| {
        let most = most_units(platform);
        let wanted = match value {
            ParameterValue::Integer(units) => *units,
            _ => 0,
        };
        let is_met = u64::try_from(wanted).is_ok_and(|wanted| wanted <= u64::from(most));
        lacks(is_met, &format!("no accelerator has more units than {most}"))
    }),
];

fn lacks(is_met: bool, lack: &str) -> Option<String> {
    (!is_met).then(|| lack.to_owned())
}

fn lacks_clocks(platform: &Platform) -> Option<String> {
    let gates = |states: &PowerStates| states.gating.is_some();
    let gated = platform.accelerators.iter().any(|one| one.power.as_ref().is_some_and(gates));
    lacks(platform.has_points() || gated, "nothing has operating points or power gating")
}

fn most_units(platform: &Platform) -> u32 {
    platform.accelerators.iter().map(Accelerator::units).max().unwrap_or(1)
}

/// The parameters that change nothing on a platform, among those that are not at their defaults.
pub(super) fn of(row: &PolicyRow, parameters: &Parameters, platform: &Platform) -> Vec<UnmetParameter> {
    let unmet = |(name, lack): &(&str, Lack)| {
        let value = parameters.get(name)?;
        let default = &row.parameters.get(name)?.default;
        if *default == DefaultValue::Value(value.clone()) {
            return None;
        }
        let lack = lack(platform, value)?;
        Some(UnmetParameter { name: (*name).to_owned(), value: value.to_string(), lack })
    };
    NEEDS.iter().filter_map(unmet).collect()
}

#[cfg(test)]
mod tests {
    use rtmm_hardware::{Mode, load};
    use rtmm_scheduler::PolicyRegistry;

    use super::*;

    #[track_caller]
    fn said(policy: &str, set: &[(&str, &str)], platform: &str) -> Vec<String> {
        let row = PolicyRegistry::built_in().find(policy).unwrap();
        let mut parameters = row.defaults();
        for (key, value) in set {
            parameters.set_text(key, value).unwrap();
        }
        let platform = load::platform(platform, None, Mode::Corrected).unwrap();
        of(row, &parameters, &platform).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn clocks_of_a_plan_need_power_states() {
        let off = [("plan_clocks", "false")];
        assert_eq!(
            said("horizon", &off, "xrbench/dual_4k_ws_os"),
            [
                "`plan_clocks=false` asks for what the platform does not have: nothing has operating points or power gating"
            ]
        );
        assert_eq!(said("horizon", &off, "phone/four_unlike"), [""; 0]);
    }

    #[test]
    fn parameters_need_what_they_work_on() {
        let all = [
            ("governor", "fixed"),
            ("governor_dram", "lowest"),
            ("batching", "up-to-n"),
            ("units", "least-that-fits"),
            ("count_switches", "always"),
        ];
        assert_eq!(
            said("edf", &all, "xrbench/dual_4k_ws_os"),
            [
                "`governor=fixed` asks for what the platform does not have: nothing has operating points or power gating",
                "`governor_dram=lowest` asks for what the platform does not have: the memory has no operating points to choose from",
                "`batching=up-to-n` asks for what the platform does not have: no accelerator states `max_batch`",
                "`units=least-that-fits` asks for what the platform does not have: no accelerator states a `division`",
                "`count_switches=always` asks for what the platform does not have: neither moves nor context switches cost anything",
            ]
        );
        assert_eq!(said("edf", &all[..2], "phone/four_unlike"), Vec::<String>::new());
        assert_eq!(said("edf", &all[4..], "phone/four_unlike"), Vec::<String>::new());
        assert_eq!(said("edf", &all[2..3], "examples/server"), Vec::<String>::new());
        assert_eq!(said("edf", &[], "xrbench/dual_4k_ws_os"), Vec::<String>::new());
    }

    #[test]
    fn streams_hold_no_more_units_than_there_are() {
        assert_eq!(said("deadline-batching", &[("stream_units", "2")], "gpu/v100"), Vec::<String>::new());
        assert_eq!(
            said("deadline-batching", &[("stream_units", "64")], "gpu/v100"),
            [
                "`stream_units=64` asks for what the platform does not have: no accelerator has more units than 10"
            ]
        );
    }
}
