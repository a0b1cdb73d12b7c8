"""Fetch one sentence-transformers model from its hub, ahead of time, and pin its revision.

Takes configuration and safetensors only: no code, no pickles. Used by `marquee models pull-embedding` and by
`locate` for a model that is nowhere on this machine.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedding_generator.sentence_models import Located, full_name, is_model, pin
from service_kit.errors import ModelUnavailable

_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
_OTHER_RUNTIMES = ["onnx/*", "openvino/*"]
_FIRST_ANSWER_S = 5.0  # the hub's client retries for minutes; one question first tells whether it is there


def pull_embedding(name: str, revision: str | None, models_dir: Path, *, endpoint: str | None = None) -> Located:
    """Download the model (what is already there is not fetched again) and remember its commit.

    Raises ModelUnavailable with one sentence: hub out of reach, no such model or revision, no safetensors weights.
    """
    try:
        from huggingface_hub import HfApi, snapshot_download
    except ImportError as error:
        raise ModelUnavailable("huggingface_hub is missing: install marquee-recommender[embedding]") from error
    name = full_name(name)
    models_dir.mkdir(parents=True, exist_ok=True)
    with _one_sentence(name, revision):
        known = HfApi(endpoint=endpoint).model_info(name, revision=revision, timeout=_FIRST_ANSWER_S)
        if not any(file.rfilename.endswith(".safetensors") for file in known.siblings or ()):
            raise ModelUnavailable(f"{name} has no safetensors weights, and pickled ones are not opened: take another")
        folder = snapshot_download(
            name,
            revision=known.sha,
            cache_dir=models_dir,
            allow_patterns=_WANTED,
            ignore_patterns=_OTHER_RUNTIMES,
            endpoint=endpoint,
        )
    if known.sha is None or not is_model(Path(folder)):
        raise ModelUnavailable(f"the hub's copy of {name} is not a sentence-transformers model")
    pin(name, known.sha, models_dir)
    return Located(Path(folder), f"{name}@{known.sha}")


@contextmanager
def _one_sentence(name: str, revision: str | None) -> Iterator[None]:
    from huggingface_hub import get_session
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    # The client's HTTP library differs between its versions; its errors share this base.
    library = importlib.import_module(type(get_session()).__module__.partition(".")[0])
    try:
        yield
    except HFValidationError:
        raise ModelUnavailable(f"{name!r} is not the name of a model") from None
    except RevisionNotFoundError:
        raise ModelUnavailable(f"{name} has no revision {revision} on its hub") from None
    except RepositoryNotFoundError:
        raise ModelUnavailable(f"there is no model {name} on the hub, or it needs an account") from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, library.HTTPError) as error:
        raise ModelUnavailable(
            f"{name} could not be fetched, its hub is out of reach ({type(error).__name__}): run `marquee models "
            f"pull-embedding {name}` where there is a network, or use the model `lsa`"
        ) from error
