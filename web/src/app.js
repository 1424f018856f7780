// The page around GraphiQL: a line that says where you are, the two request headers as fields, and the example tabs.
// Plain browser code on purpose: it runs as it stands here, after React, ReactDOM and GraphiQL, wherever those came from.
"use strict";
(() => {
  if (!window.React || !window.ReactDOM || !window.GraphiQL) {
    document.getElementById("loading").textContent =
      "GraphiQL could not be loaded: no connection to the CDN, or a file that is not the one expected.";
    return;
  }
  const { createElement: h, useState, useMemo } = React;
  const { demo, endpoint, consent: consentDefault, version, nonce } = JSON.parse(
    document.querySelector('meta[name="outfitter"]').content,
  );
  // The one library inside GraphiQL that adds a <style> at run time reads its nonce here.
  window.__webpack_nonce__ = nonce;

  /** Storage that is merely forgetful where the browser refuses it. */
  const memory = {
    get: (key) => { try { return localStorage.getItem(`outfitter:${key}`); } catch { return null; } },
    set: (key, value) => { try { localStorage.setItem(`outfitter:${key}`, value); } catch { /* next load asks again */ } },
  };

  const newSession = () =>
    `graphiql-${Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;

  const SESSION = /^[\x21-\x7e]{0,128}$/;
  const PURPOSES = ["all", "none", "analytics", "preferences", "marketing", "sale-of-data"];
  const badSession = (text) => (SESSION.test(text.trim()) ? null : "At most 128 printable characters, no spaces.");
  const badConsent = (text) => {
    const unknown = text.split(",").map((word) => word.trim().toLowerCase()).filter((word) => word && !PURPOSES.includes(word));
    return unknown.length ? `Not a purpose: ${unknown.join(", ")}.` : null;
  };

  /** What the two fields add to a request. A header written in GraphiQL's own editor wins; an invalid field is left out. */
  const current = { session: memory.get("session") || newSession(), consent: memory.get("consent") || "" };
  memory.set("session", current.session);
  function withHeaders(input, init = {}) {
    const headers = new Headers(init.headers);
    const add = (name, value, problem) => {
      if (value && !problem && !headers.has(name)) headers.set(name, value);
    };
    add("Outfitter-Session", current.session.trim(), badSession(current.session));
    add("Outfitter-Consent", current.consent.trim(), badConsent(current.consent));
    return fetch(input, { ...init, headers });
  }

  const SAMPLE = "{ products(first: 10) { nodes { handle variants(first: 10) { nodes { id availableForSale } } } } }";

  /** A product of this shop, one that can be bought, for the examples. Asked as nobody, so that it leaves no trace on the shopper. */
  async function sample() {
    const fallback = { handle: "a-product-handle", variant: "gid://shopify/ProductVariant/1" };
    try {
      const response = await fetch(endpoint, {
        method: "POST",
        credentials: "omit",
        headers: { "Content-Type": "application/json", "Outfitter-Consent": "none" },
        body: JSON.stringify({ query: SAMPLE }),
        signal: AbortSignal.timeout(3000),
      });
      const products = (await response.json()).data.products.nodes;
      const buyable = products.flatMap(({ handle, variants }) => variants.nodes.map((variant) => ({ handle, ...variant })))
        .find((variant) => variant.availableForSale);
      return { handle: buyable?.handle ?? products[0].handle, variant: buyable?.id ?? fallback.variant };
    } catch {
      return fallback;
    }
  }

  function Field({ id, label, hint, value, problem, onChange, options, action }) {
    return h("div", { className: "field" },
      h("label", { htmlFor: id }, label),
      h("div", { className: "control" },
        h("input", {
          id, value, placeholder: hint, spellCheck: false, autoComplete: "off", maxLength: 200,
          list: options && `${id}-options`, "aria-invalid": Boolean(problem), "aria-describedby": `${id}-problem`,
          onChange: (event) => onChange(event.target.value),
        }),
        options && h("datalist", { id: `${id}-options` }, options.map((option) => h("option", { key: option, value: option }))),
        action,
      ),
      h("span", { id: `${id}-problem`, className: "problem", role: "status" }, problem),
    );
  }

  function Bar({ onExamples }) {
    const [session, setSession] = useState(current.session);
    const [consent, setConsent] = useState(current.consent);
    const keep = (key, set) => (value) => {
      current[key] = value;
      memory.set(key, value);
      set(value);
    };
    return h("header", { id: "bar" },
      h("div", { className: "brand" },
        h("img", { src: document.querySelector('link[rel="icon"]').href, alt: "", width: 36, height: 36 }),
        h("div", null,
          h("h1", null, "Outfitter", h("span", { className: "version" }, version), demo && h("span", { className: "badge" }, "demo shop")),
          h("p", null, "The shop’s whole GraphQL API, plus ", h("code", null, "personalized"), " wherever you ask for it."),
        ),
      ),
      h("form", { "aria-label": "Request headers", onSubmit: (event) => event.preventDefault() },
        h(Field, {
          id: "session", label: "Outfitter-Session", hint: "no session", value: session, problem: badSession(session),
          onChange: keep("session", setSession),
          action: h("button", { type: "button", title: "Continue as somebody else", onClick: () => keep("session", setSession)(newSession()) }, "New shopper"),
        }),
        h(Field, {
          id: "consent", label: "Outfitter-Consent", hint: `${consentDefault} (default)`, value: consent, problem: badConsent(consent),
          onChange: keep("consent", setConsent), options: ["all", "none", "preferences", "analytics,preferences"],
        }),
        h("button", { type: "button", className: "examples", title: "Close these tabs and open the three examples", onClick: onExamples }, "Examples"),
      ),
      h("p", { id: "consent-default" },
        demo
          ? h(React.Fragment, null, "This demo assumes consent to ", h("strong", null, consentDefault), " purposes where a request names none. A real shop starts from ", h("strong", null, "none"), ".")
          : h(React.Fragment, null, "Where a request names no consent, this shop assumes ", h("strong", null, consentDefault), "."),
      ),
    );
  }

  /** Drops the tabs that GraphiQL remembers, so that the next load opens the examples again. */
  function openExamples() {
    try {
      for (const key of ["tabState", "query", "variables", "headers"]) localStorage.removeItem(`graphiql:${key}`);
    } catch { /* nothing is remembered then */ }
    location.reload();
  }

  /** GraphiQL opens its first tab with these variables, not the tab's own; where it remembers tabs, with neither. */
  function firstVariables(examples) {
    try { return localStorage.getItem("graphiql:tabState") ? undefined : examples[0].variables; } catch { return examples[0].variables; }
  }

  function Page({ examples }) {
    const [variables] = useState(() => firstVariables(examples));
    const fetcher = useMemo(() => GraphiQL.createFetcher({ url: endpoint, fetch: withHeaders }), []);
    return h(React.Fragment, null,
      h(Bar, { onExamples: openExamples }),
      h("main", { "aria-label": "GraphiQL" },
        h(GraphiQL, {
          fetcher, defaultTabs: examples, variables, defaultEditorToolsVisibility: "variables", inputValueDeprecation: true,
          schemaDescription: true, shouldPersistHeaders: false,
        }, h(GraphiQL.Logo, null, h("span", { className: "quiet" }, "GraphiQL"))),
      ),
    );
  }

  sample().then((product) =>
    ReactDOM.createRoot(document.getElementById("page")).render(h(Page, { examples: window.outfitterExamples(product) })),
  );
})();
