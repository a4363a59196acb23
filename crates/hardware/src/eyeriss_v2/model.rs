//! Layers on the array and its vector unit.

use rtmm_workload::{Duration, Gemm, Kernel, Nest, Operator, Repeated, VectorWork};

use super::count::{LayerCost, Operands, cost};
use super::mapping::{NAME, unsupported};
use super::parameters::EyerissParameters;
use crate::blocks::{Events, VectorTotals, add, identity, quanta, time};
use crate::cost::{Condition, CostError, LayerOf, SHARED_LEVELS, Sparse, Work};
use crate::cost_model::CostModel;
use crate::decode::{Mode, Surroundings};
use crate::energy::EnergyParts;
use crate::explain::Explain;
use crate::technology::Price;

/// An Eyeriss v2 with a vector unit beside it.
#[derive(Clone, Debug)]
pub struct EyerissV2 {
    pub(super) parameters: EyerissParameters,
    clock_hz: u64,
    mode: Mode,
}

/// Sums over all kernels of a layer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub dense_macs: u64,
    pub valid_macs: u64,
    pub rows: u64,
    pub activation_checks: u64,
    pub row_cycles: u64,
    pub array_cycles: u64,
    pub vector: VectorTotals,
    /// Points at which the array can be stopped.
    pub steps: u64,
}

/// One kernel of a layer with what it takes.
pub(super) enum Step {
    Nest { cost: LayerCost, batch: u64, times: u64, weights: f64, activations: f64 },
    Vector { work: VectorWork, cycles: u64, times: u64 },
}

/// Shares of nonzero weights and activations of a layer's kernel; in a product of two activations, the
/// second one stands where weights do.
///
/// Of attention the map is sparse, which only the weighted sum reads; of a recurrent layer the sequence,
/// not the state.
fn densities(operator: &Operator, kernel: usize, weights: f64, activations: f64) -> (f64, f64) {
    match (operator, kernel) {
        (Operator::Attention(_), 2) => (1.0, 1.0),
        (Operator::Attention(_), 4) => (1.0, activations),
        (Operator::Attention(_), _) => (weights, 1.0),
        (Operator::Recurrent(_), 1..) => (weights, 1.0),
        _ => (weights, activations),
    }
}

impl EyerissV2 {
    /// The model with these parameters.
    #[must_use]
    pub fn new(parameters: EyerissParameters, surroundings: Surroundings) -> Self {
        let Surroundings { clock_hz, mode, .. } = surroundings;
        Self { parameters, clock_hz, mode }
    }

    /// Shares of nonzeros, of weights and of activations.
    fn condition(&self, condition: Condition) -> (f64, f64) {
        let (weights, activations) = match condition {
            Condition::Profile => (self.parameters.weight_sparsity, self.parameters.activation_sparsity),
            Condition::Sparse(Sparse { weights, activations, .. }) => (weights, activations),
        };
        (1.0 - weights.clamp(0.0, 1.0), 1.0 - activations.clamp(0.0, 1.0))
    }

    /// Layers for which the published simulator has a cost: convolutions, and fully connected layers of one row.
    fn refuse_what_the_tool_lacks(&self, layer: LayerOf<'_>) -> Result<(), CostError> {
        match layer.layer.operator {
            _ if self.mode == Mode::Corrected => Ok(()),
            Operator::Convolution(convolution) if !convolution.transposed => Ok(()),
            Operator::Gemm(Gemm { rows: 1, .. }) => Ok(()),
            _ => Err(unsupported(
                "layers other than convolutions and fully connected ones of one row in reference mode",
            )),
        }
    }

    pub(super) fn each_step(
        &self,
        layer: LayerOf<'_>,
        condition: Condition,
        mut each: impl FnMut(Step) -> Result<(), CostError>,
    ) -> Result<(), CostError> {
        self.refuse_what_the_tool_lacks(layer)?;
        let (weights, activations) = self.condition(condition);
        for (index, Repeated { kernel, times }) in layer.layer.kernels()?.into_iter().enumerate() {
            let times = times.into();
            each(match kernel {
                Kernel::Nest(nest) => {
                    let (weights, activations) =
                        densities(&layer.layer.operator, index, weights, activations);
                    let cost = self.map(&nest, weights, activations)?;
                    Step::Nest { cost, batch: nest.batch.into(), times, weights, activations }
                }
                Kernel::Vector(work) => {
                    Step::Vector { work, cycles: self.parameters.vector_unit.cycles(&work), times }
                }
            })?;
        }
        Ok(())
    }

    fn map(&self, nest: &Nest, weights: f64, activations: f64) -> Result<LayerCost, CostError> {
        cost(&self.parameters.organisation, nest, Operands::Density { weights, activations }, self.mode)
    }

    pub(super) fn totals(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Totals, CostError> {
        let mut totals = Totals::default();
        self.each_step(layer, condition, |step| totals.add(&step))?;
        Ok(totals)
    }

    pub(super) fn duration(&self, cycles: u64) -> Result<Duration, CostError> {
        time(cycles, self.clock_hz)
    }

    pub(super) fn energy(&self, totals: &Totals, cycles: u64) -> EnergyParts {
        let EyerissParameters { activation_pj, row_pj, .. } = self.parameters;
        let events = Events {
            operations: totals.operations(),
            vector_operations: totals.vector.operations as f64,
            cycles: cycles as f64,
            ..Events::default()
        };
        // Two kinds of access, each with an energy of its own.
        let l1 = activation_pj * totals.activation_checks as f64 + row_pj * totals.rows as f64;
        EnergyParts { l1, ..self.parameters.energies().parts(&events) }
    }
}

impl Totals {
    pub(super) fn add(&mut self, step: &Step) -> Result<(), CostError> {
        match step {
            Step::Nest { cost, batch, times, .. } => {
                let times = *times;
                add(&mut self.dense_macs, cost.dense_macs, times, "multiply-accumulates")?;
                add(&mut self.valid_macs, cost.valid_macs, times, "multiply-accumulates")?;
                add(&mut self.rows, cost.rows, times, "rows")?;
                add(&mut self.activation_checks, cost.activation_checks, times, "checks of activations")?;
                add(&mut self.row_cycles, cost.row_cycles, times, "row cycles")?;
                add(&mut self.array_cycles, cost.cycles, times, "cycles")?;
                let steps = cost.mapping.steps().saturating_mul(*batch);
                self.steps = self.steps.saturating_add(steps.saturating_mul(times));
            }
            Step::Vector { work, cycles, times } => self.vector.add(work, *cycles, *times)?,
        }
        Ok(())
    }

    /// Multiply-accumulates of two nonzeros, and vector operations.
    pub(super) fn operations(&self) -> f64 {
        self.valid_macs as f64 + self.vector.operations as f64
    }

    pub(super) fn cycles(&self) -> Result<u64, CostError> {
        self.array_cycles.checked_add(self.vector.cycles).ok_or(CostError::Overflow { what: "cycles" })
    }
}

impl CostModel for EyerissV2 {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        let totals = self.totals(layer, condition)?;
        let cycles = totals.cycles()?;
        Ok(Work {
            compute: self.duration(cycles)?,
            traffic: [0; SHARED_LEVELS],
            transfer: Duration::ZERO,
            exposed: Duration::ZERO,
            energy: self.energy(&totals, cycles),
            quanta: quanta(totals.steps.saturating_add(totals.vector.runs)),
        })
    }

    fn identity(&self) -> String {
        identity(NAME, self.clock_hz, self.mode, &self.parameters)
    }

    fn depends_on_input(&self) -> bool {
        true
    }

    fn processing_elements(&self) -> Option<u64> {
        Some(self.parameters.organisation.pes())
    }

    fn prices(&self) -> Vec<Price> {
        self.parameters.prices()
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
