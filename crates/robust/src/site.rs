//! Sites: places with the systems in which policies run there, and what wrong systems are made of.
//!
//! Most policies run on the platform as it is; some find it divided, each *form* a system of its own. The whole form is there
//! in any case: the energies of divided ones are judged by it.

use std::num::NonZeroU32;
use std::sync::Arc;

use rtmm_hardware::{CostTable, Platform};
use rtmm_runners::engine::Engine;
use rtmm_sim::System;
use rtmm_sweep::runner::{Policy, RunError};
use rtmm_workload::{Model, Scenario};

use crate::place::Place;

/// The platform of a place, whole or divided, with what layers cost there.
#[derive(Debug)]
pub(crate) struct Form {
    pub platform: Arc<Platform>,
    pub table: Arc<CostTable>,
    /// The system without errors.
    pub system: System,
    units: Option<NonZeroU32>,
}

/// A place that is ready to run.
#[derive(Debug)]
pub(crate) struct Site<'s> {
    pub place: &'s Place,
    pub models: Arc<[Model]>,
    /// The whole form first.
    pub forms: Vec<Form>,
    /// By policy: the form that it runs on.
    form_of: Vec<usize>,
}

impl<'s> Site<'s> {
    /// Computes the costs of a place for some policies.
    pub(crate) fn new(engine: &Engine, place: &'s Place, policies: &[Policy]) -> Result<Self, RunError> {
        let mut site = Self {
            place,
            models: place.workload.models.as_slice().into(),
            forms: Vec::new(),
            form_of: Vec::with_capacity(policies.len()),
        };
        site.add(None)?;
        for policy in policies {
            let units = engine.granted_units(policy)?;
            let known = site.forms.iter().position(|form| form.units == units);
            let form = known.map_or_else(|| site.add(units), Ok)?;
            site.form_of.push(form);
        }
        Ok(site)
    }

    fn add(&mut self, units: Option<NonZeroU32>) -> Result<usize, RunError> {
        let platform = divided(&self.place.platform, units)?;
        let table = self.costs(&platform)?;
        let system = self.system_of(&self.place.workload.scenario, &platform, Arc::clone(&table))?;
        let system =
            self.forms.first().map_or(Ok(system.clone()), |whole| Ok(system.judged_as(&whole.system)))?;
        self.forms.push(Form { platform, table, system, units });
        Ok(self.forms.len() - 1)
    }

    /// The form that a policy runs on.
    pub(crate) fn form_of(&self, policy: usize) -> usize {
        self.form_of[policy]
    }

    /// Costs of a platform in the place of the site's own, in a form; the same models.
    pub(crate) fn costs_at(&self, platform: &Platform, form: &Form) -> Result<Arc<CostTable>, RunError> {
        self.costs(&*divided(platform, form.units)?)
    }

    fn costs(&self, platform: &Platform) -> Result<Arc<CostTable>, RunError> {
        CostTable::new(platform, &self.models).map(Arc::new).map_err(|layers| RunError::NoCost {
            scenario: self.place.workload.scenario.name.clone(),
            platform: platform.name.clone(),
            layers,
        })
    }

    fn system_of(
        &self,
        scenario: &Scenario,
        platform: &Arc<Platform>,
        table: Arc<CostTable>,
    ) -> Result<System, RunError> {
        System::with_costs(scenario, Arc::clone(&self.models), Arc::clone(platform), table)
            .map_err(|error| RunError::Failed { reason: error.to_string() })
    }

    /// The systems of the forms that are asked for, with the costs that `table` makes of each form; deadlines that are
    /// multiples of latencies follow those costs. Energies are judged by the whole form with its costs.
    pub(crate) fn systems(
        &self,
        needed: &[bool],
        table: impl Fn(&Form, usize) -> Result<CostTable, RunError>,
    ) -> Result<Vec<Option<System>>, RunError> {
        let scenario = &self.place.workload.scenario;
        let mut systems: Vec<Option<System>> = Vec::with_capacity(self.forms.len());
        for (index, form) in self.forms.iter().enumerate() {
            let judges = index == 0 && needed.iter().any(|needed| *needed);
            if !needed[index] && !judges {
                systems.push(None);
                continue;
            }
            let system = self.system_of(scenario, &form.platform, Arc::new(table(form, index)?))?;
            let whole = systems.first().and_then(Option::as_ref);
            systems.push(Some(match whole {
                Some(whole) => system.judged_as(whole),
                None => system,
            }));
        }
        Ok(systems)
    }
}

fn divided(platform: &Platform, units: Option<NonZeroU32>) -> Result<Arc<Platform>, RunError> {
    let Some(units) = units else { return Ok(Arc::new(platform.clone())) };
    let divided = platform.divided(units);
    divided.map(Arc::new).map_err(|error| RunError::Failed { reason: error.to_string() })
}
