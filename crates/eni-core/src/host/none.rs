//! No host: eni-bootstrap writes nothing, and the caller passes the kubelet arguments on.

use super::{Change, Detection, HostFamily, HostKind, Image, Read, Renderer, kubelet_unit};
use crate::domain::kubelet::Kubelet;

pub(super) struct Family;

#[derive(Debug)]
struct NoHost;

impl HostFamily for Family {
    fn kind(&self) -> HostKind {
        HostKind::None
    }

    fn reads(&self) -> Vec<Read> {
        kubelet_unit::reads()
    }

    fn detect(&self, _image: &Image) -> Detection {
        Detection::this("", NoHost)
    }

    fn removes_other_files(&self) -> bool {
        false
    }
}

impl Renderer for NoHost {
    fn render(&self, _kubelet: &Kubelet) -> Vec<Change> {
        Vec::new()
    }
}
