//! Files.
//!
//! * [`model_file`]: a model as safetensors: what crosses between page and worker, and what is stored and downloaded.

pub mod model_file;
