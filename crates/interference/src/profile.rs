//! Utilisation of memory by models alone, between what was measured.
//!
//! Between two batches, and between two shares, values are interpolated linearly; beyond the measured ones they are those
//! of the nearest, in proportion to the share where that is below the least measured one (as gpulet takes utilisations of a
//! whole GPU). A model without any has the mean of all models.

use std::collections::BTreeSet;

use crate::linear::UnorderedSum;
use crate::measurements::Measurements;
use crate::{CoRun, FitError, Inference, ModelKey, Running, Share};

/// Features of an interval: utilisation of L2 by the inference, by its co-runners, of DRAM by both, and 1.
pub(crate) const FEATURES: usize = 5;

/// Utilisations of the bandwidth of the L2 cache and of DRAM, as fractions of 1.
pub(crate) type Utilised = [f64; 2];

/// Utilisations at one share by batch.
#[derive(Clone, Debug)]
struct AtShare {
    share: f64,
    /// Batches and utilisations, in the order of the batches.
    batches: Vec<(f64, Utilised)>,
}

/// Utilisations by model.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    models: Vec<Vec<AtShare>>,
    mean: Utilised,
}

impl Profile {
    /// The utilisations of solo measurements. Models without any take those of a whole GPU from tables of utilisation: of
    /// the named one, or of the only one. None where no row states any.
    pub(crate) fn of(measurements: &Measurements, gpu: Option<&str>) -> Option<Self> {
        let mut rows: Vec<_> = measurements
            .solos
            .iter()
            .filter_map(|solo| Some((solo.model, solo.share, solo.batch, [solo.l2?, solo.dram?])))
            .collect();
        let profiled: BTreeSet<ModelKey> = rows.iter().map(|(model, ..)| *model).collect();
        let gpus: BTreeSet<&str> = measurements.utilisations.iter().map(|row| row.gpu.as_str()).collect();
        let gpu = gpu.or(gpus.first().copied().filter(|_| gpus.len() == 1));
        let others = measurements
            .utilisations
            .iter()
            .filter(|row| Some(row.gpu.as_str()) == gpu && !profiled.contains(&row.model));
        rows.extend(others.map(|row| (row.model, Share::WHOLE, row.batch, [row.l2, row.dram])));
        // One value for each point, that of the first row.
        rows.sort_by_key(|(model, share, batch, _)| (*model, *share, *batch));
        rows.dedup_by_key(|(model, share, batch, _)| (*model, *share, *batch));
        let mut models: Vec<Vec<AtShare>> = vec![Vec::new(); measurements.names.len()];
        let mut sum = [0.0; 2];
        for (model, share, batch, utilised) in &rows {
            let Some(shares) = models.get_mut(model.index()) else { continue };
            let share = share.fraction();
            if shares.last().is_none_or(|last| last.share != share) {
                shares.push(AtShare { share, batches: Vec::new() });
            }
            if let Some(last) = shares.last_mut() {
                last.batches.push((f64::from(*batch), *utilised));
            }
            sum = [sum[0] + utilised[0], sum[1] + utilised[1]];
        }
        let count = rows.len() as f64;
        (!rows.is_empty()).then(|| Self { models, mean: sum.map(|sum| sum / count) })
    }

    /// The same for a predictor that cannot be fitted without.
    pub(crate) fn required(
        predictor: &'static str,
        measurements: &Measurements,
        gpu: Option<&str>,
    ) -> Result<Self, FitError> {
        Self::of(measurements, gpu).ok_or_else(|| FitError::Missing {
            predictor,
            what: "utilisations of memory, and no table of solo latencies has any".to_owned(),
            help: "give a table of solo latencies with `l2_util_pct` and `dram_util_pct`, such as igniter/v100-solo, \
                   or choose `pair-table`"
                .to_owned(),
        })
    }

    /// The features of an interval; none where no co-runner runs in it. The order of co-runners changes no bit.
    pub(crate) fn features(&self, query: &CoRun<'_>, running: Running) -> Option<[f64; FEATURES]> {
        if running.is_none() {
            return None;
        }
        let mut sums: Option<[UnorderedSum; 2]> = None;
        for (position, other) in query.others.iter().enumerate() {
            if running.has(position) {
                let sums = sums.get_or_insert_default();
                sums.iter_mut().zip(self.utilised(other)).for_each(|(sum, part)| sum.add(part));
            }
        }
        let [l2, dram] = sums?.map(UnorderedSum::get);
        let [own_l2, own_dram] = self.utilised(&query.own);
        Some([own_l2, l2, own_dram, dram, 1.0])
    }

    /// The utilisation of an inference alone on its share.
    pub(crate) fn utilised(&self, inference: &Inference) -> Utilised {
        let shares = self.models.get(inference.model.index()).map_or(&[][..], Vec::as_slice);
        let batch = f64::from(inference.batch);
        let at = |entry: &AtShare| {
            between(&entry.batches, batch, |entry| entry.0, |entry| entry.1).unwrap_or(self.mean)
        };
        let share = inference.share.fraction();
        let below = shares.first().map_or(1.0, |least| (share / least.share).min(1.0));
        between(shares, share, |entry| entry.share, at)
            .map_or(self.mean, |utilised| utilised.map(|part| part * below))
    }
}

/// The value at a place between sorted entries; none where there are no entries.
fn between<T>(
    entries: &[T],
    place: f64,
    at: impl Fn(&T) -> f64,
    value: impl Fn(&T) -> Utilised,
) -> Option<Utilised> {
    let behind = entries.partition_point(|entry| at(entry) < place);
    let (low, high) =
        match (behind.checked_sub(1).and_then(|before| entries.get(before)), entries.get(behind)) {
            (Some(low), Some(high)) => (low, high),
            (Some(one), None) | (None, Some(one)) => return Some(value(one)),
            (None, None) => return None,
        };
    if at(high) == place {
        return Some(value(high));
    }
    let weight = (place - at(low)) / (at(high) - at(low));
    let (low, high) = (value(low), value(high));
    Some([low[0] + weight * (high[0] - low[0]), low[1] + weight * (high[1] - low[1])])
}
