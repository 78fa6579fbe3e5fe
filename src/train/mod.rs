//! Training.
//!
//! * [`Lbfgs`]: the quasi-Newton minimiser.
//! * [`SoftmaxTrainer`]: softmax (multinomial logistic) regression, one iteration a call, so that a page can show it.
//!
//! Training is bit-reproducible: f64 throughout, one fixed summation order, no fused multiply-add, exp and log from
//! the `libm` crate. The same data and settings give the same bits natively and in every browser.

mod lbfgs;
mod softmax;

pub use lbfgs::{Lbfgs, Objective, Step};
pub use softmax::{Progress, SoftmaxSettings, SoftmaxTrainer};
