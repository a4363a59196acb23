//! A warning where cost models of a platform price a multiply-accumulate too far apart for their energies to compare.

use rtmm_hardware::Platform;
use rtmm_hardware::technology::apart;

use crate::failure::say;

/// Warns of the two cost models of a platform that are furthest apart, in a line.
pub(crate) fn warn(name: &str, platform: &Platform) {
    if let Some(what) = said(platform) {
        say!("warning: {name}: {what}");
    }
}

/// The prices that are apart, in words; none where energies compare.
fn said(platform: &Platform) -> Option<String> {
    let of_each: Vec<_> =
        platform.configurations.iter().map(|configuration| configuration.cost_model.prices()).collect();
    let [(low, low_pj), (high, high_pj)] = apart(&of_each, platform.technology.as_deref())?;
    // A price is a product of floating-point numbers: the digits of its rounding say nothing.
    let [low_pj, high_pj] = [low_pj, high_pj].map(|price| (price * 1e6).round() / 1e6);
    let label = |index: usize| platform.configurations.get(index).map_or("", |one| one.label.as_str());
    let way_out = match platform.technology {
        None => "name a `technology`",
        Some(_) => "remove the prices that accelerators state",
    };
    Some(format!(
        "energies do not compare: a multiply-accumulate is {low_pj} pJ on {} and {high_pj} pJ on {}; {way_out}",
        label(low),
        label(high),
    ))
}
