//! What Bottlerocket's settings say of this node, where it is one.

use super::ObserveError;
use crate::adapter::bottlerocket_api::Api;
use crate::adapter::disk::{self, DiskError};
use crate::adapter::proxy::Proxy;
use eni_core::domain::zone::Region;
use eni_core::host::bottlerocket::{Bottlerocket, ENI_MAX_PODS, Live, RECORD, ROOTFS, record};
use eni_core::host::cluster::Said;
use eni_core::host::{HostError, HostKind};
use std::path::Path;
use tracing::{debug, warn};

/// What Bottlerocket says; nothing on another image.
#[derive(Clone, Debug, Default)]
pub struct OnBottlerocket {
    /// Its settings.
    pub found: Option<Bottlerocket>,
    /// The cluster in them.
    pub said: Option<Said>,
    /// Where AWS's APIs are asked.
    pub region: Option<Region>,
    /// The proxy in them.
    pub proxy: Option<Proxy>,
}

/// Asks the settings API, if this is a bootstrap container of Bottlerocket's.
pub async fn bottlerocket(root: &Path, kind: HostKind) -> Result<OnBottlerocket, ObserveError> {
    let is_wanted = matches!(kind, HostKind::Auto | HostKind::Bottlerocket);
    let rootfs = disk::under(root, Path::new(ROOTFS));
    if !Api::is_at(root) {
        if is_wanted && rootfs.exists() {
            return Err(HostError::NoSettingsApi.into());
        }
        return Ok(OnBottlerocket::default());
    }
    match Api::at(root)?.live().await {
        Ok(live) => told(root, &rootfs, live),
        Err(error) if is_wanted => Err(error.into()),
        Err(error) => {
            debug!("bottlerocket: {error}");
            let said = Some(Said::PassedOver("its API does not answer"));
            Ok(OnBottlerocket { said, ..OnBottlerocket::default() })
        }
    }
}

fn told(root: &Path, rootfs: &Path, live: Live) -> Result<OnBottlerocket, ObserveError> {
    let url = live.https_proxy.as_ref().map(|proxy| proxy.0.parse()).transpose();
    let url = url.map_err(HostError::Proxy)?;
    let proxy = url.map(|url| Proxy { url, without: live.without_proxy() });
    let region = live.region.as_deref().map(str::parse).transpose().map_err(HostError::Region)?;
    let said = Some(live.said());
    let path = disk::under(root, Path::new(RECORD));
    let record = disk::read(&path)?.map(|text| record(&text)).transpose();
    let record = record.unwrap_or_else(|error| {
        warn!("{} is passed over: {}", path.display(), error.message());
        None
    });
    let tables = ENI_MAX_PODS.map(|table| disk::read(&disk::under(rootfs, Path::new(table))));
    let tables: Result<Vec<_>, DiskError> = tables.into_iter().collect();
    let eni_max_pods = tables?.into_iter().flatten().collect();
    let found = Bottlerocket { live, record: record.unwrap_or_default(), eni_max_pods };
    Ok(OnBottlerocket { found: Some(found), said, region, proxy })
}
