//! Detection of contention, and the setting of the throttle, at the start of a layer.
//!
//! Cores form groups of two. Each group has published what its layer demands, in rows from DRAM in 100 cycles, and how
//! urgent its task is. A layer whose demand, with that of the others, exceeds the limit is throttled to a share of it.
//! Arithmetic is the program's, of 32 bits that wrap: the scores of late tasks are so large that it matters.

use serde::Serialize;

use super::fixes::Fixes;
use super::layer::{Layer, Split};
use super::numbers::rdiv;
use super::parts::Estimate;

/// Groups of cores.
pub const GROUPS: usize = 4;
/// The demand of all groups above which layers are throttled, in rows in 100 cycles.
const LIMIT_PERCENT: i128 = 150;
/// The least share, in rows in 100 cycles.
const MIN_SHARE_PERCENT: i128 = 25;
/// The least slack, in cycles.
const MIN_SLACK: u64 = 10;
/// Tiles from which a convolution or a matrix product is throttled.
const MIN_TILES: i64 = 4;
/// Channels of an image: the first layer is never throttled.
const IMAGE_CHANNELS: u32 = 3;

/// A group of two cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct GroupIndex(u8);

impl GroupIndex {
    /// All groups.
    pub const ALL: [Self; GROUPS] = [Self(0), Self(1), Self(2), Self(3)];

    /// The group at this position, if there is one.
    #[must_use]
    pub fn new(position: usize) -> Option<Self> {
        Self::ALL.get(position).copied()
    }

    /// Its position.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// State that all groups share: each writes its own place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Demand of the group's layer, in rows from DRAM in 100 cycles.
    pub demand_percent: [i32; GROUPS],
    /// Score of its task.
    pub score: [i32; GROUPS],
}

/// The driver's wish for the throttle of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By contention.
    Decide,
    /// Not at all.
    Off,
    /// To a share, in rows in 100 cycles.
    Share(u32),
}

impl Mode {
    /// The mode that the program writes so: 0 decides, a negative number is off, any other is a share.
    #[must_use]
    pub const fn of_number(number: i32) -> Self {
        match number {
            0 => Self::Decide,
            ..0 => Self::Off,
            share => Self::Share(share.unsigned_abs()),
        }
    }
}

/// A task as the throttle sees it; cycles of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskState {
    /// 0 to 11, the higher the more important.
    pub priority: u32,
    /// When it was dispatched.
    pub dispatch: u64,
    /// Cycles from there until it is due.
    pub target: u64,
    /// Predicted cycles of the layers that are left; below zero where more was taken off than predicted.
    pub togo: i64,
    /// Now.
    pub elapsed: u64,
}

/// An entry of the offline table: what is assumed of a convolution or a matrix product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry {
    /// Rows that come from DRAM.
    pub from_dram: u64,
    /// Cycles on two cores.
    pub prediction: u64,
}

/// All that the setting of a layer's throttle depends on, beside the layer and its split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// The group whose core it is.
    pub group: GroupIndex,
    /// The driver's wish.
    pub mode: Mode,
    /// Entry of the table; additions have none and are estimated on the device.
    pub entry: Option<TableEntry>,
    /// State that all groups share, before.
    pub published: Published,
    /// The task.
    pub task: TaskState,
}

/// A setting of the throttle, and all that it follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Tiles of the core.
    pub inner_tiles: i64,
    /// Rows that it loads.
    pub loads: i64,
    /// Demand of the layer, in rows from DRAM in 100 cycles.
    pub demand_percent: i32,
    /// Cycles until the task is due; additions do not look.
    pub slack: Option<u64>,
    /// Score of the task.
    pub score: i32,
    /// Demand of the other groups together.
    pub others_percent: i32,
    /// The same, weighed by scores.
    pub weight: i64,
    /// Share of the layer, in rows in 100 cycles; none without a throttle.
    pub share_percent: Option<u32>,
    /// Cycles of the layer at that share; 0 without one.
    pub new_time: u64,
    /// Cycles of a tile: the window of the throttle. 0 is off.
    pub window: u64,
    /// Rows that a tile loads: the threshold of the throttle.
    pub threshold: u64,
    /// State that all groups share, afterwards.
    pub published: Published,
    /// Predicted cycles that are left: an addition takes its own off, others do when they end.
    pub togo: i64,
}

impl Setting {
    /// The fields of the command that the device is sent: window and threshold. They overlap where the threshold is long.
    #[must_use]
    pub const fn fields(&self) -> (u16, u16) {
        ((self.window | (self.threshold >> 16)) as u16, self.threshold as u16)
    }

    /// Sets the throttle of a layer that was estimated on its core. Poolings are never throttled.
    #[must_use]
    pub fn of(layer: &Layer, split: Split, estimate: &Estimate, query: &Query, fixes: &Fixes) -> Self {
        let group = query.group.index();
        let mut published = query.published;
        let is_tabled = matches!(layer, Layer::Convolution(_) | Layer::Product(_));
        let own = TableEntry {
            from_dram: estimate.from_dram.unwrap_or(0).unsigned_abs(),
            prediction: estimate.prediction,
        };
        let TableEntry { from_dram, prediction } = query.entry.filter(|_| is_tabled).unwrap_or(own);
        let mode = match layer {
            Layer::Convolution(layer) if layer.in_channels == IMAGE_CHANNELS => Mode::Off,
            Layer::Pooling(_) => Mode::Off,
            _ => query.mode,
        };
        let demand = from_dram.wrapping_mul(100).checked_div(prediction).unwrap_or(u64::MAX) as i32;
        let publishes = split.is_leader() && is_tabled;
        let slack = is_tabled.then(|| query.task.slack());
        let score = slack.map_or(published.score[group], |slack| query.task.score(slack, fixes));
        if publishes {
            published.score[group] = score;
            if mode == Mode::Off {
                // Quirk 3: a layer without a throttle counts for nothing.
                published.demand_percent[group] = if fixes.demand_of_disabled { demand } else { 0 };
            }
        }
        // Quirk 1: all but additions weigh the demands of the others by the score of their own task.
        let has_their_scores = !is_tabled || fixes.scores_of_others;
        let others = Others::of(query.group, &published, |other| {
            if has_their_scores { published.score[other.index()] } else { score }
        });
        let arithmetic = Arithmetic { wraps: !fixes.wide_scores };
        let (others_percent, weight) = others.sums(arithmetic);
        let share = match mode {
            Mode::Off => None,
            Mode::Share(share) => Some(share),
            Mode::Decide => arithmetic.share(demand.into(), others_percent, score.into(), weight),
        };
        if publishes && mode == Mode::Decide {
            // Quirk 2: what is published is the demand without the throttle.
            let throttled =
                share.and_then(|share| i32::try_from(share).ok()).map_or(demand, |share| share.min(demand));
            published.demand_percent[group] = if fixes.throttled_demand { throttled } else { demand };
        }
        let new_time = share
            .map_or(0, |share| from_dram.wrapping_mul(100).checked_div(share.into()).unwrap_or(u64::MAX));
        let (inner_tiles, loads) = (estimate.inner_tiles, estimate.loads());
        let least_tiles = if is_tabled { MIN_TILES } else { 1 };
        let is_slower = share.is_some_and(|share| i64::from(share) < i64::from(demand));
        let (window, threshold) = if is_slower && inner_tiles >= least_tiles {
            let tiles = inner_tiles.unsigned_abs();
            (new_time / tiles, loads.unsigned_abs() / tiles)
        } else {
            (0, 0)
        };
        let takes_off = split.is_leader() && matches!(layer, Layer::Addition(_));
        let taken = if takes_off { i64::try_from(prediction).unwrap_or(i64::MAX) } else { 0 };
        Self {
            inner_tiles,
            loads,
            demand_percent: demand,
            slack,
            score,
            others_percent: others_percent as i32,
            weight: i64::try_from(weight).unwrap_or(i64::MAX),
            share_percent: share,
            new_time,
            window,
            threshold,
            published,
            togo: query.task.togo.saturating_sub(taken),
        }
    }
}

impl TaskState {
    /// Cycles until the task is due, at least ten; all of its target before it is dispatched.
    #[must_use]
    pub fn slack(&self) -> u64 {
        let waited = self.elapsed.saturating_sub(self.dispatch);
        match self.target.checked_sub(waited) {
            _ if waited == 0 => self.target,
            Some(slack) if slack > 0 => slack,
            _ => MIN_SLACK,
        }
    }

    /// A part for the priority, and ten times what is left by the slack.
    fn score(&self, slack: u64, fixes: &Fixes) -> i32 {
        let tenfold = Arithmetic { wraps: !fixes.wide_scores }.fit(i128::from(self.togo) * 10);
        let left = i64::try_from(tenfold).unwrap_or(i64::MAX);
        let urgency = rdiv(left, i64::try_from(slack).unwrap_or(i64::MAX));
        let by_priority = (1 + i64::from(self.priority)) / 4;
        i32::try_from(by_priority.saturating_add(urgency)).unwrap_or(i32::MAX)
    }
}

/// Demands of the other groups, each with the score that it is weighed by.
struct Others([(i32, i32); GROUPS - 1]);

impl Others {
    fn of(group: GroupIndex, published: &Published, score: impl Fn(GroupIndex) -> i32) -> Self {
        let mut others = [(0, 0); GROUPS - 1];
        let found = GroupIndex::ALL.into_iter().filter(|other| *other != group);
        for (place, other) in others.iter_mut().zip(found) {
            *place = (published.demand_percent[other.index()], score(other));
        }
        Self(others)
    }

    /// The sum of all demands, and their weighed sum.
    fn sums(&self, arithmetic: Arithmetic) -> (i128, i128) {
        self.0.iter().fold((0, 0), |(demands, weight), (demand, score)| {
            let (demand, score) = (i128::from(*demand), i128::from(*score));
            (arithmetic.fit(demands + demand), arithmetic.fit(weight + arithmetic.fit(score * demand)))
        })
    }
}

/// The arithmetic of shares.
#[derive(Clone, Copy)]
struct Arithmetic {
    /// Quirk 4: every number is cut to 32 bits.
    wraps: bool,
}

impl Arithmetic {
    fn fit(self, value: i128) -> i128 {
        if self.wraps { i128::from(value as i32) } else { value }
    }

    /// The share of a layer among others, in rows in 100 cycles; none where all demands fit the limit.
    fn share(self, demand: i128, others: i128, score: i128, weight: i128) -> Option<u32> {
        let all = self.fit(demand + others);
        if all <= LIMIT_PERCENT {
            return None;
        }
        let excess = self.fit((all - LIMIT_PERCENT) * weight);
        let weights = self.fit(self.fit(score * demand) + weight);
        // The device answers a division by zero with all ones.
        let taken = if weights == 0 { -1 } else { self.fit(excess / weights) };
        let share = self.fit(demand - taken).max(MIN_SHARE_PERCENT);
        Some(u32::try_from(share).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: TaskState = TaskState { priority: 7, dispatch: 100, target: 1_000, togo: 500, elapsed: 0 };

    #[test]
    fn slack_is_all_of_the_target_before_the_dispatch_and_at_least_ten() {
        let at = |elapsed| TaskState { elapsed, ..TASK }.slack();
        assert_eq!([0, 100, 101, 1_099, 1_100, 5_000].map(at), [1_000, 1_000, 999, 1, 10, 10]);
    }

    #[test]
    fn a_score_is_cut_to_32_bits() {
        let late = TaskState { togo: 300_000_000, elapsed: 5_000, ..TASK };
        // Ten times what is left is below zero in 32 bits, and such a quotient counts as one.
        assert_eq!(late.score(10, &Fixes::default()), 3);
        assert_eq!(late.score(10, &Fixes { wide_scores: true, ..Fixes::default() }), 300_000_002);
        assert_eq!(TASK.score(TASK.slack(), &Fixes::default()), 2 + 5);
    }

    #[test]
    fn the_excess_is_split_by_weighed_demands() {
        let plain = Arithmetic { wraps: true };
        // 50 of 200 are too many; the others weigh 300 of 400 parts.
        assert_eq!(plain.share(100, 100, 1, 300), Some(100 - 50 * 300 / 400));
        assert_eq!(plain.share(100, 50, 1, 300), None);
        assert_eq!(plain.share(30, 500, 1, 300), Some(25));
        // A sum of weights of zero takes all ones, which is -1.
        assert_eq!(plain.share(100, 100, 3, -300), Some(101));
        // The product of excess and weight leaves 32 bits.
        assert_eq!(plain.share(100, 150, 1, 30_000_000), Some(143));
        assert_eq!(Arithmetic { wraps: false }.share(100, 150, 1, 30_000_000), Some(25));
    }

    #[test]
    fn fields_of_the_command_overlap() {
        let setting = Setting {
            inner_tiles: 4,
            loads: 0,
            demand_percent: 0,
            slack: None,
            score: 0,
            others_percent: 0,
            weight: 0,
            share_percent: None,
            new_time: 0,
            window: 0x1_0102,
            threshold: 0x3_0007,
            published: Published::default(),
            togo: 0,
        };
        assert_eq!(setting.fields(), (0x0103, 7));
    }
}
