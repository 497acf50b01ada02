//! `runai-step lsp`: a language server over stdin and stdout.
//!
//! The server reads operator files and the facts file, and nothing else. It runs no command and uses no network.

mod convert;
mod documents;
mod features;
mod requests;
mod server;
mod transport;
mod workspace;

use std::collections::{HashSet, VecDeque};
use std::io::{self, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use lsp_server::{ErrorCode, Message, Notification, RequestId, Response};

use self::server::Server;
use self::transport::Incoming;
use crate::args::LspArgs;
use crate::exit::Exit;

/// How often files are looked at for clients that do not watch them.
const POLL: Duration = Duration::from_secs(1);

/// Serves one client until it exits or closes its stream.
pub(crate) fn lsp(_: &LspArgs) -> Exit {
    let (sender, receiver) = mpsc::channel();
    // Reading blocks, and a cancellation must be seen while a request waits.
    thread::spawn(move || {
        let mut input = BufReader::new(io::stdin());
        while let Ok(Some(incoming)) = transport::read(&mut input) {
            if sender.send(incoming).is_err() {
                return;
            }
        }
    });
    serve(&receiver, io::stdout().lock())
}

/// Handles messages in their order, and publishes diagnostics when no message waits.
fn serve(receiver: &Receiver<Incoming>, output: impl Write) -> Exit {
    let mut server = Server::new(output);
    let mut queue = VecDeque::new();
    loop {
        queue.extend(receiver.try_iter());
        let Some(incoming) = queue.pop_front() else {
            guarded(&mut server, Server::publish);
            match receiver.recv_timeout(POLL) {
                Ok(incoming) => queue.push_back(incoming),
                Err(RecvTimeoutError::Timeout) => {
                    if !server.client.watches {
                        server.reload_changed_files();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            continue;
        };
        match incoming {
            Incoming::Malformed(why) => server.send_parse_error(&why),
            Incoming::Message(Message::Response(response)) => server.response(response),
            Incoming::Message(Message::Notification(notification)) => {
                let continues = guarded(&mut server, |server| server.notification(notification));
                if continues == Some(false) {
                    break;
                }
            }
            Incoming::Message(Message::Request(request)) => {
                let id = request.id.clone();
                if cancelled(&queue).contains(&id) {
                    let message = "the client cancelled the request".to_owned();
                    server.send(Response::new_err(id, ErrorCode::RequestCanceled as i32, message));
                } else if guarded(&mut server, |server| server.request(request)).is_none() {
                    let message = "internal error: this request failed".to_owned();
                    server.send(Response::new_err(id, ErrorCode::InternalError as i32, message));
                }
            }
        }
    }
    // The protocol wants it so: success only for a client that announced the end.
    if server.is_shut_down() { Exit::Success } else { Exit::Invalid }
}

/// Keeps the session alive if one message fails.
fn guarded<W: Write, T>(server: &mut Server<W>, act: impl FnOnce(&mut Server<W>) -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(|| act(server))).ok()
}

/// The requests that the client has cancelled since.
fn cancelled(queue: &VecDeque<Incoming>) -> HashSet<RequestId> {
    let id = |incoming: &Incoming| match incoming {
        Incoming::Message(Message::Notification(Notification { method, params })) if method == "$/cancelRequest" => {
            serde_json::from_value(params["id"].clone()).ok()
        }
        _ => None,
    };
    queue.iter().filter_map(id).collect()
}
