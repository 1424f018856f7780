//! A TCP proxy for tests, between a program and a server that speaks to it, which does to what comes back whatever a bad
//! network or a broken middlebox might do. The integration tests include this file, too.

#![allow(dead_code)] // each of the two that include it uses a part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a proxy that cannot start fails its test

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What is done to answers. Where it says how often: to one piece of `n`, a piece being what one read gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// One bit is turned over.
    Corrupt(u32),
    /// A random part of the end is left out and the connection goes on, so that answers fall to the wrong questions.
    Lose(u32),
    /// The piece is left out as a whole: where it is one answer, the next is taken for it.
    Swallow(u32),
    /// A random part of the end is left out and the connection is closed.
    Truncate(u32),
    /// Nothing more comes, and the way there stays open.
    HalfClose(u32),
    /// All of it comes this much later.
    Delay(Duration),
}

/// A running proxy. It ends with the test's runtime.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

struct State {
    fault: Mutex<Fault>,
    done: AtomicU64,
}

impl Proxy {
    /// Before the server at this port of the loopback.
    pub(crate) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State { fault: Mutex::new(Fault::None), done: AtomicU64::new(0) });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            for seed in 0.. {
                let Ok((client, _)) = listener.accept().await else { continue };
                // A server that is away refuses, so the client is refused, too.
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { continue };
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server));
                let random = ChaCha8Rng::seed_from_u64(seed);
                tokio::spawn(damage(from_server, to_client, Arc::clone(&shared), random));
            }
        });
        Self { port, state }
    }

    /// The address by which a Redis behind it is reached.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// From now on this is done to what comes back.
    pub(crate) fn set(&self, fault: Fault) {
        *self.state.fault.lock().unwrap() = fault;
    }

    /// How many pieces were damaged so far.
    pub(crate) fn done(&self) -> u64 {
        self.state.done.load(Ordering::Relaxed)
    }
}

/// Questions go through as they are.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    tokio::io::copy(&mut from, &mut to).await.ok();
    to.shutdown().await.ok();
}

async fn damage(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: Arc<State>, mut random: ChaCha8Rng) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let piece = &mut buffer[..length];
        let fault = *state.fault.lock().unwrap();
        let hit = match fault {
            Fault::None => false,
            Fault::Delay(_) => true,
            Fault::Corrupt(one_of) | Fault::Lose(one_of) | Fault::Swallow(one_of) => random.random_ratio(1, one_of),
            Fault::Truncate(one_of) | Fault::HalfClose(one_of) => random.random_ratio(1, one_of),
        };
        if !hit {
            if to.write_all(piece).await.is_err() {
                return;
            }
            continue;
        }
        state.done.fetch_add(1, Ordering::Relaxed);
        let cut = random.random_range(0..length);
        let (left, goes_on) = match fault {
            Fault::None => (length, true),
            Fault::Corrupt(_) => {
                piece[cut] ^= 1 << random.random_range(0..8);
                (length, true)
            }
            Fault::Lose(_) => (cut, true),
            Fault::Swallow(_) => (0, true),
            Fault::Truncate(_) => (cut, false),
            Fault::HalfClose(_) => (0, false),
            Fault::Delay(by) => {
                tokio::time::sleep(by).await;
                (length, true)
            }
        };
        if to.write_all(&piece[..left]).await.is_err() {
            return;
        }
        if !goes_on {
            to.shutdown().await.ok();
            if matches!(fault, Fault::HalfClose(_)) {
                // Whatever the server still says is taken and told to nobody.
                while let Ok(1..) = from.read(&mut buffer).await {}
            }
            return;
        }
    }
    to.shutdown().await.ok();
}
