//! One timed run a line of stdin.

use std::error::Error;
use std::io::Write;

use serde_json::{Value, json};

/// Prints what `ready` says, then the result of one `run` for each line on stdin, or of `repeats` of
/// them.
pub fn serve(
    ready: Value,
    repeats: Option<usize>,
    run: &mut dyn FnMut() -> Result<Value, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let say = |value: &Value| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{value}")?;
        out.flush()
    };
    say(&json!({ "ready": ready }))?;
    if let Some(repeats) = repeats {
        for _ in 0..repeats {
            say(&run()?)?;
        }
        return Ok(());
    }
    for line in std::io::stdin().lines() {
        line?;
        say(&run()?)?;
    }
    Ok(())
}
