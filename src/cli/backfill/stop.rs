//! Being stopped: Ctrl-C and SIGTERM are heard between two lines, so that how far a file is taken is noted first.

use crate::server;
use tokio::sync::watch;

/// Whether the operator wants an end.
#[derive(Clone, Debug)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from now on: signals end the process no more by themselves.
    pub(super) fn listen() -> Self {
        let (told, stop) = watch::channel(false);
        tokio::spawn(async move {
            server::termination().await;
            told.send_replace(true);
        });
        Self(stop)
    }

    /// Whether it was asked for.
    pub(super) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Does what may be left at any moment. `None`: it was left.
    pub(super) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut stop = self.0.clone();
        let asked = async move {
            if stop.wait_for(|asked| *asked).await.is_err() {
                // Nobody listens any more.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            done = work => Some(done),
            () = asked => None,
        }
    }
}
