//! IDX, the format of MNIST: big-endian; bytes 0, 0, type, number of dimensions, then the size of each dimension in
//! 32 bits, then the data. Source: <http://yann.lecun.com/exdb/mnist/>.
//!
//! Of its types and shapes two are read: unsigned bytes in three dimensions (images: number, rows, columns) and in one
//! (labels). A header is compared with the limits of [`Dataset`] and with the bytes that are there before its numbers
//! are used for anything, and the bytes must end where it says. Held by `tests/suite/idx.rs`.

use super::Dataset;
use crate::{Error, Result};

/// First four bytes of an image file.
pub const IMAGES: u32 = 0x0000_0803;
/// First four bytes of a label file.
pub const LABELS: u32 = 0x0000_0801;

/// What an IDX file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idx {
    /// A file of images.
    Images(Images),
    /// A file of labels, each 0..=9.
    Labels(Vec<u8>),
}

/// Images that have no labels yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// Number of images.
    pub count: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Rows of an image.
    pub height: usize,
    /// Pixels 0 (paper) to 255 (ink), shape `[count, height, width]`, row-major.
    pub pixels: Vec<u8>,
}

impl Images {
    /// Largest pixel value.
    pub const MAX_PIXEL: u8 = 255;

    /// Image i with label i.
    ///
    /// # Errors
    /// [`Error::Counts`] when there are more or fewer labels than images; as [`Dataset::new`].
    pub fn with_labels(self, labels: Vec<u8>) -> Result<Dataset> {
        if labels.len() != self.count {
            return Err(Error::Counts { images: self.count, labels: labels.len() });
        }
        Dataset::new(self.width, self.height, Self::MAX_PIXEL, self.pixels, labels)
    }
}

/// Whether `content` begins as every IDX file does.
pub fn is_idx(content: &[u8]) -> bool {
    content.starts_with(&[0, 0])
}

/// Reads a file of images or of labels, already unpacked (see [`super::gzip`]); the magic number tells which it is.
///
/// # Errors
/// [`Error::IdxMagic`] for any other type or shape, [`Error::Truncated`], [`Error::TrailingBytes`],
/// [`Error::ImageSize`], [`Error::TooManyImages`], [`Error::TooManyLabels`], [`Error::Label`].
pub fn read(content: Vec<u8>) -> Result<Idx> {
    match size(&content, 0)? as u32 {
        IMAGES => {
            let [count, height, width] = [size(&content, 1)?, size(&content, 2)?, size(&content, 3)?];
            let pixels = data(content, 4, Dataset::count_pixels(count, width, height)?)?;
            Ok(Idx::Images(Images { count, width, height, pixels }))
        }
        LABELS => {
            let count = size(&content, 1)?;
            if count > Dataset::MAX_IMAGES {
                return Err(Error::TooManyLabels { labels: count });
            }
            let labels = data(content, 2, count)?;
            Dataset::check_labels(&labels)?;
            Ok(Idx::Labels(labels))
        }
        found => Err(Error::IdxMagic { found }),
    }
}

/// Word `index` of the header.
fn size(content: &[u8], index: usize) -> Result<usize> {
    let word = content.get(4 * index..).and_then(<[u8]>::first_chunk);
    let word = word.ok_or(Error::Truncated { expected: 4 * (index + 1), found: content.len() })?;
    Ok(u32::from_be_bytes(*word) as usize)
}

/// The `count` bytes that follow a header of `words` words, in the memory that they are in already.
fn data(mut content: Vec<u8>, words: usize, count: usize) -> Result<Vec<u8>> {
    let (expected, found) = (4 * words + count, content.len());
    if found < expected {
        return Err(Error::Truncated { expected, found });
    }
    if found > expected {
        return Err(Error::TrailingBytes { extra: found - expected });
    }
    content.drain(..4 * words);
    Ok(content)
}
