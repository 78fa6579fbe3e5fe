//! Gzip, for data sets as they are downloaded: RFC 1952, inflated by miniz_oxide (no C) up to a limit.
//!
//! Deflate packs a thousand to one, so a small file can claim any amount of memory ("gzip bomb"): inflating stops at
//! [`MAX_BYTES`], and the buffer is never larger than the packed bytes could fill. Length and checksum are compared. The
//! frame around the deflated bytes is read here: the usual crates bring 16 KB of checksum tables, a tenth of the module.
//! Held by `tests/suite/idx.rs`.

use miniz_oxide::inflate::{
    TINFLStatus,
    core::{DecompressorOxide, decompress, inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF},
};

use crate::{Error, Result};

/// Most bytes of an unpacked file. The largest file that people have is MNIST as CSV: 110 MB.
pub const MAX_BYTES: usize = 128 << 20;

/// What every gzip file begins with.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The only method of packing: deflate.
const DEFLATE: u8 = 8;
/// The most that deflate makes of a byte: a match of 258 bytes in 2 bits.
const MAX_RATIO: usize = 1032;

/// Flags of the header: what follows it.
const HEADER_CHECKSUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// The content of `file`: inflated when it is gzip (all members one after the other), else the file itself.
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
    let mut content = Vec::with_capacity(claimed.min(possible).min(MAX_BYTES) + 1);
    let mut rest = file.as_slice();
    while !rest.is_empty() {
        let packed = after_header(rest).ok_or(Error::GzipDamaged)?;
        let start = content.len();
        let after = inflate(packed, &mut content)?;
        let (trailer, next) = after.split_first_chunk::<8>().ok_or(Error::GzipDamaged)?;
        let [a, b, c, d, length @ ..] = *trailer;
        let inflated = &content[start..];
        let whole = u32::from_le_bytes([a, b, c, d]) == checksum(inflated)
            && u32::from_le_bytes(length) == inflated.len() as u32;
        if !whole {
            return Err(Error::GzipDamaged);
        }
        rest = next;
    }
    Ok(content)
}

/// What comes after the header of a member, if that is one.
fn after_header(member: &[u8]) -> Option<&[u8]> {
    let (&[a, b, method, flags, ..], mut rest) = member.split_first_chunk::<10>()?;
    if [a, b] != MAGIC || method != DEFLATE || flags & RESERVED != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(u16::from_le_bytes(*length).into()..)?;
    }
    for _ in 0..(flags & (NAME | COMMENT)).count_ones() {
        let end = rest.iter().position(|&byte| byte == 0)?;
        rest = &rest[end + 1..];
    }
    if flags & HEADER_CHECKSUM != 0 { rest.get(2..) } else { Some(rest) }
}

/// Appends what `packed` unpacks to; returns what follows it.
fn inflate<'p>(mut packed: &'p [u8], content: &mut Vec<u8>) -> Result<&'p [u8]> {
    let mut state = DecompressorOxide::new();
    let mut at = content.len();
    content.resize(content.capacity().clamp(at + 1, MAX_BYTES + 1), 0);
    loop {
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, read, written) = decompress(&mut state, packed, content, at, flags);
        packed = &packed[read..];
        at += written;
        if at > MAX_BYTES {
            return Err(Error::GzipTooLarge);
        }
        match status {
            TINFLStatus::Done => break,
            TINFLStatus::HasMoreOutput => content.resize((2 * at).clamp(1 << 16, MAX_BYTES + 1), 0),
            _ => return Err(Error::GzipDamaged),
        }
    }
    content.truncate(at);
    Ok(packed)
}

/// CRC-32 as in RFC 1952, section 8, a byte at a time.
fn checksum(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |crc, &byte| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}
