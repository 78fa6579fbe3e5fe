//! What schemes do to the accuracy, over seeded splits: the mean change in points beside the same fp32 model, on the test
//! rows. `cargo run --release --example quantize_accuracy -- mlp 20 int8-dynamic-per-tensor int4-per-channel-mse-qat`
//!
//! A scheme with `qat` is trained, and an fp32 network is trained for as many epochs more beside it. `+corrected` after a
//! name corrects the biases, `+reconstructed` fits codes, scales and biases to the outputs of each layer. `epochs=` and `rate=` change the quantization-aware training, `train=` the epochs of the
//! fp32 network, and `from=` the first seed.

use std::time::Instant;

use quantpad::{
    data::{Dataset, Split, digits},
    eval::metrics,
    nn::{Model, Scratch},
    quant::{Method, QuantizedModel, Scheme},
    train::{Architecture, Settings, SoftmaxSettings, SoftmaxTrainer, Trainer, qat_settings, quantization_aware},
};

/// Images that ranges and biases are taken from.
const CALIBRATION: usize = 256;

fn finish(mut trainer: Trainer<&Dataset>) -> Trainer<&Dataset> {
    while !trainer.step().expect("a finite loss").is_some_and(|epoch| epoch.done) {}
    trainer
}

fn fp32(architecture: &str, data: &Dataset, rows: &[u32], seed: u32, epochs: Option<f32>) -> Model {
    let network = match architecture {
        "softmax" => {
            let mut trainer = SoftmaxTrainer::new(data, rows, SoftmaxSettings::default()).expect("settings");
            while !trainer.step().expect("a finite loss").done {}
            return trainer.model().expect("finite weights");
        }
        "mlp" => Architecture::usual_mlp(rows.len()),
        "cnn" => Architecture::usual_cnn(),
        other => panic!("no such network: {other}"),
    };
    let default = network.settings(rows.len(), seed);
    let settings = Settings { epochs: epochs.map_or(default.epochs, |epochs| epochs as usize), ..default };
    finish(Trainer::new(data, rows, &network, settings).expect("settings")).model().expect("finite weights")
}

/// The changes of one scheme, split by split.
struct Row {
    name: String,
    values: Vec<f64>,
}

/// Adds a value to the row of that name.
fn report(rows: &mut Vec<Row>, name: &str, value: f64) {
    let found = rows.iter().position(|row| row.name == name).unwrap_or(rows.len());
    if found == rows.len() {
        rows.push(Row { name: name.to_owned(), values: Vec::new() });
    }
    rows[found].values.push(value);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, words): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|a| a.contains('='));
    let option = |name: &str| -> Option<f32> {
        let value = options.iter().find_map(|option| option.split_once('=').filter(|(n, _)| *n == name))?;
        Some(value.1.parse().expect("a number"))
    };
    let [architecture, splits, names @ ..] = &words[..] else { panic!("give a network, a number of splits, schemes") };
    let splits: u32 = splits.parse().expect("a number of splits");
    let first = option("from").map_or(0, |seed| seed as u32);
    let data = digits::load();
    let mut table: Vec<Row> = Vec::new();
    let start = Instant::now();
    for seed in first..first + splits {
        let split = Split::seeded(data.len() as u32, seed);
        let (pixels, labels) = data.gather(&split.test);
        let (calibration, _) = data.gather(&split.train[..CALIBRATION]);
        let points = 100.0 / labels.len() as f64;
        let mut scratch = Scratch::default();
        let mut right = |model: &Model| {
            metrics::accuracy(model.forward(&pixels, &mut scratch).expect("whole images"), &labels).correct as f64
        };
        let model = fp32(architecture, &data, &split.train, seed, option("train"));
        let base = right(&model);
        report(&mut table, "fp32 (per cent)", base * points);
        // One control for all schemes with the same settings.
        let mut controls: Vec<Settings> = Vec::new();
        for name in names {
            let (scheme, after) = name.split_once('+').unwrap_or((name, ""));
            let scheme = Scheme::from_name(scheme).unwrap_or_else(|error| panic!("{error}"));
            let quantized = if scheme.axes().method == Method::Qat {
                let default = qat_settings(&model, &scheme, split.train.len(), seed);
                let settings = Settings {
                    epochs: option("epochs").map_or(default.epochs, |epochs| epochs as usize),
                    rate: option("rate").unwrap_or(default.rate),
                    ..default
                };
                let trainer = quantization_aware(&data, &split.train, &model, &scheme, settings);
                let trainer = finish(trainer.expect("settings"));
                if !controls.contains(&settings) {
                    controls.push(settings);
                    let trainer = Trainer::from_model(&data, &split.train, &model, settings).expect("settings");
                    let control = right(&finish(trainer).model().expect("finite weights"));
                    let more = format!("fp32, {} epochs more, as for {name}", settings.epochs);
                    report(&mut table, &more, (control - base) * points);
                }
                let ranges = trainer.ranges().expect("finite ranges");
                QuantizedModel::with_ranges(&trainer.model().expect("finite weights"), scheme, &ranges)
            } else {
                let quantize = match after {
                    "" => QuantizedModel::quantize,
                    "corrected" => QuantizedModel::quantize_corrected,
                    "reconstructed" => QuantizedModel::quantize_reconstructed,
                    other => panic!("not corrected, nor reconstructed, but {other}"),
                };
                quantize(&model, scheme, &calibration)
            };
            let quantized = quantized.expect("a small model");
            let mut scratch = Scratch::default();
            let logits = quantized.forward(&pixels, &mut scratch).expect("whole images");
            report(&mut table, name, (metrics::accuracy(logits, &labels).correct as f64 - base) * points);
        }
    }
    println!("{architecture}, {splits} splits from seed {first}, {:.1} s, {options:?}", start.elapsed().as_secs_f64());
    for Row { name, values } in table {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let deviation = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)).sqrt();
        println!("{mean:8.2} ± {:.2}  {name}", deviation / n.sqrt());
    }
}
