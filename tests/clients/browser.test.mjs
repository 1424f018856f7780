// A real browser on the real page: GraphiQL opens, knows the schema, runs the example and shows recommended products,
// under the page's own Content-Security-Policy, and talks to nobody but this machine.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { startDemo } from "./demo.mjs";

const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env.CHROMIUM || BROWSERS.find(existsSync);
/** Where the picture goes: a path in SCREENSHOT, or a folder that is removed again. */
const folder = mkdtempSync(join(tmpdir(), "outfitter-browser-"));
const picture = process.env.SCREENSHOT || join(folder, "graphiql.png");

let demo, context, page;
const complaints = [];
const elsewhere = [];

before(async () => {
  assert.ok(executablePath, "no Chromium: sudo apt-get install -y chromium, or name one in CHROMIUM");
  demo = await startDemo();
  context = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath,
    viewport: { width: 1440, height: 900 },
    deviceScaleFactor: process.env.SCREENSHOT ? 1.5 : 1,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
      "--disable-sync", "--no-first-run"],
  });
  page = context.pages()[0];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (/^https?:$/.test(protocol) && hostname !== "127.0.0.1") elsewhere.push(request.url());
  });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      window.violations.push(`${event.effectiveDirective}: ${event.blockedURI}`));
  });
});

after(async () => {
  await context?.close();
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens a tab. GraphiQL reads the operation's name from a new tab a moment later than a fast hand can run it. */
async function open(name) {
  await page.getByRole("tab", { name }).click();
  await page.waitForTimeout(1000);
}

/** Runs the open tab and gives the answer that the result pane shows. */
async function run() {
  // The page asks for the schema by itself, and on a busy machine is still waiting for it here.
  const own = (request) => !(request.postData() ?? "").includes("__schema");
  const answered = page.waitForResponse((response) => response.url().endsWith("/graphql") && own(response.request()));
  await page.getByRole("button", { name: /execute query/i }).click();
  const response = await answered;
  const answer = await response.json();
  assert.equal(answer.errors, undefined, JSON.stringify(answer.errors, null, 2));
  return { answer, request: response.request() };
}

const shown = (text) => page.locator(".result-window").getByText(text, { exact: false }).first().waitFor();

test("the first example shows a product and its recommended products by title", async () => {
  await page.goto(demo.origin);
  assert.match(await page.title(), /Outfitter/);
  await page.getByRole("tab", { name: "ProductAndRelated" }).waitFor();
  const { answer, request } = await run();
  const { product } = answer.data;
  const { items } = product.personalized.recommendations;
  assert.equal(items.length, 4);
  await shown(product.title);
  await shown(items[0].product.title);
  assert.match(request.headers()["outfitter-session"], /^graphiql-[0-9a-f]{12}$/);
  await page.waitForTimeout(1000); // folding marks are drawn late
  await page.screenshot({ path: picture });
});

test("the other examples answer: a shelf for this shopper, and a cart with what goes with it", async () => {
  await open("HomeShelf");
  const shelf = (await run()).answer.data.personalized.recommendations.items;
  assert.ok(shelf.length > 0);
  await shown(shelf[0].product.title);

  await open("AddToCart");
  const { cart } = (await run()).answer.data.cartCreate;
  assert.equal(cart.totalQuantity, 1);
  assert.ok(cart.personalized.recommendations.items.length > 0);
});

test("the two header fields go out with the next request, and a wrong one is refused by the page", async () => {
  await open("HomeShelf");
  await page.getByLabel("Outfitter-Session").fill("somebody-else");
  await page.getByLabel("Outfitter-Consent").fill("none");
  const { request } = await run();
  assert.equal(request.headers()["outfitter-session"], "somebody-else");
  assert.equal(request.headers()["outfitter-consent"], "none");
  await page.getByLabel("Outfitter-Consent").fill("everything");
  await page.getByText("Not a purpose: everything.").waitFor();
});

test("the page says which consent is assumed, and its docs describe our fields", async () => {
  assert.match(await page.locator("#consent-default").innerText(), /assumes consent to all purposes/);
  await page.getByRole("button", { name: /show documentation explorer/i }).click();
  await page.getByRole("link", { name: "QueryRoot", exact: true }).first().click();
  await page.locator(".graphiql-doc-explorer").getByRole("link", { name: "personalized", exact: true }).click();
  await page.getByText("What the gateway knows and decides for the shopper behind this request.").waitFor();
});

test("nothing was blocked by the policy, nothing complained and nothing left this machine", async () => {
  await page.getByRole("button", { name: /open settings dialog/i }).click();
  await page.getByRole("dialog").waitFor();
  assert.deepEqual(await page.evaluate(() => window.violations), []);
  assert.deepEqual(complaints, []);
  assert.deepEqual(elsewhere, []);
});
