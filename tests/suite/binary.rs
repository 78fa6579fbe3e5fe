//! Binary activations: XNOR and popcount give the exact sums of products of −1 and +1, whole networks give the bits of a
//! naive twin in floats, and the two values of an input are those of least squared error.

#[cfg(target_arch = "wasm32")]
use crate::common::test;
use crate::common::{Random, floats};

use quantpad::{
    Error,
    data::Standardizer,
    format::{
        model_file::{read_quantized, write_quantized},
        safetensors::{SafeTensors, Tensor},
    },
    kernels::{self, BitPatches, BitRows, PackedBits},
    nn::{Input, Model, Scratch, zoo},
    quant::{Arithmetic, InputRange, Levels, QuantizedLayer, QuantizedModel, Scheme, StoredWeights, cluster},
};

/// −1 or +1 for each bit.
fn signs(count: usize, random: &mut Random) -> Vec<i32> {
    (0..count).map(|_| if random.byte() & 1 == 1 { 1 } else { -1 }).collect()
}

/// As weights of one bit are stored.
fn packed(signs: &[i32]) -> Vec<u8> {
    signs.chunks(8).map(|signs| signs.iter().rev().fold(0, |byte, &s| byte << 1 | u8::from(s > 0))).collect()
}

fn rows(signs: &[i32], count: usize, inputs: usize) -> BitRows {
    BitRows::from_packed(&packed(signs), count, inputs)
}

fn dot(a: &[i32], b: &[i32]) -> i32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Checks the product of `x` and `w`, of `inputs` values a row.
fn check_product(x: &[i32], w: &[i32], [count, outputs, inputs]: [usize; 3], random: &mut Random) {
    let (factors, addends) = (floats(outputs, 2.0, random), floats(outputs, 2.0, random));
    let (x_rows, w_rows) = (rows(x, count, inputs), rows(w, outputs, inputs));
    for j in 0..outputs {
        assert_eq!(w_rows.sum(j), w[j * inputs..(j + 1) * inputs].iter().sum::<i32>(), "{inputs} inputs, output {j}");
    }
    let packed = PackedBits::new(w_rows, factors.clone(), addends.clone());
    for relu in [false, true] {
        let mut out = vec![f32::NAN; count * outputs];
        kernels::multiply_bits(&x_rows, &packed, relu, &mut out);
        for (i, out) in out.into_iter().enumerate() {
            let (r, j) = (i / outputs, i % outputs);
            let sum = dot(&x[r * inputs..(r + 1) * inputs], &w[j * inputs..(j + 1) * inputs]);
            let real = sum as f32 * factors[j] + addends[j];
            let wanted = if relu && real < 0.0 { 0.0 } else { real };
            assert_eq!(out.to_bits(), wanted.to_bits(), "{inputs} inputs, row {r}, output {j}: {out} for {wanted}");
        }
    }
}

#[test]
fn sums_of_bits_are_exact_for_every_length() {
    let mut random = Random::new(1);
    for inputs in 0..=300 {
        let shape = [1 + inputs % 4, 1 + inputs % 9, inputs];
        let (x, w) = (signs(shape[0] * inputs, &mut random), signs(shape[1] * inputs, &mut random));
        check_product(&x, &w, shape, &mut random);
    }
    check_product(&[], &signs(51, &mut random), [0, 3, 17], &mut random);
}

#[test]
fn sums_of_bits_are_exact_at_the_extremes() {
    let mut random = Random::new(2);
    // About where 31 and 62 vectors of 128 bits end, after which counts no longer fit a byte; and far beyond.
    for inputs in [1, 63, 64, 65, 127, 128, 129, 3967, 3968, 3969, 4096, 7936, 7937, 65_536] {
        for (x, w) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
            check_product(&vec![x; 2 * inputs], &vec![w; 5 * inputs], [2, 5, inputs], &mut random);
        }
        let (x, w) = (signs(3 * inputs, &mut random), signs(4 * inputs, &mut random));
        check_product(&x, &w, [3, 4, inputs], &mut random);
    }
}

#[test]
fn values_become_bits_from_the_threshold_on() {
    let mut random = Random::new(3);
    for inputs in 1..=200 {
        let mut x = floats(3 * inputs, 1.0, &mut random);
        let threshold = random.float() * 0.5;
        x[inputs / 2] = threshold;
        x[inputs / 3] = -0.0;
        let mut found = BitRows::default();
        // What a longer one has left does not matter.
        found.set(&[1.0; 1000], 500, 0.5);
        found.set(&x, inputs, threshold);
        let wanted: Vec<i32> = x.iter().map(|&x| if x >= threshold { 1 } else { -1 }).collect();
        let wanted = rows(&wanted, 3, inputs);
        for r in 0..3 {
            assert_eq!(found.row(r), wanted.row(r), "{inputs} inputs, row {r}");
        }
    }
}

/// What a convolution sees around a pixel, `padding` beyond the image.
fn neighbourhood<T: Copy>(image: &[T], [height, width, channels]: [usize; 3], pixel: usize, padding: T) -> Vec<T> {
    let mut seen = Vec::new();
    for tap in 0..9 {
        let (y, x) = (pixel / width + tap / 3, pixel % width + tap % 3);
        let inside = (1..=height).contains(&y) && (1..=width).contains(&x);
        for c in 0..channels {
            seen.push(if inside { image[((y - 1) * width + x - 1) * channels + c] } else { padding });
        }
    }
    seen
}

#[test]
fn convolutions_of_bits_are_exact_and_their_border_is_what_zero_becomes() {
    let mut random = Random::new(4);
    let mut memory = BitPatches::default();
    for shape in [[1, 1, 1], [2, 3, 1], [8, 8, 1], [8, 8, 8], [5, 7, 21], [4, 4, 22], [3, 2, 64], [28, 28, 3]] {
        let [height, width, channels] = shape;
        for (outputs, threshold) in [(1, 0.2), (5, -0.1), (8, 0.0), (16, -0.0)] {
            let (images, inputs) = (2, 9 * channels);
            let (x, w) =
                (floats(images * height * width * channels, 1.0, &mut random), signs(outputs * inputs, &mut random));
            let packed = PackedBits::new(rows(&w, outputs, inputs), vec![1.0; outputs], vec![0.0; outputs]);
            let mut out = vec![f32::NAN; images * height * width * outputs];
            kernels::convolve_bits(&x, shape, threshold, &mut memory, &packed, false, &mut out);
            let sign = |x: f32| if x >= threshold { 1 } else { -1 };
            let bits: Vec<i32> = x.iter().map(|&x| sign(x)).collect();
            for (i, &found) in out.iter().enumerate() {
                let (pixel, j) = (i / outputs, i % outputs);
                let (image, pixel) = (pixel / (height * width), pixel % (height * width));
                let image = &bits[image * height * width * channels..][..height * width * channels];
                let seen = neighbourhood(image, shape, pixel, sign(0.0));
                assert_eq!(found, dot(&seen, &w[j * inputs..(j + 1) * inputs]) as f32, "{shape:?}, {i}");
            }
        }
    }
}

fn models() -> [(&'static str, Model); 3] {
    let input = || Input::new(8, &Standardizer { mean: vec![4.9; 64], std: vec![6.0; 64] });
    let mut random = quantpad::random::Random::new(1);
    let mut normal = || random.normal();
    [
        ("softmax", zoo::mlp(input(), &[], &mut normal)),
        ("mlp", zoo::mlp(input(), &[32, 17], &mut normal)),
        ("cnn", zoo::cnn(input(), &[4, 9], &mut normal)),
    ]
    .map(|(name, model)| (name, model.expect("a whole model")))
}

fn images(rows: usize) -> Vec<f32> {
    let mut random = Random::new(3);
    (0..rows * 64).map(|_| (random.byte() % 17).into()).collect()
}

fn scheme(name: &str) -> Scheme {
    Scheme::from_name(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// −1 or +1 for each stored weight.
fn weight_signs(weights: &StoredWeights) -> Vec<i32> {
    let bit = |k: usize| i32::from(weights.packed()[k / 8] >> (k % 8) & 1);
    (0..weights.outputs() * weights.inputs()).map(|k| 2 * bit(k) - 1).collect()
}

/// The logits of one image by plain loops over −1 and +1.
fn naive(model: &QuantizedModel, pixels: &[f32]) -> Vec<f32> {
    let mut x = vec![0.0; pixels.len()];
    model.input().standardize(pixels, &mut x).expect("an image");
    for layer in model.layers() {
        if let QuantizedLayer::MaxPool2d(pool) = layer {
            let ([_, width, channels], [_, pooled, _]) = (pool.shape, pool.pooled());
            let (_, outputs) = layer.sizes();
            let largest = |i: usize| {
                let (y, at, c) = (i / channels / pooled, i / channels % pooled, i % channels);
                let value = |dy: usize, dx: usize| x[((2 * y + dy) * width + 2 * at + dx) * channels + c];
                value(0, 0).max(value(0, 1)).max(value(1, 0)).max(value(1, 1))
            };
            x = (0..outputs).map(largest).collect();
            continue;
        }
        let weights = layer.weights().expect("a layer with weights");
        let (w, inputs) = (weight_signs(weights), weights.inputs());
        let Levels { centre, half } = layer.levels().expect("an input of one bit");
        let (bias, relu) = layer.bias_and_relu();
        let sign = |x: f32| if x >= centre { 1 } else { -1 };
        let bits: Vec<i32> = x.iter().map(|&x| sign(x)).collect();
        let seen: Vec<Vec<i32>> = match layer.images() {
            None => vec![bits],
            Some(shape) => {
                (0..shape[0] * shape[1]).map(|pixel| neighbourhood(&bits, shape, pixel, sign(0.0))).collect()
            }
        };
        x.clear();
        for seen in seen {
            for (j, &bias) in bias.iter().enumerate() {
                let w = &w[j * inputs..(j + 1) * inputs];
                let scale = weights.scales()[if weights.scales().len() == 1 { 0 } else { j }];
                let addend = centre * w.iter().sum::<i32>() as f32 * scale + bias;
                let real = dot(&seen, w) as f32 * (half * scale) + addend;
                x.push(if relu && real < 0.0 { 0.0 } else { real });
            }
        }
    }
    x
}

#[test]
fn whole_networks_give_the_bits_of_a_naive_twin() {
    let pixels = images(9);
    let mut scratch = Scratch::default();
    for (name, model) in models() {
        for scheme_name in ["binary-xnor-per-tensor", "binary-xnor-per-channel", "binary-xnor-per-channel-qat"] {
            let quantized = QuantizedModel::quantize(&model, scheme(scheme_name), &images(30)).expect("a small model");
            assert_eq!(quantized.arithmetic(), Arithmetic::Xnor, "{name} {scheme_name}");
            let wanted: Vec<f32> = pixels.chunks(64).flat_map(|pixels| naive(&quantized, pixels)).collect();
            let found = quantized.forward(&pixels, &mut scratch).expect("whole images").to_vec();
            assert_eq!(found, wanted, "{name} {scheme_name}");
            for (pixels, wanted) in pixels.chunks(64).zip(wanted.chunks(10)) {
                assert_eq!(quantized.forward(pixels, &mut scratch).expect("an image"), wanted, "{name}, one image");
            }
            let differ = found.chunks(10).any(|logits| logits != &found[..10]);
            assert!(differ, "{name} {scheme_name}: the same answer to every image");
        }
        let mixed = scheme("binary-xnor-per-channel-first-f32-last-int8");
        let quantized = QuantizedModel::quantize(&model, mixed, &images(30)).expect("a small model");
        let wanted = if name == "softmax" { Arithmetic::Float } else { Arithmetic::MixedXnor };
        assert_eq!(quantized.arithmetic(), wanted, "{name}");
        assert!(quantized.forward(&pixels, &mut scratch).is_ok());
    }
    let [(_, softmax), ..] = models();
    assert!(matches!(QuantizedModel::quantize(&softmax, Scheme::XNOR_PER_CHANNEL, &[]), Err(Error::Shape { .. })));
    let [ranges, none] = [vec![InputRange::Levels(Levels { centre: 0.5, half: 2.0 })], Vec::new()];
    let quantized = QuantizedModel::with_ranges(&softmax, Scheme::XNOR_PER_CHANNEL, &ranges).expect("a small model");
    assert_eq!(quantized.ranges(), ranges);
    assert!(QuantizedModel::with_ranges(&softmax, Scheme::XNOR_PER_CHANNEL, &none).is_err());
    let error = QuantizedModel::with_ranges(&softmax, Scheme::INT8_STATIC_PER_TENSOR, &ranges).unwrap_err();
    assert!(error.to_string().contains("range of another kind"), "{error}");
}

fn squared_error(levels: Levels, x: &[f32]) -> f64 {
    x.iter().map(|&x| (f64::from(x) - f64::from(levels.nearest(x))).powi(2)).sum()
}

#[test]
fn the_two_values_are_of_least_squared_error() {
    let mut random = Random::new(5);
    for count in [2, 3, 10, 100, 1000] {
        for shift in [-2.0, 0.0, 5.0] {
            // As after a ReLU, and not.
            for relu in [false, true] {
                let mut x: Vec<f32> = floats(count, 1.0, &mut random).iter().map(|x| x + shift * x.abs()).collect();
                if relu {
                    x.iter_mut().for_each(|x| *x = x.max(0.0));
                }
                let levels = Levels::of(&x).expect("finite values");
                let mean = |upper: bool| {
                    let kept = x.iter().filter(|x| (**x >= levels.centre) == upper).map(|&x| f64::from(x));
                    kept.clone().sum::<f64>() / kept.count() as f64
                };
                for (upper, value) in [(false, levels.centre - levels.half), (true, levels.centre + levels.half)] {
                    let mean = mean(upper);
                    assert!(mean.is_nan() || (mean - f64::from(value)).abs() < 1e-5, "{levels:?}: {mean} for {value}");
                }
                // Of many values no other two are much better; of few a step may be missed.
                let best = cluster::k_means(&x, 2);
                let best = Levels { centre: (best[0] + best[1]) / 2.0, half: (best[1] - best[0]) / 2.0 };
                let (found, least) = (squared_error(levels, &x), squared_error(best, &x));
                assert!(count < 100 || found <= 1.02 * least, "{count} values: {found}, {least} is possible");
                let mut rounded = vec![0.0; count];
                levels.round(&x, &mut rounded);
                let mut again = vec![0.0; count];
                levels.round(&rounded, &mut again);
                assert_eq!(again, rounded, "rounding twice changes nothing");
                assert!(rounded.iter().all(|y| [levels.centre - levels.half, levels.centre + levels.half].contains(y)));
            }
        }
    }
    assert_eq!(Levels::of(&[0.75; 9]), Ok(Levels { centre: 0.75, half: 0.0 }));
    assert_eq!(Levels::of(&[]), Ok(Levels::NONE));
    assert_eq!(Levels::of(&[0.0, 0.0, 0.0, 8.0]), Ok(Levels { centre: 4.0, half: 4.0 }));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(matches!(Levels::of(&[1.0, bad, 2.0]), Err(Error::NotFinite { .. })));
    }
    assert!(matches!(Levels::of(&[f32::MAX, f32::MIN]).and_then(Levels::check), Ok(_) | Err(Error::NotFinite { .. })));
}

#[test]
fn values_follow_the_batches_and_gradients_pass_near_them() {
    let levels = Levels { centre: 1.0, half: 0.5 };
    let batch = [0.0, 2.0, 0.0, 2.0];
    let mut followed = levels;
    (0..2000).for_each(|_| followed = followed.following(&batch));
    assert!((followed.centre - 1.0).abs() < 1e-5 && (followed.half - 1.0).abs() < 1e-5, "{followed:?}");
    assert_eq!(levels.following(&[]), levels);
    let x = [-0.5, 0.01, 1.0, 1.99, 2.5, 0.0, 2.0];
    let mut gradient = [1.0; 7];
    levels.straight_through(&x, &mut gradient);
    assert_eq!(gradient, [0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
}

#[test]
fn corrected_biases_keep_the_mean_of_every_last_output() {
    let pixels = images(40);
    let (mut a, mut b) = (Scratch::default(), Scratch::default());
    for (name, model) in models() {
        let means = |logits: &[f32]| {
            (0..10)
                .map(|j| logits.iter().skip(j).step_by(10).map(|&v| f64::from(v)).sum::<f64>() / 40.0)
                .collect::<Vec<_>>()
        };
        let wanted = means(model.forward(&pixels, &mut a).expect("whole images"));
        let distance = |quantized: QuantizedModel, scratch: &mut Scratch| {
            let found = means(quantized.forward(&pixels, scratch).expect("whole images"));
            found.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        let scheme = Scheme::XNOR_PER_CHANNEL;
        let plain = distance(QuantizedModel::quantize(&model, scheme, &pixels).expect("a small model"), &mut b);
        let corrected = QuantizedModel::quantize_corrected(&model, scheme, &pixels).expect("a small model");
        let corrected = distance(corrected, &mut b);
        assert!(plain > 0.05 && corrected < 1e-4, "{name}: {plain} to {corrected}");
        assert!(QuantizedModel::quantize_corrected(&model, scheme, &[]).is_err());
    }
}

#[test]
fn a_file_with_other_values_is_refused() {
    let [(_, softmax), ..] = models();
    let quantized = QuantizedModel::quantize(&softmax, Scheme::XNOR_PER_CHANNEL, &images(30)).expect("a small model");
    let bytes = write_quantized(&quantized);
    assert_eq!(read_quantized(&bytes), Ok(quantized));
    let with = |values: &[f32]| {
        let file = SafeTensors::read(&bytes).expect("a whole file");
        let tensors = file.tensors.iter().map(|tensor| {
            let changed = tensor.name == "0.input_levels";
            let data =
                if changed { values.iter().flat_map(|v| v.to_le_bytes()).collect() } else { tensor.data.to_vec() };
            let shape = if changed { vec![values.len()] } else { tensor.shape.clone() };
            Tensor { name: tensor.name.clone(), dtype: tensor.dtype, shape, data: data.into() }
        });
        let metadata = file.metadata.clone();
        read_quantized(&SafeTensors { metadata, tensors: tensors.collect() }.write())
    };
    assert!(with(&[0.0, 1.0]).is_ok() && with(&[-3.0, 0.0]).is_ok());
    for values in
        [&[0.0, -1.0][..], &[f32::NAN, 1.0], &[0.0, f32::INFINITY], &[f32::MAX, f32::MAX], &[1.0], &[1.0, 2.0, 3.0]]
    {
        let error = with(values).expect_err("values that make no sense").to_string();
        assert!(error.contains("not a middle and half a distance"), "{values:?}: {error}");
    }
}
