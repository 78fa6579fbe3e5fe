//! Drawings: an image of the right size whatever the size and place of the strokes, and real people's digits read.

mod common;
#[cfg(target_arch = "wasm32")]
use common::test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

use quantpad::{
    data::raster::{Form, Point, RENDERINGS, Rendering, rasterize, render, renderings},
    nn::mean_logits,
};

/// Every size that the tests draw in: the two that data sets have, and sizes that only follow their rule.
const FORMS: [Form; 5] = [
    Form::DIGITS,
    Form::MNIST,
    Form { width: 16, height: 16, max_pixel: 255 },
    Form { width: 12, height: 20, max_pixel: 1 },
    Form { width: 64, height: 64, max_pixel: 255 },
];

/// As the embedded digits.
fn digit(strokes: &[Vec<Point>]) -> Vec<f32> {
    rasterize(strokes, Form::DIGITS).expect("a drawing")
}

/// A seven with a bar, 0..1.
fn seven() -> Vec<Vec<Point>> {
    vec![vec![[0.1, 0.0], [0.9, 0.05], [0.45, 1.0]], vec![[0.3, 0.5], [0.8, 0.5]]]
}

fn moved(strokes: &[Vec<Point>], scale: f32, [dx, dy]: Point) -> Vec<Vec<Point>> {
    strokes.iter().map(|stroke| stroke.iter().map(|[x, y]| [x * scale + dx, y * scale + dy]).collect()).collect()
}

#[test]
fn an_empty_pad_has_no_image() {
    for form in FORMS {
        assert_eq!(rasterize(&[], form), None);
        assert_eq!(rasterize(&[vec![], vec![]], form), None);
        assert_eq!(rasterize(&[vec![[f32::NAN, 0.0], [1.0, f32::INFINITY]]], form), None);
    }
    assert_eq!(rasterize(&seven(), Form { width: 0, ..Form::MNIST }), None);
}

#[test]
fn pixels_count_ink_from_0_to_16_and_fill_the_height() {
    let image = digit(&seven());
    assert!(image.iter().all(|&p| (0.0..=16.0).contains(&p) && p.fract() == 0.0), "{image:?}");
    assert!(image[..8].iter().sum::<f32>() > 0.0 && image[56..].iter().sum::<f32>() > 0.0, "ink in first and last row");
}

#[test]
fn a_slanted_stroke_is_made_upright() {
    for slant in [-0.5, -0.2, 0.0, 0.2, 0.5] {
        let image = digit(&[vec![[0.5 + slant, 0.0], [0.5 - slant, 1.0]]]);
        let left = |row: usize| image[row * 8..row * 8 + 8].iter().position(|&p| p > 0.0);
        assert_eq!(left(1), left(6), "slant {slant}: {image:?}");
    }
}

#[test]
fn thin_and_thick_drawings_get_about_the_same_ink() {
    // One stroke, and the same wound round itself until it fills its box.
    let wound: Vec<Point> = (0..60).map(|i| [if i % 2 == 0 { 0.1 } else { 0.9 }, i as f32 / 60.0]).collect();
    let ink = |strokes: &[Vec<Point>]| digit(strokes).iter().sum::<f32>();
    let (thin, thick) = (ink(&[vec![[0.5, 0.0], [0.5, 1.0]]]), ink(&[wound]));
    assert!(thin > 150.0 && thick < 560.0, "{thin} and {thick} pixels of ink");
}

/// Within one level: of 16 for the embedded digits, of 255 for MNIST.
#[test]
fn size_and_place_on_the_pad_do_not_matter() {
    let mut random = common::Random::new(3);
    for form in FORMS {
        for drawing in 0..20 {
            let mut share = || (random.float() + 1.0) / 2.0;
            let strokes = if drawing == 0 { seven() } else { scrawl(&mut share) };
            let image = rasterize(&strokes, form).expect("a drawing");
            let mut places = vec![(400.0, [-3.0, 1000.0])];
            places.extend(
                [0.25, 0.25, 0.9, 0.9].map(|scale| (scale, [(1.0 - scale) * share(), (1.0 - scale) * share()])),
            );
            for (scale, place) in places {
                let other = rasterize(&moved(&strokes, scale, place), form).expect("a drawing");
                let apart = image.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(apart <= 1.0, "{form:?}, drawing {drawing}, {scale} at {place:?}: {apart} levels apart");
            }
        }
    }
}

/// Two curved strokes within 0..1.
fn scrawl(share: &mut impl FnMut() -> f32) -> Vec<Vec<Point>> {
    let mut curve = || {
        let handles = [[share(), share()], [share(), share()], [share(), share()]];
        let at = |t: f32, axis: usize| {
            let [a, b, c] = handles.map(|handle| handle[axis]);
            (1.0 - t) * (1.0 - t) * a + 2.0 * t * (1.0 - t) * b + t * t * c
        };
        (0..=20).map(|i| [at(i as f32 / 20.0, 0), at(i as f32 / 20.0, 1)]).collect()
    };
    vec![curve(), curve()]
}

#[test]
fn mnist_images_are_grey_lie_within_20_pixels_and_have_their_weight_in_the_middle() {
    let mut random = common::Random::new(4);
    for drawing in 0..20 {
        let mut share = || (random.float() + 1.0) / 2.0;
        let strokes = if drawing == 0 { seven() } else { scrawl(&mut share) };
        let image = rasterize(&strokes, Form::MNIST).expect("a drawing");
        assert!(image.iter().all(|p| (0.0..=255.0).contains(p) && p.fract() == 0.0), "{image:?}");
        assert!(image.iter().any(|&p| p > 0.0 && p < 255.0), "soft edges");
        assert!(image.iter().fold(0.0, |a: f32, &b| a.max(b)) >= 250.0, "full ink in the middle of a stroke");
        let total: f32 = image.iter().sum();
        for place in [|i: usize| i % 28, |i: usize| i / 28] {
            let inked = |at: &usize| image.iter().enumerate().any(|(i, &p)| place(i) == *at && p > 0.0);
            let (first, last) = ((0..28).find(inked).expect("ink"), (0..28).rfind(inked).expect("ink"));
            // Half a pixel of softness, and the box need not begin at a pixel's edge.
            assert!(last - first < 22, "from {first} to {last}");
            let weighed: f32 = image.iter().enumerate().map(|(i, p)| (place(i) as f32 + 0.5) * p).sum();
            assert!((weighed / total - 14.0).abs() < 0.3, "centre of mass at {}", weighed / total);
        }
    }
}

#[test]
fn proportions_are_kept_where_mnist_keeps_them() {
    let line = rasterize(&[vec![[0.5, 0.1], [0.5, 0.9]]], Form::MNIST).expect("a line");
    let columns = (0..28).filter(|column| (0..28).any(|row| line[row * 28 + column] > 0.0)).count();
    assert!((2..=4).contains(&columns), "an upright line is {columns} pixels wide");
}

#[test]
fn a_thicker_pen_leaves_more_ink_and_shear_slants() {
    for form in [Form::MNIST, FORMS[2], FORMS[4]] {
        let ink = |pen| -> f32 {
            render(&seven(), form, Rendering { pen, ..Rendering::STANDARD }).expect("a drawing").iter().sum()
        };
        assert!(ink(0.75) < 0.9 * ink(1.0) && ink(1.0) < 0.9 * ink(1.25), "{form:?}");
    }
    let line = [vec![[0.5, 0.0], [0.5, 1.0]]];
    let slanted = render(&line, Form::MNIST, Rendering { shear: 0.5, ..Rendering::STANDARD }).expect("a line");
    let left = |row: usize| slanted[row * 28..][..28].iter().position(|&p| p > 0.0).expect("ink");
    assert!(left(6) > left(21) + 4, "{slanted:?}");
}

#[test]
fn a_tap_is_a_dot_in_the_middle_and_a_line_stays_thin() {
    let dot = digit(&[vec![[0.3, 0.3]]]);
    let ink = |image: &[f32]| image.iter().sum::<f32>();
    assert!((30.0..80.0).contains(&ink(&dot)), "{dot:?}");
    assert!([27, 28, 35, 36].iter().all(|&i| dot[i] > 0.0), "{dot:?}");
    let trembling = digit(&[vec![[0.3, 0.3], [0.31, 0.305], [0.305, 0.31]]]);
    assert_eq!(trembling, dot, "a tap that slides by a few pixels");
    for line in [vec![[0.5, 0.1], [0.5, 0.9]], vec![[0.1, 0.5], [0.9, 0.5]]] {
        let image = digit(&[line]);
        assert!(ink(&image) < 0.6 * 1024.0, "{image:?}");
    }
}

#[test]
fn several_writings_of_a_drawing_begin_with_the_one_shown_and_differ() {
    for form in [Form::DIGITS, Form::MNIST] {
        let images = renderings(&seven(), form).expect("a drawing");
        let images: Vec<_> = images.chunks_exact(form.width * form.height).collect();
        assert_eq!(images.len(), RENDERINGS.len());
        assert_eq!(images[0], rasterize(&seven(), form).expect("a drawing"));
        assert!(images[1..].iter().all(|image| *image != images[0]), "{form:?}");
        assert_eq!(renderings(&[], form), None);
    }
    let logits: Vec<f32> = (0..20).map(|i| i as f32).collect();
    assert_eq!(mean_logits(&logits), [5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0]);
    assert_eq!(mean_logits(&[]), [0.0; 10]);
}

/// The same drawing gives the same bits natively and in every browser.
#[test]
fn a_drawing_has_the_same_image_everywhere() {
    let hashes = [Form::DIGITS, Form::MNIST].map(|form| {
        let mut random = common::Random::new(8);
        let mut pixels = Vec::new();
        for _ in 0..50 {
            let mut stroke = || (0..9).map(|_| [random.float(), random.float()]).collect();
            pixels.extend(rasterize(&[stroke(), stroke()], form).expect("a drawing"));
        }
        format!("{:016x}", common::hash(pixels.iter().map(|p| p.to_bits().into())))
    });
    assert_eq!(hashes, ["f10553eae3508f68", "33d698ed3fdd0ba7"]);
}

/// Floors below what was measured; what is reached is printed. The networks are trained for a part of their epochs only.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn real_peoples_digits_are_read() {
    use quantpad::{
        data::{Dataset, Split, digits},
        nn::{Model, Scratch, argmax},
        quant::{QuantizedModel, Scheme},
        train::{Architecture, Settings, SoftmaxSettings, SoftmaxTrainer, Trainer},
    };

    fn network(data: &Dataset, rows: &[u32], architecture: &Architecture, epochs: usize) -> Model {
        let settings = Settings { epochs, ..architecture.settings(rows.len(), 0) };
        let mut trainer = Trainer::new(data, rows, architecture, settings).expect("valid settings");
        while !trainer.step().expect("a finite loss").is_some_and(|epoch| epoch.done) {}
        trainer.model().expect("finite weights")
    }

    let Some(drawings) = common::drawings::real_digits() else { return };
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    let mut trainer = SoftmaxTrainer::new(&data, &split.train, SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    let models = [
        ("softmax", trainer.model().expect("finite coefficients"), [0.91, 0.92]),
        ("mlp", network(&data, &split.train, &Architecture::Mlp(vec![32]), 100), [0.935, 0.94]),
        ("cnn", network(&data, &split.train, &Architecture::Cnn(vec![8, 16]), 15), [0.95, 0.955]),
    ];
    let calibration = data.gather(&split.train[..256]).0;
    let images = drawings.iter().flat_map(|drawing| renderings(&drawing.strokes, Form::DIGITS).expect("a drawing"));
    let images: Vec<f32> = images.collect();
    for (name, model, [once_floor, mean_floor]) in models {
        let quantized =
            QuantizedModel::quantize(&model, Scheme::INT8_STATIC_PER_CHANNEL, &calibration).expect("small layers");
        let (mut scratch, mut again) = (Scratch::default(), Scratch::default());
        let fp32 = model.forward(&images, &mut scratch).expect("whole images");
        let int8 = quantized.forward(&images, &mut again).expect("whole images");
        let (mut once, mut mean, mut same) = (0, 0, 0);
        for ((drawing, fp32), int8) in drawings.iter().zip(fp32.chunks_exact(40)).zip(int8.chunks_exact(40)) {
            let label = usize::from(drawing.label);
            once += u32::from(argmax(&fp32[..10]) == label);
            mean += u32::from(argmax(&mean_logits(fp32)) == label);
            same += u32::from(argmax(&int8[..10]) == argmax(&fp32[..10]));
        }
        let [once, mean, same] = [once, mean, same].map(|count| f64::from(count) / drawings.len() as f64);
        println!("{name}: read once {once:.4}, in four writings {mean:.4}; int8 says the same {same:.4}");
        assert!(once > once_floor && mean > mean_floor && mean > once && same > 0.99, "{name}");
    }
}

/// The defaults show a large data set in fewer epochs, and a small one no more often.
#[test]
fn default_settings_follow_the_number_of_rows() {
    let cnn = quantpad::train::Architecture::Cnn(vec![8, 16]);
    let epochs = [0, 100, 1437, 60_000, 1_000_000].map(|rows| cnn.settings(rows, 1).epochs);
    assert_eq!(epochs, [120, 120, 120, 3, 3]);
}

/// The file of answers that the page must give to the first hundred drawings too (`www/e2e/replay.test.mjs`): a line of two
/// digits for each, fp32 and int8.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_hundred_drawings_are_answered_as_the_page_must_answer_them() {
    use quantpad::{
        data::{Split, digits},
        nn::{Scratch, argmax},
        quant::{QuantizedModel, Scheme},
        train::{SoftmaxSettings, SoftmaxTrainer},
    };

    let Some(drawings) = common::drawings::real_digits() else { return };
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    let mut trainer = SoftmaxTrainer::new(&data, &split.train, SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    let model = trainer.model().expect("finite coefficients");
    let quantized = QuantizedModel::quantize(&model, Scheme::INT8_DYNAMIC_PER_TENSOR, &[]).expect("a small layer");
    let mut scratch = Scratch::default();
    let mut answers = String::new();
    for drawing in &drawings[..100] {
        let images = renderings(&drawing.strokes, Form::DIGITS).expect("a drawing");
        let fp32 = argmax(&mean_logits(model.forward(&images, &mut scratch).expect("whole images")));
        let int8 = argmax(&mean_logits(quantized.forward(&images, &mut scratch).expect("whole images")));
        answers += &format!("{fp32} {int8}\n");
    }
    assert_eq!(answers, include_str!("hundred-answers.txt"));
}
