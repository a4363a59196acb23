//! The `traced` cost model: recordings first, the `sanger` cost model for attention without one.

use rtmm_hardware::{Condition, CostError, Decoded, Explainer, LayerOf, Mode, Sparse, Work, load};
use rtmm_workload::{Attention, Duration, Gemm, Layer, Operator};

fn accelerator(text: &str, mode: Mode) -> Decoded {
    load::accelerator(text, load::DEFAULT_CLOCK_HZ, mode).unwrap_or_else(|problems| panic!("{problems}"))
}

fn traced(keys: &str) -> Decoded {
    accelerator(&format!("{{ model = \"traced\"{keys} }}"), Mode::Corrected)
}

fn layer(operator: Operator) -> Layer {
    Layer::new("layer", operator)
}

fn attention() -> Layer {
    layer(Operator::Attention(Attention { embedding: 768, heads: 12, queries: 128, keys: 128 }))
}

fn gemm() -> Layer {
    layer(Operator::Gemm(Gemm { rows: 1, inner: 8, columns: 8 }))
}

fn work(decoded: &Decoded, layer: &Layer, condition: Condition) -> Result<Work, CostError> {
    decoded.cost_model.work(LayerOf::from(layer), condition)
}

fn recorded(picoseconds: u64) -> Condition {
    let recorded = Some(Duration::from_picoseconds(picoseconds));
    Condition::Sparse(Sparse { activations: 0.5, recorded, ..Sparse::DENSE })
}

#[test]
fn a_recording_is_the_answer_whatever_the_layer_is() {
    let model = traced("");
    for layer in [layer(Operator::Opaque), gemm(), attention()] {
        let work = work(&model, &layer, recorded(8_985_115_000)).expect("a cost");
        assert_eq!(work.latency().picoseconds(), 8_985_115_000);
        assert_eq!((work.energy.total(), work.quanta), (0.0, 1));
    }
}

#[test]
fn speed_divides_to_the_nearest_picosecond() {
    let opaque = layer(Operator::Opaque);
    for (speed, picoseconds, expected) in
        [("2", 7, 4), ("0.5", 7, 14), ("3", 10, 3), ("1.5", 10, 7), ("0.000001", 3, 3_000_000), ("3", 0, 0)]
    {
        let work = work(&traced(&format!(", speed = {speed}")), &opaque, recorded(picoseconds));
        assert_eq!(work.expect("a cost").latency().picoseconds(), expected, "{picoseconds} / {speed}");
    }
    let overflow = work(&traced(", speed = 0.5"), &opaque, recorded(u64::MAX));
    assert!(matches!(overflow, Err(CostError::Overflow { .. })), "{overflow:?}");
    let energy = work(&traced(", energy_pj_per_us = 3, speed = 2"), &opaque, recorded(8_000_000));
    assert_eq!(energy.expect("a cost").energy.total(), 12.0);
}

#[test]
fn attention_without_a_recording_costs_what_sanger_says() {
    let keys = "attention_sparsity = 0.75, load_balance = 0.5";
    let model = traced(&format!(", speed = 2, sanger = {{ {keys} }}"));
    let sanger = accelerator(&format!("{{ model = \"sanger\", {keys} }}"), Mode::Corrected);
    let sparse = Condition::Sparse(Sparse { activations: 0.9, balance: 0.8, ..Sparse::DENSE });
    for condition in [Condition::Profile, sparse] {
        assert_eq!(work(&model, &attention(), condition), work(&sanger, &attention(), condition));
    }
    let mut row = Vec::new();
    Explainer::of(model.cost_model.as_ref()).report((&attention()).into(), &mut row).expect("a report");
    assert_eq!(row.len(), Explainer::of(model.cost_model.as_ref()).columns().len());
    assert!(Explainer::of(model.cost_model.as_ref()).explanation((&attention()).into()).is_ok());
    // The mode reaches it, too.
    let reference = accelerator("{ model = \"traced\" }", Mode::Reference);
    let of = |decoded: &Decoded| work(decoded, &attention(), Condition::Profile).expect("a cost").latency();
    assert_ne!(of(&reference), of(&traced("")));
}

#[test]
fn nothing_else_has_a_cost_without_a_recording() {
    let model = traced("");
    for layer in [layer(Operator::Opaque), gemm()] {
        for condition in [Condition::Profile, Condition::Sparse(Sparse::DENSE)] {
            assert_eq!(work(&model, &layer, condition), Err(CostError::NotRecorded));
        }
        assert_eq!(
            Explainer::of(model.cost_model.as_ref()).explanation((&layer).into()),
            Err(CostError::NotRecorded)
        );
    }
    assert!(model.cost_model.depends_on_input() && !model.cost_model.depends_on_shape_only());
}

#[test]
fn every_key_is_part_of_the_identity() {
    let keys = ["", ", speed = 2", ", energy_pj_per_us = 1", ", sanger = { rows = 32 }"];
    let mut identities: Vec<String> = keys.iter().map(|keys| traced(keys).cost_model.identity()).collect();
    identities.sort();
    identities.dedup();
    assert_eq!(identities.len(), keys.len());
    assert_eq!(traced(", sanger = {}").cost_model.identity(), traced("").cost_model.identity());
}

#[test]
fn bad_keys_are_named() {
    let text =
        "{ model = \"traced\", speed = 0, energy_pj_per_us = -1, sanger = { row = 3, cols = 0 }, a = 1 }";
    let problems = load::accelerator(text, load::DEFAULT_CLOCK_HZ, Mode::Corrected).expect_err("bad keys");
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message()).collect();
    for key in ["speed", "energy_pj_per_us", "row", "cols", "`a`"] {
        assert!(messages.iter().any(|message| message.contains(key)), "{key}: {messages:?}");
    }
}
