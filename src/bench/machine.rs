//! What is known of the machine and of this process's memory. Everything is best effort: what the
//! system doesn't tell is absent.

use std::fs;

/// The machine a run was made on.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: Option<String>,
    /// Logical processors.
    pub cores: usize,
    /// Load average over the last minute.
    pub load: Option<f64>,
    /// Operating system and architecture.
    pub system: String,
    /// Version of Foreshock.
    pub version: &'static str,
    /// Whether this binary was built with optimisation (`--release`).
    pub optimised: bool,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").ok();
        let model = cpu.as_deref().and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_string())
        });
        let load = fs::read_to_string("/proc/loadavg").ok();
        Self {
            cpu: model,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load: load.and_then(|l| l.split(' ').next()?.parse().ok()),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            version: env!("CARGO_PKG_VERSION"),
            optimised: !cfg!(debug_assertions),
        }
    }
}

/// Watches how far the memory of this process grows (Linux only).
#[derive(Debug)]
pub struct MemoryWatch {
    before: Option<u64>,
}

impl MemoryWatch {
    /// Starts: the highest point from now on counts.
    pub fn start() -> Self {
        // "5" resets the high-water mark of the resident set.
        let reset = fs::write("/proc/self/clear_refs", "5").is_ok();
        Self { before: status("VmRSS:").filter(|_| reset) }
    }

    /// By how many bytes the resident set grew at most since the start.
    pub fn peak(&self) -> Option<u64> {
        Some(status("VmHWM:")?.saturating_sub(self.before?))
    }
}

fn status(field: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|l| l.starts_with(field))?;
    let kib: u64 = line[field.len()..].trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}
