"""Small tokenizers that read any English text: letter pairs, single characters, nothing unknown.

All pad on the right, as the published ones do: the pipelines crop their prompt template off
the left end by a fixed number of tokens.
"""

from __future__ import annotations

import string
from itertools import product

from tokenizers.pre_tokenizers import ByteLevel
from transformers import ByT5Tokenizer, CLIPTokenizer, LlamaTokenizerFast, Qwen2Tokenizer, T5TokenizerFast

_CHARACTERS = tuple(sorted(set(string.printable) - set(string.whitespace)))
_PAIRS = tuple(product(string.ascii_lowercase, repeat=2))
_PAIR_TOKENS = tuple("".join(pair) for pair in _PAIRS)

LLAMA_MARKERS = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|role|>", "<image>")
"""Tokens a prompt template of HunyuanVideo 1.0 is made of; each is one token."""


def sentencepiece_tokenizer() -> T5TokenizerFast:
    """Return a T5 tokenizer: about one token for two letters."""
    special = ("<pad>", "</s>", "<unk>")
    pieces = ("▁", *_CHARACTERS, *(f"▁{letter}" for letter in string.ascii_letters), *_PAIR_TOKENS)
    scores = [(piece, 0.0) for piece in special] + [(piece, -1.0) for piece in pieces]
    return T5TokenizerFast(vocab=scores, extra_ids=0)


def byte_tokenizer() -> ByT5Tokenizer:
    """Return a ByT5 tokenizer: one token for each byte."""
    return ByT5Tokenizer()


def qwen_tokenizer(prefix_tokens: int) -> Qwen2Tokenizer:
    """Return a byte-level Qwen 2 tokenizer whose chat template puts ``prefix_tokens`` tokens before the prompt.

    The template writes that many ``<|im_start|>`` in place of the system message. So a
    pipeline which crops the published message by its fixed length crops this prefix, and
    the prompt behind it survives.
    """
    tokens = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *sorted(ByteLevel.alphabet()), *_PAIR_TOKENS)
    tokenizer = Qwen2Tokenizer(vocab=_numbered(tokens), merges=list(_PAIRS), padding_side="right")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = (
        "<|im_start|>" * prefix_tokens + "{% for message in messages %}{% if message['role'] == 'user' %}"
        "{{ message['content'] }}<|im_end|>{% endif %}{% endfor %}"
    )
    return tokenizer


def llama_tokenizer() -> LlamaTokenizerFast:
    """Return a Llama tokenizer that knows :data:`LLAMA_MARKERS`."""
    tokens = ("<unk>", "<s>", "</s>", "<pad>", *LLAMA_MARKERS, "▁", *_CHARACTERS, *_PAIR_TOKENS)
    return LlamaTokenizerFast(
        vocab=_numbered(tokens),
        merges=list(_PAIRS),
        pad_token="<pad>",
        additional_special_tokens=list(LLAMA_MARKERS),
        padding_side="right",
    )


def clip_tokenizer() -> CLIPTokenizer:
    """Return a CLIP tokenizer, which reads everything in lower case."""
    alphabet = sorted(ByteLevel.alphabet())
    endings = tuple(f"{character}</w>" for character in alphabet)
    tokens = ("<|startoftext|>", "<|endoftext|>", *alphabet, *endings, *_PAIR_TOKENS)
    return CLIPTokenizer(vocab=_numbered(tokens), merges=list(_PAIRS), model_max_length=77)


def _numbered(tokens: tuple[str, ...]) -> dict[str, int]:
    return {token: index for index, token in enumerate(tokens)}
