//! Labelled images of one size, one byte a pixel.

use crate::{Error, Result};

/// Labelled grey-scale images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Dataset {
    /// `pixels`: shape `[labels.len(), height, width]`, row-major; `labels`: 0..=9.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>, labels: Vec<u8>) -> Result<Self> {
        let expected = width * height * labels.len();
        if pixels.len() != expected {
            return Err(Error::Shape { what: "list of pixels", expected, found: pixels.len() });
        }
        Ok(Self { width, height, pixels, labels })
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
