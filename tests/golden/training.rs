//! Training: equal to scikit-learn, and to the lab's recipe.

use crate::common::shared::{double, doubles, integers, list, reference};
use quantpad::{
    data::{Split, Standardizer, digits},
    eval::{metrics, size},
    nn::{Model, Scratch, argmax},
    quant::{
        ActivationMode, QuantizedModel, Scheme,
        naive::{self, Cast, Integers},
    },
    train::{SoftmaxSettings, SoftmaxTrainer},
};
use serde_json::Value;

fn rows(value: &Value) -> Vec<u32> {
    integers(value).into_iter().map(|row| row as u32).collect()
}

#[test]
fn the_standardizer_is_scikit_learns() {
    let Some(reference) = reference("softmax") else { return };
    let models = list(&reference["models"]);
    let case = models.iter().find(|case| case["input"] == "standard_train").expect("a standardized model");
    let found = Standardizer::fit(&digits::load(), &rows(&reference["train"]));
    for (found, wanted) in [(&found.mean, "scaler_mean"), (&found.std, "scaler_scale")] {
        for (i, (found, wanted)) in found.iter().zip(doubles(&case[wanted])).enumerate() {
            assert!((found - wanted).abs() <= 1e-13 * wanted.abs(), "pixel {i}: {found} for {wanted}");
        }
    }
}

#[test]
fn softmax_regression_reaches_scikit_learns_optimum() {
    let Some(reference) = reference("softmax") else { return };
    let case = list(&reference["models"]).iter().find(|case| case["input"] == "standard_train").expect("the model");
    let data = digits::load();
    let test = rows(&reference["test"]);
    let mut trainer =
        SoftmaxTrainer::new(&data, &rows(&reference["train"]), SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}

    let progress = trainer.progress();
    assert!(progress.gradient_norm < 1e-6, "{progress:?}");
    let (coefficients, intercepts) = trainer.coefficients();
    let wanted: Vec<f64> = list(&case["coef"]).iter().flat_map(doubles).collect();
    let distance = coefficients.iter().zip(&wanted).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    assert!(distance < 1e-6, "coefficients {distance:e} away");
    for (found, wanted) in intercepts.iter().zip(doubles(&case["intercept"])) {
        assert!((found - wanted).abs() < 1e-6, "intercept {found} for {wanted}");
    }
    let wanted = double(&case["objective"]);
    assert!((trainer.objective() - wanted).abs() < 1e-10 * wanted, "objective {}", trainer.objective());
    assert_eq!(progress.train_correct as i64, case["train_correct"]);

    let (pixels, labels) = data.gather(&test);
    let model = trainer.model().expect("finite coefficients");
    let mut scratch = Scratch::default();
    let logits = model.forward(&pixels, &mut scratch).expect("whole images");
    let predictions = logits.chunks(10).map(|logits| argmax(logits) as i64);
    assert!(predictions.eq(integers(&case["test_predictions"])), "a test image is answered differently");
    assert_eq!(metrics::accuracy(logits, &labels).correct, 350);
}

#[test]
fn eight_bits_and_more_lose_at_most_one_of_360() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    let mut trainer = SoftmaxTrainer::new(&data, &split.train, SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    let model = trainer.model().expect("finite coefficients");
    let (pixels, labels) = data.gather(&split.test);
    let mut scratch = Scratch::default();
    let calibration = data.gather(&split.train[..256]).0;
    for scheme in Scheme::PRESETS {
        let quantized = QuantizedModel::quantize(&model, scheme, &calibration).expect("a small layer");
        let logits = quantized.forward(&pixels, &mut scratch).expect("whole images");
        let correct = metrics::accuracy(logits, &labels).correct;
        println!("{}: {correct} of 360, {} bytes", scheme.name(), size::of_quantized(&quantized).parameters());
        let least = match scheme.axes().format.bits() {
            8.. => 349,
            4 => 346,
            // Pixels of one bit, without training.
            _ if scheme.activations() == ActivationMode::Binary => 200,
            _ => 300,
        };
        assert!(correct >= least, "{}: {correct} of 360", scheme.name());
    }
}

#[test]
fn the_labs_mistake_gives_exactly_242_of_360() {
    let data = digits::load();
    let test = Split::seeded(data.len() as u32, Split::DEFAULT_SEED).test;
    let (pixels, labels) = data.gather(&test);
    let mut scratch = Scratch::default();
    let mut correct =
        |model: &Model| metrics::accuracy(model.forward(&pixels, &mut scratch).expect("whole images"), &labels).correct;
    let fit = naive::lab_model(&data).expect("64 pixels");
    let weights = naive::only_layer(&fit).expect("one layer").weight();
    assert_eq!(correct(&fit), 350);
    let [wrapped, saturated, scaled] = Cast::ALL.map(|cast| Integers::new(weights, cast).expect("finite weights"));
    let lab = naive::with_integers(&fit, &wrapped).expect("as many");
    assert_eq!(correct(&lab), 242);
    let repaired = [saturated, scaled].map(|integers| naive::with_integers(&fit, &integers).expect("as many"));
    assert_eq!(repaired.map(|model| correct(&model)), [346, 350]);

    let Some(reference) = reference("lab_bug") else { return };
    let case = list(&reference["models"]).iter().find(|case| case["input"] == "standard_all").expect("the lab's model");
    let wanted: Vec<f64> = list(&case["coef"]).iter().flat_map(doubles).collect();
    let (coefficients, intercepts) = naive::lab_fit();
    assert_eq!((coefficients.as_slice(), intercepts), (wanted.as_slice(), doubles(&case["intercept"])));
    assert!(wrapped.stored.iter().map(|&q| i64::from(q)).eq(integers(&case["exact_242"]["q"])), "the wrapped integers");
    let logits = lab.forward(&pixels, &mut scratch).expect("images").to_vec();
    let predictions = logits.chunks(10).map(|logits| argmax(logits) as i64);
    assert!(predictions.eq(integers(&case["exact_242"]["predictions"])), "the very same answers");
    // The counts beside the recipe: what saturation leaves, and what the scale from the weights leaves.
    let variant = list(&case["variants"]).iter().find(|variant| {
        variant["multiplier"] == 128
            && variant["rounding"] == "round_half_even"
            && variant["weights_out_of_range"] == 20
    });
    assert_eq!(variant.expect("the recipe")["correct"]["saturated_div_k__float_bias"], 346);
    assert_eq!(case["correct_int8_per_tensor"], 350);
}
