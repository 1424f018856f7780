//! The catalogue in use, swapped as a whole, and how old it is.
//!
//! Between two crawls webhooks keep it fresh: news is gathered for a moment and put into a new snapshot, off the threads
//! that serve requests.

use super::Index;
use super::changes::{Changes, Old};
use crate::domain::ids::ProductKey;
use crate::platform::news::Change;
use crate::telemetry::events::CatalogueStands;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long after everything that is kept was ended, for a product that nobody can name, the next such news waits: as long
/// as what is kept is shown unasked by default.
const PAUSE: Duration = if cfg!(test) { Duration::from_millis(50) } else { Duration::from_secs(5) };
/// How long news is gathered before a snapshot is built of it.
const GATHERED: Duration = Duration::from_millis(250);

/// The catalogue of the shop as of its last crawl or import.
#[derive(Debug, Default)]
pub struct Catalogue {
    index: ArcSwap<Index>,
    /// Milliseconds since 1970 of the last replacement; 0 before the first.
    read_at: AtomicI64,
    changes: Mutex<Changes>,
    /// Whether somebody is building a snapshot of the news.
    renewing: AtomicBool,
    /// Told where the shop is to be asked before the interval is over.
    stale: Notify,
    listener: Listener,
}

/// Who is told which products there was news of.
#[derive(Default)]
struct Listener(OnceLock<Box<Heard>>);

/// Takes a product's key; none: it may be any of them.
type Heard = dyn Fn(Option<&ProductKey>) + Send + Sync;

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({})", self.0.get().is_some())
    }
}

impl Catalogue {
    /// The snapshot in use. Empty until the first crawl or import.
    pub fn current(&self) -> Arc<Index> {
        self.index.load_full()
    }

    /// Puts a new snapshot in use, as read at the given moment. What was heard since then is put into it soon.
    pub fn replace(&self, index: Index, read_at: Timestamp) {
        {
            let mut changes = self.changes();
            changes.forget_before(read_at);
            changes.pending = !changes.is_empty();
            self.index.store(Arc::new(index));
        }
        self.read_at.store(read_at.as_millisecond(), Ordering::Release);
        self.tell(Timestamp::now());
    }

    /// Takes news of the shop's products: they are in the snapshot in use a moment later, or, where the news does not say
    /// enough, after the next crawl, which then comes earlier. Needs a runtime.
    pub fn hear(self: &Arc<Self>, news: impl IntoIterator<Item = Change>) {
        let now = Timestamp::now();
        let mut ask = false;
        for change in news {
            let heard = self.changes().hear(change, now);
            ask |= heard.ask;
            match heard.old {
                Old::Nothing => {}
                Old::Product(key) => self.is_old(Some(&key)),
                Old::Unknown => self.one_is_old(),
                Old::Everything => self.is_old(None),
            }
        }
        if ask {
            self.stale.notify_one();
        }
        self.renew_soon();
    }

    /// Tells each product of which news comes, before the snapshot has it: what is kept of it elsewhere is old; without a key:
    /// of all of them. Must be quick. The first listener is the only one.
    pub fn listen(&self, listener: impl Fn(Option<&ProductKey>) + Send + Sync + 'static) {
        self.listener.0.set(Box::new(listener)).ok();
    }

    fn is_old(&self, product: Option<&ProductKey>) {
        if let Some(tell) = self.listener.0.get() {
            tell(product);
        }
    }

    /// A product changed that nobody can name: nothing that is kept is to be shown. Such news may come with every sale, so it
    /// is taken together, the first at once and the rest when the pause is over.
    fn one_is_old(self: &Arc<Self>) {
        {
            let mut changes = self.changes();
            let again = changes.ended.is_some();
            changes.ended = Some(again);
            if again {
                return;
            }
        }
        self.is_old(None);
        let catalogue = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PAUSE).await;
                {
                    let mut changes = catalogue.changes();
                    let again = changes.ended == Some(true);
                    changes.ended = again.then_some(false);
                    if !again {
                        return;
                    }
                }
                catalogue.is_old(None);
            }
        });
    }

    /// Until news came of which only the shop knows the rest.
    pub async fn stale(&self) {
        self.stale.notified().await;
    }

    /// Starts building, unless somebody does already or there is nothing to build of.
    pub(super) fn renew_soon(self: &Arc<Self>) {
        if !self.changes().pending || self.renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let catalogue = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(GATHERED).await;
            let building = catalogue.clone();
            if tokio::task::spawn_blocking(move || building.renew()).await.is_err() {
                tracing::error!("news of products could not be put into the catalogue; the next crawl brings it");
            }
            catalogue.renewing.store(false, Ordering::Release);
            // What came while it was built.
            catalogue.renew_soon();
        });
    }

    /// Builds a snapshot of the one in use and the news. Where a crawl was faster it is built again of its result.
    fn renew(&self) {
        loop {
            let before = self.index.load_full();
            let products = {
                let mut changes = self.changes();
                changes.pending = false;
                changes.applied(&before)
            };
            let renewed = Arc::new(Index::build(products));
            let found = self.index.compare_and_swap(&before, renewed);
            if Arc::ptr_eq(&found, &before) {
                return self.tell(Timestamp::now());
            }
        }
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        // A panic while the lock was held loses news at most, and the next crawl brings it.
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the metrics how the catalogue stands at this moment. Its age grows by itself: call it on an interval.
    pub fn tell(&self, now: Timestamp) {
        CatalogueStands { products: self.len(), age: self.age(now).map(Duration::from_secs_f64) }.emit();
    }

    /// How many products the snapshot in use holds.
    pub fn len(&self) -> usize {
        self.index.load().len()
    }

    /// Whether there is no product yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How old the snapshot in use is, in seconds; `None` before the first.
    pub fn age(&self, now: Timestamp) -> Option<f64> {
        self.read_at().map(|read_at| now.duration_since(read_at).as_secs_f64().max(0.0))
    }

    /// When the snapshot in use was read; `None` before the first.
    pub fn read_at(&self) -> Option<Timestamp> {
        match self.read_at.load(Ordering::Acquire) {
            0 => None,
            millisecond => Timestamp::from_millisecond(millisecond).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_counts_from_the_reading() {
        let catalogue = Catalogue::default();
        let read_at = Timestamp::from_second(1_000).unwrap();
        assert_eq!(catalogue.age(read_at), None);
        catalogue.replace(Index::default(), read_at);
        assert_eq!(catalogue.age(Timestamp::from_second(1_090).unwrap()), Some(90.0));
        assert_eq!(catalogue.age(Timestamp::from_second(900).unwrap()), Some(0.0));
        assert!(catalogue.is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn news_is_in_the_catalogue_a_moment_later_and_survives_a_crawl_that_began_before_it() {
        let catalogue = Arc::new(Catalogue::default());
        let product = |key: &str| -> crate::domain::product::CatalogueProduct {
            serde_json::from_str(&format!(r#"{{"key":"{key}","handle":"{key}","title":"T"}}"#)).unwrap()
        };
        let crawl = || Index::build(["a", "b"].map(product));
        let begun = Timestamp::now();
        catalogue.replace(crawl(), begun);
        let gone = || async {
            for _ in 0..200 {
                if catalogue.current().ordinal("b").is_none() {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            false
        };
        catalogue.hear([Change::Gone(crate::domain::ids::ProductKey::new("b"), Timestamp::now())]);
        assert!(gone().await);
        catalogue.replace(crawl(), begun);
        catalogue.renew_soon();
        assert!(gone().await);
        assert_eq!(catalogue.current().products().len(), 1);
    }

    #[tokio::test]
    async fn who_listens_hears_of_every_product_of_which_news_comes() {
        let (catalogue, heard) = (Arc::new(Catalogue::default()), Arc::new(Mutex::new(Vec::new())));
        let told = heard.clone();
        catalogue.listen(move |key| told.lock().unwrap().push(key.map_or("all".to_owned(), ToString::to_string)));
        let gone = |key| Change::Gone(ProductKey::new(key), Timestamp::now());
        catalogue.hear([gone("a"), Change::Stale, gone("b"), Change::Touched(ProductKey::new("c"))]);
        assert_eq!(*heard.lock().unwrap(), ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn news_of_an_item_that_nobody_knows_ends_all_that_is_kept_at_once_and_then_once_in_a_while() {
        let (catalogue, heard) = (Arc::new(Catalogue::default()), Arc::new(Mutex::new(Vec::new())));
        let told = heard.clone();
        catalogue.listen(move |key| told.lock().unwrap().push(key.cloned()));
        let sold = || Change::Stock("item".to_owned(), false, Timestamp::now());
        let count = || heard.lock().unwrap().len();
        catalogue.hear([sold()]);
        assert_eq!(count(), 1);
        catalogue.hear([sold(), sold(), sold()]);
        assert_eq!(count(), 1, "they are taken together");
        while catalogue.changes().ended.is_some() {
            tokio::time::sleep(PAUSE / 5).await;
        }
        assert_eq!(count(), 2);
        catalogue.hear([sold()]);
        assert_eq!(count(), 3, "nothing came meanwhile");
        assert!(heard.lock().unwrap().iter().all(Option::is_none));
        let mut news = crate::platform::news::ProductNews::of(ProductKey::new("p"), Timestamp::now());
        news.items = vec!["item".to_owned()];
        catalogue.hear([Change::Product(Box::new(news)), sold()]);
        assert_eq!(heard.lock().unwrap()[3..], [Some(ProductKey::new("p")), Some(ProductKey::new("p"))]);
    }
}
