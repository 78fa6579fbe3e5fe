//! A model as bytes: the safetensors format (<https://github.com/huggingface/safetensors>, little-endian).
//!
//! Tensors: `input.mean` and `input.factor` (F32, `[height, width]`), then for layer i `i.weight` (F32 or I8,
//! `[outputs, inputs]`), `i.bias` (F32, `[outputs]`) and, when quantized, `i.scale` (F32, `[1]` or `[outputs]`).
//! The one metadata entry `quantpad` is the version of this layout and the name of the scheme: `1 fp32` or
//! `1 int8-dynamic-per-tensor`. Equal models give equal bytes. Held by `tests/model_file.rs`.

use super::safetensors::{Dtype, SafeTensors, Tensor};
use crate::{
    Error, Result,
    nn::{Dense, Input, Layer, Model},
    quant::{QuantizedDense, QuantizedLayer, QuantizedModel, Scheme},
};

const KEY: &str = "quantpad";
const VERSION: &str = "1";
const FP32: &str = "fp32";

/// The bytes of an fp32 model.
pub fn write_model(model: &Model) -> Vec<u8> {
    let mut file = Writer::new(model.input());
    for (i, Layer::Dense(dense)) in model.layers().iter().enumerate() {
        file.floats(format!("{i}.weight"), vec![dense.outputs(), dense.inputs()], dense.weight());
        file.floats(format!("{i}.bias"), vec![dense.outputs()], dense.bias());
    }
    file.finish(FP32)
}

/// The bytes of a quantized model.
pub fn write_quantized(model: &QuantizedModel) -> Vec<u8> {
    let mut file = Writer::new(model.input());
    for (i, QuantizedLayer::Dense(dense)) in model.layers().iter().enumerate() {
        let weight = dense.weight().iter().map(|&w| w as u8).collect();
        file.push(format!("{i}.weight"), Dtype::I8, vec![dense.outputs(), dense.inputs()], weight);
        file.floats(format!("{i}.scale"), vec![dense.scales().len()], dense.scales());
        file.floats(format!("{i}.bias"), vec![dense.outputs()], dense.bias());
    }
    file.finish(model.scheme().name())
}

/// # Errors
/// [`Error::ModelFile`] when `bytes` are not such a file or hold another kind of model; [`Error::Shape`],
/// [`Error::NotFinite`] when its tensors do not fit together.
pub fn read_model(bytes: &[u8]) -> Result<Model> {
    let file = Reader::open(bytes)?;
    if file.scheme != FP32 {
        return Err(invalid("it holds a quantized model where an fp32 one is needed"));
    }
    let dense = |i| Dense::new(file.floats(&format!("{i}.weight"))?, file.floats(&format!("{i}.bias"))?);
    let layers = (0..file.layers()).map(|i| dense(i).map(Layer::Dense)).collect::<Result<_>>()?;
    Model::new(file.input()?, layers)
}

/// # Errors
/// As [`read_model`]; [`Error::UnknownName`] for a scheme of a later version.
pub fn read_quantized(bytes: &[u8]) -> Result<QuantizedModel> {
    let file = Reader::open(bytes)?;
    if file.scheme == FP32 {
        return Err(invalid("it holds an fp32 model where a quantized one is needed"));
    }
    let dense = |i| {
        let weight: Vec<i8> = file.tensor(&format!("{i}.weight"), Dtype::I8)?.data.iter().map(|&w| w as i8).collect();
        QuantizedDense::from_parts(&weight, file.floats(&format!("{i}.scale"))?, file.floats(&format!("{i}.bias"))?)
    };
    let layers = (0..file.layers()).map(|i| dense(i).map(QuantizedLayer::Dense)).collect::<Result<_>>()?;
    QuantizedModel::from_parts(Scheme::from_name(&file.scheme)?, file.input()?, layers)
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::ModelFile { reason: reason.into() }
}

struct Writer {
    tensors: Vec<Tensor<'static>>,
}

impl Writer {
    fn new(input: &Input) -> Self {
        let mut file = Self { tensors: Vec::new() };
        let shape = vec![input.pixels() / input.width(), input.width()];
        file.floats("input.mean".into(), shape.clone(), input.mean());
        file.floats("input.factor".into(), shape, input.factor());
        file
    }

    fn push(&mut self, name: String, dtype: Dtype, shape: Vec<usize>, data: Vec<u8>) {
        self.tensors.push(Tensor { name, dtype, shape, data: data.into() });
    }

    fn floats(&mut self, name: String, shape: Vec<usize>, values: &[f32]) {
        self.push(name, Dtype::F32, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    fn finish(self, scheme: &str) -> Vec<u8> {
        let metadata = vec![(KEY.into(), format!("{VERSION} {scheme}"))];
        SafeTensors { metadata, tensors: self.tensors }.write()
    }
}

struct Reader<'a> {
    file: SafeTensors<'a>,
    scheme: String,
}

impl<'a> Reader<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self> {
        let file = SafeTensors::read(bytes)?;
        let entry = file.metadata(KEY).ok_or_else(|| invalid("it is a safetensors file without a Quantpad entry"))?;
        let scheme = match entry.split_once(' ') {
            Some((VERSION, scheme)) => scheme.to_owned(),
            _ => return Err(invalid(format!("its version is not {VERSION}"))),
        };
        Ok(Self { file, scheme })
    }

    fn layers(&self) -> usize {
        (0..).take_while(|i| self.file.tensor(&format!("{i}.weight")).is_some()).count()
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
