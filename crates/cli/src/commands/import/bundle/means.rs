//! Means of latencies that vary: measured ones beside those of the quantiles in a cost table.
//!
//! Five quantiles with straight lines between them have a mean of their own. A layer that is slow in more or fewer runs than
//! the lines say has another one in the profile, and a simulated run takes that much more or less.

use rtmm_hardware::Quantiles;
use rtmm_import::ImportedLayer;
use rtmm_import::measurements::{LayerCost, microseconds};
use rtmm_workload::Duration;

use crate::failure::say;

/// A mean of the quantiles that is further off than this part of the measured one is told: one in 20, which is 5 %.
const TOLD_PART: u64 = 20;

/// The mean of a run by the quantiles of its layers in microseconds, other nodes included; none where no layer varies.
pub(super) fn of_quantiles(costs: &[LayerCost]) -> Option<f64> {
    let varies = costs.iter().any(|cost| cost.quantiles.is_some());
    let sum = costs.iter().map(mean).fold(Duration::ZERO, Duration::saturating_add);
    varies.then(|| microseconds(sum))
}

/// Says how many layers have another mean by their quantiles than the profile has, with the one that is furthest off.
pub(super) fn say_other_means(layers: &[ImportedLayer], costs: &[LayerCost]) {
    let off = |cost: &LayerCost| mean(cost).picoseconds().abs_diff(cost.time.picoseconds());
    let others: Vec<_> = layers
        .iter()
        .zip(costs)
        .filter(|(_, cost)| off(cost) > cost.time.picoseconds() / TOLD_PART)
        .collect();
    let Some((layer, cost)) = others.iter().max_by_key(|(_, cost)| off(cost)) else { return };
    say!(
        "warning: the mean of the quantiles is more than {} % off the measured mean in {} of {} layers, furthest in `{}`: \
         {:.3} us by the quantiles, {:.3} us measured",
        100 / TOLD_PART,
        others.len(),
        costs.len(),
        layer.name,
        microseconds(mean(cost)),
        microseconds(cost.time)
    );
}

/// The mean that the row of a layer has.
fn mean(cost: &LayerCost) -> Duration {
    let quantiles = cost.quantiles.and_then(|all| Quantiles::new(all).ok());
    quantiles.map_or(cost.time, |quantiles| quantiles.mean())
}
