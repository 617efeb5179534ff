//! Training order from file names: `ckpt_2` comes before `ckpt_10`.

use std::cmp::Ordering;
use std::path::Path;

/// Compares paths as people read them: numbers by value, everything else by its characters.
pub(super) fn natural(a: &Path, b: &Path) -> Ordering {
    let (a, b) = (a.to_string_lossy(), b.to_string_lossy());
    natural_text(&a, &b)
}

fn natural_text(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let ((one, rest_a), (other, rest_b)) = match (chunk(a), chunk(b)) {
            (Some(one), Some(other)) => (one, other),
            (one, other) => return one.is_some().cmp(&other.is_some()),
        };
        let found = match (one, other) {
            (Chunk::Number(one), Chunk::Number(other)) => by_value(one, other),
            (Chunk::Text(one), Chunk::Text(other)) => one.cmp(other),
            (Chunk::Number(_), Chunk::Text(_)) => Ordering::Less,
            (Chunk::Text(_), Chunk::Number(_)) => Ordering::Greater,
        };
        if found != Ordering::Equal {
            return found;
        }
        (a, b) = (rest_a, rest_b);
    }
}

enum Chunk<'a> {
    Number(&'a str),
    Text(&'a str),
}

/// The digits, or the other characters, that a text begins with, and what follows; `None` at its end.
fn chunk(text: &str) -> Option<(Chunk<'_>, &str)> {
    let digits = text.chars().next()?.is_ascii_digit();
    let end = text
        .find(|c: char| c.is_ascii_digit() != digits)
        .unwrap_or(text.len());
    let (one, rest) = text.split_at(end);
    let one = match digits {
        true => Chunk::Number(one),
        false => Chunk::Text(one),
    };
    Some((one, rest))
}

/// Of digits of any length; of equal values the one with fewer zeros in front first.
fn by_value(a: &str, b: &str) -> Ordering {
    let (bare_a, bare_b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    bare_a
        .len()
        .cmp(&bare_b.len())
        .then_with(|| bare_a.cmp(bare_b))
        .then_with(|| a.len().cmp(&b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        let mut names = [
            "run/ckpt_10.onnx",
            "run/ckpt_9.onnx",
            "run/ckpt_100.onnx",
            "run/ckpt_0.onnx",
            "run/final.onnx",
            "run/ckpt_99999999999999999999999.onnx",
        ];
        names.sort_by(|a, b| natural(Path::new(a), Path::new(b)));
        assert_eq!(
            names,
            [
                "run/ckpt_0.onnx",
                "run/ckpt_9.onnx",
                "run/ckpt_10.onnx",
                "run/ckpt_100.onnx",
                "run/ckpt_99999999999999999999999.onnx",
                "run/final.onnx",
            ]
        );
        assert_eq!(natural_text("a1", "a01"), Ordering::Less);
        assert_eq!(natural_text("a1b", "a1b"), Ordering::Equal);
        assert_eq!(natural_text("a1", "a1b"), Ordering::Less);
        assert_eq!(natural_text("a1", "ab"), Ordering::Less);
    }
}
