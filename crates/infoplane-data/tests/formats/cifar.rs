//! CIFAR's pickles, rows and archives.

use std::fs;

use infoplane_data::{ClassMap, DataOptions, open};

use crate::{all, files, fixtures, gzip, jpeg, owned, refused, samples, tar, unchanged};

/// What the fixtures' images are.
fn cifar_images() -> Vec<Vec<f32>> {
    let byte = |i: usize| (i * 7 % 251) as f32;
    (0..2)
        .map(|n| (0..3072).map(|i| byte(n * 3072 + i)).collect())
        .collect()
}

#[test]
fn cifar_pickles_of_every_python_are_read() {
    let cifar = fixtures().join("cifar");
    for folder in ["python2", "protocol2", "protocol5"] {
        for path in [cifar.join(folder), cifar.join(folder).join("test_batch")] {
            let data = open(&path, &unchanged()).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(
                (data.info().kind.as_str(), data.sample_shape()),
                ("cifar", &[3, 32, 32][..])
            );
            assert_eq!(
                samples(&*data),
                owned(&[("test_batch#0", Some(3)), ("test_batch#1", Some(7))])
            );
            assert_eq!(data.info().class_names[3], "cat");
            assert_eq!(all(&*data), cifar_images(), "{folder}");
        }
    }
    let hundred = |options: DataOptions| open(&cifar.join("protocol4"), &options).unwrap();
    let fine = hundred(unchanged());
    assert_eq!(
        samples(&*fine),
        owned(&[("test#0", Some(3)), ("test#1", Some(7))])
    );
    assert_eq!(fine.info().class_names.len(), 100);
    assert_eq!(all(&*fine), cifar_images());
    let coarse = hundred(DataOptions {
        n_outputs: Some(20),
        ..unchanged()
    });
    assert_eq!(
        samples(&*coarse),
        owned(&[("test#0", Some(1)), ("test#1", Some(2))])
    );
    assert_eq!(coarse.info().class_names[1], "coarse 1");
    let mapped = DataOptions {
        class_map: ClassMap::Names(vec!["horse".into(), "cat".into()]),
        ..unchanged()
    };
    let data = open(&cifar.join("python2"), &mapped).unwrap();
    assert_eq!(
        samples(&*data),
        owned(&[("test_batch#0", Some(1)), ("test_batch#1", Some(0))])
    );
}

#[test]
fn cifar_rows_and_archives_are_read() {
    let images = cifar_images();
    let row = |labels: &[u8], n: usize| {
        [
            labels,
            &images[n].iter().map(|&v| v as u8).collect::<Vec<_>>(),
        ]
        .concat()
    };
    let ten = [row(&[3], 0), row(&[7], 1)].concat();
    let hundred = [row(&[1, 3], 0), row(&[2, 7], 1)].concat();
    let names = "airplane\nautomobile\nbird\ncat\n\n";
    let root = files(&[
        ("ten/test_batch.bin", &ten),
        ("ten/data_batch_1.bin", &ten),
        ("ten/batches.meta.txt", names.as_bytes()),
        ("hundred/test.bin", &hundred),
        ("hundred/fine_label_names.txt", names.as_bytes()),
        ("broken/test_batch.bin", &ten[1..]),
        ("only/data_batch_1", &ten),
        ("evil/test_batch", b"\x80\x02cos\nsystem\nU\x02ls\x85R."),
    ]);
    let at = |path: &str| root.path().join(path);
    let data = open(&at("ten"), &unchanged()).unwrap();
    assert_eq!(
        samples(&*data),
        owned(&[("test_batch.bin#0", Some(3)), ("test_batch.bin#1", Some(7))])
    );
    assert_eq!(
        (data.info().class_names[3].as_str(), all(&*data)),
        ("cat", images.clone())
    );
    assert!(data.info().warnings[0].contains("the test images, test_batch.bin, are taken"));
    let data = open(&at("ten/data_batch_1.bin"), &unchanged()).unwrap();
    assert!(data.info().warnings.is_empty());
    let data = open(&at("hundred"), &unchanged()).unwrap();
    assert_eq!(
        samples(&*data),
        owned(&[("test.bin#0", Some(3)), ("test.bin#1", Some(7))])
    );
    let coarse = DataOptions {
        label_column: Some("coarse_labels".into()),
        ..unchanged()
    };
    let data = open(&at("hundred"), &coarse).unwrap();
    assert_eq!(
        samples(&*data),
        owned(&[("test.bin#0", Some(1)), ("test.bin#1", Some(2))])
    );
    for (path, reason) in [
        (
            "broken",
            "test_batch.bin has 6145 bytes; a binary batch has 3073 for each image",
        ),
        ("only", "CIFAR without its test images"),
        (
            "evil",
            "its pickle names `os.system`, which such a file has no need of; nothing was executed",
        ),
    ] {
        let message = refused(&at(path), &unchanged());
        assert!(message.contains(reason), "{message}");
    }

    let message = refused(&at("ten"), &coarse);
    assert!(
        message.contains("CIFAR-10 has one kind of label"),
        "{message}"
    );
    fs::write(at("a.tar"), tar(&[("a/1.jpg", &jpeg())])).unwrap();
    let message = refused(&at("a.tar"), &coarse);
    assert!(
        message.contains("a column of labels is for tables"),
        "{message}"
    );

    let python = |name: &str| fs::read(fixtures().join("cifar/python2").join(name)).unwrap();
    let archive = tar(&[
        ("cifar-10-batches-py/batches.meta", &python("batches.meta")),
        ("cifar-10-batches-py/test_batch", &python("test_batch")),
    ]);
    let root = files(&[("cifar-10-python.tar.gz", &gzip(&archive))]);
    let data = open(&root.path().join("cifar-10-python.tar.gz"), &unchanged()).unwrap();
    assert_eq!(
        (data.info().class_names[3].as_str(), all(&*data)),
        ("cat", images)
    );
}
