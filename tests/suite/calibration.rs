//! Ranges of activations, and biases and weights that take back what rounding did to the outputs. Beside other tools' ranges:
//! `golden/calibration.rs`.

#[cfg(target_arch = "wasm32")]
use crate::common::test;
use crate::common::{Random, floats};

use quantpad::{
    Error,
    data::Standardizer,
    format::model_file::{read_quantized, write_quantized},
    nn::{Conv2d, Dense, Input, Layer, MaxPool2d, Model, Scratch},
    quant::{MovingAverage, Observer, QuantizedModel, Scheme, affine, calibrate, correct_biases, histogram::Histogram},
};

/// Two convolutions, pooling, two fully connected layers.
fn model(random: &mut Random) -> Model {
    let input = Input::new(6, &Standardizer { mean: vec![3.0; 36], std: vec![2.0; 36] });
    let conv = |shape: [usize; 3], outputs: usize, random: &mut Random| {
        Conv2d::new(shape, floats(9 * shape[2] * outputs, 0.5, random), floats(outputs, 0.3, random)).expect("filters")
    };
    let dense = |inputs: usize, outputs: usize, random: &mut Random| {
        Dense::new(floats(inputs * outputs, 0.4, random), floats(outputs, 0.3, random)).expect("a full layer")
    };
    let layers = vec![
        Layer::Conv2d(conv([6, 6, 1], 3, random).with_relu()),
        Layer::Conv2d(conv([6, 6, 3], 4, random)),
        Layer::MaxPool2d(MaxPool2d { shape: [6, 6, 4] }),
        Layer::Dense(dense(36, 8, random).with_relu()),
        Layer::Dense(dense(8, 10, random)),
    ];
    Model::new(input, layers).expect("a whole model")
}

fn images(count: usize, random: &mut Random) -> Vec<f32> {
    floats(count * 36, 8.0, random).into_iter().map(f32::abs).collect()
}

#[test]
fn an_observers_name_leads_back_to_it() {
    for observer in Observer::ALL {
        assert_eq!(Observer::from_name(observer.name()), Ok(observer));
    }
    let names = Observer::ALL.map(Observer::name);
    assert_eq!(names, ["minmax", "moving-average", "percentile", "entropy", "mse"]);
    let unknown = Err(Error::UnknownName { what: "observer", found: "median".into() });
    assert_eq!(Observer::from_name("median"), unknown);
}

#[test]
fn every_observers_range_lies_within_the_values() {
    let mut random = Random::new(1);
    for scale in [1e-30, 1.0, 1e30] {
        let x = floats(3000, scale, &mut random);
        let (min, max) = quantpad::kernels::min_max(&x);
        for observer in Observer::ALL {
            let (low, high) = observer.range(&x, 10).expect("finite values");
            assert!(min <= low && low < high && high <= max, "{}: {low}..{high}", observer.name());
        }
    }
}

#[test]
fn what_has_no_width_has_its_ends_as_range() {
    for observer in Observer::ALL {
        let range = |x: &[f32]| observer.range(x, 4);
        assert_eq!(range(&[]), Ok((0.0, 0.0)), "{}", observer.name());
        assert_eq!(range(&[0.0; 8]), Ok((0.0, 0.0)), "{}", observer.name());
        assert_eq!(range(&[-0.0, 0.0, 1e-45, 0.0]), Ok((0.0, 1e-45)), "{}", observer.name());
        let (low, high) = range(&[f32::MAX, 0.0, 0.0, 0.0]).expect("a finite range");
        assert!(low == 0.0 && high > 0.0, "{}: {low}..{high}", observer.name());
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let refused = Err(Error::NotFinite { what: "calibration set's activations" });
            assert_eq!(range(&[1.0, bad]), refused, "{}", observer.name());
        }
    }
}

#[test]
fn the_moving_average_goes_a_hundredth_of_the_way() {
    let mut average = MovingAverage::default();
    assert_eq!(average.range(), (0.0, 0.0));
    average.observe((-1.0, 2.0));
    assert_eq!(average.range(), (-1.0, 2.0));
    average.observe((-3.0, 4.0));
    assert_eq!(average.range(), (-1.0 + 0.01 * -2.0, 2.0 + 0.01 * 2.0));
    // 32 images of two values are a batch.
    let x: Vec<f32> = (0..80).map(|i| if i < 64 { 1.0 } else { 2.0 }).collect();
    assert_eq!(Observer::MovingAverage.range(&x, 2), Ok((1.0 + 0.01, 1.0 + 0.01)));
}

#[test]
fn an_outlier_moves_the_smallest_and_largest_value_but_not_the_others_ranges() {
    let mut random = Random::new(2);
    let mut x = floats(60_000, 1.0, &mut random);
    x[12_345] = 40.0;
    x[23_456] = -40.0;
    for observer in [Observer::Percentile, Observer::Entropy] {
        let (low, high) = observer.range(&x, 1).expect("finite values");
        assert!(low > -4.0 && high < 4.0, "{}: {low}..{high}", observer.name());
    }
    assert_eq!(Observer::MinMax.range(&x, 1), Ok((-40.0, 40.0)));
}

#[test]
fn a_value_on_an_edge_belongs_to_the_bin_above_and_the_next_smaller_one_to_that_below() {
    let mut random = Random::new(6);
    for bins in [64, 1000, 2048] {
        let threshold = random.float().abs() * 7.0;
        let step = (threshold + threshold) / bins as f32;
        let edges: Vec<f32> =
            (0..=bins).map(|i| if i < bins { i as f32 * step - threshold } else { threshold }).collect();
        let histogram = Histogram::new(&edges, (-threshold, threshold), bins).expect("a width");
        for (i, edge) in edges[..bins].iter().enumerate() {
            // One value in every bin but the last, which has two: the share of values up to the middle of this one.
            let share = (i as f64 + 0.5) / (bins + 1) as f64;
            assert_eq!(histogram.percentile(100.0 - 200.0 * share).0, *edge, "bin {i} of {bins}");
        }
        let below: Vec<f32> = edges[1..].iter().map(|edge| edge.next_down()).collect();
        let histogram = Histogram::new(&below, (-threshold, threshold), bins).expect("a width");
        for (i, edge) in edges[..bins].iter().enumerate() {
            let share = (i as f64 + 0.5) / bins as f64;
            assert_eq!(histogram.percentile(100.0 - 200.0 * share).0, *edge, "below the end of bin {i} of {bins}");
        }
    }
}

#[test]
fn the_mse_observers_range_has_no_neighbour_with_a_smaller_error() {
    let mut random = Random::new(5);
    // Few large values, many small ones.
    let x: Vec<f32> = (0..20_000).map(|_| random.float().powi(9) * 3.0).collect();
    let error = |range| {
        let params = affine::choose_u8(range).expect("a finite range");
        let errors = x.iter().map(|&x| f64::from(params.dequantize(params.quantize(x)) - x));
        errors.map(|error| error * error).sum::<f64>()
    };
    let (low, high) = Observer::Mse.range(&x, 1).expect("finite values");
    let least = error((low, high));
    assert!(least < 0.99 * error(Observer::MinMax.range(&x, 1).expect("finite values")), "{low}..{high}");
    for share in [0.9, 0.97, 1.03, 1.1] {
        for other in [(low * share, high), (low, high * share), (low * share, high * share)] {
            assert!(least <= error(other), "{low}..{high} has a larger error than {other:?}");
        }
    }
}

#[test]
fn every_weighted_layers_input_has_a_range_of_its_own() {
    let mut random = Random::new(3);
    let model = model(&mut random);
    let calibration = images(50, &mut random);
    let mut inputs = Vec::new();
    let watch = |layer: &Layer, x: &[f32]| {
        if layer.parameters().is_some() {
            inputs.push((x.to_vec(), layer.sizes().0));
        }
    };
    model.forward_watched(&calibration, &mut Scratch::default(), watch).expect("whole images");
    for observer in Observer::ALL {
        let found = calibrate::ranges(&model, &calibration, observer).expect("finite activations");
        assert_eq!(found.len(), 4);
        for (found, (x, width)) in found.iter().zip(&inputs) {
            assert_eq!(affine::choose_u8(observer.range(x, *width).expect("finite values")), Ok(*found));
        }
    }
    let none = Err(Error::Shape { what: "calibration set", expected: 36, found: 0 });
    assert_eq!(calibrate::ranges(&model, &[], Observer::Mse), none);
    let part = calibrate::ranges(&model, &calibration[1..], Observer::Mse);
    assert!(matches!(part, Err(Error::Shape { .. })), "{part:?}");
}

/// The mean of each output of each layer with weights, before a ReLU: by running the layer alone, without it.
fn mean_outputs(model: &Model, images: &[f32]) -> Vec<Vec<f64>> {
    let mut means = Vec::new();
    let watch = |layer: &Layer, x: &[f32]| {
        let rows = x.len() / layer.sizes().0;
        let mut out = vec![0.0; rows * layer.sizes().1];
        let rounding = quantpad::kernels::Rounding::Separate;
        let outputs = match layer {
            Layer::Dense(dense) => {
                let plain = Dense::new(dense.weight().to_vec(), dense.bias().to_vec()).expect("a full layer");
                plain.forward(rows, x, rounding, &mut out);
                dense.outputs()
            }
            Layer::Conv2d(conv) => {
                let (weight, bias) = (conv.weight().to_vec(), conv.bias().to_vec());
                let plain = Conv2d::new(conv.shape(), weight, bias).expect("full filters");
                plain.forward(x, &mut Vec::new(), rounding, &mut out);
                conv.channels_out()
            }
            Layer::MaxPool2d(_) => return,
        };
        let mean = |j| {
            let of_output = out.iter().skip(j).step_by(outputs);
            of_output.clone().map(|&v| f64::from(v)).sum::<f64>() / of_output.count() as f64
        };
        means.push((0..outputs).map(mean).collect());
    };
    model.forward_watched(images, &mut Scratch::default(), watch).expect("whole images");
    means
}

#[test]
fn corrected_biases_give_every_layer_the_mean_outputs_it_had() {
    let mut random = Random::new(4);
    let model = model(&mut random);
    let calibration = images(40, &mut random);
    for scheme in [
        "int4-per-channel",
        "ternary-per-channel",
        "binary-per-channel",
        "codebook4",
        "int8-dynamic-per-tensor-first-ternary",
        "int4-static-percentile-per-channel",
    ] {
        let scheme = Scheme::from_name(scheme).expect(scheme);
        let quantized = QuantizedModel::quantize(&model, scheme, &calibration).expect("a small model");
        let corrected = QuantizedModel::quantize_corrected(&model, scheme, &calibration).expect("finite biases");
        let distance = |other: &QuantizedModel| {
            let other = other.decode().expect("finite weights");
            let (a, b) = (mean_outputs(&model, &calibration).concat(), mean_outputs(&other, &calibration).concat());
            a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        let (before, after) = (distance(&quantized), distance(&corrected));
        assert!(before > 0.05 && after < 1e-4, "{}: {before} to {after}", scheme.name());
        assert_eq!((quantized.scheme(), quantized.ranges()), (corrected.scheme(), corrected.ranges()));
        for (quantized, corrected) in quantized.layers().iter().zip(corrected.layers()) {
            assert_eq!(quantized.weights(), corrected.weights(), "the weights stay");
        }
        // The biases that are multiplied with are those that are shown.
        let mut scratch = [Scratch::default(), Scratch::default()];
        let rounded = corrected.decode().expect("finite weights");
        let [wanted, found] = &mut scratch;
        let wanted = rounded.forward(&calibration, wanted).expect("whole images");
        let found = corrected.forward(&calibration, found).expect("whole images");
        let apart = wanted.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let size = wanted.iter().fold(0.0_f32, |size, w| size.max(w.abs()));
        assert!(apart < size * 0.05, "{}: {apart} of {size}", scheme.name());
    }
}

/// How far the outputs of each layer of `other` are from those of `model`: the mean square, beside theirs.
fn distances(model: &Model, other: &QuantizedModel, images: &[f32]) -> Vec<f64> {
    let inputs = |model: &Model| {
        let mut inputs: Vec<Vec<f32>> = Vec::new();
        let mut scratch = Scratch::default();
        let last = model.forward_watched(images, &mut scratch, |_, x| inputs.push(x.to_vec())).expect("whole images");
        let last = last.to_vec();
        inputs.push(last);
        inputs
    };
    let other = other.decode().expect("finite weights");
    let square = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v) * f64::from(v)).sum::<f64>();
    let pairs = inputs(model).into_iter().zip(inputs(&other)).skip(1);
    pairs.map(|(a, b)| square(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / square(&mut a.iter().copied())).collect()
}

#[test]
fn reconstructed_layers_give_nearly_what_they_gave_before_rounding() {
    let mut random = Random::new(6);
    let model = model(&mut random);
    let (calibration, others) = (images(300, &mut random), images(100, &mut random));
    for (name, share) in [
        ("int4-per-channel", 0.8),
        ("int4-affine-per-tensor", 0.8),
        ("ternary-per-channel", 0.8),
        ("ternary-per-tensor", 0.8),
        ("binary-per-channel", 0.8),
        ("int8-dynamic-per-tensor-first-ternary", 0.8),
        ("int4-static-percentile-per-channel", 0.8),
        ("codebook4", 1.0),
    ] {
        let scheme = Scheme::from_name(name).expect(name);
        let corrected = QuantizedModel::quantize_corrected(&model, scheme, &calibration).expect("a small model");
        let fitted = QuantizedModel::quantize_reconstructed(&model, scheme, &calibration).expect("a small model");
        // On images that nothing was fitted to.
        let [before, after] =
            [&corrected, &fitted].map(|twin| *distances(&model, twin, &others).last().expect("layers"));
        println!("{name}: {before} to {after}");
        assert!(after <= before * share, "{name}: {before} to {after}");
        assert_eq!((corrected.scheme(), corrected.ranges()), (fitted.scheme(), fitted.ranges()));
        for (corrected, fitted) in corrected.layers().iter().zip(fitted.layers()) {
            let [a, b] = [corrected, fitted].map(|layer| layer.weights().map(|w| (w.packed().len(), w.scales().len())));
            assert_eq!(a, b, "{name}: it takes as many bytes");
        }
        // What was fitted can be written and read again.
        let bytes = write_quantized(&fitted);
        assert_eq!(read_quantized(&bytes).as_ref(), Ok(&fitted), "{name}");
    }
    let none = Error::Shape { what: "calibration set", expected: 36, found: 0 };
    assert_eq!(QuantizedModel::quantize_reconstructed(&model, Scheme::TERNARY_PER_CHANNEL, &[]), Err(none));
}

#[test]
fn biases_are_corrected_by_images_and_for_a_model_of_the_same_layers() {
    let mut random = Random::new(7);
    let (model, calibration) = (model(&mut random), images(3, &mut random));
    let none = Error::Shape { what: "calibration set", expected: 36, found: 0 };
    assert_eq!(correct_biases(&model, &model, &[]), Err(none.clone()));
    assert_eq!(QuantizedModel::quantize_corrected(&model, Scheme::INT4_PER_CHANNEL_MSE, &[]), Err(none));
    let last = Dense::new(floats(360, 1.0, &mut random), vec![0.0; 10]).expect("a full layer");
    let other = Model::new(model.input().clone(), vec![Layer::Dense(last)]).expect("a whole model");
    for [a, b] in [[&model, &other], [&other, &model]] {
        assert!(matches!(correct_biases(a, b, &calibration), Err(Error::Shape { .. })));
    }
}
