//! Schemes: names that round-trip, combinations that cannot be built, and models of every kind.

use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    data::{Split, Standardizer, digits},
    eval::metrics,
    nn::{Input, Layer, Model, Scratch, argmax, zoo},
    quant::{
        ActivationMode, Arithmetic, Axes, Granularity, Method, NumberFormat, Observer, QuantizedModel, ScaleRule,
        Scheme, Symmetry,
    },
    random::Random,
    train::{SoftmaxSettings, SoftmaxTrainer},
};

const FORMATS: [NumberFormat; 12] = [
    NumberFormat::F64,
    NumberFormat::F32,
    NumberFormat::Tf32,
    NumberFormat::F16,
    NumberFormat::Bf16,
    NumberFormat::Int16,
    NumberFormat::Int8,
    NumberFormat::Int4,
    NumberFormat::Ternary,
    NumberFormat::Binary,
    NumberFormat::Codebook { k: 2 },
    NumberFormat::Codebook { k: 256 },
];

/// Every combination, also those that make no sense.
fn all_axes() -> Vec<Axes> {
    let modes = [ActivationMode::Float, ActivationMode::Dynamic, ActivationMode::Binary];
    let modes: Vec<_> = modes.into_iter().chain(Observer::ALL.map(ActivationMode::Static)).collect();
    let mut all = Vec::new();
    for format in FORMATS {
        for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
            for symmetry in [Symmetry::Symmetric, Symmetry::Affine] {
                for scale_rule in [ScaleRule::MaxAbs, ScaleRule::Mse] {
                    for &activations in &modes {
                        for method in [Method::Ptq, Method::Qat] {
                            all.push(Axes { format, granularity, symmetry, scale_rule, activations, method });
                        }
                    }
                }
            }
        }
    }
    all
}

#[test]
fn every_scheme_has_a_name_of_its_own_that_leads_back_to_it() {
    let mut names = Vec::new();
    for scheme in all_axes().into_iter().filter_map(|axes| Scheme::new(axes).ok()).chain(Scheme::PRESETS) {
        let name = scheme.name();
        assert_eq!(Scheme::from_name(&name), Ok(scheme), "{name}");
        assert!(name.bytes().all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit()), "{name}");
        names.push(name);
        let mixed = scheme.with_layer(0, NumberFormat::F32).expect("a format for every scheme");
        let mixed = mixed.with_layer(3, NumberFormat::Codebook { k: 16 }).expect("a format for every scheme");
        let mixed = mixed.with_last(NumberFormat::Int4).expect("a format for every scheme");
        assert_eq!(mixed.name(), format!("{}-first-f32-layer3-codebook16-last-int4", scheme.name()));
        assert_eq!(Scheme::from_name(&mixed.name()), Ok(mixed));
    }
    names.truncate(names.len() - Scheme::PRESETS.len());
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "two schemes of one name");
    println!("{count} schemes with all layers alike");
}

#[test]
fn presets_have_the_names_of_the_literature_and_can_be_built() {
    let names: Vec<String> = Scheme::PRESETS.iter().map(Scheme::name).collect();
    assert_eq!(
        names,
        [
            "f64",
            "f32",
            "tf32",
            "f16",
            "bf16",
            "int16-per-tensor",
            "int8-per-channel",
            "int8-dynamic-per-tensor",
            "int8-dynamic-per-channel",
            "int8-static-minmax-per-tensor",
            "int8-static-minmax-per-channel",
            "int4-per-channel-mse",
            "int4-dynamic-per-channel-mse",
            "ternary-per-channel",
            "binary-per-channel",
            "binary-xnor-per-channel",
            "codebook16"
        ]
    );
    for scheme in Scheme::PRESETS {
        assert_eq!(Scheme::new(scheme.axes()), Ok(scheme));
    }
}

#[test]
fn what_makes_no_sense_cannot_be_built_and_says_why() {
    let reason = |axes: Axes| match Scheme::new(axes) {
        Err(Error::Scheme { reason }) => reason,
        other => panic!("{axes:?}: {other:?}"),
    };
    let of = Axes::weights;
    let dynamic = |format| Axes { activations: ActivationMode::Dynamic, ..of(format) };
    for format in [NumberFormat::F16, NumberFormat::F32, NumberFormat::Int16, NumberFormat::Codebook { k: 16 }] {
        assert!(reason(dynamic(format)).contains("integer activations need"), "{format:?}");
    }
    for format in FORMATS.into_iter().filter(|format| *format != NumberFormat::Binary) {
        let bits = Axes { activations: ActivationMode::Binary, ..of(format) };
        assert!(reason(bits).contains("binary activations need binary weights"), "{format:?}");
    }
    let affine = Axes { symmetry: Symmetry::Affine, ..dynamic(NumberFormat::Int8) };
    assert!(reason(affine).contains("9 bits"));
    assert!(Scheme::new(Axes { format: NumberFormat::Int4, ..affine }).is_ok());
    assert!(Scheme::new(Axes { activations: ActivationMode::Float, ..affine }).is_ok());
    assert!(reason(Axes { granularity: Granularity::PerChannel, ..of(NumberFormat::Bf16) }).contains("no scales"));
    for format in [NumberFormat::F32, NumberFormat::Ternary, NumberFormat::Binary, NumberFormat::Codebook { k: 4 }] {
        assert!(reason(Axes { symmetry: Symmetry::Affine, ..of(format) }).contains("zero point"), "{format:?}");
        assert!(reason(Axes { scale_rule: ScaleRule::Mse, ..of(format) }).contains("search"), "{format:?}");
    }
    for k in [0, 1, 257, u16::MAX] {
        assert!(reason(of(NumberFormat::Codebook { k })).contains("2 to 256"));
        assert!(Scheme::INT8_DYNAMIC_PER_TENSOR.with_last(NumberFormat::Codebook { k }).is_err());
    }
    assert!(reason(Axes { method: Method::Qat, ..of(NumberFormat::F16) }).contains("quantization-aware"));
    let affine = Scheme::new(Axes { format: NumberFormat::Int4, ..affine }).expect("4 bits fit");
    assert!(matches!(affine.with_layer(1, NumberFormat::Int8), Err(Error::Scheme { .. })));
    assert!(Scheme::F16.with_layer(Scheme::MAX_LAYERS, NumberFormat::F32).is_err());
    // Read from a name, the same.
    for (name, word) in [
        ("f16-dynamic", "integer activations"),
        ("f16-per-channel", "no scales"),
        ("int8-affine-dynamic-per-tensor", "9 bits"),
        ("ternary-per-tensor-mse", "search"),
        ("int8-xnor-per-tensor", "need binary weights"),
        ("codebook1", "2 to 256"),
        ("f16-qat", "quantization-aware"),
        ("int8-dynamic-per-tensor-last-codebook300", "2 to 256"),
    ] {
        let error = Scheme::from_name(name).expect_err(name).to_string();
        assert!(error.contains("makes no sense") && error.contains(word), "{name}: {error}");
    }
    for name in [
        "",
        "int",
        "int8",
        "int8-",
        "int3",
        "int8-dynamic",
        "binary-xnor",
        "binary-xnor-dynamic-per-tensor",
        "int8-per-tensor-dynamic",
        "INT8-per-tensor",
        "int8--per-tensor",
        "int8-per-tensor ",
        "f16-per-tensor",
        "codebook",
        "codebook016",
        "codebook-16",
        "codebook99999",
        "codebook16-per-tensor",
        "int8-static-per-tensor",
        "int8-static-median-per-tensor",
        "int8-per-tensor-layer0-f32",
        "int8-per-tensor-layer8-f32",
        "int8-per-tensor-last",
        "int8-per-tensor-last-f31",
        "int8-per-tensor-last-f32-first-f32",
        "int8-per-tensor-first-f32x",
        "int8-per-tensor-layer2-f32-layer1-f32",
        "int8-per-tensor-mse-mse",
        "é",
        "f32-é",
    ] {
        let error = Scheme::from_name(name).expect_err(name).to_string();
        assert!(error.contains("is not a known quantization scheme"), "{name}: {error}");
    }
}

fn models() -> [(&'static str, Model); 3] {
    let input = || Input::new(8, &Standardizer { mean: vec![4.9; 64], std: vec![6.0; 64] });
    let mut random = Random::new(1);
    let mut normal = || random.normal();
    [
        ("softmax", zoo::mlp(input(), &[], &mut normal)),
        ("mlp", zoo::mlp(input(), &[32, 16], &mut normal)),
        ("cnn", zoo::cnn(input(), &[4, 8], &mut normal)),
    ]
    .map(|(name, model)| (name, model.expect("a whole model")))
}

fn images(rows: usize) -> Vec<f32> {
    let mut random = common::Random::new(3);
    (0..rows * 64).map(|_| (random.byte() % 17).into()).collect()
}

fn scheme(name: &str) -> Scheme {
    Scheme::from_name(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn quantize(model: &Model, scheme: Scheme) -> QuantizedModel {
    QuantizedModel::quantize(model, scheme, &images(16)).unwrap_or_else(|error| panic!("{}: {error}", scheme.name()))
}

#[test]
fn weight_only_models_are_fp32_models_of_the_decoded_weights() {
    let pixels = images(7);
    let (mut a, mut b) = (Scratch::default(), Scratch::default());
    for (name, model) in models() {
        for scheme_name in [
            "f32",
            "tf32",
            "f16",
            "bf16",
            "f64-first-f32",
            "int16-per-tensor",
            "int16-affine-per-channel",
            "int8-per-channel",
            "int8-affine-per-channel-mse",
            "int4-per-channel-mse",
            "ternary-per-channel",
            "binary-per-tensor",
            "codebook16",
            "codebook7-per-channel",
            "int4-per-tensor-first-f32-last-int8",
        ] {
            let quantized = quantize(&model, scheme(scheme_name));
            assert_eq!(quantized.arithmetic(), Arithmetic::Float, "{scheme_name}");
            assert_eq!(quantized.arithmetic().name(), "stored small, computed in fp32");
            let wanted = quantized.decode().expect("finite weights");
            let wanted = wanted.forward(&pixels, &mut a).expect("whole images");
            assert_eq!(quantized.forward(&pixels, &mut b).expect("whole images"), wanted, "{name} {scheme_name}");
        }
        let f32 = quantize(&model, Scheme::F32);
        let wanted = model.forward(&pixels, &mut a).expect("whole images");
        assert_eq!(f32.forward(&pixels, &mut b).expect("whole images"), wanted, "{name}: f32 changes nothing");
    }
}

#[test]
fn models_in_f64_are_computed_in_f64() {
    let pixels = images(7);
    let (mut a, mut b) = (Scratch::default(), Scratch::default());
    for (name, model) in models() {
        let quantized = quantize(&model, Scheme::F64);
        assert_eq!((quantized.arithmetic(), quantized.arithmetic().name()), (Arithmetic::Double, "computed in f64"));
        let wanted = model.forward(&pixels, &mut a).expect("whole images");
        let found = quantized.forward(&pixels, &mut b).expect("whole images").to_vec();
        let apart = wanted.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart > 0.0 && apart < 1e-5, "{name}: {apart}");
        // In a batch as one by one, to the bit.
        for (pixels, wanted) in pixels.chunks(64).zip(found.chunks(10)) {
            assert_eq!(quantized.forward(pixels, &mut b).expect("an image"), wanted, "{name}");
        }
        assert!(quantized.forward(&pixels[1..], &mut b).is_err());
    }
}

#[test]
fn integer_models_are_close_to_their_decoded_weights_in_fp32() {
    let pixels = images(16);
    let (mut a, mut b) = (Scratch::default(), Scratch::default());
    for (name, model) in models() {
        for scheme_name in [
            "int8-dynamic-per-tensor",
            "int8-dynamic-per-channel-mse",
            "int8-static-minmax-per-channel",
            "int4-dynamic-per-channel-mse",
            "int4-affine-dynamic-per-channel",
            "int4-static-minmax-per-tensor",
            "ternary-dynamic-per-channel",
            "ternary-static-minmax-per-tensor",
            "binary-dynamic-per-tensor",
            "binary-static-minmax-per-channel",
            "int8-dynamic-per-tensor-first-int4",
            "int4-static-minmax-per-channel-last-int8",
            // Layers of both kinds, in every order.
            "int8-dynamic-per-channel-first-f32",
            "int8-dynamic-per-channel-last-f16",
            "int8-static-minmax-per-channel-first-f32",
            "int8-static-minmax-per-channel-last-codebook16",
            "int4-dynamic-per-tensor-first-int16-last-f32",
        ] {
            // The softmax model has one layer, and for that `last` is what counts.
            let scheme = scheme(scheme_name);
            let quantized = quantize(&model, scheme);
            let floats = quantized.layers().iter().filter(|l| l.weights().is_some() && l.product().is_none()).count();
            let integers = quantized.layers().iter().filter(|l| l.product().is_some()).count();
            let wanted = match (integers, floats) {
                (_, 0) => Arithmetic::Integer,
                (0, _) => Arithmetic::Float,
                _ => Arithmetic::Mixed,
            };
            assert_eq!(quantized.arithmetic(), wanted, "{name} {scheme_name}");
            let wanted = quantized.decode().expect("finite weights");
            let wanted = wanted.forward(&pixels, &mut a).expect("whole images").to_vec();
            let found = quantized.forward(&pixels, &mut b).expect("whole images");
            let size = wanted.iter().fold(0.0_f32, |a, w| a.max(w.abs()));
            let apart = wanted.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // Ranges are those of the fp32 model, which weights of few bits leave.
            assert!(apart < size * 0.06, "{name} {scheme_name}: {apart} of {size}");
            // One image gives what it gives in a batch, to the bit unless floats are summed.
            let found = found.to_vec();
            let tolerance = if quantized.arithmetic() == Arithmetic::Integer { 0.0 } else { size * 0.01 };
            for (pixels, wanted) in pixels.chunks(64).zip(found.chunks(10)) {
                let alone = quantized.forward(pixels, &mut b).expect("an image");
                let same = alone.iter().zip(wanted).all(|(a, b)| (a - b).abs() <= tolerance);
                assert!(same, "{name} {scheme_name}: {alone:?} for {wanted:?}");
            }
        }
    }
}

#[test]
fn with_static_ranges_integers_go_on_where_the_next_layer_takes_them() {
    let pixels = images(16);
    let (mut a, mut b) = (Scratch::default(), Scratch::default());
    for (name, model) in &models()[1..] {
        // For each layer with weights: whether integers come out; `None` when it has no integer products.
        for (scheme_name, wanted) in [
            ("int8-static-minmax-per-channel", [Some(true), Some(true), Some(false)]),
            ("int8-static-minmax-per-channel-first-f32", [None, Some(true), Some(false)]),
            ("int8-static-minmax-per-channel-layer1-f32", [Some(false), None, Some(false)]),
            ("int8-static-minmax-per-channel-last-f32", [Some(true), Some(false), None]),
            ("int8-dynamic-per-channel-layer1-f32", [Some(false), None, Some(false)]),
        ] {
            let quantized = quantize(model, scheme(scheme_name));
            let weighted = quantized.layers().iter().filter(|layer| layer.weights().is_some());
            let found: Vec<_> = weighted.map(|layer| layer.product().map(|product| product.requantizes())).collect();
            assert_eq!(found, wanted, "{name} {scheme_name}");
            let wanted = model.forward(&pixels, &mut a).expect("whole images");
            let found = quantized.forward(&pixels, &mut b).expect("whole images");
            let size = wanted.iter().fold(0.0_f32, |a, w| a.max(w.abs()));
            let apart = wanted.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < size * 0.03, "{name} {scheme_name}: {apart} of {size}");
        }
    }
}

#[test]
fn a_layer_has_the_format_that_is_said_of_it() {
    let scheme = scheme("int8-dynamic-per-channel-first-f32-layer2-int4-last-f16");
    let formats = |count: usize| (0..count).map(|number| scheme.layer(number, count).format).collect::<Vec<_>>();
    let [f32, int8, int4, f16] = [NumberFormat::F32, NumberFormat::Int8, NumberFormat::Int4, NumberFormat::F16];
    assert_eq!(formats(4), [f32, int8, int4, f16]);
    // What is said of the last layer counts more than what is said of its number.
    assert_eq!(formats(3), [f32, int8, f16]);
    assert_eq!(formats(1), [f16]);
    let axes = |number| scheme.layer(number, 4);
    assert_eq!((axes(0).activations, axes(0).granularity), (ActivationMode::Float, Granularity::PerTensor));
    assert_eq!((axes(2).activations, axes(2).granularity), (ActivationMode::Dynamic, Granularity::PerChannel));
}

#[test]
fn finer_formats_are_closer_to_fp32() {
    let pixels = images(16);
    let (mut a, mut b) = (Scratch::default(), Scratch::default());
    for (name, model) in models() {
        let wanted = model.forward(&pixels, &mut a).expect("whole images");
        let mut error = |scheme_name: &str| {
            let quantized = quantize(&model, scheme(scheme_name));
            let logits = quantized.forward(&pixels, &mut b).expect("whole images");
            logits.iter().zip(wanted).map(|(a, b)| f64::from((a - b) * (a - b))).sum::<f64>()
        };
        let order = [
            "f32",
            "int16-per-channel",
            "tf32",
            "bf16",
            "int8-dynamic-per-channel",
            "int4-per-channel-mse",
            "ternary-per-channel",
            "binary-per-channel",
        ];
        let errors: Vec<f64> = order.iter().map(|name| error(name)).collect();
        println!("{name}: {errors:?}");
        // How ternary and binary compare depends on the weights.
        let last = errors.len() - 1;
        assert!(errors[..last].is_sorted() && errors[last] > errors[last - 2], "{name}: {errors:?}");
        assert_eq!(errors[0], 0.0);
    }
}

#[test]
fn a_range_over_a_whole_batch_costs_points_that_ranges_of_single_images_do_not() {
    let data = digits::load();
    // A pixel that is hardly ever inked is far from its mean when it is: it stretches the range of all images.
    let (mut by_image, mut by_batch) = (Vec::new(), Vec::new());
    for seed in 0..20 {
        let split = Split::seeded(data.len() as u32, seed);
        let (pixels, labels) = data.gather(&split.test);
        let mut trainer = SoftmaxTrainer::new(&data, &split.train, SoftmaxSettings::default()).expect("settings");
        while !trainer.step().expect("a finite loss").done {}
        let model = trainer.model().expect("finite weights");
        let right = |logits: &[f32]| metrics::accuracy(logits, &labels).correct as i32;
        let whole = right(model.forward(&pixels, &mut Scratch::default()).expect("whole images"));
        let lost = |scheme, calibration| {
            let quantized = QuantizedModel::quantize(&model, scheme, calibration).expect("a small model");
            whole - right(quantized.forward(&pixels, &mut Scratch::default()).expect("whole images"))
        };
        by_image.push(lost(Scheme::INT8_DYNAMIC_PER_TENSOR, &[]));
        by_batch.push(lost(Scheme::INT8_STATIC_PER_TENSOR, &pixels));
    }
    println!("of 360: {by_image:?}, {by_batch:?}");
    // 2 and 14, and at most 2 and 5 of 360.
    assert!(3 * by_image.iter().sum::<i32>() < by_batch.iter().sum::<i32>());
}

#[test]
fn a_layer_of_zeros_gives_its_bias_in_every_format() {
    let input = Input::new(8, &Standardizer { mean: vec![4.9; 64], std: vec![6.0; 64] });
    let model = zoo::mlp(input, &[], &mut || 0.0).expect("a whole model");
    let Layer::Dense(dense) = &model.layers()[0] else { panic!("a layer of another kind") };
    let bias: Vec<f32> = (0..10).map(|i| i as f32 * 0.25 - 1.0).collect();
    let layer = quantpad::nn::Dense::new(dense.weight().to_vec(), bias.clone()).expect("a layer");
    let model = Model::new(model.input().clone(), vec![Layer::Dense(layer)]).expect("a whole model");
    let mut scratch = Scratch::default();
    for scheme in Scheme::PRESETS.into_iter().chain(
        ["ternary-static-minmax-per-channel", "binary-static-minmax-per-tensor", "binary-dynamic-per-channel"]
            .map(scheme),
    ) {
        let quantized = quantize(&model, scheme);
        let logits = quantized.forward(&images(1), &mut scratch).expect("an image");
        let apart = logits.iter().zip(&bias).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 0.01, "{}: {logits:?}", scheme.name());
        assert_eq!(argmax(logits), 9);
    }
}

#[test]
fn what_a_model_cannot_be_is_an_error() {
    let [(_, softmax), (_, mlp), _] = models();
    let refused = QuantizedModel::quantize(&softmax, scheme("f16-layer1-f32"), &[]).unwrap_err().to_string();
    assert!(refused.contains("names a layer that this model has not"), "{refused}");
    assert!(QuantizedModel::quantize(&mlp, scheme("f16-layer2-f32"), &[]).is_ok());
    assert!(QuantizedModel::quantize(&mlp, scheme("f16-layer3-f32"), &[]).is_err());
    let static_ranges = Scheme::INT8_STATIC_PER_TENSOR;
    assert!(matches!(QuantizedModel::quantize(&mlp, static_ranges, &[]), Err(Error::Shape { .. })));
    // Parts that are of another scheme.
    let f16 = quantize(&mlp, Scheme::F16);
    for other in [Scheme::BF16, Scheme::F32, Scheme::INT8_DYNAMIC_PER_TENSOR] {
        let parts = QuantizedModel::from_parts(other, f16.input().clone(), f16.layers().to_vec(), &[]);
        assert!(matches!(parts, Err(Error::Scheme { .. })), "{}", other.name());
    }
    let weights_only = quantize(&mlp, Scheme::INT8_WEIGHT_ONLY_PER_CHANNEL);
    let dynamic = Scheme::INT8_DYNAMIC_PER_CHANNEL;
    let parts = QuantizedModel::from_parts(dynamic, mlp.input().clone(), weights_only.layers().to_vec(), &[]);
    assert!(matches!(parts, Err(Error::Scheme { .. })));
    let mut scratch = Scratch::default();
    assert!(f16.forward(&[0.0; 65], &mut scratch).is_err());
}
