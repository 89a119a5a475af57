"""Publishing over HTTPS: what a subscriber on the broker then sees, and what is refused."""
import http.client
import json
import queue
import ssl
import urllib.parse

import paho.mqtt.client as mqtt
import pytest

WAIT_S = 10


def policy_for(*topics):
    resources = [f"arn:aws:iot:*:*:{kind}/{topic}" for topic in topics for kind in ("topic", "topicfilter")] + ["arn:aws:iot:*:*:client/*"]
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iot:Connect", "iot:Publish", "iot:Subscribe", "iot:Receive"],
                                                               "Resource": resources}]})


@pytest.fixture
def device(iot, name, tmp_path):
    """A registered certificate that may use the topics below its own name; its files."""
    made = iot.create_keys_and_certificate(setAsActive=True)
    iot.create_policy(policyName=name, policyDocument=policy_for(name + "/*"))
    iot.attach_policy(policyName=name, target=made["certificateArn"])
    (tmp_path / "cert.pem").write_text(made["certificatePem"])
    (tmp_path / "key.pem").write_text(made["keyPair"]["PrivateKey"])
    return {"cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem"), "id": made["certificateId"]}


@pytest.fixture
def subscriber(server, device, name):
    """subscribe(filter) -> a queue of (topic, payload, qos)."""
    clients = []

    def subscribe(topic_filter):
        arrived, ready = queue.Queue(), queue.Queue()
        client = mqtt.Client(client_id=f"{name}-{len(clients)}")
        client.tls_set(server.ca_file, device["cert"], device["key"])
        client.on_message = lambda _client, _data, message: arrived.put((message.topic, message.payload, message.qos))
        client.on_connect = lambda link, _data, _flags, code: link.subscribe(topic_filter, 1) if code == 0 else ready.put(("refused", code))
        client.on_subscribe = lambda _client, _data, _mid, granted: ready.put(("granted", granted))
        client.connect("localhost", server.mqtts_port)
        client.loop_start()
        clients.append(client)
        assert ready.get(timeout=WAIT_S) == ("granted", (1,))
        return arrived

    yield subscribe
    for client in clients:
        client.disconnect()
        client.loop_stop()


def test_publish_reaches_a_subscriber(iot_data, subscriber, name):
    arrived = subscriber(name + "/#")
    iot_data.publish(topic=f"{name}/plant 1/ä$", qos=1, payload=b"\x00\xffbytes")
    assert arrived.get(timeout=WAIT_S) == (f"{name}/plant 1/ä$", b"\x00\xffbytes", 1)
    iot_data.publish(topic=name + "/b", qos=0)
    assert arrived.get(timeout=WAIT_S) == (name + "/b", b"", 0)


def test_order_of_one_publisher(iot_data, subscriber, name):
    arrived = subscriber(name + "/n")
    for index in range(50):
        iot_data.publish(topic=name + "/n", qos=1, payload=str(index))
    assert [int(arrived.get(timeout=WAIT_S)[1]) for _ in range(50)] == list(range(50))


def test_answer_of_publish(raw, name):
    answer = raw.send("iot-data", "POST", f"/topics/{name}%2Fa?qos=1", b"x")
    assert answer.status == 200
    assert answer.json["message"] == "OK"
    assert answer.json["traceId"]


def test_topic_with_plain_slashes(raw, subscriber, name):
    arrived = subscriber(name + "/#")
    assert raw.send("iot-data", "POST", f"/topics/{name}/x/y", b"z").status == 200
    assert arrived.get(timeout=WAIT_S)[:2] == (f"{name}/x/y", b"z")


def test_hand_written_clients_sign_another_name(raw, name):
    assert raw.send("iotdevicegateway", "POST", f"/topics/{name}?qos=1", b"x").status == 200


@pytest.mark.parametrize("topic", ["a/+", "#", "a/#/b", "x" * 257, "1/2/3/4/5/6/7/8/9", "a\x00b"])
def test_topics_that_are_none(raw, topic):
    answer = raw.send("iot-data", "POST", "/topics/" + urllib.parse.quote(topic, safe=""), b"x")
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


@pytest.mark.parametrize("query", ["qos=2", "qos=-1", "qos=one", "retain=perhaps", "messageExpiry=-1"])
def test_parameters_that_are_none(raw, query):
    answer = raw.send("iot-data", "POST", "/topics/a?" + query, b"x")
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


def test_payload_of_128_kib_and_one_byte(raw, name):
    assert raw.send("iot-data", "POST", "/topics/" + name, b"x" * 128 * 1024).status == 200
    answer = raw.send("iot-data", "POST", "/topics/" + name, b"x" * (128 * 1024 + 1))
    assert (answer.status, answer.error) == (413, "RequestEntityTooLargeException")


def test_not_yet_there(raw, name):
    for method, path in (("PUT", f"/things/{name}/shadow"), ("PUT", "/topics/a")):
        answer = raw.send("iot-data", method, path)
        assert (answer.status, answer.error) == (405, "MethodNotAllowedException")


def test_cli_publish(aws, subscriber, name):
    arrived = subscriber(name + "/#")
    done = aws("iot-data", "publish", "--topic", name + "/cli", "--qos", "1", "--cli-binary-format", "raw-in-base64-out", "--payload", '{"a":1}')
    assert (done.code, done.out) == (0, ""), done.err
    assert arrived.get(timeout=WAIT_S) == (name + "/cli", b'{"a":1}', 1)


# Messages to one client (SendDirectMessage, which botocore does not know yet)


def test_direct_message_reaches_one_client(raw, subscriber, name):
    arrived = subscriber(name + "/elsewhere")
    client_id = f"{name}-0"
    answer = raw.send("iot-data", "POST", f"/connections/{client_id}/messages?confirmation=true&timeout=10&topic={name}%2Fdirect", b"hello")
    assert (answer.status, answer.json["message"]) == (200, "OK")
    assert answer.json["traceId"]
    assert arrived.get(timeout=WAIT_S) == (name + "/direct", b"hello", 1)
    assert raw.send("iot-data", "POST", f"/connections/{client_id}/messages?topic={name}%2Fdirect", b"again").status == 200
    assert arrived.get(timeout=WAIT_S) == (name + "/direct", b"again", 0)
    refused = raw.send("iot-data", "POST", f"/connections/{client_id}/messages?topic=not-{name}", b"x")
    assert (refused.status, refused.error) == (403, "ForbiddenException")


@pytest.mark.parametrize("query, status, error", [
    ("topic=a", 404, "ResourceNotFoundException"),
    ("", 400, "InvalidRequestException"),
    ("topic=%24aws%2Fthings", 400, "InvalidRequestException"),
    ("topic=a%2F%23", 400, "InvalidRequestException"),
    ("topic=a&timeout=16", 400, "InvalidRequestException"),
    ("topic=a&confirmation=perhaps", 400, "InvalidRequestException"),
])
def test_direct_messages_that_are_refused(raw, name, query, status, error):
    answer = raw.send("iot-data", "POST", f"/connections/{name}/messages?{query}", b"x")
    assert (answer.status, answer.error) == (status, error)


# The port for client certificates


def post(server, device, target, body=b"x", method="POST"):
    context = ssl.create_default_context(cafile=server.ca_file)
    context.load_cert_chain(device["cert"], device["key"])
    link = http.client.HTTPSConnection("localhost", server.https_port, timeout=20, context=context)
    link.request(method, target, body)
    answer = link.getresponse()
    return answer.status, answer.headers.get("x-amzn-ErrorType"), json.loads(answer.read() or b"{}")


def test_certificate_publishes_where_its_policy_allows(server, device, subscriber, name):
    arrived = subscriber(name + "/#")
    status, _, body = post(server, device, f"/topics/{name}%2Fa?qos=1", b"hello")
    assert (status, body["message"]) == (200, "OK")
    assert arrived.get(timeout=WAIT_S) == (name + "/a", b"hello", 1)


def test_certificate_is_refused_elsewhere(server, device, name):
    status, error, body = post(server, device, f"/topics/not-{name}")
    assert (status, error) == (403, "ForbiddenException")
    assert body["message"].startswith("Forbidden")
    assert body["traceId"]


def test_inactive_certificate_is_refused(server, device, iot, name):
    iot.update_certificate(certificateId=device["id"], newStatus="INACTIVE")
    status, error, _ = post(server, device, f"/topics/{name}%2Fa")
    assert (status, error) == (403, "ForbiddenException")
    iot.update_certificate(certificateId=device["id"], newStatus="ACTIVE")
    assert post(server, device, f"/topics/{name}%2Fa")[0] == 200


def test_certificates_never_reach_the_control_plane(server, device):
    for method, target in (("GET", "/things"), ("POST", "/things/x"), ("GET", "/_fogbank/metrics")):
        assert post(server, device, target, b"", method)[:2] == (405, "MethodNotAllowedException")
