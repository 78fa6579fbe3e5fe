//! How a weight is stored.

use crate::{Error, Result};

/// A number format of weights. Biases stay fp32 in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// IEEE 754 double precision, 64 bits. Weights of training fit in exactly, and a model that is all f64 is computed in
    /// f64: the reference.
    F64,
    /// IEEE 754 single precision, 32 bits.
    F32,
    /// `TensorFloat-32`: the exponent of f32 and 10 bits of mantissa, 19 bits (NVIDIA, A100 white paper, 2020). GPUs keep
    /// it in 32-bit words whose last 13 bits are 0; here these are left out.
    Tf32,
    /// IEEE 754 half precision, 16 bits: 5 of exponent, 10 of mantissa, at most 65,504.
    F16,
    /// The upper half of an f32, 16 bits: 8 of exponent, 7 of mantissa.
    Bf16,
    /// 16-bit integers with a shared scale.
    Int16,
    /// 8-bit integers with a shared scale.
    Int8,
    /// 4-bit integers with a shared scale, two to a byte.
    Int4,
    /// −1, 0, 1 times a shared scale, 2 bits (Li, Zhang and Liu, "Ternary Weight Networks", 2016).
    Ternary,
    /// −1, 1 times a shared scale, 1 bit (Rastegari et al., "XNOR-Net", 2016).
    Binary,
    /// One of `k` shared values (2 to 256), of which the number is stored in ⌈log2 k⌉ bits (Han, Mao and Dally, "Deep
    /// Compression", 2016).
    Codebook {
        /// Values in the codebook.
        k: u16,
    },
}

const CODEBOOK: &str = "codebook";

impl NumberFormat {
    /// Every format but the codebooks, with its name.
    const NAMED: [(Self, &str); 10] = [
        (Self::F64, "f64"),
        (Self::F32, "f32"),
        (Self::Tf32, "tf32"),
        (Self::F16, "f16"),
        (Self::Bf16, "bf16"),
        (Self::Int16, "int16"),
        (Self::Int8, "int8"),
        (Self::Int4, "int4"),
        (Self::Ternary, "ternary"),
        (Self::Binary, "binary"),
    ];
    /// Sizes of codebook that there can be.
    pub const CODEBOOK_SIZES: core::ops::RangeInclusive<u16> = 2..=256;

    /// Its name in lower-kebab-case: `f16`, `int8`, `codebook16`.
    pub fn name(self) -> String {
        match self {
            Self::Codebook { k } => format!("{CODEBOOK}{}", usize::from(k)),
            _ => Self::NAMED.iter().find(|(format, _)| *format == self).map_or("", |(_, name)| name).into(),
        }
    }

    /// The format of that name.
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn from_name(name: &str) -> Result<Self> {
        match Self::strip_name(name) {
            Some((format, "")) => Ok(format),
            _ => Err(Error::UnknownName { what: "number format", found: name.into() }),
        }
    }

    /// The format that `text` begins with, and what follows.
    pub(super) fn strip_name(text: &str) -> Option<(Self, &str)> {
        if let Some(rest) = text.strip_prefix(CODEBOOK) {
            let k = rest.split('-').next()?.parse().ok()?;
            let format = Self::Codebook { k };
            // Not when the number is written in another way.
            return Some((format, text.strip_prefix(&format.name())?));
        }
        Self::NAMED.iter().find_map(|(format, name)| Some((*format, text.strip_prefix(name)?)))
    }

    /// Bits that a weight is stored in.
    pub const fn bits(self) -> u32 {
        match self {
            Self::F64 => 64,
            Self::F32 => 32,
            Self::Tf32 => 19,
            Self::F16 | Self::Bf16 | Self::Int16 => 16,
            Self::Int8 => 8,
            Self::Int4 => 4,
            Self::Ternary => 2,
            Self::Binary => 1,
            Self::Codebook { k } => u16::BITS - k.saturating_sub(1).leading_zeros(),
        }
    }

    /// Whether a weight is an integer of 4 to 16 bits, with a scale that is chosen and perhaps a zero point.
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Int16 | Self::Int8 | Self::Int4)
    }

    /// Whether a weight is a floating-point number, which needs no scale.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::Tf32 | Self::F16 | Self::Bf16)
    }

    /// Whether weights share scales: all integers, ternary and binary.
    pub const fn has_scales(self) -> bool {
        !self.is_float() && !matches!(self, Self::Codebook { .. })
    }

    /// Whether the integer kernels (8-bit weights) can multiply it.
    pub const fn fits_integer_kernels(self) -> bool {
        self.has_scales() && !matches!(self, Self::Int16)
    }

    /// Smallest and largest integer: of a symmetric format −n and n, of an affine one all there are. −1 and 1 for ternary
    /// and binary.
    pub const fn range(self, symmetry: super::Symmetry) -> (i32, i32) {
        let largest = match self {
            Self::Int16 => i16::MAX as i32,
            Self::Int8 => i8::MAX as i32,
            Self::Int4 => 7,
            _ => return (-1, 1),
        };
        match symmetry {
            super::Symmetry::Symmetric => (-largest, largest),
            super::Symmetry::Affine => (-largest - 1, largest),
        }
    }
}
