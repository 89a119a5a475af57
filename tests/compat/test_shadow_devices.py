"""The shadow clients of AWS's own device SDKs for JavaScript: v1 thingShadow and v2 iotshadow, unmodified, over mutual TLS."""
import json
import pathlib
import subprocess

import pytest

JS = pathlib.Path(__file__).parent / "js"

pytestmark = pytest.mark.skipif(not (JS / "node_modules").exists(), reason="run `npm ci --ignore-scripts` in tests/compat/js")


@pytest.fixture
def run_script(server, iot, name, tmp_path):
    made = iot.create_keys_and_certificate(setAsActive=True)
    document = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": f"arn:aws:iot:*:*:client/{name}"},
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": f"arn:aws:iot:*:*:topic/$aws/things/{name}/shadow/*"},
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": f"arn:aws:iot:*:*:topicfilter/$aws/things/{name}/shadow/*"}]}
    iot.create_policy(policyName=name, policyDocument=json.dumps(document))
    iot.attach_policy(policyName=name, target=made["certificateArn"])
    (tmp_path / "cert.pem").write_text(made["certificatePem"])
    (tmp_path / "key.pem").write_text(made["keyPair"]["PrivateKey"])

    def run(script, **more):
        config = {"host": "localhost", "port": server.mqtts_port, "ca": server.ca_file, "cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem"),
                  "thing": name, "clientId": name, **more}
        done = subprocess.run(["node", str(JS / script), json.dumps(config)], capture_output=True, text=True, timeout=90, env={"PATH": "/usr/bin:/bin:/usr/local/bin"})
        assert done.returncode == 0, (done.stdout, done.stderr[-2000:])
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_v1_thing_shadow(run_script, iot_data, name):
    events = run_script("shadow_v1.js", operations=[["get"], ["update", {"state": {"desired": {"led": "on"}}}], ["update", {"state": {"reported": {"led": "on"}}}], ["get"],
                                                    ["delete"], ["get"]])
    assert events[0] == {"event": "registered", "error": None, "failed": None}
    statuses = [event for event in events if event["event"] == "status"]
    assert [event["status"] for event in statuses] == ["rejected", "accepted", "accepted", "accepted", "accepted", "rejected"]
    assert statuses[0]["state"]["code"] == 404
    deltas = [event for event in events if event["event"] == "delta"]
    assert [event["state"]["state"] for event in deltas] == [{"led": "on"}]
    assert statuses[3]["state"]["state"] == {"desired": {"led": "on"}, "reported": {"led": "on"}}
    assert statuses[3]["state"]["version"] == 2
    assert not [event for event in events if event["event"] in ("foreign", "timeout", "error")]


def check_v2(events, thing_and_shadow):
    answers = [event for event in events if event["event"] in ("accepted", "rejected")]
    assert [event["event"] for event in answers] == ["rejected", "accepted", "accepted", "accepted", "rejected", "accepted", "rejected"], events
    assert answers[0]["answer"]["code"] == 404 and answers[0]["answer"]["message"] == f"No shadow exists with name: '{thing_and_shadow}'"
    assert answers[1]["answer"]["version"] == 1 and answers[1]["answer"]["state"] == {"desired": {"led": "on"}}
    assert answers[3]["answer"]["state"] == {"desired": {"led": "on"}, "reported": {"led": "off"}, "delta": {"led": "on"}}
    assert answers[4]["answer"]["code"] == 409
    assert answers[5]["answer"]["version"] == 2
    deltas = [event["message"] for event in events if event["event"] == "delta"]
    assert [(delta["version"], delta["state"]) for delta in deltas] == [(1, {"led": "on"}), (2, {"led": "on"})]
    documents = [event["message"] for event in events if event["event"] == "documents"]
    assert [document["current"]["version"] for document in documents] == [1, 2]
    assert documents[1]["previous"]["state"] == {"desired": {"led": "on"}}


OPERATIONS = [["get"], ["update", {"state": {"desired": {"led": "on"}}}], ["update", {"state": {"reported": {"led": "off"}}, "version": 1}], ["get"],
              ["update", {"state": {"reported": {}}, "version": 1}], ["delete"], ["get"]]


@pytest.mark.parametrize("shadow", [None, "config"])
def test_v2_shadow_client_over_mqtt_311(run_script, name, shadow):
    check_v2(run_script("shadow_v2.js", operations=OPERATIONS, shadow=shadow), f"{name}~{shadow}" if shadow else name)
