//! What the tests of this crate share: runners that give what a function says, a small real evaluation, and a
//! checker of markup.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![expect(clippy::expect_used, reason = "these are the helpers of tests")]

use rtmm_report::Report;
use rtmm_sweep::execute::in_memory;
use rtmm_sweep::file::read_source;
use rtmm_sweep::plan::{Cell, Plan};
use rtmm_sweep::runner::{Better, CellResult, PolicySchema, RunnerSpec, Schema, Value};
use rtmm_sweep::summary::Summary;
pub use rtmm_testkit::told_runner::{Give, Told, column};
use rtmm_workload::input::Source;

/// The report of a sweep, from the text of its file.
#[track_caller]
pub fn report_of(runner: &Told, text: &str) -> Report {
    let read = read_source(&Source::new("sweep.toml", text), &[runner]);
    let sweep = read.unwrap_or_else(|problems| panic!("{problems}"));
    let results = in_memory(&sweep.plan).expect("the runner is ready");
    Report::new(&results, &Summary::of(&results), &sweep.figures)
}

/// Scores of four XRBench scenarios on a platform, and by how much they vary from seed to seed in the last two.
type Scores = (&'static str, [f64; 4], [f64; 2]);

const SCORES: [Scores; 6] = [
    ("single_4k_os", [31.354496, 98.491882, 0.0, 92.225652], [0.0, 1.56]),
    ("single_4k_ws", [86.466141, 98.146294, 36.889113, 81.965567], [2.05, 4.95]),
    ("dual_4k_os_os", [32.741688, 66.003746, 24.804177, 93.195535], [0.72, 1.18]),
    ("dual_4k_ws_ws", [90.824821, 98.099953, 29.297577, 86.071577], [1.78, 3.73]),
    ("single_8k_ws", [93.960426, 98.170013, 34.027704, 83.323063], [2.35, 4.85]),
    ("quad_8k_ws_ws_ws_ws", [86.949783, 98.099953, 59.389794, 86.071577], [1.19, 3.73]),
];

/// The scenarios; the last two have random load.
const SCENARIOS: [&str; 4] = ["vr_gaming", "social_interaction_b", "ar_assistant", "outdoor_activity_b"];

/// The evaluation whose scores these are.
pub const SWEEP: &str = r#"
description = "Six platforms & four scenarios."
runner = "told"
scenarios = ["xrbench/vr_gaming", "xrbench/social_interaction_b", "xrbench/ar_assistant", "xrbench/outdoor_activity_b"]
platforms = ["xrbench/single_4k_os", "xrbench/single_4k_ws", "xrbench/dual_4k_os_os", "xrbench/dual_4k_ws_ws", "xrbench/single_8k_ws", "xrbench/quad_8k_ws_ws_ws_ws"]
seeds = { first = 1, count = 12 }
"#;

/// The score of a cell.
pub fn score(plan: &Plan<'_>, cell: &Cell) -> f64 {
    let is = |name: &str, known: &str| name.ends_with(&format!("/{known}"));
    let platform = SCORES.iter().find(|(known, ..)| is(&plan.platform(cell).name, known));
    let (_, means, spreads) = platform.expect("a platform of the evaluation");
    let scenario = SCENARIOS.iter().position(|known| is(&plan.scenario(cell).name, known));
    let scenario = scenario.expect("a scenario of the evaluation");
    let sign = if cell.seed.is_multiple_of(2) { 1.0 } else { -1.0 };
    means[scenario] + scenario.checked_sub(2).map_or(0.0, |random| sign * spreads[random])
}

/// The runner of the evaluation; more is better.
pub fn scored() -> Told {
    let spec = RunnerSpec::new(
        "told",
        vec![PolicySchema::new("only", "", Schema::default())],
        vec![column("score_percent", "percent", Some(Better::Higher))],
    );
    let give: Give =
        |plan, cell| Ok(CellResult { cell: vec![Value::Real(score(plan, cell))], ..CellResult::default() });
    Told { spec, give }
}

/// The table of a name as CSV.
#[track_caller]
pub fn table(report: &Report, name: &str) -> String {
    let names: Vec<&str> = report.tables.iter().map(|table| table.name.as_str()).collect();
    let found = report.tables.iter().find(|table| table.name == name);
    found.unwrap_or_else(|| panic!("no table `{name}` among {names:?}")).table.to_csv()
}

/// Pseudo-random numbers (a linear congruential generator), for tests over many inputs.
pub struct Draws(pub u64);

impl Draws {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    /// A number from a range of many magnitudes, sometimes not finite.
    pub fn number(&mut self) -> f64 {
        match self.below(12) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => 0.0,
            3 => -1e300,
            4 => 1e-300,
            _ => (self.below(2_000_001) as f64 - 1_000_000.0) / 10f64.powi(self.below(7) as i32),
        }
    }

    /// A label, often with characters that need care.
    pub fn label(&mut self) -> String {
        const PARTS: [&str; 14] = [
            "a",
            "Dual",
            "_",
            "/",
            "<",
            "&",
            "\"",
            " ",
            "画像",
            "é",
            "\u{1b}[1m",
            "\n",
            "WS_OS",
            "interaction",
        ];
        (0..self.below(9)).map(|_| PARTS[self.below(14) as usize]).collect()
    }
}

/// Elements that have no end tag in HTML.
const VOID: [&str; 5] = ["meta", "wbr", "br", "link", "img"];

/// Checks that tags balance, attributes are quoted and unique, and text is escaped.
#[track_caller]
pub fn assert_well_formed(markup: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = markup.strip_prefix("<!DOCTYPE html>\n").unwrap_or(markup);
    let mut roots = 0;
    while let Some(start) = rest.find('<') {
        assert_text(&rest[..start], open.last().map(String::as_str));
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "end tag at {}", &rest[start..end + 1]);
        } else {
            let closed = tag.ends_with('/');
            let tag = tag.trim_end_matches('/');
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "tag name {name:?}");
            assert_attributes(attributes);
            roots += usize::from(open.is_empty());
            if !closed && !VOID.contains(&name) {
                open.push(name.to_owned());
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
    assert_eq!(roots, 1, "one root element");
    assert!(rest.trim().is_empty());
}

#[track_caller]
fn assert_attributes(attributes: &str) {
    let mut rest = attributes.trim();
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").expect("a quoted value");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "attribute name {name:?}");
        assert!(!names.contains(&name), "attribute {name} twice");
        names.push(name);
        let (value, after) = value.split_once('"').expect("an end quote");
        assert_text(value, None);
        assert!(after.is_empty() || after.starts_with(' '), "after an attribute: {after:?}");
        rest = after.trim();
    }
}

#[track_caller]
fn assert_text(text: &str, element: Option<&str>) {
    if element == Some("style") {
        return;
    }
    assert!(!text.contains('>'), "unescaped text {text:?}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "control character in {text:?}");
    for part in text.split('&').skip(1) {
        let entity = part.split(';').next().expect("a part");
        assert!(["amp", "lt", "gt", "quot", "#39"].contains(&entity), "entity in {text:?}");
    }
}

/// Columns that a line takes on a terminal: as the tests need it, not as the crate does it.
pub fn columns(line: &str) -> usize {
    line.chars().map(|c| if ('\u{2E80}'..='\u{FFE6}').contains(&c) { 2 } else { 1 }).sum()
}

/// A text without ANSI escapes.
pub fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut out = parts.next().expect("a first part").to_owned();
    for part in parts {
        out.push_str(part.split_once('m').expect("an escape ends").1);
    }
    out
}
