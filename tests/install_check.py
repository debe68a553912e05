"""Build the distributions, install the wheel alone in an empty environment, and try it there: `make test` runs this.

It needs the package index that pip uses; everything it makes lies in a temporary folder.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDED = (
    "provenance/_labels/EDITION",
    "provenance/messages/files.toml",
    "provenance/notices/fonts/notice.otf",
    "provenance/notices/fonts/OFL.txt",
    "provenance/py.typed",
)
SHIPPED_WITH_SOURCES = ("pyproject.toml", "LICENSE", "README.md", "labels/EDITION", "fixtures/generate.py")


def main():
    with tempfile.TemporaryDirectory(prefix="install-check-") as name:
        folder = Path(name)
        wheel = built(folder)
        command = installed(wheel, folder / "environment")
        tried(command, folder)
        sys.stdout.write(f"install check: {wheel.name} built from its sdist, installed alone, demo run: OK\n")


def built(folder):
    """Return the wheel that was built from the sdist, once it is known to hold the package, the labels and no more."""
    build = (sys.executable, "-m", "build", "--no-isolation")
    run(*build, "--outdir", folder / "dist", ROOT)
    run(*build, "--wheel", "--outdir", folder / "direct", ROOT)
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    (direct,) = (folder / "direct").glob("*.whl")
    with tarfile.open(sdist) as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    expect(sources.issuperset(SHIPPED_WITH_SOURCES), f"the sdist lacks {set(SHIPPED_WITH_SOURCES) - sources}")
    names = contents(wheel)
    expect(names == contents(direct), f"a wheel of the sdist differs: {names ^ contents(direct)}")
    package = {name for name in names if ".dist-info/" not in name}
    expect(package.issuperset(NEEDED), f"the wheel lacks {set(NEEDED) - package}")
    wanted = files_below(ROOT / "src/provenance", "provenance") | files_below(ROOT / "labels", "provenance/_labels")
    expect(package == wanted, f"the wheel is not the package and its labels: {package ^ wanted}")
    licences = {name.partition(".dist-info/licenses/")[2] for name in names - package}
    expect(licences >= {"LICENSE", "src/provenance/notices/fonts/OFL.txt"}, f"licences in the wheel: {licences}")
    return wheel


def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def files_below(folder, prefix):
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"{prefix}/{path.relative_to(folder).as_posix()}" for path in found}


def installed(wheel, environment):
    """Return the command as the wheel puts it into an environment that holds nothing else."""
    venv.create(environment, with_pip=True)
    pip = (environment / "bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "install", wheel)
    run(*pip, "check")
    return environment / "bin/provenance"


def tried(command, folder):
    """Use the installed command as somebody would who has no checkout."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    home = {"cwd": elsewhere, "env": {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}}
    place = "import provenance, sys; sys.exit(not provenance.__file__.startswith(sys.prefix))"
    run(command.parent / "python", "-c", place, **home)
    expect("attach" in run(command, "--help", **home), "--help names no command")
    expect("SM2023-03-2" in run(command, "rules", "list", **home), "rules list does not name SM2023-03-2")
    run(command, "demo", "-o", "demo", **home)
    finished = sorted(path.name for path in (elsewhere / "demo/labelled/media").iterdir())
    expect(finished == ["1-scene.jpg", "2-poster.png"], f"the demo left {finished}")


def run(*command, cwd=None, env=None):
    env = {key: value for key, value in (env or os.environ).items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    done = subprocess.run(
        [str(each) for each in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    said = f"{done.stdout}{done.stderr}"
    expect(done.returncode == 0, f"{' '.join(map(str, command))}: exit code {done.returncode}\n{said}")
    return done.stdout


def expect(holds, otherwise):
    if not holds:
        sys.exit(f"install check failed: {otherwise}")


if __name__ == "__main__":
    main()
