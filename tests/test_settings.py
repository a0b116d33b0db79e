"""Settings: what wins, what is refused, and that the message says where it stood."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from resight.errors import SettingsError
from resight.settings import Settings, load_settings


def load(
    folder: Path,
    *assignments: str,
    user: str = "",
    catalogue: str = "",
    environ: dict[str, str] | None = None,
) -> Settings:
    for name, content in (("user", user), ("catalogue", catalogue)):
        (folder / name).mkdir(parents=True)
        (folder / name / "resight.toml").write_text(content, encoding="utf-8")
    return load_settings(
        assignments,
        catalogue=folder / "catalogue",
        environ=environ or {},
        user_folder=folder / "user",
    )


def test_defaults_without_any_file(tmp_path: Path) -> None:
    settings = load_settings(environ={}, user_folder=tmp_path)
    assert settings == Settings()
    assert (settings.method, settings.max_keypoints) == ("aliked-n16+lightglue", 1024)


def test_each_place_wins_over_the_weaker_ones(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "max_keypoints=4",
        user="max_keypoints = 1\nthreads = 1\nratio = 0.1\nmargin = 0.1",
        catalogue="max_keypoints = 2\nthreads = 2\nratio = 0.2",
        environ={"RESIGHT_MAX_KEYPOINTS": "3", "RESIGHT_THREADS": "3"},
    )
    assert settings.max_keypoints == 4
    assert settings.threads == 3
    assert settings.ratio == 0.2
    assert settings.margin == 0.1


def test_a_variable_set_to_nothing_is_not_set(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"RESIGHT_SCORE": ""}).score == "sum"


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"RESIGHT_MODELS": "/m", "HOME": "/"}) == Settings()


def test_a_variable_that_only_tests_read_is_no_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no setting 'test_photos'"):
        load(tmp_path, environ={"RESIGHT_TEST_PHOTOS": "/p"})


def test_minus_one_switches_confidence_off(tmp_path: Path) -> None:
    assert load(tmp_path, "depth_confidence=-1").depth_confidence == -1


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "max_keypoint=5",
            "--set: there is no setting 'max_keypoint'; did you mean max_keypoints?",
        ),
        ("zzz=5", "there are method, "),
        ("max_keypoints", "write it as name=value"),
        ("max_keypoints=0", "--set: max_keypoints = '0': input should be greater than"),
        ("max_keypoints=many", "--set: max_keypoints = 'many': input should be a valid integer"),
        ("max_keypoints=10.5", "--set: max_keypoints = '10.5': input should be a valid integer"),
        ("ratio=nan", "ratio = 'nan'"),
        ("ratio=0", "greater than 0"),
        ("depth_confidence=2", "must be above 0 and at most 1, or -1 to switch it off"),
        ("depth_confidence=0", "must be above 0 and at most 1, or -1 to switch it off"),
        ("width_confidence=0", "must be above 0 and at most 1, or -1 to switch it off"),
        ("filter_threshold=1", "less than 1"),
        ("detection_threshold=1", "less than 1"),
        ("device=gpu", "--set: device = 'gpu': input should be 'cpu' or 'cuda'"),
        ("side_policy=both", "'same', 'compatible' or 'any'"),
    ],
)
def test_refuses_and_says_why(tmp_path: Path, assignment: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, assignment)
    assert message in str(error.value)


def test_an_unknown_name_is_refused_in_every_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"user.resight\.toml: there is no setting 'scores'"):
        load(tmp_path / "1", user="scores = 'sum'")
    with pytest.raises(SettingsError, match=r"catalogue.resight\.toml: .* did you mean score"):
        load(tmp_path / "2", catalogue="scores = 'sum'")
    with pytest.raises(SettingsError, match=r"environment variables RESIGHT_.*'scores'"):
        load(tmp_path / "3", environ={"RESIGHT_SCORES": "sum"})


def test_a_bad_value_is_traced_to_the_place_that_won(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"environment variables RESIGHT_…: threads"):
        load(tmp_path, user="threads = 1", environ={"RESIGHT_THREADS": "-1"})


def test_a_boolean_is_not_a_number(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="threads = True: is neither true nor false"):
        load(tmp_path, user="threads = true")


def test_all_bad_values_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, "threads=-1", "ratio=7")
    assert "threads" in str(error.value)
    assert "ratio" in str(error.value)


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"resight\.toml is not TOML"):
        load(tmp_path, user="threads: 1")


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "resight.toml").mkdir()
    with pytest.raises(SettingsError, match="cannot read the settings"):
        load_settings(environ={}, user_folder=tmp_path)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().threads = 2


def test_every_setting_explains_itself() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@given(st.integers(1, 65536), st.floats(0, 1, exclude_min=True), st.sampled_from([-1.0, 0.5, 1.0]))
def test_any_allowed_value_survives_being_written_as_text(
    keypoints: int, ratio: float, depth: float
) -> None:
    settings = load_settings(
        [f"max_keypoints={keypoints}", f"ratio={ratio!r}", f"depth_confidence={depth!r}"],
        environ={},
        user_folder=Path("nowhere"),
    )
    assert (settings.max_keypoints, settings.ratio, settings.depth_confidence) == (
        keypoints,
        ratio,
        depth,
    )
