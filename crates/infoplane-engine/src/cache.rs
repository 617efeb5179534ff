//! The processor's first-level cache.

use std::sync::OnceLock;

/// Bytes of the first-level data cache of a core, from 32 to 64 KiB; 32 KiB where it is not known.
pub(crate) fn first_level() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| detect().unwrap_or(0).clamp(32 << 10, 64 << 10))
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Option<usize> {
    use raw_cpuid::{CacheType, CpuId};

    let caches = CpuId::new().get_cache_parameters()?;
    let holds_data = |kind| matches!(kind, CacheType::Data | CacheType::Unified);
    caches
        .filter(|cache| cache.level() == 1 && holds_data(cache.cache_type()))
        .map(|cache| {
            cache.associativity()
                * cache.physical_line_partitions()
                * cache.coherency_line_size()
                * cache.sets()
        })
        .max()
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_has_a_size_of_a_cache() {
        assert!((32 << 10..=64 << 10).contains(&first_level()));
        // Where a processor says how large its cache is, lines fill it.
        assert!(detect().is_none_or(|bytes| bytes >= 4 << 10 && bytes.is_multiple_of(64)));
    }
}
