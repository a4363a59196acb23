//! The technology that a platform or a lone accelerator names: which node, memory, level and precisions of a file.

use std::sync::Arc;

use rtmm_workload::input::{At, Table, Value, suggestion};
use rtmm_workload::load::{Kind, open};

use super::band::Level;
use super::curve::NODES_NM;
use super::file::Technology;
use super::price::{Price, PriceOf};
use super::prices::Prices;

const KEYS: [&str; 6] = ["name", "node_nm", "dram", "level", "precision", "port_bits"];

/// Splits a level from the reference of a platform, such as `boards/phone@high`.
pub(crate) fn split_level(reference: &str) -> (&str, Option<Level>) {
    let level = |(name, level): (&'static str, Level)| {
        let platform = reference.strip_suffix(name)?.strip_suffix('@')?;
        Some((platform, Some(level)))
    };
    Level::ALL.into_iter().find_map(level).unwrap_or((reference, None))
}

/// Reads the key `technology`: a name or path where the file leaves no choice, or a table. `level` replaces the one that
/// the table states.
pub(crate) fn decode_technology(value: &Value<'_>, level: Option<Level>) -> Option<Arc<Prices>> {
    if !value.is_table() {
        if !value.is_string() {
            return value.reject(
                "`technology` must be a name or a table",
                "such as `technology = { name = \"published\", node_nm = 7, dram = \"LPDDR5\" }`",
            );
        }
        let technology = decode_file(value)?;
        return choose(&Chosen { value, table: None }, &technology, level);
    }
    let table = value.table()?.named("`technology`");
    table.only(&KEYS);
    let technology = table.required("name", decode_file)?;
    choose(&Chosen { value, table: Some(table) }, &technology, level)
}

/// Reports precisions that the `technology` of a table names, and that none of the prices which cost models have is of.
pub(crate) fn refuse_unused_precisions(table: &Table<'_>, prices: &Prices, priced: &[Price]) {
    let Some(chosen) = table.get("technology").filter(Value::is_table).and_then(|value| value.table()) else {
        return;
    };
    let Some(stated) = chosen.get("precision") else { return };
    let bytes: Vec<u64> = priced
        .iter()
        .filter_map(|price| match price.of {
            PriceOf::Mac { element_bytes } => Some(element_bytes),
            _ => None,
        })
        .collect();
    let is_used = |precision: &str| {
        bytes.iter().filter_map(|bytes| prices.mac_row(*bytes)).any(|row| row.precision == precision)
    };
    let items = if stated.is_array() { stated.items().unwrap_or_default() } else { vec![stated] };
    for item in items.iter().filter(|item| item.is_string()) {
        let Some(precision) = item.string().filter(|precision| !is_used(precision)) else { continue };
        let help = match &bytes[..] {
            [] => "remove it".to_owned(),
            _ => {
                let mut sizes: Vec<String> = bytes.iter().map(u64::to_string).collect();
                sizes.sort_unstable();
                sizes.dedup();
                format!(
                    "remove it, or state `element_bytes` of its size: there are elements of {} bytes",
                    sizes.join(", ")
                )
            }
        };
        item.reject::<()>(
            format!("no accelerator computes with elements of the size of `{precision}`"),
            help,
        );
    }
}

/// The place of a choice, with its table where there is one.
struct Chosen<'v, 'd> {
    value: &'v Value<'d>,
    table: Option<Table<'d>>,
}

impl<'d> Chosen<'_, 'd> {
    fn optional<T>(&self, key: &str, read: impl FnOnce(&Value<'d>) -> Option<T>) -> Option<T> {
        self.table.as_ref().and_then(|table| table.optional(key, read))
    }

    fn has(&self, key: &str) -> bool {
        self.table.as_ref().is_some_and(|table| table.has(key))
    }
}

fn decode_file(value: &Value<'_>) -> Option<Technology> {
    let reference = value.string()?;
    let document = value.document();
    match open(Kind::Technology, reference, Some(document.source())) {
        Err(problem) => {
            document.report(problem.see(document.source(), value.range(), "named here"));
            None
        }
        Ok(source) => match Technology::of(&source) {
            Ok(technology) => Some(technology),
            Err(problems) => {
                document.report_all(problems);
                None
            }
        },
    }
}

fn choose(chosen: &Chosen<'_, '_>, technology: &Technology, level: Option<Level>) -> Option<Arc<Prices>> {
    let node_nm = choose_node(chosen, technology);
    let dram = choose_dram(chosen, technology);
    let stated = chosen.optional("level", |value| value.choice(&Level::ALL));
    let macs = choose_macs(chosen, technology);
    let wide = chosen.optional("port_bits", |value| choose_port(value, technology)).unwrap_or(false);
    let level = level.or(stated).unwrap_or_default();
    Prices::new(technology, (node_nm?, level), &macs?, dram?, wide).map(Arc::new)
}

fn choose_node(chosen: &Chosen<'_, '_>, technology: &Technology) -> Option<Option<f64>> {
    let name = &technology.name;
    let node = match chosen.has("node_nm") {
        true => Some(chosen.optional("node_nm", |value| value.at(|value| value.number(NODES_NM)))?),
        false => None,
    };
    match (technology.nodes_nm(), node) {
        (None, None) => Some(None),
        (None, Some(_)) => chosen.optional("node_nm", |value| {
            value.reject(format!("prices of `{name}` are of no node"), "remove `node_nm`")
        }),
        (Some(nodes), None) if nodes.start() == nodes.end() => Some(Some(*nodes.start())),
        (Some(nodes), None) => {
            let (least, greatest) = (nodes.start(), nodes.end());
            let message = format!("`technology` names no node of `{name}`");
            let help = format!(
                "add `node_nm`, from {least} to {greatest}: `technology = {{ name = \"{name}\", node_nm = ... }}`"
            );
            chosen.value.reject(message, help)
        }
        (Some(nodes), Some(At { value: node, .. })) if nodes.contains(&node) => Some(Some(node)),
        (Some(nodes), Some(At { value: node, .. })) => chosen.optional("node_nm", |value| {
            let (least, greatest) = (nodes.start(), nodes.end());
            value.reject(
                format!("`{name}` has no prices at {node} nm"),
                format!(
                    "it has them from {least} to {greatest} nm; the nearest is {}",
                    node.clamp(*least, *greatest)
                ),
            )
        }),
    }
}

fn choose_dram(chosen: &Chosen<'_, '_>, technology: &Technology) -> Option<usize> {
    let names: Vec<&str> = technology.drams().collect();
    match chosen.has("dram") {
        true => chosen.optional("dram", |value| {
            let kind = value.string()?;
            names.iter().position(|known| known.eq_ignore_ascii_case(kind)).or_else(|| {
                let message = format!("`{}` has no off-chip memory `{kind}`", technology.name);
                value.reject(message, suggestion(kind, "kind of memory", &names))
            })
        }),
        false if names.len() == 1 => Some(0),
        false => chosen.value.reject(
            format!("`technology` names no off-chip memory of `{}`", technology.name),
            format!("add `dram`, one of: {}", names.join(", ")),
        ),
    }
}

/// The rows of multiply-accumulates to use, one for each size of operands, ascending: those that `precision` names, and
/// the first of the file for other sizes.
fn choose_macs(chosen: &Chosen<'_, '_>, technology: &Technology) -> Option<Vec<usize>> {
    let row = |value: &Value<'_>| {
        let name = value.string()?;
        technology.precisions().position(|known| known == name).or_else(|| {
            let names: Vec<&str> = technology.precisions().collect();
            let message = format!("`{}` has no multiply-accumulate `{name}`", technology.name);
            value.reject(message, suggestion(name, "precision", &names))
        })
    };
    let size = |row: usize| technology.macs.get(row).map(|mac| mac.element_bytes);
    let mut rows: Vec<usize> = match chosen.has("precision") {
        false => Vec::new(),
        true => chosen.optional("precision", |value| match value.is_array() {
            false => Some(vec![row(value)?]),
            true => value.items()?.iter().map(row).collect(),
        })?,
    };
    for (index, one) in rows.iter().enumerate() {
        if rows[..index].iter().any(|other| size(*other) == size(*one)) {
            return chosen.optional("precision", |value| {
                value.reject("two precisions are of operands of one size", "name one for each size")
            });
        }
    }
    for other in 0..technology.macs.len() {
        if !rows.iter().any(|row| size(*row) == size(other)) {
            rows.push(other);
        }
    }
    rows.sort_by_key(|row| size(*row));
    Some(rows)
}

/// True for ports of 256 bits.
fn choose_port(value: &Value<'_>, technology: &Technology) -> Option<bool> {
    let bits: u32 = value.integer(64..=256)?;
    match bits {
        64 => Some(false),
        256 if technology.wide_port.is_some() => Some(true),
        256 => value.reject(
            format!("`{}` has no factor of wide ports", technology.name),
            "remove `port_bits`, or add `wide_port` to its [sram]",
        ),
        _ => value.reject(format!("there are no ports of {bits} bits"), "write 64 or 256"),
    }
}
