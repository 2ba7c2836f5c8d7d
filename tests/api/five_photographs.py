"""Images that a module is evaluated on."""

import pytest

import bench


@pytest.fixture(scope="module")
def images(photographs) -> "bench.Images":
    return bench.open_images(f"list:{photographs}", limit=5)
