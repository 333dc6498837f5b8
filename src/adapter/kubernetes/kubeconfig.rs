//! Loads a kubeconfig. Checks the files that it names first, because kube reads them without a size limit.

use super::ConnectError;
use super::exec_plugin::ExecPlugin;
use super::kube_client::without_white_space;
use crate::adapter::disk;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use std::path::Path;

/// Returns the configuration in the kubeconfig `path` without its exec plugin, and the plugin.
pub(super) async fn load(path: &Path) -> Result<(Config, Option<ExecPlugin>), ConnectError> {
    let failed = |source| match source {
        KubeconfigError::Parse(error) => ConnectError::KubeconfigText {
            path: path.to_owned(),
            line: error.location().map_or(1, |at| at.line()),
        },
        other => ConnectError::Kubeconfig { path: path.to_owned(), source: Box::new(other) },
    };
    // kube reads a file of any size, waits for the writer of a FIFO, and panics at half of a UTF-16 character.
    let bytes = disk::check(path).map_err(ConnectError::KubeconfigFile)?;
    if matches!(bytes[..], [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) && bytes.len() % 2 == 1 {
        return Err(ConnectError::KubeconfigText { path: path.to_owned(), line: 1 });
    }
    let mut kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
    for file in named_files(&kubeconfig) {
        disk::check(Path::new(file)).map_err(ConnectError::KubeconfigFile)?;
    }
    let clusters = kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut());
    for authority in clusters.filter_map(|it| it.certificate_authority_data.as_mut()) {
        *authority = without_white_space(authority);
    }
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(failed)?;
    let plugin = exec_plugin_of(&mut config)?;
    Ok((config, plugin))
}

/// Returns the files that kube reads for the current context.
fn named_files(kubeconfig: &Kubeconfig) -> impl Iterator<Item = &str> {
    let mut contexts = kubeconfig.contexts.iter();
    let current = contexts.find(|it| Some(&it.name) == kubeconfig.current_context.as_ref());
    let context = current.and_then(|it| it.context.as_ref());
    let clusters = kubeconfig
        .clusters
        .iter()
        .filter(move |it| context.is_some_and(|context| context.cluster == it.name));
    let users = kubeconfig
        .auth_infos
        .iter()
        .filter(move |it| context.is_some_and(|context| context.user.as_ref() == Some(&it.name)));
    let authorities = clusters.filter_map(|it| it.cluster.as_ref()?.certificate_authority.as_ref());
    let of_users = users.filter_map(|it| it.auth_info.as_ref()).flat_map(|it| {
        [&it.client_certificate, &it.client_key, &it.token_file].into_iter().flatten()
    });
    authorities.chain(of_users).map(String::as_str)
}

/// Removes the exec plugin from `config`, so that the client does not run it in the event loop. Returns
/// `None` if the user has other credentials, which take precedence.
pub(super) fn exec_plugin_of(config: &mut Config) -> Result<Option<ExecPlugin>, ConnectError> {
    let user = &mut config.auth_info;
    if user.auth_provider.as_ref().is_some_and(|it| it.config.contains_key("cmd-path")) {
        return Err(ConnectError::AuthProvider);
    }
    let has_password = user.username.is_some() && user.password.is_some();
    let has_token = user.token.is_some() || user.token_file.is_some();
    let exec = user.exec.take();
    let takes_precedence = user.auth_provider.is_some() || has_password || has_token;
    Ok(exec.filter(|_| !takes_precedence).map(ExecPlugin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::failure::one_line;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use std::fs;

    /// Returns the error for a kubeconfig with these bytes, without the path of its directory.
    #[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
    async fn error(directory: &Path, bytes: &[u8]) -> String {
        let path = directory.join("kubeconfig");
        fs::write(&path, bytes).unwrap();
        let text = load(&path).await.err().map(|it| one_line(&it)).unwrap_or_default();
        text.replace(&directory.display().to_string(), "DIRECTORY")
    }

    #[tokio::test]
    async fn a_file_in_the_kubeconfig_is_a_regular_file_of_limited_size() {
        let directory = tempfile::tempdir().unwrap();
        mkfifo(&directory.path().join("fifo"), Mode::S_IRWXU).unwrap();
        fs::File::create(directory.path().join("large")).unwrap().set_len(2 << 20).unwrap();
        for (cluster, user, expected) in [
            ("certificate-authority: fifo", "token: t", "DIRECTORY/fifo is a FIFO"),
            ("certificate-authority: /dev/zero", "token: t", "/dev/zero is a device"),
            ("tls-server-name: a", "tokenFile: fifo", "DIRECTORY/fifo is a FIFO"),
            ("tls-server-name: a", "client-certificate: fifo", "DIRECTORY/fifo is a FIFO"),
            ("tls-server-name: a", "client-key: /dev/zero", "/dev/zero is a device"),
        ] {
            let text = kubeconfig(cluster, user);
            let expected = format!("{expected}, not a regular file");
            assert_eq!(error(directory.path(), text.as_bytes()).await, expected);
        }
        let text = kubeconfig("tls-server-name: a", "tokenFile: large");
        assert_eq!(error(directory.path(), text.as_bytes()).await, "DIRECTORY/large exceeds 1 MiB");
        // kube does not read the files of other users.
        let other = "- {name: b, user: {tokenFile: fifo}}\n";
        let text = kubeconfig("tls-server-name: a", "token: t") + other;
        assert_eq!(error(directory.path(), text.as_bytes()).await, "");
    }

    #[tokio::test]
    async fn half_of_a_utf_16_character_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        for bytes in [b"\xff\xfea", b"\xfe\xffa"] {
            assert_eq!(
                error(directory.path(), bytes).await,
                "kubeconfig DIRECTORY/kubeconfig is invalid at line 1"
            );
        }
    }

    fn kubeconfig(cluster: &str, user: &str) -> String {
        format!(
            "current-context: a
clusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:1', {cluster}}}}}]
contexts: [{{name: a, context: {{cluster: a, user: a}}}}]
users:
- {{name: a, user: {{{user}}}}}
"
        )
    }
}
