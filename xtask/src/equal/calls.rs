//! The calls that both programs are given.

use rtmm_sweep::axes::AXES;
use rtmm_workload::load::{Kind, built_in_names, open};

use super::programs::Programs;
use super::tables::{Names, Tally, compare_csv, compare_json};

/// Case: a comparison that is reported in one line.
pub(super) struct Case {
    /// Name in reports.
    pub name: String,
    calls: Calls,
}

enum Calls {
    /// A built-in sweep, shortened.
    Sweep(String),
    /// A scenario on a platform under every policy, each in several ways.
    Runs(&'static str),
    /// The loop of XRBench.
    Xrbench,
    /// Sample traces, and requests on them: on the engine, and in the loop of Dysta.
    Traces,
    /// The cost of every layer of every model.
    Costs,
}

/// Runs of the engine: accelerators with memory of their own, and memory that they share; fixed and
/// random arrivals, phases, cascades, supernets, models that skip and exit, and samples.
const WORLDS: [(&str, &str); 6] = [
    ("own memory", "--scenario xrbench/ar_gaming --platform xrbench/dual_4k_ws_os --set warm_up=100ms"),
    ("shared memory", "--scenario examples/hub --platform shared/quad_4k_ws_os_ws_os"),
    ("cascades", "--scenario dream/ar_social --platform dream/triple_4k_ws_os_os --duration 1s"),
    ("cascades, shared", "--scenario dream/ar_social --platform dream/dual_4k_ws_os_shared --duration 1s"),
    ("variants", "--scenario examples/dynamic --platform xrbench/dual_4k_ws_os --set end_of_run=drain"),
    (
        "samples",
        "--scenario dysta/mixed --platform dysta/sanger_and_eyeriss_v2 --duration 10s --set end_of_run=drain",
    ),
];

/// Parameters that many policies have; the others refuse them.
const WAYS: [&str; 7] = [
    "",
    "--set granularity=model --set preemption=layer",
    "--set granularity=model --set preemption=quantum",
    "--set preemption=quantum --set decision_base=20us --set decision_per_job=2us",
    "--set granularity=block --set drop=infeasible --set placement=least-energy",
    "--set drop=smart --set placement=assigned",
    "--set placement=fastest --set variants=largest-that-fits",
];

/// Accelerators on which the costs of every model are compared; those that the accelerator cannot run are refused.
const HARDWARE: [&str; 9] = [
    "--platform xrbench/quad_4k_ws_os_ws_os",
    "--platform xrbench/single_8k_rs",
    "--platform dream/dual_4k_ws_os_shared",
    "--platform xrbench/quad_4k_ws_os_ws_os --compat xrbench",
    "--platform dysta/sanger",
    "--platform dysta/eyeriss_v2",
    r#"--accelerator {model="systolic",dataflow="os",rows=32,cols=32}"#,
    r#"--accelerator {model="systolic",dataflow="ws",rows=16,cols=64}"#,
    r#"--accelerator {model="systolic",dataflow="is",rows=8,cols=8}"#,
];

/// Recorded requests to the models that traces are made of.
const REQUESTS: &str = "\
arrival_s,model,sample,priority,relative_deadline_s
0.0,bert_squad_384,1,1,0.2
0.01,resnet50_dense,0,9,2.5
0.02,bert_squad_384,2,3,0.1
0.03,resnet50_dense,3,1,1.5
0.05,bert_squad_384,7,9,0.3
0.5,resnet50_dense,2,3,4
";

/// All that is compared.
pub(super) fn all() -> Vec<Case> {
    let sweeps = built_in_names(Kind::Sweep).into_iter();
    let sweeps = sweeps.map(|name| Case { name: format!("sweep {name}"), calls: Calls::Sweep(name) });
    let runs = WORLDS.map(|(name, world)| Case { name: format!("runs: {name}"), calls: Calls::Runs(world) });
    let rest = [
        ("runs: --compat xrbench", Calls::Xrbench),
        ("runs: traces, --compat dysta", Calls::Traces),
        ("costs", Calls::Costs),
    ];
    let rest = rest.map(|(name, calls)| Case { name: name.to_owned(), calls });
    sweeps.chain(runs).chain(rest).collect()
}

impl Case {
    /// Calls both programs, and compares what they give.
    ///
    /// # Errors
    /// The first value that differs, or what went wrong.
    pub(super) fn compare(&self, programs: &Programs, names: &Names) -> Result<Tally, String> {
        let mut tally = Tally::default();
        match &self.calls {
            Calls::Sweep(name) => sweep(programs, names, name, &mut tally)?,
            Calls::Runs(world) => runs(programs, names, world, &mut tally)?,
            Calls::Xrbench => xrbench(programs, names, &mut tally)?,
            Calls::Traces => traces(programs, names, &mut tally)?,
            Calls::Costs => costs(programs, names, &mut tally)?,
        }
        if tally.values == 0 {
            return Err("nothing was compared: every call was refused".to_owned());
        }
        Ok(tally)
    }
}

/// A sweep of the same axes but with two seeds, half a second long where it says how long it is, and without figures,
/// which change no value.
fn shortened(text: &str) -> String {
    let mut short = String::new();
    let mut is_figure = false;
    for line in text.lines() {
        if line.starts_with('[') {
            is_figure = line.starts_with("[[figure]]");
        }
        if is_figure {
            continue;
        }
        short.push_str(match line.split_once(" = ") {
            Some(("seeds", _)) => "seeds = [1, 2]",
            Some(("duration", _)) => "duration = \"500ms\"",
            _ => line,
        });
        short.push('\n');
    }
    short
}

fn sweep(programs: &Programs, names: &Names, name: &str, tally: &mut Tally) -> Result<(), String> {
    let source = open(Kind::Sweep, name, None).map_err(|problem| format!("{problem:?}"))?;
    let file = format!("{name}.toml");
    programs.write(&file, &shortened(source.text()))?;
    let output = format!("results/{name}");
    if programs.call(&["sweep", &file, "--output", &output, "--quiet"])?.is_none() {
        return Err("the old program refuses it".to_owned());
    }
    let [old, new] = programs.identities(&format!("{output}/store.sqlite"))?;
    // A raised version of results gives every cell another identity: then only their number is compared.
    let has_risen = !old.iter().any(|identity| new.contains(identity));
    if let Some(lost) = old.iter().find(|identity| !has_risen && !new.contains(identity)) {
        let gained = new.iter().find(|identity| !old.contains(identity)).map_or("nothing", String::as_str);
        return Err(format!("store.sqlite, identities: `{lost}` is not there, but {gained}"));
    }
    if old.len() != new.len() {
        return Err(format!("store.sqlite, identities: there were {}, and are {}", old.len(), new.len()));
    }
    tally.runs = old.len();
    tally.values += old.len();
    let store = format!("{output}/store.sqlite");
    for (table, query) in stored_tables() {
        if let Some([old, new]) = programs.rows(&store, table, &query)? {
            compare_csv(names, &format!("{table}.csv"), [&old, &new], tally)?;
        }
    }
    Ok(())
}

/// Tables and views of stores, with what reads each of them in an order of its own: cells are stored as they are done.
fn stored_tables() -> [(&'static str, String); 3] {
    let axes: Vec<&str> = AXES.iter().map(|axis| axis.name).collect();
    let axes = axes.join(", ");
    [
        ("results", format!("SELECT * FROM results ORDER BY {axes}, task")),
        (
            "accelerators",
            format!(
                "SELECT {axes}, accelerators.* FROM accelerators JOIN cells USING (cell) \
                 ORDER BY {axes}, accelerator_index"
            ),
        ),
        (
            "series",
            format!(
                "SELECT {axes}, series, time_s, value FROM series JOIN cells USING (cell) ORDER BY {axes}, position"
            ),
        ),
    ]
}

/// One call of `rtmm run` with all that it can write.
fn run(
    programs: &Programs,
    names: &Names,
    call: &str,
    has_series: bool,
    tally: &mut Tally,
) -> Result<(), String> {
    let series = if has_series { " --series series.csv --window 250ms" } else { "" };
    let call = format!("run {call} --format json --jobs jobs.csv{series}");
    let arguments: Vec<&str> = call.split_whitespace().collect();
    let failed = |difference: String| format!("rtmm {call}: {difference}");
    let tables = ["jobs.csv", "series.csv"];
    tables.iter().for_each(|table| programs.forget(table));
    let Some([old, new]) = programs.call(&arguments).map_err(failed)? else {
        tally.refused += 1;
        return Ok(());
    };
    tally.runs += 1;
    compare_json(names, "run.json", [&old, &new], tally).map_err(failed)?;
    for table in tables {
        if let Some([old, new]) = programs.files(table).map_err(failed)? {
            compare_csv(names, table, [&old, &new], tally).map_err(failed)?;
        }
    }
    Ok(())
}

fn runs(programs: &Programs, names: &Names, world: &str, tally: &mut Tally) -> Result<(), String> {
    for policy in policies(programs)? {
        for way in WAYS.iter().filter(|way| !is_meant_to_differ(way)) {
            run(programs, names, &format!("{world} --policy {policy} {way}"), true, tally)?;
        }
    }
    Ok(())
}

/// True if values are meant to differ from those of older programs: under preemption at quanta, estimates count the
/// quanta that are done, and where accelerators share memory, layers have quanta.
fn is_meant_to_differ(way: &str) -> bool {
    way.contains("preemption=quantum")
}

fn xrbench(programs: &Programs, names: &Names, tally: &mut Tally) -> Result<(), String> {
    let scenarios = built_in_names(Kind::Scenario);
    for scenario in scenarios.iter().filter(|name| name.starts_with("xrbench/")) {
        for platform in ["single_4k_rs", "dual_4k_ws_os", "quad_8k_os_os_os_os"] {
            let call = format!("--compat xrbench --scenario {scenario} --platform xrbench/{platform}");
            run(programs, names, &call, false, tally)?;
        }
    }
    Ok(())
}

fn traces(programs: &Programs, names: &Names, tally: &mut Tally) -> Result<(), String> {
    let make =
        "traces synthesize --model dysta/bert_squad_384 dysta/resnet50_dense --samples 20 --output traces";
    if programs.call(&make.split_whitespace().collect::<Vec<_>>())?.is_none() {
        return Err("the old program refuses to make traces".to_owned());
    }
    for trace in ["bert_squad_384.sanger.csv", "resnet50_dense.eyerissv2.csv"] {
        if let Some([old, new]) = programs.files(&format!("traces/{trace}"))? {
            compare_csv(names, trace, [&old, &new], tally)?;
        }
    }
    programs.write("requests.csv", REQUESTS)?;
    for policy in policies(programs)? {
        let call = format!("--requests requests.csv --traces traces --policy {policy}");
        run(programs, names, &call, false, tally)?;
        run(programs, names, &format!("{call} --compat dysta"), false, tally)?;
    }
    Ok(())
}

fn costs(programs: &Programs, names: &Names, tally: &mut Tally) -> Result<(), String> {
    for model in built_in_names(Kind::Model) {
        for hardware in HARDWARE {
            let call = format!("cost --model {model} {hardware} --format csv");
            let failed = |difference: String| format!("rtmm {call}: {difference}");
            match programs.call(&call.split_whitespace().collect::<Vec<_>>()).map_err(failed)? {
                Some([old, new]) => {
                    tally.runs += 1;
                    compare_csv(names, "cost.csv", [&old, &new], tally).map_err(failed)?;
                }
                None => tally.refused += 1,
            }
        }
    }
    Ok(())
}

/// The policies of the engine, as the old program lists them.
fn policies(programs: &Programs) -> Result<Vec<String>, String> {
    let listed = programs.call(&["list", "policies", "--format", "csv"])?;
    let [old, _] = listed.ok_or("policies cannot be listed")?;
    let mut found = Vec::new();
    for record in csv::Reader::from_reader(old.as_bytes()).records() {
        let record = record.map_err(|error| format!("the list of policies: {error}"))?;
        if record.get(1) == Some("engine") {
            found.extend(record.get(0).map(str::to_owned));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_sweep_is_shortened() {
        for name in built_in_names(Kind::Sweep) {
            let short = shortened(open(Kind::Sweep, &name, None).unwrap().text());
            assert!(short.contains("\nseeds = [1, 2]\n"), "{name}");
            assert!(!short.contains("figure]]"), "{name}");
        }
    }
}
