//! Data: the images, how they are split and scaled, and how a drawing becomes an image.
//!
//! * [`Dataset`]: labelled images; [`digits`] is the embedded one.
//! * [`files`]: the visitor's own data set, from [`idx`] (MNIST) or [`csv`] files, plain or [`gzip`].
//! * [`Split`]: the seeded division into training and test rows.
//! * [`Standardizer`]: mean 0 and variance 1 for each pixel, learned from the training rows.
//! * [`Augmenter`]: another writing of the same digit each time a model is shown it, by the strengths of [`Augmentation`].
//! * [`Drawing`]: pen strokes with undo and redo; [`raster`] makes them an image the way the data set was made.

mod arithmetic;
mod augment;
pub mod csv;
mod dataset;
pub mod digits;
mod drawing;
pub mod files;
pub mod gzip;
pub mod idx;
pub mod raster;
mod split;
mod standardizer;

pub use augment::{Augmentation, Augmenter};
pub use dataset::Dataset;
pub use drawing::Drawing;
pub use split::Split;
pub use standardizer::Standardizer;

/// Classes of every data set here: the ten digits.
pub const CLASSES: usize = 10;
