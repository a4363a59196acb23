//! A linear model of segment groups: features of each model's segment, added.
//!
//! For every model the features are its presence, the number of modules, inputs, modules times inputs and the tokens of the
//! segment, fitted by least squares of relative errors; or those that Abacus gives its predictors (Cui et al., SC 2021):
//! presence, first and last module, inputs and tokens, of absolute errors. Serial in spirit: segments add, however they overlap.

use rtmm_workload::parameters::{Choice, Declared, Schema};

use crate::linear::{LeastSquares, MAX_UNKNOWNS, dot};
use crate::{FitError, Prediction, Predictor, PredictorRow, Query, QueryKind, Segment};

const NAME: &str = "group-linear";

/// Features of a segment.
const FEATURES: usize = 5;
/// Models that have weights of their own; others count as the first feature of none.
const MAX_MODELS: usize = (MAX_UNKNOWNS - 1) / FEATURES;

/// Features of a segment, and the errors that are least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Work,
    Abacus,
}

const FORM: Choice<Form> = Choice::new(
    "form",
    "work: modules times inputs, relative errors; abacus: first and last module, absolute errors",
    Form::Work,
    &[("work", Form::Work), ("abacus", Form::Abacus)],
);

/// The weights, and the number of models that have some.
#[derive(Clone, Debug)]
struct GroupLinear {
    form: Form,
    models: usize,
    weights: Vec<f64>,
    /// The least time that was measured: a sum below it is none.
    least: f64,
}

/// The features of a group. Whole numbers are added, so that the order of segments changes no bit.
fn features(form: Form, segments: &[Segment], models: usize) -> [f64; MAX_UNKNOWNS] {
    let mut row = [0.0; MAX_UNKNOWNS];
    row[0] = 1.0;
    for segment in segments.iter().filter(|segment| segment.end > segment.start) {
        if segment.model.index() >= models {
            continue;
        }
        let modules = f64::from(segment.end.saturating_sub(segment.start));
        let batch = f64::from(segment.batch);
        let (start, end, sequence) =
            (f64::from(segment.start), f64::from(segment.end), f64::from(segment.sequence));
        let features = match form {
            Form::Work => [1.0, modules, batch, modules * batch, sequence],
            Form::Abacus => [1.0, start, end, batch, sequence],
        };
        let at = 1 + FEATURES * segment.model.index();
        row[at..at + FEATURES].iter_mut().zip(features).for_each(|(cell, feature)| *cell += feature);
    }
    row
}

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    let declared: &[&dyn Declared] = &[&FORM];
    PredictorRow::new(NAME, Schema::of(&[declared]), &[QueryKind::Group], |parameters, training| {
        let form = parameters.read(&FORM);
        let models = training.measurements.names.len().min(MAX_MODELS);
        let mut system = LeastSquares::new(1 + FEATURES * models);
        let mut least = f64::INFINITY;
        for group in &training.measurements.groups {
            let Some(observed) = group.observed_us else { continue };
            let weight = match form {
                Form::Work => 1.0 / (observed * observed),
                Form::Abacus => 1.0,
            };
            system.add(&features(form, &group.segments, models), observed, weight);
            least = least.min(observed);
        }
        match system.rows() {
            0 => Err(FitError::NoRows { predictor: NAME, wants: QueryKind::Group.rows() }),
            has @ 1..FEATURES => Err(FitError::TooFew {
                predictor: NAME,
                wants: QueryKind::Group.rows(),
                needs: FEATURES,
                has,
            }),
            _ => Ok(Box::new(GroupLinear { form, models, weights: system.solve(), least })),
        }
    })
    .with_summary("linear in the modules, inputs and tokens of each segment, static")
    .calibrated()
}

impl Predictor for GroupLinear {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let Query::Group(segments) = query else { return None };
        let time = dot(&self.weights, &features(self.form, segments, self.models));
        Some(Prediction::exactly(time.max(self.least)))
    }

    fn observe(&mut self, _: &Query<'_>, _: f64) {}

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
