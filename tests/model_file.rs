//! The model file: what is written is read back, equal models give equal bytes, and a broken file gets a sentence.

mod common;
#[cfg(target_arch = "wasm32")]
use common::test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

use quantpad::{
    Error,
    data::Standardizer,
    eval::size,
    format::model_file::{read_model, read_quantized, write_model, write_quantized},
    nn::{Dense, Input, Layer, Model, Scratch},
    quant::{QuantizedModel, Scheme},
};

fn model() -> Model {
    let mut random = common::Random::new(9);
    let scaling = Standardizer { mean: vec![3.0; 64], std: vec![2.5; 64] };
    let mut floats = |n: usize| (0..n).map(|_| random.float()).collect();
    let dense = Dense::new(floats(640), floats(10)).expect("a full layer");
    Model::new(Input::new(8, &scaling), vec![Layer::Dense(dense)]).expect("a whole model")
}

fn reason(error: Error) -> String {
    error.to_string()
}

#[test]
fn what_is_written_is_read_back() {
    let model = model();
    assert_eq!(read_model(&write_model(&model)), Ok(model.clone()));
    for scheme in [Scheme::INT8_DYNAMIC_PER_TENSOR, Scheme::INT8_DYNAMIC_PER_CHANNEL] {
        let quantized = QuantizedModel::quantize(&model, scheme, &[]).expect("a small layer");
        let read = read_quantized(&write_quantized(&quantized)).expect("a whole file");
        assert_eq!(read, quantized);
        let image: Vec<f32> = (0..64).map(|i| (i % 17) as f32).collect();
        let (mut a, mut b) = (Scratch::default(), Scratch::default());
        assert_eq!(read.forward(&image, &mut a), quantized.forward(&image, &mut b));
    }
}

#[test]
fn equal_models_give_equal_bytes_here_and_in_every_browser() {
    let model = model();
    let quantized = QuantizedModel::quantize(&model, Scheme::INT8_DYNAMIC_PER_CHANNEL, &[]).expect("a small layer");
    let hash = |bytes: Vec<u8>| format!("{:016x}", common::hash(bytes.into_iter().map(u64::from)));
    assert_eq!(
        [hash(write_model(&model)), hash(write_quantized(&quantized))],
        ["a4ea18f97c56ecf2", "13a283f9e47e8bfa"]
    );
}

#[test]
fn sizes_are_those_of_the_file() {
    let model = model();
    let bytes = size::of_model(&model);
    assert_eq!((bytes.weights, bytes.biases, bytes.scales, bytes.parameters()), (2560, 40, 0, 2600));
    let file = write_model(&model).len();
    assert!((2600 + 512..2600 + 512 + 600).contains(&file), "{file} bytes");
    for (scheme, scales) in [(Scheme::INT8_DYNAMIC_PER_TENSOR, 4), (Scheme::INT8_DYNAMIC_PER_CHANNEL, 40)] {
        let quantized = QuantizedModel::quantize(&model, scheme, &[]).expect("a small layer");
        let bytes = size::of_quantized(&quantized);
        assert_eq!((bytes.weights, bytes.biases, bytes.scales), (640, 40, scales));
        let file = write_quantized(&quantized).len();
        assert!((680 + scales + 512..680 + scales + 512 + 600).contains(&file), "{file} bytes");
    }
}

#[test]
fn a_file_that_is_no_model_gets_a_sentence_and_never_a_panic() {
    let good = write_model(&model());
    let quantized = write_quantized(
        &QuantizedModel::quantize(&model(), Scheme::INT8_DYNAMIC_PER_TENSOR, &[]).expect("a small layer"),
    );
    assert!(reason(read_model(&quantized).unwrap_err()).contains("quantized model where an fp32"));
    assert!(reason(read_quantized(&good).unwrap_err()).contains("fp32 model where a quantized"));
    for bad in [&[] as &[u8], b"hello", &[0xFF; 100], &good[..good.len() - 1], &good[..20]] {
        assert!(reason(read_model(bad).unwrap_err()).starts_with("This is not a Quantpad model file"));
        assert!(read_quantized(bad).is_err());
    }
    // Any one byte of the header spoilt: an error or, where it only renames what is not read, the same model.
    for i in 0..good.len() - 2600 - 512 {
        let mut bad = good.clone();
        bad[i] ^= 0x15;
        if let Ok(read) = read_model(&bad) {
            assert!(read == model(), "byte {i}");
        }
    }
    // A weight that is not a number.
    let mut bad = good.clone();
    let end = bad.len();
    bad[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(matches!(read_model(&bad), Err(Error::NotFinite { .. })));
}
