//! Accuracy of the networks on the default split, over seeds: `cargo run --release --example train_networks -- cnn 120 5`.

use std::time::Instant;

use quantpad::{
    data::{Augmentation, Split, digits},
    eval::metrics,
    nn::Scratch,
    train::{Architecture, Optimizer, Settings, Trainer},
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |i: usize, default: &str| arguments.get(i).map_or(default, String::as_str).to_owned();
    let number = |i: usize, default: &str| argument(i, default).parse::<f32>().expect("a number");
    let architecture = match argument(0, "mlp").as_str() {
        "softmax" => Architecture::Mlp(vec![]),
        "mlp" => Architecture::Mlp(vec![32]),
        "cnn" => Architecture::Cnn(vec![8, 16]),
        other => panic!("no such network: {other}"),
    };
    let (epochs, seeds) = (number(1, "30") as usize, number(2, "1") as u32);
    let (rate, decay, augmented) = (number(3, "0.003"), number(4, "0.0001"), number(5, "1") > 0.0);
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    let (pixels, labels) = data.gather(&split.test);
    let mut sum = 0;
    for seed in 0..seeds {
        let settings = Settings {
            epochs,
            batch: 32,
            optimizer: Optimizer::Adam,
            rate,
            weight_decay: decay,
            augmentation: if augmented { Augmentation::DEFAULT } else { Augmentation::NONE },
            validation: 0.1,
            patience: 0,
            seed,
        };
        let start = Instant::now();
        let mut trainer = Trainer::new(&data, &split.train, &architecture, settings).expect("settings");
        let last = loop {
            if let Some(epoch) = trainer.step().expect("a finite loss")
                && epoch.done
            {
                break epoch;
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        let model = trainer.model().expect("finite weights");
        let right =
            metrics::accuracy(model.forward(&pixels, &mut Scratch::default()).expect("images"), &labels).correct;
        sum += right;
        println!(
            "seed {seed}: {right} of {}; validation {} of {}; {:.2} s, {:.2} ms an epoch",
            labels.len(),
            last.validation_correct,
            last.validation_total,
            seconds,
            1e3 * seconds / epochs as f64
        );
    }
    println!("mean {:.2} %", 100.0 * sum as f64 / f64::from(seeds) / labels.len() as f64);
}
