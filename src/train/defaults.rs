//! How a network is trained when nobody says otherwise.
//!
//! Chosen on the default split and on 3,248 drawings by 13 people whose digits are in no data set here (`cargo run
//! --release --example drawings`). Two things matter: a long training with a rate that falls to 0, for the images vary each
//! time; and all rows to learn from. The validation slice is small, for it is only looked at: with the rate at 0 in the end it
//! finds no better model than the last.

use super::{Architecture, Optimizer, Settings};
use crate::data::Augmentation;

/// Rows of the embedded digits' training part, for which the epochs are meant.
const ROWS: usize = 1437;
/// Epochs of a large training part, whose writings are many by themselves.
const FEW: usize = 3;

/// `epochs` of the digits as epochs of a training part of `rows` rows, so that about as many images are learned from.
pub(super) fn epochs(epochs: usize, rows: usize) -> usize {
    if rows > Architecture::MANY {
        epochs.min(FEW)
    } else {
        (epochs * ROWS / rows.max(1)).clamp(epochs.min(FEW), epochs)
    }
}

impl Architecture {
    /// A training part of more rows is a large one.
    pub const MANY: usize = 10_000;

    /// The MLP for a training part of `rows` rows: one hidden layer of 32, or 128 and 64 for a large one.
    pub fn usual_mlp(rows: usize) -> Self {
        Self::Mlp(if rows > Self::MANY { vec![128, 64] } else { vec![32] })
    }

    /// The CNN: 8, then 16 channels.
    pub fn usual_cnn() -> Self {
        Self::Cnn(vec![8, 16])
    }

    /// Settings for a training part of `rows` rows. A larger data set is shown in fewer epochs, so that about as many images
    /// are learned from: 570,000 by fully connected layers, 170,000 by convolutions. One of more than 10,000 rows has
    /// writings enough by itself: three epochs without augmentation (MNIST: 97.9 % and 98.6 % of its test images).
    pub fn settings(&self, rows: usize, seed: u32) -> Settings {
        if rows > Self::MANY {
            return Settings {
                epochs: FEW,
                batch: 32,
                optimizer: Optimizer::Adam,
                rate: 0.002,
                weight_decay: 1e-4,
                augmentation: Augmentation::NONE,
                validation: 0.02,
                patience: 0,
                seed,
            };
        }
        let (usual, weight_decay, noise) = match self {
            Self::Mlp(_) => (400, 0.01, 1.0 / 16.0),
            Self::Cnn(_) => (120, 0.02, 2.0 / 16.0),
        };
        Settings {
            epochs: epochs(usual, rows),
            batch: 32,
            optimizer: Optimizer::Adam,
            rate: 0.008,
            weight_decay,
            augmentation: Augmentation { noise, ..Augmentation::DEFAULT },
            validation: 0.05,
            patience: 0,
            seed,
        }
    }
}
