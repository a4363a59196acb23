//! Tiles of one extent over the units that share it.

/// One loop of an axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct AxisLoop {
    /// Position in the whole nest.
    pub(super) position: usize,
    /// True if it cuts the filter's extent (of a sliding axis).
    pub(super) filter: bool,
    pub(super) size: u64,
    pub(super) units: u64,
    /// True if it ever has a second iteration.
    pub(super) iterates: bool,
}

/// Tiles of one extent over the units that share it: `count` units hold `size` elements, then one
/// holds `edge` (if any), the rest nothing. Unit `i` starts at `start + i * pitch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiles {
    pub(super) start: u64,
    pub(super) pitch: u64,
    pub(super) size: u64,
    pub(super) count: u64,
    pub(super) edge: u64,
}

impl Tiles {
    pub(super) const fn whole(extent: u64) -> Self {
        Self { start: 0, pitch: extent, size: extent, count: 1, edge: 0 }
    }

    pub(super) fn units(&self) -> u64 {
        self.count + u64::from(self.edge > 0)
    }

    pub(super) fn total(&self) -> u64 {
        self.count * self.size + self.edge
    }

    pub(super) fn largest(&self) -> u64 {
        if self.count > 0 { self.size } else { self.edge }
    }

    /// The interval of unit `index`, if it has one.
    pub(super) fn unit(&self, index: u64) -> Option<(u64, u64)> {
        let length = match index {
            _ if index < self.count => self.size,
            _ if index == self.count && self.edge > 0 => self.edge,
            _ => return None,
        };
        Some((self.start + index * self.pitch, length))
    }

    /// True if the units' intervals join without gaps.
    pub(super) fn is_contiguous(&self) -> bool {
        self.pitch == self.size || self.units() <= 1
    }

    /// Number of iterations that `one` makes of these tiles: as many as the largest tile needs.
    pub(super) fn iterations(&self, one: &AxisLoop) -> u64 {
        self.largest().div_ceil(one.size * one.units).max(1)
    }

    /// Tiles that are held in iteration `index` of `one`.
    pub(super) fn cut(&self, one: &AxisLoop, index: u64) -> Self {
        let offset = index * one.units * one.size;
        if one.units > 1 {
            // One extent is spread over units once, so this is a single interval still.
            let length = self.largest().saturating_sub(offset).min(one.units * one.size);
            return Self {
                start: self.start + offset,
                pitch: one.size,
                size: one.size,
                count: length / one.size,
                edge: length % one.size,
            };
        }
        let part = |length: u64| length.saturating_sub(offset).min(one.size);
        let (size, edge) = (part(self.size), part(self.edge));
        if self.count == 0 {
            return Self { start: self.start + offset, pitch: self.pitch, size: edge, count: 0, edge };
        }
        Self {
            start: self.start + offset,
            pitch: self.pitch,
            size,
            count: self.count + u64::from(edge == size && edge > 0),
            edge: if edge == size { 0 } else { edge },
        }
    }
}
