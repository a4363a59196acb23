//! Model files with blocks, exits, accuracies and variants: what good ones mean, and what bad ones
//! are told. Refusals are kept as snapshots, one for each group of cases.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "files that name each other must be written")]

use std::fmt::Write as _;
use std::fs;
use std::path::MAIN_SEPARATOR;

use rtmm_workload::input::{Origin, Source};
use rtmm_workload::{Legality, MAX_BLOCKS, Model, load};

/// Six layers; `half` and `tail` change the shape.
const LAYERS: &str = r#"source = "a test"
input = [8, 16, 16]
layer = [
  { name = "one", operator = "convolution", channels = 8, kernel = 3, padding = 1 },
  { name = "two", operator = "convolution", channels = 8, kernel = 3, padding = 1 },
  { name = "sum", operator = "add", input = ["input", "two"] },
  { name = "half", operator = "max-pool", kernel = 2 },
  { name = "tail", operator = "convolution", channels = 8, kernel = 3 },
  { name = "last", operator = "activation" },
]
"#;
const TABLE: &str =
    "K,C,R,S,Y,X,layer_name\n8,4,1,1,16,16,a\n8,8,1,1,16,16,b\n8,8,1,1,16,16,b\n4,8,1,1,16,16,c\n";

fn built_in(name: &str) -> Model {
    load::model(name, None, Legality::Strict).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A model file of another text in the place of a built-in one, so that it finds its neighbours.
fn beside_examples(text: &str) -> Source {
    let path = "models/examples/supernet.toml";
    Source::with_origin("supernet.toml", text, Origin::BuiltIn(path.to_owned()))
}

/// What is said of each of these bad files.
#[track_caller]
fn refusals(sources: &[Source]) -> String {
    let mut text = String::new();
    for source in sources {
        let problems = load::model_of(source, Legality::Strict).expect_err(source.text());
        let _ = write!(text, "{problems}\n\n");
    }
    text
}

/// Six good layers, and these tables after them.
fn with_layers(tables: &[&str]) -> Vec<Source> {
    tables.iter().map(|table| Source::new("model.toml", format!("{LAYERS}{table}\n"))).collect()
}

#[test]
fn examples_say_what_they_skip_and_where_they_end() {
    let skipping = built_in("examples/skipping_cnn");
    assert_eq!(skipping.accuracy, Some(0.742));
    assert_eq!(skipping.blocks.len(), 4);
    for block in &skipping.blocks {
        let name = |layer: rtmm_workload::LayerId| skipping.layers[layer.index()].name.clone();
        assert_eq!(name(block.first), format!("{}_conv1", block.name));
        assert_eq!(name(block.last), format!("{}_add", block.name));
    }
    let skips: Vec<f64> = skipping.blocks.iter().map(|block| block.skip_probability).collect();
    assert_eq!(skips, [0.1, 0.35, 0.25, 0.5]);

    let exiting = built_in("examples/early_exit_cnn");
    let exits: Vec<(&str, f64, Option<f64>)> = exiting
        .exits
        .iter()
        .map(|exit| {
            let after = exiting.layers[exit.after.index()].name.as_str();
            (after, exit.probability, exit.accuracy)
        })
        .collect();
    assert_eq!(exits, [("exit1_classifier", 0.3, Some(0.655)), ("exit2_classifier", 0.4, Some(0.718))]);
    assert!(skipping.is_dynamic() && exiting.is_dynamic());
}

#[test]
fn a_supernet_is_its_default_network_with_the_others() {
    let supernet = built_in("examples/supernet");
    let alone = built_in("examples/supernet_large");
    assert_eq!(supernet.name, "examples/supernet/large");
    assert_eq!(
        (supernet.variant.as_deref(), supernet.supernet()),
        (Some("large"), Some("examples/supernet"))
    );
    assert_eq!((alone.variant.as_deref(), alone.supernet()), (None, None));
    assert_eq!((&supernet.layers, supernet.accuracy), (&alone.layers, Some(0.751)));
    let others: Vec<(&str, Option<f64>)> =
        supernet.variants.iter().map(|variant| (variant.name.as_str(), variant.accuracy)).collect();
    assert_eq!(others, [("examples/supernet/small", Some(0.662)), ("examples/supernet/medium", Some(0.718))]);
    assert!(supernet.variants.iter().all(|variant| variant.variants.is_empty()));
    let macs: Vec<u64> = supernet.variants.iter().map(Model::macs).collect();
    assert!(macs[0] < macs[1] && macs[1] < supernet.macs());
}

#[test]
fn variants_may_be_dynamic_and_state_accuracies_of_their_own() {
    let text = r#"
        source = "a test"
        default = "b"
        variant = [
          { name = "a", model = "examples/early_exit_cnn", accuracy = 0.5 },
          { name = "b", model = "skipping_cnn.toml" },
          { name = "c", model = "xrbench/kd_res8_narrow" },
        ]
    "#;
    let model = load::model_of(&beside_examples(text), Legality::Strict).expect("a sound supernet");
    assert_eq!((model.blocks.len(), model.accuracy), (4, Some(0.742)));
    assert_eq!((model.variants[0].exits.len(), model.variants[0].accuracy), (2, Some(0.5)));
    assert_eq!(model.variants[1].accuracy, None);
}

/// The order of keys, and of `[[block]]` among `[[layer]]`, does not matter; an edge of everything
/// that is allowed.
#[test]
fn blocks_may_be_single_layers_and_exits_stand_within_blocks() {
    let text = format!(
        "accuracy = 1\nblock = [\n  {{ name = \"a\", first = \"one\", last = \"one\", skip_probability = 1 }},\n  \
         {{ name = \"b\", first = \"two\", last = \"last\" }},\n]\n{LAYERS}[[exit]]\nname = \"a\"\nafter = \"one\"\n\
         probability = 0\n[[exit]]\nname = \"b\"\nafter = \"tail\"\nprobability = 1\naccuracy = 0\n"
    );
    let model = load::model_of(&Source::new("model.toml", text), Legality::Strict);
    let model = model.unwrap_or_else(|problems| panic!("{problems}"));
    let blocks: Vec<(usize, usize)> =
        model.blocks.iter().map(|block| (block.first.index(), block.last.index())).collect();
    assert_eq!(blocks, [(0, 0), (1, 5)]);
    assert_eq!((model.exits[0].accuracy, model.exits[1].accuracy), (None, Some(0.0)));
    assert_eq!(model.accuracy, Some(1.0));
}

#[test]
fn rows_of_tables_form_blocks_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.toml");
    fs::write(folder.path().join("t.csv"), TABLE).expect("the table can be written");
    let model = |shapes: &str, tables: &str| {
        let text = format!("source = \"a test\"\nlayer_table = \"t.csv\"\nshapes = \"{shapes}\"\n{tables}\n");
        load::model_of(&Source::with_origin("model.toml", text, Origin::File(path.clone())), Legality::Strict)
    };
    let skipped = "[[block]]\nname = \"x\"\nfirst = \"a\"\nlast = \"a\"\nskip_probability = 0.5";
    let block = &model("independent", skipped).expect("shapes that nobody compares").blocks[0];
    assert_eq!((block.first.index(), block.last.index()), (0, 0));
    let exits = "[[exit]]\nname = \"x\"\nafter = \"a\"\nprobability = 0.5";
    assert_eq!(model("chained", exits).expect("a sound model").exits.len(), 1);

    let mut text = String::new();
    for tables in [skipped, "[[block]]\nname = \"x\"\nfirst = \"a\"\nlast = \"b\""] {
        let problems = model("chained", tables).expect_err("a bad block");
        let _ = write!(text, "{problems}\n\n");
    }
    insta::assert_snapshot!("tables", text);
}

#[test]
fn bad_blocks_are_refused() {
    let block = |name: &str, first: &str, last: &str, more: &str| {
        format!("[[block]]\nname = \"{name}\"\nfirst = \"{first}\"\nlast = \"{last}\"\n{more}\n")
    };
    let many: String = (0..=MAX_BLOCKS).map(|index| block(&format!("b{index}"), "one", "one", "")).collect();
    let skips = "skip_probability = 0.5";
    let cases = [
        "[[block]]\nfrist = \"one\"".to_owned(),
        block("a", "one", "summ", ""),
        block("a", "input", "one", ""),
        block("a", "two", "one", ""),
        block("a", "one", "two", "skip_probability = 1.5"),
        block("a", "one", "two", "skip_probability = \"often\""),
        block("a", "one", "one", "") + &block("a", "two", "two", ""),
        block("a", "one", "two", "") + &block("b", "two", "half", ""),
        block("a", "half", "tail", "") + &block("b", "one", "two", ""),
        block("a", "sum", "half", skips),
        block("a", "last", "last", skips),
        "block = 3".to_owned(),
    ];
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    insta::assert_snapshot!("blocks", refusals(&with_layers(&cases)));
    // One surplus is said once; that the blocks overlap is said of each.
    let source = Source::new("model.toml", format!("{LAYERS}{many}"));
    let problems = load::model_of(&source, Legality::Strict).expect_err("too many blocks");
    let first = problems.iter().next().expect("a problem");
    assert_eq!(first.message(), "there are 65 tables `[[block]]`; at most 64 are allowed");
}

/// Where a block is skipped, nothing else may need what stands inside of it.
#[test]
fn layers_within_skippable_blocks_are_read_from_within() {
    let text = r#"source = "a test"
input = [8, 16, 16]
layer = [
  { name = "a", operator = "activation" },
  { name = "b", operator = "activation" },
  { name = "c", operator = "add", input = ["input", "b"] },
  { name = "d", operator = "add", input = ["a", "c"] },
]
[[block]]
name = "x"
first = "a"
last = "b"
skip_probability = 0.5
"#;
    insta::assert_snapshot!("inner_layers", refusals(&[Source::new("model.toml", text)]));
    let sound = text.replace("0.5", "0");
    assert!(load::model_of(&Source::new("model.toml", sound), Legality::Strict).is_ok());
}

#[test]
fn bad_exits_and_accuracies_are_refused() {
    let exit = |name: &str, after: &str, more: &str| {
        format!("[[exit]]\nname = \"{name}\"\nafter = \"{after}\"\nprobability = 0.5\n{more}\n")
    };
    let cases = [
        "[[exit]]\nbefore = \"one\"".to_owned(),
        exit("a", "lost", ""),
        exit("a", "last", ""),
        exit("a", "one", "accuracy = 75.9"),
        exit("a", "one", "") + &exit("a", "two", ""),
        exit("a", "two", "") + &exit("b", "two", ""),
        exit("a", "two", "") + &exit("b", "one", ""),
        "[[exit]]\nname = \"a\"\nafter = \"one\"\nprobability = -0.5".to_owned(),
    ];
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    let mut sources = with_layers(&cases);
    sources.push(Source::new("model.toml", format!("accuracy = 75.9\n{LAYERS}")));
    sources.push(Source::new("model.toml", format!("acuracy = 0.759\n{LAYERS}")));
    let many: String = (0..=MAX_BLOCKS).map(|index| exit(&format!("e{index}"), "one", "")).collect();
    insta::assert_snapshot!("exits", refusals(&sources));
    let source = Source::new("model.toml", format!("{LAYERS}{many}"));
    let problems = load::model_of(&source, Legality::Strict).expect_err("too many exits");
    let first = problems.iter().next().expect("a problem");
    assert_eq!(first.message(), "there are 65 tables `[[exit]]`; at most 64 are allowed");
}

#[test]
fn bad_supernets_are_refused() {
    let head = "source = \"a test\"\ndefault = \"a\"\n";
    let a = "[[variant]]\nname = \"a\"\nmodel = \"supernet_small.toml\"\n";
    let variant = |name: &str, model: &str| format!("[[variant]]\nname = \"{name}\"\nmodel = \"{model}\"\n");
    let cases = [
        head.to_owned(),
        format!("{head}{a}"),
        format!("{head}{a}{}", variant("a", "supernet_large.toml")),
        format!("source = \"a test\"\n{a}{}", variant("b", "supernet_large.toml")),
        format!("source = \"a test\"\ndefault = \"bb\"\n{a}{}", variant("b", "supernet_large.toml")),
        format!("{head}{a}{}", variant("b", "supernet_larg.toml")),
        format!("{head}{a}{}", variant("b", "examples/supernet_larg")),
        format!("{head}{a}[[variant]]\nmodel = \"supernet_large.toml\"\nacuracy = 0.5\n"),
        format!("{head}accuracy = 0.5\n{a}{}[[block]]\nname = \"x\"\n", variant("b", "supernet_large.toml")),
        format!("{head}{a}{}[[layer]]\nname = \"x\"\n", variant("b", "supernet_large.toml")),
        // Itself, by its path and by its name.
        format!("{head}{a}{}", variant("b", "supernet.toml")),
        format!("{head}{a}{}", variant("b", "examples/supernet")),
    ];
    let sources: Vec<Source> = cases.iter().map(|text| beside_examples(text)).collect();
    insta::assert_snapshot!("supernets", refusals(&sources));
}

/// Files that name each other in a circle are refused, and reading them ends.
#[test]
fn supernets_of_supernets_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).expect("a file");
    let supernet = |first: &str, second: &str| {
        format!(
            "source = \"a test\"\ndefault = \"a\"\nvariant = [\n  {{ name = \"a\", model = \"{first}\" }},\n  \
             {{ name = \"b\", model = \"{second}\" }},\n]\n"
        )
    };
    write("net.toml", LAYERS.to_owned());
    write("one.toml", supernet("net.toml", "other.toml"));
    write("other.toml", supernet("net.toml", "one.toml"));
    let path = folder.path().join("one.toml");
    let text = fs::read_to_string(&path).expect("the file");
    let source = Source::with_origin("one.toml", text, Origin::File(path));
    let shown = refusals(&[source]).replace(&format!("{}{MAIN_SEPARATOR}", folder.path().display()), "");
    insta::assert_snapshot!("circles", shown);
}
