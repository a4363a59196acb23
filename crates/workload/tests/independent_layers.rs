//! Models whose layers stand alone: each states what it takes.

use rtmm_workload::input::{Diagnostics, Source};
use rtmm_workload::{Elementwise, Gemm, Legality, Model, Operator, Shape, Shapes, load};

fn decode(layers: &str) -> Result<Model, Diagnostics> {
    let text = format!("source = \"a test\"\nshapes = \"independent\"\n{layers}");
    load::model_of(&Source::new("m.toml", text), Legality::Strict)
}

#[test]
fn each_layer_takes_what_it_states() {
    let layers = r#"
layer = [
  { name = "conv", operator = "convolution", input = [3, 32, 32], channels = 8, kernel = 3 },
  { name = "product", operator = "fully-connected", input = [64, 100, 1], features = 16 },
  { name = "sum", operator = "add", input = [[4, 2, 2], [4, 2, 2]], output = [4, 2, 2] },
  { name = "pool", operator = "max-pool", input = [5, 9, 9], kernel = 3 },
]
"#;
    let model = decode(layers).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(model.shapes, Shapes::Independent);
    let operators: Vec<Operator> = model.layers.iter().map(|layer| layer.operator).collect();
    assert_eq!(operators[1], Operator::Gemm(Gemm { rows: 100, inner: 64, columns: 16 }));
    let output = Shape { channels: 4, height: 2, width: 2 };
    assert_eq!(operators[2], Operator::Elementwise(Elementwise { output, elements_in: 32, operations: 1 }));
    assert_eq!(model.layers[3].output(), Ok(Shape { channels: 5, height: 3, width: 3 }));
}

#[test]
fn bad_inputs_of_such_layers_are_refused() {
    let layers = r#"
input = [3, 32, 32]
layer = [
  { name = "none", operator = "convolution", channels = 8, kernel = 3 },
  { name = "name", operator = "convolution", input = "none", channels = 8, kernel = 3 },
  { name = "two", operator = "max-pool", input = [3, 32], kernel = 2 },
  { name = "alone", operator = "add", input = [3, 32, 32] },
  { name = "unequal", operator = "add", input = [[3, 32, 32], [3, 16, 16]] },
  { name = "many", operator = "max-pool", input = [[3, 32, 32], [3, 32, 32]], kernel = 2 },
  { name = "mixed", operator = "concatenate", input = [[3, 32, 32], "two"] },
  { name = "none", operator = "max-pool", input = [3, 0, 32], kernel = 2 },
]
"#;
    let problems = decode(layers).expect_err("many problems");
    insta::assert_snapshot!(problems.to_string());
}
