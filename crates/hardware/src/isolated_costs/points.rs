//! Classes at operating points: each class of an accelerator at the points of that and of the memory.

use rtmm_workload::{LayerId, ModelId};

use super::{Class, IsolatedCosts};
use crate::ids::{AcceleratorId, ClassId};
use crate::platform::{Accelerator, Platform};
use crate::power::{Points, PowerStates, Scaling};
use crate::varying::Quantiles;

/// The classes of an accelerator by number of units, then by its own point, then by the memory's.
#[derive(Clone, Debug)]
pub(super) struct PointClasses {
    points: usize,
    of_dram: usize,
    classes: Vec<ClassId>,
}

impl PointClasses {
    /// All of them.
    pub(super) fn all(&self) -> &[ClassId] {
        &self.classes
    }
}

/// The classes of all accelerators at all points. Those that are new stand behind `classes`.
pub(super) fn classes_at_points(
    platform: &Platform,
    of_accelerators: &[Vec<ClassId>],
    classes: &mut Vec<Class>,
) -> Vec<PointClasses> {
    let scalings = |states: Option<&PowerStates>| match states {
        Some(states) => states.ids().map(|point| states.scaling(point)).collect(),
        None => vec![Scaling::NOMINAL],
    };
    let of_dram = scalings(platform.power.dram.as_ref());
    let of_accelerator = |(accelerator, nominal): (&Accelerator, &Vec<ClassId>)| {
        let own = scalings(accelerator.power.as_ref());
        let mut all = Vec::with_capacity(nominal.len() * own.len() * of_dram.len());
        for class in nominal {
            for clock in &own {
                for memory in &of_dram {
                    let class = Class { clock: *clock, memory: *memory, ..classes[class.index()] };
                    let known = classes.iter().position(|known| *known == class);
                    all.push(ClassId::new(known.unwrap_or_else(|| {
                        classes.push(class);
                        classes.len() - 1
                    })));
                }
            }
        }
        PointClasses { points: own.len(), of_dram: of_dram.len(), classes: all }
    };
    platform.accelerators.iter().zip(of_accelerators).map(of_accelerator).collect()
}

impl IsolatedCosts {
    /// The classes of one inference at the nominal points, which stand before all others: what compares accelerators,
    /// compares them in these.
    pub fn nominal_classes(&self) -> impl ExactSizeIterator<Item = ClassId> + use<> {
        (0..self.nominal).map(ClassId::new)
    }

    /// The class of a run that holds `units` units of an accelerator at operating points; none where the platform
    /// states no cost for so many, and for points that there are not.
    #[inline]
    #[must_use]
    pub fn class_at(&self, accelerator: AcceleratorId, units: u32, points: Points) -> Option<ClassId> {
        let of = self.of_points.get(accelerator.index())?;
        let (point, dram) = (points.accelerator.index(), points.dram.index());
        if point >= of.points || dram >= of.of_dram {
            return None;
        }
        let nominal = self.classes_of(accelerator);
        let position = nominal.iter().position(|class| self.class(*class).units == units)?;
        of.classes.get((position * of.points + point) * of.of_dram + dram).copied()
    }

    /// The quantiles of the compute time of a layer at the clock of a class; none where every job takes the same.
    pub(super) fn quantiles(&self, model: ModelId, layer: LayerId, class: &Class) -> Option<Quantiles> {
        let network = self.network(model);
        let quantiles = self.table.quantiles(network, layer, class.configuration, class.batch)?;
        Some(quantiles.map(|time| class.clock.time(time)))
    }
}
