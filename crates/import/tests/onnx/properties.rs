//! Random networks against slow and literal second computations.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rtmm_testkit::cases::config;

use crate::builder::{Graph, int, ints};

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(config(cases))
}

/// Windows that fit, placed one after the other.
fn windows(input: i64, kernel: i64, stride: i64, dilation: i64, begin: i64, end: i64) -> u64 {
    let (mut start, mut count) = (-begin, 0);
    while start + dilation * (kernel - 1) < input + end {
        count += 1;
        start += stride;
    }
    count
}

#[test]
fn convolutions_are_counted_window_by_window() {
    let extents = (1_i64..12, 1_i64..5, 1_i64..4, 1_i64..4, 0_i64..4, 0_i64..4);
    let channels = (1_u64..3, 1_u64..4, 1_u64..4, 1_u64..4);
    let result = runner(300).run(&(extents.clone(), extents, channels), |(rows, columns, channels)| {
        let (batch, groups, input_channels, output_channels) = channels;
        let count = |(input, kernel, stride, dilation, begin, end)| {
            windows(input, kernel, stride, dilation, begin, end)
        };
        let (height, width) = (count(rows), count(columns));
        prop_assume!(height > 0 && width > 0);
        let graph = Graph::default()
            .image("x", &[batch, groups * input_channels, rows.0 as u64, columns.0 as u64])
            .weight("w", &[(groups * output_channels) as i64, input_channels as i64, rows.1, columns.1])
            .output("y")
            .with(
                "Conv",
                &["x", "w"],
                &["y"],
                &[
                    int("group", groups as i64),
                    ints("strides", &[rows.2, columns.2]),
                    ints("dilations", &[rows.3, columns.3]),
                    ints("pads", &[rows.4, columns.4, rows.5, columns.5]),
                ],
            );
        let mut macs = 0_u64;
        for _ in 0..batch * height * width * groups * output_channels {
            macs += input_channels * (rows.1 * columns.1) as u64;
        }
        let model = graph.import();
        prop_assert_eq!(model.macs, macs);
        let output = format!("y [{batch}, {}, {height}, {width}]", groups * output_channels);
        prop_assert_eq!(&model.outputs, &[output]);
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
}

#[test]
fn memory_is_that_of_a_literal_walk() {
    // Each node reads up to two earlier tensors; tensor 0 is the input, some tensors are outputs.
    let node = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>(), 0_u32..4);
    let result = runner(200).run(&proptest::collection::vec(node, 1..25), |nodes| {
        let mut graph = Graph::default().image("t0", &[5, 1]);
        let (mut reads, mut bytes): (Vec<Vec<usize>>, Vec<u64>) = (Vec::new(), vec![20]);
        let mut outputs = vec![nodes.len()];
        for (place, (first, second, is_pair, kind)) in nodes.iter().enumerate() {
            let (first, second) = (first.index(place + 1), second.index(place + 1));
            let (one, other) = (format!("t{first}"), format!("t{second}"));
            let result = format!("t{}", place + 1);
            if *is_pair {
                // Columns are added up by joining, so that tensors differ in size.
                graph = graph.with("Concat", &[&one, &other], &[&result], &[int("axis", 1)]);
                reads.push(vec![first, second]);
                bytes.push(bytes[first] + bytes[second]);
            } else {
                graph = graph.node("Relu", &[&one], &[&result]);
                reads.push(vec![first]);
                bytes.push(bytes[first]);
            }
            if *kind == 0 {
                outputs.push(place + 1);
            }
        }
        prop_assume!(bytes.iter().all(|bytes| *bytes < 1 << 40));
        outputs.sort_unstable();
        outputs.dedup();
        for output in &outputs {
            graph = graph.output(&format!("t{output}"));
        }
        let mut peak = 0;
        let mut after = Vec::new();
        for place in 0..nodes.len() {
            let is_read_from =
                |tensor: usize, from: usize| reads[from..].iter().any(|read| read.contains(&tensor));
            let is_there = |tensor: usize| tensor <= place + 1;
            let live = |tensor: usize, from: usize| {
                is_there(tensor) && (is_read_from(tensor, from) || outputs.contains(&tensor))
            };
            let sum = |from: usize, with_result: bool| -> u64 {
                let kept = |tensor: &usize| live(*tensor, from) || (with_result && *tensor == place + 1);
                (0..bytes.len()).filter(kept).map(|tensor| bytes[tensor]).sum()
            };
            peak = peak.max(sum(place, true));
            after.push(sum(place + 1, false));
        }
        let model = graph.import();
        prop_assert_eq!(model.peak_activation_bytes, peak);
        let live: Vec<u64> = model.layers.iter().map(|layer| layer.live_bytes).collect();
        prop_assert_eq!(live, after);
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
}
