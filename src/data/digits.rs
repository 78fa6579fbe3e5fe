//! The 1,797 handwritten digits that scikit-learn ships, packed.
//!
//! Source: Optical Recognition of Handwritten Digits by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository
//! (1998), <https://doi.org/10.24432/C50P49>, CC BY 4.0; the copy distributed with scikit-learn. Each pixel is the
//! number (0..=16) of set pixels in a 4x4 block of a 32x32 bitmap.
//!
//! `digits.bin` is made by `examples/pack_digits.rs`: half of what a general compressor makes of the pixels, for a
//! pixel is guessed from the digit that it belongs to, its place, and its neighbours. Programs embed the file ([`load`]);
//! the page's two modules do not ([`unpack`]), or it would be sent twice.
//! Held by `tests/suite/data.rs`, which compares it with the original file.

use super::{
    CLASSES, Dataset,
    arithmetic::{Coder, Decoder, Encoder, Symbols},
};
use crate::{Error, Result};

/// Images in the set.
pub const ROWS: usize = 1797;
/// Side of an image in pixels.
pub const SIDE: usize = 8;
/// Largest pixel value.
pub const MAX_PIXEL: u8 = 16;

/// The file `digits.bin`.
pub const PACKED: &[u8] = include_bytes!("digits.bin");
const PIXELS: usize = SIDE * SIDE;

/// The embedded set.
pub fn load() -> Dataset {
    unpack(PACKED).unwrap_or_else(|_| unreachable!("the embedded file is whole"))
}

/// The set from the bytes of `digits.bin`.
///
/// # Errors
/// [`Error::Shape`] when the file is longer or shorter, [`Error::Label`] or [`Error::Pixel`] when its bytes stand for such.
pub fn unpack(packed: &[u8]) -> Result<Dataset> {
    if packed.len() != PACKED.len() {
        return Err(Error::Shape { what: "file of the digits", expected: PACKED.len(), found: packed.len() });
    }
    let (mut pixels, mut labels) = (vec![0; ROWS * PIXELS], vec![0; ROWS]);
    code(&mut Decoder::new(packed), &mut pixels, &mut labels);
    Dataset::new(SIDE, SIDE, MAX_PIXEL, pixels, labels)
}

/// Packs 8x8 images of pixels 0..=16 and their labels 0..=9; the inverse of what [`load`] does.
pub fn pack(pixels: &[u8], labels: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    code(&mut encoder, &mut pixels.to_vec(), &mut labels.to_vec());
    encoder.finish()
}

/// Walks through the set: an encoder reads it, a decoder fills it in.
fn code(coder: &mut impl Coder, pixels: &mut [u8], labels: &mut [u8]) {
    let mut label_symbols = Symbols::new([100, 1000]);
    let mut pixel_symbols = Symbols::new([CLASSES * PIXELS * 5, PIXELS * 5 * 5]);
    // The last three labels: the writers were asked for the digits in much the same order.
    let mut before = 0;
    for (image, label) in pixels.chunks_exact_mut(PIXELS).zip(labels) {
        *label = label_symbols.code(coder, [before % 100, before], *label);
        // Bytes that are not the digits may give others, which are refused when all is read.
        let digit = usize::from(*label).min(CLASSES - 1);
        before = (10 * before + digit) % 1000;
        for place in 0..PIXELS {
            let (first_row, first, last) = (place < SIDE, place % SIDE == 0, place % SIDE == SIDE - 1);
            let neighbour = |outside: bool, back: usize| if outside { 0 } else { usize::from(image[place - back]) };
            let left = neighbour(first, 1);
            let above = neighbour(first_row, SIDE);
            let above_right = neighbour(first_row || last, SIDE - 1);
            let contexts = [
                (digit * PIXELS + place) * 5 + (2 * left + above + above_right) / 16,
                (place * 5 + left.div_ceil(4)) * 5 + above.div_ceil(4),
            ];
            image[place] = pixel_symbols.code(coder, contexts, image[place]);
        }
    }
}
