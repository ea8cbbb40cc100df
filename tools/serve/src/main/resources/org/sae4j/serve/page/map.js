// Features as points of a plane: a rectangle that is dragged selects, a click opens.
import {get, save} from "./api.js";
import {alertBox, count, csv, h, number, percent, put, quiet} from "./dom.js";
import {dark, hues, s} from "./charts.js";

const HEIGHT = 460;
const NEAR = 8;

/** From rare to dense. */
const ramp = () => dark() ? ["#5a68b4", "#3a97b0", "#4dbf83", "#bddd48", "#fbec50"] : ["#440154", "#3e4a89", "#26828e", "#35b779", "#b5a000"];

export const map = async (root, context, select) => {
  let points;
  try {
    points = await get("features/map", {sae: context.sae});
  } catch (e) {
    put(root, alertBox(e));
    return;
  }
  const n = points.features.length;
  const labels = [...new Set(points.label.filter(Boolean))].sort();
  const colorBy = h("select", {"aria-label": "Color by"}, h("option", {value: "density"}, "density"),
    labels.length ? h("option", {value: "label", selected: true}, "label") : "");
  const readout = h("p", {class: "quiet", "aria-live": "polite"}, "Drag to select features, click one to open it. The table below reaches them all by key.");
  const canvas = h("canvas", {role: "img", "aria-label": `Map of ${count(n)} features; near features have similar directions`});
  const legend = h("div", {class: "legend"});
  const [minX, maxX, minY, maxY] = [Math.min(...points.x), Math.max(...points.x), Math.min(...points.y), Math.max(...points.y)];
  let width = 600;
  let drag = null;
  const px = (i) => 14 + (width - 28) * (points.x[i] - minX) / (maxX - minX || 1);
  const py = (i) => HEIGHT - 14 - (HEIGHT - 28) * (points.y[i] - minY) / (maxY - minY || 1);

  const color = (i) => {
    if (colorBy.value === "label") {
      const k = labels.indexOf(points.label[i]);
      return k < 0 ? dark() ? "#59626f" : "#b9c0ca" : labels.length <= 8 ? hues()[k] : `hsl(${360 * k / labels.length} ${dark() ? "65% 68%" : "60% 42%"})`;
    }
    const share = (Math.log10(points.density[i] || 1e-6) + 5) / 5;
    return ramp()[Math.min(Math.max(Math.floor(share * 5), 0), 4)];
  };

  const draw = () => {
    width = Math.max(root.clientWidth - 2, 240);
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = HEIGHT * scale;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${HEIGHT}px`;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    for (let i = 0; i < n; i++) {
      pen.fillStyle = color(i);
      pen.beginPath();
      pen.arc(px(i), py(i), n > 5000 ? 1.6 : 2.8, 0, 7);
      pen.fill();
    }
    if (drag?.to) {
      pen.strokeStyle = hues()[0];
      pen.strokeRect(drag.from[0], drag.from[1], drag.to[0] - drag.from[0], drag.to[1] - drag.from[1]);
    }
    put(legend, colorBy.value === "label"
      ? labels.map((label) => h("span", {class: "key"}, h("span", {class: "swatch", vars: {"--hue": color(points.label.indexOf(label))}}), label))
      : ["10⁻⁵", "10⁻⁴", "0.1%", "1%", "10%"].map((title, k) => h("span", {class: "key"}, h("span", {class: "swatch", vars: {"--hue": ramp()[k]}}), title)));
  };

  const nearest = (x, y) => {
    let [best, least] = [-1, NEAR * NEAR];
    for (let i = 0; i < n; i++) {
      const distance = (px(i) - x) ** 2 + (py(i) - y) ** 2;
      if (distance < least) {
        [best, least] = [i, distance];
      }
    }
    return best;
  };

  const place = (e) => {
    const box = canvas.getBoundingClientRect();
    return [e.clientX - box.left, e.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (e) => {
    drag = {from: place(e)};
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener("pointermove", (e) => {
    const [x, y] = place(e);
    if (drag && Math.hypot(x - drag.from[0], y - drag.from[1]) > 4) {
      drag.to = [x, y];
      draw();
      return;
    }
    const i = nearest(x, y);
    canvas.style.cursor = i < 0 ? "crosshair" : "pointer";
    if (i >= 0) {
      put(readout, h("b", {}, `Feature ${points.features[i]}`), ` ${points.names[points.features[i]] ?? points.label[i]}, density ${percent(points.density[i])}`);
    }
  });
  canvas.addEventListener("pointerup", (e) => {
    const [x, y] = place(e);
    if (drag?.to) {
      const [x0, x1, y0, y1] = [Math.min(x, drag.from[0]), Math.max(x, drag.from[0]), Math.min(y, drag.from[1]), Math.max(y, drag.from[1])];
      const chosen = points.features.filter((_, i) => px(i) >= x0 && px(i) <= x1 && py(i) >= y0 && py(i) <= y1);
      put(readout, `${count(chosen.length)} features selected`);
      if (chosen.length) {
        select(chosen);
      }
    } else {
      const i = nearest(x, y);
      if (i >= 0) {
        location.hash = `#/feature/${context.sae}/${points.features[i]}`;
      }
    }
    drag = drag?.to ? {...drag} : null;
    draw();
    drag = null;
  });
  colorBy.addEventListener("change", draw);
  const svg = () => {
    const picture = s("svg", {xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT},
      points.features.map((f, i) => s("circle", {cx: px(i).toFixed(1), cy: py(i).toFixed(1), r: 2.8, fill: color(i)}, s("title", {}, String(f)))));
    save("feature-map.svg", new Blob([new XMLSerializer().serializeToString(picture)], {type: "image/svg+xml"}));
  };
  put(root, h("div", {class: "line"}, h("label", {}, "Color by ", colorBy), h("span", {class: "grow"}),
    h("button", {type: "button", class: "tool", onclick: svg}, "SVG"),
    h("button", {type: "button", class: "tool", onclick: () => canvas.toBlob((png) => save("feature-map.png", png))}, "PNG"),
    h("button", {type: "button", class: "tool", onclick: () => save("feature-map.csv", new Blob([csv(["feature", "x", "y", "density", "label"],
      points.features.map((f, i) => [f, points.x[i], points.y[i], points.density[i], points.label[i]]))], {type: "text/csv"}))}, "CSV")),
  canvas, legend, readout, quiet("UMAP of the decoder directions of active features, by cosine. Distances between far groups mean little."));
  draw();
  new ResizeObserver(() => {
    if (Math.abs(root.clientWidth - 2 - width) > 4) {
      draw();
    }
  }).observe(root);
};
