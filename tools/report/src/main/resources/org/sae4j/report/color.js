// Colours. Sequential: viridis. Signed: two hues through the colour of the page, so that zero is quiet in light and dark alike.
const seriesLight = ["#2a6fb0", "#c8601f", "#27876a", "#9a4aa0", "#a37c0c", "#c23a4f", "#5d6b7a", "#5a55c4"];
const seriesDark = ["#6fb0ec", "#f0995c", "#5cc5a2", "#d08bd6", "#dcb84a", "#f07f90", "#a3b1bf", "#a29df5"];

const anchors = {
  SEQUENTIAL: {
    light: ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"],
    dark: ["#6a4fa8", "#5a68b4", "#4680b5", "#3a97b0", "#36aca0", "#4dbf83", "#80d05f", "#bddd48", "#fbec50"],
  },
  DIVERGING: {
    light: ["#0b3c78", "#2166ac", "#5b9bcd", "#a9cde6", "#f4f4f4", "#f5bf9f", "#de7d5c", "#b93238", "#760b26"],
    dark: ["#a5d3ff", "#6cb0ee", "#3b81c0", "#285580", "#26292e", "#74402f", "#b7583f", "#ec8566", "#ffc2a6"],
  },
  PURPLES: {
    light: ["#faf9fd", "#e7e4f1", "#cac8e3", "#a8a3cf", "#857bba", "#67479f", "#3f007d"],
    dark: ["#201d29", "#352f4c", "#4e4375", "#6c5da2", "#8f7fca", "#b6a9e6", "#e2dcfa"],
  },
  GREENS: {
    light: ["#f5fbf3", "#dbf0d6", "#b2dfaa", "#7dc67f", "#3fa45c", "#157a3b", "#00441b"],
    dark: ["#19221c", "#21382a", "#27553a", "#317a4d", "#50a468", "#8bca95", "#d2f0d3"],
  },
  REDS: {
    light: ["#fff6f1", "#fdd9c8", "#fcb097", "#f97f63", "#e5473b", "#b41a22", "#67000d"],
    dark: ["#271b1a", "#472724", "#6f322d", "#9e423a", "#d05f52", "#f09583", "#fbd8cd"],
  },
};

/** A colour for each of several series: the hand-picked ones while they last, else hues around the circle in two shades. */
const seriesColors = (n, t) => {
  if (n <= t.series.length) {
    return t.series;
  }
  return Array.from({length: n}, (_, i) => {
    const hue = 360 * i / n;
    const light = (t.dark ? [72, 55] : [34, 54])[i % 2] / 100;
    const reach = 0.62 * Math.min(light, 1 - light);
    return hex([0, 8, 4].map((k) => {
      const place = (k + hue / 30) % 12;
      return 255 * (light - reach * Math.max(-1, Math.min(place - 3, 9 - place, 1)));
    }));
  });
};

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const hex = (channels) => "#" + channels.map((c) => Math.round(c).toString(16).padStart(2, "0")).join("");

const mix = (colors, t) => {
  const place = Math.min(Math.max(t, 0), 1) * (colors.length - 1);
  const i = Math.min(Math.floor(place), colors.length - 2);
  const [a, b] = [rgb(colors[i]), rgb(colors[i + 1])];
  return hex(a.map((c, k) => c + (b[k] - c) * (place - i)));
};

const paletteColors = (palette, dark) => (dark && anchors[palette].dark) || anchors[palette].light;

/** The ends of a scale as numbers that differ. */
const ends = (scale) => {
  let [low, high] = [finite(scale.low) ?? 0, finite(scale.high) ?? 1];
  if (!(low < high)) {
    const pad = Math.abs(low) * 0.5 || 0.5;
    [low, high] = [Math.min(low, high) - pad, Math.max(low, high) + pad];
  }
  return [low, high];
};

/** Plotly's colour scale from low to high; a diverging palette keeps its middle at zero even when the ends are not alike. */
const plotScale = (scale, t) => {
  const [low, high] = ends(scale);
  const colors = paletteColors(scale.palette, t.dark);
  const reach = Math.max(Math.abs(low), Math.abs(high));
  const steps = 48;
  return Array.from({length: steps + 1}, (_, i) => {
    const value = low + (high - low) * i / steps;
    return [i / steps, mix(colors, scale.palette === "DIVERGING" ? 0.5 + value / reach / 2 : i / steps)];
  });
};

const colorBar = (scale, t, narrow) => {
  const bar = {
    thickness: 10, outlinewidth: 0, ticks: "outside", ticklen: 3, tickcolor: t.muted, tickfont: {color: t.muted, size: 11}, nticks: 6,
    title: {text: plotText(scale.label, 80), side: narrow ? "top" : "right", font: {color: t.muted, size: 11}},
  };
  return narrow
    ? {...bar, orientation: "h", y: 1, yanchor: "bottom", ypad: 2, x: 0.5, xanchor: "center", len: 0.95}
    : {...bar, x: 1.02, xanchor: "left", len: 0.98, y: 0.5};
};

const colorAxis = (scale, t, narrow) => {
  const [cmin, cmax] = ends(scale);
  return {colorscale: plotScale(scale, t), cmin, cmax, colorbar: colorBar(scale, t, narrow)};
};

/** Shades of one colour, from light to dark. */
const shades = (color, n) => {
  const [light, dark] = [mix([color, "#ffffff"], 0.72), mix([color, "#000000"], 0.3)];
  return Array.from({length: n}, (_, i) => mix([light, color, dark], n > 1 ? i / (n - 1) : 1));
};
