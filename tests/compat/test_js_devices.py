"""The JavaScript device clients, unmodified, through every door; and curl on the HTTPS ones. See js/report.js for what each script does."""
import json
import os
import pathlib
import queue
import shutil
import subprocess

import paho.mqtt.client as mqtt
import pytest

JS = pathlib.Path(__file__).parent / "js"
WAIT_S = 20

pytestmark = pytest.mark.skipif(shutil.which("node") is None or not (JS / "node_modules").is_dir(), reason="node and `npm ci` in tests/compat/js are needed")


@pytest.fixture
def device(iot, name, tmp_path):
    """A registered certificate that may use topics below its own name; its files."""
    made = iot.create_keys_and_certificate(setAsActive=True)
    resources = [f"arn:aws:iot:*:*:{kind}/{name}/*" for kind in ("topic", "topicfilter")] + ["arn:aws:iot:*:*:client/*"]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": resources}]}
    iot.create_policy(policyName=name, policyDocument=json.dumps(document))
    iot.attach_policy(policyName=name, target=made["certificateArn"])
    (tmp_path / "cert.pem").write_text(made["certificatePem"])
    (tmp_path / "key.pem").write_text(made["keyPair"]["PrivateKey"])
    return {"cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}


@pytest.fixture
def run(server, device, name):
    """run("mqttjs.js", mode="wss", port=…): the script's result."""

    def script(file, **settings):
        settings = {"host": "localhost", "ca": server.ca_file, "region": server.region, "clientId": name, "topic": f"{name}/a", "accessKeyId": server.access_key_id,
                    "secretAccessKey": server.secret_access_key, "timeoutSeconds": WAIT_S, **device, **settings}
        # The last one for SDK v1, which does not give its caPath to the WebSocket.
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NODE_EXTRA_CA_CERTS": server.ca_file, "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1"}
        done = subprocess.run(["node", str(JS / file), json.dumps(settings)], env=environment, capture_output=True, text=True, timeout=WAIT_S * 2)
        assert done.stdout, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return script


def echo(name, size=5):
    return {"topic": f"{name}/a", "payload": "x" * size, "size": size}


def test_mqttjs_with_a_certificate(server, run, name):
    assert run("mqttjs.js", port=server.mqtts_port) == echo(name)


@pytest.mark.parametrize("size", [5, 100_000])
def test_mqttjs_on_a_presigned_url(server, run, name, size):
    assert run("mqttjs.js", mode="wss", port=server.alpn_port, payloadBytes=size) == echo(name, size)


def test_a_url_signed_for_the_bare_host(server, run, name):
    """paho sends the port in Host and signs without it; CRT leaves it out of both."""
    assert run("mqttjs.js", mode="wss", port=server.alpn_port, signedHost="localhost") == echo(name)


def test_a_wrong_signature_is_403(server, run):
    assert "403" in run("mqttjs.js", mode="wss", port=server.alpn_port, secretAccessKey="wrong")["error"]


def test_device_sdk_v1_with_a_certificate(server, run, name):
    assert run("device_sdk_v1.js", port=server.mqtts_port) == echo(name)


def test_device_sdk_v1_over_websocket(server, run, name):
    assert run("device_sdk_v1.js", mode="wss", port=server.alpn_port) == echo(name)


@pytest.mark.parametrize("door", ["mqtts_port", "alpn_port"])
def test_device_sdk_v2_with_a_certificate(server, run, name, door):
    """It offers ALPN `x-amzn-mqtt-ca` on both."""
    assert run("device_sdk_v2.js", port=getattr(server, door)) == echo(name)


@pytest.mark.parametrize("size", [5, 100_000])
def test_device_sdk_v2_over_websocket(server, run, name, size):
    assert run("device_sdk_v2.js", mode="websocket", port=server.alpn_port, payloadBytes=size) == echo(name, size)


def test_device_sdk_v2_with_a_wrong_key(server, run):
    assert "error" in run("device_sdk_v2.js", mode="websocket", port=server.alpn_port, secretAccessKey="wrong")


@pytest.mark.parametrize("mode, door", [("mtls", "mqtts_port"), ("mtls", "alpn_port"), ("websocket", "alpn_port")])
def test_device_sdk_v2_speaks_mqtt_5(server, run, name, mode, door):
    assert run("device_sdk_v2_mqtt5.js", mode=mode, port=getattr(server, door)) == {
        "topic": f"{name}/a", "payload": "xxxxx", "contentType": "text/plain", "responseTopic": "answers", "correlationData": "c1",
        "userProperties": [["k", "v"], ["k", "w"]], "topicAliasMaximum": 8, "receiveMaximum": 100}


def test_mqttjs_speaks_mqtt_5(server, run, name):
    assert run("mqttjs.js", mode="wss", port=server.alpn_port, protocolVersion=5) == echo(name)


# curl


@pytest.fixture
def arrived(server, device, name):
    """What a subscriber to the device's topics gets: a queue of (topic, payload, qos)."""
    messages, ready = queue.Queue(), queue.Queue()
    client = mqtt.Client(client_id=name + "-subscriber")
    client.tls_set(server.ca_file, device["cert"], device["key"])
    client.on_message = lambda _client, _data, message: messages.put((message.topic, message.payload, message.qos))
    client.on_connect = lambda link, _data, _flags, code: link.subscribe(f"{name}/#", 1)
    client.on_subscribe = lambda _client, _data, _mid, granted: ready.put(granted)
    client.connect("localhost", server.mqtts_port)
    client.loop_start()
    assert ready.get(timeout=WAIT_S) == (1,)
    yield messages
    client.disconnect()
    client.loop_stop()


def curl(server, *arguments):
    done = subprocess.run(["curl", "-sS", "--max-time", str(WAIT_S), "--cacert", server.ca_file, "-w", "\n%{http_code}", *arguments],
                          capture_output=True, text=True, timeout=WAIT_S * 2)
    body, _, status = done.stdout.rpartition("\n")
    return done.returncode, status, body, done.stderr


def test_curl_publishes_with_a_certificate(server, device, arrived, name):
    code, status, body, errors = curl(server, "--tlsv1.2", "--cert", device["cert"], "--key", device["key"], "--request", "POST", "--data", "hello",
                                      f"https://localhost:{server.https_port}/topics/{name}/curl?qos=1")
    assert (code, status) == (0, "200"), errors
    assert json.loads(body)["message"] == "OK"
    assert arrived.get(timeout=WAIT_S) == (f"{name}/curl", b"hello", 1)


def test_curl_publishes_signed_on_the_port_that_aws_has_on_443(server, arrived, name):
    """No certificate is asked for where HTTP is spoken without ALPN `x-amzn-http-ca`."""
    arguments = ("--aws-sigv4", f"aws:amz:{server.region}:iotdevicegateway", "--user", f"{server.access_key_id}:{server.secret_access_key}", "--data", "hello")
    code, status, body, errors = curl(server, *arguments, f"https://localhost:{server.alpn_port}/topics/{name}/curl?qos=1")
    assert (code, status) == (0, "200"), errors + body
    assert arrived.get(timeout=WAIT_S) == (f"{name}/curl", b"hello", 1)


@pytest.mark.parametrize("http", ["--http1.0", "--http1.1", "--http2"])
def test_curl_without_credentials_gets_an_answer(server, name, http):
    code, status, body, errors = curl(server, http, "--data", "hello", f"https://localhost:{server.alpn_port}/topics/{name}/curl")
    assert (code, status) == (0, "403"), errors
    assert "message" in json.loads(body)


def test_openssl_offering_the_http_protocol_publishes_with_its_certificate(server, device, arrived, name):
    request = f"POST /topics/{name}/alpn?qos=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    done = subprocess.run(["openssl", "s_client", "-quiet", "-connect", f"localhost:{server.alpn_port}", "-CAfile", server.ca_file, "-cert", device["cert"], "-key", device["key"],
                           "-alpn", "x-amzn-http-ca", "-servername", "localhost", "-ign_eof"], input=request, capture_output=True, text=True, timeout=WAIT_S)
    assert "200 OK" in done.stdout, done.stdout + done.stderr
    assert arrived.get(timeout=WAIT_S) == (f"{name}/alpn", b"hello", 1)
