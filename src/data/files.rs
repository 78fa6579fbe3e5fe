//! A data set from the files that a visitor gives: any number, in any order, plain or gzip.
//!
//! What a file holds is told by its content, never by its name: images and labels by IDX's magic number, and a CSV file
//! is a part by itself. Names only say which of several belong together, as MNIST's own do: `train` and `t10k`
//! (or `test`). So what is expected of one, two and four files of MNIST happens:
//!
//! | given | becomes |
//! |---|---|
//! | images and labels of one part | a data set that the seed splits, whichever part it is |
//! | both of training and test | a data set whose test part is the official one |
//! | anything less | a sentence that names the file which is missing |
//!
//! Names that say nothing: files pair up by their counts, and the smaller part is the test. Held by `tests/suite/idx.rs`.

use core::cmp::{Ordering, Reverse};

use super::{
    Dataset, csv, gzip,
    idx::{self, Idx, Images},
};
use crate::{Error, Result};

/// Fewest images of a part: a fifth of it is kept for the test, and a slice of the rest for validation.
pub const MIN_IMAGES: usize = 10;

/// A file as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, without folders.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Puts `files` together to one data set.
///
/// # Errors
/// [`Error::File`] with the file's name for all that is wrong with one of them (see [`gzip`], [`idx`], [`csv`]);
/// [`Error::NoFiles`], [`Error::LabelsMissing`], [`Error::ImagesMissing`], [`Error::UnclearFiles`],
/// [`Error::PartsDiffer`], [`Error::TooManyImages`].
pub fn read(files: Vec<File>) -> Result<Dataset> {
    let (mut images, mut labels, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for File { name, bytes } in files {
        match content(bytes).map_err(in_file(&name))? {
            Content::Images(content) => images.push((name, content)),
            Content::Labels(content) => labels.push((name, content)),
            Content::Table(data) => parts.push((Role::of(&name), data)),
        }
    }
    parts.extend(pair_up(images, labels)?);

    let mut parts = parts.into_iter();
    match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => Err(Error::NoFiles),
        (Some((_, data)), None, _) => Ok(data),
        (Some(a), Some(b), None) => {
            // The training part is first: its name says so, or it is the larger one.
            let order = |(role, data): &(Role, Dataset)| (*role, Reverse(data.len()));
            match order(&a).cmp(&order(&b)) {
                Ordering::Less => a.1.with_test_part(b.1),
                Ordering::Greater => b.1.with_test_part(a.1),
                Ordering::Equal => Err(Error::UnclearFiles),
            }
        }
        _ => Err(Error::UnclearFiles),
    }
}

enum Content {
    Images(Images),
    Labels(Vec<u8>),
    Table(Dataset),
}

fn content(file: Vec<u8>) -> Result<Content> {
    let content = gzip::unpack(file)?;
    if idx::is_idx(&content) {
        Ok(match idx::read(content)? {
            Idx::Images(images) => Content::Images(images),
            Idx::Labels(labels) => Content::Labels(labels),
        })
    } else if csv::is_csv(&content) {
        enough(csv::read(&content)?).map(Content::Table)
    } else {
        Err(Error::UnknownFile)
    }
}

/// What its name says of a part, in the order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Train,
    Unknown,
    Test,
}

impl Role {
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if name.contains("t10k") || name.contains("test") {
            Self::Test
        } else if name.contains("train") {
            Self::Train
        } else {
            Self::Unknown
        }
    }
}

/// Gives every image file its label file: the one of the same part where both names say it, else the one with as many
/// labels; two files with names that say nothing are a pair in any case, so that differing counts are what is reported.
fn pair_up(images: Vec<(String, Images)>, mut labels: Vec<(String, Vec<u8>)>) -> Result<Vec<(Role, Dataset)>> {
    let only_two = images.len() == 1 && labels.len() == 1;
    let mut parts = Vec::new();
    for (name, images) in images {
        let fits = |(label_name, labels): &(String, Vec<u8>)| match (Role::of(&name), Role::of(label_name)) {
            (Role::Unknown, _) | (_, Role::Unknown) => only_two || labels.len() == images.count,
            (role, label_role) => role == label_role,
        };
        let mut fitting = (0..labels.len()).filter(|&i| fits(&labels[i]));
        let (found, another) = (fitting.next(), fitting.next());
        if another.is_some() {
            return Err(Error::UnclearFiles);
        }
        let Some(found) = found else {
            let labels = name_of_partner(&name, ["images", "labels"], ["idx3", "idx1"], "its label file");
            return Err(Error::LabelsMissing { images: name, labels });
        };
        let (label_name, labels) = labels.remove(found);
        let data = images.with_labels(labels).and_then(enough).map_err(in_file(&name))?;
        // Either name may be the one that tells.
        parts.push((Role::of(&(name + &label_name)), data));
    }
    match labels.into_iter().next() {
        None => Ok(parts),
        Some((labels, _)) => {
            let images = name_of_partner(&labels, ["labels", "images"], ["idx1", "idx3"], "its image file");
            Err(Error::ImagesMissing { labels, images })
        }
    }
}

fn enough(data: Dataset) -> Result<Dataset> {
    if data.len() < MIN_IMAGES {
        return Err(Error::TooFewImages { found: data.len(), min: MIN_IMAGES });
    }
    Ok(data)
}

/// MNIST's name of the file that belongs to `name`, as far as `name` is one of MNIST's.
fn name_of_partner(name: &str, [own, other]: [&str; 2], [own_kind, other_kind]: [&str; 2], unknown: &str) -> String {
    if name.contains(own) { name.replace(own, other).replace(own_kind, other_kind) } else { unknown.to_owned() }
}

fn in_file(name: &str) -> impl Fn(Error) -> Error {
    move |cause| Error::File { name: name.to_owned(), cause: Box::new(cause) }
}
