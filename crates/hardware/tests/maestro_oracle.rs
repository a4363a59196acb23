//! The corrected mode of the `maestro` cost model against a second implementation that shares
//! nothing with it: every step is executed, and what each processing element holds is a set of
//! elements. It is slow, and so literal that one can check it against the definition by reading.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use rtmm_hardware::CostError;
use rtmm_hardware::maestro::corrected::{Case, CorrectedCost, Memory, analyse};
use rtmm_hardware::maestro::dataflow::{Class, Dataflow, Dimension, Directive, Level};
use rtmm_hardware::maestro::mapping::{Extent, Loop, flatten};
use rtmm_testkit::cases::config;
use rtmm_workload::load::{Kind, open};
use rtmm_workload::{Convolution, Kernel, Layer, Nest, Operator, Shape};

// ---------------------------------------------------------------------------------------------
// The oracle.

/// Coordinates of one element: (n, g, c, row, column) of the inputs, (g, k, c, r, s) of the
/// weights, (n, g, k, y, x) of the outputs.
type Element = [u32; 5];

/// Elements of the three tensors: inputs, weights, outputs.
type Held = [BTreeSet<Element>; 3];

const INPUT: usize = 0;
const WEIGHT: usize = 1;
const OUTPUT: usize = 2;

/// An interval of each extent, at the position `extent as usize`.
type Tile = [Range<u32>; 8];

/// A processing element: its unit's number in every spatial loop.
type Place = Vec<u32>;

/// One iteration of all loops.
struct Step {
    /// The iteration of each loop, outermost first.
    iteration: Vec<u32>,
    /// The processing elements that hold something.
    tiles: BTreeMap<Place, Tile>,
}

/// Batch and groups as outermost loops; in a depthwise nest C runs over the groups.
fn all_loops(loops: &[Loop], nest: &Nest) -> Vec<Loop> {
    let depthwise = nest.groups > 1 && nest.input_channels == 1;
    let mut all = vec![Loop { extent: Extent::Batch, size: 1, units: 1 }];
    if !depthwise {
        all.push(Loop { extent: Extent::Group, size: 1, units: 1 });
    }
    for one in loops {
        let mut one = *one;
        if depthwise && one.extent == Extent::Input {
            one.extent = Extent::Group;
        }
        all.push(one);
    }
    all
}

/// All extents uncut.
fn whole(nest: &Nest) -> Tile {
    let mut tile = [const { 0..0 }; 8];
    for (extent, end) in [
        (Extent::Batch, nest.batch),
        (Extent::Group, nest.groups),
        (Extent::Output, nest.output_channels),
        (Extent::Input, nest.input_channels),
        (Extent::Row, nest.output[0]),
        (Extent::FilterRow, nest.filter[0]),
        (Extent::Column, nest.output[1]),
        (Extent::FilterColumn, nest.filter[1]),
    ] {
        tile[extent as usize] = 0..end;
    }
    tile
}

/// All steps in order.
fn steps(loops: &[Loop], nest: &Nest) -> Vec<Step> {
    let mut steps = Vec::new();
    walk(loops, Vec::new(), BTreeMap::from([(Vec::new(), whole(nest))]), &mut steps);
    steps
}

fn walk(loops: &[Loop], iteration: Vec<u32>, tiles: BTreeMap<Place, Tile>, steps: &mut Vec<Step>) {
    let Some((outermost, inner)) = loops.split_first() else {
        steps.push(Step { iteration, tiles });
        return;
    };
    let cut = outermost.extent as usize;
    let largest = tiles.values().map(|tile| tile[cut].end - tile[cut].start).max().unwrap_or(1);
    let size = outermost.size.min(largest);
    for index in 0..largest.div_ceil(size * outermost.units) {
        let mut parts = BTreeMap::new();
        for (place, tile) in &tiles {
            for unit in 0..outermost.units {
                let start = tile[cut].start + (index * outermost.units + unit) * size;
                let end = tile[cut].end.min(start + size);
                // An element without a part here has none in the loops within either.
                if start < end {
                    let mut place = place.clone();
                    if outermost.units > 1 {
                        place.push(unit);
                    }
                    let mut part = tile.clone();
                    part[cut] = start..end;
                    parts.insert(place, part);
                }
            }
        }
        let mut iteration = iteration.clone();
        iteration.push(index);
        walk(inner, iteration, parts, steps);
    }
}

fn volume(tile: &Tile) -> u64 {
    tile.iter().map(|range| u64::from(range.end - range.start)).product()
}

/// The input rows (axis 0) or columns (axis 1) that outputs and filter taps touch.
fn touched(nest: &Nest, axis: usize, outputs: Range<u32>, taps: Range<u32>) -> BTreeSet<u32> {
    let mut positions = BTreeSet::new();
    for output in outputs {
        for tap in taps.clone() {
            let padded = output * nest.stride[axis] + tap * nest.dilation[axis];
            // What lies on the border is not stored.
            if padded >= nest.padding[axis] && padded - nest.padding[axis] < nest.input[axis] {
                positions.insert(padded - nest.padding[axis]);
            }
        }
    }
    positions
}

/// The elements of a tile.
fn elements(nest: &Nest, tile: &Tile) -> Held {
    let of = |extent: Extent| tile[extent as usize].clone();
    let rows = touched(nest, 0, of(Extent::Row), of(Extent::FilterRow));
    let columns = touched(nest, 1, of(Extent::Column), of(Extent::FilterColumn));
    let mut held = Held::default();
    for g in of(Extent::Group) {
        for n in of(Extent::Batch) {
            for c in of(Extent::Input) {
                for &row in &rows {
                    held[INPUT].extend(columns.iter().map(|&column| [n, g, c, row, column]));
                }
            }
            for k in of(Extent::Output) {
                for y in of(Extent::Row) {
                    held[OUTPUT].extend(of(Extent::Column).map(|x| [n, g, k, y, x]));
                }
            }
        }
        for k in of(Extent::Output) {
            for c in of(Extent::Input) {
                for r in of(Extent::FilterRow) {
                    held[WEIGHT].extend(of(Extent::FilterColumn).map(|s| [g, k, c, r, s]));
                }
            }
        }
    }
    held
}

fn absorb(into: &mut Held, from: &Held) {
    for (into, from) in into.iter_mut().zip(from) {
        into.extend(from);
    }
}

/// How many elements `now` has that `before` has not.
fn added(now: &BTreeSet<Element>, before: &BTreeSet<Element>) -> u64 {
    now.difference(before).count() as u64
}

/// What moves between a buffer and what is above it, as the buffer passes through its states.
struct Traffic {
    /// At each state, the elements of each tensor that come in; of the outputs, partial sums.
    incoming: Vec<[u64; 3]>,
    /// At each state, the outputs that the state before held and this one does not.
    outgoing: Vec<u64>,
    /// The outputs held last.
    drain: u64,
}

impl Traffic {
    fn of(states: &[Held]) -> Self {
        let mut traffic = Self { incoming: Vec::new(), outgoing: Vec::new(), drain: 0 };
        let mut before = Held::default();
        let mut outputs_seen = BTreeSet::new();
        for now in states {
            let partial_sums = now[OUTPUT]
                .iter()
                .filter(|output| !before[OUTPUT].contains(*output) && outputs_seen.contains(*output));
            traffic.incoming.push([
                added(&now[INPUT], &before[INPUT]),
                added(&now[WEIGHT], &before[WEIGHT]),
                partial_sums.count() as u64,
            ]);
            traffic.outgoing.push(added(&before[OUTPUT], &now[OUTPUT]));
            outputs_seen.extend(now[OUTPUT].iter().copied());
            before.clone_from(now);
        }
        traffic.drain = before[OUTPUT].len() as u64;
        traffic
    }

    fn reads(&self) -> [u64; 3] {
        [INPUT, WEIGHT, OUTPUT].map(|tensor| self.incoming.iter().map(|incoming| incoming[tensor]).sum())
    }

    fn writes(&self) -> u64 {
        self.outgoing.iter().sum::<u64>() + self.drain
    }
}

/// What counting says of one nest.
#[derive(Clone, Debug, PartialEq)]
struct Counts {
    macs: u64,
    steps: u64,
    cycles: u64,
    compute_cycles: u64,
    l1_fills: [u64; 2],
    l2_reads: [u64; 3],
    l2_writes: u64,
    dram_reads: [u64; 3],
    dram_writes: u64,
}

/// One step as [`Case`] has it: outermost loop that moved, compute, ingress, egress, cycles.
type CaseKey = (Option<usize>, u64, u64, u64, u64);

/// Executes the nest. `boundary` loops are outside of the shared buffer.
fn count(all: &[Loop], nest: &Nest, bandwidth: u64, boundary: usize) -> (Counts, BTreeMap<CaseKey, u64>) {
    let steps = steps(all, nest);

    let (mut macs, mut l1_fills) = (0, [0; 2]);
    let mut compute = Vec::new();
    let mut array = Vec::new();
    // By iteration of the loops outside of the shared buffer; their order is that of time.
    let mut shared: BTreeMap<Vec<u32>, Held> = BTreeMap::new();
    let mut before: BTreeMap<Place, Held> = BTreeMap::new();
    for step in &steps {
        macs += step.tiles.values().map(volume).sum::<u64>();
        compute.push(step.tiles.values().map(volume).max().unwrap_or(0));
        let now: BTreeMap<Place, Held> =
            step.tiles.iter().map(|(place, tile)| (place.clone(), elements(nest, tile))).collect();
        let nothing = Held::default();
        let mut union = Held::default();
        for (place, held) in &now {
            let old = before.get(place).unwrap_or(&nothing);
            for tensor in [INPUT, WEIGHT] {
                l1_fills[tensor] += added(&held[tensor], &old[tensor]);
            }
            absorb(&mut union, held);
        }
        absorb(shared.entry(step.iteration[..boundary].to_vec()).or_default(), &union);
        array.push(union);
        before = now;
    }

    let l2 = Traffic::of(&array);
    let dram = Traffic::of(&shared.into_values().collect::<Vec<_>>());
    let mut cycles = 0;
    let mut cases = BTreeMap::new();
    for index in 0..steps.len() {
        let (compute, egress) = (compute[index], l2.outgoing[index]);
        let ingress: u64 = l2.incoming[index].iter().sum();
        let (fill, spill) = (ingress.div_ceil(bandwidth), egress.div_ceil(bandwidth));
        // Nothing to work on while the first tile arrives.
        let step = if index == 0 { fill + compute } else { compute.max(fill).max(spill) };
        let moved = index.checked_sub(1).and_then(|last| {
            let (last, now) = (&steps[last].iteration, &steps[index].iteration);
            (0..all.len()).find(|&one| last[one] != now[one])
        });
        cycles += step;
        *cases.entry((moved, compute, ingress, egress, step)).or_insert(0) += 1;
    }
    let counts = Counts {
        macs,
        steps: steps.len() as u64,
        cycles: cycles + l2.drain.div_ceil(bandwidth),
        compute_cycles: compute.iter().sum(),
        l1_fills,
        l2_reads: l2.reads(),
        l2_writes: l2.writes(),
        dram_reads: dram.reads(),
        dram_writes: dram.writes(),
    };
    (counts, cases)
}

/// Room that a buffer needs.
#[derive(Clone, Debug, PartialEq)]
struct Room {
    /// Elements of the three tensors.
    tile: [u64; 3],
    /// 2 where the next tile arrives while this one is in use.
    copies: u64,
}

impl Room {
    fn bytes(&self, element_bytes: u64) -> u64 {
        self.copies * self.tile.iter().sum::<u64>() * element_bytes
    }
}

/// Elements of the three tensors in a tile, with input rows and columns counted as if there were
/// no border.
fn footprint<'t>(nest: &Nest, tiles: impl Iterator<Item = &'t Tile>) -> [u64; 3] {
    let mut positions: [BTreeSet<u32>; 8] = Default::default();
    for tile in tiles {
        for (positions, range) in positions.iter_mut().zip(tile) {
            positions.extend(range.clone());
        }
    }
    let of = |extent: Extent| positions[extent as usize].len() as u64;
    let inputs = |axis: usize, outputs: Extent, taps: Extent| {
        let [stride, dilation, input] =
            [nest.stride, nest.dilation, nest.input].map(|pair| u64::from(pair[axis]));
        let joined = |extent: Extent| {
            let positions = &positions[extent as usize];
            let ends = positions.first().zip(positions.last());
            ends.is_some_and(|(first, last)| u64::from(last - first) + 1 == of(extent))
        };
        let contiguous = joined(outputs) && joined(taps);
        let pairs = of(outputs) * of(taps);
        if contiguous {
            let touched: BTreeSet<u64> = (0..of(outputs))
                .flat_map(|output| (0..of(taps)).map(move |tap| output * stride + tap * dilation))
                .collect();
            (touched.len() as u64).min(input)
        } else {
            pairs.min(input)
        }
    };
    let (n, g, k, c) = (of(Extent::Batch), of(Extent::Group), of(Extent::Output), of(Extent::Input));
    let rows = inputs(0, Extent::Row, Extent::FilterRow);
    let columns = inputs(1, Extent::Column, Extent::FilterColumn);
    [
        n * g * c * rows * columns,
        g * k * c * of(Extent::FilterRow) * of(Extent::FilterColumn),
        n * g * k * of(Extent::Row) * of(Extent::Column),
    ]
}

/// What the shared buffer needs for each boundary, from no loop outside of it to all.
fn shared_rooms(nest: &Nest, all: &[Loop], steps: &[Step]) -> Vec<Room> {
    (0..=all.len())
        .map(|boundary| {
            let first =
                steps.iter().filter(|step| step.iteration[..boundary].iter().all(|&index| index == 0));
            let iterations: BTreeSet<&[u32]> = steps.iter().map(|step| &step.iteration[..boundary]).collect();
            Room {
                tile: footprint(nest, first.flat_map(|step| step.tiles.values())),
                copies: if iterations.len() > 1 { 2 } else { 1 },
            }
        })
        .collect()
}

/// What a processing element's buffer needs.
fn private_room(nest: &Nest, steps: &[Step]) -> Room {
    let largest = steps[0].tiles.values().max_by_key(|tile| volume(tile));
    Room { tile: footprint(nest, largest.into_iter()), copies: if steps.len() > 1 { 2 } else { 1 } }
}

// ---------------------------------------------------------------------------------------------
// The oracle, by hand.

/// One channel, one row: a filter of `taps` over `input` columns, stride 1.
fn one_dimension(outputs: u32, taps: u32, padding: u32, input: u32) -> Nest {
    Nest {
        batch: 1,
        groups: 1,
        output_channels: 1,
        input_channels: 1,
        output: [1, outputs],
        filter: [1, taps],
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, padding],
        input: [1, input],
    }
}

fn one(extent: Extent, size: u32, units: u32) -> Loop {
    Loop { extent, size, units }
}

/// Four outputs on two elements, three taps, a border of one:
///
/// ```text
/// step  outputs  tap  input columns       new inputs  new weights  outputs that left
///   0    0 1      0   border, 0            0           0            -
///   1    0 1      1   0, 1                 1           1            -
///   2    0 1      2   1, 2                 2           2            -
///   3    2 3      0   1, 2                 -           0            0 1
///   4    2 3      1   2, 3                 3           1            -
///   5    2 3      2   3, border            -           2            -
/// ```
#[test]
fn outputs_over_units() {
    let nest = one_dimension(4, 3, 1, 4);
    let all = all_loops(&[one(Extent::Column, 1, 2), one(Extent::FilterColumn, 1, 1)], &nest);
    let expected = Counts {
        macs: 12,
        steps: 6,
        // 2 + 1 to begin with; then new elements bind, at step 3 the 2 outputs that leave, at
        // step 5 one weight or one multiply-accumulate; 2 outputs at the end.
        cycles: 3 + 2 + 2 + 2 + 2 + 1 + 2,
        compute_cycles: 6,
        // Inputs: 1, 2, 2, none (both elements have theirs from the step before), 2, 1.
        l1_fills: [8, 12],
        l2_reads: [4, 6, 0],
        l2_writes: 4,
        dram_reads: [4, 3, 0],
        dram_writes: 4,
    };
    assert_eq!(count(&all, &nest, 1, 0).0, expected);
    // By fold of the outputs: columns 0 1 2, then 1 2 3; the weights stay.
    assert_eq!(count(&all, &nest, 1, 3).0, expected);
    // By step: the weights pass twice.
    assert_eq!(count(&all, &nest, 1, 4).0, Counts { dram_reads: [4, 6, 0], ..expected });
    let steps = steps(&all, &nest);
    let rooms = shared_rooms(&nest, &all, &steps);
    let room = |tile, copies| Room { tile, copies };
    let uncut = room([4, 3, 4], 1);
    // Two outputs see 4 columns where no border cuts them, of which there are 4.
    let fold = room([4, 3, 2], 2);
    assert_eq!(rooms, [uncut.clone(), uncut.clone(), uncut, fold, room([2, 1, 2], 2)]);
    assert_eq!(private_room(&nest, &steps), room([1, 1, 1], 2));
}

/// Two outputs, two taps, taps outside: the outputs leave and come back.
///
/// ```text
/// step  tap  output  input  new: input, weight, partial sum; left
///   0    0     0       0         1      1       -             -
///   1    0     1       1         1      -       -             1
///   2    1     0       1         -      1       1             1
///   3    1     1       2         1      -       1             1
/// ```
#[test]
fn partial_sums_return() {
    let nest = one_dimension(2, 2, 0, 3);
    let all = all_loops(&[one(Extent::FilterColumn, 1, 1), one(Extent::Column, 1, 1)], &nest);
    let expected = Counts {
        macs: 4,
        steps: 4,
        cycles: 3 + 1 + 2 + 2 + 1,
        compute_cycles: 4,
        l1_fills: [3, 2],
        l2_reads: [3, 2, 2],
        l2_writes: 4,
        dram_reads: [3, 2, 2],
        dram_writes: 4,
    };
    assert_eq!(count(&all, &nest, 1, 4).0, expected);
    // By tap: both outputs stay, columns 0 1, then 1 2.
    assert_eq!(count(&all, &nest, 1, 3).0, Counts { dram_reads: [3, 2, 0], dram_writes: 2, ..expected });
    let cases = BTreeMap::from([
        ((None, 1, 2, 0, 3), 1),
        ((Some(3), 1, 1, 1, 1), 1),
        ((Some(2), 1, 2, 1, 2), 1),
        ((Some(3), 1, 2, 1, 2), 1),
    ]);
    assert_eq!(count(&all, &nest, 1, 4).1, cases);
}

/// Seven outputs in tiles of 2 on two elements, then one at a time:
///
/// ```text
/// step  fold  element 0  element 1
///   0    0       0          2
///   1    0       1          3
///   2    1       4          6
///   3    1       5          -
/// ```
#[test]
fn uneven_tiles_leave_elements_idle() {
    let nest = one_dimension(7, 1, 0, 7);
    let all = all_loops(&[one(Extent::Column, 2, 2), one(Extent::Column, 1, 1)], &nest);
    let steps = steps(&all, &nest);
    let columns: Vec<Vec<u32>> = steps
        .iter()
        .map(|step| step.tiles.values().map(|tile| tile[Extent::Column as usize].start).collect())
        .collect();
    assert_eq!(columns, [vec![0, 2], vec![1, 3], vec![4, 6], vec![5]]);
    let (counts, _) = count(&all, &nest, 2, 4);
    assert_eq!((counts.macs, counts.steps, counts.compute_cycles), (7, 4, 4));
    // The only weight stays in both elements.
    assert_eq!((counts.l1_fills, counts.l2_reads, counts.l2_writes), ([7, 2], [7, 1, 0], 7));
    // Step 0: 3 elements at 2 a cycle, then 1; steps 1 and 2: 1 each; step 3: 2 outputs leave; the end.
    assert_eq!(counts.cycles, 3 + 1 + 1 + 1 + 1);
    // Columns 0 and 2: no interval.
    assert_eq!(shared_rooms(&nest, &all, &steps)[4].tile, [2, 1, 2]);
}

/// Five outputs in tiles of 4, then of 3: the last tile of the outer loop is cut once, not twice.
#[test]
fn iterations_follow_the_last_tile() {
    let nest = one_dimension(5, 1, 0, 5);
    let all = all_loops(&[one(Extent::Column, 4, 1), one(Extent::Column, 3, 1)], &nest);
    let tiles: Vec<Range<u32>> = steps(&all, &nest)
        .iter()
        .flat_map(|step| step.tiles.values().map(|tile| tile[Extent::Column as usize].clone()))
        .collect();
    assert_eq!(tiles, [0..3, 3..4, 4..5]);
}

// ---------------------------------------------------------------------------------------------
// Random nests, mappings and memories.

/// One axis of a convolution: filter, stride, dilation, padding, input, output.
fn axis() -> impl Strategy<Value = [u32; 6]> {
    // Strides and dilations of 1 leave the most outputs, a few of them longer than any tile of the
    // built-in dataflows.
    let stride = prop_oneof![2 => Just(1u32), 1 => 2..=3u32];
    let dilation = prop_oneof![2 => Just(1u32), 1 => Just(2u32)];
    let input = prop_oneof![20 => 1..=7u32, 1 => 8..=20u32];
    (1..=4u32, stride, dilation, input, any::<Index>(), prop::option::weighted(0.2, 1..=7u32))
        .prop_filter_map("a filter within its input", |(filter, stride, dilation, input, padding, output)| {
            let reach = dilation * (filter - 1) + 1;
            // Some windows see nothing but padding.
            let padding = padding.index(reach as usize + 2) as u32;
            let slack = (input + 2 * padding).checked_sub(reach)?;
            // Some outputs are not what the input has room for: nests of transposed convolutions
            // end sooner, or on windows that reach far out.
            let output = output.unwrap_or(slack / stride + 1);
            Some([filter, stride, dilation, padding, input, output])
        })
}

/// Groups, output and input channels of a group.
fn channels() -> impl Strategy<Value = [u32; 3]> {
    prop_oneof![
        8 => (1..=8u32, 1..=8u32).prop_map(|(k, c)| [1, k, c]),
        // More than the built-in dataflows have units for.
        1 => (1..=36u32, 1..=4u32).prop_map(|(k, c)| [1, k, c]),
        1 => (1..=4u32, 1..=36u32).prop_map(|(k, c)| [1, k, c]),
        1 => (9..=36u32, 1..=2u32).prop_map(|(g, k)| [g, k, 1]),
        4 => (2..=8u32, 1..=3u32).prop_map(|(g, k)| [g, k, 1]),
        4 => (2..=3u32, 1..=4u32, 1..=4u32).prop_map(<[u32; 3]>::from),
    ]
}

fn convolution() -> impl Strategy<Value = Nest> {
    (1..=2u32, channels(), axis(), axis()).prop_map(
        |(batch, [groups, output_channels, input_channels], rows, columns)| {
            let pair = |index: usize| [rows[index], columns[index]];
            Nest {
                batch,
                groups,
                output_channels,
                input_channels,
                filter: pair(0),
                stride: pair(1),
                dilation: pair(2),
                padding: pair(3),
                input: pair(4),
                output: pair(5),
            }
        },
    )
}

/// One of the nests of a transposed convolution.
fn transposed() -> impl Strategy<Value = Nest> {
    let pair = |range: std::ops::RangeInclusive<u32>| [range.clone(), range];
    (channels(), pair(1..=4), pair(1..=4), pair(1..=3), pair(0..=3), any::<Index>()).prop_filter_map(
        "a transposed convolution",
        |([groups, output_channels, input_channels], [height, width], kernel, stride, padding, which)| {
            let layer = Layer::new(
                "transposed",
                Operator::Convolution(Convolution {
                    input: Shape { channels: groups * input_channels, height, width },
                    output_channels: groups * output_channels,
                    kernel,
                    stride,
                    padding: padding.into(),
                    output_padding: [0, 0],
                    dilation: [1, 1],
                    groups,
                    transposed: true,
                }),
            );
            let nests: Vec<Nest> = layer
                .kernels()
                .ok()?
                .iter()
                .filter_map(|repeated| match repeated.kernel {
                    Kernel::Nest(nest) => Some(nest),
                    Kernel::Vector(_) => None,
                })
                .collect();
            (!nests.is_empty()).then(|| *which.get(&nests))
        },
    )
}

fn gemm() -> impl Strategy<Value = Nest> {
    (1..=2u32, 1..=3u32, 1..=7u32, 1..=8u32, 1..=8u32).prop_map(|(batch, groups, rows, inner, columns)| {
        Nest { batch, ..Nest::gemm(groups, rows, inner, columns) }
    })
}

fn nest() -> impl Strategy<Value = Nest> {
    prop_oneof![6 => convolution(), 1 => transposed(), 1 => gemm()]
        .prop_filter("few enough to execute", |nest| nest.macs() <= 30_000)
}

/// A built-in dataflow on 1 to 4 of its outermost clusters.
fn built_in() -> impl Strategy<Value = Vec<Loop>> {
    (prop::sample::select(vec!["ws", "os", "rs"]), 1..=4u32).prop_filter_map("a rule", |(name, clusters)| {
        let dataflow =
            Dataflow::parse(name, &open(Kind::Dataflow, name, None).ok()?, rtmm_hardware::Mode::Corrected)
                .ok()?;
        flatten(&dataflow, clusters * u32::try_from(dataflow.cluster_elements()).ok()?).ok()
    })
}

/// Some of the dimensions in some order, one of them over the units.
fn level() -> impl Strategy<Value = Level> {
    let dimensions = prop::sample::subsequence(Dimension::ALL.to_vec(), 1..=6).prop_shuffle();
    (dimensions, prop::collection::vec(prop_oneof![1..=5u32, Just(1u32)], 6), any::<Index>()).prop_map(
        |(dimensions, sizes, spatial)| {
            let spatial = spatial.index(dimensions.len());
            let directives =
                dimensions.into_iter().zip(sizes).enumerate().map(|(index, (dimension, size))| Directive {
                    class: if index == spatial { Class::Spatial } else { Class::Temporal },
                    size,
                    offset: size,
                    dimension,
                    primed: matches!(dimension, Dimension::X | Dimension::Y),
                });
            Level { directives: directives.collect() }
        },
    )
}

/// A dataflow that a user could write.
fn user() -> impl Strategy<Value = Vec<Loop>> {
    let levels = prop::collection::vec(level(), 1..=3);
    (levels, prop::collection::vec(1..=4u32, 3), any::<bool>()).prop_filter_map(
        "no dimension over units twice",
        |(mut levels, units, recut)| {
            if recut {
                cut_units(&mut levels);
            }
            let clusters = units[1..levels.len()].to_vec();
            let elements = units[..levels.len()].iter().product();
            flatten(&Dataflow { name: "user".to_owned(), levels, clusters }, elements).ok()
        },
    )
}

/// Cuts what the outermost level spreads over its units once more within: the units then hold
/// positions with gaps between them, which is rare in a random dataflow.
fn cut_units(levels: &mut [Level]) {
    let [first, .., last] = levels else { return };
    let Some(spread) = first.directives.iter_mut().find(|one| one.class == Class::Spatial) else { return };
    if last.directives.iter().all(|one| one.dimension != spread.dimension) {
        spread.size = spread.size.clamp(2, 3);
        spread.offset = spread.size;
        last.directives.push(Directive { class: Class::Temporal, size: 1, offset: 1, ..*spread });
    }
}

/// Elements a cycle; bytes of an element.
fn rates() -> impl Strategy<Value = (u64, u64)> {
    (prop_oneof![1..=4u64, 1..=64u64], prop::sample::select(vec![1, 2, 4]))
}

// ---------------------------------------------------------------------------------------------
// The comparison.

fn own() -> impl Strategy<Value = Own> {
    prop::sample::select(vec![Own::Unbounded, Own::Sufficient, Own::TooSmall])
}

/// So that all tests together take a few seconds.
const DEFAULT_CASES: u32 = 500;

/// Compares every count. `outside` picks a boundary; the shared buffer is just large enough for it.
fn compare_counts(
    nest: &Nest,
    loops: &[Loop],
    (noc_bandwidth, element_bytes): (u64, u64),
    outside: Option<Index>,
) -> Result<(), TestCaseError> {
    let all = all_loops(loops, nest);
    let rooms = shared_rooms(nest, &all, &steps(&all, nest));
    let l2_bytes = outside.map(|outside| outside.get(&rooms).bytes(element_bytes));
    let memory = Memory { noc_bandwidth, l1_bytes: None, l2_bytes, element_bytes };
    let mut cases = BTreeMap::new();
    let cost = analyse(loops, nest, &memory, |case: &Case| {
        let key = (case.prime, case.compute, case.ingress, case.egress, case.cycles);
        *cases.entry(key).or_insert(0) += case.steps;
    });
    let cost = cost.map_err(|error| TestCaseError::fail(format!("{error} with {memory:?}")))?;
    let CorrectedCost {
        macs,
        steps,
        cycles,
        compute_cycles,
        l1_fills,
        l2_reads,
        l2_writes,
        dram_reads,
        dram_writes,
        l2_boundary,
        ..
    } = cost;
    let counts = Counts {
        macs,
        steps,
        cycles,
        compute_cycles,
        l1_fills,
        l2_reads,
        l2_writes,
        dram_reads,
        dram_writes,
    };
    let (expected, expected_cases) = count(&all, nest, noc_bandwidth, l2_boundary);
    prop_assert_eq!(expected.macs, nest.macs());
    prop_assert_eq!(&counts, &expected, "fast, then slow, with {:?}, boundary {}", memory, l2_boundary);

    // The cases are the steps: all of them, and all cycles but those of the last outputs.
    let drain = expected.l2_writes
        - expected_cases.iter().map(|((.., egress, _), steps)| egress * steps).sum::<u64>();
    prop_assert_eq!(cases.values().sum::<u64>(), steps);
    prop_assert_eq!(
        cases.iter().map(|((.., cycles), steps)| cycles * steps).sum::<u64>(),
        cycles - drain.div_ceil(noc_bandwidth)
    );
    prop_assert_eq!(cases, expected_cases, "fast, then slow, with {:?}", memory);
    Ok(())
}

/// How large the elements' own buffer is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Own {
    Unbounded,
    Sufficient,
    /// By a byte.
    TooSmall,
}

/// Compares what fits where, for shared buffers just large enough for each boundary, and a byte
/// smaller.
fn compare_rooms(
    nest: &Nest,
    loops: &[Loop],
    (noc_bandwidth, element_bytes): (u64, u64),
    own: Own,
) -> Result<(), TestCaseError> {
    let all = all_loops(loops, nest);
    let steps = steps(&all, nest);
    let rooms = shared_rooms(nest, &all, &steps);
    let private = private_room(nest, &steps);
    let l1_bytes = match own {
        Own::Unbounded => None,
        Own::Sufficient => Some(private.bytes(element_bytes)),
        Own::TooSmall => Some(private.bytes(element_bytes) - 1),
    };
    let capacities: BTreeSet<u64> =
        rooms.iter().map(|room| room.bytes(element_bytes)).flat_map(|bytes| [bytes - 1, bytes]).collect();
    for l2_bytes in capacities.into_iter().map(Some).chain([None]) {
        let memory = Memory { noc_bandwidth, l1_bytes, l2_bytes, element_bytes };
        let fits = |room: &Room| l2_bytes.is_none_or(|capacity| room.bytes(element_bytes) <= capacity);
        let boundary = rooms.iter().position(fits);
        match (analyse(loops, nest, &memory, |_| {}), boundary) {
            (Ok(cost), Some(boundary)) if own != Own::TooSmall => {
                prop_assert_eq!(
                    cost.l2_boundary,
                    boundary,
                    "fast, then slow, with {:?}: {:?}",
                    memory,
                    rooms
                );
                prop_assert_eq!(cost.l2_tile, rooms[boundary].tile, "boundary {}", boundary);
                prop_assert_eq!(cost.l1_tile, private.tile);
            }
            (
                Err(CostError::BufferTooSmall { buffer, capacity, demand, input, weight, output, copies }),
                _,
            ) => {
                let (refused, room, given) = match buffer {
                    "L1" => (own == Own::TooSmall, &private, l1_bytes),
                    "L2" => (boundary.is_none(), &rooms[all.len()], l2_bytes),
                    other => return Err(TestCaseError::fail(format!("no such buffer: {other}"))),
                };
                prop_assert!(refused, "{} is large enough with {:?}", buffer, memory);
                prop_assert_eq!(Some(capacity), given);
                prop_assert_eq!(demand, room.bytes(element_bytes));
                prop_assert_eq!([input, weight, output], room.tile.map(|elements| elements * element_bytes));
                prop_assert_eq!(copies, room.copies);
            }
            (other, _) => {
                return Err(TestCaseError::fail(format!(
                    "{other:?} with {memory:?}, where L1 needs {private:?} and L2 {rooms:?}"
                )));
            }
        }
    }
    Ok(())
}

/// What a buffer is said to need is enough for what it holds at any time.
fn rooms_suffice(nest: &Nest, loops: &[Loop]) -> Result<(), TestCaseError> {
    let all = all_loops(loops, nest);
    let steps = steps(&all, nest);
    let lengths = |held: &Held| [INPUT, WEIGHT, OUTPUT].map(|tensor| held[tensor].len() as u64);
    let within =
        |held: &Held, room: &Room| lengths(held).iter().zip(&room.tile).all(|(held, room)| held <= room);
    let private = private_room(nest, &steps);
    let mut array = Vec::new();
    for step in &steps {
        let mut union = Held::default();
        for tile in step.tiles.values() {
            let held = elements(nest, tile);
            prop_assert!(within(&held, &private), "{:?} in {:?}", lengths(&held), private);
            absorb(&mut union, &held);
        }
        array.push(union);
    }
    for (boundary, room) in shared_rooms(nest, &all, &steps).iter().enumerate() {
        let mut shared: BTreeMap<&[u32], Held> = BTreeMap::new();
        for (step, union) in steps.iter().zip(&array) {
            absorb(shared.entry(&step.iteration[..boundary]).or_default(), union);
        }
        for (iteration, held) in shared {
            prop_assert!(
                within(&held, room),
                "boundary {}, iteration {:?}: {:?} in {:?}",
                boundary,
                iteration,
                lengths(&held),
                room
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(DEFAULT_CASES))]

    #[test]
    fn counts_of_built_in_dataflows(
        nest in nest(), loops in built_in(), rates in rates(), outside in prop::option::weighted(0.8, any::<Index>()),
    ) {
        compare_counts(&nest, &loops, rates, outside)?;
    }

    #[test]
    fn counts_of_user_dataflows(
        nest in nest(), loops in user(), rates in rates(), outside in prop::option::weighted(0.8, any::<Index>()),
    ) {
        compare_counts(&nest, &loops, rates, outside)?;
    }

    #[test]
    fn rooms_of_built_in_dataflows(nest in nest(), loops in built_in(), rates in rates(), own in own()) {
        compare_rooms(&nest, &loops, rates, own)?;
    }

    #[test]
    fn rooms_of_user_dataflows(nest in nest(), loops in user(), rates in rates(), own in own()) {
        compare_rooms(&nest, &loops, rates, own)?;
    }

    #[test]
    fn rooms_suffice_for_built_in_dataflows(nest in nest(), loops in built_in()) {
        rooms_suffice(&nest, &loops)?;
    }

    #[test]
    fn rooms_suffice_for_user_dataflows(
        nest in nest(),
        loops in user(),
    ) {
        rooms_suffice(&nest, &loops)?;
    }
}
