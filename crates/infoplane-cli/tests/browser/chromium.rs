//! A headless Chromium, told what to do through its debugging pipe (the Chrome DevTools Protocol).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long an answer may take before the browser counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running browser with one page; it ends with this value.
pub struct Chromium {
    process: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    /// Messages that were no answers, in order.
    events: Vec<Value>,
    session: Option<String>,
    last_id: u64,
    _profile: tempfile::TempDir,
}

/// A point of the page in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub x: f64,
    pub y: f64,
}

impl Chromium {
    /// Starts the browser that `INFOPLANE_CHROMIUM` or the search path names; `None` where there is none.
    pub fn start() -> Option<Self> {
        let named = std::env::var("INFOPLANE_CHROMIUM").ok();
        let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
        let mut candidates = named.iter().map(String::as_str).chain(names);
        let program = candidates.find(|name| {
            let version = Command::new(name).arg("--version").output();
            version.is_ok_and(|output| output.status.success())
        });
        let Some(program) = program else {
            eprintln!("skipped: no Chromium was found (set INFOPLANE_CHROMIUM)");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
        ];
        // The browser reads commands from descriptor 3 and answers on 4.
        let mut process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"])
            .arg(program)
            .args(flags)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).unwrap();
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            process,
            commands,
            messages,
            events: Vec::new(),
            session: None,
            last_id: 0,
            _profile: profile,
        };
        let page = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.call(
            "Target.attachToTarget",
            json!({"targetId": page["targetId"], "flatten": true}),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Sends a command and gives its result.
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let mut command = json!({"id": self.last_id, "method": method, "params": params});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.commands
            .write_all(command.to_string().as_bytes())
            .unwrap();
        self.commands.write_all(&[0]).unwrap();
        loop {
            let mut message = self.next_message(method);
            if message["id"] == json!(self.last_id) {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn next_message(&self, waiting_for: &str) -> Value {
        let message = self.messages.recv_timeout(PATIENCE);
        message.unwrap_or_else(|_| panic!("Chromium did not answer {waiting_for}"))
    }

    /// Opens a file in a window so wide and waits until it has loaded.
    pub fn open(&mut self, file: &Path, width: u32) {
        self.resize(width);
        self.events.clear();
        let url = format!("file://{}", file.display());
        self.call("Page.navigate", json!({"url": url}));
        let loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.events.iter().any(loaded) {
            let event = self.next_message("the page's load");
            self.events.push(event);
        }
        self.settle();
    }

    /// Changes the width of the window.
    pub fn resize(&mut self, width: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}),
        );
        self.settle();
    }

    /// Waits for two frames, in which charts follow a change.
    fn settle(&mut self) {
        let frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(1), 50))))";
        assert_eq!(self.evaluate(frames), json!(1));
    }

    /// The value of an expression, of its promise where it is one.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let mut result = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        );
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].take()
    }

    /// The middle of the element that `expression` gives, scrolled into view.
    pub fn place_of(&mut self, expression: &str) -> Place {
        self.evaluate(&format!(
            "{expression}.scrollIntoView({{ block: 'center', behavior: 'instant' }})"
        ));
        self.settle();
        let found = self.evaluate(&format!(
            "(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])\
             ({expression}.getBoundingClientRect())"
        ));
        Place {
            x: found[0].as_f64().unwrap(),
            y: found[1].as_f64().unwrap(),
        }
    }

    /// Moves the pointer.
    pub fn point_at(&mut self, place: Place) {
        self.mouse("mouseMoved", place);
        self.settle();
    }

    /// Presses and lets go.
    pub fn click(&mut self, place: Place) {
        self.mouse("mouseMoved", place);
        self.mouse("mousePressed", place);
        self.mouse("mouseReleased", place);
        self.settle();
    }

    fn mouse(&mut self, kind: &str, place: Place) {
        let button = if kind == "mouseMoved" { "none" } else { "left" };
        self.call(
            "Input.dispatchMouseEvent",
            json!({"type": kind, "x": place.x, "y": place.y, "button": button, "clickCount": 1}),
        );
    }

    /// Presses a key by its name (`ArrowRight`).
    pub fn press(&mut self, key: &str) {
        for kind in ["rawKeyDown", "keyUp"] {
            self.call(
                "Input.dispatchKeyEvent",
                json!({"type": kind, "key": key, "code": key}),
            );
        }
        self.settle();
    }

    /// What the page asked of anything but itself, since it was opened.
    pub fn requests(&self) -> Vec<String> {
        let asked = self.events.iter();
        let asked = asked.filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls = asked.filter_map(|event| event["params"]["request"]["url"].as_str());
        let outside = urls.filter(|url| !url.starts_with("data:"));
        // The first is the page.
        outside.skip(1).map(str::to_owned).collect()
    }

    /// Errors and warnings on the console, and exceptions, since the page was opened.
    pub fn complaints(&self) -> Vec<String> {
        let loud = |level: &Value| {
            ["error", "warning", "assert"]
                .map(Value::from)
                .contains(level)
        };
        let complaint = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => loud(&event["params"]["type"]),
            Some("Log.entryAdded") => loud(&event["params"]["entry"]["level"]),
            _ => false,
        };
        let found = self.events.iter().filter(complaint);
        found.map(|event| event["params"].to_string()).collect()
    }

    /// A picture of the whole page as PNG, in base64.
    pub fn screenshot(&mut self) -> String {
        let mut picture = self.call(
            "Page.captureScreenshot",
            json!({"format": "png", "captureBeyondViewport": true}),
        );
        match picture["data"].take() {
            Value::String(data) => data,
            other => panic!("no picture: {other}"),
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
