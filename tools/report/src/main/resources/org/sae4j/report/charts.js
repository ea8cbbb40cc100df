// Lines, bars, histograms, heat maps and violins.
/** Decades between ticks of a logarithmic axis: at most eight are named. */
const decades = (values) => {
  const [low, high] = extent(values.filter((v) => v > 0).map(Math.log10));
  return Math.max(1, Math.ceil((high - low) / 8));
};

/** An axis; one that is logarithmic needs the values on it. */
const axis = (a, t, values = []) => ({
  title: {text: plotText(a.label, 100), standoff: 10, font: {size: 12, color: t.muted}},
  type: a.log ? "log" : "linear", automargin: true, gridcolor: t.line, zeroline: false, linecolor: t.muted, linewidth: 1, showline: true,
  ticks: "outside", ticklen: 4, tickcolor: t.muted, tickfont: {color: t.muted, size: 11}, exponentformat: "power",
  ...(!a.log ? {nticks: 7} : {dtick: decades(values), ...(decades(values) > 1 ? {} : {minor: {ticks: "outside", ticklen: 2, tickcolor: t.line}})}),
});

/** An axis of names along a length in pixels: positions are numbers, as Plotly would merge equal names. */
const nameAxis = (a, names, t, {length, characters, upright}) => {
  const longest = names.reduce((max, name) => Math.max(max, Math.min([...name].length, characters)), 1);
  const needed = upright ? 14 : 6.6 * longest + 8;
  // Long names turn when there is no room; short ones, mostly numbers, are left out by turns.
  const turned = !upright && longest > 4 && names.length * needed > length;
  const step = Math.max(1, Math.ceil(names.length * (turned ? 15 : needed) / Math.max(1, length)));
  const shown = names.map((_, i) => i).filter((i) => i % step === 0);
  return {
    ...axis({label: a.label, log: false}, t), tickmode: "array", tickvals: shown,
    ticktext: shown.map((i) => plotText(names[i], characters)),
    range: [-0.5, Math.max(names.length, 1) - 0.5], showgrid: false, tickangle: turned ? (longest > 10 ? -60 : -90) : 0,
  };
};

/** Characters of a name that leave room for the picture. */
const roomBeside = (box) => Math.min(40, Math.max(12, Math.floor(box.width / 19)));

/** Plotly computes densities and bar widths on linear axes alone: logarithms are taken here, and ticks say what they stand for. */
const decadeAxis = (a, t, [low, high]) => {
  const from = Math.floor(low);
  const to = Math.ceil(high);
  const step = Math.max(1, Math.ceil((to - from) / 8));
  const ticks = [];
  for (let e = from; e <= to; e += step) {
    ticks.push(e);
  }
  return {...axis({label: a.label, log: false}, t), tickmode: "array", tickvals: ticks, ticktext: ticks.map(power)};
};

const lines = (f, t) => {
  const traces = [];
  const dashes = ["dash", "dot", "dashdot", "longdash"];
  let solid = 0;
  let dashed = 0;
  const own = seriesColors(f.lines.filter((l) => !l.dashed).length, t);
  f.lines.forEach((l, i) => {
    const color = l.dashed ? (dashed === 0 ? t.muted : t.series[(t.series.length - dashed) % t.series.length])
      : own[solid];
    const group = String(i);
    if (l.low.length && l.high.length) {
      const [x, y] = band(l);
      traces.push({
        type: "scatter", mode: "lines", x, y, fill: "toself", fillcolor: color + "2e", line: {width: 0}, hoverinfo: "skip",
        showlegend: false, legendgroup: group,
      });
    }
    traces.push({
      type: "scatter", mode: l.x.length === 1 ? "markers" : "lines", name: plotText(l.name, 60), x: finiteAll(l.x), y: finiteAll(l.y),
      legendgroup: group, line: {color, width: l.dashed ? 1.6 : 2, dash: l.dashed ? dashes[dashed % dashes.length] : "solid"},
      marker: {color}, connectgaps: false,
      customdata: l.x.map((_, k) => [show(l.x[k]), show(l.y[k]), l.low.length ? ` (${show(l.low[k])} to ${show(l.high[k])})` : ""]),
      hovertemplate: "%{customdata[1]}%{customdata[2]} at %{customdata[0]}",
    });
    l.dashed ? dashed++ : solid++;
  });
  const [x, y] = [f.lines.flatMap((l) => finiteAll(l.x)), f.lines.flatMap((l) => finiteAll(l.y))];
  return {traces, layout: {xaxis: axis(f.x, t, x), yaxis: axis(f.y, t, y), showlegend: f.lines.length > 1 && f.lines.length <= 40}};
};

/** The outline of a band; a value that is not finite ends one piece and begins the next. */
const band = (l) => {
  const x = [];
  const y = [];
  let piece = [];
  const close = () => {
    if (piece.length) {
      const back = [...piece].reverse();
      x.push(...piece.map((k) => l.x[k]), ...back.map((k) => l.x[k]), l.x[piece[0]], null);
      y.push(...piece.map((k) => l.low[k]), ...back.map((k) => l.high[k]), l.low[piece[0]], null);
      piece = [];
    }
  };
  l.x.forEach((v, k) => [v, l.low[k], l.high[k]].every((n) => finite(n) !== null) ? piece.push(k) : close());
  close();
  return [x, y];
};

const errorBars = (s, t) => {
  if (!s.low.length || !s.high.length) {
    return {visible: false};
  }
  const reach = (i, end) => Math.max(0, Math.abs((finite(end[i]) ?? finite(s.values[i]) ?? 0) - (finite(s.values[i]) ?? 0)));
  return {
    type: "data", symmetric: false, array: s.values.map((_, i) => reach(i, s.high)), arrayminus: s.values.map((_, i) => reach(i, s.low)),
    color: t.ink, thickness: 1.1, width: 3,
  };
};

const bars = (f, t, box) => {
  const positions = f.categories.map((_, i) => i);
  const [along, across] = f.horizontal ? ["y", "x"] : ["x", "y"];
  const colors = seriesColors(f.series.length, t);
  const traces = f.series.map((s, i) => ({
    type: "bar", orientation: f.horizontal ? "h" : "v", name: plotText(s.name, 60), [along]: positions, [across]: finiteAll(s.values),
    [`error_${across}`]: errorBars(s, t), marker: {color: colors[i]},
    customdata: positions.map((k) => [wrap(f.categories[k]), show(s.values[k]),
      s.low.length ? ` (${show(s.low[k])} to ${show(s.high[k])})` : ""]),
    hovertemplate: "<b>%{customdata[0]}</b><br>%{customdata[1]}%{customdata[2]}" + (f.series.length > 1 ? "" : "<extra></extra>"),
  }));
  const names = nameAxis(f.categoryAxis, f.categories, t, f.horizontal
    ? {length: box.height - 90, characters: roomBeside(box), upright: true} : {length: box.width - 70, characters: 24, upright: false});
  const layout = {
    barmode: "group", bargap: 0.28, bargroupgap: 0.06, showlegend: f.series.length > 1,
    [`${along}axis`]: f.horizontal ? {...names, range: [...names.range].reverse()} : names,
    [`${across}axis`]: {...axis(f.valueAxis, t, f.series.flatMap((s) => finiteAll(s.values))), zeroline: !f.valueAxis.log, zerolinecolor: t.muted},
  };
  return {traces, layout};
};

const histogram = (f, t) => {
  const edges = f.edges.map((e) => f.x.log ? Math.log10(toNumber(e)) : toNumber(e));
  const counts = f.series.flatMap((s) => finiteAll(s.values)).filter((v) => v > 0);
  // What is expected of a null falls far below one count: a logarithmic axis that showed all of it would show nothing else.
  const floor = f.y.log ? (counts.length ? Math.max(extent(counts)[0] / 2, Math.min(0.5, extent(counts)[1] / 1e4)) : 0.5) : 0;
  const colors = seriesColors(f.series.length, t);
  const below = edges.slice(1).map(() => 0);
  let top = floor;
  const traces = f.series.map((s, i) => {
    const base = below.map((b) => Math.max(b, floor));
    const heights = base.map((b, k) => {
      const end = (f.stacked ? below[k] : 0) + (finite(s.values[k]) ?? 0);
      const start = f.stacked ? b : floor;
      top = Math.max(top, end);
      if (f.stacked) {
        below[k] = end;
      }
      return Math.max(0, end - start);
    });
    return {
      type: "bar", name: plotText(s.name, 60), x: heights.map((_, k) => (edges[k] + edges[k + 1]) / 2),
      width: heights.map((_, k) => edges[k + 1] - edges[k]), base: f.stacked ? base : base.map(() => floor), y: heights,
      marker: {
        color: colors[i], opacity: !f.stacked && f.series.length > 1 ? 0.55 : 1, line: {width: 0.5, color: t.surface},
      },
      customdata: heights.map((_, k) => [show(f.edges[k]), show(f.edges[k + 1]), show(s.values[k])]),
      hovertemplate: "%{customdata[2]} from %{customdata[0]} to %{customdata[1]}" + (f.series.length > 1 ? "" : "<extra></extra>"),
    };
  });
  const [low, high] = extent(edges);
  const layout = {
    barmode: "overlay", bargap: 0, showlegend: f.series.length > 1,
    xaxis: f.x.log ? decadeAxis(f.x, t, [low, high]) : axis(f.x, t),
    yaxis: {...axis(f.y, t, [floor, top]), ...(f.y.log ? {range: [Math.log10(floor), Math.log10(top) + 0.1]} : {rangemode: "tozero"})},
  };
  return {traces, layout};
};

const heatmap = (f, t, box) => {
  const [low, high] = ends(f.colorScale);
  const rows = f.yLabels.length;
  const columns = f.xLabels.length;
  const clipped = f.values.map((row) => row.map((v) => Number.isNaN(toNumber(v)) ? null : Math.min(Math.max(toNumber(v), low), high)));
  const written = rows * columns <= 200 && columns <= (box.narrow ? 6 : 12) && f.colorScale.high < 1e4;
  const [rowNames, columnNames] = [f.yLabels.map((name) => wrap(name)), f.xLabels.map((name) => wrap(name))];
  const reach = Math.max(Math.abs(low), Math.abs(high));
  const decimals = Math.min(Math.max(1 - Math.floor(Math.log10(reach)), 0), 4);
  const cell = (v) => !Number.isFinite(toNumber(v)) ? "" : toNumber(v).toFixed(decimals).replace("-", "−");
  const trace = {
    type: "heatmap", x: f.xLabels.map((_, i) => i), y: f.yLabels.map((_, i) => i), z: clipped, coloraxis: "coloraxis", hoverongaps: false,
    xgap: columns > 60 ? 0 : 1, ygap: rows > 60 ? 0 : 1,
    customdata: f.values.map((row, r) => row.map((v, c) => [rowNames[r], columnNames[c], show(v)])),
    hovertemplate: "%{customdata[0]}<br>%{customdata[1]}<br><b>%{customdata[2]}</b><extra></extra>",
    ...(written ? {text: f.values.map((row) => row.map(cell)), texttemplate: "%{text}", textfont: {size: 11}} : {}),
  };
  const y = nameAxis(f.y, f.yLabels, t, {length: box.height - 90, characters: roomBeside(box), upright: true});
  const x = nameAxis(f.x, f.xLabels, t, {length: box.width * 0.8, characters: box.narrow ? 14 : 24, upright: false});
  const layout = {
    coloraxis: colorAxis(f.colorScale, t, box.narrow), plot_bgcolor: t.hollow,
    xaxis: {...x, showline: false, ticks: ""}, yaxis: {...y, range: [...y.range].reverse(), showline: false, ticks: ""},
  };
  return {traces: rows && columns ? [trace] : [], layout};
};

const distributions = (f, t, box) => {
  const place = f.y.log ? Math.log10 : (v) => v;
  const values = f.samples.map((s) => finiteAll(s.values).filter((v) => v !== null && (!f.y.log || v > 0)).map(place));
  const colors = seriesColors(f.samples.length, t);
  const traces = f.samples.map((s, i) => {
    const color = colors[i];
    return {
      type: "violin", name: plotText(s.name, 60), x: values[i].map(() => i), y: values[i], width: 0.86,
      points: values[i].length <= 60 ? "all" : false,
      jitter: 0.5, pointpos: 0, marker: {size: 3, opacity: 0.6}, box: {visible: true, width: 0.14}, meanline: {visible: false},
      line: {color, width: 1.2}, fillcolor: color + "40", hoveron: "violins+points", scalemode: "width", spanmode: "hard",
      hoverinfo: f.y.log ? "name" : "y+name", showlegend: false,
    };
  }).filter((trace) => trace.y.length);
  const layout = {
    violinmode: "overlay", xaxis: nameAxis(f.x, f.samples.map((s) => s.name), t, {length: box.width - 60, characters: 24, upright: false}),
    yaxis: f.y.log ? decadeAxis(f.y, t, extent(values.flat())) : axis(f.y, t),
  };
  return {traces, layout};
};
