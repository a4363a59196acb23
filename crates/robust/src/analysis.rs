//! The analysis: runs of all policies in wrong worlds, and the sizes at which they are run.
//!
//! Sizes are common to all pairs, so that a run of a policy serves every contest that it is in. After the sizes that are
//! simulated in any case come rounds of bisection. In each, every margin that is not narrow yet votes for the size that halves
//! it; the size with the most votes is simulated (of equal ones the least), for the policies of those contests whose margins it
//! narrows. So a policy is run `1 + draws x (sizes + rounds)` times on a system under a seed at most, however many pairs
//! there are, and with two policies and one metric a round is a step of a bisection.
//!
//! Worlds are run in parallel and collected in their order; policies are sorted first. So neither threads nor the order in
//! which policies are named change a byte.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rtmm_runners::engine::{Engine, result};
use rtmm_sim::System;
use rtmm_sweep::execute::Progress;
use rtmm_sweep::runner::{CellRunner, Chosen, Policy, RunError, short_names};
use thiserror::Error;

use crate::axes::{AxisRow, Perturbation};
use crate::contest::{Base, BySize, Contest, Draws, Significance, over};
use crate::metric::Metric;
use crate::outcome::{AxisOutcome, Outcome};
use crate::site::Site;
use crate::size::Size;
use crate::study::{Study, StudyError};

/// Why an analysis has no outcome.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// The study cannot be made.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// A run failed.
    #[error("{place}: {error}")]
    Run {
        /// The place in which it did.
        place: String,
        /// Reason.
        error: RunError,
    },
}

/// Runs a study along some axes.
///
/// # Errors
/// [`AnalysisError::Study`] for a study that cannot be made, [`AnalysisError::Run`] for the first run that failed.
pub fn analyse(
    engine: &Engine,
    study: &Study,
    axes: &[AxisRow],
    progress: &dyn Progress,
) -> Result<Outcome, AnalysisError> {
    study.check(engine.spec(), axes)?;
    let metrics = study.metrics(engine.spec())?;
    let mut policies = study.policies.clone();
    policies.sort_by_cached_key(|chosen| chosen.policy.to_string());
    let bare: Vec<Policy> = policies.iter().map(|chosen| chosen.policy.clone()).collect();
    let sites: Result<Vec<Site<'_>>, AnalysisError> = study
        .places
        .par_iter()
        .map(|place| Site::new(engine, place, &bare).map_err(|error| failed(place.name(), error)))
        .collect();
    let analysis = Analysis { engine, study, metrics, policies, sites: sites?, progress };
    let mut axes: Vec<AxisRow> = axes.to_vec();
    axes.dedup();
    analysis.begin(&axes);
    let base = analysis.base()?;
    let means = analysis.means(&base);
    let axes: Result<Vec<AxisOutcome>, AnalysisError> =
        axes.iter().map(|axis| analysis.along(axis, &base, &means)).collect();
    Ok(Outcome {
        policies: short_names(&bare),
        policies_in_full: bare.iter().map(ToString::to_string).collect(),
        places: study.places.iter().map(crate::place::Place::name).collect(),
        seeds: study.seeds.clone(),
        draws: study.draws,
        levels: study.levels.clone(),
        spread: study.spread,
        correlation: study.correlation,
        error_seed: study.error_seed,
        stated: study.stated.clone(),
        tests: Significance::all(&analysis.metrics, &base),
        metrics: analysis.metrics,
        axes: axes?,
    })
}

fn failed(place: String, error: RunError) -> AnalysisError {
    AnalysisError::Run { place, error }
}

struct Analysis<'a> {
    engine: &'a Engine,
    study: &'a Study,
    metrics: Vec<Metric>,
    policies: Vec<Chosen>,
    sites: Vec<Site<'a>>,
    progress: &'a dyn Progress,
}

/// Values of policies in a world: by policy, by metric; none of those that were not run.
type World = Vec<Option<Vec<Option<f64>>>>;

/// Values of policies in all draws at one size.
struct AtSize {
    /// By policy: means over systems.
    over_systems: Vec<Option<Draws>>,
    /// By place, by policy.
    by_place: Vec<Vec<Option<Draws>>>,
}

/// Values at all sizes that were simulated.
struct Found {
    over_systems: BySize,
    by_place: Vec<BySize>,
}

impl Found {
    fn new(places: usize) -> Self {
        Self { over_systems: BySize::new(), by_place: vec![BySize::new(); places] }
    }

    fn insert(&mut self, size: Size, at: AtSize) {
        self.over_systems.insert(size, at.over_systems);
        for (found, values) in self.by_place.iter_mut().zip(at.by_place) {
            found.insert(size, values);
        }
    }
}

impl Analysis<'_> {
    /// Runs of one policy in one world on all systems.
    fn runs(&self) -> usize {
        self.sites.iter().map(|site| self.study.seeds_of(site.place).len()).sum()
    }

    fn begin(&self, axes: &[AxisRow]) {
        let sizes = |axis: &AxisRow| self.study.sizes_of(axis).len() + self.study.rounds as usize;
        let worlds = 1 + self.study.draws as usize * axes.iter().map(sizes).sum::<usize>();
        self.progress.begin(worlds * self.policies.len() * self.runs(), 0);
    }

    /// Everything without errors.
    fn base(&self) -> Result<Base, AnalysisError> {
        let of_policy = |policy: usize| -> Result<_, AnalysisError> {
            let of_site = |site: &Site<'_>| {
                let system = &site.forms[site.form_of(policy)].system;
                self.seeds(site, policy, system).map_err(|error| failed(site.place.name(), error))
            };
            self.sites.par_iter().map(of_site).collect()
        };
        (0..self.policies.len()).into_par_iter().map(of_policy).collect()
    }

    /// The values of a policy on a system under each seed.
    fn seeds(
        &self,
        site: &Site<'_>,
        policy: usize,
        system: &System,
    ) -> Result<Vec<Vec<Option<f64>>>, RunError> {
        let seeds = self.study.seeds_of(site.place);
        let run = |seed: &u64| {
            let (summary, ()) = self.engine.simulate(system, &self.policies[policy], *seed, ())?;
            let values = result(&summary).cell;
            let value =
                |metric: &Metric| values.get(metric.position).and_then(rtmm_sweep::runner::Value::number);
            Ok(self.metrics.iter().map(value).collect())
        };
        let values = seeds.iter().map(run).collect();
        self.progress.advance(seeds.len());
        values
    }

    /// The values of each policy without errors: means over seeds, then over systems.
    fn means(&self, base: &Base) -> Vec<Vec<Option<f64>>> {
        let of_metric = |places: &Vec<Vec<Vec<Option<f64>>>>, (index, metric): (usize, &Metric)| {
            let values: Vec<Option<f64>> = places.iter().map(|seeds| over(seeds, index)).collect();
            metric.over_systems(&values)
        };
        let of_policy = |places| self.metrics.iter().enumerate().map(|one| of_metric(places, one)).collect();
        base.iter().map(of_policy).collect()
    }

    /// The values of each policy at one place without errors: means over seeds.
    fn at_place(&self, base: &Base, place: usize) -> Vec<Vec<Option<f64>>> {
        let metrics = 0..self.metrics.len();
        base.iter()
            .map(|places| metrics.clone().map(|metric| over(&places[place], metric)).collect())
            .collect()
    }

    fn contests(&self, base: &[Vec<Option<f64>>], sizes: &BySize) -> Vec<Contest> {
        Contest::all(&self.metrics, base, sizes, &self.study.levels)
    }

    fn along(
        &self,
        axis: &AxisRow,
        base: &Base,
        means: &[Vec<Option<f64>>],
    ) -> Result<AxisOutcome, AnalysisError> {
        let prepare = |site| {
            (axis.prepare)(site, self.study.errors()).map_err(|error| failed(site.place.name(), error))
        };
        let perturbations: Vec<Box<dyn Perturbation + '_>> =
            self.sites.iter().map(prepare).collect::<Result<_, _>>()?;
        let sizes = self.study.sizes_of(axis);
        let mut found = Found::new(self.sites.len());
        let mut runs = vec![0_u64; self.policies.len()];
        let mut at = |size: Size, needed: &[bool], found: &mut Found| -> Result<(), AnalysisError> {
            found.insert(size, self.worlds(&perturbations, size, needed)?);
            let counted = runs.iter_mut().zip(needed).filter(|(_, needed)| **needed);
            counted.for_each(|(runs, _)| *runs += u64::from(self.study.draws));
            Ok(())
        };
        for size in &sizes {
            at(*size, &vec![true; self.policies.len()], &mut found)?;
        }
        for _ in 0..self.study.rounds {
            let contests = self.contests(means, &found.over_systems);
            let Some((size, needed)) = next(&contests, axis.greatest, self.policies.len()) else { break };
            at(size, &needed, &mut found)?;
        }
        let at_place = |(place, found): (usize, &BySize)| self.contests(&self.at_place(base, place), found);
        Ok(AxisOutcome {
            axis: *axis,
            sizes,
            contests: self.contests(means, &found.over_systems),
            by_place: found.by_place.iter().enumerate().map(at_place).collect(),
            runs_per_policy: 1 + runs.into_iter().max().unwrap_or(0),
        })
    }

    /// All draws at a size.
    fn worlds(
        &self,
        perturbations: &[Box<dyn Perturbation + '_>],
        size: Size,
        needed: &[bool],
    ) -> Result<AtSize, AnalysisError> {
        let draws = self.study.draws;
        let units: Vec<(u32, usize)> =
            (0..draws).flat_map(|draw| (0..self.sites.len()).map(move |site| (draw, site))).collect();
        let of_unit = |&(draw, site): &(u32, usize)| {
            let world = self.world(&self.sites[site], perturbations[site].as_ref(), draw, size, needed);
            world.map_err(|error| failed(self.sites[site].place.name(), error))
        };
        let worlds: Vec<World> = units.par_iter().map(of_unit).collect::<Result<_, _>>()?;
        let of_draw = |policy: usize, sites: &[World]| -> Vec<Option<f64>> {
            let of_metric = |(index, metric): (usize, &Metric)| {
                let values: Vec<Option<f64>> =
                    sites.iter().map(|world| world[policy].as_ref()?[index]).collect();
                metric.over_systems(&values)
            };
            self.metrics.iter().enumerate().map(of_metric).collect()
        };
        let of_policy = |policy: usize| {
            needed[policy]
                .then(|| worlds.chunks(self.sites.len().max(1)).map(|sites| of_draw(policy, sites)).collect())
        };
        let at_site = |policy: usize, site: usize| -> Option<Draws> {
            worlds
                .iter()
                .skip(site)
                .step_by(self.sites.len().max(1))
                .map(|world| world[policy].clone())
                .collect()
        };
        let policies = 0..self.policies.len();
        let by_place = (0..self.sites.len())
            .map(|site| policies.clone().map(|policy| at_site(policy, site)).collect())
            .collect();
        Ok(AtSize { over_systems: policies.map(of_policy).collect(), by_place })
    }

    /// One wrong world on one site.
    fn world(
        &self,
        site: &Site<'_>,
        perturbation: &dyn Perturbation,
        draw: u32,
        size: Size,
        needed: &[bool],
    ) -> Result<World, RunError> {
        let mut forms = vec![false; site.forms.len()];
        let all = || needed.iter().enumerate().filter(|(_, needed)| **needed).map(|(policy, _)| policy);
        all().for_each(|policy| forms[site.form_of(policy)] = true);
        let systems = perturbation.systems(draw, size, &forms)?;
        let mut world: World = vec![None; self.policies.len()];
        for policy in all() {
            let Some(system) = &systems[site.form_of(policy)] else { continue };
            let seeds = self.seeds(site, policy, system)?;
            world[policy] = Some((0..self.metrics.len()).map(|metric| over(&seeds, metric)).collect());
        }
        Ok(world)
    }
}

/// The size that the most margins vote for, and the policies of those that it narrows.
fn next(contests: &[Contest], greatest: Size, policies: usize) -> Option<(Size, Vec<bool>)> {
    let mut votes: BTreeMap<Size, usize> = BTreeMap::new();
    for margin in contests.iter().flat_map(|contest| &contest.margins) {
        if let Some(size) = margin.next(greatest) {
            *votes.entry(size).or_default() += 1;
        }
    }
    let size = votes.iter().rev().max_by_key(|(_, votes)| **votes).map(|(size, _)| *size)?;
    let mut needed = vec![false; policies];
    for contest in contests {
        if contest.margins.iter().any(|margin| margin.next(greatest).is_some() && margin.is_narrowed_by(size))
        {
            needed[contest.winner] = true;
            needed[contest.loser] = true;
        }
    }
    Some((size, needed))
}
