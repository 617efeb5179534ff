//! Widths of text in the embedded font.

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use crate::assets::INTER_REGULAR;

/// Width of a line of text in points, without kerning; half an em for a character that the font
/// does not have.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let Ok(font) = FontRef::new(INTER_REGULAR) else {
        return text.chars().count() as f64 * size * 0.6;
    };
    let charmap = font.charmap();
    let metrics = font.glyph_metrics(Size::new(size as f32), LocationRef::default());
    text.chars()
        .map(|character| {
            charmap
                .map(character)
                .and_then(|glyph| metrics.advance_width(glyph))
                .map_or(size * 0.5, f64::from)
        })
        .sum()
}

/// The text, cut in its beginning where it is wider than `limit` points.
pub(super) fn fitted(text: &str, size: f64, limit: f64) -> String {
    if text_width(text, size) <= limit {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    (1..characters.len())
        .map(|start| format!("…{}", characters[start..].iter().collect::<String>()))
        .find(|candidate| text_width(candidate, size) <= limit)
        .unwrap_or_else(|| "…".to_owned())
}

/// The text, cut in its end where it is wider than `limit` points.
pub(super) fn clipped(text: &str, size: f64, limit: f64) -> String {
    if text_width(text, size) <= limit {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    (1..characters.len())
        .rev()
        .map(|end| characters[..end].iter().collect::<String>())
        .map(|start| format!("{}…", start.trim_end()))
        .find(|candidate| text_width(candidate, size) <= limit)
        .unwrap_or_else(|| "…".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_the_fonts_advances() {
        // Inter's digits with `tnum` off: 0 is 1264 of 2048 units wide, I is 552 (Inter 4).
        assert!(text_width("00", 10.0) > 11.0 && text_width("00", 10.0) < 14.0);
        assert!(text_width("I", 10.0) < text_width("M", 10.0) / 2.0);
        assert_eq!(fitted("layer1", 7.0, 100.0), "layer1");
        let cut = fitted("a very long layer name", 7.0, 30.0);
        assert!(cut.starts_with('…') && cut.ends_with("name"));
        assert!(text_width(&cut, 7.0) <= 30.0);
        let cut = clipped("great white shark", 7.0, 40.0);
        assert!(cut.starts_with("great") && cut.ends_with('…'), "{cut}");
        assert!(text_width(&cut, 7.0) <= 40.0);
    }
}
