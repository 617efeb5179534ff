//! The page's sections: each writes its own HTML and, where it has charts, names the containers
//! that the script of the same name in `page/` fills.

pub(crate) mod ablation;
pub(crate) mod charts;
pub(crate) mod comparison;
pub(crate) mod controls;
pub(crate) mod label;
pub(crate) mod methods;
pub(crate) mod roles;
pub(crate) mod samples;
pub(crate) mod series;
pub(crate) mod summary;
pub(crate) mod table;

/// One section of the page.
pub(crate) struct Section {
    /// Anchor, and the key of its script.
    pub(crate) id: &'static str,
    /// Its entry in the page's navigation.
    pub(crate) entry: &'static str,
    /// Heading.
    pub(crate) title: &'static str,
    /// The HTML under the heading.
    pub(crate) body: String,
}

/// A table in a region that scrolls sideways.
fn scroll(label: &str, table: &str) -> String {
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\">{table}</div>\n"
    )
}
