//! Pen strokes to the image that a model sees, made the way its data set was made.
//!
//! * [`counted`]: 8x8 images whose pixels count ink, as in the embedded digits.
//! * [`grey`]: every other size by the rule of MNIST, which is 28x28.
//!
//! Both make size and place on the pad irrelevant: a drawing at a quarter of the pad and the same at nine tenths, anywhere,
//! give pixels that differ by one level at most (of 16, or of 255). A drawing smaller than [`TAP`] is a tap: a dot in the
//! middle, for blown up to full size it would be a stroke that nobody drew. Everything is f64 addition, multiplication,
//! division, square root and rounding, so that the same drawing gives the same image in every browser. Held by
//! `tests/strokes.rs`.

pub mod counted;
pub mod grey;
mod segments;

use super::Dataset;
use segments::{Bounds, Segment};

/// A point of a stroke: x to the right, y down, in shares of the pad.
pub type Point = [f32; 2];

/// Longer side, in shares of the pad, below which a drawing is a tap: a finger that taps slides by some pixels.
pub const TAP: f64 = 0.02;

/// The images that a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The value of full ink; 0 is paper.
    pub max_pixel: u8,
}

impl Form {
    /// Of the embedded digits.
    pub const DIGITS: Self = Self { width: 8, height: 8, max_pixel: 16 };
    /// Of MNIST.
    pub const MNIST: Self = Self { width: 28, height: 28, max_pixel: 255 };

    /// Of the images of `data`.
    pub fn of(data: &Dataset) -> Self {
        Self { width: data.width(), height: data.height(), max_pixel: data.max_pixel() }
    }
}

/// How a drawing is written out: [`Rendering::STANDARD`] is what the data set's makers would have done, others are
/// writings of the same drawing that they might have come across.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rendering {
    /// Diameter of the pen, as a multiple of the form's usual one.
    pub pen: f64,
    /// Sideways shift to the left for each step downwards, added to the drawing.
    pub shear: f64,
}

impl Rendering {
    /// The usual pen, and no slant but the drawing's own.
    pub const STANDARD: Self = Self { pen: 1.0, shear: 0.0 };
}

/// The writings whose logits are averaged for one answer, the standard one first. On drawings by 13 people this reads
/// 92.2 % instead of 91.0 (softmax), 96.0 instead of 95.5 (MLP), 97.0 instead of 96.8 (CNN; networks: means of 3 seeds).
pub const RENDERINGS: [Rendering; 4] = [
    Rendering::STANDARD,
    Rendering { pen: 0.8, shear: 0.0 },
    Rendering { pen: 1.2, shear: 0.15 },
    Rendering { pen: 1.2, shear: -0.15 },
];

/// Draws `strokes` in the given form: whole numbers 0..=`max_pixel`, shape `[height, width]`, row-major. `None` when there
/// is nothing to draw, for want of points, pixels or finite coordinates.
pub fn rasterize(strokes: &[Vec<Point>], form: Form) -> Option<Vec<f32>> {
    render(strokes, form, Rendering::STANDARD)
}

/// The same in another writing.
pub fn render(strokes: &[Vec<Point>], form: Form, rendering: Rendering) -> Option<Vec<f32>> {
    let mut segments = segments::of(strokes);
    if (form.width, form.height) == (8, 8) {
        segments::upright(&mut segments);
    }
    segments::shear(&mut segments, rendering.shear);
    let bounds = Bounds::of(&segments)?;
    if !bounds.extent().is_finite() || form.width * form.height == 0 {
        return None;
    }
    Some(match (form.width, form.height) {
        (8, 8) => {
            let full = f32::from(form.max_pixel) / 16.0;
            let counts = counted::draw(&segments, &bounds, rendering.pen);
            counts.map(|count| (count * full).round_ties_even()).to_vec()
        }
        _ => grey::draw(&segments, &bounds, form, rendering.pen),
    })
}

/// The drawing in each of [`RENDERINGS`], shape `[4, height, width]`: a batch for a model, of whose logits
/// [`nn::mean_logits`](crate::nn::mean_logits) makes one answer. The first image is that of [`rasterize`].
pub fn renderings(strokes: &[Vec<Point>], form: Form) -> Option<Vec<f32>> {
    let mut images = Vec::with_capacity(RENDERINGS.len() * form.width * form.height);
    for rendering in RENDERINGS {
        images.extend(render(strokes, form, rendering)?);
    }
    Some(images)
}
