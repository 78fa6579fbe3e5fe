//! The drawing canvas: pointer events to strokes, strokes to ink on the screen. It can also show an image of the data
//! set; the first stroke takes its place.
//!
//! Strokes are kept in shares of the canvas, so they survive any change of its size. One pointer draws at a time; a
//! second finger ends the stroke and draws nothing until all fingers are up. Pressure is ignored. The keyboard draws too:
//! arrows move a pen, Space puts it down and up.

use std::{cell::RefCell, rc::Rc};

use js_sys::Float32Array;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{
    CanvasRenderingContext2d, DomRect, Event, HtmlCanvasElement, KeyboardEvent, PointerEvent, ResizeObserver, Window,
};

use super::strokes::points;
use crate::{
    Error,
    data::{
        Drawing,
        raster::{self, Form, Point},
    },
    eval::confidence,
};

/// How far an arrow key moves the pen, as a share of the canvas.
const KEY_STEP: f32 = 0.04;

/// Width of the ink on the screen, as a share of the canvas.
const INK: f64 = 0.055;

#[wasm_bindgen]
extern "C" {
    /// A pointer event with what web-sys leaves out: positions between pixels, and a list that an engine may lack.
    #[wasm_bindgen(extends = PointerEvent)]
    type FineEvent;

    #[wasm_bindgen(method, getter, js_name = clientX)]
    fn fine_x(this: &FineEvent) -> f64;

    #[wasm_bindgen(method, getter, js_name = clientY)]
    fn fine_y(this: &FineEvent) -> f64;

    #[wasm_bindgen(method, catch, js_name = getCoalescedEvents)]
    fn coalesced(this: &FineEvent) -> Result<Vec<FineEvent>, JsValue>;
}

/// A canvas one can draw on.
#[wasm_bindgen]
pub struct Pad {
    state: Rc<RefCell<State>>,
    /// Called without arguments after every change of the strokes.
    on_change: js_sys::Function,
    listeners: Vec<Listener>,
    observer: ResizeObserver,
    _on_resize: Closure<dyn FnMut()>,
}

#[wasm_bindgen]
impl Pad {
    /// Listens on `canvas`, and calls `on_change()` after every change; throws when the canvas has no 2D context.
    #[wasm_bindgen(constructor)]
    pub fn new(canvas: HtmlCanvasElement, on_change: js_sys::Function) -> Result<Self, JsValue> {
        let state = Rc::new(RefCell::new(State::new(canvas.clone())?));
        let mut listeners = Vec::new();
        for name in ["pointerdown", "pointermove", "pointerup", "pointercancel", "lostpointercapture"] {
            let (state, on_change) = (state.clone(), on_change.clone());
            listeners.push(Listener::new(&canvas, name, move |event| {
                // The borrow ends before the page is told: it will ask for the image.
                let changed = state.borrow_mut().pointer(event.unchecked_ref());
                if changed {
                    state.borrow_mut().render();
                    let _ = on_change.call0(&JsValue::NULL);
                }
            })?);
        }
        for name in ["keydown", "blur"] {
            let (state, on_change) = (state.clone(), on_change.clone());
            listeners.push(Listener::new(&canvas, name, move |event| {
                let taken = match event.dyn_ref() {
                    Some(key) => state.borrow_mut().key(key),
                    None => state.borrow_mut().lift(),
                };
                if taken {
                    event.prevent_default();
                    state.borrow_mut().render();
                    let _ = on_change.call0(&JsValue::NULL);
                }
            })?);
        }
        let on_resize = {
            let state = state.clone();
            Closure::<dyn FnMut()>::new(move || state.borrow_mut().render())
        };
        let observer = ResizeObserver::new(on_resize.as_ref().unchecked_ref())?;
        observer.observe(&canvas);
        Ok(Self { state, on_change, listeners, observer, _on_resize: on_resize })
    }

    /// What the models judge, each of `height` x `width` values 0..=`max_pixel`, row-major: the drawing as it is and then its
    /// other writings, or the image shown alone; nothing when the pad is empty.
    pub fn images(&self) -> Option<Vec<f32>> {
        let state = self.state.borrow();
        state.sample.clone().or_else(|| raster::renderings(state.drawing.strokes(), state.form))
    }

    /// Whether the strokes may be a digit at all: neither a tap nor a scribble.
    #[wasm_bindgen(getter)]
    pub fn legible(&self) -> bool {
        let state = self.state.borrow();
        state.sample.is_some() || confidence::legible(state.drawing.strokes())
    }

    /// The strokes: for each one a list of x, y, x, y in shares of the pad.
    #[wasm_bindgen(getter, js_name = strokePoints)]
    pub fn stroke_points(&self) -> Vec<Float32Array> {
        let points = |stroke: &Vec<Point>| Float32Array::from(stroke.as_flattened());
        self.state.borrow().drawing.strokes().iter().map(points).collect()
    }

    /// Draws strokes as [`Pad::stroke_points`] gives them, as if by hand.
    pub fn draw(&self, strokes: Vec<Float32Array>) {
        self.edit(|state| {
            for stroke in points(&strokes) {
                if let Some((&first, rest)) = stroke.split_first() {
                    state.drawing.begin(first);
                    rest.iter().for_each(|&point| state.drawing.extend(point));
                    state.drawing.end();
                }
            }
        });
    }

    /// Makes images for another model from now on (at first they are for the digits: 8x8 values of 0..=16). An image that
    /// is shown and no longer fits goes.
    #[wasm_bindgen(js_name = setForm)]
    pub fn set_form(&self, width: usize, height: usize, max_pixel: u8) {
        let form = Form { width, height, max_pixel };
        if self.state.borrow().form == form {
            return;
        }
        {
            let mut state = self.state.borrow_mut();
            state.form = form;
            state.sample = None;
            state.render();
        }
        let _ = self.on_change.call0(&JsValue::NULL);
    }

    /// Shows an image in place of a drawing; throws when it has another size than the model's.
    pub fn show(&self, image: &[f32]) -> Result<(), JsValue> {
        let Form { width, height, .. } = self.state.borrow().form;
        if image.len() != width * height {
            return Err(Error::Shape { what: "image", expected: width * height, found: image.len() }.into());
        }
        self.edit(|state| {
            state.drawing.clear();
            state.sample = Some(image.to_vec());
        });
        Ok(())
    }

    /// Number of strokes.
    #[wasm_bindgen(getter)]
    pub fn strokes(&self) -> usize {
        self.state.borrow().drawing.strokes().len()
    }

    /// Whether there is something to undo.
    #[wasm_bindgen(getter, js_name = canUndo)]
    pub fn can_undo(&self) -> bool {
        self.state.borrow().drawing.can_undo()
    }

    /// Whether there is something to redo.
    #[wasm_bindgen(getter, js_name = canRedo)]
    pub fn can_redo(&self) -> bool {
        self.state.borrow().drawing.can_redo()
    }

    /// Wipes the pad.
    pub fn clear(&self) {
        self.edit(|state| state.drawing.clear());
    }

    /// Takes the last stroke or clearing back.
    pub fn undo(&self) {
        self.edit(|state| state.drawing.undo());
    }

    /// Does again what was undone.
    pub fn redo(&self) {
        self.edit(|state| state.drawing.redo());
    }

    /// Paints the strokes again, for instance after the page's colours have changed.
    pub fn render(&self) {
        self.state.borrow_mut().render();
    }

    fn edit(&self, change: impl FnOnce(&mut State)) {
        {
            let mut state = self.state.borrow_mut();
            state.sample = None;
            change(&mut state);
            state.render();
        }
        let _ = self.on_change.call0(&JsValue::NULL);
    }
}

impl Drop for Pad {
    fn drop(&mut self) {
        self.observer.disconnect();
        self.listeners.clear();
    }
}

/// An event listener that is taken off when dropped.
struct Listener {
    canvas: HtmlCanvasElement,
    name: &'static str,
    closure: Closure<dyn FnMut(Event)>,
}

impl Listener {
    fn new(
        canvas: &HtmlCanvasElement,
        name: &'static str,
        handle: impl FnMut(Event) + 'static,
    ) -> Result<Self, JsValue> {
        let closure = Closure::<dyn FnMut(Event)>::new(handle);
        canvas.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref())?;
        Ok(Self { canvas: canvas.clone(), name, closure })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.canvas.remove_event_listener_with_callback(self.name, self.closure.as_ref().unchecked_ref());
    }
}

struct State {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    window: Window,
    drawing: Drawing,
    /// An image of the data set shown in place of a drawing.
    sample: Option<Vec<f32>>,
    /// The images that the model takes.
    form: Form,
    /// Pointers that are down, the one that draws first; a stroke is drawn only while there is exactly one.
    down: Vec<i32>,
    /// The pen that the keyboard moves, once it has.
    pen: Option<Pen>,
}

/// A pen moved by keys.
#[derive(Clone, Copy)]
struct Pen {
    at: Point,
    down: bool,
}

impl State {
    fn new(canvas: HtmlCanvasElement) -> Result<Self, JsValue> {
        let window = web_sys::window().ok_or_else(|| JsError::new("The drawing pad needs a page."))?;
        let context = canvas
            .get_context("2d")?
            .ok_or_else(|| JsError::new("This browser gives no 2D canvas to draw on."))?
            .dyn_into()?;
        let (drawing, form) = (Drawing::default(), Form::DIGITS);
        Ok(Self { canvas, context, window, drawing, sample: None, form, down: Vec::new(), pen: None })
    }

    /// Takes a key: arrows move the pen (with Shift by a quarter as much), Space puts it down and up. Returns whether the
    /// key meant something.
    fn key(&mut self, event: &KeyboardEvent) -> bool {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return false;
        }
        let pen = self.pen.unwrap_or(Pen { at: [0.5, 0.5], down: false });
        let step = if event.shift_key() { KEY_STEP / 4.0 } else { KEY_STEP };
        let moved = |dx: f32, dy: f32| {
            let within = |at: f32| if at < 0.0 { 0.0 } else { at.min(1.0) };
            Pen { at: [within(pen.at[0] + dx * step), within(pen.at[1] + dy * step)], ..pen }
        };
        let pen = match event.key().as_str() {
            "ArrowLeft" => moved(-1.0, 0.0),
            "ArrowRight" => moved(1.0, 0.0),
            "ArrowUp" => moved(0.0, -1.0),
            "ArrowDown" => moved(0.0, 1.0),
            " " => Pen { down: !pen.down, ..pen },
            "Escape" if pen.down => Pen { down: false, ..pen },
            _ => return false,
        };
        let was_down = self.pen.is_some_and(|pen| pen.down);
        self.pen = Some(pen);
        match (was_down, pen.down) {
            (false, true) => {
                self.sample = None;
                self.drawing.begin(pen.at);
            }
            (true, true) => self.drawing.extend(pen.at),
            (true, false) => self.drawing.end(),
            (false, false) => {}
        }
        true
    }

    /// The keyboard has gone elsewhere: the pen goes up and out of sight. Returns whether there was one.
    fn lift(&mut self) -> bool {
        let pen = self.pen.take();
        if pen.is_some_and(|pen| pen.down) {
            self.drawing.end();
        }
        pen.is_some()
    }

    /// Takes an event; returns whether the strokes changed.
    fn pointer(&mut self, event: &FineEvent) -> bool {
        let id = event.pointer_id();
        match event.type_().as_str() {
            // Only the left button, a finger or a pen's tip.
            "pointerdown" if event.button() == 0 => {
                // A made-up event has no pointer to capture, and drawing works without.
                let _ = self.canvas.set_pointer_capture(id);
                self.down.retain(|&other| other != id);
                self.down.push(id);
                self.lift();
                self.sample = None;
                if self.down.len() == 1 {
                    let bounds = self.canvas.get_bounding_client_rect();
                    self.drawing.begin(share(event, &bounds));
                } else {
                    self.drawing.end();
                }
                true
            }
            // Draws nothing once the stroke has ended, whichever finger moves.
            "pointermove" if self.down.contains(&id) => {
                let bounds = self.canvas.get_bounding_client_rect();
                for event in event.coalesced().unwrap_or_default() {
                    self.drawing.extend(share(&event, &bounds));
                }
                // Some engines leave the list empty, and none is sure to hold the event itself.
                self.drawing.extend(share(event, &bounds));
                true
            }
            "pointerup" | "pointercancel" | "lostpointercapture" if self.down.contains(&id) => {
                self.down.retain(|&other| other != id);
                self.drawing.end();
                true
            }
            _ => false,
        }
    }

    /// Paints all strokes, with as many pixels as the screen has.
    fn render(&mut self) {
        let density = self.window.device_pixel_ratio();
        let pixels = |css: i32| (f64::from(css) * density).round() as u32;
        let (width, height) = (pixels(self.canvas.client_width()), pixels(self.canvas.client_height()));
        if (self.canvas.width(), self.canvas.height()) != (width, height) {
            self.canvas.set_width(width);
            self.canvas.set_height(height);
        }
        let (width, height) = (f64::from(width), f64::from(height));
        self.context.clear_rect(0.0, 0.0, width, height);
        let style = self.window.get_computed_style(&self.canvas).ok().flatten();
        let colour = style.and_then(|style| style.get_property_value("color").ok()).unwrap_or_default();
        if let Some(image) = &self.sample {
            self.context.set_fill_style_str(&colour);
            let Form { width: columns, height: rows, max_pixel } = self.form;
            // A picture that is not square stands in the middle.
            let side = (width / columns as f64).min(height / rows as f64);
            let left = (width - side * columns as f64) / 2.0;
            let top = (height - side * rows as f64) / 2.0;
            for (i, &pixel) in image.iter().enumerate() {
                let (x, y) = (left + side * (i % columns) as f64, top + side * (i / columns) as f64);
                self.context.set_global_alpha(f64::from(pixel) / f64::from(max_pixel));
                self.context.fill_rect(x, y, side, side);
            }
            self.context.set_global_alpha(1.0);
        }
        self.context.set_stroke_style_str(&colour);
        self.context.set_line_width(INK * width);
        self.context.set_line_cap("round");
        self.context.set_line_join("round");
        let place = |[x, y]: Point| (f64::from(x) * width, f64::from(y) * height);
        for stroke in self.drawing.strokes() {
            let Some((&first, rest)) = stroke.split_first() else { continue };
            self.context.begin_path();
            let (x, y) = place(first);
            self.context.move_to(x, y);
            // A line to itself paints the dot of a tap.
            self.context.line_to(x, y);
            // Curves through the middles of the pieces, with the points as handles: no corners where the pen had none.
            for pair in rest.windows(2) {
                let ((x, y), (next_x, next_y)) = (place(pair[0]), place(pair[1]));
                self.context.quadratic_curve_to(x, y, (x + next_x) / 2.0, (y + next_y) / 2.0);
            }
            if let Some(&last) = rest.last() {
                let (x, y) = place(last);
                self.context.line_to(x, y);
            }
            self.context.stroke();
        }
        if let Some(pen) = self.pen {
            // A ring where the pen is; filled while it draws.
            let (x, y) = place(pen.at);
            self.context.set_line_width(2.0 * density);
            self.context.begin_path();
            let _ = self.context.arc(x, y, INK * width * 0.8, 0.0, core::f64::consts::TAU);
            if pen.down {
                self.context.set_fill_style_str(&colour);
                self.context.fill();
            }
            self.context.stroke();
        }
    }
}

/// Where the event is, in shares of `bounds`.
fn share(event: &FineEvent, bounds: &DomRect) -> Point {
    let share = |at: f64, start: f64, length: f64| ((at - start) / length.max(1.0)) as f32;
    [share(event.fine_x(), bounds.left(), bounds.width()), share(event.fine_y(), bounds.top(), bounds.height())]
}
