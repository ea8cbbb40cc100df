"""Makes small tokenizers of every style, and what Hugging Face's tokenizers (0.23) make of texts with them.

    python make_tokenizer_golden.py OUT [--texts N] [--seed S]

OUT/STYLE/tokenizer.json, and OUT/STYLE/cases.jsonl with one object a line: text, ids, offsets (code points), special (ids with those that
the post-processor adds), decoded (with special tokens), plain (without). The fixtures in src/test/resources were made with --texts 24.
"""

import argparse
import json
import os
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN = GPT4.replace(r"\p{N}{1,3}", r"\p{N}")
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
          r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
          r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
DEEPSEEK = [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*"
            "|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"]

LINES = ["The capital of France is Paris, and the capital of Germany is Berlin.", "I don't know what you're saying; they'll see it's 2024.",
         "def main(args):\n    print('hello world')\n    return 12345 + 678\n", "  indented   text\twith\ttabs and  double  spaces",
         "Der Fluß fließt über die Brücke nach Österreich.", "El niño comió una piñata en España.", "世界你好，今天天气很好。日本語の文章です。",
         "Привет, мир! Как дела сегодня?", "مرحبا بالعالم كيف حالك", "नमस्ते दुनिया आप कैसे हैं", "한국어 문장입니다 안녕하세요", "👍🏽 emoji 😀😀 👩‍👩‍👧 🇫🇷",
         "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>", "x = [1, 2, 3]; y = {\"a\": 1.5e-3}", "CamelCaseWords AndMORE SHOUTING Text"]

PIECES = [" ", " ", " ", "  ", "   ", "    ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u2003", "\u3000", "\u0085", "\u001c", "\u200b", "\u200d", "a",
          "the", "The", " capital", "of", "Paris", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "'\u017f", "'", "''", "1", "12",
          "2024", "½", "Ⅷ", "٣", "²", ".", ",", "...", "!?", "-", "_", "(", ")", "{}", "<|", "|>", "<|endoftext|>", "<s>", "</s>", "<unk>",
          "<pad>", "[MASK]", "<mask>", "▁", "▁▁", "▁the", "<0x41>", "<0x0A>", "é", "e\u0301", "ü", "Ü", "ß", "ñ", "n\u0303", "世界", "日本語",
          "한국", "\u1112\u1161\u11ab", "мир", "שלום", "مرحبا", "नमस्ते", "ক\u09be", "😀", "👩\u200d👩\u200d👧", "🇫🇷", "𝒜𝓫", "𐍈", "ﬁ", "Å", "\u212b",
          "q\u0307\u0323", "\u0344", "\ufb2c", "ǖ", "İ", "ſ", "ﾊﾞ", "\u0000", "\u0004", "\u007f", "\ufffd", "\ufeff", "zz", "naïve", "[X]", "día"]


def random_text(rng):
    out = []
    for _ in range(rng.randrange(14)):
        if rng.randrange(4) == 0:
            c = rng.randrange(rng.choice([0x80, 0x300, 0x3000, 0x10000, 0x20000, 0x110000]))
            out.append("?" if 0xd800 <= c <= 0xdfff else chr(c))
        else:
            out.append(rng.choice(PIECES))
    return "".join(out)


def byte_level(split=None, normalizer=None, missing=(), special=("<|endoftext|>",), size=420, **bpe):
    tok = Tokenizer(models.BPE(**bpe))
    if normalizer is not None:
        tok.normalizer = normalizer
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split is None)
    tok.pre_tokenizer = last if split is None else pre_tokenizers.Sequence([*split, last])
    tok.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False)
    tok.train_from_iterator(LINES * 4, trainer)
    if missing:
        doc = json.loads(tok.to_str())
        for value in missing:
            gone = byte_characters()[value]
            doc["model"]["vocab"] = {t: i for t, i in doc["model"]["vocab"].items() if gone not in t}
            doc["model"]["merges"] = [m for m in doc["model"]["merges"] if gone not in "".join(m)]
        old = sorted(doc["model"]["vocab"].items(), key=lambda kv: kv[1])
        doc["model"]["vocab"] = {t: i for i, (t, _) in enumerate(old)}
        for added in doc["added_tokens"]:
            added["id"] = doc["model"]["vocab"][added["content"]]
        tok = Tokenizer.from_str(json.dumps(doc))
    return tok


def byte_characters():
    values = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table = {v: chr(v) for v in values}
    extra = 0
    for v in range(256):
        if v not in table:
            table[v] = chr(256 + extra)
            extra += 1
    return table


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def sentence_piece(normalizer, pre_tokenizer, decoder, special=("<unk>", "<s>", "</s>"), fuse=True, fallback=True, size=560, train_on=None):
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse, byte_fallback=fallback))
    if normalizer is not None:
        tok.normalizer = normalizer
    if pre_tokenizer is not None:
        tok.pre_tokenizer = pre_tokenizer
    tok.decoder = decoder
    # Trained with a split at spaces, as SentencePiece does.
    tok2 = Tokenizer(models.BPE(unk_token="<unk>"))
    tok2.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    specials = list(special) + (["<0x%02X>" % i for i in range(256)] if fallback else [])
    tok2.train_from_iterator((train_on or LINES) * 4, trainers.BpeTrainer(vocab_size=size, special_tokens=specials, limit_alphabet=90,
                                                                          show_progress=False))
    doc = json.loads(tok.to_str())
    trained = json.loads(tok2.to_str())
    doc["model"]["vocab"] = trained["model"]["vocab"]
    doc["model"]["merges"] = trained["model"]["merges"]
    doc["added_tokens"] = [a for a in trained["added_tokens"] if not a["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(doc))


def llama_decoder():
    return decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])


def template(single, tokens):
    return processors.TemplateProcessing(single=single, pair="$A $B", special_tokens=tokens)


def with_flags(tok, *tokens):
    for token in tokens:
        (tok.add_special_tokens if token.special else tok.add_tokens)([token])
    return tok


def unigram(fallback=False):
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tok.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tok.decoder = decoders.Metaspace(prepend_scheme="always")
    tok.train_from_iterator(LINES * 4, trainers.UnigramTrainer(vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>",
                                                               show_progress=False))
    tok.post_processor = template("$A </s>", [("</s>", tok.token_to_id("</s>"))])
    if fallback:
        doc = json.loads(tok.to_str())
        doc["model"]["byte_fallback"] = True
        doc["model"]["vocab"] += [["<0x%02X>" % i, -12.5] for i in range(256)]
        doc["decoder"] = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, doc["decoder"]]}
        tok = Tokenizer.from_str(json.dumps(doc))
    return tok


def styles():
    out = {}
    out["gpt2"] = byte_level()
    out["gpt2"].post_processor = processors.ByteLevel(trim_offsets=False)
    roberta = byte_level(special=("<s>", "<pad>", "</s>", "<unk>"))
    roberta = with_flags(roberta, AddedToken("<mask>", lstrip=True, special=True))
    roberta.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    out["roberta"] = roberta
    llama3 = byte_level([split(GPT4)], special=("<|begin_of_text|>", "<|endoftext|>"), ignore_merges=True)
    llama3.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True, add_prefix_space=True), template(
        "<|begin_of_text|> $A", [("<|begin_of_text|>", 0)])])
    out["llama3"] = llama3
    out["qwen2"] = byte_level([split(QWEN)], normalizer=normalizers.NFC())
    out["qwen2"].post_processor = processors.ByteLevel(trim_offsets=False, add_prefix_space=False)
    neox = byte_level(normalizer=normalizers.NFC(), special=("<|endoftext|>", "<|padding|>"))
    out["neox"] = with_flags(neox, *[AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    out["olmo2"] = byte_level([split(CL100K)])
    out["o200k"] = byte_level([split(O200K)])
    out["tekken"] = byte_level([split(TEKKEN)], ignore_merges=True)
    out["deepseek"] = byte_level([split(p) for p in DEEPSEEK])
    out["bloom"] = byte_level([split(BLOOM)])
    out["falcon"] = byte_level()
    out["falcon"].pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(
        add_prefix_space=False), pre_tokenizers.Digits(False), split("[0-9][0-9][0-9]")])
    out["twice"] = byte_level([pre_tokenizers.ByteLevel(add_prefix_space=True), pre_tokenizers.Digits(False)])
    out["smollm"] = byte_level(missing=(4, 6, 0x13, 0xc0, 0xf1, 0xf5))
    out["smollm"].pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    llama2 = sentence_piece(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None, llama_decoder())
    llama2.post_processor = template("<s> $A", [("<s>", 1)])
    out["llama2"] = llama2
    for scheme in ("first", "always", "never"):
        tok = sentence_piece(None, pre_tokenizers.Metaspace(prepend_scheme=scheme, split=scheme != "first"), llama_decoder())
        tok.post_processor = template("<s> $A </s>", [("<s>", 1), ("</s>", 2)])
        out["metaspace_" + scheme] = tok
    gemma = sentence_piece(normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"),
                           decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]),
                           special=("<pad>", "<eos>", "<bos>", "<unk>"))
    gemma.post_processor = template("<bos> $A", [("<bos>", 2)])
    out["gemma"] = with_flags(gemma, *[AddedToken("▁" * n, normalized=False) for n in (2, 3, 4)], AddedToken("\n\n", normalized=False))
    out["no_fallback"] = sentence_piece(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
                                        llama_decoder(), fallback=False, fuse=False, size=200)
    out["fused_unknown"] = sentence_piece(normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" ", "▁")]), None,
                                          llama_decoder(), fallback=False, fuse=True, size=200)
    out["unigram"] = unigram()
    out["unigram_bytes"] = unigram(True)
    flags = byte_level(normalizer=normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()]))
    out["flags"] = with_flags(flags, AddedToken("[MASK]", lstrip=True, special=True, normalized=False), AddedToken("[X]", rstrip=True),
                              AddedToken("zz", single_word=True), AddedToken("día", normalized=True), AddedToken("naïve", normalized=False),
                              AddedToken("the", lstrip=True, rstrip=True, single_word=True))
    ends = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    ends.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    ends.pre_tokenizer = pre_tokenizers.Sequence([split(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", "removed", True)])
    ends.decoder = decoders.BPEDecoder()
    ends.train_from_iterator(LINES * 4, trainers.BpeTrainer(vocab_size=250, special_tokens=["<unk>"], end_of_word_suffix="</w>",
                                                            show_progress=False))
    out["word_ends"] = ends
    pieces = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    pieces.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.Strip(), normalizers.Lowercase()])
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.decoder = decoders.WordPiece()
    pieces.train_from_iterator(LINES * 4, trainers.WordPieceTrainer(vocab_size=300, special_tokens=["[UNK]", "[CLS]", "[SEP]"],
                                                                    show_progress=False))
    pieces.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    out["word_pieces"] = pieces
    words = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(LINES * 4, trainers.WordLevelTrainer(special_tokens=["[UNK]"], show_progress=False))
    out["word_level"] = words
    for name, steps in {
        "behaviors": [split(r"[aeiou]", "merged_with_previous"), split(r"\p{P}", "merged_with_next"), split(r"\s", "contiguous")],
        "empty_matches": [split(r"(?<=\p{Ll})(?=\p{Lu})"), split(r"\b", "merged_with_next"), split(r"(?=\d)", "merged_with_previous")],
        "lines": [split(r"^\s*|\s*$", "isolated"), split(r"\p{Han}+|[^\p{Han}]+?(?=\p{Han}|\z)", "isolated")],
        "lazy": [split(r"(?:\p{L}{2,4}?|\p{N}++|(?>\s+)(?!\S))(?<!x)", "isolated"), split(r"(?i:[a-f]+)|\h+|\R", "removed", True)],
    }.items():
        out[name] = byte_level(steps)
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--texts", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    texts = [random_text(rng) for _ in range(args.texts)]
    for name, tok in styles().items():
        if args.only and name not in args.only.split(","):
            continue
        folder = os.path.join(args.out, name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
            json.dump(json.loads(tok.to_str()), f, ensure_ascii=False, separators=(",", ":"))
        with open(os.path.join(folder, "cases.jsonl"), "w", encoding="utf-8") as f:
            for text in texts:
                try:
                    plain = tok.encode(text, add_special_tokens=False)
                except Exception as e:  # noqa: BLE001
                    print(name, "cannot encode", repr(text), str(e)[:80])
                    continue
                special = tok.encode(text).ids
                f.write(json.dumps({"text": text, "ids": plain.ids, "offsets": [x for o in plain.offsets for x in o], "special": special,
                                    "decoded": tok.decode(special, skip_special_tokens=False) if special else "",
                                    "plain": tok.decode(special) if special else ""}, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
