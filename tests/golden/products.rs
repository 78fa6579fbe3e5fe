//! Integer products: kernels and whole networks equal to ONNX Runtime.

use crate::common::shared::{doubles, float, floats, integer, integers, list, reference};
use quantpad::{
    data::{Standardizer, digits},
    kernels::{self, Activations, Border, DotPath, PackedI8, Patches, Requantize, Sink},
    nn::{Conv2d, Dense, Input, Layer, MaxPool2d, Model, Scratch},
    quant::{
        InputRange, QuantizedLayer, QuantizedModel, Scheme,
        affine::{self, QParams},
    },
};
use serde_json::Value;

fn bytes(value: &Value) -> Vec<u8> {
    integers(value).into_iter().map(|q| q as u8).collect()
}

fn weights(value: &Value) -> Vec<i8> {
    integers(value).into_iter().map(|w| w as i8).collect()
}

/// `[rows][channels][pixels]`, as ONNX has images and filters, to our `[rows][pixels][channels]`.
fn channels_last<T: Copy>(values: &[T], channels: usize, pixels: usize) -> Vec<T> {
    let image = |row: &[T]| (0..pixels * channels).map(|i| row[i % channels * pixels + i / channels]).collect();
    values.chunks_exact(channels * pixels).flat_map(|row| -> Vec<T> { image(row) }).collect()
}

/// `[rows, width]`, `stride` values apart, as the kernels of this build read them.
fn activations(q: &[u8], width: usize, stride: usize, zero_point: u8) -> Activations {
    let mut stored = Activations::default();
    stored.reset(DotPath::of_this_engine(), q.len() / width, stride);
    q.chunks_exact(width).enumerate().for_each(|(r, q)| stored.set_row(r, q, zero_point));
    stored
}

/// An integer product of the reference: a matrix product, or a 3x3 convolution of one image, stored our way.
struct Case {
    x: Activations,
    x_zero_point: u8,
    w: PackedI8,
    patches: Option<Patches>,
}

impl Case {
    /// `None` when the weights are not i8 with zero point 0 or the activations not u8: the kernels take no others.
    fn matmul(case: &Value) -> Option<Self> {
        let is = |key: &str, wanted: &str| case.get(key).is_none_or(|kind| kind == wanted);
        let b_zero_points = case.get("b_zero_points").map_or_else(|| vec![integer(&case["b_zero_point"])], integers);
        if !is("a_type", "uint8") || !is("b_type", "int8") || b_zero_points.iter().any(|&z| z != 0) {
            return None;
        }
        let [k, n] = ["k", "n"].map(|key| integer(&case[key]) as usize);
        // Theirs is [inputs, outputs].
        let w = PackedI8::new(&channels_last(&weights(&case["b"]), k, n), k, n).expect("a full matrix");
        let x_zero_point = integer(&case["a_zero_point"]) as u8;
        let x = activations(&bytes(&case["a"]), k, w.stride(), x_zero_point);
        Some(Self { x, x_zero_point, w, patches: None })
    }

    /// `None` when the convolution is not 3x3 with a border of one pixel and stride 1: the kernels have no other.
    fn convolution(case: &Value) -> Option<Self> {
        let sizes = |key: &str| -> Vec<usize> { integers(&case[key]).into_iter().map(|size| size as usize).collect() };
        let (x_shape, w_shape) = (sizes("x_shape"), sizes("w_shape"));
        if w_shape[2..] != [3, 3] || case["pad"] != 1 || case["stride"] != 1 {
            return None;
        }
        let [channels, height, width] = x_shape[1..] else { panic!("an image of shape {x_shape:?}") };
        let patches = Patches::new([height, width, channels], 4);
        let w = patches.spread(&channels_last(&weights(&case["w"]), channels, 9));
        let w = PackedI8::new(&w, patches.inputs(), w_shape[0]).expect("whole filters");
        let x = channels_last(&bytes(&case["x"]), channels, height * width);
        let x_zero_point = integer(&case["x_zero_point"]) as u8;
        let x = activations(&x, patches.image_len(), patches.image_len(), x_zero_point);
        Some(Self { x, x_zero_point, w, patches: Some(patches) })
    }

    fn run(&self, sink: Sink) {
        match &self.patches {
            None => kernels::multiply(&self.x, &self.w, sink),
            Some(patches) => kernels::convolve(&self.x, patches, &mut Border::default(), &self.w, sink),
        }
    }

    /// Outputs of a row or an image.
    fn outputs(&self) -> usize {
        self.patches.as_ref().map_or(1, Patches::pixels) * self.w.outputs()
    }

    fn sums(&self) -> Vec<i64> {
        let mut sums = vec![0; self.x.count() * self.outputs()];
        self.run(Sink::Sums(&mut sums));
        sums.into_iter().map(i64::from).collect()
    }

    /// The next layer's integers; `x_scale` and `w_scales` are the keys of the scales.
    fn requantized(&self, case: &Value, [x_scale, w_scales]: [&str; 2]) -> Vec<i64> {
        let outputs = self.w.outputs();
        let [x_scale, y_scale] = [x_scale, "y_scale_bits"].map(|key| float(&case[key]));
        let multiplier = |&w: &f32| affine::requantize_multiplier(x_scale, w, y_scale);
        let multipliers: Vec<f32> = floats(&case[w_scales]).iter().map(multiplier).cycle().take(outputs).collect();
        let bias = case.get("bias_i32").map_or_else(|| vec![0; outputs], integers);
        let bias: Vec<i32> = bias.into_iter().map(|b| b as i32).collect();
        let zero_point = integer(&case["y_zero_point"]) as u8;
        let to = Requantize::new(&self.w, self.x_zero_point, &bias, &multipliers, zero_point, 0);
        let mut out = Activations::default();
        out.reset(self.w.path(), self.x.count(), self.outputs());
        out.set_zero_point(zero_point);
        self.run(Sink::Activations(&to, &mut out));
        (0..out.count()).flat_map(|r| out.row(r)).map(i64::from).collect()
    }

    /// What the reference says of the outputs, in our order.
    fn wanted(&self, values: &Value) -> Vec<i64> {
        let pixels = self.outputs() / self.w.outputs();
        channels_last(&integers(values), self.w.outputs(), pixels)
    }
}

/// Hands each case that fits to `check`, with its number; says how many did not, and fails when none did.
fn each(data: &Value, key: &str, read: fn(&Value) -> Option<Case>, check: impl Fn(&Value, &Case, usize)) {
    let cases = list(&data[key]);
    let mut checked = 0;
    for (i, value) in cases.iter().enumerate() {
        if let Some(case) = read(value) {
            check(value, &case, i);
            checked += 1;
        }
    }
    println!("{key}: {checked} of {} cases checked, the kernels do not take the others", cases.len());
    assert!(checked > 0, "{key}: no case that the kernels take");
}

#[test]
fn integer_products_are_matmul_integers() {
    let Some(data) = reference("matmul") else { return };
    each(&data, "matmul_integer", Case::matmul, |value, case, i| {
        assert_eq!(case.sums(), case.wanted(&value["y"]), "case {i}");
    });
}

#[test]
fn requantized_products_are_qlinear_matmuls() {
    let Some(data) = reference("matmul") else { return };
    each(&data, "qlinear_matmul", Case::matmul, |value, case, i| {
        assert_eq!(case.sums(), case.wanted(&value["acc"]), "case {i}");
        let found = case.requantized(value, ["a_scale_bits", "b_scales_bits"]);
        assert_eq!(found, case.wanted(&value["y"]), "case {i}");
    });
}

#[test]
fn integer_convolutions_are_conv_integers() {
    let Some(data) = reference("matmul") else { return };
    each(&data, "conv_integer", Case::convolution, |value, case, i| {
        assert_eq!(case.sums(), case.wanted(&value["y"]), "case {i}");
    });
}

#[test]
fn requantized_convolutions_are_qlinear_convs() {
    let Some(data) = reference("matmul") else { return };
    each(&data, "qlinear_conv", Case::convolution, |value, case, i| {
        let found = case.requantized(value, ["x_scale_bits", "w_scales_bits"]);
        assert_eq!(found, case.wanted(&value["y"]), "case {i}");
    });
}

/// Images of the reference's rows.
fn images(rows: &Value) -> Vec<f32> {
    let rows: Vec<u32> = integers(rows).into_iter().map(|row| row as u32).collect();
    digits::load().gather(&rows).0
}

/// A network of the reference, which sees pixels / 16.
fn network(case: &Value) -> Model {
    let mut shape = [8, 8, 1];
    let mut layers = Vec::new();
    for layer in list(&case["layers"]) {
        let [weight, bias] = ["weight_bits", "bias_bits"].map(|key| layer.get(key).map_or(vec![], floats));
        let relu = layer["relu"] == true;
        let [height, width, channels] = shape;
        layers.push(match layer["type"].as_str() {
            Some("lin") => {
                // Theirs reads channel after channel.
                let dense = Dense::new(channels_last(&weight, channels, height * width), bias).expect("a layer");
                shape = [1, 1, dense.outputs()];
                Layer::Dense(if relu { dense.with_relu() } else { dense })
            }
            Some("conv") => {
                let conv = Conv2d::new(shape, channels_last(&weight, channels, 9), bias).expect("a layer");
                shape[2] = conv.channels_out();
                Layer::Conv2d(if relu { conv.with_relu() } else { conv })
            }
            Some("pool") => {
                let pool = MaxPool2d { shape };
                shape = pool.pooled();
                Layer::MaxPool2d(pool)
            }
            other => panic!("an unknown layer {other:?}"),
        });
    }
    let scaling = Standardizer { mean: vec![0.0; 64], std: vec![16.0; 64] };
    Model::new(Input::new(8, &scaling), layers).expect("a whole model")
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn whole_models_in_floats_are_within_1e_5_of_f64() {
    let Some(data) = reference("models") else { return };
    for case in list(&data) {
        let (model, pixels, mut scratch) = (network(case), images(&case["rows"]), Scratch::default());
        let wanted = doubles(&case["float_logits_f64"]);
        let check = |found: &[f32], wanted: &[f64], how: &str| {
            assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((f64::from(*found) - wanted).abs() < 1e-5, "{} {how}: {found} for {wanted}", case["name"]);
            }
        };
        check(model.forward(&pixels, &mut scratch).expect("whole images"), &wanted, "in a batch");
        for (pixels, wanted) in pixels.chunks(64).zip(wanted.chunks(10)) {
            check(model.forward(pixels, &mut scratch).expect("an image"), wanted, "one by one");
        }
    }
}

#[test]
fn whole_models_in_f64_are_the_reference_rounded_once() {
    let Some(data) = reference("models") else { return };
    for case in list(&data) {
        let model = QuantizedModel::quantize(&network(case), Scheme::F64, &[]).expect("small layers");
        let mut scratch = Scratch::default();
        let found = model.forward(&images(&case["rows"]), &mut scratch).expect("whole images");
        for (found, wanted) in found.iter().zip(doubles(&case["float_logits_f64"])) {
            let apart = (f64::from(*found) - wanted).abs();
            assert!(apart <= wanted.abs() * 6e-8 + 1e-12, "{}: {found} for {wanted}", case["name"]);
        }
    }
}

#[test]
fn whole_dynamic_models_are_onnx_runtimes_bit_for_bit() {
    let Some(data) = reference("models") else { return };
    for case in list(&data) {
        let (model, pixels, mut scratch) = (network(case), images(&case["rows"]), Scratch::default());
        let [per_tensor, per_channel] = [Scheme::INT8_DYNAMIC_PER_TENSOR, Scheme::INT8_DYNAMIC_PER_CHANNEL]
            .map(|scheme| QuantizedModel::quantize(&model, scheme, &[]).expect("small layers"));
        // ONNX Runtime's dynamic quantizer gives a convolution one scale whatever it is asked for.
        let layers = per_tensor.layers().iter().zip(per_channel.layers());
        let layer = |(one, many): (&QuantizedLayer, &QuantizedLayer)| match one {
            QuantizedLayer::Conv2d(..) => one.clone(),
            _ => many.clone(),
        };
        let (scheme, input) = (per_channel.scheme(), model.input().clone());
        let per_channel = QuantizedModel::from_parts(scheme, input, layers.map(layer).collect(), &[]).expect("a model");
        for (quantized, key) in [
            (per_tensor, "onnxruntime_dynamic_per_tensor_one_row_at_a_time_bits"),
            (per_channel, "onnxruntime_dynamic_per_channel_one_row_at_a_time_bits"),
        ] {
            let (wanted, name) = (bits(&floats(&case[key])), format!("{} {}", case["name"], quantized.scheme().name()));
            let logits = quantized.forward(&pixels, &mut scratch).expect("whole images");
            assert_eq!(bits(logits), wanted, "{name}, in a batch");
            for (pixels, wanted) in pixels.chunks(64).zip(wanted.chunks(10)) {
                assert_eq!(bits(quantized.forward(pixels, &mut scratch).expect("an image")), wanted, "{name}");
            }
        }
    }
}

/// The parameters of ONNX Runtime's tensor `name`.
fn stored(parameters: &Value, name: &str) -> QParams {
    let scale = floats(&parameters[format!("{name}_scale")]["bits"])[0];
    QParams::u8(scale, integers(&parameters[format!("{name}_zero_point")]["q"])[0] as u8)
}

/// Each static model of the reference: its name, logits and parameters, our model with ranges of our own, and the
/// number of each layer that has weights.
fn each_static(check: impl Fn(&str, &Value, &[f32], &Value, &QuantizedModel, &[usize])) {
    let Some(data) = reference("models") else { return };
    let calibration = images(&list(&data)[0]["static_calibration_rows"]);
    for case in list(&data) {
        for (scheme, key) in [
            (Scheme::INT8_STATIC_PER_TENSOR, "onnxruntime_static_minmax_per_tensor"),
            (Scheme::INT8_STATIC_PER_CHANNEL, "onnxruntime_static_minmax_per_channel"),
        ] {
            let model = QuantizedModel::quantize(&network(case), scheme, &calibration).expect("small layers");
            let weighted: Vec<usize> =
                (0..model.layers().len()).filter(|&i| model.layers()[i].product().is_some()).collect();
            let (logits, parameters) = (floats(&case[format!("{key}_bits")]), &case[format!("{key}_parameters")]);
            let name = format!("{} {}", case["name"], scheme.name());
            check(&name, &case["rows"], &logits, parameters, &model, &weighted);
        }
    }
}

#[test]
fn static_ranges_are_onnx_runtimes() {
    each_static(|name, _, _, parameters, model, weighted| {
        for (i, &layer) in weighted.iter().enumerate() {
            let product = model.layers()[layer].product().expect("weights");
            let weight_scales = floats(&parameters[format!("W{layer}_scale")]["bits"]);
            assert_eq!(bits(product.scales()), bits(&weight_scales), "{name}, layer {layer}");
            let found = product.input_params().expect("fixed ranges");
            let wanted = stored(parameters, if i == 0 { "x" } else { "r0" });
            // Hidden values are sums of floats, and their last bits are those of the order of summation.
            let apart = found.scale.to_bits().abs_diff(wanted.scale.to_bits());
            println!("{name}, layer {layer}: input scales {apart} steps of f32 apart");
            assert!(apart <= if i == 0 { 0 } else { 8 }, "{name}, layer {layer}: {found:?} for {wanted:?}");
            assert_eq!(found.zero_point, wanted.zero_point, "{name}, layer {layer}");
        }
    });
}

#[test]
fn whole_static_models_are_onnx_runtimes_bit_for_bit() {
    each_static(|name, rows, wanted, parameters, model, weighted| {
        let names = ["x", "r0"].iter().take(weighted.len());
        let inputs: Vec<QParams> = names.map(|name| stored(parameters, name)).collect();
        let ranges: Vec<InputRange> = inputs.iter().copied().map(InputRange::from).collect();
        let (scheme, input, layers) = (model.scheme(), model.input().clone(), model.layers().to_vec());
        let model = QuantizedModel::from_parts(scheme, input, layers, &ranges).expect("a whole model");
        let mut scratch = Scratch::default();
        let logits = model.forward(&images(rows), &mut scratch).expect("whole images").to_vec();

        // ONNX Runtime's logits are rounded to u8 as well, ours are not: the same is asked of our last layer. Its input
        // is still there, in the other buffer, for the two are swapped after each layer.
        let last = weighted[weighted.len() - 1];
        let output = stored(parameters, &format!("h{last}"));
        let mut product = model.layers()[last].product().expect("weights").clone();
        product.fix_ranges(inputs[inputs.len() - 1], Some(output)).expect("finite scales");
        let (x, mut rounded) = (&scratch.next_quantized, Activations::default());
        rounded.reset(product.packed().path(), x.count(), product.packed().outputs());
        product.finish(&[], &mut [], &mut rounded, |sink| kernels::multiply(x, product.packed(), sink));
        let q = (0..rounded.count()).flat_map(|r| rounded.row(r));
        let found: Vec<f32> = q.map(|q| output.dequantize(i32::from(q))).collect();
        assert_eq!(bits(&found), bits(wanted), "{name}");

        // And ours lie within half a step of theirs, where theirs have not reached the end of their range.
        let (low, high) = (output.dequantize(0), output.dequantize(255));
        assert_eq!(logits.len(), wanted.len(), "{name}");
        for (found, wanted) in logits.iter().zip(wanted) {
            let apart = (found.clamp(low, high) - wanted).abs() / output.scale;
            assert!(apart < 0.5001, "{name}: {found} for {wanted}, {apart} steps");
        }
    });
}
