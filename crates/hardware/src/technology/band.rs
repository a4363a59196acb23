//! Levels of a price: how low and how high sources put it.

use rtmm_workload::input::Value;

/// The largest price, in picojoules, microwatts or multiply-accumulates.
const MAX_PRICE: f64 = 1e9;

/// Which of the prices that sources give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// The lowest that is plausible.
    Low,
    /// The usual one.
    #[default]
    Typical,
    /// The highest that is plausible.
    High,
}

impl Level {
    /// All levels, with their names in files.
    pub const ALL: [(&'static str, Self); 3] =
        [("low", Self::Low), ("typical", Self::Typical), ("high", Self::High)];

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Typical => "typical",
            Self::High => "high",
        }
    }

    /// The level of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, level)| level)
    }
}

/// A price at all levels; low is at most typical, and typical at most high.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    pub(super) low: f64,
    pub(super) typical: f64,
    pub(super) high: f64,
}

impl Band {
    /// The price at a level.
    #[must_use]
    pub const fn at(self, level: Level) -> f64 {
        match level {
            Level::Low => self.low,
            Level::Typical => self.typical,
            Level::High => self.high,
        }
    }

    /// Reads a number, or a table with `typical`, and `low` and `high` where they differ from it.
    pub(super) fn decode(value: &Value<'_>) -> Option<Self> {
        if !value.is_table() {
            let typical = number(value)?;
            return Some(Self { low: typical, typical, high: typical });
        }
        let table = value.table()?.named("this price");
        table.only(&["node_nm", "low", "typical", "high"]);
        let typical = table.required("typical", number);
        let (low, high) = (table.optional("low", number), table.optional("high", number));
        let typical = typical?;
        let (low, high) = (low.unwrap_or(typical), high.unwrap_or(typical));
        if low > typical || typical > high {
            let message = format!("the levels are out of order: low {low}, typical {typical}, high {high}");
            return value.reject(message, "low is at most typical, and typical at most high");
        }
        Some(Self { low, typical, high })
    }
}

/// A price; a zero with a sign would be another text in the identity.
pub(super) fn number(value: &Value<'_>) -> Option<f64> {
    value.number(0.0..=MAX_PRICE).map(f64::abs)
}
