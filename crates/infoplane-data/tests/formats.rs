//! The forms of data that are no folder and no array, through the public interface, whole and damaged.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use infoplane_data::{
    ClassMap, DataOptions, Dataset, Preprocess, Selection, Standardise, TableOptions, open,
};
use proptest::prelude::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn jpeg() -> Vec<u8> {
    fs::read(fixtures().join("images/jpeg_420.jpg")).unwrap()
}

/// Files below a new folder.
fn files(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

fn unchanged() -> DataOptions {
    let mut preprocess = Preprocess::preset("none").unwrap();
    preprocess.scale = 1.0;
    DataOptions {
        preprocess,
        ..DataOptions::default()
    }
}

fn grey() -> DataOptions {
    let mut options = unchanged();
    options.preprocess.fit(&[Some(1), None, None]);
    options
}

fn refused(path: &Path, options: &DataOptions) -> String {
    match open(path, options) {
        Err(error) => error.to_string(),
        Ok(data) => panic!("opened as {}", data.info().kind),
    }
}

fn samples(data: &dyn Dataset) -> Vec<(String, Option<usize>)> {
    let label = |index| data.label(index).map(|label| label.0);
    (0..data.len())
        .map(|index| (data.id(index).to_owned(), label(index)))
        .collect()
}

fn owned(samples: &[(&str, Option<usize>)]) -> Vec<(String, Option<usize>)> {
    samples
        .iter()
        .map(|(id, label)| (id.to_string(), *label))
        .collect()
}

fn load(data: &dyn Dataset, index: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; data.sample_shape().iter().product()];
    data.load(index, &mut out).unwrap();
    out
}

fn all(data: &dyn Dataset) -> Vec<Vec<f32>> {
    (0..data.len()).map(|index| load(data, index)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive of files in the given order.
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn a_tar_is_the_folder_that_it_unpacks_to() {
    let image = jpeg();
    let long = format!("root/val/dog/{}.jpg", "x".repeat(150));
    let members: Vec<(&str, &[u8])> = vec![
        ("root/val/dog/b.JPEG", &image),
        (&long, &image),
        ("root/val/cat/deep/c.jpg", &image),
        ("root/val/cat/a.png", b"not an image"),
        ("root/val/cat/z.jpg", &image[..image.len() / 2]),
        ("root/val/cat/z.jpg", &image),
        ("root/val/._cat/z.jpg", &image),
        ("root/val/notes.txt", b"text"),
    ];
    let folder = files(&members);
    let archive = tar(&members);
    let packed = files(&[
        ("images.tar", archive.as_slice()),
        ("images.tar.gz", &gzip(&archive)),
    ]);
    let expected = open(&folder.path().join("root/val"), &unchanged()).unwrap();
    for name in ["images.tar", "images.tar.gz"] {
        let data = open(&packed.path().join(name), &unchanged()).unwrap();
        assert_eq!(data.info().kind, "image tar");
        assert_eq!(data.info().class_names, ["cat", "dog"]);
        assert_eq!(samples(&*data), samples(&*expected));
        assert_eq!(data.info().fingerprint, expected.info().fingerprint);
        for index in 0..data.len() {
            let mut out = vec![0.0; data.sample_shape().iter().product()];
            let mut other = out.clone();
            let (found, expected) = (data.load(index, &mut out), expected.load(index, &mut other));
            assert_eq!(found.is_err(), expected.is_err());
            assert!(found.is_err() || out == other);
        }
    }
}

#[test]
fn a_tar_that_is_cut_or_empty_is_refused() {
    let image = jpeg();
    let archive = tar(&[("a/1.jpg", &image), ("b/2.jpg", &image)]);
    let root = files(&[
        ("cut.tar", &archive[..archive.len() - 2048 - 300]),
        ("cut.tar.gz", &gzip(&archive)[..500]),
        ("none.tar", &tar(&[("a.txt", b"text")])),
        ("no.tar", b"no archive"),
    ]);
    for (name, reason) in [
        ("cut.tar", "truncated: `b/2.jpg` lies beyond its"),
        ("cut.tar.gz", "cut.tar.gz: "),
        ("none.tar", "holds no samples"),
        ("no.tar", "not a tar archive"),
    ] {
        let message = refused(&root.path().join(name), &unchanged());
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_list_labels_loose_images_of_folders_and_tars() {
    let image = jpeg();
    let members: [(&str, &[u8]); 2] = [("val/v_2.JPEG", &image), ("val/v_1.JPEG", &image)];
    let root = files(&members);
    fs::write(root.path().join("val.tar"), tar(&members)).unwrap();
    let list = root.path().join("labels.csv");
    fs::write(
        &list,
        "ImageId,PredictionString\nv_1,n01440764 1 2 3 4\nv_2,n02123045 1 2 3 4\n",
    )
    .unwrap();
    let options = DataOptions {
        labels: Some(list),
        n_outputs: Some(1000),
        ..unchanged()
    };
    for source in ["val", "val.tar"] {
        let data = open(&root.path().join(source), &options).unwrap();
        assert_eq!(
            samples(&*data),
            owned(&[("v_1.JPEG", Some(0)), ("v_2.JPEG", Some(281))])
        );
        assert_eq!(data.info().class_names[281], "tabby");
    }
    let table = root.path().join("t.csv");
    fs::write(&table, "a,label\n1,0\n").unwrap();
    assert!(
        refused(&table, &options).contains("a list of labels is for folders and tars of images")
    );
}

#[test]
fn a_manifest_lists_images_with_labels_of_any_kind() {
    let image = jpeg();
    let root = files(&[("img/a, b.jpg", &image), ("img/c.jpg", &image)]);
    let read = |content: &str, options: &DataOptions| {
        let path = root.path().join("list.csv");
        fs::write(&path, content).unwrap();
        open(&path, options).map_err(|error| error.to_string())
    };
    let absolute = root.path().join("img/c.jpg");
    let absolute = absolute.to_str().unwrap();
    for (content, class_map, labels) in [
        (
            "path,label\n\"img/a, b.jpg\",1\nimg/c.jpg,0\n",
            ClassMap::Auto,
            [1, 0],
        ),
        (
            "split,class,file\nt,dog,\"img/a, b.jpg\"\nt,cat,img/c.jpg\n",
            ClassMap::Auto,
            [1, 0],
        ),
        (
            "\"img/a, b.jpg\",n02123045\nimg/c.jpg,n01440764\n",
            ClassMap::Wnid,
            [281, 0],
        ),
        (
            "path,label\n\"img/a, b.jpg\",dog\nimg/c.jpg,cat\n",
            ClassMap::Names(vec!["dog".into(), "cat".into()]),
            [0, 1],
        ),
    ] {
        let options = DataOptions {
            class_map,
            ..unchanged()
        };
        let data = read(content, &options).unwrap();
        assert_eq!(data.info().kind, "manifest");
        let expected = [
            ("img/a, b.jpg", Some(labels[0])),
            ("img/c.jpg", Some(labels[1])),
        ];
        assert_eq!(samples(&*data), owned(&expected), "{content}");
        assert_eq!(load(&*data, 0), load(&*data, 1));
    }
    let data = read(
        &format!("path\timg\n{absolute}\t1\n").replace('\t', ","),
        &unchanged(),
    )
    .unwrap();
    assert_eq!(samples(&*data), owned(&[(absolute, Some(1))]));
    let named = DataOptions {
        label_column: Some("b".into()),
        ..unchanged()
    };
    let data = read("a,b,path\n5,2,img/c.jpg\n5,,img/c.jpg\n", &named).unwrap();
    assert_eq!(
        samples(&*data),
        owned(&[("img/c.jpg", Some(2)), ("img/c.jpg#1", None)])
    );
    for (content, options, reason) in [
        (
            "path,label\nimg/x.jpg,1\n",
            &unchanged(),
            "none of its 1 images is there, such as",
        ),
        (
            "path,label\nimg/c.jpg,1\n,1\n",
            &unchanged(),
            "line 3: no path",
        ),
        ("path,label\nimg/c.jpg\n", &unchanged(), "line: 2"),
        (
            "path,x\nimg/c.jpg,1\n",
            &named,
            "no column `b`; the columns are `path`, `x`",
        ),
    ] {
        let message = read(content, options).err().unwrap();
        assert!(message.contains(reason), "{message}");
    }
}

/// An IDX file of bytes.
fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    file.extend(shape.iter().flat_map(|dim| dim.to_be_bytes()));
    file.extend(bytes);
    file
}

fn digits() -> (Vec<u8>, Vec<u8>) {
    let pixels: Vec<u8> = (0..3 * 4 * 2).map(|i| i * 10).collect();
    (idx(&[3, 4, 2], &pixels), idx(&[3], &[7, 0, 9]))
}

#[test]
fn idx_images_find_their_labels_plain_or_compressed() {
    let (images, labels) = digits();
    for (image_name, label_name) in [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte.gz"),
    ] {
        let pack = |name: &str, bytes: &[u8]| match name.ends_with(".gz") {
            true => gzip(bytes),
            false => bytes.to_vec(),
        };
        let root = files(&[
            (image_name, &pack(image_name, &images)),
            (label_name, &pack(label_name, &labels)),
        ]);
        for path in [root.path().join(image_name), root.path().to_path_buf()] {
            let data = open(&path, &grey()).unwrap();
            assert_eq!(
                (data.info().kind.as_str(), data.sample_shape()),
                ("idx", &[1, 4, 2][..])
            );
            let expected = [Some(7), Some(0), Some(9)];
            let expected = (0..3).map(|row| (format!("{image_name}#{row}"), expected[row]));
            assert_eq!(samples(&*data), expected.collect::<Vec<_>>());
            assert_eq!(
                load(&*data, 1),
                [80.0, 90.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0]
            );
        }
        let colour = open(&root.path().join(image_name), &unchanged()).unwrap();
        assert_eq!(colour.sample_shape(), [3, 4, 2]);
        assert_eq!(load(&*colour, 1)[8..16], load(&*colour, 1)[..8]);
        let message = refused(&root.path().join(label_name), &grey());
        assert!(message.contains("these are the labels"), "{message}");
    }
}

#[test]
fn idx_files_that_contradict_themselves_are_refused() {
    let (images, labels) = digits();
    let read = |images: &[u8], labels: &[u8]| {
        let root = files(&[
            ("a-images-idx3-ubyte", images),
            ("a-labels-idx1-ubyte", labels),
        ]);
        open(&root.path().join("a-images-idx3-ubyte"), &grey()).map_err(|error| error.to_string())
    };
    let huge = idx(&[u32::MAX, u32::MAX, u32::MAX], &[1, 2, 3]);
    for (images, labels, reason) in [
        (
            &images[..images.len() - 1],
            &labels[..],
            "its header promises [3, 4, 2] bytes, and 23 follow",
        ),
        (&images[..10], &labels, "before its dimensions do"),
        (&huge, &labels, "and 3 follow"),
        (
            &[0, 0, 13, 1, 0, 0, 0, 0],
            &labels,
            "of the type 0x0d; unsigned bytes",
        ),
        (
            &idx(&[0, 4, 2], &[]),
            &labels,
            "shape [0, 4, 2]; expected images",
        ),
        (
            &images,
            &idx(&[2], &[1, 2]),
            "labels of shape [2] for 3 images",
        ),
        (&images, &labels[..6], "before its dimensions do"),
    ] {
        let message = read(images, labels).err().unwrap();
        assert!(message.contains(reason), "{message}");
    }
    let root = files(&[("a-images-idx3-ubyte", &images)]);
    let data = open(&root.path().join("a-images-idx3-ubyte"), &grey()).unwrap();
    assert!(
        data.info().warnings[0].contains("no a-labels-idx1-ubyte beside"),
        "{:?}",
        data.info()
    );
    let root = files(&[
        ("a-images-idx3-ubyte", &images),
        ("b-images-idx3-ubyte", &images),
    ]);
    let message = refused(root.path(), &grey());
    assert!(
        message.contains("name one of them: a-images-idx3-ubyte, b-images-idx3-ubyte"),
        "{message}"
    );
}

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

fn table(content: &str, options: &DataOptions) -> Result<Box<dyn Dataset>, String> {
    let root = files(&[("t.csv", content.as_bytes())]);
    open(&root.path().join("t.csv"), options).map_err(|error| error.to_string())
}

fn with_table(table: TableOptions) -> DataOptions {
    DataOptions {
        table,
        ..DataOptions::default()
    }
}

const FLOWERS: &str = "width,length,species\n1,10,virginica\n2,20,setosa\n3,60,setosa\n";

#[test]
fn rows_of_a_table_are_samples_with_named_features() {
    let mlp = |n: usize| DataOptions {
        expected_shape: Some(vec![n]),
        n_outputs: Some(2),
        ..DataOptions::default()
    };
    let data = table(FLOWERS, &mlp(2)).unwrap();
    assert_eq!(
        (data.info().kind.as_str(), data.sample_shape()),
        ("table", &[2][..])
    );
    assert_eq!(data.info().features, ["width", "length"]);
    assert_eq!(data.info().class_names, ["setosa", "virginica"]);
    assert!(
        data.info().labelling.contains("`species`, the last"),
        "{}",
        data.info().labelling
    );
    assert_eq!(
        samples(&*data),
        owned(&[("0", Some(1)), ("1", Some(0)), ("2", Some(0))])
    );
    assert_eq!(all(&*data), [[1.0, 10.0], [2.0, 20.0], [3.0, 60.0]]);

    let named = DataOptions {
        label_column: Some("species".into()),
        ..with_table(TableOptions {
            features: vec!["length".into()],
            ..TableOptions::default()
        })
    };
    let data = table(FLOWERS, &named).unwrap();
    assert_eq!(
        (data.info().features.as_slice(), load(&*data, 2)),
        (&["length".to_owned()][..], vec![60.0])
    );
    let limited = DataOptions {
        selection: Selection {
            per_class: Some(1),
            ..Selection::default()
        },
        ..mlp(2)
    };
    assert_eq!(table(FLOWERS, &limited).unwrap().len(), 2);

    let usual = table("Target,a\n1,5\n0,6\n", &mlp(1)).unwrap();
    assert_eq!(samples(&*usual), owned(&[("0", Some(1)), ("1", Some(0))]));
    let none = table("a,b\n1,5\n", &mlp(2)).unwrap();
    assert_eq!(
        (none.info().labelling.as_str(), none.label(0)),
        ("none", None)
    );
}

#[test]
fn features_are_standardised_as_scikit_learn_does() {
    let options = DataOptions {
        label_column: Some("species".into()),
        ..with_table(TableOptions {
            standardise: Some(Standardise::Data),
            ..TableOptions::default()
        })
    };
    let data = table(FLOWERS, &options).unwrap();
    // StandardScaler().fit_transform([[1, 10], [2, 20], [3, 60]])
    let expected = [
        [-1.2247449, -0.9258201],
        [0.0, -0.46291006],
        [1.2247449, 1.388_73],
    ];
    for (row, expected) in all(&*data).iter().zip(expected) {
        assert!(
            row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6),
            "{row:?}"
        );
    }
    let plain = table(
        FLOWERS,
        &DataOptions {
            label_column: Some("species".into()),
            ..DataOptions::default()
        },
    );
    assert_ne!(plain.unwrap().info().fingerprint, data.info().fingerprint);

    let root = files(&[
        ("t.csv", b"a,b\n1,4\n"),
        ("scale.csv", b"feature,mean,std\nb,2,0.5\na,0,2\n"),
        ("short.csv", b"feature,mean,std\nb,2,0.5\n"),
    ]);
    let from = |file: &str| {
        let standardise = Some(Standardise::File(root.path().join(file)));
        let options = with_table(TableOptions {
            standardise,
            ..TableOptions::default()
        });
        open(&root.path().join("t.csv"), &options).map_err(|error| error.to_string())
    };
    assert_eq!(load(&*from("scale.csv").unwrap(), 0), [0.5, 4.0]);
    assert!(
        from("short.csv")
            .err()
            .unwrap()
            .contains("no row for the feature `a`")
    );
}

#[test]
fn tables_that_do_not_fit_are_refused_by_row_and_column() {
    let four = || DataOptions {
        expected_shape: Some(vec![4]),
        ..DataOptions::default()
    };
    let with = |mean: &[f32]| {
        with_table(TableOptions {
            mean: Some(mean.to_vec()),
            ..TableOptions::default()
        })
    };
    for (content, options, reason) in [
        (
            "a,b\n1,2\n3,\n",
            DataOptions::default(),
            "row 2, column `b`: no number",
        ),
        (
            "a,b\n1,2\nNaN,1\n",
            DataOptions::default(),
            "row 2, column `a`: no number",
        ),
        (
            "a,b\n1,inf\n",
            DataOptions::default(),
            "row 1, column `b`: inf",
        ),
        (
            "a,b\n1,x\n",
            DataOptions::default(),
            "row 1, column `b`: \"x\" is no number",
        ),
        (
            "a,b,label\n1,2,0.5\n",
            DataOptions::default(),
            "row 1, column `label`: 0.5 is no class",
        ),
        (
            "a,b\n1,2\n",
            four(),
            "2 features (`a`, `b`), and the network has 4 inputs",
        ),
        (
            "a,b\n1,2\n",
            with(&[1.0; 3]),
            "mean has 3 numbers for the 2 features",
        ),
        ("a,b\n", DataOptions::default(), "the table has no rows"),
        (
            "label\n1\n",
            DataOptions::default(),
            "no column of features",
        ),
        ("", DataOptions::default(), ""),
    ] {
        let message = table(content, &options).err().unwrap();
        assert!(message.contains(reason), "{content:?}: {message}");
    }
    let options = with_table(TableOptions {
        features: vec!["c".into()],
        ..TableOptions::default()
    });
    let message = table("a,b\n1,2\n", &options).err().unwrap();
    assert!(
        message.contains("no column `c`; the columns are `a`, `b`"),
        "{message}"
    );
}

/// Whole files of every form, by the name that they need.
fn whole() -> Vec<(&'static str, Vec<u8>)> {
    let image = jpeg();
    let (images, _) = digits();
    let cifar = |name: &str| fs::read(fixtures().join("cifar").join(name)).unwrap();
    let archive = tar(&[("a/1.jpg", &image), ("b/2.jpg", &image)]);
    vec![
        ("a.tar.gz", gzip(&archive)),
        ("a.tar", archive),
        ("a-images-idx3-ubyte.gz", gzip(&images)),
        ("a-images-idx3-ubyte", images),
        ("test_batch", cifar("python2/test_batch")),
        ("test_batch", cifar("protocol2/test_batch")),
        ("test_batch", cifar("protocol5/test_batch")),
        ("test", cifar("protocol4/test")),
        ("t.csv", FLOWERS.into()),
        ("t.tsv", FLOWERS.replace(',', "\t").into()),
    ]
}

/// Opens damaged bytes and loads what is there.
fn try_all(name: &str, bytes: &[u8]) {
    let root = files(&[(name, bytes)]);
    if let Ok(data) = open(&root.path().join(name), &unchanged()) {
        let mut out = vec![0.0; data.sample_shape().iter().product()];
        for index in 0..data.len().min(20) {
            let _ = data.load(index, &mut out);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_files_never_panic(
        which in 0usize..10,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        early in any::<bool>(), cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let (name, mut bytes) = whole().swap_remove(which);
        // Headers are short; what goes wrong there matters most.
        let span = if early { bytes.len().min(600) } else { bytes.len() };
        for (at, value) in changes {
            bytes[at.index(span)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        try_all(name, &bytes);
    }

    #[test]
    fn no_table_panics(content in "[a-z0-9.,\"\n -]{0,120}") {
        try_all("t.csv", content.as_bytes());
    }
}
