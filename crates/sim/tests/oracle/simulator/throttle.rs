//! Throttles: every picosecond, each window and each pause by itself.

use rtmm_hardware::{Bandwidth, Share, Throttle};

use super::Oracle;

/// The throttle of a layer that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counter {
    window: u64,
    threshold: i128,
    /// What makes it pause, and for how long at least.
    step: i128,
    pause: u64,
    /// Picoseconds of the window that are over, and what was moved in them.
    at: u64,
    moved: i128,
    overflow: i128,
    /// Picoseconds of the pause that are left.
    left: u64,
}

impl Counter {
    fn new(throttle: Throttle, allowed: Bandwidth) -> Self {
        let window = throttle.window.picoseconds();
        let threshold = u128::from(allowed.bytes_per_window()) * u128::from(window);
        let step = threshold * u128::from(throttle.overflow_millionths) / 1_000_000;
        let pause = window * throttle.pause_millionths / 1_000_000;
        Self {
            window,
            threshold: threshold as i128,
            step: (step as i128).max(1),
            pause: pause.max(1),
            at: 0,
            moved: 0,
            overflow: 0,
            left: 0,
        }
    }

    pub(super) fn pauses(&self) -> bool {
        self.left > 0
    }

    /// A picosecond, in which so much is moved.
    pub(super) fn pass(&mut self, moved: u64) {
        if self.left > 0 {
            self.left -= 1;
        } else {
            self.at += 1;
            self.moved += i128::from(moved);
            if self.at < self.window {
                return;
            }
            self.overflow += self.moved - self.threshold;
            (self.at, self.moved) = (0, 0);
        }
        if self.left == 0 && self.overflow > self.step {
            for quarters in [8, 6, 5, 4] {
                if quarters == 4 || self.overflow >= self.step * quarters / 4 {
                    self.overflow -= self.step * quarters / 4;
                    self.left = self.pause * quarters as u64 / 4;
                    return;
                }
            }
        }
    }
}

impl Oracle<'_> {
    /// The throttle of a layer that begins with a share, if the memory has them.
    pub(super) fn counter(&self, share: Share) -> Option<Counter> {
        let dram = self.built.platform.shared_dram?;
        Some(Counter::new(dram.sharing.throttle()?, self.bandwidth()?.part(share)))
    }
}
