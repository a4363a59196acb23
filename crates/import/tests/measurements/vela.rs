//! Tables of Arm's Vela compiler.

use rtmm_import::measurements::{Attachment, MeasurementOptions, join};
use rtmm_import::{ImportedLayer, ImportedOperator, ImportedProduct};

use crate::common::{layer, read, refused, shown};

/// The form of versions 3 and 4: two headings of one name.
const LAYERS: &str = "\
TFLite_operator,NNG Operator,SRAM Usage,Peak%,Op Cycles,Network%,NPU,SRAM AC,DRAM AC,OnFlash AC,OffFlash AC,MAC Count,\
Network%,Util%,Name
CONV_2D,Conv2DBias,4112,21.0,4736.0,59.2,699.0,16.0,0.0,0.0,4736.0,4096,80.0,0.67,a/Relu;a/Conv2D_fc
CONCATENATION,AvgPool,4080,20.8,52.5,0.6,52.5,8.0,0.0,0.0,0.0,32,0.6,0.48,cat/concat1_avgpool
FULLY_CONNECTED,FullyConnected,3584,18.3,3211.0,40.2,102.0,10.0,0.0,0.0,160.0,992,19.4,0.31,head/MatMul
";

/// The form of version 5: the processor of each layer, the number of the graph before a name.
const TARGETS: &str = "\
Original Operator,NNG Operator,Target,Staging Usage,Peak% (Staging),Op Cycles,Network% (cycles),NPU,SRAM AC,DRAM AC,\
OnFlash AC,OffFlash AC,MAC Count,Network% (MAC),Util% (MAC),Name
Conv2D,Conv2D,NPU,0,0.0,1500,75.0,1500,0,585,0,0,768,100.0,0.16,0:a/Relu
Variable,Passthrough,CPU,0,0.0,0,0.0,0,0,0,0,0,0,0.0,100,0:states
";

/// The form of early versions, with the bytes of each memory.
const PASSES: &str = "\
name,operators,placement,streaming_strategy,cycles_total,cycles_npu,nn_macs,bytes_sram_total_total,\
bytes_dram_total_total,bytes_dram_weights_read,bytes_off_chip_flash_total_total,sram_used
a/Relu,Conv2DBias Relu,Npu,IfmStream,2000,1900,4096,9000,512,500,128,77
";

const SUMMARY: &str =
    "experiment,network,core_clock,inference_time,cycles_total\ndefault,net,500000000.0,1.6e-05,8000.0\n";

fn options(summary: Option<&str>, clock_hz: Option<u64>) -> MeasurementOptions {
    let summary = summary.map(|text| Attachment { file: "summary.csv".to_owned(), text: text.to_owned() });
    MeasurementOptions { summary, clock_hz, ..MeasurementOptions::default() }
}

#[test]
fn cycles_are_times_by_the_clock_of_the_summary_or_the_stated_one() {
    let measured = read("vela", LAYERS, &options(Some(SUMMARY), None)).expect("a table");
    assert_eq!(
        shown(&measured),
        [
            "a/Relu;a/Conv2D_fc 1x p50=9.472 mean=9.472 cycles=4736 macs=4096 CONV_2D",
            "cat/concat1_avgpool 1x p50=0.106 mean=0.106 cycles=53 macs=32 CONCATENATION",
            "head/MatMul 1x p50=6.422 mean=6.422 cycles=3211 macs=992 FULLY_CONNECTED"
        ]
    );
    assert_eq!((measured.runs, measured.summary().runs_us, measured.notes.len()), (1, vec![16.0], 0));
    let measured = read("vela", LAYERS, &options(None, Some(1_000_000_000))).expect("a table");
    assert_eq!(measured.summary().runs_us, [8.0]);
    let other = SUMMARY.replace("core_clock", "npu_clock").replace("8000.0", "9000.0");
    let measured = read("vela", LAYERS, &options(Some(&other), None)).expect("a table");
    assert_eq!(measured.notes, ["the layers take 8000 cycles together, and the network 9000"]);
    assert_eq!(measured.summary().runs_us, [18.0]);
}

#[test]
fn all_forms_of_the_table_are_read() {
    let clock = options(None, Some(1_000_000_000));
    let measured = read("vela", TARGETS, &clock).expect("a table");
    assert_eq!(
        shown(&measured),
        [
            "0:a/Relu 1x p50=1.5 mean=1.5 cycles=1500 macs=768 Conv2D",
            "0:states 1x p50=0 mean=0 cycles=0 macs=0 Variable"
        ]
    );
    assert_eq!(measured.notes, ["1 of 2 layers run on the CPU, of which vela states no time"]);
    let measured = read("vela", PASSES, &clock).expect("a table");
    assert_eq!(shown(&measured), ["a/Relu 1x p50=2 mean=2 cycles=2000 macs=4096 bytes=640 Conv2DBias Relu"]);
}

#[test]
fn layers_are_joined_by_their_tensors_and_else_by_their_work() {
    let product = |name: &str, columns| ImportedLayer {
        operator: ImportedOperator::Product(ImportedProduct {
            products: 1,
            rows: 1,
            inner: 31,
            columns,
            has_weights: true,
        }),
        macs: 31 * columns,
        ..layer(name, "Gemm", &[1, columns])
    };
    let model = [layer("a/Relu", "Relu", &[1]), product("small", 8), product("large", 32)];
    let joined = join(&model, &read("vela", LAYERS, &options(Some(SUMMARY), None)).expect("a table"), None)
        .expect("layers");
    let picoseconds: Vec<u64> = joined.costs.iter().map(|cost| cost.time.picoseconds()).collect();
    assert_eq!(picoseconds, [9_472_000 + 106_000, 0, 6_422_000]);
    assert_eq!((joined.report.by_name, joined.report.by_shape, joined.report.fused), (1, 1, 1));
}

#[test]
fn bad_tables_are_refused_with_their_place() {
    let clock = options(None, Some(500_000_000));
    let heading = LAYERS.lines().next().expect("a heading");
    let row =
        |cycles: &str, name: &str| format!("{heading}\nCONV_2D,X,1,1,{cycles},1,1,1,1,1,1,5,1,1,{name}\n");
    for (text, problem) in [
        (String::new(), "the file is empty"),
        ("a,b\n1,2\n".to_owned(), "1:1 the table has no column `Name`"),
        ("Name,operators\n".to_owned(), "1:1 the table has no column `Op Cycles`"),
        (format!("{heading}\n"), "the table has no rows"),
        (row("-4", "a"), "2:15 `-4` is negative"),
        (row("x", "a"), "2:15 `x` is no number"),
        (row("1e30", "a"), "2:15 `1e30` is no whole number"),
        (row("18446744073709551615", "a"), "2:15 `18446744073709551615` cycles are beyond 213 days"),
        (row("4", ""), "2:35 `` is no name: the row ends too early"),
        (format!("{heading}\nCONV_2D,X,1\n"), "2:1 `` is no name: the row ends too early"),
    ] {
        assert_eq!(refused("vela", &text, &clock), problem, "{text}");
    }
    let none = MeasurementOptions::default();
    assert_eq!(refused("vela", LAYERS, &none), "the table has cycles, and nothing says the clock");
    for (summary, problem) in [
        ("", "summary.csv:the summary has no row behind its headings"),
        ("a\n1\n", "summary.csv:1:1 the summary has no column `core_clock` or `npu_clock`"),
        ("core_clock\n-1\n", "summary.csv:2:1 `-1` is negative"),
        ("core_clock\n5\n", "summary.csv:2:1 `5` is no clock from a kilohertz to a terahertz, in Hz"),
        ("core_clock\n1e9\n2e9\n", "summary.csv:3:1 the summary has several networks"),
    ] {
        assert_eq!(refused("vela", LAYERS, &options(Some(summary), None)), problem, "{summary}");
    }
}

#[test]
fn beginnings_of_a_table_never_panic_and_ten_thousand_rows_are_read() {
    let clock = options(None, Some(500_000_000));
    for length in 0..LAYERS.len() {
        let _ = read("vela", &LAYERS.as_bytes()[..length], &clock);
    }
    let row = LAYERS.lines().nth(1).expect("a row");
    let text = LAYERS.replace(row, &vec![row; 10_000].join("\n"));
    assert_eq!(read("vela", text, &clock).expect("a table").nodes.len(), 10_002);
}
