// Elements, numbers and small things that all views use. Text only ever becomes text: nothing here reads markup.

/** An element: attributes, listeners ("onclick"), properties ("value", "checked"), and children, of which strings become text. */
export const h = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) {
      continue;
    }
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (name === "vars") {
      Object.entries(value).forEach(([key, v]) => element.style.setProperty(key, v));
    } else if (["value", "checked", "selected", "disabled", "hidden"].includes(name)) {
      element[name] = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return element;
};

export const put = (parent, ...children) => {
  parent.replaceChildren(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return parent;
};

/** A number for people: some significant digits, no exponent where none is needed. */
export const number = (value, digits = 3) => {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return "–";
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    return value.toExponential(digits - 1).replace("e+", "e").replace("-", "−");
  }
  return (size >= 1000 ? Math.round(value).toLocaleString("en-US") : Number(value.toPrecision(digits)).toString()).replace("-", "−");
};

export const count = (value) => Number(value).toLocaleString("en-US");

export const percent = (share) => share === null || share === undefined ? "–"
  : share === 0 ? "0%" : share < 1e-4 ? "<0.01%" : (100 * share).toPrecision(share < 0.01 ? 2 : 3).replace(/\.?0+$/, "") + "%";

/** A feature's link with its name, if it has one. */
export const featureLink = (sae, feature, name, attributes = {}) =>
  h("a", {href: `#/feature/${sae}/${feature}`, class: "feature-link", ...attributes}, h("b", {}, String(feature)), name ? " " + name : "");

/** The name that people gave, or what the corpus says. */
export const nameOf = (feature) => feature.name || feature.label || "";

/** Calls once, some time after the last call. */
export const later = (milliseconds, action) => {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...args), milliseconds);
  };
};

export const alertBox = (error) => h("p", {class: "alert", role: "alert"}, error.message ?? String(error));

export const quiet = (...text) => h("p", {class: "quiet"}, ...text);

export const remember = (key, otherwise) => {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
};

export const keep = (key, value) => sessionStorage.setItem(key, JSON.stringify(value));

/** A table of rows of cells; a cell is text, an element, or {n: number as text}. */
export const table = (caption, heads, rows, attributes = {}) => h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": caption},
  h("table", attributes, h("caption", {class: "hidden"}, caption),
    h("thead", {}, h("tr", {}, heads.map((head) => head instanceof Node ? head
      : typeof head === "object" ? h("th", {scope: "col", class: "n"}, head.n) : h("th", {scope: "col"}, head)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => cell?.n !== undefined && !(cell instanceof Node)
      ? h("td", {class: "n"}, cell.n) : h("td", {}, cell)))))));

export const csv = (heads, rows) => [heads, ...rows].map((row) => row.map((cell) => {
  const text = String(cell ?? "");
  return `"${(/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? "'" + text : text).replaceAll('"', '""')}"`;
}).join(",")).join("\r\n") + "\r\n";
