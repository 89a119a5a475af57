"""Checks raw answers against the service models that ship with botocore: what boto3's own parser would quietly ignore (an extra member, a string where a
number is modelled, milliseconds where seconds are) is an error here.
"""
import base64
import datetime
import json
import os
import urllib.parse

import botocore
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.loaders
import botocore.model
import botocore.serialize
import urllib3

# Members that newer models have and the installed one does not.
NEWER = {"TableDescription": {"DeletionProtectionEnabled", "OnDemandThroughput", "WarmThroughput"},
         "PointInTimeRecoveryDescription": {"RecoveryPeriodInDays"}}

# Where AWS's documentation marks a member of an answer as always present but the model has no `required`.
ALWAYS = {
    "CreateThing": {"thingName", "thingArn", "thingId"},
    "DescribeThing": {"defaultClientId", "thingName", "thingId", "thingArn", "attributes", "version"},
    "ListThings": {"things"},
    "CreateKeysAndCertificate": {"certificateArn", "certificateId", "certificatePem", "keyPair"},
    "CreateCertificateFromCsr": {"certificateArn", "certificateId", "certificatePem"},
    "DescribeCertificate": {"certificateDescription"},
    "ListCertificates": {"certificates"},
    "CreatePolicy": {"policyName", "policyArn", "policyDocument", "policyVersionId"},
    "GetPolicy": {"policyName", "policyArn", "policyDocument", "defaultVersionId", "creationDate", "lastModifiedDate"},
    "ListPolicies": {"policies"},
    "CreatePolicyVersion": {"policyArn", "policyDocument", "policyVersionId", "isDefaultVersion"},
    "lambda.GetPolicy": {"Policy", "RevisionId"},  # another service's operation of the same name
    "GetPolicyVersion": {"policyArn", "policyName", "policyDocument", "policyVersionId", "isDefaultVersion", "creationDate", "lastModifiedDate"},
    "ListPolicyVersions": {"policyVersions"},
    "ListAttachedPolicies": {"policies"},
    "ListTargetsForPolicy": {"targets"},
    "ListThingPrincipals": {"principals"},
    "ListPrincipalThings": {"things"},
    "DescribeEndpoint": {"endpointAddress"},
    "GetTopicRule": {"ruleArn", "rule"},
    "ListTopicRules": {"rules"},
    "CreateTable": {"TableDescription"},
    "DescribeTable": {"Table"},
    "DeleteTable": {"TableDescription"},
    "ListTables": {"TableNames"},
    "Query": {"Items", "Count", "ScannedCount"},
    "Scan": {"Items", "Count", "ScannedCount"},
    "ListFunctions": {"Functions"},
    "GetFunction": {"Configuration", "Code"},
    "GetFunctionConfiguration": {"FunctionName", "FunctionArn", "Runtime", "Role", "Handler", "CodeSize", "Timeout", "MemorySize", "LastModified", "CodeSha256",
                                 "Version", "State", "LastUpdateStatus"},
}

# Seconds since 1970 of the years 2000 and 2200: what is outside is milliseconds or a mistake.
EARLIEST, LATEST = 946_684_800, 7_258_118_400


class ModelError(AssertionError):
    pass


def fail(path, what):
    raise ModelError(f"{path}: {what}")


def check_value(shape, value, path):
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            fail(path, f"expected an object, got {value!r}")
        check_members(shape, value, path, set(shape.members))
    elif kind == "list":
        if not isinstance(value, list):
            fail(path, f"expected a list, got {value!r}")
        for index, item in enumerate(value):
            check_value(shape.member, item, f"{path}[{index}]")
    elif kind == "map":
        if not isinstance(value, dict):
            fail(path, f"expected a map, got {value!r}")
        for key, item in value.items():
            check_value(shape.value, item, f"{path}.{key}")
    elif kind == "string":
        if not isinstance(value, str):
            fail(path, f"expected a string, got {value!r}")
        # Fogbank's runtime for C++ handlers is its own.
        if shape.enum and value not in shape.enum and value != "fogbank-cpp":
            fail(path, f"{value!r} is not one of {shape.enum}")
    elif kind in ("integer", "long"):
        if not isinstance(value, int) or isinstance(value, bool):
            fail(path, f"expected a whole number, got {value!r}")
    elif kind in ("float", "double"):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            fail(path, f"expected a number, got {value!r}")
    elif kind == "boolean":
        if not isinstance(value, bool):
            fail(path, f"expected a boolean, got {value!r}")
    elif kind == "timestamp":
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not EARLIEST < value < LATEST:
            fail(path, f"expected seconds since 1970, got {value!r}")
    elif kind == "blob":
        base64.b64decode(value, validate=True)
    else:
        fail(path, f"unknown kind {kind}")


def check_members(shape, value, path, names):
    wire = {shape.members[name].serialization.get("name", name): name for name in names}
    for key, item in value.items():
        if key in NEWER.get(shape.name, ()):
            continue
        if key not in wire:
            fail(path, f"member {key!r} is not in the model of {shape.name}")
        if item is None:
            fail(path, f"member {key!r} is null; AWS leaves absent members out")
        check_value(shape.members[wire[key]], item, f"{path}.{key}")
    for name in shape.required_members:
        if name in names and shape.members[name].serialization.get("name", name) not in value:
            fail(path, f"required member {name!r} of {shape.name} is missing")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.data

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The exception's name as every SDK finds it."""
        header = self.headers.get("x-amzn-errortype")
        return header.split(":")[0] if header else self.json["__type"].split("#")[-1]


class Raw:
    """Builds requests from the model as an SDK would, signs them with botocore's signer, and gives back the answer as bytes."""

    SIGNING_NAME = {"iot": "execute-api", "iot-data": "iotdata", "dynamodb": "dynamodb", "lambda": "lambda", "logs": "logs"}

    def __init__(self, server):
        self.server = server
        self.pool = urllib3.PoolManager(retries=False, timeout=30)
        loader = botocore.loaders.Loader()
        self.models = {name: botocore.model.ServiceModel(loader.load_service_model(name, "service-2"), name) for name in self.SIGNING_NAME}

    def send(self, service, method, path, body=b"", headers=None, key=None, secret=None, sign=True, at=None, after_signing=None, url=None):
        """A request by hand. `path` is the request target as it goes over the wire; `at` shifts the client's clock by so many seconds;
        `after_signing(request)` changes the signed request."""
        body = body.encode() if isinstance(body, str) else body
        request = botocore.awsrequest.AWSRequest(method, (url or self.server.api_url) + path, headers=dict(headers or {}), data=body)
        if sign:
            credentials = botocore.credentials.Credentials(key or self.server.access_key_id, secret or self.server.secret_access_key)
            signer = botocore.auth.SigV4Auth(credentials, self.SIGNING_NAME.get(service, service), self.server.region)
            if at is None:
                signer.add_auth(request)
            else:
                self._sign_at(signer, request, at)
        if after_signing:
            after_signing(request)
        return Answer(self.pool.request(request.method, request.url, body=request.data, headers=dict(request.headers), redirect=False))

    @staticmethod
    def _sign_at(signer, request, shift_s):
        real = botocore.auth.datetime.datetime

        class Shifted(real):
            @classmethod
            def utcnow(cls):
                return real.utcnow() + datetime.timedelta(seconds=shift_s)

        try:
            botocore.auth.datetime.datetime = Shifted
            signer.add_auth(request)
        finally:
            botocore.auth.datetime.datetime = real

    def call(self, service, operation, **parameters):
        """The request that the model makes of `parameters`; returns the answer unchecked."""
        model = self.models[service].operation_model(operation)
        made = botocore.serialize.create_serializer(self.models[service].metadata["protocol"], False).serialize_to_request(parameters, model)
        target = made["url_path"]
        if made["query_string"]:
            pairs = [(key, "true" if value is True else "false" if value is False else value) for key, value in made["query_string"].items()]
            target += ("&" if "?" in target else "?") + urllib.parse.urlencode(pairs, doseq=True, quote_via=urllib.parse.quote)
        return self.send(service, made["method"], target, made["body"] or b"", made["headers"])

    def ok(self, service, operation, **parameters):
        """`call`, with status and body checked against the model; returns the parsed body (None if there is none)."""
        answer = self.call(service, operation, **parameters)
        model = self.models[service].operation_model(operation)
        expected = model.http.get("responseCode", 200)
        assert answer.status == expected, f"{operation}: status {answer.status} instead of {expected}: {answer.body[:500]!r}"
        assert answer.headers.get("x-amzn-requestid"), f"{operation}: no request id"
        assert answer.headers.get("date"), f"{operation}: no date"
        output = model.output_shape
        always = ALWAYS.get(f"{service}.{operation}", ALWAYS.get(operation, set()))
        body_members = {name for name, shape in output.members.items() if not shape.serialization.get("location")} if output is not None else set()
        if not answer.body:
            assert not always, f"{operation}: no body"
            return None
        body = answer.json
        if not body_members:
            assert body == {}, f"{operation} has no answer members, got {body}"
            return body
        check_members(output, body, operation, body_members)
        missing = always - set(body)
        assert not missing, f"{operation}: {missing} missing in {sorted(body)}"
        return body

    def error(self, service, operation, name, status, **parameters):
        """`call`, expected to be refused with exception `name` and `status`; returns the body."""
        answer = self.call(service, operation, **parameters)
        assert (answer.status, answer.error) == (status, name), f"{operation}: {answer.status} {answer.body[:500]!r}"
        body = answer.json
        assert body.get("message") or body.get("Message"), f"{operation}: no message in {body}"
        return body
