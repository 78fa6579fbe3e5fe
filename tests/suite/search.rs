//! The search: never larger than the best uniform scheme, within the loss that is allowed, and as it says when rebuilt.

#[cfg(target_arch = "wasm32")]
use crate::common::test;
use crate::common::trained;

use quantpad::{
    Error,
    data::Dataset,
    eval::{metrics, size},
    nn::{Model, Scratch},
    quant::{
        ActivationMode, Axes, Granularity, NumberFormat, Observer, QuantizedModel, ScaleRule, Scheme, Symmetry,
        search::Search,
    },
};

const CALIBRATION: usize = 128;
/// Images that schemes are measured on; fewer than on the page, for native kernels are slow.
const IMAGES: usize = 200;

fn search(model: &Model, data: &Dataset, rows: &[u32], activations: ActivationMode, points: f64) -> Search {
    let (calibration, _) = data.gather(&rows[..CALIBRATION]);
    let search = Search::new(model.clone(), activations, &calibration, data, &rows[..IMAGES], points);
    let mut search = search.expect("a model and images of its size");
    let mut share = search.share();
    while !search.step().expect("finite activations") {
        assert!((share..=1.0).contains(&search.share()), "{share} to {}", search.share());
        share = search.share();
    }
    assert!(search.share() > 0.999);
    search
}

/// What a visitor can choose for all layers alike after training, with dynamic activations where they make sense.
fn uniform_schemes() -> Vec<Scheme> {
    use NumberFormat::{Bf16, Binary, Codebook, F16, F32, Int4, Int8, Int16, Ternary, Tf32};
    let mut all = Vec::new();
    let codebooks = [2, 4, 8, 16, 32, 64].map(|k| Codebook { k });
    for format in [F32, Tf32, F16, Bf16, Int16, Int8, Int4, Ternary, Binary].into_iter().chain(codebooks) {
        let dynamic = format.fits_integer_kernels();
        let activations = if dynamic { ActivationMode::Dynamic } else { ActivationMode::Float };
        for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
            for symmetry in [Symmetry::Symmetric, Symmetry::Affine] {
                for scale_rule in [ScaleRule::MaxAbs, ScaleRule::Mse] {
                    let axes = Axes { granularity, symmetry, scale_rule, activations, ..Axes::weights(format) };
                    all.extend(Scheme::new(axes));
                }
            }
        }
    }
    all
}

#[test]
fn what_is_found_is_within_the_loss_and_no_larger_than_the_best_uniform_scheme() {
    let (data, split) = trained::digits();
    let mut smaller = 0;
    for (name, model) in trained::models(&data, &split.train) {
        let mut before = usize::MAX;
        for points in [0.0, 0.5, 1.0, 2.0] {
            let search = search(&model, &data, &split.train, ActivationMode::Dynamic, points);
            let (best, uniform) = (search.best().expect("fp32"), search.best_uniform().expect("fp32"));
            println!(
                "{name}, {points} points: {} in {} B, {} in {} B; {} schemes",
                best.scheme.name(),
                best.bytes,
                uniform.scheme.name(),
                uniform.bytes,
                search.measured().len()
            );
            let allowed = points / 100.0 * IMAGES as f64;
            let exact = search.measured()[0];
            for one in [best, uniform] {
                for (before, after) in [(exact.accuracy, one.accuracy), (exact.varied, one.varied)] {
                    assert_eq!((before.total, after.total), (IMAGES, IMAGES));
                    assert!(after.correct as f64 >= before.correct as f64 - allowed, "{name} {points}");
                }
            }
            assert!(best.bytes <= uniform.bytes, "{name} {points}: {} for {}", best.bytes, uniform.bytes);
            for uniform in uniform_schemes() {
                let known = search.measured().iter().any(|one| one.scheme == uniform);
                assert!(known, "{name}: {} was not looked at", uniform.name());
            }
            assert!(best.bytes <= before, "{name}: more loss needs no more bytes");
            before = best.bytes;
            smaller += usize::from(best.bytes < uniform.bytes);
        }
    }
    assert!(smaller >= 2, "mixed formats won {smaller} times only");
}

#[test]
fn what_is_found_can_be_rebuilt_from_its_name_with_the_same_bytes_and_answers() {
    let (data, split) = trained::digits();
    let (calibration, _) = data.gather(&split.train[..CALIBRATION]);
    let (pixels, labels) = data.gather(&split.train[..IMAGES]);
    let model = trained::network(&data, &split.train, &quantpad::train::Architecture::Mlp(vec![16]), 8);
    for activations in [ActivationMode::Float, ActivationMode::Dynamic, ActivationMode::Static(Observer::Percentile)] {
        let search = search(&model, &data, &split.train, activations, 1.0);
        for one in search.measured() {
            let scheme = Scheme::from_name(&one.scheme.name()).expect("its own name");
            assert_eq!(scheme, one.scheme);
            let quantized = QuantizedModel::quantize(&model, scheme, &calibration).expect("a known scheme");
            let accuracy = metrics::of_quantized(&quantized, &pixels, &labels, &mut Scratch::default());
            assert_eq!(accuracy, Ok(one.accuracy), "{}", scheme.name());
            assert_eq!(size::of_quantized(&quantized).parameters(), one.bytes, "{}", scheme.name());
        }
        let mut names: Vec<_> = search.measured().iter().map(|one| one.scheme.name()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), search.measured().len(), "nothing is measured twice");
    }
}

#[test]
fn a_search_without_images_or_with_those_of_another_size_is_refused() {
    let (data, split) = trained::digits();
    let model = trained::softmax(&data, &split.train);
    let refused = |data: &Dataset, rows: &[u32], activations| {
        let search = Search::new(model.clone(), activations, &[], data, rows, 1.0);
        matches!(search.err(), Some(Error::Shape { .. }))
    };
    let larger = Dataset::new(9, 8, 16, vec![1; 72], vec![3]).expect("one image");
    assert!(refused(&data, &[], ActivationMode::Float));
    assert!(refused(&larger, &[0], ActivationMode::Float));
    assert!(refused(&data, &split.train, ActivationMode::Static(Observer::MinMax)), "no calibration images");
    // A loss that is no number allows none.
    for points in [f64::NAN, -1.0] {
        let search = Search::new(model.clone(), ActivationMode::Float, &[], &data, &split.train[..50], points);
        let mut search = search.expect("a model and images of its size");
        while !search.step().expect("finite activations") {}
        assert!(search.best().is_some_and(|best| search.lost(&best) == 0), "{points}");
    }
}
