//! Strokes to an 8x8 image of the kind of the embedded digits: pixels that count ink.
//!
//! The data set's digits went through NIST's form reader: each was scaled in x and y *independently* to 20 x 32 of a
//! 32 x 32 bitmap, and every pixel of the 8x8 image counts the ink in a 4x4 block (0..=16). So a drawing's size, place
//! and proportions do not matter, and its strokes are drawn again with a pen in proportion to the digit:
//!
//! 1. Upright: x −= k (y − mean y), k = 0.4 · covariance / variance of y, at most 1 either way; means along the strokes.
//! 2. Bounding box of the strokes; pen diameter [`PEN`] of its longer side, round caps and joints.
//! 3. Scale x to 20 and y to 32 pixels, ink included, neither by more than [`MAX_STRETCH`] times the other; centre.
//! 4. A pixel is on where its centre is within the pen's radius of a stroke, in drawing units.
//! 5. Thin or thicken by a pixel or two until the ink is a standard amount ([`INK`]).
//! 6. Shear rows until the left edge, two rows in from top and bottom, stands upright.
//! 7. Count 4x4 blocks.

use super::{Bounds, Segment, TAP, segments::distance_squared};

/// Pen diameter as a share of the longer side of the digit.
pub const PEN: f64 = 0.16;
/// How much more one axis may be stretched than the other, so that a "1" stays thin.
pub const MAX_STRETCH: f64 = 2.25;
/// Pixels of ink below which the strokes are dilated twice and once, and above which they are eroded once and twice.
pub const INK: [u32; 4] = [108, 256, 412, 560];

const BITMAP: usize = 32;
const WIDTH: f64 = 20.0;
const HEIGHT: f64 = 32.0;
/// Ink diameter of a tap, in bitmap pixels: a dot has no size of its own to be scaled.
const DOT: f64 = 8.0;

/// Counts of ink of a drawing made upright; `pen`: its diameter as a multiple of [`PEN`].
pub(super) fn draw(segments: &[Segment], bounds: &Bounds, pen: f64) -> [f32; 64] {
    let extent = bounds.extent();
    let mut bitmap = Bitmap::default();
    if extent < TAP {
        bitmap.draw(segments, bounds, DOT / 2.0, [1.0, 1.0]);
        return bitmap.count_blocks();
    }
    let pen = pen * PEN * extent;
    let (sx, sy) = (WIDTH / (bounds.max[0] - bounds.min[0] + pen), HEIGHT / (bounds.max[1] - bounds.min[1] + pen));
    bitmap.draw(segments, bounds, pen / 2.0, [sx.min(MAX_STRETCH * sy), sy.min(MAX_STRETCH * sx)]);
    bitmap.standardize_ink();
    bitmap.straighten_left_edge();
    bitmap.count_blocks()
}

/// Rows of pixels, bit c of a row is column c.
#[derive(Default)]
struct Bitmap([u32; BITMAP]);

impl Bitmap {
    /// Turns on every pixel whose centre is within `radius` (drawing units) of a segment; `scale` is pixels per unit.
    fn draw(&mut self, segments: &[Segment], bounds: &Bounds, radius: f64, scale: [f64; 2]) {
        let middle = bounds.middle();
        let half = BITMAP as f64 / 2.0;
        let pixel = |value: f64, axis: usize| (value - middle[axis]) * scale[axis] + half;
        let unit = |index: usize, axis: usize| (index as f64 + 0.5 - half) / scale[axis] + middle[axis];
        let range = |[a, b]: &Segment, axis: usize| {
            let low = pixel(a[axis].min(b[axis]) - radius, axis) - 0.5;
            let high = pixel(a[axis].max(b[axis]) + radius, axis) + 0.5;
            // Casts saturate at 0.
            (low as usize).min(BITMAP)..(high as usize + 1).min(BITMAP)
        };
        for segment in segments {
            for row in range(segment, 1) {
                let y = unit(row, 1);
                for column in range(segment, 0) {
                    if distance_squared([unit(column, 0), y], segment) <= radius * radius {
                        self.0[row] |= 1 << column;
                    }
                }
            }
        }
    }

    fn standardize_ink(&mut self) {
        let ink = self.0.iter().map(|row| row.count_ones()).sum::<u32>();
        let [dilate_twice, dilate_once, erode_once, erode_twice] = INK;
        let dilations = usize::from(ink < dilate_once) + usize::from(ink < dilate_twice);
        let erosions = usize::from(ink > erode_once) + usize::from(ink > erode_twice);
        for _ in 0..dilations {
            self.combine(|a, b| a | b);
        }
        for _ in 0..erosions {
            self.combine(|a, b| a & b);
        }
    }

    /// Combines every pixel with its four neighbours; outside the bitmap there is no ink.
    fn combine(&mut self, rule: impl Fn(u32, u32) -> u32) {
        let old = self.0;
        let row = |r: usize| old.get(r).copied().unwrap_or(0);
        self.0 = core::array::from_fn(|r| {
            let neighbours = [old[r] << 1, old[r] >> 1, row(r.wrapping_sub(1)), row(r + 1)];
            neighbours.into_iter().fold(old[r], &rule)
        });
    }

    fn straighten_left_edge(&mut self) {
        let inked = |row: &u32| *row != 0;
        let (Some(first), Some(last)) = (self.0.iter().position(inked), self.0.iter().rposition(inked)) else { return };
        let (top, bottom) = (first + 2, last.saturating_sub(2));
        if top >= bottom || self.0[top] == 0 || self.0[bottom] == 0 {
            return;
        }
        let left = |row: usize| f64::from(self.0[row].trailing_zeros());
        let lean = (left(top) - left(bottom)) / (bottom - top) as f64;
        for (row, bits) in self.0.iter_mut().enumerate() {
            let shift = ((row as f64 - BITMAP as f64 / 2.0) * lean).round_ties_even() as i32;
            // Ink that is moved over the edge is lost.
            *bits =
                if shift >= 0 { bits.unbounded_shl(shift as u32) } else { bits.unbounded_shr(shift.unsigned_abs()) };
        }
    }

    fn count_blocks(&self) -> [f32; 64] {
        core::array::from_fn(|i| {
            let (block_row, block_column) = (i / 8, i % 8);
            let rows = &self.0[block_row * 4..block_row * 4 + 4];
            rows.iter().map(|bits| (bits >> (block_column * 4) & 0xf).count_ones()).sum::<u32>() as f32
        })
    }
}
