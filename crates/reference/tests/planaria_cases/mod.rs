//! Recordings of the published scheduler, from `golden/planaria/`.
#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::io::Read as _;

use rtmm_reference::planaria::{Case, Fixes, Outcome, Parameters, case_file, run};
use rtmm_workload::input::Source;
use serde_json::Value;

const CASES: &[u8] = include_bytes!("../golden/planaria/cases.tsv.gz");

/// A case and what the program made of it.
pub struct Recording {
    pub name: String,
    /// The case file.
    pub text: String,
    pub case: Case,
    pub recorded: Value,
}

/// All recordings, by name.
pub fn recordings() -> Vec<Recording> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(CASES).read_to_string(&mut text).expect("the golden decompresses");
    let recording = |line: &str| {
        let (name, json) = line.split_once('\t').expect("a name and a case");
        let case = case_file::read(&Source::new(name, json)).unwrap_or_else(|problems| panic!("{problems}"));
        Recording {
            name: name.to_owned(),
            text: json.to_owned(),
            case,
            recorded: serde_json::from_str(json).expect("JSON"),
        }
    };
    text.lines().map(recording).collect()
}

impl Recording {
    pub fn run(&self, fixes: Fixes) -> Outcome {
        let outcome = run(&self.case, &Parameters { fixes, seed: 0 });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// The recorded ends: number of the job, and cycle.
    pub fn ends(&self) -> Vec<(u64, i64)> {
        let ends = self.recorded["finish"].as_array().expect("ends").iter();
        ends.map(|end| {
            (end["task"].as_u64().expect("a task"), end["finish_cycle"].as_i64().expect("a cycle"))
        })
        .collect()
    }

    /// The ends of an outcome in the same form.
    pub fn ends_of(&self, outcome: &Outcome) -> Vec<(u64, i64)> {
        let number = |job| u64::from(self.case.job(job).number);
        outcome.ends.iter().map(|end| (number(end.job), end.finish_cycle)).collect()
    }

    /// The timeline of an outcome as recordings have it, with as much of each decision as `with_progress` says.
    pub fn timeline_of(&self, outcome: &Outcome, with_progress: bool) -> Value {
        let entry = |entry: &rtmm_reference::planaria::Entry| {
            let map = |value: &dyn Fn(&rtmm_reference::planaria::EntryJob) -> Value| -> Value {
                let named = |job| self.case.job(job).number.to_string();
                entry
                    .jobs
                    .iter()
                    .map(|job| (named(job.job), value(job)))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            };
            let mut shown = serde_json::json!({
                "cycle": entry.cycle,
                "fits": entry.fits,
                "allocation": map(&|job| job.subarrays.into()),
                "min_subarrays_in_time": map(&|job| job.min_in_time.into()),
            });
            if with_progress {
                let layers = |job| &self.case.model_of(self.case.job(job)).layers;
                shown["progress"] =
                    map(&|job| serde_json::json!([layers(job.job)[job.layer.index()].name, job.fraction]));
            }
            shown
        };
        outcome.timeline.iter().map(entry).collect()
    }

    /// The recorded timeline in the same form: all numbers of progress as doubles.
    pub fn timeline(&self, with_progress: bool) -> Value {
        let mut timeline = self.recorded["timeline"].clone();
        for entry in timeline.as_array_mut().expect("a timeline") {
            let entry = entry.as_object_mut().expect("a decision");
            let mut progress = entry.remove("progress").expect("progress");
            for of_job in progress.as_object_mut().expect("progress by job").values_mut() {
                of_job[1] = of_job[1].as_f64().expect("a fraction").into();
            }
            if with_progress {
                entry.insert("progress".to_owned(), progress);
            }
        }
        timeline
    }
}
