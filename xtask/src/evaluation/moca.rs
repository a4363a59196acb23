//! `cargo xtask evaluation moca`: the sweeps behind docs/evaluation/moca.md, and the replay of the published log.
//!
//! What is written to `docs/evaluation/data` is in `moca_cells.csv` (means of all sweeps), `moca_networks.csv` (networks by
//! themselves), `moca_replay.csv` and `moca_not_causal.csv` (the log of the published run, beside a replay of its queries).

mod cells;
pub(crate) mod log;
mod networks;
pub(crate) mod replay;

use rtmm_report::Report;

use super::{DATA, FIGURES, Problem, with_sweep, write_figure};
use crate::project_root;

/// The main comparison.
pub(crate) const MAIN: &str = "moca";
/// The same over rates of arrival.
pub(crate) const LOAD: &str = "moca_load";
/// The same over bandwidths of the DRAM.
pub(crate) const BANDWIDTH: &str = "moca_bandwidth";
/// Parameters of the policy, one at a time.
pub(crate) const CHOICES: &str = "moca_choices";
/// Rules by which runs share the DRAM.
pub(crate) const RULES: &str = "moca_rules";
/// PREMA's mechanisms of preemption.
pub(crate) const PREMA: &str = "moca_prema";
/// The sweeps of the page.
pub(crate) const SWEEPS: [&str; 6] = [MAIN, LOAD, BANDWIDTH, CHOICES, RULES, PREMA];

/// The chip of the evaluation.
pub(crate) const PLATFORM: &str = "moca/soc_8_tiles_throttled";

/// Runs the sweeps and the replay of the evaluation of MoCA, and writes what the page needs.
pub(crate) fn run() -> Result<(), Problem> {
    let root = project_root();
    let stores = root.join("results/moca_evaluation");
    let data = root.join(DATA);
    std::fs::create_dir_all(&data)?;
    let networks = networks::of(PLATFORM)?;
    networks::write(&networks, &data.join("moca_networks.csv"))?;
    let mut cells = csv::Writer::from_path(data.join("moca_cells.csv"))?;
    cells.write_record(cells::header())?;
    for name in SWEEPS {
        println!("sweep {name}");
        with_sweep(name, &stores.join(name), |finished, figures| {
            cells::write(name, &finished.results, &networks, &mut cells)?;
            let report = Report::new(&finished.results, &finished.summary, figures);
            let is_declared = |drawn: &str| {
                figures.iter().any(|figure| {
                    let rest = drawn.strip_prefix(figure.name.as_str());
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
                })
            };
            for figure in report.figures.iter().filter(|figure| is_declared(&figure.name)) {
                write_figure(&root.join(FIGURES), &format!("moca_{}.svg", figure.name), figure.svg.as_str())?;
            }
            Ok(())
        })?;
    }
    cells.flush()?;
    println!("replay of the published log");
    let queries = log::queries(&root)?;
    replay::write(&queries, &data.join("moca_replay.csv"))?;
    log::write_not_causal(&queries, &data.join("moca_not_causal.csv"))
}

#[cfg(test)]
mod tests {
    use rtmm_runners::Runners;
    use rtmm_sweep::execute::in_memory;
    use rtmm_sweep::file;
    use rtmm_workload::input::Source;

    use super::log::{LogCell, Logged, queries};
    use super::*;
    use crate::evaluation::complete;

    #[test]
    fn the_log_has_what_is_known_of_it() {
        let cells = queries(&project_root()).unwrap();
        assert_eq!(cells.iter().map(|cell| cell.queries.len()).sum::<usize>(), 4_500);
        let count = |holds: &dyn Fn(&log::Query) -> bool| {
            cells.iter().flat_map(|cell| &cell.queries).filter(|query| holds(query)).count()
        };
        assert_eq!(count(&|query| query.is_unfinished), 457);
        assert_eq!(count(&|query| query.is_unfinished && query.is_met()), 421);
        // As the mean over sets and levels, MoCA over the static partition: as logged, and corrected.
        let mean = |sla: &dyn Fn(&LogCell) -> f64| {
            let of = |policy: Logged| cells.iter().filter(move |cell| cell.policy == policy).map(sla);
            let ratios: Vec<f64> =
                of(Logged::Moca).zip(of(Logged::Static)).map(|(moca, other)| moca / other).collect();
            format!("{:.2}", ratios.iter().sum::<f64>() / ratios.len() as f64)
        };
        assert_eq!(mean(&LogCell::sla), "2.84");
        assert_eq!(mean(&LogCell::sla_corrected), "2.25");
        let (throughput, fairness) = cells[3].throughput_and_fairness(false);
        assert_eq!(format!("{throughput:.3} {fairness:.3}"), "2.881 0.282");
    }

    /// Two of its eighteen cells are run anew.
    #[test]
    fn the_replay_of_the_page_is_that_of_this_engine() {
        let root = project_root();
        let cells = queries(&root).unwrap();
        let mut table = csv::Reader::from_path(root.join(DATA).join("moca_replay.csv")).unwrap();
        let header = table.headers().unwrap().clone();
        let column = |name: &str| header.iter().position(|known| known == name).unwrap();
        let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), cells.len());
        for index in [8, 9] {
            let (cell, row) = (&cells[index], &rows[index]);
            assert_eq!([&row[0], &row[1], &row[2]], [cell.set.name(), cell.qos.name(), cell.policy.name()]);
            let replayed = replay::engine(cell).unwrap();
            assert_eq!(row[column("sla_ours")], format!("{:.6}", replayed.sla));
            assert_eq!(row[column("runtime_ours_cycles")], format!("{:.0}", replayed.runtime_cycles));
        }
    }

    #[test]
    fn a_cut_of_the_main_comparison_runs() {
        let runners = Runners::built_in();
        let runners = runners.list();
        for (name, cells) in
            [(MAIN, 1440), (LOAD, 720), (BANDWIDTH, 600), (CHOICES, 1320), (RULES, 480), (PREMA, 300)]
        {
            assert_eq!(file::plan(name, &runners).unwrap().len(), cells, "{name}");
        }
        let text = include_str!("../../../scenarios/sweeps/moca.toml");
        let (head, rest) = text.split_once("scenarios = [").unwrap();
        let (_, tail) = rest.split_once("]\n").unwrap();
        let tail = tail.replace("count = 20", "count = 1");
        // Figures are about nothing but what the sweep has.
        let tail = tail.split_once("[[figure]]").unwrap().0;
        let source = Source::new("cut.toml", format!("{head}scenarios = [\"moca/set_b_high\"]\n{tail}"));
        let plan = file::plan_of(&source, &runners).unwrap();
        let results = in_memory(&plan).unwrap();
        complete(&results).unwrap();
        let sla = |cell| results.cell_value(cell, "sla_satisfaction").unwrap().number().unwrap();
        let satisfied: Vec<f64> = plan.cells().iter().map(sla).collect();
        assert_eq!(satisfied.len(), 8);
        assert!(satisfied.iter().all(|share| (0.0..=1.0).contains(share)), "{satisfied:?}");
    }
}
