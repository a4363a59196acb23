//! Conclusions of publications, as orders of two policies, and how far they carry.

use std::path::Path;

use super::data::{Contests, MEAN, OverPlaces};
use super::{AXES, CALIBRATED, COUNTED, label};
use crate::docs::Problem;
use crate::evaluation::robustness::{SETS, Set};
use crate::markdown::{MISSING, table};

/// A conclusion: one policy is better than another in a metric.
struct Conclusion {
    set: &'static str,
    /// Claims of docs/claims.md that say so, or that it follows from.
    claims: &'static str,
    metric: &'static str,
    better: &'static str,
    than: &'static str,
}

const fn conclusion(
    set: &'static str,
    claims: &'static str,
    metric: &'static str,
    better: &'static str,
    than: &'static str,
) -> Conclusion {
    Conclusion { set, claims, metric, better, than }
}

const FCFS: &str = "fcfs placement=fastest-idle";
const MOCA: &str = "moca pairing=true throttle=true";
const UX_COST: &str = "ux_cost";
const VIOLATIONS: &str = "deadline_violation_rate";
const SLA: &str = "sla_satisfaction";
const STP: &str = "stp_normalised";
const FAIRNESS: &str = "fairness_min_ratio";

const PUBLISHED: [Conclusion; 39] = [
    conclusion("dream", "dream 1", UX_COST, "dream-full", "planaria"),
    conclusion("dream", "dream 2", UX_COST, "dream-full", "veltair"),
    conclusion("dream", "dream 2, 7", UX_COST, "dream-full", FCFS),
    conclusion("dream", "dream 5", UX_COST, "dream-mapscore", "planaria"),
    conclusion("dream", "dream 6", UX_COST, "planaria", "veltair"),
    conclusion("dream", "dream 7", UX_COST, "veltair", FCFS),
    conclusion("dream", "dream 10", UX_COST, "dream-drop", "dream-mapscore"),
    conclusion("dream", "dream 11", UX_COST, "dream-full", "dream-drop"),
    conclusion("dream", "dream 14", VIOLATIONS, "edf", "dream-full"),
    conclusion("dream", "sdrm3 1", UX_COST, "sdrm3", "planaria"),
    conclusion("dream", "sdrm3 2", UX_COST, "sdrm3", "veltair"),
    conclusion("dream", "sdrm3 5", UX_COST, "sdrm3", FCFS),
    conclusion("dysta", "dysta 1", VIOLATIONS, "dysta", "fcfs"),
    conclusion("dysta", "dysta 1", VIOLATIONS, "dysta", "sjf"),
    conclusion("dysta", "dysta 1", VIOLATIONS, "dysta", "sjf-sparse"),
    conclusion("dysta", "dysta 1", VIOLATIONS, "dysta", "prema"),
    conclusion("dysta", "dysta 1", VIOLATIONS, "dysta", "prema-sparse"),
    conclusion("dysta", "dysta 1", VIOLATIONS, "dysta", "planaria"),
    conclusion("dysta", "dysta 1, 4", VIOLATIONS, "dysta", "sdrm3"),
    conclusion("dysta", "dysta 1", VIOLATIONS, "dysta", "sdrm3-sparse"),
    conclusion("dysta", "dysta 7", VIOLATIONS, "dysta", "dysta-naive"),
    conclusion("dysta", "dysta 2", "antt", "dysta", "fcfs"),
    conclusion("dysta", "dysta 2", "antt", "dysta", "sjf"),
    conclusion("dysta", "dysta 2", "antt", "dysta", "sjf-sparse"),
    conclusion("dysta", "dysta 2", "antt", "dysta", "prema"),
    conclusion("dysta", "dysta 2", "antt", "dysta", "prema-sparse"),
    conclusion("dysta", "dysta 2", "antt", "dysta", "planaria"),
    conclusion("dysta", "dysta 2, 5", "antt", "dysta", "sdrm3"),
    conclusion("dysta", "dysta 2", "antt", "dysta", "sdrm3-sparse"),
    conclusion("dysta", "dysta 6", "antt", "dysta", "dysta-naive"),
    conclusion("moca", "moca 1", SLA, MOCA, "planaria"),
    conclusion("moca", "moca 3", SLA, MOCA, "static-partition"),
    conclusion("moca", "moca 4", SLA, MOCA, "prema"),
    conclusion("moca", "moca 5", STP, MOCA, "planaria"),
    conclusion("moca", "moca 7", STP, MOCA, "static-partition"),
    conclusion("moca", "moca 8", STP, MOCA, "prema"),
    conclusion("moca", "moca 9", FAIRNESS, MOCA, "planaria"),
    conclusion("moca", "moca 10", FAIRNESS, MOCA, "static-partition"),
    conclusion("moca", "moca 12", STP, MOCA, "moca pairing=true throttle=false"),
];

/// True if a publication has conclusions on the policies of a set.
pub(super) fn has(set: &Set) -> bool {
    PUBLISHED.iter().any(|conclusion| conclusion.set == set.name)
}

/// Fate of a conclusion along an axis.
enum Fate {
    /// The other policy is better without errors.
    Reversed,
    /// Neither is.
    Equal,
    /// It holds up to a size, in percent.
    Holds(f64),
}

/// Along each of [`AXES`]; none where the set was not run along it.
type Fates = [Option<Fate>; AXES.len()];

impl Fate {
    fn of(conclusion: &Conclusion, contests: &Contests, axis: &str) -> Result<Option<Self>, Problem> {
        let Conclusion { metric, better, than, .. } = conclusion;
        if !contests.has(axis) {
            return Ok(None);
        }
        let contest = contests.pair(axis, MEAN, metric, better, than);
        let contest = contest.ok_or_else(|| format!("there is no pair {better}, {than} in {metric}"))?;
        Ok(Some(match contest.holds {
            None => Self::Equal,
            Some(_) if contest.better != *better => Self::Reversed,
            Some(holds) => Self::Holds(holds),
        }))
    }

    fn survives(&self, size: f64) -> bool {
        matches!(self, Self::Holds(holds) if *holds >= size)
    }

    fn text(&self) -> String {
        match self {
            Self::Reversed => "the other way".to_owned(),
            Self::Equal => "equal".to_owned(),
            Self::Holds(holds) => format!("{holds}{}", if *holds < CALIBRATED { " †" } else { "" }),
        }
    }
}

/// The conclusions that hold up to a size at least along an axis: of size zero, those that come out at all.
fn surviving(all: &[Fates], axis: usize, size: f64) -> usize {
    let of_axis = all.iter().filter_map(|fates| fates[axis].as_ref());
    of_axis.filter(|fate| fate.survives(size)).count()
}

/// Each conclusion with its margins, and counts of those that survive.
pub(in crate::docs) fn published(root: &Path) -> Result<String, Problem> {
    let mut rows = Vec::new();
    let mut totals = Vec::new();
    let mut all: Vec<Fates> = Vec::new();
    for set in &SETS {
        let contests = Contests::read(root, set)?;
        let mut of_set: Vec<Fates> = Vec::new();
        for conclusion in PUBLISHED.iter().filter(|conclusion| conclusion.set == set.name) {
            let [costs, estimates] = AXES.map(|(axis, _)| Fate::of(conclusion, &contests, axis));
            let fates = [costs?, estimates?];
            rows.push(row(conclusion, &contests, &fates));
            of_set.push(fates);
        }
        if !of_set.is_empty() {
            totals.push(total(set.title, &of_set));
        }
        all.extend(of_set);
    }
    totals.push(total("all", &all));
    let counts = COUNTED.map(|size| surviving(&all, 0, size).to_string());
    let (stand, within) = (surviving(&all, 0, 0.0), surviving(&all, 0, 0.0) - surviving(&all, 0, CALIBRATED));
    let header = [
        "claim",
        "conclusion",
        "in",
        "by",
        "margin, costs",
        "least and median on systems",
        "systems at 10, 20, 50 %",
        "margin, estimates",
    ];
    let of_totals = [
        "set",
        "conclusions",
        "come out",
        "costs 10 %",
        "20 %",
        "50 %",
        "estimates 10 %",
        "20 %",
        "50 %",
        "below a calibrated model's error",
    ];
    Ok(format!(
        "Of {} conclusions {stand} come out without errors. Errors of layer costs of 10, 20 and 50 % leave {} of them; {within} have a \
         margin below the error of a calibrated cost model.\n\n{}\n{}",
        all.len(),
        counts.join(", "),
        table(&of_totals, &totals),
        table(&header, &rows),
    ))
}

fn total(title: &str, all: &[Fates]) -> Vec<String> {
    let mut cells = vec![title.to_owned(), all.len().to_string(), surviving(all, 0, 0.0).to_string()];
    for axis in 0..AXES.len() {
        let is_there = all.iter().any(|fates| fates[axis].is_some());
        cells.extend(
            COUNTED.map(
                |size| {
                    if is_there { surviving(all, axis, size).to_string() } else { MISSING.to_owned() }
                },
            ),
        );
    }
    cells.push((surviving(all, 0, 0.0) - surviving(all, 0, CALIBRATED)).to_string());
    cells
}

fn row(conclusion: &Conclusion, contests: &Contests, fates: &Fates) -> Vec<String> {
    let Conclusion { claims, metric, better, than, .. } = *conclusion;
    let over = OverPlaces::of(contests, AXES[0].0, metric, better, than);
    let by = contests.pair(AXES[0].0, MEAN, metric, better, than).and_then(|contest| {
        let [Some(winner), Some(loser)] = contest.values else { return None };
        (loser != 0.0).then(|| format!("{:.1} %", 100.0 * (winner - loser).abs() / loser.abs()))
    });
    let holds = fates[0].as_ref().is_some_and(|fate| fate.survives(0.0));
    let of_those = |text: String| if holds { text } else { MISSING.to_owned() };
    let [costs, estimates] =
        fates.each_ref().map(|fate| fate.as_ref().map_or_else(|| MISSING.to_owned(), Fate::text));
    vec![
        claims.to_owned(),
        format!("`{better}` beats `{than}`"),
        label(metric),
        of_those(by.unwrap_or_else(|| MISSING.to_owned())),
        costs,
        of_those(over.margins()),
        of_those(format!("{} of {}", over.shares(), over.count())),
        estimates,
    ]
}

#[cfg(test)]
mod tests {
    use rtmm_claims::built_in;

    use super::*;
    use crate::project_root;

    #[test]
    fn conclusions_are_of_claims_and_of_pairs_that_were_run() {
        for conclusion in &PUBLISHED {
            let (publication, numbers) = conclusion.claims.split_once(' ').unwrap();
            let publication = built_in::open(publication).unwrap();
            for number in numbers.split(", ") {
                let number: u32 = number.parse().unwrap();
                assert!(publication.claims.iter().any(|claim| claim.number == number), "{number}");
            }
            let set = SETS.iter().find(|set| set.name == conclusion.set).unwrap();
            let contests = Contests::read(&project_root(), set).unwrap();
            assert!(Fate::of(conclusion, &contests, AXES[0].0).unwrap().is_some());
            Fate::of(conclusion, &contests, AXES[1].0).unwrap();
        }
    }

    #[test]
    fn a_conclusion_comes_out_the_other_way_or_holds() {
        let conclusion = conclusion("dysta", "dysta 1", "antt", "a", "b");
        let fate = |rows: &[(&str, &str, &str, Option<f64>)]| {
            Fate::of(&conclusion, &Contests::by_hand(&[10.0], rows), "costs").unwrap().unwrap()
        };
        let texts = [
            fate(&[("mean", "a", "b", Some(20.0))]),
            fate(&[("mean", "a", "b", Some(50.0))]),
            fate(&[("mean", "b", "a", Some(50.0))]),
            fate(&[("mean", "b", "a", None)]),
        ];
        assert_eq!(texts.each_ref().map(Fate::text), ["20 †", "50", "the other way", "equal"]);
        assert_eq!(texts.each_ref().map(|fate| fate.survives(20.0)), [true, true, false, false]);
        let both =
            [[Some(Fate::Holds(20.0)), Some(Fate::Equal)], [Some(Fate::Reversed), Some(Fate::Holds(50.0))]];
        assert_eq!(total("a set", &both), ["a set", "2", "1", "1", "1", "0", "1", "1", "1", "1"]);
        let one = [[Some(Fate::Holds(50.0)), None]];
        let none = MISSING;
        assert_eq!(total("a set", &one), ["a set", "1", "1", "1", "1", "1", none, none, none, "0"]);
    }
}
