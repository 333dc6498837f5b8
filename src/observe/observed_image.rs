//! The image as it was last read, and the facts that depend on it. `run` reads the image again before it
//! computes the plan: the wait for the cluster may take minutes, and other programs also change files.

use super::{BottlerocketSettings, ObserveError};
use crate::adapter::image_files::{self, ImageError, ReadImage};
use crate::adapter::{Context, Deadline};
use eni_core::domain::identifier::InstanceType;
use eni_core::facts::Facts;
use eni_core::host::user_data::NodeConfigKubelet;
use eni_core::host::{self, DetectedHost, ExistingConfig, HostError, HostKind, Image};
use eni_core::settings::Settings;
use std::path::Path;
use std::time::{Duration, Instant};
use tracing::warn;

/// The image as it was last read, and the part of user data that also configures the kubelet.
#[derive(Clone, Debug)]
pub(crate) struct ObservedImage {
    /// The files, the snap options and Bottlerocket's settings.
    pub image: Image,
    /// The kubelet's part of the `NodeConfig` in user data.
    pub(super) node_config: Option<NodeConfigKubelet>,
    /// The warnings that were logged.
    warned: Vec<String>,
    read: Instant,
}

impl ObservedImage {
    /// Reads the image below `root`.
    pub(super) async fn read(
        root: &Path,
        bottlerocket: BottlerocketSettings,
    ) -> Result<Self, ImageError> {
        let (image, read) = (Image::default(), Instant::now());
        let mut observed = Self { image, node_config: None, warned: Vec::new(), read };
        observed.read_again(root, bottlerocket).await?;
        Ok(observed)
    }

    /// Reads the image, and logs the warnings that no earlier read has logged.
    async fn read_again(
        &mut self,
        root: &Path,
        bottlerocket: BottlerocketSettings,
    ) -> Result<(), ImageError> {
        self.read = Instant::now();
        let ReadImage { mut image, warnings } = image_files::read(root).await?;
        image.bottlerocket = bottlerocket.settings;
        self.image = image;
        for warning in bottlerocket.warnings.into_iter().chain(warnings) {
            if !self.warned.contains(&warning) {
                warn!("{warning}");
                self.warned.push(warning);
            }
        }
        Ok(())
    }

    /// Returns whether the image was read within the last `age`. The settings of Bottlerocket are never current, because
    /// [`crate::apply::apply`] does not compare them with the node.
    pub(crate) fn is_current(&self, age: Duration) -> bool {
        self.image.bottlerocket.is_none() && self.read.elapsed() < age
    }

    /// Reads the files, snap options and Bottlerocket's settings again, and updates the facts that depend on
    /// them.
    pub(crate) async fn refresh(
        &mut self,
        context: &Context,
        settings: &Settings,
        facts: &mut Facts,
    ) -> Result<(), ObserveError> {
        // Other bootstrap containers run at the same time, and may change the settings of Bottlerocket.
        let deadline = Deadline::after(settings.imds.wait().into());
        let bottlerocket = super::bottlerocket(context, settings.host.kind(), deadline).await?;
        self.read_again(&context.root, bottlerocket).await?;
        facts.host = self.host(settings)?;
        facts.existing = self.existing_config(facts.host.kind, &facts.instance.instance_type);
        Ok(())
    }

    /// Returns the family of the image.
    pub(super) fn host(&self, settings: &Settings) -> Result<DetectedHost, HostError> {
        host::detect(settings.host.kind(), &self.image)
    }

    /// Returns the existing configuration of the kubelet.
    pub(super) fn existing_config(
        &self,
        kind: HostKind,
        instance_type: &InstanceType,
    ) -> ExistingConfig {
        host::existing_config(&self.image, kind, instance_type, self.node_config.as_ref())
    }
}
