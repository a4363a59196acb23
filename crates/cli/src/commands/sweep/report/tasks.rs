//! The table of what is summarised task by task.

use rtmm_report::{Cell, Column, Interval, ReportTable, Row, TextTable, short_labels};

use super::{Shown, decimals, name_of, unit_of};

/// More rows than this are for `summary_tasks.csv` alone.
const MOST_ROWS: usize = 400;

/// A row a scenario, platform, policy and task; `None` where nothing is summarised, or too much.
pub(super) fn table(shown: &Shown<'_>) -> Option<ReportTable> {
    let (plan, metrics) = (shown.plan, &shown.summary.task_metrics);
    let groups = || shown.summary.groups.iter().filter(|group| shown.holds(group));
    let count: usize = groups().map(|group| group.tasks.len()).sum();
    if metrics.is_empty() || count == 0 || count / metrics.len() > MOST_ROWS {
        return None;
    }
    let scenarios: Vec<&str> =
        plan.axes().workloads.iter().map(|workload| workload.scenario.name.as_str()).collect();
    let scenarios = short_labels(&scenarios);
    let mut columns = vec![Column::text("scenario"), Column::text("platform")];
    if !shown.naming.policies.is_empty() {
        columns.push(Column::text("policy"));
    }
    columns.push(Column::text("task"));
    let label_columns = columns.len();
    columns.extend(metrics.iter().map(|metric| {
        let column = Column::number(name_of(&metric.column));
        match unit_of(&metric.column) {
            Some(unit) => column.with_unit(unit),
            None => column,
        }
    }));
    let mut table = TextTable::new("Tasks", columns);
    table.label_columns = label_columns;
    let places: Vec<u8> = (0..metrics.len())
        .map(|metric| {
            let values = groups().flat_map(|group| group.tasks.iter().skip(metric).step_by(metrics.len()));
            decimals(values.flatten().map(|statistics| statistics.mean))
        })
        .collect();
    for group in groups() {
        let variant = &plan.variants()[group.variant.index()];
        let rows = variant.scenario.tasks.iter().zip(group.tasks.chunks(metrics.len()));
        for (position, (task, statistics)) in rows.enumerate() {
            let mut cells = vec![
                Cell::text(&scenarios[variant.workload.index()]),
                Cell::text(&shown.naming.platforms[group.platform.index()]),
            ];
            cells.extend(shown.naming.policies.get(group.policy.index()).map(Cell::text));
            cells.push(Cell::text(&task.name));
            cells.extend(statistics.iter().zip(&places).map(|(statistics, decimals)| match statistics {
                None => Cell::missing(),
                Some(statistics) => match statistics.interval {
                    None => Cell::number(statistics.mean, *decimals),
                    Some(interval) => {
                        let interval = Interval { lower: interval.low, upper: interval.high };
                        Cell::estimate(statistics.mean, *decimals, interval.half_width())
                    }
                },
            }));
            table.rows.push(Row { cells, starts_group: position == 0 && !table.rows.is_empty() });
        }
    }
    Some(ReportTable { name: "tasks".to_owned(), table })
}

#[cfg(test)]
mod tests {
    use rtmm_hardware::Mode;
    use rtmm_sweep::execute::{Options, Silent};
    use rtmm_sweep::plan::{Cell, Plan};
    use rtmm_sweep::runner::{
        CellResult, CellRunner, Column, ColumnKind, PolicySchema, Prepared, RunError, RunnerSpec, Schema,
        Value,
    };
    use rtmm_sweep::{file, sweep};
    use rtmm_workload::Legality;
    use rtmm_workload::input::Source;

    /// Gives each task its position as its latency, and each cell a score that is less on the second
    /// platform.
    struct Toy(RunnerSpec);

    const fn column(name: &'static str, unit: &'static str) -> Column {
        Column { name, unit, kind: ColumnKind::Real, meaning: "made up", summarised: true, better: None }
    }

    impl Toy {
        fn new() -> Self {
            let policies = vec![PolicySchema::new("only", "", Schema::default())];
            Self(RunnerSpec {
                legality: Legality::Published,
                mode: Mode::Reference,
                task_columns: vec![column("latency_mean_ms", "milliseconds")],
                ..RunnerSpec::new("toy", policies, vec![column("score_pct", "percent")])
            })
        }
    }

    impl CellRunner for Toy {
        fn spec(&self) -> &RunnerSpec {
            &self.0
        }
        fn prepare<'p>(
            &'p self,
            plan: &'p Plan<'_>,
            _: &[usize],
        ) -> Result<Box<dyn Prepared + 'p>, RunError> {
            Ok(Box::new(Ready(plan)))
        }
    }

    struct Ready<'p>(&'p Plan<'p>);

    impl Prepared for Ready<'_> {
        fn run(&self, cell: &Cell) -> Result<CellResult, RunError> {
            let tasks = self.0.scenario(cell).tasks.len();
            Ok(CellResult {
                cell: vec![Value::Real(50.0 - cell.platform.index() as f64)],
                tasks: (0..tasks).map(|task| Value::Real(task as f64 + cell.seed as f64)).collect(),
                series: Vec::new(),
            })
        }
    }

    #[test]
    fn tasks_have_their_means_on_the_page_alone() {
        let text = "runner = \"toy\"\nscenarios = [\"xrbench/ar_assistant\"]\nseeds = { first = 1, count = 12 }\n\
                    platforms = [\"xrbench/single_4k_ws\", \"xrbench/single_4k_os\"]\n\
                    baseline = { platform = \"xrbench/single_4k_ws\" }\n";
        let toy = Toy::new();
        let plan = file::plan_of(&Source::new("toy.toml", text), &[&toy]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let finished = sweep::run(&plan, directory.path(), &Options::default(), &Silent).unwrap().finished;
        let finished = finished.unwrap();
        let reports = super::super::reports(&finished.results, &finished.summary);
        let [report] = reports.as_slice() else { panic!("one report") };
        let names: Vec<&str> =
            report.report.as_ref().unwrap().tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["scores", "confidence", "best", "comparison"]);
        let [tasks] = report.more.as_slice() else { panic!("one more table") };
        let csv = tasks.table.to_csv();
        insta::assert_snapshot!(csv.lines().take(3).collect::<Vec<_>>().join("\n"), @r#"
scenario,platform,task,latency mean (ms),latency mean half-width (ms)
ar_assistant,single_4k_ws,KD_res8_narrow,6.5,1.958333333333333
ar_assistant,single_4k_ws,ASR_EM_24L,7.5,1.958333333333333
"#);
        let comparison = report.report.as_ref().unwrap().tables[3].table.to_csv();
        insta::assert_snapshot!(comparison, @r#"
platform,ar_assistant (%),ar_assistant half-width (%),mean (%),above,below
single_4k_os,-1,0,-1,0,12
"#);
    }
}
