"""kornia (in torch) is the independent reference here; `make parity` runs these tests."""

from collections.abc import Iterator

import pytest

pytest.importorskip("torch", reason="parity tests run with make parity")


@pytest.fixture(scope="session", autouse=True)
def _checkpoints_for_kornia(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """kornia finds our fetched weights where torch.hub would have downloaded them."""
    from resight.models import weights_path

    home = tmp_path_factory.mktemp("torch")
    folder = home / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    for name in ("aliked-t16", "aliked-n16", "aliked-n16rot", "aliked-n32"):
        (folder / f"{name}.pth").symlink_to(weights_path(name).resolve())
    for file, name in {
        "xfeat.pt": "xfeat",
        "depth-save.pth": "disk",
        "aliked_lightglue_v0-1_arxiv-pth": "aliked-lightglue",  # the odd ending is right
        "disk_lightglue_v0-1_arxiv-pth": "disk-lightglue",
        "xfeat-lighterglue.pt": "xfeat-lighterglue",
    }.items():
        (folder / file).symlink_to(weights_path(name).resolve())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(home))
        yield
