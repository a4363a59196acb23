//! Levels: values over time of which a timeline shows the changes, one an instant.

use rtmm_workload::Time;

/// A value that changes, several times at one instant too. Only its last value of an instant is shown, and only where it
/// differs from the one that was shown before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Level {
    value: u64,
    since: Time,
    shown: Option<u64>,
}

impl Level {
    /// The value is another from now on. Returns what is due to be shown of before.
    pub(crate) fn set(&mut self, now: Time, value: u64) -> Option<(Time, u64)> {
        let due = if now > self.since { self.due() } else { None };
        (self.since, self.value) = (now, value);
        due
    }

    /// The value, where it is yet to be shown.
    pub(crate) fn due(&mut self) -> Option<(Time, u64)> {
        (self.shown.replace(self.value) != Some(self.value)).then_some((self.since, self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_an_instant_is_shown_where_it_is_another() {
        let mut level = Level::default();
        let at = Time::from_picoseconds;
        let mut shown = Vec::new();
        for (now, value) in [(0, 1), (0, 2), (3, 0), (3, 2), (4, 5), (7, 5), (9, 1)] {
            shown.extend(level.set(at(now), value));
        }
        shown.extend(level.due());
        shown.extend(level.due());
        assert_eq!(shown, [(at(0), 2), (at(4), 5), (at(9), 1)]);
    }
}
