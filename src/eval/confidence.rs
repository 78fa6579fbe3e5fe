//! When to say "not sure" instead of a digit.
//!
//! A network must give its probability to some digit, whatever is drawn. So three things are asked, each of which real
//! digits nearly always pass:
//!
//! * [`legible`]: is it a drawing, neither a tap nor a line that goes to and fro?
//! * [`sure`]: is the largest probability (of the mean logits of all writings) large enough for this kind of model?
//! * [`Familiarity`]: is there an image of that digit in the data set which looks like it? That finds letters.
//!
//! Chosen on 3,248 digits by 13 people, 400 letters and signs, and 1,200 scribbles (`cargo run --release --example
//! drawings`). Answered are 96 to 97 % of the digits that are read rightly, 42 to 44 % of those read wrongly, 16 to 21 % of
//! the letters, and 11 to 14 % of the scribbles. Held by `tests/suite/confidence.rs`.

use crate::{
    Error, Result,
    data::{
        CLASSES, Dataset,
        raster::{Point, TAP},
    },
    nn::{Layer, Model},
};

/// Longest way of the pen, in multiples of the longer side of the drawing. Of 3,248 real digits none takes more than 4.3.
pub const LONGEST_WAY: f32 = 5.0;
/// Distance within which an image is familiar, in multiples of the mean distance of an image of the data set to the
/// nearest other one of the same digit.
pub const REACH: f64 = 1.75;

/// Whether strokes may be a digit by their length alone: neither a tap nor a scribble.
pub fn legible(strokes: &[Vec<Point>]) -> bool {
    let (mut low, mut high, mut way) = ([f32::MAX; 2], [f32::MIN; 2], 0.0);
    for stroke in strokes {
        for (i, point) in stroke.iter().enumerate() {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
            if i > 0 {
                let [dx, dy] = [0, 1].map(|axis| point[axis] - stroke[i - 1][axis]);
                way += (dx * dx + dy * dy).sqrt();
            }
        }
    }
    let extent = (high[0] - low[0]).max(high[1] - low[1]);
    f64::from(extent) >= TAP && way <= LONGEST_WAY * extent
}

/// The least probability of an answer that `model` is sure of. The more a model can bend, the surer it is of what it
/// never saw.
pub fn threshold(model: &Model) -> f32 {
    if model.layers().iter().any(|layer| matches!(layer, Layer::Conv2d(_))) {
        0.8
    } else if model.layers().len() > 1 {
        0.7
    } else {
        0.55
    }
}

/// Whether the largest of `probabilities` (shape `[classes]`) reaches `threshold`.
pub fn sure(probabilities: &[f32], threshold: f32) -> bool {
    probabilities.iter().any(|&p| p >= threshold)
}

/// Knows what the images of a data set look like.
#[derive(Debug, Clone)]
pub struct Familiarity {
    pixels: usize,
    images: Vec<u8>,
    labels: Vec<u8>,
    /// Square of the distance within which an image is familiar, by digit and as a whole.
    reach: f64,
}

impl Familiarity {
    /// Most images that are kept, evenly picked; an answer then takes less than 0.1 ms at 8x8.
    pub const IMAGES: usize = 1500;
    /// Images whose distance to the nearest other is measured.
    const MEASURED: usize = 300;

    /// Of the rows `rows` of `data`.
    pub fn new(data: &Dataset, rows: &[u32]) -> Self {
        let kept = rows.iter().step_by(rows.len().div_ceil(Self::IMAGES).max(1));
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for &row in kept {
            images.extend_from_slice(data.image(row as usize));
            labels.push(data.label(row as usize));
        }
        let mut known = Self { pixels: data.width() * data.height(), images, labels, reach: 0.0 };
        let (mut sum, mut count) = (0.0, 0.0);
        for at in (0..known.labels.len()).step_by(known.labels.len().div_ceil(Self::MEASURED).max(1)) {
            let image = &known.images[at * known.pixels..][..known.pixels];
            if let Some(squared) = known.nearest(image.iter().map(|&p| p.into()), known.labels[at], Some(at)) {
                sum += f64::from(squared).sqrt();
                count += 1.0;
            }
        }
        if count > 0.0 {
            known.reach = REACH * sum / count;
        }
        known
    }

    /// Whether `image` (`[pixels]`, of the standard writing) looks like one of those of `digit`.
    pub fn knows(&self, image: &[f32], digit: usize) -> bool {
        image.len() == self.pixels
            && digit < CLASSES
            && self
                .nearest(image.iter().map(|&p| p as i32), digit as u8, None)
                .is_some_and(|squared| f64::from(squared).sqrt() <= self.reach)
    }

    /// As bytes, for another instance: the reach (f64) and the number of images (u32), little-endian, labels, images.
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = self.labels.len() as u32;
        [&self.reach.to_le_bytes()[..], &count.to_le_bytes(), &self.labels, &self.images].concat()
    }

    /// # Errors
    /// [`Error::Shape`] when `bytes` is none of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let wrong = Error::Shape { what: "list of familiar images", expected: 12, found: bytes.len() };
        let (Some((reach, rest)), found) = (bytes.split_first_chunk(), bytes.len()) else { return Err(wrong) };
        let Some((count, rest)) = rest.split_first_chunk() else { return Err(wrong) };
        let count = u32::from_le_bytes(*count) as usize;
        let Some((labels, images)) = rest.split_at_checked(count) else { return Err(wrong) };
        let pixels = images.len() / count.max(1);
        if pixels * count != images.len() {
            return Err(Error::Shape { what: "list of familiar images", expected: 12 + count, found });
        }
        Ok(Self { pixels, images: images.to_vec(), labels: labels.to_vec(), reach: f64::from_le_bytes(*reach) })
    }

    /// Squared distance of an image to the nearest of `digit`, number `except` left out. Whole numbers, so exact.
    fn nearest(&self, image: impl Iterator<Item = i32> + Clone, digit: u8, except: Option<usize>) -> Option<u32> {
        let each = self.images.chunks_exact(self.pixels).zip(&self.labels).enumerate();
        let alike = each.filter(|&(at, (_, &label))| label == digit && Some(at) != except);
        alike
            .map(|(_, (known, _))| {
                image.clone().zip(known).map(|(a, &b)| (a - i32::from(b)).unsigned_abs()).map(|d| d * d).sum::<u32>()
            })
            .min()
    }
}
