// hydrogen-react's createStorefrontClient, unchanged, as its documentation shows it: the store's domain is the
// gateway's address, which it takes with its scheme.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createStorefrontClient, flattenConnection } from "@shopify/hydrogen-react";
import { startDemo } from "./demo.mjs";

let demo;
before(async () => { demo = await startDemo(); });
after(() => demo?.stop());

const client = (options = {}) =>
  createStorefrontClient({
    storeDomain: demo.origin,
    publicStorefrontToken: "demo",
    privateStorefrontToken: "demo-private",
    storefrontApiVersion: "2026-04",
    ...options,
  });

async function answer(response) {
  assert.equal(response.status, 200);
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors, null, 2));
  return data;
}

test("the public client reads products by the platform's own path", async () => {
  const { getStorefrontApiUrl, getPublicTokenHeaders } = client();
  assert.equal(getStorefrontApiUrl(), `${demo.origin}/api/2026-04/graphql.json`);
  const { products } = await answer(await fetch(getStorefrontApiUrl(), {
    method: "POST",
    headers: getPublicTokenHeaders(),
    body: JSON.stringify({ query: "{ products(first: 3) { edges { node { id title } } } }" }),
  }));
  const titles = flattenConnection(products).map((product) => product.title);
  assert.equal(titles.length, 3);
  assert.ok(titles.every(Boolean));
});

test("the private client on a server reads a personal field, by application/graphql as well", async () => {
  for (const contentType of ["json", "graphql"]) {
    const { getStorefrontApiUrl, getPrivateTokenHeaders } = client({ contentType });
    const query = `{
      products(first: 1) {
        nodes { title personalized { recommendations(first: 2) { items { product { title vendor } } } } }
      }
    }`;
    const { products } = await answer(await fetch(getStorefrontApiUrl(), {
      method: "POST",
      headers: getPrivateTokenHeaders({ buyerIp: "127.0.0.1" }),
      body: contentType === "json" ? JSON.stringify({ query }) : query,
    }));
    const { items } = products.nodes[0].personalized.recommendations;
    assert.equal(items.length, 2, contentType);
    assert.ok(items.every((item) => item.product.title && item.product.vendor));
  }
});
