//! A throttle in the load path of each run: it counts what a run moves in windows, and holds the run back for a
//! while when that is too much. MoCA's hardware (Kim et al., HPCA 2023, section IV; `ThrottleControl` of its
//! artifact), without what in it is a matter of registers.
//!
//! ```text
//! threshold  H = floor(bandwidth * share) * window             traffic of a window that is not too much
//! watching:    in each window the traffic L is counted; at its end V += L - H; V may fall below zero
//! pausing:     while V > o at the end of a window or of a pause: with the largest m of 8, 6, 5 for which
//!              V >= floor(m * o / 4), else with m = 4, nothing moves for floor(m * p / 4), V -= floor(m * o / 4)
//!              o = floor(overflow * H), p = floor(pause * window), both 1 at least; then a window begins
//! ```
//!
//! With the hardware's 1/2 for `overflow` and for `pause`, a pause lasts 1/2, 5/8, 3/4 or all of a window. Every pause takes
//! as much from V as the run would be allowed to move meanwhile, so that a run that could move more is held to a mean rate
//! of `H / window`.
//!
//! A setting begins with a layer, and when a policy sets another share: a window begins, and V is zero. Beside the runs
//! that pause, the others share by demand, max-min fair.
//!
//! The hardware sees the end of a window one cycle later and watches for a cycle between two pauses; it does not count
//! rows of the last cycle of a window, nor those on their way when a pause begins; its counts wrap at 25 bits, a
//! new setting leaves its cycle counter as it is, and the setting can be lost. Nothing of that is here.
//! `crates/reference/tests/moca_throttle_rule.rs` measures the difference.

use rtmm_workload::Duration;

use super::bandwidth::Bandwidth;

/// Settings of the throttles of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Time over which traffic is counted; above zero.
    pub window: Duration,
    /// Traffic beyond the threshold at which a run pauses, in millionths of the threshold.
    pub overflow_millionths: u64,
    /// Length of the shortest pause, in millionths of the window.
    pub pause_millionths: u64,
}

impl Throttle {
    /// The hardware's: half a threshold, half a window.
    pub const HALF_MILLIONTHS: u64 = 500_000;

    /// A throttle of one run at the beginning of a setting, whose threshold is what `allowed` moves in a window.
    #[must_use]
    pub fn meter(&self, allowed: Bandwidth) -> Meter {
        let window = self.window.picoseconds().max(1);
        let threshold = moved(allowed, window);
        let pause = u128::from(window) * u128::from(self.pause_millionths) / 1_000_000;
        Meter {
            window,
            threshold,
            overflow_step: (threshold / 1_000_000)
                .saturating_mul(i128::from(self.overflow_millionths))
                .saturating_add(threshold % 1_000_000 * i128::from(self.overflow_millionths) / 1_000_000)
                .max(1),
            pause_step: u64::try_from(pause).unwrap_or(u64::MAX).max(1),
            phase: Phase::WATCHING,
            overflow: 0,
        }
    }
}

/// Phase of a throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// So much of the window is over, in picoseconds, and so much traffic was counted in it.
    Watches { elapsed: u64, counted: i128 },
    /// So much of the pause is left, in picoseconds.
    Pauses { left: u64 },
}

impl Phase {
    const WATCHING: Self = Self::Watches { elapsed: 0, counted: 0 };
}

/// The throttle of one run. Traffic is counted in units of bandwidth times picoseconds.
///
/// While the rate at which the run moves stays as it is, windows are not gone through one by one: a pause begins at the end
/// of the first window `n` with `V + n (L - H) > o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    window: u64,
    threshold: i128,
    /// Overflow that makes it pause, above zero, and the pause that takes as much away.
    overflow_step: i128,
    pause_step: u64,
    phase: Phase,
    overflow: i128,
}

/// Traffic within so many picoseconds.
fn moved(rate: Bandwidth, picoseconds: u64) -> i128 {
    let moved = u128::from(rate.bytes_per_window()) * u128::from(picoseconds);
    i128::try_from(moved).unwrap_or(i128::MAX)
}

/// A quotient of numbers above zero, rounded down and saturating: division of 128 bits costs several times as much.
fn quotient(dividend: i128, divisor: i128) -> u64 {
    match (u64::try_from(dividend), u64::try_from(divisor)) {
        (Ok(dividend), Ok(divisor)) => dividend / divisor.max(1),
        _ => u64::try_from(dividend / divisor.max(1)).unwrap_or(u64::MAX),
    }
}

impl Meter {
    /// True while the run is held back: it moves nothing.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        matches!(self.phase, Phase::Pauses { .. })
    }

    /// Traffic beyond the thresholds of the windows that are over which is not paid for by pauses; below zero after
    /// quiet windows.
    #[must_use]
    pub const fn overflow(&self) -> i128 {
        self.overflow
    }

    /// Time until a pause begins, or ends, if the run moves at `rate` until then; [`Duration::MAX`] if none ever
    /// begins, or beyond the clock's range.
    #[must_use]
    pub fn until_change(&self, rate: Bandwidth) -> Duration {
        let (elapsed, counted) = match self.phase {
            Phase::Pauses { left } => return Duration::from_picoseconds(left),
            Phase::Watches { elapsed, counted } => (elapsed, counted),
        };
        let rest = self.window - elapsed;
        let first = self.after_window(counted, rate, rest);
        if first > self.overflow_step {
            return Duration::from_picoseconds(rest);
        }
        let excess = moved(rate, self.window) - self.threshold;
        if excess <= 0 {
            return Duration::MAX;
        }
        let windows = quotient(self.overflow_step.saturating_sub(first), excess).saturating_add(1);
        Duration::from_picoseconds(windows.saturating_mul(self.window).saturating_add(rest))
    }

    /// Goes on for `elapsed`, in which the run moves at `rate` unless it is paused. Returns the time of it in which it
    /// was not.
    pub fn advance(&mut self, rate: Bandwidth, elapsed: Duration) -> Duration {
        let (mut left, mut watched) = (elapsed.picoseconds(), 0);
        while left > 0 {
            let step = left.min(self.until_change(rate).picoseconds());
            left -= step;
            match self.phase {
                Phase::Pauses { left } if left > step => self.phase = Phase::Pauses { left: left - step },
                Phase::Pauses { .. } => self.phase = Phase::WATCHING,
                Phase::Watches { elapsed, counted } => {
                    watched += step;
                    self.watch(rate, step, elapsed, counted);
                }
            }
        }
        Duration::from_picoseconds(watched)
    }

    /// Overflow at the end of the window that has `rest` to go.
    fn after_window(&self, counted: i128, rate: Bandwidth, rest: u64) -> i128 {
        let traffic = counted.saturating_add(moved(rate, rest));
        self.overflow.saturating_add(traffic).saturating_sub(self.threshold)
    }

    /// Watches for `step`, up to the beginning of the next pause at most.
    fn watch(&mut self, rate: Bandwidth, step: u64, elapsed: u64, counted: i128) {
        let rest = self.window - elapsed;
        let Some(beyond) = step.checked_sub(rest) else {
            let counted = counted.saturating_add(moved(rate, step));
            self.phase = Phase::Watches { elapsed: elapsed + step, counted };
            return;
        };
        let (windows, elapsed) = (beyond / self.window, beyond % self.window);
        let excess = moved(rate, self.window) - self.threshold;
        self.overflow =
            self.after_window(counted, rate, rest).saturating_add(excess.saturating_mul(windows.into()));
        self.phase = Phase::Watches { elapsed, counted: moved(rate, elapsed) };
        if self.overflow > self.overflow_step {
            self.phase = Phase::Pauses { left: self.pause() };
        }
    }

    /// Takes from the overflow what one pause after the other takes away, until it is no longer too much; their time.
    fn pause(&mut self) -> u64 {
        // The longest ones are all alike.
        let longest = quotient(self.overflow, self.overflow_step.saturating_mul(2));
        self.overflow %= self.overflow_step.saturating_mul(2);
        let mut pause = longest.saturating_mul(self.pause_step.saturating_mul(2));
        if self.overflow > self.overflow_step {
            let quarters = |step: i128, quarters: i128| step.saturating_mul(quarters) / 4;
            let reaches = |of: &i128| self.overflow >= quarters(self.overflow_step, *of);
            let last = [6, 5].into_iter().find(reaches).unwrap_or(4);
            self.overflow -= quarters(self.overflow_step, last);
            let last = quarters(self.pause_step.into(), last);
            pause = pause.saturating_add(u64::try_from(last).unwrap_or(u64::MAX));
        }
        pause
    }
}
