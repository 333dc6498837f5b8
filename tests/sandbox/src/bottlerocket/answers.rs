//! Each request with its answer, as apiserver gives it.
//!
//! Source: measured on apiserver of core-kit 3.1.1, and `sources/api/apiserver/src/server/mod.rs`
//! of bottlerocket-os/bottlerocket-core-kit.

use super::applier::{Keys, affected};
use super::key::Key;
use super::keypair;
use super::model::Settings;
use super::state::State;
use super::store::{Pairs, nested};
use crate::server::Asked;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// What a body may be at most: 2 MiB.
const MOST: usize = 2_097_152;

/// An answer but for its head.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// 200 with JSON.
    Json(Value),
    /// 204.
    Done,
    /// 204 with the media type of a body that it has not.
    DoneJson,
    /// apiserver's own refusal, without a media type.
    Refused(u16, String),
    /// A refusal of the framework below it, in plain text.
    Unread(u16, String),
    /// 404, and nothing more.
    Nowhere,
}

type Answer = Result<Reply, Reply>;
type Query = HashMap<String, String>;

/// Answers one request. A delay is for the caller to wait out before it runs the applier.
pub(super) fn answer(state: &mut State, asked: &Asked) -> Reply {
    let query: Query = form_urlencoded::parse(asked.query.as_bytes()).into_owned().collect();
    let transaction = query.get("tx").map_or("default", String::as_str);
    let answer = match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/") => model(state, &query),
        ("GET", "/settings") => settings(state, &query),
        ("PATCH", "/settings") => body(asked).and_then(|it| set(state, transaction, &it)),
        ("PATCH", "/settings/keypair") => body(asked)
            .and_then(|it| keypair::settings(&it).map_err(|why| Reply::Refused(400, why)))
            .and_then(|it| set(state, transaction, &it)),
        ("GET", "/tx") => Ok(Reply::Json(nested(&state.store.pending(transaction)))),
        ("GET", "/tx/list") => Ok(Reply::Json(json!(state.store.transactions()))),
        ("DELETE", "/tx") => Ok(Reply::Json(json!(state.store.delete(transaction)))),
        ("POST", "/tx/commit") => commit(state, transaction, false),
        ("POST", "/tx/commit_and_apply") => commit(state, transaction, true),
        ("POST", "/tx/apply") => apply(state, &query),
        ("GET", "/metadata/affected-services") => services(&query),
        ("GET", "/os") => Ok(Reply::Json(super::image::os())),
        _ => Ok(Reply::Nowhere),
    };
    answer.unwrap_or_else(|refusal| refusal)
}

fn refuse<T>(status: u16, why: impl Into<String>) -> Result<T, Reply> {
    Err(Reply::Refused(status, why.into()))
}

/// The settings without their outer `settings`.
fn settings(state: &State, query: &Query) -> Answer {
    if let Some(keys) = query.get("keys") {
        let mut found = Pairs::new();
        for name in listed("keys", keys)? {
            let key = Key::parse(name)
                .or_else(|why| refuse(400, format!("Unable to make data key '{name}': {why}")))?;
            found.extend(state.get(&key).map_err(|why| Reply::Refused(500, why))?);
        }
        return Ok(Reply::Json(nested(&found)));
    }
    let prefix = match query.get("prefix") {
        None => "settings.".to_owned(),
        Some(prefix) if prefix.is_empty() => return empty("prefix"),
        Some(prefix) if prefix.starts_with("settings") => prefix.clone(),
        Some(prefix) => format!("settings.{prefix}"),
    };
    Ok(Reply::Json(nested(&state.below(&prefix).map_err(|why| Reply::Refused(500, why))?)))
}

/// All that the API knows, settings with their outer `settings`: this is what `apiclient get` asks.
/// Of the rest only `os` is there.
fn model(state: &State, query: &Query) -> Answer {
    let prefix = match query.get("prefix") {
        Some(prefix) if prefix.is_empty() => return empty("prefix"),
        prefix => prefix.map_or("", String::as_str),
    };
    let mut model = serde_json::Map::new();
    let found = state.below(prefix).map_err(|why| Reply::Refused(500, why))?;
    if !found.is_empty() {
        model.insert("settings".to_owned(), nested(&found));
    }
    if "os.".starts_with(prefix) {
        model.insert("os".to_owned(), super::image::os());
    }
    Ok(Reply::Json(Value::Object(model)))
}

fn set(state: &mut State, transaction: &str, settings: &Settings) -> Answer {
    state.set(transaction, settings).map_err(|why| Reply::Refused(500, why))?;
    Ok(Reply::Done)
}

fn commit(state: &mut State, transaction: &str, and_apply: bool) -> Answer {
    let keys = state.commit(transaction);
    if keys.is_empty() {
        return refuse(422, "Tried to commit with no pending changes");
    }
    if and_apply {
        let keys: Keys = Some(keys.iter().cloned().collect());
        state.start_applier(keys).map_err(|why| Reply::Refused(500, why))?;
    }
    Ok(Reply::Json(json!(keys)))
}

fn apply(state: &mut State, query: &Query) -> Answer {
    let keys = query.get("keys").map(|keys| listed("keys", keys)).transpose()?;
    let keys = keys.map(|keys| keys.into_iter().map(str::to_owned).collect());
    state.start_applier(keys).map_err(|why| Reply::Refused(500, why))?;
    Ok(Reply::DoneJson)
}

fn services(query: &Query) -> Answer {
    let Some(keys) = query.get("keys") else {
        return refuse(400, "Missing required input 'keys'");
    };
    let keys = listed("keys", keys)?.into_iter();
    let known: BTreeMap<&str, _> = keys.filter_map(|key| Some((key, affected(key)?))).collect();
    Ok(Reply::Json(json!(known)))
}

fn listed<'a>(input: &str, list: &'a str) -> Result<Vec<&'a str>, Reply> {
    if list.is_empty() { empty(input) } else { Ok(list.split(',').collect()) }
}

fn empty<T>(input: &str) -> Result<T, Reply> {
    refuse(400, format!("Input '{input}' cannot be empty"))
}

/// A body of JSON, read as the framework below apiserver reads one.
fn body<T: DeserializeOwned>(asked: &Asked) -> Result<T, Reply> {
    let kind =
        asked.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    let subtype = kind.split_once('/').map_or("", |(_, subtype)| subtype);
    if subtype != "json" && !subtype.ends_with("+json") {
        return Err(Reply::Unread(400, "Content type error".to_owned()));
    }
    let length = asked.body.len();
    if length > MOST {
        let why =
            format!("JSON payload ({length} bytes) is larger than allowed (limit: {MOST} bytes).");
        return Err(Reply::Unread(413, why));
    }
    serde_json::from_slice(&asked.body)
        .map_err(|why| Reply::Unread(400, format!("Json deserialize error: {why}")))
}
