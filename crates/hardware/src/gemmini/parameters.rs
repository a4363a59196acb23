//! Parameters of tiles and of the memories behind them, as files state them, and of some of the tiles.

use rtmm_workload::input::Table;
use rtmm_workload::parameters::{Choice, Decimal, Declared, Integer, Real, Schema, Typed};
use serde::Serialize;

use super::tiling::Memories;
use crate::blocks::{
    EnergyTable, MAX_LANES, STATIC, VECTOR, VectorUnit, energy_key, horowitz, picojoules, vector_pj,
};
use crate::decode::{Indivisible, Surroundings};
use crate::technology::{Place, Price, PriceOf};
use crate::units::MAX_UNITS;

/// The largest scratchpad or accumulator, in bytes.
const MAX_TILE_BYTES: u64 = 1 << 22;
/// The largest cache, in bytes.
const MAX_CACHE_BYTES: u64 = 1 << 40;
/// The largest bandwidth, in millionths of a byte a cycle.
const MAX_BANDWIDTH_MILLIONTHS: u64 = 1_000_000_000_000;
/// Bytes of a partial sum in the accumulator.
const PARTIAL_SUM_BYTES: u64 = 4;

const DIM: Integer<u32> = Integer::new("dim", "rows, and columns, of a tile's array", 16, 4..=256);
const TILES: Integer<u32> = Integer::new("tiles", "tiles that work on a layer together", 8, 1..=MAX_UNITS);
const SCRATCHPAD: Integer<u64> =
    Integer::new("scratchpad_bytes", "scratchpad of a tile, both halves", 131_072, 1..=MAX_TILE_BYTES)
        .in_unit("bytes");
const ACCUMULATOR: Integer<u64> =
    Integer::new("accumulator_bytes", "accumulator of a tile, both halves", 65_536, 1..=MAX_TILE_BYTES)
        .in_unit("bytes");
const CACHE: Integer<u64> =
    Integer::new("cache_bytes", "cache that all tiles share", 2_000_000, 0..=MAX_CACHE_BYTES)
        .in_unit("bytes");
const TILE_BANDWIDTH: Decimal = Decimal::derived(
    "tile_bandwidth",
    "bandwidth between a tile and the cache",
    "a byte for each row of the array",
    1..=MAX_BANDWIDTH_MILLIONTHS,
)
.in_unit("bytes a cycle");
const DRAM_BANDWIDTH: Decimal = Decimal::new(
    "dram_bandwidth",
    "bandwidth between cache and off-chip memory, for all tiles",
    16_000_000,
    1..=MAX_BANDWIDTH_MILLIONTHS,
)
.in_unit("bytes a cycle");
const OVERLAP_FACTOR: Decimal = Decimal::derived(
    "overlap_factor",
    "part of the shorter of computation and memory that adds to the longer",
    "0.3, 0.5, 0.7 or 1, by reuse",
    0..=1_000_000,
);
const SPLIT: Choice<Split> = Choice::new(
    "split",
    "how tiles divide a layer: equal parts of what one tile does, or a share each, tiled by itself",
    Split::Even,
    &[("even", Split::Even), ("shares", Split::Shares)],
);
const MEMORY: Choice<MemoryTime> = Choice::new(
    "memory",
    "memory time: the longer of cache and DRAM, or DRAM and then what the cache has",
    MemoryTime::Longer,
    &[("longer", MemoryTime::Longer), ("sum", MemoryTime::Sum)],
);
const INPUT: Choice<InputFrom> = Choice::new(
    "input",
    "where a layer finds its input: in the cache, if that holds the layer, or always in DRAM",
    InputFrom::Cache,
    &[("cache", InputFrom::Cache), ("dram", InputFrom::Dram)],
);
const VECTOR_LANES: Integer<u64> =
    VectorUnit::lanes_key("vector operations a cycle of all tiles", "dim x tiles");
const VECTOR_BANDWIDTH: Integer<u64> = Integer::derived(
    "vector_bandwidth",
    "bandwidth to and from the vector unit",
    "dim x tiles",
    1..=MAX_LANES,
)
.in_unit("elements a cycle");
const MAC_PJ: Real = energy_key(
    "mac_pj",
    "energy of a multiply-accumulate and of a vector operation (Horowitz 2014)",
    horowitz::mac_pj(1),
);
const SCRATCHPAD_PJ: Real = energy_key(
    "scratchpad_pj",
    "energy of a byte between array and scratchpad or accumulator (Horowitz 2014)",
    horowitz::SRAM_32KB_BYTE_PJ,
);
const CACHE_PJ: Real = energy_key(
    "cache_pj",
    "energy of a byte between tile and cache (Horowitz 2014)",
    horowitz::SRAM_1MB_BYTE_PJ,
);
const DRAM_PJ: Real = energy_key(
    "dram_pj",
    "energy of a byte to or from off-chip memory (Horowitz 2014)",
    horowitz::DRAM_BYTE_PJ,
);

/// The keys of the `gemmini` cost model.
#[must_use]
pub fn keys() -> Schema {
    Schema::of(&[&[
        &DIM,
        &TILES,
        &SCRATCHPAD,
        &ACCUMULATOR,
        &CACHE,
        &TILE_BANDWIDTH,
        &DRAM_BANDWIDTH,
        &OVERLAP_FACTOR,
        &SPLIT,
        &MEMORY,
        &INPUT,
        &VECTOR_LANES,
        &VECTOR_BANDWIDTH,
        &MAC_PJ,
        &VECTOR,
        &SCRATCHPAD_PJ,
        &CACHE_PJ,
        &DRAM_PJ,
        &STATIC,
    ]])
}

/// Division of a layer among tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Each of `n` tiles has an `n`-th of what a single one would do.
    Even,
    /// Each has a part of the rows or of the output channels, and tiles it by itself.
    Shares,
}

/// Memory time of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MemoryTime {
    /// The longer of the time at the cache and the time at DRAM.
    Longer,
    /// The time at DRAM, and then that at the cache for what a tile moves beyond its part of DRAM traffic.
    Sum,
}

/// Place of a layer's input when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InputFrom {
    /// In the cache, where the layer before left it, if the cache holds what the layer moves twice.
    Cache,
    /// In DRAM.
    Dram,
}

/// All parameters of the `gemmini` cost model, defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GemminiParameters {
    /// Rows, and columns, of a tile's array.
    pub dim: u32,
    /// Tiles.
    pub tiles: u32,
    /// Bytes of a tile's scratchpad, both halves.
    pub scratchpad_bytes: u64,
    /// Bytes of a tile's accumulator, both halves.
    pub accumulator_bytes: u64,
    /// Bytes of the cache that all tiles share.
    pub cache_bytes: u64,
    /// Bandwidth between a tile and the cache, in millionths of a byte a cycle.
    pub tile_bandwidth_millionths: u64,
    /// Bandwidth between cache and DRAM, in millionths of a byte a cycle.
    pub dram_bandwidth_millionths: u64,
    /// Part of the shorter of computation and memory that adds to the longer, in millionths; `None` is by reuse.
    pub overlap_factor_millionths: Option<u64>,
    /// Division of a layer among tiles.
    pub split: Split,
    /// Memory time.
    pub memory: MemoryTime,
    /// Place of the input.
    pub input: InputFrom,
    /// The vector unit, of all tiles.
    #[serde(flatten)]
    pub vector_unit: VectorUnit,
    /// Picojoules of a multiply-accumulate.
    pub mac_pj: f64,
    /// Picojoules of a vector operation; `None` is those of a multiply-accumulate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector_pj: Option<f64>,
    /// Picojoules of a byte between array and scratchpad or accumulator.
    pub scratchpad_pj: f64,
    /// Picojoules of a byte between array and accumulator where they differ; `None` is those of the scratchpad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accumulator_pj: Option<f64>,
    /// Picojoules of a byte between tile and cache.
    pub cache_pj: f64,
    /// Picojoules of a byte to or from DRAM.
    pub dram_pj: f64,
    /// Picojoules of every cycle.
    pub static_pj_per_cycle: f64,
}

impl Default for GemminiParameters {
    /// The chip of MoCA's evaluation.
    fn default() -> Self {
        let (dim, tiles) = (DIM.default_value(), TILES.default_value());
        let lanes = u64::from(dim) * u64::from(tiles);
        Self {
            dim,
            tiles,
            scratchpad_bytes: SCRATCHPAD.default_value(),
            accumulator_bytes: ACCUMULATOR.default_value(),
            cache_bytes: CACHE.default_value(),
            tile_bandwidth_millionths: u64::from(dim) * 1_000_000,
            dram_bandwidth_millionths: DRAM_BANDWIDTH.default_value(),
            overlap_factor_millionths: None,
            split: SPLIT.default_value(),
            memory: MEMORY.default_value(),
            input: INPUT.default_value(),
            vector_unit: VectorUnit { lanes, bandwidth: lanes },
            mac_pj: MAC_PJ.default_value(),
            vector_pj: None,
            scratchpad_pj: SCRATCHPAD_PJ.default_value(),
            accumulator_pj: None,
            cache_pj: CACHE_PJ.default_value(),
            dram_pj: DRAM_PJ.default_value(),
            static_pj_per_cycle: STATIC.default_value(),
        }
    }
}

impl GemminiParameters {
    /// The parameters of `units` of `of` equal units: their part of the tiles, vector lanes and static energy. Cache and
    /// DRAM stay whole.
    pub(super) fn part(&self, units: u32, of: u32) -> Result<Self, Indivisible> {
        if of == 0 || !self.tiles.is_multiple_of(of) {
            return Err(Indivisible::Uneven { what: "tiles", count: self.tiles, units: of });
        }
        let units = units.min(of);
        let share = |whole: u64, key: &'static str| {
            let part = u128::from(whole) * u128::from(units) / u128::from(of);
            // Never above the whole, so the conversion holds.
            match u64::try_from(part).unwrap_or(whole) {
                0 => Err(Indivisible::Nothing { key, units, of }),
                part => Ok(part),
            }
        };
        if units == 0 {
            return Err(Indivisible::Nothing { key: "tiles", units, of });
        }
        let VectorUnit { lanes, bandwidth } = self.vector_unit;
        Ok(Self {
            tiles: self.tiles / of * units,
            vector_unit: VectorUnit {
                lanes: share(lanes, "vector_lanes")?,
                bandwidth: share(bandwidth, "vector_bandwidth")?,
            },
            static_pj_per_cycle: self.static_pj_per_cycle * f64::from(units) / f64::from(of),
            ..self.clone()
        })
    }

    pub(super) fn memories(&self) -> Memories {
        let dim = u64::from(self.dim).max(1);
        Memories {
            dim,
            scratchpad_rows: self.scratchpad_bytes / 2 / dim,
            accumulator_rows: self.accumulator_bytes / 2 / (PARTIAL_SUM_BYTES * dim),
        }
    }

    /// Scratchpad and accumulator count as L1, the cache as L2.
    pub(super) const fn energies(&self) -> EnergyTable {
        let Self { mac_pj, vector_pj, scratchpad_pj, cache_pj, dram_pj, static_pj_per_cycle, .. } = *self;
        EnergyTable {
            mac: mac_pj,
            vector: vector_pj,
            l1: scratchpad_pj,
            l2: cache_pj,
            dram: dram_pj,
            static_per_cycle: static_pj_per_cycle,
        }
    }

    pub(super) fn prices(&self) -> Vec<Price> {
        let (scratchpad, accumulator) =
            (self.scratchpad_pj, self.accumulator_pj.unwrap_or(self.scratchpad_pj));
        vec![
            Price::new(PriceOf::Mac { element_bytes: 1 }, self.mac_pj, "operation"),
            Price::new(PriceOf::Vector, self.vector_pj.unwrap_or(self.mac_pj), "operation"),
            Price::buffer("scratchpad", scratchpad, "byte", Some(self.scratchpad_bytes)),
            Price::buffer("accumulator", accumulator, "byte", Some(self.accumulator_bytes)),
            Price::buffer("cache", self.cache_pj, "byte", Some(self.cache_bytes)),
            Price::new(PriceOf::Dram, self.dram_pj, "byte"),
            Price::new(PriceOf::Static, self.static_pj_per_cycle, "cycle"),
        ]
    }
}

/// Energies of events: as stated, or else the technology's, whose memories have the capacities of `parameters`.
fn with_energies(
    table: &Table<'_>,
    surroundings: &Surroundings,
    parameters: GemminiParameters,
) -> GemminiParameters {
    let GemminiParameters { scratchpad_bytes, accumulator_bytes, cache_bytes, .. } = parameters;
    let memory =
        |own: f64, place, bytes| surroundings.price(own, |prices| prices.memory_byte(place, Some(bytes), 1));
    let own = parameters.scratchpad_pj;
    let accumulator_pj = memory(own, Place::Tile, accumulator_bytes);
    let scratchpad_pj = memory(own, Place::Tile, scratchpad_bytes);
    let leakage = surroundings.price(parameters.static_pj_per_cycle, |prices| {
        let (dim, tiles) = (u64::from(parameters.dim), u64::from(parameters.tiles));
        let of_tiles = tiles.saturating_mul(scratchpad_bytes.saturating_add(accumulator_bytes));
        let memories = of_tiles.saturating_add(cache_bytes);
        prices.leakage(tiles * dim * dim, memories, surroundings.clock_hz)
    });
    GemminiParameters {
        mac_pj: picojoules(table, &MAC_PJ, surroundings.price(parameters.mac_pj, |prices| prices.mac(1))),
        vector_pj: vector_pj(table, surroundings, 1),
        scratchpad_pj: picojoules(table, &SCRATCHPAD_PJ, scratchpad_pj),
        // Alike is one price, as without a technology.
        accumulator_pj: Some(accumulator_pj)
            .filter(|price| *price != scratchpad_pj && !table.has(SCRATCHPAD_PJ.name())),
        cache_pj: picojoules(
            table,
            &CACHE_PJ,
            memory(parameters.cache_pj, Place::Shared, cache_bytes.max(1)),
        ),
        dram_pj: picojoules(
            table,
            &DRAM_PJ,
            surroundings.price(parameters.dram_pj, |prices| prices.dram_byte(1)),
        ),
        static_pj_per_cycle: picojoules(table, &STATIC, leakage),
        ..parameters
    }
}

/// Bytes that a scratchpad must have: two blocks of inputs and of weights.
const fn least_scratchpad(dim: u64) -> u64 {
    4 * dim * dim
}

/// Bytes that an accumulator must have: two blocks of partial sums.
const fn least_accumulator(dim: u64) -> u64 {
    2 * PARTIAL_SUM_BYTES * dim * dim
}

/// Reads the parameters from an accelerator's table.
pub(super) fn read(table: &Table<'_>, surroundings: &Surroundings) -> Option<GemminiParameters> {
    let usual = GemminiParameters::default();
    // Read before the first early return, so that all problems come out together.
    let (dim, tiles) = (DIM.stated_or_default(table), TILES.stated_or_default(table));
    let lanes = u64::from(dim) * u64::from(tiles);
    let parameters = GemminiParameters {
        dim,
        tiles,
        scratchpad_bytes: SCRATCHPAD.stated_or_default(table),
        accumulator_bytes: ACCUMULATOR.stated_or_default(table),
        cache_bytes: CACHE.stated_or_default(table),
        tile_bandwidth_millionths: TILE_BANDWIDTH.stated(table).unwrap_or(u64::from(dim) * 1_000_000),
        dram_bandwidth_millionths: DRAM_BANDWIDTH.stated_or_default(table),
        overlap_factor_millionths: OVERLAP_FACTOR.stated(table),
        split: SPLIT.stated_or_default(table),
        memory: MEMORY.stated_or_default(table),
        input: INPUT.stated_or_default(table),
        vector_unit: VectorUnit {
            lanes: VECTOR_LANES.stated(table).unwrap_or(lanes),
            bandwidth: VECTOR_BANDWIDTH.stated(table).unwrap_or(lanes),
        },
        ..usual
    };
    let parameters = with_energies(table, surroundings, parameters);
    let dim = u64::from(dim);
    let needs = [
        (SCRATCHPAD, parameters.scratchpad_bytes, least_scratchpad(dim)),
        (ACCUMULATOR, parameters.accumulator_bytes, least_accumulator(dim)),
    ];
    for (key, bytes, least) in needs {
        if bytes < least {
            let name = key.name();
            let message = format!("`{name}` is {bytes}, but an array of {dim} x {dim} needs {least} bytes");
            let help = format!("state a larger `{name}`, or a smaller `dim`");
            return match table.has(name) {
                true => table.required(name, |value| value.reject(message, help)),
                false => table.required("dim", |value| value.reject(message, help)),
            };
        }
    }
    Some(parameters)
}
