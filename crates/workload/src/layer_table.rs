//! Layer tables in CSV: one row a layer, in the columns of the published XRBench tables or of
//! SCALE-Sim's topologies.

use std::ops::Range;

use crate::input::{CsvRow, CsvTable, Diagnostics, Source};
use crate::layer::{Convolution, Layer, Operator, PublishedShape, Shape};
use crate::shape_error::{MAX_DIMENSION, MAX_LAYER_WORK};

/// The rule for legal layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legality {
    /// Every shape must make sense.
    Strict,
    /// Rows of a published table are taken as they are, even where a filter is larger than its
    /// input: for reference modes, which read the published columns only.
    Published,
}

/// One row of a layer table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// The model that the row says it belongs to; empty where the table has no such column.
    pub model: String,
    /// The row's own index, or its position from 0.
    pub index: u32,
    /// The layer.
    pub layer: Layer,
    /// The row's bytes in the table.
    pub range: Range<usize>,
}

/// The columns of the XRBench tables that a table must have.
const MAESTRO_REQUIRED: [&str; 6] = ["K", "C", "R", "S", "Y", "X"];
/// The columns of SCALE-Sim's topologies that a table must have.
const SYSTOLIC_REQUIRED: [&str; 6] =
    ["ifmap_h", "ifmap_w", "filter_h", "filter_w", "channels", "num_filters"];

/// Positions of the columns of either form; `None` for an optional one that is absent.
struct Columns {
    model: Option<usize>,
    index: Option<usize>,
    name: Option<usize>,
    operator: Option<usize>,
    batch: Option<usize>,
    output_channels: usize,
    input_channels: usize,
    kernel: [usize; 2],
    input: [usize; 2],
    /// The input's extents in the source network, where the published ones are not it.
    real: [Option<usize>; 2],
    stride: [Option<usize>; 2],
    padding: [Option<usize>; 2],
    dilation: [Option<usize>; 2],
    groups: Option<usize>,
    /// SCALE-Sim lets a window hang over the edge where the stride does not divide.
    overhang: bool,
}

/// Reads a layer table, calling `each` for every row that makes sense.
///
/// Which of the two forms it has follows from its columns. All problems are returned.
pub fn read_layer_table(source: &Source, legality: Legality, mut each: impl FnMut(TableRow)) -> Diagnostics {
    let header = CsvTable::parse(source, &[]);
    let systolic = header.column("ifmap_h").is_some();
    let table = CsvTable::parse(source, if systolic { &SYSTOLIC_REQUIRED } else { &MAESTRO_REQUIRED });
    let Some(columns) = Columns::find(&table, systolic) else {
        return table.each_row(|_| {});
    };
    let mut position = 0;
    table.each_row(|row| {
        if let Some(row) = read_row(row, &columns, position, legality) {
            each(row);
        }
        position += 1;
    })
}

impl Columns {
    fn find(table: &CsvTable<'_>, systolic: bool) -> Option<Self> {
        let find = |name| table.column(name);
        let either = |specific, both| find(specific).or_else(|| find(both));
        let (model, index) = (find("model").or_else(|| find("topology")), find("layer_index"));
        let name = find("layer_name").or_else(|| find("layer"));
        Some(if systolic {
            Self {
                model,
                index,
                name,
                operator: None,
                batch: None,
                output_channels: find("num_filters")?,
                input_channels: find("channels")?,
                kernel: [find("filter_h")?, find("filter_w")?],
                input: [find("ifmap_h")?, find("ifmap_w")?],
                real: [None, None],
                stride: [either("stride_h", "stride"), either("stride_w", "stride")],
                padding: [None, None],
                dilation: [None, None],
                groups: None,
                overhang: true,
            }
        } else {
            Self {
                model,
                index,
                name,
                operator: find("type"),
                batch: find("N"),
                output_channels: find("K")?,
                input_channels: find("C")?,
                kernel: [find("R")?, find("S")?],
                input: [find("Y")?, find("X")?],
                real: [find("real_y"), find("real_x")],
                stride: [find("stride_y"), find("stride_x")],
                padding: [either("pad_y", "pad"), either("pad_x", "pad")],
                dilation: [find("dilation_y"), find("dilation_x")],
                groups: find("groups"),
                overhang: false,
            }
        })
    }
}

fn read_row(row: &mut CsvRow<'_>, columns: &Columns, position: u32, legality: Legality) -> Option<TableRow> {
    let extents = 1..=MAX_DIMENSION;
    let optional = |row: &mut CsvRow<'_>, column: Option<usize>, default: u32, allowed| match column {
        Some(column) if !row.is_blank(column) => row.integer(column, allowed),
        _ => Some(default),
    };
    let pair = |row: &mut CsvRow<'_>, columns: [usize; 2]| {
        let first = row.integer(columns[0], 1..=MAX_DIMENSION);
        let second = row.integer(columns[1], 1..=MAX_DIMENSION);
        Some([first?, second?])
    };
    let optional_pair = |row: &mut CsvRow<'_>, columns: [Option<usize>; 2], default: u32, least: u32| {
        let first = optional(row, columns[0], default, least..=MAX_DIMENSION);
        let second = optional(row, columns[1], default, least..=MAX_DIMENSION);
        Some([first?, second?])
    };
    let index = optional(row, columns.index, position, 0..=u32::MAX);
    // The published tool ignores N.
    let batch = optional(row, columns.batch, 1, 1..=if legality == Legality::Strict { 1 } else { u32::MAX });
    let output_channels = row.integer(columns.output_channels, extents.clone());
    let channels = row.integer(columns.input_channels, extents.clone());
    let kernel = pair(row, columns.kernel);
    let input = pair(row, columns.input);
    let real = input.and_then(|input| {
        let height = optional(row, columns.real[0], input[0], extents.clone());
        let width = optional(row, columns.real[1], input[1], extents.clone());
        Some([height?, width?])
    });
    let stride = optional_pair(row, columns.stride, 1, 1);
    let padding = optional_pair(row, columns.padding, 0, 0);
    let dilation = optional_pair(row, columns.dilation, 1, 1);
    let groups = optional(row, columns.groups, 1, extents);
    let kind = columns.operator.map_or("CONV", |column| row.text(column));
    let (transposed, depthwise) = match kind {
        "" | "CONV" => (false, false),
        "DSCONV" => (false, true),
        "TRCONV" => (true, false),
        other => {
            let message = format!("layer type `{other}` is not known");
            let help = "known: CONV, DSCONV (depthwise), TRCONV (transposed); write a fully connected \
                        layer as CONV with R = S = X = 1"
                .to_owned();
            row.reject(columns.operator.unwrap_or(0), message, help);
            return None;
        }
    };
    if depthwise && ![1, channels.unwrap_or(1)].contains(&groups.unwrap_or(1)) {
        row.reject_row("a DSCONV row has as many groups as channels", "leave `groups` empty");
        return None;
    }
    let (output_channels, channels, kernel, input) = (output_channels?, channels?, kernel?, input?);
    let mut real = real?;
    let (stride, padding, dilation, groups) = (stride?, padding?, dilation?, groups?);
    batch?;

    let published = PublishedShape {
        k: output_channels,
        c: channels,
        r: kernel[0],
        s: kernel[1],
        y: input[0],
        x: input[1],
        depthwise,
    };
    let volume = [published.k, published.c, published.r, published.s, published.y, published.x]
        .iter()
        .try_fold(1_u64, |product, &extent| product.checked_mul(extent.into()));
    if volume.is_none_or(|volume| volume > MAX_LAYER_WORK) {
        let message = format!("K x C x R x S x Y x X is beyond {MAX_LAYER_WORK}");
        row.reject_row(message, "no accelerator of today runs such a layer; check the columns");
        return None;
    }
    if columns.overhang {
        // The last window may hang over the edge; its missing elements count as mapped.
        for axis in 0..2 {
            if real[axis] >= kernel[axis] {
                let steps = (real[axis] - kernel[axis]).div_ceil(stride[axis]);
                real[axis] = kernel[axis] + steps * stride[axis];
            }
        }
    }
    // A DSCONV row carries its multiplicity in C and states K as the outputs of one channel.
    let outputs = if depthwise { output_channels.checked_mul(channels) } else { Some(output_channels) };
    let Some(outputs) = outputs else {
        row.reject_row("K x C of a depthwise row is beyond 2^32", "K counts the outputs of one channel");
        return None;
    };
    let convolution = Convolution {
        input: Shape { channels, height: real[0], width: real[1] },
        output_channels: outputs,
        kernel,
        stride,
        padding,
        dilation,
        groups: if depthwise { channels } else { groups },
        transposed,
    };
    let name = columns
        .name
        .map(|column| row.text(column))
        .filter(|name| !name.is_empty())
        .map_or_else(|| format!("layer{position}"), str::to_owned);
    let layer = Layer { name, operator: Operator::Convolution(convolution), published: Some(published) };
    if legality == Legality::Strict
        && let Err(error) = layer.kernels()
    {
        let help = if matches!(error, crate::shape_error::ShapeError::WindowLargerThanInput { .. }) {
            if columns.overhang {
                "add the padding to ifmap_h and ifmap_w: this form has no column for it"
            } else {
                "give the layer its real padding (pad_y, pad_x); only reference modes take it as it is"
            }
        } else {
            "correct the row"
        };
        row.reject_row(error.to_string(), help);
        return None;
    }
    let model = columns.model.map_or_else(String::new, |column| row.text(column).to_owned());
    Some(TableRow { model, index: index?, layer, range: row.range() })
}
