//! The `sanger` cost model: attention whose map is pruned while it runs, packed onto a reconfigurable
//! array.
//!
//! With density `d` of the map, load balance `b` of its packed rows, `n` tokens of `W` features, an array
//! of `TH` rows and `TW` columns with `P` multipliers a row for dense products, and a clock of `f`:
//!
//! ```text
//! sub  = d / b / 0.25 * n                        packed sub-rows, a quarter of a row each
//! G    = TH * P * f * 2                          dense operations a second
//! lin  = n W W * 2 * 3 / G                       projections to queries, keys and values
//! prj  = n W W * 2 / (G / d * b)                 the projection of the result
//! tile = (W + TH) + (sub + TH)                   cycles: scores, weighted sum
//! att  = sub / TH * (tile * (n / TW) * coef)     cycles; coef >= 1 where memory is too slow
//! latency = lin + att / f + prj
//! ```
//!
//! `lin` does not depend on the input; [`AttentionLatency`] has the three terms apart. They are evaluated in
//! double precision and in this order, which is how the Dysta artifact has them: [`sanger_latency_s`] is
//! its number, bit by bit.
//!
//! [`Mode::Reference`] takes 768 features and, unless `sequence_length` says otherwise, 512 tokens for every
//! attention layer, as the artifact does, and knows no other operator. The corrected mode takes both from the
//! layer, keys apart from queries; reports the memory's part as traffic; runs matrix products on the dense
//! multipliers and everything else on a [`VectorUnit`].
//!
//! Not modelled: the prediction of the map, softmax, memory of dense products.
//!
//! Sources: Lu et al., "Sanger: A Co-Design Framework for Enabling Sparse Attention using Reconfigurable
//! Architecture", MICRO 2021; the equations are those of the artifact of Fan et al., "Sparse-DySta",
//! MICRO 2023. Default energies: Horowitz, ISSCC 2014.

use rtmm_workload::input::Table;
use rtmm_workload::{Attention, Duration, Kernel, Operator, Repeated};
use serde::Serialize;

use crate::cost::{
    Condition, CostError, CostModel, DRAM, EnergyParts, Explanation, LayerOf, Quantity, SHARED_LEVELS,
    Section, Sparse, Work,
};
use crate::decode::{Decoded, Mode, Parameter, Surroundings};
use crate::vector_unit::VectorUnit;

const NAME: &str = "sanger";

/// The keys of the `sanger` cost model.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "attention_sparsity",
        meaning: "share of zeros in the attention map of the profile, 0 to 1; default: 0",
    },
    Parameter {
        name: "load_balance",
        meaning: "how evenly the packed rows of the profile are filled, above 0 and up to 1; default: 1",
    },
    Parameter {
        name: "sequence_length",
        meaning: "tokens of every attention layer; default: the layer's own, 512 in reference mode",
    },
    Parameter { name: "rows", meaning: "rows of the array; default: 64" },
    Parameter { name: "cols", meaning: "columns of the array; default: 64" },
    Parameter { name: "linear_pes", meaning: "multipliers a row that dense products use; default: 16" },
    Parameter { name: "element_bytes", meaning: "bytes of an element, 1 to 8; default: 2" },
    Parameter {
        name: "dram_bandwidth",
        meaning: "bytes a cycle to and from off-chip memory, at most six decimals; default: 128, which is \
                  128 GB/s at 1 GHz",
    },
    Parameter {
        name: "vector_lanes",
        meaning: "vector operations a cycle, corrected mode only; default: cols",
    },
    Parameter {
        name: "vector_bandwidth",
        meaning: "elements a cycle to and from the vector unit; default: 2 x vector_lanes",
    },
    Parameter {
        name: "mac_pj",
        meaning: "pJ of a multiply-accumulate and of a vector operation; default: 2.0 (Horowitz 2014)",
    },
    Parameter {
        name: "dram_pj",
        meaning: "pJ of a byte to or from off-chip memory; default: 325 (Horowitz 2014)",
    },
    Parameter { name: "static_pj_per_cycle", meaning: "pJ that every cycle costs; default: 0" },
];

/// Features of a token to the published tool, whatever the model.
const TOOL_EMBEDDING: u32 = 768;
/// Tokens to the published tool, whatever the data set.
const TOOL_SEQUENCE_LENGTH: u32 = 512;
/// The part of a row that a packed sub-row holds.
const SUB_ROW: f64 = 0.25;

/// The most rows, columns and multipliers a row.
const MAX_EXTENT: u32 = 4096;
/// The longest sequence.
const MAX_TOKENS: u32 = 1 << 24;
/// The most vector lanes, and elements a cycle to and from them.
const MAX_LANES: u64 = 1 << 24;
/// The largest bandwidth, in millionths of a byte a cycle.
const MAX_BANDWIDTH_MILLIONTHS: u64 = 1_000_000_000_000;
/// The least load balance; sample traces have no less.
const MIN_BALANCE: f64 = 1e-6;
/// The largest energy of one event, in picojoules.
const MAX_PICOJOULES: f64 = 1e9;

/// All parameters of the `sanger` cost model, defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SangerParameters {
    /// Share of zeros in the attention map of the profile.
    pub attention_sparsity: f64,
    /// How evenly the packed rows of the profile are filled.
    pub load_balance: f64,
    /// Tokens of every attention layer, whatever its own.
    pub sequence_length: Option<u32>,
    /// Rows of the array.
    pub rows: u32,
    /// Columns of the array.
    pub cols: u32,
    /// Multipliers a row that dense products use.
    pub linear_pes: u32,
    /// Bytes of an element.
    pub element_bytes: u32,
    /// Off-chip bandwidth in millionths of a byte a cycle.
    pub dram_bandwidth_millionths: u64,
    /// Vector operations a cycle.
    pub vector_lanes: u64,
    /// Elements a cycle to and from the vector unit.
    pub vector_bandwidth: u64,
    /// Picojoules of a multiply-accumulate and of a vector operation.
    pub mac_pj: f64,
    /// Picojoules of a byte to or from off-chip memory.
    pub dram_pj: f64,
    /// Picojoules of every cycle.
    pub static_pj_per_cycle: f64,
}

/// The array of the Dysta artifact, dense.
impl Default for SangerParameters {
    fn default() -> Self {
        Self {
            attention_sparsity: 0.0,
            load_balance: 1.0,
            sequence_length: None,
            rows: 64,
            cols: 64,
            linear_pes: 16,
            element_bytes: 2,
            dram_bandwidth_millionths: 128_000_000,
            vector_lanes: 64,
            vector_bandwidth: 128,
            // 16-bit floating point: a multiplication 1.1, an addition in 32 bits 0.9.
            mac_pj: 2.0,
            // 64 bits: 1.3 to 2.6 nJ; the upper end.
            dram_pj: 325.0,
            static_pj_per_cycle: 0.0,
        }
    }
}

/// Reads the parameters from a table whose keys are known to be [`PARAMETERS`].
pub(crate) fn read_parameters(table: &Table<'_>) -> SangerParameters {
    let default = SangerParameters::default();
    let extent = |key: &str, default| table.or(key, default, |value| value.integer(1..=MAX_EXTENT));
    let lanes = |key: &str, default| table.or(key, default, |value| value.integer(1..=MAX_LANES));
    // A zero with a sign would be another text in the identity.
    let picojoules =
        |key: &str, default| table.or(key, default, |value| value.number(0.0..=MAX_PICOJOULES).map(f64::abs));
    let cols = extent("cols", default.cols);
    let vector_lanes = lanes("vector_lanes", cols.into());
    SangerParameters {
        attention_sparsity: table
            .or("attention_sparsity", default.attention_sparsity, |value| value.probability().map(f64::abs)),
        load_balance: table.or("load_balance", default.load_balance, |value| value.number(MIN_BALANCE..=1.0)),
        sequence_length: table.optional("sequence_length", |value| value.integer(1..=MAX_TOKENS)),
        rows: extent("rows", default.rows),
        cols,
        linear_pes: extent("linear_pes", default.linear_pes),
        element_bytes: table.or("element_bytes", default.element_bytes, |value| value.integer(1..=8)),
        dram_bandwidth_millionths: table.or("dram_bandwidth", default.dram_bandwidth_millionths, |value| {
            value.millionths(1..=MAX_BANDWIDTH_MILLIONTHS)
        }),
        vector_lanes,
        vector_bandwidth: lanes("vector_bandwidth", (2 * vector_lanes).min(MAX_LANES)),
        mac_pj: picojoules("mac_pj", default.mac_pj),
        dram_pj: picojoules("dram_pj", default.dram_pj),
        static_pj_per_cycle: picojoules("static_pj_per_cycle", default.static_pj_per_cycle),
    }
}

/// Reads a Sanger from an accelerator's table.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    let parameters = read_parameters(table);
    let label = format!("sanger {}x{}", parameters.rows, parameters.cols);
    Some(Decoded { label, cost_model: Box::new(Sanger::new(parameters, surroundings)) })
}

/// A Sanger with a vector unit beside it.
#[derive(Clone, Debug)]
pub struct Sanger {
    parameters: SangerParameters,
    clock_hz: u64,
    mode: Mode,
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
    /// Packed sub-rows of the map.
    pub sub_rows: f64,
    /// Cycles of scores and weighted sum.
    pub array_cycles: f64,
}

impl AttentionLatency {
    /// How long the layer takes, in seconds, summed in the artifact's order.
    #[must_use]
    pub fn total_s(&self) -> f64 {
        self.linear_s + self.attention_s + self.projection_s
    }

    /// What depends on the map's density and balance, in seconds.
    #[must_use]
    pub fn dependent_s(&self) -> f64 {
        self.attention_s + self.projection_s
    }
}

/// The latency of an attention layer of 768 features on the array of the Dysta artifact at 1 GHz, in
/// seconds; its number, bit by bit.
#[must_use]
pub fn sanger_latency_s(density: f64, balance: f64, sequence_length: u32) -> f64 {
    let surroundings = Surroundings { clock_hz: 1_000_000_000, mode: Mode::Reference };
    let extents =
        AttentionExtents { embedding: TOOL_EMBEDDING, queries: sequence_length, keys: sequence_length };
    Sanger::new(SangerParameters::default(), surroundings).attention(extents, density, balance).total_s()
}

/// What all kernels of a layer add up to.
struct Totals {
    attention: Option<AttentionLatency>,
    /// Multiply-accumulates that are done, those of pruned scores left out.
    macs: f64,
    linear_cycles: u64,
    vector_operations: u64,
    vector_cycles: u64,
    steps: u64,
}

/// Columns of [`CostModel::report`].
const COLUMNS: &[&str] = &[
    "linear_ps",
    "attention_ps",
    "projection_ps",
    "vector_cycles",
    "macs",
    "dram_bytes",
    "latency_ps",
    "energy_pj_mac",
    "energy_pj_dram",
    "energy_pj_static",
    "energy_pj_total",
];

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
    /// The model with these parameters.
    #[must_use]
    pub fn new(parameters: SangerParameters, surroundings: Surroundings) -> Self {
        let Surroundings { clock_hz, mode } = surroundings;
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
    fn demand(&self) -> f64 {
        f64::from(self.parameters.cols) * f64::from(self.parameters.element_bytes)
    }

    fn bandwidth(&self) -> f64 {
        self.parameters.dram_bandwidth_millionths as f64 / 1e6
    }

    /// By how much memory slows scores and weighted sum down.
    fn coefficient(&self) -> f64 {
        if self.demand() < self.bandwidth() { 1.0 } else { self.demand() / self.bandwidth() }
    }

    fn vector_unit(&self) -> VectorUnit {
        VectorUnit { lanes: self.parameters.vector_lanes, bandwidth: self.parameters.vector_bandwidth }
    }

    fn extents(&self, attention: Attention) -> AttentionExtents {
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

    /// Density and balance.
    fn condition(&self, condition: Condition) -> (f64, f64) {
        let (sparsity, balance) = match condition {
            Condition::Profile => (self.parameters.attention_sparsity, self.parameters.load_balance),
            Condition::Sparse(Sparse { activations, balance, .. }) => (activations, balance),
        };
        (1.0 - sparsity.clamp(0.0, 1.0), balance)
    }

    fn totals(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Totals, CostError> {
        let kernels = layer.layer.kernels()?;
        if let Operator::Attention(attention) = layer.layer.operator {
            let (density, balance) = self.condition(condition);
            let extents = self.extents(attention);
            let latency = self.attention(extents, density, balance);
            let [w, queries, keys] = [extents.embedding, extents.queries, extents.keys].map(f64::from);
            return Ok(Totals {
                attention: Some(latency),
                macs: 2.0 * (queries + keys) * w * w + 2.0 * queries * keys * w * density,
                linear_cycles: 0,
                vector_operations: 0,
                vector_cycles: 0,
                steps: (latency.sub_rows / f64::from(self.parameters.rows)).ceil() as u64,
            });
        }
        if self.mode == Mode::Reference {
            return Err(unsupported("layers other than attention in reference mode"));
        }
        let mut totals = Totals {
            attention: None,
            macs: 0.0,
            linear_cycles: 0,
            vector_operations: 0,
            vector_cycles: 0,
            steps: 0,
        };
        let multipliers = u64::from(self.parameters.rows) * u64::from(self.parameters.linear_pes);
        let unit = self.vector_unit();
        let add = |sum: &mut u64, one: u64, times: u64| {
            let all = one.checked_mul(times).and_then(|all| sum.checked_add(all));
            all.map(|all| *sum = all).ok_or(CostError::Overflow { what: "cycles" })
        };
        for Repeated { kernel, times } in kernels {
            let times = times.into();
            match kernel {
                Kernel::Nest(nest) => {
                    totals.macs += nest.macs() as f64 * times as f64;
                    add(&mut totals.linear_cycles, nest.macs().div_ceil(multipliers), times)?;
                }
                Kernel::Vector(work) => {
                    let cycles = unit.cycles(&work);
                    add(&mut totals.vector_cycles, cycles, times)?;
                    add(&mut totals.vector_operations, if cycles > 0 { work.operations } else { 0 }, times)?;
                }
            }
            totals.steps = totals.steps.saturating_add(times);
        }
        Ok(totals)
    }

    fn duration(&self, cycles: u64) -> Result<Duration, CostError> {
        Duration::from_cycles(cycles, self.clock_hz).ok_or(OVERFLOW)
    }

    fn work_of(&self, totals: &Totals) -> Result<Work, CostError> {
        let mut traffic = [0; SHARED_LEVELS];
        let (compute, transfer, latency) = match &totals.attention {
            Some(attention) => {
                let latency = picoseconds(attention.total_s())?;
                match self.mode {
                    // The artifact has one number, with memory in it.
                    Mode::Reference => (latency, Duration::ZERO, latency),
                    Mode::Corrected => {
                        let compute = attention.linear_s + attention.array_s + attention.projection_s;
                        let bytes = (attention.array_cycles * self.demand()).round();
                        traffic[DRAM] = bytes as u64;
                        let transfer = bytes / self.bandwidth() / self.clock_hz as f64;
                        (picoseconds(compute)?, picoseconds(transfer)?, latency)
                    }
                }
            }
            None => {
                let cycles = totals.linear_cycles.checked_add(totals.vector_cycles).ok_or(OVERFLOW)?;
                let latency = self.duration(cycles)?;
                (latency, Duration::ZERO, latency)
            }
        };
        let exposed = latency.picoseconds().saturating_sub(compute.max(transfer).picoseconds());
        let cycles = latency.picoseconds() as f64 * 1e-12 * self.clock_hz as f64;
        let SangerParameters { mac_pj, dram_pj, static_pj_per_cycle, .. } = self.parameters;
        Ok(Work {
            compute,
            traffic,
            transfer,
            exposed: Duration::from_picoseconds(exposed),
            energy: EnergyParts {
                mac: mac_pj * (totals.macs + totals.vector_operations as f64),
                dram: dram_pj * traffic[DRAM] as f64,
                r#static: static_pj_per_cycle * cycles,
                ..EnergyParts::default()
            },
            quanta: u32::try_from(totals.steps).unwrap_or(u32::MAX).max(1),
        })
    }

    /// Latencies of the dense products, of scores and weighted sum, and of the projection of the result.
    fn parts(&self, totals: &Totals) -> Result<[Duration; 3], CostError> {
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

    fn settings(&self) -> Vec<(&'static str, String)> {
        let SangerParameters { attention_sparsity, load_balance, rows, cols, .. } = self.parameters;
        vec![
            ("rows", rows.to_string()),
            ("cols", cols.to_string()),
            ("attention_sparsity", attention_sparsity.to_string()),
            ("load_balance", load_balance.to_string()),
        ]
    }

    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let totals = self.totals(layer, Condition::Profile)?;
        let work = self.work_of(&totals)?;
        row.extend(self.parts(&totals)?.map(|part| Quantity::Integer(part.picoseconds())));
        row.extend([
            Quantity::Integer(totals.vector_cycles),
            Quantity::Real(totals.macs),
            Quantity::Integer(work.traffic[DRAM]),
            Quantity::Integer(work.latency().picoseconds()),
            Quantity::Real(work.energy.mac),
            Quantity::Real(work.energy.dram),
            Quantity::Real(work.energy.r#static),
            Quantity::Real(work.energy.total()),
        ]);
        Ok(())
    }

    fn explain(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let totals = self.totals(layer, Condition::Profile)?;
        let work = self.work_of(&totals)?;
        let row = |cells: &[&dyn ToString]| cells.iter().map(|cell| cell.to_string()).collect();
        let section = |title: &str, header: &[&str], rows| Section {
            title: title.to_owned(),
            header: header.iter().map(|&head| head.to_owned()).collect(),
            rows,
        };
        let mut sections = Vec::new();
        let [linear, attended, projection] = self.parts(&totals)?;
        let vector = self.duration(totals.vector_cycles)?;
        if let (Some(attention), Operator::Attention(operator)) = (&totals.attention, layer.layer.operator) {
            let (density, balance) = self.condition(Condition::Profile);
            let AttentionExtents { embedding, queries, keys } = self.extents(operator);
            sections.push(section(
                "Map: sub-rows = density / balance / 0.25 x queries",
                &["queries", "keys", "features", "density", "balance", "sub-rows"],
                vec![row(&[&queries, &keys, &embedding, &density, &balance, &attention.sub_rows])],
            ));
            sections.push(section(
                "What no sparsity changes",
                &["term", "time"],
                vec![row(&[&"projections to queries, keys and values", &linear])],
            ));
            sections.push(section(
                "What density and balance change",
                &["term", "cycles", "slowed by memory", "time"],
                vec![
                    row(&[
                        &"scores and weighted sum",
                        &attention.array_cycles,
                        &self.coefficient(),
                        &attended,
                    ]),
                    row(&[&"projection of the result", &"", &"", &projection]),
                ],
            ));
        } else {
            sections.push(section(
                "Dense products, then vector unit",
                &["term", "cycles", "time"],
                vec![
                    row(&[&"dense products", &totals.linear_cycles, &linear]),
                    row(&[&"vector unit", &totals.vector_cycles, &vector]),
                ],
            ));
        }
        sections.push(section(
            "Time: total = max(compute, off-chip transfer) + exposed",
            &["term", "time"],
            vec![
                row(&[&"compute", &work.compute]),
                row(&[&"off-chip transfer", &work.transfer]),
                row(&[&"exposed", &work.exposed]),
                row(&[&"total", &work.latency()]),
            ],
        ));
        let SangerParameters { mac_pj, dram_pj, .. } = self.parameters;
        let operations = totals.macs + totals.vector_operations as f64;
        sections.push(section(
            "Energy: events x energy of one",
            &["part", "events", "pJ of one", "pJ"],
            vec![
                row(&[&"operations", &operations, &mac_pj, &work.energy.mac]),
                row(&[&"off-chip bytes", &work.traffic[DRAM], &dram_pj, &work.energy.dram]),
                row(&[&"static", &"", &"", &work.energy.r#static]),
                row(&[&"total", &"", &"", &work.energy.total()]),
            ],
        ));
        Ok(Explanation { sections })
    }

    fn identity(&self) -> String {
        #[derive(Debug, Serialize)]
        struct Identity<'p> {
            model: &'static str,
            mode: &'static str,
            clock_hz: u64,
            parameters: &'p SangerParameters,
        }
        let mode = match self.mode {
            Mode::Corrected => "corrected",
            Mode::Reference => "reference",
        };
        let identity = Identity { model: NAME, mode, clock_hz: self.clock_hz, parameters: &self.parameters };
        // Plain numbers always serialise; the other text would serve as well.
        serde_json::to_string(&identity).unwrap_or_else(|_| format!("{identity:?}"))
    }

    fn depends_on_input(&self) -> bool {
        true
    }
}
