//! Reading the shop's whole catalogue, again and again, within what the shop allows.
//!
//! A crawl asks for page after page, waits between two, backs off where the shop asks for it, and puts the new index in
//! use only when the last page is there: readers never see half a catalogue. Where a file is configured, pages read so
//! far are kept beside it (see `checkpoint.rs`), so that a crawl cut off goes on where it stopped. Nothing that a
//! shop answers makes a crawl endless: cursors may not repeat and pages must bring products.

use super::checkpoint::Checkpoint;
use super::{Catalogue, Index, import};
use crate::domain::ids::ProductKey;
use crate::domain::product::CatalogueProduct;
use crate::platform::pages::{CataloguePages, Page, PageError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How the catalogue is read and where it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// From the end of one crawl to the begin of the next. Default: 15m.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
    /// Between two pages. Default: 100ms.
    #[serde(with = "humantime_serde")]
    pub delay: Duration,
    /// How often one page is asked for again before the crawl gives up until the next interval. Default: 8.
    pub retries: u32,
    /// The longest wait before a page is asked for again. Default: 1m.
    #[serde(with = "humantime_serde")]
    pub longest_wait: Duration,
    /// Where a crawl stops reading: what is beyond is never recommended. Default: 1000000.
    pub max_products: usize,
    /// A file that keeps the catalogue, one product a line: read at start, written after each crawl. Default: none.
    pub file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(15 * 60),
            delay: Duration::from_millis(100),
            retries: 8,
            longest_wait: Duration::from_secs(60),
            max_products: 1_000_000,
            file: None,
        }
    }
}

/// How many pages in a row may bring no product that was not there yet.
const BARREN: usize = 20;
/// The shortest time between two crawls where webhooks tell of changes that only a crawl can read.
const SOONEST: Duration = Duration::from_secs(2 * 60);
/// The first wait before a page is asked for again; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// How far the crawl is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Pages read in this crawl, those of a resumed one included.
    pub pages: usize,
    /// Different products read in this crawl.
    pub products: usize,
    /// Where it stands.
    pub state: State,
}

/// Where a crawl stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// None is under way.
    #[default]
    Idle,
    /// Pages are read.
    Reading,
    /// The shop asked to slow down or could not be reached: the same page again after this wait.
    Waiting(Duration),
    /// The last crawl gave up; the catalogue before it stays in use.
    Failed(String),
}

/// Why a crawl gave up. Read by operators.
#[derive(Debug, thiserror::Error)]
pub enum CrawlError {
    /// A page could not be read.
    #[error("page {page} of the catalogue: {source}")]
    Page {
        /// From 1.
        page: usize,
        /// Why.
        source: PageError,
    },
    /// The shop sends the crawl in a circle.
    #[error("page {0} of the catalogue leads back to a page before it; the shop's paging cannot be followed")]
    Circle(usize),
    /// Pages without new products.
    #[error("{BARREN} pages in a row up to page {0} brought no new product; the shop's paging cannot be followed")]
    Barren(usize),
    /// No products, where there had been some.
    #[error("the shop lists no products, so the {0} known ones are kept; check what the access token may read")]
    Empty(usize),
    /// The index could not be built, or the file not written.
    #[error("the catalogue cannot be kept: {0}")]
    Keep(String),
}

/// Crawls one shop into one catalogue.
pub struct Crawler {
    pages: Box<dyn CataloguePages>,
    config: Config,
    /// Whose pages a checkpoint holds: one of another shop is not resumed.
    shop: String,
    catalogue: Arc<Catalogue>,
    progress: watch::Sender<Progress>,
}

/// What one crawl has gathered.
#[derive(Default)]
struct Gathered {
    products: Vec<CatalogueProduct>,
    keys: HashSet<ProductKey>,
    cursors: HashSet<String>,
    pages: usize,
    barren: usize,
}

impl Crawler {
    /// A crawler of the shop named `shop` (its address) that keeps `catalogue` up to date.
    pub fn new(pages: Box<dyn CataloguePages>, config: Config, shop: String, catalogue: Arc<Catalogue>) -> Self {
        Self { pages, config, shop, catalogue, progress: watch::Sender::default() }
    }

    /// How far the crawl is, now and on.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Crawls at once and then on the interval, for ever. A crawl that fails is tried again after a minute, or after
    /// the interval where that is shorter; what is in use stays in use.
    pub async fn forever(&self) {
        loop {
            let wait = match self.once().await {
                Ok(products) => {
                    tracing::info!(products, "catalogue read");
                    self.config.interval
                }
                Err(error) => {
                    tracing::warn!(%error, "catalogue not read");
                    self.config.interval.min(Duration::from_secs(60))
                }
            };
            // News that only the shop can complete brings the next crawl forward, but never at once.
            let soon = async {
                tokio::time::sleep(wait.min(SOONEST)).await;
                self.catalogue.stale().await;
            };
            tokio::select! {
                () = tokio::time::sleep(wait.max(Duration::from_secs(1))) => {}
                () = soon => {}
            }
        }
    }

    /// Crawls once and puts the result in use and in the file. Returns how many products there are.
    /// Errors: [`CrawlError`]; then what was in use stays in use.
    pub async fn once(&self) -> Result<usize, CrawlError> {
        let begun = Timestamp::now();
        let outcome = async {
            let products = self.gather().await?;
            let known = self.catalogue.current().len();
            if products.is_empty() && known > 0 {
                return Err(CrawlError::Empty(known));
            }
            self.keep(products, begun).await
        }
        .await;
        let state = match &outcome {
            Ok(_) => State::Idle,
            Err(error) => State::Failed(error.to_string()),
        };
        self.progress.send_modify(|progress| progress.state = state);
        outcome
    }

    /// Indexing and writing a large catalogue takes a while: not on the threads that serve requests.
    async fn keep(&self, products: Vec<CatalogueProduct>, read_at: Timestamp) -> Result<usize, CrawlError> {
        let file = self.config.file.clone();
        let built = tokio::task::spawn_blocking(move || {
            let index = Index::build(products);
            match file {
                Some(path) => import::write(&path, index.products()).map(|()| index),
                None => Ok(index),
            }
        });
        let index = built.await.map_err(|error| CrawlError::Keep(error.to_string()))?;
        let index = index.map_err(|error| CrawlError::Keep(error.to_string()))?;
        let products = index.len();
        self.catalogue.replace(index, read_at);
        self.catalogue.renew_soon();
        Ok(products)
    }

    async fn gather(&self) -> Result<Vec<CatalogueProduct>, CrawlError> {
        // A large checkpoint takes a while to read.
        let (file, shop) = (self.config.file.clone(), self.shop.clone());
        let opened = tokio::task::spawn_blocking(move || Checkpoint::open(file.as_deref(), &shop)).await;
        let mut checkpoint = opened.map_err(|error| CrawlError::Keep(error.to_string()))?;
        let mut gathered = Gathered::default();
        let mut after = None;
        for page in checkpoint.take() {
            after.clone_from(&page.next);
            gathered.add(page)?;
        }
        let mut resumed = after.is_some();
        loop {
            self.tell(&gathered, State::Reading);
            let page = match self.page(&gathered, after.as_deref()).await {
                // The cursor of a crawl cut off may have expired meanwhile.
                Err(PageError::Refused(_) | PageError::Malformed(_)) if resumed => {
                    checkpoint.clear();
                    (gathered, after, resumed) = (Gathered::default(), None, false);
                    continue;
                }
                other => other.map_err(|source| CrawlError::Page { page: gathered.pages + 1, source })?,
            };
            resumed = false;
            checkpoint.add(&page);
            after.clone_from(&page.next);
            gathered.add(page)?;
            if after.is_none() || gathered.products.len() >= self.config.max_products {
                break;
            }
            tokio::time::sleep(self.config.delay).await;
        }
        self.tell(&gathered, State::Reading);
        checkpoint.clear();
        gathered.products.truncate(self.config.max_products);
        Ok(gathered.products)
    }

    /// One page, asked for again with doubled waits while the failure is a passing one.
    async fn page(&self, gathered: &Gathered, after: Option<&str>) -> Result<Page, PageError> {
        let mut wait = FIRST_WAIT;
        let mut left = self.config.retries;
        loop {
            let error = match self.pages.page(after).await {
                Ok(page) => return Ok(page),
                Err(error) if !error.is_passing() || left == 0 => return Err(error),
                Err(error) => error,
            };
            let named = if let PageError::Throttled(named) = error { named } else { None };
            let pause = named.unwrap_or(wait).min(self.config.longest_wait);
            self.tell(gathered, State::Waiting(pause));
            tokio::time::sleep(pause).await;
            (wait, left) = (wait.saturating_mul(2), left - 1);
        }
    }

    fn tell(&self, gathered: &Gathered, state: State) {
        self.progress.send_replace(Progress { pages: gathered.pages, products: gathered.products.len(), state });
    }
}

impl Gathered {
    fn add(&mut self, page: Page) -> Result<(), CrawlError> {
        self.pages += 1;
        if page.next.as_ref().is_some_and(|next| !self.cursors.insert(next.clone())) {
            return Err(CrawlError::Circle(self.pages));
        }
        let before = self.products.len();
        self.products.extend(page.products.into_iter().filter(|product| self.keys.insert(product.key.clone())));
        self.barren = if self.products.len() > before { 0 } else { self.barren + 1 };
        if self.barren >= BARREN { Err(CrawlError::Barren(self.pages)) } else { Ok(()) }
    }
}
