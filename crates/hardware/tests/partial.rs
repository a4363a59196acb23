//! Accelerators that run some layers: what cost tables and isolated costs say of the others.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::sync::Arc;

use rtmm_hardware::{AcceleratorId, CostTable, Isolated, IsolatedCosts, Mode, PinnedModel, Platform, load};
use rtmm_workload::input::Source;
use rtmm_workload::{Legality, Model, ModelId};

const ARRAY: &str = "model = \"systolic\"\ndataflow = \"os\"\nrows = 8\ncols = 8\n";

/// A convolution, a softmax, and another convolution.
fn model() -> Model {
    let text = "source = \"a test\"\ninput = [3, 8, 8]\nlayer = [\n\
                { name = \"one\", operator = \"convolution\", channels = 3, kernel = 3 },\n\
                { name = \"soft\", operator = \"softmax\" },\n\
                { name = \"two\", operator = \"convolution\", channels = 6, kernel = 1 } ]\n";
    rtmm_workload::load::model_of(&Source::new("net", text), Legality::Strict).expect("a model")
}

/// Accelerators by their keys beside the model.
fn platform(accelerators: &[&str]) -> Platform {
    let tables = accelerators
        .iter()
        .enumerate()
        .map(|(index, keys)| format!("[[accelerator]]\nname = \"a{index}\"\n{ARRAY}{keys}\n"));
    let text = format!("source = \"a test\"\n{}", tables.collect::<String>());
    load::platform_of(&Source::new("test", text), Mode::Corrected).expect("a platform")
}

fn costs(platform: &Platform) -> IsolatedCosts {
    let models = [model()];
    let table = CostTable::new(platform, &models).expect("every layer has an accelerator");
    IsolatedCosts::new(&models, platform, Arc::new(table))
}

fn id(index: usize) -> AcceleratorId {
    AcceleratorId::new(index)
}

#[test]
fn an_accelerator_runs_the_operators_that_it_lists() {
    let net = ModelId::new(0);
    let listed = "operators = [\"convolution\"]";
    let platform = platform(&[listed, "", listed]);
    // Those that are alike have one configuration, and one class.
    assert_eq!(platform.configurations.len(), 2);
    let costs = costs(&platform);
    assert_eq!((costs.class_count(), costs.whole(id(0))), (2, costs.whole(id(2))));
    assert!(costs.is_partial());
    let of = |index| {
        let class = costs.whole(id(index));
        let runs = [0, 1, 2].map(|layer| costs.supports(net, layer, class));
        (runs, [0, 1, 2, 3].map(|layer| costs.supported_until(net, layer, class)))
    };
    assert_eq!(of(0), ([true, false, true], [1, 1, 3, 3]));
    assert_eq!(of(1), ([true, true, true], [3, 3, 3, 3]));
    // What does not run counts as nothing, and what runs as it does anywhere.
    let (some, all) = (costs.whole(id(0)), costs.whole(id(1)));
    assert_eq!(costs.latency(net, 1, some).picoseconds(), 0);
    assert_eq!(costs.traffic(net, 1, some), [0, 0]);
    assert_eq!(costs.latency(net, 0, some), costs.latency(net, 0, all));
    let sum = costs.latency(net, 0, all).picoseconds() + costs.latency(net, 2, all).picoseconds();
    assert_eq!(costs.latency_between(net, 0, 3, some), sum);
    let supporting: Vec<_> = costs.supporting(net, 1).collect();
    assert_eq!(supporting, [all]);
}

#[test]
fn an_accelerator_computes_in_the_precisions_that_it_lists() {
    // The model is of 8-bit integers but for its softmax; what states no precision runs in any.
    let text = "source = \"a test\"\ninput = [3, 8, 8]\nprecision = \"int8\"\nlayer = [\n\
                { name = \"one\", operator = \"convolution\", channels = 3, kernel = 3 },\n\
                { name = \"soft\", operator = \"softmax\", precision = \"fp16\" },\n\
                { name = \"two\", operator = \"convolution\", channels = 3, kernel = 3 } ]\n";
    let of = |text: &str| rtmm_workload::load::model_of(&Source::new("net", text), Legality::Strict);
    let models = [of(text).expect("a model"), model()];
    let platform = platform(&["precisions = [\"int8\"]", "precisions = [\"fp16\", \"int8\"]", ""]);
    let table = CostTable::new(&platform, &models).expect("every layer has an accelerator");
    let costs = IsolatedCosts::new(&models, &platform, Arc::new(table));
    let of = |model, index| {
        let class = costs.whole(id(index));
        [0, 1, 2].map(|layer| costs.supports(ModelId::new(model), layer, class))
    };
    let runs = [0, 1, 2].map(|accelerator| of(0, accelerator));
    assert_eq!(runs, [[true, false, true], [true; 3], [true; 3]]);
    assert!((0..3).all(|accelerator| of(1, accelerator) == [true; 3]));
    // Precisions are part of models, so that no words need be added to their identities.
    assert!(!platform.depends_on_operator_words());
    assert_ne!(models[0].layers[0], models[0].layers[2]);
    assert_ne!(serde_json::to_string(&models[0]).ok(), serde_json::to_string(&models[1]).ok());
}

#[test]
fn operators_are_part_of_the_identity_and_their_order_is_not() {
    let identity = |keys: &str| platform(&[keys]).identity();
    let plain = identity("");
    let one = identity("operators = [\"softmax\", \"convolution\"]");
    assert_eq!(one, identity("operators = [\"convolution\", \"softmax\"]"));
    assert_ne!(one, identity("operators = [\"convolution\"]"));
    assert_ne!(one, plain);
    let precise = identity("precisions = [\"int8\", \"fp16\"]");
    assert_eq!(precise, identity("precisions = [\"fp16\", \"int8\"]"));
    assert!(precise != plain && precise != identity("precisions = [\"int8\"]"), "{precise}");
    assert!(platform(&["operators = [\"convolution\"]"]).depends_on_operator_words());
    assert!(!platform(&[""]).depends_on_operator_words());
    // A kind that is not stated is that of the cost model, and adds nothing.
    let kinds = platform(&["", "kind = \"npu\""]);
    let words: Vec<&str> = kinds.accelerators.iter().map(|one| one.kind.word.as_str()).collect();
    assert_eq!(words, ["systolic", "npu"]);
    assert!(kinds.identity().contains("|kinds=,\"npu\""), "{}", kinds.identity());
    assert!(!plain.contains("kinds"));
}

#[test]
fn what_is_divided_runs_a_layer_with_any_number_of_its_units_or_not_at_all() {
    let net = ModelId::new(0);
    // Two units are an array that runs everything, one of them is for convolutions.
    let division =
        "[accelerator.division]\nunits = 2\npart = [{ units = 1, rows = 4, operators = [\"convolution\"] }]";
    let platform = platform(&[division, ""]);
    let costs = costs(&platform);
    for class in costs.classes_of(id(0)) {
        let runs = [0, 1, 2].map(|layer| costs.supports(net, layer, *class));
        assert_eq!(runs, [true, false, true], "{:?}", costs.class(*class));
    }
    assert!((0..3).all(|layer| costs.supports(net, layer, costs.whole(id(1)))));
}

#[test]
fn a_layer_that_no_accelerator_runs_is_told_with_every_reason() {
    let small = "operators = [\"convolution\"]";
    let missing = CostTable::new(&platform(&[small, small, "operators = [\"attention\"]"]), &[model()])
        .expect_err("nobody runs the softmax");
    let told: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "layer `soft` of model `net` cannot run on any accelerator: `a0`, `a1` (systolic OS 8x8): the accelerator runs \
             no `softmax`: `operators` lists convolution; `a2` (systolic OS 8x8): the accelerator runs no `softmax`: \
             `operators` lists attention"
        ]
    );
}

#[test]
fn a_pinned_model_has_costs_where_its_jobs_may_run() {
    let platform = platform(&["", "", "operators = [\"convolution\"]"]);
    let models = [model(), model()];
    let table = Arc::new(CostTable::new(&platform, &models[..1]).expect("every layer has an accelerator"));
    let pinned = PinnedModel { network: ModelId::new(0), may_use: vec![false, true, true] };
    let costs = IsolatedCosts::with_pinned(&models, vec![pinned], &platform, table);
    let (free, copy) = (ModelId::new(0), ModelId::new(1));
    // The two arrays that are alike are told apart.
    assert_ne!(costs.whole(id(0)), costs.whole(id(1)));
    assert_eq!((costs.network(free), costs.network(copy)), (free, free));
    let runs = |model, index| [0, 1, 2].map(|layer| costs.supports(model, layer, costs.whole(id(index))));
    assert_eq!([0, 1, 2].map(|index| runs(free, index)), [[true; 3], [true; 3], [true, false, true]]);
    assert_eq!([0, 1, 2].map(|index| runs(copy, index)), [[false; 3], [true; 3], [true, false, true]]);
    assert_eq!([0, 1, 2].map(|index| costs.may_use(copy, id(index))), [false, true, true]);
    let at = |model, index| costs.latency(model, 0, costs.whole(id(index)));
    assert_eq!((at(free, 0), at(copy, 1)), (at(free, 1), at(free, 1)));
    assert!(at(copy, 0).is_zero());
    let nothing: &Isolated = costs.parts(copy, 0, costs.whole(id(0)));
    assert!(nothing.latency().is_zero());
}
