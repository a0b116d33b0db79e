"""What somebody with bad intentions would try, and what comes of it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from resight.photos import PhotoLimits
from resight.service.app import create_app
from resight.service.desk import Desk
from resight.service.gate import COOKIE
from resight.service.passwords import TRIES

from .conftest import API, BASE, PASSWORD, Browser
from .test_review import decide, unresolved

SCRIPT = "<script>alert(1)</script>"


def jpeg(seed: int = 0, comment: str = "") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    exif = Image.Exif()
    if comment:
        exif[0x010E] = comment
        exif[0x013B] = comment
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", exif=exif)
    return data.getvalue()


def upload(browser: Browser, data: bytes, name: str = "a.jpg", **said: str) -> Any:
    return browser("POST", "/photos", files={"file": (name, data, "image/jpeg")}, data=said)


# Paths


@pytest.mark.parametrize(
    "path",
    [
        "/../app.py",
        "/..%2fapp.py",
        "/%2e%2e/%2e%2e/app.py",
        "/static/../../desk.sqlite",
        "//etc/passwd",
        "/..\\..\\app.py",
        "/desk.sqlite",
        "/index.html%00.py",
    ],
)
def test_no_file_but_those_of_the_page_is_served(ann: Browser, path: str) -> None:
    answer = ann.client.get(path)
    assert answer.status_code in (400, 404)
    assert b"def create_app" not in answer.content


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/x", "..\\..\\x.jpg", "/etc/passwd", "C:\\x.jpg", "a\0b.jpg", ""]
)
def test_the_name_of_an_uploaded_file_is_no_path(ann: Browser, desk: Desk, name: str) -> None:
    before = {path for path in desk.catalogue.folder.parent.rglob("*") if path.is_file()}
    answer = upload(ann, jpeg(1), name or " ")
    assert answer.status_code in (201, 422)
    if answer.status_code == 201:
        kept = ann.get(f"/annotations/{answer.json()['annotation']}")["name"]
        assert not set("/\\\0") & set(kept)
    new = {path for path in desk.catalogue.folder.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(desk.catalogue.folder) for path in new)


def test_a_photo_is_asked_for_by_its_hash_only(ann: Browser) -> None:
    for what in ("..%2f..%2fcatalogue.sqlite", "0" * 63 + "/", "g" * 64):
        assert ann("GET", f"/photos/{what}/picture").status_code in (404, 422)


# Stored script


def test_script_in_names_and_notes_comes_back_as_text(ann: Browser, desk: Desk) -> None:
    added = upload(ann, jpeg(2), f"{SCRIPT}.jpg", individual=SCRIPT, place=SCRIPT)
    assert added.status_code == 201
    answer = ann("GET", "/individual", params={"name": SCRIPT})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert answer.json()["shown"][0]["place"] == SCRIPT


def test_nothing_of_a_photos_metadata_is_in_its_picture(ann: Browser) -> None:
    added = upload(ann, jpeg(3, comment=SCRIPT)).json()
    picture = ann("GET", f"/photos/{added['photo']}/picture")
    assert picture.headers["content-type"] == "image/jpeg"
    assert SCRIPT.encode() not in picture.content
    assert not Image.open(io.BytesIO(picture.content)).getexif()


# Other web pages


def test_a_write_without_the_token_of_the_session_is_refused(ann: Browser) -> None:
    encounter = unresolved(ann)
    body = {
        "answer": "unsure",
        "annotations": [each["id"] for each in encounter["annotations"]],
        "etags": {each["id"]: each["etag"] for each in encounter["annotations"]},
    }
    for headers in ({}, {"X-CSRF-Token": "guessed"}):
        answer = ann.client.post(f"{API}/decisions", json=body, headers=headers)
        assert answer.status_code == 403
    assert ann.get("/summary")["unsure"] == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_write_from_another_page_is_refused(ann: Browser, headers: dict[str, str]) -> None:
    assert ann("POST", "/decisions/1/undo", json={}, headers=headers).status_code == 403


def test_a_write_from_the_page_itself_is_let_through(ann: Browser) -> None:
    headers = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    assert ann("POST", "/decisions/999/undo", json={}, headers=headers).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example"])
def test_a_name_that_points_here_is_not_answered(ann: Browser, host: str) -> None:
    assert ann("GET", "/session", headers={"Host": host}).status_code == 421


# Accounts


def test_without_login_nothing_is_told(shared: Desk) -> None:
    stranger = Browser(shared)
    for path in ("/summary", "/annotations", "/individuals", "/decisions", "/users", "/tokens"):
        assert stranger("GET", path).status_code == 401
    assert stranger.get("/session")["user"] is None


def test_a_session_that_was_planted_is_not_taken_up(shared: Desk) -> None:
    browser = Browser(shared)
    browser.client.cookies.set(COOKIE, "planted-by-somebody-else", domain="127.0.0.1")
    assert browser.login("curator", PASSWORD).status_code == 200
    assert browser.client.cookies[COOKIE] != "planted-by-somebody-else"
    stranger = Browser(shared)
    stranger.client.cookies.set(COOKIE, "planted-by-somebody-else", domain="127.0.0.1")
    assert stranger.get("/session")["user"] is None


def test_a_login_makes_a_new_session_and_ends_the_old_one(
    shared: Desk, as_role: Callable[[str], Browser]
) -> None:
    browser = as_role("curator")
    old = browser.client.cookies[COOKIE]
    browser.login("curator", PASSWORD)
    assert browser.client.cookies[COOKIE] != old
    assert shared.store.session(old) is None


def test_logging_out_ends_the_session(as_role: Callable[[str], Browser], shared: Desk) -> None:
    browser = as_role("curator")
    secret = browser.client.cookies[COOKIE]
    assert browser("DELETE", "/session").status_code == 204
    assert shared.store.session(secret) is None


def test_the_cookie_is_kept_from_scripts_and_other_sites(shared: Desk) -> None:
    answer = Browser(shared).login("viewer", PASSWORD)
    said = answer.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said


def test_passwords_are_guessed_only_slowly(shared: Desk) -> None:
    browser = Browser(shared)
    tried = [browser.login("curator", f"wrong {n}").status_code for n in range(TRIES)]
    assert tried == [401] * TRIES
    refused = browser.login("curator", PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


def test_nothing_kept_lets_anybody_in(shared: Desk, as_role: Callable[[str], Browser]) -> None:
    browser = as_role("curator")
    token = browser.post("/tokens", {"label": "a program"})["token"]
    shared.close()
    kept = b"".join(path.read_bytes() for path in shared.catalogue.folder.glob("desk.sqlite*"))
    for secret in (PASSWORD, token, browser.client.cookies[COOKIE]):
        assert secret.encode() not in kept


WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/decisions", {}),
    ("POST", "/decisions/1/undo", {}),
    ("POST", "/identifications", {}),
    ("POST", "/annotations/describe", {}),
    ("PATCH", "/annotations/0123456789abcdef", {}),
    ("PATCH", "/individual", {}),
    ("POST", "/individuals/merge", {}),
    ("POST", "/individuals/split", {}),
    ("POST", "/suspicions/01234567/dismiss", {}),
    ("POST", "/annotations/0123456789abcdef/boxes", {}),
    ("POST", "/annotations/0123456789abcdef/others", {}),
    ("POST", "/photos", {}),
    ("POST", "/users", {}),
    ("POST", "/tokens", {}),
    ("POST", "/jobs", {}),
    ("DELETE", "/jobs/1", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_viewer_writes_nothing(
    as_role: Callable[[str], Browser], method: str, path: str, body: Any
) -> None:
    assert as_role("viewer")(method, path, json=body).status_code == 403


def test_a_viewers_token_writes_nothing_even_for_a_curator(
    shared: Desk, as_role: Callable[[str], Browser]
) -> None:
    token = as_role("curator").post("/tokens", {"label": "look", "role": "viewer"})["token"]
    program = TestClient(create_app(shared), base_url=BASE)
    headers = {"Authorization": f"Bearer {token}"}
    assert program.get(f"{API}/summary", headers=headers).status_code == 200
    for method, path, body in WRITES:
        answer = program.request(method, API + path, json=body, headers=headers)
        assert answer.status_code == 403
    wrong = {"Authorization": "Bearer resight_guessed"}
    assert program.get(f"{API}/summary", headers=wrong).status_code == 401


def test_a_reviewer_makes_no_users_and_no_higher_token(as_role: Callable[[str], Browser]) -> None:
    reviewer = as_role("reviewer")
    user = {"name": "eve", "password": PASSWORD, "role": "curator"}
    assert reviewer("POST", "/users", json=user).status_code == 403
    body = {"label": "x", "role": "curator"}
    assert reviewer("POST", "/tokens", json=body).status_code == 403


def test_a_reviewer_takes_back_only_what_was_their_own(as_role: Callable[[str], Browser]) -> None:
    reviewer, curator = as_role("reviewer"), as_role("curator")
    theirs = decide(curator, unresolved(curator), "skip")
    assert reviewer("POST", f"/decisions/{theirs['id']}/undo", json={}).status_code == 403
    own = decide(reviewer, unresolved(reviewer), "skip")
    assert reviewer("POST", f"/decisions/{own['id']}/undo", json={}).status_code == 201
    assert curator("POST", f"/decisions/{theirs['id']}/undo", json={}).status_code == 201


def test_a_user_who_is_switched_off_is_out_at_once(as_role: Callable[[str], Browser]) -> None:
    viewer, curator = as_role("viewer"), as_role("curator")
    assert curator("PATCH", "/users/viewer", json={"disabled": True}).status_code == 200
    assert viewer("GET", "/summary").status_code == 401
    assert viewer.login("viewer", PASSWORD).status_code == 401


def test_the_last_curator_stays(as_role: Callable[[str], Browser]) -> None:
    answer = as_role("curator")("PATCH", "/users/curator", json={"role": "viewer"})
    assert answer.status_code == 409


def test_viewers_do_not_see_where_exactly(
    shared: Desk, as_role: Callable[[str], Browser], tmp_path: Path
) -> None:
    from resight.catalogue import ImportPlan, PlannedPhoto
    from resight.types import Place

    photo = tmp_path / "p.jpg"
    photo.write_bytes(jpeg(9))
    planned = PlannedPhoto(photo, "p.jpg", "p.jpg", position=Place(12.34567, -68.76543))
    (outcome,) = shared.catalogue.add(ImportPlan("test", (planned,)), actor="import")
    path = f"/annotations/{outcome.annotation}"
    told = as_role("viewer").get(path)["position"]
    assert (told["latitude"], told["longitude"]) == (12.3, -68.8)
    assert told["precision_km"] > 5
    assert as_role("reviewer").get(path)["position"]["latitude"] == 12.34567
    (made,) = shared.catalogue.decisions(touching=[outcome.annotation])
    changes = as_role("viewer")("GET", f"/decisions/{made.id}/changes")
    assert "12.34" not in changes.text


# Uploads


def png(width: int, height: int) -> bytes:
    """A picture whose header promises this size, with next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def test_a_bomb_is_not_unpacked(ann: Browser) -> None:
    answer = upload(ann, png(60_000, 60_000), "bomb.png")
    assert answer.status_code == 413
    assert "60000 x 60000 pixels" in answer.json()["detail"]


def test_an_upload_is_cut_off_at_the_limit(folder: Path, desk: Desk) -> None:
    desk.uploads = PhotoLimits(max_pixels=10**6, max_bytes=10_000)
    browser = Browser(desk)
    assert upload(browser, bytes(10_000 + (1 << 17))).status_code == 413

    def endless() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        for _ in range(100):
            yield bytes(10_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert browser("POST", "/photos", content=endless(), headers=headers).status_code == 413


def test_a_long_body_is_not_read(ann: Browser) -> None:
    answer = ann("POST", "/decisions", content=b"[" * (2 << 20))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", b"\xff\xd8\xff" + bytes(100), b"GIF89a" + bytes(50), jpeg(4)[:-200]],
)
def test_a_file_that_is_no_photo_is_refused(ann: Browser, data: bytes) -> None:
    answer = upload(ann, data)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "/tmp" not in answer.json()["detail"]


# Filters and bodies

INJECTED = ["' OR 1=1 --", '"; DROP TABLE annotations; --', "%", "_", "\0", "a' UNION SELECT 1"]


@pytest.mark.parametrize("text", INJECTED)
def test_filters_are_compared_and_not_run(ann: Browser, desk: Desk, text: str) -> None:
    before = ann.get("/summary")
    for path, name in (
        ("/annotations", "individual"),
        ("/annotations", "encounter"),
        ("/annotations", "side"),
        ("/annotations", "q"),
        ("/individuals", "q"),
        ("/individuals", "side"),
        ("/encounters", "individual"),
        ("/decisions", "annotation"),
    ):
        answer = ann("GET", path, params={name: text})
        assert answer.status_code == 200
        assert answer.json()["total"] == 0
    assert ann("GET", "/individual", params={"name": text}).status_code == 404
    assert ann.get("/summary") == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"answer": "individual", "annotations": ["\\ud800"], "etags": {}}',
        b'{"answer": "new", "annotations": ["0123456789abcdef"], "individual": "\\ud800"}',
        b'{"answer": "unsure", "annotations": [], "etags": {}}',
        b'{"answer": "unsure", "annotations": ["0123456789abcdef"], "more": 1}',
        b"\xff\xfe",
    ],
)
def test_a_body_that_makes_no_sense_is_refused(ann: Browser, body: bytes) -> None:
    answer = ann("POST", "/decisions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize("host", ["127.0.0.1/api/v1/session?", "127.0.0.1/x?"])
def test_a_host_that_holds_a_path_opens_nothing(
    as_role: Callable[[str], Browser], shared: Desk, host: str
) -> None:
    viewer, nobody = as_role("viewer"), Browser(shared)
    body = {"answer": "unknown", "annotations": [shared.catalogue.annotations()[0].id]}
    written = viewer("POST", "/decisions", json=body, headers={"host": host})
    assert written.status_code in (400, 403)
    assert nobody("GET", "/jobs", headers={"host": host}).status_code in (400, 401, 403)


def test_an_empty_etag_is_none(ann: Browser) -> None:
    name = ann.get("/individuals")["items"][0]["name"]
    for empty in ('""', 'W/""'):
        answer = ann(
            "PATCH", "/individual", json={"name": name, "notes": "x"}, headers={"if-match": empty}
        )
        assert answer.status_code == 428


def test_a_new_password_ends_tokens(as_role: Callable[[str], Browser], shared: Desk) -> None:
    made = as_role("reviewer").post("/tokens", {"label": "field"})
    key = {"authorization": f"Bearer {made['token']}"}
    assert Browser(shared)("GET", "/summary", headers=key).status_code == 200
    shared.store.change_account("reviewer", password=shared.passwords.hash("another long one"))
    assert Browser(shared)("GET", "/summary", headers=key).status_code == 401
