//! Classes of priorities: low, mid and high, as MoCA (Kim et al., HPCA 2023) reports service by them.

use serde::Serialize;

/// A class of priorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriorityClass {
    /// Below the least priority of the class `mid`.
    Low,
    /// Between the two others.
    Mid,
    /// From the least priority of the class `high` on.
    High,
}

/// Bounds of the classes. Each priority is in one class, also those below or above the range that a workload uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PriorityClasses {
    /// The least priority of the class `mid`; all below are `low`.
    pub priority_mid_from: i32,
    /// The least priority of the class `high`. Where it is that of `mid`, or less, no priority is `mid`.
    pub priority_high_from: i32,
}

/// MoCA's of its priorities from 0 to 11: 0 to 2, 3 to 8, 9 to 11.
impl Default for PriorityClasses {
    fn default() -> Self {
        Self { priority_mid_from: 3, priority_high_from: 9 }
    }
}

impl PriorityClasses {
    /// The class of a priority.
    #[must_use]
    pub fn of(self, priority: i32) -> PriorityClass {
        if priority >= self.priority_high_from {
            PriorityClass::High
        } else if priority >= self.priority_mid_from {
            PriorityClass::Mid
        } else {
            PriorityClass::Low
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_priority_is_in_one_class() {
        let of = |priority| PriorityClasses::default().of(priority);
        assert_eq!([i32::MIN, 0, 2].map(of), [PriorityClass::Low; 3]);
        assert_eq!([3, 8].map(of), [PriorityClass::Mid; 2]);
        assert_eq!([9, 11, i32::MAX].map(of), [PriorityClass::High; 3]);
        let two = PriorityClasses { priority_mid_from: 5, priority_high_from: 5 };
        assert_eq!([4, 5].map(|priority| two.of(priority)), [PriorityClass::Low, PriorityClass::High]);
    }
}
