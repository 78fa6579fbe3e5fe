//! The kernels: every variant returns the integers (and floats) of the scalar specification, bit for bit.
//! Natively this checks the scalar kernels against arithmetic written out here; in a browser the SIMD ones as well.

mod common;
use common::Random;
#[cfg(target_arch = "wasm32")]
use common::test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

use quantpad::{
    Error,
    data::{Split, Standardizer, digits},
    kernels::{self, MAX_INPUTS, PackedF32, PackedI8, scalar},
    quant::affine,
};

/// The products and sum written out, in 64 bits.
fn expected(x: &[u8], zero_point: u8, w: &[i8]) -> i32 {
    let products = x.iter().zip(w).map(|(&x, &w)| (i64::from(x) - i64::from(zero_point)) * i64::from(w));
    products.sum::<i64>().try_into().expect("fits 32 bits")
}

/// Checks the kernel of this build and the scalar one on `x` (`[rows, k]`) and `w` (`[outputs, k]`).
fn check_u8i8(k: usize, x: &[u8], zero_points: &[u8], w: &[i8], outputs: usize) {
    let packed = PackedI8::new(w, k, outputs).expect("a full matrix");
    let rows = zero_points.len();
    // What follows a row up to the stride must not matter: fill it with a byte that would.
    let mut padded = vec![0xAB; rows * packed.stride()];
    for r in 0..rows {
        padded[r * packed.stride()..][..k].copy_from_slice(&x[r * k..(r + 1) * k]);
    }
    let mut sums = vec![i32::MIN; rows * outputs];
    kernels::gemm_u8i8(&padded, zero_points, &packed, &mut sums);
    let mut specified = vec![i32::MAX; rows * outputs];
    scalar::gemm_u8i8(&padded, zero_points, &packed, &mut specified);
    assert_eq!(sums, specified, "this build's kernel and the specification, k = {k}, {rows} x {outputs}");
    for r in 0..rows {
        for j in 0..outputs {
            let sum = expected(&x[r * k..(r + 1) * k], zero_points[r], &w[j * k..(j + 1) * k]);
            assert_eq!(sums[r * outputs + j], sum, "k = {k}, row {r}, output {j}");
        }
    }
}

#[test]
fn integer_dot_products_are_exact_for_every_length_0_to_300_on_random_inputs() {
    let mut random = Random::new(1);
    for k in 0..=300 {
        for (rows, outputs) in [(1, 1), (1, 10), (2, 3), (3, 4), (1, 13), (5, 8)] {
            let x: Vec<u8> = (0..rows * k).map(|_| random.byte()).collect();
            let w: Vec<i8> = (0..outputs * k).map(|_| random.byte() as i8).collect();
            let zero_points: Vec<u8> = (0..rows).map(|_| random.byte()).collect();
            check_u8i8(k, &x, &zero_points, &w, outputs);
        }
    }
}

#[test]
fn integer_dot_products_are_exact_for_every_length_0_to_300_on_extreme_inputs() {
    for k in 0..=300 {
        for x in [0, 127, 128, 255] {
            for w in [-128, -127, -1, 0, 127] {
                check_u8i8(k, &vec![x; k], &[0], &vec![w; k], 1);
                check_u8i8(k, &vec![x; 2 * k], &[255, 128], &vec![w; 5 * k], 5);
            }
        }
        // Neighbours of opposite extremes: what a saturating pair sum would get wrong.
        let x: Vec<u8> = (0..k).map(|i| if i % 3 == 0 { 0 } else { 255 }).collect();
        let w: Vec<i8> = (0..k).map(|i| if i % 2 == 0 { -128 } else { 127 }).collect();
        check_u8i8(k, &x, &[1], &w, 1);
    }
}

#[test]
fn the_longest_layer_is_still_exact_and_a_longer_one_is_refused() {
    check_u8i8(MAX_INPUTS, &vec![255; MAX_INPUTS], &[0], &vec![-128; MAX_INPUTS], 1);
    check_u8i8(MAX_INPUTS, &vec![0; MAX_INPUTS], &[255], &vec![-128; MAX_INPUTS], 1);
    let (inputs, limit) = (MAX_INPUTS + 1, MAX_INPUTS);
    assert_eq!(PackedI8::new(&vec![0; inputs], inputs, 1), Err(Error::TooWide { inputs, limit }));
}

#[test]
fn integer_dot_products_are_exact_on_all_1797_digits() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    let standardizer = Standardizer::fit(&data, &split.train);
    let all: Vec<u32> = (0..data.len() as u32).collect();
    let mut random = Random::new(2);
    let w: Vec<i8> = (0..640).map(|_| random.byte() as i8).collect();
    let (mut x, mut zero_points) = (Vec::new(), Vec::new());
    for row in standardizer.transform(&data, &all).chunks(64) {
        let row: Vec<f32> = row.iter().map(|&v| v as f32).collect();
        let mut quantized = [0; 64];
        let (_, zero_point) = affine::quantize_dynamic(&row, &mut quantized).expect("finite pixels");
        x.extend(quantized);
        zero_points.push(zero_point);
    }
    check_u8i8(64, &x, &zero_points, &w, 10);
}

#[test]
fn float_products_have_the_bits_of_the_scalar_order() {
    let mut random = Random::new(3);
    for k in (0..40).chain([63, 64, 65, 300]) {
        for (rows, outputs) in [(1, 1), (1, 10), (4, 12), (7, 5), (9, 14)] {
            let mut floats = |n: usize| -> Vec<f32> { (0..n).map(|_| random.float()).collect() };
            let (x, w, bias) = (floats(rows * k), floats(outputs * k), floats(outputs));
            let packed = PackedF32::new(&w, k, outputs).expect("a full matrix");
            let mut out = vec![f32::NAN; rows * outputs];
            kernels::gemm_f32(&x, &packed, &bias, &mut out);
            for r in 0..rows {
                for j in 0..outputs {
                    let sum = (0..k).fold(bias[j], |sum, i| sum + x[r * k + i] * w[j * k + i]);
                    assert_eq!(out[r * outputs + j].to_bits(), sum.to_bits(), "k = {k}, row {r}, output {j}");
                }
            }
        }
    }
}

#[test]
fn ranges_and_quantized_values_are_those_of_the_specification() {
    let mut random = Random::new(4);
    for n in 0..130 {
        let mut x: Vec<f32> = (0..n).map(|_| random.float() * 40.0).collect();
        // Ties, far outliers and both zeros among them.
        x.extend([0.5, 1.5, 2.5, -0.5, 1e30, -1e30, 0.0, -0.0, f32::MIN_POSITIVE][..n % 10].iter());
        assert_eq!(kernels::min_max(&x), scalar::min_max(&x), "{n} values");
        for (scale, zero_point) in [(1.0, 0), (0.1, 128), (0.333, 255), (1e-20, 7), (3e38, 3)] {
            let (mut out, mut specified) = (vec![9; x.len()], vec![8; x.len()]);
            kernels::quantize_u8(&x, scale, zero_point, &mut out);
            scalar::quantize_u8(&x, scale, zero_point, &mut specified);
            assert_eq!(out, specified, "{n} values, scale {scale}");
        }
    }
}

#[test]
fn standardized_values_have_the_bits_of_the_specification() {
    let mut random = Random::new(10);
    for pixels in [1, 3, 4, 7, 8, 63, 64, 784] {
        for rows in 0..4 {
            let mut floats = |n: usize| -> Vec<f32> { (0..n).map(|_| random.float() * 16.0).collect() };
            let (x, mean, factor) = (floats(rows * pixels), floats(pixels), floats(pixels));
            let (mut out, mut specified) = (vec![f32::NAN; x.len()], vec![0.0; x.len()]);
            kernels::standardize(&x, &mean, &factor, &mut out);
            scalar::standardize(&x, &mean, &factor, &mut specified);
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&out), bits(&specified), "{rows} rows of {pixels}");
        }
    }
}

#[test]
fn the_build_says_which_kernels_it_has() {
    let simd = cfg!(all(target_arch = "wasm32", target_feature = "simd128"));
    assert_eq!(kernels::BACKEND.name(), if simd { "simd128" } else { "scalar" });
}

#[test]
fn matrices_that_are_not_full_are_refused() {
    assert!(matches!(PackedI8::new(&[1, 2, 3], 2, 2), Err(Error::Shape { expected: 4, found: 3, .. })));
    assert!(matches!(PackedF32::new(&[1.0], 1, 0), Err(Error::Shape { .. })));
}
