//! `rtmm calibrate`: three coefficients of an accelerator from measured layers, and how far they are off.

use std::sync::Arc;

use rtmm_hardware::calibration::{
    Calibration, CalibrationError, Measurements, calibrate as fit, read_costs, read_profile, structured,
};
use rtmm_hardware::{CostModel, Mode, load as hardware};
use rtmm_workload::input::{Diagnostic, Source, problem_with, suggestion};
use rtmm_workload::{Legality, Model, load};

use crate::args::{Calibrate, Format, PlainFormat};
use crate::failure::{Failure, say};
use crate::output::{Rows, print_json, stdout};

pub(crate) fn calibrate(arguments: &Calibrate) -> Result<(), Failure> {
    let source = load::read(&arguments.table)?;
    let measurements = match &arguments.against {
        Some(platform) => {
            let cost_model = cost_model(platform, arguments.on.as_deref())?;
            let models = arguments.model.iter().map(|model| load::model(model, None, Legality::Strict));
            let models: Vec<Model> = models.collect::<Result<_, _>>()?;
            read_costs(&source, &models, cost_model.as_ref())?
        }
        None => read_profile(&source)?,
    };
    let procedure = if arguments.structure { structured } else { fit };
    let calibration = procedure(&measurements).map_err(|error| located(&error, &source, &measurements))?;
    match arguments.format {
        PlainFormat::Json => print_json(&mut stdout(), &calibration)?,
        PlainFormat::Table => table(arguments, &calibration).print(Format::Table)?,
    }
    for (name, value) in calibration.coefficients.iter().filter(|(name, _)| !name.contains(':')) {
        if *value < 0.0 {
            say!("warning: `{name}` is below zero: the table does not tell this cost from the others");
        }
    }
    Ok(())
}

/// The cost model of the accelerator that was measured.
fn cost_model(reference: &str, on: Option<&str>) -> Result<Arc<dyn CostModel>, Failure> {
    let platform = hardware::platform(reference, None, Mode::Corrected)?;
    let names: Vec<&str> = platform.accelerators.iter().map(|one| one.name.as_str()).collect();
    let accelerator = match on {
        Some(name) => platform.accelerators.iter().find(|one| one.name == name).ok_or_else(|| {
            let message = format!("platform `{}` has no accelerator `{name}`", platform.name);
            Failure::usage(message, suggestion(name, "accelerator", &names))
        })?,
        None => {
            let first = platform.accelerators.first();
            let is_alike = |one| Some(one) == first.map(|first| first.configuration);
            match first.filter(|_| platform.accelerators.iter().all(|one| is_alike(one.configuration))) {
                Some(first) => first,
                None => {
                    let message = format!("the accelerators of platform `{}` differ", platform.name);
                    let help = format!("say which one was measured: --on {}", names.join(" or --on "));
                    return Err(Failure::usage(message, help));
                }
            }
        }
    };
    let configuration = platform.configurations.get(accelerator.configuration.index());
    let cost_model = configuration
        .map(|configuration| Arc::clone(&configuration.cost_model))
        .ok_or_else(|| Failure::Run(format!("accelerator `{}` has no cost model", accelerator.name)))?;
    if cost_model.is_calibrated() {
        return Err(Failure::usage(
            format!(
                "accelerator `{}` of platform `{}` has a calibration already",
                accelerator.name, platform.name
            ),
            "take `calibration` out of a copy of the platform: coefficients are of the cost model's own times",
        ));
    }
    Ok(cost_model)
}

/// An error with its place in the table.
fn located(error: &CalibrationError, source: &Source, measurements: &Measurements) -> Diagnostic {
    let problem = match error {
        CalibrationError::Alone { layer } => match measurements.layers.get(*layer) {
            Some(layer) => Diagnostic::new(error.to_string(), source, layer.range.clone()),
            None => problem_with(source, error.to_string()),
        },
        _ => problem_with(source, error.to_string()),
    };
    problem.help(error.help())
}

fn table(arguments: &Calibrate, calibration: &Calibration) -> Rows {
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let errors = [
        ("mean error, in sample", calibration.in_sample_mean_error),
        ("mean error, leave-one-out", calibration.leave_one_out_mean_error),
        ("median error, leave-one-out", calibration.leave_one_out_median_error),
    ];
    let errors = errors.map(|(name, share)| vec![name.to_owned(), percent(share), "%".to_owned()]);
    let coefficients = calibration.coefficients.iter();
    let coefficients =
        coefficients.map(|(name, value)| vec![name.clone(), format!("{value:.6}"), String::new()]);
    Rows {
        title: arguments.table.display().to_string(),
        header: vec!["quantity", "value", "unit"],
        numbers: vec![false, true, false],
        rows: errors.into_iter().chain(coefficients).collect(),
    }
}
