//! What searches of alpha and beta come to, against the best cell of a grid.
//!
//! The landscape sweep has a grid of weights that stay, and policies that search. Where a search ends under
//! some seed, a run with those weights fixed says what they cost under all seeds of the sweep; so the search
//! is judged by what it found, and not by what finding it cost.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Problem, SummaryRow, create, summary, sweep};

/// The policies that search.
const SEARCHES: [&str; 2] = ["dream-adaptive", "dream-halving"];

/// A scenario on a platform at a load.
type Case = (String, String, String);

/// Weights as texts, alpha first.
type Pair = (String, String);

/// Writes a row a case: the best and the worst cell of the grid, the start, and the mean over seeds of what
/// each search found, with the pairs.
pub(super) fn write(landscape: &Path, scratch: &Path, path: &Path) -> Result<(), Problem> {
    let rows: Vec<SummaryRow> =
        summary(landscape)?.into_iter().filter(|row| row.metric == "ux_cost").collect();
    let mut grids: BTreeMap<Case, BTreeMap<Pair, f64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.policy == "dream-full") {
        let case = (row.scenario.clone(), row.platform.clone(), row.load_factor.clone());
        grids.entry(case).or_default().insert(pair(row), row.mean);
    }
    let found = results_of_searches(landscape)?;
    let mut writer = csv::Writer::from_path(path)?;
    let mut header =
        ["scenario", "platform", "load_factor", "best_alpha", "best_beta", "best", "worst", "start"]
            .map(str::to_owned)
            .to_vec();
    for search in SEARCHES {
        header.extend([format!("{search}_pairs"), search.to_owned()]);
    }
    writer.write_record(&header)?;
    for (case, grid) in &grids {
        let by_cost = |one: &(&Pair, &f64), other: &(&Pair, &f64)| one.1.total_cmp(other.1);
        let (Some((best, least)), Some((_, most))) =
            (grid.iter().min_by(by_cost), grid.iter().max_by(by_cost))
        else {
            continue;
        };
        let start = grid.get(&("1".to_owned(), "1".to_owned())).ok_or("the grid lacks the start")?;
        let pairs: Vec<&Pair> = SEARCHES
            .iter()
            .flat_map(|search| found.get(&(case.clone(), (*search).to_owned())).into_iter().flatten())
            .collect();
        let costs = costs_of(case, grid, &pairs, scratch)?;
        let (scenario, platform, load) = case;
        let mut row = vec![scenario.clone(), platform.clone(), load.clone(), best.0.clone(), best.1.clone()];
        row.extend([least, most, start].map(f64::to_string));
        for search in SEARCHES {
            let ends = found.get(&(case.clone(), search.to_owned())).map_or(&[][..], Vec::as_slice);
            let known: Vec<f64> = ends.iter().filter_map(|end| costs.get(end).copied()).collect();
            if known.is_empty() || known.len() != ends.len() {
                return Err(format!("{search} on {scenario} and {platform} has an end without a cost").into());
            }
            let sum: f64 = known.iter().sum();
            let texts: Vec<String> = ends.iter().map(|(alpha, beta)| format!("{alpha}/{beta}")).collect();
            row.extend([texts.join(" "), (sum / ends.len().max(1) as f64).to_string()]);
        }
        writer.write_record(&row)?;
    }
    writer.flush()?;
    Ok(())
}

fn pair(row: &SummaryRow) -> Pair {
    let of = |name| row.parameter(name).unwrap_or_default().to_owned();
    (of("alpha"), of("beta"))
}

/// Where each search ended, one pair a seed, from the series of the sweep.
fn results_of_searches(landscape: &Path) -> Result<BTreeMap<(Case, String), Vec<Pair>>, Problem> {
    let mut reader = csv::Reader::from_path(landscape.join("series.csv"))?;
    let header = reader.headers()?.clone();
    let column = |name: &str| {
        header.iter().position(|known| known == name).ok_or_else(|| format!("series.csv has no `{name}`"))
    };
    let names = ["scenario", "platform", "load_factor", "policy", "seed", "series", "value"];
    let columns: Vec<usize> = names.into_iter().map(column).collect::<Result<_, _>>()?;
    // Points are in the order of time: the last one stays.
    let mut last: BTreeMap<(Case, String, i64), BTreeMap<String, String>> = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let cell = |index: usize| record.get(columns[index]).unwrap_or_default().to_owned();
        if !SEARCHES.contains(&cell(3).as_str()) || !["alpha", "beta"].contains(&cell(5).as_str()) {
            continue;
        }
        let key = ((cell(0), cell(1), cell(2)), cell(3), cell(4).parse()?);
        // As texts of parameters have them: 1, where the series has 1.0.
        let value: f64 = cell(6).parse()?;
        last.entry(key).or_default().insert(cell(5), value.to_string());
    }
    let mut found: BTreeMap<(Case, String), Vec<Pair>> = BTreeMap::new();
    for ((case, policy, _), weights) in last {
        let of = |name: &str| weights.get(name).cloned().unwrap_or_default();
        found.entry((case, policy)).or_default().push((of("alpha"), of("beta")));
    }
    Ok(found)
}

/// UXCost of some pairs on a case, under the seeds of the landscape: from its grid, or from runs of their own.
fn costs_of(
    case: &Case,
    grid: &BTreeMap<Pair, f64>,
    pairs: &[&Pair],
    scratch: &Path,
) -> Result<BTreeMap<Pair, f64>, Problem> {
    let mut costs: BTreeMap<Pair, f64> = BTreeMap::new();
    let mut missing: Vec<&Pair> = Vec::new();
    for pair in pairs {
        match grid.get(*pair) {
            Some(cost) => {
                costs.insert((*pair).clone(), *cost);
            }
            None if !missing.contains(pair) => missing.push(pair),
            None => {}
        }
    }
    if missing.is_empty() {
        return Ok(costs);
    }
    let (scenario, platform, load) = case;
    let mut text = format!(
        "runner = \"engine\"\nscenarios = [\"{scenario}\"]\nplatforms = [\"{platform}\"]\n\
         load_factors = [{load}]\nseeds = {{ first = 1, count = 2 }}\nduration = \"10s\"\n"
    );
    for (alpha, beta) in missing {
        text += &format!("\n[[policy]]\nname = \"dream-full\"\nset = {{ alpha = {alpha}, beta = {beta} }}\n");
    }
    let stem = format!("{scenario}_{platform}_{load}").replace('/', "_");
    let file = create(scratch)?.join(format!("{stem}.toml"));
    std::fs::write(&file, text)?;
    let output = scratch.join(stem);
    let name = file.to_str().ok_or("a path that is no text")?;
    sweep(name, &output)?;
    for row in summary(&output)?.iter().filter(|row| row.metric == "ux_cost") {
        costs.insert(pair(row), row.mean);
    }
    Ok(costs)
}
