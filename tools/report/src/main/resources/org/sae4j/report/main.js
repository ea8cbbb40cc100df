// Draws texts and tables at once, flat plots when they come into view or nothing else is to do, scenes when they come into view; and draws
// again when the width or the colours of the page change.
const MAX_SCENES = 6;
const plots = {scatter, lines, bars, histogram, heatmap, distributions};
const markups = {"token-strips": tokenStrips, table};

let plotlyLoading;
const loadPlotly = () => plotlyLoading ??= (async () => {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("this browser is too old for the figures: it lacks DecompressionStream");
  }
  const packed = Uint8Array.from(atob(document.getElementById("_plotly").textContent), (c) => c.charCodeAt(0));
  const source = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  document.head.append(element("script", {}, source));
})();

const config = {displayModeBar: false, responsive: false, showTips: false, plotGlPixelRatio: 2};

const baseLayout = (t, box, own) => ({
  width: box.width, height: box.height, paper_bgcolor: t.surface, plot_bgcolor: t.surface, font: {family: t.font, size: 12, color: t.ink},
  margin: {l: 8, r: 14, t: 10, b: 8}, colorway: t.series, hovermode: "closest", dragmode: media.coarse.matches ? false : "zoom",
  hoverlabel: {bgcolor: t.raised, bordercolor: t.line, font: {color: t.ink, size: 12, family: t.font}, align: "left", namelength: 40},
  ...own,
  legend: {orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom", font: {size: 11.5}, bgcolor: "rgba(0,0,0,0)",
    ...own.legend},
});

const scenes = [];

/** Browsers keep few WebGL contexts: the scene that was drawn first becomes a picture, and a scene again when it comes into view. */
const keepFewScenes = async (item) => {
  scenes.push(item);
  if (scenes.length > MAX_SCENES) {
    const oldest = scenes.shift();
    const picture = await Plotly.toImage(oldest.drawing, {format: "png", width: oldest.width, height: oldest.height});
    Plotly.purge(oldest.drawing);
    oldest.drawing.replaceChildren(element("img", {src: picture, alt: visible(oldest.figure.title)}));
    oldest.width = 0;
    oldest.frozen = true;
    observer.observe(oldest.node);
  }
};

const boxOf = (item) => {
  const width = Math.floor(item.drawing.clientWidth);
  const narrow = width < 520;
  if (!narrow) {
    return {width, narrow, height: item.height};
  }
  // Rows need their height at any width; the scale of colours moves above them.
  const rows = item.figure.kind === "heatmap" || item.figure.kind === "bars";
  return {width, narrow, height: (rows ? item.height : Math.min(item.height, Math.max(320, width))) + (item.figure.colorScale ? 50 : 0)};
};

const drawPlot = (item) => {
  const box = boxOf(item);
  const {traces, layout, remark} = item.spec(theme(), box);
  if (!traces.some(hasPoints)) {
    empty(item);
    return undefined;
  }
  item.width = box.width;
  item.drawing.style.setProperty("--height", `${box.height}px`);
  item.remark.textContent = remark ? ` ${remark}` : "";
  if (item.frozen) {
    item.drawing.replaceChildren();
    item.frozen = false;
  }
  return Plotly.react(item.drawing, traces, layout, config)
    .then(() => layout.scene && !scenes.includes(item) ? keepFewScenes(item) : undefined);
};

const hasPoints = ({type, x, y, z}) => type === "heatmap"
  ? z.some((row) => row.some((v) => v !== null))
  : x.some((v, i) => v !== null && y[i] !== null);

const empty = (item) => {
  item.drawing.style.setProperty("--height", 0);
  item.drawing.replaceChildren(element("p", {class: "empty"}, "There is nothing to draw."));
};

const drawOnce = async (item) => {
  try {
    if (item.plot) {
      await loadPlotly();
      await drawPlot(item);
    } else if (!markups[item.figure.kind](item.figure, item.drawing)) {
      empty(item);
    }
    item.state = "drawn";
  } catch (e) {
    item.state = "failed";
    item.drawing.replaceChildren(element("p", {class: "alert"}, `This figure cannot be drawn: ${e.message}`));
    report(`${item.name}: ${e.stack ?? e}`);
  }
  item.node.dataset.state = item.state;
  state.drawn += item.state === "drawn" ? 1 : 0;
  publish();
};

const draw = (item) => {
  if (item.frozen) {
    return drawPlot(item);
  }
  return item.drawingStarted ??= drawOnce(item);
};

const items = [];
const itemOf = new Map();

/** Takes care of a figure of the page. */
const adopt = (node) => {
  const figure = JSON.parse(node.querySelector('script[type="application/json"]').textContent);
  const drawing = node.querySelector(".drawing");
  const plot = plots[figure.kind];
  const item = {
    node, figure, drawing, plot, name: node.id, width: 0, state: "waiting", frozen: false, ready: loadPlotly,
    height: parseInt(drawing.style.getPropertyValue("--height"), 10) || 0, remark: element("span", {class: "remark"}),
    spec: (t, box) => {
      const {traces, layout, remark} = plot(figure, t, box);
      return {traces, layout: baseLayout(t, box, layout), remark};
    },
  };
  item.reset = () => {
    if (item.state === "drawn" && !item.frozen) {
      Plotly.purge(drawing);
      drawPlot(item);
    }
  };
  node.querySelector("figcaption").append(item.remark);
  node.querySelector(".tools").append(...tools(item));
  items.push(item);
  itemOf.set(node, item);
  state.figures = items.length;
  publish();
  if (plot) {
    observer.observe(node);
  } else {
    draw(item);
  }
};

/** Lets go of the figures in a part of the page that is about to be replaced. */
const forget = (part) => {
  for (const item of items.filter(({node}) => part.contains(node))) {
    observer.unobserve(item.node);
    if (item.plot && item.state === "drawn") {
      Plotly.purge(item.drawing);
    }
    items.splice(items.indexOf(item), 1);
    itemOf.delete(item.node);
  }
};

const observer = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((e) => e.isIntersecting)) {
    observer.unobserve(entry.target);
    draw(itemOf.get(entry.target));
  }
}, {rootMargin: "600px 0px"});
document.querySelectorAll("figure[data-kind]").forEach(adopt);
publish();

const redraw = () => items.filter((item) => item.plot && item.state === "drawn" && !item.frozen
  && item.drawing.querySelector(".plot-container")).forEach(drawPlot);

let resizing;
const resized = new ResizeObserver(() => {
  clearTimeout(resizing);
  resizing = setTimeout(() => items
    .filter((item) => item.state === "drawn" && item.width && item.width !== Math.floor(item.drawing.clientWidth)).forEach(drawPlot), 120);
});
resized.observe(document.getElementById("_content"));
media.dark.addEventListener("change", redraw);

const folds = () => [...document.querySelectorAll("details.fold, details.rest")];
const isHidden = (node) => node.closest("details:not([open])") !== null;

/** Opens what a link leads into. */
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) {
    for (let fold = target.querySelector(":scope > details.fold") ?? target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.open = true;
    }
    target.scrollIntoView();
  }
};
window.addEventListener("hashchange", reveal);

window.__saeDrawAll = async () => {
  folds().forEach((fold) => fold.open = true);
  for (const item of items) {
    await draw(item);
  }
  return state;
};

// A browser does not wait for a page before it prints: what can be drawn at once is drawn, in the colours of paper.
window.addEventListener("beforeprint", () => {
  printing = true;
  document.documentElement.classList.add("printing");
  document.querySelectorAll("button.more").forEach((button) => button.click());
  folds().forEach((fold) => fold.open = true);
  items.forEach(draw);
  redraw();
});
window.addEventListener("afterprint", () => {
  printing = false;
  document.documentElement.classList.remove("printing");
  redraw();
});

document.querySelectorAll(".command").forEach((node) => {
  const text = node.querySelector("code").textContent;
  const button = element("button", {type: "button", click: async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => button.textContent = "Copy", 1500);
  }}, "Copy");
  if (navigator.clipboard) {
    node.append(button);
  }
});

const contents = document.getElementById("_contents");
const wide = matchMedia("(min-width: 1080px)");
const fold = () => contents.open = wide.matches;
wide.addEventListener("change", fold);
fold();
contents.addEventListener("click", (e) => {
  if (e.target.closest("a") && !wide.matches) {
    contents.open = false;
  }
});

const links = new Map([...contents.querySelectorAll("a")].map((a) => [a.hash.slice(1), a]));
const spy = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((e) => e.isIntersecting)) {
    links.forEach((link) => link.removeAttribute("aria-current"));
    links.get(entry.target.id)?.setAttribute("aria-current", "location");
  }
}, {rootMargin: "-10% 0px -80% 0px"});
document.querySelectorAll("main section[id]").forEach((section) => spy.observe(section));

const idle = () => new Promise((resolve) => window.requestIdleCallback ? requestIdleCallback(resolve, {timeout: 100}) : setTimeout(resolve));

/** A picture of the whole page, or its print, holds what nobody has scrolled to. */
const drawFlat = async () => {
  for (const item of items.filter(({node, plot, figure}) => plot && figure.axes?.length !== 3 && !isHidden(node))) {
    await idle();
    await draw(item);
  }
};

if (document.querySelector("details.fold")) {
  const button = element("button", {type: "button", class: "unfold", click: () => {
    const open = document.querySelector("details.fold:not([open])") !== null;
    folds().forEach((fold) => fold.open = open);
    button.textContent = open ? "Fold all" : "Open all";
  }}, "Open all");
  contents.append(button);
}
contents.addEventListener("click", (e) => {
  if (e.target.closest("a")?.hash === location.hash) {
    reveal();
  }
});
reveal();
catalog.follow?.();

if (new URLSearchParams(location.search).get("draw") === "all") {
  window.__saeDrawAll();
} else {
  drawFlat();
}
