// Features moved by sliders, and what the model then writes beside what it writes by itself.
import {get, stream} from "./api.js";
import {alertBox, h, keep, nameOf, number, percent, put, quiet, remember} from "./dom.js";
import {figure} from "./charts.js";
import {tokenChip} from "./tokens.js";

const MODES = {add: "add", clamp: "clamp to", scale: "scale by", ablate: "ablate"};

export default function steer(root, context) {
  let moves = remember("steer-moves", []);
  let running = null;
  const list = h("div", {class: "moves"});
  const state = h("p", {class: "quiet", "aria-live": "polite"});
  const nextHolder = h("div", {});
  const sides = {original: h("div", {class: "continuation", dir: "auto"}), steered: h("div", {class: "continuation", dir: "auto"})};
  const maxima = new Map();

  const mine = () => moves.filter((m) => m.sae === context.sae);
  const store = () => keep("steer-moves", moves);

  const range = (move) => {
    const most = maxima.get(move.feature)?.max || 10;
    return move.mode === "add" ? [-3 * most, 3 * most, most] : move.mode === "clamp" ? [0, 3 * most, most] : [-2, 5, 2];
  };

  const moveRow = (move) => {
    const known = maxima.get(move.feature);
    const [low, high, usual] = range(move);
    move.value ??= usual;
    const title = `Feature ${move.feature}`;
    const slider = h("input", {type: "range", min: low, max: high, step: (high - low) / 200, value: move.value, "aria-label": `${title}: ${MODES[move.mode]}`,
      oninput: () => {
        move.value = Number(slider.value);
        exact.value = Number(move.value.toPrecision(4));
        store();
      }});
    const exact = h("input", {type: "number", step: "any", value: Number(move.value.toPrecision(4)), "aria-label": `${title}: value`, oninput: () => {
      if (exact.value !== "" && Number.isFinite(Number(exact.value))) {
        move.value = Number(exact.value);
        slider.value = move.value;
        store();
      }
    }});
    const mode = h("select", {"aria-label": `${title}: how`, onchange: () => {
      move.mode = mode.value;
      move.value = null;
      store();
      draw();
    }}, Object.entries(MODES).map(([value, label]) => h("option", {value, selected: value === move.mode}, label)));
    return h("div", {class: "move"}, h("a", {href: `#/feature/${context.sae}/${move.feature}`}, h("b", {}, String(move.feature)), " ", known ? nameOf(known) : ""),
      mode, move.mode === "ablate" ? h("span", {class: "grow quiet"}, "its activation becomes 0") : [slider, exact],
      h("span", {class: "quiet small"}, known?.max ? `max ${number(known.max)}` : ""),
      h("button", {type: "button", "aria-label": `Leave out feature ${move.feature}`, onclick: () => {
        moves = moves.filter((m) => m !== move);
        store();
        draw();
      }}, "✕"));
  };

  const draw = () => put(list, mine().map(moveRow), mine().length ? "" : quiet("No feature is moved. Add one by its number, or from its page."));

  const learn = async () => {
    if (context.waiting()) {
      // Without a corpus there is no largest activation: sliders have a range of their own.
      return;
    }
    await Promise.all(mine().filter((m) => !maxima.has(m.feature)).map(async (m) => {
      try {
        const answer = await get("feature", {sae: context.sae, feature: m.feature});
        maxima.set(m.feature, {max: answer.max, name: answer.name, label: answer.label});
      } catch {
        // There is no such feature; running says so.
        maxima.set(m.feature, {max: 0});
      }
    }));
    draw();
  };

  const value = (id, type, start, attributes) => h("label", {}, attributes.label, h("input", {id, type, value: remember("steer-" + id, start), ...attributes,
    label: undefined, oninput: (e) => keep("steer-" + id, e.target.value)}));
  const prompt = h("textarea", {id: "prompt", rows: 3, dir: "auto", value: remember("steer-prompt", remember("text", "The capital of France is")),
    oninput: () => keep("steer-prompt", prompt.value), onkeydown: (e) => {
      if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
        e.preventDefault();
        run();
      }
    }});
  const add = h("input", {type: "number", min: 0, max: context.autoencoder().d_sae - 1, id: "add-feature", placeholder: "number"});
  const addForm = h("form", {class: "line", onsubmit: (e) => {
    e.preventDefault();
    const feature = Number(add.value);
    if (add.value !== "" && !mine().some((m) => m.feature === feature)) {
      moves = [...moves, {sae: context.sae, feature, mode: "add", value: null}];
      store();
      add.value = "";
      draw();
      learn();
    }
  }}, h("label", {}, "Add feature ", add), h("button", {type: "submit"}, "Add"));
  const go = h("button", {type: "button", class: "primary", onclick: () => running ? running.abort() : run()}, "Continue the text");

  const drawNext = (next) => put(nextHolder, figure("The next token", "Probability of the likeliest next tokens, by the model as it is and with the features moved.",
    h("table", {class: "next"}, h("thead", {}, h("tr", {}, ["token", "original", "steered"].map((t) => h("th", {scope: "col"}, t)))),
      h("tbody", {}, next.map((t) => h("tr", {}, h("td", {}, tokenChip(t.text)), ["original", "steered"].map((side) => h("td", {},
        h("span", {class: "pbar " + side, vars: {"--length": `${100 * t[side]}%`}}), h("span", {class: "n"}, percent(t[side])))))))),
    ["token", "id", "original", "steered"], next.map((t) => [t.text, t.token, t.original, t.steered])));

  const run = async () => {
    running?.abort();
    const own = new AbortController();
    running = own;
    put(go, "Stop");
    put(state, "Running…");
    Object.values(sides).forEach((side) => put(side));
    const began = performance.now();
    let made = 0;
    const field = (id) => Number(document.getElementById(id).value);
    delete root.dataset.ready;
    try {
      await stream("steer", {sae: context.sae, text: prompt.value, count: field("count"), temperature: field("temperature"), top_p: field("top_p"),
        seed: field("seed"), moves: mine().map(({feature, mode, value: v}) => ({feature, mode, value: mode === "ablate" ? 0 : v ?? 0}))}, (event) => {
        if (event.next) {
          drawNext(event.next);
        } else if (event.side) {
          made++;
          put(sides[event.side], h("span", {class: "quiet"}, prompt.value), h("span", {class: "new"}, event.text));
          put(state, `${made} tokens, ${number(made / (performance.now() - began) * 1000)} tokens a second`);
        } else if (event.error) {
          put(state, alertBox(new Error(event.error)));
        }
      }, own.signal);
      root.dataset.ready = String(made);
    } catch (e) {
      put(state, e.name === "AbortError" ? "Stopped." : alertBox(e));
    } finally {
      if (running === own) {
        running = null;
        put(go, "Continue the text");
      }
    }
  };

  put(root, h("h1", {}, "Steer"), h("div", {class: "columns"},
    h("div", {class: "wide"}, h("label", {for: "prompt"}, "Text to continue"), prompt, h("h2", {}, "Features that are moved"), list, addForm,
      h("div", {class: "controls"}, value("count", "number", 40, {label: "Tokens", min: 1, max: 512}), value("temperature", "number", 0,
        {label: "Temperature", min: 0, step: 0.1}), value("top_p", "number", 1, {label: "Top p", min: 0.01, max: 1, step: 0.01}),
      value("seed", "number", 0, {label: "Seed", step: 1}), go), state,
      h("div", {class: "pair"}, h("section", {}, h("h3", {}, "Original"), sides.original), h("section", {}, h("h3", {}, "Steered"), sides.steered))),
    h("div", {class: "side"}, nextHolder, quiet("Features are moved at every position, the text's own included, and the error of the autoencoder stays. "
      + "Temperature 0 takes the likeliest token; equal seeds draw equally on both sides."))));
  draw();
  learn();
  context.listeners.add(learn);
  return () => running?.abort();
}
