//! Which layer is to blame: noise as theory has it, and a layer alone, or left out, as a scheme of its own would do it.

use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;
use crate::common::trained;

use quantpad::{
    Error,
    data::{Dataset, Standardizer},
    eval::{
        metrics,
        sensitivity::{self, BINS, Sensitivity},
    },
    nn::{Dense, Input, Layer, Model, Scratch},
    quant::{NumberFormat, QuantizedModel, Scheme},
};

const ROWS: usize = 120;

fn images(data: &Dataset, rows: &[u32]) -> (Vec<f32>, Vec<u8>) {
    data.gather(&rows[..ROWS])
}

fn quantize(model: &Model, scheme: &str, calibration: &[f32]) -> QuantizedModel {
    let scheme = Scheme::from_name(scheme).expect("a known scheme");
    QuantizedModel::quantize(model, scheme, calibration).expect("a model that can be quantized")
}

fn blame(model: &Model, twin: &QuantizedModel, pixels: &[f32], labels: &[u8]) -> Sensitivity {
    sensitivity::of(model, twin, pixels, labels, &mut Scratch::default()).expect("two models of the same layers")
}

/// One layer, 64 to 10, with uniform weights in −1..1.
fn uniform() -> Model {
    let input = Input::new(8, &Standardizer { mean: vec![8.0; 64], std: vec![4.0; 64] });
    let mut weights = common::floats(640, 1.0, &mut common::Random::new(5));
    weights[0] = 1.0;
    let layer = Layer::Dense(Dense::new(weights, vec![0.0; 10]).expect("a layer"));
    Model::new(input, vec![layer]).expect("a model")
}

#[test]
fn each_bit_of_uniform_weights_is_worth_six_decibels() {
    let (data, split) = trained::digits();
    let (pixels, labels) = images(&data, &split.test);
    let model = uniform();
    // A uniform signal in −1..1 has power 1/3, rounding to steps of 1/n noise of 1/12 n²: 20 log10 (2 n).
    for (scheme, n) in [("int4-per-tensor", 7.0_f64), ("int8-per-tensor", 127.0), ("int16-per-tensor", 32_767.0)] {
        let twin = quantize(&model, scheme, &[]);
        let db = blame(&model, &twin, &pixels, &labels).layers[0].weights_noise.db();
        let theory = 20.0 * (2.0 * n).log10();
        assert!((db - theory).abs() < 0.5, "{scheme}: {db} dB for {theory} dB");
    }
    let exact = blame(&model, &quantize(&model, "f32", &[]), &pixels, &labels);
    assert_eq!(
        (exact.layers[0].weights_noise.db(), exact.layers[0].outputs_noise.db()),
        (f64::INFINITY, f64::INFINITY)
    );
    assert_eq!(exact.fp32, exact.quantized);
}

#[test]
fn a_layer_alone_or_left_out_is_what_the_scheme_that_says_so_gives() {
    let (data, split) = trained::digits();
    let (pixels, labels) = images(&data, &split.test);
    let (calibration, _) = data.gather(&split.train[..64]);
    let mut scratch = Scratch::default();
    for (name, model) in trained::models(&data, &split.train) {
        for scheme in ["binary-dynamic-per-tensor", "int4-static-percentile-per-channel-mse", "ternary-per-tensor"] {
            let twin = quantize(&model, scheme, &calibration);
            let found = blame(&model, &twin, &pixels, &labels);
            let count = found.layers.len();
            let mut right = |scheme: Scheme| {
                let model = QuantizedModel::quantize(&model, scheme, &calibration).expect("a known scheme");
                metrics::of_quantized(&model, &pixels, &labels, &mut scratch).expect("whole images")
            };
            assert_eq!(found.fp32, right(Scheme::F32), "{name} {scheme}");
            assert_eq!(found.quantized, right(twin.scheme()), "{name} {scheme}");
            for (number, layer) in found.layers.iter().enumerate() {
                let f32 =
                    |scheme: Scheme, n| scheme.with_layer_of(n, count, NumberFormat::F32).expect("a layer of its own");
                assert_eq!(layer.without, right(f32(twin.scheme(), number)), "{name} {scheme} without {number}");
                let others = (0..count).filter(|&n| n != number);
                assert_eq!(layer.only, right(others.fold(twin.scheme(), f32)), "{name} {scheme} only {number}");
            }
            if let [layer] = &found.layers[..] {
                assert_eq!((layer.only, layer.without), (found.quantized, found.fp32), "one layer is the whole");
            }
        }
    }
}

#[test]
fn outputs_hold_the_noise_of_all_layers_up_to_there() {
    let (data, split) = trained::digits();
    let (pixels, labels) = images(&data, &split.test);
    let (calibration, _) = data.gather(&split.train[..64]);
    for (name, model) in trained::models(&data, &split.train) {
        for mode in ["", "-dynamic", "-static-minmax"] {
            let db = |bits: &str| {
                let twin = quantize(&model, &format!("int{bits}{mode}-per-channel"), &calibration);
                blame(&model, &twin, &pixels, &labels)
                    .layers
                    .iter()
                    .map(|layer| layer.outputs_noise.db())
                    .collect::<Vec<_>>()
            };
            let (four, eight) = (db("4"), db("8"));
            for (four, eight) in four.iter().zip(&eight) {
                assert!(*four > 3.0 && *four < 35.0 && *eight > 25.0 && *eight < 60.0, "{name}{mode}: {four} {eight}");
                assert!(eight > four, "{name}{mode}: {eight} dB of 8 bits, {four} dB of 4");
            }
        }
        // What the last layer gives are the logits.
        let twin = quantize(&model, "int4-static-minmax-per-channel", &calibration);
        let (mut a, mut b) = (Scratch::default(), Scratch::default());
        let last = twin.layers().len() - 1;
        assert_eq!(twin.outputs(last, &pixels, &mut a), twin.forward(&pixels, &mut b));
        assert!(matches!(twin.outputs(last + 1, &pixels, &mut a), Err(Error::Shape { .. })));
    }
}

#[test]
fn clipped_weights_are_those_beyond_half_a_step_from_the_last_value() {
    let (data, split) = trained::digits();
    let (pixels, labels) = images(&data, &split.test);
    let model = uniform();
    let Layer::Dense(dense) = &model.layers()[0] else { panic!("one dense layer") };
    let report =
        |scheme: &str| blame(&model, &quantize(&model, scheme, &[]), &pixels, &labels).layers[0].weights.clone();
    for scheme in
        ["int8-per-tensor", "int8-per-channel", "int4-per-channel", "int16-per-tensor", "f16", "f32", "codebook16"]
    {
        assert_eq!(report(scheme).clipped, 0, "{scheme}");
    }
    let ternary = report("ternary-per-tensor");
    let scale = ternary.channels[0].scale;
    assert!(scale > 0.0 && ternary.channels.iter().all(|channel| channel.scale == scale));
    let wanted = dense.weight().iter().filter(|w| w.abs() > 1.5 * scale).count();
    assert_eq!(ternary.clipped, wanted);
    // Least squared error cuts off what lies far out: here one weight of a hundred times the others.
    let mut weights = dense.weight().to_vec();
    weights[7] = -3.0;
    let spiked = Model::new(
        model.input().clone(),
        vec![model.layers()[0].with_parameters(weights.clone(), vec![0.0; 10]).expect("a layer")],
    )
    .expect("a model");
    let found = blame(&spiked, &quantize(&spiked, "int4-per-channel-mse", &[]), &pixels, &labels);
    let report = &found.layers[0].weights;
    assert!(report.clipped >= 1 && report.channels[0].clipped >= 1, "the far one is cut off");
    assert_eq!(report.channels.iter().map(|channel| channel.clipped).sum::<usize>(), report.clipped);
    // The histogram holds them all, the clipped ones at its ends.
    assert_eq!((report.count, report.counts.len(), report.limit), (640, BINS, 3.0));
    assert_eq!(report.counts.iter().sum::<u32>(), 640);
    assert_eq!(report.clipped_counts.iter().sum::<u32>() as usize, report.clipped);
    assert_eq!((report.counts[0], report.clipped_counts[0]), (1, 1));
    for (channel, row) in report.channels.iter().zip(weights.chunks(64)) {
        assert!(row.iter().all(|w| (channel.min..=channel.max).contains(w)));
        assert!(row.contains(&channel.min) && row.contains(&channel.max));
    }
}

#[test]
fn inputs_are_clipped_where_a_fixed_range_is_narrower_than_they_are() {
    let (data, split) = trained::digits();
    let (pixels, labels) = images(&data, &split.test);
    let model = trained::softmax(&data, &split.train);
    let share = |scheme: &str, calibration: &[f32]| {
        blame(&model, &quantize(&model, scheme, calibration), &pixels, &labels).layers[0].clipped_inputs
    };
    assert_eq!(share("int8-dynamic-per-tensor", &pixels), None);
    assert_eq!(share("int8-static-minmax-per-tensor", &pixels), Some(0.0), "a range of the very images");
    let narrow = share("int8-static-minmax-per-tensor", &pixels[..64]).expect("a fixed range");
    assert!(narrow > 0.0 && narrow < 0.5, "one image knows less than all: {narrow}");
}

#[test]
fn models_of_different_layers_and_images_without_labels_are_refused() {
    let (data, split) = trained::digits();
    let (pixels, labels) = images(&data, &split.test);
    let (one, models) = (uniform(), trained::models(&data, &split.train));
    let mut scratch = Scratch::default();
    let twin = quantize(&one, "int8-per-tensor", &[]);
    for (name, model) in &models[1..] {
        let refused = sensitivity::of(model, &twin, &pixels, &labels, &mut scratch);
        assert!(matches!(refused, Err(Error::Shape { what: "quantized model", .. })), "{name}");
    }
    assert!(matches!(sensitivity::of(&one, &twin, &pixels, &labels[1..], &mut scratch), Err(Error::Shape { .. })));
    assert!(matches!(sensitivity::of(&one, &twin, &pixels[1..], &labels, &mut scratch), Err(Error::Shape { .. })));
}

#[test]
fn a_twin_with_its_own_scaling_of_the_pixels_is_compared_at_that() {
    let (data, split) = trained::digits();
    let (pixels, labels) = images(&data, &split.test);
    let model = uniform();
    let factors = model.input().factor().iter().enumerate().map(|(i, f)| f * (1.0 + i as f32 / 16.0)).collect();
    let input = Input::from_parts(8, model.input().mean().to_vec(), factors).expect("a scaling");
    let other = model.scaled_as(&input).expect("finite weights");
    assert_eq!((other.input(), model.scaled_as(model.input())), (&input, Ok(model.clone())));
    let (mut a, mut b) = (Scratch::default(), Scratch::default());
    let logits = [model.forward(&pixels, &mut a), other.forward(&pixels, &mut b)].map(|l| l.expect("whole images"));
    assert!(logits[0].iter().zip(logits[1]).all(|(a, b)| (a - b).abs() < 1e-3), "the same function");
    let twin = quantize(&other, "int4-per-channel", &[]);
    assert_eq!(blame(&model, &twin, &pixels, &labels), blame(&other, &twin, &pixels, &labels));
}
