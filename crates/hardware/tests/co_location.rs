//! Slowdowns of runs beside each other: tables, properties of rules, and bad input.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use rtmm_hardware::contention::co_location::{CoLocationRule, PairTable, SegmentTable, Utilisation};
use rtmm_hardware::{CoLocation, Copies, CopyOrder, Mode, RateModel, Resident, load};
use rtmm_testkit::cases::config;
use rtmm_workload::input::Source;
use rtmm_workload::{LayerId, Legality, ModelId, Time};

const PAIRS: &str = "\
model_a,model_b,batch_a,batch_b,sm_pct_a,sm_pct_b,slowdown_a,slowdown_b
a,b,2,2,50,50,1.2,1.1
a,b,4,2,50,50,1.4,1.2
a,b,2,8,50,50,1.8,1.5
a,b,2,2,20,80,1.05,1.3
";

fn pairs(text: &str, unmeasured: Option<f64>) -> Result<PairTable, String> {
    PairTable::parse(&Source::new("pairs.csv", text), unmeasured).map_err(|problems| problems.render(false))
}

fn resident(model: usize, units: u32, batch: u32) -> Resident {
    Resident { model: ModelId::new(model), layer: LayerId::new(0), units, batch }
}

#[test]
fn pairs_are_replayed_and_linear_between_batches() {
    let rule = pairs(PAIRS, Some(1.5)).expect("a sound table").resolve(&["a", "b"], 10);
    let of = |own, others: &[Resident]| rule.slowdown(Time::ZERO, &own, others);
    let close = |one: f64, other: f64| assert!((one - other).abs() < 1e-12, "{one}, not {other}");
    close(of(resident(0, 5, 2), &[resident(1, 5, 2)]), 1.2);
    close(of(resident(1, 5, 2), &[resident(0, 5, 2)]), 1.1);
    close(of(resident(0, 5, 3), &[resident(1, 5, 2)]), 1.3);
    // Of the four corners of a batch of 3 beside 5 one was not measured: the others count a half, a quarter and so on.
    close(of(resident(0, 5, 3), &[resident(1, 5, 5)]), (0.25 * 1.2 + 0.25 * 1.4 + 0.25 * 1.8) / 0.75);
    close(of(resident(0, 5, 1), &[resident(1, 5, 1)]), 1.2);
    // Other shares have rows of their own; what has none has what is stated.
    close(of(resident(0, 2, 2), &[resident(1, 8, 2)]), 1.05);
    close(of(resident(0, 4, 2), &[resident(1, 6, 2)]), 1.5);
    close(of(resident(0, 5, 2), &[resident(0, 5, 2)]), 1.5);
    close(of(resident(0, 5, 2), &[resident(1, 5, 2), resident(1, 5, 8)]), 1.2 + 0.8);
    let strict = pairs(PAIRS, None).expect("a sound table").resolve(&["a", "b"], 10);
    assert!(strict.lacks(&resident(0, 5, 2), &resident(0, 5, 2)));
    assert!(!strict.lacks(&resident(0, 5, 32), &resident(1, 5, 1)));
}

#[test]
fn shares_may_be_parts_of_a_percent() {
    let text = "model_a,model_b,batch_a,batch_b,sm_pct_a,sm_pct_b,slowdown_a,slowdown_b\na,b,1,1,12.5,87.5,1.2,1.1\n\
                a,b,1,1,33.33,66.67,1.3,1.4\n";
    let table = pairs(text, None).expect("a sound table");
    let lacks = |units: u32, own: u32, other: u32| {
        table.resolve(&["a", "b"], units).lacks(&resident(0, own, 1), &resident(1, other, 1))
    };
    assert!(!lacks(8, 1, 7) && !lacks(3, 1, 2));
    // No run holds an eighth of three units, or a third of eight.
    assert!(lacks(3, 1, 3) && lacks(8, 3, 5));
    let utilisation = "model,batch,sm_pct,l2_util_pct,dram_util_pct\na,1,12.5,10,20\n";
    assert!(Utilisation::parse(&Source::new("u.csv", utilisation)).is_ok());
}

#[test]
fn tables_without_shares_hold_for_any() {
    let text = "model_a,model_b,batch_a,batch_b,slowdown_a,slowdown_b\na,a,1,1,1.25,1.25\n";
    let rule = pairs(text, None).expect("a sound table").resolve(&["a"], 4);
    assert_eq!(rule.slowdown(Time::ZERO, &resident(0, 1, 1), &[resident(0, 3, 9)]), 1.25);
}

#[track_caller]
fn refused(result: Result<impl std::fmt::Debug, String>, parts: &[&str]) {
    let text = result.expect_err("a table with a problem");
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn bad_tables_are_refused_with_their_places() {
    let head = "model_a,model_b,batch_a,batch_b,slowdown_a,slowdown_b\n";
    refused(pairs(head, None), &["pairs.csv", "the table of pairs has no rows"]);
    refused(pairs("model_a,model_b\n", None), &["batch_a"]);
    refused(pairs(&format!("{head}a,b,1,1,-1.2,1.1\n"), None), &["pairs.csv:2:", "`-1.2`", "out of range"]);
    refused(
        pairs(&format!("{head}a,b,1,1,1.2,1.1\n,b,1,1,1,1\n"), None),
        &["pairs.csv:3:", "names no model"],
    );
    refused(pairs(&format!("{head}a,b,1,1,nan,1.1\n"), None), &["`nan`"]);
    let twice = format!("{head}a,b,1,1,1.2,1.1\nb,a,1,1,1.1,1.3\n");
    refused(pairs(&twice, None), &["pairs.csv:3:", "another slowdown of this pair stands in line 2"]);
    assert!(pairs(&format!("{head}a,b,1,1,1.2,1.1\nb,a,1,1,1.1,1.2\n"), None).is_ok(), "they say the same");
    // A model beside itself was measured twice, which is no contradiction: its slowdown is the mean.
    let itself = pairs(&format!("{head}a,a,1,1,1.25,1.5\n"), None).expect("a table");
    assert_eq!(itself, pairs(&format!("{head}a,a,1,1,1.375,1.375\n"), None).expect("a table"));
    let segments = |rows: &str| {
        let head = "model_a,from_a,to_a,batch_a,model_b,from_b,to_b,batch_b,slowdown\n";
        let source = Source::new("segments.csv", format!("{head}{rows}"));
        SegmentTable::parse(&source, None).map_err(|problems| problems.render(false))
    };
    refused(segments(""), &["the table of segments has no rows"]);
    refused(
        segments("a,3,3,1,b,0,2,1,1.2\n"),
        &["segments.csv:2:", "layers from 3 on and before 3 are none"],
    );
    refused(
        segments("a,0,1,1,b,0,2,1,1.2\nb,0,2,1,a,0,1,1,1.3\n"),
        &["segments.csv:3:", "there is a row for these parts and batches already"],
    );
    // Layer 1 of `a` beside layer 1 of `b` would have two slowdowns.
    refused(
        segments("a,0,2,1,b,0,2,1,1.2\nb,1,3,1,a,1,2,1,1.3\n"),
        &["segments.csv:3:", "these parts overlap with those in line 2"],
    );
    assert!(segments("a,0,2,1,b,0,2,1,1.2\na,0,2,1,b,2,4,1,1.3\na,0,2,2,b,0,2,1,1.1\n").is_ok());
    let utilisation = |rows: &str| {
        let source = Source::new("use.csv", format!("model,batch,l2_util_pct,dram_util_pct\n{rows}"));
        Utilisation::parse(&source).map_err(|problems| problems.render(false))
    };
    refused(utilisation("a,1,10,101\n"), &["use.csv:2:", "`101`"]);
    refused(utilisation("a,1,10,11\na,1,12,13\n"), &["use.csv:3:", "there are two rows for a batch of 1"]);
}

/// A platform whose accelerator states this.
fn platform(stated: &str) -> Result<(), String> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/data");
    let text = format!(
        "source = \"a test\"\n[[accelerator]]\nname = \"gpu\"\nmodel = \"table\"\nfile = '{data}/gpu.csv'\n{}\n",
        stated.replace("DATA", data)
    );
    let read = load::platform_of(&Source::new("gpu.toml", text), Mode::Corrected);
    read.map(|_| ()).map_err(|problems| problems.render(false))
}

#[test]
fn bad_platforms_are_refused_with_a_remedy() {
    let divided = "division = { units = 2, part = [{ units = 1, file = 'DATA/gpu.csv' }] }\n";
    let on = |table: &str| platform(&format!("{divided}co_location = {{ {table} }}"));
    assert_eq!(on("rule = \"pairs\", file = 'DATA/gpu_pairs.csv', unmeasured = 1.1"), Ok(()));
    refused(
        platform("co_location = { rule = \"pairs\", file = 'DATA/gpu_pairs.csv' }"),
        &["the accelerator has no `division`", "division = { units = 2"],
    );
    refused(on("rule = \"pair\", file = 'DATA/gpu_pairs.csv'"), &["`pairs`"]);
    refused(on("rule = \"pairs\""), &["file"]);
    refused(on("rule = \"pairs\", file = 'DATA/none.csv'"), &["none.csv"]);
    refused(on("rule = \"pairs\", file = 'DATA/gpu_pairs.csv', unmeasured = 0"), &["unmeasured"]);
    refused(on("rule = \"pairs\", file = 'DATA/gpu_pairs.csv', weights = [0, 0, 0, 0, 0]"), &["weights"]);
    refused(on("rule = \"rates\", weights = [0, 0, 0, 0, 0]"), &["has no utilisation to weigh"]);
    let rates = |weights: &str| {
        on(&format!("rule = \"rates\", utilisation = 'DATA/gpu_utilisation.csv', weights = {weights}"))
    };
    assert_eq!(rates("[0, 0, 0, 0, 0]"), Ok(()));
    refused(rates("[0, 0, 0, 0]"), &["there are 4 weights, and 5 features"]);
    refused(
        rates("[{ from = \"1s\", weights = [0, 0, 0, 0, 0] }]"),
        &["do not ascend from the beginning on"],
    );
    let twice = "[{ weights = [0, 0, 0, 0, 0] }, { from = \"0s\", weights = [0, 0, 0, 0, 0] }]";
    refused(rates(twice), &["do not ascend"]);
    refused(
        on(
            "rule = \"pairs\", file = 'DATA/gpu_pairs.csv', copies = { to_device = \"x\", from_device = \"x\" }",
        ),
        &["both directions have copies of one name"],
    );
}

#[test]
fn what_a_table_says_nothing_of_is_told() {
    let model = |name: &str, layers: &[&str]| {
        let layer = |name: &&str| {
            format!("{{ name = \"{name}\", operator = \"convolution\", channels = 1, kernel = 1 }}")
        };
        let layers: Vec<String> = layers.iter().map(layer).collect();
        let text = format!("source = \"a test\"\ninput = [1, 4, 4]\nlayer = [{}]\n", layers.join(", "));
        rtmm_workload::load::model_of(&Source::new(name, text), Legality::Strict).expect("a model")
    };
    let models = [model("a", &["copy_in", "k"]), model("c", &["k"])];
    let head = "model_a,model_b,batch_a,batch_b,sm_pct_a,sm_pct_b,slowdown_a,slowdown_b\n";
    let rows = format!("{head}a,b,1,1,50,50,1.2,1.1\na,b,1,1,33,67,1.2,1.1\n");
    let of = |rule: Arc<dyn CoLocationRule>| CoLocation {
        rule,
        utilisation: Some(Arc::new(
            Utilisation::parse(&Source::new("use.csv", "model,batch,l2_util_pct,dram_util_pct\na,1,10,11\n"))
                .expect("a table"),
        )),
        prior: [0.0; 5],
        copies: Some(Copies {
            to_device: "copy_in".to_owned(),
            from_device: "copy_out".to_owned(),
            order: CopyOrder::Fifo,
        }),
    };
    let shared = [
        "the table of `utilisation` has no row of `c`: taken as idle",
        "no layer is called `copy_out`: `copies.from_device` changes nothing",
    ];
    assert_eq!(
        of(Arc::new(pairs(&rows, Some(1.1)).expect("a table"))).doubts(&models, 2),
        [
            &[
                "2 of 4 measured pairs are of shares that are no whole number of 2 units",
                "the table of pairs has no row of `c`: the slowdown is 1.1"
            ][..],
            &shared,
        ]
        .concat()
    );
    let head = "model_a,from_a,to_a,batch_a,model_b,from_b,to_b,batch_b,slowdown\n";
    let source = Source::new("segments.csv", format!("{head}a,0,3,1,c,0,1,1,1.2\n"));
    let segments = SegmentTable::parse(&source, None).expect("a table");
    assert_eq!(
        of(Arc::new(segments)).doubts(&models, 2),
        [&["layers 0 to 3 of `a` were measured, and the model has 2"][..], &shared].concat()
    );
}

/// Rules over three models.
fn rules() -> Vec<Box<dyn CoLocationRule>> {
    let mut rows = String::from("model_a,model_b,batch_a,batch_b,slowdown_a,slowdown_b\n");
    let mut segments = String::from("model_a,from_a,to_a,batch_a,model_b,from_b,to_b,batch_b,slowdown\n");
    let mut used = String::from("model,batch,l2_util_pct,dram_util_pct\n");
    for (own, name) in ["a", "b", "c"].into_iter().enumerate() {
        let _ = writeln!(used, "{name},1,{},{}\n{name},8,{},{}", 10 + own, 20 + own, 40 - own, 50 + own);
        for (other, beside) in ["a", "b", "c"].into_iter().enumerate().skip(own) {
            let (one, two) = (1.0 + own as f64 / 8.0 + other as f64 / 4.0, 1.5 + own as f64 / 8.0);
            let two = if own == other { one } else { two };
            let _ = writeln!(rows, "{name},{beside},1,1,{one},{two}\n");
            let _ = writeln!(segments, "{name},0,1,1,{beside},0,1,1,{one}");
        }
    }
    let utilisation = Utilisation::parse(&Source::new("use.csv", used)).expect("a sound table");
    let weights = vec![(Time::ZERO, [0.1, 0.4, 0.2, 0.5, 0.05])];
    vec![
        Box::new(PairTable::parse(&Source::new("pairs.csv", rows), None).expect("a sound table")),
        Box::new(SegmentTable::parse(&Source::new("segments.csv", segments), None).expect("a sound table")),
        Box::new(RateModel { weights, utilisation: utilisation.into() }),
    ]
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn the_order_of_others_changes_nothing_and_one_more_slows_down(
        own in (0..3_usize, 1..12_u32), others in prop::collection::vec((0..3_usize, 1..12_u32), 1..5),
    ) {
        let of = |(model, batch): (usize, u32)| resident(model, 1, batch);
        let others: Vec<Resident> = others.into_iter().map(of).collect();
        for rule in rules() {
            let rule = rule.resolve(&["a", "b", "c"], 8);
            let slowdown = rule.slowdown(Time::ZERO, &of(own), &others);
            let mut turned = others.clone();
            turned.reverse();
            prop_assert!((rule.slowdown(Time::ZERO, &of(own), &turned) - slowdown).abs() < 1e-12);
            prop_assert!(slowdown.is_finite() && slowdown >= 1.0);
            let fewer = &others[1..];
            let of_fewer = if fewer.is_empty() { 1.0 } else { rule.slowdown(Time::ZERO, &of(own), fewer) };
            prop_assert!(slowdown >= of_fewer - 1e-12);
        }
    }
}
