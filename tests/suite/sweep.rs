//! The schemes of a sweep: enough of them, each once, and each can be built from every kind of model.

#[cfg(target_arch = "wasm32")]
use crate::common::test;

use std::collections::BTreeSet;

use quantpad::{
    data::Standardizer,
    nn::{Input, Model, zoo},
    quant::{Method, NumberFormat, QuantizedModel, Scheme, sweep, sweep_aware},
    random::Random,
};

#[test]
fn a_sweep_has_about_sixty_schemes_each_once_and_fp32_first() {
    let schemes = sweep();
    assert!((60..=75).contains(&schemes.len()), "{}", schemes.len());
    let names: BTreeSet<String> = schemes.iter().map(Scheme::name).collect();
    assert_eq!(names.len(), schemes.len());
    assert_eq!(schemes[0], Scheme::F32);
    for k in [2, 4, 8, 16, 32, 64, 128, 256] {
        assert!(names.contains(&NumberFormat::Codebook { k }.name()), "codebook of {k}");
    }
    // What the page offers by name must be among what it compares.
    for preset in Scheme::PRESETS {
        assert!(names.contains(&preset.name()), "{}", preset.name());
    }
    assert!(schemes.iter().all(|scheme| scheme.axes().method == Method::Ptq));
}

#[test]
fn training_aware_of_the_rounding_is_tried_where_bits_are_few() {
    let schemes = sweep_aware();
    assert!((8..=20).contains(&schemes.len()), "{}", schemes.len());
    for scheme in schemes {
        assert_eq!(scheme.axes().method, Method::Qat);
        assert!(scheme.axes().format.bits() <= 8, "{}", scheme.name());
    }
}

#[test]
fn every_scheme_of_a_sweep_quantizes_every_kind_of_model() {
    let input = Input::new(8, &Standardizer { mean: vec![4.9; 64], std: vec![6.0; 64] });
    let mut random = Random::new(1);
    let mut normal = || random.symmetric();
    let calibration: Vec<f32> = (0..32 * 64).map(|i| (i * 7 % 17) as f32).collect();
    let models: [Model; 3] = [
        zoo::mlp(input.clone(), &[], &mut normal).expect("softmax regression"),
        zoo::mlp(input.clone(), &[12], &mut normal).expect("an MLP"),
        zoo::cnn(input, &[4, 6], &mut normal).expect("a CNN"),
    ];
    for model in &models {
        for scheme in sweep() {
            if let Err(error) = QuantizedModel::quantize(model, scheme, &calibration) {
                panic!("{}: {error}", scheme.name());
            }
        }
    }
}
