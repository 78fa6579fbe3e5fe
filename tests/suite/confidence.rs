//! "Not sure": taps, scribbles and letters are not taken for digits, and real digits are.

#[cfg(target_arch = "wasm32")]
use crate::common::test;

use crate::common::drawings;
use quantpad::{
    data::{
        Dataset, Split, digits,
        raster::{self, Form, Point},
    },
    eval::confidence::{Familiarity, legible, sure, threshold},
    nn::{Model, Scratch, argmax, mean_logits, softmax},
    train::{SoftmaxSettings, SoftmaxTrainer},
};

fn split(data: &Dataset) -> Split {
    Split::seeded(data.len() as u32, Split::DEFAULT_SEED)
}

fn trained(data: &Dataset) -> Model {
    let mut trainer =
        SoftmaxTrainer::new(data, &split(data).train, SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    trainer.model().expect("finite coefficients")
}

/// The answer to a drawing, and whether it is given.
fn answer(model: &Model, known: &Familiarity, strokes: &[Vec<Point>]) -> (usize, bool) {
    let images = raster::renderings(strokes, Form::DIGITS).expect("a drawing");
    let logits = mean_logits(model.forward(&images, &mut Scratch::default()).expect("whole images"));
    let mut probabilities = [0.0; 10];
    softmax(&logits, &mut probabilities);
    let digit = argmax(&logits);
    let given = legible(strokes) && sure(&probabilities, threshold(model)) && known.knows(&images[..64], digit);
    (digit, given)
}

fn share_given(model: &Model, known: &Familiarity, drawings: &[drawings::Strokes]) -> f64 {
    let given = drawings.iter().filter(|strokes| answer(model, known, strokes).1).count();
    given as f64 / drawings.len() as f64
}

#[test]
fn a_tap_and_a_line_to_and_fro_are_no_digits_whatever_their_size() {
    assert!(!legible(&[]) && !legible(&[vec![]]));
    let to_and_fro: Vec<Point> = (0..12).map(|i| [(i % 2) as f32, i as f32 / 12.0]).collect();
    let eight: Vec<Point> = [[5, 5], [2, 2], [5, 0], [8, 2], [5, 5], [1, 8], [5, 10], [9, 8], [5, 5]]
        .map(|p| p.map(|v| v as f32 / 10.0))
        .to_vec();
    for scale in [0.1, 1.0, 300.0] {
        let scaled = |stroke: &[Point]| vec![stroke.iter().map(|p| p.map(|v| v * scale)).collect::<Vec<_>>()];
        assert!(!legible(&scaled(&to_and_fro)), "scale {scale}");
        assert!(legible(&scaled(&eight)), "scale {scale}");
    }
    assert!(!legible(&[vec![[0.5, 0.5]]]) && !legible(&[vec![[0.5, 0.5], [0.505, 0.5]]]));
    assert!(!legible(&[vec![[f32::NAN, 0.5], [0.505, 0.5]]]));
}

#[test]
fn an_answer_needs_a_probability_at_the_threshold() {
    assert!(sure(&[0.1, 0.7, 0.2], 0.7) && !sure(&[0.1, 0.69, 0.21], 0.7));
    assert!(!sure(&[], 0.5) && !sure(&[f32::NAN; 10], 0.5));
}

#[test]
fn images_of_the_data_set_are_familiar_as_their_own_digit_only() {
    let data = digits::load();
    let split = split(&data);
    let known = Familiarity::new(&data, &split.train);
    let (pixels, labels) = data.gather(&split.test);
    let (mut own, mut other) = (0, 0);
    for (image, &label) in pixels.chunks_exact(64).zip(&labels) {
        own += usize::from(known.knows(image, label.into()));
        other += (0..10).filter(|&digit| digit != usize::from(label) && known.knows(image, digit)).count();
    }
    assert!(own as f64 > 0.98 * labels.len() as f64, "{own} of {}", labels.len());
    assert!((other as f64) < 0.25 * 9.0 * labels.len() as f64, "{other} of {}", 9 * labels.len());
    assert!(!known.knows(&pixels[..63], 3) && !known.knows(&pixels[..64], 10));
    let nothing = Familiarity::new(&data, &[]);
    assert!(!nothing.knows(&pixels[..64], labels[0].into()));
}

#[test]
fn scribbles_and_letters_get_no_answer_most_of_the_time() {
    let data = digits::load();
    let (model, known) = (trained(&data), Familiarity::new(&data, &split(&data).train));
    let (letters, scribbles) = (drawings::letters(), drawings::scribbles());
    let shares = [&letters, &scribbles].map(|drawings| share_given(&model, &known, drawings));
    println!("taken for digits: {:.1} % of letters, {:.1} % of scribbles", 100.0 * shares[0], 100.0 * shares[1]);
    assert!(shares[0] < 0.25 && shares[1] < 0.15, "{shares:?}");
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn real_digits_that_are_read_rightly_are_answered() {
    let Some(drawings) = drawings::real_digits() else { return };
    let data = digits::load();
    let (model, known) = (trained(&data), Familiarity::new(&data, &split(&data).train));
    let (mut right, mut answered) = (0_u32, 0_u32);
    for drawing in &drawings {
        let (digit, given) = answer(&model, &known, &drawing.strokes);
        if digit == usize::from(drawing.label) {
            right += 1;
            answered += u32::from(given);
        }
    }
    let share = f64::from(answered) / f64::from(right);
    println!("{answered} of {right} right answers are given");
    assert!(share > 0.95, "{share}");
}
