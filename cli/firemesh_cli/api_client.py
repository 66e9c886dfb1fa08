"""The control plane over HTTP, for commands that are given its address."""

import argparse
import json
import os
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from firemesh import errors

TIMEOUT_SECONDS = 60.0
KEY_VARIABLE = "FIREMESH_API_KEY"


def add_api_option(parser: argparse.ArgumentParser) -> None:
    """Add --api."""
    parser.add_argument("--api", help=f"go through the control plane at this URL, with the key in ${KEY_VARIABLE}")


class ApiClient:
    """Calls the REST interface with the key in the environment: on a command line everybody could read it."""

    def __init__(self, url: str) -> None:
        """Raises InvalidParameters when the URL is none, or no key is set."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise errors.InvalidParameters(f"--api {url!r} is no http or https address")
        self._url = url.rstrip("/")
        self._key = os.environ.get(KEY_VARIABLE, "")
        if not self._key:
            raise errors.InvalidParameters(f"no API key: set {KEY_VARIABLE} (`firemesh key create` makes one)")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON value.

        Raises:
            MeshError: what the control plane refused, in its own words.
            StoreUnavailable: no answer, or none of the control plane.
        """
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}/v1{path}", data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _refusal(error) from error
        except (OSError, ValueError) as error:
            raise errors.StoreUnavailable(f"no answer from {self._url}: {error}") from error


def _refusal(answer: urllib.error.HTTPError) -> errors.MeshError:
    try:
        problem = json.load(answer)
        return errors.MeshError(f"{problem['detail']} ({answer.code} {problem['code']}, request {problem['request_id']})")
    except (ValueError, KeyError, TypeError):
        return errors.StoreUnavailable(f"{answer.url} answered {answer.code}, not as the control plane does")
