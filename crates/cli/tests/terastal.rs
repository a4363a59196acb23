//! The page on layer variants against the parts of the sweep that it shows.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use rtmm_runners::engine::Engine;
use rtmm_sweep::execute::in_memory;
use rtmm_sweep::file::read_source;
use rtmm_sweep::ranking::{Competitors, Standings};
use rtmm_sweep::runner::short_names;
use rtmm_workload::input::Source;

const PAGE: &str = include_str!("../../../docs/evaluation/terastal.md");
const SWEEP: &str = include_str!("../../../scenarios/sweeps/terastal.toml");

/// A policy with its deadline violations and its accuracy, in percent.
type Values = (String, [f64; 2]);

/// All policies on a platform at a load.
fn values(platform: &str, load: &str) -> Vec<Values> {
    let (head, _figures) = SWEEP.split_once("[[figure]]").unwrap();
    let kept =
        head.lines().filter(|line| !line.starts_with("platforms") && !line.starts_with("load_factors"));
    let text = kept.collect::<Vec<_>>().join("\n");
    let part = format!("platforms = [\"{platform}\"]\nload_factors = [{load}]\nseeds =");
    let source = Source::new("sweep.toml", text.replacen("seeds =", &part, 1));
    let read = read_source(&source, &[Engine::built_in()]).unwrap();
    let results = in_memory(&read.plan).unwrap();
    let columns = &read.plan.spec().cell_columns;
    let standings = ["deadline_violation_rate", "accuracy"].map(|name| {
        let column = columns.iter().position(|column| column.name == name).unwrap();
        Standings::of(&results, Competitors::Policies, column).unwrap()
    });
    let of = |policy: usize| standings.each_ref().map(|values| 100.0 * values.value(policy).unwrap());
    let names = short_names(&read.plan.axes().policies).into_iter().enumerate();
    names.map(|(policy, name)| (name, of(policy))).collect()
}

#[test]
fn the_page_has_the_numbers_of_the_sweep() {
    let small = values("dream/dual_4k_ws_os@reference", "0.5");
    let large = values("dream/dual_8k_ws_os@reference", "0.6");
    let row = |((name, of_small), (other, of_large)): (&Values, &Values)| {
        assert_eq!(name, other);
        let numbers = [of_small, of_large].map(|[misses, accuracy]| format!("{misses:.2} | {accuracy:.2}"));
        format!("| `{name}` | {} |\n", numbers.join(" | "))
    };
    let table: String = small.iter().zip(&large).map(row).collect();
    assert!(PAGE.contains(&table), "the page should have:\n{table}");
}
