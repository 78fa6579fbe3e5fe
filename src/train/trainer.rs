//! Training a network by mini-batches.
//!
//! The training rows are divided, by the seed, into those learned from and a validation slice; the model that is kept is
//! the one which answers most of the slice (of equal ones that of the lower loss). Test rows are never seen here.
//! The learning rate falls to 0 along half a cosine over all steps. Everything random comes from the seed, each use from
//! a sequence of its own, so the same data, seed and settings give the same bits of every weight everywhere.

use core::f64::consts::PI;

use super::{Descent, Network, Optimizer, network::cross_entropy};
use crate::{
    Error, Result,
    data::{Augmentation, Augmenter, CLASSES, Dataset, Standardizer},
    nn::{Input, Model, argmax, zoo},
    quant::affine::{self, QParams},
    random::Random,
};

/// A network to train.
#[derive(Debug, Clone, PartialEq)]
pub enum Architecture {
    /// Fully connected layers of these sizes with ReLU between; none is softmax regression.
    Mlp(Vec<usize>),
    /// 3x3 convolutions to these channels with ReLU, 2x2 max-pooling, one fully connected layer.
    Cnn(Vec<usize>),
}

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Times that every row is learned from.
    pub epochs: usize,
    /// Rows in a batch.
    pub batch: usize,
    /// The rule of a step.
    pub optimizer: Optimizer,
    /// Learning rate of the first step.
    pub rate: f32,
    /// See [`Descent::new`].
    pub weight_decay: f32,
    /// How images are varied each time they are learned from.
    pub augmentation: Augmentation,
    /// Share of the training rows that is kept for validation, 0 to 0.5.
    pub validation: f32,
    /// Epochs without a better validation after which training ends; 0 for never.
    pub patience: usize,
    /// Of the first weights, the order of the rows and their variations.
    pub seed: u32,
}

/// The state after an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// Epochs done.
    pub epoch: usize,
    /// Mean cross-entropy of the (varied) images as they were learned from.
    pub loss: f64,
    /// How many of them were answered rightly then.
    pub correct: usize,
    /// Rows learned from.
    pub total: usize,
    /// Mean cross-entropy of the validation slice.
    pub validation_loss: f64,
    /// How many of it are answered rightly.
    pub validation_correct: usize,
    /// Rows of the slice.
    pub validation_total: usize,
    /// Whether training has ended.
    pub done: bool,
}

/// The best network so far.
struct Best {
    correct: usize,
    loss: f64,
    epoch: usize,
    model: Model,
    ranges: Vec<(f32, f32)>,
}

/// A training under way.
pub struct Trainer<'d> {
    data: &'d Dataset,
    settings: Settings,
    input: Input,
    network: Network,
    descent: Descent,
    augmenter: Option<Augmenter>,
    rows: Vec<u32>,
    validation: Vec<u32>,
    order: Random,
    variation: Random,
    steps: usize,
    epoch: usize,
    /// Rows of this epoch that have been learned from.
    at: usize,
    loss: f64,
    correct: usize,
    best: Option<Best>,
    image: Vec<f32>,
    batch: Vec<f32>,
    labels: Vec<u8>,
}

impl<'d> Trainer<'d> {
    /// From random weights, on the rows `train` of `data`.
    ///
    /// # Errors
    /// [`Error::Augmentation`]; [`Error::Shape`] when a layer or the training part is empty.
    pub fn new(data: &'d Dataset, train: &[u32], architecture: &Architecture, settings: Settings) -> Result<Self> {
        let mut weights = Random::new(settings.seed.into()).fork();
        let input = Input::new(data.width(), &Standardizer::fit_whole(data, train));
        let model = match architecture {
            Architecture::Mlp(hidden) => zoo::mlp(input, hidden, &mut || weights.normal()),
            Architecture::Cnn(channels) => zoo::cnn(input, channels, &mut || weights.normal()),
        }?;
        Self::from_model(data, train, &model, settings)
    }

    /// From the weights of `model`, whose scaling of the pixels stays as it is. The same seed and rows give the same
    /// validation slice as [`Trainer::new`].
    ///
    /// # Errors
    /// [`Error::Augmentation`]; [`Error::Shape`] when the training part is empty or its images are not the model's.
    pub fn from_model(data: &'d Dataset, train: &[u32], model: &Model, settings: Settings) -> Result<Self> {
        let (input, pixels) = (model.input().clone(), data.width() * data.height());
        if input.pixels() != pixels || input.width() != data.width() {
            return Err(Error::Shape { what: "model's input", expected: pixels, found: input.pixels() });
        }
        let mut random = Random::new(settings.seed.into());
        // The first sequence is that of the weights.
        let (_, mut order, variation) = (random.fork(), random.fork(), random.fork());
        let mut rows = train.to_vec();
        order.shuffle(&mut rows);
        let kept = (settings.validation.clamp(0.0, 0.5) * rows.len() as f32) as usize;
        let validation = rows.split_off(rows.len() - kept);
        if rows.is_empty() {
            return Err(Error::Shape { what: "training part", expected: 1, found: 0 });
        }
        let augmenter = if settings.augmentation == Augmentation::NONE {
            None
        } else {
            let (width, height) = (data.width(), data.height());
            Some(Augmenter::new(width, height, data.max_pixel(), settings.augmentation)?)
        };
        Ok(Self {
            data,
            input,
            network: Network::new(model),
            descent: Descent::new(settings.optimizer, settings.weight_decay),
            augmenter,
            rows,
            validation,
            order,
            variation,
            steps: 0,
            epoch: 0,
            at: 0,
            loss: 0.0,
            correct: 0,
            best: None,
            image: Vec::new(),
            batch: Vec::new(),
            labels: Vec::new(),
            settings,
        })
    }

    pub(super) fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    /// Learns from one batch; at the end of an epoch tells its state.
    ///
    /// # Errors
    /// [`Error::Diverged`] when the loss is no longer a number: a smaller learning rate may help.
    pub fn step(&mut self) -> Result<Option<Epoch>> {
        let size = self.settings.batch.clamp(1, self.rows.len());
        let end = (self.at + size).min(self.rows.len());
        let batch = self.at..end;
        self.fill(batch, true)?;
        let (loss, correct) = self.network.learn(&self.batch, &self.labels)?;
        if !loss.is_finite() {
            return Err(Error::Diverged { iteration: self.epoch });
        }
        let all = self.settings.epochs * self.rows.len().div_ceil(size);
        let share = self.steps as f64 / all.max(1) as f64;
        let rate = f64::from(self.settings.rate) * 0.5 * (1.0 + libm::cos(PI * share));
        self.descent.step(self.network.parameters(), rate as f32);
        (self.steps, self.at) = (self.steps + 1, end);
        (self.loss, self.correct) = (self.loss + loss, self.correct + correct);
        if end < self.rows.len() { Ok(None) } else { self.end_epoch().map(Some) }
    }

    /// The best model so far; the current one before the first epoch has ended.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn model(&self) -> Result<Model> {
        match &self.best {
            Some(best) => Ok(best.model.clone()),
            None => self.network.model(self.input.clone()),
        }
    }

    /// The parameters of each weighted layer's input in [`Trainer::model`], when static activations were posed with.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn ranges(&self) -> Result<Vec<QParams>> {
        match &self.best {
            Some(best) => best.ranges.iter().map(|&range| affine::choose_u8(range)).collect(),
            None => self.network.ranges().map(affine::choose_u8).collect(),
        }
    }

    fn end_epoch(&mut self) -> Result<Epoch> {
        let (validation_loss, validation_correct) = self.validate()?;
        self.epoch += 1;
        let better = match &self.best {
            Some(Best { correct, loss, .. }) => {
                validation_correct > *correct || validation_correct == *correct && validation_loss < *loss
            }
            None => true,
        };
        // Without a slice the last model is the best.
        if better || self.validation.is_empty() {
            self.best = Some(Best {
                correct: validation_correct,
                loss: validation_loss,
                epoch: self.epoch,
                model: self.network.model(self.input.clone())?,
                ranges: self.network.ranges().collect(),
            });
        }
        let since = self.best.as_ref().map_or(0, |best| self.epoch - best.epoch);
        let tired = self.settings.patience > 0 && since >= self.settings.patience;
        let report = Epoch {
            epoch: self.epoch,
            loss: self.loss / self.rows.len() as f64,
            correct: self.correct,
            total: self.rows.len(),
            validation_loss,
            validation_correct,
            validation_total: self.validation.len(),
            done: tired || self.epoch >= self.settings.epochs,
        };
        (self.at, self.loss, self.correct) = (0, 0.0, 0);
        self.order.shuffle(&mut self.rows);
        Ok(report)
    }

    fn validate(&mut self) -> Result<(f64, usize)> {
        const ROWS: usize = 256;
        let (mut loss, mut correct) = (0.0, 0);
        for start in (0..self.validation.len()).step_by(ROWS) {
            self.fill(start..self.validation.len().min(start + ROWS), false)?;
            let logits = self.network.forward(&self.batch, self.labels.len());
            for (logits, &label) in logits.chunks_exact(CLASSES).zip(&self.labels) {
                let mut probabilities = [0.0; CLASSES];
                crate::nn::softmax(logits, &mut probabilities);
                loss += cross_entropy(probabilities[usize::from(label)]);
                correct += usize::from(argmax(logits) == usize::from(label));
            }
        }
        Ok((loss / self.validation.len().max(1) as f64, correct))
    }

    /// Puts rows (of those learned from, varied; or of the slice) scaled into the batch.
    fn fill(&mut self, range: core::ops::Range<usize>, learn: bool) -> Result<()> {
        let rows = if learn { &self.rows[range] } else { &self.validation[range] };
        let pixels = self.input.pixels();
        self.batch.resize(rows.len() * pixels, 0.0);
        self.image.resize(2 * pixels, 0.0);
        self.labels.clear();
        let (image, varied) = self.image.split_at_mut(pixels);
        for (&row, out) in rows.iter().zip(self.batch.chunks_exact_mut(pixels)) {
            image.iter_mut().zip(self.data.image(row as usize)).for_each(|(to, &pixel)| *to = pixel.into());
            let image = match &mut self.augmenter {
                Some(augmenter) if learn => {
                    augmenter.apply(image, &mut self.variation, varied)?;
                    &*varied
                }
                _ => &*image,
            };
            self.input.standardize(image, out)?;
            self.labels.push(self.data.label(row as usize));
        }
        Ok(())
    }
}
