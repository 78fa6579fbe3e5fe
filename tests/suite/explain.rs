//! One output, explained: every step leads to the number that the model itself gives, to the bit.

use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    data::Standardizer,
    eval::{
        cost,
        explain::{Explanation, explain},
        size,
    },
    nn::{Input, Layer, Model, Scratch, zoo},
    quant::{InputRange, QuantizedLayer, QuantizedModel, Scheme, affine::QParams},
    random::Random,
};

/// Trained models have biases, so these have some too.
fn models() -> [(&'static str, Model); 3] {
    let mean = (0..64).map(|i| f64::from(i % 11)).collect();
    let input = || Input::new(8, &Standardizer { mean: Vec::clone(&mean), std: vec![6.0; 64] });
    let mut random = Random::new(1);
    let mut normal = || random.normal();
    let models = [
        ("softmax", zoo::mlp(input(), &[], &mut normal)),
        ("mlp", zoo::mlp(input(), &[32, 16], &mut normal)),
        ("cnn", zoo::cnn(input(), &[4, 6], &mut normal)),
    ];
    let mut numbers = common::Random::new(9);
    models.map(|(name, model)| {
        let model = model.expect("a whole model");
        let layers = model.layers().iter().map(|layer| {
            let Some((weight, bias)) = layer.parameters() else { return layer.clone() };
            let bias = common::floats(bias.len(), 0.5, &mut numbers);
            layer.with_parameters(weight.to_vec(), bias).expect("a layer")
        });
        (name, Model::new(model.input().clone(), layers.collect()).expect("a whole model"))
    })
}

fn images(rows: usize) -> Vec<f32> {
    let mut random = common::Random::new(3);
    (0..rows * 64).map(|_| (random.byte() % 17).into()).collect()
}

/// Every preset, and what else takes a way of its own.
fn schemes() -> Vec<Scheme> {
    let others = [
        "int8-static-entropy-per-tensor",
        "int4-affine-dynamic-per-channel",
        "int4-affine-static-minmax-per-channel",
        "int4-affine-per-channel",
        "ternary-dynamic-per-channel",
        "binary-static-minmax-per-channel",
        "codebook7-per-channel",
        "int8-dynamic-per-channel-first-f32",
        "int8-static-minmax-per-channel-last-f16",
        "int8-static-minmax-per-channel-layer1-f32",
    ];
    let others = others.map(|name| Scheme::from_name(name).expect("a scheme"));
    Scheme::PRESETS.into_iter().chain(others).collect()
}

/// Calls `check` with every model in every scheme.
fn each(mut check: impl FnMut(&str, &QuantizedModel, &QuantizedModel)) {
    for (name, model) in models() {
        let fp32 = QuantizedModel::quantize(&model, Scheme::F32, &[]).expect("a scheme");
        for scheme in schemes() {
            let quantized = QuantizedModel::quantize(&model, scheme, &images(16));
            let Ok(quantized) = quantized else { continue };
            check(&format!("{name} {}", scheme.name()), &fp32, &quantized);
        }
    }
}

fn weighted(model: &QuantizedModel) -> Vec<usize> {
    (0..model.layers().len()).filter(|&number| model.layers()[number].weights().is_some()).collect()
}

#[test]
fn the_last_layer_comes_to_the_models_own_logits() {
    let mut scratch = Scratch::default();
    let mut checked = 0;
    each(|name, fp32, quantized| {
        let model = fp32.decode().expect("finite weights");
        let last = quantized.layers().len() - 1;
        for image in images(5).chunks(64) {
            let wanted = quantized.forward(image, &mut scratch).expect("an image").to_vec();
            let wanted_fp32 = model.forward(image, &mut scratch).expect("an image").to_vec();
            for (output, (&wanted, &wanted_fp32)) in wanted.iter().zip(&wanted_fp32).enumerate() {
                let told = explain(fp32, quantized, image, last, output, &mut scratch).expect("an explanation");
                assert_eq!((told.quantized.result as f32).to_bits(), wanted.to_bits(), "{name} {output}");
                assert_eq!((told.fp32.result as f32).to_bits(), wanted_fp32.to_bits(), "{name} {output}: fp32");
                checked += 1;
            }
        }
    });
    assert!(checked > 3000, "{checked}");
}

/// What an output of a hidden layer says, and what the layer after it (perhaps pooling) is given.
#[test]
fn hidden_layers_come_to_what_the_next_one_is_given() {
    let mut scratch = Scratch::default();
    each(|name, fp32, quantized| {
        let image = &images(3)[64..128];
        for number in weighted(quantized) {
            let next = quantized.input_of(number + 1, image, &mut scratch).expect("a layer");
            let outputs = quantized.layers()[number].sizes().1;
            for output in (0..outputs).step_by(1 + outputs / 40) {
                let told = explain(fp32, quantized, image, number, output, &mut scratch).expect("an explanation");
                assert_eq!(told.quantized.result.to_bits(), next.reals[output].to_bits(), "{name} {number} {output}");
                let integer = told.integers.as_ref().and_then(|integers| integers.next);
                let carried = next.rounded.as_ref().filter(|rounded| rounded.carried);
                assert_eq!(
                    integer,
                    carried.map(|rounded| (rounded.q[output], rounded.params)),
                    "{name} {number} {output}"
                );
            }
        }
    });
}

/// Observed ranges of a ReLU begin at 0; those of a file need not.
#[test]
fn a_relu_cuts_off_at_the_zero_point_of_its_range() {
    let [_, (_, mlp), _] = models();
    let ranges = [QParams::u8(0.04, 100), QParams::u8(0.05, 90), QParams::u8(0.1, 110)];
    let quantized = QuantizedModel::with_ranges(&mlp, Scheme::INT8_STATIC_PER_TENSOR, &ranges.map(InputRange::from))
        .expect("a scheme");
    let fp32 = QuantizedModel::quantize(&mlp, Scheme::F32, &[]).expect("a scheme");
    let mut scratch = Scratch::default();
    let image = &images(1);
    let next = quantized.input_of(1, image, &mut scratch).expect("a layer").rounded.expect("integers");
    let told = |output| explain(&fp32, &quantized, image, 0, output, &mut scratch).expect("an explanation");
    let found: Vec<_> = (0..32).map(told).filter_map(|told| Some(told.integers?.next?.0)).collect();
    assert_eq!(found, next.q);
    assert!(found.contains(&90) && found.iter().all(|&q| q >= 90), "{found:?}");
}

/// The steps again, from the numbers that are told alone.
#[test]
fn every_step_follows_from_the_one_before() {
    let mut scratch = Scratch::default();
    let close = |a: f64, b: f64, size: f64| (a - b).abs() <= 1e-5 * size.max(1.0);
    let activate = |told: &Explanation, real: f64| if told.relu { real.max(0.0) } else { real };
    let (mut integer_layers, mut float_layers) = (0, 0);
    each(|name, fp32, quantized| {
        let image = &images(2)[64..];
        for number in weighted(quantized) {
            let told = explain(fp32, quantized, image, number, 7, &mut scratch).expect("an explanation");
            for sum in [&told.fp32, &told.quantized] {
                let size: f64 = sum.x.iter().zip(&sum.w).map(|(x, w)| (x * w).abs()).sum();
                let products = sum.x.iter().zip(&sum.w).map(|(x, w)| x * w);
                let partial = products.scan(0.0, |sum, product| {
                    *sum += product;
                    Some(*sum)
                });
                assert!(partial.zip(&sum.sums).all(|(a, &b)| close(a, b, size)), "{name} {number}");
                let all = sum.sums.last().expect("inputs") + f64::from(sum.bias);
                let integers = core::ptr::eq(sum, &raw const told.quantized) && told.integers.is_some();
                assert!(integers || close(activate(&told, all), sum.result, size), "{name} {number}: {all}");
            }
            let Some(integers) = &told.integers else {
                float_layers += 1;
                continue;
            };
            integer_layers += 1;
            let mut total = 0;
            for i in 0..told.taps.len() {
                let real = if told.taps[i].is_some() { told.quantized.x[i] as f32 } else { 0.0 };
                assert_eq!(integers.params.quantize(real), i32::from(integers.q[i]), "{name} {number} {i}");
                let product = (i32::from(integers.q[i]) - integers.params.zero_point) * i32::from(integers.weights[i]);
                total += product;
                assert_eq!((integers.products[i], integers.sums[i]), (product, total), "{name} {number} {i}");
                let weight = f64::from(integers.weights[i]) * f64::from(integers.weight_scale);
                assert!(close(weight, told.quantized.w[i], 1.0), "{name} {number} {i}");
            }
            // In reals: the result is the sum at its scale, and the bias.
            let step = f64::from(integers.params.scale * integers.weight_scale);
            let real = activate(&told, f64::from(total) * step + f64::from(told.quantized.bias));
            let tolerance = step + integers.next.map_or(0.0, |(_, to)| f64::from(to.scale));
            let largest = integers.next.map_or(f64::MAX, |(_, to)| to.dequantize(255).into());
            assert!((real.min(largest) - told.quantized.result).abs() <= tolerance, "{name} {number}: {real}");
        }
    });
    assert!(integer_layers > 30 && float_layers > 30, "{integer_layers} and {float_layers}");
}

#[test]
fn weights_stored_small_are_what_their_codes_mean() {
    let mut scratch = Scratch::default();
    each(|name, fp32, quantized| {
        for number in weighted(quantized) {
            let told = explain(fp32, quantized, &images(1), number, 3, &mut scratch).expect("an explanation");
            let stored = quantized.layers()[number].weights().expect("weights");
            let (scale, zero_point) = told.code_params;
            for (i, &code) in told.codes.iter().enumerate() {
                let wanted = if stored.format().has_scales() {
                    (code - i64::from(zero_point)) as f32 * scale
                } else if let Some(value) = stored.codebook().get(code as usize) {
                    let row = if stored.codebook().len() > 16 { 3 * 7 } else { 0 };
                    if row == 0 { *value } else { stored.codebook()[row + code as usize] }
                } else {
                    continue;
                };
                assert_eq!(f64::from(wanted), told.quantized.w[i], "{name} {number} {i}");
            }
            let none = stored.format().bits() == 64;
            assert_eq!(told.codes.len(), if none { 0 } else { stored.inputs() }, "{name} {number}");
        }
    });
}

#[test]
fn what_there_is_not_cannot_be_explained() {
    let [(_, softmax), (_, mlp), (_, cnn)] = models();
    let quantize = |model| QuantizedModel::quantize(model, Scheme::INT8_DYNAMIC_PER_TENSOR, &[]).expect("a scheme");
    let twin = quantize(&cnn);
    let mut scratch = Scratch::default();
    let mut refused = |model: &Model, image: &[f32], layer, output| {
        let fp32 = QuantizedModel::quantize(model, Scheme::F32, &[]).expect("a scheme");
        explain(&fp32, &twin, image, layer, output, &mut scratch).expect_err("refused")
    };
    let image = images(1);
    assert!(matches!(refused(&cnn, &image, 4, 0), Error::OutOfRange { number: 4, count: 4, .. }));
    assert!(matches!(refused(&cnn, &image, 2, 0), Error::OutOfRange { number: 2, .. }), "pooling has no weights");
    assert!(matches!(refused(&cnn, &image, 3, 10), Error::OutOfRange { number: 10, count: 10, .. }));
    assert!(matches!(refused(&cnn, &image[1..], 3, 0), Error::Shape { .. }));
    assert!(matches!(refused(&softmax, &image, 0, 0), Error::Shape { .. }), "another network");
    assert!(matches!(refused(&mlp, &image, 0, 0), Error::Shape { .. }), "another network");
    let message = refused(&cnn, &image, 3, 10).to_string();
    assert_eq!(message, "There is no output 10: they are counted from 0, and there are 10.");
    assert!(twin.input_of(5, &image, &mut scratch).is_err());
}

#[test]
fn a_layers_facts_add_up_to_the_bytes_of_the_file() {
    each(|name, _, quantized| {
        let (bytes, layers) = (size::of_quantized(quantized), cost::layers(quantized));
        let sum = |of: fn(&cost::LayerFacts) -> usize| layers.iter().map(of).sum::<usize>();
        let packed = sum(|l| (l.inputs * l.outputs * l.format.bits() as usize).div_ceil(8));
        assert_eq!(packed, bytes.weights, "{name}");
        assert_eq!(sum(|l| 4 * l.outputs), bytes.biases, "{name}");
        assert_eq!(sum(|l| 4 * l.scales), bytes.scales, "{name}");
        assert_eq!(sum(|l| l.zero_points[0] * l.zero_points[1]), bytes.zero_points, "{name}");
        assert_eq!(sum(|l| 4 * l.codebook), bytes.codebooks, "{name}");
        assert_eq!(sum(|l| l.range_bytes), bytes.ranges, "{name}");
    });
}

#[test]
fn multiplications_are_counted_layer_by_layer() {
    let counts = models().map(|(_, model)| {
        let quantized = QuantizedModel::quantize(&model, Scheme::F16, &[]).expect("a scheme");
        let found: Vec<usize> = cost::layers(&quantized).iter().map(|layer| layer.multiply_adds).collect();
        let wanted: Vec<usize> = model
            .layers()
            .iter()
            .filter_map(|layer| match layer {
                Layer::Dense(dense) => Some(dense.weight().len()),
                Layer::Conv2d(conv) => Some(conv.weight().len() * conv.shape()[0] * conv.shape()[1]),
                Layer::MaxPool2d(_) => None,
            })
            .collect();
        assert_eq!(found, wanted);
        assert!(quantized.layers().iter().all(|layer| !matches!(layer, QuantizedLayer::Dense(..))));
        found.iter().sum::<usize>()
    });
    assert_eq!(counts, [640, 64 * 32 + 32 * 16 + 160, 64 * 9 * 4 + 64 * 36 * 6 + 16 * 6 * 10]);
}
