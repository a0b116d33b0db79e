"""kornia (in torch) is the independent reference here; `make parity` runs these tests."""

from collections.abc import Iterator

import pytest

pytest.importorskip("torch", reason="parity tests run with make parity")


@pytest.fixture(scope="session", autouse=True)
def _checkpoints_for_kornia(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """kornia finds our fetched weights where torch.hub would have downloaded them."""
    from benchmarks.kornia_weights import link_weights

    home = tmp_path_factory.mktemp("torch")
    link_weights(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(home))
        yield
