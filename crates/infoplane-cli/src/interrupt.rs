//! What Ctrl-C does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use infoplane::{Phase, Progress};

use crate::INTERRUPTED;

/// Ends the program when it is interrupted. During a sweep the first signal lets the samples in work
/// come to their end, so that their part can still be stored; the second, and any at another time, ends
/// at once, which loses nothing because every file is written whole.
#[derive(Clone, Default)]
pub struct Interrupt {
    stop: Arc<AtomicBool>,
    sweeping: Arc<AtomicBool>,
}

impl Interrupt {
    /// Catches the signals from now on.
    pub fn install() -> Interrupt {
        let interrupt = Interrupt::default();
        let Interrupt { stop, sweeping } = interrupt.clone();
        let caught = ctrlc::set_handler(move || {
            if !sweeping.load(Ordering::Relaxed) || stop.swap(true, Ordering::Relaxed) {
                eprintln!("\ninfoplane: interrupted");
                std::process::exit(INTERRUPTED.into());
            }
            eprintln!("\nstopping after the samples in work; once more ends at once");
        });
        if let Err(error) = caught {
            tracing::warn!("signals can't be caught: {error}");
        }
        interrupt
    }

    /// Whether the sweep is asked to stop.
    pub fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// Takes note of what the program is doing.
    pub fn at(&self, progress: &Progress) {
        let sweeping = matches!(progress.phase, Phase::Conductance | Phase::Controls);
        self.sweeping.store(sweeping, Ordering::Relaxed);
    }
}
