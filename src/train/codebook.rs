//! Fine-tuning of a codebook: the weights of a layer share a few values, and training moves the values (S. Han et al.,
//! "Deep Compression", 2015). The gradient of a value is the sum of those of its weights; each weight is given that sum,
//! so all of them move alike and stay equal to the bit. Held by `tests/qat.rs`.

use core::borrow::Borrow;

use super::{Settings, Trainer};
use crate::{Error, Result, data::Dataset, nn::Model};

/// Trains on from `model`, whose weights are those of a codebook read back: on the rows `train` of `data`, with weights
/// of a layer that are equal staying so.
///
/// # Errors
/// As [`Trainer::from_model`]; [`Error::Shape`] when a layer's weights have more than 256 values.
pub fn fine_tune_codebook<D: Borrow<Dataset>>(
    data: D,
    train: &[u32],
    model: &Model,
    settings: Settings,
) -> Result<Trainer<D>> {
    let mut trainer = Trainer::from_model(data, train, model, settings)?;
    trainer.network_mut().tie_equal_weights()?;
    Ok(trainer)
}

/// Which weights of a layer share a value.
pub(super) struct Ties {
    /// The value of each weight, by number.
    numbers: Vec<u8>,
    sums: Vec<f64>,
}

impl Ties {
    /// The most values that a layer may have.
    const VALUES: usize = 256;

    pub(super) fn new(weight: &[f32]) -> Result<Self> {
        let (mut values, mut numbers) = (Vec::new(), Vec::with_capacity(weight.len()));
        for w in weight {
            let number = values.iter().position(|value| value == w).unwrap_or(values.len());
            if number == values.len() {
                if number == Self::VALUES {
                    return Err(Error::Shape { what: "codebook of a layer", expected: number, found: number + 1 });
                }
                values.push(*w);
            }
            numbers.push(number as u8);
        }
        Ok(Self { numbers, sums: vec![0.0; values.len()] })
    }

    /// Gives each weight the sum of the gradients of all that share its value.
    pub(super) fn sum(&mut self, gradient: &mut [f32]) {
        self.sums.fill(0.0);
        for (&number, &g) in self.numbers.iter().zip(gradient.iter()) {
            self.sums[usize::from(number)] += f64::from(g);
        }
        for (&number, g) in self.numbers.iter().zip(gradient) {
            *g = self.sums[usize::from(number)] as f32;
        }
    }
}
