//! Warnings of parameters that have no effect.

use rtmm_hardware::Platform;
use rtmm_runners::engine::{Engine, IdleParameter, UnmetParameter};
use rtmm_sweep::plan::Plan;
use rtmm_sweep::runner::{CellRunner, Policy};

use crate::failure::say;

/// Names the parameters of a run that change nothing.
pub(crate) fn warn_of_run(policy: &Policy) {
    for idle in Engine::built_in().idle_parameters(policy) {
        say!("warning: --set: policy `{}`: {idle}", policy.name);
    }
}

/// Names the parameters of a run that ask for what its platform does not have.
pub(crate) fn warn_of_platform(policy: &Policy, platform: &Platform) {
    for unmet in Engine::built_in().unmet_parameters(policy, platform) {
        say!("warning: --set: policy `{}` on platform `{}`: {unmet}", policy.name, platform.name);
    }
}

/// Names the parameters of a sweep that ask for what none of its platforms has.
fn warn_of_platforms(file: &str, plan: &Plan<'_>) {
    let engine = Engine::built_in();
    let mut told: Vec<(&str, UnmetParameter)> = Vec::new();
    for policy in &plan.axes().policies {
        // Platforms that a policy divides are others.
        if engine.granted_units(policy).is_ok_and(|units| units.is_some()) {
            continue;
        }
        let mut platforms = plan.axes().platforms.iter();
        let Some(first) = platforms.next() else { continue };
        for unmet in engine.unmet_parameters(policy, first) {
            let is_unmet = |platform: &Platform| {
                let others = engine.unmet_parameters(policy, platform);
                others.iter().any(|other| other.name == unmet.name)
            };
            let everywhere = platforms.clone().all(is_unmet);
            let key = (policy.name.as_ref(), unmet);
            if everywhere && !told.contains(&key) {
                say!("warning: {file}: policy `{}`: {}", key.0, key.1);
                told.push(key);
            }
        }
    }
}

/// Names the parameters of a sweep that change nothing under any policy of their name; `file` is the sweep.
pub(crate) fn warn_of_sweep(file: &str, plan: &Plan<'_>) {
    if plan.spec().name != Engine::built_in().spec().name {
        return;
    }
    warn_of_platforms(file, plan);
    let policies = &plan.axes().policies;
    let engine = Engine::built_in();
    let idle: Vec<Vec<IdleParameter>> =
        policies.iter().map(|policy| engine.idle_parameters(policy)).collect();
    let mut told: Vec<(&str, &str)> = Vec::new();
    for (policy, of_policy) in policies.iter().zip(&idle) {
        for one in of_policy {
            // Another policy of the name may be the one that the value is for.
            let has_effect = |(other, idle): (&Policy, &Vec<IdleParameter>)| {
                let value = other.parameter(&one.name).map(ToString::to_string);
                other.name == policy.name
                    && value.as_ref() == Some(&one.value)
                    && idle.iter().all(|known| known.name != one.name)
            };
            let key = (policy.name.as_ref(), one.name.as_str());
            if !told.contains(&key) && !policies.iter().zip(&idle).any(has_effect) {
                say!("warning: {file}: policy `{}`: {one}", policy.name);
                told.push(key);
            }
        }
    }
}
