"""What makes AWS recognise a create that is sent twice, and refuse what is in the way, put into ministack.

ministack ignores ECS's client tokens, makes a cluster for a service that names one which is not there, deletes a cluster
that has services, makes a second Cloud Map service of a name that is taken, and forgets who made the first. AWS answers a
repeated token with what it made, refuses a missing cluster, one in use, and a taken name, and tells of each Cloud Map
service whose request made it: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCluster.html,
https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateService.html. (Private names, but the version is pinned.)
"""

from __future__ import annotations

import threading
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response
from ministack.services import ecs, servicediscovery

_tokens = AccountRegionScopedDict()
_one_at_a_time = threading.RLock()
_create_ecs_service = ecs._create_service
_delete_cluster = ecs._delete_cluster
_create_registry = servicediscovery._create_service


def install() -> None:
    """Put the functions of this file in place of ministack's."""
    ecs._ACTION_MAP["CreateService"] = create_ecs_service
    ecs._ACTION_MAP["DeleteCluster"] = delete_cluster
    servicediscovery._create_service = create_registry


def create_ecs_service(data: dict[str, Any]) -> tuple[Any, ...]:
    """Create a service of ECS, or answer the one that the same token and members have made."""
    members = {name: value for name, value in data.items() if not name.startswith("_")}
    token = members.pop("clientToken", None)
    with _one_at_a_time:
        known, key = _tokens.get(token), f"{data.get('cluster', 'default')}/{data.get('serviceName')}"
        there = ecs._services.get(key)
        if known == members and there and there["status"] == "ACTIVE":
            return json_response({"service": ecs._sanitize(there)})
        if ecs._resolve_cluster_name(data.get("cluster", "default")) not in ecs._clusters:
            return error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
        answer = _create_ecs_service(data)
        if token and answer[0] == 200:
            _tokens[token] = members
        return answer


def delete_cluster(data: dict[str, Any]) -> tuple[Any, ...]:
    """Delete a cluster, unless a service is in it."""
    with _one_at_a_time:
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        inside = [key for key, service in ecs._services.items() if service["status"] == "ACTIVE"]
        if any(key.startswith(f"{cluster}/") for key in inside):
            message = "The Cluster cannot be deleted while Services are active."
            return error_response_json("ClusterContainsServicesException", message, 400)
        return _delete_cluster(data)


def create_registry(data: dict[str, Any]) -> tuple[Any, ...]:
    """Create a service of Cloud Map, unless the namespace has one of the name."""
    creator = data.get("CreatorRequestId")
    with _one_at_a_time:
        taken = [
            each
            for each in servicediscovery._services.values()
            if (each["NamespaceId"], each["Name"].lower()) == (data.get("NamespaceId"), data.get("Name", "").lower())
        ]
        if taken and creator and taken[0].get("CreatorRequestId") == creator:
            return json_response({"Service": taken[0]})
        if taken:
            named = {"ServiceId": taken[0]["Id"], "CreatorRequestId": taken[0].get("CreatorRequestId")}
            return error_response_json("ServiceAlreadyExists", "Service already exists.", 400, named)
        before = set(servicediscovery._services)
        answer = _create_registry(data)
        for made in set(servicediscovery._services) - before:
            if creator:
                servicediscovery._services[made]["CreatorRequestId"] = creator
        return answer if answer[0] != 200 else json_response({"Service": servicediscovery._services[made]})
