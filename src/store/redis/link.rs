//! The connection to Redis: one for all requests, pipelined, bounded in time, and left alone for a while where it fails.

use super::RedisConfig;
use super::address::{Address, RedisError};
use super::way::{Way, code};
use super::written::Token;
use crate::store::traits::StoreError;
use crate::telemetry::store::{StoreAnswered, StoreChanged, StoreUndurable};
use redis::{Cmd, ErrorKind, FromRedisValue, RedisResult};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Failures in a row after which nothing is sent for a while.
const FAILURES: u32 = 5;

/// What a change is counted under that waits for replicas.
const ACKNOWLEDGE: &str = "acknowledge";
/// What a part of an erasure of the whole shop is counted under.
const SWEEP: &str = "sweep";

/// The way to Redis.
pub(super) struct Link {
    way: Way,
    /// Another connection, for what waits for replicas: `WAIT` holds up everything behind it.
    waiting: Way,
    replicas: u32,
    replica_timeout: Duration,
    open_for: Duration,
    made: Instant,
    failures: AtomicU32,
    /// How often it said that it only reads.
    demoted: AtomicU32,
    /// Milliseconds since `made` until which nothing is sent; 0: all is well.
    open_until: AtomicU64,
    /// Milliseconds since `made` until which replicas are not waited for.
    late_until: AtomicU64,
    /// Milliseconds since `made` until which connections are not made anew for wrong answers.
    renewed_until: AtomicU64,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        f.write_str("Link")
    }
}

impl Link {
    pub(super) fn open(address: &Address, config: &RedisConfig) -> Result<Self, RedisError> {
        StoreChanged::begin();
        Ok(Self {
            way: Way::open(address, config, config.write_timeout)?,
            waiting: Way::open(address, config, config.write_timeout + config.replica_timeout)?,
            replicas: config.replicas.unwrap_or(u32::from(address.is_replicated())),
            replica_timeout: config.replica_timeout,
            open_for: config.open_for,
            made: Instant::now(),
            failures: AtomicU32::new(0),
            demoted: AtomicU32::new(0),
            open_until: AtomicU64::new(0),
            late_until: AtomicU64::new(0),
            renewed_until: AtomicU64::new(0),
        })
    }

    /// Sends a command and reads its answer within `limit`. `operation`: what it is counted under.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        operation: &'static str,
        limit: Duration,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.within(operation, limit, self.way.send(command)).await
    }

    /// Sends a script that changes a record and answers with the token that it wrote, or with nothing where it did not.
    /// Whether it did. Errors: also any other answer; what was to be changed may be or not.
    pub(super) async fn change(&self, limit: Duration, script: &Cmd, own: &Token) -> Result<bool, StoreError> {
        let answer = self.ask("write", limit, script).await?;
        self.trusted(is_own(answer, own))
    }

    /// The same for a script that changes `key`, waiting until the change is on the replicas that the settings ask for, if
    /// any. Where they were late just now they are not waited for: everybody would wait behind them.
    pub(super) async fn change_durably(
        &self,
        limit: Duration,
        key: &str,
        script: &Cmd,
        own: &Token,
    ) -> Result<Change, StoreError> {
        let changed = |told| self.trusted(is_own(told, own));
        if self.replicas == 0 {
            return Ok(Change::of(changed(self.ask("write", limit, script).await?)?, true));
        }
        if self.now() < self.late_until.load(Ordering::Relaxed) {
            return Ok(Change::of(changed(self.ask("write", limit, script).await?)?, false));
        }
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.replicas).arg(milliseconds(self.replica_timeout).max(1));
        let both = self.waiting.send_and_wait(key, script, &wait);
        let answer = self.within(ACKNOWLEDGE, limit + self.replica_timeout, both).await;
        let answer = answer.and_then(|(told, replicas)| Ok((changed(told)?, replicas)));
        // Nothing was changed, so there is nothing that could be lost.
        let durable = matches!(answer, Ok((changed, replicas)) if !changed || replicas >= u64::from(self.replicas));
        if !durable {
            let until = self.now().saturating_add(milliseconds(self.open_for));
            self.late_until.store(until, Ordering::Relaxed);
        }
        let (changed, _) = answer?;
        Ok(Change::of(changed, durable))
    }

    /// Every master, for [`Link::ask_master`].
    pub(super) async fn masters(&self, limit: Duration) -> Result<Vec<Option<u16>>, StoreError> {
        self.within(SWEEP, limit, self.waiting.masters()).await
    }

    /// Sends a command to one master, on the connection on which others are not held up.
    pub(super) async fn ask_master<T: FromRedisValue>(
        &self,
        limit: Duration,
        master: Option<u16>,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.within(SWEEP, limit, self.waiting.send_to(master, command)).await
    }

    /// Waits until all that was changed on a master by that connection is on the replicas that the settings ask for.
    /// Errors: [`StoreError::NotDurable`].
    pub(super) async fn settled(&self, limit: Duration, master: Option<u16>) -> Result<(), StoreError> {
        if self.replicas == 0 {
            return Ok(());
        }
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.replicas).arg(milliseconds(self.replica_timeout).max(1));
        let have: u64 = self.ask_master(limit + self.replica_timeout, master, &wait).await?;
        if have >= u64::from(self.replicas) { Ok(()) } else { Err(undurable()) }
    }

    /// What was read out of an answer. Where nothing of the kind could be, what comes behind it on the same connection may
    /// be wrong, too: others are made, at most once in `open_for`, since it may also have been written so.
    pub(super) fn trusted<T>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        let (now, from) = (self.now(), self.renewed_until.load(Ordering::Relaxed));
        let until = now.saturating_add(milliseconds(self.open_for)).max(1);
        if read.is_err() && now >= from && self.renewed_until.swap(until, Ordering::Relaxed) == from {
            tracing::warn!("an answer of the store was damaged or not of what was asked; it is connected to anew");
            self.way.renew();
            self.waiting.renew();
        }
        read
    }

    async fn within<T>(
        &self,
        operation: &'static str,
        limit: Duration,
        asked: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let mut heard = Heard::Nothing;
        let answer = match self.is_open() {
            true => Err(StoreError::Unavailable("it failed often just now and is left alone for a while".to_owned())),
            false => match tokio::time::timeout(limit, asked).await {
                Ok(Ok(answer)) => {
                    heard = Heard::Answer;
                    Ok(answer)
                }
                Ok(Err(error)) if error.is_timeout() => Err(StoreError::Timeout),
                Ok(Err(error)) => {
                    heard = Heard::of(code(&error).as_deref());
                    Err(unavailable(&error))
                }
                Err(_) => Err(StoreError::Timeout),
            },
        };
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(StoreError::Timeout) => "timeout",
            Err(StoreError::Unavailable(_) | StoreError::NotDurable) => "unavailable",
        };
        StoreAnswered { operation, outcome, took: began.elapsed() }.emit();
        // Replicas that are late are no reason to ask nothing any more.
        if operation != ACKNOWLEDGE || answer.is_ok() {
            self.heard(heard);
        }
        answer
    }

    fn now(&self) -> u64 {
        milliseconds(self.made.elapsed())
    }

    fn is_open(&self) -> bool {
        let until = self.open_until.load(Ordering::Relaxed);
        if until == 0 || self.now() >= until {
            return false;
        }
        true
    }

    /// Counts failures in a row. Where the time is over each that comes tries, and the first failure opens it again.
    fn heard(&self, heard: Heard) {
        if heard == Heard::Demoted {
            // It may have handed over: whoever is the master now is to be asked. Reads go on meanwhile.
            if self.demoted.fetch_add(1, Ordering::Relaxed) % FAILURES == FAILURES - 1 {
                self.way.doubt();
                self.waiting.doubt();
            }
        } else if heard == Heard::Answer {
            self.failures.store(0, Ordering::Relaxed);
            if self.open_until.load(Ordering::Relaxed) != 0 && self.open_until.swap(0, Ordering::Relaxed) != 0 {
                StoreChanged { answers: true }.emit();
            }
        } else if heard == Heard::Nothing
            && !self.is_open()
            && self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES
        {
            self.way.doubt();
            self.waiting.doubt();
            let wait = milliseconds(self.open_for);
            if self.open_until.swap(self.now().saturating_add(wait).max(1), Ordering::Relaxed) == 0 {
                StoreChanged { answers: false }.emit();
            }
        }
    }
}

/// What was heard of Redis.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// What was asked for.
    Answer,
    /// That it does not do this, such as a change while it is full: it may do all else, so nothing is held against it.
    Refusal,
    /// That it only reads: another is the master now, or none.
    Demoted,
    /// Nothing, or that it can do nothing now.
    Nothing,
}

impl Heard {
    /// By the code of an error that Redis answered.
    fn of(code: Option<&str>) -> Self {
        match code {
            Some("OOM" | "MISCONF" | "NOREPLICAS" | "NOPERM" | "WRONGTYPE" | "ERR") => Self::Refusal,
            Some("READONLY") => Self::Demoted,
            _ => Self::Nothing,
        }
    }
}

/// What became of a change that replicas are to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Somebody was faster.
    Missed,
    /// It was made, and a fail-over would keep it.
    Durable,
    /// It was made, and a fail-over just now could lose it.
    Undurable,
}

impl Change {
    fn of(changed: bool, durable: bool) -> Self {
        match (changed, durable) {
            (false, _) => Self::Missed,
            (true, true) => Self::Durable,
            (true, false) => {
                StoreUndurable.emit();
                Self::Undurable
            }
        }
    }
}

/// Whether the script wrote, by its answer. Errors: it is an answer to something else.
fn is_own(answer: Vec<u8>, own: &Token) -> Result<bool, StoreError> {
    match &*answer {
        [] => Ok(false),
        told if told == own => Ok(true),
        _ => Err(StoreError::Unavailable("an answer was not of what was asked".to_owned())),
    }
}

fn undurable() -> StoreError {
    StoreUndurable.emit();
    StoreError::NotDurable
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What went wrong, without what was sent: its kind and the code that Redis gave.
fn unavailable(error: &redis::RedisError) -> StoreError {
    let kind = match error.kind() {
        ErrorKind::Io => "the connection broke or cannot be made".to_owned(),
        kind => format!("{kind:?}"),
    };
    StoreError::Unavailable(match code(error) {
        Some(code) => format!("{kind} ({code})"),
        None => kind,
    })
}
