//! gzip and Brotli for whole answers of some size.
//!
//! An answer that streams is passed on as the platform encoded it: compressing it here would hold back its chunks.

use crate::gateway::respond::Untouched;
use http_body::Body;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

/// Smaller answers fit a packet; compressing them costs more than it saves.
const SMALLEST: u64 = 1024;

/// Whether an answer is worth it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole(bool);

impl tower_http::compression::Predicate for Whole {
    fn should_compress<B: Body>(&self, response: &axum::http::Response<B>) -> bool {
        let whole = self.0 && response.extensions().get::<Untouched>().is_none();
        whole && response.body().size_hint().exact().is_some_and(|size| size >= SMALLEST)
    }
}

/// Compresses what [`Whole`] says, fast rather than small: the gateway is in the shopper's way.
pub(crate) fn layer(enabled: bool) -> CompressionLayer<Whole> {
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(Whole(enabled))
}
