//! Prices over process nodes.

use std::ops::RangeInclusive;

use rtmm_workload::input::{Table, Value};

use super::band::{Band, Level};

/// Process nodes, in nanometres.
pub(super) const NODES_NM: RangeInclusive<f64> = 0.1..=10_000.0;

/// A price, of one node or of several.
#[derive(Clone, Debug)]
pub(super) enum Curve {
    /// The same at every node.
    Any(Band),
    /// By node in nanometres, ascending; at least one.
    ByNode(Vec<(f64, Band)>),
}

impl Curve {
    /// Reads a price of every node, or an array of prices with their nodes.
    pub(super) fn decode(value: &Value<'_>) -> Option<Self> {
        if !value.is_array() {
            if let Some(table) = value.is_table().then(|| value.table()).flatten()
                && table.has("node_nm")
            {
                let node = table.required("node_nm", |node| node.number(NODES_NM));
                return Some(Self::ByNode(vec![(node?, Band::decode(value)?)]));
            }
            return Band::decode(value).map(Self::Any);
        }
        let points = by_node(value, |item, _| Band::decode(item))?;
        if points.len() > 1 && points.iter().any(|(_, band)| band.low == 0.0) {
            return value.reject(
                "a price of nothing has no logarithm, by which nodes between are found",
                "state prices above zero, or one price for every node",
            );
        }
        Some(Self::ByNode(points))
    }

    /// The nodes that it states; none where it is the same at every node.
    pub(super) fn nodes(&self) -> Option<RangeInclusive<f64>> {
        match self {
            Self::Any(_) => None,
            Self::ByNode(points) => Some(points.first()?.0..=points.last()?.0),
        }
    }

    /// The price at a node; beyond those that it states, that of the nearest.
    pub(super) fn at(&self, node_nm: Option<f64>, level: Level) -> f64 {
        match self {
            Self::Any(band) => band.at(level),
            Self::ByNode(points) => between(
                points,
                node_nm,
                |band| band.at(level),
                |low, high, part| geometric(low.at(level), high.at(level), part),
            ),
        }
    }
}

/// Reads points with a `node_nm` each, ascending by node; at least one, and no node twice.
pub(super) fn by_node<T>(
    value: &Value<'_>,
    mut read: impl FnMut(&Value<'_>, &Table<'_>) -> Option<T>,
) -> Option<Vec<(f64, T)>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.reject("there are no prices", "add `{ node_nm = 7, ... }` for each node");
    }
    let mut points: Vec<(f64, T)> = Vec::new();
    let mut all = true;
    for item in &items {
        let point = item.table().and_then(|table| {
            let node = table.named("this price").required("node_nm", |node| node.number(NODES_NM));
            Some((node?, read(item, &item.table()?)?))
        });
        match point {
            Some((node, _)) if points.iter().any(|(known, _)| *known == node) => {
                item.reject::<()>(format!("node {node} nm has two prices"), "remove one of them");
                all = false;
            }
            Some(point) => points.push(point),
            None => all = false,
        }
    }
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    all.then_some(points)
}

/// Value at a node, of points by node: a point's own, or one between two of them at a part of the way, in logarithms,
/// from the smaller node to the larger.
pub(super) fn between<T, P>(
    points: &[(f64, T)],
    node_nm: Option<f64>,
    own: impl Fn(&T) -> P,
    mix: impl Fn(&T, &T, f64) -> P,
) -> P
where
    P: Default,
{
    let (Some((least, first)), Some((greatest, last))) = (points.first(), points.last()) else {
        return P::default();
    };
    let node = node_nm.unwrap_or(*least).clamp(*least, *greatest);
    let above = points.partition_point(|(known, _)| *known < node);
    match (above.checked_sub(1).and_then(|below| points.get(below)), points.get(above)) {
        (_, None) => own(last),
        (None, Some(_)) => own(first),
        (_, Some((known, point))) if *known == node => own(point),
        (Some((low, below)), Some((high, above))) => {
            mix(below, above, libm::log(node / low) / libm::log(high / low))
        }
    }
}

/// The number at a part of the way from one to another, in logarithms.
pub(super) fn geometric(from: f64, to: f64, part: f64) -> f64 {
    from * libm::exp(part * libm::log(to / from))
}
