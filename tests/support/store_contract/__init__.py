"""What every store must do, as test classes: the docstrings of `indexer.ports` in running form.

A backend inherits `StoreContract` and gives two fixtures: `stores`, empty and its own, and `reopen`, which opens the
same place once more (`reopen(longest_history=5)` with other settings) and closes it after the test.
"""

from tests.support.store_contract.movies import MovieContract
from tests.support.store_contract.users import UserContract
from tests.support.store_contract.vectors import VectorContract
from tests.support.store_contract.whole import WholeContract


class StoreContract(MovieContract, VectorContract, UserContract, WholeContract):
    pass
