"""What people write instead: the calls of AWS one after the other, with boto3.

`by_hand.py ENDPOINT` creates, shows and deletes a service of each name that it reads, and prints what each of the three took, in
milliseconds. The session and its connections are there before anything is measured.
"""

import json
import sys
import time

import boto3
from botocore.config import Config

ROLE = "arn:aws:iam::111122223333:role/ecs-api"
NAMESPACE = "ns-y3uaw6neshhbev3f"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"], "securityGroups": ["sg-0a1b2c3d"], "assignPublicIp": "DISABLED"}}


def clients(endpoint):
    own = {"region_name": "us-east-1", "endpoint_url": endpoint, "config": Config(user_agent_appid="by-hand")}
    hub = boto3.Session(aws_access_key_id="123456789012", aws_secret_access_key="bench")
    role = hub.client("sts", **own).assume_role(RoleArn=ROLE, RoleSessionName="by-hand")["Credentials"]
    member = boto3.Session(
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
    )
    return member.client("ecs", **own), member.client("servicediscovery", **own)


def create(ecs, discovery, name):
    ecs.create_cluster(clusterName=name)
    ecs.register_task_definition(
        family=name,
        cpu="256",
        memory="512",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        executionRoleArn="arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
        containerDefinitions=[{"name": "web", "image": "nginx:1.27", "portMappings": [{"containerPort": 80}]}],
    )
    registry = discovery.create_service(
        Name=name,
        NamespaceId=NAMESPACE,
        DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 30}]},
        HealthCheckCustomConfig={"FailureThreshold": 1},
    )["Service"]
    ecs.create_service(
        cluster=name,
        serviceName=name,
        taskDefinition=name,
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration=NETWORK,
        serviceRegistries=[{"registryArn": registry["Arn"]}],
    )


def show(ecs, discovery, name):
    service = ecs.describe_services(cluster=name, services=[name], include=["TAGS"])["services"][0]
    for status in ("RUNNING", "STOPPED"):
        ecs.list_tasks(cluster=name, serviceName=name, desiredStatus=status)
    ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
    registry = service["serviceRegistries"][0]["registryArn"].rsplit("/", 1)[1]
    registry = discovery.get_service(Id=registry)["Service"]
    discovery.get_namespace(Id=registry.get("NamespaceId") or registry["DnsConfig"]["NamespaceId"])
    return registry["Id"]


def delete(ecs, discovery, name, registry):
    ecs.delete_service(cluster=name, service=name, force=True)
    service = ecs.describe_services(cluster=name, services=[name])["services"][0]
    while service["runningCount"] + service["pendingCount"] > 0:
        time.sleep(0.5)
        service = ecs.describe_services(cluster=name, services=[name])["services"][0]
    discovery.list_instances(ServiceId=registry)
    discovery.delete_service(Id=registry)
    ecs.delete_cluster(cluster=name)


def main(endpoint):
    ecs, discovery = clients(endpoint)
    ecs.list_clusters()
    discovery.list_namespaces()

    def measure(took, work, *rest):
        begun = time.perf_counter()
        result = work(ecs, discovery, *rest)
        took.append((time.perf_counter() - begun) * 1000)
        return result

    for line in sys.stdin:
        name, took = line.strip(), []
        measure(took, create, name)
        registry = measure(took, show, name)
        measure(took, delete, name, registry)
        print(json.dumps(took), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
