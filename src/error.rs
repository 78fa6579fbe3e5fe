//! Everything that can go wrong, one variant per cause; each message says what to do. No message has a float in it:
//! printing one takes 10 KB of the module (gzip).

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
    /// NaN or infinity, which no integer can stand for.
    #[error("The {what} holds a value that is not a finite number; it cannot be quantized.")]
    NotFinite {
        /// What was given.
        what: &'static str,
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
    /// The fit ran away.
    #[error("Training diverged in iteration {iteration}; try a smaller C.")]
    Diverged {
        /// The iteration that gave no finite loss.
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
}
