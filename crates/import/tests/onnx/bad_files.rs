//! Files that are damaged, absurd or huge: an error that names the node, and never a panic or much memory.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use prost::Message;
use rtmm_import::onnx::proto::TensorProto;
use rtmm_import::onnx::{Options, read};
use rtmm_import::{ImportError, load};
use rtmm_testkit::cases::config;

use crate::builder::{Graph, graph_attribute, import, int, ints};

fn sound() -> Graph {
    Graph::default()
        .image("x", &[1, 3, 16, 16])
        .weight("w", &[4, 3, 3, 3])
        .list("shape", &[1, -1])
        .output("y")
        .with("Conv", &["x", "w"], &["a"], &[ints("pads", &[1, 1, 1, 1])])
        .node("Relu", &["a"], &["b"])
        .with("MaxPool", &["b"], &["c"], &[ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])])
        .node("Reshape", &["c", "shape"], &["y"])
}

#[test]
fn every_beginning_of_a_file_is_refused() {
    let bytes = sound().model().encode_to_vec();
    assert!(read(Cursor::new(&bytes), &Options::default()).is_ok());
    for length in 0..bytes.len() {
        let result = read(Cursor::new(&bytes[..length]), &Options::default());
        // A whole field may end there: then something that it needs is missing.
        assert!(result.is_err(), "the first {length} bytes are a model");
    }
}

#[test]
fn damaged_bytes_never_panic() {
    let bytes = sound().model().encode_to_vec();
    let mutation = (0..bytes.len(), any::<u8>());
    let mut runner = TestRunner::new(config(2_000));
    let result = runner.run(&proptest::collection::vec(mutation, 1..4), |mutations| {
        let mut damaged = bytes.clone();
        for (place, byte) in mutations {
            damaged[place] = byte;
        }
        // Either way is fine; a panic is not.
        let _ = read(Cursor::new(damaged), &Options { skips_unsupported: true, ..Options::default() });
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
}

#[test]
fn graphs_that_are_cyclic_or_out_of_order_are_named() {
    let cyclic = Graph::default().image("x", &[4]).output("b").node("Add", &["x", "b"], &["a"]).node(
        "Relu",
        &["a"],
        &["b"],
    );
    assert_eq!(
        cyclic.refusal(),
        "node `a` (Add): it reads `b`, which only this node or a later one gives: the graph is cyclic or out of order"
    );
    let missing = Graph::default().image("x", &[4]).output("a").node("Add", &["x", "nothing"], &["a"]);
    assert_eq!(
        missing.refusal(),
        "node `a` (Add): it reads `nothing`, which no earlier node, constant or input gives"
    );
    let twice = Graph::default().image("x", &[4]).output("a").node("Relu", &["x"], &["a"]).node(
        "Relu",
        &["x"],
        &["a"],
    );
    assert_eq!(
        twice.refusal(),
        "node `a` (Relu): it gives `a`, which an earlier node or the graph's inputs give already"
    );
    let nothing = Graph::default().image("x", &[4]).output("z").node("Relu", &["x"], &["a"]);
    assert_eq!(nothing.refusal(), "no node gives the output `z`");
}

#[test]
fn wrong_shapes_are_named_with_their_node() {
    let refusal = |weights: &[i64]| {
        let graph = Graph::default().image("x", &[1, 3, 8, 8]).weight("w", weights).output("y");
        graph.node("Conv", &["x", "w"], &["y"]).refusal()
    };
    assert_eq!(
        refusal(&[4, 5, 3, 3]),
        "node `y` (Conv): 1 groups of an input of [1, 3, 8, 8] do not fit weights of [4, 5, 3, 3]"
    );
    assert_eq!(
        refusal(&[4, 3, 9, 3]),
        "node `y` (Conv): a window of 9 (dilation included) is larger than its input of 8 (padding included)"
    );
    assert_eq!(
        refusal(&[4, 3]),
        "node `y` (Conv): an input of [1, 3, 8, 8] has other dimensions than weights of [4, 3]"
    );
    let product = Graph::default().image("x", &[2, 3]).image("z", &[4, 5]).output("y").node(
        "MatMul",
        &["x", "z"],
        &["y"],
    );
    assert_eq!(product.refusal(), "node `y` (MatMul): [2, 3] and [4, 5] cannot be multiplied");
    let strides = Graph::default().image("x", &[1, 3, 8, 8]).weight("w", &[4, 3, 3, 3]).output("y");
    let strides = strides.with("Conv", &["x", "w"], &["y"], &[ints("strides", &[0, 1])]);
    assert_eq!(strides.refusal(), "node `y` (Conv): its attribute `strides` has a number below 1");
}

#[test]
fn absurd_extents_are_refused_before_they_overflow() {
    let graph = Graph::default().image("x", &[1 << 40, 1 << 40]).output("y").node("Relu", &["x"], &["y"]);
    assert_eq!(graph.refusal(), "input `x`: the elements of a tensor exceed 1125899906842624");
    let product =
        Graph::default().image("x", &[1 << 24, 1 << 20]).image("z", &[1 << 20, 1 << 24]).output("y");
    assert_eq!(
        product.node("MatMul", &["x", "z"], &["y"]).refusal(),
        "node `y` (MatMul): the multiply-accumulates exceed 1125899906842624"
    );
    let huge = Graph::default().image("x", &[4]).list("shape", &[i64::MAX, i64::MAX]).output("y");
    assert_eq!(
        huge.node("Expand", &["x", "shape"], &["y"]).refusal(),
        "node `y` (Expand): [4] and [9223372036854775807, 9223372036854775807] cannot be broadcast"
    );
    let negative = Graph::default().image("x", &[4]).list("shape", &[-4]).output("y");
    assert_eq!(
        negative.node("Expand", &["x", "shape"], &["y"]).refusal(),
        "node `y` (Expand): -4 is no extent of a tensor"
    );
}

#[test]
fn tensors_without_elements_hide_no_product_that_overflows() {
    let huge = Graph::default().input("x", 7, &["1099511627776", "1099511627776", "0", "2"]);
    let options = |name: &str| Options { dims: [(name.to_owned(), 0)].into(), ..Options::default() };
    let huge = huge.output("y").node("MatMul", &["x", "x"], &["y"]).model();
    let message = import(&huge, &options("x[2]")).expect_err("no product").to_string();
    assert!(message.contains("cannot be multiplied"), "{message}");
    let sum = Graph::default().input("x", 7, &["0", "1073741824"]).output("y");
    let sum = sum.with("ReduceSum", &["x"], &["y"], &[ints("axes", &[0])]).model_of(11);
    let outputs = |model, name| import(&model, &options(name)).map(|model| model.outputs);
    assert_eq!(outputs(sum, "x[0]"), Ok(vec!["y [1, 1073741824]".to_owned()]));
    let joined = Graph::default().input("x", 7, &["1099511627776", "0"]).output("y");
    let joined = joined.with("Concat", &["x", "x"], &["y"], &[int("axis", 1)]).model();
    assert_eq!(outputs(joined, "x[1]"), Ok(vec!["y [1099511627776, 0]".to_owned()]));
}

#[test]
fn constants_with_other_data_than_extents_are_named() {
    let mut graph = sound();
    graph.0.initializer.push(TensorProto {
        name: "short".to_owned(),
        dims: vec![3],
        data_type: 7,
        int64_data: vec![1],
        ..TensorProto::default()
    });
    assert_eq!(graph.refusal(), "constant `short`: a constant of 3 elements has data of 1");
}

#[test]
fn ten_thousand_nodes_are_imported_at_once() {
    let mut graph = Graph::default().image("x0", &[1, 8]);
    for index in 0..10_000 {
        graph = graph.node("Relu", &[&format!("x{index}")], &[&format!("x{}", index + 1)]);
    }
    let model = graph.output("x10000").import();
    assert_eq!((model.layers.len(), model.peak_activation_bytes), (10_000, 64));
}

#[test]
fn deep_nesting_is_refused() {
    let mut inner = Graph::default().node("Relu", &["x"], &["r"]).output("r");
    for _ in 0..40 {
        inner = Graph::default()
            .with(
                "If",
                &["is"],
                &["r"],
                &[
                    graph_attribute("then_branch", inner.clone()),
                    graph_attribute("else_branch", Graph::default()),
                ],
            )
            .output("r");
    }
    let graph = Graph::default().image("x", &[1]).node("Size", &["x"], &["is"]).output("r");
    let graph = graph.with(
        "If",
        &["is"],
        &["r"],
        &[graph_attribute("then_branch", inner), graph_attribute("else_branch", Graph::default())],
    );
    let message = graph.refusal();
    assert!(message.contains("deep"), "{message}");
}

#[test]
fn payload_is_skipped_and_a_file_that_is_none_is_said_so() {
    // A payload of a megabyte that is not even read: a file of it has the same counts as one without.
    let mut graph = sound();
    graph.0.initializer[0] = TensorProto {
        name: "w".to_owned(),
        dims: vec![4, 3, 3, 3],
        data_type: 1,
        raw_data: vec![7; 1 << 20],
        ..TensorProto::default()
    };
    assert_eq!(
        import(&graph.model(), &Options::default()).map(|model| model.macs),
        Ok(sound().import().macs)
    );
    let error = read(Cursor::new(b"version = 1\nname = 'text'\n"), &Options::default()).expect_err("a text");
    assert!(matches!(error, ImportError::Malformed { .. }), "{error}");
    let error = load::onnx("there/is/no/such.onnx".as_ref(), &Options::default()).expect_err("no file");
    assert!(error.to_string().starts_with("there/is/no/such.onnx: cannot be read"), "{error}");
}

/// A file of a few bytes and then nothing but zeros, which counts the bytes that are read.
struct MostlyZeros {
    head: Vec<u8>,
    length: u64,
    position: u64,
    read: u64,
}

impl Read for &mut MostlyZeros {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.length.saturating_sub(self.position);
        let count = buffer.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
        for (offset, byte) in buffer[..count].iter_mut().enumerate() {
            *byte = self.head.get(self.position as usize + offset).copied().unwrap_or(0);
        }
        self.position += count as u64;
        self.read += count as u64;
        Ok(count)
    }
}

impl Seek for &mut MostlyZeros {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[test]
fn a_terabyte_of_weights_is_skipped() {
    let number = |mut value: u64| {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    // A field behind its length; messages of one field number add up.
    let field = |key: u8, message: &[u8], more: u64| {
        [&[key], number(message.len() as u64 + more).as_slice(), message].concat()
    };
    let payload = 1_u64 << 40;
    let tensor = TensorProto {
        name: "w".to_owned(),
        dims: vec![1 << 19, 1 << 19],
        data_type: 1,
        ..TensorProto::default()
    };
    let tensor = [tensor.encode_to_vec(), vec![9 << 3 | 2], number(payload)].concat();
    let graph = field(7 << 3 | 2, &field(5 << 3 | 2, &tensor, payload), payload);
    let product = Graph::default().image("x", &[1, 1 << 19]).output("y").node("MatMul", &["x", "w"], &["y"]);
    let head = [product.model().encode_to_vec(), graph].concat();
    let mut file = MostlyZeros { length: head.len() as u64 + payload, head, position: 0, read: 0 };
    let model = read(&mut file, &Options::default()).expect("a large model");
    assert_eq!((model.macs, model.parameters), (1 << 38, 1 << 38));
    assert!(file.read < 100_000, "{} bytes are read", file.read);
}

#[test]
fn attributes_that_make_no_sense_are_named() {
    let graph = |operator: &str, attributes: &[_]| {
        Graph::default().image("x", &[2, 3]).output("y").with(operator, &["x"], &["y"], attributes).refusal()
    };
    assert_eq!(
        graph("Transpose", &[ints("perm", &[0, 0])]),
        "node `y` (Transpose): its attribute `perm` is no order of 2 axes"
    );
    assert_eq!(
        graph("Flatten", &[int("axis", 9)]),
        "node `y` (Flatten): axis 9 is none of a tensor of 2 dimensions"
    );
    assert_eq!(
        graph("Cast", &[int("to", 99)]),
        "node `y` (Cast): its attribute `to` is 99, which is no element type"
    );
    assert_eq!(graph("Conv", &[]), "node `y` (Conv): input 1 is missing");
}
