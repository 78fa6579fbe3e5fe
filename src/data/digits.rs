//! The 1,797 handwritten digits that scikit-learn ships, embedded.
//!
//! Source: Optical Recognition of Handwritten Digits by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository
//! (1998), <https://doi.org/10.24432/C50P49>, CC BY 4.0; the copy distributed with scikit-learn. Each pixel is the
//! number (0..=16) of set pixels in a 4x4 block of a 32x32 bitmap.
//!
//! `digits.bin` is made by `examples/pack_digits.rs`: little-endian 64-bit words, each 15 pixels as base-17 digits
//! (17^15 < 2^64, the first pixel is the lowest digit), then words of 19 labels as base-10 digits. That is 62 KB,
//! and no decompressor to download.
//! Held by `tests/data.rs`, which compares it with the original file.

use super::Dataset;

/// Images in the set.
pub const ROWS: usize = 1797;
/// Side of an image in pixels.
pub const SIDE: usize = 8;
/// Largest pixel value.
pub const MAX_PIXEL: u8 = 16;

const PACKED: &[u8] = include_bytes!("digits.bin");
const PIXELS_PER_WORD: usize = 15;
const LABELS_PER_WORD: usize = 19;

/// Unpacks the embedded set.
pub fn load() -> Dataset {
    let count = ROWS * SIDE * SIDE;
    let (pixel_words, label_words) = PACKED.split_at(8 * count.div_ceil(PIXELS_PER_WORD));
    let pixels = unpack(pixel_words, u64::from(MAX_PIXEL) + 1, PIXELS_PER_WORD, count);
    let labels = unpack(label_words, 10, LABELS_PER_WORD, ROWS);
    Dataset::new(SIDE, SIDE, MAX_PIXEL, pixels, labels).expect("the embedded set has 64 pixels a label")
}

/// Packs symbols into words of base-`base` digits; the inverse of what [`load`] does.
pub fn pack(pixels: &[u8], labels: &[u8]) -> Vec<u8> {
    let words = |symbols: &[u8], base: u64, per_word: usize| -> Vec<u8> {
        let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |w: u64, &s| w * base + u64::from(s));
        symbols.chunks(per_word).flat_map(|chunk| word(chunk).to_le_bytes()).collect()
    };
    let mut packed = words(pixels, u64::from(MAX_PIXEL) + 1, PIXELS_PER_WORD);
    packed.extend(words(labels, 10, LABELS_PER_WORD));
    packed
}

fn unpack(words: &[u8], base: u64, per_word: usize, count: usize) -> Vec<u8> {
    let mut symbols = Vec::with_capacity(count + per_word);
    for bytes in words.as_chunks::<8>().0 {
        let mut word = u64::from_le_bytes(*bytes);
        for _ in 0..per_word {
            symbols.push((word % base) as u8);
            word /= base;
        }
    }
    symbols.truncate(count);
    symbols
}
