//! Sparsity-ratio predictors: how much slower or faster a sample is than the average one.
//!
//! A measured layer gives the ratio of its density to the layer's average density. From the ratios of
//! the layers that ran, a predictor makes the factor gamma by which the estimate of what remains is
//! multiplied. Before the first layer gamma is 1.

use serde::Serialize;

/// Number of ratios that [`Predictor::LastN`] takes.
pub const LAST_N: usize = 3;

/// Rule by which ratios become gamma.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Predictor {
    /// The mean over all layers that ran. Quirk 6: the program uses this one, though it is described
    /// as the last layer's.
    #[default]
    AverageAll,
    /// The sum of the last three ratios, divided by three. Quirk 5: also where fewer layers ran.
    LastN,
    /// The last layer's.
    LastOne,
}

impl Predictor {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AverageAll, Self::LastN, Self::LastOne];

    /// The name, in kebab case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AverageAll => "average-all",
            Self::LastN => "last-n",
            Self::LastOne => "last-one",
        }
    }

    /// The predictor of a name; underscores may stand for hyphens.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name.replace('_', "-"))
    }
}

/// The ratios of the layers that one task ran, as far as predictors need them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ratios {
    count: u32,
    /// From left to right: a longer prefix only appends to it.
    sum: f64,
    /// The last ones, the latest last.
    last: [f64; LAST_N],
}

impl Ratios {
    /// Adds what a layer had: its measured sparsity, and its average one (below 1).
    pub fn measure(&mut self, measured: f64, average: f64) {
        let ratio = (1.0 - measured) / (1.0 - average);
        self.count += 1;
        self.sum += ratio;
        self.last.rotate_left(1);
        self.last[LAST_N - 1] = ratio;
    }

    /// Gamma; `divide_by_count` fixes quirk 5.
    #[must_use]
    pub fn gamma(&self, predictor: Predictor, divide_by_count: bool) -> f64 {
        if self.count == 0 {
            return 1.0;
        }
        match predictor {
            Predictor::AverageAll => self.sum / f64::from(self.count),
            Predictor::LastN => {
                let taken = LAST_N.min(self.count as usize);
                let sum = super::sums::sum(&self.last[LAST_N - taken..]);
                sum / if divide_by_count { taken as f64 } else { LAST_N as f64 }
            }
            Predictor::LastOne => self.last[LAST_N - 1],
        }
    }
}
