//! Layers on the array, its dense multipliers and its vector unit.

use rtmm_workload::{Duration, Kernel, Operator, Repeated};

use super::latency::{AttentionLatency, Sanger};
use crate::blocks::{Events, VectorTotals, add, identity, off_chip, quanta, time};
use crate::cost::{Condition, CostError, LayerOf, Sparse, Work};
use crate::cost_model::CostModel;
use crate::decode::Mode;
use crate::explain::Explain;
use crate::technology::Price;

const NAME: &str = "sanger";

/// Sums over all kernels of a layer.
pub(super) struct Totals {
    pub attention: Option<AttentionLatency>,
    /// Multiply-accumulates that are done, those of pruned scores left out.
    pub macs: f64,
    pub linear_cycles: u64,
    pub vector: VectorTotals,
    /// Points at which the array or the vector unit can be stopped.
    pub steps: u64,
}

impl Totals {
    /// Multiply-accumulates and vector operations.
    pub(super) fn operations(&self) -> f64 {
        self.macs + self.vector.operations as f64
    }
}

const OVERFLOW: CostError = CostError::Overflow { what: "picoseconds" };

fn unsupported(what: &str) -> CostError {
    CostError::Unsupported { model: NAME, what: what.to_owned() }
}

fn picoseconds(seconds: f64) -> Result<Duration, CostError> {
    let picoseconds = (seconds * 1e12).round();
    // Not a number where nothing of a row is balanced.
    if (0.0..u64::MAX as f64).contains(&picoseconds) {
        Ok(Duration::from_picoseconds(picoseconds as u64))
    } else {
        Err(OVERFLOW)
    }
}

impl Sanger {
    /// Density and balance.
    pub(super) fn condition(&self, condition: Condition) -> (f64, f64) {
        let (sparsity, balance) = match condition {
            Condition::Profile => (self.parameters.attention_sparsity, self.parameters.load_balance),
            Condition::Sparse(Sparse { activations, balance, .. }) => (activations, balance),
        };
        (1.0 - sparsity.clamp(0.0, 1.0), balance)
    }

    pub(super) fn totals(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Totals, CostError> {
        let kernels = layer.layer.kernels()?;
        if let Operator::Attention(attention) = layer.layer.operator {
            let (density, balance) = self.condition(condition);
            let batch = layer.layer.batch;
            if batch != 1 && self.mode == Mode::Reference {
                return Err(unsupported("a batch in reference mode: the published tool has one input"));
            }
            let extents = self.extents(attention);
            let inputs = f64::from(batch);
            let latency = self.attention(extents, density, balance).of_inputs(inputs);
            let [w, queries, keys] = [extents.embedding, extents.queries, extents.keys].map(f64::from);
            return Ok(Totals {
                attention: Some(latency),
                macs: (2.0 * (queries + keys) * w * w + 2.0 * queries * keys * w * density) * inputs,
                linear_cycles: 0,
                vector: VectorTotals::default(),
                steps: ((latency.sub_rows / f64::from(self.parameters.rows)).ceil() * inputs) as u64,
            });
        }
        if self.mode == Mode::Reference {
            return Err(unsupported("layers other than attention in reference mode"));
        }
        let mut totals = Totals {
            attention: None,
            macs: 0.0,
            linear_cycles: 0,
            vector: VectorTotals::default(),
            steps: 0,
        };
        let multipliers = u64::from(self.parameters.rows) * u64::from(self.parameters.linear_pes);
        for Repeated { kernel, times } in kernels {
            let times = times.into();
            match kernel {
                Kernel::Nest(nest) => {
                    totals.macs += nest.macs() as f64 * times as f64;
                    add(&mut totals.linear_cycles, nest.macs().div_ceil(multipliers), times, "cycles")?;
                }
                Kernel::Vector(work) => {
                    totals.vector.add(&work, self.parameters.vector_unit.cycles(&work), times)?;
                }
            }
            totals.steps = totals.steps.saturating_add(times);
        }
        Ok(totals)
    }

    pub(super) fn duration(&self, cycles: u64) -> Result<Duration, CostError> {
        time(cycles, self.clock_hz)
    }

    pub(super) fn work_of(&self, totals: &Totals) -> Result<Work, CostError> {
        let mut dram_bytes = 0;
        let (compute, transfer, latency) = match &totals.attention {
            Some(attention) => {
                let latency = picoseconds(attention.total_s())?;
                match self.mode {
                    // The artifact has one number, with memory in it.
                    Mode::Reference => (latency, Duration::ZERO, latency),
                    Mode::Corrected => {
                        let compute = attention.linear_s + attention.array_s + attention.projection_s;
                        let bytes = (attention.array_cycles * self.demand()).round();
                        dram_bytes = bytes as u64;
                        let transfer = bytes / self.bandwidth() / self.clock_hz as f64;
                        (picoseconds(compute)?, picoseconds(transfer)?, latency)
                    }
                }
            }
            None => {
                let cycles = totals.linear_cycles.checked_add(totals.vector.cycles).ok_or(OVERFLOW)?;
                let latency = self.duration(cycles)?;
                (latency, Duration::ZERO, latency)
            }
        };
        let exposed = latency.picoseconds().saturating_sub(compute.max(transfer).picoseconds());
        let cycles = latency.picoseconds() as f64 * 1e-12 * self.clock_hz as f64;
        Ok(Work {
            compute,
            traffic: off_chip(dram_bytes),
            transfer,
            exposed: Duration::from_picoseconds(exposed),
            energy: self.parameters.energies().parts(&Events {
                operations: totals.operations(),
                vector_operations: totals.vector.operations as f64,
                dram: dram_bytes as f64,
                cycles,
                ..Events::default()
            }),
            quanta: quanta(totals.steps),
        })
    }

    /// Latencies of the dense products, of scores and weighted sum, and of the projection of the result.
    pub(super) fn parts(&self, totals: &Totals) -> Result<[Duration; 3], CostError> {
        Ok(match &totals.attention {
            Some(attention) => [
                picoseconds(attention.linear_s)?,
                picoseconds(attention.attention_s)?,
                picoseconds(attention.projection_s)?,
            ],
            None => [self.duration(totals.linear_cycles)?, Duration::ZERO, Duration::ZERO],
        })
    }
}

impl CostModel for Sanger {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        self.work_of(&self.totals(layer, condition)?)
    }

    fn identity(&self) -> String {
        identity(NAME, self.clock_hz, self.mode, &self.parameters)
    }

    fn depends_on_input(&self) -> bool {
        true
    }

    fn prices(&self) -> Vec<Price> {
        self.parameters.prices()
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
