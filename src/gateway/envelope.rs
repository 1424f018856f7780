//! The envelope of a GraphQL request over HTTP: document, operation name, variables, extensions, what is accepted.
