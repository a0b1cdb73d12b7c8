"""`python -m marquee.probe URL`: exit 0 when it answers 2xx. The health check of the containers, which have no curl."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request


def healthy(url: str, timeout_s: float = 3.0) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy between a container and itself
    try:
        with direct.open(url, timeout=timeout_s):
            return True
    except (urllib.error.URLError, OSError) as error:
        print(f"{url}: {error}", file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(0 if healthy(sys.argv[1]) else 1)
