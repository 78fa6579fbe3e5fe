//! What several test files need.
#![allow(dead_code)]

pub mod drawings;
pub mod trained;

/// In a browser the same tests run through wasm-bindgen-test.
#[cfg(target_arch = "wasm32")]
pub use wasm_bindgen_test::wasm_bindgen_test as test;

/// FNV-1a of the bits of `values`: equal hashes, equal weights.
pub fn hash(values: impl IntoIterator<Item = u64>) -> u64 {
    values
        .into_iter()
        .flat_map(u64::to_le_bytes)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A small generator for test inputs (xorshift64*), the same natively and in browsers.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }

    /// Uniform in −1..1.
    pub fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// `n` values, uniform in −scale..scale.
pub fn floats(n: usize, scale: f32, random: &mut Random) -> Vec<f32> {
    (0..n).map(|_| random.float() * scale).collect()
}

/// Files outside the repository that tests may read; `None`, with a line that says so, when they are not there.
#[cfg(not(target_arch = "wasm32"))]
pub mod shared {
    use std::{io::Read, path::PathBuf};

    use serde_json::Value;

    /// A file of the golden vectors (the folder may be named by QUANTPAD_REFERENCE): its `data`.
    pub fn reference(name: &str) -> Option<Value> {
        let folder = std::env::var_os("QUANTPAD_REFERENCE").map_or_else(|| path("reference"), PathBuf::from);
        let bytes = read(folder.join(name).with_extension("json"))?;
        let mut file: Value = serde_json::from_slice(&bytes).expect("golden vectors are JSON");
        Some(file["data"].take())
    }

    /// A file of the shared folder (which may be named by QUANTPAD_SHARED), unpacked when its name ends in .gz.
    pub fn file(name: &str) -> Option<Vec<u8>> {
        let bytes = packed(name)?;
        if !name.ends_with(".gz") {
            return Some(bytes);
        }
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*bytes).read_to_end(&mut unpacked).expect("a gzip file");
        Some(unpacked)
    }

    /// A file of the shared folder as it is.
    pub fn packed(name: &str) -> Option<Vec<u8>> {
        read(path(name))
    }

    fn path(name: &str) -> PathBuf {
        let folder = std::env::var_os("QUANTPAD_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
        folder.join(name)
    }

    fn read(path: PathBuf) -> Option<Vec<u8>> {
        let bytes = std::fs::read(&path).ok();
        if bytes.is_none() {
            eprintln!("SKIPPED: {} is missing, so this test checked nothing", path.display());
        }
        bytes
    }

    pub fn list(value: &Value) -> &[Value] {
        value.as_array().expect("a list")
    }

    pub fn integer(value: &Value) -> i64 {
        value.as_i64().expect("an integer")
    }

    pub fn integers(value: &Value) -> Vec<i64> {
        let values = list(value).iter();
        values.map(|v| v.as_i64().unwrap_or_else(|| v.as_f64().expect("a number") as i64)).collect()
    }

    pub fn double(value: &Value) -> f64 {
        value.as_f64().expect("a number")
    }

    pub fn doubles(value: &Value) -> Vec<f64> {
        list(value).iter().map(double).collect()
    }

    pub fn float(value: &Value) -> f32 {
        f32::from_bits(value.as_u64().expect("bits") as u32)
    }

    pub fn floats(value: &Value) -> Vec<f32> {
        list(value).iter().map(float).collect()
    }
}

/// Every weight and bias of a model, first layer first.
pub fn parameters(model: &quantpad::nn::Model) -> Vec<f32> {
    let layers = model.layers().iter().filter_map(quantpad::nn::Layer::parameters);
    layers.flat_map(|(weight, bias)| [weight, bias].concat()).collect()
}
