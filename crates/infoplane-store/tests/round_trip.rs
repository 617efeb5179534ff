//! What is written is read back, whatever the order of arrival.

mod common;

use std::fs;

use common::{files, manifest, manifest_with_layers, outcome, record};
use infoplane_store::{
    Counts, RunDir, SampleOutcome, SampleRecord, SkippedSample, StoreError, VectorKind,
};
use proptest::prelude::*;

#[test]
fn every_column_comes_back_as_it_was_pushed() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(23);
    let mut writer = RunDir::open_for_writing(folder.path(), &manifest, 5).unwrap();
    let mut records: Vec<SampleRecord> = Vec::new();
    let mut skipped: Vec<SkippedSample> = Vec::new();
    for index in 0..23 {
        match outcome(&manifest, index) {
            SampleOutcome::Analysed(record) => records.push(*record),
            SampleOutcome::Skipped(sample) => skipped.push(sample),
        }
        writer.push(outcome(&manifest, index)).unwrap();
    }
    let run = writer.finish().unwrap();

    fn column<T>(records: &[SampleRecord], value: impl Fn(&SampleRecord) -> T) -> Vec<T> {
        records.iter().map(value).collect()
    }
    assert!(run.is_complete());
    assert_eq!(
        run.counts(),
        Counts {
            total: 23,
            analysed: 20,
            skipped: 3
        }
    );
    assert_eq!(run.manifest(), &manifest);
    assert_eq!(run.indices().unwrap(), column(&records, |r| r.index));
    assert_eq!(run.ids().unwrap(), column(&records, |r| r.id.clone()));
    assert_eq!(run.labels().unwrap(), column(&records, |r| r.label));
    assert_eq!(run.predicted().unwrap(), column(&records, |r| r.predicted));
    assert_eq!(run.targets().unwrap(), column(&records, |r| r.target));
    assert_eq!(run.f_input().unwrap(), column(&records, |r| r.f_input));
    assert_eq!(
        run.f_baseline().unwrap(),
        column(&records, |r| r.f_baseline)
    );
    assert_eq!(run.steps().unwrap(), column(&records, |r| r.steps));
    assert_eq!(run.errors().unwrap(), column(&records, |r| r.error));
    assert_eq!(
        run.logits().unwrap().data,
        column(&records, |r| r.logits.clone()).concat()
    );
    let stem = "/features/stem/Relu_output_0";
    assert_eq!(run.deltas(stem).unwrap(), column(&records, |r| r.delta[0]));
    assert_eq!(
        run.deltas("linear").unwrap(),
        column(&records, |r| r.delta[1])
    );
    for (l, layer) in manifest.model.layers.iter().enumerate() {
        let conductance = run.vectors(&layer.name, VectorKind::Conductance).unwrap();
        assert_eq!((conductance.n, conductance.width), (20, layer.n_channels));
        assert_eq!(
            conductance.data,
            column(&records, |r| r.conductance[l].clone()).concat()
        );
        let activation = run.vectors(&layer.name, VectorKind::Activation).unwrap();
        let rows: Vec<Vec<f32>> = activation.rows().map(<[f32]>::to_vec).collect();
        assert_eq!(rows, column(&records, |r| r.activation[l].clone()));
    }
    assert_eq!(run.skipped().cloned().collect::<Vec<_>>(), skipped);
}

#[test]
fn every_f32_comes_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(1);
    let mut sample = record(&manifest, 0);
    sample.conductance[1] = vec![
        f32::NAN,
        -0.0,
        f32::NEG_INFINITY,
        f32::from_bits(1),
        f32::MAX,
    ];
    let expected: Vec<u32> = sample.conductance[1].iter().map(|x| x.to_bits()).collect();
    let mut writer = RunDir::open_for_writing(folder.path(), &manifest, 8).unwrap();
    writer.push(sample).unwrap();
    let run = writer.finish().unwrap();
    let vectors = run.vectors("layer1.0", VectorKind::Conductance).unwrap();
    let found: Vec<u32> = vectors.data.iter().map(|x| x.to_bits()).collect();
    assert_eq!(found, expected);
}

#[test]
fn wide_layers_and_many_samples_in_a_part_come_back() {
    let folder = tempfile::tempdir().unwrap();
    // More than a page of 1 MiB in each column.
    let manifest = manifest_with_layers(300, &[("layer4.2", 2048, true), ("fc6", 4096, true)]);
    let mut writer = RunDir::open_for_writing(folder.path(), &manifest, 200).unwrap();
    for index in 0..300 {
        writer.push(record(&manifest, index)).unwrap();
    }
    let run = writer.finish().unwrap();
    for (l, layer) in manifest.model.layers.iter().enumerate() {
        let vectors = run.vectors(&layer.name, VectorKind::Activation).unwrap();
        assert_eq!(vectors.n, 300);
        for (index, row) in vectors.rows().enumerate() {
            assert_eq!(row, record(&manifest, index as u64).activation[l]);
        }
    }
}

#[test]
fn a_run_of_skipped_samples_and_a_run_of_none_are_complete() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunDir::open_for_writing(folder.path(), &manifest(3), 2).unwrap();
    for index in 0..3 {
        let sample = SkippedSample {
            index,
            id: String::new(),
            reason: "unreadable".to_owned(),
        };
        writer.push(sample).unwrap();
    }
    let run = writer.finish().unwrap();
    assert!(run.is_complete());
    assert_eq!(run.skipped().count(), 3);
    assert_eq!(run.labels().unwrap(), []);
    let vectors = run.vectors("linear", VectorKind::Conductance).unwrap();
    assert_eq!((vectors.n, vectors.width), (0, 2));

    let empty = tempfile::tempdir().unwrap();
    let writer = RunDir::open_for_writing(empty.path(), &manifest(0), 2).unwrap();
    assert!(writer.finish().unwrap().is_complete());
}

#[test]
fn only_unfinished_parts_are_held() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(40);
    let mut writer = RunDir::open_for_writing(folder.path(), &manifest, 4).unwrap();
    // Two threads a part apart: never more than one part and what is ahead of it is held.
    for pair in 0..20 {
        let (part, slot) = (pair / 4 * 2, pair % 4);
        for index in [part * 4 + slot, (part + 1) * 4 + slot] {
            writer.push(outcome(&manifest, index)).unwrap();
            assert!(writer.held() < 8, "{} held", writer.held());
        }
        if slot == 3 {
            assert_eq!(writer.held(), 0);
        }
    }
    assert_eq!(writer.finished_parts(), 10);
}

#[test]
fn samples_that_do_not_fit_are_refused_with_the_layer_named() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(3);
    let mut writer = RunDir::open_for_writing(folder.path(), &manifest, 2).unwrap();
    let mut message = |change: fn(&mut SampleRecord)| {
        let mut sample = record(&manifest, 1);
        change(&mut sample);
        writer.push(sample).unwrap_err().to_string()
    };
    assert_eq!(
        message(|s| s.conductance[1].truncate(4)),
        "sample 1 can't be stored: conductance of layer `layer1.0`: 4 values, 5 expected"
    );
    assert_eq!(
        message(|s| s.activation.truncate(2)),
        "sample 1 can't be stored: layers of activation: 2 values, 3 expected"
    );
    assert_eq!(
        message(|s| s.delta.push(0.0)),
        "sample 1 can't be stored: completeness errors of cut layers: 3 values, 2 expected"
    );
    assert_eq!(
        message(|s| s.logits.clear()),
        "sample 1 can't be stored: logits: 0 values, 4 expected"
    );
    assert_eq!(
        message(|s| s.index = 3),
        "sample 3 can't be stored: the run has 3 samples"
    );
    // What was refused left no trace; the same sample twice is refused, held or written.
    assert_eq!(writer.held(), 0);
    for index in [1, 0] {
        writer.push(outcome(&manifest, index)).unwrap();
        let again = writer.push(outcome(&manifest, index)).unwrap_err();
        assert!(matches!(again, StoreError::InvalidSample { .. }), "{again}");
    }
    assert_eq!(writer.finished_parts(), 1);
    assert_eq!(writer.counts().analysed, 2);
}

#[test]
fn names_asked_for_in_vain_are_answered_with_those_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunDir::open_for_writing(folder.path(), &manifest(1), 2).unwrap();
    writer.push(record(&manifest(1), 0)).unwrap();
    let run = writer.finish().unwrap();
    let error = run.vectors("layer1", VectorKind::Activation).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the run holds no layer `layer1`; its layers are /features/stem/Relu_output_0, layer1.0, linear"
    );
    assert!(matches!(
        run.deltas("layer1").unwrap_err(),
        StoreError::UnknownLayer { .. }
    ));
    assert_eq!(
        run.deltas("layer1.0").unwrap_err().to_string(),
        "layer `layer1.0` is no cut layer, so it has no completeness error; cut layers are /features/stem/Relu_output_0, linear"
    );
}

#[test]
fn run_json_reads_back_as_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("run");
    drop(RunDir::open_for_writing(&path, &manifest(3), 2).unwrap());
    let text = fs::read_to_string(path.join("run.json")).unwrap();
    assert!(
        text.starts_with("{\n  \"format\": 1,\n  \"infoplane\": \"0.1.0\",\n  \"config\": {\n")
    );
    assert!(text.ends_with("\n}\n"));
    assert_eq!(RunDir::open(&path).unwrap().manifest(), &manifest(3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The sweep's threads finish samples in an order that differs from run to run; a stopped run
    /// starts again with only its finished parts.
    #[test]
    fn bytes_depend_neither_on_order_nor_on_interruptions(
        order in Just((0..17_u64).collect::<Vec<_>>()).prop_shuffle(),
        part_size in 1..20_usize,
        stops in proptest::collection::vec(0..17_usize, 0..3),
    ) {
        let manifest = manifest(17);
        let in_order = tempfile::tempdir().unwrap();
        let mut writer = RunDir::open_for_writing(in_order.path(), &manifest, part_size).unwrap();
        for index in 0..17 {
            writer.push(outcome(&manifest, index)).unwrap();
        }
        writer.finish().unwrap();

        let folder = tempfile::tempdir().unwrap();
        for stop in stops {
            let mut writer = RunDir::open_for_writing(folder.path(), &manifest, part_size).unwrap();
            for &index in &order[..stop] {
                if !writer.is_done(index) {
                    writer.push(outcome(&manifest, index)).unwrap();
                }
            }
        }
        let mut writer = RunDir::open_for_writing(folder.path(), &manifest, part_size).unwrap();
        for &index in order.iter().rev() {
            if !writer.is_done(index) {
                writer.push(outcome(&manifest, index)).unwrap();
            }
        }
        prop_assert!(writer.finish().unwrap().is_complete());
        prop_assert_eq!(files(folder.path()), files(in_order.path()));
    }
}
