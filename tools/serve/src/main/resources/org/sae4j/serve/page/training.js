// The curves of a training while it goes on.
import {get} from "./api.js";
import {alertBox, count, h, number, put, quiet} from "./dom.js";
import {figure, lines} from "./charts.js";

const CURVES = [["loss", "Loss", true], ["explained_variance", "Explained variance", false], ["l0", "L0", false], ["dead", "Dead features", false],
  ["lr", "Learning rate", false]];
const EVERY = 2000;

export default function training(root) {
  let stopped = false;
  let seen = -1;
  const state = h("p", {class: "quiet", "aria-live": "polite"});
  const figures = h("div", {class: "grid"});
  const held = h("div", {class: "grid"});

  const draw = (answer) => {
    const last = answer.steps.at(-1);
    put(state, last ? `${answer.folder}: step ${count(last.step)}, ${count(last.tokens)} tokens, loss ${number(last.loss)}, explained variance `
      + `${number(last.explained_variance)}, L0 ${number(last.l0)}, ${count(last.dead)} features dead.` : `${answer.folder}: no step yet.`,
    answer.complete ? " It has written an autoencoder." : "");
    const values = (all, key, x) => [all.map((line) => line[x]), all.map((line) => line[key])];
    put(figures, CURVES.filter(([key]) => answer.steps.some((line) => key in line)).map(([key, title, logarithmic]) => {
      const [x, y] = values(answer.steps, key, "step");
      return figure(title, "Of each training batch, before its update.", lines(title, [{name: title, x, y}], {xLabel: "step", logarithmic}),
        ["step", title], x.map((v, i) => [v, y[i]]));
    }));
    put(held, answer.evaluations.length ? [["explained_variance", "Explained variance"], ["l0", "L0"], ["dead", "Dead features"]].map(([key, title]) => {
      const [x, y] = values(answer.evaluations, key, "step");
      return figure(title, "On held-out activations.", lines(title, [{name: title, x, y}], {xLabel: "step"}), ["step", title], x.map((v, i) => [v, y[i]]));
    }) : "");
    root.dataset.ready = String(answer.steps_written);
  };

  const load = async () => {
    try {
      const answer = await get("training");
      if (answer.steps_written + answer.evaluations.length !== seen) {
        seen = answer.steps_written + answer.evaluations.length;
        draw(answer);
      }
    } catch (e) {
      put(state, alertBox(e));
    }
    if (!stopped) {
      setTimeout(load, EVERY);
    }
  };
  put(root, h("h1", {}, "Training"), state, figures, held, quiet("Values are read every two seconds."));
  load();
  return () => {
    stopped = true;
  };
}
