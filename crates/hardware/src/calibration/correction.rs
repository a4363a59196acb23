//! Calibrated costs: a cost model whose times are corrected by what was measured.

use rtmm_workload::input::Value;
use rtmm_workload::{Duration, Model};

use crate::cost::{Condition, CostError, DRAM, LayerOf, Unmatched, Work};
use crate::cost_model::{CostModel, Decoded, StatedError};
use crate::decode::Indivisible;
use crate::technology::Price;
use crate::varying::{Correlation, Quantiles, Variation};

/// Bytes of a kibibyte.
const KILOBYTE: f64 = 1_024.0;
/// Picoseconds of a microsecond.
const MICROSECOND: f64 = 1e6;
/// Error at layers that a calibration has not seen, in the mean over those of a network: the greater one of the two networks
/// that were measured.
const LEAVE_ONE_OUT: StatedError = StatedError {
    share: 0.212,
    source: "leave-one-out mean of an FP16 U-Net on an RK3588, docs/calibration.md",
};
/// The largest coefficient of a platform file.
const MAX_COEFFICIENT: f64 = 1e9;

/// The coefficients of an accelerator, as its platform file states them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    /// Microseconds a kibibyte (1,024 bytes) of off-chip traffic.
    pub a_us_per_kb: f64,
    /// Microseconds a microsecond of compute of the cost model.
    pub b_us_per_us: f64,
    /// Microseconds a layer.
    pub c_us: f64,
}

impl Coefficients {
    /// The keys of a platform file.
    const KEYS: [&str; 3] = ["a_us_per_kb", "b_us_per_us", "c_us"];

    /// Reads the value of `calibration` of an accelerator.
    pub(crate) fn decode(value: &Value<'_>) -> Option<Self> {
        let table = value.table()?;
        table.only(&Self::KEYS);
        let [a, b, c] =
            Self::KEYS.map(|key| table.required(key, |value| value.number(0.0..=MAX_COEFFICIENT)));
        Some(Self { a_us_per_kb: a?, b_us_per_us: b?, c_us: c? })
    }

    /// The time of a layer of this compute time and off-chip traffic, to the nearest picosecond.
    fn time(&self, compute: Duration, dram_bytes: u64) -> Duration {
        let compute = compute.picoseconds() as f64 / MICROSECOND;
        let kilobytes = dram_bytes as f64 / KILOBYTE;
        let microseconds = self.a_us_per_kb * kilobytes + self.b_us_per_us * compute + self.c_us;
        // Casts saturate: what leaves the clock is the longest time that there is.
        Duration::from_picoseconds((microseconds * MICROSECOND).round() as u64)
    }
}

/// A cost model with corrected times.
///
/// The time is a traffic + b compute + c, and stands as compute with nothing that overlaps: what was measured has the memory
/// in it, as in the `table` cost model. Traffic, energy and quanta are those of the model; static energy accrues over the
/// corrected time.
#[derive(Debug)]
pub struct Calibrated {
    of: Box<dyn CostModel>,
    coefficients: Coefficients,
}

impl Calibrated {
    /// Corrects the times of what was decoded.
    #[must_use]
    pub fn decoded(of: Decoded, coefficients: Coefficients) -> Decoded {
        let label = format!("{}, calibrated", of.label);
        Decoded { label, cost_model: Box::new(Self { of: of.cost_model, coefficients }) }
    }
}

impl CostModel for Calibrated {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        self.work_of_batch(layer, 1, condition)
    }

    fn work_of_batch(&self, layer: LayerOf<'_>, batch: u32, condition: Condition) -> Result<Work, CostError> {
        let own = self.of.work_of_batch(layer, batch, condition)?;
        let varying = self.variation().and_then(|variation| variation.quantiles(layer, batch));
        let corrected = || self.coefficients.time(own.compute, own.traffic[DRAM]);
        let compute = varying.map_or_else(corrected, |quantiles| quantiles.mean());
        let mut energy = own.energy;
        if !own.latency().is_zero() {
            energy.static_energy *= compute.picoseconds() as f64 / own.latency().picoseconds() as f64;
        }
        Ok(Work { compute, transfer: Duration::ZERO, exposed: Duration::ZERO, energy, ..own })
    }

    fn identity(&self) -> String {
        let Coefficients { a_us_per_kb, b_us_per_us, c_us } = self.coefficients;
        let of = self.of.identity();
        format!(r#"{{"calibration":[{a_us_per_kb:?},{b_us_per_us:?},{c_us:?}],"of":{of}}}"#)
    }

    fn depends_on_shape_only(&self) -> bool {
        self.of.depends_on_shape_only()
    }

    fn depends_on_operator_words(&self) -> bool {
        self.of.depends_on_operator_words()
    }

    fn depends_on_input(&self) -> bool {
        self.of.depends_on_input()
    }

    fn variation(&self) -> Option<&dyn Variation> {
        self.of.variation().is_some().then_some(self)
    }

    fn part(&self, units: u32, of: u32) -> Result<Decoded, Indivisible> {
        Ok(Self::decoded(self.of.part(units, of)?, self.coefficients))
    }

    fn unmatched(&self, models: &[Model]) -> Unmatched {
        self.of.unmatched(models)
    }

    fn processing_elements(&self) -> Option<u64> {
        self.of.processing_elements()
    }

    fn prices(&self) -> Vec<Price> {
        self.of.prices()
    }

    fn is_calibrated(&self) -> bool {
        true
    }

    fn stated_error(&self) -> Option<StatedError> {
        Some(LEAVE_ONE_OUT)
    }
}

/// Quantiles are corrected one by one: a straight line between two of them stays one.
impl Variation for Calibrated {
    fn quantiles(&self, layer: LayerOf<'_>, batch: u32) -> Option<Quantiles> {
        let own = self.of.variation()?.quantiles(layer, batch)?;
        let dram_bytes = self.of.work_of_batch(layer, batch, Condition::Profile).ok()?.traffic[DRAM];
        Some(own.map(|compute| self.coefficients.time(compute, dram_bytes)))
    }

    fn correlation(&self) -> Correlation {
        self.of.variation().map_or(Correlation::new(Correlation::DEFAULT), Variation::correlation)
    }
}
