//! Drawings: an image of the right size whatever the size and place of the strokes, and real people's digits read.

mod common;
#[cfg(target_arch = "wasm32")]
use common::test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

use quantpad::data::raster::{Image, Point, rasterize};

/// A seven with a bar, 0..1.
fn seven() -> Vec<Vec<Point>> {
    vec![vec![[0.1, 0.0], [0.9, 0.05], [0.45, 1.0]], vec![[0.3, 0.5], [0.8, 0.5]]]
}

fn moved(strokes: &[Vec<Point>], scale: f32, [dx, dy]: Point) -> Vec<Vec<Point>> {
    strokes.iter().map(|stroke| stroke.iter().map(|[x, y]| [x * scale + dx, y * scale + dy]).collect()).collect()
}

#[test]
fn an_empty_pad_has_no_image() {
    assert_eq!(rasterize(&[]), None);
    assert_eq!(rasterize(&[vec![], vec![]]), None);
    assert_eq!(rasterize(&[vec![[f32::NAN, 0.0], [1.0, f32::INFINITY]]]), None);
}

#[test]
fn pixels_count_ink_from_0_to_16_and_fill_the_height() {
    let image = rasterize(&seven()).expect("a drawing");
    assert!(image.iter().all(|&p| (0.0..=16.0).contains(&p) && p.fract() == 0.0), "{image:?}");
    assert!(image[..8].iter().sum::<f32>() > 0.0 && image[56..].iter().sum::<f32>() > 0.0, "ink in first and last row");
}

#[test]
fn a_slanted_stroke_is_made_upright() {
    for slant in [-0.5, -0.2, 0.0, 0.2, 0.5] {
        let image = rasterize(&[vec![[0.5 + slant, 0.0], [0.5 - slant, 1.0]]]).expect("a line");
        let left = |row: usize| image[row * 8..row * 8 + 8].iter().position(|&p| p > 0.0);
        assert_eq!(left(1), left(6), "slant {slant}: {image:?}");
    }
}

#[test]
fn thin_and_thick_drawings_get_about_the_same_ink() {
    // One stroke, and the same wound round itself until it fills its box.
    let wound: Vec<Point> = (0..60).map(|i| [if i % 2 == 0 { 0.1 } else { 0.9 }, i as f32 / 60.0]).collect();
    let ink = |strokes: &[Vec<Point>]| rasterize(strokes).expect("a drawing").iter().sum::<f32>();
    let (thin, thick) = (ink(&[vec![[0.5, 0.0], [0.5, 1.0]]]), ink(&[wound]));
    assert!(thin > 150.0 && thick < 560.0, "{thin} and {thick} pixels of ink");
}

#[test]
fn size_and_place_on_the_pad_do_not_matter() {
    let image = rasterize(&seven()).expect("a drawing");
    for (scale, place) in [(0.25, [0.0, 0.0]), (0.25, [0.7, 0.1]), (0.9, [0.05, 0.1]), (400.0, [-3.0, 1000.0])] {
        let other = rasterize(&moved(&seven(), scale, place)).expect("a drawing");
        let apart = image.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart <= 1.0, "{scale} at {place:?}: {apart} levels apart");
    }
}

#[test]
fn a_tap_is_a_dot_in_the_middle_and_a_line_stays_thin() {
    let dot = rasterize(&[vec![[0.3, 0.3]]]).expect("a dot");
    let ink = |image: &Image| image.iter().sum::<f32>();
    assert!((30.0..80.0).contains(&ink(&dot)), "{dot:?}");
    assert!([27, 28, 35, 36].iter().all(|&i| dot[i] > 0.0), "{dot:?}");
    let trembling = rasterize(&[vec![[0.3, 0.3], [0.31, 0.305], [0.305, 0.31]]]).expect("a dot");
    assert_eq!(trembling, dot, "a tap that slides by a few pixels");
    for line in [vec![[0.5, 0.1], [0.5, 0.9]], vec![[0.1, 0.5], [0.9, 0.5]]] {
        let image = rasterize(&[line]).expect("a line");
        assert!(ink(&image) < 0.6 * 1024.0, "{image:?}");
    }
}

/// The same drawing gives the same bits natively and in every browser.
#[test]
fn a_drawing_has_the_same_image_everywhere() {
    let mut random = common::Random::new(8);
    let mut pixels = Vec::new();
    for _ in 0..50 {
        let mut stroke = || (0..9).map(|_| [random.float(), random.float()]).collect();
        pixels.extend(rasterize(&[stroke(), stroke()]).expect("a drawing"));
    }
    assert_eq!(format!("{:016x}", common::hash(pixels.iter().map(|p| p.to_bits().into()))), "4dc6f5fd222560f2");
}

/// A floor below what was measured (90.7 % for both models); what is reached is printed.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn real_peoples_digits_are_read() {
    use quantpad::{
        data::{Split, digits},
        eval::metrics,
        nn::Scratch,
        quant::{QuantizedModel, Scheme},
        train::{SoftmaxSettings, SoftmaxTrainer},
    };

    let Some(lines) = common::shared::file("strokes/pendigits-dev.jsonl.gz") else { return };
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in String::from_utf8(lines).expect("text").lines() {
        let drawing: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let point = |p: &serde_json::Value| [0, 1].map(|axis| p[axis].as_f64().expect("a number") as f32);
        let stroke = |s: &serde_json::Value| s.as_array().expect("points").iter().map(point).collect();
        let strokes: Vec<Vec<Point>> = drawing["strokes"].as_array().expect("strokes").iter().map(stroke).collect();
        pixels.extend(rasterize(&strokes).expect("a drawing"));
        labels.push(drawing["label"].as_u64().expect("a digit") as u8);
    }
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, Split::DEFAULT_SEED);
    let mut trainer = SoftmaxTrainer::new(&data, &split.train, SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    let model = trainer.model().expect("finite coefficients");
    let quantized = QuantizedModel::quantize(&model, Scheme::INT8_DYNAMIC_PER_TENSOR, &[]).expect("a small layer");
    let mut scratch = Scratch::default();
    let fp32 = metrics::accuracy(model.forward(&pixels, &mut scratch).expect("whole images"), &labels);
    let int8 = metrics::accuracy(quantized.forward(&pixels, &mut scratch).expect("whole images"), &labels);
    let share = |a: metrics::Accuracy| a.correct as f64 / a.total as f64;
    println!("{} drawings read: fp32 {:.2} %, int8 {:.2} %", labels.len(), 100.0 * share(fp32), 100.0 * share(int8));
    assert!(share(fp32) > 0.9 && share(int8) > 0.9);
}
