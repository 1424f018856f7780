// The audits of GraphQL over HTTP against the real gateway, each a test of its own: none may fail, none may warn.
// OUTFITTER_URL names a gateway that runs already; without it the demo is started.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { serverAudits } from "graphql-http";
import { startDemo } from "../clients/demo.mjs";

const demo = process.env.OUTFITTER_URL ? undefined : await startDemo();
const url = process.env.OUTFITTER_URL ?? `${demo.origin}/graphql`;
after(() => demo?.stop());

const audits = serverAudits({ url });

test("there are as many audits as the gateway claims to pass", () => {
  assert.ok(audits.length >= 61, `${audits.length} audits`);
});

for (const audit of audits) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    assert.equal(result.status, "ok", result.reason);
  });
}
