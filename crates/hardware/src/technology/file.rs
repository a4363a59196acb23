//! Files of technologies.

use std::ops::RangeInclusive;

use rtmm_workload::input::{Diagnostics, Document, Source, Table, Value};
use rtmm_workload::load::{Kind, name_of};

use super::band::Band;
use super::curve::Curve;
use super::sram::{Law, Sram};

/// The largest element whose multiply-accumulate a file states, and the largest register file, in bytes.
const MAX_ELEMENT_BYTES: u64 = 64;
const MAX_REGISTER_BYTES: u64 = 1 << 20;
/// Register files are memories of up to so many bytes where a file does not say.
const REGISTER_BYTES: u64 = 64;

/// Prices of events over process nodes, kinds of memory and levels, as a file states them.
#[derive(Clone, Debug)]
pub struct Technology {
    pub(super) name: String,
    /// Multiply-accumulates, in the order of the file; at least one.
    pub(super) macs: Vec<Mac>,
    /// A vector operation, in multiply-accumulates; none where it is one.
    pub(super) vector_macs: Option<Curve>,
    /// A byte in a register file, and the capacity up to which memories are register files.
    pub(super) registers: Option<(Curve, u64)>,
    pub(super) sram: Sram,
    /// The factor of a port of 256 bits, by node.
    pub(super) wide_port: Option<Vec<(f64, Law)>>,
    /// A byte through one router, and along a millimetre of wire.
    pub(super) hop: Option<Curve>,
    pub(super) wire: Option<Curve>,
    /// Kinds of off-chip memory with the price of a byte; at least one.
    pub(super) drams: Vec<(String, Band)>,
    /// Microwatts of a multiply-accumulator, and of a kilobyte of memory.
    pub(super) leakage: [Option<Curve>; 2],
    /// True if memories are priced in multiply-accumulates, not in picojoules.
    pub(super) in_macs: bool,
    /// True if memories are priced by element, not by byte.
    pub(super) per_element: bool,
}

/// Price of a multiply-accumulate.
#[derive(Clone, Debug)]
pub(super) struct Mac {
    /// Input precision, and the precision of sums.
    pub precision: String,
    pub element_bytes: u64,
    pub pj: Curve,
}

impl Technology {
    /// Checks a technology that was read already.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn of(source: &Source) -> Result<Self, Diagnostics> {
        let document = Document::parse(source);
        let technology = decode(&document, &name_of(Kind::Technology, source));
        document.finish(technology)
    }

    /// The name by which platforms speak of it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The precisions of multiply-accumulates, in the order of the file.
    pub fn precisions(&self) -> impl Iterator<Item = &str> {
        self.macs.iter().map(|mac| mac.precision.as_str())
    }

    /// The kinds of off-chip memory, in the order of the file.
    pub fn drams(&self) -> impl Iterator<Item = &str> {
        self.drams.iter().map(|(kind, _)| kind.as_str())
    }

    /// The process nodes in nanometres at which everything has a price; none where prices are of no node.
    #[must_use]
    pub fn nodes_nm(&self) -> Option<RangeInclusive<f64>> {
        let curves = self.macs.iter().map(|mac| &mac.pj).chain(&self.vector_macs);
        let curves = curves.chain(self.registers.iter().map(|(curve, _)| curve));
        let nodes = curves.chain(&self.hop).chain(&self.wire).filter_map(Curve::nodes);
        nodes
            .chain(self.sram.nodes())
            .reduce(|all, one| all.start().max(*one.start())..=all.end().min(*one.end()))
    }
}

const KEYS: [&str; 11] = [
    "description",
    "source",
    "unit",
    "per",
    "mac",
    "vector",
    "register_file",
    "sram",
    "noc",
    "dram",
    "leakage",
];

fn decode(document: &Document<'_>, name: &str) -> Option<Technology> {
    let root = document.root().named("this technology");
    root.only(&KEYS);
    let _description = root.optional("description", Value::string);
    let _source = root.required("source", Value::string);
    let in_macs = root.or("unit", false, |value| value.choice(&[("pJ", false), ("mac", true)]));
    let per_element = root.or("per", false, |value| value.choice(&[("byte", false), ("element", true)]));
    let macs: Vec<Option<Mac>> = root.tables("mac", "a multiply-accumulate").iter().map(decode_mac).collect();
    let vector_macs = section(&root, "vector", &["macs"], |table| table.required("macs", Curve::decode));
    let registers = section(&root, "register_file", &["pj", "largest_bytes"], |table| {
        let largest =
            table.or("largest_bytes", REGISTER_BYTES, |value| value.integer(1..=MAX_REGISTER_BYTES));
        Some((table.required("pj", Curve::decode)?, largest))
    });
    let (mut wide_port, keys) = (None, ["nodes", "wide_port", "pe", "tile", "shared"]);
    let sram = root.required("sram", Value::table).and_then(|table| {
        let table = sourced(table.named("`sram`"), &keys);
        wide_port = table.optional("wide_port", Law::decode_by_node);
        Sram::read(&table)
    });
    let (mut hop, mut wire) = (None, None);
    let _noc = section(&root, "noc", &["hop", "wire_mm"], |table| {
        hop = table.optional("hop", Curve::decode);
        wire = table.optional("wire_mm", Curve::decode);
        Some(())
    });
    let drams: Vec<Option<(String, Band)>> =
        root.tables("dram", "a kind of off-chip memory").iter().map(decode_dram).collect();
    let mut leakage = [None, None];
    let _leakage = section(&root, "leakage", &["mac_uw", "sram_uw_per_kb"], |table| {
        leakage = ["mac_uw", "sram_uw_per_kb"].map(|key| table.optional(key, Curve::decode));
        Some(())
    });
    for (key, is_empty, example) in [
        ("mac", macs.is_empty(), "[[mac]] with precision, element_bytes, pj and source"),
        ("dram", drams.is_empty(), "[[dram]] with kind, pj and source"),
    ] {
        if is_empty && !root.has(key) {
            root.report(
                root.problem(format!("this technology has no `{key}`")).help(format!("add {example}")),
            );
        }
    }
    let sram = sram?;
    if registers.is_none() && matches!(sram, Sram::Laws(_)) && !root.has("register_file") {
        root.report(
            root.problem("this technology has no `register_file`").help(
                "add [register_file] with pj and source: laws of capacity are not of memories as small",
            ),
        );
    }
    Some(Technology {
        name: name.to_owned(),
        macs: macs.into_iter().collect::<Option<_>>()?,
        vector_macs,
        registers,
        sram,
        wide_port,
        hop,
        wire,
        drams: drams.into_iter().collect::<Option<_>>()?,
        leakage,
        in_macs,
        per_element,
    })
}

/// A table of which the source is known, and no key is unknown.
fn sourced<'d>(table: Table<'d>, keys: &[&str]) -> Table<'d> {
    let known: Vec<&str> = keys.iter().copied().chain(["source"]).collect();
    table.only(&known);
    let _source = table.required("source", Value::string);
    table
}

/// Reads a table that may be absent.
fn section<T>(
    root: &Table<'_>,
    key: &str,
    keys: &[&str],
    read: impl FnOnce(&Table<'_>) -> Option<T>,
) -> Option<T> {
    root.optional(key, |value| read(&sourced(value.table()?.named(format!("`{key}`")), keys)))
}

fn decode_mac(table: &Table<'_>) -> Option<Mac> {
    let table = sourced(table.clone(), &["precision", "element_bytes", "pj"]);
    let precision = table.required("precision", Value::string);
    let element_bytes = table.required("element_bytes", |value| value.integer(1..=MAX_ELEMENT_BYTES));
    let pj = table.required("pj", Curve::decode);
    Some(Mac { precision: precision?.to_owned(), element_bytes: element_bytes?, pj: pj? })
}

fn decode_dram(table: &Table<'_>) -> Option<(String, Band)> {
    let table = sourced(table.clone(), &["kind", "pj"]);
    let (kind, pj) = (table.required("kind", Value::string), table.required("pj", Band::decode));
    Some((kind?.to_owned(), pj?))
}
