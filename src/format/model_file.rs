//! A model as bytes: the safetensors format (<https://github.com/huggingface/safetensors>, little-endian).
//!
//! The one metadata entry, `quantpad`, is a line of words: the version of this layout, the name of the scheme, and the
//! layers in order (`dense`, `conv3x3`, each with `+relu` when one follows, `maxpool2`): `3 fp32 dense+relu dense`.
//!
//! Tensors: `input.mean` and `input.factor` (F32, `[height, width]`); for layer i `i.weight`, `i.bias` (F32, `[outputs]`)
//! and, where the format has them, `i.scale` (F32, `[1]` or `[outputs]`), `i.zero_point` (I8, or I16 for int16, as many)
//! and `i.codebook` (F32, `[1, k]` or `[outputs, k]`); with static activations `i.input_scale` (F32, `[1]`) and
//! `i.input_zero_point` (U8, `[1]`), with binary ones `i.input_levels` (F32, `[2]`): the middle of the two values, and
//! half their distance.
//!
//! Weights of whole bytes have the shape `[outputs, inputs]` or `[outputs, 3, 3, channels]` (images are in the order
//! height, width, channels) and their own type: F64, F32, F16, BF16, I16, I8. The others are U8, `[bytes]`: codes in the
//! same order, packed from the lowest bit up without gaps, the last byte filled with 0. Integers are in two's complement
//! (int4, and ternary in 2 bits), binary is 1 for +1, a codebook's entry its number, TF32 the upper 19 bits of the f32.
//!
//! Other metadata entries are passed over. The page adds some to the files that it hands out: `data`, `train_images`,
//! `test_images`, `max_pixel`, `split_seed`, `settings` (as in its address), `own_drawings`, `ended_early`; and takes
//! them out again when it opens one (`www/src/model-file.ts`).
//!
//! Equal models give equal bytes. A file is refused that has other tensors than these, other shapes, codes that its format
//! has not, or padding that is not 0. Held by `tests/suite/model_file.rs`.

use core::cell::Cell;

use super::safetensors::{Dtype, SafeTensors, Tensor};
use crate::{
    Error, Result,
    nn::{Input, Layer, MaxPool2d, Model},
    quant::{
        ActivationMode, InputRange, Levels, NumberFormat, QuantizedLayer, QuantizedModel, Scheme, StoredWeights,
        affine::QParams,
    },
};

const KEY: &str = "quantpad";
const VERSION: &str = "3";
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
    let mut file = Writer::new(&model.scheme().name(), model.input());
    for (i, layer) in model.layers().iter().enumerate() {
        let (bias, relu) = layer.bias_and_relu();
        let Some(weights) = layer.weights() else {
            file.layer(POOL, relu);
            continue;
        };
        file.layer(if layer.images().is_some() { CONV } else { DENSE }, relu);
        let dtype = weight_type(weights.format());
        let shape = weight_shape(dtype, [weights.outputs(), weights.inputs()], layer.images(), weights.packed().len());
        file.push(format!("{i}.weight"), dtype, shape, weights.packed().to_vec());
        if !weights.scales().is_empty() {
            file.floats(format!("{i}.scale"), vec![weights.scales().len()], weights.scales());
        }
        if !weights.zero_points().is_empty() {
            let bytes = weights.zero_point_bytes();
            let data = weights.zero_points().iter().flat_map(|z| z.to_le_bytes().into_iter().take(bytes)).collect();
            let dtype = if bytes == 1 { Dtype::I8 } else { Dtype::I16 };
            file.push(format!("{i}.zero_point"), dtype, vec![weights.zero_points().len()], data);
        }
        if let NumberFormat::Codebook { k } = weights.format() {
            let k = usize::from(k);
            file.floats(format!("{i}.codebook"), vec![weights.codebook().len() / k, k], weights.codebook());
        }
        file.floats(format!("{i}.bias"), vec![bias.len()], bias);
        if let Some(input) = layer.product().and_then(|product| product.input_params()) {
            file.floats(format!("{i}.input_scale"), vec![1], &[input.scale]);
            let zero_point = vec![input.zero_point as u8];
            file.push(format!("{i}.input_zero_point"), Dtype::U8, vec![1], zero_point);
        }
        if let Some(Levels { centre, half }) = layer.levels() {
            file.floats(format!("{i}.input_levels"), vec![2], &[centre, half]);
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
    let mut layers = Vec::new();
    for (i, step) in file.steps()?.into_iter().enumerate() {
        layers.push(match step {
            Step::Pool(pool) => Layer::MaxPool2d(pool),
            Step::Weighted { matrix, images, relu } => {
                let weight = file.tensor(&format!("{i}.weight"), Dtype::F32)?;
                check_shape(weight, &weight_shape(Dtype::F32, matrix, images, 0))?;
                Layer::with_weights(images, floats(weight), file.floats(&format!("{i}.bias"))?, relu)?
            }
        });
    }
    file.check_all_read()?;
    Model::new(file.input()?, layers)
}

/// # Errors
/// As [`read_model`]; [`Error::Codes`]; [`Error::UnknownName`] and [`Error::Scheme`] for a scheme that there is not.
pub fn read_quantized(bytes: &[u8]) -> Result<QuantizedModel> {
    let file = Reader::open(bytes)?;
    if file.scheme == FP32 {
        return Err(invalid("it holds an fp32 model where a quantized one is needed"));
    }
    let scheme = Scheme::from_name(&file.scheme)?;
    let steps = file.steps()?;
    let count = steps.iter().filter(|step| matches!(step, Step::Weighted { .. })).count();
    let (mut layers, mut ranges) = (Vec::with_capacity(steps.len()), Vec::new());
    let mut number = 0;
    for (i, step) in steps.into_iter().enumerate() {
        layers.push(match step {
            Step::Pool(pool) => QuantizedLayer::MaxPool2d(pool),
            Step::Weighted { matrix, images, relu } => {
                let axes = scheme.layer(number, count);
                number += 1;
                let weights = file.weights(i, axes.format, matrix, images)?;
                match axes.activations {
                    ActivationMode::Float | ActivationMode::Dynamic => {}
                    ActivationMode::Static(_) => ranges.push(file.input_params(i)?.into()),
                    ActivationMode::Binary => ranges.push(InputRange::Levels(file.levels(i)?)),
                }
                let bias = file.floats(&format!("{i}.bias"))?;
                QuantizedLayer::new(weights, images, bias, relu, axes.activations)?
            }
        });
    }
    file.check_all_read()?;
    QuantizedModel::from_parts(scheme, file.input()?, layers, &ranges)
}

/// A layer as the entry names it and the shapes before it make it.
enum Step {
    /// Outputs and inputs of its weight matrix; height, width and channels of the images of a convolution.
    Weighted {
        matrix: [usize; 2],
        images: Option<[usize; 3]>,
        relu: bool,
    },
    Pool(MaxPool2d),
}

/// The type of elements that weights have in the file.
fn weight_type(format: NumberFormat) -> Dtype {
    match format {
        NumberFormat::F64 => Dtype::F64,
        NumberFormat::F32 => Dtype::F32,
        NumberFormat::F16 => Dtype::F16,
        NumberFormat::Bf16 => Dtype::BF16,
        NumberFormat::Int16 => Dtype::I16,
        NumberFormat::Int8 => Dtype::I8,
        _ => Dtype::U8,
    }
}

/// The shape that a weight matrix has in the file, of `bytes` bytes when it is packed.
fn weight_shape(dtype: Dtype, matrix: [usize; 2], images: Option<[usize; 3]>, bytes: usize) -> Vec<usize> {
    match (dtype, images) {
        (Dtype::U8, _) => vec![bytes],
        (_, None) => matrix.to_vec(),
        (_, Some([_, _, channels])) => vec![matrix[0], 3, 3, channels],
    }
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
    /// Tensors that have been asked for, besides those of the input.
    read: Cell<usize>,
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
        Ok(Self { file, scheme, layers, read: Cell::new(0) })
    }

    /// The layers in order.
    fn steps(&self) -> Result<Vec<Step>> {
        let mut steps = Vec::with_capacity(self.layers.len());
        let input = self.input()?;
        let mut shape = [input.pixels() / input.width(), input.width(), 1];
        // Values that the last layer gave; after a fully connected one they are no image of that shape.
        let mut width = input.pixels();
        for (i, word) in self.layers.iter().enumerate() {
            let (name, relu) = word.strip_suffix(RELU).map_or((word.as_str(), false), |name| (name, true));
            let (inputs, images) = match name {
                DENSE => (width, None),
                CONV => (9 * shape[2], Some(shape)),
                POOL if !relu => {
                    let pool = MaxPool2d { shape };
                    shape = pool.pooled();
                    width = shape.iter().product();
                    steps.push(Step::Pool(pool));
                    continue;
                }
                _ => return Err(invalid(format!("it has a layer of an unknown kind, \"{word}\""))),
            };
            // Not yet its values, so not yet read.
            let bias = self.file.tensor(&format!("{i}.bias")).map(|bias| &bias.shape[..]);
            let &[outputs] = bias.ok_or_else(|| invalid(format!("the tensor {i}.bias is missing")))? else {
                return Err(invalid(format!("the tensor {i}.bias is no list")));
            };
            steps.push(Step::Weighted { matrix: [outputs, inputs], images, relu });
            width = outputs;
            if images.is_some() {
                shape[2] = outputs;
                width = (shape[0] * shape[1]).checked_mul(outputs).unwrap_or_default();
            }
        }
        Ok(steps)
    }

    /// Nothing may be left over that might have been meant.
    fn check_all_read(&self) -> Result<()> {
        if self.read.get() + INPUT_TENSORS == self.file.tensors.len() {
            Ok(())
        } else {
            Err(invalid("it has tensors that none of its layers needs"))
        }
    }

    fn weights(
        &self,
        i: usize,
        format: NumberFormat,
        matrix: [usize; 2],
        images: Option<[usize; 3]>,
    ) -> Result<StoredWeights> {
        let dtype = weight_type(format);
        let weight = self.tensor(&format!("{i}.weight"), dtype)?;
        check_shape(weight, &weight_shape(dtype, matrix, images, weight.data.len()))?;
        let scales = if format.has_scales() { self.floats(&format!("{i}.scale"))? } else { Vec::new() };
        let name = format!("{i}.zero_point");
        let zero_points = match self.file.tensor(&name) {
            Some(_) if format == NumberFormat::Int16 => {
                let pairs = self.tensor(&name, Dtype::I16)?.data.as_chunks().0;
                pairs.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect()
            }
            Some(_) => self.tensor(&name, Dtype::I8)?.data.iter().map(|&z| (z as i8).into()).collect(),
            None => Vec::new(),
        };
        let is_codebook = matches!(format, NumberFormat::Codebook { .. });
        let codebook = if is_codebook { self.floats(&format!("{i}.codebook"))? } else { Vec::new() };
        StoredWeights::from_parts(format, matrix, weight.data.to_vec(), scales, zero_points, codebook)
    }

    fn input_params(&self, i: usize) -> Result<QParams> {
        let scale = self.floats(&format!("{i}.input_scale"))?;
        let zero_point = self.tensor(&format!("{i}.input_zero_point"), Dtype::U8)?;
        match (&scale[..], &zero_point.data[..]) {
            (&[scale], &[zero_point]) if scale.is_finite() && scale > 0.0 => Ok(QParams::u8(scale, zero_point)),
            _ => Err(invalid(format!("the range of the input of layer {i} is not one scale and one zero point"))),
        }
    }

    fn levels(&self, i: usize) -> Result<Levels> {
        match self.floats(&format!("{i}.input_levels"))?[..] {
            [centre, half] if Levels { centre, half }.check().is_ok() => Ok(Levels { centre, half }),
            _ => Err(invalid(format!("the values of the input of layer {i} are not a middle and half a distance"))),
        }
    }

    fn tensor(&self, name: &str, dtype: Dtype) -> Result<&Tensor<'a>> {
        let tensor = self.file.tensor(name).ok_or_else(|| invalid(format!("the tensor {name} is missing")))?;
        self.read.set(self.read.get() + 1);
        if tensor.dtype == dtype {
            Ok(tensor)
        } else {
            Err(invalid(format!("the tensor {name} is {} where {} is needed", tensor.dtype.name(), dtype.name())))
        }
    }

    fn floats(&self, name: &str) -> Result<Vec<f32>> {
        self.tensor(name, Dtype::F32).map(floats)
    }

    fn input(&self) -> Result<Input> {
        let read = self.read.get();
        let width = self.tensor("input.mean", Dtype::F32)?.shape.last().copied().unwrap_or_default();
        let input = Input::from_parts(width, self.floats("input.mean")?, self.floats("input.factor")?);
        self.read.set(read);
        input
    }
}

/// `input.mean` and `input.factor`.
const INPUT_TENSORS: usize = 2;

fn check_shape(tensor: &Tensor, shape: &[usize]) -> Result<()> {
    if tensor.shape == shape {
        Ok(())
    } else {
        Err(invalid(format!("the tensor {} has not the shape that its layer needs", tensor.name)))
    }
}

/// The values of an F32 tensor.
fn floats(tensor: &Tensor) -> Vec<f32> {
    let (values, _) = tensor.data.as_chunks();
    values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
