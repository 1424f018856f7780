//! Getting one thing below the endpoint, of an API that is no GraphQL.

use super::{Answer, Repeat, Upstream, UpstreamError, asking};
use bytes::Bytes;
use http::header::ACCEPT;
use http::uri::InvalidUri;
use http::{HeaderMap, HeaderValue, Method, Uri};

impl Upstream {
    /// Gets what stands below the endpoint, such as `/orders/1`, as [`Upstream::ask`] asks.
    /// Errors: [`UpstreamError`]; an HTTP error status is an answer, not an error.
    pub async fn get(&self, below: &str) -> Result<Answer, UpstreamError> {
        let mut headers = asking(HeaderMap::new());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut request = self.request(Method::GET, None, headers, Bytes::new())?;
        let path = format!("{}{below}", self.url.path().trim_end_matches('/'));
        let mut parts = self.url.clone().into_parts();
        let path = path.parse().map_err(|error: InvalidUri| UpstreamError::Query(error.to_string()))?;
        parts.path_and_query = Some(path);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|error| UpstreamError::Query(error.to_string()))?;
        self.answered(request, Repeat::Once).await
    }
}
