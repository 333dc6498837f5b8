//! The wait for an ENIConfig against a simulated API server: its requests, its retries and its errors.

mod watches;

use eni_bootstrap::adapter::Context;
use eni_bootstrap::adapter::kubernetes::{ApiServer, EniConfig, KubernetesError};
use eni_bootstrap::wait::{Ready, WaitReason, WaitTarget, WaitTimeout, WaitTimer};
use eni_bootstrap_sandbox::{Access, Fault, KubernetesApi};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::eni_config::EniConfigName;
use eni_core::failure::one_line;
use eni_core::settings::Wait;
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A time limit that no wait reaches, also on a slow machine.
const LIMIT: Duration = Duration::from_mins(10);
const PATIENT: Wait = Wait::For(LIMIT);

fn name() -> EniConfigName {
    "us-west-2a".parse().unwrap()
}

fn spec() -> Value {
    json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] })
}

async fn client(api: &KubernetesApi) -> ApiServer {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(api.kubeconfig().as_bytes()).unwrap();
    ApiServer::by_kubeconfig(file.path(), &Context::default()).await.unwrap()
}

async fn wait(api: &KubernetesApi, wait: Wait) -> Result<EniConfig, WaitTimeout> {
    let ready = until_ready(&client(api).await, &name(), wait).await;
    ready.map(|Ready { eni_config, .. }| eni_config)
}

#[expect(clippy::unnecessary_wraps, reason = "compared with the result of a wait")]
fn good() -> Result<EniConfig, WaitTimeout> {
    Ok(EniConfig { subnet: "subnet-0a".to_owned(), security_groups: vec!["sg-0b".to_owned()] })
}

/// Waits without comparing the ENIConfig with EC2.
async fn until_ready(
    api: &ApiServer,
    name: &EniConfigName,
    wait: Wait,
) -> Result<Ready, WaitTimeout> {
    let unverified = (Duration::ZERO, async |_: &EniConfig| Vec::new());
    eni_bootstrap::wait::until_ready(api, name, WaitTimer::start(wait), unverified).await
}

fn verbs(api: &KubernetesApi) -> Vec<&'static str> {
    api.requests().iter().map(|seen| seen.verb).collect()
}

/// Waits while `act` changes the server in another thread.
async fn wait_while(
    api: KubernetesApi,
    act: impl FnOnce(&mut KubernetesApi) + Send + 'static,
) -> (Result<EniConfig, WaitTimeout>, KubernetesApi) {
    let server = client(&api).await;
    let shared = Arc::new(Mutex::new(api));
    let changed = shared.clone();
    let thread = std::thread::spawn(move || act(&mut changed.lock().unwrap()));
    let ready = until_ready(&server, &name(), PATIENT).await;
    thread.join().unwrap();
    let api = Arc::into_inner(shared).unwrap().into_inner().unwrap_or_else(PoisonError::into_inner);
    (ready.map(|Ready { eni_config, .. }| eni_config), api)
}

fn seen(api: &KubernetesApi, verb: &str, count: usize) {
    assert!(api.wait_for(verb, count, LIMIT), "expected {count} {verb} requests: {:?}", verbs(api));
}

#[tokio::test]
async fn an_existing_eniconfig_needs_one_get() {
    let api = KubernetesApi::start();
    api.apply("us-west-2a", spec());
    assert_eq!(wait(&api, PATIENT).await, good());
    assert_eq!(verbs(&api), ["get"]);
}

#[tokio::test]
async fn a_later_eniconfig_needs_one_watch() {
    let (ready, api) = wait_while(KubernetesApi::start(), |api| {
        seen(api, "watch", 1);
        api.apply("us-east-1a", spec());
        api.send_bookmarks();
        api.apply("us-west-2a", spec());
    })
    .await;
    assert_eq!(ready, good());
    assert_eq!(verbs(&api), ["get", "watch"]);
    let watch = api.requests().remove(1);
    assert!(watch.query.contains("fieldSelector=metadata.name%3Dus-west-2a"), "{}", watch.query);
}

#[tokio::test]
async fn a_corrected_eniconfig_ends_the_wait() {
    let (ready, api) = wait_while(KubernetesApi::start(), |api| {
        api.apply("us-west-2a", json!({ "subnet": "" }));
        seen(api, "watch", 1);
        api.delete("us-west-2a");
        api.apply("us-west-2a", json!({ "securityGroups": [] }));
        api.apply("us-west-2a", spec());
    })
    .await;
    assert_eq!(ready, good());
    assert_eq!(verbs(&api), ["get", "watch"]);
}

#[tokio::test]
async fn server_errors_and_lost_responses_are_retried() {
    for fault in [Fault::Status(500), Fault::Status(429), Fault::Status(503), Fault::Drop] {
        let api = KubernetesApi::start();
        api.apply("us-west-2a", spec());
        api.faults().fail_next(2, fault.clone());
        assert_eq!(wait(&api, PATIENT).await, good(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_request_after_retry_after_waits_for_that_time() {
    for status in [429, 503] {
        let api = KubernetesApi::start();
        api.apply("us-west-2a", spec());
        let headers = vec![("retry-after".to_owned(), "2".to_owned())];
        api.faults().fail_next(1, Fault::Response(status, headers, Vec::new()));
        let start = Instant::now();
        assert_eq!(wait(&api, PATIENT).await, good());
        // Without the header, the second request follows after at most 0.2 s.
        assert!(start.elapsed() >= Duration::from_secs(2), "{status}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn permissions_granted_during_the_wait_end_it() {
    for access in [Access::Forbidden, Access::Unauthorized] {
        let api = KubernetesApi::start();
        api.apply("us-west-2a", spec());
        api.set_access(access);
        let (ready, _) = wait_while(api, |api| {
            seen(api, "get", 2);
            api.set_access(Access::Allow);
        })
        .await;
        assert_eq!(ready, good(), "{access:?}");
    }
}

#[tokio::test]
async fn each_cause_of_a_timeout_has_its_own_reason() {
    let reason = async |act: fn(&KubernetesApi)| {
        let api = KubernetesApi::start();
        act(&api);
        let error = wait(&api, Wait::Once).await.unwrap_err();
        assert_eq!(error.target, WaitTarget::EniConfig(name()));
        error.reason
    };
    assert_eq!(reason(|_| ()).await, WaitReason::NotFound);
    assert_eq!(
        reason(|api| api.apply("us-west-2a", json!({ "subnet": "" }))).await,
        WaitReason::NoSubnet
    );
    assert_eq!(
        reason(|api| api.set_access(Access::Unauthorized)).await,
        WaitReason::Api(KubernetesError::Unauthorized)
    );
    assert_eq!(
        reason(|api| api.set_access(Access::Forbidden)).await,
        WaitReason::Api(KubernetesError::Forbidden(
            "eniconfigs.crd.k8s.amazonaws.com \"us-west-2a\" is forbidden: User \"system:node:ip-192-0-2-10.us-west-2.compute.internal\" cannot get resource \"eniconfigs\" in API group \"crd.k8s.amazonaws.com\" at the cluster scope".to_owned()
        ))
    );
    assert_eq!(
        reason(|api| api.set_crd(false)).await,
        WaitReason::Api(KubernetesError::NoResourceType)
    );
    let broken = reason(|api| api.faults().fail_always_matching("", Fault::Status(500))).await;
    assert_eq!(
        broken,
        WaitReason::Api(KubernetesError::Answered { code: 500, message: String::new() })
    );
}

#[tokio::test]
async fn a_wait_of_zero_sends_one_request() {
    let api = KubernetesApi::start();
    let error = wait(&api, Wait::Once).await.unwrap_err();
    assert_eq!(error.to_string(), "ENIConfig us-west-2a is not ready");
    assert_eq!(verbs(&api), ["get"]);
}

#[tokio::test]
async fn after_the_deadline_the_eniconfig_is_still_read_and_verified_once() {
    // The wait for the DaemonSet has used the complete time.
    let spent = Wait::For(Duration::ZERO);
    let api = KubernetesApi::start();
    assert_eq!(wait(&api, spent).await.unwrap_err().reason, WaitReason::NotFound);
    assert_eq!(verbs(&api), ["get"]);

    api.apply("us-west-2a", spec());
    assert_eq!(wait(&api, spent).await, good());
    assert_eq!(verbs(&api), ["get", "get"]);

    let full = Diagnostic::failed(Code::SubnetFull, "subnet-0a is full", "release addresses");
    let server = client(&api).await;
    for limit in [spent, Wait::Once] {
        let verify = async |eni_config: &EniConfig| {
            assert_eq!(eni_config.subnet, "subnet-0a");
            vec![full.clone()]
        };
        let timer = WaitTimer::start(limit);
        let error =
            eni_bootstrap::wait::until_ready(&server, &name(), timer, (Duration::ZERO, verify))
                .await;
        assert_eq!(error.unwrap_err().reason, WaitReason::DoesNotFit(full.clone()));
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_rejected() {
    let (api, other) = (KubernetesApi::start(), KubernetesApi::start());
    let swapped = api.kubeconfig().replace(&api.ca_base64(), &other.ca_base64());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(swapped.as_bytes()).unwrap();
    let server = ApiServer::by_kubeconfig(file.path(), &Context::default()).await.unwrap();
    let error = until_ready(&server, &name(), Wait::Once).await.unwrap_err();
    let WaitReason::Api(KubernetesError::Unreachable(source)) = error.reason else {
        panic!("{:?}", error.reason)
    };
    let text = one_line(&source);
    assert!(text.contains("invalid peer certificate"), "{text}");
}
