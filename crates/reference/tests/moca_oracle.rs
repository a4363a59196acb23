//! Sums over tiles against the nested loops that they stand for, on random layers.
//!
//! `RTMM_CASES` sets the number of random layers of each kind.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use rtmm_reference::mersenne_twister::MersenneTwister;
use rtmm_reference::moca::{Addition, Convolution, Estimate, Fixes, Layer, Pooling, Product, Split};
use rtmm_testkit::cases::at_least;

/// Random layers of each kind.
const CASES: u64 = 1_500;

fn cdiv(dividend: i64, divisor: i64) -> i64 {
    if dividend < divisor { 1 } else { (dividend + divisor - 1) / divisor }
}

fn blocks(elements: i64) -> i64 {
    (elements + 15) / 16
}

/// Starts and lengths of the tiles of one dimension.
fn tiles(whole: i64, tile: i64) -> impl Iterator<Item = (i64, i64)> {
    (0..whole)
        .step_by(usize::try_from(tile).expect("a tile"))
        .map(move |start| (start, tile.min(whole - start)))
}

fn pick(random: &mut MersenneTwister, values: &[u32]) -> u32 {
    values[random.below(values.len() as u32) as usize]
}

fn split(random: &mut MersenneTwister) -> Split {
    let tiles = pick(random, &[1, 1, 2, 3, 4, 8]);
    let batch_divide = if tiles < 5 { pick(random, &[1, 1, 2]) } else { 1 };
    Split { tiles, batch_divide, tile_index: random.below(tiles * batch_divide) }
}

fn convolution(random: &mut MersenneTwister) -> Convolution {
    let (pool_size, pool_stride, pool_padding) =
        [(1, 1, 0), (1, 1, 0), (5, 0, 2), (2, 2, 0), (3, 2, 1), (3, 1, 1)][random.below(6) as usize];
    Convolution {
        batch: pick(random, &[1, 1, 2, 4]),
        in_dim: 1 + random.below(60),
        in_channels: pick(random, &[1, 3, 15, 16, 17, 40, 64, 65, 130]),
        out_channels: pick(random, &[8, 16, 24, 32, 45, 64, 100, 128, 200]),
        out_dim: 1 + random.below(60),
        stride: pick(random, &[1, 1, 2, 4]),
        dilation: pick(random, &[1, 1, 2, 3]),
        padding: pick(random, &[0, 1, 2, 3]),
        kernel: pick(random, &[1, 3, 5, 7]),
        pool_size,
        pool_stride,
        pool_padding,
        pool_ceil: random.below(2) == 1,
    }
}

/// Rows that a core loads for a convolution: input, weights, bias.
fn convolution_loads(layer: &Convolution, split: Split, tile: &[i64]) -> [i64; 3] {
    let (pool, pool_stride, pool_padding) = match layer.pool_stride {
        0 => (1, 1, 0),
        stride => (i64::from(layer.pool_size), i64::from(stride), i64::from(layer.pool_padding)),
    };
    let [out_dim, stride, dilation, padding, kernel] =
        [layer.out_dim, layer.stride, layer.dilation, layer.padding, layer.kernel].map(i64::from);
    let slides = out_dim + 2 * pool_padding - pool;
    let pooled = slides / pool_stride + 1 + i64::from(layer.pool_ceil && slides % pool_stride != 0);
    let cores = i64::from(split.tiles);
    let by_rows = cores > 1 && (padding == 0 || (dilation <= 2 && pooled % cores == 0));
    let mut rows = if by_rows { pooled / cores } else { pooled };
    if pooled % cores != 0 && i64::from(split.tile_index) != cores - 1 {
        rows += 1;
    }
    let rows = if by_rows { rows } else { pooled };
    let out_channels = i64::from(layer.out_channels) / if by_rows { 1 } else { cores };
    let dilated = |taps: i64| taps + (dilation - 1) * (taps - 1);
    let [mut input, mut weights, mut bias] = [0; 3];
    for (_, o) in tiles(out_channels, tile[3]) {
        for (_, b) in tiles(i64::from(layer.batch / split.batch_divide), tile[0]) {
            for (row, r) in tiles(rows, tile[1]) {
                for (col, c) in tiles(pooled, tile[2]) {
                    let (tall, wide) = (r * pool_stride + pool - 1, c * pool_stride + pool - 1);
                    let outside = |start: i64, length: i64| {
                        let start = start * pool_stride - pool_padding;
                        (-start).max(0) + (start + length - out_dim).max(0)
                    };
                    bias += b * tall * cdiv(wide, wide.min(16)) * cdiv(4 * o, o.min(16));
                    for (kernel_row, kr) in tiles(kernel, tile[4]) {
                        for (_, kc) in tiles(kernel, tile[5]) {
                            for (_, i) in tiles(layer.in_channels.into(), tile[6]) {
                                let depth = cdiv(i, i.min(16));
                                let cols = (wide - outside(col, wide)) * stride + dilated(kc) - 1;
                                let rows = match by_rows {
                                    true => (tall - outside(row, tall)) * stride + dilated(kr) - 1,
                                    false => tall * stride + kernel_row * dilation - padding,
                                };
                                input += b * depth * rows * cols;
                                weights += depth * o * kr * kc;
                            }
                        }
                    }
                }
            }
        }
    }
    [input, weights, bias]
}

#[test]
fn loads_of_convolutions_are_those_of_the_nested_loops() {
    let random = &mut MersenneTwister::new(1);
    let mut estimated = 0;
    for _ in 0..at_least(CASES) {
        let (layer, split) = (convolution(random), split(random));
        let Ok(estimate) = Estimate::of(&Layer::Convolution(layer), split, &Fixes::default()) else {
            continue;
        };
        let found = [Some(estimate.load_a), estimate.load_b, estimate.load_d];
        let wanted = convolution_loads(&layer, split, &estimate.tile).map(Some);
        assert_eq!(found, wanted, "{layer:?} {split:?} {:?}", estimate.tile);
        estimated += 1;
    }
    assert!(estimated > at_least(CASES) / 2, "{estimated}");
}

#[test]
fn loads_of_products_are_those_of_the_nested_loops() {
    let random = &mut MersenneTwister::new(2);
    for _ in 0..at_least(CASES) {
        let layer =
            Product { i: 17 + random.below(900), j: 17 + random.below(900), k: 1 + random.below(900) };
        let split = split(random);
        let estimate = Estimate::of(&Layer::Product(layer), split, &Fixes::default()).expect("an estimate");
        let [i, j, k] = [0, 1, 2].map(|dimension| 16 * estimate.tile[dimension]);
        let [whole_i, whole_j, whole_k] = [3, 4, 5].map(|dimension| estimate.tile[dimension]);
        let (mut wanted, mut count) = ([0; 3], 0);
        for (_, x) in tiles(whole_i, i) {
            for (_, y) in tiles(whole_j, j) {
                wanted[2] += cdiv(4 * y, y.min(16)) * cdiv(x, x.min(16));
                for (_, z) in tiles(whole_k, k) {
                    wanted[0] += cdiv(z, z.min(16)) * x;
                    wanted[1] += cdiv(y, y.min(16)) * z;
                    count += 1;
                }
            }
        }
        let found = [Some(estimate.load_a), estimate.load_b, estimate.load_d];
        assert_eq!((found, estimate.inner_tiles), (wanted.map(Some), count), "{layer:?} {split:?}");
    }
}

#[test]
fn the_tile_of_an_addition_is_shrunk_one_by_one() {
    let random = &mut MersenneTwister::new(3);
    for _ in 0..at_least(CASES) {
        let layer = Addition { i: 8 + random.below(3_000), j: 8 + random.below(3_000) };
        let split = split(random);
        let estimate = Estimate::of(&Layer::Addition(layer), split, &Fixes::default()).expect("an estimate");
        let cores = i64::from(split.tiles);
        let (mut i, mut j) = (i64::from(layer.i / split.batch_divide), i64::from(layer.j));
        if cores > 1 && i % cores == 0 {
            i /= cores
        } else {
            j /= cores
        }
        let (tile_i, mut tile_j) = (i.min(64), j);
        while blocks(tile_i) * 16 * blocks(tile_j) > 1_024 {
            tile_j -= 1;
        }
        assert_eq!(estimate.tile, [tile_i, tile_j], "{layer:?} {split:?}");
        assert_eq!(estimate.inner_tiles, cdiv(i, tile_i) * cdiv(j, tile_j), "{layer:?} {split:?}");
    }
}

#[test]
fn sums_of_poolings_are_those_of_the_nested_loops() {
    let random = &mut MersenneTwister::new(4);
    let mut estimated = 0;
    for _ in 0..at_least(CASES) {
        let in_dim = 1 + random.below(70);
        let layer = Pooling {
            batch: pick(random, &[1, 1, 2, 3]),
            in_dim,
            channels: pick(random, &[8, 16, 48, 63, 64, 65, 100, 200]),
            out_dim: 1 + random.below(in_dim),
            size: pick(random, &[1, 2, 3, 5]),
            stride: pick(random, &[1, 1, 2, 3]),
            padding: pick(random, &[0, 0, 1, 2]),
        };
        let split = split(random);
        for fixes in [Fixes::default(), Fixes::all()] {
            let Ok(estimate) = Estimate::of(&Layer::Pooling(layer), split, &fixes) else { continue };
            let found = (estimate.load_a, estimate.prediction, estimate.inner_tiles);
            assert_eq!(found, pooling(&layer, split, &estimate.tile, fixes.own_cuts), "{layer:?} {split:?}");
            estimated += 1;
        }
    }
    assert!(estimated > at_least(CASES), "{estimated}");
}

/// Loads, prediction and number of tiles of a pooling.
fn pooling(layer: &Pooling, split: Split, tile: &[i64], own_cuts: bool) -> (i64, u64, i64) {
    let [in_dim, size, stride, padding] =
        [layer.in_dim, layer.size, layer.stride, layer.padding].map(i64::from);
    let (cores, out_dim) = (i64::from(split.tiles), i64::from(layer.out_dim));
    let by_rows = cores > 1 && layer.channels < 64;
    let rows = if by_rows { out_dim / cores } else { out_dim };
    let first = if by_rows { rows * i64::from(split.tile_index % split.tiles) } else { 0 };
    let channels = i64::from(layer.channels) / if by_rows { 1 } else { cores };
    let (mut loads, mut operations, mut count) = (0, 0, 0);
    for (_, b) in tiles(i64::from(layer.batch / split.batch_divide), tile[0]) {
        for (row, r) in tiles(rows, tile[1]) {
            for (col, c) in tiles(out_dim, tile[2]) {
                for (_, ch) in tiles(channels, tile[3]) {
                    let (tall, wide) = (r * stride + size - 1, c * stride + size - 1);
                    let cut = |start: i64, length: i64| {
                        let start = start * stride - padding;
                        (-start).max(0) + (start + length - in_dim).max(0)
                    };
                    let (of_rows, of_cols) = (cut(first + row, tall), cut(col, wide));
                    let (of_rows, of_cols) = if own_cuts { (of_rows, of_cols) } else { (of_cols, of_rows) };
                    loads += b * (wide - of_cols) * (tall - of_rows) * ch / 16;
                    operations += (b * r * c * ch / 16) * (size * size + 1);
                    count += 1;
                }
            }
        }
    }
    (loads, (loads + operations).max(0).unsigned_abs(), count)
}
