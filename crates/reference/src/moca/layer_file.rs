//! Tables of layers to estimate, and of layers whose throttle is to be set: CSV with a row a layer.

use std::ops::{Range, RangeInclusive};

use rtmm_workload::input::problem_with;
use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source, suggestion};

use super::contention::{GROUPS, GroupIndex, Mode, Published, Query, Setting, TableEntry, TaskState};
use super::layer::{
    Addition, CORES, Convolution, DIMENSIONS, Layer, MATRIX_DIMENSIONS, PADDINGS, Pooling, Product, Split,
    WINDOWS,
};
use super::parts::Estimate;

/// Columns of a layer and its split.
const LAYER_COLUMNS: [&str; 21] = [
    "case",
    "kind",
    "batch",
    "in_dim",
    "in_channels",
    "out_channels",
    "out_dim",
    "stride",
    "dilation",
    "padding",
    "kernel",
    "pool_size",
    "pool_stride",
    "pool_padding",
    "pool_ceil",
    "dim_i",
    "dim_j",
    "dim_k",
    "tiles",
    "batch_divide",
    "tile_index",
];
/// Columns of a layer's surroundings.
const QUERY_COLUMNS: [&str; 17] = [
    "group",
    "mode",
    "table_from_dram",
    "table_prediction",
    "u0",
    "u1",
    "u2",
    "u3",
    "s0",
    "s1",
    "s2",
    "s3",
    "priority",
    "dispatch",
    "target",
    "togo",
    "elapsed",
];
/// Columns of the costs of layers, in their order.
pub const COST_COLUMNS: [&str; 18] = [
    "t0",
    "t1",
    "t2",
    "t3",
    "t4",
    "t5",
    "t6",
    "inner_tiles_raw",
    "inner_tiles",
    "load_a",
    "load_b",
    "load_d",
    "total_mem",
    "from_dram",
    "compute",
    "mem",
    "prediction",
    "bw_percent",
];
/// Columns of the settings of throttles, in their order.
pub const SETTING_COLUMNS: [&str; 14] = [
    "inner_tiles",
    "loads",
    "u_percent",
    "slack",
    "score",
    "others_u",
    "weight",
    "util",
    "new_time",
    "window",
    "threshold",
    "u_after",
    "s_after",
    "togo_after",
];
/// Where a row was taken from; passed over, as are results that a table has already.
const SOURCE_COLUMN: &str = "source";
const KINDS: [&str; 4] = ["conv", "fc", "resadd", "pool"];

const CYCLES: RangeInclusive<u64> = 0..=i64::MAX as u64;
/// Targets, and predictions of the table: a score divides 32 bits by them.
const SHORT_CYCLES: RangeInclusive<u64> = 0..=i32::MAX as u64;

/// A layer to estimate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRow {
    /// Its name.
    pub case: String,
    /// The layer.
    pub layer: Layer,
    /// Its split, and the core that is asked for.
    pub split: Split,
    /// Surroundings, in a table of throttles.
    pub query: Option<Query>,
    /// Its bytes in the table.
    pub range: Range<usize>,
}

/// The layers of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerTable {
    /// Its rows, in their order.
    pub rows: Vec<LayerRow>,
    /// True where throttles are to be set.
    pub sets_throttles: bool,
}

/// Reads a table of layers. Where it has one of the columns that say what surrounds a layer, it must have all of them.
///
/// # Errors
/// Every problem of the table, with its place.
pub fn read(source: &Source) -> Result<LayerTable, Diagnostics> {
    let mut table = CsvTable::parse(source, &[]);
    let sets_throttles = QUERY_COLUMNS.iter().any(|name| table.column(name).is_some());
    // Of a table without a header that is said already.
    if !source.text().trim().is_empty() {
        require(&mut table, "a table of layers", &LAYER_COLUMNS);
    }
    if sets_throttles {
        require(&mut table, "a table of throttles", &QUERY_COLUMNS);
    }
    let known = [&LAYER_COLUMNS[..], &QUERY_COLUMNS, &[SOURCE_COLUMN], &COST_COLUMNS, &SETTING_COLUMNS];
    table.only(&known.concat());
    let columns = Columns {
        layer: LAYER_COLUMNS.map(|name| table.column(name).unwrap_or(0)),
        query: QUERY_COLUMNS.map(|name| table.column(name).unwrap_or(0)),
    };
    let (mut rows, mut is_empty) = (Vec::new(), true);
    let mut problems = table.each_row(|row| {
        is_empty = false;
        rows.extend(columns.row(row, sets_throttles));
    });
    if is_empty && problems.is_empty() {
        problems.push(problem_with(source, "the table has no layers").help("add a row for each layer"));
    }
    problems.into_result(Some(LayerTable { rows, sets_throttles }))
}

/// Records the columns that a table lacks, all at once.
fn require(table: &mut CsvTable<'_>, what: &str, columns: &[&str]) {
    let missing: Vec<String> =
        columns.iter().filter(|name| table.column(name).is_none()).map(|name| format!("`{name}`")).collect();
    if !missing.is_empty() {
        table.reject_header(
            format!("{what} needs the columns {}", missing.join(", ")),
            "add them; a cell is empty where a kind of layer has no such value",
        );
    }
}

struct Columns {
    layer: [usize; LAYER_COLUMNS.len()],
    query: [usize; QUERY_COLUMNS.len()],
}

impl Columns {
    fn row(&self, row: &mut CsvRow<'_>, sets_throttles: bool) -> Option<LayerRow> {
        let [case, kind, ..] = self.layer;
        if row.is_blank(case) {
            row.reject(case, "this row has no name", "write one, such as `conv1`");
        }
        let kind_name = row.text(kind).to_owned();
        let layer = match kind_name.as_str() {
            "conv" => self.convolution(row).map(Layer::Convolution),
            "fc" => self.product(row).map(Layer::Product),
            "resadd" => self.addition(row).map(Layer::Addition),
            "pool" if sets_throttles => {
                row.reject(kind, "poolings are never throttled", "leave the row out");
                None
            }
            "pool" => self.pooling(row).map(Layer::Pooling),
            "" => {
                row.reject(kind, "this row has no kind", format!("write one: {}", KINDS.join(", ")));
                None
            }
            _ => {
                let help = suggestion(&kind_name, "kind", &KINDS);
                row.reject(kind, format!("there is no kind of layer `{kind_name}`"), help);
                None
            }
        };
        let split = self.split(row);
        let query = if sets_throttles { Some(self.query(row, &layer?)?) } else { None };
        let (layer, split) = (layer?, split?);
        if let Err(error) = layer.check(split) {
            row.reject_row(error.to_string(), "correct the row");
            return None;
        }
        Some(LayerRow { case: row.text(case).to_owned(), layer, split, query, range: row.range() })
    }

    fn convolution(&self, row: &mut CsvRow<'_>) -> Option<Convolution> {
        let [.., dim_i, dim_j, dim_k, _, _, _] = self.layer;
        let [_, _, batch, in_dim, in_channels, out_channels, out_dim, stride, dilation, padding, kernel, ..] =
            self.layer;
        let [.., pool_size, pool_stride, pool_padding, pool_ceil, _, _, _, _, _, _] = self.layer;
        blank(row, "a convolution", &[dim_i, dim_j, dim_k]);
        let numbers = [
            row.integer(batch, DIMENSIONS),
            row.integer(in_dim, DIMENSIONS),
            row.integer(in_channels, DIMENSIONS),
            row.integer(out_channels, DIMENSIONS),
            row.integer(out_dim, DIMENSIONS),
            row.integer(stride, WINDOWS),
            row.integer(dilation, WINDOWS),
            row.integer(padding, PADDINGS),
            row.integer(kernel, WINDOWS),
            row.integer(pool_size, WINDOWS),
            row.integer(pool_stride, PADDINGS),
            row.integer(pool_padding, PADDINGS),
            row.integer(pool_ceil, 0..=1),
        ];
        let [
            batch,
            in_dim,
            in_channels,
            out_channels,
            out_dim,
            stride,
            dilation,
            padding,
            kernel,
            pool_size,
            pool_stride,
            pool_padding,
            pool_ceil,
        ] = numbers;
        Some(Convolution {
            batch: batch?,
            in_dim: in_dim?,
            in_channels: in_channels?,
            out_channels: out_channels?,
            out_dim: out_dim?,
            stride: stride?,
            dilation: dilation?,
            padding: padding?,
            kernel: kernel?,
            pool_size: pool_size?,
            pool_stride: pool_stride?,
            pool_padding: pool_padding?,
            pool_ceil: pool_ceil? == 1,
        })
    }

    fn product(&self, row: &mut CsvRow<'_>) -> Option<Product> {
        let [.., dim_i, dim_j, dim_k, _, _, _] = self.layer;
        blank(row, "a matrix product", &self.layer[2..15]);
        let [i, j, k] = [dim_i, dim_j, dim_k].map(|column| row.integer(column, MATRIX_DIMENSIONS));
        Some(Product { i: i?, j: j?, k: k? })
    }

    fn addition(&self, row: &mut CsvRow<'_>) -> Option<Addition> {
        let [.., dim_i, dim_j, dim_k, _, _, _] = self.layer;
        blank(row, "a residual addition", &[&self.layer[2..15], &[dim_k]].concat());
        let [i, j] = [dim_i, dim_j].map(|column| row.integer(column, MATRIX_DIMENSIONS));
        Some(Addition { i: i?, j: j? })
    }

    fn pooling(&self, row: &mut CsvRow<'_>) -> Option<Pooling> {
        let [.., pool_size, pool_stride, pool_padding, pool_ceil, dim_i, dim_j, dim_k, _, _, _] = self.layer;
        let [_, _, batch, in_dim, in_channels, out_channels, out_dim, ..] = self.layer;
        blank(row, "a pooling", &[&self.layer[7..11], &[pool_ceil, dim_i, dim_j, dim_k]].concat());
        let [batch, in_dim, channels, out_dim] =
            [batch, in_dim, in_channels, out_dim].map(|column| row.integer(column, DIMENSIONS));
        if let Some(channels) = channels
            && !row.is_blank(out_channels)
        {
            row.integer(out_channels, channels..=channels);
        }
        let [size, stride] = [pool_size, pool_stride].map(|column| row.integer(column, WINDOWS));
        let padding = row.integer(pool_padding, PADDINGS);
        Some(Pooling {
            batch: batch?,
            in_dim: in_dim?,
            channels: channels?,
            out_dim: out_dim?,
            size: size?,
            stride: stride?,
            padding: padding?,
        })
    }

    fn split(&self, row: &mut CsvRow<'_>) -> Option<Split> {
        let [.., tiles, batch_divide, tile_index] = self.layer;
        let tiles = row.integer(tiles, 1..=CORES);
        let batch_divide = row.integer(batch_divide, 1..=CORES / tiles.unwrap_or(1));
        let tile_index = row.integer(tile_index, 0..=tiles.unwrap_or(CORES) * batch_divide.unwrap_or(1) - 1);
        Some(Split { tiles: tiles?, batch_divide: batch_divide?, tile_index: tile_index? })
    }

    fn query(&self, row: &mut CsvRow<'_>, layer: &Layer) -> Option<Query> {
        let [group, mode, from_dram, prediction, demands @ .., _, _, _, _, _, _, _, _, _] = self.query;
        let [.., s0, s1, s2, s3, priority, dispatch, target, togo, elapsed] = self.query;
        let group = row.integer(group, 0..=GROUPS as u64 - 1).and_then(|group| usize::try_from(group).ok());
        let mode = row.integer(mode, -1..=i32::MAX);
        let entry = match layer {
            Layer::Addition(_) | Layer::Pooling(_) => {
                blank(row, "a residual addition", &[from_dram, prediction]);
                Some(None)
            }
            Layer::Convolution(_) | Layer::Product(_) => {
                let from_dram = row.integer(from_dram, SHORT_CYCLES);
                let prediction = row.integer(prediction, 1..=*SHORT_CYCLES.end());
                from_dram
                    .zip(prediction)
                    .map(|(from_dram, prediction)| Some(TableEntry { from_dram, prediction }))
            }
        };
        let demands = demands.map(|column| row.integer(column, 0..=i32::MAX));
        let scores = [s0, s1, s2, s3].map(|column| row.integer(column, 0..=i32::MAX));
        let priority = row.integer(priority, 0..=i32::MAX as u32 - 1);
        let dispatch = row.integer(dispatch, CYCLES);
        let target = row.integer(target, SHORT_CYCLES);
        let togo = row.integer(togo, i64::MIN..=i64::MAX);
        let elapsed = row.integer(elapsed, CYCLES);
        let all = |numbers: [Option<i32>; GROUPS]| {
            let [a, b, c, d] = numbers;
            Some([a?, b?, c?, d?])
        };
        Some(Query {
            group: GroupIndex::new(group?)?,
            mode: Mode::of_number(mode?),
            entry: entry?,
            published: Published { demand_percent: all(demands)?, score: all(scores)? },
            task: TaskState {
                priority: priority?,
                dispatch: dispatch?,
                target: target?,
                togo: togo?,
                elapsed: elapsed?,
            },
        })
    }
}

/// Refuses values in columns that a kind of layer does not have.
fn blank(row: &mut CsvRow<'_>, what: &str, columns: &[usize]) {
    for column in columns {
        if !row.is_blank(*column) {
            row.reject(*column, format!("{what} has no such value"), "leave the cell empty");
        }
    }
}

/// The cells of an estimate, by [`COST_COLUMNS`]; empty where the kind of layer has no such number.
#[must_use]
pub fn cost_cells(estimate: &Estimate) -> Vec<String> {
    let tile = (0..7).map(|index| estimate.tile.get(index).map_or_else(String::new, ToString::to_string));
    let shown = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
    let cycles = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    tile.chain([
        estimate.inner_tiles_raw.to_string(),
        estimate.inner_tiles.to_string(),
        estimate.load_a.to_string(),
        shown(estimate.load_b),
        shown(estimate.load_d),
        shown(estimate.total_mem),
        shown(estimate.from_dram),
        cycles(estimate.compute),
        cycles(estimate.mem),
        estimate.prediction.to_string(),
        cycles(estimate.bw_percent),
    ])
    .collect()
}

/// The cells of a setting, by [`SETTING_COLUMNS`], with what the `group` has published.
#[must_use]
pub fn setting_cells(setting: &Setting, group: GroupIndex) -> Vec<String> {
    vec![
        setting.inner_tiles.to_string(),
        setting.loads.to_string(),
        setting.demand_percent.to_string(),
        setting.slack.map_or_else(String::new, |slack| slack.to_string()),
        setting.score.to_string(),
        setting.others_percent.to_string(),
        setting.weight.to_string(),
        setting.share_percent.map_or_else(|| "-1".to_owned(), |share| share.to_string()),
        setting.new_time.to_string(),
        setting.window.to_string(),
        setting.threshold.to_string(),
        setting.published.demand_percent[group.index()].to_string(),
        setting.published.score[group.index()].to_string(),
        setting.togo.to_string(),
    ]
}
