//! Layers that no accelerator of a platform runs, as bad input: the first ones with their reasons, and a way out.

use rtmm_hardware::{NoCost, Platform};
use rtmm_workload::Workload;
use rtmm_workload::input::{Diagnostic, Source};

use super::places::Spot;

/// Layers that are named; the rest is counted.
const NAMED: usize = 3;

/// The problem of a scenario on a platform that lacks costs of layers, at the task that runs the first of them.
pub(super) fn problem(
    source: Option<&Source>,
    workload: &Workload,
    platform: &Platform,
    layers: &[NoCost],
) -> Diagnostic {
    let (scenario, on) = (&workload.scenario.name, &platform.name);
    let all: usize = workload.models.iter().map(|model| model.layers.len()).sum();
    let mut message = format!(
        "scenario `{scenario}` cannot run on platform `{on}`: no accelerator runs {} of its {all} layers",
        layers.len()
    );
    for NoCost { model, layer, lacks } in layers.iter().take(NAMED) {
        let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
        for lack in lacks {
            let names = lack.accelerators.iter().map(|name| format!("`{name}`"));
            let reason = lack.reason.to_string();
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, known)) => known.extend(names),
                None => reasons.push((reason, names.collect())),
            }
        }
        let told = reasons.iter().map(|(reason, names)| format!("{}: {reason}", names.join(", ")));
        let told = told.collect::<Vec<String>>().join("; ");
        message.push_str(&format!("\n  layer `{layer}` of model `{model}`: {told}"));
    }
    if layers.len() > NAMED {
        message.push_str(&format!("\n  ... and {} more", layers.len() - NAMED));
    }
    let named = layers.first().map(|first| first.model.as_str());
    let task = workload.scenario.tasks.iter().find(|task| {
        let mut models = task.variants.iter().chain([&task.model]);
        models.any(|model| Some(workload.models[model.index()].name.as_str()) == named)
    });
    let keys = &["model", "variants"];
    let problem = match task {
        Some(task) => Spot::task(&task.name, keys).problem(source, message),
        None => Diagnostic::without_place(message),
    };
    problem.help(
        "choose a platform with an accelerator that runs them, or state their times in a cost table \
         (an accelerator with `model = \"table\"`); `rtmm explain --platform` says of a layer who runs it",
    )
}
