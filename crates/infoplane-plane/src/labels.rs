//! The label's side: which labels there are, how many samples each has, how often the network is
//! right.

use infoplane_estimators::Labels;

use crate::{Accuracy, LabelInput, LabelSummary, PlaneError, PlaneInput};

/// With fewer samples of a typical label than this, I(C;Y) is coarse.
const COARSE_BELOW: f64 = 10.0;

/// The labels of an analysis: `None` unless every sample has one.
pub(crate) fn labels(input: Option<&LabelInput>) -> Result<Option<Labels>, PlaneError> {
    let values: Option<Vec<u32>> = input.and_then(|label| label.values.iter().copied().collect());
    Ok(values.map(|values| Labels::new(&values)).transpose()?)
}

pub(crate) fn summary(input: Option<&LabelInput>, labels: Option<&Labels>) -> LabelSummary {
    let (Some(input), Some(labels)) = (input, labels) else {
        return LabelSummary {
            kind: "none".to_owned(),
            n_classes: 0,
            min_per_class: 0,
            median_per_class: 0.0,
            entropy: 0.0,
            coarse: false,
            names: Vec::new(),
        };
    };
    let mut counts = labels.counts().to_vec();
    counts.sort_unstable();
    let middle = |index: usize| counts.get(index).copied().unwrap_or(0) as f64;
    let median = 0.5 * (middle((counts.len() - 1) / 2) + middle(counts.len() / 2));
    let name = |&index: &u32| {
        let known = input.names.get(index as usize).cloned();
        known.unwrap_or_else(|| index.to_string())
    };
    LabelSummary {
        kind: input.kind.clone(),
        n_classes: labels.n_classes(),
        min_per_class: counts.first().copied().unwrap_or(0),
        median_per_class: median,
        entropy: labels.entropy(),
        coarse: median < COARSE_BELOW,
        names: labels.present().iter().map(name).collect(),
    }
}

pub(crate) fn accuracy(input: &PlaneInput<'_>) -> Option<Accuracy> {
    let pairs = || input.classes.iter().zip(&input.predicted);
    let labelled = pairs().filter(|(class, _)| class.is_some()).count();
    (labelled > 0).then(|| Accuracy {
        correct: pairs()
            .filter(|(class, predicted)| class.as_ref() == Some(*predicted))
            .count(),
        labelled,
    })
}
