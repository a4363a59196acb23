//! A policy and a cost model of one's own: run once, swept with a figure, and compared with `edf`.

use std::{env, error::Error, fs, path::Path};

use rtmm_hardware::{
    Condition, CostError, CostModel, CostModelRegistry, CostModelRow, Decoded, EnergyParts, LayerOf, Mode,
    Work, load as hardware,
};
use rtmm_report::{Report, TerminalStyle};
use rtmm_runners::engine::{Engine, system};
use rtmm_scheduler::parts::{Composed, Parts, Ranking};
use rtmm_scheduler::{Job, PolicyRegistry, PolicyRow, Truth, View};
use rtmm_sweep::execute::{Options, Silent};
use rtmm_sweep::runner::{CellRunner, Chosen};
use rtmm_sweep::{file, sweep};
use rtmm_workload::parameters::{Integer, Real, Schema, Typed};
use rtmm_workload::{Duration, Legality, load};

const WEIGHT: Real =
    Real::new("weight", "how much earlier a job is due, in times what is left", 1.0, 0.0..=10.0);
const RATE: Integer<u64> = Integer::required("macs_per_us", "peak rate", 1..=1_000_000_000);

/// Earliest deadline first, with each deadline moved forward by `weight` times what is left of the job.
#[derive(Clone, Debug)]
struct EarlyStart(f64);

impl Ranking for EarlyStart {
    type Key = i128;

    fn key(&self, view: &View<'_>, _: Option<&Truth<'_>>, job: &Job) -> i128 {
        let left = self.0 * view.mean_remaining(job).picoseconds() as f64;
        i128::from(job.deadline.picoseconds()) - left as i128
    }
}

/// An accelerator that always computes at its peak, in multiply-accumulates a microsecond.
#[derive(Debug)]
struct Peak(u64);

impl CostModel for Peak {
    fn work(&self, of: LayerOf<'_>, _: Condition) -> Result<Work, CostError> {
        let (macs, zero) = (of.layer.macs()?, Duration::ZERO);
        let compute = Duration::from_picoseconds(macs.saturating_mul(1_000_000).div_ceil(self.0).max(1));
        let energy = EnergyParts { mac: macs as f64, ..EnergyParts::default() };
        Ok(Work { compute, transfer: zero, exposed: zero, traffic: [0, 0], energy, quanta: 1 })
    }

    fn identity(&self) -> String {
        format!("{self:?}")
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let early_start = PolicyRow::new("early-start", Parts::schema(&[&[&WEIGHT]]), |parameters| {
        Ok(Composed::boxed(EarlyStart(parameters.read(&WEIGHT)), parameters))
    });
    let peak = CostModelRow::new("peak", Schema::of(&[&[&RATE]]), |table, _| {
        let rate = RATE.stated(table)?;
        Some(Decoded { label: format!("peak {rate}"), cost_model: Box::new(Peak(rate)) })
    });
    let (policies, cost_models) = (PolicyRegistry::built_in(), CostModelRegistry::built_in().with(peak)?);
    let engine = Engine::new(policies.with(early_start)?, cost_models.clone());
    let here = |name: &str| format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    let workload = load::workload("xrbench/ar_assistant", None, Legality::Strict)?;
    let platform = hardware::platform_with(&cost_models, &here("platform.toml"), None, Mode::Corrected)?;
    let policy = engine.spec().policy("early-start").ok_or("no such policy")?;
    let chosen = Chosen::read(engine.spec(), policy, &["weight=2"])?;
    let (summary, ()) = engine.simulate(&system(&workload, &platform)?, &chosen, 1, ())?;
    println!("one run: {} jobs, {} late\n", summary.jobs.released, summary.jobs.late);

    let output = env::args().nth(1).ok_or("name a directory for the results")?;
    let sweep = file::read(&here("sweep.toml"), &[&engine])?;
    let outcome = sweep::run(&sweep.plan, Path::new(&output), &Options::default(), &Silent)?;
    let finished = outcome.finished.ok_or("part of the sweep is missing")?;
    let report = Report::new(&finished.results, &finished.summary, &sweep.figures);
    fs::create_dir_all(Path::new(&output).join("figures"))?;
    report.files().iter().try_for_each(|(name, text)| fs::write(Path::new(&output).join(name), text))?;
    print!("{}", report.to_terminal(&TerminalStyle::default()));
    Ok(())
}
