//! `tools/smoke.py`: passes where all is well, and says of a broken stack what is wrong and where to look.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};

use crate::openapi::project;
use crate::support::{Answer, Caller, TestApp};

/// The page that the configuration lets in.
const PORTAL: &str = "https://portal.example.com";
/// API Gateway's answer where the function gives none.
const DOWN: &str = r#"{"message":"Internal Server Error"}"#;

/// Runs the script, and returns whether it found all well, and what it printed.
fn smoke(url: &str) -> (bool, String) {
    let ran = Command::new(project(".venv/bin/python"))
        .arg(project("tools/smoke.py"))
        .args([url, "--origin", PORTAL])
        .env("TOKEN", Caller::Writer.token().unwrap())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .expect("`make test-tools` has installed Python");
    let printed = String::from_utf8(ran.stdout).unwrap();
    assert!(
        ran.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(
        ran.status.code(),
        Some(i32::from(printed.contains("WRONG"))),
        "{printed}"
    );
    (ran.status.success(), printed)
}

/// A request as the script sends them: method and path, the token or none, the origin of a page or none.
type Asked = (String, bool, Option<String>);

/// An answer as it goes over the wire.
#[derive(Debug, Clone)]
struct Wire {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Wire {
    fn of(answer: Answer) -> Self {
        let headers = answer.headers.iter();
        let headers =
            headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        Self {
            status: answer.status,
            headers: headers.collect(),
            body: answer.body,
        }
    }

    fn new(status: u16, media_type: &str, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), media_type.to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }
}

/// A stack: the answers to what the script asks.
#[derive(Debug, Clone)]
struct Estate(BTreeMap<Asked, Wire>);

fn asked(method_and_path: &str, is_known: bool, origin: Option<&str>) -> Asked {
    (
        method_and_path.to_owned(),
        is_known,
        origin.map(str::to_owned),
    )
}

impl Estate {
    /// A stack that is well: the function's own answers.
    async fn well() -> Self {
        let app = TestApp::with_settings(&json!({"corsOrigins": [PORTAL]}));
        let mut answers = BTreeMap::new();
        for (path, caller, origin) in [
            ("GET /ping", Caller::Anonymous, None),
            ("GET /version", Caller::Anonymous, None),
            ("GET /openapi.json", Caller::Anonymous, None),
            ("GET /docs", Caller::Anonymous, None),
            (
                "GET /smoke-no-such-account/clusters",
                Caller::Anonymous,
                None,
            ),
            (
                "OPTIONS /ping",
                Caller::Anonymous,
                Some("https://smoke.invalid"),
            ),
            ("OPTIONS /ping", Caller::Anonymous, Some(PORTAL)),
        ] {
            let (method, below) = path.split_once(' ').unwrap();
            let method = if method == "GET" { "GET" } else { "OPTIONS" };
            let request = app
                .request(method, below)
                .by(caller)
                .header("accept-encoding", "gzip");
            let request = match origin {
                Some(origin) => request.header("origin", origin),
                None => request,
            };
            answers.insert(asked(path, false, origin), Wire::of(request.send().await));
        }
        Self(answers).with_accounts()
    }

    fn with_accounts(self) -> Self {
        let account = |name: &str, access: &str| json!({"Name": name, "AccountId": "111122223333", "Region": "us-east-1", "Access": access, "Defaults": {}});
        let accounts = json!([account("nonprod", "write"), account("prod", "read")]);
        let check = |name: &str| json!({"Name": name, "Ok": true, "Detail": "is so"});
        let unseen = json!({"Name": "Network", "Detail": "not looked at"});
        let ready =
            json!({"Ready": true, "Checks": [check("AssumeRole"), check("ExecutionRole"), unseen]});
        let json = |body: &Value| Wire::new(200, "application/json", &body.to_string());
        self.but("GET /accounts", true, json(&accounts))
            .but("GET /nonprod/readiness", true, json(&ready))
            .but("GET /prod/readiness", true, json(&ready))
    }

    /// The same, with another answer.
    fn but(mut self, path: &str, is_known: bool, answer: Wire) -> Self {
        self.0.insert(asked(path, is_known, None), answer);
        self
    }

    fn but_to_page(mut self, origin: &str, answer: Wire) -> Self {
        self.0
            .insert(asked("OPTIONS /ping", false, Some(origin)), answer);
        self
    }

    /// The same, where everything is answered so.
    fn all(mut self, answer: &Wire) -> Self {
        self.0.values_mut().for_each(|each| each.clone_from(answer));
        self
    }

    /// Serves it, and returns its URL.
    fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().unwrap());
        let estate = Arc::new(self);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let estate = Arc::clone(&estate);
                thread::spawn(move || estate.answer(stream));
            }
        });
        url
    }

    fn answer(&self, stream: TcpStream) -> Option<()> {
        let mut writer = stream.try_clone().ok()?;
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let request = lines.next()?;
        let headers: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let header = |name: &str| {
            let mut pairs = headers.iter().filter_map(|line| line.split_once(": "));
            pairs
                .find(|(given, _)| given.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        };
        let path = request.replace("/v1/ecs", "").replace(" HTTP/1.1", "");
        let asked = asked(&path, header("authorization").is_some(), header("origin"));
        let missing = Wire::new(599, "text/plain", &format!("the test knows no {asked:?}"));
        let answer = self.0.get(&asked).unwrap_or(&missing);
        write!(
            writer,
            "HTTP/1.1 {} -\r\nconnection: close\r\n",
            answer.status
        )
        .ok()?;
        for (name, value) in &answer.headers {
            write!(writer, "{name}: {value}\r\n").ok()?;
        }
        write!(writer, "content-length: {}\r\n\r\n", answer.body.len()).ok()?;
        writer.write_all(&answer.body).ok()
    }
}

#[tokio::test]
async fn a_stack_that_is_well_passes() {
    let url = Estate::well().await.serve();
    for url in [url.clone(), format!("{url}/"), format!("{url}/v1/ecs")] {
        let (is_well, printed) = smoke(&url);
        assert!(is_well, "{printed}");
        let version = format!("ok     version {}, commit ", env!("CARGO_PKG_VERSION"));
        assert!(printed.starts_with(&version), "{printed}");
        for told in [
            "accounts: nonprod (write), prod (read)",
            "account prod is ready: 3 checks",
            "nothing is wrong",
        ] {
            assert!(printed.contains(told), "{told}: {printed}");
        }
    }
}

/// Asserts that the script finds nothing else wrong, and says of it what is wrong and where to look.
#[track_caller]
fn assert_wrong(estate: Estate, wrong: &str, look: &str) {
    let (is_well, printed) = smoke(&estate.serve());
    assert!(!is_well, "{printed}");
    let found: Vec<_> = printed
        .lines()
        .filter(|line| line.starts_with("WRONG"))
        .collect();
    assert_eq!(found.len(), 1, "{printed}");
    assert!(found[0].contains(wrong), "{wrong}: {printed}");
    let places: Vec<_> = printed
        .lines()
        .filter(|line| line.starts_with("       look: "))
        .collect();
    assert!(
        places.len() == 1 && places[0].contains(look),
        "{look}: {printed}"
    );
    assert!(printed.contains("1 wrong, in "), "{printed}");
}

#[tokio::test]
async fn a_function_that_does_not_start_is_told_from_a_wrong_url() {
    let well = Estate::well().await;
    let down = Wire::new(500, "application/json", DOWN);
    assert_wrong(
        well.clone().all(&down),
        "ping: 500 Internal Server Error",
        "it does not start",
    );
    let page = Wire::new(404, "text/html", "<h1>Not here</h1>");
    assert_wrong(
        well.all(&page),
        "ping: 404 <h1>Not here</h1>",
        "is URL the output ApiUrl",
    );
}

#[test]
fn nothing_at_the_url_is_told_from_a_name_that_is_none() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (url, wrong) in [
        (format!("http://{port}"), "no connection"),
        (
            "https://ecs-api.invalid".to_owned(),
            "the name does not resolve",
        ),
    ] {
        let (is_well, printed) = smoke(&url);
        assert!(!is_well && printed.contains(wrong), "{printed}");
        assert!(
            printed.contains("look: is URL the output ApiUrl"),
            "{printed}"
        );
    }
}

/// Serves bytes to whoever connects, whatever is asked, and returns the URL.
fn serve_bytes(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.write_all(bytes);
            let mut request = BufReader::new(stream).lines().map_while(Result::ok);
            // Read before it is closed: else the other side meets a reset in place of these bytes.
            let _ = request.find(String::is_empty);
        }
    });
    url
}

#[test]
fn what_does_not_speak_http_is_told_without_a_trace() {
    for bytes in [
        &b"SSH-2.0-x\r\n"[..],
        b"HTTP/1.1 200 -\r\ncontent-length: 9\r\n\r\npon",
        b"HTTP/1.1 500 -\r\ncontent-length: 9\r\n\r\npon",
        b"HTTP/1.1 200 -\r\ntransfer-encoding: chunked\r\n\r\nz\r\n",
    ] {
        let (is_well, printed) = smoke(&serve_bytes(bytes));
        assert!(!is_well && printed.contains("no HTTP"), "{printed}");
        assert!(
            printed.contains("look: is URL the output ApiUrl"),
            "{printed}"
        );
    }
}

#[tokio::test]
async fn a_gateway_that_closes_what_is_public_is_named() {
    let forbidden = Wire::new(403, "application/json", r#"{"message":"Forbidden"}"#);
    let estate = Estate::well().await.all(&forbidden);
    assert_wrong(
        estate,
        "ping: 403 Forbidden",
        "refuses what needs no caller",
    );
}

#[tokio::test]
async fn a_token_that_nobody_has_is_named() {
    let app = TestApp::scripted();
    let refused = app
        .request("GET", "/nonprod/clusters")
        .by(Caller::Stranger)
        .send()
        .await;
    let estate = Estate::well()
        .await
        .but("GET /accounts", true, Wire::of(refused));
    assert_wrong(estate, "the token: 401", "tokenSha256");
}

#[tokio::test]
async fn a_stack_of_before_is_told_from_a_wrong_url() {
    let app = TestApp::scripted();
    let missing = Wire::of(app.request("GET", "/of-a-later-version").send().await);
    let estate = Estate::well().await.but("GET /accounts", true, missing);
    assert_wrong(estate, "accounts: 404", "older than this script");
}

/// Of an account of such a stack it is known at least that its role can be assumed, and used.
#[tokio::test]
async fn an_account_of_a_stack_without_readiness_is_asked_for_its_clusters() {
    let unknown = Wire::new(
        404,
        "application/problem+json",
        r#"{"detail": "no such path"}"#,
    );
    let reached = Wire::new(200, "application/json", "[]");
    let older = Estate::well()
        .await
        .but("GET /prod/readiness", true, unknown)
        .but("GET /prod/clusters?limit=1", true, reached);
    let (is_well, printed) = smoke(&older.clone().serve());
    assert!(is_well, "{printed}");
    let told = "ok     account prod is reached; the stack is older than this script";
    assert!(printed.contains(told), "{printed}");
    let refused = Wire::new(
        502,
        "application/problem+json",
        r#"{"detail": "the role can't be assumed"}"#,
    );
    assert_wrong(
        older.but("GET /prod/clusters?limit=1", true, refused),
        "account prod: 502 the role can't be assumed",
        "the function's log",
    );
}

#[tokio::test]
async fn an_account_that_is_not_ready_is_named_with_what_mends_it() {
    let checks = json!([
        {"Name": "AssumeRole", "Ok": true, "Detail": "is so"},
        {"Name": "ExecutionRole", "Ok": false, "Detail": "there is no role `ecsTaskExecutionRole`",
         "Fix": "deploy the member's template with CreateExecutionRole=true"},
        {"Name": "Network", "Detail": "not looked at"},
    ]);
    let body = json!({"Ready": false, "Checks": checks});
    let answer = Wire::new(200, "application/json", &body.to_string());
    let estate = Estate::well()
        .await
        .but("GET /prod/readiness", true, answer);
    assert_wrong(
        estate,
        "account prod, ExecutionRole: there is no role",
        "CreateExecutionRole=true",
    );
}

#[tokio::test]
async fn an_account_whose_readiness_can_not_be_told_leads_to_the_log() {
    let answer = Wire::new(
        502,
        "application/problem+json",
        r#"{"detail": "the role can't be assumed"}"#,
    );
    let estate = Estate::well()
        .await
        .but("GET /prod/readiness", true, answer);
    assert_wrong(
        estate,
        "account prod: 502 the role can't be assumed",
        "the function's log",
    );
}

#[tokio::test]
async fn a_gateway_that_lets_every_page_in_is_named() {
    let mut open = Wire::new(204, "text/plain", "");
    open.headers
        .push(("access-control-allow-origin".to_owned(), "*".to_owned()));
    let estate = Estate::well()
        .await
        .but_to_page("https://smoke.invalid", open);
    assert_wrong(
        estate,
        "any page is let in (*)",
        "has the gateway got one of its own",
    );
}

#[tokio::test]
async fn a_page_that_is_not_let_in_is_named() {
    let closed = Wire::new(204, "text/plain", "");
    let estate = Estate::well().await.but_to_page(PORTAL, closed);
    let wrong = format!("CORS: {PORTAL} is let in: Access-Control-Allow-Origin is None");
    assert_wrong(estate, &wrong, "`corsOrigins` of the configuration");
}

#[tokio::test]
async fn something_that_rewrites_errors_is_named() {
    let rewritten = Wire::new(401, "application/problem+json", "{}");
    let path = "GET /smoke-no-such-account/clusters";
    let estate = Estate::well().await.but(path, false, rewritten);
    assert_wrong(estate, "the shape of errors", "rewrite answers");
}

#[tokio::test]
async fn an_api_that_is_open_to_everybody_is_named() {
    let open = Wire::new(200, "application/json", "[]");
    let path = "GET /smoke-no-such-account/clusters";
    let estate = Estate::well().await.but(path, false, open);
    assert_wrong(estate, "expected a 401, got 200", "callers");
}
