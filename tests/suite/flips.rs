//! Where fp32 and quantized model differ: every image counted once, and named by what became of it.

#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    data::{CLASSES, Split, digits},
    eval::{
        answers::{Answers, Flip},
        confusion::confusion,
    },
    nn::Scratch,
    quant::{QuantizedModel, Scheme, naive},
};

#[test]
fn flips_are_named_by_which_model_is_right() {
    let answers = Answers { labels: vec![1, 2, 3, 4], fp32: vec![1, 2, 5, 6], quantized: vec![1, 7, 3, 8] };
    let flips: Vec<_> = answers.flips().collect();
    assert_eq!(flips, [(1, Flip::Broken), (2, Flip::Fixed), (3, Flip::Changed)]);
    let [fp32, quantized] = answers.confusions();
    assert_eq!([fp32[2 * CLASSES + 2], fp32[2 * CLASSES + 7]], [1, 0]);
    assert_eq!([quantized[2 * CLASSES + 2], quantized[2 * CLASSES + 7]], [0, 1]);
}

#[test]
fn confusions_count_every_image_once_and_right_answers_on_the_diagonal() {
    let data = digits::load();
    let test = data.split(Split::DEFAULT_SEED).test;
    let model = naive::lab_model(&data).expect("64 pixels");
    for (name, least) in [("int8-dynamic-per-tensor", 0), ("ternary-per-channel", 10), ("binary-per-channel", 10)] {
        let scheme = Scheme::from_name(name).expect("a scheme");
        let twin = QuantizedModel::quantize(&model, scheme, &[]).expect("a small layer");
        let answers = Answers::of(&model, &twin, &data, &test, &mut Scratch::default()).expect("whole images");

        let correct = answers.correct();
        for (counts, accuracy) in answers.confusions().iter().zip(correct) {
            assert_eq!(counts.iter().sum::<usize>(), accuracy.total);
            let diagonal: usize = counts.iter().step_by(CLASSES + 1).sum();
            assert_eq!(diagonal, accuracy.correct, "{name}");
        }
        let flips: Vec<(usize, Flip)> = answers.flips().collect();
        assert_eq!(flips.len(), test.len() - answers.agreed(), "{name}");
        assert!(flips.len() >= least, "{name}: {}", flips.len());
        let count = |wanted| flips.iter().filter(|(_, flip)| *flip == wanted).count();
        // What is lost is what was broken without being made up for.
        assert_eq!(correct[0].correct - count(Flip::Broken) + count(Flip::Fixed), correct[1].correct, "{name}");
    }
}

#[test]
fn rows_are_labels_and_columns_answers() {
    let counts = confusion(&[3, 3, 9], &[3, 5, 9]);
    assert_eq!([counts[33], counts[35], counts[53], counts[99]], [1, 1, 0, 1]);
}
