//! Golden vectors: equal to scikit-learn, ONNX Runtime and the lab's recipe. The files are not in the repository
//! (`../shared/reference`, or the folder that QUANTPAD_REFERENCE names); one that is missing is named as skipped.
//! Integer products and whole networks are in `golden_products.rs`.
#![cfg(not(target_arch = "wasm32"))]

mod common;
use common::shared::{double, doubles, float, floats, integers, reference};
use quantpad::{
    data::{Split, Standardizer, digits},
    eval::metrics,
    kernels::{self, Activations, DotPath},
    nn::{Model, Scratch, argmax},
    quant::{
        QuantizedModel, Scheme,
        affine::{self, QParams},
        naive,
    },
    train::{SoftmaxSettings, SoftmaxTrainer},
};
use serde_json::Value;

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn rows(value: &Value) -> Vec<u32> {
    integers(value).into_iter().map(|row| row as u32).collect()
}

#[test]
fn qparams_are_onnx_dynamic_quantize_linears() {
    let Some(data) = reference("qparams") else { return };
    for case in list(&data["per_tensor"]) {
        let (x, wanted) = (floats(&case["x_bits"]), &case["onnx_dynamic_quantize_linear"]);
        let params = affine::choose_u8(kernels::min_max(&x)).expect("finite values");
        assert_eq!(params.scale.to_bits(), float(&wanted["scale_bits"]).to_bits(), "{}", case["name"]);
        assert_eq!(i64::from(params.zero_point), wanted["zero_point"], "{}", case["name"]);
        let mut stored = Activations::default();
        stored.reset(DotPath::Scalar, 1, x.len());
        stored.quantize_row(0, &x, None, params.scale, params.zero_point as u8);
        assert!(stored.row(0).iter().map(|&q| i64::from(q)).eq(integers(&wanted["q"])), "{}", case["name"]);
    }
}

#[test]
fn qparams_of_weights_are_onnx_runtimes() {
    let Some(data) = reference("qparams") else { return };
    for case in list(&data["per_tensor"]) {
        let (x, wanted) = (floats(&case["x_bits"]), &case["onnxruntime_weight_int8_symmetric"]);
        let params = affine::choose_i8_symmetric(&x).expect("finite values");
        assert_eq!(params.scale.to_bits(), float(&wanted["scale_bits"]).to_bits(), "{}", case["name"]);
        let q = x.iter().map(|&x| i64::from(params.quantize(x)));
        assert!(q.eq(integers(&wanted["q"])), "{}", case["name"]);
    }
}

#[test]
fn quantize_follows_onnxs_division_rule() {
    let Some(data) = reference("quantize") else { return };
    for case in list(&data["cases"]) {
        let (qmin, qmax) = match case["type"].as_str() {
            Some("uint8") => (0, 255),
            Some("int8") => (-128, 127),
            Some("int16") => (-32768, 32767),
            Some("int4") => (-8, 7),
            other => panic!("an unknown type {other:?}"),
        };
        let zero_point = case["zero_point"].as_i64().expect("an integer") as i32;
        let params = QParams { scale: float(&case["scale_bits"]), zero_point, qmin, qmax };
        let q = floats(&case["x_bits"]).into_iter().map(|x| i64::from(params.quantize(x)));
        assert!(q.eq(integers(&case["onnx_q"])), "{}", case["name"]);
    }
}

#[test]
fn requantize_is_onnx_runtimes() {
    let Some(data) = reference("requant") else { return };
    for case in list(&data["cases"]) {
        let [x_scale, w_scale, y_scale] = ["x_scale_bits", "w_scale_bits", "y_scale_bits"].map(|k| float(&case[k]));
        let multiplier = affine::requantize_multiplier(x_scale, w_scale, y_scale);
        assert_eq!(multiplier.to_bits(), float(&case["multiplier_bits"]).to_bits());
        let zero_point = case["zero_point"].as_u64().expect("an integer") as u8;
        let q = integers(&case["acc"]).into_iter().map(|acc| affine::requantize_u8(acc as i32, multiplier, zero_point));
        assert!(q.map(i64::from).eq(integers(&case["onnxruntime_q"])));
    }
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
fn int8_loses_at_most_one_of_360() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    let mut trainer = SoftmaxTrainer::new(&data, &split.train, SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    let model = trainer.model().expect("finite coefficients");
    let (pixels, labels) = data.gather(&split.test);
    let mut scratch = Scratch::default();
    for scheme in [Scheme::INT8_DYNAMIC_PER_TENSOR, Scheme::INT8_DYNAMIC_PER_CHANNEL] {
        let quantized = QuantizedModel::quantize(&model, scheme, &[]).expect("a small layer");
        let logits = quantized.forward(&pixels, &mut scratch).expect("whole images");
        let correct = metrics::accuracy(logits, &labels).correct;
        println!("{}: {correct} of 360", scheme.name());
        assert!(correct >= 349, "{}: {correct} of 360", scheme.name());
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
    assert_eq!(correct(&naive::lab_model(&data).expect("64 pixels")), 242);
    assert_eq!(correct(&naive::lab_model_float(&data).expect("64 pixels")), 350);
    assert_eq!(correct(&naive::lab_model_repaired(&data).expect("64 pixels")), 350);
    let wrapped: Vec<f64> = naive::lab_fit().0.into_iter().filter(|&w| naive::leaves_int8(w)).collect();
    assert_eq!(wrapped.len(), 20);
    for weight in wrapped {
        assert!(f64::from(naive::wrap_to_int8(weight)) * weight < 0.0, "{weight} keeps its sign");
    }

    let Some(reference) = reference("lab_bug") else { return };
    let case = list(&reference["models"]).iter().find(|case| case["input"] == "standard_all").expect("the lab's model");
    let wanted: Vec<f64> = list(&case["coef"]).iter().flat_map(doubles).collect();
    let (coefficients, intercepts) = naive::lab_fit();
    assert_eq!((coefficients.as_slice(), intercepts), (wanted.as_slice(), doubles(&case["intercept"])));
    let wrapped = coefficients.iter().map(|&w| i64::from(naive::wrap_to_int8(w)));
    assert!(wrapped.eq(integers(&case["exact_242"]["q"])), "the wrapped integers");
    let logits = naive::lab_model(&data).expect("64 pixels").forward(&pixels, &mut scratch).expect("images").to_vec();
    let predictions = logits.chunks(10).map(|logits| argmax(logits) as i64);
    assert!(predictions.eq(integers(&case["exact_242"]["predictions"])), "the very same answers");
}
