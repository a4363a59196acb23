//! The load factor: multiplies the rates of all tasks.

use rtmm_workload::input::{Table, Value};
use rtmm_workload::{Duration as SimulatedTime, Scenario};

use super::{Amount, AxisRow, Change, Role, Shared, Subject, Unfit, Variation, factors, numbers};
use crate::columns::ColumnKind;

/// Key that says whether the simulated duration follows the load.
const SCALES_DURATION: &str = "load_scales_duration";

const ONE: u64 = 1_000_000;

pub(super) const ROW: AxisRow = AxisRow {
    name: "load_factor",
    unit: "",
    kind: ColumnKind::Real,
    meaning: "factor on all rates of the scenario",
    key: "load_factors",
    shared: Shared::AcrossScenarios,
    role: Role::Change(CHANGE),
};

const CHANGE: &Change = &Change {
    options: &[SCALES_DURATION],
    default: &[Amount::Millionths(ONE)],
    decode,
    apply,
    label: |_| "load factor".to_owned(),
    describe: |_, factor| match factor.millionths() {
        ONE => String::new(),
        _ => format!(" at load {}", factor.number()),
    },
    manifest: |variation| {
        let scales = variation.subject == Subject::ScenarioAndDuration;
        vec![(ROW.key, numbers(&variation.values)), (SCALES_DURATION, scales.into())]
    },
};

/// Duration of a scenario under a load factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duration {
    /// It stays: a higher load brings more jobs.
    #[default]
    Fixed,
    /// It is divided by the factor: each load brings as many jobs in the mean.
    Divided,
}

/// Load factors in millionths.
#[must_use]
pub fn variation(millionths: &[u64], duration: Duration) -> Variation {
    let subject = match duration {
        Duration::Fixed => Subject::Scenario,
        Duration::Divided => Subject::ScenarioAndDuration,
    };
    let values = millionths.iter().copied().map(Amount::Millionths).collect();
    Variation { axis: &ROW, change: CHANGE, subject, values }
}

fn decode(root: &Table<'_>) -> Option<Variation> {
    let values = factors(root, &ROW, CHANGE.default);
    let subject = match root.or(SCALES_DURATION, false, Value::boolean) {
        true => Subject::ScenarioAndDuration,
        false => Subject::Scenario,
    };
    Some(Variation { axis: &ROW, change: CHANGE, subject, values: values? })
}

fn apply(subject: &Subject, factor: Amount, scenario: Scenario) -> Result<Scenario, Unfit> {
    let name = scenario.name.clone();
    let scaled = scenario.scaled(factor.millionths()).map_err(|reason| Unfit {
        scenario: name,
        reason: format!("cannot be scaled by {}: a period would be {reason}", factor.number()),
        help: "choose a factor nearer to 1".to_owned(),
    })?;
    let scaled = match subject {
        Subject::ScenarioAndDuration => shortened(scaled, factor.millionths()),
        _ => scaled,
    };
    // Here every scenario comes by, with the load and the duration that it is simulated with.
    scaled.check_mixes().map_err(|error| Unfit {
        scenario: scaled.name.clone(),
        reason: format!("cannot be simulated at load {}: {error}", factor.number()),
        help: format!("choose a smaller factor, or {}", error.help()),
    })?;
    Ok(scaled)
}

/// The scenario with its duration divided by the load factor; at least a picosecond.
fn shortened(scenario: Scenario, factor_millionths: u64) -> Scenario {
    let scaled =
        u128::from(scenario.duration.picoseconds()) * u128::from(ONE) / u128::from(factor_millionths.max(1));
    let picoseconds = u64::try_from(scaled).unwrap_or(u64::MAX).max(1);
    Scenario { duration: SimulatedTime::from_picoseconds(picoseconds), ..scenario }
}

#[cfg(test)]
mod tests {
    use rtmm_workload::input::Source;
    use rtmm_workload::{Legality, load};

    use super::*;

    #[test]
    fn a_load_that_a_run_cannot_draw_is_refused() {
        let text = r#"
            source = "a test"
            duration = "100s"
            mix = [{ name = "storm" }]

            [[task]]
            name = "a"
            model = "xrbench/kd_res8_narrow"
            deadline = "1ms"
            arrivals = { process = "mix", mix = "storm", weight = 1, spacing = "10us" }
        "#;
        let storm = load::workload_of(&Source::new("storm.toml", text), Legality::Strict);
        let storm = storm.unwrap_or_else(|problems| panic!("{problems}")).scenario;
        let at = |subject, load: u64| apply(&subject, Amount::Millionths(load * ONE), storm.clone());
        assert!(at(Subject::Scenario, 10).is_ok());
        let refused = at(Subject::Scenario, 11).map(|_| ()).map_err(|unfit| unfit.to_string());
        let expected = "scenario `storm.toml` cannot be simulated at load 11: mix `storm` has about 110000110 requests \
                        within 100s, more than 100000000";
        assert_eq!(refused, Err(expected.to_owned()));
        assert!(at(Subject::ScenarioAndDuration, 11).is_ok());
    }
}
