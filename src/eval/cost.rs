//! What the layers of a model are made of, and what one image costs them.

use crate::quant::{Arithmetic, InputRange, NumberFormat, QuantizedLayer, QuantizedModel};

/// What a layer with weights is made of, and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerFacts {
    /// Which of the model's layers.
    pub number: usize,
    /// Height, width and channels of the images that a convolution sees; `None` of a fully connected layer.
    pub images: Option<[usize; 3]>,
    /// Inputs of one output.
    pub inputs: usize,
    /// Outputs, of a convolution channels.
    pub outputs: usize,
    /// Multiplications, each with an addition, for one image; those with the border of an image count.
    pub multiply_adds: usize,
    /// What it multiplies: [`Arithmetic::Mixed`] is no single layer's.
    pub arithmetic: Arithmetic,
    /// How its weights are stored.
    pub format: NumberFormat,
    /// Scales of the weights.
    pub scales: usize,
    /// Zero points of the weights, and bytes of each.
    pub zero_points: [usize; 2],
    /// Values of its codebooks.
    pub codebook: usize,
    /// Bytes of the range of its input, where the file holds one.
    pub range_bytes: usize,
}

/// Of each layer of `model` that has weights.
pub fn layers(model: &QuantizedModel) -> Vec<LayerFacts> {
    let double = model.arithmetic() == Arithmetic::Double;
    let floats = if double { Arithmetic::Double } else { Arithmetic::Float };
    let of = |(number, layer): (usize, &QuantizedLayer)| {
        let (weights, images) = (layer.weights()?, layer.images());
        let positions = images.map_or(1, |[height, width, _]| height * width);
        Some(LayerFacts {
            number,
            images,
            inputs: weights.inputs(),
            outputs: weights.outputs(),
            multiply_adds: positions * weights.outputs() * weights.inputs(),
            arithmetic: match layer {
                QuantizedLayer::Dense(..) | QuantizedLayer::Conv2d(..) => Arithmetic::Integer,
                QuantizedLayer::Xnor(..) => Arithmetic::Xnor,
                QuantizedLayer::Float(..) | QuantizedLayer::MaxPool2d(_) => floats,
            },
            format: weights.format(),
            scales: weights.scales().len(),
            zero_points: [weights.zero_points().len(), weights.zero_point_bytes()],
            codebook: weights.codebook().len(),
            range_bytes: layer.range().map_or(0, InputRange::bytes),
        })
    };
    model.layers().iter().enumerate().filter_map(of).collect()
}
