"""Whole evaluations of real files: the report, bad photos, interruption."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resight.calibration import prior_for
from resight.errors import ProtocolError, ResightError, SettingsError
from resight.evaluate import Report, evaluate, read_protocol
from resight.evaluate.protocol import COLUMNS
from resight.extractors.sift import Sift
from resight.extractors.thumbnail import Thumbnail
from resight.matchers.metric import Metric
from resight.matchers.nearest import NearestNeighbour
from resight.method import EFFORTS, Method, Screen, effort_for
from resight.registry import build_method
from resight.report.page import page
from resight.settings import Settings
from resight.types import Chip, Features, Matches

SETTINGS = Settings(
    method="sift+nearest", long_edge=160, max_keypoints=150, segment="none", contrast="none"
)
#: Keys that design.md fixes for other programs.
TOP_KEYS = """
    protocol photos gallery queries novel_queries machine commit version methods
"""
METHOD_KEYS = """
    name fingerprint effort side_policy settings precision top1 top3 top5 top10 top1_macro
    top1_encounter top1_ci95 mrr novelty_auroc novelty_accuracy dir_at_fpir_10 ece brier
    seconds_per_query_median seconds_per_query_p95 pairs_matched_per_query
    extract_seconds_per_photo peak_rss_mb ranks
"""


ANIMALS = ("Ada", "Bo", "Cy", "Di")


def draw(animal: str, view: int) -> NDArray[np.uint8]:
    """A coat of blocks that only this animal has, brighter and shifted in each view."""
    coat = np.random.default_rng(sum(animal.encode())).integers(0, 200, (14, 18, 3), np.uint8)
    pixels = np.repeat(np.repeat(coat, 8, 0), 8, 1)
    return np.roll(pixels, 3 * view, axis=1) + np.uint8(10 * view)


@dataclass(frozen=True)
class Drawn:
    """Where the photos are, and the protocol about them."""

    photos: Path
    protocol: Path

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Replace the protocol; rows are path, role, identity, side, encounter."""
        with self.protocol.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([*row, "", "", "", "", ""] for row in rows)

    def rows(self) -> list[list[str]]:
        """For each animal two gallery photos of one encounter and a query of the next."""
        roles = (("gallery", "first"), ("gallery", "first"), ("query", "second"))
        return [
            [f"{animal}{view}.png", role, animal, "left", f"{animal} {occasion}"]
            for animal in ANIMALS
            for view, (role, occasion) in enumerate(roles)
        ]


@pytest.fixture
def drawn(tmp_path: Path) -> Drawn:
    photos = tmp_path / "photos"
    photos.mkdir()
    for animal in (*ANIMALS, "Eve"):
        for view in range(3):
            Image.fromarray(draw(animal, view)).save(photos / f"{animal}{view}.png")
    folder = Drawn(photos, tmp_path / "protocol.csv")
    folder.write(folder.rows())
    return folder


def run(
    drawn: Drawn,
    settings: Settings = SETTINGS,
    *,
    output: Path | None = None,
    methods: Sequence[Method] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    protocol = read_protocol(drawn.protocol)
    return evaluate(
        protocol,
        drawn.photos,
        methods or [build_method(settings.method, settings)],
        settings,
        output=output,
        progress=progress,
    )


def test_drawn_animals_are_told_apart(drawn: Drawn) -> None:
    report = run(drawn)
    (figures,) = report.methods
    assert figures.ranks == (1, 1, 1, 1)
    assert (figures.top1, figures.top20, figures.mrr) == (1.0, 1.0, 1.0)
    assert (figures.top1_macro, figures.top1_encounter) == (1.0, 1.0)
    assert figures.top1_ci95 == (1.0, 1.0)
    assert (report.gallery, report.gallery_individuals) == (8, 4)
    assert (report.queries, report.novel_queries) == (4, 0)


def test_the_json_file_has_every_key_that_others_read(drawn: Drawn, tmp_path: Path) -> None:
    output = tmp_path / "new" / "out.json"
    report = run(drawn, output=output)
    written = json.loads(output.read_text(encoding="utf-8"))
    assert written == json.loads(report.as_json())
    assert written.keys() >= set(TOP_KEYS.split())
    (figures,) = written["methods"]
    assert figures.keys() >= set(METHOD_KEYS.split())
    assert figures["ranks"] == [1, 1, 1, 1]
    assert figures["settings"]["max_keypoints"] == 150
    assert figures["effort"] == "normal"
    assert figures["pairs_matched_per_query"] == 8
    assert figures["novelty_auroc"] is None  # no query is novel
    assert figures["uncalibrated"]
    assert [answer["candidates"][0]["individual"] for answer in figures["answers"]] == list(ANIMALS)
    assert written["query_rows"][0] == {
        "path": "Ada2.png",
        "box": None,
        "identity": "Ada",
        "encounter": "Ada second",
        "known": True,
    }
    assert figures["precision"] is None
    assert 0 < figures["seconds_per_query_median"] <= figures["seconds_per_query_p95"]
    assert 0 < figures["extract_seconds_per_photo"] < figures["seconds_per_query_p95"]
    assert figures["peak_rss_mb"] > 10
    assert {"cpu", "cores", "os", "versions"} <= written["machine"].keys()
    assert [path.name for path in output.parent.iterdir()] == ["out.json"]


class Embedding(Thumbnail):
    """A thumbnail that may be learned from."""

    family = "embedding"

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [replace(each, family=self.family) for each in super().extract(chips)]


def test_a_method_that_the_gallery_cannot_teach_is_left_out(drawn: Drawn) -> None:
    """Every animal was met once."""
    taught = Method("embedding+metric", Embedding(), Metric(), long_edge=160)
    sift = build_method("sift+nearest", SETTINGS)
    report = evaluate(read_protocol(drawn.protocol), drawn.photos, [taught, sift], SETTINGS)
    assert [each.name for each in report.methods] == ["sift+nearest"]
    assert "fewer than two" in report.left_out["embedding+metric"]
    assert "embedding+metric</i> was left out" in page(report, {"sift+nearest": []})
    with pytest.raises(SettingsError, match="fewer than two"):
        evaluate(read_protocol(drawn.protocol), drawn.photos, [taught], SETTINGS)


def test_novel_queries_have_no_rank_and_no_share(drawn: Drawn) -> None:
    drawn.write([["Eve2.png", "query", "Eve", "left", "Eve first"], *drawn.rows()])
    report = run(drawn)
    assert report.novel_queries == 1
    assert report.methods[0].ranks == (None, 1, 1, 1, 1)
    assert report.methods[0].top1 == 1.0


def test_only_novel_queries_leave_nothing_to_average(drawn: Drawn) -> None:
    gallery = [row for row in drawn.rows() if row[1] == "gallery"]
    drawn.write([*gallery, ["Eve2.png", "query", "Eve", "", ""]])
    (figures,) = run(drawn).methods
    assert (figures.top1, figures.top1_macro, figures.top1_encounter) == (None, None, None)
    assert (figures.mrr, figures.top1_ci95) == (None, None)
    assert figures.seconds_per_query_median is not None


def test_a_query_that_cannot_be_decoded_is_a_miss(drawn: Drawn) -> None:
    (drawn.photos / "Ada2.png").write_bytes(b"not a picture")
    (figures,) = run(drawn).methods
    assert figures.ranks == (None, 1, 1, 1)
    assert figures.top1 == figures.top20 == figures.top1_encounter == 0.75
    assert [(bad.path, bad.role) for bad in figures.unreadable] == [("Ada2.png", "query")]
    assert "Ada2.png" in figures.unreadable[0].reason
    assert figures.pairs_matched_per_query == 8


def test_a_query_of_an_unreadable_gallery_photo_is_known_and_a_miss(drawn: Drawn) -> None:
    for view in (0, 1):
        (drawn.photos / f"Bo{view}.png").write_bytes(b"")
    report = run(drawn)
    (figures,) = report.methods
    assert report.novel_queries == 0
    assert figures.ranks == (1, None, 1, 1)
    assert [(bad.path, bad.role) for bad in figures.unreadable] == [
        ("Bo0.png", "gallery"),
        ("Bo1.png", "gallery"),
    ]


def test_a_box_off_the_photo_is_a_problem_of_that_row_only(drawn: Drawn) -> None:
    text = drawn.protocol.read_text(encoding="utf-8")
    drawn.protocol.write_text(text.replace("Cy second,,,,,", "Cy second,,9000,9000,5,5"))
    (figures,) = run(drawn).methods
    assert figures.ranks == (1, 1, None, 1)
    assert [bad.path for bad in figures.unreadable] == ["Cy2.png"]


def test_missing_photos_are_named_before_anything_runs(drawn: Drawn) -> None:
    (drawn.photos / "Di1.png").unlink()
    with pytest.raises(ProtocolError, match=r"1 of the 12 photos is not in[\s\S]*Di1\.png"):
        run(drawn)


def test_a_query_never_meets_its_own_encounter(drawn: Drawn) -> None:
    rows = drawn.rows()
    rows[2][4] = "Ada first"  # the query is of the occasion of both gallery photos
    drawn.write(rows)
    report = run(drawn)
    (figures,) = report.methods
    assert figures.ranks == (None, 1, 1, 1)
    assert figures.pairs_matched_per_query == (6 + 3 * 8) / 4
    assert figures.top1 == 1.0, "the query can meet no photo of Ada: no miss, but novel"
    assert (report.novel_queries, report.novel_though_in_gallery) == (1, 1)


def test_a_query_never_meets_the_same_file_under_another_name(drawn: Drawn) -> None:
    same = (drawn.photos / "Ada2.png").read_bytes()
    (drawn.photos / "Ada0.png").write_bytes(same)
    (figures,) = run(drawn).methods
    assert figures.pairs_matched_per_query == (7 + 3 * 8) / 4


@pytest.mark.parametrize(("policy", "pairs"), [("same", 5), ("compatible", 6), ("any", 8)])
def test_the_side_policy_chooses_what_a_query_meets(drawn: Drawn, policy: str, pairs: int) -> None:
    rows = drawn.rows()
    rows[0][3], rows[1][3], rows[3][3] = "right", "topleft", "topright"
    drawn.write(rows)
    (figures,) = run(drawn, SETTINGS.model_copy(update={"side_policy": policy})).methods
    assert figures.pairs_matched_per_query == pairs
    assert figures.side_policy == policy


def test_methods_share_a_report(drawn: Drawn) -> None:
    half = SETTINGS.model_copy(update={"max_keypoints": 75})
    methods = [
        build_method("sift+nearest", SETTINGS),
        Method("fewer", Sift(max_keypoints=half.max_keypoints), NearestNeighbour()),
    ]
    report = run(drawn, methods=methods)
    assert [each.name for each in report.methods] == ["sift+nearest", "fewer"]
    assert [each.settings["method"] for each in report.methods] == ["sift+nearest", "fewer"]


def test_a_score_that_the_method_cannot_give_is_refused(drawn: Drawn) -> None:
    with pytest.raises(SettingsError, match="has no score 'wasserstein_h0'"):
        run(drawn, SETTINGS.model_copy(update={"score": "wasserstein_h0"}))


@pytest.mark.parametrize("score", ["auc", "wasserstein_h0"])
def test_a_score_that_needs_confidences_is_refused_before_anything_is_described(
    drawn: Drawn, tmp_path: Path, score: str
) -> None:
    told: list[str] = []
    with pytest.raises(SettingsError, match=f"'{score}': its matcher gives no confidences; .* sum"):
        run(
            drawn,
            SETTINGS.model_copy(update={"score": score}),
            output=tmp_path / "out.json",
            progress=lambda stage, *_: told.append(stage),
        )
    assert told == []
    assert run(drawn, output=tmp_path / "out.json").methods[0].top1 == 1.0


def test_an_effort_that_cannot_give_the_score_is_refused_before_anything_is_described(
    drawn: Drawn,
) -> None:
    told: list[str] = []
    method = Method(
        "m", Sift(), Confident(), score="wasserstein_h0", screen=Screen(Confident(), 50)
    )
    with pytest.raises(SettingsError, match="effort quick does not"):
        run(
            drawn,
            SETTINGS.model_copy(update={"effort": "quick"}),
            methods=[method],
            progress=lambda stage, *_: told.append(stage),
        )
    assert told == []


def test_a_run_that_failed_before_its_first_query_does_not_block_another(
    drawn: Drawn, tmp_path: Path
) -> None:
    def asked(score: str) -> Report:
        methods = [Method("m", Sift(max_keypoints=150), Confident(), long_edge=160, score=score)]
        return run(drawn, output=tmp_path / "out.json", methods=methods)

    with pytest.raises(SettingsError, match="no known pairs"):  # one encounter each
        asked("wasserstein_h1")
    assert not (tmp_path / "out.json.partial").exists()
    assert asked("sum").methods[0].top1 == 1.0


def test_a_journal_without_a_result_is_none(drawn: Drawn, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    partial = interrupted(drawn, output)
    header = partial.read_bytes().splitlines()[0]
    partial.write_bytes(header + b"\n" + b'{"method": "sift+nea')
    other = SETTINGS.model_copy(update={"ratio": 0.7})
    assert run(drawn, other, output=output).methods[0].top1 == 1.0


class Interrupting(Sift):
    """SIFT, during which the user presses Ctrl-C at one photo; counts the photos."""

    def __init__(self, *, at: int = -1) -> None:
        super().__init__(max_keypoints=150)
        self.at = at
        self.extracted = 0

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        self.extracted += len(chips)
        if self.extracted == self.at:
            raise KeyboardInterrupt
        return super().extract(chips)


def method(extractor: Sift, name: str = "sift+nearest") -> Method:
    return Method(name, extractor, NearestNeighbour(), long_edge=160)


def interrupted(drawn: Drawn, output: Path) -> Path:
    """Run until the third query, and give the file that is left."""
    with pytest.raises(KeyboardInterrupt):
        run(drawn, output=output, methods=[method(Interrupting(at=8 + 3))])
    return output.with_name(output.name + ".partial")


def test_an_interrupted_evaluation_continues(drawn: Drawn, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    partial = interrupted(drawn, output)
    assert not output.exists()
    assert len(partial.read_text().splitlines()) == 1 + 2

    extractor = Interrupting()
    resumed = run(drawn, output=output, methods=[method(extractor)])
    assert extractor.extracted == 8 + 2  # the gallery again, and the two queries left
    assert not partial.exists()
    assert (
        resumed.methods[0].ranks
        == run(drawn, methods=[method(Sift(max_keypoints=150))]).methods[0].ranks
    )
    assert json.loads(output.read_text())["methods"][0]["top1"] == 1.0


def test_a_line_cut_off_by_a_crash_is_asked_again(drawn: Drawn, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    partial = interrupted(drawn, output)
    partial.write_bytes(partial.read_bytes()[:-20])
    extractor = Interrupting()
    run(drawn, output=output, methods=[method(extractor)])
    assert extractor.extracted == 8 + 3


def test_another_configuration_does_not_continue(drawn: Drawn, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    partial = interrupted(drawn, output)
    before = partial.read_bytes()
    other = SETTINGS.model_copy(update={"ratio": 0.7})
    with pytest.raises(SettingsError, match=r"ratio \(0\.85 there, 0\.7 here\)"):
        run(drawn, other, output=output, methods=[method(Sift(max_keypoints=150))])
    with pytest.raises(
        SettingsError, match=r"nearest \(sift[^|]*=150[^|]* there, sift[^|]*=99[^|]* here\)"
    ):
        run(drawn, output=output, methods=[method(Sift(max_keypoints=99))])
    drawn.write(drawn.rows()[:-1])
    with pytest.raises(SettingsError, match=r"protocol \(.* there, .* here\)"):
        run(drawn, output=output, methods=[method(Sift(max_keypoints=150))])
    assert partial.read_bytes() == before


def test_a_limit_is_another_evaluation(drawn: Drawn, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    interrupted(drawn, output)
    limited = read_protocol(drawn.protocol).limited(2)
    methods = [method(Sift(max_keypoints=150))]
    with pytest.raises(SettingsError, match=r"queries \(4 there, 2 here\)"):
        evaluate(limited, drawn.photos, methods, SETTINGS, output=output)
    report = evaluate(limited, drawn.photos, methods, SETTINGS)
    assert (report.queries, report.methods[0].ranks) == (2, (1, 1))


@pytest.mark.parametrize("content", ["notes of mine\n", "notes of mine", "[1, 2]\n", "{}\n"])
def test_a_foreign_file_in_the_way_is_left_alone(
    drawn: Drawn, tmp_path: Path, content: str
) -> None:
    partial = tmp_path / "out.json.partial"
    partial.write_text(content)
    with pytest.raises(SettingsError, match="is not the journal of an evaluation"):
        run(drawn, output=tmp_path / "out.json")
    assert partial.read_text() == content


def test_a_crash_in_the_first_line_begins_anew(drawn: Drawn, tmp_path: Path) -> None:
    partial = tmp_path / "out.json.partial"
    partial.write_bytes(b'{"journal": 3, "proto')
    assert run(drawn, output=tmp_path / "out.json").methods[0].top1 == 1.0
    assert not partial.exists()


def test_a_damaged_journal_is_not_believed(drawn: Drawn, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    partial = interrupted(drawn, output)
    header, first, second = partial.read_text().splitlines()
    partial.write_text("\n".join([header, first.replace("seconds", "sebonds"), second, ""]))
    with pytest.raises(SettingsError, match="or is damaged"):
        run(drawn, output=output, methods=[method(Sift(max_keypoints=150))])


def test_two_evaluations_cannot_have_one_output(drawn: Drawn, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    partial = tmp_path / "out.json.partial"
    program = (
        "import sys; from pathlib import Path; from resight.evaluate.journal import Journal\n"
        "with Journal(Path(sys.argv[1]), {}).open():\n print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(partial)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(
            SettingsError, match=r"another evaluation is writing .*out\.json\.partial"
        ):
            run(drawn, output=output)
        other.kill()  # and a lock file without an owner is no lock
    assert run(drawn, output=output).methods[0].top1 == 1.0
    assert [path.name for path in tmp_path.glob("out.json*")] == ["out.json"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("cpu", "another processor", r"cpu \(another processor there, .* here\)"),
        ("versions", {"numpy": "0.1"}, r"numpy \(0\.1 there, \d.* here\)"),
    ],
)
def test_another_machine_does_not_continue(
    drawn: Drawn, tmp_path: Path, name: str, value: object, message: str
) -> None:
    output = tmp_path / "out.json"
    partial = interrupted(drawn, output)
    header, *lines = partial.read_text().splitlines(keepends=True)
    changed = json.loads(header) | {name: value}
    partial.write_text("".join([json.dumps(changed) + "\n", *lines]))
    with pytest.raises(SettingsError, match=message):
        run(drawn, output=output, methods=[method(Sift(max_keypoints=150))])


def test_other_code_does_not_continue(
    drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.json"
    interrupted(drawn, output)
    monkeypatch.setattr("resight.evaluate.run.code_digest", lambda: "other")
    with pytest.raises(SettingsError, match=r"code \([0-9a-f]{16} there, other here\)"):
        run(drawn, output=output, methods=[method(Sift(max_keypoints=150))])


@pytest.mark.parametrize("name", ["a file/out.json", "a folder"])
def test_an_output_that_cannot_be_written_is_said_before_anything_runs(
    drawn: Drawn, tmp_path: Path, name: str
) -> None:
    (tmp_path / "a file").write_text("")
    (tmp_path / "a folder").mkdir()
    told: list[str] = []
    with pytest.raises(ResightError, match=f"cannot write .*{name}"):
        run(drawn, output=tmp_path / name, progress=lambda stage, *_: told.append(stage))
    assert told == []


def test_two_methods_of_one_name_are_refused(drawn: Drawn) -> None:
    with pytest.raises(SettingsError, match=r"sift\+nearest is named twice"):
        run(drawn, methods=[method(Sift()), method(Sift())])


def test_progress_tells_each_stage_to_its_end(drawn: Drawn) -> None:
    told: list[tuple[str, int, int]] = []
    run(drawn, progress=lambda *step: told.append(step))
    assert told == [
        *(("sift+nearest: gallery", n, 8) for n in range(1, 9)),
        *(("sift+nearest: packing", n, 8) for n in range(1, 9)),
        *(("sift+nearest: queries", n, 4) for n in range(1, 5)),
    ]


class Confident(NearestNeighbour):
    """Nearest neighbours that call every match certain; claims to run in bfloat16."""

    precision = "bf16"

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        found = []
        for matches in super().match(query, gallery):
            confidences = np.zeros(len(query), np.float32)
            confidences[matches.pairs[:, 0]] = 1
            found.append(Matches(matches.pairs, matches.scores, confidences))
        return found


def test_distributions_are_learned_from_the_gallery_for_scores_that_need_them(
    drawn: Drawn,
) -> None:
    learning = Method(
        "learning", Sift(max_keypoints=150), Confident(), long_edge=160, score="wasserstein_h0"
    )
    (figures,) = run(drawn, methods=[learning]).methods
    assert figures.score == "wasserstein_h0"
    assert figures.top1 == 1.0
    normal = f"{learning.fingerprint} | {effort_for(learning, 'normal').fingerprint}"
    assert figures.fingerprint.startswith(normal + " | known_pairs.v1(sha256=")


def test_no_distribution_is_learned_from_the_encounter_of_the_query(
    drawn: Drawn,
) -> None:
    rows = drawn.rows()
    rows[1][4] = "Ada second"  # Ada's gallery photos are of two encounters, one of them the query's
    drawn.write(rows)
    learning = Method(
        "learning", Sift(max_keypoints=150), Confident(), long_edge=160, score="wasserstein_h1"
    )
    (figures,) = run(drawn, methods=[learning]).methods
    problems = [(each.role, each.path) for each in figures.unreadable]
    assert problems == [("query", "Ada2.png")]
    assert "no wasserstein_h1 without" in figures.unreadable[0].reason
    assert None in figures.ranks  # and the others were asked about


def test_the_precision_is_that_of_the_matcher(drawn: Drawn) -> None:
    networked = Method("networked", Sift(max_keypoints=150), Confident(), long_edge=160)
    assert run(drawn, methods=[networked]).methods[0].precision == "bf16"


def many(drawn: Drawn, animals: int = 24) -> None:
    """A gallery of animals seen in two encounters, known queries of some and novel ones."""
    names = [f"animal {n:02}" for n in range(animals + 6)]
    rows = []
    for name in names:
        for view in range(3):
            Image.fromarray(draw(f"{name}!" * (1 + names.index(name)), view)).save(
                drawn.photos / f"{name} {view}.png"
            )
            role = "gallery" if view < 2 and name in names[:animals] else "query"
            rows.append([f"{name} {view}.png", role, name, "left", f"{name} {view}"])
    asked = {*names[:6], *names[animals:]}
    drawn.write([row for row in rows if row[1] == "gallery" or row[2] in asked])


def test_probabilities_are_learned_from_a_gallery_of_enough_animals(drawn: Drawn) -> None:
    many(drawn)
    (figures,) = run(drawn, SETTINGS.model_copy(update={"max_keypoints": 50})).methods
    assert figures.uncalibrated == ""
    assert figures.calibration
    assert figures.novelty_by == "probability"
    assert figures.novelty_accuracy is not None
    assert figures.novelty_accuracy > 0.9
    assert figures.ece is not None
    assert figures.brier is not None
    assert figures.brier_constant is not None
    assert figures.brier < figures.brier_constant
    first = figures.answers[0]
    assert first.new_probability is not None
    assert first.right is not None
    assert first.right.probability is not None
    assert first.right.probability > 0.5 > first.new_probability


def test_a_photo_that_most_was_learned_from_leaves_nothing_to_learn_by(drawn: Drawn) -> None:
    many(drawn)
    lines = drawn.protocol.read_text("utf-8").splitlines()
    known = [line for line in lines[1:] if ",gallery," in line and " 1.png" in line]
    views = [np.asarray(Image.open(drawn.photos / line.split(",")[0])) for line in known]
    Image.fromarray(np.concatenate(views)).save(drawn.photos / "all.png")
    height, width = views[0].shape[:2]
    together = []
    for number, line in enumerate(known):
        _, role, name, side, encounter, *_ = line.split(",")
        box = f"0,{number * height},{width},{height}"
        together.append(f"all.png,{role},{name},{side},{encounter},,{box}")
    asked = f"all.png,query,animal 00,left,a photo of all,,0,0,{width},{height - 1}"
    rest = [line for line in lines if line not in known]
    drawn.protocol.write_text("\n".join([*rest, *together, asked]) + "\n", "utf-8")
    (figures,) = run(drawn, SETTINGS.model_copy(update={"max_keypoints": 50})).methods
    assert "its photo is in" in figures.uncalibrated
    assert figures.novelty_by == "score"


def test_a_gallery_of_few_animals_says_that_it_learned_nothing(drawn: Drawn) -> None:
    (figures,) = run(drawn).methods
    assert "0 individuals were seen in two encounters" in figures.uncalibrated
    assert (figures.calibration, figures.ece, figures.novelty_by) == (None, None, "score")


def test_a_gallery_of_few_animals_has_the_probabilities_of_drawn_ones(drawn: Drawn) -> None:
    settings = Settings(method="sift+nearest", effort="exhaustive")
    (figures,) = run(drawn, settings).methods
    prior = prior_for(build_method(settings.method, settings), EFFORTS[settings.effort])
    assert prior is not None
    assert "0 individuals were seen in two encounters" in figures.uncalibrated
    assert (figures.calibration, figures.novelty_by) == (prior.digest, "probability")
    assert figures.ece is not None


def test_what_was_learned_of_another_protocol_is_learned_again(
    drawn: Drawn, tmp_path: Path
) -> None:
    many(drawn)
    settings = SETTINGS.model_copy(update={"max_keypoints": 20})
    trials = tmp_path / "out.json.partial.sift+nearest.trials"

    def kept_after(stop_at: int) -> int:
        def stop(stage: str, done: int, total: int) -> None:
            if "learning" in stage and done == stop_at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(drawn, settings, output=tmp_path / "out.json", progress=stop)
        return len(trials.read_bytes().splitlines()) - 1

    assert kept_after(5) == 5
    assert kept_after(7) == 7, "two more"
    with drawn.protocol.open("a") as file:  # the boxes of the gallery might have changed as well
        file.write("\n")
    assert kept_after(3) == 3, "anew"


def test_what_was_learned_is_not_learned_again_after_an_interruption(
    drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(drawn)
    settings = SETTINGS.model_copy(update={"max_keypoints": 20})

    def stop(stage: str, done: int, total: int) -> None:
        if "queries" in stage and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(drawn, settings, output=tmp_path / "out.json", progress=stop)
    assert (tmp_path / "out.json.partial.sift+nearest.trials").exists()
    monkeypatch.setattr("resight.learning._ask", lambda *_: pytest.fail("asked again"))
    assert run(drawn, settings, output=tmp_path / "out.json").methods[0].calibration
    assert [path.name for path in tmp_path.glob("out.json*")] == ["out.json"]
