// Figures that are text: token strips and tables.
const FIRST_STRIPS = 15;
const FIRST_ROWS = 300;
const TALL_ROWS = 16;

/** Where a value lies: -1 to 1 on a signed scale, 0 to 1 on others. */
const strength = (value, scale) => {
  const v = toNumber(value);
  if (Number.isNaN(v)) {
    return 0;
  }
  const [low, high] = ends(scale);
  const clipped = Math.min(Math.max(v, low), high);
  return scale.palette === "DIVERGING" ? clipped / Math.max(Math.abs(low), Math.abs(high)) : (clipped - low) / (high - low);
};

const tokenSpans = (text) => {
  // Each line feed is shown and also breaks the line; what has no shape is named.
  const parts = [];
  for (const piece of String(text).split(/(\n|\t|⟨|⟩)/)) {
    if (piece === "\n") {
      parts.push(element("i", {class: "mark"}, "↵"), "\n");
    } else if (piece === "\t") {
      parts.push(element("i", {class: "mark"}, "⇥"));
    } else if (piece) {
      const shown = visible(piece);
      parts.push(shown === piece ? piece : element("i", {class: "mark"}, shown));
    }
  }
  return parts.length ? parts : [element("i", {class: "mark"}, "∅")];
};

const token = (text, value, scale) => {
  const share = strength(value, scale);
  const blank = /^[ \u00a0\u3000]+$/.test(text);
  const attributes = {title: `${visible(text)}  ${show(value)}`, class: share < 0 ? "token negative" : "token"};
  if (Math.abs(share) > 0.005) {
    attributes.style = `--share:${(Math.abs(share) * 100).toFixed(1)}%`;
  }
  return element("span", attributes, ...(blank ? [element("i", {class: "mark"}, "␣".repeat(Math.min(text.length, 8)))] : tokenSpans(text)));
};

/** Tokens without a text are parts of the character that a later one completes: they are one span, as strong as the strongest of them. */
const tokenTexts = (strip, scale) => {
  const spans = [];
  let strongest = NaN;
  strip.tokens.forEach((text, i) => {
    const value = toNumber(strip.values[i]);
    strongest = Number.isNaN(strongest) || Math.abs(value) > Math.abs(strongest) ? value : strongest;
    if (text !== "" || i === strip.tokens.length - 1) {
      spans.push(token(text, strongest, scale));
      strongest = NaN;
    }
  });
  return spans;
};

const stripLegend = (scale) => {
  const [low, high] = ends(scale);
  const steps = 9;
  const swatches = Array.from({length: steps}, (_, i) => {
    const value = low + (high - low) * i / (steps - 1);
    const share = strength(value, scale);
    return element("span", {class: share < 0 ? "token negative" : "token", style: `--share:${(Math.abs(share) * 100).toFixed(1)}%`});
  });
  return element("p", {class: `strip-legend ${scale.palette.toLowerCase()}`}, element("span", {}, visible(scale.label)),
    element("span", {}, show(low)),
    element("span", {class: "swatches", "aria-hidden": "true"}, ...swatches), element("span", {}, show(high)));
};

const tokenStrips = (f, drawing) => {
  const row = (strip) => {
    const values = strip.values.map(toNumber).filter((v) => !Number.isNaN(v));
    const peak = values.reduce((best, v) => Math.abs(v) > Math.abs(best) ? v : best, values.length ? values[0] : NaN);
    return element("tr", {},
      element("th", {scope: "row", dir: "auto"}, visible(strip.label)),
      element("td", {}, element("div", {class: "tokens", dir: "auto"},
        ...tokenTexts(strip, f.colorScale))),
      element("td", {class: "number"}, values.length ? show(peak) : "–"));
  };
  const body = element("tbody", {}, ...f.strips.slice(0, FIRST_STRIPS).map(row));
  const head = element("tr", {}, ...["Example", "Text", "Peak"].map((name, i) =>
    element("th", {scope: "col", ...(i === 2 ? {class: "number"} : {})}, name)));
  drawing.replaceChildren(stripLegend(f.colorScale), element("div", {class: "scroll"},
    element("table", {class: `strips ${f.colorScale.palette.toLowerCase()}`}, element("thead", {}, head), body)));
  more(drawing, body, f.strips, FIRST_STRIPS, row);
  return f.strips.length > 0;
};

/** A button that shows the rest of the rows; printing presses it. */
const more = (drawing, body, items, shown, row) => {
  if (items.length > shown) {
    const button = element("button", {type: "button", class: "more", click: () => {
      body.append(...items.slice(shown).map(row));
      button.remove();
    }}, `Show all ${items.length.toLocaleString("en")} rows`);
    drawing.append(button);
  }
};

/** The text of a cell, which may be a link to a section. */
const plainCell = (cell) => cell !== null && typeof cell === "object" ? cell.text : cell;

const linkOf = (cell) => cell !== null && typeof cell === "object"
  && (document.getElementById(cell.section)?.matches("section") || catalog.has(cell.section));

const cellText = (cell) => typeof cell === "number" ? show(cell) : cell === null ? "" : visible(plainCell(cell));

/** As many decimals in all cells of a column, so that they can be compared by eye, unless that would hide the small ones. */
const columnFormat = (cells) => {
  const sizes = cells.map(toNumber).filter((v) => Number.isFinite(v) && v !== 0).map(Math.abs);
  const [low, high] = extent(sizes);
  const most = Math.min(Math.max(3 - Math.floor(Math.log10(high)), 0), 6);
  const decimals = sizes.reduce((max, v) => Math.max(max, String(Number(v.toFixed(most))).split(".")[1]?.length ?? 0), 0);
  const even = high < 1e6 && (decimals === 0 ? sizes.every(Number.isInteger) : low >= 50 * 10 ** -most);
  return (cell) => {
    const v = cell === null || cell === "" ? NaN : toNumber(cell);
    if (Number.isNaN(v)) {
      return "–";
    }
    return !even || !Number.isFinite(v) ? show(v)
      : v.toLocaleString("en", {minimumFractionDigits: decimals, maximumFractionDigits: decimals}).replace("-", "−");
  };
};

/** Orders cells of a column; what is missing comes last in either direction. */
const compareCells = (a, b, numbers, direction) => {
  const missing = (v) => v === null || v === "" || (numbers && Number.isNaN(toNumber(v)));
  if (missing(a) || missing(b)) {
    return missing(a) - missing(b);
  }
  return direction * (numbers ? toNumber(a) - toNumber(b) || 0 : String(plainCell(a)).localeCompare(String(plainCell(b)), "en", {numeric: true}));
};

const table = (f, drawing) => {
  const numeric = f.columns.map((_, c) => f.rows.some((r) => typeof r[c] === "number")
    && f.rows.every((r) => typeof plainCell(r[c]) !== "string" || /^(NaN|-?Infinity|)$/.test(plainCell(r[c]))));
  const format = f.columns.map((_, c) => numeric[c] ? columnFormat(f.rows.map((r) => r[c])) : cellText);
  const row = (cells) => element("tr", {}, ...cells.map((cell, c) => {
    const number = typeof cell === "number";
    return element("td", {dir: "auto", ...(numeric[c] ? {class: "number"} : {}), ...(number ? {title: String(cell)} : {})},
      linkOf(cell) ? element("a", {href: `#${cell.section}`}, cellText(cell)) : format[c](cell));
  }));
  const body = element("tbody");
  const fill = (rows) => {
    body.replaceChildren(...rows.slice(0, FIRST_ROWS).map(row));
    drawing.querySelector(".more")?.remove();
    more(drawing, body, rows, FIRST_ROWS, row);
  };
  let sorted = {column: -1, direction: 1};
  const headings = f.columns.map((name, c) => element("th", {scope: "col", "aria-sort": "none", ...(numeric[c] ? {class: "number"} : {})},
    element("button", {type: "button", click: () => {
      // Numbers are mostly looked at from the largest.
      sorted = {column: c, direction: sorted.column === c ? -sorted.direction : numeric[c] ? -1 : 1};
      headings.forEach((h, k) => h.setAttribute("aria-sort", k !== c ? "none" : sorted.direction > 0 ? "ascending" : "descending"));
      rows = [...f.rows].sort((a, b) => compareCells(a[c], b[c], numeric[c], sorted.direction));
      refill();
    }}, visible(name))));
  const frame = f.rows.length > TALL_ROWS ? "scroll tall" : "scroll framed";
  const text = f.rows.map((cells) => cells.map((cell) => cell === null ? "" : String(plainCell(cell))).join("\u0000").toLowerCase());
  const order = new Map(f.rows.map((cells, i) => [cells, i]));
  let rows = f.rows;
  let wanted = "";
  const refill = () => fill(wanted ? rows.filter((cells) => text[order.get(cells)].includes(wanted)) : rows);
  const filter = f.rows.length <= TALL_ROWS ? [] : [element("input", {type: "search", class: "filter", placeholder: "Filter rows",
    "aria-label": `Filter rows of ${visible(f.title)}`, input: (e) => {
      wanted = e.target.value.toLowerCase();
      refill();
    }})];
  drawing.replaceChildren(...filter, element("div", {class: frame, tabindex: "0", role: "region", "aria-label": visible(f.title)},
    element("table", {class: "data"}, element("thead", {}, element("tr", {}, ...headings)), body)));
  fill(f.rows);
  return f.rows.length > 0;
};
