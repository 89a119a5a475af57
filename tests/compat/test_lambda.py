"""Functions: deployed from a zip and from Fogbank's local path, invoked in every way. The handler is compiled here against the public header."""
import base64
import io
import json
import pathlib
import re
import subprocess
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLE = "arn:aws:iam::000000000000:role/r"
SOURCE = r"""
#include <fogbank/lambda.h>
#include <stdexcept>
#include <string>

static fogbank::lambda::Json handle(const std::string& event, fogbank::lambda::Context& context) {
    context.log("event of " + std::to_string(event.size()) + " bytes");
    if (event.find("throw") != std::string::npos) throw std::runtime_error("asked to throw");
    return "{\"got\":" + event + "}";
}
FOGBANK_LAMBDA_HANDLER(handle);
"""


@pytest.fixture(scope="session")
def shared_object(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handler")
    (folder / "echo.cpp").write_text(SOURCE)
    subprocess.run(["c++", "-std=c++17", "-shared", "-fPIC", f"-I{ROOT}/lambda/include", "-o", folder / "echo.so", folder / "echo.cpp"], check=True)
    return folder / "echo.so"


@pytest.fixture(scope="session")
def archive(shared_object):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.write(shared_object, "echo.so")
    return out.getvalue()


@pytest.fixture
def function(raw, name, shared_object):
    raw.ok("lambda", "CreateFunction", FunctionName=name, Runtime="fogbank-cpp", Role=ROLE, Handler="echo.so",
           Code={"S3Bucket": "fogbank-local-path", "S3Key": str(shared_object)})
    return name


def test_function_life(raw, name, archive, server):
    made = raw.ok("lambda", "CreateFunction", FunctionName=name, Runtime="fogbank-cpp", Role=ROLE, Handler="echo.so", Description="d", Timeout=5, MemorySize=256,
                  Environment={"Variables": {"AB": "1"}}, Code={"ZipFile": archive})
    assert made["FunctionArn"] == f"arn:aws:lambda:{server.region}:{server.account_id}:function:{name}"
    assert (made["State"], made["LastUpdateStatus"], made["Version"]) == ("Active", "Successful", "$LATEST")
    assert (made["Timeout"], made["MemorySize"], made["Environment"]) == (5, 256, {"Variables": {"AB": "1"}})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made["LastModified"])
    assert len(base64.b64decode(made["CodeSha256"])) == 32
    raw.error("lambda", "CreateFunction", "ResourceConflictException", 409, FunctionName=name, Runtime="fogbank-cpp", Role=ROLE, Handler="echo.so",
              Code={"ZipFile": archive})
    assert raw.ok("lambda", "GetFunction", FunctionName=name)["Configuration"] == made
    assert raw.ok("lambda", "GetFunctionConfiguration", FunctionName=made["FunctionArn"]) == made
    assert name in [one["FunctionName"] for one in raw.ok("lambda", "ListFunctions", MaxItems=10000)["Functions"]]
    raw.ok("lambda", "DeleteFunction", FunctionName=name)
    raw.error("lambda", "GetFunction", "ResourceNotFoundException", 404, FunctionName=name)
    raw.error("lambda", "DeleteFunction", "ResourceNotFoundException", 404, FunctionName=name)


def test_list_functions_with_and_without_slash(raw, function):
    for path in ("/2015-03-31/functions/", "/2015-03-31/functions"):
        assert function in [one["FunctionName"] for one in raw.send("lambda", "GET", path + "?MaxItems=10000").json["Functions"]]


def test_invoke(functions, function):
    answer = functions.invoke(FunctionName=function, Payload=b'{"a": 1}', LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"got": {"a": 1}}
    assert "event of" in base64.b64decode(answer["LogResult"]).decode()
    assert "LogResult" not in functions.invoke(FunctionName=function, Payload=b"{}")


def test_a_failing_handler_is_a_200(functions, function):
    answer = functions.invoke(FunctionName=function, Payload=b'"throw"')
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert "asked to throw" in json.loads(answer["Payload"].read())["errorMessage"]


def test_invoke_without_waiting(functions, function):
    assert functions.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")["StatusCode"] == 202
    assert functions.invoke(FunctionName=function, InvocationType="DryRun")["StatusCode"] == 204


def test_invoke_without_payload(functions, function):
    assert json.loads(functions.invoke(FunctionName=function)["Payload"].read()) == {"got": {}}


def test_invoke_by_arn(functions, function, server):
    for form in (f"arn:aws:lambda:{server.region}:{server.account_id}:function:{function}", f"{server.account_id}:function:{function}", function + ":$LATEST"):
        assert functions.invoke(FunctionName=form)["StatusCode"] == 200


@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
def test_function_that_is_not_there(raw, name, kind):
    raw.error("lambda", "Invoke", "ResourceNotFoundException", 404, FunctionName=name, InvocationType=kind, Payload=b"{}")


def test_event_that_is_no_json(raw, function):
    raw.error("lambda", "Invoke", "InvalidRequestContentException", 400, FunctionName=function, Payload=b"{")


def test_event_that_is_too_large(raw, function):
    raw.error("lambda", "Invoke", "RequestTooLargeException", 413, FunctionName=function, Payload=b'"' + b"x" * (6 * 1024 * 1024 + 1024) + b'"')


def test_parameters_that_are_none(raw, function):
    raw.error("lambda", "Invoke", "InvalidParameterValueException", 400, FunctionName=function, InvocationType="Sometimes")
    raw.error("lambda", "Invoke", "InvalidParameterValueException", 400, FunctionName=function, LogType="Sometimes")
    raw.error("lambda", "Invoke", "ResourceNotFoundException", 404, FunctionName=function, Qualifier="7")


@pytest.mark.parametrize("change", [
    {"Code": {}}, {"Code": {"ZipFile": b"no zip"}}, {"Code": {"S3Bucket": "bucket", "S3Key": "key"}}, {"Code": {"S3Bucket": "fogbank-local-path", "S3Key": "relative.so"}},
    {"Code": {"S3Bucket": "fogbank-local-path", "S3Key": "/nonexistent/handler.so"}}, {"Code": {"S3Bucket": "fogbank-local-path", "S3Key": "/etc/hostname"}},
    {"Timeout": 0}, {"Timeout": 901}, {"MemorySize": 127}, {"Runtime": "cobol"}, {"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]},
    {"Tags": {"aws:a": "b"}}, {"Environment": {"Variables": {"AWS_REGION": "x"}}}, {"FunctionName": "a b"},
], ids=str)
def test_functions_that_are_refused(raw, name, shared_object, change):
    request = {"FunctionName": name, "Runtime": "fogbank-cpp", "Role": ROLE, "Handler": "echo.so",
               "Code": {"S3Bucket": "fogbank-local-path", "S3Key": str(shared_object)}, **change}
    raw.error("lambda", "CreateFunction", "InvalidParameterValueException", 400, **request)
    if "FunctionName" not in change:
        raw.error("lambda", "GetFunction", "ResourceNotFoundException", 404, FunctionName=name)


@pytest.mark.parametrize("body", ["{", "[]", '{"FunctionName": 1, "Role": "r", "Code": {}}', '{"FunctionName": "f"}', '{"FunctionName": "f", "Role": "r"}', ""])
def test_bodies_that_are_none(raw, body):
    answer = raw.send("lambda", "POST", "/2015-03-31/functions", body)
    assert answer.status == 400
    assert answer.error in ("InvalidRequestContentException", "InvalidParameterValueException")


def test_waiter(functions, function):
    functions.get_waiter("function_active").wait(FunctionName=function, WaiterConfig={"Delay": 1, "MaxAttempts": 3})


def test_typed_exceptions_in_boto3(functions, name):
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function(FunctionName=name)


def test_cli(aws, name, archive, tmp_path):
    (tmp_path / "echo.zip").write_bytes(archive)
    made = aws("lambda", "create-function", "--function-name", name, "--runtime", "fogbank-cpp", "--role", ROLE, "--handler", "echo.so", "--zip-file",
               f"fileb://{tmp_path}/echo.zip")
    assert made.json["State"] == "Active", made.err
    done = aws("lambda", "invoke", "--function-name", name, "--cli-binary-format", "raw-in-base64-out", "--payload", '{"a":1}', tmp_path / "out.json")
    assert done.json["StatusCode"] == 200, done.err
    assert json.loads((tmp_path / "out.json").read_text()) == {"got": {"a": 1}}
    assert aws("lambda", "delete-function", "--function-name", name).code == 0


WRITER = """
#include <fogbank/lambda.h>
using namespace fogbank::lambda;
static Json handle(const std::string& event, Context& context) {
    const JsonView call(event);
    const std::string shadow = call.find("shadow") ? call.at("shadow").string() : "";
    if (call.find("topic")) {
        context.publish(call.at("topic").string(), "{}", 0);
    } else if (call.find("update")) {
        return context.update_shadow(call.at("thing").string(), call.at("update").raw(), shadow);
    } else if (call.find("thing")) {
        return context.get_shadow(call.at("thing").string(), shadow);
    } else {
        context.put_item(call.at("table").string(), call.at("item").raw());
    }
    return "true";
}
FOGBANK_LAMBDA_HANDLER(handle);
"""


@pytest.fixture
def under_role(functions, make_client, name, tmp_path):
    """A C++ handler that asks the server for what its event says, under a role of its own: (call, allow)."""
    iam = make_client("iam", region="us-east-1")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    (tmp_path / "writer.cpp").write_text(WRITER)
    subprocess.run(["c++", "-std=c++17", "-shared", "-fPIC", f"-I{ROOT}/lambda/include", "-o", tmp_path / "writer.so", tmp_path / "writer.cpp"], check=True)
    functions.create_function(FunctionName=name, Runtime="fogbank-cpp", Role=role, Handler="writer.so",
                              Code={"S3Bucket": "fogbank-local-path", "S3Key": str(tmp_path / "writer.so")})

    def call(event):
        return json.loads(functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())["Payload"].read())

    def allow(*statements):
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(document))

    yield call, allow
    functions.delete_function(FunctionName=name)
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)


def test_the_role_decides_which_shadows_a_cpp_handler_reaches(under_role, iot_data, server, name):
    call, allow = under_role
    update = {"thing": name, "update": {"state": {"desired": {"on": True}}}}
    for event, action in ((update, "iot:UpdateThingShadow"), ({"thing": name}, "iot:GetThingShadow")):
        refused = call(event)["errorMessage"]
        assert refused.startswith("ForbiddenException: ") and f"assumed-role/{name}/{name} is not authorized to perform: {action}" in refused
        assert f"arn:aws:iot:{server.region}:{server.account_id}:thing/{name}" in refused
    with pytest.raises(iot_data.exceptions.ResourceNotFoundException):
        iot_data.get_thing_shadow(thingName=name)
    mine = f"arn:aws:iot:{server.region}:{server.account_id}:thing/{name}"
    allow({"Action": "iot:UpdateThingShadow", "Resource": mine})
    accepted = call(update)
    assert (accepted["state"], accepted["version"]) == ({"desired": {"on": True}}, 1)
    assert call({**update, "shadow": "config"})["version"] == 1
    assert call({"thing": name})["errorMessage"].startswith("ForbiddenException: "), "the one action does not bring the other"
    assert call({**update, "thing": name + "x"})["errorMessage"].startswith("ForbiddenException: "), "nor the other thing"
    allow({"Action": ["iot:GetThingShadow", "iot:UpdateThingShadow"], "Resource": mine})
    assert call({"thing": name})["state"] == {"desired": {"on": True}, "delta": {"on": True}}
    conflict = call({**update, "update": {"version": 7, "state": {}}})["errorMessage"]
    assert "ConflictException" in conflict, conflict
    assert "ResourceNotFoundException" in call({"thing": name, "shadow": "none"})["errorMessage"]
    assert json.loads(iot_data.get_thing_shadow(thingName=name, shadowName="config")["payload"].read())["state"]["desired"] == {"on": True}


def test_the_role_decides_what_a_cpp_handler_may_do(under_role, dynamodb, server, name):
    call, allow_statement = under_role
    dynamodb.create_table(TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])

    def allow(action, **more):
        allow_statement({"Action": action, "Resource": f"arn:aws:dynamodb:{server.region}:{server.account_id}:table/{name}", **more})

    write = {"table": name, "item": {"id": "mine", "v": 1}}
    refused = call(write)["errorMessage"]
    assert refused.startswith("AccessDeniedException: ") and f"assumed-role/{name}/{name} is not authorized to perform: dynamodb:PutItem" in refused
    assert call({"topic": "a"})["errorMessage"].startswith("ForbiddenException: ")
    allow("dynamodb:PutItem", Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}})
    assert call(write) is True
    assert call({**write, "item": {"id": "yours"}})["errorMessage"].startswith("AccessDeniedException: ")
    assert [item["id"]["S"] for item in dynamodb.scan(TableName=name)["Items"]] == ["mine"]
    allow("dynamodb:GetItem")
    assert call(write)["errorMessage"].startswith("AccessDeniedException: "), "a change holds for the next invocation"
    dynamodb.delete_table(TableName=name)
