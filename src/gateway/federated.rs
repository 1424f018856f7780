//! `/subgraph`: the personalization schema alone, for a federation router in front of the gateway.
//!
//! A walk of its own, short because nothing is asked of the platform: envelope → who → execute → respond. Whose request
//! it is follows from the headers that the router hands on, so a router must hand `Outfitter-Session` and
//! `Outfitter-Consent` on; without them everybody is nobody.

use super::accept::Accept;
use super::envelope;
use super::error::{GatewayError, RequestError};
use super::execute::{Gateway, NO_SCHEMA};
use super::personalize::Viewer;
use super::respond::{self, AnswerBody, Caching};
use super::who::Asking;
use crate::ingest::Evidence;
use bytes::Bytes;
use http::Response;
use http::request::Parts;
use std::sync::Arc;

impl Gateway {
    /// Answers a federation router. Documents are in the subgraph's schema, which `{_service{sdl}}` tells.
    pub async fn subgraph(&self, request: http::Request<Bytes>) -> Response<AnswerBody> {
        let (parts, body) = request.into_parts();
        let answered = self.federated(&parts, &body).await;
        answered.unwrap_or_else(|error| respond::failed(&error, Accept::of(&parts.headers)))
    }

    async fn federated(&self, parts: &Parts, body: &Bytes) -> Result<Response<AnswerBody>, GatewayError> {
        let envelope = envelope::read(parts, body, &self.limits)?;
        let query = envelope.query.as_deref().ok_or(RequestError::MissingQuery)?;
        let unreadable = |error| RequestError::Variables { message: format!("the variables cannot be read: {error}") };
        let variables = envelope.variables.as_ref().map(|raw| raw.to()).transpose().map_err(unreadable)?;
        let served = self.served.load_full().ok_or(GatewayError::NotReady(NO_SCHEMA))?;
        let subgraph = served.subgraph.as_ref().map_err(|error| GatewayError::Internal(error.to_string()))?;
        let evidence = Evidence { headers: parts.headers.clone(), ..Evidence::default() };
        let Asking { context, events } = self.modules.who.ask(&evidence).await?;
        let viewer = Viewer {
            context,
            engine: Arc::clone(&self.modules.engine),
            events,
            decisions: Arc::clone(&self.modules.decisions),
            book: Default::default(),
        };
        let operation = envelope.operation_name.as_deref();
        let response = subgraph.execute(query, operation, variables.unwrap_or_default(), Arc::new(viewer)).await;
        let has_data = response.data != async_graphql::Value::Null;
        let text = serde_json::to_vec(&response).map_err(|error| GatewayError::Internal(error.to_string()))?;
        Ok(respond::composed(text.into(), has_data, envelope.accept, Caching::NoStore, None))
    }
}
