//! Everything that can go wrong, one variant per cause; each message says what to do. No message has a float in it:
//! printing one takes 10 KB of the module (gzip).

use crate::data::{Dataset, gzip};

/// The crate's result.
pub type Result<T> = core::result::Result<T, Error>;

/// What went wrong. The text is shown to visitors as it is.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A slice or tensor has another length than its use asks for.
    #[error("The {what} has {found} values where {expected} are needed.")]
    Shape {
        /// What was given.
        what: &'static str,
        /// Values needed.
        expected: usize,
        /// Values found.
        found: usize,
    },
    /// A number that counts beyond what there is.
    #[error("There is no {what} {number}: they are counted from 0, and there are {count}.")]
    OutOfRange {
        /// What is counted.
        what: &'static str,
        /// The number asked for.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// NaN or infinity, which no integer can stand for.
    #[error("The {what} holds a value that is not a finite number; it cannot be quantized.")]
    NotFinite {
        /// What was given.
        what: &'static str,
    },
    /// Axes of a quantization scheme that do not go together.
    #[error("This quantization scheme makes no sense: {reason}.")]
    Scheme {
        /// Why.
        reason: &'static str,
    },
    /// A weight beyond the largest number of a format.
    #[error("A weight is too large for {format}; take f32, bf16 or an integer format.")]
    TooLarge {
        /// Name of the format.
        format: String,
    },
    /// Bits that are no weight of their format.
    #[error("The packed weights hold bits that {format} has no use for; the file is damaged.")]
    Codes {
        /// Name of the format.
        format: String,
    },
    /// A dot product so long that its exact sum might not fit 32 bits.
    #[error("A layer with {inputs} inputs is too wide for exact 32-bit sums; at most {limit} are possible.")]
    TooWide {
        /// Inputs of the layer.
        inputs: usize,
        /// The most that is safe.
        limit: usize,
    },
    /// The regularisation strength is not between [`MIN_C`](crate::train::SoftmaxSettings::MIN_C) and
    /// [`MAX_C`](crate::train::SoftmaxSettings::MAX_C).
    #[error("The regularisation strength C must be a number from 0.0001 to 10000.")]
    Regularization,
    /// A strength of the augmentation is not between 0 and its [`LIMIT`](crate::data::Augmentation::LIMIT).
    #[error("The augmentation's {what} is too large, negative or not a number; take a smaller one.")]
    Augmentation {
        /// Which one.
        what: &'static str,
    },
    /// A setting of the training that is out of its range.
    #[error("The {what} must be {range}.")]
    Setting {
        /// Which one.
        what: &'static str,
        /// What it may be, in words.
        range: &'static str,
    },
    /// The loss is no longer a number, or grows instead of falling.
    #[error("Training ran away in step {iteration}: the loss grows instead of falling. Nothing was changed.")]
    Diverged {
        /// The iteration or epoch that gave it.
        iteration: usize,
    },
    /// A model file that cannot be read.
    #[error("This is not a Quantpad model file: {reason}.")]
    ModelFile {
        /// What is wrong with it.
        reason: String,
    },
    /// A name that is none of a closed set.
    #[error("\"{found}\" is not a known {what}.")]
    UnknownName {
        /// The set.
        what: &'static str,
        /// The name given.
        found: String,
    },
    /// What is wrong with one of the files that were given.
    #[error("{name}: {cause}")]
    File {
        /// The file's name.
        name: String,
        /// What is wrong with it.
        cause: Box<Error>,
    },
    /// A file of another kind.
    #[error("This is no data set that can be read; MNIST's IDX files and CSV files can, each also as .gz.")]
    UnknownFile,
    /// A file too large to be a data set for this page.
    #[error("The file is larger than {} MB; give a part of it.", gzip::MAX_BYTES >> 20)]
    FileTooLarge,
    /// A gzip file that unpacks to more than any data set for this page has: perhaps a bomb.
    #[error("The gzip file unpacks to more than {} MB, so it was left unread; give a part of it.", gzip::MAX_BYTES >> 20)]
    GzipTooLarge,
    /// A gzip file that ends early, goes on after its end, or whose checksum differs.
    #[error("The gzip file is damaged; download it again.")]
    GzipDamaged,
    /// An IDX file of another type or shape.
    #[error(
        "The IDX file begins with {found:#010x}, where 0x00000803 means images and 0x00000801 labels; give one of these."
    )]
    IdxMagic {
        /// The first four bytes.
        found: u32,
    },
    /// A file that ends before the data that its header tells of.
    #[error("The file ends after {found} of {expected} bytes; download it again.")]
    Truncated {
        /// Bytes that its header tells of.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
    /// A file that goes on after the data that its header tells of.
    #[error("The file goes on for {extra} bytes after the end that its header tells of; download it again.")]
    TrailingBytes {
        /// Bytes too many.
        extra: usize,
    },
    /// Images of a size that no model here takes.
    #[error("Images of {width} x {height} pixels cannot be used: both sides must be from 1 to {}.", Dataset::MAX_SIDE)]
    ImageSize {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// More images than fit.
    #[error(
        "{images} images of {width} x {height} pixels are too many for the memory of a page; \
         give at most {} pixels in at most {} images.",
        Dataset::MAX_PIXELS,
        Dataset::MAX_IMAGES
    )]
    TooManyImages {
        /// Images, all parts together.
        images: usize,
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// More labels than there can be images.
    #[error("{labels} labels are too many for the memory of a page; give at most {}.", Dataset::MAX_IMAGES)]
    TooManyLabels {
        /// Labels that the header tells of.
        labels: usize,
    },
    /// Too few images to divide.
    #[error("{found} images are too few to learn from and to test with; give at least {min}.")]
    TooFewImages {
        /// Images there are.
        found: usize,
        /// Images needed.
        min: usize,
    },
    /// A label that is no digit.
    #[error(
        "The label of image {row} (counted from 0) is {label}; give a data set whose labels are the digits 0 to 9."
    )]
    Label {
        /// Row of the image.
        row: usize,
        /// Its label.
        label: u8,
    },
    /// A pixel brighter than the data set's full ink.
    #[error("A pixel of image {row} (counted from 0) is {pixel}, where {max} is the most.")]
    Pixel {
        /// Row of the image.
        row: usize,
        /// The value.
        pixel: u8,
        /// The most it may be.
        max: u8,
    },
    /// Images and labels that are not of each other.
    #[error("There are {images} images but {labels} labels; give the two files of the same part.")]
    Counts {
        /// Images.
        images: usize,
        /// Labels.
        labels: usize,
    },
    /// An image file without its label file.
    #[error("The labels of {images} are missing; give it together with {labels}.")]
    LabelsMissing {
        /// Name of the image file.
        images: String,
        /// Likely name of the label file.
        labels: String,
    },
    /// A label file without its image file.
    #[error("The images of {labels} are missing; give it together with {images}.")]
    ImagesMissing {
        /// Name of the label file.
        labels: String,
        /// Likely name of the image file.
        images: String,
    },
    /// No file at all.
    #[error("No file was given; give an image and a label file in MNIST's format, or a CSV file.")]
    NoFiles,
    /// Files that could be put together in more than one way.
    #[error(
        "It is not clear how these files belong together; \
         give one training part and at most one test part, with \"train\" and \"t10k\" in their names."
    )]
    UnclearFiles,
    /// A test part of another form.
    #[error(
        "The test images have another size or range of pixels than the training images; give parts of one data set."
    )]
    PartsDiffer,
    /// Bytes that are no text.
    #[error("The file is no UTF-8 text; save it as CSV in UTF-8.")]
    NotText,
    /// A table that is none of the known ones.
    #[error("Line {line} has {found} columns; give 65 (8 x 8 pixels and the label) or 785 (28 x 28 and the label).")]
    CsvColumns {
        /// Line, counted from 1.
        line: usize,
        /// Columns.
        found: usize,
    },
    /// A line longer or shorter than the others.
    #[error("Line {line} has {found} columns where the first has {expected}; repair or remove it.")]
    CsvRow {
        /// Line, counted from 1.
        line: usize,
        /// Its columns.
        found: usize,
        /// Columns of the first line.
        expected: usize,
    },
    /// A value that is no pixel or no label.
    #[error("Line {line}, column {column} is \"{found}\", where a whole number from 0 to {max} is needed.")]
    CsvValue {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// What is there.
        found: String,
        /// The most it may be.
        max: u8,
    },
}
