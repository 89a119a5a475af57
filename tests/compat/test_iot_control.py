"""Things, certificates, policies, rules and the endpoint, as stock clients see them. Most tests would pass against AWS as well."""
import hashlib
import json
import re
import ssl
import subprocess

import botocore.exceptions
import pytest

ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})
RULE = {"sql": "SELECT * FROM 'compat/none'", "actions": [], "awsIotSqlVersion": "2016-03-23"}


def code_of(caught):
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def certificate(iot):
    return iot.create_keys_and_certificate(setAsActive=True)


@pytest.fixture
def policy(raw, name):
    return raw.ok("iot", "CreatePolicy", policyName=name, policyDocument=ALLOW_ALL)["policyName"]


# Things


def test_thing_life(raw, name, server):
    made = raw.ok("iot", "CreateThing", thingName=name, attributePayload={"attributes": {"plant": "north"}})
    assert made["thingArn"] == f"arn:aws:iot:{server.region}:{server.account_id}:thing/{name}"
    again = raw.ok("iot", "CreateThing", thingName=name, attributePayload={"attributes": {"plant": "north"}})
    assert again == made
    described = raw.ok("iot", "DescribeThing", thingName=name)
    assert described["attributes"] == {"plant": "north"}
    assert (described["version"], described["defaultClientId"], described["thingId"]) == (1, name, made["thingId"])
    assert name in [thing["thingName"] for thing in raw.ok("iot", "ListThings", maxResults=250)["things"]]
    raw.error("iot", "DeleteThing", "VersionConflictException", 409, thingName=name, expectedVersion=7)
    raw.ok("iot", "DeleteThing", thingName=name, expectedVersion=1)
    raw.error("iot", "DescribeThing", "ResourceNotFoundException", 404, thingName=name)
    raw.ok("iot", "DeleteThing", thingName=name)  # AWS answers 200 for a thing that is not there


def test_thing_with_another_configuration_exists(raw, name):
    made = raw.ok("iot", "CreateThing", thingName=name)
    body = raw.error("iot", "CreateThing", "ResourceAlreadyExistsException", 409, thingName=name, attributePayload={"attributes": {"a": "b"}})
    assert (body["resourceId"], body["resourceArn"]) == (made["thingId"], made["thingArn"])


def test_thing_name_with_a_colon(raw, name):
    assert raw.ok("iot", "CreateThing", thingName=name + ":1")["thingName"] == name + ":1"
    assert raw.ok("iot", "DescribeThing", thingName=name + ":1")["thingName"] == name + ":1"


@pytest.mark.parametrize("bad", ["a b", "a/b", "ä", "x" * 129, "a#"])
def test_thing_names_that_are_none(raw, bad):
    raw.error("iot", "CreateThing", "InvalidRequestException", 400, thingName=bad)


@pytest.mark.parametrize("body", ["{", "[]", "nul", '{"attributePayload":[]}', '{"attributePayload":{"attributes":{"a":1}}}', "\x00"])
def test_bodies_that_are_none(raw, name, body):
    answer = raw.send("iot", "POST", f"/things/{name}", body, {"Content-Type": "application/json"})
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


def test_list_things_pages(iot, name):
    names = [f"{name}-{index}" for index in range(5)]
    for one in names:
        iot.create_thing(thingName=one)
    paginator = iot.get_paginator("list_things")
    found = [thing["thingName"] for page in paginator.paginate(PaginationConfig={"PageSize": 2}) for thing in page["things"]]
    assert set(names) <= set(found)
    assert len(found) == len(set(found))


def test_list_things_by_attribute(raw, name):
    raw.ok("iot", "CreateThing", thingName=name, attributePayload={"attributes": {"tag": name}})
    assert [thing["thingName"] for thing in raw.ok("iot", "ListThings", attributeName="tag", attributeValue=name)["things"]] == [name]


def test_page_sizes_out_of_range(raw):
    for query in ("maxResults=0", "maxResults=251", "maxResults=abc"):
        answer = raw.send("iot", "GET", "/things?" + query)
        assert (answer.status, answer.error) == (400, "InvalidRequestException"), query


# Certificates


def test_certificate_is_what_it_says(raw, server):
    made = raw.ok("iot", "CreateKeysAndCertificate", setAsActive=True)
    der = ssl.PEM_cert_to_DER_cert(made["certificatePem"])
    assert made["certificateId"] == hashlib.sha256(der).hexdigest()
    assert made["certificateArn"] == f"arn:aws:iot:{server.region}:{server.account_id}:cert/{made['certificateId']}"
    assert made["keyPair"]["PrivateKey"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert made["keyPair"]["PublicKey"].startswith("-----BEGIN PUBLIC KEY-----")
    described = raw.ok("iot", "DescribeCertificate", certificateId=made["certificateId"])["certificateDescription"]
    assert described["status"] == "ACTIVE"
    assert described["certificatePem"] == made["certificatePem"]
    assert described["ownedBy"] == server.account_id
    assert described["validity"]["notBefore"] < described["validity"]["notAfter"]


def test_certificate_life(raw):
    certificate = raw.ok("iot", "CreateKeysAndCertificate")["certificateId"]
    status = lambda: raw.ok("iot", "DescribeCertificate", certificateId=certificate)["certificateDescription"]["status"]
    assert status() == "INACTIVE"
    for new in ("ACTIVE", "INACTIVE", "REVOKED", "ACTIVE"):
        raw.ok("iot", "UpdateCertificate", certificateId=certificate, newStatus=new)
        assert status() == new
    raw.error("iot", "DeleteCertificate", "CertificateStateException", 406, certificateId=certificate)
    raw.ok("iot", "UpdateCertificate", certificateId=certificate, newStatus="INACTIVE")
    raw.ok("iot", "DeleteCertificate", certificateId=certificate)
    raw.error("iot", "DescribeCertificate", "ResourceNotFoundException", 404, certificateId=certificate)


def test_certificate_statuses_that_cannot_be_set(raw, certificate):
    path = f"/certificates/{certificate['certificateId']}"
    for new in ("PENDING_TRANSFER", "NONSENSE", ""):
        assert raw.send("iot", "PUT", f"{path}?newStatus={new}").status in (400, 406), new
    assert raw.send("iot", "PUT", path).status == 400


def test_certificate_from_csr(raw, tmp_path):
    subprocess.run(["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key", "-out", tmp_path / "csr", "-subj", "/CN=gateway"],
                   check=True, capture_output=True)
    csr = (tmp_path / "csr").read_text()
    first = raw.ok("iot", "CreateCertificateFromCsr", certificateSigningRequest=csr, setAsActive=True)
    second = raw.ok("iot", "CreateCertificateFromCsr", certificateSigningRequest=csr)
    assert first["certificateId"] != second["certificateId"]
    raw.error("iot", "CreateCertificateFromCsr", "InvalidRequestException", 400, certificateSigningRequest="no csr")
    answer = raw.send("iot", "POST", "/certificates", "{}")
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


def test_unknown_certificate_ids(raw):
    raw.error("iot", "DescribeCertificate", "ResourceNotFoundException", 404, certificateId="ab" * 32)
    raw.error("iot", "DescribeCertificate", "InvalidRequestException", 400, certificateId="xyz")


def test_list_certificates_pages(raw, iot):
    made = {iot.create_keys_and_certificate()["certificateId"] for _ in range(3)}
    found, marker = [], {}
    while True:
        page = raw.ok("iot", "ListCertificates", pageSize=2, ascendingOrder=True, **marker)
        found += [one["certificateId"] for one in page["certificates"]]
        if "nextMarker" not in page:
            break
        marker = {"marker": page["nextMarker"]}
    assert made <= set(found)
    assert len(found) == len(set(found))


# Policies


def test_policy_life(raw, name, server):
    made = raw.ok("iot", "CreatePolicy", policyName=name, policyDocument=ALLOW_ALL)
    assert made["policyArn"] == f"arn:aws:iot:{server.region}:{server.account_id}:policy/{name}"
    assert (made["policyVersionId"], made["policyDocument"]) == ("1", ALLOW_ALL)
    body = raw.error("iot", "CreatePolicy", "ResourceAlreadyExistsException", 409, policyName=name, policyDocument=ALLOW_ALL)
    assert body["resourceArn"] == made["policyArn"]
    assert raw.ok("iot", "GetPolicy", policyName=name)["defaultVersionId"] == "1"
    second = raw.ok("iot", "CreatePolicyVersion", policyName=name, policyDocument=ALLOW_ALL)
    assert (second["policyVersionId"], second["isDefaultVersion"]) == ("2", False)
    raw.ok("iot", "SetDefaultPolicyVersion", policyName=name, policyVersionId="2")
    assert raw.ok("iot", "GetPolicyVersion", policyName=name, policyVersionId="2")["isDefaultVersion"] is True
    versions = raw.ok("iot", "ListPolicyVersions", policyName=name)["policyVersions"]
    assert {one["versionId"]: one["isDefaultVersion"] for one in versions} == {"1": False, "2": True}
    raw.error("iot", "DeletePolicy", "DeleteConflictException", 409, policyName=name)
    assert raw.call("iot", "DeletePolicyVersion", policyName=name, policyVersionId="2").status in (400, 409)
    raw.ok("iot", "DeletePolicyVersion", policyName=name, policyVersionId="1")
    raw.ok("iot", "DeletePolicy", policyName=name)
    raw.error("iot", "GetPolicy", "ResourceNotFoundException", 404, policyName=name)


def test_sixth_version_is_refused(raw, policy):
    for _ in range(4):
        raw.ok("iot", "CreatePolicyVersion", policyName=policy, policyDocument=ALLOW_ALL)
    raw.error("iot", "CreatePolicyVersion", "VersionsLimitExceededException", 409, policyName=policy, policyDocument=ALLOW_ALL)


@pytest.mark.parametrize("document", ["", "{", "[]", '{"Version":"2012-10-17"}', '{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Action":"iot:*","Resource":"*"}]}',
                                      json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Publish", "Resource": "x" * 2100}]})])
def test_documents_that_are_none(raw, name, document):
    raw.error("iot", "CreatePolicy", "MalformedPolicyException", 400, policyName=name, policyDocument=document)


def test_missing_document(raw, name):
    answer = raw.send("iot", "POST", f"/policies/{name}", "{}")
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


def test_attachments(raw, certificate, policy, name):
    arn = certificate["certificateArn"]
    raw.ok("iot", "AttachPolicy", policyName=policy, target=arn)
    raw.ok("iot", "AttachPolicy", policyName=policy, target=arn)
    assert [one["policyName"] for one in raw.ok("iot", "ListAttachedPolicies", target=arn)["policies"]] == [policy]
    assert [one["policyName"] for one in raw.ok("iot", "ListPrincipalPolicies", principal=arn)["policies"]] == [policy]
    assert raw.ok("iot", "ListTargetsForPolicy", policyName=policy)["targets"] == [arn]
    raw.error("iot", "DeletePolicy", "DeleteConflictException", 409, policyName=policy)
    raw.ok("iot", "DetachPolicy", policyName=policy, target=arn)
    raw.ok("iot", "AttachPrincipalPolicy", policyName=policy, principal=arn)
    assert raw.ok("iot", "ListPolicyPrincipals", policyName=policy)["principals"] == [arn]
    raw.ok("iot", "DetachPrincipalPolicy", policyName=policy, principal=arn)
    assert raw.ok("iot", "ListAttachedPolicies", target=arn)["policies"] == []
    raw.error("iot", "AttachPolicy", "ResourceNotFoundException", 404, policyName="no-" + name, target=arn)
    raw.error("iot", "AttachPolicy", "ResourceNotFoundException", 404, policyName=policy, target=arn[:-64] + "ab" * 32)


def test_thing_principals(raw, certificate, name):
    arn = certificate["certificateArn"]
    raw.ok("iot", "CreateThing", thingName=name)
    raw.ok("iot", "AttachThingPrincipal", thingName=name, principal=arn)
    raw.ok("iot", "AttachThingPrincipal", thingName=name, principal=arn)
    assert raw.ok("iot", "ListThingPrincipals", thingName=name)["principals"] == [arn]
    assert raw.ok("iot", "ListPrincipalThings", principal=arn)["things"] == [name]
    raw.error("iot", "DeleteThing", "InvalidRequestException", 400, thingName=name)
    raw.ok("iot", "UpdateCertificate", certificateId=certificate["certificateId"], newStatus="INACTIVE")
    raw.error("iot", "DeleteCertificate", "DeleteConflictException", 409, certificateId=certificate["certificateId"])
    raw.ok("iot", "DetachThingPrincipal", thingName=name, principal=arn)
    assert raw.ok("iot", "ListThingPrincipals", thingName=name)["principals"] == []
    raw.ok("iot", "DeleteCertificate", certificateId=certificate["certificateId"])
    raw.ok("iot", "DeleteThing", thingName=name)
    raw.error("iot", "AttachThingPrincipal", "ResourceNotFoundException", 404, thingName=name, principal=arn)
    raw.error("iot", "ListThingPrincipals", "ResourceNotFoundException", 404, thingName=name)
    assert raw.send("iot", "PUT", f"/things/{name}/principals").status == 400


def test_delete_certificate_by_force(raw, certificate, policy):
    identifier, arn = certificate["certificateId"], certificate["certificateArn"]
    raw.ok("iot", "AttachPolicy", policyName=policy, target=arn)
    raw.ok("iot", "UpdateCertificate", certificateId=identifier, newStatus="INACTIVE")
    raw.error("iot", "DeleteCertificate", "DeleteConflictException", 409, certificateId=identifier)
    raw.ok("iot", "DeleteCertificate", certificateId=identifier, forceDelete=True)
    assert raw.ok("iot", "ListTargetsForPolicy", policyName=policy)["targets"] == []


# Endpoint


@pytest.mark.parametrize("kind", [None, "iot:Data", "iot:Data-ATS", "iot:CredentialProvider", "iot:Jobs"])
def test_endpoint_is_a_bare_name(raw, kind, server):
    address = raw.ok("iot", "DescribeEndpoint", **({"endpointType": kind} if kind else {}))["endpointAddress"]
    assert address == server.endpoint_name
    assert re.fullmatch(r"[A-Za-z0-9.-]+", address)


def test_unknown_endpoint_type(raw):
    assert raw.error("iot", "DescribeEndpoint", "InvalidRequestException", 400, endpointType="iot:None")["message"] == "Endpoint type iot:None not recognized."


# Rules


def test_rule_life(raw, name, server):
    raw.ok("iot", "CreateTopicRule", ruleName=name, topicRulePayload=dict(RULE, description="d"))
    raw.error("iot", "CreateTopicRule", "ResourceAlreadyExistsException", 409, ruleName=name, topicRulePayload=RULE)
    got = raw.ok("iot", "GetTopicRule", ruleName=name)
    assert got["ruleArn"] == f"arn:aws:iot:{server.region}:{server.account_id}:rule/{name}"
    assert (got["rule"]["sql"], got["rule"]["description"], got["rule"]["ruleDisabled"]) == (RULE["sql"], "d", False)
    raw.ok("iot", "DisableTopicRule", ruleName=name)
    assert raw.ok("iot", "GetTopicRule", ruleName=name)["rule"]["ruleDisabled"] is True
    raw.ok("iot", "EnableTopicRule", ruleName=name)
    raw.ok("iot", "ReplaceTopicRule", ruleName=name, topicRulePayload=dict(RULE, sql="SELECT a FROM 'compat/other'"))
    replaced = raw.ok("iot", "GetTopicRule", ruleName=name)["rule"]
    assert replaced["sql"] == "SELECT a FROM 'compat/other'"
    assert "description" not in replaced
    listed = {one["ruleName"]: one for one in raw.ok("iot", "ListTopicRules", maxResults=10000)["rules"]}
    assert listed[name]["topicPattern"] == "compat/other"
    raw.ok("iot", "DeleteTopicRule", ruleName=name)
    raw.error("iot", "GetTopicRule", "UnauthorizedException", 401, ruleName=name)


@pytest.mark.parametrize("sql", ["SELEKT * FROM 'a'", "SELECT * FROM", "SELECT nosuchfunction(1) FROM 'a'", "SELECT * FROM 'a' WHERE"])
def test_sql_that_is_none(raw, name, sql):
    raw.error("iot", "CreateTopicRule", "SqlParseException", 400, ruleName=name, topicRulePayload=dict(RULE, sql=sql))


def test_actions_that_this_server_does_not_have(raw, name):
    action = {"timestream": {"roleArn": "arn:aws:iam::000000000000:role/r", "databaseName": "d", "tableName": "t", "dimensions": [{"name": "a", "value": "b"}]}}
    raw.error("iot", "CreateTopicRule", "InvalidRequestException", 400, ruleName=name, topicRulePayload=dict(RULE, actions=[action]))
    raw.error("iot", "GetTopicRule", "UnauthorizedException", 401, ruleName=name)


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"sql": 1, "actions": []}', '{"sql": "SELECT * FROM \'a\'", "actions": {}}'])
def test_rule_payloads_that_are_none(raw, name, body):
    answer = raw.send("iot", "POST", f"/rules/{name}", body, {"Content-Type": "application/json"})
    assert answer.status == 400
    assert answer.error in ("InvalidRequestException", "SqlParseException")


def test_rule_names_that_are_none(raw):
    raw.error("iot", "CreateTopicRule", "InvalidRequestException", 400, ruleName="with-dash", topicRulePayload=RULE)


# The same path with the AWS CLI, as issue 2 names it.


def test_cli_provisions_a_device(aws, name, server, tmp_path):
    assert aws("iot", "create-thing", "--thing-name", name).json["thingName"] == name
    made = aws("iot", "create-keys-and-certificate", "--set-as-active", "--certificate-pem-outfile", tmp_path / "cert.pem", "--private-key-outfile",
               tmp_path / "key.pem").json
    assert (tmp_path / "cert.pem").read_text() == made["certificatePem"]
    assert aws("iot", "create-policy", "--policy-name", name, "--policy-document", ALLOW_ALL).json["policyVersionId"] == "1"
    for arguments in (["attach-policy", "--policy-name", name, "--target", made["certificateArn"]],
                      ["attach-thing-principal", "--thing-name", name, "--principal", made["certificateArn"]]):
        done = aws("iot", *arguments)
        assert (done.code, done.out) == (0, ""), done.err
    assert aws("iot", "describe-endpoint", "--endpoint-type", "iot:Data-ATS").json["endpointAddress"] == server.endpoint_name
    done = aws("iot", "create-topic-rule", "--rule-name", name, "--topic-rule-payload", json.dumps(RULE))
    assert (done.code, done.out) == (0, ""), done.err
    assert aws("iot", "list-attached-policies", "--target", made["certificateArn"]).json["policies"][0]["policyName"] == name
    assert aws("iot", "list-thing-principals", "--thing-name", name).json["principals"] == [made["certificateArn"]]
    assert aws("iot", "get-topic-rule", "--rule-name", name, tls=True).json["rule"]["sql"] == RULE["sql"]


def test_cli_shows_the_error(aws, name):
    done = aws("iot", "describe-thing", "--thing-name", name)
    assert done.code == 254
    assert "(ResourceNotFoundException)" in done.err


def test_typed_exceptions_in_boto3(iot, name):
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_thing(thingName=name)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        iot.create_policy(policyName=name, policyDocument="{")
    assert code_of(caught) == ("MalformedPolicyException", 400)
