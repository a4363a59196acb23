//! The array by itself: cycles, utilisation and buffer accesses of one matrix product.
//!
//! With an array of `R` rows and `C` columns, a product `M x K x N` is laid out as `Sr` spatial rows
//! by `Sc` spatial columns, streamed for `T` steps:
//!
//! | dataflow | Sr | Sc | T | stays in place |
//! |---|---|---|---|---|
//! | os | M | N | K | outputs |
//! | ws | K | N | M | weights |
//! | is | K | M | N | inputs |
//!
//! ```text
//! Fr = ceil(Sr / R)    Fc = ceil(Sc / C)    folds = Fr * Fc     (columns outside, rows inside)
//! a fold takes T + R + C - 2 cycles (os), T + 2R + C - 2 cycles (ws, is)
//! lines = folds * cycles of a fold
//! ```
//!
//! Every fold pays the full array's fill and drain, also where it uses a corner of it, and folds do
//! not overlap. See the parent module for the source.

use rtmm_workload::{MAX_LAYER_WORK, Nest};
use serde::Serialize;

/// The most rows or columns of an array. With it and [`MAX_LAYER_WORK`] no count of a product
/// leaves 64 bits.
pub const MAX_ARRAY_EXTENT: u32 = 4096;

/// Operand that stays in the cells of the array while the rest streams through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dataflow {
    /// `os`: each cell sums one output.
    OutputStationary,
    /// `ws`: each cell keeps one weight; sums travel down the columns.
    WeightStationary,
    /// `is`: each cell keeps one input; sums travel down the columns.
    InputStationary,
}

/// A matrix product of `m` x `k` (activations) by `k` x `n` (weights).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixProduct {
    m: u64,
    k: u64,
    n: u64,
}

/// A systolic array of cells with one multiply-accumulator each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    rows: u64,
    columns: u64,
    dataflow: Dataflow,
}

/// Counts of one matrix product on an array whose memory never makes it wait. Accesses count
/// elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystolicCost {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Spatial rows of the mapping (Sr).
    pub spatial_rows: u64,
    /// Spatial columns of the mapping (Sc).
    pub spatial_columns: u64,
    /// Steps that are streamed through the array in a fold (T).
    pub steps: u64,
    /// Folds down the rows (Fr), the inner loop.
    pub row_folds: u64,
    /// Folds across the columns (Fc), the outer loop.
    pub column_folds: u64,
    /// Cycles of one fold, fill and drain included.
    pub fold_cycles: u64,
    /// Cycles of all folds: the real duration.
    pub lines: u64,
    /// Elements of the unrolled input that the array reads.
    pub sram_ifmap_reads: u64,
    /// Weights that the array reads.
    pub sram_filter_reads: u64,
    /// Outputs and partial sums that the array writes.
    pub sram_ofmap_writes: u64,
    /// Partial sums that have to be read again because later folds add to them.
    pub partial_sum_reads: u64,
    /// Cells of the array times folds.
    pub cells: u64,
    dataflow: Dataflow,
    rows: u64,
    columns: u64,
}

impl Dataflow {
    /// All dataflows.
    pub const ALL: [Self; 3] = [Self::OutputStationary, Self::WeightStationary, Self::InputStationary];

    /// The name that files use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutputStationary => "os",
            Self::WeightStationary => "ws",
            Self::InputStationary => "is",
        }
    }

    /// The dataflow of a name, in capitals or not.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dataflow| dataflow.name().eq_ignore_ascii_case(name))
    }
}

impl MatrixProduct {
    /// The product, or `None` where an extent is zero or the multiply-accumulates are beyond
    /// [`MAX_LAYER_WORK`].
    #[must_use]
    pub fn new(m: u64, k: u64, n: u64) -> Option<Self> {
        let macs = m.checked_mul(k)?.checked_mul(n)?;
        (1..=MAX_LAYER_WORK).contains(&macs).then_some(Self { m, k, n })
    }

    /// The product that one group of a nest unrolls to: every output position is a row, every tap
    /// of the filter and input channel is summed, every output channel is a column.
    #[must_use]
    pub fn of_nest(nest: &Nest) -> Option<Self> {
        let product = |extents: [u32; 3]| {
            extents.iter().try_fold(1_u64, |product, &extent| product.checked_mul(extent.into()))
        };
        Self::new(
            product([nest.batch, nest.output[0], nest.output[1]])?,
            product([nest.filter[0], nest.filter[1], nest.input_channels])?,
            nest.output_channels.into(),
        )
    }

    /// M: rows of the activations.
    #[must_use]
    pub const fn m(self) -> u64 {
        self.m
    }

    /// K: the summed extent.
    #[must_use]
    pub const fn k(self) -> u64 {
        self.k
    }

    /// N: columns of the weights.
    #[must_use]
    pub const fn n(self) -> u64 {
        self.n
    }
}

impl Array {
    /// The array, or `None` where an extent is zero or beyond [`MAX_ARRAY_EXTENT`].
    #[must_use]
    pub fn new(rows: u32, columns: u32, dataflow: Dataflow) -> Option<Self> {
        let fits = |extent| (1..=MAX_ARRAY_EXTENT).contains(&extent);
        (fits(rows) && fits(columns)).then_some(Self { rows: rows.into(), columns: columns.into(), dataflow })
    }

    /// R.
    #[must_use]
    pub const fn rows(self) -> u64 {
        self.rows
    }

    /// C.
    #[must_use]
    pub const fn columns(self) -> u64 {
        self.columns
    }

    /// Operand that stays in place.
    #[must_use]
    pub const fn dataflow(self) -> Dataflow {
        self.dataflow
    }

    /// Counts of `product`.
    ///
    /// Nothing overflows: with `M * K * N <= 2^50` and extents of at most 2^12, the folds are at
    /// most 2^50, and the largest term is `folds * (2R + C) < 2^64`.
    #[must_use]
    pub fn cost(self, product: MatrixProduct) -> SystolicCost {
        let MatrixProduct { m, k, n } = product;
        let Self { rows, columns, dataflow } = self;
        let (spatial_rows, spatial_columns, steps) = match dataflow {
            Dataflow::OutputStationary => (m, n, k),
            Dataflow::WeightStationary => (k, n, m),
            Dataflow::InputStationary => (k, m, n),
        };
        let row_folds = spatial_rows.div_ceil(rows);
        let column_folds = spatial_columns.div_ceil(columns);
        let folds = row_folds * column_folds;
        // Filling the stationary tile takes a cycle a row; outputs have nothing to be filled with.
        let tile_fill = if dataflow == Dataflow::OutputStationary { 0 } else { rows };
        let fold_cycles = steps + tile_fill + rows + columns - 2;
        let (ifmap, filter, written) = match dataflow {
            Dataflow::OutputStationary => (column_folds * m * k, row_folds * k * n, m * n),
            Dataflow::WeightStationary => (column_folds * k * m, k * n, row_folds * m * n),
            Dataflow::InputStationary => (k * m, column_folds * k * n, row_folds * m * n),
        };
        SystolicCost {
            macs: m * k * n,
            spatial_rows,
            spatial_columns,
            steps,
            row_folds,
            column_folds,
            fold_cycles,
            lines: folds * fold_cycles,
            sram_ifmap_reads: ifmap,
            sram_filter_reads: filter,
            sram_ofmap_writes: written,
            partial_sum_reads: written - m * n,
            cells: folds * rows * columns,
            dataflow,
            rows,
            columns,
        }
    }
}

impl SystolicCost {
    /// Folds of the product.
    #[must_use]
    pub const fn folds(&self) -> u64 {
        self.row_folds * self.column_folds
    }

    pub(super) const fn dataflow(&self) -> Dataflow {
        self.dataflow
    }

    /// Rows and columns of the array.
    pub(super) const fn array_extents(&self) -> (u64, u64) {
        (self.rows, self.columns)
    }

    /// The cycles that SCALE-Sim reports: the index of the last cycle, counted from 0.
    #[must_use]
    pub const fn scalesim_report_cycles(&self) -> u64 {
        self.lines - 1
    }

    /// The output writes that SCALE-Sim reports. For `os` the tool adds `R + C` a fold, a sum where
    /// a product was meant; [`SystolicCost::sram_ofmap_writes`] is the true count.
    #[must_use]
    pub const fn scalesim_ofmap_writes(&self) -> u64 {
        match self.dataflow {
            Dataflow::OutputStationary => self.sram_ofmap_writes + self.folds() * (self.rows + self.columns),
            Dataflow::WeightStationary | Dataflow::InputStationary => self.sram_ofmap_writes,
        }
    }

    /// Cycles of a fold as SCALE-Sim's compute utilisation has them: for `ws` and `is` the tool
    /// counts the skew across the columns twice.
    #[must_use]
    pub const fn scalesim_utilisation_cycles(&self) -> u64 {
        match self.dataflow {
            Dataflow::OutputStationary => self.fold_cycles,
            Dataflow::WeightStationary | Dataflow::InputStationary => self.fold_cycles + self.columns - 1,
        }
    }

    /// Used cells over all cells, averaged over the folds, in percent.
    #[must_use]
    pub fn mapping_efficiency_percent(&self) -> f64 {
        percent((self.spatial_rows * self.spatial_columns) as f64, self.cells as f64)
    }

    /// Multiply-accumulates over what the array could do in `cycles`, in percent. SCALE-Sim's
    /// overall utilisation takes its reported cycles, stalls included.
    #[must_use]
    pub fn utilisation_percent(&self, cycles: u64) -> f64 {
        percent(self.macs as f64, (self.rows * self.columns) as f64 * cycles as f64)
    }

    /// SCALE-Sim's compute utilisation, its doubled skew included, in percent.
    #[must_use]
    pub fn scalesim_compute_utilisation_percent(&self) -> f64 {
        percent(self.macs as f64, self.cells as f64 * self.scalesim_utilisation_cycles() as f64)
    }
}

/// A share in percent; zero of nothing.
pub(crate) fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_product_on_the_largest_array_stays_within_64_bits() {
        for dataflow in Dataflow::ALL {
            for (rows, columns) in [(1, 4096), (4096, 1), (4096, 4096), (1, 1)] {
                let array = Array::new(rows, columns, dataflow).unwrap();
                for bits in 0..=50_u32 {
                    for (m, k, n) in [(bits, 50 - bits, 0), (0, bits, 50 - bits), (50 - bits, 0, bits)] {
                        let product = MatrixProduct::new(1 << m, 1 << k, 1 << n).unwrap();
                        // Overflow would panic in a test build.
                        let cost = array.cost(product);
                        assert!(u128::from(cost.lines) >= u128::from(cost.macs) / (4096 * 4096));
                        assert!(cost.scalesim_ofmap_writes() >= cost.sram_ofmap_writes);
                        assert!(cost.mapping_efficiency_percent() <= 100.0);
                    }
                }
            }
        }
    }

    #[test]
    fn extents_outside_the_range_are_refused() {
        assert_eq!(Array::new(0, 1, Dataflow::OutputStationary), None);
        assert_eq!(Array::new(1, 4097, Dataflow::OutputStationary), None);
        assert_eq!(MatrixProduct::new(0, 1, 1), None);
        assert_eq!(MatrixProduct::new(1 << 25, 1 << 25, 2), None);
        assert_eq!(MatrixProduct::new(u64::MAX, u64::MAX, 1), None);
    }
}
