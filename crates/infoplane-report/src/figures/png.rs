//! Rendering a figure's SVG to PNG with the embedded font.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

use crate::assets::{INTER_REGULAR, INTER_SEMIBOLD};

/// Why a figure was not rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PngError {
    /// The SVG could not be read back.
    #[error("the figure's SVG does not parse")]
    Parse(#[from] usvg::Error),
    /// The picture would have no pixel or too many.
    #[error(
        "{width} × {height} pixels at {dpi} dpi is not a size a picture can have; ask for 30 to 1200 dpi"
    )]
    Size {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Pixels an inch.
        dpi: u32,
    },
    /// The PNG could not be encoded.
    #[error("the picture could not be encoded as PNG: {0}")]
    Encode(String),
}

/// Renders figures; holds the fonts.
pub(crate) struct Rasteriser {
    options: usvg::Options<'static>,
    dpi: u32,
}

impl Rasteriser {
    /// A renderer of `dpi` pixels an inch.
    pub(crate) fn new(dpi: u32) -> Self {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(INTER_REGULAR.to_vec());
        fonts.load_font_data(INTER_SEMIBOLD.to_vec());
        fonts.set_sans_serif_family("Inter");
        Self {
            options: usvg::Options {
                font_family: "Inter".to_owned(),
                fontdb: Arc::new(fonts),
                ..usvg::Options::default()
            },
            dpi,
        }
    }

    /// The SVG as PNG.
    ///
    /// # Errors
    ///
    /// Where the SVG does not parse or the picture has an impossible size.
    pub(crate) fn render(&self, svg: &str) -> Result<Vec<u8>, PngError> {
        let tree = usvg::Tree::from_str(svg, &self.options)?;
        let scale = self.dpi as f32 / self.options.dpi;
        let size = tree.size();
        let (width, height) = (
            (size.width() * scale).round() as u32,
            (size.height() * scale).round() as u32,
        );
        let impossible = || PngError::Size {
            width,
            height,
            dpi: self.dpi,
        };
        if !(30..=1200).contains(&self.dpi) {
            return Err(impossible());
        }
        let mut pixmap = Pixmap::new(width, height).ok_or_else(impossible)?;
        resvg::render(
            &tree,
            Transform::from_scale(scale, scale),
            &mut pixmap.as_mut(),
        );
        pixmap
            .encode_png()
            .map_err(|error| PngError::Encode(error.to_string()))
    }
}
