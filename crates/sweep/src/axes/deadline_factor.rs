//! The deadline factor: replaces the factor of deadlines that are a multiple of the isolated latency.

use rtmm_workload::input::Table;
use rtmm_workload::{Deadline, Scenario, Task};

use super::{Amount, AxisRow, Change, Role, Shared, Subject, Unfit, Variation, factors, numbers};
use crate::columns::ColumnKind;

pub(super) const ROW: AxisRow = AxisRow {
    name: "deadline_factor",
    unit: "",
    kind: ColumnKind::Real,
    meaning: "multiple of the isolated latency that deadlines were given; missing where the sweep varies none",
    key: "deadline_factors",
    shared: Shared::AcrossScenarios,
    role: Role::Change(CHANGE),
};

const CHANGE: &Change = &Change {
    options: &[],
    default: &[],
    decode: |root: &Table<'_>| Some(of(factors(root, &ROW, &[])?)),
    apply,
    label: |_| "deadline factor".to_owned(),
    describe: |_, factor| format!(" with deadlines of {} times the isolated latency", factor.number()),
    manifest: |variation| vec![(ROW.key, numbers(&variation.values))],
};

/// Factors in millionths.
#[must_use]
pub fn variation(millionths: &[u64]) -> Variation {
    of(millionths.iter().copied().map(Amount::Millionths).collect())
}

fn of(values: Vec<Amount>) -> Variation {
    Variation { axis: &ROW, change: CHANGE, subject: Subject::Scenario, values }
}

fn apply(_: &Subject, factor: Amount, scenario: Scenario) -> Result<Scenario, Unfit> {
    let is_isolated = |task: &Task| matches!(task.deadline, Deadline::Isolated { .. });
    if scenario.tasks.iter().any(is_isolated) {
        return Ok(scenario.with_deadline_factor(factor.millionths()));
    }
    Err(Unfit {
        scenario: scenario.name,
        reason: "has no deadline that is a multiple of the isolated latency".to_owned(),
        help: "give its tasks `deadline = { isolated = 10 }`, or remove the axis".to_owned(),
    })
}
