//! Facts on how results were made, for the head of the page.

use rtmm_sweep::plan::Plan;
use rtmm_sweep::runner::short_names;

use crate::page::Fact;

/// Program, sweep, runner, and how many there are of what it varies.
pub(super) fn facts(plan: &Plan<'_>) -> Vec<Fact> {
    let axes = plan.axes();
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    // What varies is what names them; the manifest has every parameter.
    let policies = match axes.policies.as_slice() {
        [policy] => vec![policy.to_string()],
        several => short_names(several),
    };
    let runner = plan.spec();
    let mut facts = vec![
        fact("program", format!("rtmm {}", env!("CARGO_PKG_VERSION"))),
        fact("sweep", axes.name.clone()),
        fact("runner", format!("{} (result version {})", runner.name, runner.result_version)),
    ];
    if !axes.settings.is_empty() {
        facts.push(fact("settings", axes.settings.to_string()));
    }
    facts.extend([
        fact("policies", policies.join("; ")),
        fact("scenarios", axes.workloads.len().to_string()),
        fact("platforms", axes.platforms.len().to_string()),
        fact("seeds of random scenarios", axes.seeds.len().to_string()),
        fact("cells", plan.len().to_string()),
    ]);
    facts
}
