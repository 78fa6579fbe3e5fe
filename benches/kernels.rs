//! The scalar kernels natively (the specification; the SIMD ones are timed in a browser by `./build.sh bench`):
//! `cargo bench`.

#![cfg_attr(target_arch = "wasm32", no_main)]
#![cfg(not(target_arch = "wasm32"))]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quantpad::kernels::{self, Activations, Border, DotPath, PackedF32, PackedI8, Patches, Rounding, Rows, Sink};

fn weights(n: usize) -> (Vec<i8>, Vec<f32>) {
    let integers: Vec<i8> = (0..n).map(|i| (i * 37 % 255) as u8 as i8).collect();
    let floats = integers.iter().copied().map(f32::from).collect();
    (integers, floats)
}

fn activations(rows: usize, stride: usize) -> Activations {
    let mut x = Activations::default();
    x.reset(DotPath::of_this_engine(), rows, stride);
    (0..rows).for_each(|r| x.set_row(r, &vec![200; stride], 3));
    x
}

/// One softmax inference and the same layer on the 360 test images; a single row and a square matrix.
fn products(c: &mut Criterion) {
    for (rows, inputs, outputs) in [(1, 64, 10), (360, 64, 10), (1, 256, 256), (256, 256, 256)] {
        let (integers, floats) = weights(inputs * outputs);
        let mut group = c.benchmark_group(format!("{rows}x{inputs}x{outputs}"));
        group.throughput(Throughput::Elements((rows * inputs * outputs) as u64));

        let w = PackedF32::new(&floats, inputs, &vec![0.0; outputs]).expect("a full matrix");
        let (x, mut out) = (vec![0.5; rows * inputs], vec![0.0; rows * outputs]);
        let rows_of_x = Rows::dense(&x, rows, inputs, inputs);
        group.bench_function("f32", |b| {
            b.iter(|| kernels::multiply_f32(&rows_of_x, &w, Rounding::Separate, false, &mut out));
        });

        let w = PackedI8::new(&integers, inputs, outputs).expect("a full matrix");
        let (x, mut out) = (activations(rows, w.stride()), vec![0; rows * outputs]);
        group.bench_function("int8", |b| b.iter(|| kernels::multiply(&x, &w, Sink::Sums(&mut out))));
    }
}

/// The second convolution of the CNN: 8x8 pixels, 8 channels to 16.
fn convolutions(c: &mut Criterion) {
    let (shape, outputs) = ([8, 8, 8], 16);
    let (integers, floats) = weights(9 * shape[2] * outputs);
    let mut group = c.benchmark_group("conv 8x8x8-16");
    group.throughput(Throughput::Elements((64 * integers.len()) as u64));
    let mut border = Border::default();

    let patches = Patches::new(shape, 1);
    let w = PackedF32::new(&floats, patches.inputs(), &vec![0.0; outputs]).expect("full filters");
    let (x, mut out) = (vec![0.5; 512], vec![0.0; 64 * outputs]);
    group.bench_function("f32", |b| {
        b.iter(|| {
            let floats = &mut border.floats;
            kernels::convolve_f32(&x, &patches, (floats, 0.0), &w, Rounding::Separate, true, &mut out);
        });
    });

    let patches = Patches::new(shape, 4);
    let w = PackedI8::new(&patches.spread(&integers), patches.inputs(), outputs).expect("full filters");
    let (x, mut out) = (activations(1, 512), vec![0; 64 * outputs]);
    group.bench_function("int8", |b| {
        b.iter(|| kernels::convolve(&x, &patches, &mut border, &w, Sink::Sums(&mut out)));
    });
}

criterion_group!(benches, products, convolutions);
criterion_main!(benches);
