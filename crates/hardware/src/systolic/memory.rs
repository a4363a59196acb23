//! Off-chip traffic of a matrix product, fold by fold, and the time that it takes under a
//! double-buffered memory.
//!
//! While a fold computes, the operands of the next one are fetched and the results of the previous
//! one are written, over one shared channel. With `c` cycles a fold and `b` bytes a cycle:
//!
//! ```text
//! time = in(first) / b + sum over folds f of max(c, (in(f + 1) + out(f - 1)) / b) + out(last) / b
//! ```
//!
//! Copies of a product (groups, repetitions) are one sequence of folds: only the first fill and the
//! last drain of the whole sequence are exposed. The sum has at most 16 distinct terms for each
//! product, since a fold differs from its neighbours only at the first, the last and the last but
//! one row or column of folds; [`FoldTraffic::time`] adds those up, in integers.

use super::array::{Dataflow, SystolicCost};
use crate::decode::Mode;

/// Millionths, the unit of [`Bandwidth`].
const MILLION: u128 = 1_000_000;

/// Off-chip bandwidth: millionths of a byte a cycle, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth(u64);

/// A span of time in cycles, as an exact multiple of one cycle over the bandwidth in millionths of
/// a byte a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExactTime(u128);

/// Buffers between the array and off-chip memory. Half of each holds what is in use, the other half
/// what is fetched or written meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// Half the input buffer, in elements; `None` holds everything.
    pub ifmap_half: Option<u64>,
    /// Half the weight buffer, in elements.
    pub filter_half: Option<u64>,
    /// Half the output buffer, in elements.
    pub ofmap_half: Option<u64>,
}

/// Elements that cross the off-chip interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DramWords {
    /// Inputs read.
    pub ifmap: u64,
    /// Weights read.
    pub filter: u64,
    /// Outputs and partial sums written.
    pub ofmap: u64,
    /// Partial sums read again.
    pub partial_sums: u64,
}

/// Fetches and writes of every fold of one product, in elements.
///
/// The operand that moves down the rows of folds is `streamed` (inputs of os and ws, weights of
/// is); the other one is `second`. Pairs are of a full tile, then of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldTraffic {
    row_folds: u64,
    column_folds: u64,
    fold_cycles: u64,
    pub(super) streamed: [u64; 2],
    /// True if every column of folds fetches the streamed operand again.
    streamed_again: bool,
    /// By row, then by column of folds.
    pub(super) second: [[u64; 2]; 2],
    /// True if every row of folds fetches the second operand, not only the first one.
    second_again: bool,
    pub(super) result: [[u64; 2]; 2],
    /// True if every row of folds writes its result, not only the last one.
    result_again: bool,
    /// True if rows of folds after the first fetch what the one before them wrote.
    result_read: bool,
    pub(super) words: DramWords,
}

impl Bandwidth {
    /// A bandwidth in millionths of a byte a cycle; `None` for zero.
    #[must_use]
    pub const fn from_millionths(millionths: u64) -> Option<Self> {
        if millionths == 0 { None } else { Some(Self(millionths)) }
    }

    /// Millionths of a byte a cycle.
    #[must_use]
    pub const fn millionths(self) -> u64 {
        self.0
    }

    /// `cycles` as exact time.
    #[must_use]
    pub fn cycles(self, cycles: u64) -> ExactTime {
        ExactTime(u128::from(cycles) * u128::from(self.0))
    }

    /// Time for which `bytes` occupy the channel.
    #[must_use]
    pub fn transfer(self, bytes: u64) -> ExactTime {
        ExactTime(u128::from(bytes) * MILLION)
    }

    /// The whole cycles that `time` takes, the last one perhaps not in full; saturates.
    #[must_use]
    pub fn whole_cycles(self, time: ExactTime) -> u64 {
        let divisor = u128::from(self.0);
        // Most layers fit 64 bits, where division is several times faster.
        match u64::try_from(time.0) {
            Ok(small) => small.div_ceil(self.0),
            Err(_) => u64::try_from(time.0.div_ceil(divisor)).unwrap_or(u64::MAX),
        }
    }
}

impl ExactTime {
    /// The sum; saturates.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The time of `count` repetitions; saturates.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count as u128))
    }
}

impl DramWords {
    /// All elements, both ways; saturates.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.ifmap.saturating_add(self.filter).saturating_add(self.ofmap).saturating_add(self.partial_sums)
    }
}

/// Cuts `extent` into tiles: the size of a full one and of the last one.
const fn tiles(extent: u64, tile: u64, count: u64) -> [u64; 2] {
    let last = extent - (count - 1) * tile;
    [if count > 1 { tile } else { last }, last]
}

/// Shares `words` among tiles in proportion to their part of `extent`; the last tile has the rest.
fn share(words: u64, extent: u64, tile: u64, count: u64) -> [u64; 2] {
    if count == 1 {
        return [words, words];
    }
    let full = words * tile / extent;
    [full, words - (count - 1) * full]
}

impl FoldTraffic {
    /// The traffic of a product that costs `cost`, whose input has `input_words` distinct elements;
    /// no more than the unrolled input are counted.
    ///
    /// [`Mode::Reference`] has the rules that SCALE-Sim's counts follow: an operand larger than
    /// half its buffer is fetched again by every sweep over it, and every partial sum is written
    /// and none read. [`Mode::Corrected`] keeps the weights of a column of `os` folds while it
    /// lasts if they fit, adds up partial sums on chip if those of one fold fit, and reads them
    /// back otherwise.
    #[must_use]
    pub fn new(cost: &SystolicCost, input_words: u64, buffers: &Buffers, mode: Mode) -> Self {
        let fits = |words: u64, half: Option<u64>| half.is_none_or(|half| words <= half);
        let SystolicCost { spatial_rows, spatial_columns, steps, row_folds, column_folds, .. } = *cost;
        let (rows, columns) = cost.array_extents();
        let input_words = input_words.min(match cost.dataflow() {
            Dataflow::InputStationary => spatial_rows * spatial_columns,
            Dataflow::OutputStationary | Dataflow::WeightStationary => spatial_rows * steps,
        });
        let row_tiles = tiles(spatial_rows, rows, row_folds);
        let column_tiles = tiles(spatial_columns, columns, column_folds);
        let by_column = column_tiles.map(|tile| tile * steps);
        let by_cell = row_tiles.map(|row| column_tiles.map(|column| row * column));
        let by_row = row_tiles.map(|tile| tile * steps);
        let input_fits = fits(input_words, buffers.ifmap_half);
        let by_row_of_input = || share(input_words, spatial_rows, rows, row_folds);
        let (streamed, streamed_again, second, second_again) = match cost.dataflow() {
            Dataflow::OutputStationary => {
                let weights = spatial_columns * steps;
                let kept = fits(weights, buffers.filter_half)
                    || (mode == Mode::Corrected && fits(by_column[0], buffers.filter_half));
                (by_row_of_input(), !input_fits, [by_column; 2], !kept)
            }
            Dataflow::WeightStationary => (by_row_of_input(), !input_fits, by_cell, true),
            Dataflow::InputStationary => {
                let weights = spatial_rows * steps;
                let of_column = share(input_words, spatial_columns, columns, column_folds);
                let full = share(of_column[0], spatial_rows, rows, row_folds);
                let last = share(of_column[1], spatial_rows, rows, row_folds);
                let tile = [[full[0], last[0]], [full[1], last[1]]];
                (by_row, !fits(weights, buffers.filter_half), tile, true)
            }
        };
        let (result, result_again, result_read) = match (cost.dataflow(), mode) {
            (Dataflow::OutputStationary, _) => (by_cell, true, false),
            (_, Mode::Reference) => ([by_column; 2], true, false),
            (_, Mode::Corrected) => {
                let spills = !fits(by_column[0], buffers.ofmap_half);
                ([by_column; 2], spills, spills)
            }
        };
        let mut traffic = Self {
            row_folds,
            column_folds,
            fold_cycles: cost.fold_cycles,
            streamed,
            streamed_again,
            second,
            second_again,
            result,
            result_again,
            result_read,
            words: DramWords::default(),
        };
        traffic.words = traffic.total(cost.dataflow());
        traffic
    }

    pub(super) fn total(&self, dataflow: Dataflow) -> DramWords {
        let sum = |tiles: [u64; 2], count: u64| (count - 1) * tiles[0] + tiles[1];
        let (rows, columns) = (self.row_folds, self.column_folds);
        let times = |again: bool, count: u64| if again { count } else { 1 };
        let streamed = sum(self.streamed, rows) * times(self.streamed_again, columns);
        let of_rows = |tiles: [[u64; 2]; 2], again: bool| {
            let (full, last) = (sum(tiles[0], columns), sum(tiles[1], columns));
            if again { sum([full, last], rows) } else { last }
        };
        let second = of_rows(self.second, self.second_again);
        let (ifmap, filter) = match dataflow {
            Dataflow::OutputStationary | Dataflow::WeightStationary => (streamed, second),
            Dataflow::InputStationary => (second, streamed),
        };
        let partial_sums = if self.result_read { (rows - 1) * sum(self.result[0], columns) } else { 0 };
        DramWords { ifmap, filter, ofmap: of_rows(self.result, self.result_again), partial_sums }
    }

    /// Elements of all folds.
    #[must_use]
    pub const fn words(&self) -> DramWords {
        self.words
    }

    /// Rows of folds (the inner loop) and columns of folds (the outer loop).
    #[must_use]
    pub const fn folds(&self) -> (u64, u64) {
        (self.row_folds, self.column_folds)
    }

    /// Cycles that each fold computes for.
    #[must_use]
    pub const fn fold_cycles(&self) -> u64 {
        self.fold_cycles
    }

    /// Elements that have to be there before the fold at (`row`, `column`) starts.
    #[must_use]
    pub fn words_in(&self, row: u64, column: u64) -> u64 {
        let (row_class, column_class) = self.classes(row, column);
        let mut words = 0;
        if column == 0 || self.streamed_again {
            words += self.streamed[row_class];
        }
        if row == 0 || self.second_again {
            words += self.second[row_class][column_class];
        }
        if row > 0 && self.result_read {
            words += self.result[row_class][column_class];
        }
        words
    }

    /// Elements that leave after the fold at (`row`, `column`).
    #[must_use]
    pub fn words_out(&self, row: u64, column: u64) -> u64 {
        let (row_class, column_class) = self.classes(row, column);
        if row == self.row_folds - 1 || self.result_again { self.result[row_class][column_class] } else { 0 }
    }

    /// No fold fetches more; the first tiles are the largest, but for what a share left over.
    fn most_in(&self) -> u64 {
        let largest =
            |tiles: [[u64; 2]; 2]| tiles.as_flattened().iter().fold(0, |most, &tile| tile.max(most));
        let sums = if self.result_read { largest(self.result) } else { 0 };
        self.streamed[0].max(self.streamed[1]) + largest(self.second) + sums
    }

    /// No fold writes more.
    const fn most_out(&self) -> u64 {
        self.result[0][0]
    }

    fn classes(&self, row: u64, column: u64) -> (usize, usize) {
        (usize::from(row == self.row_folds - 1), usize::from(column == self.column_folds - 1))
    }

    /// The time of `copies` of the product in sequence, as the module describes, at
    /// `element_bytes` for each element.
    #[must_use]
    pub fn time(&self, bandwidth: Bandwidth, element_bytes: u64, copies: u64) -> ExactTime {
        let compute = bandwidth.cycles(self.fold_cycles).0;
        let occupied = |words: u64| u128::from(words) * u128::from(element_bytes) * MILLION;
        let fold = |words: u64| occupied(words).max(compute);
        let (rows, columns) = (self.row_folds, self.column_folds);
        let (last_row, last_column) = (rows - 1, columns - 1);
        // Neighbours wrap around: after the last fold of a copy comes the first one of the next.
        let before = |row: u64, column: u64| match (row, column) {
            (0, 0) => self.words_out(last_row, last_column),
            (0, _) => self.words_out(last_row, column - 1),
            _ => self.words_out(row - 1, column),
        };
        let after = |row: u64, column: u64| {
            if row < last_row {
                self.words_in(row + 1, column)
            } else if column < last_column {
                self.words_in(0, column + 1)
            } else {
                self.words_in(0, 0)
            }
        };
        let mut copy: u128 = 0;
        if fold(self.most_in() + self.most_out()) == compute {
            // Common, and cheaper: no fold ever waits.
            copy = u128::from(rows * columns) * compute;
        } else {
            for (column, of_columns) in representatives(columns) {
                for (row, of_rows) in representatives(rows) {
                    let count = of_columns * of_rows;
                    if count > 0 {
                        copy += u128::from(count) * fold(before(row, column) + after(row, column));
                    }
                }
            }
        }
        let (fill, drain) = (self.words_in(0, 0), self.words_out(last_row, last_column));
        let inner = if rows * columns == 1 && copies == 1 {
            fold(0)
        } else {
            // The very first fold has nothing to write, and the very last nothing to fetch.
            let (next, previous) = (after(0, 0), before(last_row, last_column));
            (copy * u128::from(copies))
                .saturating_sub(fold(drain + next) - fold(next))
                .saturating_sub(fold(previous + fill) - fold(previous))
        };
        ExactTime(occupied(fill) + inner + occupied(drain))
    }
}

/// Positions of a sequence of `count` that stand for all of them, each with how many it stands for:
/// the first, those between, the last but one, the last. Those of a short sequence stand for none.
const fn representatives(count: u64) -> [(u64, u64); 4] {
    [
        (0, 1),
        (1, count.saturating_sub(3)),
        (count.saturating_sub(2), (count > 2) as u64),
        (count - 1, (count > 1) as u64),
    ]
}
