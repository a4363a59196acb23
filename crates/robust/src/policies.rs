//! Policies as texts name them: `NAME`, or `NAME:KEY=VALUE:KEY=VALUE`.

use rtmm_sweep::runner::{Chosen, RunnerSpec};
use rtmm_workload::input::suggestion;

use crate::study::StudyError;

/// Reads policies with their parameters. `set` are settings of the run, and parameters of all policies alike.
///
/// # Errors
/// [`StudyError`] for the first policy that does not exist, or has no such parameters.
pub fn policies(
    spec: &RunnerSpec,
    texts: &[impl AsRef<str>],
    set: &[impl AsRef<str>],
) -> Result<Vec<Chosen>, StudyError> {
    let read = |text: &str| {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().trim();
        let Some(schema) = spec.policy(&name.replace('_', "-")) else {
            let names: Vec<&str> = spec.policies.iter().map(|schema| schema.name.as_ref()).collect();
            let help = format!("{}; see `rtmm list policies`", suggestion(name, "policy", &names));
            return Err(StudyError::NoPolicy { name: name.to_owned(), help });
        };
        let own: Vec<&str> = parts.map(str::trim).collect();
        if let Some(part) = own.iter().find(|part| !part.contains('=')) {
            return Err(StudyError::Parameters {
                reason: format!("`{part}` of the policy `{text}` has no `=`"),
                help: "write NAME:KEY=VALUE, such as edf:drop=late".to_owned(),
            });
        }
        let all: Vec<&str> = set.iter().map(AsRef::as_ref).chain(own).collect();
        Chosen::read(spec, schema, &all)
            .map_err(|error| StudyError::Parameters { reason: error.to_string(), help: error.help() })
    };
    texts.iter().map(|text| read(text.as_ref())).collect()
}
