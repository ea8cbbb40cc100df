// State, which tests and automation read, and helpers without a home of their own.
const state = {figures: 0, drawn: 0, errors: []};
window.__saeReport = state;

// Kept in the document as well, where a dump of it shows it.
const publish = () => document.documentElement.setAttribute("data-sae-report", JSON.stringify(state));

const report = (message) => {
  state.errors.push(String(message));
  publish();
};

window.addEventListener("error", (e) => report(e.message));
window.addEventListener("unhandledrejection", (e) => report(e.reason));
document.addEventListener("securitypolicyviolation", (e) => report(`blocked: ${e.effectiveDirective} ${e.blockedURI}`));
const consoleError = console.error.bind(console);
console.error = (...args) => {
  report(args.map(String).join(" "));
  consoleError(...args);
};

const media = {
  dark: matchMedia("(prefers-color-scheme: dark)"),
  coarse: matchMedia("(pointer: coarse)"),
};

const element = (tag, attributes = {}, ...children) => {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      e.addEventListener(name, value);
    } else {
      e.setAttribute(name, value);
    }
  }
  e.append(...children);
  return e;
};

// Numbers that are not finite come as strings.
const toNumber = (v) => typeof v === "number" ? v : v === null ? NaN : Number(v);
const finite = (v) => Number.isFinite(toNumber(v)) ? toNumber(v) : null;
const finiteAll = (values) => values.map(finite);

const extent = (values) => {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    if (Number.isFinite(v)) {
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  }
  return low <= high ? [low, high] : [0, 1];
};

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const power = (exponent) => "10" + String(exponent).replace("-", "⁻").replace(/\d/g, (d) => superscripts[d]);

/** Four significant digits, as everywhere in the report. */
const show = (value) => {
  const v = toNumber(value);
  if (Number.isNaN(v)) {
    return "no value";
  }
  const sign = v < 0 ? "−" : "";
  const size = Math.abs(v);
  if (size === Infinity) {
    return sign + "∞";
  }
  if (Number.isInteger(v) && size < 1e6) {
    return sign + size.toLocaleString("en");
  }
  if (size < 1e-3 || size >= 1e6) {
    const [mantissa, exponent] = size.toExponential(3).split("e");
    return `${sign}${Number(mantissa)} × ${power(Number(exponent))}`;
  }
  return sign + Number(size.toPrecision(4)).toLocaleString("en", {maximumFractionDigits: 6});
};

// Control characters, also those that turn the direction of text, and what has no shape of its own.
const invisible = new RegExp([
  "[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ufff0-\\uffff]",
  "[\\ud800-\\udbff](?![\\udc00-\\udfff])",
  "(?<![\\ud800-\\udbff])[\\udc00-\\udfff]",
].join("|"), "g");
const codePoint = (c) => "U+" + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
const visible = (text) => String(text).replace(invisible, (c) => c === "\n" ? "↵" : c === "\t" ? "⇥" : `⟨${codePoint(c)}⟩`);

const shorten = (text, length) => {
  const characters = [...text];
  return characters.length <= length ? text : characters.slice(0, length - 1).join("") + "…";
};

// Plotly takes texts for a little HTML: this keeps them what they are.
const plotText = (text, length = 200) => shorten(visible(text), length).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

const wrap = (text, width = 60) => {
  const lines = [""];
  for (const word of shorten(visible(text), 400).split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length > width) {
      lines.push("");
    }
    lines.push(lines.pop() + (lines.at(-1) ? " " : "") + word);
  }
  return lines.map((line) => plotText(line, 400)).join("<br>");
};

let printing = false;
const theme = () => {
  const style = getComputedStyle(document.documentElement);
  const css = (name) => style.getPropertyValue(name).trim();
  const dark = media.dark.matches && !printing;
  return {
    dark,
    ink: css("--ink"), muted: css("--muted"), line: css("--line"), surface: css("--surface"), raised: css("--raised"),
      hollow: css("--hollow"),
    font: css("--sans"),
    series: dark ? seriesDark : seriesLight,
  };
};
