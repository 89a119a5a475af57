"""HTTP destinations and the http action, against a scripted peer."""
import json
import pathlib
import sys

import botocore.exceptions
import pytest
import urllib3

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.compat.test_rule_actions import World, check_signature  # noqa: E402


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("destinations"))
    yield made
    made.close()


def confirmed(world, path):
    """A destination that its owner has confirmed; returns its ARN."""
    url = f"{world.peer.url}/{path}"
    made = world.iot.create_topic_rule_destination(destinationConfiguration={"httpUrlConfiguration": {"confirmationUrl": url}})["topicRuleDestination"]
    assert made["status"] == "IN_PROGRESS" and made["httpUrlProperties"] == {"confirmationUrl": url}
    request = world.peer.next()
    body = json.loads(request.body)
    assert request.path == f"/{path}/?confirmationToken={body['confirmationToken']}"
    assert (body["arn"], body["messageType"]) == (made["arn"], "DestinationConfirmation")
    assert body["enableUrl"].endswith("/confirmdestination/" + body["confirmationToken"])
    assert request.headers["x-amz-rules-engine-message-type"] == "DestinationConfirmation"
    assert request.headers["x-amz-rules-engine-destination-arn"] == made["arn"]
    world.iot.confirm_topic_rule_destination(confirmationToken=body["confirmationToken"])
    assert world.iot.get_topic_rule_destination(arn=made["arn"])["topicRuleDestination"]["status"] == "ENABLED"
    return made["arn"]


def test_life_of_a_destination(world):
    arn = confirmed(world, "life")
    assert arn.startswith("arn:aws:iot:us-east-1:000000000000:ruledestination/http/")
    summaries = world.iot.list_topic_rule_destinations()["destinationSummaries"]
    assert [s["status"] for s in summaries if s["arn"] == arn] == ["ENABLED"]
    for status in ("DISABLED", "ENABLED"):
        world.iot.update_topic_rule_destination(arn=arn, status=status)
        assert world.iot.get_topic_rule_destination(arn=arn)["topicRuleDestination"]["status"] == status
    with pytest.raises(world.iot.exceptions.ResourceAlreadyExistsException):
        world.iot.create_topic_rule_destination(destinationConfiguration={"httpUrlConfiguration": {"confirmationUrl": f"{world.peer.url}/life"}})
    world.iot.delete_topic_rule_destination(arn=arn)
    with pytest.raises(world.iot.exceptions.UnauthorizedException):
        world.iot.get_topic_rule_destination(arn=arn)
    with pytest.raises(world.iot.exceptions.InvalidRequestException):
        world.iot.confirm_topic_rule_destination(confirmationToken="nope")


def test_the_link_in_the_message_confirms_without_keys(world):
    url = f"{world.peer.url}/link"
    arn = world.iot.create_topic_rule_destination(destinationConfiguration={"httpUrlConfiguration": {"confirmationUrl": url}})["topicRuleDestination"]["arn"]
    token = json.loads(world.peer.next().body)["confirmationToken"]
    pool = urllib3.PoolManager(retries=False, timeout=30)
    assert pool.request("GET", f"{world.server.api_url}/confirmdestination/wrong").status == 400
    assert pool.request("GET", f"{world.server.api_url}/confirmdestination/{token}").status == 200
    assert world.iot.get_topic_rule_destination(arn=arn)["topicRuleDestination"]["status"] == "ENABLED"


def test_profile_aws_takes_https_on_its_two_ports_only(iot):
    for url in ("http://example.com/", "https://example.com:444/", "https://[::1]/", "ftp://example.com/"):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            iot.create_topic_rule_destination(destinationConfiguration={"httpUrlConfiguration": {"confirmationUrl": url}})
        assert caught.value.response["Error"]["Code"] == "InvalidRequestException"


def test_http_action(world):
    confirmed(world, "in")
    action = {"http": {"url": f"{world.peer.url}/in/${{topic(2)}}", "confirmationUrl": f"{world.peer.url}/in",
                       "headers": [{"key": "X-Device", "value": "d-${a}"}],
                       "auth": {"sigv4": {"signingRegion": "eu-west-1", "serviceName": "execute-api", "roleArn": "arn:aws:iam::1:role/r"}}}}
    name, topic = world.rule(action)
    world.publish(topic)
    request = world.peer.next()
    assert (request.method, request.path, request.body) == ("POST", "/in/x", b'{"a":1}')
    assert (request.headers["content-type"], request.headers["x-device"]) == ("application/json", "d-1")
    check_signature(request, "execute-api")


def test_http_action_content_types(world):
    confirmed(world, "types")
    _, topic = world.rule({"http": {"url": f"{world.peer.url}/types"}})
    world.publish(topic, b"\x00\x01")
    request = world.peer.next()
    assert (request.headers["content-type"], request.body) == ("application/octet-stream", b"\x00\x01")
    _, topic = world.rule({"http": {"url": f"{world.peer.url}/types", "headers": [{"key": "Content-Type", "value": "text/x"}]}})
    world.publish(topic)
    assert world.peer.next().headers["content-type"] == "text/x"


@pytest.mark.parametrize("status, tries", [(503, 3), (429, 3), (404, 1)])
def test_http_action_tries_and_error_action(world, status, tries):
    path = f"tries{status}"
    confirmed(world, path)
    world.peer.on = lambda request: (status, b"") if path in request.path else None
    republish = {"http": {"url": f"{world.peer.url}/errors{status}"}}
    world.peer.on = None
    confirmed(world, f"errors{status}")
    world.peer.on = lambda request: (status, b"") if request.path == "/" + path else None
    _, topic = world.rule([{"http": {"url": f"{world.peer.url}/{path}"}}], errorAction=republish)
    world.publish(topic)
    assert [world.peer.next().path for _ in range(tries + 1)] == [f"/{path}"] * tries + [f"/errors{status}"]
    world.peer.on = None


def test_http_action_without_an_enabled_destination_fails(world):
    name, topic = world.rule({"http": {"url": f"{world.peer.url}/implicit"}})
    assert world.peer.next().path.startswith("/implicit/?confirmationToken=")  # made implicitly
    world.publish(topic)
    counters = world.counters(name)
    assert counters["failed"] == 1 and "no enabled destination" in counters["lastError"]


def test_url_with_a_template_needs_a_confirmation_url(world):
    for http in ({"url": f"{world.peer.url}/${{a}}"}, {"url": f"{world.peer.url}/x", "confirmationUrl": f"{world.peer.url}/y"}):
        with pytest.raises(world.iot.exceptions.InvalidRequestException):
            world.rule({"http": http})
