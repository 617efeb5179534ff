//! What carries the information about the label: the layers' ranking over estimators, classes, channels.

use super::Section;
use super::charts::chart;
use crate::text::{count, number};
use crate::view::RunView;

/// The section of the rankings' agreement, where there are rankings to compare.
pub(crate) fn stability(view: &RunView<'_>) -> Option<Section> {
    let compared = |found: &&infoplane_plane::RankStability| found.rankings.len() > 1;
    view.plane.stability.iter().find(compared).map(|_| Section {
        id: "stability",
        entry: "Stability",
        title: "How stable the ranking is",
        body: format!(
            "<p class=\"lead\">Layers ranked by the conductances’ figures at every noise τ and by every other estimator: \
             how far each two rankings agree, as Kendall’s τ<sub>b</sub>, which is 1 for the same order, 0 for none in \
             common and −1 for the order turned round.</p>\n{}",
            chart("stability-chart")
        ),
    })
}

/// The section of the classes, where the samples have labels.
pub(crate) fn classes(view: &RunView<'_>) -> Option<Section> {
    (!view.plane.classes.is_empty()).then(|| Section {
        id: "classes",
        entry: "Classes",
        title: "What each layer tells of each class",
        body: format!(
            "<p class=\"lead\">How far a class’s vectors lie from those of all samples, D(p(c̃|y)&nbsp;‖&nbsp;p(c̃)) in \
             bits, at τ&nbsp;=&nbsp;{}. The mean over the samples is the layer’s I(C;Y). Of {} samples a class at the \
             median, these figures are rougher than their mean.</p>\n{}",
            number(view.plane.resolution.tau),
            count(view.plane.label.median_per_class),
            chart("classes-chart")
        ),
    })
}

/// The section of the channels, where the samples have labels.
pub(crate) fn channels(view: &RunView<'_>) -> Option<Section> {
    (!view.plane.channels.is_empty()).then(|| Section {
        id: "channels",
        entry: "Channels",
        title: "Channel concentration",
        body: format!(
            "<p class=\"lead\">How few of a layer’s channels carry what its conductance tells of the label. Channels \
             are chosen one by one, each for what it adds to those before (Fleuret 2004), and the information of the \
             first ones is measured behind the noise of the whole layer, so that it rises to the layer’s own I(C;Y). \
             A small share means that the layer’s evidence sits in few channels.</p>\n{}",
            chart("channels-chart")
        ),
    })
}
