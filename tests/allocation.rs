//! An inference allocates nothing once its scratch has grown.
#![cfg(not(target_arch = "wasm32"))]
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use quantpad::{
    data::Standardizer,
    nn::{Input, Model, Scratch, zoo},
    quant::{NumberFormat, QuantizedModel, Scheme},
    random::Random,
};

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: promised by the caller.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(mut work: impl FnMut()) -> usize {
    // The buffers change places from layer to layer: each of them grows to the largest in a few calls.
    (0..4).for_each(|_| work());
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

fn models() -> [(&'static str, Model); 3] {
    let input = || Input::new(8, &Standardizer { mean: vec![4.9; 64], std: vec![6.0; 64] });
    let mut random = Random::new(1);
    let mut normal = || random.normal();
    [
        ("softmax", zoo::mlp(input(), &[], &mut normal)),
        ("mlp", zoo::mlp(input(), &[32], &mut normal)),
        ("cnn", zoo::cnn(input(), &[8, 16], &mut normal)),
    ]
    .map(|(name, model)| (name, model.expect("a whole model")))
}

#[test]
fn an_inference_allocates_nothing() {
    let pixels: Vec<f32> = (0..5 * 64).map(|i| (i * 7 % 17) as f32).collect();
    for (name, model) in models() {
        for rows in [1, 5] {
            let pixels = &pixels[..rows * 64];
            let mut scratch = Scratch::default();
            let count = allocations(|| drop(model.forward(pixels, &mut scratch).map(<[f32]>::len)));
            assert_eq!(count, 0, "{name} in fp32, {rows} images");
            let mixed = Scheme::INT8_DYNAMIC_PER_CHANNEL.with_last(NumberFormat::F16).expect("a scheme");
            let whole = [Scheme::INT8_DYNAMIC_PER_CHANNEL, Scheme::INT8_STATIC_PER_TENSOR];
            for scheme in whole.into_iter().chain([Scheme::BINARY_PER_CHANNEL, Scheme::F64, mixed]) {
                let quantized = QuantizedModel::quantize(&model, scheme, pixels).expect("a small model");
                let mut scratch = Scratch::default();
                let count = allocations(|| drop(quantized.forward(pixels, &mut scratch).map(<[f32]>::len)));
                assert_eq!(count, 0, "{name} in {}, {rows} images", scheme.name());
            }
        }
    }
}
