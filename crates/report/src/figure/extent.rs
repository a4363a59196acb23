//! Extent of a text, estimated without a font at hand.
//!
//! The widths are the advance widths of Helvetica in 1/1000 of the size, which Arial and
//! Liberation Sans share. The fallback fonts of some systems (DejaVu Sans, Verdana) are wider,
//! so every width is taken [`SAFETY`] times: ample for the first, about right for the others.
//! Characters outside ASCII count as 600, wide East Asian ones as 1000, combining ones as 0.

use crate::text::{display_width, shorten, wrap};

/// The fonts of every figure, first choice first.
pub(crate) const FONTS: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/// Allowance for fonts wider than Helvetica.
const SAFETY: f64 = 1.08;

/// Advance widths of U+0020 to U+007E.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, // space to /
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, // 0 to ?
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, // @ to O
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, // P to _
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, // ` to o
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, // p to ~
];

/// Height of capitals and digits as a share of the size.
pub(crate) const CAP_HEIGHT: f64 = 0.72;
/// Depth below the baseline as a share of the size.
pub(crate) const DESCENT: f64 = 0.22;
/// Distance between two baselines as a share of the size.
pub(crate) const LINE_HEIGHT: f64 = 1.15;

/// The approximate width of a text at a size.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let thousandths: f64 = text
        .chars()
        .map(|c| {
            let index = u32::from(c).checked_sub(0x20).and_then(|i| usize::try_from(i).ok());
            match index.and_then(|i| HELVETICA.get(i)) {
                Some(&width) => f64::from(width),
                None => match display_width(c.encode_utf8(&mut [0; 4])) {
                    0 => 0.0,
                    1 => 600.0,
                    _ => 1000.0,
                },
            }
        })
        .sum();
    thousandths * SAFETY * size / 1000.0
}

/// The width of the widest text.
pub(crate) fn widest<'a>(texts: impl IntoIterator<Item = &'a str>, size: f64) -> f64 {
    texts.into_iter().map(|text| text_width(text, size)).fold(0.0, f64::max)
}

/// Breaks a label into lines no wider than `width`, as even as the breaks allow; `None` where a
/// piece alone is wider or the lines are more than `lines`.
pub(crate) fn wrapped(text: &str, width: f64, size: f64, lines: usize) -> Option<Vec<String>> {
    let fitting = |width: f64| {
        let lines = wrap(text, width, |line| text_width(line, size));
        lines.iter().all(|line| text_width(line, size) <= width).then_some(lines)
    };
    let mut best = fitting(width).filter(|wrapped| wrapped.len() <= lines)?;
    // Narrower, as long as it costs no line.
    for percent in (30..100).rev() {
        match fitting(width * f64::from(percent) / 100.0) {
            Some(even) if even.len() <= best.len() => best = even,
            _ => break,
        }
    }
    Some(best)
}

/// Cuts the middle out of a text wider than `width`.
pub(crate) fn shortened(text: &str, width: f64, size: f64) -> String {
    shorten(text, width, "…", |text| text_width(text, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_follow_the_font() {
        assert!((text_width("00", 10.0) - 2.0 * 5.56 * SAFETY).abs() < 1e-9);
        assert!(text_width("iii", 7.0) < text_width("mmm", 7.0));
        assert_eq!(text_width("", 7.0), 0.0);
        assert_eq!(wrapped("outdoor_activity_B", 60.0, 7.0, 3).unwrap(), ["outdoor_", "activity_B"]);
        assert_eq!(wrapped("outdoor_activity_B", 20.0, 7.0, 3), None);
        assert_eq!(text_width("e\u{301}", 7.0), text_width("e", 7.0));
    }
}
