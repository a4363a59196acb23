//! Adaptation to another device, or to a drift of the same, from observed groups.
//!
//! Another device scales what the modules cost: launches by one factor (they are the host's), work by one for each model
//! (kernels fill another GPU differently), the limit of the pressure and the fixed time by one each. Their logarithms have a
//! normal prior, and an extended Kalman filter follows them: one step an observation, of a length that does not grow.

use libm::{exp, log};

use super::costs::Scale;
use crate::{Device, ModelKey};

/// The compute slices that an A100 can be cut into, of 7 (1g, 2g, 3g, 4g, 7g): what is known of a new device before it is
/// measured is that it is one of these, so that its work takes 7, 3.5, 2.3, 1.75 times as long, or as long.
const SLICES: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 7.0];
/// Standard deviation of the other logarithms on a new device.
const NEW: f64 = 0.3;
/// Standard deviation of all logarithms on the same device: 5 %.
const SAME: f64 = 0.05;
/// Standard deviation of a group's relative error, of the model and of the measurement together.
const NOISE: f64 = 0.1;
/// Multiple of the expected error beyond which an error counts less.
const ROBUST: f64 = 2.0;

/// Places of the state: launch time, work of all models, limit of the pressure, fixed time, then the work of each model.
const LAUNCH: usize = 0;
const WORK: usize = 1;
const LIMIT: usize = 2;
const FIXED: usize = 3;
const MODELS: usize = 4;

/// Factors of a device, as they are believed.
#[derive(Clone, Debug)]
pub(super) struct Adaptation {
    /// Logarithms of the factors.
    state: Vec<f64>,
    /// Their covariance, by columns.
    covariance: Vec<f64>,
    /// The covariance times the derivatives of the last observation, and its gains.
    spread: Vec<f64>,
    gains: Vec<f64>,
    /// The factors that follow, with one of work for each model.
    factors: Vec<f64>,
    /// Standard deviation of the logarithm of each model's factor of work; none on the device of the fit, whose errors have
    /// it in them.
    deviations: Vec<f64>,
}

/// Derivatives of the logarithm of a time by the state.
#[derive(Clone, Debug)]
pub(super) struct StateSlopes(Vec<f64>);

impl StateSlopes {
    pub(super) fn of(models: usize) -> Self {
        Self(vec![0.0; MODELS + models])
    }

    /// Adds those of a module of a model.
    pub(super) fn add(&mut self, model: ModelKey, [launch, work, limit]: [f64; 3]) {
        self.0[LAUNCH] += launch;
        self.0[WORK] += work;
        self.0[LIMIT] += limit;
        if let Some(slope) = self.0.get_mut(MODELS + model.index()) {
            *slope += work;
        }
    }

    /// Adds that of the fixed time.
    pub(super) fn add_fixed(&mut self, fixed: f64) {
        self.0[FIXED] += fixed;
    }
}

impl Adaptation {
    /// Factors of a device, for so many models, as they are believed before it is observed.
    pub(super) fn of(device: Device, models: usize) -> Self {
        let count = MODELS + models;
        let mut state = vec![0.0; count];
        let mut covariance = vec![0.0; count * count];
        let spread = if device == Device::New { NEW } else { SAME };
        for index in 0..count {
            covariance[index * count + index] = spread * spread;
        }
        if device == Device::New {
            let whole = SLICES[SLICES.len() - 1];
            let logarithms = SLICES.map(|slice| log(whole / slice));
            let mean = logarithms.iter().sum::<f64>() / SLICES.len() as f64;
            let squares = logarithms.iter().map(|logarithm| (logarithm - mean) * (logarithm - mean));
            state[WORK] = mean;
            covariance[WORK * count + WORK] = squares.sum::<f64>() / SLICES.len() as f64;
        }
        let mut adaptation = Self {
            state,
            covariance,
            spread: vec![0.0; count],
            gains: Vec::with_capacity(count),
            factors: vec![1.0; count],
            deviations: Vec::new(),
        };
        if device == Device::New {
            adaptation.deviations.resize(models, 0.0);
        }
        adaptation.renew();
        adaptation
    }

    fn renew(&mut self) {
        for (index, factor) in self.factors.iter_mut().enumerate() {
            let shared = if index >= MODELS { self.state[WORK] } else { 0.0 };
            *factor = exp((self.state[index] + shared).clamp(-10.0, 10.0));
        }
        let count = self.state.len();
        let covariance = |row: usize, column: usize| self.covariance[column * count + row];
        for (model, deviation) in self.deviations.iter_mut().enumerate() {
            let own = MODELS + model;
            let variance = covariance(WORK, WORK) + 2.0 * covariance(WORK, own) + covariance(own, own);
            *deviation = variance.max(0.0).sqrt();
        }
    }

    /// Standard deviation of the logarithm of the factor of a model's work.
    pub(super) fn deviation(&self, model: ModelKey) -> f64 {
        self.deviations.get(model.index()).copied().unwrap_or(0.0)
    }

    /// The factors of a model's modules.
    pub(super) fn scale(&self, model: ModelKey) -> Scale {
        let work = self.factors.get(MODELS + model.index()).unwrap_or(&self.factors[WORK]);
        Scale { launch: self.factors[LAUNCH], work: *work, limit: self.factors[LIMIT] }
    }

    /// The number of models that have a factor of their own.
    pub(super) const fn models(&self) -> usize {
        self.state.len() - MODELS
    }

    /// The factor of the fixed time of a group.
    pub(super) fn fixed(&self) -> f64 {
        self.factors[FIXED]
    }

    /// Learns from the logarithm of an observed time over the predicted one.
    pub(super) fn observe(&mut self, StateSlopes(slopes): &StateSlopes, error: f64) {
        let Self { state, covariance, spread, .. } = self;
        let count = state.len();
        // The factors of models that are not in the group have no part in its time.
        spread.fill(0.0);
        for (column, slope) in covariance.chunks_exact(count).zip(slopes) {
            if *slope != 0.0 {
                for (spread, covariance) in spread.iter_mut().zip(column) {
                    *spread += covariance * slope;
                }
            }
        }
        let expected =
            NOISE * NOISE + spread.iter().zip(slopes).map(|(spread, slope)| spread * slope).sum::<f64>();
        // An error far beyond what is expected is more likely of the measurement: its variance grows with it.
        let beyond = (error.abs() / (ROBUST * expected.sqrt())).max(1.0);
        let variance = expected + NOISE * NOISE * (beyond * beyond - 1.0);
        if !(error.is_finite() && variance.is_finite()) {
            return;
        }
        let gains = &mut self.gains;
        gains.clear();
        gains.extend(spread.iter().map(|spread| spread / variance));
        for (state, gain) in state.iter_mut().zip(gains.iter()) {
            *state += gain * error;
        }
        for (column, spread) in covariance.chunks_exact_mut(count).zip(spread.iter()) {
            for (covariance, gain) in column.iter_mut().zip(gains.iter()) {
                *covariance -= gain * spread;
            }
        }
        self.renew();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An observation as the filter is written down: every product of every row, in order.
    fn plain(state: &mut [f64], rows: &mut [Vec<f64>], slopes: &[f64], error: f64) {
        let dot =
            |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>();
        let spread: Vec<f64> = rows.iter().map(|row| dot(row, slopes)).collect();
        let expected = NOISE * NOISE + dot(&spread, slopes);
        let beyond = (error.abs() / (ROBUST * expected.sqrt())).max(1.0);
        let variance = expected + NOISE * NOISE * (beyond * beyond - 1.0);
        for (row, place) in rows.iter_mut().enumerate() {
            let gain = spread[row] / variance;
            state[row] += gain * error;
            for (covariance, spread) in place.iter_mut().zip(&spread) {
                *covariance -= gain * spread;
            }
        }
    }

    #[test]
    fn observations_are_those_of_the_plain_filter_to_the_bit() {
        let models = 5;
        let count = MODELS + models;
        for device in [Device::Same, Device::New] {
            let mut adaptation = Adaptation::of(device, models);
            let mut state = adaptation.state.clone();
            let mut rows: Vec<Vec<f64>> = adaptation.covariance.chunks(count).map(<[f64]>::to_vec).collect();
            for number in 0..200_u32 {
                let mut slopes = StateSlopes::of(models);
                let part = |multiple: u32| f64::from(number * multiple % 97) / 97.0;
                slopes.0[..MODELS].copy_from_slice(&[part(31), part(53), part(71), part(11)]);
                // Two models of five, or one twice.
                slopes.0[MODELS + number as usize % models] += part(17);
                slopes.0[MODELS + number as usize * 3 % models] += part(61);
                let error = part(43) - 0.5;
                adaptation.observe(&slopes, error);
                plain(&mut state, &mut rows, &slopes.0, error);
                assert_eq!(adaptation.state, state);
                for (column, values) in adaptation.covariance.chunks(count).enumerate() {
                    assert!(values.iter().zip(&rows).all(|(value, row)| *value == row[column]));
                }
            }
        }
    }
}
