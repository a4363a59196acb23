//! Parameters of models: what a file makes of them, what scenarios set, and what bad ones are told.
//! Refusals are kept as snapshots.

use std::fmt::Write as _;

use rtmm_workload::input::{Origin, Source};
use rtmm_workload::{Legality, Model, Operator, ParameterSetting, Workload, load};

/// A model that names its parameters wherever one may stand.
const EVERYWHERE: &str = r#"source = "a test"
input = ["width", "length", 1]
layer = [
  { name = "encoder", operator = "lstm", hidden = "width" },
  { name = "attention", operator = "attention", heads = "few", keys = "length", output = ["width", "length", 1] },
  { name = "plane", operator = "plane", height = "length", width = 1 },
  { name = "grouped", operator = "convolution", channels = "width", kernel = ["few", 1], padding = ["none", 0], groups = "few" },
  { name = "depthwise", operator = "convolution", channels = "width", kernel = 1, stride = "few", groups = "depthwise" },
  { name = "up", operator = "resize", factor = ["few", 1], operations = "few" },
]
[parameters]
width = { default = 8 }
length = { default = 10, minimum = 4, maximum = 64, meaning = "tokens" }
few = { default = 2 }
none = { default = 0, minimum = 0 }
"#;

fn set(name: &str, value: i64) -> ParameterSetting {
    ParameterSetting::new(name, value)
}

fn translation(settings: &[ParameterSetting]) -> Model {
    load::model_with("dream/gnmt", None, settings, Legality::Strict)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// A scenario that is a built-in file as far as its references go.
fn scenario(tasks: &str) -> Result<Workload, String> {
    let text = format!("source = \"a test\"\nduration = \"1s\"\n{tasks}");
    let origin = Origin::BuiltIn("workloads/parameters.toml".to_owned());
    load::workload_of(&Source::with_origin("scenario.toml", text, origin), Legality::Strict)
        .map_err(|problems| problems.to_string())
}

fn task(name: &str, model: &str, rest: &str) -> String {
    format!("[[task]]\nname = \"{name}\"\nmodel = \"{model}\"\nrate_hz = 2\n{rest}\n")
}

#[test]
fn a_parameter_may_stand_for_any_extent() {
    let model = load::model_of(&Source::new("model.toml", EVERYWHERE), Legality::Strict)
        .unwrap_or_else(|problems| panic!("{problems}"));
    // Eight features of ten tokens; half as many rows after the stride, twice as many after the resize.
    let outputs: Vec<String> =
        model.layers.iter().map(|layer| layer.output().expect("a legal layer").to_string()).collect();
    let expected = ["8 x 10 x 1", "8 x 10 x 1", "8 x 10 x 1", "8 x 9 x 1", "8 x 5 x 1", "8 x 10 x 1"];
    assert_eq!(outputs, expected);
    let Operator::Convolution(grouped) = model.layers[3].operator else { panic!("a convolution") };
    assert_eq!((grouped.groups, grouped.kernel, grouped.padding), (2, [2, 1], [0, 0].into()));
    assert_eq!(model.name, "model.toml");
}

#[test]
fn work_grows_with_the_length_of_a_sequence_and_weights_do_not() {
    let [short, long] = [10, 40].map(|length| translation(&[set("sequence_length", length)]));
    for (one, other) in short.layers.iter().zip(&long.layers) {
        // Attention is between all pairs of tokens.
        let factor = if ["scores", "context"].contains(&one.name.as_str()) { 16 } else { 4 };
        let [few, many] = [one, other].map(|layer| layer.macs().expect("a legal layer"));
        assert_eq!(many, factor * few, "{}", one.name);
        if factor == 4 {
            assert_eq!(one.parameters(), other.parameters(), "{}", one.name);
        }
    }
}

#[test]
fn the_name_says_what_differs_from_the_default() {
    let name = |settings: &[ParameterSetting]| translation(settings).name;
    assert_eq!(name(&[]), "dream/gnmt");
    assert_eq!(name(&[set("sequence_length", 20)]), "dream/gnmt");
    assert_eq!(name(&[set("sequence_length", 40)]), "dream/gnmt(sequence_length=40)");
}

#[test]
fn tasks_share_a_model_if_and_only_if_they_set_it_alike() {
    let tasks = [
        task("default", "dream/gnmt", ""),
        task("stated", "dream/gnmt", "model_parameters = { sequence_length = 20 }"),
        task("long", "dream/gnmt", "model_parameters = { sequence_length = 40 }"),
        task("empty", "dream/gnmt", "model_parameters = {}"),
        task("also long", "dream/gnmt", "[task.model_parameters]\nsequence_length = 40"),
        task("actions", "dream/ed_tcn", "model_parameters.frames = 400"),
    ];
    let workload = scenario(&tasks.concat()).unwrap_or_else(|problems| panic!("{problems}"));
    let names: Vec<&str> = workload.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["dream/gnmt", "dream/gnmt(sequence_length=40)", "dream/ed_tcn(frames=400)"]);
    let models: Vec<usize> = workload.scenario.tasks.iter().map(|task| task.model.index()).collect();
    assert_eq!(models, [0, 0, 1, 0, 1, 2]);
    assert!(workload.models[1].macs() > workload.models[0].macs());
}

#[test]
fn bad_parameters_are_refused() {
    let layers = "layer = [{ name = \"a\", operator = \"fully-connected\", features = \"length\" }]\n";
    let sequence = "source = \"a test\"\ninput = [8, \"length\", 1]\n";
    let cases = [
        // Names that nobody states, with and without others to choose from.
        format!("{sequence}{layers}"),
        format!("{sequence}{layers}[parameters]\nlenght = {{ default = 4 }}\n"),
        format!("source = \"a test\"\ninput = [8, \"16\", 1]\n{layers}[parameters]\nlength.default = 4\n"),
        // What a parameter may be.
        format!("{sequence}{layers}[parameters.length]\ndefault = 4\nminimum = 8\nmaxmum = 9\n"),
        format!("{sequence}{layers}[parameters]\nlength = 4\n"),
        format!("{sequence}{layers}[parameters.length]\nmaximum = 9\n"),
        format!("{sequence}{layers}[parameters]\nlength.default = 4\n\"2nd\".default = 4\n"),
        // A number that fits the parameter, but not the key.
        format!("{sequence}{layers}[parameters.length]\ndefault = 0\nminimum = 0\n"),
        // Parameters that change nothing.
        format!("{sequence}{layers}[parameters]\nlength.default = 4\nwidth.default = 4\n"),
        "source = \"a test\"\nlayers_of = \"dream/gnmt\"\n[parameters]\nlength.default = 4\n".to_owned(),
        "source = \"a test\"\ndefault = \"a\"\nparameters = {}\n[[variant]]\nname = \"a\"\n\
         model = \"dream/gnmt\"\n[[variant]]\nname = \"b\"\nmodel = \"dream/gnmt\"\n"
            .to_owned(),
    ];
    let mut text = String::new();
    for case in cases {
        let problems = load::model_of(&Source::new("model.toml", &*case), Legality::Strict).expect_err(&case);
        let _ = write!(text, "{problems}\n\n");
    }
    insta::assert_snapshot!("parameters", text);
}

#[test]
fn bad_settings_are_refused() {
    let cases = [
        task("a", "dream/gnmt", "model_parameters = { sequence_lenght = 40 }"),
        task("a", "dream/gnmt", "model_parameters = { sequence_length = 0 }"),
        task("a", "dream/gnmt", "model_parameters = { sequence_length = 9_000_000_000 }"),
        task("a", "dream/gnmt", "model_parameters = { sequence_length = \"40\" }"),
        task("a", "dream/gnmt", "model_parameters = 40"),
        task("a", "dream/kws_res8", "model_parameters = { sequence_length = 40 }"),
        task("a", "examples/supernet", "model_parameters = { sequence_length = 40 }"),
    ];
    let mut text = String::new();
    for case in cases {
        let _ = write!(text, "{}\n\n", scenario(&case).expect_err(&case));
    }
    let settings = [
        vec![set("sequence_length", 513)],
        vec![set("frames", 4)],
        vec![set("sequence_length", 4), set("sequence_length", 5)],
    ];
    for settings in settings {
        let problems = load::model_with("dream/gnmt", None, &settings, Legality::Strict);
        let _ = write!(text, "{}\n\n", problems.expect_err("bad settings"));
    }
    insta::assert_snapshot!("settings", text);
}
