//! Reads the settings of Bottlerocket if eni-bootstrap runs in a bootstrap container.

use super::ObserveError;
use crate::adapter::aws::SdkConfigs;
use crate::adapter::bottlerocket_api::{ATTEMPT, Api};
use crate::adapter::disk::{self, DiskError};
use crate::adapter::https_proxy::Proxy;
use crate::adapter::{Context, Deadline, retry};
use eni_core::domain::cluster::ClusterSource;
use eni_core::domain::zone::Region;
use eni_core::failure::one_line;
use eni_core::host::bottlerocket::{
    Bottlerocket, ENI_MAX_PODS, LiveSettings, RECORD, ROOTFS, Record,
};
use eni_core::host::cluster_hints::ClusterHint;
use eni_core::host::{HostError, HostKind};
use std::path::Path;
use tracing::debug;

/// The settings of Bottlerocket; empty on other images.
#[derive(Clone, Debug, Default)]
pub(crate) struct BottlerocketSettings {
    /// The settings of the kubelet.
    pub settings: Option<Bottlerocket>,
    /// The cluster in `settings.kubernetes`.
    pub cluster_hint: Option<ClusterHint>,
    /// `settings.aws.region`: the region for AWS API calls, if it is set.
    pub region: Option<Region>,
    /// The proxy in `settings.network`.
    pub proxy: Option<Proxy>,
    /// What the settings lack, and that the log must contain.
    pub warnings: Vec<String>,
}

impl BottlerocketSettings {
    /// Returns `context` with Bottlerocket's region and, unless `context` has one, its proxy.
    #[must_use]
    pub(crate) fn amend(&self, context: Context) -> Context {
        let proxy = context.proxy.or_else(|| self.proxy.clone());
        // The AWS clients depend on the region and the proxy.
        let sdk_configs = SdkConfigs::default();
        Context { region: self.region.clone(), proxy, sdk_configs, ..context }
    }
}

/// Reads the settings from the API. Returns empty settings if this is not a bootstrap container of
/// Bottlerocket. Retries a temporary failure of the API until `deadline`.
pub(crate) async fn bottlerocket(
    context: &Context,
    kind: HostKind,
    deadline: Deadline,
) -> Result<BottlerocketSettings, ObserveError> {
    let root = &context.root;
    let is_required = matches!(kind, HostKind::Auto | HostKind::Bottlerocket);
    let rootfs = disk::under(root, Path::new(ROOTFS));
    if !Api::is_at(root) {
        if is_required && rootfs.exists() {
            return Err(HostError::NoSettingsApi.into());
        }
        return Ok(BottlerocketSettings::default());
    }
    let live = retry("bottlerocket", deadline, async || {
        Api::with_timeout(context, deadline.at_most(ATTEMPT))?.live().await
    });
    match live.await {
        Ok(live) => parse(root, &rootfs, live),
        Err(error) if is_required => Err(error.into()),
        Err(error) => {
            debug!("bottlerocket: {}", one_line(&error));
            let source = ClusterSource::Bottlerocket;
            let hint = ClusterHint::Skipped { source, reason: "the settings API is unreachable" };
            let cluster_hint = Some(hint);
            Ok(BottlerocketSettings { cluster_hint, ..BottlerocketSettings::default() })
        }
    }
}

fn parse(
    root: &Path,
    rootfs: &Path,
    live: LiveSettings,
) -> Result<BottlerocketSettings, ObserveError> {
    let url = live.https_proxy.as_ref().map(|proxy| proxy.secret().parse()).transpose();
    let url = url.map_err(HostError::Proxy)?;
    let proxy = url.map(|url| Proxy { url, no_proxy: live.without_proxy() });
    let region = live.region.as_deref().map(str::parse).transpose().map_err(HostError::Region)?;
    let cluster_hint = Some(live.cluster_hint());
    let mut warnings = Vec::new();
    let path = disk::under(root, Path::new(RECORD));
    let record = disk::read_toml(&path)?.map(|text| Record::parse(&text)).transpose();
    let record = record.unwrap_or_else(|error| {
        warnings.push(format!("host: {} skipped: {}", path.display(), error.message()));
        None
    });
    let tables = ENI_MAX_PODS.map(|table| disk::read(&disk::under(rootfs, Path::new(table))));
    let tables: Result<Vec<_>, DiskError> = tables.into_iter().collect();
    let eni_max_pods = tables?.into_iter().flatten().collect();
    let settings = Bottlerocket { live, record, eni_max_pods };
    if settings.has_lost_record() {
        warnings.push(format!(
            "host: {RECORD} not found, but settings.kubernetes contains labels of an earlier run (was the bootstrap container renamed?); treating values that differ from the computed ones as set by the user"
        ));
    }
    Ok(BottlerocketSettings { settings: Some(settings), cluster_hint, region, proxy, warnings })
}
