//! The diagnosis of a service that is not running, by AWS's own words. Each is from the page or thread that its rule
//! names.

use std::collections::BTreeSet;
use std::time::Duration;

use ecs_api::orchestration::diagnosis::rules::rules;
use fake_aws::Fault;
use serde_json::{Value, json};

use crate::services::documented;
use crate::support::scripted::{MEMBER, NAMESPACE, ScriptedApp};

const PATH: &str = "/nonprod/clusters/myclu/services/web/diagnosis";
const DEFINITION: &str = "arn:aws:ecs:us-east-1:111122223333:task-definition/web";
const SERVICE: &str = "arn:aws:ecs:us-east-1:111122223333:service/myclu/web";

/// AWS's view of a service, as far as a diagnosis reads it.
struct Shown {
    service: Value,
    tasks: Vec<Value>,
    lines: Vec<&'static str>,
}

impl Shown {
    /// A service that asks for two tasks, and has none.
    fn new() -> Self {
        Self {
            service: json!({"serviceArn": SERVICE, "serviceName": "web", "status": "ACTIVE", "desiredCount": 2,
                "runningCount": 0, "pendingCount": 0, "taskDefinition": format!("{DEFINITION}:7"), "events": [],
                "deployments": [{"id": "ecs-svc/0123456789012345678", "status": "PRIMARY", "rolloutState": "IN_PROGRESS",
                    "rolloutStateReason": "ECS deployment ecs-svc/0123456789012345678 in progress.",
                    "createdAt": 1_700_000_000.0, "updatedAt": 1_700_000_000.0}]}),
            tasks: Vec::new(),
            lines: Vec::new(),
        }
    }

    fn with(mut self, members: &Value) -> Self {
        for (name, value) in members.as_object().unwrap() {
            self.service[name] = value.clone();
        }
        self
    }

    /// Adds an event, older than those before.
    fn event(mut self, message: &str) -> Self {
        let events = self.service["events"].as_array_mut().unwrap();
        let at = 1_700_001_000 - 60 * events.len();
        events.push(json!({"id": "x", "createdAt": at, "message": message}));
        self
    }

    /// Adds a stopped task, which stopped before those before.
    fn stopped(self, code: &str, reason: &str, containers: &Value) -> Self {
        self.task(&json!({"lastStatus": "STOPPED", "stopCode": code, "stoppedReason": reason, "containers": containers}))
    }

    fn task(mut self, members: &Value) -> Self {
        let number = self.tasks.len();
        let mut task = json!({"taskArn": format!("arn:aws:ecs:us-east-1:111122223333:task/myclu/{number:032x}"),
            "taskDefinitionArn": format!("{DEFINITION}:7"), "group": "service:web", "createdAt": 1_700_000_100.0,
            "startedAt": 1_700_000_200.0, "stoppedAt": 1_700_000_900 - 60 * number});
        for (name, value) in members.as_object().unwrap() {
            task[name] = value.clone();
        }
        self.tasks.push(task);
        self
    }

    fn lines(mut self, lines: &[&'static str]) -> Self {
        self.lines = lines.to_vec();
        self
    }

    /// Lets AWS show it.
    fn show(&self, app: &ScriptedApp) {
        let answers = [
            (
                "ecs:DescribeServices",
                json!({"services": [self.service], "failures": []}),
            ),
            (
                "ecs:DescribeTasks",
                json!({"tasks": self.tasks, "failures": []}),
            ),
            (
                "ecs:DescribeTaskDefinition",
                json!({"taskDefinition": definition(), "tags": []}),
            ),
            (
                "logs:GetLogEvents",
                json!({"events": self.lines.iter().enumerate().map(|(number, line)| json!({
                "timestamp": 1_700_000_800_000_u64 + number as u64, "message": line})).collect::<Vec<_>>(),
                "nextForwardToken": "f/0/s", "nextBackwardToken": "b/0/s"}),
            ),
        ];
        for (operation, answer) in answers {
            app.aws.on(operation).meets(Fault::answer(&answer));
        }
        let arns: Vec<_> = self
            .tasks
            .iter()
            .map(|task| task["taskArn"].clone())
            .collect();
        app.aws
            .on("ecs:ListTasks")
            .whose(|input| input["desiredStatus"] == "STOPPED")
            .meets(Fault::answer(&json!({"taskArns": arns})));
        app.aws
            .on("ecs:ListTasks")
            .meets(Fault::answer(&json!({"taskArns": []})));
    }

    async fn diagnosis(&self) -> Value {
        let app = ScriptedApp::new();
        self.show(&app);
        diagnose(&app).await
    }
}

/// The essential container `app`, with a secret in its environment, and `init`, which is not essential.
fn definition() -> Value {
    let log = json!({"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "live"}});
    json!({"taskDefinitionArn": format!("{DEFINITION}:7"), "family": "web", "revision": 7, "status": "ACTIVE",
    "containerDefinitions": [
        {"name": "app", "image": "app", "logConfiguration": log,
            "environment": [{"name": "PASSWORD", "value": "hunter2-is-a-secret"}]},
        {"name": "init", "image": "init", "essential": false},
    ]})
}

async fn diagnose(app: &ScriptedApp) -> Value {
    app.send("GET", PATH, None, &json!({})).await.expect(200)
}

fn codes(diagnosis: &Value) -> Vec<&str> {
    let findings = diagnosis["Findings"].as_array().unwrap().iter();
    findings
        .map(|finding| finding["Code"].as_str().unwrap())
        .collect()
}

/// The texts of the first finding's evidence.
fn texts(diagnosis: &Value) -> Vec<&str> {
    let evidence = diagnosis["Findings"][0]["Evidence"]
        .as_array()
        .unwrap()
        .iter();
    evidence
        .map(|evidence| evidence["Text"].as_str().unwrap())
        .collect()
}

/// A container that never started, and one that exited.
fn never() -> Value {
    json!([{"name": "app", "lastStatus": "STOPPED"}])
}

fn exited(code: i32) -> Value {
    json!([{"name": "app", "lastStatus": "STOPPED", "exitCode": code},
        {"name": "init", "lastStatus": "STOPPED", "exitCode": 0}])
}

const FAILED: &str = "TaskFailedToStart";

/// Reasons of tasks that never started, each with the finding that it is.
const NEVER_STARTED: &[(&str, &str)] = &[
    (
        "ImageNotFound",
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref docker.io/library/web:nine: docker.io/library/web:nine: not found",
    ),
    (
        "ImageNotFound",
        "CannotPullContainerError: API error (404): repository 111122223333.dkr.ecr.us-east-1.amazonaws.com/web not found",
    ),
    (
        "RegistryRefuses",
        "CannotPullContainerError: pull access denied for web, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    ),
    (
        "RegistryRefuses",
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReaderSeeker: failed open: unexpected status code https://111122223333.dkr.ecr.us-east-1.amazonaws.com/v2/web/manifests/1: 403 Forbidden",
    ),
    (
        "RegistryRateLimit",
        "CannotPullContainerError: inspect image has been retried 5 time(s): httpReaderSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/web/manifests/sha256:0: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.",
    ),
    (
        "WrongArchitecture",
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor matching platform 'linux/amd64'.",
    ),
    (
        "WrongArchitecture",
        "CannotPullContainerError: failed to find a descriptor for platform {linux/amd64}",
    ),
    (
        "NoRouteToRegistry",
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref docker.io/tryretool/backend:2.110.5: failed to do request: Head \"https://registry-1.docker.io/v2/tryretool/backend/manifests/2.110.5\": dial tcp 34.205.13.154:443: i/o timeout",
    ),
    (
        "NoRouteToRegistry",
        "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network configuration. RequestError: send request failed caused by: Post \"https://api.ecr.us-east-1.amazonaws.com/\": dial tcp 44.213.79.50:443: i/o timeout",
    ),
    (
        "NoDiskSpace",
        "CannotPullContainerError: write /var/lib/docker/tmp/GetImageBlob111111111: no space left on device",
    ),
    (
        "ImageNotPulled",
        "CannotPullContainerError: pull command failed: panic: runtime error",
    ),
    (
        "SecretNotAllowed",
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:us-east-1:111122223333:secret:web from secrets manager: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/ecsTaskExecutionRole/0 is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:us-east-1:111122223333:secret:web because no identity-based policy allows the secretsmanager:GetSecretValue action",
    ),
    (
        "SecretNotFound",
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret x from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret.",
    ),
    (
        "SecretNotFound",
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid ssm parameters: /web/password",
    ),
    (
        "SecretKeyNotFound",
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): retrieved secret from Secrets Manager did not contain json key PASSWORD",
    ),
    (
        "NoRouteToSecrets",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secrets from ssm: The task cannot pull secrets from AWS Systems Manager. There is a connection issue between the task and AWS Systems Manager Parameter Store. Check your task network configuration.",
    ),
    (
        "NoRouteToSecrets",
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 5 time(s): RequestCanceled: request context canceled caused by: context deadli...",
    ),
    (
        "LogGroupNotFound",
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1",
    ),
    (
        "NoRouteToLogs",
        "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group defined in the task definition. There is a connection issue between the task and Amazon CloudWatch. Check your network configuration. : signal: killed",
    ),
    (
        "LogNotAllowed",
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: AccessDeniedException: User is not authorized to perform: logs:CreateLogStream",
    ),
    (
        "LogConfigurationNotValid",
        "ResourceInitializationError: failed to validate logger args: unable to get awslogs driver arguments: awslogs-region is required",
    ),
    (
        "EnvironmentFileNotReadable",
        "ResourceInitializationError: failed to download env files: service call has been retried 1 time(s): operation error S3: HeadObject, https response error StatusCode: 403, api error Forbidden: Forbidden.",
    ),
    (
        "VolumeNotMounted",
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: mount.nfs4: access denied by server while mounting 127.0.0.1:/",
    ),
    (
        "CommandNotFound",
        "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: OCI runtime create failed: exec: \"serve\": executable file not found in $PATH",
    ),
    (
        "ContainerNotStarted",
        "CannotStartContainerError: failed to get container status: context",
    ),
    (
        "ContainerTimedOut",
        "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m",
    ),
    (
        "NetworkInterfaceNotReady",
        "Timeout waiting for network interface provisioning to complete.",
    ),
    (
        "SubnetFull",
        "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-0a1b2c3d': InsufficientFreeAddressesInSubnet",
    ),
    (
        "SecurityGroupNotFound",
        "Unexpected EC2 error while attempting to Create Network Interface: InvalidGroup.NotFound: The security group 'sg-0' does not exist",
    ),
    ("TaskFailed", "Task failed to start"),
];

#[test]
fn the_page_lists_every_code_and_no_other() {
    let page = include_str!("../../../../docs/not-running.md");
    let (_, page) = page.split_once("## What the findings mean").unwrap();
    let of_states = [
        "NoTasksRequested",
        "ServiceNotActive",
        "Starting",
        "NothingVisible",
        "NotEverythingSeen",
    ];
    let known: BTreeSet<_> = rules().map(|rule| rule.code).chain(of_states).collect();
    let names = page.split('`').skip(1).step_by(2);
    let listed: BTreeSet<_> = names
        .filter(|name| name.starts_with(|letter: char| letter.is_ascii_uppercase()))
        .collect();
    let listed: BTreeSet<_> = listed
        .into_iter()
        .filter(|name| *name != "Severity")
        .collect();
    assert_eq!(listed, known);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_started_is_told_by_its_reason() {
    for (code, reason) in NEVER_STARTED {
        let shown = Shown::new().stopped(FAILED, reason, &never());
        let diagnosis = shown.diagnosis().await;
        assert_eq!(codes(&diagnosis), [*code], "{reason}");
        assert_eq!(texts(&diagnosis)[0], *reason);
        assert_eq!(diagnosis["Healthy"], false);
        let expected = format!(
            "0 of 2 tasks run; deployed is `web:7`. {}",
            diagnosis["Findings"][0]["Summary"].as_str().unwrap()
        );
        assert_eq!(diagnosis["Summary"], expected);
        // The service's events have the same words, while ECS still knows the task or not.
        let shown = Shown::new().event(&format!(
            "(service web) was unable to place a task. Reason: {reason}"
        ));
        let diagnosis = shown.diagnosis().await;
        let expected = if *code == "TaskFailed" {
            "TaskNotPlaced"
        } else {
            code
        };
        assert_eq!(codes(&diagnosis), [expected], "{reason}");
    }
}

/// Events of a service, each with the finding that it is.
const EVENTS: &[(&str, &str)] = &[
    (
        "NoCapacity",
        "(service web) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone. For more information, see the Troubleshooting section.",
    ),
    (
        "QuotaReached",
        "(service web) was unable to place a task. Reason: You've reached the limit on the number of tasks you can run concurrently",
    ),
    (
        "QuotaReached",
        "(service web) was unable to place a task. Reason: You’ve reached the limit on the number of vCPUs you can run concurrently",
    ),
    (
        "QuotaReached",
        "(service web) was unable to place a task. Reason: The requested CPU configuration is above your limit.",
    ),
    (
        "ZoneNotSupported",
        "(service web) was unable to place a task. Reason: Internal error.",
    ),
    (
        "NoContainerInstance",
        "(service web) was unable to place a task because no container instance met all of its requirements. Reason: No Container Instances were found in your cluster.",
    ),
    (
        "RoleNotAssumable",
        "(service web) failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::111122223333:role/web' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.).",
    ),
    (
        "TargetGivesWrongCode",
        "(service web) (task 0123456789abcdef0123456789abcdef) (port 8080) is unhealthy in (target-group arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/web/0123456789abcdef) due to (reason Health checks failed with these codes: [404]).",
    ),
    (
        "TargetDoesNotAnswer",
        "(service web) (task 0123456789abcdef0123456789abcdef) (port 8080) is unhealthy in (target-group arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/web/0123456789abcdef) due to (reason Request timed out).",
    ),
    (
        "TargetZoneNotEnabled",
        "(service web) (port 3000) is unhealthy in (target-group web) due to (reason Target is in an Availability Zone that is not enabled for the load balancer).",
    ),
    (
        "TargetGroupUnused",
        "(service web) (port 3000) is unhealthy in (target-group web) due to (reason Target group is not configured to receive traffic from the load balancer).",
    ),
    (
        "TargetUnhealthy",
        "(service web) (port 3000) is unhealthy in (target-group web) due to (reason Health checks failed).",
    ),
    (
        "TargetNotRegistered",
        "(service web) failed to register targets in (target-group arn:aws:elasticloadbalancing:us-west-2:111111111111:targetgroup/web/0) with (error The following targets are not in the target group VPC 'vpc-0')",
    ),
    (
        "ContainerUnhealthy",
        "(service web) (task 0123456789abcdef0123456789abcdef) failed container health checks.",
    ),
    (
        "DeploymentStuck",
        "(service web) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.",
    ),
    (
        "TasksDoNotStart",
        "(service web) is unable to consistently start tasks successfully.",
    ),
    (
        "DeploymentFailed",
        "(service web) (deployment ecs-svc/4135006185409410497) deployment failed: tasks failed to start.",
    ),
];

#[tokio::test(start_paused = true)]
async fn an_event_of_the_service_is_told() {
    for (code, message) in EVENTS {
        let diagnosis = Shown::new().event(message).diagnosis().await;
        assert_eq!(codes(&diagnosis), [*code], "{message}");
        assert_eq!(texts(&diagnosis), [*message]);
        assert_eq!(diagnosis["Findings"][0]["Evidence"][0]["Source"], "event");
    }
    // ECS tries again by itself: this alone is no cause.
    let throttled =
        Shown::new().event("(service web) operations are being throttled. Will try again later.");
    assert_eq!(
        codes(&throttled.diagnosis().await),
        ["NothingVisible", "EcsThrottled"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_of_a_telling_name_is_no_finding() {
    let shown =
        Shown::new().event("(service rolling back to outofmemory) has started 1 tasks: (task 0).");
    assert_eq!(codes(&shown.diagnosis().await), ["NothingVisible"]);
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ends_is_told_with_its_last_lines() {
    const EXITED: &str = "Essential container in task exited";
    for (code, exit_code) in [
        ("ExitedWithError", 1),
        ("ExitedWithError", 255),
        ("CommandNotFound", 127),
        ("Crashed", 139),
        ("Killed", 137),
        ("EndedByItself", 0),
    ] {
        let shown = Shown::new()
            .stopped("EssentialContainerExited", EXITED, &exited(exit_code))
            .lines(&["connecting to db:5432", "fatal: no route to host"]);
        let diagnosis = shown.diagnosis().await;
        assert_eq!(codes(&diagnosis), [code], "{exit_code}");
        let expected = [
            &*format!("exit code {exit_code}"),
            "connecting to db:5432",
            "fatal: no route to host",
        ];
        assert_eq!(texts(&diagnosis), expected);
    }
    let mut killed = exited(137);
    killed[0]["reason"] = "OutOfMemoryError: Container killed due to memory usage".into();
    let shown = Shown::new().stopped("EssentialContainerExited", EXITED, &killed);
    assert_eq!(codes(&shown.diagnosis().await), ["OutOfMemory"]);
    let shown = Shown::new()
        .stopped("EssentialContainerExited", EXITED, &exited(1))
        .lines(&["exec /usr/local/bin/serve: exec format error"]);
    assert_eq!(codes(&shown.diagnosis().await), ["WrongArchitecture"]);
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ecs_stopped_after_another_one_is_not_blamed() {
    for (code, exit_code) in [("ExitedWithError", 1), ("EndedByItself", 0)] {
        let containers =
            json!([{"name": "agent", "exitCode": 137}, {"name": "app", "exitCode": exit_code}]);
        let shown = Shown::new().stopped(
            "EssentialContainerExited",
            "Essential container in task exited",
            &containers,
        );
        let app = ScriptedApp::new();
        let both_are_essential = json!({"taskDefinitionArn": format!("{DEFINITION}:7"), "family": "web", "revision": 7,
            "status": "ACTIVE", "containerDefinitions": [{"name": "agent", "image": "agent"},
                {"name": "app", "image": "app"}]});
        app.aws
            .on("ecs:DescribeTaskDefinition")
            .meets(Fault::answer(
                &json!({"taskDefinition": both_are_essential, "tags": []}),
            ));
        shown.show(&app);
        let diagnosis = diagnose(&app).await;
        assert_eq!(codes(&diagnosis), [code]);
        let evidence = &diagnosis["Findings"][0]["Evidence"][0];
        assert_eq!(evidence["Text"], format!("exit code {exit_code}"));
        let source = "container `app` of task 00000000000000000000000000000000, web:7";
        assert_eq!(evidence["Source"], source);
    }
}

#[tokio::test(start_paused = true)]
async fn what_ends_a_task_from_outside_is_told_by_who_did_it() {
    for (code, stop_code, reason) in [
        (
            "SpotInterrupted",
            "SpotInterruption",
            "Your Spot Task was interrupted.",
        ),
        ("StoppedByHand", "UserInitiated", "Task stopped by user"),
        (
            "HostRetired",
            "TerminationNotice",
            "Host EC2 (instance i-0) terminated.",
        ),
    ] {
        let shown = Shown::new().stopped(stop_code, reason, &exited(137));
        let diagnosis = shown.diagnosis().await;
        assert_eq!(codes(&diagnosis), ["NothingVisible", code]);
    }
    let scaled = "Scaling activity initiated by (deployment ecs-svc/0123456789012345678)";
    let shown = Shown::new().stopped("ServiceSchedulerInitiated", scaled, &exited(143));
    assert_eq!(codes(&shown.diagnosis().await), ["NothingVisible"]);
    let unhealthy = "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/0)";
    let shown = Shown::new().stopped("ServiceSchedulerInitiated", unhealthy, &exited(143));
    assert_eq!(codes(&shown.diagnosis().await), ["TargetUnhealthy"]);
}

#[tokio::test(start_paused = true)]
async fn the_likeliest_comes_first_and_equal_ones_are_counted() {
    const OLD: &str = "CannotPullContainerError: manifest unknown";
    let mut shown = Shown::new()
        .stopped(
            "EssentialContainerExited",
            "Essential container in task exited",
            &exited(3),
        )
        .stopped(
            "EssentialContainerExited",
            "Essential container in task exited",
            &exited(4),
        )
        .stopped(
            "EssentialContainerExited",
            "Essential container in task exited",
            &exited(5),
        )
        .stopped(FAILED, OLD, &never())
        .stopped("UserInitiated", "Task stopped by user", &exited(137))
        .event("(service web) is unable to consistently start tasks successfully.");
    // The third is of another revision.
    shown.tasks[2]["taskDefinitionArn"] = format!("{DEFINITION}:6").into();
    let diagnosis = shown.diagnosis().await;
    assert_eq!(
        codes(&diagnosis),
        [
            "ExitedWithError",
            "ImageNotFound",
            "TasksDoNotStart",
            "StoppedByHand"
        ]
    );
    let first = &diagnosis["Findings"][0];
    assert_eq!(first["Count"], 3);
    // The newest of each revision.
    assert_eq!(texts(&diagnosis)[..2], ["exit code 3", "exit code 5"]);
    let sources: Vec<_> = first["Evidence"].as_array().unwrap()[..2]
        .iter()
        .map(|evidence| evidence["Source"].as_str().unwrap())
        .collect();
    assert_eq!(
        sources,
        [
            "container `app` of task 00000000000000000000000000000000, web:7",
            "container `app` of task 00000000000000000000000000000002, web:6",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn health_checks_that_fail_are_told_once_in_the_words_that_say_most() {
    let unhealthy = "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/0)";
    let shown = Shown::new()
        .stopped("ServiceSchedulerInitiated", unhealthy, &exited(143))
        .event("(service web) (port 80) is unhealthy in (target-group web) due to (reason Request timed out).");
    assert_eq!(codes(&shown.diagnosis().await), ["TargetDoesNotAnswer"]);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_service_says_so_and_one_that_starts_says_that() {
    let steady = json!({"runningCount": 2, "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY",
        "rolloutState": "COMPLETED", "rolloutStateReason": "ECS deployment ecs-svc/1 completed.", "createdAt": 1.0}]});
    let shown = Shown::new()
        .with(&steady)
        .event("(service web) has reached a steady state.")
        .event("(service web) was unable to place a task. Reason: Capacity is unavailable at this time.");
    let diagnosis = shown.diagnosis().await;
    let expected = json!({"Healthy": true, "Summary": "2 of 2 tasks run; deployed is `web:7`.", "Findings": []});
    assert_eq!(diagnosis, expected);

    for members in [
        json!({"pendingCount": 2}),
        json!({"runningCount": 2}),
        json!({"runningCount": 1, "pendingCount": 1}),
    ] {
        let diagnosis = Shown::new().with(&members).diagnosis().await;
        assert_eq!(codes(&diagnosis), ["Starting"], "{members}");
        assert_eq!(diagnosis["Healthy"], false);
    }
    // A real service, which has just been made.
    let app = ScriptedApp::new();
    app.create(None, &documented(NAMESPACE)).await.expect(200);
    let path = "/nonprod/clusters/myclu/services/webapp/diagnosis";
    let diagnosis = app.send("GET", path, None, &json!({})).await.expect(200);
    assert_eq!(codes(&diagnosis), ["Starting"], "{diagnosis}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_nobody_asks_for_tasks_or_that_is_gone_says_so() {
    let diagnosis = Shown::new()
        .with(&json!({"desiredCount": 0}))
        .diagnosis()
        .await;
    assert_eq!(codes(&diagnosis), ["NoTasksRequested"]);
    assert_eq!(diagnosis["Healthy"], false);
    let diagnosis = Shown::new()
        .with(&json!({"status": "DRAINING"}))
        .diagnosis()
        .await;
    assert_eq!(codes(&diagnosis), ["ServiceNotActive"]);
    let diagnosis = Shown::new().diagnosis().await;
    assert_eq!(codes(&diagnosis), ["NothingVisible"]);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_was_rolled_back_is_told_although_the_service_is_steady_again() {
    let completed = json!({"runningCount": 2, "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY",
        "rolloutState": "COMPLETED", "rolloutStateReason": "ECS deployment ecs-svc/1 completed.", "createdAt": 1.0}]});
    let shown = Shown::new()
        .with(&completed)
        .event("(service web) has reached a steady state.")
        .event("(service web) rolling back to deployment ecs-svc/1.")
        .event("(service web) (deployment ecs-svc/2) deployment failed: tasks failed to start.")
        .event("(service web) was unable to place a task. Reason: CannotPullContainerError: manifest unknown")
        .event("(service web) has reached a steady state.")
        .event("(service web) was unable to place a task. Reason: Capacity is unavailable at this time.");
    let diagnosis = shown.diagnosis().await;
    assert_eq!(codes(&diagnosis), ["ImageNotFound", "RolledBack"]);
    assert_eq!(diagnosis["Healthy"], false);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_only_events_name_are_looked_at_by_their_arns() {
    let id = "89abcdef0123456789abcdef01234567";
    let app = ScriptedApp::new();
    let shown = Shown::new()
        .event(&format!("(service web) has started 1 tasks: (task {id})."))
        .stopped(
            "EssentialContainerExited",
            "Essential container in task exited",
            &exited(1),
        );
    shown.show(&app);
    app.aws.forget_script();
    app.aws
        .on("ecs:ListTasks")
        .meets(Fault::answer(&json!({"taskArns": []})));
    shown.show(&app);
    let diagnosis = diagnose(&app).await;
    assert_eq!(codes(&diagnosis), ["ExitedWithError"]);
    let asked = app.aws.sent("ecs:DescribeTasks")[0]["tasks"].take();
    assert_eq!(
        asked,
        json!([format!("arn:aws:ecs:us-east-1:{MEMBER}:task/myclu/{id}")])
    );
}

#[tokio::test(start_paused = true)]
async fn a_diagnosis_is_four_trips_deep_and_changes_nothing() {
    let app = ScriptedApp::new();
    Shown::new()
        .stopped(
            "EssentialContainerExited",
            "Essential container in task exited",
            &exited(1),
        )
        .lines(&["a"])
        .show(&app);
    app.aws.set_latency(Duration::from_millis(20));
    diagnose(&app).await;
    let operations = app.aws.operations();
    // The first is AssumeRole, which is remembered.
    assert!(app.aws.depth() <= 5, "{operations:?}");
    assert!(operations.len() <= 11, "{operations:?}");
    for operation in &operations {
        let (_, name) = operation.split_once(':').unwrap();
        let reads = ["Assume", "Describe", "List", "Get"];
        assert!(
            reads.iter().any(|verb| name.starts_with(verb)),
            "{operation}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_looked_at_is_one_finding_less_and_said() {
    for operation in [
        "ecs:ListTasks",
        "ecs:DescribeTasks",
        "ecs:DescribeTaskDefinition",
        "logs:GetLogEvents",
    ] {
        let app = ScriptedApp::new();
        app.aws
            .on(operation)
            .meets(Fault::refuse("AccessDeniedException", "No"));
        let event = "(service web) is unable to consistently start tasks successfully.";
        let shown = Shown::new()
            .stopped(
                "EssentialContainerExited",
                "Essential container in task exited",
                &exited(1),
            )
            .event(event);
        shown.show(&app);
        let diagnosis = diagnose(&app).await;
        let codes = codes(&diagnosis);
        assert!(codes.contains(&"TasksDoNotStart"), "{operation}: {codes:?}");
        assert_eq!(codes.last(), Some(&"NotEverythingSeen"), "{operation}");
        let last = diagnosis["Findings"].as_array().unwrap().last().unwrap();
        assert_eq!(last["Evidence"][0]["Source"], operation);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_aws_does_not_show_is_a_problem() {
    let app = ScriptedApp::new();
    let none = json!({"services": [], "failures": [{"arn": SERVICE, "reason": "MISSING"}]});
    app.aws
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&none));
    app.aws
        .on("ecs:ListTasks")
        .meets(Fault::answer(&json!({"taskArns": []})));
    let problem = app.send("GET", PATH, None, &json!({})).await.problem(404);
    assert_eq!(
        problem["detail"],
        "there is no service `web` in the cluster `myclu`"
    );
    app.aws.forget_script();
    app.aws
        .on("ecs:DescribeServices")
        .meets(Fault::refuse("AccessDeniedException", "No"));
    app.send("GET", PATH, None, &json!({})).await.problem(403);
}

#[tokio::test(start_paused = true)]
async fn lines_beyond_the_fence_are_not_shown_and_no_value_of_the_environment_is() {
    let failed = || {
        Shown::new()
            .stopped(
                "EssentialContainerExited",
                "Essential container in task exited",
                &exited(1),
            )
            .lines(&["a line of somebody else"])
    };
    let app = ScriptedApp::with_account(&json!({"logGroups": ["/other/*"]}));
    failed().show(&app);
    let diagnosis = diagnose(&app).await;
    assert_eq!(codes(&diagnosis), ["ExitedWithError"]);
    let fenced = "no line is shown: the container logs to the group `/ecs/web`, which is not read; this account's groups that \
                  are match `/other/*`";
    assert_eq!(texts(&diagnosis), ["exit code 1", fenced]);
    assert_eq!(app.aws.sent("logs:GetLogEvents"), [Value::Null; 0]);

    let diagnosis = failed().diagnosis().await.to_string();
    assert!(diagnosis.contains("a line of somebody else"));
    assert!(!diagnosis.contains("hunter2"), "{diagnosis}");
}
