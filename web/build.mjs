// Builds the pages from the files that npm installed: `npm run build`.
//
//   dist/             what the binary embeds: index.html and assets whose names carry a hash of their content
//   cdn/index.html    the page of a binary built without dist/: the same files of the same versions from a CDN, each
//                     with its integrity hash. Small and committed; `npm test` fails when it is out of date.
//
// Nothing is bundled or transpiled: the libraries are the publishers' own browser builds, byte for byte, so that the
// embedded page and the CDN page run the same code, and the hashes can be checked against npm by anyone.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const CDN = "https://cdn.jsdelivr.net/npm";

/** The libraries' browser builds, in loading order. */
const LIBRARIES = [
  { name: "graphiql", file: "graphiql.min.css" },
  { name: "react", file: "umd/react.production.min.js" },
  { name: "react-dom", file: "umd/react-dom.production.min.js" },
  { name: "graphiql", file: "graphiql.min.js" },
];
/** Our own files, in loading order. */
const OWN = ["style.css", "examples.js", "app.js"];
const ICON = "favicon.svg";

const digest = (bytes, algorithm, encoding) => createHash(algorithm).update(bytes).digest(encoding);

/** Each library file with its version, bytes, CDN address and integrity hash. */
export function libraries() {
  return LIBRARIES.map(({ name, file }) => {
    const folder = join(here, "node_modules", name);
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const bytes = readFileSync(join(folder, file));
    const integrity = `sha384-${digest(bytes, "sha384", "base64")}`;
    return { name, version, file: basename(file), bytes, url: `${CDN}/${name}@${version}/${file}`, integrity };
  });
}

const tag = (url, extra = "") =>
  url.endsWith(".css")
    ? `<link rel="stylesheet" href="${url}"${extra}>`
    : `<script src="${url}" defer${extra}></script>`;

/** Fills the template: `tags` load the page's files, `notice` is told to the reader, empty for none. */
function page(tags, icon, notice) {
  const template = readFileSync(join(here, "src", "index.html"), "utf8");
  return template
    .replace("<!-- tags -->", () => tags.join("\n    "))
    .replace("{{icon}}", () => icon)
    .replace("<!-- notice -->", () => notice && `<p id="notice" role="note">${notice}</p>`);
}

/** The page of a binary that has no pages embedded. Its own files come from the binary all the same. */
export function cdnPage() {
  const tags = libraries().map(({ url, integrity }) => tag(url, ` integrity="${integrity}" crossorigin="anonymous"`));
  const { version } = libraries().find(({ name }) => name === "graphiql");
  return page(
    [...tags, ...OWN.map((file) => tag(`/assets/${file}`))],
    `/assets/${ICON}`,
    `This binary was built without its pages, so GraphiQL ${version} came from a CDN, checked against its integrity ` +
      "hashes. To embed it: <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>, then build again.",
  );
}

/** File name → bytes of everything under dist/. */
export function distFiles() {
  const files = new Map();
  const add = (name, bytes) => {
    const extension = extname(name);
    const hashed = `assets/${basename(name, extension)}.${digest(bytes, "sha256", "hex").slice(0, 16)}${extension}`;
    files.set(hashed, bytes);
    return `/${hashed}`;
  };
  const own = (name) => add(name, readFileSync(join(here, "src", name)));
  const tags = [...libraries().map(({ file, bytes }) => tag(add(file, bytes))), ...OWN.map((name) => tag(own(name)))];
  files.set("index.html", Buffer.from(page(tags, own(ICON), "")));
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // The folder itself stays: Cargo watches it, and .gitkeep keeps it there in a fresh checkout.
  for (const name of ["assets", "index.html"]) rmSync(join(here, "dist", name), { recursive: true, force: true });
  mkdirSync(join(here, "dist", "assets"), { recursive: true });
  mkdirSync(join(here, "cdn"), { recursive: true });
  for (const [name, bytes] of distFiles()) writeFileSync(join(here, "dist", name), bytes);
  writeFileSync(join(here, "cdn", "index.html"), cdnPage());
}
