//! The replay of the authors' queries beside their log.

use std::path::Path;

use super::super::{Problem, table};
use super::data::{LEVELS, Named, SETS, share};

/// Smallest difference that says something: a little more than one query of a cell.
const NOTHING: f64 = 0.005;

/// The row of a cell.
pub(super) fn row<'l>(log: &'l [Named], set: &str, qos: &str, policy: &str) -> Result<&'l Named, Problem> {
    let is_it = |row: &&Named| {
        ["workload_set", "qos", "policy"].map(|column| row.text(column).unwrap_or_default())
            == [set, qos, policy]
    };
    Ok(log.iter().find(is_it).ok_or_else(|| format!("no row of {set}, {qos}, {policy}"))?)
}

/// The cells of the log: by policy, set and level.
fn cells(log: &[Named]) -> Result<Vec<(String, &Named)>, Problem> {
    let mut cells = Vec::new();
    for (policy, name) in [("static", "static"), ("moca", "MoCA")] {
        for set in SETS {
            for (qos, _) in LEVELS {
                cells.push((format!("{set}, {qos}, {name}"), row(log, set, qos, policy)?));
            }
        }
    }
    Ok(cells)
}

/// SLA satisfaction as logged, with what never completed counted as missed, and ours.
pub(in crate::docs) fn replay(root: &Path) -> Result<String, Problem> {
    let log = Named::rows(root, "moca_replay.csv")?;
    let (mut rows, mut unfinished, mut met) = (Vec::new(), 0.0, 0.0);
    for (label, cell) in cells(&log)? {
        unfinished += cell.number("unfinished")?;
        met += cell.number("unfinished_met")?;
        rows.push(vec![
            label,
            share(cell.number("sla_logged")?),
            share(cell.number("sla_corrected")?),
            share(cell.number("sla_ours")?),
            cell.text("unfinished")?.to_owned(),
            cell.text("not_causal")?.to_owned(),
        ]);
    }
    let header = [
        "cell",
        "as logged",
        "unfinished as missed",
        "ours, causal",
        "unfinished",
        "rows that are not causal",
    ];
    Ok(format!(
        "{}\nUnfinished in all: {unfinished}, of which the log counts {met} as met.",
        table(&header, &rows)
    ))
}

/// Rows that are not causal, by kind.
pub(in crate::docs) fn not_causal(root: &Path) -> Result<String, Problem> {
    let log = Named::rows(root, "moca_replay.csv")?;
    let columns = ["never_ran", "before_dispatch", "too_fast", "not_causal"];
    let (mut rows, mut totals) = (Vec::new(), [0.0; 4]);
    for (label, cell) in cells(&log)? {
        let mut texts = vec![label];
        for (column, total) in columns.into_iter().zip(&mut totals) {
            *total += cell.number(column)?;
            texts.push(cell.text(column)?.to_owned());
        }
        let early = cell.number("before_dispatch")?;
        let head_start = cell.number("head_start_cycles")? / 1e6 / early.max(1.0);
        texts.insert(3, if early > 0.0 { format!("{head_start:.2}") } else { "—".to_owned() });
        rows.push(texts);
    }
    let mut sum = vec!["all".to_owned()];
    sum.extend(totals.map(|total| total.to_string()));
    sum.insert(3, String::new());
    rows.push(sum);
    let header = [
        "cell",
        "never ran",
        "ran before dispatch",
        "by so many million cycles, mean",
        "in less than 0.95 of its time alone",
        "any of these",
    ];
    Ok(table(&header, &rows))
}

/// Where the difference between the log and our replay comes from, cell by cell.
pub(in crate::docs) fn causes(root: &Path) -> Result<String, Problem> {
    let log = Named::rows(root, "moca_replay.csv")?;
    let mut rows = Vec::new();
    for (label, cell) in cells(&log)? {
        let of = |column: &str| cell.number(column);
        let is_moca = cell.text("policy")? == "moca";
        let steps = [
            of("sla_corrected")? - of("sla_logged")?,
            of("sla_queue")? - of("sla_corrected")?,
            of("sla_ours")? - of("sla_queue")?,
        ];
        let whole_time = 4.0 * of("last_dispatch_cycle")?;
        let logged = of("runtime_logged_cycles")?;
        let ours = of("runtime_ours_cycles")?;
        let delta = |value: f64| match value {
            value if value.abs() < NOTHING => "0".to_owned(),
            value => format!("{value:+.3}").replace('-', "−"),
        };
        let mark = if is_moca { " (bound)" } else { "" };
        rows.push(vec![
            label,
            share(of("sla_logged")?),
            delta(steps[0]),
            format!("{}{mark}", delta(steps[1])),
            format!("{}{mark}", delta(steps[2])),
            share(of("sla_ours")?),
            share(of("sla_queue_ahead")? - of("sla_queue")?).replace('-', "−"),
            share(logged / whole_time),
            share(ours / whole_time),
            format!("{:.2}", logged / of("isolated_measured_cycles")?),
            format!("{:.2}", ours / of("isolated_ours_cycles")?),
            said(steps, logged / whole_time, ours / whole_time, is_moca),
        ]);
    }
    let header = [
        "cell",
        "as logged",
        "unfinished",
        "order and instants",
        "run times",
        "ours",
        "of which planning 5 M cycles ahead",
        "load, log",
        "load, ours",
        "run time / alone, log",
        "run time / alone, ours",
        "in words",
    ];
    Ok(table(&header, &rows))
}

/// The causes of a cell in words.
fn said(steps: [f64; 3], logged: f64, ours: f64, is_moca: bool) -> String {
    let mut words = Vec::new();
    if steps[0] < -NOTHING {
        words.push(format!("{:.0} % of its queries count as met and never ended", -100.0 * steps[0]));
    }
    match (is_moca, steps[1] > NOTHING) {
        (false, true) => words.push("a queue that never waits for a round of a plan keeps more".to_owned()),
        (false, false) => {}
        (true, _) if steps[1] < -NOTHING => {
            words.push(
                "partners overlap, and queries run before they are dispatched, which a queue cannot"
                    .to_owned(),
            );
        }
        (true, _) => words.push("a queue keeps more, even without overlap of partners".to_owned()),
    }
    if steps[2] > NOTHING {
        let over =
            |load: f64| if load > 1.0 { "more than the groups can do" } else { "within what they can" };
        words.push(format!(
            "run times load four groups by {logged:.2} there, {}, by {ours:.2} here, {}",
            over(logged),
            over(ours)
        ));
    }
    words.join("; ")
}
