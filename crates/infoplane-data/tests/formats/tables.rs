//! Tables of features.

use infoplane_data::{DataOptions, Dataset, Selection, Standardise, TableOptions, open};

use crate::{all, files, load, owned, samples};

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

pub(crate) const FLOWERS: &str = "width,length,species\n1,10,virginica\n2,20,setosa\n3,60,setosa\n";

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
