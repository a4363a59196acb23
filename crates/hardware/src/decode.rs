//! Surroundings and modes of accelerators, which decoders of cost models take, and reasons why one is not divided.

use std::sync::Arc;

use thiserror::Error;

use crate::technology::Prices;

/// Facts that an accelerator's cost model may need beside its own keys.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Clock of the accelerator, in hertz.
    pub clock_hz: u64,
    /// Which behaviour is asked for.
    pub mode: Mode,
    /// True if layers that a published tool lacks are costed by stated rules, in [`Mode::Reference`]: a platform asks for the
    /// tool's costs. False where the tool itself is repeated, which refuses them.
    pub completed: bool,
    /// Prices of the platform's technology, which stand in for those that cost models have of their own; none without a
    /// technology, and in [`Mode::Reference`]: published tools have prices of their own.
    pub prices: Option<Arc<Prices>>,
}

impl Surroundings {
    /// A clock in hertz and a mode, without a technology.
    #[must_use]
    pub const fn new(clock_hz: u64, mode: Mode) -> Self {
        Self { clock_hz, mode, completed: false, prices: None }
    }

    /// The same with a technology.
    #[must_use]
    pub fn with(self, prices: Option<Arc<Prices>>) -> Self {
        Self { prices: prices.filter(|_| self.mode == Mode::Corrected), ..self }
    }

    /// The same for hardware whose static power is stated.
    pub(crate) fn without_leakage(self) -> Self {
        let prices = self.prices.map(|prices| Arc::new(prices.without_leakage()));
        Self { prices, ..self }
    }

    /// A price of the technology's, which `price` picks; without a technology `own`, the cost model's own.
    pub(crate) fn price(&self, own: f64, price: impl FnOnce(&Prices) -> f64) -> f64 {
        self.prices.as_deref().map_or(own, price)
    }
}

/// Corrected costs, or those of a published tool with its quirks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The default: right.
    #[default]
    Corrected,
    /// As the published tool computes, to the integer.
    Reference,
}

/// Why a cost model does not say what some of the units of its hardware cost.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Indivisible {
    /// The model knows nothing of units.
    #[error("the cost model does not derive what fewer units cost")]
    Unsupported,
    /// The hardware has a number of parts that cannot be dealt to so many units.
    #[error("{count} {what} cannot be divided into {units} equal units")]
    Uneven {
        /// The parts of the hardware.
        what: &'static str,
        /// Their number.
        count: u32,
        /// Number of units that there are to be.
        units: u32,
    },
    /// Share of something that is not enough for so few units.
    #[error("{units} of {of} units have too little of `{key}`")]
    Nothing {
        /// The key that states what all units have.
        key: &'static str,
        /// The number of units.
        units: u32,
        /// Number of all units.
        of: u32,
    },
}

impl Indivisible {
    /// A way out, for people who write platform files.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unsupported => {
                "add `part = [{ units = 1, ... }]`, with the keys that differ, or remove `division`"
                    .to_owned()
            }
            Self::Uneven { what, count, .. } => {
                let numbers = (2..=*count).filter(|units| count.is_multiple_of(*units));
                let numbers: Vec<String> = numbers.map(|units| units.to_string()).collect();
                match &numbers[..] {
                    [] => format!("state more {what}, or remove `division`"),
                    _ => format!("a number of units that divides {count} is one of: {}", numbers.join(", ")),
                }
            }
            Self::Nothing { key, .. } => {
                format!("raise `{key}`, or list the numbers of units that runs may hold in `part`")
            }
        }
    }
}
