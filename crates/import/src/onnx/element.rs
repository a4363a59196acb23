//! Element types of tensors.

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ElementType {
    /// IEEE single precision.
    Float32,
    /// IEEE double precision.
    Float64,
    /// IEEE half precision.
    Float16,
    /// The upper half of a single-precision number.
    BFloat16,
    /// Any of the floating-point types of eight bits.
    Float8,
    /// Floating point of four bits.
    Float4,
    /// A whole number with its sign.
    Signed(u8),
    /// A whole number without sign.
    Unsigned(u8),
    /// A truth value, of one byte.
    Bool,
    /// A pair of single-precision numbers.
    Complex64,
    /// A pair of double-precision numbers.
    Complex128,
    /// A text, whose bytes are not counted.
    Text,
}

impl ElementType {
    /// Whole numbers of 64 bits: shapes, axes and indices.
    pub const INT64: Self = Self::Signed(64);

    /// The type of a code of the format.
    #[must_use]
    pub fn of(code: i32) -> Option<Self> {
        Some(match code {
            1 => Self::Float32,
            2 => Self::Unsigned(8),
            3 => Self::Signed(8),
            4 => Self::Unsigned(16),
            5 => Self::Signed(16),
            6 => Self::Signed(32),
            7 => Self::INT64,
            8 => Self::Text,
            9 => Self::Bool,
            10 => Self::Float16,
            11 => Self::Float64,
            12 => Self::Unsigned(32),
            13 => Self::Unsigned(64),
            14 => Self::Complex64,
            15 => Self::Complex128,
            16 => Self::BFloat16,
            17..=20 | 24 => Self::Float8,
            21 => Self::Unsigned(4),
            22 => Self::Signed(4),
            23 => Self::Float4,
            25 => Self::Unsigned(2),
            26 => Self::Signed(2),
            _ => return None,
        })
    }

    /// Bits of an element.
    #[must_use]
    pub const fn bits(self) -> u64 {
        match self {
            Self::Float32 => 32,
            Self::Float64 | Self::Complex64 => 64,
            Self::Float16 | Self::BFloat16 => 16,
            Self::Float8 | Self::Bool => 8,
            Self::Float4 => 4,
            Self::Signed(bits) | Self::Unsigned(bits) => bits as u64,
            Self::Complex128 => 128,
            Self::Text => 0,
        }
    }

    /// True for whole numbers and truth values.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Signed(_) | Self::Unsigned(_) | Self::Bool)
    }

    /// True for real numbers.
    #[must_use]
    pub const fn is_real(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64 | Self::Float16 | Self::BFloat16)
    }

    /// True for types whose constants are shapes, indices, masks or texts rather than weights, but where matrix work
    /// reads them.
    #[must_use]
    pub const fn is_rarely_weight(self) -> bool {
        matches!(self, Self::Signed(64) | Self::Unsigned(64) | Self::Float64 | Self::Bool | Self::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_sizes_of_the_format() {
        let bits = |code| ElementType::of(code).map(ElementType::bits);
        assert_eq!([1, 3, 7, 9, 10, 11, 21].map(bits), [32, 8, 64, 8, 16, 64, 4].map(Some));
        assert_eq!([0, 27, -1].map(bits), [None; 3]);
    }
}
