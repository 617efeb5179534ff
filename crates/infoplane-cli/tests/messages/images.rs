//! Folders of images, image tables, class names and groups.

use std::path::Path;

use crate::Said;
use crate::common::{succeed, words, write_colour_network, write_images};

fn said() -> Said {
    let said = Said::new();
    write_colour_network(said.path());
    said
}

fn run(data: &str, flags: &str) -> String {
    format!("run --model colours.onnx --data {data} --out out --preset none {flags}")
}

#[test]
fn folders() {
    let mut said = said();
    said.to("a path that is not there", &run("nowhere", ""));
    said.write("notes.txt", "x");
    said.to("a file of no known form", &run("notes.txt", ""));
    said.write("notes", "x");
    said.to("a file without an extension", &run("notes", ""));
    std::fs::create_dir(said.file("hollow")).unwrap();
    said.to("an empty folder", &run("hollow", ""));
    said.write("letters/a/letter.txt", "x");
    said.to("a folder without images", &run("letters", ""));
    write_images(said.path(), 1);
    said.to(
        "another shape",
        "run --model colours.onnx --data images --out out",
    );
    said.to(
        "grey images of another size",
        "run --model net.onnx --data images --out out --preset none --crop 9",
    );
    said.to("no samples asked for", &run("images", "--limit 0"));
    insta::assert_snapshot!("images_folders", said.text);
}

#[test]
fn unreadable_images() {
    let mut said = said();
    let images = write_images(said.path(), 1);
    let whole = std::fs::read(images.join("red/00.png")).unwrap();
    let broken: [(&str, &str, &[u8]); 5] = [
        ("an empty file", "00.png", b""),
        ("prose", "00.png", b"A letter."),
        ("half an image", "00.png", &whole[..whole.len() / 2]),
        (
            "a JPEG that stops",
            "00.jpg",
            b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
        ),
        (
            "a damaged image",
            "00.png",
            &[&whole[..40], &[0; 60]].concat(),
        ),
    ];
    for (index, (case, file, content)) in broken.into_iter().enumerate() {
        let folder = format!("images{index}");
        crate::common::copy_into(&images, &said.file(&folder));
        std::fs::remove_file(said.file(&format!("{folder}/red/00.png"))).unwrap();
        said.write(&format!("{folder}/red/{file}"), content);
        said.to(case, &run(&folder, "--strict"));
    }
    image::RgbImage::new(9, 7)
        .save(images.join("red/00.png"))
        .unwrap();
    said.to("an image of another size", &run("images", "--strict"));
    for class in ["red", "green", "blue"] {
        said.write(&format!("images/{class}/00.png"), "A letter.");
    }
    said.to("no readable image", &run("images", ""));
    insta::assert_snapshot!("images_unreadable", said.text);
}

#[test]
fn classes_and_groups() {
    let mut said = said();
    write_images(said.path(), 1);
    said.to(
        "class names that are not there",
        &run("images", "--classes absent.txt"),
    );
    said.write("empty.txt", "");
    said.to("no class names", &run("images", "--classes empty.txt"));
    said.write("twice.txt", "red\ngreen\nred\n");
    said.to("a class name twice", &run("images", "--classes twice.txt"));
    said.write("typo.txt", "red\ngreeen\nblue\n");
    said.to(
        "a folder that is no class",
        &run("images", "--classes typo.txt"),
    );
    said.write("four.txt", "grey\nyellow\nred\ngreen\nblue\n");
    said.to(
        "a class without an output",
        &run("images", "--classes four.txt"),
    );

    said.to(
        "groups that are not there",
        &run("images", "--groups absent.csv:group"),
    );
    said.to(
        "groups without a column",
        &run("images", "--groups absent.csv"),
    );
    for (case, table) in [
        ("another column", "class_index,kind\n0,a\n"),
        ("no class index", "class,group\n0,a\n"),
        ("a class that is no number", "class_index,group\nzero,a\n"),
        ("an empty group", "class_index,group\n0,\n"),
        ("two groups of a class", "class_index,group\n0,a\n0,b\n"),
        ("no rows", "class_index,group\n"),
        ("a short row", "class_index,group\n0\n"),
    ] {
        let name = format!("{}.csv", case.replace(' ', "_"));
        said.write(&name, table);
        said.to(case, &run("images", &format!("--groups {name}:group")));
    }
    insta::assert_snapshot!("images_classes", said.text);
}

#[test]
fn parquet_files() {
    let mut said = said();
    said.write("empty.parquet", "");
    said.to("an empty file", &run("empty.parquet", ""));
    said.write("prose.parquet", "A letter.");
    said.to("prose", &run("prose.parquet", ""));
    said.write("magic.parquet", "PAR1PAR1PAR1");
    said.to("nothing but the magic", &run("magic.parquet", ""));
    let sweep =
        "run --model net.onnx --data digits.npz --limit 16 --out run --layers stem --steps 2";
    succeed(said.path(), words(sweep));
    let part = said.file("run/samples/part-00000.parquet");
    let whole = std::fs::read(&part).unwrap();
    std::fs::remove_dir_all(said.file("run")).unwrap();
    said.write("table.parquet", &whole);
    said.to("a table without images", &run("table.parquet", ""));
    said.write("half.parquet", &whole[..whole.len() / 2]);
    said.to("half a table", &run("half.parquet", ""));
    // Written by pyarrow; in the last a page's size was changed by hand.
    for (case, bytes) in [
        (
            "more values than a file may claim",
            &include_bytes!("parquet/long_runs.parquet")[..],
        ),
        ("texts as deltas", include_bytes!("parquet/deltas.parquet")),
        ("decimals", include_bytes!("parquet/decimals.parquet")),
        (
            "a page longer than its column",
            include_bytes!("parquet/page.parquet"),
        ),
    ] {
        said.write("claims.parquet", bytes);
        said.to(case, &run("claims.parquet", ""));
    }
    assert!(!Path::new("out").exists());
    insta::assert_snapshot!("images_parquet", said.text);
}
