//! A few samples, and where in them each layer's conductance lies.

use super::Section;
use crate::samples::SamplesView;
use crate::text::{escape, plural};
use crate::view::RunView;

/// The section, where the run kept maps.
pub(crate) fn section(view: &RunView<'_>) -> Option<Section> {
    let samples = view.samples.as_ref()?;
    Some(Section {
        id: "samples",
        entry: "Samples",
        title: "Samples: where the conductance lies",
        body: format!(
            "<p class=\"lead\">The image, and over it a layer's conductance: orange where it raises the \
             attributed output above its value at the baseline, blue where it lowers it. Step through the \
             layers to see where in the image the decision is made.</p>\n\
             <div class=\"chart\" id=\"samples-view\"><noscript>This view needs JavaScript.</noscript></div>\n\
             <details><summary>How the samples were chosen, and what a map is</summary>\n{}{}{}</details>\n",
            choice(view, samples),
            maps(view),
            pictures(samples)
        ),
    })
}

fn choice(view: &RunView<'_>, samples: &SamplesView) -> String {
    let of_group = |group: &str| {
        let samples = samples.samples.iter();
        samples.filter(|sample| sample.group == group).count()
    };
    format!(
        "<p>{} of {} were chosen by a fixed rule. Best ({}): the label is the predicted class, or there is no \
         label, and the margin of the attributed output is the widest: its logit less the largest of the others. \
         Worst ({}): the label is another class than the predicted one, and the prediction is the most confident, by \
         the margin of the predicted output; where there are too few such samples, those of the narrowest margin \
         among the others. Random ({}): drawn from the rest with seed {}.</p>\n",
        plural(samples.samples.len(), "sample"),
        plural(view.plane.n, "analysed sample"),
        of_group("best"),
        of_group("worst"),
        of_group("random"),
        samples.seed
    )
}

fn maps(view: &RunView<'_>) -> String {
    let without: Vec<String> = view
        .manifest
        .model
        .layers
        .iter()
        .filter(|layer| layer.map_shape().is_none())
        .map(|layer| format!("<bdi class=\"layer\">{}</bdi>", escape(&layer.name)))
        .collect();
    let without = match without.as_slice() {
        [] => String::new(),
        names => format!(
            " Without positions, and so without a map: {}.",
            names.join(", ")
        ),
    };
    format!(
        "<p>A map is the layer's conductance summed over its channels at each position, by the path integral of \
         the run itself, so it sums to what the run's vector sums to; at a cut layer that is \
         F(x)&nbsp;−&nbsp;F(x′) but for the completeness error. It is stretched over the whole image and \
         interpolated between positions. Colours stand for density: conductance times the number of \
         positions, in logits an image area. Its mean over the image is the map's sum, whatever the \
         layer's resolution. All samples share a layer's scale, whose end is the density that 99&nbsp;% of the \
         positions do not exceed in the median sample; what lies beyond has the colour of the end. Layers have \
         scales of their own, because in early ones far larger contributions of both signs cancel.{without}</p>\n"
    )
}

fn pictures(samples: &SamplesView) -> &'static str {
    if samples.stretched {
        "<p>The samples came as an array: from the least of a sample's numbers, black, to its greatest, white.</p>\n"
    } else {
        "<p>Images are shown as the network saw them: resized and cropped, before normalisation.</p>\n"
    }
}
