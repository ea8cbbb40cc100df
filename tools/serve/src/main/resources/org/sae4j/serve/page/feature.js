// One feature: where it fires, what it writes, what is lost without it, and what people call it.
import {download, get, put as send} from "./api.js";
import {alertBox, count, featureLink, h, keep, nameOf, number, percent, put, quiet, remember, table} from "./dom.js";
import {bars, figure, histogram} from "./charts.js";
import {strip, tokenChip} from "./tokens.js";

/** The name, note and rating of a feature, which are saved to the file of labels. */
const naming = (context, sae, answer) => {
  const state = h("span", {class: "quiet", "aria-live": "polite"});
  const name = h("input", {type: "text", maxlength: 500, value: answer.name, placeholder: "What does it stand for?", "aria-label": "Name", id: "label-name"});
  const note = h("textarea", {rows: 2, maxlength: 20000, value: answer.note, placeholder: "Anything else", "aria-label": "Note"});
  const rating = h("select", {"aria-label": "Rating"}, ["no rating", 1, 2, 3, 4, 5].map((v, i) =>
    h("option", {value: i, selected: (answer.rating ?? 0) === i}, i ? "★".repeat(i) + ` ${i}` : "no rating")));
  return h("form", {class: "naming", onsubmit: async (e) => {
    e.preventDefault();
    put(state, "Saving…");
    try {
      await send("labels", {sae, feature: answer.feature, name: name.value, note: note.value, rating: Number(rating.value)});
      put(state, "Saved");
    } catch (error) {
      put(state, alertBox(error));
    }
  }}, name, rating, note, h("button", {type: "submit", class: "primary"}, "Save name"), state);
};

const strips = (examples, most) => examples.map((e) => h("li", {class: "example"},
  h("div", {class: "example-head"}, h("span", {class: "n"}, number(e.activation)),
    h("span", {class: "quiet"}, `${e.label || "document"} ${e.document}`)),
  strip(`Example of document ${e.document}`, e.tokens, (i) => e.activations[i] > 0
    ? {share: e.activations[i] / most, value: e.activations[i]} : null, {mark: e.position - e.from})));

const removed = (answer) => {
  const r = answer.removal;
  if (!r) {
    return quiet("It is never active before another token, or its hook point cannot be edited.");
  }
  const [low, high] = [r.interval.low, r.interval.high];
  const certain = low > 0 ? "It helps: the loss rises without it." : high < 0 ? "It hurts: the loss falls without it." : "The interval includes 0.";
  const shifts = [...r.fallen.slice(0, 6), ...r.risen.slice(0, 6)].map((t) => ({label: tokenChip(t.text), value: 100 * (t.after - t.before)}));
  return [h("p", {}, "At its strongest tokens, the loss of the next token changes by ", h("b", {}, `${number(r.loss_change)} nats`),
    ` (95% interval ${number(low)} to ${number(high)}; ${r.documents} documents). ${certain}`),
  figure("Predictions without it", "Change of the mean probability of the next token, in percentage points, when the feature is taken out "
    + "and all else, the error of the autoencoder included, stays.", bars(shifts, {signed: true}), ["token", "before", "after"],
  [...r.fallen, ...r.risen].map((t) => [t.text, t.before, t.after])),
  table("Predictions with and without the feature", ["text", "next token", {n: "activation"}, {n: "with"}, {n: "without"}, {n: "loss change"}],
    r.predictions.slice(0, 8).map((p) => [h("span", {class: "context", dir: "auto"}, "…" + p.context.slice(-60)), tokenChip(p.next),
      {n: number(p.activation)}, {n: percent(p.before)}, {n: percent(p.after)}, {n: number(p.loss_change)}]))];
};

const neuronTable = (profile, correlated, hook) => h("div", {class: "pair"},
  h("div", {}, h("h3", {}, "Aligned"), table("Aligned neurons", ["neuron", {n: "weight"}, {n: "share of L1"}],
    profile.neurons.slice(0, 6).map((n) => [String(n.neuron), {n: number(n.weight)}, {n: percent(n.share)}]))),
  h("div", {}, h("h3", {}, "Correlated"), correlated.ready
    ? table("Correlated neurons", ["neuron", {n: "correlation"}, {n: "cosine"}],
      correlated.correlated.slice(0, 6).map((n) => [String(n.neuron), {n: number(n.correlation)}, {n: number(n.cosine)}]))
    : quiet("Not known yet: the corpus is being read once more, or it would take too much memory.")),
  quiet(`Neurons are coordinates of ${hook}.`));

/** Fills an element with a feature's card. */
export const card = async (root, context, feature, {compact = false, close, sae = context.sae} = {}) => {
  const own = {};
  root.card = own;
  const heading = h(compact ? "h2" : "h1", {class: "card-title"}, `Feature ${feature}`);
  const steerButton = h("button", {type: "button", onclick: () => {
    const moves = remember("steer-moves", []).filter((m) => m.feature !== feature || m.sae !== sae);
    keep("steer-moves", [...moves, {sae, feature, mode: "add", value: null}]);
    location.hash = "#/steer";
  }}, "Steer with it");
  const head = h("div", {class: "card-head"}, heading, h("span", {class: "line"}, steerButton,
    compact ? h("a", {class: "button", href: `#/feature/${sae}/${feature}`}, "Open page") : "",
    close && h("button", {type: "button", "aria-label": "Close the card", onclick: close}, "✕")));
  const body = h("div", {class: "card-body"}, quiet("Loading…"));
  put(root, head, body);
  const waiting = context.waiting(sae);
  if (waiting) {
    put(body, quiet(waiting));
    return;
  }
  let answer;
  try {
    answer = await get("feature", {sae, feature});
  } catch (e) {
    if (root.card === own) {
      put(body, alertBox(e));
    }
    return;
  }
  if (root.card !== own) {
    return;
  }
  const p = answer.profile;
  const corpus = context.status.autoencoders[sae].corpus;
  put(heading, `Feature ${feature}`, nameOf(answer) ? h("span", {class: "title-name"}, nameOf(answer)) : "");
  const facts = h("dl", {class: "facts"}, [["density", percent(p.density)], ["active tokens", count(p.active)], ["max", number(p.max)],
    ["mean where active", number(p.mean)], ...(p.labels.length && p.active ? [[`AUROC, ${p.labels[0].label}`, number(p.labels[0].document_auroc)]] : [])]
    .map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));
  const sections = [facts, naming(context, sae, answer)];
  const top = p.examples.filter((e) => e.interval === 0);
  if (p.active === 0) {
    sections.push(quiet(`It is active in none of the ${count(corpus.tokens)} tokens: a dead feature, or one for other texts.`));
  } else {
    sections.push(h("section", {}, h("h2", {}, "Strongest examples"), h("ul", {class: "examples"}, strips(compact ? top.slice(0, 4) : top, p.max))));
  }
  if (p.logits) {
    const both = (tokens) => tokens.slice(0, compact ? 6 : 10).map((t) => ({label: tokenChip(t.text), value: t.effect}));
    sections.push(h("section", {}, h("h2", {}, "Tokens it promotes and suppresses"), h("div", {class: "pair"},
      figure("Promoted", "", bars(both(p.logits.top)), ["token", "id", "effect"], p.logits.top.map((t) => [t.text, t.token, t.effect])),
      figure("Suppressed", "", bars(both(p.logits.bottom), {signed: true}), ["token", "id", "effect"],
        p.logits.bottom.map((t) => [t.text, t.token, t.effect]))),
    quiet(`Direct effect on the logits through ${corpus.direct_path}, less the mean over the vocabulary; arbitrary unit.`)));
  }
  if (p.active > 0 && !compact) {
    const series = p.histogram.labels.slice(0, 7).map((label, i) => ({name: label || "tokens", counts: p.histogram.counts[i]}));
    if (p.histogram.labels.length > 7) {
      series.push({name: "others", counts: p.histogram.edges.slice(1).map((_, b) =>
        p.histogram.labels.slice(7).reduce((sum, _l, k) => sum + p.histogram.counts[7 + k][b], 0))});
    }
    sections.push(h("section", {class: "pair"}, figure("How strongly it fires", `Active tokens by activation${corpus.labels.length ? " and label" : ""}; `
      + `n = ${count(p.active)} of ${count(corpus.tokens)} tokens.`, histogram("Histogram of activations", p.histogram.edges, series,
      {xLabel: "activation", logarithmic: true}), ["from", "to", ...series.map((one) => one.name)],
    p.histogram.edges.slice(1).map((to, b) => [p.histogram.edges[b], to, ...series.map((one) => one.counts[b])]), `feature-${feature}-activations`),
    p.logits ? figure("Effects on all logits", `Standard deviation ${number(p.logits.standard_deviation)}. A tail to the right is a set of tokens that it promotes.`,
      histogram("Histogram of effects on logits", p.logits.edges, [{name: "tokens", counts: p.logits.counts}], {xLabel: "effect", logarithmic: true}),
      ["from", "to", "tokens"], p.logits.counts.map((c, b) => [p.logits.edges[b], p.logits.edges[b + 1], c]), `feature-${feature}-logits`) : ""));
    sections.push(h("section", {}, h("h2", {}, "Examples from strong to weak"),
      p.intervals.map((interval, i) => ({...interval, i: i + 1})).reverse().map((interval) => {
        const drawn = p.examples.filter((e) => e.interval === interval.i);
        return h("details", {open: drawn.length > 0}, h("summary", {}, `${number(interval.from)} to ${number(interval.to)}: `,
          h("b", {}, percent(interval.share)), ` of its active tokens (${count(interval.tokens)})`),
        drawn.length ? h("ul", {class: "examples"}, strips(drawn, p.max)) : quiet("No further token."));
      })));
  }
  sections.push(h("section", {}, h("h2", {}, "Nearest features"), table("Nearest features",
    ["feature", {n: "cosine"}, {n: "correlation"}, {n: "density"}], p.neighbors.slice(0, compact ? 5 : 10).map((n) =>
      [featureLink(sae, n.feature, answer.names[n.feature] ?? (n.document_auroc >= 0.8 ? n.label : "")), {n: number(n.cosine)}, {n: number(n.correlation)},
        {n: percent(n.density)}]))));
  const late = {};
  if (!compact) {
    late.removal = h("section", {}, h("h2", {}, "Effect on the loss"), quiet("Running the model…"));
    late.neurons = h("section", {}, h("h2", {}, "Neurons"), quiet("Loading…"));
    sections.push(late.removal, late.neurons);
    if (p.labels.length && p.active) {
      sections.push(h("section", {}, h("h2", {}, "How well it detects each label"), table("AUROC by label",
        ["label", {n: "AUROC, documents"}, {n: "AUROC, tokens"}, {n: "share of its tokens"}], p.labels.map((l) => [l.label, {n: number(l.document_auroc)},
          {n: number(l.token_auroc)}, {n: percent(l.share)}]))));
    }
    sections.push(h("p", {class: "line"}, h("button", {type: "button", onclick: () => download("feature/activations.csv", {sae, feature},
      `feature-${feature}-activations.csv`)}, "Save all activations as CSV")));
  }
  put(body, sections);
  root.dataset.ready = String(feature);
  if (!compact) {
    const fill = async (section, title, path, draw) => {
      try {
        const got = await get(path, {sae, feature});
        put(section, h("h2", {}, title), draw(got));
      } catch (e) {
        put(section, h("h2", {}, title), alertBox(e));
      }
    };
    fill(late.removal, "Effect on the loss", "feature/removal", removed);
    fill(late.neurons, "Neurons", "feature/neurons", (got) => neuronTable(p, got, context.status.autoencoders[sae].hook));
  }
};

export default function feature(root, context, {parts}) {
  const which = Number(parts[2]);
  const holder = h("article", {class: "card page"});
  const d = context.autoencoder().d_sae;
  put(root, h("nav", {class: "line", "aria-label": "Features beside"}, h("a", {href: "#/features"}, "← All features"),
    h("span", {class: "grow"}), which > 0 && h("a", {href: `#/feature/${context.sae}/${which - 1}`}, `‹ ${which - 1}`),
    which < d - 1 && h("a", {href: `#/feature/${context.sae}/${which + 1}`}, `${which + 1} ›`)), holder);
  card(holder, context, which);
  let ready = context.autoencoder().state.ready;
  context.listeners.add(() => {
    if (!ready && context.autoencoder().state.ready) {
      ready = true;
      card(holder, context, which);
    }
  });
}
