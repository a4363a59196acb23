//! A matrix product on clusters of subarrays: shapes, splits, and the slices that clusters compute.

use rtmm_workload::Nest;

use crate::decode::Mode;
use crate::systolic::{Array, Buffers, FoldTraffic, MatrixProduct, Operand, SystolicCost};

/// Arrangement of subarrays: clusters of `rows x columns` subarrays each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Clusters that work side by side (p).
    pub clusters: u32,
    /// Subarrays of a cluster on top of each other (a).
    pub rows: u32,
    /// Subarrays of a cluster beside each other (b).
    pub columns: u32,
}

impl Shape {
    /// Every shape that `subarrays` suffice for, by ascending clusters, then subarrays of a cluster, then rows.
    pub fn all(subarrays: u32) -> impl Iterator<Item = Self> {
        (1..=subarrays).flat_map(move |clusters| {
            (1..=subarrays / clusters).flat_map(move |size| {
                (1..=size).filter(move |rows| size.is_multiple_of(*rows)).map(move |rows| Self {
                    clusters,
                    rows,
                    columns: size / rows,
                })
            })
        })
    }

    /// Subarrays that are in a cluster.
    #[must_use]
    pub const fn subarrays(self) -> u32 {
        self.clusters * self.rows * self.columns
    }
}

/// Division of a matrix product among clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// One cluster has all of it.
    Whole,
    /// Output positions (M); clusters have the weights in common.
    Positions,
    /// Output channels (N); clusters have the inputs in common.
    Channels,
    /// Groups, each a product of its own; clusters have nothing in common.
    Groups,
}

impl Split {
    /// The splits among several clusters, in the order in which equals are preferred.
    pub const AMONG_SEVERAL: [Self; 3] = [Self::Positions, Self::Channels, Self::Groups];

    /// The word that accounts of costs use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Positions => "positions",
            Self::Channels => "channels",
            Self::Groups => "groups",
        }
    }

    /// The operand that all clusters read.
    #[must_use]
    pub const fn shared(self) -> Option<Operand> {
        match self {
            Self::Whole | Self::Groups => None,
            Self::Positions => Some(Operand::Weights),
            Self::Channels => Some(Operand::Inputs),
        }
    }
}

/// A slice of a product on the array of a cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    pub product: MatrixProduct,
    pub cost: SystolicCost,
    /// Of this cluster alone, the shared operand included.
    pub traffic: FoldTraffic,
    /// Slices like it, over all clusters and rounds.
    pub count: u64,
}

/// All copies of a product, divided among clusters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Division {
    pub split: Split,
    /// Clusters that have a slice; the others are idle.
    pub clusters: u64,
    /// Slices that a cluster computes one after the other.
    pub rounds: u64,
    pub largest: Slice,
    /// The slice of the last cluster, where it is smaller.
    pub last: Option<Slice>,
    /// Off-chip traffic of a round, all clusters together, if each had a slice as large as the largest.
    pub traffic: FoldTraffic,
}

impl Division {
    /// `times` copies of a nest on clusters that each are an `array`, in front of `buffers` for all clusters.
    ///
    /// None where the product or one of its slices is no [`MatrixProduct`].
    pub fn new(
        nest: &Nest,
        times: u32,
        array: Array,
        clusters: u32,
        split: Split,
        buffers: &Buffers,
    ) -> Option<Self> {
        let product = MatrixProduct::of_nest(nest)?;
        let (groups, times) = (u64::from(nest.groups), u64::from(times));
        let copies = groups * times;
        // Equal slices, of which the last may be smaller.
        let slices = |extent: u64| {
            let slice = extent.div_ceil(u64::from(clusters).max(1));
            let used = extent.div_ceil(slice);
            (slice, used, extent - (used - 1) * slice)
        };
        let (m, k, n) = (product.m(), product.k(), product.n());
        let input_words = nest.touched_input();
        let part_of_input = |slice: u64| {
            let words = (u128::from(input_words) * u128::from(slice)).div_ceil(u128::from(m));
            u64::try_from(words).unwrap_or(u64::MAX)
        };
        // The largest and the last slice, each with its distinct inputs.
        let (used, rounds, [largest, last]) = match split {
            Split::Whole => (1, copies, [(product, input_words); 2]),
            Split::Groups => {
                let (rounds, used, _) = slices(groups);
                (used, rounds * times, [(product, input_words); 2])
            }
            Split::Positions => {
                let (slice, used, last) = slices(m);
                let of = |m| Some((MatrixProduct::new(m, k, n)?, part_of_input(m)));
                (used, copies, [of(slice)?, of(last)?])
            }
            Split::Channels => {
                let (slice, used, last) = slices(n);
                let of = |n| Some((MatrixProduct::new(m, k, n)?, input_words));
                (used, copies, [of(slice)?, of(last)?])
            }
        };
        let buffers = of_a_cluster(buffers, used, split.shared());
        let slice = |(product, input_words), count| {
            let cost = array.cost(product);
            let traffic = FoldTraffic::new(&cost, input_words, &buffers, Mode::Corrected);
            Slice { product, cost, traffic, count }
        };
        let (largest, last) = match split {
            _ if largest.0 != last.0 => (slice(largest, (used - 1) * copies), Some(slice(last, copies))),
            Split::Whole | Split::Groups => (slice(largest, copies), None),
            Split::Positions | Split::Channels => (slice(largest, used * copies), None),
        };
        let traffic = largest.traffic.side_by_side(array.dataflow(), used, split.shared());
        Some(Self { split, clusters: used, rounds, largest, last, traffic })
    }

    /// All slices.
    pub fn slices(&self) -> impl Iterator<Item = &Slice> {
        std::iter::once(&self.largest).chain(&self.last)
    }
}

/// Buffers as one of so many clusters sees them: its part of what holds operands of its own, all of what holds the
/// shared one.
fn of_a_cluster(buffers: &Buffers, clusters: u64, shared: Option<Operand>) -> Buffers {
    let part = |half: Option<u64>, operand: Option<Operand>| {
        if operand.is_some() && operand == shared { half } else { half.map(|half| half / clusters) }
    };
    Buffers {
        ifmap_half: part(buffers.ifmap_half, Some(Operand::Inputs)),
        filter_half: part(buffers.filter_half, Some(Operand::Weights)),
        ofmap_half: part(buffers.ofmap_half, None),
    }
}
