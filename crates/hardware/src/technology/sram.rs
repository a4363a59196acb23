//! On-chip memories: power laws of capacity, or prices by what the memory is of.

use rtmm_workload::input::{Table, Value};

use super::band::{Band, Level};
use super::curve::{between, by_node, geometric};

/// Bytes of a kilobyte of a law.
const KILOBYTE: f64 = 1024.0;
/// Bounds of a law's factor and exponent.
const FACTORS: std::ops::RangeInclusive<f64> = 1e-9..=1e9;
const EXPONENTS: std::ops::RangeInclusive<f64> = -4.0..=4.0;

/// Owner of an on-chip memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A processing element, or a few of them: a register file where it is small, or of unstated size.
    Element,
    /// A tile of arrays that share a larger memory.
    Tile,
    /// The accelerator.
    Shared,
}

/// `a x C^b`, where C is a capacity in kilobytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Law {
    pub a: f64,
    pub b: f64,
}

impl Law {
    fn decode(value: &Value<'_>) -> Option<Self> {
        let table = value.table()?.named("this law");
        table.only(&["a", "b"]);
        Self::read(&table)
    }

    /// Reads `a` and `b`.
    fn read(table: &Table<'_>) -> Option<Self> {
        let (a, b) = (
            table.required("a", |value| value.number(FACTORS)),
            table.required("b", |value| value.number(EXPONENTS)),
        );
        Some(Self { a: a?, b: b? })
    }

    /// Reads laws by node.
    pub(super) fn decode_by_node(value: &Value<'_>) -> Option<Vec<(f64, Self)>> {
        by_node(value, |_, table| {
            let table = table.clone().named("this law");
            table.only(&["node_nm", "a", "b"]);
            Self::read(&table)
        })
    }

    /// The law between two of them: at every capacity a straight line in logarithms.
    fn mix(low: &Self, high: &Self, part: f64) -> Self {
        Self { a: geometric(low.a, high.a, part), b: low.b + part * (high.b - low.b) }
    }

    /// The law of a node, or that of the nearest node there is.
    pub(super) fn at(points: &[(f64, Self)], node_nm: Option<f64>) -> Option<Self> {
        between(points, node_nm, |law| Some(*law), |low, high, part| Some(Self::mix(low, high, part)))
    }

    /// The value at a capacity in bytes.
    pub(super) fn of(self, bytes: u64) -> f64 {
        self.a * libm::pow(bytes as f64 / KILOBYTE, self.b)
    }
}

/// Prices of a byte in on-chip memory.
#[derive(Clone, Debug)]
pub(super) enum Sram {
    /// By capacity, from laws by node: independent sources, as many at every node.
    Laws(Vec<(f64, Vec<Law>)>),
    /// By what the memory is of, whatever its capacity.
    ByPlace {
        /// A processing element.
        pe: Band,
        /// A tile of several arrays.
        tile: Band,
        /// The accelerator.
        shared: Band,
    },
}

/// [`Sram`] of one node and level.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SramPrices {
    /// The lowest, the geometric mean or the highest of laws.
    Laws(Vec<Law>, Level),
    /// Prices of memories of a processing element, a tile, an accelerator.
    ByPlace([f64; 3]),
}

impl Sram {
    /// Reads `nodes`, or `pe`, `tile` and `shared`.
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        if let Some(nodes) = table.get("nodes") {
            return Self::laws(&nodes);
        }
        let [pe, tile, shared] = ["pe", "tile", "shared"].map(|key| table.required(key, Band::decode));
        Some(Self::ByPlace { pe: pe?, tile: tile?, shared: shared? })
    }

    fn laws(nodes: &Value<'_>) -> Option<Self> {
        let points = by_node(nodes, |item, table| {
            let table = table.clone().named("this node");
            table.only(&["node_nm", "laws"]);
            let laws = table.required("laws", |laws| {
                laws.items()?.iter().map(Law::decode).collect::<Option<Vec<Law>>>()
            })?;
            if laws.is_empty() {
                return item.reject("the node has no law", "add `laws = [{ a = 0.3, b = 0.5 }]`");
            }
            Some(laws)
        })?;
        let first = points.first().map_or(0, |(_, laws)| laws.len());
        if let Some((node, laws)) = points.iter().find(|(_, laws)| laws.len() != first) {
            let message = format!("node {node} nm has {} laws, and others {first}", laws.len());
            return nodes.reject(message, "give every node one law of each source, in one order");
        }
        Some(Self::Laws(points))
    }

    /// The smallest and the largest node that it states.
    pub(super) fn nodes(&self) -> Option<std::ops::RangeInclusive<f64>> {
        match self {
            Self::Laws(points) => Some(points.first()?.0..=points.last()?.0),
            Self::ByPlace { .. } => None,
        }
    }

    /// Prices of one node and level.
    pub(super) fn at(&self, node_nm: Option<f64>, level: Level) -> SramPrices {
        match self {
            Self::Laws(points) => {
                let mix = |low: &Vec<Law>, high: &Vec<Law>, part: f64| {
                    low.iter().zip(high).map(|(low, high)| Law::mix(low, high, part)).collect()
                };
                SramPrices::Laws(between(points, node_nm, Vec::clone, mix), level)
            }
            Self::ByPlace { pe, tile, shared } => {
                SramPrices::ByPlace([pe, tile, shared].map(|band| band.at(level)))
            }
        }
    }
}

impl SramPrices {
    /// The price of a memory of `bytes`.
    pub(super) fn of(&self, place: Place, bytes: u64) -> f64 {
        match self {
            Self::Laws(laws, level) => {
                let prices = laws.iter().map(|law| law.of(bytes));
                match level {
                    Level::Low => prices.fold(f64::INFINITY, f64::min),
                    Level::High => prices.fold(0.0, f64::max),
                    Level::Typical if laws.len() == 1 => prices.sum(),
                    Level::Typical => {
                        let logarithms: f64 = prices.map(libm::log).sum();
                        libm::exp(logarithms / laws.len() as f64)
                    }
                }
            }
            Self::ByPlace([pe, tile, shared]) => match place {
                Place::Element => *pe,
                Place::Tile => *tile,
                Place::Shared => *shared,
            },
        }
    }
}
