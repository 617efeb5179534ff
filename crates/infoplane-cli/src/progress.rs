//! Progress on stderr: a bar on a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use infoplane::{Phase, Progress};

/// Time between two lines of a log.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Nothing is shown before a job has taken this long.
const QUIET_FOR: Duration = Duration::from_secs(1);

/// How a bar looks.
const BAR: &str = "{msg:<12} {wide_bar:.cyan/dim} {pos}/{len} · {per_sec} · {eta} left";

/// Shows how far a job is.
pub struct ProgressView {
    bar: Option<ProgressBar>,
    /// What the phases are of, where a job has several parts; empty for one.
    title: String,
    phase: Option<Phase>,
    started: Instant,
    last_line: Instant,
}

impl ProgressView {
    pub fn new() -> ProgressView {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template(BAR) {
                bar.set_style(style);
            }
            bar
        });
        ProgressView {
            bar,
            title: String::new(),
            phase: None,
            started: now,
            last_line: now,
        }
    }

    /// From now on the phases are of this part of the job.
    pub fn entitle(&mut self, title: &str) {
        if self.title != title {
            title.clone_into(&mut self.title);
            self.phase = None;
        }
    }

    pub fn show(&mut self, progress: &Progress) {
        let now = Instant::now();
        if self.phase != Some(progress.phase) {
            self.phase = Some(progress.phase);
            self.started = now;
            self.last_line = now;
            if let Some(bar) = &self.bar {
                bar.set_length(progress.total);
                bar.set_position(progress.resumed);
                bar.reset_eta();
                bar.set_message(self.named(name(progress.phase)));
            }
        }
        match &self.bar {
            Some(bar) if now - self.started >= QUIET_FOR => bar.set_position(progress.done),
            None if now - self.last_line >= LINE_EVERY => {
                self.last_line = now;
                eprintln!("{}", self.named(&line(progress, now - self.started)));
            }
            _ => {}
        }
    }

    fn named(&self, text: &str) -> String {
        match self.title.is_empty() {
            true => text.to_owned(),
            false => format!("{}, {text}", self.title),
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows how many of a number of equal things are done.
pub struct CountView {
    bar: ProgressBar,
    started: Instant,
}

impl CountView {
    pub fn new(what: &'static str) -> CountView {
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr_with_hz(10),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            bar.set_style(style);
        }
        bar.set_message(what);
        CountView {
            bar,
            started: Instant::now(),
        }
    }

    pub fn show(&self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        if self.started.elapsed() >= QUIET_FOR {
            self.bar.set_position(done as u64);
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Conductance => "conductance",
        Phase::Maps => "maps",
        Phase::Means => "means",
        Phase::Ablation => "ablation",
        Phase::Controls => "controls",
        Phase::Resolution => "resolution",
        Phase::Information => "information",
        Phase::Report => "report",
    }
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let fresh = progress.done.saturating_sub(progress.resumed);
    let rate = fresh as f64 / elapsed.as_secs_f64().max(1e-3);
    let left = if rate > 0.0 {
        let seconds = progress.total.saturating_sub(progress.done) as f64 / rate;
        format!("{} left", HumanDuration(Duration::from_secs_f64(seconds)))
    } else {
        "time left unknown".to_string()
    };
    let skipped = match progress.skipped {
        0 => String::new(),
        n => format!(", {n} skipped"),
    };
    format!(
        "{}: {} of {}{skipped}, {rate:.1} a second, {left}",
        name(progress.phase),
        progress.done,
        progress.total,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_counts_only_fresh_work_in_its_rate() {
        let progress = Progress {
            phase: Phase::Conductance,
            done: 60,
            total: 100,
            resumed: 50,
            skipped: 1,
        };
        assert_eq!(
            line(&progress, Duration::from_secs(2)),
            "conductance: 60 of 100, 1 skipped, 5.0 a second, 8 seconds left"
        );
    }
}
