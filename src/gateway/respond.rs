//! The answer as HTTP: status, media type, headers.
