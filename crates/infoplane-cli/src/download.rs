//! Downloads on a terminal: how much is there, how fast it comes, how long it will take.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use infoplane::hub::{Download, on_download};

/// How a download looks.
const BAR: &str = "{msg} {wide_bar:.cyan/dim} {bytes}/{total_bytes} · {bytes_per_sec} · {eta} left";

/// The bar of the download that is going on.
#[derive(Clone, Default)]
pub struct Downloads {
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

/// Shows downloads from now on, where stderr is a terminal.
pub fn show() -> Downloads {
    let downloads = Downloads::default();
    if std::io::stderr().is_terminal() {
        let shown = downloads.clone();
        on_download(move |download| shown.show(download));
    }
    downloads
}

impl Downloads {
    fn show(&self, download: Download<'_>) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match download {
            Download::Waiting { file } => {
                eprintln!("waiting for another process, which downloads {file}");
            }
            Download::Running {
                file,
                done,
                total,
                resumed,
            } => bar
                .get_or_insert_with(|| started(file, total, resumed))
                .set_position(done),
            Download::Finished { .. } => {
                if let Some(bar) = bar.take() {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }

    /// Takes a bar from the terminal whose download broke off.
    pub fn clear(&self) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn started(file: &str, total: u64, resumed: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style);
    }
    bar.set_length(total);
    bar.set_position(resumed);
    bar.reset_eta();
    bar.set_message(file.to_owned());
    bar
}
