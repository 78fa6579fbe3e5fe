//! Drawings: real people's digits, and what is no digit.

use core::f32::consts::TAU;

use quantpad::{data::raster::Point, random::Random};

/// A digit that somebody wrote.
pub struct Drawing {
    pub label: u8,
    /// Number of the writer, in the order met.
    pub writer: usize,
    pub strokes: Vec<Vec<Point>>,
}

/// The 3,248 digits of the development set, by 13 people.
#[cfg(not(target_arch = "wasm32"))]
pub fn real_digits() -> Option<Vec<Drawing>> {
    let lines = String::from_utf8(super::shared::file("strokes/pendigits-dev.jsonl.gz")?).expect("text");
    let mut writers = Vec::new();
    let drawings = lines.lines().map(|line| {
        let drawing: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let name = drawing["writer"].to_string();
        let writer = writers.iter().position(|other| *other == name).unwrap_or_else(|| {
            writers.push(name);
            writers.len() - 1
        });
        let point = |p: &serde_json::Value| [0, 1].map(|axis| p[axis].as_f64().expect("a number") as f32);
        let stroke = |s: &serde_json::Value| s.as_array().expect("points").iter().map(point).collect();
        Drawing {
            label: drawing["label"].as_u64().expect("a digit") as u8,
            writer,
            strokes: drawing["strokes"].as_array().expect("strokes").iter().map(stroke).collect(),
        }
    });
    Some(drawings.collect())
}

/// A drawing's strokes.
pub type Strokes = Vec<Vec<Point>>;

/// Letters and signs that look like no digit: x,y in tenths, strokes apart by `;`.
const LETTERS: [&str; 20] = [
    "0,10 5,0 10,10;2,6 8,6",
    "10,0 0,0 0,10 10,10;0,5 8,5",
    "10,0 0,0 0,10;0,5 8,5",
    "0,0 0,10;10,0 10,10;0,5 10,5",
    "0,0 0,10;10,0 0,5 10,10",
    "0,10 0,0 5,6 10,0 10,10",
    "0,10 0,0 10,10 10,0",
    "0,10 0,0 7,0 9,2 9,4 7,5 0,5",
    "0,10 0,0 7,0 9,2 9,4 7,5 0,5 9,10",
    "0,0 10,0;5,0 5,10",
    "0,0 5,10 10,0",
    "0,0 3,10 5,4 7,10 10,0",
    "0,0 10,10;10,0 0,10",
    "0,0 5,5 10,0;5,5 5,10",
    "0,0 0,7 3,10 7,10 10,7 10,0",
    "0,10 0,0 3,0 5,3 5,10;5,3 7,0 10,3 10,10",
    "5,0 8,10 0,4 10,4 2,10 5,0",
    "5,0 10,10 0,10 5,0",
    "0,5 10,5",
    "0,3 10,3;0,7 10,7",
];

/// Letters, each written 20 times, never twice alike.
pub fn letters() -> Vec<Strokes> {
    let mut random = Random::new(99);
    let mut drawings = Vec::new();
    for path in LETTERS.iter().flat_map(|path| [path; 20]) {
        let (shear, width, turn) =
            (0.2 * random.symmetric(), 0.75 + 0.25 * random.symmetric(), 0.12 * random.symmetric());
        let mut point = |point: &str| {
            let (x, y) = point.split_once(',').expect("x,y");
            let [x, y] = [x, y].map(|v| v.parse::<f32>().expect("a number") + 0.5 * random.symmetric());
            let x = x * width - shear * y;
            [(x - turn * y) / 10.0, (y + turn * x) / 10.0]
        };
        drawings.push(path.split(';').map(|stroke| stroke.split(' ').map(&mut point).collect()).collect());
    }
    drawings
}

/// Lines that mean nothing: wandering, to and fro, polygons, separate lines, spirals, dots.
pub fn scribbles() -> Vec<Strokes> {
    let mut random = Random::new(98);
    (0..1200).map(|i| scribble(i % 6, &mut random)).collect()
}

fn scribble(kind: usize, random: &mut Random) -> Strokes {
    let count = random.below(12) as usize;
    let mut anywhere = |_: usize| [random.uniform(), random.uniform()];
    match kind {
        0 => {
            let (mut at, mut speed) = ([0.0_f32; 2], [0.0_f32; 2]);
            let mut walk = |_| {
                for axis in 0..2 {
                    speed[axis] = 0.9 * speed[axis] + 0.02 * random.normal();
                    at[axis] += speed[axis] - 0.05 * at[axis];
                }
                at
            };
            vec![(0..80).map(&mut walk).collect()]
        }
        1 => {
            let width = 0.5 + 0.5 * random.uniform();
            let mut turn = |i: usize| {
                let x = if i.is_multiple_of(2) { 0.0 } else { width };
                [x + 0.1 * random.normal(), i as f32 / (6 + count) as f32 + 0.03 * random.normal()]
            };
            vec![(0..6 + count).map(&mut turn).collect()]
        }
        2 => vec![(0..5 + count).map(anywhere).collect()],
        3 => (0..3 + count / 3).map(|_| (0..2).map(&mut anywhere).collect()).collect(),
        4 => {
            let (turns, start) = (2.0 + 3.0 * random.uniform(), TAU * random.uniform());
            let spiral = |i: usize| {
                let share = i as f32 / 100.0;
                let (sin, cos) = libm::sincosf(TAU * turns * share + start);
                [0.5 + 0.5 * share * cos, 0.5 + 0.5 * share * sin]
            };
            vec![(0..100).map(spiral).collect()]
        }
        _ => vec![vec![anywhere(0)]],
    }
}
