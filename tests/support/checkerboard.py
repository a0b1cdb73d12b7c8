"""The checkerboard ships with the package: `recommender_api.testing`."""

from recommender_api.testing.checkerboard import *  # noqa: F403
from recommender_api.testing.checkerboard import FILMS as FILMS
