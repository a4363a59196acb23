//! The registry of cost models as tables.

use rtmm_hardware::CostModelRegistry;
use rtmm_workload::parameters::DefaultValue;

use super::table;

pub(super) fn part() -> String {
    let mut text = String::new();
    for row in CostModelRegistry::built_in() {
        text.push_str(&format!("## `{}`\n\n{}. Source: {}. ", row.name, sentence(&row.summary), row.source));
        text.push_str(&format!("Equations: [models/{0}.md](../models/{0}.md).\n\n", row.name));
        let keys: Vec<Vec<String>> = row
            .parameters
            .iter()
            .map(|parameter| {
                let default = match parameter.default {
                    DefaultValue::Required => "must be stated".to_owned(),
                    ref default => default.to_string(),
                };
                vec![
                    format!("`{}`", parameter.name),
                    parameter.meaning.to_string(),
                    parameter.allowed_text(),
                    default,
                ]
            })
            .collect();
        text.push_str(&table(&["key", "meaning", "allowed", "default"], &keys));
        text.push('\n');
    }
    text
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
