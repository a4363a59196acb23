//! Errors of prices: energies of events anywhere between the low and the high level of the platform's technology.
//!
//! Each part of an energy (operations, L1, L2, DRAM, leakage) lies on a straight line from the level that the platform states to
//! the low or to the high one, as far as
//!
//! ```text
//! size (2 Phi(z) - 1)
//! ```
//!
//! with a standard normal `z` for each part, correlated between parts: uniform over the band at 100 %, over half of it to either
//! side at 50 %. A technology is of the whole platform, and so are these. Times stay.

use std::sync::Arc;

use rtmm_hardware::{CostTable, EnergyParts};
use rtmm_sim::System;
use rtmm_sweep::runner::RunError;
use rtmm_workload::random::normal_probability;

use super::{AxisRow, Perturbation, Refusal};
use crate::errors::{Errors, Normal};
use crate::place::Place;
use crate::site::{Form, Site};
use crate::size::Size;

pub(super) const ROW: AxisRow = AxisRow {
    name: "technology",
    meaning: "energies of events anywhere in the band between the low and the high level of the technology",
    subject: "prices are off by",
    unit: "of the band",
    sizes: [Size::of_percent(25), Size::of_percent(50), Size::of_percent(100)],
    greatest: Size::of_percent(100),
    is_of_costs: false,
    is_of_layers: false,
    refuses,
    prepare,
};

fn refuses(place: &Place) -> Option<Refusal> {
    place.levels.is_none().then_some(Refusal {
        reason: "names no technology: its prices have no low and no high level",
        help: "add `technology` to the platform file, or leave the axis out",
    })
}

struct Technology<'s> {
    site: &'s Site<'s>,
    parts: EnergyParts<Normal>,
    /// By form: costs at the low and at the high level.
    levels: Vec<[Arc<CostTable>; 2]>,
}

fn prepare<'s>(site: &'s Site<'s>, errors: Errors) -> Result<Box<dyn Perturbation + 's>, RunError> {
    let part = |name: &str| errors.normal(ROW.name, name);
    let parts = EnergyParts {
        mac: part("mac"),
        l1: part("l1"),
        l2: part("l2"),
        dram: part("dram"),
        static_energy: part("static"),
    };
    let mut levels = Vec::with_capacity(site.forms.len());
    if let Some([low, high]) = &site.place.levels {
        for form in &site.forms {
            levels.push([site.costs_at(low, form)?, site.costs_at(high, form)?]);
        }
    }
    Ok(Box::new(Technology { site, parts, levels }))
}

impl Perturbation for Technology<'_> {
    fn systems(&self, draw: u32, size: Size, needed: &[bool]) -> Result<Vec<Option<System>>, RunError> {
        let at = self.parts.map(|normal| size.share() * (2.0 * normal_probability(normal.at(draw)) - 1.0));
        self.site.systems(needed, |form: &Form, index| {
            let of_levels = self.levels.get(index);
            of_levels.and_then(|[low, high]| form.table.with_energy_between(low, high, &at)).ok_or_else(
                || {
                    let reason =
                        "the levels of the technology are of other layers than the platform".to_owned();
                    RunError::Failed { reason }
                },
            )
        })
    }
}
