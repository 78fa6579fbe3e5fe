//! A drawing under way: strokes, with undo and redo.

use super::raster::Point;

/// Strokes from pen down to pen up, in the order drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawing {
    strokes: Vec<Vec<Point>>,
    drawing: bool,
    done: Vec<Edit>,
    undone: Vec<Edit>,
}

#[derive(Debug, Clone, PartialEq)]
enum Edit {
    /// The last stroke was added; holds it while undone.
    Stroke(Vec<Point>),
    /// Everything was wiped; holds what there was.
    Clear(Vec<Vec<Point>>),
}

impl Drawing {
    /// All strokes, the one under way included.
    pub fn strokes(&self) -> &[Vec<Point>] {
        &self.strokes
    }

    /// Pen down. A stroke still under way ends.
    pub fn begin(&mut self, point: Point) {
        self.end();
        self.strokes.push(vec![point]);
        self.drawing = true;
    }

    /// Pen moved; nothing happens when the pen is up or stands still.
    pub fn extend(&mut self, point: Point) {
        if !self.drawing {
            return;
        }
        if let Some(stroke) = self.strokes.last_mut().filter(|stroke| stroke.last() != Some(&point)) {
            stroke.push(point);
        }
    }

    /// Pen up.
    pub fn end(&mut self) {
        if core::mem::take(&mut self.drawing) {
            self.done.push(Edit::Stroke(Vec::new()));
            self.undone.clear();
        }
    }

    /// Wipes the pad; [`Self::undo`] brings the strokes back.
    pub fn clear(&mut self) {
        self.end();
        if !self.strokes.is_empty() {
            self.done.push(Edit::Clear(core::mem::take(&mut self.strokes)));
            self.undone.clear();
        }
    }

    /// Takes the last stroke or clearing back.
    pub fn undo(&mut self) {
        self.end();
        match self.done.pop() {
            Some(Edit::Stroke(_)) => {
                let stroke = self.strokes.pop().unwrap_or_default();
                self.undone.push(Edit::Stroke(stroke));
            }
            Some(Edit::Clear(strokes)) => {
                self.strokes = strokes;
                self.undone.push(Edit::Clear(Vec::new()));
            }
            None => {}
        }
    }

    /// Does again what was undone.
    pub fn redo(&mut self) {
        self.end();
        match self.undone.pop() {
            Some(Edit::Stroke(stroke)) => {
                self.strokes.push(stroke);
                self.done.push(Edit::Stroke(Vec::new()));
            }
            Some(Edit::Clear(_)) => self.done.push(Edit::Clear(core::mem::take(&mut self.strokes))),
            None => {}
        }
    }

    /// Whether [`Self::undo`] would do anything.
    pub fn can_undo(&self) -> bool {
        self.drawing || !self.done.is_empty()
    }

    /// Whether [`Self::redo`] would do anything.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }
}
