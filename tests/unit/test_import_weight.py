"""What `import provenance` costs: nothing heavy, until a name is used that needs it (design: a lazy facade)."""

import json
import subprocess
import sys

import pytest

import provenance

HEAVY = ["c2pa", "PIL", "cv2", "numpy", "pydantic", "typer", "rich", "cryptography", "sqlalchemy", "fastapi"]
CODECS_AND_BINDING = [name for name in HEAVY if name != "pydantic"]


def loaded_after(statement):
    """Return the names of the modules that a fresh process has loaded after `statement`."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_nothing_heavy():
    loaded = loaded_after("import provenance")
    assert "provenance" in loaded
    assert not loaded.intersection(HEAVY)


def test_importing_the_package_loads_no_other_module_of_it():
    assert {name for name in loaded_after("import provenance") if name.startswith("provenance.")} == set()


@pytest.mark.parametrize("name", ["Post", "Report", "Verification", "Provenance"])
def test_a_value_or_use_case_loads_pydantic_but_no_codec_and_no_binding(name):
    loaded = loaded_after(f"import provenance; provenance.{name}")
    assert "pydantic" in loaded
    assert not loaded.intersection(CODECS_AND_BINDING)


def test_an_error_loads_nothing_heavy():
    assert not loaded_after("import provenance; provenance.MalformedMedia").intersection(HEAVY)


@pytest.mark.parametrize("name", provenance.__all__)
def test_every_public_name_resolves_to_the_thing_of_that_name(name):
    assert getattr(provenance, name).__name__ == name


def test_the_public_names_are_sorted_and_unique():
    assert provenance.__all__ == sorted(set(provenance.__all__))


def test_a_name_is_looked_up_once():
    assert provenance.Post is vars(provenance)["Post"]


def test_dir_lists_every_public_name():
    assert set(provenance.__all__) | {"__version__"} == set(dir(provenance))


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'provenance' has no attribute 'Nothing'"):
        _ = provenance.Nothing
