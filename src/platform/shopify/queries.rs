//! The gateway's own queries to Shopify, checked against `schema/shopify.graphql` when this crate is compiled. The
//! generated types stay in this folder.

// The derive gives no place to document what it generates.
#![allow(missing_docs, unreachable_pub)]

use graphql_client::GraphQLQuery;

type DateTime = String;
type Decimal = String;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema/shopify.graphql",
    query_path = "queries/shopify_catalogue.graphql",
    response_derives = "Debug",
    skip_serializing_none
)]
pub(super) struct Catalogue;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema/shopify.graphql",
    query_path = "queries/shopify_customer.graphql",
    response_derives = "Debug"
)]
pub(super) struct Customer;
