//! Whether a control came out as it must.

use infoplane_estimators::Information;

use super::{ControlKind, ControlRow, ControlVerdict};
use crate::Interval;
use crate::efficiency::holds_zero;
use crate::rank::kendall;
use crate::roles::LEAST;
use crate::stability::halves_by_ite;

/// Share of a layer's I(C;Y) that may be left with shuffled labels: what an estimate errs by.
const CHANCE: f64 = 0.1;

/// Mean rank correlation of two vectors below which they are called unlike.
const UNLIKE: f64 = 0.5;

/// What must happen.
pub(super) fn expectation(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::Weights => {
            "with all weights shuffled the conductances are others, and tell less of the label"
        }
        ControlKind::Labels => "of shuffled labels the conductances tell nothing",
        ControlKind::Target | ControlKind::Baseline | ControlKind::Steps => {
            "the ranking of the layers by ITE stays, as far as half the samples would keep it"
        }
    }
}

/// The verdict and the figures behind it. `before` are the unchanged run's.
pub(super) fn judge(
    kind: ControlKind,
    rows: &[ControlRow],
    before: &[Information],
) -> (ControlVerdict, String) {
    match kind {
        ControlKind::Weights => weights(rows),
        ControlKind::Labels => labels(rows),
        ControlKind::Target | ControlKind::Baseline | ControlKind::Steps => ranking(rows, before),
    }
}

/// At the layer that told most of the label, I(C;Y) must fall; the vectors must be unlike the old ones.
fn weights(rows: &[ControlRow]) -> (ControlVerdict, String) {
    let told = |row: &&ControlRow| row.mi_y.is_some() && row.mi_y_difference.is_some();
    let value = |row: &ControlRow| row.mi_y.map_or(f64::NEG_INFINITY, |mi| mi.value);
    let most = rows
        .iter()
        .filter(told)
        .max_by(|a, b| value(a).total_cmp(&value(b)));
    let correlations: Vec<f64> = rows
        .iter()
        .filter_map(|row| row.rank_correlation.map(|found| found.value))
        .collect();
    let alike = crate::spread::mean(&correlations);
    let Some((row, difference)) = most.and_then(|row| Some((row, row.mi_y_difference?))) else {
        return (
            ControlVerdict::Undecided,
            "there is no I(C;Y) without labels".to_owned(),
        );
    };
    let evidence = format!(
        "I(C;Y) at {}, where it was highest: {} bits in place of {}; mean rank correlation of the vectors {alike:.2}",
        row.layer,
        shown(row.changed_mi_y),
        shown(row.mi_y),
    );
    let verdict = if difference.ci[1] < -LEAST && alike < UNLIKE {
        ControlVerdict::AsExpected
    } else if difference.ci[0] > -LEAST || alike >= UNLIKE {
        ControlVerdict::NotAsExpected
    } else {
        ControlVerdict::Undecided
    };
    (verdict, evidence)
}

/// Nothing may be left in any layer but what an estimate errs by.
fn labels(rows: &[ControlRow]) -> (ControlVerdict, String) {
    let both = rows
        .iter()
        .filter_map(|row| Some((row, row.mi_y?, row.changed_mi_y?)));
    let both: Vec<(&ControlRow, Interval, Interval)> = both.collect();
    let largest = both.iter().max_by(|a, b| a.2.value.total_cmp(&b.2.value));
    let Some((row, _, changed)) = largest else {
        return (
            ControlVerdict::Undecided,
            "there is no I(C;Y) without labels".to_owned(),
        );
    };
    let left = |(_, before, changed): &&(&ControlRow, Interval, Interval)| {
        !holds_zero(changed.ci) && changed.value > (CHANCE * before.value).max(LEAST)
    };
    let n_left = both.iter().filter(left).count();
    let evidence = format!(
        "at most {} bits, at {}; more than chance in {n_left} of {} layers",
        shown(Some(*changed)),
        row.layer,
        both.len()
    );
    let verdict = match n_left {
        0 => ControlVerdict::AsExpected,
        _ => ControlVerdict::NotAsExpected,
    };
    (verdict, evidence)
}

/// The ranking must agree as well as that of a random half of the samples does with all.
fn ranking(rows: &[ControlRow], before: &[Information]) -> (ControlVerdict, String) {
    let ite = |of: &dyn Fn(&ControlRow) -> Option<Interval>| -> Vec<Option<f64>> {
        rows.iter()
            .map(|row| of(row).map(|ite| ite.value))
            .collect()
    };
    let agreement = kendall(&ite(&|row| row.ite), &ite(&|row| row.changed_ite));
    let layers: Vec<&Information> = before.iter().collect();
    let (Some(agreement), Some(halves)) = (agreement, halves_by_ite(&layers)) else {
        return (
            ControlVerdict::Undecided,
            "fewer than two layers have an ITE".to_owned(),
        );
    };
    let differences: Vec<f64> = rows
        .iter()
        .filter_map(|row| row.relative_difference.map(|found| found.value))
        .collect();
    let evidence = format!(
        "rankings agree by Kendall's τ = {agreement:.2} (halves of the samples by {:.2}, 5th percentile {:.2}); vectors differ by {:.1} %",
        halves.mean,
        halves.p05,
        100.0 * crate::spread::mean(&differences)
    );
    let verdict = match agreement >= halves.p05 {
        true => ControlVerdict::AsExpected,
        false => ControlVerdict::NotAsExpected,
    };
    (verdict, evidence)
}

fn shown(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "–".to_owned(),
        |found| {
            format!(
                "{:.2} ({:.2} to {:.2})",
                found.value, found.ci[0], found.ci[1]
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::efficiency::tests::information;

    fn interval(value: f64, half: f64) -> Interval {
        Interval {
            value,
            ci: [value - half, value + half],
        }
    }

    fn row(mi_y: f64, changed: f64, half: f64, correlation: f64) -> ControlRow {
        ControlRow {
            layer: format!("of {mi_y}"),
            depth: 1,
            mi_x: interval(4.0, 0.1),
            mi_y: Some(interval(mi_y, half)),
            ite: Some(interval(mi_y / 4.0, half)),
            changed_mi_x: interval(4.0, 0.1),
            changed_mi_y: Some(interval(changed, half)),
            changed_ite: Some(interval(changed / 4.0, half)),
            mi_y_difference: Some(interval(changed - mi_y, half)),
            rank_correlation: Some(interval(correlation, 0.01)),
            relative_difference: Some(interval(0.1, 0.01)),
        }
    }

    #[test]
    fn shuffled_weights_must_lose_information_and_likeness() {
        let of = |changed, half, correlation| {
            weights(&[
                row(1.0, 0.9, half, correlation),
                row(2.0, changed, half, correlation),
            ])
            .0
        };
        assert_eq!(of(0.5, 0.1, 0.1), ControlVerdict::AsExpected);
        assert_eq!(of(0.5, 0.1, 0.9), ControlVerdict::NotAsExpected);
        assert_eq!(of(2.3, 0.1, 0.1), ControlVerdict::NotAsExpected);
        assert_eq!(of(1.9, 0.5, 0.1), ControlVerdict::Undecided);
    }

    #[test]
    fn shuffled_labels_must_leave_nothing() {
        let of =
            |changed, half| labels(&[row(2.0, 0.0, half, 1.0), row(2.0, changed, half, 1.0)]).0;
        assert_eq!(of(0.15, 0.01), ControlVerdict::AsExpected);
        assert_eq!(of(0.4, 0.5), ControlVerdict::AsExpected);
        assert_eq!(of(0.4, 0.1), ControlVerdict::NotAsExpected);
    }

    #[test]
    fn a_ranking_may_change_as_much_as_halves_change_it() {
        let steady: Vec<Information> = (1..5)
            .map(|i| information(4.0, f64::from(i), 0.01))
            .collect();
        let rows = |order: [f64; 4]| -> Vec<ControlRow> {
            let numbered = (1..5).zip(order);
            numbered
                .map(|(i, changed)| row(f64::from(i), changed, 0.1, 1.0))
                .collect()
        };
        let same = ranking(&rows([1.1, 1.9, 3.0, 4.0]), &steady);
        assert_eq!(same.0, ControlVerdict::AsExpected, "{}", same.1);
        let exchanged = ranking(&rows([2.0, 1.0, 3.0, 4.0]), &steady);
        assert_eq!(
            exchanged.0,
            ControlVerdict::NotAsExpected,
            "{}",
            exchanged.1
        );
        assert_eq!(ranking(&[], &[]).0, ControlVerdict::Undecided);
    }
}
