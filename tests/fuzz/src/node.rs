//! A node with the files of an archive: its facts, its settings and its plan, as the agent computes them.

use crate::archive::Archive;
use eni_core::domain::aws_node::AwsNode;
use eni_core::facts::{Facts, Machine, fixture};
use eni_core::host::bottlerocket::{
    Bottlerocket, ENI_MAX_PODS, LiveSettings, RECORD, ROOTFS, Record,
};
use eni_core::host::{
    Change, Image, KUBELET_VERSION, Read, check_image, check_user_data, detect, existing_config,
    later_reads, reads, remove, user_data,
};
use eni_core::plan::{Plan, plan};
use eni_core::settings::Settings;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

/// The name of the settings file in an archive.
pub const SETTINGS: &str = "settings.toml";
/// The response of the Bottlerocket settings API.
pub const BOTTLEROCKET: &str = "bottlerocket.json";
/// The environment of the aws-node container as a JSON object.
pub const AWS_NODE: &str = "aws-node.json";

/// The facts of the instance. The table of instance types is parsed once.
static FACTS: LazyLock<Facts> = LazyLock::new(|| fixture::facts("c5.large"));

/// A node that eni-bootstrap can configure.
#[derive(Debug)]
pub struct Node {
    pub facts: Facts,
    pub settings: Settings,
    pub plan: Plan,
}

impl Node {
    /// Returns the node of an archive; `None` if eni-bootstrap rejects one of its inputs.
    #[must_use]
    pub fn new(archive: &Archive) -> Option<Self> {
        let settings = settings(archive)?;
        let image = image(archive)?;
        let host = detect(settings.host.kind(), &image).ok()?;
        check_image(&image).ok()?;
        let node_config = match archive.text("user-data") {
            Some(text) => user_data::node_config(&eni_core::host::file_text::encode(text)).ok()?,
            None => None,
        };
        node_config.as_ref().map_or(Ok(()), check_user_data).ok()?;
        let facts = FACTS.clone();
        let kubelet = node_config.as_ref().map(|it| &it.kubelet);
        let existing = existing_config(&image, host.kind, &facts.instance.instance_type, kubelet);
        let machine = Some(Machine { cpus: 2, memory_bytes: 4 << 30 });
        let facts = Facts { host, existing, machine, ..facts };
        let plan = plan(&facts, &settings, aws_node(archive).as_ref()).ok()?;
        Some(Self { facts, settings, plan })
    }
}

fn settings(archive: &Archive) -> Option<Settings> {
    let text = archive.text(SETTINGS).unwrap_or_default();
    Settings::from_toml(Path::new(SETTINGS), text).ok()
}

fn aws_node(archive: &Archive) -> Option<AwsNode> {
    let variables: BTreeMap<String, String> = serde_json::from_str(archive.text(AWS_NODE)?).ok()?;
    Some(AwsNode::read(&variables, "amazon-k8s-cni:v1.20.4"))
}

/// Returns the image as the agent reads it; `None` if the agent rejects it.
#[must_use]
pub fn image(archive: &Archive) -> Option<Image> {
    let mut image = Image::default();
    read_into(archive, &mut image, reads());
    let later = later_reads(&image);
    read_into(archive, &mut image, later);
    if let Some(text) = archive.text(BOTTLEROCKET) {
        let tables =
            ENI_MAX_PODS.map(|it| archive.root(&format!("{ROOTFS}{it}")).map(str::to_owned));
        let record = archive.root(RECORD).map(Record::parse).transpose().ok()?;
        image.bottlerocket = Some(Bottlerocket {
            live: LiveSettings::read(text, "{}").ok()?,
            record,
            eni_max_pods: tables.into_iter().flatten().collect(),
        });
    }
    Some(image)
}

fn read_into(archive: &Archive, image: &mut Image, reads: Vec<Read>) {
    let root = |path: &Path| archive.root(path.to_str()?);
    for read in reads {
        match read {
            Read::FirstOf(paths) => {
                if let Some((path, text)) = paths.iter().find_map(|path| Some((path, root(path)?)))
                {
                    image.insert_file(path, text);
                }
            }
            Read::Directory { path: directory, extensions } => {
                let name = directory.to_str().unwrap_or_default();
                for (file, text) in archive.directory(name) {
                    let path = directory.join(file);
                    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
                    if extensions.iter().any(|it| extension == **it) {
                        image.insert_file(path, text);
                    }
                }
            }
            Read::KubeletUnitFiles => {
                let program = image.kubelet_program();
                for path in image.environment_files().into_iter().chain(program) {
                    if let Some(text) = root(&path) {
                        image.insert_file(path, text);
                    }
                }
            }
            Read::Suitability(directory) => {
                let read_only = archive.text("read-only").unwrap_or_default();
                if read_only.lines().any(|line| directory == Path::new(line)) {
                    image.insert_unsuitable_directory(directory, "is read-only");
                }
            }
            Read::KubeletVersion { .. } => {
                let file = root(Path::new(KUBELET_VERSION));
                if let Some(output) = file.or_else(|| archive.text("kubelet-version")) {
                    image.set_kubelet_version(output);
                }
            }
            Read::SnapOption { option, unit } => {
                let value = archive.text(&format!("snap/{}/{}", option.snap, option.key));
                if image.unit(unit).is_some() {
                    image.insert_snap_option(option, value.unwrap_or_default().trim());
                }
            }
        }
    }
}

/// Returns the archive after the changes. Changes of Bottlerocket's settings have no effect on it.
#[must_use]
pub fn applied(archive: &Archive, changes: &[Change]) -> Archive {
    let mut archive = archive.clone();
    for change in changes {
        match change {
            Change::OwnedFile { path, contents } | Change::SharedFile { path, contents } => {
                archive.0.insert(format!("root{}", path.display()), contents.clone());
            }
            Change::RemoveFile { path } => {
                archive.0.remove(&format!("root{}", path.display()));
            }
            Change::SnapOption { option, value, .. } => {
                archive.0.insert(format!("snap/{}/{}", option.snap, option.key), value.clone());
            }
            Change::BottlerocketSettings { .. } => {}
        }
    }
    archive
}

/// Returns the archive without the files of eni-bootstrap.
#[must_use]
pub fn restored(archive: &Archive) -> Option<Archive> {
    Some(applied(archive, &remove(&image(archive)?)))
}
