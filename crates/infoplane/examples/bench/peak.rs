//! The most fused multiply-adds in f32 that the machine does: independent chains in registers, nothing
//! read or written. What a kernel reaches of it says how good the kernel is on any machine.

use std::error::Error;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

use serde_json::json;

use crate::serve::serve;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Threads of the second figure [default: one a processor]
    #[arg(long)]
    workers: Option<usize>,
    /// Time so many times at once, instead of once for each line on stdin
    #[arg(long)]
    repeats: Option<usize>,
}

/// Chains that run side by side: more than units × latency (2 × 4 or 2 × 5 on today's cores), and few
/// enough for the registers, of which AVX2 has 16.
const CHAINS: usize = 12;

/// Multiplied by this and added to, a chain stays near 1.
const FACTOR: f32 = 0.999;

/// Seconds of one measurement, and measurements of which the best counts.
const SECONDS: f64 = 0.04;
const MEASUREMENTS: usize = 10;

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = args.workers.unwrap_or(all);
    let (instructions, chains) = chains();
    let ready = json!({ "instructions": instructions, "workers": workers });
    serve(ready, args.repeats, &mut || {
        Ok(json!({
            "gflops_one": gflops(chains, 1),
            "gflops_all": gflops(chains, workers),
        }))
    })
}

/// Runs some iterations, returns the operations done.
type Chains = fn(usize) -> u64;

/// The widest instructions that this machine has.
fn chains() -> (&'static str, Chains) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the feature.
            return ("AVX-512", |n| unsafe { x86::avx512(n) });
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has the features.
            return ("AVX2", |n| unsafe { x86::avx2(n) });
        }
    }
    ("portable", portable)
}

/// 10⁹ operations a second on `workers` threads together.
fn gflops(chains: Chains, workers: usize) -> f64 {
    let start = Instant::now();
    chains(1 << 20);
    let iterations = (f64::from(1 << 20) * SECONDS / start.elapsed().as_secs_f64()) as usize;
    let barrier = Barrier::new(workers + 1);
    let measure = || {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        chains(iterations)
                    })
                })
                .collect();
            barrier.wait();
            let start = Instant::now();
            let done: u64 = threads.into_iter().filter_map(|t| t.join().ok()).sum();
            done as f64 / start.elapsed().as_secs_f64() / 1e9
        })
    };
    (0..MEASUREMENTS).map(|_| measure()).fold(0.0, f64::max)
}

/// Where the chains start: all differ, so that none can be computed once for two.
fn starts() -> [f32; CHAINS] {
    black_box(std::array::from_fn(|chain| 1.0 + chain as f32 / 64.0))
}

/// For machines without a kernel of their own: lanes that the compiler may turn into vectors.
fn portable(iterations: usize) -> u64 {
    const LANES: usize = 4;
    let (factor, rest) = black_box((FACTOR, 1.0 - FACTOR));
    let mut chains = starts().map(|start| [start; LANES]);
    for _ in 0..iterations {
        for lane in chains.iter_mut().flatten() {
            *lane = match cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
                true => lane.mul_add(factor, rest),
                false => *lane * factor + rest,
            };
        }
    }
    black_box(chains);
    2 * (CHAINS * LANES * iterations) as u64
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::{CHAINS, FACTOR, starts};

    #[target_feature(enable = "avx512f")]
    pub fn avx512(iterations: usize) -> u64 {
        let factor = _mm512_set1_ps(black_box(FACTOR));
        let rest = _mm512_set1_ps(black_box(1.0 - FACTOR));
        let mut chains = [_mm512_setzero_ps(); CHAINS];
        for (chain, start) in chains.iter_mut().zip(starts()) {
            *chain = _mm512_set1_ps(start);
        }
        for _ in 0..iterations {
            for chain in &mut chains {
                *chain = _mm512_fmadd_ps(*chain, factor, rest);
            }
        }
        black_box(chains);
        2 * (CHAINS * 16 * iterations) as u64
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(iterations: usize) -> u64 {
        let factor = _mm256_set1_ps(black_box(FACTOR));
        let rest = _mm256_set1_ps(black_box(1.0 - FACTOR));
        let mut chains = [_mm256_setzero_ps(); CHAINS];
        for (chain, start) in chains.iter_mut().zip(starts()) {
            *chain = _mm256_set1_ps(start);
        }
        for _ in 0..iterations {
            for chain in &mut chains {
                *chain = _mm256_fmadd_ps(*chain, factor, rest);
            }
        }
        black_box(chains);
        2 * (CHAINS * 8 * iterations) as u64
    }
}
