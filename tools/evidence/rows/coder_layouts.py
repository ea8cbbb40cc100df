"""environment: coders

Autoencoders of sparsify and dictionary_learning read by sae4j, and sparsify's layout written by sae4j read by sparsify."""
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# On a CPU sparsify decodes in PyTorch.
os.environ["SPARSIFY_DISABLE_TRITON"] = "1"

import torch
from dictionary_learning.dictionary import AutoEncoder, AutoEncoderNew, GatedAutoEncoder, JumpReluAutoEncoder
from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE
from dictionary_learning.trainers.top_k import AutoEncoderTopK
from safetensors.torch import load_file, save_file
from sparsify import SparseCoder, SparseCoderConfig

from claim import difference, main, row, sae

D_IN, D_SAE, ROWS, K = 24, 96, 37, 7
GROUPS = [24, 24, 48]


def rows_for(folder):
    x = torch.randn(ROWS, D_IN, generator=torch.Generator().manual_seed(5)) * 1.3
    save_file({"x": x}, str(folder / "x.safetensors"))
    return x


def ours(folder, coder):
    sae("encode", "--sae", coder, "--input", folder / "x.safetensors", "--tensor", "x", "--output", folder / "out.safetensors")
    values = load_file(str(folder / "out.safetensors"))
    if (values["features"] != 0).sum() == 0:
        raise AssertionError("no feature is active")
    return values["features"], values["reconstruction"]


LEARNING = {
    "standard": (AutoEncoder, "StandardTrainer", (D_IN, D_SAE), {}),
    "standard-april": (AutoEncoderNew, "StandardTrainerAprilUpdate", (D_IN, D_SAE), {}),
    "gated": (GatedAutoEncoder, "GatedSAETrainer", (D_IN, D_SAE), {}),
    "jumprelu": (JumpReluAutoEncoder, "JumpReluTrainer", (D_IN, D_SAE), {}),
    "topk": (AutoEncoderTopK, "TopKTrainer", (D_IN, D_SAE, K), {"k": K}),
    "batch-topk": (BatchTopKSAE, "BatchTopKTrainer", (D_IN, D_SAE, K), {"k": K}),
    "matryoshka": (MatryoshkaBatchTopKSAE, "MatryoshkaBatchTopKTrainer", (D_IN, D_SAE, K, GROUPS), {"k": K}),
}


def define_learning(kind):
    @row(f"dictionary-learning-read-{kind}", f"dictionary_learning's {kind} dictionary: sae4j gives its features and reconstruction",
         ["dictionary-learning"], 1e-5)
    def read(folder):
        make, trainer, arguments, settings = LEARNING[kind]
        torch.manual_seed(len(kind))
        dictionary = make(*arguments)
        with torch.no_grad():
            for name, parameter in dictionary.named_parameters():
                if parameter.dim() == 1:
                    parameter.copy_(torch.randn_like(parameter) * 0.2)
                if name == "threshold":
                    parameter.copy_(parameter.abs() + 0.1)
            for name, buffer in dictionary.named_buffers():
                if name == "threshold":
                    buffer.fill_(0.4)
        target = folder / "trainer_0"
        target.mkdir()
        torch.save(dictionary.state_dict(), target / "ae.pt")
        (target / "config.json").write_text(json.dumps({"trainer": {
            "trainer_class": trainer, "dict_class": make.__name__, "activation_dim": D_IN, "dict_size": D_SAE, "layer": 1,
            "lm_name": "EleutherAI/pythia-70m-deduped", "submodule_name": "resid_post_layer_1", **settings}, "buffer": {"ctx_len": 64}}))
        x = rows_for(folder)
        with torch.no_grad():
            f = dictionary.encode(x)
            y = dictionary.decode(f) if kind != "standard-april" else dictionary(x)
        f2, y2 = ours(folder, target)
        return max(difference(f2, f), difference(y2, y)), f"{ROWS} x {D_SAE} features, {ROWS} reconstructions"


for each in LEARNING:
    define_learning(each)

SPARSIFY = {
    "topk": {},
    "groupmax": {"activation": "groupmax", "k": 8},
    "topk-skip": {"skip_connection": True},
    "transcoder": {"transcode": True},
    "transcoder-skip": {"transcode": True, "skip_connection": True},
}


def dense(coder, x):
    with torch.no_grad():
        out = coder(x, x) if coder.cfg.transcode else coder(x)
    features = torch.zeros(len(x), coder.num_latents)
    features.scatter_(1, out.latent_indices, out.latent_acts)
    return features, out.sae_out


def define_sparsify(kind):
    def make(folder):
        torch.manual_seed(len(kind))
        coder = SparseCoder(D_IN, SparseCoderConfig(**({"num_latents": D_SAE, "k": K} | SPARSIFY[kind])), device="cpu", dtype=torch.float32)
        with torch.no_grad():
            coder.encoder.bias.copy_(torch.randn_like(coder.encoder.bias) * 0.2)
            coder.b_dec.copy_(torch.randn_like(coder.b_dec) * 0.2)
            if coder.W_skip is not None:
                coder.W_skip.copy_(torch.randn_like(coder.W_skip) * 0.2)
        coder.save_to_disk(folder / "layers.1.mlp")
        return coder

    @row(f"sparsify-read-{kind}", f"sparsify's {kind} coder: sae4j gives its features and reconstruction", ["eai-sparsify"], 1e-5)
    def read(folder):
        coder = make(folder)
        x = rows_for(folder)
        f, y = dense(coder, x)
        f2, y2 = ours(folder, folder / "layers.1.mlp")
        return max(difference(f2, f), difference(y2, y)), f"{ROWS} x {D_SAE} features, {ROWS} reconstructions"

    @row(f"sparsify-written-{kind}", f"{kind} written by `sae convert --to sparsify`: sparsify gives the values of the original",
         ["eai-sparsify"], 1e-5)
    def written(folder):
        coder = make(folder)
        x = rows_for(folder)
        f, y = dense(coder, x)
        sae("convert", "--sae", folder / "layers.1.mlp", "--to", "sparsify", "--output", folder / "ours" / "layers.1.mlp")
        f2, y2 = dense(SparseCoder.load_from_disk(folder / "ours" / "layers.1.mlp", device="cpu"), x)
        return max(difference(f2, f), difference(y2, y)), f"{ROWS} x {D_SAE} features, {ROWS} reconstructions"


for each in SPARSIFY:
    define_sparsify(each)

if __name__ == "__main__":
    main()
