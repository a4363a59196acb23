//! placeholder
use crate::registry::{Decoded, Parameter, Surroundings};
use rtmm_workload::input::Table;
pub(crate) const PARAMETERS: &[Parameter] = &[];
pub(crate) fn decode(_t: &Table<'_>, _s: Surroundings) -> Option<Decoded> {
    None
}
