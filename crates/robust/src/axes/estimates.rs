//! Errors of estimates: policies plan on wrong profiles, and the truth stays.
//!
//! Profiles are those of systems whose layer costs are multiplied by factors (see [`super::factors`]). Deadlines stay those of
//! the true costs. Oracles see the truth beside their profiles.

use rtmm_sim::System;
use rtmm_sweep::runner::RunError;

use super::factors::Factors;
use super::{AxisRow, Perturbation, TENTH_TO_HALF, all};
use crate::errors::Errors;
use crate::site::Site;
use crate::size::Size;

pub(super) const ROW: AxisRow = AxisRow {
    name: "estimates",
    meaning: "log-normal factors on the profiles that policies plan on; what layers take stays",
    subject: "profiles are off by",
    unit: "",
    sizes: TENTH_TO_HALF,
    greatest: Size::of_percent(400),
    is_of_costs: true,
    is_of_layers: true,
    refuses: all,
    prepare,
};

struct Estimates<'s> {
    site: &'s Site<'s>,
    factors: Factors,
}

fn prepare<'s>(site: &'s Site<'s>, errors: Errors) -> Result<Box<dyn Perturbation + 's>, RunError> {
    Ok(Box::new(Estimates { site, factors: Factors::new(site, errors, ROW.name) }))
}

impl Perturbation for Estimates<'_> {
    fn systems(&self, draw: u32, size: Size, needed: &[bool]) -> Result<Vec<Option<System>>, RunError> {
        let wrong =
            self.site.systems(needed, |form, index| Ok(self.factors.table(form, index, draw, size)))?;
        let planned = |(form, wrong): (&crate::site::Form, Option<System>)| {
            Some(form.system.clone().planned_by(&wrong?))
        };
        Ok(self.site.forms.iter().zip(wrong).map(planned).collect())
    }
}
