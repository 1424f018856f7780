//! The one scalar of the schema.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use jiff::Timestamp;

/// A moment as RFC 3339 text in UTC, such as `2026-03-01T09:30:00Z`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PersonalizedDateTime(pub(super) Timestamp);

/// A moment, RFC 3339, UTC.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/date-time")]
impl ScalarType for PersonalizedDateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let moment = text.parse().map_err(|_| {
            InputValueError::custom("not a moment; write RFC 3339 with an offset, such as 2026-03-01T09:30:00Z")
        })?;
        Ok(Self(moment))
    }

    fn to_value(&self) -> Value {
        // Milliseconds are as fine as a client's clock; further digits would only make the answer longer.
        let moment = Timestamp::from_millisecond(self.0.as_millisecond()).unwrap_or(self.0);
        Value::String(moment.to_string())
    }
}
