"""Thing types, groups, billing groups, tags, exclusive things, events, logging, TestAuthorization, as stock clients see them; each answer is checked
against botocore's model. Most tests would pass against AWS as well (the deprecation of a type takes five minutes there and here)."""
import json
import time

import botocore.exceptions
import pytest

PUBLISH = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Publish", "Resource": "*"}]})


@pytest.fixture
def certificate(raw):
    return raw.ok("iot", "CreateKeysAndCertificate", setAsActive=True)


def test_update_thing(raw, name):
    raw.ok("iot", "CreateThing", thingName=name, attributePayload={"attributes": {"a": "1", "b": "2"}})
    raw.ok("iot", "UpdateThing", thingName=name, attributePayload={"attributes": {"a": "", "c": "3"}, "merge": True}, expectedVersion=1)
    described = raw.ok("iot", "DescribeThing", thingName=name)
    assert (described["attributes"], described["version"]) == ({"b": "2", "c": "3"}, 2)
    raw.error("iot", "UpdateThing", "VersionConflictException", 409, thingName=name, expectedVersion=1)
    raw.error("iot", "UpdateThing", "ResourceNotFoundException", 404, thingName=name + "x")
    raw.error("iot", "UpdateThing", "InvalidRequestException", 400, thingName=name, thingTypeName="x", removeThingType=True)


def test_things_are_found_by_attribute_and_type(raw, iot, name):
    raw.ok("iot", "CreateThingType", thingTypeName=name)
    for index in range(5):
        raw.ok("iot", "CreateThing", thingName=f"{name}-{index}", thingTypeName=name, attributePayload={"attributes": {name: f"v{index}"}})
    assert len(raw.ok("iot", "ListThings", thingTypeName=name)["things"]) == 5
    assert [t["thingName"] for t in raw.ok("iot", "ListThings", attributeName=name, attributeValue="v3")["things"]] == [f"{name}-3"]
    assert len(raw.ok("iot", "ListThings", attributeName=name, attributeValue="v", usePrefixAttributeValue=True)["things"]) == 5
    pages = list(iot.get_paginator("list_things").paginate(attributeName=name, attributeValue="v", usePrefixAttributeValue=True, PaginationConfig={"PageSize": 2}))
    assert [len(page["things"]) for page in pages] == [2, 2, 1]


def test_thing_type_life(raw, name, server):
    properties = {"thingTypeDescription": "a pump", "searchableAttributes": ["site"],
                  "mqtt5Configuration": {"propagatingAttributes": [{"userPropertyKey": "site", "thingAttribute": "site"}]}}
    made = raw.ok("iot", "CreateThingType", thingTypeName=name, thingTypeProperties={k: v for k, v in properties.items() if k != "mqtt5Configuration"},
                  tags=[{"Key": "k", "Value": "v"}])
    assert made["thingTypeArn"] == f"arn:aws:iot:{server.region}:{server.account_id}:thingtype/{name}"
    assert raw.ok("iot", "ListTagsForResource", resourceArn=made["thingTypeArn"]) == {"tags": [{"Key": "k", "Value": "v"}]}
    raw.error("iot", "CreateThingType", "ResourceAlreadyExistsException", 409, thingTypeName=name)
    described = raw.ok("iot", "DescribeThingType", thingTypeName=name)
    assert described["thingTypeProperties"]["searchableAttributes"] == ["site"]
    assert described["thingTypeMetadata"]["deprecated"] is False
    raw.ok("iot", "DeprecateThingType", thingTypeName=name)
    assert raw.ok("iot", "DescribeThingType", thingTypeName=name)["thingTypeMetadata"]["deprecationDate"]
    raw.error("iot", "CreateThing", "InvalidRequestException", 400, thingName=name, thingTypeName=name)
    raw.error("iot", "DeleteThingType", "InvalidRequestException", 400, thingTypeName=name)
    raw.ok("iot", "DeprecateThingType", thingTypeName=name, undoDeprecate=True)
    raw.ok("iot", "CreateThing", thingName=name, thingTypeName=name)
    assert raw.ok("iot", "DescribeThing", thingName=name)["thingTypeName"] == name
    assert name in [one["thingTypeName"] for one in raw.ok("iot", "ListThingTypes", maxResults=250)["thingTypes"]]
    assert len(raw.ok("iot", "ListThingTypes", thingTypeName=name)["thingTypes"]) == 1
    raw.error("iot", "DescribeThingType", "ResourceNotFoundException", 404, thingTypeName=name + "x")
    # Newer than the installed model, so by hand.
    answer = raw.send("iot", "PATCH", f"/thing-types/{name}", json.dumps({"thingTypeProperties": properties}))
    assert answer.status == 200
    assert raw.send("iot", "GET", f"/thing-types/{name}").json["thingTypeProperties"] == properties


def test_thing_group_life(raw, name, server):
    arn = f"arn:aws:iot:{server.region}:{server.account_id}:thinggroup/{name}"
    made = raw.ok("iot", "CreateThingGroup", thingGroupName=name, tags=[{"Key": "k", "Value": "v"}],
                  thingGroupProperties={"thingGroupDescription": "d", "attributePayload": {"attributes": {"a": "1"}}})
    assert made["thingGroupArn"] == arn
    child = raw.ok("iot", "CreateThingGroup", thingGroupName=name + "-child", parentGroupName=name)
    described = raw.ok("iot", "DescribeThingGroup", thingGroupName=name + "-child")
    assert described["thingGroupMetadata"]["rootToParentThingGroups"] == [{"groupName": name, "groupArn": arn}]
    assert (described["version"], described["thingGroupId"]) == (1, child["thingGroupId"])
    assert raw.ok("iot", "UpdateThingGroup", thingGroupName=name, thingGroupProperties={"thingGroupDescription": "e"}, expectedVersion=1) == {"version": 2}
    raw.error("iot", "UpdateThingGroup", "VersionConflictException", 409, thingGroupName=name, thingGroupProperties={}, expectedVersion=1)
    assert raw.ok("iot", "DescribeThingGroup", thingGroupName=name)["thingGroupProperties"]["thingGroupDescription"] == "e"
    listed = raw.ok("iot", "ListThingGroups", parentGroup=name)["thingGroups"]
    assert [one["groupName"] for one in listed] == [name + "-child"]
    assert len(raw.ok("iot", "ListThingGroups", namePrefixFilter=name)["thingGroups"]) == 2
    raw.error("iot", "CreateThingGroup", "ResourceAlreadyExistsException", 409, thingGroupName=name)
    raw.error("iot", "DeleteThingGroup", "InvalidRequestException", 400, thingGroupName=name)
    raw.ok("iot", "DeleteThingGroup", thingGroupName=name + "-child")
    raw.ok("iot", "DeleteThingGroup", thingGroupName=name)
    raw.ok("iot", "DeleteThingGroup", thingGroupName=name)
    raw.error("iot", "DescribeThingGroup", "ResourceNotFoundException", 404, thingGroupName=name)
    raw.error("iot", "ListThingGroups", "ResourceNotFoundException", 404, parentGroup=name)


def test_things_in_groups(raw, name, server):
    for group in ("a", "b"):
        raw.ok("iot", "CreateThingGroup", thingGroupName=f"{name}-{group}")
    raw.ok("iot", "CreateThingGroup", thingGroupName=f"{name}-c", parentGroupName=f"{name}-a")
    thing = raw.ok("iot", "CreateThing", thingName=name)
    raw.ok("iot", "AddThingToThingGroup", thingGroupName=f"{name}-c", thingArn=thing["thingArn"])
    assert raw.ok("iot", "ListThingsInThingGroup", thingGroupName=f"{name}-c")["things"] == [name]
    assert raw.ok("iot", "ListThingsInThingGroup", thingGroupName=f"{name}-a")["things"] == []
    assert raw.ok("iot", "ListThingsInThingGroup", thingGroupName=f"{name}-a", recursive=True)["things"] == [name]
    raw.ok("iot", "UpdateThingGroupsForThing", thingName=name, thingGroupsToAdd=[f"{name}-b"], thingGroupsToRemove=[f"{name}-c"])
    groups = raw.ok("iot", "ListThingGroupsForThing", thingName=name)["thingGroups"]
    assert groups == [{"groupName": f"{name}-b", "groupArn": f"arn:aws:iot:{server.region}:{server.account_id}:thinggroup/{name}-b"}]
    raw.ok("iot", "RemoveThingFromThingGroup", thingGroupName=f"{name}-b", thingName=name)
    assert raw.ok("iot", "ListThingGroupsForThing", thingName=name)["thingGroups"] == []
    body = raw.error("iot", "AddThingToThingGroup", "InvalidRequestException", 400, thingGroupName=f"{name}-b")
    assert body["message"] == "Both thingArn and thingName are empty. Need to specify at least one of them"


def test_billing_group_life(raw, name):
    made = raw.ok("iot", "CreateBillingGroup", billingGroupName=name, billingGroupProperties={"billingGroupDescription": "d"}, tags=[{"Key": "a", "Value": "1"}])
    raw.ok("iot", "CreateThing", thingName=name, billingGroupName=name)
    assert raw.ok("iot", "DescribeThing", thingName=name)["billingGroupName"] == name
    assert raw.ok("iot", "ListThingsInBillingGroup", billingGroupName=name)["things"] == [name]
    raw.ok("iot", "RemoveThingFromBillingGroup", billingGroupName=name, thingName=name)
    raw.ok("iot", "AddThingToBillingGroup", billingGroupArn=made["billingGroupArn"], thingName=name)
    assert raw.ok("iot", "UpdateBillingGroup", billingGroupName=name, billingGroupProperties={"billingGroupDescription": "e"}) == {"version": 2}
    assert raw.ok("iot", "DescribeBillingGroup", billingGroupName=name)["billingGroupProperties"] == {"billingGroupDescription": "e"}
    assert [one["groupName"] for one in raw.ok("iot", "ListBillingGroups", namePrefixFilter=name)["billingGroups"]] == [name]
    raw.ok("iot", "TagResource", resourceArn=made["billingGroupArn"], tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])
    raw.ok("iot", "UntagResource", resourceArn=made["billingGroupArn"], tagKeys=["b"])
    assert raw.ok("iot", "ListTagsForResource", resourceArn=made["billingGroupArn"])["tags"] == [{"Key": "a", "Value": "2"}]
    raw.ok("iot", "DeleteBillingGroup", billingGroupName=name)
    raw.error("iot", "DescribeBillingGroup", "ResourceNotFoundException", 404, billingGroupName=name)
    assert "billingGroupName" not in raw.ok("iot", "DescribeThing", thingName=name)


def test_things_cannot_be_tagged(raw, name):
    thing = raw.ok("iot", "CreateThing", thingName=name)
    raw.error("iot", "TagResource", "InvalidRequestException", 400, resourceArn=thing["thingArn"], tags=[{"Key": "a", "Value": "1"}])


def test_exclusive_things(raw, name, certificate):
    raw.ok("iot", "CreateThing", thingName=name)
    raw.ok("iot", "CreateThing", thingName=name + "-2")
    header = {"x-amzn-principal": certificate["certificateArn"]}
    # Newer than the installed model, so by hand.
    assert raw.send("iot", "PUT", f"/things/{name}/principals?thingPrincipalType=EXCLUSIVE_THING", headers=header).status == 200
    listed = raw.send("iot", "GET", f"/things/{name}/principals-v2").json
    assert listed == {"thingPrincipalObjects": [{"principal": certificate["certificateArn"], "thingPrincipalType": "EXCLUSIVE_THING"}]}
    assert raw.send("iot", "GET", f"/things/{name}/principals-v2?thingPrincipalType=NON_EXCLUSIVE_THING").json == {"thingPrincipalObjects": []}
    things = raw.send("iot", "GET", "/principals/things-v2", headers=header).json
    assert things == {"principalThingObjects": [{"thingName": name, "thingPrincipalType": "EXCLUSIVE_THING"}]}
    refused = raw.send("iot", "PUT", f"/things/{name}-2/principals", headers=header)
    assert (refused.status, refused.error) == (400, "InvalidRequestException")


def test_group_policies_are_effective(raw, name, certificate):
    raw.ok("iot", "CreatePolicy", policyName=name, policyDocument=PUBLISH, tags=[{"Key": "a", "Value": "1"}])
    group = raw.ok("iot", "CreateThingGroup", thingGroupName=name)["thingGroupArn"]
    child = raw.ok("iot", "CreateThingGroup", thingGroupName=name + "-c", parentGroupName=name)["thingGroupArn"]
    raw.ok("iot", "CreateThing", thingName=name)
    raw.ok("iot", "AttachThingPrincipal", thingName=name, principal=certificate["certificateArn"])
    raw.ok("iot", "AddThingToThingGroup", thingGroupName=name + "-c", thingName=name)
    raw.ok("iot", "AttachPolicy", policyName=name, target=group)
    assert raw.ok("iot", "ListAttachedPolicies", target=child)["policies"] == []
    assert [one["policyName"] for one in raw.ok("iot", "ListAttachedPolicies", target=child, recursive=True)["policies"]] == [name]
    assert raw.ok("iot", "ListTargetsForPolicy", policyName=name)["targets"] == [group]
    effective = raw.ok("iot", "GetEffectivePolicies", principal=certificate["certificateArn"], thingName=name)["effectivePolicies"]
    assert [(one["policyName"], one["policyDocument"]) for one in effective] == [(name, PUBLISH)]
    assert raw.ok("iot", "GetEffectivePolicies", principal=certificate["certificateArn"])["effectivePolicies"] == []
    infos = [{"actionType": "PUBLISH", "resources": ["arn:aws:iot:us-east-1:000000000000:topic/a"]}]
    assert raw.ok("iot", "TestAuthorization", principal=certificate["certificateArn"], authInfos=infos)["authResults"][0]["authDecision"] == "IMPLICIT_DENY"
    result = raw.ok("iot", "TestAuthorization", principal=certificate["certificateArn"], clientId=name, authInfos=infos)["authResults"][0]
    assert (result["authDecision"], result["allowed"]["policies"][0]["policyName"]) == ("ALLOWED", name)
    skipped = raw.ok("iot", "TestAuthorization", principal=certificate["certificateArn"], clientId=name, authInfos=infos, policyNamesToSkip=[name])
    assert skipped["authResults"][0]["authDecision"] == "IMPLICIT_DENY"


def test_authorization_names_what_is_missing(raw, name, certificate):
    document = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Publish", "Resource": "arn:aws:iot:us-east-1:000000000000:topic/${iot:ClientId}"},
        {"Effect": "Deny", "Action": "iot:Subscribe", "Resource": "*"}]})
    raw.ok("iot", "CreatePolicy", policyName=name, policyDocument=document)
    raw.ok("iot", "AttachPolicy", policyName=name, target=certificate["certificateArn"])
    infos = [{"actionType": "PUBLISH", "resources": ["arn:aws:iot:us-east-1:000000000000:topic/me"]},
             {"actionType": "SUBSCRIBE", "resources": ["arn:aws:iot:us-east-1:000000000000:topicfilter/a"]}]
    publish, subscribe = raw.ok("iot", "TestAuthorization", principal=certificate["certificateArn"], authInfos=infos)["authResults"]
    assert (publish["authDecision"], publish["missingContextValues"]) == ("IMPLICIT_DENY", ["iot:ClientId"])
    assert (subscribe["authDecision"], subscribe["denied"]["explicitDeny"]["policies"][0]["policyName"]) == ("EXPLICIT_DENY", name)
    known = raw.ok("iot", "TestAuthorization", principal=certificate["certificateArn"], clientId="me", authInfos=infos)["authResults"][0]
    assert (known["authDecision"], known["missingContextValues"]) == ("ALLOWED", [])
    raw.error("iot", "TestAuthorization", "InvalidRequestException", 400, authInfos=[])
    raw.error("iot", "TestAuthorization", "ResourceNotFoundException", 404, authInfos=infos, policyNamesToAdd=["none-" + name])


def test_event_configurations(raw):
    raw.ok("iot", "UpdateEventConfigurations", eventConfigurations={"THING": {"Enabled": True}, "JOB": {"Enabled": False}})
    described = raw.ok("iot", "DescribeEventConfigurations")
    assert described["eventConfigurations"]["THING"] == {"Enabled": True}
    assert described["eventConfigurations"]["THING_GROUP"] == {"Enabled": False}
    assert described["creationDate"] <= described["lastModifiedDate"]
    raw.ok("iot", "UpdateEventConfigurations", eventConfigurations={"THING": {"Enabled": False}})
    answer = raw.send("iot", "PATCH", "/event-configurations", json.dumps({"eventConfigurations": {"NONE": {"Enabled": True}}}))
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


def test_logging_options(raw, name):
    assert raw.ok("iot", "GetLoggingOptions") is not None
    raw.error("iot", "SetV2LoggingOptions", "InvalidRequestException", 400, defaultLogLevel="LOUD")
    raw.ok("iot", "SetV2LoggingOptions", roleArn="arn:aws:iam::000000000000:role/logs", defaultLogLevel="INFO")
    assert raw.ok("iot", "GetV2LoggingOptions") == {"roleArn": "arn:aws:iam::000000000000:role/logs", "defaultLogLevel": "INFO", "disableAllLogs": False}
    raw.ok("iot", "SetV2LoggingLevel", logTarget={"targetType": "THING_GROUP", "targetName": name}, logLevel="DEBUG")
    levels = raw.ok("iot", "ListV2LoggingLevels", targetType="THING_GROUP")["logTargetConfigurations"]
    assert {"logTarget": {"targetType": "THING_GROUP", "targetName": name}, "logLevel": "DEBUG"} in levels
    raw.ok("iot", "DeleteV2LoggingLevel", targetType="THING_GROUP", targetName=name)
    assert name not in json.dumps(raw.ok("iot", "ListV2LoggingLevels"))
    raw.ok("iot", "SetLoggingOptions", loggingOptionsPayload={"roleArn": "arn:aws:iam::000000000000:role/logs", "logLevel": "INFO"})


def test_levels_of_event_types(raw):
    # The installed model does not have the member yet.
    events = [{"eventType": "Publish", "logLevel": "DEBUG"}, {"eventType": "Connect", "logDestination": "fleet/connects#1"}]
    options = {"roleArn": "arn:aws:iam::000000000000:role/logs", "defaultLogLevel": "INFO"}

    def send(list_of_events):
        return raw.send("iot", "POST", "/v2LoggingOptions", json.dumps({**options, "eventConfigurations": list_of_events}))

    assert send(events).status == 200
    for query in ("", "?verbose=true"):
        answer = json.loads(raw.send("iot", "GET", "/v2LoggingOptions" + query).body)
        assert answer == {**options, "disableAllLogs": False, "eventConfigurations": events}
    for wrong in ([{}], "Publish", [{"eventType": "a", "logLevel": "LOUD"}], [{"eventType": "a", "logDestination": "a b"}], [{"eventType": "x" * 513}], events * 2):
        answer = send(wrong)
        assert (answer.status, answer.error) == (400, "InvalidRequestException"), wrong
    assert send([]).status == 200
    assert "eventConfigurations" not in json.loads(raw.send("iot", "GET", "/v2LoggingOptions").body)


def test_boto3_reads_a_group(iot, name):
    iot.create_thing_group(thingGroupName=name)
    assert iot.describe_thing_group(thingGroupName=name)["thingGroupName"] == name
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        iot.describe_thing_group(thingGroupName=name + "x")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


# Fleet indexing


@pytest.fixture
def indexing(raw):
    raw.ok("iot", "UpdateIndexingConfiguration",
           thingIndexingConfiguration={"thingIndexingMode": "REGISTRY_AND_SHADOW", "thingConnectivityIndexingMode": "STATUS",
                                       "customFields": [{"name": "attributes.n", "type": "Number"}]},
           thingGroupIndexingConfiguration={"thingGroupIndexingMode": "ON"})


def test_indexing_configuration(raw, indexing):
    configuration = raw.ok("iot", "GetIndexingConfiguration")
    assert configuration["thingIndexingConfiguration"]["thingIndexingMode"] == "REGISTRY_AND_SHADOW"
    assert configuration["thingIndexingConfiguration"]["customFields"] == [{"name": "attributes.n", "type": "Number"}]
    assert configuration["thingGroupIndexingConfiguration"]["thingGroupIndexingMode"] == "ON"
    assert raw.ok("iot", "ListIndices")["indexNames"] == ["AWS_ThingGroups", "AWS_Things"]
    assert raw.ok("iot", "DescribeIndex", indexName="AWS_Things") == {
        "indexName": "AWS_Things", "indexStatus": "ACTIVE", "schema": "REGISTRY_AND_SHADOW_AND_CONNECTIVITY_STATUS"}
    raw.error("iot", "DescribeIndex", "ResourceNotFoundException", 404, indexName="none")
    answer = raw.send("iot", "POST", "/indexing/config", json.dumps({"thingIndexingConfiguration": {"thingIndexingMode": "ALL"}}))
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


def test_search_and_aggregate(raw, name, indexing):
    for index in range(5):
        raw.ok("iot", "CreateThing", thingName=f"{name}-{index}", attributePayload={"attributes": {"test": name, "n": str(index)}})
    query = f"attributes.test:{name}"
    found = raw.ok("iot", "SearchIndex", queryString=query)
    assert [thing["thingName"] for thing in found["things"]] == [f"{name}-{index}" for index in range(5)]
    assert [thing["thingName"] for thing in raw.ok("iot", "SearchIndex", queryString=f"{query} AND attributes.n:[3 TO *]")["things"]] == [f"{name}-3", f"{name}-4"]
    first = raw.ok("iot", "SearchIndex", queryString=query, maxResults=3)
    second = raw.ok("iot", "SearchIndex", queryString=query, maxResults=3, nextToken=first["nextToken"])
    assert (len(first["things"]), len(second["things"]), "nextToken" in second) == (3, 2, False)
    statistics = raw.ok("iot", "GetStatistics", queryString=query, aggregationField="attributes.n")["statistics"]
    assert (statistics["count"], statistics["sum"], statistics["maximum"]) == (5, 10, 4)
    assert raw.ok("iot", "GetCardinality", queryString=query, aggregationField="attributes.test") == {"cardinality": 1}
    assert raw.ok("iot", "GetPercentiles", queryString=query, aggregationField="attributes.n", percents=[50])["percentiles"] == [{"percent": 50, "value": 2}]
    buckets = raw.ok("iot", "GetBucketsAggregation", queryString=query, aggregationField="attributes.test",
                     bucketsAggregationType={"termsAggregation": {"maxBuckets": 5}})
    assert buckets == {"totalCount": 5, "buckets": [{"keyValue": name, "count": 5}]}
    raw.error("iot", "SearchIndex", "InvalidQueryException", 400, queryString="a:[")
    raw.error("iot", "SearchIndex", "ResourceNotFoundException", 404, queryString="a", indexName="none")
    raw.ok("iot", "CreateThingGroup", thingGroupName=name)
    groups = raw.ok("iot", "SearchIndex", queryString=f"thingGroupName:{name}", indexName="AWS_ThingGroups")["thingGroups"]
    assert [group["thingGroupName"] for group in groups] == [name]


def test_dynamic_groups(raw, name, indexing):
    made = raw.ok("iot", "CreateDynamicThingGroup", thingGroupName=name, queryString=f"attributes.test:{name}")
    assert (made["indexName"], made["queryVersion"]) == ("AWS_Things", "2017-09-30")
    raw.ok("iot", "CreateThing", thingName=name, attributePayload={"attributes": {"test": name}})
    deadline = time.monotonic() + 30
    while raw.ok("iot", "ListThingsInThingGroup", thingGroupName=name)["things"] != [name]:
        assert time.monotonic() < deadline, "the thing did not become a member"
        time.sleep(0.05)
    assert raw.ok("iot", "DescribeThingGroup", thingGroupName=name)["queryString"] == f"attributes.test:{name}"
    raw.error("iot", "AddThingToThingGroup", "InvalidRequestException", 400, thingGroupName=name, thingName=name)
    assert raw.ok("iot", "UpdateDynamicThingGroup", thingGroupName=name, thingGroupProperties={}, queryString="thingName:nobody") == {"version": 2}
    while raw.ok("iot", "ListThingsInThingGroup", thingGroupName=name)["things"]:
        assert time.monotonic() < deadline, "the thing did not leave"
        time.sleep(0.05)
    raw.error("iot", "CreateDynamicThingGroup", "InvalidQueryException", 400, thingGroupName=name + "x", queryString="a:[")
    raw.ok("iot", "DeleteDynamicThingGroup", thingGroupName=name)
