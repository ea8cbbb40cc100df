"""environment: lens

Autoencoders of SAELens read by sae4j, and what sae4j writes read by SAELens: features and reconstructions of the same rows."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sae_lens
import torch
from safetensors.torch import load_file, save_file

from claim import difference, main, row, sae

D_IN, D_SAE, D_OUT, ROWS = 24, 96, 20, 37
KINDS = {
    "standard": (sae_lens.StandardSAE, sae_lens.StandardSAEConfig, {}),
    "topk": (sae_lens.TopKSAE, sae_lens.TopKSAEConfig, {"k": 7}),
    "topk-rescaled": (sae_lens.TopKSAE, sae_lens.TopKSAEConfig, {"k": 7, "rescale_acts_by_decoder_norm": True}),
    "jumprelu": (sae_lens.JumpReLUSAE, sae_lens.JumpReLUSAEConfig, {}),
    "gated": (sae_lens.GatedSAE, sae_lens.GatedSAEConfig, {}),
    "abstopk": (sae_lens.AbsTopKSAE, sae_lens.AbsTopKSAEConfig, {"k": 7}),
    "matching-pursuit": (sae_lens.MatchingPursuitSAE, sae_lens.MatchingPursuitSAEConfig, {"max_iterations": 9}),
    "layer-norm": (sae_lens.StandardSAE, sae_lens.StandardSAEConfig, {"normalize_activations": "layer_norm"}),
    "not-centered": (sae_lens.StandardSAE, sae_lens.StandardSAEConfig, {"apply_b_dec_to_input": False}),
    "transcoder": (sae_lens.Transcoder, sae_lens.TranscoderConfig, {"d_out": D_OUT}),
    "skip-transcoder": (sae_lens.SkipTranscoder, sae_lens.SkipTranscoderConfig, {"d_out": D_OUT}),
    "jumprelu-transcoder": (sae_lens.JumpReLUTranscoder, sae_lens.JumpReLUTranscoderConfig, {"d_out": D_OUT}),
    "jumprelu-skip-transcoder": (sae_lens.JumpReLUSkipTranscoder, sae_lens.JumpReLUSkipTranscoderConfig, {"d_out": D_OUT}),
}


def make(kind, folder):
    make_sae, config, settings = KINDS[kind]
    torch.manual_seed(len(kind))
    transcoder = "d_out" in settings
    metadata = {"model_name": "gpt2-small", "hook_name": "blocks.1.ln2.hook_normalized" if transcoder else "blocks.1.hook_resid_pre",
                "context_size": 64, "prepend_bos": True}
    if transcoder:
        settings = settings | {"apply_b_dec_to_input": False}
        metadata["hook_name_out"] = "blocks.1.hook_mlp_out"
    coder = make_sae(config(d_in=D_IN, d_sae=D_SAE, dtype="float32", device="cpu", metadata=sae_lens.saes.sae.SAEMetadata(**metadata),
                            **settings))
    with torch.no_grad():
        for name, parameter in coder.named_parameters():
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.dim() == 1 else 0.35))
            if name == "threshold":
                parameter.abs_()
        if kind == "matching-pursuit":
            coder.W_dec /= coder.W_dec.norm(dim=1, keepdim=True)
    coder.save_model(str(folder))
    return coder


def theirs(coder, x):
    with torch.no_grad():
        features = coder.encode(x)
        features = features.to_dense() if features.is_sparse else features
        return features, coder(x)


def rows_for(x_path):
    x = torch.randn(ROWS, D_IN, generator=torch.Generator().manual_seed(5)) * 1.3
    save_file({"x": x}, str(x_path))
    return x


def ours(folder, x_path, out):
    sae("encode", "--sae", folder, "--input", x_path, "--tensor", "x", "--output", out)
    values = load_file(str(out))
    return values["features"], values["reconstruction"]


def define(kind):
    @row(f"saelens-read-{kind}", f"SAELens' {kind} folder: sae4j gives its features and reconstruction", ["sae-lens"], 1e-5)
    def read(folder):
        coder = make(kind, folder / "theirs")
        x = rows_for(folder / "x.safetensors")
        f, y = theirs(coder, x)
        f2, y2 = ours(folder / "theirs", folder / "x.safetensors", folder / "out.safetensors")
        if (f2 != 0).sum() == 0:
            raise AssertionError("no feature is active")
        return max(difference(f2, f), difference(y2, y)), f"{ROWS} x {D_SAE} features, {ROWS} reconstructions"

    @row(f"saelens-written-{kind}", f"{kind} written by `sae convert`: SAELens gives the values of the original", ["sae-lens"], 1e-5)
    def written(folder):
        coder = make(kind, folder / "theirs")
        x = rows_for(folder / "x.safetensors")
        f, y = theirs(coder, x)
        sae("convert", "--sae", folder / "theirs", "--to", "saelens", "--output", folder / "ours")
        f2, y2 = theirs(sae_lens.SAE.load_from_disk(str(folder / "ours")), x)
        return max(difference(f2, f), difference(y2, y)), f"{ROWS} x {D_SAE} features, {ROWS} reconstructions"


for each in KINDS:
    define(each)

RECIPES = ["topk", "batchtopk", "jumprelu", "gated"]


def define_recipe(name, recipe, settings):
    @row(f"saelens-trained-{name}", f"An autoencoder trained by `sae train --recipe {recipe}`: SAELens gives our features", ["sae-lens"], 1e-5)
    def trained(folder):
        x = rows_for(folder / "x.safetensors")
        data = torch.randn(4096, D_IN, generator=torch.Generator().manual_seed(9)) @ torch.randn(D_IN, D_IN)
        save_file({"x": data}, str(folder / "data.safetensors"))
        sae("train", "--recipe", recipe, "--activations", folder / "data.safetensors", "--tensor", "x", "--hook", "blocks.0.hook_mlp_out",
            "--model-name", "gpt2-small", "--steps", "60", "--batch", "64", "--set", f"d_sae={D_SAE}", *settings, "--output", folder / "run")
        f2, y2 = ours(folder / "run", folder / "x.safetensors", folder / "out.safetensors")
        f, y = theirs(sae_lens.SAE.load_from_disk(str(folder / "run")), x)
        return max(difference(f2, f), difference(y2, y)), f"{ROWS} x {D_SAE} features, {ROWS} reconstructions"


for each, recipe, more in [("topk", "openai-topk", ["--set", "k=8"]), ("batchtopk", "batch-topk", ["--set", "k=8"]),
                           ("jumprelu", "jumprelu", []), ("gated", "gated", []), ("relu", "paper", [])]:
    define_recipe(each, recipe, more)

if __name__ == "__main__":
    main()
