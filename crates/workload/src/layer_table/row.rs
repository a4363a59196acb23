//! One row of a layer table, read by the columns of its form.

use super::forms::{Axes, Columns, Extents, Form};
use super::{Legality, TableRow};
use crate::input::CsvRow;
use crate::layer::{Convolution, Gemm, Layer, Operator, PublishedShape, Shape};
use crate::shape_error::{MAX_DIMENSION, MAX_LAYER_WORK, ShapeError};

/// Reads a row; none where it has problems, which are recorded.
pub(super) fn read(
    row: &mut CsvRow<'_>,
    form: Form,
    columns: &Columns,
    position: u32,
    legality: Legality,
) -> Option<TableRow> {
    let index = optional(row, columns.index, position, 0..=u32::MAX);
    let batch = batch(row, form, columns, legality);
    let is_dense = dense(row, columns);
    let read = match columns.extents {
        Extents::Convolution { output_channels, input_channels, kernel, input } => {
            convolution(row, form, columns, legality, [output_channels, input_channels], kernel, input)
        }
        Extents::Product { rows, columns, inner } => product(row, rows, columns, inner),
    };
    let ((operator, published), batch) = (read?, batch?);
    let name = columns
        .name
        .map(|column| row.text(column))
        .filter(|name| !name.is_empty())
        .map_or_else(|| format!("layer{position}"), str::to_owned);
    let layer = Layer { batch, published, ..Layer::new(name, operator) };
    if legality == Legality::Strict
        && let Err(error) = layer.kernels()
    {
        row.reject_row(error.to_string(), remedy(&error, form));
        return None;
    }
    let model = columns.model.map_or_else(String::new, |column| row.text(column).to_owned());
    is_dense.then_some(TableRow { model, index: index?, layer, range: row.range() })
}

/// The inputs that the row's layer takes at once. The published tool ignores its N, and knows no other batch.
fn batch(row: &mut CsvRow<'_>, form: Form, columns: &Columns, legality: Legality) -> Option<u32> {
    match (legality, form) {
        (Legality::Strict, _) => optional(row, columns.batch, 1, 1..=MAX_DIMENSION),
        (Legality::Published, Form::XrBench) => optional(row, columns.batch, 1, 1..=u32::MAX).map(|_| 1),
        (Legality::Published, _) => optional(row, columns.batch, 1, 1..=1),
    }
}

fn remedy(error: &ShapeError, form: Form) -> &'static str {
    match error {
        ShapeError::WindowLargerThanInput { .. } if form == Form::ScaleSim => {
            "add the padding to ifmap_h and ifmap_w, as SCALE-Sim's own tables do, or state it in a column `pad`"
        }
        ShapeError::WindowLargerThanInput { .. } => {
            "give the layer its real padding (pad_y, pad_x); only reference modes take it as it is"
        }
        _ => "correct the row",
    }
}

/// The number in a column that need not be there, and whose cells may be blank.
fn optional(
    row: &mut CsvRow<'_>,
    column: Option<usize>,
    default: u32,
    allowed: std::ops::RangeInclusive<u32>,
) -> Option<u32> {
    match column {
        Some(column) if !row.is_blank(column) => row.integer(column, allowed),
        _ => Some(default),
    }
}

fn pair(row: &mut CsvRow<'_>, columns: [usize; 2]) -> Option<[u32; 2]> {
    let first = row.integer(columns[0], 1..=MAX_DIMENSION);
    let second = row.integer(columns[1], 1..=MAX_DIMENSION);
    Some([first?, second?])
}

/// A quantity of both axes: what the column of an axis says or, where that is blank, the one for both.
fn optional_pair(row: &mut CsvRow<'_>, columns: Axes, default: u32, least: u32) -> Option<[u32; 2]> {
    let stated = |row: &CsvRow<'_>, column: Option<usize>| column.filter(|column| !row.is_blank(*column));
    let both = stated(row, columns.both);
    let both = match both {
        Some(column) => Some((column, row.integer(column, least..=MAX_DIMENSION)?)),
        None => None,
    };
    let mut axis = |column: Option<usize>| {
        let Some(column) = stated(row, column) else { return Some(both.map_or(default, |(_, value)| value)) };
        let value = row.integer(column, least..=MAX_DIMENSION)?;
        if let Some((of_both, common)) = both.filter(|(_, common)| *common != value) {
            let (axis, both) = (row.header(column), row.header(of_both));
            let message = format!("column `{axis}` says {value} and column `{both}` {common}");
            row.reject(column, message, "leave one of the two cells empty, or remove a column");
            return None;
        }
        Some(value)
    };
    let (first, second) = (axis(columns.each[0]), axis(columns.each[1]));
    Some([first?, second?])
}

/// True if the row's weights are dense; recorded otherwise. `N:M` says that N of M weights are not zero.
fn dense(row: &mut CsvRow<'_>, columns: &Columns) -> bool {
    let Some(column) = columns.sparsity else { return true };
    let text = row.text(column).to_owned();
    let is_dense = text.is_empty()
        || text.split_once(':').is_some_and(|(kept, of)| !of.trim().is_empty() && kept.trim() == of.trim());
    if !is_dense {
        let message = format!("weights of sparsity `{text}` are not modelled by tables of layers");
        row.reject(column, message, "leave the cell blank, or write a ratio such as 4:4, for dense weights");
    }
    is_dense
}

type Read = (Operator, Option<PublishedShape>);

fn product(row: &mut CsvRow<'_>, rows: usize, columns: usize, inner: usize) -> Option<Read> {
    let mut extent = |column: usize| row.integer(column, 1..=MAX_DIMENSION);
    let (rows, columns, inner) = (extent(rows), extent(columns), extent(inner));
    let (rows, columns, inner) = (rows?, columns?, inner?);
    let published = PublishedShape { k: columns, c: inner, r: 1, s: 1, y: rows, x: 1, depthwise: false };
    Some((Operator::Gemm(Gemm { rows, inner, columns }), Some(published)))
}

fn convolution(
    row: &mut CsvRow<'_>,
    form: Form,
    columns: &Columns,
    legality: Legality,
    channels: [usize; 2],
    kernel: [usize; 2],
    input: [usize; 2],
) -> Option<Read> {
    let extents = 1..=MAX_DIMENSION;
    let output_channels = row.integer(channels[0], extents.clone());
    let channels = row.integer(channels[1], extents.clone());
    let kernel = pair(row, kernel);
    let input = pair(row, input);
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
    let published = PublishedShape {
        k: output_channels,
        c: channels,
        r: kernel[0],
        s: kernel[1],
        y: input[0],
        x: input[1],
        depthwise,
    };
    // Reference modes multiply the published extents; what a layer really does is bounded with its kernels.
    let volume = [published.k, published.c, published.r, published.s, published.y, published.x]
        .iter()
        .try_fold(1_u64, |product, &extent| product.checked_mul(extent.into()));
    let is_bounded = volume.is_some_and(|volume| volume <= MAX_LAYER_WORK);
    if legality == Legality::Published && !is_bounded {
        let message = format!("K x C x R x S x Y x X is beyond {MAX_LAYER_WORK}");
        row.reject_row(message, "no accelerator of today runs such a layer; check the columns");
        return None;
    }
    if form == Form::ScaleSim {
        // The last window may hang over the edge; its missing elements count as mapped.
        for axis in 0..2 {
            let span = u64::from(dilation[axis]) * u64::from(kernel[axis] - 1) + 1;
            let around = 2 * u64::from(padding[axis]);
            if let Some(free) = (u64::from(real[axis]) + around).checked_sub(span) {
                let steps = free.div_ceil(u64::from(stride[axis]));
                let whole = (span + steps * u64::from(stride[axis])).saturating_sub(around);
                real[axis] = u32::try_from(whole).unwrap_or(u32::MAX).max(real[axis]);
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
        padding: padding.into(),
        output_padding: [0, 0],
        dilation,
        groups: if depthwise { channels } else { groups },
        transposed,
    };
    Some((Operator::Convolution(convolution), is_bounded.then_some(published)))
}
