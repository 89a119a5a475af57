"""Starts the program once per session and hands out stock clients for it: boto3, the AWS CLI, raw signed HTTP.

FOGBANK_BINARY names the program (default: build/fogbank of this repository). Nothing here knows more of the server than its endpoints.json.
"""
import json
import pathlib
import subprocess
import sys
import uuid

import boto3
import botocore.config
import pytest

from model import Raw

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.support.fogbank_server import FogbankServer  # noqa: E402

# Ambient settings change what clients do (proxies, profiles, metadata look-ups): none of them reaches a test.
CLEAN = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "",
         "AWS_CONFIG_FILE": "/nonexistent/config", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials", "AWS_MAX_ATTEMPTS": "1"}


class Server(FogbankServer):
    """With the values of endpoints.json as attributes."""

    def start(self):
        super().start()
        self.__dict__.update(self.endpoints)
        return self


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("fogbank") / "data").start()
    yield running
    assert running.alive(), f"the server died during the tests: {running.log()[-4000:]}"
    assert running.stop() == 0, running.log()[-4000:]


@pytest.fixture(scope="session")
def make_client(server):
    """boto3 clients: make_client("iot"), make_client("iot", tls=True), make_client("iot", secret="wrong")."""

    def make(service, tls=False, key=None, secret=None, region=None, **config):
        # One attempt, so that a test sees the answer and not the third try.
        settings = botocore.config.Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30, proxies={}, **config)
        return boto3.session.Session().client(service, region_name=region or server.region, endpoint_url=server.api_tls_url if tls else server.api_url,
                                              verify=server.ca_file if tls else None, aws_access_key_id=key or server.access_key_id,
                                              aws_secret_access_key=secret or server.secret_access_key, config=settings)

    return make


@pytest.fixture(scope="session")
def iot(make_client):
    return make_client("iot")


@pytest.fixture(scope="session")
def iot_data(make_client):
    return make_client("iot-data")


@pytest.fixture(scope="session")
def dynamodb(make_client):
    return make_client("dynamodb")


@pytest.fixture(scope="session")
def functions(make_client):
    return make_client("lambda")


@pytest.fixture
def name():
    """A name of this test's own, so that tests do not meet each other's things."""
    return "t" + uuid.uuid4().hex[:12]


@pytest.fixture(scope="session")
def raw(server):
    """Signed requests whose answers are checked against botocore's service model; see model.py."""
    return Raw(server)


class CliResult:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(scope="session")
def aws(server):
    """The AWS CLI: aws("iot", "create-thing", "--thing-name", "x") -> .code, .out, .err, .json."""

    def run(*arguments, tls=False):
        environment = dict(CLEAN, AWS_ACCESS_KEY_ID=server.access_key_id, AWS_SECRET_ACCESS_KEY=server.secret_access_key, AWS_DEFAULT_REGION=server.region,
                           AWS_DEFAULT_OUTPUT="json")
        if tls:
            environment["AWS_CA_BUNDLE"] = server.ca_file
        url = server.api_tls_url if tls else server.api_url
        command = ["/usr/bin/aws", "--endpoint-url", url, "--cli-read-timeout", "30", *map(str, arguments)]
        return CliResult(subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120))

    return run
