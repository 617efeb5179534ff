//! Which parts of a run one of several machines computes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of `count` equal shares of a run, written `2/5`. It holds every `count`-th part, so that no
/// part is divided and the shares differ by one part at most: part p belongs to shard number
/// 1 + p mod `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// From 0.
    index: u64,
    count: u64,
}

/// What is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no shard; a shard is i/n, such as 2/5 for the second of five, with i from 1 to n"
)]
pub struct ShardError {
    text: String,
}

impl Shard {
    /// The only shard of one: the whole run.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Shard `number`, counted from 1, of `count`.
    ///
    /// # Errors
    /// Where `number` is not from 1 to `count`.
    pub fn new(number: u64, count: u64) -> Result<Self, ShardError> {
        match number.checked_sub(1) {
            Some(index) if index < count => Ok(Self { index, count }),
            _ => Err(ShardError {
                text: format!("{number}/{count}"),
            }),
        }
    }

    /// Whether a part, counted from 0, belongs to it.
    pub fn holds(self, part: u64) -> bool {
        part % self.count == self.index
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        // `parse` would also take a sign.
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u64>().ok()).flatten()
        };
        text.split_once('/')
            .and_then(|(index, count)| Self::new(number(index)?, number(count)?).ok())
            .ok_or_else(|| ShardError {
                text: text.to_owned(),
            })
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, ShardError> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_belongs_to_exactly_one_shard() {
        for count in 1..6 {
            let shards: Vec<_> = (1..=count)
                .map(|number| Shard::new(number, count).unwrap())
                .collect();
            for part in 0..20 {
                let holders = shards.iter().filter(|shard| shard.holds(part));
                assert_eq!(holders.count(), 1, "part {part} of {count} shards");
            }
        }
        assert!((0..9).all(|part| Shard::WHOLE.holds(part)));
    }

    #[test]
    fn shards_are_read_as_they_are_written_and_nothing_else_is() {
        for text in ["1/1", "2/5", "5/5"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        let shard = "2/5".parse::<Shard>().unwrap();
        assert_eq!([1, 6].map(|part| shard.holds(part)), [true, true]);
        for text in [
            "", "/", "2", "0/3", "4/3", "1/0", "-1/3", "+1/3", "1/3/3", "1.0/3", " 1/3", "a/b",
        ] {
            let message = text.parse::<Shard>().unwrap_err().to_string();
            assert!(message.starts_with(&format!("`{text}` is no shard; ")));
        }
    }
}
