//! The `eyeriss_v2` cost model against the simulator of the Dysta artifact, against a walk over every
//! output and tap, and against bad input.
//!
//! `golden/eyeriss_v2_layers.json.gz`: what the artifact's layer class gives for layers with random
//! masks. `cycles_reference` is its own number, from single precision; `cycles_exact` the same in integers.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::io::Read;

use proptest::prelude::*;
use rtmm_hardware::eyeriss_v2::{LayerCost, Operands, Organisation, cost};
use rtmm_hardware::{Condition, CostError, Decoded, Explainer, LayerOf, Mode, Sparse, Work, load};
use rtmm_workload::{
    Attention, Convolution, Elementwise, Gemm, Kernel, Layer, Nest, Operator, Padding, Recurrent,
    RecurrentCell, Shape,
};
use serde_json::Value;

const GOLDEN: &[u8] = include_bytes!("golden/eyeriss_v2_layers.json.gz");

fn golden() -> Vec<Value> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(GOLDEN).read_to_string(&mut text).expect("the golden decompresses");
    let golden: Value = serde_json::from_str(&text).expect("the golden is JSON");
    let cases = golden["cases"].as_array().expect("cases").clone();
    assert_eq!(cases.len(), 180);
    cases
}

fn integer(case: &Value, key: &str) -> u64 {
    case[key].as_u64().unwrap_or_else(|| panic!("{key} of {case}"))
}

fn extent(case: &Value, key: &str) -> u32 {
    u32::try_from(integer(case, key)).expect("an extent")
}

fn real(case: &Value, key: &str) -> f64 {
    case[key].as_f64().unwrap_or_else(|| panic!("{key} of {case}"))
}

fn splitmix64(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn mask(elements: u64, seed: u64, density: f64) -> Vec<bool> {
    let draw = |index: u64| (splitmix64(index.wrapping_add(seed << 32)) >> 11) as f64 / (1_u64 << 53) as f64;
    (0..elements).map(|index| draw(index) < density).collect()
}

fn layer(operator: Operator) -> Layer {
    Layer::new("layer", operator)
}

fn nests(layer: &Layer) -> Vec<Nest> {
    let kernels = layer.kernels().expect("a legal layer");
    kernels.iter().filter_map(|repeated| repeated.kernel.nest().copied()).collect()
}

fn layer_of(case: &Value) -> Layer {
    let [cin, cout, h, w, k, groups] = ["cin", "cout", "h", "w", "k", "groups"].map(|key| extent(case, key));
    layer(match case["kind"].as_str() {
        Some("FC") => Operator::Gemm(Gemm { rows: 1, inner: cin, columns: cout }),
        _ => Operator::Convolution(Convolution {
            input: Shape { channels: cin, height: h, width: w },
            output_channels: cout,
            kernel: [k, k],
            stride: [1, 1],
            // Filters of one more column than the map need some, and the mode takes no notice.
            padding: [k / 2, k / 2].into(),
            output_padding: [0, 0],
            dilation: [1, 1],
            groups,
            transposed: false,
        }),
    })
}

fn masks_of(case: &Value, nest: &Nest) -> (Vec<bool>, Vec<bool>) {
    let weights = mask(nest.weight_elements(), integer(case, "w_seed"), real(case, "w_density"));
    let mut activations = mask(nest.input_elements(), integer(case, "a_seed"), real(case, "a_density"));
    let [dead_every, dead_rows] = ["dead_every", "dead_rows"].map(|key| integer(case, key) as usize);
    let columns = nest.input[1] as usize;
    for (channel, plane) in activations.chunks_mut(nest.input[0] as usize * columns).enumerate() {
        if dead_every > 0 && channel % dead_every == 0 {
            plane.fill(false);
        }
        plane[..dead_rows * columns].fill(false);
    }
    (weights, activations)
}

fn mapping(cost: &LayerCost) -> [(&'static str, u64); 13] {
    let m = cost.mapping;
    [
        ("R", m.r),
        ("C0", m.c0),
        ("E", m.e),
        ("F0", m.f0),
        ("M0", m.m0),
        ("C1", m.c1),
        ("F1", m.f1),
        ("S1", m.s1),
        ("M1", m.m1),
        ("M2", m.m2),
        ("F2", m.f2),
        ("C2", m.c2),
        ("S2", m.s2),
    ]
}

#[test]
fn every_recorded_layer_is_reproduced() {
    for case in golden() {
        let nest = nests(&layer_of(&case))[0];
        let (weights, activations) = masks_of(&case, &nest);
        let nonzeros = |mask: &[bool]| mask.iter().filter(|nonzero| **nonzero).count() as u64;
        assert_eq!(nonzeros(&weights), integer(&case, "w_nonzeros"), "{case}");
        assert_eq!(nonzeros(&activations), integer(&case, "act_nonzeros"), "{case}");
        let operands = Operands::Masks { weights: &weights, activations: &activations };
        let cost = cost(&Organisation::default(), &nest, operands, Mode::Reference).expect("a cost");
        for (name, value) in mapping(&cost) {
            assert_eq!(value, integer(&case["mapping"], name), "{name} of {case}");
        }
        assert_eq!(cost.mapping.passes, 1);
        assert_eq!(cost.dense_macs, integer(&case, "dense_macs"), "{case}");
        assert_eq!(cost.valid_macs, integer(&case, "valid_macs"), "{case}");
        assert_eq!(cost.rows, integer(&case, "nnz_rows"), "{case}");
        assert_eq!(cost.activation_checks, integer(&case, "act_check_cycles"), "{case}");
        assert_eq!(cost.row_cycles, integer(&case, "row_cycles"), "{case}");
        assert_eq!(cost.cycles, integer(&case, "cycles_exact"), "{case}");
        assert!(cost.cycles.abs_diff(integer(&case, "cycles_reference")) <= 1, "{case}");
    }
}

/// Densities in place of masks, where zeros are independent. The means are of the mask's own share of
/// nonzeros; what remains is where those fall, which matters the less the more there are.
#[test]
fn means_are_near_what_random_masks_give() {
    let mut errors = Vec::new();
    for case in golden() {
        if integer(&case, "dead_every") + integer(&case, "dead_rows") > 0 {
            continue;
        }
        let nest = nests(&layer_of(&case))[0];
        let nonzeros = ["w_nonzeros", "act_nonzeros"].map(|key| integer(&case, key) as f64);
        let operands = Operands::Density {
            weights: nonzeros[0] / nest.weight_elements() as f64,
            activations: nonzeros[1] / nest.input_elements() as f64,
        };
        let mean = cost(&Organisation::default(), &nest, operands, Mode::Reference).expect("a cost");
        let exact = integer(&case, "cycles_exact") as f64;
        let error = mean.cycles as f64 - exact;
        let spread = 1.0 / nonzeros[0].min(nonzeros[1]).sqrt();
        // A cycle is lost or won by rounding.
        assert!(error.abs() <= 2.0 * spread * exact + 1.0, "{mean:?} {case}");
        errors.push(error / exact.max(1.0));
    }
    assert!(errors.len() >= 100, "{}", errors.len());
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    assert!(mean.abs() < 0.005, "{mean}");
}

#[test]
fn a_dense_layer_of_the_artifact_has_these_cycles_through_the_registry() {
    for case in golden().iter().filter(|case| case["w_density"] == 1 && case["a_density"] == 1) {
        if integer(case, "dead_every") + integer(case, "dead_rows") > 0 {
            continue;
        }
        let decoded = eyeriss("", Mode::Reference);
        let work = work(&decoded, &layer_of(case), Condition::Profile).expect("a cost");
        let picoseconds = integer(case, "cycles_exact") * 5_000;
        assert_eq!(work.latency().picoseconds(), picoseconds, "{case}");
    }
}

fn eyeriss(keys: &str, mode: Mode) -> Decoded {
    let text = format!("{{ model = \"eyeriss_v2\"{keys} }}");
    load::accelerator(&text, 200_000_000, mode).unwrap_or_else(|problems| panic!("{problems}"))
}

fn work(decoded: &Decoded, layer: &Layer, condition: Condition) -> Result<Work, CostError> {
    decoded.cost_model.work(LayerOf::from(layer), condition)
}

/// Walks every output and tap of a nest: valid pairs, those inside the input, and rows.
fn walk(nest: &Nest, weights: &[bool], activations: &[bool]) -> (u64, u64, u64) {
    let [groups, outputs, inputs] =
        [nest.groups, nest.output_channels, nest.input_channels].map(|extent| extent as usize);
    let [height, width] = nest.input.map(i64::from);
    let position = |axis: usize, output: u32, tap: u32| {
        i64::from(output) * i64::from(nest.stride[axis]) + i64::from(tap) * i64::from(nest.dilation[axis])
            - i64::from(nest.padding[axis])
    };
    let (mut valid, mut inside, mut rows) = (0, 0, 0);
    let images = (0..nest.batch as usize).flat_map(|image| (0..groups).map(move |group| (image, group)));
    for (image, group) in images {
        for output in 0..outputs {
            for input in 0..inputs {
                let channel = (image * groups + group) * inputs + input;
                for y in 0..nest.output[0] {
                    let mut live = false;
                    for r in 0..nest.filter[0] {
                        let row = position(0, y, r);
                        if row < 0 || row >= height {
                            continue;
                        }
                        let line = (channel as i64 * height + row) * width;
                        live |= (0..width).any(|column| activations[(line + column) as usize]);
                        for x in 0..nest.output[1] {
                            for s in 0..nest.filter[1] {
                                let column = position(1, x, s);
                                if column < 0 || column >= width {
                                    continue;
                                }
                                inside += 1;
                                let filter = (group * outputs + output) * inputs + input;
                                let tap = (filter * nest.filter[0] as usize + r as usize)
                                    * nest.filter[1] as usize
                                    + s as usize;
                                let both = activations[(line + column) as usize] && weights[tap];
                                valid += u64::from(both);
                            }
                        }
                    }
                    // All filters read the same rows.
                    rows += u64::from(live && output == 0);
                }
            }
        }
    }
    (valid, inside, rows)
}

/// Small convolutions of all kinds.
fn convolutions() -> impl Strategy<Value = Layer> {
    let pair = |range: std::ops::RangeInclusive<u32>| [range.clone(), range];
    (
        (1_u32..=3, 1_u32..=6, 1_u32..=4, 1_u32..=2),
        pair(1..=9),
        pair(1..=5),
        pair(1..=3),
        pair(1..=2),
        (pair(0..=5), pair(0..=3), any::<bool>()),
    )
        .prop_map(|((groups, inputs, outputs, batch), [h, w], kernel, stride, dilation, around)| {
            let (before, after, transposed) = around;
            let convolution = layer(Operator::Convolution(Convolution {
                input: Shape { channels: groups * inputs, height: h, width: w },
                output_channels: groups * outputs,
                kernel,
                stride,
                padding: Padding { before, after },
                output_padding: if transposed { stride.map(|stride| stride - 1) } else { [0, 0] },
                dilation: if transposed { [1, 1] } else { dilation },
                groups,
                transposed,
            }));
            Layer { batch, ..convolution }
        })
        .prop_filter("legal", |layer| layer.kernels().is_ok())
}

proptest! {
    #[test]
    fn counts_are_those_of_a_walk(
        layer in convolutions(),
        densities in (0.0..=1.0, 0.0..=1.0),
        seed in 0_u64..1_000,
    ) {
        for nest in nests(&layer) {
            let weights = mask(nest.weight_elements(), seed, densities.0);
            let activations = mask(nest.input_elements(), seed + 1, densities.1);
            let (valid, inside, rows) = walk(&nest, &weights, &activations);
            let operands = Operands::Masks { weights: &weights, activations: &activations };
            let organisation = Organisation::default();
            let masked = cost(&organisation, &nest, operands, Mode::Corrected).expect("a cost");
            prop_assert_eq!((masked.valid_macs, masked.dense_macs, masked.rows), (valid, inside, rows));
            let sum = 4 * valid + masked.activation_checks + masked.row_cycles;
            prop_assert_eq!(masked.cycles, sum.div_ceil(192));

            // Dense, the means are the counts; and full masks say the same.
            let ones = (vec![true; weights.len()], vec![true; activations.len()]);
            let operands = Operands::Masks { weights: &ones.0, activations: &ones.1 };
            let dense = cost(&organisation, &nest, Operands::DENSE, Mode::Corrected).expect("a cost");
            prop_assert_eq!(dense, cost(&organisation, &nest, operands, Mode::Corrected).expect("a cost"));
            prop_assert!(masked.cycles <= dense.cycles);

            // A walk with zeros on padding is the same-size convolution of the reference mode.
            let same = Nest {
                output: nest.input,
                stride: [1, 1],
                dilation: [1, 1],
                padding: nest.filter.map(|extent| (extent - 1) / 2),
                ..nest
            };
            let operands = Operands::Masks { weights: &weights, activations: &activations };
            if let Ok(reference) = cost(&organisation, &nest, operands, Mode::Reference) {
                let (valid, inside, _) = walk(&same, &weights, &activations);
                prop_assert_eq!((reference.valid_macs, reference.dense_macs), (valid, inside));
            }
        }
    }

    /// Whether zeros are masks or shares, and in either mode.
    #[test]
    fn more_zeros_never_cost_more(
        layer in convolutions(),
        weights in [0.0..=1.0, 0.0..=1.0],
        activations in [0.0..=1.0, 0.0..=1.0],
        seed in 0_u64..1_000,
    ) {
        let organisation = Organisation::default();
        for mode in [Mode::Corrected, Mode::Reference] {
            for nest in nests(&layer) {
                // The draws are the same, so that the sparser mask is a part of the denser one.
                let masks = |pick: fn(f64, f64) -> f64| {
                    (
                        mask(nest.weight_elements(), seed, pick(weights[0], weights[1])),
                        mask(nest.input_elements(), seed + 1, pick(activations[0], activations[1])),
                    )
                };
                let (sparser, denser) = (masks(f64::min), masks(f64::max));
                let of = |masks: &(Vec<bool>, Vec<bool>)| {
                    let operands = Operands::Masks { weights: &masks.0, activations: &masks.1 };
                    cost(&organisation, &nest, operands, mode).map(|cost| cost.cycles)
                };
                if let (Ok(sparser), Ok(denser)) = (of(&sparser), of(&denser)) {
                    prop_assert!(sparser <= denser);
                }
                let of = |pick: fn(f64, f64) -> f64| {
                    let operands = Operands::Density {
                        weights: pick(weights[0], weights[1]),
                        activations: pick(activations[0], activations[1]),
                    };
                    cost(&organisation, &nest, operands, mode)
                };
                if let (Ok(sparser), Ok(denser)) = (of(f64::min), of(f64::max)) {
                    prop_assert!(sparser.cycles <= denser.cycles);
                    prop_assert!(sparser.rows <= denser.rows && sparser.valid_macs <= denser.valid_macs);
                    prop_assert!(denser.valid_macs <= denser.dense_macs);
                }
            }
        }
    }
}

#[test]
fn every_layer_has_a_cost_in_corrected_mode() {
    let attention = Attention { embedding: 96, heads: 4, queries: 33, keys: 65 };
    let recurrent =
        Recurrent { cell: RecurrentCell::Lstm, features: 40, hidden: 24, steps: 7, bidirectional: true };
    let wide = Convolution {
        input: Shape { channels: 7, height: 40, width: 100_000 },
        output_channels: 5,
        kernel: [33, 3],
        stride: [2, 1],
        padding: [0, 1].into(),
        output_padding: [0, 0],
        dilation: [1, 2],
        groups: 1,
        transposed: false,
    };
    let plane = Shape { channels: 3, height: 4, width: 5 };
    for operator in [
        Operator::Attention(attention),
        Operator::Recurrent(recurrent),
        Operator::Convolution(wide),
        Operator::Convolution(Convolution { kernel: [4, 4], dilation: [1, 1], transposed: true, ..wide }),
        Operator::Gemm(Gemm { rows: 128, inner: 77, columns: 1_000 }),
        Operator::Elementwise(Elementwise { output: plane, elements_in: 120, operations: 1 }),
    ] {
        let layer = layer(operator);
        let corrected = eyeriss("", Mode::Corrected);
        let dense = work(&corrected, &layer, Condition::Profile).expect("a cost");
        assert!(!dense.latency().is_zero() && dense.quanta >= 1 && dense.energy.total() > 0.0);
        let half = Sparse { weights: 0.5, activations: 0.5, ..Sparse::DENSE };
        let sparse = work(&corrected, &layer, Condition::Sparse(half)).expect("a cost");
        assert!(sparse.latency() <= dense.latency());
        let explanation = Explainer::of(corrected.cost_model.as_ref())
            .explanation((&layer).into())
            .expect("an explanation");
        assert!(explanation.sections.iter().all(|section| {
            section.rows.iter().all(|row| row.len() == section.header.len()) && !section.rows.is_empty()
        }));
        let refused = work(&eyeriss("", Mode::Reference), &layer, Condition::Profile);
        assert!(matches!(refused, Err(CostError::Unsupported { model: "eyeriss_v2", .. })), "{refused:?}");
    }
    assert!(work(&eyeriss("", Mode::Corrected), &layer(Operator::Opaque), Condition::Profile).is_err());
}

#[test]
fn what_the_tool_asserts_is_an_error_in_reference_mode() {
    let sound = Convolution {
        input: Shape { channels: 32, height: 14, width: 14 },
        output_channels: 8,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1].into(),
        output_padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
        transposed: false,
    };
    let message = |convolution: Convolution| {
        let layer = layer(Operator::Convolution(convolution));
        let refused = work(&eyeriss("", Mode::Reference), &layer, Condition::Profile);
        assert!(work(&eyeriss("", Mode::Corrected), &layer, Condition::Profile).is_ok());
        refused.err().map(|error| error.to_string())
    };
    assert_eq!(message(sound), None);
    for (convolution, expected) in [
        (
            Convolution { input: Shape { height: 15, ..sound.input }, ..sound },
            "a map of 15 x 14 in reference mode: not square",
        ),
        (
            Convolution { input: Shape { channels: 37, ..sound.input }, ..sound },
            "37 input channels in reference mode: not a multiple of its tile of 32",
        ),
        (
            Convolution { kernel: [17, 3], padding: [8, 1].into(), ..sound },
            "a filter of 17 rows in reference mode: more than the scratch pad has",
        ),
        (
            Convolution { input: Shape { channels: 32, height: 2_000, width: 2_000 }, ..sound },
            "rows in reference mode that do not fit the activation buffer",
        ),
    ] {
        let message = message(convolution).expect("refused");
        assert!(message.ends_with(expected), "{message}");
    }
}

/// A condition says what the profile's keys say, and the profile is dense without them.
#[test]
fn profiles_and_conditions_agree() {
    let layer = layer(Operator::Gemm(Gemm { rows: 1, inner: 2_048, columns: 1_000 }));
    let model = eyeriss(", weight_sparsity = 0.25, activation_sparsity = 0.75", Mode::Corrected);
    let sparse = Sparse { weights: 0.25, activations: 0.75, ..Sparse::DENSE };
    let plain = eyeriss("", Mode::Corrected);
    assert_eq!(
        work(&model, &layer, Condition::Profile).expect("a cost"),
        work(&plain, &layer, Condition::Sparse(sparse)).expect("a cost")
    );
    let dense = work(&plain, &layer, Condition::Profile).expect("a cost");
    assert_eq!(dense, work(&model, &layer, Condition::Sparse(Sparse::DENSE)).expect("a cost"));
    // One fully connected row: R = E = F = S = 1, C0 = 16, C1 = 8, C2 = 16, M0 = 32, M1 = 2, M2 = 16.
    let cycles = (4_u64 * 2_048 * 1_000 + 2 * 8 * 16 * 16 + 2 * 2 * 16 * 2_048).div_ceil(192);
    assert_eq!(dense.latency().picoseconds(), cycles * 5_000);
    assert_ne!(model.cost_model.identity(), plain.cost_model.identity());
    assert!(model.cost_model.depends_on_input() && model.cost_model.depends_on_shape_only());
}

/// Of attention the map is sparse, and of a recurrent layer the sequence.
#[test]
fn zeros_stand_where_they_are_said_to_be() {
    let model = eyeriss("", Mode::Corrected);
    let cycles = |operator: Operator, weights: f64, activations: f64| {
        let condition = Condition::Sparse(Sparse { weights, activations, ..Sparse::DENSE });
        work(&model, &layer(operator), condition).expect("a cost").energy.mac
    };
    let attention = Operator::Attention(Attention { embedding: 64, heads: 1, queries: 64, keys: 64 });
    let product = 0.3 * 64.0 * 64.0 * 64.0;
    let dense = cycles(attention, 0.0, 0.0);
    assert!((dense - cycles(attention, 0.0, 1.0) - product).abs() < 1.0);
    assert!((dense - cycles(attention, 1.0, 0.0) - 4.0 * product).abs() < 1.0);
    let recurrent =
        Recurrent { cell: RecurrentCell::Rnn, features: 8, hidden: 16, steps: 4, bidirectional: false };
    let saved =
        cycles(Operator::Recurrent(recurrent), 0.0, 0.0) - cycles(Operator::Recurrent(recurrent), 0.0, 1.0);
    assert!((saved - 0.3 * 4.0 * 8.0 * 16.0).abs() < 1e-6);
    assert!(matches!(layer(attention).kernels().expect("kernels")[3].kernel, Kernel::Vector(_)));
}

#[test]
fn bad_keys_are_named() {
    let text =
        "{ model = \"eyeriss_v2\", weight_sparsity = 1.5, spad_height = 0, activation_bits = 65, mac = 1 }";
    let problems = load::accelerator(text, 200_000_000, Mode::Corrected).expect_err("bad keys");
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message()).collect();
    for key in ["weight_sparsity", "spad_height", "activation_bits", "mac"] {
        assert!(messages.iter().any(|message| message.contains(key)), "{key}: {messages:?}");
    }
}

#[test]
fn masks_must_fit() {
    let nest = Nest::gemm(1, 1, 4, 3);
    let operands = Operands::Masks { weights: &[true; 12], activations: &[true; 3] };
    let error = cost(&Organisation::default(), &nest, operands, Mode::Corrected).expect_err("too short");
    assert!(error.to_string().contains("a mask of 3 activations for a layer of 4"), "{error}");
}

#[test]
fn counts_beyond_64_bits_are_errors() {
    let model = eyeriss(", cycles_per_mac = 65536", Mode::Corrected);
    let huge = layer(Operator::Gemm(Gemm { rows: 1 << 24, inner: 1 << 13, columns: 1 << 13 }));
    assert!(matches!(work(&model, &huge, Condition::Profile), Err(CostError::Overflow { .. })));
    assert!(Explainer::of(model.cost_model.as_ref()).report((&huge).into(), &mut Vec::new()).is_err());
}
