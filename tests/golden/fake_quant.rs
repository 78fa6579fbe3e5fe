//! Fake quantization, its gradient and a training with it beside PyTorch's.

use crate::common::shared::{double, float, floats, integer, integers, list, reference};
use quantpad::{
    data::{CLASSES, Standardizer},
    nn::{Dense, Input, Layer, Model},
    quant::{Axes, Method, NumberFormat, Scheme, Symmetry, affine::QParams, fake_quant},
    train::{Descent, Network, Optimizer},
};
use serde_json::Value;

fn number(value: &Value) -> i32 {
    integer(value) as i32
}

/// Checks values and gradients of one scale.
fn check(params: QParams, [x, y, upstream, gradient]: [&[f32]; 4], what: &str) {
    let mut found = vec![0.0; x.len()];
    fake_quant::fake_quantize(params, x, &mut found);
    assert_eq!(found, y, "{what}: values");
    found.copy_from_slice(upstream);
    fake_quant::straight_through(params, x, &mut found);
    assert_eq!(found, gradient, "{what}: gradient");
}

#[test]
fn values_and_gradients_are_pytorchs() {
    let Some(data) = reference("fakequant") else { return };
    for case in list(&data["per_tensor"]) {
        let [qmin, qmax, zero_point] = ["qmin", "qmax", "zero_point"].map(|key| number(&case[key]));
        let params = QParams { scale: float(&case["scale_bits"]), zero_point, qmin, qmax };
        let lists = ["x_bits", "y_bits", "upstream_bits", "grad_bits"].map(|key| floats(&case[key]));
        check(params, lists.each_ref().map(|list| &list[..]), case["name"].as_str().expect("a name"));
    }
    for case in list(&data["per_channel"]) {
        let [qmin, qmax] = ["qmin", "qmax"].map(|key| number(&case[key]));
        let (shape, axis) = (integers(&case["shape"]), number(&case["axis"]));
        let lists = ["x_bits", "y_bits", "upstream_bits", "grad_bits"].map(|key| floats(&case[key]));
        let stride: i64 = shape[axis as usize + 1..].iter().product();
        for (channel, scale) in floats(&case["scale_bits"]).into_iter().enumerate() {
            let params = QParams { scale, zero_point: 0, qmin, qmax };
            let of_channel = |list: &Vec<f32>| -> Vec<f32> {
                let place = |i: usize| i / stride as usize % shape[axis as usize] as usize;
                list.iter().enumerate().filter(|(i, _)| place(*i) == channel).map(|(_, &v)| v).collect()
            };
            let lists = lists.each_ref().map(of_channel);
            check(params, lists.each_ref().map(|list| &list[..]), &format!("channel {channel} of axis {axis}"));
        }
    }
}

fn near(found: &[f32], wanted: &[f32], what: &str) {
    let largest = wanted.iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() <= 1e-6 * largest, "{what}: {found:e} for {wanted:e}");
    }
}

/// The networks here have ten classes: those that PyTorch's example has not are given no probability.
#[test]
fn three_steps_of_training_are_pytorchs() {
    let Some(data) = reference("fakequant") else { return };
    let case = &data["qat_sgd"];
    let [rows, inputs, classes, qmin, qmax] =
        ["rows", "inputs", "classes", "qmin", "qmax"].map(|key| number(&case[key]));
    assert_eq!((qmin, qmax), NumberFormat::Int4.range(Symmetry::Symmetric));
    let (rows, inputs, classes) = (rows as usize, inputs as usize, classes as usize);
    let (mut weight, mut bias) = (floats(&case["w0_bits"]), floats(&case["b0_bits"]));
    weight.resize(CLASSES * inputs, 0.0);
    bias.resize(CLASSES, -1e4);
    let input = Input::new(inputs, &Standardizer { mean: vec![0.0; inputs], std: vec![1.0; inputs] });
    let layer = Dense::new(weight, bias).expect("a full layer");
    let mut network = Network::new(&Model::new(input, vec![Layer::Dense(layer)]).expect("a model"));
    let int4 =
        Scheme::new(Axes { method: Method::Qat, ..Axes::weights(NumberFormat::Int4) }).expect("a sensible scheme");
    network.quantize(&int4).expect("finite weights");
    let mut descent = Descent::new(Optimizer::Sgd { momentum: 0.0 }, 0.0);
    let labels: Vec<u8> = integers(&case["y"]).into_iter().map(|label| label as u8).collect();
    let x = floats(&case["x_bits"]);
    for step in list(&case["steps"]) {
        let (loss, _) = network.learn(&x, &labels).expect("whole rows");
        near(&[(loss / rows as f64) as f32], &[float(&step["loss_bits"])], "loss");
        let (_, gradient) = network.parameters().next().expect("the layer");
        near(&gradient.weight[..classes * inputs], &floats(&step["grad_w_bits"]), "gradient of the weights");
        near(&gradient.bias[..classes], &floats(&step["grad_b_bits"]), "gradient of the bias");
        descent.step(network.parameters(), double(&case["learning_rate"]) as f32);
    }
    let (parameters, _) = network.parameters().next().expect("the layer");
    near(&parameters.weight[..classes * inputs], &floats(&case["w3_bits"]), "weights");
    near(&parameters.bias[..classes], &floats(&case["b3_bits"]), "bias");
}
