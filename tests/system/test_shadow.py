"""Shadows and the process around them: kill -9, and connectivity kept in the shadow by a rule."""

import json
import queue
import socket
import threading

import pytest

from tests.system.test_mqtt import EVERYTHING, device

WAIT_S = 15


def connect(server, folder, client_id, will=None):
    import paho.mqtt.client as mqtt

    connected = queue.Queue()
    client = server.mqtt_client(folder, "d", client_id)
    client.on_connect = lambda *_: connected.put(True)
    client.reconnect_delay_set(60, 60)
    if will:
        client.will_set(will[0], json.dumps(will[1]), qos=1)
    client.connect("localhost", server.endpoints["mqtts_port"], keepalive=60)
    client.loop_start()
    assert connected.get(timeout=WAIT_S)
    assert mqtt
    return client


def shadow_of(data, thing):
    return json.loads(data.get_thing_shadow(thingName=thing)["payload"].read())


def test_kill_9_loses_no_accepted_update(new_server, tmp_path):
    """Writers over MQTT and HTTP until the server is killed in their midst; what was accepted or acknowledged is there after the restart."""
    server = new_server("data", "--quota-profile", "relaxed").start()
    device(server, tmp_path / "d", "d", EVERYTHING)
    accepted, reached = {"mqtt": -1, "http": -1}, threading.Event()

    client = connect(server, tmp_path / "d", "writer")
    subscribed = threading.Event()

    def on_message(_client, _user, message):
        accepted["mqtt"] = max(accepted["mqtt"], json.loads(message.payload)["state"]["reported"]["mqtt"])
        if accepted["mqtt"] > 300 and accepted["http"] > 20:
            reached.set()

    client.on_message = on_message
    client.on_subscribe = lambda *_: subscribed.set()
    client.subscribe("$aws/things/m/shadow/update/accepted", 1)
    assert subscribed.wait(WAIT_S)
    stop = threading.Event()

    def write_http():
        data = server.boto3("iot-data")
        number = 0
        while not stop.is_set():
            try:
                data.update_thing_shadow(thingName="h", payload=json.dumps({"state": {"reported": {"http": number}}}))
            except Exception:  # the server is gone
                return
            accepted["http"] = number
            number += 1

    def write_mqtt():
        number = 0
        while not stop.is_set() and number < 200_000:
            client.publish("$aws/things/m/shadow/update", json.dumps({"state": {"reported": {"mqtt": number}}}), qos=1).wait_for_publish(0.05)
            number += 1

    threads = [threading.Thread(target=write_http), threading.Thread(target=write_mqtt)]
    for thread in threads:
        thread.start()
    assert reached.wait(60), accepted
    server.kill()
    seen = dict(accepted)
    stop.set()
    client.disconnect()
    client.loop_stop()
    for thread in threads:
        thread.join()
    server.start()
    data = server.boto3("iot-data")
    assert shadow_of(data, "m")["state"]["reported"]["mqtt"] >= seen["mqtt"]
    assert shadow_of(data, "h")["state"]["reported"]["http"] >= seen["http"]


@pytest.fixture
def connectivity(new_server, tmp_path):
    """The pattern of AWS's guide: a device says `connected` on a topic of its own and leaves its will there; a rule carries both into the shadow."""
    server = new_server().start()
    device(server, tmp_path / "d", "d", EVERYTHING)
    server.boto3("iot").create_topic_rule(ruleName="connectivity", topicRulePayload={
        "sql": "SELECT * FROM 'my/things/+/update'",
        "actions": [{"republish": {"roleArn": "arn:aws:iam::000000000000:role/r", "topic": "$$aws/things/${topic(3)}/shadow/update", "qos": 1}}]})
    return server


def watch(server, folder, thing):
    """A queue of `reported.connected` as the shadow accepts it."""
    watcher = connect(server, folder, "watcher")
    changes, subscribed = queue.Queue(), threading.Event()
    watcher.on_message = lambda _client, _user, message: changes.put(json.loads(message.payload)["state"]["reported"]["connected"])
    watcher.on_subscribe = lambda *_: subscribed.set()
    watcher.subscribe(f"$aws/things/{thing}/shadow/update/accepted", 1)
    assert subscribed.wait(WAIT_S)
    return watcher, changes


def reported(connected):
    return {"state": {"reported": {"connected": connected}}}


def test_connectivity_by_a_will_and_a_rule(connectivity, tmp_path):
    server = connectivity
    watcher, changes = watch(server, tmp_path / "d", "pump")
    topic = "my/things/pump/update"

    thing = connect(server, tmp_path / "d", "pump", will=(topic, reported(False)))
    thing.publish(topic, json.dumps(reported(True)), qos=1)
    assert changes.get(timeout=WAIT_S) is True

    thing.publish(topic, json.dumps(reported(False)), qos=1).wait_for_publish(WAIT_S)  # a clean disconnect leaves no will: the device says it itself
    thing.disconnect()
    thing.loop_stop()
    assert changes.get(timeout=WAIT_S) is False

    thing = connect(server, tmp_path / "d", "pump", will=(topic, reported(False)))
    thing.publish(topic, json.dumps(reported(True)), qos=1)
    assert changes.get(timeout=WAIT_S) is True
    thing.loop_stop()
    thing.socket().shutdown(socket.SHUT_RDWR)  # lost, without a DISCONNECT
    assert changes.get(timeout=WAIT_S) is False
    assert shadow_of(server.boto3("iot-data"), "pump")["state"]["reported"] == {"connected": False}
    watcher.disconnect()
    watcher.loop_stop()


def test_a_will_on_the_shadow_topic_is_ignored_by_the_service(connectivity, tmp_path):
    """AWS's guide warns of exactly this; subscribers of the topic do see it."""
    server = connectivity
    watcher = connect(server, tmp_path / "d", "watcher")
    seen, subscribed = queue.Queue(), threading.Event()
    watcher.on_message = lambda _client, _user, message: seen.put(message.topic)
    watcher.on_subscribe = lambda *_: subscribed.set()
    watcher.subscribe("$aws/things/valve/shadow/#", 1)
    assert subscribed.wait(WAIT_S)
    topic = "$aws/things/valve/shadow/update"
    thing = connect(server, tmp_path / "d", "valve", will=(topic, reported(False)))
    thing.loop_stop()
    thing.socket().shutdown(socket.SHUT_RDWR)
    assert seen.get(timeout=WAIT_S) == topic
    data = server.boto3("iot-data")
    with pytest.raises(data.exceptions.ResourceNotFoundException):
        data.get_thing_shadow(thingName="valve")
    watcher.disconnect()
    watcher.loop_stop()


def test_connectivity_by_lifecycle_events_and_a_rule(new_server, tmp_path):
    """Nothing but the broker's own events: connect, clean disconnect and lost connection all reach the shadow of the thing named as the client."""
    server = new_server().start()
    device(server, tmp_path / "d", "d", EVERYTHING)
    server.boto3("iot").create_topic_rule(ruleName="presence", topicRulePayload={
        "sql": "SELECT CASE eventType WHEN 'connected' THEN true ELSE false END AS state.reported.connected FROM '$aws/events/presence/+/+' WHERE clientId <> 'watcher'",
        "awsIotSqlVersion": "2016-03-23",
        "actions": [{"republish": {"roleArn": "arn:aws:iam::000000000000:role/r", "topic": "$$aws/things/${clientId}/shadow/update", "qos": 1}}]})
    watcher, changes = watch(server, tmp_path / "d", "pump")
    thing = connect(server, tmp_path / "d", "pump")
    assert changes.get(timeout=WAIT_S) is True
    thing.disconnect()
    thing.loop_stop()
    assert changes.get(timeout=WAIT_S) is False
    thing = connect(server, tmp_path / "d", "pump")
    assert changes.get(timeout=WAIT_S) is True
    thing.loop_stop()
    thing.socket().shutdown(socket.SHUT_RDWR)
    assert changes.get(timeout=WAIT_S) is False
    watcher.disconnect()
    watcher.loop_stop()
