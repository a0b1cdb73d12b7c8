from my_ranker import MyRanker, Options

from recommender_api.testing.ranker_contract import RankerContract


class TestMyRanker(RankerContract):
    ranker, options, predicts = MyRanker, Options(), False
