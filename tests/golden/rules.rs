//! Scales, zero points, rounding and requantizing: the rules of ONNX Runtime, which are Quantpad's own, and for comparison
//! those of PyTorch and of fixed-point arithmetic.

use crate::common::shared::{float, floats, integer, integers, list, reference};
use quantpad::{
    kernels::{self, Activations, DotPath},
    quant::{
        affine::{self, QParams},
        fixed_point::{self, FixedPoint},
        torch,
    },
};
use serde_json::Value;

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

/// The smallest and the largest value.
fn range(x: &[f32]) -> (f32, f32) {
    x.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
}

#[test]
fn qparams_are_torchs_by_the_rules_of_torch() {
    let Some(data) = reference("qparams") else { return };
    for case in list(&data["per_tensor"]) {
        let x = floats(&case["x_bits"]);
        let range = range(&x);
        for (key, params) in [
            ("torch_quint8_affine", torch::choose_affine(range, 0, 255)),
            ("torch_qint8_affine", torch::choose_affine(range, -128, 127)),
            ("torch_quint8_affine_reduce_range", torch::choose_affine_reduced(range, 0, 255)),
            ("torch_qint8_symmetric", torch::choose_symmetric(range, -128)),
            ("torch_quint8_symmetric", torch::choose_symmetric(range, 0)),
        ] {
            let (params, wanted) = (params.expect("a finite range"), &case[key]);
            assert_eq!(params.scale.to_bits(), float(&wanted["scale_bits"]).to_bits(), "{} {key}", case["name"]);
            assert_eq!(i64::from(params.zero_point), wanted["zero_point"], "{} {key}", case["name"]);
            let q: Vec<i32> = x.iter().map(|&x| torch::quantize(params, x)).collect();
            assert!(q.iter().copied().map(i64::from).eq(integers(&wanted["q"])), "{} {key}", case["name"]);
            if let Some(wanted) = wanted.get("dequant_bits") {
                let found = q.iter().map(|&q| params.dequantize(q));
                assert!(found.eq(floats(wanted)), "{} {key}, back", case["name"]);
            }
        }
    }
}

#[test]
fn qparams_per_channel_are_torchs() {
    let Some(data) = reference("qparams") else { return };
    for case in list(&data["per_channel"]) {
        let (x, wanted) = (floats(&case["x_bits"]), &case["torch_qint8_per_channel_symmetric"]);
        let (scales, q) = (floats(&wanted["scale_bits"]), integers(&wanted["q"]));
        let width = x.len() / scales.len();
        for ((row, scale), q) in x.chunks_exact(width).zip(scales).zip(q.chunks_exact(width)) {
            let params = torch::choose_symmetric(range(row), -128).expect("a finite range");
            assert_eq!(params.scale.to_bits(), scale.to_bits(), "{}", case["name"]);
            let found = row.iter().map(|&x| i64::from(torch::quantize(params, x)));
            assert!(found.eq(q.iter().copied()), "{}", case["name"]);
        }
    }
}

#[test]
fn values_beyond_32_bit_integers_saturate_by_both_rules() {
    let Some(data) = reference("qparams") else { return };
    let case = &data["beyond_int32_observed"];
    let params = QParams::u8(float(&case["scale_bits"]), integer(&case["zero_point"]) as u8);
    let x = floats(&case["x_bits"]);
    let found = |quantize: &dyn Fn(f32) -> i32| x.iter().map(|&x| i64::from(quantize(x))).collect::<Vec<_>>();
    assert_eq!(found(&|x| params.quantize(x)), integers(&case["onnx_uint8_q"]));
    assert_eq!(found(&|x| torch::quantize(params, x)), integers(&case["torch_quint8_q"]));
    // What is not finite the tools take each in a way of their own; here it is an error.
    for case in list(&data["nonfinite_observed"]) {
        let x = floats(&case["x_bits"]);
        if case["name"] == "scale_underflows" {
            let floor = float(&case["torch_quint8_affine"]["scale_bits"]);
            assert_eq!(torch::choose_affine(range(&x), 0, 255).expect("a finite range").scale, floor);
        } else {
            let weights = affine::choose_i8_symmetric(&x);
            assert!(weights.is_err() || case["name"] == "range_overflows", "{}", case["name"]);
        }
        if matches!(case["name"].as_str(), Some("plus_inf" | "minus_inf" | "range_overflows")) {
            assert!(torch::choose_affine(range(&x), 0, 255).is_err(), "{}", case["name"]);
            assert!(affine::choose_u8(range(&x)).is_err(), "{}", case["name"]);
        }
    }
}

#[test]
fn quantize_by_torchs_rule_multiplies_by_the_reciprocal() {
    let Some(data) = reference("quantize") else { return };
    let mut differ = 0;
    for case in list(&data["cases"]).iter().filter(|case| case.get("torch_q").is_some()) {
        let (qmin, qmax) = if case["type"] == "uint8" { (0, 255) } else { (-128, 127) };
        let zero_point = integer(&case["zero_point"]) as i32;
        let params = QParams { scale: float(&case["scale_bits"]), zero_point, qmin, qmax };
        let x = floats(&case["x_bits"]);
        let found = x.iter().map(|&x| i64::from(torch::quantize(params, x)));
        assert!(found.eq(integers(&case["torch_q"])), "{}", case["name"]);
        differ += x.iter().filter(|&&x| torch::quantize(params, x) != params.quantize(x)).count();
    }
    assert_eq!(differ as i64, integer(&data["values_where_torch_and_onnx_differ"]));
}

fn triples(value: &Value) -> impl Iterator<Item = [i32; 3]> {
    list(value)
        .iter()
        .map(|triple| integers(triple).iter().map(|&v| v as i32).collect::<Vec<_>>().try_into().expect("3"))
}

#[test]
fn requantizing_in_fixed_point_is_the_published_definition() {
    let Some(data) = reference("requant") else { return };
    let mut differ = 0;
    for case in list(&data["cases"]) {
        let multiplier = float(&case["multiplier_bits"]);
        let fixed = FixedPoint::new(multiplier.into());
        let wanted = [&case["fixed_point_multiplier"], &case["fixed_point_shift"]].map(|v| integer(v) as i32);
        assert_eq!([fixed.multiplier, fixed.shift], wanted);
        let zero_point = integer(&case["zero_point"]) as u8;
        let sums: Vec<i32> = integers(&case["acc"]).into_iter().map(|sum| sum as i32).collect();
        let found: Vec<u8> = sums.iter().map(|&sum| fixed.requantize_u8(sum, zero_point)).collect();
        assert!(found.iter().map(|&q| i64::from(q)).eq(integers(&case["fixed_point_q"])));
        let float = sums.iter().map(|&sum| affine::requantize_u8(sum, multiplier, zero_point));
        differ += float.zip(found).filter(|(a, b)| a != b).count();
    }
    assert_eq!(differ as i64, integer(&data["values_where_float_and_fixed_point_differ"]));
    for [a, b, wanted] in triples(&data["saturating_rounding_doubling_high_mul"]) {
        assert_eq!(fixed_point::saturating_rounding_doubling_high_mul(a, b), wanted, "{a} {b}");
    }
    for [x, exponent, wanted] in triples(&data["rounding_divide_by_pot"]) {
        assert_eq!(fixed_point::rounding_divide_by_pot(x, exponent as u32), wanted, "{x} {exponent}");
    }
}
