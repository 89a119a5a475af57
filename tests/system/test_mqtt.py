"""MQTT over mutual TLS with stock clients: what goes through, what is refused, and that refusals say why."""

import json
import socket
import ssl
import subprocess
import threading
import time

import pytest

ARN = "arn:aws:iot:us-east-1:000000000000:"


@pytest.fixture
def server(new_server):
    return new_server().start()


def device(server, folder, name, statements):
    """A certificate with a policy of these statements, through boto3; the files lie in `folder` as `provision` leaves them."""
    iot = server.boto3("iot")
    keys = iot.create_keys_and_certificate(setAsActive=True)
    iot.create_policy(policyName=f"{name}-policy", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    iot.attach_policy(policyName=f"{name}-policy", target=keys["certificateArn"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "RootCA.pem").write_text(open(server.endpoints["ca_file"]).read())
    (folder / f"{name}-certificate.pem.crt").write_text(keys["certificatePem"])
    (folder / f"{name}-private.pem.key").write_text(keys["keyPair"]["PrivateKey"])
    return keys


def allow(action, *resources):
    return {"Effect": "Allow", "Action": action, "Resource": [r if r == "*" else ARN + r for r in resources]}


EVERYTHING = [allow("iot:*", "*")]


class Listener:
    """A connected paho client that keeps what arrives."""

    def __init__(self, server, folder, name, client_id=None):
        self.client = server.mqtt_client(folder, name, client_id)
        self.messages, self.connected, self.disconnected, self.granted = [], threading.Event(), threading.Event(), threading.Event()
        self.code, self.subacks, self.changed = None, [], threading.Condition()
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = lambda *_: self.disconnected.set()
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.reconnect_delay_set(min_delay=60, max_delay=60)
        self.client.connect("localhost", server.endpoints["mqtts_port"], keepalive=60)
        self.client.loop_start()

    def _on_connect(self, _client, _user, _flags, code):
        self.code = code
        self.connected.set()

    def _on_subscribe(self, _client, _user, _mid, granted):
        self.subacks.append(granted)
        self.granted.set()

    def _on_message(self, _client, _user, message):
        with self.changed:
            self.messages.append((message.topic, message.payload, message.qos))
            self.changed.notify_all()

    def subscribe(self, *filters):
        self.granted.clear()
        self.client.subscribe(list(filters))
        assert self.granted.wait(10), "no SUBACK"
        return self.subacks[-1]

    def wait_for(self, count, deadline_s=10):
        deadline = time.monotonic() + deadline_s
        with self.changed:
            while len(self.messages) < count and time.monotonic() < deadline:
                self.changed.wait(0.2)
            return list(self.messages)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def test_qos_0_and_1_reach_a_wildcard_subscriber_in_order(server, tmp_path):
    device(server, tmp_path / "d", "d", EVERYTHING)
    listener = Listener(server, tmp_path / "d", "d", "listener")
    assert listener.connected.wait(10) and listener.code == 0
    assert listener.subscribe(("plant/+/temperature", 1), ("other/#", 0)) == (1, 0)
    publisher = Listener(server, tmp_path / "d", "d", "publisher")
    assert publisher.connected.wait(10)
    for number in range(200):
        publisher.client.publish(f"plant/{number % 3}/temperature", str(number), qos=number % 2)
    publisher.client.publish("other/deep/topic", b"\x00\xff", qos=1)
    publisher.client.publish("other", "not below", qos=1)  # AWS: `other/#` does not match `other`
    got = listener.wait_for(201)
    for qos in (0, 1):  # order is promised per topic and QoS; paho itself lets QoS 0 overtake what waits for its window
        for topic in range(3):
            assert [p for t, p, q in got if t == f"plant/{topic}/temperature" and q == qos] == [
                str(n).encode() for n in range(200) if n % 3 == topic and n % 2 == qos
            ]
    assert ("other/deep/topic", b"\x00\xff", 0) in got
    assert all(topic != "other" for topic, _, _ in got)
    assert {qos for topic, payload, qos in got if topic.startswith("plant/") and int(payload) % 2} == {1}
    listener.close()
    publisher.close()


def test_mosquitto_clients_work_unchanged(server, tmp_path):
    device(server, tmp_path / "d", "d", EVERYTHING)
    tls = ["-h", "localhost", "-p", str(server.endpoints["mqtts_port"]), "--cafile", str(tmp_path / "d/RootCA.pem"),
           "--cert", str(tmp_path / "d/d-certificate.pem.crt"), "--key", str(tmp_path / "d/d-private.pem.key")]
    for version in ("tlsv1.2", "tlsv1.3"):
        sub = subprocess.Popen(["stdbuf", "-oL", "mosquitto_sub", *tls, "--tls-version", version, "-i", "sub", "-q", "1", "-t", "m/#", "-C", "3", "-W", "20", "-d"],
                               stdout=subprocess.PIPE, text=True)
        for line in sub.stdout:
            if "Subscribed" in line:
                break
        subprocess.run(["mosquitto_pub", *tls, "--tls-version", version, "-i", "pub", "-q", "1", "-t", "m/1", "-l"], input="a\nb\nc\n", text=True, check=True, timeout=20)
        rest = sub.communicate(timeout=30)[0]
        assert [line for line in rest.splitlines() if line in ("a", "b", "c")] == ["a", "b", "c"]
        assert sub.returncode == 0


def test_policies_bind_client_id_topic_filter_and_delivery(server, tmp_path):
    device(server, tmp_path / "d", "d", [
        allow("iot:Connect", "client/sensor-*"),
        allow("iot:Publish", "topic/up/${iot:ClientId}"),
        allow("iot:Subscribe", "topicfilter/down/#"),
        allow("iot:Receive", "topic/down/public/*"),
    ])
    device(server, tmp_path / "admin", "admin", EVERYTHING)

    refused = Listener(server, tmp_path / "d", "d", "robot-1")
    assert refused.disconnected.wait(10) and not refused.connected.is_set(), "AWS closes without CONNACK"
    refused.client.loop_stop()
    assert "iot:Connect" in server.log() and "client/robot-1" in server.log(), "a refusal says why"

    sensor = Listener(server, tmp_path / "d", "d", "sensor-1")
    assert sensor.connected.wait(10) and sensor.code == 0
    assert sensor.subscribe(("down/#", 1)) == (1,)
    admin = Listener(server, tmp_path / "admin", "admin", "admin-1")
    assert admin.connected.wait(10)
    admin.subscribe(("up/#", 1))
    admin.client.publish("down/secret/x", "no", qos=1)
    admin.client.publish("down/public/x", "yes", qos=1)
    assert sensor.wait_for(1)[0][:2] == ("down/public/x", b"yes"), "what iot:Receive does not allow is withheld"
    sensor.client.publish("up/sensor-1", "mine", qos=1)
    assert admin.wait_for(1)[0][:2] == ("up/sensor-1", b"mine")
    sensor.client.publish("up/sensor-2", "not mine", qos=1)
    assert sensor.disconnected.wait(10), "a publish that is not allowed closes a 3.1.1 connection"
    sensor.client.loop_stop()
    assert "up/sensor-2" in server.log()

    again = Listener(server, tmp_path / "d", "d", "sensor-3")
    assert again.connected.wait(10)
    again.client.subscribe("elsewhere/#", 1)
    assert again.disconnected.wait(10), "a subscribe that is not allowed closes a 3.1.1 connection"
    again.client.loop_stop()
    assert len(admin.wait_for(1)) == 1, "the refused publish reached nobody"
    admin.close()


def test_a_changed_policy_binds_live_connections(server, tmp_path):
    device(server, tmp_path / "d", "d", EVERYTHING)
    client = Listener(server, tmp_path / "d", "d", "c")
    assert client.connected.wait(10)
    client.subscribe(("t/#", 1))
    client.client.publish("t/1", "before", qos=1)
    assert client.wait_for(1)
    iot = server.boto3("iot")
    narrower = {"Version": "2012-10-17", "Statement": [allow("iot:Connect", "*"), allow("iot:Subscribe", "*"), allow("iot:Receive", "*")]}
    iot.create_policy_version(policyName="d-policy", policyDocument=json.dumps(narrower), setAsDefault=True)
    client.client.publish("t/1", "after", qos=1)
    assert client.disconnected.wait(10)
    client.client.loop_stop()


def test_certificates_that_are_not_active_or_not_registered_are_refused(server, tmp_path):
    keys = device(server, tmp_path / "d", "d", EVERYTHING)
    server.boto3("iot").update_certificate(certificateId=keys["certificateId"], newStatus="INACTIVE")
    assert refusal(server, tmp_path / "d", "d")
    assert keys["certificateId"][:12] in server.log()
    server.boto3("iot").update_certificate(certificateId=keys["certificateId"], newStatus="ACTIVE")
    welcome = Listener(server, tmp_path / "d", "d", "c")
    assert welcome.connected.wait(10) and welcome.code == 0
    welcome.close()

    foreign = tmp_path / "foreign"
    foreign.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=foreign", "-days", "1", "-keyout",
                    str(foreign / "f-private.pem.key"), "-out", str(foreign / "f-certificate.pem.crt")], check=True, capture_output=True)
    (foreign / "RootCA.pem").write_text(open(server.endpoints["ca_file"]).read())
    assert refusal(server, foreign, "f")
    assert server.alive()


def refusal(server, folder, name):
    """True if a connect with these files ends without CONNACK."""
    try:
        listener = Listener(server, folder, name, "c")
    except (ssl.SSLError, OSError):
        return True
    refused = listener.disconnected.wait(10) and not listener.connected.is_set()
    listener.client.loop_stop()
    return refused


def test_no_client_certificate_no_connection(server):
    context = ssl.create_default_context(cafile=server.endpoints["ca_file"])
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with socket.create_connection(("localhost", server.endpoints["mqtts_port"]), timeout=10) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as tls:
                tls.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c")
                assert tls.recv(1) == b"", "closed"
                raise ConnectionError("closed without an answer")


def test_alpn_door_speaks_mqtt(server, tmp_path):
    device(server, tmp_path / "d", "d", EVERYTHING)
    context = ssl.create_default_context(cafile=server.endpoints["ca_file"])
    context.load_cert_chain(str(tmp_path / "d/d-certificate.pem.crt"), str(tmp_path / "d/d-private.pem.key"))
    context.set_alpn_protocols(["x-amzn-mqtt-ca"])
    with socket.create_connection(("localhost", server.endpoints["alpn_port"]), timeout=10) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as tls:
            assert tls.selected_alpn_protocol() == "x-amzn-mqtt-ca"
            tls.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c")
            assert tls.recv(4) == b"\x20\x02\x00\x00"


CONNECT = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c"


MISBEHAVIOUR = [
    ("garbage", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("remaining length of five bytes", b"\x10\xff\xff\xff\xff\x01"),
    ("publish before connect", b"\x30\x05\x00\x01ahi"),
    ("second connect", CONNECT + CONNECT),
    ("qos 3", CONNECT + b"\x36\x07\x00\x01a\x00\x01hi"),
    ("qos 2", CONNECT + b"\x34\x07\x00\x01a\x00\x01hi"),
    ("wildcard in topic", CONNECT + b"\x30\x05\x00\x01#hi"),
    ("bad utf-8", CONNECT + b"\x30\x06\x00\x02\xc3\x28hi"),
    ("reserved topic", CONNECT + b"\x30\x10\x00\x0c$aws/unknownhi"),
    ("oversize payload", CONNECT + b"\x30\x84\x80\x0a\x00\x01a" + b"x" * (160 * 1024 + 1)),
    ("nine filters", CONNECT + b"\x82\x2f\x00\x01" + b"\x00\x02aa\x00" * 9),
]


@pytest.mark.parametrize("name, packets", MISBEHAVIOUR, ids=[name.replace(" ", "_") for name, _ in MISBEHAVIOUR])
def test_what_a_client_must_not_send_closes_only_its_own_connection(server, tmp_path, name, packets):
    device(server, tmp_path / "d", "d", EVERYTHING)
    bystander = Listener(server, tmp_path / "d", "d", "bystander")
    assert bystander.connected.wait(10)
    bystander.subscribe(("alive", 1))
    context = ssl.create_default_context(cafile=server.endpoints["ca_file"])
    context.load_cert_chain(str(tmp_path / "d/d-certificate.pem.crt"), str(tmp_path / "d/d-private.pem.key"))
    with socket.create_connection(("localhost", server.endpoints["mqtts_port"]), timeout=10) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as tls:
            answer = b""
            try:
                tls.sendall(packets)
                while True:
                    got = tls.recv(4096)
                    if not got:
                        break
                    answer += got
            except (ssl.SSLError, ConnectionError):
                pass
    # HTTP is told in HTTP that this port speaks MQTT.
    assert answer in (b"", b"\x20\x02\x00\x00") or (name == "garbage" and answer.startswith(b"HTTP/1.1 426 ")), f"{name}: {answer!r}"
    bystander.client.publish("alive", "yes", qos=1)
    assert bystander.wait_for(1)[0][1] == b"yes"
    bystander.close()
    assert server.alive()
