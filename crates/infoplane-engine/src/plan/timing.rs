//! How long each step of a plan takes on this machine.

use std::time::{Duration, Instant};

use super::Plan;
use super::session::CpuSession;

/// Median times of one step, for all rows of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepTime {
    /// The forward pass.
    pub forward: Duration,
    /// The vector-Jacobian product; zero where none is computed.
    pub backward: Duration,
}

impl Plan {
    /// Times every step on the calling thread: medians of `repeats` passes over an arbitrary input, after
    /// one that does not count.
    pub fn time_steps(&self, repeats: usize) -> Vec<StepTime> {
        let mut session = CpuSession::new(self);
        let mut forward = vec![Vec::with_capacity(repeats); self.steps.len()];
        let mut backward = forward.clone();
        for pass in 0..=repeats {
            session.start_arbitrary();
            for (index, step) in self.steps.iter().enumerate() {
                let start = Instant::now();
                session.run_step(step);
                if pass > 0 {
                    forward[index].push(start.elapsed());
                }
            }
            session.start_arbitrary_product();
            for (index, step) in self.steps.iter().enumerate().rev() {
                let start = Instant::now();
                if step.gradients.iter().any(Option::is_some) {
                    session.run_product(step);
                }
                if pass > 0 {
                    backward[index].push(start.elapsed());
                }
            }
        }
        forward
            .into_iter()
            .zip(backward)
            .zip(&self.steps)
            .map(|((forward, backward), step)| StepTime {
                forward: median(forward),
                backward: if step.gradients.iter().any(Option::is_some) {
                    median(backward)
                } else {
                    Duration::ZERO
                },
            })
            .collect()
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
