//! Which files a repository has.

use crate::client::{Answer, Failure};
use crate::error::HubError;

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 16 << 20;

/// Endings of files that hold weights or a network; they are listed first.
const WANTED: [&str; 5] = [".safetensors", ".bin", ".pth", ".pt", ".onnx"];

/// Reads the names out of what the hub says of a revision.
pub(crate) fn files(url: &str, answer: Answer) -> Result<Vec<String>, HubError> {
    let fail = |what: String| HubError::Answer {
        url: url.to_string(),
        answer: what,
    };
    let body = answer
        .body
        .into_with_config()
        .limit(MAX_ANSWER)
        .read_to_vec();
    let body = body.map_err(|error| fail(format!("with a list that can't be read ({error})")))?;
    let said: serde_json::Value = serde_json::from_slice(&body)
        .map_err(|error| fail(format!("with a list that is no JSON ({error})")))?;
    let siblings = said["siblings"].as_array();
    let siblings = siblings.ok_or_else(|| fail("without a list of files".to_string()))?;
    let mut files: Vec<String> = siblings
        .iter()
        .filter_map(|sibling| sibling["rfilename"].as_str())
        .map(ToString::to_string)
        .collect();
    files.sort_by_key(|file| {
        (
            !WANTED.iter().any(|ending| file.ends_with(ending)),
            file.clone(),
        )
    });
    Ok(files)
}

/// A failure where an answer was needed.
pub(crate) fn no_answer(url: &str, failure: Failure) -> HubError {
    HubError::Answer {
        url: url.to_string(),
        answer: format!("nothing that can be used: {}", failure.reason()),
    }
}
