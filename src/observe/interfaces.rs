//! The attached network interfaces of the instance, from IMDS.

use crate::adapter::imds::{ImdsError, Session};
use crate::adapter::{Context, Deadline, retry};
use eni_core::domain::identifier::{InvalidIdentifier, Mac};
use eni_core::facts::NetworkInterface;
use eni_core::failure::one_line;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::try_join;
use tracing::warn;

const MACS: &str = "meta-data/network/interfaces/macs/";
/// The number of network interfaces that are read at the same time. EC2 drops packets above 1024 per
/// second to IMDS and DNS together, and an instance can have more than 30 network interfaces.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-network-performance-ena.html>
const CONCURRENT: usize = 4;

/// The items of a network interface.
const ITEMS: [&str; 6] =
    ["device-number", "network-card", "interface-id", "subnet-id", "local-ipv4s", "ipv4-prefix"];

/// The network interfaces on the first network card.
#[derive(Debug, Default)]
pub(crate) struct AttachedInterfaces {
    /// `None` if IMDS does not describe it.
    pub primary: Option<NetworkInterface>,
    /// The others; `None` if IMDS does not describe them.
    pub others: Option<Vec<NetworkInterface>>,
}

/// Returns the network interfaces on the first network card.
///
/// Most plans do not depend on them, so a failure to read them is a warning. A rejected token is an
/// error, because a new session may succeed.
pub(super) async fn attached(session: &Session) -> Result<AttachedInterfaces, ImdsError> {
    match read(session, MissingItem::Skip).await {
        Ok(interfaces) => Ok(interfaces),
        Err(error @ ImdsError::TokenRejected { .. }) => Err(error),
        Err(error) => {
            warn!(
                "instance: failed to read the attached network interfaces: {}; assuming that this node has no pod addresses",
                one_line(&error)
            );
            Ok(AttachedInterfaces::default())
        }
    }
}

/// Requests the items of the network interfaces that the kernel has found now, beside the list of network interfaces in
/// IMDS. Responses for a MAC address that is not in that list are not used.
pub(super) fn prefetch(session: &Session, macs: &[Mac]) {
    for mac in macs.iter().take(CONCURRENT) {
        for item in ITEMS {
            session.prefetch(&of_interface(mac, item));
        }
    }
    // The kernel finds the primary network interface first.
    if let Some(primary) = macs.first() {
        session.prefetch(&of_interface(primary, "vpc-id"));
    }
}

/// Returns the path of an item of the network interface `mac`.
pub(super) fn of_interface(mac: &Mac, item: &str) -> String {
    format!("{MACS}{mac}/{item}")
}

/// Returns the network interfaces on the first network card for a plan that depends on them. Retries
/// until `deadline` while IMDS does not describe all of them.
pub(crate) async fn required_interfaces(
    context: &Context,
    deadline: Deadline,
) -> Result<AttachedInterfaces, ImdsError> {
    let read = async || {
        let session = Session::open(context, deadline).await?;
        retry("imds", deadline, async || read(&session, MissingItem::Fail).await).await
    };
    match read().await {
        Err(ImdsError::TokenRejected { .. }) => read().await,
        result => result,
    }
}

/// What a missing item of a network interface means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MissingItem {
    /// The network interface was detached in the meantime, and is omitted.
    Skip,
    /// The read fails. A network interface that was detached is no longer in the next list.
    Fail,
}

impl MissingItem {
    /// Returns the item at `path`, or the error if it is missing and required.
    fn check<T>(self, item: Option<T>, path: &str) -> Result<Option<T>, ImdsError> {
        match (self, item) {
            (Self::Fail, None) => Err(ImdsError::Missing { path: path.to_owned() }),
            (_, item) => Ok(item),
        }
    }
}

async fn read(session: &Session, missing: MissingItem) -> Result<AttachedInterfaces, ImdsError> {
    let macs = missing.check(session.text(MACS).await?, MACS)?.unwrap_or_default();
    let macs: Vec<&str> = macs.lines().map(|mac| mac.trim_end_matches('/')).collect();
    let interfaces = stream::iter(macs).map(|mac| interface(session, mac, missing));
    let interfaces = interfaces.buffered(CONCURRENT);
    let interfaces: Vec<Option<(Role, NetworkInterface)>> = interfaces.try_collect().await?;
    let (primary, others): (Vec<_>, Vec<_>) =
        interfaces.into_iter().flatten().partition(|(role, _)| *role == Role::Primary);
    let primary = primary.into_iter().next().map(|(_, interface)| interface);
    if primary.is_none() && missing == MissingItem::Fail {
        return Err(ImdsError::Missing { path: format!("{MACS}MAC/device-number with value 0") });
    }
    let others = others.into_iter().map(|(_, interface)| interface).collect();
    Ok(AttachedInterfaces { primary, others: Some(others) })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Primary,
    Other,
}

/// Returns the network interface `mac`. Returns `None` if it is on another network card, because the CNI
/// uses only the first card by default, or if it was detached in the meantime.
async fn interface(
    session: &Session,
    mac: &str,
    missing: MissingItem,
) -> Result<Option<(Role, NetworkInterface)>, ImdsError> {
    let mac: Mac = mac.parse().map_err(|source| invalid(MACS, source))?;
    let [device, card, id, subnet, addresses, prefixes] = ITEMS;
    let path = |item: &str| of_interface(&mac, item);
    let (device_path, card_path) = (path(device), path(card));
    let (device, card) = try_join!(session.text(&device_path), session.text(&card_path))?;
    let Some(device) = missing.check(device, &device_path)? else { return Ok(None) };
    // Instance types with one network card do not have the item `network-card`.
    if card.is_some_and(|card| card.trim() != "0") {
        return Ok(None);
    }
    let role = if device.trim() == "0" { Role::Primary } else { Role::Other };
    let (id_path, subnet_path) = (path(id), path(subnet));
    let (addresses_path, prefixes_path) = (path(addresses), path(prefixes));
    let (id, subnet_id, addresses, prefixes) = try_join!(
        session.expected(&id_path),
        session.expected(&subnet_path),
        session.text(&addresses_path),
        session.text(&prefixes_path),
    )?;
    let (id, subnet_id) = (missing.check(id, &id_path)?, missing.check(subnet_id, &subnet_path)?);
    let (Some(id), Some(subnet_id)) = (id, subnet_id) else { return Ok(None) };
    let interface = NetworkInterface {
        id,
        subnet_id,
        has_ipv4: lines(addresses.as_deref()) > 0,
        secondary_addresses: lines(addresses.as_deref()).saturating_sub(1),
        prefixes: lines(prefixes.as_deref()),
    };
    Ok(Some((role, interface)))
}

/// Returns the number of lines; 0 if the item does not exist.
fn lines(text: Option<&str>) -> u32 {
    let count = text.unwrap_or_default().lines().filter(|line| !line.trim().is_empty()).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn invalid(path: &str, source: InvalidIdentifier) -> ImdsError {
    ImdsError::InvalidValue { path: path.to_owned(), source }
}
