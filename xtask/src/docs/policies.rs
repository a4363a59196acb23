//! The registry of policies as tables.

use rtmm_scheduler::{ParameterError, PolicyRegistry};
use rtmm_workload::parameters::Parameter;

use super::{Problem, table};

/// The number of policies, and a row a policy.
pub(super) fn policies() -> Result<String, Problem> {
    let yes = |is: bool| if is { "yes" } else { "" }.to_owned();
    let row = |row: &rtmm_scheduler::PolicyRow| -> Result<Vec<String>, ParameterError> {
        let able = row.capabilities(&row.defaults())?;
        let (summary, source) = (row.summary.to_string(), row.source.to_string());
        Ok(vec![format!("`{}`", row.name), summary, source, yes(able.oracle), yes(able.starvation_free)])
    };
    let rows = PolicyRegistry::built_in().iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let table = table(&["policy", "who comes first", "source", "oracle", "starvation-free"], &rows);
    Ok(format!("The {} built-in policies:\n\n{table}", rows.len()))
}

/// A row a parameter, whichever policies have it.
pub(super) fn parameters() -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    // What all have comes first, then what some have.
    let all = PolicyRegistry::built_in().iter().flat_map(|row| row.parameters.iter());
    let (common, own): (Vec<&Parameter>, Vec<&Parameter>) =
        all.partition(|parameter| owners(&parameter.name).len() == PolicyRegistry::built_in().len());
    for parameter in common.into_iter().chain(own) {
        if seen.contains(&parameter.name.as_ref()) {
            continue;
        }
        seen.push(&parameter.name);
        let owners = owners(&parameter.name);
        let of =
            if owners.len() == PolicyRegistry::built_in().len() { "all".to_owned() } else { names(&owners) };
        rows.push(vec![
            format!("`{}`", parameter.name),
            of,
            parameter.meaning.to_string(),
            parameter.allowed_text(),
            defaults(&parameter.name),
        ]);
    }
    table(&["parameter", "of", "meaning", "allowed", "default"], &rows)
}

/// The policies that have a parameter.
fn owners(parameter: &str) -> Vec<&'static str> {
    let has = |row: &&rtmm_scheduler::PolicyRow| row.parameters.iter().any(|known| known.name == parameter);
    PolicyRegistry::built_in().iter().filter(has).map(|row| &*row.name).collect()
}

fn names(policies: &[&str]) -> String {
    policies.iter().map(|name| format!("`{name}`")).collect::<Vec<String>>().join(", ")
}

/// The default of a parameter, with the policies that it is the default of where they differ.
fn defaults(parameter: &str) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for row in PolicyRegistry::built_in() {
        let Some(found) = row.parameters.iter().find(|known| known.name == parameter) else { continue };
        let value = found.default.to_string();
        match groups.iter_mut().find(|(known, _)| *known == value) {
            Some((_, policies)) => policies.push(&row.name),
            None => groups.push((value, vec![&*row.name])),
        }
    }
    match groups.as_slice() {
        [(value, _)] => value.clone(),
        _ => {
            let texts: Vec<String> =
                groups.iter().map(|(value, policies)| format!("{value} in {}", names(policies))).collect();
            texts.join("; ")
        }
    }
}
