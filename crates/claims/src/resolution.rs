//! Resolution: the sweeps and the cells that claims need, and how they are measured.

use std::path::Path;

use rtmm_sweep::execute::{Executed, Options, Progress};
use rtmm_sweep::file;
use rtmm_sweep::plan::Plan;
use rtmm_sweep::results::Failure;
use rtmm_sweep::runner::CellRunner;
use rtmm_sweep::sweep::{SweepError, run_cells};
use rtmm_workload::input::{Diagnostic, Diagnostics};
use rtmm_workload::load::{Kind, open};

use crate::publication::{Claim, Evidence, Publication};
use crate::quantity::{Measured, Quantity, Resolved};
use crate::reading::Reading;

/// Hexadecimal digits of a digest.
const DIGITS: usize = 16;

/// A claim under one reading.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'p> {
    /// The publication.
    pub publication: &'p Publication,
    /// The claim.
    pub claim: &'p Claim,
    /// The reading, one of the claim's.
    pub reading: &'p Reading,
}

impl<'p> Asked<'p> {
    /// Every claim of a publication under each of its readings.
    #[must_use]
    pub fn all(publication: &'p Publication) -> Vec<Self> {
        let of_claim = |claim: &'p Claim| {
            let readings = claim.readings().iter().filter_map(|reading| publication.readings.get(*reading));
            readings.map(move |reading| Self { publication, claim, reading })
        };
        publication.claims.iter().flat_map(of_claim).collect()
    }
}

/// Claims under readings with the cells that they need.
#[derive(Debug)]
pub struct Resolution<'r, 'p> {
    /// As readings name them, with their plans.
    sweeps: Vec<(String, Plan<'r>)>,
    entries: Vec<Entry<'p>>,
}

/// A claim under a reading, looked up in its sweep.
#[derive(Debug)]
struct Entry<'p> {
    asked: Asked<'p>,
    sweep: usize,
    resolved: Resolved,
    digest: String,
}

/// A claim under a reading with its value.
#[derive(Debug)]
pub struct Measurement<'p> {
    /// The claim under the reading.
    pub asked: Asked<'p>,
    /// The value, or the reason why there is none as a lower-case fragment.
    pub measured: Result<Measured, String>,
    /// Digest of all that determines the value, see [`Resolution::digests`].
    pub digest: String,
}

/// The part of a sweep that claims need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needed<'s> {
    /// Name of the sweep, as its outputs have it.
    pub name: &'s str,
    /// Number of cells that they need.
    pub cells: usize,
    /// Number of all its cells.
    pub of: usize,
}

/// Measured claims of one sweep.
#[derive(Debug)]
pub struct OfSweep<'p> {
    /// Counts of cells.
    pub executed: Executed,
    /// The first cell that failed among those that were asked for, in words, with its reason.
    pub failure: Option<String>,
    /// The claims.
    pub measurements: Vec<Measurement<'p>>,
}

impl<'r, 'p> Resolution<'r, 'p> {
    /// Reads the sweeps that claims need, and looks the claims up in them.
    ///
    /// # Errors
    /// Every problem of the sweeps, and every claim that they do not have, with its place.
    pub fn of(asked: &[Asked<'p>], runners: &[&'r dyn CellRunner]) -> Result<Self, Diagnostics> {
        let mut problems = Diagnostics::default();
        let mut sweeps: Vec<(String, Plan<'r>)> = Vec::new();
        let mut refused: Vec<String> = Vec::new();
        let mut entries = Vec::new();
        for asked in asked {
            let Evidence::Measured { quantity, .. } = &asked.claim.evidence else { continue };
            let Asked { publication, claim, reading } = asked;
            if refused.contains(&reading.sweep) {
                continue;
            }
            let sweep = match sweeps.iter().position(|(name, _)| *name == reading.sweep) {
                Some(known) => known,
                None => match plan_of(publication, reading, runners) {
                    Ok(plan) => {
                        sweeps.push((reading.sweep.clone(), plan));
                        sweeps.len() - 1
                    }
                    Err(more) => {
                        refused.push(reading.sweep.clone());
                        problems.extend(more);
                        continue;
                    }
                },
            };
            let plan = &sweeps[sweep].1;
            match Resolved::new(quantity, reading, plan) {
                Ok(resolved) => {
                    let digest = digest(quantity, reading, plan, &resolved);
                    entries.push(Entry { asked: *asked, sweep, resolved, digest });
                }
                Err(reason) => {
                    let message =
                        format!("claim {} cannot be measured under `{}`", claim.number, reading.name);
                    let text = &publication.text;
                    let problem = Diagnostic::new(message, text, claim.range.clone()).label(reason);
                    problems.push(problem.see(text, reading.range.clone(), "the reading"));
                }
            }
        }
        problems.into_result(Some(Self { sweeps, entries }))
    }

    /// The sweeps, in the order in which claims first name them.
    #[must_use]
    pub fn sweeps(&self) -> Vec<Needed<'_>> {
        let sweeps = self.sweeps.iter().enumerate();
        let needed = sweeps.map(|(index, (_, plan))| Needed {
            name: &plan.axes().name,
            cells: self.cells(index).len(),
            of: plan.len(),
        });
        needed.collect()
    }

    /// Claims under readings with the digests of all that determines their values: the quantity, and the identities of
    /// the cells. A value that was measured under another digest is of another program, or of other inputs.
    pub fn digests(&self) -> impl Iterator<Item = (Asked<'p>, &str)> {
        self.entries.iter().map(|entry| (entry.asked, entry.digest.as_str()))
    }

    /// The cells of a sweep that the claims need, ascending.
    fn cells(&self, sweep: usize) -> Vec<usize> {
        let of_sweep = self.entries.iter().filter(|entry| entry.sweep == sweep);
        let mut cells: Vec<usize> = of_sweep.flat_map(|entry| entry.resolved.cells()).collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    /// Runs what is missing of the cells of one sweep, by its position in [`Resolution::sweeps`], with the store in
    /// `directory`, and measures its claims.
    ///
    /// # Errors
    /// [`SweepError`] where no cell can be run, or the store cannot be used; finished cells are kept.
    pub fn measure(
        &self,
        sweep: usize,
        directory: &Path,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<OfSweep<'p>, SweepError> {
        let plan = &self.sweeps[sweep].1;
        let (executed, results) = run_cells(plan, &self.cells(sweep), directory, options, progress)?;
        let of_sweep = self.entries.iter().filter(|entry| entry.sweep == sweep);
        let measurements = of_sweep.map(|entry| Measurement {
            asked: entry.asked,
            measured: entry.resolved.measure(&results),
            digest: entry.digest.clone(),
        });
        let measurements = measurements.collect();
        let failure = executed
            .failures
            .first()
            .map(|Failure { cell, reason }| format!("{}: {reason}", plan.describe(&plan.cells()[*cell])));
        Ok(OfSweep { executed, failure, measurements })
    }
}

/// The plan of the sweep of a reading; a path is relative to the claim file.
fn plan_of<'r>(
    publication: &Publication,
    reading: &Reading,
    runners: &[&'r dyn CellRunner],
) -> Result<Plan<'r>, Diagnostics> {
    let source = open(Kind::Sweep, &reading.sweep, Some(&publication.text));
    match source {
        Ok(source) => file::plan_of(&source, runners),
        Err(problem) => Err(problem.see(&publication.text, reading.range.clone(), "named here").into()),
    }
}

/// A digest of a quantity under a reading, and of the cells that it is of.
fn digest(quantity: &Quantity, reading: &Reading, plan: &Plan<'_>, resolved: &Resolved) -> String {
    let mut hasher = blake3::Hasher::new();
    let Reading { filter, of, against, column, .. } = reading;
    let column = column.as_deref().unwrap_or_default();
    let text = format!("{quantity} under [{}] [{of}] [{against}] {column}", filter.describe());
    hasher.update(text.as_bytes());
    for cell in resolved.cells() {
        hasher.update(plan.identities()[cell].bytes());
    }
    let hexadecimal = hasher.finalize().to_hex();
    hexadecimal[..DIGITS].to_owned()
}
