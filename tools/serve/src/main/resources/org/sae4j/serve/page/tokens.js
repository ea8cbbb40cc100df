// Tokens of a text, shaded by activation. A strip is one stop of the Tab key; arrows move from token to token.
import {h, number, put} from "./dom.js";

const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]/gu;

/** Characters that would not be seen, or would change how others are seen, are spelled out. */
const visible = (text) => {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(INVISIBLE)) {
    parts.push(text.slice(from, match.index),
      h("i", {class: "mark"}, `⟨U+${match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`));
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts.flatMap((part) => typeof part !== "string" ? [part] : part.split(/(\n)/).flatMap((piece) =>
    piece === "\n" ? [h("i", {class: "mark"}, "↵"), "\n"] : piece ? [piece] : []));
};

/** A token beside other words: spaces at its ends show. */
export const shown = (text) => {
  const from = text.length - text.trimStart().length;
  const inner = text.trim();
  return text === "" ? "∅" : /^ *$/.test(text) ? "␣".repeat(text.length)
    : text.slice(0, from).replaceAll(" ", "␣").replaceAll("\n", "↵") + inner.replaceAll("\n", "↵")
      + text.slice(from + inner.length).replaceAll(" ", "␣").replaceAll("\n", "↵");
};

export const tokenChip = (text) => h("code", {class: "chip"}, visible(shown(text)));

/**
 * A strip of tokens. shade(i) gives {share from 0 to 1, hue, value} or nothing; the strip's shade() method draws anew.
 * onpick(i) is told when a token is chosen by key, click or touch; mark is a token that is outlined.
 */
export const strip = (label, tokens, shade, {onpick, mark, onopen} = {}) => {
  const spans = tokens.map((text, i) => h("span", {class: "token" + (i === mark ? " marked" : ""), "data-i": i}, visible(text)));
  const readout = h("span", {class: "readout", "aria-live": "polite"});
  const line = h("div", {class: "tokens", tabindex: "0", role: "group", "aria-roledescription": "tokens", dir: "auto",
    "aria-label": label + ". Arrow keys move from token to token."}, spans);
  let at = -1;
  let current = shade;
  const paint = (next = current) => {
    current = next;
    spans.forEach((span, i) => {
      const tint = current(i);
      span.style.setProperty("--share", tint ? `${Math.round(8 + 62 * Math.min(Math.max(tint.share, 0), 1))}%` : "0%");
      span.style.setProperty("--hue", tint?.hue ?? "var(--tone)");
      span.title = tint ? `${shown(tokens[i])}  ${number(tint.value)}` : "";
    });
  };
  const pick = (i, open) => {
    if (i < 0 || i >= spans.length) {
      return;
    }
    spans[at]?.classList.remove("at");
    at = i;
    spans[at].classList.add("at");
    const tint = current(i);
    put(readout, `“${shown(tokens[i])}” `, h("b", {}, tint ? number(tint.value) : "0"));
    onpick?.(i);
    if (open) {
      onopen?.(i);
    }
  };
  line.addEventListener("keydown", (e) => {
    const step = {ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity}[e.key];
    if (step !== undefined) {
      e.preventDefault();
      pick(Math.min(Math.max(at + step, 0), spans.length - 1));
      spans[at]?.scrollIntoView({block: "nearest"});
    } else if (e.key === "Enter" && at >= 0) {
      pick(at, true);
    }
  });
  line.addEventListener("click", (e) => {
    const span = e.target.closest(".token");
    if (span) {
      pick(Number(span.dataset.i), false);
    }
  });
  paint();
  const element = h("div", {class: "strip"}, line, readout);
  element.paint = paint;
  element.pick = pick;
  return element;
};
