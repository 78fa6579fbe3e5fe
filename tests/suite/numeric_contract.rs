//! The numeric contract of `quant::affine`, a test for each of its lines.

use crate::common::Random;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    quant::{
        Product,
        affine::{self, QParams},
    },
};

fn parameters() -> Vec<QParams> {
    let mut random = Random::new(5);
    let range = |a: f32, b: f32| (a.min(b), a.max(b));
    let mut all: Vec<QParams> = (0..500)
        .map(|i| {
            let size = 10.0_f32.powi(i % 60 - 30);
            affine::choose_u8(range(random.float() * size, random.float() * size)).expect("a finite range")
        })
        .collect();
    all.push(QParams { scale: 0.25, zero_point: 0, qmin: -127, qmax: 127 });
    all
}

#[test]
fn real_is_scale_times_q_minus_zero_point() {
    let params = QParams { scale: 0.5, zero_point: 10, qmin: 0, qmax: 255 };
    assert_eq!(params.dequantize(14), 2.0);
    assert_eq!(params.dequantize(0), -5.0);
    assert_eq!(params.quantize(2.0), 14);
}

#[test]
fn real_0_is_exactly_representable() {
    for params in parameters() {
        assert!((params.qmin..=params.qmax).contains(&params.zero_point), "{params:?}");
        for zero in [0.0, -0.0] {
            assert_eq!(params.dequantize(params.quantize(zero)), 0.0, "{params:?}");
        }
    }
}

#[test]
fn rounding_is_half_to_even() {
    let params = QParams { scale: 1.0, zero_point: 0, qmin: -127, qmax: 127 };
    let rounded = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5].map(|x| params.quantize(x));
    assert_eq!(rounded, [-2, -2, 0, 0, 2, 2, 4]);
    assert_eq!([0.5, 1.5, 2.5].map(|b| affine::quantize_bias(b, 1.0, 1.0)), [0, 2, 2]);
    assert_eq!([1, 3, 5].map(|sum| affine::requantize_u8(sum, 0.5, 0)), [0, 2, 2]);
}

#[test]
fn out_of_range_saturates() {
    for params in parameters() {
        for x in [f32::MAX, 1e30, f32::INFINITY] {
            assert_eq!((params.quantize(x), params.quantize(-x)), (params.qmax, params.qmin), "{params:?}");
        }
    }
    assert_eq!([i32::MAX, i32::MIN].map(|sum| affine::requantize_u8(sum, 1e6, 100)), [255, 0]);
    assert_eq!([1e30, -1e30].map(|b| affine::quantize_bias(b, 1e-9, 1.0)), [i32::MAX, i32::MIN]);
}

#[test]
fn nan_and_infinity_are_errors() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let refused = Err(Error::NotFinite { what: "weight tensor" });
        assert_eq!(affine::choose_i8_symmetric(&[1.0, bad, 2.0]), refused);
    }
    assert!(affine::choose_u8((0.0, f32::INFINITY)).is_err());
    assert!(affine::choose_u8((f32::NEG_INFINITY, 0.0)).is_err());
    assert!(affine::choose_u8((-3e38, 3e38)).is_err(), "a range that overflows");
}

#[test]
fn quantizing_divides() {
    // 4.5 steps of 0.7 by division; the rounded reciprocal would give 4.4999995 or 4.5000005 somewhere nearby.
    let params = QParams { scale: 0.7, zero_point: 0, qmin: 0, qmax: 255 };
    let mut random = Random::new(6);
    let mut differs = 0;
    for _ in 0..100_000 {
        let x = (random.byte() as f32 + 0.5) * 0.7 + random.float() * 1e-6;
        assert_eq!(params.quantize(x), (x / 0.7).round_ties_even().clamp(0.0, 255.0) as i32);
        differs += usize::from(params.quantize(x) != (x * (1.0 / 0.7)).round_ties_even().clamp(0.0, 255.0) as i32);
    }
    assert!(differs > 0, "these values do not tell division from multiplication");
}

#[test]
fn int8_weights_are_symmetric_with_scale_largest_over_127() {
    let params = affine::choose_i8_symmetric(&[0.1, -1.27, 0.5]).expect("finite");
    assert_eq!((params.zero_point, params.qmin, params.qmax), (0, -127, 127));
    assert_eq!(params.scale, 0.01);
    assert_eq!([1.27, -1.27, 0.0].map(|w| params.quantize(w)), [127, -127, 0]);
    assert_eq!(affine::choose_i8_symmetric(&[0.0; 3]).expect("finite").scale, 1.0);
    assert_eq!(affine::choose_i8_symmetric(&[]).expect("finite").scale, 1.0);
}

#[test]
fn activations_are_u8_over_a_range_that_holds_0() {
    let of = |min, max| affine::choose_u8((min, max)).expect("finite");
    assert_eq!(of(1.0, 2.55), QParams { scale: 2.55 / 255.0, zero_point: 0, qmin: 0, qmax: 255 });
    assert_eq!(of(-2.0, -1.0), QParams { scale: 2.0 / 255.0, zero_point: 255, qmin: 0, qmax: 255 });
    assert_eq!(of(0.0, 0.0), QParams { scale: 1.0, zero_point: 0, qmin: 0, qmax: 255 });
}

#[test]
fn quantizing_is_off_by_half_a_step_at_most_and_repeating_it_changes_nothing() {
    let mut random = Random::new(7);
    for params in parameters() {
        let (low, high) = (params.dequantize(params.qmin), params.dequantize(params.qmax));
        for _ in 0..50 {
            let x = low + (random.float() * 0.5 + 0.5) * (high - low);
            let real = params.dequantize(params.quantize(x));
            assert!((real - x).abs() <= params.scale * 0.5001, "{x} became {real} with {params:?}");
            assert_eq!(params.quantize(real), params.quantize(x), "{params:?}");
        }
    }
}

#[test]
fn ranges_too_far_apart_for_a_multiplier_are_an_error() {
    let product = || Product::new(&[1, -2], vec![1e20], vec![0.5], false).expect("a full layer");
    let (wide, fine) = (QParams::u8(1e15, 3), QParams::u8(1e-15, 7));
    assert_eq!(product().fix_ranges(wide, Some(wide)), Ok(()));
    for (input, output) in [(wide, Some(fine)), (QParams::u8(1e30, 3), None)] {
        assert!(matches!(product().fix_ranges(input, output), Err(Error::NotFinite { .. })));
    }
}
