//! What the models of the page make of real people's drawings: `cargo run --release --example drawings -- [SEEDS] [fine |
//! effect]`. Needs the development drawings in `../shared/strokes`. SEEDS (1): trainings of each network; fine: also teach the
//! networks each writer's hand; effect: only compare trainings with and without augmentation.

#![cfg_attr(target_arch = "wasm32", no_main)]
#![cfg(not(target_arch = "wasm32"))]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::drawings::{self, Drawing, Strokes};
use quantpad::{
    Result,
    data::{
        Augmentation, CLASSES, Dataset, Split, digits,
        raster::{self, Form, RENDERINGS},
    },
    eval::{
        confidence::{Familiarity, legible, sure, threshold},
        metrics,
    },
    nn::{Model, Scratch, argmax, mean_logits, softmax},
    quant::{QuantizedModel, Scheme},
    train::{Architecture, FineTuner, FineTuning, Own, Settings, SoftmaxSettings, SoftmaxTrainer, Trainer},
};

/// The models of the page; no architecture: softmax regression.
fn models() -> [(&'static str, Option<Architecture>); 3] {
    [("softmax", None), ("mlp", Some(Architecture::Mlp(vec![32]))), ("cnn", Some(Architecture::Cnn(vec![8, 16])))]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seeds = arguments.first().map_or(1, |seeds| seeds.parse().expect("a number of seeds"));
    let Some(drawings) = drawings::real_digits() else { return };
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    println!("right answers in %: test rows; {} drawings, shown once / in four writings\n", drawings.len());
    if arguments.get(1).is_some_and(|what| what == "effect") {
        return effect_of_augmentation(&data, &drawings, seeds);
    }
    for (name, architecture) in models() {
        for seed in 0..if architecture.is_some() { seeds } else { 1 } {
            let start = Instant::now();
            let model = match &architecture {
                None => softmax_regression(&data, &split.train, None),
                Some(architecture) => network(&data, &split.train, architecture, seed, true),
            };
            println!("{name}, seed {seed}, trained in {:.1} s", start.elapsed().as_secs_f64());
            accuracies(&model, &data, &split, &drawings);
            if seed == 0 {
                confusions(&model, &drawings);
                confidence(&model, &data, &split.train, &drawings);
            }
            if arguments.len() > 1 {
                fine_tuning(&model, &data, &split, &drawings);
            }
        }
    }
}

/// `variations`: the seed of variations to learn from besides the rows.
fn softmax_regression(data: &Dataset, rows: &[u32], variations: Option<u32>) -> Model {
    let settings = SoftmaxSettings::default();
    let trainer = match variations {
        None => SoftmaxTrainer::new(data, rows, settings),
        Some(seed) => SoftmaxTrainer::augmented(data, rows, settings, seed),
    };
    let mut trainer = trainer.expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    trainer.model().expect("finite coefficients")
}

fn network(data: &Dataset, rows: &[u32], architecture: &Architecture, seed: u32, augmented: bool) -> Model {
    let settings = architecture.settings(rows.len(), seed);
    let augmentation = if augmented { settings.augmentation } else { Augmentation::NONE };
    let settings = Settings { augmentation, ..settings };
    let mut trainer = Trainer::new(data, rows, architecture, settings).expect("valid settings");
    while !trainer.step().expect("a finite loss").is_some_and(|epoch| epoch.done) {}
    trainer.model().expect("finite weights")
}

/// Means over `seeds` trainings of each model, each on a split of its own: what `www/src/panels/augmentation.tsx` tells.
fn effect_of_augmentation(data: &Dataset, drawings: &[Drawing], seeds: u32) {
    let meant: Vec<u8> = drawings.iter().map(|drawing| drawing.label).collect();
    for (name, architecture) in models() {
        for augmented in [false, true] {
            let mut sums = [0.0; 2];
            for seed in 0..seeds {
                let split = Split::seeded(data.len() as u32, seed);
                let (pixels, labels) = data.gather(&split.test);
                let model = match &architecture {
                    None => softmax_regression(data, &split.train, augmented.then_some(seed)),
                    Some(architecture) => network(data, &split.train, architecture, seed, augmented),
                };
                let forward = fp32(&model);
                let [_, mean] = logits(&forward, drawings);
                sums[0] += percent(&forward(&pixels).expect("whole images"), &labels);
                sums[1] += percent(&mean, &meant);
            }
            let [test, drawn] = sums.map(|sum| sum / f64::from(seeds));
            let with = if augmented { "with" } else { "without" };
            println!("{name} {with} augmentation: test rows {test:.2}, drawings in four writings {drawn:.2}");
        }
    }
}

/// Logits of images, whatever the model.
type Forward<'m> = &'m dyn Fn(&[f32]) -> Result<Vec<f32>>;

fn fp32(model: &Model) -> impl Fn(&[f32]) -> Result<Vec<f32>> {
    |pixels| model.forward(pixels, &mut Scratch::default()).map(<[f32]>::to_vec)
}

/// Logits of each drawing in its standard writing, and the mean of all writings.
fn logits(forward: Forward, drawings: &[Drawing]) -> [Vec<f32>; 2] {
    let (mut once, mut mean) = (Vec::new(), Vec::new());
    for drawing in drawings {
        let images = raster::renderings(&drawing.strokes, Form::DIGITS).expect("a drawing");
        let logits = forward(&images).expect("whole images");
        assert_eq!(logits.len(), RENDERINGS.len() * CLASSES);
        once.extend_from_slice(&logits[..CLASSES]);
        mean.extend(mean_logits(&logits));
    }
    [once, mean]
}

fn answers(logits: &[f32]) -> Vec<usize> {
    logits.chunks_exact(CLASSES).map(argmax).collect()
}

fn percent(logits: &[f32], labels: &[u8]) -> f64 {
    let accuracy = metrics::accuracy(logits, labels);
    100.0 * accuracy.correct as f64 / accuracy.total as f64
}

fn accuracies(model: &Model, data: &Dataset, split: &Split, drawings: &[Drawing]) {
    let (pixels, labels) = data.gather(&split.test);
    let (calibration, _) = data.gather(&split.train[..256]);
    let meant: Vec<u8> = drawings.iter().map(|drawing| drawing.label).collect();
    let int8 = |scheme| {
        let quantized = QuantizedModel::quantize(model, scheme, &calibration).expect("small layers");
        move |pixels: &[f32]| quantized.forward(pixels, &mut Scratch::default()).map(<[f32]>::to_vec)
    };
    let per_channel = int8(Scheme::INT8_STATIC_PER_CHANNEL);
    let dynamic = int8(Scheme::INT8_DYNAMIC_PER_TENSOR);
    let reference = logits(&fp32(model), drawings);
    let rows: [(&str, Forward); 3] =
        [("fp32", &fp32(model)), ("int8 static per channel", &per_channel), ("int8 dynamic per tensor", &dynamic)];
    for (name, forward) in rows {
        let [once, mean] = logits(forward, drawings);
        let same = answers(&once).iter().zip(answers(&reference[0])).filter(|(a, b)| **a == *b).count();
        println!(
            "  {name:24} {:6.2}   {:5.2} / {:5.2}   same answer as fp32 {:6.2}",
            percent(&forward(&pixels).expect("whole images"), &labels),
            percent(&once, &meant),
            percent(&mean, &meant),
            100.0 * same as f64 / drawings.len() as f64
        );
    }
}

fn confusions(model: &Model, drawings: &[Drawing]) {
    let [_, mean] = logits(&fp32(model), drawings);
    let mut counts = [[0; CLASSES]; CLASSES];
    let mut writers = [(0, 0); 13];
    for (drawing, answer) in drawings.iter().zip(answers(&mean)) {
        counts[usize::from(drawing.label)][answer] += 1;
        writers[drawing.writer].0 += u32::from(answer == usize::from(drawing.label));
        writers[drawing.writer].1 += 1;
    }
    let pairs = (0..CLASSES).flat_map(|a| (0..CLASSES).map(move |b| (a, b))).filter(|(a, b)| a != b);
    let mut worst: Vec<_> = pairs.map(|(a, b)| (counts[a][b], a, b)).collect();
    worst.sort_unstable_by(|a, b| b.cmp(a));
    let worst: Vec<String> = worst[..5].iter().map(|(count, a, b)| format!("{a} as {b}: {count}")).collect();
    let least = writers.iter().map(|&(right, all)| 100.0 * f64::from(right) / f64::from(all)).fold(100.0, f64::min);
    println!("  worst confusions {}; worst writer {least:.1} %", worst.join(", "));
}

/// How many answers are given, of each kind of drawing.
fn confidence(model: &Model, data: &Dataset, rows: &[u32], drawings: &[Drawing]) {
    let known = Familiarity::new(data, rows);
    let answer = |strokes: &Strokes| {
        let images = raster::renderings(strokes, Form::DIGITS).expect("a drawing");
        let logits = mean_logits(&fp32(model)(&images).expect("whole images"));
        let mut probabilities = [0.0; CLASSES];
        softmax(&logits, &mut probabilities);
        let digit = argmax(&logits);
        (digit, legible(strokes) && sure(&probabilities, threshold(model)) && known.knows(&images[..64], digit))
    };
    let share = |given: Vec<bool>| 100.0 * given.iter().filter(|given| **given).count() as f64 / given.len() as f64;
    let of = |right| {
        let answers = drawings.iter().map(|drawing| (answer(&drawing.strokes), usize::from(drawing.label)));
        share(answers.filter(|((digit, _), label)| (digit == label) == right).map(|((_, given), _)| given).collect())
    };
    let given = |drawings: Vec<Strokes>| share(drawings.iter().map(|strokes| answer(strokes).1).collect());
    println!(
        "  sure of {:.1} % of right answers, {:.1} % of wrong ones, {:.1} % of letters, {:.1} % of scribbles",
        of(true),
        of(false),
        given(drawings::letters()),
        given(drawings::scribbles())
    );
}

fn fine_tuning(model: &Model, data: &Dataset, split: &Split, drawings: &[Drawing]) {
    let (pixels, labels) = data.gather(&split.test);
    // How many of each digit are passed over, and how many are taught.
    for (skipped, each) in [(0, 1), (1, 1), (0, 2)] {
        let mut wrong = 0;
        let (mut before, mut after, mut test) = (Vec::new(), Vec::new(), Vec::new());
        for writer in 0..13 {
            let (mut own, mut others) = (Vec::new(), Vec::new());
            let mut count = [0; CLASSES];
            for drawing in drawings.iter().filter(|drawing| drawing.writer == writer) {
                let count = &mut count[usize::from(drawing.label)];
                *count += 1;
                if (skipped + 1..=skipped + each).contains(count) {
                    own.push(Own { strokes: &drawing.strokes, label: drawing.label });
                } else {
                    others.push(drawing);
                }
            }
            let mut tuner =
                FineTuner::new(model, data, &split.train, &own, FineTuning::of(model, 0)).expect("drawings and rows");
            while !tuner.step().expect("a finite loss") {}
            let tuned = tuner.model().expect("finite weights");
            let read = |model: &Model| {
                let right = others.iter().filter(|drawing| {
                    let images = raster::renderings(&drawing.strokes, Form::DIGITS).expect("a drawing");
                    let logits = mean_logits(&fp32(model)(&images).expect("whole images"));
                    argmax(&logits) == usize::from(drawing.label)
                });
                100.0 * right.count() as f64 / others.len() as f64
            };
            before.push(read(model));
            after.push(read(&tuned));
            wrong += ((1.0 - after[writer] / 100.0) * others.len() as f64).round() as usize;
            test.push(percent(&fp32(&tuned)(&pixels).expect("whole images"), &labels));
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let least = |values: &[f64]| values.iter().copied().fold(100.0, f64::min);
        println!(
            "  taught {} drawings from the {}. on: the writer's others {:.2} (worst {:.1}) to {:.2} ({:.1}), {wrong} wrong; test rows {:.2} (worst {:.2})",
            10 * each,
            10 * skipped + 1,
            mean(&before),
            least(&before),
            mean(&after),
            least(&after),
            mean(&test),
            least(&test)
        );
    }
}
