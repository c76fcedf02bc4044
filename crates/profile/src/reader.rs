//! From JSON to a [`Profile`], without a tree of JSON values in between.
//!
//! The calls of a profile are nested as deep as stacks are, twice over as JSON, which is beyond the depth that
//! `serde_json` allows by itself; so its limit is lifted and ours takes its place. What is unknown is skipped, which takes
//! no recursion.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use crate::error::ProfileError;
use crate::model::{Frame, Meta, Node, Profile};

/// The deepest tree that is read. V8 records 128 calls at most, unless it is asked for more.
pub const MOST_DEPTH: u32 = 512;
/// More calls than any profile has.
const MOST_NODES: usize = 5_000_000;

/// What errors of ours begin with, to be told from those of the parser.
const TOO_LARGE: &str = "too large: ";

/// Reads a profile: V8's `SamplingHeapProfile`, the answer of the inspector that holds one as `profile`, or a
/// `.heapprofile` file.
///
/// # Errors
/// What is wrong with it.
pub fn read(json: &[u8]) -> Result<Profile, ProfileError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    deserializer.disable_recursion_limit();
    let mut tree = Tree::default();
    let whole = Whole { tree: &mut tree };
    let read = whole
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    read.map_err(|error| told(&error))?;
    tree.finish()
}

fn told(error: &serde_json::Error) -> ProfileError {
    let message = error.to_string();
    if let Some(why) = message.strip_prefix(TOO_LARGE) {
        return ProfileError::TooLarge(why.to_owned());
    }
    if error.is_data() {
        return ProfileError::NotAProfile(message);
    }
    let message = match message.split_once(" at line ") {
        Some((what, _)) => what.to_owned(),
        None => message,
    };
    ProfileError::Syntax {
        line: error.line(),
        column: error.column(),
        message,
    }
}

/// What has been read so far.
#[derive(Default)]
struct Tree {
    profile: Profile,
    frames: HashMap<Frame, u32>,
    /// Index by V8's number of a node.
    by_id: HashMap<u64, u32>,
    /// Samples by V8's number of their node.
    samples: HashMap<u64, u64>,
    has_head: bool,
    has_samples: bool,
}

impl Tree {
    fn finish(mut self) -> Result<Profile, ProfileError> {
        if !self.has_head {
            let missing = "it has no `head`, the root of the calls";
            return Err(ProfileError::NotAProfile(missing.into()));
        }
        for (id, count) in self.samples {
            if let Some(&at) = self.by_id.get(&id) {
                self.profile.nodes[at as usize].samples += count;
            }
        }
        // Early versions of V8 list no samples: a call that allocated has at least one.
        if !self.has_samples {
            for node in &mut self.profile.nodes {
                node.samples = u64::from(node.self_bytes > 0);
            }
        }
        Ok(self.profile)
    }

    fn frame(&mut self, call: CallFrame) -> u32 {
        let place = |zero_based: i64| u32::try_from(zero_based + 1).unwrap_or(0);
        let script_id = call.script_id.parse().unwrap_or(0);
        let frame = Frame {
            function: call.function_name,
            script: call.url,
            script_id,
            line: place(call.line_number),
            column: place(call.column_number),
        };
        let next = self.frames.len() as u32;
        let frames = &mut self.profile.frames;
        *self.frames.entry(frame).or_insert_with_key(|frame| {
            frames.push(frame.clone());
            next
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct CallFrame {
    function_name: String,
    script_id: String,
    url: String,
    line_number: i64,
    column_number: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sample {
    node_id: u64,
}

/// A profile, or what holds one.
struct Whole<'t> {
    tree: &'t mut Tree,
}

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `head`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "profile" if !self.tree.has_head => {
                    map.next_value_seed(Whole { tree: self.tree })?;
                }
                "head" if !self.tree.has_head => {
                    self.tree.has_head = true;
                    map.next_value_seed(Call {
                        tree: self.tree,
                        parent: 0,
                        depth: 0,
                    })?;
                }
                "samples" if !self.tree.has_samples => {
                    self.tree.has_samples = true;
                    map.next_value_seed(Samples { tree: self.tree })?;
                }
                "memguard" => self.tree.profile.meta = map.next_value::<Meta>()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// One call and those below it.
struct Call<'t> {
    tree: &'t mut Tree,
    parent: u32,
    depth: u32,
}

impl<'de> DeserializeSeed<'de> for Call<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Call<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a call with `callFrame` and `children`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self {
            tree,
            parent,
            depth,
        } = self;
        let at = tree.profile.nodes.len();
        if at >= MOST_NODES || depth > MOST_DEPTH {
            let what = match depth > MOST_DEPTH {
                true => format!("{TOO_LARGE}calls are nested deeper than {MOST_DEPTH}"),
                false => format!("{TOO_LARGE}it has more than {MOST_NODES} calls"),
            };
            return Err(A::Error::custom(what));
        }
        // Reserved first, so that callers stand before their callees wherever the JSON has its fields.
        tree.profile.nodes.push(Node {
            parent,
            depth,
            frame: 0,
            self_bytes: 0,
            samples: 0,
        });
        let mut call = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "callFrame" => call = Some(map.next_value::<CallFrame>()?),
                "selfSize" => {
                    let size: f64 = map.next_value()?;
                    tree.profile.nodes[at].self_bytes = size.max(0.0) as u64;
                }
                "id" => {
                    let id: u64 = map.next_value()?;
                    tree.by_id.insert(id, at as u32);
                }
                "children" => map.next_value_seed(Children {
                    tree,
                    parent: at as u32,
                    depth: depth + 1,
                })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let call = call.ok_or_else(|| A::Error::missing_field("callFrame"))?;
        tree.profile.nodes[at].frame = tree.frame(call);
        Ok(())
    }
}

/// The calls below one.
struct Children<'t> {
    tree: &'t mut Tree,
    parent: u32,
    depth: u32,
}

impl<'de> DeserializeSeed<'de> for Children<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Children<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of calls")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq
            .next_element_seed(Call {
                tree: self.tree,
                parent: self.parent,
                depth: self.depth,
            })?
            .is_some()
        {}
        Ok(())
    }
}

/// The samples, of which only the number by call matters: what they weigh stands in the tree.
struct Samples<'t> {
    tree: &'t mut Tree,
}

impl<'de> DeserializeSeed<'de> for Samples<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Samples<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(sample) = seq.next_element::<Sample>()? {
            *self.tree.samples.entry(sample.node_id).or_default() += 1;
        }
        Ok(())
    }
}
