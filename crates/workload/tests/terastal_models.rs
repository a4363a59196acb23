//! The networks of Terastal's artifact, with their layer variants and the accuracy of every set: against the counts that follow
//! from the artifact, and against what is told of bad files.

#![expect(clippy::disallowed_methods, reason = "the loader is given files that these tests write")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use rtmm_workload::input::Source;
use rtmm_workload::load::model_of;
use rtmm_workload::{Legality, Model, Operator, VariantSet, load, originals};

/// A network: layers, additions among them, multiply-accumulates without these, weights, layers with variants, and of the sets of
/// them that keep at least 0.99, 0.95, 0.9 and 0.8 of the accuracy the number, the one without variants included.
type Known = (&'static str, usize, usize, u64, u64, u32, [usize; 4]);

const KNOWN: [Known; 6] = [
    ("resnet50", 66, 16, 3_729_522_688, 22_734_016, 7, [2, 22, 52, 89]),
    ("vgg11", 11, 0, 7_609_090_048, 132_851_392, 4, [1, 1, 3, 5]),
    ("mobilenetv2_ssd_lite", 86, 0, 660_828_976, 3_331_456, 4, [3, 4, 4, 4]),
    ("inceptionv3", 95, 0, 5_713_216_096, 23_799_136, 3, [3, 4, 4, 4]),
    ("swin_tiny", 77, 0, 4_350_425_088, 28_199_424, 4, [7, 14, 16, 16]),
    ("sp2dense", 39, 8, 4_973_162_496, 13_501_072, 4, [7, 11, 13, 15]),
];

fn model(name: &str) -> Model {
    load::model(&format!("terastal/{name}"), None, Legality::Strict)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// True of the addition of a shortcut, which the artifact exports as a depthwise convolution of one element.
fn is_addition(operator: &Operator) -> bool {
    matches!(operator, Operator::Convolution(of) if of.is_depthwise() && of.kernel == [1, 1])
}

#[test]
fn networks_have_the_layers_and_the_work_of_the_artifact() {
    for (name, layers, additions, macs, weights, _, _) in KNOWN {
        let model = model(name);
        let own = || model.layers.iter().filter(|layer| !is_addition(&layer.operator));
        assert_eq!((model.layers.len(), model.layers.len() - own().count()), (layers, additions), "{name}");
        assert_eq!(own().map(|layer| layer.macs().unwrap()).sum::<u64>(), macs, "{name}");
        assert_eq!(own().map(|layer| layer.parameters()).sum::<u64>(), weights, "{name}");
    }
}

#[test]
fn every_set_of_variants_has_an_accuracy_and_so_many_keep_a_limit() {
    for (name, _, _, _, _, variants, keeping) in KNOWN {
        let model = model(name);
        let of = model.layer_variants.as_deref().unwrap();
        assert_eq!(of.layers.len(), variants as usize, "{name}");
        assert_eq!(of.accuracies.len(), 1 << variants, "{name}");
        let without = of.accuracy(VariantSet::EMPTY).unwrap();
        assert_eq!(model.accuracy, Some(without), "{name}");
        let keep = |limit: f64| {
            of.accuracies.iter().filter(|(_, accuracy)| accuracy / without >= limit - 1e-9).count()
        };
        assert_eq!([0.99, 0.95, 0.9, 0.8].map(keep), keeping, "{name}");
    }
}

#[test]
fn a_network_is_read_as_the_pair_that_runs_no_variant_and_all() {
    for (name, ..) in KNOWN {
        let original = model(name);
        let [versioned] = original.variants.as_slice() else { panic!("{name} has one other variant") };
        assert_eq!(original.name, format!("terastal/{name}/original"));
        assert_eq!(versioned.name, format!("terastal/{name}/versioned"));
        let (none, all) =
            (original.layer_variants.as_deref().unwrap(), versioned.layer_variants.as_deref().unwrap());
        assert_eq!((none.runs_all, all.runs_all), (false, true));
        let differ = |index: &usize| original.layers[*index] != versioned.layers[*index];
        let differing: Vec<usize> = (0..original.layers.len()).filter(differ).collect();
        assert_eq!(differing, none.layers.iter().map(|layer| layer.index()).collect::<Vec<_>>(), "{name}");
        for layer in differing {
            let (own, version) = (&original.layers[layer], &versioned.layers[layer]);
            assert_eq!(own.input_elements(), version.input_elements(), "{name} {}", own.name);
            let saved = version.macs().unwrap() as f64 / own.macs().unwrap() as f64;
            // A quarter, or a ninth, and more where padding widens the grid.
            assert!((0.11..0.33).contains(&saved), "{name} {}: {saved}", own.name);
        }
        let work = |of: &Model| {
            let own = of.layers.iter().filter(|layer| !is_addition(&layer.operator));
            own.map(|layer| layer.macs().unwrap()).sum::<u64>() as f64
        };
        let saved = 1.0 - work(versioned) / work(&original);
        assert!((0.079..0.155).contains(&saved), "{name}: {saved}");
        let pair = [original.clone(), versioned.clone()];
        assert_eq!(originals(&pair).unwrap().iter().map(|id| id.index()).collect::<Vec<_>>(), [0, 0]);
    }
    assert_eq!(originals(&[load::model("examples/mobilenet_v2", None, Legality::Strict).unwrap()]), None);
}

#[test]
fn accuracy_of_a_set_is_the_published_one() {
    let swin = model("swin_tiny");
    let of = swin.layer_variants.as_deref().unwrap();
    let all = (0..4).fold(VariantSet::EMPTY, VariantSet::with);
    // One more variant can raise it.
    let three = (1..4).fold(VariantSet::EMPTY, VariantSet::with);
    assert_eq!(of.accuracy(VariantSet::EMPTY), Some(0.9536));
    assert!(of.accuracy(all).unwrap() / 0.9536 > 0.96);
    assert!(of.accuracy(three).is_some());
    assert_eq!(swin.variants[0].accuracy, of.accuracy(all));
}

/// What is told of a model file beside these tables.
fn told(keys: &str, variants: &str, accuracies: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let head = "layer_name,K,C,R,S,Y,X\n";
    std::fs::write(path("net.csv"), format!("{head}c1,8,4,1,1,4,4\nc2,8,8,1,1,4,4\n")).unwrap();
    std::fs::write(path("variants.csv"), format!("{head}{variants}")).unwrap();
    std::fs::write(path("accuracy.csv"), accuracies).unwrap();
    let text = format!(
        "source = \"a test\"\nshapes = \"independent\"\nlayer_table = \"net.csv\"\n{keys}\n\
         [layer_variants]\nlayers = \"variants.csv\"\naccuracies = \"accuracy.csv\"\n"
    );
    std::fs::write(path("net.toml"), text).unwrap();
    match load::model(&path("net.toml").display().to_string(), None, Legality::Strict) {
        Ok(model) => format!("{} with {}", model.name, model.variants[0].name),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn bad_tables_of_variants_are_told_where_and_why() {
    let good = "c1,2,1,1,1,8,8\n";
    let accuracies = "layers,accuracy\nnone,0.9\nc1,0.8\n";
    assert_eq!(told("", good, accuracies), "net/original with net/versioned");
    for (keys, variants, accuracies, expected) in [
        ("accuracy = 0.9", good, accuracies, "stand in their table"),
        (
            "exit = [{ name = \"e\", after = \"c1\", probability = 0.5 }]",
            good,
            accuracies,
            "all inferences are alike",
        ),
        ("", "", accuracies, "the table has no rows"),
        ("", "c3,2,1,1,1,8,8\n", accuracies, "the model has no layer `c3`"),
        ("", "c1,2,1,1,1,8,8\nc1,2,1,1,1,8,8\n", accuracies, "layer `c1` has two variants"),
        ("", "c1,2,1,1,1,4,4\n", accuracies, "reads 16 elements, and the layer 64"),
        ("", good, "layers,accuracy\nc1,0.8\n", "how accurate the model is without variants"),
        ("", good, "layers,accuracy\nnone,0.9\nc2,0.8\n", "layer `c2` has no variant"),
        ("", good, "layers,accuracy\nnone,0.9\nc9,0.8\n", "the model has no layer `c9`"),
        ("", good, "layers,accuracy\nnone,0.9\nc1+c1,0.8\nc1,0.8\n", "this set has two accuracies"),
        ("", good, "layers,accuracy\nnone,90\n", "90"),
        ("", good, "layers,acuracy\nnone,0.9\n", "no column `accuracy`"),
    ] {
        let told = told(keys, variants, accuracies);
        assert!(told.contains(expected), "{expected:?} is not in: {told}");
    }
}

#[test]
fn a_supernet_has_no_variant_with_layer_variants() {
    let source = Source::new(
        "net.toml",
        "source = \"a test\"\ndefault = \"a\"\n[[variant]]\nname = \"a\"\nmodel = \"terastal/vgg11\"\n\
         [[variant]]\nname = \"b\"\nmodel = \"examples/mobilenet_v2\"\n",
    );
    let told = model_of(&source, Legality::Strict).unwrap_err().to_string();
    assert!(told.contains("has layer variants of its own"), "{told}");
}
