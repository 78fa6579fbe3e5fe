//! What the page uses, on a real canvas in a real browser: the pad, the predictor and the lab.
#![cfg(target_arch = "wasm32")]

use std::{cell::Cell, rc::Rc};

use js_sys::{Array, Float32Array, Function, JSON, Reflect};
use quantpad::data::digits;
use quantpad::web::{Explainer, First, Lab, Pad, Predictor, network_defaults, time_models};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_test::{wasm_bindgen_test as test, wasm_bindgen_test_configure};
use web_sys::{HtmlCanvasElement, PointerEvent, PointerEventInit};

wasm_bindgen_test_configure!(run_in_browser);

const SIDE: f64 = 200.0;

fn new_lab() -> Lab {
    Lab::new(digits::PACKED).expect("the digits")
}

/// A pad on a canvas of 200 CSS pixels in the document, and how often it has told of a change.
struct Bench {
    canvas: HtmlCanvasElement,
    pad: Pad,
    changes: Rc<Cell<usize>>,
    _on_change: Closure<dyn FnMut()>,
}

impl Bench {
    fn new() -> Self {
        let document = web_sys::window().expect("a page").document().expect("a document");
        let canvas: HtmlCanvasElement = document.create_element("canvas").expect("an element").unchecked_into();
        canvas.set_attribute("style", "width:200px;height:200px;position:absolute;left:0;top:0").expect("an attribute");
        document.body().expect("a body").append_child(&canvas).expect("in the page");
        let changes = Rc::new(Cell::new(0));
        let on_change = {
            let changes = changes.clone();
            Closure::<dyn FnMut()>::new(move || changes.set(changes.get() + 1))
        };
        let function: &Function = on_change.as_ref().unchecked_ref();
        let pad = Pad::new(canvas.clone(), function.clone()).expect("a 2D canvas");
        Self { canvas, pad, changes, _on_change: on_change }
    }

    /// Sends the canvas a pointer event at a place in shares of the canvas.
    fn send(&self, kind: &str, pointer: i32, [x, y]: [f64; 2]) {
        let bounds = self.canvas.get_bounding_client_rect();
        let init = PointerEventInit::new();
        init.set_pointer_id(pointer);
        init.set_client_x((bounds.left() + x * SIDE) as i32);
        init.set_client_y((bounds.top() + y * SIDE) as i32);
        let event = PointerEvent::new_with_event_init_dict(kind, &init).expect("an event");
        self.canvas.dispatch_event(&event).expect("sent");
    }

    fn draw(&self, pointer: i32, points: &[[f64; 2]]) {
        self.send("pointerdown", pointer, points[0]);
        points.iter().for_each(|&point| self.send("pointermove", pointer, point));
        self.send("pointerup", pointer, points[points.len() - 1]);
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.canvas.remove();
    }
}

fn found(value: &JsValue, path: &str) -> JsValue {
    path.split('.').fold(value.clone(), |value, key| Reflect::get(&value, &key.into()).expect("an object"))
}

fn numbers(value: &JsValue, path: &str) -> Vec<f64> {
    Array::from(&found(value, path)).iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn number(value: &JsValue, path: &str) -> f64 {
    let found = found(value, path);
    found.as_f64().unwrap_or_else(|| panic!("{path} is no number in {:?}", JSON::stringify(value)))
}

#[test]
fn pointer_events_become_strokes_and_an_image() {
    let bench = Bench::new();
    assert_eq!((bench.pad.strokes(), bench.pad.images()), (0, None));
    bench.draw(1, &[[0.5, 0.1], [0.5, 0.5], [0.5, 0.9]]);
    assert_eq!(bench.pad.strokes(), 1);
    assert!(bench.changes.get() >= 3, "told {} times", bench.changes.get());
    let images = bench.pad.images().expect("a drawing");
    assert_eq!(images.len(), 4 * 64);
    let image = &images[..64];
    assert!(image.iter().all(|p| (0.0..=16.0).contains(p)) && image.iter().sum::<f32>() > 100.0, "{image:?}");
}

#[test]
fn a_second_finger_ends_the_stroke_and_draws_nothing() {
    let bench = Bench::new();
    bench.send("pointerdown", 1, [0.2, 0.2]);
    bench.send("pointermove", 1, [0.4, 0.4]);
    bench.send("pointerdown", 2, [0.8, 0.8]);
    let image = bench.pad.images();
    bench.send("pointermove", 2, [0.9, 0.1]);
    bench.send("pointermove", 1, [0.1, 0.9]);
    assert_eq!((bench.pad.strokes(), bench.pad.images()), (1, image.clone()), "neither finger draws on");
    bench.send("pointerup", 2, [0.9, 0.1]);
    bench.send("pointermove", 1, [0.1, 0.9]);
    assert_eq!((bench.pad.strokes(), bench.pad.images()), (1, image), "the first finger's stroke has ended");
    bench.send("pointerup", 1, [0.1, 0.9]);
    bench.draw(3, &[[0.1, 0.1], [0.2, 0.9]]);
    assert_eq!(bench.pad.strokes(), 2, "with all fingers up, drawing goes on");
}

#[test]
fn a_pointer_that_is_cancelled_or_lost_ends_its_stroke() {
    for kind in ["pointercancel", "lostpointercapture"] {
        let bench = Bench::new();
        bench.send("pointerdown", 1, [0.2, 0.2]);
        bench.send(kind, 1, [0.3, 0.3]);
        bench.send("pointermove", 1, [0.9, 0.9]);
        bench.draw(2, &[[0.5, 0.1], [0.5, 0.9]]);
        assert_eq!(bench.pad.strokes(), 2, "after {kind}");
    }
}

#[test]
fn undo_redo_and_clear_change_the_image() {
    let bench = Bench::new();
    bench.draw(1, &[[0.5, 0.1], [0.5, 0.9]]);
    let one = bench.pad.images();
    bench.draw(1, &[[0.1, 0.5], [0.9, 0.5]]);
    let two = bench.pad.images();
    bench.pad.undo();
    assert_eq!((bench.pad.strokes(), bench.pad.images()), (1, one));
    bench.pad.redo();
    assert_eq!(bench.pad.images(), two);
    bench.pad.clear();
    assert_eq!((bench.pad.strokes(), bench.pad.images()), (0, None));
    assert!(bench.pad.can_undo() && !bench.pad.can_redo());
    bench.pad.undo();
    assert_eq!(bench.pad.images(), two);
}

#[test]
fn a_test_image_stands_in_for_a_drawing_until_the_first_stroke() {
    let bench = Bench::new();
    bench.draw(1, &[[0.5, 0.1], [0.5, 0.9]]);
    let drawn = bench.pad.images();
    let image: Vec<f32> = (0..64).map(|i| (i % 17) as f32).collect();
    bench.pad.show(&image).expect("64 pixels");
    assert_eq!((bench.pad.strokes(), bench.pad.images()), (0, Some(image.clone())));
    bench.pad.undo();
    assert_eq!(bench.pad.images(), drawn, "what was drawn before comes back");
    bench.pad.show(&image).expect("64 pixels");
    bench.draw(1, &[[0.5, 0.1], [0.5, 0.9]]);
    assert_eq!((bench.pad.strokes(), bench.pad.images()), (1, drawn));
    bench.pad.show(&image).expect("64 pixels");
    bench.pad.clear();
    assert_eq!(bench.pad.images(), None);
    assert!(bench.pad.show(&[0.0; 63]).is_err());
}

#[test]
fn the_canvas_is_as_sharp_as_the_screen() {
    let bench = Bench::new();
    bench.pad.render();
    let density = web_sys::window().expect("a page").device_pixel_ratio();
    assert_eq!(f64::from(bench.canvas.width()), (SIDE * density).round());
}

#[test]
fn a_pad_that_is_gone_listens_no_more() {
    let bench = Bench::new();
    let (canvas, changes) = (bench.canvas.clone(), bench.changes.clone());
    let Bench { pad, .. } = &bench;
    assert_eq!(pad.strokes(), 0);
    drop(bench);
    let event = PointerEvent::new("pointerdown").expect("an event");
    canvas.dispatch_event(&event).expect("sent");
    assert_eq!(changes.get(), 0);
}

/// What the page asks for, with some numbers changed: of the request, its `network` or that one's `augmentation`.
fn request(model: &str, changes: &[(&str, f64)]) -> JsValue {
    let network = network_defaults("mlp", 1437).expect("a network");
    let augmentation = Reflect::get(&network, &"augmentation".into()).expect("strengths");
    let request = js_sys::Object::new().into();
    let set =
        |target: &JsValue, key: &str, value: JsValue| Reflect::set(target, &key.into(), &value).expect("an object");
    set(&request, "model", model.into());
    set(&request, "seed", 42.into());
    set(&request, "c", 1.into());
    set(&request, "augment", false.into());
    set(&request, "network", network.clone());
    for &(key, value) in changes {
        let places = [&request, &network, &augmentation];
        let place = places.into_iter().find(|place| Reflect::has(place, &key.into()).expect("an object"));
        set(place.expect("a known key"), key, value.into());
    }
    request
}

/// Trains to the end; returns the reports.
fn train(lab: &mut Lab, request: &JsValue) -> Vec<JsValue> {
    lab.start(request.unchecked_ref()).expect("settings that make sense");
    let mut reports = Vec::new();
    loop {
        let report = lab.step(50.0, false).expect("a finite loss");
        let done = Reflect::get(&report, &"done".into()).expect("a report").is_truthy();
        reports.push(report);
        if done {
            return reports;
        }
    }
}

/// A fast training, both files.
fn trained() -> (Lab, Vec<u8>, Vec<u8>) {
    let mut lab = new_lab();
    train(&mut lab, &request("softmax", &[("c", 0.1)]));
    let fp32 = lab.model().expect("a model");
    let quantized = lab.quantize(&fp32, "int8-dynamic-per-channel", 42, 256, 0, "none").expect("a scheme");
    (lab, fp32, quantized)
}

#[test]
fn the_predictor_answers_with_both_models() {
    let (_, fp32, quantized) = trained();
    let mut predictor = Predictor::new(&fp32, &quantized).expect("whole files");
    let data = digits::load();
    for row in [0, 1, 2, 3] {
        let (image, labels) = data.gather(&[row]);
        let answers = predictor.predict(&image).expect("an answer");
        for side in ["fp32", "quantized"] {
            assert_eq!(number(&answers, &format!("{side}.digit")), f64::from(labels[0]));
            let probabilities = Reflect::get(&answers, &side.into()).expect("a side");
            let probabilities = Reflect::get(&probabilities, &"probabilities".into()).expect("a list");
            let sum: f32 = Float32Array::new(&probabilities).to_vec().iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{side}: {sum}");
        }
    }
    assert!(predictor.predict(&[0.0; 63]).is_err());
    assert!(predictor.predict(&[f32::NAN; 64]).is_err());
    assert!(Predictor::new(&quantized, &quantized).is_err());
    assert!(Predictor::new(b"no model", &quantized).is_err());
}

#[test]
fn the_lab_reports_accuracy_size_and_time() {
    let (mut lab, fp32, quantized) = trained();
    let evaluation = lab.evaluate(&fp32, &quantized, 42).expect("an evaluation");
    assert_eq!(number(&evaluation, "fp32.total"), 360.0);
    assert!(number(&evaluation, "fp32.correct") - number(&evaluation, "quantized.correct") <= 1.0);
    assert_eq!(number(&evaluation, "fp32.parameterBytes"), 2600.0);
    assert_eq!(number(&evaluation, "quantized.parameterBytes"), 720.0);
    let images = lab.timed_images(42);
    assert_eq!(images.len(), 360 * 64);
    let timing = time_models(&fp32, &quantized, &images, 3).expect("a timing");
    for side in ["one.a", "one.b", "batch.a", "batch.b"] {
        let [q1, median, q3] = ["q1Ns", "medianNs", "q3Ns"].map(|key| number(&timing, &format!("{side}.{key}")));
        assert!(0.0 < q1 && q1 <= median && median <= q3, "{side}: {q1} {median} {q3}");
    }
    assert!(time_models(&fp32, &quantized, &images[..63], 3).is_err());
    assert!(number(&timing, "batch.a.medianNs") > number(&timing, "one.a.medianNs"));
    let report = new_lab().lab_report(&quantized, &images, 3).expect("a report");
    assert_eq!(number(&report, "recipe.correct"), 242.0);
    assert_eq!(number(&report, "repairedCorrect"), 350.0);
    assert_eq!(number(&report, "wrapped"), 20.0);
}

#[test]
fn the_lab_tells_what_each_step_of_the_repair_gives() {
    let mut lab = new_lab();
    let sum = |counts: &[f64]| counts.iter().sum::<f64>();
    let right = |counts: &[f64]| sum(&counts.iter().copied().step_by(11).collect::<Vec<_>>());
    let published = lab.repair_lab().expect("a repair");
    for (counts, correct) in
        [("confusion", 350.0), ("casts.0.confusion", 242.0), ("casts.1.confusion", 346.0), ("casts.2.confusion", 350.0)]
    {
        let counts = numbers(&published, counts);
        assert_eq!([sum(&counts), right(&counts)], [360.0, correct]);
    }
    let [nearest, stored] = ["casts.0.nearest", "casts.0.stored"].map(|key| numbers(&published, key));
    assert_eq!(nearest.iter().zip(&stored).filter(|(a, b)| a != b).count(), 20);

    train(&mut lab, &request("softmax", &[]));
    let fp32 = lab.model().expect("a model");
    let own = lab.repair_model(&fp32, 42).expect("a repair");
    let correct = right(&numbers(&own, "casts.0.confusion"));
    assert!((230.0..=245.0).contains(&correct), "{correct}");
    assert_eq!(numbers(&own, "weights").len(), 640);
    assert!(lab.repair_model(b"no model", 42).is_err());
}

#[test]
fn flips_are_those_images_on_which_the_answers_differ() {
    let (mut lab, fp32, _) = trained();
    let ternary = lab.quantize(&fp32, "ternary-per-channel", 42, 0, 0, "none").expect("a model");
    let evaluation = lab.evaluate(&fp32, &ternary, 42).expect("an evaluation");
    let flips = lab.flips(&fp32, &ternary, 42).expect("flips");
    let images = Array::from(&Reflect::get(&flips, &"images".into()).expect("a list"));
    let total = ["broken", "fixed", "changed"].map(|kind| number(&flips, kind)).iter().sum::<f64>();
    assert_eq!(total, 360.0 - number(&evaluation, "bothAgree"));
    assert_eq!(f64::from(images.length()), total);
    for image in images.iter() {
        assert_ne!(number(&image, "fp32.digit"), number(&image, "quantized.digit"));
        for side in ["fp32.probabilities", "quantized.probabilities"] {
            let sum = numbers(&image, side).iter().sum::<f64>();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        }
        assert_eq!(numbers(&image, "image").len(), 64);
    }
    for side in ["fp32", "quantized"] {
        let right = numbers(&flips, side).iter().step_by(11).sum::<f64>();
        assert_eq!(right, number(&evaluation, &format!("{side}.correct")));
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_in_words() {
    let mut lab = new_lab();
    for (model, key, value, words) in [
        ("softmax", "c", f64::NAN, "must be a number from"),
        ("mlp", "rate", -1.0, "learning rate must be"),
        ("mlp", "epochs", f64::NAN, "epochs must be"),
        ("cnn", "noise", 2.0, "noise is too large"),
        ("svm", "c", 1.0, "not a known model"),
    ] {
        let refused = lab.start(request(model, &[(key, value)]).unchecked_ref()).expect_err("refused");
        let message = Reflect::get(&refused, &"message".into()).expect("an error").as_string().expect("words");
        assert!(message.contains(words), "{message}");
    }
    assert!(lab.step(1.0, false).is_err(), "nothing has been started");
    assert!(lab.model().is_err());
    let (lab, fp32, _) = trained();
    assert!(lab.quantize(&fp32, "int3", 42, 256, 0, "none").is_err());
}

#[test]
fn networks_are_trained_epoch_by_epoch_and_their_best_model_is_a_file() {
    let mut lab = new_lab();
    for model in ["mlp", "cnn"] {
        let reports = train(&mut lab, &request(model, &[("epochs", 2.0)]));
        let last = reports.last().expect("a report");
        assert_eq!(number(last, "share"), 1.0);
        let epochs: u32 = reports
            .iter()
            .map(|report| js_sys::Array::from(&Reflect::get(report, &"steps".into()).expect("steps")).length())
            .sum();
        assert_eq!(epochs, 2);
        let fp32 = lab.model().expect("a model");
        let quantized = lab.quantize(&fp32, "int8-static-minmax-per-channel", 42, 256, 0, "none").expect("a scheme");
        let evaluation = lab.evaluate(&fp32, &quantized, 42).expect("an evaluation");
        assert!(number(&evaluation, "fp32.correct") > 240.0, "{model}");
    }
}

#[test]
fn a_step_ends_with_an_epoch_and_a_loss_that_runs_away_is_told() {
    let mut lab = new_lab();
    lab.start(request("mlp", &[("epochs", 5.0)]).unchecked_ref()).expect("settings that make sense");
    let report = lab.step(1e9, true).expect("an epoch");
    assert!(!Reflect::get(&report, &"done".into()).expect("a report").is_truthy());
    assert_eq!(js_sys::Array::from(&Reflect::get(&report, &"steps".into()).expect("steps")).length(), 1);
    lab.start(request("mlp", &[("rate", 50.0)]).unchecked_ref()).expect("a rate within its range");
    let report = lab.step(1e9, false).expect("no error");
    assert!(number(&report, "diverged") >= 1.0);
}

#[test]
fn files_of_a_data_set_are_read_or_refused_and_then_the_one_in_use_stays() {
    let mut lab = new_lab();
    lab.add_file("broken-images".into(), vec![0, 0, 8, 3, 0, 0]);
    let refused = lab.read_files().expect_err("refused");
    let message = Reflect::get(&refused, &"message".into()).expect("an error").as_string().expect("words");
    assert!(message.contains("broken-images"), "{message}");
    assert_eq!(number(&lab.data().expect("data"), "train"), 1437.0);
    assert!(lab.check_file("huge".into(), 1e12).is_err() && lab.check_file("usual".into(), 5e7).is_ok());

    // 20 images of 3 x 2 pixels, whose first pixel tells the label.
    let images = [&[0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 3][..], &[7; 120]].concat();
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 20][..], &[3; 20]].concat();
    lab.add_file("images".into(), images);
    lab.add_file("labels".into(), labels);
    lab.read_files().expect("a pair");
    let data = lab.data().expect("data");
    let facts = ["width", "height", "maxPixel", "train", "test"].map(|key| number(&data, key));
    assert_eq!(facts, [3.0, 2.0, 255.0, 16.0, 4.0]);
}

#[test]
fn a_pad_makes_images_for_the_model_in_use() {
    let bench = Bench::new();
    bench.draw(1, &[[0.5, 0.1], [0.5, 0.9]]);
    let digits = bench.pad.images().expect("a drawing");
    bench.pad.show(&[1.0; 64]).expect("64 pixels");
    let told = bench.changes.get();
    bench.pad.set_form(28, 28, 255);
    assert_eq!((bench.changes.get(), bench.pad.images()), (told + 1, None), "an image of another size goes");
    bench.pad.undo();
    let images = bench.pad.images().expect("the drawing is still there");
    assert_eq!((images.len(), images.iter().fold(0.0_f32, |a, &b| a.max(b))), (4 * 784, 255.0));
    assert!(bench.pad.show(&[0.0; 64]).is_err());
    bench.pad.set_form(8, 8, 16);
    assert_eq!(bench.pad.images(), Some(digits));
}

#[test]
fn quantization_aware_training_gives_the_quantized_model_that_was_trained() {
    let (mut lab, fp32, _) = trained();
    assert!(lab.aware_model().is_err(), "that was no quantization-aware training");
    let plain = lab.quantize(&fp32, "ternary-static-minmax-per-channel", 42, 256, 0, "none").expect("a scheme");
    lab.start_aware(&fp32, "ternary-static-minmax-per-channel-qat", 42).expect("a scheme to train with");
    while !Reflect::get(&lab.step(50.0, false).expect("a finite loss"), &"done".into()).expect("a report").is_truthy() {
    }
    let aware = lab.aware_model().expect("a model");
    let mut correct =
        |quantized: &[u8]| number(&lab.evaluate(&fp32, quantized, 42).expect("an evaluation"), "quantized.correct");
    assert!(correct(&aware) > correct(&plain) + 5.0, "{} and {}", correct(&aware), correct(&plain));
    assert!(lab.start_aware(&fp32, "ternary-per-channel", 42).is_err(), "that one rounds after training");
}

#[test]
fn a_model_fitted_after_rounding_is_a_better_one() {
    let (mut lab, fp32, _) = trained();
    let models = ["none", "biases", "reconstruction"]
        .map(|correction| lab.quantize(&fp32, "binary-per-channel", 42, 256, 0, correction).expect("a scheme"));
    let [plain, _, reconstructed] = models.map(|quantized| {
        let evaluation = lab.evaluate(&fp32, &quantized, 42).expect("an evaluation");
        number(&evaluation, "quantized.correct")
    });
    assert!(reconstructed > plain);
    assert!(lab.quantize(&fp32, "binary-per-channel", 42, 256, 0, "everything").is_err());
}

#[test]
fn the_first_models_of_the_main_thread_are_those_of_the_lab() {
    let mut lab = new_lab();
    train(&mut lab, &request("softmax", &[("c", 1.0)]));
    let fp32 = lab.model().expect("a model");
    let quantized = lab.quantize(&fp32, "int8-dynamic-per-channel", 42, 0, 0, "none").expect("a scheme");
    let mut first = First::new(digits::PACKED, 42).expect("the digits");
    while !found(&first.step().expect("an iteration"), "done").is_truthy() {}
    assert_eq!(first.model().expect("a model"), fp32);
    assert_eq!(first.quantize(&fp32, "int8-dynamic-per-channel").expect("a scheme"), quantized);
    let text = |value| JSON::stringify(&value).expect("a record").as_string();
    let (here, there) = (first.evaluate(&fp32, &quantized), lab.evaluate(&fp32, &quantized, 42));
    assert_eq!(text(here.expect("an evaluation")), text(there.expect("an evaluation")));
    assert_eq!(first.familiarity(), lab.familiarity(42));
}

#[test]
fn an_output_is_explained_to_the_bit_of_its_logit() {
    let (lab, fp32, quantized) = trained();
    let mut explainer = Explainer::new(&fp32, &quantized).expect("two models of one network");
    let layers = explainer.layers().expect("facts");
    assert_eq!(number(&layers, "length"), 1.0);
    assert_eq!(["inputs", "outputs", "bits"].map(|key| number(&layers, &format!("0.{key}"))), [64.0, 10.0, 8.0]);
    let images = lab.timed_images(42);
    let told = explainer.explain(&images[..64], 0, 6).expect("an explanation");
    let integers = |key: &str| number(&told, &format!("integers.{key}"));
    let scale = integers("params.scale") as f32 * integers("weightScale") as f32;
    let result = integers("sums.63") as f32 * scale + number(&told, "quantized.bias") as f32;
    assert_eq!(number(&told, "quantized.result"), f64::from(result));
    let [pixel, mean, factor] = ["pixels", "means", "factors"].map(|key| number(&told, &format!("{key}.20")) as f32);
    assert_eq!(f64::from((pixel - mean) * factor), number(&told, "fp32.x.20"));
    assert!(explainer.explain(&images[..64], 0, 10).is_err());
    assert!(explainer.explain(&images[..64], 1, 0).is_err());
    assert!(explainer.explain(&images[..63], 0, 0).is_err());
    assert!(Explainer::new(&fp32, b"no model").is_err());
}
