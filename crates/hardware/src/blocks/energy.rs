//! Energies of events, and those that literature gives.

use rtmm_workload::input::Table;
use rtmm_workload::parameters::{Real, Typed};
use serde::Serialize;

use crate::decode::Surroundings;
use crate::energy::EnergyParts;
use crate::explain::Section;

/// The largest energy of one event, in picojoules.
const MAX_PICOJOULES: f64 = 1e9;

/// Energy of one event of each kind, in picojoules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct EnergyTable {
    /// A multiply-accumulate.
    pub mac: f64,
    /// A vector operation; none where it takes as much as a multiply-accumulate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector: Option<f64>,
    /// An access to a buffer beside the processing elements.
    pub l1: f64,
    /// An access to the accelerator's own shared buffer.
    pub l2: f64,
    /// A byte or an element to or from off-chip memory.
    pub dram: f64,
    /// A cycle, whatever happens in it.
    pub static_per_cycle: f64,
}

/// Counts of events of each kind in a layer. Counts above 2^53 are rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Events {
    /// Multiply-accumulates and vector operations.
    pub operations: f64,
    /// Vector operations among them.
    pub vector_operations: f64,
    /// Accesses to buffers beside the processing elements.
    pub l1: f64,
    /// Accesses to the accelerator's own shared buffer.
    pub l2: f64,
    /// Bytes or elements to and from off-chip memory.
    pub dram: f64,
    /// Cycles of the layer's latency.
    pub cycles: f64,
}

impl EnergyTable {
    /// The energy of a layer with these events.
    #[must_use]
    pub fn parts(&self, events: &Events) -> EnergyParts {
        let operations = match self.vector {
            None => self.mac * events.operations,
            Some(vector) => {
                let macs = events.operations - events.vector_operations;
                self.mac * macs + vector * events.vector_operations
            }
        };
        EnergyParts {
            mac: operations,
            l1: self.l1 * events.l1,
            l2: self.l2 * events.l2,
            dram: self.dram * events.dram,
            static_energy: self.static_per_cycle * events.cycles,
        }
    }
}

impl Section {
    /// Rows of multiply-accumulates and vector operations: one where they have one price.
    pub(crate) fn operations(macs: f64, vector: u64, table: &EnergyTable) -> Vec<Vec<String>> {
        let row = |part: &str, events: f64, one: f64| Self::row(&[&part, &events, &one, &(one * events)]);
        let vector_operations = vector as f64;
        match table.vector {
            None => vec![row("operations", macs + vector_operations, table.mac)],
            Some(one) => {
                vec![
                    row("multiply-accumulates", macs, table.mac),
                    row("vector operations", vector_operations, one),
                ]
            }
        }
    }

    /// The energies of a layer: rows of part, events, energy of one event and energy, then the total.
    pub(crate) fn energy(mut rows: Vec<Vec<String>>, total: &EnergyParts) -> Self {
        rows.push(Self::row(&[&"total", &"", &"", &total.total()]));
        Self::new("Energy: events x energy of one", &["part", "events", "pJ of one", "pJ"], rows)
    }
}

/// The key `static_pj_per_cycle`.
pub const STATIC: Real = energy_key("static_pj_per_cycle", "static energy of a cycle", 0.0);

/// The key of every cost model for the energy of a multiply-accumulate.
const MAC_KEY: &str = "mac_pj";

/// The key `vector_pj`.
pub const VECTOR: Real =
    derived_energy_key("vector_pj", "energy of a vector operation", "mac_pj, or the technology's");

/// A key for the energy of an event, with a default in picojoules.
#[must_use]
pub const fn energy_key(name: &'static str, meaning: &'static str, default: f64) -> Real {
    Real::new(name, meaning, default, 0.0..=MAX_PICOJOULES).in_unit("pJ")
}

/// A key for the energy of an event that follows from other keys where it is not stated.
#[must_use]
pub const fn derived_energy_key(name: &'static str, meaning: &'static str, otherwise: &'static str) -> Real {
    Real::derived(name, meaning, otherwise, 0.0..=MAX_PICOJOULES).in_unit("pJ")
}

/// The energy of an event, in picojoules, as the accelerator's table states it under `key`.
pub fn picojoules(table: &Table<'_>, key: &Real, default: f64) -> f64 {
    // A zero with a sign would be another text in the identity.
    key.stated(table).map_or(default, f64::abs)
}

/// The energy of a vector operation of elements of so many bytes, in picojoules, where it is not that of a
/// multiply-accumulate.
///
/// Under a technology it is drawn, as every price is that the table does not state: a multiply-accumulate of the technology
/// where the file prices no vector operation, whatever `mac_pj` the table states.
pub fn vector_pj(table: &Table<'_>, surroundings: &Surroundings, element_bytes: u64) -> Option<f64> {
    let drawn = surroundings.prices.as_deref().and_then(|prices| {
        let of_mac = || table.has(MAC_KEY).then(|| prices.mac(element_bytes));
        prices.vector(element_bytes).or_else(of_mac)
    });
    VECTOR.stated(table).map(f64::abs).or(drawn)
}

/// Energies at 45 nm and 0.9 V: Horowitz, "Computing's Energy Problem", ISSCC 2014.
pub mod horowitz {
    /// A bit of a 64-bit access to a memory of 8 KB, 10 picojoules.
    pub const SRAM_8KB_BIT_PJ: f64 = 10.0 / 64.0;
    /// A byte of a 64-bit access to a memory of 32 KB, 20 picojoules.
    pub const SRAM_32KB_BYTE_PJ: f64 = 20.0 / 8.0;
    /// A byte of a 64-bit access to a memory of 1 MB, 100 picojoules.
    pub const SRAM_1MB_BYTE_PJ: f64 = 100.0 / 8.0;
    /// A byte of 64 bits from off-chip memory, 1.3 to 2.6 nanojoules: the upper end.
    pub const DRAM_BYTE_PJ: f64 = 2_600.0 / 8.0;

    /// A multiplication and an addition, in picojoules: 8-bit integers added up in 32 bits (0.2 + 0.1), 16-bit floats
    /// added up in 32 bits (1.1 + 0.9), 32-bit floats (3.7 + 0.9).
    #[must_use]
    pub const fn mac_pj(element_bytes: u64) -> f64 {
        match element_bytes {
            0 | 1 => 0.3,
            2 => 2.0,
            _ => 4.6,
        }
    }
}
