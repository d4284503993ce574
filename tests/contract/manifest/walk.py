"""Reads manifests with python-tuf: one JSON request per line in, one JSON answer per line out."""

import datetime
import json
import os
import sys

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater


class FolderFetcher(FetcherInterface):
    """Files of a folder, as a web server would answer."""

    def _fetch(self, url):
        path = url.removeprefix("folder:")
        if not os.path.isfile(path):
            raise DownloadHTTPError("not there", 404)
        with open(path, "rb") as file:
            return iter([file.read()])


def walk(request):
    os.makedirs(request["memory"], exist_ok=True)
    with open(request["trusted"], "rb") as file:
        trusted = file.read()
    updater = Updater(
        metadata_dir=request["memory"],
        metadata_base_url="folder:" + request["manifest"],
        target_dir=request["memory"],
        target_base_url="folder:" + os.path.join(request["manifest"], "targets"),
        fetcher=FolderFetcher(),
        bootstrap=trusted,
    )
    now = datetime.datetime.fromisoformat(request["now"])
    updater._trusted_set.reference_time = now
    updater.refresh()
    channels = {}
    for name in ("stable", "beta"):
        info = updater.get_targetinfo(f"channels/{name}.json")
        if info is not None:
            with open(updater.download_target(info), encoding="utf-8") as file:
                channels[name] = json.load(file)["release"]
    return channels


for line in sys.stdin:
    try:
        answer = {"channels": walk(json.loads(line))}
    except Exception as error:  # Whatever it is: it was refused, and the test says why.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
