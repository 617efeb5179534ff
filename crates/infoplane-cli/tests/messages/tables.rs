//! Variables of `mi`: arrays, tables and their columns.

use ndarray::{Array, Array1};
use ndarray_npy::write_npy;

use crate::Said;

#[test]
fn variables() {
    let mut said = Said::new();
    let rows: String = (0..20)
        .map(|i| format!("{i},{},{}\n", i * i % 7, ["a", "b"][i % 2]))
        .collect();
    said.write("t.csv", format!("x,y,kind\n{rows}"));
    said.to("a file that is not there", "mi absent.csv:x t.csv:y");
    said.write("t.txt", "x");
    said.to("a form that is not read", "mi t.txt t.csv:y");
    said.to("a column that is not there", "mi t.csv:z t.csv:y");
    said.write("short.csv", "x,y\n1,2\n3\n");
    said.to("a short row", "mi short.csv:x short.csv:y");
    said.write("gap.csv", "x,y\n1,2\n,4\n5,nan\n");
    said.to("missing values", "mi gap.csv:x gap.csv:y");
    said.write("few.csv", "x,y\n1,2\n3,4\n");
    said.to("too few rows", "mi few.csv:x few.csv:y");
    write_npy(
        said.file("v.npy"),
        &Array1::from_iter((0..30).map(f64::from)),
    )
    .unwrap();
    said.to("another number of rows", "mi v.npy t.csv:y");
    said.to("an array without a key", "mi digits.npz t.csv:y");
    said.to("a key that is not there", "mi digits.npz:labels t.csv:y");
    write_npy(said.file("none.npy"), &Array::<f64, _>::zeros((5, 0))).unwrap();
    said.to("an array of nothing", "mi none.npy t.csv:y");
    said.to(
        "an unknown estimator",
        "mi t.csv:x t.csv:y --estimator kgs1",
    );
    said.to(
        "an unknown parameter",
        "mi t.csv:x t.csv:y --estimator ksg1 --set neighbors=3",
    );
    said.to(
        "a parameter out of range",
        "mi t.csv:x t.csv:y --estimator ksg1 --set k=0",
    );
    said.to("text as numbers", "mi t.csv:kind t.csv:y --x-kind numbers");
    insta::assert_snapshot!("tables", said.text);
}
