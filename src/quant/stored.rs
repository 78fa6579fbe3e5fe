//! Weights as they are stored: packed codes, and what gives them their meaning.

use super::{
    Axes, Granularity, NumberFormat, Symmetry, bits, cluster,
    group::{Group, integer},
};
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
        let format = axes.format;
        let len = group_len(weight, outputs, axes)?;
        let mut stored = Self {
            format,
            outputs,
            inputs: weight.len() / outputs,
            packed: Vec::new(),
            scales: Vec::new(),
            zero_points: Vec::new(),
            codebook: Vec::new(),
        };
        let mut codes = Vec::with_capacity(stored.codes_len());
        for weights in weight.chunks(len) {
            let group = Group::choose(weights, axes)?;
            for &w in weights {
                let code = group.encode(w);
                check_range(format, group.decode(code))?;
                codes.push(code as u32);
                if format == NumberFormat::F64 {
                    codes.push((code >> 32) as u32);
                }
            }
            if format.has_scales() {
                stored.scales.push(group.params.scale);
            }
            if axes.symmetry == Symmetry::Affine {
                stored.zero_points.push(group.params.zero_point as i16);
            }
            stored.codebook.extend_from_slice(&group.codebook);
        }
        stored.packed = bits::pack(&codes, code_bits(format));
        Ok(stored)
    }

    /// `out`: what [`StoredWeights::decode`] gives after [`StoredWeights::encode`], to the bit, without packing: for every
    /// batch of a training.
    ///
    /// # Errors
    /// As [`StoredWeights::encode`]; [`Error::Shape`] when `out` has another length.
    pub fn round(weight: &[f32], outputs: usize, axes: &Axes, out: &mut [f32]) -> Result<()> {
        Rounding::choose(weight, outputs, axes)?.round(weight, out)
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
        check_len("packed weights", bits::packed_len(len, format.bits()), packed.len())?;
        let either = |one: usize, found: usize| if found == one { one } else { one * outputs };
        check_len("list of scales", if format.has_scales() { either(1, scales.len()) } else { 0 }, scales.len())?;
        if !zero_points.is_empty() {
            check_len("list of zero points", if format.is_integer() { scales.len() } else { 0 }, zero_points.len())?;
        }
        let k = if let NumberFormat::Codebook { k } = format { usize::from(k) } else { 0 };
        check_len("codebook", either(k, codebook.len()), codebook.len())?;
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
            _ => !self.format.has_scales() || (low..=high).contains(&integer(self.format, code)),
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

    /// The weights that are stored, `[outputs, inputs]`.
    pub fn decode(&self) -> Vec<f32> {
        let mut weights = Vec::with_capacity(self.outputs * self.inputs);
        let codes = self.codes();
        let double = self.format == NumberFormat::F64;
        for (j, row) in codes.chunks(self.codes_len() / self.outputs).enumerate() {
            let (scale, zero_point) = (zero_or(&self.scales, j), zero_or(&self.zero_points, j));
            let group = Group::stored(self.format, scale, zero_point, self.table(j));
            let mut codes = row.iter().map(|&code| u64::from(code));
            while let Some(code) = codes.next() {
                let high = if double { codes.next().unwrap_or_default() } else { 0 };
                weights.push(group.decode(code | high << 32));
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

    /// All values that a weight of output `j` can have, ascending; none for floating-point formats, which have too many.
    pub fn levels(&self, j: usize) -> Vec<f32> {
        let format = self.format;
        if !format.has_scales() {
            let mut values = self.table(j).to_vec();
            values.dedup();
            return values;
        }
        let zero_point = i32::from(zero_or(&self.zero_points, j));
        let symmetry = if self.zero_points.is_empty() { Symmetry::Symmetric } else { Symmetry::Affine };
        let (low, high) = format.range(symmetry);
        let step = if format == NumberFormat::Binary { 2 } else { 1 };
        let scale = zero_or(&self.scales, j);
        (low..=high).step_by(step).map(|q| (q - zero_point) as f32 * scale).collect()
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
            weights.extend(
                row.iter().map(|&code| if is_zero { 0 } else { (integer(self.format, code) - zero_point) as i8 }),
            );
        }
        scales.iter_mut().filter(|scale| **scale < f32::MIN_POSITIVE).for_each(|scale| *scale = 1.0);
        Some((weights, scales))
    }

    /// The integers that the codes of a format with scales stand for, less their zero points, `[outputs, inputs]`.
    pub(super) fn centred_integers(&self) -> Vec<i32> {
        let codes = self.codes();
        let rows = codes.chunks(self.inputs).enumerate();
        let row = |(j, row): (usize, &[u32])| {
            let zero_point = i32::from(zero_or(&self.zero_points, j));
            row.iter().map(|&code| integer(self.format, code) - zero_point).collect::<Vec<_>>()
        };
        rows.flat_map(row).collect()
    }

    /// The smallest and the largest of [`StoredWeights::centred_integers`] that output `j` can have.
    pub(super) fn integer_range(&self, j: usize) -> (i32, i32) {
        let symmetry = if self.zero_points.is_empty() { Symmetry::Symmetric } else { Symmetry::Affine };
        let (low, high) = self.format.range(symmetry);
        let zero_point = i32::from(zero_or(&self.zero_points, j));
        (low - zero_point, high - zero_point)
    }

    /// The same with other [`StoredWeights::centred_integers`] and as many scales.
    pub(super) fn with_centred_integers(mut self, integers: &[i32], scales: Vec<f32>) -> Self {
        let code = |(i, &integer): (usize, &i32)| match self.format {
            NumberFormat::Binary => u32::from(integer > 0),
            _ => (integer + i32::from(zero_or(&self.zero_points, i / self.inputs))) as u32,
        };
        let codes: Vec<u32> = integers.iter().enumerate().map(code).collect();
        self.packed = bits::pack(&codes, code_bits(self.format));
        self.scales = scales;
        self
    }

    /// Bytes of a Huffman code for the codebook's numbers, with a length of a byte for each of them; an estimate of what
    /// "Deep Compression" would store. `None` for other formats.
    pub fn huffman_bytes(&self) -> Option<usize> {
        let NumberFormat::Codebook { k } = self.format else { return None };
        let mut counts = vec![0; usize::from(k)];
        self.codes().iter().for_each(|&code| counts[code as usize] += 1);
        Some(usize::from(k) + cluster::huffman_bits(&counts).div_ceil(8) as usize)
    }

    /// What the codes of output `j` mean as integers: of a codebook the number of the value, of floating-point formats (f64
    /// left out) the bits.
    pub fn integers(&self, j: usize) -> Vec<i64> {
        if self.format == NumberFormat::F64 {
            return Vec::new();
        }
        let signed = self.format.has_scales();
        let meaning = |&code: &u32| if signed { integer(self.format, code).into() } else { code.into() };
        self.codes().iter().skip(j * self.inputs).take(self.inputs).map(meaning).collect()
    }

    /// Scale and zero point of output `j`; 0 where the format has none.
    pub fn scale_and_zero_point(&self, j: usize) -> (f32, i16) {
        (zero_or(&self.scales, j), zero_or(&self.zero_points, j))
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

/// Scales or codebooks of a layer, chosen: for the weights that they were chosen for, or others near to them.
pub struct Rounding {
    groups: Vec<Group<'static>>,
    /// Weights of a group.
    len: usize,
}

impl Rounding {
    /// For `weight` (`[outputs, inputs]`, row-major), as `axes` say.
    ///
    /// # Errors
    /// As [`StoredWeights::encode`].
    pub fn choose(weight: &[f32], outputs: usize, axes: &Axes) -> Result<Self> {
        let len = group_len(weight, outputs, axes)?;
        let groups = weight.chunks(len).map(|weights| Group::choose(weights, axes)).collect::<Result<_>>()?;
        Ok(Self { groups, len })
    }

    /// `out`: what `weight`, as many as those that this was chosen for, become.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are more or fewer; [`Error::NotFinite`]; [`Error::TooLarge`].
    pub fn round(&self, weight: &[f32], out: &mut [f32]) -> Result<()> {
        check_len("rounded weights", self.groups.len() * self.len, out.len())?;
        check_len("weight matrix", out.len(), weight.len())?;
        check_finite(weight)?;
        for ((weights, out), group) in weight.chunks(self.len).zip(out.chunks_mut(self.len)).zip(&self.groups) {
            for (&w, out) in weights.iter().zip(out) {
                *out = group.round(w);
                check_range(group.format, *out)?;
            }
        }
        Ok(())
    }
}

/// How many weights share what they share, when `axes` make sense for this matrix.
fn group_len(weight: &[f32], outputs: usize, axes: &Axes) -> Result<usize> {
    axes.check()?;
    let inputs = weight.len() / outputs.max(1);
    check_matrix(weight.len(), outputs, inputs)?;
    check_finite(weight)?;
    Ok(if axes.granularity == Granularity::PerTensor { weight.len() } else { inputs })
}

fn check_finite(weight: &[f32]) -> Result<()> {
    if weight.iter().all(|w| w.is_finite()) { Ok(()) } else { Err(Error::NotFinite { what: "weight tensor" }) }
}

/// A weight beyond the largest number of a floating-point format has become infinite.
fn check_range(format: NumberFormat, rounded: f32) -> Result<()> {
    if format.is_float() && !rounded.is_finite() { Err(Error::TooLarge { format: format.name() }) } else { Ok(()) }
}

fn check_len(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Shape { what, expected, found }) }
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
