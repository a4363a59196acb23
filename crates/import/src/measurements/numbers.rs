//! Numbers as profilers print them, with the reason where a text is none.

use rtmm_workload::{Duration, TimeError};

/// Units of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// Names of units, as options and headings of columns have them.
    const NAMES: [(&'static str, Self); 4] = [
        ("ns", Self::Nanoseconds),
        ("us", Self::Microseconds),
        ("ms", Self::Milliseconds),
        ("s", Self::Seconds),
    ];

    /// The unit of a name such as `ms`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = if name == "µs" || name == "μs" { "us" } else { name };
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, unit)| unit)
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
        }
    }

    /// The unit that a heading states at its end, such as `Avg (ns)`, `time [ms]` and `avg_ms`.
    pub(super) fn of_heading(heading: &str) -> Option<Self> {
        let inner = heading.trim().strip_suffix([')', ']']);
        let begin = inner.and_then(|inner| inner.rfind(['(', '[']));
        if let Some((inner, begin)) = inner.zip(begin) {
            return Self::named(inner[begin + 1..].trim());
        }
        heading.trim().rsplit_once(['_', ' ']).and_then(|(_, last)| Self::named(last))
    }

    /// Digits behind the point that are picoseconds.
    const fn decimals(self) -> u32 {
        match self {
            Self::Nanoseconds => 3,
            Self::Microseconds => 6,
            Self::Milliseconds => 9,
            Self::Seconds => 12,
        }
    }
}

/// A time, to the nearest picosecond; the reason where it is none, as the end of a sentence.
pub(super) fn time(text: &str, unit: Unit) -> Result<Duration, String> {
    check(text)?;
    Duration::parse_nearest(text.trim(), unit.decimals()).map_err(|error| match error {
        // The unit is the column's, so that a message that asks for one would mislead.
        TimeError::Malformed => "is no number".to_owned(),
        error => format!("is no time: {error}"),
    })
}

/// A whole number, which may be printed with zeros behind a point.
pub(super) fn whole(text: &str) -> Result<u64, String> {
    check(text)?;
    let text = text.trim();
    let digits = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0') => {
            whole
        }
        _ => text,
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err("is no whole number".to_owned());
    }
    digits.parse().map_err(|_| "is beyond 64 bits".to_owned())
}

/// A finite number from 0.
pub(super) fn real(text: &str) -> Result<f64, String> {
    check(text)?;
    let number = text.trim().parse::<f64>().map_err(|_| "is no number".to_owned())?;
    if number.is_finite() { Ok(number) } else { Err("is no finite number".to_owned()) }
}

/// Reasons that say more than that a text is no number.
fn check(text: &str) -> Result<(), String> {
    let text = text.trim();
    let begins_as_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let reason = if text.is_empty() {
        "is empty"
    } else if text.ends_with('%') {
        "is a share, and no quantity"
    } else if begins_as_number && text.contains(',') {
        "has a comma: decimals stand behind a point, and thousands have no sign between them"
    } else if text.starts_with('-') {
        "is negative"
    } else {
        return Ok(());
    };
    Err(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_in_every_unit_and_rounded_below_picoseconds() {
        let picoseconds = |text, unit| time(text, unit).map(Duration::picoseconds);
        assert_eq!(picoseconds("0.0280382", Unit::Milliseconds), Ok(28_038_200));
        assert_eq!(picoseconds("1234.5", Unit::Nanoseconds), Ok(1_234_500));
        assert_eq!(picoseconds("12.3456785000001", Unit::Microseconds), Ok(12_345_679));
        assert_eq!(picoseconds("1e-3", Unit::Seconds), Ok(1_000_000_000));
        for (text, reason) in [
            ("", "is empty"),
            ("-3", "is negative"),
            ("1,5", "has a comma: decimals stand behind a point, and thousands have no sign between them"),
            ("44.9%", "is a share, and no quantity"),
            ("nan", "is no number"),
            ("1.2.3", "is no number"),
            ("1e300", "is no time: longer than the 213 days that the simulated clock can hold"),
        ] {
            assert_eq!(picoseconds(text, Unit::Microseconds), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn headings_state_units() {
        for (heading, unit) in [
            ("Avg (ns)", Some("ns")),
            ("realTime (ms)", Some("ms")),
            ("Time(us)", Some("us")),
            ("avg_ms", Some("ms")),
            ("[avg ms]", None),
            ("avg ms", Some("ms")),
            ("Time (%)", None),
            ("layer_run_time", None),
            ("time", None),
        ] {
            assert_eq!(Unit::of_heading(heading).map(Unit::name), unit, "{heading}");
        }
    }

    #[test]
    fn whole_numbers_may_have_zeros_behind_a_point() {
        assert_eq!(whole("640.0"), Ok(640));
        assert_eq!(whole("2.5"), Err("is no whole number".to_owned()));
        assert_eq!(whole("99999999999999999999"), Err("is beyond 64 bits".to_owned()));
        assert_eq!(real("1e400"), Err("is no finite number".to_owned()));
    }
}
