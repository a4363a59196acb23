//! A conclusion in sentences. Names stand in backticks.

use rtmm_sweep::ranking::{Estimated, Ranked, Sampling, Verdict};
use rtmm_sweep::runner::{Better, Column};
use rtmm_sweep::statistics::{CONFIDENCE, Interval, MINIMUM_SAMPLES};

use super::conclusion::{Cheapest, Competition, Conclusion, Outcome};
use super::undone::{Completions, ENOUGH, Undone, Won};
use crate::report::reading::{decimals, factor_of, name_of, unit_of};
use crate::text::fixed;

/// The most names of a list in a sentence.
const MAX_NAMES: usize = 4;

/// The paragraphs of a conclusion; `names` are those of the competitors, or of what was run where nothing competes.
pub(in super::super) fn paragraphs(conclusion: &Conclusion, names: &[String]) -> Vec<String> {
    let said = match &conclusion.outcome {
        Outcome::Alone { value, spent } => vec![alone(conclusion, names, *value, *spent)],
        Outcome::Ranked(competition) => {
            let words = Words { conclusion, competition, names };
            let said = [Some(words.ranking()), words.expense()].into_iter().flatten();
            said.chain(words.undone()).chain(words.unranked()).collect()
        }
    };
    said.into_iter().chain([basis(conclusion)]).filter(|text| !text.is_empty()).collect()
}

/// Values of a column as texts.
struct Format {
    factor: f64,
    decimals: u8,
    unit: String,
    points: &'static str,
}

impl Format {
    fn of(column: &Column, values: impl Iterator<Item = f64>) -> Self {
        let factor = factor_of(column);
        let unit = unit_of(column);
        let points = if unit.as_deref() == Some("%") { " percentage points" } else { "" };
        Self {
            factor,
            decimals: decimals(column.unit, values.map(|value| value * factor)),
            unit: unit.map_or_else(String::new, |unit| format!(" {unit}")),
            points,
        }
    }

    fn number(&self, value: f64) -> String {
        if value == 0.0 {
            return "0".to_owned();
        }
        fixed(value * self.factor, self.decimals)
    }

    /// A value with its unit.
    fn value(&self, value: f64) -> String {
        format!("{}{}", self.number(value), self.unit)
    }

    /// A difference with its unit, one decimal more than values, without its sign.
    fn distance(&self, value: f64) -> String {
        let text = fixed((value * self.factor).abs(), self.decimals.saturating_add(1));
        let unit = if self.points.is_empty() { &self.unit } else { self.points };
        format!("{text}{unit}")
    }

    fn interval(&self, interval: Interval) -> String {
        format!("{} to {}", self.number(interval.low), self.number(interval.high))
    }
}

fn percent() -> String {
    format!("{} %", fixed(100.0 * CONFIDENCE, 0))
}

/// A value with its interval in parentheses.
fn with_interval(format: &Format, value: f64, interval: Option<Interval>) -> String {
    match interval.filter(|interval| interval.low < interval.high) {
        Some(interval) => {
            format!("{} ({} interval {})", format.value(value), percent(), format.interval(interval))
        }
        None => format.value(value),
    }
}

fn alone(conclusion: &Conclusion, names: &[String], value: Estimated, spent: Option<Estimated>) -> String {
    let format = Format::of(&conclusion.metric, std::iter::once(value.value));
    let name = names.first().map_or("", String::as_str);
    let mut text = format!(
        "The {} of {name} is {}",
        name_of(&conclusion.metric),
        with_interval(&format, value.value, value.interval)
    );
    if let (Some(expense), Some(spent)) = (&conclusion.expense, spent) {
        let format = Format::of(expense, std::iter::once(spent.value));
        let shown = with_interval(&format, spent.value, spent.interval);
        text.push_str(&format!(", its {} {shown}", name_of(expense)));
    }
    text.push('.');
    text
}

/// Basis of the values: the means that they are, and the way they are compared.
fn basis(conclusion: &Conclusion) -> String {
    let mut parts: Vec<String> =
        conclusion.means_over.iter().map(|(count, what)| format!("{count} {what}")).collect();
    if let Sampling::Few(seeds @ 2..) | Sampling::Seeds(seeds) = conclusion.sampling {
        parts.push(format!("{seeds} seeds"));
    }
    let mut text =
        if parts.is_empty() { String::new() } else { format!("Means over {}.", list(&parts, usize::MAX)) };
    let competes = matches!(conclusion.outcome, Outcome::Ranked(_));
    let how = match conclusion.sampling {
        Sampling::Exact => "Nothing in these scenarios is random: values are exact.".to_owned(),
        Sampling::Few(seeds) => {
            let seeds = if seeds == 1 { "One seed is".to_owned() } else { format!("{seeds} seeds are") };
            let order = if competes { ": the order may be chance" } else { "" };
            format!("{seeds} too few for intervals, which need {MINIMUM_SAMPLES}{order}.")
        }
        Sampling::Seeds(_) if competes => format!(
            "Intervals are {} percentile bootstraps over seeds. Two are told apart where that of their difference, seed \
             by seed, excludes zero.",
            percent()
        ),
        Sampling::Seeds(_) => format!("Intervals are {} percentile bootstraps over seeds.", percent()),
    };
    if !text.is_empty() {
        text.push(' ');
    }
    text + &how
}

struct Words<'w> {
    conclusion: &'w Conclusion,
    competition: &'w Competition,
    names: &'w [String],
}

impl Words<'_> {
    fn name(&self, competitor: usize) -> String {
        format!("`{}`", self.names.get(competitor).map_or("", String::as_str))
    }

    /// Names of competitors that the ranking has in these relations to the best.
    fn those(&self, is: impl Fn(&Verdict) -> bool) -> Vec<String> {
        let ranked = self.competition.ranking.ranked.iter().filter(|ranked| is(&ranked.verdict));
        ranked.map(|ranked| self.name(ranked.competitor)).collect()
    }

    fn ranking(&self) -> String {
        let ranking = &self.competition.ranking;
        let Some(best) = ranking.best() else { return String::new() };
        let values = ranking.ranked.iter().map(|ranked| ranked.value);
        let format = Format::of(&self.conclusion.metric, values);
        let metric = name_of(&self.conclusion.metric);
        let (most, least, beyond) = match ranking.better {
            Better::Lower => ("lowest", "highest", "above"),
            Better::Higher => ("highest", "lowest", "below"),
        };
        let value = with_interval(&format, best.value, best.interval);
        let equal = self.those(|verdict| matches!(verdict, Verdict::Equal));
        let mut said = Vec::new();
        if equal.len() + 1 == ranking.ranked.len() && ranking.ranked.len() > 1 {
            said.push(format!("The {metric} is the same under every choice, in each case: {value}."));
        } else if equal.is_empty() {
            said.push(format!("{} has the {most} {metric}: {value}.", self.name(best.competitor)));
        } else {
            let all: Vec<String> = std::iter::once(self.name(best.competitor)).chain(equal).collect();
            let all = list(&all, MAX_NAMES);
            said.push(format!("{all} have the {most} {metric}, equal in each case: {value}."));
        }
        said.extend(self.told_apart(&format, beyond));
        let last = ranking.ranked.last().filter(|last| matches!(last.verdict, Verdict::Behind(_)));
        if let Some(last) = last.filter(|_| self.behind().count() > 1) {
            let (name, value) = (self.name(last.competitor), format.value(last.value));
            said.push(format!("{name} has the {least}: {value}."));
        }
        said.join(" ")
    }

    fn behind(&self) -> impl Iterator<Item = (&Ranked, Estimated)> {
        self.competition.ranking.ranked.iter().filter_map(|ranked| match ranked.verdict {
            Verdict::Behind(difference) => Some((ranked, difference)),
            _ => None,
        })
    }

    /// Competitors that are not told apart from the best, and the first that is.
    fn told_apart(&self, format: &Format, beyond: &str) -> Vec<String> {
        let mut said = Vec::new();
        let tied = self.those(|verdict| matches!(verdict, Verdict::NotToldApart(_)));
        if !tied.is_empty() {
            let is = if tied.len() == 1 { "is" } else { "are" };
            said.push(format!("{} {is} not told apart from it.", list(&tied, MAX_NAMES)));
        }
        if let Some((next, difference)) = self.behind().next() {
            let interval = difference.interval.filter(|interval| interval.low < interval.high);
            let interval = interval.map_or_else(String::new, |interval| {
                let mut ends = [interval.low, interval.high].map(f64::abs);
                ends.sort_by(f64::total_cmp);
                let decimals = format.decimals.saturating_add(1);
                let [low, high] = ends.map(|end| fixed(end * format.factor, decimals));
                format!(" ({low} to {high})")
            });
            let (name, distance) = (self.name(next.competitor), format.distance(difference.value));
            let next =
                if tied.is_empty() { format!("{name}, the next,") } else { format!("The next, {name},") };
            said.push(format!("{next} is {distance} {beyond} it{interval}."));
        }
        said
    }

    /// Sentence on the competitor that spends least.
    fn expense(&self) -> Option<String> {
        let expense = self.conclusion.expense.as_ref()?;
        let Cheapest { competitor, value, spent, verdict, relative } = self.competition.cheapest.as_ref()?;
        // Without stated energies all are 0, which says nothing.
        if *spent == 0.0 {
            return None;
        }
        let best = self.name(self.competition.ranking.best()?.competitor);
        let (name, what) = (self.name(*competitor), name_of(expense));
        let format = Format::of(expense, std::iter::once(*spent));
        let metric = name_of(&self.conclusion.metric);
        let values = self.competition.ranking.ranked.iter().map(|ranked| ranked.value);
        let at = Format::of(&self.conclusion.metric, values).value(*value);
        let less = relative.as_ref().map(|relative| {
            let share = |value: f64| fixed(100.0 * value.abs(), 1);
            let interval = relative.interval.filter(|interval| interval.low < interval.high);
            let interval = interval.map_or_else(String::new, |interval| {
                format!(" ({} interval {} to {})", percent(), share(interval.high), share(interval.low))
            });
            format!("{} % less than {best}{interval}", share(relative.value))
        });
        let less = less.unwrap_or_else(|| format!("less than {best}"));
        Some(match verdict {
            Verdict::Best => format!("Nothing spends less {what} than {best}: {}.", format.value(*spent)),
            Verdict::Equal => {
                format!("{name} spends the least {what}, as much as {best}: {}.", format.value(*spent))
            }
            Verdict::Behind(_) => {
                format!("{name} spends the least {what}: {less}, at a {metric} of {at}.")
            }
            Verdict::NotToldApart(_) => {
                format!(
                    "{name} spends the least {what}, but is not told apart from {best} by it: {}.",
                    format.value(*spent)
                )
            }
            Verdict::Unknown(_) => format!("{name} spends the least {what}: {less}, at a {metric} of {at}."),
        })
    }

    /// A paragraph for each competitor that is first by metrics which leaving work undone wins.
    fn undone(&self) -> Vec<String> {
        let Some(completions) = &self.competition.completions else { return Vec::new() };
        completions.undone.iter().map(|undone| self.undone_by(completions, undone)).collect()
    }

    fn undone_by(&self, completions: &Completions, undone: &Undone) -> String {
        let Undone { competitor, completed, metrics } = undone;
        let (most, greatest) = completions.most;
        let share = Format::of(&completions.column, [*completed, greatest].into_iter());
        let value = |won: &Won, value: f64| {
            let values = [won.value].into_iter().chain(won.next.map(|(_, value)| value));
            Format::of(&won.column, values).value(value)
        };
        let by: Vec<String> = metrics
            .iter()
            .map(|won| format!("{} ({})", name_of(&won.column), value(won, won.value)))
            .collect();
        let why = match metrics.len() {
            1 => "Leaving work undone makes it better: it is not enough by itself.",
            _ => "Leaving work undone makes them better: none of them is enough by itself.",
        };
        let mut said = vec![
            format!(
                "{} is first by {}, and completes {} of the jobs, where {} completes {}.",
                self.name(*competitor),
                list(&by, usize::MAX),
                share.value(*completed),
                self.name(most),
                share.value(greatest)
            ),
            why.to_owned(),
        ];
        let next = |won: &Won| {
            let (next, of_next) = won.next?;
            Some(format!("{} by {} ({})", self.name(next), name_of(&won.column), value(won, of_next)))
        };
        let next: Vec<String> = metrics.iter().filter_map(next).collect();
        if !next.is_empty() {
            let (enough, first) = (fixed(100.0 * ENOUGH, 0), list(&next, usize::MAX));
            let is = if next.len() == 1 { "is" } else { "are" };
            said.push(format!("Of those that complete at least {enough} % of that, first {is} {first}."));
        }
        said.join(" ")
    }

    /// Sentence on competitors that lack values.
    fn unranked(&self) -> Option<String> {
        let names: Vec<String> =
            self.competition.ranking.unranked.iter().map(|competitor| self.name(*competitor)).collect();
        if names.is_empty() {
            return None;
        }
        let lack = if names.len() == 1 { "lacks" } else { "lack" };
        Some(format!("{} {lack} a value in some of the runs, and is in no ranking.", list(&names, MAX_NAMES)))
    }
}

/// A list in a sentence, of which so many items are named.
fn list(items: &[String], most: usize) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        _ if items.len() > most => format!("{} and {} more", items[..most].join(", "), items.len() - most),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_aloud() {
        let items = |count: usize| (1..=count).map(|item| item.to_string()).collect::<Vec<_>>();
        assert_eq!(
            [0, 1, 2, 3, 6].map(|count| list(&items(count), 4)),
            ["", "1", "1 and 2", "1, 2 and 3", "1, 2, 3, 4 and 2 more"]
        );
    }
}
