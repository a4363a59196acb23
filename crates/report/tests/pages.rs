//! Reports from results to page.

mod common;

use common::{Give, SWEEP, Told, assert_well_formed, column, report_of, score, scored, table};
use rtmm_report::{Block, Fact, Page, Section, TerminalStyle};
use rtmm_sweep::runner::{
    Better, CellResult, ParameterValue, PolicySchema, RunError, RunnerSpec, Schema, SeriesColumn,
    SeriesPoint, Value,
};
use rtmm_workload::parameters::Real;

#[test]
fn a_report_has_the_tables_and_figures_it_promises() {
    let report = report_of(&scored(), SWEEP);
    let tables: Vec<&str> = report.tables.iter().map(|table| table.name.as_str()).collect();
    let figures: Vec<&str> = report.figures.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(
        tables,
        ["ranking", "heat_map_4k", "heat_map_8k", "heat_map_best", "significance_score_percent"]
    );
    assert_eq!(figures, ["heat_map_4k", "heat_map_8k", "best_bars_4k", "best_bars_8k", "mean_bars"]);
    insta::assert_snapshot!("scores_csv", report.tables[1].table.to_csv());
    insta::assert_snapshot!("report_markdown", report.to_markdown());
    let captions: Vec<String> =
        report.figures.iter().map(|figure| format!("{}: {}", figure.title, figure.caption)).collect();
    insta::assert_snapshot!("captions", captions.join("\n"));
    let files: Vec<String> = report.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(files[4..], ["figures/mean_bars.svg", "tables.md", "index.html"]);
}

#[test]
fn the_page_is_one_well_formed_file() {
    let mut report = report_of(&scored(), &SWEEP.replace("Six", "<Six>"));
    report.facts.push(Fact { name: "program".into(), value: "rtmm 0.1.0 <dirty>".into() });
    let html = report.to_page().to_html();
    assert_well_formed(&html);
    assert!(html.contains("<h1>sweep</h1>") && html.contains("&lt;Six&gt; platforms &amp; four"));
    assert!(html.contains("<dd>rtmm 0.1.0 &lt;dirty&gt;</dd>"));
    for outside in ["<script", "src=", "@import", "url(", "href=\"http"] {
        assert!(!html.contains(outside), "the page needs {outside}");
    }
    assert_eq!(html.matches("<svg").count(), 5);
    assert_eq!(html.matches("<table>").count(), 5);
}

#[test]
fn a_page_escapes_everything_it_is_given() {
    let evil = "</style><script>alert('x')</script> & \"q\"";
    let page = Page {
        title: evil.into(),
        description: format!("{evil}\n\n{evil}"),
        conclusion: vec![format!("`{evil}` {evil}")],
        sections: vec![
            Section {
                id: evil.into(),
                group: evil.into(),
                heading: "plain".into(),
                blocks: vec![
                    Block::Text(evil.into()),
                    Block::Notes(vec![evil.into()]),
                    Block::Preformatted(evil.into()),
                    Block::Facts(vec![Fact { name: evil.into(), value: evil.into() }]),
                ],
            },
            Section {
                id: evil.into(),
                group: evil.into(),
                heading: evil.into(),
                blocks: vec![
                    Block::Image { file: evil.into(), alternative: evil.into() },
                    Block::Files(vec![evil.into()]),
                ],
            },
        ],
    };
    let html = page.to_html();
    assert_well_formed(&html);
    assert!(!html.contains("<script"));
    let body = html.split("<body>").nth(1).unwrap();
    insta::assert_snapshot!("escaped_page", body);
}

/// The row of a table that starts with some text.
#[track_caller]
fn row(csv: &str, start: &str) -> Vec<String> {
    let found = csv.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {csv}"));
    found.split(',').map(str::to_owned).collect()
}

#[test]
fn aggregates_follow_their_formulas() {
    let report = report_of(&scored(), SWEEP);
    let csv = table(&report, "heat_map_4k");
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let of = |name: &str| head.iter().position(|known| *known == name).unwrap();
    let values = row(&csv, "single_4k_ws,");
    let number = |name: &str| values[of(name)].parse::<f64>().unwrap();
    let scenarios = ["vr_gaming", "social_interaction_b", "ar_assistant", "outdoor_activity_b"].map(number);
    assert!((number("mean") - scenarios.iter().sum::<f64>() / 4.0).abs() < 1e-12);
    let geometric = number("geometric mean");
    assert!((geometric.powi(4) / scenarios.iter().product::<f64>() - 1.0).abs() < 1e-12);

    // A zero score leaves the geometric mean undefined, and the table says so.
    assert_eq!(row(&csv, "single_4k_os,")[of("geometric mean")], "");
    assert!(report.tables[1].table.notes.iter().any(|note| note.contains("zero or negative")));

    // Seeds are paired: where scenarios vary together, the half-width of the mean is the mean of theirs.
    let half = |name: &str| number(&format!("{name} half-width"));
    let expected = (half("ar_assistant") + half("outdoor_activity_b")) / 4.0;
    assert!((half("mean") - expected).abs() < 1e-9, "{} {expected}", half("mean"));
}

#[test]
fn less_is_better_turns_the_ranking_round() {
    let mut runner = scored();
    let best = table(&report_of(&runner, SWEEP), "heat_map_best");
    assert!(best.contains("vr_gaming,4K,dual_4k_ws_ws,90.824821"), "{best}");
    runner.spec.cell_columns[0].better = Some(Better::Lower);
    let best = table(&report_of(&runner, SWEEP), "heat_map_best");
    assert!(best.contains("vr_gaming,4K,single_4k_os,31.354496"), "{best}");
}

#[test]
fn ties_are_counted() {
    let give: Give = |_, _| Ok(CellResult { cell: vec![Value::Real(50.0)], ..CellResult::default() });
    let report = report_of(&Told { give, ..scored() }, &SWEEP.replace("count = 12", "count = 1"));
    let best = table(&report, "heat_map_best");
    assert!(best.contains("vr_gaming,4K,single_4k_os +3,50,,\n"), "{best}");
    assert!(!report.to_markdown().contains('±'));
}

#[test]
fn a_missing_score_leaves_no_mean() {
    let give: Give = |plan, cell| {
        if cell.index == 0 {
            return Err(RunError::Failed { reason: "it was to fail".to_owned() });
        }
        Ok(CellResult { cell: vec![Value::Real(score(plan, cell))], ..CellResult::default() })
    };
    let report = report_of(&Told { give, ..scored() }, SWEEP);
    let csv = table(&report, "heat_map_4k");
    // Neither the score, nor what joins it with the others.
    let values = row(&csv, "single_4k_os,");
    assert!(values[1].is_empty() && values[7..].iter().all(String::is_empty), "{csv}");
    assert!(report.figures[0].svg.as_str().contains("no value"));
    insta::assert_snapshot!(table(&report, "failures"), @r#"
scenario,platform,cells,reason
xrbench/vr_gaming,xrbench/single_4k_os,1,it was to fail
"#);
}

/// Platforms without labels go by their names.
#[test]
fn one_platform_axis_is_enough() {
    let give: Give = |_, cell| {
        let value = cell.platform.index() as f64;
        Ok(CellResult { cell: vec![Value::Real(value)], ..CellResult::default() })
    };
    let text = "runner = \"told\"\nscenarios = [\"xrbench/vr_gaming\", \"xrbench/ar_gaming\"]\nseeds = [1]\n\
                platforms = [\"dysta/sanger\", \"dysta/eyeriss_v2\"]\n";
    let report = report_of(&Told { give, ..scored() }, text);
    let figures: Vec<&str> = report.figures.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(figures, ["heat_map", "best_bars", "mean_bars"]);
    let text = report.to_terminal(&TerminalStyle::default());
    assert!(text.contains("\nsanger ") && text.contains("\neyeriss_v2 "), "{text}");
}

/// Policies compete on each platform: bars of policies by scenario, and the best policy of each.
#[test]
fn policies_are_compared_on_each_platform() {
    let policies = vec![
        PolicySchema::new("edf", "", Schema::default()),
        PolicySchema::new("fcfs", "", Schema::default()),
    ];
    let give: Give = |plan, cell| {
        let value = score(plan, cell) - cell.policy.index() as f64;
        Ok(CellResult { cell: vec![Value::Real(value)], ..CellResult::default() })
    };
    let runner = Told { give, spec: RunnerSpec { policies, ..scored().spec } };
    let text = format!("{SWEEP}policy = [{{ name = \"edf\" }}, {{ name = \"fcfs\" }}]\n")
        .replace(", \"xrbench/dual_4k_os_os\", \"xrbench/dual_4k_ws_ws\"", "")
        .replace(", \"xrbench/quad_8k_ws_ws_ws_ws\"", "");
    let report = report_of(&runner, &text);
    let figures: Vec<String> =
        report.figures.iter().map(|figure| format!("{}: {}", figure.name, figure.title)).collect();
    insta::assert_snapshot!(figures.join("\n"), @r#"
best_bars_single_4k_os: Score (%) by scenario and policy, single_4k_os
best_bars_single_4k_ws: Score (%) by scenario and policy, single_4k_ws
best_bars_single_8k_ws: Score (%) by scenario and policy, single_8k_ws
policies: Score (%) by platform and policy
"#);
    for figure in &report.figures[..3] {
        assert!(["edf", "fcfs"].iter().all(|policy| figure.svg.as_str().contains(&format!(">{policy}<"))));
    }
    let best = table(&report, "heat_map_best");
    insta::assert_snapshot!(best.lines().take(4).collect::<Vec<_>>().join("\n"), @r#"
scenario,platform,best,score (%),score half-width (%),next,behind (%)
vr_gaming,single_4k_os,edf,31.354496,,fcfs,1
vr_gaming,single_4k_ws,edf,86.466141,,fcfs,1
vr_gaming,single_8k_ws,edf,93.960426,,fcfs,1
"#);
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let files = || report_of(&scored(), SWEEP).files();
    assert!(files() == files());
}

/// Each task has its position as its latency, and each cell a score that is less on the second platform.
#[test]
fn tasks_have_their_means_on_the_page_alone() {
    let mut spec = RunnerSpec::new(
        "told",
        vec![PolicySchema::new("only", "", Schema::default())],
        vec![column("score_pct", "percent", None)],
    );
    spec.task_columns = vec![column("latency_mean_ms", "milliseconds", None)];
    let give: Give = |plan, cell| {
        let tasks = plan.scenario(cell).tasks.len();
        Ok(CellResult {
            cell: vec![Value::Real(50.0 - cell.platform.index() as f64)],
            tasks: (0..tasks).map(|task| Value::Real(task as f64 + cell.seed as f64)).collect(),
            ..CellResult::default()
        })
    };
    let text = "runner = \"told\"\nscenarios = [\"xrbench/ar_assistant\"]\nseeds = { first = 1, count = 12 }\n\
                platforms = [\"xrbench/single_4k_ws\", \"xrbench/single_4k_os\"]\n\
                baseline = { platform = \"xrbench/single_4k_ws\" }\n";
    let report = report_of(&Told { spec, give }, text);
    let names: Vec<(&str, bool)> =
        report.tables.iter().map(|table| (table.name.as_str(), table.on_terminal)).collect();
    assert_eq!(names, [("heat_map", true), ("comparison", true), ("tasks", false)]);
    let csv = table(&report, "tasks");
    insta::assert_snapshot!(csv.lines().take(3).collect::<Vec<_>>().join("\n"), @r#"
scenario,platform,task,latency mean (ms),latency mean half-width (ms)
ar_assistant,single_4k_ws,KD_res8_narrow,6.5,1.958333333333333
ar_assistant,single_4k_ws,ASR_EM_24L,7.5,1.958333333333333
"#);
    insta::assert_snapshot!(table(&report, "comparison"), @r#"
platform,ar_assistant (%),ar_assistant half-width (%),mean (%),above,below
single_4k_os,-1,0,-1,0,12
"#);
}

const ALPHA: Real = Real::new("alpha", "a weight", 0.0, 0.0..=2.0);
const BETA: Real = Real::new("beta", "a weight", 0.0, 0.0..=2.0);

/// Where a search goes: each point is off the grid but for the first and the last.
const WAY: [(f64, f64); 4] = [(0.0, 0.0), (0.6, 0.1), (1.3, 0.7), (1.0, 1.0)];

/// A bowl over two weights, and a policy that finds its bottom.
fn bowl() -> Told {
    let policies = vec![
        PolicySchema::new("fixed", "", Schema::of(&[&[&ALPHA, &BETA]])),
        PolicySchema::new("adaptive", "", Schema::default()),
    ];
    let mut spec = RunnerSpec::new("told", policies, vec![column("cost", "", Some(Better::Lower))]);
    let series = |name| SeriesColumn { name, unit: "", meaning: "a weight" };
    spec.series_columns = vec![series("alpha"), series("beta")];
    let give: Give = |plan, cell| {
        let policy = plan.policy(cell);
        let of = |name: &str| match policy.parameter(name) {
            Some(ParameterValue::Real(value)) => *value,
            _ => 1.0,
        };
        let cost = 0.2 + (of("alpha") - 1.0).powi(2) + (of("beta") - 1.0).powi(2) + cell.seed as f64 / 1e3;
        let points = |part: fn(&(f64, f64)) -> f64| {
            let point = |(index, point): (usize, &(f64, f64))| SeriesPoint {
                time_s: index as f64 * 0.02,
                value: Some(part(point)),
            };
            WAY.iter().enumerate().map(point).collect::<Vec<_>>()
        };
        let series = match policy.name.as_ref() {
            "adaptive" => vec![points(|point| point.0), points(|point| point.1)],
            _ => Vec::new(),
        };
        Ok(CellResult { cell: vec![Value::Real(cost)], series, ..CellResult::default() })
    };
    Told { spec, give }
}

const SEARCH: &str = r#"
runner = "told"
scenarios = ["xrbench/ar_assistant"]
platforms = ["xrbench/single_4k_ws"]
seeds = { first = 1, count = 10 }
duration = "100ms"
[[policy]]
name = "fixed"
set = { alpha = [2.0, 0.0, 1.0], beta = [0.0, 1.0, 2.0] }
[[policy]]
name = "adaptive"
[[figure]]
name = "search"
kind = "heat-map"
metric = "cost"
x = "alpha"
y = "beta"
where = { policy = "fixed" }
path = { policy = "adaptive", seed = 3 }
[[figure]]
name = "weights"
kind = "time-series"
series_name = "alpha"
series = "policy"
where = { policy = "adaptive" }
"#;

#[test]
fn a_search_is_drawn_where_it_went() {
    let report = report_of(&bowl(), SEARCH);
    let [search, weights, ..] = report.figures.as_slice() else { panic!("two figures") };
    assert!(search.caption.contains("the path of adaptive under seed 3"), "{}", search.caption);
    // Numbers ascend to the right and upwards, whatever the order of the file.
    let table = report.tables[1].table.to_markdown();
    assert!(table.contains("| 1 | 1.21 | **0.21** | 1.21 |"), "{table}");
    let drawn = search.svg.as_str();
    for text in [">alpha<", ">beta<", ">start<", ">end of the path<"] {
        assert!(drawn.contains(text), "{text}");
    }
    let line = drawn.lines().find(|line| line.starts_with("<polyline")).unwrap();
    let points: Vec<f64> =
        line.split('"').nth(1).unwrap().split([' ', ',']).map(|number| number.parse().unwrap()).collect();
    let [x0, y0, x1, y1, x2, y2, x3, y3] = points[..] else { panic!("four points: {points:?}") };
    // From the lower left corner to the middle: a step of the grid is 1 in both weights.
    let (across, up) = (x3 - x0, y0 - y3);
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.02, "{points:?}");
    near(x1, x0 + 0.6 * across);
    near(y1, y0 - 0.1 * up);
    near(x2, x0 + 1.3 * across);
    near(y2, y0 - 0.7 * up);
    assert!(across > 10.0 && up > 10.0, "{points:?}");
    assert!(weights.svg.as_str().contains("simulated time (s)"));
    // The terminal shows what is declared, and the page all else behind it.
    let on_terminal = report.tables.iter().filter(|table| table.on_terminal).count();
    assert_eq!((on_terminal, report.values.len()), (3, 2));
    assert!(report.tables.len() > 2);
}
