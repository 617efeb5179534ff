//! One download: goes on where an earlier one stopped, and checks what it got.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use crate::checksum::{Checksum, Running};
use crate::client::{Answer, Client};
use crate::error::HubError;
use crate::settings::HubSettings;

/// Bytes that are read at once.
const CHUNK: usize = 128 << 10;

/// Longest wait between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What a fetch reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Download<'a> {
    /// Another process downloads the file; this one waits for it.
    Waiting {
        /// The file with its repository.
        file: &'a str,
    },
    /// Bytes came in.
    Running {
        /// The file with its repository.
        file: &'a str,
        /// Bytes that are there.
        done: u64,
        /// Bytes of the whole.
        total: u64,
        /// Of those that are there, how many an earlier download had left.
        resumed: u64,
    },
    /// The file is whole, and what the hub has.
    Finished {
        /// The file with its repository.
        file: &'a str,
    },
}

/// What is to be downloaded.
pub(crate) struct Wanted<'a> {
    /// Its name for people.
    pub label: &'a str,
    pub url: &'a str,
    pub size: u64,
    pub checksum: &'a Checksum,
}

/// Downloads into `partial`, which may hold the beginning already. On success it holds all of it.
pub(crate) fn download(
    client: &Client,
    settings: &HubSettings,
    wanted: &Wanted<'_>,
    partial: &Path,
    progress: &mut dyn FnMut(Download<'_>),
) -> Result<(), HubError> {
    let mut transfer = Transfer::open(wanted, partial)?;
    let resumed = transfer.received;
    transfer.complete(client, settings, progress)?;
    let mut found = transfer.finish()?;
    if found != wanted.checksum.hex && resumed > 0 {
        // The beginning may have been that of something else.
        let mut transfer = Transfer::open(wanted, partial)?;
        transfer.restart()?;
        transfer.complete(client, settings, progress)?;
        found = transfer.finish()?;
    }
    if found == wanted.checksum.hex {
        progress(Download::Finished { file: wanted.label });
        return Ok(());
    }
    fs::remove_file(partial).map_err(HubError::io("remove", partial))?;
    Err(HubError::Checksum {
        file: wanted.label.to_string(),
        endpoint: settings.endpoint.clone(),
        kind: wanted.checksum.kind(),
        expected: wanted.checksum.hex.clone(),
        found,
    })
}

/// A file that fills.
struct Transfer<'a> {
    wanted: &'a Wanted<'a>,
    path: &'a Path,
    file: File,
    sum: Running,
    received: u64,
    resumed: u64,
}

/// Why a request brought no more.
enum Stopped {
    /// The network, or what the server said; with how long the server asks to be left alone.
    Broken(String, String, Option<Duration>),
    /// This machine.
    Failed(HubError),
}

impl<'a> Transfer<'a> {
    fn open(wanted: &'a Wanted<'a>, path: &'a Path) -> Result<Transfer<'a>, HubError> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(HubError::io("create", path))?;
        let mut transfer = Transfer {
            wanted,
            path,
            file,
            sum: wanted.checksum.begin(wanted.size),
            received: 0,
            resumed: 0,
        };
        transfer.sum_up()?;
        Ok(transfer)
    }

    /// Takes in what an earlier download left.
    fn sum_up(&mut self) -> Result<(), HubError> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = self
                .file
                .read(&mut chunk)
                .map_err(HubError::io("read", self.path))?;
            if read == 0 {
                break;
            }
            self.sum.update(&chunk[..read]);
            self.received += read as u64;
        }
        self.resumed = self.received;
        match self.received > self.wanted.size {
            true => self.restart(),
            false => Ok(()),
        }
    }

    /// Forgets what is there.
    fn restart(&mut self) -> Result<(), HubError> {
        self.sum = self.wanted.checksum.begin(self.wanted.size);
        (self.received, self.resumed) = (0, 0);
        let emptied = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied
            .map(|_| ())
            .map_err(HubError::io("write", self.path))
    }

    /// Asks until everything is there, or nothing came several times in a row.
    fn complete(
        &mut self,
        client: &Client,
        settings: &HubSettings,
        progress: &mut dyn FnMut(Download<'_>),
    ) -> Result<(), HubError> {
        let (mut failures, mut restarts) = (0, 0);
        while self.received < self.wanted.size {
            let before = self.received;
            let (host, reason, asked_pause) = match self.ask(client, progress) {
                Ok(()) => continue,
                Err(Stopped::Failed(error)) => return Err(error),
                Err(Stopped::Broken(host, reason, pause)) => (host, reason, pause),
            };
            // A server that begins at the beginning each time gets as many attempts as one that gives nothing.
            restarts += u32::from(self.received < before);
            failures = match self.received > before {
                true => 0,
                false => failures + 1,
            };
            tracing::debug!(
                "{}: {reason} after {} bytes",
                self.wanted.label,
                self.received
            );
            if failures.max(restarts) >= settings.attempts {
                return Err(HubError::Interrupted {
                    file: self.wanted.label.to_string(),
                    host,
                    received: self.received,
                    size: self.wanted.size,
                    attempts: settings.attempts,
                    reason,
                });
            }
            if failures > 0 {
                let pause = settings.pause.saturating_mul(1 << (failures - 1).min(16));
                std::thread::sleep(asked_pause.unwrap_or(pause).min(MAX_PAUSE));
            }
        }
        Ok(())
    }

    /// One request for what is missing. `Ok` where something came until the end of its answer.
    fn ask(
        &mut self,
        client: &Client,
        progress: &mut dyn FnMut(Download<'_>),
    ) -> Result<(), Stopped> {
        let answer = client
            .get(self.wanted.url, self.received)
            .map_err(|failure| broken("the hub", failure.reason()))?;
        let host = answer.host.clone();
        match answer.status {
            200 if self.received > 0 => {
                // It ignores that only the rest is wanted.
                self.restart().map_err(Stopped::Failed)?;
            }
            200 => {}
            206 if starts_at(&answer, self.received) => {}
            206 => {
                self.restart().map_err(Stopped::Failed)?;
                return Err(broken(
                    &host,
                    "it sends another range than the one asked for".to_string(),
                ));
            }
            416 => {
                self.restart().map_err(Stopped::Failed)?;
                return Err(broken(
                    &host,
                    "it has no bytes beyond those (416)".to_string(),
                ));
            }
            status => {
                let pause = answer.retry_after();
                let said = format!("it answers {status}");
                return Err(Stopped::Broken(host, said, pause));
            }
        }
        self.take(answer, progress, &host)
    }

    /// Takes in a body; what goes beyond the file's size is left out.
    fn take(
        &mut self,
        answer: Answer,
        progress: &mut dyn FnMut(Download<'_>),
        host: &str,
    ) -> Result<(), Stopped> {
        let missing = self.wanted.size - self.received;
        let mut body = answer.body.into_reader().take(missing);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match body.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(host, error.to_string())),
            };
            let written = self.file.write_all(&chunk[..read]);
            written.map_err(|error| Stopped::Failed(HubError::io("write", self.path)(error)))?;
            self.sum.update(&chunk[..read]);
            self.received += read as u64;
            progress(Download::Running {
                file: self.wanted.label,
                done: self.received,
                total: self.wanted.size,
                resumed: self.resumed,
            });
        }
        match self.received < self.wanted.size {
            true => Err(broken(host, "its answer ended early".to_string())),
            false => Ok(()),
        }
    }

    /// The sum of the bytes, which are on the disk then.
    fn finish(self) -> Result<String, HubError> {
        self.file
            .sync_all()
            .map_err(HubError::io("write", self.path))?;
        Ok(self.sum.finish())
    }
}

fn broken(host: &str, reason: String) -> Stopped {
    Stopped::Broken(host.to_string(), reason, None)
}

/// Whether an answer holds the bytes from `start` on.
fn starts_at(answer: &Answer, start: u64) -> bool {
    let range = answer
        .header("content-range")
        .and_then(|range| range.strip_prefix("bytes "));
    let first = range.and_then(|range| range.split('-').next());
    first.and_then(|first| first.trim().parse().ok()) == Some(start)
}
