//! What quantization does to the accuracy, over seeded splits: the mean change in points, beside the same fp32 model.
//! `cargo run --release --example quantize_accuracy -- mlp 20`; a third argument is a part of the rows' names, and
//! `epochs=`, `rate=`, `decay=`, `batch=`, `augment=` (a share of the default strengths), `validation=` and `train=`
//! (the fp32 network's epochs) change the training.

use std::{collections::BTreeMap, time::Instant};

use quantpad::{
    data::{Augmentation, Dataset, Split, digits},
    eval::metrics,
    nn::{Model, Scratch},
    quant::{
        Axes, Granularity, Levels, Observer, QuantizedModel, Scheme, WeightFormat, affine::QParams, calibrate,
        correct_biases,
    },
    train::{
        Architecture, FakeActivations, FakeScheme, Network, Optimizer, Settings, SoftmaxSettings, SoftmaxTrainer,
        Trainer, qat_settings, quantization_aware,
    },
};

/// The command line's `name=value`.
struct Options(BTreeMap<String, f32>);

impl Options {
    fn get(&self, name: &str, default: f32) -> f32 {
        self.0.get(name).copied().unwrap_or(default)
    }
}

fn finish(mut trainer: Trainer<&Dataset>) -> Trainer<&Dataset> {
    while !trainer.step().expect("a finite loss").is_some_and(|epoch| epoch.done) {}
    trainer
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
        augmentation: Augmentation::DEFAULT.times(options.get("train-augment", 1.0)),
        validation: 0.1,
        patience: 0,
        seed,
    };
    finish(Trainer::new(data, &split.train, &network, settings).expect("settings")).model().expect("finite weights")
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

/// Right answers of `model` quantized to int8 with fixed ranges, by its integer products.
fn integer_correct(
    model: &Model,
    granularity: Granularity,
    ranges: &[QParams],
    (pixels, labels): &(Vec<f32>, Vec<u8>),
) -> usize {
    let dynamic =
        Scheme::new(Axes { granularity, ..Scheme::INT8_DYNAMIC_PER_TENSOR.axes() }).expect("a sensible scheme");
    let layers = QuantizedModel::quantize(model, dynamic, &[]).expect("a small model").layers().to_vec();
    let scheme = Scheme::new(Axes { granularity, ..Scheme::INT8_STATIC_PER_TENSOR.axes() }).expect("a sensible scheme");
    let quantized = QuantizedModel::from_parts(scheme, model.input().clone(), layers, ranges).expect("its layers");
    let mut scratch = Scratch::default();
    metrics::accuracy(quantized.forward(pixels, &mut scratch).expect("whole images"), labels).correct
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
        for (granularity, name) in [(Granularity::PerTensor, "per tensor"), (Granularity::PerChannel, "per channel")] {
            for observer in Observer::ALL {
                let name = format!("int8 {name} ptq static {}", observer.name());
                if name.contains(&wanted) {
                    let ranges = calibrate::ranges(&model, &calibration, observer).expect("finite activations");
                    report(name, change(integer_correct(&model, granularity, &ranges, &test)));
                }
            }
        }

        let settings = |weights: WeightFormat| {
            let default = qat_settings(&model, weights, seed);
            Settings {
                epochs: options.get("epochs", default.epochs as f32) as usize,
                batch: options.get("batch", default.batch as f32) as usize,
                rate: options.get("rate", default.rate),
                weight_decay: options.get("decay", default.weight_decay),
                augmentation: options
                    .0
                    .get("augment")
                    .map_or(default.augmentation, |&share| Augmentation::DEFAULT.times(share)),
                validation: options.get("validation", default.validation),
                ..default
            }
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
                let trainer = quantization_aware(&data, &split.train, &model, scheme, settings(scheme.weights));
                let trained = finish(trainer.expect("settings")).model().expect("finite weights");
                report(qat, change(correct(&trained, Some(scheme), &test)));
            }
            let qat = format!("{name} qat static");
            if levels == Levels::Integers(127) && qat.contains(&wanted) {
                let fake = FakeScheme { activations: FakeActivations::Static, ..scheme };
                let trainer = quantization_aware(&data, &split.train, &model, fake, settings(scheme.weights));
                let trainer = finish(trainer.expect("settings"));
                let (trained, ranges) = (trainer.model().expect("weights"), trainer.ranges().expect("ranges"));
                report(qat, change(integer_correct(&trained, granularity, &ranges, &test)));
            }
            let control = format!("{name} fp32 trained as long");
            if (levels == Levels::Integers(127) || levels == Levels::Binary) && control.contains(&wanted) {
                let trainer = Trainer::from_model(&data, &split.train, &model, settings(scheme.weights));
                let trained = finish(trainer.expect("settings")).model().expect("finite weights");
                report(control, change(correct(&trained, None, &test)));
            }
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
