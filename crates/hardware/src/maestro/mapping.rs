//! A dataflow as one loop nest over tiles: what the corrected mode analyses.
//!
//! Directives of all levels stand in one list, outermost first. A temporal directive is a loop
//! over tiles of its size; a spatial one gives each unit of its level a tile and, where the tiles
//! outnumber the units, is also a loop over *folds*. Rows and columns are those of the output
//! (`Y'`, `X'`), so tiles of every dimension are disjoint and cover it exactly: the nest performs
//! the true multiply-accumulates, each once. What a processing element holds after the last
//! directive is its tile; one *step* is one iteration of all loops, in which every processing
//! element works through its tile, one multiply-accumulate a cycle.
//!
//! Batch and groups are outermost loops. In a depthwise layer the dimension C stands for the
//! channels, which are then outputs too, and K for the outputs of each channel.

use rtmm_workload::Nest;
use serde::Serialize;

use super::dataflow::{Class, Dataflow, Dimension, Directive};

/// Range of a loop of the nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Extent {
    /// Independent inputs.
    Batch,
    /// Groups, or the channels of a depthwise layer.
    Group,
    /// Output channels of a group.
    Output,
    /// Input channels of a group.
    Input,
    /// Output rows.
    Row,
    /// Filter rows.
    FilterRow,
    /// Output columns.
    Column,
    /// Filter columns.
    FilterColumn,
}

/// One directive of the flattened nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Loop {
    /// Extent that it cuts into tiles.
    pub extent: Extent,
    /// Extent of a tile.
    pub size: u32,
    /// Units that get a tile each; 1 for a temporal directive.
    pub units: u32,
}

/// A directive that has no rule in the corrected mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct MappingError {
    /// Position of its level, from 0 at the outermost.
    pub level: usize,
    /// Its position in the level, from 0.
    pub position: usize,
    /// Fault, as a lower-case fragment.
    pub reason: NoRule,
}

/// Why a directive has no rule in the corrected mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRule {
    /// Tiles of outputs, channels or filters must be disjoint.
    #[error("`{directive}` has overlapping tiles")]
    Overlap {
        /// The directive as written.
        directive: String,
    },
    /// Input coordinates outside of the row-stationary diagonal.
    #[error("`{directive}` maps input coordinates")]
    InputCoordinates {
        /// The directive as written.
        directive: String,
    },
    /// Two spatial directives of which none is the diagonal's other half.
    #[error("`{directive}` is the second spatial directive of its level")]
    TwoSpatial {
        /// The directive as written.
        directive: String,
    },
    /// One dimension over the units of two levels.
    #[error("`{directive}` spreads a dimension over units that an outer level spreads already")]
    SpatialTwice {
        /// The directive as written.
        directive: String,
    },
}

impl NoRule {
    /// One way out.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Overlap { .. } => {
                "set the offset equal to the size: outputs, channels and filter taps do not overlap"
            }
            Self::InputCoordinates { .. } => {
                "map output coordinates (Y', X'); of input coordinates only \"S(1,1) Y\" together with \
                 \"S(1,1) R\" (or X with S) has a rule"
            }
            Self::TwoSpatial { .. } => "keep one, or put the other into a level of its own",
            Self::SpatialTwice { .. } => "make one of the two temporal",
        }
    }
}

/// The flattened directives of `dataflow` on `pes` processing elements, without batch and groups.
///
/// # Errors
/// [`MappingError`] for forms without a rule.
pub fn flatten(dataflow: &Dataflow, pes: u32) -> Result<Vec<Loop>, MappingError> {
    let top = u64::from(pes) / dataflow.cluster_elements().max(1);
    let mut units =
        std::iter::once(u32::try_from(top).unwrap_or(u32::MAX)).chain(dataflow.clusters.iter().copied());
    let mut loops: Vec<Loop> = Vec::new();
    // What is spread over the units of some level, however many those are.
    let mut spread: Vec<Extent> = Vec::new();
    for (index, level) in dataflow.levels.iter().enumerate() {
        let units = units.next().unwrap_or(1);
        let mut has_spatial = false;
        for directive in without_diagonal(&level.directives) {
            let name = || directive.to_string();
            let refuse = |reason| {
                let position = level.directives.iter().position(|written| *written == directive);
                Err(MappingError { level: index, position: position.unwrap_or(0), reason })
            };
            if directive.class == Class::Spatial && std::mem::replace(&mut has_spatial, true) {
                return refuse(NoRule::TwoSpatial { directive: name() });
            }
            if directive.offset != directive.size {
                return refuse(NoRule::Overlap { directive: name() });
            }
            let extent = match (directive.dimension, directive.primed) {
                (Dimension::K, _) => Extent::Output,
                (Dimension::C, _) => Extent::Input,
                (Dimension::R, _) => Extent::FilterRow,
                (Dimension::S, _) => Extent::FilterColumn,
                (Dimension::Y, true) => Extent::Row,
                (Dimension::X, true) => Extent::Column,
                (Dimension::Y | Dimension::X, false) => {
                    return refuse(NoRule::InputCoordinates { directive: name() });
                }
            };
            let spatial = directive.class == Class::Spatial;
            if spatial && spread.contains(&extent) {
                return refuse(NoRule::SpatialTwice { directive: name() });
            }
            if spatial {
                spread.push(extent);
            }
            loops.push(Loop { extent, size: directive.size, units: if spatial { units } else { 1 } });
        }
    }
    Ok(loops)
}

/// Rewrites the row-stationary diagonal. `S(1,1) Y` with `S(1,1) R` puts input row `y + i` and
/// filter row `i` on unit `i`: the units share an output row and split the filter rows, which in
/// output coordinates is `S(1,1) R` alone.
fn without_diagonal(directives: &[Directive]) -> Vec<Directive> {
    let unit = |dimension| {
        directives.iter().any(|one| {
            one.dimension == dimension && !one.primed && one.class == Class::Spatial && one.size == 1
        })
    };
    let diagonal = |input, filter| unit(input) && unit(filter);
    let (rows, columns) = (diagonal(Dimension::Y, Dimension::R), diagonal(Dimension::X, Dimension::S));
    let dropped = |one: &Directive| {
        !one.primed && (one.dimension == Dimension::Y && rows || one.dimension == Dimension::X && columns)
    };
    directives.iter().filter(|one| !dropped(one)).copied().collect()
}

/// The loops of one nest: batch and groups, then the dataflow's.
pub(super) fn instantiate(loops: &[Loop], nest: &Nest) -> Vec<Loop> {
    let outer = |extent| Loop { extent, size: 1, units: 1 };
    let depthwise = is_depthwise(nest);
    let mut all = Vec::with_capacity(loops.len() + 2);
    all.push(outer(Extent::Batch));
    if !depthwise {
        all.push(outer(Extent::Group));
    }
    all.extend(loops.iter().map(|one| {
        let channels = depthwise && one.extent == Extent::Input;
        Loop { extent: if channels { Extent::Group } else { one.extent }, ..*one }
    }));
    all
}

/// True if C stands for the channels of a depthwise layer.
pub(super) fn is_depthwise(nest: &Nest) -> bool {
    nest.groups > 1 && nest.input_channels == 1
}
