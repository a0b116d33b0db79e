"""WBIA's own endpoints, over HTTP, of a server that the launcher started."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import cv2
import numpy as np
import pytest
from tests.wbia.asking import SMALL

QUERY = {"pipeline_root": "LightGlue", **SMALL}


class Server:
    """What a client of WBIA's server does."""

    def __init__(self, address: str, log: Path) -> None:
        self.address = address
        self.log = log

    def raw(self, path: str, *, post: bool = False, **fields: Any) -> bytes:
        """The body; each field is sent as JSON unless it is a text."""
        sent = urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in fields.items()})
        url = self.address + path
        with (
            urlopen(url, sent.encode(), timeout=300)
            if post
            else urlopen(f"{url}?{sent}", timeout=300)
        ) as answer:
            body: bytes = answer.read()
            return body

    def json(self, path: str, *, post: bool = False, **fields: Any) -> Any:
        """The ``response``; refuses what is no JSON, such as -Infinity."""
        found = json.loads(self.raw(path, post=post, **fields), parse_constant=_refuse)
        assert found["status"]["success"], found
        return found["response"]


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


@pytest.fixture(scope="module")
def server(ibs: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "resight.wbia", "--dbdir", ibs.get_dbdir(), "--web"]
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--web-deterministic-ports"],
            stdout=file,
            stderr=file,
            start_new_session=True,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )
    found = Server(f"http://127.0.0.1:{port}", log)
    try:
        _wait(found, process)
        yield found
    finally:
        os.killpg(process.pid, 15)
        process.wait(60)


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, server.log.read_text()[-4000:]
        try:
            server.raw("/api/test/heartbeat/")
            return
        except OSError:
            time.sleep(1)
    pytest.fail(server.log.read_text()[-4000:])


@pytest.fixture(scope="module")
def uuids(server: Server) -> list[Any]:
    found: list[Any] = server.json("/api/annot/uuid/", aid_list=list(range(1, 9)))
    return found


@pytest.fixture(scope="module")
def answer(server: Server) -> Any:
    """The graph of the first annotation's query."""
    return server.json(
        "/api/query/graph/",
        qaid_list=[1],
        daid_list=list(range(1, 9)),
        query_config_dict=QUERY,
        n=3,
    )


def test_the_graph_has_finite_scores_and_the_matches(answer: Any) -> None:
    (cm,) = answer["cm_dict"].values()
    best = int(np.argmax(cm["annot_score_list"]))
    assert cm["dname_list"][best] == cm["qname"]
    assert len(cm["fm_list"][best]) > 20
    assert len(cm["fsv_list"][best]) == len(cm["fm_list"][best])
    assert np.isfinite(cm["score_list"]).all()
    assert "error" not in cm["dannot_extern_list"]


def test_the_thumb_shows_the_matches(server: Server, answer: Any) -> None:
    ((quuid, cm),) = answer["cm_dict"].items()
    best = int(np.argmax(cm["annot_score_list"]))
    pictures = [
        cv2.imdecode(
            np.frombuffer(
                server.raw(
                    "/api/query/graph/match/thumb/",
                    extern_reference=cm["dannot_extern_reference"],
                    query_annot_uuid=quuid,
                    database_annot_uuid=cm["dannot_uuid_list"][best]["__UUID__"],
                    version=version,
                ),
                np.uint8,
            ),
            cv2.IMREAD_COLOR,
        )
        for version in ("clean", "matches", "heatmask")
    ]
    clean, matches, heat = (np.asarray(each, int) for each in pictures)
    assert (abs(matches - clean).max(2) > 40).mean() > 0.01
    assert heat.mean() < clean.mean()


def test_the_review_page_has_the_picture(server: Server, answer: Any) -> None:
    # Without match lists WBIA answers this with an error 500.
    ((quuid, cm),) = answer["cm_dict"].items()
    page = server.json(
        "/api/review/query/graph/",
        review_pair={
            "annot_uuid_key": cm["qannot_uuid"],
            "annot_uuid_1": cm["qannot_uuid"],
            "annot_uuid_2": cm["dannot_uuid_list"][0],
        },
        cm_dict=cm,
        query_config_dict=QUERY,
        _internal_state=None,
        callback_url="http://127.0.0.1/",
    )
    assert "<img" in page
    assert quuid in page


def test_a_job_is_done_by_the_engine(server: Server, uuids: list[Any]) -> None:
    job = server.json(
        "/api/engine/query/graph/",
        post=True,
        query_annot_uuid_list=uuids[:1],
        database_annot_uuid_list=uuids,
        query_config_dict=QUERY,
    )
    for _ in range(300):
        status = server.json("/api/engine/job/status/", jobid=job)["jobstatus"]
        if status in ("completed", "exception"):
            break
        time.sleep(1)
    assert status == "completed"
    result = server.json("/api/engine/job/result/", jobid=job)["json_result"]
    (cm,) = result["cm_dict"].values()
    assert cm["dname_list"][int(np.argmax(cm["annot_score_list"]))] == cm["qname"]


def test_the_best_name_can_be_had_by_get_only(server: Server) -> None:
    best = server.json("/api/review/query/chip/best/", aid=1, query_config_dict=QUERY)
    (own,) = server.json("/api/annot/name/text/", aid_list=[1])
    assert best["name"] == own
    with pytest.raises(HTTPError, match="405"):
        server.raw("/api/review/query/chip/best/", post=True, pipeline_root="LightGlue")


def test_a_wrong_key_is_named_in_the_log(server: Server) -> None:
    # On Python 3.11 WBIA fails to say it in the answer: it calls inspect.getargspec, now gone.
    wrong = {"pipeline_root": "LightGlue", "image_sise": 320}
    with pytest.raises(HTTPError, match="500"):
        server.raw("/api/query/graph/", qaid_list=[1], daid_list=[2], query_config_dict=wrong)
    assert "did you mean image_size" in server.log.read_text(errors="replace")
