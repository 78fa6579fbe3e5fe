//! Augmentation: every time a model is shown a digit, it sees another writing of it.
//!
//! One pass over the image, backwards: each pixel of the result asks where in the source it comes from, and is read
//! there between four pixels (bilinear; outside the image there is no ink). With c the centre of the image,
//!
//! `source = c + (rotation · shear · scale)⁻¹ (target − shift − c) + elastic(target)`
//!
//! `elastic` is a 3x3 grid of random displacements over the image, blended by smoothstep weights: a node's displacement
//! is reached exactly, none is exceeded, and the slope has no jumps. Stroke thickness is changed before, by blending
//! with the largest or smallest of a pixel and its four neighbours (soft dilation and erosion), noise is added after.
//!
//! A model that trains on 8x8 images wants 170,000 of these in five seconds beside its own work, so nothing is
//! allocated for an image, what depends on the size only is computed once, and a strength of 0 draws no random number.
//! Only `+ - * /`, comparisons, and `libm` for the angle: the same seed gives the same bits natively and in every
//! browser. Held by `tests/suite/augment.rs`.

use crate::{Error, Result, random::Random};

/// How strongly images are changed: each strength is the most that is done either way, drawn uniformly (noise:
/// normally). Lengths are shares of the image's width, so that a record means the same for images of any size.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Augmentation {
    /// Rotation about the centre, in degrees.
    pub rotation: f32,
    /// Sideways shift for each step downwards.
    pub shear: f32,
    /// Relative change of the size, drawn for width and height separately.
    pub scale: f32,
    /// Shift along each axis, as a share of the width.
    pub shift: f32,
    /// How far the edges of the strokes move outwards or inwards, as a share of the width.
    pub thickness: f32,
    /// Displacement of each node of the elastic grid along each axis, as a share of the width.
    pub elastic: f32,
    /// Standard deviation of the noise on each pixel, as a share of the largest pixel value; at most 3.5 times that.
    pub noise: f32,
}

impl Augmentation {
    /// Images stay as they are, to the bit.
    pub const NONE: Self =
        Self { rotation: 0.0, shear: 0.0, scale: 0.0, shift: 0.0, thickness: 0.0, elastic: 0.0, noise: 0.0 };

    /// For digits: half a pixel of shift and of elastic displacement at 8x8 (1.75 at 28x28), one level of noise of 16.
    /// Thickness stays as it is, because the rasteriser already gives every drawing a standard amount of ink.
    pub const DEFAULT: Self = Self {
        rotation: 8.0,
        shear: 0.15,
        scale: 0.1,
        shift: 0.5 / 8.0,
        thickness: 0.0,
        elastic: 0.5 / 8.0,
        noise: 1.0 / 16.0,
    };

    /// The largest strengths that are accepted; digits are long lost before.
    pub const LIMIT: Self =
        Self { rotation: 180.0, shear: 2.0, scale: 0.9, shift: 1.0, thickness: 0.25, elastic: 1.0, noise: 1.0 };

    /// All strengths times `share`.
    pub fn times(self, share: f32) -> Self {
        Self {
            rotation: self.rotation * share,
            shear: self.shear * share,
            scale: self.scale * share,
            shift: self.shift * share,
            thickness: self.thickness * share,
            elastic: self.elastic * share,
            noise: self.noise * share,
        }
    }

    /// Refuses what is negative, not a number, or beyond [`Self::LIMIT`].
    fn check(&self) -> Result<()> {
        for ((what, strength), (_, max)) in self.named().into_iter().zip(Self::LIMIT.named()) {
            if !(0.0..=max).contains(&strength) {
                return Err(Error::Augmentation { what });
            }
        }
        Ok(())
    }

    fn named(&self) -> [(&'static str, f32); 7] {
        [
            ("rotation", self.rotation),
            ("shear", self.shear),
            ("scale", self.scale),
            ("shift", self.shift),
            ("thickness", self.thickness),
            ("elastic displacement", self.elastic),
            ("noise", self.noise),
        ]
    }
}

/// Augments images of one size.
#[derive(Debug, Clone)]
pub struct Augmenter {
    width: usize,
    height: usize,
    max_pixel: f32,
    strengths: Augmentation,
    /// Weights of the grid's three columns at each column of the image, and of its three rows at each row.
    column_weights: [Vec<f32>; 3],
    row_weights: Vec<[f32; 3]>,
    /// The source with a border of no ink: one row and column before it, two after it.
    padded: Vec<f32>,
    /// The other buffer while strokes are thickened or thinned.
    spare: Vec<f32>,
    /// Where each pixel of a row comes from: the upper left of four pixels of `padded`, and how far to the right and
    /// down of it, 0..1.
    corner: Vec<u32>,
    right: Vec<f32>,
    down: Vec<f32>,
}

/// Pixels of border: one before the image and two after it, so that whatever is outside is read there.
const BORDER: usize = 3;

impl Augmenter {
    /// For images of `width` x `height` pixels with values of `0..=max_pixel`.
    ///
    /// # Errors
    /// [`Error::Augmentation`] when a strength is negative, not a number, or beyond [`Augmentation::LIMIT`].
    pub fn new(width: usize, height: usize, max_pixel: u8, strengths: Augmentation) -> Result<Self> {
        strengths.check()?;
        let weights = |length| (0..length).map(move |i| grid_weights(i, length));
        let padded = vec![0.0; (width + BORDER) * (height + BORDER)];
        Ok(Self {
            width,
            height,
            max_pixel: max_pixel.into(),
            strengths,
            column_weights: [0, 1, 2].map(|node| weights(width).map(|w| w[node]).collect()),
            row_weights: weights(height).collect(),
            spare: padded.clone(),
            padded,
            corner: vec![0; width],
            right: vec![0.0; width],
            down: vec![0.0; width],
        })
    }

    /// Writes a variation of `image` to `out`: both shape `[height, width]`, row-major, values in `0..=max_pixel`
    /// (what is beyond, or not a number, is clamped).
    ///
    /// # Errors
    /// [`Error::Shape`] when a slice is not one whole image.
    pub fn apply(&mut self, image: &[f32], random: &mut Random, out: &mut [f32]) -> Result<()> {
        let expected = self.width * self.height;
        for (what, found) in [("image", image.len()), ("augmented image", out.len())] {
            if found != expected {
                return Err(Error::Shape { what, expected, found });
            }
        }
        if expected == 0 {
            return Ok(());
        }
        self.load(image);
        self.change_thickness(random);
        let map = Map::draw(&self.strengths, self.width as f32, random);
        for (y, out) in out.chunks_exact_mut(self.width).enumerate() {
            self.locate(y, &map);
            self.sample(out);
        }
        self.add_noise(random, out);
        out.iter_mut().for_each(|pixel| *pixel = clamp(*pixel, self.max_pixel));
        Ok(())
    }

    fn load(&mut self, image: &[f32]) {
        let stride = self.width + BORDER;
        let rows = self.padded.chunks_exact_mut(stride).skip(1);
        for (row, pixels) in rows.zip(image.chunks_exact(self.width)) {
            row[1..=self.width].copy_from_slice(pixels);
        }
    }

    /// Moves the edges of the strokes by some pixels: whole ones, then a share of one.
    fn change_thickness(&mut self, random: &mut Random) {
        if self.strengths.thickness == 0.0 {
            return;
        }
        let amount = random.symmetric() * self.strengths.thickness * self.width as f32;
        let mut left = amount.abs();
        while left > 0.0 {
            let share = if left < 1.0 { left } else { 1.0 };
            if amount > 0.0 {
                self.blend_with_neighbours(share, |a, b| if a > b { a } else { b });
            } else {
                self.blend_with_neighbours(share, |a, b| if a < b { a } else { b });
            }
            left -= 1.0;
        }
    }

    /// Moves every pixel by `share` towards what `extreme` chooses from it and its four neighbours.
    fn blend_with_neighbours(&mut self, share: f32, extreme: impl Fn(f32, f32) -> f32) {
        let (width, stride) = (self.width, self.width + BORDER);
        for y in 1..=self.height {
            let row = |y: usize, x: usize| &self.padded[y * stride + x..][..width];
            let (here, up, down, left, right) = (row(y, 1), row(y - 1, 1), row(y + 1, 1), row(y, 0), row(y, 2));
            let out = &mut self.spare[y * stride + 1..][..width];
            for x in 0..width {
                let pixel = here[x];
                let chosen = extreme(extreme(extreme(left[x], right[x]), extreme(up[x], down[x])), pixel);
                out[x] = pixel + share * (chosen - pixel);
            }
        }
        core::mem::swap(&mut self.padded, &mut self.spare);
    }

    /// Finds where row `y` of the result comes from.
    fn locate(&mut self, y: usize, map: &Map) {
        let (n, stride) = (self.width, (self.width + BORDER) as i32);
        let size = [self.width as f32, self.height as f32];
        let middle = size.map(|length| (length - 1.0) / 2.0);
        let [from_middle_x, from_middle_y] = [0, 1].map(|axis| -middle[axis] - map.shift[axis]);
        let dy = y as f32 + from_middle_y;
        // The source of a pixel in the middle column; one more than in the image, because `padded` begins with border.
        let start = [0, 1].map(|axis| middle[axis] + 1.0 + map.matrix[axis][1] * dy);
        let nodes = map.grid.map(|columns| columns.map(|rows| dot(rows, self.row_weights[y])));

        // Slices of one known length: then the loop is compiled to four pixels at once, conversions to integers included,
        // which one by one took most of the time.
        let [first, second, third] = &self.column_weights;
        let (first, second, third) = (&first[..n], &second[..n], &third[..n]);
        let (corner, right, down) = (&mut self.corner[..n], &mut self.right[..n], &mut self.down[..n]);
        for x in 0..n {
            let dx = x as i32 as f32 + from_middle_x;
            let weights = [first[x], second[x], third[x]];
            let [x_source, y_source] = [0, 1].map(|axis| {
                clamp(start[axis] + map.matrix[axis][0] * dx + dot(nodes[axis], weights), size[axis] + 1.0)
            });
            let (column, row) = (x_source as i32, y_source as i32);
            right[x] = x_source - column as f32;
            down[x] = y_source - row as f32;
            corner[x] = (row * stride + column) as u32;
        }
    }

    /// Reads the source at the places found, each between four pixels.
    fn sample(&self, out: &mut [f32]) {
        let (upper, lower) = (&self.padded[..], &self.padded[self.width + BORDER..]);
        for (((out, &corner), &right), &down) in out.iter_mut().zip(&self.corner).zip(&self.right).zip(&self.down) {
            let corner = corner as usize;
            let between = |row: &[f32]| row[corner] + right * (row[corner + 1] - row[corner]);
            let (above, below) = (between(upper), between(lower));
            *out = above + down * (below - above);
        }
    }

    fn add_noise(&self, random: &mut Random, out: &mut [f32]) {
        let noise = self.strengths.noise * self.max_pixel;
        if noise == 0.0 {
            return;
        }
        for pixels in out.chunks_mut(2) {
            for (pixel, normal) in pixels.iter_mut().zip(nearly_normal(random)) {
                *pixel += noise * normal;
            }
        }
    }
}

/// Where the pixels of one image come from: `middle + matrix · (target − middle − shift) + grid`, lengths in pixels.
struct Map {
    matrix: [[f32; 2]; 2],
    shift: [f32; 2],
    /// Displacements of the elastic grid's nodes: `[axis][column][row]`.
    grid: [[[f32; 3]; 3]; 2],
}

impl Map {
    fn draw(strengths: &Augmentation, width: f32, random: &mut Random) -> Self {
        let mut draw = |strength: f32| if strength == 0.0 { 0.0 } else { strength * random.symmetric() };
        let (sin, cos) = libm::sincosf(draw(strengths.rotation).to_radians());
        let shear = draw(strengths.shear);
        let [narrower, lower] = [(); 2].map(|()| 1.0 / (1.0 + draw(strengths.scale)));
        Self {
            matrix: [[(cos + shear * sin) * narrower, (sin - shear * cos) * narrower], [-sin * lower, cos * lower]],
            shift: [(); 2].map(|()| draw(strengths.shift * width)),
            grid: [(); 2].map(|()| [(); 3].map(|()| [(); 3].map(|()| draw(strengths.elastic * width)))),
        }
    }
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Weights of the three nodes (first, middle and last pixel) at pixel `i` of `length`: smoothstep between neighbours.
fn grid_weights(i: usize, length: usize) -> [f32; 3] {
    // From -1 to 1, and the middle when there is only one pixel.
    let place = if length > 1 { (2 * i) as f32 / (length - 1) as f32 - 1.0 } else { 0.0 };
    let distance = place.abs();
    let outer = distance * distance * (3.0 - 2.0 * distance);
    if place < 0.0 { [outer, 1.0 - outer, 0.0] } else { [0.0, 1.0 - outer, outer] }
}

/// `value` in `0..=max`, 0 when it is not a number. Bare comparisons, which run on four pixels at once.
#[inline]
fn clamp(value: f32, max: f32) -> f32 {
    let value = if value > 0.0 { value } else { 0.0 };
    if value < max { value } else { max }
}

/// Two numbers of mean 0 and variance 1, nearly normal: each the sum of four random numbers of four bits, for a small
/// part of what logarithm and cosine cost.
#[inline]
fn nearly_normal(random: &mut Random) -> [f32; 2] {
    const MEAN: f32 = 4.0 * 15.0 / 2.0;
    /// 1 / √(4 · (16² − 1) / 12), the variance of a number of four bits being (16² − 1) / 12.
    const SCALE: f32 = 0.108_465_23;
    let bits = random.bits();
    let pairs = (bits & 0x0f0f_0f0f) + (bits >> 4 & 0x0f0f_0f0f);
    let sums = (pairs & 0x00ff_00ff) + (pairs >> 8 & 0x00ff_00ff);
    [sums & 0xffff, sums >> 16].map(|sum| (sum as f32 - MEAN) * SCALE)
}
