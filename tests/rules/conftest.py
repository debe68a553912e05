from __future__ import annotations

import pytest

from provenance.catalog import Catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.packaged()
