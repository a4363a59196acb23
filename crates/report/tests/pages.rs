//! Score reports from data to page.

mod common;

use common::{assert_well_formed, layout, scores};
use rtmm_report::{
    Better, Block, Fact, Interval, Layout, Page, ScoreData, Section, TerminalStyle, score_report,
};

#[test]
fn a_report_has_the_tables_and_figures_it_promises() {
    let report = score_report(&scores(), &layout()).unwrap();
    let tables: Vec<&str> = report.tables.iter().map(|table| table.name.as_str()).collect();
    let figures: Vec<&str> = report.figures.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(tables, ["scores", "confidence", "best"]);
    assert_eq!(figures, ["heat_map", "best_bars_4k", "best_bars_8k", "mean_bars"]);
    insta::assert_snapshot!("scores_csv", report.tables[0].table.to_csv());
    insta::assert_snapshot!("report_markdown", report.to_markdown());
    let captions: Vec<String> =
        report.figures.iter().map(|figure| format!("{}: {}", figure.title, figure.caption)).collect();
    insta::assert_snapshot!("captions", captions.join("\n"));
}

#[test]
fn the_page_is_one_well_formed_file() {
    let report = score_report(&scores(), &layout()).unwrap();
    let facts = vec![Fact { name: "program".into(), value: "rtmm 0.1.0 <dirty>".into() }];
    let html = report.to_page(facts).to_html();
    assert_well_formed(&html);
    assert!(html.contains("<h1>XRBench &lt;small&gt;</h1>"));
    assert!(html.contains("<dd>rtmm 0.1.0 &lt;dirty&gt;</dd>"));
    for outside in ["<script", "src=", "@import", "url(", "href=\"http"] {
        assert!(!html.contains(outside), "the page needs {outside}");
    }
    assert_eq!(html.matches("<svg").count(), 4);
    assert_eq!(html.matches("<table>").count(), 3);
}

#[test]
fn a_page_escapes_everything_it_is_given() {
    let evil = "</style><script>alert('x')</script> & \"q\"";
    let page = Page {
        title: evil.into(),
        description: format!("{evil}\n\n{evil}"),
        facts: vec![Fact { name: evil.into(), value: evil.into() }],
        sections: vec![Section {
            heading: evil.into(),
            blocks: vec![
                Block::Text(evil.into()),
                Block::Notes(vec![evil.into()]),
                Block::Preformatted(evil.into()),
            ],
        }],
    };
    let html = page.to_html();
    assert_well_formed(&html);
    assert!(!html.contains("<script"));
    let body = html.split("<body>").nth(1).unwrap();
    insta::assert_snapshot!("escaped_page", body);
}

#[test]
fn aggregates_follow_their_formulas() {
    let report = score_report(&scores(), &layout()).unwrap();
    let csv = report.tables[0].table.to_csv();
    let row: Vec<&str> =
        csv.lines().find(|line| line.starts_with("Single_4K,WS,")).unwrap().split(',').collect();
    let values: Vec<f64> = row[2..6].iter().map(|value| value.parse().unwrap()).collect();
    let mean: f64 = row[6].parse().unwrap();
    let geometric: f64 = row[7].parse().unwrap();
    assert!((mean - values.iter().sum::<f64>() / 4.0).abs() < 1e-12);
    assert!(
        (geometric * geometric * geometric * geometric / values.iter().product::<f64>() - 1.0).abs() < 1e-12
    );

    // A zero score leaves the geometric mean undefined, and the table says so.
    assert!(csv.lines().any(|line| line.starts_with("Single_4K,OS,") && line.ends_with(',')));
    assert!(report.tables[0].table.notes.iter().any(|note| note.contains("zero or negative")));

    // (0 + 0 + 2.05 + 4.95) / 4
    let confidence = report.tables[1].table.to_csv();
    let row = confidence.lines().find(|line| line.starts_with("Single_4K,WS,")).unwrap();
    let half: f64 = row.rsplit(',').next().unwrap().parse().unwrap();
    assert!((half - 1.75).abs() < 1e-9);
}

#[test]
fn less_is_better_turns_the_ranking_round() {
    let data =
        ScoreData { metric: rtmm_report::Metric { better: Better::Lower, ..scores().metric }, ..scores() };
    let best = score_report(&data, &layout()).unwrap().tables[2].table.to_csv();
    assert!(best.contains("VR_gaming,4K,Single_4K OS,31.354496"), "{best}");
    let best = score_report(&scores(), &layout()).unwrap().tables[2].table.to_csv();
    assert!(best.contains("VR_gaming,4K,Dual_4K WS_WS,90.824821"), "{best}");
}

#[test]
fn ties_are_counted() {
    let mut data = scores();
    for row in &mut data.rows {
        row.mean = 50.0;
        row.interval = None;
    }
    let report = score_report(&data, &layout()).unwrap();
    let best = report.tables.iter().find(|table| table.name == "best").unwrap().table.to_csv();
    assert!(best.contains("VR_gaming,4K,Single_4K OS +3,50,,\n"), "{best}");
    assert!(report.tables.iter().all(|table| table.name != "confidence"));
}

#[test]
fn a_missing_score_leaves_no_mean() {
    let mut data = scores();
    data.rows.remove(0);
    let report = score_report(&data, &layout()).unwrap();
    let text = report.to_terminal(&TerminalStyle::default());
    assert!(text.contains("No mean (—) where the score of a scenario is missing."));
    assert!(report.figures[0].svg.as_str().contains("no value"));
}

#[test]
fn one_platform_axis_is_enough() {
    let mut data = scores();
    for row in &mut data.rows {
        row.values = vec![row.values[0].clone(), format!("platforms/{}-{}", row.values[2], row.values[3])];
    }
    data.axes = vec!["scenario".into(), "platform".into()];
    let layout =
        Layout { scenario: "scenario".into(), platform: vec!["platform".into()], ..Layout::default() };
    let report = score_report(&data, &layout).unwrap();
    assert_eq!(report.figures.len(), 3);
    let text = report.to_terminal(&TerminalStyle::default());
    assert!(text.contains("\nSingle_4K-OS "), "{text}");
}

/// Policies compete on each platform: bars of policies by scenario, and the best policy of each.
#[test]
fn policies_are_compared_on_each_platform() {
    let mut data = scores();
    data.axes = ["scenario", "size", "platform", "policy"].map(String::from).to_vec();
    data.rows.retain(|row| row.values[2].starts_with("Single"));
    let layout = Layout {
        scenario: "scenario".into(),
        platform: vec!["platform".into(), "policy".into()],
        budget: Some("platform".into()),
        series: Some("policy".into()),
        compared: Some("policy".into()),
    };
    let report = score_report(&data, &layout).unwrap();
    let figures: Vec<(&str, &str)> =
        report.figures.iter().map(|figure| (figure.name.as_str(), figure.title.as_str())).collect();
    insta::assert_snapshot!(format!("{figures:#?}"), @r#"
[
    (
        "heat_map",
        "All platforms and scenarios",
    ),
    (
        "best_bars_single_4k",
        "Policies by scenario, platform Single_4K",
    ),
    (
        "best_bars_single_8k",
        "Policies by scenario, platform Single_8K",
    ),
    (
        "mean_bars",
        "Mean over scenarios",
    ),
]
"#);
    let policies: Vec<&str> = vec!["OS", "WS"];
    for figure in &report.figures[1..2] {
        assert!(policies.iter().all(|policy| figure.svg.as_str().contains(&format!(">{policy}<"))));
    }
    let best = &report.tables.iter().find(|table| table.name == "best").unwrap().table;
    let csv = best.to_csv();
    insta::assert_snapshot!(csv.lines().take(4).collect::<Vec<_>>().join("\n"), @r#"
scenario,platform,best,score (%),score half-width (%),next,behind (%)
VR_gaming,Single_4K,WS,86.466141,,OS,55.111644999999996
VR_gaming,Single_8K,WS,93.960426,,,
social_interactionB,Single_4K,OS,98.491882,,WS,0.34558800000000645
"#);

    let unknown = Layout { compared: Some("size".into()), ..layout };
    let error = score_report(&data, &unknown).unwrap_err();
    insta::assert_snapshot!(error, @"unknown axis `size`; the data has: platform, policy");
}

#[test]
fn the_order_of_platforms_keeps_groups_together() {
    let mut data = scores();
    data.rows.sort_by(|a, b| a.values[3].cmp(&b.values[3]));
    let report = score_report(&data, &layout()).unwrap();
    let csv = report.tables[0].table.to_csv();
    let hardware: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(hardware, ["Single_4K", "Single_4K", "Dual_4K", "Dual_4K", "Single_8K", "Quad_8K"]);
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let render = || {
        let report = score_report(&scores(), &layout()).unwrap();
        (report.to_page(Vec::new()).to_html(), report.to_terminal(&TerminalStyle::default()))
    };
    assert_eq!(render(), render());
}

#[track_caller]
fn refused(change: impl FnOnce(&mut ScoreData, &mut Layout), message: &str) {
    let (mut data, mut layout) = (scores(), layout());
    change(&mut data, &mut layout);
    let error = score_report(&data, &layout).err().as_ref().map(ToString::to_string);
    assert_eq!(error.as_deref(), Some(message));
}

#[test]
fn data_without_a_single_meaning_is_refused() {
    refused(|data, _| data.rows.clear(), "there are no scores to report");
    refused(
        |_, layout| layout.scenario = "scenery".into(),
        "unknown axis `scenery`; the data has: scenario, budget, hardware, dataflow",
    );
    refused(
        |_, layout| layout.platform.clear(),
        "the layout names no platform axis; give at least one of: scenario, budget, hardware, dataflow",
    );
    refused(
        |_, layout| layout.platform.push("hardware".into()),
        "axis `hardware` is both a scenario and a platform axis, or is listed twice",
    );
    refused(
        |data, _| {
            data.rows[3].values.pop();
        },
        "row 3 has 3 axis values, expected 4",
    );
    refused(
        |data, _| data.rows[0].mean = f64::NAN,
        "row 0 (xrbench/VR_gaming, 4K, Single_4K, OS) has a value that cannot be drawn: mean NaN",
    );
    refused(
        |data, _| data.rows[0].interval = Some(Interval { lower: 2.0, upper: 1.0 }),
        "row 0 (xrbench/VR_gaming, 4K, Single_4K, OS) has a value that cannot be drawn: interval from 2 to 1",
    );
    refused(
        |data, _| data.rows.push(data.rows[0].clone()),
        "two rows give a score for xrbench/VR_gaming on Single_4K OS; average over the other axes first, or \
         add the axis that tells them apart to the layout",
    );
    refused(
        |data, _| data.rows[1].values[1] = "8K".into(),
        "platform Single_4K OS has several values of axis `budget`: 4K, 8K",
    );
}
