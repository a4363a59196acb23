//! Tables of RKNN-Toolkit2.

use rtmm_import::measurements::{MeasurementOptions, join};
use rtmm_import::{ImportedLayer, ImportedOperator};

use crate::common::{layer, read, refused, shown};

/// The form of version 1.5 to 2.3: cycles in one column, cells that may be blank, cells that move others.
const OLDER: &str = r"CPU Current Frequency List:
    - 1800000
NPU Current Frequency List:
    - 1000000000
Warning: The performance result is just for debugging, may worse than actual performance!
--------------------------------------------------------------------------------------------------------------------------------------
                                                   Network Layer Information Table
--------------------------------------------------------------------------------------------------------------------------------------
ID   OpType           DataType Target InputShape                     OutputShape       Cycles(DDR/NPU/Total)  Time(us)  MacUsage(%)     WorkLoad(0/1/2)      RW(KB)   FullName
--------------------------------------------------------------------------------------------------------------------------------------
1    InputOperator    UINT8    CPU    \                              (1,3,8,8)         0/0/0                  4         \               0.0%/0.0%/0.0%       0        InputOperator:images
2    ConvExSwish      UINT8    NPU    (1,3,8,8),(16,3,3,3),(16)      (1,16,4,4)        1091036/82944/1091036  161       2.41/0.00/0.00  100.0%/0.0%/0.0%     10802.5  Conv:/model.0/conv/Conv
3    Conv             INT8     NPU    (1,16,4,4),(8,16,1,1)          (1,8,4,4)         60/131/131             39                        100.0%/0.0%/0.0%     12
4    Concat           INT8     NPU    (1,8,4,4),(1,8,4,4),...        (1,16,4,4)        93/0/93                12        \               33.3%/33.3%/33.3%    8        Concat:/model.2/Concat
5    Resize           INT8     CPU    (1,16,4,4),(0),(4)             (1,16,8,8)        0/0/0                  100                       0.0%/0.0%/0.0%       16       Resize:/up/Resize
6    Conv             INT8     NPU    (1,16,8,8),(16,1,7,7),(16)     (1,16,2,2)        5/1/5                  7         0.33/0.00/0.00  100.0%/0.0%/0.0%     3        Conv:/gap/GlobalAveragePool_2conv0
7    Conv             INT8     NPU    (1,16,2,2),(16,1,2,2),(16)     (1,16,1,1)        5/1/5                  6         0.33/0.00/0.00  100.0%/0.0%/0.0%     1        Conv:/gap/GlobalAveragePool_2conv1
8    OutputOperator   INT8     CPU    (1,16,1,1)                     \                 0/0/0                  1         \               0.0%/0.0%/0.0%       0        OutputOperator:output0
--------------------------------------------------------------------------------------------------------------------------------------
Total Operator Elapsed Per Frame Time(us): 330
Total Memory Read/Write Per Frame Size(KB): 10842.50
--------------------------------------------------------------------------------------------------------------------------------------
                                 Operator Time Consuming Ranking Table
OpType             CallNumber   CPUTime(us)  GPUTime(us)  NPUTime(us)  TotalTime(us)  TimeRatio(%)
Conv               3            0            0            213          213            64.5
";

/// The newer form: a column for each number of cycles, one of tasks.
const NEWER: &str = r"D RKNN: [05:07:06.566] ID   OpType   DataType Target InputShape      OutputShape  DDRCycles  NPUCycles  MaxCycles  Time(us)  MacUsage(%)  WorkLoad(0/1)   TaskNumber  RW(KB)  FullName
D RKNN: [05:07:06.566] --------------------------------------------------------------------------------------
D RKNN: [05:07:06.566] 0    ConvRelu FLOAT16  NPU    (1,3,8,8),(16)  (1,16,4,4)   120        90         120        33        1.5/0.0      100.0%/0.0%     1           96.25   Conv:/c/Conv
D RKNN: [05:07:06.566] 1    exSoftmax13 FLOAT16  GPU    (1,10)       (1,10)       0          0          0          9         \            0.0%/0.0%       0           1       Softmax:/s/Softmax#2
D RKNN: [05:07:06.566] --------------------------------------------------------------------------------------
D RKNN: [05:07:06.566] Total Operator Elapsed Per Frame Time(us): 43
";

fn none() -> MeasurementOptions {
    MeasurementOptions::default()
}

#[test]
fn rows_have_times_cycles_and_bytes_whatever_moves_their_cells() {
    let measured = read("rknn", OLDER, &none()).expect("a table");
    assert_eq!(
        shown(&measured),
        [
            "InputOperator:images 1x p50=4 mean=4 bytes=0 InputOperator",
            "Conv:/model.0/conv/Conv 1x p50=161 mean=161 cycles=1091036 bytes=11061760 ConvExSwish",
            "Conv#3 1x p50=39 mean=39 cycles=131 bytes=12288 Conv",
            "Concat:/model.2/Concat 1x p50=12 mean=12 cycles=93 bytes=8192 Concat",
            "Resize:/up/Resize 1x p50=100 mean=100 bytes=16384 Resize",
            "Conv:/gap/GlobalAveragePool_2conv0 1x p50=7 mean=7 cycles=5 bytes=3072 Conv",
            "Conv:/gap/GlobalAveragePool_2conv1 1x p50=6 mean=6 cycles=5 bytes=1024 Conv",
            "OutputOperator:output0 1x p50=1 mean=1 bytes=0 OutputOperator"
        ]
    );
    assert_eq!((measured.runs, measured.summary().runs_us, measured.notes.len()), (1, vec![330.0], 0));
    assert_eq!(measured.nodes[3].output, Some(vec![1, 16, 4, 4]));
}

#[test]
fn names_may_have_blanks() {
    let spaced = OLDER.replace("Conv:/model.0/conv/Conv", "Conv:the first one");
    let measured = read("rknn", spaced, &none()).expect("a table");
    assert_eq!(measured.nodes[1].name, "Conv:the first one");
}

#[test]
fn newer_headings_and_marks_of_a_log_are_read() {
    let measured = read("rknn", NEWER, &none()).expect("a table");
    assert_eq!(
        shown(&measured),
        [
            "Conv:/c/Conv 1x p50=33 mean=33 cycles=120 bytes=98560 ConvRelu",
            "Softmax:/s/Softmax#2 1x p50=9 mean=9 bytes=1024 exSoftmax13"
        ]
    );
    assert_eq!(measured.notes, ["the layers take 42us together, and the total says 43us"]);
}

#[test]
fn rows_are_joined_by_the_names_of_nodes_and_their_steps() {
    let conv = |name: &str, channels: u64| {
        let mut layer = layer(name, "Conv", &[1, channels, 4, 4]);
        layer.operator = ImportedOperator::Convolution(rtmm_import::ImportedConvolution {
            batch: 1,
            input_channels: 3,
            output_channels: channels,
            groups: 1,
            input: vec![8, 8],
            output: vec![4, 4],
            kernel: vec![3, 3],
            stride: vec![2, 2],
            dilation: vec![1, 1],
            padding_begin: vec![1, 1],
            padding_end: vec![1, 1],
            output_padding: vec![0, 0],
            transposed: false,
        });
        layer
    };
    let model: Vec<ImportedLayer> = vec![
        conv("/model.0/conv/Conv", 16),
        layer("/model.0/act/Mul", "Mul", &[1, 16, 4, 4]),
        conv("/model.1/conv/Conv", 8),
        layer("/up/Resize", "Resize", &[1, 16, 8, 8]),
        layer("/gap/GlobalAveragePool", "GlobalAveragePool", &[1, 16, 1, 1]),
    ];
    let joined = join(&model, &read("rknn", OLDER, &none()).expect("a table"), None).expect("layers");
    let times: Vec<u64> = joined.costs.iter().map(|cost| cost.time.picoseconds() / 1_000_000).collect();
    // Input with the first layer; Concat, which copies here, with the one before; output with the last.
    assert_eq!(times, [165, 0, 51, 100, 14]);
    let report = joined.report;
    assert_eq!((report.by_name, report.by_shape, report.fused), (3, 1, 1));
    assert_eq!((report.other_nodes_us, report.outside_us), (17.0, 0.0));
    assert_eq!(joined.costs[2].bytes, Some(12_288 + 8_192));
}

#[test]
fn all_numbers_of_cycles_count() {
    let table = |cycles: &str| {
        format!(
            "ID  OpType  Target  InputShape  OutputShape  Cycles(DDR/NPU/Total)  Time(us)  RW(KB)  FullName\n\
             1   Conv    NPU     (1,2)       (1,3)        {cycles:<21}  7         2       Conv:/c\n\
             Total Operator Elapsed Per Frame Time(us): 7\n"
        )
    };
    for (cycles, expected) in [("12/30/30", Some(30)), ("30/12/12", Some(30)), ("0/0/0", None)] {
        let measured = read("rknn", table(cycles), &none()).expect("a table");
        assert_eq!(measured.nodes[0].cycles, expected, "{cycles}");
    }
    for (cycles, problem) in [
        (
            "99999999999999999999/1/1",
            "2:1 the cycles `99999999999999999999/1/1`: `99999999999999999999` is beyond 64 bits",
        ),
        ("1/x/1", "2:1 the cycles `1/x/1`: `x` is no whole number"),
        ("1//1", "2:1 the cycles `1//1`: `` is empty"),
    ] {
        assert_eq!(refused("rknn", table(cycles), &none()), problem, "{cycles}");
    }
}

#[test]
fn bad_tables_are_refused_with_their_line() {
    let compiler = "ID OpType DataType Target InputShape OutputShape Cycles(DDR/NPU/Total) RW(KB) FullName\n";
    let heading = "ID OpType Target InputShape OutputShape Time(us) RW(KB) FullName\n";
    let end = "---\nTotal Operator Elapsed Per Frame Time(us): 5\n";
    let row = |row: &str| format!("{heading}{row}\n{end}");
    for (text, problem) in [
        (String::new(), "the file is empty"),
        ("Total Time(us): 17219\n".to_owned(), "no line has the headings ID, OpType and Time(us)"),
        (compiler.to_owned(), "1:1 this table is the compiler's, and has no column `Time(us)`"),
        ("ID OpType Time(us)\n".to_owned(), "1:1 the table has no column `Target`"),
        (heading.to_owned(), "the table has no rows"),
        (
            format!("{heading}1  Conv   NPU    (1,2)      (1,3)       5        2      Conv:/c\n"),
            "the text ends before the line `Total Operator Elapsed Per Frame Time(us):`",
        ),
        (
            row("1  Conv   NPU    (1,2)      (1,3)       -5       2      Conv:/c"),
            "2:1 `-5` in column `Time(us)` is negative",
        ),
        (
            row("1  Conv   NPU    (1,2)      (1,3)       x        2      Conv:/c"),
            "2:1 `x` in column `Time(us)` is no number",
        ),
        (
            row("1  Conv   TPU    (1,2)      (1,3)       5        2      Conv:/c"),
            "2:1 `TPU` in column `Target` is no CPU, NPU or GPU",
        ),
        (
            row("1  Conv   NPU    (1,2)      (1,3)       5        y      Conv:/c"),
            "2:1 `y` in column `RW(KB)` is no number",
        ),
        (
            row("z  Conv   NPU    (1,2)      (1,3)       5        2      Conv:/c"),
            "2:1 `z` in column `ID` is no whole number",
        ),
        (row("1  Conv"), "2:1 the cell in column `Target` is blank"),
        (row("1 2 3 4 5 6 7 8 9"), "2:1 this line has other columns than the headings, of which there are 8"),
    ] {
        assert_eq!(refused("rknn", &text, &none()), problem, "{text}");
    }
    let warm = MeasurementOptions { warm_up: 1, ..none() };
    assert_eq!(refused("rknn", OLDER, &warm), "--warmup says nothing of a file of --kind rknn");
}

#[test]
fn beginnings_of_a_table_are_refused_and_ten_thousand_rows_are_read() {
    let end = OLDER.find(": 330").expect("a total");
    for length in 0..end {
        refused("rknn", &OLDER.as_bytes()[..length], &none());
    }
    let row = OLDER.lines().find(|line| line.starts_with("3 ")).expect("a row");
    let rows = format!("{row}\n").repeat(10_000);
    let text = OLDER.replace(&format!("{row}\n"), &rows);
    assert_eq!(read("rknn", text, &none()).expect("a table").nodes.len(), 10_007);
    let long = "a ".repeat(2_000_000);
    assert_eq!(refused("rknn", long, &none()), "no line has the headings ID, OpType and Time(us)");
}
