//! Estimates of convolutions.
//!
//! The tile has, in this order: images, rows and columns of pooled output, output channels, rows and columns of the
//! kernel, input channels.
//!
//! Loads are sums over all tiles. A term of them is a product of one factor for each dimension, so that the sums are
//! taken one dimension at a time; a test compares them with the nested loops.

use super::error::MocaError;
use super::layer::{Convolution, Split};
use super::numbers::{
    CACHE_ROWS, DIM, HALF_ACCUMULATOR_ROWS, HALF_SCRATCHPAD_ROWS, Piece, cdiv, in_range, rdiv, rows, sum,
};
use super::parts::{Estimate, Passes, Terms, cycles, percent};
use super::tiling::Dimension::{Batch, Cols, InChannels, KernelCols, KernelRows, OutChannels, Rows};
use super::tiling::{Geometry, Tile};

/// The share of one core.
struct Share {
    geometry: Geometry,
    layer: Convolution,
    /// Rows and columns of the pooled output.
    pooled: i64,
    batch: i64,
    rows: i64,
    out_channels: i64,
    /// Cores that share output channels.
    channel_split: i64,
    is_split_by_rows: bool,
    tile: Tile,
}

pub(super) fn estimate(layer: &Convolution, split: Split) -> Result<Estimate, MocaError> {
    let share = Share::of(layer, split)?;
    let tile = share.tile;
    let [in_dim, batch] = [layer.in_dim, layer.batch].map(i128::from);
    let [kernel, in_channels] = [layer.kernel, layer.in_channels].map(i64::from);
    let out_blocks = cdiv(share.out_channels * share.channel_split, DIM).into();
    let pooled = i128::from(share.pooled);
    let taps = (kernel * kernel).into();

    let weights = rows("weights", &[out_blocks, in_channels.into(), taps])?;
    let input = rows("input", &[cdiv(in_channels, DIM).into(), in_dim, in_dim, batch])?;
    let output = rows("output", &[out_blocks, pooled, pooled, batch])?;
    let mut from_dram = i128::from(weights + output);
    let mut image = 0;
    if input > CACHE_ROWS || from_dram + i128::from(input) > CACHE_ROWS.into() {
        from_dram += i128::from(input);
        image = 1;
    }
    let passes = cdiv(share.out_channels * share.channel_split, tile[OutChannels]);
    let inner_weights =
        rows("weights of a tile", &[taps, in_channels.into(), cdiv(tile[OutChannels], DIM).into()])?;
    if input + inner_weights + output / passes > CACHE_ROWS || in_channels < DIM {
        from_dram += i128::from(passes - image) * i128::from(input);
    }
    let output_tiles = [
        cdiv(layer.batch.into(), tile[Batch]),
        cdiv(share.pooled, tile[Rows]),
        cdiv(share.pooled, tile[Cols]),
    ];
    let [images, tile_rows, tile_cols] = output_tiles.map(i128::from);
    let bias = rows("bias", &[out_blocks, 4, images, tile_rows, tile_cols])? / split.sharers();
    let from_dram = in_range("traffic", from_dram + i128::from(bias))?;

    let loads = share.loads()?;
    let output_rows = [cdiv(share.out_channels, DIM).into(), share.rows.into(), pooled, share.batch.into()];
    let total_mem = [loads.input, loads.weights, loads.bias, rows("output", &output_rows)?];
    let total_mem = in_range("traffic", total_mem.into_iter().map(i128::from).sum())?;
    let compute = share.compute()?;
    let (mem, prediction) = cycles(total_mem, from_dram, compute, split);
    let (inner_tiles_raw, inner_tiles) = share.inner_tiles()?;
    Ok(Estimate {
        tile: tile.0.to_vec(),
        inner_tiles_raw,
        inner_tiles,
        load_a: loads.input,
        load_b: Some(loads.weights),
        load_d: Some(loads.bias),
        total_mem: Some(total_mem),
        from_dram: Some(from_dram),
        compute: Some(compute),
        mem: Some(mem),
        prediction,
        bw_percent: Some(percent(from_dram, prediction)),
        terms: Some(Terms {
            input,
            weights,
            output,
            bias,
            inner_input: input,
            inner_weights,
            passes: Passes::OutputChannels(passes),
        }),
    })
}

/// Rows that a core loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Loads {
    input: i64,
    weights: i64,
    bias: i64,
}

impl Share {
    fn of(layer: &Convolution, split: Split) -> Result<Self, MocaError> {
        let geometry = Geometry::of(layer);
        let tiles = i64::from(split.tiles);
        let pooled = pooled(layer, &geometry)?;
        let batch = i64::from(layer.batch / split.batch_divide);
        let is_split_by_rows =
            tiles > 1 && (layer.padding == 0 || (layer.dilation <= 2 && pooled % tiles == 0));
        let mut rows = if is_split_by_rows { pooled / tiles } else { pooled };
        if pooled % tiles != 0 && i64::from(split.tile_index) != tiles - 1 {
            rows += 1;
        }
        let channel_split = if is_split_by_rows { 1 } else { tiles };
        let out_channels = i64::from(layer.out_channels) / channel_split;
        for (what, count) in [("images", batch), ("rows", rows), ("output channels", out_channels)] {
            if count == 0 {
                return Err(MocaError::EmptyShare { what });
            }
        }
        let [kernel, in_channels] = [layer.kernel, layer.in_channels].map(i64::from);
        let mut tile =
            geometry.tile(Tile([batch, rows, pooled, out_channels, kernel, kernel, in_channels]))?;
        tile[Rows] = tile[Rows].min(pooled);
        Ok(Self {
            geometry,
            layer: *layer,
            pooled,
            batch,
            rows,
            out_channels,
            channel_split,
            is_split_by_rows,
            tile,
        })
    }

    /// Cycles of the array.
    fn compute(&self) -> Result<u64, MocaError> {
        let Self { geometry, layer, .. } = self;
        let out_dim = i64::from(layer.out_dim);
        let out_rows = match self.is_split_by_rows {
            true => geometry.unpooled(self.rows - 1) + 1 - 2 * self.pool_padding(),
            false => out_dim,
        };
        if out_rows < 1 {
            return Err(MocaError::NoOutput { what: "pooling window" });
        }
        let in_channels = i64::from(layer.in_channels);
        let factors =
            [self.out_channels, self.batch, out_dim, out_rows, geometry.kernel, geometry.kernel, in_channels];
        let too_many = MocaError::TooManyRows { what: "computation" };
        let macs = factors.into_iter().try_fold(1_i128, |macs, factor| macs.checked_mul(factor.into()));
        let macs = macs.and_then(|macs| u64::try_from(macs).ok()).filter(|macs| *macs <= u64::MAX >> 8);
        let cycles = macs.ok_or(too_many)? / (DIM * DIM).unsigned_abs();
        let channels = in_channels.unsigned_abs();
        Ok(if in_channels < DIM { cycles * DIM.unsigned_abs() / channels } else { cycles })
    }

    /// Tiles of this core, by rounded divisions, and corrected by how full the memories are.
    fn inner_tiles(&self) -> Result<(i64, i64), MocaError> {
        let tile = &self.tile;
        let [kernel, in_channels] = [self.geometry.kernel, self.geometry.in_channels];
        let (images, rows_tiles) = match self.is_split_by_rows {
            true => (rdiv(self.batch, tile[Batch]), rdiv(self.rows, tile[Rows])),
            false => (self.batch / tile[Batch], rdiv(self.pooled, tile[Rows])),
        };
        let factors = [
            rdiv(self.out_channels, tile[OutChannels]),
            images,
            rows_tiles,
            rdiv(self.pooled, tile[Cols]),
            rdiv(kernel, tile[KernelRows]),
            rdiv(kernel, tile[KernelCols]),
            rdiv(in_channels, tile[InChannels]),
        ];
        let raw = rows("a list of tiles", &factors.map(i128::from))?;
        let scratchpad = 100 * self.geometry.scratchpad_rows(tile) / HALF_SCRATCHPAD_ROWS;
        let accumulator = 100 * self.geometry.accumulator_rows(tile) / HALF_ACCUMULATOR_ROWS;
        Ok((raw, if scratchpad < accumulator { raw * scratchpad / accumulator } else { raw }))
    }

    fn pool_padding(&self) -> i64 {
        if self.layer.pool_stride == 0 { 0 } else { self.layer.pool_padding.into() }
    }

    /// Rows or columns of output, before pooling, of a piece that begins at its pooled `start`, and how many of them
    /// lie outside of the output.
    fn unpooled(&self, piece: Piece) -> (i64, i64) {
        let (padding, length) = (self.pool_padding(), self.geometry.unpooled(piece.length));
        let start = piece.start * self.geometry.pool_stride - padding;
        (length, (-start).max(0) + (start + length - i64::from(self.layer.out_dim)).max(0))
    }

    /// Rows that the core loads, summed one dimension at a time.
    fn loads(&self) -> Result<Loads, MocaError> {
        let (geometry, tile) = (&self.geometry, &self.tile);
        let row_share = if self.is_split_by_rows { self.rows } else { self.pooled };
        let taps_of = |step| move |value: &dyn Fn(Piece) -> i64| sum(geometry.kernel, step, value);
        let row_taps = taps_of(tile[KernelRows]);
        let col_taps = taps_of(tile[KernelCols]);
        let over_rows = |value: &dyn Fn(Piece) -> i64| sum(row_share, tile[Rows], value);
        let over_cols = |value: &dyn Fn(Piece) -> i64| sum(self.pooled, tile[Cols], value);
        let over_out = |value: &dyn Fn(Piece) -> i64| sum(self.out_channels, tile[OutChannels], value);
        let over_batch = |value: &dyn Fn(Piece) -> i64| sum(self.batch, tile[Batch], value);
        let channel_blocks =
            sum(geometry.in_channels, tile[InChannels], |piece| cdiv(piece.length, piece.length.min(DIM)));
        let one = |_: Piece| 1;
        let length = |piece: Piece| piece.length;

        // The sum over pieces of both of two dimensions, of a term of each.
        let cross = |outer: (i128, i128), inner: (i128, i128)| outer.0 * inner.1 + outer.1 * inner.0;
        let sides = |piece: Piece| {
            let (length, outside) = self.unpooled(piece);
            (length - outside) * geometry.stride
        };
        let reach = |piece: Piece| geometry.dilated(piece.length) - 1;
        let input_cols = cross((over_cols(&sides), over_cols(&one)), (col_taps(&reach), col_taps(&one)));
        let input_rows = match self.is_split_by_rows {
            true => cross((over_rows(&sides), over_rows(&one)), (row_taps(&reach), row_taps(&one))),
            false => {
                let whole = |piece: Piece| geometry.unpooled(piece.length) * geometry.stride;
                let offset = |piece: Piece| piece.start * geometry.dilation - geometry.padding;
                cross((over_rows(&whole), over_rows(&one)), (row_taps(&offset), row_taps(&one)))
            }
        };
        let bias_cols = |piece: Piece| {
            let cols = geometry.unpooled(piece.length);
            cdiv(cols, cols.min(DIM))
        };
        let bias_rows = |piece: Piece| geometry.unpooled(piece.length);
        let bias_out = |piece: Piece| cdiv(4 * piece.length, piece.length.min(DIM));
        Ok(Loads {
            input: rows(
                "input",
                &[over_out(&one), over_batch(&length), input_rows, input_cols, channel_blocks],
            )?,
            weights: rows(
                "weights",
                &[
                    over_out(&length),
                    over_batch(&one),
                    over_rows(&one),
                    over_cols(&one),
                    row_taps(&length),
                    col_taps(&length),
                    channel_blocks,
                ],
            )?,
            bias: rows(
                "bias",
                &[over_batch(&length), over_rows(&bias_rows), over_cols(&bias_cols), over_out(&bias_out)],
            )?,
        })
    }
}

/// Rows and columns of the output after pooling.
fn pooled(layer: &Convolution, geometry: &Geometry) -> Result<i64, MocaError> {
    let padding = if layer.pool_stride == 0 { 0 } else { i64::from(layer.pool_padding) };
    let slides = i64::from(layer.out_dim) + 2 * padding - geometry.pool;
    if slides < 0 {
        return Err(MocaError::NoOutput { what: "pooling window" });
    }
    let has_rest = layer.pool_ceil && slides % geometry.pool_stride != 0;
    Ok(slides / geometry.pool_stride + 1 + i64::from(has_rest))
}
