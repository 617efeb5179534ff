//! A stored run gives the analysis its samples, layer by layer.

use infoplane_plane::{ClassGroups, PlaneInput, PlaneOptions, VectorKind, analyse};
use infoplane_store::{
    DataInfo, HardwareInfo, LayerInfo, ModelInfo, RunDir, RunManifest, SampleRecord, SkippedSample,
};

const N: u64 = 60;

fn manifest() -> RunManifest {
    let layer = |name: &str, n_channels, cut, depth| LayerInfo {
        name: name.to_owned(),
        operator: "Relu".to_owned(),
        shape: vec![n_channels],
        n_channels,
        cut,
        depth,
    };
    RunManifest {
        format: infoplane_store::FORMAT,
        infoplane: "0.1.0".to_owned(),
        config: serde_json::json!({}),
        model: ModelInfo {
            name: "toy".to_owned(),
            sha256: "00".to_owned(),
            input_shape: vec![2],
            n_outputs: 3,
            n_parameters: 0,
            layers: vec![layer("branch", 2, false, 1), layer("joint", 1, true, 4)],
            edges: Vec::new(),
        },
        data: DataInfo {
            name: "toy".to_owned(),
            kind: "npz".to_owned(),
            fingerprint: "00".to_owned(),
            n_samples: N as usize,
            class_names: ["ant", "bee", "cat"].map(str::to_owned).into(),
            features: Vec::new(),
            preprocessing: String::new(),
        },
        hardware: HardwareInfo {
            cpu: String::new(),
            n_cpus: 1,
            simd: String::new(),
        },
        source: None,
    }
}

fn sample(index: u64) -> SampleRecord {
    let class = (index % 3) as u32;
    let value = index as f32;
    SampleRecord {
        index,
        id: index.to_string(),
        label: Some(class),
        predicted: 0,
        target: 0,
        logits: vec![1.0, 0.0, 0.0],
        f_input: 3.0,
        f_baseline: 1.0,
        steps: 16,
        error: 0.25,
        delta: vec![0.5],
        conductance: vec![vec![value, -value], vec![class as f32]],
        activation: vec![vec![value, 1.0], vec![value]],
    }
}

#[test]
fn stored_samples_are_analysed_by_class_and_by_group() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunDir::open_for_writing(folder.path(), &manifest(), 16).unwrap();
    for index in 0..N {
        if index == 7 {
            let reason = "not an image".to_owned();
            let id = index.to_string();
            writer.push(SkippedSample { index, id, reason }).unwrap();
        } else {
            writer.push(sample(index)).unwrap();
        }
    }
    let run = writer.finish().unwrap();

    let by_class = PlaneInput::from_run(&run, "predicted", None, &[]).unwrap();
    assert_eq!(by_class.n_samples, 59);
    assert_eq!(by_class.layers[1].delta.as_ref().unwrap()[0], 0.5);
    assert!(by_class.layers[0].delta.is_none());
    let branch = by_class.vectors.vectors(0, VectorKind::Activation).unwrap();
    assert_eq!(
        (branch.width, &branch.data[..4]),
        (2, &[0.0, 1.0, 1.0, 1.0][..])
    );
    let result = analyse(&by_class, &PlaneOptions::default(), &|_| {}).unwrap();
    assert_eq!(result.label.names, ["ant", "bee", "cat"]);
    assert_eq!(result.accuracy.unwrap().correct, 20);
    assert_eq!(result.completeness.len(), 1);
    assert_eq!(result.completeness[0].relative.median, 0.25);
    // The joint layer's conductance is the class itself.
    let joint = result.rows[2].mi_y.as_ref().unwrap();
    assert!(
        (joint.value - result.label.entropy).abs() < 0.1,
        "{joint:?}"
    );

    let groups = ClassGroups {
        names: vec!["insect".to_owned(), "mammal".to_owned()],
        of_class: vec![Some(0), Some(0), Some(1)],
    };
    let by_group = PlaneInput::from_run(&run, "predicted", Some(&groups), &[]).unwrap();
    let result = analyse(&by_group, &PlaneOptions::default(), &|_| {}).unwrap();
    assert_eq!(
        (result.label.kind.as_str(), result.label.n_classes),
        ("group", 2)
    );
    assert_eq!(result.accuracy.unwrap().correct, 20);
}
