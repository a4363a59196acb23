//! Check of a schedule, from the window alone.

use rtmm_hardware::Energy;
use rtmm_workload::{Duration, Time};
use thiserror::Error;

use super::{Block, Schedule};
use crate::window::{Chain, Cost, Window};

/// Totals of a schedule that keeps all rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The weight of the jobs that are not complete by their deadlines.
    pub late: u64,
    /// The energy of all blocks.
    pub energy: Energy,
}

/// Rules that a schedule breaks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A block names a job, a chain, layers or an accelerator that there are not.
    #[error("a block of job {job} names what there is not")]
    Unknown {
        /// Position of the job.
        job: usize,
    },
    /// Blocks of a job are not all layers of one chain, each once and in order.
    #[error("blocks of job {job} are not the layers of one chain in order")]
    Layers {
        /// Position of the job.
        job: usize,
    },
    /// A layer runs where it may not.
    #[error("layer {layer} of job {job} may not run there")]
    Unsupported {
        /// Position of the job.
        job: usize,
        /// Position of the layer.
        layer: usize,
    },
    /// A block begins before the job is released, before the block or a job that it needs ends.
    #[error("a block of job {job} begins too early")]
    TooEarly {
        /// Position of the job.
        job: usize,
    },
    /// Blocks overlap on their accelerator, or the switch between them has no room.
    #[error("a block of job {job} has no room on its accelerator")]
    NoRoom {
        /// Position of the job.
        job: usize,
    },
}

/// A block with what follows from the window.
struct Run<'w> {
    block: Block,
    chain: &'w Chain,
    end: Time,
    /// When all that it waits for is there.
    ready: Time,
}

/// Checks a schedule of a window.
///
/// # Errors
/// [`Fault`] for the first rule that is broken.
pub fn verify(window: &Window, schedule: &Schedule) -> Result<Verified, Fault> {
    let mut of_jobs: Vec<Vec<Run<'_>>> = window.jobs().iter().map(|_| Vec::new()).collect();
    let mut energy = Energy::ZERO;
    for block in &schedule.blocks {
        let job = block.job.index();
        let unknown = Fault::Unknown { job };
        let chain =
            window.jobs().get(job).and_then(|of| of.chains.get(block.chain)).ok_or(unknown.clone())?;
        let layers = chain.layers.get(block.first..block.behind).ok_or(unknown.clone())?;
        if window.accelerators().get(block.on.index()).is_none() || layers.is_empty() {
            return Err(unknown);
        }
        let mut end = block.start;
        for (layer, of) in layers.iter().enumerate() {
            let cost =
                of.on[block.on.index()].ok_or(Fault::Unsupported { job, layer: block.first + layer })?;
            end = end.saturating_add(cost.time);
            energy += cost.energy;
        }
        of_jobs[job].push(Run { block: *block, chain, end, ready: Time::ZERO });
    }
    let mut late = 0;
    // When each job is complete.
    let mut complete: Vec<Option<Time>> = Vec::with_capacity(of_jobs.len());
    for (index, (job, runs)) in window.jobs().iter().zip(&mut of_jobs).enumerate() {
        runs.sort_by_key(|run| run.block.first);
        let mut ready = Some(job.release);
        for needed in &job.needs {
            ready = ready.zip(complete[needed.index()]).map(|(one, other)| one.max(other));
        }
        let mut next = 0;
        for run in runs.iter_mut() {
            let begins = ready.ok_or(Fault::TooEarly { job: index })?;
            if run.block.first != next || !std::ptr::eq(run.chain, &*job.chains[run.block.chain]) {
                return Err(Fault::Layers { job: index });
            }
            if run.block.start < begins {
                return Err(Fault::TooEarly { job: index });
            }
            (next, run.ready, ready) = (run.block.behind, begins, Some(run.end));
        }
        let is_one_chain = runs.windows(2).all(|pair| pair[0].block.chain == pair[1].block.chain);
        let has_all = match runs.last() {
            Some(last) => last.block.behind == last.chain.layers.len(),
            // A job may be left out.
            None => true,
        };
        if !is_one_chain || !has_all {
            return Err(Fault::Layers { job: index });
        }
        let is_run = !runs.is_empty() || job.chains.iter().any(|chain| chain.layers.is_empty());
        let end = ready.filter(|_| is_run);
        complete.push(end);
        if end.is_none_or(|end| end > job.deadline) && job.deadline != Time::MAX {
            late += u64::from(job.weight);
        }
    }
    let mut runs: Vec<Run<'_>> = of_jobs.into_iter().flatten().collect();
    runs.sort_by_key(|run| (run.block.on, run.block.start, run.end));
    for pair in runs.windows(2).filter(|pair| pair[0].block.on == pair[1].block.on) {
        let [before, after] = [&pair[0], &pair[1]];
        let from = before.end.max(after.ready);
        if after.block.start < from.saturating_add(switch(window, before, after)) {
            return Err(Fault::NoRoom { job: after.block.job.index() });
        }
    }
    Ok(Verified { late, energy })
}

/// Time that an accelerator takes to go from one block to the next.
fn switch(window: &Window, before: &Run<'_>, after: &Run<'_>) -> Duration {
    if before.chain.network == after.chain.network {
        return Duration::ZERO;
    }
    let on = after.block.on.index();
    let cost = |chain: &Chain, layer: usize| -> Cost {
        chain.layers.get(layer).and_then(|layer| layer.on[on]).unwrap_or_default()
    };
    let leave = cost(before.chain, before.block.behind - 1).leave;
    let enter = cost(after.chain, after.block.first).enter;
    window.accelerators()[on].switch.saturating_add(leave).saturating_add(enter)
}
