"""What the format contract needs of each format; see `samples` for where it comes from."""

import pytest

from . import samples as contract_samples
from .samples_images import XMP


@pytest.fixture(scope="session")
def samples():
    """Handler name → sample name → bytes."""
    return contract_samples.every()


@pytest.fixture(scope="session")
def decoded():
    """Take a handler's name and a file's bytes to what an independent decoder sees."""
    return lambda name, content: contract_samples.DECODED[name](content)


@pytest.fixture(scope="session")
def open_ended():
    """The handlers whose format does not say where a file ends."""
    return contract_samples.OPEN_ENDED


@pytest.fixture(scope="session")
def xmp():
    return lambda text: XMP % text
