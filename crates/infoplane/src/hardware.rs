//! The machine, for `run.json`.

use infoplane_engine::SimdLevel;
use infoplane_store::HardwareInfo;

/// Describes this machine.
pub(crate) fn hardware() -> HardwareInfo {
    HardwareInfo {
        cpu: cpu_name().unwrap_or_else(|| std::env::consts::ARCH.to_string()),
        n_cpus: n_cpus(),
        simd: SimdLevel::current().name().to_string(),
    }
}

/// Processors this process may use.
pub(crate) fn n_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn cpu_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}
