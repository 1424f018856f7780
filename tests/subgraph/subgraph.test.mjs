// The personalization schema under a federation router: composed with a shop's schema, and queried over both.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { startDemo } from '../clients/demo.mjs';

const shop = parse(readFileSync(new URL('shop.graphql', import.meta.url), 'utf8'));
const titled = ({ id }) => ({ id, title: `Title of ${id}` });
const resolvers = {
  QueryRoot: { product: (_, { id }) => titled({ id }), collection: (_, { id }) => titled({ id }) },
  Product: { __resolveReference: titled },
  Collection: { __resolveReference: titled },
};

// What a router has to hand on: whose request it is.
const session = { 'outfitter-session': 'router-test' };

let demo;
let url;
let gateway;
let product;
let collection;

before(async () => {
  demo = await startDemo();
  url = `${demo.origin}/subgraph`;
  const known = await post('{products(first:1){nodes{id}} collection(handle:"tops"){id}}', {}, `${demo.origin}/graphql`);
  product = known.data.products.nodes[0].id;
  collection = known.data.collection.id;
  const { data } = await post('{_service{sdl}}');
  const composed = composeServices([
    { name: 'shop', typeDefs: shop },
    { name: 'outfitter', typeDefs: parse(data._service.sdl), url },
  ]);
  assert.deepEqual(composed.errors ?? [], []);
  gateway = new ApolloGateway({
    supergraphSdl: composed.supergraphSdl,
    buildService: ({ name }) =>
      name === 'shop'
        ? new LocalGraphQLDataSource(buildSubgraphSchema({ typeDefs: shop, resolvers }))
        : new RemoteGraphQLDataSource({
            url,
            willSendRequest: ({ request }) => {
              for (const [name, value] of Object.entries(session)) request.http.headers.set(name, value);
            },
          }),
  });
  await gateway.load();
});

after(async () => {
  await gateway?.stop();
  await demo?.stop();
});

async function post(query, variables, to = url) {
  const headers = { 'content-type': 'application/json', ...session };
  const response = await fetch(to, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return response.json();
}

async function run(source, variables = {}) {
  const document = parse(source);
  return gateway.executor({
    document,
    request: { query: source, variables, http: undefined },
    operationName: null,
    source,
    queryHash: source,
    schema: gateway.schema,
    operation: document.definitions[0],
    cache: new Map(),
    context: {},
    metrics: {},
    overallCachePolicy: { maxAge: undefined, scope: undefined, restrict() {}, replace() {}, policyIfCacheable: () => null },
  });
}

test('a product of the shop has recommendations, each with what the shop knows of it', async () => {
  const id = product;
  const { data, errors } = await run(
    `query ($id: ID!) { product(id: $id) { title personalized { id affinity recommendations(first: 3) {
      items { position product { id title } reason { code text } } decision { id servedBy } } } } }`,
    { id },
  );
  assert.equal(errors, undefined);
  assert.equal(data.product.title, `Title of ${id}`);
  const { items, decision } = data.product.personalized.recommendations;
  assert.equal(data.product.personalized.id, id);
  assert.deepEqual(items.map((item) => item.position), [1, 2, 3]);
  for (const { product } of items) {
    assert.notEqual(product.id, id);
    assert.equal(product.title, `Title of ${product.id}`);
  }
  assert.match(decision.id, /^\w+$/);
});

test('roots of both are answered in one query', async () => {
  const { data, errors } = await run(`{
    collection(id: "${collection}") { title personalized { recommendations(first: 2) { items { product { title } } } } }
    personalized { shopper { visits } recommendations(placement: "trending", first: 2) { items { product { id title } } } } }`);
  assert.equal(errors, undefined);
  assert.equal(data.collection.personalized.recommendations.items.length, 2);
  assert.equal(data.personalized.shopper.visits, 'FIRST');
  assert.equal(data.personalized.recommendations.items.length, 2);
  assert.match(data.personalized.recommendations.items[0].product.title, /^Title of /);
});

test('mutations reach the subgraph', async () => {
  const { data, errors } = await run(`mutation {
    personalizedTrack(events: [{ id: "1", type: PRODUCT_VIEWED, productId: "${product}" }]) { accepted } }`);
  assert.equal(errors, undefined);
  assert.equal(data.personalizedTrack.accepted, 1);
});

test('what is wrong is told with its code', async () => {
  const { data, errors } = await run('{ personalized { recommendations(placement: "nowhere") { decision { id } } } }');
  assert.equal(JSON.stringify(data), '{"personalized":{"recommendations":null}}');
  assert.equal(errors[0].extensions.code, 'PERSONALIZED_UNKNOWN_PLACEMENT');
});
