//! Instants of traces: decimal numbers and dates, read digit by digit without a float.

use std::fmt;

/// Decimals of a second that an instant has.
const DECIMALS: i64 = 24;
/// Instants in a picosecond.
const PER_PICOSECOND: i128 = 1_000_000_000_000;
const PER_SECOND: i128 = PER_PICOSECOND * 1_000_000_000_000;

/// A time on the clock of a trace, or a span of it, in 10^-24 s: what traces write with sixteen digits stays exact
/// until it is a picosecond of the simulated clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(i128);

/// Units of numbers that are times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Numbers of seconds, or of parts of one: ten to the power of minus so many.
    Number(i64),
    /// Date and time of day, such as `2023-11-16 18:17:03.9799600` or `2024-05-10T00:00:00.009930+00:00`.
    Date,
}

/// Why a text is no time, or no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstantError {
    /// Nothing is written.
    Empty,
    /// A number below zero.
    Negative,
    /// No decimal number.
    NoNumber,
    /// No date with a time of day.
    NoDate,
    /// A date that no calendar has, such as February 30th.
    NoSuchDay,
    /// Beyond the range of instants, 10^14 s.
    TooLarge,
}

impl fmt::Display for InstantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "blank",
            Self::Negative => "negative",
            Self::NoNumber => "no decimal number",
            Self::NoDate => "no date with a time of day",
            Self::NoSuchDay => "no day or no time that there is",
            Self::TooLarge => "beyond what a clock can hold",
        })
    }
}

impl InstantError {
    /// One way out.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Empty => "write a time, or remove the row",
            Self::Negative | Self::NoNumber | Self::TooLarge => "write a decimal number from 0, such as 12.5",
            Self::NoDate | Self::NoSuchDay => "write it as 2023-11-16 18:17:03.97996, with or without a zone",
        }
    }
}

/// A decimal number from 0, in 10^-24 of its unit; what is finer is cut.
///
/// # Errors
/// [`InstantError`] for anything else.
pub fn number(text: &str) -> Result<i128, InstantError> {
    scaled(text, 0)
}

/// A decimal number of units of which a second has ten to the power of `per_second`.
fn scaled(text: &str, per_second: i64) -> Result<i128, InstantError> {
    if text.is_empty() {
        return Err(InstantError::Empty);
    }
    if text.strip_prefix('-').is_some_and(|rest| scaled(rest, per_second).is_ok()) {
        return Err(InstantError::Negative);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.parse::<i16>().map_err(|_| InstantError::NoNumber)?)
        }
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return Err(InstantError::NoNumber);
    }
    // The digits are those of a number of 10^-24 units with so many zeros behind them.
    let zeros = DECIMALS - per_second + i64::from(exponent) - fraction.len() as i64;
    let digits = || whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0');
    let count = digits().count();
    if count == 0 {
        return Ok(0);
    }
    let kept = (count as i64 + zeros.min(0)).max(0) as usize;
    let mut value = 0_i128;
    let zeros = usize::try_from(zeros.clamp(0, 64)).unwrap_or_default();
    for digit in digits().take(kept).chain(std::iter::repeat_n(b'0', zeros)) {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit - b'0')));
        value = next.ok_or(InstantError::TooLarge)?;
    }
    Ok(value)
}

impl Instant {
    /// Reads a time; what is finer than 10^-24 s is cut.
    ///
    /// # Errors
    /// [`InstantError`] says what is wrong with the text.
    pub fn parse(text: &str, unit: TimeUnit) -> Result<Self, InstantError> {
        match unit {
            TimeUnit::Number(per_second) => scaled(text, per_second).map(Self),
            TimeUnit::Date if text.is_empty() => Err(InstantError::Empty),
            TimeUnit::Date => date(text).map(|(instant, _)| instant),
        }
    }

    /// A whole number of nanoseconds.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(nanoseconds as i128 * (1_000 * PER_PICOSECOND))
    }

    /// The time `span` before this one; none beyond the range.
    #[must_use]
    pub fn before(self, span: Self) -> Option<Self> {
        self.0.checked_sub(span.0).map(Self)
    }

    /// The midnight before, in days of 86,400 s.
    #[must_use]
    pub const fn midnight(self) -> Self {
        Self(self.0 - self.0.rem_euclid(86_400 * PER_SECOND))
    }

    /// Picoseconds from `origin` to this at `factor_millionths` / 1,000,000 times the speed, to the nearest, and true if
    /// something was rounded; none before the origin, or beyond the 213 days of the simulated clock.
    #[must_use]
    pub fn picoseconds_since(self, origin: Self, factor_millionths: u64) -> Option<(u64, bool)> {
        let span = self.0.checked_sub(origin.0).filter(|span| *span >= 0)?;
        let scaled = span.checked_mul(1_000_000)?;
        let part = PER_PICOSECOND.checked_mul(i128::from(factor_millionths)).filter(|part| *part > 0)?;
        let (whole, rest) = (scaled / part, scaled % part);
        let nearest = whole + i128::from(rest >= part - rest);
        Some((u64::try_from(nearest).ok()?, rest != 0))
    }

    /// The instant `picoseconds` after this one.
    #[must_use]
    pub const fn after_picoseconds(self, picoseconds: u64) -> Self {
        Self(self.0.saturating_add(picoseconds as i128 * PER_PICOSECOND))
    }
}

/// True if a date states its zone; none where it is no date.
#[must_use]
pub fn states_zone(text: &str) -> Option<bool> {
    date(text).ok().map(|(_, has_zone)| has_zone)
}

/// A date with a time of day since 1970, in UTC unless it states a zone, and true if it does.
fn date(text: &str) -> Result<(Instant, bool), InstantError> {
    let (day, time) = text.split_once([' ', 'T', 't']).ok_or(InstantError::NoDate)?;
    let [year, month, day] = fields(day, '-', [4, 2, 2]).ok_or(InstantError::NoDate)?;
    let (time, zone) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => (time[..at].trim_end(), Some(&time[at..])),
        None => (time, None),
    };
    let (clock, fraction) = time.split_once('.').map_or((time, None), |(clock, rest)| (clock, Some(rest)));
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2]).ok_or(InstantError::NoDate)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i128::from(leap),
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return Err(InstantError::NoSuchDay);
    }
    let offset = zone.map_or(Some(0), offset).ok_or(InstantError::NoDate)?;
    let seconds = (days_since_1970(year, month, day) * 24 + hour) * 3_600 + minute * 60 + second - offset;
    let fraction = match fraction {
        None => 0,
        Some(digits) if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            return Err(InstantError::NoDate);
        }
        Some(digits) => number(&format!("0.{digits}"))?,
    };
    Ok((Instant(seconds * PER_SECOND + fraction), zone.is_some()))
}

/// Three whole numbers of so many digits.
fn fields(text: &str, separator: char, digits: [usize; 3]) -> Option<[i128; 3]> {
    let mut parts = text.split(separator);
    let mut values = [0; 3];
    for (value, digits) in values.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        *value = part.parse().ok()?;
    }
    parts.next().is_none().then_some(values)
}

/// Seconds by which a zone is ahead of UTC: `Z`, `+05:30`, `+0530` or `+05`.
fn offset(zone: &str) -> Option<i128> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    let is_sound = matches!(digits.len(), 2 | 4)
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && (!zone.contains(':') || zone.len() == 6 && zone.as_bytes()[3] == b':');
    if !is_sound {
        return None;
    }
    let hours: i128 = digits[..2].parse().ok()?;
    let minutes: i128 =
        digits.get(2..).filter(|rest| !rest.is_empty()).map_or(Some(0), |rest| rest.parse().ok())?;
    let seconds = (hours <= 23 && minutes <= 59).then_some(hours * 3_600 + minutes * 60)?;
    Some(if zone.starts_with('-') { -seconds } else { seconds })
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, counted in years that begin in March, so that a leap day
/// is the last of its year.
const fn days_since_1970(year: i128, month: i128, day: i128) -> i128 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // Lengths of months from March on repeat every five: 31, 30, 31, 30, 31.
    let of_months = (153 * month + 2) / 5;
    year * 365 + leap_days + of_months + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        let picoseconds = |text, unit| {
            let instant = Instant::parse(text, TimeUnit::Number(unit))?;
            Ok(instant.picoseconds_since(Instant::default(), 1_000_000))
        };
        for (text, unit, expected) in [
            ("0", 0, Ok(Some((0, false)))),
            ("5", 0, Ok(Some((5_000_000_000_000, false)))),
            ("19440110.0", 0, Ok(None)),
            ("5e-05", 0, Ok(Some((50_000_000, false)))),
            ("0.07949090003967285", 0, Ok(Some((79_490_900_040, true)))),
            ("1.5", 3, Ok(Some((1_500_000_000, false)))),
            ("12345678901234567", 9, Ok(Some((12_345_678_901_234_567_000, false)))),
            ("0.0000000000005", 0, Ok(Some((1, true)))),
            ("0.0000000000004999999999", 0, Ok(Some((0, true)))),
            ("1e-30", 0, Ok(Some((0, false)))),
            (
                "000000000000000000000000000000000000000000000000000000000000000000000001",
                12,
                Ok(Some((1, false))),
            ),
            ("1e15", 0, Err(InstantError::TooLarge)),
            ("1e300", 0, Err(InstantError::TooLarge)),
            ("-1", 0, Err(InstantError::Negative)),
            ("", 0, Err(InstantError::Empty)),
            ("-", 0, Err(InstantError::NoNumber)),
            ("nan", 0, Err(InstantError::NoNumber)),
            ("inf", 0, Err(InstantError::NoNumber)),
            ("1e99999", 0, Err(InstantError::NoNumber)),
            ("1.2.3", 0, Err(InstantError::NoNumber)),
        ] {
            assert_eq!(picoseconds(text, unit), expected, "{text}");
        }
    }

    #[test]
    fn dates_are_seconds_since_1970_in_utc() {
        for (text, expected) in [
            ("1970-01-01 00:00:00", Ok(("0", false))),
            ("2000-02-29T12:00:00Z", Ok(("951825600", true))),
            // `date -u -d '2023-11-16 18:17:03' +%s` says 1700158623.
            ("2023-11-16 18:17:03.9799600", Ok(("1700158623.97996", false))),
            ("2024-05-10 00:00:00.009930+00:00", Ok(("1715299200.00993", true))),
            ("2024-05-10 05:30:00 +05:30", Ok(("1715299200", true))),
            ("2024-05-09 16:00:00-0800", Ok(("1715299200", true))),
            ("2023-02-29 00:00:00", Err(InstantError::NoSuchDay)),
            ("2100-02-29 00:00:00", Err(InstantError::NoSuchDay)),
            ("2023-13-01 00:00:00", Err(InstantError::NoSuchDay)),
            ("2023-11-16 24:00:00", Err(InstantError::NoSuchDay)),
            ("2023-11-16", Err(InstantError::NoDate)),
            ("2023-11-16 18:17", Err(InstantError::NoDate)),
            ("2023-11-16 18:17:03.", Err(InstantError::NoDate)),
            ("2023-11-16 18:17:03+1", Err(InstantError::NoDate)),
            ("16/11/2023 18:17:03", Err(InstantError::NoDate)),
            ("", Err(InstantError::Empty)),
        ] {
            let expected = expected.map(|(seconds, zone): (&str, bool)| {
                (Instant::parse(seconds, TimeUnit::Number(0)).unwrap_or_default(), zone)
            });
            let found = Instant::parse(text, TimeUnit::Date);
            assert_eq!(found.map(|instant| (instant, states_zone(text) == Some(true))), expected, "{text}");
        }
    }

    #[test]
    fn a_speed_divides_the_distance_from_the_origin() {
        let second = Instant::from_nanoseconds(1_000_000_000);
        let third = Instant::from_nanoseconds(3_000_000_000);
        assert_eq!(third.picoseconds_since(second, 2_000_000), Some((1_000_000_000_000, false)));
        assert_eq!(third.picoseconds_since(second, 3_000_000), Some((666_666_666_667, true)));
        assert_eq!(second.picoseconds_since(third, 1_000_000), None);
        assert_eq!(third.picoseconds_since(second, 0), None);
        assert_eq!(third.midnight(), Instant::default());
    }
}
