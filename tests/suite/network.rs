//! Networks in training: every gradient is the slope of the loss.

#[cfg(target_arch = "wasm32")]
use crate::common::test;
use crate::common::{Random, floats};

use quantpad::{
    Error,
    data::Standardizer,
    nn::{Conv2d, Dense, Input, Layer, MaxPool2d, Model},
    train::Network,
};

fn input(side: usize) -> Input {
    Input::new(side, &Standardizer { mean: vec![0.0; side * side], std: vec![1.0; side * side] })
}

fn dense(inputs: usize, outputs: usize, random: &mut Random) -> Dense {
    Dense::new(floats(inputs * outputs, 0.4, random), floats(outputs, 0.2, random)).expect("a full layer")
}

fn conv(shape: [usize; 3], outputs: usize, random: &mut Random) -> Conv2d {
    let weight = floats(outputs * 9 * shape[2], 0.4, random);
    Conv2d::new(shape, weight, floats(outputs, 0.2, random)).expect("full filters")
}

/// Every kind of layer, first, in the middle and last, with and without ReLU.
fn networks() -> Vec<(&'static str, Model)> {
    let mut random = Random::new(1);
    let random = &mut random;
    let softmax = vec![Layer::Dense(dense(36, 10, random))];
    let mlp = vec![
        Layer::Dense(dense(36, 13, random).with_relu()),
        Layer::Dense(dense(13, 7, random)),
        Layer::Dense(dense(7, 10, random)),
    ];
    let cnn = vec![
        Layer::Conv2d(conv([6, 6, 1], 5, random).with_relu()),
        Layer::Conv2d(conv([6, 6, 5], 4, random)),
        Layer::MaxPool2d(MaxPool2d { shape: [6, 6, 4] }),
        Layer::Dense(dense(36, 10, random)),
    ];
    [("softmax", softmax), ("mlp", mlp), ("cnn", cnn)]
        .map(|(name, layers)| (name, Model::new(input(6), layers).expect("a whole model")))
        .into()
}

#[test]
fn the_gradient_of_every_layer_is_the_slope_of_the_loss() {
    let mut random = Random::new(2);
    for (name, model) in networks() {
        for rows in [1, 5, 9] {
            let x = floats(rows * 36, 1.0, &mut random);
            let labels: Vec<u8> = (0..rows).map(|_| random.byte() % 10).collect();
            let mut network = Network::new(&model);
            network.learn(&x, &labels).expect("whole images");
            let layers = network.parameters().count();
            for layer in 0..layers {
                // Along a random direction through all parameters of the layer, and along its gradient.
                for along_gradient in [false, true] {
                    let slope = |step: f32, random: &mut Random| {
                        let mut moved = Network::new(&model);
                        moved.learn(&x, &labels).expect("whole images");
                        let mut product = 0.0;
                        let (parameters, gradient) = moved.parameters().nth(layer).expect("the layer");
                        let values = parameters.weight.iter_mut().chain(&mut parameters.bias);
                        for (value, &g) in values.zip(gradient.weight.iter().chain(&gradient.bias)) {
                            let direction = if along_gradient { g } else { random.float() };
                            *value += step * direction;
                            product += f64::from(direction) * f64::from(g);
                        }
                        (moved.learn(&x, &labels).expect("whole images").0 / rows as f64, product)
                    };
                    // A step that takes a ReLU or a maximum to its other side measures another slope, a tiny one only
                    // rounding: one of them must find the gradient's.
                    let seed = random.next();
                    let measured = [3e-3, 1e-3, 3e-4, 1e-4].map(|step: f32| {
                        let (above, product) = slope(step, &mut Random::new(seed));
                        let (below, _) = slope(-step, &mut Random::new(seed));
                        ((above - below) / (2.0 * f64::from(step)), product)
                    });
                    let near =
                        |&(measured, product): &(f64, f64)| (measured - product).abs() < 0.01 * product.abs() + 4e-3;
                    let what = format!("{name}, {rows} rows, layer {layer}, along the gradient: {along_gradient}");
                    assert!(measured.iter().any(near), "{what}: {measured:?}");
                }
            }
        }
    }
}

#[test]
fn the_logits_in_training_are_those_of_the_model() {
    let mut random = Random::new(3);
    for (name, model) in networks() {
        let x = floats(7 * 36, 1.0, &mut random);
        let mut network = Network::new(&model);
        let logits = network.forward(&x, 7).to_vec();
        let mut scratch = quantpad::nn::Scratch::default();
        let wanted = model.forward(&x, &mut scratch).expect("whole images");
        assert!(logits.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-4), "{name}");
        assert_eq!(network.model(input(6)), Ok(model), "{name}: the parameters come back");
    }
}

#[test]
fn a_batch_that_is_not_as_long_as_its_labels_is_refused() {
    for (_, model) in networks() {
        let refused = Network::new(&model).learn(&[0.0; 36], &[1, 2]);
        assert_eq!(refused, Err(Error::Shape { what: "batch of images", expected: 72, found: 36 }));
    }
}

#[test]
fn a_gradient_holds_nothing_of_the_batch_before() {
    let mut random = Random::new(4);
    for (name, model) in networks() {
        let (x, other) = (floats(5 * 36, 1.0, &mut random), floats(9 * 36, 1.0, &mut random));
        let mut network = Network::new(&model);
        let mut gradient = |x: &[f32], labels: &[u8]| {
            network.learn(x, labels).expect("whole images");
            network.parameters().map(|(_, gradient)| gradient.clone()).collect::<Vec<_>>()
        };
        let first = gradient(&x, &[1, 2, 3, 4, 5]);
        gradient(&other, &[9; 9]);
        assert_eq!(gradient(&x, &[1, 2, 3, 4, 5]), first, "{name}");
    }
}
