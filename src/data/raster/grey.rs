//! Strokes to a grey image by the rule of MNIST.
//!
//! MNIST's digits were scaled, proportions kept, into a box of 20x20 pixels, which gave soft edges, and then placed so
//! that their centre of mass is the middle of 28x28 (Y. LeCun, C. Cortes and C. Burges, The MNIST Database). So here:
//!
//! 1. Scale until the longer side, ink included, is [`BOX`] of the image's shorter side.
//! 2. A pixel's ink is how far its centre lies inside the edge of a round pen of diameter [`PEN`], half a pixel of
//!    softness either way.
//! 3. Draw once in the middle, weigh, and draw again with the centre of mass in the middle. The original moved by whole
//!    pixels; here it is not rounded, so that a drawing never jumps by one.
//!
//! Images of other sizes, also oblong ones, follow the same shares.

use super::{Bounds, Form, Segment, TAP, segments::distance_squared};

/// Longer side of a digit, ink included, as a share of the image's shorter side.
pub const BOX: f64 = 20.0 / 28.0;
/// Diameter of the pen, as a share of the image's shorter side.
pub const PEN: f64 = 2.4 / 28.0;
/// Over how many pixels ink fades at an edge.
const SOFTNESS: f64 = 1.0;
/// Diameter of a tap's dot, in pens.
const DOT: f64 = 2.0;

/// Pixels of `form`; `pen`: its diameter as a multiple of [`PEN`].
pub(super) fn draw(segments: &[Segment], bounds: &Bounds, form: Form, pen: f64) -> Vec<f32> {
    let side = form.width.min(form.height) as f64;
    let extent = bounds.extent();
    let (pen, scale) = if extent < TAP {
        (DOT * PEN * side, 0.0)
    } else {
        let pen = pen * PEN * side;
        (pen, (BOX * side - pen).max(0.0) / extent)
    };
    let size = [form.width, form.height].map(|length| length as f64);
    let from = bounds.middle();
    let mut canvas = Canvas { width: form.width, height: form.height, ink: vec![0.0; form.width * form.height] };
    let mut middle = size.map(|length| length / 2.0);
    for last in [false, true] {
        canvas.ink.fill(0.0);
        for segment in segments {
            canvas
                .stroke(&segment.map(|p| [0, 1].map(|axis| (p[axis] - from[axis]) * scale + middle[axis])), pen / 2.0);
        }
        if !last && let Some(centre) = canvas.centre_of_mass() {
            // Never so far that the box would be cut off.
            let room = size.map(|length| (length - BOX * side) / 2.0);
            middle = [0, 1].map(|axis| middle[axis] - (centre[axis] - middle[axis]).max(-room[axis]).min(room[axis]));
        }
    }
    canvas.ink.iter().map(|ink| (ink * f64::from(form.max_pixel)).round_ties_even() as f32).collect()
}

/// Ink 0..=1 of each pixel.
struct Canvas {
    width: usize,
    height: usize,
    ink: Vec<f64>,
}

impl Canvas {
    /// Draws a segment, in pixels, with a round pen.
    fn stroke(&mut self, segment: &Segment, radius: f64) {
        let reach = radius + SOFTNESS / 2.0;
        let range = |axis: usize, length: usize| {
            let low = segment[0][axis].min(segment[1][axis]) - reach - 0.5;
            let high = segment[0][axis].max(segment[1][axis]) + reach + 0.5;
            // Casts saturate at 0.
            (low as usize).min(length)..(high as usize + 1).min(length)
        };
        // A pen thinner than a pixel blackens none.
        let full = (2.0 * radius / SOFTNESS).min(1.0);
        for row in range(1, self.height) {
            for column in range(0, self.width) {
                let squared = distance_squared([column as f64 + 0.5, row as f64 + 0.5], segment);
                if squared < reach * reach {
                    let ink = ((reach - squared.sqrt()) / SOFTNESS).min(full);
                    let pixel = &mut self.ink[row * self.width + column];
                    *pixel = pixel.max(ink);
                }
            }
        }
    }

    fn centre_of_mass(&self) -> Option<[f64; 2]> {
        let (mut total, mut x, mut y) = (0.0, 0.0, 0.0);
        for (i, ink) in self.ink.iter().enumerate() {
            total += ink;
            x += ink * ((i % self.width) as f64 + 0.5);
            y += ink * ((i / self.width) as f64 + 0.5);
        }
        (total > 0.0).then(|| [x / total, y / total])
    }
}
