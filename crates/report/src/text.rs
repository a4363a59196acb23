//! Numbers, labels and escapes that tables, figures and pages share.

use std::collections::BTreeSet;

/// The extension of files of scenarios and platforms.
const EXTENSION: &str = ".toml";

/// Stands for a value that is missing or not defined.
pub(crate) const MISSING: &str = "—";

/// The two bounds of a confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound, at least the lower one.
    pub upper: f64,
}

impl Interval {
    /// Half the width of the interval: the number behind a plus-minus sign.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.upper - self.lower) / 2.0
    }
}

/// Formats with a fixed number of decimals; never prints a negative zero.
///
/// Magnitudes of 1e15 and above are printed with an exponent. A NaN is [`MISSING`].
pub(crate) fn fixed(value: f64, decimals: u8) -> String {
    if value.is_nan() {
        return MISSING.to_owned();
    }
    let decimals = usize::from(decimals);
    let text = if value.is_finite() && value.abs() >= 1e15 {
        format!("{value:.decimals$e}")
    } else {
        format!("{value:.decimals$}")
    };
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.to_owned(),
        _ => text,
    }
}

/// As [`fixed`], with the minus sign of typography, for HTML and SVG.
pub(crate) fn typeset(value: f64, decimals: u8) -> String {
    fixed(value, decimals).replace('-', "\u{2212}")
}

/// Columns that a character takes on a terminal: 0, 1 or 2.
///
/// Covers combining marks, variation selectors and the wide East Asian blocks; emoji
/// count 2. Control characters count 0 because they are replaced before printing.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x0000..=0x001F | 0x007F..=0x009F => 0,
        0x0300..=0x036F | 0x200B..=0x200F | 0x20D0..=0x20FF | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// Columns that a text takes on a terminal.
pub(crate) fn display_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// One line of printable text: control characters (line breaks, escapes) become spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Cuts the middle out of a text so that `measure` of the result is at most `limit`.
///
/// Keeps both ends, because names differ at either.
pub(crate) fn shorten<M, N>(text: &str, limit: N, ellipsis: &str, measure: M) -> String
where
    M: Fn(&str) -> N,
    N: PartialOrd,
{
    if measure(text) <= limit {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    for keep in (0..chars.len()).rev() {
        let head = keep.div_ceil(2);
        let tail = keep - head;
        let mut short: String = chars[..head].iter().collect();
        short.push_str(ellipsis);
        short.extend(&chars[chars.len() - tail..]);
        if measure(&short) <= limit {
            return short;
        }
    }
    String::new()
}

/// The pieces of a label between which a line may break: after a space, `_`, `-`, `/` or `+`.
fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive([' ', '_', '-', '/', '+']).collect()
}

/// Breaks a label into lines of at most `limit` by `measure`; a single piece may be longer.
pub(crate) fn wrap<M, N>(text: &str, limit: N, measure: M) -> Vec<String>
where
    M: Fn(&str) -> N,
    N: PartialOrd,
{
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces(text) {
        match lines.last_mut() {
            Some(line) if measure(format!("{line}{piece}").trim_end()) <= limit => line.push_str(piece),
            _ => lines.push(piece.to_owned()),
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Lines of at most `width` columns, broken at spaces; a longer word stands alone.
pub(crate) fn filled(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if display_width(line) + 1 + display_width(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Escaped text in which what stands in backticks is code.
pub(crate) fn inline_markup(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escape_markup(text);
    }
    let part = |(index, part): (usize, &&str)| match index % 2 {
        0 => escape_markup(part),
        _ => format!("<code>{}</code>", escape_markup(part)),
    };
    parts.iter().enumerate().map(part).collect()
}

/// The text with its first letter in upper case, to start a sentence.
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Escapes text for HTML and XML, for element content and for quoted attributes.
///
/// Characters that XML forbids become U+FFFD.
#[must_use]
pub fn escape_markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(c),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// Names without the folders that all of them share, and without the extension of files: `xrbench/VR_gaming` becomes
/// `VR_gaming`, `mine/kitchen.toml` becomes `kitchen`.
///
/// Only whole folders (up to a `/`) go, and no extension where two names would then be one: different names stay different.
#[must_use]
pub fn short_labels<S: AsRef<str>>(names: &[S]) -> Vec<String> {
    let Some(first) = names.first().map(AsRef::as_ref) else { return Vec::new() };
    let mut shared = first.rfind('/').map_or(0, |at| at + 1);
    for name in names {
        while shared > 0 && !name.as_ref().starts_with(&first[..shared]) {
            shared = first[..shared - 1].rfind('/').map_or(0, |at| at + 1);
        }
    }
    let whole: Vec<&str> = names.iter().map(|name| &name.as_ref()[shared..]).collect();
    let count = |names: &[&str]| names.iter().collect::<BTreeSet<_>>().len();
    let plain: Vec<&str> = whole.iter().map(|name| name.strip_suffix(EXTENSION).unwrap_or(name)).collect();
    let stays_apart = count(&plain) == count(&whole) && plain.iter().all(|name| !name.is_empty());
    let shown = if stays_apart { plain } else { whole };
    shown.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_fixed_decimals_and_no_negative_zero() {
        assert_eq!(fixed(86.466_141, 1), "86.5");
        assert_eq!(fixed(-0.04, 1), "0.0");
        assert_eq!(fixed(-0.06, 1), "-0.1");
        assert_eq!(fixed(f64::NAN, 1), "—");
        assert_eq!(fixed(f64::INFINITY, 1), "inf");
        assert_eq!(fixed(1e300, 2), "1.00e300");
        assert_eq!(typeset(-1.5, 1), "\u{2212}1.5");
    }

    #[test]
    fn shared_folders_are_stripped_and_nothing_else() {
        assert_eq!(short_labels(&["xrbench/a", "xrbench/b"]), ["a", "b"]);
        assert_eq!(short_labels(&["x/y/a", "x/z/a"]), ["y/a", "z/a"]);
        assert_eq!(short_labels(&["x/y/a"]), ["a"]);
        assert_eq!(short_labels(&["social_a", "social_b"]), ["social_a", "social_b"]);
        assert_eq!(short_labels(&["x/a", "b"]), ["x/a", "b"]);
        assert_eq!(short_labels(&["x/", "x/"]), ["", ""]);
        assert!(short_labels::<&str>(&[]).is_empty());
        assert_eq!(short_labels(&["mine/a.toml", "mine/b.toml"]), ["a", "b"]);
        assert_eq!(short_labels(&["a.toml", "a"]), ["a.toml", "a"]);
        assert_eq!(short_labels(&[".toml"]), [".toml"]);
    }

    #[test]
    fn labels_lose_their_middle() {
        let cut = |limit| shorten("Dual_4K_BigLittle", limit, "…", display_width);
        assert_eq!(cut(17), "Dual_4K_BigLittle");
        assert_eq!(cut(9), "Dual…ttle");
        assert_eq!(cut(1), "…");
        assert_eq!(cut(0), "");
    }

    #[test]
    fn labels_break_after_separators() {
        assert_eq!(wrap("social_interactionB", 12, display_width), ["social_", "interactionB"]);
        assert_eq!(wrap("best platform", 40, display_width), ["best platform"]);
        assert_eq!(wrap("best platform", 8, display_width), ["best", "platform"]);
        assert!(wrap("", 8, display_width).is_empty());
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            escape_markup("<a href=\"x\" b='y'>&\u{1b}"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\u{FFFD}"
        );
    }

    #[test]
    fn widths_follow_the_terminal() {
        assert_eq!(display_width("±—…"), 3);
        assert_eq!(display_width("画像"), 4);
        assert_eq!(display_width("e\u{301}"), 1);
    }
}
