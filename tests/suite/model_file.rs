//! The model file: what is written is read back, equal models give equal bytes, and a broken file gets a sentence.

use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    data::Standardizer,
    eval::size,
    format::{
        model_file::{read_model, read_quantized, write_model, write_quantized},
        safetensors::{Dtype, SafeTensors, Tensor},
    },
    nn::{Dense, Input, Layer, Model, Scratch, zoo},
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

/// A network with every kind of layer.
fn network() -> Model {
    let mut random = common::Random::new(10);
    let scaling = Standardizer { mean: vec![3.0; 64], std: vec![2.5; 64] };
    zoo::cnn(Input::new(8, &scaling), &[3, 5], &mut || random.float() * 1.7).expect("a whole model")
}

/// Schemes that between them store everything there is to store.
fn schemes() -> Vec<Scheme> {
    let others = [
        "int8-affine-per-channel",
        "int4-affine-dynamic-per-channel",
        "int16-affine-per-tensor-mse",
        "ternary-per-tensor",
        "binary-static-minmax-per-channel",
        "codebook5-per-channel",
        "codebook256",
        "int8-static-minmax-per-channel-first-f32",
        "int8-dynamic-per-channel-first-int4-last-codebook3",
        "tf32-last-binary",
        "binary-xnor-per-tensor",
        "binary-xnor-per-channel-first-f32-last-int8",
    ];
    let others = others.map(|name| Scheme::from_name(name).unwrap_or_else(|error| panic!("{name}: {error}")));
    Scheme::PRESETS.into_iter().chain(others).collect()
}

fn images() -> Vec<f32> {
    (0..3 * 64).map(|i| (i * 7 % 17) as f32).collect()
}

fn quantized_as(model: &Model, scheme: Scheme) -> QuantizedModel {
    QuantizedModel::quantize(model, scheme, &images()).unwrap_or_else(|error| panic!("{}: {error}", scheme.name()))
}

#[test]
fn what_is_written_is_read_back() {
    for model in [model(), network()] {
        assert_eq!(read_model(&write_model(&model)), Ok(model.clone()));
        for scheme in schemes() {
            let quantized = quantized_as(&model, scheme);
            let bytes = write_quantized(&quantized);
            let read = read_quantized(&bytes).unwrap_or_else(|error| panic!("{}: {error}", scheme.name()));
            assert!(read == quantized, "{}", scheme.name());
            assert!(write_quantized(&read) == bytes, "{}", scheme.name());
            let (mut a, mut b) = (Scratch::default(), Scratch::default());
            assert_eq!(read.forward(&images(), &mut a), quantized.forward(&images(), &mut b), "{}", scheme.name());
        }
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
    // Static ranges behind the first layer are those of fp32 kernels, which may fuse.
    let schemes = schemes().into_iter().filter(|scheme| !scheme.activations().is_static());
    let files = schemes.flat_map(|scheme| write_quantized(&quantized_as(&network(), scheme)));
    assert_eq!(hash(files.collect()), "e962ee82dfe47227");
}

#[test]
fn sizes_are_those_of_the_file() {
    let bytes = size::of_model(&model());
    assert_eq!((bytes.weights, bytes.biases, bytes.scales, bytes.parameters()), (2560, 40, 0, 2600));
    assert!(bytes.container < 600, "{} bytes around them", bytes.container);
    let of = |name: &str| size::of_quantized(&quantized_as(&model(), Scheme::from_name(name).expect("a scheme")));
    for (name, weights, scales, zero_points, codebooks) in [
        ("f64", 5120, 0, 0, 0),
        ("f32", 2560, 0, 0, 0),
        ("tf32", 1520, 0, 0, 0),
        ("f16", 1280, 0, 0, 0),
        ("bf16", 1280, 0, 0, 0),
        ("int16-per-tensor", 1280, 4, 0, 0),
        ("int16-affine-per-channel", 1280, 40, 20, 0),
        ("int8-dynamic-per-tensor", 640, 4, 0, 0),
        ("int8-dynamic-per-channel", 640, 40, 0, 0),
        ("int8-affine-per-channel", 640, 40, 10, 0),
        ("int4-per-channel-mse", 320, 40, 0, 0),
        ("int4-affine-per-tensor", 320, 4, 1, 0),
        ("ternary-per-channel", 160, 40, 0, 0),
        ("binary-per-tensor", 80, 4, 0, 0),
        ("codebook16", 320, 0, 0, 64),
        ("codebook5-per-channel", 240, 0, 0, 200),
    ] {
        let bytes = of(name);
        assert_eq!(
            (bytes.weights, bytes.scales, bytes.zero_points, bytes.codebooks, bytes.biases, bytes.ranges),
            (weights, scales, zero_points, codebooks, 40, 0),
            "{name}"
        );
        assert_eq!(bytes.parameters(), weights + scales + zero_points + codebooks + 40, "{name}");
    }
    assert_eq!(of("int8-static-minmax-per-tensor").ranges, 5);
    let bytes = of("binary-xnor-per-channel");
    assert_eq!((bytes.weights, bytes.scales, bytes.ranges), (80, 40, 8));
    for model in [model(), network()] {
        assert_eq!(size::of_model(&model).file(), write_model(&model).len());
        for scheme in schemes() {
            let quantized = quantized_as(&model, scheme);
            let (bytes, file) = (size::of_quantized(&quantized), write_quantized(&quantized));
            let container = 8 + u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
            assert_eq!((bytes.container, bytes.file()), (container, file.len()), "{}", scheme.name());
        }
    }
}

#[test]
fn any_byte_of_any_file_may_be_spoilt_without_a_panic() {
    let mut random = common::Random::new(77);
    for scheme in schemes() {
        let good = write_quantized(&quantized_as(&network(), scheme));
        for _ in 0..150 {
            let mut bad = good.clone();
            let at = random.next() as usize % bad.len();
            bad[at] ^= random.byte() | 1;
            // Weights may be others; then writing them gives the file that was read.
            if let Ok(read) = read_quantized(&bad) {
                let written = write_quantized(&read);
                assert!(written == bad || written == good, "{}, byte {at}", scheme.name());
            }
        }
        for end in (0..good.len()).step_by(97) {
            assert!(read_quantized(&good[..end]).is_err(), "{} cut after {end} bytes", scheme.name());
        }
    }
}

/// The file with tensors changed, or one more.
fn changed(scheme: &str, mut change: impl FnMut(&mut Vec<Tensor>)) -> Result<QuantizedModel, Error> {
    let bytes = write_quantized(&quantized_as(&model(), Scheme::from_name(scheme)?));
    let mut file = SafeTensors::read(&bytes)?;
    change(&mut file.tensors);
    read_quantized(&file.write())
}

fn with_tensor(scheme: &str, name: &str, mut change: impl FnMut(&mut Tensor)) -> Result<QuantizedModel, Error> {
    changed(scheme, |tensors| {
        let tensor =
            tensors.iter_mut().find(|tensor| tensor.name == name).unwrap_or_else(|| panic!("no tensor {name}"));
        change(tensor);
    })
}

#[test]
fn what_is_not_sure_to_be_meant_is_refused() {
    let refused = |read: Result<QuantizedModel, Error>, words: &str| {
        let error = read.expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    };
    // Codes that a format has not.
    for (scheme, byte) in [
        ("int8-dynamic-per-tensor", 0x80),
        ("int4-per-channel-mse", 0x08),
        ("int4-per-channel-mse", 0x80),
        ("ternary-per-channel", 0b1000),
        ("codebook5", 0b101),
    ] {
        refused(with_tensor(scheme, "0.weight", |t| t.data.to_mut()[7] = byte), "has no use for");
    }
    // Every code of these is one.
    for scheme in ["int4-affine-per-tensor", "binary-per-tensor", "codebook16", "int8-affine-per-tensor"] {
        assert!(with_tensor(scheme, "0.weight", |t| t.data.to_mut()[7] = 0x80).is_ok(), "{scheme}");
    }
    // Scales and zero points.
    let set = |t: &mut Tensor, bits: u32| t.data.to_mut()[..4].copy_from_slice(&bits.to_le_bytes());
    for scale in [f32::NAN, f32::INFINITY, -1.0, 0.0, 1e-42, 1e38] {
        let read = with_tensor("int8-dynamic-per-channel", "0.scale", |t| set(t, scale.to_bits()));
        refused(read, "not a finite number");
    }
    refused(with_tensor("ternary-per-channel", "0.scale", |t| set(t, (-0.5_f32).to_bits())), "not a finite number");
    refused(with_tensor("codebook16", "0.codebook", |t| set(t, f32::NAN.to_bits())), "not a finite number");
    refused(with_tensor("int4-affine-per-tensor", "0.zero_point", |t| t.data.to_mut()[0] = 8), "has no use for");
    refused(with_tensor("int4-affine-per-tensor", "0.zero_point", |t| t.dtype = Dtype::U8), "where I8 is needed");
    refused(with_tensor("f16", "0.weight", |t| t.data.to_mut()[1] = 0x7C), "not a finite number");
    refused(with_tensor("tf32", "0.bias", |t| set(t, f32::NAN.to_bits())), "not a finite number");
    // Types, shapes and tensors.
    refused(with_tensor("f16", "0.weight", |t| t.dtype = Dtype::BF16), "where F16 is needed");
    refused(with_tensor("int8-dynamic-per-tensor", "0.weight", |t| t.shape = vec![640]), "has not the shape");
    refused(with_tensor("int4-per-channel-mse", "0.weight", |t| t.shape = vec![10, 32]), "has not the shape");
    refused(changed("f32", |tensors| tensors.retain(|t| t.name != "0.bias")), "0.bias is missing");
    refused(
        changed("int8-dynamic-per-tensor", |tensors| tensors.retain(|t| t.name != "0.scale")),
        "0.scale is missing",
    );
    let extra = |name: &str| Tensor { name: name.into(), dtype: Dtype::F32, shape: vec![1], data: vec![0; 4].into() };
    for name in ["0.scale", "0.codebook", "1.bias", "note", "0.input_scale"] {
        refused(changed("f16", |tensors| tensors.push(extra(name))), "none of its layers needs");
    }
    refused(
        changed("int8-dynamic-per-tensor", |tensors| {
            tensors.push(Tensor {
                name: "0.zero_point".into(),
                dtype: Dtype::I8,
                shape: vec![2],
                data: vec![0; 2].into(),
            })
        }),
        "list of zero points",
    );
    // What is left of the last byte: a whole code, part of one, and both.
    for (name, bits) in [("ternary-per-tensor", 2), ("tf32", 19), ("codebook5", 3)] {
        let file = write_quantized(&quantized_as(&network(), Scheme::from_name(name).expect("a scheme")));
        let mut file = SafeTensors::read(&file).expect("a whole file");
        let weight = file.tensors.iter_mut().find(|t| t.name == "0.weight").expect("weights");
        assert_eq!(weight.data.len(), (3_usize * 9 * bits).div_ceil(8), "{name}");
        assert!(!(3 * 9 * bits).is_multiple_of(8), "this test needs padding");
        *weight.data.to_mut().last_mut().expect("a byte") |= 0x80;
        refused(read_quantized(&file.write()), "has no use for");
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
