use serde_json::Value;

mod create_orchestration;

/// The original's documented body, "new cluster, new task definition, new service registry and new service",
/// verbatim but for the namespace.
pub fn documented(namespace_id: &str) -> Value {
    let text = r#"{
    "cluster": {
        "clustername": "myclu"
    },
    "taskdefinition": {
        "family": "mytaskdef",
        "cpu": "256",
        "memory": "512",
        "containerdefinitions": [
            {
                "name": "webserver",
                "image": "nginx:alpine",
                "ports": [80,443]
            }
        ]
    },
    "service": {
        "desiredcount": 1,
        "servicename": "webapp"
    },
    "serviceregistry": {
      "name": "www",
      "cluster": "myclu",
      "dnsconfig": {
        "namespaceid": "ns-y3uaw6neshhbev3f",
        "dnsrecords": [
          {
            "ttl": 30,
            "type": "A"
          }
        ]
      }
    }
}"#;
    serde_json::from_str(&text.replace("ns-y3uaw6neshhbev3f", namespace_id)).unwrap()
}
