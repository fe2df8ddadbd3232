//! The door for other processes: HTTP on a free port of this machine.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::thread::JoinHandle;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use crate::call::Request;
use crate::client::BrokenBody;
use crate::fake_aws::{FakeAws, Outcome};

/// A server of an AWS. It ends with this value.
#[derive(Debug)]
pub struct Server {
    endpoint: String,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves a door of an AWS, in real time.
    ///
    /// # Errors
    ///
    /// If this machine has no free port.
    ///
    /// # Panics
    ///
    /// If this machine starts no more threads.
    pub fn start(aws: FakeAws) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // It never comes: the other end goes.
                    _ = stopped => {}
                    () = accept(listener, aws) => {}
                }
            });
        });
        Ok(Self {
            endpoint,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns the URL that takes the place of AWS's endpoints.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told where it happened.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, aws: FakeAws) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("the runtime has a driver");
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let aws = aws.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(aws.clone(), request));
            // A client that goes away is no fault of ours.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Response = hyper::Response<BoxBody<Bytes, io::Error>>;

async fn answer(aws: FakeAws, request: hyper::Request<Incoming>) -> io::Result<Response> {
    let request = read(request).await?;
    // What was sent is done, also if nobody waits for it any more.
    let outcome = tokio::spawn(aws.serve(request)).await;
    let outcome = outcome.map_err(io::Error::other)?;
    let (answer, body) = match outcome {
        Outcome::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
        Outcome::Answer(answer) => {
            let body = Full::new(Bytes::from(answer.body.clone()));
            (answer, body.map_err(|never| match never {}).boxed())
        }
        Outcome::FirstHalf(answer) => {
            let body = BrokenBody::half_of(&answer);
            (answer, body.boxed())
        }
    };
    let kind = if answer.body.starts_with(b"<") {
        "text/xml"
    } else {
        "application/x-amz-json-1.1"
    };
    hyper::Response::builder()
        .status(answer.status)
        .header("content-type", kind)
        .header("content-length", answer.body.len())
        .header("x-amzn-requestid", "00000000-0000-4000-8000-00000000aaaa")
        .body(body)
        .map_err(io::Error::other)
}

async fn read(request: hyper::Request<Incoming>) -> io::Result<Request> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?;
    let headers = head.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let mut request = Request {
        method: head.method.as_str().to_owned(),
        target: head.uri.to_string(),
        host: String::new(),
        headers,
        body: body.to_bytes().to_vec(),
    };
    request.host = request.header("host").to_owned();
    Ok(request)
}
