// Points in two and three dimensions.
const symbols = ["circle", "diamond", "square", "cross", "x"];

// Found out once: browsers allow few contexts.
let webglFound;
const webgl = () => {
  if (webglFound === undefined) {
    const context = document.createElement("canvas").getContext("webgl");
    webglFound = context !== null;
    context?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return webglFound;
};

const pointSize = (count) => count < 150 ? 8 : count < 800 ? 6 : count < 4000 ? 4.5 : 3.5;

const scatter = (f, t, box) => {
  const deep = f.axes.length > 2 && webgl();
  const total = f.groups.reduce((sum, g) => sum + g.x.length, 0);
  const colors = seriesColors(f.groups.length, t);
  const [cmin, cmax] = f.colorScale ? ends(f.colorScale) : [0, 1];
  const traces = f.groups.map((g, i) => {
    const n = g.x.length;
    const own = colors[i];
    const scaled = f.colorScale && g.colors.length > 0;
    const path = f.connected && n > 1;
    const size = pointSize(total) * (deep ? 0.6 : 1);
    const marker = {
      size, opacity: deep ? 0.9 : total > 800 ? 0.7 : 0.9, symbol: symbols[scaled || f.groups.length > t.series.length ? i % symbols.length : 0],
      line: {width: deep || total > 800 ? 0 : 0.5, color: t.surface},
      ...(scaled ? {color: g.colors.map((c) => Math.min(Math.max(toNumber(c), cmin), cmax)), coloraxis: "coloraxis"}
        : {color: path ? shades(own, n) : own}),
    };
    if (path) {
      marker.symbol = g.x.map((_, k) => k === 0 ? "circle-open" : k === n - 1 ? "square" : "circle");
      marker.size = g.x.map((_, k) => k === 0 || k === n - 1 ? size + 5 : size);
      marker.line = {width: g.x.map((_, k) => k === 0 ? 2 : 0), color: shades(own, n)};
      marker.opacity = 1;
    }
    return {
      type: deep ? "scatter3d" : "scatter", mode: path ? "lines+markers" : "markers", name: plotText(g.name, 60),
      x: finiteAll(g.x), y: finiteAll(g.y), ...(deep ? {z: finiteAll(g.z)} : {}),
      marker, line: {width: deep ? 3 : 1.2, color: deep && path && !scaled ? shades(own, n) : own},
      customdata: g.x.map((_, k) => [
        g.labels.length ? `<b>${wrap(g.labels[k])}</b><br>` : "", show(g.x[k]), show(g.y[k]), deep ? show(g.z[k]) : "",
        scaled ? `<br>${plotText(f.colorScale.label, 60)} ${show(g.colors[k])}` : "",
        path ? `<br>point ${k + 1} of ${n}` : ""]),
      hovertemplate: "%{customdata[0]}" + "(%{customdata[1]}, %{customdata[2]}" + (deep ? ", %{customdata[3]})" : ")")
        + "%{customdata[4]}%{customdata[5]}" + (f.groups.length > 1 ? "" : "<extra></extra>"),
    };
  });
  const layout = {legend: {itemsizing: "constant"}, showlegend: f.groups.length > 1 && f.groups.length <= 30};
  if (f.colorScale && f.groups.some((g) => g.colors.length)) {
    layout.coloraxis = colorAxis(f.colorScale, t, box.narrow);
  }
  if (deep) {
    const axis3 = (a) => ({
      title: {text: plotText(a.label, 60), font: {size: 11, color: t.muted}}, type: a.log ? "log" : "linear", gridcolor: t.line,
      zerolinecolor: t.line, linecolor: t.line, showbackground: false, showspikes: false, tickfont: {size: 10, color: t.muted}, nticks: 5,
    });
    layout.scene = {
      xaxis: axis3(f.axes[0]), yaxis: axis3(f.axes[1]), zaxis: axis3(f.axes[2]), bgcolor: t.surface, dragmode: "turntable",
      camera: {eye: box.narrow ? {x: 1.7, y: 1.7, z: 1} : {x: 1.5, y: 1.5, z: 0.8}, center: {x: 0, y: 0, z: -0.12}},
    };
    layout.margin = {l: 0, r: 0, t: 4, b: 0};
  } else {
    layout.xaxis = axis(f.axes[0], t, f.groups.flatMap((g) => finiteAll(g.x)));
    layout.yaxis = axis(f.axes[1], t, f.groups.flatMap((g) => finiteAll(g.y)));
  }
  const remark = f.axes.length > 2 && !deep ? "This browser has no WebGL: the first two of three dimensions are shown." : "";
  return {traces, layout, remark};
};
