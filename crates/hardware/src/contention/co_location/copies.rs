//! Copies of batches between host and device: layers that share the link of their direction.
//!
//! Each direction has a copy engine of its own; the two do not slow each other down, and neither slows kernels down. The time of
//! a copy alone stands in the cost table as that of any layer: a fixed part, and bytes over bandwidth.
//!
//! ```text
//! fifo      the copy that began to wait first goes at full rate, the others wait
//! share     each of n copies goes at 1 / n: what copies in small chunks come to
//! priority  a copy that goes goes on; then that of the highest priority goes, of these the one that began to wait first
//! ```

use rtmm_workload::LayerId;

/// The order of the copies of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyOrder {
    /// One after the other.
    #[default]
    Fifo,
    /// All at once, at equal parts of the bandwidth.
    Share,
    /// One after the other, the highest priority of those that wait first. A copy that has begun is not stopped.
    Priority,
}

impl CopyOrder {
    /// By the words of platform files.
    pub const NAMED: [(&str, Self); 3] =
        [("fifo", Self::Fifo), ("share", Self::Share), ("priority", Self::Priority)];
}

/// The use of the device that a layer makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It runs kernels.
    #[default]
    Kernels,
    /// It copies from the host to the device.
    ToDevice,
    /// It copies from the device to the host.
    FromDevice,
}

/// The layers that are copies, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// The name of layers that copy to the device.
    pub to_device: String,
    /// The name of layers that copy from it.
    pub from_device: String,
    /// The order of the copies of one direction.
    pub order: CopyOrder,
}

impl Copies {
    /// The phase of a layer of this name.
    #[must_use]
    pub fn phase(&self, layer: &str) -> Phase {
        if layer == self.to_device {
            Phase::ToDevice
        } else if layer == self.from_device {
            Phase::FromDevice
        } else {
            Phase::Kernels
        }
    }

    pub(super) fn identity(&self) -> String {
        let Self { to_device, from_device, order } = self;
        let order = CopyOrder::NAMED.iter().find(|(_, known)| known == order).map_or("", |(name, _)| name);
        format!("{order} {to_device:?} {from_device:?}")
    }
}

/// The phases of the layers of a model.
pub(super) fn phases<'l>(copies: Option<&Copies>, layers: impl Iterator<Item = &'l str>) -> Vec<Phase> {
    layers.map(|layer| copies.map_or(Phase::Kernels, |copies| copies.phase(layer))).collect()
}

/// The phase of a layer among them.
pub(super) fn phase_of(phases: &[Phase], layer: LayerId) -> Phase {
    phases.get(layer.index()).copied().unwrap_or_default()
}
