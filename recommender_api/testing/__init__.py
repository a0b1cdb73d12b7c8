"""For tests of rankers, those of other packages too: the contract and a world with a known right answer.

    from recommender_api.testing.ranker_contract import RankerContract

Needs pytest; nothing that runs imports it.
"""
