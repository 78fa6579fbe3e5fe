//! Fine-tuning of a codebook: the weights of a layer share a few values, and training moves the values (S. Han et al.,
//! "Deep Compression", 2015). The gradient of a value is the sum of those of its weights; each weight is given that sum,
//! so all of them move alike and stay equal to the bit. Held by `tests/suite/qat.rs`.

use super::Parameters;
use crate::{
    Result,
    quant::{Axes, Granularity, StoredWeights},
};

/// Which weights of a layer share a value.
pub(super) struct Ties {
    /// The value of each weight, by number within its codebook.
    numbers: Vec<u8>,
    /// Weights that share a codebook.
    group: usize,
}

impl Ties {
    /// The most values that a codebook has.
    const VALUES: usize = 256;

    /// Gives the weights of `parameters` the values of a codebook, and remembers which have the same.
    pub(super) fn of_codebook(parameters: &mut Parameters, axes: &Axes) -> Result<Self> {
        let (outputs, len) = (parameters.bias.len(), parameters.weight.len());
        let mut weight = vec![0.0; len];
        StoredWeights::round(&parameters.weight, outputs, axes, &mut weight)?;
        let group = if axes.granularity == Granularity::PerTensor { len } else { len / outputs };
        let mut numbers = Vec::with_capacity(len);
        for weights in weight.chunks(group) {
            let mut values = Vec::new();
            for w in weights {
                let number = values.iter().position(|value| value == w).unwrap_or(values.len());
                if number == values.len() {
                    values.push(*w);
                }
                numbers.push(number as u8);
            }
        }
        parameters.weight = weight;
        Ok(Self { numbers, group })
    }

    /// Gives each weight the sum of the gradients of all that share its value.
    pub(super) fn sum(&self, gradient: &mut [f32]) {
        for (numbers, gradient) in self.numbers.chunks(self.group).zip(gradient.chunks_mut(self.group)) {
            let mut sums = [0.0; Self::VALUES];
            for (&number, &g) in numbers.iter().zip(gradient.iter()) {
                sums[usize::from(number)] += f64::from(g);
            }
            for (&number, g) in numbers.iter().zip(gradient) {
                *g = sums[usize::from(number)] as f32;
            }
        }
    }
}
