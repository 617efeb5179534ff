//! The other forms of data: IDX, tar, CIFAR, lists of images and tables of features.

use crate::Said;

#[test]
fn files_of_data() {
    let mut said = Said::new();
    let mut data = |case: &str, name: &str, content: &[u8]| {
        said.write(name, content);
        said.data(case, name);
    };
    let idx = |kind: u8, n: u8| [0, 0, kind, 3, 0, 0, 0, n, 0, 0, 0, 8, 0, 0, 0, 8];
    data("IDX that is none", "prose-images-idx3-ubyte", b"A letter.");
    data("IDX that stops", "cut-images-idx3-ubyte", &idx(8, 2));
    data("IDX of floats", "float-images-idx3-ubyte", &idx(13, 0));
    data("a tar that is none", "prose.tar", b"A letter.");
    data(
        "a batch of CIFAR that stops",
        "data_batch_1.bin",
        b"A letter.",
    );
    data("an empty table", "empty.csv", b"");
    data("a table of a header alone", "header.csv", b"a,b,label\n");
    data(
        "images that are not there",
        "list.csv",
        b"path,label\nnowhere.png,0\n",
    );
    data("a missing feature", "gap.csv", b"a,b,label\n1,2,0\n3,,1\n");
    data(
        "too few features",
        "narrow.csv",
        b"a,b,label\n1,2,0\n3,4,1\n",
    );
    insta::assert_snapshot!("forms", said.text);
}
