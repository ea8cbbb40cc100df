"""Small figures as SVG, without a library."""
from html import escape

COLORS = ["#2a6fbb", "#c4572e", "#5b8c3a", "#8a8a8a"]
FONT = 'font-family="system-ui, sans-serif" font-size="12"'


class Plot:
    """Axes from data to pixels, with grid lines, on white so that the figure reads on a dark page too."""

    def __init__(self, width, height, x, y, left=58, bottom=44, top=14, right=14):
        self.width, self.height, self.left, self.bottom, self.top, self.right = width, height, left, bottom, top, right
        self.x, self.y = x, y
        self.parts = [f'<rect width="{width}" height="{height}" fill="white"/>']

    def px(self, value):
        return self.left + (value - self.x[0]) / (self.x[1] - self.x[0]) * (self.width - self.left - self.right)

    def py(self, value):
        return self.height - self.bottom - (value - self.y[0]) / (self.y[1] - self.y[0]) * (self.height - self.top - self.bottom)

    def text(self, x, y, words, anchor="middle", color="#333", extra=""):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" {FONT} {extra}>{escape(words)}</text>')

    def axes(self, x_name, y_name, x_ticks, y_ticks, x_words=None, y_words=None):
        for i, tick in enumerate(y_ticks):
            y = self.py(tick)
            self.parts.append(f'<path d="M{self.left} {y:.1f}H{self.width - self.right}" stroke="#ddd"/>')
            self.text(self.left - 6, y + 4, y_words[i] if y_words else f"{tick:g}", "end")
        for i, tick in enumerate(x_ticks):
            self.text(self.px(tick), self.height - self.bottom + 16, x_words[i] if x_words else f"{tick:g}")
        self.parts.append(f'<path d="M{self.left} {self.height - self.bottom}H{self.width - self.right}" stroke="#333"/>')
        self.text((self.left + self.width - self.right) / 2, self.height - 8, x_name)
        y = (self.top + self.height - self.bottom) / 2
        self.text(14, y, y_name, extra=f'transform="rotate(-90 14 {y:.1f})"')

    def line(self, xs, ys, color, name=None, low=None, high=None, dashed=False, name_at=None):
        if low:
            edge = [f"{self.px(x):.1f} {self.py(v):.1f}" for x, v in zip(xs, high)] + [f"{self.px(x):.1f} {self.py(v):.1f}" for x, v in
                                                                                      zip(xs[::-1], low[::-1])]
            self.parts.append(f'<path d="M{"L".join(edge)}Z" fill="{color}" opacity="0.18"/>')
        points = "L".join(f"{self.px(x):.1f} {self.py(v):.1f}" for x, v in zip(xs, ys))
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(f'<path d="M{points}" fill="none" stroke="{color}" stroke-width="2"{dashes}/>')
        if name:
            at = name_at if name_at is not None else len(xs) // 2
            self.text(self.px(xs[at]), self.py(ys[at]) - 8, name, color=color)

    def dot(self, x, y, color, filled=True):
        self.parts.append(f'<circle cx="{self.px(x):.1f}" cy="{self.py(y):.1f}" r="3.6" fill="{color if filled else "white"}" stroke="{color}" '
                          'stroke-width="1.5"/>')

    def bar(self, x1, x2, y, color):
        self.parts.append(f'<path d="M{self.px(x1):.1f} {self.py(y):.1f}H{self.px(x2):.1f}" stroke="{color}" stroke-width="1.5" opacity="0.5"/>')

    def legend(self, entries, x, y):
        for i, (color, name, filled) in enumerate(entries):
            self.parts.append(f'<circle cx="{x}" cy="{y + 17 * i}" r="3.6" fill="{color if filled else "white"}" stroke="{color}" stroke-width="1.5"/>')
            self.text(x + 9, y + 17 * i + 4, name, "start")

    def write(self, path, title):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}" '
                        f'role="img"><title>{escape(title)}</title>\n' + "\n".join(self.parts) + "\n</svg>\n", encoding="utf-8")
