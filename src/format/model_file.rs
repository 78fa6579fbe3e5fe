//! A model as bytes: the safetensors format (<https://github.com/huggingface/safetensors>, little-endian).
//!
//! The one metadata entry, `quantpad`, is a line of words: the version of this layout, the name of the scheme, and the
//! layers in order (`dense`, `conv3x3`, each with `+relu` when one follows, `maxpool2`): `2 fp32 dense+relu dense`.
//!
//! Tensors: `input.mean` and `input.factor` (F32, `[height, width]`); for layer i `i.weight` (F32 or I8, `[outputs,
//! inputs]` or `[outputs, 3, 3, channels]`; images are in the order height, width, channels), `i.bias` (F32,
//! `[outputs]`) and, when quantized, `i.scale` (F32, `[1]` or `[outputs]`); with static activations `i.input_scale`
//! (F32, `[1]`) and `i.input_zero_point` (U8, `[1]`). Equal models give equal bytes. Held by `tests/model_file.rs`.

use super::safetensors::{Dtype, SafeTensors, Tensor};
use crate::{
    Error, Result,
    nn::{Conv2d, Dense, Input, Layer, MaxPool2d, Model},
    quant::{Product, QuantizedConv2d, QuantizedLayer, QuantizedModel, Scheme, affine::QParams},
};

const KEY: &str = "quantpad";
const VERSION: &str = "2";
const FP32: &str = "fp32";
const DENSE: &str = "dense";
const CONV: &str = "conv3x3";
const POOL: &str = "maxpool2";
const RELU: &str = "+relu";

/// The bytes of an fp32 model.
pub fn write_model(model: &Model) -> Vec<u8> {
    let mut file = Writer::new(FP32, model.input());
    for (i, layer) in model.layers().iter().enumerate() {
        let (weight, shape, bias) = match layer {
            Layer::Dense(dense) => {
                file.layer(DENSE, dense.relu());
                (dense.weight(), vec![dense.outputs(), dense.inputs()], dense.bias())
            }
            Layer::Conv2d(conv) => {
                file.layer(CONV, conv.relu());
                (conv.weight(), vec![conv.channels_out(), 3, 3, conv.shape()[2]], conv.bias())
            }
            Layer::MaxPool2d(_) => {
                file.layer(POOL, false);
                continue;
            }
        };
        file.floats(format!("{i}.weight"), shape, weight);
        file.floats(format!("{i}.bias"), vec![bias.len()], bias);
    }
    file.finish()
}

/// The bytes of a quantized model.
pub fn write_quantized(model: &QuantizedModel) -> Vec<u8> {
    let mut file = Writer::new(model.scheme().name(), model.input());
    for (i, layer) in model.layers().iter().enumerate() {
        let (weight, shape, product) = match layer {
            QuantizedLayer::Dense(product) => {
                file.layer(DENSE, product.relu());
                (product.weight(), vec![product.packed().outputs(), product.packed().inputs()], product)
            }
            QuantizedLayer::Conv2d(conv) => {
                file.layer(CONV, conv.product().relu());
                (conv.weight(), vec![conv.product().packed().outputs(), 3, 3, conv.shape()[2]], conv.product())
            }
            QuantizedLayer::MaxPool2d(_) => {
                file.layer(POOL, false);
                continue;
            }
        };
        let weight = weight.into_iter().map(|w| w as u8).collect();
        file.push(format!("{i}.weight"), Dtype::I8, shape, weight);
        file.floats(format!("{i}.scale"), vec![product.scales().len()], product.scales());
        file.floats(format!("{i}.bias"), vec![product.bias().len()], product.bias());
        if let Some(input) = product.input_params() {
            file.floats(format!("{i}.input_scale"), vec![1], &[input.scale]);
            let zero_point = vec![input.zero_point as u8];
            file.push(format!("{i}.input_zero_point"), Dtype::U8, vec![1], zero_point);
        }
    }
    file.finish()
}

/// # Errors
/// [`Error::ModelFile`] when `bytes` are not such a file or hold another kind of model; [`Error::Shape`],
/// [`Error::NotFinite`] when its tensors do not fit together.
pub fn read_model(bytes: &[u8]) -> Result<Model> {
    let file = Reader::open(bytes)?;
    if file.scheme != FP32 {
        return Err(invalid("it holds a quantized model where an fp32 one is needed"));
    }
    let layers = file.read_layers(
        |i, kind, shape, relu| {
            let (weight, bias) = (file.floats(&format!("{i}.weight"))?, file.floats(&format!("{i}.bias"))?);
            let outputs = bias.len();
            let layer = match kind {
                Kind::Dense => {
                    let dense = Dense::new(weight, bias)?;
                    Layer::Dense(if relu { dense.with_relu() } else { dense })
                }
                Kind::Conv => {
                    let conv = Conv2d::new(shape, weight, bias)?;
                    Layer::Conv2d(if relu { conv.with_relu() } else { conv })
                }
            };
            Ok((layer, outputs))
        },
        Layer::MaxPool2d,
    )?;
    Model::new(file.input()?, layers)
}

/// # Errors
/// As [`read_model`]; [`Error::UnknownName`] for a scheme of a later version.
pub fn read_quantized(bytes: &[u8]) -> Result<QuantizedModel> {
    let file = Reader::open(bytes)?;
    if file.scheme == FP32 {
        return Err(invalid("it holds an fp32 model where a quantized one is needed"));
    }
    let scheme = Scheme::from_name(&file.scheme)?;
    let mut ranges = Vec::new();
    let layers = file.read_layers(
        |i, kind, shape, relu| {
            let weight: Vec<i8> =
                file.tensor(&format!("{i}.weight"), Dtype::I8)?.data.iter().map(|&w| w as i8).collect();
            let (scales, bias) = (file.floats(&format!("{i}.scale"))?, file.floats(&format!("{i}.bias"))?);
            let outputs = bias.len();
            if scheme.activations.is_static() {
                ranges.push(file.input_params(i)?);
            }
            let layer = match kind {
                Kind::Dense => QuantizedLayer::Dense(Product::new(&weight, scales, bias, relu)?),
                Kind::Conv => QuantizedLayer::Conv2d(QuantizedConv2d::new(shape, &weight, scales, bias, relu)?),
            };
            Ok((layer, outputs))
        },
        QuantizedLayer::MaxPool2d,
    )?;
    QuantizedModel::from_parts(scheme, file.input()?, layers, &ranges)
}

/// A layer with weights.
#[derive(Clone, Copy)]
enum Kind {
    Dense,
    Conv,
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::ModelFile { reason: reason.into() }
}

struct Writer {
    /// The words of the metadata entry.
    entry: String,
    tensors: Vec<Tensor<'static>>,
}

impl Writer {
    fn new(scheme: &str, input: &Input) -> Self {
        let mut file = Self { entry: format!("{VERSION} {scheme}"), tensors: Vec::new() };
        let shape = vec![input.pixels() / input.width(), input.width()];
        file.floats("input.mean".into(), shape.clone(), input.mean());
        file.floats("input.factor".into(), shape, input.factor());
        file
    }

    fn layer(&mut self, kind: &str, relu: bool) {
        self.entry += " ";
        self.entry += kind;
        self.entry += if relu { RELU } else { "" };
    }

    fn push(&mut self, name: String, dtype: Dtype, shape: Vec<usize>, data: Vec<u8>) {
        self.tensors.push(Tensor { name, dtype, shape, data: data.into() });
    }

    fn floats(&mut self, name: String, shape: Vec<usize>, values: &[f32]) {
        self.push(name, Dtype::F32, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    fn finish(self) -> Vec<u8> {
        SafeTensors { metadata: vec![(KEY.into(), self.entry)], tensors: self.tensors }.write()
    }
}

struct Reader<'a> {
    file: SafeTensors<'a>,
    scheme: String,
    layers: Vec<String>,
}

impl<'a> Reader<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self> {
        let file = SafeTensors::read(bytes)?;
        let entry = file.metadata(KEY).ok_or_else(|| invalid("it is a safetensors file without a Quantpad entry"))?;
        let mut words = entry.split(' ').map(str::to_owned);
        if words.next().as_deref() != Some(VERSION) {
            return Err(invalid(format!("its version is not {VERSION}")));
        }
        let scheme = words.next().ok_or_else(|| invalid("its entry names no scheme"))?;
        let layers = words.collect();
        Ok(Self { file, scheme, layers })
    }

    /// The layers in order. `with_weights` makes one of a kind (number, kind, shape of its images, ReLU) and tells its
    /// number of outputs.
    fn read_layers<L>(
        &self,
        mut with_weights: impl FnMut(usize, Kind, [usize; 3], bool) -> Result<(L, usize)>,
        pooling: impl Fn(MaxPool2d) -> L,
    ) -> Result<Vec<L>> {
        let mut layers = Vec::new();
        let input = self.input()?;
        let mut shape = [input.pixels() / input.width(), input.width(), 1];
        for (i, word) in self.layers.iter().enumerate() {
            let (name, relu) = word.strip_suffix(RELU).map_or((word.as_str(), false), |name| (name, true));
            layers.push(match name {
                DENSE => with_weights(i, Kind::Dense, shape, relu)?.0,
                CONV => {
                    let (layer, outputs) = with_weights(i, Kind::Conv, shape, relu)?;
                    shape[2] = outputs;
                    layer
                }
                POOL => {
                    let pool = MaxPool2d { shape };
                    shape = pool.pooled();
                    pooling(pool)
                }
                other => return Err(invalid(format!("it has a layer of an unknown kind, \"{other}\""))),
            });
        }
        Ok(layers)
    }

    fn input_params(&self, i: usize) -> Result<QParams> {
        let scale = self.floats(&format!("{i}.input_scale"))?;
        let zero_point = self.tensor(&format!("{i}.input_zero_point"), Dtype::U8)?;
        match (&scale[..], &zero_point.data[..]) {
            (&[scale], &[zero_point]) if scale.is_finite() && scale > 0.0 => Ok(QParams::u8(scale, zero_point)),
            _ => Err(invalid(format!("the range of the input of layer {i} is not one scale and one zero point"))),
        }
    }

    fn tensor(&self, name: &str, dtype: Dtype) -> Result<&Tensor<'a>> {
        let tensor = self.file.tensor(name).ok_or_else(|| invalid(format!("the tensor {name} is missing")))?;
        if tensor.dtype == dtype {
            Ok(tensor)
        } else {
            Err(invalid(format!("the tensor {name} is {} where {} is needed", tensor.dtype.name(), dtype.name())))
        }
    }

    fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let (values, _) = self.tensor(name, Dtype::F32)?.data.as_chunks();
        Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn input(&self) -> Result<Input> {
        let width = self.tensor("input.mean", Dtype::F32)?.shape.last().copied().unwrap_or_default();
        Input::from_parts(width, self.floats("input.mean")?, self.floats("input.factor")?)
    }
}
