//! Reads the files and snap options of a node image that the host families request.

use crate::adapter::disk::{self, DiskError, under};
use crate::adapter::host_command::{self, CommandError};
use crate::adapter::{kubelet_files, unit_files};
use eni_core::failure::{Advice, ExitCode, one_line};
use eni_core::host::{self, Image, Read};
use std::borrow::Cow;
use std::path::Path;

/// A failure to read a part of the node image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file or a directory exists but cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A snap option cannot be read.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Advice for ImageError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Disk(DiskError::Read { .. }) => "run eni-bootstrap as root on the node".into(),
            Self::Disk(error) => error.help(),
            Self::Command(error) => error.help(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::InvalidData
    }
}

/// An image, and a warning for each file that could not be read and is not required.
pub(crate) struct ReadImage {
    pub image: Image,
    pub warnings: Vec<String>,
}

/// Reads all files and snap options below `root` that the host families request.
pub(crate) async fn read(root: &Path) -> Result<ReadImage, ImageError> {
    let mut image = Image::default();
    let mut warnings = Vec::new();
    read_into(&mut image, host::reads(), root).await?;
    for request in host::later_reads(&image) {
        // A file of the kubelet, which eni-bootstrap does not change. The kubelet itself fails if it
        // cannot read the file.
        if let Err(error) = read_into(&mut image, vec![request], root).await {
            warnings.push(format!("host: {}; its values are ignored", one_line(&error)));
        }
    }
    Ok(ReadImage { image, warnings })
}

async fn read_into(image: &mut Image, requests: Vec<Read>, root: &Path) -> Result<(), ImageError> {
    for request in requests {
        match request {
            Read::FirstOf(paths) => {
                for path in paths {
                    if let Some(text) = disk::read_node_file(root, &path)? {
                        image.insert_file(path, text);
                        break;
                    }
                }
            }
            Read::Directory { path: directory, extensions } => {
                for name in disk::list_node_directory(root, &directory)? {
                    let extension = name.extension().unwrap_or_default().to_ascii_lowercase();
                    let path = directory.join(&name);
                    if extensions.iter().any(|it| extension == **it)
                        && let Some(text) = disk::read_node_file(root, &path)?
                    {
                        image.insert_file(path, text);
                    }
                }
            }
            Read::KubeletUnitFiles => {
                for path in image.environment_files() {
                    if let Some(text) = unit_files::environment(root, &path)? {
                        image.insert_file(path, text);
                    }
                }
                if let Some(path) = image.kubelet_program()
                    && let Some(text) = unit_files::script(&under(root, &path))
                {
                    image.insert_file(path, text);
                }
            }
            Read::Suitability(directory) => {
                if let Some(state) = kubelet_files::unsuitable_directory(root, &directory) {
                    image.insert_unsuitable_directory(directory, state);
                }
            }
            Read::KubeletVersion { program } => {
                if let Some(output) = kubelet_files::version(root, &program).await {
                    image.set_kubelet_version(output);
                }
            }
            Read::SnapOption { option, unit } => {
                if image.unit(unit).is_some() {
                    image.insert_snap_option(option, host_command::snap_option(option).await?);
                }
            }
        }
    }
    Ok(())
}
