//! The XRBench fork of MAESTRO, to the integer.
//!
//! What the published tool computes from a layer's published row, a dataflow, the number of
//! processing elements and the bandwidth of the on-chip network, with every quirk:
//!
//! 1. the filter extent of a level is the number of its directives, not the layer's filter;
//! 2. strides, padding and groups do not exist, and filters may be larger than their input;
//! 3. there is no off-chip memory, and buffers never overflow;
//! 4. buffer counts are those of the outermost level alone;
//! 5. steady iteration counts can be negative, and load volumes zero through a modulo.
//!
//! Integer division truncates, as in C. One level costs a few dozen cases of at most 3^6: those
//! with a zero factor are never entered.

use rtmm_workload::PublishedShape;

use super::dataflow::{Class, Dataflow, Dimension};
use crate::cost::CostError;

/// Energy of a multiply-accumulate, in nanojoules.
pub const MAC_NJ: f64 = 0.00288;
/// An access to L1, in multiply-accumulates.
pub const L1_MACS: f64 = 0.55;
/// An access to L2, in multiply-accumulates.
pub const L2_MACS: f64 = 6.0;

const DIMENSIONS: usize = 6;
/// Beyond this, counts could leave 64 bits.
const LARGEST_COUNT: f64 = (1_u64 << 60) as f64;

/// Everything that the tool reports of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReferenceCost {
    /// Cycles.
    pub latency_cycles: i64,
    /// Multiply-accumulates charged, which can be 16 times the true number.
    pub computations: i64,
    /// L2 reads of input and weight.
    pub l2_reads: [i64; 2],
    /// L2 writes of input, weight and output.
    pub l2_writes: [i64; 3],
    /// L1 reads of input, weight and output.
    pub l1_reads: [i64; 3],
    /// L1 writes of input, weight and output.
    pub l1_writes: [i64; 3],
    /// L2 capacity that the mapping asks for, in elements, double-buffered.
    pub l2_requirement: i64,
}

impl ReferenceCost {
    /// L2 accesses: reads of inputs and weights, writes of all three.
    #[must_use]
    pub fn l2_accesses(&self) -> i64 {
        self.l2_reads.iter().sum::<i64>() + self.l2_writes.iter().sum::<i64>()
    }

    /// L1 accesses of all three tensors.
    #[must_use]
    pub fn l1_accesses(&self) -> i64 {
        self.l1_reads.iter().sum::<i64>() + self.l1_writes.iter().sum::<i64>()
    }

    /// Energy, in nanojoules.
    #[must_use]
    pub fn energy_nj(&self) -> f64 {
        MAC_NJ
            * (self.computations as f64
                + L2_MACS * self.l2_accesses() as f64
                + L1_MACS * self.l1_accesses() as f64)
    }
}

/// A directive in input coordinates.
#[derive(Clone, Copy, Debug)]
struct Map {
    spatial: bool,
    size: i64,
    offset: i64,
    dimension: Dimension,
}

/// The published tool on one accelerator.
#[derive(Clone, Debug)]
pub struct ReferenceArray {
    /// Converted directives of each level, outermost first.
    levels: Vec<Vec<Map>>,
    /// Units of each level, outermost first.
    units: Vec<i64>,
    bandwidth: i64,
}

impl ReferenceArray {
    /// An array of `pes` processing elements; `bandwidth` in elements a cycle.
    ///
    /// Every cluster must have its processing elements: `pes` is at least
    /// [`Dataflow::cluster_elements`], which the decoder checks.
    #[must_use]
    pub fn new(dataflow: &Dataflow, pes: u64, bandwidth: u64) -> Self {
        let levels = dataflow.levels.iter().map(|level| convert(&level.directives)).collect();
        let top = pes / dataflow.cluster_elements().max(1);
        let units = std::iter::once(top as i64).chain(dataflow.clusters.iter().map(|size| i64::from(*size)));
        Self { levels, units: units.collect(), bandwidth: bandwidth as i64 }
    }

    /// The cost of a layer.
    ///
    /// # Errors
    /// [`CostError::Overflow`] for layers beyond any accelerator.
    pub fn cost(&self, shape: &PublishedShape) -> Result<ReferenceCost, CostError> {
        let mut completed = Vec::with_capacity(self.levels.len());
        let mut extents = [0; DIMENSIONS];
        for (dimension, extent) in [
            (Dimension::K, shape.k),
            (Dimension::C, shape.c),
            (Dimension::R, shape.r),
            (Dimension::S, shape.s),
            (Dimension::Y, shape.y),
            (Dimension::X, shape.x),
        ] {
            extents[dimension.index()] = i64::from(extent);
        }
        let mut above: Option<[Map; DIMENSIONS]> = None;
        for written in &self.levels {
            let maps = complete(written, above.as_ref(), &extents);
            completed.push((maps, extents));
            for map in &maps {
                let extent = &mut extents[map.dimension.index()];
                *extent = map.size.min(*extent);
            }
            above = Some(maps);
        }
        let mut runtime = None;
        let mut cost = ReferenceCost::default();
        for ((maps, extents), units) in completed.iter().zip(&self.units).rev() {
            let level = Level::new(maps, extents, *units, self.bandwidth, runtime, shape.depthwise)?;
            cost = level.evaluate()?;
            runtime = Some(cost.latency_cycles);
        }
        Ok(cost)
    }
}

/// Output coordinates to input coordinates, with the number of directives for a filter extent
/// where the level maps no filter dimension (quirk 1).
fn convert(written: &[super::dataflow::Directive]) -> Vec<Map> {
    written
        .iter()
        .map(|directive| {
            let mut size = i64::from(directive.size);
            if directive.primed {
                let filter = if directive.dimension == Dimension::X { Dimension::S } else { Dimension::R };
                let extent = written.iter().find(|other| other.dimension == filter);
                size += extent.map_or(written.len() as i64, |other| i64::from(other.size)) - 1;
            }
            Map {
                spatial: directive.class == Class::Spatial,
                size,
                offset: i64::from(directive.offset),
                dimension: directive.dimension,
            }
        })
        .collect()
}

/// All six dimensions of a level: inherited ones in front (which reverses them), then the written
/// ones, then whole dimensions for the rest.
fn complete(
    written: &[Map],
    above: Option<&[Map; DIMENSIONS]>,
    extents: &[i64; DIMENSIONS],
) -> [Map; DIMENSIONS] {
    let whole = |dimension: Dimension| {
        let extent = extents[dimension.index()];
        Map { spatial: false, size: extent, offset: extent, dimension }
    };
    let mut maps = [whole(Dimension::C); DIMENSIONS];
    let mut count = 0;
    let mut push = |map: Map| {
        if let Some(slot) = maps.get_mut(count) {
            *slot = map;
            count += 1;
        }
    };
    let is_written = |dimension| written.iter().any(|map| map.dimension == dimension);
    for map in above.into_iter().flatten().rev().filter(|map| !is_written(map.dimension)) {
        push(Map { spatial: false, ..*map });
    }
    for map in written {
        push(*map);
    }
    if above.is_none() {
        for dimension in Dimension::ALL.into_iter().filter(|dimension| !is_written(*dimension)) {
            push(whole(dimension));
        }
    }
    maps
}

/// State of a loop in a case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    /// First iteration.
    Init,
    /// A full iteration after the first.
    Steady,
    /// The last, smaller iteration.
    Edge,
    /// The only iteration, while another loop goes on.
    Unroll,
}

const STATUSES: usize = 4;

/// One directive with everything that does not depend on the case.
#[derive(Clone, Copy)]
struct Loop {
    spatial: bool,
    size: i64,
    offset: i64,
    extent: i64,
    /// The tensors that have this dimension: input, weight, output.
    couples: [bool; 3],
    init_edge: bool,
    /// Status names of an Init in a case that is not all-Init.
    init: Status,
    /// Occurrences as Init, Steady and Edge.
    occurrences: [i64; 3],
    /// Partial sums of a unit, by status.
    partial: [i64; STATUSES],
    /// Partial sums of the last unit where the spatial dimension does not divide, by status.
    partial_edge: [i64; STATUSES],
    /// Outputs of a unit, by status; 1 for dimensions that the output does not have.
    target: [i64; STATUSES],
}

struct Level {
    loops: [Loop; DIMENSIONS],
    spatial: usize,
    units: i64,
    edge_units: i64,
    bandwidth: i64,
    /// Runtime of the level below; none at the processing elements.
    below: Option<i64>,
    has_spatial: [bool; 3],
    /// L2 writes of input, weight and output, which do not depend on the mapping.
    l2_writes: [i64; 3],
}

/// Partial products on the way down to a case.
#[derive(Clone, Copy)]
struct Prefix {
    occurrences: i64,
    statuses: [Status; DIMENSIONS],
    /// Innermost loop that is Steady or Edge.
    prime: Option<usize>,
}

const INPUT: usize = 0;
const WEIGHT: usize = 1;
const OUTPUT: usize = 2;

/// `a / b`, plus 1 where `b` does not divide `a`; truncating, as in C.
fn ceil_div(a: i64, b: i64) -> i64 {
    a / b + i64::from(a % b != 0)
}

impl Level {
    fn new(
        maps: &[Map; DIMENSIONS],
        extents: &[i64; DIMENSIONS],
        units: i64,
        bandwidth: i64,
        below: Option<i64>,
        depthwise: bool,
    ) -> Result<Self, CostError> {
        let spatial = maps.iter().position(|map| map.spatial).unwrap_or(0);
        let extent = |dimension: Dimension| extents[dimension.index()];
        // Outputs along a sliding dimension; may be zero or negative.
        let adjusted = |dimension| match dimension {
            Dimension::X => extent(Dimension::X) - extent(Dimension::S) + 1,
            Dimension::Y => extent(Dimension::Y) - extent(Dimension::R) + 1,
            other => extent(other),
        };
        let size_of =
            |dimension| maps.iter().find(|map| map.dimension == dimension).map_or(1, |map| map.size);
        let outer = maps[spatial];
        let step = outer.offset * units;
        let outputs = adjusted(outer.dimension);
        let has_spatial_edge = outputs % step != 0;
        let edge_units = if outputs <= outer.size { 1 } else { (outputs % step) / outer.offset };
        let output_channel = if depthwise { Dimension::C } else { Dimension::K };

        let loops = maps.map(|map| {
            let full = extent(map.dimension);
            let reach = if map.spatial { (units - 1) * map.offset + map.size } else { map.size };
            let span = if map.spatial { map.offset * units } else { map.size };
            let (unrolled, init_edge, init_unroll) = (reach >= full, span > full, span >= full);
            let stride = if map.spatial { map.offset * units } else { map.offset };
            let iterations = ceil_div(adjusted(map.dimension), stride);
            let has_edge =
                if map.spatial { has_spatial_edge } else { adjusted(map.dimension) % map.offset != 0 };
            let steady = match (unrolled, has_edge) {
                (true, _) => 0,
                (false, true) => iterations - 2,
                (false, false) => iterations - 1,
            };
            let edge = i64::from(has_edge && !init_edge && !init_unroll);
            let couples = [
                matches!(map.dimension, Dimension::C | Dimension::Y | Dimension::X),
                matches!(map.dimension, Dimension::K | Dimension::C | Dimension::R | Dimension::S),
                matches!(map.dimension, Dimension::Y | Dimension::X) || map.dimension == output_channel,
            ];
            let filter = match map.dimension {
                Dimension::X => Some(size_of(Dimension::S)),
                Dimension::Y => Some(size_of(Dimension::R)),
                _ => None,
            };
            // The mapped extent in a status, before sliding is taken into account.
            let mapped = |status, edge_unit: bool| {
                let at_edge = match status {
                    Status::Edge => true,
                    Status::Init => init_edge,
                    Status::Unroll => init_edge && !map.spatial,
                    Status::Steady => false,
                };
                match (at_edge, map.spatial) {
                    (false, _) => map.size,
                    (true, false) if status == Status::Edge => full % map.offset,
                    (true, false) => full,
                    (true, true) if full < map.size => full,
                    (true, true) if edge_unit && full % map.offset != 0 => full % map.offset,
                    (true, true) => map.size,
                }
            };
            let partial = |status, edge_unit| match (map.dimension, filter) {
                (Dimension::R | Dimension::S, _) => map.size,
                (_, Some(filter)) => (mapped(status, edge_unit) - filter + 1).max(1),
                _ => mapped(status, edge_unit),
            };
            let target = |status| match filter {
                _ if !couples[OUTPUT] => 1,
                Some(filter) if map.size >= filter => map.size - filter + 1,
                _ => mapped(status, false),
            };
            let by_status = |value: &dyn Fn(Status) -> i64| {
                [Status::Init, Status::Steady, Status::Edge, Status::Unroll].map(value)
            };
            Loop {
                spatial: map.spatial,
                size: map.size,
                offset: map.offset,
                extent: full,
                couples,
                init_edge,
                init: if unrolled { Status::Unroll } else { Status::Init },
                occurrences: [1, steady, edge],
                partial: by_status(&|status| partial(status, false)),
                partial_edge: by_status(&|status| partial(status, true)),
                target: by_status(&target),
            }
        });
        let has_spatial =
            [INPUT, WEIGHT, OUTPUT].map(|tensor| loops.iter().any(|one| one.spatial && one.couples[tensor]));
        // No count exceeds the product of all iterations and tiles over all units.
        let largest = loops.iter().fold(units as f64, |product, one| {
            product * (one.occurrences[1].unsigned_abs() as f64 + 2.0) * (one.size as f64).max(1.0)
        });
        if largest > LARGEST_COUNT {
            return Err(CostError::Overflow { what: "counts" });
        }
        let volume = |tensor: usize, extents: &dyn Fn(Dimension) -> i64| {
            maps.iter()
                .zip(&loops)
                .filter(|(_, one)| one.couples[tensor])
                .map(|(map, _)| extents(map.dimension))
                .product()
        };
        let l2_writes = [volume(INPUT, &extent), volume(WEIGHT, &extent), volume(OUTPUT, &adjusted)];
        Ok(Self { loops, spatial, units, edge_units, bandwidth, below, has_spatial, l2_writes })
    }

    fn evaluate(&self) -> Result<ReferenceCost, CostError> {
        let mut cost = ReferenceCost { l2_writes: self.l2_writes, ..ReferenceCost::default() };
        let prefix = Prefix { occurrences: 1, statuses: [Status::Init; DIMENSIONS], prime: None };
        self.descend(0, prefix, &mut cost)?;
        Ok(cost)
    }

    /// Visits every case whose occurrence is not zero.
    fn descend(&self, depth: usize, prefix: Prefix, cost: &mut ReferenceCost) -> Result<(), CostError> {
        let Some(one) = self.loops.get(depth) else {
            return self.case(&prefix, cost);
        };
        for (status, occurrences) in
            [Status::Init, Status::Steady, Status::Edge].into_iter().zip(one.occurrences)
        {
            if occurrences != 0 {
                let mut next = prefix;
                next.occurrences *= occurrences;
                next.statuses[depth] = status;
                if status != Status::Init {
                    next.prime = Some(depth);
                }
                self.descend(depth + 1, next, cost)?;
            }
        }
        Ok(())
    }

    fn case(&self, prefix: &Prefix, cost: &mut ReferenceCost) -> Result<(), CostError> {
        let occurrences = prefix.occurrences;
        let mut statuses = prefix.statuses;
        if prefix.prime.is_some() {
            for (status, one) in statuses.iter_mut().zip(&self.loops) {
                if *status == Status::Init {
                    *status = one.init;
                }
            }
        }
        let (mut partial, mut partial_edge, mut target) = (1, 1, 1);
        for (one, status) in self.loops.iter().zip(statuses) {
            partial *= one.partial[status as usize];
            partial_edge *= one.partial_edge[status as usize];
            target *= one.target[status as usize];
        }
        if partial == 0 {
            return Ok(());
        }
        let at_edge = match statuses[self.spatial] {
            Status::Edge => true,
            Status::Init | Status::Unroll => self.loops[self.spatial].init_edge,
            Status::Steady => false,
        };
        let active = if at_edge { self.edge_units } else { self.units };
        let mut ingress = 0;
        for tensor in [INPUT, WEIGHT] {
            let [first, other] = self.load(tensor, prefix.prime, &statuses);
            let shared = active > 1 && self.has_spatial[tensor];
            let traffic = first + if shared { (active - 1) * other } else { 0 };
            cost.l2_reads[tensor] += occurrences * traffic;
            cost.l1_writes[tensor] += occurrences * first * active;
            cost.l1_reads[tensor] += occurrences * active * partial;
            ingress += traffic;
        }
        cost.l1_writes[OUTPUT] += occurrences * partial;
        cost.l1_reads[OUTPUT] += occurrences * (partial - 1);
        if prefix.prime.is_none() {
            cost.l2_requirement = 2 * (ingress + target);
        }
        let delay = self
            .below
            .unwrap_or(partial)
            .max(ceil_div(ingress, self.bandwidth))
            .max(ceil_div(target, self.bandwidth));
        cost.latency_cycles = occurrences
            .checked_mul(delay)
            .and_then(|time| cost.latency_cycles.checked_add(time))
            .ok_or(CostError::Overflow { what: "cycles" })?;
        cost.computations += occurrences * ((active - 1) * partial + partial_edge);
        Ok(())
    }

    /// Elements of a tensor that the first unit, and any other unit, loads in a case.
    fn load(&self, tensor: usize, prime: Option<usize>, statuses: &[Status; DIMENSIONS]) -> [i64; 2] {
        let Some(prime) = prime else {
            return self.full_volume(tensor);
        };
        let mut all_unrolled = true;
        let mut innermost = None;
        for (index, (one, status)) in self.loops.iter().zip(statuses).enumerate() {
            if !one.couples[tensor] {
                continue;
            }
            all_unrolled &= *status == Status::Unroll;
            if matches!(status, Status::Steady | Status::Edge) || (*status == Status::Init && index < prime) {
                innermost = Some(index);
            }
        }
        match innermost {
            _ if all_unrolled => return [0, 0],
            None => return self.full_volume(tensor),
            Some(innermost) if innermost != prime => return [0, 0],
            Some(_) => {}
        }
        let mut volume = [1, 1];
        for (index, (one, status)) in self.loops.iter().zip(statuses).enumerate() {
            if !one.couples[tensor] {
                continue;
            }
            if one.spatial {
                volume[0] *= one.size;
                volume[1] *= one.size.min(one.offset);
                continue;
            }
            let extent = if index == prime {
                one.size.min(one.offset)
            } else if *status == Status::Unroll {
                one.extent
            } else {
                one.size
            };
            volume[0] *= extent;
            volume[1] *= extent;
        }
        volume
    }

    fn full_volume(&self, tensor: usize) -> [i64; 2] {
        let mut volume = [1, 1];
        for one in self.loops.iter().filter(|one| one.couples[tensor]) {
            if one.spatial {
                volume[0] *= one.size;
                volume[1] *= one.size.min(one.offset);
            } else {
                // The modulo is zero where the extent is a multiple of the offset (quirk 5).
                let extent = if one.init_edge { one.extent % one.offset } else { one.size };
                volume[0] *= extent;
                volume[1] *= extent;
            }
        }
        if !self.has_spatial[tensor] {
            volume[1] = 0;
        }
        volume
    }
}
