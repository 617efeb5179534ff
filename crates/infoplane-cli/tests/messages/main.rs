//! What the program says to every kind of bad input, word by word.
//!
//! Each reader has a snapshot in `snapshots/`. A message names the file, what was wrong, and what is allowed.

#[path = "../common/mod.rs"]
mod common;

mod arrays;
mod forms;
mod images;
mod onnx;
mod runs;
mod settings;
mod tables;
mod weights;

use std::path::{Path, PathBuf};

use common::{demo_asset, refuse, words};
use tempfile::TempDir;

/// A folder with the demo's network and digits, and what was said there.
struct Said {
    folder: TempDir,
    text: String,
}

impl Said {
    fn new() -> Said {
        let said = Said {
            folder: TempDir::new().unwrap(),
            text: String::new(),
        };
        for (asset, name) in [("network.onnx", "net.onnx"), ("digits.npz", "digits.npz")] {
            std::fs::copy(demo_asset(asset), said.file(name)).unwrap();
        }
        said
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// What a command that must be refused says, under a heading.
    #[track_caller]
    fn to(&mut self, case: &str, command: &str) {
        let said = refuse(self.path(), words(command));
        let said = said.trim_end().replace("infoplane: ", "");
        let command = command.trim_end();
        self.text
            .push_str(&format!("# {case}\n$ infoplane {command}\n{said}\n\n"));
    }

    /// The same of a network file with `content`, which is named after the case.
    #[track_caller]
    fn model(&mut self, case: &str, extension: &str, content: impl AsRef<[u8]>) {
        let name = format!("{}.{extension}", case.replace([' ', ',', '`', '\''], "_"));
        self.write(&name, content);
        let command = match extension {
            "onnx" => format!("layers {name}"),
            _ => format!("layers squeezenet1_1 --weights {name}"),
        };
        self.to(case, &command);
    }

    /// The same of the demo's run on data that is written already.
    #[track_caller]
    fn data(&mut self, case: &str, data: &str) {
        self.to(
            case,
            &format!("run --model net.onnx --data {data} --out out"),
        );
    }
}
