"""Fogbank's own pages: the activity feed and `fogbank explain`. They have no counterpart in AWS."""
import json
import subprocess
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import urllib3

from tests.support.fogbank_server import BINARY

PUBLISH = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "OnlyA", "Effect": "Allow", "Action": "iot:Publish",
                                                             "Resource": "arn:aws:iot:us-east-1:000000000000:topic/a"}]})


@pytest.fixture
def thing(raw, name):
    certificate = raw.ok("iot", "CreateKeysAndCertificate", setAsActive=True)
    raw.ok("iot", "CreateThing", thingName=name)
    raw.ok("iot", "CreatePolicy", policyName=name, policyDocument=PUBLISH)
    raw.ok("iot", "AttachPolicy", policyName=name, target=certificate["certificateArn"])
    raw.ok("iot", "AttachThingPrincipal", thingName=name, principal=certificate["certificateArn"])
    return name


def explain(server, *arguments):
    return subprocess.run([str(BINARY), "explain", "--data", str(server.data), *arguments], capture_output=True, text=True, timeout=60)


def test_explain_says_why(server, thing):
    allowed = explain(server, "--thing", thing, "--action", "iot:Publish", "--topic", "a")
    assert allowed.returncode == 0, allowed.stderr
    assert allowed.stdout.startswith("ALLOWED") and f"policy `{thing}` statement 0 (OnlyA)" in allowed.stdout
    refused = explain(server, "--thing", thing, "--action", "iot:Publish", "--topic", "b")
    assert refused.returncode == 1
    assert refused.stdout.startswith("IMPLICIT_DENY") and "topic/b" in refused.stdout and f"policy `{thing}` statement 0" in refused.stdout
    assert explain(server, "--thing", thing + "x", "--action", "iot:Publish", "--topic", "b").returncode == 1
    assert "iot:Publish" in explain(server, "--thing", thing, "--action", "iot:Fly").stderr


def test_the_pages_need_credentials(raw):
    for page in ("activity", "activity/stream", "explain?thing=x&action=iot:Publish"):
        assert raw.send("iot", "GET", f"/_fogbank/{page}", sign=False).status == 403


def test_activity_is_listed(raw):
    answer = raw.send("iot", "GET", "/_fogbank/activity?limit=5")
    assert answer.status == 200
    assert len(answer.json["activities"]) <= 5
    assert raw.send("iot", "GET", "/_fogbank/activity?limit=5000").status == 400
    assert raw.send("iot", "POST", "/_fogbank/activity").status != 200


def test_activity_is_streamed(server, raw, thing):
    request = botocore.awsrequest.AWSRequest("GET", server.api_url + "/_fogbank/activity/stream")
    credentials = botocore.credentials.Credentials(server.access_key_id, server.secret_access_key)
    botocore.auth.SigV4Auth(credentials, "iot", server.region).add_auth(request)
    answer = urllib3.PoolManager().request("GET", request.url, headers=dict(request.headers), preload_content=False, timeout=30)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    assert answer.readline() == b": this is the activity feed\n"
    answer.readline()
    arn = raw.ok("iot", "ListThingPrincipals", thingName=thing)["principals"][0]
    certificate = arn.split("/")[1]
    raw.ok("iot", "UpdateCertificate", certificateId=certificate, newStatus="REVOKED")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        line = answer.readline()
        if line.startswith(b"data: ") and certificate.encode() in line:
            break
    else:
        pytest.fail("the stream did not tell of the revocation")
    assert json.loads(line[6:])["kind"] == "certificate_changed"
    answer.close()
