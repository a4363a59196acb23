//! Decimal numbers as programs write them, plain or with an exponent, read exactly.

/// A decimal number from 0: its digits, and the number of them that stand behind the point. Below zero, so many
/// zeros follow the digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    digits: String,
    behind: i64,
}

/// A decimal number in whole parts of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The whole ones.
    pub whole: u64,
    /// True if something is left, and true if that is half a part or more.
    pub has_rest: bool,
    pub rounds_up: bool,
}

impl Decimal {
    /// Reads digits with an optional point and an optional exponent, such as `0.00005` and `5e-05`; none for
    /// anything else, signs included.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            // More than this is beyond every unit, and a power of ten at which nothing overflows.
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_whole = !whole.is_empty() && (!fraction.is_empty() || !mantissa.contains('.'));
        if !is_whole || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let behind = fraction.len() as i64 - i64::from(exponent);
        Some(Self { digits: format!("{whole}{fraction}"), behind })
    }

    /// The number in parts of which a unit has ten to the power of `decimals`; none beyond 2^64 of them.
    pub(crate) fn parts(&self, decimals: u32) -> Option<Parts> {
        let cut = self.behind - i64::from(decimals);
        let significant = self.digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Parts { whole: 0, has_rest: false, rounds_up: false });
        }
        if cut <= 0 {
            // No number of 64 bits has more digits than 20.
            let zeros = usize::try_from(-cut).ok().filter(|zeros| *zeros <= 20)?;
            let whole = format!("{significant}{}", "0".repeat(zeros)).parse().ok()?;
            return Some(Parts { whole, has_rest: false, rounds_up: false });
        }
        let kept = (significant.len() as i64 - cut).max(0) as usize;
        // Zeros stand between the point and the first digit of a number that is far smaller than a part.
        let leading = cut - (significant.len() - kept) as i64;
        let rest = &significant[kept..];
        let whole = if kept == 0 { 0 } else { significant[..kept].parse().ok()? };
        let has_rest = rest.bytes().any(|digit| digit != b'0');
        let rounds_up = leading == 0 && rest.as_bytes().first().is_some_and(|digit| *digit >= b'5');
        Some(Parts { whole, has_rest, rounds_up })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_scientific_numbers_are_the_same() {
        for (text, decimals, whole, has_rest, rounds_up) in [
            ("5e-05", 12, 50_000_000, false, false),
            ("0.00005", 12, 50_000_000, false, false),
            ("1.25E+2", 6, 125_000_000, false, false),
            ("0012.50", 1, 125, false, false),
            ("12.5", 0, 12, true, true),
            ("12.4999", 0, 12, true, false),
            ("0.0000000000019", 12, 1, true, true),
            ("4e-13", 12, 0, true, false),
            ("5e-13", 12, 0, true, true),
            ("5e-14", 12, 0, true, false),
            ("0e99", 12, 0, false, false),
            ("18446744073709551615", 0, u64::MAX, false, false),
        ] {
            let parts = Decimal::parse(text).unwrap().parts(decimals);
            assert_eq!(parts, Some(Parts { whole, has_rest, rounds_up }), "{text}");
        }
        for text in ["18446744073709551616", "1e20", "1e300"] {
            assert_eq!(Decimal::parse(text).unwrap().parts(0), None, "{text}");
        }
        for text in
            ["", "-1", "+1", "1.", ".5", "1e", "e5", "1e5.0", "0x1", "1_000", "1e99999", "nan", "1 e5"]
        {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
