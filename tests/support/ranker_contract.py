"""The contract ships with the package: `recommender_api.testing`."""

from recommender_api.testing.ranker_contract import RankerContract as RankerContract
from recommender_api.testing.ranker_contract import overtaken as overtaken
