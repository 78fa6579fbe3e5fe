//! What two models answer to the same images.

use super::metrics::Accuracy;
use crate::{
    Result,
    data::{CLASSES, Dataset},
    nn::{Model, Scratch, argmax},
    quant::QuantizedModel,
};

/// Images that pass through a model at once: enough to keep the kernels busy, and few enough that a network's
/// activations stay at some MB, however large the test set is.
pub const BLOCK: usize = 256;

/// The answers of both models to a list of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// What the images show.
    pub labels: Vec<u8>,
    /// Answers of the fp32 model.
    pub fp32: Vec<u8>,
    /// Answers of its quantized twin.
    pub quantized: Vec<u8>,
}

impl Answers {
    /// Asks both models about the images `rows` of `data`.
    ///
    /// # Errors
    /// As [`Model::forward`] and [`QuantizedModel::forward`].
    pub fn of(
        model: &Model,
        twin: &QuantizedModel,
        data: &Dataset,
        rows: &[u32],
        scratch: &mut Scratch,
    ) -> Result<Self> {
        let mut answers = Self { labels: Vec::new(), fp32: Vec::new(), quantized: Vec::new() };
        let digits =
            |logits: &[f32]| -> Vec<u8> { logits.chunks_exact(CLASSES).map(|row| argmax(row) as u8).collect() };
        for rows in rows.chunks(BLOCK) {
            let (pixels, labels) = data.gather(rows);
            answers.labels.extend(labels);
            answers.fp32.extend(digits(model.forward(&pixels, scratch)?));
            answers.quantized.extend(digits(twin.forward(&pixels, scratch)?));
        }
        Ok(answers)
    }

    /// How many each model has right: fp32, quantized.
    pub fn correct(&self) -> [Accuracy; 2] {
        [&self.fp32, &self.quantized]
            .map(|digits| Accuracy { correct: alike(digits, &self.labels), total: digits.len() })
    }

    /// Images that both answer alike.
    pub fn agreed(&self) -> usize {
        alike(&self.fp32, &self.quantized)
    }
}

fn alike(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a == b).count()
}
