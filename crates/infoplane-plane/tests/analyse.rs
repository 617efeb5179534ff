//! The analysis as a whole, on made-up layers whose information is known by construction, and on the
//! vectors of a real network where the folder `shared` is at hand.

use std::cell::RefCell;
use std::fs::File;
use std::path::PathBuf;

use infoplane_estimators::GaussianChannelParams;
use infoplane_estimators::tasks::GaussianClusters;
use infoplane_plane::{
    ControlCase, ControlKind, ControlVerdict, LabelInput, LayerInput, Matrix, PlaneError,
    PlaneInput, PlaneOptions, PlaneResult, Stage, VectorKind, VectorSource, analyse,
    compare_controls, write_plane,
};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;

/// Conductance and activation of each layer.
struct Stored(Vec<[Matrix; 2]>);

impl VectorSource for Stored {
    fn vectors(&self, layer: usize, kind: VectorKind) -> Result<Matrix, PlaneError> {
        Ok(self.0[layer][usize::from(kind == VectorKind::Activation)].clone())
    }
}

const PER_CLASS: usize = 40;

/// Layers whose class clusters lie at the given spreads; activation has half of it.
fn input(spreads: &[f64]) -> PlaneInput<'static> {
    let n_samples = 5 * PER_CLASS;
    let matrix = |spread: f64, seed: u64| Matrix {
        data: GaussianClusters::new(5, 6, spread, seed)
            .sample(PER_CLASS, seed + 1)
            .0,
        n_samples,
        width: 6,
    };
    let stored = (0_u64..)
        .zip(spreads)
        .map(|(i, &spread)| [matrix(spread, 10 * i), matrix(0.5 * spread, 10 * i + 5)])
        .collect();
    let classes: Vec<Option<u32>> = (0..n_samples)
        .map(|i| Some((i / PER_CLASS) as u32))
        .collect();
    PlaneInput {
        n_samples,
        layers: (0..spreads.len())
            .map(|depth| LayerInput {
                name: format!("layer{depth}"),
                depth,
                cut: true,
                delta: Some(vec![0.01; n_samples]),
            })
            .collect(),
        vectors: Box::new(Stored(stored)),
        label: Some(LabelInput {
            kind: "class".to_owned(),
            values: classes.clone(),
            names: ["ant", "bee", "cat", "dog", "elk"]
                .map(str::to_owned)
                .into(),
        }),
        further_labels: Vec::new(),
        classes,
        predicted: (0..n_samples).map(|i| (i / PER_CLASS) as u32).collect(),
        f_input: vec![2.0; n_samples],
        f_baseline: vec![1.0; n_samples],
        steps: vec![16; n_samples],
        target: "predicted".to_owned(),
    }
}

fn options() -> PlaneOptions {
    PlaneOptions {
        channel: GaussianChannelParams {
            permutations: 40,
            ..Default::default()
        },
        ..Default::default()
    }
}

fn run(input: &PlaneInput<'_>) -> PlaneResult {
    analyse(input, &options(), &|_| {}).unwrap()
}

#[test]
fn layer_that_holds_the_label_ranks_first_with_its_jump() {
    let result = run(&input(&[0.5, 0.6, 6.0]));
    let rows: Vec<(&str, VectorKind)> = result
        .rows
        .iter()
        .map(|r| (r.layer.as_str(), r.kind))
        .collect();
    assert_eq!(rows[0], ("layer0", VectorKind::Conductance));
    assert_eq!(rows[1], ("layer0", VectorKind::Activation));
    assert_eq!(rows.len(), 6);
    assert_eq!(result.critical[0].layer, "layer2");
    let evidence = &result.critical[0].evidence;
    assert!(
        evidence.starts_with("from `layer1` ITE rises by"),
        "{evidence}"
    );
    assert!(!result.resolution.flagged);
    assert_eq!(result.resolution.sweep.len(), 7);
    let chosen = |step: &&infoplane_plane::ResolutionStep| step.widest_bracket <= 1.0;
    assert_eq!(
        result.resolution.sweep.iter().find(chosen).unwrap().tau,
        result.resolution.tau
    );
    assert_eq!(result.accuracy.unwrap().correct, 200);
    assert!((result.completeness[0].relative.median - 0.01).abs() < 1e-6);
    assert_eq!(result.steps.median, 16.0);
    assert_eq!(result.label.names[2], "cat");
    assert!(result.warnings.is_empty(), "{:?}", result.warnings);
}

#[test]
fn two_stages_report_every_layer_and_kind() {
    let seen = RefCell::new(Vec::new());
    analyse(&input(&[0.5, 3.0]), &options(), &|p| {
        seen.borrow_mut().push((p.stage, p.done, p.total));
    })
    .unwrap();
    let seen = seen.into_inner();
    assert_eq!(seen.len(), 8);
    assert_eq!(seen[3], (Stage::Sweep, 3, 4));
    assert_eq!(seen[7], (Stage::Estimate, 3, 4));
}

#[test]
fn without_labels_only_the_input_information_is_there() {
    let mut unlabelled = input(&[0.5, 3.0]);
    unlabelled.label = None;
    unlabelled.classes.clear();
    let result = run(&unlabelled);
    assert!(
        result
            .rows
            .iter()
            .all(|row| row.mi_y.is_none() && row.ite.ratio.is_none())
    );
    assert!(
        result
            .rows
            .iter()
            .all(|row| row.mi_x.as_ref().unwrap().value > 0.0)
    );
    assert!(result.critical.is_empty() && result.accuracy.is_none());
    assert!(
        result.warnings[0].contains("no labels"),
        "{:?}",
        result.warnings
    );

    let mut partly = input(&[0.5]);
    partly.label.as_mut().unwrap().values[3] = None;
    let result = run(&partly);
    assert!(
        result.warnings[0].starts_with("Only 199 of 200"),
        "{:?}",
        result.warnings
    );
    assert!(result.rows[0].mi_y.is_none());
}

#[test]
fn label_target_and_scarce_labels_are_warned_about() {
    let mut leaking = input(&[0.5]);
    leaking.target = "label".to_owned();
    assert!(run(&leaking).warnings[0].contains("leaks"));

    let mut scarce = input(&[0.5]);
    let values = (0..200).map(|i| Some(i / 4)).collect();
    scarce.label.as_mut().unwrap().values = values;
    let result = run(&scarce);
    assert!(result.label.coarse && result.label.n_classes == 50);
    assert!(
        result.warnings[0].contains("coarser groups"),
        "{:?}",
        result.warnings
    );
}

#[test]
fn constant_layer_carries_nothing_and_says_so() {
    let mut constant = input(&[0.5, 3.0]);
    let zero = Matrix {
        data: vec![0.0; 600],
        n_samples: 200,
        width: 3,
    };
    constant.layers.truncate(1);
    constant.vectors = Box::new(Stored(vec![[zero.clone(), zero]]));
    let result = run(&constant);
    assert_eq!(result.rows[0].mi_x.as_ref().unwrap().value, 0.0);
    assert!(result.rows[0].ite.ratio.is_none());
    assert!(
        result.warnings.iter().any(|w| w.starts_with("Constant")),
        "{:?}",
        result.warnings
    );
}

#[test]
fn fixed_resolution_is_used_and_joins_the_sweep() {
    let fixed = PlaneOptions {
        tau: Some(0.4),
        ..options()
    };
    let result = analyse(&input(&[0.5]), &fixed, &|_| {}).unwrap();
    assert_eq!(result.resolution.tau, 0.4);
    assert_eq!(result.resolution.sweep.len(), 8);
    let point = &result.resolution.sweep[4].points[0];
    assert_eq!(result.resolution.sweep[4].tau, 0.4);
    assert_eq!(point.mi_x, result.rows[0].mi_x.as_ref().unwrap().value);
}

#[test]
fn inconsistent_input_is_refused_by_name() {
    let mut short = input(&[0.5]);
    short.predicted.pop();
    let message = analyse(&short, &options(), &|_| {})
        .unwrap_err()
        .to_string();
    assert_eq!(message, "predicted classes: 199 entries for 200 samples");
    let mut broken = input(&[0.5]);
    let mut bad = Matrix {
        data: vec![0.5; 600],
        n_samples: 200,
        width: 3,
    };
    bad.data[7] = f32::NAN;
    broken.vectors = Box::new(Stored(vec![[bad.clone(), bad]]));
    let message = analyse(&broken, &options(), &|_| {})
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "conductance of layer `layer0`: sample 2, coordinate 1 is NaN; every number must be finite"
    );
}

#[test]
fn files_hold_the_result_and_do_not_change() {
    let result = run(&input(&[0.5, 3.0]));
    let folder = tempfile::tempdir().unwrap();
    write_plane(folder.path(), &result).unwrap();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let back: PlaneResult = serde_json::from_slice(&read("plane.json")).unwrap();
    assert_eq!(back, result);

    let mut csv = csv::Reader::from_reader(&*read("plane.csv"))
        .into_records()
        .map(Result::unwrap)
        .collect::<Vec<_>>();
    let names = csv::Reader::from_reader(&*read("plane.csv"))
        .headers()
        .unwrap()
        .clone();
    let place = |name: &str| names.iter().position(|n| n == name).unwrap();
    assert_eq!(csv.len(), 4);
    let last = csv.pop().unwrap();
    assert_eq!(&last[place("layer")], "layer1");
    let value: f64 = last[place("mi_y_ci_low")].parse().unwrap();
    assert_eq!(value, result.rows[3].mi_y.as_ref().unwrap().ci[0]);
    assert_eq!(&csv[0][place("ite_incremental_value")], "");
    assert_eq!(&csv[0][place("mi_x_null_mean")], "");

    let before = (read("plane.json"), read("plane.csv"), read("plane.parquet"));
    write_plane(folder.path(), &run(&input(&[0.5, 3.0]))).unwrap();
    assert_eq!(
        before,
        (read("plane.json"), read("plane.csv"), read("plane.parquet"))
    );
}

/// The golden vectors: the label's share jumps in the last residual block.
#[test]
fn last_residual_block_of_a_real_network_is_critical() {
    let folder = std::env::var_os("INFOPLANE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = folder.join("goldens/vectors_cifar10_resnet20.npz");
    let Ok(file) = File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let mut file = NpzReader::new(file).unwrap();
    let names = ["stem", "layer2.2", "layer3.1", "layer3.2", "linear"];
    let mut matrix = |name: String| {
        let array: Array2<f32> = file.by_name(&name).unwrap();
        Matrix {
            n_samples: array.nrows(),
            width: array.ncols(),
            data: array.iter().copied().collect(),
        }
    };
    let stored = names
        .map(|name| ["conductance", "activation"].map(|kind| matrix(format!("{kind}/{name}"))));
    let mut ints = |name: &str| -> Vec<u32> {
        let array: Array1<i64> = file.by_name(name).unwrap();
        array.iter().map(|&v| v as u32).collect()
    };
    let (classes, predicted) = (ints("label"), ints("predicted"));
    let classes: Vec<Option<u32>> = classes.into_iter().map(Some).collect();
    let n_samples = classes.len();
    let real = PlaneInput {
        n_samples,
        layers: (0..names.len())
            .map(|depth| LayerInput {
                name: names[depth].to_owned(),
                depth,
                cut: true,
                delta: None,
            })
            .collect(),
        vectors: Box::new(Stored(stored.into())),
        label: Some(LabelInput {
            kind: "class".to_owned(),
            values: classes.clone(),
            names: Vec::new(),
        }),
        further_labels: Vec::new(),
        classes,
        predicted,
        f_input: vec![1.0; n_samples],
        f_baseline: vec![0.0; n_samples],
        steps: vec![20; n_samples],
        target: "predicted".to_owned(),
    };
    let started = std::time::Instant::now();
    let result = analyse(&real, &PlaneOptions::default(), &|_| {}).unwrap();
    println!("{:?}: {}", started.elapsed(), result.resolution.reason);
    for row in &result.rows {
        let (input, label) = (row.mi_x.as_ref().unwrap(), row.mi_y.as_ref().unwrap());
        println!(
            "{} {}: {:.3} {:.3?}, {:.3} {:.3?}, ITE {:.3?}",
            row.kind, row.layer, input.value, input.ci, label.value, label.ci, row.ite.ratio
        );
    }
    for layer in &result.critical {
        println!("{} {}: {}", layer.rank, layer.layer, layer.evidence);
    }
    assert!(!result.resolution.flagged);
    let block = result
        .critical
        .iter()
        .find(|layer| layer.layer == "layer3.2")
        .unwrap();
    assert!(block.rank <= 2);
    assert!(
        block.evidence.starts_with("from `layer3.1` ITE rises by"),
        "{}",
        block.evidence
    );
    assert!(
        block.evidence.contains("I(C;Y) rises by"),
        "{}",
        block.evidence
    );
}

#[test]
fn other_families_and_labels_get_rows_of_their_own() {
    let mut both = input(&[0.3, 1.5]);
    let mut predicted = both.label.clone().unwrap();
    "predicted".clone_into(&mut predicted.kind);
    both.further_labels.push(predicted);
    let mut options = options();
    options.estimators = ["kde", "gaussian-channel", "ross", "kde"]
        .map(str::to_owned)
        .into();
    let result = analyse(&both, &options, &|_| {}).unwrap();
    let plain = run(&input(&[0.3, 1.5]));
    // Four vectors by three families and two labels; the plane's own rows come first, unchanged.
    assert_eq!(result.rows.len(), 4 * 3 * 2);
    assert_eq!(result.rows[..4], plain.rows);
    assert!(result.own_rows().eq(&plain.rows));
    for row in &result.rows[4..] {
        let label = row.mi_y.as_ref().unwrap();
        assert!(label.ci[0] < label.value && label.null.is_some());
        let infinite = row.estimator == "ross";
        assert_eq!(row.mi_x.is_none(), infinite);
        assert_eq!(row.ite.ratio.is_none(), infinite);
    }
    // The predicted class is the true one here, so its rows by the plane's family are the plane's.
    let again = |row: &&infoplane_plane::PlaneRow| {
        row.estimator == "gaussian-channel" && row.label == "predicted"
    };
    let values = |rows: &[&infoplane_plane::PlaneRow]| -> Vec<f64> {
        let figures = rows.iter().filter_map(|row| row.mi_y.as_ref());
        figures.map(|figure| figure.value).collect()
    };
    let own: Vec<_> = result.own_rows().collect();
    let others: Vec<_> = result.rows.iter().filter(again).collect();
    assert_eq!(values(&own), values(&others));
    let by_ite = &result.stability[0];
    assert_eq!(by_ite.rankings.last().map(String::as_str), Some("kde"));
}

#[test]
fn an_unknown_family_is_refused() {
    let mut options = options();
    options.estimators = vec!["kdd".to_owned()];
    let error = analyse(&input(&[0.5]), &options, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("kde"), "{error}");
}

#[test]
fn information_by_class_has_the_whole_as_its_mean() {
    let result = run(&input(&[0.3, 1.5]));
    for (class, row) in result.classes.iter().zip(result.own_rows()) {
        assert_eq!((&class.layer, class.kind), (&row.layer, row.kind));
        let bits: Vec<f64> = class.bits.iter().map(|bits| bits.unwrap()).collect();
        let mean = bits.iter().sum::<f64>() / bits.len() as f64;
        let value = row.mi_y.as_ref().unwrap().value;
        assert!((mean - value).abs() < 1e-9, "{mean} {value}");
    }
    assert_eq!(result.classes.len(), 4);
}

#[test]
fn a_step_towards_the_label_utilises() {
    let result = run(&input(&[0.3, 1.5]));
    let step = &result.roles[0];
    assert_eq!((step.from.as_str(), step.to.as_str()), ("layer0", "layer1"));
    assert!(step.roles.contains(&infoplane_plane::Role::Utilises));
    let kept = result
        .checks
        .iter()
        .find(|check| check.name == "label_kept");
    assert_eq!(kept.unwrap().verdict, infoplane_plane::CheckVerdict::Holds);
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|sample| format!("sample {sample}")).collect()
}

fn case(kind: ControlKind, input: PlaneInput<'static>) -> ControlCase<'static> {
    ControlCase {
        name: kind.name().to_owned(),
        kind,
        change: "made up".to_owned(),
        whole: true,
        ids: names(input.n_samples),
        input,
    }
}

#[test]
fn controls_are_compared_on_shared_samples_and_judged() {
    let run = input(&[0.5, 1.0, 2.0]);
    let ids = names(run.n_samples);
    // Every other label of its own: nothing to be told of it.
    let mut shuffled = input(&[0.5, 1.0, 2.0]);
    for (index, value) in shuffled
        .label
        .as_mut()
        .unwrap()
        .values
        .iter_mut()
        .enumerate()
    {
        *value = Some((index * 7 % 5) as u32);
    }
    // Samples 3 and 4 are missing, and the order is another.
    let mut same = case(ControlKind::Steps, input(&[0.5, 1.0, 2.0]));
    let kept: Vec<usize> = (0..200).rev().filter(|i| ![3, 4].contains(i)).collect();
    let whole = input(&[0.5, 1.0, 2.0]);
    let matrices = |layer: usize| {
        [VectorKind::Conductance, VectorKind::Activation].map(|kind| {
            let all = whole.vectors.vectors(layer, kind).unwrap();
            let rows = kept
                .iter()
                .flat_map(|&row| all.data[row * 6..(row + 1) * 6].to_vec());
            Matrix {
                data: rows.collect(),
                n_samples: 198,
                width: 6,
            }
        })
    };
    let restricted = whole.restricted(&kept);
    same.ids = kept.iter().map(|i| ids[*i].clone()).collect();
    same.input = PlaneInput {
        vectors: Box::new(Stored((0..3).map(matrices).collect())),
        label: restricted.label.clone(),
        classes: restricted.classes.clone(),
        predicted: restricted.predicted.clone(),
        f_input: restricted.f_input.clone(),
        f_baseline: restricted.f_baseline.clone(),
        steps: restricted.steps.clone(),
        layers: restricted.layers.clone(),
        n_samples: 198,
        ..input(&[0.5])
    };
    let cases = [
        case(ControlKind::Labels, shuffled),
        same,
        // The best layer first: the ranking turns around.
        case(ControlKind::Baseline, input(&[2.0, 1.0, 0.5])),
    ];
    let found = compare_controls(&run, &ids, &cases, Vec::new(), &options()).unwrap();
    let [labels, steps, baseline] = &found.controls[..] else {
        panic!("three controls were given");
    };
    assert_eq!(
        labels.verdict,
        Some(ControlVerdict::AsExpected),
        "{}",
        labels.evidence
    );
    assert_eq!(
        steps.verdict,
        Some(ControlVerdict::AsExpected),
        "{}",
        steps.evidence
    );
    assert_eq!((steps.n, steps.ranking), (198, Some(1.0)));
    let row = &steps.layers[0];
    assert_eq!(row.rank_correlation.unwrap().value, 1.0);
    assert_eq!(row.relative_difference.unwrap().value, 0.0);
    assert_eq!(row.mi_y, row.changed_mi_y);
    assert_eq!(
        baseline.verdict,
        Some(ControlVerdict::NotAsExpected),
        "{}",
        baseline.evidence
    );
}

#[test]
fn controls_of_other_layers_or_samples_are_refused_by_name() {
    let run = input(&[0.5, 1.0]);
    let ids = names(run.n_samples);
    let refuse = |case: ControlCase<'static>| {
        let cases = [case];
        let refused = compare_controls(&run, &ids, &cases, Vec::new(), &options());
        refused.unwrap_err().to_string()
    };
    let message = refuse(case(ControlKind::Steps, input(&[0.5])));
    assert!(message.contains("`steps`"), "{message}");
    let mut strangers = case(ControlKind::Target, input(&[0.5, 1.0]));
    strangers.ids.iter_mut().for_each(|id| id.push('?'));
    assert!(refuse(strangers).contains("`target`"));
}
