"""IAM and STS through boto3 and the AWS CLI: what restricts an application to some things or tables, and temporary credentials."""
import json

import boto3
import botocore.config
import botocore.exceptions
import pytest

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}


@pytest.fixture(scope="session")
def iam(make_client):
    return make_client("iam", region="us-east-1")


@pytest.fixture(scope="session")
def sts(make_client):
    return make_client("sts")


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return dict({"Effect": "Allow", "Action": action, "Resource": resource}, **more)


def deny(action, resource="*"):
    return {"Effect": "Deny", "Action": action, "Resource": resource}


def refused(call, code, *arguments, **members):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **members)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


@pytest.fixture
def as_user(iam, make_client, name):
    """Clients of a user with one inline policy: as_user("iot", document)."""
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def client(service, document):
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        return make_client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])

    return client


def session_client(server, service, credentials):
    settings = botocore.config.Config(retries={"total_max_attempts": 1}, proxies={})
    return boto3.session.Session().client(service, region_name=server.region, endpoint_url=server.api_url, config=settings,
                                          aws_access_key_id=credentials["AccessKeyId"], aws_secret_access_key=credentials["SecretAccessKey"],
                                          aws_session_token=credentials["SessionToken"])


def test_users_and_keys(iam, make_client, server, name):
    user = iam.create_user(UserName=name, Path="/a/", Tags=[{"Key": "k", "Value": "v <&>"}])["User"]
    assert user["Arn"] == f"arn:aws:iam::{server.account_id}:user/a/{name}" and user["UserId"].startswith("AIDA")
    refused(iam.create_user, "EntityAlreadyExists", UserName=name.upper())
    assert iam.get_user(UserName=name)["User"]["Tags"] == [{"Key": "k", "Value": "v <&>"}]
    assert name in [u["UserName"] for u in iam.get_paginator("list_users").paginate(PathPrefix="/a/").build_full_result()["Users"]]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.create_access_key(UserName=name)
    refused(iam.create_access_key, "LimitExceeded", UserName=name)
    assert {k["Status"] for k in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]} == {"Active"}

    me = make_client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"]).get_caller_identity()
    assert (me["Arn"], me["UserId"], me["Account"]) == (user["Arn"], user["UserId"], server.account_id)
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    refused(make_client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"]).get_caller_identity, "InvalidClientTokenId")

    refused(iam.delete_user, "DeleteConflict", UserName=name)
    for one in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=one["AccessKeyId"])
    iam.delete_user(UserName=name)
    refused(iam.get_user, "NoSuchEntity", UserName=name)


def test_names_and_documents_are_checked(iam, name):
    refused(iam.create_user, "ValidationError", UserName="a b")
    refused(iam.create_user, "ValidationError", UserName=name, Path="/unterminated")
    iam.create_user(UserName=name)
    for document in ["{", "[]", "{}", policy({"Effect": "Maybe", "Action": "iot:*", "Resource": "*"}), policy({"Effect": "Allow", "Action": "iot:*"})]:
        refused(iam.put_user_policy, "MalformedPolicyDocument", UserName=name, PolicyName="p", PolicyDocument=document)
    for document in ["{", json.dumps({"Statement": []}), policy(allow("sts:AssumeRole"))]:
        refused(iam.create_role, "MalformedPolicyDocument", RoleName=name, AssumeRolePolicyDocument=document)
    refused(iam.get_user_policy, "NoSuchEntity", UserName=name, PolicyName="none")


def test_a_user_may_do_nothing_until_a_policy_allows_it(as_user, server, name):
    iot = as_user("iot", policy(allow("s3:*")))
    message = refused(iot.create_thing, "AccessDeniedException", thingName=name)
    assert message.startswith(f"User: arn:aws:iam::{server.account_id}:user/{name} is not authorized to perform: iot:CreateThing on resource: "
                              f"arn:aws:iot:{server.region}:{server.account_id}:thing/{name} because no identity-based policy allows the iot:CreateThing action")


def test_an_application_is_held_to_its_things(as_user, server, name):
    arn = f"arn:aws:iot:{server.region}:{server.account_id}:"
    iot = as_user("iot", policy(allow(["iot:*Thing", "iot:Publish"], [arn + f"thing/{name}-*", arn + f"topic/{name}/*"]), deny("iot:DeleteThing")))
    iot.create_thing(thingName=name + "-1")
    iot.describe_thing(thingName=name + "-1")
    refused(iot.create_thing, "AccessDeniedException", thingName="other" + name)
    refused(iot.list_things, "AccessDeniedException")
    assert "with an explicit deny in an identity-based policy" in refused(iot.delete_thing, "AccessDeniedException", thingName=name + "-1")


def test_publish_is_judged_by_topic(as_user, server, name):
    arn = f"arn:aws:iot:{server.region}:{server.account_id}:topic/{name}/"
    data = as_user("iot-data", policy(allow("iot:Publish", arn + "${aws:username}")))
    data.publish(topic=f"{name}/{name}", payload=b"x")
    assert "Forbidden" in refused(data.publish, "ForbiddenException", topic=f"{name}/other", payload=b"x")
    refused(data.publish, "ForbiddenException", topic=f"{name}/{name}", payload=b"x", retain=True)


def test_tables(as_user, dynamodb, server, name):
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    mine = as_user("dynamodb", policy(allow("dynamodb:PutItem", f"arn:aws:dynamodb:{server.region}:{server.account_id}:table/{name}")))
    mine.put_item(TableName=name, Item={"k": {"S": "1"}})
    refused(mine.get_item, "AccessDeniedException", TableName=name, Key={"k": {"S": "1"}})
    refused(mine.put_item, "AccessDeniedException", TableName=name + "2", Item={"k": {"S": "1"}})


def test_conditions_on_every_request(as_user):
    iot = as_user("iot", policy(allow("iot:ListThings", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})))
    iot.list_things()
    iot = as_user("iot", policy(allow("iot:ListThings", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})))
    refused(iot.list_things, "AccessDeniedException")
    iot = as_user("iot", policy(allow("iot:ListThings", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})))
    refused(iot.list_things, "AccessDeniedException")
    iot = as_user("iot", policy(allow("iot:ListThings", Condition={"Bool": {"aws:SecureTransport": "true"}})))
    refused(iot.list_things, "AccessDeniedException")


def test_managed_policies(iam, make_client, server, name):
    arn = iam.create_policy(PolicyName=name, PolicyDocument=policy(allow("iot:ListThings")), Description="d")["Policy"]["Arn"]
    assert arn == f"arn:aws:iam::{server.account_id}:policy/{name}"
    refused(iam.create_policy, "EntityAlreadyExists", PolicyName=name, PolicyDocument=policy(allow("iot:ListThings")))
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iot = make_client("iot", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    iot.list_things()
    refused(iot.list_policies, "AccessDeniedException")

    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("iot:ListPolicies")))["PolicyVersion"]
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v2", False)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    iot.list_policies()
    refused(iot.list_things, "AccessDeniedException")
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]["Statement"][0]["Action"] == "iot:ListThings"
    assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v1", "v2"]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert [u["UserName"] for u in iam.list_entities_for_policy(PolicyArn=arn)["PolicyUsers"]] == [name]
    refused(iam.delete_policy_version, "DeleteConflict", PolicyArn=arn, VersionId="v2")
    refused(iam.delete_policy, "DeleteConflict", PolicyArn=arn)
    iam.detach_user_policy(UserName=name, PolicyArn=arn)
    refused(iot.list_policies, "AccessDeniedException")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)

    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AWSIoTFullAccess")
    iot.list_policies()
    refused(iam.attach_user_policy, "NoSuchEntity", UserName=name, PolicyArn="arn:aws:iam::aws:policy/NoSuchThing")


def test_assume_role(iam, sts, server, name):
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), Description="for a test", MaxSessionDuration=7200)["Role"]
    assert role["AssumeRolePolicyDocument"] == TRUST and role["MaxSessionDuration"] == 7200
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow("iot:*")))
    taken = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1")
    assert taken["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{server.account_id}:assumed-role/{name}/s1"
    assert taken["Credentials"]["AccessKeyId"].startswith("ASIA")
    me = session_client(server, "sts", taken["Credentials"]).get_caller_identity()
    assert me["Arn"] == taken["AssumedRoleUser"]["Arn"] and me["UserId"] == taken["AssumedRoleUser"]["AssumedRoleId"]
    session_client(server, "iot", taken["Credentials"]).list_things()
    refused(session_client(server, "dynamodb", taken["Credentials"]).list_tables, "AccessDeniedException")

    narrowed = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s2", Policy=policy(allow("iot:ListPolicies")))["Credentials"]
    session_client(server, "iot", narrowed).list_policies()
    assert "no session policy allows" in refused(session_client(server, "iot", narrowed).list_things, "AccessDeniedException")

    refused(sts.assume_role, "ValidationError", RoleArn=role["Arn"], RoleSessionName="s1", DurationSeconds=7201)
    refused(sts.assume_role, "AccessDenied", RoleArn=role["Arn"] + "x", RoleSessionName="s1")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    refused(sts.assume_role, "AccessDenied", RoleArn=role["Arn"], RoleSessionName="s1")

    iam.delete_role_policy(RoleName=name, PolicyName="p")
    refused(session_client(server, "iot", taken["Credentials"]).list_things, "AccessDeniedException")
    iam.delete_role(RoleName=name)
    refused(session_client(server, "sts", taken["Credentials"]).get_caller_identity, "InvalidClientTokenId")


def test_session_tokens_are_judged(sts, server):
    good = sts.get_session_token(DurationSeconds=900)["Credentials"]
    session_client(server, "iot", good).list_things()
    message = refused(session_client(server, "sts", good).get_session_token, "AccessDenied")
    assert message == "Cannot call GetSessionToken with session credentials"
    token = good["SessionToken"]
    for wrong in [token[:-8] + "AAAAAAA=", "x", token + "A", token[:40]]:
        refused(session_client(server, "iot", dict(good, SessionToken=wrong)).list_things, "UnrecognizedClientException")
    other = sts.get_session_token()["Credentials"]
    refused(session_client(server, "iot", dict(good, SessionToken=other["SessionToken"])).list_things, "UnrecognizedClientException")
    refused(session_client(server, "iot", dict(good, SecretAccessKey="wrong")).list_things, "InvalidSignatureException")




def test_what_is_not_there_is_refused(iam, raw):
    refused(iam.create_group, "InvalidAction", GroupName="g")
    answer = raw.send("iam", "POST", "/", b"Action=GetUser&Version=1999-01-01", {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 400


def test_cli(aws, name):
    made = aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document", json.dumps(TRUST))
    assert made.code == 0, made.err
    assert aws("iam", "attach-role-policy", "--role-name", name, "--policy-arn", "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess").code == 0
    assert aws("iam", "list-attached-role-policies", "--role-name", name).json["AttachedPolicies"][0]["PolicyName"] == "AmazonDynamoDBFullAccess"
    assert aws("sts", "assume-role", "--role-arn", made.json["Role"]["Arn"], "--role-session-name", "cli").json["Credentials"]["SessionToken"]
    assert aws("sts", "get-caller-identity").json["Arn"].endswith(":root")
