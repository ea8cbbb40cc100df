"""environment: lens

Models of transformers, small and random: logits and the residual stream; SmolLM2's logits, tokens and greedy text where its folder is given."""
import json
import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
import transformers
from safetensors.torch import load_file

from claim import difference, main, row, sae

COMMON = {"vocab_size": 61, "hidden_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 64}
LLAMA = COMMON | {"num_key_value_heads": 2, "intermediate_size": 52, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
FAMILIES = {
    "llama": ("Llama", LLAMA | {"attention_bias": True}),
    "llama-rope-llama3": ("Llama", LLAMA | {"rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                                             "high_freq_factor": 4.0, "original_max_position_embeddings": 16}}),
    "mistral-window": ("Mistral", LLAMA | {"sliding_window": 5}),
    "qwen2": ("Qwen2", LLAMA),
    "qwen3": ("Qwen3", LLAMA | {"head_dim": 14}),
    "gemma": ("Gemma", LLAMA | {"head_dim": 10}),
    "gemma2": ("Gemma2", LLAMA | {"head_dim": 10, "sliding_window": 5, "query_pre_attn_scalar": 24}),
    "gemma3": ("Gemma3", LLAMA | {"head_dim": 10, "sliding_window": 5}),
    "olmo2": ("Olmo2", LLAMA),
    "gpt-neox": ("GPTNeoX", COMMON | {"intermediate_size": 52}),
    "gpt-neox-serial": ("GPTNeoX", COMMON | {"intermediate_size": 52, "use_parallel_residual": False}),
    "phi": ("Phi", COMMON | {"intermediate_size": 52, "partial_rotary_factor": 0.4}),
    "gpt2": ("GPT2", {"vocab_size": 61, "n_embd": 40, "n_layer": 2, "n_head": 4, "n_positions": 64}),
    "gpt-neo": ("GPTNeo", {"vocab_size": 61, "hidden_size": 40, "num_layers": 2, "num_heads": 4, "max_position_embeddings": 64,
                           "attention_types": [[["global", "local"], 1]], "window_size": 5}),
    "opt": ("OPT", {"vocab_size": 61, "hidden_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 52,
                    "max_position_embeddings": 64, "word_embed_proj_dim": 40}),
    "falcon": ("Falcon", {"vocab_size": 61, "hidden_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4}),
}
TOKENS = [[3, 17, 5, 5, 44, 60, 9, 12, 30, 2, 7, 7], [8, 1, 1, 59, 23, 31, 4, 40, 11, 6, 50, 13]]


def model_of(kind):
    name, settings = FAMILIES[kind]
    config = getattr(transformers, name + ("TextConfig" if name == "Gemma3" else "Config"))(**settings)
    torch.manual_seed(len(kind))
    model = getattr(transformers, name + "ForCausalLM" if name != "GPT2" else "GPT2LMHeadModel")._from_config(
        config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def define(kind):
    @row(f"transformers-forward-{kind}", f"{FAMILIES[kind][0]} from a Hugging Face folder: logits and residual stream are transformers'",
         ["transformers"], 1e-4)
    def forward(folder):
        model = model_of(kind)
        model.save_pretrained(folder / "model")
        with torch.no_grad():
            out = model(torch.tensor(TOKENS), output_hidden_states=True)
        text = ";".join(",".join(map(str, line)) for line in TOKENS)
        sae("activations", "--model", folder / "model", "--tokens", text, "--hook", "logits,blocks.0.hook_resid_post", "--output",
            folder / "out.safetensors")
        values = load_file(str(folder / "out.safetensors"))
        return (max(difference(values["logits"], out.logits), difference(values["blocks.0.hook_resid_post"], out.hidden_states[1])),
                f"{out.logits.numel()} logits, {out.hidden_states[1].numel()} values of the stream")

    @row(f"transformers-greedy-{kind}", f"{FAMILIES[kind][0]}: greedy tokens are transformers'", ["transformers"], 0)
    def greedy(folder):
        model = model_of(kind)
        model.generation_config = transformers.GenerationConfig()
        model.save_pretrained(folder / "model")
        with torch.no_grad():
            tokens = model.generate(torch.tensor(TOKENS[:1]), max_new_tokens=16, do_sample=False, eos_token_id=None, pad_token_id=0)
        out = json.loads(sae("generate", "--model", folder / "model", "--tokens", ",".join(map(str, TOKENS[0])), "--max-new-tokens", "16",
                             "--json"))
        theirs = tokens[0, len(TOKENS[0]):].tolist()
        # sae4j ends a text at the end token that the configuration names.
        if model.config.eos_token_id in theirs:
            theirs = theirs[:theirs.index(model.config.eos_token_id) + 1]
        return sum(a != b for a, b in zip(out["tokens"], theirs)) + abs(len(out["tokens"]) - len(theirs)), f"{len(theirs)} tokens"


for each in FAMILIES:
    define(each)

SMOLLM2 = os.environ.get("SMOLLM2")


def smollm2():
    if not SMOLLM2:
        raise RuntimeError("set SMOLLM2 to the Hugging Face folder of SmolLM2-135M-Instruct")
    return SMOLLM2


@row("smollm2-logits", "SmolLM2-135M-Instruct in float32: logits are transformers'", ["transformers"], 1e-4)
def smollm2_logits(folder):
    path = smollm2()
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    text = "The capital of France is Paris, and the river that flows through it is called the Seine."
    tokens = tokenizer(text)["input_ids"]
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits
    sae("activations", "--model", path, "--text", text, "--hook", "logits", "--output", folder / "out.safetensors")
    return difference(load_file(str(folder / "out.safetensors"))["logits"], logits), f"{logits.numel()} logits"


@row("smollm2-greedy", "SmolLM2-135M-Instruct: greedy tokens are transformers'", ["transformers"], 0)
def smollm2_greedy(_):
    path = smollm2()
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    different = 0
    texts = ["The capital of France is", "def fibonacci(n):\n", "Once upon a time"]
    for text in texts:
        tokens = tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            theirs = model.generate(tokens, max_new_tokens=24, do_sample=False)[0, tokens.shape[1]:].tolist()
        ours = json.loads(sae("generate", "--model", path, "--text", text, "--max-new-tokens", "24", "--json"))["tokens"]
        different += sum(a != b for a, b in zip(ours, theirs)) + abs(len(ours) - len(theirs))
    return different, f"{24 * len(texts)} tokens"


@row("smollm2-tokens", "SmolLM2's tokenizer: ids of random texts are those of tokenizers", ["tokenizers"], 0)
def smollm2_tokens(folder):
    path = smollm2()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    draw = random.Random(7)
    blocks = [(0x20, 0x7e), (0xa1, 0x24f), (0x370, 0x5ff), (0x4e00, 0x4fff), (0x1f300, 0x1f64f)]
    texts = []
    for _ in range(5000):
        low, high = draw.choice(blocks)
        texts.append("".join(chr(draw.randint(low, high)) if draw.random() < .8 else draw.choice(" \n\t1290") for _ in range(draw.randint(1, 40))))
    lines = folder / "texts.jsonl"
    lines.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))
    ours = [json.loads(line)["ids"] for line in sae("tokenize", "--model", path, "--jsonl", lines).splitlines()]
    return sum(a != tokenizer(t, add_special_tokens=False)["input_ids"] for a, t in zip(ours, texts)) + abs(len(ours) - len(texts)), \
        f"{len(texts)} texts"


if __name__ == "__main__":
    main()
