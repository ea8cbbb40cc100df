"""The text of the entries in a byte-level tokenizer's vocabulary."""
import re


def byte_of_character():
    """GPT-2's printable stand-ins for bytes."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}


BYTES = byte_of_character()


def text_of(entries):
    """The text of vocabulary entries; brackets stay, and bytes that are no whole character become a replacement character."""
    parts = re.split("([⟦⟧])", entries)
    return "".join(part if part in ("⟦", "⟧") else bytes(BYTES[c] for c in part).decode("utf-8", "replace") for part in parts)


def name_of(entry):
    """A token's name, spaces and case aside; a token that is a part of a character keeps its entry."""
    text = text_of(entry)
    return entry if "\ufffd" in text else text.strip().lower()
