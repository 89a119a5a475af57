"""Jobs with boto3 (control and data plane), the AWS CLI, and the jobs clients of AWS's device SDKs for JavaScript, v1 and v2, unmodified."""
import json
import pathlib
import subprocess

import botocore.exceptions
import pytest

JS = pathlib.Path(__file__).parent / "js"
needs_js = pytest.mark.skipif(not (JS / "node_modules").exists(), reason="run `npm ci --ignore-scripts` in tests/compat/js")


@pytest.fixture
def thing(iot, name):
    return iot.create_thing(thingName=name)["thingArn"]


@pytest.fixture
def jobs_data(make_client):
    return make_client("iot-jobs-data")


def error_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_control_plane(raw, iot, thing, name):
    made = raw.ok("iot", "CreateJob", jobId=name, targets=[thing], document='{"operation":"reboot"}', description="once",
                  timeoutConfig={"inProgressTimeoutInMinutes": 5})
    assert made == {"jobArn": thing.replace(f"thing/{name}", f"job/{name}"), "jobId": name, "description": "once"}
    assert error_of(iot.create_job, jobId=name, targets=[thing], document="{}") == (409, "ResourceAlreadyExistsException")
    job = raw.ok("iot", "DescribeJob", jobId=name)["job"]
    assert (job["status"], job["targetSelection"], job["targets"]) == ("IN_PROGRESS", "SNAPSHOT", [thing])
    assert job["jobProcessDetails"]["numberOfQueuedThings"] == 1 and job["timeoutConfig"] == {"inProgressTimeoutInMinutes": 5}
    assert raw.ok("iot", "GetJobDocument", jobId=name) == {"document": '{"operation":"reboot"}'}
    assert [entry["jobId"] for entry in raw.ok("iot", "ListJobs", status="IN_PROGRESS", maxResults=250)["jobs"]].count(name) == 1
    iot.update_job(jobId=name, description="twice")
    assert raw.ok("iot", "DescribeJob", jobId=name)["job"]["description"] == "twice"
    execution = raw.ok("iot", "DescribeJobExecution", jobId=name, thingName=name)["execution"]
    assert (execution["status"], execution["executionNumber"], execution["versionNumber"], execution["thingArn"]) == ("QUEUED", 1, 1, thing)
    assert raw.ok("iot", "ListJobExecutionsForJob", jobId=name)["executionSummaries"][0]["jobExecutionSummary"]["status"] == "QUEUED"
    assert raw.ok("iot", "ListJobExecutionsForThing", thingName=name)["executionSummaries"][0]["jobId"] == name
    assert error_of(iot.delete_job, jobId=name) == (409, "InvalidStateTransitionException")
    canceled = raw.ok("iot", "CancelJob", jobId=name, comment="enough", reasonCode="TEST")
    assert canceled["jobId"] == name
    assert raw.ok("iot", "DescribeJob", jobId=name)["job"]["status"] == "CANCELED"
    iot.delete_job_execution(jobId=name, thingName=name, executionNumber=1)
    assert error_of(iot.describe_job_execution, jobId=name, thingName=name) == (404, "ResourceNotFoundException")
    iot.delete_job(jobId=name)
    assert error_of(iot.describe_job, jobId=name) == (404, "ResourceNotFoundException")


@pytest.mark.parametrize("change,status,error", [
    ({"targets": ["arn:aws:iot:us-east-1:000000000000:thing/never-made"]}, 404, "ResourceNotFoundException"),
    ({"document": "not json"}, 400, "InvalidRequestException"),
    ({"document": '"' + "x" * 32768 + '"'}, 400, "InvalidRequestException"),
    ({"timeoutConfig": {"inProgressTimeoutInMinutes": 10081}}, 400, "InvalidRequestException"),
    ({"jobExecutionsRolloutConfig": {"maximumPerMinute": 1001}}, 400, "InvalidRequestException"),
    ({"abortConfig": {"criteriaList": [{"failureType": "NONE", "action": "CANCEL", "thresholdPercentage": 5, "minNumberOfExecutedThings": 1}]}}, 400, "InvalidRequestException"),
])
def test_bad_jobs(raw, thing, name, change, status, error):
    answer = raw.call("iot", "CreateJob", **{"jobId": name, "targets": [thing], "document": "{}", **change})
    assert (answer.status, answer.error) == (status, error), answer.body
    assert raw.call("iot", "DescribeJob", jobId=name).status == 404


def test_a_device_over_https(iot, jobs_data, thing, name):
    iot.create_job(jobId=name, targets=[thing], document='{"operation":"reboot"}')
    pending = jobs_data.get_pending_job_executions(thingName=name)
    assert [entry["jobId"] for entry in pending["queuedJobs"]] == [name] and pending["inProgressJobs"] == []
    started = jobs_data.start_next_pending_job_execution(thingName=name, statusDetails={"step": "1"})["execution"]
    assert (started["status"], started["versionNumber"], started["jobDocument"]) == ("IN_PROGRESS", 2, '{"operation":"reboot"}')  # text over HTTP
    described = jobs_data.describe_job_execution(thingName=name, jobId="$next", includeJobDocument=False)["execution"]
    assert described["jobId"] == name and "jobDocument" not in described
    assert error_of(jobs_data.update_job_execution, thingName=name, jobId=name, status="SUCCEEDED", expectedVersion=9)[0] == 409
    updated = jobs_data.update_job_execution(thingName=name, jobId=name, status="SUCCEEDED", expectedVersion=2, includeJobExecutionState=True, includeJobDocument=True)
    assert updated["executionState"] == {"status": "SUCCEEDED", "statusDetails": {"step": "1"}, "versionNumber": 3} and updated["jobDocument"]
    assert error_of(jobs_data.update_job_execution, thingName=name, jobId=name, status="FAILED") == (409, "InvalidStateTransitionException")
    assert error_of(jobs_data.describe_job_execution, thingName=name, jobId=name) == (410, "TerminalStateException")
    assert error_of(jobs_data.get_pending_job_executions, thingName="never-made") == (404, "ResourceNotFoundException")
    assert iot.describe_job(jobId=name)["job"]["status"] == "COMPLETED"


def test_cli(aws, thing, name):
    made = aws("iot", "create-job", "--job-id", name, "--targets", thing, "--document", '{"a":1}')
    assert made.code == 0, made.err
    assert aws("iot", "describe-job", "--job-id", name).json["job"]["status"] == "IN_PROGRESS"
    assert aws("iot-jobs-data", "get-pending-job-executions", "--thing-name", name).json["queuedJobs"][0]["jobId"] == name
    assert aws("iot", "cancel-job", "--job-id", name, "--force").code == 0


# Devices over MQTT


@pytest.fixture
def run_script(server, iot, name, tmp_path):
    made = iot.create_keys_and_certificate(setAsActive=True)
    topics = f"$aws/things/{name}/jobs/*"
    iot.create_policy(policyName=name, policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": f"arn:aws:iot:*:*:client/{name}"},
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": f"arn:aws:iot:*:*:topic/{topics}"},
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": f"arn:aws:iot:*:*:topicfilter/{topics}"}]}))
    iot.attach_policy(policyName=name, target=made["certificateArn"])
    (tmp_path / "cert.pem").write_text(made["certificatePem"])
    (tmp_path / "key.pem").write_text(made["keyPair"]["PrivateKey"])

    def run(script, **more):
        config = {"host": "localhost", "port": server.mqtts_port, "ca": server.ca_file, "cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem"),
                  "thing": name, "clientId": name, **more}
        done = subprocess.run(["node", str(JS / script), json.dumps(config)], capture_output=True, text=True, timeout=90, env={"PATH": "/usr/bin:/bin:/usr/local/bin"})
        assert done.returncode == 0, (done.stdout, done.stderr[-2000:])
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@needs_js
def test_v1_jobs_client(run_script, iot, thing, name):
    for number in (1, 2):
        iot.create_job(jobId=f"{name}-{number}", targets=[thing], document=json.dumps({"operation": "install", "number": number}))
    events = run_script("jobs_v1.js", jobs=2)
    assert [(event["event"], event["id"], event["document"]["number"]) for event in events] == [("job", f"{name}-1", 1), ("job", f"{name}-2", 2)]
    for number in (1, 2):
        execution = iot.describe_job_execution(jobId=f"{name}-{number}", thingName=name)["execution"]
        assert (execution["status"], execution["statusDetails"]["detailsMap"]) == ("SUCCEEDED", {"step": "done"})
        assert iot.describe_job(jobId=f"{name}-{number}")["job"]["status"] == "COMPLETED"


@needs_js
def test_v2_jobs_client(run_script, iot, thing, name):
    iot.create_job(jobId=name, targets=[thing], document='{"operation":"install"}')
    events = run_script("jobs_v2.js", operations=[
        ["getPendingJobExecutions", {}], ["startNextPendingJobExecution", {"statusDetails": {"step": "1"}}], ["describeJobExecution", {"jobId": "$next"}],
        ["updateJobExecution", {"jobId": name, "status": "SUCCEEDED", "expectedVersion": 9}], ["updateJobExecution", {"jobId": name, "status": "SUCCEEDED", "expectedVersion": 2,
                                                                                                                 "includeJobExecutionState": True}],
        ["updateJobExecution", {"jobId": name, "status": "FAILED"}], ["describeJobExecution", {"jobId": "none"}], ["startNextPendingJobExecution", {}]])
    answers = [event for event in events if event["event"] in ("accepted", "rejected")]
    assert [event["event"] for event in answers] == ["accepted", "accepted", "accepted", "rejected", "accepted", "rejected", "rejected", "accepted"], events
    assert answers[0]["answer"]["queuedJobs"][0]["jobId"] == name
    assert answers[1]["answer"]["execution"]["jobDocument"] == {"operation": "install"}  # an object over MQTT
    assert answers[2]["answer"]["execution"]["status"] == "IN_PROGRESS"
    assert answers[3]["answer"]["code"] == "VersionMismatch"
    assert answers[4]["answer"]["executionState"]["status"] == "SUCCEEDED"
    assert answers[5]["answer"]["code"] == "InvalidStateTransition" and answers[6]["answer"]["code"] == "ResourceNotFound"
    assert "execution" not in answers[7]["answer"]
    notes = [event["message"]["jobs"] for event in events if event["event"] == "notify"]
    assert list(notes[0]) == ["IN_PROGRESS"] and notes[-1] == {}
    assert "execution" not in [event["message"] for event in events if event["event"] == "notify-next"][-1]
