//! Training.
//!
//! * [`Newton`]: the minimiser.
//! * [`Network`]: layers in training, with the gradient by backpropagation.
//! * [`Descent`]: how parameters follow their gradient (SGD with momentum, Adam).
//! * [`Trainer`]: mini-batches, augmentation, validation, one batch a call.
//! * [`FineTuner`]: a trained network taught one person's hand, from a few drawings.
//! * [`quantization_aware`]: the same, of a network that poses as quantized.
//! * [`SoftmaxTrainer`]: softmax (multinomial logistic) regression, one iteration a call, so that a page can show it.
//!
//! Training is bit-reproducible: one fixed summation order, no fused multiply-add, exp and log from
//! the `libm` crate. The same data and settings give the same bits natively and in every browser.

mod codebook;
mod cross_entropy;
mod curvature;
mod defaults;
mod f64x2;
mod finetune;
mod input_scales;
mod network;
mod newton;
mod optimizer;
mod preconditioner;
mod qat;
mod softmax;
mod teacher;
mod trainer;

pub use finetune::{FineTuner, FineTuning, Own};
pub use network::{Network, Parameters};
pub use newton::{Newton, Objective, Step};
pub use optimizer::{Descent, Optimizer};
pub use qat::{qat_settings, quantization_aware};
pub use softmax::{Progress, SoftmaxSettings, SoftmaxTrainer, Stop};
pub use trainer::{Architecture, Epoch, Settings, Trainer};
