//! A warning where rows of a cost table, or of a table of co-location, match nothing that runs.

use rtmm_hardware::{Platform, Unmatched};
use rtmm_workload::Model;

use crate::failure::say;

/// Warns of the rows of a platform's cost tables that match no layer of `models`, in a line a table, and of what its
/// accelerators state of co-location that says nothing of them.
pub(crate) fn warn(platform: &Platform, models: &[Model]) {
    for configuration in &platform.configurations {
        let unmatched = configuration.cost_model.unmatched(models);
        if let Some(what) = said(&unmatched) {
            say!("warning: {}: {what}", configuration.label);
        }
    }
    for accelerator in &platform.accelerators {
        let doubts = accelerator.co_location.as_ref().map(|of| of.doubts(models, accelerator.units()));
        for doubt in doubts.into_iter().flatten() {
            say!("warning: `co_location` of accelerator `{}`: {doubt}", accelerator.name);
        }
    }
}

/// The rows that match nothing, in words; none where all match.
fn said(unmatched: &Unmatched) -> Option<String> {
    let Unmatched { rows, of_other_models, of_no_layer, first } = unmatched;
    let mut why = Vec::new();
    if *of_other_models > 0 {
        why.push(format!("{of_other_models} of models that do not run here"));
    }
    if let Some((model, layer, line)) = first {
        why.push(format!(
            "{of_no_layer} of layers that their model does not have, such as `{layer}` of `{model}` in line {line}"
        ));
    }
    let all = of_other_models + of_no_layer;
    (all > 0).then(|| format!("{all} of {rows} rows match no layer that runs: {}", why.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_reason() {
        let unmatched = |of_other_models, of_no_layer| Unmatched {
            rows: 9,
            of_other_models,
            of_no_layer,
            first: (of_no_layer > 0).then(|| ("net".to_owned(), "conv9".to_owned(), 7)),
        };
        assert_eq!(said(&unmatched(0, 0)), None);
        assert_eq!(
            said(&unmatched(3, 0)).unwrap(),
            "3 of 9 rows match no layer that runs: 3 of models that do not run here"
        );
        assert_eq!(
            said(&unmatched(3, 2)).unwrap(),
            "5 of 9 rows match no layer that runs: 3 of models that do not run here; 2 of layers that their model does \
             not have, such as `conv9` of `net` in line 7"
        );
    }
}
