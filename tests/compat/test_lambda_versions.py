"""Versions, aliases, permissions, concurrency, event settings, tags of functions. Answers are checked against the service model."""
import io
import json
import stat
import time
import zipfile

import pytest

ROLE = "arn:aws:iam::000000000000:role/r"


def package(source):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        entry = zipfile.ZipInfo("index.js")
        entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
        zipped.writestr(entry, source)
    return out.getvalue()


def source(text):
    return package(f"exports.handler = async (event) => {{ if (event.fail) throw new Error('asked to'); return '{text}' }}")


@pytest.fixture
def function(raw, name):
    raw.ok("lambda", "CreateFunction", FunctionName=name, Runtime="nodejs18.x", Role=ROLE, Handler="index.handler", Timeout=20, Tags={"a": "1"},
           Code={"ZipFile": source("first")})
    yield name
    raw.call("lambda", "DeleteFunction", FunctionName=name)


@pytest.fixture
def call(functions, function):
    def run(qualifier=None, event=None, **more):
        if qualifier:
            more["Qualifier"] = qualifier
        answer = functions.invoke(FunctionName=function, Payload=json.dumps(event or {}).encode(), **more)
        return json.loads(answer["Payload"].read()), answer["ExecutedVersion"]

    return run


def test_versions(raw, function, call, server):
    arn = f"arn:aws:lambda:{server.region}:{server.account_id}:function:{function}"
    one = raw.ok("lambda", "PublishVersion", FunctionName=function, Description="the first")
    assert (one["Version"], one["FunctionArn"], one["Description"]) == ("1", arn + ":1", "the first")
    assert raw.ok("lambda", "PublishVersion", FunctionName=function, Description="the first")["Version"] == "1", "nothing has changed"
    raw.ok("lambda", "UpdateFunctionCode", FunctionName=function, ZipFile=source("second"))
    assert (call(), call("1"), call("$LATEST")) == (("second", "$LATEST"), ("first", "1"), ("second", "$LATEST"))
    two = raw.ok("lambda", "UpdateFunctionCode", FunctionName=function, ZipFile=source("third"), Publish=True)
    assert two["Version"] == "2" and call("2") == ("third", "2")
    listed = raw.ok("lambda", "ListVersionsByFunction", FunctionName=function)["Versions"]
    assert [one["Version"] for one in listed] == ["$LATEST", "1", "2"]
    page = raw.ok("lambda", "ListVersionsByFunction", FunctionName=function, MaxItems=2)
    assert [one["Version"] for one in raw.ok("lambda", "ListVersionsByFunction", FunctionName=function, Marker=page["NextMarker"])["Versions"]] == ["2"]
    everything = raw.ok("lambda", "ListFunctions", FunctionVersion="ALL", MaxItems=10000)["Functions"]
    assert {"$LATEST", "1", "2"} == {one["Version"] for one in everything if one["FunctionName"] == function}
    assert raw.ok("lambda", "GetFunctionConfiguration", FunctionName=function, Qualifier="1")["CodeSha256"] == one["CodeSha256"]
    raw.error("lambda", "GetFunction", "ResourceNotFoundException", 404, FunctionName=function, Qualifier="7")
    raw.error("lambda", "PublishVersion", "InvalidParameterValueException", 400, FunctionName=function, CodeSha256="other")
    raw.error("lambda", "PublishVersion", "PreconditionFailedException", 412, FunctionName=function, RevisionId="other")
    raw.ok("lambda", "DeleteFunction", FunctionName=function, Qualifier="1")
    raw.error("lambda", "Invoke", "ResourceNotFoundException", 404, FunctionName=function, Qualifier="1", Payload=b"{}")
    assert call("2") == ("third", "2")
    raw.ok("lambda", "UpdateFunctionCode", FunctionName=function, ZipFile=source("fourth"))
    assert raw.ok("lambda", "PublishVersion", FunctionName=function)["Version"] == "3", "numbers are not used twice"


def test_created_as_a_version(raw, name):
    made = raw.ok("lambda", "CreateFunction", FunctionName=name, Runtime="nodejs18.x", Role=ROLE, Handler="index.handler", Publish=True,
                  Code={"ZipFile": source("x")})
    assert made["Version"] == "1"
    raw.ok("lambda", "DeleteFunction", FunctionName=name)


def test_aliases(raw, function, call, server):
    arn = f"arn:aws:lambda:{server.region}:{server.account_id}:function:{function}"
    raw.error("lambda", "CreateAlias", "ResourceNotFoundException", 404, FunctionName=function, Name="live", FunctionVersion="1")
    raw.ok("lambda", "PublishVersion", FunctionName=function)
    raw.ok("lambda", "UpdateFunctionCode", FunctionName=function, ZipFile=source("second"), Publish=True)
    made = raw.ok("lambda", "CreateAlias", FunctionName=function, Name="live", FunctionVersion="1", Description="d")
    assert (made["AliasArn"], made["Name"], made["FunctionVersion"], made["Description"]) == (arn + ":live", "live", "1", "d")
    raw.error("lambda", "CreateAlias", "ResourceConflictException", 409, FunctionName=function, Name="live", FunctionVersion="1")
    for bad in ("12", "a b"):
        raw.error("lambda", "CreateAlias", "InvalidParameterValueException", 400, FunctionName=function, Name=bad, FunctionVersion="1")
    assert call("live") == ("first", "1")
    changed = raw.ok("lambda", "UpdateAlias", FunctionName=function, Name="live", FunctionVersion="2")
    assert changed["RevisionId"] != made["RevisionId"] and changed["Description"] == "d"
    assert call("live") == ("second", "2")
    assert raw.ok("lambda", "GetFunctionConfiguration", FunctionName=function, Qualifier="live")["FunctionArn"] == arn + ":live"
    raw.error("lambda", "UpdateAlias", "PreconditionFailedException", 412, FunctionName=function, Name="live", RevisionId=made["RevisionId"])
    assert raw.ok("lambda", "GetAlias", FunctionName=function, Name="live") == changed
    assert raw.ok("lambda", "ListAliases", FunctionName=function)["Aliases"] == [changed]
    assert raw.ok("lambda", "ListAliases", FunctionName=function, FunctionVersion="1")["Aliases"] == []
    raw.error("lambda", "DeleteFunction", "ResourceConflictException", 409, FunctionName=function, Qualifier="2")
    raw.ok("lambda", "DeleteAlias", FunctionName=function, Name="live")
    raw.error("lambda", "GetAlias", "ResourceNotFoundException", 404, FunctionName=function, Name="live")


def test_an_alias_with_a_share_for_another_version(raw, function, call):
    raw.ok("lambda", "PublishVersion", FunctionName=function)
    raw.ok("lambda", "UpdateFunctionCode", FunctionName=function, ZipFile=source("second"), Publish=True)
    made = raw.ok("lambda", "CreateAlias", FunctionName=function, Name="live", FunctionVersion="1",
                  RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    assert made["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 1.0}}
    assert call("live") == ("second", "2")
    raw.ok("lambda", "UpdateAlias", FunctionName=function, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.0}})
    assert call("live") == ("first", "1")
    raw.error("lambda", "UpdateAlias", "InvalidParameterValueException", 400, FunctionName=function, Name="live",
              RoutingConfig={"AdditionalVersionWeights": {"2": 2.0}})


def test_permissions(raw, function, server):
    arn = f"arn:aws:lambda:{server.region}:{server.account_id}:function:{function}"
    raw.error("lambda", "GetPolicy", "ResourceNotFoundException", 404, FunctionName=function)
    rule = f"arn:aws:iot:{server.region}:{server.account_id}:rule/r"
    made = raw.ok("lambda", "AddPermission", FunctionName=function, StatementId="iot-1", Action="lambda:InvokeFunction", Principal="iot.amazonaws.com",
                  SourceArn=rule, SourceAccount=server.account_id)
    assert json.loads(made["Statement"]) == {
        "Sid": "iot-1", "Effect": "Allow", "Principal": {"Service": "iot.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceAccount": server.account_id}, "ArnLike": {"AWS:SourceArn": rule}}}
    raw.error("lambda", "AddPermission", "ResourceConflictException", 409, FunctionName=function, StatementId="iot-1", Action="lambda:InvokeFunction",
              Principal="iot.amazonaws.com")
    raw.ok("lambda", "AddPermission", FunctionName=function, StatementId="acc", Action="lambda:*", Principal="123456789012")
    policy = raw.ok("lambda", "GetPolicy", FunctionName=function)
    document = json.loads(policy["Policy"])
    assert (document["Version"], document["Id"], [one["Sid"] for one in document["Statement"]]) == ("2012-10-17", "default", ["iot-1", "acc"])
    assert document["Statement"][1]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    raw.error("lambda", "RemovePermission", "PreconditionFailedException", 412, FunctionName=function, StatementId="acc", RevisionId="x")
    raw.ok("lambda", "RemovePermission", FunctionName=function, StatementId="acc", RevisionId=policy["RevisionId"])
    raw.ok("lambda", "RemovePermission", FunctionName=function, StatementId="iot-1")
    raw.error("lambda", "RemovePermission", "ResourceNotFoundException", 404, FunctionName=function, StatementId="iot-1")
    for change in ({"StatementId": "a b"}, {"Action": "iam:*"}, {"Principal": "a b"}):
        raw.error("lambda", "AddPermission", "InvalidParameterValueException", 400,
                  **{"FunctionName": function, "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "p", **change})


def test_concurrency(raw, functions, function, call):
    assert raw.ok("lambda", "GetFunctionConcurrency", FunctionName=function) == {}
    assert raw.ok("lambda", "PutFunctionConcurrency", FunctionName=function, ReservedConcurrentExecutions=0) == {"ReservedConcurrentExecutions": 0}
    assert raw.ok("lambda", "GetFunction", FunctionName=function)["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    with pytest.raises(functions.exceptions.TooManyRequestsException):
        call()
    raw.ok("lambda", "PutFunctionConcurrency", FunctionName=function, ReservedConcurrentExecutions=1)
    assert call()[0] == "first"
    raw.ok("lambda", "DeleteFunctionConcurrency", FunctionName=function)
    assert raw.ok("lambda", "GetFunctionConcurrency", FunctionName=function) == {}
    assert raw.ok("lambda", "GetAccountSettings")["AccountLimit"]["ConcurrentExecutions"] == 1000


def test_event_settings(raw, function, server):
    arn = f"arn:aws:lambda:{server.region}:{server.account_id}:function:{function}"
    raw.error("lambda", "GetFunctionEventInvokeConfig", "ResourceNotFoundException", 404, FunctionName=function)
    raw.error("lambda", "UpdateFunctionEventInvokeConfig", "ResourceNotFoundException", 404, FunctionName=function, MaximumRetryAttempts=1)
    made = raw.ok("lambda", "PutFunctionEventInvokeConfig", FunctionName=function, MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60,
                  DestinationConfig={"OnFailure": {"Destination": arn}})
    assert (made["FunctionArn"], made["MaximumRetryAttempts"], made["MaximumEventAgeInSeconds"]) == (arn + ":$LATEST", 0, 60)
    changed = raw.ok("lambda", "UpdateFunctionEventInvokeConfig", FunctionName=function, MaximumRetryAttempts=2)
    assert (changed["MaximumRetryAttempts"], changed["DestinationConfig"]["OnFailure"]) == (2, {"Destination": arn})
    assert raw.ok("lambda", "GetFunctionEventInvokeConfig", FunctionName=function) == changed
    assert raw.ok("lambda", "ListFunctionEventInvokeConfigs", FunctionName=function)["FunctionEventInvokeConfigs"] == [changed]
    for change in ({"MaximumRetryAttempts": 3}, {"MaximumEventAgeInSeconds": 59}, {},
                   {"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:sqs:us-east-1:000000000000:q"}}}):
        raw.error("lambda", "PutFunctionEventInvokeConfig", "InvalidParameterValueException", 400, FunctionName=function, **change)
    raw.ok("lambda", "DeleteFunctionEventInvokeConfig", FunctionName=function)
    raw.error("lambda", "DeleteFunctionEventInvokeConfig", "ResourceNotFoundException", 404, FunctionName=function)


def until(condition, what):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within 30 s: {what}")


def test_failed_events_reach_their_destination(functions, function, name, dynamodb, make_client):
    """Without retries a failing event goes to the failure destination at once, a good one to the other; both records say what happened."""
    logs, target = make_client("logs"), "d" + name
    functions.create_function(FunctionName=target, Runtime="nodejs18.x", Role=ROLE, Handler="index.handler", Timeout=20,
                              Code={"ZipFile": package("exports.handler = async (record) => { console.log('RECORD ' + JSON.stringify(record)) }")})
    arn = functions.get_function_configuration(FunctionName=target)["FunctionArn"]
    functions.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0,
                                               DestinationConfig={"OnFailure": {"Destination": arn}, "OnSuccess": {"Destination": arn}})
    functions.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"fail": 1}')
    functions.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"fine": 1}')

    def records():
        try:
            events = logs.filter_log_events(logGroupName="/aws/lambda/" + target, filterPattern="RECORD")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return None
        found = [json.loads(event["message"].split("RECORD ")[1]) for event in events]
        return found if len(found) == 2 else None

    by_condition = {record["requestContext"]["condition"]: record for record in until(records, "two records")}
    failed, good = by_condition["RetriesExhausted"], by_condition["Success"]
    assert (failed["requestPayload"], failed["responseContext"]["functionError"], failed["responsePayload"]["errorMessage"]) == ({"fail": 1}, "Unhandled", "asked to")
    assert (good["requestPayload"], good["responsePayload"], good["version"]) == ({"fine": 1}, "first", "1.0")
    assert failed["requestContext"]["functionArn"].endswith(f":{function}:$LATEST")
    functions.delete_function(FunctionName=target)


def test_tags(raw, function, server):
    arn = f"arn:aws:lambda:{server.region}:{server.account_id}:function:{function}"
    assert raw.ok("lambda", "ListTags", Resource=arn)["Tags"] == {"a": "1"}
    raw.ok("lambda", "TagResource", Resource=arn, Tags={"b": "2", "a": "3"})
    assert raw.ok("lambda", "GetFunction", FunctionName=function)["Tags"] == {"a": "3", "b": "2"}
    raw.ok("lambda", "UntagResource", Resource=arn, TagKeys=["a", "c"])
    assert raw.ok("lambda", "ListTags", Resource=arn)["Tags"] == {"b": "2"}
    raw.error("lambda", "TagResource", "InvalidParameterValueException", 400, Resource=arn, Tags={"aws:x": "y"})
    raw.error("lambda", "ListTags", "ResourceNotFoundException", 404, Resource=arn + "x")


def test_what_belongs_to_a_function_goes_with_it(raw, function, name):
    """A new function of the same name begins afresh."""
    raw.ok("lambda", "PublishVersion", FunctionName=function)
    raw.ok("lambda", "CreateAlias", FunctionName=function, Name="live", FunctionVersion="1")
    raw.ok("lambda", "DeleteFunction", FunctionName=function)
    raw.ok("lambda", "CreateFunction", FunctionName=name, Runtime="nodejs18.x", Role=ROLE, Handler="index.handler", Code={"ZipFile": source("new")})
    assert [one["Version"] for one in raw.ok("lambda", "ListVersionsByFunction", FunctionName=name)["Versions"]] == ["$LATEST"]
    raw.error("lambda", "GetAlias", "ResourceNotFoundException", 404, FunctionName=name, Name="live")
