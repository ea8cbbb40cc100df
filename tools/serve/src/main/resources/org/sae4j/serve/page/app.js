// The frame of the page: views by address, the choice of an autoencoder, and how far the server is.
import {get} from "./api.js";
import {alertBox, h, put, quiet} from "./dom.js";
import text from "./text.js";
import feature from "./feature.js";
import features from "./features.js";
import steer from "./steer.js";
import compare from "./compare.js";
import names from "./names.js";
import training from "./training.js";

const views = {text: [text, "Text"], features: [features, "Features"], steer: [steer, "Steer"], compare: [compare, "Compare"],
  names: [names, "Names"], training: [training, "Training"]};

const main = document.getElementById("main");
const work = document.getElementById("work");
const choose = document.getElementById("choose");
const select = document.getElementById("sae");

const context = {
  status: null,
  sae: 0,
  autoencoder() {
    return this.status.autoencoders[this.sae];
  },
  /** Why there is nothing to see of the corpus yet; nothing if there is. */
  waiting(sae = this.sae) {
    const {state} = this.status.autoencoders[sae];
    return state.ready ? null : state.failure ?? (state.stage === "none" ? "There is no corpus: start the server with one (--corpus FILE)."
      : "The corpus is being read. This comes when it has been read.");
  },
  listeners: new Set(),
};

let dispose = () => {};

const address = () => {
  const [path, rest] = location.hash.replace(/^#\/?/, "").split("?");
  return {parts: path.split("/").filter(Boolean), query: new URLSearchParams(rest ?? "")};
};

const show = () => {
  dispose();
  context.listeners.clear();
  const {parts, query} = address();
  const name = parts[0] ?? "text";
  if (name === "feature" && parts[1] !== undefined) {
    context.sae = Math.min(Math.max(Number(parts[1]) || 0, 0), context.status.autoencoders.length - 1);
    select.value = context.sae;
  }
  document.querySelectorAll("#nav a").forEach((link) => {
    if (link.dataset.view === name || name === "feature" && link.dataset.view === "features") {
      link.setAttribute("aria-current", "page");
    } else {
      link.removeAttribute("aria-current");
    }
  });
  const view = name === "feature" ? feature : views[name]?.[0] ?? text;
  document.title = (name === "feature" ? `Feature ${parts[2]}` : views[name]?.[1] ?? "Text") + " · sae4j";
  main.replaceChildren();
  try {
    dispose = view(main, context, {parts, query}) ?? (() => {});
  } catch (e) {
    put(main, alertBox(e));
    throw e;
  }
  main.className = "view-" + name;
};

const progress = () => {
  const busy = context.status.autoencoders.find((one) => !["done", "none", "failed"].includes(one.state.stage));
  const failed = context.status.autoencoders.find((one) => one.state.failure);
  work.className = "work" + (failed ? " failed" : busy ? " busy" : "");
  const share = busy && busy.state.total > 0 ? Math.min(busy.state.done / busy.state.total, 1) : 0;
  work.style.setProperty("--share", `${100 * share}%`);
  const what = failed ? `${failed.name}: ${failed.state.failure}`
    : busy ? `${context.status.autoencoders.length > 1 ? busy.name + ": " : ""}${busy.state.stage}` + (share ? ` ${Math.floor(100 * share)}%` : "")
      + (busy.state.ready ? "" : ". Texts and steering work already.") : "";
  if (work.textContent !== what) {
    put(work, what);
  }
  return Boolean(busy);
};

const refresh = async () => {
  const before = JSON.stringify(context.status?.autoencoders.map((one) => [one.state.ready, one.map, one.neurons]));
  try {
    context.status = await get("status");
  } catch (e) {
    work.className = "work failed";
    put(work, e.message);
    setTimeout(refresh, 4000);
    return;
  }
  const busy = progress();
  if (before !== JSON.stringify(context.status.autoencoders.map((one) => [one.state.ready, one.map, one.neurons]))) {
    context.listeners.forEach((listener) => listener());
  }
  setTimeout(refresh, busy ? 1000 : 15000);
};

const start = async () => {
  try {
    context.status = await get("status");
  } catch (e) {
    put(main, h("div", {class: "center"}, alertBox(e), e.status === 401
      ? quiet("The address holds a token that keeps other users of this machine out. It was printed when the server started.") : ""));
    return;
  }
  put(document.getElementById("nav"), Object.entries(views).filter(([name]) => name !== "training" || context.status.training)
    .map(([name, [, title]]) => h("a", {href: `#/${name}`, "data-view": name}, title)));
  put(select, context.status.autoencoders.map((one, i) => h("option", {value: i}, one.name)));
  choose.hidden = context.status.autoencoders.length < 2;
  select.addEventListener("change", () => {
    context.sae = Number(select.value);
    if (address().parts[0] === "feature") {
      location.hash = "#/features";
    } else {
      show();
    }
  });
  addEventListener("hashchange", () => {
    show();
    scrollTo(0, 0);
    main.focus({preventScroll: true});
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
  refresh();
};

start();
