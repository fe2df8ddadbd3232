//! TLS in front of an endpoint, and a way to it that takes its time: what a sandbox in a VPC has between itself and AWS.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::version::TLS13;

/// The file with the root certificates of most Linux distributions.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A door with TLS 1.3. It ends with this value.
pub struct SlowTls {
    /// The URL that takes the place of AWS's endpoints.
    pub endpoint: String,
    /// The same by another host, as each service of AWS has its own.
    pub other_endpoint: String,
    /// The system's root certificates, and the one of this door.
    pub roots: PathBuf,
    way: Arc<Way>,
    doors: JoinHandle<()>,
}

/// The way to the door.
struct Way {
    acceptor: TlsAcceptor,
    /// The host and port behind the door.
    behind: String,
    round_trip: Duration,
    /// The round trips of all connections so far.
    trips: AtomicU64,
}

impl SlowTls {
    /// Opens a door to an HTTP endpoint, with this time for a round trip.
    ///
    /// # Errors
    /// Where this machine has no free port, or `folder` can't be written.
    pub async fn start(endpoint: &str, round_trip: Duration, folder: &Path) -> io::Result<Self> {
        let (acceptor, root) = certify().map_err(io::Error::other)?;
        let roots = folder.join("roots.pem");
        let system = fs::read_to_string(SYSTEM_ROOTS).unwrap_or_default();
        fs::write(&roots, system + &root)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let way = Arc::new(Way {
            acceptor,
            behind: endpoint.trim_start_matches("http://").to_owned(),
            round_trip,
            trips: AtomicU64::new(0),
        });
        let doors = tokio::spawn(accept(listener, Arc::clone(&way)));
        Ok(Self {
            endpoint: format!("https://localhost:{port}"),
            other_endpoint: format!("https://127.0.0.1:{port}"),
            roots,
            way,
            doors,
        })
    }

    /// Returns the round trips of all connections so far: one to open a connection, and one each time that the client speaks
    /// after it was spoken to.
    pub fn trips(&self) -> u64 {
        self.way.trips.load(Ordering::Relaxed)
    }
}

impl Drop for SlowTls {
    fn drop(&mut self) {
        self.doors.abort();
    }
}

/// Makes a certificate for this machine, and the root that vouches for it.
fn certify() -> Result<(TlsAcceptor, String), Box<dyn std::error::Error + Send + Sync>> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["localhost", "127.0.0.1"].map(str::to_owned))?
        .signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_protocol_versions(&[&TLS13])
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok((TlsAcceptor::from(Arc::new(config)), issuer.pem()))
}

async fn accept(listener: TcpListener, way: Arc<Way>) {
    while let Ok((stream, _)) = listener.accept().await {
        let way = Arc::clone(&way);
        tokio::spawn(async move {
            // A function that is ended goes away in the middle.
            let _ = way.carry(stream).await;
        });
    }
}

impl Way {
    /// Carries a connection: SYN and its answer take a trip, and then each byte half of one in its direction.
    async fn carry(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        self.count_trip();
        sleep(self.round_trip).await;
        let (near, far) = tokio::io::duplex(1 << 20);
        let (from_client, to_client) = stream.into_split();
        let (from_server, to_server) = split(near);
        let client_is_next = AtomicBool::new(true);
        let client_speaks = || {
            if client_is_next.swap(false, Ordering::Relaxed) {
                self.count_trip();
            }
        };
        let client_was_spoken_to = || client_is_next.store(true, Ordering::Relaxed);
        let half = self.round_trip / 2;
        let delays = async {
            tokio::join!(
                delay(from_client, to_server, half, client_speaks, || ()),
                delay(from_server, to_client, half, || (), client_was_spoken_to)
            )
        };
        let work = async {
            let mut tls = self.acceptor.accept(far).await?;
            let mut plain = TcpStream::connect(&self.behind).await?;
            plain.set_nodelay(true)?;
            tokio::io::copy_bidirectional(&mut tls, &mut plain).await
        };
        let (_, done) = tokio::join!(delays, work);
        done.map(|_| ())
    }

    fn count_trip(&self) {
        self.trips.fetch_add(1, Ordering::Relaxed);
    }
}

/// Copies what comes, each piece so much later. It tells when one comes, and when one is delivered.
async fn delay(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    time: Duration,
    comes: impl Fn(),
    is_delivered: impl Fn(),
) -> io::Result<()> {
    let (sender, mut pieces) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut piece = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            comes();
            if sender
                .send((Instant::now() + time, piece[..length].to_vec()))
                .is_err()
            {
                break;
            }
        }
    };
    let write = async move {
        while let Some((due, piece)) = pieces.recv().await {
            sleep_until(due).await;
            to.write_all(&piece).await?;
            to.flush().await?;
            is_delivered();
        }
        to.shutdown().await
    };
    tokio::join!(read, write).1
}
