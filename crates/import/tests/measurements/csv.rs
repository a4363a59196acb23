//! Tables of any program, by the columns that a user names.

use rtmm_import::measurements::MeasurementOptions;

use crate::common::{columns, read, refused, shown};

/// Kernels as Nsight Systems sums them up (`nsys stats --report cuda_gpu_kern_sum --format csv`), with the text that
/// it prints before.
const NSYS: &str = "\
Generating SQLite file run.sqlite from run.nsys-rep
Processing [run.sqlite] with [cuda_gpu_kern_sum.py]...
\u{20}
Time (%),Total Time (ns),Instances,Avg (ns),Med (ns),Min (ns),Max (ns),StdDev (ns),Name
61.5,1230000,200,6150.0,6144.0,5888,9216,310.2,\"void gemm<float, 128>(Params)\"
38.5,770000,100,7700.0,7680.0,7424,8192,101.0,relu_kernel
";

const OPENVINO: &str = "\
layerName;execStatus;layerType;execType;realTime (ms);cpuTime (ms);
images;NOT_RUN;Parameter;unknown_f32;0;0;
/conv/Conv;EXECUTED;Convolution;brgconv_avx2_f32;1.25;1.20;
/act/Relu;EXECUTED;Relu;jit_avx2_f32;0.004;0.004;
Total;;;;1.254;1.204;
";

#[test]
fn kernels_of_a_gpu_have_all_their_statistics() {
    let options = columns(
        "name=Name,calls=Instances,total=Total Time (ns),p50=Med (ns),min=Min (ns),max=Max (ns),runs=100",
    );
    let measured = read("csv", NSYS, &options).expect("a table");
    assert_eq!(
        shown(&measured),
        [
            "void gemm<float, 128>(Params) 200x min=5.888 p50=6.144 max=9.216 mean=6.15",
            "relu_kernel 100x min=7.424 p50=7.68 max=8.192 mean=7.7"
        ]
    );
    assert_eq!((measured.runs, measured.node_runs, measured.run_times.len()), (100, 100, 0));
}

#[test]
fn semicolons_rows_that_are_totals_and_rows_that_did_not_run() {
    let options = columns("name=layerName,operator=layerType,mean=realTime (ms),except=Total");
    let measured = read("csv", OPENVINO.replace('\n', "\r\n"), &options).expect("a table");
    assert_eq!(
        shown(&measured),
        ["images 1x mean=0 Parameter", "/conv/Conv 1x mean=1250 Convolution", "/act/Relu 1x mean=4 Relu"]
    );
}

#[test]
fn a_later_table_of_a_file_is_found_by_the_text_before_it() {
    let text = "\
Profiling Info for Benchmark Initialization:
node type, first, avg_ms, %, times called, name
AllocateTensors, 0.2, 0.2, 100%, 1, AllocateTensors/0

Operator-wise Profiling Info for Regular Benchmark Runs:
node type, first, avg_ms, %, times called, name
CONV_2D, 0.11, 0.0930388, 44.8994%, 1, [a/Conv2D]:0
ELU, 0.034, 0.0300884, 14.5203%, 2, [a/Elu]:1

====== Top by Computation Time ======
node type, first, avg_ms, %, times called, name
CONV_2D, 0.11, 0.0930388, 44.8994%, 1, [a/Conv2D]:0
";
    let options =
        columns("name=name,operator=node type,mean=avg_ms,calls=times called,after=Regular Benchmark Runs");
    let measured = read("csv", text, &options).expect("a table");
    assert_eq!(shown(&measured), ["[a/Conv2D]:0 1x mean=93.0388 CONV_2D", "[a/Elu]:1 2x mean=30.0884 ELU"]);
    assert_eq!(measured.notes, ["the table ends before line 10; 3 lines are not read"]);
}

#[test]
fn rows_of_one_execution_each_are_gathered_by_run() {
    let text = "\u{feff}cycle,layer_name,layer_type,layer_run_time\n\
        0,conv,Convolution,9\n0,relu,PointWise,1\n\
        1,conv,Convolution,2\n1,relu,PointWise,1\n\
        2,conv,Convolution,4.5\n2,relu,PointWise,0.5\n";
    let mut options = columns("run=cycle,name=layer_name,operator=layer_type,time_us=layer_run_time,unit=ms");
    let all = read("csv", text, &options).expect("a table");
    assert_eq!(
        shown(&all),
        ["conv 3x p50=4500 p99=9000 mean=5166.667", "relu 3x p50=1000 p99=1000 mean=833.333"]
    );
    options.warm_up = 1;
    let warm = read("csv", text, &options).expect("a table");
    assert_eq!(shown(&warm), ["conv 2x p50=2000 p99=4500 mean=3250", "relu 2x p50=500 p99=1000 mean=750"]);
    assert_eq!((warm.runs, warm.summary().runs_us), (3, vec![3000.0, 5000.0]));
    options.warm_up = 3;
    assert_eq!(refused("csv", text, &options), "all of the 3 runs are warm-up");
}

#[test]
fn power_and_time_are_energy() {
    // 2 W for 3 ms and 4 W for 1 ms: 6 and 4 mJ.
    let text = "cycle,layer,power,ms\n0,a,2000000,3\n1,a,4000000,1\n";
    let options = columns("run=cycle,name=layer,power_uw=power,time=ms,unit=ms");
    let measured = read("csv", text, &options).expect("a table");
    assert_eq!(shown(&measured), ["a 2x p50=1000 p99=3000 mean=2000 energy=5000"]);
    let options = columns("name=layer,power_uw=power,mean=ms,unit=ms");
    let measured = read("csv", "layer,power,ms\na,2000000,3\n", &options).expect("a table");
    assert_eq!(shown(&measured), ["a 1x mean=3000 energy=6000"]);
}

#[test]
fn columns_without_headings_are_known_by_position() {
    let options = columns("name=#2,p50_us=#3,p99_us=#4");
    let measured = read("csv", "Conv|conv1|12.5|14\nRelu|relu1|1|1.25\n", &options).expect("a table");
    assert_eq!(shown(&measured), ["conv1 1x p50=12.5 p99=14", "relu1 1x p50=1 p99=1.25"]);
}

#[test]
fn further_quantities_come_with_the_times() {
    let options = columns("name=n,p50=t,bytes=b,cycles=c,macs=m,energy_uj=e,output=o");
    let measured = read("csv", "n,t,b,c,m,e,o\nconv,3,640.0,10,20,1.5,1x8x4x4\n", &options).expect("a table");
    assert_eq!(shown(&measured), ["conv 1x p50=3 energy=1.5 cycles=10 macs=20 bytes=640"]);
    assert_eq!(measured.nodes[0].output, Some(vec![1, 8, 4, 4]));
}

#[test]
fn bad_tables_are_refused_with_their_place_and_reason() {
    let plain = columns("name=name,p50_us=time");
    let cases = [
        ("", "the file is empty"),
        ("name,time\n", "the table has no rows"),
        ("a b c\n", "no line has cells between commas, semicolons, tabs or bars"),
        ("name,tim\na,1\n", "1:1 no line has all headings; this one is nearest and has no `time`"),
        ("name,time,time\na,1,2\n", "1:1 the heading `time` stands twice"),
        ("name,time\na,-3\n", "2:3 `-3` in column `time` is negative"),
        ("name,time\na,12%\n", "2:3 `12%` in column `time` is a share, and no quantity"),
        ("name,time\na,nan\n", "2:3 `nan` in column `time` is no number"),
        ("name,time\na,\n", "2:3 `` in column `time` is empty"),
        ("name,time\n,3\n", "2:1 `` in column `name` is no name"),
        ("name,time\na,3\nb\n", "3:1 this row has 1 cells, and 2 are needed"),
        ("name,time\na,1,5\n", "2:5 this row has 3 cells, and the heading 2"),
        (
            "name;time\na;1,5\n",
            "2:3 `1,5` in column `time` has a comma: decimals stand behind a point, and thousands have no sign between \
             them",
        ),
        (
            "name,time\na,\"1,234.5\"\n",
            "2:3 `1,234.5` in column `time` has a comma: decimals stand behind a point, and thousands have no sign \
             between them",
        ),
        (
            "name,time\na,1e99\n",
            "2:3 `1e99` in column `time` is no time: longer than the 213 days that the simulated clock can hold",
        ),
        ("name,time\n\"a,3\n", "2:1 this cell's quote is not closed"),
    ];
    for (text, problem) in cases {
        assert_eq!(refused("csv", text, &plain), problem, "{text}");
    }
    let shares = columns("name=name,p50_us=Time (%)");
    let table = "name,Time (%)\na,3\n";
    assert_eq!(refused("csv", table, &shares), "1:1 the column `Time (%)` has shares, and no times");
    let units = columns("name=name,p50_us=t (ns),unit=ms");
    let table = "name,t (ns)\na,3\n";
    assert_eq!(refused("csv", table, &units), "1:1 the heading `t (ns)` says ns, and unit=ms is stated");
    let order = columns("name=name,p50_us=a,p99_us=b");
    assert_eq!(refused("csv", "name,a,b\nx,3,2\n", &order), "2:1 the p50 of this row is above its p99");
    let calls = columns("name=name,mean=a,calls=b");
    let table = "name,a,b\nx,1e12,9999999999999\n";
    assert_eq!(
        refused("csv", table, &calls),
        "2:3 `1e12` in column `a` is beyond 213 days with all executions"
    );
    let after = columns("name=name,p50_us=time,after=never");
    assert_eq!(refused("csv", "name,time\na,1\n", &after), "no line has the text `never`");
    let none = MeasurementOptions::default();
    assert_eq!(refused("csv", "name,time\na,1\n", &none), "nothing says what the columns of the table are");
    assert_eq!(refused("ort", "[]", &plain), "--columns says nothing of a file of --kind ort");
}

#[test]
fn calls_between_runs_and_names_of_no_row_are_told() {
    let options = columns("name=name,mean=time,calls=calls,runs=4,except=Total,except=Sum");
    let measured =
        read("csv", "name,time,calls\na,1,8\nb,1,9\nc,1,3\nSum,3,20\n", &options).expect("a table");
    assert_eq!(measured.nodes.len(), 3);
    assert_eq!(
        measured.notes,
        [
            "no row is called `Total`, which `except` names",
            "the calls of 2 of 3 rows are no multiple of 4 runs; the first is `b` with 9 calls",
        ]
    );
}

#[test]
fn beginnings_of_a_table_never_panic() {
    let options = columns("name=Name,calls=Instances,total=Total Time (ns)");
    for length in 0..NSYS.len() {
        let _ = read("csv", &NSYS.as_bytes()[..length], &options);
    }
}

#[test]
fn ten_thousand_rows_are_read() {
    let rows: String = (0..10_000).map(|row| format!("layer{row},{row}\n")).collect();
    let measured =
        read("csv", format!("name,time\n{rows}"), &columns("name=name,time=time")).expect("a table");
    assert_eq!((measured.nodes.len(), measured.run_times.len()), (10_000, 1));
    assert_eq!(measured.summary().runs_us, [49_995_000.0]);
}
