//! Weights that share a scale or a codebook: what each of them becomes, as a code and as a number. Storing, reading back
//! and rounding in training are all made of these two steps.

use std::borrow::Cow;

use super::{Axes, NumberFormat, affine::QParams, cluster, float, low_bit, scale};
use crate::Result;

/// What the weights of a group share.
pub(super) struct Group<'a> {
    pub format: NumberFormat,
    /// Scale and zero point of a format that has them.
    pub params: QParams,
    /// Ternary weights: up to here they become 0. Only known while weights are rounded.
    threshold: f64,
    /// Values that the codes are the numbers of.
    pub codebook: Cow<'a, [f32]>,
}

impl<'a> Group<'a> {
    /// As it was stored.
    pub fn stored(format: NumberFormat, scale: f32, zero_point: i16, codebook: &'a [f32]) -> Self {
        // Its integers are not chosen any more, so their range is of no use.
        let params = QParams { scale, zero_point: zero_point.into(), qmin: 0, qmax: 0 };
        Self { format, params, threshold: 0.0, codebook: Cow::Borrowed(codebook) }
    }

    /// For `weights`, as `axes` say.
    ///
    /// # Errors
    /// [`crate::Error::NotFinite`] when a weight is not, or a range overflows.
    pub fn choose(weights: &[f32], axes: &Axes) -> Result<Group<'static>> {
        let format = axes.format;
        let mut group = Group::stored(format, 0.0, 0, &[]);
        match format {
            NumberFormat::Ternary => {
                let scale;
                (group.threshold, scale) = low_bit::ternary(weights);
                group.params.scale = scale as f32;
            }
            NumberFormat::Binary => group.params.scale = low_bit::binary_scale(weights) as f32,
            NumberFormat::Codebook { k } => group.codebook = cluster::k_means(weights, k.into()).into(),
            _ if format.is_integer() => {
                group.params = scale::choose(weights, format, axes.symmetry, axes.scale_rule)?;
            }
            _ => {}
        }
        Ok(group)
    }

    /// The code of a weight, in the lowest [`NumberFormat::bits`] bits.
    #[inline]
    pub fn encode(&self, w: f32) -> u64 {
        let code = match self.format {
            NumberFormat::F64 => return f64::from(w).to_bits(),
            NumberFormat::F32 => w.to_bits(),
            NumberFormat::Tf32 => float::to_tf32(w).to_bits() >> float::TF32_DROPPED,
            NumberFormat::F16 => float::to_f16(w).into(),
            NumberFormat::Bf16 => float::to_bf16(w).into(),
            NumberFormat::Int16 | NumberFormat::Int8 | NumberFormat::Int4 => self.params.quantize(w) as u32,
            NumberFormat::Ternary => low_bit::ternary_code(w, self.threshold) as u32,
            NumberFormat::Binary => u32::from(low_bit::binary_code(w) > 0),
            NumberFormat::Codebook { .. } => cluster::nearest(&self.codebook, w) as u32,
        };
        code.into()
    }

    /// The weight of a code; bits above the format's are not read.
    #[inline]
    pub fn decode(&self, code: u64) -> f32 {
        let bits = code as u32;
        match self.format {
            NumberFormat::F64 => f64::from_bits(code) as f32,
            NumberFormat::F32 => f32::from_bits(bits),
            NumberFormat::Tf32 => f32::from_bits(bits << float::TF32_DROPPED),
            NumberFormat::F16 => float::from_f16(bits as u16),
            NumberFormat::Bf16 => float::from_bf16(bits as u16),
            NumberFormat::Codebook { .. } => self.codebook.get(bits as usize).copied().unwrap_or_default(),
            _ => self.params.dequantize(integer(self.format, bits)),
        }
    }

    /// What a weight becomes.
    #[inline]
    pub fn round(&self, w: f32) -> f32 {
        self.decode(self.encode(w))
    }
}

/// The integer that `code` stands for, before a zero point is taken off.
#[inline]
pub(super) fn integer(format: NumberFormat, code: u32) -> i32 {
    if format == NumberFormat::Binary {
        // One bit: 0 is −1.
        2 * (code & 1) as i32 - 1
    } else {
        let unused = u32::BITS - format.bits();
        (code << unused) as i32 >> unused
    }
}
