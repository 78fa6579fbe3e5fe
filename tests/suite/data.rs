//! The data: the embedded digits are the published ones, and splits and scaling are scikit-learn's.

#[cfg(not(target_arch = "wasm32"))]
use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    data::{Dataset, Drawing, Split, Standardizer, digits},
};

#[test]
fn there_are_1797_images_of_every_digit() {
    let data = digits::load();
    assert_eq!((data.len(), data.width(), data.height()), (1797, 8, 8));
    let rows = 0..data.len();
    let counts: Vec<usize> = (0..10).map(|digit| rows.clone().filter(|&r| data.label(r) == digit).count()).collect();
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert!(rows.flat_map(|r| data.image(r)).all(|&pixel| pixel <= digits::MAX_PIXEL));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn the_embedded_digits_are_the_published_file() {
    let Some(text) = common::shared::file("data/digits.csv.gz") else { return };
    let data = digits::load();
    let mut rows = 0;
    for (row, line) in String::from_utf8(text).expect("text").lines().enumerate() {
        let values: Vec<u8> = line.split(',').map(|v| v.parse().expect("a number")).collect();
        assert_eq!((data.image(row), data.label(row)), (&values[..64], values[64]), "row {row}");
        rows += 1;
    }
    assert_eq!(rows, data.len());
}

#[test]
fn packing_the_digits_gives_the_embedded_file() {
    let data = digits::load();
    let rows = 0..data.len();
    let pixels: Vec<u8> = rows.clone().flat_map(|r| data.image(r)).copied().collect();
    let labels: Vec<u8> = rows.map(|r| data.label(r)).collect();
    assert!(digits::pack(&pixels, &labels) == include_bytes!("../../src/data/digits.bin"));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn the_default_split_is_scikit_learns_seed_42() {
    let Some(bytes) = common::shared::file("data/digits_split_seed42.json") else { return };
    let published: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    let rows = |name: &str| published[name].as_array().expect(name).iter().map(|v| v.as_u64().expect("a row") as u32);
    let split = Split::seeded(1797, Split::DEFAULT_SEED);
    assert!(split.train.iter().copied().eq(rows("train")), "training rows");
    assert!(split.test.iter().copied().eq(rows("test")), "test rows");
}

/// The lists that `train_test_split(arange(n), test_size=0.2, random_state=seed)` of scikit-learn 1.9.1 begins with.
#[test]
fn other_seeds_and_sizes_are_split_the_same_way_everywhere() {
    let first = |n, seed| Split::seeded(n, seed).test[..4].to_vec();
    assert_eq!(first(1797, 42), [1245, 220, 1518, 438]);
    assert_eq!(Split::seeded(10, 0), Split { test: vec![2, 8], train: vec![4, 9, 1, 6, 7, 3, 0, 5] });
    assert_eq!(first(70_000, 42), [46730, 48393, 41416, 34506], "more rows than 16 bits count");
    assert_ne!(first(1797, 0), first(1797, u32::MAX));
}

#[test]
fn a_split_has_every_row_once() {
    for n in [0, 1, 2, 5, 359, 1797, 70_000] {
        for seed in [0, 1, 42, u32::MAX] {
            let Split { train, test } = Split::seeded(n, seed);
            assert_eq!(test.len(), n.div_ceil(5) as usize, "{n} rows, seed {seed}");
            let mut all = [train, test].concat();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..n), "{n} rows, seed {seed}");
        }
    }
}

#[test]
fn standardized_rows_have_mean_0_and_variance_1_and_constant_pixels_stay() {
    let data = Dataset::new(3, 1, 16, vec![1, 7, 4, 3, 7, 4, 8, 7, 6], vec![0, 1, 2]).expect("three images");
    let rows = [0, 1, 2];
    let standardizer = Standardizer::fit(&data, &rows);
    assert_eq!(standardizer.std[1], 1.0, "a pixel that does not vary keeps its scale");
    let scaled = standardizer.transform(&data, &rows);
    for pixel in [0, 2] {
        let column: Vec<f64> = scaled.iter().skip(pixel).step_by(3).copied().collect();
        assert!(column.iter().sum::<f64>().abs() < 1e-12);
        assert!((column.iter().map(|v| v * v).sum::<f64>() / 3.0 - 1.0).abs() < 1e-12);
    }
    assert!(scaled.iter().skip(1).step_by(3).all(|&v| v == 0.0));
}

#[test]
fn pixels_that_do_not_fill_the_images_are_refused() {
    assert!(Dataset::new(8, 8, 16, vec![0; 100], vec![1, 2]).is_err());
}

#[test]
fn a_data_set_holds_only_digits_and_pixels_up_to_full_ink() {
    let new = |pixel, label| Dataset::new(2, 1, 16, vec![0, 1, 2, pixel], vec![9, label]).map(|data| data.max_pixel());
    assert_eq!(new(16, 9), Ok(16));
    assert_eq!(new(17, 9), Err(Error::Pixel { row: 1, pixel: 17, max: 16 }));
    assert_eq!(new(16, 10), Err(Error::Label { row: 1, label: 10 }));
    assert_eq!(Dataset::new(0, 8, 16, vec![], vec![]), Err(Error::ImageSize { width: 0, height: 8 }));
}

#[test]
fn undo_and_redo_give_back_strokes_and_clearings() {
    let mut drawing = Drawing::default();
    assert!(!drawing.can_undo() && !drawing.can_redo());
    let stroke = |drawing: &mut Drawing, x: f32| {
        drawing.begin([x, 0.0]);
        drawing.extend([x, 0.5]);
        drawing.extend([x, 0.5]);
        drawing.end();
    };
    stroke(&mut drawing, 0.1);
    stroke(&mut drawing, 0.2);
    let two = drawing.strokes().to_vec();
    assert_eq!(two, [vec![[0.1, 0.0], [0.1, 0.5]], vec![[0.2, 0.0], [0.2, 0.5]]], "a pen at rest adds no point");
    drawing.clear();
    assert!(drawing.strokes().is_empty());
    drawing.undo();
    assert_eq!(drawing.strokes(), two);
    drawing.undo();
    drawing.undo();
    assert!(drawing.strokes().is_empty() && !drawing.can_undo());
    drawing.undo();
    for _ in 0..2 {
        drawing.redo();
    }
    assert_eq!(drawing.strokes(), two);
    drawing.redo();
    assert!(drawing.strokes().is_empty() && !drawing.can_redo());
    drawing.undo();
    stroke(&mut drawing, 0.3);
    assert!(!drawing.can_redo(), "a new stroke ends what could be redone");
    drawing.extend([0.9, 0.9]);
    assert_eq!(drawing.strokes().len(), 3);
    assert_eq!(drawing.strokes()[2].len(), 2, "a pen that is up draws nothing");
}

#[test]
fn a_file_that_is_not_the_digits_is_refused() {
    assert!(matches!(digits::unpack(&digits::PACKED[1..]), Err(Error::Shape { .. })));
    assert!(digits::unpack(&vec![0xA5; digits::PACKED.len()]).is_err());
}
