// What the build promises: pinned, checkable, and the same code with and without the embedded pages.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cdnPage, distFiles, libraries } from "../build.mjs";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

test("the committed CDN page is the one that this lock file builds", () => {
  assert.equal(read("../cdn/index.html"), cdnPage(), "run `npm run build` and commit cdn/index.html");
});

test("everything the CDN page loads from elsewhere carries an integrity hash and an exact version", () => {
  const elsewhere = [...cdnPage().matchAll(/<(?:script|link)[^>]*https:[^>]*>/g)].map(([tag]) => tag);
  assert.equal(elsewhere.length, libraries().length);
  for (const tag of elsewhere) {
    assert.match(tag, /@\d+\.\d+\.\d+\//);
    assert.match(tag, /integrity="sha384-[A-Za-z0-9+/]{64}" crossorigin="anonymous"/);
  }
});

test("the embedded page loads only itself, by names that change with the content", () => {
  const files = distFiles();
  const page = files.get("index.html").toString();
  assert.doesNotMatch(page, /(?:src|href)="(?:https?:)?\/\//);
  for (const [, name] of page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)) {
    const hash = createHash("sha256").update(files.get(name)).digest("hex").slice(0, 16);
    assert.ok(name.includes(`.${hash}.`), name);
  }
});

test("the pages need no inline script, inline style or event attribute", () => {
  for (const page of [cdnPage(), distFiles().get("index.html").toString()]) {
    assert.doesNotMatch(page, /<script(?![^>]* src=)/);
    assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|javascript:/i);
  }
});

test("the lock file names no registry", () => {
  const { packages } = JSON.parse(read("../package-lock.json"));
  for (const [name, { resolved, integrity, link }] of Object.entries(packages)) {
    if (name === "" || link) continue;
    assert.equal(resolved, undefined, name);
    assert.ok(integrity, `${name} has no integrity hash`);
  }
});
