//! Measuring the kernels themselves on the visitor's machine: products of any size, and the ceiling of the multipliers.

use core::hint::black_box;

use wasm_bindgen::prelude::*;

use super::{
    clock,
    dto::{self, to_js},
};
use crate::{
    eval::timing,
    kernels::{self, Activations, BitRows, DotPath, PackedBits, PackedF32, PackedI8, Rounding, Rows, Sink},
    random::Random,
};

/// So many times faster multiply and add must be to be preferred: noise shall not decide.
const MARGIN: f64 = 1.1;

/// Times products in this build.
#[wasm_bindgen]
pub struct Bench {
    step: f64,
    shortest: f64,
    samples: usize,
}

#[wasm_bindgen]
impl Bench {
    /// `samples` pairs of samples of at least `shortest` milliseconds each.
    #[wasm_bindgen(constructor)]
    pub fn new(samples: usize, shortest: f64) -> Self {
        Self { step: timing::clock_step(clock::now), shortest, samples }
    }

    /// `[rows, inputs]` times `[inputs, outputs]` in fp32 (side a) and in int8 (u8 times i8 to i32, side b), in turn.
    #[wasm_bindgen(unchecked_return_type = "Pair")]
    pub fn product(&self, rows: usize, inputs: usize, outputs: usize) -> Result<JsValue, JsValue> {
        let mut random = Random::new(1);
        let mut number = || random.bits() as u8;
        let floats: Vec<f32> = (0..inputs * outputs).map(|_| f32::from(number()) / 256.0 - 0.5).collect();
        let w = PackedF32::new(&floats, inputs, &vec![0.0; outputs])?;
        drop(floats);
        let integers: Vec<i8> = (0..inputs * outputs).map(|_| number() as i8).collect();
        let w_i8 = PackedI8::new(&integers, inputs, outputs)?;
        drop(integers);
        let x: Vec<f32> = (0..rows * inputs).map(|_| f32::from(number())).collect();
        let mut x_u8 = Activations::default();
        x_u8.reset(w_i8.path(), rows, w_i8.stride());
        for (r, x) in x.chunks_exact(inputs.max(1)).enumerate() {
            x_u8.quantize_row(r, x, None, 1.0, 128);
        }
        let (mut out, mut sums) = (vec![0.0; rows * outputs], vec![0; rows * outputs]);
        let rounding = Rounding::of_inference();
        let multiply_f32 = || {
            let x = Rows::dense(black_box(&x), rows, inputs, inputs);
            kernels::multiply_f32(&x, &w, rounding, false, black_box(&mut out));
        };
        let multiply_i8 = || kernels::multiply(black_box(&x_u8), &w_i8, Sink::Sums(black_box(&mut sums)));
        to_js(&dto::Pair::from(self.pair(multiply_f32, multiply_i8)))
    }

    /// `[rows, inputs]` times `[inputs, outputs]` of bits, by XNOR and popcount, to fp32.
    #[wasm_bindgen(js_name = bitProduct, unchecked_return_type = "Timing")]
    pub fn bit_product(&self, rows: usize, inputs: usize, outputs: usize) -> Result<JsValue, JsValue> {
        let mut random = Random::new(1);
        let mut bits = |count: usize| {
            let bytes: Vec<u8> = (0..(count * inputs).div_ceil(8)).map(|_| random.bits() as u8).collect();
            BitRows::from_packed(&bytes, count, inputs)
        };
        let (x, w) = (bits(rows), PackedBits::new(bits(outputs), vec![1.0; outputs], vec![0.0; outputs]));
        let mut out = vec![0.0; rows * outputs];
        let multiply = || kernels::multiply_bits(black_box(&x), &w, false, black_box(&mut out));
        to_js(&dto::Timing::from(timing::one(self.samples, self.shortest, self.step, clock::now, multiply)))
    }

    /// Multiplications a nanosecond that the instructions allow, by name; empty in a build without SIMD.
    #[wasm_bindgen(unchecked_return_type = "Ceiling[]")]
    pub fn ceilings(&self) -> Result<JsValue, JsValue> {
        const STEPS: usize = 10_000;
        let operands: Vec<f32> = (0..32).map(|i| 0.5 + i as f32 * 1e-3).collect();
        let ceiling = |(number, &name): (usize, &&'static str)| {
            let run = || black_box(kernels::run_ceiling(number, black_box(&operands), black_box(STEPS)));
            let (_, products) = run();
            let time = timing::one(self.samples, self.shortest, self.step, clock::now, || {
                run();
            });
            dto::Ceiling { name, products_per_ns: products as f64 / time.median_ns }
        };
        to_js(&kernels::CEILINGS.iter().enumerate().map(ceiling).collect::<Vec<_>>())
    }

    /// Times the fused multiply-add against multiply and add, takes the faster one for inference in this instance, and
    /// tells it: in some engines the fused instruction is the slower one.
    #[wasm_bindgen(js_name = chooseRounding)]
    pub fn choose_rounding(&self) -> Result<String, JsValue> {
        let (rows, inputs, outputs) = (24, 64, 32);
        let w = PackedF32::new(&vec![0.5; inputs * outputs], inputs, &vec![0.0; outputs])?;
        let x = vec![0.25; rows * inputs];
        let (mut a, mut b) = (vec![0.0; rows * outputs], vec![0.0; rows * outputs]);
        let multiply = |rounding: Rounding, out: &mut [f32]| {
            kernels::multiply_f32(
                &Rows::dense(black_box(&x), rows, inputs, inputs),
                &w,
                rounding,
                false,
                black_box(out),
            );
        };
        // A fresh instance runs code that its engine is still compiling better: the first round is for that.
        let mut time = || self.pair(|| multiply(Rounding::Fused, &mut a), || multiply(Rounding::Separate, &mut b));
        let _ = time();
        let faster = if time().ratio > MARGIN { Rounding::Separate } else { Rounding::Fused };
        faster.use_for_inference();
        Ok(faster.name().into())
    }

    /// Which way of multiplying integers this engine takes.
    pub fn path(&self) -> String {
        DotPath::of_this_engine().name().into()
    }

    fn pair(&self, a: impl FnMut(), b: impl FnMut()) -> timing::Pair {
        timing::pair(self.samples, self.shortest, self.step, clock::now, a, b)
    }
}
