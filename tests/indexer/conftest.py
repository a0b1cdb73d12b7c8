"""Failures inside the contract classes are explained as in a test file."""

import pytest

pytest.register_assert_rewrite("tests.support.store_contract")
