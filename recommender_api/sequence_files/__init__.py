"""Any file of "who took what, in which order" as training data: text, csv, parquet, TFRecord, an exported folder.

`read_sequences` is the one call, for `marquee train|evaluate --data FILE` and for scripts. A store loads data sets
through `indexer.datasets`, which sets bad rows aside; here a bad row ends the reading, because a model is measured on
these very rows. Ids stay as the file has them: they may name books as well.
"""

from __future__ import annotations

from pathlib import Path

from recommender_api.data import DataError, TrainingData, read_training_data
from recommender_api.sequence_files.assemble import assemble
from recommender_api.sequence_files.cache import SequenceCache, content_key
from recommender_api.sequence_files.facts import files_beside, read_facts
from recommender_api.sequence_files.parquet import is_parquet, read_parquet
from recommender_api.sequence_files.text import read_text
from recommender_api.sequence_files.tfrecord import is_tfrecord, read_tfrecord

__all__ = ["SequenceCache", "read_sequences"]


def read_sequences(path: Path, *, cache: SequenceCache | None = None) -> TrainingData:
    """The data of a file, or of a folder that `marquee export` wrote.

    Without ratings every row counts as liked, without times the order of the rows is the time; `TrainingData.implied`
    says so. Of an item that a user has twice the later row counts. Titles, genres and users of MovieLens come along
    where its files lie beside. Raises DataError: one sentence, with the line where there are lines.
    """
    path = Path(path)
    if path.is_dir():
        return read_training_data(path)
    if not path.is_file():
        raise DataError(f"{path} does not exist; name a file of sequences or a folder that `marquee export` wrote.")
    if cache is None:
        return _read(path)
    return cache.get(content_key([path, *files_beside(path)]), lambda: _read(path))


def _read(path: Path) -> TrainingData:
    if is_parquet(path):
        columns = read_parquet(path)
    elif is_tfrecord(path):
        columns = read_tfrecord(path)
    else:
        columns = read_text(path)
    data = assemble(columns)
    return read_facts(path, data, renumbered=columns.renumbered)
