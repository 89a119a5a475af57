"""Device shadows with boto3, the AWS CLI and raw requests; what an update over HTTP tells MQTT clients and the other way round; who may do what."""
import concurrent.futures
import http.client
import json
import queue
import ssl
import time

import botocore.exceptions
import paho.mqtt.client as mqtt
import pytest

WAIT_S = 10
ARN = "arn:aws:iot:*:*:"


def allow(actions, *resources):
    return {"Effect": "Allow", "Action": actions, "Resource": [resource if resource == "*" else ARN + resource for resource in resources]}


@pytest.fixture
def make_device(iot, name, tmp_path):
    """make_device(statement, ...) -> files of a registered certificate with that policy."""
    made_so_far = []

    def make(*statements):
        number = len(made_so_far)
        made = iot.create_keys_and_certificate(setAsActive=True)
        policy = f"{name}-{number}"
        iot.create_policy(policyName=policy, policyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
        iot.attach_policy(policyName=policy, target=made["certificateArn"])
        (tmp_path / f"cert{number}.pem").write_text(made["certificatePem"])
        (tmp_path / f"key{number}.pem").write_text(made["keyPair"]["PrivateKey"])
        made_so_far.append(made)
        return {"cert": str(tmp_path / f"cert{number}.pem"), "key": str(tmp_path / f"key{number}.pem")}

    return make


class Device:
    """A paho client whose messages are kept in order."""

    def __init__(self, server, files, client_id):
        self.arrived, self.granted, self.gone = queue.Queue(), queue.Queue(), queue.Queue()
        self.client = mqtt.Client(client_id=client_id)
        self.client.tls_set(server.ca_file, files["cert"], files["key"])
        self.client.on_message = lambda _client, _data, message: self.arrived.put((message.topic, json.loads(message.payload)))
        self.client.on_subscribe = lambda _client, _data, _mid, granted: self.granted.put(granted)
        self.client.on_disconnect = lambda _client, _data, code: self.gone.put(code)
        self.client.max_inflight_messages_set(20)
        self.client.reconnect_delay_set(60, 60)
        connected = queue.Queue()
        self.client.on_connect = lambda _client, _data, _flags, code: connected.put(code)
        self.client.connect("localhost", server.mqtts_port)
        self.client.loop_start()
        assert connected.get(timeout=WAIT_S) == 0

    def subscribe(self, *filters):
        self.client.subscribe([(topic_filter, 1) for topic_filter in filters])
        assert self.granted.get(timeout=WAIT_S) == (1,) * len(filters)
        return self

    def next(self):
        return self.arrived.get(timeout=WAIT_S)

    def publish(self, topic, payload):
        text = payload if isinstance(payload, (str, bytes)) else json.dumps(payload)
        self.client.publish(topic, text, qos=1).wait_for_publish(WAIT_S)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def device(server, make_device, name):
    """A device that may do everything, connected."""
    made = Device(server, make_device(allow("iot:*", "*")), name)
    yield made
    made.close()


def shadow_of(payload):
    return json.loads(payload["payload"].read())


def error_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def test_life_of_a_shadow(iot_data, name):
    """Does not need a registered thing, as AWS."""
    assert error_of(iot_data.get_thing_shadow, thingName=name) == (404, "ResourceNotFoundException", f"No shadow exists with name: '{name}'")
    before = int(time.time())
    made = shadow_of(iot_data.update_thing_shadow(thingName=name, payload=json.dumps({"state": {"desired": {"led": "on"}, "reported": {"led": "off"}}, "clientToken": "x"})))
    at = made["timestamp"]
    assert before <= at <= time.time()
    assert made == {"state": {"desired": {"led": "on"}, "reported": {"led": "off"}}, "version": 1, "timestamp": at, "clientToken": "x",
                    "metadata": {"desired": {"led": {"timestamp": at}}, "reported": {"led": {"timestamp": at}}}}
    got = shadow_of(iot_data.get_thing_shadow(thingName=name))
    assert got["state"] == {"desired": {"led": "on"}, "reported": {"led": "off"}, "delta": {"led": "on"}}
    assert set(got) == {"state", "metadata", "version", "timestamp"} and set(got["metadata"]) == {"desired", "reported"}
    assert error_of(iot_data.update_thing_shadow, thingName=name, payload='{"state":{},"version":7}') == (409, "ConflictException", "Version conflict")
    assert shadow_of(iot_data.update_thing_shadow(thingName=name, payload='{"state":{"desired":null},"version":1}'))["version"] == 2
    gone = shadow_of(iot_data.delete_thing_shadow(thingName=name))
    assert set(gone) == {"version", "timestamp"} and gone["version"] == 2
    assert error_of(iot_data.delete_thing_shadow, thingName=name)[0] == 404
    assert shadow_of(iot_data.update_thing_shadow(thingName=name, payload='{"state":{}}'))["version"] > 2


def test_named_shadows_and_their_list(iot_data, name):
    assert iot_data.list_named_shadows_for_thing(thingName=name)["results"] == []
    iot_data.update_thing_shadow(thingName=name, payload='{"state":{"reported":{"classic":1}}}')
    names = [f"s{number:02}" for number in range(30)]
    for shadow in reversed(names):
        iot_data.update_thing_shadow(thingName=name, shadowName=shadow, payload=json.dumps({"state": {"reported": {"me": shadow}}}))
    assert shadow_of(iot_data.get_thing_shadow(thingName=name, shadowName="s07"))["state"] == {"reported": {"me": "s07"}}
    first = iot_data.list_named_shadows_for_thing(thingName=name, pageSize=20)
    second = iot_data.list_named_shadows_for_thing(thingName=name, pageSize=20, nextToken=first["nextToken"])
    assert first["results"] + second["results"] == names and "nextToken" not in second
    assert len(iot_data.list_named_shadows_for_thing(thingName=name)["results"]) == 25
    iot_data.delete_thing_shadow(thingName=name, shadowName="s07")
    assert "s07" not in iot_data.list_named_shadows_for_thing(thingName=name, pageSize=100)["results"]
    assert error_of(iot_data.get_thing_shadow, thingName=name, shadowName="s07") == (404, "ResourceNotFoundException", f"No shadow exists with name: '{name}~s07'")
    assert error_of(iot_data.list_named_shadows_for_thing, thingName=name, pageSize=101)[:2] == (400, "InvalidRequestException")


def test_list_against_the_model(raw, name):
    assert raw.send("iot-data", "POST", f"/things/{name}/shadow?name=a", b'{"state":{}}').status == 200
    answer = raw.ok("iot-data", "ListNamedShadowsForThing", thingName=name)
    assert answer["results"] == ["a"] and isinstance(answer["timestamp"], int)


DEEP = '{"state":{"desired":' + '{"a":' * 9 + "{}" + "}" * 9 + "}}"


@pytest.mark.parametrize("body,status,error,message", [
    (b"", 400, "InvalidRequestException", "Invalid JSON"),
    (b"{", 400, "InvalidRequestException", "Invalid JSON"),
    (b"[]", 400, "InvalidRequestException", "Invalid JSON"),
    (b'{"state":1}', 400, "InvalidRequestException", "State node must be an object"),
    (b'{"clientToken":"t"}', 400, "InvalidRequestException", "Missing required node: state"),
    (b'{"state":{"desired":[]}}', 400, "InvalidRequestException", "Desired node must be an object"),
    (b'{"state":{"reported":1}}', 400, "InvalidRequestException", "Reported node must be an object"),
    (b'{"state":{"delta":{}}}', 400, "InvalidRequestException", "State contains an invalid node: 'delta'"),
    (b'{"state":{},"version":"x"}', 400, "InvalidRequestException", "Invalid version"),
    (b'{"state":{},"clientToken":"' + b"x" * 65 + b'"}', 400, "InvalidRequestException", "Invalid clientToken"),
    (DEEP.encode(), 400, "InvalidRequestException", "JSON contains too many levels of nesting; maximum is 6"),
    (b'{"state":{"desired":{"a":"\xff"}}}', 415, "UnsupportedDocumentEncodingException", "Unsupported documented encoding; supported encoding is UTF-8"),
    (b'{"state":{"desired":{"a":"' + b"x" * 8192 + b'"}}}', 413, "RequestEntityTooLargeException", "The payload exceeds the maximum size allowed"),
    (b'{"state":{"desired":{"a":[' + b"1," * 5000 + b'1]}}}', 413, "RequestEntityTooLargeException", "The payload exceeds the maximum size allowed"),
    (b'{"state":{"desired":{"a":[1,null]}}}', 400, "InvalidRequestException", "State contains an invalid node: null in an array"),
])
def test_bad_documents_over_rest(raw, name, body, status, error, message):
    answer = raw.send("iot-data", "POST", f"/things/{name}/shadow", body)
    assert (answer.status, answer.error, answer.json["message"], answer.json["code"]) == (status, error, message, status)
    assert answer.headers["content-type"].startswith("application/json")
    assert raw.send("iot-data", "GET", f"/things/{name}/shadow").status == 404


@pytest.mark.parametrize("target", ["/things/a%20b/shadow", "/things/" + "x" * 129 + "/shadow", "/things/t/shadow?name=" + "x" * 65, "/things/t/shadow?name=a%2Fb",
                                    "/things/t/shadow?name="])
def test_names_that_are_none(raw, target):
    answer = raw.send("iot-data", "GET", target)
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


def test_method_that_is_none(raw, name):
    answer = raw.send("iot-data", "PUT", f"/things/{name}/shadow", b"{}")
    assert (answer.status, answer.error) == (405, "MethodNotAllowedException")


def test_numbers_come_back_as_sent(raw, name):
    body = b'{"state":{"reported":{"a":1.50,"b":12345678901234567890123,"c":-1E+2,"d":0.1}}}'
    assert b'{"a":1.50,"b":12345678901234567890123,"c":-1E+2,"d":0.1}' in raw.send("iot-data", "POST", f"/things/{name}/shadow", body).body
    assert b'{"a":1.50,"b":12345678901234567890123,"c":-1E+2,"d":0.1}' in raw.send("iot-data", "GET", f"/things/{name}/shadow").body


def test_cli(aws, name, tmp_path):
    out = tmp_path / "out.json"
    made = aws("iot-data", "update-thing-shadow", "--thing-name", name, "--shadow-name", "cfg", "--cli-binary-format", "raw-in-base64-out", "--payload",
               '{"state":{"desired":{"rate":5}}}', out)
    assert made.code == 0, made.err
    assert json.loads(out.read_text())["version"] == 1
    assert aws("iot-data", "get-thing-shadow", "--thing-name", name, "--shadow-name", "cfg", out).code == 0
    assert json.loads(out.read_text())["state"]["delta"] == {"rate": 5}
    assert aws("iot-data", "list-named-shadows-for-thing", "--thing-name", name).json["results"] == ["cfg"]
    assert aws("iot-data", "delete-thing-shadow", "--thing-name", name, "--shadow-name", "cfg", out).code == 0
    missing = aws("iot-data", "get-thing-shadow", "--thing-name", name, "--shadow-name", "cfg", out)
    assert missing.code == 254 and "ResourceNotFoundException" in missing.err


# Both transports


@pytest.mark.parametrize("shadow", [None, "cfg"])
def test_an_update_over_http_is_told_over_mqtt(iot_data, device, name, shadow):
    topic = f"$aws/things/{name}/shadow" + (f"/name/{shadow}" if shadow else "")
    which = {"thingName": name, **({"shadowName": shadow} if shadow else {})}
    device.subscribe(topic + "/#")
    body = shadow_of(iot_data.update_thing_shadow(payload='{"state":{"desired":{"a":1}},"clientToken":"c"}', **which))
    assert device.next() == (topic + "/update/accepted", body)
    delta_topic, delta = device.next()
    assert (delta_topic, delta["state"], delta["version"], delta["clientToken"]) == (topic + "/update/delta", {"a": 1}, 1, "c")
    documents_topic, documents = device.next()
    assert documents_topic == topic + "/update/documents" and "previous" not in documents and documents["current"]["version"] == 1
    error_of(iot_data.update_thing_shadow, payload='{"state":{},"version":9}', **which)  # failures stay with HTTP
    body = shadow_of(iot_data.delete_thing_shadow(**which))
    assert device.next() == (topic + "/delete/accepted", body)


@pytest.mark.parametrize("shadow", [None, "cfg"])
def test_an_update_over_mqtt_is_seen_over_http(iot_data, device, name, shadow):
    topic = f"$aws/things/{name}/shadow" + (f"/name/{shadow}" if shadow else "")
    which = {"thingName": name, **({"shadowName": shadow} if shadow else {})}
    device.subscribe(topic + "/get/+", topic + "/update/accepted", topic + "/update/rejected", topic + "/delete/+")
    device.publish(topic + "/get", {"clientToken": "g"})
    got_topic, got = device.next()
    assert got_topic == topic + "/get/rejected" and got["code"] == 404 and got["clientToken"] == "g"
    device.publish(topic + "/update", {"state": {"reported": {"t": 21.5}}, "clientToken": "u"})
    assert device.next()[1]["clientToken"] == "u"
    assert shadow_of(iot_data.get_thing_shadow(**which))["state"] == {"reported": {"t": 21.5}}  # acknowledged means committed
    device.publish(topic + "/update", {"state": {"reported": {"t": 22}}, "version": 5, "clientToken": "v"})
    rejected_topic, rejected = device.next()
    assert rejected_topic == topic + "/update/rejected"
    assert {key: rejected[key] for key in ("code", "message", "clientToken")} == {"code": 409, "message": "Version conflict", "clientToken": "v"}
    device.publish(topic + "/get", "")
    accepted_topic, accepted = device.next()
    assert accepted_topic == topic + "/get/accepted" and accepted["version"] == 1 and "clientToken" not in accepted
    device.publish(topic + "/delete", {"clientToken": "d"})
    deleted_topic, deleted = device.next()
    assert deleted_topic == topic + "/delete/accepted" and deleted["clientToken"] == "d" and deleted["version"] == 1
    assert error_of(iot_data.get_thing_shadow, **which)[0] == 404


@pytest.mark.parametrize("payload,code", [("", 400), ("{", 400), ('{"state":[]}', 400), (b'{"state":{"reported":{"a":"\xff"}}}', 415),
                                          ('{"state":{"reported":{"a":"' + "x" * 8200 + '"}}}', 413), (DEEP, 400), ('{"state":{},"clientToken":"' + "x" * 65 + '"}', 400)])
def test_bad_documents_over_mqtt(iot_data, device, name, payload, code):
    topic = f"$aws/things/{name}/shadow"
    device.subscribe(topic + "/update/+")
    device.publish(topic + "/update", payload)
    rejected_topic, rejected = device.next()
    assert rejected_topic == topic + "/update/rejected" and rejected["code"] == code and rejected["message"] and isinstance(rejected["timestamp"], int)
    device.publish(topic + "/update", {"state": {}})  # the connection is alive, and nothing else was published
    assert device.next()[0] == topic + "/update/accepted"


def test_updates_of_one_device_keep_their_order(device, name):
    topic = f"$aws/things/{name}/shadow"
    device.subscribe(topic + "/update/accepted")
    for number in range(30):
        device.publish(topic + "/update", {"state": {"reported": {"n": number}}})
    assert [device.next()[1]["state"]["reported"]["n"] for _ in range(30)] == list(range(30))


def test_the_eleventh_request_under_way_or_none_is_refused(device, name):
    """At most 10 unanswered requests of a connection for a thing: the rest is told 429, and every request is answered exactly once."""
    topic = f"$aws/things/{name}/shadow"
    device.subscribe(topic + "/update/accepted", topic + "/update/rejected")
    sent = [device.client.publish(topic + "/update", json.dumps({"state": {"reported": {f"k{n}": 1}}, "clientToken": str(n)}), qos=0) for n in range(40)]
    assert all(message.rc == 0 for message in sent)
    answers = [device.next() for _ in range(40)]
    assert sorted(int(body["clientToken"]) for _, body in answers) == list(range(40))
    assert {body["code"] for where, body in answers if where.endswith("rejected")} <= {429}
    assert sum(where.endswith("accepted") for where, _ in answers) >= 10


# Who may


def over_mtls(server, files, method, target, body=None):
    context = ssl.create_default_context(cafile=server.ca_file)
    context.load_cert_chain(files["cert"], files["key"])
    link = http.client.HTTPSConnection("localhost", server.https_port, timeout=20, context=context)
    link.request(method, target, body)
    answer = link.getresponse()
    return answer.status, answer.headers.get("x-amzn-ErrorType"), json.loads(answer.read())


def test_certificates_are_judged_by_shadow_actions(server, make_device, name):
    files = make_device(allow(["iot:GetThingShadow", "iot:UpdateThingShadow"], f"thing/{name}"), allow("iot:ListNamedShadowsForThing", f"thing/{name}"))
    target = f"/things/{name}/shadow"
    status, _, body = over_mtls(server, files, "POST", target, '{"state":{"reported":{"a":1}}}')
    assert (status, body["version"]) == (200, 1)
    assert over_mtls(server, files, "GET", target)[2]["state"] == {"reported": {"a": 1}}
    assert over_mtls(server, files, "POST", target + "?name=n", '{"state":{}}')[0] == 200  # thing/<thing> covers its named shadows
    assert over_mtls(server, files, "GET", f"/api/things/shadow/ListNamedShadowsForThing/{name}")[2]["results"] == ["n"]
    status, error, body = over_mtls(server, files, "DELETE", target)
    assert (status, error) == (403, "ForbiddenException") and body["message"].startswith("Forbidden") and "iot:DeleteThingShadow" in body["message"]
    assert over_mtls(server, files, "GET", f"/things/other-{name}/shadow")[0] == 403
    assert over_mtls(server, files, "POST", target, "x")[:2] == (400, "InvalidRequestException")


def test_a_named_shadow_may_be_allowed_and_denied_alone(server, make_device, name):
    one = make_device(allow("iot:UpdateThingShadow", f"thing/{name}/cfg"))
    assert over_mtls(server, one, "POST", f"/things/{name}/shadow?name=cfg", '{"state":{}}')[0] == 200
    assert over_mtls(server, one, "POST", f"/things/{name}/shadow?name=other", '{"state":{}}')[0] == 403
    assert over_mtls(server, one, "POST", f"/things/{name}/shadow", '{"state":{}}')[0] == 403
    two = make_device(allow("iot:UpdateThingShadow", f"thing/{name}"), {"Effect": "Deny", "Action": "iot:*", "Resource": f"{ARN}thing/{name}/cfg"})
    assert over_mtls(server, two, "POST", f"/things/{name}/shadow?name=other", '{"state":{}}')[0] == 200
    assert over_mtls(server, two, "POST", f"/things/{name}/shadow?name=cfg", '{"state":{}}')[0] == 403


def test_over_mqtt_only_topics_count(server, make_device, name):
    """iot:UpdateThingShadow is not asked for over MQTT, iot:Publish and iot:Subscribe on the topics are."""
    topic = f"$aws/things/{name}/shadow"
    files = make_device(allow("iot:Connect", "client/*"), allow("iot:Publish", f"topic/{topic}/update"), allow(["iot:Subscribe"], f"topicfilter/{topic}/update/*"),
                        allow("iot:Receive", f"topic/{topic}/update/accepted"))
    device = Device(server, files, name)
    device.subscribe(f"{topic}/update/accepted")
    device.publish(topic + "/update", {"state": {"desired": {"a": 1}}})
    assert device.next()[0] == topic + "/update/accepted"
    device.client.publish(topic + "/get", "", qos=1)
    device.gone.get(timeout=WAIT_S)
    device.client.loop_stop()


@pytest.mark.parametrize("below", ["update/accepted", "update/delta", "name/x/get/rejected", "list", "name/update"])
def test_answers_are_not_for_clients_to_publish(server, make_device, name, below):
    device = Device(server, make_device(allow("iot:*", "*")), name)
    device.client.publish(f"$aws/things/{name}/shadow/{below}", "{}", qos=1)
    device.gone.get(timeout=WAIT_S)
    device.client.loop_stop()


# Many at once


def test_writers_on_all_doors_lose_nothing(server, make_client, make_device, name):
    """Each reads, adds one and writes with the version it read; conflicts are tried again. The sum and the version are exact."""
    iot_data = make_client("iot-data", max_pool_connections=8)
    iot_data.update_thing_shadow(thingName=name, payload='{"state":{"reported":{"n":0}}}')
    each, writers = 15, 6

    def add():
        done = 0
        while done < each:
            now = shadow_of(iot_data.get_thing_shadow(thingName=name))
            request = {"state": {"reported": {"n": now["state"]["reported"]["n"] + 1}}, "version": now["version"]}
            try:
                iot_data.update_thing_shadow(thingName=name, payload=json.dumps(request))
                done += 1
            except botocore.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "ConflictException"

    files = make_device(allow("iot:*", "*"))

    def report(number):
        device = Device(server, files, f"{name}-{number}").subscribe(f"$aws/things/{name}/shadow/update/accepted")
        for value in range(each):
            device.publish(f"$aws/things/{name}/shadow/update", {"state": {"reported": {f"m{number}": value}}})
        device.close()

    with concurrent.futures.ThreadPoolExecutor(writers + 2) as pool:
        for done in [pool.submit(add) for _ in range(writers)] + [pool.submit(report, number) for number in range(2)]:
            done.result(timeout=100)
    end = shadow_of(iot_data.get_thing_shadow(thingName=name))
    assert end["state"]["reported"] == {"n": each * writers, "m0": each - 1, "m1": each - 1}
    assert end["version"] == 1 + each * (writers + 2)
