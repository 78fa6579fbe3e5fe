//! Quantization-aware training of softmax regression with coarse weights: the pixels' factors are trained with them,
//! and the fp32 model is the teacher.

#[cfg(target_arch = "wasm32")]
use crate::common::test;
use crate::common::{self, floats};

use quantpad::{
    data::{Augmentation, Dataset, Split, Standardizer, digits},
    eval::metrics,
    nn::{Dense, Input, Layer, Model, Scratch},
    quant::{QuantizedModel, Scheme},
    train::{Architecture, Network, Optimizer, Settings, Trainer, qat_settings, quantization_aware},
};

fn scheme(name: &str) -> Scheme {
    Scheme::from_name(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn finish(mut trainer: Trainer<&Dataset>) -> Trainer<&Dataset> {
    while !trainer.step().expect("a finite loss").is_some_and(|epoch| epoch.done) {}
    trainer
}

fn fp32(data: &Dataset, rows: &[u32], architecture: &Architecture, epochs: usize) -> Model {
    let (optimizer, augmentation) = (Optimizer::Adam, Augmentation::NONE);
    let (rate, weight_decay, validation) = (3e-3, 1e-4, 0.0);
    let settings =
        Settings { epochs, batch: 32, optimizer, rate, weight_decay, augmentation, validation, patience: 0, seed: 3 };
    finish(Trainer::new(data, rows, architecture, settings).expect("settings")).model().expect("finite weights")
}

#[test]
fn the_slope_of_a_pixels_factor_is_that_of_the_loss() {
    let mut random = common::Random::new(11);
    let input = Input::new(6, &Standardizer { mean: vec![0.0; 36], std: vec![1.0; 36] });
    let hidden = Dense::new(floats(36 * 9, 0.4, &mut random), floats(9, 0.2, &mut random)).expect("a full layer");
    let last = Dense::new(floats(90, 0.5, &mut random), floats(10, 0.2, &mut random)).expect("a full layer");
    let layers = vec![Layer::Dense(hidden.with_relu()), Layer::Dense(last)];
    let model = Model::new(input, layers).expect("a model");
    let (x, labels) = (floats(7 * 36, 1.0, &mut random), [3, 1, 4, 1, 5, 9, 2]);
    for scheme in [scheme("f32"), scheme("ternary-per-channel-qat"), scheme("binary-per-tensor-qat")] {
        let mut network = Network::new(&model);
        network.quantize(&scheme).expect("a scheme that can be trained");
        network.learn(&x, &labels).expect("whole images");
        let slopes = network.input_slopes();
        assert!(slopes.iter().any(|slope| slope.abs() > 0.02), "{slopes:?}");
        for (pixel, &slope) in slopes.iter().enumerate() {
            let mut loss = |log: f32| {
                let mut x = x.clone();
                x.iter_mut().skip(pixel).step_by(36).for_each(|x| *x *= log.exp());
                network.learn(&x, &labels).expect("whole images").0 / labels.len() as f64
            };
            let found = (loss(0.01) - loss(-0.01)) / 0.02;
            assert!((found - f64::from(slope)).abs() < 1e-3, "{}, {pixel}: {slope} for {found}", scheme.name());
        }
    }
}

#[test]
fn the_scaling_of_the_pixels_is_trained_with_the_coarse_weights_of_softmax_regression() {
    let data = digits::load();
    let rows = &Split::seeded(data.len() as u32, 42).train[..200];
    for (architecture, name, trained) in [
        (Architecture::Mlp(vec![]), "ternary-per-channel-qat", true),
        (Architecture::Mlp(vec![]), "binary-dynamic-per-tensor-qat", true),
        (Architecture::Mlp(vec![]), "int4-per-channel-qat", false),
        (Architecture::Mlp(vec![]), "binary-xnor-per-channel-qat", false),
        (Architecture::Mlp(vec![16]), "ternary-per-channel-qat", false),
        (Architecture::Cnn(vec![4]), "ternary-per-channel-qat", false),
    ] {
        let model = fp32(&data, rows, &architecture, 1);
        let settings = Settings { epochs: 2, ..qat_settings(&model, &scheme(name), rows.len(), 1) };
        let trainer = finish(quantization_aware(&data, rows, &model, &scheme(name), settings).expect("settings"));
        let (input, first) = (trainer.model().expect("finite weights").input().clone(), model.input());
        assert_eq!(input.mean(), first.mean(), "{name}");
        let moved = input.factor().iter().zip(first.factor()).filter(|(a, b)| a != b).count();
        assert_eq!(moved > 32, trained, "{name}: {moved} factors moved");
        assert!(input.factor().iter().all(|&factor| factor > 0.0), "{name}");
    }
}

#[test]
fn what_the_fp32_model_answers_is_learned_instead_of_the_labels() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, 42);
    let test = data.gather(&split.test);
    let model = fp32(&data, &split.train, &Architecture::Mlp(vec![]), 20);
    // Every row is said to be a 0.
    let pixels = (0..data.len()).flat_map(|row| data.image(row).to_vec()).collect();
    let wrong = Dataset::new(data.width(), data.height(), data.max_pixel(), pixels, vec![0; data.len()]);
    let wrong = wrong.expect("whole images");
    let scheme = scheme("ternary-per-channel-qat");
    let settings = Settings { epochs: 20, ..qat_settings(&model, &scheme, 1437, 1) };
    let trainer = finish(quantization_aware(&wrong, &split.train, &model, &scheme, settings).expect("settings"));
    let quantized = QuantizedModel::with_ranges(&trainer.model().expect("finite weights"), scheme, &[]);
    let right = metrics::of_quantized(&quantized.expect("a small model"), &test.0, &test.1, &mut Scratch::default());
    let right = right.expect("whole images").correct;
    assert!(right * 10 > 9 * test.1.len(), "{right} of {}", test.1.len());
}
