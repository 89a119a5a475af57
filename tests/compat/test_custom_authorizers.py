"""Custom authorizers with a real function: the nine operations, and the doors of MQTT over TLS, MQTT over WebSocket and HTTP."""
import base64
import json
import queue
import ssl
import urllib.error
import urllib.parse
import urllib.request

import botocore.exceptions
import paho.mqtt.client as mqtt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.stream_world import ROLE, package

WAIT_S = 20
# The token says who comes; a password does for clients without one. Topics below the principal's name are allowed.
AUTHORIZER = """
import base64
import json
import os


def handler(event, context):
    print("asked", json.dumps(event))
    mqtt = event["protocolData"].get("mqtt", {})
    who = event.get("token") or base64.b64decode(mqtt.get("password", "")).decode()
    if who == "garbage":
        return {"isAuthenticated": True, "principalId": "not allowed: spaces"}
    own = f"arn:aws:iot:{os.environ['AWS_REGION']}:{os.environ['ACCOUNT']}:"
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": own + f"topic/{who}/*"},
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": own + f"topicfilter/{who}/*"}]}
    return {"isAuthenticated": who.startswith("good"), "principalId": who, "policyDocuments": [json.dumps(policy)], "disconnectAfterInSeconds": 3600,
            "refreshAfterInSeconds": 600}
"""


class Authorizer:
    def __init__(self, iot, functions, server, name):
        self.iot, self.functions, self.name = iot, functions, name
        made = functions.create_function(FunctionName=name, Runtime="python3.11", Role=ROLE, Handler="index.handler", Timeout=5, MemorySize=256,
                                         Code={"ZipFile": package(AUTHORIZER)}, Environment={"Variables": {"ACCOUNT": server.account_id}})
        self.function = made["FunctionArn"]
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.pem = self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, token):
        return base64.b64encode(self.key.sign(token.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()

    def create(self, **more):
        return self.iot.create_authorizer(authorizerName=self.name, authorizerFunctionArn=self.function, status="ACTIVE",
                                          **{"tokenKeyName": "TokenKey", "tokenSigningPublicKeys": {"k": self.pem}, **more})

    def headers(self, token, signature=None):
        return {"x-amz-customauthorizer-name": self.name, "TokenKey": token, "x-amz-customauthorizer-signature": signature or self.sign(token)}

    def remove(self):
        try:
            self.iot.clear_default_authorizer()
        except botocore.exceptions.ClientError:
            pass
        try:
            self.iot.update_authorizer(authorizerName=self.name, status="INACTIVE")
            self.iot.delete_authorizer(authorizerName=self.name)
        except botocore.exceptions.ClientError:
            pass
        self.functions.delete_function(FunctionName=self.name)


@pytest.fixture
def authorizer(iot, functions, server, name):
    made = Authorizer(iot, functions, server, name)
    yield made
    made.remove()


@pytest.fixture
def connect(server):
    """connect(transport, headers=…, user=…, password=…) -> (client, CONNACK code or `closed`)."""
    clients = []

    def make(client_id, transport="tcp", headers=None, user=None, password=None):
        client = mqtt.Client(client_id=client_id, transport=transport)
        context = ssl.create_default_context(cafile=server.ca_file)
        if transport == "tcp":
            context.set_alpn_protocols(["mqtt"])
        client.tls_set_context(context)
        if transport == "websockets":
            client.ws_set_options(path="/mqtt", headers=headers or {})
        if user is not None:
            client.username_pw_set(user, password)
        events, client.got = queue.Queue(), queue.Queue()
        client.on_connect = lambda *a: events.put(a[3])
        client.on_disconnect = lambda *a: events.put("closed")
        client.on_message = lambda c, u, m: client.got.put((m.topic, m.payload))
        client.on_subscribe = lambda c, u, mid, granted: client.got.put(granted)
        clients.append(client)
        try:
            client.connect("localhost", server.alpn_port)
        except (mqtt.WebsocketConnectionError, ConnectionError, ssl.SSLError):
            return client, "closed"
        client.loop_start()
        return client, events.get(timeout=WAIT_S)

    yield make
    for client in clients:
        client.loop_stop()
        client.disconnect()


def works_within_its_policy(client, who):
    """Below its own name it may; elsewhere it may not."""
    client.subscribe(f"{who}/in", 1)
    assert client.got.get(timeout=WAIT_S) == (1,)
    client.publish(f"{who}/in", "hello", 1)
    assert client.got.get(timeout=WAIT_S) == (f"{who}/in", b"hello")
    client.on_disconnect = lambda *a: client.got.put("closed")
    client.publish("elsewhere", "x", 1)
    assert client.got.get(timeout=WAIT_S) == "closed"


def asked(functions, authorizer, make_client):
    """How often the function ran."""
    logs = make_client("logs")
    try:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{authorizer.name}", filterPattern="asked")
    except botocore.exceptions.ClientError:
        return 0
    return len(found["events"])


def test_control_plane(raw, authorizer, server, name):
    arn = f"arn:aws:iot:{server.region}:{server.account_id}:authorizer/{name}"
    members = {"authorizerName": name, "authorizerFunctionArn": authorizer.function, "tokenKeyName": "TokenKey",
               "tokenSigningPublicKeys": {"k": authorizer.pem}}
    made = raw.ok("iot", "CreateAuthorizer", status="ACTIVE", tags=[{"Key": "a", "Value": "1"}], **members)
    assert made == {"authorizerName": name, "authorizerArn": arn}
    raw.error("iot", "CreateAuthorizer", "ResourceAlreadyExistsException", 409, **members)
    assert raw.ok("iot", "ListTagsForResource", resourceArn=arn)["tags"] == [{"Key": "a", "Value": "1"}]
    found = raw.ok("iot", "DescribeAuthorizer", authorizerName=name)["authorizerDescription"]
    assert (found["status"], found["signingDisabled"], found["tokenKeyName"], found["tokenSigningPublicKeys"]) == ("ACTIVE", False, "TokenKey", {"k": authorizer.pem})
    raw.ok("iot", "UpdateAuthorizer", authorizerName=name, tokenKeyName="Other", enableCachingForHttp=True)
    found = raw.ok("iot", "DescribeAuthorizer", authorizerName=name)["authorizerDescription"]
    assert (found["tokenKeyName"], found["enableCachingForHttp"]) == ("Other", True)
    assert {"authorizerName": name, "authorizerArn": arn} in raw.ok("iot", "ListAuthorizers", status="ACTIVE", pageSize=250)["authorizers"]
    assert {"authorizerName": name, "authorizerArn": arn} not in raw.ok("iot", "ListAuthorizers", status="INACTIVE", pageSize=250)["authorizers"]
    raw.error("iot", "DescribeDefaultAuthorizer", "ResourceNotFoundException", 404)
    assert raw.ok("iot", "SetDefaultAuthorizer", authorizerName=name)["authorizerArn"] == arn
    assert raw.ok("iot", "DescribeDefaultAuthorizer")["authorizerDescription"]["authorizerName"] == name
    raw.error("iot", "DeleteAuthorizer", "DeleteConflictException", 409, authorizerName=name)
    raw.ok("iot", "ClearDefaultAuthorizer")
    raw.error("iot", "ClearDefaultAuthorizer", "ResourceNotFoundException", 404)
    raw.error("iot", "DeleteAuthorizer", "DeleteConflictException", 409, authorizerName=name)
    raw.ok("iot", "UpdateAuthorizer", authorizerName=name, status="INACTIVE")
    raw.ok("iot", "DeleteAuthorizer", authorizerName=name)
    raw.error("iot", "DescribeAuthorizer", "ResourceNotFoundException", 404, authorizerName=name)
    raw.error("iot", "ListTagsForResource", "ResourceNotFoundException", 404, resourceArn=arn)
    raw.ok("iot", "CreateAuthorizer", status="ACTIVE", **members)
    assert raw.ok("iot", "ListTagsForResource", resourceArn=arn)["tags"] == [], "the old one's tags went with it"


def test_test_invoke_authorizer(raw, authorizer, name):
    authorizer.create()
    answer = raw.ok("iot", "TestInvokeAuthorizer", authorizerName=name, token="good1", tokenSignature=authorizer.sign("good1"))
    assert (answer["isAuthenticated"], answer["principalId"], answer["disconnectAfterInSeconds"], answer["refreshAfterInSeconds"]) == (True, "good1", 3600, 600)
    assert "iot:Connect" in answer["policyDocuments"][0]
    refused = raw.ok("iot", "TestInvokeAuthorizer", authorizerName=name, token="bad", tokenSignature=authorizer.sign("bad"))
    assert refused["isAuthenticated"] is False
    raw.error("iot", "TestInvokeAuthorizer", "InvalidRequestException", 400, authorizerName=name, token="good1", tokenSignature=authorizer.sign("good2"))
    raw.error("iot", "TestInvokeAuthorizer", "InvalidResponseException", 400, authorizerName=name, token="garbage", tokenSignature=authorizer.sign("garbage"))
    raw.error("iot", "TestInvokeAuthorizer", "ResourceNotFoundException", 404, authorizerName="nobody", token="x")


def test_mqtt_over_websocket(authorizer, connect, name):
    authorizer.create()
    client, code = connect(name, "websockets", authorizer.headers("good1"))
    assert code == 0
    works_within_its_policy(client, "good1")


def test_mqtt_over_tls(authorizer, connect, name):
    authorizer.create()
    query = urllib.parse.urlencode(authorizer.headers("good2"))
    client, code = connect(name, user="somebody?" + query, password="x")
    assert code == 0
    works_within_its_policy(client, "good2")


def test_http(authorizer, connect, server, name):
    authorizer.create()
    listener, code = connect(name, "websockets", authorizer.headers("good3"))
    assert code == 0
    listener.subscribe("good3/#", 1)
    assert listener.got.get(timeout=WAIT_S) == (1,)
    context = ssl.create_default_context(cafile=server.ca_file)

    def post(topic, headers):
        url = f"https://localhost:{server.alpn_port}/topics/{topic}?qos=1"
        request = urllib.request.Request(url, b"hello", headers, method="POST")
        try:
            with urllib.request.urlopen(request, context=context, timeout=WAIT_S) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert post("good3/http", authorizer.headers("good3")) == 200
    assert listener.got.get(timeout=WAIT_S) == ("good3/http", b"hello")
    assert post("elsewhere", authorizer.headers("good3")) == 403
    assert post("bad/x", authorizer.headers("bad")) == 403
    assert post("good3/x", authorizer.headers("good3", authorizer.sign("other"))) == 403


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
def test_refusals(authorizer, connect, functions, make_client, name, transport):
    authorizer.create()

    def code_of(headers):
        if transport == "websockets":
            return connect(name, transport, headers)[1]
        return connect(name, user="u?" + urllib.parse.urlencode(headers), password="x")[1]

    assert code_of(authorizer.headers("bad")) in ("closed", 5)
    before = asked(functions, authorizer, make_client)
    assert code_of(authorizer.headers("good1", authorizer.sign("good2"))) in ("closed", 5)
    assert code_of({"x-amz-customauthorizer-name": name}) in ("closed", 5), "no token at all"
    assert code_of({**authorizer.headers("good1"), "x-amz-customauthorizer-name": "nobody"}) in ("closed", 5)
    assert asked(functions, authorizer, make_client) <= max(before, 1), "a function is not asked about tokens that nobody signed"
    authorizer.iot.update_authorizer(authorizerName=name, status="INACTIVE")
    assert code_of(authorizer.headers("good1")) in ("closed", 5)


def test_without_signing_the_default_authorizer_sees_the_password(authorizer, connect, iot, name):
    iot.create_authorizer(authorizerName=name, authorizerFunctionArn=authorizer.function, status="ACTIVE", signingDisabled=True)
    iot.set_default_authorizer(authorizerName=name)
    client, code = connect(name, user="somebody", password="good4")
    assert code == 0
    works_within_its_policy(client, "good4")
    assert connect(name, user="somebody", password="bad")[1] in ("closed", 5)
