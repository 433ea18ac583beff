//! An engine that answers by heart: what a real one cannot be made to say, and what it is asked for.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};

use bollard::{API_DEFAULT_VERSION, Docker};
use tempfile::TempDir;

use super::DockerEngine;
use super::container::Cleaning;
use crate::engine::{EngineFacts, Product};

/// The answer to what begins so, such as `GET /containers/json`: a status and a body.
pub(super) type Answer = (&'static str, u16, &'static str);

/// The engine; it ends with its test.
pub(super) struct Ground {
    pub(super) engine: DockerEngine,
    asked: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl Ground {
    /// What is answered by none of `answers` gets no answer: the engine is gone.
    pub(super) fn new(answers: &'static [Answer]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                answer(client, answers, &list);
            }
        });
        let path = socket.to_str().unwrap();
        let docker = Docker::connect_with_unix(path, 10, API_DEFAULT_VERSION).unwrap();
        Self { engine: engine(docker), asked, _folder: folder }
    }

    /// What it was asked that begins so.
    pub(super) fn asked(&self, beginning: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.starts_with(beginning)).cloned().collect()
    }
}

fn answer(client: UnixStream, answers: &[Answer], asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client);
    let head: Vec<String> =
        reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let length = head
        .iter()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    reader.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
    let request = head.first().cloned().unwrap_or_default();
    let known = answers.iter().find(|(beginning, ..)| request.starts_with(beginning));
    asked.lock().unwrap().push(request);
    if let Some((_, status, body)) = known {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        _ = reader.into_inner().write_all(format!("{head}{body}").as_bytes());
    }
}

fn engine(docker: Docker) -> DockerEngine {
    let facts = EngineFacts {
        product: Product::Docker,
        version: String::new(),
        api_version: String::new(),
        platform: None,
        builders: Vec::new(),
        memory: 0,
        data_folder: String::new(),
    };
    DockerEngine {
        patient: docker.clone(),
        docker,
        endpoint: "test".to_owned(),
        facts,
        system: String::new(),
        rootless: false,
        cleaning: Cleaning::default(),
    }
}
