//! Number formats: floats bit for bit with PyTorch, ternary, binary and clustered weights against their definitions.

use crate::common::shared::{double, doubles, floats, integer, integers, list, reference};
use quantpad::quant::{Axes, Granularity, NumberFormat, StoredWeights, float, low_bit};
use serde_json::Value;

#[test]
fn f16_and_bf16_are_torchs_and_tf32_is_its_definition() {
    let Some(data) = reference("floats") else { return };
    let (x, nan) = (floats(&data["f32_bits"]), integers(&data["is_nan"]));
    let each = |round: &dyn Fn(f32) -> u32| x.iter().map(|&x| round(x)).collect::<Vec<_>>();
    // With the bits of infinity.
    let columns = [
        ("f16_bits", each(&|x| float::to_f16(x).into()), 0x7C00),
        ("bf16_bits", each(&|x| float::to_bf16(x).into()), 0x7F80),
        ("f16_back_f32_bits", each(&|x| float::from_f16(float::to_f16(x)).to_bits()), 0x7F80_0000),
        ("bf16_back_f32_bits", each(&|x| float::from_bf16(float::to_bf16(x)).to_bits()), 0x7F80_0000),
        ("tf32_nearest_away_bits", each(&|x| float::to_tf32(x).to_bits()), 0x7F80_0000),
        ("tf32_nearest_even_bits", each(&|x| float::to_tf32_even(x).to_bits()), 0x7F80_0000),
        ("tf32_truncate_bits", each(&|x| float::to_tf32_truncated(x).to_bits()), 0x7F80_0000),
    ];
    for (key, found, infinity) in columns {
        let wanted = integers(&data[key]);
        assert_eq!(found.len(), wanted.len(), "{key}");
        for (i, (found, wanted)) in found.into_iter().zip(wanted).enumerate() {
            if nan.contains(&(i as i64)) {
                let magnitude = found & !(1 << 31) & if infinity < 0x1_0000 { 0x7FFF } else { u32::MAX };
                assert!(magnitude > infinity, "{key}, {:08x} became {found:08x}", x[i].to_bits());
            } else {
                assert_eq!(i64::from(found), wanted, "{key}, {:08x}", x[i].to_bits());
            }
        }
    }
}

/// Codes of ternary or binary weights, by one scale or one for each row, and the scales.
fn stored(case: &Value, format: NumberFormat, granularity: Granularity) -> (Vec<i64>, Vec<f32>) {
    let rows = integer(&case["shape"][0]) as usize;
    let axes = Axes { granularity, ..Axes::weights(format) };
    let stored = StoredWeights::encode(&floats(&case["x_bits"]), rows, &axes).expect("finite weights");
    let decoded = stored.decode();
    let scales: Vec<f32> = stored.scales().to_vec();
    let scale = |i: usize| scales[if scales.len() == 1 { 0 } else { i / stored.inputs() }];
    // A row of zeros has scale 0, and no sign to be seen.
    let code = |(i, &w): (usize, &f32)| if scale(i) == 0.0 { 0 } else { (w / scale(i)) as i64 };
    (decoded.iter().enumerate().map(code).collect(), scales)
}

fn close(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-12 * wanted.abs()
}

#[test]
fn ternary_and_binary_weights_are_their_definitions() {
    let Some(data) = reference("lowbit") else { return };
    for case in list(&data) {
        let (x, name) = (floats(&case["x_bits"]), &case["name"]);
        let rows = integer(&case["shape"][0]) as usize;
        for (granularity, ternary, binary) in [
            (Granularity::PerTensor, "ternary_per_tensor", "binary_per_tensor"),
            (Granularity::PerChannel, "ternary_per_row", "binary_per_row"),
        ] {
            let all = |value: &Value| if value.is_array() { doubles(value) } else { vec![double(value)] };
            let group = if granularity == Granularity::PerTensor { x.len() } else { x.len() / rows };
            let (alphas, thresholds) = (all(&case[ternary]["alpha"]), all(&case[ternary]["threshold"]));
            for ((group, alpha), threshold) in x.chunks(group).zip(&alphas).zip(thresholds) {
                let found = low_bit::ternary(group);
                assert!(close(found.0, threshold) && close(found.1, *alpha), "{name} {ternary}: {found:?}");
            }
            let (codes, scales) = stored(case, NumberFormat::Ternary, granularity);
            assert_eq!(codes, integers(&case[ternary]["codes"]), "{name} {ternary}");
            assert!(scales.iter().zip(alphas).all(|(&s, alpha)| s == alpha as f32), "{name} {ternary}: {scales:?}");

            let alphas = all(&case[binary]["alpha"]);
            let (codes, scales) = stored(case, NumberFormat::Binary, granularity);
            for (i, (found, wanted)) in codes.iter().zip(integers(&case[binary]["codes"])).enumerate() {
                let is_zero = scales[if scales.len() == 1 { 0 } else { i / group }] == 0.0;
                assert!(*found == wanted || is_zero, "{name} {binary}, weight {i}");
                assert_eq!(i64::from(low_bit::binary_code(x[i])), wanted, "{name} {binary}, weight {i}");
            }
            for (group, alpha) in x.chunks(group).zip(&alphas) {
                assert!(close(low_bit::binary_scale(group), *alpha), "{name} {binary}");
            }
            assert!(scales.iter().zip(alphas).all(|(&s, alpha)| s == alpha as f32), "{name} {binary}: {scales:?}");
        }
    }
}

#[test]
fn clusters_are_within_two_per_cent_of_the_optimum() {
    let Some(data) = reference("lowbit") else { return };
    for case in list(&data) {
        let x = floats(&case["x_bits"]);
        for cluster in list(&case["cluster"]) {
            let k = integer(&cluster["k"]) as u16;
            let axes = Axes::weights(NumberFormat::Codebook { k });
            let stored = StoredWeights::encode(&x, 1, &axes).expect("finite weights");
            let error = |(a, b): (&f32, f32)| (f64::from(*a) - f64::from(b)).powi(2);
            let inertia: f64 = x.iter().zip(stored.decode()).map(error).sum();
            let [optimal, theirs] = ["optimal_inertia", "sklearn_kmeans_inertia"].map(|key| double(&cluster[key]));
            println!(
                "{}, {k} values: {:.3} % above the optimum, scikit-learn {:.3} %",
                case["name"],
                (inertia / optimal - 1.0) * 100.0,
                (theirs / optimal - 1.0) * 100.0
            );
            // Less only as far as the values of the codebook are f32.
            assert!(inertia > optimal * (1.0 - 1e-6), "{} {k}: {inertia} for {optimal}", case["name"]);
            assert!(inertia < optimal * 1.02, "{} {k}: {inertia} for {optimal}", case["name"]);
        }
    }
}
