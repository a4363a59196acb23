//! The ledger: claims beside what was measured of them, as tables have it.

use rtmm_sweep::statistics::Interval;

use crate::publication::{Claim, Evidence, Publication, with_unit};
use crate::quantity::Measured;
use crate::reading::Reading;
use crate::verdict::{Outcome, Verdict};

/// State of a claim under a reading.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It was not measured.
    Missing,
    /// It was measured.
    Measured {
        /// The value.
        measured: Measured,
        /// False where the program or an input has changed since.
        is_current: bool,
    },
    /// It was run and has no value, for a reason in a lower-case fragment.
    Failed(String),
}

/// A claim with its values.
#[derive(Clone, Debug)]
pub struct Line<'p> {
    /// The publication.
    pub publication: &'p Publication,
    /// The claim.
    pub claim: &'p Claim,
    /// Its readings, with what is known under each.
    pub readings: Vec<Under<'p>>,
    /// The verdict.
    pub verdict: Verdict,
}

/// A claim under one reading.
#[derive(Clone, Debug)]
pub struct Under<'p> {
    /// The reading.
    pub reading: &'p Reading,
    /// Value, if there is one.
    pub state: State,
    /// Outcome, if there is a value.
    pub outcome: Option<Outcome>,
}

impl<'p> Line<'p> {
    /// The line of a claim under those of its readings for which `state` says anything.
    #[must_use]
    pub fn new(
        publication: &'p Publication,
        claim: &'p Claim,
        state: impl Fn(&Reading) -> Option<State>,
    ) -> Self {
        let readings = claim.readings().iter().filter_map(|reading| {
            let reading = publication.readings.get(*reading)?;
            let state = state(reading)?;
            let outcome = match (&claim.evidence, &state) {
                (Evidence::Measured { bound, is_of_these_seeds, .. }, State::Measured { measured, .. }) => {
                    let interval = measured.interval.filter(|_| !is_of_these_seeds);
                    Some(bound.judge(&Measured { interval, ..*measured }))
                }
                _ => None,
            };
            Some(Under { reading, state, outcome })
        });
        let readings: Vec<Under<'p>> = readings.collect();
        let verdict = match &claim.evidence {
            Evidence::Measured { .. } => {
                Verdict::of(&readings.iter().map(|under| under.outcome).collect::<Vec<_>>())
            }
            Evidence::Tested { .. } => Verdict::Holds,
            Evidence::Unjudged { .. } => Verdict::CannotBeJudged,
        };
        Self { publication, claim, readings, verdict }
    }

    /// The verdict with the readings under which the claim holds, where it does not hold under all.
    #[must_use]
    pub fn verdict_text(&self) -> String {
        let held = self.readings.iter().filter(|under| under.outcome == Some(Outcome::Holds));
        let held: Vec<&str> = held.map(|under| under.reading.name.as_str()).collect();
        match self.verdict {
            Verdict::HoldsOnlyUnder => format!("{} {}", self.verdict, held.join(", ")),
            Verdict::Holds if matches!(self.claim.evidence, Evidence::Tested { .. }) => {
                format!("{}, by a test", self.verdict)
            }
            verdict => verdict.to_string(),
        }
    }

    /// Our value under each reading, or the reason why there is none.
    #[must_use]
    pub fn ours(&self) -> Vec<String> {
        match &self.claim.evidence {
            Evidence::Tested { ours, .. } => vec![ours.clone()],
            Evidence::Unjudged { reason } => vec![reason.clone()],
            Evidence::Measured { .. } => self.readings.iter().map(|under| self.under(under)).collect(),
        }
    }

    fn under(&self, under: &Under<'_>) -> String {
        let name = &under.reading.name;
        match &under.state {
            State::Missing => format!("{name}: not measured here yet"),
            State::Failed(reason) => format!("{name}: none, since {reason}"),
            State::Measured { measured, is_current } => {
                let shown = show(measured, self.claim);
                let outcome = under.outcome.map_or("", Outcome::name);
                let note = if *is_current { "" } else { ", before a change of inputs" };
                format!("{name}: {shown} ({outcome}{note})")
            }
        }
    }

    /// The bound, in words; empty where nothing is measured.
    #[must_use]
    pub fn bound(&self) -> String {
        match &self.claim.evidence {
            Evidence::Measured { bound, .. } => with_unit(&bound.to_string(), &self.claim.unit),
            Evidence::Tested { .. } | Evidence::Unjudged { .. } => String::new(),
        }
    }

    /// The command that measures or tests the claim.
    #[must_use]
    pub fn command(&self) -> String {
        match &self.claim.evidence {
            Evidence::Tested { command, .. } => command.clone(),
            Evidence::Measured { .. } => {
                format!("rtmm reproduce {} --claim {}", self.publication.name, self.claim.number)
            }
            Evidence::Unjudged { .. } => String::new(),
        }
    }
}

/// Number of claims by verdict, in the order of [`Verdict::ALL`].
#[must_use]
pub fn totals(lines: &[Line<'_>]) -> [usize; Verdict::ALL.len()] {
    Verdict::ALL.map(|verdict| lines.iter().filter(|line| line.verdict == verdict).count())
}

/// The totals as a sentence without its end: verdicts that occur, with their counts.
#[must_use]
pub fn totals_text(lines: &[Line<'_>]) -> String {
    let counts = Verdict::ALL.iter().zip(totals(lines)).filter(|(_, count)| *count > 0);
    counts.map(|(verdict, count)| format!("{count} {verdict}")).collect::<Vec<_>>().join(", ")
}

/// A value with its unit and its interval, with the decimals of the published number or three significant digits.
fn show(measured: &Measured, claim: &Claim) -> String {
    let published = claim.published.map(|number| number.to_string()).unwrap_or_default();
    let stated = published.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let decimals = stated.max(decimals_of(measured.value));
    let text = |value: f64| {
        let text = format!("{value:.decimals$}");
        // Minus nothing is nothing.
        if text.parse() == Ok(0.0) { text.trim_start_matches('-').to_owned() } else { text }
    };
    let shown = with_unit(&text(measured.value), &claim.unit);
    match measured.interval {
        Some(Interval { low, high }) if text(low) != text(high) => {
            format!("{shown} [{}, {}]", text(low), text(high))
        }
        _ => shown,
    }
}

/// Decimals that show three significant digits, at most six.
fn decimals_of(value: f64) -> usize {
    let magnitude = value.abs();
    let bounds = [100.0, 10.0, 1.0, 0.1, 0.01, 0.001];
    match bounds.iter().position(|bound| magnitude >= *bound) {
        Some(position) => position,
        None if magnitude == 0.0 => 2,
        None => 6,
    }
}
