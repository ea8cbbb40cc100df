// Two autoencoders: on one text, by the best match of their directions, and by what they cost the model.
import {get, post} from "./api.js";
import {alertBox, count, featureLink, h, keep, later, nameOf, number, percent, put, quiet, remember, table} from "./dom.js";
import {figure, histogram, hues, lines} from "./charts.js";
import {strip} from "./tokens.js";

export default function compare(root, context) {
  const all = context.status.autoencoders;
  if (all.length < 2) {
    put(root, h("h1", {}, "Compare"), quiet("There is one autoencoder. Start the server with several: sae serve --sae A --sae B."), evaluationsOf(context));
    return undefined;
  }
  let other = remember("compare-other", all.length - 1);
  if (other === context.sae || other >= all.length) {
    other = all.findIndex((_, i) => i !== context.sae);
  }
  let from = 0;
  let order = "descending";
  const texts = h("div", {});
  const pairs = h("div", {});
  const select = h("select", {onchange: () => {
    other = Number(select.value);
    keep("compare-other", other);
    from = 0;
    onText();
    onMatches();
  }}, all.map((one, i) => i === context.sae ? "" : h("option", {value: i, selected: i === other}, one.name)));
  const area = h("textarea", {id: "compared", rows: 3, dir: "auto", value: remember("text", "The capital of France is"), oninput: () => {
    keep("text", area.value);
    ask();
  }});

  const side = (answer) => {
    const top = answer.features.slice(0, 8);
    const colors = new Map(top.map((f, i) => [f.feature, hues()[i % 8]]));
    return h("section", {}, h("h3", {}, all[answer.sae].name), strip(`Tokens by ${all[answer.sae].name}`, answer.tokens.map((t) => t.text), (i) => {
      const t = answer.tokens[i];
      const k = t.features.findIndex((f) => colors.has(f));
      return k < 0 ? null : {share: t.activations[k] / top[0].activation, value: t.activations[k], hue: colors.get(t.features[k])};
    }), quiet(`${count(answer.active_features)} active features, mean L0 ${number(answer.tokens.reduce((sum, t) => sum + t.active, 0)
      / Math.max(answer.tokens.length, 1))}`), h("ul", {class: "plain"}, top.map((f) => h("li", {}, h("span", {class: "swatch", vars: {"--hue": colors.get(f.feature)}}),
      featureLink(answer.sae, f.feature, nameOf(f)), h("span", {class: "n"}, " " + number(f.activation))))));
  };

  const onText = async () => {
    try {
      const answers = await Promise.all([context.sae, other].map((sae) => post("text", {sae, text: area.value})));
      put(texts, h("div", {class: "pair"}, answers.map(side)));
      root.dataset.ready = "text";
    } catch (e) {
      put(texts, alertBox(e));
    }
  };
  const ask = later(80, onText);

  const onMatches = async () => {
    try {
      const answer = await get("compare", {sae: context.sae, other, from, count: 20, order});
      const edges = Array.from({length: 21}, (_, i) => i / 20);
      put(pairs, figure("Best match of each feature", `For each feature of ${all[context.sae].name} the largest cosine with a direction of ${all[other].name}. `
        + `Mean ${number(answer.mean_cosine)}; ${count(answer.above_0_7)} of ${count(answer.total)} are above 0.7.`,
      histogram("Histogram of best cosines", edges, [{name: "features", counts: answer.histogram}], {xLabel: "cosine"}), ["from", "to", "features"],
      answer.histogram.map((c, i) => [edges[i], edges[i + 1], c])),
      table("Best matches", [all[context.sae].name, all[other].name, {n: "cosine"}, {n: "density"}, {n: "density there"}], answer.pairs.map((p) =>
        [featureLink(context.sae, p.feature.feature, nameOf(p.feature)), featureLink(other, p.match.feature, nameOf(p.match)), {n: number(p.cosine)},
          {n: percent(p.feature.density)}, {n: percent(p.match.density)}])),
      h("nav", {class: "line", "aria-label": "Pages"}, h("button", {type: "button", disabled: from === 0, onclick: () => {
        from = Math.max(from - 20, 0);
        onMatches();
      }}, "‹ Previous"), h("span", {class: "quiet"}, `${count(from + 1)}–${count(Math.min(from + 20, answer.total))} of ${count(answer.total)}`),
      h("button", {type: "button", disabled: from + 20 >= answer.total, onclick: () => {
        from += 20;
        onMatches();
      }}, "Next ›"), h("button", {type: "button", onclick: () => {
        order = order === "descending" ? "ascending" : "descending";
        from = 0;
        onMatches();
      }}, order === "descending" ? "Worst first" : "Best first")));
    } catch (e) {
      put(pairs, alertBox(e));
    }
  };

  const evaluations = h("div", {}, evaluationsOf(context));
  put(root, h("h1", {}, "Compare"), h("p", {class: "line"}, h("label", {}, `${all[context.sae].name} with `, select)),
    h("h2", {}, "On one text"), h("label", {for: "compared", class: "hidden"}, "Text"), area, texts, h("h2", {}, "By best match"), pairs, evaluations);
  onText();
  onMatches();
  context.listeners.add(() => put(evaluations, evaluationsOf(context)));
  return undefined;
}

/** L0 against recovered cross-entropy. */
const evaluationsOf = (context) => {
  const holder = h("section", {}, h("h2", {}, "What they cost the model"), quiet("Loading…"));
  const load = async () => {
    try {
      const {evaluations} = await get("evaluations");
      const ready = evaluations.filter((e) => e.ready);
      put(holder, h("h2", {}, "What they cost the model"), ready.length ? figure("L0 against cross-entropy recovered",
        `Recovered cross-entropy: 1 is the untouched model, 0 is zeros in place of the activations. n = ${count(ready[0].tokens)} tokens of the corpus.`,
        lines("L0 against cross-entropy recovered", ready.map((e) => ({name: e.name, x: [e.l0], y: [e.ce_recovered], dots: true})), {xLabel: "L0"}),
        ["autoencoder", "L0", "CE recovered", "explained variance", "dead", "features"],
        ready.map((e) => [e.name, e.l0, e.ce_recovered, e.explained_variance, e.dead, e.d_sae])) : quiet("They are measured when the corpus has been read."),
      ready.length ? table("Evaluation", ["autoencoder", {n: "features"}, {n: "L0"}, {n: "CE recovered"}, {n: "explained variance"}, {n: "dead"}],
        ready.map((e) => [e.name, {n: count(e.d_sae)}, {n: number(e.l0)}, {n: number(e.ce_recovered, 4)}, {n: number(e.explained_variance)}, {n: count(e.dead)}])) : "");
      if (ready.length < evaluations.length && holder.isConnected && context.status.autoencoders.some((one) => one.corpus || !["none", "failed"].includes(one.state.stage))) {
        setTimeout(load, 3000);
      }
    } catch (e) {
      put(holder, alertBox(e));
    }
  };
  setTimeout(load);
  return holder;
};
