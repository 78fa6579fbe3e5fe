//! Files.
//!
//! * [`model_file`]: a model as safetensors: what crosses between page and worker, and what is stored and downloaded.
//! * [`safetensors`]: that container, read and written.

pub mod model_file;
pub mod safetensors;
