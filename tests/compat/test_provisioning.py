"""Certificates of one's own CA, just-in-time registration and provisioning, fleet provisioning over MQTT, role aliases: boto3 and paho."""
import datetime
import json
import queue
import ssl
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import cbor2
import paho.mqtt.client as mqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.stream_world import package

WAIT_S = 20
ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})


def refused(call, code, **members):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**members)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def certificate_id(certificate):
    return certificate.fingerprint(hashes.SHA256()).hex()


class Ca:
    def __init__(self, common_name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        self.certificate = self._build(self.name, self.key, ca=True)

    def _build(self, subject, key, ca=False, days=30):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=2))
                   .not_valid_after(now + datetime.timedelta(days=days)))
        return builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True).sign(self.key, hashes.SHA256())

    def issue(self, common_name, serial_number=None, days=30):
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if serial_number:
            names.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial_number))
        return self._build(x509.Name(names), key, days=days), key


class Device:
    """An MQTT client with a certificate."""

    def __init__(self, server, folder, name, certificate_pem, key_pem):
        (folder / f"{name}.pem").write_text(certificate_pem)
        (folder / f"{name}.key").write_text(key_pem)
        self.server, self.messages, self.events = server, queue.Queue(), queue.Queue()
        self.client = mqtt.Client(client_id=name)
        self.client.tls_set(server.ca_file, str(folder / f"{name}.pem"), str(folder / f"{name}.key"), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self.client.on_connect = lambda *a: self.events.put(("connected", a[3]))
        self.client.on_disconnect = lambda *a: self.events.put(("disconnected", a[2]))
        self.client.on_subscribe = lambda *a: self.events.put(("subscribed", a[3]))
        self.client.on_message = lambda c, u, m: self.messages.put((m.topic, m.payload))

    def connect(self):
        self.client.connect("localhost", self.server.mqtts_port)
        self.client.loop_start()
        return self.events.get(timeout=WAIT_S)

    def subscribe(self, *filters):
        self.client.subscribe([(one, 1) for one in filters])
        assert self.events.get(timeout=WAIT_S)[0] == "subscribed"

    def ask(self, topic, payload):
        self.client.publish(topic, payload, qos=1)
        return self.messages.get(timeout=WAIT_S)

    def close(self):
        self.client.loop_stop()
        self.client.disconnect()


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()).decode()


@pytest.fixture
def device(server, tmp_path):
    made = []

    def make(name, certificate, key):
        made.append(Device(server, tmp_path, name, certificate if isinstance(certificate, str) else pem(certificate),
                           key if isinstance(key, str) else key_pem(key)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def registered_ca(iot):
    made = []

    def make(name, active=True, automatic=True, **members):
        ca = Ca(name)
        code = iot.get_registration_code()["registrationCode"]
        verification, _ = ca.issue(code)
        answer = iot.register_ca_certificate(caCertificate=pem(ca.certificate), verificationCertificate=pem(verification), setAsActive=active,
                                             allowAutoRegistration=automatic, **members)
        assert answer["certificateId"] == certificate_id(ca.certificate)
        ca.id = answer["certificateId"]
        made.append(ca.id)
        return ca

    yield make
    for one in made:
        iot.update_ca_certificate(certificateId=one, newStatus="INACTIVE")
        iot.delete_ca_certificate(certificateId=one)


def test_registration_code(iot):
    code = iot.get_registration_code()["registrationCode"]
    assert len(code) == 64 and iot.get_registration_code()["registrationCode"] == code
    iot.delete_registration_code()
    refused(iot.delete_registration_code, "ResourceNotFoundException")
    assert iot.get_registration_code()["registrationCode"] != code


def test_ca_certificates(iot, registered_ca, server, name):
    ca = registered_ca(name, active=False, automatic=False)
    described = iot.describe_ca_certificate(certificateId=ca.id)["certificateDescription"]
    assert (described["status"], described["autoRegistrationStatus"], described["certificateMode"]) == ("INACTIVE", "DISABLE", "DEFAULT")
    assert described["certificatePem"].strip() == pem(ca.certificate).strip() and described["ownedBy"] == server.account_id
    iot.update_ca_certificate(certificateId=ca.id, newStatus="ACTIVE", newAutoRegistrationStatus="ENABLE")
    described = iot.describe_ca_certificate(certificateId=ca.id)["certificateDescription"]
    assert (described["status"], described["autoRegistrationStatus"]) == ("ACTIVE", "ENABLE")
    assert ca.id in [one["certificateId"] for one in iot.list_ca_certificates(pageSize=250)["certificates"]]
    refused(iot.delete_ca_certificate, "CertificateStateException", certificateId=ca.id)

    code = iot.get_registration_code()["registrationCode"]
    good, _ = ca.issue(code)
    refused(iot.register_ca_certificate, "ResourceAlreadyExistsException", caCertificate=pem(ca.certificate), verificationCertificate=pem(good))
    wrong_code, _ = ca.issue("x")
    other = Ca(name + "2")
    refused(iot.register_ca_certificate, "RegistrationCodeValidationException", caCertificate=pem(ca.certificate), verificationCertificate=pem(wrong_code))
    refused(iot.register_ca_certificate, "CertificateValidationException", caCertificate=pem(other.certificate), verificationCertificate=pem(good))
    leaf, _ = ca.issue("leaf")
    refused(iot.register_ca_certificate, "CertificateValidationException", caCertificate=pem(leaf), verificationCertificate=pem(good))
    refused(iot.register_ca_certificate, "CertificateValidationException", caCertificate="x", verificationCertificate=pem(good))
    refused(iot.register_ca_certificate, "InvalidRequestException", caCertificate=pem(other.certificate))
    refused(iot.describe_ca_certificate, "ResourceNotFoundException", certificateId="0" * 64)


def test_sni_only_ca_needs_no_verification(iot, name):
    ca = Ca(name)
    made = iot.register_ca_certificate(caCertificate=pem(ca.certificate), certificateMode="SNI_ONLY")
    assert iot.describe_ca_certificate(certificateId=made["certificateId"])["certificateDescription"]["certificateMode"] == "SNI_ONLY"
    iot.delete_ca_certificate(certificateId=made["certificateId"])


def test_register_certificate(iot, registered_ca, name):
    ca = registered_ca(name, automatic=False)
    certificate, _ = ca.issue("d")
    made = iot.register_certificate(certificatePem=pem(certificate), caCertificatePem=pem(ca.certificate), status="ACTIVE")
    assert made["certificateId"] == certificate_id(certificate)
    described = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]
    assert (described["status"], described["caCertificateId"]) == ("ACTIVE", ca.id)
    again = refused(iot.register_certificate, "ResourceAlreadyExistsException", certificatePem=pem(certificate))
    assert again["resourceId"] == made["certificateId"]
    assert [one["certificateId"] for one in iot.list_certificates_by_ca(caCertificateId=ca.id)["certificates"]] == [made["certificateId"]]
    foreign, _ = Ca(name + "x").issue("d")
    refused(iot.register_certificate, "CertificateValidationException", certificatePem=pem(foreign))
    iot.update_ca_certificate(certificateId=ca.id, newStatus="INACTIVE")
    second, _ = ca.issue("d2")
    refused(iot.register_certificate, "CertificateStateException", certificatePem=pem(second))
    iot.update_certificate(certificateId=made["certificateId"], newStatus="INACTIVE")
    iot.delete_certificate(certificateId=made["certificateId"])
    assert iot.list_certificates_by_ca(caCertificateId=ca.id)["certificates"] == []


def test_register_without_ca_and_connect(iot, device, name):
    certificate, key = Ca(name).issue("d")
    made = iot.register_certificate_without_ca(certificatePem=pem(certificate), status="ACTIVE")
    described = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]
    assert (described["status"], described["certificateMode"]) == ("ACTIVE", "SNI_ONLY")
    iot.create_policy(policyName=name, policyDocument=ALL)
    iot.attach_policy(policyName=name, target=made["certificateArn"])
    assert device(name, certificate, key).connect() == ("connected", 0)


def test_transfer(iot, server, name):
    certificate, _ = Ca(name).issue("d")
    made = iot.register_certificate_without_ca(certificatePem=pem(certificate), status="ACTIVE")["certificateId"]
    refused(iot.transfer_certificate, "CertificateStateException", certificateId=made, targetAwsAccount="111122223333")
    iot.update_certificate(certificateId=made, newStatus="INACTIVE")
    iot.transfer_certificate(certificateId=made, targetAwsAccount="111122223333", transferMessage="for you")
    out = {one["certificateId"]: one for one in iot.list_outgoing_certificates()["outgoingCertificates"]}
    assert (out[made]["transferredTo"], out[made]["transferMessage"]) == ("111122223333", "for you")
    refused(iot.update_certificate, "CertificateStateException", certificateId=made, newStatus="ACTIVE")
    refused(iot.accept_certificate_transfer, "ResourceNotFoundException", certificateId=made)
    iot.cancel_certificate_transfer(certificateId=made)
    refused(iot.cancel_certificate_transfer, "TransferAlreadyCompletedException", certificateId=made)
    iot.transfer_certificate(certificateId=made, targetAwsAccount=server.account_id)
    iot.accept_certificate_transfer(certificateId=made, setAsActive=True)
    described = iot.describe_certificate(certificateId=made)["certificateDescription"]
    assert described["status"] == "ACTIVE" and described["transferData"]["acceptDate"]


def test_just_in_time_registration(iot, iot_data, registered_ca, device, name):
    ca = registered_ca(name)
    watcher_keys = iot.create_keys_and_certificate(setAsActive=True)
    iot.create_policy(policyName=name, policyDocument=ALL)
    iot.attach_policy(policyName=name, target=watcher_keys["certificateArn"])
    watcher = device(name + "w", watcher_keys["certificatePem"], watcher_keys["keyPair"]["PrivateKey"])
    assert watcher.connect() == ("connected", 0)
    watcher.subscribe(f"$aws/events/certificates/registered/{ca.id}")

    certificate, key = ca.issue("d")
    newcomer = device(name, certificate, key)
    assert newcomer.connect()[0] == "disconnected"
    newcomer.close()
    topic, payload = watcher.messages.get(timeout=WAIT_S)
    event = json.loads(payload)
    assert event["certificateId"] == certificate_id(certificate) and event["caCertificateId"] == ca.id
    assert event["certificateStatus"] == "PENDING_ACTIVATION" and isinstance(event["timestamp"], int)
    assert iot.describe_certificate(certificateId=event["certificateId"])["certificateDescription"]["status"] == "PENDING_ACTIVATION"

    iot.update_certificate(certificateId=event["certificateId"], newStatus="ACTIVE")
    iot.attach_policy(policyName=name, target=iot.describe_certificate(certificateId=event["certificateId"])["certificateDescription"]["certificateArn"])
    assert device(name, certificate, key).connect() == ("connected", 0)

    foreign, foreign_key = Ca(name).issue("d")
    stranger = device(name + "s", foreign, foreign_key)
    assert stranger.connect()[0] == "disconnected"
    stranger.close()
    refused(iot.describe_certificate, "ResourceNotFoundException", certificateId=certificate_id(foreign))


JITP = {
    "Parameters": {"AWS::IoT::Certificate::CommonName": {"Type": "String"}, "AWS::IoT::Certificate::Id": {"Type": "String"}},
    "Resources": {
        "thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "AWS::IoT::Certificate::CommonName"}, "AttributePayload": {"v": "1"}}},
        "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "ACTIVE"}},
        "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": ALL}}}}


def test_just_in_time_provisioning(iot, registered_ca, device, name):
    ca = registered_ca(name, registrationConfig={"templateBody": json.dumps(JITP), "roleArn": "arn:aws:iam::000000000000:role/r"})
    assert json.loads(iot.describe_ca_certificate(certificateId=ca.id)["registrationConfig"]["templateBody"]) == JITP
    certificate, key = ca.issue(name)
    first = device(name, certificate, key)
    assert first.connect()[0] == "disconnected"
    first.close()
    assert iot.describe_thing(thingName=name)["attributes"] == {"v": "1"}
    assert iot.describe_certificate(certificateId=certificate_id(certificate))["certificateDescription"]["status"] == "ACTIVE"
    assert len(iot.list_thing_principals(thingName=name)["principals"]) == 1
    assert device(name, certificate, key).connect() == ("connected", 0)


FLEET = {
    "Parameters": {"SerialNumber": {"Type": "String"}, "Site": {"Type": "String", "Default": "north"}, "AWS::IoT::Certificate::Id": {"Type": "String"}},
    "Mappings": {"Urls": {"north": {"url": "https://north.example"}}},
    "Resources": {
        "thing": {"Type": "AWS::IoT::Thing",
                  "Properties": {"ThingName": {"Fn::Join": ["-", ["fleet", {"Ref": "SerialNumber"}]]}, "AttributePayload": {"site": {"Ref": "Site"}}}},
        "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"}},
        "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": ALL}}},
    "DeviceConfiguration": {"url": {"Fn::FindInMap": ["Urls", {"Ref": "Site"}, "url"]}}}
ROLE = "arn:aws:iam::000000000000:role/fleet"


@pytest.fixture
def template(iot, name):
    iot.create_provisioning_template(templateName=name, templateBody=json.dumps(FLEET), provisioningRoleArn=ROLE, enabled=True, description="d")
    yield name
    iot.delete_provisioning_template(templateName=name)


def test_provisioning_templates(iot, template):
    described = iot.describe_provisioning_template(templateName=template)
    assert (described["enabled"], described["defaultVersionId"], described["type"]) == (True, 1, "FLEET_PROVISIONING")
    assert json.loads(described["templateBody"]) == FLEET
    refused(iot.create_provisioning_template, "ResourceAlreadyExistsException", templateName=template, templateBody=json.dumps(FLEET), provisioningRoleArn=ROLE)
    for body in ["{", "[]", "{}", json.dumps({"Resources": {"x": {"Type": "AWS::S3::Bucket"}}}), json.dumps({"Resources": {}, "Other": {}}),
                 json.dumps({"Resources": {"t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Fn::Nothing": "x"}}}}})]:
        refused(iot.create_provisioning_template, "InvalidRequestException", templateName=template + "x", templateBody=body, provisioningRoleArn=ROLE)
    version = iot.create_provisioning_template_version(templateName=template, templateBody=json.dumps(FLEET), setAsDefault=True)
    assert (version["versionId"], version["isDefaultVersion"]) == (2, True)
    refused(iot.delete_provisioning_template, "DeleteConflictException", templateName=template)
    refused(iot.delete_provisioning_template_version, "DeleteConflictException", templateName=template, versionId=2)
    assert [one["versionId"] for one in iot.list_provisioning_template_versions(templateName=template)["versions"]] == [1, 2]
    assert iot.describe_provisioning_template_version(templateName=template, versionId=1)["isDefaultVersion"] is False
    iot.update_provisioning_template(templateName=template, description="e", defaultVersionId=1)
    assert iot.describe_provisioning_template(templateName=template)["description"] == "e"
    iot.delete_provisioning_template_version(templateName=template, versionId=2)
    assert template in [one["templateName"] for one in iot.list_provisioning_templates(maxResults=250)["templates"]]
    refused(iot.describe_provisioning_template, "ResourceNotFoundException", templateName="none")


@pytest.fixture
def claim(iot, template, device):
    keys = iot.create_provisioning_claim(templateName=template)
    assert 200 < (keys["expiration"] - datetime.datetime.now(datetime.timezone.utc)).total_seconds() <= 301
    assert keys["certificateId"] not in [one["certificateId"] for one in iot.list_certificates(pageSize=250)["certificates"]]
    connected = device(template + "claim", keys["certificatePem"], keys["keyPair"]["PrivateKey"])
    assert connected.connect() == ("connected", 0)
    return connected


@pytest.mark.parametrize("form", ["json", "cbor"])
def test_fleet_provisioning(iot, template, claim, device, name, form):
    dumps, loads = (lambda v: json.dumps(v), json.loads) if form == "json" else (cbor2.dumps, cbor2.loads)
    create, provision = f"$aws/certificates/create/{form}", f"$aws/provisioning-templates/{template}/provision/{form}"
    claim.subscribe(create + "/accepted", create + "/rejected", provision + "/accepted", provision + "/rejected")
    topic, payload = claim.ask(create, dumps({}))
    assert topic == create + "/accepted"
    keys = loads(payload)
    assert set(keys) == {"certificateId", "certificatePem", "privateKey", "certificateOwnershipToken"}
    assert iot.describe_certificate(certificateId=keys["certificateId"])["certificateDescription"]["status"] == "PENDING_ACTIVATION"

    token = keys["certificateOwnershipToken"]
    topic, payload = claim.ask(provision, dumps({"certificateOwnershipToken": token, "parameters": {}}))
    assert topic == provision + "/rejected" and loads(payload)["statusCode"] == 400 and "SerialNumber" in loads(payload)["errorMessage"]
    topic, payload = claim.ask(provision, dumps({"certificateOwnershipToken": token[:-4] + "AAA=", "parameters": {"SerialNumber": name}}))
    assert loads(payload)["statusCode"] == 400
    topic, payload = claim.ask(provision, dumps({"certificateOwnershipToken": token, "parameters": {"SerialNumber": name}}))
    assert topic == provision + "/accepted", payload
    assert loads(payload) == {"deviceConfiguration": {"url": "https://north.example"}, "thingName": f"fleet-{name}"}
    assert iot.describe_thing(thingName=f"fleet-{name}")["attributes"] == {"site": "north"}
    topic, payload = claim.ask(provision, dumps({"certificateOwnershipToken": token, "parameters": {"SerialNumber": name}}))
    assert topic == provision + "/rejected", "the token is void"
    assert device(f"fleet-{name}", keys["certificatePem"], keys["privateKey"]).connect() == ("connected", 0)


HOOK = """
import json


def handler(event, context):
    serial = event["parameters"]["SerialNumber"]
    if serial.startswith("crash"):
        raise RuntimeError("asked to")
    if serial.startswith("no"):
        return {"allowProvisioning": False}
    assert event["claimCertificateId"] and event["certificateId"] and event["certificatePem"].startswith("-----BEGIN") and event["clientId"]
    assert event["templateArn"].endswith(":provisioningtemplate/" + event["parameters"]["Template"])
    return {"allowProvisioning": True, "parameterOverrides": {"Site": "south"}}
"""


def test_pre_provisioning_hook(iot, functions, template, claim, name):
    made = functions.create_function(FunctionName=name, Runtime="python3.11", Role=ROLE, Handler="index.handler", Timeout=5, MemorySize=256,
                                     Code={"ZipFile": package(HOOK)})
    body = {**FLEET, "Parameters": {**FLEET["Parameters"], "Template": {"Type": "String"}},
            "Mappings": {"Urls": {"north": {"url": "n"}, "south": {"url": "https://south.example"}}}}
    iot.create_provisioning_template_version(templateName=template, templateBody=json.dumps(body), setAsDefault=True)
    iot.update_provisioning_template(templateName=template, preProvisioningHook={"payloadVersion": "2020-04-01", "targetArn": made["FunctionArn"]})
    assert iot.describe_provisioning_template(templateName=template)["preProvisioningHook"]["targetArn"] == made["FunctionArn"]
    create, provision = "$aws/certificates/create/json", f"$aws/provisioning-templates/{template}/provision/json"
    claim.subscribe(create + "/accepted", create + "/rejected", provision + "/accepted", provision + "/rejected")
    token = json.loads(claim.ask(create, "{}")[1])["certificateOwnershipToken"]

    def ask(serial):
        answered, payload = claim.ask(provision, json.dumps({"certificateOwnershipToken": token, "parameters": {"SerialNumber": serial, "Template": template}}))
        return answered.rsplit("/", 1)[1], json.loads(payload)

    for serial in (f"no-{name}", f"crash-{name}"):
        outcome, answer = ask(serial)
        assert outcome == "rejected" and answer["errorCode"] == "ACCESS_DENIED", answer
        refused(iot.describe_thing, "ResourceNotFoundException", thingName=f"fleet-{serial}")
    outcome, answer = ask(name)
    assert outcome == "accepted", answer
    assert answer == {"deviceConfiguration": {"url": "https://south.example"}, "thingName": f"fleet-{name}"}
    assert iot.describe_thing(thingName=f"fleet-{name}")["attributes"] == {"site": "south"}
    functions.delete_function(FunctionName=name)
    iot.update_provisioning_template(templateName=template, defaultVersionId=1)
    iot.delete_provisioning_template_version(templateName=template, versionId=2)


def test_tags_come_with_what_they_are_given_to(iot, registered_ca, server, name):
    tags = [{"Key": "site", "Value": "north"}]
    arns = [f"arn:aws:iot:{server.region}:{server.account_id}:cacert/" + registered_ca(name, active=False, tags=tags).id,
            iot.create_provisioning_template(templateName=name, templateBody=json.dumps(FLEET), provisioningRoleArn=ROLE, tags=tags)["templateArn"],
            iot.create_role_alias(roleAlias=name, roleArn=ROLE, tags=tags)["roleAliasArn"]]
    rule = {"sql": "SELECT * FROM 'a'", "actions": [{"republish": {"topic": "b", "roleArn": ROLE}}]}
    iot.create_topic_rule(ruleName=name, topicRulePayload=rule, tags="site=north&note=a%20b")
    arns.append(iot.get_topic_rule(ruleName=name)["ruleArn"])
    found = [iot.list_tags_for_resource(resourceArn=arn)["tags"] for arn in arns]
    assert found[:3] == [tags] * 3 and {tag["Key"]: tag["Value"] for tag in found[3]} == {"site": "north", "note": "a b"}
    iot.tag_resource(resourceArn=arns[1], tags=[{"Key": "more", "Value": ""}])
    assert len(iot.list_tags_for_resource(resourceArn=arns[1])["tags"]) == 2
    iot.untag_resource(resourceArn=arns[1], tagKeys=["more"])
    refused(iot.create_role_alias, "InvalidRequestException", roleAlias=name + "x", roleArn=ROLE, tags=[{"Key": "aws:x", "Value": ""}])
    refused(iot.describe_role_alias, "ResourceNotFoundException", roleAlias=name + "x")
    iot.delete_provisioning_template(templateName=name)
    iot.delete_role_alias(roleAlias=name)
    iot.delete_topic_rule(ruleName=name)
    for arn in arns[1:]:
        refused(iot.list_tags_for_resource, "ResourceNotFoundException", resourceArn=arn)
    refused(iot.tag_resource, "ResourceNotFoundException", resourceArn=arns[0].rsplit(":", 1)[0] + ":job/none", tags=tags)
    iot.create_topic_rule(ruleName=name, topicRulePayload=rule)
    assert iot.list_tags_for_resource(resourceArn=arns[3])["tags"] == [], "the old rule's tags went with it"
    iot.delete_topic_rule(ruleName=name)


def test_create_from_csr_and_garbage(template, claim):
    topic = "$aws/certificates/create-from-csr/json"
    claim.subscribe(topic + "/accepted", topic + "/rejected")
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    answered, payload = claim.ask(topic, json.dumps({"certificateSigningRequest": csr.public_bytes(serialization.Encoding.PEM).decode()}))
    assert answered == topic + "/accepted" and "privateKey" not in json.loads(payload)
    for garbage in ["", "{", "[]", json.dumps({"certificateSigningRequest": "x"}), json.dumps({"certificateSigningRequest": 1}), "[" * 1000]:
        answered, payload = claim.ask(topic, garbage)
        assert answered == topic + "/rejected" and json.loads(payload)["statusCode"] == 400


def test_answers_reach_the_asker_only(iot, claim, device, name):
    iot.create_policy(policyName=name, policyDocument=ALL)
    other_keys = iot.create_keys_and_certificate(setAsActive=True)
    iot.attach_policy(policyName=name, target=other_keys["certificateArn"])
    other = device(name, other_keys["certificatePem"], other_keys["keyPair"]["PrivateKey"])
    assert other.connect() == ("connected", 0)
    topic = "$aws/certificates/create/json"
    other.subscribe(topic + "/accepted", name)
    answered, _ = claim.ask(topic, "{}")  # without a subscription
    assert answered == topic + "/accepted"
    # What was published first would have come first.
    assert other.ask(name, "x")[0] == name


def test_a_claim_may_only_provision(claim):
    claim.client.publish("elsewhere", "x", qos=1)
    assert claim.events.get(timeout=WAIT_S)[0] == "disconnected"


def test_register_thing(iot, name):
    certificate, _ = Ca(name).issue("d")
    iot.create_policy(policyName=name, policyDocument=ALL)
    made = iot.register_certificate_without_ca(certificatePem=pem(certificate), status="INACTIVE")
    body = {"Parameters": {"N": {"Type": "String"}, "I": {"Type": "String"}},
            "Resources": {"t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "N"}}},
                          "c": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "I"}}},
                          "p": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": name}}}}
    answer = iot.register_thing(templateBody=json.dumps(body), parameters={"N": name, "I": made["certificateId"]})
    assert set(answer["resourceArns"]) == {"t", "c", "p"} and answer["certificatePem"].strip() == pem(certificate).strip()
    assert iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]["status"] == "ACTIVE"
    assert iot.list_thing_principals(thingName=name)["principals"] == [made["certificateArn"]]
    refused(iot.register_thing, "ResourceRegistrationFailureException", templateBody=json.dumps(body), parameters={"N": name})
    refused(iot.register_thing, "ResourceRegistrationFailureException", templateBody=json.dumps(body), parameters={"N": name, "I": "0" * 64})
    refused(iot.register_thing, "InvalidRequestException", templateBody="{}")


def test_role_aliases(iot, server, name):
    role = "arn:aws:iam::000000000000:role/r"
    made = iot.create_role_alias(roleAlias=name, roleArn=role, credentialDurationSeconds=900)
    assert made["roleAliasArn"] == f"arn:aws:iot:{server.region}:{server.account_id}:rolealias/{name}"
    refused(iot.create_role_alias, "ResourceAlreadyExistsException", roleAlias=name, roleArn=role)
    refused(iot.create_role_alias, "InvalidRequestException", roleAlias=name + "x", roleArn="arn:aws:s3:::a-bucket-of-mine")
    described = iot.describe_role_alias(roleAlias=name)["roleAliasDescription"]
    assert (described["roleArn"], described["credentialDurationSeconds"], described["owner"]) == (role, 900, server.account_id)
    iot.update_role_alias(roleAlias=name, credentialDurationSeconds=1800)
    assert iot.describe_role_alias(roleAlias=name)["roleAliasDescription"]["credentialDurationSeconds"] == 1800
    assert name in iot.list_role_aliases(pageSize=250)["roleAliases"]
    iot.delete_role_alias(roleAlias=name)
    refused(iot.delete_role_alias, "ResourceNotFoundException", roleAlias=name)


def get_credentials(server, tmp_path, keys, alias, thing=None):
    (tmp_path / "c.pem").write_text(keys["certificatePem"])
    (tmp_path / "c.key").write_text(keys["keyPair"]["PrivateKey"])
    context = ssl.create_default_context(cafile=server.ca_file)
    context.load_cert_chain(tmp_path / "c.pem", tmp_path / "c.key")
    request = urllib.request.Request(f"https://localhost:{server.https_port}/role-aliases/{alias}/credentials")
    if thing:
        request.add_header("x-amzn-iot-thingname", thing)
    try:
        with urllib.request.urlopen(request, context=context, timeout=WAIT_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_credentials_provider(iot, make_client, server, tmp_path, name):
    iam = make_client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": {"Service": "credentials.iot.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Publish", "Resource": f"arn:aws:iot:{server.region}:{server.account_id}:topic/${{credentials-iot:ThingName}}/x"}]}))
    alias = iot.create_role_alias(roleAlias=name, roleArn=role)
    keys = iot.create_keys_and_certificate(setAsActive=True)
    assert get_credentials(server, tmp_path, keys, name) == (403, {"message": "Access Denied"})
    iot.create_policy(policyName=name, policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:AssumeRoleWithCertificate", "Resource": alias["roleAliasArn"]}]}))
    iot.attach_policy(policyName=name, target=keys["certificateArn"])
    assert get_credentials(server, tmp_path, keys, "none") == (404, {"message": "Role alias does not exist"})
    assert get_credentials(server, tmp_path, keys, name, "other") == (403, {"message": "Invalid thing name passed"})
    iot.create_thing(thingName=name)
    iot.attach_thing_principal(thingName=name, principal=keys["certificateArn"])
    status, answer = get_credentials(server, tmp_path, keys, name, name)
    assert status == 200 and set(answer["credentials"]) == {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"}
    given = answer["credentials"]
    settings = botocore.config.Config(retries={"total_max_attempts": 1}, proxies={})
    data = boto3.session.Session().client("iot-data", region_name=server.region, endpoint_url=server.api_url, config=settings,
                                          aws_access_key_id=given["accessKeyId"], aws_secret_access_key=given["secretAccessKey"],
                                          aws_session_token=given["sessionToken"])
    data.publish(topic=f"{name}/x", payload=b"x")
    refused(data.publish, "ForbiddenException", topic="other/x", payload=b"x")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    assert get_credentials(server, tmp_path, keys, name)[0] == 400
