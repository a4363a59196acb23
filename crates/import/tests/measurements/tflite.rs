//! Operators of TensorFlow Lite.

use rtmm_import::measurements::{MeasurementOptions, join};

use crate::common::{layer, read, refused, shown};

/// The file of `--profiling_output_csv_file`, in the form of older versions: a column `start`, bare commas in names.
const TABLE: &str = "\
Profiling Info for Benchmark Initialization:
============================== Run Order ==============================
node type, start, first, avg_ms, %, cdf%, mem KB, times called, name
AllocateTensors, 0, 0.029, 0.029, 100%, 100%, 0, 1, AllocateTensors/0

Number of nodes executed: 1
Timings (microseconds): count=1 curr=29
Memory (bytes): count=0
1 nodes observed

Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
node type, start, first, avg_ms, %, cdf%, mem KB, times called, name
CONV_2D, 0, 0.11, 0.0930388, 44.8994%, 44.8994%, 0, 1, [seq/conv/Conv2D]:0
ELU, 0.0931277, 0.034, 0.03, 14.5203%, 59.4197%, 0, 2, [seq/conv/Elu]:1
TFLite_Detection_PostProcess, 0.2, 3, 3.5, 23.8%, 83%, 0, 1, [out:3, out:2]:2

============================== Top by Computation Time ==============================
node type, start, first, avg_ms, %, cdf%, mem KB, times called, name
TFLite_Detection_PostProcess, 0.2, 3, 3.5, 23.8%, 83%, 0, 1, [out:3, out:2]:2

Number of nodes executed: 3
============================== Summary by node type ==============================
node type, count, avg_ms, avg %, cdf %, mem KB, times called
CONV_2D, 1, 0.0930388, 44%, 44%, 0, 1

Timings (microseconds): count=50 first=260 curr=200 min=190 max=260 avg=207.2 std=9
Memory (bytes): count=0
3 nodes observed
";

/// The form of newer versions on a terminal: no `start`, operators of a delegate, commas in types.
const TERMINAL: &str = "\
INFO: Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
                         [node type]    [first]   [avg ms]       [%]     [cdf%]   [mem KB]  [times called]  [Name]
       Convolution (NHWC, QC8) GEMM      0.125      0.023    1.944%    10.248%      0.000              13  Delegate/Convolution (NHWC, QC8) GEMM:2
                     RESIZE_BILINEAR      0.002      0.002    0.014%    59.583%      0.000               1  [fpn/Resize]:66

Timings (microseconds): count=4 curr=300
";

fn none() -> MeasurementOptions {
    MeasurementOptions::default()
}

#[test]
fn operators_of_the_regular_runs_have_the_mean_of_a_call() {
    let measured = read("tflite", TABLE, &none()).expect("a table");
    assert_eq!(
        shown(&measured),
        [
            "[seq/conv/Conv2D]:0 50x mean=93.0388 CONV_2D",
            "[seq/conv/Elu]:1 100x mean=30 ELU",
            "[out:3, out:2]:2 50x mean=3500 TFLite_Detection_PostProcess"
        ]
    );
    assert_eq!((measured.runs, measured.node_runs, measured.run_times.len()), (50, 50, 0));
}

#[test]
fn tables_of_a_terminal_are_the_same_with_blanks_or_tabs() {
    let expected = [
        "Delegate/Convolution (NHWC, QC8) GEMM:2 52x mean=23 Convolution (NHWC, QC8) GEMM",
        "[fpn/Resize]:66 4x mean=2 RESIZE_BILINEAR",
    ];
    assert_eq!(shown(&read("tflite", TERMINAL, &none()).expect("a table")), expected);
    let mut tabs = TERMINAL.to_owned();
    while tabs.contains("  ") {
        tabs = tabs.replace("  ", "\t").replace("\t\t", "\t").replace("\t ", "\t");
    }
    assert_eq!(shown(&read("tflite", tabs.replace('\n', "\r\n"), &none()).expect("a table")), expected);
    // The same in the form with commas, where the type has one of its own.
    let commas = "Operator-wise Profiling Info for Regular Benchmark Runs:\n= Run Order =\n\
        node type, first, avg_ms, %, cdf%, mem KB, times called, name\n\
        Add (ND, QS8), 0.024, 0.024, 0.156%, 22.580%, 0.000, 3, Delegate/Add (ND, QS8):9\n\n\
        Timings (microseconds): count=2 curr=300\n";
    assert_eq!(
        shown(&read("tflite", commas, &none()).expect("a table")),
        ["Delegate/Add (ND, QS8):9 6x mean=24 Add (ND, QS8)"]
    );
}

#[test]
fn operators_are_joined_by_the_tensors_that_they_write() {
    let model = [layer("seq/conv/Conv2D", "Conv", &[1]), layer("other", "Elu", &[1])];
    let mut model = model.to_vec();
    model[1].name = "seq/conv/Elu".to_owned();
    let joined = join(&model, &read("tflite", TABLE, &none()).expect("a table"), None).expect("layers");
    let picoseconds: Vec<u64> = joined.costs.iter().map(|cost| cost.time.picoseconds()).collect();
    // Two calls of a run, and the operator behind, which is no layer of this model.
    assert_eq!(picoseconds, [93_038_800, 2 * 30_000_000 + 3_500_000_000]);
    assert_eq!((joined.report.by_name, joined.report.other_nodes_us), (2, 3500.0));
}

#[test]
fn bad_tables_are_refused_with_their_line() {
    let begin = "Operator-wise Profiling Info for Regular Benchmark Runs:\n===== Run Order =====\n";
    let heading = "node type, first, avg_ms, %, cdf%, mem KB, times called, name\n";
    let end = "\nTimings (microseconds): count=2 curr=300\n";
    let row = |row: &str| format!("{begin}{heading}{row}\n{end}");
    for (text, problem) in [
        (String::new(), "the file is empty"),
        (
            "Init\n".to_owned(),
            "no line has the words `Operator-wise Profiling Info for Regular Benchmark Runs`",
        ),
        (begin.to_owned(), "the text ends before the headings of the run order"),
        (format!("{begin}a, b\n"), "3:1 the headings of the run order have no `avg_ms` or no `times called`"),
        (format!("{begin}{heading}"), "the run order has no operators"),
        (
            format!("{begin}{heading}ELU, 1, 1, 1%, 1%, 0, 1, [a]:0\n"),
            "the text ends before the line `Timings (microseconds): count=`, which has the number of runs",
        ),
        (row("ELU, 1, 1"), "4:1 this row has 3 cells, and the headings 8"),
        (row("ELU, 1, -1, 1%, 1%, 0, 1, [a]:0"), "4:1 `-1` in column `avg_ms` is negative"),
        (row("ELU, 1, x, 1%, 1%, 0, 1, [a]:0"), "4:1 `x` in column `avg_ms` is no number"),
        (row("ELU, 1, 1%, 1%, 1%, 0, 1, [a]:0"), "4:1 `1%` in column `avg_ms` is a share, and no quantity"),
        (row("ELU, 1, 1, 1%, 1%, 0, 0, [a]:0"), "4:1 `0` in column `times_called` is no number of calls"),
        (row("ELU, 1, 1e9, 1%, 1%, 0, 99999999, [a]:0"), "4:1 `[a]:0` takes more than 213 days in 2 runs"),
    ] {
        assert_eq!(refused("tflite", &text, &none()), problem, "{text}");
    }
    let no_runs = row("ELU, 1, 1, 1%, 1%, 0, 1, [a]:0").replace("count=2", "count=0");
    assert_eq!(refused("tflite", no_runs, &none()), "6:1 there are no runs");
}

#[test]
fn beginnings_of_a_table_are_refused_and_ten_thousand_rows_are_read() {
    let end = TABLE.rfind("count=50").expect("a number of runs");
    for length in 0..end {
        refused("tflite", &TABLE.as_bytes()[..length], &none());
    }
    let row = "ELU, 0.0931277, 0.034, 0.03, 14.5203%, 59.4197%, 0, 2, [seq/conv/Elu]:1\n";
    let text = TABLE.replace(row, &row.repeat(10_000));
    assert_eq!(read("tflite", text, &none()).expect("a table").nodes.len(), 10_002);
}
