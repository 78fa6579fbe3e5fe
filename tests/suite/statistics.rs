//! Intervals and tests: equal to those of SciPy 1.17.1 and statsmodels 0.15.0.

#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::eval::{
    answers::Answers,
    metrics::Accuracy,
    statistics::{mcnemar, wilson},
};

/// Right, of all, and the ends by `statsmodels.stats.proportion.proportion_confint(method="wilson")`.
const INTERVALS: [(usize, usize, [f64; 2]); 10] = [
    (350, 360, [0.949_629_928_808_934_6, 0.984_843_017_462_854_7]),
    (349, 360, [0.946_121_859_858_035_2, 0.982_854_186_729_804_2]),
    (242, 360, [0.622_137_303_702_799_7, 0.718_670_476_702_206_9]),
    (180, 360, [0.448_623_797_121_883_6, 0.551_376_202_878_116_4]),
    (0, 360, [0.0, 0.010_558_056_888_693_513]),
    (360, 360, [0.989_441_943_111_306_3, 1.0]),
    (1, 1, [0.206_549_314_377_237_4, 1.0]),
    (0, 1, [0.0, 0.793_450_685_622_762_7]),
    (5, 10, [0.236_593_090_512_563_94, 0.763_406_909_487_436_1]),
    (9857, 10_000, [0.983_179_517_246_181_6, 0.987_847_466_736_543_2]),
];

/// Right by one model only, right by the other only, and the p-value as an exact fraction of whole numbers, to which
/// `scipy.stats.binomtest` agrees within 1e-14 of it.
const TESTS: [(usize, usize, f64); 15] = [
    (0, 0, 1.0),
    (1, 0, 1.0),
    (0, 1, 1.0),
    (1, 1, 1.0),
    (17, 18, 1.0),
    (3, 0, 0.25),
    (2, 5, 0.453_125),
    (8, 1, 0.039_062_5),
    (12, 30, 0.007_915_897_334_896_727),
    (0, 104, 9.860_761_315_262_648e-32),
    (104, 0, 9.860_761_315_262_648e-32),
    (200, 250, 0.020_791_800_247_607_69),
    // Beyond what 2^-n and the binomial coefficients of n are as f64.
    (1200, 1300, 0.047_681_865_221_043_604),
    (4000, 4400, 1.335_397_821_357_042_8e-5),
    (5000, 5000, 1.0),
];

#[test]
fn the_interval_of_an_accuracy_is_wilsons() {
    for (correct, total, expected) in INTERVALS {
        let found = wilson(Accuracy { correct, total });
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-14, "{correct} of {total}: {found}, not {expected}");
        }
    }
    assert_eq!(wilson(Accuracy { correct: 0, total: 0 }), [0.0, 1.0]);
}

#[test]
fn the_interval_holds_the_accuracy_and_stays_in_range() {
    for total in 1..200 {
        for correct in 0..=total {
            let [low, high] = wilson(Accuracy { correct, total });
            let accuracy = correct as f64 / total as f64;
            assert!(0.0 <= low && low <= accuracy && accuracy <= high && high <= 1.0, "{correct} of {total}");
        }
    }
}

#[test]
fn the_p_value_is_the_exact_one_of_mcnemars_test() {
    for (a, b, expected) in TESTS {
        for found in [mcnemar(a, b), mcnemar(b, a)] {
            assert!((found - expected).abs() <= 1e-12 * expected, "{a} and {b}: {found}, not {expected}");
        }
    }
    assert_eq!(mcnemar(0, 1100), 0.0, "too small for a number");
}

#[test]
fn the_images_that_one_model_alone_has_right_are_counted_apart() {
    let answers =
        Answers { labels: vec![1, 2, 3, 4, 5, 6], fp32: vec![1, 2, 3, 0, 0, 9], quantized: vec![1, 0, 0, 4, 0, 8] };
    assert_eq!(answers.right_alone(), [2, 1]);
    assert_eq!(answers.agreed(), 2);
    assert_eq!(answers.correct().map(|accuracy| accuracy.correct), [3, 2]);
}
