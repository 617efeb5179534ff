//! Archives, lists and manifests of images.

use std::fs;

use infoplane_data::{ClassMap, DataOptions, open};

use crate::{files, gzip, jpeg, load, owned, refused, samples, tar, unchanged};

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
