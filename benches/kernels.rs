//! The scalar kernels natively (the specification; the SIMD ones are timed in a browser by `./build.sh bench`):
//! `cargo bench`.

#![cfg_attr(target_arch = "wasm32", no_main)]
#![cfg(not(target_arch = "wasm32"))]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quantpad::kernels::{self, PackedF32, PackedI8};

fn products(c: &mut Criterion) {
    // One softmax inference, and the same layer on the 360 test images.
    let (inputs, outputs) = (64, 10);
    let w: Vec<i8> = (0..inputs * outputs).map(|i| (i * 37 % 255) as u8 as i8).collect();
    let packed_i8 = PackedI8::new(&w, inputs, outputs).expect("a full matrix");
    let w: Vec<f32> = w.into_iter().map(f32::from).collect();
    let packed_f32 = PackedF32::new(&w, inputs, outputs).expect("a full matrix");
    for rows in [1, 360] {
        let mut group = c.benchmark_group(format!("64-10 x {rows}"));
        group.throughput(Throughput::Elements((rows * inputs * outputs) as u64));
        let (x, bias) = (vec![0.5; rows * inputs], [0.0; 10]);
        let mut out = vec![0.0; rows * outputs];
        group.bench_function("f32", |b| b.iter(|| kernels::gemm_f32(&x, &packed_f32, &bias, &mut out)));
        let (x, zero_points) = (vec![200; rows * packed_i8.stride()], vec![3; rows]);
        let mut out = vec![0; rows * outputs];
        group.bench_function("int8", |b| b.iter(|| kernels::gemm_u8i8(&x, &zero_points, &packed_i8, &mut out)));
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
