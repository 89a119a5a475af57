"""`fogbank export` and `fogbank import`: a fleet moves to another installation, of another account and region, and its devices connect."""
import json
import ssl
import subprocess
import threading

import boto3
import botocore.config
import paho.mqtt.client as mqtt

from tests.support.fogbank_server import BINARY, clean_environment


def client(server, service="iot"):
    values = server.endpoints
    settings = botocore.config.Config(retries={"total_max_attempts": 1}, proxies={})
    return boto3.session.Session().client(service, region_name=values["region"], endpoint_url=values["api_url"], config=settings,
                                          aws_access_key_id=values["access_key_id"], aws_secret_access_key=values["secret_access_key"])


def fogbank(*arguments):
    return subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, text=True, env=clean_environment(), timeout=60)


def test_a_fleet_moves(new_server, tmp_path):
    first = new_server("first").start()
    iot = client(first)
    account, region = first.endpoints["account_id"], first.endpoints["region"]
    arn = f"arn:aws:iot:{region}:{account}:"
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": arn + "client/${iot:Connection.Thing.ThingName}"}]}
    keys = iot.create_keys_and_certificate(setAsActive=True)
    spare = iot.create_keys_and_certificate(setAsActive=False)
    iot.create_thing(thingName="press:1", attributePayload={"attributes": {"site": "north"}})
    iot.create_policy(policyName="p+1", policyDocument=json.dumps(document))
    iot.attach_policy(policyName="p+1", target=keys["certificateArn"])
    iot.attach_thing_principal(thingName="press:1", principal=keys["certificateArn"])
    iot.create_topic_rule(ruleName="r", topicRulePayload={"sql": "SELECT * FROM 'a'", "actions": [
        {"republish": {"topic": "b", "roleArn": "arn:aws:iam::000000000000:role/r"}}]})

    out = fogbank("export", tmp_path / "fleet", "--data", first.data)
    assert out.returncode == 0, out.stderr
    assert "1 things\n2 certificates\n1 policies\n2 attachments\n1 rules" in out.stdout
    assert json.loads((tmp_path / "fleet" / "things.json").read_text())["things"][0]["thingName"] == "press:1"
    described = json.loads((tmp_path / "fleet" / "certificates" / f"{spare['certificateId']}.json").read_text())
    assert described["certificateDescription"]["status"] == "INACTIVE"

    second = new_server("second", "--account", "123456789012", "--region", "eu-west-1").start()
    done = fogbank("import", tmp_path / "fleet", "--data", second.data)
    assert done.returncode == 0, done.stdout + done.stderr
    again = fogbank("import", tmp_path / "fleet", "--data", second.data)
    assert again.returncode == 0 and "were there already" in again.stdout
    iot = client(second)
    assert iot.describe_thing(thingName="press:1")["attributes"] == {"site": "north"}
    assert json.loads(iot.get_policy(policyName="p+1")["policyDocument"])["Statement"][0]["Resource"].startswith("arn:aws:iot:eu-west-1:123456789012:client/")
    assert iot.get_topic_rule(ruleName="r")["rule"]["sql"] == "SELECT * FROM 'a'"

    (tmp_path / "c.pem").write_text(keys["certificatePem"])
    (tmp_path / "c.key").write_text(keys["keyPair"]["PrivateKey"])
    connected = threading.Event()
    device = mqtt.Client(client_id="press:1")
    device.tls_set(second.endpoints["ca_file"], str(tmp_path / "c.pem"), str(tmp_path / "c.key"), tls_version=ssl.PROTOCOL_TLS_CLIENT)
    device.on_connect = lambda c, u, f, code: connected.set() if code == 0 else None
    device.connect("localhost", second.endpoints["mqtts_port"])
    device.loop_start()
    assert connected.wait(20)
    device.loop_stop()
    device.disconnect()


def test_what_cannot_be_imported_is_named(new_server, tmp_path):
    server = new_server().start()
    folder = tmp_path / "fleet"
    (folder / "policies").mkdir(parents=True)
    (folder / "policies" / "bad.json").write_text(json.dumps({"policyName": "bad", "policyDocument": "{"}))
    (folder / "policies" / "broken.json").write_text("{")
    done = fogbank("import", folder, "--data", server.data)
    assert done.returncode == 1
    assert "not done: policy bad: " in done.stdout and "broken.json" in done.stdout
    assert fogbank("import", tmp_path / "none", "--data", server.data).returncode == 1
    assert fogbank("export", tmp_path / "x", "--data", tmp_path / "nothing").returncode == 1
