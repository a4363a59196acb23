//! The `traced` cost model: a layer takes as long as it took when it was recorded.
//!
//! A condition with a recorded latency ([`Sparse::recorded`]) is answered with that latency over `speed`, to
//! the nearest picosecond, whatever the layer is: also one of which nothing else is known
//! ([`Operator::Opaque`]). Where nothing was recorded, an attention layer costs what [`Sanger`] says of its
//! density and balance, for traces of attention state these and no latency. Any other layer has no
//! cost. The profile has no recording: what an estimate says of recorded layers is an average over
//! samples, and that is for the owner of the samples to form.
//!
//! Source: sample traces as those of Fan et al., "Sparse-DySta", MICRO 2023.

use rtmm_workload::input::{Table, Value};
use rtmm_workload::parameters::{Decimal, Declared, Real, Schema, Typed, Written};
use rtmm_workload::{Duration, Operator};
use serde::Serialize;

use crate::cost::{Condition, CostError, DRAM, LayerOf, SHARED_LEVELS, Sparse, Work};
use crate::cost_model::CostModel;
use crate::cost_model::Decoded;
use crate::decode::Surroundings;
use crate::energy::EnergyParts;
use crate::explain::{Explain, Explanation, Quantity, Section};
use crate::sanger::{self, Sanger, SangerParameters};

const MILLION: u64 = 1_000_000;
/// The largest speed, in millionths.
const MAX_SPEED_MILLIONTHS: u64 = 1_000_000 * MILLION;
/// The largest energy of a microsecond, in picojoules: a megawatt.
const MAX_PICOJOULES: f64 = 1e12;

const SPEED: Decimal = Decimal::new(
    "speed",
    "how many times as fast as the device of the recordings",
    MILLION,
    1..=MAX_SPEED_MILLIONTHS,
);
const ENERGY_PJ_PER_US: Real = Real::new(
    "energy_pj_per_us",
    "energy of every microsecond of a recorded latency",
    0.0,
    0.0..=MAX_PICOJOULES,
)
.in_unit("pJ");
const SANGER: Written = Written::derived(
    "sanger",
    "the cost of attention layers without a recorded latency",
    "its defaults",
    "a table with keys of the sanger cost model",
);

/// The keys of the `traced` cost model.
#[must_use]
pub fn keys() -> Schema {
    Schema::of(&[&[&SPEED, &ENERGY_PJ_PER_US, &SANGER]])
}

/// Columns of [`Explain::report`].
const COLUMNS: &[&str] = &["latency_ps", "dram_bytes", "energy_pj"];

/// Latencies that traces recorded.
#[derive(Clone, Debug)]
pub struct Traced {
    /// In millionths of the recording device's.
    speed_millionths: u64,
    energy_pj_per_us: f64,
    /// For attention layers without a recorded latency.
    sanger: Sanger,
}

/// Reads the model from an accelerator's table.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    let speed_millionths = SPEED.stated_or_default(table);
    let energy_pj_per_us = ENERGY_PJ_PER_US.stated_or_default(table).abs();
    let parameters = table.or(SANGER.name(), SangerParameters::usual(&surroundings), |value: &Value<'_>| {
        let table = value.table()?;
        table.only(&sanger::keys().names().collect::<Vec<_>>());
        Some(sanger::read_parameters(&table, &surroundings))
    });
    let sanger = Sanger::new(parameters, surroundings);
    let label = match speed_millionths {
        MILLION => "traced".to_owned(),
        other => format!("traced x{}", other as f64 / MILLION as f64),
    };
    Some(Decoded { label, cost_model: Box::new(Traced { speed_millionths, energy_pj_per_us, sanger }) })
}

impl Traced {
    /// `recorded` over the speed, to the nearest picosecond.
    fn scaled(&self, recorded: Duration) -> Result<Duration, CostError> {
        let speed = u128::from(self.speed_millionths);
        let scaled = u128::from(recorded.picoseconds()) * u128::from(MILLION);
        u64::try_from((scaled + speed / 2) / speed)
            .map(Duration::from_picoseconds)
            .map_err(|_| CostError::Overflow { what: "picoseconds" })
    }

    /// The answer where nothing was recorded.
    fn by_sanger(&self, layer: LayerOf<'_>) -> Result<&Sanger, CostError> {
        match layer.layer.operator {
            Operator::Attention(_) => Ok(&self.sanger),
            _ => Err(CostError::NotRecorded),
        }
    }
}

impl CostModel for Traced {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        let Condition::Sparse(Sparse { recorded: Some(recorded), .. }) = condition else {
            return self.by_sanger(layer)?.work(layer, condition);
        };
        let compute = self.scaled(recorded)?;
        let microseconds = compute.picoseconds() as f64 / 1e6;
        Ok(Work {
            // Memory is in what was recorded.
            compute,
            traffic: [0; SHARED_LEVELS],
            transfer: Duration::ZERO,
            exposed: Duration::ZERO,
            energy: EnergyParts {
                static_energy: self.energy_pj_per_us * microseconds,
                ..EnergyParts::default()
            },
            quanta: 1,
        })
    }

    fn work_of_batch(&self, layer: LayerOf<'_>, batch: u32, condition: Condition) -> Result<Work, CostError> {
        if batch == 1 {
            return self.work(layer, condition);
        }
        Err(CostError::Unsupported {
            model: "traced",
            what: "a batch: a recording is of one input".to_owned(),
        })
    }

    fn identity(&self) -> String {
        #[derive(Debug, Serialize)]
        struct Identity {
            model: &'static str,
            speed_millionths: u64,
            energy_pj_per_us: f64,
            sanger: String,
        }
        let identity = Identity {
            model: "traced",
            speed_millionths: self.speed_millionths,
            energy_pj_per_us: self.energy_pj_per_us,
            sanger: self.sanger.identity(),
        };
        // Plain numbers and texts always serialise; the other text would serve as well.
        serde_json::to_string(&identity).unwrap_or_else(|_| format!("{identity:?}"))
    }

    /// A recording belongs to a layer, not to its shape.
    fn depends_on_shape_only(&self) -> bool {
        false
    }

    fn depends_on_input(&self) -> bool {
        true
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}

impl Explain for Traced {
    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let work = self.work(layer, Condition::Profile)?;
        row.extend([
            Quantity::Integer(work.latency().picoseconds()),
            Quantity::Integer(work.traffic[DRAM]),
            Quantity::Real(work.energy.total()),
        ]);
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let mut explanation = self.by_sanger(layer)?.explanation(layer)?;
        let speed = self.speed_millionths as f64 / MILLION as f64;
        explanation.sections.insert(
            0,
            Section::new(
                "Nothing was recorded: as the `sanger` cost model says",
                &["quantity", "value"],
                vec![Section::row(&[&"speed of recorded layers", &speed])],
            ),
        );
        Ok(explanation)
    }
}
