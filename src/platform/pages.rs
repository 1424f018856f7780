//! Reading a shop's catalogue page by page: what a platform offers to the crawl.

use super::upstream::UpstreamError;
use crate::domain::product::CatalogueProduct;
use async_trait::async_trait;
use std::time::Duration;

/// A part of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Its products, in the platform's order.
    pub products: Vec<CatalogueProduct>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// Why a page could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The platform asks to slow down: the same page may be asked for again after the wait it names, if it names one.
    #[error("the shop asks to slow down")]
    Throttled(Option<Duration>),
    /// The platform has trouble of its own or cannot be reached: worth another try.
    #[error("{0}")]
    Unreachable(#[from] UpstreamError),
    /// The platform answers with an error status of its own: worth another try.
    #[error("the shop answered with HTTP status {0}")]
    Status(u16),
    /// The platform refuses. Asking again would not help.
    #[error("the shop refused the catalogue query: {0}; check the address, the API version and the access token")]
    Refused(String),
    /// The answer is not one to this query.
    #[error("the answer of the shop is not a page of products: {0}; check that upstream.url is the GraphQL endpoint")]
    Malformed(String),
}

impl PageError {
    /// Whether the same page may be there when asked for again.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Throttled(_) | Self::Status(_) => true,
            Self::Unreachable(error) => !matches!(error, UpstreamError::TooLarge(_) | UpstreamError::Query(_)),
            Self::Refused(_) | Self::Malformed(_) => false,
        }
    }
}

/// A shop's catalogue, page by page.
#[async_trait]
pub trait CataloguePages: Send + Sync {
    /// The page that begins at a cursor; the first where it is `None`. Errors: see [`PageError`].
    async fn page(&self, after: Option<&str>) -> Result<Page, PageError>;
}
