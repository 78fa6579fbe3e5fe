//! Augmentation: every strength does what it says and no more, and the same seed gives the same bits everywhere.

use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    data::{Augmentation, Augmenter, digits},
    random::Random,
};

const NONE: Augmentation = Augmentation::NONE;
const DEFAULT: Augmentation = Augmentation::DEFAULT;
const SIZES: [[usize; 2]; 7] = [[0, 0], [1, 1], [1, 7], [7, 1], [8, 8], [5, 11], [28, 28]];

/// One strength at a time.
fn each_alone() -> [(&'static str, Augmentation); 7] {
    [
        ("rotation", Augmentation { rotation: DEFAULT.rotation, ..NONE }),
        ("shear", Augmentation { shear: DEFAULT.shear, ..NONE }),
        ("scale", Augmentation { scale: DEFAULT.scale, ..NONE }),
        ("shift", Augmentation { shift: DEFAULT.shift, ..NONE }),
        ("thickness", Augmentation { thickness: 0.5 / 8.0, ..NONE }),
        ("elastic", Augmentation { elastic: DEFAULT.elastic, ..NONE }),
        ("noise", Augmentation { noise: DEFAULT.noise, ..NONE }),
    ]
}

fn augmented(image: &[f32], [width, height]: [usize; 2], strengths: Augmentation, random: &mut Random) -> Vec<f32> {
    let mut out = vec![-1.0; image.len()];
    let mut augmenter = Augmenter::new(width, height, 255, strengths).expect("accepted strengths");
    augmenter.apply(image, random, &mut out).expect("whole images");
    out
}

/// Any picture with values in `0..=255`.
fn picture([width, height]: [usize; 2], seed: u64) -> Vec<f32> {
    let mut random = common::Random::new(seed);
    (0..width * height).map(|_| random.byte().into()).collect()
}

/// A picture whose values tell where a pixel of the result comes from: column or row of the source, times 8.
fn ramp(side: usize, axis: usize) -> Vec<f32> {
    (0..side * side).map(|i| [i % side, i / side][axis] as f32 * 8.0).collect()
}

/// Where pixels of 28x28 results of `strengths` come from, relative to the middle of the source.
fn sources(strengths: Augmentation, seed: u64) -> impl Fn(usize, usize) -> [f64; 2] {
    let maps = [0, 1].map(|axis| augmented(&ramp(28, axis), [28, 28], strengths, &mut Random::new(seed)));
    move |x, y| [0, 1].map(|axis| f64::from(maps[axis][y * 28 + x]) / 8.0 - 13.5)
}

/// Middle of the spread, and its ends, of what `measure` finds for many seeds.
fn spread(measure: impl Fn(u64) -> f64) -> (f64, f64, f64) {
    let values: Vec<f64> = (0..600).map(measure).collect();
    let ends = values.iter().fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    (values.iter().sum::<f64>() / values.len() as f64, ends.0, ends.1)
}

/// Uniform in `-strength..strength`: never beyond, up to both ends, on average zero (five standard errors).
fn assert_uniform(what: &str, strength: f64, measure: impl Fn(u64) -> f64) {
    let (mean, low, high) = spread(measure);
    assert!(mean.abs() < 5.0 * strength / (3.0_f64 * 600.0).sqrt(), "{what}: mean {mean}");
    assert!(low > -1.001 * strength && low < -0.97 * strength, "{what}: down to {low}");
    assert!(high < 1.001 * strength && high > 0.97 * strength, "{what}: up to {high}");
}

/// A change of the augmentation may change these; a change of machine may not.
#[test]
fn the_same_seed_gives_the_same_bits_natively_and_in_every_browser() {
    let all = Augmentation { thickness: 0.5 / 8.0, ..DEFAULT };
    let of_digits = |strengths| {
        let data = digits::load();
        let mut augmenter = Augmenter::new(8, 8, digits::MAX_PIXEL, strengths).expect("accepted strengths");
        let (mut random, mut out) = (Random::new(42), vec![0.0; 64]);
        let mut bits = Vec::new();
        for row in 0..500 {
            let (image, _) = data.gather(&[row]);
            augmenter.apply(&image, &mut random, &mut out).expect("whole images");
            bits.extend(out.iter().map(|v| u64::from(v.to_bits())));
        }
        common::hash(bits)
    };
    let of_pictures = |size, strengths| {
        let mut random = Random::new(7);
        let images = (0..50).flat_map(|seed| augmented(&picture(size, seed), size, strengths, &mut random));
        common::hash(images.map(|v| u64::from(v.to_bits())))
    };
    let hashes = [
        of_digits(DEFAULT),
        of_digits(all),
        of_pictures([28, 28], all),
        of_pictures([5, 11], all),
        of_pictures([28, 28], Augmentation::LIMIT),
    ];
    assert_eq!(
        hashes.map(|hash| format!("{hash:016x}")),
        ["0855d327e08bdb37", "08d448bcf31d3cb0", "8023f15b702b50a0", "0f5bd75be57e2e33", "42d23e2df3aa7695"]
    );
}

#[test]
fn strength_0_is_the_identity_to_the_bit_and_draws_nothing() {
    for size in SIZES {
        // Not only whole numbers, and the ends of the range.
        let image: Vec<f32> = picture(size, 1).iter().map(|v| if *v < 250.0 { v / 3.0 } else { 255.0 }).collect();
        let mut random = Random::new(5);
        let out = augmented(&image, size, NONE, &mut random);
        assert!(out.iter().map(|v| v.to_bits()).eq(image.iter().map(|v| v.to_bits())), "{size:?}");
        assert_eq!(random, Random::new(5), "{size:?}");
    }
}

#[test]
fn each_strength_alone_changes_every_image_and_each_time_differently() {
    let image = picture([8, 8], 2);
    for (name, strengths) in each_alone() {
        let mut random = Random::new(6);
        let [first, second] = [(); 2].map(|()| augmented(&image, [8, 8], strengths, &mut random));
        assert!(first != image && second != image && first != second, "{name}");
    }
}

#[test]
fn a_shift_moves_the_centre_of_mass_up_to_its_strength_and_on_average_not_at_all() {
    for side in [8_usize, 28] {
        // Ink away from the edges, so that none is lost.
        let image: Vec<f32> = (0..side * side)
            .map(|i| if (i % side).abs_diff(side / 2) < 2 && (i / side).abs_diff(side / 2) < 2 { 200.0 } else { 0.0 })
            .collect();
        let centre = |image: &[f32], axis: usize| {
            let weighted = image.iter().enumerate().map(|(i, &v)| f64::from(v) * [i % side, i / side][axis] as f64);
            weighted.sum::<f64>() / image.iter().map(|&v| f64::from(v)).sum::<f64>()
        };
        let strengths = Augmentation { shift: DEFAULT.shift, ..NONE };
        for axis in [0, 1] {
            assert_uniform(&format!("axis {axis} of {side}x{side}"), side as f64 / 16.0, |seed| {
                let out = augmented(&image, [side; 2], strengths, &mut Random::new(seed));
                centre(&out, axis) - centre(&image, axis)
            });
        }
    }
}

#[test]
fn a_rotation_turns_about_the_centre_by_up_to_its_strength() {
    let strengths = Augmentation { rotation: DEFAULT.rotation, ..NONE };
    assert_uniform("degrees", 8.0, |seed| {
        let source = sources(strengths, seed);
        let ([x0, y0], [x1, y1]) = (source(6, 10), source(21, 17));
        assert!((x0 + x1).abs() < 1e-3 && (y0 + y1).abs() < 1e-3, "the centre moved");
        assert!((x1 * x1 + y1 * y1 - (7.5 * 7.5 + 3.5 * 3.5)).abs() < 1e-2, "the size changed");
        (3.5_f64.atan2(7.5) - y1.atan2(x1)).to_degrees()
    });
}

#[test]
fn a_shear_moves_rows_sideways_in_proportion_to_their_height() {
    let strengths = Augmentation { shear: DEFAULT.shear, ..NONE };
    assert_uniform("shear", 0.15, |seed| {
        let source = sources(strengths, seed);
        let ([x0, y0], [x1, y1]) = (source(13, 5), source(13, 22));
        assert!((y0 + 8.5).abs() < 1e-3 && (y1 - 8.5).abs() < 1e-3, "a row left its height");
        assert!((x0 + x1 + 1.0).abs() < 1e-3, "the centre moved");
        (x0 - x1) / 17.0
    });
}

#[test]
fn a_scale_stretches_width_and_height_separately() {
    let strengths = Augmentation { scale: DEFAULT.scale, ..NONE };
    for axis in [0, 1] {
        assert_uniform("scale", 0.1, |seed| {
            let source = sources(strengths, seed);
            let (before, after) = (source(4, 4), source(23, 23));
            assert!((before[axis] + after[axis]).abs() < 1e-3, "the centre moved");
            19.0 / (after[axis] - before[axis]) - 1.0
        });
    }
    let difference = |seed| {
        let [x, y] = sources(strengths, seed)(23, 23);
        (x - y).abs()
    };
    assert!(spread(difference).0 > 0.3);
}

#[test]
fn rotation_and_shear_together_keep_the_area_and_scale_changes_it_by_its_factors() {
    let area = |strengths, seed| {
        let source = sources(strengths, seed);
        let ([x0, y0], [x1, y1], [x2, y2]) = (source(10, 10), source(17, 10), source(10, 17));
        ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / 49.0
    };
    let turned = Augmentation { rotation: 8.0, shear: 0.3, ..NONE };
    let (mean, low, high) = spread(|seed| area(turned, seed));
    assert!((mean - 1.0).abs() < 1e-4 && low > 0.999 && high < 1.001, "{low} to {high}");
    let (_, low, high) = spread(|seed| area(Augmentation { scale: 0.1, ..turned }, seed));
    assert!((low - 1.0 / 1.21).abs() < 0.03 && (high - 1.0 / 0.81).abs() < 0.03, "{low} to {high}");
}

#[test]
fn elastic_displacement_is_smooth_and_nowhere_beyond_its_strength() {
    let strengths = Augmentation { elastic: DEFAULT.elastic, ..NONE };
    let strength = 28.0 / 16.0;
    for axis in [0, 1] {
        // Away from the edges, where a place outside the source would read no ink.
        let displacement = |source: &dyn Fn(usize, usize) -> [f64; 2], x: usize, y: usize| {
            source(x, y)[axis] - [x, y][axis] as f64 + 13.5
        };
        let [mut largest, mut bend, mut apart] = [0.0_f64; 3];
        for seed in 0..300 {
            let source = sources(strengths, seed);
            let at = |x: usize, y: usize| displacement(&source, x, y);
            for (x, y) in (4..24).flat_map(|x| (4..24).map(move |y| (x, y))) {
                let here = at(x, y);
                largest = largest.max(here.abs());
                bend = bend.max((at(x - 1, y) + at(x + 1, y) - 2.0 * here).abs());
                bend = bend.max((at(x, y - 1) + at(x, y + 1) - 2.0 * here).abs());
            }
            apart = apart.max((at(3, 3) - at(24, 24)).abs()).max((at(3, 24) - at(24, 3)).abs());
        }
        assert!(largest < strength && largest > 0.9 * strength, "axis {axis}: displaced by {largest}");
        // Smoothstep bends by at most 6 times the height over the square of the length, here 13.5 pixels from node to
        // node; straight lines between the nodes would bend by four times that at a node.
        assert!(bend < 6.0 * 2.0 * strength / (13.5 * 13.5), "axis {axis}: bent by {bend}");
        assert!(apart > strength, "axis {axis}: the corners move together, at most {apart} apart");
    }
}

#[test]
fn thickness_moves_both_edges_of_a_stroke_out_or_in() {
    for side in [8_usize, 28] {
        // A stroke of a quarter of the width, over the whole height.
        let width = side / 4;
        let image: Vec<f32> = (0..side * side)
            .map(|i| if (3 * width / 2..5 * width / 2).contains(&(i % side)) { 240.0 } else { 0.0 })
            .collect();
        let middle_row = side / 2 * side..(side / 2 + 1) * side;
        let ink = |image: &[f32]| image[middle_row.clone()].iter().map(|&v| f64::from(v)).sum::<f64>() / 240.0;
        assert_eq!(ink(&image), width as f64);
        let strengths = Augmentation { thickness: 0.5 / 8.0, ..NONE };
        assert_uniform(&format!("edges of {side}x{side}"), side as f64 / 16.0, |seed| {
            let out = augmented(&image, [side; 2], strengths, &mut Random::new(seed));
            (ink(&out) - width as f64) / 2.0
        });
    }
}

#[test]
fn noise_has_its_standard_deviation_and_no_pattern() {
    let image = vec![128.0; 28 * 28];
    let mut random = Random::new(9);
    let strengths = Augmentation { noise: 1.0 / 16.0, ..NONE };
    let noise: Vec<f64> = (0..50)
        .flat_map(|_| augmented(&image, [28, 28], strengths, &mut random))
        .map(|v| (f64::from(v) - 128.0) / 255.0 * 16.0)
        .collect();
    let average = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / noise.len() as f64;
    let mean = average(&mut noise.iter().copied());
    let variance = average(&mut noise.iter().map(|v| v * v));
    assert!(mean.abs() < 0.03, "mean {mean}");
    assert!((variance - 1.0).abs() < 0.03, "variance {variance}");
    assert!(noise.iter().all(|v| v.abs() < 3.5));
    for distance in [1, 2, 28] {
        let correlation = average(&mut noise.iter().zip(&noise[distance..]).map(|(a, b)| a * b));
        assert!(correlation.abs() < 0.03, "pixels {distance} apart: {correlation}");
    }
}

#[test]
fn outside_the_image_there_is_no_ink() {
    let image = vec![255.0; 64];
    let strengths = Augmentation { shift: 1.0, ..NONE };
    let mut random = Random::new(10);
    let empty = (0..100).map(|_| augmented(&image, [8, 8], strengths, &mut random));
    // A shift of up to the whole width either way leaves a quarter of the ink on average.
    let ink = empty.flatten().map(f64::from).sum::<f64>() / (6400.0 * 255.0);
    assert!((0.2..0.3).contains(&ink), "{ink}");
}

#[test]
fn whatever_the_strengths_and_the_image_every_pixel_stays_in_range() {
    let alone_at_limit = each_alone().map(|(name, strengths)| {
        let limit = |on: f32, most: f32| if on > 0.0 { most } else { 0.0 };
        let most = Augmentation::LIMIT;
        let strengths = Augmentation {
            rotation: limit(strengths.rotation, most.rotation),
            shear: limit(strengths.shear, most.shear),
            scale: limit(strengths.scale, most.scale),
            shift: limit(strengths.shift, most.shift),
            thickness: limit(strengths.thickness, most.thickness),
            elastic: limit(strengths.elastic, most.elastic),
            noise: limit(strengths.noise, most.noise),
        };
        (name, strengths)
    });
    for size in SIZES {
        for (name, strengths) in alone_at_limit.into_iter().chain([("all", Augmentation::LIMIT), ("none", NONE)]) {
            let mut random = Random::new(11);
            for seed in 0..50 {
                let mut image = picture(size, seed);
                // What no image should hold.
                for (pixel, value) in image.iter_mut().skip(seed as usize % 3).step_by(5).zip([
                    f32::NAN,
                    f32::INFINITY,
                    f32::NEG_INFINITY,
                    -1.0,
                    256.0,
                    f32::MAX,
                ]) {
                    *pixel = value;
                }
                let out = augmented(&image, size, strengths, &mut random);
                assert!(out.iter().all(|v| (0.0..=255.0).contains(v)), "{name} at {size:?}: {out:?}");
            }
        }
    }
}

#[test]
fn a_strength_that_makes_no_sense_is_refused_in_words() {
    for wrong in [-0.1, f32::NAN, f32::INFINITY, 181.0] {
        let refused = Augmenter::new(8, 8, 16, Augmentation { rotation: wrong, ..DEFAULT }).map(|_| ());
        assert_eq!(refused, Err(Error::Augmentation { what: "rotation" }), "{wrong}");
    }
    let refused = Augmenter::new(8, 8, 16, Augmentation { scale: 1.0, ..NONE }).map(|_| ()).expect_err("too strong");
    assert_eq!(
        refused.to_string(),
        "The augmentation's scale is too large, negative or not a number; take a smaller one."
    );
}

#[test]
fn images_of_another_size_are_refused() {
    let mut augmenter = Augmenter::new(8, 8, 16, DEFAULT).expect("accepted strengths");
    let mut apply =
        |image: usize, out: usize| augmenter.apply(&vec![0.0; image], &mut Random::new(1), &mut vec![0.0; out]);
    assert_eq!(apply(63, 64), Err(Error::Shape { what: "image", expected: 64, found: 63 }));
    assert_eq!(apply(64, 784), Err(Error::Shape { what: "augmented image", expected: 64, found: 784 }));
    assert_eq!(apply(64, 64), Ok(()));
}
