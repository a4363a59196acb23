//! Model files with sparsity and samples: what they decode to, and what is said of mistakes.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use rtmm_workload::input::{Origin, Source};
use rtmm_workload::load::{Kind, built_in_names};
use rtmm_workload::synthesis::Values;
use rtmm_workload::{Legality, Model, Operator, Pattern, Schema, load};

const TRACE: &str = "sim_lat,overall-sparsity,batch-indx,layer-indx\n0.25,0.5,0,0\n0.5,0.25,0,1\n";
const SANGER: &str = "overall-sparsity,50%-skip,batch-indx,layer-indx\n0.5,0.75,0,0\n0.25,0.5,0,1\n";
const TWO_LAYERS: &str = r#"
input = [3, 8, 8]
layer = [
  { name = "conv1", operator = "convolution", channels = 8, kernel = 3 },
  { name = "conv2", operator = "convolution", channels = 8, kernel = 3 },
]
"#;

fn write(folder: &Path, name: &str, text: &str) {
    #[expect(clippy::disallowed_methods, reason = "a test writes its own inputs")]
    std::fs::write(folder.join(name), text).expect("a file can be written");
}

/// A model file in a folder with traces and other models.
fn read(text: &str) -> Result<Model, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    write(folder, "net_dense.eyerissv2.csv", TRACE);
    write(folder, "bert.sanger.csv", SANGER);
    write(folder, "broken.csv", "sim_lat,overall-sparsity,batch-indx,layer-indx\n1,2,0,0\n");
    write(folder, "two.toml", &format!("source = \"s\"\n{TWO_LAYERS}"));
    write(folder, "circle.toml", "source = \"s\"\nlayers_of = \"circle2.toml\"\n");
    write(folder, "circle2.toml", "source = \"s\"\nlayers_of = \"circle.toml\"\n");
    let source = Source::with_origin("m.toml", text, Origin::File(folder.join("m.toml")));
    load::model_of(&source, Legality::Strict)
        .map_err(|problems| problems.to_string().replace(&folder.display().to_string(), "FOLDER"))
}

#[track_caller]
fn refused(text: &str, messages: &[&str]) {
    let problems = read(text).err().unwrap_or_default();
    for message in messages {
        assert!(problems.contains(message), "{text}\n{problems}\nlacks: {message}");
    }
    assert_eq!(problems.matches("error:").count(), messages.len(), "{text}\n{problems}");
}

#[test]
fn layers_blocks_and_exits_can_be_another_models() {
    let text = "source = \"s\"\nlayers_of = \"examples/early_exit_cnn\"\naccuracy = 0.5";
    let model = read(text).expect("a model");
    let other = load::model("examples/early_exit_cnn", None, Legality::Strict).expect("a built-in model");
    assert_eq!((&model.layers, &model.exits), (&other.layers, &other.exits));
    assert_eq!((model.name.as_str(), model.source.as_str(), model.accuracy), ("m", "s", Some(0.5)));
    assert!(model.samples.is_none() && model.sparsity.architecture.is_none());
}

#[test]
fn layers_come_from_one_place() {
    refused(
        "source = \"s\"\nlayers_of = \"circle.toml\"",
        &["models take their layers from each other in a circle"],
    );
    refused("source = \"s\"\nlayers_of = \"m.toml\"", &["cannot be read"]);
    refused("source = \"s\"\nlayers_of = \"nets\"", &["there is no built-in model `nets`"]);
    refused("source = \"s\"\nlayers_of = 3", &["`layers_of` must be a text in quotes"]);
    refused(
        "source = \"s\"\nlayers_of = \"examples/supernet\"",
        &["a supernet has no layers of its own to take"],
    );
    refused(
        &format!("source = \"s\"\nlayers_of = \"two.toml\"\n{TWO_LAYERS}"),
        &[
            "a model has one of `layer`, `layer_table`, `layers_of` and `measured_layers`, not `layer` and `layers_of`",
        ],
    );
    refused(
        "source = \"s\"\nlayers_of = \"two.toml\"\ninput = [1, 1, 1]\nshapes = \"chained\"",
        &["so is `input`", "so is `shapes`"],
    );
}

#[test]
fn sparsity_is_stated_or_none() {
    let of = |table: &str| read(&format!("source = \"s\"\nlayers_of = \"two.toml\"\n[sparsity]\n{table}"));
    let model = of("architecture = \"net\"\npattern = \"filter\"\nweights = 0.25").expect("a model");
    assert_eq!(model.sparsity.architecture.as_deref(), Some("net"));
    assert_eq!((model.sparsity.pattern, model.sparsity.weights), (Pattern::Filter, 0.25));
    assert_eq!(of("pattern = \"dense\"").expect("a model").sparsity.weights, 0.0);
    for (table, message) in [
        ("pattern = \"block\"", "the pattern `block` does not say how many weights are zero"),
        ("weights = 0.5", "the weights of a dense network are not sparse"),
        ("pattern = \"filter\"\nweights = 1.0", "`weights` is out of range"),
        ("pattern = \"filters\"\nweights = 0.5", "`pattern` cannot be `filters`"),
        ("architecture = \"\"", "`architecture` is empty"),
        ("weight = 0.5", "unknown key `weight` in `[sparsity]`"),
    ] {
        let problems = of(table).err().unwrap_or_default();
        assert!(problems.contains(message), "{table}: {problems}");
    }
}

#[test]
fn a_trace_alone_makes_a_model() {
    let of = |keys: &str| read(&format!("source = \"s\"\n[samples]\n{keys}"));
    let model = of("file = \"net_dense.eyerissv2.csv\"").expect("a model");
    assert_eq!((model.name.as_str(), model.layers.len()), ("m", 2));
    assert_eq!(model.sparsity.architecture.as_deref(), Some("net"));
    assert_eq!((model.layers[1].name.as_str(), model.layers[1].operator), ("layer1", Operator::Opaque));
    let model = of("file = \"bert.sanger.csv\"\nsequence_length = 384").expect("a model");
    assert_eq!(model.sparsity.architecture.as_deref(), Some("bert"));
    let Operator::Attention(attention) = model.layers[0].operator else { panic!("attention") };
    assert_eq!((attention.embedding, attention.heads, attention.queries), (768, 12, 384));
    let renamed = "source = \"s\"\n[sparsity]\narchitecture = \"other\"\npattern = \"block\"\nweights = 0.5\n\
                   [samples]\nfile = \"net_dense.eyerissv2.csv\"";
    let sparsity = read(renamed).expect("a model").sparsity;
    assert_eq!((sparsity.architecture.as_deref(), sparsity.weights), (Some("other"), 0.5));
}

#[test]
fn a_trace_fits_the_layers() {
    let of = |keys: &str| format!("source = \"s\"\nlayers_of = \"two.toml\"\n[samples]\n{keys}");
    let model = read(&of("file = \"net_dense.eyerissv2.csv\"")).expect("a model");
    let trace = model.samples.expect("samples");
    assert_eq!((trace.latency_s(0, 1), trace.synthesis().is_none()), (Some(0.5), true));
    let three = TWO_LAYERS.replace("conv2", "conv3").replace(
        "layer = [",
        "layer = [\n{ name = \"conv2\", operator = \"convolution\", channels = 8, kernel = 3 },",
    );
    refused(
        &format!("source = \"s\"\n{three}\n[samples]\nfile = \"net_dense.eyerissv2.csv\""),
        &["the trace has 2 layers and the model 3"],
    );
    refused(&of("file = \"none.csv\""), &["cannot be read"]);
    refused(&of("file = \"broken.csv\""), &["`2` in column"]);
    refused(&of(""), &["`[samples]` does not say what the samples are"]);
    refused(&of("sequence_length = 4\nfile = \"net_dense.eyerissv2.csv\""), &["only a trace is known"]);
    refused(&of("file = \"a.csv\"\nsynthesize = { count = 1 }"), &["not both"]);
    refused(
        "source = \"s\"\n[samples]\nsynthesize = { count = 1 }",
        &["unknown key `synthesize`", "has no `file`"],
    );
    refused(
        "source = \"s\"\n[samples]\nfile = \"net_dense.eyerissv2.csv\"\nsequence_length = 2",
        &["only traces of attention have a sequence"],
    );
    refused(
        "source = \"s\"\ninput = [1, 1, 1]\n[samples]\nfile = \"net_dense.eyerissv2.csv\"",
        &["only a trace is known has no `input`"],
    );
    refused("source = \"s\"\nsamples = 3", &["`samples` must be a table"]);
}

#[test]
fn samples_are_made_up_from_their_parameters() {
    let of = |keys: &str| {
        format!("source = \"s\"\nlayers_of = \"two.toml\"\n[samples]\nsynthesize = {{ {keys} }}")
    };
    let model =
        read(&of("datasets = [{ name = \"a\", samples = 3 }, { name = \"b\", samples = 4, shift = 0.5 }]"));
    let trace = model.expect("a model").samples.expect("samples");
    assert_eq!((trace.len(), trace.schema, trace.latency_s(0, 0)), (7, Schema::EyerissV2, None));
    let Some(Values::Activations(values)) = trace.synthesis().map(|synthesis| &synthesis.values) else {
        panic!("made-up activations")
    };
    assert_eq!(values.datasets[1].shift, 0.5);
    for (keys, message) in [
        ("", "it is not said how many samples to synthesise"),
        ("count = 0", "`count` is out of range"),
        ("count = 10_000_000", "are more than 10000000 cells"),
        ("count = 1, seed = -1", "`seed` is out of range"),
        ("count = 1, correlation = 1", "`correlation` is out of range"),
        ("count = 1, density = 0.5", "unknown key `density` in `synthesize`"),
        ("count = 1, inner = [0.5]", "a range has two ends"),
        ("count = 1, inner = [0.5, 2]", "out of range"),
        ("count = 1, residual_inputs = [\"fc*\"]", "no layer is called `fc*`"),
        ("datasets = [{ name = \"a\", samples = 0 }]", "`samples` is out of range"),
        ("datasets = [{ samples = 1 }]", "a dataset has no `name`"),
    ] {
        let problems = read(&of(keys)).err().unwrap_or_default();
        assert!(problems.contains(message), "{keys}: {problems}");
    }
    let mixed = TWO_LAYERS.replace(
        "operator = \"convolution\", channels = 8, kernel = 3 },\n]",
        "operator = \"softmax\" },\n]",
    );
    refused(
        &format!("source = \"s\"\n{mixed}\n[samples]\nsynthesize = {{ count = 1 }}"),
        &["layer `conv2` is something else"],
    );
}

/// Every built-in model with samples, and what it is by name.
#[test]
fn the_built_in_set_is_complete_and_synthetic() {
    let mut sampled = 0;
    for name in built_in_names(Kind::Model).into_iter().filter(|name| name.starts_with("dysta/")) {
        let model =
            load::model(&name, None, Legality::Strict).unwrap_or_else(|problems| panic!("{problems}"));
        let Some(trace) = &model.samples else { continue };
        sampled += 1;
        assert!(trace.synthesis().is_some(), "{name}");
        assert_eq!(trace.layers(), model.layers.len(), "{name}");
        let short = name.trim_start_matches("dysta/");
        assert_eq!(trace.name, short);
        let expected = match trace.schema {
            Schema::Sanger if short.starts_with("bart") => 300,
            Schema::Sanger => 400,
            Schema::EyerissV2 => 200,
        };
        assert_eq!(trace.len(), expected, "{name}");
        let architecture = model.sparsity.architecture.as_deref().expect("an architecture");
        match trace.schema {
            Schema::Sanger => assert_eq!(architecture, short),
            Schema::EyerissV2 => assert_eq!(Some(architecture), short.split('_').next()),
        }
        let weights: f64 =
            short.rsplit_once("sparse").map_or(0.0, |(_, percent)| percent.parse().expect("percent"));
        assert_eq!(model.sparsity.weights, weights / 100.0, "{name}");
        let patterns =
            [("block", Pattern::Block), ("filter", Pattern::Filter), ("unstr", Pattern::Unstructured)];
        let pattern =
            patterns.iter().find(|(word, _)| short.contains(word)).map_or(Pattern::Dense, |found| found.1);
        assert_eq!(model.sparsity.pattern, pattern, "{name}");
    }
    assert_eq!(sampled, 31);
}

/// The same bytes on every platform and in every version: results of stored runs depend on them.
#[test]
fn made_up_samples_are_these_bytes() {
    for (name, digest) in [
        ("bert_squad_384", "5458bbad9fa6239c"),
        ("resnet50_filter_sparse20", "373f572f000ab061"),
        ("ssd300_resnet18_dense", "687a3404cd74cb01"),
    ] {
        let model = load::model(&format!("dysta/{name}"), None, Legality::Strict).expect("a built-in model");
        let bytes = model.samples.expect("samples").to_csv().into_bytes();
        let found = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        assert_eq!(format!("{found:016x}"), digest, "{name}");
    }
}
