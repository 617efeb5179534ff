//! The first screen's sentences, built from the result.
//!
//! A sentence states a difference only where the intervals of the two figures lie apart; where they
//! overlap it says "undecided". Saturated and flagged figures never rank a layer.

mod distrust;
mod evidence;
mod importance;
mod repeats;
mod sureness;

use infoplane_plane::PlaneResult;
use infoplane_store::RunManifest;

use crate::input::ReportInput;
use crate::text::{escape, visible};
use crate::view::RunView;

/// What a result says, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// Which layers carry most.
    pub importance: Vec<Sentence>,
    /// How sure that is.
    pub sureness: Vec<Sentence>,
    /// What to distrust.
    pub distrust: Vec<Sentence>,
}

impl Findings {
    /// Builds the sentences from a result.
    pub fn new(manifest: &RunManifest, plane: &PlaneResult) -> Self {
        Self::from_view(&RunView::new(&ReportInput::new(manifest, plane)))
    }

    pub(crate) fn from_view(view: &RunView<'_>) -> Self {
        Self {
            importance: importance::sentences(view),
            sureness: sureness::sentences(view),
            distrust: distrust::sentences(view),
        }
    }
}

/// A sentence in which layer names are kept apart from the words around them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sentence {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Words(String),
    Layer(String),
}

impl Sentence {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn words(mut self, words: impl Into<String>) -> Self {
        self.parts.push(Part::Words(words.into()));
        self
    }

    pub(crate) fn layer(mut self, name: &str) -> Self {
        self.parts.push(Part::Layer(name.to_owned()));
        self
    }

    /// `a`, `a and b`, `a, b and c`; `limit` names at most, then how many more.
    fn layers(mut self, names: &[&str], limit: usize) -> Self {
        let shown = names.len().min(limit);
        for (index, name) in names.iter().take(shown).enumerate() {
            if index > 0 {
                let last = index + 1 == names.len();
                self = self.words(if last { " and " } else { ", " });
            }
            self = self.layer(name);
        }
        if names.len() > shown {
            self = self.words(format!(" and {} more", names.len() - shown));
        }
        self
    }

    /// The sentence as HTML; layer names stand in `<bdi>`, so that right-to-left names keep to
    /// themselves.
    pub(crate) fn html(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Words(words) => escape(words),
                Part::Layer(name) => format!("<bdi class=\"layer\">{}</bdi>", escape(name)),
            })
            .collect()
    }
}

impl std::fmt::Display for Sentence {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.parts {
            match part {
                Part::Words(words) => formatter.write_str(words)?,
                Part::Layer(name) => formatter.write_str(&visible(name))?,
            }
        }
        Ok(())
    }
}
