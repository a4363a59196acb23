//! The table of predictions that the scheduler and the throttle read, as the program's offline script makes it.
//!
//! It is made of estimates on one core, in the order of execution: what one layer leaves in the cache the next finds
//! there. Poolings are left out, additions count only for the sum of a net.

use super::error::MocaError;
use super::fixes::Fixes;
use super::layer::{Layer, Product, Split};
use super::nets::Net;
use super::numbers::{CACHE_ROWS, DIM, cdiv};
use super::parts::{Estimate, Passes, Terms};

/// Part of the cache that a pass may fill before its input is read again.
const CACHE_MARGIN: f64 = 1.2;
/// Cores that the table is made for.
const TABLE_CORES: u32 = 2;

/// An entry: a convolution or a matrix product on two cores. All three are 0 behind the end of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Cycles.
    pub prediction: u64,
    /// Rows that come from DRAM.
    pub from_dram: u64,
    /// Rows that one of the cores loads and stores.
    pub rows: u64,
}

/// The table of a net.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfflineTable {
    /// A row a convolution or matrix product, in the order of execution.
    pub entries: Vec<Entry>,
    /// Predicted cycles of the net on one core, additions included.
    pub isolated_one_core: u64,
    /// Predicted cycles of the net on two cores, additions included.
    pub isolated_two_cores: u64,
}

impl OfflineTable {
    /// The table of a net.
    ///
    /// # Errors
    /// A layer that cannot be estimated; no built-in net has one.
    pub fn of(net: Net, fixes: &Fixes) -> Result<Self, MocaError> {
        let facts = net.facts();
        let mut calls: Vec<Layer> = facts.layers.to_vec();
        let halves = if net == Net::Alexnet { merge_halves(&mut calls) } else { Vec::new() };
        let layers = LayerCosts::of_all(&calls, fixes)?;
        let isolated = |cores| layers.iter().map(|costs| costs.prediction(cores)).sum::<f64>() as u64;
        let mut entries: Vec<Entry> = layers.iter().filter_map(LayerCosts::entry).collect();
        split_halves(&mut entries, &halves, fixes);
        Ok(Self { entries, isolated_one_core: isolated(1), isolated_two_cores: isolated(TABLE_CORES) })
    }

    /// The entry at a position; behind the last, there is nothing.
    #[must_use]
    pub fn entry(&self, index: usize) -> Entry {
        self.entries.get(index).copied().unwrap_or_default()
    }
}

/// Joins neighbours that are two halves of one product, by columns; says which entries they make.
fn merge_halves(calls: &mut Vec<Layer>) -> Vec<usize> {
    let mut halves = Vec::new();
    let (mut index, mut entry) = (0, 0);
    while index < calls.len() {
        if let (Layer::Product(half), Some(next)) = (calls[index], calls.get(index + 1))
            && calls[index] == *next
        {
            calls[index] = Layer::Product(Product { j: 2 * half.j, ..half });
            calls.remove(index + 1);
            halves.push(entry);
        }
        entry += usize::from(matches!(calls[index], Layer::Convolution(_) | Layer::Product(_)));
        index += 1;
    }
    halves
}

/// Replaces the predictions of joined products by two halves each.
fn split_halves(entries: &mut Vec<Entry>, halves: &[usize], fixes: &Fixes) {
    let whole = entries.clone();
    let half_of = |index: usize, entry: Entry| {
        let is_joined = halves.contains(&index);
        let half = |number: u64| if is_joined { number / 2 } else { number };
        let part = Entry {
            prediction: half(entry.prediction),
            from_dram: half(entry.from_dram),
            rows: half(entry.rows),
        };
        std::iter::repeat_n(part, 1 + usize::from(is_joined))
    };
    *entries = whole.iter().enumerate().flat_map(|(index, entry)| half_of(index, *entry)).collect();
    if fixes.split_entries {
        return;
    }
    // Quirk 6: the other columns were left as they are, and so end early.
    for (index, entry) in entries.iter_mut().enumerate() {
        let Entry { from_dram, rows, .. } = whole.get(index).copied().unwrap_or_default();
        (entry.from_dram, entry.rows) = (from_dram, rows);
    }
}

/// Costs of a layer, as the script keeps them.
enum LayerCosts {
    Tabled {
        compute: f64,
        rows: f64,
        from_dram: f64,
        overlap: f64,
    },
    /// Rows of one matrix.
    Addition(f64),
}

impl LayerCosts {
    fn of_all(layers: &[Layer], fixes: &Fixes) -> Result<Vec<Self>, MocaError> {
        let mut cache = Cache::default();
        let mut costs = Vec::with_capacity(layers.len());
        for layer in layers {
            if let Layer::Addition(addition) = layer {
                let rows = i64::from(addition.i) * cdiv(addition.j.into(), DIM);
                costs.push(Self::Addition(rows as f64));
                continue;
            }
            let estimate = Estimate::of(layer, Split::WHOLE, fixes)?;
            if let Some(terms) = estimate.terms {
                costs.push(cache.next(&estimate, &terms));
            }
        }
        Ok(costs)
    }

    /// Cycles on so many cores.
    fn prediction(&self, cores: u32) -> f64 {
        let cores = f64::from(cores);
        match self {
            Self::Tabled { compute, rows, from_dram, overlap } => {
                let (compute, memory) = (compute / cores, (rows / cores).max(*from_dram));
                compute.max(memory) + overlap * compute.min(memory)
            }
            Self::Addition(rows) => 3.0 * rows + 3.0 * rows / cores,
        }
    }

    fn entry(&self) -> Option<Entry> {
        let Self::Tabled { rows, from_dram, .. } = self else { return None };
        Some(Entry {
            prediction: self.prediction(TABLE_CORES) as u64,
            from_dram: *from_dram as u64,
            rows: (rows / f64::from(TABLE_CORES)) as u64,
        })
    }
}

/// Contents of the cache from one layer to the next.
#[derive(Default)]
struct Cache {
    /// Rows that the last layer put out; none before the first.
    output: Option<i64>,
    /// 1 from the first layer on whose input was read from DRAM.
    image: i64,
}

impl Cache {
    fn next(&mut self, estimate: &Estimate, terms: &Terms) -> LayerCosts {
        let Terms { input, weights, output, bias, inner_input, inner_weights, passes } = *terms;
        let is_first = self.output.is_none();
        let mut from_dram = (bias + weights + output) as f64;
        let cache_rows = CACHE_ROWS as f64;
        if 2.0 * from_dram + input as f64 > cache_rows || self.output != Some(input) {
            from_dram += input as f64;
            self.image = 1;
        }
        let held = (inner_input + inner_weights) as f64 + output as f64 / passes.count() as f64;
        if is_first || held > cache_rows / CACHE_MARGIN {
            from_dram += match passes {
                Passes::OutputChannels(passes) if passes > 1 => ((passes - self.image) * inner_input) as f64,
                Passes::Rows(outer) if outer > 1 => (outer - 1) as f64 / 2.0 * inner_weights as f64,
                _ => 0.0,
            };
        }
        self.output = Some(output);
        let tiles = estimate.inner_tiles_raw;
        let rows = estimate.loads() / tiles * tiles + output;
        let reuse = |loads: i64, whole: i64| loads as f64 / whole as f64;
        let overlap = overlap(reuse(estimate.load_a, input), reuse(estimate.load_b.unwrap_or(0), weights));
        LayerCosts::Tabled {
            compute: estimate.compute.unwrap_or(0) as f64,
            rows: rows as f64,
            from_dram,
            overlap,
        }
    }
}

/// The part of the shorter of memory and computation that does not overlap, by how often inputs and weights are loaded.
fn overlap(input_reuse: f64, weight_reuse: f64) -> f64 {
    if weight_reuse == 1.0 {
        return if input_reuse > 1.0 { 0.7 } else { 0.5 };
    }
    if input_reuse + weight_reuse > 100.0 { 1.0 } else { 0.3 }
}
