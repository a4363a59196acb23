//! Calibration: how costs turn into measured times.
//!
//! A measured layer i has a time t_i, off-chip traffic of k_i kibibytes, and an amount of compute w_i. Its time is taken to
//! be a k_i + b w_i + c, with three coefficients an accelerator: a is the time of a kibibyte, b that of a unit of compute,
//! and c that of launching a layer. They minimise the sum of squared relative errors ((a k_i + b w_i + c - t_i) / t_i)^2
//! over all layers; short layers count as much as long ones.
//!
//! | quantity | definition |
//! |---|---|
//! | error at a layer | abs(predicted - measured) / measured |
//! | in-sample mean | mean over layers of the error of the fit to all layers |
//! | leave-one-out mean | mean over layers of the error of the fit to all other layers |
//! | leave-one-out median | median of the same; of an even number of layers the mean of the two in the middle |
//!
//! [`structured`] lets coefficients depend on the class of a layer. Which ones do is chosen anew for every layer that is
//! left out, from the other layers alone, so that its leave-one-out errors are those of the whole procedure.
//!
//! Measurements come from [`read_profile`] or [`read_costs`]. What a fit says goes into platform files as
//! [`Coefficients`].

mod correction;
mod least_squares;
mod measurements;
mod structure;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use thiserror::Error;

pub use correction::{Calibrated, Coefficients};
use least_squares::{Fit, Undetermined, error_at, fit};
pub use measurements::{read_costs, read_profile};
use structure::{Form, forms};

/// A layer with its measured time and what the time is explained by.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Class of the layer: the operator, as the file or the model spells it.
    pub operator: String,
    /// Off-chip traffic, in kibibytes (1,024 bytes).
    pub kilobytes: f64,
    /// Compute: thousands of cycles, or microseconds of a cost model.
    pub compute: f64,
    /// Measured time, in microseconds; above 0.
    pub microseconds: f64,
    /// Place in the file.
    pub range: Range<usize>,
}

/// Measurements with the names of their coefficients.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurements {
    /// Unit of compute, as it stands in the name of its coefficient.
    pub compute_unit: ComputeUnit,
    /// The layers.
    pub layers: Vec<Measurement>,
}

/// Unit of [`Measurement::compute`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComputeUnit {
    /// Thousands of the accelerator's cycles, as its compiler counts them.
    Kilocycles,
    /// Microseconds that a cost model states.
    Microseconds,
}

/// Coefficients with their errors; errors are shares, 0.18 for 18 %.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Mean error of the fit to all layers.
    pub in_sample_mean_error: f64,
    /// Mean error at layers that were left out.
    pub leave_one_out_mean_error: f64,
    /// Median error at layers that were left out.
    pub leave_one_out_median_error: f64,
    /// Coefficients by name, with the unit in it; with structure, what is added for a class as `NAME:CLASS`.
    pub coefficients: BTreeMap<String, f64>,
}

/// Why measurements determine no coefficients, or not their error.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CalibrationError {
    /// There are too few layers.
    #[error("{layers} layers are too few for {coefficients} coefficients and their error")]
    TooFewLayers {
        /// Layers that there are.
        layers: usize,
        /// Coefficients to be found.
        coefficients: usize,
    },
    /// A coefficient cannot be told from the others.
    #[error("the layers do not determine `{name}`: {why}")]
    Dependent {
        /// The coefficient.
        name: String,
        /// Fault that the layers have in common.
        why: &'static str,
    },
    /// One layer alone determines a coefficient, so that its error is not known.
    #[error("without this layer the others do not determine the coefficients")]
    Alone {
        /// Position of the layer.
        layer: usize,
    },
}

impl CalibrationError {
    /// A way out.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::TooFewLayers { coefficients, .. } => {
                format!("measure {} layers at least, of different sizes and operators", coefficients + 1)
            }
            Self::Dependent { .. } => {
                "measure layers whose traffic and compute differ from each other in ratio and in size"
                    .to_owned()
            }
            Self::Alone { .. } => "measure a second layer of its kind, or remove the row".to_owned(),
        }
    }
}

/// The three coefficients of an accelerator.
///
/// # Errors
/// [`CalibrationError`] where the layers do not determine them, or not without one of them.
pub fn calibrate(measurements: &Measurements) -> Result<Calibration, CalibrationError> {
    let layers: Vec<&Measurement> = measurements.layers.iter().collect();
    let fit = fit_of(&Form::default(), &layers, measurements.compute_unit)?;
    let left_out = fit.left_out.clone();
    Ok(report(&Form::default(), &fit, left_out, measurements.compute_unit))
}

/// Coefficients that may depend on the class of a layer, in the form that has the least leave-one-out mean.
///
/// Forms are the three coefficients by themselves, and with additions to a, to c, or to both, for layers without compute or
/// for each operator of four layers or more. The form of the coefficients is chosen from all layers; the leave-one-out
/// errors are those of forms chosen without the layer.
///
/// # Errors
/// Those of [`calibrate`], for the layers that are left where one is left out, too.
pub fn structured(measurements: &Measurements) -> Result<Calibration, CalibrationError> {
    let unit = measurements.compute_unit;
    let layers: Vec<&Measurement> = measurements.layers.iter().collect();
    let (form, fit) = best(&layers, unit)?;
    let mut left_out = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let mut others = layers.clone();
        others.remove(index);
        let (form, fit) = best(&others, unit).map_err(|error| match error {
            CalibrationError::Alone { layer } if layer >= index => {
                CalibrationError::Alone { layer: layer + 1 }
            }
            error => error,
        })?;
        left_out.push(error_at(&fit.coefficients, &form.row(layer)));
    }
    Ok(report(&form, &fit, left_out, unit))
}

/// The form with the least leave-one-out mean, the simpler one of two that are equal; forms that the layers do not
/// determine are passed over.
fn best(layers: &[&Measurement], unit: ComputeUnit) -> Result<(Form, Fit), CalibrationError> {
    let plain = fit_of(&Form::default(), layers, unit)?;
    let mut best = (Form::default(), plain);
    for form in forms(layers) {
        if let Ok(fit) = fit_of(&form, layers, unit)
            && mean(&fit.left_out) < mean(&best.1.left_out)
        {
            best = (form, fit);
        }
    }
    Ok(best)
}

fn fit_of(form: &Form, layers: &[&Measurement], unit: ComputeUnit) -> Result<Fit, CalibrationError> {
    let rows: Vec<Vec<f64>> = layers.iter().map(|layer| form.row(layer)).collect();
    let names = form.names(unit);
    fit(&rows).map_err(|undetermined| match undetermined {
        Undetermined::TooFewRows => {
            CalibrationError::TooFewLayers { layers: rows.len(), coefficients: names.len() }
        }
        Undetermined::Column(column) => {
            let is_zero = rows.iter().all(|row| row[column] == 0.0);
            let why = if is_zero {
                "what it multiplies is 0 throughout"
            } else {
                "what it multiplies follows from what the others do"
            };
            CalibrationError::Dependent { name: names.get(column).cloned().unwrap_or_default(), why }
        }
        Undetermined::Row(layer) => CalibrationError::Alone { layer },
    })
}

fn report(form: &Form, fit: &Fit, mut left_out: Vec<f64>, unit: ComputeUnit) -> Calibration {
    let leave_one_out_mean_error = mean(&left_out);
    Calibration {
        in_sample_mean_error: mean(&fit.errors),
        leave_one_out_mean_error,
        leave_one_out_median_error: median(&mut left_out),
        coefficients: form.names(unit).into_iter().zip(fit.coefficients.iter().copied()).collect(),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The median, which of an even number is the mean of the two in the middle; 0 of none.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(below), Some(above)) if values.len().is_multiple_of(2) => below.midpoint(*above),
        (_, above) => above.copied().unwrap_or_default(),
    }
}
