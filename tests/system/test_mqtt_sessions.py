"""Sessions, retained messages, shared subscriptions and wills with stock clients, over mutual TLS; and what of it survives kill -9."""

import json
import queue
import subprocess
import threading
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

WAIT_S = 20
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}


@pytest.fixture
def server(new_server):
    return new_server("data", "--quota-profile", "relaxed").start()


@pytest.fixture
def device(server, tmp_path):
    keys = server.boto3("iot").create_keys_and_certificate(setAsActive=True)
    iot = server.boto3("iot")
    iot.create_policy(policyName="everything", policyDocument=json.dumps(EVERYTHING))
    iot.attach_policy(policyName="everything", target=keys["certificateArn"])
    folder = tmp_path / "device"
    folder.mkdir()
    (folder / "ca.pem").write_text(open(server.endpoints["ca_file"]).read())
    (folder / "cert.pem").write_text(keys["certificatePem"])
    (folder / "key.pem").write_text(keys["keyPair"]["PrivateKey"])
    return folder


class Client:
    """A paho client whose events arrive in queues; connects at once."""

    def __init__(self, server, device, client_id, protocol=mqtt.MQTTv311, clean=True, expiry=None, will=None, will_delay=None):
        self.messages, self.connected, self.gone, self.granted, self.published = (queue.Queue() for _ in range(5))
        five = protocol == mqtt.MQTTv5
        self.client = mqtt.Client(client_id=client_id, protocol=protocol) if five else mqtt.Client(client_id=client_id, clean_session=clean, protocol=protocol)
        self.client.tls_set(str(device / "ca.pem"), str(device / "cert.pem"), str(device / "key.pem"))
        self.client.on_message = lambda _c, _u, message: self.messages.put(message)
        self.client.on_connect = lambda _c, _u, flags, code, *more: self.connected.put((flags["session present"], int(getattr(code, "value", code))))
        self.client.on_disconnect = lambda _c, _u, code, *more: self.gone.put(int(getattr(code, "value", code)))
        self.client.on_subscribe = lambda _c, _u, _mid, granted, *more: self.granted.put([int(getattr(code, "value", code)) for code in granted])
        self.client.on_publish = lambda _c, _u, mid: self.published.put(mid)
        self.client.reconnect_delay_set(120, 120)
        options = {}
        if will:
            properties = None
            if will_delay is not None:
                properties = Properties(PacketTypes.WILLMESSAGE)
                properties.WillDelayInterval = will_delay
            self.client.will_set(*will, qos=1, properties=properties)
        if five:
            options["clean_start"] = clean
            if expiry is not None:
                options["properties"] = Properties(PacketTypes.CONNECT)
                options["properties"].SessionExpiryInterval = expiry
        self.client.connect("localhost", server.endpoints["mqtts_port"], 60, **options)
        self.client.loop_start()
        self.session_present, self.code = self.connected.get(timeout=WAIT_S)

    def subscribe(self, topic_filter, qos=1):
        self.client.subscribe(topic_filter, qos)
        return self.granted.get(timeout=WAIT_S)

    def publish(self, topic, payload, qos=1, retain=False, properties=None):
        """Waits for the acknowledgement."""
        self.client.publish(topic, payload, qos, retain, properties=properties)
        self.published.get(timeout=WAIT_S)

    def next(self):
        return self.messages.get(timeout=WAIT_S)

    def payloads(self, count):
        return [self.next().payload.decode() for _ in range(count)]

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def drop(self):
        """The network goes, without DISCONNECT."""
        self.client._sock_close()
        self.client.loop_stop()


@pytest.mark.parametrize("protocol", [mqtt.MQTTv311, mqtt.MQTTv5])
def test_a_session_survives_reconnects_and_kill_9(server, device, protocol):
    first = Client(server, device, "s", protocol, clean=False, expiry=3600)
    assert (first.session_present, first.code) == (0, 0)
    assert first.subscribe("s/#", 1) == [1]
    first.close()
    publisher = Client(server, device, "p")
    for number in range(5):
        publisher.publish("s/t", str(number))
    second = Client(server, device, "s", protocol, clean=False, expiry=3600)
    assert second.session_present == 1
    assert second.payloads(5) == ["0", "1", "2", "3", "4"]
    second.close()
    for number in range(5, 10):
        publisher.publish("s/t", str(number))
    server.kill()
    publisher.client.loop_stop()
    server.start()
    third = Client(server, device, "s", protocol, clean=False, expiry=3600)
    assert third.session_present == 1
    assert third.payloads(5) == ["5", "6", "7", "8", "9"]
    again = Client(server, device, "p")
    again.publish("s/u", "after")
    assert third.payloads(1) == ["after"], "the subscription is still there"
    third.close()
    again.close()
    fresh = Client(server, device, "s", protocol, clean=True)
    assert fresh.session_present == 0
    fresh.close()


def test_every_acknowledged_message_survives_kill_9_under_load(server, device):
    subscriber = Client(server, device, "s", clean=False)
    subscriber.subscribe("load", 1)
    subscriber.drop()
    publisher = Client(server, device, "p")
    publisher.client.max_inflight_messages_set(50)
    acknowledged = set()
    publisher.client.on_publish = lambda _c, _u, mid: acknowledged.add(mid)
    by_mid = {}
    killer = threading.Timer(0.5, server.kill)
    killer.start()
    number = 0
    while killer.is_alive():
        by_mid[publisher.client.publish("load", str(number), 1).mid] = str(number)
        number += 1
        if len(by_mid) - len(acknowledged) > 200:
            threading.Event().wait(0.002)
    killer.join()
    publisher.client.loop_stop()
    promised = {by_mid[mid] for mid in acknowledged}
    assert promised, "the test did not load the server"
    server.start()
    back = Client(server, device, "s", clean=False)
    assert back.session_present == 1
    got = set()
    while promised - got:
        got.add(back.next().payload.decode())
    back.close()


def test_retained_messages_survive_kill_9_and_are_readable_over_http(server, device):
    publisher = Client(server, device, "p")
    publisher.publish("r/one", "1", retain=True)
    publisher.publish("r/two", "2", retain=True)
    publisher.publish("r/two", "", retain=True)
    server.kill()
    publisher.client.loop_stop()
    server.start()
    data = server.boto3("iot-data")
    assert [(t["topic"], t["payloadSize"], t["qos"]) for t in data.list_retained_messages()["retainedTopics"]] == [("r/one", 1, 1)]
    message = data.get_retained_message(topic="r/one")
    assert (message["payload"], message["qos"]) == (b"1", 1)
    with pytest.raises(data.exceptions.ResourceNotFoundException):
        data.get_retained_message(topic="r/two")
    data.publish(topic="r/three", qos=1, retain=True, payload=b"3")
    reader = Client(server, device, "reader", mqtt.MQTTv5)
    reader.subscribe("r/three")
    got = reader.next()
    assert (got.payload, got.retain) == (b"3", True)
    reader.close()


def test_wills_and_takeover(server, device):
    watcher = Client(server, device, "w")
    watcher.subscribe("will/#")
    polite = Client(server, device, "polite", will=("will/polite", "x"))
    polite.close()
    lost = Client(server, device, "lost", will=("will/lost", "x"))
    lost.drop()
    assert watcher.next().topic == "will/lost"
    displaced = Client(server, device, "same", mqtt.MQTTv5, will=("will/same", "x"))
    newcomer = Client(server, device, "same", mqtt.MQTTv5)
    assert displaced.gone.get(timeout=WAIT_S) in (0x8E, 1)  # paho reports the code, or the end of the socket that follows it
    assert watcher.next().topic == "will/same"
    delayed = Client(server, device, "delayed", mqtt.MQTTv5, clean=False, expiry=100, will=("will/delayed", "x"), will_delay=1)
    delayed.drop()
    assert watcher.next().topic == "will/delayed"
    for client in (watcher, displaced, newcomer):
        client.client.loop_stop()


def test_wills_of_clients_that_a_killed_server_lost(server, device):
    """Who was connected at kill -9 did not say DISCONNECT: its will is published at the next start, or after its delay."""
    persistent = {"protocol": mqtt.MQTTv5, "clean": False, "expiry": 3600}
    watcher = Client(server, device, "w", **persistent)
    watcher.subscribe("will/#")
    parked = Client(server, device, "parked", **persistent)
    parked.subscribe("barrier")
    parked.close()
    barrier = Client(server, device, "barrier")
    barrier.subscribe("$aws/events/presence/disconnected/waiting")
    Client(server, device, "polite", will=("will/polite", "x")).close()
    connected = [
        Client(server, device, "clean", will=("will/clean", "x")),
        Client(server, device, "kept", **persistent, will=("will/kept", "x")),
        Client(server, device, "patient", **persistent, will=("will/patient", "x"), will_delay=1),
    ]
    waiting = Client(server, device, "waiting", **persistent, will=("will/waiting", "x"), will_delay=1)
    waiting.drop()
    barrier.next()
    barrier.publish("barrier", "x")  # for a session that is away: its PUBACK means that everything before it is on disk
    for client in [watcher, barrier, *connected]:
        client.client.loop_stop()
    server.kill()
    server.start()
    watcher = Client(server, device, "w", **persistent)
    assert watcher.session_present == 1
    assert sorted(watcher.next().topic for _ in range(4)) == ["will/clean", "will/kept", "will/patient", "will/waiting"]
    # They were published once: another crash brings none of them again.
    watcher.close()
    server.kill()
    server.start()
    again = Client(server, device, "w", **persistent)
    again.publish("will/nothing-more", "x")
    assert again.next().topic == "will/nothing-more"
    again.close()


def test_mqtt5_features_reach_the_other_side(server, device):
    responder = Client(server, device, "responder", mqtt.MQTTv5)
    responder.subscribe("request/#")
    asker = Client(server, device, "asker", mqtt.MQTTv5)
    options = SubscribeOptions(qos=1, noLocal=True)
    asker.client.subscribe([("answer/asker", options)])
    assert asker.granted.get(timeout=WAIT_S) == [1]
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = "answer/asker"
    properties.CorrelationData = b"\x00\x01"
    properties.UserProperty = [("b", "2"), ("a", "1"), ("b", "3")]
    properties.ContentType = "text/plain"
    properties.MessageExpiryInterval = 60
    asker.publish("request/1", "question", properties=properties)
    question = responder.next()
    assert question.properties.UserProperty == [("b", "2"), ("a", "1"), ("b", "3")]
    assert question.properties.MessageExpiryInterval in (59, 60)
    answer = Properties(PacketTypes.PUBLISH)
    answer.CorrelationData = question.properties.CorrelationData
    responder.publish(question.properties.ResponseTopic, "answer", properties=answer)
    got = asker.next()
    assert (got.payload, got.properties.CorrelationData) == (b"answer", b"\x00\x01")
    asker.publish("answer/asker", "own", qos=1)
    responder.publish("answer/asker", "other")
    assert asker.next().payload == b"other"
    asker.close()
    responder.close()


def test_shared_subscriptions_fail_over(server, device):
    members = [Client(server, device, f"m{i}", mqtt.MQTTv5 if i else mqtt.MQTTv311) for i in range(3)]
    for member in members:
        assert member.subscribe("$share/g/jobs/#") == [1]
    publisher = Client(server, device, "p")
    for number in range(30):
        publisher.publish("jobs/x", str(number))
    assert sorted(int(p) for member in members for p in member.payloads(10)) == list(range(30))
    members[0].drop()
    for number in range(10):
        publisher.publish("jobs/x", str(number))
    got = [p for member in members[1:] for p in member.payloads(5)]
    assert sorted(got) == [str(n) for n in range(10)]
    for client in [publisher, *members[1:]]:
        client.close()


def tls(server, device):
    return ["-h", "localhost", "-p", str(server.endpoints["mqtts_port"]), "--cafile", str(device / "ca.pem"), "--cert", str(device / "cert.pem"), "--key", str(device / "key.pem")]


def test_mosquitto_clients_speak_mqtt_5(server, device):
    sub = subprocess.Popen(["stdbuf", "-oL", "mosquitto_sub", *tls(server, device), "-V", "5", "-i", "sub", "-q", "1", "-t", "m/#", "-C", "2", "-W", "30", "-F", "%t %p %C", "-d"],
                           stdout=subprocess.PIPE, text=True)
    for line in sub.stdout:
        if "Subscribed" in line:
            break
    subprocess.run(["mosquitto_pub", *tls(server, device), "-V", "5", "-i", "pub", "-q", "1", "-t", "m/1", "-m", "a", "-D", "publish", "content-type", "text/x"], check=True, timeout=20)
    subprocess.run(["mosquitto_pub", *tls(server, device), "-V", "5", "-i", "pub2", "-q", "2", "-t", "m/2", "-m", "b"], check=True, timeout=20)
    out = sub.communicate(timeout=30)[0]
    assert "m/1 a text/x" in out and "m/2 b" in out


def test_a_mosquitto_bridge_carries_messages_both_ways(server, device, tmp_path):
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\nconnection fogbank\naddress localhost:{server.endpoints['mqtts_port']}\n"
        f"bridge_cafile {device}/ca.pem\nbridge_certfile {device}/cert.pem\nbridge_keyfile {device}/key.pem\nremote_clientid bridge\n"
        "cleansession false\nnotifications false\ntry_private false\nbridge_protocol_version mqttv311\nrestart_timeout 1\n"
        "topic up/# out 1\ntopic down/# in 1\n"
    )
    cloud = Client(server, device, "cloud")
    cloud.subscribe("up/#")
    cloud.publish("down/x", "from the cloud", retain=True)  # retained on either side: nobody has to be there in time
    mosquitto = subprocess.Popen(["mosquitto", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert mosquitto.poll() is None
            time.sleep(0.1)
        local = subprocess.run(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-t", "down/#", "-C", "1", "-W", "25"], capture_output=True, text=True, timeout=30)
        assert local.stdout.strip() == "from the cloud"
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", "up/y", "-m", "from the plant"], check=True, timeout=20)
        assert cloud.next().payload == b"from the plant"
        cloud.close()
    finally:
        mosquitto.terminate()
        mosquitto.wait(timeout=10)
