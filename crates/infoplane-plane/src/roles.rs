//! What happens to the information from one cut layer to the next.

use infoplane_estimators::Information;
use serde::{Deserialize, Serialize};

use crate::efficiency::{change, holds_zero};
use crate::{Interval, LayerInput, VectorKind};

/// Smallest change in bits that is called one: layers whose vectors are equal but for rounding have
/// intervals narrower than their difference.
pub const LEAST: f64 = 0.005;

/// What a step between consecutive cut layers does (design.md §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// I(X;C) falls.
    Compresses,
    /// I(X;C) rises, which only the noise's scale or a conductance can make it do.
    Expands,
    /// Neither information moves beyond its interval.
    Preserves,
    /// I(C;Y) rises.
    Utilises,
    /// I(C;Y) falls.
    Loses,
}

impl std::fmt::Display for Role {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Compresses => "compresses",
            Self::Expands => "expands",
            Self::Preserves => "preserves",
            Self::Utilises => "utilises",
            Self::Loses => "loses",
        })
    }
}

/// The step from one cut layer to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleRow {
    /// Which vectors.
    pub kind: VectorKind,
    /// The cut layer before.
    pub from: String,
    /// The cut layer whose role this is.
    pub to: String,
    /// I(X;C) of `to` less that of `from`, in bits; its interval is of the shared subsamples.
    pub mi_x_change: Interval,
    /// I(C;Y) of `to` less that of `from`, in bits; absent without labels.
    pub mi_y_change: Option<Interval>,
    /// Each role whose interval excludes 0, for a change of at least 0.005 bits, and `preserves` where none does; empty where a figure of
    /// either layer is saturated, and so says nothing.
    pub roles: Vec<Role>,
}

/// Roles of `cuts`, the cut layers of one kind from input to output.
pub(crate) fn roles(kind: VectorKind, cuts: &[(&LayerInput, &Information)]) -> Vec<RoleRow> {
    cuts.windows(2)
        .filter_map(|pair| match pair {
            &[(before, from), (layer, to)] => Some(step(kind, (before, from), (layer, to))),
            _ => None,
        })
        .collect()
}

fn step(
    kind: VectorKind,
    (before, from): (&LayerInput, &Information),
    (layer, to): (&LayerInput, &Information),
) -> RoleRow {
    let mi_x_change = change(&to.input, &from.input);
    let mi_y_change = to
        .label
        .as_ref()
        .zip(from.label.as_ref())
        .map(|(to, from)| change(to, from));
    let saturated = |information: &Information| {
        information.input.saturated || information.label.as_ref().is_some_and(|l| l.saturated)
    };
    let mut roles = Vec::new();
    if !saturated(from) && !saturated(to) {
        let sides = [
            (Some(mi_x_change), Role::Compresses, Role::Expands),
            (mi_y_change, Role::Loses, Role::Utilises),
        ];
        for (change, falls, rises) in sides {
            match change {
                Some(change) if !holds_zero(change.ci) && change.value.abs() >= LEAST => {
                    roles.push(if change.value < 0.0 { falls } else { rises });
                }
                _ => {}
            }
        }
        if roles.is_empty() {
            roles.push(Role::Preserves);
        }
    }
    RoleRow {
        kind,
        from: before.name.clone(),
        to: layer.name.clone(),
        mi_x_change,
        mi_y_change,
        roles,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::efficiency::tests::information;

    fn layer(name: &str) -> LayerInput {
        LayerInput {
            name: name.to_owned(),
            depth: 0,
            cut: true,
            delta: None,
        }
    }

    fn of(from: &Information, to: &Information) -> Vec<Role> {
        let (a, b) = (layer("a"), layer("b"));
        roles(VectorKind::Conductance, &[(&a, from), (&b, to)])
            .remove(0)
            .roles
    }

    #[test]
    fn a_role_needs_an_interval_without_zero() {
        // Halves scatter alike on both layers here, so differences are sharp.
        let base = information(5.0, 1.0, 0.01);
        assert_eq!(
            of(&base, &information(4.0, 1.5, 0.01)),
            [Role::Compresses, Role::Utilises]
        );
        assert_eq!(
            of(&base, &information(5.5, 0.5, 0.01)),
            [Role::Expands, Role::Loses]
        );
        assert_eq!(of(&base, &base), [Role::Preserves]);
        // The noise of the two layers differs, and the step is within it.
        assert_eq!(of(&base, &information(4.9, 1.05, 0.5)), [Role::Preserves]);
    }

    #[test]
    fn differences_of_rounding_are_no_role() {
        let base = information(5.0, 1.0, 0.01);
        assert_eq!(
            of(&base, &information(4.999, 0.9999, 0.01)),
            [Role::Preserves]
        );
    }

    #[test]
    fn saturated_figures_have_no_role() {
        let base = information(5.0, 1.0, 0.01);
        let mut after = information(4.0, 1.5, 0.01);
        after.input.saturated = true;
        assert!(of(&base, &after).is_empty());
    }
}
