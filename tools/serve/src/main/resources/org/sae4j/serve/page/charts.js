// Small figures as SVG, with colors that are written into them, so that a saved figure looks like the one on the page.
import {csv, h, number} from "./dom.js";
import {save} from "./api.js";

const SVG = "http://www.w3.org/2000/svg";

export const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;

const light8 = ["#2a6fb0", "#c8601f", "#27876a", "#9a4aa0", "#a37c0c", "#c23a4f", "#5d6b7a", "#5a55c4"];
const dark8 = ["#6fb0ec", "#f0995c", "#5cc5a2", "#d08bd6", "#dcb84a", "#f07f90", "#a3b1bf", "#a29df5"];

export const hues = () => dark() ? dark8 : light8;

const theme = () => dark() ? {ink: "#e8eaee", muted: "#a2abb8", line: "#343b45", surface: "#1b2027"}
  : {ink: "#1b222c", muted: "#5a6675", line: "#dde2e9", surface: "#ffffff"};

export const s = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  element.append(...children.flat().filter((c) => c !== undefined && c !== null));
  return element;
};

const text = (x, y, content, attributes = {}) =>
  s("text", {x, y, fill: theme().muted, "font-size": 11, "font-family": "system-ui, sans-serif", ...attributes}, content);

/** Round numbers from low to high. */
const ticks = (low, high, wanted = 5) => {
  const raw = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((m) => m >= raw);
  const all = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) {
    all.push(Math.abs(value) < step * 1e-9 ? 0 : value);
  }
  return all;
};

const frame = (width, height, label) => s("svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label,
  xmlns: SVG});

const download = (svg, name, kind) => {
  const source = new XMLSerializer().serializeToString(svg);
  const blob = new Blob([source], {type: "image/svg+xml"});
  if (kind === "svg") {
    save(name + ".svg", blob);
    return;
  }
  const image = new Image();
  image.onload = () => {
    const [width, height] = [svg.getAttribute("width"), svg.getAttribute("height")].map(Number);
    const canvas = h("canvas", {width: 2 * width, height: 2 * height});
    const pen = canvas.getContext("2d");
    pen.fillStyle = theme().surface;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((png) => save(name + ".png", png));
    URL.revokeObjectURL(image.src);
  };
  image.src = URL.createObjectURL(blob);
};

/** A figure with its title, its picture, its values as a table that every key and finger reaches, and what can be saved. */
export const figure = (title, caption, picture, heads, rows, name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")) => {
  const tool = (label, action) => h("button", {type: "button", class: "tool", "aria-label": `Save “${title}” as ${label}`, onclick: action}, label);
  const svg = picture instanceof SVGElement ? picture : null;
  const values = h("details", {class: "values"}, h("summary", {}, "Values"));
  values.addEventListener("toggle", () => {
    if (values.open && values.children.length === 1) {
      values.append(h("div", {class: "scroll low", tabindex: "0", role: "region", "aria-label": "Values of " + title}, h("table", {},
        h("thead", {}, h("tr", {}, heads.map((head) => h("th", {scope: "col"}, head)))),
        h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {class: typeof cell === "number" ? "n" : ""},
          typeof cell === "number" ? number(cell, 4) : String(cell)))))))));
    }
  });
  return h("figure", {class: "figure"},
    h("div", {class: "figure-head"}, h("h3", {}, title), h("span", {class: "tools"},
      svg && tool("SVG", () => download(svg, name, "svg")), svg && tool("PNG", () => download(svg, name, "png")),
      tool("CSV", () => save(name + ".csv", new Blob([csv(heads, rows)], {type: "text/csv"}))))),
    h("div", {class: "drawing"}, picture), h("figcaption", {}, caption), values);
};

/** Stacked bars over equal bins. series: [{name, counts}]; logarithmic counts for long tails. */
export const histogram = (label, edges, series, {logarithmic = false, colors = hues(), xLabel = ""} = {}) => {
  const [width, height, left, right, top, bottom] = [520, 210, 46, 10, series.length > 1 ? 34 : 10, 40];
  const t = theme();
  const svg = frame(width, height, label);
  const bins = edges.length - 1;
  const totals = Array.from({length: bins}, (_, b) => series.reduce((sum, one) => sum + one.counts[b], 0));
  const most = Math.max(...totals, 1);
  const scale = (v) => logarithmic ? Math.log10(1 + v) / Math.log10(1 + most) : v / most;
  const [low, high] = [edges[0], edges[bins]];
  const x = (v) => left + (width - left - right) * (high > low ? (v - low) / (high - low) : 0.5);
  const y = (v) => height - bottom - (height - top - bottom) * scale(v);
  const marks = logarithmic ? [0, ...[1, 10, 100, 1e3, 1e4, 1e5, 1e6].filter((v) => v <= most)] : ticks(0, most, 4);
  marks.forEach((v) => svg.append(s("line", {x1: left, x2: width - right, y1: y(v), y2: y(v), stroke: t.line}),
    text(left - 6, y(v) + 4, number(v), {"text-anchor": "end"})));
  ticks(low, high, 6).forEach((v) => svg.append(text(x(v), height - bottom + 16, number(v), {"text-anchor": "middle"})));
  svg.append(text((left + width - right) / 2, height - 6, xLabel, {"text-anchor": "middle"}));
  for (let b = 0; b < bins; b++) {
    let below = 0;
    series.forEach((one, k) => {
      if (one.counts[b] > 0) {
        const [y0, y1] = [y(below), y(below + one.counts[b])];
        svg.append(s("rect", {x: x(edges[b]) + 0.5, width: Math.max(x(edges[b + 1]) - x(edges[b]) - 1, 1), y: y1,
          height: Math.max(y0 - y1, 0.5), fill: colors[k % colors.length]},
          s("title", {}, `${one.name}: ${one.counts[b]} from ${number(edges[b])} to ${number(edges[b + 1])}`)));
        below += one.counts[b];
      }
    });
  }
  if (series.length > 1) {
    let at = left;
    series.forEach((one, k) => {
      const shortened = one.name.length > 14 ? one.name.slice(0, 13) + "…" : one.name;
      svg.append(s("rect", {x: at, y: 6, width: 10, height: 10, rx: 2, fill: colors[k % colors.length]}), text(at + 14, 15, shortened));
      at += 24 + 6.4 * shortened.length;
    });
  }
  return svg;
};

/** Curves. series: [{name, x, y}]. */
export const lines = (label, series, {xLabel = "", logarithmic = false} = {}) => {
  const [width, height, left, right, top, bottom] = [520, 220, 54, 12, series.length > 1 ? 30 : 12, 40];
  const t = theme();
  const svg = frame(width, height, label);
  const usable = series.map((one) => ({...one, points: one.x.map((v, i) => [v, one.y[i]])
    .filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b) && (!logarithmic || b > 0))
    .map(([a, b]) => [a, logarithmic ? Math.log10(b) : b])}));
  const all = usable.flatMap((one) => one.points);
  if (!all.length) {
    svg.append(text(width / 2, height / 2, "nothing yet", {"text-anchor": "middle"}));
    return svg;
  }
  const [x0, x1] = [Math.min(...all.map((p) => p[0])), Math.max(...all.map((p) => p[0]))];
  let [y0, y1] = [Math.min(...all.map((p) => p[1])), Math.max(...all.map((p) => p[1]))];
  if (y0 === y1) {
    [y0, y1] = [y0 - 0.5 * (Math.abs(y0) || 1), y1 + 0.5 * (Math.abs(y1) || 1)];
  }
  const x = (v) => left + (width - left - right) * (x1 > x0 ? (v - x0) / (x1 - x0) : 0.5);
  const y = (v) => height - bottom - (height - top - bottom) * (v - y0) / (y1 - y0);
  ticks(y0, y1, 4).forEach((v) => svg.append(s("line", {x1: left, x2: width - right, y1: y(v), y2: y(v), stroke: t.line}),
    text(left - 6, y(v) + 4, number(logarithmic ? 10 ** v : v), {"text-anchor": "end"})));
  ticks(x0, x1, 6).forEach((v) => svg.append(text(x(v), height - bottom + 16, number(v), {"text-anchor": "middle"})));
  svg.append(text((left + width - right) / 2, height - 6, xLabel, {"text-anchor": "middle"}));
  usable.forEach((one, k) => {
    const color = hues()[k % 8];
    if (one.dots) {
      one.points.forEach(([a, b], i) => svg.append(s("circle", {cx: x(a), cy: y(b), r: 5, fill: color}, s("title", {},
        `${one.name}: ${number(a)}, ${number(one.y[i])}`)), text(x(a) + (x(a) > width * 0.7 ? -9 : 9), y(b) - 8, one.name,
        {"text-anchor": x(a) > width * 0.7 ? "end" : "start", fill: t.ink})));
    } else {
      svg.append(s("polyline", {fill: "none", stroke: color, "stroke-width": 1.8, "stroke-linejoin": "round",
        points: one.points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ")}));
    }
  });
  if (series.length > 1 && !series[0].dots) {
    let at = left;
    series.forEach((one, k) => {
      svg.append(s("rect", {x: at, y: 6, width: 10, height: 10, rx: 2, fill: hues()[k % 8]}), text(at + 14, 15, one.name));
      at += 26 + 6.6 * one.name.length;
    });
  }
  return svg;
};

/** Bars beside words, with a value: [{label (text or element), value, note}]; negative ones go left in another color. */
export const bars = (rows, {signed = false, format = number} = {}) => {
  const most = Math.max(...rows.map((row) => Math.abs(row.value)), 1e-30);
  return h("ul", {class: "bars" + (signed ? " signed" : "")}, rows.map((row) => h("li", {},
    h("span", {class: "bar-label"}, row.label), h("span", {class: "bar-track", "aria-hidden": "true"},
      h("span", {class: "bar-fill" + (row.value < 0 ? " negative" : ""), vars: {"--length": `${100 * Math.abs(row.value) / most}%`}})),
    h("span", {class: "bar-value"}, format(row.value)))));
};
