//! The throttle of a run against a literal form that goes from window to window and from pause to pause, and what it
//! makes of a run's mean rate.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use rtmm_hardware::{Bandwidth, Meter, Share, Sharing, Throttle};
use rtmm_testkit::cases::config;
use rtmm_workload::Duration;

const DEFAULT_CASES: u32 = 500;

fn ps(picoseconds: u64) -> Duration {
    Duration::from_picoseconds(picoseconds)
}

fn rate(bytes: u64) -> Bandwidth {
    Bandwidth::from_bytes_per_window(bytes)
}

/// The throttle, word by word.
#[derive(Clone, Debug)]
struct Literal {
    throttle: Throttle,
    threshold: i128,
    /// Time of the window that is over, what was moved in it, and time of the pause that is left.
    elapsed: u64,
    counted: i128,
    left: u64,
    overflow: i128,
}

impl Literal {
    fn new(throttle: Throttle, allowed: u64) -> Self {
        let threshold = i128::from(allowed) * i128::from(throttle.window.picoseconds());
        Self { throttle, threshold, elapsed: 0, counted: 0, left: 0, overflow: 0 }
    }

    /// The overflow that makes it pause, and the pause for that.
    fn steps(&self) -> (i128, i128) {
        let overflow = self.threshold * i128::from(self.throttle.overflow_millionths) / 1_000_000;
        let window = i128::from(self.throttle.window.picoseconds());
        let pause = window * i128::from(self.throttle.pause_millionths) / 1_000_000;
        (overflow.max(1), pause.max(1))
    }

    /// At the end of a window or of a pause.
    fn judge(&mut self) {
        let (overflow, pause) = self.steps();
        if self.overflow <= overflow {
            return;
        }
        let quarters =
            [8, 6, 5].into_iter().find(|quarters| self.overflow >= overflow * quarters / 4).unwrap_or(4);
        self.overflow -= overflow * quarters / 4;
        self.left = u64::try_from(pause * quarters / 4).expect("a pause");
    }

    /// Goes on to the end of the window or the pause, for `most` at most; the time that it took.
    fn pass(&mut self, rate: u64, most: u64) -> u64 {
        if self.left > 0 {
            let took = most.min(self.left);
            self.left -= took;
            if self.left == 0 {
                self.judge();
            }
            return took;
        }
        let window = self.throttle.window.picoseconds();
        let took = most.min(window - self.elapsed);
        self.elapsed += took;
        self.counted += i128::from(rate) * i128::from(took);
        if self.elapsed == window {
            self.overflow += self.counted - self.threshold;
            (self.elapsed, self.counted) = (0, 0);
            self.judge();
        }
        took
    }

    /// Goes on for `elapsed`; the time of it in which it did not pause.
    fn advance(&mut self, rate: u64, elapsed: u64) -> u64 {
        let (mut left, mut watched) = (elapsed, 0);
        while left > 0 {
            let is_watching = self.left == 0;
            let took = self.pass(rate, left);
            left -= took;
            watched += if is_watching { took } else { 0 };
        }
        watched
    }

    /// Time until a pause begins, or until there is none, within so many windows and pauses.
    fn until_change(&self, rate: u64, most: u32) -> Option<u64> {
        let (mut next, mut time) = (self.clone(), 0);
        for _ in 0..most {
            time += next.pass(rate, u64::MAX);
            if (next.left > 0) != (self.left > 0) {
                return Some(time);
            }
        }
        None
    }
}

fn throttle() -> impl Strategy<Value = Throttle> {
    let part = || prop_oneof![2 => Just(Throttle::HALF_MILLIONTHS), 1 => 1..4_000_000_u64, 1 => 1..1_000_u64];
    let window = prop_oneof![2 => 1..40_u64, 2 => 1..3_000_u64, 1 => 1..1_u64 << 40];
    (window, part(), part()).prop_map(|(window, overflow_millionths, pause_millionths)| Throttle {
        window: ps(window),
        overflow_millionths,
        pause_millionths,
    })
}

/// Rates and thresholds of every size, near to each other and not.
fn rates() -> impl Strategy<Value = (u64, Vec<(u64, u64)>)> {
    let number = || prop_oneof![1 => Just(0), 3 => 0..20_u64, 2 => 0..1_000_u64, 1 => 0..1_u64 << 36];
    let allowed = prop_oneof![1 => 1..20_u64, 1 => 1..1_000_u64, 1 => 1..1_u64 << 36];
    (allowed, prop::collection::vec((number(), 1..100_000_u64), 1..12), any::<bool>()).prop_map(
        |(allowed, mut parts, is_near)| {
            for (rate, _) in parts.iter_mut().filter(|_| is_near) {
                *rate = allowed.saturating_add(*rate % 12).saturating_sub(6);
            }
            (allowed, parts)
        },
    )
}

proptest! {
    #![proptest_config(config(DEFAULT_CASES))]

    #[test]
    fn it_pauses_as_one_that_goes_from_window_to_window((throttle, (allowed, parts)) in (throttle(), rates())) {
        let mut meter = throttle.meter(rate(allowed));
        let mut literal = Literal::new(throttle, allowed);
        for (of_part, length) in parts {
            // Some thousand windows and pauses at most.
            let elapsed = length % throttle.window.picoseconds().saturating_mul(500).saturating_add(1);
            let watched = meter.advance(rate(of_part), ps(elapsed));
            prop_assert_eq!(watched.picoseconds(), literal.advance(of_part, elapsed));
            prop_assert_eq!(meter.is_paused(), literal.left > 0);
            let next = meter.until_change(rate(of_part));
            match literal.until_change(of_part, 2_000) {
                Some(time) => {
                    prop_assert_eq!(next.picoseconds(), time);
                    let mut later = meter;
                    later.advance(rate(of_part), ps(time - 1));
                    prop_assert_eq!(later.is_paused(), meter.is_paused(), "not before");
                    later.advance(rate(of_part), ps(1));
                    prop_assert_eq!(later.is_paused(), !meter.is_paused());
                }
                None if literal.left == 0 => {
                    prop_assert!(next.picoseconds() > 2_000 * (throttle.window.picoseconds() - 1));
                }
                None => {}
            }
            if !meter.is_paused() {
                prop_assert_eq!(meter.overflow(), literal.overflow);
            }
        }
    }

    #[test]
    fn how_time_is_cut_changes_nothing(
        (throttle, allowed, of_run) in (throttle(), 1..1_000_u64, 0..5_000_u64),
        cuts in prop::collection::vec(0..50_000_u64, 0..9),
    ) {
        let of_run = rate(of_run);
        let (mut whole, mut cut) = (throttle.meter(rate(allowed)), throttle.meter(rate(allowed)));
        let (mut before, mut watched) = (0, 0);
        let mut cuts: Vec<u64> = cuts.into_iter().map(|cut| cut % (300 * throttle.window.picoseconds())).collect();
        cuts.sort_unstable();
        for at in &cuts {
            watched += cut.advance(of_run, ps(at - before)).picoseconds();
            before = *at;
        }
        prop_assert_eq!(whole.advance(of_run, ps(before)).picoseconds(), watched);
        prop_assert_eq!(whole, cut);
    }

    /// A run that could move more than its threshold has it in the mean: what it is ahead of that is the overflow.
    #[test]
    fn the_mean_rate_is_the_threshold_over_the_window(
        window in 1..500_u64, allowed in 1..1_000_u64, more in 1..4_000_u64, pauses in 1..40_u32,
    ) {
        // So that halves and quarters are whole.
        let window = 8 * window;
        let of_run = rate(allowed + more);
        let half = Throttle::HALF_MILLIONTHS;
        let throttle = Throttle { window: ps(window), overflow_millionths: half, pause_millionths: half };
        let mut meter = throttle.meter(rate(allowed));
        let (mut time, mut watched) = (0, 0);
        for _ in 0..2 * pauses {
            let next = meter.until_change(of_run);
            watched += meter.advance(of_run, next).picoseconds();
            time += next.picoseconds();
        }
        prop_assert!(!meter.is_paused());
        let moved = i128::from(allowed + more) * i128::from(watched);
        let ahead = moved - i128::from(allowed) * i128::from(time);
        prop_assert_eq!(ahead, meter.overflow());
        prop_assert!(0 <= ahead && 2 * ahead <= i128::from(allowed * window));
    }

    /// A threshold that the bandwidth itself does not exceed is never reached.
    #[test]
    fn a_run_that_may_take_everything_never_pauses(
        throttle in throttle(), bandwidth in 1..1_u64 << 40, part in 0..=100_u64, time in 0..1_u64 << 50,
    ) {
        let memory = Sharing::throttled(throttle).contention(rate(bandwidth));
        prop_assert!(memory.meter(Share::WHOLE).is_none());
        let mut meter: Meter = throttle.meter(rate(bandwidth));
        let granted = rate(bandwidth / 100 * part);
        prop_assert_eq!(meter.until_change(granted), Duration::MAX);
        prop_assert_eq!(meter.advance(granted, ps(time)), ps(time));
        prop_assert!(!meter.is_paused() && meter.overflow() <= 0);
    }
}

#[test]
fn pauses_by_hand() {
    let half = Throttle::HALF_MILLIONTHS;
    let throttle = Throttle { window: ps(16), overflow_millionths: half, pause_millionths: half };
    // Of each: the rate beside an allowed rate of 8, in windows of 16: a threshold of 128.
    let first_pause = |of_run: u64| {
        let mut meter = throttle.meter(rate(8));
        let begins = meter.until_change(rate(of_run));
        meter.advance(rate(of_run), begins);
        let lasts = meter.until_change(rate(of_run));
        (begins.picoseconds(), lasts.picoseconds(), meter.overflow())
    };
    // A rate of 9 is 16 above in each window: 80 after the fifth, 5/8 of the threshold, which 5/8 of a window take away.
    assert_eq!(first_pause(9), (80, 10, 0));
    assert_eq!(first_pause(11), (32, 12, 0), "96 after two: 3/4");
    assert_eq!(first_pause(12), (32, 16, 0), "64 after one is not too much, 128 after two: all of a window");
    assert_eq!(first_pause(13), (16, 10, 0), "80 after one: 5/8");
    assert_eq!(first_pause(15), (16, 12, 16), "112: 3/4, and 16 are left");
    // 192: all of a window takes 128, and 64 are not too much. 208: 80 are, for another 5/8.
    assert_eq!(first_pause(20), (16, 16, 64));
    assert_eq!(first_pause(21), (16, 16 + 10, 0));
    assert_eq!(first_pause(8), (u64::MAX, u64::MAX, 0), "not above the threshold");
    // Quiet windows leave room for a burst: 5 windows of nothing are 640 below zero.
    let mut meter = throttle.meter(rate(8));
    meter.advance(rate(0), ps(80));
    assert_eq!((meter.overflow(), meter.until_change(rate(16))), (-640, ps(6 * 16)));
}
