//! The kinds of file that a figure is written as.

/// A kind of figure file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FigureFormat {
    /// Lines and text, with the fonts in it.
    Svg,
    /// Pixels.
    Png,
}

impl FigureFormat {
    /// All of them, in the order in which they are written.
    pub const ALL: [FigureFormat; 2] = [FigureFormat::Svg, FigureFormat::Png];

    /// The name, which is also the files' ending.
    pub fn name(self) -> &'static str {
        match self {
            FigureFormat::Svg => "svg",
            FigureFormat::Png => "png",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<FigureFormat> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}
