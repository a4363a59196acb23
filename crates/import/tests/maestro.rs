//! Networks of MAESTRO by hand: every type of layer, what is passed over, bad files, and the model file.

use rtmm_import::maestro::{MaestroNetwork, read};
use rtmm_workload::input::Source;
use rtmm_workload::{Legality, load};

/// Multiply-accumulates: 5x5 outputs of 8 x 3x3x3; 5x5 of 2 a channel x 8 x 3x3; 4 batches of 3x3 outputs of 6 x 2 a group
/// x 3x3; 5x5 inputs x 8 x 4 x 2x2; 7 x 11 x 13.
const NETWORK: &str = "// A network.
Constant Rows 11;
Constant Size 3

Network every_type {
\tLayer conv-1 { // with a stride, and a comment {
\t\tType: CONV
\t\tStride { X: 2, Y: 2 }
\t\tDimensions { K 8,C 3,R Size,S 3,Y Rows,X: 12 }
\t\tDataflow { TemporalMap(1,1) K; Cluster(4,P); SpatialMap(Sz(R),1) Y; }
\t}
\tLayer depth {
\t\tType: DSCONV
\t\tDimensions { N: 1, N: 1, K: 2, C: 8, R: 3, S: 3, Y: 7, X: 7 }
\t}
\tLayer grouped { Type: NGCONV Dimensions { N: 4, G: 3, K: 2, C: 6, R: 3, S: 3, Y: 5, X: 5 } }
\tLayer up { Type: TRCONV Dimensions { K: 4, C: 8, R: 2, S: 2, Y: 5, X: 5 } }
\tLayer product { Type: GEMM Dimensions { M: 7, N: 13, K: 11 } }
\tLayer product { Type: GEMM Dimensions { M: 1, N: 1, K: 1 } }
\tLayer input { Type: GEMM Dimensions { M: 1, N: 1, K: 1 } }
}
Accelerator { PE { NumPEs: 64; } }
";

fn network(text: &str) -> Result<MaestroNetwork, String> {
    read(&Source::new("net.m", text)).map_err(|problems| problems.to_string())
}

#[test]
fn every_type_of_layer_is_read() {
    let network = network(NETWORK).expect("a network");
    let macs: Vec<u64> = network.layers.iter().map(|layer| layer.macs().expect("macs")).collect();
    let (conv, depth, grouped, up) = (25 * 8 * 27, 25 * 2 * 8 * 9, 4 * 9 * 6 * 2 * 9, 25 * 8 * 4 * 4);
    assert_eq!(macs, [conv, depth, grouped, up, 7 * 11 * 13, 1, 1]);
    let names: Vec<&str> = network.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["conv-1", "depth", "grouped", "up", "product", "product#2", "input#2"]);
    let shapes: Vec<String> =
        network.layers.iter().map(|layer| layer.output().expect("a shape").to_string()).collect();
    assert_eq!(shapes[..4], ["8 x 5 x 5", "16 x 5 x 5", "6 x 3 x 3", "4 x 10 x 10"]);
    let summary = network.summary();
    assert_eq!((summary.network, summary.layers, summary.dataflows), ("every_type", 7, 1));
    assert_eq!(summary.macs, macs.iter().sum::<u64>());
    assert_eq!(summary.parameters, 8 * 27 + 16 * 9 + 6 * 2 * 9 + 8 * 4 * 4 + 11 * 13 + 1 + 1);
}

#[test]
fn a_model_file_has_the_same_layers() {
    let network = network(&NETWORK.replace('\n', "\r\n")).expect("a network");
    let text = network.to_toml("net.m");
    let model = load::model_of(&Source::new("net.toml", text), Legality::Strict).expect("a model");
    assert_eq!(model.layers.len(), network.layers.len());
    for (read, written) in model.layers.iter().zip(&network.layers) {
        assert_eq!((&read.name, read.batch), (&written.name, written.batch));
        assert_eq!(read.kernels().expect("kernels"), written.kernels().expect("kernels"), "{}", read.name);
    }
}

#[test]
fn bad_files_are_refused_with_their_places() {
    let layer = |body: &str| format!("Network n {{ Layer a {{ {body} }} }}");
    let extents = "K: 1, C: 1, R: 1, S: 1, Y: 1, X: 1";
    for (text, expected) in [
        (String::new(), "the file has no `Network`"),
        ("\u{feff}// nothing\n".to_owned(), "the file has no `Network`"),
        ("Network n { }".to_owned(), "the network has no layers"),
        (
            "Network n { Layer a { Type: CONV".to_owned(),
            "the file ends where a part of the layer or `}` is expected",
        ),
        ("Dataflow { }".to_owned(), "`Dataflow` is no declaration"),
        ("Network n { } Network m { }".to_owned(), "the file has a second network"),
        ("Network n { Type: CONV }".to_owned(), "`Type` is no layer"),
        ("Network n { Layer { Type: CONV } }".to_owned(), "this is no name"),
        ("Network a\u{1b}b { }".to_owned(), "this is no name"),
        (layer("Type: POOL"), "the type `POOL` of layer `a` is not known"),
        (layer("Typ: CONV"), "did you mean `Type`?"),
        (layer(&format!("Dimensions {{ {extents} }}")), "layer `a` has no type"),
        (layer("Type: CONV Dimensions { K: 1 }"), "layer `a` has no dimension `C`"),
        (layer(&format!("Type: CONV Dimensions {{ {extents}, Z: 1 }}")), "a CONV has no dimension `Z`"),
        (
            layer(&format!("Type: CONV Stride {{ K: 2 }} Dimensions {{ {extents} }}")),
            "a CONV has no stride `K`",
        ),
        (layer("Type: CONV Dimensions { K: 1, K: 2 }"), "`K` stands twice, with other numbers"),
        (layer("Type: CONV Dimensions { K: 0 }"), "`0` is no whole number above zero, and no constant"),
        (layer("Type: CONV Dimensions { K: -4 }"), "`-4` is no whole number above zero"),
        (layer("Type: CONV Dimensions { K: 99999999999 }"), "`99999999999` is no whole number above zero"),
        (layer("Type: CONV Dimensions { K: Rows }"), "`Rows` is no whole number above zero, and no constant"),
        (
            layer("Type: CONV Dimensions { K: 1, C: 1, R: 3, S: 1, Y: 2, X: 1 }"),
            "layer `a`: a filter of 3 rows",
        ),
        (
            layer(&format!("Type: TRCONV Stride {{ X: 2 }} Dimensions {{ {extents} }}")),
            "layer `a` is transposed and has a stride",
        ),
        (
            layer("Type: DSCONV Dimensions { K: 65536, C: 65536, R: 1, S: 1, Y: 1, X: 1 }"),
            "layer `a` has more than 2^32 output channels",
        ),
        (
            layer("Type: CONV Dimensions { K: 16777216, C: 16777216, R: 1, S: 1, Y: 16777216, X: 1 }"),
            "layer `a`:",
        ),
        (
            layer("Type: NGCONV Dimensions { G: 2, K: 1, C: 3, R: 1, S: 1, Y: 1, X: 1 }"),
            "layer `a`: 2 groups do not divide",
        ),
    ] {
        let problems = network(&text).expect_err(&text);
        assert!(problems.contains(expected), "{text}: {problems}");
        assert!(problems.contains("net.m:1:") || text.starts_with('\u{feff}'), "{problems}");
    }
    // Every layer that makes no sense is named at once.
    let two = "Network n { Layer a { Type: POOL } Layer b { Type: FC } }";
    assert_eq!(network(two).expect_err("two problems").matches("error:").count(), 2);
}

#[test]
fn comments_are_passed_over_and_a_constant_has_one_value() {
    let layer = "Layer a { Type: GEMM Dimensions { M: Rows, N: 1, K: 1 } }";
    let text = format!(
        "/* Constant Rows 1; {{ */Constant Rows 3;/**/ Constant Rows 3;\nNetwork n/* a\n * b */{{ {layer} }}"
    );
    let network = network(&text).expect("a network");
    assert_eq!((network.name.as_str(), network.summary().macs), ("n", 3));
    let twice = self::network("Constant Rows 3; Constant Rows 5;").expect_err("two values");
    assert!(twice.contains("net.m:1:27") && twice.contains("constant `Rows` stands twice"), "{twice}");
    let open =
        self::network(&format!("Constant Rows 3; Network n {{ {layer} }} /* Constant")).expect_err("open");
    assert!(open.contains("`/*` is no declaration"), "{open}");
}
