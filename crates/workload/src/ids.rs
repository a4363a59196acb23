//! Dense indices, one type each, so that two of them cannot be swapped.

/// Defines an index newtype over `u32`.
#[macro_export]
macro_rules! define_index {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub struct $name(u32);

        impl $name {
            /// The index of position `position`; saturates, since no table has 2^32 rows.
            #[must_use]
            pub const fn new(position: usize) -> Self {
                Self(if position > u32::MAX as usize { u32::MAX } else { position as u32 })
            }

            /// The position that this index stands for.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

define_index!(
    /// A model of a workload.
    ModelId
);
define_index!(
    /// A layer within its model, in execution order.
    LayerId
);
define_index!(
    /// A task of a scenario.
    TaskId
);
