"""DynamoDB through the AWS SDKs for JavaScript, v2 and v3, each with its document client."""
import pathlib
import shutil
import subprocess

import pytest

JS = pathlib.Path(__file__).parent / "js"
pytestmark = pytest.mark.skipif(shutil.which("node") is None or not (JS / "node_modules").is_dir(), reason="node and `npm ci` in tests/compat/js are needed")


@pytest.mark.parametrize("script", ["dynamodb_v2.cjs", "dynamodb_v3.mjs"])
def test_sdk(server, name, script):
    environment = {"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": server.access_key_id, "AWS_SECRET_ACCESS_KEY": server.secret_access_key}
    done = subprocess.run(["node", str(JS / script), server.api_url, server.region, name], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "done", done.stdout + done.stderr
