//! What a search loses on images that it never saw, over seeded splits: `cargo run --release --example search -- mlp 3 1`
//! (network, splits, points that may be lost); the best mixed and the best uniform scheme.

use quantpad::{
    data::{Dataset, Split, digits},
    eval::metrics,
    nn::{Model, Scratch},
    quant::{ActivationMode, QuantizedModel, Scheme, search::Search},
    train::{Architecture, SoftmaxSettings, SoftmaxTrainer, Trainer},
};

fn fp32(architecture: &str, data: &Dataset, rows: &[u32], seed: u32) -> Model {
    let network = match architecture {
        "softmax" => {
            let mut trainer = SoftmaxTrainer::new(data, rows, SoftmaxSettings::default()).expect("settings");
            while !trainer.step().expect("a finite loss").done {}
            return trainer.model().expect("finite weights");
        }
        "mlp" => Architecture::usual_mlp(rows.len()),
        _ => Architecture::usual_cnn(),
    };
    let mut trainer = Trainer::new(data, rows, &network, network.settings(rows.len(), seed)).expect("settings");
    while !trainer.step().expect("a finite loss").is_some_and(|epoch| epoch.done) {}
    trainer.model().expect("finite weights")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize| arguments.get(i).and_then(|a| a.parse::<f64>().ok()).expect("network, splits, points");
    let (splits, points) = (number(1) as u32, number(2));
    let data = digits::load();
    let mut scratch = Scratch::default();
    for seed in 0..splits {
        let split = Split::seeded(data.len() as u32, seed);
        let model = fp32(&arguments[0], &data, &split.train, seed);
        let (test, test_labels) = data.gather(&split.test);
        let start = std::time::Instant::now();
        let mut search =
            Search::new(model.clone(), ActivationMode::Dynamic, &[], &data, &split.train, points).expect("images");
        while !search.step().expect("finite activations") {}
        let seconds = start.elapsed().as_secs_f64();
        let mut right = |scheme| {
            let twin = QuantizedModel::quantize(&model, scheme, &[]).expect("a known scheme");
            metrics::of_quantized(&twin, &test, &test_labels, &mut scratch).expect("whole images").correct
        };
        let exact = right(Scheme::F32);
        for one in [search.best(), search.best_uniform()].into_iter().flatten() {
            println!(
                "seed {seed}: {} B, {:.2} points lost in the search, {:.2} in the test, {} ({} schemes, {seconds:.1} s)",
                one.bytes,
                100.0 * search.lost(&one) as f64 / split.train.len() as f64,
                100.0 * (exact as f64 - right(one.scheme) as f64) / test_labels.len() as f64,
                one.scheme.name(),
                search.measured().len(),
            );
        }
    }
}
