//! Who asked can be seen in the member account, and what AWS made of it in the function's log.

use std::io::{Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use ecs_api::config::LogLevel;
use serde_json::json;

use crate::secrets::Log;
use crate::support::{Caller, TestApp, endpoint};

/// Something in front of the local AWS that hands everything on, and keeps what was sent.
struct Tee {
    endpoint: String,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Tee {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("a bound port"));
        let sent = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&sent);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                hand_on(client, &kept);
            }
        });
        Self { endpoint, sent }
    }

    /// The user agents of the calls of an operation.
    fn agents_of(&self, operation: &str) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let text = String::from_utf8_lossy(&sent).into_owned();
        let heads = text.split("POST / HTTP/1.1").filter(|head| {
            head.lines().any(|line| {
                line.to_ascii_lowercase().starts_with("x-amz-target:") && line.ends_with(operation)
            })
        });
        let agent = |head: &str| {
            let mut lines = head.lines();
            lines.find_map(|line| line.strip_prefix("user-agent: ").map(str::to_owned))
        };
        heads.filter_map(agent).collect()
    }
}

fn hand_on(mut client: TcpStream, sent: &Arc<Mutex<Vec<u8>>>) {
    let upstream = endpoint().trim_start_matches("http://");
    let mut upstream = TcpStream::connect(upstream).expect("the local AWS listens");
    let (mut to_client, mut from_upstream) =
        (client.try_clone().unwrap(), upstream.try_clone().unwrap());
    let sent = Arc::clone(sent);
    thread::spawn(move || std::io::copy(&mut from_upstream, &mut to_client));
    thread::spawn(move || {
        let mut bytes = [0; 8192];
        while let Ok(count @ 1..) = client.read(&mut bytes) {
            sent.lock().unwrap().extend(&bytes[..count]);
            upstream
                .write_all(&bytes[..count])
                .expect("the local AWS reads");
        }
        // Whichever side has ended, the other one learns of it.
        let _ = upstream.shutdown(Shutdown::Write);
    });
}

#[tokio::test]
async fn a_call_says_in_the_members_trail_for_whom_it_is_made_and_the_log_what_aws_calls_it() {
    let tee = Tee::start();
    let app = TestApp::behind(&tee.endpoint, "writer");
    app.get("/ping").await; // so that the line's place in the code is known before anybody listens
    let (log, _guard) = Log::start(LogLevel::Info);
    let made = app
        .post("/nonprod/clusters", &json!({"name": "made"}))
        .await;
    made.expect(200);
    let listed = app
        .request("GET", "/nonprod/clusters")
        .by(Caller::Reader)
        .send()
        .await;
    listed.expect(200);
    for (answer, caller, operation) in [
        (made, "writer", "CreateCluster"),
        (listed, "reader", "ListClusters"),
    ] {
        let id = answer.header("x-request-id").unwrap();
        let expected = format!("md/ecs-api-caller#{caller} md/ecs-api-request#{id}");
        let agents = tee.agents_of(operation);
        assert_eq!(agents.len(), 1, "{operation}: {agents:?}");
        assert!(
            agents[0].starts_with("aws-sdk-rust/") && agents[0].ends_with(&expected),
            "{agents:?}"
        );
        assert!(!agents[0].contains("token"), "{agents:?}");
    }
    let lines = log.lines();
    let (write, read) = (&lines[0]["aws_writes"], &lines[1]["aws_writes"]);
    let id = write
        .as_str()
        .unwrap()
        .strip_prefix("ecs:CreateCluster=")
        .unwrap();
    assert!(id.len() >= 16 && !id.contains(' '), "{write}");
    assert_eq!(read, "", "what changes nothing has no id in the log");
}

/// The name of a caller is its owner's to choose; in the user agent it is one word.
#[tokio::test]
async fn a_callers_name_adds_nothing_to_the_user_agent_but_itself() {
    let tee = Tee::start();
    let app = TestApp::behind(&tee.endpoint, "the portal\r\nx: y#z/1 é");
    app.get("/nonprod/clusters").await.expect(200);
    let agents = tee.agents_of("ListClusters");
    assert!(
        agents[0].contains("md/ecs-api-caller#the_portal__x__y_z_1__ md/ecs-api-request#"),
        "{agents:?}"
    );
}
