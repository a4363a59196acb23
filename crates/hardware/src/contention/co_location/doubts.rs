//! Doubts of a `co_location` table: it states what matches nothing that runs, or says nothing of what does.

use rtmm_workload::Model;

use super::{CoLocation, Copies};

impl CoLocation {
    /// Doubts of it, for these models on an accelerator of so many units, a sentence each: copies that no layer is,
    /// models without a row, rows that no run can match.
    #[must_use]
    pub fn doubts(&self, models: &[Model], units: u32) -> Vec<String> {
        let mut doubts = self.rule.doubts(models, units);
        if let Some(utilisation) = &self.utilisation {
            let missing = without_row(models, |name| utilisation.knows(name));
            doubts.extend(
                missing
                    .map(|names| format!("the table of `utilisation` has no row of {names}: taken as idle")),
            );
        }
        if let Some(Copies { to_device, from_device, .. }) = &self.copies {
            for (key, name) in [("to_device", to_device), ("from_device", from_device)] {
                let mut layers = models.iter().flat_map(|model| &model.layers);
                if !layers.any(|layer| layer.name == *name) {
                    doubts.push(format!("no layer is called `{name}`: `copies.{key}` changes nothing"));
                }
            }
        }
        doubts
    }
}

/// The names of models that a table does not know, as a list; none where it knows all.
pub(super) fn without_row(models: &[Model], knows: impl Fn(&str) -> bool) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for model in models.iter().filter(|model| !knows(&model.name)) {
        let name = format!("`{}`", model.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join(", "))
}
