//! The accelerator, and the terms of an attention layer's latency in the order in which the artifact computes them.

use rtmm_workload::Attention;

use super::parameters::SangerParameters;
use crate::decode::{Mode, Surroundings};

/// Features of a token to the published tool, whatever the model.
const TOOL_EMBEDDING: u32 = 768;
/// Tokens to the published tool, whatever the data set.
const TOOL_SEQUENCE_LENGTH: u32 = 512;
/// The part of a row that a packed sub-row holds.
const SUB_ROW: f64 = 0.25;

/// A Sanger with a vector unit beside it.
#[derive(Clone, Debug)]
pub struct Sanger {
    pub(super) parameters: SangerParameters,
    pub(super) clock_hz: u64,
    pub(super) mode: Mode,
}

/// Extents of an attention layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionExtents {
    /// Features of a token (W).
    pub embedding: u32,
    /// Tokens that ask (n).
    pub queries: u32,
    /// Tokens that are asked; as many in self-attention.
    pub keys: u32,
}

/// The terms of an attention layer's latency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionLatency {
    /// Projections to queries, keys and values, in seconds: what no sparsity changes.
    pub linear_s: f64,
    /// Scores and weighted sum, in seconds, if memory never makes them wait.
    pub array_s: f64,
    /// The same at the memory's pace where that is slower.
    pub attention_s: f64,
    /// The projection of the result, in seconds.
    pub projection_s: f64,
    /// Packed sub-rows of the map of one input.
    pub sub_rows: f64,
    /// Cycles of scores and weighted sum.
    pub array_cycles: f64,
}

impl AttentionLatency {
    /// The terms of so many inputs, one after the other.
    #[must_use]
    pub(super) fn of_inputs(self, inputs: f64) -> Self {
        Self {
            linear_s: self.linear_s * inputs,
            array_s: self.array_s * inputs,
            attention_s: self.attention_s * inputs,
            projection_s: self.projection_s * inputs,
            sub_rows: self.sub_rows,
            array_cycles: self.array_cycles * inputs,
        }
    }

    /// Latency of the layer in seconds, summed in the artifact's order.
    #[must_use]
    pub fn total_s(&self) -> f64 {
        self.linear_s + self.attention_s + self.projection_s
    }

    /// The part that depends on the map's density and balance, in seconds.
    #[must_use]
    pub fn dependent_s(&self) -> f64 {
        self.attention_s + self.projection_s
    }
}

/// The latency of an attention layer of 768 features on the array of the Dysta artifact at 1 GHz, in
/// seconds; its number, bit by bit.
#[must_use]
pub fn sanger_latency_s(density: f64, balance: f64, sequence_length: u32) -> f64 {
    let surroundings = Surroundings::new(1_000_000_000, Mode::Reference);
    let extents =
        AttentionExtents { embedding: TOOL_EMBEDDING, queries: sequence_length, keys: sequence_length };
    Sanger::new(SangerParameters::default(), surroundings).attention(extents, density, balance).total_s()
}

impl Sanger {
    /// The model with these parameters.
    #[must_use]
    pub fn new(parameters: SangerParameters, surroundings: Surroundings) -> Self {
        let Surroundings { clock_hz, mode, .. } = surroundings;
        Self { parameters, clock_hz, mode }
    }

    /// The terms of an attention layer's latency.
    ///
    /// The order of operations is the artifact's. Products of integers are exact as long as they stay below
    /// 2^53, in whichever order.
    #[must_use]
    pub fn attention(&self, extents: AttentionExtents, density: f64, balance: f64) -> AttentionLatency {
        let [w, queries, keys] = [extents.embedding, extents.queries, extents.keys].map(f64::from);
        let [rows, cols, linear] =
            [self.parameters.rows, self.parameters.cols, self.parameters.linear_pes].map(f64::from);
        let clock_hz = self.clock_hz as f64;
        let sub_rows = density / balance / SUB_ROW * queries;
        let giga_operations = rows * linear * (clock_hz / 1e9) * 2.0;
        let linear_s = (queries + 2.0 * keys) * w * w * 2.0 / 1e9 / giga_operations;
        let projection_s = queries * w * w * 2.0 / 1e9 / (giga_operations / density * balance);
        let tile = (w + rows) + (sub_rows + rows);
        let row = tile * (keys / cols);
        let array_cycles = (sub_rows / rows) * row;
        let attention_cycles = (sub_rows / rows) * (row * self.coefficient());
        AttentionLatency {
            linear_s,
            array_s: array_cycles / clock_hz,
            attention_s: attention_cycles / clock_hz,
            projection_s,
            sub_rows,
            array_cycles,
        }
    }

    /// Bytes a cycle of scores and weighted sum.
    pub(super) fn demand(&self) -> f64 {
        f64::from(self.parameters.cols) * f64::from(self.parameters.element_bytes)
    }

    pub(super) fn bandwidth(&self) -> f64 {
        self.parameters.dram_bandwidth_millionths as f64 / 1e6
    }

    /// By how much memory slows scores and weighted sum down.
    pub(super) fn coefficient(&self) -> f64 {
        if self.demand() < self.bandwidth() { 1.0 } else { self.demand() / self.bandwidth() }
    }

    /// The extents of an attention layer, or those that the published tool takes for it.
    pub(super) fn extents(&self, attention: Attention) -> AttentionExtents {
        let Attention { embedding, queries, keys, .. } = attention;
        let fixed = self.parameters.sequence_length;
        match self.mode {
            Mode::Corrected => {
                AttentionExtents { embedding, queries: fixed.unwrap_or(queries), keys: fixed.unwrap_or(keys) }
            }
            Mode::Reference => {
                let tokens = fixed.unwrap_or(TOOL_SEQUENCE_LENGTH);
                AttentionExtents { embedding: TOOL_EMBEDDING, queries: tokens, keys: tokens }
            }
        }
    }
}
