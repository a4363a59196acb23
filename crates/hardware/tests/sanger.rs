//! The `sanger` cost model against the numbers of the Dysta artifact, and against itself.
//!
//! `golden/sanger_latency.csv.gz`: what the artifact's function gives, in seconds, by density, load balance
//! and sequence length.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::io::Read;

use proptest::prelude::*;
use rtmm_hardware::sanger::{AttentionExtents, Sanger, SangerParameters, sanger_latency_s};
use rtmm_hardware::{
    Condition, CostError, DRAM, Decoded, Explainer, LayerOf, Mode, Quantity, Sparse, Surroundings, Work, load,
};
use rtmm_workload::{Attention, Elementwise, Gemm, Layer, Operator, Shape};

const GOLDEN: &[u8] = include_bytes!("golden/sanger_latency.csv.gz");

/// Rows of density, balance, sequence length, seconds.
fn golden() -> Vec<(f64, f64, u32, f64)> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(GOLDEN).read_to_string(&mut text).expect("the golden decompresses");
    // Read as text and parsed by the standard library, which rounds to the nearest double.
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<(f64, f64, u32, f64)> = reader
        .records()
        .map(|record| {
            let record = record.expect("a row");
            let real = |column: usize| record[column].parse::<f64>().expect("a number");
            (real(0), real(1), record[2].parse().expect("a length"), real(3))
        })
        .collect();
    assert_eq!(rows.len(), 624);
    rows
}

fn sanger(keys: &str, mode: Mode) -> Decoded {
    let text = format!("{{ model = \"sanger\"{keys} }}");
    load::accelerator(&text, load::DEFAULT_CLOCK_HZ, mode).unwrap_or_else(|problems| panic!("{problems}"))
}

fn layer(operator: Operator) -> Layer {
    Layer::new("layer", operator)
}

fn attention(embedding: u32, queries: u32, keys: u32) -> Layer {
    layer(Operator::Attention(Attention { embedding, heads: 12, queries, keys }))
}

fn work(decoded: &Decoded, layer: &Layer, condition: Condition) -> Result<Work, CostError> {
    decoded.cost_model.work(LayerOf::from(layer), condition)
}

fn sparse(density: f64, balance: f64) -> Condition {
    Condition::Sparse(Sparse { activations: 1.0 - density, balance, ..Sparse::DENSE })
}

fn picoseconds(seconds: f64) -> u64 {
    (seconds * 1e12).round() as u64
}

#[test]
fn every_recorded_latency_is_reproduced_to_the_bit() {
    for (density, balance, sequence_length, seconds) in golden() {
        let ours = sanger_latency_s(density, balance, sequence_length);
        assert_eq!(ours.to_bits(), seconds.to_bits(), "{density} {balance} {sequence_length}");
    }
}

/// The polynomial of `docs/models/sanger.md`, in milliseconds.
#[test]
fn the_page_has_the_latency_of_512_tokens() {
    for (density, balance, _, seconds) in golden().into_iter().filter(|row| row.2 == 512) {
        let x = density / balance;
        let stated = 0.8847 + 0.2949 * x + 0.2294 * x + 0.5243 * x * x;
        // Half of the last digit of each of the four terms.
        assert!((stated - seconds * 1e3).abs() < 0.5e-4 * (1.0 + 2.0 * x + x * x), "{x} {seconds}");
    }
}

/// Through the registry, to the picosecond: in reference mode any attention layer is the artifact's, in
/// corrected mode one of its extents.
#[test]
fn both_modes_have_the_recorded_latencies() {
    for (density, balance, tokens, seconds) in golden() {
        let keys = format!(", sequence_length = {tokens}");
        let reference = work(&sanger(&keys, Mode::Reference), &attention(96, 7, 9), sparse(density, balance))
            .expect("a cost");
        let corrected =
            work(&sanger("", Mode::Corrected), &attention(768, tokens, tokens), sparse(density, balance))
                .expect("a cost");
        for work in [reference, corrected] {
            // `1 - (1 - density)` is the density to the last bit or two.
            assert!(work.latency().picoseconds().abs_diff(picoseconds(seconds)) <= 1, "{work:?}");
        }
    }
}

#[test]
fn the_reference_takes_512_tokens() {
    let (_, _, _, seconds) =
        golden().into_iter().find(|row| (row.0, row.1, row.2) == (1.0, 1.0, 512)).expect("a dense row");
    let dense = work(&sanger("", Mode::Reference), &attention(96, 7, 9), Condition::Profile).expect("a cost");
    assert_eq!(dense.latency().picoseconds(), picoseconds(seconds));
    assert_eq!(dense.traffic[DRAM], 0);
}

/// In 1024 tokens of 768 features: lin = 1024 * 768^2 * 6 / 2048e9, sub = 4096, tile = 832 + 4160.
#[test]
fn a_dense_layer_by_hand() {
    let model = Sanger::new(SangerParameters::default(), Surroundings::new(1_000_000_000, Mode::Corrected));
    let latency = model.attention(AttentionExtents { embedding: 768, queries: 1024, keys: 1024 }, 1.0, 1.0);
    assert_eq!(picoseconds(latency.linear_s), 1024 * 768 * 768 * 6 * 1000 / 2048);
    assert_eq!(picoseconds(latency.projection_s), 1024 * 768 * 768 * 2 * 1000 / 2048);
    assert_eq!(latency.array_cycles, 64.0 * 4992.0 * 16.0);
    assert_eq!(latency.attention_s, latency.array_s);
    assert_eq!(latency.dependent_s(), latency.attention_s + latency.projection_s);
}

#[test]
fn keys_need_not_be_as_many_as_queries() {
    let model = sanger("", Mode::Corrected);
    let latency = |queries, keys| {
        work(&model, &attention(768, queries, keys), Condition::Profile).expect("a cost").latency()
    };
    assert!(latency(64, 512) < latency(512, 512));
    assert!(latency(512, 64) < latency(512, 512));
    assert_ne!(latency(64, 512), latency(512, 64));
}

/// Half the bandwidth doubles scores and weighted sum, and shows as transfer.
#[test]
fn memory_slows_what_streams() {
    let layer = attention(768, 512, 512);
    let usual = work(&sanger("", Mode::Corrected), &layer, Condition::Profile).expect("a cost");
    let slow =
        work(&sanger(", dram_bandwidth = 64", Mode::Corrected), &layer, Condition::Profile).expect("a cost");
    let fast =
        work(&sanger(", dram_bandwidth = 256", Mode::Corrected), &layer, Condition::Profile).expect("a cost");
    assert_eq!(usual.traffic, slow.traffic);
    // sub = 2048, tile = 832 + 2112: 32 * 2944 * 8 cycles of 128 bytes.
    assert_eq!(usual.traffic[DRAM], 32 * 2944 * 8 * 128);
    let streamed = 32 * 2944 * 8 * 1_000;
    assert_eq!(slow.latency().picoseconds() - usual.latency().picoseconds(), streamed);
    assert_eq!(fast.latency(), usual.latency());
    assert_eq!(slow.transfer.picoseconds(), 2 * streamed);
}

#[test]
fn other_operators_have_a_cost_in_corrected_mode() {
    let model = sanger("", Mode::Corrected);
    let gemm = layer(Operator::Gemm(Gemm { rows: 512, inner: 768, columns: 3072 }));
    let cost = work(&model, &gemm, Condition::Profile).expect("a cost");
    assert_eq!(cost.latency().picoseconds(), 512 * 768 * 3072 / 1024 * 1000);
    assert_eq!(cost, work(&model, &gemm, sparse(0.1, 0.5)).expect("a cost"), "dense multipliers");
    let plane = Shape { channels: 768, height: 512, width: 1 };
    let added = layer(Operator::Elementwise(Elementwise {
        output: plane,
        elements_in: 2 * 768 * 512,
        operations: 1,
    }));
    assert_eq!(
        work(&model, &added, Condition::Profile).expect("a cost").latency().picoseconds(),
        3 * 768 * 512 / 128 * 1000
    );
    for other in [&gemm, &added] {
        let refused = work(&sanger("", Mode::Reference), other, Condition::Profile);
        assert!(matches!(refused, Err(CostError::Unsupported { model: "sanger", .. })), "{refused:?}");
    }
    assert!(work(&model, &layer(Operator::Opaque), Condition::Profile).is_err());
}

#[test]
fn reports_and_explanations_have_the_parts_apart() {
    let model = sanger(", attention_sparsity = 0.75, load_balance = 0.5", Mode::Corrected);
    let layer = attention(768, 512, 512);
    let profile = work(&model, &layer, Condition::Profile).expect("a cost");
    assert_eq!(profile, work(&model, &layer, sparse(0.25, 0.5)).expect("a cost"));
    let mut row = Vec::new();
    Explainer::of(model.cost_model.as_ref()).report((&layer).into(), &mut row).expect("a report");
    assert_eq!(row.len(), Explainer::of(model.cost_model.as_ref()).columns().len());
    let [Quantity::Integer(linear), Quantity::Integer(attended), Quantity::Integer(projection)] = row[..3]
    else {
        panic!("{row:?}");
    };
    assert!((linear + attended + projection).abs_diff(profile.latency().picoseconds()) <= 2);
    let explanation =
        Explainer::of(model.cost_model.as_ref()).explanation((&layer).into()).expect("an explanation");
    let titles: Vec<&str> = explanation.sections.iter().map(|section| section.title.as_str()).collect();
    assert!(titles.contains(&"What no sparsity changes"), "{titles:?}");
    assert!(titles.contains(&"What density and balance change"), "{titles:?}");
    for section in &explanation.sections {
        assert!(section.rows.iter().all(|row| row.len() == section.header.len()));
    }
    assert!(model.cost_model.depends_on_input() && model.cost_model.depends_on_shape_only());
    assert_ne!(model.cost_model.identity(), sanger("", Mode::Corrected).cost_model.identity());
    assert_ne!(
        sanger("", Mode::Reference).cost_model.identity(),
        sanger("", Mode::Corrected).cost_model.identity()
    );
}

#[test]
fn a_balance_of_nothing_is_an_error() {
    let refused = work(&sanger("", Mode::Corrected), &attention(768, 512, 512), sparse(0.5, 0.0));
    assert!(matches!(refused, Err(CostError::Overflow { .. })), "{refused:?}");
}

#[test]
fn bad_keys_are_named() {
    let text = "{ model = \"sanger\", attention_sparsity = -1, load_balance = 0, rows = 0, pes = 1 }";
    let problems = load::accelerator(text, load::DEFAULT_CLOCK_HZ, Mode::Corrected).expect_err("bad keys");
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message()).collect();
    for key in ["attention_sparsity", "load_balance", "rows", "pes"] {
        assert!(messages.iter().any(|message| message.contains(key)), "{key}: {messages:?}");
    }
}

proptest! {
    #[test]
    fn more_zeros_and_better_balance_never_cost_more(
        densities in [0.0..=1.0_f64, 0.0..=1.0],
        balances in [0.01..=1.0_f64, 0.01..=1.0],
        queries in 1_u32..3_000,
        keys in 1_u32..3_000,
        bandwidth in 1_u32..300,
    ) {
        let model = sanger(&format!(", dram_bandwidth = {bandwidth}"), Mode::Corrected);
        let layer = attention(768, queries, keys);
        let of = |density: f64, balance: f64| work(&model, &layer, sparse(density, balance)).expect("a cost");
        let better = of(densities[0].min(densities[1]), balances[0].max(balances[1]));
        let worse = of(densities[0].max(densities[1]), balances[0].min(balances[1]));
        prop_assert!(better.latency() <= worse.latency());
        prop_assert!(better.energy.total() <= worse.energy.total());
        prop_assert!(worse.latency() >= worse.compute.max(worse.transfer));
    }
}
