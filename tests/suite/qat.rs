//! Quantization-aware training: the gradient goes through the rounding, what is trained is what is quantized, and it
//! regains what rounding lost. Codebooks: equal weights stay equal.

use crate::common;
use crate::common::parameters;
#[cfg(target_arch = "wasm32")]
use crate::common::test;
use crate::common::{Random, floats};

use quantpad::{
    Error,
    data::{Augmentation, Dataset, Split, Standardizer, digits},
    eval::metrics,
    nn::{Conv2d, Dense, Input, Layer, MaxPool2d, Model, Scratch},
    quant::{
        Axes, Granularity, InputRange, MovingAverage, NumberFormat, QuantizedModel, Scheme, StoredWeights, affine,
        fake_quant,
    },
    train::{Architecture, Network, Optimizer, Settings, Trainer, qat_settings, quantization_aware},
};

fn scheme(name: &str) -> Scheme {
    Scheme::from_name(name).unwrap_or_else(|error| panic!("{name}: {error}"))
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

/// `model` with the weights that are left of it.
fn rounded(model: &Model, scheme: Scheme) -> Model {
    let quantized = QuantizedModel::quantize(model, scheme, &[]).unwrap_or_else(|e| panic!("{}: {e}", scheme.name()));
    quantized.decode().expect("finite weights")
}

/// A network that poses as `scheme` has it.
fn posing_network(model: &Model, scheme: Scheme) -> Network {
    let mut network = Network::new(model);
    network.quantize(&scheme).unwrap_or_else(|error| panic!("{}: {error}", scheme.name()));
    network
}

#[test]
fn the_gradient_of_a_weight_is_that_of_what_it_was_rounded_to() {
    let mut random = Random::new(1);
    let model = small_model(&mut random);
    let (x, labels) = (floats(7 * 36, 1.0, &mut random), [3, 1, 4, 1, 5, 9, 2]);
    for name in [
        "int16-affine-per-channel-qat",
        "int8-per-tensor-qat",
        "int8-affine-per-tensor-mse-qat",
        "int8-per-channel-qat",
        "int4-per-tensor-qat",
        "int4-per-channel-mse-qat",
        "ternary-per-tensor-qat",
        "ternary-per-channel-qat",
        "binary-per-tensor-qat",
        "binary-per-channel-qat",
        "int4-per-channel-qat-first-f32-layer1-ternary-last-f16",
        "f32-last-binary",
    ] {
        let scheme = scheme(name);
        let rounded = rounded(&model, scheme);
        assert_ne!(rounded, model, "{name}");
        let mut network = posing_network(&model, scheme);
        assert_eq!(network.forward(&x, 7), Network::new(&rounded).forward(&x, 7), "{name}");
        let wanted = gradient(&mut Network::new(&rounded), &x, &labels);
        assert_eq!(gradient(&mut network, &x, &labels), wanted, "{name}");
        assert_eq!(network.model(model.input().clone()), Ok(model.clone()), "{name}: the weights stay fp32");
        assert_eq!(network.ranges().count(), 0, "{name}");
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
fn gradients_pass_rounded_activations_but_not_clamped_ones() {
    let mut random = Random::new(2);
    let (hidden, rows) = (9, 6);
    let input = Input::new(6, &Standardizer { mean: vec![0.0; 36], std: vec![1.0; 36] });
    let (mut w1, b1) = (floats(36 * hidden, 0.4, &mut random), floats(hidden, 0.2, &mut random));
    let (mut w2, b2) = (floats(hidden * 10, 0.5, &mut random), floats(10, 0.2, &mut random));
    let layers = vec![
        Layer::Dense(Dense::new(w1.clone(), b1.clone()).expect("a full layer")),
        Layer::Dense(Dense::new(w2.clone(), b2.clone()).expect("a full layer")),
    ];
    let model = Model::new(input, layers).expect("a model");
    // What it poses with.
    for w in [&mut w1, &mut w2] {
        let float = w.clone();
        StoredWeights::round(&float, 1, &Axes::weights(NumberFormat::Int8), w).expect("finite weights");
    }
    let labels = [0, 9, 3, 3, 7, 1];
    for activations in [scheme("int8-static-entropy-per-tensor-qat"), scheme("int8-dynamic-per-tensor-qat")] {
        let mut network = posing_network(&model, activations);
        let activations = activations.activations();
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
                    let ends = if activations.is_static() { averages[layer].range() } else { range(x) };
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
            let may = activations.is_static() && x == &batches[1];
            assert_eq!(clamped > 0, may, "{activations:?}: {clamped} clamped");
        }
        let ranges: Vec<_> = network.ranges().collect::<Result<_, _>>().expect("finite ranges");
        let wanted: Vec<_> =
            if activations.is_static() { averages.iter().map(|average| average.range()).collect() } else { Vec::new() };
        assert_eq!(ranges.len(), wanted.len());
        for (found, wanted) in ranges.into_iter().zip(wanted) {
            let InputRange::Integers(found) = found else { panic!("{found:?}") };
            let wanted = affine::choose_u8(wanted).expect("a finite range");
            assert!((found.scale - wanted.scale).abs() < 1e-6, "{found:?} for {wanted:?}");
            assert_eq!(found.zero_point, wanted.zero_point);
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

#[test]
fn the_same_seed_gives_the_same_bits_in_every_build_and_engine() {
    let data = digits::load();
    let rows = &Split::seeded(data.len() as u32, 42).train[..300];
    let hashes = [
        (Architecture::Mlp(vec![]), "ternary-dynamic-per-channel-qat"),
        (Architecture::Mlp(vec![32]), "int4-static-minmax-per-channel-mse-qat"),
        (Architecture::Cnn(vec![8, 16]), "binary-dynamic-per-channel-qat"),
        (Architecture::Cnn(vec![8, 16]), "int8-static-minmax-per-channel-qat"),
        (Architecture::Mlp(vec![32]), "codebook16-qat-last-int8"),
    ]
    .map(|(architecture, name)| {
        let model = fp32(&data, rows, &architecture, 1);
        let settings = Settings { epochs: 2, validation: 0.1, ..qat_settings(&model, &scheme(name), rows.len(), 7) };
        let trainer = finish(quantization_aware(&data, rows, &model, &scheme(name), settings).expect("settings"));
        let ranges = trainer.ranges().expect("finite ranges").into_iter().flat_map(|range| match range {
            InputRange::Integers(params) => vec![params.scale],
            InputRange::Levels(levels) => vec![levels.centre, levels.half],
        });
        let values = parameters(&trainer.model().expect("finite weights")).into_iter().chain(ranges);
        format!("{:016x}", common::hash(values.map(|w| w.to_bits().into())))
    });
    assert_eq!(
        hashes,
        ["4514a9e640fa388c", "973ef1efd7acfc0a", "f63237374a52c40d", "297d8d77b9104e77", "f5afd92391c15a02"]
    );
}

/// Right answers on the test rows of the network that poses as `scheme`, and its logits.
fn posing(model: &Model, scheme: Scheme, (pixels, labels): &(Vec<f32>, Vec<u8>)) -> (usize, Vec<f32>) {
    let mut network = posing_network(model, scheme);
    let mut x = vec![0.0; pixels.len()];
    model.input().standardize(pixels, &mut x).expect("whole images");
    let logits = network.forward(&x, labels.len()).to_vec();
    (metrics::accuracy(&logits, labels).correct, logits)
}

#[test]
fn a_large_data_set_is_shown_in_few_epochs() {
    let model = small_model(&mut Random::new(9));
    let settings = |rows| qat_settings(&model, &scheme("binary-per-channel-qat"), rows, 1);
    let (usual, large) = (settings(1437), settings(60_000));
    assert!(usual.epochs >= 20 && usual.augmentation != Augmentation::NONE);
    assert_eq!(settings(100).epochs, usual.epochs, "no more than were measured");
    assert_eq!(settings(2 * 1437).epochs, usual.epochs / 2);
    assert_eq!((large.epochs, large.augmentation), (3, Augmentation::NONE));
}

#[test]
fn training_regains_what_rounding_lost() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, 42);
    let test = data.gather(&split.test);
    let model = fp32(&data, &split.train, &Architecture::Mlp(vec![32]), 20);
    let logits = model.forward(&test.0, &mut Scratch::default()).expect("whole images").to_vec();
    let whole = metrics::accuracy(&logits, &test.1).correct;
    for (name, epochs, lost, left) in [
        ("int4-dynamic-per-channel-qat", 10, 0, 4),
        ("ternary-dynamic-per-channel-qat", 20, 20, 9),
        ("binary-dynamic-per-channel-qat", 20, 40, 18),
        ("codebook3-qat", 20, 40, 16),
    ] {
        let scheme = scheme(name);
        let (before, _) = posing(&model, scheme, &test);
        // Few epochs, so a bold rate.
        let (rate, weight_decay, augmentation) = (3e-3, 1e-4, Augmentation::NONE);
        let settings = Settings { epochs, rate, weight_decay, augmentation, ..qat_settings(&model, &scheme, 1437, 1) };
        let trainer = quantization_aware(&data, &split.train, &model, &scheme, settings).expect("settings");
        let trained = finish(trainer).model().expect("finite weights");
        let (after, _) = posing(&trained, scheme, &test);
        println!("{name}: {before} to {after}, fp32 {whole}");
        assert!(before + lost <= whole, "{name} lost only {before} of {whole}: the test shows nothing");
        assert!(after + left >= whole, "{name}: {before} to {after}, fp32 {whole}");
    }
}

#[test]
fn the_trained_weights_quantized_are_the_network_that_was_trained() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, 42);
    let (pixels, labels) = data.gather(&split.test);
    let rows = &split.train[..400];
    for architecture in [Architecture::Mlp(vec![32]), Architecture::Cnn(vec![4])] {
        let model = fp32(&data, rows, &architecture, 3);
        let mut x = vec![0.0; pixels.len()];
        for name in [
            "int8-dynamic-per-tensor-qat",
            "int8-dynamic-per-channel-qat",
            "int8-static-minmax-per-tensor-qat",
            "int8-static-minmax-per-channel-qat",
            "int4-static-mse-per-channel-mse-qat",
            "int4-affine-dynamic-per-tensor-qat",
            "binary-static-minmax-per-channel-qat",
            "binary-xnor-per-channel-qat",
            "binary-xnor-per-tensor-qat-first-f32-last-int8",
            "int4-per-channel-mse-qat",
            "ternary-per-channel-qat",
            "codebook16-qat",
            "int8-static-minmax-per-channel-qat-first-f32",
            "int8-static-minmax-per-channel-qat-last-codebook16",
        ] {
            let scheme = scheme(name);
            // A bold rate, for a network that has learned little answers by a hair, and by another one when sums differ.
            let settings = qat_settings(&model, &scheme, 1437, 1);
            let settings = Settings { epochs: 2, rate: 3e-3, weight_decay: 1e-4, ..settings };
            let mut trainer = finish(quantization_aware(&data, rows, &model, &scheme, settings).expect("settings"));
            let ranges = trainer.ranges().expect("finite ranges");
            let trained = trainer.model().expect("finite weights");
            let quantized = QuantizedModel::with_ranges(&trained, scheme, &ranges).expect("a small model");
            trained.input().standardize(&pixels, &mut x).expect("whole images");
            assert_eq!(quantized.ranges(), ranges, "{name}");
            let mut scratch = Scratch::default();
            let logits = quantized.forward(&pixels, &mut scratch).expect("whole images");
            let posed = trainer.network_mut().forward(&x, labels.len());
            // A sum in floats may fall to the other side of a step of an activation; a bias is rounded with static ranges.
            let size = posed.iter().fold(0.0_f32, |size, v| size.max(v.abs()));
            let near = size * if ranges.is_empty() { 1e-4 } else { 5e-3 };
            let far = logits.iter().zip(posed).filter(|(a, b)| (*a - *b).abs() > near).count();
            println!("{architecture:?}, {name}: {far} of {}", posed.len());
            assert!(far * 50 <= posed.len(), "{architecture:?}, {name}: {far} of {}", posed.len());
            let [found, wanted] = [logits, posed].map(|logits| metrics::accuracy(logits, &labels).correct);
            assert!(found.abs_diff(wanted) <= 1, "{architecture:?}, {name}: {found} for {wanted} right answers");
        }
    }
}

#[test]
fn an_empty_batch_teaches_nothing() {
    let model = small_model(&mut Random::new(8));
    for name in [
        "ternary-per-channel-qat",
        "ternary-dynamic-per-channel-qat",
        "ternary-static-minmax-per-channel-qat",
        "binary-xnor-per-channel-qat",
    ] {
        let mut network = Network::new(&model);
        network.quantize(&scheme(name)).expect("a scheme that can be trained");
        assert_eq!(network.learn(&[], &[]), Ok((0.0, 0)));
    }
}

#[test]
fn what_cannot_be_trained_so_is_refused() {
    let data = digits::load();
    let rows = &Split::seeded(data.len() as u32, 1).train[..50];
    let train = |model: &Model, name: &str| {
        quantization_aware(&data, rows, model, &scheme(name), qat_settings(model, &scheme(name), rows.len(), 1)).err()
    };
    let small = small_model(&mut Random::new(3));
    let other_size = Error::Shape { what: "model's input", expected: 64, found: 36 };
    assert_eq!(train(&small, "ternary-per-channel-qat"), Some(other_size));
    let model = fp32(&data, rows, &Architecture::Mlp(vec![4]), 1);
    for name in ["int8-dynamic-per-tensor", "f16", "codebook16", "int8-per-tensor-qat-layer2-f32"] {
        assert!(matches!(train(&model, name), Some(Error::Scheme { .. })), "{name}");
    }
    // Weights beyond their format make the loss no number, and weights that run away are an error.
    let weight = vec![1e5; 36 * 10];
    let layer = Layer::Dense(Dense::new(weight, vec![0.0; 10]).expect("a full layer"));
    let large = Model::new(small.input().clone(), vec![layer]).expect("a whole model");
    let logits = posing_network(&large, scheme("int8-per-tensor-qat-last-f16")).forward(&[1.0; 36], 1).to_vec();
    assert!(logits.iter().all(|v| !v.is_finite()), "{logits:?}");
    let scheme = scheme("int8-per-tensor-qat-first-f16");
    let settings = Settings { rate: 100.0, epochs: 50, ..qat_settings(&model, &scheme, 1437, 1) };
    let mut trainer = quantization_aware(&data, rows, &model, &scheme, settings).expect("settings");
    let error = (0..1000).find_map(|_| trainer.step().err());
    assert!(matches!(error, Some(Error::Diverged { .. })), "{error:?}");
}

#[test]
fn the_values_of_a_codebook_move_and_their_weights_stay_together() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, 42);
    let model = fp32(&data, &split.train, &Architecture::Mlp(vec![16]), 10);
    for (name, optimizer) in [
        ("codebook16-qat", Optimizer::Adam),
        ("codebook7-per-channel-qat", Optimizer::Adam),
        ("codebook16-qat", Optimizer::Sgd { momentum: 0.9 }),
    ] {
        let scheme = scheme(name);
        let settings = Settings {
            epochs: 3,
            optimizer,
            augmentation: Augmentation::NONE,
            ..qat_settings(&model, &scheme, 1437, 1)
        };
        let mut trainer = quantization_aware(&data, &split.train, &model, &scheme, settings).expect("settings");
        let mut losses = Vec::new();
        while losses.len() < settings.epochs {
            losses.extend(trainer.step().expect("a finite loss").map(|epoch| epoch.loss));
        }
        assert!(losses[2] < losses[0], "{losses:?}");
        let before = QuantizedModel::quantize(&model, scheme, &[]).expect("a small model");
        let tuned = trainer.model().expect("finite weights");
        let after = QuantizedModel::with_ranges(&tuned, scheme, &[]).expect("a small model");
        assert_eq!(after.decode(), Ok(tuned), "{name}: the codebook holds the values that were trained");
        for (before, after) in before.layers().iter().zip(after.layers()) {
            let [before, after] = [before, after].map(|layer| layer.weights().expect("weights"));
            assert_eq!(before.packed(), after.packed(), "{name}: a weight has the number that it had");
            assert_eq!(before.codebook().len(), after.codebook().len());
            let moved = before.codebook().iter().zip(after.codebook()).filter(|(a, b)| a != b).count();
            assert!(2 * moved > before.codebook().len(), "{name}: {moved} values moved");
        }
    }
}

#[test]
fn the_gradient_of_a_codebooks_value_is_the_slope_of_the_loss() {
    let mut random = Random::new(5);
    let whole = small_model(&mut random);
    // Two rows of equal weights are two rows still.
    let mut layers = whole.layers().to_vec();
    let last = layers.last_mut().expect("layers");
    let (weight, bias) = last.parameters().map(|(weight, bias)| (weight.to_vec(), bias.to_vec())).expect("weights");
    let weight = [&weight[..12], &weight[..108]].concat();
    *last = last.with_parameters(weight, bias).expect("a full layer");
    let whole = Model::new(whole.input().clone(), layers).expect("a whole model");
    let (x, labels) = (floats(7 * 36, 1.0, &mut random), [3, 1, 4, 1, 5, 9, 2]);
    for (name, granularity) in
        [("codebook7-qat", Granularity::PerTensor), ("codebook3-per-channel-qat", Granularity::PerChannel)]
    {
        let model = rounded(&whole, scheme(name));
        let plain = gradient(&mut Network::new(&model), &x, &labels);
        let mut network = posing_network(&whole, scheme(name));
        let tied = gradient(&mut network, &x, &labels);
        assert_eq!(
            network.model(model.input().clone()),
            Ok(model.clone()),
            "{name}: it learns from rounded weights on"
        );
        let mut at = 0;
        for layer in model.layers() {
            let (weight, bias) = layer.parameters().unwrap_or_default();
            let group =
                if granularity == Granularity::PerTensor { weight.len() } else { weight.len() / bias.len().max(1) };
            for i in 0..weight.len() {
                let others = i / group * group..(i / group + 1) * group;
                let same = others.filter(|&j| weight[j] == weight[i]).map(|j| f64::from(plain[at + j]));
                let (sum, found) = (same.sum::<f64>(), f64::from(tied[at + i]));
                assert!((found - sum).abs() < 1e-6 * sum.abs().max(1.0), "{name}: {found} for {sum}");
            }
            at += weight.len() + bias.len();
        }
    }
}
