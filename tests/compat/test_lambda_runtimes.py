"""Functions in other languages over the Lambda Runtime API: Node.js, Python and any bootstrap, as people bring them from AWS."""
import base64
import io
import json
import pathlib
import stat
import zipfile

import botocore.exceptions
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / "tests" / "compat" / "js" / "node_modules"
ROLE = "arn:aws:iam::000000000000:role/r"


def package(files, executable=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.external_attr = (stat.S_IFREG | (0o755 if name in executable else 0o644)) << 16
            zipped.writestr(entry, text)
    return out.getvalue()


@pytest.fixture
def deploy(functions, name):
    """deploy(runtime, handler, files) makes the function `name`; the rest are parameters of CreateFunction."""

    def make(runtime, handler, files, executable=(), variables=None, **more):
        if variables and "NODE_PATH" in variables and not NODE_MODULES.is_dir():
            pytest.skip("needs the packages of tests/compat/js: npm ci --ignore-scripts there")
        functions.create_function(FunctionName=name, Runtime=runtime, Role=ROLE, Handler=handler, Code={"ZipFile": package(files, executable)},
                                  Environment={"Variables": variables or {}}, **{"Timeout": 20, "MemorySize": 512, **more})
        return name

    yield make
    try:
        functions.delete_function(FunctionName=name)
    except functions.exceptions.ResourceNotFoundException:
        pass


@pytest.fixture
def call(functions, name):
    def run(event, **more):
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode(), LogType="Tail", **more)
        text = answer["Payload"].read()
        return json.loads(text), base64.b64decode(answer["LogResult"]).decode(), answer.get("FunctionError")

    return run


@pytest.fixture
def table(dynamodb):
    """table(name, key) makes a table for one test."""
    made = []

    def make(table_name, key):
        dynamodb.create_table(TableName=table_name, KeySchema=[{"AttributeName": key, "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
                              AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}])
        made.append(table_name)

    yield make
    for table_name in made:
        dynamodb.delete_table(TableName=table_name)


# As they run on AWS, without a change of a letter.
SECOMEA = """
const AWS = require('aws-sdk');
const docClient = new AWS.DynamoDB.DocumentClient({region: 'us-east-1'});

exports.handler = async (event, context) => {
    const params = {
        TableName: "Secomea",
        Item: {
            date_time: DATE,
            pressure: event.pressure,
            temperature: event.temperature
        }
    };
    try {
        const data = await docClient.put(params).promise();
        console.log("written", data);
    } catch (err) {
        console.log(err);
    }
};
"""
CATALOG = """
console.log('Loading function');
var AWS = require('aws-sdk');
var dynamo = new AWS.DynamoDB.DocumentClient();
var table = "iotCatalog";

exports.handler = function(event, context, callback) {
   var params = {
    TableName:table,
    Item:{
        "endpoint": event.endpoint,
        "clientId": event.clientId,
        "thingId": event.thingId,
        "manufacturerName": event.manufacturerName,
        "modelName": event.modelName,
        "version": event.version,
        "friendlyName": event.friendlyName,
        "friendlyDescription": event.friendlyDescription,
        "type": event.type
        }
    };

    console.log("Adding a new IoT device...");
    dynamo.put(params, function(err, data) {
        if (err) {
            console.error("Unable to add device. Error JSON:", JSON.stringify(err, null, 2));
            callback(err);
        } else {
            console.log("Added device:", JSON.stringify(data, null, 2));
            callback(null,'DynamoDB updated');
        }
    });
}
"""


def test_the_secomea_function(deploy, call, table, dynamodb):
    table("Secomea", "date_time")
    deploy("nodejs18.x", "index.handler", {"index.js": SECOMEA.replace("DATE", "new Date().toISOString()")}, variables={"NODE_PATH": str(NODE_MODULES)})
    result, log, error = call({"pressure": 4.2, "temperature": 21})
    assert (result, error) == (None, None), log
    assert "written" in log
    items = dynamodb.scan(TableName="Secomea")["Items"]
    assert [(item["pressure"], item["temperature"]) for item in items] == [({"N": "4.2"}, {"N": "21"})]


def test_the_secomea_function_with_a_date(deploy, call, table, dynamodb):
    table("Secomea", "date_time")
    deploy("nodejs18.x", "index.handler", {"index.js": SECOMEA.replace("DATE", "new Date()")}, variables={"NODE_PATH": str(NODE_MODULES)})
    result, log, error = call({"pressure": 4.2, "temperature": 21})
    assert (result, error) == (None, None)
    assert "ValidationException: One or more parameter values were invalid: Type mismatch for key date_time expected: S actual: M" in log
    assert dynamodb.scan(TableName="Secomea")["Count"] == 0


def test_the_catalog_function(deploy, call, table, dynamodb):
    table("iotCatalog", "thingId")
    deploy("nodejs12.x", "index.handler", {"index.js": CATALOG}, variables={"NODE_PATH": str(NODE_MODULES)})
    event = {name: "value of " + name for name in ("endpoint", "clientId", "thingId", "manufacturerName", "modelName", "version", "friendlyName",
                                                    "friendlyDescription", "type")}
    result, log, error = call(event)
    assert (result, error) == ("DynamoDB updated", None), log
    assert "Loading function" in log and "Added device: {}" in log
    assert dynamodb.get_item(TableName="iotCatalog", Key={"thingId": {"S": event["thingId"]}})["Item"] == {k: {"S": v} for k, v in event.items()}


def test_sdk_v3_from_an_es_module(deploy, call, table, dynamodb, name):
    table(name, "id")
    deploy("nodejs20.x", "src/app.handler", variables={"NODE_PATH": str(NODE_MODULES)}, files={"src/app.mjs": """
        import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
        const client = new DynamoDBClient({});
        export const handler = async (event, context) => {
            await client.send(new PutItemCommand({TableName: context.functionName, Item: {id: {S: event.id}}}));
            return {left: context.getRemainingTimeInMillis() > 0, arn: context.invokedFunctionArn};
        };"""})
    result, log, error = call({"id": "x"})
    assert error is None, log
    assert result == {"left": True, "arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}"}
    assert dynamodb.scan(TableName=name)["Items"] == [{"id": {"S": "x"}}]


@pytest.mark.parametrize("source, expected", [
    ("exports.handler = async (e) => e.a + 1", 3),
    ("exports.handler = (e, c, cb) => cb(null, e.a)", 2),
    ("exports.handler = (e, c, cb) => { setTimeout(() => cb(null, 'later'), 5) }", "later"),
    ("exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; setInterval(() => 0, 1e6); cb(null, 'now') }", "now"),
    ("exports.handler = (e, c) => c.succeed('old')", "old"),
    ("exports.handler = () => {}", None),
    ("exports.a = {handler: async () => 'nested'}; exports.handler = async () => 'flat'", "flat"),
], ids=range(7))
def test_styles_of_node_handlers(deploy, call, source, expected):
    deploy("nodejs20.x", "index.handler", {"index.js": source})
    assert call({"a": 2})[0] == expected


@pytest.mark.parametrize("source, error_type, message", [
    ("exports.handler = async () => { throw new TypeError('bad') }", "TypeError", "bad"),
    ("exports.handler = (e, c, cb) => cb(new RangeError('far'))", "RangeError", "far"),
    ("exports.handler = (e, c, cb) => cb('text')", "string", "text"),
    ("exports.handler = (e) => { throw new Error('sync') }", "Error", "sync"),
    ("exports.handler = () => new Promise(() => setTimeout(() => { throw new Error('lost') }, 1))", "Error", "lost"),
    ("exports.other = 1", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
    ("exports.handler = ", "Runtime.UserCodeSyntaxError", "SyntaxError"),
    ("require('no-such-package')", "Runtime.ImportModuleError", "Cannot find module 'no-such-package'"),
    ("process.exit(3)", "Runtime.ExitError", "exit status 3"),
    ("exports.handler = () => process.exit(4)", "Runtime.ExitError", "exit status 4"),
    ("exports.handler = () => process.kill(process.pid, 'SIGKILL')", "Runtime.ExitError", "signal: killed"),
    ("exports.handler = async () => { const a = []; for (;;) a.push(Buffer.alloc(1 << 20, 1)) }", "Runtime.ExitError", "signal: killed"),
], ids=range(12))
def test_errors_of_node_handlers(deploy, call, source, error_type, message):
    deploy("nodejs20.x", "index.handler", {"index.js": source}, MemorySize=256)
    result, log, error = call({})
    assert error == "Unhandled"
    assert result["errorType"] == error_type, result
    assert message in result["errorMessage"]
    assert message in log


def test_a_process_is_kept_and_replaced_after_a_crash(deploy, call):
    deploy("nodejs20.x", "index.handler", {"index.js": "let n = 0; exports.handler = async (e) => { if (e.die) process.exit(1); return ++n }"})
    assert [call({})[0], call({})[0]] == [1, 2]
    assert "Init Duration" not in call({})[1]
    assert call({"die": 1})[2] == "Unhandled"
    assert call({})[0] == 1


def test_a_function_that_hangs_is_killed(deploy, call):
    deploy("nodejs20.x", "index.handler", {"index.js": "exports.handler = async (e) => { if (e.hang) for (;;); return 1 }"}, Timeout=1)
    result, log, error = call({"hang": 1})
    assert error == "Unhandled" and result["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert "Task timed out after 1.00 seconds" in log
    assert call({})[0] == 1


def test_console_lines(deploy, call):
    deploy("nodejs20.x", "index.handler", {"index.js": "exports.handler = async () => { console.log('a %d', 1); console.error('b\\nc'); }"})
    lines = call({})[1].splitlines()
    assert any(line.endswith("\tINFO\ta 1") for line in lines)
    assert any("\tERROR\tb" in line for line in lines)


def test_python(deploy, call, table, dynamodb, name):
    table(name, "id")
    deploy("python3.11", "app.lambda_handler", variables={"GREETING": "hello"}, files={"helper.py": "WORD = 'there'", "app.py": """
import json, logging, os
import boto3
import helper
logging.getLogger().setLevel(logging.INFO)
table = boto3.resource("dynamodb").Table(os.environ["AWS_LAMBDA_FUNCTION_NAME"])

def lambda_handler(event, context):
    print("printed")
    logging.info("logged")
    table.put_item(Item={"id": event["id"]})
    return {"text": os.environ["GREETING"] + " " + helper.WORD, "version": context.function_version, "left": context.get_remaining_time_in_millis() > 0}
"""})
    result, log, error = call({"id": "p"})
    assert error is None, log
    assert result == {"text": "hello there", "version": "$LATEST", "left": True}
    assert "printed\n" in log and "[INFO]\t" in log and "logged" in log
    assert dynamodb.scan(TableName=name)["Items"] == [{"id": {"S": "p"}}]


@pytest.mark.parametrize("source, error_type, message", [
    ("def h(e, c): raise ValueError('bad')", "ValueError", "bad"),
    ("def h(e, c): return {1, 2}", "Runtime.MarshalError", "Object of type set is not JSON serializable"),
    ("import nothing_like_it", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'nothing_like_it'"),
    ("def other(e, c): pass", "Runtime.HandlerNotFound", "Handler 'h' missing on module 'app'"),
    ("def h(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
    ("import os\ndef h(e, c): os.abort()", "Runtime.ExitError", "signal: aborted"),
], ids=range(6))
def test_errors_of_python_handlers(deploy, call, source, error_type, message):
    deploy("python3.12", "app.h", {"app.py": source})
    result, log, error = call({})
    assert error == "Unhandled"
    assert (result["errorType"], message in result["errorMessage"]) == (error_type, True), result
    assert message in log


BOOTSTRAP = """#!/usr/bin/python3
import http.client, os
api = os.environ["AWS_LAMBDA_RUNTIME_API"]
while True:
    connection = http.client.HTTPConnection(api)
    connection.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = connection.getresponse()
    body, request = answer.read(), answer.headers["Lambda-Runtime-Aws-Request-Id"]
    print("handler is", os.environ["_HANDLER"], flush=True)
    def post(what, data, headers={}):
        other = http.client.HTTPConnection(api)
        other.request("POST", f"/2018-06-01/runtime/invocation/{request}/{what}", data, headers)
        return other.getresponse().status
    if b"wrong" in body:
        assert post("response", b"x" * (6 * 1024 * 1024 + 1)) == 413
    elif b"stale" in body:
        request, kept = "no-such-request", request
        assert post("response", b"{}") == 400
        request = kept
        post("response", b'"refused"')
    elif b"chunks" in body:
        other = http.client.HTTPConnection(api)
        other.request("POST", f"/2018-06-01/runtime/invocation/{request}/response", iter([b'"in ', b'chunks"']), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
        assert other.getresponse().status == 202
    elif b"fail" in body:
        post("error", b'{"errorType": "Mine", "errorMessage": "asked to"}', {"Lambda-Runtime-Function-Error-Type": "Mine"})
    elif b"text" in body:
        post("response", b"Echoing request: \\xff '" + body + b"'")
    else:
        post("response", body)
"""


@pytest.mark.parametrize("runtime", ["provided", "provided.al2", "provided.al2023"])
def test_any_bootstrap(functions, deploy, call, name, runtime):
    deploy(runtime, "my.handler", {"bootstrap": BOOTSTRAP}, executable=["bootstrap"])
    result, log, error = call({"a": 1})
    assert (result, error) == ({"a": 1}, None), log
    assert "handler is my.handler" in log
    assert call("fail")[0] == {"errorType": "Mine", "errorMessage": "asked to"}
    assert call("chunks")[0] == "in chunks"
    assert call("stale")[0] == "refused"
    assert call("wrong")[0]["errorType"] == "Function.ResponseSizeTooLarge"
    assert call({"a": 2})[0] == {"a": 2}
    answer = functions.invoke(FunctionName=name, Payload=b'"text"')
    assert (answer["Payload"].read(), answer.get("FunctionError")) == (b"Echoing request: \xff '\"text\"'", None), "it need not be JSON, as in AWS's tutorial"


@pytest.mark.parametrize("files, executable", [({"bootstrap": BOOTSTRAP}, []), ({"other": "x"}, []), ({"bootstrap": "not a program"}, ["bootstrap"])])
def test_bootstraps_that_do_not_start(deploy, call, files, executable):
    deploy("provided.al2023", "h", files, executable)
    result, log, error = call({})
    assert error == "Unhandled"
    assert result["errorType"] == "Runtime.ExitError", result


CLIENT_CONTEXT = {"custom": {"k": "v\u00fc", "n": [1]}, "env": {"locale": "da"}, "client": {"installation_id": "i1", "app_title": "App"}}
CONTEXT_SAYERS = {
    "python3.11": ("app.h", {"app.py": "def h(e, c):\n    x = c.client_context\n    return x and [x.custom, x.env, x.client.installation_id, x.client.app_title, x.client.app_version_name]"}),
    "nodejs20.x": ("app.h", {"app.js": "exports.h = async (e, {clientContext: x}) => x === undefined ? null : [x.custom, x.env, x.client.installation_id, x.client.app_title, null]"}),
}


@pytest.mark.parametrize("runtime", CONTEXT_SAYERS)
def test_the_client_context_is_an_object(deploy, call, runtime):
    handler, files = CONTEXT_SAYERS[runtime]
    deploy(runtime, handler, files)
    encoded = base64.b64encode(json.dumps(CLIENT_CONTEXT, indent=2, ensure_ascii=False).encode()).decode()
    said, log, error = call({}, ClientContext=encoded)
    assert (said, error) == ([CLIENT_CONTEXT["custom"], {"locale": "da"}, "i1", "App", None], None), log
    assert call({})[0] is None


@pytest.mark.parametrize("wrong", ["x", base64.b64encode(b"{").decode(), base64.b64encode(b"[1]").decode(), base64.b64encode(b"\xff").decode()])
def test_a_client_context_that_is_none(functions, deploy, name, wrong):
    deploy(*("python3.11", *CONTEXT_SAYERS["python3.11"]))
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        functions.invoke(FunctionName=name, ClientContext=wrong)
    assert caught.value.response["Error"] == {"Code": "InvalidRequestContentException", "Message": "Client context must be a valid Base64-encoded JSON object."}


def test_new_code_and_configuration_take_effect(functions, deploy, call, name):
    deploy("nodejs20.x", "index.handler", {"index.js": "exports.handler = async () => 'old ' + process.env.AB"}, variables={"AB": "1"})
    assert call({})[0] == "old 1"
    before = functions.get_function_configuration(FunctionName=name)
    updated = functions.update_function_code(FunctionName=name, ZipFile=package({"index.js": "exports.handler = async () => 'new ' + process.env.AB"}))
    assert updated["CodeSha256"] != before["CodeSha256"] and updated["RevisionId"] != before["RevisionId"]
    assert call({})[0] == "new 1"
    changed = functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"AB": "2"}}, Timeout=7, MemorySize=256, Description="d")
    assert (changed["Timeout"], changed["MemorySize"], changed["Description"], changed["CodeSha256"]) == (7, 256, "d", updated["CodeSha256"])
    functions.get_waiter("function_updated").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    assert call({})[0] == "new 2"
    with pytest.raises(functions.exceptions.PreconditionFailedException):
        functions.update_function_configuration(FunctionName=name, RevisionId=before["RevisionId"])
    functions.update_function_code(FunctionName=name, DryRun=True, ZipFile=package({"index.js": "exports.handler = async () => 'dry'"}))
    assert call({})[0] == "new 2"


def test_updates_that_are_refused_change_nothing(functions, deploy, call, name):
    deploy("nodejs20.x", "index.handler", {"index.js": "exports.handler = async () => 'good'"})
    link = io.BytesIO()
    with zipfile.ZipFile(link, "w") as zipped:
        entry = zipfile.ZipInfo("index.js")
        entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(entry, "/etc/passwd")
    for code in (b"no zip", package({"../index.js": ""}), package({"/index.js": ""}), link.getvalue()):
        with pytest.raises(functions.exceptions.InvalidParameterValueException):
            functions.update_function_code(FunctionName=name, ZipFile=code)
    for change in ({"Runtime": "cobol"}, {"Environment": {"Variables": {"AWS_REGION": "x"}}}, {"Environment": {"Variables": {"A-B": "x"}}}):
        with pytest.raises(functions.exceptions.InvalidParameterValueException):
            functions.update_function_configuration(FunctionName=name, **change)
    assert call({})[0] == "good"


def test_a_folder_on_the_server(functions, call, name, tmp_path):
    (tmp_path / "index.js").write_text("exports.handler = async () => 'first'")
    functions.create_function(FunctionName=name, Runtime="nodejs20.x", Role=ROLE, Handler="index.handler", Timeout=20,
                              Code={"S3Bucket": "fogbank-local-path", "S3Key": str(tmp_path)})
    assert call({})[0] == "first"
    (tmp_path / "index.js").write_text("exports.handler = async () => 'second, and longer'")
    assert call({})[0] == "second, and longer"
    functions.delete_function(FunctionName=name)


def test_many_at_once_while_the_code_changes(functions, deploy, name):
    """No invocation is lost or fails when the code is replaced under it."""
    import concurrent.futures

    deploy("python3.11", "app.h", {"app.py": "def h(e, c): return 0"})

    def invoke(_):
        answer = functions.invoke(FunctionName=name, Payload=b"{}")
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = pool.map(invoke, range(60))
        for version in range(1, 4):
            functions.update_function_code(FunctionName=name, ZipFile=package({"app.py": f"def h(e, c): return {version}"}))
        assert {error for error, _ in answers} == {None}
    assert invoke(0) == (None, 3)


def test_a_function_runs_with_its_role(functions, deploy, call, table, make_client, name, dynamodb):
    """What the role may not do is refused, and a role that may do it can."""
    iam = make_client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]

    def allow(action):
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(document))

    table(name, "id")
    allow("dynamodb:GetItem")
    files = {"app.py": """
import os, boto3
def h(event, context):
    boto3.client("dynamodb").put_item(TableName=os.environ["AWS_LAMBDA_FUNCTION_NAME"], Item={"id": {"S": "x"}})
    return "written"
"""}
    deploy("python3.11", "app.h", files)
    functions.update_function_configuration(FunctionName=name, Role=role)
    result, log, error = call({})
    assert error == "Unhandled" and "AccessDeniedException" in result["errorMessage"], result
    assert "dynamodb:PutItem" in result["errorMessage"]
    assert dynamodb.scan(TableName=name)["Count"] == 0
    allow("dynamodb:PutItem")
    assert call({})[0] == "written"
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)
