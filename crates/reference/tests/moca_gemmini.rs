//! The `gemmini` cost model against the reference loop of MoCA, which is the published program to the integer.
//!
//! In its reference mode the model gives the program's table of predictions, but for calls that it cannot state. On random
//! layers both have the same tiles, rows and cycles; in the corrected mode as far as no quirk acts.
//!
//! `RTMM_CASES` sets the number of random layers of each kind.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use rtmm_hardware::gemmini::{Gemmini, GemminiParameters, InputFrom, Split};
use rtmm_hardware::{
    Condition, CostModel, DRAM, Explainer, LayerOf, Mode, Quantity, SHARED_CACHE, Surroundings,
};
use rtmm_reference::mersenne_twister::MersenneTwister;
use rtmm_reference::moca::{self, Estimate, Fixes, MocaError, Net, OfflineTable};
use rtmm_testkit::cases::at_least;
use rtmm_workload::{Convolution, Gemm, Layer, Operator, Shape};

/// Random layers of each kind.
const CASES: u64 = 1_500;
/// Bytes of a row.
const ROW: u64 = 16;

/// A cycle has 1000 picoseconds.
fn model(parameters: GemminiParameters, mode: Mode) -> Gemmini {
    Gemmini::new(parameters, Surroundings::new(1_000_000_000, mode)).expect("tiles")
}

/// The layer of this project that a call of the program is; none of a call that pools what it convolves, or that is
/// neither convolution nor product.
fn layer(call: &moca::Layer) -> Option<Layer> {
    let operator = match *call {
        moca::Layer::Convolution(call) if call.pool_stride == 1 && call.pool_size == 1 => {
            Operator::Convolution(Convolution {
                input: Shape { channels: call.in_channels, height: call.in_dim, width: call.in_dim },
                output_channels: call.out_channels,
                kernel: [call.kernel; 2],
                stride: [call.stride; 2],
                padding: [call.padding; 2].into(),
                output_padding: [0, 0],
                dilation: [call.dilation; 2],
                groups: 1,
                transposed: false,
            })
        }
        moca::Layer::Product(call) => Operator::Gemm(Gemm { rows: call.i, inner: call.k, columns: call.j }),
        _ => return None,
    };
    Some(Layer::new("call", operator))
}

/// Cycles, rows from DRAM, and rows of one of two cores: an entry of the table.
fn entry(model: &Gemmini, layer: &Layer) -> [u64; 3] {
    let work = model.work(LayerOf::from(layer), Condition::Profile).expect("a cost");
    let cycles = work.latency().picoseconds() / 1_000;
    [cycles, work.traffic[DRAM] / ROW, work.traffic[SHARED_CACHE] / ROW / 2]
}

/// 185 of 199 entries follow from the layer and from where its input is. Three are of first layers, whose input is read in
/// each pass even if the cache holds it, and five of AlexNet's products, the first two of which were computed whole and
/// halved. Six calls pool what they convolve, for which there is no layer here.
#[test]
fn the_table_of_predictions_is_reproduced() {
    let of = |input, cache_bytes| {
        let parameters = GemminiParameters { tiles: 2, input, cache_bytes, ..GemminiParameters::default() };
        model(parameters, Mode::Reference)
    };
    let cache_bytes = GemminiParameters::default().cache_bytes;
    let (from_cache, from_dram) = (of(InputFrom::Cache, cache_bytes), of(InputFrom::Dram, cache_bytes));
    let without_cache = of(InputFrom::Dram, 0);
    let (mut either, mut cached, mut read, mut first, mut pooled) = (0, 0, 0, 0, 0);
    for net in Net::ALL {
        let table = OfflineTable::of(net, &Fixes::default()).expect("a table");
        let is_tabled =
            |call: &&moca::Layer| matches!(call, moca::Layer::Convolution(_) | moca::Layer::Product(_));
        for (index, call) in net.facts().layers.iter().filter(is_tabled).enumerate() {
            if net == Net::Alexnet && matches!(call, moca::Layer::Product(_)) {
                continue;
            }
            let Some(layer) = layer(call) else {
                pooled += 1;
                continue;
            };
            let tabled = table.entry(index);
            let tabled = [tabled.prediction, tabled.from_dram, tabled.rows];
            match (entry(&from_cache, &layer) == tabled, entry(&from_dram, &layer) == tabled) {
                (true, true) => either += 1,
                (true, false) => cached += 1,
                (false, true) => read += 1,
                (false, false) => {
                    assert_eq!((index, entry(&without_cache, &layer)), (0, tabled), "{}", net.name());
                    first += 1;
                }
            }
        }
    }
    assert_eq!((either, cached, read, first, pooled), (20, 100, 65, 3, 6));

    let table = OfflineTable::of(Net::Alexnet, &Fixes::default()).expect("a table");
    let whole = [(4_096, 9_216), (4_096, 4_096), (1_000, 4_096)].map(|(columns, inner)| {
        let operator = Operator::Gemm(Gemm { rows: 1, inner, columns });
        entry(&from_cache, &Layer::new("product", operator))
    });
    let predictions = [whole[0][0] / 2, whole[0][0] / 2, whole[1][0] / 2, whole[1][0] / 2];
    for (index, prediction) in (5..).zip(predictions) {
        assert_eq!(table.entry(index).prediction, prediction, "{index}");
    }
    let columns = |index| [table.entry(index).from_dram, table.entry(index).rows];
    assert_eq!([columns(5), columns(6)], [whole[0], whole[1]].map(|[_, dram, rows]| [dram, rows]));
}

/// What the model says of one share of a layer.
#[derive(Debug, PartialEq, Eq)]
struct Account {
    tile: Vec<u64>,
    loads: [u64; 3],
    compute: u64,
}

fn account(model: &Gemmini, layer: &Layer) -> Account {
    let explainer = Explainer::of(model);
    let sections = explainer.explanation(layer.into()).expect("an account").sections;
    let number = |cell: &String| cell.parse().expect("a count");
    let mut report = Vec::new();
    explainer.report(layer.into(), &mut report).expect("a cost");
    let Quantity::Real(compute) = report[1] else { panic!("{report:?}") };
    Account {
        tile: sections[0].rows[0][1].split(" x ").map(|length| length.parse().expect("a length")).collect(),
        loads: [1, 2, 3].map(|column| number(&sections[2].rows[0][column])),
        compute: compute as u64,
    }
}

fn estimated(estimate: &Estimate) -> Account {
    let rows = |rows: Option<i64>| rows.unwrap_or(0).unsigned_abs();
    let lengths = if estimate.tile.len() == 7 && matches!(estimate.terms, Some(terms) if is_product(&terms)) {
        3
    } else {
        7
    };
    Account {
        tile: estimate.tile[..lengths].iter().map(|length| length.unsigned_abs()).collect(),
        loads: [Some(estimate.load_a), estimate.load_b, estimate.load_d].map(rows),
        compute: estimate.compute.unwrap_or(0),
    }
}

fn is_product(terms: &moca::Terms) -> bool {
    matches!(terms.passes, moca::Passes::Rows(_))
}

fn pick(random: &mut MersenneTwister, values: &[u32]) -> u32 {
    values[random.below(values.len() as u32) as usize]
}

/// A convolution without pooling whose output and channels `cores` divide.
fn convolution(random: &mut MersenneTwister, cores: u32) -> Option<moca::Convolution> {
    let kernel = pick(random, &[2, 3, 5, 7]);
    let [stride, dilation, padding] = [
        pick(random, &[1, 1, 1, 2, 4]),
        pick(random, &[1, 1, 2]),
        pick(random, &[0, 0, 1, 2, 3]).min(kernel - 1),
    ];
    let in_dim = 8 + random.below(100);
    let out_dim = (in_dim + 2 * padding).checked_sub((kernel - 1) * dilation + 1)? / stride + 1;
    let out_channels = pick(random, &[16, 24, 32, 45, 64, 96, 128, 200, 256]);
    let divides = out_dim.is_multiple_of(cores) && out_channels.is_multiple_of(16 * cores);
    (cores == 1 || divides).then_some(moca::Convolution {
        batch: 1,
        in_dim,
        in_channels: pick(random, &[1, 3, 15, 16, 17, 40, 64, 65, 130, 256, 512]),
        out_channels,
        out_dim,
        stride,
        dilation,
        padding,
        kernel,
        pool_size: 1,
        pool_stride: 1,
        pool_padding: 0,
        pool_ceil: false,
    })
}

/// The account of the program's leader, if it finds a tile.
fn of_leader(call: &moca::Layer, cores: u32) -> Option<Account> {
    let split = moca::Split { tiles: cores, batch_divide: 1, tile_index: 0 };
    match Estimate::of(call, split, &Fixes::default()) {
        Ok(estimate) => Some(estimated(&estimate)),
        Err(MocaError::NoTile | MocaError::TooManyRows { .. }) => None,
        Err(error) => panic!("{call:?}: {error}"),
    }
}

fn shares(cores: u32, mode: Mode) -> Gemmini {
    let split = if cores == 1 { Split::Even } else { Split::Shares };
    model(GemminiParameters { tiles: cores, split, ..GemminiParameters::default() }, mode)
}

#[test]
fn random_convolutions_have_the_programs_tiles_rows_and_cycles() {
    let mut random = MersenneTwister::new(12);
    let (mut same, mut corrected) = (0, 0);
    let cases = at_least(CASES);
    while same < cases {
        let cores = pick(&mut random, &[1, 1, 2, 4, 8]);
        let Some(call) = convolution(&mut random, cores) else { continue };
        let (call, of) = (moca::Layer::Convolution(call), call);
        let (Some(layer), Some(expected)) = (layer(&call), of_leader(&call, cores)) else { continue };
        assert_eq!(account(&shares(cores, Mode::Reference), &layer), expected, "{call:?} on {cores}");
        same += 1;
        // The quirks: a stride too many, offsets for extents where rows are not divided, one tile of three channels.
        if cores > 1 && of.padding == 0 && of.stride == 1 && of.in_channels >= 16 {
            assert_eq!(account(&shares(cores, Mode::Corrected), &layer), expected, "{call:?} on {cores}");
            corrected += 1;
        }
    }
    assert!(corrected > cases / 50, "{corrected}");
}

#[test]
fn random_products_have_the_programs_tiles_rows_and_cycles() {
    let mut random = MersenneTwister::new(21);
    for _ in 0..at_least(CASES) {
        let cores = pick(&mut random, &[1, 1, 2, 4, 8]);
        let part = pick(&mut random, &[16, 17, 40, 64, 100, 250]);
        let call = moca::Product {
            i: pick(&mut random, &[1, 8, 16 * cores, 3 * part * cores]),
            j: part * cores,
            k: 16 + random.below(1_500),
        };
        let call = moca::Layer::Product(call);
        let (Some(layer), Some(expected)) = (layer(&call), of_leader(&call, cores)) else { continue };
        for mode in [Mode::Reference, Mode::Corrected] {
            assert_eq!(account(&shares(cores, mode), &layer), expected, "{call:?} on {cores}");
        }
    }
}
