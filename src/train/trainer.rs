//! Training a network by mini-batches.
//!
//! The training rows are divided, by the seed, into those learned from and a validation slice. With early stopping the
//! model that is kept is the one which answers most of the slice (of equal ones that of the lower loss), without it the
//! last. Test rows are never seen here.
//! The learning rate falls to 0 along half a cosine over all steps. Everything random comes from the seed, each use from
//! a sequence of its own, so the same data, seed and settings give the same bits of every weight everywhere.

use core::borrow::Borrow;

use super::{
    Descent, Network, Optimizer, input_scales::InputScales, network::cross_entropy, optimizer::along_cosine,
    teacher::Teacher,
};
use crate::{
    Error, Result,
    data::{Augmentation, Augmenter, CLASSES, Dataset, Standardizer},
    nn::{Input, Model, argmax, zoo},
    quant::InputRange,
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
    /// Epochs without a better validation after which training ends, and the best model is kept; 0 for never, and the last
    /// one is kept.
    pub patience: usize,
    /// Of the first weights, the order of the rows and their variations.
    pub seed: u32,
}

impl Architecture {
    /// Most hidden layers, of either kind.
    pub const MAX_LAYERS: usize = 4;
    /// Most values of a hidden fully connected layer.
    pub const MAX_HIDDEN: usize = 1024;
    /// Most channels of a convolution.
    pub const MAX_CHANNELS: usize = 64;

    /// # Errors
    /// [`Error::Setting`] when there are too many layers, or one is empty or too large.
    pub fn check(&self) -> Result<()> {
        let (sizes, max, what, range) = match self {
            Self::Mlp(sizes) => (sizes, Self::MAX_HIDDEN, "hidden sizes", "at most 4 whole numbers from 1 to 1024"),
            Self::Cnn(sizes) => (sizes, Self::MAX_CHANNELS, "channels", "at most 4 whole numbers from 1 to 64"),
        };
        let sensible = sizes.len() <= Self::MAX_LAYERS && sizes.iter().all(|size| (1..=max).contains(size));
        if sensible { Ok(()) } else { Err(Error::Setting { what, range }) }
    }
}

impl Settings {
    /// # Errors
    /// [`Error::Setting`] naming the first value that makes no sense; the augmentation is checked by its own.
    pub fn check(&self) -> Result<()> {
        let momentum = match self.optimizer {
            Optimizer::Sgd { momentum } => momentum,
            Optimizer::Adam => 0.0,
        };
        let checks = [
            ((1..=10_000).contains(&self.epochs), "number of epochs", "a whole number from 1 to 10000"),
            ((1..=4096).contains(&self.batch), "batch size", "a whole number from 1 to 4096"),
            (self.rate > 0.0 && self.rate <= 100.0, "learning rate", "a number above 0, at most 100"),
            ((0.0..1.0).contains(&momentum), "momentum", "a number from 0 to below 1"),
            ((0.0..=1.0).contains(&self.weight_decay), "weight decay", "a number from 0 to 1"),
            ((0.0..=0.5).contains(&self.validation), "validation share", "a number from 0 to 0.5"),
        ];
        match checks.into_iter().find(|(sensible, ..)| !sensible) {
            Some((_, what, range)) => Err(Error::Setting { what, range }),
            None => Ok(()),
        }
    }
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

/// An epoch's mean loss has run away when it is this many times that of the very first batch, and worse than guessing:
/// a rate that is merely bold stays below (measured over rates from 0.003 to 10, SGD and Adam, MLP and CNN).
const RUNAWAY: f64 = 2.0;

/// The best network so far.
struct Best {
    correct: usize,
    loss: f64,
    epoch: usize,
    model: Model,
    ranges: Vec<InputRange>,
}

/// A training under way, on a data set that it borrows or shares.
pub struct Trainer<D> {
    data: D,
    settings: Settings,
    input: Input,
    /// Of the input, when they are trained.
    input_scales: Option<InputScales>,
    network: Network,
    /// Whose answers are learned, if not the labels.
    teacher: Option<Teacher>,
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
    /// Mean loss of the very first batch.
    first_loss: Option<f64>,
    best: Option<Best>,
    image: Vec<f32>,
    batch: Vec<f32>,
    labels: Vec<u8>,
}

impl<D: Borrow<Dataset>> Trainer<D> {
    /// From random weights, on the rows `train` of `data`.
    ///
    /// # Errors
    /// [`Error::Setting`], [`Error::Augmentation`]; [`Error::Shape`] when the training part is empty.
    pub fn new(shared: D, train: &[u32], architecture: &Architecture, settings: Settings) -> Result<Self> {
        architecture.check()?;
        let data = shared.borrow();
        let mut weights = Random::new(settings.seed.into()).fork();
        let input = Input::new(data.width(), &Standardizer::fit_whole(data, train));
        let model = match architecture {
            Architecture::Mlp(hidden) => zoo::mlp(input, hidden, &mut || weights.normal()),
            Architecture::Cnn(channels) => zoo::cnn(input, channels, &mut || weights.normal()),
        }?;
        Self::from_model(shared, train, &model, settings)
    }

    /// From the weights of `model`, whose scaling of the pixels stays as it is. The same seed and rows give the same
    /// validation slice as [`Trainer::new`].
    ///
    /// # Errors
    /// [`Error::Setting`], [`Error::Augmentation`]; [`Error::Shape`] when the training part is empty or its images are not
    /// the model's.
    pub fn from_model(shared: D, train: &[u32], model: &Model, settings: Settings) -> Result<Self> {
        settings.check()?;
        let data = shared.borrow();
        let (input, pixels) = (model.input().clone(), data.width() * data.height());
        if input.pixels() != pixels || input.width() != data.width() {
            return Err(Error::Shape { what: "model's input", expected: pixels, found: input.pixels() });
        }
        let mut random = Random::new(settings.seed.into());
        // The first sequence is that of the weights.
        let (_, mut order, variation) = (random.fork(), random.fork(), random.fork());
        let mut rows = train.to_vec();
        order.shuffle(&mut rows);
        let kept = (settings.validation * rows.len() as f32) as usize;
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
            data: shared,
            input,
            input_scales: None,
            network: Network::new(model),
            teacher: None,
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
            first_loss: None,
            best: None,
            image: Vec::new(),
            batch: Vec::new(),
            labels: Vec::new(),
            settings,
        })
    }

    /// The network as it is now, with the rounding that it poses with.
    pub fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    /// From now on the factors of the input are trained too; the first layer is fully connected.
    pub(super) fn train_input_scales(&mut self) {
        self.input_scales = Some(InputScales::new(&self.input));
    }

    /// From now on the answers of `teacher` are learned instead of the labels; it sees images of the same size.
    pub(super) fn learn_from(&mut self, teacher: &Model) {
        self.teacher = Some(Teacher::new(teacher));
    }

    /// Learns from one batch; at the end of an epoch tells its state.
    ///
    /// # Errors
    /// [`Error::Diverged`] when the loss is no longer a number or has run away: a smaller learning rate may help.
    pub fn step(&mut self) -> Result<Option<Epoch>> {
        let end = (self.at + self.batch_size()).min(self.rows.len());
        let batch = self.at..end;
        self.fill(batch, true)?;
        let wanted = self.teacher.as_mut().map(Teacher::answers);
        let (loss, correct) = self.network.learn_from(&self.batch, &self.labels, wanted)?;
        if !loss.is_finite() {
            return Err(Error::Diverged { iteration: self.epoch + 1 });
        }
        self.first_loss.get_or_insert(loss / self.labels.len() as f64);
        let rate = along_cosine(self.settings.rate, self.share());
        if let Some(scales) = &mut self.input_scales {
            self.input = scales.step(self.network.input_slopes(), rate)?;
        }
        self.descent.step(self.network.parameters(), rate);
        (self.steps, self.at) = (self.steps + 1, end);
        (self.loss, self.correct) = (self.loss + loss, self.correct + correct);
        if end < self.rows.len() { Ok(None) } else { self.end_epoch().map(Some) }
    }

    /// Share of all steps that has been done, 0 to 1.
    pub fn share(&self) -> f64 {
        let batches = self.rows.len().div_ceil(self.batch_size());
        self.steps as f64 / (self.settings.epochs * batches).max(1) as f64
    }

    fn batch_size(&self) -> usize {
        self.settings.batch.clamp(1, self.rows.len())
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

    /// What is fixed of the input of each layer of [`Trainer::model`] that posed with static or binary activations: for
    /// [`QuantizedModel::with_ranges`](crate::quant::QuantizedModel::with_ranges).
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn ranges(&self) -> Result<Vec<InputRange>> {
        match &self.best {
            Some(best) => Ok(best.ranges.clone()),
            None => self.network.ranges().collect(),
        }
    }

    fn end_epoch(&mut self) -> Result<Epoch> {
        self.epoch += 1;
        let loss = self.loss / self.rows.len() as f64;
        if loss > libm::log(CLASSES as f64) && self.first_loss.is_some_and(|first| loss > RUNAWAY * first) {
            return Err(Error::Diverged { iteration: self.epoch });
        }
        let (validation_loss, validation_correct) = self.validate()?;
        let better = match &self.best {
            Some(Best { correct, loss, .. }) => {
                validation_correct > *correct || validation_correct == *correct && validation_loss < *loss
            }
            None => true,
        };
        // Where training is not to end early the last model is kept: the rate has fallen to 0 by then, and the luckiest
        // epoch of a small slice is a worse choice (an MLP on the digits loses 0.4 points of the test by it).
        if better || self.settings.patience == 0 || self.validation.is_empty() {
            self.best = Some(Best {
                correct: validation_correct,
                loss: validation_loss,
                epoch: self.epoch,
                model: self.network.model(self.input.clone())?,
                ranges: self.network.ranges().collect::<Result<_>>()?,
            });
        }
        let since = self.best.as_ref().map_or(0, |best| self.epoch - best.epoch);
        let tired = self.settings.patience > 0 && since >= self.settings.patience;
        let report = Epoch {
            epoch: self.epoch,
            loss,
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
        if let Some(teacher) = &mut self.teacher {
            teacher.clear();
        }
        let (image, varied) = self.image.split_at_mut(pixels);
        let data = self.data.borrow();
        for (&row, out) in rows.iter().zip(self.batch.chunks_exact_mut(pixels)) {
            image.iter_mut().zip(data.image(row as usize)).for_each(|(to, &pixel)| *to = pixel.into());
            let image = match &mut self.augmenter {
                Some(augmenter) if learn => {
                    augmenter.apply(image, &mut self.variation, varied)?;
                    &*varied
                }
                _ => &*image,
            };
            self.input.standardize(image, out)?;
            if let (Some(teacher), true) = (&mut self.teacher, learn) {
                teacher.see(image)?;
            }
            self.labels.push(data.label(row as usize));
        }
        Ok(())
    }
}
