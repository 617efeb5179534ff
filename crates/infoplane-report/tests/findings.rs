//! What the first screen's sentences say of a result.

mod fixture;

use infoplane_plane::{
    Check, CheckVerdict, ControlVerdict, HalvesAgreement, PlaneResult, RankCorrelation,
    RankStability, RankedBy, Verdict,
};
use infoplane_report::Findings;

fn words(sentences: &[infoplane_report::Sentence]) -> String {
    sentences.iter().map(|s| format!("{s}\n")).collect()
}

#[test]
fn separate_intervals_decide_and_overlapping_ones_do_not() {
    let (manifest, mut plane) = fixture::resnet20();
    let first = words(&Findings::new(&manifest, &plane).importance);
    assert!(
        first.contains("linear has the highest transformation efficiency"),
        "{first}"
    );
    assert!(
        first.contains("jumps most from layer3.1 to layer3.2"),
        "{first}"
    );

    // layer3.2's interval now reaches that of linear.
    plane.critical[1].ite.ci[1] = plane.critical[0].ite.ci[0];
    let first = words(&Findings::new(&manifest, &plane).importance);
    assert!(
        first.contains("the first place is undecided") && first.contains("layer3.2"),
        "{first}"
    );

    for layer in &mut plane.critical {
        layer.ite.ci = [0.0, 1.0];
    }
    let first = words(&Findings::new(&manifest, &plane).importance);
    assert!(
        first.starts_with("Undecided: the ITE intervals of all 12"),
        "{first}"
    );
}

#[test]
fn the_networks_output_is_left_out_of_the_ranking() {
    let (mut manifest, plane) = fixture::resnet20();
    manifest.model.layers.last_mut().unwrap().n_channels = manifest.model.n_outputs;
    let findings = Findings::new(&manifest, &plane);
    let first = words(&findings.importance);
    assert!(
        first.starts_with("layer3.2 has the highest transformation efficiency"),
        "{first}"
    );
    assert!(
        first.contains("Left out: linear, which is the network's output"),
        "{first}"
    );
    assert!(
        first.contains("known about the label at layer3.2"),
        "{first}"
    );
    let sure = words(&findings.sureness);
    assert!(sure.contains("layer3.2 comes first at all"), "{sure}");
}

#[test]
fn a_layer_that_repeats_the_first_is_no_rival_of_it() {
    let (manifest, mut plane) = fixture::resnet20();
    let named = |plane: &PlaneResult, layer: &str| {
        let mut rows = plane.rows.iter().enumerate();
        let found = rows.find(|(_, row)| row.layer == layer).unwrap();
        (found.0, found.1.clone())
    };
    let ((_, pooled), (at, mut linear)) = (named(&plane, "layer3.2"), named(&plane, "linear"));
    linear.mi_x = pooled.mi_x;
    linear.mi_y = pooled.mi_y;
    linear.width = pooled.width;
    plane.rows[at] = linear;
    plane.critical[0].ite = plane.critical[1].ite;
    plane.critical.swap(0, 1);
    let first = words(&Findings::new(&manifest, &plane).importance);
    assert!(
        first.starts_with(
            "layer3.2 (with linear, whose conductances are the same) has the highest transformation"
        ),
        "{first}"
    );
    assert!(first.contains("label at layer3.2 (with linear"), "{first}");
    // By rounding the repeat comes first in the sweep.
    for step in &mut plane.resolution.sweep {
        for point in step
            .points
            .iter_mut()
            .filter(|point| point.layer == "linear")
        {
            point.ite = Some(0.99);
        }
    }
    let sure = words(&Findings::new(&manifest, &plane).sureness);
    assert!(sure.contains("layer3.2 comes first at all"), "{sure}");
    assert!(sure.contains("puts the same layer first"), "{sure}");
}

#[test]
fn findings_say_what_the_evidence_beside_the_plane_says() {
    let (manifest, mut plane) = fixture::resnet20();
    let first = words(&Findings::new(&manifest, &plane).importance);
    assert!(first.contains("No layer is critical by both"), "{first}");
    let ablation = plane.ablation.as_mut().unwrap();
    for layer in &mut ablation.layers[8..10] {
        layer.verdict = Some(Verdict::Both);
    }
    let correlated = |rho: f64, ci| RankCorrelation {
        rho,
        ci: Some(ci),
        n: 11,
    };
    for (correlation, said) in [
        (
            correlated(0.8, [0.3, 0.9]),
            "order the layers alike (rank correlation 0.80",
        ),
        (correlated(-0.8, [-0.9, -0.3]), "the opposite way"),
        (
            correlated(0.1, [-0.5, 0.6]),
            "Undecided whether the two kinds",
        ),
    ] {
        plane.ablation.as_mut().unwrap().correlation = Some(correlation);
        let first = words(&Findings::new(&manifest, &plane).importance);
        assert!(first.contains("control: layer3.0 and layer3.1."), "{first}");
        assert!(first.contains(said), "{first}");
    }

    let control = &mut plane.controls.as_mut().unwrap().controls[1];
    control.verdict = Some(ControlVerdict::NotAsExpected);
    plane.stability = vec![RankStability {
        by: RankedBy::Ite,
        rankings: ["τ = 0.3", "kde", "binned"].map(str::to_owned).into(),
        kendall: vec![vec![Some(1.0), Some(0.91), Some(0.48)]],
        halves: Some(HalvesAgreement {
            mean: 0.96,
            p05: 0.89,
            n: 50,
        }),
    }];
    plane.resolution.sweep.retain(|step| step.tau == 0.3);
    let check = |verdict| Check {
        name: "input_falls".to_owned(),
        kind: None,
        prediction: String::new(),
        verdict,
        evidence: String::new(),
        steps: Vec::new(),
        agreement: None,
    };
    plane.checks = vec![check(CheckVerdict::Holds), check(CheckVerdict::Violated)];
    let findings = Findings::new(&manifest, &plane);
    let sure = words(&findings.sureness);
    for said in [
        "τ = 0.96 on average, 0.89 at the 5th percentile of 50 halves",
        "like gaussian-channel to Kendall's τ of: kde 0.91, binned 0.48",
        "0 of 1 control came out as expected",
        "Predictions of information theory that hold: 1; violated: 1; undecided: 0",
    ] {
        assert!(sure.contains(said), "{said}: {sure}");
    }
    let distrust = words(&findings.distrust);
    assert!(
        distrust
            .contains("The control “steps changed” did not come out as expected: highest at stem"),
        "{distrust}"
    );
    plane.ablation = None;
    plane.controls = None;
    let distrust = words(&Findings::new(&manifest, &plane).distrust);
    assert!(
        distrust.contains("neither ablation nor controls"),
        "{distrust}"
    );
}

#[test]
fn saturated_and_flagged_figures_rank_nothing_and_are_counted() {
    let (manifest, plane) = fixture::flagged();
    let findings = Findings::new(&manifest, &plane);
    let first = words(&findings.importance);
    assert_eq!(findings.importance.len(), 1, "{first}");
    assert!(
        first.starts_with("Undecided: no layer can be ranked"),
        "{first}"
    );
    let distrust = words(&findings.distrust);
    assert!(distrust.contains("too near the ceiling): 1;"), "{distrust}");
    assert!(distrust.contains("bracket too wide: 24."), "{distrust}");
    assert!(distrust.contains("the label leaks"), "{distrust}");
    assert!(distrust.contains("τ = 1.00"), "{distrust}");
}
