// The names that people gave, in one list; import and export of Neuronpedia's explanations.
import {download, get, postText, put as send} from "./api.js";
import {alertBox, count, featureLink, h, later, percent, put, quiet} from "./dom.js";

export default function names(root, context) {
  const list = h("div", {});
  const state = h("p", {class: "quiet", "aria-live": "polite"});
  let labels = [];
  const filter = h("input", {type: "search", id: "filter-names", oninput: later(100, () => draw())});

  const save = async (label, changed) => {
    Object.assign(label, changed);
    put(state, "Saving…");
    try {
      await send("labels", {sae: context.sae, feature: label.feature, name: label.name, note: label.note, rating: label.rating ?? 0});
      put(state, `Saved the name of feature ${label.feature}.`);
    } catch (e) {
      put(state, alertBox(e));
    }
  };

  const draw = () => {
    const wanted = filter.value.trim().toLowerCase();
    const shown = labels.filter((l) => !wanted || `${l.feature} ${l.name} ${l.note}`.toLowerCase().includes(wanted));
    put(list, labels.length ? h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Names"}, h("table", {class: "names"},
      h("thead", {}, h("tr", {}, ["feature", "name", "rating", "note", "density"].map((t) => h("th", {scope: "col"}, t)))),
      h("tbody", {}, shown.map((l) => h("tr", {}, h("td", {}, featureLink(context.sae, l.feature)),
        h("td", {}, h("input", {type: "text", value: l.name, maxlength: 500, "aria-label": `Name of feature ${l.feature}`, onchange: (e) => save(l, {name: e.target.value})})),
        h("td", {}, h("select", {"aria-label": `Rating of feature ${l.feature}`, onchange: (e) => save(l, {rating: Number(e.target.value)})},
          [0, 1, 2, 3, 4, 5].map((v) => h("option", {value: v, selected: v === (l.rating ?? 0)}, v ? "★".repeat(v) : "–")))),
        h("td", {}, h("input", {type: "text", value: l.note.replaceAll("\n", " ⏎ "), readonly: l.note.includes("\n"), maxlength: 20000,
          "aria-label": `Note on feature ${l.feature}`, onchange: (e) => !l.note.includes("\n") && save(l, {note: e.target.value})})),
        h("td", {class: "n"}, percent(l.density))))))) : quiet("Nobody has named a feature yet. Names are given on a feature's page."));
    root.dataset.ready = String(labels.length);
  };

  const load = async () => {
    try {
      const answer = await get("labels", {sae: context.sae});
      labels = answer.labels;
      put(where, "They are kept in ", h("code", {}, answer.file), ", one a line, under the autoencoder's fingerprint ", h("code", {}, answer.fingerprint.slice(0, 12) + "…"), ".");
      draw();
    } catch (e) {
      put(list, alertBox(e));
    }
  };
  const where = h("p", {class: "quiet"});
  const replace = h("input", {type: "checkbox"});
  const file = h("input", {type: "file", id: "explanations", accept: ".json,.jsonl", onchange: async () => {
    if (!file.files.length) {
      return;
    }
    put(state, "Importing…");
    try {
      const answer = await postText(`labels/neuronpedia?sae=${context.sae}&replace=${replace.checked}`, await file.files[0].text());
      put(state, `Read ${count(answer.read)} explanations: took ${count(answer.taken)}, kept ${count(answer.kept)} names that were there.`);
      load();
    } catch (e) {
      put(state, alertBox(e));
    }
    file.value = "";
  }});
  const model = h("input", {type: "text", id: "np-model", value: context.status.model.name});
  const layer = h("input", {type: "text", id: "np-layer", value: context.autoencoder().name});
  put(root, h("h1", {}, "Names"), where, h("div", {class: "controls"}, h("label", {}, "Filter", filter)), state, list,
    h("section", {class: "panel"}, h("h2", {}, "Neuronpedia's explanations"), h("div", {class: "controls"}, h("label", {}, "Import a file (JSON or JSONL)", file),
      h("label", {class: "check"}, replace, " replace names that are there")),
    h("div", {class: "controls"}, h("label", {}, "Model", model), h("label", {}, "Layer (source)", layer),
      h("button", {type: "button", onclick: () => download("labels/neuronpedia", {sae: context.sae, model: model.value, layer: layer.value}, "explanations.jsonl")
        .catch((e) => put(state, alertBox(e)))}, "Export"))));
  load();
}
