//! The memory of this very process, as the kernel counts it.

use anyhow::{Context, Result};

/// Resident memory right now, in KiB.
pub(crate) fn resident_kib() -> Result<u64> {
    of_status("VmRSS")
}

/// The most that was resident since the process began, or since [`forget_peak`], in KiB.
pub(crate) fn peak_kib() -> Result<u64> {
    of_status("VmHWM")
}

/// Lets the peak begin anew at what is resident now (`proc_pid_clear_refs(5)`).
pub(crate) fn forget_peak() -> Result<()> {
    std::fs::write("/proc/self/clear_refs", "5").context("cannot reset the peak of resident memory")
}

fn of_status(key: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    read(&status, key).with_context(|| format!("/proc/self/status has no {key}"))
}

fn read(status: &str, key: &str) -> Option<u64> {
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_status_is_found_by_its_whole_name() {
        let status = "VmPeak:\t  9 kB\nVmHWM:\t    5348 kB\nVmRSS:\t    5120 kB\n";
        for (key, expected) in [("VmHWM", Some(5348)), ("VmRSS", Some(5120)), ("Vm", None)] {
            assert_eq!(read(status, key), expected, "{key}");
        }
    }

    #[test]
    fn a_peak_outlives_what_made_it_and_can_be_forgotten() {
        const MIB: usize = 1024 * 1024;
        let before = resident_kib().unwrap();
        drop(std::hint::black_box(vec![1_u8; 64 * MIB]));
        assert!(peak_kib().unwrap() >= before + 60 * 1024);
        forget_peak().unwrap();
        assert!(peak_kib().unwrap() < before + 60 * 1024);
    }
}
