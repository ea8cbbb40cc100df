// Data and pictures as files, made in the browser.
const save = (name, type, text) => {
  const url = URL.createObjectURL(new Blob([text], {type}));
  element("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
};

const csvCell = (v) => {
  const text = v === null || v === undefined ? "" : String(v);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
};

const csv = (rows) => rows.map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";

/** One observation in a row, whatever the figure. */
const tidy = (f) => {
  switch (f.kind) {
    case "scatter": {
      const names = ["x", "y", "z"].slice(0, f.axes.length);
      return [["group", "index", "label", ...names, "color"],
        ...f.groups.flatMap((g) => g.x.map((_, i) => [g.name, i, g.labels[i], ...names.map((n) => g[n][i]), g.colors[i]]))];
    }
    case "lines":
      return [["line", "x", "y", "low", "high"], ...f.lines.flatMap((l) => l.x.map((x, i) => [l.name, x, l.y[i], l.low[i], l.high[i]]))];
    case "bars":
      return [["series", "category", "value", "low", "high"],
        ...f.series.flatMap((s) => f.categories.map((c, i) => [s.name, c, s.values[i], s.low[i], s.high[i]]))];
    case "histogram":
      return [["series", "from", "to", "value"],
        ...f.series.flatMap((s) => s.values.map((v, i) => [s.name, f.edges[i], f.edges[i + 1], v]))];
    case "heatmap":
      return [["row", "column", "row_label", "column_label", "value"],
        ...f.values.flatMap((row, r) => row.map((v, c) => [r, c, f.yLabels[r], f.xLabels[c], v]))];
    case "distributions":
      return [["sample", "value"], ...f.samples.flatMap((s) => s.values.map((v) => [s.name, v]))];
    case "token-strips":
      return [["strip", "position", "token", "value"],
        ...f.strips.flatMap((s) => s.tokens.map((token, i) => [s.label, i, token, s.values[i]]))];
    case "table":
      return [f.columns, ...f.rows.map((row) => row.map(plainCell))];
    default:
      throw new Error(`unknown kind of figure: ${f.kind}`);
  }
};

/** The picture with its title, as it has to stand alone. */
const savePicture = (item, format) => {
  const t = theme();
  const box = {width: 960, height: Math.max(item.height, 420), narrow: false};
  const {traces, layout} = item.spec(t, box);
  const titled = {
    ...layout, width: box.width, height: box.height + 40,
    title: {text: plotText(item.figure.title, 110), x: 0.01, xanchor: "left", font: {size: 16, color: t.ink}},
    margin: {...layout.margin, t: 64},
  };
  return item.ready().then(() => Plotly.downloadImage({data: traces, layout: titled, config: {}},
    {format, filename: item.name, width: titled.width, height: titled.height, scale: format === "png" ? 2 : 1}));
};

const tools = (item) => {
  const button = (label, what, click) =>
    element("button", {type: "button", "aria-label": `${what}: ${visible(item.figure.title)}`, title: what, click}, label);
  const buttons = [];
  if (item.plot) {
    buttons.push(
      button("Reset", "Show everything again, as does a double click", () => item.reset()),
      button("SVG", "Save the picture as SVG", () => savePicture(item, "svg")),
      button("PNG", "Save the picture as PNG", () => savePicture(item, "png")));
  }
  buttons.push(
    button("CSV", "Save the data as CSV", () => save(`${item.name}.csv`, "text/csv;charset=utf-8", csv(tidy(item.figure)))),
    button("JSON", "Save the data as JSON", () => save(`${item.name}.json`, "application/json", JSON.stringify(item.figure, null, 1))));
  return buttons;
};
