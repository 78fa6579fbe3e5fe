//! What one augmented image costs natively, by size and by what is switched on: `cargo bench --bench augment`.

#![cfg_attr(target_arch = "wasm32", no_main)]
#![cfg(not(target_arch = "wasm32"))]

use criterion::{Criterion, criterion_group, criterion_main};
use quantpad::{
    data::{Augmentation, Augmenter},
    random::Random,
};

fn images(c: &mut Criterion) {
    let (none, default) = (Augmentation::NONE, Augmentation::DEFAULT);
    let strengths = [
        ("none", none),
        ("affine", Augmentation { elastic: 0.0, noise: 0.0, ..default }),
        ("elastic", Augmentation { elastic: default.elastic, ..none }),
        ("noise", Augmentation { noise: default.noise, ..none }),
        ("thickness", Augmentation { thickness: 0.5 / 8.0, ..none }),
        ("default", default),
    ];
    for side in [8, 28] {
        let mut group = c.benchmark_group(format!("augment {side}x{side}"));
        let image: Vec<f32> = (0..side * side).map(|i| (i * 37 % 17) as f32).collect();
        let mut out = vec![0.0; image.len()];
        for (name, strengths) in strengths {
            let mut augmenter = Augmenter::new(side, side, 16, strengths).expect("accepted strengths");
            let mut random = Random::new(1);
            group.bench_function(name, |b| b.iter(|| augmenter.apply(&image, &mut random, &mut out)));
        }
    }
}

criterion_group!(benches, images);
criterion_main!(benches);
