//! Integer energy: whole femtojoules, so that sums are exact in any order.
//!
//! Cost models state [`EnergyParts`] in picojoules. They become whole femtojoules once a layer, to the nearest; a part
//! of a layer is a difference of floors ([`Energy::before`]), so that however a layer is cut, its parts add up to it.

use std::ops::{Add, AddAssign};

use serde::Serialize;

const FEMTOJOULES_PER_PICOJOULE: f64 = 1e3;

/// Energy of a layer, a segment or a job, in whole femtojoules. Stays at its greatest value, about 18 kilojoules, rather
/// than wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Energy(u64);

/// Sum of energies of any number of jobs, in whole femtojoules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EnergyTotal(u128);

/// Energy by component: in picojoules as cost models state it, or in [`Energy`] and [`EnergyTotal`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EnergyParts<E = f64> {
    /// Multiply-accumulates and vector operations.
    pub mac: E,
    /// Buffers beside the processing elements.
    pub l1: E,
    /// The accelerator's own shared buffer.
    pub l2: E,
    /// Off-chip memory.
    pub dram: E,
    /// Static energy: leakage over the layer's latency.
    #[serde(rename = "static")]
    pub static_energy: E,
}

impl Energy {
    /// No energy at all.
    pub const ZERO: Self = Self(0);
    /// The greatest energy, about 18 kilojoules.
    pub const MAX: Self = Self(u64::MAX);

    /// An energy of `femtojoules`.
    #[must_use]
    pub const fn from_femtojoules(femtojoules: u64) -> Self {
        Self(femtojoules)
    }

    /// The nearest energy to `picojoules`; zero for less and for what is no number.
    #[inline]
    #[must_use]
    pub fn from_picojoules(picojoules: f64) -> Self {
        Self::nearest(picojoules * FEMTOJOULES_PER_PICOJOULE)
    }

    /// Halves up. Casts go to the nearest end of the range, and what is no number becomes zero.
    #[inline]
    fn nearest(femtojoules: f64) -> Self {
        // Signed integers convert in one step; below 2^53 all are exact.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if (0.0..EXACT).contains(&femtojoules) {
            let whole = femtojoules as i64;
            return Self((whole + i64::from(femtojoules - whole as f64 >= 0.5)) as u64);
        }
        let whole = femtojoules as u64;
        Self(whole.saturating_add(u64::from(femtojoules - whole as f64 >= 0.5)))
    }

    /// Femtojoules.
    #[must_use]
    pub const fn femtojoules(self) -> u64 {
        self.0
    }

    /// Picojoules; above 2^53 femtojoules, about 9 joules, rounded.
    #[must_use]
    pub fn picojoules(self) -> f64 {
        self.0 as f64 / FEMTOJOULES_PER_PICOJOULE
    }

    /// The part of this energy that the first `done` of `all` equal steps take, rounded down; all of it where there are no
    /// steps. Parts between two counts are differences, and so add up to the whole.
    #[must_use]
    pub fn before(self, done: u64, all: u64) -> Self {
        if done >= all {
            return self;
        }
        let part = u128::from(self.0) * u128::from(done) / u128::from(all);
        // Never above the whole.
        Self(u64::try_from(part).unwrap_or(self.0))
    }

    /// The nearest energy to this one times `factor`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        if factor == 1.0 { self } else { Self::nearest(self.0 as f64 * factor) }
    }

    /// This energy less `other`; zero if that is more.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Energy {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Energy {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Energy {
    fn sum<I: Iterator<Item = Self>>(energies: I) -> Self {
        energies.fold(Self::ZERO, Add::add)
    }
}

impl EnergyTotal {
    /// Femtojoules.
    #[must_use]
    pub const fn femtojoules(self) -> u128 {
        self.0
    }

    /// Picojoules; above 2^53 femtojoules, about 9 joules, rounded.
    #[must_use]
    pub fn picojoules(self) -> f64 {
        self.0 as f64 / FEMTOJOULES_PER_PICOJOULE
    }

    /// This total less `other`; zero if that is more.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<Energy> for EnergyTotal {
    fn from(energy: Energy) -> Self {
        Self(u128::from(energy.0))
    }
}

impl Add for EnergyTotal {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for EnergyTotal {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl AddAssign<Energy> for EnergyTotal {
    fn add_assign(&mut self, other: Energy) {
        *self += Self::from(other);
    }
}

impl<E: Copy + Add<Output = E>> EnergyParts<E> {
    /// The sum of all parts.
    #[must_use]
    pub fn total(&self) -> E {
        self.mac + self.l1 + self.l2 + self.dram + self.static_energy
    }
}

impl<E: Copy> EnergyParts<E> {
    /// Every part as `change` makes it.
    #[must_use]
    pub fn map<F>(&self, change: impl Fn(E) -> F) -> EnergyParts<F> {
        EnergyParts {
            mac: change(self.mac),
            l1: change(self.l1),
            l2: change(self.l2),
            dram: change(self.dram),
            static_energy: change(self.static_energy),
        }
    }
}

impl EnergyParts {
    /// Every part times `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        self.map(|part| part * factor)
    }

    /// Every part in whole femtojoules, to the nearest.
    #[must_use]
    pub fn rounded(&self) -> EnergyParts<Energy> {
        self.map(Energy::from_picojoules)
    }
}

impl EnergyParts<Energy> {
    /// Every part less that of `other`; zero where that is more.
    #[must_use]
    pub fn saturating_sub(&self, other: &Self) -> Self {
        Self {
            mac: self.mac.saturating_sub(other.mac),
            l1: self.l1.saturating_sub(other.l1),
            l2: self.l2.saturating_sub(other.l2),
            dram: self.dram.saturating_sub(other.dram),
            static_energy: self.static_energy.saturating_sub(other.static_energy),
        }
    }
}

impl<E: AddAssign<F>, F> AddAssign<EnergyParts<F>> for EnergyParts<E> {
    fn add_assign(&mut self, other: EnergyParts<F>) {
        self.mac += other.mac;
        self.l1 += other.l1;
        self.l2 += other.l2;
        self.dram += other.dram;
        self.static_energy += other.static_energy;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picojoules_become_the_nearest_femtojoules() {
        let of = |picojoules| Energy::from_picojoules(picojoules).femtojoules();
        assert_eq!([of(0.0004), of(0.0005), of(1.2344), of(1.2346)], [0, 1, 1_234, 1_235]);
        assert_eq!([of(-1.0), of(f64::NAN), of(f64::INFINITY)], [0, 0, u64::MAX]);
        assert_eq!(Energy::from_femtojoules(2_500).picojoules(), 2.5);
    }

    #[test]
    fn however_an_energy_is_cut_its_parts_add_up_to_it() {
        for whole in [0, 1, 7, 1_000_003, u64::MAX].map(Energy::from_femtojoules) {
            for all in [1_u64, 2, 3, 7, 1_000] {
                let cuts = (0..=all).map(|done| whole.before(done, all)).collect::<Vec<Energy>>();
                let parts = cuts.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
                assert_eq!(parts.sum::<Energy>(), whole, "{whole:?} in {all}");
            }
        }
        assert_eq!(Energy::from_femtojoules(5).before(0, 0), Energy::from_femtojoules(5));
    }

    #[test]
    fn sums_hold_more_than_the_largest_job_and_never_wrap() {
        let mut total = EnergyTotal::default();
        (0..3).for_each(|_| total += Energy::MAX);
        assert_eq!(total.femtojoules(), 3 * u128::from(u64::MAX));
        assert_eq!(Energy::MAX + Energy::from_femtojoules(1), Energy::MAX);
    }

    #[test]
    fn parts_of_a_layer_are_rounded_each_by_itself() {
        let stated = EnergyParts { mac: 1.0001, l1: 0.25, l2: 0.0, dram: 3.5, static_energy: 0.0006 };
        let rounded = stated.rounded();
        assert_eq!(
            rounded.map(Energy::femtojoules),
            EnergyParts { mac: 1_000, l1: 250, l2: 0, dram: 3_500, static_energy: 1 }
        );
        assert_eq!(rounded.total().femtojoules(), 4_751);
        let mut totals = EnergyParts::<EnergyTotal>::default();
        totals += rounded;
        totals += rounded;
        assert_eq!(totals.total().femtojoules(), 9_502);
    }
}
