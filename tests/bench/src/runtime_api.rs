//! Lambda's Runtime API, for one function on this machine
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::JoinHandle;

/// Milliseconds that an invocation may last.
const TIME_MS: u128 = 29_000;

/// The server. It ends with this value.
pub struct RuntimeApi {
    /// Its host and port, as `AWS_LAMBDA_RUNTIME_API` names them.
    pub address: String,
    events: mpsc::UnboundedSender<Value>,
    answers: mpsc::UnboundedReceiver<Answer>,
    asked: mpsc::UnboundedReceiver<Instant>,
    server: JoinHandle<()>,
}

/// An answer of the function.
pub struct Answer {
    /// The moment at which the event went out.
    pub sent: Instant,
    /// The moment at which the whole answer was here.
    pub came: Instant,
    /// What the function answered.
    pub body: Bytes,
}

struct Shared {
    events: AsyncMutex<mpsc::UnboundedReceiver<Value>>,
    answers: mpsc::UnboundedSender<Answer>,
    asked: mpsc::UnboundedSender<Instant>,
    sent: Mutex<Instant>,
    number: AtomicU64,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (events, taken) = mpsc::unbounded_channel();
        let (answered, answers) = mpsc::unbounded_channel();
        let (asks, asked) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            events: AsyncMutex::new(taken),
            answers: answered,
            asked: asks,
            sent: Mutex::new(Instant::now()),
            number: AtomicU64::new(1),
        });
        let server = tokio::spawn(accept(listener, shared));
        Ok(Self {
            address,
            events,
            answers,
            asked,
            server,
        })
    }

    /// Waits until the function asks for an event, and returns the moment.
    pub async fn until_asked(&mut self) -> Option<Instant> {
        self.asked.recv().await
    }

    /// Gives the function an event, and waits for its answer.
    pub async fn invoke(&mut self, event: Value) -> Option<Answer> {
        self.events.send(event).ok()?;
        self.answers.recv().await
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        // What is measured is the function, not how this machine gathers small packets.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            // A function that is ended goes away in the middle.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/next") {
        return Ok(next(&shared).await);
    }
    let body = request.into_body().collect().await;
    let body = body.map(http_body_util::Collected::to_bytes);
    let sent = *shared.sent.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = Answer {
        sent,
        came: Instant::now(),
        body: body.unwrap_or_default(),
    };
    // Nobody waits for the answer to an event that a function of before was given.
    let _ = shared.answers.send(answer);
    let accepted = Response::builder().status(202).body(Full::default());
    Ok(accepted.expect("it is an answer"))
}

async fn next(shared: &Shared) -> Response<Full<Bytes>> {
    let _ = shared.asked.send(Instant::now());
    let event = shared.events.lock().await.recv().await;
    let Some(event) = event else {
        // The bench is over, and ends the function.
        return std::future::pending().await;
    };
    let number = shared.number.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let deadline = now.map_or(0, |now| now.as_millis()) + TIME_MS;
    let response = Response::builder()
        .header(
            "lambda-runtime-aws-request-id",
            format!("00000000-0000-4000-8000-{number:012}"),
        )
        .header("lambda-runtime-deadline-ms", deadline.to_string())
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:ecs-api",
        )
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(event.to_string())));
    *shared.sent.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    response.expect("it is an answer")
}
