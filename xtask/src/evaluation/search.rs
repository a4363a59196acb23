//! Ends of searches of alpha and beta, against the best cell of a grid.
//!
//! The landscape sweep has a grid of weights that stay, and policies that search. Where a search ends under
//! some seed, a run with those weights fixed says what they cost under all seeds of the sweep; so the search
//! is judged by what it found, and not by what finding it cost.

use std::collections::BTreeMap;
use std::path::Path;

use rtmm_runners::Runners;
use rtmm_sweep::execute::in_memory;
use rtmm_sweep::file;
use rtmm_sweep::results::Results;
use rtmm_sweep::summary::Summary;
use rtmm_sweep::sweep::Finished;
use rtmm_workload::input::Source;

use super::{Problem, Seeds, complete, groups};

/// The policies that search.
const SEARCHES: [&str; 2] = ["dream-adaptive", "dream-halving"];

/// A scenario on a platform at a load.
type Case = (String, String, String);

/// Weights as texts, alpha first.
type Pair = (String, String);

/// Writes a row a case: the best and the worst cell of the grid, the start, and the mean over seeds of what
/// each search found, with the pairs.
pub(super) fn write(landscape: &Finished<'_>, path: &Path) -> Result<(), Problem> {
    let mut grids: BTreeMap<Case, BTreeMap<Pair, f64>> = BTreeMap::new();
    for seeds in groups(&landscape.results, &landscape.summary) {
        if let ("dream-full", Some(cost)) = (seeds.policy.name.as_ref(), cost(&seeds, &landscape.summary)) {
            grids.entry(case(&seeds)).or_default().insert(pair(&seeds), cost);
        }
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
        let costs = costs_of(case, grid, &pairs)?;
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

fn case(seeds: &Seeds<'_>) -> Case {
    (seeds.scenario.to_owned(), seeds.platform.to_owned(), seeds.load())
}

fn pair(seeds: &Seeds<'_>) -> Pair {
    (seeds.parameter("alpha"), seeds.parameter("beta"))
}

/// UXCost, the mean over seeds.
fn cost(seeds: &Seeds<'_>, summary: &Summary) -> Option<f64> {
    let metric = summary.metrics.iter().position(|metric| metric.column.name == "ux_cost")?;
    Some(seeds.group.statistics[metric]?.mean)
}

/// End of each search, one pair a seed, from the series of the sweep.
fn results_of_searches(landscape: &Finished<'_>) -> Result<BTreeMap<(Case, String), Vec<Pair>>, Problem> {
    let plan = landscape.results.plan();
    let columns = &plan.spec().series_columns;
    let position = |name: &str| {
        columns.iter().position(|known| known.name == name).ok_or_else(|| format!("no series `{name}`"))
    };
    let weights = [position("alpha")?, position("beta")?];
    let mut found: BTreeMap<(Case, String), Vec<Pair>> = BTreeMap::new();
    for seeds in groups(&landscape.results, &landscape.summary) {
        if !SEARCHES.contains(&seeds.policy.name.as_ref()) {
            continue;
        }
        let cells = &landscape.results.cells()[seeds.group.cells.clone()];
        for result in cells.iter().flatten() {
            // As texts of parameters have them: 1, where the series has 1.0.
            let [alpha, beta] =
                weights.map(|column| Some(result.series.get(column)?.last()?.value?.to_string()));
            let (Some(alpha), Some(beta)) = (alpha, beta) else { continue };
            found.entry((case(&seeds), seeds.policy.name.to_string())).or_default().push((alpha, beta));
        }
    }
    Ok(found)
}

/// UXCost of some pairs on a case, under the seeds of the landscape: from its grid, or from runs of their own.
fn costs_of(
    case: &Case,
    grid: &BTreeMap<Pair, f64>,
    pairs: &[&Pair],
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
    let runners = Runners::built_in();
    let plan = file::plan_of(&Source::new("pairs.toml", text), &runners.list())
        .map_err(|problems| problems.to_string())?;
    let results: Results<'_> = in_memory(&plan)?;
    complete(&results)?;
    let summary = Summary::of(&results);
    for seeds in groups(&results, &summary) {
        if let Some(cost) = cost(&seeds, &summary) {
            costs.insert(pair(&seeds), cost);
        }
    }
    Ok(costs)
}
