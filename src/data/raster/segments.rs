//! The straight pieces of a drawing, and their geometry.

use super::Point;

/// A straight piece of a stroke; both ends are the same for a tap.
pub(super) type Segment = [[f64; 2]; 2];

/// Correction of the slant, as a share of the slope that the strokes' covariance shows.
const UPRIGHT: f64 = 0.4;

/// Of all strokes, in the order drawn.
pub(super) fn of(strokes: &[Vec<Point>]) -> Vec<Segment> {
    let wide = |p: &Point| p.map(f64::from);
    let mut segments = Vec::new();
    for stroke in strokes {
        match stroke.as_slice() {
            [] => {}
            [point] => segments.push([wide(point), wide(point)]),
            points => segments.extend(points.windows(2).map(|pair| [wide(&pair[0]), wide(&pair[1])])),
        }
    }
    segments
}

/// Takes a part of the slant out.
pub(super) fn upright(segments: &mut [Segment]) {
    let (mut total, mut mean) = (0.0, [0.0; 2]);
    for segment in &*segments {
        let length = length(segment);
        total += length;
        (0..2).for_each(|axis| mean[axis] += length * (segment[0][axis] + segment[1][axis]) / 2.0);
    }
    if total == 0.0 {
        return;
    }
    mean = mean.map(|sum| sum / total);
    let (mut covariance, mut variance) = (0.0, 0.0);
    for segment in &*segments {
        let length = length(segment);
        let [x, y] = [0, 1].map(|axis| (segment[0][axis] + segment[1][axis]) / 2.0 - mean[axis]);
        covariance += length * x * y;
        variance += length * y * y;
    }
    if variance > 0.0 {
        let slant = (UPRIGHT * covariance / variance).clamp(-1.0, 1.0);
        for point in segments.iter_mut().flatten() {
            point[0] -= slant * (point[1] - mean[1]);
        }
    }
}

/// Moves each point to the left by `amount` for each step downwards.
pub(super) fn shear(segments: &mut [Segment], amount: f64) {
    if amount != 0.0 {
        segments.iter_mut().flatten().for_each(|point| point[0] -= amount * point[1]);
    }
}

fn length([a, b]: &Segment) -> f64 {
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    (dx * dx + dy * dy).sqrt()
}

/// The smallest upright rectangle around all points.
pub(super) struct Bounds {
    pub(super) min: [f64; 2],
    pub(super) max: [f64; 2],
}

impl Bounds {
    /// Of all strokes, in the order drawn.
    pub(super) fn of(segments: &[Segment]) -> Option<Self> {
        let first = segments.first()?[0];
        let mut bounds = Self { min: first, max: first };
        for point in segments.iter().flatten() {
            for (axis, &value) in point.iter().enumerate() {
                bounds.min[axis] = bounds.min[axis].min(value);
                bounds.max[axis] = bounds.max[axis].max(value);
            }
        }
        Some(bounds)
    }

    /// The longer side.
    pub(super) fn extent(&self) -> f64 {
        (self.max[0] - self.min[0]).max(self.max[1] - self.min[1])
    }

    pub(super) fn middle(&self) -> [f64; 2] {
        [0, 1].map(|axis| (self.min[axis] + self.max[axis]) / 2.0)
    }
}

/// Of a point from a segment.
pub(super) fn distance_squared(p: [f64; 2], [a, b]: &Segment) -> f64 {
    let (along, to) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let squared = along[0] * along[0] + along[1] * along[1];
    let t = if squared > 0.0 { ((to[0] * along[0] + to[1] * along[1]) / squared).clamp(0.0, 1.0) } else { 0.0 };
    let [dx, dy] = [to[0] - t * along[0], to[1] - t * along[1]];
    dx * dx + dy * dy
}
