//! Real servers for tests: `redis-server` alone, with replicas, watched by sentinels, or as a cluster. Each listens on a
//! free port of the loopback and ends with the test. The integration tests include this file, too.

#![allow(dead_code)] // each of the two that include it uses a part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a server that does not start fails its test

use redis::FromRedisValue;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// In an argument's place: the server's port.
pub(crate) const PORT: &str = "PORT";

/// A Redis that ends with the test. It keeps everything in memory.
pub(crate) struct Server {
    child: Child,
    arguments: Vec<String>,
    folder: TempDir,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// A Redis with these arguments besides.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let folder = tempfile::tempdir().unwrap();
        // Another may have taken the port since it was found free.
        let started = (0..20).map(|_| free_port()).find_map(|port| Some((spawn(port, &arguments, &folder)?, port)));
        let (child, port) = started.unwrap_or_else(|| panic!("redis-server ends at once with {arguments:?}"));
        Self { child, arguments, folder, port }
    }

    /// A replica of another, once it has what the other has.
    pub(crate) async fn replica_of(other: &Self) -> Self {
        let replica = Self::with(&["--replicaof", "127.0.0.1", &other.port.to_string()]);
        while !replica.info("replication").await.contains("master_link_status:up") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        replica
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Starts it again at the same port, with nothing in it.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = loop {
            if let Some(child) = spawn(self.port, &self.arguments, &self.folder) {
                break child;
            }
        };
    }

    /// Asks the server itself.
    pub(crate) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).await.unwrap()
    }

    pub(crate) async fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command.query_async(&mut connection).await
    }

    async fn info(&self, section: &str) -> String {
        self.try_ask(&["INFO", section]).await.unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Killed, not asked: one that is stopped does not hear anything else.
        self.kill();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server that listens; `None` where it ended before.
fn spawn(port: u16, arguments: &[String], folder: &TempDir) -> Option<Child> {
    let mut command = Command::new("redis-server");
    // The file of settings, if any, comes first.
    let (file, arguments) = match arguments.split_first() {
        Some((file, rest)) if !file.starts_with("--") => (Some(file), rest),
        _ => (None, arguments),
    };
    command.args(file).args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    if file.is_none() {
        command.args(["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"]);
    }
    let arguments = arguments.iter().map(|argument| if argument == PORT { port.to_string() } else { argument.clone() });
    let child = command.args(arguments).current_dir(folder.path()).stdout(Stdio::null()).spawn();
    let mut child = child.expect("redis-server is missing; install it (Debian: sudo apt-get install -y redis-server)");
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Some(child)
}

/// Three sentinels that watch `master` and its replicas under the name `shop`.
pub(crate) async fn sentinels(master: &Server) -> Vec<Server> {
    let sentinels: Vec<Server> = (0..3)
        .map(|_| {
            let (folder, port) = (tempfile::tempdir().unwrap(), master.port);
            let file = folder.path().join("sentinel.conf");
            let text = format!(
                "sentinel monitor shop 127.0.0.1 {port} 2\nsentinel down-after-milliseconds shop 500\n\
                 sentinel failover-timeout shop 3000\n"
            );
            std::fs::write(&file, text).unwrap();
            let mut server = Server::with(&[file.to_str().unwrap(), "--sentinel"]);
            // It writes what it learns into its file.
            server.folder = folder;
            server
        })
        .collect();
    for sentinel in &sentinels {
        let knows = async || {
            let info: String = sentinel.info("sentinel").await;
            info.contains("slaves=1") && info.contains("sentinels=3")
        };
        while !knows().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    sentinels
}

/// Three masters, each with a replica.
pub(crate) struct Cluster {
    /// The masters at first, then their replicas in the same order.
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let timeout = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port"];
        let nodes: Vec<(Server, u16)> = (0..6)
            .map(|_| {
                let bus = free_port();
                let mut arguments = timeout.to_vec();
                let text = bus.to_string();
                arguments.push(&text);
                (Server::with(&arguments), bus)
            })
            .collect();
        for (nth, (node, _)) in nodes.iter().enumerate() {
            let _: () = node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(nth + 1).to_string()]).await;
        }
        for ((node, _), (first, last)) in nodes.iter().zip([(0, 5460), (5461, 10922), (10923, 16383)]) {
            let _: () = node.ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]).await;
        }
        for (other, bus) in &nodes[1..] {
            let (port, bus) = (other.port.to_string(), bus.to_string());
            let _: () = nodes[0].0.ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await;
        }
        let cluster = Self { nodes: nodes.into_iter().map(|(node, _)| node).collect() };
        cluster.until_all(&["CLUSTER", "INFO"], "cluster_known_nodes:6").await;
        for (replica, master) in cluster.nodes[3..].iter().zip(&cluster.nodes) {
            let id: String = master.ask(&["CLUSTER", "MYID"]).await;
            let _: () = replica.ask(&["CLUSTER", "REPLICATE", &id]).await;
        }
        for replica in &cluster.nodes[3..] {
            while !replica.info("replication").await.contains("master_link_status:up") {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        cluster.until_all(&["CLUSTER", "INFO"], "cluster_state:ok").await;
        // Every node has to have heard of every replica: one that does not would not vote for it.
        for node in &cluster.nodes {
            while node.ask::<String>(&["CLUSTER", "NODES"]).await.matches("slave ").count() < 3 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        cluster
    }

    pub(crate) fn url(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Waits until the replica of this master has taken its place.
    pub(crate) async fn until_taken_over(&self, master: usize) {
        while !self.nodes[master + 3].info("replication").await.contains("role:master") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until_all(&self, words: &[&str], says: &str) {
        for node in &self.nodes {
            while !node.ask::<String>(words).await.contains(says) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
