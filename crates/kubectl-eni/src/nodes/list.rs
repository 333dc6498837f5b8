//! Paged LIST requests to the API server.

use crate::cluster::ApiError;
use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The objects in each response. Limits the memory that a response needs, here and in the API server.
const PAGE: u32 = 500;

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    /// null if there are none.
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    token: String,
}

/// Lists the objects at `path`, and passes each page to `take`. `what` names them, such as `nodes`.
pub(super) async fn list<T: DeserializeOwned>(
    client: &Client,
    (what, path): (&str, &str),
    params: ListParams,
    mut take: impl FnMut(Vec<T>),
) -> Result<(), ApiError> {
    let mut params = params.limit(PAGE);
    loop {
        let request = Request::new(path).list(&params).map_err(kube::Error::BuildRequest);
        let response = match request {
            Ok(request) => client.request::<Page<T>>(request).await,
            Err(error) => Err(error),
        };
        let Page { metadata, items } = response.map_err(ApiError::of(format!("list {what}")))?;
        take(items.unwrap_or_default());
        if metadata.token.is_empty() {
            return Ok(());
        }
        params = params.continue_token(&metadata.token);
    }
}
