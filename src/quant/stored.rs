//! Weights as they are stored: packed codes, and what gives them their meaning.

use super::{Axes, Granularity, NumberFormat, Symmetry, affine::QParams, bits, cluster, float, low_bit, scale};
use crate::{Error, Result};

/// A weight matrix `[outputs, inputs]` in a number format.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredWeights {
    format: NumberFormat,
    outputs: usize,
    inputs: usize,
    /// Codes of [`NumberFormat::bits`] bits, row-major, without gaps.
    packed: Vec<u8>,
    /// None, one, or one for each output.
    scales: Vec<f32>,
    /// As many as scales when affine; else none.
    zero_points: Vec<i16>,
    /// None, one of k values, or one for each output.
    codebook: Vec<f32>,
}

impl StoredWeights {
    /// Rounds `weight` (`[outputs, inputs]`, row-major) as `axes` say.
    ///
    /// # Errors
    /// [`Error::Scheme`] when they make no sense, [`Error::Shape`], [`Error::NotFinite`], [`Error::TooLarge`] when a weight
    /// is beyond the largest number of a floating-point format.
    pub fn encode(weight: &[f32], outputs: usize, axes: &Axes) -> Result<Self> {
        axes.check()?;
        let inputs = weight.len() / outputs.max(1);
        check_matrix(weight.len(), outputs, inputs)?;
        if !weight.iter().all(|w| w.is_finite()) {
            return Err(Error::NotFinite { what: "weight tensor" });
        }
        let format = axes.format;
        let mut stored = Self {
            format,
            outputs,
            inputs,
            packed: Vec::new(),
            scales: Vec::new(),
            zero_points: Vec::new(),
            codebook: Vec::new(),
        };
        let group = if axes.granularity == Granularity::PerTensor { weight.len() } else { inputs };
        let mut codes = Vec::with_capacity(weight.len());
        for group in weight.chunks(group) {
            stored.encode_group(group, axes, &mut codes)?;
        }
        stored.packed = bits::pack(&codes, code_bits(format));
        if format.is_float() && !stored.decode().iter().all(|w| w.is_finite()) {
            return Err(Error::TooLarge { format: format.name() });
        }
        Ok(stored)
    }

    /// Appends the codes of weights that share what they share.
    fn encode_group(&mut self, weights: &[f32], axes: &Axes, codes: &mut Vec<u32>) -> Result<()> {
        let (mut params, mut threshold, mut centres) = (QParams::u8(1.0, 0), 0.0, Vec::new());
        match self.format {
            NumberFormat::Ternary => {
                let scale;
                (threshold, scale) = low_bit::ternary(weights);
                self.scales.push(scale as f32);
            }
            NumberFormat::Binary => self.scales.push(low_bit::binary_scale(weights) as f32),
            NumberFormat::Codebook { k } => {
                centres = cluster::k_means(weights, k.into());
                self.codebook.extend(&centres);
            }
            _ if self.format.is_integer() => {
                params = scale::choose(weights, self.format, axes.symmetry, axes.scale_rule)?;
                self.scales.push(params.scale);
                if axes.symmetry == Symmetry::Affine {
                    self.zero_points.push(params.zero_point as i16);
                }
            }
            _ => {}
        }
        // One loop for all formats is a fraction of the code of one for each.
        for &w in weights {
            let code = match self.format {
                NumberFormat::F64 => {
                    let bits = f64::from(w).to_bits();
                    codes.push(bits as u32);
                    (bits >> 32) as u32
                }
                NumberFormat::F32 => w.to_bits(),
                NumberFormat::Tf32 => float::to_tf32(w).to_bits() >> float::TF32_DROPPED,
                NumberFormat::F16 => float::to_f16(w).into(),
                NumberFormat::Bf16 => float::to_bf16(w).into(),
                NumberFormat::Int16 | NumberFormat::Int8 | NumberFormat::Int4 => params.quantize(w) as u32,
                NumberFormat::Ternary => low_bit::ternary_code(w, threshold) as u32,
                NumberFormat::Binary => u32::from(low_bit::binary_code(w) > 0),
                NumberFormat::Codebook { .. } => cluster::nearest(&centres, w) as u32,
            };
            codes.push(code);
        }
        Ok(())
    }

    /// From the parts of a file: `shape` is outputs and inputs.
    ///
    /// # Errors
    /// [`Error::Shape`] when a part has another length than format and shape ask for; [`Error::NotFinite`]; [`Error::Codes`]
    /// when there are codes that the format has not.
    pub fn from_parts(
        format: NumberFormat,
        shape: [usize; 2],
        packed: Vec<u8>,
        scales: Vec<f32>,
        zero_points: Vec<i16>,
        codebook: Vec<f32>,
    ) -> Result<Self> {
        let [outputs, inputs] = shape;
        let len = outputs.checked_mul(inputs).filter(|len| len.checked_mul(8).is_some()).unwrap_or_default();
        check_matrix(len, outputs, inputs)?;
        let check = |what, expected: usize, found: usize| {
            if expected == found { Ok(()) } else { Err(Error::Shape { what, expected, found }) }
        };
        check("packed weights", bits::packed_len(len, format.bits()), packed.len())?;
        let either = |one: usize, found: usize| if found == one { one } else { one * outputs };
        check("list of scales", if format.has_scales() { either(1, scales.len()) } else { 0 }, scales.len())?;
        if !zero_points.is_empty() {
            check("list of zero points", if format.is_integer() { scales.len() } else { 0 }, zero_points.len())?;
        }
        let k = if let NumberFormat::Codebook { k } = format { usize::from(k) } else { 0 };
        check("codebook", either(k, codebook.len()), codebook.len())?;
        let stored = Self { format, outputs, inputs, packed, scales, zero_points, codebook };
        if !stored.has_only_valid_codes() {
            return Err(Error::Codes { format: format.name() });
        }
        let lowest = if format.is_integer() { f32::MIN_POSITIVE } else { 0.0 };
        let scales = stored.scales.iter().all(|&s| s.is_finite() && s >= lowest);
        if scales && stored.codebook.iter().chain(&stored.decode()).all(|v| v.is_finite()) {
            Ok(stored)
        } else {
            Err(Error::NotFinite { what: "quantized layer" })
        }
    }

    /// Whether writing these weights again could give the same codes and the same padding.
    fn has_only_valid_codes(&self) -> bool {
        let (codes, rest) = bits::unpack(&self.packed, code_bits(self.format));
        let (codes, padding) = codes.split_at_checked(self.codes_len()).unwrap_or_default();
        let symmetry = if self.zero_points.is_empty() { Symmetry::Symmetric } else { Symmetry::Affine };
        let (low, high) = self.format.range(symmetry);
        let valid = |&code: &u32| match self.format {
            NumberFormat::Codebook { k } => code < u32::from(k),
            _ => !self.format.has_scales() || (low..=high).contains(&self.integer(code)),
        };
        rest == 0
            && padding.iter().all(|&code| code == 0)
            && codes.iter().all(valid)
            && self.zero_points.iter().all(|&z| (low..=high).contains(&i32::from(z)))
    }

    /// Codes of all weights; doubles are two each.
    fn codes_len(&self) -> usize {
        self.outputs * self.inputs * if self.format == NumberFormat::F64 { 2 } else { 1 }
    }

    fn codes(&self) -> Vec<u32> {
        let (mut codes, _) = bits::unpack(&self.packed, code_bits(self.format));
        codes.truncate(self.codes_len());
        codes
    }

    /// The integer that `code` stands for, before a zero point is taken off.
    fn integer(&self, code: u32) -> i32 {
        let unused = u32::BITS - self.format.bits();
        if self.format == NumberFormat::Binary { 2 * code as i32 - 1 } else { (code << unused) as i32 >> unused }
    }

    /// The weights that are stored, `[outputs, inputs]`.
    pub fn decode(&self) -> Vec<f32> {
        let mut weights = Vec::with_capacity(self.outputs * self.inputs);
        let codes = self.codes();
        for (j, row) in codes.chunks(self.codes_len() / self.outputs).enumerate() {
            let (zero_point, scale) = (zero_or(&self.zero_points, j), zero_or(&self.scales, j));
            let table = self.table(j);
            let mut codes = row.iter();
            while let Some(&code) = codes.next() {
                weights.push(match self.format {
                    NumberFormat::F64 => {
                        let high = codes.next().copied().unwrap_or_default();
                        f64::from_bits(u64::from(code) | u64::from(high) << 32) as f32
                    }
                    NumberFormat::F32 => f32::from_bits(code),
                    NumberFormat::Tf32 => f32::from_bits(code << float::TF32_DROPPED),
                    NumberFormat::F16 => float::from_f16(code as u16),
                    NumberFormat::Bf16 => float::from_bf16(code as u16),
                    NumberFormat::Codebook { .. } => table.get(code as usize).copied().unwrap_or_default(),
                    _ => (self.integer(code) - i32::from(zero_point)) as f32 * scale,
                });
            }
        }
        weights
    }

    /// The values that the codes of output `j` are the numbers of.
    fn table(&self, j: usize) -> &[f32] {
        let k = if let NumberFormat::Codebook { k } = self.format { usize::from(k) } else { 0 };
        let start = if self.codebook.len() == k { 0 } else { j * k };
        self.codebook.get(start..start + k).unwrap_or_default()
    }

    /// For the integer kernels: weights `[outputs, inputs]` less their zero points in i8, and their scales (`[1]` or
    /// `[outputs]`), all normal numbers. `None` when the weights are no integers that fit.
    pub fn for_integer_kernels(&self) -> Option<(Vec<i8>, Vec<f32>)> {
        if !self.format.fits_integer_kernels() || self.format == NumberFormat::Int8 && !self.zero_points.is_empty() {
            return None;
        }
        let mut scales = self.scales.clone();
        let mut weights = Vec::with_capacity(self.outputs * self.inputs);
        for (j, row) in self.codes().chunks(self.inputs).enumerate() {
            let zero_point = i32::from(zero_or(&self.zero_points, j));
            // Weights that are all 0 are so with scale 1 too, and that can be divided by.
            let is_zero = zero_or(&self.scales, j) < f32::MIN_POSITIVE;
            weights.extend(row.iter().map(|&code| if is_zero { 0 } else { (self.integer(code) - zero_point) as i8 }));
        }
        scales.iter_mut().filter(|scale| **scale < f32::MIN_POSITIVE).for_each(|scale| *scale = 1.0);
        Some((weights, scales))
    }

    /// Bytes of a Huffman code for the codebook's numbers, with a length of a byte for each of them; an estimate of what
    /// "Deep Compression" would store. `None` for other formats.
    pub fn huffman_bytes(&self) -> Option<usize> {
        let NumberFormat::Codebook { k } = self.format else { return None };
        let mut counts = vec![0; usize::from(k)];
        self.codes().iter().for_each(|&code| counts[code as usize] += 1);
        Some(usize::from(k) + cluster::huffman_bits(&counts).div_ceil(8) as usize)
    }

    /// How a weight is stored.
    pub fn format(&self) -> NumberFormat {
        self.format
    }

    /// Rows of the matrix.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Columns of the matrix.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The codes, of [`NumberFormat::bits`] bits each, as in the file.
    pub fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// None, one, or one for each output.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// As many as scales when affine; else none.
    pub fn zero_points(&self) -> &[i16] {
        &self.zero_points
    }

    /// None, one of k values, or one for each output.
    pub fn codebook(&self) -> &[f32] {
        &self.codebook
    }

    /// Bytes of a zero point: a zero point is an integer of the format, and takes at least a byte.
    pub fn zero_point_bytes(&self) -> usize {
        (self.format.bits() as usize).div_ceil(8)
    }
}

fn check_matrix(found: usize, outputs: usize, inputs: usize) -> Result<()> {
    let expected = outputs.saturating_mul(inputs);
    if expected == found && found > 0 {
        Ok(())
    } else {
        Err(Error::Shape { what: "weight matrix", expected: expected.max(1), found })
    }
}

/// What holds for output `j`: the one value for all of them, its own, or 0.
fn zero_or<T: Copy + Default>(values: &[T], j: usize) -> T {
    values.get(if values.len() == 1 { 0 } else { j }).copied().unwrap_or_default()
}

/// Doubles are two codes each.
fn code_bits(format: NumberFormat) -> u32 {
    format.bits().min(u32::BITS)
}
