//! Errors of layer costs: the world is another one than the cost model says, and policies know that one.
//!
//! Times, bytes moved and energies of layers are multiplied by factors (see [`super::factors`]); profiles are taken in the wrong
//! world, too. Costs of context switches, moves and operating points stay as the platform states them.

use rtmm_sim::System;
use rtmm_sweep::runner::RunError;

use super::factors::Factors;
use super::{AxisRow, Perturbation, TENTH_TO_HALF, all};
use crate::errors::Errors;
use crate::site::Site;
use crate::size::Size;

pub(super) const ROW: AxisRow = AxisRow {
    name: "costs",
    meaning: "log-normal factors on times and energies of layers, which policies know",
    subject: "layer costs are off by",
    unit: "",
    sizes: TENTH_TO_HALF,
    greatest: Size::of_percent(400),
    is_of_costs: true,
    is_of_layers: true,
    refuses: all,
    prepare,
};

struct Costs<'s> {
    site: &'s Site<'s>,
    factors: Factors,
}

fn prepare<'s>(site: &'s Site<'s>, errors: Errors) -> Result<Box<dyn Perturbation + 's>, RunError> {
    Ok(Box::new(Costs { site, factors: Factors::new(site, errors, ROW.name) }))
}

impl Perturbation for Costs<'_> {
    fn systems(&self, draw: u32, size: Size, needed: &[bool]) -> Result<Vec<Option<System>>, RunError> {
        self.site.systems(needed, |form, index| Ok(self.factors.table(form, index, draw, size)))
    }
}
