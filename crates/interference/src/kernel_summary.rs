//! Tables of kernels by model: how long they take, what bounds them, and how much of a GPU they leave to others.
//!
//! A model most of whose time is in kernels that arithmetic bounds slows down one that memory bounds less than one of its own
//! kind, and kernels that need few multiprocessors leave room for others (Orion: Strati et al., EuroSys 2024). The shares say which
//! pairs are worth measuring first. They are no predictor: none of the tables has latencies of the same models beside each other.

use std::collections::BTreeMap;

use crate::ModelKey;
use crate::measurements::{Bound, KernelUse};

/// Kernels of one model, batch and mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelSummary {
    /// The model.
    pub model: ModelKey,
    /// Inputs of the batch; none where the table does not state it.
    pub batch: Option<u32>,
    /// True for a step of training.
    pub training: bool,
    /// The number of launches.
    pub launches: u64,
    /// Time in kernels, in milliseconds.
    pub total_ms: f64,
    /// Share of this time in kernels that arithmetic bounds, and in those that memory does; none where no kernel's bound is known.
    pub bound: Option<(f64, f64)>,
    /// Multiprocessors in use in the mean over the time, as a share of the GPU's; none where no kernel states what it needs.
    pub sms: Option<f64>,
    /// Share of the time in kernels that leave some multiprocessors unused; none where no kernel states what it needs.
    pub leaves_room: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    launches: u64,
    total_ns: f64,
    compute_ns: f64,
    memory_ns: f64,
    /// Time of kernels that state what they need, the same weighted by the share that they use, and of those that leave some.
    stated_ns: f64,
    used_ns: f64,
    room_ns: f64,
}

/// Kernels by model, batch and mode, in this order, on a GPU of so many multiprocessors.
#[must_use]
pub fn summaries(kernels: &[KernelUse], gpu_sms: u32) -> Vec<KernelSummary> {
    let mut sums: BTreeMap<(ModelKey, Option<u32>, bool), Sums> = BTreeMap::new();
    let all = gpu_sms.max(1);
    for kernel in kernels {
        let KernelUse { model, batch, training, bound, sms, total_ns, launches } = *kernel;
        let of = sums.entry((model, batch, training)).or_default();
        of.launches = of.launches.saturating_add(launches);
        of.total_ns += total_ns;
        match bound {
            Bound::Compute => of.compute_ns += total_ns,
            Bound::Memory => of.memory_ns += total_ns,
            Bound::Unknown => {}
        }
        if let Some(sms) = sms {
            of.stated_ns += total_ns;
            of.used_ns += total_ns * f64::from(sms.min(all)) / f64::from(all);
            of.room_ns += if sms < all { total_ns } else { 0.0 };
        }
    }
    let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
    let summary = |((model, batch, training), of): ((ModelKey, Option<u32>, bool), Sums)| KernelSummary {
        model,
        batch,
        training,
        launches: of.launches,
        total_ms: of.total_ns / 1e6,
        bound: share(of.compute_ns, of.total_ns)
            .zip(share(of.memory_ns, of.total_ns))
            .filter(|(compute, memory)| compute + memory > 0.0),
        sms: share(of.used_ns, of.stated_ns),
        leaves_room: share(of.room_ns, of.stated_ns),
    };
    sums.into_iter().map(summary).collect()
}
