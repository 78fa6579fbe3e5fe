//! Drawings as programs have them: lists of points.

use js_sys::Float32Array;
use wasm_bindgen::prelude::*;

use crate::data::raster::{self, Form, Point};

/// Strokes of x and y in turn, as from [`Pad::stroke_points`](super::Pad).
pub fn points(strokes: &[Float32Array]) -> Vec<Vec<Point>> {
    strokes.iter().map(|points| points.to_vec().as_chunks::<2>().0.to_vec()).collect()
}

/// All writings of a drawing as a [`Predictor`](super::Predictor) takes them, for models of images of that size and range of
/// pixels: what the pad makes of the same strokes. Nothing when nothing is drawn.
#[wasm_bindgen]
pub fn renderings(strokes: Vec<Float32Array>, width: usize, height: usize, max_pixel: u8) -> Option<Vec<f32>> {
    raster::renderings(&points(&strokes), Form { width, height, max_pixel })
}
