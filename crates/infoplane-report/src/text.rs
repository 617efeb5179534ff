//! Text from the outside made safe, and numbers written for people.

use std::borrow::Cow;

/// Escapes text for HTML and SVG, both as content and inside a double-quoted attribute.
///
/// Control characters and the invisible characters that reorder text become visible first
/// ([`visible`]), so a name can neither leave its element nor change how its surroundings read.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A sentence as HTML, its names between backticks set apart as names of layers.
pub(crate) fn with_names(sentence: &str) -> String {
    let parts: Vec<&str> = sentence.split('`').collect();
    // A backtick without a partner stays one.
    let paired = parts.len() - 1 - (parts.len() - 1) % 2;
    let mut html = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > paired {
            html.push('`');
        }
        if index % 2 == 1 && index < paired {
            html.push_str(&format!("<bdi class=\"layer\">{}</bdi>", escape(part)));
        } else {
            html.push_str(&escape(part));
        }
    }
    html
}

/// Text with every control and reordering character spelled out: `a‹U+000A›b`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_invisible(character) {
            shown.push_str(&format!("‹U+{:04X}›", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Controls, bidirectional marks, zero-width characters, and the two that XML forbids.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061C}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{2069}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{FFFE}'
                | '\u{FFFF}'
        )
}

/// A number with three significant digits, or two decimals around one: `0.67`, `0.0123`, `4.58`,
/// `11.5`, `1234`, `3.2e−5`.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "undefined".to_owned();
    }
    let magnitude = value.abs();
    let text = if magnitude >= 99.95 {
        format!("{value:.0}")
    } else if magnitude >= 9.995 {
        format!("{value:.1}")
    } else if magnitude == 0.0 || magnitude >= 0.0995 {
        format!("{value:.2}")
    } else if magnitude >= 0.001 {
        format!("{value:.3}")
    } else {
        format!("{value:.1e}")
    };
    typographic_minus(&text)
}

/// `[low, high]`, with as many decimals at both ends.
pub(crate) fn interval(ends: [f64; 2]) -> String {
    let largest = ends[0].abs().max(ends[1].abs());
    if !largest.is_finite() {
        return "[undefined]".to_owned();
    }
    let decimals = if largest >= 99.95 {
        0
    } else if largest >= 9.995 {
        1
    } else if largest >= 0.0995 {
        2
    } else {
        3
    };
    let [low, high] = ends.map(|end| typographic_minus(&format!("{end:.decimals$}")));
    format!("[{low}, {high}]")
}

/// A share as a percentage: `0.0123` is `1.2 %`.
pub(crate) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "undefined".to_owned();
    }
    let value = share * 100.0;
    let text = if value.abs() >= 9.95 {
        format!("{value:.0}")
    } else if value == 0.0 || value.abs() >= 0.095 {
        format!("{value:.1}")
    } else {
        format!("{value:.1e}")
    };
    format!("{}\u{a0}%", typographic_minus(&text))
}

/// An integer with thin spaces between thousands: `1 235 496`.
pub(crate) fn integer(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let mut grouped = String::with_capacity(digits.len() + 8);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count that may be a median: `16`, `16.5`.
pub(crate) fn count(value: f64) -> String {
    if value.is_finite() && value >= 0.0 && value.fract() == 0.0 {
        integer(value as u64)
    } else {
        number(value)
    }
}

/// `word` in the plural unless there is one.
pub(crate) fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{} {word}s", integer(count as u64))
    }
}

fn typographic_minus(text: &str) -> String {
    let text = match text.strip_prefix('-') {
        // A rounded zero has no sign.
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest,
        _ => text,
    };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_significant_digits() {
        let cases = [
            (0.0, "0.00"),
            (-1e-7, "−1.0e−7"),
            (0.6712, "0.67"),
            (-0.023, "−0.023"),
            (4.5849, "4.58"),
            (11.5507, "11.6"),
            (1234.4, "1234"),
            (3.2e-5, "3.2e−5"),
            (f64::NAN, "undefined"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text, "{value}");
        }
        assert_eq!(interval([-0.004, 0.31]), "[0.00, 0.31]");
        assert_eq!(interval([-0.02, 0.04]), "[−0.020, 0.040]");
        assert_eq!(percent(0.012), "1.2\u{a0}%");
        assert_eq!(integer(1_235_496), "1\u{202f}235\u{202f}496");
    }

    #[test]
    fn names_between_backticks_are_set_apart() {
        assert_eq!(
            with_names("from `a<b` to `c`."),
            "from <bdi class=\"layer\">a&lt;b</bdi> to <bdi class=\"layer\">c</bdi>."
        );
        assert_eq!(with_names("a ` b"), "a ` b");
        assert_eq!(with_names("`a` ` b"), "<bdi class=\"layer\">a</bdi> ` b");
    }

    #[test]
    fn markup_and_reordering_characters_become_text() {
        assert_eq!(
            escape("a\"<script>'&\n\u{202e}b"),
            "a&quot;&lt;script&gt;&#39;&amp;‹U+000A›‹U+202E›b"
        );
    }
}
