//! A PostgreSQL of the test's own, on a free port of the loopback, in a folder that goes with it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server; stopped and deleted when dropped.
pub(super) struct Server {
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

/// The folder of the server's programs, which is on nobody's path: Debian keeps those of each version in a folder of its
/// own, elsewhere `pg_config` knows.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.map(|told| PathBuf::from(String::from_utf8_lossy(&told.stdout).trim()));
    let folders = versions.map(|version| version.path().join("bin")).chain(told);
    let found = folders.into_iter().find(|folder| folder.join("initdb").exists());
    found.expect("PostgreSQL is missing; install it (Debian: sudo apt-get install -y postgresql)")
}

impl Server {
    /// Panics where this machine has no PostgreSQL: `scripts/test tools` installs it.
    /// The server refuses to run as root; then it runs as `nobody`.
    pub(super) async fn start() -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap();
        let root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(folder.path()).unwrap()) == 0;
        let run = |program: &str| {
            let program = programs.join(program);
            let mut command = if root { Command::new("setpriv") } else { Command::new(&program) };
            if root {
                command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
            }
            command.stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
            command
        };
        if root {
            std::os::unix::fs::chown(folder.path(), Some(65534), Some(65534)).unwrap();
        }
        let data = folder.path().join("data");
        let made = run("initdb").args(["-U", "outfitter", "-A", "trust", "--no-sync", "-D"]).arg(&data).status();
        assert!(made.unwrap().success(), "initdb failed");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut serve = run("postgres");
        serve.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-F", "-k"]).arg(folder.path());
        let child = serve.args(["-p", &port.to_string()]).spawn().unwrap();
        let server = Self { folder, port, child };
        for _ in 0..200 {
            if run("pg_isready").args(["-h", "127.0.0.1", "-p", &port.to_string()]).status().unwrap().success() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("PostgreSQL did not start in {}", server.folder.path().display());
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://outfitter@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL leaves shared memory of the kernel's only, which goes with the last process.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
