//! Teaching a trained model one person's hand.
//!
//! A few drawings of the person's own, each written out again with other pens, slants, proportions and bends, make up a part
//! of every batch; the rest are rows of the data set, so that the model does not forget the others. All images vary as in the
//! first training. The learning rate falls to 0 along half a cosine. The same model, drawings and seed give the same bits
//! everywhere. Held by `tests/suite/finetune.rs`.

use super::{Descent, Network, Optimizer, optimizer::along_cosine};
use crate::{
    Error, Result,
    data::{
        Augmentation, Augmenter, CLASSES, Dataset,
        raster::{self, Form, Point, Rendering},
    },
    nn::{Input, Layer, Model},
    random::Random,
};

/// Writings made of each drawing.
const WRITINGS: usize = 64;
/// The pen is at most this much thicker or thinner than usual: 0.12 to 0.20 of the drawing at 8x8.
const PEN: f32 = 0.25;
/// The largest slant added, either way.
const SHEAR: f32 = 0.2;

/// How to fine-tune.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FineTuning {
    /// Batches learned from.
    pub steps: usize,
    /// Images of the person's own in a batch.
    pub own: usize,
    /// Rows of the data set in a batch.
    pub others: usize,
    /// Learning rate of Adam's first step.
    pub rate: f32,
    /// See [`Descent::new`].
    pub weight_decay: f32,
    /// How images are varied each time they are learned from.
    pub augmentation: Augmentation,
    /// Whether the rows of the data set vary too, or only the person's own drawings.
    pub vary_others: bool,
    /// How far the points of another writing move at most, as a share of half the drawing's longer side, by each of four
    /// terms: the two parabolas, the saddle and the slant.
    pub bend: f32,
    /// By how much at most the pen's steps become longer or shorter in another writing, as a share of them.
    pub pace: f32,
    /// Of the choice of rows and their variations.
    pub seed: u32,
}

impl FineTuning {
    /// For a model like `model`; in a browser this takes 0.1 to 1 second. One layer cannot follow both the rows and their
    /// variations, and has learned from the bare rows before, each pixel at a scale of its own, where noise would drown it.
    ///
    /// Ten drawings, one of each digit, of each of 13 people: of their other drawings, in four writings, the CNN reads 98.9 %
    /// (untaught: 97.0), the MLP 98.6 (96.0), softmax regression 96.6 (92.3), means of three trainings; of the test rows 0.1,
    /// 0.2 and 0.4 points less than untaught. Of the person whom the CNN reads worst it reads 95.0, 93.3 and 94.6 %; without
    /// other proportions and with twice the bend 94.2, 91.7 and 90.4. The MLP gains nothing by them, and loses test rows
    /// (`cargo run --release --example drawings -- 3 fine`).
    pub fn of(model: &Model, seed: u32) -> Self {
        let deep = model.layers().len() > 1;
        let convolutional = model.layers().iter().any(|layer| matches!(layer, Layer::Conv2d(_)));
        let steps = if deep && !convolutional { 3000 } else { 900 };
        Self {
            // Larger images cost more: fewer of them, for about the same time.
            steps: (steps * 64 / model.input().pixels().max(64)).max(200),
            own: if deep { 16 } else { 10 },
            others: if deep { 16 } else { 62 },
            rate: 0.003,
            weight_decay: if deep { 0.01 } else { 0.0 },
            augmentation: Augmentation {
                rotation: 4.0,
                shear: 0.05,
                scale: 0.05,
                shift: 0.3 / 8.0,
                thickness: 0.4 / 8.0,
                elastic: 0.3 / 8.0,
                noise: if deep { 1.0 / 16.0 } else { 0.0 },
            },
            vary_others: deep,
            bend: if convolutional { 0.1 } else { 0.2 },
            pace: if convolutional { 0.5 } else { 0.0 },
            seed,
        }
    }
}

/// A drawing of the person's own.
#[derive(Debug, Clone, Copy)]
pub struct Own<'s> {
    /// Its strokes.
    pub strokes: &'s [Vec<Point>],
    /// The digit meant, 0..=9.
    pub label: u8,
}

/// A fine-tuning under way.
pub struct FineTuner<'d> {
    data: &'d Dataset,
    rows: &'d [u32],
    settings: FineTuning,
    input: Input,
    network: Network,
    descent: Descent,
    augmenter: Augmenter,
    /// All writings of the person's drawings, and a label for each.
    images: Vec<f32>,
    labels: Vec<u8>,
    random: Random,
    step: usize,
    image: Vec<f32>,
    batch: Vec<f32>,
    answers: Vec<u8>,
}

impl<'d> FineTuner<'d> {
    /// Begins with `model`, `drawings` and the rows `rows` of `data`, whose images the model takes. Empty drawings teach
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Shape`] when the model takes other images than those of `data`, or nothing is drawn, or `rows` is empty;
    /// [`Error::Label`]; [`Error::Augmentation`].
    pub fn new(
        model: &Model,
        data: &'d Dataset,
        rows: &'d [u32],
        drawings: &[Own],
        settings: FineTuning,
    ) -> Result<Self> {
        let (form, input) = (Form::of(data), model.input().clone());
        let pixels = form.width * form.height;
        if (input.pixels(), input.width()) != (pixels, form.width) {
            return Err(Error::Shape { what: "model's input", expected: pixels, found: input.pixels() });
        }
        let mut random = Random::new(settings.seed.into());
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for (row, own) in drawings.iter().enumerate() {
            if usize::from(own.label) >= CLASSES {
                return Err(Error::Label { row, label: own.label });
            }
            for writing in 0..WRITINGS {
                let mut draw = |strength: f32| f64::from(strength * random.symmetric());
                // The first as it was drawn.
                let (strokes, rendering) = if writing == 0 {
                    (own.strokes.to_vec(), Rendering::STANDARD)
                } else {
                    let rendering = Rendering { pen: 1.0 + draw(PEN), shear: draw(SHEAR) };
                    let bent = bend(own.strokes, settings.bend, &mut random);
                    (if settings.pace > 0.0 { pace(&bent, settings.pace, &mut random) } else { bent }, rendering)
                };
                if let Some(image) = raster::render(&strokes, form, rendering) {
                    images.extend(image);
                    labels.push(own.label);
                }
            }
        }
        for (what, found) in [("list of drawings", labels.len()), ("training part", rows.len())] {
            if found == 0 {
                return Err(Error::Shape { what, expected: 1, found });
            }
        }
        Ok(Self {
            data,
            rows,
            network: Network::new(model),
            descent: Descent::new(Optimizer::Adam, settings.weight_decay),
            augmenter: Augmenter::new(form.width, form.height, form.max_pixel, settings.augmentation)?,
            input,
            images,
            labels,
            random,
            step: 0,
            image: vec![0.0; 2 * pixels],
            batch: Vec::new(),
            answers: Vec::new(),
            settings,
        })
    }

    /// Learns from one batch; whether that was the last.
    ///
    /// # Errors
    /// [`Error::Diverged`] when the loss is no longer a number: a smaller learning rate may help.
    pub fn step(&mut self) -> Result<bool> {
        self.fill()?;
        let (loss, _) = self.network.learn(&self.batch, &self.answers)?;
        if !loss.is_finite() {
            return Err(Error::Diverged { iteration: self.step });
        }
        let share = self.step as f64 / self.settings.steps.max(1) as f64;
        self.descent.step(self.network.parameters(), along_cosine(self.settings.rate, share));
        self.step += 1;
        Ok(self.step >= self.settings.steps)
    }

    /// The model as it is now.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn model(&self) -> Result<Model> {
        self.network.model(self.input.clone())
    }

    /// Draws the images of a batch, varied and scaled.
    fn fill(&mut self) -> Result<()> {
        let (pixels, own) = (self.input.pixels(), self.settings.own.max(1));
        self.batch.resize((own + self.settings.others) * pixels, 0.0);
        self.answers.clear();
        let (image, varied) = self.image.split_at_mut(pixels);
        for (i, out) in self.batch.chunks_exact_mut(pixels).enumerate() {
            if i < own {
                let at = self.random.below(self.labels.len() as u32) as usize;
                image.copy_from_slice(&self.images[at * pixels..][..pixels]);
                self.answers.push(self.labels[at]);
            } else {
                let row = self.rows[self.random.below(self.rows.len() as u32) as usize] as usize;
                image.iter_mut().zip(self.data.image(row)).for_each(|(to, &pixel)| *to = pixel.into());
                self.answers.push(self.data.label(row));
            }
            if i < own || self.settings.vary_others {
                self.augmenter.apply(image, &mut self.random, varied)?;
                self.input.standardize(varied, out)?;
            } else {
                self.input.standardize(image, out)?;
            }
        }
        Ok(())
    }
}

/// Another writing of the same strokes: with u and v the place across and down the drawing, -1..1, each point moves along
/// each axis by random shares of 1 - u², 1 - v², u v, and of the other axis.
fn bend(strokes: &[Vec<Point>], most: f32, random: &mut Random) -> Vec<Vec<Point>> {
    let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
    for point in strokes.iter().flatten() {
        for axis in 0..2 {
            low[axis] = low[axis].min(point[axis]);
            high[axis] = high[axis].max(point[axis]);
        }
    }
    let half = (high[0] - low[0]).max(high[1] - low[1]) / 2.0;
    if half.is_nan() || half <= 0.0 {
        return strokes.to_vec();
    }
    let terms = [(); 2].map(|()| [(); 4].map(|()| most * random.symmetric()));
    let moved = |point: &Point| {
        let place = [0, 1].map(|axis| (point[axis] - (low[axis] + high[axis]) / 2.0) / half);
        let [u, v] = place;
        [0, 1].map(|axis| {
            let [a, b, c, d]: [f32; 4] = terms[axis];
            point[axis] + half * (a * (1.0 - u * u) + b * (1.0 - v * v) + c * (u * v) + d * place[1 - axis])
        })
    };
    strokes.iter().map(|stroke| stroke.iter().map(moved).collect()).collect()
}

/// Another writing of the same strokes, in other proportions: every step of the pen, on the paper or above it, becomes longer
/// or shorter, across and down by random shares of their own that change along the way. A bar comes out too long, a loop too
/// narrow or not closed, a second stroke elsewhere, as when a person writes the digit again.
fn pace(strokes: &[Vec<Point>], most: f32, random: &mut Random) -> Vec<Vec<Point>> {
    /// Pieces of the way; within one, the shares change evenly.
    const PIECES: usize = 3;
    let shares = [(); PIECES + 1].map(|()| [(); 2].map(|()| most * random.symmetric()));
    let length = |[x, y]: [f32; 2]| (x * x + y * y).sqrt();
    let difference = |to: &Point, from: &Point| [0, 1].map(|axis| to[axis] - from[axis]);
    let points = strokes.concat();
    let all: f32 = points.windows(2).map(|pair| length(difference(&pair[1], &pair[0]))).sum();
    let Some(&(mut before)) = points.first().filter(|_| all > 0.0) else { return strokes.to_vec() };
    let (mut at, mut way) = (before, 0.0);
    let mut write = |point: &Point| {
        let step = difference(point, &before);
        let place = PIECES as f32 * (way + length(step) / 2.0) / all;
        let piece = (place as usize).min(PIECES - 1);
        let share = place - piece as f32;
        for axis in 0..2 {
            let [from, to] = [0, 1].map(|end| shares[piece + end][axis]);
            at[axis] += (1.0 + from + share * (to - from)) * step[axis];
        }
        way += length(step);
        before = *point;
        at
    };
    strokes.iter().map(|stroke| stroke.iter().map(&mut write).collect()).collect()
}
