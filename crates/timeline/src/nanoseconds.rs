//! Rounding of the simulated clock to the clock of traces.

use rtmm_workload::Time;

const PICOSECONDS: u64 = 1_000;

/// An instant in nanoseconds, rounded half up.
///
/// Both ends of a slice are rounded, and never its length: so slices that touch still touch, and parts stay within their
/// whole. Lengths that are rounded by themselves overlap by a nanosecond, and trace viewers drop what overlaps.
#[must_use]
pub const fn nanoseconds(time: Time) -> u64 {
    let picoseconds = time.picoseconds();
    picoseconds / PICOSECONDS + (picoseconds % PICOSECONDS >= PICOSECONDS / 2) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_rounded_half_up() {
        for (picoseconds, expected) in
            [(0, 0), (499, 0), (500, 1), (1_499, 1), (1_500, 2), (u64::MAX, 18_446_744_073_709_552)]
        {
            assert_eq!(nanoseconds(Time::from_picoseconds(picoseconds)), expected, "{picoseconds}");
        }
    }
}
