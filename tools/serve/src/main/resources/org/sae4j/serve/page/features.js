// All features: a table to sort, filter and search, and a map that selects.
import {get, post, save} from "./api.js";
import {alertBox, count, csv, featureLink, h, keep, later, nameOf, number, percent, put, quiet, remember, table} from "./dom.js";
import {tokenChip} from "./tokens.js";
import {map} from "./map.js";

const PAGE = 50;

export default function features(root, context, {query}) {
  const ask = Object.fromEntries(query);
  const results = h("div", {class: "results"});
  const found = h("div", {});
  const state = h("p", {class: "quiet", "aria-live": "polite"});
  let stopped = new AbortController();

  const go = (changed) => {
    Object.assign(ask, changed);
    const kept = Object.entries(ask).filter(([, value]) => value !== "" && value !== undefined && value !== false);
    history.replaceState(null, "", "#/features" + (kept.length ? "?" + new URLSearchParams(kept) : ""));
    load();
  };

  const head = (title, key, cell = {}) => {
    const sorted = (ask.sort ?? "density") === key;
    const ascending = sorted && ask.order === "ascending";
    return h("th", {scope: "col", class: cell.n ? "n" : "", "aria-sort": sorted ? ascending ? "ascending" : "descending" : "none"},
      h("button", {type: "button", class: "sort", onclick: () => go({sort: key, order: sorted && !ascending ? "ascending" : "descending", from: 0})},
        title, h("span", {"aria-hidden": "true"}, sorted ? ascending ? " ↑" : " ↓" : "")));
  };

  const load = async () => {
    stopped.abort();
    stopped = new AbortController();
    const {signal} = stopped;
    const waiting = context.waiting();
    if (waiting) {
      put(results, quiet(waiting));
      return;
    }
    try {
      const answer = await get("features", {sae: context.sae, count: PAGE, ...ask}, signal);
      const from = answer.from;
      const labelled = context.autoencoder().corpus.labels.length > 0;
      const tokens = new Map(answer.features.map((f) => [f.feature, h("span", {class: "chips"})]));
      put(results, table("Features", [head("feature", "feature"), "name", ...(labelled ? ["best label", head("AUROC", "auroc", {n: 1})] : []),
        head("density", "density", {n: 1}), head("max", "max", {n: 1}), head("mean", "mean", {n: 1}), "promotes"],
      answer.features.map((f) => [featureLink(context.sae, f.feature), [f.name, f.rating ? h("span", {class: "quiet"}, " " + "★".repeat(f.rating)) : ""],
        ...(labelled ? [f.auroc >= 0.8 ? f.best_label : h("span", {class: "quiet"}, f.best_label), {n: number(f.auroc)}] : []),
        {n: percent(f.density)}, {n: number(f.max)}, {n: number(f.mean)}, tokens.get(f.feature)]), {class: "all"}),
      h("nav", {class: "line", "aria-label": "Pages"},
        h("button", {type: "button", disabled: from === 0, onclick: () => go({from: Math.max(from - PAGE, 0)})}, "‹ Previous"),
        h("span", {class: "quiet"}, answer.total ? `${count(from + 1)}–${count(Math.min(from + PAGE, answer.total))} of ${count(answer.total)}` : "no feature"),
        h("button", {type: "button", disabled: from + PAGE >= answer.total, onclick: () => go({from: from + PAGE})}, "Next ›"),
        h("span", {class: "grow"}), h("button", {type: "button", onclick: () => saveAll(answer.total)}, "Save as CSV")));
      root.dataset.ready = String(answer.total);
      if (answer.features.length) {
        const promoted = await get("features/promoted", {sae: context.sae, features: answer.features.map((f) => f.feature).join(",")}, signal);
        tokens.forEach((cell, feature) => put(cell, (promoted.promoted[feature] ?? []).map(tokenChip)));
      }
    } catch (e) {
      if (e.name !== "AbortError") {
        put(results, e.status === 409 ? quiet(e.message) : alertBox(e));
      }
    }
  };

  const saveAll = async (total) => {
    const rows = [];
    for (let from = 0; from < total; from += 500) {
      const answer = await get("features", {sae: context.sae, ...ask, from, count: 500});
      rows.push(...answer.features.map((f) => [f.feature, f.name, f.rating, f.best_label, f.auroc, f.density, f.active, f.max, f.mean]));
    }
    save("features.csv", new Blob([csv(["feature", "name", "rating", "best_label", "auroc", "density", "active_tokens", "max", "mean"], rows)],
      {type: "text/csv"}));
  };

  const input = (key, label, attributes = {}) => h("label", {}, label, h("input", {value: ask[key] ?? "", ...attributes,
    oninput: later(200, (e) => go({[key]: e.target.value.trim(), from: 0}))}));
  const check = (key, label) => h("label", {class: "check"}, h("input", {type: "checkbox", checked: ask[key] === "true",
    onchange: (e) => go({[key]: e.target.checked ? "true" : "", from: 0})}), " " + label);
  const densities = [["", "any density"], ["0.1-", "dense: above 10%"], ["0.01-0.1", "1% to 10%"], ["0.001-0.01", "0.1% to 1%"], ["-0.001", "rare: up to 0.1%"]];
  const range = h("label", {}, "Density", h("select", {onchange: (e) => {
    const [low, high] = e.target.value.split("-");
    go({min_density: low ?? "", max_density: high ?? "", from: 0});
  }}, densities.map(([value, title]) => h("option", {value, selected: value === (ask.min_density || ask.max_density
    ? `${ask.min_density ?? ""}-${ask.max_density ?? ""}` : "")}, title))));

  const searchToken = async (text) => {
    if (!text) {
      put(found);
      return;
    }
    try {
      const answer = await get("search/token", {sae: context.sae, text});
      put(found, h("div", {class: "panel"}, h("h2", {}, "Features of ", answer.tokens.map(tokenChip)), h("div", {class: "pair"},
        h("div", {}, h("h3", {}, `Fire on it (${count(answer.occurrences)} in the corpus)`), answer.firing.length ? table("Features that fire on the token",
          ["feature", {n: "mean"}, {n: "of the tokens"}, {n: "of its firings"}], answer.firing.slice(0, 12).map((f) => [featureLink(context.sae, f.feature, nameOf(f)),
            {n: number(f.mean)}, {n: percent(f.recall)}, {n: percent(f.precision)}])) : quiet("None.")),
        h("div", {}, h("h3", {}, "Promote it"), answer.promoting.length ? table("Features that promote the token", ["feature", {n: "effect"}],
          answer.promoting.slice(0, 12).map((f) => [featureLink(context.sae, f.feature, nameOf(f)), {n: number(f.effect)}])) : quiet("There is no direct path to the logits.")))));
    } catch (e) {
      put(found, alertBox(e));
    }
  };

  const on = h("textarea", {rows: 2, dir: "auto", value: remember("search-on", ""), placeholder: "A sentence on which they fire"});
  const off = h("textarea", {rows: 2, dir: "auto", value: remember("search-off", ""), placeholder: "A sentence on which they do not (may be empty)"});
  const searchTexts = async (e) => {
    e.preventDefault();
    keep("search-on", on.value);
    keep("search-off", off.value);
    try {
      const answer = await post("search/texts", {sae: context.sae, on: on.value, off: off.value});
      put(found, h("div", {class: "panel"}, h("h2", {}, "Fire on the first, not on the second"), answer.features.length
        ? table("Features found by texts", ["feature", {n: "first"}, {n: "second"}, {n: "difference / max"}], answer.features.slice(0, 20).map((f) =>
          [featureLink(context.sae, f.feature, nameOf(f)), {n: number(f.on)}, {n: number(f.off)}, {n: number(f.score)}])) : quiet("No feature does.")));
    } catch (error) {
      put(found, alertBox(error));
    }
  };

  const mapHolder = h("div", {});
  const toggle = h("details", {class: "panel", open: remember("map-open", false)}, h("summary", {}, "Map of features"), mapHolder);
  let drawn = false;
  const drawMap = () => {
    keep("map-open", toggle.open);
    if (toggle.open && !drawn && context.autoencoder().map) {
      drawn = true;
      map(mapHolder, context, (selected) => go({only: selected.slice(0, 500).join(","), from: 0}));
    } else if (!drawn) {
      put(mapHolder, quiet("The map is drawn when the corpus has been read."));
    }
  };
  toggle.addEventListener("toggle", drawMap);

  const controls = () => {
    const labels = context.autoencoder().corpus?.labels ?? [];
    return h("form", {class: "controls", role: "search", onsubmit: (e) => e.preventDefault()},
      input("query", "Number, name or label", {type: "search", id: "query"}),
      h("label", {}, "Token", h("input", {type: "search", id: "token", oninput: later(300, (e) => searchToken(e.target.value))})),
      labels.length ? h("label", {}, "Label", h("select", {onchange: (e) => go({label: e.target.value, from: 0})},
        h("option", {value: ""}, "any"), labels.map((label) => h("option", {value: label, selected: label === ask.label}, label)))) : "",
      range, check("dead", "dead ones too"), check("named", "named only"));
  };

  put(root, h("h1", {}, "All features"), state, controls(),
    h("details", {class: "panel"}, h("summary", {}, "Search by texts: fires on this sentence and not on that one"),
      h("form", {class: "two-texts", onsubmit: searchTexts}, h("label", {}, "Fires on", on), h("label", {}, "Not on", off),
        h("button", {type: "submit", class: "primary"}, "Search"))),
    found, toggle, ask.only ? h("p", {class: "line"}, `${ask.only.split(",").length} features chosen on the map. `,
      h("button", {type: "button", onclick: () => {
        delete ask.only;
        go({});
        features(root, context, {query: new URLSearchParams(location.hash.split("?")[1] ?? "")});
      }}, "Show all")) : "", results);
  const corpus = context.autoencoder().corpus;
  put(state, corpus ? `${count(corpus.active_features)} of ${count(context.autoencoder().d_sae)} features are active somewhere in the `
    + `${count(corpus.tokens)} tokens of ${count(corpus.documents)} documents.` : "");
  load();
  drawMap();
  context.listeners.add(() => {
    if (!root.dataset.ready) {
      features(root, context, {query});
    }
    drawMap();
  });
  delete root.dataset.ready;
  return () => stopped.abort();
}
