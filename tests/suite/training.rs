//! The trainer: its minimiser finds minima, its fit is scikit-learn's optimum, and its bits are the same everywhere.

use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    data::{Augmentation, Augmenter, Dataset, Split, digits},
    eval::metrics,
    nn::Scratch,
    random::Random,
    train::{Newton, Objective, SoftmaxSettings, SoftmaxTrainer, Step, Stop},
};

struct Quadratic(Vec<f64>);

impl Objective for Quadratic {
    /// ½ Σ a_i (x_i − i)²
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let mut value = 0.0;
        for (i, (x, a)) in x.iter().zip(&self.0).enumerate() {
            let d = x - i as f64;
            gradient[i] = a * d;
            value += 0.5 * a * d * d;
        }
        value
    }

    fn curvature(&mut self, v: &[f64], product: &mut [f64]) {
        product.iter_mut().zip(v).zip(&self.0).for_each(|((product, v), a)| *product = a * v);
    }
}

/// With the point evaluated last.
struct Rosenbrock([f64; 2]);

impl Objective for Rosenbrock {
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.0 = [x[0], x[1]];
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        gradient[0] = -2.0 * a - 400.0 * x[0] * b;
        gradient[1] = 200.0 * b;
        a * a + 100.0 * b * b
    }

    fn curvature(&mut self, v: &[f64], product: &mut [f64]) {
        let [x, y] = self.0;
        product[0] = (2.0 - 400.0 * (y - 3.0 * x * x)) * v[0] - 400.0 * x * v[1];
        product[1] = -400.0 * x * v[0] + 200.0 * v[1];
    }
}

fn minimise(start: Vec<f64>, objective: &mut impl Objective) -> (Newton, usize) {
    let mut newton = Newton::new(start, objective);
    let mut iterations = 0;
    while newton.gradient_norm() > 1e-9 && iterations < 500 && newton.step(objective, 1e-9) == Step::Moved {
        iterations += 1;
    }
    (newton, iterations)
}

#[test]
fn newton_finds_the_minimum_of_a_badly_scaled_quadratic() {
    let mut objective = Quadratic((0..50).map(|i| 1.5_f64.powi(i / 3)).collect());
    let (newton, iterations) = minimise(vec![0.0; 50], &mut objective);
    assert!(iterations < 15, "{iterations}");
    for (i, x) in newton.x().iter().enumerate() {
        assert!((x - i as f64).abs() < 1e-6, "x[{i}] = {x}");
    }
}

#[test]
fn newton_finds_the_end_of_rosenbrocks_valley() {
    let (newton, iterations) = minimise(vec![-1.2, 1.0], &mut Rosenbrock([0.0; 2]));
    assert!(iterations < 500, "{iterations}");
    assert!(newton.x().iter().all(|x| (x - 1.0).abs() < 1e-6), "{:?}", newton.x());
}

fn fit(seed: u32, settings: SoftmaxSettings) -> (SoftmaxTrainer, Split) {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, seed);
    let mut trainer = SoftmaxTrainer::new(&data, &split.train, settings).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    (trainer, split)
}

#[test]
fn softmax_gets_350_of_360_on_the_default_split() {
    let (trainer, split) = fit(Split::DEFAULT_SEED, SoftmaxSettings::default());
    let (pixels, labels) = digits::load().gather(&split.test);
    let model = trainer.model().expect("finite coefficients");
    let accuracy = metrics::accuracy(model.forward(&pixels, &mut Scratch::default()).expect("whole images"), &labels);
    assert_eq!((accuracy.correct, accuracy.total), (350, 360));
    assert_eq!((trainer.progress().train_correct, trainer.progress().train_total), (1435, 1437));
}

/// One constant for native, Chromium, Firefox and WebKit, scalar and SIMD: the promise that a run can be repeated
/// anywhere. A change of the trainer may change it; a change of machine may not.
#[test]
fn training_gives_the_same_bits_natively_and_in_every_browser() {
    let hash_of = |seed, c| {
        let (trainer, _) = fit(seed, SoftmaxSettings { c, ..SoftmaxSettings::default() });
        let (coefficients, intercepts) = trainer.coefficients();
        common::hash(coefficients.iter().chain(&intercepts).map(|v| v.to_bits()))
    };
    let hashes = [hash_of(Split::DEFAULT_SEED, 1.0), hash_of(7, 0.1)];
    assert_eq!(hashes.map(|h| format!("{h:016x}")), ["6024d20062b685b0", "3171cc709f3a0b2d"]);
}

#[test]
fn a_strong_penalty_shrinks_the_coefficients() {
    let norm = |c| {
        let (trainer, _) = fit(Split::DEFAULT_SEED, SoftmaxSettings { c, ..SoftmaxSettings::default() });
        trainer.coefficients().0.iter().map(|w| w * w).sum::<f64>()
    };
    assert!(norm(0.001) < 0.1 * norm(1.0));
}

#[test]
fn a_strength_that_makes_no_sense_is_refused_in_words() {
    let data = digits::load();
    for c in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        let refused = SoftmaxTrainer::new(&data, &[0, 1, 2], SoftmaxSettings { c, ..SoftmaxSettings::default() });
        assert!(matches!(refused.map(|_| ()), Err(Error::Regularization)), "C = {c}");
    }
    let limits = format!("from {} to {}.", SoftmaxSettings::MIN_C, SoftmaxSettings::MAX_C);
    assert!(Error::Regularization.to_string().ends_with(&limits));
}

#[test]
fn the_loss_falls_in_every_iteration_and_the_fit_ends() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, 3);
    let mut trainer = SoftmaxTrainer::new(&data, &split.train, SoftmaxSettings::default()).expect("valid settings");
    let mut last = trainer.progress();
    while !last.done {
        let next = trainer.step().expect("a finite loss");
        assert!(next.loss <= last.loss + 1e-12, "iteration {}: {} after {}", next.iteration, next.loss, last.loss);
        assert_eq!(next.iteration, last.iteration + 1);
        last = next;
    }
    assert!(last.gradient_norm < 1e-6, "{last:?}");
    assert_eq!(trainer.step().expect("a finite loss"), last, "a finished fit stays as it is");
}

#[test]
fn the_coarse_criterion_is_scikit_learns_and_answers_like_the_optimum() {
    let largest = |trainer: &SoftmaxTrainer| trainer.progress().gradient_norm / 1437.0;
    let (coarse, split) = fit(Split::DEFAULT_SEED, SoftmaxSettings { stop: Stop::SCIKIT_LEARN, ..Default::default() });
    let (fine, _) = fit(Split::DEFAULT_SEED, SoftmaxSettings::default());
    // The largest of 650 components is at most the norm, and at least a 26th of it.
    assert!((1e-9..26.0 * 1e-4).contains(&largest(&coarse)), "{}", largest(&coarse));
    assert!(coarse.progress().iteration < fine.progress().iteration);
    let (pixels, labels) = digits::load().gather(&split.test);
    let correct = |trainer: &SoftmaxTrainer| {
        let model = trainer.model().expect("finite coefficients");
        metrics::accuracy(model.forward(&pixels, &mut Scratch::default()).expect("whole images"), &labels).correct
    };
    assert_eq!(correct(&coarse), correct(&fine));
}

#[test]
fn every_strength_comes_to_an_end_at_its_optimum() {
    let data = digits::load();
    let rows: Vec<u32> = (0..300).collect();
    for c in [SoftmaxSettings::MIN_C, 0.01, 1.0, 100.0, SoftmaxSettings::MAX_C] {
        let settings = SoftmaxSettings { c, ..SoftmaxSettings::default() };
        let mut trainer = SoftmaxTrainer::new(&data, &rows, settings).expect("valid settings");
        while !trainer.step().expect("a finite loss").done {}
        assert!(trainer.progress().gradient_norm < 1e-6, "C = {c}: {:?}", trainer.progress());
        assert!(trainer.coefficients().1.iter().sum::<f64>().abs() < 1e-9, "C = {c}: the intercepts' sum");
    }
}

/// Images of an odd number of pixels, an odd number of rows, pixels that never change, a class that never comes.
#[test]
fn odd_sizes_constant_pixels_and_missing_classes_are_fitted() {
    let (rows, side) = (131, 3);
    let pixels = (0..rows * side * side).map(|i| if i % 9 == 4 { 7 } else { (i * i % 61 % 17) as u8 }).collect();
    let labels = (0..rows).map(|r| (r * r % 7) as u8).collect();
    let data = Dataset::new(side, side, 16, pixels, labels).expect("a data set");
    let train: Vec<u32> = (0..rows as u32).collect();
    let mut trainer = SoftmaxTrainer::new(&data, &train, SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    assert!(trainer.progress().gradient_norm < 1e-6, "{:?}", trainer.progress());
    let (coefficients, _) = trainer.coefficients();
    assert!(coefficients.chunks(9).all(|class| class[4] == 0.0), "a pixel that says nothing has a weight");
}

/// Data too large for all blocks to be kept, and images too large for the preconditioner.
#[test]
fn large_images_are_fitted_block_by_block() {
    let (rows, side) = (7000, 17);
    let mut random = common::Random::new(11);
    let labels: Vec<u8> = (0..rows).map(|r| (r % 3) as u8).collect();
    let pixels = labels.iter().flat_map(|&label| (0..side * side).map(move |k| (k, label)).collect::<Vec<_>>());
    let pixels = pixels.map(|(k, label)| random.byte() / 2 + if k % 3 == usize::from(label) { 9 } else { 0 }).collect();
    let data = Dataset::new(side, side, 255, pixels, labels).expect("a data set");
    let train: Vec<u32> = (0..rows as u32).collect();
    let settings = SoftmaxSettings { c: 0.001, stop: Stop::SCIKIT_LEARN };
    let mut trainer = SoftmaxTrainer::new(&data, &train, settings).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    let progress = trainer.progress();
    assert!(progress.iteration < 15 && progress.train_correct > 6000, "{progress:?}");
}

/// All are fitted on together: the loss of the start, ln 10 for each row, stays what it is against the penalty.
#[test]
fn variations_share_the_weight_of_their_row_and_there_are_fewer_of_many_rows() {
    let data = digits::load();
    let settings = SoftmaxSettings::default();
    for (rows, expected) in [(1, 5), (1437, 5), (1_797, 5)] {
        let rows: Vec<u32> = (0..rows).collect();
        let bare = SoftmaxTrainer::new(&data, &rows, settings).expect("valid settings");
        let varied = SoftmaxTrainer::augmented(&data, &rows, settings, 1).expect("valid settings");
        assert_eq!(varied.progress().train_total, expected * rows.len());
        assert!((varied.objective() / bare.objective() - 1.0).abs() < 1e-9);
    }
    for (rows, expected) in [(2_500, 4), (4_000, 2), (9_000, 2)] {
        let data = Dataset::new(1, 1, 1, vec![1; rows], vec![3; rows]).expect("a data set");
        let rows: Vec<u32> = (0..rows as u32).collect();
        let varied = SoftmaxTrainer::augmented(&data, &rows, settings, 1).expect("valid settings");
        assert_eq!(varied.progress().train_total, expected * rows.len());
    }
    let refused = SoftmaxTrainer::augmented(&data, &[0], SoftmaxSettings { c: 0.0, ..settings }, 1);
    assert!(matches!(refused.map(|_| ()), Err(Error::Regularization)));
}

#[test]
fn who_learns_from_variations_reads_varied_digits_better() {
    let data = digits::load();
    let rows: Vec<u32> = (0..300).collect();
    let settings = SoftmaxSettings { stop: Stop::SCIKIT_LEARN, ..SoftmaxSettings::default() };
    let (pixels, labels) = data.gather(&(1000..1700).collect::<Vec<_>>());
    let (mut augmenter, mut random) =
        (Augmenter::new(8, 8, 16, Augmentation::DEFAULT).expect("strengths"), Random::new(5));
    let mut varied = vec![0.0; pixels.len()];
    for (image, out) in pixels.chunks_exact(64).zip(varied.chunks_exact_mut(64)) {
        augmenter.apply(image, &mut random, out).expect("an image");
    }
    let fitted = |mut trainer: SoftmaxTrainer| {
        while !trainer.step().expect("a finite loss").done {}
        let model = trainer.model().expect("finite coefficients");
        let right =
            metrics::accuracy(model.forward(&varied, &mut Scratch::default()).expect("images"), &labels).correct;
        (right, common::parameters(&model))
    };
    let augmented = |seed| fitted(SoftmaxTrainer::augmented(&data, &rows, settings, seed).expect("valid settings"));
    let (bare, _) = fitted(SoftmaxTrainer::new(&data, &rows, settings).expect("valid settings"));
    let (right, weights) = augmented(1);
    println!("{bare} to {right} of {} varied digits", labels.len());
    assert!(right > bare + 14, "{bare} to {right}");
    assert_eq!(augmented(1).1, weights, "the same seed");
    assert_ne!(augmented(2).1, weights, "another seed");
}
