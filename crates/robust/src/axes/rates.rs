//! Errors of rates: each stream of arrivals is faster or slower than the scenario states.
//!
//! Rates of tasks are multiplied by log-normal factors, correlated between tasks; those of a mix, whose requests are drawn
//! together, have one factor. A deadline of one period follows the period, as under a load factor. Recorded requests stay.

use rtmm_sim::System;
use rtmm_sweep::runner::RunError;

use super::{AxisRow, Perturbation, Refusal, TENTH_TO_HALF};
use crate::errors::{Errors, Normal, factor};
use crate::place::Place;
use crate::site::Site;
use crate::size::Size;

pub(super) const ROW: AxisRow = AxisRow {
    name: "rates",
    meaning: "log-normal factors on the rates at which frames of tasks arrive",
    subject: "rates are off by",
    unit: "",
    sizes: TENTH_TO_HALF,
    greatest: Size::of_percent(100),
    is_of_costs: false,
    is_of_layers: false,
    refuses,
    prepare,
};

const MILLION: f64 = 1e6;
/// The least and the greatest factor in millionths: those of load factors.
const FACTORS: (f64, f64) = (1.0, 1e12);

fn refuses(place: &Place) -> Option<Refusal> {
    (!place.workload.scenario.has_rates()).then_some(Refusal {
        reason: "has no rates that could be wrong: all of its requests are recorded",
        help: "leave the axis out, or name a scenario whose tasks have periods or random arrivals",
    })
}

struct Rates<'s> {
    site: &'s Site<'s>,
    /// By stream of arrivals.
    streams: Vec<(String, Normal)>,
}

fn prepare<'s>(site: &'s Site<'s>, errors: Errors) -> Result<Box<dyn Perturbation + 's>, RunError> {
    let mut streams: Vec<(String, Normal)> = Vec::new();
    for task in &site.place.workload.scenario.tasks {
        let name = task.stream_name();
        if streams.iter().all(|(known, _)| known != name) {
            streams.push((name.to_owned(), errors.normal(ROW.name, name)));
        }
    }
    Ok(Box::new(Rates { site, streams }))
}

impl Perturbation for Rates<'_> {
    fn systems(&self, draw: u32, size: Size, needed: &[bool]) -> Result<Vec<Option<System>>, RunError> {
        let failed = |reason: String| RunError::Failed { reason };
        let millionths = |name: &str| {
            let normal = self.streams.iter().find(|(known, _)| known == name).map(|(_, normal)| normal);
            let factor = factor(size.share(), normal.map_or(0.0, |normal| normal.at(draw)));
            (factor * MILLION).round().clamp(FACTORS.0, FACTORS.1) as u64
        };
        let scenario = self.site.place.workload.scenario.clone();
        let scenario = scenario.scaled_each(millionths).map_err(|error| failed(error.to_string()))?;
        scenario.check_mixes().map_err(|error| failed(error.to_string()))?;
        let of_form = |(form, needed): (&crate::site::Form, &bool)| {
            needed.then(|| form.system.with_scenario(&scenario)).transpose()
        };
        let systems: Result<Vec<Option<System>>, _> =
            self.site.forms.iter().zip(needed).map(of_form).collect();
        systems.map_err(|error| failed(error.to_string()))
    }
}
