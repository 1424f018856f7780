//! The connection to Redis: one for all requests, pipelined, bounded in time, and left alone for a while where it fails.

use super::RedisConfig;
use crate::store::traits::StoreError;
use crate::telemetry::store::{StoreAnswered, StoreChanged};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, ErrorKind, FromRedisValue};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// Failures in a row after which nothing is sent for a while.
const FAILURES: u32 = 5;

/// Why the store's address cannot be used. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// No address of a Redis.
    #[error(
        "store.url cannot be used: {0}; write redis://host:6379/0, rediss:// for TLS, or the nodes of a cluster with commas between"
    )]
    Url(String),
}

/// The way to Redis.
pub(super) struct Link {
    way: Way,
    open_for: Duration,
    made: Instant,
    failures: AtomicU32,
    /// Milliseconds since `made` until which nothing is sent; 0: all is well.
    open_until: AtomicU64,
}

enum Way {
    Single(ConnectionManager),
    Cluster(Box<Cluster>),
}

/// A cluster is asked for its nodes when it is needed first.
struct Cluster {
    client: ClusterClient,
    connection: OnceCell<ClusterConnection>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        f.write_str("Link")
    }
}

impl Link {
    pub(super) fn open(url: &str, config: &RedisConfig) -> Result<Self, RedisError> {
        let wrong = |error: redis::RedisError| RedisError::Url(error.to_string());
        let urls: Vec<&str> = url.split(',').map(str::trim).collect();
        let way = match urls.as_slice() {
            [url] => {
                let client = Client::open(*url).map_err(wrong)?;
                let manager = ConnectionManagerConfig::new()
                    .set_connection_timeout(Some(config.write_timeout))
                    .set_response_timeout(Some(config.write_timeout))
                    .set_number_of_retries(1);
                Way::Single(ConnectionManager::new_lazy_with_config(client, manager).map_err(wrong)?)
            }
            nodes => {
                let client = ClusterClient::builder(nodes.iter().copied())
                    .connection_timeout(config.write_timeout)
                    .response_timeout(config.write_timeout)
                    .retries(2)
                    .build()
                    .map_err(wrong)?;
                Way::Cluster(Box::new(Cluster { client, connection: OnceCell::new() }))
            }
        };
        let (failures, open_until) = (AtomicU32::new(0), AtomicU64::new(0));
        Ok(Self { way, open_for: config.open_for, made: Instant::now(), failures, open_until })
    }

    /// Sends a command and reads its answer within `limit`. `operation`: what it is counted under.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        operation: &'static str,
        limit: Duration,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let answer = match self.is_open() {
            true => Err(StoreError::Unavailable("it failed often just now and is left alone for a while".to_owned())),
            false => match tokio::time::timeout(limit, self.send(command)).await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(error)) if error.is_timeout() => Err(StoreError::Timeout),
                Ok(Err(error)) => Err(unavailable(&error)),
                Err(_) => Err(StoreError::Timeout),
            },
        };
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(StoreError::Timeout) => "timeout",
            Err(StoreError::Unavailable(_)) => "unavailable",
        };
        StoreAnswered { operation, outcome, took: began.elapsed() }.emit();
        self.heard(answer.is_ok());
        answer
    }

    async fn send<T: FromRedisValue>(&self, command: &Cmd) -> redis::RedisResult<T> {
        match &self.way {
            Way::Single(manager) => command.query_async(&mut manager.clone()).await,
            Way::Cluster(cluster) => {
                let connection = cluster.connection.get_or_try_init(|| cluster.client.get_async_connection()).await?;
                command.query_async(&mut connection.clone()).await
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_open(&self) -> bool {
        let until = self.open_until.load(Ordering::Relaxed);
        if until == 0 || self.now() >= until {
            return false;
        }
        true
    }

    /// Counts failures in a row. Where the time is over each that comes tries, and the first failure opens it again.
    fn heard(&self, well: bool) {
        if well {
            self.failures.store(0, Ordering::Relaxed);
            if self.open_until.load(Ordering::Relaxed) != 0 && self.open_until.swap(0, Ordering::Relaxed) != 0 {
                StoreChanged { answers: true }.emit();
            }
        } else if !self.is_open() && self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES {
            let wait = u64::try_from(self.open_for.as_millis()).unwrap_or(u64::MAX);
            if self.open_until.swap(self.now().saturating_add(wait).max(1), Ordering::Relaxed) == 0 {
                StoreChanged { answers: false }.emit();
            }
        }
    }
}

/// What went wrong, without what was sent: its kind and the code that Redis gave.
fn unavailable(error: &redis::RedisError) -> StoreError {
    let kind = match error.kind() {
        ErrorKind::Io => "the connection broke or cannot be made".to_owned(),
        kind => format!("{kind:?}"),
    };
    StoreError::Unavailable(match error.code() {
        Some(code) => format!("{kind} ({code})"),
        None => kind,
    })
}
