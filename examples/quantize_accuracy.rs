//! What quantization does to the accuracy, over seeded splits: the mean change in points, beside the same fp32 model.
//! `cargo run --release --example quantize_accuracy -- mlp 20`; a third argument is a part of the rows' names, and
//! `epochs=`, `rate=`, `decay=`, `batch=`, `augment=` (a share of the default strengths), `validation=` and `train=`
//! (the fp32 network's epochs) change the training.

use std::{collections::BTreeMap, time::Instant};

use quantpad::{
    data::{Augmentation, Dataset, Split, digits},
    eval::metrics,
    nn::{Model, Scratch},
    quant::{Granularity, Levels, Observer, QuantizedModel, Scheme, WeightFormat, calibrate, correct_biases},
    train::{
        Architecture, FakeActivations, FakeScheme, Network, Optimizer, Settings, SoftmaxSettings, SoftmaxTrainer,
        Trainer, quantization_aware,
    },
};

/// The command line's `name=value`.
struct Options(BTreeMap<String, f32>);

impl Options {
    fn get(&self, name: &str, default: f32) -> f32 {
        self.0.get(name).copied().unwrap_or(default)
    }
}

fn scaled(share: f32) -> Augmentation {
    let a = Augmentation::DEFAULT;
    Augmentation {
        rotation: a.rotation * share,
        shear: a.shear * share,
        scale: a.scale * share,
        shift: a.shift * share,
        thickness: a.thickness * share,
        elastic: a.elastic * share,
        noise: a.noise * share,
    }
}

fn finish(mut trainer: Trainer) -> Model {
    while !trainer.step().expect("a finite loss").is_some_and(|epoch| epoch.done) {}
    trainer.model().expect("finite weights")
}

fn fp32(architecture: &str, data: &Dataset, split: &Split, seed: u32, options: &Options) -> Model {
    let (network, epochs) = match architecture {
        "softmax" => {
            let mut trainer = SoftmaxTrainer::new(data, &split.train, SoftmaxSettings::default()).expect("settings");
            while !trainer.step().expect("a finite loss").done {}
            return trainer.model().expect("finite weights");
        }
        "mlp" => (Architecture::Mlp(vec![32]), options.get("train", 120.0)),
        "cnn" => (Architecture::Cnn(vec![8, 16]), options.get("train", 30.0)),
        other => panic!("no such network: {other}"),
    };
    let settings = Settings {
        epochs: epochs as usize,
        batch: 32,
        optimizer: Optimizer::Adam,
        rate: options.get("train-rate", 0.003),
        weight_decay: options.get("train-decay", 1e-4),
        augmentation: scaled(options.get("train-augment", 1.0)),
        validation: 0.1,
        patience: 0,
        seed,
    };
    finish(Trainer::new(data, &split.train, &network, settings).expect("settings"))
}

/// Right answers of `model` on test images, as the fake network of `scheme` or as it is.
fn correct(model: &Model, scheme: Option<FakeScheme>, (pixels, labels): &(Vec<f32>, Vec<u8>)) -> usize {
    let mut network = Network::new(model);
    if let Some(scheme) = scheme {
        network.quantize(scheme);
    }
    let mut x = vec![0.0; pixels.len()];
    model.input().standardize(pixels, &mut x).expect("whole images");
    metrics::accuracy(network.forward(&x, labels.len()), labels).correct
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, words): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|a| a.contains('='));
    let options = Options(
        options
            .iter()
            .filter_map(|o| o.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
            .collect(),
    );
    let word = |i: usize, default: &str| words.get(i).map_or(default, |word| word.as_str()).to_owned();
    let (architecture, splits, wanted) = (word(0, "mlp"), word(1, "5").parse().expect("a number"), word(2, ""));
    let data = digits::load();
    let mut changes: Vec<(String, Vec<f64>)> = Vec::new();
    let start = Instant::now();
    for seed in 0..splits {
        let split = Split::seeded(data.len() as u32, seed);
        let test = data.gather(&split.test);
        let points = 100.0 / test.1.len() as f64;
        let model = fp32(&architecture, &data, &split, seed, &options);
        let base = correct(&model, None, &test);
        let mut index = 0;
        let mut report = |name: String, value: f64| {
            if changes.len() <= index {
                changes.push((name, Vec::new()));
            }
            changes[index].1.push(value);
            index += 1;
        };
        report("fp32 (percent)".into(), base as f64 * points);
        let change = |correct: usize| (correct as f64 - base as f64) * points;

        let (calibration, _) = data.gather(&split.train[..256]);
        for (scheme, name) in
            [(Scheme::INT8_STATIC_PER_TENSOR, "per tensor"), (Scheme::INT8_STATIC_PER_CHANNEL, "per channel")]
        {
            for observer in Observer::ALL {
                let name = format!("int8 ptq static {} {name}", observer.name());
                if name.contains(&wanted) {
                    let layers = QuantizedModel::quantize(&model, scheme, &calibration).expect("a small model");
                    let ranges = calibrate::ranges(&model, &calibration, observer).expect("finite activations");
                    let layers = layers.layers().to_vec();
                    let quantized = QuantizedModel::from_parts(scheme, model.input().clone(), layers, &ranges);
                    let mut scratch = Scratch::default();
                    let logits = quantized.as_ref().expect("its layers").forward(&test.0, &mut scratch);
                    report(name, change(metrics::accuracy(logits.expect("images"), &test.1).correct));
                }
            }
        }

        let settings = |epochs: f32, rate: f32| Settings {
            epochs: options.get("epochs", epochs) as usize,
            batch: options.get("batch", 32.0) as usize,
            optimizer: Optimizer::Adam,
            rate: options.get("rate", rate),
            weight_decay: options.get("decay", 1e-4),
            augmentation: scaled(options.get("augment", 1.0)),
            validation: options.get("validation", 0.1),
            patience: 0,
            seed,
        };
        for (name, levels, granularity) in [
            ("int8 per tensor", Levels::Integers(127), Granularity::PerTensor),
            ("int8 per channel", Levels::Integers(127), Granularity::PerChannel),
            ("int4 max per channel", Levels::Integers(7), Granularity::PerChannel),
            ("int4 mse per channel", Levels::LeastSquares(7), Granularity::PerChannel),
            ("ternary per channel", Levels::Ternary, Granularity::PerChannel),
            ("ternary per tensor", Levels::Ternary, Granularity::PerTensor),
            ("binary per channel", Levels::Binary, Granularity::PerChannel),
            ("binary per tensor", Levels::Binary, Granularity::PerTensor),
        ] {
            let scheme =
                FakeScheme { weights: WeightFormat { levels, granularity }, activations: FakeActivations::Dynamic };
            let ptq = format!("{name} ptq dynamic");
            if ptq.contains(&wanted) {
                report(ptq, change(correct(&model, Some(scheme), &test)));
            }
            let corrected = format!("{name} ptq corrected");
            if corrected.contains(&wanted) {
                let rounded = scheme.weights.apply(&model).expect("finite weights");
                let rounded = correct_biases(&model, &rounded, &calibration).expect("finite biases");
                report(corrected, change(correct(&rounded, None, &test)));
            }
            let qat = format!("{name} qat dynamic");
            if qat.contains(&wanted) {
                let trainer =
                    quantization_aware(&data, &split.train, &model, scheme, settings(20.0, 0.001)).expect("settings");
                let trained = finish(trainer);
                report(qat, change(correct(&trained, Some(scheme), &test)));
            }
        }
        let control = "fp32 trained on";
        if control.contains(&wanted) {
            let trainer = Trainer::from_model(&data, &split.train, &model, settings(20.0, 0.001)).expect("settings");
            report(control.into(), change(correct(&finish(trainer), None, &test)));
        }
    }
    println!("{architecture}, {splits} splits, {:.1} s, {:?}", start.elapsed().as_secs_f64(), options.0);
    for (name, values) in changes {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let deviation = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)).sqrt();
        println!("{mean:8.2} ± {:.2}  {name}", deviation / n.sqrt());
    }
}
