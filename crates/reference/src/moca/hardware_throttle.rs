//! The throttle in the load engine of a core, cycle by cycle.
//!
//! It counts the rows that are loaded in a window. What exceeds the threshold is added up; when that is more than half of
//! a threshold, loads are stalled for a while, and part of it is forgiven. Registers are read at the start of a cycle and
//! written at its end. Memory is always free here; no row is all zeros.

use std::collections::VecDeque;

use serde::Serialize;

use super::fixes::Fixes;

/// Cycles from the acceptance of a request to its rows.
const ISSUE_DELAY_CYCLES: u64 = 3;
/// Bits of the counts of rows, which are signed and wrap.
const COUNT_BITS: u32 = 25;

/// A request for rows, with the setting that it carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// When it is offered first; it waits while loads are stalled, and behind those in front of it.
    pub offer_cycle: u64,
    /// Rows of 16 bytes: 1, 2 or 4.
    pub rows: u8,
    /// Window in cycles; 0 turns the throttle off.
    pub window: u16,
    /// Threshold in rows.
    pub threshold: u16,
    /// Mark of the first request of a new setting. Without it the old setting stays in force.
    pub mark: bool,
}

/// A part of a trace: requests of one kind at equal distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// The first of them.
    pub first: Request,
    /// Their number.
    pub count: u64,
    /// Cycles from one offer to the next.
    pub step: u64,
}

impl Requests {
    /// The requests one by one.
    fn each(self) -> impl Iterator<Item = Request> {
        (0..self.count).map(move |index| Request {
            offer_cycle: self.first.offer_cycle.saturating_add(index.saturating_mul(self.step)),
            ..self.first
        })
    }
}

/// Phase of the throttle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for a setting.
    #[default]
    Reset,
    /// It counts rows.
    Watch,
    /// It stalls loads.
    Pause,
}

/// The registers of the throttle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// Phase.
    pub state: State,
    /// Stalled loads: no request is accepted.
    pub stall: bool,
    /// Window in force.
    pub window: u16,
    /// Threshold in force.
    pub threshold: u16,
    /// Cycles of the window or the pause.
    pub counter: u16,
    /// Rows of the window.
    pub loads: i32,
    /// Rows beyond the threshold that are not forgiven yet; below zero after quiet windows.
    pub overflow: i32,
    /// Length of the pause.
    pub pause: u16,
    /// The request that was accepted last, for what it carries.
    pub last: Option<Request>,
}

/// A pause at its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The cycle that found too many rows.
    pub cycle: u64,
    /// Rows beyond the threshold before.
    pub overflow_before: i32,
    /// Length.
    pub length: u16,
    /// Rows beyond the threshold afterwards.
    pub overflow_after: i32,
}

/// Cycles in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first.
    pub start: u64,
    /// Their number.
    pub length: u64,
}

/// Course of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Cycles in which a request was accepted.
    pub accepted: Vec<Run>,
    /// Cycles in which loads were stalled.
    pub stalls: Vec<Run>,
    /// Pauses.
    pub pauses: Vec<Pause>,
    /// The registers after the last cycle.
    pub registers: Registers,
    /// Requests that were accepted.
    pub accepted_requests: u64,
    /// Cycles in which loads were stalled.
    pub stalled_cycles: u64,
}

/// Simulates so many cycles of a trace. Cycles in which nothing but a counter moves are skipped.
#[must_use]
pub fn run(trace: &[Requests], cycles: u64, fixes: &Fixes) -> Outcome {
    simulate(trace, cycles, fixes, true)
}

/// Simulates so many cycles of a trace, one after the other: the form that [`run`] is held to.
#[must_use]
pub fn run_literally(trace: &[Requests], cycles: u64, fixes: &Fixes) -> Outcome {
    simulate(trace, cycles, fixes, false)
}

fn simulate(trace: &[Requests], cycles: u64, fixes: &Fixes, skips: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut registers = Registers::default();
    let mut offered = trace.iter().copied().flat_map(Requests::each).peekable();
    // Rows on their way, by the cycle in which they are issued.
    let mut issuing: VecDeque<(u64, u8)> = VecDeque::new();
    let mut cycle = 0;
    while cycle < cycles {
        if skips && issuing.is_empty() {
            let next = offered.peek().filter(|_| !registers.stall).map_or(cycles, |next| next.offer_cycle);
            let skipped = registers.skip(next.min(cycles).saturating_sub(cycle), fixes);
            if skipped > 0 {
                if registers.stall {
                    extend(&mut outcome.stalls, cycle, skipped);
                    outcome.stalled_cycles += skipped;
                }
                cycle += skipped;
                continue;
            }
        }
        let issued = match issuing.front() {
            Some((due, rows)) if *due == cycle => {
                let rows = *rows;
                issuing.pop_front();
                rows
            }
            _ => 0,
        };
        let accepted = offered.next_if(|request| !registers.stall && request.offer_cycle <= cycle);
        if registers.stall {
            extend(&mut outcome.stalls, cycle, 1);
            outcome.stalled_cycles += 1;
        }
        let before = registers;
        registers.step(issued, fixes);
        if before.state == State::Watch && registers.state == State::Pause {
            outcome.pauses.push(Pause {
                cycle,
                overflow_before: before.overflow,
                length: registers.pause,
                overflow_after: registers.overflow,
            });
        }
        if let Some(request) = accepted {
            registers.last = Some(request);
            issuing.push_back((cycle + ISSUE_DELAY_CYCLES, request.rows));
            extend(&mut outcome.accepted, cycle, 1);
            outcome.accepted_requests += 1;
        }
        cycle += 1;
    }
    outcome.registers = registers;
    outcome
}

/// Adds cycles to the runs.
fn extend(runs: &mut Vec<Run>, start: u64, length: u64) {
    match runs.last_mut() {
        Some(run) if run.start + run.length == start => run.length += length,
        _ => runs.push(Run { start, length }),
    }
}

impl Registers {
    /// One cycle, in which `issued` rows go out.
    fn step(&mut self, issued: u8, fixes: &Fixes) {
        match self.state {
            State::Reset => {
                (self.loads, self.overflow, self.stall) = (0, 0, false);
                if let Some(request) = self.last
                    && request.window != 0
                {
                    (self.window, self.threshold) = (request.window, request.threshold);
                    self.state = State::Watch;
                }
            }
            State::Watch => self.watch(issued, fixes),
            State::Pause => {
                (self.stall, self.loads) = (true, 0);
                if self.counter == last_cycle(self.pause) {
                    (self.counter, self.stall, self.state) = (0, false, State::Watch);
                } else {
                    self.counter = stepped(self.counter, self.pause);
                }
            }
        }
        if self.last.is_some_and(|request| request.mark) {
            (self.state, self.stall) = (State::Reset, false);
        }
    }

    fn watch(&mut self, issued: u8, fixes: &Fixes) {
        let is_last_cycle = self.counter == last_cycle(self.window);
        let overflow = self.overflow;
        let threshold = i32::from(self.threshold);
        let counted = wrapped(self.loads + i32::from(issued));
        if 2 * overflow > threshold {
            self.state = State::Pause;
            self.stall = true;
            self.counter = 0;
            (self.pause, self.overflow) = forgiven(self.window, threshold, overflow);
            self.loads = if is_last_cycle { 0 } else { counted };
            return;
        }
        if is_last_cycle {
            // Quirk 8: rows that go out in the last cycle of a window are never counted.
            let loads = if fixes.counted_last_cycle { counted } else { self.loads };
            // Quirk 9: the overflow may fall below zero.
            let least = if fixes.no_credit { 0 } else { i32::MIN };
            self.overflow = wrapped(overflow + loads - threshold).max(least);
            self.loads = 0;
        } else {
            self.loads = counted;
        }
        self.counter = stepped(self.counter, self.window);
    }
}

impl Registers {
    /// Passes over up to `most` cycles in which no request is accepted and no row goes out, and says over how many. What
    /// changes more than a counter is left to [`Registers::step`].
    fn skip(&mut self, most: u64, fixes: &Fixes) -> u64 {
        if self.last.is_some_and(|request| request.mark) {
            return 0;
        }
        let counter = u64::from(self.counter);
        match self.state {
            State::Reset => {
                let waits = self.last.is_none_or(|request| request.window == 0);
                let is_clear = (self.loads, self.overflow, self.stall) == (0, 0, false);
                if waits && is_clear { most } else { 0 }
            }
            State::Pause if !self.stall || self.loads != 0 => 0,
            State::Pause => self.count(most.min(u64::from(self.pause).saturating_sub(1 + counter))),
            State::Watch if 2 * self.overflow > i32::from(self.threshold) => 0,
            State::Watch if counter == 0 && self.loads == 0 => self.pass_windows(most, fixes),
            State::Watch => self.count(most.min(u64::from(self.window).saturating_sub(1 + counter))),
        }
    }

    /// Counts cycles before the last of a window or a pause.
    fn count(&mut self, cycles: u64) -> u64 {
        // They are fewer than a register of 16 bits holds.
        self.counter += cycles as u16;
        cycles
    }

    /// Passes over whole windows without rows, as long as the overflow does not wrap; over part of one where none is whole.
    fn pass_windows(&mut self, most: u64, fixes: &Fixes) -> u64 {
        let (window, threshold) = (u64::from(self.window), i32::from(self.threshold));
        let lowest = -(1_i32 << (COUNT_BITS - 1));
        let unwrapped = match threshold {
            0 => u64::MAX,
            _ if fixes.no_credit => u64::MAX,
            _ => u64::from(((self.overflow - lowest) / threshold).unsigned_abs()),
        };
        let windows = (most / window).min(unwrapped);
        if windows == 0 {
            return self.count(most.min(window - 1));
        }
        let taken = i64::from(threshold).saturating_mul(i64::try_from(windows).unwrap_or(i64::MAX));
        let least = i64::from(if fixes.no_credit { 0 } else { lowest });
        self.overflow = (i64::from(self.overflow) - taken).max(least) as i32;
        windows * window
    }
}

/// The pause for an overflow, and what is left of it.
fn forgiven(window: u16, threshold: i32, overflow: i32) -> (u16, i32) {
    let (half_window, half) = (window / 2, threshold / 2);
    let (pause, taken) = if overflow >= threshold {
        (2 * half_window, threshold)
    } else if overflow >= half + threshold / 4 {
        (half_window + half_window / 2, half + threshold / 4)
    } else if overflow >= half + threshold / 8 {
        (half_window + half_window / 4, half + threshold / 8)
    } else {
        (half_window, half)
    };
    (pause, wrapped(overflow - taken))
}

/// The counter in the last of so many cycles. A pause of none, which a window of one cycle has, lasts for all 16 bits.
fn last_cycle(length: u16) -> u16 {
    length.wrapping_sub(1)
}

/// The next value of a counter that goes round after `length` cycles. It may stand behind the end, after a new setting.
fn stepped(counter: u16, length: u16) -> u16 {
    match last_cycle(length) {
        0 => 0,
        last if counter >= last => counter - last,
        _ => counter + 1,
    }
}

/// A count of rows in its register.
fn wrapped(count: i32) -> i32 {
    let unused = i32::BITS - COUNT_BITS;
    (count << unused) >> unused
}
