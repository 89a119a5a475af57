"""CloudWatch Logs: what functions say, read with boto3 and `aws logs`."""
import io
import json
import stat
import time
import zipfile

import pytest

ROLE = "arn:aws:iam::000000000000:role/r"


@pytest.fixture(scope="session")
def logs(make_client):
    return make_client("logs")


@pytest.fixture
def group(logs, name):
    logs.create_log_group(logGroupName=name)
    yield name
    logs.delete_log_group(logGroupName=name)


@pytest.fixture
def now():
    return int(time.time() * 1000)


def until(condition, what):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within 30 s: {what}")


def messages(events):
    return [event["message"] for event in events]


@pytest.fixture
def function(functions, name):
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        entry = zipfile.ZipInfo("index.js")
        entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
        archive.writestr(entry, "exports.handler = async (event, context) => { console.log('said ' + event.word); return context.logStreamName }")
    functions.create_function(FunctionName=name, Runtime="nodejs20.x", Role=ROLE, Handler="index.handler", Timeout=20, Code={"ZipFile": zipped.getvalue()})
    yield name
    functions.delete_function(FunctionName=name)


def test_a_function_writes_its_log(functions, logs, aws, function):
    group = "/aws/lambda/" + function
    answer = functions.invoke(FunctionName=function, Payload=b'{"word": "hello"}')
    stream = json.loads(answer["Payload"].read())

    def lines():
        streams = [] if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] else logs.describe_log_streams(logGroupName=group)["logStreams"]
        if not streams:
            return None
        assert [one["logStreamName"] for one in streams] == [stream]
        found = messages(logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"])
        return found if any(line.startswith("REPORT ") for line in found) else None

    found = until(lines, "the function's log")
    kinds = [line.split()[0] if line.split()[0] in ("START", "END", "REPORT") else line.split("\t")[-1] for line in found]
    assert kinds == ["START", "said hello", "END", "REPORT"]
    filtered = logs.filter_log_events(logGroupName=group, filterPattern='"said hello"')["events"]
    assert len(filtered) == 1 and filtered[0]["logStreamName"] == stream and filtered[0]["eventId"]
    tail = aws("logs", "tail", group, "--since", "1h")
    assert tail.code == 0, tail.err
    assert "said hello" in tail.out and "REPORT RequestId" in tail.out
    cli = aws("logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", "said")
    assert len(cli.json["events"]) == 1, cli.err


def test_groups(raw, logs, name, server):
    raw.ok("logs", "CreateLogGroup", logGroupName=name)
    raw.error("logs", "CreateLogGroup", "ResourceAlreadyExistsException", 400, logGroupName=name)
    raw.error("logs", "CreateLogGroup", "InvalidParameterException", 400, logGroupName="a b")
    raw.ok("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=7)
    found = raw.ok("logs", "DescribeLogGroups", logGroupNamePrefix=name)["logGroups"]
    assert [(one["logGroupName"], one["retentionInDays"], one["arn"]) for one in found] == [
        (name, 7, f"arn:aws:logs:{server.region}:{server.account_id}:log-group:{name}:*")]
    raw.error("logs", "PutRetentionPolicy", "InvalidParameterException", 400, logGroupName=name, retentionInDays=8)
    raw.ok("logs", "DeleteRetentionPolicy", logGroupName=name)
    assert "retentionInDays" not in raw.ok("logs", "DescribeLogGroups", logGroupNamePrefix=name)["logGroups"][0]
    raw.ok("logs", "DeleteLogGroup", logGroupName=name)
    raw.error("logs", "DeleteLogGroup", "ResourceNotFoundException", 400, logGroupName=name)
    raw.error("logs", "DescribeLogStreams", "ResourceNotFoundException", 400, logGroupName=name)


def test_streams(raw, group):
    for stream in ("b/1", "a"):
        raw.ok("logs", "CreateLogStream", logGroupName=group, logStreamName=stream)
    raw.error("logs", "CreateLogStream", "ResourceAlreadyExistsException", 400, logGroupName=group, logStreamName="a")
    raw.error("logs", "CreateLogStream", "InvalidParameterException", 400, logGroupName=group, logStreamName="a:b")
    names = lambda **more: [one["logStreamName"] for one in raw.ok("logs", "DescribeLogStreams", logGroupName=group, **more)["logStreams"]]
    assert (names(), names(descending=True), names(logStreamNamePrefix="b")) == (["a", "b/1"], ["b/1", "a"], ["b/1"])
    raw.ok("logs", "DeleteLogStream", logGroupName=group, logStreamName="a")
    assert names() == ["b/1"]


def put(raw, group, stream, events):
    return raw.ok("logs", "PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": at, "message": text} for at, text in events])


def test_events_and_their_pages(raw, group, now):
    raw.ok("logs", "CreateLogStream", logGroupName=group, logStreamName="s")
    put(raw, group, "s", [(now + i, f"event {i}") for i in range(10)])
    get = lambda **more: raw.ok("logs", "GetLogEvents", logGroupName=group, logStreamName="s", **more)
    assert messages(get()["events"]) == [f"event {i}" for i in range(10)]
    first = get(limit=4, startFromHead=True)
    assert messages(first["events"]) == [f"event {i}" for i in range(4)]
    second = get(limit=4, nextToken=first["nextForwardToken"])
    assert messages(second["events"]) == [f"event {i}" for i in range(4, 8)]
    third = get(nextToken=second["nextForwardToken"])
    assert messages(third["events"]) == ["event 8", "event 9"]
    end = get(nextToken=third["nextForwardToken"])
    assert (end["events"], end["nextForwardToken"]) == ([], third["nextForwardToken"])
    assert messages(get(limit=4, nextToken=second["nextBackwardToken"])["events"]) == [f"event {i}" for i in range(4)]
    assert messages(get(limit=3)["events"]) == ["event 7", "event 8", "event 9"]
    assert messages(get(startTime=now + 3, endTime=now + 5)["events"]) == ["event 3", "event 4"]
    for bad in ({"nextToken": "x"}, {"limit": 0}, {"startTime": -1}):
        raw.error("logs", "GetLogEvents", "InvalidParameterException", 400, logGroupName=group, logStreamName="s", **bad)


def test_filters(raw, group, now):
    for stream in ("s1", "s2"):
        raw.ok("logs", "CreateLogStream", logGroupName=group, logStreamName=stream)
    put(raw, group, "s1", [(now, "ERROR one"), (now + 2, "info two")])
    put(raw, group, "s2", [(now + 1, "ERROR and more"), (now + 3, "warn four")])
    find = lambda pattern="", **more: messages(raw.ok("logs", "FilterLogEvents", logGroupName=group, filterPattern=pattern, **more)["events"])
    assert find() == ["ERROR one", "ERROR and more", "info two", "warn four"]
    assert find("ERROR") == ["ERROR one", "ERROR and more"]
    assert find("ERROR -more") == ["ERROR one"]
    assert find("?info ?warn") == ["info two", "warn four"]
    assert find('"and more"') == ["ERROR and more"]
    assert find(logStreamNames=["s2"]) == ["ERROR and more", "warn four"]
    assert find(logStreamNamePrefix="s1") == ["ERROR one", "info two"]
    page = raw.ok("logs", "FilterLogEvents", logGroupName=group, limit=3)
    assert messages(raw.ok("logs", "FilterLogEvents", logGroupName=group, nextToken=page["nextToken"])["events"]) == ["warn four"]
    raw.error("logs", "FilterLogEvents", "InvalidParameterException", 400, logGroupName=group, filterPattern="{ $.a = 1 }")


def test_events_that_are_not_taken(raw, group, now):
    raw.ok("logs", "CreateLogStream", logGroupName=group, logStreamName="s")
    day = 86_400_000
    answer = put(raw, group, "s", [(now - 15 * day, "old"), (now, "now"), (now + day, "new")])
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}
    assert messages(raw.ok("logs", "GetLogEvents", logGroupName=group, logStreamName="s")["events"]) == ["now"]
    refuse = lambda **more: raw.error("logs", "PutLogEvents", more.pop("name", "InvalidParameterException"), 400, logGroupName=group,
                                      **{"logStreamName": "s", "logEvents": [{"timestamp": now, "message": "x"}], **more})
    refuse(logEvents=[{"timestamp": now, "message": "b"}, {"timestamp": now - 1, "message": "a"}])
    refuse(logEvents=[{"timestamp": now, "message": ""}])
    refuse(logEvents=[])
    refuse(logStreamName="other", name="ResourceNotFoundException")


@pytest.mark.parametrize("operation", ["StartQuery", "PutMetricFilter"])
def test_operations_that_are_not_there(raw, operation):
    answer = raw.send("logs", "POST", "/", "{}", headers={"X-Amz-Target": "Logs_20140328." + operation, "Content-Type": "application/x-amz-json-1.1"})
    assert (answer.status, answer.error) == (400, "UnknownOperationException")
