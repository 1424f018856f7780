//! The record of operations that fetch a customer's data. Which do is told by names alone ([`Touches`]), once a document;
//! a hash that the platform resolves, and a document that does not parse here, tell nothing.

use super::classify::{Classified, Operation};
use super::execute::{Gateway, Request};
use super::overhear::Spoken;
use super::touches::Touches;
use crate::telemetry::customer_data::{CustomerDataFetched, Purpose};
use apollo_compiler::ast::OperationType;

impl Gateway {
    /// The record of an operation that fetches a customer's data; `None` for all others. It is written when it is
    /// dropped, so also where the client leaves.
    pub(super) fn customer_data(
        &self,
        request: Request<'_>,
        document: &Classified,
        operation: &Operation,
    ) -> Option<CustomerDataFetched> {
        let Touches { selects, token, context } = operation.touches;
        if !selects && !token && !context {
            return None;
        }
        let carried = || {
            let spoken = Spoken::new(document, operation, request.envelope.variables.as_ref());
            spoken.evidence(request.parts, &*self.modules.platform, false).token.is_some()
        };
        let customer_token = token || (context && carried());
        (selects || customer_token).then(|| CustomerDataFetched {
            session: self.modules.who.session_hash(&request.parts.headers),
            purpose: Purpose::Storefront,
            credential: self.modules.platform.credential(&request.parts.headers),
            customer_token,
            operation: match operation.definition.operation_type {
                OperationType::Mutation => "mutation",
                _ => "query",
            },
            outcome: "abandoned".to_owned(),
        })
    }
}
