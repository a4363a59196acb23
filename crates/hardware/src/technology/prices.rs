//! Prices of one node, one kind of memory and one level.

use super::band::Level;
use super::file::Technology;
use super::sram::{Law, Place, SramPrices};

/// The capacity by which a buffer is priced whose capacity no file states: that of the memory behind the prices that
/// cost models have of their own.
pub const UNSTATED_BUFFER_BYTES: u64 = 1 << 20;

/// Picojoules of a microwatt that lasts a second.
const PICOJOULES_PER_MICROJOULE: f64 = 1e6;
/// Bytes of a kilobyte.
const KILOBYTE: f64 = 1024.0;

/// Price of a multiply-accumulate of one precision.
#[derive(Clone, Debug, PartialEq)]
pub struct MacPrice {
    /// The precision of operands and sums, as the file names it.
    pub precision: String,
    /// Bytes of an operand.
    pub element_bytes: u64,
    /// Picojoules of one.
    pub picojoules: f64,
}

/// Prices that cost models draw: a [`Technology`] at one node, with one kind of off-chip memory, at one level.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    pub(super) name: String,
    pub(super) node_nm: Option<f64>,
    pub(super) dram_kind: String,
    pub(super) level: Level,
    /// By size of operands, ascending, each once; at least one.
    pub(super) macs: Vec<MacPrice>,
    pub(super) vector_macs: Option<f64>,
    pub(super) registers: Option<(f64, u64)>,
    pub(super) sram: SramPrices,
    /// The factor of the port, by capacity; none for the port that memories are priced with.
    pub(super) port: Option<Law>,
    pub(super) hop: f64,
    pub(super) wire_mm: f64,
    pub(super) dram: f64,
    pub(super) mac_uw: f64,
    pub(super) sram_uw_per_kb: f64,
    pub(super) in_macs: bool,
    pub(super) per_element: bool,
}

impl Prices {
    /// Prices of a technology; `macs` are those of its rows to use, one for each size, ascending.
    pub(super) fn new(
        technology: &Technology,
        (node_nm, level): (Option<f64>, Level),
        macs: &[usize],
        dram: usize,
        has_wide_ports: bool,
    ) -> Option<Self> {
        let rows = macs.iter().filter_map(|row| technology.macs.get(*row));
        let of_row = |row: &super::file::Mac| MacPrice {
            precision: row.precision.clone(),
            element_bytes: row.element_bytes,
            picojoules: row.pj.at(node_nm, level),
        };
        let (dram_kind, dram) = technology.drams.get(dram)?;
        let curve = |curve: &Option<super::curve::Curve>| {
            curve.as_ref().map_or(0.0, |curve| curve.at(node_nm, level))
        };
        let port = technology.wide_port.as_deref().filter(|_| has_wide_ports);
        Some(Self {
            name: technology.name.clone(),
            node_nm,
            dram_kind: dram_kind.clone(),
            level,
            macs: rows.map(of_row).collect(),
            vector_macs: technology.vector_macs.as_ref().map(|curve| curve.at(node_nm, level)),
            registers: technology.registers.as_ref().map(|(curve, most)| (curve.at(node_nm, level), *most)),
            sram: technology.sram.at(node_nm, level),
            port: port.and_then(|port| Law::at(port, node_nm)),
            hop: curve(&technology.hop),
            wire_mm: curve(&technology.wire),
            dram: dram.at(level),
            mac_uw: curve(&technology.leakage[0]),
            sram_uw_per_kb: curve(&technology.leakage[1]),
            in_macs: technology.in_macs,
            per_element: technology.per_element,
        })
    }

    /// For people, such as `published, 7 nm, LPDDR5, typical`.
    #[must_use]
    pub fn label(&self) -> String {
        let node = self.node_nm.map_or_else(String::new, |node| format!(", {node} nm"));
        format!("{}{node}, {}, {}", self.name, self.dram_kind, self.level.name())
    }

    /// The level.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The row of multiply-accumulates of elements of so many bytes: the least that is as large, or the largest.
    #[must_use]
    pub fn mac_row(&self, element_bytes: u64) -> Option<&MacPrice> {
        self.macs.iter().find(|row| row.element_bytes >= element_bytes).or(self.macs.last())
    }

    /// Picojoules of a multiply-accumulate of elements of so many bytes.
    #[must_use]
    pub fn mac(&self, element_bytes: u64) -> f64 {
        self.mac_row(element_bytes).map_or(0.0, |row| row.picojoules)
    }

    /// Picojoules of a vector operation; none where it costs what a multiply-accumulate does.
    #[must_use]
    pub fn vector(&self, element_bytes: u64) -> Option<f64> {
        self.vector_macs.map(|macs| macs * self.mac(element_bytes))
    }

    /// Picojoules of reading or writing an element in a memory of so many bytes.
    ///
    /// A memory of a processing element is a register file up to the capacity that the technology states, and where
    /// its own is not stated. Other memories of unstated capacity are priced as [`UNSTATED_BUFFER_BYTES`].
    #[must_use]
    pub fn memory(&self, place: Place, bytes: Option<u64>, element_bytes: u64) -> f64 {
        if let (Place::Element, Some((registers, most))) = (place, self.registers)
            && bytes.is_none_or(|bytes| bytes <= most)
        {
            return self.of_element(registers, element_bytes);
        }
        let bytes = bytes.unwrap_or(UNSTATED_BUFFER_BYTES);
        let port = self.port.map_or(1.0, |port| port.of(bytes));
        self.of_element(self.sram.of(place, bytes) * port, element_bytes)
    }

    /// The same, by byte.
    #[must_use]
    pub fn memory_byte(&self, place: Place, bytes: Option<u64>, element_bytes: u64) -> f64 {
        self.memory(place, bytes, element_bytes) / element_bytes.max(1) as f64
    }

    /// Picojoules of moving an element to or from off-chip memory.
    #[must_use]
    pub fn dram(&self, element_bytes: u64) -> f64 {
        self.of_element(self.dram, element_bytes)
    }

    /// The same, by byte.
    #[must_use]
    pub fn dram_byte(&self, element_bytes: u64) -> f64 {
        self.of_byte(self.dram, element_bytes)
    }

    /// Picojoules of a byte through one router and along so many millimetres of wire.
    #[must_use]
    pub fn bus_byte(&self, millimetres: f64, element_bytes: u64) -> f64 {
        self.of_byte(self.hop + self.wire_mm * millimetres, element_bytes)
    }

    /// The same without leakage, for hardware whose static power is stated.
    #[must_use]
    pub fn without_leakage(&self) -> Self {
        Self { mac_uw: 0.0, sram_uw_per_kb: 0.0, ..self.clone() }
    }

    /// Picojoules that leak in a cycle of so many hertz from multiply-accumulators and on-chip memory.
    #[must_use]
    pub fn leakage(&self, macs: u64, memory_bytes: u64, clock_hz: u64) -> f64 {
        let microwatts = self.mac_uw * macs as f64 + self.sram_uw_per_kb * (memory_bytes as f64 / KILOBYTE);
        microwatts * PICOJOULES_PER_MICROJOULE / clock_hz.max(1) as f64
    }

    fn of_element(&self, price: f64, element_bytes: u64) -> f64 {
        let price = if self.in_macs { price * self.mac(element_bytes) } else { price };
        if self.per_element { price } else { price * element_bytes as f64 }
    }

    fn of_byte(&self, price: f64, element_bytes: u64) -> f64 {
        let price = if self.in_macs { price * self.mac(element_bytes) } else { price };
        if self.per_element { price / element_bytes.max(1) as f64 } else { price }
    }
}
