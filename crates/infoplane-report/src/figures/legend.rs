//! A line that says what colours and symbols mean.

use super::Symbol;
use super::canvas::{Anchor, Area, Canvas, Look};
use super::font::text_width;
use super::style::{MUTED, SMALL, depth_colour};

/// Writes a legend from left to right.
pub(super) struct Legend<'a> {
    pub(super) canvas: &'a mut Canvas,
    /// Where the next entry begins.
    pub(super) left: f64,
    pub(super) baseline: f64,
}

impl<'a> Legend<'a> {
    /// At the top left of a figure in a double column.
    pub(super) fn above(canvas: &'a mut Canvas) -> Self {
        Self {
            canvas,
            left: 8.0,
            baseline: 11.2,
        }
    }

    pub(super) fn word(&mut self, text: &str) {
        let at = (self.left, self.baseline);
        self.canvas.text(at, text, Anchor::Start, Look::tick());
        self.left += text_width(text, SMALL) + 4.0;
    }

    /// The colours of depth, from input to output.
    pub(super) fn depth(&mut self, steps: u16) {
        let colour = |step: u16| depth_colour(step.into(), steps.into());
        self.gradient("input", steps, colour, "output");
    }

    /// A bar of colours between the words of its ends.
    pub(super) fn gradient(
        &mut self,
        low: &str,
        steps: u16,
        colour: impl Fn(u16) -> String,
        high: &str,
    ) {
        self.word(low);
        for step in 0..steps {
            let part = Area {
                left: self.left + f64::from(step) * 2.0,
                top: self.baseline - 5.0,
                right: self.left + f64::from(step + 1) * 2.0 + 0.1,
                bottom: self.baseline,
            };
            self.canvas.rectangle(part, &colour(step));
        }
        self.left += f64::from(steps) * 2.0 + 4.0;
        self.word(high);
    }

    pub(super) fn mark(&mut self, radius: f64, symbol: Symbol, text: &str) {
        self.coloured(radius, symbol, MUTED, text);
    }

    pub(super) fn coloured(&mut self, radius: f64, symbol: Symbol, colour: &str, text: &str) {
        let at = (self.left + 3.0, self.baseline - 2.2);
        self.canvas.mark(at, radius, symbol, colour);
        self.left += 8.0;
        self.word(text);
        self.left += 4.0;
    }

    pub(super) fn square(&mut self, radius: f64, colour: &str, text: &str) {
        let at = (self.left + 3.0, self.baseline - 2.2);
        self.canvas.square(at, radius, colour);
        self.left += 8.0;
        self.word(text);
        self.left += 4.0;
    }

    pub(super) fn patch(&mut self, colour: &str, text: &str) {
        let area = Area {
            left: self.left,
            top: self.baseline - 5.0,
            right: self.left + 8.0,
            bottom: self.baseline,
        };
        self.canvas.rectangle(area, colour);
        self.left += 11.0;
        self.word(text);
        self.left += 4.0;
    }
}
