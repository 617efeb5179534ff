//! Files of the Hugging Face hub, through the cache that its own programs use.
//!
//! A [`HubReference`] such as `hf:timm/resnet50.tv_in1k` names a file; [`Hub::fetch`] gives back where it
//! lies in the cache, after downloading it where it has to. A download that was cut goes on where it
//! stopped, its bytes are checked against the hub's checksum, and it appears under its name only when
//! whole. Several processes may ask for one file at once.
#![forbid(unsafe_code)]

mod cache;
mod checksum;
mod client;
mod download;
mod error;
mod fetch;
mod listing;
mod reference;
mod settings;

pub use download::Download;
pub use error::HubError;
pub use fetch::{Fetched, Hub};
pub use reference::{HubReference, PREFIX};
pub use settings::{HubSettings, Token, TokenSource};
