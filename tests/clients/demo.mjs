// Starts the real `outfitter demo` for a suite and stops it again. `OUTFITTER_BIN` names the binary; it listens on
// free ports, so that suites and other programs do not meet.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BINARY = process.env.OUTFITTER_BIN ?? fileURLToPath(new URL("../../target/debug/outfitter", import.meta.url));
/** How long a debug build may take to make its store and learn its history, in milliseconds. */
const START = 180_000;

/** The demo as it runs: `origin` is the gateway's address without a path. */
export async function startDemo() {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: run \`cargo build\`, or name a binary in OUTFITTER_BIN`);
  const child = spawn(BINARY, ["demo", "--port", "0", "--store-port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const origin = await new Promise((resolve, reject) => {
    const giveUp = (why) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(`the demo did not start: ${why}\n${output}`));
    };
    const timer = setTimeout(() => giveUp("it printed no line `GraphQL http://…/graphql` in time"), START);
    const read = (chunk) => {
      output += chunk;
      const found = /^GraphQL +(http:\/\/127\.0\.0\.1:\d+)\/graphql/m.exec(output);
      if (found) {
        clearTimeout(timer);
        resolve(found[1]);
      }
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", (error) => giveUp(error.message));
    child.once("exit", (code) => giveUp(`it ended with ${code}`));
  });
  child.removeAllListeners("exit");
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(timer);
  };
  try {
    await ready(origin);
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${output}`);
  }
  return { origin, stop };
}

/** Waits until a personal slate is decided from data, which the catalogue has to be there for. */
async function ready(origin) {
  const query = '{ personalized { recommendations(placement: "trending", first: 1) { items { position } } } }';
  let last;
  for (const until = Date.now() + START; Date.now() < until; await new Promise((done) => setTimeout(done, 250))) {
    try {
      const response = await fetch(`${origin}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", "outfitter-consent": "none" },
        body: JSON.stringify({ query }),
      });
      last = await response.text();
      if (JSON.parse(last).data?.personalized?.recommendations?.items?.length) return;
    } catch (error) {
      last = error.message;
    }
  }
  throw new Error(`the gateway recommends nothing: ${last}`);
}
