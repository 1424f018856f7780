// Apollo Client with its own link for automatic persisted queries, unchanged: a hash alone, once more with the text where
// it is not known yet, and from then on the hash alone, for every client.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { startDemo } from "./demo.mjs";

let demo;
before(async () => { demo = await startDemo(); });
after(() => demo?.stop());

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** A client, and what it sent: method, whether with text, whether with a hash. */
function client(useGETForHashedQueries) {
  const sent = [];
  const http = new HttpLink({
    uri: `${demo.origin}/graphql`,
    headers: { "outfitter-session": "apollo", "outfitter-consent": "all" },
    fetch: (url, init) => {
      const asked = init.body ? JSON.parse(init.body) : Object.fromEntries(new URL(url).searchParams);
      sent.push(`${init.method}${asked.query ? " text" : ""}${asked.extensions ? " hash" : ""}`);
      return fetch(url, init);
    },
  });
  const link = ApolloLink.from([new PersistedQueryLink({ sha256, useGETForHashedQueries }), http]);
  const made = new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: { fetchPolicy: "no-cache" } } });
  return { made, sent };
}

const cases = {
  "a query that passes through": gql`query Titles($first: Int!) { products(first: $first) { nodes { id title } } }`,
  "a personalized query": gql`query Shelf($first: Int!) {
    personalized { recommendations(placement: "home", first: $first) { items { product { id title } } } }
  }`,
};

for (const [name, query] of Object.entries(cases)) {
  for (const get of [false, true]) {
    test(`${name} is asked for by its hash, ${get ? "by GET" : "by POST"}`, async () => {
      const variables = { first: get ? 2 : 3 };
      // Another text in each case, so that each begins unknown.
      const own = gql`${query.loc.source.body.replace(/query (\w+)/, `query $1${get ? "Get" : "Post"}`)}`;
      const hashed = `${get ? "GET" : "POST"} hash`;
      const first = client(get);
      const { data } = await first.made.query({ query: own, variables });
      const found = data.products?.nodes ?? data.personalized.recommendations.items.map((item) => item.product);
      assert.equal(found.length, variables.first);
      assert.ok(found.every((product) => product.title));
      assert.deepEqual(first.sent, [hashed, "POST text hash"]);
      await first.made.query({ query: own, variables });
      assert.deepEqual(first.sent.slice(2), [hashed]);
      const second = client(get);
      assert.deepEqual(Object.keys((await second.made.query({ query: own, variables })).data), Object.keys(data));
      assert.deepEqual(second.sent, [hashed], "known from the first client");
    });
  }
}

test("a mutation goes by POST with its text and is done once", async () => {
  const { made, sent } = client(true);
  const mutation = gql`mutation New { cartCreate(input: { lines: [] }) { cart { id } userErrors { message } } }`;
  const { data } = await made.mutate({ mutation });
  assert.ok(data.cartCreate.cart.id);
  assert.ok(sent.every((one) => one.startsWith("POST")), sent.join());
});
