// A text as it is typed: its tokens shaded by features, the features of each token and of the whole.
import {post} from "./api.js";
import {alertBox, count, csv, h, keep, later, nameOf, number, percent, put, quiet, remember} from "./dom.js";
import {hues} from "./charts.js";
import {save} from "./api.js";
import {shown, strip} from "./tokens.js";
import {card} from "./feature.js";

const EXAMPLE = "The capital of France is";
const COLORED = 8;
const DENSE = 0.1;

export default function text(root, context) {
  let answer = null;
  let pinned = null;
  let hovered = null;
  let hideDense = remember("text-hide-dense", true);
  let aborted = new AbortController();
  let tokens = null;
  let picked = null;
  let colored = new Map();
  let visibleFeatures = new Set();

  const area = h("textarea", {id: "typed", rows: 3, spellcheck: "false", dir: "auto", value: remember("text", EXAMPLE),
    oninput: () => {
      keep("text", area.value);
      ask();
    }});
  const shading = h("div", {class: "shading"});
  const list = h("div", {class: "feature-list"});
  const atToken = h("div", {class: "at-token"});
  const state = h("p", {class: "quiet", "aria-live": "polite"});
  const drawer = h("section", {class: "drawer", "aria-label": "Feature card", hidden: true});
  const dense = h("input", {type: "checkbox", checked: hideDense, onchange: () => {
    hideDense = dense.checked;
    keep("text-hide-dense", hideDense);
    draw();
  }});

  const usable = () => answer.features.filter((f) => !hideDense || f.density === undefined || f.density <= DENSE);

  /** The features that are strongest at some token get a color each, the strongest first, while colors last. */
  const colors = () => {
    const shown = new Set(usable().map((f) => f.feature));
    const strongest = new Map();
    answer.tokens.forEach((t) => {
      const k = t.features.findIndex((f) => shown.has(f));
      if (k >= 0) {
        strongest.set(t.features[k], Math.max(strongest.get(t.features[k]) ?? 0, t.activations[k]));
      }
    });
    return new Map([...strongest].sort((a, b) => b[1] - a[1]).slice(0, COLORED).map(([f], i) => [f, hues()[i]]));
  };

  const strongestOf = () => usable()[0]?.activation || 1;

  const value = (token, feature) => {
    const k = token.features.indexOf(feature);
    return k < 0 ? 0 : token.activations[k];
  };

  const shade = (i) => {
    const token = answer.tokens[i];
    const one = hovered ?? pinned;
    if (one !== null) {
      const v = value(token, one);
      const most = answer.features.find((f) => f.feature === one)?.activation ?? v;
      return v > 0 ? {share: v / most, value: v, hue: colored.get(one)} : null;
    }
    const k = token.features.findIndex((f) => visibleFeatures.has(f));
    return k < 0 ? null : {share: token.activations[k] / strongestOf(), value: token.activations[k],
      hue: colored.get(token.features[k]) ?? "var(--muted)"};
  };

  const open = (feature) => {
    pinned = feature;
    tokens?.paint();
    list.querySelectorAll("[data-feature]").forEach((row) => row.classList.toggle("pinned", Number(row.dataset.feature) === feature));
    drawer.hidden = false;
    card(drawer, context, feature, {compact: true, close: () => {
      drawer.hidden = true;
      pinned = null;
      tokens?.paint();
      list.querySelectorAll(".pinned").forEach((row) => row.classList.remove("pinned"));
    }});
  };

  const row = (f, v, most) => h("button", {type: "button", class: "feature-row" + (pinned === f.feature ? " pinned" : ""),
    "data-feature": f.feature, onclick: () => open(f.feature),
    onmouseenter: () => {
      hovered = f.feature;
      tokens.paint();
    }, onmouseleave: () => {
      hovered = null;
      tokens.paint();
    }},
  h("span", {class: "swatch", vars: {"--hue": colored.get(f.feature) ?? "transparent"}}), h("b", {}, String(f.feature)),
  h("span", {class: "grow"}, nameOf(f)), f.density !== undefined && h("span", {class: "quiet small"}, percent(f.density)),
  h("span", {class: "meter", "aria-hidden": "true"}, h("span", {vars: {"--length": `${100 * v / most}%`}})),
  h("span", {class: "n"}, number(v)));

  const showToken = (i) => {
    picked = i;
    const token = answer.tokens[i];
    const known = new Map(answer.features.map((f) => [f.feature, f]));
    put(atToken, h("h2", {}, "At “", h("code", {class: "chip"}, shown(token.text)), "”"),
      h("p", {class: "quiet"}, `Token ${i + 1}, id ${token.id}: ${token.active} active features.`),
      h("div", {class: "rows"}, token.features.slice(0, 12).map((f, k) => row(known.get(f) ?? {feature: f}, token.activations[k],
        token.activations[0]))));
  };

  const draw = () => {
    if (!answer) {
      return;
    }
    const all = usable();
    colored = colors();
    visibleFeatures = new Set(all.map((f) => f.feature));
    tokens = strip("Tokens of your text", answer.tokens.map((t) => t.text), shade, {onpick: showToken,
      onopen: (i) => answer.tokens[i].features.length && open(answer.tokens[i].features[0])});
    put(shading, answer.tokens.length ? tokens : quiet("Type something."));
    put(list, h("div", {class: "rows"}, all.slice(0, 24).map((f) => row(f, f.activation, all[0].activation))),
      all.length ? "" : quiet("No feature is active."));
    if (picked !== null && picked < answer.tokens.length) {
      showToken(picked);
    } else {
      picked = null;
      put(atToken, h("h2", {}, "At a token"), quiet("Choose a token above: click it, or use the arrow keys."));
    }
  };

  const now = async () => {
    aborted.abort();
    aborted = new AbortController();
    const {signal} = aborted;
    const began = performance.now();
    try {
      const next = await post("text", {sae: context.sae, text: area.value}, signal);
      answer = next;
      draw();
      put(state, `${count(answer.tokens.length)} tokens, ${count(answer.active_features)} active features, ${Math.round(performance.now() - began)} ms`);
      root.dataset.ready = area.value;
    } catch (e) {
      if (e.name !== "AbortError") {
        put(state, alertBox(e));
      }
    }
  };
  const ask = later(40, now);

  const table = () => {
    const rows = answer.tokens.flatMap((t, i) => t.features.map((f, k) => [i, t.id, t.text, f, t.activations[k]]));
    save("text-activations.csv", new Blob([csv(["position", "token_id", "token", "feature", "activation"], rows)], {type: "text/csv"}));
  };

  put(root, h("div", {class: "columns text-view"},
    h("div", {class: "wide"}, h("h1", {}, "What fires on a text"), h("label", {for: "typed", class: "hidden"}, "Text"), area, state, shading,
      h("div", {class: "line"}, h("label", {class: "check"}, dense, ` Leave out features that are active on more than ${100 * DENSE}% of the corpus`),
        h("button", {type: "button", onclick: () => answer && table()}, "Save as CSV")), atToken),
    h("div", {class: "side"}, h("h2", {}, "Strongest over the text"), list)), drawer);
  context.listeners.add(now);
  now();
  return () => aborted.abort();
}
