//! The trigger probability: of one task, or of every cascade.

use rtmm_workload::Scenario;
use rtmm_workload::input::{Table, suggestion};
use serde_json::json;

use super::{Amount, AxisRow, Change, Role, Shared, Subject, Unfit, Variation, numbers};
use crate::columns::ColumnKind;
use crate::file::lists::items;

pub(super) const ROW: AxisRow = AxisRow {
    name: "trigger_probability",
    unit: "",
    kind: ColumnKind::Real,
    meaning: "trigger probability given to the task that the sweep varies, or to every cascade; missing where it varies none",
    key: "trigger_probability",
    shared: Shared::AcrossScenarios,
    role: Role::Change(CHANGE),
};

const CHANGE: &Change = &Change {
    options: &[],
    default: &[],
    decode,
    apply,
    label: |subject| match subject {
        Subject::Task(task) => format!("trigger probability of {task}"),
        _ => "trigger probability of cascades".to_owned(),
    },
    describe: |subject, probability| {
        let probability = probability.number();
        match subject {
            Subject::Task(task) => format!(" with `{task}` triggered at {probability}"),
            _ => format!(" with cascades triggered at {probability}"),
        }
    },
    manifest: |variation| {
        let values = numbers(&variation.values);
        let said = match &variation.subject {
            _ if variation.values.is_empty() => serde_json::Value::Null,
            Subject::Task(task) => json!({ "task": task, "values": values }),
            _ => json!({ "cascades": true, "values": values }),
        };
        vec![(ROW.key, said)]
    },
};

/// Probabilities of the task or of the cascades that `subject` says.
#[must_use]
pub fn variation(subject: Subject, probabilities: &[f64]) -> Variation {
    let values = probabilities.iter().copied().map(Amount::Probability).collect();
    Variation { axis: &ROW, change: CHANGE, subject, values }
}

fn decode(root: &Table<'_>) -> Option<Variation> {
    let Some(value) = root.get(ROW.key) else { return Some(variation(Subject::Cascades, &[])) };
    let table = value.table()?.named("`trigger_probability`");
    table.only(&["task", "cascades", "values"]);
    let subject = decode_subject(&table);
    let values = table.required("values", |value| items(value, "values", |item| item.probability()))?;
    let values: Vec<f64> = values.into_iter().map(|value| value.value).collect();
    Some(variation(subject?, &values))
}

fn decode_subject(table: &Table<'_>) -> Option<Subject> {
    match (table.get("task"), table.get("cascades")) {
        (Some(task), None) => task.string().map(|task| Subject::Task(task.to_owned())),
        (None, Some(cascades)) if !cascades.boolean()? => cascades
            .reject("`cascades` is false, and no task is named", "write `cascades = true`, or name a `task`"),
        (None, Some(_)) => Some(Subject::Cascades),
        (Some(_), Some(cascades)) => cascades.reject(
            "probabilities of one task or of all cascades are varied, not both",
            "remove `task` or `cascades`",
        ),
        (None, None) => {
            table.report(
                table
                    .problem("`trigger_probability` does not say whose probabilities are varied")
                    .help("add `task = \"...\"`, or `cascades = true` for all control dependencies"),
            );
            None
        }
    }
}

fn apply(subject: &Subject, probability: Amount, mut scenario: Scenario) -> Result<Scenario, Unfit> {
    let Subject::Task(name) = subject else {
        if scenario.has_cascades() {
            return Ok(scenario.with_cascade_probability(probability.number()));
        }
        return Err(Unfit {
            scenario: scenario.name,
            reason: "has no control dependency whose probability could be varied".to_owned(),
            help: "give one of its tasks `depends_on = [{ task = \"...\", kind = \"control\" }]`, or remove the \
                   scenario"
                .to_owned(),
        });
    };
    if let Some(task) = scenario.tasks.iter_mut().find(|task| task.name == *name) {
        task.trigger_probability = probability.number();
        return Ok(scenario);
    }
    let known: Vec<&str> = scenario.tasks.iter().map(|task| task.name.as_str()).collect();
    Err(Unfit {
        reason: format!("has no task `{name}` whose trigger probability could be varied"),
        help: suggestion(name, "task", &known),
        scenario: scenario.name.clone(),
    })
}
