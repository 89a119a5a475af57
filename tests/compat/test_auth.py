"""Who may ask. The same failures in each service's words (reference auth, section 4)."""
import http.client
import socket
import ssl

import botocore.exceptions
import pytest

DYNAMODB = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"}
# service, method, target, body, headers
REQUESTS = {
    "iot": ("iot", "GET", "/things", b"", {}),
    "iot-data": ("iot-data", "POST", "/topics/auth%2Ftest?qos=0", b"x", {}),
    "dynamodb": ("dynamodb", "POST", "/", b"{}", DYNAMODB),
    "lambda": ("lambda", "GET", "/2015-03-31/functions/", b"", {}),
}
SERVICES = sorted(REQUESTS)


def status_of(service):
    return 400 if service == "dynamodb" else 403


@pytest.mark.parametrize("service", SERVICES)
def test_right_signature(raw, service):
    assert raw.send(*REQUESTS[service]).status == 200


@pytest.mark.parametrize("service", SERVICES)
def test_no_credentials(raw, service):
    answer = raw.send(*REQUESTS[service], sign=False)
    assert (answer.status, answer.error) == (status_of(service), "MissingAuthenticationTokenException")


@pytest.mark.parametrize("service", SERVICES)
def test_wrong_secret(raw, service):
    answer = raw.send(*REQUESTS[service], secret="wrong")
    expected = "ForbiddenException" if service == "iot-data" else "InvalidSignatureException"
    assert (answer.status, answer.error) == (status_of(service), expected)


@pytest.mark.parametrize("service", SERVICES)
def test_unknown_key(raw, service):
    answer = raw.send(*REQUESTS[service], key="AKIAAAAAAAAAAAAAAAAA")
    expected = "ForbiddenException" if service == "iot-data" else "UnrecognizedClientException"
    assert (answer.status, answer.error) == (status_of(service), expected)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("shift_s", [-3600, 3600])
def test_skewed_clock(raw, service, shift_s):
    answer = raw.send(*REQUESTS[service], at=shift_s)
    assert (answer.status, answer.error) == (status_of(service), "InvalidSignatureException")
    assert "Signature expired" in answer.json.get("message", answer.json.get("Message")) or "not yet current" in str(answer.json)
    # SDKs correct their clock from this header and try again.
    assert answer.headers["date"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_few_minutes_are_forgiven(raw, service):
    assert raw.send(*REQUESTS[service], at=-600).status == 200
    assert raw.send(*REQUESTS[service], at=600).status == 200


@pytest.mark.parametrize("service", ["iot-data", "dynamodb"])
def test_tampered_body(raw, service):
    def tamper(request):
        request.data = b"y" if service == "iot-data" else b"{ }"

    answer = raw.send(*REQUESTS[service], after_signing=tamper)
    assert answer.status == status_of(service)
    assert answer.error == ("ForbiddenException" if service == "iot-data" else "InvalidSignatureException")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("header", ["", "Bearer abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=x", "AWS4-HMAC-SHA256 " + "," * 1000,
                                    "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;, Signature="])
def test_garbage_authorization(raw, service, header):
    def garble(request):
        request.headers["Authorization"] = header

    answer = raw.send(*REQUESTS[service], sign=False, after_signing=garble)
    assert answer.status in (400, 403)
    # What the scope would have said is lost, so the path and the target header tell the service.
    assert answer.error == "IncompleteSignatureException"


def test_path_that_is_encoded_twice(raw, name):
    # `/`, `:` and `%` in one segment; botocore signs the path encoded once more.
    answer = raw.send("iot", "GET", f"/things/{name}%3A%25%2F")
    assert (answer.status, answer.error) in [(404, "ResourceNotFoundException"), (400, "InvalidRequestException")]


def test_unsorted_query_is_sorted_for_the_signature(raw):
    assert raw.send("iot", "GET", "/things?usePrefixAttributeValue=false&maxResults=1").status == 200


def test_unknown_operations(raw):
    answer = raw.send("iot", "GET", "/no-such-thing")
    assert (answer.status, answer.error) == (403, "MissingAuthenticationTokenException")
    answer = raw.send("iot-data", "GET", "/no-such-thing")
    assert (answer.status, answer.error) == (405, "MethodNotAllowedException")
    answer = raw.send("dynamodb", "POST", "/", b"{}", dict(DYNAMODB, **{"X-Amz-Target": "DynamoDB_20120810.NoSuchThing"}))
    assert (answer.status, answer.error) == (400, "UnknownOperationException")
    answer = raw.send("lambda", "GET", "/2015-03-31/no-such-thing")
    assert (answer.status, answer.error) == (403, "AccessDeniedException")
    answer = raw.send("sagemaker", "POST", "/", b"{}")
    assert answer.status == 403


def test_boto3_maps_the_errors(make_client):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        make_client("iot", secret="wrong").list_things()
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert caught.value.response["ResponseMetadata"]["RequestId"]
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        make_client("dynamodb", key="AKIAAAAAAAAAAAAAAAAA").list_tables()
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_https_on_the_same_port(make_client, server):
    assert make_client("iot", tls=True).list_things()["things"] is not None
    assert server.api_tls_url.rsplit(":", 1)[1] == server.api_url.rsplit(":", 1)[1]


def test_another_region_in_the_scope(make_client):
    assert "things" in make_client("iot", region="eu-west-1").list_things()


def connection(server):
    return http.client.HTTPConnection("127.0.0.1", server.api_port, timeout=20)


def test_health_and_metrics_need_no_credentials(server, raw):
    raw.send(*REQUESTS["iot"])
    link = connection(server)
    link.request("GET", "/_fogbank/healthz")
    answer = link.getresponse()
    assert (answer.status, answer.read().strip()) == (200, b"ok")
    link.request("GET", "/_fogbank/metrics")
    answer = link.getresponse()
    assert answer.status == 200
    assert b"fogbank_api_requests_total" in answer.read()
    for path in ("/_fogbank", "/things"):
        link.request("GET", path)
        answer = link.getresponse()
        answer.read()
        assert answer.status == 403


def test_garbage_on_the_socket_does_not_stop_the_server(server):
    for junk in (b"\x00" * 100, b"\x16\x03\x01\x02\x00" + b"x" * 600, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000, b"\r\n" * 1000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.api_port), timeout=20) as link:
            try:
                link.sendall(junk)
                link.shutdown(socket.SHUT_WR)
                while link.recv(65536):
                    pass
            except ConnectionError:
                pass  # a refusal too
    link = connection(server)
    link.request("GET", "/_fogbank/healthz")
    assert link.getresponse().status == 200


def test_a_large_body_is_refused_unread(server):
    with socket.create_connection(("127.0.0.1", server.api_port), timeout=20) as link:
        link.sendall(b"POST /things/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n")
        assert link.recv(65536).startswith(b"HTTP/1.1 403")


def test_the_data_plane_port_needs_a_client_certificate(server):
    context = ssl.create_default_context(cafile=server.ca_file)
    context.check_hostname = False
    link = http.client.HTTPSConnection("127.0.0.1", server.https_port, timeout=20, context=context)
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        link.request("POST", "/topics/a?qos=1", b"x")
        link.getresponse()
