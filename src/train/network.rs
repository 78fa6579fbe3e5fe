//! A network in training: its parameters, the values of each layer, and the gradient by backpropagation.
//!
//! Everything is a product of the f32 kernels with separate rounding, in one fixed order: the gradient has the same bits
//! in every build and browser. With X the input of a layer `[rows, inputs]`, W its weights `[outputs, inputs]` and D the
//! gradient at its output, the weights' gradient is Dᵀ X and the input's D W. For a 3x3 convolution X are the
//! neighbourhoods of all pixels, and D W is the convolution of D with the filters turned by half.

use super::{codebook::Ties, qat::Fake};
use crate::{
    Error, Result,
    data::CLASSES,
    kernels::{self, PackedF32, Patches, Rounding, Rows, at_least},
    nn::{Input, Layer, MaxPool2d, Model, softmax},
    quant::{InputRange, NumberFormat, Scheme},
};

/// The parameters of a layer, or their gradient.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters {
    /// Weights in the order of [`Dense::weight`](crate::nn::Dense::weight) and
    /// [`Conv2d::weight`](crate::nn::Conv2d::weight).
    pub weight: Vec<f32>,
    /// Bias, one for each output.
    pub bias: Vec<f32>,
}

impl Parameters {
    fn zeros(like: &Self) -> Self {
        Self { weight: vec![0.0; like.weight.len()], bias: vec![0.0; like.bias.len()] }
    }
}

enum Kind {
    Dense,
    Conv { shape: [usize; 3], forward: Patches, backward: Patches },
    Pool(MaxPool2d),
}

/// A layer with all that training keeps of it.
struct Node {
    kind: Kind,
    inputs: usize,
    outputs: usize,
    relu: bool,
    parameters: Parameters,
    gradient: Parameters,
    packed: PackedF32,
    /// What it gave for the last batch, `[rows, outputs]`.
    values: Vec<f32>,
    /// Its rounding, when it poses as quantized.
    fake: Option<Fake>,
    /// Which of its weights are one.
    ties: Option<Ties>,
}

/// A network in training.
pub struct Network {
    nodes: Vec<Node>,
    /// Gradient at the current layer's output and at its input.
    delta: Vec<f32>,
    next: Vec<f32>,
    transposed: Vec<f32>,
    columns: Vec<f32>,
    packed: PackedF32,
    border: Vec<f32>,
}

impl Network {
    /// With the parameters of `model`.
    pub fn new(model: &Model) -> Self {
        let node = |layer: &Layer| {
            let (inputs, outputs) = layer.sizes();
            let (kind, relu, weight, bias) = match layer {
                Layer::Dense(dense) => (Kind::Dense, dense.relu(), dense.weight(), dense.bias()),
                Layer::Conv2d(conv) => {
                    let [height, width, _] = conv.shape();
                    let kind = Kind::Conv {
                        shape: conv.shape(),
                        forward: Patches::new(conv.shape(), 1),
                        backward: Patches::new([height, width, conv.channels_out()], 1),
                    };
                    (kind, conv.relu(), conv.weight(), conv.bias())
                }
                Layer::MaxPool2d(pool) => (Kind::Pool(*pool), false, &[][..], &[][..]),
            };
            let parameters = Parameters { weight: weight.to_vec(), bias: bias.to_vec() };
            let gradient = Parameters::zeros(&parameters);
            let (packed, values) = Default::default();
            Node { kind, inputs, outputs, relu, parameters, gradient, packed, values, fake: None, ties: None }
        };
        let nodes = model.layers().iter().map(node).collect();
        let (delta, next, transposed, columns, packed, border) = Default::default();
        Self { nodes, delta, next, transposed, columns, packed, border }
    }

    /// From now on the network poses as quantized: every layer with weights rounds them, and its input, as `scheme` has it
    /// for this layer. The weights of a codebook become its values now, and those that are equal stay so: each has the
    /// gradient of all of them.
    ///
    /// # Errors
    /// [`Error::Scheme`] when the scheme names a layer that there is not, [`Error::NotFinite`] when a weight is not.
    pub fn quantize(&mut self, scheme: &Scheme) -> Result<()> {
        let weighted = |node: &&mut Node| !node.parameters.weight.is_empty();
        let count = self.nodes.iter_mut().filter(weighted).count();
        for (node, axes) in self.nodes.iter_mut().filter(weighted).zip(scheme.of_layers(count)?) {
            (node.fake, node.ties) = (None, None);
            match axes.format {
                NumberFormat::F64 | NumberFormat::F32 => {}
                NumberFormat::Codebook { .. } => node.ties = Some(Ties::of_codebook(&mut node.parameters, &axes)?),
                _ => node.fake = Some(Fake::new(axes)),
            }
        }
        Ok(())
    }

    /// What is fixed of the input of each layer that poses with static or binary activations: that of the batches learned
    /// from.
    pub fn ranges(&self) -> impl Iterator<Item = Result<InputRange>> {
        self.nodes.iter().filter_map(|node| node.fake.as_ref().and_then(Fake::range))
    }

    /// Whether it is one fully connected layer that poses with weights of two bits or one, but with an input of more.
    pub(super) fn is_linear_and_coarse(&self) -> bool {
        let [node] = &self.nodes[..] else { return false };
        matches!(node.kind, Kind::Dense) && node.fake.as_ref().is_some_and(Fake::is_coarse)
    }

    /// The derivative of the mean cross-entropy by the logarithm of each pixel's factor, after [`Network::learn`], when the
    /// first layer is fully connected.
    pub fn input_slopes(&self) -> Vec<f32> {
        let Some(node) = self.nodes.first() else { return Vec::new() };
        let weight = node.fake.as_ref().map_or(&node.parameters.weight[..], Fake::weight);
        let mut slopes = vec![0.0; node.inputs];
        for (weight, gradient) in weight.chunks_exact(node.inputs).zip(node.gradient.weight.chunks_exact(node.inputs)) {
            slopes.iter_mut().zip(weight).zip(gradient).for_each(|((slope, w), g)| *slope += w * g);
        }
        slopes
    }

    /// The parameters with their gradients, layer by layer.
    pub fn parameters(&mut self) -> impl Iterator<Item = (&mut Parameters, &Parameters)> {
        self.nodes.iter_mut().map(|node| (&mut node.parameters, &node.gradient))
    }

    /// The network as it is now, for inference.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when a parameter is not.
    pub fn model(&self, input: Input) -> Result<Model> {
        let layer = |node: &Node| {
            let Parameters { weight, bias } = node.parameters.clone();
            let images = match &node.kind {
                Kind::Dense => None,
                Kind::Conv { shape, .. } => Some(*shape),
                Kind::Pool(pool) => return Ok(Layer::MaxPool2d(*pool)),
            };
            Layer::with_weights(images, weight, bias, node.relu)
        };
        Model::new(input, self.nodes.iter().map(layer).collect::<Result<_>>()?)
    }

    /// Logits of a batch of scaled images `x` (`[rows, pixels]`), shape `[rows, classes]`.
    pub fn forward(&mut self, x: &[f32], rows: usize) -> &[f32] {
        self.run(x, rows, false)
    }

    fn run(&mut self, x: &[f32], rows: usize, learn: bool) -> &[f32] {
        for i in 0..self.nodes.len() {
            let (before, rest) = self.nodes.split_at_mut(i);
            let x = before.last().map_or(x, |node| &node.values[..rows * node.outputs]);
            rest[0].forward(x, rows, learn, &mut self.border);
        }
        self.nodes.last().map_or(&[], |node| &node.values[..rows * node.outputs])
    }

    /// Forward and backward: the sum of the cross-entropies of the batch and how many were answered rightly; the gradient
    /// of the mean cross-entropy is then in [`Network::parameters`]. `labels`: one for each row of `x`.
    ///
    /// # Errors
    /// [`Error::Shape`] when `x` is not as many images as there are labels.
    pub fn learn(&mut self, x: &[f32], labels: &[u8]) -> Result<(f64, usize)> {
        self.learn_from(x, labels, None)
    }

    /// The same; with `wanted`, probabilities of a teacher (`[rows, classes]`), the gradient is that of the cross-entropy
    /// with them instead of the labels.
    pub(super) fn learn_from(&mut self, x: &[f32], labels: &[u8], wanted: Option<&[f32]>) -> Result<(f64, usize)> {
        let (rows, pixels) = (labels.len(), self.nodes.first().map_or(0, |node| node.inputs));
        if x.len() != rows * pixels {
            return Err(Error::Shape { what: "batch of images", expected: rows * pixels, found: x.len() });
        }
        self.run(x, rows, true);
        let logits = self.nodes.last().map_or(&[][..], |node| &node.values[..rows * CLASSES]);
        let (mut loss, mut correct) = (0.0, 0);
        let delta = at_least(&mut self.delta, rows * CLASSES);
        let answers = logits.chunks_exact(CLASSES).zip(delta.chunks_exact_mut(CLASSES));
        for (row, ((logits, delta), &label)) in answers.zip(labels).enumerate() {
            softmax(logits, delta);
            loss += cross_entropy(delta[usize::from(label)]);
            correct += usize::from(crate::nn::argmax(logits) == usize::from(label));
            match wanted {
                Some(wanted) => delta.iter_mut().zip(&wanted[row * CLASSES..]).for_each(|(d, wanted)| *d -= wanted),
                None => delta[usize::from(label)] -= 1.0,
            }
            delta.iter_mut().for_each(|d| *d /= rows as f32);
        }
        self.backward(x, rows);
        Ok((loss, correct))
    }

    fn backward(&mut self, x: &[f32], rows: usize) {
        for i in (0..self.nodes.len()).rev() {
            let (before, rest) = self.nodes.split_at_mut(i);
            let node = &mut rest[0];
            let x = before.last().map_or(x, |node| &node.values[..rows * node.outputs]);
            let delta = &mut self.delta[..rows * node.outputs];
            if node.relu {
                delta.iter_mut().zip(&node.values).for_each(|(d, &y)| *d = if y > 0.0 { *d } else { 0.0 });
            }
            let (input, fake) = (x, node.fake.as_ref());
            let x = fake.map_or(x, |fake| fake.input(x));
            let weight = fake.map_or(&node.parameters.weight[..], Fake::weight);
            // The pixels need no gradient.
            let below = if i > 0 { Some(at_least(&mut self.next, rows * node.inputs)) } else { None };
            let packed = &mut self.packed;
            match &node.kind {
                Kind::Dense => {
                    let outputs = node.outputs;
                    sum_rows(delta, &mut node.gradient.bias);
                    transpose(delta, outputs, &mut self.transposed);
                    packed.set_columns(x, rows, node.inputs);
                    product(&self.transposed, outputs, packed, &mut node.gradient.weight);
                    if let Some(below) = below {
                        packed.set_columns(weight, outputs, node.inputs);
                        product(delta, rows, packed, below);
                    }
                }
                Kind::Conv { shape, forward, backward } => {
                    let (filters, pixels) = (node.parameters.bias.len(), rows * forward.pixels());
                    sum_rows(delta, &mut node.gradient.bias);
                    transpose(delta, filters, &mut self.transposed);
                    let columns = at_least(&mut self.columns, pixels * forward.inputs());
                    neighbourhoods(x, forward, fake.map_or(0.0, Fake::padding), &mut self.border, columns);
                    packed.set_columns(columns, pixels, forward.inputs());
                    product(&self.transposed, filters, packed, &mut node.gradient.weight);
                    if let Some(below) = below {
                        let turned = at_least(&mut self.columns, weight.len());
                        turn(weight, shape[2], turned);
                        packed.set(turned, &vec![0.0; shape[2]]);
                        let border = &mut self.border;
                        kernels::convolve_f32(delta, backward, (border, 0.0), packed, Rounding::Separate, false, below);
                    }
                }
                Kind::Pool(pool) => {
                    if let Some(below) = below {
                        unpool(x, delta, pool.shape, below);
                    }
                }
            }
            if let Some(ties) = &mut node.ties {
                ties.sum(&mut node.gradient.weight);
            }
            if let (Some(fake), true) = (fake, i > 0) {
                fake.straight_through(input, &mut self.next[..rows * node.inputs]);
            }
            core::mem::swap(&mut self.delta, &mut self.next);
        }
    }
}

impl Node {
    fn forward(&mut self, x: &[f32], rows: usize, learn: bool, border: &mut Vec<f32>) {
        let out = at_least(&mut self.values, rows * self.outputs);
        if let Some(fake) = &mut self.fake {
            fake.set_weight(&self.parameters, learn);
            fake.set_input(x, self.inputs, learn);
        }
        let fake = self.fake.as_ref();
        let x = fake.map_or(x, |fake| fake.input(x));
        if !matches!(self.kind, Kind::Pool(_)) {
            self.packed.set(fake.map_or(&self.parameters.weight, Fake::weight), &self.parameters.bias);
        }
        match &self.kind {
            Kind::Dense => {
                let x = Rows::dense(x, rows, self.inputs, self.inputs);
                kernels::multiply_f32(&x, &self.packed, Rounding::Separate, self.relu, out);
            }
            Kind::Conv { forward, .. } => {
                let padding = fake.map_or(0.0, Fake::padding);
                kernels::convolve_f32(x, forward, (border, padding), &self.packed, Rounding::Separate, self.relu, out);
            }
            Kind::Pool(pool) => kernels::max_pool_f32(x, pool.shape, out),
        }
    }
}

/// `-ln(probability)`, finite for 0; not a number stays none, so that a loss tells of it.
pub(super) fn cross_entropy(probability: f32) -> f64 {
    let probability = if probability < f32::MIN_POSITIVE { f32::MIN_POSITIVE } else { probability };
    -f64::from(libm::logf(probability))
}

/// `out[r][j] = Σ_k x[r][k] · packed[k][j]`, `x`: `[rows, inputs]`.
fn product(x: &[f32], rows: usize, packed: &PackedF32, out: &mut [f32]) {
    let inputs = packed.inputs();
    kernels::multiply_f32(&Rows::dense(x, rows, inputs, inputs), packed, Rounding::Separate, false, out);
}

/// Sums of the columns of `values` (`[rows, sums.len()]`).
fn sum_rows(values: &[f32], sums: &mut [f32]) {
    sums.fill(0.0);
    for row in values.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}

/// `[rows, width]` to `[width, rows]`.
fn transpose(values: &[f32], width: usize, out: &mut Vec<f32>) {
    let rows = values.len() / width;
    let out = at_least(out, values.len());
    // Four rows at once: their values are neighbours in the result.
    let blocks = values.chunks_exact(4 * width);
    let done = 4 * blocks.len();
    for (block, first) in blocks.zip((0..).step_by(4)) {
        let (upper, lower) = block.split_at(2 * width);
        let ((a, b), (c, d)) = (upper.split_at(width), lower.split_at(width));
        let quartets = a.iter().zip(b).zip(c).zip(d);
        for (line, (((a, b), c), d)) in out.chunks_exact_mut(rows).zip(quartets) {
            line[first..first + 4].copy_from_slice(&[*a, *b, *c, *d]);
        }
    }
    for r in done..rows {
        (0..width).for_each(|j| out[j * rows + r] = values[r * width + j]);
    }
}

/// The nine neighbours of each pixel of images `x` with a border of `padding`, one pixel a row.
fn neighbourhoods(x: &[f32], patches: &Patches, padding: f32, border: &mut Vec<f32>, out: &mut [f32]) {
    let border = at_least(border, patches.bordered_len());
    border.fill(padding);
    let rows = x.chunks_exact(patches.image_len()).zip(out.chunks_exact_mut(patches.pixels() * patches.inputs()));
    for (image, out) in rows {
        patches.place(image, border);
        patches.gather(border, out);
    }
}

/// Filters `[outputs][3][3][channels]` turned by half, `[channels][3][3][outputs]`.
fn turn(filters: &[f32], channels: usize, turned: &mut [f32]) {
    let outputs = filters.len() / (9 * channels);
    for (i, &w) in filters.iter().enumerate() {
        let (output, place, channel) = (i / channels / 9, i / channels % 9, i % channels);
        turned[(channel * 9 + 8 - place) * outputs + output] = w;
    }
}

/// Gives the gradient of each block of a max-pooling to the first of its largest pixels.
fn unpool(x: &[f32], delta: &[f32], [height, width, channels]: [usize; 3], out: &mut [f32]) {
    out.fill(0.0);
    let (line, size) = (width * channels, height * width * channels);
    let pooled_line = (width / 2) * channels;
    let images = x.chunks_exact(size).zip(out.chunks_exact_mut(size));
    for ((x, out), delta) in images.zip(delta.chunks_exact(height / 2 * pooled_line)) {
        // Pairs of lines; a last odd one has no block.
        let pairs = x.chunks_exact(2 * line).zip(out.chunks_exact_mut(2 * line));
        for ((x, out), delta) in pairs.zip(delta.chunks_exact(pooled_line)) {
            let ((upper, lower), (out_upper, out_lower)) = (x.split_at(line), out.split_at_mut(line));
            let blocks = upper.chunks_exact(2 * channels).zip(lower.chunks_exact(2 * channels));
            let outs = out_upper.chunks_exact_mut(2 * channels).zip(out_lower.chunks_exact_mut(2 * channels));
            for (((upper, lower), (out_upper, out_lower)), delta) in blocks.zip(outs).zip(delta.chunks_exact(channels))
            {
                let ((a, b), (c, d)) = (upper.split_at(channels), lower.split_at(channels));
                let (out_a, out_b) = out_upper.split_at_mut(channels);
                let (out_c, out_d) = out_lower.split_at_mut(channels);
                // Without a branch, so that the compiler takes several channels at once.
                for i in 0..channels {
                    let over = if b[i] > a[i] { b[i] } else { a[i] };
                    let under = if d[i] > c[i] { d[i] } else { c[i] };
                    let (up, down) = if under > over { (0.0, delta[i]) } else { (delta[i], 0.0) };
                    (out_a[i], out_b[i]) = if b[i] > a[i] { (0.0, up) } else { (up, 0.0) };
                    (out_c[i], out_d[i]) = if d[i] > c[i] { (0.0, down) } else { (down, 0.0) };
                }
            }
        }
    }
}
