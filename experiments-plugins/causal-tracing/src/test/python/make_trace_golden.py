"""Causal traces of the demo's capitals, scored by whole answers, computed with Hugging Face's GPT-2 (PyTorch) alone.

    HF_HUB_OFFLINE=1 python make_trace_golden.py        (torch, transformers, tokenizers)

Writes capitals-trace.json beside the tests' resources: the noise, so that any implementation corrupts alike, the score of each fact (the
product of the probabilities of all tokens of its answer) clean and corrupted, and the mean indirect effect of restoring a block's output at the
last token of the subject and at the last token of the prompt. The positions behind the prompt, which predict the answer's further tokens, are
restored with the prompt's last token. Every restored value costs one whole pass: nothing is resumed, cached or batched across facts.
"""
import json
import pathlib

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

here = pathlib.Path(__file__).resolve().parent
world = here.parents[4] / "tools/demo-world/src/main/resources/org/sae4j/demoworld"
model = GPT2LMHeadModel.from_pretrained(world / "gpt2-4l-demo", dtype=torch.float32).eval()
tokenizer = Tokenizer.from_file(str(world / "gpt2-4l-demo/tokenizer.json"))
facts = [f for f in json.loads((world / "facts.json").read_text()) if f["relation"] == "capital"]
BOS, ROWS = 0, 3
width, layers = model.config.n_embd, model.config.n_layer


def ids(text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def subject_span(prompt, subject):
    encoding = tokenizer.encode(prompt, add_special_tokens=False)
    start = prompt.index(subject)
    inside = [i for i, (a, b) in enumerate(encoding.offsets) if b > start and a < start + len(subject)]
    return inside[0] + 1, inside[-1] + 2  # the beginning-of-sequence token stands before


def run(tokens, noise=None, span=None, restore=None):
    """Logits of a pass, and the outputs of all blocks; restore = (layer, positions, clean outputs)."""
    hooks, outputs = [], [None] * layers
    if noise is not None:
        def corrupt(module, args, output):
            output = output.clone()
            output[:, span[0]:span[1]] += noise[:, : span[1] - span[0]]
            return output
        hooks.append(model.transformer.wte.register_forward_hook(corrupt))
    for layer, block in enumerate(model.transformer.h):
        def keep(module, args, output, layer=layer):
            hidden = output[0] if isinstance(output, tuple) else output
            if restore is not None and restore[0] == layer:
                hidden = hidden.clone()
                for position in restore[1]:
                    hidden[:, position] = restore[2][layer][:, position]
                output = (hidden,) + tuple(output[1:]) if isinstance(output, tuple) else hidden
            outputs[layer] = hidden
            return output
        hooks.append(block.register_forward_hook(keep))
    with torch.no_grad():
        logits = model(torch.tensor([tokens] * (1 if noise is None else ROWS)), use_cache=False).logits
    for hook in hooks:
        hook.remove()
    return logits.double(), outputs


def score(logits, prompt_length, answer):
    """The probability of the whole answer, one for each row."""
    log_probabilities = torch.log_softmax(logits[:, prompt_length - 1:], dim=-1)
    return sum(log_probabilities[:, i, token] for i, token in enumerate(answer)).exp()


prompts = []
for fact in facts:
    prompt, answer = [BOS] + ids(fact["prompt"]), ids(fact["answer"])
    assert ids(fact["prompt"] + fact["answer"]) == prompt[1:] + answer
    prompts.append((fact, prompt, answer, subject_span(fact["prompt"], fact["subject"])))
subject_tokens = [t for _, prompt, _, (a, b) in prompts for t in prompt[a:b]]
deviation = model.transformer.wte.weight[subject_tokens].detach().double().numpy().std(ddof=1)
longest = max(b - a for *_, (a, b) in prompts)
noise = np.random.default_rng(7).normal(size=(ROWS, longest, width)) * 3 * deviation
noise = np.round(noise, 4).astype(np.float32)

clean, corrupted = [], []
effects = {"LAST": np.zeros(layers), "LAST_SUBJECT": np.zeros(layers)}
for fact, prompt, answer, span in prompts:
    tokens = prompt + answer[:-1]
    logits, clean_outputs = run(tokens)
    clean.append(score(logits, len(prompt), answer).mean().item())
    rows = torch.from_numpy(noise)
    base = score(run(tokens, rows, span)[0], len(prompt), answer).mean().item()
    corrupted.append(base)
    for layer in range(layers):
        for role, positions in (("LAST", range(len(prompt) - 1, len(tokens))), ("LAST_SUBJECT", [span[1] - 1])):
            restored = run(tokens, rows, span, (layer, positions, clean_outputs))[0]
            effects[role][layer] += (score(restored, len(prompt), answer).mean().item() - base) / len(prompts)

france = next(p for p in prompts if p[0]["subject"] == "France")
rome = ids(" Rome")
new = score(run(france[1] + rome[:-1])[0], len(france[1]), rome).item()
result = {"deviation": float(deviation), "noise": [[[round(float(v), 4) for v in t] for t in r] for r in noise], "clean": clean,
          "corrupted": corrupted, "effects": {role: list(values) for role, values in effects.items()}, "rome_after_france": new,
          "answer_tokens": [len(a) for _, _, a, _ in prompts]}
target = here.parent / "resources/org/sae4j/experiment/causaltracing/capitals-trace.json"
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps(result, separators=(",", ":")) + "\n")
print({k: v for k, v in result.items() if k not in ("noise", "clean", "corrupted")})
