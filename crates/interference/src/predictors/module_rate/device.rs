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
    /// Their covariance, by rows.
    covariance: Vec<f64>,
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
        let mut adaptation = Self { state, covariance, factors: vec![1.0; count], deviations: Vec::new() };
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
        let covariance = |row: usize, column: usize| self.covariance[row * count + column];
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
        let count = self.state.len();
        let spread: Vec<f64> = self
            .covariance
            .chunks_exact(count)
            .map(|row| row.iter().zip(slopes).map(|(covariance, slope)| covariance * slope).sum())
            .collect();
        let expected =
            NOISE * NOISE + spread.iter().zip(slopes).map(|(spread, slope)| spread * slope).sum::<f64>();
        // An error far beyond what is expected is more likely of the measurement: its variance grows with it.
        let beyond = (error.abs() / (ROBUST * expected.sqrt())).max(1.0);
        let variance = expected + NOISE * NOISE * (beyond * beyond - 1.0);
        if !(error.is_finite() && variance.is_finite()) {
            return;
        }
        for (row, gain) in spread.iter().map(|spread| spread / variance).enumerate() {
            self.state[row] += gain * error;
            for (column, spread) in spread.iter().enumerate() {
                self.covariance[row * count + column] -= gain * spread;
            }
        }
        self.renew();
    }
}
