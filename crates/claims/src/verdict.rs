//! Verdicts: what measured values say of a claim, by rules and never by hand.
//!
//! 1. Under one reading a claim *holds* where the value and its whole interval are within the claim's bound, *fails*
//!    where neither the value nor any of the interval is, and is *undecided* where the interval reaches across.
//! 2. A claim *holds* if it holds under every reading that it lists; *holds only under* some if it holds under these and
//!    not under all; *does not* hold if it fails under all; and *cannot be judged* if it holds under none and is undecided
//!    under some.
//! 3. A claim with readings that were not measured is *not measured here yet*, unless it holds under one that was.
//! 4. A claim that a test of the project holds to the last digit holds. One without a measure cannot be judged.

use std::fmt;

use rtmm_sweep::statistics::Interval;
use rtmm_workload::input::{Table, Value};

use crate::quantity::Measured;

/// Bound within which a claim holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bound {
    low: Option<End>,
    high: Option<End>,
    /// The published number and the distance from it, of a bound that was stated so.
    around: Option<[f64; 2]>,
}

/// An end of a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
struct End {
    at: f64,
    /// True if the end itself is within the bound.
    is_within: bool,
}

/// Outcome of a claim under one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Value and interval are within the bound.
    Holds,
    /// None of the interval is.
    Fails,
    /// The interval reaches across the bound.
    Undecided,
}

impl Outcome {
    /// Word of tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Undecided => "undecided",
        }
    }
}

/// Verdict on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds under every reading, or a test of the project holds it.
    Holds,
    /// It holds under some readings.
    HoldsOnlyUnder,
    /// It fails under every reading.
    DoesNot,
    /// There is no measure of it, or the seeds do not decide it.
    CannotBeJudged,
    /// Readings were not measured.
    NotMeasured,
}

impl Verdict {
    /// All verdicts, in the order of tables.
    pub const ALL: [Self; 5] =
        [Self::Holds, Self::HoldsOnlyUnder, Self::DoesNot, Self::CannotBeJudged, Self::NotMeasured];

    /// Words of tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::HoldsOnlyUnder => "holds only under",
            Self::DoesNot => "does not",
            Self::CannotBeJudged => "cannot be judged",
            Self::NotMeasured => "not measured here yet",
        }
    }

    /// The verdict from the outcomes of all readings; `None` where one was not measured.
    #[must_use]
    pub fn of(outcomes: &[Option<Outcome>]) -> Self {
        let count = |wanted: Option<Outcome>| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        let held = count(Some(Outcome::Holds));
        match () {
            () if held > 0 && held == outcomes.len() => Self::Holds,
            () if held > 0 => Self::HoldsOnlyUnder,
            () if outcomes.is_empty() || count(None) > 0 => Self::NotMeasured,
            () if count(Some(Outcome::Undecided)) > 0 => Self::CannotBeJudged,
            () => Self::DoesNot,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Magnitude that no number of a claim exceeds.
const LARGEST: f64 = 1e12;

impl Bound {
    /// Reads `holds = { ... }`; `within` is a distance from the published number.
    pub(crate) fn decode(value: &Value<'_>, published: Option<f64>) -> Option<Self> {
        let table = value.table()?.named("`holds`");
        table.only(&["at_least", "at_most", "above", "below", "within"]);
        let number = |key: &str| table.optional(key, |value| value.number(-LARGEST..=LARGEST));
        let low = end(&table, ["at_least", "above"], number)?;
        let high = end(&table, ["at_most", "below"], number)?;
        if let Some(within) = table.get("within") {
            let distance = within.number(0.0..=LARGEST)?;
            let Some(published) = published else {
                return within
                    .reject("there is no published number", "add `published = ...`, or state a bound");
            };
            if low.is_some() || high.is_some() {
                return within.reject("there is another bound beside it", "remove one of them");
            }
            let end = |at| Some(End { at, is_within: true });
            let (low, high) = (end(published - distance), end(published + distance));
            return Some(Self { low, high, around: Some([published, distance]) });
        }
        if low.is_none() && high.is_none() {
            return value.reject("there is no bound", "such as `{ at_least = 2.5 }`, or `{ within = 0.1 }`");
        }
        if let (Some(low), Some(high)) = (low, high)
            && low.at > high.at
        {
            return value.reject("nothing is within these bounds", "swap them, or correct one");
        }
        Some(Self { low, high, around: None })
    }

    /// The outcome of a measured value.
    #[must_use]
    pub fn judge(&self, measured: &Measured) -> Outcome {
        let Interval { low, high } =
            measured.interval.unwrap_or(Interval { low: measured.value, high: measured.value });
        let all = [measured.value, low, high];
        if all.iter().all(|value| self.holds(*value)) {
            return Outcome::Holds;
        }
        let is_above = |value: f64| self.high.is_some_and(|end| !end.keeps_below(value));
        let is_below = |value: f64| self.low.is_some_and(|end| !end.keeps_above(value));
        if all.iter().all(|value| is_above(*value)) || all.iter().all(|value| is_below(*value)) {
            return Outcome::Fails;
        }
        Outcome::Undecided
    }

    fn holds(&self, value: f64) -> bool {
        self.low.is_none_or(|end| end.keeps_above(value))
            && self.high.is_none_or(|end| end.keeps_below(value))
    }
}

/// One end of a bound by its two keys, the first of which includes it; `None` where there is a problem.
fn end(table: &Table<'_>, keys: [&str; 2], number: impl Fn(&str) -> Option<f64>) -> Option<Option<End>> {
    let [first, second] = keys.map(|key| table.has(key));
    if first && second {
        let message = format!("there are both `{}` and `{}`", keys[0], keys[1]);
        table.report(table.problem(message).help("remove one of them"));
        return None;
    }
    if !first && !second {
        return Some(None);
    }
    let at = number(keys[usize::from(second)])?;
    Some(Some(End { at, is_within: first }))
}

impl End {
    fn keeps_above(self, value: f64) -> bool {
        value > self.at || (self.is_within && value == self.at)
    }

    fn keeps_below(self, value: f64) -> bool {
        value < self.at || (self.is_within && value == self.at)
    }
}

/// Such as `at least 27.2`, or `within 0.1 of 3`.
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = |end: End| format!("{} {}", if end.is_within { "at least" } else { "above" }, end.at);
        let high = |end: End| format!("{} {}", if end.is_within { "at most" } else { "below" }, end.at);
        if let Some([published, distance]) = self.around {
            return write!(f, "within {distance} of {published}");
        }
        match (self.low, self.high) {
            (Some(lower), Some(upper)) => write!(f, "{}, {}", low(lower), high(upper)),
            (Some(end), None) => f.write_str(&low(end)),
            (None, Some(end)) => f.write_str(&high(end)),
            (None, None) => f.write_str("any"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: f64, interval: Option<[f64; 2]>) -> Measured {
        let interval = interval.map(|[low, high]| Interval { low, high });
        Measured { value, interval, seeds: 20, places: 1 }
    }

    fn at_least(at: f64) -> Bound {
        Bound { low: Some(End { at, is_within: true }), ..Bound::default() }
    }

    #[test]
    fn a_claim_holds_where_the_whole_interval_does() {
        let bound = at_least(30.0);
        let judge = |value, interval| bound.judge(&measured(value, interval));
        assert_eq!(judge(30.0, None), Outcome::Holds);
        assert_eq!(judge(29.9, None), Outcome::Fails);
        assert_eq!(judge(33.0, Some([30.5, 35.0])), Outcome::Holds);
        assert_eq!(judge(33.0, Some([29.5, 35.0])), Outcome::Undecided);
        assert_eq!(judge(28.0, Some([26.0, 31.0])), Outcome::Undecided);
        assert_eq!(judge(28.0, Some([26.0, 29.9])), Outcome::Fails);
        let strict = Bound { low: Some(End { at: 0.0, is_within: false }), ..Bound::default() };
        assert_eq!(strict.judge(&measured(0.0, None)), Outcome::Fails);
        // An interval on both sides of a band is in none of it for certain.
        let band = Bound { high: Some(End { at: 40.0, is_within: true }), ..bound };
        assert_eq!(band.judge(&measured(35.0, Some([20.0, 50.0]))), Outcome::Undecided);
        assert_eq!(band.judge(&measured(41.0, Some([40.5, 50.0]))), Outcome::Fails);
        assert_eq!(band.to_string(), "at least 30, at most 40");
    }

    #[test]
    fn verdicts_follow_from_the_outcomes_of_all_readings() {
        use Outcome::{Fails, Holds, Undecided};
        let verdict = |outcomes: &[Option<Outcome>]| Verdict::of(outcomes);
        assert_eq!(verdict(&[Some(Holds), Some(Holds)]), Verdict::Holds);
        assert_eq!(verdict(&[Some(Holds), Some(Undecided)]), Verdict::HoldsOnlyUnder);
        assert_eq!(verdict(&[Some(Holds), None]), Verdict::HoldsOnlyUnder);
        assert_eq!(verdict(&[Some(Fails), None]), Verdict::NotMeasured);
        assert_eq!(verdict(&[None]), Verdict::NotMeasured);
        assert_eq!(verdict(&[Some(Fails), Some(Undecided)]), Verdict::CannotBeJudged);
        assert_eq!(verdict(&[Some(Fails), Some(Fails)]), Verdict::DoesNot);
    }
}
