//! The HTML report and the figures of a run.
