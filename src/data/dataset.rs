//! Labelled images of one size, one byte a pixel.
//!
//! Whatever file the images come from, a data set of this type keeps what the rest of the crate relies on: sides and
//! numbers within the limits below, labels 0..=9, pixels 0..=`max_pixel`. `max_pixel` is what full ink is in this data
//! (16 where a pixel counts a 4x4 block, 255 where it is a grey), so that a picture of an image and a drawing made into
//! one have the right scale; models do not need it, for their standardizer learns the scale from the pixels.
//! Held by `tests/suite/data.rs` and `tests/suite/idx.rs`.

use super::{CLASSES, Split};
use crate::{Error, Result};

/// Labelled grey-scale images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    width: usize,
    height: usize,
    max_pixel: u8,
    pixels: Vec<u8>,
    labels: Vec<u8>,
    /// First row of the part that the makers keep for testing, when they do.
    test_start: Option<u32>,
}

impl Dataset {
    /// Longest side in pixels: twice MNIST's 28 and a bit. A dense layer on it already has 4,096 inputs.
    pub const MAX_SIDE: usize = 64;

    /// Most images: lists of row numbers and labels then stay at some MB, however small the images are.
    pub const MAX_IMAGES: usize = 1_000_000;

    /// Most pixels, all images together: MNIST has 55 million, QMNIST 94 million. More would leave a page that is to
    /// stay under 400 MB too little for the training.
    pub const MAX_PIXELS: usize = 100_000_000;

    /// `pixels`: 0..=`max_pixel`, shape `[labels.len(), height, width]`, row-major; `labels`: 0..=9.
    ///
    /// # Errors
    /// [`Error::ImageSize`] and [`Error::TooManyImages`] beyond the limits, [`Error::Shape`] when the pixels do not
    /// fill the images, [`Error::Label`], [`Error::Pixel`].
    pub fn new(width: usize, height: usize, max_pixel: u8, pixels: Vec<u8>, labels: Vec<u8>) -> Result<Self> {
        let expected = Self::count_pixels(labels.len(), width, height)?;
        if pixels.len() != expected {
            return Err(Error::Shape { what: "list of pixels", expected, found: pixels.len() });
        }
        Self::check_labels(&labels)?;
        if let Some(at) = pixels.iter().position(|&pixel| pixel > max_pixel) {
            return Err(Error::Pixel { row: at / (width * height), pixel: pixels[at], max: max_pixel });
        }
        Ok(Self { width, height, max_pixel, pixels, labels, test_start: None })
    }

    /// Pixels of `images` images of that size, where such a data set may be; safe for numbers that a file claims.
    ///
    /// # Errors
    /// [`Error::ImageSize`], [`Error::TooManyImages`].
    pub fn count_pixels(images: usize, width: usize, height: usize) -> Result<usize> {
        let sides = 1..=Self::MAX_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(Error::ImageSize { width, height });
        }
        // Checked before the product, which then fits 32 bits: 64 · 64 · 1,000,000 < 2^32.
        if images > Self::MAX_IMAGES || images * (width * height) > Self::MAX_PIXELS {
            return Err(Error::TooManyImages { images, width, height });
        }
        Ok(images * (width * height))
    }

    /// # Errors
    /// [`Error::Label`] when one is not 0..=9.
    pub fn check_labels(labels: &[u8]) -> Result<()> {
        match labels.iter().position(|&label| usize::from(label) >= CLASSES) {
            Some(row) => Err(Error::Label { row, label: labels[row] }),
            None => Ok(()),
        }
    }

    /// Appends the images that the makers keep for testing; [`Self::split`] then leaves the division to them.
    ///
    /// # Errors
    /// [`Error::PartsDiffer`] when `test` has another size or range of pixels, [`Error::TooManyImages`] when both
    /// together are too many.
    pub fn with_test_part(mut self, test: Self) -> Result<Self> {
        let form = |data: &Self| (data.width, data.height, data.max_pixel);
        if form(&self) != form(&test) {
            return Err(Error::PartsDiffer);
        }
        Self::count_pixels(self.len() + test.len(), self.width, self.height)?;
        self.test_start = Some(self.len() as u32);
        // Exactly: doubling would ask for another 40 MB with MNIST, and WebAssembly memory never shrinks again.
        self.pixels.reserve_exact(test.pixels.len());
        self.pixels.extend_from_slice(&test.pixels);
        self.labels.extend_from_slice(&test.labels);
        Ok(self)
    }

    /// The makers' own training and test part when they have one (whatever the seed), else [`Split::seeded`].
    pub fn split(&self, seed: u32) -> Split {
        let rows = self.len() as u32;
        match self.test_start {
            Some(start) => Split { train: (0..start).collect(), test: (start..rows).collect() },
            None => Split::seeded(rows, seed),
        }
    }

    /// Whether [`Self::split`] is the makers' own, so that no seed changes it.
    pub fn has_test_part(&self) -> bool {
        self.test_start.is_some()
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pixels in a row of an image.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of an image.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixel value of full ink; 0 is paper.
    pub fn max_pixel(&self) -> u8 {
        self.max_pixel
    }

    /// Pixels of image `row`, row-major.
    pub fn image(&self, row: usize) -> &[u8] {
        let size = self.width * self.height;
        &self.pixels[row * size..(row + 1) * size]
    }

    /// The digit that image `row` shows.
    pub fn label(&self, row: usize) -> u8 {
        self.labels[row]
    }

    /// The images of `rows` one after the other as floats, and their labels.
    pub fn gather(&self, rows: &[u32]) -> (Vec<f32>, Vec<u8>) {
        let pixels = rows.iter().flat_map(|&r| self.image(r as usize)).map(|&p| p.into()).collect();
        let labels = rows.iter().map(|&r| self.label(r as usize)).collect();
        (pixels, labels)
    }
}
