//! Processes under measurement: started, read from `/proc`, ended with their owner.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that serves on a port of its own.
pub(crate) struct Server {
    child: Child,
    /// Where it serves.
    pub(crate) address: SocketAddr,
    /// From its start to the line that names its address.
    pub(crate) began_in: Duration,
}

impl Server {
    /// Starts a program that tells on a line of its standard output at which `http://address` it serves.
    pub(crate) fn start(program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let began = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("SHOW").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.rsplit_once("http://")?.1.trim().parse().ok())
            .expect("the program tells where it serves");
        let began_in = began.elapsed();
        // Whatever else it says: a closed pipe would be an error to it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, began_in }
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Time on a processor so far, in user and system mode, of all its threads.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("Linux tells");
        let time = |task: std::fs::DirEntry| -> Option<u64> {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse().ok()
        };
        Duration::from_nanos(tasks.filter_map(Result::ok).filter_map(time).sum())
    }

    /// Memory in KiB: resident now, and at its highest.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux tells");
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').trim().split(' ').next()?.parse().ok()
        };
        (field("VmRSS").unwrap_or(0), field("VmHWM").unwrap_or(0))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
