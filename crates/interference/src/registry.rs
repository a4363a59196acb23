//! The predictors by name: one row each, from which listings, the command line and documentation follow.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};

use rtmm_workload::parameters::{Declared, Parameter, Parameters, Schema};
use rtmm_workload::{Registered, Registry};

use crate::calibration;
use crate::measurements::Measurements;
use crate::predictors;
use crate::{FitError, Predictor, QueryKind};

/// Predictors by name. [`Registry::built_in`] has those of this project, [`Registry::with`] adds one.
pub type PredictorRegistry = Registry<PredictorRow>;

/// Device of the rows to predict, and of those that are observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// That of the measurements that predictors are fitted to.
    #[default]
    Same,
    /// Another one: fitted latencies are a first guess, which observations correct.
    New,
}

/// Measurements to fit a predictor to.
#[derive(Clone, Copy, Debug)]
pub struct Training<'m> {
    /// The measurements.
    pub measurements: &'m Measurements,
    /// The device of what will be asked.
    pub device: Device,
}

impl<'m> Training<'m> {
    /// Measurements of the device that will be asked about.
    #[must_use]
    pub const fn of(measurements: &'m Measurements) -> Self {
        Self { measurements, device: Device::Same }
    }
}

/// One row of the registry.
#[derive(Clone)]
pub struct PredictorRow {
    /// The name in commands and files.
    pub name: Cow<'static, str>,
    /// One line.
    pub summary: Cow<'static, str>,
    /// The publication that the predictor is from, or `our own`.
    pub source: Cow<'static, str>,
    /// The kinds of queries that it answers.
    pub kinds: &'static [QueryKind],
    schema: Schema,
    fit: Arc<Fit>,
}

/// A fitted predictor, or the reason why there is none.
pub type Fitted = Result<Box<dyn Predictor>, FitError>;

type Fit = dyn Fn(&Parameters, &Training<'_>) -> Fitted + Send + Sync;

impl PredictorRow {
    /// A predictor with its parameters, the kinds of queries that it answers, and the function that fits it.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        schema: Schema,
        kinds: &'static [QueryKind],
        fit: impl Fn(&Parameters, &Training<'_>) -> Fitted + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            summary: Cow::Borrowed(""),
            source: Cow::Borrowed("our own"),
            kinds,
            schema,
            fit: Arc::new(fit),
        }
    }

    /// The row with one line on the predictor.
    #[must_use]
    pub fn with_summary(self, summary: impl Into<Cow<'static, str>>) -> Self {
        Self { summary: summary.into(), ..self }
    }

    /// The row with the publication that the predictor is from.
    #[must_use]
    pub fn with_source(self, source: impl Into<Cow<'static, str>>) -> Self {
        Self { source: source.into(), ..self }
    }

    /// The row with upper bounds that are calibrated on measurements that fits leave out, and then on what is observed: see
    /// the parameters `coverage` and `window`, which are added. The function that fits is called several times.
    #[must_use]
    pub fn calibrated(self) -> Self {
        let added: [Parameter; 2] = [calibration::COVERAGE.parameter(), calibration::WINDOW.parameter()];
        let declared = self.schema.iter().chain(&added).map(|parameter| parameter as &dyn Declared);
        let schema = Schema::of(&[&declared.collect::<Vec<_>>()]);
        let fit = self.fit;
        let fit = Arc::new(move |parameters: &Parameters, training: &Training<'_>| {
            calibration::calibrated(parameters, training, |training| fit(parameters, training))
        });
        Self { schema, fit, ..self }
    }

    /// The parameters.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Fits the predictor.
    ///
    /// # Errors
    /// [`FitError`] where the measurements do not have what it learns from, or the parameters are of another schema.
    pub fn fit(&self, parameters: &Parameters, training: &Training<'_>) -> Fitted {
        if !parameters.schema().has_same_values(&self.schema) {
            return Err(rtmm_workload::parameters::ParameterError::OtherSchema.into());
        }
        (self.fit)(parameters, training)
    }
}

impl fmt::Debug for PredictorRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, summary, source, kinds, schema, .. } = self;
        f.debug_struct("PredictorRow")
            .field("name", name)
            .field("summary", summary)
            .field("source", source)
            .field("kinds", kinds)
            .field("schema", schema)
            .finish_non_exhaustive()
    }
}

impl Registered for PredictorRow {
    const KIND: &'static str = "predictor";

    fn name(&self) -> &str {
        &self.name
    }

    fn fault(&self) -> Option<String> {
        let unanswered = self.kinds.is_empty().then(|| "it answers no kind of query".to_owned());
        unanswered.or_else(|| self.schema.value_fault())
    }

    fn built_in() -> &'static PredictorRegistry {
        static BUILT_IN: LazyLock<PredictorRegistry> =
            LazyLock::new(|| Registry::of_rows(predictors::built_in_rows()));
        &BUILT_IN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_rows_are_sound() {
        for row in PredictorRegistry::built_in() {
            assert_eq!(row.fault(), None, "{}", row.name);
            assert!(!row.summary.is_empty() && !row.source.is_empty(), "{}", row.name);
        }
    }
}
