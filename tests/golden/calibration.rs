//! Calibration ranges beside those of ONNX Runtime and PyTorch.

use crate::common::shared::{double, float, floats, reference};
use quantpad::{
    kernels,
    quant::{Observer, affine, histogram::Histogram},
};
use serde_json::Value;

fn cases() -> Vec<Value> {
    reference("calibration").map_or_else(Vec::new, |mut cases| cases.as_array_mut().expect("a list").split_off(0))
}

fn range(case: &Value, key: &str) -> (f32, f32) {
    (float(&case[key]["low_bits"]), float(&case[key]["high_bits"]))
}

fn histogram(x: &[f32], bins: usize) -> Histogram {
    Histogram::new(x, kernels::min_max(x), bins).expect("a range with a width")
}

#[test]
fn percentiles_are_onnx_runtimes_to_the_bit() {
    for case in cases() {
        let histogram = histogram(&floats(&case["x_bits"]), 2048);
        for (key, percentile) in [("99.999", 99.999), ("99.9", 99.9), ("99", 99.0)] {
            let wanted = range(&case, &format!("onnxruntime_percentile_{key}"));
            assert_eq!(histogram.percentile(percentile), wanted, "{}, {key}", case["name"]);
        }
    }
}

#[test]
fn entropy_is_onnx_runtimes_to_the_bit() {
    for case in cases() {
        for (key, bins) in [("default_128", 128), ("512", 512), ("2048", 2048)] {
            let wanted = range(&case, &format!("onnxruntime_entropy_{key}_bins"));
            let found = histogram(&floats(&case["x_bits"]), bins).entropy();
            assert_eq!(found, wanted, "{}, {bins} bins", case["name"]);
        }
    }
}

#[test]
fn observers_are_what_their_names_say() {
    for case in cases() {
        let x = floats(&case["x_bits"]);
        let found = |observer: Observer| observer.range(&x, 1).expect("finite values");
        assert_eq!(found(Observer::MinMax), (float(&case["min_bits"]), float(&case["max_bits"])));
        assert_eq!(found(Observer::Entropy), range(&case, "onnxruntime_entropy_2048_bins"));
        assert_eq!(found(Observer::Percentile), histogram(&x, 2048).percentile(99.99));
    }
}

/// Mean squared error of rounding `x` to u8 with a range.
fn error(x: &[f32], range: (f32, f32)) -> f64 {
    let params = affine::choose_u8(range).expect("a finite range");
    let errors = x.iter().map(|&x| f64::from(params.dequantize(params.quantize(x)) - x));
    errors.map(|error| error * error).sum::<f64>() / x.len() as f64
}

#[test]
fn no_range_of_pytorch_or_of_a_grid_has_a_smaller_squared_error_than_the_mse_observers() {
    for case in cases() {
        let x = floats(&case["x_bits"]);
        let found = error(&x, Observer::Mse.range(&x, 1).expect("finite values"));
        let (errors, histogram) = (&case["mse_uint8"], error(&x, range(&case, "torch_histogram_observer_quint8")));
        println!("{}: {found:e}; {errors}", case["name"]);
        for (what, other) in [
            ("PyTorch's histogram observer", histogram),
            ("PyTorch's histogram observer, as PyTorch has it", double(&errors["torch_histogram"])),
            ("a grid of 200", double(&errors["best_shrink_grid200"])),
            ("min-max", double(&errors["minmax"])),
        ] {
            assert!(found <= other * (1.0 + 1e-6), "{}: {found:e}; {what} {other:e}", case["name"]);
        }
    }
}
