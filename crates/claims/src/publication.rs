//! Publications: their claims, and the readings under which these are measured.

use std::ops::Range;

use rtmm_workload::input::Source;

use crate::quantity::Quantity;
use crate::reading::Reading;
use crate::verdict::Bound;

/// A publication, or several of one line of work.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Name on the command line.
    pub name: String,
    /// Title, or subject.
    pub title: String,
    /// Authors, venue, year.
    pub source: String,
    /// Settings under which claims are measured.
    pub readings: Vec<Reading>,
    /// The claims, by number.
    pub claims: Vec<Claim>,
    /// The text that it was read from, for problems that a sweep shows.
    pub text: Source,
}

/// A claim of a publication.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Number within the publication.
    pub number: u32,
    /// The claim in this project's words.
    pub text: String,
    /// Place of the publication where it stands, such as its abstract.
    pub source: String,
    /// Confidence in the wording and the number.
    pub confidence: Confidence,
    /// Published number; none of a claim without one.
    pub published: Option<f64>,
    /// Unit of the number and of the quantity; empty for a bare number.
    pub unit: String,
    /// Measure of the claim.
    pub evidence: Evidence,
    /// Place of the claim in its file.
    pub range: Range<usize>,
}

/// Confidence in the wording and the number of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// It was read in the publication, its abstract or its artifact.
    Read,
    /// It is remembered, and was not checked against the text.
    Remembered,
}

impl Confidence {
    /// Word of files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Remembered => "remembered",
        }
    }
}

/// Measure of a claim.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// A quantity of sweeps under readings.
    Measured {
        /// The number that is measured.
        quantity: Quantity,
        /// Numbers with which the claim holds.
        bound: Bound,
        /// Positions of the readings in the publication.
        readings: Vec<usize>,
        /// True if the published number is of the seeds of the readings: the value alone is judged then.
        is_of_these_seeds: bool,
    },
    /// A test of the project, which fails where the claim does not hold.
    Tested {
        /// Number that the test holds to, in words.
        ours: String,
        /// The command that runs it.
        command: String,
    },
    /// None.
    Unjudged {
        /// Reason why there is none.
        reason: String,
    },
}

impl Publication {
    /// The claim of a number.
    #[must_use]
    pub fn claim(&self, number: u32) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.number == number)
    }
}

impl Claim {
    /// The published number with its unit; empty where there is none.
    #[must_use]
    pub fn published_text(&self) -> String {
        self.published.map(|number| with_unit(&number.to_string(), &self.unit)).unwrap_or_default()
    }

    /// Positions of its readings in the publication.
    #[must_use]
    pub fn readings(&self) -> &[usize] {
        match &self.evidence {
            Evidence::Measured { readings, .. } => readings,
            Evidence::Tested { .. } | Evidence::Unjudged { .. } => &[],
        }
    }
}

/// A number with its unit.
#[must_use]
pub fn with_unit(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
}
