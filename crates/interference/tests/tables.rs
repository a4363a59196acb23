//! Tables that are read, and what is said of bad ones.

use rtmm_interference::load::{self, BUILT_IN};
use rtmm_interference::{
    FileKind, Measurements, Parameters, PredictorRegistry, Purpose, Rows, SoloLatencies, Training, replay,
};
use rtmm_workload::input::Source;

use proptest::prelude::*;

/// The messages about a table, each with its place.
fn problems(name: &str, text: &str) -> Vec<String> {
    let problems = Measurements::read(&[Source::new(name, text)]).unwrap_err();
    let said = |problem: &rtmm_workload::input::Diagnostic| {
        let place = problem.place().map(|(_, line, column)| format!("{line}:{column}: ")).unwrap_or_default();
        format!("{place}{}", problem.message())
    };
    problems.iter().map(said).collect()
}

const SOLO: &str = "model,batch,sm_pct,latency_ms\n";
const PAIRS: &str = "model_a,model_b,batch_a,batch_b,lat_a_ms,lat_b_ms,solo_a_ms,solo_b_ms\n";
const GROUPS: &str = "combo,start_1,end_1,batch_1,seq_1,start_2,end_2,batch_2,seq_2,median_us\n";

#[test]
fn bad_rows_are_told_with_their_place() {
    for (header, row, expected) in [
        (SOLO, "", "1:1: the table has a header and no rows"),
        (SOLO, "a,4,50,-1\n", "2:8: `-1` in column `latency_ms` is out of range"),
        (SOLO, "a,4,50,0\n", "2:8: `0` in column `latency_ms` is out of range"),
        (SOLO, "a,4,50,NaN\n", "2:8: `NaN` in column `latency_ms` is out of range"),
        (SOLO, "a,4,50,inf\n", "2:8: `inf` in column `latency_ms` is out of range"),
        (SOLO, "a,0,50,1\n", "2:3: `0` in column `batch` is out of range"),
        (SOLO, "a,4,0,1\n", "2:5: `0` in column `sm_pct` is out of range"),
        (SOLO, ",4,50,1\n", "2:1: column `model` names no model"),
        (
            SOLO,
            "a,4,50,1\na,4,50,2\n",
            "3:1: this row contradicts line 2, which measures the same: 2, and there 1",
        ),
        (PAIRS, "a,b,1,1,2,3,1,\n", "2:3: there is no solo latency of `b` at batch 1 on 100 % of the SMs"),
        (PAIRS, "a,b,1,1,,3,1,1\n", "2:9: `` in column `lat_a_ms` is no number"),
        (PAIRS, "a+c,b,1,1,2,3,1,1\n", "2:1: `a+c` names several models"),
        (
            PAIRS,
            "a,b,1,2,2,3,1,1\nb,a,2,1,9,2,1,1\n",
            "3:1: this row contradicts line 2, which measures the same: 9, and there 3",
        ),
        (
            GROUPS,
            "a+b,5,3,4,0,0,2,4,0,10\n",
            "2:7: the segment of `a` ends at module 3, before its start at 5",
        ),
        (
            GROUPS,
            "a+b+c,0,3,4,0,0,2,4,0,10\n",
            "2:1: `a+b+c` names 3 members, and the table has columns of 2",
        ),
        (GROUPS, "a+,0,3,4,0,0,2,4,0,10\n", "2:1: `a+` names no model for some member"),
        (GROUPS, "a+b,0,3,4,0,0,2,4,0,\n", "2:1: this row has no measured time"),
        (GROUPS, "a+b,0,3,4,0,0,2,4,0,-5\n", "2:21: `-5` in column `median_us` is out of range"),
        (
            GROUPS,
            "a+b,0,3,4,0,0,2,4,0,10\nb+a,0,2,4,0,0,3,4,0,20\n",
            "3:1: this row contradicts line 2, which measures the same: 20, and there 10",
        ),
    ] {
        assert_eq!(problems("t.csv", &format!("{header}{row}")), [expected], "{row}");
    }
}

#[test]
fn headers_are_strict() {
    // What stands twice and is the same is no contradiction, whatever its sign.
    let again = "scope,name,value\nhardware,slope,-1\nhardware,slope,-1\n";
    assert!(Measurements::read(&[Source::new("t.csv", again)]).is_ok());
    for (header, expected) in [
        ("model,batch,latency_ms,colour", "1:1: unknown column `colour`"),
        ("combo,start_1,end_1,batch_1,median_us", "1:1: the table has no column `seq_1`"),
        ("combo,start_2,end_2,batch_2,seq_2,median_us", "1:1: the table has no column `start_1`"),
        ("combo,start_1,end_1,batch_1,seq_1", "1:1: the table has no column `median_us`"),
        ("model_a,model_b,batch_a,batch_b,lat_a_ms", "1:1: the table has no column `lat_b_ms`"),
        ("a,b", "1:1: these columns are of no known kind of measurements"),
        ("Time (%),Total Time (h),Instances,Name", "1:1: the table has no column `Total Time (ns)`"),
    ] {
        let found = problems("t.csv", &format!("{header}\n1\n"));
        assert_eq!(found.first().map(String::as_str), Some(expected), "{header}");
    }
    assert_eq!(problems("t.csv", ""), ["1:1: the table is empty"]);
    let noted = "model,batch,latency_ms,_machine\na,1,2.5,left\n";
    assert_eq!(Measurements::read(&[Source::new("t.csv", noted)]).map(|read| read.solos.len()).unwrap(), 1);
}

#[test]
fn a_pair_takes_its_solo_latencies_from_a_table_that_stands_behind_it() {
    let pairs = Source::new(
        "p.csv",
        "model_a,model_b,batch_a,batch_b,sm_pct_a,sm_pct_b,lat_a_ms,lat_b_ms\na,b,1,2,40,60,3,4\n",
    );
    let solo = Source::new("s.csv", format!("{SOLO}a,1,40,2\nb,2,60,3\n"));
    let read = Measurements::read(&[pairs.clone(), solo]).unwrap();
    assert_eq!((read.pairs[0].a.solo_us, read.pairs[0].b.solo_us), (2_000.0, 3_000.0));
    let problems = Measurements::read(&[pairs]).unwrap_err();
    assert_eq!(problems.iter().count(), 2);
    let stated = Source::new("p.csv", format!("{PAIRS}a,b,1,1,3,4,2,9\n"));
    let solo = Source::new("s.csv", "model,batch,latency_ms\na,1,2.1\nb,1,3\n");
    let problems = Measurements::read(&[stated, solo]).unwrap_err().to_string();
    assert!(problems.contains("contradicts the table of solo latencies: 9, and there 3"), "{problems}");
}

#[test]
fn tables_that_are_read_together_may_not_contradict_each_other() {
    let text = |problems: rtmm_workload::input::Diagnostics| problems.to_string();
    let source = |name: &str, header: &str, row: &str| Source::new(name, format!("{header}{row}\n"));
    for (header, one, other, said) in [
        (SOLO, "a,4,50,1", "a,4,50,2", "contradicts one.csv:2, which measures the same: 2, and there 1"),
        (PAIRS, "a,b,1,2,2,3,1,1", "b,a,2,1,9,2,1,1", "contradicts one.csv:2"),
        (GROUPS, "a+b,0,3,4,0,0,2,4,0,10", "b+a,0,2,4,0,0,3,4,0,20", "contradicts one.csv:2"),
        ("gpu,coefficient,value\n", "x,constant,1", "x,constant,1.01", "contradicts one.csv:2"),
        ("gpu,model,batch,latency_ms\n", "A100,a,1,2", "T4,b,1,3", "GPU `T4`, and one.csv:2 of `A100`"),
    ] {
        let both = [source("one.csv", header, one), source("two.csv", header, other)];
        let said_of = text(Measurements::read(&both).unwrap_err());
        assert!(said_of.contains(said) && said_of.contains("two.csv:2"), "{said_of}");
    }
    // What is stated twice and is the same is no contradiction, in whatever tables.
    let twice = [source("one.csv", SOLO, "a,4,50,1"), source("two.csv", SOLO, "a,4,50,1.1")];
    assert!(Measurements::read(&twice).is_ok());
    // Numbers are told as they were written.
    let noisy = [
        source("s.csv", "model,batch,latency_ms\n", "a,1,0.3"),
        source("p.csv", PAIRS, "a,a,1,1,1,1,0.7,0.7"),
    ];
    let said_of = text(Measurements::read(&noisy).unwrap_err());
    assert!(said_of.contains("solo latencies: 0.7, and there 0.3"), "{said_of}");
}

#[test]
fn problems_that_follow_from_others_are_not_told() {
    // The solo table is refused; that pairs find nothing in it is no news.
    let solo = Source::new("s.csv", format!("{SOLO}a,1,100,-2\n"));
    let pairs =
        Source::new("p.csv", "model_a,model_b,batch_a,batch_b,lat_a_ms,lat_b_ms\na,a,1,1,3,3\na,a,0,1,3,3\n");
    let (_, problems) = Measurements::read_partly(&[pairs.clone(), solo]);
    let places: Vec<_> = problems.iter().filter_map(|problem| problem.place()).collect();
    assert_eq!(places, [("s.csv", 2, 9), ("p.csv", 3, 5)]);
    // Pairs of another device have none of the measurements' solo latencies.
    let whole = Source::new("s.csv", format!("{SOLO}a,1,100,2\n"));
    let mut measurements = Measurements::read(&[whole]).unwrap();
    let own = SoloLatencies::OwnAlone;
    let said = Rows::read_with(&pairs, Purpose::Predict, &mut measurements, own).unwrap_err().to_string();
    assert!(said.contains("no solo latency of `a`") && said.contains("another device"), "{said}");
    let stated = Source::new("p.csv", format!("{PAIRS}a,a,1,1,3,3,2,2\n"));
    assert!(Rows::read_with(&stated, Purpose::Predict, &mut measurements, own).is_ok());
}

#[test]
fn what_is_written_is_read_again_and_counts_are_bounded() {
    let mut measurements = Measurements::default();
    let header = "model_a,model_b,batch_a,batch_b,solo_a_ms,solo_b_ms,predicted_a_ms,predicted_b_ms,\
        predicted_a_ms_upper,predicted_b_ms_upper\na,b,1,1,2,3,2.5,3.5,3,4\n";
    assert!(Rows::read(&Source::new("p.csv", header), Purpose::Predict, &mut measurements).is_ok());
    let groups = "combo,start_1,end_1,batch_1,seq_1,predicted_us,predicted_us_upper\na,0,3,4,0,1,2\n";
    assert!(Rows::read(&Source::new("g.csv", groups), Purpose::Predict, &mut measurements).is_ok());
    let columns = |members: usize| {
        (1..=members).map(|k| format!(",start_{k},end_{k},batch_{k},seq_{k}")).collect::<String>()
    };
    let many = problems("g.csv", &format!("combo{},mean_us\na\n", columns(65)));
    assert_eq!(many, ["1:1: the table has a column `start_65`, and a group has at most 64 members"]);
    let deep = problems("g.csv", &format!("combo{},mean_us\na,0,1000000,4,0,5\n", columns(1)));
    assert_eq!(deep, ["2:5: `1000000` in column `end_1` is out of range"]);
    let half = problems("p.csv", "model_a,batch_a,batch_b,lat_a_ms,lat_b_ms\n");
    assert_eq!(half[0], "1:1: the table has no column `model_b`");
    let said = Measurements::read(&[Source::new("p.csv", "model_a,batch_a,batch_b,lat_a_ms\na,1,1,2\n")]);
    let said = said.unwrap_err().to_string();
    assert!(!said.contains("did you mean `model_a`") && said.contains("rows to predict do not"), "{said}");
}

#[test]
fn groups_have_any_number_of_members_and_a_model_may_stand_twice() {
    for members in [1_usize, 2, 4, 7] {
        let columns: String =
            (1..=members).map(|k| format!(",start_{k},end_{k},batch_{k},seq_{k}")).collect();
        let combo = vec!["a"; members].join("+");
        let text = format!("combo{columns},mean_us\n{combo}{},12.5\n", ",0,3,4,0".repeat(members));
        let read = Measurements::read(&[Source::new("g.csv", text)]).unwrap();
        assert_eq!((read.groups[0].segments.len(), read.groups[0].observed_us), (members, Some(12.5)));
    }
}

#[test]
fn rows_to_predict_need_no_labels() {
    let mut measurements = Measurements::default();
    let groups = Source::new("g.csv", "combo,start_1,end_1,batch_1,seq_1\na,0,3,4,0\na,0,3,4,0\n");
    assert_eq!(Rows::read(&groups, Purpose::Predict, &mut measurements).unwrap().len(), 2);
    assert!(Rows::read(&groups, Purpose::Fit, &mut measurements).is_err());
    let pairs = Source::new("p.csv", "model_a,model_b,batch_a,batch_b,solo_a_ms,solo_b_ms\na,b,1,1,2,3\n");
    assert_eq!(Rows::read(&pairs, Purpose::Predict, &mut measurements).unwrap().len(), 1);
    let drift =
        Source::new("d.csv", "combo,start_1,end_1,batch_1,seq_1,mean_us\na,0,3,4,0,10\na,0,3,4,0,20\n");
    assert_eq!(Rows::read(&drift, Purpose::Observe, &mut measurements).unwrap().len(), 2);
    assert!(Rows::read(&drift, Purpose::Fit, &mut measurements).is_err());
    let solo = Source::new("s.csv", format!("{SOLO}a,4,50,1\n"));
    let problems = Rows::read(&solo, Purpose::Predict, &mut measurements).unwrap_err().to_string();
    assert!(problems.contains("a table of solo latencies has nothing to predict"), "{problems}");
}

#[test]
fn summaries_of_nsight_systems_are_read() {
    let text = "Time (%),Total Time (ns),Instances,Avg (ns),Med (ns),Min (ns),Max (ns),StdDev (ns),Name\n\
        61.2,201802100,4992,40425.1,40390.0,38593,47617,812.4,\"void gemm<float, 128>(int, float)\"\n\
        38.8,128000000,100,1280000.0,1280000.0,1200000,1300000,5.0,relu\n";
    let read = Measurements::read(&[Source::new("out/resnet50_cuda_gpu_kern_sum.csv", text)]).unwrap();
    assert_eq!(read.names.iter().collect::<Vec<_>>(), ["resnet50"]);
    let launches: Vec<(u64, f64)> =
        read.kernels.iter().map(|kernel| (kernel.launches, kernel.total_ns)).collect();
    assert_eq!(launches, [(4_992, 201_802_100.0), (100, 128_000_000.0)]);
}

/// Rows of each built-in table, as `crates/interference/data/ORIGIN.md` states them.
#[test]
fn built_in_tables_are_whole() {
    let origin = include_str!("../data/ORIGIN.md");
    for built_in in BUILT_IN {
        let source = load::open(built_in.name).unwrap();
        let rows = source.text().lines().count() - 1;
        let file = built_in.name.replace(['/', '-'], "_");
        let stated = origin.lines().find(|line| line.starts_with(&format!("| `{file}.csv.gz` |"))).unwrap();
        let stated = stated.split('|').nth(2).unwrap().trim().replace(',', "");
        assert_eq!(rows.to_string(), stated, "{}", built_in.name);
        assert!(FileKind::of(&source).is_ok());
        assert!(load::measurements(&[built_in.name]).is_ok(), "{}", built_in.name);
    }
    let names: Vec<&str> = BUILT_IN.iter().map(|built_in| built_in.name).collect();
    assert!(names.is_sorted());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Damaged tables are refused or read, and whatever is read can be fitted to and predicted, or not, without a panic.
    #[test]
    fn damaged_tables_never_panic(
        table in 0_usize..6,
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[-+,.\"\\r\\n0-9a-eNI_]{0,3}", 0_usize..4), 0..6),
    ) {
        let tables = [
            format!("{SOLO}a,4,50,1\nb,4,50,2\na,8,50,2.5\n"),
            format!("{PAIRS}a,b,1,1,2,3,1,2\nb,a,1,2,3,4,2,2\nb,a,4,2,3,4,2,2\n"),
            format!("{GROUPS}a+b,0,3,4,0,0,2,4,0,10\nb+a,0,2,4,0,0,3,4,0,20\na+a,0,2,4,0,0,3,4,0,20\n"),
            "scope,name,value\nhardware,idlepower,53.5\na,l2caches,\"[1, 2, 3]\"\n".to_owned(),
            "gpu,coefficient,value\nx,constant,1\nx,l2_util_m1,1e-3\n".to_owned(),
            "Total Time (ns),Instances,Name\n10,2,\"a, b\"\n".to_owned(),
        ];
        let mut text = tables[table].clone();
        for (place, inserted, removed) in edits {
            let start = place.index(text.len() + 1);
            text.replace_range(start..(start + removed).min(text.len()), &inserted);
        }
        let Ok(read) = Measurements::read(&[Source::new("t.csv", text)]) else { return Ok(()) };
        for row in PredictorRegistry::built_in() {
            let Ok(mut predictor) = row.fit(&Parameters::defaults(row.schema()), &Training::of(&read)) else { continue };
            for rows in [Rows::Pairs(read.pairs.clone()), Rows::Groups(read.groups.clone())] {
                replay::observe(predictor.as_mut(), &rows);
                for answer in replay::predict(predictor.as_ref(), &rows).into_iter().flatten() {
                    prop_assert!(answer.prediction.upper_us().is_finite());
                }
            }
        }
    }
}
