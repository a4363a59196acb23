//! Platforms with the costs of published tools: the tool's where it has a rule, stated rules for the rest.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use rtmm_hardware::{Condition, CostError, LayerOf, Mode, Platform, Work, load};
use rtmm_workload::input::Source;
use rtmm_workload::load::model;
use rtmm_workload::{
    Attention, Convolution, Elementwise, Gemm, Layer, Legality, Operator, PublishedShape, Recurrent,
    RecurrentCell, Shape,
};

fn platform(name: &str, mode: Mode) -> Platform {
    load::platform(name, None, mode).unwrap_or_else(|problems| panic!("{problems}"))
}

fn work(platform: &Platform, layer: &Layer) -> Result<Work, CostError> {
    let of = LayerOf { model: "m", layer };
    platform.configurations[0].cost_model.work(of, Condition::Profile)
}

#[track_caller]
fn costs(layer: &Layer) -> Work {
    work(&platform("xrbench/dual_4k_ws_os@reference", Mode::Corrected), layer).expect("a cost")
}

fn gemm(rows: u32, inner: u32, columns: u32) -> Layer {
    Layer::new("gemm", Operator::Gemm(Gemm { rows, inner, columns }))
}

/// The costs of several layers together.
fn sum(layers: &[Layer]) -> (u64, f64) {
    let works = layers.iter().map(costs);
    works.fold((0, 0.0), |(time, energy), work| {
        (time + work.compute.picoseconds(), energy + work.energy.total())
    })
}

#[track_caller]
fn is_sum(layer: &Layer, parts: &[Layer]) {
    let (time, energy) = sum(std::slice::from_ref(layer));
    let (of_parts, energy_of_parts) = sum(parts);
    assert_eq!(time, of_parts);
    assert!((energy - energy_of_parts).abs() <= 1e-9 * energy_of_parts, "{energy} {energy_of_parts}");
    assert!(time > 0 && energy > 0.0);
}

#[test]
fn published_rows_cost_what_the_tool_says() {
    let (strict, completed) = (
        platform("xrbench/dual_4k_ws_os", Mode::Reference),
        platform("xrbench/dual_4k_ws_os@reference", Mode::Corrected),
    );
    assert_eq!(completed.name, "xrbench/dual_4k_ws_os@reference");
    assert_eq!(completed.labels.get("costs").map(String::as_str), Some("reference"));
    assert_ne!(strict.identity(), completed.identity());
    let net = model("xrbench/es_ritnet", None, Legality::Published).expect("a built-in model");
    let mut compared = 0;
    for layer in &net.layers {
        if let Ok(work) = work(&strict, layer) {
            assert_eq!(self::work(&completed, layer), Ok(work));
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared}");
}

#[test]
fn layers_that_the_tool_lacks_go_by_rules() {
    let recurrent = |bidirectional| {
        Layer::new(
            "lstm",
            Operator::Recurrent(Recurrent {
                cell: RecurrentCell::Lstm,
                features: 48,
                hidden: 32,
                steps: 20,
                bidirectional,
            }),
        )
    };
    is_sum(&recurrent(false), &[gemm(20, 80, 128)]);
    is_sum(&recurrent(true), &[gemm(20, 80, 128), gemm(20, 80, 128)]);
    let attention = Attention { embedding: 64, heads: 2, queries: 24, keys: 40 };
    let parts = [
        [gemm(24, 64, 64), gemm(24, 64, 64)],
        [gemm(40, 64, 64), gemm(40, 64, 64)],
        [gemm(24, 32, 40), gemm(24, 32, 40)],
        [gemm(24, 40, 32), gemm(24, 40, 32)],
    ];
    is_sum(&Layer::new("attention", Operator::Attention(attention)), &parts.concat());
    let convolution = |channels, output_channels, groups| {
        let operator = Operator::Convolution(Convolution {
            input: Shape { channels, height: 18, width: 18 },
            output_channels,
            kernel: [3, 3],
            stride: [1, 1],
            padding: [0, 0].into(),
            output_padding: [0, 0],
            dilation: [1, 1],
            groups,
            transposed: false,
        });
        Layer::new("convolution", operator)
    };
    let group = convolution(16, 32, 1);
    is_sum(&convolution(64, 128, 4), &[group.clone(), group.clone(), group.clone(), group]);
    let mut batch = gemm(20, 80, 128);
    batch.batch = 3;
    is_sum(&batch, &[gemm(20, 80, 128), gemm(20, 80, 128), gemm(20, 80, 128)]);
    let output = Shape { channels: 8, height: 4, width: 4 };
    let free = Elementwise { output, elements_in: 256, operations: 1 };
    assert_eq!(sum(&[Layer::new("add", Operator::Elementwise(free))]), (0, 0.0));
}

#[test]
fn a_latency_below_one_cycle_is_one_cycle() {
    // The tool says so of filters that are larger than their input.
    let mut below = 0;
    for name in ["xrbench/single_4k_ws", "xrbench/single_4k_os", "xrbench/single_4k_rs"] {
        let strict = platform(name, Mode::Reference);
        let completed = platform(&format!("{name}@reference"), Mode::Corrected);
        for (r, y) in (1..=7).flat_map(|r| (1..=6).map(move |y| (r, y))) {
            for (k, c) in [(1, 1), (4, 16), (64, 64)] {
                let mut layer = gemm(1, 1, 1);
                layer.published = Some(PublishedShape { k, c, r, s: 20, y, x: 50, depthwise: false });
                let work = work(&completed, &layer).expect("a cost");
                assert!(work.compute.picoseconds() >= 1_000, "a cycle of 1 GHz");
                assert!(work.energy.total() >= 0.0);
                match self::work(&strict, &layer) {
                    Ok(cost) => {
                        assert_eq!(work.compute.picoseconds(), cost.compute.picoseconds().max(1_000));
                        below += u32::from(cost.compute.is_zero());
                    }
                    Err(CostError::NegativeLatency { .. }) => {
                        assert_eq!(work.compute.picoseconds(), 1_000);
                        below += 1;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    assert!(below > 0);
}

#[test]
fn platform_files_ask_for_them_too() {
    let parse = |keys: &str| {
        let text = format!(
            "source = \"a test\"\n{keys}\n[[accelerator]]\nname = \"a\"\nmodel = \"maestro\"\ndataflow = \"WS\"\n\
             pes = 4096\nnoc_bandwidth = 256\n"
        );
        load::platform_of(&Source::new("test.toml", text), Mode::Corrected)
    };
    let stated = parse("mode = \"reference\"").expect("a platform");
    let layer = gemm(8, 64, 64);
    assert_eq!(work(&stated, &layer), Ok(costs(&layer)));
    assert_eq!(
        parse("mode = \"corrected\"").expect("a platform").identity(),
        parse("").expect("a platform").identity()
    );
    let problems = |keys: &str| parse(keys).expect_err("problems").to_string();
    insta::assert_snapshot!(
        "platform_files_ask_for_them_too",
        [
            problems("mode = \"published\""),
            problems(
                "mode = \"reference\"\ntechnology = { name = \"published\", node_nm = 7, dram = \"LPDDR5\" }"
            ),
        ]
        .join("\n")
    );
}

#[test]
fn a_choice_that_there_is_not_is_told_with_those_that_there_are() {
    let problems =
        |name: &str| load::platform(name, None, Mode::Corrected).expect_err("no such platform").to_string();
    let told = problems("xrbench/dual_4k_ws_os@refrence");
    assert!(told.contains("there is no choice `refrence` of the costs of `xrbench/dual_4k_ws_os`"), "{told}");
    assert!(told.contains("low, typical, high, corrected, reference"), "{told}");
    let told = problems("xrbench/dual_4k_ws_oss@high");
    assert!(told.contains("there is no built-in platform `xrbench/dual_4k_ws_oss`"), "{told}");
}
