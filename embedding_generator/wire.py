"""The bodies of `POST /v1/embeddings`, in OpenAI's shape, and how vectors travel in them.

Both ends use this: `app` writes answers, `http` reads them, also those of other servers of that shape.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from embedding_generator.client import Embeddings

PRIORITY_HEADER = "X-Marquee-Priority"
BULK = "bulk"
Encoding = Literal["float", "base64"]

# A component of a unit vector of some hundred dimensions is a few hundredths: nine places carry a float32 over.
_PLACES = 9


def _well_formed(text: str) -> str:
    """JSON can escape half a character, which no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text holds half of a surrogate pair") from None
    return text


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Texts = list[Annotated[str, AfterValidator(_well_formed)]]


class EmbeddingsRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Annotated[Texts, BeforeValidator(_as_list, json_schema_input_type=str | list[str])] = Field(
        description="One text or several"
    )
    model: str | None = Field(None, description="Name of the loaded model, with or without its revision")
    encoding_format: Encoding = Field("float", description="Vectors as lists of numbers, or as packed float32")
    dimensions: int | None = Field(None, description="Only the model's own dimension is possible")
    user: str | None = Field(None, description="Accepted for compatibility; not used")


class Malformed(ValueError):
    """The answer of a server that does not speak this shape; the message ends a sentence about that server."""


def answer(embeddings: Embeddings, encoding: Encoding) -> dict[str, Any]:
    """The answer's body. `truncated` is ours: places of the texts that were cut."""
    pack = _packed if encoding == "base64" else rounded
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": place, "embedding": vector}
            for place, vector in enumerate(pack(embeddings.vectors))
        ],
        "model": embeddings.model,
        "usage": {"prompt_tokens": embeddings.tokens, "total_tokens": embeddings.tokens},
        "truncated": [place for place, cut in enumerate(embeddings.truncated) if cut],
    }


def read_answer(body: Any, count: int) -> Embeddings:
    """The vectors (count, D), each of length 1, in the order of the texts. Raises Malformed."""
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise Malformed("without a list of embeddings")
    rows: dict[int, np.ndarray] = {}
    for place, item in enumerate(body["data"]):
        index = item.get("index", place) if isinstance(item, dict) else None
        if not isinstance(index, int) or not 0 <= index < count or index in rows:
            raise Malformed(f"with a wrong index at embedding {place}")
        rows[index] = _vector(item.get("embedding"), index)
    if len(rows) != count:
        raise Malformed(f"with {len(rows)} embeddings for {count} texts")
    lengths = {len(row) for row in rows.values()}
    if len(lengths) > 1:
        raise Malformed(f"with embeddings of different lengths ({min(lengths)} and {max(lengths)})")
    vectors = np.stack([rows[index] for index in range(count)])  # (N, D)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(norms).all() and (norms > 0).all()):
        raise Malformed("with an embedding that is zero or not finite")
    cut = _places(body.get("truncated"))
    return Embeddings(
        str(body.get("model") or ""),
        (vectors / norms).astype(np.float32),
        tuple(index in cut for index in range(count)),
        _tokens(body.get("usage")),
    )


def rounded(vectors: np.ndarray) -> list[list[float]]:
    """Rows as lists of short numbers: float32 widened to float64 would print twice the digits it has."""
    return np.round(vectors.astype(np.float64), _PLACES).tolist()  # type: ignore[no-any-return]


def _packed(vectors: np.ndarray) -> list[str]:
    return [base64.b64encode(row.tobytes()).decode() for row in vectors.astype("<f4")]


def _vector(value: Any, index: int) -> np.ndarray:
    """(D,) float64 of a list of numbers, or of base64 of little-endian float32."""
    try:
        if isinstance(value, str):
            vector = np.frombuffer(base64.b64decode(value, validate=True), "<f4").astype(np.float64)
        else:
            vector = np.asarray(value, np.float64)
    except (ValueError, TypeError, OverflowError, binascii.Error):
        raise Malformed(f"with something that is not a vector at embedding {index}") from None
    if not isinstance(value, str | list) or vector.ndim != 1 or not len(vector):
        raise Malformed(f"with something that is not a vector at embedding {index}")
    return vector


def _places(value: Any) -> Sequence[int]:
    return [place for place in value if isinstance(place, int)] if isinstance(value, list) else []


def _tokens(usage: Any) -> int:
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) else 0
