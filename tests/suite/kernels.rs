//! The kernels: every variant returns the integers (and floats) of the scalar specification, bit for bit.
//! Natively this checks the scalar kernels against arithmetic written out here; in a browser the SIMD ones as well.

use crate::common::Random;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    data::{Split, Standardizer, digits},
    kernels::{
        self, Activations, Border, Dequantize, DotPath, MAX_INPUTS, PackedF32, PackedI8, Patches, Requantize, Rounding,
        Rows, Scaling, Sink, scalar,
    },
    quant::affine,
};

/// The ways in which this build can multiply integers: the one of this engine, every other one that is exact on any
/// engine, and those of other engines with their instruction written out.
fn ways() -> Vec<Way> {
    #[allow(unused_mut)]
    let mut ways =
        vec![Way { path: DotPath::of_this_engine(), multiply: kernels::multiply, convolve: kernels::convolve }];
    #[cfg(target_feature = "relaxed-simd")]
    {
        use emulated::{Signed, Unsigned};
        use kernels::{convolve_with, multiply_with};
        let way = |path, multiply, convolve| Way { path, multiply, convolve };
        ways.push(way(DotPath::Pairs, kernels::multiply, kernels::convolve));
        ways.push(way(DotPath::Signed, multiply_with::<Signed>, convolve_with::<Signed>));
        ways.push(way(DotPath::Unsigned, multiply_with::<Unsigned>, convolve_with::<Unsigned>));
    }
    ways
}

#[derive(Clone, Copy)]
struct Way {
    path: DotPath,
    multiply: fn(&Activations, &PackedI8, Sink),
    convolve: fn(&Activations, &Patches, &mut Border, &PackedI8, Sink),
}

/// The relaxed dot product as other engines read it.
#[cfg(target_feature = "relaxed-simd")]
#[allow(unsafe_code)]
mod emulated {
    use core::arch::wasm32::*;
    use quantpad::kernels::simd128::unit::Unit;

    fn dot(sum: v128, weights: v128, word: v128, read: fn(u8) -> i32) -> v128 {
        // SAFETY: 16 bytes each way.
        let bytes = |v: v128| -> [u8; 16] { unsafe { core::mem::transmute(v) } };
        let (weights, word) = (bytes(weights), bytes(word));
        let lane = |lane: usize| -> i32 {
            (4 * lane..4 * lane + 4).map(|i| i32::from(weights[i] as i8) * read(word[i])).sum()
        };
        i32x4_add(sum, i32x4(lane(0), lane(1), lane(2), lane(3)))
    }

    macro_rules! unit {
        ($name:ident, $group:expr, $read:expr) => {
            pub struct $name;

            impl Unit for $name {
                const INPUTS: usize = 4;
                const WEIGHT_BYTES: usize = 16;
                const ONE_INSTRUCTION: bool = true;
                const ANY_ORDER: bool = true;
                const GROUP: usize = $group;

                fn step(sum: v128, weights: v128, word: v128) -> v128 {
                    dot(sum, weights, word, $read)
                }
            }
        };
    }
    unit!(Signed, 6, |x| i32::from(x as i8));
    unit!(Unsigned, 6, i32::from);

    /// x86 without VNNI: pairs of products saturate at 16 bits.
    pub struct Saturating;

    impl Unit for Saturating {
        const INPUTS: usize = 4;
        const WEIGHT_BYTES: usize = 16;
        const ONE_INSTRUCTION: bool = true;
        const ANY_ORDER: bool = true;
        const GROUP: usize = 6;

        fn step(sum: v128, weights: v128, word: v128) -> v128 {
            let products = |half: v128, words: v128| i32x4_dot_i16x8(half, words);
            let (low, high) = (i16x8_extend_low_i8x16(weights), i16x8_extend_high_i8x16(weights));
            let (word_low, word_high) = (u16x8_extend_low_u8x16(word), u16x8_extend_high_u8x16(word));
            let pairs = i16x8_narrow_i32x4(products(low, word_low), products(high, word_high));
            i32x4_add(sum, i32x4_extadd_pairwise_i16x8(pairs))
        }
    }
}

/// The products and sum written out, in 64 bits.
fn expected(x: &[u8], zero_point: u8, w: &[i8]) -> i32 {
    let products = x.iter().zip(w).map(|(&x, &w)| (i64::from(x) - i64::from(zero_point)) * i64::from(w));
    products.sum::<i64>().try_into().expect("fits 32 bits")
}

/// `rows` of `k` activations, and what follows them up to the stride, which must not matter.
fn stored(path: DotPath, x: &[u8], k: usize, zero_points: &[u8], stride: usize) -> Activations {
    let mut stored = Activations::default();
    stored.reset(path, zero_points.len(), stride);
    for (r, &zero_point) in zero_points.iter().enumerate() {
        stored.set_row(r, &vec![0xAB; stride], zero_point);
        stored.set_row(r, &x[r * k..(r + 1) * k], zero_point);
    }
    stored
}

/// Checks every way on `x` (`[rows, k]`) and `w` (`[outputs, k]`), for each kind of output.
fn check_product(k: usize, x: &[u8], zero_points: &[u8], w: &[i8], outputs: usize, random: &mut Random) {
    let rows = zero_points.len();
    let what = || format!("k = {k}, {rows} x {outputs}");
    let sums: Vec<i32> = (0..rows * outputs)
        .map(|i| (i / outputs, i % outputs))
        .map(|(r, j)| expected(&x[r * k..(r + 1) * k], zero_points[r], &w[j * k..(j + 1) * k]))
        .collect();
    let ends = Ends::random(outputs, random);
    for way in ways() {
        let packed = PackedI8::for_path(way.path, w, k, outputs).expect("a full matrix");
        let stored = stored(way.path, x, k, zero_points, packed.stride());
        let mut found = vec![i32::MIN; rows * outputs];
        (way.multiply)(&stored, &packed, Sink::Sums(&mut found));
        assert_eq!(found, sums, "{:?}, {}", way.path, what());

        let x_scales: Vec<f32> = (0..rows).map(|r| 0.01 + r as f32 * 0.003).collect();
        let mut reals = vec![f32::NAN; rows * outputs];
        (way.multiply)(&stored, &packed, Sink::Floats(&ends.dequantize(), &x_scales, &mut reals));
        for (i, real) in reals.iter().enumerate() {
            assert_eq!(real.to_bits(), ends.real(sums[i], x_scales[i / outputs], i % outputs).to_bits(), "{}", what());
        }

        // With fixed ranges all rows have one zero point.
        let same = vec![zero_points[0]; rows];
        let stored = self::stored(way.path, x, k, &same, packed.stride());
        let mut out = Activations::default();
        out.reset(way.path, rows, outputs.next_multiple_of(4));
        let requantize = ends.requantize(&packed, zero_points[0]);
        out.set_zero_point(requantize.zero_point());
        (way.multiply)(&stored, &packed, Sink::Activations(&requantize, &mut out));
        let fixed = Dequantize::with_fixed_range(&packed, zero_points[0], &ends.scales, &ends.integer_bias, ends.relu);
        (way.multiply)(&stored, &packed, Sink::Floats(&fixed, &[1.0], &mut reals));
        for r in 0..rows {
            let row = out.row(r);
            for j in 0..outputs {
                let sum = expected(&x[r * k..(r + 1) * k], zero_points[0], &w[j * k..(j + 1) * k]);
                assert_eq!(row[j], ends.integer(sum, j), "{:?}, {}, row {r}, output {j}", way.path, what());
                let real = (sum + ends.integer_bias[j]) as f32 * ends.scales[j];
                let real = if ends.relu && real < 0.0 { 0.0 } else { real };
                assert_eq!(reals[r * outputs + j].to_bits(), real.to_bits(), "{:?}, {}", way.path, what());
            }
        }
    }
}

/// Scales, biases and ranges of a layer's output.
struct Ends {
    scales: Vec<f32>,
    bias: Vec<f32>,
    integer_bias: Vec<i32>,
    zero_point: u8,
    relu: bool,
}

impl Ends {
    fn random(outputs: usize, random: &mut Random) -> Self {
        Self {
            scales: (0..outputs).map(|_| 0.0001 + random.float().abs() * 0.01).collect(),
            bias: (0..outputs).map(|_| random.float()).collect(),
            integer_bias: (0..outputs).map(|_| (random.float() * 20_000.0) as i32).collect(),
            zero_point: random.byte(),
            relu: random.byte().is_multiple_of(2),
        }
    }

    fn dequantize(&self) -> Dequantize {
        Dequantize::new(&self.scales, &self.bias, self.relu)
    }

    fn requantize(&self, w: &PackedI8, x_zero_point: u8) -> Requantize {
        let low = if self.relu { self.zero_point } else { 0 };
        Requantize::new(w, x_zero_point, &self.integer_bias, &self.scales, self.zero_point, low)
    }

    fn real(&self, sum: i32, x_scale: f32, j: usize) -> f32 {
        let real = sum as f32 * (x_scale * self.scales[j]) + self.bias[j];
        if self.relu && real < 0.0 { 0.0 } else { real }
    }

    fn integer(&self, sum: i32, j: usize) -> u8 {
        let q = affine::requantize_u8(sum + self.integer_bias[j], self.scales[j], self.zero_point);
        if self.relu { q.max(self.zero_point) } else { q }
    }
}

fn bytes(n: usize, random: &mut Random) -> Vec<u8> {
    // Every other matrix is of extremes, where a saturating sum would go wrong.
    let extreme = random.byte().is_multiple_of(2);
    let byte = |b: u8| if extreme { [0, 1, 127, 128, 129, 254, 255, b][usize::from(b % 8)] } else { b };
    (0..n).map(|_| byte(random.byte())).collect()
}

fn weights(n: usize, random: &mut Random) -> Vec<i8> {
    bytes(n, random).into_iter().map(|b| b as i8).collect()
}

/// Cases of each shape: a case is one dot product.
const CASES: usize = 1_000_000;

fn check_random_products(seed: u64, rows: fn(&mut Random) -> usize) {
    let mut random = Random::new(seed);
    let mut cases = 0;
    while cases < CASES {
        let (rows, k, outputs) = (rows(&mut random), random.byte() as usize % 71, 1 + random.byte() as usize % 50);
        let (x, w) = (bytes(rows * k, &mut random), weights(outputs * k, &mut random));
        let zero_points = bytes(rows, &mut random);
        check_product(k, &x, &zero_points, &w, outputs, &mut random);
        cases += rows * outputs;
    }
}

#[test]
fn a_million_random_dot_products_of_matrices_are_exact() {
    check_random_products(11, |random| 2 + random.byte() as usize % 40);
}

#[test]
fn a_million_random_dot_products_of_a_single_row_are_exact() {
    check_random_products(12, |_| 1);
}

/// The nine neighbours of each pixel written out; beyond the border lies the real 0, which adds nothing.
fn convolved(x: &[u8], [height, width, channels]: [usize; 3], zero_point: u8, w: &[i8], outputs: usize) -> Vec<i32> {
    let mut sums = vec![0; height * width * outputs];
    for (i, sum) in sums.iter_mut().enumerate() {
        let (y, x_at, j) = (i / outputs / width, i / outputs % width, i % outputs);
        for (n, w) in w[j * 9 * channels..][..9 * channels].iter().enumerate() {
            let (ny, nx, c) = (y + n / channels / 3, x_at + n / channels % 3, n % channels);
            if (1..=height).contains(&ny) && (1..=width).contains(&nx) {
                let q = x[((ny - 1) * width + nx - 1) * channels + c];
                *sum += (i32::from(q) - i32::from(zero_point)) * i32::from(*w);
            }
        }
    }
    sums
}

#[test]
fn a_million_random_dot_products_of_convolutions_are_exact() {
    let mut random = Random::new(13);
    let mut cases = 0;
    let mut border = Border::default();
    while cases < CASES {
        let mut size = |most: u8| 1 + (random.byte() % most) as usize;
        let (shape, images, outputs) = ([size(9), size(9), size(9)], size(3), size(18));
        let len: usize = shape.iter().product();
        let x = bytes(images * len, &mut random);
        let w = weights(outputs * 9 * shape[2], &mut random);
        let zero_points = bytes(images, &mut random);
        let ends = Ends::random(outputs, &mut random);
        let pixels = shape[0] * shape[1] * outputs;
        for way in ways() {
            let patches = Patches::new(shape, 4);
            let packed =
                PackedI8::for_path(way.path, &patches.spread(&w), patches.inputs(), outputs).expect("full filters");
            let stored = stored(way.path, &x, len, &zero_points, len);
            let mut found = vec![i32::MIN; images * pixels];
            (way.convolve)(&stored, &patches, &mut border, &packed, Sink::Sums(&mut found));
            let same = self::stored(way.path, &x, len, &vec![zero_points[0]; images], len);
            let mut out = Activations::default();
            out.reset(way.path, images, pixels.next_multiple_of(4));
            let requantize = ends.requantize(&packed, zero_points[0]);
            out.set_zero_point(requantize.zero_point());
            (way.convolve)(&same, &patches, &mut border, &packed, Sink::Activations(&requantize, &mut out));
            for n in 0..images {
                let x = &x[n * len..(n + 1) * len];
                let sums = convolved(x, shape, zero_points[n], &w, outputs);
                assert_eq!(&found[n * pixels..(n + 1) * pixels], sums, "{:?}, {shape:?}, image {n}", way.path);
                let sums = convolved(x, shape, zero_points[0], &w, outputs);
                let row = out.row(n);
                for (i, sum) in sums.into_iter().enumerate() {
                    assert_eq!(row[i], ends.integer(sum, i % outputs), "{:?}, {shape:?}, image {n}", way.path);
                }
            }
        }
        cases += images * pixels;
    }
}

#[test]
fn integer_dot_products_are_exact_for_every_length_0_to_300() {
    let mut random = Random::new(1);
    for k in 0..=300 {
        for (rows, outputs) in [(1, 1), (1, 10), (2, 3), (6, 8), (1, 24)] {
            let (x, w) = (bytes(rows * k, &mut random), weights(outputs * k, &mut random));
            let zero_points = bytes(rows, &mut random);
            check_product(k, &x, &zero_points, &w, outputs, &mut random);
        }
        for x in [0, 127, 128, 255] {
            for w in [-128, -127, -1, 0, 127] {
                check_product(k, &vec![x; 2 * k], &[255, 128], &vec![w; 5 * k], 5, &mut random);
            }
        }
    }
}

#[test]
fn the_longest_layer_is_still_exact_and_a_longer_one_is_refused() {
    let mut random = Random::new(14);
    for (x, zero_point) in [(255, 0), (0, 255)] {
        check_product(MAX_INPUTS, &vec![x; MAX_INPUTS], &[zero_point], &vec![-128; MAX_INPUTS], 1, &mut random);
    }
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
        let params = affine::choose_u8(kernels::min_max(&row)).expect("finite pixels");
        x.extend(row.iter().map(|&x| params.quantize(x) as u8));
        zero_points.push(params.zero_point as u8);
    }
    check_product(64, &x, &zero_points, &w, 10, &mut random);
}

/// The sum of one output in the order that the kernels promise.
fn float_sum(x: &[f32], w: &[f32], bias: f32, single: bool) -> f32 {
    if !single {
        return x.iter().zip(w).fold(bias, |sum, (x, w)| sum + x * w);
    }
    let mut parts = [0.0; 2];
    x.iter().zip(w).enumerate().for_each(|(k, (x, w))| parts[k % 2] += x * w);
    bias + (parts[0] + parts[1])
}

#[test]
fn float_products_have_the_bits_of_the_promised_order() {
    let mut random = Random::new(3);
    for k in (0..40).chain([63, 64, 65, 300, 511, 512, 513, 1100]) {
        for (rows, outputs) in [(1, 1), (1, 10), (1, 37), (4, 12), (7, 5), (9, 14), (13, 8), (3, 20)] {
            let mut floats = |n: usize| -> Vec<f32> { (0..n).map(|_| random.float()).collect() };
            let (x, w, bias) = (floats(rows * k), floats(outputs * k), floats(outputs));
            let packed = PackedF32::new(&w, k, &bias).expect("a full matrix");
            for relu in [false, true] {
                let mut out = vec![f32::NAN; rows * outputs];
                kernels::multiply_f32(&Rows::dense(&x, rows, k, k), &packed, Rounding::Separate, relu, &mut out);
                let mut fused = vec![f32::NAN; rows * outputs];
                kernels::multiply_f32(&Rows::dense(&x, rows, k, k), &packed, Rounding::Fused, relu, &mut fused);
                for (i, (out, fused)) in out.into_iter().zip(fused).enumerate() {
                    let (r, j) = (i / outputs, i % outputs);
                    let sum = float_sum(&x[r * k..(r + 1) * k], &w[j * k..(j + 1) * k], bias[j], rows == 1);
                    let sum = if relu && sum < 0.0 { 0.0 } else { sum };
                    assert_eq!(out.to_bits(), sum.to_bits(), "k = {k}, row {r} of {rows}, output {j} of {outputs}");
                    // Rounding once or twice moves a sum of k terms below 1 by less than this.
                    assert!((fused - sum).abs() <= k as f32 * 1e-6, "{fused} for {sum}, k = {k}");
                }
            }
        }
    }
}

#[test]
fn float_convolutions_have_the_bits_of_the_promised_order() {
    let mut random = Random::new(15);
    for shape in [[8, 8, 1], [8, 8, 8], [1, 1, 3], [5, 7, 2], [28, 28, 1], [3, 9, 5]] {
        for (images, outputs) in [(1, 8), (2, 16), (3, 3), (1, 12)] {
            let [height, width, channels] = shape;
            let mut floats = |n: usize| -> Vec<f32> { (0..n).map(|_| random.float()).collect() };
            let len = height * width * channels;
            let (x, w, bias) = (floats(images * len), floats(outputs * 9 * channels), floats(outputs));
            let packed = PackedF32::new(&w, 9 * channels, &bias).expect("full filters");
            let patches = Patches::new(shape, 1);
            let mut out = vec![f32::NAN; images * height * width * outputs];
            kernels::convolve_f32(&x, &patches, (&mut Vec::new(), 0.0), &packed, Rounding::Separate, false, &mut out);
            for (i, out) in out.into_iter().enumerate() {
                let (pixel, j) = (i / outputs, i % outputs);
                let (n, y, x_at) = (pixel / height / width, pixel / width % height, pixel % width);
                let neighbours: Vec<f32> = (0..9 * channels)
                    .map(|at| {
                        let (ny, nx, c) = (y + at / channels / 3, x_at + at / channels % 3, at % channels);
                        let inside = (1..=height).contains(&ny) && (1..=width).contains(&nx);
                        if inside { x[n * len + ((ny - 1) * width + nx - 1) * channels + c] } else { 0.0 }
                    })
                    .collect();
                let sum = float_sum(&neighbours, &w[j * 9 * channels..][..9 * channels], bias[j], false);
                assert_eq!(out.to_bits(), sum.to_bits(), "{shape:?}, image {n}, output {j}");
            }
        }
    }
}

#[test]
fn pooling_takes_the_largest_of_each_block() {
    let mut random = Random::new(16);
    for shape in [[2, 2, 1], [8, 8, 16], [5, 7, 3], [1, 4, 2]] {
        let [height, width, channels] = shape;
        let (len, pooled) = (height * width * channels, (height / 2) * (width / 2) * channels);
        let x = bytes(2 * len, &mut random);
        let largest: Vec<u8> = (0..2 * pooled)
            .map(|i| {
                let (n, i) = (i / pooled, i % pooled);
                let (y, x_at, c) = (i / channels / (width / 2), i / channels % (width / 2), i % channels);
                let at = |dy, dx| x[n * len + ((2 * y + dy) * width + 2 * x_at + dx) * channels + c];
                at(0, 0).max(at(0, 1)).max(at(1, 0)).max(at(1, 1))
            })
            .collect();
        for path in [DotPath::Scalar, DotPath::Pairs, DotPath::Unsigned, DotPath::Signed] {
            let stored = stored(path, &x, len, &[3, 3], len);
            let mut out = Activations::default();
            out.reset(path, 2, pooled);
            kernels::max_pool(&stored, shape, &mut out);
            assert_eq!([out.row(0), out.row(1)].concat(), largest, "{path:?}, {shape:?}");
        }
        let mut out = vec![0.0; 2 * pooled];
        let floats: Vec<f32> = x.iter().map(|&x| f32::from(x)).collect();
        kernels::max_pool_f32(&floats, shape, &mut out);
        assert!(out.iter().zip(&largest).all(|(&a, &b)| a == f32::from(b)));
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
            scalar::quantize_u8(&x, None, scale, zero_point, 0, &mut specified);
            for path in DotPath::ALL {
                let mut stored = Activations::default();
                stored.reset(path, 1, x.len());
                stored.quantize_row(0, &x, None, scale, zero_point);
                out.copy_from_slice(&stored.row(0));
                assert_eq!(out, specified, "{n} values, scale {scale}, {path:?}");
            }
        }
    }
}

#[test]
fn standardized_values_have_the_bits_of_the_specification() {
    let mut random = Random::new(10);
    for pixels in [0, 1, 3, 4, 7, 8, 15, 63, 64, 784] {
        let mut floats = |n: usize| -> Vec<f32> { (0..n).map(|_| random.float() * 16.0).collect() };
        let (x, mean, factor) = (floats(pixels), floats(pixels), floats(pixels));
        let scaling = Scaling { mean: &mean, factor: &factor };
        let (mut out, mut specified) = (vec![f32::NAN; x.len()], vec![0.0; x.len()]);
        let range = kernels::standardize_range(&x, scaling, &mut out);
        assert_eq!(range, scalar::standardize_range(&x, scaling, &mut specified));
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&out), bits(&specified), "{pixels} pixels");
        out.fill(f32::NAN);
        kernels::standardize(&x, scaling, &mut out);
        assert_eq!(bits(&out), bits(&specified), "{pixels} pixels");

        // Scaled as they are rounded: the same integers.
        for path in DotPath::ALL {
            let mut stored = Activations::default();
            stored.reset(path, 2, pixels);
            stored.quantize_row(0, &x, Some(scaling), 0.7, 90);
            stored.quantize_row(1, &out, None, 0.7, 90);
            assert_eq!(stored.row(0), stored.row(1), "{pixels} pixels, {path:?}");
        }
    }
}

#[test]
fn the_build_says_which_kernels_it_has() {
    let simd = cfg!(all(target_arch = "wasm32", target_feature = "simd128"));
    let relaxed = cfg!(all(target_arch = "wasm32", target_feature = "relaxed-simd"));
    let name = if relaxed {
        "relaxed"
    } else if simd {
        "simd128"
    } else {
        "scalar"
    };
    assert_eq!(kernels::BACKEND.name(), name);
    // On an engine with the relaxed dot product any answer may be right; without, there is only one.
    if !relaxed {
        assert_eq!(DotPath::of_this_engine(), if simd { DotPath::Pairs } else { DotPath::Scalar });
    }
}

#[cfg(target_feature = "relaxed-simd")]
#[test]
fn the_probe_takes_the_path_that_is_exact_for_each_reading() {
    use emulated::{Saturating, Signed, Unsigned};
    use kernels::relaxed::probe;
    assert_eq!(probe::<Unsigned>(), DotPath::Unsigned);
    assert_eq!(probe::<Signed>(), DotPath::Signed);
    assert_eq!(probe::<Saturating>(), DotPath::Pairs);
}

#[test]
fn matrices_that_are_not_full_are_refused() {
    assert!(matches!(PackedI8::new(&[1, 2, 3], 2, 2), Err(Error::Shape { expected: 4, found: 3, .. })));
    assert!(matches!(PackedF32::new(&[1.0], 1, &[]), Err(Error::Shape { .. })));
}
