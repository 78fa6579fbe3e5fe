//! A person's own hand is learned from a few drawings, and the others are not forgotten.

use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    data::{
        Dataset, Split, digits,
        raster::{self, Form, Point},
    },
    eval::metrics,
    nn::{Model, Scratch, argmax},
    train::{Architecture, FineTuner, FineTuning, Own, Settings, SoftmaxSettings, SoftmaxTrainer, Trainer},
};

fn network(data: &Dataset, rows: &[u32], epochs: usize) -> Model {
    let architecture = Architecture::Mlp(vec![32]);
    let settings = Settings { epochs, ..architecture.settings(rows.len(), 3) };
    let mut trainer = Trainer::new(data, rows, &architecture, settings).expect("valid settings");
    while !trainer.step().expect("a finite loss").is_some_and(|epoch| epoch.done) {}
    trainer.model().expect("finite weights")
}

fn regression(data: &Dataset, rows: &[u32]) -> Model {
    let mut trainer = SoftmaxTrainer::new(data, rows, SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    trainer.model().expect("finite coefficients")
}

fn tune(model: &Model, data: &Dataset, rows: &[u32], own: &[Own], settings: FineTuning) -> Model {
    let mut tuner = FineTuner::new(model, data, rows, own, settings).expect("drawings and rows");
    while !tuner.step().expect("a finite loss") {}
    tuner.model().expect("finite weights")
}

fn read(model: &Model, strokes: &[Vec<Point>]) -> usize {
    let image = raster::rasterize(strokes, Form::DIGITS).expect("a drawing");
    argmax(model.forward(&image, &mut Scratch::default()).expect("one image"))
}

fn right(model: &Model, data: &Dataset, rows: &[u32]) -> usize {
    let (pixels, labels) = data.gather(rows);
    metrics::accuracy(model.forward(&pixels, &mut Scratch::default()).expect("images"), &labels).correct
}

/// A triangle, which nobody but this hand takes for a 5.
fn triangle() -> Vec<Vec<Point>> {
    vec![vec![[0.5, 0.1], [0.8, 0.8], [0.2, 0.8], [0.5, 0.1]]]
}

#[test]
fn a_hand_is_learned_and_the_data_set_is_not_forgotten() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    let other = vec![vec![[0.4, 0.0], [0.8, 0.9], [0.15, 0.85], [0.35, 0.05]]];
    for model in [network(&data, &split.train, 40), regression(&data, &split.train)] {
        assert_ne!(read(&model, &other), 5);
        let drawing = triangle();
        let tuned =
            tune(&model, &data, &split.train, &[Own { strokes: &drawing, label: 5 }], FineTuning::of(&model, 1));
        assert_eq!([read(&tuned, &triangle()), read(&tuned, &other)], [5, 5]);
        let [before, after] = [&model, &tuned].map(|model| right(model, &data, &split.test));
        assert!(after + 4 >= before, "{before} to {after} of 360 test rows");
    }
}

/// A stem and a bar, which nobody but this hand takes for a 5; its bar: where it begins, its height, its length.
fn cross([left, height, length]: [f32; 3]) -> Vec<Vec<Point>> {
    vec![vec![[0.4, 0.0], [0.4, 1.0]], vec![[left, height], [left + length, height]]]
}

#[test]
fn a_hand_is_read_in_other_proportions_than_those_drawn() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    let model = network(&data, &split.train, 40);
    let drawing = cross([0.1, 0.4, 0.6]);
    let read_of_45 = |pace| {
        let settings = FineTuning { pace, bend: 0.1, ..FineTuning::of(&model, 1) };
        let own = [Own { strokes: &drawing, label: 5 }];
        let tuned = tune(&model, &data, &split.train, &own, settings);
        let mut right = 0;
        for left in [0.0, 0.1, 0.2] {
            for height in [0.2, 0.3, 0.4, 0.5, 0.6] {
                right +=
                    [0.4, 0.6, 0.8].iter().filter(|&&length| read(&tuned, &cross([left, height, length])) == 5).count();
            }
        }
        right
    };
    let (with, without) = (read_of_45(0.5), read_of_45(0.0));
    assert!(with >= 41 && with > without, "{with} with other proportions, {without} without");
}

#[test]
fn the_same_seed_gives_the_same_bits_in_every_build_and_engine() {
    let data = digits::load();
    let rows: Vec<u32> = (0..300).collect();
    let model = network(&data, &rows, 2);
    let drawing = triangle();
    let own = [Own { strokes: &drawing, label: 5 }];
    let bits = |seed| {
        let tuned = tune(&model, &data, &rows, &own, FineTuning { steps: 20, ..FineTuning::of(&model, seed) });
        common::hash(common::parameters(&tuned).into_iter().map(|w| w.to_bits().into()))
    };
    assert_eq!(format!("{:016x}", bits(1)), "b69290853ec86b9a");
    assert_ne!(bits(1), bits(2));
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let data = digits::load();
    let rows: Vec<u32> = (0..100).collect();
    let model = network(&data, &rows, 1);
    let drawing = triangle();
    let good = Own { strokes: &drawing, label: 5 };
    let refused = |data: &Dataset, rows: &[u32], own: &[Own], settings| {
        FineTuner::new(&model, data, rows, own, settings).err().expect("refused")
    };
    let settings = FineTuning::of(&model, 0);
    let empty = Own { strokes: &[], label: 1 };
    assert!(matches!(refused(&data, &rows, &[], settings), Error::Shape { .. }));
    assert!(matches!(refused(&data, &rows, &[empty], settings), Error::Shape { .. }));
    assert!(matches!(refused(&data, &[], &[good], settings), Error::Shape { .. }));
    let label = Own { label: 10, ..good };
    assert!(matches!(refused(&data, &rows, &[good, label], settings), Error::Label { row: 1, label: 10 }));
    let other = Dataset::new(4, 4, 16, vec![0; 16], vec![0]).expect("an image");
    assert!(matches!(refused(&other, &[0], &[good], settings), Error::Shape { .. }));
}

/// Ten drawings of each writer, one of each digit, against all the others of that writer.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn ten_drawings_of_a_real_hand_help_with_the_others() {
    let Some(drawings) = common::drawings::real_digits() else { return };
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    let model = network(&data, &split.train, 100);
    let (mut before, mut after, mut all) = (0, 0, 0);
    for writer in 0..13 {
        let (mut seen, mut own, mut others) = ([false; 10], Vec::new(), Vec::new());
        for drawing in drawings.iter().filter(|drawing| drawing.writer == writer) {
            if core::mem::replace(&mut seen[usize::from(drawing.label)], true) {
                others.push(drawing);
            } else {
                own.push(Own { strokes: &drawing.strokes, label: drawing.label });
            }
        }
        let tuned = tune(&model, &data, &split.train, &own, FineTuning { steps: 900, ..FineTuning::of(&model, 0) });
        let count = |model: &Model| {
            others.iter().filter(|drawing| read(model, &drawing.strokes) == usize::from(drawing.label)).count()
        };
        (before, after, all) = (before + count(&model), after + count(&tuned), all + others.len());
    }
    println!("{before} to {after} of {all} drawings");
    let errors = [all - before, all - after];
    assert!(errors[1] * 10 < errors[0] * 7, "{before} to {after} of {all}");
}
