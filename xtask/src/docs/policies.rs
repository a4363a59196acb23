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

/// A row a parameter and meaning, whichever policies have it.
pub(super) fn parameters() -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut seen: Vec<(&str, &str)> = Vec::new();
    // What all have comes first, then what some have.
    let all = PolicyRegistry::built_in().iter().flat_map(|row| row.parameters.iter());
    let (common, own): (Vec<&Parameter>, Vec<&Parameter>) =
        all.partition(|parameter| owners(parameter).len() == PolicyRegistry::built_in().len());
    for parameter in common.into_iter().chain(own) {
        let key = (parameter.name.as_ref(), parameter.meaning.as_ref());
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let owners = owners(parameter);
        let of =
            if owners.len() == PolicyRegistry::built_in().len() { "all".to_owned() } else { names(&owners) };
        rows.push(vec![
            format!("`{}`", parameter.name),
            of,
            parameter.meaning.to_string(),
            parameter.allowed_text(),
            defaults(parameter),
        ]);
    }
    table(&["parameter", "of", "meaning", "allowed", "default"], &rows)
}

fn is_same(one: &Parameter, other: &Parameter) -> bool {
    (&one.name, &one.meaning) == (&other.name, &other.meaning)
}

/// The policies that have a parameter.
fn owners(parameter: &Parameter) -> Vec<&'static str> {
    let has = |row: &&rtmm_scheduler::PolicyRow| row.parameters.iter().any(|known| is_same(known, parameter));
    PolicyRegistry::built_in().iter().filter(has).map(|row| &*row.name).collect()
}

fn names(policies: &[&str]) -> String {
    policies.iter().map(|name| format!("`{name}`")).collect::<Vec<String>>().join(", ")
}

/// The default of a parameter, with the policies that it is the default of where they differ.
fn defaults(parameter: &Parameter) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for row in PolicyRegistry::built_in() {
        let Some(found) = row.parameters.iter().find(|known| is_same(known, parameter)) else { continue };
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
