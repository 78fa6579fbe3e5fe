//! Gzip, for data sets as they are downloaded: RFC 1952, inflated by flate2 (miniz_oxide, no C) up to a limit.
//!
//! Deflate packs a thousand to one, so a small file can claim any amount of memory ("gzip bomb"): inflating stops at
//! [`MAX_BYTES`], and the buffer is never larger than the packed bytes could fill. The checksum at the end is compared.
//! Held by `tests/idx.rs`.

use std::io::Read;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result};

/// Most bytes of an unpacked file. The largest file that people have is MNIST as CSV: 110 MB.
pub const MAX_BYTES: usize = 128 << 20;

/// What every gzip file begins with.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The most that deflate makes of a byte: a match of 258 bytes in 2 bits.
const MAX_RATIO: usize = 1032;

/// The content of `file`: inflated when it is gzip, else the file itself.
///
/// # Errors
/// [`Error::GzipDamaged`] when it ends early, has more after its end or the checksum differs; [`Error::GzipTooLarge`],
/// [`Error::FileTooLarge`] beyond [`MAX_BYTES`].
pub fn unpack(file: Vec<u8>) -> Result<Vec<u8>> {
    if !file.starts_with(&MAGIC) {
        return if file.len() <= MAX_BYTES { Ok(file) } else { Err(Error::FileTooLarge) };
    }
    // The last four bytes claim the size: only a hint, for it saves doubling a buffer of 47 MB.
    let claimed = file.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
    let possible = file.len().saturating_mul(MAX_RATIO);
    let mut content = Vec::with_capacity(claimed.min(possible).min(MAX_BYTES));
    let mut decoder = MultiGzDecoder::new(file.as_slice());
    let read = decoder.by_ref().take(MAX_BYTES as u64).read_to_end(&mut content);
    // One byte more is asked for apart: added to the limit, it would double a full buffer.
    match read.and_then(|_| decoder.read(&mut [0])) {
        Ok(0) => Ok(content),
        Ok(_) => Err(Error::GzipTooLarge),
        Err(_) => Err(Error::GzipDamaged),
    }
}
