//! Measured differences from the published tools, over the goldens in the repository.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use rtmm_hardware::{Decoded, Explainer, LayerOf, Mode, Quantity, load as hardware};
use rtmm_reference::xrbench::{Outcome, Parameters, Runtime, TaskCosts};
use rtmm_workload::input::Source;
use rtmm_workload::{Legality, Model, Scenario, load, read_layer_table};

use super::{Problem, spread, table};

/// A CSV in memory: header and rows.
struct Golden {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Golden {
    fn read(path: &Path) -> Result<Self, Problem> {
        let bytes = std::fs::read(path)?;
        let mut text = String::new();
        if path.extension().is_some_and(|extension| extension == "gz") {
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
        } else {
            text = String::from_utf8(bytes)?;
        }
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers()?.iter().map(str::to_owned).collect();
        let row = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
        let rows = reader.records().map(|record| record.map(row)).collect::<Result<_, _>>()?;
        Ok(Self { header, rows })
    }

    fn column(&self, name: &str) -> Result<usize, Problem> {
        let found = self.header.iter().position(|known| known == name);
        Ok(found.ok_or_else(|| format!("the golden has no column `{name}`"))?)
    }
}

fn relative(value: f64, expected: f64) -> f64 {
    if value == expected { 0.0 } else { (value - expected).abs() / expected.abs().max(f64::MIN_POSITIVE) }
}

/// A row a quantity: how many values, the largest difference and the median.
fn spread_rows(names: &[&str], differences: &mut [Vec<f64>]) -> Vec<Vec<String>> {
    let row = |(name, differences): (&&str, &mut Vec<f64>)| {
        let count = differences.len();
        let (largest, median) = spread(differences);
        vec![(*name).to_owned(), count.to_string(), format!("{largest:.1e}"), format!("{median:.1e}")]
    };
    names.iter().zip(differences).map(row).collect()
}

fn number(quantity: &Quantity) -> f64 {
    match quantity {
        Quantity::Integer(value) => *value as f64,
        Quantity::Real(value) => *value,
    }
}

/// Layer costs of the reference mode of `maestro`.
pub(super) fn xrbench_costs(root: &Path) -> Result<String, Problem> {
    let golden = Golden::read(&root.join("crates/hardware/tests/golden/xrbench_layer_costs.csv.gz"))?;
    let mut models: BTreeMap<String, Model> = BTreeMap::new();
    let mut accelerators: BTreeMap<[String; 3], Decoded> = BTreeMap::new();
    // By dataflow: rows, integers that differ, energy differences.
    let mut found: BTreeMap<String, (usize, usize, Vec<f64>)> = BTreeMap::new();
    for row in &golden.rows {
        let key = [row[3].clone(), row[4].clone(), row[5].clone()];
        if !accelerators.contains_key(&key) {
            let [dataflow, pes, bandwidth] = &key;
            let text = format!(
                "{{ model = \"maestro\", dataflow = \"{dataflow}\", pes = {pes}, noc_bandwidth = {bandwidth} }}"
            );
            let decoded = hardware::accelerator(&text, hardware::DEFAULT_CLOCK_HZ, Mode::Reference)?;
            accelerators.insert(key.clone(), decoded);
        }
        if !models.contains_key(&row[0]) {
            let name = format!("xrbench/{}", row[0].to_lowercase());
            models.insert(row[0].clone(), load::model(&name, None, Legality::Published)?);
        }
        let (model, accelerator) = (&models[&row[0]], &accelerators[&key]);
        let layer = &model.layers[row[1].parse::<usize>()?];
        let mut values = Vec::new();
        Explainer::of(accelerator.cost_model.as_ref())
            .report(LayerOf { model: &model.name, layer }, &mut values)?;
        let entry = found.entry(row[3].clone()).or_default();
        entry.0 += 1;
        for (value, expected) in values.iter().zip(&row[6..]) {
            match value {
                Quantity::Integer(value) => entry.1 += usize::from(value.to_string() != *expected),
                Quantity::Real(value) => entry.2.push(relative(*value, expected.parse()?)),
            }
        }
    }
    let integers = golden.header.len() - 7;
    let rows: Vec<Vec<String>> = found
        .iter_mut()
        .map(|(dataflow, (count, differing, energies))| {
            let (largest, median) = spread(energies);
            vec![
                dataflow.clone(),
                count.to_string(),
                (*count * integers).to_string(),
                differing.to_string(),
                format!("{largest:.1e}"),
                format!("{median:.1e}"),
            ]
        })
        .collect();
    let header = [
        "dataflow",
        "layer costs",
        "integers compared",
        "integers that differ",
        "energy: largest relative difference",
        "median",
    ];
    Ok(format!(
        "{}\nEnergies of the golden have ten significant digits, which bounds what can be told apart.\n",
        table(&header, &rows)
    ))
}

/// A scenario with its runtime on a platform.
fn runtime(scenario: &str, platform: &str) -> Result<(Scenario, Runtime), Problem> {
    let workload = load::workload(scenario, None, Legality::Published)?;
    let platform = hardware::platform(platform, None, Mode::Reference)?;
    let costs = TaskCosts::of(&workload, &platform)?;
    let runtime = Runtime::new(&workload.scenario, &costs, &Parameters::default())?;
    Ok((workload.scenario, runtime))
}

/// Scores of the deterministic scenarios.
pub(super) fn xrbench_scores(root: &Path) -> Result<String, Problem> {
    let golden = Golden::read(&root.join("crates/reference/tests/golden/scores.csv"))?;
    let scores = ["real_time_score", "energy_score", "qoe_score", "model_score", "overall_score_pct"];
    let counts = ["frames_total", "frames_requested", "frames_completed", "frames_dropped", "frames_logged"];
    let mut outcomes: BTreeMap<(String, String), (Scenario, Outcome)> = BTreeMap::new();
    let mut differences: Vec<Vec<f64>> = vec![Vec::new(); scores.len()];
    let mut differing = 0;
    let mut compared = 0;
    for row in &golden.rows {
        let key = (row[0].clone(), row[1].clone());
        if !outcomes.contains_key(&key) {
            let (scenario, runtime) = runtime(&row[0], &row[1])?;
            outcomes.insert(key.clone(), (scenario, runtime.run(1, |_| {})));
        }
        let (scenario, outcome) = &outcomes[&key];
        let position = scenario.tasks.iter().position(|task| task.name == row[2]).ok_or("an unknown task")?;
        let task = &outcome.tasks[position];
        let values = task.scores.as_ref().ok_or("a task without scores")?;
        let ours = [
            values.real_time,
            values.energy,
            values.qoe.into(),
            values.score.into(),
            outcome.overall_score.into(),
        ];
        for ((name, value), differences) in scores.iter().zip(ours).zip(&mut differences) {
            differences.push((value - row[golden.column(name)?].parse::<f64>()?).abs());
        }
        let ours = [task.generated, task.requested, task.completed, task.dropped, task.logged];
        for (name, value) in counts.iter().zip(ours) {
            compared += 1;
            differing += usize::from(row[golden.column(name)?] != value.to_string());
        }
    }
    let rows = spread_rows(&scores, &mut differences);
    Ok(format!(
        "{}\nThe golden is printed with six decimals: half a unit of the last is 5.0e-7. Frame counts: {compared} \
         compared, {differing} differ. Systems: {}.\n",
        table(&["score", "values", "largest absolute difference", "median"], &rows),
        outcomes.len()
    ))
}

/// Statistics of the random scenarios over 60 seeds.
pub(super) fn xrbench_random(root: &Path) -> Result<String, Problem> {
    let golden = Golden::read(&root.join("crates/reference/tests/golden/scores_random.csv"))?;
    let names = ["overall_mean", "overall_stdev", "overall_min", "overall_max"];
    let mut differences: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
    let mut distinct_differ = 0;
    for row in &golden.rows {
        let (_, runtime) = runtime(&row[0], &row[1])?;
        let seeds: u32 = row[golden.column("seeds")?].parse()?;
        let scores: Vec<f64> =
            (0..seeds).map(|index| runtime.run(1_000 + 7_919 * index, |_| {}).overall_score.into()).collect();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let variance =
            scores.iter().map(|score| (score - mean) * (score - mean)).sum::<f64>() / scores.len() as f64;
        let minimum = scores.iter().copied().fold(f64::INFINITY, f64::min);
        let maximum = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for ((name, value), differences) in
            names.iter().zip([mean, variance.sqrt(), minimum, maximum]).zip(&mut differences)
        {
            differences.push((value - row[golden.column(name)?].parse::<f64>()?).abs());
        }
        let mut distinct: Vec<String> = scores.iter().map(|score| format!("{score:.6}")).collect();
        distinct.sort();
        distinct.dedup();
        distinct_differ += usize::from(distinct.len().to_string() != row[golden.column("distinct_values")?]);
    }
    let rows = spread_rows(&names, &mut differences);
    Ok(format!(
        "{}\nRows whose number of distinct scores over the 60 seeds differs: {distinct_differ}.\n",
        table(&["statistic", "rows", "largest absolute difference", "median"], &rows)
    ))
}

/// Cycles and SRAM counts of the `systolic` model.
pub(super) fn scalesim(root: &Path) -> Result<String, Problem> {
    let golden = Golden::read(&root.join("crates/hardware/tests/golden/scalesim.csv.gz"))?;
    let columns = ["rows", "cols", "dataflow"].map(|name| golden.column(name));
    let [rows, cols, dataflow] = columns.map(|column| column.unwrap_or_default());
    // The golden is a layer table of its own.
    let mut text = golden.header.join(",");
    for row in &golden.rows {
        text.push('\n');
        text.push_str(&row.join(","));
    }
    let source = Source::new("golden", text);
    let mut layers = Vec::new();
    let problems = read_layer_table(&source, Legality::Strict, |row| layers.push(row.layer));
    problems.into_result(Some(()))?;
    let compared = ["compute_cycles", "sram_ifmap_reads", "sram_filter_reads", "sram_ofmap_writes"];
    let mut found: BTreeMap<(String, &str), (usize, Vec<f64>)> = BTreeMap::new();
    for (row, layer) in golden.rows.iter().zip(&layers) {
        let text = format!(
            "{{ model = \"systolic\", dataflow = \"{}\", rows = {}, cols = {} }}",
            row[dataflow], row[rows], row[cols]
        );
        let array = hardware::accelerator(&text, hardware::DEFAULT_CLOCK_HZ, Mode::Reference)?;
        let mut values = Vec::new();
        Explainer::of(array.cost_model.as_ref()).report(layer.into(), &mut values)?;
        for name in compared {
            let position =
                Explainer::of(array.cost_model.as_ref()).columns().iter().position(|known| *known == name);
            let value = number(&values[position.ok_or("the report lacks a column")?]);
            let expected: f64 = row[golden.column(name)?].parse()?;
            let entry = found.entry((row[dataflow].clone(), name)).or_default();
            entry.0 += usize::from(value != expected);
            entry.1.push(relative(value, expected));
        }
    }
    let rows: Vec<Vec<String>> = found
        .iter_mut()
        .map(|((dataflow, name), (differing, differences))| {
            let count = differences.len();
            let (largest, median) = spread(differences);
            vec![
                dataflow.clone(),
                (*name).to_owned(),
                count.to_string(),
                differing.to_string(),
                format!("{largest:.1e}"),
                format!("{median:.1e}"),
            ]
        })
        .collect();
    let header =
        ["dataflow", "quantity", "layer runs", "that differ", "largest relative difference", "median"];
    Ok(table(&header, &rows))
}
