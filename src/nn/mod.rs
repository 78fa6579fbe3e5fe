//! Networks in fp32: layers, the model, softmax.

mod dense;
mod input;
mod model;
mod scratch;
mod softmax;

pub use dense::Dense;
pub use input::Input;
pub(crate) use model::check_chain;
pub use model::{Layer, Model};
pub use scratch::Scratch;
pub(crate) use scratch::at_least;
pub use softmax::{argmax, softmax};
