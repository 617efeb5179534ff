//! What is said beside the plane: roles, checks, stability, classes, channels, ablation, controls.

use super::definition_list;
use crate::text::{count, number};
use crate::view::RunView;

/// What each part is, for the parts that the result has.
pub(super) fn html(view: &RunView<'_>) -> String {
    let plane = view.plane;
    let mut entries: Vec<(&str, String)> = Vec::new();
    if !plane.roles.is_empty() {
        entries.push((
            "Roles",
            "a change from one cut layer to the next counts where its 95&nbsp;% interval, of halves that both layers \
             share, excludes 0 and it is 0.005 bits at least; a saturated figure has no role"
                .to_owned(),
        ));
    }
    if !plane.checks.is_empty() {
        entries.push((
            "Checks",
            "every step’s interval is widened to hold for all steps at once (Bonferroni); a prediction holds where \
             none reaches more than 5&nbsp;% of the largest figure the other way, and is violated where one lies wholly \
             there"
                .to_owned(),
        ));
    }
    if !plane.stability.is_empty() {
        entries.push((
            "Stability",
            "Kendall’s τ<sub>b</sub> between the rankings of the layers’ conductances; of halves, between each random \
             half of the samples and all of them"
                .to_owned(),
        ));
    }
    if !plane.classes.is_empty() {
        entries.push((
            "Classes",
            "D(p(c̃|y)&nbsp;‖&nbsp;p(c̃)) of the same mixtures, the middle of its bracket".to_owned(),
        ));
    }
    if let Some(channels) = plane.channels.first() {
        entries.push((
            "Channels",
            format!(
                "levels are a channel’s quartiles; the next channel is argmax<sub>j</sub> min<sub>s</sub> \
                 I(Q<sub>j</sub>;Y|Q<sub>s</sub>) over those chosen (Fleuret 2004, JMLR 5:1531), 64 at most; the \
                 curve is I(C̃<sub>S</sub>;Y) of the chosen behind the whole layer’s noise, on {} samples",
                count(channels.n as f64)
            ),
        ));
    }
    entries.extend(ablation(view).map(|words| ("Ablation", words)));
    if let Some(controls) = &plane.controls {
        entries.push((
            "Controls",
            format!(
                "the run with one thing changed, compared on shared samples and halves at τ&nbsp;=&nbsp;{}; cascading \
                 randomisation after Adebayo et al. 2018",
                number(controls.tau)
            ),
        ));
    }
    if entries.is_empty() {
        return String::new();
    }
    format!(
        "<h3>Evidence beside the plane</h3>\n{}",
        definition_list(&entries)
    )
}

fn ablation(view: &RunView<'_>) -> Option<String> {
    let evidence = view.plane.ablation.as_ref()?;
    let by = match evidence.replace.as_str() {
        "mean" => "their mean over the samples at each position",
        _ => "zeros",
    };
    let fractions = view.ablation.map_or_else(String::new, |ablation| {
        let shares: Vec<String> = ablation
            .settings
            .fractions
            .iter()
            .map(|q| number(*q))
            .collect();
        format!(" at q = {}", shares.join(", "))
    });
    Some(format!(
        "a share q of a layer’s channels, those of highest mean |conductance|, is replaced by {by}{fractions}, and {} \
         draws of as many random ones are the control, on {} samples; the effect is the area over the curve of the \
         cross-entropy less the control’s, paired by sample",
        evidence.draws,
        count(evidence.n as f64)
    ))
}
