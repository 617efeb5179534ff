//! What a long job reports while it runs.

/// A part of the whole analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The sweep over samples.
    Conductance,
    /// The maps of a few samples, after the sweep.
    Maps,
    /// The means of every layer's values, before an ablation.
    Means,
    /// The ablation of samples.
    Ablation,
    /// The sweeps of the controls, over all their samples.
    Controls,
    /// The informations at every noise level, layer by layer, before one is chosen for several runs.
    Resolution,
    /// The estimates, layer by layer.
    Information,
    /// The report.
    Report,
}

/// How far a phase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// Units done: samples, or estimates.
    pub done: u64,
    /// Units in all.
    pub total: u64,
    /// Of those done, how many an earlier run had finished.
    pub resumed: u64,
    /// Of those done, how many were skipped.
    pub skipped: u64,
}

impl Progress {
    /// Of a phase that neither resumes nor skips.
    pub(crate) fn of(phase: Phase, done: usize, total: usize) -> Progress {
        Progress {
            phase,
            done: done as u64,
            total: total as u64,
            resumed: 0,
            skipped: 0,
        }
    }
}
