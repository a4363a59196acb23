//! The registry of predictors, and the built-in measurements, as tables.

use rtmm_interference::load::{self, BUILT_IN};
use rtmm_interference::{FileKind, PredictorRegistry};
use rtmm_workload::input::Diagnostics;
use rtmm_workload::parameters::Parameter;

use super::{Problem, table};

/// A row a predictor.
pub(super) fn predictors() -> String {
    let rows: Vec<Vec<String>> = PredictorRegistry::built_in()
        .iter()
        .map(|row| {
            let kinds: Vec<&str> = row.kinds.iter().map(|kind| kind.rows()).collect();
            vec![format!("`{}`", row.name), row.summary.to_string(), kinds.join(", "), row.source.to_string()]
        })
        .collect();
    table(&["predictor", "says", "of", "source"], &rows)
}

/// A row a parameter and meaning, with the predictors that have it.
pub(super) fn parameters() -> String {
    let mut rows: Vec<(&Parameter, Vec<String>)> = Vec::new();
    for row in PredictorRegistry::built_in() {
        for parameter in row.schema().iter() {
            let owner = format!("`{}`", row.name);
            match rows.iter_mut().find(|(known, _)| *known == parameter) {
                Some((_, owners)) => owners.push(owner),
                None => rows.push((parameter, vec![owner])),
            }
        }
    }
    // What most have comes last.
    rows.sort_by_key(|(_, owners)| owners.len());
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(parameter, owners)| {
            vec![
                format!("`{}`", parameter.name),
                owners.join(", "),
                parameter.meaning.to_string(),
                parameter.allowed_text(),
                parameter.default.to_string(),
            ]
        })
        .collect();
    table(&["parameter", "of", "meaning", "allowed", "default"], &rows)
}

/// A row a built-in table.
pub(super) fn measurements() -> Result<String, Problem> {
    let mut rows = Vec::new();
    for built_in in BUILT_IN {
        let source = load::open(built_in.name).map_err(Diagnostics::from)?;
        let kind = FileKind::of(&source).map_err(Diagnostics::from)?;
        let count = load::measurements(&[built_in.name])?.rows();
        rows.push(vec![
            format!("`{}`", built_in.name),
            kind.rows().to_owned(),
            count.to_string(),
            built_in.summary.to_owned(),
        ]);
    }
    Ok(table(&["name", "kind", "rows", "of"], &rows))
}
