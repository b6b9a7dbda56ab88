//! How much memory models may take, where nobody says.

/// What a machine without `/proc` is trusted with.
const FALLBACK: u64 = 3 * 1024 * 1024 * 1024;

/// Half of what this process may have: of the machine's memory, or of the container's if that is
/// less. The other half is left to what the engine does not count (Parquet pages, the allocator)
/// and to everything else on the machine.
#[must_use]
pub fn default_memory_limit() -> usize {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    let limit = match (machine, container) {
        (Some(machine), Some(container)) => machine.min(container),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => FALLBACK * 2,
    };
    usize::try_from(limit / 2).unwrap_or(usize::MAX)
}

/// `MemTotal` in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_as_the_kernel_writes_it() {
        assert_eq!(total("MemTotal:       24576000 kB\nMemFree: 1 kB\n"), Some(24_576_000 * 1024));
        assert_eq!(total("something else"), None);
        assert!(default_memory_limit() > 64 * 1024 * 1024);
    }
}
