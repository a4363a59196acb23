//! Colours that people with colour-vision deficiencies can tell apart.
//!
//! - Categories: the palette of Okabe and Ito (2008), in an order that puts the strongest
//!   contrasts first.
//! - Amounts: viridis (van der Walt and Smith 2015), whose lightness rises evenly, so that it
//!   also survives a black-and-white printer.
//! - Differences: the red-blue scale of ColorBrewer (Brewer), white at the middle.
//!
//! The scales are given by anchors, between which colours are interpolated linearly in sRGB.

/// The colours of series, by Okabe and Ito: blue, orange, bluish green, vermillion, sky blue,
/// reddish purple, yellow, black.
pub const OKABE_ITO: [&str; 8] =
    ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442", "#000000"];

const VIRIDIS: [u32; 10] =
    [0x440154, 0x482878, 0x3E4A89, 0x31688E, 0x26828E, 0x1F9E89, 0x35B779, 0x6DCD59, 0xB4DE2C, 0xFDE725];

const RED_BLUE: [u32; 11] = [
    0x67001F, 0xB2182B, 0xD6604D, 0xF4A582, 0xFDDBC7, 0xF7F7F7, 0xD1E5F0, 0x92C5DE, 0x4393C3, 0x2166AC,
    0x053061,
];

/// A scale of colours for the cells of a heat map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorScale {
    /// Viridis: dark for low, bright for high values.
    #[default]
    Amount,
    /// Viridis the other way round, for metrics of which less is better: bright for low values.
    AmountReversed,
    /// Red below, white at the middle, blue above; for differences from a baseline, with a
    /// range that is symmetric about zero.
    Difference,
    /// Blue below, white at the middle, red above.
    DifferenceReversed,
}

/// A colour of the sRGB space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rgb(u8, u8, u8);

impl Rgb {
    fn from_hex(hex: u32) -> Rgb {
        let [_, r, g, b] = hex.to_be_bytes();
        Rgb(r, g, b)
    }

    /// As `#rrggbb`.
    pub(crate) fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// Relative luminance with a gamma of 2, which differs from the sRGB curve by less than 0.04.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| (f64::from(channel) / 255.0) * (f64::from(channel) / 255.0);
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// Black or white, whichever reads better on this colour.
    ///
    /// Black from a luminance of 0.25 on. The ratio of WCAG 2 would switch at 0.18, but puts
    /// black on saturated teal and blue, where white is easier to read; with this limit the
    /// ratio is at least 3.5 everywhere.
    pub(crate) fn text(self) -> &'static str {
        if self.luminance() > 0.25 { "#000000" } else { "#ffffff" }
    }
}

impl ColorScale {
    /// The colour at a place from 0 (low) to 1 (high); places outside are clamped.
    pub(crate) fn at(self, place: f64) -> Rgb {
        let (anchors, place): (&[u32], f64) = match self {
            ColorScale::Amount => (&VIRIDIS, place),
            ColorScale::AmountReversed => (&VIRIDIS, 1.0 - place),
            ColorScale::Difference => (&RED_BLUE, place),
            ColorScale::DifferenceReversed => (&RED_BLUE, 1.0 - place),
        };
        let steps = anchors.len() - 1;
        let position = if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) * steps as f64 };
        let index = (position as usize).min(steps - 1);
        let fraction = position - index as f64;
        let (low, high) = (Rgb::from_hex(anchors[index]), Rgb::from_hex(anchors[index + 1]));
        let mix = |low: u8, high: u8| {
            (f64::from(low) + (f64::from(high) - f64::from(low)) * fraction).round() as u8
        };
        Rgb(mix(low.0, high.0), mix(low.1, high.1), mix(low.2, high.2))
    }
}

/// The fill of a series: a palette colour, and from the ninth series on a hatching over it.
pub(crate) fn series_color(index: usize) -> &'static str {
    OKABE_ITO[index % OKABE_ITO.len()]
}

/// Black or white, whichever reads better on the colour of a series.
pub(crate) fn series_text(index: usize) -> &'static str {
    let hex = u32::from_str_radix(&series_color(index)[1..], 16).unwrap_or_default();
    Rgb::from_hex(hex).text()
}

/// True if a series repeats a colour and is told apart by hatching.
pub(crate) fn is_hatched(index: usize) -> bool {
    (index / OKABE_ITO.len()) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_start_and_end_at_their_anchors() {
        assert_eq!(ColorScale::Amount.at(0.0).hex(), "#440154");
        assert_eq!(ColorScale::Amount.at(1.0).hex(), "#fde725");
        assert_eq!(ColorScale::AmountReversed.at(0.0).hex(), "#fde725");
        assert_eq!(ColorScale::Difference.at(0.5).hex(), "#f7f7f7");
        assert_eq!(ColorScale::Amount.at(7.0).hex(), "#fde725");
        assert_eq!(ColorScale::Amount.at(f64::NAN).hex(), "#440154");
    }

    #[test]
    fn cell_text_contrasts_with_every_colour() {
        for scale in [ColorScale::Amount, ColorScale::Difference] {
            for step in 0..=100 {
                let color = scale.at(f64::from(step) / 100.0);
                let luminance = color.luminance();
                let contrast = match color.text() {
                    "#000000" => (luminance + 0.05) / 0.05,
                    _ => 1.05 / (luminance + 0.05),
                };
                assert!(contrast >= 3.5, "{scale:?} at {step}: {contrast}");
            }
        }
    }

    #[test]
    fn amounts_grow_lighter() {
        let light: Vec<f64> =
            (0..=50).map(|step| ColorScale::Amount.at(f64::from(step) / 50.0).luminance()).collect();
        assert!(light.is_sorted());
    }
}
