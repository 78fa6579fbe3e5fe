//! One output, explained, and what layers are made of: for the panels that open a figure's formula.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::dto::to_js;
use crate::{
    eval::{cost, explain},
    format::model_file,
    nn::Scratch,
    quant::{Arithmetic, QuantizedModel, Scheme, affine::QParams},
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A layer with weights: `images` are height, width and channels that a convolution sees; `outputs` are its channels. */
export interface LayerFacts {
  number: number; images: number[] | null; inputs: number; outputs: number; multiplyAdds: number;
  arithmetic: "integer" | "float" | "double" | "xnor" | "mixed"; format: string; bits: number; scales: number; zeroPoints: number; zeroPointBytes: number; codebook: number;
  rangeBytes: number;
}
/** Products of reals; `sums` without the bias, `result` after the ReLU. */
export interface Sum { x: number[]; w: number[]; sums: number[]; bias: number; result: number }
/** `real` = `scale` · (q − `zeroPoint`). */
export interface Params { scale: number; zeroPoint: number }
/**
 * `range`: the reals that `params` were chosen for, `fixed` beforehand or this image's own; `carried`: the layer before
 * gave the integers. `bias`: in i32 when fixed. `next`: the integer that comes out, when no real number does.
 */
export interface Integers {
  q: number[]; params: Params; range: [number, number]; fixed: boolean; carried: boolean;
  weights: number[]; weightScale: number; products: number[]; sums: number[]; bias: number | null; multiplier: number;
  next: { q: number; params: Params } | null;
}
/**
 * `taps`: which value of the layer's input each input is; −1 in the border of a convolution. `pixels`, `means`, `factors`:
 * in the first layer, x = (pixel − mean) · factor; else empty. `codes`: how the weights are stored, with
 * `codeParams` where the format has a scale. `largestWeight`: the largest |weight| that shares the scale, in fp32.
 */
export interface Explanation {
  taps: number[]; pixels: number[]; means: number[]; factors: number[]; fp32: Sum; quantized: Sum; integers: Integers | null;
  codes: number[]; codeParams: Params; largestWeight: number; relu: boolean;
}
"#;

/// Both models, taken apart on the main thread.
#[wasm_bindgen]
pub struct Explainer {
    /// With its weights stored as they are.
    fp32: QuantizedModel,
    quantized: QuantizedModel,
    scratch: Scratch,
}

#[wasm_bindgen]
impl Explainer {
    /// From the bytes of two model files; throws when either cannot be read or they are of different networks.
    #[wasm_bindgen(constructor)]
    pub fn new(fp32: &[u8], quantized: &[u8]) -> Result<Self, JsValue> {
        let (model, quantized) = (model_file::read_model(fp32)?, model_file::read_quantized(quantized)?);
        // With the quantized model's scaling of the pixels, which are then the same x in both columns.
        let fp32 = QuantizedModel::quantize(&model.scaled_as(quantized.input())?, Scheme::F32, &[])?;
        explain::check_twins(&fp32, &quantized)?;
        Ok(Self { fp32, quantized, scratch: Scratch::default() })
    }

    /// The layers with weights of the quantized model.
    #[wasm_bindgen(unchecked_return_type = "LayerFacts[]")]
    pub fn layers(&self) -> Result<JsValue, JsValue> {
        to_js(&cost::layers(&self.quantized).iter().map(LayerFacts::new).collect::<Vec<_>>())
    }

    /// How both models come to output `output` of layer `number` for one image (of finite pixels, row-major); throws when
    /// there is no such output.
    #[wasm_bindgen(unchecked_return_type = "Explanation")]
    pub fn explain(&mut self, image: &[f32], number: usize, output: usize) -> Result<JsValue, JsValue> {
        let Self { fp32, quantized, scratch } = self;
        let told = explain::explain(fp32, quantized, image, number, output, scratch)?;
        let input = fp32.input();
        let first = if number == 0 { &told.taps[..] } else { &[] };
        let at_taps = |values: &[f32]| first.iter().map(|tap| tap.map_or(0.0, |at| values[at].into())).collect();
        let (scale, zero_point) = told.code_params;
        to_js(&Explanation {
            pixels: at_taps(image),
            means: at_taps(input.mean()),
            factors: at_taps(input.factor()),
            code_params: Params { scale: scale.into(), zero_point: zero_point.into() },
            fp32: told.fp32.into(),
            quantized: told.quantized.into(),
            integers: told.integers.map(Integers::from),
            codes: told.codes.iter().map(|&code| code as f64).collect(),
            largest_weight: told.largest_weight.into(),
            relu: told.relu,
            taps: told.taps.iter().map(|tap| tap.map_or(-1.0, |at| at as f64)).collect(),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerFacts {
    number: usize,
    images: Option<[usize; 3]>,
    inputs: usize,
    outputs: usize,
    multiply_adds: usize,
    arithmetic: &'static str,
    format: String,
    bits: u32,
    scales: usize,
    zero_points: usize,
    zero_point_bytes: usize,
    codebook: usize,
    range_bytes: usize,
}

impl LayerFacts {
    fn new(layer: &cost::LayerFacts) -> Self {
        let &cost::LayerFacts { number, images, inputs, outputs, multiply_adds, arithmetic, format, .. } = layer;
        let [zero_points, zero_point_bytes] = layer.zero_points;
        Self {
            number,
            images,
            inputs,
            outputs,
            multiply_adds,
            arithmetic: match arithmetic {
                Arithmetic::Integer => "integer",
                Arithmetic::Float => "float",
                Arithmetic::Double => "double",
                Arithmetic::Xnor => "xnor",
                Arithmetic::Mixed | Arithmetic::MixedXnor => "mixed",
            },
            format: format.name(),
            bits: format.bits(),
            scales: layer.scales,
            zero_points,
            zero_point_bytes,
            codebook: layer.codebook,
            range_bytes: layer.range_bytes,
        }
    }
}

/// Columns are all of one type: code for each type of list costs more than the bytes of the numbers.
type Column = Vec<f64>;

fn column<T: Copy + Into<f64>>(values: &[T]) -> Column {
    values.iter().map(|&value| value.into()).collect()
}

#[derive(Serialize)]
struct Sum {
    x: Column,
    w: Column,
    sums: Column,
    bias: f64,
    result: f64,
}

impl From<explain::Sum> for Sum {
    fn from(explain::Sum { x, w, sums, bias, result }: explain::Sum) -> Self {
        Self { x, w, sums, bias: bias.into(), result }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    scale: f64,
    zero_point: f64,
}

impl From<QParams> for Params {
    fn from(QParams { scale, zero_point, .. }: QParams) -> Self {
        Self { scale: scale.into(), zero_point: zero_point.into() }
    }
}

#[derive(Serialize)]
struct Next {
    q: f64,
    params: Params,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Integers {
    q: Column,
    params: Params,
    range: Column,
    fixed: bool,
    carried: bool,
    weights: Column,
    weight_scale: f64,
    products: Column,
    sums: Column,
    bias: Option<f64>,
    multiplier: f64,
    next: Option<Next>,
}

impl From<explain::Integers> for Integers {
    fn from(of: explain::Integers) -> Self {
        Self {
            q: column(&of.q),
            params: of.params.into(),
            range: column(&<[f32; 2]>::from(of.range)),
            fixed: of.fixed,
            carried: of.carried,
            weights: column(&of.weights),
            weight_scale: of.weight_scale.into(),
            products: column(&of.products),
            sums: column(&of.sums),
            bias: of.bias.map(f64::from),
            multiplier: of.multiplier.into(),
            next: of.next.map(|(q, params)| Next { q: q.into(), params: params.into() }),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation {
    /// −1 in the border.
    taps: Column,
    pixels: Column,
    means: Column,
    factors: Column,
    fp32: Sum,
    quantized: Sum,
    integers: Option<Integers>,
    codes: Column,
    code_params: Params,
    largest_weight: f64,
    relu: bool,
}
