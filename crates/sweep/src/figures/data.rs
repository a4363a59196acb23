//! Values that a declared figure shows, computed from results.
//!
//! Each value is a mean over seeds first, then divided by that of what the figure is relative to, then
//! joined across what the figure does not tell apart. Its interval resamples seeds and computes all of that
//! anew, with the same seeds for everything that goes into the value: what shares a seed saw the same
//! world. A value that lacks a part is missing: one over fewer parts would not compare.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::{
    Across, Content, Dimension, Figure, Member, PathOf, Selection, member_of_policy, member_of_scenario,
    policy_names, reference_policies,
};
use crate::plan::{Cell, Plan, PlatformId, PolicyId, VariedScenarioId};
use crate::results::Results;
use crate::runner::{Better, SeriesPoint, short_names};
use crate::statistics::{Bootstrap, Interval, MINIMUM_SAMPLES, geometric_mean, mean, over_seeds};

/// A value of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its bootstrap interval; `None` where nothing is random, or over fewer than
    /// [`MINIMUM_SAMPLES`] seeds.
    pub interval: Option<Interval>,
    /// The least number of seeds that a part of it is a mean over.
    pub seeds: usize,
    /// Number of parts that were joined.
    pub joined: usize,
}

/// A drawing: all that a figure shows of one of its facets.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Member of the facets; `None` where the figure has none.
    pub facet: Option<Member>,
    /// Members across: groups, places on the axis, columns, times in seconds, two metrics.
    pub across: Vec<Member>,
    /// The colours; the rows of a heat map.
    pub series: Vec<Member>,
    /// The values by what stands across, then by series.
    pub values: Vec<Vec<Option<Estimate>>>,
    /// All that stands across joined; empty where that was not asked for.
    pub overall: Vec<Overall>,
    /// Starts of the phases of the scenario in seconds, with their names; of a time series whose cells share
    /// them.
    pub phases: Vec<(f64, String)>,
    /// End of the longest of its scenarios, in seconds.
    pub end_s: f64,
    /// Points of the path of a policy, by the numbers of what stands across and up.
    pub path: Vec<(f64, f64)>,
}

/// All that stands across a drawing, joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Overall {
    /// Rule by which it is joined.
    pub across: Across,
    /// The values by series.
    pub values: Vec<Option<Estimate>>,
}

/// Cells that differ in the seed only.
#[derive(Clone, Debug)]
struct Entry {
    cell: Cell,
    cells: Range<usize>,
}

/// A part of a value: over seeds, and what it is divided by.
struct Term {
    values: Vec<Option<f64>>,
    base: Option<Vec<Option<f64>>>,
}

/// Panels of a figure, one for each facet, in the order of the plan.
#[must_use]
pub fn panels(results: &Results<'_>, figure: &Figure) -> Vec<Panel> {
    let shown = Shown::new(results, figure);
    let selected: Vec<&Entry> =
        shown.entries.iter().filter(|entry| shown.is_in(entry, &figure.selection)).collect();
    let facets: Vec<Option<Member>> = match &figure.facets {
        None => vec![None],
        Some(dimension) => shown.members(&selected, dimension).into_iter().map(Some).collect(),
    };
    let of_facet = |facet: Option<Member>| {
        let entries: Vec<&Entry> = match (&figure.facets, &facet) {
            (Some(dimension), Some(_)) => {
                let in_facet = |entry: &&&Entry| shown.member(entry, dimension) == facet;
                selected.iter().filter(in_facet).copied().collect()
            }
            _ => selected.clone(),
        };
        shown.panel(facet, &entries)
    };
    facets.into_iter().map(of_facet).collect()
}

struct Shown<'s> {
    results: &'s Results<'s>,
    plan: &'s Plan<'s>,
    figure: &'s Figure,
    entries: Vec<Entry>,
    places: BTreeMap<(VariedScenarioId, PlatformId, PolicyId), usize>,
    /// Names that tell the policies of the figure apart, and those that tell all apart.
    names: Vec<String>,
    short: Vec<String>,
    bootstrap: Option<Bootstrap>,
}

impl<'s> Shown<'s> {
    fn new(results: &'s Results<'s>, figure: &'s Figure) -> Self {
        let plan = results.plan();
        let key = |cell: &Cell| (cell.scenario, cell.platform, cell.policy);
        let entries: Vec<Entry> = plan
            .groups()
            .map(|cells| Entry { cell: cells[0], cells: cells[0].index..cells[0].index + cells.len() })
            .collect();
        let places = entries.iter().enumerate().map(|(index, entry)| (key(&entry.cell), index)).collect();
        let seeds = plan.axes().seeds.len();
        let bootstrap = (seeds >= MINIMUM_SAMPLES).then(|| Bootstrap::new(seeds));
        let policies = &plan.axes().policies;
        let (names, short) = (policy_names(policies, &figure.selection), short_names(policies));
        Self { results, plan, figure, entries, places, names, short, bootstrap }
    }

    fn member(&self, entry: &Entry, dimension: &Dimension) -> Option<Member> {
        let axes = self.plan.axes();
        if dimension.is_of_policy() {
            return member_of_policy(dimension, &axes.policies, &self.names, entry.cell.policy.index());
        }
        member_of_scenario(
            dimension,
            self.plan.varied_scenario(&entry.cell),
            &axes.platforms,
            entry.cell.platform,
        )
    }

    fn is_in(&self, entry: &Entry, selection: &Selection) -> bool {
        selection
            .0
            .iter()
            .all(|(dimension, _)| selection.holds(dimension, self.member(entry, dimension).as_ref()))
    }

    /// The members that some entries have: numbers ascending, names in the order of the plan.
    fn members(&self, entries: &[&Entry], dimension: &Dimension) -> Vec<Member> {
        self.placed(entries, dimension).0
    }

    /// The same with the position of the member of each entry.
    fn placed(&self, entries: &[&Entry], dimension: &Dimension) -> (Vec<Member>, Vec<Option<usize>>) {
        let mut found: Vec<Member> = Vec::new();
        let mut places: Vec<Option<usize>> = Vec::with_capacity(entries.len());
        for entry in entries {
            places.push(self.member(entry, dimension).map(|member| {
                found.iter().position(|known| *known == member).unwrap_or_else(|| {
                    found.push(member);
                    found.len() - 1
                })
            }));
        }
        if !found.iter().all(|member| member.number.is_some()) {
            return (found, places);
        }
        let mut order: Vec<usize> = (0..found.len()).collect();
        let number = |place: &usize| found[*place].number.unwrap_or_default();
        order.sort_by(|left, right| number(left).total_cmp(&number(right)));
        let mut ranks = vec![0; order.len()];
        for (rank, place) in order.iter().enumerate() {
            ranks[*place] = rank;
        }
        let places = places.into_iter().map(|place| place.map(|place| ranks[place])).collect();
        (order.into_iter().map(|place| found[place].clone()).collect(), places)
    }

    fn panel(&self, facet: Option<Member>, entries: &[&Entry]) -> Panel {
        let content = &self.figure.content;
        let (metric, across, series) = match content {
            Content::Bars { metric, groups: x, series: y, .. }
            | Content::Lines { metric, x, series: y }
            | Content::HeatMap { metric, x, y, .. } => (*metric, x, y),
            Content::Scatter { x, y, series } => return self.against(facet, entries, [*x, *y], series),
            Content::TimeSeries { column, series } => {
                return self.over_time(facet, entries, *column, series);
            }
        };
        let (columns, places) = self.placed(entries, across);
        let (rows, places_down) = self.placed(entries, series);
        let of_column = |column: Option<usize>, join: Across| -> Vec<Option<Estimate>> {
            let mut parts: Vec<Vec<&Entry>> = vec![Vec::new(); rows.len()];
            for (entry, place) in entries.iter().zip(places.iter().zip(&places_down)) {
                if let (Some(across), Some(down)) = place
                    && column.is_none_or(|column| column == *across)
                {
                    parts[*down].push(entry);
                }
            }
            parts.iter().map(|parts| self.value(parts, metric, join)).collect()
        };
        let values: Vec<Vec<Option<Estimate>>> = (0..columns.len())
            .into_par_iter()
            .map(|column| of_column(Some(column), self.figure.across))
            .collect();
        let joins: &[Across] = match content {
            Content::Bars { overall: true, .. } => &[self.figure.across],
            Content::HeatMap { overall: true, .. } if columns.len() > 1 => {
                &[Across::Mean, Across::GeometricMean]
            }
            _ => &[],
        };
        let overall = joins.iter().map(|join| Overall { across: *join, values: of_column(None, *join) });
        // Over values of which none is positive there is no geometric mean at all.
        let is_shown =
            |one: &Overall| one.across == self.figure.across || one.values.iter().any(Option::is_some);
        let overall = overall.filter(is_shown).collect();
        let path = match content {
            Content::HeatMap { path: Some(path), .. } => self.path(facet.as_ref(), path),
            _ => Vec::new(),
        };
        let (phases, end_s) = (Vec::new(), self.end_s(entries));
        Panel { facet, across: columns, series: rows, values, overall, phases, end_s, path }
    }

    /// Two metrics of each member of a dimension.
    fn against(
        &self,
        facet: Option<Member>,
        entries: &[&Entry],
        metrics: [usize; 2],
        series: &Dimension,
    ) -> Panel {
        let (rows, places) = self.placed(entries, series);
        let of_metric = |metric: usize| {
            let value = |row: usize| {
                let parts = entries.iter().zip(&places).filter(|(_, place)| **place == Some(row));
                let parts: Vec<&Entry> = parts.map(|(entry, _)| *entry).collect();
                self.value(&parts, metric, self.figure.across)
            };
            (0..rows.len()).into_par_iter().map(value).collect()
        };
        let columns = &self.plan.spec().cell_columns;
        let name = |metric: usize| columns.get(metric).map_or("", |column| column.name);
        Panel {
            facet,
            across: metrics.map(|metric| Member::name(name(metric))).to_vec(),
            values: metrics.map(of_metric).to_vec(),
            series: rows,
            overall: Vec::new(),
            phases: Vec::new(),
            end_s: self.end_s(entries),
            path: Vec::new(),
        }
    }

    /// The joined value of some groups of cells.
    fn value(&self, parts: &[&Entry], metric: usize, join: Across) -> Option<Estimate> {
        let values = |entry: &Entry| self.metric(entry, metric);
        let Content::Bars { best_of: Some(choice), .. } = &self.figure.content else {
            let terms: Vec<Term> = parts.iter().map(|entry| self.term(entry, &values)).collect();
            return self.estimate(&terms, join);
        };
        let column = self.plan.spec().cell_columns.get(metric)?;
        let is_better = |value: f64, than: f64| match column.better {
            Some(Better::Lower) => value < than,
            Some(Better::Higher) | None => value > than,
        };
        let mut best: Option<(f64, Vec<Term>)> = None;
        let (members, places) = self.placed(parts, choice);
        for member in 0..members.len() {
            let of_member = parts.iter().zip(&places).filter(|(_, place)| **place == Some(member));
            let terms: Vec<Term> = of_member.map(|(entry, _)| self.term(entry, &values)).collect();
            let Some(value) = joined(&terms, join, None) else { continue };
            if best.as_ref().is_none_or(|(known, _)| is_better(value, *known)) {
                best = Some((value, terms));
            }
        }
        self.estimate(&best?.1, join)
    }

    fn over_time(
        &self,
        facet: Option<Member>,
        entries: &[&Entry],
        column: usize,
        series: &Dimension,
    ) -> Panel {
        let (rows, places) = self.placed(entries, series);
        let of_entry = |entry: &Entry| entry.cells.clone().map(|cell| self.series(cell, column));
        let mut times: Vec<f64> =
            entries.iter().flat_map(|entry| of_entry(entry)).flatten().map(|point| point.time_s).collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let of_time = |time: &f64| {
            let values =
                |entry: &Entry| of_entry(entry).map(|points| held(points, *time)).collect::<Vec<_>>();
            let estimate = |row: usize| {
                let parts = entries.iter().zip(&places).filter(|(_, place)| **place == Some(row));
                let terms: Vec<Term> = parts.map(|(entry, _)| self.term(entry, &values)).collect();
                self.estimate(&terms, self.figure.across)
            };
            (0..rows.len()).map(estimate).collect::<Vec<_>>()
        };
        let values = times.par_iter().map(of_time).collect();
        let across = times.into_iter().map(Member::number).collect();
        let (phases, end_s) = (self.phases(entries), self.end_s(entries));
        let (overall, path) = (Vec::new(), Vec::new());
        Panel { facet, across, series: rows, values, overall, phases, end_s, path }
    }

    /// The values of a cell column over the seeds of an entry.
    fn metric(&self, entry: &Entry, metric: usize) -> Vec<Option<f64>> {
        let cells = self.results.cells()[entry.cells.clone()].iter();
        cells.map(|cell| cell.as_ref()?.cell.get(metric)?.number()).collect()
    }

    /// The points of a series of a cell.
    fn series(&self, cell: usize, column: usize) -> &[SeriesPoint] {
        let result = self.results.cells()[cell].as_ref();
        result.and_then(|result| result.series.get(column)).map_or(&[][..], Vec::as_slice)
    }

    fn term(&self, entry: &Entry, values: &dyn Fn(&Entry) -> Vec<Option<f64>>) -> Term {
        let mut own = values(entry);
        let Some(relative_to) = &self.figure.relative_to else { return Term { values: own, base: None } };
        let base = self.reference(entry, relative_to);
        let mut base = base.map_or_else(|| vec![None], |base| values(&self.entries[base]));
        if own.len() == base.len() {
            // Over the seeds that both have.
            for (own, base) in own.iter_mut().zip(&mut base) {
                if own.is_none() || base.is_none() {
                    (*own, *base) = (None, None);
                }
            }
        }
        Term { values: own, base: Some(base) }
    }

    /// Entry that another is divided by: what differs from it in just this.
    fn reference(&self, entry: &Entry, relative_to: &Selection) -> Option<usize> {
        let axes = self.plan.axes();
        let apart = parameters_apart(self.figure);
        let policies =
            reference_policies(relative_to, &axes.policies, &self.short, entry.cell.policy.index(), &apart);
        let [policy] = policies[..] else { return None };
        let said = |dimension: &Dimension| relative_to.0.iter().any(|(known, _)| known == dimension);
        let platform = (0..axes.platforms.len()).map(PlatformId::new).find(|platform| {
            if !said(&Dimension::Platform) {
                return *platform == entry.cell.platform;
            }
            relative_to
                .holds(&Dimension::Platform, Some(&Member::name(&axes.platforms[platform.index()].name)))
        })?;
        let own = self.plan.varied_scenario(&entry.cell);
        let varied = self.plan.varied_scenarios().iter().position(|varied| {
            let agrees = |dimension: &Dimension| {
                let of = |varied| member_of_scenario(dimension, varied, &axes.platforms, platform);
                if said(dimension) {
                    relative_to.holds(dimension, of(varied).as_ref())
                } else {
                    of(varied) == of(own)
                }
            };
            Dimension::axes()
                .filter(|one| !one.is_of_policy() && !one.is_of_platform())
                .all(|one| agrees(&one))
        })?;
        self.places.get(&(VariedScenarioId::new(varied), platform, PolicyId::new(policy))).copied()
    }

    fn estimate(&self, terms: &[Term], across: Across) -> Option<Estimate> {
        let value = joined(terms, across, None)?;
        let random = terms.iter().map(|term| &term.values).filter(|values| values.len() > 1);
        let seeds = random.map(|values| values.iter().flatten().count()).min();
        let interval = match (&self.bootstrap, seeds) {
            (Some(bootstrap), Some(seeds)) if seeds >= MINIMUM_SAMPLES => {
                bootstrap.interval_of(|places| joined(terms, across, Some(places)))
            }
            _ => None,
        };
        Some(Estimate { value, interval, seeds: seeds.unwrap_or(1), joined: terms.len() })
    }

    /// The phases of the scenarios, if all entries have the same.
    fn phases(&self, entries: &[&Entry]) -> Vec<(f64, String)> {
        let of = |entry: &&Entry| -> Vec<(f64, String)> {
            let phases = self.plan.scenario(&entry.cell).phases.iter();
            phases.map(|phase| (seconds(phase.start), phase.name.clone())).collect()
        };
        let mut all = entries.iter().map(of);
        let first = all.next().unwrap_or_default();
        if all.all(|phases| phases == first) { first } else { Vec::new() }
    }

    fn end_s(&self, entries: &[&Entry]) -> f64 {
        let durations = entries.iter().map(|entry| self.plan.scenario(&entry.cell).duration);
        durations.max().map_or(0.0, |longest| longest.picoseconds() as f64 / 1e12)
    }

    fn path(&self, facet: Option<&Member>, path: &PathOf) -> Vec<(f64, f64)> {
        let selection = self.figure.selection.without_policies();
        let found = self.entries.iter().find(|entry| {
            let in_facet = self.figure.facets.as_ref().is_none_or(|dimension| {
                dimension.is_of_policy() || self.member(entry, dimension).as_ref() == facet
            });
            entry.cell.policy == path.policy && in_facet && self.is_in(entry, &selection)
        });
        let Some(entry) = found else { return Vec::new() };
        let cells = &self.plan.cells()[entry.cells.clone()];
        let cell = cells.iter().find(|cell| cell.seed == path.seed).unwrap_or(&entry.cell);
        let [x, y] = path.series.map(|column| self.series(cell.index, column));
        let mut points: Vec<(f64, f64)> =
            x.iter().filter_map(|point| Some((point.value?, held(y, point.time_s)?))).collect();
        points.dedup();
        points
    }
}

/// The parameters that a figure tells apart beside its series.
#[must_use]
pub fn parameters_apart(figure: &Figure) -> Vec<&str> {
    let [across, other] = figure.content.dimensions();
    let down = other.filter(|_| matches!(figure.content, Content::HeatMap { .. }));
    let apart = figure.facets.iter().chain(across).chain(down);
    apart
        .filter_map(|one| if let Dimension::Parameter(name) = one { Some(name.as_ref()) } else { None })
        .collect()
}

fn seconds(time: rtmm_workload::Time) -> f64 {
    time.picoseconds() as f64 / 1e12
}

/// The value that holds at a time: that of the last point until then.
fn held(points: &[SeriesPoint], time_s: f64) -> Option<f64> {
    let after = points.partition_point(|point| point.time_s <= time_s);
    points.get(after.checked_sub(1)?)?.value
}

/// The joined value of parts, over all seeds or over those of a resample.
fn joined(terms: &[Term], across: Across, places: Option<&[u32]>) -> Option<f64> {
    let of = |term: &Term| -> Option<f64> {
        let value = over_seeds(&term.values, places)?;
        match &term.base {
            None => Some(value),
            Some(base) => over_seeds(base, places).filter(|base| *base != 0.0).map(|base| value / base),
        }
    };
    if let [only] = terms {
        return of(only);
    }
    let values: Vec<f64> = terms.iter().map(of).collect::<Option<_>>()?;
    match across {
        Across::Mean => mean(&values),
        Across::GeometricMean => geometric_mean(&values).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(values: &[f64], base: Option<&[f64]>) -> Term {
        let some = |values: &[f64]| values.iter().copied().map(Some).collect();
        Term { values: some(values), base: base.map(some) }
    }

    #[test]
    fn seeds_first_then_what_it_is_relative_to_then_the_rest() {
        // Means 2 and 8; relative to 4 and 2: 0.5 and 4.
        let terms = [term(&[1.0, 3.0], Some(&[4.0, 4.0])), term(&[8.0, 8.0], Some(&[1.0, 3.0]))];
        assert_eq!(joined(&terms, Across::Mean, None), Some(2.25));
        let geometric = joined(&terms, Across::GeometricMean, None).unwrap();
        assert!((geometric - 2.0_f64.sqrt()).abs() < 1e-15);
        // A resample takes the same seeds of everything: the second twice.
        assert_eq!(joined(&terms, Across::Mean, Some(&[1, 1])), Some((3.0 / 4.0 + 8.0 / 3.0) / 2.0));
        // A part that is not random stays as it is.
        let mixed = [term(&[1.0, 3.0], None), term(&[5.0], None)];
        assert_eq!(joined(&mixed, Across::Mean, Some(&[0, 0])), Some(3.0));
    }

    #[test]
    fn a_value_that_lacks_a_part_is_missing() {
        let none = Term { values: vec![None, None], base: None };
        assert_eq!(joined(&[term(&[1.0, 3.0], None), none], Across::Mean, None), None);
        assert_eq!(joined(&[term(&[1.0], Some(&[0.0]))], Across::Mean, None), None);
        assert_eq!(joined(&[], Across::Mean, None), None);
        let zero = [term(&[0.0], None), term(&[1.0], None)];
        assert_eq!(joined(&zero, Across::GeometricMean, None), None);
        let some = Term { values: vec![None, Some(2.0), Some(4.0)], base: None };
        assert_eq!(joined(&[some], Across::Mean, None), Some(3.0));
    }

    #[test]
    fn a_series_holds_until_its_next_point() {
        let point = |time_s, value| SeriesPoint { time_s, value };
        let points = [point(1.0, Some(5.0)), point(2.0, None), point(3.0, Some(6.0))];
        let at = |time| held(&points, time);
        assert_eq!([0.5, 1.0, 1.9, 2.5, 9.0].map(at), [None, Some(5.0), Some(5.0), None, Some(6.0)]);
    }
}
