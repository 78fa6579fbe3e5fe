//! Training networks: the same bits everywhere, what is kept is chosen by validation, and it learns.

use crate::common;
use crate::common::parameters;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error,
    data::{Augmentation, Dataset, Split, digits},
    eval::metrics,
    nn::{Model, Scratch},
    train::{Architecture, Epoch, Optimizer, Settings, Trainer},
};

const SETTINGS: Settings = Settings {
    epochs: 2,
    batch: 32,
    optimizer: Optimizer::Adam,
    rate: 0.003,
    weight_decay: 1e-4,
    augmentation: Augmentation::DEFAULT,
    validation: 0.1,
    patience: 0,
    seed: 7,
};

fn train(data: &Dataset, rows: &[u32], architecture: &Architecture, settings: Settings) -> (Vec<Epoch>, Model) {
    let mut trainer = Trainer::new(data, rows, architecture, settings).expect("settings that make sense");
    let mut epochs = Vec::new();
    while !epochs.last().is_some_and(|epoch: &Epoch| epoch.done) {
        epochs.extend(trainer.step().expect("a finite loss"));
    }
    (epochs, trainer.model().expect("finite weights"))
}

#[test]
fn the_same_seed_gives_the_same_bits_in_every_build_and_engine() {
    let data = digits::load();
    let rows = &Split::seeded(data.len() as u32, 42).train[..300];
    let hashes = [
        (Architecture::Mlp(vec![]), Optimizer::Sgd { momentum: 0.9 }),
        (Architecture::Mlp(vec![32]), Optimizer::Adam),
        (Architecture::Cnn(vec![8, 16]), Optimizer::Adam),
    ]
    .map(|(architecture, optimizer)| {
        let (_, model) = train(&data, rows, &architecture, Settings { optimizer, ..SETTINGS });
        format!("{:016x}", common::hash(parameters(&model).into_iter().map(|w| w.to_bits().into())))
    });
    assert_eq!(hashes, ["112c72a0b8876837", "9d78e16619894965", "9a2d122f5554d3ea"]);
}

#[test]
fn networks_learn_the_digits() {
    let data = digits::load();
    let split = Split::seeded(data.len() as u32, 42);
    let (pixels, labels) = data.gather(&split.test);
    for (architecture, epochs, at_least) in
        [(Architecture::Mlp(vec![32]), 20, 338), (Architecture::Cnn(vec![8, 16]), 6, 340)]
    {
        let (history, model) = train(&data, &split.train, &architecture, Settings { epochs, ..SETTINGS });
        let logits = model.forward(&pixels, &mut Scratch::default()).expect("whole images").to_vec();
        let correct = metrics::accuracy(&logits, &labels).correct;
        assert!(correct >= at_least, "{architecture:?}: {correct} of 360");
        assert_eq!(history.len(), epochs);
        let (first, last) = (history[0], history[epochs - 1]);
        assert!(last.loss < first.loss / 2.0, "{architecture:?}: {first:?} to {last:?}");
        assert_eq!((last.total, last.validation_total), (1294, 143));
    }
}

#[test]
fn the_model_kept_is_the_best_on_the_validation_slice() {
    let data = digits::load();
    let rows = &Split::seeded(data.len() as u32, 1).train[..400];
    // A rate so high that the last epochs are not the best ones.
    let settings = Settings { epochs: 12, rate: 0.1, validation: 0.3, patience: 12, ..SETTINGS };
    let architecture = Architecture::Mlp(vec![16]);
    let (history, kept) = train(&data, rows, &architecture, settings);
    let best = history.iter().map(|epoch| epoch.validation_correct).max().expect("epochs");
    let first = history.iter().position(|epoch| epoch.validation_correct == best).expect("the best epoch");

    // Stopped after that epoch, or a later one as good, the same model comes out.
    let mut trainer = Trainer::new(&data, rows, &architecture, settings).expect("settings that make sense");
    let mut models = Vec::new();
    while models.len() < history.len() {
        if trainer.step().expect("a finite loss").is_some() {
            models.push(parameters(&trainer.model().expect("finite weights")));
        }
    }
    assert!(models[first..].contains(&parameters(&kept)));
    assert_eq!(models.last(), Some(&parameters(&kept)));
    assert!(first + 1 < history.len(), "the best epoch was the last: the test shows nothing");
}

#[test]
fn patience_ends_a_training_that_gets_no_better() {
    let data = digits::load();
    let rows = &Split::seeded(data.len() as u32, 1).train[..200];
    let settings = Settings { epochs: 500, patience: 3, ..SETTINGS };
    let (history, _) = train(&data, rows, &Architecture::Mlp(vec![]), settings);
    assert!(history.len() < 500, "{} epochs", history.len());
}

/// The first error of a training on 200 rows, if there is one in its two epochs.
fn refused(architecture: Architecture, settings: Settings) -> Option<Error> {
    let data = digits::load();
    let rows = &Split::seeded(data.len() as u32, 1).train[..200];
    let mut trainer = match Trainer::new(&data, rows, &architecture, settings) {
        Ok(trainer) => trainer,
        Err(error) => return Some(error),
    };
    loop {
        match trainer.step() {
            Err(error) => return Some(error),
            Ok(Some(Epoch { done: true, .. })) => return None,
            Ok(_) => {}
        }
    }
}

#[test]
fn a_loss_that_runs_away_ends_the_training_and_a_bold_rate_does_not() {
    let sgd = Optimizer::Sgd { momentum: 0.9 };
    for (optimizer, rate) in [(sgd, 100.0), (sgd, 10.0), (Optimizer::Adam, 1.0)] {
        let error = refused(Architecture::Mlp(vec![32, 16]), Settings { optimizer, rate, ..SETTINGS });
        assert!(matches!(error, Some(Error::Diverged { .. })), "{optimizer:?} at {rate}: {error:?}");
    }
    for (optimizer, rate) in [(sgd, 0.2), (Optimizer::Adam, 0.05)] {
        assert_eq!(refused(Architecture::Mlp(vec![32]), Settings { optimizer, rate, ..SETTINGS }), None);
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let setting = |change: fn(&mut Settings), architecture: Architecture| {
        let mut settings = SETTINGS;
        change(&mut settings);
        match refused(architecture, settings) {
            Some(Error::Setting { what, .. } | Error::Augmentation { what }) => what,
            other => panic!("{other:?}"),
        }
    };
    let mlp = || Architecture::Mlp(vec![8]);
    type Case = (&'static str, fn(&mut Settings), Architecture);
    let cases: [Case; 11] = [
        ("number of epochs", |s| s.epochs = 0, mlp()),
        ("batch size", |s| s.batch = 0, mlp()),
        ("learning rate", |s| s.rate = 0.0, mlp()),
        ("learning rate", |s| s.rate = f32::NAN, mlp()),
        ("momentum", |s| s.optimizer = Optimizer::Sgd { momentum: 1.0 }, mlp()),
        ("weight decay", |s| s.weight_decay = -1.0, mlp()),
        ("validation share", |s| s.validation = 0.6, mlp()),
        ("noise", |s| s.augmentation.noise = -1.0, mlp()),
        ("hidden sizes", |_| (), Architecture::Mlp(vec![32, 0])),
        ("hidden sizes", |_| (), Architecture::Mlp(vec![8; 5])),
        ("channels", |_| (), Architecture::Cnn(vec![65])),
    ];
    for (what, change, architecture) in cases {
        assert_eq!(setting(change, architecture), what);
    }
}
