//! What the process takes of its machine, read when a scrape asks: memory, processor time, open files. Linux only; on
//! other systems these metrics are missing.

use super::names;
use metrics::{counter, gauge};
use std::fs;

/// Ticks a second in `/proc/self/stat`: `USER_HZ`, 100 on every architecture that Rust's Linux targets have.
const TICKS: f64 = 100.0;

/// Puts the figures into the metrics.
pub(super) fn tell() {
    gauge!(names::BUILD_INFO, names::VERSION => env!("CARGO_PKG_VERSION")).set(1.0);
    if let Some(bytes) = resident() {
        gauge!(names::RESIDENT).set(bytes);
    }
    if let Some(seconds) = processor() {
        // Whole seconds: counters of this recorder are integers.
        counter!(names::PROCESSOR).absolute(seconds);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // The folder that is read is one of them.
        gauge!(names::OPEN_FILES).set(exact(open.count().saturating_sub(1)));
    }
    if let Some(most) = most_files() {
        gauge!(names::MOST_FILES).set(most);
    }
}

fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

fn processor() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name stands in brackets and may hold anything; after them the fields are numbers.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let (user, system): (f64, f64) = (fields.get(11)?.parse().ok()?, fields.get(12)?.parse().ok()?);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a process: small, never negative"
    )]
    Some(((user + system) / TICKS) as u64)
}

fn most_files() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and no process has 2⁵³ files open")]
fn exact(count: usize) -> f64 {
    count as f64
}
