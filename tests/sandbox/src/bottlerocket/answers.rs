//! The routes of apiserver and their responses.
//!
//! Source: measured on apiserver of core-kit 3.1.1, and `sources/api/apiserver/src/server/mod.rs`
//! of bottlerocket-os/bottlerocket-core-kit.

use super::applier::{Keys, affected};
use super::key::Key;
use super::keypair;
use super::model::Settings;
use super::state::State;
use super::store::{Pairs, nested};
use crate::server::Request;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// The maximum size of a request body: 2 MiB.
const MAX_BODY: usize = 2_097_152;

/// A response without its headers.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// 200 with a JSON body.
    Json(Value),
    /// 204.
    NoContent,
    /// 204 with the content type `application/json`.
    NoContentJson,
    /// An error of apiserver, without a content type.
    Error(u16, String),
    /// An error of the HTTP framework of apiserver, in plain text.
    FrameworkError(u16, String),
    /// 404 with an empty body.
    NotFound,
}

type Answer = Result<Reply, Reply>;
type Query = HashMap<String, String>;

/// Processes a request and returns the response. The caller runs the delayed appliers in `state`.
pub(super) fn answer(state: &mut State, request: &Request) -> Reply {
    let query: Query = form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
    let transaction = query.get("tx").map_or("default", String::as_str);
    let answer = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/") => model(state, &query),
        ("GET", "/settings") => settings(state, &query),
        ("PATCH", "/settings") => body(request).and_then(|it| set(state, transaction, &it)),
        ("PATCH", "/settings/keypair") => body(request)
            .and_then(|it| keypair::settings(&it).map_err(|why| Reply::Error(400, why)))
            .and_then(|it| set(state, transaction, &it)),
        ("GET", "/tx") => Ok(Reply::Json(nested(&state.store.pending(transaction)))),
        ("GET", "/tx/list") => Ok(Reply::Json(json!(state.store.transactions()))),
        ("DELETE", "/tx") => Ok(Reply::Json(json!(state.store.delete(transaction)))),
        ("POST", "/tx/commit") => commit(state, transaction, false),
        ("POST", "/tx/commit_and_apply") => commit(state, transaction, true),
        ("POST", "/tx/apply") => apply(state, &query),
        ("GET", "/metadata/affected-services") => services(&query),
        ("GET", "/os") => Ok(Reply::Json(super::image::os())),
        _ => Ok(Reply::NotFound),
    };
    answer.unwrap_or_else(|error| error)
}

fn error<T>(status: u16, why: impl Into<String>) -> Result<T, Reply> {
    Err(Reply::Error(status, why.into()))
}

/// Returns the settings without the outer key `settings`.
fn settings(state: &State, query: &Query) -> Answer {
    if let Some(keys) = query.get("keys") {
        let mut pairs = Pairs::new();
        for name in split_list("keys", keys)? {
            let key = Key::parse(name)
                .or_else(|why| error(400, format!("Unable to make data key '{name}': {why}")))?;
            pairs.extend(state.get(&key).map_err(|why| Reply::Error(500, why))?);
        }
        return Ok(Reply::Json(nested(&pairs)));
    }
    let prefix = match query.get("prefix") {
        None => "settings.".to_owned(),
        Some(prefix) if prefix.is_empty() => return empty_input("prefix"),
        Some(prefix) if prefix.starts_with("settings") => prefix.clone(),
        Some(prefix) => format!("settings.{prefix}"),
    };
    Ok(Reply::Json(nested(&state.below(&prefix).map_err(|why| Reply::Error(500, why))?)))
}

/// Returns the whole model, with settings below the key `settings`. `apiclient get` uses this route.
/// Besides the settings, only `os` is implemented.
fn model(state: &State, query: &Query) -> Answer {
    let prefix = match query.get("prefix") {
        Some(prefix) if prefix.is_empty() => return empty_input("prefix"),
        prefix => prefix.map_or("", String::as_str),
    };
    let mut model = serde_json::Map::new();
    let settings = state.below(prefix).map_err(|why| Reply::Error(500, why))?;
    if !settings.is_empty() {
        model.insert("settings".to_owned(), nested(&settings));
    }
    if "os.".starts_with(prefix) {
        model.insert("os".to_owned(), super::image::os());
    }
    Ok(Reply::Json(Value::Object(model)))
}

fn set(state: &mut State, transaction: &str, settings: &Settings) -> Answer {
    state.set(transaction, settings).map_err(|why| Reply::Error(500, why))?;
    Ok(Reply::NoContent)
}

fn commit(state: &mut State, transaction: &str, and_apply: bool) -> Answer {
    let keys = state.commit(transaction).map_err(|why| Reply::Error(500, why))?;
    if keys.is_empty() {
        return error(422, "Tried to commit with no pending changes");
    }
    if and_apply {
        let keys: Keys = Some(keys.iter().cloned().collect());
        state.start_applier(keys).map_err(|why| Reply::Error(500, why))?;
    }
    Ok(Reply::Json(json!(keys)))
}

fn apply(state: &mut State, query: &Query) -> Answer {
    let keys = query.get("keys").map(|keys| split_list("keys", keys)).transpose()?;
    let keys = keys.map(|keys| keys.into_iter().map(str::to_owned).collect());
    state.start_applier(keys).map_err(|why| Reply::Error(500, why))?;
    Ok(Reply::NoContentJson)
}

fn services(query: &Query) -> Answer {
    let Some(keys) = query.get("keys") else {
        return error(400, "Missing required input 'keys'");
    };
    let keys = split_list("keys", keys)?.into_iter();
    let known: BTreeMap<&str, _> = keys.filter_map(|key| Some((key, affected(key)?))).collect();
    Ok(Reply::Json(json!(known)))
}

fn split_list<'a>(input: &str, list: &'a str) -> Result<Vec<&'a str>, Reply> {
    if list.is_empty() { empty_input(input) } else { Ok(list.split(',').collect()) }
}

fn empty_input<T>(input: &str) -> Result<T, Reply> {
    error(400, format!("Input '{input}' cannot be empty"))
}

/// Parses a JSON body with the rules of the HTTP framework of apiserver.
fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Reply> {
    let kind =
        request.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    let subtype = kind.split_once('/').map_or("", |(_, subtype)| subtype);
    if subtype != "json" && !subtype.ends_with("+json") {
        return Err(Reply::FrameworkError(400, "Content type error".to_owned()));
    }
    let length = request.body.len();
    if length > MAX_BODY {
        let why = format!(
            "JSON payload ({length} bytes) is larger than allowed (limit: {MAX_BODY} bytes)."
        );
        return Err(Reply::FrameworkError(413, why));
    }
    serde_json::from_slice(&request.body)
        .map_err(|why| Reply::FrameworkError(400, format!("Json deserialize error: {why}")))
}
