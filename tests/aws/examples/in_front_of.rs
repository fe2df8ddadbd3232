//! Serves the rules of real AWS in front of an emulator, for programs that are no tests: `in_front_of ENDPOINT`.
//!
//! Prints one line of JSON, `{"endpoint": "http://127.0.0.1:PORT"}`, and serves until standard input closes.

use std::env;
use std::error::Error;
use std::io::{self, Write as _};

use fake_aws::{FakeAws, Server};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(emulator), None) = (arguments.next(), arguments.next()) else {
        return Err("usage: in_front_of ENDPOINT, the URL of an emulator".into());
    };
    let server = Server::start(FakeAws::in_front_of(emulator))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", json!({"endpoint": server.endpoint()}))?;
    stdout.flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
