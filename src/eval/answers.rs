//! What two models answer to the same images.

use super::{confusion::confusion, metrics::Accuracy};
use crate::{
    Result,
    data::{CLASSES, Dataset},
    nn::{Model, Scratch, argmax},
    quant::QuantizedModel,
};

/// Images that pass through a model at once: enough to keep the kernels busy, and few enough that a network's
/// activations stay at some MB, however large the test set is.
pub const BLOCK: usize = 256;

/// What became of an image that both models answer differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flip {
    /// Right in fp32, wrong quantized.
    Broken,
    /// Wrong in fp32, right quantized.
    Fixed,
    /// Wrong in fp32, and wrong otherwise quantized.
    Changed,
}

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
        let mut answers = Self::of_model(model, data, rows, scratch)?;
        answers.ask(twin, data, rows, scratch)?;
        Ok(answers)
    }

    /// Asks the fp32 model about the images `rows` of `data`; no twin has answered yet.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn of_model(model: &Model, data: &Dataset, rows: &[u32], scratch: &mut Scratch) -> Result<Self> {
        let mut answers = Self { labels: Vec::new(), fp32: Vec::new(), quantized: Vec::new() };
        for rows in rows.chunks(BLOCK) {
            let (pixels, labels) = data.gather(rows);
            answers.labels.extend(labels);
            answers.fp32.extend(digits(model.forward(&pixels, scratch)?));
        }
        Ok(answers)
    }

    /// Asks a twin about the same images, in place of the one before.
    ///
    /// # Errors
    /// As [`QuantizedModel::forward`].
    pub fn ask(&mut self, twin: &QuantizedModel, data: &Dataset, rows: &[u32], scratch: &mut Scratch) -> Result<()> {
        self.quantized.clear();
        for rows in rows.chunks(BLOCK) {
            self.quantized.extend(digits(twin.forward(&data.gather(rows).0, scratch)?));
        }
        Ok(())
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

    /// Images that they answer differently: where in the list, and what became of them.
    pub fn flips(&self) -> impl Iterator<Item = (usize, Flip)> {
        let both = self.fp32.iter().zip(&self.quantized).zip(&self.labels);
        both.enumerate().filter(|(_, ((fp32, quantized), _))| fp32 != quantized).map(
            |(i, ((fp32, quantized), label))| {
                (
                    i,
                    if fp32 == label {
                        Flip::Broken
                    } else if quantized == label {
                        Flip::Fixed
                    } else {
                        Flip::Changed
                    },
                )
            },
        )
    }

    /// [`confusion`] of each model: fp32, quantized.
    pub fn confusions(&self) -> [Vec<usize>; 2] {
        [&self.fp32, &self.quantized].map(|digits| confusion(&self.labels, digits))
    }

    /// Images that only one model has right: fp32, quantized.
    pub fn right_alone(&self) -> [usize; 2] {
        let each = self.labels.iter().zip(self.fp32.iter().zip(&self.quantized));
        each.fold([0; 2], |[fp32, quantized], (label, (a, b))| {
            [fp32 + usize::from(a == label && b != label), quantized + usize::from(b == label && a != label)]
        })
    }
}

fn digits(logits: &[f32]) -> impl Iterator<Item = u8> {
    logits.chunks_exact(CLASSES).map(|row| argmax(row) as u8)
}

fn alike(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a == b).count()
}
