//! Shares of the streaming multiprocessors of a GPU.

/// Share of the streaming multiprocessors (SMs) that an inference may use, in millionths of all: above 0, at most all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    /// The whole GPU.
    pub const WHOLE: Self = Self(1_000_000);

    /// A share in percent, to the nearest millionth of the GPU; none unless it is above 0 and at most 100.
    #[must_use]
    pub fn percent(percent: f64) -> Option<Self> {
        let millionths = (percent * 1e4).round();
        (1.0..=1e6).contains(&millionths).then_some(Self(millionths as u32))
    }

    /// The share in percent.
    #[must_use]
    pub fn in_percent(self) -> f64 {
        f64::from(self.0) / 1e4
    }

    /// The share as a fraction of 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

/// The whole GPU.
impl Default for Share {
    fn default() -> Self {
        Self::WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_above_nothing_and_at_most_the_whole() {
        assert_eq!(Share::percent(100.0), Some(Share::WHOLE));
        assert_eq!(Share::percent(2.5).map(Share::fraction), Some(0.025));
        for percent in [0.0, -1.0, 100.1, f64::NAN, f64::INFINITY, 0.000_01] {
            assert_eq!(Share::percent(percent), None, "{percent}");
        }
    }
}
