//! Third-party files embedded in reports; `assets/README.md` says where each comes from.

/// D3, minified.
pub(crate) const D3: &str = include_str!("../assets/d3.min.js");
/// Observable Plot, minified.
pub(crate) const PLOT: &str = include_str!("../assets/plot.umd.min.js");
/// Inter at weight 400.
pub(crate) const INTER_REGULAR: &[u8] = include_bytes!("../assets/inter-regular.ttf");
/// Inter at weight 600.
pub(crate) const INTER_SEMIBOLD: &[u8] = include_bytes!("../assets/inter-semibold.ttf");

pub(crate) const D3_LICENCE: &str = include_str!("../assets/d3.LICENSE.txt");
pub(crate) const PLOT_LICENCE: &str = include_str!("../assets/plot.LICENSE.txt");
pub(crate) const INTER_LICENCE: &str = include_str!("../assets/inter.LICENSE.txt");

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    #[test]
    fn assets_are_the_files_the_readme_names() {
        let readme = include_str!("../assets/README.md");
        for (name, bytes) in [
            ("d3.min.js", super::D3.as_bytes()),
            ("plot.umd.min.js", super::PLOT.as_bytes()),
            ("inter-regular.ttf", super::INTER_REGULAR),
            ("inter-semibold.ttf", super::INTER_SEMIBOLD),
        ] {
            let hash: String = Sha256::digest(bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let row = readme
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}`")));
            assert!(row.is_some_and(|row| row.contains(&hash)), "{name}: {hash}");
        }
    }

    #[test]
    fn scripts_cannot_end_their_element() {
        for script in [super::D3, super::PLOT] {
            let lower = script.to_lowercase();
            assert!(!lower.contains("</script") && !lower.contains("<!--"));
        }
    }
}
