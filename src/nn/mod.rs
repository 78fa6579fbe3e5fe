//! Networks in fp32: layers, the model, softmax.

mod conv;
mod dense;
mod input;
mod model;
mod pool;
mod scratch;
mod softmax;
pub mod zoo;

pub use conv::Conv2d;
pub use dense::Dense;
pub use input::Input;
pub(crate) use model::check_chain;
pub use model::{Layer, Model};
pub use pool::MaxPool2d;
pub use scratch::Scratch;
pub use softmax::{argmax, mean_logits, softmax};
