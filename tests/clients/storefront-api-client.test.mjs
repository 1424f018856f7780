// Shopify's own API client, unchanged, pointed at the gateway. It turns every store domain into https://; the demo
// speaks plain HTTP, so `customFetchApi` (an option of the client) puts the scheme back and nothing else.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createStorefrontApiClient } from "@shopify/storefront-api-client";
import { startDemo } from "./demo.mjs";

let demo;
before(async () => { demo = await startDemo(); });
after(() => demo?.stop());

function client(headers = {}) {
  const made = createStorefrontApiClient({
    storeDomain: demo.origin,
    apiVersion: "2026-04",
    publicAccessToken: "demo",
    customFetchApi: (url, init) => fetch(String(url).replace(/^https:/, "http:"), init),
  });
  return async (query, variables) => {
    const { data, errors } = await made.request(query, { variables, headers });
    return { data, errors };
  };
}

async function ask(request, query, variables) {
  const { data, errors } = await request(query, variables);
  assert.equal(errors, undefined, JSON.stringify(errors, null, 2));
  return data;
}

const PRODUCTS = `query ($first: Int!) {
  products(first: $first) {
    nodes { id handle title productType variants(first: 10) { nodes { id availableForSale price { amount currencyCode } } } }
  }
}`;

test("a plain query passes through", async () => {
  const { products } = await ask(client(), PRODUCTS, { first: 5 });
  assert.equal(products.nodes.length, 5);
  for (const product of products.nodes) {
    assert.match(product.id, /^gid:\/\/shopify\/Product\//);
    assert.ok(product.title);
  }
});

test("@inContext changes the currency, of recommended products too", async () => {
  const [{ handle }] = (await ask(client(), PRODUCTS, { first: 1 })).products.nodes;
  const query = `query ($handle: String!, $country: CountryCode) @inContext(country: $country) {
    product(handle: $handle) {
      priceRange { minVariantPrice { currencyCode } }
      personalized { recommendations(first: 3) { items { product { priceRange { minVariantPrice { currencyCode } } } } } }
    }
  }`;
  for (const [country, currency] of [["US", "USD"], ["DE", "EUR"]]) {
    const { product } = await ask(client(), query, { handle, country });
    assert.equal(product.priceRange.minVariantPrice.currencyCode, currency);
    const { items } = product.personalized.recommendations;
    assert.ok(items.length > 0, country);
    for (const item of items) assert.equal(item.product.priceRange.minVariantPrice.currencyCode, currency);
  }
});

test("a cart is made and changed, and comes back with what goes with it", async () => {
  const { products } = await ask(client(), PRODUCTS, { first: 20 });
  const [one, two] = products.nodes.flatMap((product) => product.variants.nodes.find((variant) => variant.availableForSale)?.id ?? []);
  const request = client({ "Outfitter-Session": "cart-of-a-stock-client" });
  const created = await ask(request, `mutation ($lines: [CartLineInput!]) {
    cartCreate(input: { lines: $lines }) { cart { id totalQuantity } userErrors { message } }
  }`, { lines: [{ merchandiseId: one, quantity: 1 }] });
  assert.deepEqual(created.cartCreate.userErrors, []);
  assert.equal(created.cartCreate.cart.totalQuantity, 1);

  const added = await ask(request, `mutation ($id: ID!, $lines: [CartLineInput!]!) {
    cartLinesAdd(cartId: $id, lines: $lines) {
      cart {
        totalQuantity
        cost { totalAmount { amount currencyCode } }
        lines(first: 10) { nodes { id quantity merchandise { ... on ProductVariant { id product { title } } } } }
        personalized { recommendations(first: 3) { items { position product { id title } } decision { servedBy } } }
      }
      userErrors { message }
    }
  }`, { id: created.cartCreate.cart.id, lines: [{ merchandiseId: two, quantity: 2 }] });
  const { cart } = added.cartLinesAdd;
  assert.equal(cart.totalQuantity, 3);
  assert.ok(Number(cart.cost.totalAmount.amount) > 0);
  assert.equal(cart.lines.nodes.length, 2);
  const { items } = cart.personalized.recommendations;
  assert.ok(items.length > 0);
  assert.deepEqual(items.map((item) => item.position), items.map((_, index) => index + 1));
});

test("a product brings its own recommendations, with fields of the platform, and never itself", async () => {
  const [{ handle, id }] = (await ask(client(), PRODUCTS, { first: 1 })).products.nodes;
  const { product } = await ask(client(), `query ($handle: String!) {
    product(handle: $handle) {
      title
      personalized {
        recommendations(intent: RELATED, first: 4) {
          items { position reason { code text } product { id title availableForSale featuredImage { url } } }
          decision { id servedBy }
        }
      }
    }
  }`, { handle });
  const { items, decision } = product.personalized.recommendations;
  assert.equal(items.length, 4);
  assert.equal(new Set(items.map((item) => item.product.id)).size, 4, "no product twice");
  for (const item of items) {
    assert.ok(item.product.title && item.reason.text);
    assert.notEqual(item.product.id, id);
  }
  assert.ok(decision.id);
});

test("two sessions with different histories see different shelves, and without consent the same one", async () => {
  const { products } = await ask(client(), PRODUCTS, { first: 100 });
  const types = [...new Set(products.nodes.map((product) => product.productType))];
  assert.ok(types.length >= 2, "the store has more than one kind of product");
  const shelf = async (session, type, consent) => {
    const request = client({ "Outfitter-Session": session, "Outfitter-Consent": consent });
    for (const { handle } of products.nodes.filter((product) => product.productType === type).slice(0, 3)) {
      await ask(request, "query ($handle: String!) { product(handle: $handle) { title } }", { handle });
    }
    const { personalized } = await ask(request, `{
      personalized { recommendations(placement: "home", first: 8) { items { product { handle } } } }
    }`);
    return personalized.recommendations.items.map((item) => item.product.handle);
  };
  const [first, second] = [types[0], types[types.length - 1]];
  assert.notDeepEqual(await shelf("stock-a", first, "all"), await shelf("stock-b", second, "all"));
  const [one, other] = [await shelf("stock-c", first, "none"), await shelf("stock-d", second, "none")];
  assert.ok(one.length > 0);
  assert.deepEqual(one, other);
});

test("an error of the platform arrives as an error of the platform", async () => {
  const { errors } = await client()("{ products(first: 1) { nodes { noSuchField } } }");
  assert.match(JSON.stringify(errors.graphQLErrors), /noSuchField/);
});
