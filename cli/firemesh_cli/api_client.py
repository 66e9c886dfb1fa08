"""The control plane over HTTP, for commands that are given its address."""

import argparse
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from firemesh import errors
from firemesh.client.problems import error_of

TIMEOUT_SECONDS = 60.0
KEY_VARIABLE = "FIREMESH_API_KEY"


def add_api_option(parser: argparse.ArgumentParser) -> None:
    """Add --api."""
    parser.add_argument("--api", help=f"go through the control plane at this URL, with the key in ${KEY_VARIABLE}")


def add_key_options(parser: argparse.ArgumentParser) -> None:
    """Add --key-file and --key, for commands that run long and are started by scripts."""
    parser.add_argument("--key-file", type=Path, help=f"read the API key from this file instead of ${KEY_VARIABLE}")
    parser.add_argument("--key", help="the API key itself; everybody on this machine can read it in the list of processes")


def chosen_key(args: argparse.Namespace) -> str:
    """The key that --key or --key-file give, else the environment's. Raises InvalidParameters when it cannot be read."""
    if args.key or args.key_file is None:
        return args.key or os.environ.get(KEY_VARIABLE, "")
    try:
        return str(args.key_file.read_text(encoding="ascii")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise errors.InvalidParameters(f"--key-file {args.key_file} cannot be read: {error}") from error


class ApiClient:
    """Calls the REST interface. The key comes from the environment, unless one is given."""

    def __init__(self, url: str, key: str = "") -> None:
        """Raises InvalidParameters when the URL is none, or there is no key."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise errors.InvalidParameters(f"--api {url!r} is no http or https address")
        self._url = url.rstrip("/")
        self._key = key or os.environ.get(KEY_VARIABLE, "")
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
        return error_of(json.load(answer), status=answer.code, retry_after=answer.headers.get("Retry-After", ""))
    except (ValueError, KeyError, TypeError):
        return errors.StoreUnavailable(f"{answer.url} answered {answer.code}, not as the control plane does")
