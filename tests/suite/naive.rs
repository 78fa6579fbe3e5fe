//! The published lab's mistake on any softmax regression, and the two steps of its repair.

#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    data::{Dataset, Split, Standardizer, digits},
    eval::metrics,
    nn::{Input, Model, Scratch, zoo},
    quant::naive::{self, Cast, Integers},
    train::{SoftmaxSettings, SoftmaxTrainer},
};

fn integers(model: &Model) -> [Integers; 3] {
    let weights = naive::only_layer(model).expect("one layer").weight();
    Cast::ALL.map(|cast| Integers::new(weights, cast).expect("finite weights"))
}

fn right(model: &Model, data: &Dataset, split: &Split) -> usize {
    let (pixels, labels) = data.gather(&split.test);
    metrics::accuracy(model.forward(&pixels, &mut Scratch::default()).expect("whole images"), &labels).correct
}

#[test]
fn the_cast_keeps_the_lowest_eight_bits_and_saturation_the_sign() {
    let weights = [0.0, 0.5, -0.5, 130.0 / 128.0, -130.0 / 128.0, 1.0, -1.0, 300.0 / 128.0];
    let [wrap, saturate, scale] = Cast::ALL.map(|cast| Integers::new(&weights, cast).expect("finite"));
    assert_eq!(wrap.nearest, [0, 64, -64, 130, -130, 128, -128, 300]);
    assert_eq!(wrap.stored, [0, 64, -64, -126, 126, -128, -128, 44]);
    assert_eq!(wrap.changed(), 4);
    assert_eq!(saturate.nearest, wrap.nearest);
    assert_eq!(saturate.stored, [0, 64, -64, 127, -128, 127, -128, 127]);
    assert_eq!(scale.stored, [0, 27, -27, 55, -55, 54, -54, 127]);
    assert_eq!(scale.changed(), 0);
    assert!((scale.scale - 300.0 / 128.0 / 127.0).abs() < 1e-9);
    assert!(Integers::new(&[f32::NAN], Cast::Wrap).is_err());
}

#[test]
fn the_labs_20_wrapped_weights_change_their_sign() {
    let data = digits::load();
    let fit = naive::lab_model(&data).expect("64 pixels");
    let [wrap, saturate, scale] = integers(&fit);
    assert_eq!([wrap.changed(), saturate.changed(), scale.changed()], [20, 20, 0]);
    for (nearest, stored) in wrap.nearest.iter().zip(&wrap.stored).filter(|(a, b)| a != b) {
        assert_eq!((nearest - stored).abs(), 256);
        assert!(nearest * stored < 0, "{nearest} keeps its sign");
    }
    let split = data.split(Split::DEFAULT_SEED);
    let after = [wrap, saturate, scale].map(|integers| naive::with_integers(&fit, &integers).expect("as many"));
    assert_eq!(after.map(|model| right(&model, &data, &split)), [242, 346, 350]);
}

#[test]
fn a_model_at_its_optimum_has_230_to_245_right_under_the_same_mistake() {
    let data = digits::load();
    let split = data.split(Split::DEFAULT_SEED);
    let mut trainer = SoftmaxTrainer::new(&data, &split.train, SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    let model = trainer.model().expect("finite coefficients");
    let steps = integers(&model);
    // One more than the lab's 20: digit 6, row 2, column 5 (counted from 0) is just beyond.
    assert_eq!(steps[0].changed(), 21);
    assert_eq!((steps[0].nearest[6 * 64 + 21], steps[0].stored[6 * 64 + 21]), (-131, 125));
    let [wrap, saturate, scale] =
        steps.map(|integers| right(&naive::with_integers(&model, &integers).expect("as many"), &data, &split));
    println!("wrap {wrap}, saturate {saturate}, scale {scale}");
    assert!((230..=245).contains(&wrap), "{wrap}");
    assert!((346..=347).contains(&saturate), "{saturate}");
    assert!(scale >= 349, "{scale}");
}

#[test]
fn a_network_is_refused() {
    let scaling = Standardizer { mean: vec![0.0; 64], std: vec![1.0; 64] };
    let model = zoo::mlp(Input::new(8, &scaling), &[16], &mut || 0.1).expect("sizes that fit");
    assert!(naive::only_layer(&model).is_err());
    let some = Integers::new(&[1.0; 640], Cast::Wrap).expect("finite");
    assert!(naive::with_integers(&model, &some).is_err());
    let other = Integers::new(&[1.0; 641], Cast::Wrap).expect("finite");
    assert!(naive::with_integers(&naive::lab_model(&digits::load()).expect("64 pixels"), &other).is_err());
}
