"""System tests run the built program (FOGBANK_BINARY, default build/fogbank) as its users do."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.support.fogbank_server import FogbankServer  # noqa: E402


@pytest.fixture
def new_server(tmp_path):
    """Makes servers on folders below the test's own; whatever still runs at the end is killed."""
    servers = []

    def make(name="data", *options):
        server = FogbankServer(tmp_path / name, *options)
        servers.append(server)
        return server

    yield make
    for server in servers:
        if server.process is not None and server.alive():
            server.kill()
