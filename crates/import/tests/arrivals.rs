//! Arrival traces by hand: formats, exact times, order, windows, speeds, rules, bad files.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::io::BufReader;

use rtmm_import::arrivals::{
    ArrivalError, ArrivalOptions, Columns, FORMATS, ImportedRequests, Rule, Unmapped, Window, format,
};
use rtmm_workload::Duration;

const CODE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
2023-11-16 18:17:03.9799600,4808,10\r\n\
2023-11-16 18:17:04.0319600,31,8\r\n\
2023-11-16 18:17:04.0319601,1024,27";

const FUNCTIONS: &str = "app,func,end_timestamp,duration
a1,f1,0.07949090003967285,0.078
a2,f1,10.5,10.25
a1,f2,5.000000000001,0.000000000001
a1,f1,5,0
";

fn rules(texts: &[&str]) -> ArrivalOptions {
    let rules = texts.iter().map(|text| Rule::parse(text).expect("a rule")).collect();
    ArrivalOptions { rules, ..ArrivalOptions::default() }
}

fn import(kind: &str, text: &str, options: &ArrivalOptions) -> Result<ImportedRequests, ArrivalError> {
    let format = format(kind).expect("a format");
    let columns =
        format.needs_columns.then(|| Columns::parse("arrival=at,model=who,unit=ms").expect("columns"));
    format.read(&mut BufReader::new(text.as_bytes()), columns.as_ref(), options)
}

/// The requests in picoseconds, one a line.
fn shown(requests: &ImportedRequests) -> Vec<String> {
    requests.iter().map(|request| format!("{} {}", request.arrival.picoseconds(), request.model)).collect()
}

#[track_caller]
fn check(kind: &str, text: &str, options: &ArrivalOptions, expected: &[&str]) -> ImportedRequests {
    let requests = import(kind, text, options).expect("a trace");
    assert_eq!(shown(&requests), expected);
    requests
}

#[track_caller]
fn refused(kind: &str, text: &str, options: &ArrivalOptions) -> String {
    let error = import(kind, text, options).expect_err("no trace");
    assert!(!error.help.is_empty());
    format!("{}: {error}", error.line.map_or_else(|| "-".to_owned(), |line| line.to_string()))
}

#[test]
fn dates_of_seven_digits_are_exact_and_start_at_zero() {
    let by_length = rules(&["ContextTokens<1024=short", "*=long"]);
    let expected = ["0 long", "52000000000 short", "52000100000 long"];
    let report = check("azure-llm", CODE, &by_length, &expected).report;
    assert_eq!(
        (report.rows, report.requests, report.inversions, report.ties, report.rounded),
        (3, 3, 0, 0, 0)
    );
    assert!((report.span_s - 0.0520001).abs() < 1e-12);
    let counts: Vec<(&str, u64)> =
        report.models.iter().map(|model| (model.model.as_str(), model.requests)).collect();
    assert_eq!(counts, [("short", 1), ("long", 2)]);
}

#[test]
fn zones_byte_order_marks_and_line_ends_do_not_matter() {
    let text = "\u{feff}TIMESTAMP,ContextTokens,GeneratedTokens\n\
        2024-05-10 02:00:00.009930+02:00,2162,5\n\
        2024-05-10 00:00:00.009931+00:00,1,1\n\n,,\n\
        2024-05-09T23:00:01.009930-01:00,1,1,,\n";
    check("azure-llm", text, &rules(&["*=m"]), &["0 m", "1000000 m", "1000000000000 m"]);
    let with_images = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-10-15 00:00:00,2,900,120\n";
    check("azure-llm", with_images, &rules(&["NumImages>0=image", "*=text"]), &["0 image"]);
}

#[test]
fn functions_arrive_when_they_end_less_their_duration() {
    // Starts: 0.00149090003967285, 0.25, 5, 5 s. The first is at 0 by default.
    let by_name = rules(&["a1/f1=one", "func:f2=two", "app:a2=three"]);
    let expected = ["0 one", "248509099960 three", "4998509099960 two", "4998509099960 one"];
    let report = check("azure-functions", FUNCTIONS, &by_name, &expected).report;
    assert_eq!((report.inversions, report.ties, report.rounded), (0, 1, 3));
    let kept = ArrivalOptions { keeps_start: true, ..by_name };
    let expected = ["1490900040 one", "250000000000 three", "5000000000000 two", "5000000000000 one"];
    assert_eq!(check("azure-functions", FUNCTIONS, &kept, &expected).report.rounded, 1);
}

#[test]
fn both_forms_of_burstgpt_have_ties_and_a_start_that_is_not_zero() {
    let six = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
        5,ChatGPT,472,18,490,Conversation log\n\
        45,GPT-4,1087,230,1317,Conversation log\n\
        45,ChatGPT,100,0,100,API log\n";
    let options = rules(&["ChatGPT & Response tokens>0=small", "GPT-4=large"]);
    let options = ArrivalOptions { unmapped: Unmapped::Drop, ..options };
    let report = check("burstgpt", six, &options, &["0 small", "40000000000000 large"]).report;
    assert_eq!((report.rows, report.requests, report.unmapped), (3, 2, 1));
    let eight = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
        19440110.0,1722ac82,43,GPT-4,906,446,1352,Conversation log\n\
        19440110.0,,2,ChatGPT,36,29,65,API log\n";
    let report = check("burstgpt", eight, &rules(&["*=m"]), &["0 m", "0 m"]).report;
    assert_eq!((report.ties, report.span_s, report.mean_rate_hz, report.gap_cv), (1, 0.0, None, None));
    let kept = ArrivalOptions { keeps_start: true, ..rules(&["*=m"]) };
    assert_eq!(
        refused("burstgpt", eight, &kept),
        "-: a request arrives after the 213 days that the simulated clock can hold"
    );
}

#[test]
fn objects_on_lines_are_read_with_milliseconds() {
    let text = "{\"timestamp\": 3000, \"input_length\": 6758, \"output_length\": 500, \"hash_ids\": [0, 1]}\n\
        {\"timestamp\": 3000.5, \"input_length\": 7}\n";
    check("mooncake", text, &rules(&["input_length<100=short", "*=long"]), &["0 long", "500000000 short"]);
    for (text, expected) in [
        ("{\"timestamp\": 1", "1: this row is no request: EOF while parsing an object"),
        ("{\"timestamp\": -1}", "1: `-1` in column `timestamp` is negative"),
        ("\n[1, 2, 3]\n", "2: this row is no object"),
        ("{\"input_length\": 1}", "1: this row is no request: missing field `timestamp`"),
    ] {
        let error = refused("mooncake", text, &rules(&["*=m"]));
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn constant_streams_have_the_period_that_loadgen_computes() {
    let text = "# a comment\n\
        *.ConstantStream.min_duration = 100   # ms\n\
        *.*.min_query_count = 2\n\
        camera.ConstantStream.target_qps = 12\n\
        radar.ConstantStream.target_qps = 1000\n\
        radar.ConstantStream.target_latency = 40\n\
        lidar.ConstantStream.target_latency = 0\n\
        lidar.ConstantStream.target_qps = 15\n\
        lidar.*.min_query_count = 4\n\
        lidar.SingleStream.target_latency = 7\n";
    // 1 / 12 s is 83,333,333 ns, of which the third query is the first that is 100 ms in; a latency of 40 ms is a
    // period, of which the fourth is; `*.ConstantStream` comes before `lidar.*`, but no count stands there.
    let expected = [
        "0 camera",
        "0 lidar",
        "0 radar",
        "40000000000 radar",
        "66666666000 lidar",
        "80000000000 radar",
        "83333333000 camera",
        "120000000000 radar",
        "133333332000 lidar",
        "166666666000 camera",
        "199999998000 lidar",
    ];
    let named = rules(&["camera=camera", "lidar=lidar", "radar=radar"]);
    check("constant-stream", text, &named, &expected);
    for (text, expected) in [
        ("a.ConstantStream.target_qps 5\n", "1: this line is no `key = value`"),
        ("a.Server.target_qps = 5\n", "-: the configuration states no `MODEL.ConstantStream.target_qps`"),
        ("a.ConstantStream.target_qps = -5\n", "1: `-5`, the target_qps of `a`, is negative"),
        ("a.ConstantStream.target_qps = 0\n", "1: `a` has no target_qps above zero"),
        ("a.ConstantStream.target_qps = 1e10\n", "1: queries of `a` have a distance below a nanosecond"),
        (
            "a.ConstantStream.target_qps = 5\n*.*.constant_gen = 0\n",
            "2: `a` draws its queries, which has no constant distance between them",
        ),
        (
            "a.ConstantStream.target_qps = 5\n*.*.min_query_count = 1e12\n",
            "1: `a` has 1000000000000 queries, and no more than 32000000 are read",
        ),
    ] {
        let error = refused("constant-stream", text, &rules(&["*=m"]));
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn rows_out_of_order_are_counted_and_sorted_as_they_stand() {
    let text = "at,who\n3,a\n1,b\n2,c\n1,d\n";
    let report = check(
        "csv",
        text,
        &rules(&["a=a", "b=b", "c=c", "d=d"]),
        &["0 b", "0 d", "1000000000 c", "2000000000 a"],
    )
    .report;
    // 1 after 3, and 1 after 2.
    assert_eq!((report.inversions, report.ties), (2, 1));
    // Distances 0, 1, 1 ms: mean 2/3, variance 2/9.
    let (variation, rate) = (report.gap_cv.expect("a variation"), report.mean_rate_hz.expect("a rate"));
    assert!((variation - 0.5_f64.sqrt()).abs() < 1e-12 && (rate - 1500.0).abs() < 1e-9);
}

#[test]
fn windows_cut_before_speeds_scale() {
    let text = "at,who\n1000,a\n1100,a\n1200,b\n1300,a\n";
    let millis = |count| Duration::from_milliseconds(count).expect("a duration");
    let cut = ArrivalOptions {
        window: Window { start: millis(100), end: millis(300) },
        speed_millionths: 2_500_000,
        ..rules(&["a=m"])
    };
    // Rows outside the window need no rule; `b` is inside.
    assert_eq!(refused("csv", text, &cut), "-: 1 of 2 rows pass no rule: on line 4");
    let cut = ArrivalOptions { rules: rules(&["*=m"]).rules, ..cut };
    let report = check("csv", text, &cut, &["0 m", "40000000000 m"]).report;
    assert_eq!((report.rows, report.requests, report.outside_window), (4, 2, 2));
    let kept = ArrivalOptions { keeps_start: true, ..cut };
    check("csv", text, &kept, &["440000000000 m", "480000000000 m"]);
    let thirds = ArrivalOptions { speed_millionths: 3_000_000, ..rules(&["*=m"]) };
    let expected = ["0 m", "33333333333 m", "66666666667 m", "100000000000 m"];
    assert_eq!(check("csv", text, &thirds, &expected).report.rounded, 2);
    let slow = ArrivalOptions { speed_millionths: 1, ..rules(&["*=m"]) };
    check(
        "csv",
        text,
        &slow,
        &["0 m", "100000000000000000 m", "200000000000000000 m", "300000000000000000 m"],
    );
    let none =
        ArrivalOptions { window: Window { start: millis(400), end: Duration::MAX }, ..rules(&["*=m"]) };
    assert_eq!(refused("csv", text, &none), "-: no request is left of 4 rows");
}

#[test]
fn rules_are_tried_in_order_and_bring_deadlines() {
    let text = "at,who\n1,x\n2,y\n";
    let millis = |count| Duration::from_milliseconds(count);
    let mut options = rules(&["*=rest"]);
    options.rules.insert(0, Rule::new("who:\"x\"", "first", millis(5)).expect("a rule"));
    options.deadline = millis(9);
    let requests = import("csv", text, &options).expect("a trace");
    let found: Vec<(&str, Option<Duration>)> =
        requests.iter().map(|request| (request.model, request.deadline)).collect();
    assert_eq!(found, [("first", millis(5)), ("rest", millis(9))]);
    assert!(requests.have_deadlines());
}

#[test]
fn columns_name_roles() {
    for text in ["arrival=at", "end=at,duration=d,unit=us", "arrival=at,model=a/b,unit=date"] {
        assert!(Columns::parse(text).is_ok(), "{text}");
    }
    for (text, expected) in [
        ("", "`` is no ROLE=COLUMN"),
        ("arrival=", "`arrival=` is no ROLE=COLUMN"),
        ("when=at", "there is no role `when`"),
        ("arrival=a,arrival=b", "the role `arrival` stands twice"),
        ("arrival=a,unit=hours", "there is no unit `hours`"),
        ("end=a", "state `arrival`, or `end` and `duration`"),
        ("arrival=a,duration=d", "state `arrival`, or `end` and `duration`"),
    ] {
        let error = Columns::parse(text).expect_err("no columns").to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn bad_files_are_refused_with_their_rows() {
    let header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
    let row = |rows: &str| format!("{header}{rows}");
    for (kind, text, expected) in [
        ("azure-llm", String::new(), "-: the trace is empty"),
        ("azure-llm", "\n\n".to_owned(), "-: the trace is empty"),
        ("azure-llm", header.to_owned(), "-: the trace has no rows"),
        ("azure-llm", "a,b\n1,2\n".to_owned(), "1: the trace has no column `TIMESTAMP`"),
        ("azure-llm", "TIMESTAMP,TIMESTAMP\n".to_owned(), "1: column `TIMESTAMP` stands twice in the header"),
        (
            "azure-llm",
            row("2023-11-16 18:17:03,1,2\n2023-11-16 18:1"),
            "3: this row has 1 cells and the header 3",
        ),
        ("azure-llm", row("2023-11-16 18:17:03,1,2,3\n"), "2: this row has 4 cells and the header 3"),
        (
            "azure-llm",
            row("2023-11-31 18:17:03,1,2\n"),
            "2: `2023-11-31 18:17:03` in column `TIMESTAMP` is no day",
        ),
        ("azure-llm", row(",1,2\n"), "2: the cell in column `TIMESTAMP` is blank"),
        (
            "azure-llm",
            row("2023-11-16 18:17:03,1,2\n2023-11-16 18:17:04Z,1,2\n"),
            "3: `2023-11-16 18:17:04Z` has a zone where rows before it have none",
        ),
        ("csv", "at,who\n-1,x\n".to_owned(), "2: `-1` in column `at` is negative"),
        ("csv", "at,who\n1e400,x\n".to_owned(), "2: `1e400` in column `at` is beyond what a clock can hold"),
        ("csv", "at,who\nsoon,x\n".to_owned(), "2: `soon` in column `at` is no decimal number"),
        ("csv", "at,who\n\u{1b}[2J,x\n".to_owned(), "2: `\\u{1b}[2J` in column `at` is no decimal number"),
        (
            "azure-functions",
            "app,func,end_timestamp,duration\na,f,1,-2\n".to_owned(),
            "2: `-2` in column `duration`",
        ),
        ("csv", "Rar!\u{1a}\n".to_owned(), "-: the trace is a RAR archive"),
        ("csv", "\u{1f}x".to_owned(), "1: the trace has no column `at`"),
        ("csv", format!("at,who\n1,\"{}", "x".repeat(2 << 20)), "2: a row has more than 1048576 bytes"),
    ] {
        let error = refused(kind, &text, &rules(&["*=m"]));
        assert!(error.starts_with(expected), "{error} is not {expected}");
    }
    let text = "at,who\n1,x\n2,y\n";
    for (rule, expected) in [
        ("z<1=m", "-: a rule names the column `z`, which the trace has not"),
        ("who>1=m", "2: `x` in column `who` is no number that a rule can test"),
        ("x=m", "-: 1 of 2 rows pass no rule: on line 3"),
    ] {
        assert_eq!(refused("csv", text, &rules(&[rule])), expected);
    }
    assert_eq!(refused("csv", text, &rules(&[])), "-: nothing says which models the requests are for");
    assert_eq!(
        refused("azure-llm", CODE, &rules(&["x=m"])),
        "-: a rule tests a name, and this trace has no column of names"
    );
    let invalid: &[u8] = b"at,who\n1,\xff\n";
    let columns = Columns::parse("arrival=at").expect("columns");
    let error = format("csv")
        .expect("a format")
        .read(&mut BufReader::new(invalid), Some(&columns), &rules(&["*=m"]))
        .expect_err("no text");
    assert_eq!((error.line, error.problem.as_str()), (Some(2), "this row is no UTF-8 text"));
}

#[test]
fn every_format_refuses_what_is_not_its_own() {
    for format in FORMATS {
        let columns = Columns::parse("arrival=at").expect("columns");
        for text in ["", "\u{feff}", "\0\0\0\0", "{}", "a,b,c\n1,2,3\n", "<html>\n"] {
            let read = format.read(&mut BufReader::new(text.as_bytes()), Some(&columns), &rules(&["*=m"]));
            assert!(read.is_err(), "{} takes {text:?}", format.name);
        }
    }
}
