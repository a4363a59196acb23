//! Faults of the description of a runner.

use rtmm_workload::parameters::Parameters;

use super::spec::RunnerSpec;
use crate::axes::AXES;
use crate::columns::{Column, ColumnKind, SeriesColumn};
use crate::results::PARAMETER_PREFIX;

impl RunnerSpec {
    /// Faults of the tables; empty for a sound runner. Built-in runners are held to it by a test.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.column_faults();
        faults.extend(self.series_faults());
        faults.extend(self.parameter_faults());
        faults
    }

    fn column_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut taken: Vec<&str> = AXES.iter().map(|axis| axis.name).collect();
        taken.extend(["cell", "identity", "task", "task_index", "accelerator", "accelerator_index"]);
        for expense in &self.expenses {
            let found = self.cell_columns.iter().find(|column| column.name == *expense);
            if found.is_none_or(|column| !column.summarised) {
                faults.push(format!("expense `{expense}`: it is no cell column that is summarised"));
            }
        }
        if let Some(completions) = self.completions {
            let found = self.cell_columns.iter().find(|column| column.name == completions);
            if found.is_none_or(|column| !column.kind.is_number()) {
                faults.push(format!("completions `{completions}`: it is no cell column of numbers"));
            }
        }
        let columns = self.cell_columns.iter().chain(&self.task_columns).chain(&self.accelerator_columns);
        for Column { name, summarised, kind, .. } in columns {
            if *summarised && !kind.is_number() {
                faults.push(format!("column `{name}`: a {} has no mean", kind_in_words(*kind)));
            }
            if name.starts_with(PARAMETER_PREFIX) {
                faults.push(format!(
                    "column `{name}`: names that begin with `{PARAMETER_PREFIX}` are of parameters"
                ));
            }
            faults.extend(name_faults("column", name, &taken));
            taken.push(name);
        }
        faults
    }

    fn series_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut taken: Vec<&str> = Vec::new();
        for SeriesColumn { name, .. } in &self.series_columns {
            faults.extend(name_faults("series", name, &taken));
            taken.push(name);
        }
        faults
    }

    fn parameter_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.policies.is_empty() {
            faults.push("there is no policy".to_owned());
        }
        let settings = &self.settings;
        faults.extend(settings.value_fault().map(|fault| format!("settings: {fault}")));
        for policy in &self.policies {
            let fault_of = |fault| format!("policy `{}`: {fault}", policy.name);
            faults.extend(policy.parameters.value_fault().map(fault_of));
            // `--set` and identities know a value by its name alone.
            for name in policy.parameters.names().filter(|name| settings.get(name).is_some()) {
                faults.push(fault_of(format!("`{name}` is the name of a setting, too")));
            }
            if let Err(reason) = policy.rule.check(&Parameters::defaults(&policy.parameters)) {
                faults.push(fault_of(format!("its defaults are refused: {reason}")));
            }
        }
        if let Err(reason) = self.settings_rule.check(&Parameters::defaults(settings)) {
            faults.push(format!("settings: the defaults are refused: {reason}"));
        }
        faults
    }
}

/// A kind of values in a sentence.
const fn kind_in_words(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Integer | ColumnKind::Real => "number",
        ColumnKind::Boolean => "boolean",
        ColumnKind::Text => "text",
    }
}

/// Fault of the name of a column.
fn name_faults(what: &str, name: &str, taken: &[&str]) -> impl Iterator<Item = String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let illegal = name.is_empty() || !name.chars().all(legal);
    let illegal = illegal.then(|| format!("{what} `{name}`: use lower-case letters, digits and underscores"));
    let taken = taken.contains(&name).then(|| format!("{what} `{name}`: the name is taken"));
    illegal.into_iter().chain(taken)
}
