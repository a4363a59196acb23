//! The reference mode for whole models: the published tool where it has a rule, and stated rules for the rest.
//!
//! The tool knows rows of convolutions and matrix products of one input. So that its costs can be had for any model:
//!
//! ```text
//! recurrent layer     one matrix product a direction: K = gates x hidden, C = features + hidden, Y = steps
//! attention           its four projections, and for each head the scores and their weighted sum, as matrix products
//! grouped convolution as many times one group
//! batch of n          n times one input
//! pooling, element by element, normalisation: nothing
//! a latency below one cycle: one cycle; counts below zero: zero
//! ```
//!
//! These rules are this project's. Like the tool, they know no off-chip memory.

use rtmm_workload::{Attention, Duration, Layer, Operator, PublishedShape, Recurrent};

use super::reference;
use super::reference_model::{Reference, published_shape};
use crate::blocks::time;
use crate::cost::{Condition, CostError, LayerOf, SHARED_LEVELS, Work};
use crate::cost_model::CostModel;
use crate::energy::EnergyParts;
use crate::technology::Price;

const PICOJOULES_PER_NANOJOULE: f64 = 1e3;

/// The published tool on one accelerator, with rules for what it has none for.
#[derive(Debug)]
pub(super) struct Completed(pub(super) Reference);

/// A row of the published tool, and the number of times that a layer takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    shape: PublishedShape,
    times: u64,
}

impl Row {
    /// A product of `rows` by `inner` with `inner` by `columns`.
    fn product(times: u64, rows: u32, inner: u32, columns: u32) -> Self {
        let shape = PublishedShape { k: columns, c: inner, r: 1, s: 1, y: rows, x: 1, depthwise: false };
        Self { shape, times }
    }
}

/// The rows of a layer of one input; none for one that costs nothing.
fn rows_of(layer: &Layer) -> Result<Vec<Row>, CostError> {
    let one = |times: u64| Ok(vec![Row { shape: published_shape(layer)?, times }]);
    if layer.published.is_some() {
        return one(1);
    }
    match layer.operator {
        Operator::Convolution(c) if c.groups > 1 && !c.is_depthwise() => {
            let groups = c.groups;
            let shape = PublishedShape {
                k: c.output_channels / groups,
                c: c.input.channels / groups,
                r: c.kernel[0],
                s: c.kernel[1],
                y: c.input.height,
                x: c.input.width,
                depthwise: false,
            };
            Ok(vec![Row { shape, times: groups.into() }])
        }
        Operator::Convolution(_) | Operator::Gemm(_) => one(1),
        Operator::Recurrent(Recurrent { cell, features, hidden, steps, bidirectional }) => {
            let gates = cell.gates().saturating_mul(hidden);
            let directions = 1 + u64::from(bidirectional);
            Ok(vec![Row::product(directions, steps, features.saturating_add(hidden), gates)])
        }
        Operator::Attention(Attention { embedding, heads, queries, keys }) => {
            let of_head = embedding / heads.max(1);
            let heads = u64::from(heads);
            Ok(vec![
                Row::product(2, queries, embedding, embedding),
                Row::product(2, keys, embedding, embedding),
                Row::product(heads, queries, of_head, keys),
                Row::product(heads, queries, keys, of_head),
            ])
        }
        Operator::Pool(_) | Operator::Elementwise(_) | Operator::Normalisation(_) => Ok(Vec::new()),
        Operator::Opaque => Err(CostError::Unsupported {
            model: "maestro",
            what: format!("layer `{}`: nothing but measurements is known of it", layer.name),
        }),
    }
}

/// A count of the tool that cannot be below zero, so many times.
fn counted(count: i64, times: u64) -> Result<u64, CostError> {
    let count = u64::try_from(count).unwrap_or(0);
    count.checked_mul(times).ok_or(CostError::Overflow { what: "counts of the published tool" })
}

impl CostModel for Completed {
    fn work(&self, layer: LayerOf<'_>, _condition: Condition) -> Result<Work, CostError> {
        let mut one = layer.layer.clone();
        one.batch = 1;
        let inputs = u64::from(layer.layer.batch);
        let overflow = || CostError::Overflow { what: "cycles" };
        let (mut cycles, mut macs, mut l1, mut l2) = (0_u64, 0.0, 0.0, 0.0);
        for Row { shape, times } in rows_of(&one)? {
            let times = times.checked_mul(inputs).ok_or_else(overflow)?;
            let cost = self.0.array.cost(&shape)?;
            cycles = counted(cost.latency_cycles.max(1), times)?.checked_add(cycles).ok_or_else(overflow)?;
            macs += counted(cost.computations, times)? as f64;
            l1 += counted(cost.l1_accesses(), times)? as f64;
            l2 += counted(cost.l2_accesses(), times)? as f64;
        }
        let mac = reference::MAC_NJ * PICOJOULES_PER_NANOJOULE;
        Ok(Work {
            compute: if cycles == 0 { Duration::ZERO } else { time(cycles, self.0.clock_hz)? },
            traffic: [0; SHARED_LEVELS],
            transfer: Duration::ZERO,
            exposed: Duration::ZERO,
            energy: EnergyParts {
                mac: mac * macs,
                l1: mac * reference::L1_MACS * l1,
                l2: mac * reference::L2_MACS * l2,
                ..EnergyParts::default()
            },
            quanta: 1,
        })
    }

    fn identity(&self) -> String {
        format!("completed {}", self.0.identity())
    }

    fn prices(&self) -> Vec<Price> {
        self.0.prices()
    }
}
