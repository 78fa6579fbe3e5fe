//! Digits as comma-separated text, a line an image: its pixels row by row and its label.
//!
//! | columns | images | pixels | label | as shipped by |
//! |---|---|---|---|---|
//! | 65 | 8 x 8 | 0..=16 | last | scikit-learn, UCI |
//! | 785 | 28 x 28 | 0..=255 | first | MNIST as CSV, Kaggle |
//!
//! The first line is a header when its first or its last name begins with a letter; if one of these two is `label`,
//! `class`, `target`, `digit` or `y`, the label is there. Values may stand in quotes or be written as `5.0`.
//! Empty lines are skipped. Held by `tests/suite/csv.rs`.

use super::{CLASSES, Dataset};
use crate::{Error, Result};

/// Names by which a header calls its label column.
const LABEL_NAMES: [&str; 5] = ["label", "class", "target", "digit", "y"];
/// A longer value is cut in the error that quotes it.
const QUOTED_CHARACTERS: usize = 20;

/// The kind of table, told by its first line.
struct Form {
    side: usize,
    max_pixel: u8,
    label_first: bool,
}

impl Form {
    fn of(columns: usize) -> Option<Self> {
        match columns {
            65 => Some(Self { side: 8, max_pixel: 16, label_first: false }),
            785 => Some(Self { side: 28, max_pixel: 255, label_first: true }),
            _ => None,
        }
    }

    fn columns(&self) -> usize {
        self.side * self.side + 1
    }

    fn label_column(&self) -> usize {
        if self.label_first { 0 } else { self.columns() - 1 }
    }
}

/// Whether `content` looks like such a table: its first line is text with a comma.
pub fn is_csv(content: &[u8]) -> bool {
    let first_line = content.split(|&byte| byte == b'\n').next().unwrap_or_default();
    core::str::from_utf8(first_line).is_ok_and(|line| line.contains(','))
}

/// Reads a table of labelled images. Lines and columns in errors are counted from 1.
///
/// # Errors
/// [`Error::NotText`], [`Error::CsvColumns`] when no known form has this many columns, [`Error::CsvRow`] when a line has
/// another number than the first, [`Error::CsvValue`], [`Error::TooManyImages`].
pub fn read(content: &[u8]) -> Result<Dataset> {
    let text = core::str::from_utf8(content).map_err(|_| Error::NotText)?;
    // Excel begins its UTF-8 files with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()).peekable();
    let Some(&(first, number)) = lines.peek() else {
        return Err(Error::CsvColumns { line: 1, found: 0 });
    };
    let found = columns(first);
    let mut form = Form::of(found).ok_or(Error::CsvColumns { line: number, found })?;
    let ends = [first.split(',').next(), first.split(',').next_back()].map(|name| clean(name.unwrap_or_default()));
    if ends.iter().any(|name| name.starts_with(|c: char| c.is_ascii_alphabetic())) {
        lines.next();
        let named = ends.map(|name| LABEL_NAMES.iter().any(|label| label.eq_ignore_ascii_case(name)));
        form.label_first = named[0] || (form.label_first && !named[1]);
    }

    // A value and its comma are two characters at least, so this is enough, and no more than the text can fill.
    let mut pixels = Vec::with_capacity(content.len() / 2);
    let mut labels = Vec::new();
    for (line, number) in lines {
        read_row(line, number, &form, &mut pixels, &mut labels)?;
    }
    Dataset::new(form.side, form.side, form.max_pixel, pixels, labels)
}

fn read_row(line: &str, number: usize, form: &Form, pixels: &mut Vec<u8>, labels: &mut Vec<u8>) -> Result<()> {
    let found = columns(line);
    if found != form.columns() {
        return Err(Error::CsvRow { line: number, found, expected: form.columns() });
    }
    for (column, text) in line.split(',').map(clean).enumerate() {
        let (max, list) = if column == form.label_column() {
            (CLASSES as u8 - 1, &mut *labels)
        } else {
            (form.max_pixel, &mut *pixels)
        };
        let value = value(text).filter(|&value| value <= max).ok_or_else(|| {
            let found = text.chars().take(QUOTED_CHARACTERS).collect();
            Error::CsvValue { line: number, column: column + 1, found, max }
        })?;
        list.push(value);
    }
    Ok(())
}

fn columns(line: &str) -> usize {
    1 + line.bytes().filter(|&byte| byte == b',').count()
}

/// A cell without the quotes and spaces around it.
fn clean(text: &str) -> &str {
    text.trim().trim_matches('"').trim()
}

/// A whole number 0..=255, also with zeros after a point, as pandas writes the digits. (No parser of floats: its tables
/// are 10 KB to download.)
fn value(text: &str) -> Option<u8> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.bytes().all(|digit| digit == b'0') { whole.parse().ok() } else { None }
}
