//! Number formats: what a weight becomes, how far that is from it, and how many bytes it takes.

use crate::common::Random;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    quant::{Axes, Granularity, NumberFormat, ScaleRule, StoredWeights, Symmetry, bits, cluster, float},
};

const INTEGERS: [NumberFormat; 3] = [NumberFormat::Int16, NumberFormat::Int8, NumberFormat::Int4];
const FLOATS: [NumberFormat; 5] =
    [NumberFormat::F64, NumberFormat::F32, NumberFormat::Tf32, NumberFormat::F16, NumberFormat::Bf16];

/// Every way to store weights.
fn all_axes() -> Vec<Axes> {
    let mut all: Vec<Axes> = FLOATS.map(Axes::weights).into();
    for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
        for format in INTEGERS {
            for symmetry in [Symmetry::Symmetric, Symmetry::Affine] {
                for scale_rule in [ScaleRule::MaxAbs, ScaleRule::Mse] {
                    all.push(Axes { granularity, symmetry, scale_rule, ..Axes::weights(format) });
                }
            }
        }
        let codebooks = [2, 3, 16, 100, 256].map(|k| NumberFormat::Codebook { k });
        let others = [NumberFormat::Ternary, NumberFormat::Binary].into_iter().chain(codebooks);
        all.extend(others.map(|format| Axes { granularity, ..Axes::weights(format) }));
    }
    all
}

/// Normal numbers, roughly.
fn weights(n: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..n).map(|_| (0..6).map(|_| random.float()).sum::<f32>() * 0.1).collect()
}

fn encode(weights: &[f32], outputs: usize, axes: &Axes) -> StoredWeights {
    StoredWeights::encode(weights, outputs, axes).unwrap_or_else(|error| panic!("{axes:?}: {error}"))
}

fn squared_error(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)) * (f64::from(a) - f64::from(b))).sum()
}

fn bits_of(values: &[f32]) -> Vec<u32> {
    // 0 and -0 are one value.
    values.iter().map(|v| (v + 0.0).to_bits()).collect()
}

#[test]
fn codes_are_packed_from_the_lowest_bit_up() {
    assert_eq!(bits::pack(&[0x1, 0x2, 0xF], 4), [0x21, 0x0F]);
    assert_eq!(bits::pack(&[1, 0, 1, 1, 0, 0, 0, 1, 1], 1), [0b1000_1101, 1]);
    assert_eq!(bits::pack(&[-1_i32 as u32, 1, 0, -1_i32 as u32], 2), [0b1100_0111]);
    assert_eq!(bits::pack(&[0x1234_5678], 32), [0x78, 0x56, 0x34, 0x12]);
    let mut random = Random::new(1);
    for width in 1..=32 {
        let codes: Vec<u32> = (0..100).map(|_| (random.next() >> (64 - width)) as u32).collect();
        let packed = bits::pack(&codes, width);
        assert_eq!(packed.len(), bits::packed_len(100, width));
        assert_eq!(packed.len(), (100 * width as usize).div_ceil(8));
        assert_eq!(bits::unpack(&packed, width).0[..100], codes);
    }
}

#[test]
fn sizes_are_exact() {
    let w = weights(5 * 13, 2);
    for axes in all_axes() {
        let stored = encode(&w, 5, &axes);
        let groups = if axes.granularity == Granularity::PerTensor { 1 } else { 5 };
        let bits = match axes.format {
            NumberFormat::F64 => 64,
            NumberFormat::F32 => 32,
            NumberFormat::Tf32 => 19,
            NumberFormat::F16 | NumberFormat::Bf16 | NumberFormat::Int16 => 16,
            NumberFormat::Int8 => 8,
            NumberFormat::Int4 => 4,
            NumberFormat::Ternary => 2,
            NumberFormat::Binary => 1,
            NumberFormat::Codebook { k } => [(2, 1), (3, 2), (16, 4), (100, 7), (256, 8)]
                .into_iter()
                .find(|(of, _)| *of == k)
                .map_or(0, |(_, bits)| bits),
        };
        assert_eq!(stored.packed().len(), (65_usize * bits).div_ceil(8), "{axes:?}");
        let scales = if axes.format.has_scales() { groups } else { 0 };
        assert_eq!(stored.scales().len(), scales, "{axes:?}");
        assert_eq!(stored.zero_points().len(), if axes.symmetry == Symmetry::Affine { groups } else { 0 }, "{axes:?}");
        let k = if let NumberFormat::Codebook { k } = axes.format { usize::from(k) } else { 0 };
        assert_eq!(stored.codebook().len(), k * groups, "{axes:?}");
        assert_eq!(stored.decode().len(), 65);
    }
}

#[test]
fn rounding_is_storing_and_reading_back_to_the_bit() {
    // Beyond what the clusters search one by one, too.
    for (outputs, inputs, seed) in [(5, 13, 1), (1, 1, 2), (2, 1500, 3)] {
        let mut w = weights(outputs * inputs, seed);
        w[0] = -0.0;
        for axes in all_axes() {
            let mut rounded = vec![f32::NAN; w.len()];
            StoredWeights::round(&w, outputs, &axes, &mut rounded).expect("finite weights");
            let stored = encode(&w, outputs, &axes).decode();
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&rounded), bits(&stored), "{axes:?}");
        }
    }
}

#[test]
fn a_codebook_keeps_weights_of_no_more_values_than_it_has() {
    let mut random = Random::new(3);
    for n in [40, 6000] {
        for k in [2, 16, 256] {
            // As unlike in size as weights get, and two that are neighbours.
            let mut values: Vec<f32> = (0..k).map(|i| random.float() * 10.0_f32.powi(-i % 20)).collect();
            values[1] = values[0].next_up();
            let w: Vec<f32> = (0..n).map(|_| values[random.next() as usize % values.len()]).collect();
            for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
                let axes = Axes { granularity, ..Axes::weights(NumberFormat::Codebook { k: k as u16 }) };
                assert_eq!(encode(&w, 4, &axes).decode(), w, "{n} weights, {axes:?}");
            }
        }
    }
}

#[test]
fn storing_what_was_stored_changes_nothing() {
    for seed in 0..5 {
        let w = weights(4 * 30, seed);
        for axes in all_axes() {
            let once = encode(&w, 4, &axes).decode();
            let twice = encode(&once, 4, &axes);
            // A scale from the ends of a range, taken again, may be the next f32; a searched one may be any as good.
            if axes.symmetry == Symmetry::Affine || axes.scale_rule == ScaleRule::Mse {
                let step = twice.scales().iter().fold(0.0, |a: f32, &b| a.max(b));
                let moved = once.iter().zip(twice.decode()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(moved <= step * 0.5, "{axes:?}: {moved} of {step}");
            } else if axes.format.is_integer() {
                let close = |(a, b): (&f32, f32)| (a - b).abs() <= a.abs() * 3e-7;
                assert!(once.iter().zip(twice.decode()).all(close), "{axes:?}");
            } else {
                assert_eq!(bits_of(&once), bits_of(&twice.decode()), "{axes:?}");
            }
        }
    }
}

#[test]
fn integers_are_off_by_half_a_step_at_most() {
    for seed in 0..20 {
        // From shifted to both sides.
        let w: Vec<f32> = weights(3 * 40, seed).iter().map(|w| w + seed as f32 * 0.03).collect();
        for axes in all_axes().iter().filter(|axes| axes.format.is_integer() && axes.scale_rule == ScaleRule::MaxAbs) {
            let stored = encode(&w, 3, axes);
            for (i, (w, back)) in w.iter().zip(stored.decode()).enumerate() {
                let scale = stored.scales()[if stored.scales().len() == 1 { 0 } else { i / 40 }];
                // The zero point is rounded too, so an affine range may end half a step early.
                let half_steps = if axes.symmetry == Symmetry::Affine { 1.01 } else { 0.501 };
                assert!((w - back).abs() <= half_steps * scale, "{axes:?}: {w} became {back}, scale {scale}");
            }
        }
    }
}

#[test]
fn floats_are_off_by_half_a_unit_in_the_last_place_at_most() {
    let w: Vec<f32> = weights(300, 3).iter().enumerate().map(|(i, w)| w * 2.0_f32.powi(i as i32 % 20 - 10)).collect();
    for (format, bits) in FLOATS.into_iter().zip([53, 24, 11, 11, 8]) {
        for (w, back) in w.iter().zip(encode(&w, 1, &Axes::weights(format)).decode()) {
            // Below f16's normal numbers the unit is fixed.
            let unit = w.abs().max(if format == NumberFormat::F16 { 6.2e-5 } else { 0.0 }) * 2.0_f32.powi(1 - bits);
            assert!((w - back).abs() <= unit / 2.0, "{format:?}: {w} became {back}");
            assert!(format.bits() < 32 || *w == back, "{format:?}: {w} became {back}");
        }
    }
}

#[test]
fn the_searched_scale_is_never_worse_and_for_4_bits_much_better() {
    let mut ratio: f64 = 0.0;
    for seed in 0..10 {
        let w = weights(256, seed);
        for format in INTEGERS {
            for symmetry in [Symmetry::Symmetric, Symmetry::Affine] {
                let axes = Axes { symmetry, ..Axes::weights(format) };
                let plain = squared_error(&encode(&w, 1, &axes).decode(), &w);
                let searched = Axes { scale_rule: ScaleRule::Mse, ..axes };
                let searched = squared_error(&encode(&w, 1, &searched).decode(), &w);
                assert!(searched <= plain, "{axes:?}: {searched} for {plain}");
                if axes == Axes::weights(NumberFormat::Int4) {
                    ratio += searched / plain / 10.0;
                }
            }
        }
    }
    assert!(ratio < 0.8, "{ratio} of the error");
}

#[test]
fn no_scale_of_a_hundred_has_a_smaller_squared_error_than_the_searched_one() {
    for n in [3, 40, 700] {
        let w: Vec<f32> = weights(n, 7).into_iter().map(|w| w * w * w).collect();
        let axes = Axes { scale_rule: ScaleRule::Mse, ..Axes::weights(NumberFormat::Int4) };
        let found = squared_error(&encode(&w, 1, &axes).decode(), &w);
        let largest = w.iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
        for percent in 1..=100 {
            let scale = largest / 7.0 * percent as f32 / 100.0;
            let tried: Vec<f32> = w.iter().map(|w| (w / scale).round_ties_even().clamp(-7.0, 7.0) * scale).collect();
            let tried = squared_error(&tried, &w);
            assert!(found <= tried * 1.0001, "{n} weights: {found:e} for {tried:e} at {percent} %");
        }
    }
}

#[test]
fn a_finer_granularity_is_never_worse() {
    // Rows of very different sizes.
    let w: Vec<f32> = weights(4 * 64, 9).iter().enumerate().map(|(i, w)| w * 10.0_f32.powi(-(i as i32 / 64))).collect();
    for axes in all_axes().iter().filter(|axes| axes.granularity == Granularity::PerChannel) {
        let coarse = Axes { granularity: Granularity::PerTensor, ..*axes };
        let [fine, coarse] = [axes, &coarse].map(|axes| squared_error(&encode(&w, 4, axes).decode(), &w));
        assert!(fine <= coarse * 1.001, "{axes:?}: {fine} for {coarse}");
    }
}

/// Weights that are hard in one way or another, in one row of a matrix.
fn edge_cases() -> Vec<(&'static str, Vec<f32>)> {
    let outlier = |x: f32| weights(40, 4).into_iter().chain([x]).collect();
    vec![
        ("zeros", vec![0.0; 9]),
        ("negative zeros", vec![-0.0; 9]),
        ("a constant", vec![0.3; 9]),
        ("a negative constant", vec![-0.3; 9]),
        ("one weight", vec![-1.7]),
        ("one zero", vec![0.0]),
        ("one outlier", outlier(3e4)),
        ("one negative outlier", outlier(-3e4)),
        ("negative only", weights(33, 5).iter().map(|w| -w.abs() - 0.1).collect()),
        ("positive only", weights(33, 6).iter().map(|w| w.abs() + 0.1).collect()),
        ("subnormals", (0..20).map(|i| f32::from_bits(i * 77_777)).collect()),
        ("the smallest subnormal", vec![f32::from_bits(1), 0.0]),
        ("ties", (-20..20).map(|i| i as f32 / 2.0).collect()),
        ("two values", vec![1.0, -1.0, 1.0, 1.0, -1.0]),
    ]
}

#[test]
fn hard_weights_stay_finite_and_no_farther_off_than_they_are_large() {
    for (name, w) in edge_cases() {
        for axes in all_axes() {
            let stored = encode(&w, 1, &axes);
            let back = stored.decode();
            assert!(back.iter().all(|w| w.is_finite()), "{name}, {axes:?}: {back:?}");
            let largest = w.iter().fold(0.0_f32, |a, w| a.max(w.abs()));
            let most = back.iter().fold(0.0_f32, |a, w| a.max(w.abs()));
            assert!(most <= largest * 1.08, "{name}, {axes:?}: {most} from {largest}");
            // Sparing one bit more than 0 for everything is always possible.
            let all_zero = squared_error(&vec![0.0; w.len()], &w);
            let error = squared_error(&back, &w);
            assert!(error <= all_zero, "{name}, {axes:?}: {error} for {all_zero}");
        }
    }
}

#[test]
fn values_that_a_format_has_are_kept() {
    for axes in all_axes() {
        let zeros = encode(&[0.0; 12], 3, &axes).decode();
        assert_eq!(bits_of(&zeros), [0; 12], "{axes:?}");
    }
    let constant = vec![-0.7_f32; 12];
    for axes in all_axes().iter().filter(|axes| !axes.format.is_integer() && !axes.format.is_float()) {
        assert_eq!(encode(&constant, 3, axes).decode(), constant, "{axes:?}");
    }
    let three = [-0.5, 0.0, 0.5, 0.5, -0.5, 0.0];
    assert_eq!(encode(&three, 1, &Axes::weights(NumberFormat::Ternary)).decode(), three);
    assert_eq!(encode(&three, 1, &Axes::weights(NumberFormat::Codebook { k: 3 })).decode(), three);
    let ladder: Vec<f32> = (-7..=7).map(|q| q as f32 * 0.25).collect();
    assert_eq!(encode(&ladder, 1, &Axes::weights(NumberFormat::Int4)).decode(), ladder);
    let ladder: Vec<f32> = (-3..=12).map(|q| q as f32 * 0.25).collect();
    let affine = Axes { symmetry: Symmetry::Affine, ..Axes::weights(NumberFormat::Int4) };
    assert_eq!(encode(&ladder, 1, &affine).decode(), ladder);
}

#[test]
fn ties_go_to_the_even_integer_and_out_of_range_saturates() {
    let axes = Axes::weights(NumberFormat::Int4);
    let back = encode(&[7.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5], 1, &axes).decode();
    assert_eq!(back, [7.0, 0.0, 2.0, 2.0, 0.0, -2.0, -2.0]);
    // At the scale of least error the largest weight is beyond the largest integer.
    let mut w = vec![0.1; 100];
    w.iter_mut().step_by(2).for_each(|w| *w = -0.2);
    w[0] = 1.0;
    let stored = encode(&w, 1, &Axes { scale_rule: ScaleRule::Mse, ..axes });
    assert_eq!(stored.decode()[0], 7.0 * stored.scales()[0]);
    assert!(stored.scales()[0] < 1.0 / 7.0, "{}", stored.scales()[0]);
}

#[test]
fn nan_and_infinity_are_errors_in_every_format() {
    for axes in all_axes() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let error = StoredWeights::encode(&[0.5, bad, 1.0], 1, &axes);
            assert_eq!(error, Err(Error::NotFinite { what: "weight tensor" }), "{axes:?}");
        }
        for bad in [f32::NAN, f32::INFINITY] {
            let error = StoredWeights::round(&[0.5, bad], 1, &axes, &mut [0.0; 2]);
            assert_eq!(error, Err(Error::NotFinite { what: "weight tensor" }), "{axes:?}");
        }
        let short = StoredWeights::round(&[0.5, 1.0], 1, &axes, &mut [0.0]);
        assert_eq!(short, Err(Error::Shape { what: "rounded weights", expected: 2, found: 1 }));
        assert!(matches!(StoredWeights::encode(&[], 0, &axes), Err(Error::Shape { .. })));
        assert!(matches!(StoredWeights::encode(&[1.0; 5], 2, &axes), Err(Error::Shape { .. })));
        assert!(matches!(StoredWeights::encode(&[1.0; 5], 6, &axes), Err(Error::Shape { .. })));
    }
    for (format, w) in [(NumberFormat::F16, 65_520.0), (NumberFormat::Bf16, f32::MAX), (NumberFormat::Tf32, f32::MAX)] {
        let error = StoredWeights::encode(&[w], 1, &Axes::weights(format)).unwrap_err();
        assert_eq!(error, Error::TooLarge { format: format.name() });
        assert_eq!(StoredWeights::round(&[w], 1, &Axes::weights(format), &mut [0.0]), Err(error));
    }
    assert_eq!(encode(&[65_519.0], 1, &Axes::weights(NumberFormat::F16)).decode(), [65_504.0]);
}

/// Exact k-means of sorted values, the plain way.
fn optimal_inertia(values: &[f64], k: usize) -> f64 {
    let n = values.len();
    let mut costs = vec![f64::INFINITY; n + 1];
    costs[0] = 0.0;
    for _ in 0..k {
        let mut next = costs.clone();
        for (begin, before) in costs.iter().enumerate() {
            let (mut mean, mut inertia) = (0.0, 0.0);
            for end in begin..n {
                let (count, apart) = ((end - begin + 1) as f64, values[end] - mean);
                mean += apart / count;
                inertia += apart * (values[end] - mean);
                next[end + 1] = next[end + 1].min(before + inertia);
            }
        }
        costs = next;
    }
    costs[n]
}

#[test]
fn codebooks_are_optimal_and_nearly_so_for_large_layers() {
    for (n, ks, above) in
        [(1, &[2][..], 1e-9), (20, &[2, 5, 19, 64], 1e-6), (400, &[2, 7, 16, 100], 1e-6), (3000, &[2, 16], 0.01)]
    {
        let mut random = Random::new(n as u64);
        // With long tails.
        let w: Vec<f32> = (0..n).map(|_| random.float().powi(5) * 3.0 + random.float() * 0.01).collect();
        let mut sorted: Vec<f64> = w.iter().map(|&w| w.into()).collect();
        sorted.sort_by(f64::total_cmp);
        for &k in ks {
            let centres = cluster::k_means(&w, k);
            assert!(centres.len() == k && centres.is_sorted(), "{n} {k}: {centres:?}");
            let back: Vec<f32> = w.iter().map(|&w| centres[cluster::nearest(&centres, w)]).collect();
            let (inertia, optimal) = (squared_error(&back, &w), optimal_inertia(&sorted, k));
            assert!(inertia <= optimal * (1.0 + above) + 1e-12, "{n} values, {k} centres: {inertia} for {optimal}");
        }
    }
    // A far-off value costs the others no precision.
    for far in [1e30, -1e30] {
        let w = [0.0, 1.0, 2.0, 3.0, far];
        assert_eq!(encode(&w, 1, &Axes::weights(NumberFormat::Codebook { k: 5 })).decode(), w);
    }
}

#[test]
fn the_nearest_centre_is_the_lower_one_of_two_as_near() {
    let centres = [-1.0, 0.0, 0.0, 2.0];
    let found = [-5.0, -0.6, -0.5, -0.4, 0.0, 0.9, 1.0, 1.1, 9.0].map(|w| cluster::nearest(&centres, w));
    assert_eq!(found, [0, 0, 0, 1, 1, 1, 1, 3, 3]);
}

#[test]
fn huffman_codes_take_what_their_definition_says() {
    assert_eq!(cluster::huffman_bits(&[]), 0);
    assert_eq!(cluster::huffman_bits(&[7, 0]), 0);
    assert_eq!(cluster::huffman_bits(&[1, 1]), 2);
    // Lengths 1, 2, 3, 3.
    assert_eq!(cluster::huffman_bits(&[8, 4, 2, 1]), 8 + 2 * 4 + 3 * 2 + 3);
    assert_eq!(cluster::huffman_bits(&[10; 16]), 16 * 10 * 4);
    let stored = encode(&weights(640, 8), 10, &Axes::weights(NumberFormat::Codebook { k: 16 }));
    let huffman = stored.huffman_bytes().expect("a codebook");
    assert!((16 + 200..16 + 320).contains(&huffman), "{huffman} bytes");
    assert_eq!(encode(&[1.0], 1, &Axes::weights(NumberFormat::Int4)).huffman_bytes(), None);
}

#[test]
fn tf32_rounds_ties_away_and_keeps_ten_bits() {
    let half_unit = 2.0_f32.powi(-11);
    assert_eq!(float::to_tf32(1.0 + half_unit), 1.0 + 2.0 * half_unit);
    assert_eq!(float::to_tf32(-1.0 - half_unit), -1.0 - 2.0 * half_unit);
    assert_eq!(float::to_tf32_even(1.0 + half_unit), 1.0);
    assert_eq!(float::to_tf32_truncated(1.0 + 1.9 * half_unit), 1.0);
    assert_eq!(float::to_tf32(1.0 + half_unit * 0.99), 1.0);
    assert_eq!(float::to_tf32(f32::INFINITY), f32::INFINITY);
    assert!(float::to_tf32(f32::NAN).is_nan());
    assert_eq!(float::to_tf32(f32::MAX), f32::INFINITY);
}

#[cfg(not(target_arch = "wasm32"))]
mod against_the_crate {
    use super::*;

    #[test]
    fn all_65_536_half_patterns_are_those_of_the_half_crate() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (float::from_f16(bits), half::f16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan(), "f16 {bits:04x}");
            let (ours, theirs) = (float::from_bf16(bits), half::bf16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan(), "bf16 {bits:04x}");
        }
    }

    #[test]
    fn rounding_is_that_of_the_half_crate() {
        let check = |bits: u32| {
            let x = f32::from_bits(bits);
            assert_eq!(float::to_f16(x), half::f16::from_f32_const(x).to_bits(), "f16 of {bits:08x}");
            assert_eq!(float::to_bf16(x), half::bf16::from_f32_const(x).to_bits(), "bf16 of {bits:08x}");
        };
        // Around the value of every half pattern and halfway to the next.
        for half in 0..=u16::MAX {
            for value in [float::from_f16(half), float::from_bf16(half)] {
                for offset in [0_u32, 1, 0xFFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001] {
                    check(value.to_bits().wrapping_add(offset));
                    check(value.to_bits().wrapping_sub(offset));
                }
            }
        }
        let mut random = Random::new(11);
        (0..1_000_000).for_each(|_| check((random.next() >> 32) as u32));
    }
}

#[test]
fn every_stored_weight_is_one_of_the_levels_of_its_output() {
    let weights = weights(6 * 40, 11);
    for axes in all_axes() {
        let stored = encode(&weights, 6, &axes);
        for (j, row) in stored.decode().chunks(40).enumerate() {
            let levels = stored.levels(j);
            if axes.format.is_float() {
                assert!(levels.is_empty(), "{axes:?}");
                continue;
            }
            assert!(levels.is_sorted_by(|a, b| a < b) && levels.len() <= 1 << axes.format.bits(), "{axes:?}");
            for w in row {
                assert_eq!(levels.get(levels.partition_point(|level| level < w)), Some(w), "{axes:?}");
            }
        }
    }
}
