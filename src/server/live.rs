//! What is served at this moment, and the word that something around it may have changed.
//!
//! A running gateway changes its settings by building new routes beside the old and swapping them at once. A request
//! keeps the routes that it began with; connections stay open.

use super::routes::Routes;
use arc_swap::ArcSwap;
use std::sync::Arc;
use tokio::sync::watch;

/// The routes in use. Clones share them.
#[derive(Clone, Debug)]
pub struct Live(Arc<ArcSwap<Routes>>);

impl Live {
    /// Serves other routes from the next request on, on open connections too.
    pub fn serve(&self, routes: Routes) {
        self.0.store(Arc::new(routes));
    }

    /// The routes in use now; cloning them costs a counter.
    pub fn routes(&self) -> Routes {
        self.0.load().as_ref().clone()
    }
}

impl From<axum::Router> for Live {
    fn from(router: axum::Router) -> Self {
        Routes::from(router).into()
    }
}

impl From<Routes> for Live {
    fn from(routes: Routes) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(routes)))
    }
}

/// Tells parts of the process that files they read at start may hold something else now. Clones share it.
///
/// It is announced at SIGHUP, when the settings file changed, and on the interval on which secrets are read again. Who
/// keeps something read from a file (a certificate, a list of documents) takes a subscription and looks again each time:
///
/// ```ignore
/// let mut announced = reloaded.subscribe();
/// tokio::spawn(async move {
///     while announced.changed().await.is_ok() {
///         // Read the file; where it holds the same, do nothing; where it cannot be used, keep the old and say so.
///     }
/// });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Reloaded(Arc<watch::Sender<u64>>);

impl Reloaded {
    /// Hears every announcement from now on. Several that come quickly may be heard as one; it ends with the process.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    /// Says that files may have changed.
    pub fn announce(&self) {
        self.0.send_modify(|times| *times += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_announcement_reaches_who_subscribed_before_it() {
        let reloaded = Reloaded::default();
        let mut heard = reloaded.clone().subscribe();
        assert!(!heard.has_changed().unwrap());
        reloaded.announce();
        reloaded.announce();
        heard.changed().await.unwrap();
        assert!(!heard.has_changed().unwrap());
    }
}
