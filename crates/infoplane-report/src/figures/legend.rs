//! The line under a plane: what colours and symbols mean.

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

impl Legend<'_> {
    pub(super) fn word(&mut self, text: &str) {
        let at = (self.left, self.baseline);
        self.canvas.text(at, text, Anchor::Start, Look::tick());
        self.left += text_width(text, SMALL) + 4.0;
    }

    /// The colours of depth, from input to output.
    pub(super) fn depth(&mut self, steps: u16) {
        self.word("input");
        for step in 0..steps {
            let part = Area {
                left: self.left + f64::from(step) * 2.0,
                top: self.baseline - 5.0,
                right: self.left + f64::from(step + 1) * 2.0 + 0.1,
                bottom: self.baseline,
            };
            let colour = depth_colour(step.into(), steps.into());
            self.canvas.rectangle(part, &colour);
        }
        self.left += f64::from(steps) * 2.0 + 4.0;
        self.word("output");
    }

    pub(super) fn mark(&mut self, radius: f64, symbol: Symbol, text: &str) {
        let at = (self.left + 3.0, self.baseline - 2.2);
        self.canvas.mark(at, radius, symbol, MUTED);
        self.left += 8.0;
        self.word(text);
    }
}
