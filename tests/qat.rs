//! Quantization-aware training: the gradient goes through the rounding, what is trained is what is quantized, and it
//! regains what rounding lost. Codebooks: equal weights stay equal.

mod common;
use common::Random;
#[cfg(target_arch = "wasm32")]
use common::test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

use quantpad::{
    Error,
    data::{Augmentation, Dataset, Split, Standardizer, digits},
    eval::metrics,
    nn::{Conv2d, Dense, Input, Layer, MaxPool2d, Model, Scratch},
    quant::{Granularity, Levels, MovingAverage, QuantizedModel, Scheme, WeightFormat, affine, fake_quant},
    train::{
        Architecture, FakeActivations, FakeScheme, Network, Optimizer, Settings, Trainer, fine_tune_codebook,
        qat_settings, quantization_aware,
    },
};

const LEVELS: [Levels; 5] =
    [Levels::Integers(127), Levels::Integers(7), Levels::LeastSquares(7), Levels::Ternary, Levels::Binary];

fn formats() -> impl Iterator<Item = WeightFormat> {
    let both = |levels| [Granularity::PerTensor, Granularity::PerChannel].map(|g| (levels, g));
    LEVELS.into_iter().flat_map(both).map(|(levels, granularity)| WeightFormat { levels, granularity })
}

fn per_channel(levels: Levels) -> WeightFormat {
    WeightFormat { levels, granularity: Granularity::PerChannel }
}

fn floats(n: usize, scale: f32, random: &mut Random) -> Vec<f32> {
    (0..n).map(|_| random.float() * scale).collect()
}

fn small_model(random: &mut Random) -> Model {
    let input = Input::new(6, &Standardizer { mean: vec![0.0; 36], std: vec![1.0; 36] });
    let conv = |channels: usize, outputs: usize, random: &mut Random| {
        let weight = floats(9 * channels * outputs, 0.6, random);
        Conv2d::new([6, 6, channels], weight, floats(outputs, 0.2, random)).expect("full filters").with_relu()
    };
    let hidden = Dense::new(floats(45 * 12, 0.4, random), floats(12, 0.2, random)).expect("a full layer");
    let last = Dense::new(floats(120, 0.5, random), floats(10, 0.2, random)).expect("a full layer");
    let layers = vec![
        Layer::Conv2d(conv(1, 3, random)),
        Layer::Conv2d(conv(3, 5, random)),
        Layer::MaxPool2d(MaxPool2d { shape: [6, 6, 5] }),
        Layer::Dense(hidden.with_relu()),
        Layer::Dense(last),
    ];
    Model::new(input, layers).expect("a whole model")
}

/// The gradient of each layer's weights and biases.
fn gradient(network: &mut Network, x: &[f32], labels: &[u8]) -> Vec<f32> {
    network.learn(x, labels).expect("whole images");
    network.parameters().flat_map(|(_, g)| [g.weight.clone(), g.bias.clone()].concat()).collect()
}

#[test]
fn the_gradient_of_a_weight_is_that_of_what_it_was_rounded_to() {
    let mut random = Random::new(1);
    let model = small_model(&mut random);
    let (x, labels) = (floats(7 * 36, 1.0, &mut random), [3, 1, 4, 1, 5, 9, 2]);
    for weights in formats() {
        let rounded = weights.apply(&model).expect("finite weights");
        assert_ne!(rounded, model);
        let mut network = Network::new(&model);
        network.quantize(FakeScheme { weights, activations: FakeActivations::Float });
        assert_eq!(network.forward(&x, 7), Network::new(&rounded).forward(&x, 7), "{weights:?}");
        let wanted = gradient(&mut Network::new(&rounded), &x, &labels);
        assert_eq!(gradient(&mut network, &x, &labels), wanted, "{weights:?}");
        assert_eq!(network.model(model.input().clone()), Ok(model.clone()), "{weights:?}: the weights stay fp32");
    }
}

/// Rows of `x` times `weight` (`[outputs, inputs]`) plus `bias`, in f64.
fn dense(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let inputs = weight.len() / bias.len();
    let output = |row: &[f32], w: &[f32]| row.iter().zip(w).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum::<f64>();
    x.chunks(inputs)
        .flat_map(|row| weight.chunks(inputs).zip(bias).map(move |(w, &b)| output(row, w) + f64::from(b)))
        .collect()
}

#[test]
fn no_scale_of_a_hundred_has_a_smaller_squared_error_than_the_least_squares_one() {
    let mut random = Random::new(7);
    for n in [3, 40, 700] {
        let w: Vec<f32> = floats(n, 1.0, &mut random).into_iter().map(|w| w * w * w).collect();
        let error = |rounded: &[f32]| -> f64 { w.iter().zip(rounded).map(|(a, b)| f64::from(a - b).powi(2)).sum() };
        let mut rounded = vec![0.0; n];
        per_channel(Levels::LeastSquares(7)).fake(&w, 1, &mut rounded);
        let found = error(&rounded);
        let largest = w.iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
        let mut best = f64::INFINITY;
        for percent in 25..=100 {
            let scale = largest / 7.0 * percent as f32 / 100.0;
            let tried: Vec<f32> = w.iter().map(|w| (w / scale).round_ties_even().clamp(-7.0, 7.0) * scale).collect();
            best = best.min(error(&tried));
        }
        assert!(found <= best * 1.0001, "{n} weights: {found:e} for {best:e}");
    }
}

#[test]
fn gradients_pass_rounded_activations_but_not_clamped_ones() {
    let mut random = Random::new(2);
    let (hidden, rows) = (9, 6);
    let input = Input::new(6, &Standardizer { mean: vec![0.0; 36], std: vec![1.0; 36] });
    let (w1, b1) = (floats(36 * hidden, 0.4, &mut random), floats(hidden, 0.2, &mut random));
    let (w2, b2) = (floats(hidden * 10, 0.5, &mut random), floats(10, 0.2, &mut random));
    let layers = vec![
        Layer::Dense(Dense::new(w1.clone(), b1.clone()).expect("a full layer")),
        Layer::Dense(Dense::new(w2.clone(), b2.clone()).expect("a full layer")),
    ];
    let model = Model::new(input, layers).expect("a model");
    // int8 weights of such a step that they are what they are, nearly.
    let weights = WeightFormat { levels: Levels::Integers(1 << 22), granularity: Granularity::PerTensor };
    let labels = [0, 9, 3, 3, 7, 1];
    for activations in [FakeActivations::Static, FakeActivations::Dynamic] {
        let mut network = Network::new(&model);
        network.quantize(FakeScheme { weights, activations });
        // A small batch fixes static ranges that the next one leaves.
        let batches = [floats(rows * 36, 0.5, &mut random), floats(rows * 36, 1.0, &mut random)];
        let mut averages = [MovingAverage::default(); 2];
        let mut found = Vec::new();
        for x in &batches {
            found = gradient(&mut network, x, &labels);
            // What is only looked at moves no range.
            network.forward(&floats(rows * 36, 9.0, &mut random), rows);
            // The same in plain steps.
            let mut rounded = |x: &[f32], layer: usize, width: usize| -> (Vec<f32>, Vec<bool>) {
                let range = |x: &[f32]| x.iter().fold((0.0_f32, 0.0_f32), |(a, b), &x| (a.min(x), b.max(x)));
                averages[layer].observe(quantpad::kernels::min_max(x));
                let (mut y, mut passes) = (vec![0.0; x.len()], vec![1.0; x.len()]);
                for ((x, y), passes) in x.chunks(width).zip(y.chunks_mut(width)).zip(passes.chunks_mut(width)) {
                    let ends = if activations == FakeActivations::Static { averages[layer].range() } else { range(x) };
                    let params = affine::choose_u8(ends).expect("a finite range");
                    fake_quant::fake_quantize(params, x, y);
                    fake_quant::straight_through(params, x, passes);
                }
                (y, passes.into_iter().map(|pass| pass > 0.0).collect())
            };
            let (x1, _) = rounded(x, 0, 36);
            let h: Vec<f32> = dense(&x1, &w1, &b1).into_iter().map(|h| h as f32).collect();
            let (x2, passes) = rounded(&h, 1, hidden);
            let logits = dense(&x2, &w2, &b2);
            let mut wanted = vec![0.0; found.len()];
            let (layer1, layer2) = wanted.split_at_mut(w1.len() + hidden);
            for (r, &label) in labels.iter().enumerate() {
                let z = &logits[r * 10..r * 10 + 10];
                let sum: f64 = z.iter().map(|z| z.exp()).sum();
                for c in 0..10 {
                    let delta = (z[c].exp() / sum - f64::from(u8::from(usize::from(label) == c))) / rows as f64;
                    layer2[hidden * 10 + c] += delta;
                    for j in 0..hidden {
                        layer2[c * hidden + j] += delta * f64::from(x2[r * hidden + j]);
                        if passes[r * hidden + j] {
                            let below = delta * f64::from(w2[c * hidden + j]);
                            layer1[36 * hidden + j] += below;
                            for k in 0..36 {
                                layer1[j * 36 + k] += below * f64::from(x1[r * 36 + k]);
                            }
                        }
                    }
                }
            }
            for (i, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
                assert!((f64::from(*found) - wanted).abs() < 2e-4, "{activations:?}, {i}: {found} for {wanted}");
            }
            let clamped = passes.iter().filter(|passes| !**passes).count();
            let may = activations == FakeActivations::Static && x == &batches[1];
            assert_eq!(clamped > 0, may, "{activations:?}: {clamped} clamped");
        }
        let ranges: Vec<_> = network.ranges().collect();
        let wanted: Vec<_> = if activations == FakeActivations::Static {
            averages.iter().map(|average| average.range()).collect()
        } else {
            Vec::new()
        };
        assert_eq!(ranges.len(), wanted.len());
        for ((a, b), (c, d)) in ranges.into_iter().zip(wanted) {
            assert!((a - c).abs() < 1e-5 && (b - d).abs() < 1e-5, "{a}..{b} for {c}..{d}");
        }
        assert!(!found.is_empty());
    }
}

fn finish(mut trainer: Trainer<&Dataset>) -> Trainer<&Dataset> {
    while !trainer.step().expect("a finite loss").is_some_and(|epoch| epoch.done) {}
    trainer
}

fn fp32(data: &Dataset, rows: &[u32], architecture: &Architecture, epochs: usize) -> Model {
    let settings = Settings {
        epochs,
        batch: 32,
        optimizer: Optimizer::Adam,
        rate: 0.003,
        weight_decay: 1e-4,
        augmentation: Augmentation::NONE,
        validation: 0.0,
        patience: 0,
        seed: 3,
    };
    finish(Trainer::new(data, rows, architecture, settings).expect("settings")).model().expect("finite weights")
}

/// Every weight and bias.
fn parameters(model: &Model) -> Vec<f32> {
    let lists = |layer: &Layer| {
        let (weight, bias) = layer.parameters().unwrap_or_default();
        [weight, bias].concat()
    };
    model.layers().iter().flat_map(lists).collect()
}

#[test]
fn the_same_seed_gives_the_same_bits_in_every_build_and_engine() {
    let data = digits::load();
    let rows = &Split::seeded(data.len() as u32, 42).train[..300];
    let hashes = [
        (Architecture::Mlp(vec![]), per_channel(Levels::Ternary), FakeActivations::Dynamic),
        (Architecture::Mlp(vec![32]), per_channel(Levels::LeastSquares(7)), FakeActivations::Static),
        (Architecture::Cnn(vec![8, 16]), per_channel(Levels::Binary), FakeActivations::Dynamic),
        (Architecture::Cnn(vec![8, 16]), per_channel(Levels::Integers(127)), FakeActivations::Static),
    ]
    .map(|(architecture, weights, activations)| {
        let model = fp32(&data, rows, &architecture, 1);
        let settings = Settings { epochs: 2, validation: 0.1, ..qat_settings(&model, weights, 7) };
        let scheme = FakeScheme { weights, activations };
        let trainer = finish(quantization_aware(&data, rows, &model, scheme, settings).expect("settings"));
        let ranges = trainer.ranges().expect("finite ranges").into_iter().map(|range| range.scale);
        let values = parameters(&trainer.model().expect("finite weights")).into_iter().chain(ranges);
        format!("{:016x}", common::hash(values.map(|w| w.to_bits().into())))
    });
    assert_eq!(hashes, ["550fd2499fed2e7a", "801842aa1b077809", "509855556c2d14af", "297d8d77b9104e77"]);
}

/// Right answers on the test rows of the network that poses as `scheme`, and its logits.
fn posing(model: &Model, scheme: FakeScheme, (pixels, labels): &(Vec<f32>, Vec<u8>)) -> (usize, Vec<f32>) {
    let mut network = Network::new(model);
    network.quantize(scheme);
    let mut x = vec![0.0; pixels.len()];
    model.input().standardize(pixels, &mut x).expect("whole images");
    let logits = network.forward(&x, labels.len()).to_vec();
    (metrics::accuracy(&logits, labels).correct, logits)
}

#[test]
fn training_regains_what_rounding_lost() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, 42);
    let test = data.gather(&split.test);
    let model = fp32(&data, &split.train, &Architecture::Mlp(vec![32]), 20);
    let logits = model.forward(&test.0, &mut Scratch::default()).expect("whole images").to_vec();
    let whole = metrics::accuracy(&logits, &test.1).correct;
    for (levels, epochs, lost, left) in
        [(Levels::Integers(7), 10, 0, 4), (Levels::Ternary, 20, 20, 9), (Levels::Binary, 20, 40, 18)]
    {
        let weights = per_channel(levels);
        let scheme = FakeScheme { weights, activations: FakeActivations::Dynamic };
        let (before, _) = posing(&model, scheme, &test);
        let settings = Settings { epochs, augmentation: Augmentation::NONE, ..qat_settings(&model, weights, 1) };
        let trainer = quantization_aware(&data, &split.train, &model, scheme, settings).expect("settings");
        let trained = finish(trainer).model().expect("finite weights");
        let (after, _) = posing(&trained, scheme, &test);
        println!("{levels:?}: {before} to {after}, fp32 {whole}");
        assert!(before + lost <= whole, "{levels:?} lost only {before} of {whole}: the test shows nothing");
        assert!(after + left >= whole, "{levels:?}: {before} to {after}, fp32 {whole}");
    }
}

#[test]
fn the_trained_weights_quantized_are_the_network_that_was_trained() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, 42);
    let test = data.gather(&split.test);
    let rows = &split.train[..400];
    for architecture in [Architecture::Mlp(vec![32]), Architecture::Cnn(vec![4])] {
        let model = fp32(&data, rows, &architecture, 3);
        for (granularity, scheme) in [
            (Granularity::PerTensor, Scheme::INT8_DYNAMIC_PER_TENSOR),
            (Granularity::PerChannel, Scheme::INT8_DYNAMIC_PER_CHANNEL),
        ] {
            let weights = WeightFormat { levels: Levels::Integers(127), granularity };
            let fake = FakeScheme { weights, activations: FakeActivations::Dynamic };
            let settings = Settings { epochs: 2, ..qat_settings(&model, weights, 1) };
            let trainer = quantization_aware(&data, rows, &model, fake, settings).expect("settings");
            let trained = finish(trainer).model().expect("finite weights");
            let quantized = QuantizedModel::quantize(&trained, scheme, &[]).expect("a small model");
            let mut scratch = Scratch::default();
            let logits = quantized.forward(&test.0, &mut scratch).expect("whole images");
            let (_, posed) = posing(&trained, fake, &test);
            let far = logits.iter().zip(&posed).filter(|(a, b)| (*a - *b).abs() > 1e-3).count();
            // A sum in floats may fall to the other side of a step of an activation.
            assert!(far * 50 <= posed.len(), "{architecture:?}, {}: {far} of {}", scheme.name(), posed.len());
        }
    }
}

#[test]
fn an_empty_batch_teaches_nothing() {
    let model = small_model(&mut Random::new(8));
    for activations in [FakeActivations::Float, FakeActivations::Dynamic, FakeActivations::Static] {
        let mut network = Network::new(&model);
        network.quantize(FakeScheme { weights: per_channel(Levels::Ternary), activations });
        assert_eq!(network.learn(&[], &[]), Ok((0.0, 0)));
    }
}

#[test]
fn an_image_of_another_size_is_refused() {
    let data = digits::load();
    let rows = &Split::seeded(data.len() as u32, 1).train[..50];
    let model = small_model(&mut Random::new(3));
    let weights = per_channel(Levels::Ternary);
    let scheme = FakeScheme { weights, activations: FakeActivations::Float };
    let refused = quantization_aware(&data, rows, &model, scheme, qat_settings(&model, weights, 1)).err();
    assert_eq!(refused, Some(Error::Shape { what: "model's input", expected: 64, found: 36 }));
}

/// Weights rounded to as many values as a codebook of a layer has.
fn clustered(model: &Model) -> Model {
    WeightFormat { levels: Levels::Integers(3), granularity: Granularity::PerTensor }
        .apply(model)
        .expect("finite weights")
}

#[test]
fn the_values_of_a_codebook_move_and_their_weights_stay_together() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, 42);
    let model = clustered(&fp32(&data, &split.train, &Architecture::Mlp(vec![16]), 10));
    for optimizer in [Optimizer::Adam, Optimizer::Sgd { momentum: 0.9 }] {
        let settings = Settings {
            epochs: 3,
            optimizer,
            augmentation: Augmentation::NONE,
            ..qat_settings(&model, per_channel(Levels::Integers(7)), 1)
        };
        let mut trainer = fine_tune_codebook(&data, &split.train, &model, settings).expect("few values");
        let mut losses = Vec::new();
        while losses.len() < settings.epochs {
            losses.extend(trainer.step().expect("a finite loss").map(|epoch| epoch.loss));
        }
        assert!(losses[2] < losses[0], "{losses:?}");
        let tuned = trainer.model().expect("finite weights");
        for (before, after) in model.layers().iter().zip(tuned.layers()) {
            let [before, after] = [before, after].map(|layer| layer.parameters().expect("weights").0);
            let mut pairs: Vec<_> = before.iter().zip(after).map(|(b, a)| ((b + 0.0).to_bits(), a.to_bits())).collect();
            pairs.sort_unstable();
            pairs.dedup();
            assert!(pairs.len() <= 7, "{} values", pairs.len());
            assert!(pairs.windows(2).all(|pair| pair[0].0 != pair[1].0), "a value was torn apart");
            assert!(pairs.iter().any(|(before, after)| before != after), "no value moved");
        }
    }
}

#[test]
fn the_gradient_of_a_codebooks_value_is_the_slope_of_the_loss() {
    let mut random = Random::new(5);
    let model = clustered(&small_model(&mut random));
    let (x, labels) = (floats(7 * 36, 1.0, &mut random), [3, 1, 4, 1, 5, 9, 2]);
    let plain = gradient(&mut Network::new(&model), &x, &labels);
    let mut network = Network::new(&model);
    network.tie_equal_weights().expect("few values");
    let tied = gradient(&mut network, &x, &labels);
    let mut at = 0;
    for layer in model.layers() {
        let (weight, bias) = layer.parameters().unwrap_or_default();
        for i in 0..weight.len() {
            let same = weight.iter().zip(&plain[at..]).filter(|(w, _)| **w == weight[i]);
            let sum: f64 = same.map(|(_, &g)| f64::from(g)).sum();
            assert!((f64::from(tied[at + i]) - sum).abs() < 1e-6 * sum.abs().max(1.0), "{} for {sum}", tied[at + i]);
        }
        at += weight.len() + bias.len();
    }
}

#[test]
fn a_codebook_of_more_values_than_a_byte_can_count_is_refused() {
    let model = small_model(&mut Random::new(6));
    let refused = Network::new(&model).tie_equal_weights();
    assert_eq!(refused, Err(Error::Shape { what: "codebook of a layer", expected: 256, found: 257 }));
}
