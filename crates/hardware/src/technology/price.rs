//! Energies of events as a cost model has them, for people and for comparisons.

use super::prices::Prices;
use crate::explain::Section;

/// Event that has a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceOf {
    /// A multiply-accumulate of elements of so many bytes.
    Mac {
        /// Bytes of an element.
        element_bytes: u64,
    },
    /// A vector operation.
    Vector,
    /// An access to a memory on chip, by the name of the memory.
    Buffer(&'static str),
    /// A transfer on chip.
    Bus,
    /// A transfer to or from off-chip memory.
    Dram,
    /// A cycle, whatever happens in it.
    Static,
}

impl PriceOf {
    /// The event in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mac { .. } => "multiply-accumulate",
            Self::Vector => "vector operation",
            Self::Buffer(name) => name,
            Self::Bus => "bus",
            Self::Dram => "off-chip memory",
            Self::Static => "static",
        }
    }
}

/// Energy of one event of a cost model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// The event.
    pub of: PriceOf,
    /// Picojoules of one.
    pub picojoules: f64,
    /// Noun of one: an operation, an element, a byte, a cycle.
    pub per: &'static str,
    /// Bytes of the memory, where it is one and they are stated.
    pub capacity: Option<u64>,
}

impl Price {
    /// A price of something without a capacity.
    #[must_use]
    pub const fn new(of: PriceOf, picojoules: f64, per: &'static str) -> Self {
        Self { of, picojoules, per, capacity: None }
    }

    /// The price of a memory.
    #[must_use]
    pub const fn buffer(
        name: &'static str,
        picojoules: f64,
        per: &'static str,
        capacity: Option<u64>,
    ) -> Self {
        Self { of: PriceOf::Buffer(name), picojoules, per, capacity }
    }

    /// Picojoules and bytes of an operand of the multiply-accumulate among the prices of a cost model.
    fn mac(prices: &[Self]) -> Option<(f64, u64)> {
        prices.iter().find_map(|price| match price.of {
            PriceOf::Mac { element_bytes } => Some((price.picojoules, element_bytes)),
            _ => None,
        })
    }
}

impl Section {
    /// The prices of a cost model, with the technology of its platform where there is one; none where it has no prices.
    #[must_use]
    pub fn prices(prices: &[Price], technology: Option<&Prices>) -> Option<Self> {
        let title = match technology {
            Some(technology) => {
                format!("Prices; where the platform states none: technology {}", technology.label())
            }
            None => "Prices".to_owned(),
        };
        let row = |price: &Price| {
            let capacity = match price.of {
                PriceOf::Buffer(_) => {
                    price.capacity.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string())
                }
                _ => String::new(),
            };
            Self::row(&[&price.of.name(), &price.picojoules, &price.per, &capacity])
        };
        let rows: Vec<Vec<String>> = prices.iter().map(row).collect();
        (!rows.is_empty()).then(|| Self::new(title, &["event", "pJ", "of one", "bytes of the memory"], rows))
    }
}

/// Factor by which prices of multiply-accumulates may differ on one platform before they are worth a word.
const APART: f64 = 2.0;

/// The two cost models of a platform that price a multiply-accumulate furthest apart, as positions in `models` with the
/// prices in picojoules, the lower first; none where they are at most twice apart. Prices that the platform's technology
/// gives for different precisions are its own matter.
#[must_use]
pub fn apart(models: &[Vec<Price>], technology: Option<&Prices>) -> Option<[(usize, f64); 2]> {
    let mut priced: Vec<(usize, f64, bool)> = Vec::new();
    for (index, prices) in models.iter().enumerate() {
        if let Some((picojoules, element_bytes)) = Price::mac(prices) {
            let drawn = technology.is_some_and(|prices| prices.mac(element_bytes) == picojoules);
            priced.push((index, picojoules, drawn));
        }
    }
    let pairs = priced.iter().flat_map(|one| priced.iter().map(move |other| (one, other)));
    pairs
        .filter(|((_, low, low_drawn), (_, high, high_drawn))| {
            *high > APART * *low && !(*low_drawn && *high_drawn)
        })
        // Of equals the first, so that the order of accelerators decides.
        .reduce(|best, pair| if pair.1.1 * best.0.1 > best.1.1 * pair.0.1 { pair } else { best })
        .map(|((low, low_pj, _), (high, high_pj, _))| [(*low, *low_pj), (*high, *high_pj)])
}
