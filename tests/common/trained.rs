//! Models as the page trains them, only shorter.

use quantpad::{
    data::{Dataset, Split, digits},
    nn::Model,
    train::{Architecture, Settings, SoftmaxSettings, SoftmaxTrainer, Trainer},
};

pub fn digits() -> (Dataset, Split) {
    let data = digits::load();
    let split = data.split(Split::DEFAULT_SEED);
    (data, split)
}

pub fn softmax(data: &Dataset, rows: &[u32]) -> Model {
    let mut trainer = SoftmaxTrainer::new(data, rows, SoftmaxSettings::default()).expect("valid settings");
    while !trainer.step().expect("a finite loss").done {}
    trainer.model().expect("finite coefficients")
}

pub fn network(data: &Dataset, rows: &[u32], architecture: &Architecture, epochs: usize) -> Model {
    let settings = Settings { epochs, ..architecture.settings(rows.len(), 3) };
    let mut trainer = Trainer::new(data, rows, architecture, settings).expect("valid settings");
    while !trainer.step().expect("a finite loss").is_some_and(|epoch| epoch.done) {}
    trainer.model().expect("finite weights")
}

/// One of each kind.
pub fn models(data: &Dataset, rows: &[u32]) -> [(&'static str, Model); 3] {
    [
        ("softmax", softmax(data, rows)),
        ("mlp", network(data, rows, &Architecture::Mlp(vec![32, 16]), 12)),
        ("cnn", network(data, rows, &Architecture::Cnn(vec![3, 6]), 6)),
    ]
}
