"""What a user gets who installs the core package alone."""

import pkgutil
import subprocess
import sys

import resight

#: Needs nothing but what the project itself depends on; tests of these are elsewhere.
FORBIDDEN = ("torch", "kornia", "onnxscript", "scipy", "sklearn", "pytest", "hypothesis")
#: Of a package that is in an environment of its own: tests/wbia imports them.
NEEDS_WBIA = {
    f"resight.wbia.{name}" for name in ("configs", "hybrid", "plugin", "requests", "results")
}


def modules() -> list[str]:
    found = {module.name for module in pkgutil.walk_packages(resight.__path__, "resight.")}
    assert found > NEEDS_WBIA
    return sorted(name for name in found - NEEDS_WBIA if not name.endswith("__main__"))


def run(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_every_module_imports_without_torch_or_development_packages() -> None:
    names = modules()
    assert len(names) > 40
    refuse = f"""
import importlib, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {FORBIDDEN!r}:
            raise ImportError(name + " is not part of the core install")
sys.meta_path.insert(0, Refuse())
for name in {names!r}:
    importlib.import_module(name)
print("all")
"""
    assert run(refuse).strip() == "all"


def test_importing_the_package_brings_nothing_heavy() -> None:
    loaded = run("import sys, resight; print(*sorted(sys.modules))").split()
    heavy = {"numpy", "cv2", "openvino", "onnxruntime", "onnx", "sqlalchemy", "PIL", "pydantic"}
    assert not heavy & set(loaded)


def test_importing_every_module_starts_no_thread_and_no_handler() -> None:
    # OpenVINO starts a pool of its own when imported, so only open_engine imports that module.
    names = [name for name in modules() if name != "resight.engine.openvino"]
    code = f"""
import importlib, logging, threading
for name in {names!r}:
    importlib.import_module(name)
names = [n for n in logging.root.manager.loggerDict if n.startswith("resight")]
assert threading.active_count() == 1, threading.enumerate()
assert not logging.root.handlers, logging.root.handlers
assert not any(logging.getLogger(name).handlers for name in names), names
"""
    run(code)
