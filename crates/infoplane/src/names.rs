//! Names that are none of those there are.

use infoplane_graph::nearest;

use crate::error::Error;

/// The error of a name that is none of `known`, with the nearest of them; `there_are` tells all in words.
pub(crate) fn unknown(what: &str, name: &str, known: &[&str], there_are: &str) -> Error {
    let meant = match nearest(name, known.iter().copied()).first() {
        Some(nearest) => format!(" (nearest: `{nearest}`)"),
        None => String::new(),
    };
    Error::Setting(format!(
        "there is no {what} `{name}`{meant}; there are {there_are}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_given_where_one_is_near() {
        let said =
            |name: &str| unknown("fruit", name, &["apple", "pear"], "apple and pear").to_string();
        assert_eq!(
            said("appel"),
            "there is no fruit `appel` (nearest: `apple`); there are apple and pear"
        );
        assert_eq!(said("x"), "there is no fruit `x`; there are apple and pear");
    }
}
