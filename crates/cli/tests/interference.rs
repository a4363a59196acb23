//! `rtmm interference`: predictions of every row, in order, and what is said of bad measurements.

use crate::common::Workspace;

const SOLO: &str = "model,batch,sm_pct,latency_ms,l2_util_pct,dram_util_pct\n\
    a,1,50,2,10,12\na,4,50,5,20,22\nb,1,50,3,15,30\nb,4,50,8,30,35\n";
/// Four pairs, whose solo latencies stand in another table.
const PAIRS: &str = "model_a,model_b,batch_a,batch_b,sm_pct_a,sm_pct_b,lat_a_ms,lat_b_ms\n\
    a,b,1,1,50,50,2.2,3.3\na,b,4,1,50,50,5.4,3.4\na,b,1,4,50,50,2.4,8.8\nb,a,4,4,50,50,8.9,5.6\n";
const TO_PREDICT: &str =
    "model_a,model_b,batch_a,batch_b,sm_pct_a,sm_pct_b,_note\na,b,1,1,50,50,x\nb,b,4,1,50,50,y\n";
const GROUPS: &str = "combo,start_1,end_1,batch_1,seq_1,start_2,end_2,batch_2,seq_2,median_us\n\
    a+b,0,4,4,0,0,2,4,8,900\na+b,0,2,4,0,0,2,4,8,600\na+b,1,4,8,0,0,1,4,8,1000\na+b,0,0,4,0,0,2,4,8,450\n\
    a+b,0,5,4,0,1,2,4,16,950\na+b,2,4,8,0,0,2,8,8,1100\n";
/// Rows without labels: a group of four, in which a model stands three times, and one of one.
const QUADRUPLET: &str = "combo,start_1,end_1,batch_1,seq_1,start_2,end_2,batch_2,seq_2,start_3,end_3,batch_3,seq_3,start_4,end_4,batch_4,seq_4\n\
    a+a+b+a,0,4,4,0,0,4,4,0,0,2,4,8,1,2,8,0\n";
const SINGLE: &str = "combo,start_1,end_1,batch_1,seq_1\na,0,4,4,0\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    for (name, text) in [
        ("solo.csv", SOLO),
        ("pairs.csv", PAIRS),
        ("new.csv", TO_PREDICT),
        ("groups.csv", GROUPS),
        ("four.csv", QUADRUPLET),
        ("one.csv", SINGLE),
    ] {
        workspace.write(name, text);
    }
    workspace
}

#[test]
fn pairs_are_predicted_row_by_row_behind_their_own_columns() {
    let printed = workspace()
        .rtmm(&[
            "interference",
            "predict",
            "--fit",
            "pairs.csv",
            "solo.csv",
            "--on",
            "new.csv",
            "--predictor",
            "none",
        ])
        .success();
    let expected = "model_a,model_b,batch_a,batch_b,sm_pct_a,sm_pct_b,_note,predicted_a_ms,predicted_b_ms,\
        predicted_a_ms_upper,predicted_b_ms_upper\n\
        a,b,1,1,50,50,x,2.000000,3.000000,2.000000,3.000000\n\
        b,b,4,1,50,50,y,8.000000,3.000000,8.000000,3.000000\n";
    assert_eq!(printed, expected);
}

#[test]
fn groups_of_any_size_are_predicted_from_pairs() {
    for on in ["four.csv", "one.csv", "groups.csv"] {
        let printed = workspace()
            .rtmm(&["interference", "predict", "--fit", "groups.csv", "--on", on, "--format", "csv"])
            .success();
        let mut lines = printed.lines();
        assert!(lines.next().expect("a header").ends_with(",predicted_us,predicted_us_upper"));
        for line in lines {
            let numbers: Vec<f64> =
                line.rsplit(',').take(2).map(|cell| cell.parse().expect("a number")).collect();
            assert!(numbers[0] >= numbers[1] && numbers[1] > 0.0, "{line}");
        }
    }
}

#[test]
fn observations_change_what_online_predictors_say() {
    let workspace = workspace();
    let predict = |more: &[&str]| {
        let arguments = [
            "interference",
            "predict",
            "--fit",
            "solo.csv",
            "pairs.csv",
            "--on",
            "new.csv",
            "--predictor",
            "gpulet-bias",
        ];
        workspace.rtmm(&[&arguments, more].concat()).success()
    };
    assert_ne!(predict(&[]), predict(&["--observe", "pairs.csv"]));
    assert_eq!(predict(&["--observe", "pairs.csv"]), predict(&["--observe", "pairs.csv"]));
}

#[test]
fn scores_have_every_error_in_every_form() {
    let workspace = workspace();
    let score = |format: &str| {
        let arguments =
            ["interference", "score", "--fit", "groups.csv", "--on", "groups.csv", "--format", format];
        workspace.rtmm(&arguments).success()
    };
    for name in ["mape_pct", "p90_pct", "under_by_10_pct", "coverage_pct", "rows"] {
        for format in ["csv", "json", "table"] {
            assert!(score(format).contains(name), "{name} in {format}");
        }
    }
}

#[test]
fn bad_measurements_are_refused_with_a_way_out() {
    let workspace = workspace();
    workspace.write("empty.csv", "");
    workspace.write("header.csv", "model,batch,latency_ms\n");
    workspace.write("negative.csv", "model,batch,latency_ms\na,1,-2\n");
    workspace.write("twice.csv", "model,batch,latency_ms\na,1,2\na,1,5\n");
    workspace.write("single.csv", PAIRS.lines().take(2).fold(String::new(), |text, line| text + line + "\n"));
    for (arguments, said) in [
        (&["--fit", "empty.csv", "--on", "new.csv"][..], "the table is empty"),
        (&["--fit", "header.csv", "--on", "new.csv"], "the table has a header and no rows"),
        (&["--fit", "negative.csv", "--on", "new.csv"], "negative.csv:2:5"),
        (&["--fit", "twice.csv", "--on", "new.csv"], "twice.csv:3:1"),
        (
            &["--fit", "pairs.csv", "--on", "new.csv"],
            "there is no solo latency of `a` at batch 1 on 50 % of the SMs",
        ),
        (
            &["--fit", "solo.csv", "single.csv", "--on", "new.csv", "--predictor", "gpulet"],
            "needs at least 3 pairs, and the files have 1",
        ),
        (
            &[
                "--fit",
                "solo.csv",
                "pairs.csv",
                "--on",
                "new.csv",
                "--predictor",
                "gpulet-rls",
                "--set",
                "forgetting=0",
            ],
            "allowed: numbers from 0.5 to 1",
        ),
        (
            &["--fit", "solo.csv", "pairs.csv", "--on", "new.csv", "--predictor", "gpulett"],
            "did you mean `gpulet`?",
        ),
        (&["--fit", "abacus/a100-pair", "--on", "new.csv"], "did you mean `abacus/a100-pairs`?"),
        (&["--fit", "solo.csv", "pairs.csv", "--on", "groups.csv"], "was fitted to none"),
        (
            &["--fit", "groups.csv", "--on", "groups.csv", "--predictor", "constant"],
            "does not predict segment groups",
        ),
        (&["--fit", "solo.csv", "pairs.csv", "--on", "solo.csv"], "has nothing to predict"),
        (
            &["--fit", "solo.csv", "pairs.csv", "--on", "new.csv", "--observe", "groups.csv"],
            "--observe has segment groups, and --on has pairs",
        ),
        (
            &["--fit", "solo.csv", "pairs.csv", "--on", "new.csv", "--observe", "new.csv"],
            "no column `lat_a_ms`",
        ),
    ] {
        let outcome = workspace.rtmm(&[&["interference", "predict"], arguments].concat());
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(outcome.stderr.contains(said), "{arguments:?}:\n{}", outcome.stderr);
    }
}

#[test]
fn all_problems_are_told_at_once_and_none_that_follows_from_another() {
    let workspace = workspace();
    workspace.write("bad_solo.csv", "model,batch,sm_pct,latency_ms\na,1,50,-2\n");
    workspace.write("bad_rows.csv", "model_a,model_b,batch_a,batch_b,sm_pct_a,sm_pct_b\na,b,0,1,50,50\n");
    let outcome = workspace.rtmm(&[
        "interference",
        "predict",
        "--fit",
        "bad_solo.csv",
        "pairs.csv",
        "none.csv",
        "--on",
        "bad_rows.csv",
        "--observe",
        "missing.csv",
    ]);
    assert_eq!(outcome.code, 2);
    for said in ["bad_solo.csv:2:8", "none.csv", "bad_rows.csv:2:5", "missing.csv"] {
        assert!(outcome.stderr.contains(said), "{said}:\n{}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains("no solo latency"), "{}", outcome.stderr);
    // A table to fit to and to score has its problems once.
    workspace.write(
        "twice.csv",
        "model_a,model_b,batch_a,batch_b,lat_a_ms,lat_b_ms,solo_a_ms,solo_b_ms\na,b,0,1,2,3,1,2\n",
    );
    let outcome = workspace.rtmm(&["interference", "score", "--fit", "twice.csv", "--on", "twice.csv"]);
    assert_eq!(outcome.stderr.matches("twice.csv:2:5").count(), 1, "{}", outcome.stderr);
}

#[test]
fn pairs_of_another_device_state_their_own_solo_latencies() {
    let workspace = workspace();
    let fit = ["interference", "predict", "--fit", "solo.csv", "pairs.csv", "--on-device", "new", "--on"];
    let outcome = workspace.rtmm(&[&fit[..], &["new.csv"]].concat());
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("are of another device"), "{}", outcome.stderr);
    // One observation of the new device moves a pair that was measured on the old one by more.
    workspace.write("there.csv", "model_a,model_b,batch_a,batch_b,solo_a_ms,solo_b_ms\na,b,1,1,1,1\n");
    workspace.write(
        "seen.csv",
        "model_a,model_b,batch_a,batch_b,solo_a_ms,solo_b_ms,lat_a_ms,lat_b_ms\na,b,1,1,1,1,1.4,1.4\n",
    );
    let of = |device: &str, more: &[&str]| -> f64 {
        // On the same device, solo latencies that rows state count, too.
        let arguments = [
            "interference",
            "predict",
            "--fit",
            "solo.csv",
            "pairs.csv",
            "--on-device",
            device,
            "--on",
            "there.csv",
        ];
        let printed = workspace.rtmm(&[&arguments[..], more].concat()).success();
        printed
            .lines()
            .nth(1)
            .expect("a row")
            .split(',')
            .nth(6)
            .expect("a prediction")
            .parse()
            .expect("a number")
    };
    let seen = ["--observe", "seen.csv"];
    assert_eq!(of("same", &[]), of("new", &[]));
    assert!(of("new", &seen) > of("same", &seen) && of("same", &seen) > of("same", &[]));
}

#[test]
fn what_predict_prints_is_read_again() {
    let workspace = workspace();
    let predict = |on: &str| {
        workspace.rtmm(&["interference", "predict", "--fit", "solo.csv", "pairs.csv", "--on", on]).success()
    };
    let first = predict("new.csv");
    workspace.write("again.csv", &first);
    assert_eq!(predict("again.csv"), first);
}

#[test]
fn tables_of_kernels_are_summed_up() {
    let workspace = workspace();
    workspace
        .write("net_cuda_gpu_kern_sum.csv", "Total Time (ns),Instances,Name\n3000000,4,a\n1000000,1,b\n");
    let printed = workspace
        .rtmm(&[
            "interference",
            "kernels",
            "net_cuda_gpu_kern_sum.csv",
            "orion/v100-kernels",
            "--format",
            "csv",
        ])
        .success();
    let mut lines = printed.lines();
    assert_eq!(
        lines.next(),
        Some(
            "model,batch,mode,kernels,total_ms,time_compute_bound,time_memory_bound,sms_used,time_leaving_sms"
        )
    );
    assert_eq!(lines.next(), Some("net,,inference,5,4.0000,,,,"));
    assert!(printed.contains("resnet50,4,inference,175,6.4984,0.7648,0.2010,"), "{printed}");
    let outcome = workspace.rtmm(&["interference", "kernels", "solo.csv"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("there are no kernels in solo.csv"), "{}", outcome.stderr);
}

#[test]
fn measurements_are_checked_as_files() {
    let workspace = workspace();
    let printed = workspace.rtmm(&["check", "solo.csv", "groups.csv"]).success();
    assert!(printed.contains("solo.csv: solo latencies, 4 rows"), "{printed}");
    assert!(printed.contains("groups.csv: segment groups, 6 rows"), "{printed}");
    // Pairs whose solo latencies stand in another table are sound by themselves.
    let printed = workspace.rtmm(&["check", "pairs.csv"]).success();
    assert!(
        printed.contains("pairs.csv: pairs, 4 rows; their solo latencies are not among the files"),
        "{printed}"
    );
    let printed = workspace.rtmm(&["check", "pairs.csv", "solo.csv"]).success();
    assert!(printed.contains("pairs.csv: pairs, 4 rows\n"), "{printed}");
}
