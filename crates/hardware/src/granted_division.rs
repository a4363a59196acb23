//! Divisions that a platform does not state: its accelerators as so many equal units in all, for a policy that needs
//! hardware which can be split, on the budget of hardware that cannot.
//!
//! Each accelerator has its part of the units by its processing elements, and a run may hold any number of them. What some
//! of them cost, the cost models derive ([`crate::CostModel::part`]); changing their number is free. All units of an
//! accelerator are the accelerator as it was, to the bit.

use std::num::NonZeroU32;

use thiserror::Error;

use crate::decode::Indivisible;
use crate::ids::ConfigurationId;
use crate::platform::{Accelerator, Configuration, Division, Migration, Platform};
use crate::units::MAX_UNITS;

/// The reason why a platform cannot be divided into so many units.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantError {
    /// The platform states how accelerators are divided.
    #[error("accelerator `{accelerator}` is divided already: the platform states its units")]
    Divided {
        /// Its name.
        accelerator: String,
    },
    /// Nothing says which part of all units an accelerator is.
    #[error("the cost model of accelerator `{accelerator}` states no number of processing elements")]
    NoSize {
        /// Its name.
        accelerator: String,
    },
    /// An accelerator would have no whole number of units, or too many.
    #[error(
        "accelerator `{accelerator}` has {elements} of {all} processing elements, which is no whole number of {units} \
         units from 1 to {MAX_UNITS}"
    )]
    Uneven {
        /// Its name.
        accelerator: String,
        /// Its processing elements.
        elements: u64,
        /// Those of all accelerators.
        all: u64,
        /// The number of units that all are to have.
        units: u32,
    },
    /// The cost model derives no part.
    #[error("accelerator `{accelerator}`: {reason}")]
    Indivisible {
        /// Its name.
        accelerator: String,
        /// The reason of the cost model.
        reason: Indivisible,
    },
}

impl Platform {
    /// The platform with its accelerators divided into `units` units in all, where it divides none itself.
    ///
    /// # Errors
    /// [`GrantError`] for the first accelerator that cannot be divided.
    pub fn divided(&self, units: NonZeroU32) -> Result<Self, GrantError> {
        let mut platform = self.clone();
        let mut sizes = Vec::with_capacity(self.accelerators.len());
        for accelerator in &self.accelerators {
            let name = || accelerator.name.clone();
            if accelerator.division.is_some() {
                return Err(GrantError::Divided { accelerator: name() });
            }
            let cost_model = &self.configurations[accelerator.configuration.index()].cost_model;
            sizes.push(
                cost_model.processing_elements().ok_or_else(|| GrantError::NoSize { accelerator: name() })?,
            );
        }
        let all = sizes.iter().fold(0_u64, |sum, size| sum.saturating_add(*size));
        for (accelerator, elements) in platform.accelerators.iter_mut().zip(sizes) {
            let own = u128::from(elements) * u128::from(units.get());
            let count = u32::try_from(own / u128::from(all.max(1))).unwrap_or(u32::MAX);
            let is_whole = own.is_multiple_of(u128::from(all.max(1)));
            if !is_whole || !(1..=MAX_UNITS).contains(&count) {
                let (accelerator, units) = (accelerator.name.clone(), units.get());
                return Err(GrantError::Uneven { accelerator, elements, all, units });
            }
            divide(accelerator, count, &mut platform.configurations)?;
        }
        Ok(platform)
    }
}

/// Divides an accelerator into equal units of which a run may hold any number. One unit is not divided.
fn divide(
    accelerator: &mut Accelerator,
    units: u32,
    configurations: &mut Vec<Configuration>,
) -> Result<(), GrantError> {
    if units == 1 {
        return Ok(());
    }
    let whole = configurations[accelerator.configuration.index()].clone();
    let mut parts = Vec::with_capacity(units as usize - 1);
    for count in 1..units {
        let part = whole
            .part(count, units)
            .map_err(|reason| GrantError::Indivisible { accelerator: accelerator.name.clone(), reason })?;
        let identity = part.identity();
        // Accelerators that are alike have parts that are.
        let known = configurations.iter().position(|known| known.identity() == identity);
        let position = known.unwrap_or_else(|| {
            configurations.push(part);
            configurations.len() - 1
        });
        parts.push((count, ConfigurationId::new(position)));
    }
    accelerator.division = Some(Division { units, parts, migration: Migration::default() });
    Ok(())
}
